//! Parties without a valid key for 30 days: a page of them, read from the live
//! state in pieces, so that the writer never waits for long.

use super::errors::Fault;
use super::registry::page_size;
use crate::custody::lapse::Keys;
use crate::custody::{Item, State};
use crate::ledger::Ledger;
use crate::pb::{LapsedParty, ListLapsedRequest, ListLapsedResponse, PartyState, SubjectKind};

/// Items that are looked at while the live state is held, at most.
const MAX_SEEN: usize = 10_000;

/// A page of them.
pub(super) fn page(
    ledger: &Ledger,
    request: &ListLapsedRequest,
) -> Result<ListLapsedResponse, Fault> {
    if request.at_ms <= 0 {
        return Err(Fault::invalid("at_ms", "a time is wanted"));
    }
    // Parties before keys: a party that is registered meanwhile is of the next
    // answer, one that is given a key meanwhile has it.
    let (as_of, parties, next) = ledger.read(|state| parties(state, &request.after));
    let keys = keys(ledger);
    let size = page_size(request.page_size);
    let recorded_ms = |position: u64| -> Result<i64, Fault> {
        let record = ledger
            .open_record(position)
            .map_err(|error| Fault::Storage(error.to_string()))?;
        let record = record.ok_or_else(|| Fault::Storage(format!("record {position} is gone")))?;
        Ok(record.head.recorded_at_ms)
    };
    let mut answer = ListLapsedResponse {
        as_of,
        next,
        ..ListLapsedResponse::default()
    };
    for party in parties {
        let code = party
            .registered
            .as_ref()
            .map_or("", |r| &r.party)
            .to_owned();
        let Some(since_ms) = keys.lapsed_since(&code, request.at_ms, recorded_ms)? else {
            continue;
        };
        answer.parties.push(LapsedParty {
            since_ms,
            keys: u32::try_from(keys.count(&code)).unwrap_or(u32::MAX),
            party: Some(party),
        });
        if answer.parties.len() >= size {
            answer.next = code;
            break;
        }
    }
    Ok(answer)
}

/// Parties beyond one, and where to go on if there may be more.
fn parties(state: &State, after: &str) -> (u64, Vec<PartyState>, String) {
    let mut next = String::new();
    let mut found = Vec::new();
    let from = after.as_bytes();
    let beyond = |subject: &crate::pb::Subject| subject.id == from && !from.is_empty();
    for (subject, item) in state
        .items_of(SubjectKind::Party, from)
        .skip_while(|(subject, _)| beyond(subject))
    {
        if found.len() >= MAX_SEEN {
            return (state.next(), found, next);
        }
        if let Item::Party(party) = item.as_ref() {
            next = String::from_utf8_lossy(&subject.id).into_owned();
            found.push(party.clone());
        }
    }
    (state.next(), found, String::new())
}

/// All keys of the ledger, some at a time.
fn keys(ledger: &Ledger) -> Keys {
    let mut keys = Keys::default();
    let mut after = bytes::Bytes::new();
    loop {
        let last = ledger.read(|state| {
            let mut last = None;
            let mut seen = 0;
            let items = state.items_of(SubjectKind::Key, &after);
            for (subject, item) in items.skip_while(|(s, _)| !after.is_empty() && s.id == after) {
                if let Item::Key(key) = item.as_ref() {
                    keys.add(key);
                }
                last = Some(subject.id);
                seen += 1;
                if seen >= MAX_SEEN {
                    break;
                }
            }
            last.filter(|_| seen >= MAX_SEEN)
        });
        match last {
            Some(last) => after = last,
            None => return keys,
        }
    }
}
