//! Loads and handoffs, each refused for the one thing that is not in order:
//! licences, vehicle, crew, pass, checks, papers, lists.

use crate::event::LotId;
use crate::event::ids::derived;
use crate::pb::event::Body;
use crate::pb::{HandoffPurpose, NewLot, Offered, Opened, RefusalCode, Wasted};
use crate::sim::World;
use crate::sim::cast::Who;
use crate::sim::consume::WASTE_CODE;
use crate::sim::drying::DRIED;
use crate::sim::goods::{CELLULOSE, CYANIDE, Contents, KG, NITRATE, Pile, booked};
use crate::sim::paper;

/// Drums of nitrocellulose: more than the city's list allows in one act.
const TOO_MANY_DRUMS: u64 = 60;

pub(super) fn what_is_not_in_order(world: &mut World) {
    by_whom_it_goes(world);
    with_what_papers(world);
    from_whom_and_to_whom(world);
    what_the_lists_say(world);
    waste(world);
}

/// Carrier, vehicle, driver, escort.
fn by_whom_it_goes(world: &mut World) {
    let cast = world.cast.clone();
    let (plant, store) = (cast.nitrate_plants.first(), cast.warehouses.first());
    let (carrier, lapsed) = (cast.carriers.nth(1), cast.lapsed_carriers.first());
    let pile = world.batch(plant, &NITRATE, 20);
    let old = world.turnout(lapsed, false);
    let mut s = world.journey(&pile, lapsed, store);
    let what = "hands a load to a carrier whose permit is suspended";
    let said = world.offers(&mut s, |_| {}, what);
    world.then_refused(said, RefusalCode::CarrierPermit);
    let mut s = world.journey(&pile, carrier, store);
    let good = s.waybill.turnout.clone();
    s.waybill.turnout.vehicle.clone_from(&old.vehicle);
    let what = "loads a truck whose certificate has ended";
    let said = world.offers(&mut s, |_| {}, what);
    world.then_refused(said, RefusalCode::VehicleCertificate);
    let (driver, escort) = (old.crew.first().cloned(), old.crew.last().cloned());
    for (at, person, code, what) in [
        (
            0,
            driver,
            RefusalCode::DriverQualification,
            "lets one drive whose qualification has ended",
        ),
        (
            1,
            escort,
            RefusalCode::EscortQualification,
            "lets one escort whose qualification has ended",
        ),
    ] {
        s.waybill.turnout = good.clone();
        if let (Some(seat), Some(person)) = (s.waybill.turnout.crew.get_mut(at), person) {
            *seat = person;
        }
        let said = world.offers(&mut s, |_| {}, what);
        world.then_refused(said, code);
    }
    s.waybill.turnout = good;
    let said = world.offers(&mut s, |_| {}, "loads with all in order");
    world.then(said);
    world.goes_on_its_way(s);
}

/// Checks, data sheet and label, waybill, pass.
fn with_what_papers(world: &mut World) {
    let cast = world.cast.clone();
    let (plant, store) = (cast.cyanide_plants.first(), cast.warehouses.last());
    let pile = world.batch(plant, &CYANIDE, 6);
    let mut s = world.journey(&pile, cast.carriers.first(), store);
    let what = "loads highly toxic goods without a pass";
    let said = world.offers(&mut s, |o| o.road_pass.clear(), what);
    world.then_refused(said, RefusalCode::RoadPass);
    let said = world.offers(&mut s, |o| o.loading_checks = None, "loads without looking");
    world.then_refused(said, RefusalCode::LoadingChecks);
    let what = "sends goods without data sheet and label";
    let said = world.offers(&mut s, |o| o.papers_passed_on = false, what);
    world.then_refused(said, RefusalCode::PapersNotPassedOn);
    let what = "sends goods with half a waybill";
    let half = |o: &mut Offered| {
        let road = o.carriage.as_mut().and_then(|c| c.road.as_mut());
        if let Some(road) = road {
            road.shipper = None;
        }
    };
    let said = world.offers(&mut s, half, what);
    world.then_refused(said, RefusalCode::WaybillFieldsMissing);
    let said = world.offers(&mut s, |_| {}, "loads with all in order");
    let offer = world.then(said).reference(0);
    let what = "offers in the place of an offer that stands";
    let again = world.batch(plant, &CYANIDE, 1);
    let mut other = world.journey(&again, cast.carriers.first(), store);
    let said = world.offers(&mut other, |o| o.instead_of = Some(offer), what);
    world.then_refused(said, RefusalCode::InsteadDisagrees);
    let lends = |o: &mut Offered| o.purpose = HandoffPurpose::Lending.into();
    let said = world.hands(
        &again,
        cast.gold_mines.first(),
        lends,
        "lends a drum of cyanide",
    );
    world.then_refused(said, RefusalCode::Lending);
    world.stock.push(again);
    world.goes_on_its_way(s);
}

/// The laboratory's licences have been revoked.
fn from_whom_and_to_whom(world: &mut World) {
    let cast = world.cast.clone();
    let (plant, store) = (cast.nitrate_plants.first(), cast.warehouses.first());
    let laboratory = cast.laboratories.first();
    let pile = world.batch(plant, &NITRATE, 2);
    let what = "hands goods to one whose licences are revoked";
    let said = world.hands(&pile, laboratory, |_| {}, what);
    world.then_refused(said, RefusalCode::TakerPermit);
    world.stock.push(pile);
    let old = world.old_stock(laboratory, 4);
    let what = "hands on goods though its licences are revoked";
    let said = world.hands(&old, store, |_| {}, what);
    world.then_refused(said, RefusalCode::GiverPermit);
    world.law.cupboard = Some(old);
}

/// Prohibited, and too much at once, where it is made.
fn what_the_lists_say(world: &mut World) {
    let cast = world.cast.clone();
    let (plant, store) = (cast.cellulose_plants.first(), cast.warehouses.first());
    let dry = world.loose_lot(plant, &DRIED, 100);
    let what = "sends out nitrocellulose that has dried";
    let said = world.hands(&dry, store, |_| {}, what);
    world.then_refused(said, RefusalCode::Prohibited);
    world.law.dried = Some(dry);
    let much = world.batch(plant, &CELLULOSE, TOO_MANY_DRUMS);
    let what = "sends out more nitrocellulose than the list allows";
    let said = world.hands(&much, store, |_| {}, what);
    world.then_refused(said, RefusalCode::Restricted);
    world.law.much = Some(much);
}

/// Waste to one that is not licensed for it, and without its manifest.
fn waste(world: &mut World) {
    let cast = world.cast.clone();
    let (plant, laboratory) = (cast.nitrate_plants.first(), cast.laboratories.first());
    let pile = world.batch(plant, &NITRATE, 2);
    let pile = world.made_waste(&pile);
    let disposal = |o: &mut Offered| o.purpose = HandoffPurpose::Disposal.into();
    let what = "hands waste to one that may not treat it";
    let said = world.hands(&pile, laboratory, disposal, what);
    world.then_refused(said, RefusalCode::DisposerPermit);
    let mut s = world.journey(&pile, cast.carriers.nth(1), cast.disposers.first());
    let bare = |o: &mut Offered| {
        o.manifest = None;
        o.purpose = HandoffPurpose::Unspecified.into();
    };
    let said = world.offers(&mut s, bare, "sends waste without its manifest");
    world.then_refused(said, RefusalCode::ManifestFieldsMissing);
    let said = world.offers(&mut s, |_| {}, "sends waste with its manifest");
    world.then(said);
    world.goes_on_its_way(s);
}

impl World {
    /// Declares a pile waste.
    pub(super) fn made_waste(&mut self, pile: &Pile) -> Pile {
        let wasted = Wasted {
            goods: Some(pile.goods()),
            place: pile.place.to_owned(),
            label: format!("W-{}", self.label(&pile.holder, pile.product.substance)),
            waste_code: WASTE_CODE.to_owned(),
        };
        let said = self.say(
            &pile.holder.clone(),
            vec![Body::Wasted(wasted)],
            "declares waste",
        );
        let said = self.then(said);
        Pile {
            lot: LotId(said.name(0, 0)),
            waste: true,
            owner: pile.holder.clone(),
            contents: Contents::Loose(pile.gross()),
            ..pile.clone()
        }
    }

    /// Drums of cyanide that stood in a cupboard before the ledger was there.
    fn old_stock(&mut self, who: &Who, count: u64) -> Pile {
        let each = 50 * KG;
        let gross = each.saturating_mul(i64::try_from(count).unwrap_or_default());
        let label = self.label(who, CYANIDE.substance);
        let lot = NewLot {
            quantity: Some(booked(gross)),
            ..self.new_lot(label, &CYANIDE, gross, 980_000, who.entry.code)
        };
        let id = self.fresh_id();
        let name = LotId(derived(&who.code, id, 0, 0));
        let bodies = vec![
            Body::Opened(Opened {
                lot: Some(lot),
                provenance: "bought in 2019 2019年购入".to_owned(),
            }),
            Body::Packed(paper::packed(
                name,
                who.entry.code,
                count,
                each,
                CYANIDE.packaging,
            )),
        ];
        let what = "opens an old cupboard";
        let said = self.say_as(id, who, &[&who.second], bodies, what);
        self.then(said);
        Pile::entered(name, &CYANIDE, 980_000, who, (count, each))
    }
}
