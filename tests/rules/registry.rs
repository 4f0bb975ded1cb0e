//! Tables of the registry: who may register what.

use bytes::Bytes;
use hazledger::event::statement::Draft;
use hazledger::pb::event::Body as B;
use hazledger::pb::{
    ClockStated, Event, ExternalRef, KeyHolder, KeyRegistered, KeyRevoked, PartyRegistered,
    PartyStatus, PlaceRegistered, RefusalsAnchored, SiteRegistered, StateRecorded, UnitRegistered,
};

use super::bench::{
    Answer, Bench, DAY, HOUR, NOBODY, START_MS, event, party, place, register_key, register_party,
    sign, site, unit,
};
use super::table::Case;
use super::verbs::{place_in, zeros};

fn party_of(change: impl FnOnce(&mut PartyRegistered)) -> B {
    let B::PartyRegistered(mut e) = register_party('N', PartyStatus::Active) else {
        unreachable!("it registers a party")
    };
    change(&mut e);
    B::PartyRegistered(e)
}

fn key_of(change: impl FnOnce(&mut KeyRegistered)) -> B {
    let mut e = register_key("P4", START_MS, START_MS + DAY);
    change(&mut e);
    B::KeyRegistered(e)
}

fn state_recorded(b: &mut Bench) -> Answer {
    let recorded = event(B::StateRecorded(StateRecorded {
        state_digest: b.state.digest().to_bytes(),
        touched_root: zeros(32),
        touched_count: 0,
    }));
    let draft = Draft {
        party: "LEDGER".into(),
        ..b.draft("P1", vec![recorded])
    };
    b.submit(sign(&draft, "ledger"))
}

fn jumped(b: &Bench, by_ms: i64) -> ClockStated {
    ClockStated {
        clock_ms: b.now,
        ledger_ms: b.now,
        jumped_by_ms: by_ms,
        ..ClockStated::default()
    }
}

fn clock_stated(b: &mut Bench, change: impl FnOnce(&mut ClockStated)) -> Answer {
    let mut word = jumped(b, 0);
    change(&mut word);
    b.say_of_clock(word)
}

/// A first word on refusals, then one that counts on from it.
fn anchored(b: &mut Bench, change: impl FnOnce(&mut RefusalsAnchored)) -> Answer {
    let first = RefusalsAnchored {
        count: 3,
        hash: Bytes::from(vec![7; 32]),
        since_ms: b.now,
        not_kept: 2,
        unverified: 9,
        kept_from: 0,
    };
    let mut word = RefusalsAnchored {
        count: 5,
        hash: Bytes::from(vec![8; 32]),
        since_ms: b.now,
        ..first.clone()
    };
    b.say_of_refusals(first)?;
    change(&mut word);
    b.say_of_refusals(word)
}

#[rustfmt::skip]
pub const REGISTRY: &[Case] = &[
    ("", |b| b.say("A1", party_of(|_| ())), "ok"),
    ("", |b| b.say("P1", party_of(|_| ())), "AUTHORITY_REQUIRED"),
    ("", |b| b.say("A1", party_of(|e| e.party = "91150100BENCH00N00".into())), "FIELD_INVALID"),
    ("", |b| b.say("A1", party_of(|e| e.party.clear())), "FIELD_INVALID"),
    ("", |b| b.say("A1", party_of(|e| e.name_zh.clear())), "FIELD_MISSING"),
    ("", |b| b.say("A1", party_of(|e| e.name_zh = "张三 11010519491231002X".into())), "PERSONAL_DATA"),
    ("", |b| b.say("A1", party_of(|e| e.name_en = "call 13812345678".into())), "PERSONAL_DATA"),
    ("", |b| b.say("A1", party_of(|e| e.name_en = "a\u{7}".into())), "FIELD_INVALID"),
    ("", |b| b.say("A1", party_of(|e| e.region = "15010".into())), "FIELD_INVALID"),
    ("", |b| b.say("A1", party_of(|e| e.stages = vec![0])), "FIELD_INVALID"),
    ("", |b| b.say("A1", party_of(|e| e.stages = vec![99])), "FIELD_INVALID"),
    ("", |b| b.say("A1", party_of(|e| e.status = 0)), "FIELD_MISSING"),
    // Sites, units and places: by the party itself or an authority.
    ("", |b| b.say("P1", B::SiteRegistered(site('P'))), "ok"),
    ("", |b| b.say("A1", B::SiteRegistered(site('P'))), "ok"),
    ("", |b| b.say("W1", B::SiteRegistered(site('P'))), "AUTHORITY_REQUIRED"),
    ("", |b| b.say("W1+P1", B::SiteRegistered(site('P'))), "ok"),
    ("", |b| b.say("A1", B::SiteRegistered(site(NOBODY))), "UNKNOWN_PARTY"),
    ("", |b| b.say("P1", B::SiteRegistered(SiteRegistered { site: "a/b".into(), ..site('P') })), "FIELD_INVALID"),
    ("", |b| b.say("P1", B::SiteRegistered(SiteRegistered { kind: String::new(), ..site('P') })), "FIELD_MISSING"),
    ("", |b| b.say("P1", B::UnitRegistered(UnitRegistered { site: "S9".into(), ..unit('P') })), "UNKNOWN_SITE"),
    ("", |b| b.say("P1", B::PlaceRegistered(place_in("S", "U"))), "ok"),
    ("", |b| b.say("P1", B::PlaceRegistered(place_in("S", ""))), "ok"),
    ("", |b| b.say("P1", B::PlaceRegistered(place_in("S9", "U"))), "UNKNOWN_SITE"),
    ("", |b| b.say("P1", B::PlaceRegistered(place_in("S", "U9"))), "UNKNOWN_UNIT"),
    ("", |b| b.say("M1", B::PlaceRegistered(place_in("S", "U"))), "AUTHORITY_REQUIRED"),
    ("", |b| b.say("P1", B::PlaceRegistered(PlaceRegistered { place: String::new(), ..place('P', "T1") })), "FIELD_MISSING"),
    // Keys: by as many authority keys as genesis asks for.
    ("", |b| b.say("A1+A2", key_of(|_| ())), "ok"),
    ("", |b| b.say("A1", key_of(|_| ())), "AUTHORITY_REQUIRED"),
    ("", |b| b.say("P1+P2", key_of(|_| ())), "AUTHORITY_REQUIRED"),
    ("", |b| b.say("A1+A2", B::KeyRegistered(register_key("P1", 0, DAY))), "KEY_EXISTS"),
    ("", |b| b.say("A1+A2", B::KeyRegistered(register_key("W1", 0, START_MS))), "KEY_EXISTS"),
    ("", |b| b.say("A1+A2", key_of(|e| e.party = party(NOBODY))), "UNKNOWN_PARTY"),
    ("", |b| b.say("A1+A2", key_of(|e| e.algorithm = 0)), "UNKNOWN_ALGORITHM"),
    ("", |b| b.say("A1+A2", key_of(|e| e.public_key = zeros(32))), "FIELD_INVALID"),
    ("", |b| b.say("A1+A2", key_of(|e| e.public_key = zeros(31))), "FIELD_INVALID"),
    ("", |b| b.say("A1+A2", key_of(|e| e.holder = KeyHolder::Unspecified.into())), "FIELD_MISSING"),
    ("", |b| b.say("A1+A2", key_of(|e| e.holder_commitment = Bytes::new())), "FIELD_INVALID"),
    ("", |b| b.say("A1+A2", key_of(|e| e.valid_until_ms = e.valid_from_ms)), "FIELD_INVALID"),
    ("", |b| b.say("A1+A2", key_of(|e| e.valid_from_ms = -1)), "FIELD_INVALID"),
    // Revocation: with another key of the party, or by an authority.
    ("", |b| b.say("P1", B::KeyRevoked(b.revoked("P2"))), "ok"),
    ("", |b| b.say("A1", B::KeyRevoked(b.revoked("P1"))), "ok"),
    ("", |b| b.say("P1", B::KeyRevoked(b.revoked("P1"))), "AUTHORITY_REQUIRED"),
    ("", |b| b.say("W1", B::KeyRevoked(b.revoked("P1"))), "AUTHORITY_REQUIRED"),
    ("", |b| b.say("A1+A2", B::KeyRevoked(b.revoked("ledger"))), "RESERVED_FOR_LEDGER"),
    ("", |b| b.say("A1", B::KeyRevoked(b.revoked("N1"))), "UNKNOWN_KEY"),
    ("", |b| b.say("A1", B::KeyRevoked(KeyRevoked { key_id: zeros(15), reason: String::new() })), "FIELD_INVALID"),
    ("P2-revoked", |b| b.say("P1", B::KeyRevoked(b.revoked("P2"))), "NO_CHANGE"),
    // The ledger's own.
    ("", |b| { let g = b.genesis.clone(); b.say("A1+A2", B::Genesis(g)) }, "RESERVED_FOR_LEDGER"),
    ("", |b| b.say("A1+A2", B::StateRecorded(StateRecorded::default())), "RESERVED_FOR_LEDGER"),
    ("", state_recorded, "RESERVED_FOR_LEDGER"),
    ("", |b| b.say("A1+A2", B::ClockStated(jumped(b, 1))), "RESERVED_FOR_LEDGER"),
    ("", |b| clock_stated(b, |e| e.jumped_by_ms = 60_000), "ok CLOCK_JUMPED"),
    ("", |b| clock_stated(b, |e| { e.jumped_by_ms = -8 * HOUR; e.in_doubt = true; }), "ok CLOCK_JUMPED"),
    ("", |b| clock_stated(b, |e| e.in_doubt = true), "ok"),
    ("", |b| clock_stated(b, |e| e.confirmed_ms = START_MS), "ok"),
    ("", |b| clock_stated(b, |_| ()), "FIELD_INVALID"),
    ("", |b| clock_stated(b, |e| { e.in_doubt = true; e.confirmed_ms = 1; }), "FIELD_INVALID"),
    ("", |b| clock_stated(b, |e| { e.in_doubt = true; e.ledger_ms += 1; }), "FIELD_INVALID"),
    ("", |b| clock_stated(b, |e| { e.in_doubt = true; e.clock_ms = -1; }), "FIELD_INVALID"),
    ("", |b| b.say("A1+A2", B::RefusalsAnchored(RefusalsAnchored::default())), "RESERVED_FOR_LEDGER"),
    ("", |b| b.say_of_refusals(RefusalsAnchored { not_kept: 1, hash: zeros(32), since_ms: 1, ..RefusalsAnchored::default() }), "ok"),
    ("", |b| b.say_of_refusals(RefusalsAnchored { hash: zeros(32), since_ms: 1, ..RefusalsAnchored::default() }), "FIELD_INVALID"),
    ("", |b| b.say_of_refusals(RefusalsAnchored { not_kept: 1, hash: Bytes::from(vec![1; 32]), since_ms: 1, ..RefusalsAnchored::default() }), "FIELD_INVALID"),
    ("", |b| anchored(b, |_| ()), "ok"),
    ("", |b| anchored(b, |e| e.kept_from = 3), "ok"),
    ("", |b| anchored(b, |e| e.kept_from = 4), "FIELD_INVALID"),
    ("", |b| anchored(b, |e| e.count = 2), "FIELD_INVALID"),
    ("", |b| anchored(b, |e| e.count = 3), "FIELD_INVALID"),
    ("", |b| anchored(b, |e| { e.count = 3; e.hash = Bytes::from(vec![7; 32]); }), "FIELD_INVALID"),
    ("", |b| anchored(b, |e| { e.count = 3; e.hash = Bytes::from(vec![7; 32]); e.not_kept = 3; }), "ok"),
    ("", |b| anchored(b, |e| e.hash = zeros(31)), "FIELD_INVALID"),
    ("", |b| anchored(b, |e| e.not_kept = 1), "FIELD_INVALID"),
    ("", |b| anchored(b, |e| e.unverified = 8), "FIELD_INVALID"),
    ("", |b| anchored(b, |e| e.since_ms = 0), "FIELD_INVALID"),
    ("", |b| anchored(b, |e| e.since_ms += DAY), "FIELD_INVALID"),
    // References into other systems.
    ("stock", |b| referring(b, "", "4711"), "FIELD_INVALID"),
    ("stock", |b| referring(b, "ERP", ""), "FIELD_INVALID"),
    // The lower number is given: 6 of 6 and 71, 56 of 56 and 71, 54 of 54 and 71, 70 of 70 and 100, 100 of 100 and 102.
    ("", |b| b.say("A1+A2", key_of(|e| { e.algorithm = 0; e.public_key = zeros(31); })), "UNKNOWN_ALGORITHM"),
    ("", |b| b.say("P1", party_of(|e| e.party.clear())), "AUTHORITY_REQUIRED"),
    ("", |b| b.say("A1", B::SiteRegistered(SiteRegistered { site: "a/b".into(), ..site(NOBODY) })), "UNKNOWN_PARTY"),
    ("", |b| b.say("P1", B::PlaceRegistered(PlaceRegistered { kind: String::new(), ..place_in("S9", "U") })), "FIELD_MISSING"),
    ("", |b| b.say("P1", B::PlaceRegistered(place_in("S9", "U9"))), "UNKNOWN_SITE"),
];

fn referring(b: &mut Bench, system: &str, number: &str) -> Answer {
    let reference = ExternalRef {
        system: system.into(),
        number: number.into(),
    };
    let used = b.used("stock 1", "T1");
    b.say_all(
        "P1",
        vec![Event {
            external_refs: vec![reference],
            ..event(B::Used(used))
        }],
    )
}
