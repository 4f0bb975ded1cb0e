//! Orders that let goods go where rules would not: an emergency, a safe return.
//! What stands against it is found, and nothing is refused.

use crate::pb::event::Body;
use crate::pb::{
    EmergencyOrdered, FindingCode as F, HandoffPurpose, Offered, PlaceRegistered, ReliefOrder,
    SafeReturnOrdered, Withdrawn,
};
use crate::sim::World;
use crate::sim::cast::Who;
use crate::sim::goods::{CYANIDE, NITRATE, Pile};
use crate::sim::paper;
use crate::sim::setup::SITE;
use crate::sim::ship::accepted;

/// Where a store puts what comes by a safe-return order.
const BAY: &str = "BAY-3";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What is wrong with the old haulier, its truck and its people.
const OLD_TRUCK: [F; 3] = [
    F::VehicleCertificate,
    F::DriverQualification,
    F::EscortQualification,
];

impl World {
    fn relief(&mut self, parties: &[&Who], piles: &[&Pile]) -> ReliefOrder {
        ReliefOrder {
            order: format!("JJ-2026-{:04}", self.number()),
            reason: "flood warning 汛情预警".to_owned(),
            from_ms: self.span.from_ms,
            until_ms: self.span.until_ms.saturating_add(DAY_MS),
            lots: piles.iter().map(|pile| pile.lot.to_bytes()).collect(),
            consignments: Vec::new(),
            parties: parties.iter().map(|who| who.code.clone()).collect(),
        }
    }
}

/// The institute by the river is cleared with what is there.
pub(super) fn emergency(world: &mut World) {
    let cast = world.cast.clone();
    let (laboratory, pit) = (cast.laboratories.first(), cast.open_pits.first());
    let relief = Some(world.relief(&[laboratory, pit], &[]));
    let bodies = vec![Body::EmergencyOrdered(EmergencyOrdered { relief })];
    let said = world.order(bodies, "orders an emergency");
    world.then(said);
    if let Some(old) = world.law.cupboard.take() {
        cleared(world, &old);
    }
    brought(world, laboratory);
    bought(world, pit);
}

/// By the one truck that came: without pass, checks, papers, licences.
fn cleared(world: &mut World, pile: &Pile) {
    let cast = world.cast.clone();
    let (haulier, store) = (cast.lapsed_carriers.first(), cast.warehouses.first());
    let laboratory = pile.holder.clone();
    let mut s = world.journey(pile, haulier, store);
    let bare = |o: &mut Offered| {
        o.purpose = HandoffPurpose::Lending.into();
        o.road_pass.clear();
        o.loading_checks = None;
        o.papers_passed_on = false;
        if let Some(carriage) = &mut o.carriage {
            carriage.road = None;
        }
    };
    let mut offered = world.carried(&mut s, String::new());
    bare(&mut offered);
    let what = "clears its cupboard with what is there";
    let said = world.say(&laboratory, vec![Body::Offered(offered)], what);
    (s.offer, s.consignment) = (said.reference(0), said.name(0, 0));
    let always = [
        F::RoadPass,
        F::CarrierPermit,
        F::GiverPermit,
        F::Lending,
        F::WaybillIncomplete,
    ];
    let only_then = [F::LoadingChecks, F::PapersNotPassedOn, F::OnePerson];
    let said = said
        .meaning(&OLD_TRUCK)
        .meaning(&always)
        .meaning(&only_then);
    world.then(said);
    let body = Body::Accepted(accepted(&s.offer, "", &pile.goods()));
    let said = world.say(haulier, vec![body], "takes aboard what is to be cleared");
    world.then(said.meaning(&OLD_TRUCK).meaning(&always));
    let offered = paper::unloaded(pile.goods(), s.consignment, store);
    let said = world.say(
        haulier,
        vec![Body::Offered(offered)],
        "brings what was cleared",
    );
    let offer = world.then(said).reference(0);
    let said = world.takes(pile, &offer, store, "takes in what was cleared");
    world.then(said.meaning(&OLD_TRUCK).meaning(&[F::RoadPass]));
    // It stays there: whose it is may not sell it.
}

/// To who has no licence for it: goods, and waste without a manifest.
fn brought(world: &mut World, laboratory: &Who) {
    let plant = world.cast.nitrate_plants.first().clone();
    let pile = world.batch(&plant, &NITRATE, 2);
    let said = world.hands(
        &pile,
        laboratory,
        |_| {},
        "brings goods where they are needed",
    );
    let offer = world.then(said.meaning(&[F::TakerPermit])).reference(0);
    let said = world.takes(&pile, &offer, laboratory, "takes goods in need");
    world.then(said.meaning(&[F::TakerPermit]));
    let pile = world.batch(&plant, &NITRATE, 1);
    let pile = world.made_waste(&pile);
    let found = [F::DisposerPermit, F::ManifestIncomplete];
    let disposal = |o: &mut Offered| o.purpose = HandoffPurpose::Disposal.into();
    let said = world.hands(&pile, laboratory, disposal, "brings waste out of the flood");
    let offer = world.then(said.meaning(&found)).reference(0);
    let said = world.takes(&pile, &offer, laboratory, "takes waste in need");
    world.then(said.meaning(&found));
}

/// More than its permit has left.
fn bought(world: &mut World, pit: &Who) {
    let plant = world.cast.nitrate_plants.first().clone();
    let pile = world.batch(&plant, &NITRATE, 2);
    let what = "sells beyond the permit, for cash, in an emergency";
    let said = world.sale_for_cash(&pile, pit, what);
    world.then(said.meaning(&[F::PurchaseQuantity, F::Payment]));
    world.stock.push(Pile {
        owner: pit.clone(),
        ..pile
    });
}

/// What has dried, and what is too much for one act, goes to a safe store; a
/// tank that may not hold it is called off.
pub(super) fn safe_return(world: &mut World) {
    let cast = world.cast.clone();
    let store = cast.warehouses.first();
    let (Some(dried), Some(much)) = (world.law.dried.take(), world.law.much.take()) else {
        return;
    };
    let loose = world.loose_lot(cast.cyanide_plants.first(), &CYANIDE, 500);
    let relief = Some(world.relief(&[], &[&dried, &much, &loose]));
    let bodies = vec![Body::SafeReturnOrdered(SafeReturnOrdered { relief })];
    let said = world.order(bodies, "orders a safe return");
    world.then(said);
    let bay = PlaceRegistered {
        party: store.code.clone(),
        place: BAY.to_owned(),
        site: SITE.to_owned(),
        name_zh: "三号应急间".to_owned(),
        name_en: "Emergency bay 3".to_owned(),
        kind: "bay".to_owned(),
        ..PlaceRegistered::default()
    };
    let bodies = vec![Body::PlaceRegistered(bay)];
    let said = world.say(store, bodies, "registers a place for it");
    world.then(said);
    let said = world.hands(
        &dried,
        store,
        |_| {},
        "brings what has dried to a safe store",
    );
    let offer = world.then(said.meaning(&[F::Prohibited])).reference(0);
    let what = "takes in what has dried";
    let said = world.takes_to(&dried, &offer, (store, BAY), what);
    world.then(said.meaning(&[F::Prohibited, F::StackTooLarge]));
    let said = world.hands(&much, store, |_| {}, "brings all of it at once");
    let offer = world.then(said.meaning(&[F::Restricted])).reference(0);
    let said = world.takes_to(&much, &offer, (store, BAY), "takes in all of it");
    // More of the substance has come where too much of it has dried.
    world.then(said.meaning(&[F::IncompatibleGoods, F::StackTooLarge]));
    wrong_tank(world, &loose);
    world.stock.push(loose);
}

fn wrong_tank(world: &mut World, pile: &Pile) {
    let cast = world.cast.clone();
    let haulier = cast.lapsed_carriers.first();
    let mut s = world.journey(pile, haulier, cast.warehouses.last());
    s.waybill.turnout = world.turnout(haulier, true);
    let what = "loads the only tank that there is";
    let said = world.offers(&mut s, |o| o.road_pass.clear(), what);
    let found = [
        F::CarrierPermit,
        F::RoadPass,
        F::TankInspection,
        F::TankMedia,
        F::LoadingChecks,
    ];
    let said = world.then(said.meaning(&OLD_TRUCK).meaning(&found));
    let withdrawn = Withdrawn {
        offer: Some(said.reference(0)),
        reason: "a better tank has come 已调来合规罐车".to_owned(),
    };
    let said = world.say(
        &pile.holder,
        vec![Body::Withdrawn(withdrawn)],
        "calls it off",
    );
    world.then(said);
}
