//! That what was signed has had its effect. A record without some of its
//! event's changes, or without the links of what these change, leaves somebody's
//! act out of the books and out of every chain of custody, and agrees with
//! itself all the same. So here stands, kind by kind, what a record must hold of
//! an event: the subjects whose chains go on with it, the changes of each, and
//! of these the figures that the body alone gives. That nothing else was booked
//! with it the other checks ask.
//!
//! Nothing is asked of events of the registry and of the ledger's own words: the
//! fold reads their bodies, which nobody may withhold, so that they cannot be
//! without effect; one whose link is left out does not fold. Nor of an event
//! that is withheld, whose digest stands for it.
//!
//! What is not asked, because a body does not say it and the verifier does not
//! decide again:
//!
//! - figures of packages: what they weigh is in the lot, and the laws bind it.
//!   That those which are named by number moved is asked; what was in an outer
//!   packing is not known here, only that some of it moved, nor is that it was
//!   broken by it;
//! - whose title ends, and the disputes and losses of a shortfall;
//! - which open offers lose goods that were used, lost or taken all the same, and
//!   by how much: that is in the lot, and no more than is there stays reserved;
//! - the figures of an acceptance that had waited for its offer: with the offer's
//!   record it is taken up, or a finding says why not. Law 5 bounds what it moves;
//! - claims on a permit and what is drawn from it, stops that are too long, what
//!   a waste manifest says is to come off: those are a rule's to say, or a paper's;
//! - marks that follow from others: that what is made of a recalled lot is
//!   recalled, that a place is counted while a pack asks for it;
//! - of what a running lot is made, and its content: worked out from what is held
//!   of it, after every event;
//! - the difference that a correction books: what was booked first lies far
//!   behind. The event restated is asked for on each of its lots; its figures,
//!   where no package is among the goods and it made no lots of lots.

mod effect;
mod goods;
mod handed;
mod oversight;
mod restated;
mod vessels;

use self::effect::{Effect, Lack};
use super::violation::Violation;
use crate::custody::decide::handoff_of;
use crate::custody::subject::{self, Items};
use crate::event::StatementId;
use crate::event::record::OpenRecord;
use crate::event::statement::{kind_name, kind_of};
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{AccountKind as K, CustomsDirection, DangerStatus, HandoffStatus};

/// Checks a record that has been folded into `after`.
pub(super) fn check(
    after: &dyn Items,
    record: &OpenRecord,
    id: StatementId,
) -> Result<(), Violation> {
    for (index, event) in (0u32..).zip(&record.events) {
        let Some(event) = event else { continue };
        let Some(body) = &event.body else { continue };
        let effect = Effect::new(after, record, id, index);
        asked(&effect, body).map_err(|lack: Lack| Violation::WithoutEffect {
            index,
            kind: kind_name(kind_of(event)),
            subject: subject::show(&lack.subject),
            lacks: lack.what,
        })?;
    }
    Ok(())
}

/// What is asked of each kind of event: one line a kind.
fn asked(effect: &Effect<'_>, body: &Body) -> Result<(), Lack> {
    let e = effect;
    let held = |place: &str| e.held(place);
    match body {
        // Matter that enters.
        Body::Produced(b) => e.enters(0, b.lot.as_ref(), K::Produced, ""),
        Body::Imported(b) => e.enters(0, b.lot.as_ref(), K::Imported, "").and_then(|()| {
            e.declared(CustomsDirection::Import, b.customs_status, &b.customs_entry)
        }),
        Body::Opened(b) => e.enters(0, b.lot.as_ref(), K::Opening, ""),
        Body::Arrived(b) => e.enters(0, b.lot.as_ref(), K::Inbound, ""),
        // Matter in store.
        Body::Moved(b) => e.moves(b.goods.as_ref(), &held(&b.from_place), &held(&b.to_place)),
        Body::Packed(b) => e.packs(&b.lot, b.serials, b.gross_mg_each, &b.place),
        Body::Repacked(b) => e.repacks(b),
        Body::Filled(b) => e.fills(b),
        Body::Drawn(b) => e.draws(b),
        Body::Cleaned(b) => e.cleans(b),
        Body::Assayed(b) => e.assays(b),
        Body::Sampled(b) => e.child(b.goods.as_ref(), &b.place, &b.label, None),
        Body::Counted(b) => e.counts(b),
        Body::Aggregated(b) => e.aggregates(b),
        // Matter that changes hands.
        Body::Offered(b) => e.offers(b),
        Body::Accepted(b) => e.accepts(b),
        Body::Declined(b) => e.closes(b.offer.as_ref(), HandoffStatus::Declined),
        Body::Withdrawn(b) => e.closes(b.offer.as_ref(), HandoffStatus::Withdrawn),
        Body::Relayed(b) => e.relays(b),
        Body::Reported(b) => e.reports(b),
        Body::Traded(b) => e.trades(b),
        // Matter that goes.
        Body::Used(b) => e.sinks(b.goods.as_ref(), &held(&b.place), K::Used),
        Body::Transformed(b) => e.transforms(b),
        Body::Wasted(b) => e.child(b.goods.as_ref(), &b.place, &b.label, Some(&b.waste_code)),
        Body::Disposed(b) => e.sinks(b.goods.as_ref(), &held(&b.place), K::Disposed),
        Body::PackagingTreated(b) => e.treats(b),
        Body::Exported(b) => e
            .sinks(b.goods.as_ref(), &held(&b.place), K::Exported)
            .and_then(|()| e.exports(b)),
        Body::Departed(b) => e.sinks(b.goods.as_ref(), &held(&b.place), K::Outbound),
        Body::Incident(b) => e.loses(b),
        Body::Recovered(b) => e.recovers(b),
        // Words that settle, correct or pass on.
        Body::Confirmed(b) => e.has(
            &effect::lot_of(&b.lot),
            "its confirmation",
            |c| matches!(c, C::EdgeConfirmed(word) if word.edge == b.edge),
        ),
        Body::CustomsReported(b) => e.says_to_customs(b),
        Body::Settled(b) => e.settles(b),
        Body::Corrected(b) => e.corrects(b),
        Body::TakenOver(b) => e.takes_over(b),
        Body::Seized(b) => e.seizes(b),
        Body::Inherited(b) => e.inherits(b),
        // Authorities', and answers to them.
        Body::Blacklisted(b) => e.lists(b),
        Body::Sealed(b) => e.seals(b),
        Body::Unsealed(b) => e.unseals(b),
        Body::Recalled(b) => e.recalls(b),
        Body::RecallAcknowledged(b) => e.acknowledges(b),
        Body::EmergencyOrdered(b) => e.orders(b.relief.as_ref(), false),
        Body::SafeReturnOrdered(b) => e.orders(b.relief.as_ref(), true),
        Body::Inspected(b) => e.inspects(b),
        Body::Rectified(b) => e.danger(&b.danger, DangerStatus::Rectified, 0),
        Body::Verified(b) => e.looked(&b.danger, b.ok, DangerStatus::Verified, b.due_ms),
        Body::LookedBack(b) => e.looked(&b.danger, b.ok, DangerStatus::Closed, b.due_ms),
        Body::FindingAnswered(b) => {
            let finding = subject::finding(b.position, b.finding);
            e.has(
                &finding,
                "the answer",
                |c| matches!(c, C::FindingNoted(noted) if noted.answer == b.answer),
            )
        }
        Body::OverdueStated(b) => e.states(b),
        // Their own outcomes: the fold reads these bodies.
        Body::PartyRegistered(_)
        | Body::SiteRegistered(_)
        | Body::PlaceRegistered(_)
        | Body::UnitRegistered(_)
        | Body::KeyRegistered(_)
        | Body::KeyRevoked(_)
        | Body::LedgerKeyRotated(_)
        | Body::PermitRegistered(_)
        | Body::PermitStated(_)
        | Body::VehicleRegistered(_)
        | Body::PersonRegistered(_)
        | Body::ProductRegistered(_)
        | Body::ParkRegistered(_)
        | Body::HazardSourceFiled(_)
        | Body::AgencyRegistered(_)
        | Body::PackPublished(_)
        | Body::PackWithdrawn(_)
        | Body::Succeeded(_)
        | Body::Genesis(_)
        | Body::StateRecorded(_)
        | Body::ClockStated(_)
        | Body::RefusalsAnchored(_) => Ok(()),
    }
}
