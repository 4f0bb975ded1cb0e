//! Tables of the ledger's edge: goods from outsiders and to them, and the
//! other side's word.

use bytes::Bytes;
use hazledger::pb::event::Body as B;
use hazledger::pb::{
    Arrived, Confirmed, CustomsDirection, CustomsReported, CustomsStatus, Departed, DocumentRef,
    Event, EventRef, Exported, Outsider, PartyStatus,
};

use hazledger::pb::CustomsStatus::{Arrived as AtPort, Held, Released};

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
        ..Outsider::default()
    }
}

/// A firm in China that is no party, yet.
pub fn nobody() -> Outsider {
    Outsider {
        name: "未入链矿山".into(),
        code: party(NOBODY),
        country: "CN".into(),
        ..Outsider::default()
    }
}

fn note() -> Vec<DocumentRef> {
    vec![DocumentRef {
        kind: "delivery note".into(),
        hash: hash("delivery note"),
    }]
}

pub fn arrival(b: &Bench) -> Arrived {
    Arrived {
        lot: Some(b.lot("arrived", "100", "T1")),
        from: Some(nobody()),
        documents: note(),
    }
}

pub fn departure(b: &Bench, goods: &str) -> Departed {
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

pub fn word(b: &Bench, lot: &str, edge: &str, mass: &str) -> Confirmed {
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
    ("stock", |b| { depart(b, "stock 60", |_| ()).unwrap(); let e = b.corrected("departed", B::Departed(departure(b, "stock 50"))); b.say("P1", super::verbs::restating(e)) }, "ok ONE_SIDED"),
    // The lower number is given: 55 of 55 and 70, 71 of 71 and 101, 71 of 71 and 132, 57 of 57 and 73, 73 of 73 and 155.
    ("P-closed", |b| arrive(b, |e| e.from = None), "PARTY_NOT_ACTIVE"),
    ("", |b| arrive(b, |e| { e.from.as_mut().unwrap().country.clear(); e.lot.as_mut().unwrap().place = "T9".into(); }), "FIELD_INVALID"),
    ("stock", |b| depart(b, "stock 1001", |e| e.to.as_mut().unwrap().country.clear()), "FIELD_INVALID"),
    ("stock", |b| confirm(b, "P1", "0mg", |_| ()), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock", |b| confirm(b, "A1", "0mg", |e| e.edge.as_mut().unwrap().event_index = 1), "MASS_NOT_POSITIVE"),
];

/// M imports 100 kg, and says where they are with customs.
fn import(b: &mut Bench, status: CustomsStatus) -> Answer {
    let mut e = b.imported("import", "100", "T1");
    e.customs_status = status.into();
    let answer = b.name("import", "M1", B::Imported(e));
    b.now += 1_000;
    answer
}

/// A word on the import's entry.
pub fn customs(b: &Bench, status: CustomsStatus) -> CustomsReported {
    CustomsReported {
        lot: b.id("import"),
        direction: CustomsDirection::Import.into(),
        customs_entry: "0706-2026-1".into(),
        status: status.into(),
        office: "满洲里海关".into(),
        documents: Vec::new(),
    }
}

/// One more event, by its signer.
type Said = (&'static str, fn(&Bench) -> B);

/// The import has arrived; then these words of customs, by key and status; at
/// last one more event of M's, or the last word's answer.
fn after(b: &mut Bench, words: &[(&str, CustomsStatus)], last: Option<Said>) -> Answer {
    import(b, CustomsStatus::Arrived).unwrap();
    let mut answer = Ok(Vec::new());
    for (keys, status) in words {
        let word = customs(b, *status);
        answer = b.say(keys, B::CustomsReported(word));
        b.now += 1_000;
    }
    match last {
        Some((keys, body)) => {
            answer.unwrap();
            let body = body(b);
            b.say(keys, body)
        }
        None => answer,
    }
}

/// A word on the import's entry that is changed before.
fn wrong(b: &mut Bench, change: impl FnOnce(&mut CustomsReported)) -> Answer {
    import(b, CustomsStatus::Arrived).unwrap();
    let mut e = customs(b, CustomsStatus::Held);
    change(&mut e);
    b.say("M1", B::CustomsReported(e))
}

fn exported(b: &Bench, status: CustomsStatus) -> B {
    B::Exported(Exported {
        customs_status: status.into(),
        ..b.exported("import 5", "T1")
    })
}

fn departing(b: &Bench) -> B {
    B::Departed(departure(b, "import 5"))
}

fn dissolving(b: &Bench) -> B {
    let mut e = b.transformed("import 30", "68", "98");
    e.outputs[0].place = "T2".into();
    B::Transformed(e)
}

/// P's stock has so many export entries, all of this status but the first;
/// then one more.
fn entries(b: &mut Bench, count: usize, status: CustomsStatus) -> Answer {
    let word = |n: usize, status: CustomsStatus| CustomsReported {
        lot: b.id("stock"),
        direction: CustomsDirection::Export.into(),
        customs_entry: format!("X-{n}"),
        status: status.into(),
        ..CustomsReported::default()
    };
    let words = (0..count).map(|n| event(B::CustomsReported(word(n, status))));
    let last = word(count, CustomsStatus::Arrived);
    b.say_all("P1", words.collect()).unwrap();
    b.now += 1_000;
    b.say("P1", B::CustomsReported(last))
}

const HELD: &[(&str, CustomsStatus)] = &[("M1", Held)];
const FREE: &[(&str, CustomsStatus)] = &[("M1", Held), ("M1", Released)];

#[rustfmt::skip]
pub const CUSTOMS: &[Case] = &[
    ("", |b| import(b, AtPort), "ok"),
    ("", |b| import(b, Held), "ok CUSTOMS_HELD"),
    ("", |b| import(b, Released), "ok"),
    // By the declarer or an authority; what an authority holds only an authority releases.
    ("", |b| after(b, HELD, None), "ok CUSTOMS_HELD"),
    ("", |b| after(b, FREE, None), "ok"),
    ("", |b| after(b, &[("A1", Held)], None), "ok CUSTOMS_HELD"),
    ("", |b| after(b, &[("A1", Held), ("A1", Released)], None), "ok"),
    ("", |b| after(b, &[("A1", Held), ("M1", Released)], None), "AUTHORITY_REQUIRED"),
    ("", |b| after(b, &[("M1", Held), ("A1", Released), ("M1", Held)], None), "ok CUSTOMS_HELD"),
    ("", |b| after(b, &[("W1", Held)], None), "AUTHORITY_REQUIRED"),
    ("", |b| after(b, &[("M1", Released), ("M1", AtPort)], None), "FIELD_INVALID"),
    ("", |b| after(b, &[("M1", AtPort)], None), "NO_CHANGE"),
    ("", |b| wrong(b, |e| e.status = 0), "FIELD_MISSING"),
    ("", |b| wrong(b, |e| e.direction = 0), "FIELD_MISSING"),
    ("", |b| { import(b, AtPort).unwrap(); let e = CustomsReported { direction: 0, ..customs(b, Held) }; b.say("A1", B::CustomsReported(e)) }, "FIELD_MISSING"),
    ("", |b| wrong(b, |e| e.customs_entry.clear()), "FIELD_MISSING"),
    ("", |b| wrong(b, |e| e.customs_entry = "0706-2026-2".into()), "ok CUSTOMS_HELD"),
    ("", |b| wrong(b, |e| e.office = "x".repeat(65)), "FIELD_INVALID"),
    ("", |b| wrong(b, |e| e.lot = zeros(15)), "FIELD_INVALID"),
    ("", |b| wrong(b, |e| e.lot = zeros(16)), "UNKNOWN_LOT"),
    // What customs hold is not handed over, sold, used or sent away; free when released.
    ("", |b| after(b, HELD, Some(("M1", |b| B::Offered(b.offered('W', "T1", &["import 5"]))))), "HELD_BY_CUSTOMS"),
    ("", |b| after(b, HELD, Some(("M1+W1", |b| B::Traded(b.traded('W', &["import 5"]))))), "HELD_BY_CUSTOMS"),
    ("", |b| after(b, HELD, Some(("M1", |b| B::Used(b.used("import 5", "T1"))))), "ok CUSTOMS_HELD"),
    ("", |b| after(b, HELD, Some(("M1", departing))), "HELD_BY_CUSTOMS"),
    ("", |b| after(b, HELD, Some(("M1", |b| exported(b, Released)))), "HELD_BY_CUSTOMS"),
    ("", |b| after(b, HELD, Some(("M1", dissolving))), "HELD_BY_CUSTOMS"),
    ("tanks", |b| after(b, HELD, Some(("M1", |b| B::Filled(b.filled("import 5", "T1", "V1"))))), "HELD_BY_CUSTOMS"),
    ("tanks", |b| after(b, FREE, Some(("M1", |b| B::Filled(b.filled("import 5", "T1", "V1"))))), "ok"),
    // What runs in a vessel is drawn before it goes out or is declared.
    ("stock tanks filled", |b| { let e = Departed { place: "V1".into(), ..departure(b, "running 1") }; b.say("P1", B::Departed(e)) }, "DRAW_FIRST"),
    ("stock tanks filled", |b| { let e = Exported { customs_status: Released.into(), ..b.exported("running 1", "V1") }; b.say("P1", B::Exported(e)) }, "DRAW_FIRST"),
    ("stock tanks filled", |b| { let e = CustomsReported { lot: b.id("running"), direction: CustomsDirection::Export.into(), ..customs(b, Held) }; b.say("P1", B::CustomsReported(e)) }, "DRAW_FIRST"),
    ("", |b| after(b, HELD, Some(("M1", |b| B::Moved(b.moved("import 5", "T1", "T2"))))), "ok"),
    ("", |b| after(b, HELD, Some(("M1", |b| B::Disposed(b.disposed("import 5", "T1"))))), "ok"),
    ("", |b| after(b, HELD, Some(("M1", |b| B::Counted(b.counted("import", "T1", "100", "", ""))))), "ok"),
    ("", |b| after(b, FREE, Some(("M1", |b| B::Offered(b.offered('W', "T1", &["import 5"]))))), "ok"),
    ("", |b| after(b, FREE, Some(("M1+W1", |b| B::Traded(b.traded('W', &["import 5"]))))), "ok"),
    ("", |b| after(b, FREE, Some(("M1", |b| B::Used(b.used("import 5", "T1"))))), "ok"),
    ("", |b| after(b, FREE, Some(("M1", departing))), "ok ONE_SIDED"),
    ("", |b| after(b, FREE, Some(("M1", dissolving))), "ok"),
    // At the port, not held.
    ("", |b| after(b, &[], Some(("M1", |b| B::Offered(b.offered('W', "T1", &["import 5"]))))), "ok"),
    // Export: an entry of its own.
    ("", |b| after(b, FREE, Some(("M1", |b| exported(b, AtPort)))), "ok"),
    ("", |b| after(b, FREE, Some(("M1", |b| exported(b, Released)))), "ok"),
    ("", |b| after(b, FREE, Some(("M1", |b| exported(b, Held)))), "FIELD_INVALID"),
    ("stock", |b| entries(b, 1, AtPort), "ok"),
    ("stock", |b| entries(b, 15, AtPort), "ok"),
    ("stock", |b| entries(b, 16, AtPort), "FIELD_INVALID"),
    ("stock", |b| entries(b, 16, Released), "ok"),
    ("stock", |b| { let e = CustomsReported { lot: b.id("stock"), direction: CustomsDirection::Export.into(), ..customs(b, Held) }; b.say("W1", B::CustomsReported(e)) }, "AUTHORITY_REQUIRED"),
    // Made here, so never imported.
    ("stock", |b| { let e = CustomsReported { lot: b.id("stock"), ..customs(b, Held) }; b.say("P1", B::CustomsReported(e)) }, "AUTHORITY_REQUIRED"),
    // The lower number is given: 56 of 56 and 70, 70 of 70 and 120, 132 of 132 and 157, 136 of 136 and 157.
    ("", |b| after(b, &[("W1", CustomsStatus::Unspecified)], None), "AUTHORITY_REQUIRED"),
    ("", |b| wrong(b, |e| { e.lot = zeros(16); e.status = 0; }), "FIELD_MISSING"),
    ("", |b| after(b, HELD, Some(("M1", |b| B::Used(b.used("import 101", "T1"))))), "INSUFFICIENT"),
    ("", |b| after(b, HELD, Some(("M1+W1", |b| B::Traded(b.traded('W', &["import 101"]))))), "TITLE_INSUFFICIENT"),
];
