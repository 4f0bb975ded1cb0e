//! A tank truck whose inspection has run out: the load is refused, the
//! inspection renewed, what the tank may hold put right, and it goes.

use crate::pb::event::Body;
use crate::pb::{RefusalCode, VehicleRegistered};
use crate::sim::World;
use crate::sim::fleet::Valid;
use crate::sim::goods::{CYANIDE_SOLUTION, NITRATE};
use crate::sim::law::told;

/// Kilograms of the load.
const LOAD_KG: i64 = 5_000;

pub(super) fn inspection_has_run_out(world: &mut World) {
    world.tells("A load refused for an expired tank inspection, renewed, and loaded 罐检过期拒装, 换检后装车");
    let cast = world.cast.clone();
    let (plant, carrier) = (cast.cyanide_plants.first(), cast.carriers.first());
    let store = cast.warehouses.last();
    let pile = world.loose_lot(plant, &CYANIDE_SOLUTION, LOAD_KG);
    let mut s = world.journey(&pile, carrier, store);
    let plate = s.waybill.turnout.vehicle.clone();
    let good = world.vehicle(carrier, &plate, true, Valid::Yes);
    let ended = VehicleRegistered {
        inspection_until_ms: world.until(Valid::Ended),
        ..good.clone()
    };
    let other = VehicleRegistered {
        media: vec![NITRATE.form.to_owned()],
        ..good.clone()
    };
    let enters = |world: &mut World, vehicle: VehicleRegistered, what| {
        let said = world.say(carrier, vec![Body::VehicleRegistered(vehicle)], what);
        world.then(said);
    };
    enters(
        world,
        ended,
        "enters a tank whose inspection has run out 登记罐车, 罐检已过期",
    );
    let what = "loads a tank whose inspection has run out 装车: 罐检过期";
    let said = world.offers(&mut s, |_| {}, what);
    world.then_refused(said, RefusalCode::TankInspection);
    enters(
        world,
        other,
        "renews the inspection, for other goods 罐检换新, 但适装介质不符",
    );
    let what = "loads a tank with what it may not hold 装车: 介质不符";
    let said = world.offers(&mut s, |_| {}, what);
    world.then_refused(said, RefusalCode::TankMedia);
    enters(world, good, "enters what its tank may hold 更正适装介质");
    let what = "loads the tank whose inspection was renewed 装车: 罐检有效, 介质相符";
    let said = world.offers(&mut s, |_| {}, what).meaning(&told(&pile));
    world.then(said);
    world.goes_on_its_way(s);
}
