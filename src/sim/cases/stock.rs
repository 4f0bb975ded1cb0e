//! What is found where goods stand: more than is booked, packages that are
//! booked elsewhere, a place that nobody registered, goods from one who is on
//! the ledger, a correction that comes too late; and words of who is closed or
//! has been succeeded.

use crate::event::ids::derived;
use crate::event::{LotId, StatementId};
use crate::pb::event::Body;
use crate::pb::{
    Arrived, Corrected, Counted, DesignMaximum, DocumentRef, Event, FindingCode, MassBasis, Moved,
    Outsider, PartyStatus, PermitKind, PermitRegistered, PermitStatus, PlaceRegistered, Produced,
    Settled, Settlement, SettlementCause, UnitRegistered, Used,
};
use crate::sim::World;
use crate::sim::cast::Who;
use crate::sim::goods::{self, CELLULOSE, KG, NITRATE, Pile, booked};
use crate::sim::setup::SITE;
use crate::sim::ship::accepted;

/// Places that are registered for it.
const SHED: &str = "SHED-1";
const CAGE: &str = "CAGE-1";

pub(super) fn taken_and_told(world: &mut World) {
    let cast = world.cast.clone();
    let (plant, store) = (cast.nitrate_plants.first(), cast.warehouses.first());
    counted_otherwise(world, plant);
    nowhere(world, plant, store);
    from_a_party(world, plant, store);
    corrected_too_late(world, plant);
    more_than_designed(world, plant);
    more_than_permitted(world, cast.cellulose_plants.first(), cast.importers.first());
    of_those_who_left(world);
}

/// A shed that is designed for four bags, and five in it.
fn more_than_designed(world: &mut World, plant: &Who) {
    let pile = world.batch(plant, &NITRATE, 5);
    let unit = UnitRegistered {
        party: plant.code.clone(),
        unit: "U-SHED".to_owned(),
        site: SITE.to_owned(),
        name_zh: "样品棚".to_owned(),
        name_en: "Sample shed".to_owned(),
        design_maxima: vec![DesignMaximum {
            substance: NITRATE.substance.to_owned(),
            gross_mg: 100 * KG,
        }],
    };
    let shed = place(plant, SHED, "U-SHED");
    let bodies = vec![Body::UnitRegistered(unit), shed];
    let said = world.say(plant, bodies, "registers a shed for four bags");
    world.then(said);
    let moved = Moved {
        goods: Some(pile.goods()),
        from_place: pile.place.to_owned(),
        to_place: SHED.to_owned(),
    };
    let said = world.say(plant, vec![Body::Moved(moved)], "puts five bags into it");
    world.then(said.meaning(&[FindingCode::DesignMaximumExceeded]));
    world.stock.push(Pile {
        place: SHED,
        ..pile
    });
}

/// A drum at one whose permit for such goods is for half of it.
fn more_than_permitted(world: &mut World, plant: &Who, importer: &Who) {
    let pile = world.batch(plant, &CELLULOSE, 1);
    let permit = PermitRegistered {
        substances: vec![CELLULOSE.substance.to_owned()],
        quantity_mg: 50 * KG,
        basis: MassBasis::Gross.into(),
        ..world.permit(
            importer,
            "ER-NC-01",
            PermitKind::Trade,
            PermitStatus::Granted,
        )
    };
    let bodies = vec![Body::PermitRegistered(permit)];
    let said = world.by_agency(importer, bodies, "grants a permit for half a drum");
    world.then(said);
    let said = world.say(
        importer,
        vec![place(importer, CAGE, "")],
        "registers a cage",
    );
    world.then(said);
    let said = world.hands(&pile, importer, |_| {}, "offers a whole drum");
    let offer = world.then(said).reference(0);
    let said = world.takes_to(&pile, &offer, (importer, CAGE), "takes a whole drum in");
    world.then(said.meaning(&[FindingCode::StoredBeyondPermit]));
}

/// A place without a vessel.
fn place(who: &Who, code: &str, unit: &str) -> Body {
    Body::PlaceRegistered(PlaceRegistered {
        party: who.code.clone(),
        place: code.to_owned(),
        site: SITE.to_owned(),
        unit: unit.to_owned(),
        name_zh: "样品间".to_owned(),
        name_en: "Sample room".to_owned(),
        kind: "bay".to_owned(),
        ..PlaceRegistered::default()
    })
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
            ..Outsider::default()
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
