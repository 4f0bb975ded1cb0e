//! A disk in memory that knows what is written and what is durable, loses
//! power at a chosen step, tears and reorders writes, fails and lies.
//!
//! For tests and benches of the journal and of what stands on it. What it
//! assumes of a disk is FORMAT.md's list, made as bad as that list allows: a
//! write that was not synced may survive in any part, piece by piece of
//! [`SECTOR_BYTES`]; a rename or creation may survive or not. Not a model of
//! speed, nor of bytes that change by themselves: see [`SimStorage::corrupt`].

mod disk;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use self::disk::{Change, Disk, NameChange, SimulatedFile, Watch};
use super::{Storage, StorageFile};

/// Pieces of which an unsynced write survives some and not others. Smaller
/// than on any disk, so that small batches tear too.
pub const SECTOR_BYTES: usize = 32;

/// What is left of unsynced steps when the power goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashPolicy {
    /// Nothing.
    LoseUnsynced,
    /// Any part, chosen by this seed.
    Subset(u64),
    /// All, but of the last write only so many bytes.
    TearLastWrite(usize),
}

/// How one step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// EIO. A sync that fails so drops what it could not write: it is read
    /// back, but no later sync makes it durable, as on Linux.
    Io,
    /// ENOSPC.
    NoSpace,
    /// A write stops after so many bytes, then fails; other steps as [`Io`](Self::Io).
    ShortWrite(usize),
}

/// Which step is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Counted from 0.
    At(u64),
    /// The first that does this: `allocate`, `create`, `rename`, `shorten`,
    /// `sync`, `write`. Where a step stands depends on what is written
    /// together; this does not.
    First(&'static str),
}

/// One folder on a simulated disk. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct SimStorage {
    disk: Arc<Mutex<Disk>>,
}

/// An open file of a [`SimStorage`].
#[derive(Debug)]
pub struct SimFile {
    disk: Arc<Mutex<Disk>>,
    id: u64,
}

impl Step {
    fn is(self, step: u64, action: &str) -> bool {
        match self {
            Self::At(at) => at == step,
            Self::First(first) => first == action,
        }
    }
}

impl SimStorage {
    /// An empty folder.
    pub fn new() -> Self {
        Self::default()
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(disk: Disk) -> Self {
        Self {
            disk: Arc::new(Mutex::new(disk)),
        }
    }

    fn copied(&self, change: impl FnOnce(Disk) -> Disk) -> Self {
        let disk = self.disk().clone();
        Self::of(change(disk))
    }

    /// Writes, syncs, renames and other changes so far.
    pub fn steps(&self) -> u64 {
        self.disk().steps
    }

    /// Lets the power go during this step (counted from 0): it may have taken
    /// effect, and every later call fails.
    pub fn power_off_at(&self, step: u64) {
        self.disk().power_off_at = Some(step);
    }

    /// Lets one step fail once.
    pub fn fail_at(&self, step: Step, fault: Fault) {
        let mut disk = self.disk();
        disk.fault = Some((step, fault));
        disk.failed = None;
    }

    /// What the step that [`fail_at`](Self::fail_at) made fail was, and on
    /// which file: `sync`, `00000000000000000000.seg`.
    pub fn failed(&self) -> Option<(&'static str, String)> {
        self.disk().failed.clone()
    }

    /// Calls that read so far: listings, openings, lengths and reads.
    pub fn reads(&self) -> u64 {
        self.disk().reads
    }

    /// Lets this one of them (counted from 0) fail once with EIO.
    pub fn fail_read_at(&self, read: u64) {
        self.disk().read_fault = Some(read);
    }

    /// Gives the disk so many bytes in all, or no end again. What would go
    /// beyond fails with ENOSPC.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.disk().capacity = bytes;
    }

    /// Bytes of all files.
    pub fn used(&self) -> u64 {
        self.disk().used()
    }

    /// Shows every step before it is taken: `look` gets another disk, on which
    /// the power has gone during this step, for [`crash`](Self::crash). It
    /// must not touch this one.
    pub fn on_each_step(&self, look: impl Fn(SimStorage) + Send + Sync + 'static) {
        self.disk().watch = Some(Watch(Arc::new(look)));
    }

    /// Makes syncs lie: they succeed and make nothing durable.
    pub fn set_sync_is_noop(&self, lies: bool) {
        self.disk().sync_is_noop = lies;
    }

    /// Another disk: this one after a power loss. This one stays as it is.
    #[must_use]
    pub fn crash(&self, policy: CrashPolicy) -> Self {
        self.copied(|disk| disk.after_crash(policy))
    }

    /// Another disk: this one after the process alone was killed. What was
    /// written is read back, whether it is durable or not.
    #[must_use]
    pub fn restart(&self) -> Self {
        self.copied(Disk::restarted)
    }

    /// Length of the last write if it was not synced: the number of places at
    /// which [`CrashPolicy::TearLastWrite`] can tear it.
    pub fn last_write_bytes(&self) -> usize {
        let disk = self.disk();
        let file = disk.last_written.and_then(|id| disk.files.get(&id));
        let last = file.and_then(|file| {
            file.pending.iter().rev().find_map(|change| match change {
                Change::Write { bytes, .. } => Some(bytes.len()),
                Change::Length(_) | Change::Allocate(_) => None,
            })
        });
        last.unwrap_or(0)
    }

    /// The bytes of a file, if it is there.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.disk().file(name).map(|file| file.now.to_vec())
    }

    /// Changes a file's bytes behind the journal's back, durably. `false` if
    /// it is not there.
    pub fn corrupt(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> bool {
        let mut disk = self.disk();
        let Some(file) = disk.file(name) else {
            return false;
        };
        change(Arc::make_mut(&mut file.now));
        file.durable = Arc::clone(&file.now);
        file.pending.clear();
        true
    }

    /// Flips the bits of `mask` in one byte, durably. `false` if it is not there.
    pub fn flip(&self, name: &str, offset: usize, mask: u8) -> bool {
        let mut flipped = false;
        self.corrupt(name, |bytes| {
            if let Some(byte) = bytes.get_mut(offset) {
                *byte ^= mask;
                flipped = true;
            }
        });
        flipped
    }
}

impl Storage for SimStorage {
    type File = SimFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let mut disk = self.disk();
        disk.read()?;
        Ok(disk.names.keys().cloned().collect())
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        let mut disk = self.disk();
        if disk.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let id = disk.next_id;
        disk.next_id = id.saturating_add(1);
        disk.files.insert(id, SimulatedFile::default());
        disk.act(|disk| {
            disk.rename(NameChange {
                removed: None,
                put: Some((name.to_owned(), id)),
            })
        })?;
        Ok(SimFile {
            disk: Arc::clone(&self.disk),
            id,
        })
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        let mut disk = self.disk();
        disk.read()?;
        let id = *disk.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(SimFile {
            disk: Arc::clone(&self.disk),
            id,
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.disk();
        let id = *disk.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        disk.act(|disk| {
            disk.rename(NameChange {
                removed: Some(from.to_owned()),
                put: Some((to.to_owned(), id)),
            })
        })
    }

    fn link(&self, name: &str, second: &str) -> io::Result<()> {
        let mut disk = self.disk();
        let id = *disk.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        if disk.names.contains_key(second) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        disk.act(|disk| {
            disk.rename(NameChange {
                removed: None,
                put: Some((second.to_owned(), id)),
            })
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut disk = self.disk();
        if !disk.names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        disk.act(|disk| {
            disk.rename(NameChange {
                removed: Some(name.to_owned()),
                put: None,
            })
        })
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.disk().act(Disk::sync_names)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        let mut disk = self.disk();
        disk.read()?;
        let capacity = disk.capacity.unwrap_or(u64::MAX);
        Ok(capacity.saturating_sub(disk.used()))
    }
}

impl SimFile {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look<T>(&self, at: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
        let mut disk = self.disk();
        disk.read()?;
        Ok(at(&disk
            .files
            .get(&self.id)
            .ok_or(io::ErrorKind::NotFound)?
            .now))
    }
}

fn in_memory(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

impl StorageFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let from = in_memory(offset)?;
        self.look(|bytes| {
            let rest = bytes.get(from..).unwrap_or_default();
            let count = rest.len().min(buffer.len());
            if let (Some(target), Some(source)) = (buffer.get_mut(..count), rest.get(..count)) {
                target.copy_from_slice(source);
            }
            count
        })
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let change = Change::Write {
            offset: in_memory(offset)?,
            bytes: bytes.to_vec(),
        };
        self.disk().act(|disk| disk.change(self.id, change.clone()))
    }

    fn allocate(&self, length: u64) -> io::Result<()> {
        let change = Change::Allocate(in_memory(length)?);
        self.disk().act(|disk| disk.change(self.id, change.clone()))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk().act(|disk| disk.sync(self.id))
    }

    fn len(&self) -> io::Result<u64> {
        self.look(|bytes| bytes.len() as u64)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        let change = Change::Length(in_memory(length)?);
        self.disk().act(|disk| disk.change(self.id, change.clone()))
    }
}
