//! Who has some of a lot, or of what was made of it, and who of them has
//! acknowledged its recall. Worked out on reading, by the lot's genealogy;
//! nothing is kept.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::genealogy;
use super::trace::{RecordSource, TraceError};
use crate::custody::Items;
use crate::custody::subject::{self, Item};
use crate::event::{ConsignmentId, LotId};
use crate::pb::{
    AccountKind, GenealogyEdge, LotState, MadeOfIt, PartHeld, RecallEntry, RecallHolder,
    RecallResponse,
};

/// All of it, by records before `as_of`.
pub fn list(
    items: &dyn Items,
    records: &dyn RecordSource,
    lot: LotId,
    state: &LotState,
    as_of: u64,
) -> Result<RecallResponse, TraceError> {
    let found = genealogy::descendants(items, records, lot, as_of)?;
    let recalls = recalls(items, state);
    let holder = |held: PartHeld| {
        let party = party_of(items, &held);
        RecallHolder {
            acknowledged_at_ms: acknowledged(&recalls, &party),
            party,
            held: Some(held),
        }
    };
    let holders = found.held.into_iter().map(holder).collect();
    Ok(RecallResponse {
        as_of,
        lot: lot.to_bytes(),
        born: state.born.clone(),
        made_of_it: made_of_it(items, lot, &recalls, &found.edges),
        recalls,
        holders,
        truncated: found.truncated,
    })
}

fn recalls(items: &dyn Items, state: &LotState) -> Vec<RecallEntry> {
    let entry = |id: &Bytes| match items.get(&subject::recall(id))?.as_ref() {
        Item::Recall(state) => Some(RecallEntry {
            recall: id.clone(),
            state: Some(state.clone()),
        }),
        _ => None,
    };
    state.recalls.iter().filter_map(entry).collect()
}

fn open(recalls: &[RecallEntry]) -> impl Iterator<Item = &RecallEntry> {
    let ended = |entry: &RecallEntry| entry.state.as_ref().is_none_or(|state| state.ended);
    recalls.iter().filter(move |entry| !ended(entry))
}

/// When a party had acknowledged the last of all that have not ended; `None` if
/// one of them still waits, or there is none.
fn acknowledged(recalls: &[RecallEntry], party: &str) -> Option<i64> {
    let at_ms = |entry: &RecallEntry| {
        let state = entry.state.as_ref()?;
        let mut acked = state.acknowledged.iter();
        acked.find(|acked| acked.party == party).map(|a| a.at_ms)
    };
    let all: Option<Vec<i64>> = open(recalls).map(at_ms).collect();
    all?.into_iter().max()
}

/// Who has it: aboard a consignment its carrier; in dispute nobody.
fn party_of(items: &dyn Items, held: &PartHeld) -> String {
    let account = held.account.clone().unwrap_or_default();
    if account.kind() != AccountKind::Aboard {
        return account.party;
    }
    let item =
        ConsignmentId::from_slice(&account.id).and_then(|id| items.get(&subject::consignment(id)));
    match item.as_deref() {
        Some(Item::Consignment(consignment)) => consignment.carrier.clone(),
        _ => String::new(),
    }
}

/// Every lot made of it once, nearest first.
fn made_of_it(
    items: &dyn Items,
    lot: LotId,
    recalls: &[RecallEntry],
    edges: &[GenealogyEdge],
) -> Vec<MadeOfIt> {
    let mut nearest: BTreeMap<&Bytes, (u32, &str)> = BTreeMap::new();
    for edge in edges.iter().filter(|edge| edge.child.as_ref() != lot.0) {
        let new = (edge.distance, edge.child_label.as_str());
        let known = nearest.entry(&edge.child).or_insert(new);
        *known = (*known).min(new);
    }
    let mut all: Vec<_> = nearest.into_iter().collect();
    all.sort_by_key(|(_, (distance, _))| *distance);
    all.into_iter()
        .map(|(child, (_, label))| MadeOfIt {
            lot: child.clone(),
            label: label.to_owned(),
            recalled: is_under(items, child, recalls),
        })
        .collect()
}

fn is_under(items: &dyn Items, lot: &Bytes, recalls: &[RecallEntry]) -> bool {
    let item = LotId::from_slice(lot).and_then(|id| items.get(&subject::lot(id)));
    match item.as_deref() {
        Some(Item::Lot(state)) => open(recalls).any(|e| state.recalls.contains(&e.recall)),
        _ => false,
    }
}
