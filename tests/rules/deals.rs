//! How a deal is made: paid through the bank, not on the internet, with no
//! natural person. Refused where it would authorise, found on arrival.

use hazledger::pb::event::Body as B;
use hazledger::pb::{
    Arrived, Departed, DocumentRef, Outsider, PaymentKind, RuleKind as K, RuleLine, RuleMode,
    Traded,
};

use super::bench::{Answer, Bench, hash};
use super::edges::abroad;
use super::rulebook::rule;
use super::table::Case;

use PaymentKind::{BankAccount, Barter, Cash, Unspecified};
use RuleMode::{Find, Off, Refuse};

fn sells(b: &mut Bench, change: impl FnOnce(&mut Traded)) -> Answer {
    let mut e = b.traded('M', &["stock 5"]);
    e.permit.clear();
    change(&mut e);
    b.name("sale", "P1+M1", B::Traded(e))
}

/// Paid like this, where the rule holds in a mode.
fn pays(b: &mut Bench, mode: RuleMode, kind: PaymentKind) -> Answer {
    b.publish(vec![rule(K::Payment, mode, "NACN")]).unwrap();
    sells(b, |e| e.payment = kind.into())
}

fn online(b: &mut Bench, mode: RuleMode) -> Answer {
    b.publish(vec![rule(K::OnlineSale, mode, "NACN")]).unwrap();
    sells(b, |e| e.online = true)
}

/// A natural person.
pub fn somebody() -> Outsider {
    Outsider {
        country: "CN".into(),
        person: hash("somebody"),
        ..Outsider::default()
    }
}

fn note() -> Vec<DocumentRef> {
    vec![DocumentRef {
        kind: "delivery note".into(),
        hash: hash("note"),
    }]
}

fn departs(b: &mut Bench, to: Outsider) -> Answer {
    let e = Departed {
        goods: b.goods("stock 5"),
        place: "T1".into(),
        to: Some(to),
        documents: note(),
    };
    b.name("gone", "P1", B::Departed(e))
}

fn arrives(b: &mut Bench, from: Outsider) -> Answer {
    let e = Arrived {
        lot: Some(b.lot("in", "5", "T1")),
        from: Some(from),
        documents: note(),
    };
    b.name("in", "M1", B::Arrived(e))
}

fn individual(b: &mut Bench, mode: RuleMode) {
    b.publish(vec![rule(K::Individual, mode, "NACN")]).unwrap();
}

#[rustfmt::skip]
pub const DEALS: &[Case] = &[
    ("stock", |b| pays(b, Refuse, BankAccount), "ok"),
    ("stock", |b| pays(b, Refuse, Cash), "PAYMENT"),
    ("stock", |b| pays(b, Refuse, Barter), "PAYMENT"),
    ("stock", |b| pays(b, Find, Cash), "ok PAYMENT"),
    ("stock", |b| pays(b, Off, Cash), "ok"),
    // What is not said might be anything; both sides know it.
    ("stock", |b| pays(b, Refuse, Unspecified), "PAYMENT"),
    ("stock", |b| { let line = RuleLine { complete: false, ..rule(K::Payment, Refuse, "NACN") }; b.publish(vec![line]).unwrap(); sells(b, |e| e.payment = Unspecified.into()) }, "PAYMENT"),
    ("stock", |b| { let line = RuleLine { complete: false, ..rule(K::Payment, Refuse, "NACN") }; b.publish(vec![line]).unwrap(); sells(b, |e| e.payment = Cash.into()) }, "PAYMENT"),
    ("stock", |b| { b.publish(vec![rule(K::Payment, Refuse, "AN")]).unwrap(); sells(b, |e| e.payment = Cash.into()) }, "ok"),
    ("stock", |b| { b.publish_from(b.now + 1, vec![rule(K::Payment, Refuse, "")]).unwrap(); sells(b, |e| e.payment = Cash.into()) }, "ok"),
    ("stock", |b| { b.publish_from(b.now, vec![rule(K::Payment, Refuse, "")]).unwrap(); sells(b, |e| e.payment = Cash.into()) }, "PAYMENT"),
    // A payment of no kind that is.
    ("stock", |b| { b.publish(vec![rule(K::Payment, Refuse, "")]).unwrap(); sells(b, |e| e.payment = 99) }, "FIELD_INVALID"),
    ("stock", |b| online(b, Refuse), "ONLINE_SALE"),
    ("stock", |b| online(b, Find), "ok ONLINE_SALE"),
    ("stock", |b| online(b, Off), "ok"),
    ("stock", |b| { b.publish(vec![rule(K::OnlineSale, Refuse, "NACN")]).unwrap(); sells(b, |_| ()) }, "ok"),
    ("stock", |b| { b.publish_from(b.now + 1, vec![rule(K::OnlineSale, Refuse, "")]).unwrap(); sells(b, |e| e.online = true) }, "ok"),
    // What goes beyond the edge to a person is stopped; what came from one is
    // in the store and is written down.
    ("stock", |b| { individual(b, Refuse); departs(b, somebody()) }, "INDIVIDUAL"),
    ("stock", |b| { individual(b, Find); departs(b, somebody()) }, "ok INDIVIDUAL ONE_SIDED"),
    ("stock", |b| { individual(b, Off); departs(b, somebody()) }, "ok ONE_SIDED"),
    ("stock", |b| { individual(b, Refuse); departs(b, abroad()) }, "ok ONE_SIDED"),
    // An order turns the gate into a finding.
    ("stock", |b| { individual(b, Refuse); super::relief::emergency(b, |_| ()).unwrap(); departs(b, somebody()) }, "ok INDIVIDUAL ONE_SIDED"),
    ("stock", |b| { b.publish_from(b.now + 1, vec![rule(K::Individual, Refuse, "")]).unwrap(); departs(b, somebody()) }, "ok ONE_SIDED"),
    ("stock", |b| { b.publish_from(b.now, vec![rule(K::Individual, Refuse, "")]).unwrap(); departs(b, somebody()) }, "INDIVIDUAL"),
    ("", |b| { individual(b, Refuse); arrives(b, somebody()) }, "ok INDIVIDUAL ONE_SIDED"),
    ("", |b| { individual(b, Refuse); arrives(b, abroad()) }, "ok ONE_SIDED"),
    // A person is a commitment and nothing else.
    ("stock", |b| departs(b, Outsider { name: "somebody".into(), ..somebody() }), "FIELD_INVALID"),
    ("stock", |b| departs(b, Outsider { code: "1".into(), ..somebody() }), "FIELD_INVALID"),
    ("stock", |b| departs(b, Outsider { person: hash("x").slice(..31), ..somebody() }), "FIELD_INVALID"),
    ("stock", |b| departs(b, Outsider { country: String::new(), ..somebody() }), "FIELD_INVALID"),
];
