//! Which records a follower wants: several names of one kind, any of them;
//! several kinds, all of them; nothing named, all records.

use std::collections::BTreeSet;

use super::door::lot_id;
use super::errors::Fault;
use crate::custody::Items as _;
use crate::custody::{Item, State, subject};
use crate::event::record::OpenRecord;
use crate::event::statement::kind_of;
use crate::event::{KeyId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{Account, Change, EventKind, FollowRequest, LinkKind, Subject, SubjectKind};

/// Names of one kind in a filter, at most.
pub const MAX_FILTER: usize = 1000;

/// What a follower wants.
#[derive(Debug, Default)]
pub struct Filter {
    lots: BTreeSet<LotId>,
    parties: BTreeSet<String>,
    kinds: BTreeSet<EventKind>,
}

impl TryFrom<&FollowRequest> for Filter {
    type Error = tonic::Status;

    /// As a call is answered that asks for what is no filter.
    fn try_from(request: &FollowRequest) -> Result<Filter, tonic::Status> {
        Ok(Filter::of(request)?)
    }
}

impl Filter {
    /// As asked for.
    pub(super) fn of(request: &FollowRequest) -> Result<Filter, Fault> {
        let bounded = |field, count: usize| match count {
            0..=MAX_FILTER => Ok(()),
            _ => Err(Fault::invalid(
                field,
                format!("{count} names; at most {MAX_FILTER}"),
            )),
        };
        bounded("lots", request.lots.len())?;
        bounded("parties", request.parties.len())?;
        bounded("kinds", request.kinds.len())?;
        let kind = |number: &i32| {
            EventKind::try_from(*number)
                .ok()
                .filter(|kind| *kind != EventKind::Unspecified)
                .ok_or_else(|| Fault::invalid("kinds", format!("{number} is no kind of event")))
        };
        Ok(Filter {
            lots: request
                .lots
                .iter()
                .map(|id| lot_id("lots", id))
                .collect::<Result<_, _>>()?,
            parties: request.parties.iter().cloned().collect(),
            kinds: request.kinds.iter().map(kind).collect::<Result<_, _>>()?,
        })
    }

    /// Whether a record is wanted; `party_of` tells whose a key is.
    pub fn wants(&self, record: &OpenRecord, party_of: impl Fn(KeyId) -> Option<String>) -> bool {
        (self.lots.is_empty() || chained(record).any(|s| self.names_lot(s)))
            && (self.kinds.is_empty() || self.wants_kind(record))
            && (self.parties.is_empty() || self.wants_party(record, party_of))
    }

    fn names_lot(&self, subject: &Subject) -> bool {
        let lot = LotId::from_slice(&subject.id).filter(|_| subject.kind() == SubjectKind::Lot);
        lot.is_some_and(|lot| self.lots.contains(&lot))
    }

    fn wants_kind(&self, record: &OpenRecord) -> bool {
        record
            .events
            .iter()
            .flatten()
            .any(|event| self.kinds.contains(&kind_of(event)))
    }

    /// A record concerns a party if it signed or co-signed, if it or anything
    /// of its own was registered, or if an outcome names it: as holder, owner,
    /// giver, taker or carrier.
    fn wants_party(&self, record: &OpenRecord, party_of: impl Fn(KeyId) -> Option<String>) -> bool {
        let named = |party: &str| self.parties.contains(party);
        let cosigner = |id: &bytes::Bytes| {
            KeyId::from_slice(id)
                .and_then(&party_of)
                .is_some_and(|p| named(&p))
        };
        named(&record.payload.party)
            || record.payload.cosigner_key_ids.iter().any(cosigner)
            || chained(record).filter_map(owner).any(|party| named(&party))
            || record
                .outcomes
                .iter()
                .flatten()
                .flat_map(|outcome| &outcome.changes)
                .any(|change| names_party(change, &named))
    }
}

/// The subjects whose chains the record goes on with.
fn chained(record: &OpenRecord) -> impl Iterator<Item = &Subject> {
    let links = record.links.iter().flatten();
    links
        .filter(|l| l.kind() == LinkKind::Chain)
        .filter_map(|l| l.subject.as_ref())
}

/// The party that a subject of the registry is, or belongs to.
fn owner(subject: &Subject) -> Option<String> {
    let id = std::str::from_utf8(&subject.id).ok()?;
    match subject.kind() {
        SubjectKind::Party => Some(id.to_owned()),
        SubjectKind::Site | SubjectKind::Place | SubjectKind::Unit => {
            id.split_once('/').map(|(party, _)| party.to_owned())
        }
        _ => None,
    }
}

fn names_party(change: &Change, named: &impl Fn(&str) -> bool) -> bool {
    let holds = |account: &Option<Account>| account.as_ref().is_some_and(|a| named(&a.party));
    match &change.change {
        Some(C::Posting(p)) => holds(&p.account),
        Some(C::Title(t)) => named(&t.party),
        Some(C::Packaged(p)) => named(&p.owner) || holds(&p.account),
        Some(C::PackagesMoved(m)) => holds(&m.to),
        Some(C::PackagesOwned(o)) => named(&o.owner),
        Some(C::Reserved(r)) => holds(&r.account),
        Some(C::Offered(o)) => named(&o.giver) || named(&o.taker),
        Some(C::ConsignmentOpened(c)) => named(&c.carrier) || named(&c.giver),
        Some(C::ConsignmentRelayed(c)) => named(&c.carrier),
        Some(C::FindingNoted(f)) => named(&f.owner) || named(&f.by),
        Some(C::DisputeOpened(d)) => named(&d.owner) || named(&d.counterpart),
        _ => false,
    }
}

/// Whose a key is, by the live registry.
pub(super) fn party_of(state: &State, id: KeyId) -> Option<String> {
    match state.get(&subject::key(id))?.as_ref() {
        Item::Key(key) => key.registered.as_ref().map(|r| r.party.clone()),
        _ => None,
    }
}
