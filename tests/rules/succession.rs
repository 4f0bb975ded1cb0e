//! Tables of succession: who declares it, what it ends, which duties pass at
//! once, and how holdings pass.

use hazledger::catalog::Uscc;
use hazledger::pb::event::Body as B;
use hazledger::pb::{Inherited, PartyRegistered, Settled, Settlement, SettlementCause, Succeeded};

use super::bench::{Answer, Bench, MINUTE, NOBODY, event, party, register_party};
use super::table::Case;
use super::verbs::restating;

fn declare(b: &mut Bench, change: impl FnOnce(&mut Succeeded)) -> Answer {
    let mut e = b.succeeded('P', 'M');
    change(&mut e);
    b.say("A1+A2", B::Succeeded(e))
}

/// M succeeds as many parties, one after another.
fn many(b: &mut Bench, count: usize) -> Answer {
    let B::PartyRegistered(like) = register_party('P', hazledger::pb::PartyStatus::Active) else {
        unreachable!("it registers a party")
    };
    let mut answer = Ok(Vec::new());
    for n in 0..count {
        let code = Uscc::with_checks('9', '1', "150100", &format!("MERGE{n:03}")).unwrap();
        let registered = PartyRegistered {
            party: code.to_string(),
            ..like.clone()
        };
        let e = Succeeded {
            predecessor: code.to_string(),
            ..b.succeeded('P', 'M')
        };
        answer = b.say_all(
            "A1+A2",
            vec![
                event(B::PartyRegistered(registered)),
                event(B::Succeeded(e)),
            ],
        );
    }
    answer
}

fn inherit(b: &mut Bench, keys: &str, lines: &[&str]) -> Answer {
    b.say(keys, B::Inherited(b.inherited('P', lines)))
}

/// The dispute of 10 kg between P and W, found at M's T1.
fn found_at_m(b: &mut Bench, keys: &str) -> Answer {
    let settlement = Settlement {
        cause: SettlementCause::Miscount.into(),
        gross_mg: 10_000_000,
        party: party('M'),
        place: "T1".into(),
        ..Settlement::default()
    };
    let e = Settled {
        dispute: b.id("dispute"),
        settlements: vec![settlement],
    };
    b.say(keys, B::Settled(e))
}

#[rustfmt::skip]
pub const SUCCESSION: &[Case] = &[
    // A root act.
    ("", |b| declare(b, |_| ()), "ok"),
    ("", |b| b.say("P1+A1+A2", B::Succeeded(b.succeeded('P', 'M'))), "ok"),
    ("", |b| b.succeed("A1", 'P', 'M'), "AUTHORITY_REQUIRED"),
    ("", |b| b.succeed("P1+M1", 'P', 'M'), "AUTHORITY_REQUIRED"),
    ("", |b| b.succeed("A1+A2", NOBODY, 'M'), "UNKNOWN_PARTY"),
    ("", |b| b.succeed("A1+A2", 'P', NOBODY), "UNKNOWN_PARTY"),
    ("P-closed", |b| declare(b, |_| ()), "ok"),
    ("W-closed", |b| b.succeed("A1+A2", 'P', 'W'), "PARTY_NOT_ACTIVE"),
    ("", |b| declare(b, |e| e.reason.clear()), "FIELD_MISSING"),
    ("", |b| b.succeed("A1+A2", 'P', 'P'), "FIELD_INVALID"),
    ("", |b| declare(b, |e| e.effective_at_ms += 5 * MINUTE), "ok"),
    ("", |b| declare(b, |e| e.effective_at_ms += 5 * MINUTE + 1), "FIELD_INVALID"),
    ("", |b| declare(b, |e| e.effective_at_ms = -1), "FIELD_INVALID"),
    // Once, and in no circle.
    ("P-merged", |b| b.succeed("A1+A2", 'P', 'W'), "NO_CHANGE"),
    ("P-merged", |b| b.succeed("A1+A2", 'M', 'P'), "PARTY_NOT_ACTIVE"),
    ("P-merged M-merged", |b| b.succeed("A1+A2", 'D', 'P'), "PARTY_NOT_ACTIVE"),
    ("P-merged", |b| b.succeed("A1+A2", 'W', 'M'), "ok"),
    ("", |b| many(b, 64), "ok"),
    ("", |b| many(b, 65), "TOO_MANY_PREDECESSORS"),
    // Registering a party again does not undo it.
    ("stock P-merged", |b| { b.say("A1", register_party('P', hazledger::pb::PartyStatus::Active)).unwrap(); b.say("P1", B::Offered(b.offered('W', "T1", &["stock 1"]))) }, "PARTY_NOT_ACTIVE"),
    // The predecessor begins nothing new; what has happened is recorded.
    ("P-merged", |b| b.say("P1", B::Produced(b.produced("new", "1", "T1"))), "PARTY_NOT_ACTIVE"),
    ("stock W-merged", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock 1"]))), "PARTY_NOT_ACTIVE"),
    ("stock P-merged", |b| b.say("P1+W1", B::Traded(b.traded('W', &["stock 1"]))), "PARTY_NOT_ACTIVE"),
    ("stock P-merged", |b| b.say("P1", B::Used(b.used("stock 1", "T1"))), "ok PARTY_SUCCEEDED"),
    ("stock P-closed P-merged", |b| b.say("P1", B::Used(b.used("stock 1", "T1"))), "ok PARTY_SUCCEEDED"),
    // An offer to the predecessor is taken by the successor, into its place.
    ("stock offer W-merged", |b| b.say("M1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"]))), "ok"),
    ("stock offer W-merged", |b| { b.say("M1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"]))).unwrap(); b.say("M1", B::Moved(b.moved("stock 100", "T1", "T2"))) }, "ok"),
    ("stock offer W-merged", |b| b.say("W1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"]))), "ok PARTY_SUCCEEDED"),
    ("stock offer W-merged", |b| b.say("P1+M1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"]))), "ok"),
    ("stock offer W-merged", |b| b.say("C1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"]))), "NOT_THE_TAKER"),
    ("stock offer P-merged", |b| b.say("M1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"]))), "NOT_THE_TAKER"),
    ("stock offer W-merged", |b| b.say("M1", B::Declined(b.declined("offer"))), "ok"),
    ("stock offer W-merged", |b| b.say("C1", B::Declined(b.declined("offer"))), "NOT_THE_TAKER"),
    // The giver itself succeeds the taker: it takes its own goods, and may take
    // them into the very place that they are in.
    ("stock offer", |b| { b.succeed("A1+A2", 'W', 'P').unwrap(); b.say("P1", B::Accepted(b.accepted("offer", "T2", &["0 take 100"]))) }, "ok"),
    ("stock offer", |b| { b.succeed("A1+A2", 'W', 'P').unwrap(); b.say("P1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"]))) }, "ok"),
    ("stock offer", |b| { b.succeed("A1+A2", 'W', 'P').unwrap(); b.say("P1", B::Accepted(b.accepted("offer", "T1", &["0 take 90"]))) }, "ok SHORT_DELIVERY"),
    ("stock drums drum-offer", |b| { b.succeed("A1+A2", 'W', 'P').unwrap(); b.say("P1", B::Accepted(b.accepted("drum-offer", "T1", &["0 take #1-4"]))) }, "ok"),
    // An offer of the predecessor stands, and the successor may withdraw it.
    ("stock offer P-merged", |b| b.say("W1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"]))), "ok"),
    ("stock offer P-merged", |b| b.say("M1", B::Withdrawn(b.withdrawn("offer"))), "ok"),
    ("stock offer P-merged", |b| b.say("C1", B::Withdrawn(b.withdrawn("offer"))), "NOT_THE_GIVER"),
    // Through another succession.
    ("stock offer W-merged M-merged", |b| b.say("D1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"]))), "ok"),
    ("stock offer W-merged M-merged", |b| b.say("M1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"]))), "ok PARTY_SUCCEEDED"),
    ("stock offer P-merged M-merged", |b| b.say("D1", B::Withdrawn(b.withdrawn("offer"))), "ok"),
    // Disputes, corrections, keys.
    ("stock offer short W-merged", |b| b.say("P1+M1", B::Settled(b.settled("dispute", SettlementCause::Scale, "10"))), "ok"),
    ("stock offer short W-merged", |b| found_at_m(b, "P1+M1"), "ok"),
    ("stock offer short", |b| found_at_m(b, "P1+W1"), "FIELD_INVALID"),
    ("stock used P-merged", |b| b.say("M1", restating(b.corrected("used", B::Used(b.used("stock 4", "T1"))))), "ok"),
    ("stock used P-merged", |b| b.say("W1", restating(b.corrected("used", B::Used(b.used("stock 4", "T1"))))), "CANNOT_CORRECT"),
    ("P-merged", |b| b.say("M1", B::KeyRevoked(b.revoked("P2"))), "ok"),
    // Goods aboard a carrier that merged go on with its successor.
    ("stock waybill loaded C-merged", |b| b.say("D1", B::Reported(b.reported("truck"))), "ok"),
    ("stock waybill loaded C-merged", |b| b.say("W1", B::Reported(b.reported("truck"))), "NOT_THE_CARRIER"),
    ("stock waybill loaded C-merged", |b| b.say("D1+W1", B::Relayed(b.relayed("truck", 'W'))), "ok"),
    ("stock waybill loaded C-merged", |b| { b.name("on", "D1", B::Offered(b.delivered('M', "truck", &["stock 200"]))).unwrap(); b.say("M1", B::Accepted(b.accepted("on", "T1", &["0 take 200"]))) }, "ok"),
    ("stock waybill loaded delivery C-merged", |b| b.say("M1", B::Accepted(b.accepted("delivery", "T1", &["0 take 200"]))), "ok"),
    // Consigned to whom the taker has succeeded.
    ("stock waybill loaded delivery M-merged", |b| b.say("D1", B::Accepted(b.accepted("delivery", "T1", &["0 take 200"]))), "ok"),
    ("stock waybill C-merged", |b| b.say("D1", B::Accepted(b.accepted("truck", "", &["0 take 200"]))), "ok"),
];

#[rustfmt::skip]
pub const INHERITANCE: &[Case] = &[
    ("stock P-merged", |b| inherit(b, "M1", &["stock T1 T2"]), "ok"),
    ("stock P-merged", |b| { inherit(b, "M1", &["stock T1 T2"]).unwrap(); b.say("M1", B::Used(b.used("stock 1000", "T2"))) }, "ok"),
    ("stock P-merged", |b| { inherit(b, "M1", &["stock T1 T2"]).unwrap(); b.say("M1+C1", B::Traded(b.traded('C', &["stock 1000"]))) }, "ok"),
    ("stock P-merged", |b| b.say("M1+C1", B::Traded(b.traded('C', &["stock 1"]))), "TITLE_INSUFFICIENT"),
    ("stock drums P-merged", |b| { inherit(b, "M1", &["stock T1 T2"]).unwrap(); b.say("M1", B::Offered(b.offered('W', "T2", &["stock 500 #1-10"]))) }, "ok"),
    ("stock drums P-merged", |b| { inherit(b, "M1", &["stock T1 T2"]).unwrap(); b.say("M1+C1", B::Traded(b.traded('C', &["stock 500 #1-10"]))) }, "ok"),
    ("stock other P-merged", |b| inherit(b, "M1", &["stock T1 T2", "other T1 T1"]), "ok"),
    ("stock P-merged M-merged", |b| inherit(b, "D1", &["stock T1 T2"]), "ok"),
    // By the last of the line alone.
    ("stock P-merged", |b| inherit(b, "W1", &["stock T1 T2"]), "AUTHORITY_REQUIRED"),
    ("stock", |b| inherit(b, "M1", &["stock T1 T2"]), "AUTHORITY_REQUIRED"),
    ("stock P-merged", |b| inherit(b, "P1", &["stock T1 T2"]), "PARTY_NOT_ACTIVE"),
    ("stock P-merged M-merged", |b| inherit(b, "M1", &["stock T1 T2"]), "PARTY_NOT_ACTIVE"),
    ("stock P-merged", |b| inherit(b, "M1", &[]), "FIELD_INVALID"),
    ("stock P-merged", |b| inherit(b, "M1", &["stock"; 129]), "FIELD_INVALID"),
    ("stock P-merged", |b| inherit(b, "M1", &["stock T1"]), "FIELD_MISSING"),
    ("stock P-merged", |b| { let mut e = b.inherited('P', &["stock T1 T1"]); e.lines[0].place.clear(); b.say("M1", B::Inherited(e)) }, "FIELD_MISSING"),
    ("stock P-merged", |b| inherit(b, "M1", &["stock T1 T9"]), "UNKNOWN_PLACE"),
    ("stock P-merged", |b| inherit(b, "M1", &["ghost T1 T1"]), "UNKNOWN_LOT"),
    ("stock P-merged", |b| inherit(b, "M1", &["stock T2 T2"]), "INSUFFICIENT"),
    ("stock P-merged", |b| inherit(b, "M1", &["stock T1 T2"; 2]), "INSUFFICIENT"),
    ("stock P-merged", |b| b.say("M1", B::Inherited(Inherited { predecessor: party(NOBODY), ..b.inherited('P', &["stock T1 T2"]) })), "AUTHORITY_REQUIRED"),
    // What is promised stays until its offer is closed.
    ("stock offer P-merged", |b| { inherit(b, "M1", &["stock T1 T2"]).unwrap(); b.say("W1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"]))) }, "ok"),
    ("stock offer P-merged", |b| { inherit(b, "M1", &["stock T1 T2"]).unwrap(); inherit(b, "M1", &["stock T1 T2"]) }, "RESERVED"),
    ("stock offer P-merged", |b| { inherit(b, "M1", &["stock T1 T2"]).unwrap(); b.say("M1", B::Withdrawn(b.withdrawn("offer"))).unwrap(); inherit(b, "M1", &["stock T1 T2"]) }, "ok"),
    ("stock drums drum-offer P-merged", |b| { inherit(b, "M1", &["stock T1 T2"]).unwrap(); inherit(b, "M1", &["stock T1 T2"]) }, "RESERVED"),
    // Title wherever the goods are, once.
    ("stock offer taken P-merged", |b| { inherit(b, "M1", &["stock"]).unwrap(); b.say("M1+C1", B::Traded(b.traded('C', &["stock 1000"]))) }, "ok"),
    ("stock offer taken P-merged", |b| { inherit(b, "M1", &["stock"]).unwrap(); inherit(b, "M1", &["stock"]) }, "NO_CHANGE"),
    // The lower number is given: 55 of 55 and 56, 56 of 56 and 71, 70 of 70
    // and 101, 101 of 101 and 120.
    ("stock P-closed", |b| inherit(b, "P1", &["stock T1 T2"]), "PARTY_NOT_ACTIVE"),
    ("stock", |b| inherit(b, "M1", &[]), "AUTHORITY_REQUIRED"),
    ("stock P-merged", |b| { let mut e = b.inherited('P', &["stock T1 T9"]); e.lines[0].place.clear(); b.say("M1", B::Inherited(e)) }, "FIELD_MISSING"),
    ("stock P-merged", |b| inherit(b, "M1", &["ghost T1 T9"]), "UNKNOWN_PLACE"),
];
