//! What cannot be done with a silo, and with packages full, empty and within
//! others.

use crate::event::LotId;
use crate::pb::event::Body;
use crate::pb::{
    Aggregated, Cleaned, CleanedInto, Corrected, Counted, Drawn, Event, Filled, Offered,
    PackagePart, PackagingTreated, PackagingTreatment, Packed, PlaceRegistered, RefusalCode,
    Residue, SerialRange, Used, filled,
};
use crate::sim::cast::Who;
use crate::sim::goods::{self, CYANIDE, CYANIDE_SOLUTION, KG, NITRATE, Pile, booked};
use crate::sim::setup::{SILO, SITE};
use crate::sim::{Contents, World, paper};

pub(super) fn silo_and_packages(world: &mut World) {
    let cast = world.cast.clone();
    silo(world, cast.cyanide_plants.first());
    packages(world, cast.nitrate_plants.first());
    empties(world, cast.nitrate_plants.first());
    counts(world, cast.nitrate_plants.first());
}

fn poured(pile: &Pile, vessel: &str) -> Vec<Body> {
    vec![Body::Filled(Filled {
        goods: Some(pile.goods()),
        from: Some(filled::From::Place(pile.place.to_owned())),
        vessel: vessel.to_owned(),
        label: format!("SILO-{}", pile.lot),
    })]
}

fn silo(world: &mut World, plant: &Who) {
    let pile = world.loose_lot(plant, &CYANIDE, 1_000);
    let wet = world.loose_lot(plant, &CYANIDE_SOLUTION, 100);
    let said = world.say(
        plant,
        poured(&pile, plant.store.code),
        "pours goods into a store",
    );
    world.then_refused(said, RefusalCode::NoVessel);
    let draw = |world: &mut World, kg: i64| {
        let label = world.label(plant, CYANIDE.substance);
        let portion = Drawn {
            vessel: SILO.to_owned(),
            quantity: Some(booked(kg * KG)),
            label,
            to_place: plant.entry.code.to_owned(),
        };
        world.say(plant, vec![Body::Drawn(portion)], "draws from its silo")
    };
    let said = draw(world, 100);
    world.then_refused(said, RefusalCode::VesselEmpty);
    let said = world.say(plant, poured(&pile, SILO), "fills its silo");
    let running = LotId(world.then(said).name(0, 0));
    let held = Pile {
        lot: running,
        place: SILO,
        ..pile.clone()
    };
    let store = world.cast.warehouses.last().clone();
    let said = world.hands(&held, &store, |_| {}, "hands on what its silo holds");
    world.then_refused(said, RefusalCode::DrawFirst);
    let place = PlaceRegistered {
        party: plant.code.clone(),
        place: SILO.to_owned(),
        site: SITE.to_owned(),
        unit: plant.entry.unit.to_owned(),
        name_zh: "一号料仓".to_owned(),
        kind: "bay".to_owned(),
        ..PlaceRegistered::default()
    };
    let what = "makes a store of its silo, full as it is";
    let said = world.say(plant, vec![Body::PlaceRegistered(place)], what);
    world.then_refused(said, RefusalCode::VesselInUse);
    let said = world.say(
        plant,
        poured(&wet, SILO),
        "pours solution on top of the solid",
    );
    world.then_refused(said, RefusalCode::IncompatibleRefilling);
    let said = draw(world, 900);
    let taken = LotId(world.then(said).name(0, 0));
    let label = world.label(plant, CYANIDE.substance);
    let swept = world.new_lot(label, &CYANIDE, 100 * KG, pile.ppm, plant.entry.code);
    let cleaned = Cleaned {
        vessel: SILO.to_owned(),
        into: vec![CleanedInto {
            residue: Residue::Product.into(),
            lot: Some(swept),
            waste_code: String::new(),
        }],
        ..Cleaned::default()
    };
    let said = world.say(plant, vec![Body::Cleaned(cleaned)], "sweeps its silo out");
    let swept = LotId(world.then(said).name(0, 0));
    for (lot, kg) in [(taken, 900), (swept, 100)] {
        world.stock.push(Pile {
            lot,
            contents: Contents::Loose(kg * KG),
            ..pile.clone()
        });
    }
    world.stock.push(wet);
}

/// Parts where only whole ones go, and packages within others.
fn packages(world: &mut World, plant: &Who) {
    let store = world.cast.warehouses.first().clone();
    let pile = world.batch(plant, &NITRATE, 8);
    let part = |o: &mut Offered| {
        for goods in &mut o.lines {
            goods.serials.clear();
            goods.parts = vec![PackagePart {
                serial: 1,
                quantity: Some(booked(KG)),
            }];
        }
    };
    let said = world.hands(&pile, &store, part, "hands on a kilogram out of a bag");
    world.then_refused(said, RefusalCode::PartsNotAllowed);
    let strapped = |outer: &str| {
        vec![Body::Aggregated(Aggregated {
            lot: pile.lot.to_bytes(),
            place: pile.place.to_owned(),
            outer: outer.to_owned(),
            serials: pile.serials(),
            broken: false,
        })]
    };
    let said = world.say(plant, strapped("PAL-CASE-1"), "straps bags to a pallet");
    world.then(said);
    let said = world.say(
        plant,
        strapped("PAL-CASE-2"),
        "straps them to another as well",
    );
    world.then_refused(said, RefusalCode::WithinOuter);
    let used = Used {
        goods: Some(goods::packages(pile.lot, 8, 8)),
        place: pile.place.to_owned(),
        purpose: "retained sample 留样".to_owned(),
    };
    let said = world.say(plant, vec![Body::Used(used)], "takes a bag off its pallet");
    world.then(said);
    let twice = Counted {
        lot: pile.lot.to_bytes(),
        place: pile.place.to_owned(),
        serials_scanned: vec![SerialRange { first: 1, last: 7 }],
        serials_assumed: vec![SerialRange { first: 3, last: 3 }],
        ..Counted::default()
    };
    let said = world.say(plant, vec![Body::Counted(twice)], "counts a bag twice");
    world.then_refused(said, RefusalCode::SerialsOverlap);
    world
        .stock
        .extend(pile.split_packages(1).map(|(rest, _)| rest));
}

fn empties(world: &mut World, plant: &Who) {
    let pile = world.batch(plant, &NITRATE, 3);
    let used = |serial| {
        vec![Body::Used(Used {
            goods: Some(goods::packages(pile.lot, serial, serial)),
            place: pile.place.to_owned(),
            purpose: "trial 试用".to_owned(),
        })]
    };
    let treated = |serial, treatment: PackagingTreatment, certificate_hash| {
        vec![Body::PackagingTreated(PackagingTreated {
            lot: pile.lot.to_bytes(),
            place: pile.place.to_owned(),
            serials: vec![SerialRange {
                first: serial,
                last: serial,
            }],
            treatment: treatment.into(),
            method: "rinsed 冲洗".to_owned(),
            certificate_hash,
        })]
    };
    let said = world.say(plant, used(1), "uses a bag");
    world.then(said);
    let said = world.say(plant, used(1), "uses an empty bag");
    world.then_refused(said, RefusalCode::PackageEmpty);
    let paper = world.hash();
    let bodies = treated(2, PackagingTreatment::Destroyed, paper.clone());
    let said = world.say(plant, bodies, "shreds a full bag");
    world.then_refused(said, RefusalCode::PackageNotEmpty);
    let bodies = treated(1, PackagingTreatment::Returned, paper);
    let said = world.say(plant, bodies, "fills a bag again uncleaned");
    world.then_refused(said, RefusalCode::PackageNotCleaned);
    world.stock.push(Pile {
        contents: match pile.contents {
            Contents::Packages { last, each, .. } => Contents::Packages {
                first: 2,
                last,
                each,
            },
            loose @ Contents::Loose(_) => loose,
        },
        ..pile
    });
}

/// Figures that no books hold, and words that cannot be restated.
fn counts(world: &mut World, plant: &Who) {
    let pile = world.loose_lot(plant, &NITRATE, 100);
    let much = Packed {
        gross_mg_each: i64::MAX / 2,
        ..paper::packed(pile.lot, pile.place, 10, KG, NITRATE.packaging)
    };
    let what = "packs more than there can be";
    let said = world.say(plant, vec![Body::Packed(much)], what);
    world.then_refused(said, RefusalCode::MassOverflow);
    let packed = paper::packed(pile.lot, pile.place, 4, 25 * KG, NITRATE.packaging);
    let said = world.say(plant, vec![Body::Packed(packed.clone())], "packs");
    let original = world.then(said).reference(0);
    let corrected = Corrected {
        original: Some(original),
        restated: Some(Box::new(Event {
            external_refs: Vec::new(),
            body: Some(Body::Packed(packed)),
        })),
        reason: "typing error 录入错误".to_owned(),
    };
    let bodies = vec![Body::Corrected(Box::new(corrected))];
    let said = world.say(plant, bodies, "corrects what is not corrected so");
    world.then_refused(said, RefusalCode::CannotCorrect);
    world.stock.push(Pile {
        contents: Contents::Packages {
            first: 1,
            last: 4,
            each: 25 * KG,
        },
        ..pile
    });
}
