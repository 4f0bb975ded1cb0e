//! Tables of the ledger's edge: goods from outsiders and to them, and the
//! other side's word.

use bytes::Bytes;
use hazledger::pb::event::Body as B;
use hazledger::pb::{
    Arrived, Confirmed, Departed, DocumentRef, Event, EventRef, Outsider, PartyStatus,
};

use super::bench::{
    Answer, Bench, NOBODY, START_MS, event, hash, party, register_key, register_party,
};
use super::table::Case;
use super::verbs::{kg, zeros};

/// A firm abroad.
pub fn abroad() -> Outsider {
    Outsider {
        name: "Zhetysu Mining".into(),
        code: "050140001234".into(),
        country: "KZ".into(),
    }
}

/// A firm in China that is no party, yet.
pub fn nobody() -> Outsider {
    Outsider {
        name: "未入链矿山".into(),
        code: party(NOBODY),
        country: "CN".into(),
    }
}

fn note() -> Vec<DocumentRef> {
    vec![DocumentRef {
        kind: "delivery note".into(),
        hash: hash("delivery note"),
    }]
}

fn arrival(b: &Bench) -> Arrived {
    Arrived {
        lot: Some(b.lot("arrived", "100", "T1")),
        from: Some(nobody()),
        documents: note(),
    }
}

fn departure(b: &Bench, goods: &str) -> Departed {
    Departed {
        goods: b.goods(goods),
        place: "T1".into(),
        to: Some(nobody()),
        documents: note(),
    }
}

/// P takes in goods from outside, changed before.
fn arrive(b: &mut Bench, change: impl FnOnce(&mut Arrived)) -> Answer {
    let mut e = arrival(b);
    change(&mut e);
    b.name("arrived", "P1", B::Arrived(e))
}

/// P sends some of its stock outside.
fn depart(b: &mut Bench, goods: &str, change: impl FnOnce(&mut Departed)) -> Answer {
    let mut e = departure(b, goods);
    change(&mut e);
    b.name("departed", "P1", B::Departed(e))
}

/// The outsider becomes a party, with a person's key.
fn enrol(b: &mut Bench) {
    let key = register_key("N1", 0, START_MS * 2);
    let events: Vec<Event> = vec![
        event(register_party(NOBODY, PartyStatus::Active)),
        event(B::KeyRegistered(key)),
    ];
    b.say_all("A1+A2", events).unwrap();
    b.now += 1_000;
}

fn word(b: &Bench, lot: &str, edge: &str, mass: &str) -> Confirmed {
    Confirmed {
        lot: b.id(lot),
        edge: Some(b.event(edge)),
        quantity: kg(mass),
    }
}

/// 60 kg of the stock have departed; somebody confirms so much.
fn confirm(b: &mut Bench, keys: &str, mass: &str, change: impl FnOnce(&mut Confirmed)) -> Answer {
    depart(b, "stock 60", |_| ()).unwrap();
    b.now += 1_000;
    if keys.contains('N') {
        enrol(b);
    }
    let mut e = word(b, "stock", "departed", mass);
    change(&mut e);
    b.say(keys, B::Confirmed(e))
}

/// So many departures of a kilogram each, in one statement; then one more.
fn many(b: &mut Bench, count: usize) -> Answer {
    let one = event(B::Departed(departure(b, "stock 1")));
    b.say_all("P1", vec![one.clone(); count]).unwrap();
    b.now += 1_000;
    b.say_all("P1", vec![one])
}

#[rustfmt::skip]
pub const EDGE: &[Case] = &[
    ("", |b| arrive(b, |_| ()), "ok ONE_SIDED"),
    ("", |b| arrive(b, |e| e.from = Some(abroad())), "ok ONE_SIDED"),
    ("", |b| arrive(b, |e| e.documents.clear()), "ok PAPERS_MISSING ONE_SIDED"),
    ("", |b| arrive(b, |e| e.lot.as_mut().unwrap().label_hash.clear()), "ok PAPERS_MISSING ONE_SIDED"),
    ("", |b| arrive(b, |e| e.from.as_mut().unwrap().code = party('W')), "ok OUTSIDER_IS_A_PARTY ONE_SIDED"),
    ("", |b| arrive(b, |e| e.from = None), "FIELD_MISSING"),
    ("", |b| arrive(b, |e| e.lot = None), "FIELD_MISSING"),
    ("", |b| arrive(b, |e| e.from.as_mut().unwrap().name.clear()), "FIELD_MISSING"),
    ("", |b| arrive(b, |e| e.from.as_mut().unwrap().name = "x".repeat(129)), "FIELD_INVALID"),
    ("", |b| arrive(b, |e| e.from.as_mut().unwrap().code = "91150100X".into()), "FIELD_INVALID"),
    ("", |b| arrive(b, |e| { e.from = Some(abroad()); e.from.as_mut().unwrap().code.clear(); }), "FIELD_MISSING"),
    ("", |b| arrive(b, |e| e.from.as_mut().unwrap().country = "China".into()), "FIELD_INVALID"),
    ("", |b| arrive(b, |e| e.from.as_mut().unwrap().name = "ask 13812345678".into()), "PERSONAL_DATA"),
    ("", |b| arrive(b, |e| e.documents = vec![note().remove(0); 9]), "FIELD_INVALID"),
    ("", |b| arrive(b, |e| e.lot.as_mut().unwrap().place = "T9".into()), "UNKNOWN_PLACE"),
    ("P-closed", |b| arrive(b, |_| ()), "PARTY_NOT_ACTIVE"),
    // Going out is an act that authorises: what is not there is refused.
    ("stock", |b| depart(b, "stock 1000", |_| ()), "ok ONE_SIDED"),
    ("stock drums", |b| depart(b, "stock 500 #1-10", |_| ()), "ok ONE_SIDED"),
    ("stock", |b| depart(b, "stock 60", |e| e.documents.clear()), "ok PAPERS_MISSING ONE_SIDED"),
    ("stock", |b| depart(b, "stock 60", |e| e.to = Some(abroad())), "ok ONE_SIDED"),
    ("stock", |b| depart(b, "stock 1001", |_| ()), "INSUFFICIENT"),
    ("stock", |b| depart(b, "stock #1", |_| ()), "SERIALS_NOT_HERE"),
    ("stock offer", |b| depart(b, "stock 901", |_| ()), "RESERVED"),
    ("stock", |b| depart(b, "ghost 1", |_| ()), "UNKNOWN_LOT"),
    ("stock", |b| depart(b, "stock 1", |e| e.place = "T9".into()), "UNKNOWN_PLACE"),
    ("stock", |b| depart(b, "stock 1", |e| e.to.as_mut().unwrap().code = party('W')), "FIELD_INVALID"),
    ("stock", |b| depart(b, "stock 1", |e| e.to = None), "FIELD_MISSING"),
    ("stock", |b| depart(b, "stock 1", |e| e.goods = None), "FIELD_MISSING"),
    ("stock P-closed", |b| depart(b, "stock 1", |_| ()), "PARTY_NOT_ACTIVE"),
    ("stock", |b| many(b, 63), "ok ONE_SIDED"),
    ("stock", |b| many(b, 64), "TOO_MANY_ONE_SIDED"),
    // The other side's word: the outsider's, once it is a party, or an authority's.
    ("stock", |b| confirm(b, "A1", "60", |_| ()), "ok"),
    ("stock", |b| confirm(b, "N1", "60", |_| ()), "ok"),
    ("stock", |b| confirm(b, "P1+N1", "60", |_| ()), "ok"),
    ("stock", |b| confirm(b, "P1", "60", |_| ()), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock", |b| confirm(b, "W1", "60", |_| ()), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock", |b| confirm(b, "A1", "59.999999", |_| ()), "ok CONFIRMATION_DIFFERS"),
    ("stock", |b| confirm(b, "N1", "61", |_| ()), "ok CONFIRMATION_DIFFERS"),
    ("stock", |b| { confirm(b, "A1", "60", |_| ()).unwrap(); let e = word(b, "stock", "departed", "60"); b.say("A1", B::Confirmed(e)) }, "UNKNOWN_EDGE"),
    ("stock", |b| confirm(b, "A1", "60", |e| e.edge.as_mut().unwrap().event_index = 1), "UNKNOWN_EDGE"),
    ("stock", |b| confirm(b, "A1", "60", |e| e.edge.as_mut().unwrap().event_digest = hash("else")), "EVENT_DIGEST_DIFFERS"),
    ("stock", |b| confirm(b, "A1", "60", |e| e.edge = None), "FIELD_MISSING"),
    ("stock", |b| confirm(b, "A1", "60", |e| e.edge = Some(EventRef::default())), "FIELD_INVALID"),
    ("stock", |b| confirm(b, "A1", "60", |e| e.lot = zeros(15)), "FIELD_INVALID"),
    ("stock", |b| confirm(b, "A1", "60", |e| e.lot = Bytes::from_static(&[7; 16])), "UNKNOWN_LOT"),
    ("stock", |b| confirm(b, "A1", "60", |e| e.quantity = None), "FIELD_MISSING"),
    ("stock", |b| confirm(b, "A1", "0mg", |_| ()), "MASS_NOT_POSITIVE"),
    // An arrival as well; and what has departed whole.
    ("", |b| { arrive(b, |_| ()).unwrap(); let e = word(b, "arrived", "arrived", "100"); b.say("A1", B::Confirmed(e)) }, "ok"),
    ("stock", |b| { depart(b, "stock 1000", |_| ()).unwrap(); let e = word(b, "stock", "departed", "1000"); b.say("A1", B::Confirmed(e)) }, "ok"),
    // What an edge has booked is not corrected but confirmed otherwise.
    ("stock", |b| { depart(b, "stock 60", |_| ()).unwrap(); let e = b.corrected("departed", B::Departed(departure(b, "stock 50"))); b.say("P1", super::verbs::restating(e)) }, "CANNOT_CORRECT"),
    // The lower number is given: 55 of 55 and 70, 71 of 71 and 101, 71 of 71 and 132, 57 of 57 and 73, 73 of 73 and 155.
    ("P-closed", |b| arrive(b, |e| e.from = None), "PARTY_NOT_ACTIVE"),
    ("", |b| arrive(b, |e| { e.from.as_mut().unwrap().country.clear(); e.lot.as_mut().unwrap().place = "T9".into(); }), "FIELD_INVALID"),
    ("stock", |b| depart(b, "stock 1001", |e| e.to.as_mut().unwrap().country.clear()), "FIELD_INVALID"),
    ("stock", |b| confirm(b, "P1", "0mg", |_| ()), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock", |b| confirm(b, "A1", "0mg", |e| e.edge.as_mut().unwrap().event_index = 1), "MASS_NOT_POSITIVE"),
];
