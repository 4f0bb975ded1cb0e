//! What can go wrong with a journal, in words an operator can act on.
//!
//! Not here: damage found by [`scan`](super::scan()), which is a finding of
//! verification and not a failed operation; see [`Damage`](super::Damage).

use std::io;

use super::{FRAME_HEADER_BYTES, MAX_BATCH_BYTES, MAX_BODY_BYTES, MAX_SEGMENT_BYTES};
use super::{MIN_SEGMENT_BYTES, segment};

/// Why the journal could not be created, opened, appended to or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The storage failed. After this on the write path the writer is
    /// poisoned: whether the batch in flight is durable is known only after
    /// opening again.
    #[error("journal: cannot {action} {name}: {source}")]
    Io {
        /// What was being tried, such as `sync`.
        action: &'static str,
        /// The file, or `the folder`.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// An earlier write or sync failed, so nothing more is accepted.
    #[error(
        "journal: an earlier write or sync failed and what is on disk is in doubt; \
         stop, check the disk, and open the journal again"
    )]
    Poisoned,
    /// There is already a journal where one was to be created.
    #[error("journal: {name} is already there; open it, or choose an empty folder")]
    Exists {
        /// The segment that was found.
        name: String,
    },
    /// There is no journal where one was to be opened.
    #[error("journal: the folder holds no segment; create the ledger first, or check the path")]
    NotFound,
    /// The journal belongs to another ledger.
    #[error(
        "journal: {segment} belongs to the ledger {}, not to {}; check the data directory",
        hex(found),
        hex(expected)
    )]
    Origin {
        /// The segment that says so.
        segment: String,
        /// The origin the caller, or the segments before, named.
        expected: [u8; 32],
        /// The origin in the header.
        found: [u8; 32],
    },
    /// A segment was written by a version of the format this program cannot read.
    #[error(
        "journal: {segment} has format version {found}, this program reads {supported}; use the program that wrote it"
    )]
    Version {
        /// The segment.
        segment: String,
        /// Version in its header.
        found: u32,
        /// [`FORMAT_VERSION`](super::FORMAT_VERSION).
        supported: u32,
    },
    /// A segment in the middle is not there.
    #[error(
        "journal: the segment {} is missing (records {position} to {}); \
         put it back from a backup or another copy: hazledger repair DIR --from COPY",
        segment::name(*position), next.saturating_sub(1)
    )]
    Missing {
        /// First position of the missing segment.
        position: u64,
        /// First position of the segment that is there instead.
        next: u64,
    },
    /// Bytes that were once durable no longer read as they were written.
    #[error(
        "journal: {segment} is damaged at byte {offset} (record {position}): {what}; \
         these bytes were durable, so the disk or a hand changed them: \
         heal this segment from a backup or another copy: hazledger repair DIR --from COPY"
    )]
    Rot {
        /// The damaged segment.
        segment: String,
        /// Byte offset of the damage in the segment.
        offset: u64,
        /// The record the damage stands at, or would have stood at.
        position: u64,
        /// What is wrong there.
        what: String,
    },
    /// Records the caller knows to have been durable are not there.
    #[error(
        "journal: it ends before record {have}, but the first {floor} records are known to have \
         been durable; the disk lost acknowledged records: \
         get them back from a backup or another copy: hazledger repair DIR --from COPY"
    )]
    Lost {
        /// Records the journal holds.
        have: u64,
        /// Records known from elsewhere to have been durable.
        floor: u64,
    },
    /// The batch was refused before anything was written; the journal goes on.
    #[error(transparent)]
    Refused(#[from] BatchRefused),
    /// The options make no journal.
    #[error(
        "journal: segment size {segment_bytes} is outside {MIN_SEGMENT_BYTES} to {MAX_SEGMENT_BYTES} bytes"
    )]
    Options {
        /// The size asked for.
        segment_bytes: u32,
    },
}

/// Why a batch was not written. Nothing changed; the next append may succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchRefused {
    /// A batch holds at least one record.
    #[error("journal: a batch without records")]
    Empty,
    /// Records are appended in order, without gaps.
    #[error("journal: the batch starts at record {found}, the next is {expected}")]
    OutOfOrder {
        /// The next position of the journal.
        expected: u64,
        /// The first position of the batch.
        found: u64,
    },
    /// A record body or commit body is longer than a frame may hold.
    #[error("journal: {what} is {bytes} bytes, at most {MAX_BODY_BYTES} fit in a frame")]
    BodyTooLong {
        /// `record 17`, or `the commit`.
        what: String,
        /// Its length.
        bytes: usize,
    },
    /// The batch with its frames is longer than [`MAX_BATCH_BYTES`].
    #[error(
        "journal: the batch is {bytes} bytes with its frames ({FRAME_HEADER_BYTES} each), at most {MAX_BATCH_BYTES}"
    )]
    BatchTooLong {
        /// Its length, frames included.
        bytes: usize,
    },
}

impl JournalError {
    /// For `map_err`: names the action and the file an I/O error came from.
    pub(super) fn io<'a>(action: &'static str, name: &'a str) -> impl Fn(io::Error) -> Self + 'a {
        move |source| Self::Io {
            action,
            name: name.to_owned(),
            source,
        }
    }
}

fn hex(bytes: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
