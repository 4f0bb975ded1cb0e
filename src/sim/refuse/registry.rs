//! Entries of the registry and the rules that nobody may make, or not so.
#![expect(
    clippy::unnecessary_wraps,
    reason = "attempts have one type; some of them are always possible"
)]

use super::{Attempt, refused};
use crate::pb::event::Body;
use crate::pb::{
    FindingAnswer, FindingAnswered, HazardSourceFiled, PackWithdrawn, PermitKind, PermitRegistered,
    PermitStated, PermitStatus, PlaceRegistered, Recalled, Rectified, RefusalCode, SiteRegistered,
};
use crate::sim::fleet::Valid;
use crate::sim::setup::SITE;
use crate::sim::{Issued, World};

pub(super) const ATTEMPTS: &[Attempt] = &[
    unknown_site,
    unknown_unit,
    unknown_permit,
    permit_confirmed,
    registered_elsewhere,
    unknown_park,
    unknown_pack,
    field_missing,
    key_not_yet_valid,
    key_expired,
    key_lacks_role,
    unknown_recall,
    unknown_danger,
    unknown_finding,
];

fn unknown_site(world: &mut World) -> Option<Issued> {
    let who = world.cast.warehouses.first().clone();
    let place = PlaceRegistered {
        party: who.code.clone(),
        place: "BAY-9".to_owned(),
        site: "SITE-9".to_owned(),
        name_zh: "九号库".to_owned(),
        kind: "bay".to_owned(),
        ..PlaceRegistered::default()
    };
    let what = "registers a place of a site that there is not";
    let said = world.say(&who, vec![Body::PlaceRegistered(place)], what);
    Some(refused(said, RefusalCode::UnknownSite))
}

fn unknown_unit(world: &mut World) -> Option<Issued> {
    let who = world.cast.warehouses.first().clone();
    let filed = HazardSourceFiled {
        party: who.code.clone(),
        unit: "U-NOWHERE".to_owned(),
        level: 3,
        filing: "BA-0".to_owned(),
        filed_ms: world.span.from_ms,
        until_ms: world.until(Valid::Yes),
        responsible: Some(world.responsible(&who, "责任人")),
        ..HazardSourceFiled::default()
    };
    let what = "files a hazard source of no unit";
    let said = world.say(&who, vec![Body::HazardSourceFiled(filed)], what);
    Some(refused(said, RefusalCode::UnknownUnit))
}

fn unknown_permit(world: &mut World) -> Option<Issued> {
    let who = world.cast.paint_makers.first().clone();
    let stated = PermitStated {
        party: who.code.clone(),
        number: "NONE-1".to_owned(),
        status: PermitStatus::Suspended.into(),
        reason: String::new(),
    };
    let said = world.order(
        vec![Body::PermitStated(stated)],
        "suspends a permit nobody has",
    );
    Some(refused(said, RefusalCode::UnknownPermit))
}

fn permit_confirmed(world: &mut World) -> Option<Issued> {
    let who = world.cast.paint_makers.first().clone();
    let number = World::licence(&who);
    let mut permit = world.permit(
        &who,
        &number,
        PermitKind::SafeUse,
        PermitStatus::Unconfirmed,
    );
    permit.until_ms = permit.until_ms.saturating_mul(2);
    let what = "prolongs its own permit";
    let said = world.say(&who, vec![Body::PermitRegistered(permit)], what);
    Some(refused(said, RefusalCode::PermitConfirmed))
}

fn registered_elsewhere(world: &mut World) -> Option<Issued> {
    let carriers = world.cast.carriers.clone();
    let (owner, other) = (carriers.first(), world.cast.lapsed_carriers.first().clone());
    let plate = world.turnout(owner, false).vehicle;
    let vehicle = world.vehicle(&other, &plate, false, Valid::Yes);
    let what = "registers another carrier's truck as its own";
    let said = world.say(&other, vec![Body::VehicleRegistered(vehicle)], what);
    Some(refused(said, RefusalCode::RegisteredElsewhere))
}

fn unknown_park(world: &mut World) -> Option<Issued> {
    let who = world.cast.nitrate_plants.first().clone();
    let site = SiteRegistered {
        party: who.code.clone(),
        site: SITE.to_owned(),
        name_zh: who.name_zh.to_owned(),
        kind: who.site_kind.to_owned(),
        region: who.region.to_owned(),
        park: "MOON-PARK".to_owned(),
        ..SiteRegistered::default()
    };
    let what = "lies in a park that there is not";
    let said = world.say(&who, vec![Body::SiteRegistered(site)], what);
    Some(refused(said, RefusalCode::UnknownPark))
}

fn unknown_pack(world: &mut World) -> Option<Issued> {
    let withdrawn = PackWithdrawn {
        pack: "never-published".to_owned(),
        until_ms: world.until(Valid::Yes),
        reason: String::new(),
    };
    let said = world.order(vec![Body::PackWithdrawn(withdrawn)], "withdraws no pack");
    Some(refused(said, RefusalCode::UnknownPack))
}

fn field_missing(world: &mut World) -> Option<Issued> {
    let who = world.cast.paint_makers.first().clone();
    let permit = PermitRegistered {
        photograph_hash: bytes::Bytes::new(),
        ..world.permit(
            &who,
            "BLIND-1",
            PermitKind::SafeUse,
            PermitStatus::Unconfirmed,
        )
    };
    let what = "enters a permit without a photograph";
    let said = world.say(&who, vec![Body::PermitRegistered(permit)], what);
    Some(refused(said, RefusalCode::FieldMissing))
}

/// A harmless word, signed with a key that is not as it should be.
fn with_odd_key(world: &mut World, code: RefusalCode, what: &'static str) -> Option<Issued> {
    let mut odd = world.odd_keys.iter();
    let (who, key, _) = odd.find(|(_, _, wrong)| *wrong == code)?.clone();
    let plate = world.turnout(&who, false).vehicle;
    let vehicle = world.vehicle(&who, &plate, false, Valid::Yes);
    let id = world.fresh_id();
    let draft = world.draft(&who, id, vec![Body::VehicleRegistered(vehicle)]);
    Some(refused(World::signed(&draft, &key, &[], what), code))
}

fn key_not_yet_valid(world: &mut World) -> Option<Issued> {
    let what = "signs with next year's key";
    with_odd_key(world, RefusalCode::KeyNotYetValid, what)
}

fn key_expired(world: &mut World) -> Option<Issued> {
    with_odd_key(world, RefusalCode::KeyExpired, "signs with last year's key")
}

fn key_lacks_role(world: &mut World) -> Option<Issued> {
    let what = "registers a truck with a driver's key";
    with_odd_key(world, RefusalCode::KeyLacksRole, what)
}

fn unknown_recall(world: &mut World) -> Option<Issued> {
    let ends = Recalled {
        ends: bytes::Bytes::copy_from_slice(world.hash().get(..16)?),
        reason: "over 结束".to_owned(),
        ..Recalled::default()
    };
    let said = world.order(vec![Body::Recalled(ends)], "ends a recall that never was");
    Some(refused(said, RefusalCode::UnknownRecall))
}

fn unknown_danger(world: &mut World) -> Option<Issued> {
    let who = world.cast.warehouses.first().clone();
    let rectified = Rectified {
        danger: bytes::Bytes::copy_from_slice(world.hash().get(..16)?),
        what: "done 已整改".to_owned(),
        documents: Vec::new(),
    };
    let what = "sets right what nobody found";
    let said = world.say(&who, vec![Body::Rectified(rectified)], what);
    Some(refused(said, RefusalCode::UnknownDanger))
}

fn unknown_finding(world: &mut World) -> Option<Issued> {
    let who = world.cast.warehouses.first().clone();
    let answered = FindingAnswered {
        position: 1,
        finding: 99,
        event: Some(super::goods::nobodys_event(world)),
        answer: FindingAnswer::Acknowledged.into(),
        ..FindingAnswered::default()
    };
    let what = "answers a finding that there is not";
    let said = world.say(&who, vec![Body::FindingAnswered(answered)], what);
    Some(refused(said, RefusalCode::UnknownFinding))
}
