//! Tables of what is seized: goods go by order into a custodian's place, and
//! are sealed there.

use hazledger::pb::event::Body as B;
use hazledger::pb::{Seized, Unsealed, unsealed};

use super::bench::{Answer, Bench};
use super::table::Case;

fn seizure(b: &Bench, goods: &str, from: &str) -> Seized {
    Seized {
        taken: Some(b.taken_over(goods, from)),
        documents: Vec::new(),
    }
}

fn seize(b: &mut Bench, goods: &str) -> Answer {
    b.say("A1+A2", B::Seized(seizure(b, goods, "P T1")))
}

/// 100 kg of P's stock stand seized at W's T2.
fn then(b: &mut Bench, then: impl FnOnce(&mut Bench) -> Answer) -> Answer {
    seize(b, "stock 100")?;
    then(b)
}

fn offer_by(b: &mut Bench, by: char, place: &str) -> Answer {
    let key = format!("{by}1");
    b.say(&key, B::Offered(b.offered('M', place, &["stock 1"])))
}

fn sell(b: &mut Bench, mass: &str) -> Answer {
    b.say(
        "P1+M1",
        B::Traded(b.traded('M', &[&format!("stock {mass}")])),
    )
}

fn release(b: &mut Bench) -> Answer {
    let order = seizure(b, "stock 1", "P T1")
        .taken
        .unwrap_or_default()
        .order;
    let e = Unsealed {
        what: Some(unsealed::What::Lot(b.id("stock"))),
        order,
        reason: "the fine is paid".into(),
    };
    b.say("A1", B::Unsealed(e))
}

#[rustfmt::skip]
pub const SEIZURES: &[Case] = &[
    // By as many authority keys as root acts need.
    ("stock", |b| seize(b, "stock 100"), "ok"),
    ("stock", |b| b.say("A1", B::Seized(seizure(b, "stock 100", "P T1"))), "AUTHORITY_REQUIRED"),
    ("stock", |b| b.say("P1", B::Seized(seizure(b, "stock 100", "P T1"))), "AUTHORITY_REQUIRED"),
    ("stock", |b| b.say("A1+A2", B::Seized(Seized::default())), "FIELD_MISSING"),
    ("stock", |b| { let mut e = seizure(b, "stock 100", "P T1"); e.taken.as_mut().unwrap().order.clear(); b.say("A1+A2", B::Seized(e)) }, "FIELD_MISSING"),
    ("stock", |b| { let mut e = seizure(b, "stock 100", "P T1"); e.taken.as_mut().unwrap().to_place = "T9".into(); b.say("A1+A2", B::Seized(e)) }, "UNKNOWN_PLACE"),
    ("stock W-closed", |b| seize(b, "stock 100"), "PARTY_NOT_ACTIVE"),
    ("stock", |b| seize(b, "stock 1001"), "INSUFFICIENT"),
    ("stock", |b| seize(b, "ghost 1"), "UNKNOWN_LOT"),
    ("stock offer", |b| seize(b, "stock 950"), "ok RESERVED_GOODS_TAKEN"),
    ("stock waybill loaded", |b| b.say("A1+A2", B::Seized(seizure(b, "stock 200", "truck"))), "ok"),
    // The same order may take more.
    ("stock", |b| then(b, |b| seize(b, "stock 50")), "ok"),
    // What is seized stands sealed; what is not is free.
    ("stock", |b| then(b, |b| offer_by(b, 'W', "T2")), "SEALED"),
    ("stock", |b| then(b, |b| offer_by(b, 'P', "T1")), "ok"),
    ("stock", |b| then(b, |b| b.say("W1", B::Moved(b.moved("stock 1", "T2", "T1")))), "ok SEALED_GOODS_TOUCHED"),
    ("stock", |b| then(b, |b| { release(b)?; offer_by(b, 'W', "T2") }), "ok"),
    // Title stays; what is seized of it is not sold.
    ("stock", |b| then(b, |b| sell(b, "900")), "ok"),
    ("stock", |b| then(b, |b| sell(b, "900.000001")), "SEALED"),
    ("stock", |b| then(b, |b| { release(b)?; sell(b, "1000") }), "ok"),
    // By another order it goes on; it is not stopped by the seal.
    ("stock", |b| then(b, |b| { let mut e = b.taken_over("stock 100", "W T2"); e.custodian = super::bench::party('M'); e.to_place = "T1".into(); b.say("A1", B::TakenOver(e)) }), "ok"),
];
