//! What stands at a loading: certificate, tank, crew, pass, checks, papers. For
//! each gate the smallest case that goes and the smallest that does not, the
//! last moment and the first one after it, a registry that is not complete,
//! and the same goods under way.

use hazledger::pb::event::Body as B;
use hazledger::pb::{
    HandoffPurpose, LoadingChecks, MassBasis, Offered, PermitKind, PermitRegistered, PermitStatus,
    PersonRegistered, Qualification, QualificationKind, RoadPass, RuleKind, RuleLine, RuleMode,
    VehicleKind, VehicleRegistered,
};

use super::bench::{Answer, Bench, DAY, hash, party};
use super::rulebook::{FAR, LONG_AGO, permit, person, rule, vehicle};
use super::table::Case;
use super::verbs::mg;

use RuleKind as K;
use RuleMode::{Find, Refuse};

const PLATE: &str = "蒙A00001";

/// One rule for sodium cyanide that refuses; the registry is complete.
fn strict(b: &mut Bench, kind: RuleKind) {
    b.publish(vec![rule(kind, Refuse, "NACN")]).unwrap();
}

/// The same where the registry is not complete.
fn open(b: &mut Bench, kind: RuleKind) {
    let line = RuleLine {
        complete: false,
        ..rule(kind, Refuse, "NACN")
    };
    b.publish(vec![line]).unwrap();
}

fn truck(b: &mut Bench, change: impl FnOnce(&mut VehicleRegistered)) {
    let mut e = vehicle(PLATE);
    change(&mut e);
    b.say("C1", B::VehicleRegistered(e)).unwrap();
}

fn crew(b: &mut Bench, change: impl FnOnce(&mut PersonRegistered)) {
    let mut e = person("driver", QualificationKind::Driver);
    e.qualifications.push(Qualification {
        kind: QualificationKind::Escort.into(),
        ..e.qualifications[0]
    });
    change(&mut e);
    b.say("C1", B::PersonRegistered(e)).unwrap();
}

/// The pass for the tables' consignment, P's.
fn pass(b: &mut Bench, change: impl FnOnce(&mut PermitRegistered)) {
    let mut e = permit('P', "通1", PermitKind::HighlyToxicRoadPass);
    e.substances = vec!["NACN".into()];
    e.road_pass = Some(RoadPass {
        carrier: party('C'),
        consignee: party('M'),
        vehicle: PLATE.into(),
    });
    change(&mut e);
    b.say("A1", B::PermitRegistered(e)).unwrap();
}

/// All checks, stated by a person.
fn all() -> LoadingChecks {
    LoadingChecks {
        vehicle: true,
        crew: true,
        tank: true,
        goods: true,
        papers: true,
        by: hash("loader"),
    }
}

/// P has C carry 200 kg to M, with all that can be said.
fn load_with(b: &mut Bench, change: impl FnOnce(&mut Offered)) -> Answer {
    let mut e = b.shipped('C', 'M', "T1", &["stock 200"]);
    e.loading_checks = Some(all());
    e.papers_passed_on = true;
    e.road_pass = "通1".into();
    change(&mut e);
    b.name("truck", "P1", B::Offered(e))
}

fn load(b: &mut Bench) -> Answer {
    load_with(b, |_| ())
}

/// The same, claimed to have been so long ago.
fn load_late(b: &mut Bench, ago_ms: i64) -> Answer {
    let mut e = b.shipped('C', 'M', "T1", &["stock 200"]);
    e.road_pass = "通1".into();
    b.say_late("P1", ago_ms, B::Offered(e))
}

fn load_drums(b: &mut Bench) -> Answer {
    let e = b.shipped('C', 'M', "T1", &["stock #1-4"]);
    b.say("P1", B::Offered(e))
}

fn by_rail(b: &mut Bench) -> Answer {
    let e = b.by_rail('C', 'M', "T1", &["stock 200"]);
    b.name("train", "P1", B::Offered(e))
}

/// Aboard, and at the mine's gate.
fn aboard(b: &mut Bench) -> Answer {
    let e = b.accepted("truck", "", &["0 take 200"]);
    b.say("C1", B::Accepted(e))
}

fn arrive(b: &mut Bench) -> Answer {
    let e = b.delivered('M', "truck", &["stock 200"]);
    b.name("delivery", "C1", B::Offered(e)).unwrap();
    let e = b.accepted("delivery", "T1", &["0 take 200"]);
    b.say("M1", B::Accepted(e))
}

/// On the road, before any rule.
fn under_way(b: &mut Bench) {
    load(b).unwrap();
    aboard(b).unwrap();
}

/// C's other vehicle goes on with the load, with another driver.
fn relay(b: &mut Bench) -> Answer {
    let e = b.relayed("truck", 'C');
    b.say("C1", B::Relayed(e))
}

fn second_truck(b: &mut Bench, until_ms: i64) {
    let mut e = vehicle("蒙B00002");
    e.certificate_until_ms = until_ms;
    e.inspection_until_ms = until_ms;
    b.say("C1", B::VehicleRegistered(e)).unwrap();
}

fn second_driver(b: &mut Bench, until_ms: i64) {
    let mut e = person("second driver", QualificationKind::Driver);
    e.qualifications[0].until_ms = until_ms;
    b.say("C1", B::PersonRegistered(e)).unwrap();
}

fn wagon(b: &mut Bench, number: &str, change: impl FnOnce(&mut VehicleRegistered)) {
    let mut e = vehicle(number);
    e.kind = VehicleKind::TankWagon.into();
    change(&mut e);
    b.say("C1", B::VehicleRegistered(e)).unwrap();
}

fn wagons(b: &mut Bench) {
    wagon(b, "45488855", |_| ());
    wagon(b, "52051232", |_| ());
}

#[rustfmt::skip]
pub const VEHICLES: &[Case] = &[
    // The certificate: valid until its day, and no longer; judged both when it
    // is said to have happened and when it is recorded.
    ("stock", |b| { strict(b, K::VehicleCertificate); truck(b, |_| ()); load(b) }, "ok"),
    ("stock", |b| { strict(b, K::VehicleCertificate); let day = b.now + DAY; truck(b, |e| e.certificate_until_ms = day); b.now = day - 1; load(b) }, "ok"),
    ("stock", |b| { strict(b, K::VehicleCertificate); let day = b.now + DAY; truck(b, |e| e.certificate_until_ms = day); b.now = day; load(b) }, "VEHICLE_CERTIFICATE"),
    ("stock", |b| { strict(b, K::VehicleCertificate); let day = b.now; truck(b, |e| e.certificate_until_ms = day); load_late(b, 1) }, "VEHICLE_CERTIFICATE"),
    ("stock", |b| { strict(b, K::VehicleCertificate); truck(b, |e| e.certificate_until_ms = 0); load(b) }, "VEHICLE_CERTIFICATE"),
    ("stock", |b| { b.publish(vec![rule(K::VehicleCertificate, Find, "")]).unwrap(); truck(b, |e| e.certificate_until_ms = 1); load(b) }, "ok VEHICLE_CERTIFICATE"),
    ("stock", |b| { b.publish(vec![rule(K::VehicleCertificate, Refuse, "AN")]).unwrap(); truck(b, |e| e.certificate_until_ms = 1); load(b) }, "ok"),
    // Not in the registry proves nothing, unless the registry is complete.
    ("stock", |b| { strict(b, K::VehicleCertificate); load(b) }, "VEHICLE_CERTIFICATE"),
    ("stock", |b| { open(b, K::VehicleCertificate); load(b) }, "ok VEHICLE_CERTIFICATE"),
    ("stock", |b| { open(b, K::VehicleCertificate); truck(b, |e| e.certificate_until_ms = 1); load(b) }, "VEHICLE_CERTIFICATE"),
    // The trailer has one of its own.
    ("stock", |b| { strict(b, K::VehicleCertificate); truck(b, |_| ()); load_with(b, |e| e.carriage.as_mut().unwrap().trailer = "蒙A7777挂".into()) }, "VEHICLE_CERTIFICATE"),
    ("stock", |b| { strict(b, K::VehicleCertificate); truck(b, |_| ()); truck(b, |e| e.vehicle = "蒙A7777挂".into()); load_with(b, |e| e.carriage.as_mut().unwrap().trailer = "蒙A7777挂".into()) }, "ok"),
    // Back to the supplier and to disposal nothing is blocked.
    ("stock", |b| { strict(b, K::VehicleCertificate); load_with(b, |e| e.purpose = HandoffPurpose::Disposal.into()) }, "ok VEHICLE_CERTIFICATE"),
    // A handoff on the spot has no vehicle.
    ("stock", |b| { strict(b, K::VehicleCertificate); let o = b.offered('M', "T1", &["stock 5"]); b.say("P1", B::Offered(o)) }, "ok"),
    // By rail: the wagons, which have no certificate of the road.
    ("stock", |b| { strict(b, K::VehicleCertificate); wagons(b); by_rail(b) }, "ok"),
    ("stock", |b| { strict(b, K::VehicleCertificate); wagon(b, "45488855", |_| ()); by_rail(b) }, "VEHICLE_CERTIFICATE"),
    ("stock", |b| { open(b, K::VehicleCertificate); wagons(b); wagon(b, "52051232", |e| e.certificate_until_ms = 0); by_rail(b) }, "ok VEHICLE_CERTIFICATE"),
    ("stock", |b| { open(b, K::VehicleCertificate); wagons(b); wagon(b, "52051232", |e| e.certificate_until_ms = 1); by_rail(b) }, "VEHICLE_CERTIFICATE"),
    ("stock", |b| { strict(b, K::DriverQualification); by_rail(b) }, "ok"),
    // Under way: taken aboard and arrived a day too late, and in time.
    ("stock", |b| { strict(b, K::VehicleCertificate); let day = b.now + DAY; truck(b, |e| e.certificate_until_ms = day); load(b).unwrap(); b.now = day - 1; aboard(b) }, "ok"),
    ("stock", |b| { strict(b, K::VehicleCertificate); let day = b.now + DAY; truck(b, |e| e.certificate_until_ms = day); load(b).unwrap(); b.now = day; aboard(b) }, "ok VEHICLE_CERTIFICATE"),
    ("stock", |b| { strict(b, K::VehicleCertificate); let day = b.now + DAY; truck(b, |e| e.certificate_until_ms = day); under_way(b); b.now = day - 1; arrive(b) }, "ok"),
    ("stock", |b| { strict(b, K::VehicleCertificate); let day = b.now + DAY; truck(b, |e| e.certificate_until_ms = day); under_way(b); b.now = day; arrive(b) }, "ok VEHICLE_CERTIFICATE"),
    // Relayed: the vehicle that goes on.
    ("stock", |b| { under_way(b); strict(b, K::VehicleCertificate); second_truck(b, FAR); relay(b) }, "ok"),
    ("stock", |b| { under_way(b); strict(b, K::VehicleCertificate); truck(b, |_| ()); relay(b) }, "VEHICLE_CERTIFICATE"),
    ("stock", |b| { under_way(b); strict(b, K::VehicleCertificate); let day = b.now; second_truck(b, day + 1); relay(b) }, "ok"),
    ("stock", |b| { under_way(b); strict(b, K::VehicleCertificate); let day = b.now; second_truck(b, day); relay(b) }, "VEHICLE_CERTIFICATE"),
    // On the way to disposal nothing is blocked either.
    ("stock", |b| { load_with(b, |e| e.purpose = HandoffPurpose::Disposal.into()).unwrap(); aboard(b).unwrap(); strict(b, K::VehicleCertificate); relay(b) }, "ok VEHICLE_CERTIFICATE"),
    ("stock", |b| { load_with(b, |e| e.purpose = HandoffPurpose::Storage.into()).unwrap(); aboard(b).unwrap(); strict(b, K::VehicleCertificate); relay(b) }, "VEHICLE_CERTIFICATE"),
    ("stock", |b| { under_way(b); second_truck(b, 1); relay(b).unwrap(); open(b, K::VehicleCertificate); arrive(b) }, "ok VEHICLE_CERTIFICATE"),
    ("stock", |b| { by_rail(b).unwrap(); let e = b.accepted("train", "", &["0 take 200"]); b.say("C1", B::Accepted(e)).unwrap(); strict(b, K::VehicleCertificate); wagon(b, "1673024", |_| ()); let e = b.gauge_changed("train"); b.say("C1", B::Relayed(e)) }, "ok"),
    ("stock", |b| { by_rail(b).unwrap(); let e = b.accepted("train", "", &["0 take 200"]); b.say("C1", B::Accepted(e)).unwrap(); strict(b, K::VehicleCertificate); wagons(b); let e = b.gauge_changed("train"); b.say("C1", B::Relayed(e)) }, "VEHICLE_CERTIFICATE"),
];

#[rustfmt::skip]
pub const TANKS: &[Case] = &[
    ("stock", |b| { strict(b, K::TankInspection); truck(b, |_| ()); load(b) }, "ok"),
    ("stock", |b| { strict(b, K::TankInspection); let day = b.now + DAY; truck(b, |e| e.inspection_until_ms = day); b.now = day - 1; load(b) }, "ok"),
    ("stock", |b| { strict(b, K::TankInspection); let day = b.now + DAY; truck(b, |e| e.inspection_until_ms = day); b.now = day; load(b) }, "TANK_INSPECTION"),
    ("stock", |b| { strict(b, K::TankInspection); truck(b, |e| { e.kind = VehicleKind::Truck.into(); e.tank.clear(); e.inspection_until_ms = 1; }); load(b) }, "ok"),
    ("stock", |b| { strict(b, K::TankInspection); truck(b, |e| { e.kind = VehicleKind::Truck.into(); e.inspection_until_ms = 1; }); load(b) }, "TANK_INSPECTION"),
    ("stock", |b| { open(b, K::TankInspection); truck(b, |e| e.inspection_until_ms = 0); load(b) }, "ok TANK_INSPECTION"),
    ("stock", |b| { strict(b, K::TankInspection); truck(b, |e| e.inspection_until_ms = 0); load(b) }, "TANK_INSPECTION"),
    ("stock", |b| { strict(b, K::TankInspection); truck(b, |_| ()); truck(b, |e| { e.vehicle = "MSKU6011672".into(); e.kind = VehicleKind::TankContainer.into(); e.inspection_until_ms = 1; }); load_with(b, |e| e.carriage.as_mut().unwrap().containers = vec!["MSKU6011672".into()]) }, "TANK_INSPECTION"),
    ("stock", |b| { open(b, K::TankInspection); wagons(b); wagon(b, "52051232", |e| e.inspection_until_ms = 1); by_rail(b) }, "TANK_INSPECTION"),
    // It ran out under way.
    ("stock", |b| { strict(b, K::TankInspection); let day = b.now + DAY; truck(b, |e| e.inspection_until_ms = day); under_way(b); b.now = day - 1; arrive(b) }, "ok"),
    ("stock", |b| { strict(b, K::TankInspection); let day = b.now + DAY; truck(b, |e| e.inspection_until_ms = day); under_way(b); b.now = day; arrive(b) }, "ok TANK_INSPECTION"),
    // Its media; drums are in none.
    ("stock", |b| { strict(b, K::TankMedia); truck(b, |_| ()); load(b) }, "ok"),
    ("stock", |b| { strict(b, K::TankMedia); truck(b, |e| e.media = vec!["AN-1942".into()]); load(b) }, "TANK_MEDIA"),
    ("stock drums", |b| { strict(b, K::TankMedia); truck(b, |e| e.media = vec!["AN-1942".into()]); load_drums(b) }, "ok"),
    ("stock", |b| { open(b, K::TankMedia); truck(b, |e| e.media = vec!["AN-1942".into()]); load(b) }, "TANK_MEDIA"),
    ("stock", |b| { open(b, K::TankMedia); truck(b, |e| e.media.clear()); load(b) }, "ok TANK_MEDIA"),
    ("stock", |b| { strict(b, K::TankMedia); truck(b, |e| e.media.clear()); load(b) }, "TANK_MEDIA"),
    ("stock", |b| { strict(b, K::TankMedia); load(b) }, "ok"),
    ("stock", |b| { under_way(b); strict(b, K::TankMedia); truck(b, |e| e.media = vec!["AN-1942".into()]); arrive(b) }, "ok TANK_MEDIA"),
    ("stock", |b| { under_way(b); strict(b, K::TankMedia); truck(b, |_| ()); arrive(b) }, "ok"),
    ("stock", |b| { under_way(b); strict(b, K::TankMedia); second_truck(b, FAR); relay(b) }, "ok"),
    // One tank of several that may hold it is enough.
    ("stock", |b| { strict(b, K::TankMedia); wagons(b); wagon(b, "52051232", |e| e.media = vec!["AN-1942".into()]); by_rail(b) }, "ok"),
];

#[rustfmt::skip]
pub const CREWS: &[Case] = &[
    ("stock", |b| { strict(b, K::DriverQualification); crew(b, |_| ()); load(b) }, "ok"),
    ("stock", |b| { strict(b, K::DriverQualification); let day = b.now + DAY; crew(b, |e| e.qualifications[0].until_ms = day); b.now = day - 1; load(b) }, "ok"),
    ("stock", |b| { strict(b, K::DriverQualification); let day = b.now + DAY; crew(b, |e| e.qualifications[0].until_ms = day); b.now = day; load(b) }, "DRIVER_QUALIFICATION"),
    ("stock", |b| { strict(b, K::DriverQualification); let day = b.now + DAY; crew(b, |e| e.qualifications[0].from_ms = day); b.now = day - 1; load(b) }, "DRIVER_QUALIFICATION"),
    ("stock", |b| { strict(b, K::DriverQualification); crew(b, |e| e.qualifications[0].withdrawn = true); load(b) }, "DRIVER_QUALIFICATION"),
    ("stock", |b| { open(b, K::DriverQualification); crew(b, |e| e.qualifications[0].withdrawn = true); load(b) }, "DRIVER_QUALIFICATION"),
    ("stock", |b| { open(b, K::DriverQualification); crew(b, |e| { e.qualifications.remove(0); }); load(b) }, "ok DRIVER_QUALIFICATION"),
    ("stock", |b| { open(b, K::DriverQualification); load(b) }, "ok DRIVER_QUALIFICATION"),
    ("stock", |b| { strict(b, K::DriverQualification); load(b) }, "DRIVER_QUALIFICATION"),
    // Any of the crew.
    ("stock", |b| { strict(b, K::DriverQualification); second_driver(b, FAR); crew(b, |e| e.qualifications[0].until_ms = LONG_AGO + 1); load_with(b, |e| e.carriage.as_mut().unwrap().crew.push(hash("second driver"))) }, "ok"),
    ("stock", |b| { strict(b, K::DriverQualification); second_driver(b, FAR); under_way_unjudged(b); relay(b) }, "ok"),
    ("stock", |b| { under_way(b); strict(b, K::DriverQualification); crew(b, |_| ()); relay(b) }, "DRIVER_QUALIFICATION"),
    ("stock", |b| { under_way(b); strict(b, K::DriverQualification); let day = b.now; second_driver(b, day + 1); relay(b) }, "ok"),
    ("stock", |b| { under_way(b); strict(b, K::DriverQualification); let day = b.now; second_driver(b, day); relay(b) }, "DRIVER_QUALIFICATION"),
    ("stock", |b| { strict(b, K::DriverQualification); let day = b.now + DAY; crew(b, |e| e.qualifications[0].until_ms = day); under_way(b); b.now = day - 1; arrive(b) }, "ok"),
    ("stock", |b| { strict(b, K::DriverQualification); let day = b.now + DAY; crew(b, |e| e.qualifications[0].until_ms = day); under_way(b); b.now = day; arrive(b) }, "ok DRIVER_QUALIFICATION"),
    // The escort: named apart, or one of the crew.
    ("stock", |b| { strict(b, K::EscortQualification); crew(b, |_| ()); load(b) }, "ok"),
    ("stock", |b| { strict(b, K::EscortQualification); let day = b.now + DAY; crew(b, |e| e.qualifications[1].until_ms = day); b.now = day - 1; load(b) }, "ok"),
    ("stock", |b| { strict(b, K::EscortQualification); let day = b.now + DAY; crew(b, |e| e.qualifications[1].until_ms = day); b.now = day; load(b) }, "ESCORT_QUALIFICATION"),
    ("stock", |b| { open(b, K::EscortQualification); load(b) }, "ok ESCORT_QUALIFICATION"),
    ("stock", |b| { strict(b, K::EscortQualification); b.say("C1", B::PersonRegistered(person("escort", QualificationKind::Escort))).unwrap(); load_with(b, |e| e.carriage.as_mut().unwrap().escort = hash("escort")) }, "ok"),
    ("stock", |b| { strict(b, K::EscortQualification); b.say("C1", B::PersonRegistered(person("escort", QualificationKind::Driver))).unwrap(); load_with(b, |e| e.carriage.as_mut().unwrap().escort = hash("escort")) }, "ESCORT_QUALIFICATION"),
    ("stock", |b| { under_way(b); strict(b, K::EscortQualification); crew(b, |e| e.qualifications[1].withdrawn = true); arrive(b) }, "ok ESCORT_QUALIFICATION"),
];

/// On the road, whatever the rules say of its first driver.
fn under_way_unjudged(b: &mut Bench) {
    let e = person("driver", QualificationKind::Driver);
    b.say("C1", B::PersonRegistered(e)).unwrap();
    under_way(b);
}

#[rustfmt::skip]
pub const CHECKS: &[Case] = &[
    // All five, by a person.
    ("stock", |b| { strict(b, K::LoadingChecks); load(b) }, "ok"),
    ("stock", |b| { strict(b, K::LoadingChecks); load_with(b, |e| e.loading_checks = None) }, "LOADING_CHECKS"),
    ("stock", |b| { open(b, K::LoadingChecks); load_with(b, |e| e.loading_checks = None) }, "LOADING_CHECKS"),
    ("stock", |b| { strict(b, K::LoadingChecks); load_with(b, |e| e.loading_checks.as_mut().unwrap().vehicle = false) }, "LOADING_CHECKS"),
    ("stock", |b| { strict(b, K::LoadingChecks); load_with(b, |e| e.loading_checks.as_mut().unwrap().crew = false) }, "LOADING_CHECKS"),
    ("stock", |b| { strict(b, K::LoadingChecks); load_with(b, |e| e.loading_checks.as_mut().unwrap().tank = false) }, "LOADING_CHECKS"),
    ("stock", |b| { strict(b, K::LoadingChecks); load_with(b, |e| e.loading_checks.as_mut().unwrap().goods = false) }, "LOADING_CHECKS"),
    ("stock", |b| { strict(b, K::LoadingChecks); load_with(b, |e| e.loading_checks.as_mut().unwrap().papers = false) }, "LOADING_CHECKS"),
    ("stock", |b| { strict(b, K::LoadingChecks); load_with(b, |e| e.loading_checks.as_mut().unwrap().by.clear()) }, "LOADING_CHECKS"),
    ("stock", |b| load_with(b, |e| drop(e.loading_checks.as_mut().unwrap().by.split_off(31))), "FIELD_INVALID"),
    ("stock", |b| { b.publish(vec![rule(K::LoadingChecks, Find, "")]).unwrap(); load_with(b, |e| e.loading_checks = None) }, "ok LOADING_CHECKS"),
    ("stock", |b| { strict(b, K::LoadingChecks); by_rail(b) }, "ok"),
    // What is stated, and known to be otherwise.
    ("stock", |b| { strict(b, K::LoadingChecks); truck(b, |e| e.certificate_until_ms = 1); load(b) }, "LOADING_CHECKS"),
    ("stock", |b| { strict(b, K::LoadingChecks); truck(b, |e| e.inspection_until_ms = 1); load(b) }, "LOADING_CHECKS"),
    ("stock", |b| { strict(b, K::LoadingChecks); truck(b, |e| e.media = vec!["AN-1942".into()]); load(b) }, "LOADING_CHECKS"),
    ("stock", |b| { strict(b, K::LoadingChecks); crew(b, |e| e.qualifications[0].withdrawn = true); load(b) }, "LOADING_CHECKS"),
    ("stock", |b| { strict(b, K::LoadingChecks); crew(b, |e| e.qualifications[1].withdrawn = true); load(b) }, "LOADING_CHECKS"),
    ("stock", |b| { strict(b, K::LoadingChecks); truck(b, |_| ()); crew(b, |_| ()); load(b) }, "ok"),
    // Data sheet and label, whatever the carriage but a pipeline.
    ("stock", |b| { strict(b, K::PapersPassedOn); load(b) }, "ok"),
    ("stock", |b| { strict(b, K::PapersPassedOn); load_with(b, |e| e.papers_passed_on = false) }, "PAPERS_NOT_PASSED_ON"),
    ("stock", |b| { b.publish(vec![rule(K::PapersPassedOn, Find, "")]).unwrap(); load_with(b, |e| e.papers_passed_on = false) }, "ok PAPERS_NOT_PASSED_ON"),
    ("stock", |b| { strict(b, K::PapersPassedOn); by_rail(b) }, "PAPERS_NOT_PASSED_ON"),
    ("stock", |b| { strict(b, K::PapersPassedOn); let o = b.offered('M', "T1", &["stock 5"]); b.say("P1", B::Offered(o)) }, "ok"),
    // Of several gates the lowest number is given.
    ("stock", |b| { b.publish(vec![rule(K::LoadingChecks, Refuse, ""), rule(K::VehicleCertificate, Refuse, ""), rule(K::DriverQualification, Refuse, "")]).unwrap(); load(b) }, "VEHICLE_CERTIFICATE"),
];

#[rustfmt::skip]
pub const PASSES: &[Case] = &[
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |_| ()); load(b) }, "ok"),
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |e| { e.party = party('M'); }); load(b) }, "ok"),
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |e| { e.party = party('W'); }); load(b) }, "ROAD_PASS"),
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |_| ()); load_with(b, |e| e.road_pass.clear()) }, "ROAD_PASS"),
    ("stock", |b| { open(b, K::RoadPass); pass(b, |_| ()); load_with(b, |e| e.road_pass.clear()) }, "ROAD_PASS"),
    ("stock", |b| load_with(b, |e| e.road_pass = "x".repeat(65)), "FIELD_INVALID"),
    ("stock", |b| { strict(b, K::RoadPass); load(b) }, "ROAD_PASS"),
    ("stock", |b| { open(b, K::RoadPass); load(b) }, "ok ROAD_PASS"),
    // Another kind, another state.
    ("stock", |b| { open(b, K::RoadPass); pass(b, |e| e.kind = PermitKind::HighlyToxicPurchase.into()); load(b) }, "ROAD_PASS"),
    ("stock", |b| { open(b, K::RoadPass); pass(b, |e| e.status = PermitStatus::Unconfirmed.into()); load(b) }, "ok ROAD_PASS"),
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |e| e.status = PermitStatus::Unconfirmed.into()); load(b) }, "ROAD_PASS"),
    ("stock", |b| { open(b, K::RoadPass); pass(b, |e| e.status = PermitStatus::Suspended.into()); load(b) }, "ROAD_PASS"),
    ("stock", |b| { open(b, K::RoadPass); pass(b, |e| e.status = PermitStatus::Revoked.into()); load(b) }, "ROAD_PASS"),
    // Its days.
    ("stock", |b| { strict(b, K::RoadPass); let day = b.now + DAY; pass(b, |e| e.until_ms = day); b.now = day - 1; load(b) }, "ok"),
    ("stock", |b| { strict(b, K::RoadPass); let day = b.now + DAY; pass(b, |e| e.until_ms = day); b.now = day; load(b) }, "ROAD_PASS"),
    ("stock", |b| { strict(b, K::RoadPass); let day = b.now + DAY; pass(b, |e| e.from_ms = day); b.now = day - 1; load(b) }, "ROAD_PASS"),
    ("stock", |b| { strict(b, K::RoadPass); let day = b.now + DAY; pass(b, |e| e.from_ms = day); b.now = day; load(b) }, "ok"),
    ("stock", |b| { strict(b, K::RoadPass); let day = b.now; pass(b, |e| e.until_ms = day); load_late(b, 1) }, "ROAD_PASS"),
    // What it covers: substance and mass.
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |e| e.substances = vec!["AN".into()]); load(b) }, "ROAD_PASS"),
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |e| e.substances.clear()); load(b) }, "ok"),
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |e| e.quantity_mg = mg("200")); load(b) }, "ok"),
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |e| e.quantity_mg = mg("199.999999")); load(b) }, "ROAD_PASS"),
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |e| { e.quantity_mg = mg("196"); e.basis = MassBasis::Contained.into(); }); load(b) }, "ok"),
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |e| { e.quantity_mg = mg("195.999999"); e.basis = MassBasis::Contained.into(); }); load(b) }, "ROAD_PASS"),
    // What it names.
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |e| e.road_pass = None); load(b) }, "ok"),
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |e| e.road_pass.as_mut().unwrap().carrier = party('W')); load(b) }, "ROAD_PASS"),
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |e| e.road_pass.as_mut().unwrap().consignee = party('W')); load(b) }, "ROAD_PASS"),
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |e| e.road_pass.as_mut().unwrap().vehicle = "蒙A00002".into()); load(b) }, "ROAD_PASS"),
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |e| e.road_pass.as_mut().unwrap().vehicle.clear()); load(b) }, "ok"),
    // By road only.
    ("stock", |b| { strict(b, K::RoadPass); by_rail(b) }, "ok"),
    // It ran out under way; another vehicle goes on.
    ("stock", |b| { strict(b, K::RoadPass); let day = b.now + DAY; pass(b, |e| e.until_ms = day); load(b).unwrap(); b.now = day; aboard(b) }, "ok ROAD_PASS"),
    ("stock", |b| { strict(b, K::RoadPass); let day = b.now + DAY; pass(b, |e| e.until_ms = day); under_way(b); b.now = day - 1; arrive(b) }, "ok"),
    ("stock", |b| { strict(b, K::RoadPass); let day = b.now + DAY; pass(b, |e| e.until_ms = day); under_way(b); b.now = day; arrive(b) }, "ok ROAD_PASS"),
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |_| ()); under_way(b); relay(b) }, "ROAD_PASS"),
    ("stock", |b| { strict(b, K::RoadPass); pass(b, |e| e.road_pass.as_mut().unwrap().vehicle.clear()); under_way(b); relay(b) }, "ok"),
];
