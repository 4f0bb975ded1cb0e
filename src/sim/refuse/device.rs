//! What a device cannot say: another thing under a number that it has used, or
//! what a person has entered for it from paper.

use bytes::Bytes;

use super::{Attempt, refused};
use crate::event::statement::Header;
use crate::pb::event::Body;
use crate::pb::{Backfilled, DeviceLink, RefusalCode, ReportKind, Reported};
use crate::sim::cast::Who;
use crate::sim::fleet::Valid;
use crate::sim::{Issued, World};

pub(super) const ATTEMPTS: &[Attempt] = &[
    says_another_thing,
    says_what_was_entered,
    enters_what_is_not_missing,
];

/// A word of the road under a number.
fn numbered(
    world: &mut World,
    who: &Who,
    sequence: u64,
    what: &'static str,
    code: RefusalCode,
) -> Option<Issued> {
    let reported = Reported {
        consignment: Bytes::copy_from_slice(world.hash().get(..16)?),
        kind: ReportKind::Stop.into(),
        region: who.region.to_owned(),
        longitude_e6: 111_000_000,
        latitude_e6: 41_000_000,
        ..Reported::default()
    };
    let previous = if sequence == 1 {
        Bytes::new()
    } else {
        world.hash()
    };
    let header = Header {
        device: Some(DeviceLink { sequence, previous }),
        backfilled: None,
    };
    let id = world.fresh_id();
    let draft = world.draft(who, id, vec![Body::Reported(reported)]);
    let said = World::signed_with(&header, &draft, &who.device, &[], what);
    Some(refused(said, code))
}

fn says_another_thing(world: &mut World) -> Option<Issued> {
    let who = world.cast.carriers.first().clone();
    let number = world.talks.get(&who.code)?.number;
    let what = "says two things under one number of a device";
    numbered(world, &who, number, what, RefusalCode::DeviceFork)
}

fn says_what_was_entered(world: &mut World) -> Option<Issued> {
    let carriers = world.cast.carriers.clone();
    let (who, number) = carriers.iter().find_map(|who| {
        let entered = world.talks.get(&who.code)?.last_entered?;
        Some((who.clone(), entered))
    })?;
    let what = "says what has been entered from paper";
    numbered(world, &who, number, what, RefusalCode::EnteredFromPaper)
}

/// Numbers that the device has never come to.
fn enters_what_is_not_missing(world: &mut World) -> Option<Issued> {
    let who = world.cast.carriers.first().clone();
    let number = world.talks.get(&who.code)?.number.saturating_add(1_000);
    let header = Header {
        device: None,
        backfilled: Some(Backfilled {
            paper: "driver's log 行车日志".to_owned(),
            device_key_id: who.device.id().to_bytes(),
            first_sequence: number,
            last_sequence: number,
            reason: "telephone lost 终端遗失".to_owned(),
        }),
    };
    let plate = world.turnout(&who, false).vehicle;
    let vehicle = world.vehicle(&who, &plate, false, Valid::Yes);
    let id = world.fresh_id();
    let draft = world.draft(&who, id, vec![Body::VehicleRegistered(vehicle)]);
    let what = "enters from paper what is not missing";
    let said = World::signed_with(&header, &draft, &who.first, &[], what);
    Some(refused(said, RefusalCode::NotADeviceGap))
}
