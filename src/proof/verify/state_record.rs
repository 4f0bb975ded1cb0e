//! State records: one at every multiple of the interval and nowhere else, the
//! ledger's own, saying what the records before it fold to.

use super::violation::Violation;
use crate::custody::registry::LEDGER;
use crate::custody::state::{State, touched_root};
use crate::event::Hash;
use crate::event::record::OpenRecord;
use crate::pb::event::Body;
use crate::pb::{Event, StateRecorded};

/// Checks a record after the first.
pub(super) fn check(before: &State, record: &OpenRecord, interval: u64) -> Result<(), Violation> {
    let due = before.next().checked_rem(interval) == Some(0);
    let own = record.payload.party == LEDGER;
    let names_state = record
        .events
        .iter()
        .flatten()
        .any(|event| recorded(event).is_some());
    if !due {
        return if own || names_state {
            Err(Violation::StateRecordMisplaced)
        } else {
            Ok(())
        };
    }
    let [Some(event)] = record.events.as_slice() else {
        return Err(Violation::StateRecordMissing(interval));
    };
    let Some(said) = recorded(event).filter(|_| own) else {
        return Err(Violation::StateRecordMissing(interval));
    };
    let want = before.digest();
    if said.state_digest.as_ref() != want.0 {
        let got = Hash::from_slice(&said.state_digest).unwrap_or_default();
        return Err(Violation::StateDigest { got, want });
    }
    let touched = before.touched();
    let same = said.touched_root.as_ref() == touched_root(touched).0
        && said.touched_count == touched.len() as u64;
    if same {
        Ok(())
    } else {
        Err(Violation::Touched)
    }
}

fn recorded(event: &Event) -> Option<&StateRecorded> {
    match &event.body {
        Some(Body::StateRecorded(said)) => Some(said),
        _ => None,
    }
}
