//! What a device cannot say: another thing under a number that it has used, or
//! what a person has entered for it from paper.

use bytes::Bytes;

use super::{Attempt, refused};
use crate::event::statement::Header;
use crate::pb::event::Body;
use crate::pb::{DeviceLink, RefusalCode, ReportKind, Reported};
use crate::sim::cast::Who;
use crate::sim::{Issued, World};

pub(super) const ATTEMPTS: &[Attempt] = &[says_another_thing, says_what_was_entered];

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
