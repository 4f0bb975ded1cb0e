//! What records show of each other, one after another: the ledger's clock does
//! not run backwards, two that stand side by side are chained, and no statement
//! is recorded twice.

use std::collections::HashSet;

use bytes::Bytes;

use super::broken;
use super::error::BadEvidence;
use crate::event::StatementId;
use crate::event::record::OpenRecord;
use crate::proof::verify::Violation;

/// The record before the one that comes next, and what was said so far.
pub(super) struct Order<'a> {
    before: &'a OpenRecord,
    said: HashSet<(&'a str, &'a Bytes)>,
}

impl<'a> Order<'a> {
    /// After record 0.
    pub(super) fn new(genesis: &'a OpenRecord) -> Order<'a> {
        Order {
            before: genesis,
            said: HashSet::from([name(genesis)]),
        }
    }

    /// Checks the next record; positions ascend.
    pub(super) fn take(
        &mut self,
        record: &'a OpenRecord,
        id: StatementId,
    ) -> Result<(), BadEvidence> {
        let (position, before) = (record.position(), self.before.position());
        let at_ms = record.head.recorded_at_ms;
        if at_ms < self.before.head.recorded_at_ms {
            return Err(BadEvidence::Clock {
                position,
                at_ms,
                before,
            });
        }
        let beside = before.checked_add(1) == Some(position);
        if beside && record.head.previous != self.before.hash.0.as_slice() {
            return Err(BadEvidence::Chain(position));
        }
        if !self.said.insert(name(record)) {
            let party = record.payload.party.clone();
            return Err(broken(position, Violation::Repeated { party, id }));
        }
        self.before = record;
        Ok(())
    }
}

/// What a statement is called: no two are called the same.
fn name(record: &OpenRecord) -> (&str, &Bytes) {
    (record.payload.party.as_str(), &record.payload.id)
}
