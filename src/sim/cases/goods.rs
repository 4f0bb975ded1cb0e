//! Deliveries that go wrong: an early acceptance that does not fit, reserved
//! goods that are taken, goods that go back twice, that are turned away and
//! go to another, scales that are not verified, disputes beyond their size.

use bytes::Bytes;

use crate::pb::event::Body;
use crate::pb::incident::At;
use crate::pb::{
    Accepted, Assayed, Declined, FindingCode, Incident, IncidentKind, Offered, RefusalCode,
    ReportKind, Reported, Settled, Settlement, SettlementCause,
};
use crate::sim::cast::Who;
use crate::sim::fleet::Valid;
use crate::sim::goods::{KG, NITRATE, Pile};
use crate::sim::ship::{accepted, with_line};
use crate::sim::{Contents, World, paper};

pub(super) fn deliveries(world: &mut World) {
    let cast = world.cast.clone();
    let (plant, store) = (cast.nitrate_plants.first(), cast.warehouses.first());
    does_not_fit(world, plant, store);
    taken_all_the_same(world, plant, store);
    back_twice(world, plant, store);
    turned_away(world, plant, store);
    in_dispute(world, plant, store);
}

/// The carrier was told of an offer on the telephone, and of a wrong line.
fn does_not_fit(world: &mut World, plant: &Who, store: &Who) {
    let carrier = world.cast.carriers.first().clone();
    let pile = world.batch(plant, &NITRATE, 5);
    let mut s = world.journey(&pile, &carrier, store);
    let offer = world.offers(&mut s, |_| {}, "offers for carriage");
    let mut early = accepted(&s.offer, "", &pile.goods());
    for line in &mut early.lines {
        line.line = 5;
    }
    let what = "accepts a line of an offer still to come";
    let said = world.say(&carrier, vec![Body::Accepted(early)], what);
    world.then(said);
    world.then(offer);
    world.goes_on_its_way(s);
}

/// A bag that was offered is burnt before it is taken.
fn taken_all_the_same(world: &mut World, plant: &Who, store: &Who) {
    let pile = world.batch(plant, &NITRATE, 6);
    let said = world.hands(&pile, store, |_| {}, "offers on the spot");
    let offer = world.then(said).reference(0);
    let Some((rest, one)) = pile.split_packages(1) else {
        return;
    };
    let incident = Incident {
        kind: IncidentKind::Released.into(),
        goods: Some(one.goods()),
        at: Some(At::Place(one.place.to_owned())),
        description: "bag torn while it waited 待交期间破袋".to_owned(),
    };
    let what = "loses a bag that it has offered";
    let said = world.say(plant, vec![Body::Incident(incident)], what);
    world.then(said);
    let said = world.takes(&rest, &offer, store, "accepts what is left of a delivery");
    world.then(said);
    world.stock.push(rest.at(store, store.entry.code));
}

/// Two clerks send the same delivery back.
fn back_twice(world: &mut World, plant: &Who, store: &Who) {
    let pile = world.loose_lot(plant, &NITRATE, 1_000);
    let of = |kg: i64| Pile {
        contents: Contents::Loose(kg * KG),
        ..pile.clone()
    };
    let mut offers = Vec::new();
    for _ in 0..2 {
        let said = world.hands(&of(400), store, |_| {}, "offers on the spot");
        let offer = world.then(said).reference(0);
        let said = world.takes(&of(400), &offer, store, "accepts a delivery");
        world.then(said);
        offers.push(offer);
    }
    let assayed = Assayed {
        lot: pile.lot.to_bytes(),
        content_ppm: NITRATE.least_permille * 1_000,
        certificate_hash: world.hash(),
        ..Assayed::default()
    };
    let what = "assays what is not all its own to assay";
    let said = world.say(plant, vec![Body::Assayed(assayed)], what);
    world.then_refused(said, RefusalCode::NotSoleHolder);
    let Some(first) = offers.into_iter().next() else {
        return;
    };
    let there = |kg: i64| of(kg).at(store, store.entry.code);
    let back = |o: &mut Offered| o.returns = Some(first.clone());
    let what = "sends back more than came";
    let said = world.hands(&there(500), plant, back, what);
    world.then_refused(said, RefusalCode::ReturnDisagrees);
    let mut sent = Vec::new();
    for _ in 0..2 {
        let said = world.hands(&there(300), plant, back, "sends a delivery back");
        sent.push(world.then(said).reference(0));
    }
    for offer in sent {
        let accepted = Accepted {
            returns: Some(first.clone()),
            ..with_line(&offer, plant.entry.code, paper::taken(&of(300).goods()))
        };
        let said = world.say(plant, vec![Body::Accepted(accepted)], "takes back");
        world.then(said);
    }
    // The rest stays with the store: loose goods of one lot go on from one
    // place, so that their title has one owner.
    world.stock.push(of(800));
}

/// The consignee turns a load away; it goes to another, on a scale whose
/// verification has run out.
fn turned_away(world: &mut World, plant: &Who, store: &Who) {
    let cast = world.cast.clone();
    let (carrier, other) = (cast.carriers.first(), cast.warehouses.last());
    let pile = world.batch(plant, &NITRATE, 4);
    let mut s = world.journey(&pile, carrier, store);
    let said = world.offers(&mut s, |_| {}, "offers for carriage");
    world.then(said);
    let body = Body::Accepted(accepted(&s.offer, "", &pile.goods()));
    let said = world.say(carrier, vec![body], "takes aboard");
    world.then(said);
    let unloaded = |to: &Who| paper::unloaded(pile.goods(), s.consignment, to);
    let bodies = vec![Body::Offered(unloaded(store))];
    let said = world.say(carrier, bodies, "offers from the vehicle");
    let refused = world.then(said).reference(0);
    let declined = Declined {
        offer: Some(refused.clone()),
        reason: "bags wet 包装受潮".to_owned(),
    };
    let said = world.say(store, vec![Body::Declined(declined)], "turns a load away");
    world.then(said);
    let instead = Offered {
        instead_of: Some(refused),
        ..unloaded(other)
    };
    let what = "offers to another what was turned away";
    let said = world.say(carrier, vec![Body::Offered(instead)], what);
    let offer = world.then(said).reference(0);
    let mut line = paper::taken(&pile.goods());
    let mut check = paper::on_the_scale(pile.gross());
    check.verified_until_ms = world.until(Valid::Ended);
    line.check = Some(check);
    let accepted = with_line(&offer, other.entry.code, line);
    let what = "takes in what was turned away";
    let said = world.say(other, vec![Body::Accepted(accepted)], what);
    world.then(said.meaning(&[FindingCode::GoodsDiverted]));
    world.stock.push(pile.clone().at(other, other.entry.code));
    let reported = Reported {
        consignment: Bytes::copy_from_slice(&s.consignment),
        kind: ReportKind::Stop.into(),
        region: carrier.region.to_owned(),
        longitude_e6: 110_000_000,
        latitude_e6: 41_000_000,
        note: String::new(),
        ..Reported::default()
    };
    let what = "reports on goods that have been delivered";
    let said = world.say(carrier, vec![Body::Reported(reported)], what);
    world.then_refused(said, RefusalCode::ConsignmentClosed);
}

/// A tenth is missing; what is settled is never more than that.
fn in_dispute(world: &mut World, plant: &Who, store: &Who) {
    let pile = world.loose_lot(plant, &NITRATE, 1_000);
    let said = world.hands(&pile, store, |_| {}, "offers on the spot");
    let offer = world.then(said).reference(0);
    let line = paper::weighed(900 * KG);
    let body = Body::Accepted(with_line(&offer, store.entry.code, line));
    let said = world.say(store, vec![body], "accepts a short delivery");
    let dispute = Bytes::copy_from_slice(&world.then(said).name(0, 0));
    for (kg, refused) in [
        (200, Some(RefusalCode::DisputeExceeded)),
        (100, None),
        (100, Some(RefusalCode::DisputeClosed)),
    ] {
        let settled = Settled {
            dispute: dispute.clone(),
            settlements: vec![Settlement {
                cause: SettlementCause::Spill.into(),
                gross_mg: kg * KG,
                ..Settlement::default()
            }],
        };
        let id = world.fresh_id();
        let bodies = vec![Body::Settled(settled)];
        let said = world.say_as(id, store, &[&plant.first], bodies, "settles a dispute");
        match refused {
            Some(code) => world.then_refused(said, code),
            None => drop(world.then(said)),
        }
    }
    world.stock.push(Pile {
        contents: Contents::Loose(900 * KG),
        ..pile.at(store, store.entry.code)
    });
}
