//! Which record a statement became: by its id and party, for as long as the
//! ledger stands. The live index of ids knows the last 30 days; these files
//! start it, and answer for what is older.
//!
//! A file for each day, by the ids' own time, `day-N` with N counted from
//! 1970, written at its end only. It is a row of blocks: how many ids (u32
//! BE), for each its key and its position (u64 BE), CRC-32C (u32 BE) of the
//! block so far. How much of each file counts stands in the snapshot; what a
//! crash left beyond that is cut off.
//!
//! Why not rows of the store: ids are many, come in the order of time, are
//! read whole or by the day, and leave by the day.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::projector::Folded;
use super::store::{StoreError, make_folder, sync_folder};
use crate::event::StatementId;

/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// (party, id) in 16 bytes: the first of their BLAKE3, so that a long party
/// code takes no more room than a short one.
pub type IdKey = [u8; 16];

/// How many bytes of each day's file count.
pub type Lengths = BTreeMap<i64, u64>;

/// Bytes of an entry: the key, then the position.
const ENTRY: usize = 16 + 8;

/// Bytes of a block beside its entries.
const FRAME: usize = 4 + 4;

/// Ids of a block, at most: whoever reads one holds it.
const BLOCK_IDS: usize = 16 * 1024;

/// Bytes that are read at a time.
const CHUNK: usize = 256 * 1024;

const NAME: &str = "day-";

/// The key of a statement.
pub fn key(party: &str, id: StatementId) -> IdKey {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&id.0).update(party.as_bytes());
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    key
}

/// The day of a time, counted from 1970, Unix milliseconds.
pub fn day(unix_ms: i64) -> i64 {
    unix_ms.div_euclid(DAY_MS)
}

/// The files in a folder, to look ids up in.
#[derive(Clone, Debug)]
pub struct Days {
    dir: PathBuf,
}

impl Days {
    /// Those of a folder, which is made if there is none, as long as the
    /// snapshot says: what is beyond that, or of other days, goes.
    pub fn open(dir: &Path, lengths: &Lengths) -> Result<Days, StoreError> {
        make_folder(dir)?;
        let days = Days {
            dir: dir.to_owned(),
        };
        let mut found = Lengths::new();
        for entry in fs::read_dir(dir).map_err(StoreError::io("read", dir))? {
            let entry = entry.map_err(StoreError::io("read", dir))?;
            let path = entry.path();
            let name = entry.file_name();
            let number = name
                .to_str()
                .and_then(|name| name.strip_prefix(NAME)?.parse().ok());
            let Some(day) = number else {
                return Err(StoreError::damaged(&path, "it is none of the days"));
            };
            if lengths.contains_key(&day) {
                let length = entry
                    .metadata()
                    .map_err(StoreError::io("read", &path))?
                    .len();
                found.insert(day, length);
            } else {
                fs::remove_file(&path).map_err(StoreError::io("remove", &path))?;
            }
        }
        for (day, length) in lengths {
            let path = days.path(*day);
            let there = found.get(day).copied().unwrap_or_default();
            if there < *length {
                return Err(StoreError::damaged(&path, "it is shorter than it was"));
            }
            if there > *length {
                let file = OpenOptions::new().write(true).open(&path);
                let cut = file.and_then(|file| file.set_len(*length));
                cut.map_err(StoreError::io("cut", &path))?;
            }
        }
        Ok(days)
    }

    fn path(&self, day: i64) -> PathBuf {
        self.dir.join(format!("{NAME}{day}"))
    }

    /// How many ids of a day there are, at most.
    pub fn count(day: i64, lengths: &Lengths) -> usize {
        let bytes = lengths.get(&day).copied().unwrap_or_default();
        usize::try_from(bytes / ENTRY as u64).unwrap_or(usize::MAX)
    }

    /// Shows key and position of every statement of a day, in no order, all of
    /// what the snapshot says there is.
    pub fn all(
        &self,
        day: i64,
        lengths: &Lengths,
        show: impl FnMut(IdKey, u64),
    ) -> Result<(), StoreError> {
        let length = lengths.get(&day).copied().unwrap_or_default();
        if self.each(day, show)? == length {
            return Ok(());
        }
        Err(StoreError::damaged(&self.path(day), "a block is none"))
    }

    /// Shows those of the blocks that are there; returns how many bytes.
    fn each(&self, day: i64, mut show: impl FnMut(IdKey, u64)) -> Result<u64, StoreError> {
        let path = self.path(day);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(StoreError::io("open", &path)(error)),
        };
        let mut file = BufReader::with_capacity(CHUNK, file);
        let (mut block, mut bytes) = (Vec::new(), 0u64);
        while read_block(&mut file, &path, &mut block)? {
            bytes = bytes.saturating_add(block.len().saturating_add(FRAME) as u64);
            let (entries, _) = block.as_chunks::<ENTRY>();
            for entry in entries {
                let (key, position) = entry.split_at(size_of::<IdKey>());
                if let (Ok(key), Ok(position)) = (key.try_into(), position.try_into()) {
                    show(key, u64::from_be_bytes(position));
                }
            }
        }
        Ok(bytes)
    }

    /// The position of a statement's record, if it is in the files. What was
    /// recorded in the last seconds may not be.
    pub fn position_of(&self, party: &str, id: StatementId) -> Result<Option<u64>, StoreError> {
        let wanted = key(party, id);
        let mut found = None;
        self.each(day(id.unix_ms()), |key, position| {
            if key == wanted {
                found = Some(position);
            }
        })?;
        Ok(found)
    }
}

/// Reads the entries of the next block; `false` at the end, which is also
/// where one is being written.
fn read_block(
    file: &mut BufReader<File>,
    path: &Path,
    entries: &mut Vec<u8>,
) -> Result<bool, StoreError> {
    let damaged = |what| Err(StoreError::damaged(path, what));
    let (mut count, mut crc) = ([0; 4], [0; 4]);
    let mut read = || {
        file.read_exact(&mut count)?;
        let ids = usize::try_from(u32::from_be_bytes(count)).unwrap_or(usize::MAX);
        if ids > BLOCK_IDS {
            return Err(io::ErrorKind::InvalidData.into());
        }
        entries.resize(ids.saturating_mul(ENTRY), 0);
        file.read_exact(entries)?;
        file.read_exact(&mut crc)
    };
    match read() {
        Ok(()) if crc == sum(&count, entries) => Ok(true),
        Ok(()) => damaged("the sum of a block is another"),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => damaged("a block is none"),
        Err(error) => Err(StoreError::io("read", path)(error)),
    }
}

fn sum(count: &[u8], entries: &[u8]) -> [u8; 4] {
    crc32c::crc32c_append(crc32c::crc32c(count), entries).to_be_bytes()
}

/// Writes the files.
#[derive(Debug)]
pub struct Statements {
    days: Days,
    lengths: Lengths,
    /// By day, what is not written yet.
    pending: BTreeMap<i64, Vec<(IdKey, u64)>>,
    count: usize,
}

impl Statements {
    /// Goes on where the files end.
    pub fn new(days: Days, lengths: Lengths) -> Statements {
        Statements {
            days,
            lengths,
            pending: BTreeMap::new(),
            count: 0,
        }
    }

    /// A statement has been recorded.
    pub fn fold(&mut self, folded: &Folded) {
        let record = &folded.record;
        if let Some(id) = StatementId::parse(&record.payload.id) {
            let entry = (key(&record.payload.party, id), record.position());
            self.pending
                .entry(day(id.unix_ms()))
                .or_default()
                .push(entry);
            self.count = self.count.saturating_add(1);
        }
    }

    /// How many are not written yet.
    pub fn pending(&self) -> usize {
        self.count
    }

    /// Writes them, durably. Returns how much of each file counts from now on.
    pub fn flush(&mut self) -> Result<&Lengths, StoreError> {
        let mut is_new = false;
        for (day, entries) in std::mem::take(&mut self.pending) {
            let path = self.days.path(day);
            let bytes = blocks(&entries);
            let written = OpenOptions::new().append(true).create(true).open(&path);
            let written = written.and_then(|mut file| {
                file.write_all(&bytes)?;
                file.sync_data()
            });
            written.map_err(StoreError::io("write", &path))?;
            let length = self.lengths.entry(day).or_default();
            is_new |= *length == 0;
            *length = length.saturating_add(bytes.len() as u64);
        }
        self.count = 0;
        if is_new {
            sync_folder(&self.days.dir)?;
        }
        Ok(&self.lengths)
    }
}

fn blocks(entries: &[(IdKey, u64)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len().saturating_mul(ENTRY).saturating_add(8));
    let mut block = Vec::new();
    for entries in entries.chunks(BLOCK_IDS) {
        block.clear();
        for (key, position) in entries {
            block.extend_from_slice(key);
            block.extend_from_slice(&position.to_be_bytes());
        }
        let count = u32::try_from(entries.len())
            .unwrap_or(u32::MAX)
            .to_be_bytes();
        bytes.extend_from_slice(&count);
        bytes.extend_from_slice(&block);
        bytes.extend_from_slice(&sum(&count, &block));
    }
    bytes
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )]

    use std::collections::BTreeSet;

    use tempfile::tempdir;

    use super::*;

    fn write(days: &Days, lengths: &Lengths, entries: &[(i64, u64)]) -> Lengths {
        let mut statements = Statements::new(days.clone(), lengths.clone());
        for (day, position) in entries {
            let entry = (entry_key(*position), *position);
            statements.pending.entry(*day).or_default().push(entry);
        }
        statements.flush().unwrap().clone()
    }

    fn entry_key(position: u64) -> IdKey {
        u128::from(position).to_be_bytes()
    }

    fn read(days: &Days, day: i64) -> Result<BTreeSet<u64>, StoreError> {
        let mut found = BTreeSet::new();
        days.each(day, |key, position| {
            assert_eq!(key, entry_key(position));
            assert!(found.insert(position));
        })?;
        Ok(found)
    }

    #[test]
    fn what_is_beyond_the_snapshot_is_cut_off_and_written_again() {
        let dir = tempdir().unwrap();
        let days = Days::open(dir.path(), &Lengths::new()).unwrap();
        let many: Vec<(i64, u64)> = (0..40_000).map(|n| (1, n)).collect();
        let first = write(&days, &Lengths::new(), &many);
        let second = write(&days, &first, &[(1, 40_000), (2, 40_001)]);
        assert_eq!(read(&days, 1).unwrap().len(), 40_001);
        // The snapshot that knows of the second was never written.
        let days = Days::open(dir.path(), &first).unwrap();
        assert_eq!(read(&days, 1).unwrap(), (0..40_000).collect());
        assert!(read(&days, 2).unwrap().is_empty());
        assert_eq!(write(&days, &first, &[(1, 40_000), (2, 40_001)]), second);
        // A block that is being written is not there yet.
        let path = days.path(2);
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            assert!(read(&days, 2).unwrap().is_empty(), "{length} bytes");
            assert!(Days::open(dir.path(), &second).is_err());
        }
    }

    #[test]
    fn any_byte_that_is_changed_is_noticed() {
        let dir = tempdir().unwrap();
        let days = Days::open(dir.path(), &Lengths::new()).unwrap();
        let lengths = write(&days, &Lengths::new(), &[(3, 1), (3, 2)]);
        let whole = fs::read(days.path(3)).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            fs::write(days.path(3), &bytes).unwrap();
            assert!(days.all(3, &lengths, |_, _| {}).is_err(), "byte {at}");
        }
        fs::write(days.path(3), &whole).unwrap();
        days.all(3, &lengths, |_, _| {}).unwrap();
        fs::remove_file(days.path(3)).unwrap();
        assert!(Days::open(dir.path(), &lengths).is_err());
        fs::write(dir.path().join("else"), b"").unwrap();
        assert!(Days::open(dir.path(), &Lengths::new()).is_err());
    }
}
