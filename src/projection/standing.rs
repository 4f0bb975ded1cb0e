//! Where the store stands: which ledger's records it holds, how many, and a
//! sum over its open items by which damage shows.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};

use super::store::{STORE_VERSION, StoreError, Table};
use crate::event::Hash;

/// Written with every batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Head hash of record 0; zeros while nothing has been written.
    pub genesis_hash: Hash,
    /// How many records the rows hold.
    pub next: u64,
    /// Head hash of the last of them.
    pub last_head: Hash,
    /// Its recorded time, Unix milliseconds.
    pub recorded_at_ms: i64,
    /// Position of the last state record; 0: none yet.
    pub last_state_record: u64,
    /// Over the open items.
    pub items: ItemSum,
}

/// Bytes of an encoded standing.
const ENCODED: usize = 4 + 32 + 8 + 32 + 8 + 8 + 8;

impl Standing {
    /// Its key in [`Table::Meta`].
    pub const KEY: &'static [u8] = b"standing";

    /// Version, then the fields in order, numbers big-endian.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(ENCODED);
        out.extend_from_slice(&STORE_VERSION.to_be_bytes());
        out.extend_from_slice(&self.genesis_hash.0);
        out.extend_from_slice(&self.next.to_be_bytes());
        out.extend_from_slice(&self.last_head.0);
        out.extend_from_slice(&self.recorded_at_ms.to_be_bytes());
        out.extend_from_slice(&self.last_state_record.to_be_bytes());
        out.extend_from_slice(&self.items.0.to_be_bytes());
        out
    }

    /// Reads what [`Standing::encode`] wrote; the version is looked at first.
    pub fn decode(bytes: &[u8]) -> Result<Standing, StoreError> {
        let mut rest = bytes;
        let damaged = || StoreError::Row(Table::Meta);
        let version = u32::from_be_bytes(take(&mut rest).ok_or_else(damaged)?);
        if version != STORE_VERSION {
            return Err(StoreError::Version { found: version });
        }
        let standing = Standing::fields(&mut rest).ok_or_else(damaged)?;
        if rest.is_empty() {
            Ok(standing)
        } else {
            Err(damaged())
        }
    }

    fn fields(rest: &mut &[u8]) -> Option<Standing> {
        Some(Standing {
            genesis_hash: Hash(take(rest)?),
            next: u64::from_be_bytes(take(rest)?),
            last_head: Hash(take(rest)?),
            recorded_at_ms: i64::from_be_bytes(take(rest)?),
            last_state_record: u64::from_be_bytes(take(rest)?),
            items: ItemSum(u64::from_be_bytes(take(rest)?)),
        })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, others) = rest.split_first_chunk::<N>()?;
    *rest = others;
    Some(*first)
}

/// The sum of the digests of the open items' rows, the first eight bytes of
/// each, modulo 2^64: it moves with each row that comes or goes, where the
/// state digest would have to be hashed anew over every open item at every
/// batch. It guards against damage, not against a hand: whoever can write the
/// store can write it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemSum(pub u64);

/// The sum, and what each open item adds to it: so that a row that changes
/// need not be read first.
#[derive(Debug, Default)]
pub struct OpenSum {
    sum: ItemSum,
    /// By the subject's hash; as many as there are open items, some 30 bytes
    /// each. Two subjects of one hash, one in 10^7 ledgers of a million, make
    /// the sum wrong, and the next start a rebuild.
    parts: HashMap<u64, u64>,
    hasher: RandomState,
}

impl OpenSum {
    /// A row comes, or takes another's place: then it says so.
    pub fn put(&mut self, subject: &[u8], digest: Hash) -> bool {
        let part = digest.0.first_chunk::<8>().copied();
        let part = u64::from_be_bytes(part.unwrap_or_default());
        let before = self.parts.insert(self.hasher.hash_one(subject), part);
        let sum = self.sum.0.wrapping_sub(before.unwrap_or_default());
        self.sum = ItemSum(sum.wrapping_add(part));
        before.is_some()
    }

    /// A row goes, if it was there.
    pub fn remove(&mut self, subject: &[u8]) {
        let before = self.parts.remove(&self.hasher.hash_one(subject));
        self.sum = ItemSum(self.sum.0.wrapping_sub(before.unwrap_or_default()));
    }

    /// The sum.
    pub fn sum(&self) -> ItemSum {
        self.sum
    }
}
