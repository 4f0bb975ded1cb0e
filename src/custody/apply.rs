//! The fold: one change applied to one item. Live writes, recovery, the
//! verifier and every view go through here; it reads no event body and
//! decides nothing (registry events are in [`super::registry`]).

use super::blend;
use super::device;
use super::lot::{self, Amount, Broken, broken};
use super::overdue;
use super::oversight;
use super::packaging;
use super::permit;
use super::subject::Item;
use crate::pb::change::Change as C;
use crate::pb::{
    AssaySet, Change, ConsignmentState, CustomsSet, CustomsStatus, DisputeState, FindingState,
    HandoffLine, HandoffState, HandoffStatus, LotBorn, LotState, PlaceState, Restated, Returned,
    WasteDue,
};

/// Where a change is applied.
#[derive(Clone, Copy, Debug)]
pub struct At {
    /// Position of the record.
    pub position: u64,
    /// When its statement says it happened, Unix milliseconds.
    pub happened_at_ms: i64,
}

/// The item that a first change creates; `None` if that change creates none.
pub fn birth(change: &Change, at: At) -> Option<Item> {
    Some(match change.change.as_ref()? {
        C::Born(born) => Item::Lot(LotState {
            content_ppm: born.content_ppm,
            born: Some(born.clone()),
            born_at: at.position,
            born_happened_at_ms: happened(change, at),
            ..LotState::default()
        }),
        C::Offered(offered) => Item::Handoff(HandoffState {
            offered: Some(offered.clone()),
            status: HandoffStatus::Open.into(),
            ..HandoffState::default()
        }),
        C::Parked(parked) => Item::Handoff(HandoffState {
            status: HandoffStatus::Awaited.into(),
            parked: vec![parked.clone()],
            ..HandoffState::default()
        }),
        C::ConsignmentOpened(opened) => {
            let carriage = opened.carriage.clone().unwrap_or_default();
            Item::Consignment(ConsignmentState {
                carrier: opened.carrier.clone(),
                giver: opened.giver.clone(),
                vehicle: carriage.vehicle.clone(),
                crew: carriage.crew.clone(),
                seals: carriage.seals.clone(),
                permit: opened.permit.clone(),
                road_pass: opened.road_pass.clone(),
                wagons: carriage
                    .rail
                    .as_ref()
                    .map(|rail| rail.wagons.clone())
                    .unwrap_or_default(),
                carriage: Some(carriage),
                manifest: opened.manifest.clone(),
                opened_at_ms: happened(change, at),
                ..ConsignmentState::default()
            })
        }
        C::FindingNoted(_) => Item::Finding(FindingState::default()),
        C::DisputeOpened(opened) => Item::Dispute(DisputeState {
            gross_mg: opened.gross_mg,
            contained_mg: opened.contained_mg,
            serials: opened.serials.clone(),
            opened: Some(opened.clone()),
            ..DisputeState::default()
        }),
        what => return oversight::birth(what),
    })
}

/// When the event behind a change happened: a parked fact has its own time.
pub fn happened(change: &Change, at: At) -> i64 {
    match &change.cause {
        Some(cause) if cause.parked_position.is_some() => cause.parked_happened_at_ms,
        _ => at.happened_at_ms,
    }
}

/// Applies a change to the subject's item.
pub fn apply(item: &mut Item, change: &Change, at: At) -> Result<(), Broken> {
    let Some(what) = change.change.as_ref() else {
        return broken(8, "a change of no kind");
    };
    match item {
        Item::Lot(lot) => {
            let happened = happened(change, at);
            if !oversight::is_mark(what) && !overdue::is_mark(what) {
                lot.latest_happened_at_ms = lot.latest_happened_at_ms.max(happened);
            }
            if let C::Assay(AssaySet { mixed: false, .. }) = what {
                lot.assayed_at_ms = happened;
            }
            to_lot(lot, what)
        }
        Item::Handoff(handoff) => to_handoff(handoff, what),
        Item::Consignment(consignment) => to_consignment(consignment, what),
        Item::Dispute(dispute) => to_dispute(dispute, what),
        Item::Party(party) => match what {
            C::ParkedCount(count) => match party.parked.checked_add_signed(count.change) {
                Some(parked) => {
                    party.parked = parked;
                    Ok(())
                }
                None => broken(8, "fewer parked facts than none"),
            },
            _ => oversight::to_party(party, what),
        },
        Item::Place(place) => to_place(place, what),
        Item::Key(key) => device::apply(key, what, at.position),
        Item::Vehicle(vehicle) => oversight::to_vehicle(vehicle, what),
        Item::Danger(danger) => oversight::to_danger(danger, what),
        Item::Recall(recall) => oversight::to_recall(recall, what),
        Item::Permit(permit) => permit::apply(permit, what),
        Item::Finding(finding) => match what {
            C::FindingNoted(noted) => {
                finding.answers = finding.answers.saturating_add(1);
                finding.noted = Some(noted.clone());
                Ok(())
            }
            _ => misplaced("a finding"),
        },
        Item::Site(_)
        | Item::Unit(_)
        | Item::Person(_)
        | Item::Product(_)
        | Item::Park(_)
        | Item::Rules(_)
        | Item::Ledger(_) => misplaced("the registry"),
        Item::Stock(_) => misplaced("stock"),
    }
}

pub(super) fn misplaced(where_to: &str) -> Result<(), Broken> {
    broken(8, format!("a change that is none of {where_to}"))
}

fn to_lot(lot: &mut LotState, what: &C) -> Result<(), Broken> {
    match what {
        C::Posting(p) => {
            let account = p.account.clone().unwrap_or_default();
            lot::post(
                lot,
                &account,
                Amount {
                    gross: p.gross_mg,
                    contained: p.contained_mg,
                },
            )?;
            overdue::booked(lot, &account);
            Ok(())
        }
        C::StockTaken(_) | C::OverdueTold(_) => overdue::to_lot(lot, what),
        C::Title(t) => lot::post_title(lot, &t.party, t.gross_mg),
        C::Packaged(range) => lot::add_packages(lot, range.clone()),
        C::PackagesMoved(m) => {
            lot::move_packages(lot, m.first, m.last, &m.to.clone().unwrap_or_default())
        }
        C::PackagesOwned(o) => lot::own_packages(lot, o.first, o.last, &o.owner),
        C::PackageParted(p) => {
            let part = Amount {
                gross: p.gross_mg,
                contained: p.contained_mg,
            };
            packaging::take_part(lot, p.serial, part)
        }
        C::PackagesAggregated(a) => packaging::aggregate(lot, a.first, a.last, &a.outer),
        C::PackagesEmptied(e) => packaging::empty(lot, e.first, e.last),
        C::PackagesCleaned(c) => packaging::clean(lot, c.first, c.last),
        C::PackagesEnded(e) => packaging::end(lot, e.first, e.last),
        C::Reserved(r) => {
            for range in &r.serials {
                lot::reserve_packages(lot, range, &r.handoff)?;
            }
            match r.loose_gross_mg {
                0 => Ok(()),
                gross => lot::reserve_loose(lot, &r.handoff, r.account.as_ref(), gross),
            }
        }
        C::Unreserved(u) => {
            for range in &u.serials {
                lot::unreserve_packages(lot, range, &u.handoff);
            }
            match u.loose_gross_mg.checked_neg() {
                Some(0) => Ok(()),
                Some(gross) => lot::reserve_loose(lot, &u.handoff, None, gross),
                None => broken(2, "a mass overflows"),
            }
        }
        C::Assay(a) => {
            lot.content_ppm = a.content_ppm;
            Ok(())
        }
        C::Restated(restated) => {
            let name = |r: &Restated| (r.position, r.event_index);
            lot.restated.retain(|r| name(r) != name(restated));
            lot.restated.push(restated.clone());
            lot.restated.sort_by_key(name);
            Ok(())
        }
        C::OneSided(o) => {
            // Told again by a correction, it stands where it stood.
            put(&mut lot.one_sided, o, |known| known.edge == o.edge);
            Ok(())
        }
        C::CustomsSet(entry) => {
            set_customs(lot, entry);
            Ok(())
        }
        C::EdgeConfirmed(c) => {
            lot.one_sided.retain(|o| o.edge != c.edge);
            Ok(())
        }
        C::BirthRestated(born) => restate_birth(lot, born),
        C::Form(set) => {
            lot.form.clone_from(&set.form);
            Ok(())
        }
        C::Blended(change) => blend::apply(lot, change),
        C::RunningIn(vessel) => {
            lot.running_in = Some(vessel.clone());
            Ok(())
        }
        C::RunningEnded(_) => {
            lot.running_in = None;
            lot.blend_at_end.clone_from(&lot.blend);
            Ok(())
        }
        C::Answerable(a) => {
            if let Some(born) = &mut lot.born {
                born.answerable.clone_from(&a.party);
            }
            Ok(())
        }
        // They stand in the chain, for genealogy and law 4; the item itself
        // does not change by them.
        C::Born(_) | C::ContributedTo(_) | C::Conservation(_) | C::Repackaged(_) => Ok(()),
        _ => oversight::to_lot(lot, what),
    }
}

/// What is known already changes where it stands; what is new comes last.
fn put<T: Clone>(all: &mut Vec<T>, new: &T, same: impl Fn(&T) -> bool) {
    match all.iter_mut().find(|known| same(known)) {
        Some(known) => known.clone_from(new),
        None => all.push(new.clone()),
    }
}

/// An entry changes where it stands; a new one comes last; one without a status
/// is no longer kept.
fn set_customs(lot: &mut LotState, entry: &CustomsSet) {
    let same =
        |c: &CustomsSet| c.direction == entry.direction && c.customs_entry == entry.customs_entry;
    if entry.status() == CustomsStatus::Unspecified {
        lot.customs.retain(|c| !same(c));
        return;
    }
    put(&mut lot.customs, entry, same);
}

/// A birth is restated, not replaced: the lot stays what it is.
fn restate_birth(lot: &mut LotState, born: &LotBorn) -> Result<(), Broken> {
    let name = |b: &LotBorn| {
        (
            b.label.clone(),
            b.form.clone(),
            b.source,
            b.declarer.clone(),
        )
    };
    if lot.born.as_ref().map(name) != Some(name(born)) {
        return broken(8, "a birth restated as another lot's");
    }
    lot.born = Some(born.clone());
    Ok(())
}

/// Forms that a vessel is known to have held, at most: its last three cargoes.
const MAX_CONTENTS: usize = 3;

fn to_place(place: &mut PlaceState, what: &C) -> Result<(), Broken> {
    let C::VesselContents(now) = what else {
        return oversight::to_place(place, what);
    };
    place.running.clone_from(&now.running);
    place.uncleaned = now.uncleaned;
    place.consignment.clone_from(&now.consignment);
    if !now.form.is_empty() {
        place.contents.insert(0, now.form.clone());
        place.contents.truncate(MAX_CONTENTS);
    }
    Ok(())
}

fn to_handoff(handoff: &mut HandoffState, what: &C) -> Result<(), Broken> {
    match what {
        C::Offered(offered) => {
            handoff.offered = Some(offered.clone());
            handoff.set_status(HandoffStatus::Open);
            Ok(())
        }
        C::HandoffClosed(closed) => {
            handoff.status = closed.status;
            handoff.overdue.clear();
            Ok(())
        }
        C::OverdueTold(told) => {
            overdue::tell(&mut handoff.overdue, told);
            Ok(())
        }
        C::LineShrunk(shrunk) => {
            let line = usize::try_from(shrunk.line)
                .ok()
                .and_then(|i| handoff.offered.as_mut()?.lines.get_mut(i));
            let Some(line) = line else {
                return broken(8, "a line that the offer has not");
            };
            match line.loose_gross_mg.checked_sub(shrunk.loose_gross_mg) {
                Some(rest @ 0..) => line.loose_gross_mg = rest,
                _ => return broken(2, "a line shrinks below nothing"),
            }
            line.serials = super::ranges::minus(&line.serials, &shrunk.serials);
            Ok(())
        }
        C::Parked(parked) => {
            if !handoff.parked.contains(parked) {
                handoff.parked.push(parked.clone());
            }
            Ok(())
        }
        C::LineTaken(taken) => {
            put(&mut handoff.taken, taken, |known| known.line == taken.line);
            Ok(())
        }
        C::Returned(back) => returned(handoff, back),
        C::Replaced(by) => {
            handoff.replaced_by.push(by.handoff.clone());
            Ok(())
        }
        C::Unparked(unparked) => {
            handoff.parked.retain(|p| p.position != unparked.position);
            Ok(())
        }
        _ => misplaced("a handoff"),
    }
}

/// Adds what has been taken back to what had been, by lot.
fn returned(handoff: &mut HandoffState, back: &Returned) -> Result<(), Broken> {
    let at = handoff.returned.iter().position(|l| l.lot == back.lot);
    let Some(line) = at.and_then(|at| handoff.returned.get_mut(at)) else {
        handoff.returned.push(HandoffLine {
            lot: back.lot.clone(),
            loose_gross_mg: back.loose_gross_mg,
            serials: back.serials.clone(),
        });
        return Ok(());
    };
    let Some(sum) = line.loose_gross_mg.checked_add(back.loose_gross_mg) else {
        return broken(2, "a mass overflows");
    };
    line.loose_gross_mg = sum;
    let new = super::ranges::minus(&back.serials, &line.serials);
    for range in new {
        super::ranges::insert(&mut line.serials, range);
    }
    Ok(())
}

fn to_consignment(consignment: &mut ConsignmentState, what: &C) -> Result<(), Broken> {
    match what {
        C::ConsignmentOpened(_) => {}
        C::ConsignmentRelayed(r) => {
            consignment.carrier.clone_from(&r.carrier);
            consignment.vehicle.clone_from(&r.vehicle);
            consignment.crew.clone_from(&r.crew);
            consignment.seals.clone_from(&r.seals);
            consignment.region.clone_from(&r.region);
            consignment.wagons.clone_from(&r.wagons);
            consignment.station.clone_from(&r.station);
            consignment.relayed_at_ms = r.at_ms;
            consignment.relay_place.clone_from(&r.place);
            overdue::relayed(consignment);
        }
        C::ConsignmentReported(r) => {
            overdue::reported(consignment, r);
        }
        C::OverdueTold(told) => overdue::tell(&mut consignment.overdue, told),
        C::Load(load) => {
            consignment.lots.retain(|lot| *lot != load.lot);
            if load.aboard {
                consignment.lots.push(load.lot.clone());
                consignment.lots.sort_unstable();
            } else {
                // A stop ends where goods are taken.
                overdue::relayed(consignment);
            }
        }
        C::WasteDue(due) => return waste_due(&mut consignment.due, due),
        C::ConsignmentClosed(_) => {
            consignment.closed = true;
            consignment.overdue.clear();
        }
        _ => return oversight::to_consignment(consignment, what),
    }
    Ok(())
}

/// Adds to what is due of a waste; none left, it stands no more.
fn waste_due(all: &mut Vec<WasteDue>, due: &WasteDue) -> Result<(), Broken> {
    let known = all.iter().find(|known| known.lot == due.lot);
    let before = known.map_or(0, |known| known.gross_mg);
    let Some(gross_mg) = before.checked_add(due.gross_mg) else {
        return broken(2, "a mass overflows");
    };
    all.retain(|known| known.lot != due.lot);
    if gross_mg != 0 {
        let lot = due.lot.clone();
        all.push(WasteDue { lot, gross_mg });
        all.sort_by(|a, b| a.lot.cmp(&b.lot));
    }
    Ok(())
}

fn to_dispute(dispute: &mut DisputeState, what: &C) -> Result<(), Broken> {
    match what {
        C::DisputeOpened(_) => Ok(()),
        C::DisputeReduced(reduced) => {
            let left = Amount {
                gross: dispute.gross_mg,
                contained: dispute.contained_mg,
            }
            .minus(Amount {
                gross: reduced.gross_mg,
                contained: reduced.contained_mg,
            })?;
            (dispute.gross_mg, dispute.contained_mg) = (left.gross, left.contained);
            dispute.serials = super::ranges::minus(&dispute.serials, &reduced.serials);
            Ok(())
        }
        _ => misplaced("a dispute"),
    }
}
