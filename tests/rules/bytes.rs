//! Tables of bad input: bytes that are no statement, signatures that do not
//! hold, ids and clocks that are off.

use bytes::Bytes;
use hazledger::custody::decide::decide_genesis;
use hazledger::event::ids::ID_WINDOW_MS;
use hazledger::event::signing::Purpose;
use hazledger::event::{Hash, Statement, StatementId};
use hazledger::pb::event::Body as B;
use hazledger::pb::{ExternalRef, Goods, Offered, Part, SignedStatement};
use prost::Message as _;

use super::bench::{Answer, Bench, DAY, HOUR, MINUTE, event, key, party, resign, sign, site};
use super::table::Case;
use super::verbs::{events, zeros};

/// Submits a good statement of P after something was done to it.
fn tampered(b: &mut Bench, change: impl FnOnce(&mut SignedStatement)) -> Answer {
    let body = B::Used(b.used("stock 1", "T1"));
    let mut signed = b.signed("P1", body);
    change(&mut signed);
    b.submit(signed)
}

/// The same with the payload's bytes changed and signed again.
fn repaid(b: &mut Bench, change: impl FnOnce(&mut Vec<u8>)) -> Answer {
    tampered(b, |s| {
        let mut payload = s.payload.to_vec();
        change(&mut payload);
        s.payload = payload.into();
        resign(s, "P1");
    })
}

/// A rightly signed statement of these bytes as its body.
fn body(b: &mut Bench, bytes: &[u8]) -> Answer {
    let signed = b.with_body("P1", Bytes::copy_from_slice(bytes));
    b.submit(signed)
}

/// The bytes of a good body.
fn good_body(b: &Bench) -> Vec<u8> {
    event(B::Used(b.used("stock 1", "T1"))).encode_to_vec()
}

/// A header changed before it was signed.
fn header(b: &mut Bench, keys: &str, change: impl FnOnce(&mut hazledger::pb::Payload)) -> Answer {
    let body = B::Used(b.used("stock 1", "T1"));
    let signed = b.reheaded(keys, body, change);
    b.submit(signed)
}

/// An id of this age; of the future if negative.
fn aged(b: &mut Bench, age_ms: i64) -> Answer {
    let id = StatementId::v7(b.now - age_ms, [1; 10]).unwrap();
    header(b, "P1", |p| p.id = id.to_bytes())
}

/// As many sites of P, each a subject of its own.
fn sites(count: usize) -> Vec<hazledger::pb::Event> {
    (0..count)
        .map(|n| {
            event(B::SiteRegistered(hazledger::pb::SiteRegistered {
                site: format!("S{n}"),
                ..site('P')
            }))
        })
        .collect()
}

#[rustfmt::skip]
pub const SHAPE: &[Case] = &[
    ("stock", |b| tampered(b, |_| ()), "ok"),
    // Truncated, garbage, not canonical.
    ("stock", |b| repaid(b, |p| p.truncate(p.len() - 3)), "MALFORMED"),
    ("stock", |b| repaid(b, |p| p.fill(0xff)), "MALFORMED"),
    ("stock", |b| repaid(b, Vec::clear), "BAD_ID"),
    ("stock", |b| repaid(b, |p| p.extend([0xf8, 0x07, 0x01])), "NOT_CANONICAL"),
    ("stock", |b| repaid(b, |p| p.extend([0x38, 0x00])), "NOT_CANONICAL"),
    ("stock", |b| repaid(b, |p| { let origin = usize::from(p[1]) + 2; p.rotate_left(origin); }), "NOT_CANONICAL"),
    ("stock", |b| { let good = good_body(b); body(b, &good) }, "ok"),
    ("stock", |b| { let good = good_body(b); body(b, &good[..good.len() - 1]) }, "MALFORMED"),
    ("stock", |b| body(b, &[0xff; 32]), "MALFORMED"),
    ("stock", |b| body(b, &[0x90, 0x03, 0x01]), "MALFORMED"),
    ("stock", |b| { let good = good_body(b); body(b, &[&good[..], &[0xf8, 0x3f, 0x01]].concat()) }, "NOT_CANONICAL"),
    ("stock", |b| body(b, &[0x8a, 0x02, 0x02, 0x12, 0x00]), "NOT_CANONICAL"),
    ("stock", |b| { let good = good_body(b); body(b, &[&good[..], &[0x0a, 0x00]].concat()) }, "NOT_CANONICAL"),
    // Kinds: unknown, and named but not live.
    ("stock", |b| body(b, &[]), "UNKNOWN_EVENT_KIND"),
    ("stock", |b| body(b, &[0x9a, 0x06, 0x00]), "UNKNOWN_EVENT_KIND"),
    ("stock", |b| body(b, &[0xfa, 0x07, 0x00]), "NOT_SUPPORTED_YET"),
    // The header.
    ("stock", |b| header(b, "P1", |p| p.origin.as_mut().unwrap().name.push('x')), "WRONG_ORIGIN"),
    ("stock", |b| header(b, "P1", |p| p.origin.as_mut().unwrap().genesis_hash = zeros(32)), "WRONG_ORIGIN"),
    ("stock", |b| header(b, "P1", |p| p.origin = None), "WRONG_ORIGIN"),
    ("stock", |b| header(b, "P1", |p| p.id = p.id.slice(..15)), "BAD_ID"),
    ("stock", |b| header(b, "P1", |p| p.id = zeros(16)), "BAD_ID"),
    ("stock", |b| header(b, "P1", |p| p.algorithm = 0), "UNKNOWN_ALGORITHM"),
    ("stock", |b| header(b, "P1", |p| p.algorithm = 2), "UNKNOWN_ALGORITHM"),
    ("stock", |b| header(b, "P1", |p| p.happened_at_ms = -1), "FIELD_INVALID"),
    ("stock", |b| header(b, "P1", |p| p.key_id = zeros(15)), "FIELD_INVALID"),
    ("stock", |b| header(b, "P1", |p| p.cosigner_key_ids = vec![zeros(15)]), "FIELD_INVALID"),
    ("stock", |b| header(b, "P1", |p| p.cosigner_key_ids = vec![p.key_id.clone()]), "FIELD_INVALID"),
    ("stock", |b| header(b, "P1+P2+P3", |p| p.cosigner_key_ids.reverse()), "FIELD_INVALID"),
    ("stock", |b| header(b, "P1+P2", |p| p.cosigner_key_ids = vec![p.cosigner_key_ids[0].clone(); 2]), "FIELD_INVALID"),
    // Limits.
    ("stock", |b| b.say_all("P1", Vec::new()), "NO_EVENTS"),
    ("stock", |b| b.say_all("P1", sites(510)), "ok"),
    ("stock", |b| b.say_all("P1", sites(511)), "TOO_MANY_SUBJECTS"),
    ("stock", |b| b.say_all("P1", sites(513)), "TOO_MANY_EVENTS"),
    ("stock", |b| b.say("P1+P2+P3+P4+P5+P6+P7+P8+P9", B::Used(b.used("stock 1", "T1"))), "TOO_MANY_SIGNATURES"),
    ("stock", |b| tampered(b, |s| s.signatures = vec![s.signatures[0].clone(); 9]), "TOO_MANY_SIGNATURES"),
    ("stock", |b| body(b, &vec![0; 16 * 1024 + 1]), "BODY_TOO_LARGE"),
    ("stock", |b| body(b, &vec![0; 256 * 1024]), "TOO_LARGE"),
    ("stock", |b| tampered(b, |s| s.signatures[0].signature = zeros(256 * 1024)), "TOO_LARGE"),
    // Offers of eight thousand empty lines each: little to send, much to hold.
    ("stock", |b| tampered(b, |s| s.events = vec![Part { body: empty_lines(8_000), salt: zeros(16) }; 14]), "TOO_LARGE"),
    ("stock", |b| tampered(b, |s| s.events[0].body = empty_lines(8_000)), "BODY_DIGEST_MISMATCH"),
    ("stock", |b| {
        let wordy = hazledger::pb::Used { purpose: "x".repeat(480), ..b.used("stock 0.1", "T1") };
        b.say_all("P1", events(vec![B::Used(wordy); 400]))
    }, "RECORD_TOO_LARGE"),
    ("stock", |b| { let mut e = event(B::Used(b.used("stock 1", "T1"))); e.external_refs = vec![reference(); 8]; b.say_all("P1", vec![e]) }, "ok"),
    ("stock", |b| { let mut e = event(B::Used(b.used("stock 1", "T1"))); e.external_refs = vec![reference(); 9]; b.say_all("P1", vec![e]) }, "FIELD_INVALID"),
    // Bodies that are not what was signed.
    ("stock", |b| tampered(b, |s| s.events[0].body = Bytes::from_static(&[0x6a, 0x00])), "BODY_DIGEST_MISMATCH"),
    ("stock", |b| tampered(b, |s| s.events[0].salt = zeros(16)), "BODY_DIGEST_MISMATCH"),
    ("stock", |b| tampered(b, |s| s.events[0].salt = zeros(15)), "BODY_DIGEST_MISMATCH"),
    ("stock", |b| tampered(b, |s| s.events[0] = Part::default()), "BODY_DIGEST_MISMATCH"),
    ("stock", |b| tampered(b, |s| s.events.clear()), "BODY_DIGEST_MISMATCH"),
    ("stock", |b| tampered(b, |s| s.events.push(Part::default())), "BODY_DIGEST_MISMATCH"),
    // The lower number is given: 3 of 3 and 5, 5 of 5 and 6, 6 of 6 and 7, 4 of 4 and 41.
    ("stock", |b| repaid(b, |p| { p.clear(); p.extend([0x38, 0x00]); }), "NOT_CANONICAL"),
    ("stock", |b| header(b, "P1", |p| { p.algorithm = 0; p.id = zeros(16); }), "BAD_ID"),
    ("stock", |b| header(b, "P1", |p| { p.algorithm = 0; p.event_digests.clear(); }), "UNKNOWN_ALGORITHM"),
    ("stock", |b| header(b, "P1", |p| { p.happened_at_ms = -1; p.event_digests.clear(); }), "NO_EVENTS"),
    ("stock", |b| header(b, "P1", |p| { p.origin = None; p.expires_at_ms = 1; }), "WRONG_ORIGIN"),
    ("stock", |b| header(b, "P9", |p| p.origin = None), "WRONG_ORIGIN"),
    // 10 of 10 and 20, 11 of 11 and 20.
    ("stock", |b| { let mut s = b.with_body("P1", zeros(16 * 1024 + 1)); s.signatures.clear(); b.submit(s) }, "BODY_TOO_LARGE"),
    ("stock", |b| tampered(b, |s| { s.signatures.clear(); s.events[0].salt = zeros(16); }), "BODY_DIGEST_MISMATCH"),
];

fn reference() -> ExternalRef {
    ExternalRef {
        system: "ERP".into(),
        number: "4711".into(),
    }
}

/// P and W have signed; then something was done to the signatures.
fn both(b: &mut Bench, change: impl FnOnce(&mut SignedStatement)) -> Answer {
    let body = B::Traded(b.traded('W', &["stock 1"]));
    let mut signed = b.signed("P1+W1", body);
    change(&mut signed);
    b.submit(signed)
}

#[rustfmt::skip]
pub const SIGNATURES: &[Case] = &[
    ("stock", |b| both(b, |_| ()), "ok"),
    // Stripped, extra, doubled, out of order.
    ("stock", |b| both(b, |s| drop(s.signatures.pop())), "MISSING_SIGNATURE"),
    ("stock", |b| both(b, |s| drop(s.signatures.remove(0))), "MISSING_SIGNATURE"),
    ("stock", |b| both(b, |s| s.signatures.clear()), "MISSING_SIGNATURE"),
    ("stock", |b| both(b, |s| s.signatures.push(key("M1").signature(Purpose::Statement, &s.payload))), "UNEXPECTED_SIGNATURE"),
    ("stock", |b| both(b, |s| s.signatures.push(s.signatures[1].clone())), "UNEXPECTED_SIGNATURE"),
    ("stock", |b| both(b, |s| s.signatures.reverse()), "UNEXPECTED_SIGNATURE"),
    // A co-signer taken out of the header: the others have not signed that.
    ("stock", |b| both(b, |s| {
        let mut payload = hazledger::pb::Payload::decode(s.payload.clone()).unwrap();
        payload.cosigner_key_ids.clear();
        s.payload = payload.encode_to_vec().into();
        s.signatures.retain(|s| s.key_id == payload.key_id);
    }), "BAD_SIGNATURE"),
    // By somebody else, over something else, for something else.
    ("stock", |b| tampered(b, |s| s.signatures[0].signature = key("W1").sign(Purpose::Statement, &s.payload)), "BAD_SIGNATURE"),
    ("stock", |b| tampered(b, |s| s.signatures[0].signature = key("P1").sign(Purpose::Commit, &s.payload)), "BAD_SIGNATURE"),
    ("stock", |b| tampered(b, |s| s.signatures[0].signature = key("P1").sign(Purpose::Refusal, &s.payload)), "BAD_SIGNATURE"),
    ("stock", |b| tampered(b, |s| s.signatures[0].signature = key("P1").sign(Purpose::Statement, b"else")), "BAD_SIGNATURE"),
    ("stock", |b| tampered(b, |s| s.signatures[0].signature = s.signatures[0].signature.slice(..63)), "BAD_SIGNATURE"),
    ("stock", |b| tampered(b, |s| s.signatures[0].signature = zeros(64)), "BAD_SIGNATURE"),
    ("stock", |b| tampered(b, |s| s.signatures[0].signature = Bytes::new()), "BAD_SIGNATURE"),
    ("stock", |b| both(b, |s| { let (a, b) = (s.signatures[0].signature.clone(), s.signatures[1].signature.clone()); s.signatures[0].signature = b; s.signatures[1].signature = a; }), "BAD_SIGNATURE"),
    // Keys: unknown, revoked, not yet or no longer valid, another party's.
    ("stock", |b| b.say("P9", B::Used(b.used("stock 1", "T1"))), "UNKNOWN_KEY"),
    ("stock", |b| b.say("P1+W9", B::Traded(b.traded('W', &["stock 1"]))), "UNKNOWN_KEY"),
    ("stock P2-revoked", |b| b.say("P2", B::Used(b.used("stock 1", "T1"))), "KEY_REVOKED"),
    ("stock P2-revoked", |b| b.say("P1+P2", B::Used(b.used("stock 1", "T1"))), "KEY_REVOKED"),
    ("stock", |b| b.say("P8", B::Used(b.used("stock 1", "T1"))), "KEY_NOT_YET_VALID"),
    ("stock", |b| { b.now += 300 * DAY; b.say("P8", B::Used(b.used("stock 1", "T1"))) }, "ok"),
    ("stock", |b| b.say("P7", B::Used(b.used("stock 1", "T1"))), "KEY_EXPIRED"),
    ("stock", |b| { b.now += 400 * DAY; b.say("P1", B::Used(b.used("stock 1", "T1"))) }, "KEY_EXPIRED"),
    ("stock", |b| header(b, "W1", |p| p.party = party('P')), "KEY_NOT_OF_PARTY"),
    ("stock", |b| header(b, "P1", |p| p.party = party('N')), "KEY_NOT_OF_PARTY"),
    ("stock", |b| header(b, "P1", |p| p.party = "LEDGER".into()), "KEY_NOT_OF_PARTY"),
    ("stock", as_the_ledger, "RESERVED_FOR_LEDGER"),
    // The lower number is given: 20 of 20 and 22, 22 of 22 and 23, 23 of 23
    // and 43, 43 of 43 and 50, 50 of 50 and 53, 50 of 50 and 71.
    ("stock", |b| { let e = B::Used(b.used("stock 1", "T1")); let mut s = b.signed("P9", e); s.signatures.clear(); b.submit(s) }, "MISSING_SIGNATURE"),
    ("stock", |b| { let e = B::Used(b.used("stock 1", "T1")); let mut s = b.signed("P9", e); s.signatures[0].signature = zeros(64); b.submit(s) }, "UNKNOWN_KEY"),
    ("stock", |b| tampered(b, |s| { s.signatures[0].signature = zeros(64); let mut p = hazledger::pb::Payload::decode(s.payload.clone()).unwrap(); p.expires_at_ms = 1; s.payload = p.encode_to_vec().into(); }), "BAD_SIGNATURE"),
    ("stock P2-revoked", |b| header(b, "P2", |p| p.expires_at_ms = 1), "EXPIRED"),
    ("stock P2-revoked", |b| header(b, "W1+P2", |p| p.party = party('P')), "KEY_REVOKED"),
    ("stock P2-revoked", |b| b.say("P2", B::Used(b.used("stock 1", ""))), "KEY_REVOKED"),
];

#[rustfmt::skip]
pub const TIMES: &[Case] = &[
    // Clocks in the field differ, by minutes, not by hours.
    ("stock", |b| aged(b, -4 * MINUTE), "ok"),
    ("stock", |b| aged(b, -3 * HOUR), "ID_FROM_FUTURE"),
    ("stock", |b| aged(b, -20 * DAY), "ID_FROM_FUTURE"),
    ("stock", |b| aged(b, 3 * HOUR), "ok"),
    ("stock", |b| { b.now += 60 * DAY; aged(b, ID_WINDOW_MS) }, "ok"),
    ("stock", |b| { b.now += 60 * DAY; aged(b, ID_WINDOW_MS + 1) }, "ID_TOO_OLD"),
    ("stock", |b| { let now = b.now; header(b, "P1", |p| p.expires_at_ms = now) }, "EXPIRED"),
    ("stock", |b| { let now = b.now; header(b, "P1", |p| p.expires_at_ms = now + 1) }, "ok"),
    ("stock", |b| header(b, "P1", |p| p.expires_at_ms = 0), "EXPIRED"),
    ("stock", |b| header(b, "P1", |p| p.expires_at_ms = i64::MIN), "EXPIRED"),
    ("stock", |b| header(b, "P1", |p| p.happened_at_ms += 4 * MINUTE), "ok"),
    ("stock", |b| header(b, "P1", |p| p.happened_at_ms += 8 * HOUR), "HAPPENED_IN_FUTURE"),
    ("stock", |b| header(b, "P1", |p| p.happened_at_ms = i64::MAX), "HAPPENED_IN_FUTURE"),
    // Back-dated: recorded, and found.
    ("stock", |b| { b.now += DAY; b.say_late("P1", DAY - MINUTE, B::Used(b.used("stock 1", "T1"))) }, "ok"),
    ("stock", |b| { b.now += 3 * DAY; b.say_late("P1", 2 * DAY, B::Used(b.used("stock 1", "T1"))) }, "ok BACK_DATED"),
    ("stock", |b| b.say_late("P1", MINUTE, B::Used(b.used("stock 1", "T1"))), "ok BEFORE_PREVIOUS_EVENT"),
    ("stock", |b| b.say_late("P1", 2 * DAY, B::Used(b.used("stock 1", "T1"))), "ok BEFORE_PREVIOUS_EVENT BACK_DATED"),
    // More findings than a record can hold.
    ("stock", |b| {
        let mut draft = { let e = b.used("stock 0.1", "T1"); b.draft("P1", events(vec![B::Used(e); 300])) };
        draft.happened_at_ms -= MINUTE;
        b.submit(sign(&draft, "P1"))
    }, "ok BEFORE_PREVIOUS_EVENT*255 MORE"),
    // The lower number is given: 42 of 42 and 43, 43 of 43 and 44.
    ("stock", |b| { let id = StatementId::v7(b.now + HOUR, [1; 10]).unwrap(); header(b, "P1", |p| { p.id = id.to_bytes(); p.expires_at_ms = 1; }) }, "ID_FROM_FUTURE"),
    ("stock", |b| header(b, "P1", |p| { p.happened_at_ms = i64::MAX; p.expires_at_ms = 1; }), "EXPIRED"),
];

/// The ledger's own key says something else than a state record.
fn as_the_ledger(b: &mut Bench) -> Answer {
    let body = B::Used(b.used("stock 1", "T1"));
    let draft = hazledger::event::statement::Draft {
        party: "LEDGER".into(),
        ..b.draft("P1", events(vec![body]))
    };
    b.submit(sign(&draft, "ledger"))
}

/// The body of an offer with so many lines that say nothing.
fn empty_lines(count: usize) -> Bytes {
    let offered = Offered {
        lines: vec![Goods::default(); count],
        ..Offered::default()
    };
    event(B::Offered(offered)).encode_to_vec().into()
}

#[test]
fn a_ledgers_name_can_stand_in_a_checkpoint() {
    let mut bench = Bench::with_genesis(65_536);
    bench.origin.genesis_hash = Hash::ZERO.to_bytes();
    for (name, sound) in [
        ("example.org/ledger", true),
        ("危化品.example/内蒙古", true),
        ("", false),
        ("the ledger", false),
        ("the\u{3000}ledger", false),
        ("one+two", false),
        ("one\ntwo", false),
    ] {
        bench.origin.name = name.to_owned();
        let body = B::Genesis(bench.genesis.clone());
        let draft = bench.draft("A1", vec![event(body)]);
        let signed = draft.sign(&key("A1"), &[&key("A2"), &key("ledger")]);
        let decided = decide_genesis(&Statement::open(signed).unwrap());
        let field = decided.as_ref().err().map(|refused| refused.field.as_str());
        let named = field.is_some_and(|field| field.ends_with("origin.name"));
        assert_eq!((decided.is_ok(), named), (sound, !sound), "{name:?}");
    }
}
