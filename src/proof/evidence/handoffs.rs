//! Custody that passed from one party to another: whoever took the goods named
//! the very event that the giver signed, by its digest. Where both are shown,
//! both have signed the same words (law 5).

use std::collections::BTreeMap;

use super::error::BadEvidence;
use crate::event::record::OpenRecord;
use crate::pb::EventRef;
use crate::pb::event::Body;

/// An acceptance that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Handoff {
    pub(super) giver: String,
    pub(super) taker: String,
    /// Where the offer is recorded, if that is shown.
    pub(super) offered_at: Option<u64>,
    /// Where the acceptance is.
    pub(super) accepted_at: u64,
}

/// The acceptances among the events shown, each held against the offer that it
/// names, if that is here.
pub(super) fn handoffs(records: &BTreeMap<u64, &OpenRecord>) -> Result<Vec<Handoff>, BadEvidence> {
    let name = |record: &OpenRecord| (record.payload.party.clone(), record.payload.id.clone());
    let by_name: BTreeMap<_, &OpenRecord> = records.values().map(|r| (name(r), *r)).collect();
    let mut found = Vec::new();
    for (position, record) in records {
        for event in record.events.iter().flatten() {
            let Some(Body::Accepted(accepted)) = &event.body else {
                continue;
            };
            let offer = accepted.offer.clone().unwrap_or_default();
            let offered = by_name.get(&(offer.party.clone(), offer.statement_id.clone()));
            if offered.is_some_and(|offered| !is_in(offered, &offer)) {
                return Err(BadEvidence::Offer(*position));
            }
            found.push(Handoff {
                giver: offer.party,
                taker: record.payload.party.clone(),
                offered_at: offered.map(|offered| offered.position()),
                accepted_at: *position,
            });
        }
    }
    Ok(found)
}

/// Whether a record's statement has the very event that a reference names.
fn is_in(record: &OpenRecord, named: &EventRef) -> bool {
    let at = usize::try_from(named.event_index).unwrap_or(usize::MAX);
    record.payload.event_digests.get(at) == Some(&named.event_digest)
}
