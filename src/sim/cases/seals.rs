//! Seals, seizure and the blacklist: put on by an agency, in the way of what is
//! offered, and lifted again.

use bytes::Bytes;

use crate::pb::event::Body;
use crate::pb::taken_over::At;
use crate::pb::{
    Blacklisted, FindingCode, Moved, RefusalCode, Sealed, SealedLot, SealedPlace, Seized,
    TakenOver, Unsealed, sealed, unsealed,
};
use crate::sim::World;
use crate::sim::cast::Who;
use crate::sim::goods::{NITRATE, Pile};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl World {
    /// The number of an order that no other has.
    fn order_number(&mut self, kind: &str) -> String {
        format!("{kind}-2026-{:04}", self.number())
    }

    /// An agency seals something; returns the order's number.
    fn seals(&mut self, over: &Who, what: sealed::What, words: &'static str) -> String {
        let order = self.order_number("CF");
        let sealed = Sealed {
            what: Some(what),
            order: order.clone(),
            reason: "stored beyond its permit 超许可储存".to_owned(),
            documents: Vec::new(),
        };
        let said = self.by_agency(over, vec![Body::Sealed(sealed)], words);
        self.then(said);
        order
    }

    /// It releases it again.
    fn releases(&mut self, over: &Who, what: unsealed::What, order: String) {
        let unsealed = Unsealed {
            what: Some(what),
            order,
            reason: "set right 已整改".to_owned(),
        };
        let said = self.by_agency(over, vec![Body::Unsealed(unsealed)], "lifts a seal");
        self.then(said);
    }

    /// An agency puts a party on the blacklist, or takes it off.
    fn lists(&mut self, who: &Who, lifted: bool) {
        let order = self.order_number("HMD");
        let (from_ms, until_ms) = if lifted {
            (0, 0)
        } else {
            (self.now_ms().saturating_sub(DAY_MS), self.expires_ms())
        };
        let decision = Blacklisted {
            party: who.code.clone(),
            order,
            grounds: "flow not declared 未报流向".to_owned(),
            from_ms,
            until_ms,
            lifted,
            documents: Vec::new(),
        };
        let what = if lifted {
            "takes a party off the blacklist"
        } else {
            "puts a party on the blacklist"
        };
        let said = self.order(vec![Body::Blacklisted(decision)], what);
        self.then(said);
    }
}

pub(super) fn sealed_and_seized(world: &mut World) {
    let cast = world.cast.clone();
    let (plant, store) = (cast.nitrate_plants.first(), cast.warehouses.first());
    let pile = world.batch(plant, &NITRATE, 10);
    let pile = goods_and_place(world, plant, store, pile);
    party_and_vehicle(world, store, &pile);
    seized(world, plant, store);
}

/// A sealed lot is not handed on; that it is moved all the same is found.
fn goods_and_place(world: &mut World, plant: &Who, store: &Who, mut pile: Pile) -> Pile {
    let lot = sealed::What::Lot(SealedLot {
        lot: pile.lot.to_bytes(),
        ..SealedLot::default()
    });
    let order = world.seals(plant, lot, "seals a lot");
    let said = world.hands(&pile, store, |_| {}, "hands on what is sealed");
    world.then_refused(said, RefusalCode::Sealed);
    let moved = Moved {
        goods: Some(pile.goods()),
        from_place: pile.place.to_owned(),
        to_place: plant.store.code.to_owned(),
    };
    let said = world.say(plant, vec![Body::Moved(moved)], "moves what is sealed");
    let said = said.meaning(&[FindingCode::SealedGoodsTouched]);
    world.then(said);
    pile.place = plant.store.code;
    let released = unsealed::What::Lot(pile.lot.to_bytes());
    world.releases(plant, released, order);
    let place = SealedPlace {
        party: plant.code.clone(),
        place: pile.place.to_owned(),
    };
    let order = world.seals(plant, sealed::What::Place(place.clone()), "seals a store");
    let said = world.hands(&pile, store, |_| {}, "hands goods out of a sealed store");
    world.then_refused(said, RefusalCode::Sealed);
    world.releases(plant, unsealed::What::Place(place), order);
    pile
}

fn party_and_vehicle(world: &mut World, store: &Who, pile: &Pile) {
    let carrier = world.cast.carriers.nth(1).clone();
    let importer = world.cast.importers.first().clone();
    let code = importer.code.clone();
    let order = world.seals(
        &importer,
        sealed::What::Party(code.clone()),
        "seals a party",
    );
    let said = world.hands(pile, &importer, |_| {}, "hands goods to a sealed party");
    world.then_refused(said, RefusalCode::Sealed);
    world.releases(&importer, unsealed::What::Party(code), order);
    let mut s = world.journey(pile, &carrier, store);
    let plate = s.waybill.turnout.vehicle.clone();
    let order = world.seals(
        &carrier,
        sealed::What::Vehicle(plate.clone()),
        "seals a truck",
    );
    let said = world.offers(&mut s, |_| {}, "loads a sealed truck");
    world.then_refused(said, RefusalCode::Sealed);
    world.releases(&carrier, unsealed::What::Vehicle(plate), order);
    let said = world.offers(&mut s, |_| {}, "loads it when the seal is lifted");
    world.then(said);
    world.goes_on_its_way(s);
}

/// Goods are taken into a keeper's store by all agencies, sealed there, and
/// released.
fn seized(world: &mut World, plant: &Who, store: &Who) {
    let pile = world.batch(plant, &NITRATE, 4);
    let order = world.order_number("KY");
    let taken = TakenOver {
        goods: Some(pile.goods()),
        holder: plant.code.clone(),
        at: Some(At::Place(pile.place.to_owned())),
        custodian: store.code.clone(),
        to_place: store.entry.code.to_owned(),
        order: order.clone(),
        reason: "evidence 涉案物品".to_owned(),
    };
    let seized = Seized {
        taken: Some(taken),
        documents: Vec::new(),
    };
    let said = world.decree(vec![Body::Seized(seized)], "seizes goods");
    world.then(said);
    let pile = pile.at(store, store.entry.code);
    let said = world.hands(&pile, plant, |_| {}, "hands out what is seized");
    world.then_refused(said, RefusalCode::Sealed);
    let lot: Bytes = pile.lot.to_bytes();
    world.releases(store, unsealed::What::Lot(lot), order);
    world.stock.push(pile);
}

/// In most of the region a finding; in Chifeng nothing goes to such a party.
pub(super) fn blacklisted(world: &mut World) {
    let cast = world.cast.clone();
    let (plant, importer) = (cast.nitrate_plants.first(), cast.importers.first());
    let shunned = cast.warehouses.last();
    let pile = world.batch(plant, &NITRATE, 3);
    world.lists(importer, false);
    let what = "hands goods to one on the blacklist";
    let said = world.hands(&pile, importer, |_| {}, what);
    let offer = world
        .then(said.meaning(&[FindingCode::Blacklisted]))
        .reference(0);
    let what = "takes goods though it is on the blacklist";
    let said = world.takes(&pile, &offer, importer, what);
    world.then(said.meaning(&[FindingCode::Blacklisted]));
    world.lists(importer, true);
    world.stock.push(pile.at(importer, importer.entry.code));
    let pile = world.batch(plant, &NITRATE, 3);
    world.lists(shunned, false);
    let what = "hands goods to one whom its city shuns";
    let said = world.hands(&pile, shunned, |_| {}, what);
    world.then_refused(said, RefusalCode::Blacklisted);
    world.lists(shunned, true);
    world.stock.push(pile);
}
