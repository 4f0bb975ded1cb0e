//! What was booked, bound to what was signed: every change names its event,
//! an offer stands on record as its giver signed it, a parked fact as its
//! taker did. Law 5 (`crossing`) rests on these.

use crate::custody::registry::LEDGER;
use crate::custody::subject::{self, Item, Items, Seen};
use crate::custody::{account, decide, ranges, succession};
use crate::event::mass::Mass;
use crate::event::record::OpenRecord;
use crate::event::{HandoffId, StatementId, ids};
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::offered::From;
use crate::pb::{
    Accepted, Account, AccountKind, Cause, Change, ConsignmentState, EventRef, FactParked, Goods,
    HandoffLine, HandoffOffered, HandoffState, LinkKind, Offered, PackageRange, Posting, Restated,
    SerialRange, Subject, SubjectKind,
};

use super::opened::links_of;
use super::signers::Signers;
use super::violation::Violation;

/// A record on the state before it.
pub(super) struct Case<'a> {
    pub(super) before: &'a dyn Items,
    pub(super) record: &'a OpenRecord,
    pub(super) id: StatementId,
    pub(super) signers: &'a Signers,
}

/// Whether the serials that a change lists are sorted and disjoint.
pub(super) fn sound_serials(change: &Change) -> bool {
    match &change.change {
        Some(C::Reserved(c)) => ranges::is_sound(&c.serials),
        Some(C::Unreserved(c)) => ranges::is_sound(&c.serials),
        Some(C::LineShrunk(c)) => ranges::is_sound(&c.serials),
        Some(C::DisputeOpened(c)) => ranges::is_sound(&c.serials),
        Some(C::DisputeReduced(c)) => ranges::is_sound(&c.serials),
        Some(C::Offered(c)) => c.lines.iter().all(|line| ranges::is_sound(&line.serials)),
        _ => true,
    }
}

impl Case<'_> {
    /// Every change of the record, with the subject it changes.
    pub(super) fn changes(&self) -> impl Iterator<Item = (&Subject, &Change)> {
        self.record.outcomes.iter().flatten().flat_map(|outcome| {
            outcome
                .changes
                .iter()
                .filter_map(|change| Some((outcome.subject.as_ref()?, change)))
        })
    }

    /// A handoff as it stood before.
    pub(super) fn handoff(&self, subject: &Subject) -> Option<Seen<HandoffState>> {
        Seen::new(self.before.get(subject)?, |item| match item {
            Item::Handoff(handoff) => Some(handoff),
            _ => None,
        })
    }

    /// The handoffs that the record is about, as they stood before.
    pub(super) fn handoffs(&self) -> impl Iterator<Item = Seen<HandoffState>> {
        links_of(self.record, LinkKind::Chain)
            .filter_map(|link| link.subject.as_ref())
            .filter(|subject| subject.kind() == SubjectKind::Handoff)
            .filter_map(|subject| self.handoff(subject))
    }

    /// A consignment as it stood before.
    pub(super) fn consignment(&self, id: &[u8]) -> Option<Seen<ConsignmentState>> {
        let subject = Subject {
            kind: SubjectKind::Consignment.into(),
            id: bytes::Bytes::copy_from_slice(id),
        };
        Seen::new(self.before.get(&subject)?, |item| match item {
            Item::Consignment(consignment) => Some(consignment),
            _ => None,
        })
    }

    /// The parked fact that a cause names.
    pub(super) fn parked(&self, cause: &Cause) -> Option<FactParked> {
        let position = cause.parked_position?;
        let named = |fact: &&FactParked| {
            fact.position == position
                && fact.happened_at_ms == cause.parked_happened_at_ms
                && fact
                    .fact
                    .as_ref()
                    .is_some_and(|f| f.event_index == cause.event_index)
        };
        let mut handoffs = self.handoffs();
        handoffs.find_map(|handoff| handoff.parked.iter().find(named).cloned())
    }

    /// Who carries a consignment: before this record, or by it.
    pub(super) fn carriers(&self, id: &[u8]) -> Vec<String> {
        let mut carriers: Vec<String> = self
            .consignment(id)
            .into_iter()
            .map(|before| before.carrier.clone())
            .collect();
        for (subject, change) in self.changes() {
            if subject.kind() == SubjectKind::Consignment && subject.id == *id {
                match &change.change {
                    Some(C::ConsignmentOpened(c)) => carriers.push(c.carrier.clone()),
                    Some(C::ConsignmentRelayed(c)) => carriers.push(c.carrier.clone()),
                    _ => {}
                }
            }
        }
        carriers
    }

    fn has_event(&self, index: u32) -> bool {
        let count = self.record.payload.event_digests.len();
        usize::try_from(index).is_ok_and(|at| at < count)
    }

    /// How this record's statement names one of its events.
    pub(super) fn event_ref(&self, index: u32) -> Option<EventRef> {
        let at = usize::try_from(index).ok()?;
        Some(EventRef {
            party: self.record.payload.party.clone(),
            statement_id: self.id.to_bytes(),
            event_index: index,
            event_digest: self.record.payload.event_digests.get(at)?.clone(),
        })
    }

    pub(super) fn body(&self, index: u32) -> Option<&Body> {
        self.record
            .events
            .get(usize::try_from(index).ok()?)?
            .as_ref()?
            .body
            .as_ref()
    }
}

/// Checks all of it.
pub(super) fn check(case: &Case<'_>) -> Result<(), Violation> {
    for (subject, change) in case.changes() {
        check_cause(case, subject, change)?;
        let index = change.cause.as_ref().map_or(0, |c| c.event_index);
        let wrong = match &change.change {
            Some(C::Offered(offered)) => offer_differs(case, subject, index, offered),
            Some(C::Parked(fact)) => fact_differs(case, subject, index, fact),
            Some(C::Restated(r)) => restated_otherwise(case, index, Some(r)),
            Some(C::BirthRestated(_)) => restated_otherwise(case, index, None),
            _ => None,
        };
        if let Some(why) = wrong {
            return Err(Violation::NotAsSigned {
                subject: subject::show(subject),
                why,
            });
        }
    }
    for (index, event) in case.record.events.iter().enumerate() {
        let named = match event.as_ref().and_then(|e| e.body.as_ref()) {
            Some(Body::Accepted(e)) => &e.offer,
            Some(Body::Declined(e)) => &e.offer,
            Some(Body::Withdrawn(e)) => &e.offer,
            _ => continue,
        };
        if !named
            .as_ref()
            .is_some_and(|offer| names_its_offer(case, offer))
        {
            return Err(Violation::EventRef(index));
        }
    }
    Ok(())
}

/// Only a correction restates, and what it restates is nothing but moved.
fn restated_otherwise(
    case: &Case<'_>,
    index: u32,
    restated: Option<&Restated>,
) -> Option<&'static str> {
    if !matches!(case.body(index), None | Some(Body::Corrected(_))) {
        return Some("an event is restated by one that is no correction");
    }
    let postings = restated.map(|r| r.postings.as_slice()).unwrap_or_default();
    let sum = |of: fn(&Posting) -> i64| postings.iter().map(|p| i128::from(of(p))).sum::<i128>();
    let balanced = sum(|p| p.gross_mg) == 0 && sum(|p| p.contained_mg) == 0;
    (!balanced).then_some("an event is restated with matter from nowhere")
}

fn check_cause(case: &Case<'_>, subject: &Subject, change: &Change) -> Result<(), Violation> {
    let sound = change
        .cause
        .as_ref()
        .is_some_and(|cause| match cause.parked_position {
            Some(_) => case.parked(cause).is_some(),
            None => case.has_event(cause.event_index) && cause.parked_happened_at_ms == 0,
        });
    if sound {
        Ok(())
    } else {
        Err(Violation::Cause {
            subject: subject::show(subject),
        })
    }
}

/// The offer as booked against the offer as signed.
fn offer_differs(
    case: &Case<'_>,
    subject: &Subject,
    index: u32,
    booked: &HandoffOffered,
) -> Option<&'static str> {
    let party = &case.record.payload.party;
    let name = HandoffId(ids::derived(party, case.id, index, 0));
    let from = booked.from.clone().unwrap_or_default();
    if *subject != subject::handoff(name) || booked.offer != case.event_ref(index) {
        return Some("the handoff is not named after its offer");
    }
    if booked.giver != *party || !holds(case, party, &from) {
        return Some("the giver is not the signer, or does not hold what is offered");
    }
    if booked.recorded_at_ms != case.record.head.recorded_at_ms {
        return Some("it is said to be recorded at another time");
    }
    match case.body(index) {
        // Withheld: the digest stands for it.
        None => None,
        Some(Body::Offered(signed)) => offer_body_differs(case, signed, booked, &from),
        Some(_) => Some("the event is no offer"),
    }
}

fn offer_body_differs(
    case: &Case<'_>,
    signed: &Offered,
    booked: &HandoffOffered,
    from: &Account,
) -> Option<&'static str> {
    let place = match &signed.from {
        Some(From::Place(place)) => from.kind() == AccountKind::Held && from.place == *place,
        Some(From::Consignment(id)) => from.kind() == AccountKind::Aboard && from.id == *id,
        None => false,
    };
    let back = signed.returns.as_ref() == booked.returns.as_deref()
        && signed.manifest == booked.manifest
        && signed.instead_of.as_ref() == booked.instead_of.as_deref();
    let waybill = signed.carriage == booked.carriage && signed.road_pass == booked.road_pass;
    if signed.taker != booked.taker || !waybill || !place || !back {
        return Some("another taker, place or waybill");
    }
    let same = signed.lines.len() == booked.lines.len()
        && signed
            .lines
            .iter()
            .zip(&booked.lines)
            .all(|(goods, line)| same_goods(case, goods, line));
    (!same).then_some("other goods")
}

fn same_goods(case: &Case<'_>, goods: &Goods, line: &HandoffLine) -> bool {
    let gross = match &goods.loose {
        None => Some(0),
        some => Mass::of(some.as_ref(), "").ok().map(Mass::as_mg),
    };
    let by_name = ranges::minus(&line.serials, &goods.serials);
    goods.lot == line.lot
        && gross == Some(line.loose_gross_mg)
        && ranges::minus(&goods.serials, &line.serials).is_empty()
        && by_name.iter().all(|range| in_outers(case, goods, range))
}

/// Whether packages are in the outer packings that goods name: before, or by
/// this record.
fn in_outers(case: &Case<'_>, goods: &Goods, range: &SerialRange) -> bool {
    let subject = Subject {
        kind: SubjectKind::Lot.into(),
        id: goods.lot.clone(),
    };
    let mut inside = Vec::new();
    if let Some(Item::Lot(lot)) = case.before.get(&subject).as_deref() {
        let named = |p: &&PackageRange| !p.outer.is_empty() && goods.outers.contains(&p.outer);
        for p in lot.packages.iter().filter(named) {
            let (first, last) = (p.first, p.last);
            ranges::insert(&mut inside, SerialRange { first, last });
        }
    }
    for (_, change) in case.changes().filter(|(s, _)| **s == subject) {
        if let Some(C::PackagesAggregated(a)) = &change.change
            && !a.outer.is_empty()
            && goods.outers.contains(&a.outer)
        {
            let (first, last) = (a.first, a.last);
            ranges::insert(&mut inside, SerialRange { first, last });
        }
    }
    ranges::minus(&[*range], &inside).is_empty()
}

/// Whether an account is a party's to give from.
fn holds(case: &Case<'_>, party: &str, from: &Account) -> bool {
    match from.kind() {
        AccountKind::Held => *from == account::held(party, &from.place),
        AccountKind::Aboard => case
            .carriers(&from.id)
            .iter()
            .any(|carrier| succession::acts_for(case.before, party, carrier)),
        _ => false,
    }
}

/// A parked fact as booked against the fact as signed.
fn fact_differs(
    case: &Case<'_>,
    subject: &Subject,
    index: u32,
    fact: &FactParked,
) -> Option<&'static str> {
    let payload = &case.record.payload;
    let stands = fact.position == case.record.position()
        && fact.happened_at_ms == payload.happened_at_ms
        && fact.party == payload.party
        && fact.party != LEDGER
        && fact.fact == case.event_ref(index);
    if !stands {
        return Some("the fact is not this record's");
    }
    let accepted = fact.accepted.clone().unwrap_or_default();
    if offer_of(&accepted).as_ref() != Some(subject) {
        return Some("the fact waits for another offer");
    }
    match case.body(index) {
        Some(Body::Accepted(signed)) if *signed != accepted => Some("other goods"),
        Some(Body::Accepted(_)) | None => None,
        Some(_) => Some("the event is no acceptance"),
    }
}

fn offer_of(accepted: &Accepted) -> Option<Subject> {
    decide::handoff_of(accepted.offer.as_ref()?)
}

/// Whether the record is about the handoff of the offer it names, and that
/// offer is the very event.
fn names_its_offer(case: &Case<'_>, named: &EventRef) -> bool {
    let Some(subject) = decide::handoff_of(named) else {
        return false;
    };
    let linked =
        links_of(case.record, LinkKind::Chain).any(|link| link.subject.as_ref() == Some(&subject));
    let here = case
        .changes()
        .filter(|(s, _)| **s == subject)
        .find_map(|(_, change)| match &change.change {
            Some(C::Offered(offered)) => offered.offer.clone(),
            _ => None,
        });
    let before = || case.handoff(&subject)?.offered.as_ref()?.offer.clone();
    let offer = here.or_else(before);
    // Before the offer has come in the fact is parked under its name alone.
    linked && offer.is_none_or(|offer| offer == *named)
}
