//! Where the store stands: which ledger's records it holds, how many, and a
//! sum over its open items by which damage shows.

use super::store::{STORE_VERSION, StoreError, Table};
use crate::event::Hash;
use crate::event::digest::{Tag, tagged};
use crate::pb::Subject;

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
const ENCODED: usize = 4 + 32 + 8 + 32 + 8 + 8 + 32;

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
        self.items
            .0
            .iter()
            .for_each(|lane| out.extend_from_slice(&lane.to_be_bytes()));
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
            items: ItemSum([
                u64::from_be_bytes(take(rest)?),
                u64::from_be_bytes(take(rest)?),
                u64::from_be_bytes(take(rest)?),
                u64::from_be_bytes(take(rest)?),
            ]),
        })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, others) = rest.split_first_chunk::<N>()?;
    *rest = others;
    Some(*first)
}

/// The sum of the digests of a set of rows, lane by lane, modulo 2^64: it
/// moves with each row that comes or goes, where the state digest would have
/// to be hashed anew over every open item at every batch. It guards against
/// damage, not against a hand: whoever can write the store can write it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ItemSum(pub [u64; 4]);

impl ItemSum {
    /// A row comes.
    pub fn add(&mut self, subject: &Subject, item: &[u8]) {
        self.each(subject, item, u64::wrapping_add);
    }

    /// A row goes.
    pub fn remove(&mut self, subject: &Subject, item: &[u8]) {
        self.each(subject, item, u64::wrapping_sub);
    }

    fn each(&mut self, subject: &Subject, item: &[u8], change: fn(u64, u64) -> u64) {
        // The same bytes as the state digest's leaf, so one row has one digest.
        let kind = subject.kind.to_be_bytes();
        let length = u32::try_from(subject.id.len())
            .unwrap_or(u32::MAX)
            .to_be_bytes();
        let digest = tagged(Tag::StateLeaf, &[&kind, &length, &subject.id, item]);
        let mut rest = digest.0.as_slice();
        for lane in &mut self.0 {
            if let Some(bytes) = take(&mut rest) {
                *lane = change(*lane, u64::from_be_bytes(bytes));
            }
        }
    }
}
