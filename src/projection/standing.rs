//! Where the store or a snapshot stands: which ledger's records it holds, and
//! how many.

use super::projector::Folded;
use super::store::{STORE_VERSION, StoreError, Table};
use crate::event::Hash;
use crate::event::record::OpenRecord;
use crate::pb;
use crate::pb::event::Body;

/// Written with every batch of the store, and at the head of an increment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Head hash of record 0; zeros while nothing has been written.
    pub genesis_hash: Hash,
    /// How many records it holds.
    pub next: u64,
    /// Head hash of the last of them.
    pub last_head: Hash,
    /// Its recorded time, Unix milliseconds.
    pub recorded_at_ms: i64,
    /// Position of the last state record; 0: none yet.
    pub last_state_record: u64,
}

/// Bytes of an encoded standing.
pub(super) const ENCODED: usize = 4 + 32 + 8 + 32 + 8 + 8;

impl Standing {
    /// Its key in [`Table::Meta`].
    pub const KEY: &'static [u8] = b"standing";

    /// After one more record.
    pub(super) fn advance(&mut self, folded: &Folded) {
        let record = &folded.record;
        let position = record.position();
        if position == 0 {
            self.genesis_hash = record.hash;
        }
        if is_state_record(record) {
            self.last_state_record = position;
        }
        self.next = position.saturating_add(1);
        self.last_head = record.hash;
        self.recorded_at_ms = record.head.recorded_at_ms;
    }

    /// Version, then the fields in order, numbers big-endian.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(ENCODED);
        out.extend_from_slice(&STORE_VERSION.to_be_bytes());
        out.extend_from_slice(&self.genesis_hash.0);
        out.extend_from_slice(&self.next.to_be_bytes());
        out.extend_from_slice(&self.last_head.0);
        out.extend_from_slice(&self.recorded_at_ms.to_be_bytes());
        out.extend_from_slice(&self.last_state_record.to_be_bytes());
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
        })
    }
}

fn is_state_record(record: &OpenRecord) -> bool {
    let recorded = |e: &pb::Event| matches!(e.body, Some(Body::StateRecorded(_)));
    record.events.iter().flatten().any(recorded)
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, others) = rest.split_first_chunk::<N>()?;
    *rest = others;
    Some(*first)
}
