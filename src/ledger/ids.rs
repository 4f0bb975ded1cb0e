//! The index of ids: which statement of the last 30 days became which record.
//! It is bounded by the window and drops whole days. Not here: what a
//! duplicate is answered, and older ids (the projection has them).

use std::collections::{BTreeMap, HashMap};

use crate::event::StatementId;
use crate::event::ids::ID_WINDOW_MS;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// (party, id) in 16 bytes: the first of their BLAKE3, so that a long party
/// code takes no more memory than a short one.
pub(super) type IdKey = [u8; 16];

/// The key of a statement.
pub(super) fn key(party: &str, id: StatementId) -> IdKey {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&id.0).update(party.as_bytes());
    let mut key = [0; 16];
    hasher.finalize_xof().fill(&mut key);
    key
}

/// Positions by id, in buckets of a day by the ids' own time.
#[derive(Debug, Default)]
pub(super) struct IdIndex {
    days: BTreeMap<i64, HashMap<IdKey, u64>>,
}

impl IdIndex {
    /// The position that a statement was recorded at, if it is in the index.
    pub(super) fn get(&self, key: &IdKey, id: StatementId) -> Option<u64> {
        self.days.get(&day(id.unix_ms()))?.get(key).copied()
    }

    /// A statement has been recorded.
    pub(super) fn insert(&mut self, key: IdKey, id: StatementId, position: u64) {
        self.days
            .entry(day(id.unix_ms()))
            .or_default()
            .insert(key, position);
    }

    /// Drops the days that are over for good at this recorded time.
    pub(super) fn drop_days(&mut self, recorded_at_ms: i64) {
        self.days = self.days.split_off(&day(window_start(recorded_at_ms)));
    }

    /// How many ids it holds.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.days.values().map(HashMap::len).sum()
    }
}

fn day(unix_ms: i64) -> i64 {
    unix_ms.div_euclid(DAY_MS)
}

/// The earliest id that can still be recorded, Unix milliseconds.
pub(super) fn window_start(recorded_at_ms: i64) -> i64 {
    recorded_at_ms.saturating_sub(ID_WINDOW_MS)
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )]

    use super::*;

    #[test]
    fn days_leave_whole_when_their_last_id_is_out_of_the_window() {
        let mut index = IdIndex::default();
        let ids: Vec<StatementId> = (0..40)
            .map(|day| StatementId::v7(day * DAY_MS + 5, [7; 10]).unwrap())
            .collect();
        for (position, id) in (0..).zip(&ids) {
            index.insert(key("a", *id), *id, position);
        }
        index.drop_days(40 * DAY_MS - 1);
        assert_eq!(index.len(), 31);
        assert_eq!(index.get(&key("a", ids[8]), ids[8]), None);
        assert_eq!(index.get(&key("a", ids[9]), ids[9]), Some(9));
        assert_eq!(index.get(&key("b", ids[9]), ids[9]), None);
    }
}
