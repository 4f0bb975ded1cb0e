//! On the road: a driver at the wheel for too long after too short a rest, and
//! a truck that stands at a service area for an hour and a half.

use bytes::Bytes;

use crate::pb::event::Body;
use crate::pb::{DrivingSpan, FindingCode, ReportKind, Reported};
use crate::sim::goods::NITRATE;
use crate::sim::ship::{Shipment, accepted};
use crate::sim::{World, paper};

const MINUTE_MS: i64 = 60 * 1000;
/// Minutes at the wheel, of rest before it, and of the stop.
const DRIVEN: i64 = 300;
const RESTED: i64 = 10;
const STOOD: i64 = 90;

pub(super) fn drives_and_stands(world: &mut World) {
    let cast = world.cast.clone();
    let (plant, carrier) = (cast.nitrate_plants.first(), cast.carriers.first());
    let store = cast.warehouses.first();
    let pile = world.batch(plant, &NITRATE, 5);
    let mut s = world.journey(&pile, carrier, store);
    let said = world.offers(&mut s, |_| {}, "offers for carriage");
    world.then(said);
    let body = Body::Accepted(accepted(&s.offer, "", &pile.goods()));
    let said = world.say(carrier, vec![body], "takes aboard");
    world.then(said);
    told_from_the_road(world, &s);
    let unloaded = paper::unloaded(pile.goods(), s.consignment, store);
    let bodies = vec![Body::Offered(unloaded)];
    let said = world.say(carrier, bodies, "offers from the vehicle");
    let offer = world.then(said).reference(0);
    let said = world.takes(&pile, &offer, store, "accepts a delivery");
    world.then(said);
    let place = store.takes_in(NITRATE.substance).code;
    world.stock.push(pile.at(store, place));
}

/// What the carrier says of the driver, and of the stop.
fn told_from_the_road(world: &mut World, s: &Shipment) {
    let carrier = &s.carrier;
    let driver = s.waybill.turnout.crew.first().cloned().unwrap_or_default();
    let report = Reported {
        consignment: Bytes::copy_from_slice(&s.consignment),
        kind: ReportKind::Position.into(),
        region: carrier.region.to_owned(),
        longitude_e6: 111_000_000,
        latitude_e6: 41_000_000,
        ..Reported::default()
    };
    // Until a minute ago: the statement itself is of a moment later.
    let until_ms = world.now_ms().saturating_sub(MINUTE_MS);
    let drove = Reported {
        driving: Some(DrivingSpan {
            driver,
            from_ms: until_ms.saturating_sub(DRIVEN * MINUTE_MS),
            until_ms,
            rested_ms: RESTED * MINUTE_MS,
        }),
        ..report.clone()
    };
    let what = "has driven for five hours after ten minutes of rest";
    let said = world.say(carrier, vec![Body::Reported(drove)], what);
    let found = [FindingCode::DrivenTooLong, FindingCode::RestedTooLittle];
    world.then(said.meaning(&found));
    let stood = Reported {
        kind: ReportKind::Stop.into(),
        stood_ms: STOOD * MINUTE_MS,
        ..report
    };
    let what = "stands at a service area for an hour and a half";
    let said = world.say(carrier, vec![Body::Reported(stood)], what);
    world.then(said.meaning(&[FindingCode::LongStop]));
}
