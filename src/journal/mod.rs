//! Append-only segment files: where a record becomes durable, and is read from.
//!
//! | file | what it is |
//! |---|---|
//! | `batch` | a batch to be appended, and its bounds |
//! | `frame` | one frame: encode, decode, checksum |
//! | `segment` | names, header, offset table, options |
//! | `landmark` | where some records of a sealed segment stand, in memory |
//! | `walk` | strict reading of one segment, frame after frame |
//! | `survey` | what is there: rot, a torn tail, or neither; changes nothing |
//! | `recovery` | what opening then does after a stop, clean or not |
//! | `writer` | [`Journal`]: the single writer and its durability point |
//! | `reader` | [`Reader`]: committed records, concurrent with the writer |
//! | `find` | one record's frame in its segment |
//! | `scan` | every byte, strictly, repairing nothing: for `verify` and the scrubber |
//! | `durable` | how far a journal is durable that somebody else is writing |
//! | `forget` | a journal whose oldest segments may go |
//! | `heal` | another copy of a segment in the place of a damaged one: for `repair` |
//! | `withhold` | a sealed segment with some of its bodies gone: for retention |
//!
//! What this module is not: it knows no events. Bodies are opaque; what they
//! mean, whether their hashes chain and who signed them is their reader's
//! affair. It takes no lock on the folder: its owner does.
//!
#![doc = include_str!("FORMAT.md")]

mod batch;
mod durable;
mod error;
mod find;
mod forget;
mod frame;
mod heal;
mod landmark;
mod reader;
mod recovery;
mod scan;
mod segment;
mod survey;
#[cfg(test)]
mod tests;
mod walk;
mod withhold;
mod writer;

use crate::storage::{Storage, StorageFile};

pub use batch::{Batch, MAX_BATCH_BYTES};
pub use durable::{DurableEnd, SealedEnds, durable_end, sealed_ends};
pub use error::{BatchRefused, JournalError};
pub use forget::set_all_aside;
pub use frame::{FRAME_HEADER_BYTES, MAX_BODY_BYTES};
pub use heal::{
    Copied, drop_candidate, has_segment, heal, is_rot, make_candidate, scan_candidate,
    segment_name, segments,
};
pub use reader::{Batches, Reader, StoredBatch};
pub use recovery::{Recovery, Torn};
pub use scan::{Damage, Scan, Scanned, scan, scan_anywhere, scan_segment};
pub use segment::{
    DEFAULT_SEGMENT_BYTES, FORMAT_VERSION, Header, JournalOptions, MAX_SEGMENT_BYTES,
    MIN_SEGMENT_BYTES,
};
pub use withhold::{drop_unfinished, make_withheld, put_withheld};
pub use writer::Journal;
