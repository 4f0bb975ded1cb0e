//! Custody that passed from one party to another: whoever took the goods named
//! the very event that the giver signed, by its digest. Where both are shown,
//! both have signed the same words (law 5). A digest alone does not say that
//! what the giver signed was an offer.

use std::collections::{BTreeMap, BTreeSet};

use super::error::BadEvidence;
use crate::event::record::OpenRecord;
use crate::pb::EventRef;
use crate::pb::event::Body;

/// An acceptance that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Handoff {
    pub(super) giver: String,
    pub(super) taker: String,
    /// Whom the offer names as its taker, if it is shown: the taker, or one that
    /// the taker has succeeded.
    pub(super) offered_to: Option<String>,
    /// Where the event that was accepted is recorded, if that record is here.
    pub(super) offered_at: Option<u64>,
    /// Where the acceptance is.
    pub(super) accepted_at: u64,
}

/// The acceptances among the events that the lot's outcomes came of. These, and
/// all others that are shown, are held against the offers that they name, if they
/// are here.
pub(super) fn handoffs(
    records: &BTreeMap<u64, &OpenRecord>,
    causes: &BTreeSet<(u64, usize)>,
) -> Result<Vec<Handoff>, BadEvidence> {
    let name = |record: &OpenRecord| (record.payload.party.clone(), record.payload.id.clone());
    let by_name: BTreeMap<_, &OpenRecord> = records.values().map(|r| (name(r), *r)).collect();
    let mut found = Vec::new();
    for (position, record) in records {
        for (index, event) in record.events.iter().enumerate() {
            let body = event.as_ref().and_then(|event| event.body.as_ref());
            let Some(Body::Accepted(accepted)) = body else {
                continue;
            };
            let offer = accepted.offer.clone().unwrap_or_default();
            let offered = by_name.get(&(offer.party.clone(), offer.statement_id.clone()));
            let offered_to = match offered.map(|offered| taker_in(offered, &offer)) {
                None => None,
                Some(Ok(taker)) => taker,
                Some(Err(NoOffer)) => return Err(BadEvidence::Offer(*position)),
            };
            if !causes.contains(&(*position, index)) {
                continue;
            }
            found.push(Handoff {
                offered_to,
                giver: offer.party,
                taker: record.payload.party.clone(),
                offered_at: offered.map(|offered| offered.position()),
                accepted_at: *position,
            });
        }
    }
    Ok(found)
}

/// The statement has no such event, or it is no offer.
struct NoOffer;

/// Whom an offer names as its taker: the event of a record that a reference
/// names; `None` if it is withheld.
fn taker_in(record: &OpenRecord, named: &EventRef) -> Result<Option<String>, NoOffer> {
    let at = usize::try_from(named.event_index).unwrap_or(usize::MAX);
    if record.payload.event_digests.get(at) != Some(&named.event_digest) {
        return Err(NoOffer);
    }
    match record.events.get(at) {
        Some(None) => Ok(None),
        Some(Some(event)) => match &event.body {
            Some(Body::Offered(offered)) => Ok(Some(offered.taker.clone())),
            _ => Err(NoOffer),
        },
        None => Err(NoOffer),
    }
}
