//! A segment: its name, its header, its offset table.
//!
//! Not here: what stands between them (`walk`).

use super::JournalError;
use super::frame::{FRAME_HEADER_BYTES, Kind, Mark, encode, take};
use crate::storage::UNFINISHED;

/// Version of the format this program writes, and the only one it reads.
pub const FORMAT_VERSION: u32 = 1;

/// Size segments are allocated at unless the options say otherwise.
pub const DEFAULT_SEGMENT_BYTES: u32 = 64 * 1024 * 1024;
/// Smallest size of a segment (tests).
pub const MIN_SEGMENT_BYTES: u32 = 512;
/// Largest size of a segment; offsets are 32 bits with room for one more batch.
pub const MAX_SEGMENT_BYTES: u32 = 1024 * 1024 * 1024;

const MAGIC: [u8; 8] = *b"HAZLSEG\n";
const SUFFIX: &str = ".seg";

/// Bytes of a segment's header.
pub(super) const HEADER_BYTES: usize = MAGIC.len()
    + size_of::<u32>()
    + size_of::<[u8; 32]>()
    + size_of::<u64>()
    + size_of::<[u8; 32]>()
    + size_of::<u32>();

/// How a journal lays out its files. Says nothing about what they mean: any
/// reader reads segments of any size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalOptions {
    /// Bytes a segment is allocated at, and rolls over at. Larger makes fewer
    /// files and a longer scan after an unclean stop. Default 64 MiB.
    pub segment_bytes: u32,
}

impl Default for JournalOptions {
    fn default() -> Self {
        Self {
            segment_bytes: DEFAULT_SEGMENT_BYTES,
        }
    }
}

impl JournalOptions {
    pub(super) fn check(self) -> Result<Self, JournalError> {
        if (MIN_SEGMENT_BYTES..=MAX_SEGMENT_BYTES).contains(&self.segment_bytes) {
            Ok(self)
        } else {
            Err(JournalError::Options {
                segment_bytes: self.segment_bytes,
            })
        }
    }
}

/// What the header of a segment says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The ledger the segment belongs to.
    pub origin: [u8; 32],
    /// Position of its first record.
    pub first_position: u64,
    /// Head hash of the record before that; zeros at position 0.
    pub previous_head: [u8; 32],
}

/// Why bytes are not the header they should be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum HeaderFault {
    #[error("the segment header is cut short")]
    Short,
    #[error("this is not the start of a segment")]
    Magic,
    #[error("the checksum of the segment header does not match")]
    Checksum,
    #[error("format version {0} is unknown")]
    Version(u32),
}

impl Header {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&self.origin);
        out.extend_from_slice(&self.first_position.to_le_bytes());
        out.extend_from_slice(&self.previous_head);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        Self::fields(bytes).ok_or(HeaderFault::Short)?
    }

    fn fields(whole: &[u8]) -> Option<Result<Self, HeaderFault>> {
        let mut bytes = whole;
        let magic: [u8; MAGIC.len()] = take(&mut bytes)?;
        let version = u32::from_le_bytes(take(&mut bytes)?);
        let header = Self {
            origin: take(&mut bytes)?,
            first_position: u64::from_le_bytes(take(&mut bytes)?),
            previous_head: take(&mut bytes)?,
        };
        let covered = whole.get(..whole.len().checked_sub(bytes.len())?)?;
        let crc = u32::from_le_bytes(take(&mut bytes)?);
        Some(if magic != MAGIC {
            Err(HeaderFault::Magic)
        } else if crc32c::crc32c(covered) != crc {
            Err(HeaderFault::Checksum)
        } else if version != FORMAT_VERSION {
            Err(HeaderFault::Version(version))
        } else {
            Ok(header)
        })
    }
}

/// File name of the segment that starts at a position.
pub(super) fn name(first_position: u64) -> String {
    format!("{first_position:020}{SUFFIX}")
}

/// Name of a segment, or of a copy set aside, while it is being written. It
/// holds nothing that is not elsewhere, so one that was left over may go.
pub(super) fn unfinished(name: &str) -> String {
    format!("{name}{UNFINISHED}")
}

/// Name under which the torn state of a segment is set aside.
pub(super) fn torn(name: &str, number: u64) -> String {
    format!("{name}.torn-{number}")
}

/// Name under which a damaged segment is kept when another takes its place.
pub(super) fn damaged(name: &str, number: u64) -> String {
    format!("{name}.damaged-{number}")
}

/// What a folder holds, by name.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// First positions of the segments, ascending.
    pub segments: Vec<u64>,
    /// Left-over unfinished files.
    pub unfinished: Vec<String>,
    /// Every other name: what was set aside, and what is not ours.
    pub others: Vec<String>,
}

impl Listing {
    pub fn of(names: Vec<String>) -> Self {
        let mut listing = Self::default();
        for found in names {
            let position = found
                .strip_suffix(SUFFIX)
                .and_then(|digits| digits.parse().ok());
            match position.filter(|position| name(*position) == found) {
                Some(position) => listing.segments.push(position),
                None if found.ends_with(UNFINISHED) => listing.unfinished.push(found),
                None => listing.others.push(found),
            }
        }
        listing.segments.sort_unstable();
        listing
    }

    /// The first unused name for a segment that is kept: [`torn`] or [`damaged`].
    pub fn free_name(&self, kept: fn(&str, u64) -> String, segment: &str) -> String {
        // One more candidate than there are names, so one is free.
        (1..=self.others.len() as u64)
            .map(|number| kept(segment, number))
            .find(|name| !self.others.contains(name))
            .unwrap_or_else(|| kept(segment, self.others.len() as u64 + 1))
    }
}

/// The offset table of a sealed segment: where each of its records stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OffsetTable<'a> {
    /// Little-endian `u32`s, one a record, in order of position.
    pub entries: &'a [u8],
    /// Head hash of the segment's last record.
    pub last_head: [u8; 32],
    /// Number of entries. Last in the file, so the table is found from its end.
    pub count: u32,
}

/// Bytes of one entry.
pub(super) const ENTRY_BYTES: usize = size_of::<u32>();
/// Bytes of the count at the very end.
pub(super) const COUNT_BYTES: usize = size_of::<u32>();

/// Bytes of a whole offset table frame for `count` records.
pub(super) fn table_frame_bytes(count: u64) -> u64 {
    let fixed = FRAME_HEADER_BYTES + size_of::<[u8; 32]>() + COUNT_BYTES;
    count
        .saturating_mul(ENTRY_BYTES as u64)
        .saturating_add(fixed as u64)
}

impl<'a> OffsetTable<'a> {
    /// Reads the body of an offset table frame. `None` if it contradicts itself.
    pub fn read(body: &'a [u8]) -> Option<Self> {
        let (rest, count) = body.split_last_chunk::<COUNT_BYTES>()?;
        let (entries, last_head) = rest.split_last_chunk::<32>()?;
        let count = u32::from_le_bytes(*count);
        let expected = usize::try_from(count).ok()?.checked_mul(ENTRY_BYTES)?;
        (entries.len() == expected).then_some(Self {
            entries,
            last_head: *last_head,
            count,
        })
    }

    /// The offsets, in order of position.
    pub fn offsets(&self) -> impl Iterator<Item = u32> + 'a {
        let (entries, _) = self.entries.as_chunks::<ENTRY_BYTES>();
        entries.iter().map(|entry| u32::from_le_bytes(*entry))
    }
}

/// Encodes an offset table frame. `None` if there are more than 32 bits of records.
pub(super) fn encode_table(mark: Mark, offsets: &[u32], last_head: &[u8; 32]) -> Option<Vec<u8>> {
    let count = u32::try_from(offsets.len()).ok()?;
    let entries: Vec<u8> = offsets
        .iter()
        .flat_map(|offset| offset.to_le_bytes())
        .collect();
    let mut out = Vec::new();
    encode(
        &mut out,
        Kind::OffsetTable,
        mark,
        &[&entries, last_head, &count.to_le_bytes()],
    )
    .ok()?;
    Some(out)
}
