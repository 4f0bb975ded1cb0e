//! Tables of what happens by order of an authority.

use hazledger::pb::event::Body as B;
use hazledger::pb::{TakenOver, taken_over::At};

use super::bench::{Answer, Bench, NOBODY, party};
use super::table::Case;
use super::verbs::zeros;

/// The first authority orders W to take 100 kg of P's stock.
fn order(b: &mut Bench, change: impl FnOnce(&mut TakenOver)) -> Answer {
    let mut e = b.taken_over("stock 100", "P T1");
    change(&mut e);
    b.say("A1", B::TakenOver(e))
}

/// All but 50 kg is taken over; W accepts what is left of P's offer.
fn take_rest(b: &mut Bench, line: &str) -> Answer {
    b.say("A1", B::TakenOver(b.taken_over("stock 950", "P T1")))?;
    b.say("W1", B::Accepted(b.accepted("offer", "T1", &[line])))
}

#[rustfmt::skip]
pub const TAKE_OVER: &[Case] = &[
    ("stock", |b| order(b, |_| ()), "ok"),
    ("stock", |b| b.say("P1+A1", B::TakenOver(b.taken_over("stock 1000", "P T1"))), "ok"),
    ("stock drums", |b| b.say("A1", B::TakenOver(b.taken_over("stock 500 #1-10", "P T1"))), "ok"),
    // By an authority alone, to a place that is registered.
    ("stock", |b| b.say("P1+W1", B::TakenOver(b.taken_over("stock 100", "P T1"))), "AUTHORITY_REQUIRED"),
    ("stock", |b| order(b, |e| e.to_place = "T9".into()), "UNKNOWN_PLACE"),
    ("stock", |b| order(b, |e| e.to_place.clear()), "FIELD_MISSING"),
    ("stock", |b| order(b, |e| e.custodian = party(NOBODY)), "UNKNOWN_PARTY"),
    ("stock W-closed", |b| order(b, |_| ()), "PARTY_NOT_ACTIVE"),
    // Its holder may be closed: what it has is there all the same.
    ("stock P-closed", |b| order(b, |_| ()), "ok"),
    ("stock", |b| order(b, |e| e.order.clear()), "FIELD_MISSING"),
    ("stock", |b| order(b, |e| e.reason.clear()), "FIELD_MISSING"),
    ("stock", |b| order(b, |e| e.goods = None), "FIELD_MISSING"),
    ("stock", |b| order(b, |e| e.at = None), "FIELD_MISSING"),
    ("stock", |b| order(b, |e| e.holder.clear()), "FIELD_INVALID"),
    ("stock", |b| order(b, |e| e.at = Some(At::Consignment(zeros(15)))), "FIELD_INVALID"),
    ("stock", |b| order(b, |e| { e.holder.clear(); e.at = Some(At::Consignment(zeros(15))); }), "FIELD_INVALID"),
    ("stock", |b| order(b, |e| { e.custodian = party('P'); e.to_place = "T1".into(); }), "NO_CHANGE"),
    ("stock", |b| b.say("A1", B::TakenOver(b.taken_over("stock 1001", "P T1"))), "INSUFFICIENT"),
    ("stock", |b| b.say("A1", B::TakenOver(b.taken_over("stock 1", "P T2"))), "INSUFFICIENT"),
    ("stock", |b| b.say("A1", B::TakenOver(b.taken_over("ghost 1", "P T1"))), "UNKNOWN_LOT"),
    ("stock drums", |b| b.say("A1", B::TakenOver(b.taken_over("stock #11", "P T1"))), "SERIALS_NOT_HERE"),
    // What was offered is taken; the offer shrinks by it.
    ("stock offer", |b| b.say("A1", B::TakenOver(b.taken_over("stock 900", "P T1"))), "ok"),
    ("stock offer", |b| b.say("A1", B::TakenOver(b.taken_over("stock 950", "P T1"))), "ok RESERVED_GOODS_TAKEN"),
    ("stock offer", |b| take_rest(b, "0 take 50"), "ok"),
    ("stock offer", |b| take_rest(b, "0 refuse 51"), "LINES_DIFFER"),
    ("stock drums drum-offer", |b| b.say("A1", B::TakenOver(b.taken_over("stock #4-5", "P T1"))), "ok RESERVED_GOODS_TAKEN"),
    // Title stays: the owner may still sell, the custodian may not.
    ("stock", |b| { order(b, |_| ()).unwrap(); b.say("P1+M1", B::Traded(b.traded('M', &["stock 1000"]))) }, "ok"),
    ("stock", |b| { order(b, |_| ()).unwrap(); b.say("W1+M1", B::Traded(b.traded('M', &["stock 1"]))) }, "TITLE_INSUFFICIENT"),
    // Custody does not: the custodian has it, the holder no more.
    ("stock", |b| { order(b, |_| ()).unwrap(); b.say("W1", B::Moved(b.moved("stock 100", "T2", "T1"))) }, "ok"),
    ("stock", |b| { order(b, |_| ()).unwrap(); b.say("P1", B::Used(b.used("stock 901", "T1"))) }, "INSUFFICIENT"),
    // From aboard; with the last of it the consignment is closed.
    ("stock waybill loaded", |b| b.say("A1", B::TakenOver(b.taken_over("stock 50", "truck"))), "ok"),
    ("stock waybill loaded", |b| { b.say("A1", B::TakenOver(b.taken_over("stock 200", "truck"))).unwrap(); b.say("C1", B::Reported(b.reported("truck"))) }, "CONSIGNMENT_CLOSED"),
    ("stock waybill loaded delivery", |b| b.say("A1", B::TakenOver(b.taken_over("stock 200", "truck"))), "ok RESERVED_GOODS_TAKEN"),
    ("stock waybill loaded delivery arrived", |b| b.say("A1", B::TakenOver(b.taken_over("stock 200", "truck"))), "CONSIGNMENT_CLOSED"),
    ("stock", |b| b.say("A1", B::TakenOver(b.taken_over("stock 200", "truck"))), "UNKNOWN_CONSIGNMENT"),
    // The lower number is given: 55 of 55 and 56, 56 of 56 and 70, 70 of 70
    // and 101, 101 of 101 and 132.
    ("stock W-closed", |b| b.say("P1", B::TakenOver(b.taken_over("stock 100", "P T1"))), "PARTY_NOT_ACTIVE"),
    ("stock", |b| b.say("P1", B::TakenOver(TakenOver { reason: String::new(), ..b.taken_over("stock 100", "P T1") })), "AUTHORITY_REQUIRED"),
    ("stock", |b| order(b, |e| { e.order.clear(); e.to_place = "T9".into(); }), "FIELD_MISSING"),
    ("stock", |b| b.say("A1", B::TakenOver(TakenOver { to_place: "T9".into(), ..b.taken_over("stock 1001", "P T1") })), "UNKNOWN_PLACE"),
];
