//! Tables of the ledger's own key: who may put another in its place, and what
//! the earlier and the new one may say then.

use bytes::Bytes;
use hazledger::custody::rotation::{MAX_KEYS, sworn};
use hazledger::event::statement::Draft;
use hazledger::event::{Hash, KeyId};
use hazledger::pb::event::Body as B;
use hazledger::pb::{ClockStated, KeyRegistered, LedgerKeyRotated, SignedStatement};

use super::bench::{
    Answer, Bench, DAY, START_MS, event, key, ledger_name, register_key, sign, site,
};
use super::table::Case;
use super::verbs::zeros;

fn id(name: &str) -> KeyId {
    key(name).id()
}

/// From the key in force to the next, with that one's own signature.
pub fn next(b: &Bench) -> LedgerKeyRotated {
    let had = b.ledger_keys().len();
    to(b, &ledger_name(had), &ledger_name(had + 1))
}

fn to(b: &Bench, from: &str, to: &str) -> LedgerKeyRotated {
    LedgerKeyRotated {
        reason: "the yearly one".into(),
        ..sworn(&b.origin.genesis_hash, id(from), &key(to))
    }
}

fn rotate(b: &mut Bench, keys: &str, change: impl FnOnce(&mut LedgerKeyRotated)) -> Answer {
    let mut e = next(b);
    change(&mut e);
    b.say(keys, B::LedgerKeyRotated(e))
}

fn rotated(b: &mut Bench) {
    rotate(b, "A1+A2", |_| ()).unwrap();
}

/// One of the ledger's keys, as a party's.
fn stolen(name: &str) -> KeyRegistered {
    KeyRegistered {
        public_key: Bytes::copy_from_slice(key(name).public().as_bytes()),
        ..register_key("P4", 0, DAY)
    }
}

/// The ledger's own word on its clock, signed with one of its keys.
fn clock(b: &mut Bench, name: &str) -> SignedStatement {
    let word = ClockStated {
        clock_ms: b.now,
        ledger_ms: b.now,
        jumped_by_ms: 0,
        in_doubt: true,
        confirmed_ms: 0,
    };
    let draft = Draft {
        party: "LEDGER".into(),
        ..b.draft("P1", vec![event(B::ClockStated(word))])
    };
    sign(&draft, name)
}

/// By the ledger's word alone.
fn itself(b: &mut Bench) -> Answer {
    let e = next(b);
    let draft = Draft {
        party: "LEDGER".into(),
        ..b.draft("P1", vec![event(B::LedgerKeyRotated(e))])
    };
    b.submit(sign(&draft, "ledger"))
}

/// An agency that genesis does not name, with the authority's keys beside it.
fn agency(b: &mut Bench) -> Answer {
    let e = next(b);
    b.say("P1+A1+A2", B::LedgerKeyRotated(e))
}

fn twice(b: &mut Bench) -> Answer {
    let (first, second) = (next(b), next(b));
    b.say("A1+A2", B::LedgerKeyRotated(first))?;
    b.say("A1+A2", B::LedgerKeyRotated(second))
}

fn beside(b: &mut Bench, first: bool) -> Answer {
    let mut events = vec![
        event(B::LedgerKeyRotated(next(b))),
        event(B::SiteRegistered(site('P'))),
    ];
    if !first {
        events.reverse();
    }
    b.say_all("A1+A2", events)
}

fn as_often_as_may_be(b: &mut Bench) -> Answer {
    for _ in 0..MAX_KEYS {
        rotated(b);
    }
    rotate(b, "A1+A2", |_| ())
}

#[rustfmt::skip]
pub const ROTATION: &[Case] = &[
    ("", |b| rotate(b, "A1+A2", |_| ()), "ok"),
    ("", |b| rotate(b, "A1+A2", |e| e.compromised_since_ms = START_MS), "ok"),
    ("", |b| { rotated(b); rotated(b); rotate(b, "A2+A1", |_| ()) }, "ok"),
    // A root act of an authority that genesis names.
    ("", |b| rotate(b, "A1", |_| ()), "AUTHORITY_REQUIRED"),
    ("", |b| rotate(b, "P1+P2", |_| ()), "AUTHORITY_REQUIRED"),
    ("", |b| rotate(b, "A1+P1", |_| ()), "AUTHORITY_REQUIRED"),
    ("", agency, "AUTHORITY_REQUIRED"),
    ("", itself, "RESERVED_FOR_LEDGER"),
    // Alone in its statement.
    ("", |b| beside(b, true), "FIELD_INVALID"),
    ("", |b| beside(b, false), "FIELD_INVALID"),
    ("", |b| rotate(b, "A1+A2", |e| e.reason.clear()), "FIELD_MISSING"),
    ("", |b| rotate(b, "A1+A2", |e| e.reason = "x".repeat(513)), "FIELD_INVALID"),
    ("", |b| rotate(b, "A1+A2", |e| e.reason = "lost by 13812345678".into()), "PERSONAL_DATA"),
    ("", |b| rotate(b, "A1+A2", |e| e.previous_key_id = zeros(15)), "FIELD_INVALID"),
    ("", |b| rotate(b, "A1+A2", |e| e.public_key = zeros(32)), "FIELD_INVALID"),
    ("", |b| rotate(b, "A1+A2", |e| e.public_key = zeros(31)), "FIELD_INVALID"),
    ("", |b| rotate(b, "A1+A2", |e| e.compromised_since_ms = -1), "FIELD_INVALID"),
    ("", |b| rotate(b, "A1+A2", |e| e.compromised_since_ms = START_MS + 400 * DAY), "FIELD_INVALID"),
    // To a key that is registered: a party's, an authority's, its own, and one that it had.
    ("", |b| { let e = to(b, "ledger", "P1"); b.say("A1+A2", B::LedgerKeyRotated(e)) }, "KEY_EXISTS"),
    ("", |b| { let e = to(b, "ledger", "A1"); b.say("A1+A2", B::LedgerKeyRotated(e)) }, "KEY_EXISTS"),
    ("", |b| { let e = to(b, "ledger", "ledger"); b.say("A1+A2", B::LedgerKeyRotated(e)) }, "KEY_EXISTS"),
    ("", |b| { rotated(b); let e = to(b, "ledger-1", "ledger"); b.say("A1+A2", B::LedgerKeyRotated(e)) }, "KEY_EXISTS"),
    // From another key than the one in force.
    ("", |b| { let e = to(b, "ledger-1", "ledger-2"); b.say("A1+A2", B::LedgerKeyRotated(e)) }, "NOT_THE_LEDGER_KEY"),
    ("", |b| { rotated(b); let e = to(b, "ledger", "ledger-2"); b.say("A1+A2", B::LedgerKeyRotated(e)) }, "NOT_THE_LEDGER_KEY"),
    ("", |b| { let e = to(b, "P1", "ledger-1"); b.say("A1+A2", B::LedgerKeyRotated(e)) }, "NOT_THE_LEDGER_KEY"),
    ("", twice, "KEY_EXISTS"),
    // Without the new key's own signature, or with one for another ledger or over another key.
    ("", |b| rotate(b, "A1+A2", |e| e.possession = Bytes::new()), "LEDGER_KEY_NOT_PROVEN"),
    ("", |b| rotate(b, "A1+A2", |e| e.possession = zeros(64)), "LEDGER_KEY_NOT_PROVEN"),
    ("", |b| { let e = LedgerKeyRotated { reason: "x".into(), ..sworn(&Hash::ZERO.0, id("ledger"), &key("ledger-1")) }; b.say("A1+A2", B::LedgerKeyRotated(e)) }, "LEDGER_KEY_NOT_PROVEN"),
    ("", |b| { let other = to(b, "ledger", "ledger-9"); rotate(b, "A1+A2", |e| e.possession = other.possession) }, "LEDGER_KEY_NOT_PROVEN"),
    ("", as_often_as_may_be, "TOO_MANY_LEDGER_KEYS"),
    // The earlier key says nothing any more, the new one what is the ledger's.
    ("", |b| { rotated(b); let s = clock(b, "ledger"); b.submit(s) }, "KEY_REVOKED"),
    ("", |b| { rotated(b); let s = clock(b, "ledger-1"); b.submit(s) }, "ok"),
    ("", |b| { let s = clock(b, "ledger-1"); b.submit(s) }, "UNKNOWN_KEY"),
    ("", |b| { rotated(b); rotated(b); let s = clock(b, "ledger-1"); b.submit(s) }, "KEY_REVOKED"),
    // Nobody takes either of them away, or has them for himself.
    ("", |b| { rotated(b); b.say("A1+A2", B::KeyRevoked(b.revoked("ledger-1"))) }, "RESERVED_FOR_LEDGER"),
    ("", |b| { rotated(b); b.say("A1+A2", B::KeyRevoked(b.revoked("ledger"))) }, "RESERVED_FOR_LEDGER"),
    ("", |b| { rotated(b); let e = stolen("ledger-1"); b.say("A1+A2", B::KeyRegistered(e)) }, "KEY_EXISTS"),
    // The lower number is given: 56 of 56 and 70, 70 of 70 and 71, 71 of 71 and 103, 103 of 103 and 260, 260 of 260 and 261.
    ("", |b| rotate(b, "A1", |e| e.reason.clear()), "AUTHORITY_REQUIRED"),
    ("", |b| rotate(b, "A1+A2", |e| { e.reason.clear(); e.public_key = zeros(31); }), "FIELD_MISSING"),
    ("", |b| { let mut e = to(b, "ledger", "P1"); e.compromised_since_ms = -1; b.say("A1+A2", B::LedgerKeyRotated(e)) }, "FIELD_INVALID"),
    ("", |b| { let e = to(b, "P2", "P1"); b.say("A1+A2", B::LedgerKeyRotated(e)) }, "KEY_EXISTS"),
    ("", |b| { let mut e = to(b, "P2", "ledger-1"); e.possession = zeros(64); b.say("A1+A2", B::LedgerKeyRotated(e)) }, "NOT_THE_LEDGER_KEY"),
];
