//! A driver too long at the wheel and too short at rest, and a truck that
//! stands for hours: told from the road, found, and the goods arrive.

use crate::pb::event::Body;
use crate::pb::{DrivingSpan, FindingCode, ReportKind, Reported};
use crate::sim::World;
use crate::sim::goods::NITRATE;
use crate::sim::packs::{ALXA, LONGEST_STOP_MINUTES};
use crate::sim::ship::Leg;

const MINUTE_MS: i64 = 60 * 1000;
/// At the wheel, where four hours are allowed, and at rest, where twenty minutes
/// are asked.
const DRIVEN_MS: i64 = 5 * 60 * MINUTE_MS;
const RESTED_MS: i64 = 10 * MINUTE_MS;

pub(super) fn too_long_on_the_road(world: &mut World) {
    let cast = world.cast.clone();
    let (plant, store) = (cast.nitrate_plants.first(), cast.warehouses.first());
    let carrier = cast.carriers.first();
    let pile = world.batch(plant, &NITRATE, 3);
    let mut s = world.journey(&pile, carrier, store);
    let said = world.offers(&mut s, |_| {}, "offers for carriage");
    world.then(said);
    let said = world.take_aboard(&s, "takes aboard");
    world.then(said);
    let position = Reported {
        consignment: bytes::Bytes::copy_from_slice(&s.consignment),
        kind: ReportKind::Position.into(),
        region: ALXA.to_owned(),
        longitude_e6: 105_700_000,
        latitude_e6: 38_800_000,
        ..Reported::default()
    };
    let until_ms = world.now_ms();
    let drives = Reported {
        driving: Some(DrivingSpan {
            driver: s.waybill.turnout.crew.first().cloned().unwrap_or_default(),
            from_ms: until_ms.saturating_sub(DRIVEN_MS),
            until_ms,
            rested_ms: Some(RESTED_MS),
        }),
        ..position.clone()
    };
    let what = "reports five hours at the wheel 上报连续驾驶5小时";
    let said = world.say(carrier, vec![Body::Reported(drives)], what);
    world.then(said.meaning(&[FindingCode::DrivenTooLong, FindingCode::RestedTooLittle]));
    let stands = Reported {
        kind: ReportKind::Stop.into(),
        stood_ms: LONGEST_STOP_MINUTES.saturating_add(1) * MINUTE_MS,
        ..position
    };
    let what = "reports that it has stood for hours 上报长时间停车";
    let said = world.say(carrier, vec![Body::Reported(stands)], what);
    world.then(said.meaning(&[FindingCode::LongStop]));
    world.go_on(s, Leg::Unload);
}
