//! How large the store's files may be: a bound on the bytes that count, kept
//! as rows are written, and counted anew when it may have become far too high.
//!
//! Rows that are written over count twice in it, so it is no less than what
//! counts; when it has doubled since it was exact, everything is counted, a
//! piece at a time.

use super::StoreError;

/// Bytes of disk for each byte of rows that count, at most: past this they are
/// copied to a new store.
pub const MAX_GROWTH: u64 = 4;

/// Bytes of disk up to which nobody minds: a store begins with half a megabyte,
/// and a small store would be copied all the time.
pub const GROWTH_FLOOR: u64 = 64 * 1024 * 1024;

/// Times what it took when it had just been copied that it must have grown to
/// before it is copied again.
const AGAIN: u64 = 2;

/// Bytes of rows that are counted at a time: whoever writes waits for it.
const COUNT_BYTES: u64 = 32 * 1024 * 1024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Growth {
    /// No less than the bytes that count.
    bound: u64,
    /// What it was when it was exact.
    exact: u64,
    /// Bytes of disk when it had just been copied. Small rows take more than
    /// [`MAX_GROWTH`] times themselves even then; copying again would not help.
    fresh: u64,
    /// The last key that has been counted, and the bytes up to it with those
    /// that have been written meanwhile.
    counting: Option<(Vec<u8>, u64)>,
}

impl Growth {
    /// Its key in [`Table::Meta`](super::Table::Meta).
    pub(super) const KEY: &'static [u8] = b"growth";

    /// As [`Growth::encode`] wrote it; what is none begins again at nothing.
    pub(super) fn decode(row: &[u8]) -> Growth {
        let (numbers, _) = row.as_chunks::<8>();
        let mut numbers = numbers.iter().map(|number| u64::from_be_bytes(*number));
        Growth {
            bound: numbers.next().unwrap_or_default(),
            exact: numbers.next().unwrap_or_default(),
            fresh: numbers.next().unwrap_or_default(),
            counting: None,
        }
    }

    /// The bound, what it was when it was exact, and the disk when it was
    /// fresh, each u64 BE.
    pub(super) fn encode(&self) -> Vec<u8> {
        [self.bound, self.exact, self.fresh]
            .map(u64::to_be_bytes)
            .concat()
    }

    /// So many bytes of rows are written.
    pub(super) fn add(&mut self, bytes: u64) {
        self.bound = self.bound.saturating_add(bytes);
        if let Some((_, counted)) = &mut self.counting {
            *counted = counted.saturating_add(bytes);
        }
    }

    /// So many bytes count.
    fn is(&mut self, bytes: u64) {
        (self.bound, self.exact, self.counting) = (bytes, bytes, None);
    }

    /// So many bytes count, and take so many of disk, just copied.
    pub(super) fn is_fresh(&mut self, bytes: u64, disk: u64) {
        self.is(bytes);
        self.fresh = disk;
    }

    /// Whether so many bytes of disk are too many. If the bound has doubled,
    /// it is made exact first, [`COUNT_BYTES`] with each call; `None` until it
    /// is. `rows` gives the keys after one, in order, and the bytes of each row.
    pub(super) fn is_too_much<R>(
        &mut self,
        disk: u64,
        floor: u64,
        rows: impl FnOnce(Vec<u8>) -> R,
    ) -> Result<Option<bool>, StoreError>
    where
        R: Iterator<Item = Result<(Vec<u8>, u64), StoreError>>,
    {
        if disk <= floor.max(self.fresh.saturating_mul(AGAIN)) {
            return Ok(Some(false));
        }
        if self.bound > self.exact.saturating_mul(2) {
            let (after, mut bytes) = self.counting.take().unwrap_or_default();
            let until = bytes.saturating_add(COUNT_BYTES);
            for row in rows(after) {
                let (key, more) = row?;
                bytes = bytes.saturating_add(more);
                if bytes >= until {
                    self.counting = Some((key, bytes));
                    return Ok(None);
                }
            }
            self.is(bytes);
        }
        Ok(Some(disk > self.bound.saturating_mul(MAX_GROWTH)))
    }
}
