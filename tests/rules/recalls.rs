//! Tables of what is called back: by whom, what it stops, who acknowledges.

use bytes::Bytes;
use hazledger::custody::oversight::MAX_RECALLS;
use hazledger::pb::event::Body as B;
use hazledger::pb::{RecallAcknowledged, Recalled};

use super::bench::{Answer, Bench};
use super::table::Case;

pub fn recalled(b: &Bench, lot: &str, made_of_it: &[&str]) -> Recalled {
    Recalled {
        lot: b.id(lot),
        made_of_it: made_of_it.iter().map(|name| b.id(name)).collect(),
        order: "ZH-2026-1".into(),
        reason: "off specification".into(),
        ..Recalled::default()
    }
}

pub fn acknowledged(b: &Bench) -> RecallAcknowledged {
    RecallAcknowledged {
        recall: b.id("recall"),
        note: "kept apart".into(),
    }
}

/// P recalls its stock; then what follows.
fn under(b: &mut Bench, then: impl FnOnce(&mut Bench) -> Answer) -> Answer {
    b.name("recall", "P1", B::Recalled(recalled(b, "stock", &[])))?;
    then(b)
}

fn changed(b: &mut Bench, change: impl FnOnce(&mut Recalled)) -> Answer {
    let mut e = recalled(b, "stock", &[]);
    change(&mut e);
    b.say("P1", B::Recalled(e))
}

fn acked(b: &mut Bench, by: &str) -> Answer {
    b.say(by, B::RecallAcknowledged(acknowledged(b)))
}

fn end(b: &mut Bench, by: &str) -> Answer {
    let e = Recalled {
        ends: b.id("recall"),
        reason: "analysed again".into(),
        ..Recalled::default()
    };
    b.say(by, B::Recalled(e))
}

/// As many recalls of P's stock as it may be under, each ended or not.
fn many(b: &mut Bench, ended: bool) -> Answer {
    for _ in 0..MAX_RECALLS {
        b.name("recall", "P1", B::Recalled(recalled(b, "stock", &[])))?;
        if ended {
            end(b, "P1")?;
        }
    }
    Ok(Vec::new())
}

fn offer(b: &mut Bench) -> Answer {
    b.say("P1", B::Offered(b.offered('W', "T1", &["stock 1"])))
}

/// W offers on what it has.
fn offer_on(b: &mut Bench, lot: &str) -> Answer {
    b.say(
        "W1",
        B::Offered(b.offered('M', "T1", &[&format!("{lot} 1")])),
    )
}

fn give_back(b: &mut Bench) -> Answer {
    let mut e = b.offered('P', "T1", &["stock 100"]);
    e.returns = Some(b.event("offer"));
    b.name("back", "W1", B::Offered(e))
}

fn take_back(b: &mut Bench) -> Answer {
    let mut e = b.accepted("back", "T1", &["0 take 100"]);
    e.returns = Some(b.event("offer"));
    b.say("P1", B::Accepted(e))
}

/// P pours from the stock into its tank and draws from that.
fn poured_and_drawn(b: &mut Bench) -> Answer {
    b.name(
        "running",
        "P1",
        B::Filled(b.filled("stock 400", "T1", "V1")),
    )?;
    b.name("drawn", "P1", B::Drawn(b.drawn("V1", "10", "T2")))
}

/// P makes a sample of the stock.
fn sample(b: &mut Bench) -> Answer {
    b.name("sample", "P1", B::Sampled(b.sampled("stock 0.25")))
}

fn offer_sample(b: &mut Bench) -> Answer {
    b.say("P1", B::Offered(b.offered('W', "T1", &["sample 0.1"])))
}

#[rustfmt::skip]
pub const RECALLS: &[Case] = &[
    // By who made it, or an authority.
    ("stock", |b| { let e = recalled(b, "stock", &[]); b.say("P1", B::Recalled(e)) }, "ok"),
    ("stock", |b| { let e = recalled(b, "stock", &[]); b.say("A1", B::Recalled(e)) }, "ok"),
    ("stock offer taken", |b| { let e = recalled(b, "stock", &[]); b.say("W1", B::Recalled(e)) }, "AUTHORITY_REQUIRED"),
    ("", |b| { let e = recalled(b, "stock", &[]); b.say("A1", B::Recalled(e)) }, "UNKNOWN_LOT"),
    ("stock", |b| changed(b, |e| e.order.clear()), "FIELD_MISSING"),
    ("stock", |b| changed(b, |e| e.reason.clear()), "FIELD_MISSING"),
    ("stock", |b| changed(b, |e| e.lot = Bytes::new()), "FIELD_INVALID"),
    // What was made of it, and nothing else.
    ("stock", |b| { sample(b)?; let e = recalled(b, "stock", &["sample"]); b.say("P1", B::Recalled(e)) }, "ok"),
    ("stock other", |b| { let e = recalled(b, "stock", &["other"]); b.say("P1", B::Recalled(e)) }, "FIELD_INVALID"),
    ("stock", |b| { sample(b)?; let e = recalled(b, "stock", &["sample", "sample"]); b.say("P1", B::Recalled(e)) }, "FIELD_INVALID"),
    ("stock", |b| { let e = recalled(b, "stock", &["stock"]); b.say("P1", B::Recalled(e)) }, "FIELD_INVALID"),
    ("stock", |b| { let e = recalled(b, "stock", &["ghost"]); b.say("P1", B::Recalled(e)) }, "UNKNOWN_LOT"),
    // In whatever order they are named.
    ("stock", |b| { sample(b)?; b.name("second", "P1", B::Sampled(b.sampled("sample 0.1")))?; let e = recalled(b, "stock", &["second", "sample"]); b.say("P1", B::Recalled(e)) }, "ok"),
    ("stock", |b| { sample(b)?; b.name("second", "P1", B::Sampled(b.sampled("sample 0.1")))?; let e = recalled(b, "stock", &["second"]); b.say("P1", B::Recalled(e)) }, "FIELD_INVALID"),
    // It is neither offered on nor sold; nor is what was made of it.
    ("stock", |b| under(b, offer), "RECALLED"),
    ("stock", |b| under(b, |b| b.say("P1+W1", B::Traded(b.traded('W', &["stock 1"])))), "RECALLED"),
    ("stock", |b| under(b, |b| b.say("P1", B::Exported(b.exported("stock 1", "T1")))), "RECALLED"),
    ("stock waybill loaded", |b| under(b, |b| b.say("C1+D1", B::Relayed(b.relayed("truck", 'D')))), "RECALLED"),
    ("stock offer taken", |b| under(b, |b| offer_on(b, "stock")), "RECALLED"),
    ("stock", |b| { sample(b)?; under(b, offer_sample) }, "ok"),
    ("stock", |b| { sample(b)?; b.say("P1", B::Recalled(recalled(b, "stock", &["sample"])))?; offer_sample(b) }, "RECALLED"),
    // Made of it from then on: recalled as well.
    ("stock", |b| under(b, |b| { sample(b)?; offer_sample(b) }), "RECALLED"),
    ("stock tanks", |b| under(b, |b| b.say("P1", B::Filled(b.filled("stock 400", "T1", "V1")))), "ok RECALLED*2"),
    ("stock tanks", |b| under(b, |b| { poured_and_drawn(b)?; b.say("P1", B::Offered(b.offered('W', "T2", &["drawn 1"]))) }), "RECALLED"),
    ("stock tanks filled", |b| { b.say("P1", B::Recalled(recalled(b, "stock", &["running"])))?; b.name("drawn", "P1", B::Drawn(b.drawn("V1", "10", "T2")))?; b.say("P1", B::Offered(b.offered('W', "T2", &["drawn 1"]))) }, "RECALLED"),
    // Back to whom it came from, and to disposal, it goes freely.
    ("stock offer taken", |b| under(b, give_back), "ok"),
    ("stock offer taken", |b| under(b, |b| { give_back(b)?; take_back(b) }), "ok"),
    // What has happened is recorded; keeping it is no breach.
    ("stock offer", |b| under(b, |b| b.say("W1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"])))), "ok RECALLED"),
    ("stock", |b| under(b, |b| b.say("P1", B::Used(b.used("stock 1", "T1")))), "ok RECALLED"),
    ("stock", |b| under(b, |b| b.say("P1", B::Moved(b.moved("stock 1", "T1", "T2")))), "ok"),
    ("stock", |b| under(b, |b| b.say("P1", B::Disposed(b.disposed("stock 1", "T1")))), "ok"),
    // Acknowledged by each once.
    ("stock offer taken", |b| under(b, |b| acked(b, "W1")), "ok"),
    ("stock offer taken", |b| under(b, |b| { acked(b, "W1")?; acked(b, "W2") }), "NO_CHANGE"),
    ("stock offer taken", |b| under(b, |b| { acked(b, "W1")?; acked(b, "P1") }), "ok"),
    ("stock", |b| acked(b, "W1"), "UNKNOWN_RECALL"),
    ("stock", |b| under(b, |b| b.say("W1", B::RecallAcknowledged(RecallAcknowledged { recall: Bytes::new(), ..acknowledged(b) }))), "FIELD_INVALID"),
    // Over, by who began it or an authority: then it is goods again.
    ("stock", |b| under(b, |b| { end(b, "P1")?; offer(b) }), "ok"),
    ("stock", |b| under(b, |b| { end(b, "A1")?; offer(b) }), "ok"),
    ("stock", |b| under(b, |b| end(b, "W1")), "AUTHORITY_REQUIRED"),
    ("stock", |b| under(b, |b| { end(b, "P1")?; end(b, "P1") }), "NO_CHANGE"),
    ("stock", |b| under(b, |b| { end(b, "P1")?; acked(b, "W1") }), "NO_CHANGE"),
    ("stock", |b| end(b, "P1"), "UNKNOWN_RECALL"),
    ("stock", |b| under(b, |b| { let ends = b.id("recall"); changed(b, |e| e.ends = ends) }), "FIELD_INVALID"),
    ("stock", |b| under(b, |b| { let ends = b.id("recall"); b.say("P1", B::Recalled(Recalled { ends, ..Recalled::default() })) }), "FIELD_MISSING"),
    // Two recalls: with one over the other still holds.
    ("stock", |b| under(b, |b| { changed(b, |e| e.order = "ZH-2".into())?; end(b, "P1")?; offer(b) }), "RECALLED"),
    // As many as may be: the marks of ended ones make room.
    ("stock", |b| { many(b, true)?; offer(b) }, "ok"),
    ("stock", |b| { many(b, true)?; under(b, offer) }, "RECALLED"),
    ("stock", |b| { many(b, false)?; changed(b, |_| ()) }, "FIELD_INVALID"),
    ("stock", |b| { many(b, false)?; end(b, "P1")?; changed(b, |_| ())?; offer(b) }, "RECALLED"),
    // A seal's number is the lower one.
    ("stock", |b| under(b, |b| { let what = super::seals::lot(b, "stock", None); b.say("A1", B::Sealed(super::seals::seal(what)))?; offer(b) }), "SEALED"),
];
