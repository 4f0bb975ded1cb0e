//! The ledger's own statements. State records: one at every multiple of the
//! interval and nowhere else, saying what the records before it fold to. Words
//! on its clock, on the refusals it keeps and on what is overdue: anywhere else,
//! alone; and nobody's statement is recorded while the clock is said to be in doubt.

use super::violation::Violation;
use crate::custody::anchor;
use crate::custody::decide::clock_in_doubt;
use crate::custody::registry::LEDGER;
use crate::custody::state::{State, touched_root};
use crate::custody::subject::{self, Item, Items as _};
use crate::event::Hash;
use crate::event::record::OpenRecord;
use crate::pb::event::Body;
use crate::pb::{ClockStated, Event, LedgerState, RefusalsAnchored, StateRecorded};

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
        if let Some(word) = anchor_in(record) {
            return check_anchor(before, record, own, word);
        }
        if says_overdue(record) {
            return check_overdue(before, record, own);
        }
        return check_clock(before, record, own, names_state);
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

/// Whether a record is one.
pub(super) fn is_one(record: &OpenRecord) -> bool {
    let mut events = record.events.iter().flatten();
    events.any(|event| recorded(event).is_some())
}

/// Checks a record where no state record is due.
fn check_clock(
    before: &State,
    record: &OpenRecord,
    own: bool,
    names_state: bool,
) -> Result<(), Violation> {
    let mut words = record.events.iter().flatten().filter_map(clock_word);
    let word = words.next();
    let alone = record.events.len() == 1 && word.is_some();
    if own && alone || !own && !names_state && word.is_none() {
        let wrong = |word: &ClockStated| word.ledger_ms != record.head.recorded_at_ms;
        return if word.is_some_and(wrong) || !own && clock_in_doubt(before) {
            Err(Violation::Clock)
        } else {
            Ok(())
        };
    }
    Err(Violation::StateRecordMisplaced)
}

/// What a record says of the refusals that are kept, if it does.
pub(super) fn anchor_in(record: &OpenRecord) -> Option<&RefusalsAnchored> {
    let mut events = record.events.iter().flatten();
    events.find_map(|event| match &event.body {
        Some(Body::RefusalsAnchored(word)) => Some(word),
        _ => None,
    })
}

/// Checks a record that speaks of them.
fn check_anchor(
    before: &State,
    record: &OpenRecord,
    own: bool,
    word: &RefusalsAnchored,
) -> Result<(), Violation> {
    if !own || record.events.len() != 1 {
        return Err(Violation::StateRecordMisplaced);
    }
    let last = ledger_state(before, |ledger| ledger.refusals.clone()).flatten();
    match anchor::fault(last.as_ref(), word, record.head.recorded_at_ms) {
        Some((field, why)) => Err(Violation::Anchor { field, why }),
        None => Ok(()),
    }
}

/// Whether a record speaks of what is overdue.
pub(super) fn says_overdue(record: &OpenRecord) -> bool {
    let mut events = record.events.iter().flatten();
    events.any(|event| matches!(event.body, Some(Body::OverdueStated(_))))
}

/// Checks such a record: the ledger's alone, and at a time that is believed.
/// What it marks is held against what it says in `oversight`.
fn check_overdue(before: &State, record: &OpenRecord, own: bool) -> Result<(), Violation> {
    if !own || record.events.len() != 1 {
        return Err(Violation::StateRecordMisplaced);
    }
    if clock_in_doubt(before) {
        return Err(Violation::Clock);
    }
    Ok(())
}

fn ledger_state<T>(state: &State, look: impl FnOnce(&LedgerState) -> T) -> Option<T> {
    match state.get(&subject::ledger()).as_deref() {
        Some(Item::Ledger(ledger)) => Some(look(ledger)),
        _ => None,
    }
}

fn clock_word(event: &Event) -> Option<&ClockStated> {
    match &event.body {
        Some(Body::ClockStated(word)) => Some(word),
        _ => None,
    }
}

fn recorded(event: &Event) -> Option<&StateRecorded> {
    match &event.body {
        Some(Body::StateRecorded(said)) => Some(said),
        _ => None,
    }
}
