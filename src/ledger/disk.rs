//! Room on the disk, looked at from time to time, so that statements are
//! refused with a reason before the disk is full, and taken again when there
//! is room. What is kept free is for what must still be written then: the
//! batches already decided, the seal, and what the next start rewrites.
//!
//! Looked at every [`Options::disk_look_every`](super::Options), and by the
//! committer after each eighth of the reserve that it has written: one
//! `statvfs` for some 64 MiB, not one a batch. Between two looks the ledger
//! itself writes no more than that eighth, the three batches that may be
//! decided by then, and one new segment; a start after a kill writes the last
//! segment twice more (whole, and as it was found). So a reserve of four times
//! a segment and a batch always suffices, and smaller ones are refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::answer::SubmitError;
use super::inbox::Inbox;
use super::options::Options;
use super::upkeep::Upkeep;

/// The disk is looked at after this part of the reserve has been written.
const LOOKS_A_RESERVE: u64 = 8;

/// Segments and batches that a reserve must hold.
const RESERVE_SEGMENTS: u64 = 4;

/// The disk has less room than is to be kept free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the disk is nearly full: {free_bytes} bytes are free, and {reserve_bytes} are kept free \
     for closing and recovery"
)]
pub struct DiskShort {
    /// Free at the last look.
    pub free_bytes: u64,
    /// To be kept free.
    pub reserve_bytes: u64,
}

impl From<DiskShort> for SubmitError {
    fn from(short: DiskShort) -> SubmitError {
        let DiskShort {
            free_bytes,
            reserve_bytes,
        } = short;
        SubmitError::DiskNearlyFull {
            free_bytes,
            reserve_bytes,
        }
    }
}

/// The smallest reserve that keeps its promise, bytes.
pub(super) fn smallest_reserve(options: &Options) -> u64 {
    let segment = u64::from(options.journal.segment_bytes);
    let batch = options.max_batch_bytes as u64;
    segment
        .saturating_add(batch)
        .saturating_mul(RESERVE_SEGMENTS)
}

/// See the module.
pub(super) struct DiskWatch {
    journal: Option<Arc<dyn Upkeep>>,
    reserve: u64,
    /// Free at the last look.
    free: AtomicU64,
    /// Written since then.
    written: AtomicU64,
    short: watch::Sender<Option<DiskShort>>,
}

impl DiskWatch {
    /// Looks once; without a journal of our own, or with a reserve of 0, never.
    pub(super) fn new(journal: Option<Arc<dyn Upkeep>>, reserve: u64) -> DiskWatch {
        let watch = DiskWatch {
            journal: journal.filter(|_| reserve > 0),
            reserve,
            free: AtomicU64::new(u64::MAX),
            written: AtomicU64::new(0),
            short: watch::Sender::new(None),
        };
        watch.look();
        watch
    }

    /// Whether it looks at all.
    pub(super) fn is_on(&self) -> bool {
        self.journal.is_some()
    }

    /// What is wrong, as of the last look.
    pub(super) fn short(&self) -> Option<DiskShort> {
        // Cheap enough for every statement: usually there is room.
        if self.free.load(Ordering::Acquire) >= self.reserve {
            return None;
        }
        *self.short.borrow()
    }

    /// Bytes free at the last look; `None` if there was none.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        let free = self.free.load(Ordering::Acquire);
        self.is_on().then_some(free)
    }

    /// Tells whoever wants to know.
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<DiskShort>> {
        self.short.subscribe()
    }

    /// The committer has written so many bytes.
    pub(super) fn wrote(&self, bytes: u64) {
        let before = self.written.fetch_add(bytes, Ordering::AcqRel);
        if before.saturating_add(bytes) >= self.reserve / LOOKS_A_RESERVE {
            self.look();
        }
    }

    fn look(&self) {
        let Some(journal) = &self.journal else {
            return;
        };
        self.written.store(0, Ordering::Release);
        // If it cannot be told, what was known before holds; a disk that is
        // broken tells so at the next write.
        let Ok(free_bytes) = journal.free_bytes() else {
            return;
        };
        let now = (free_bytes < self.reserve).then_some(DiskShort {
            free_bytes,
            reserve_bytes: self.reserve,
        });
        self.short.send_if_modified(|short| {
            let turned = short.is_some() != now.is_some();
            *short = now;
            turned
        });
        self.free.store(free_bytes, Ordering::Release);
    }

    /// Looks again and again, until the ledger takes nothing any more.
    pub(super) fn run(&self, inbox: &Inbox, every: Duration) {
        while !inbox.rest_until(Instant::now() + every) {
            self.look();
        }
    }
}
