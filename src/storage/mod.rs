//! Folders of files that a promise of durability rests on.
//!
//! | file | what it is |
//! |---|---|
//! | `mod` | [`Storage`], [`StorageFile`]: what is asked of a folder and of a file |
//! | `folder` | [`DirStorage`]: the real folder, and its system calls |
//! | `read_only` | [`ReadOnlyFolder`] and [`View`]: what is only read |
//! | `replace` | a small file replaced durably and as a whole |
//! | `sim` | a disk in memory that loses power, tears writes and fails |
//!
//! Not here: what is in the files.

mod folder;
mod read_only;
mod replace;
pub mod sim;

use std::fmt;
use std::io;

pub use folder::{DirStorage, make_folder, open_to_read};
pub use read_only::{ReadOnly, ReadOnlyFolder, View};
pub use replace::{NotReplaced, UNFINISHED, replace, replace_file};

/// One folder of files. Tests replace it by [`sim`].
pub trait Storage: fmt::Debug + Send + Sync + 'static {
    /// An open file of this storage.
    type File: StorageFile;

    /// The names in the folder, in any order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Creates an empty file; an error if the name is taken. Durable only
    /// after [`sync_dir`](Self::sync_dir).
    fn create(&self, name: &str) -> io::Result<Self::File>;
    /// Opens a file that is there, to read and write; one in an archive to read
    /// only.
    fn open(&self, name: &str) -> io::Result<Self::File>;
    /// Renames a file, replacing `to` in one step. Durable only after
    /// [`sync_dir`](Self::sync_dir).
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Gives a file a second name; an error if that is taken. Durable only
    /// after [`sync_dir`](Self::sync_dir).
    fn link(&self, name: &str, second: &str) -> io::Result<()>;
    /// Removes a file. Durable only after [`sync_dir`](Self::sync_dir).
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes creations, renames and removals before it durable.
    fn sync_dir(&self) -> io::Result<()>;
    /// Bytes that may still be written where the folder is, by this process.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// One open file. All methods take `&self`: readers share it with the writer.
pub trait StorageFile: fmt::Debug + Send + Sync + 'static {
    /// Reads at most `buffer.len()` bytes; 0 only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `bytes`. Durable only after [`sync_data`](Self::sync_data).
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Extends the file with zeros up to `length` such that later writes
    /// inside it change no metadata. Does nothing if it is that long.
    fn allocate(&self, length: u64) -> io::Result<()>;
    /// Makes the bytes and the length written so far durable.
    fn sync_data(&self) -> io::Result<()>;
    /// Length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether it holds nothing.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Cuts the file to `length`, or extends it with a hole.
    fn set_len(&self, length: u64) -> io::Result<()>;
    /// Asks the system to forget what it keeps of the file in memory, so that
    /// the next read is of the disk. A wish: it may be granted or not.
    fn forget_cached(&self) {}

    /// Fills `buffer`; `UnexpectedEof` if the file ends first.
    fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.read_at(buffer, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => {
                    buffer = buffer.get_mut(count..).ok_or(io::ErrorKind::InvalidData)?;
                    offset = offset.saturating_add(count as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
