//! Empties that are still somebody's to look after: who has which packages of
//! which lots, cleaned or not. A page looks at so many open lots and no more,
//! so that a ledger with a million of them answers at once.

use crate::custody::{Item, Items as _, State, packaging};
use crate::event::ConsignmentId;
use crate::pb::{
    AccountKind, EmptiesEntry, ListEmptiesRequest, ListEmptiesResponse, LotState, PackageRange,
    SubjectKind,
};

/// Open lots that one page looks at: unless asked otherwise, and at most.
const LOTS: usize = 1_000;
const MAX_LOTS: usize = 10_000;

/// One page of them, as the state stands.
pub(super) fn list(state: &State, request: &ListEmptiesRequest) -> ListEmptiesResponse {
    let size = match usize::try_from(request.page_size) {
        Ok(0) => LOTS,
        Ok(wanted) => wanted.min(MAX_LOTS),
        Err(_) => MAX_LOTS,
    };
    let mut answer = ListEmptiesResponse {
        as_of: state.next(),
        ..ListEmptiesResponse::default()
    };
    let lots = state
        .items_of(SubjectKind::Lot, &request.after)
        .filter(|(subject, _)| subject.id != request.after);
    let mut last = bytes::Bytes::new();
    for (seen, (subject, item)) in lots.enumerate() {
        if seen == size {
            answer.next = last;
            return answer;
        }
        last = subject.id;
        if let Item::Lot(lot) = item.as_ref() {
            let packages = empties(state, lot, &request.holder);
            if !packages.is_empty() {
                let born = lot.born.clone().unwrap_or_default();
                answer.entries.push(EmptiesEntry {
                    lot: last.clone(),
                    label: born.label,
                    form: born.form,
                    packages,
                });
            }
        }
    }
    answer
}

/// The empties of a lot that a party has, or anybody.
fn empties(state: &State, lot: &LotState, holder: &str) -> Vec<PackageRange> {
    let all = lot.packages.iter();
    all.filter(|p| !packaging::has_content(p.state()))
        .filter(|p| holder.is_empty() || has(state, p, holder))
        .cloned()
        .collect()
}

/// Whether a party has the packages: in a place of its own, or aboard.
fn has(state: &State, packages: &PackageRange, party: &str) -> bool {
    let account = packages.account.clone().unwrap_or_default();
    match account.kind() {
        AccountKind::Held => account.party == party,
        AccountKind::Aboard => ConsignmentId::from_slice(&account.id)
            .and_then(|id| state.get(&crate::custody::subject::consignment(id)))
            .is_some_and(|item| match item.as_ref() {
                Item::Consignment(consignment) => consignment.carrier == party,
                _ => false,
            }),
        _ => false,
    }
}
