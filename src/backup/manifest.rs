//! The manifest of a backup: which files it is made of, under which names they
//! stand, and what they hold. Text, so that it can be read without this
//! program. Not here: reading and writing the files (`take`, `verify`).

use std::fmt::{self, Write as _};

use crate::event::Hash;
use crate::event::digest::to_hex;
use crate::storage::UNFINISHED;

/// Version of the backup's format, and the only one read.
pub const FORMAT_VERSION: u32 = 1;

/// Files of a backup, at most: at 64 MiB a segment they are 64 TB.
pub const MAX_FILES: usize = 1_000_000;
/// Bytes of a manifest, at most.
pub const MAX_MANIFEST_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes of a name, at most.
const MAX_NAME: usize = 200;

/// The name of a data directory's marker file.
pub(super) const MARKER: &str = "LEDGER";
/// The name of the ledger's key file.
pub(super) const KEY: &str = "ledger.key";
/// The folders of a data directory that are backed up, as prefixes of names.
pub(super) const JOURNAL: &str = "journal/";
pub(super) const REFUSALS: &str = "refusals/";
pub(super) const CHECKPOINTS: &str = "checkpoints/";

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the data directory, `/` between folder and file.
    pub name: String,
    /// Its name in the backup.
    pub stored: String,
    /// Bytes.
    pub bytes: u64,
    /// BLAKE3 of them.
    pub hash: Hash,
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Head hash of record 0.
    pub genesis_hash: Hash,
    /// Records of the journal.
    pub records: u64,
    /// Head hash of the last of them.
    pub last_head: Hash,
    /// When that was recorded, Unix milliseconds.
    pub recorded_at_ms: i64,
    /// When the backup was taken, by the clock of whoever took it, Unix
    /// milliseconds.
    pub taken_at_ms: i64,
    /// The files, each name once.
    pub files: Vec<Entry>,
}

/// Text that is no manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadManifest {
    /// Not one of ours.
    #[error("its first line is not `hazledger backup`")]
    NotOne,
    /// Made by another version of this program.
    #[error(
        "it has format version {0}, this program reads {FORMAT_VERSION}; use the program that wrote it"
    )]
    Version(String),
    /// A line that should be there is not, or says what cannot be.
    #[error("`{0}` is missing, or is not what it should be")]
    Field(&'static str),
    /// A line about a file.
    #[error("line {0} does not name a file of a backup, its size and its hash")]
    Line(usize),
    /// More than there can be.
    #[error("more than {MAX_FILES} files")]
    TooMany,
    /// The last line does not hold.
    #[error("its own hash does not hold, or it is cut short")]
    Hash,
}

impl Manifest {
    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        let sizes = self.files.iter().map(|file| file.bytes);
        sizes.fold(0, u64::saturating_add)
    }

    /// A file by its name in the data directory.
    pub fn file(&self, name: &str) -> Option<&Entry> {
        self.files.iter().find(|file| file.name == name)
    }

    /// The files of a folder of the data directory.
    pub(super) fn folder<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Entry> {
        let inside = move |file: &&Entry| file.name.starts_with(prefix);
        self.files.iter().filter(inside)
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`BadManifest`]: what is wrong with it.
    pub fn parse(text: &str) -> Result<Manifest, BadManifest> {
        let mut lines = text.lines();
        if lines.next() != Some("hazledger backup") {
            return Err(BadManifest::NotOne);
        }
        let version = field(&mut lines, "version")?;
        if version != FORMAT_VERSION.to_string() {
            return Err(BadManifest::Version(version.to_owned()));
        }
        let (covered, end) = text.rsplit_once("end ").ok_or(BadManifest::Hash)?;
        let end = end.strip_suffix('\n').and_then(read_hash);
        if end != Some(Hash(*blake3::hash(covered.as_bytes()).as_bytes())) {
            return Err(BadManifest::Hash);
        }
        let mut manifest = Manifest {
            genesis_hash: hash_field(&mut lines, "genesis")?,
            records: number_field(&mut lines, "records")?,
            last_head: hash_field(&mut lines, "last head")?,
            recorded_at_ms: number_field(&mut lines, "recorded ms")?,
            taken_at_ms: number_field(&mut lines, "taken ms")?,
            files: Vec::new(),
        };
        // Version, five fields and the first line stand above.
        for (number, line) in (8..).zip(lines) {
            if line.starts_with("end ") {
                break;
            }
            if manifest.files.len() == MAX_FILES {
                return Err(BadManifest::TooMany);
            }
            let entry = Entry::parse(line).ok_or(BadManifest::Line(number))?;
            manifest.files.push(entry);
        }
        manifest.has_each_once()?;
        // In its one form: a line after the last would be nobody's.
        if manifest.to_string() != text {
            return Err(BadManifest::Hash);
        }
        Ok(manifest)
    }

    fn has_each_once(&self) -> Result<(), BadManifest> {
        let mut names: Vec<&str> = self.files.iter().map(|file| file.name.as_str()).collect();
        let mut stored: Vec<&str> = self.files.iter().map(|file| file.stored.as_str()).collect();
        for all in [&mut names, &mut stored] {
            all.sort_unstable();
            if all.windows(2).any(|pair| pair.first() == pair.last()) {
                return Err(BadManifest::Field("file"));
            }
        }
        if self.file(MARKER).is_none() {
            return Err(BadManifest::Field("file … LEDGER"));
        }
        Ok(())
    }
}

impl fmt::Display for Manifest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!(
            "hazledger backup\nversion = {FORMAT_VERSION}\ngenesis = {}\nrecords = {}\n\
             last head = {}\nrecorded ms = {}\ntaken ms = {}\n",
            self.genesis_hash, self.records, self.last_head, self.recorded_at_ms, self.taken_at_ms
        );
        for file in &self.files {
            writeln!(
                text,
                "file {} {} {} {}",
                file.hash, file.bytes, file.name, file.stored
            )?;
        }
        let hash = blake3::hash(text.as_bytes());
        writeln!(out, "{text}end {}", to_hex(hash.as_bytes()))
    }
}

impl Entry {
    fn parse(line: &str) -> Option<Entry> {
        let mut words = line.split(' ');
        if words.next() != Some("file") {
            return None;
        }
        let hash = read_hash(words.next()?)?;
        let bytes = read_number(words.next()?)?;
        let name = words.next().filter(|name| is_name(name))?;
        let stored = words.next().filter(|stored| is_stored(stored))?;
        words.next().is_none().then(|| Entry {
            name: name.to_owned(),
            stored: stored.to_owned(),
            bytes,
            hash,
        })
    }
}

/// Whether a name is one of a data directory's files that a backup may hold.
/// Nothing else is ever written by a restore.
pub(super) fn is_name(name: &str) -> bool {
    let segment = |file: &str| {
        file.strip_suffix(".seg")
            .is_some_and(|digits| digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit()))
    };
    match name.split_once('/') {
        None => name == MARKER || name == KEY,
        Some(("journal" | "refusals", file)) => segment(file),
        Some(("checkpoints", file)) => is_plain(file),
        Some(_) => false,
    }
}

/// Whether a name may be one of a file in a backup's folder.
pub(super) fn is_stored(name: &str) -> bool {
    is_plain(name) && name != MANIFEST && name != LOCK && !name.ends_with(UNFINISHED)
}

/// One file name: small, and nothing in it that means something to a shell or
/// to a file system.
fn is_plain(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !name.is_empty() && name.len() <= MAX_NAME && !name.starts_with('.') && name.bytes().all(plain)
}

/// The manifest's own name, in the backup's folder.
pub(super) const MANIFEST: &str = "MANIFEST";
/// Held by whoever writes to a backup.
pub(super) const LOCK: &str = "LOCK";

fn field<'a>(lines: &mut std::str::Lines<'a>, name: &'static str) -> Result<&'a str, BadManifest> {
    let line = lines.next().and_then(|line| line.split_once(" = "));
    line.filter(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .ok_or(BadManifest::Field(name))
}

fn hash_field(lines: &mut std::str::Lines<'_>, name: &'static str) -> Result<Hash, BadManifest> {
    read_hash(field(lines, name)?).ok_or(BadManifest::Field(name))
}

fn number_field<N: std::str::FromStr + ToString>(
    lines: &mut std::str::Lines<'_>,
    name: &'static str,
) -> Result<N, BadManifest> {
    read_number(field(lines, name)?).ok_or(BadManifest::Field(name))
}

/// A number in its one form.
fn read_number<N: std::str::FromStr + ToString>(text: &str) -> Option<N> {
    let number: N = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

/// 64 lower-case hexadecimal digits.
fn read_hash(text: &str) -> Option<Hash> {
    let (high, low) = text.split_at_checked(32)?;
    let half = |digits: &str| {
        let bytes = u128::from_str_radix(digits, 16).ok()?.to_be_bytes();
        (digits == to_hex(&bytes)).then_some(bytes)
    };
    Hash::from_slice(&[half(high)?, half(low)?].concat())
}
