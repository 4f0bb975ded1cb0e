//! Tables of disputes settled, by what they came of: a handoff, a
//! transformation, a correction. In part, after a party has closed, by whom.

use hazledger::pb::SettlementCause as Cause;
use hazledger::pb::event::Body as B;
use hazledger::pb::{Settled, SettlementCause};

use super::bench::{Answer, Bench, party};
use super::table::Case;
use super::verbs::restating;

/// A dispute of P's own is settled at P's T1.
fn own(b: &Bench, cause: SettlementCause, amount: &str) -> Settled {
    let mut e = b.settled("dispute", cause, amount);
    e.settlements[0].party = party('P');
    e
}

/// P dissolves 30 kg, and one kilogram of the solution is nowhere.
fn shortfall(b: &mut Bench) {
    let short = b.transformed("stock 30", "68", "97");
    b.name("dispute", "P1", B::Transformed(short)).unwrap();
    b.now += 1_000;
}

/// P made 900 kg less than it had said, and 100 of that are with nobody now.
fn corrected(b: &mut Bench) {
    b.say("P1", B::Used(b.used("stock 200", "T1"))).unwrap();
    let was = B::Produced(b.produced("stock", "100", "T1"));
    b.name("dispute", "P1", restating(b.corrected("stock", was)))
        .unwrap();
    b.now += 1_000;
}

fn settle(b: &mut Bench, keys: &str, cause: SettlementCause, amount: &str) -> Answer {
    let answer = b.say(keys, B::Settled(own(b, cause, amount)));
    b.now += 1_000;
    answer
}

/// The first part, and then another.
fn both(b: &mut Bench, first: &str, then: &str, cause: SettlementCause) -> Answer {
    settle(b, "A1", cause, first).unwrap();
    settle(b, "A1", cause, then)
}

#[rustfmt::skip]
pub const ORIGINS: &[Case] = &[
    // Of a handoff: in parts, and no further than it goes.
    ("stock offer short", |b| both(b, "4", "6", Cause::Scale), "ok"),
    ("stock offer short", |b| both(b, "4", "6.000001", Cause::Scale), "DISPUTE_EXCEEDED"),
    ("stock offer short", |b| both(b, "10", "1", Cause::Scale), "DISPUTE_CLOSED"),
    ("stock offer short", |b| { settle(b, "A1", Cause::Scale, "4").unwrap(); settle(b, "A1", Cause::Theft, "6") }, "ok"),
    // The other side has closed: an authority settles in its stead.
    ("stock offer short W-closed", |b| settle(b, "P1", Cause::Theft, "10"), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock offer short W-closed", |b| settle(b, "A1", Cause::Theft, "10"), "ok"),
    ("stock offer short W-closed", |b| settle(b, "P1+A1", Cause::Theft, "10"), "ok"),
    ("stock offer short P-closed", |b| settle(b, "W1", Cause::Theft, "10"), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock offer short P-closed", |b| settle(b, "A1", Cause::Theft, "10"), "ok"),
    // Of a transformation: its owner is alone with it. No scale stands in it.
    ("stock", |b| { shortfall(b); settle(b, "P1", Cause::Spill, "1") }, "ok"),
    ("stock", |b| { shortfall(b); settle(b, "P1", Cause::Theft, "0.4") }, "ok"),
    ("stock", |b| { shortfall(b); settle(b, "P1", Cause::Miscount, "1") }, "ok"),
    ("stock", |b| { shortfall(b); both(b, "0.4", "0.6", Cause::Spill) }, "ok"),
    ("stock", |b| { shortfall(b); both(b, "0.4", "0.7", Cause::Spill) }, "DISPUTE_EXCEEDED"),
    ("stock", |b| { shortfall(b); settle(b, "P1", Cause::Scale, "1") }, "FIELD_INVALID"),
    ("stock", |b| { shortfall(b); settle(b, "W1", Cause::Spill, "1") }, "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock", |b| { shortfall(b); let mut e = own(b, Cause::Miscount, "1"); e.settlements[0].party = party('W'); b.say("A1", B::Settled(e)) }, "FIELD_INVALID"),
    // Of a correction: more came out than went in, so it was miscounted.
    ("stock", |b| { corrected(b); settle(b, "P1", Cause::Miscount, "100") }, "ok"),
    ("stock", |b| { corrected(b); both(b, "40", "60", Cause::Miscount) }, "ok"),
    ("stock", |b| { corrected(b); both(b, "40", "61", Cause::Miscount) }, "DISPUTE_EXCEEDED"),
    ("stock", |b| { corrected(b); settle(b, "P1", Cause::Theft, "100") }, "FIELD_INVALID"),
    ("stock", |b| { corrected(b); settle(b, "P1", Cause::Scale, "100") }, "FIELD_INVALID"),
    ("stock", |b| { corrected(b); settle(b, "W1", Cause::Miscount, "100") }, "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock", |b| { corrected(b); b.set_up("P-closed"); settle(b, "P1", Cause::Miscount, "100") }, "ok PARTY_CLOSED"),
    ("stock", |b| { corrected(b); b.set_up("P-closed"); settle(b, "A1", Cause::Miscount, "100") }, "ok"),
];
