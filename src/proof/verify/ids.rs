//! Statements that have been recorded: none stands twice. Bounded by the
//! window of ids; older ones are refused by their own time.

use std::collections::{BTreeMap, HashSet};

use crate::event::StatementId;
use crate::event::ids::{BACKFILL_WINDOW_MS, CLOCK_SKEW_MS, ID_WINDOW_MS, derived};
use crate::pb::Payload;

use super::violation::Violation;

/// Ids are dropped by whole days, in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The (party, id) pairs of the last 30 days, by the ids' own time.
#[derive(Default)]
pub(super) struct SeenIds {
    days: BTreeMap<i64, HashSet<[u8; 16]>>,
}

impl SeenIds {
    /// Those that [`SeenIds::days`] told.
    pub(super) fn of(days: BTreeMap<i64, HashSet<[u8; 16]>>) -> SeenIds {
        SeenIds { days }
    }

    /// All of them, by day.
    pub(super) fn days(&self) -> &BTreeMap<i64, HashSet<[u8; 16]>> {
        &self.days
    }

    /// Notes a statement; `false` if it was there already. Forgets ids that
    /// are too old to be recorded again.
    pub(super) fn insert(&mut self, party: &str, id: StatementId, recorded_at_ms: i64) -> bool {
        let oldest = recorded_at_ms
            .saturating_sub(ID_WINDOW_MS)
            .div_euclid(DAY_MS);
        while self
            .days
            .first_key_value()
            .is_some_and(|(day, _)| *day < oldest)
        {
            self.days.pop_first();
        }
        let day = id.unix_ms().div_euclid(DAY_MS);
        self.days
            .entry(day)
            .or_default()
            .insert(derived(party, id, 0, 0))
    }
}

/// The times that a statement must keep when it is recorded.
pub(in crate::proof) fn check_times(
    payload: &Payload,
    id: StatementId,
    now: i64,
) -> Result<(), Violation> {
    let latest = now.saturating_add(CLOCK_SKEW_MS);
    // What stands in a device's chain cannot stand there twice.
    let window = match payload.device {
        Some(_) => BACKFILL_WINDOW_MS,
        None => ID_WINDOW_MS,
    };
    let oldest = now.saturating_sub(window);
    let (id_ms, happened) = (id.unix_ms(), payload.happened_at_ms);
    let wrong = if id_ms < oldest {
        Some(("the age of its id", id_ms))
    } else if id_ms > latest {
        Some(("the future time of its id", id_ms))
    } else if payload.expires_at_ms <= now {
        Some(("its expiry", payload.expires_at_ms))
    } else if happened > latest {
        Some(("its happening in the future", happened))
    } else {
        None
    };
    match wrong {
        None => Ok(()),
        Some((what, ms)) => Err(Violation::Time {
            what,
            ms,
            recorded_at_ms: now,
        }),
    }
}
