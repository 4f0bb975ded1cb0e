//! More than the ledger keeps: of permits, packs, claims, early acceptances,
//! one-sided departures, predecessors, subjects, bytes. All of it in one
//! statement, so that nothing of it is recorded.
#![expect(
    clippy::unnecessary_wraps,
    reason = "attempts have one type; some of them are always possible"
)]

use super::{Attempt, refused};
use crate::catalog::Uscc;
use crate::pb::event::Body;
use crate::pb::{
    Accepted, AcceptedLine, Departed, EventRef, Measure, MeasureUnit, Offered, Outsider,
    PartyRegistered, PartyStatus, PermitKind, PermitStatus, QualificationKind, RefusalCode,
    RuleKind, RuleLine, RuleMode, Succeeded,
};
use crate::sim::fleet::Valid;
use crate::sim::goods::{self, Pile};
use crate::sim::{Contents, Issued, World, paper};

pub(super) const ATTEMPTS: &[Attempt] = &[
    too_many_permits,
    too_many_packs,
    too_many_claims,
    too_many_parked,
    too_many_one_sided,
    too_many_predecessors,
    too_many_subjects,
    record_too_large,
];

/// More than any of the bounds on one party's, one lot's or one pack's lists.
const MANY: u64 = 66;
const MANY_PERMITS: u64 = 129;
const MANY_PARKED: usize = 257;
const MANY_SUBJECTS: u64 = 513;
/// Acceptances with long notes, which are kept twice while they wait.
const LONG_ONES: usize = 12;
const LONG_LINES: u32 = 60;

/// A pile of many packages, and its first serial.
fn of_many(world: &World) -> Option<(Pile, u64)> {
    let many = |pile: &&Pile| pile.count() >= MANY && !world.has_left(&pile.holder);
    let pile = world.stock.iter().find(many)?.clone();
    match pile.contents {
        Contents::Packages { first, .. } => Some((pile, first)),
        Contents::Loose(_) => None,
    }
}

fn too_many_permits(world: &mut World) -> Option<Issued> {
    let who = world.cast.paint_makers.first().clone();
    let permit = |n: u64| {
        let number = format!("DUP-{n:04}");
        Body::PermitRegistered(world.permit(&who, &number, PermitKind::Port, PermitStatus::Granted))
    };
    let bodies: Vec<Body> = (0..MANY_PERMITS).map(permit).collect();
    let said = world.order(bodies, "grants more permits than one party can have");
    Some(refused(said, RefusalCode::TooManyPermits))
}

fn too_many_packs(world: &mut World) -> Option<Issued> {
    let line = RuleLine {
        rule: RuleKind::Controlled.into(),
        mode: RuleMode::Off.into(),
        ..RuleLine::default()
    };
    let mut bodies = Vec::new();
    for n in 0..MANY {
        let name = format!("flood-{n}");
        bodies.push(world.region_pack(&name, "152900", "重复规则包", vec![line.clone()]));
    }
    let said = world.order(bodies, "publishes more packs than the ledger keeps");
    Some(refused(said, RefusalCode::TooManyPacks))
}

/// Each package offered by itself, all under one permit.
fn too_many_claims(world: &mut World) -> Option<Issued> {
    let (pile, first) = of_many(world)?;
    let (key, quota) = world.law.quotas.iter().find(|((buyer, substance), _)| {
        *substance == pile.product.substance && *buyer != pile.holder.code
    })?;
    let (buyer, permit) = (key.0.clone(), quota.number.clone());
    let buyer = world
        .cast
        .enterprises()
        .find(|who| who.code == buyer)?
        .clone();
    let bodies = (first..first.saturating_add(MANY)).map(|serial| {
        Body::Offered(Offered {
            lines: vec![goods::packages(pile.lot, serial, serial)],
            permit: permit.clone(),
            ..paper::offered(&pile, &buyer, None)
        })
    });
    let what = "offers a load package by package under one permit";
    let said = world.say(&pile.holder, bodies.collect(), what);
    Some(refused(said, RefusalCode::TooManyClaims))
}

/// Acceptances of offers that nobody has made yet.
fn early(world: &mut World, count: usize, lines: &[AcceptedLine]) -> Vec<Body> {
    let party = world.cast.cyanide_plants.first().code.clone();
    let mut bodies = Vec::with_capacity(count);
    for _ in 0..count {
        let ms = world.now_ms();
        let offer = EventRef {
            party: party.clone(),
            statement_id: world.id_at(ms).to_bytes(),
            event_index: 0,
            event_digest: world.hash(),
        };
        bodies.push(Body::Accepted(Accepted {
            offer: Some(offer),
            lines: lines.to_vec(),
            ..Accepted::default()
        }));
    }
    bodies
}

fn too_many_parked(world: &mut World) -> Option<Issued> {
    let who = world.cast.carriers.first().clone();
    let bodies = early(world, MANY_PARKED, &[]);
    let said = world.say(&who, bodies, "accepts what nobody offers, over and over");
    Some(refused(said, RefusalCode::TooManyParked))
}

fn record_too_large(world: &mut World) -> Option<Issued> {
    let who = world.cast.carriers.first().clone();
    let check = Measure {
        value: "1".to_owned(),
        unit: MeasureUnit::Kg.into(),
        method: "m".repeat(60),
        instrument: "i".repeat(60),
        ticket: "t".repeat(60),
        ..Measure::default()
    };
    let lines = (0..LONG_LINES).map(|line| AcceptedLine {
        line,
        check: Some(check.clone()),
        ..AcceptedLine::default()
    });
    let bodies = early(world, LONG_ONES, &lines.collect::<Vec<_>>());
    let said = world.say(&who, bodies, "says more than a record can hold");
    Some(refused(said, RefusalCode::RecordTooLarge))
}

fn too_many_one_sided(world: &mut World) -> Option<Issued> {
    let (pile, first) = of_many(world)?;
    let to = world.cast.neighbours.last().clone();
    let bodies = (first..first.saturating_add(MANY)).map(|serial| {
        Body::Departed(Departed {
            goods: Some(goods::packages(pile.lot, serial, serial)),
            place: pile.place.to_owned(),
            to: Some(Outsider {
                name: to.name_zh.to_owned(),
                code: to.code.clone(),
                country: "CN".to_owned(),
                ..Outsider::default()
            }),
            documents: Vec::new(),
        })
    });
    let what = "sends a lot away package by package";
    let said = world.say(&pile.holder, bodies.collect(), what);
    Some(refused(said, RefusalCode::TooManyOneSided))
}

fn too_many_predecessors(world: &mut World) -> Option<Issued> {
    let to = world.cast.paint_makers.first().clone();
    let mut bodies = Vec::new();
    for n in 0..MANY {
        let organisation = format!("MADEX{n:03}");
        let code = Uscc::with_checks('9', '1', "150100", &organisation).ok()?;
        bodies.push(Body::PartyRegistered(PartyRegistered {
            party: code.to_string(),
            name_zh: "空壳公司".to_owned(),
            status: PartyStatus::Active.into(),
            region: "150100".to_owned(),
            ..PartyRegistered::default()
        }));
        bodies.push(Body::Succeeded(Succeeded {
            predecessor: code.to_string(),
            successor: to.code.clone(),
            effective_at_ms: world.now_ms(),
            reason: "merger 合并".to_owned(),
        }));
    }
    let said = world.decree(bodies, "lets one party succeed a crowd");
    Some(refused(said, RefusalCode::TooManyPredecessors))
}

fn too_many_subjects(world: &mut World) -> Option<Issued> {
    let who = world.cast.carriers.first().clone();
    let mut bodies = Vec::new();
    for _ in 1..MANY_SUBJECTS {
        let person = world.hash();
        bodies.push(world.person(&who, &person, QualificationKind::Driver, Valid::Yes));
    }
    let said = world.say(&who, bodies, "registers an army of drivers");
    Some(refused(said, RefusalCode::TooManySubjects))
}
