//! The maps of touched subjects, kept as files: one for the records before each
//! state record that somebody asked about, `projection/maps/POSITION`. A map is
//! made from the records' links when it is asked for, held against the root
//! that its state record says, and thrown away when it disagrees.
//!
//! A file is what its lines are, one after another in order of subject: 32
//! bytes of the subject's digest, 8 of the position, big endian. It has its name
//! only when it is whole. Not here: what the proofs are (`proof::touched`).

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::evidence::Evident;
use super::trace::ReadError;
use crate::custody::touched::{TouchedLine, subject_digest};
use crate::event::Hash;
use crate::event::excerpt::chained_subjects;
use crate::pb::{StateRecorded, Subject, TouchedProof};
use crate::proof::TouchedMap;
use crate::storage::replace_file;

/// Lines of one map, at most: 64 subjects for each record of the usual interval.
pub const MAX_MAP_LINES: usize = 4 * 1024 * 1024;

const LINE: usize = 40;

/// Why a map could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// A record of the interval could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// More lines than are kept in memory.
    #[error(
        "the map of state record {0} has more than {MAX_MAP_LINES} lines; none is made of as many"
    )]
    TooLarge(u64),
    /// The records do not give the map that the state record says.
    #[error(
        "the records before state record {0} do not give the map that it says; run `hazledger verify`"
    )]
    Disagrees(u64),
    /// The folder could not be read or written.
    #[error("{path}: {why}; `projection/maps` can be deleted, it is made again")]
    Io {
        /// Which file.
        path: String,
        /// What the system said.
        why: String,
    },
}

/// The maps of a ledger.
#[derive(Debug)]
pub struct Maps {
    dir: PathBuf,
    /// One is made at a time: each takes memory.
    making: Mutex<()>,
}

impl Maps {
    /// In a folder that is made when there is something to keep.
    pub fn new(dir: PathBuf) -> Maps {
        Maps {
            dir,
            making: Mutex::new(()),
        }
    }

    /// Proves whether a subject is in the map of the state record at a position,
    /// which says `said`; state records stand at multiples of `interval`.
    pub fn prove(
        &self,
        source: &dyn Evident,
        interval: u64,
        position: u64,
        said: &StateRecorded,
        subject: &Subject,
    ) -> Result<TouchedProof, MapError> {
        let _one = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if usize::try_from(said.touched_count).is_ok_and(|count| count > MAX_MAP_LINES) {
            return Err(MapError::TooLarge(position));
        }
        let map = match self.kept(position, said)? {
            Some(map) => map,
            None => self.made(source, interval, position, said)?,
        };
        Ok(map.prove(position, subject))
    }

    fn path(&self, position: u64) -> PathBuf {
        self.dir.join(format!("{position:020}"))
    }

    /// The map as it is kept; none if it is not, or is of no use.
    fn kept(&self, position: u64, said: &StateRecorded) -> Result<Option<TouchedMap>, MapError> {
        let path = self.path(position);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(&path, &error)),
        };
        let length = usize::try_from(said.touched_count).unwrap_or(usize::MAX);
        let length = length.saturating_mul(LINE);
        let mut bytes = Vec::with_capacity(length);
        let most = u64::try_from(length).unwrap_or(u64::MAX).saturating_add(1);
        let read = (&mut file).take(most).read_to_end(&mut bytes);
        read.map_err(|error| failed(&path, &error))?;
        let map = TouchedMap::new(lines(&bytes)).filter(|map| agrees(map, said));
        if map.is_none() || bytes.len() != length {
            fs::remove_file(&path).map_err(|error| failed(&path, &error))?;
            return Ok(None);
        }
        Ok(map)
    }

    /// The map out of the records, kept from now on.
    fn made(
        &self,
        source: &dyn Evident,
        interval: u64,
        position: u64,
        said: &StateRecorded,
    ) -> Result<TouchedMap, MapError> {
        let mut touched: HashMap<Hash, u64> = HashMap::new();
        for at in position.saturating_sub(interval.max(2))..position {
            let unread = |why: String| ReadError { position: at, why };
            let bytes = source.stored(at)?;
            let bytes = bytes.ok_or_else(|| unread("it is not there".into()))?;
            let subjects = chained_subjects(&bytes).map_err(|bad| unread(bad.to_string()))?;
            touched.extend(subjects.iter().map(|subject| (subject_digest(subject), at)));
            if touched.len() > MAX_MAP_LINES {
                return Err(MapError::TooLarge(position));
            }
        }
        let line = |(subject, position)| TouchedLine { subject, position };
        let mut lines: Vec<TouchedLine> = touched.into_iter().map(line).collect();
        lines.sort_unstable();
        let mut bytes = Vec::with_capacity(lines.len().saturating_mul(LINE));
        for line in &lines {
            bytes.extend_from_slice(&line.subject.0);
            bytes.extend_from_slice(&line.position.to_be_bytes());
        }
        let map = TouchedMap::new(lines).filter(|map| agrees(map, said));
        let map = map.ok_or(MapError::Disagrees(position))?;
        self.keep(position, &bytes)?;
        Ok(map)
    }

    fn keep(&self, position: u64, bytes: &[u8]) -> Result<(), MapError> {
        let path = self.path(position);
        let write = || -> io::Result<()> {
            fs::create_dir_all(&self.dir)?;
            Ok(replace_file(&path, |mut file| file.write_all(bytes))?)
        };
        write().map_err(|error| failed(&path, &error))
    }
}

fn failed(path: &Path, error: &io::Error) -> MapError {
    MapError::Io {
        path: path.display().to_string(),
        why: error.to_string(),
    }
}

fn agrees(map: &TouchedMap, said: &StateRecorded) -> bool {
    map.count() == said.touched_count && map.root().0 == said.touched_root.as_ref()
}

fn lines(bytes: &[u8]) -> Vec<TouchedLine> {
    let (whole, _) = bytes.as_chunks::<LINE>();
    let line = |chunk: &[u8; LINE]| {
        let (subject, position) = chunk.split_first_chunk::<32>()?;
        Some(TouchedLine {
            subject: Hash(*subject),
            position: u64::from_be_bytes(position.try_into().ok()?),
        })
    };
    whole.iter().filter_map(line).collect()
}
