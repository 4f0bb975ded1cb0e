//! What is found where goods stand: more than is booked, packages that are
//! booked elsewhere, a place that nobody registered, goods from one who is on
//! the ledger, a correction that comes too late; and words of who is closed or
//! has been succeeded.

use crate::event::ids::derived;
use crate::event::{LotId, StatementId};
use crate::pb::event::Body;
use crate::pb::{
    Arrived, Corrected, Counted, DocumentRef, Event, Outsider, PartyStatus, Produced, Settled,
    Settlement, SettlementCause, Used,
};
use crate::sim::World;
use crate::sim::cast::Who;
use crate::sim::goods::{self, KG, NITRATE, Pile, booked};
use crate::sim::ship::accepted;

pub(super) fn taken_and_told(world: &mut World) {
    let cast = world.cast.clone();
    let (plant, store) = (cast.nitrate_plants.first(), cast.warehouses.first());
    counted_otherwise(world, plant);
    nowhere(world, plant, store);
    from_a_party(world, plant, store);
    corrected_too_late(world, plant);
    of_those_who_left(world);
}

fn counts(lot: LotId, place: &str) -> Counted {
    Counted {
        lot: lot.to_bytes(),
        place: place.to_owned(),
        ..Counted::default()
    }
}

/// A tenth more than is booked; and bags that are somewhere else.
fn counted_otherwise(world: &mut World, plant: &Who) {
    let pile = world.loose_lot(plant, &NITRATE, 1_000);
    let over = Counted {
        loose_gross_mg: 1_100 * KG,
        ..counts(pile.lot, pile.place)
    };
    let said = world.say(
        plant,
        vec![Body::Counted(over)],
        "counts more than is booked",
    );
    world.then(said);
    world.stock.push(Pile {
        contents: crate::sim::Contents::Loose(1_100 * KG),
        ..pile
    });
    let pile = world.batch(plant, &NITRATE, 4);
    let elsewhere = Counted {
        serials_scanned: pile.serials(),
        ..counts(pile.lot, plant.store.code)
    };
    let what = "counts bags that are booked elsewhere";
    let said = world.say(plant, vec![Body::Counted(elsewhere)], what);
    world.then(said);
    world.stock.push(pile);
}

/// Put down by the gate, which is no place of the store's.
fn nowhere(world: &mut World, plant: &Who, store: &Who) {
    let pile = world.batch(plant, &NITRATE, 1);
    let said = world.hands(&pile, store, |_| {}, "offers on the spot");
    let offer = world.then(said).reference(0);
    let body = Body::Accepted(accepted(&offer, "GATE-9", &pile.goods()));
    let what = "takes goods at a place nobody registered";
    let said = world.say(store, vec![body], what);
    world.then(said);
}

/// The plant could have offered them here.
fn from_a_party(world: &mut World, plant: &Who, store: &Who) {
    let label = world.label(store, NITRATE.substance);
    let lot = world.new_lot(label, &NITRATE, 100 * KG, 985_000, store.entry.code);
    let arrived = Arrived {
        lot: Some(lot),
        from: Some(Outsider {
            name: plant.name_zh.to_owned(),
            code: plant.code.clone(),
            country: "CN".to_owned(),
        }),
        documents: vec![DocumentRef {
            kind: "delivery note 送货单".to_owned(),
            hash: world.hash(),
        }],
    };
    let what = "takes in goods past the ledger";
    let said = world.say(store, vec![Body::Arrived(arrived)], what);
    world.then(said);
}

/// Half of it was never made, and most of it is used up.
fn corrected_too_late(world: &mut World, plant: &Who) {
    let ppm = NITRATE.least_permille * 1_000;
    let label = world.label(plant, NITRATE.substance);
    let mut declared = world.new_lot(label, &NITRATE, 100 * KG, ppm, plant.entry.code);
    let produced = Body::Produced(Produced {
        lot: Some(declared.clone()),
    });
    let said = world.say(plant, vec![produced], "produces");
    let said = world.then(said);
    let used = Used {
        goods: Some(goods::loose(LotId(said.name(0, 0)), 80 * KG)),
        place: plant.entry.code.to_owned(),
        purpose: "trial 试用".to_owned(),
    };
    let next = world.say(plant, vec![Body::Used(used)], "uses");
    world.then(next);
    declared.quantity = Some(booked(50 * KG));
    let corrected = Corrected {
        original: Some(said.reference(0)),
        restated: Some(Box::new(Event {
            external_refs: Vec::new(),
            body: Some(Body::Produced(Produced {
                lot: Some(declared),
            })),
        })),
        reason: "scale ticket misread 磅单误读".to_owned(),
    };
    let id: StatementId = world.fresh_id();
    let bodies = vec![Body::Corrected(Box::new(corrected))];
    let what = "corrects what is used up already";
    let said = world.say_as(id, plant, &[], bodies, what);
    world.then(said);
    let settled = Settled {
        dispute: bytes::Bytes::copy_from_slice(&derived(&plant.code, id, 0, 0)),
        settlements: vec![Settlement {
            cause: SettlementCause::Miscount.into(),
            gross_mg: 30 * KG,
            ..Settlement::default()
        }],
    };
    let said = world.order(
        vec![Body::Settled(settled)],
        "settles what nobody can explain",
    );
    world.then(said);
}

/// The institute is closed, and counts once more; and so does one whom another
/// has succeeded.
fn of_those_who_left(world: &mut World) {
    let laboratory = world.cast.laboratories.first().clone();
    let closed = world.party_of(&laboratory, PartyStatus::Closed);
    let said = world.by_agency(&laboratory, vec![closed], "closes an institute");
    world.then(said);
    let plant = world.cast.nitrate_plants.first().clone();
    let known = world.batch(&plant, &NITRATE, 1);
    let nothing = |place: &str| vec![Body::Counted(counts(known.lot, place))];
    let what = "counts though it is closed";
    let said = world.say(&laboratory, nothing(laboratory.entry.code), what);
    world.then(said);
    let gone = world.gone.iter().find(|g| g.heir.is_some() && !g.keyless);
    if let Some(gone) = gone.map(|g| g.who.clone()) {
        let what = "counts though it has been succeeded";
        let said = world.say(&gone, nothing(gone.entry.code), what);
        world.then(said);
    }
    world.stock.push(known);
}
