//! Tables of corrections by kind of event: what of each may differ, what makes
//! it another event, and of those that cannot be corrected what to do instead.

use bytes::Bytes;
use hazledger::custody::{Item, Items as _, account, lot, subject};
use hazledger::event::LotId;
use hazledger::pb::event::Body as B;
use hazledger::pb::{
    Arrived, Counted, Departed, Disposed, Exported, Filled, Imported, Incident, IncidentKind,
    NewLot, Opened, PartyStatus, Residue, Sampled, SerialRange, SettlementCause, Transformed, Used,
    Wasted,
};

use super::bench::{Answer, Bench, event, party, register_party};
use super::edges;
use super::rotation::next;
use super::table::Case;
use super::verbs::{consumed, kg, loss, mg, restating, unregulated};

/// Says an event by these keys, and then what it should have been.
fn amend(b: &mut Bench, keys: &str, first: B, then: B) -> Answer {
    b.name("first", keys, first).unwrap();
    b.now += 1_000;
    b.say(keys, restating(b.corrected("first", then)))
}

fn moved(b: &mut Bench, goods: &str, from: &str, to: &str) -> Answer {
    let first = b.moved("stock 100", "T1", "T2");
    let then = b.moved(goods, from, to);
    amend(b, "P1", B::Moved(first), B::Moved(then))
}

/// P's drums 1 and 2 and 100 kg go to T2.
fn moved_drums(b: &mut Bench, goods: &str, to: &str) -> Answer {
    let first = b.moved("stock 100 #1-2", "T1", "T2");
    let then = b.moved(goods, "T1", to);
    amend(b, "P1", B::Moved(first), B::Moved(then))
}

fn counted(b: &mut Bench, first: &str, then: Counted) -> Answer {
    let first = b.counted("stock", "T1", first, "", "");
    amend(b, "P1", B::Counted(first), B::Counted(then))
}

fn wasted(b: &mut Bench, change: impl FnOnce(&mut Wasted)) -> Answer {
    let first = b.wasted("stock 5");
    let mut then = first.clone();
    change(&mut then);
    amend(b, "P1", B::Wasted(first), B::Wasted(then))
}

fn used(b: &mut Bench, change: impl FnOnce(&mut Used)) -> Answer {
    let first = b.used("stock 5", "T1");
    let mut then = first.clone();
    change(&mut then);
    amend(b, "P1", B::Used(first), B::Used(then))
}

/// What of P's stock at T1 is sodium cyanide.
fn content(b: &Bench, kilograms: &str) {
    let id = LotId::from_slice(&b.id("stock")).unwrap();
    let Some(Item::Lot(lot)) = b.state.get(&subject::lot(id)).as_deref().cloned() else {
        panic!("no lot");
    };
    let there = lot::balance(&lot, &account::held(&party('P'), "T1"));
    assert_eq!(there.contained, mg(kilograms));
}

fn lost(b: &mut Bench, goods: &str, then: Incident) -> Answer {
    let first = b.incident(IncidentKind::Missing, goods, "T1");
    amend(b, "P1", B::Incident(first), B::Incident(then))
}

/// W keeps 100 kg of P's 1000, has used 10 of them, and it was 4.
fn kept_and_used_less(b: &mut Bench) {
    let taken = b.accepted("offer", "T1", &["0 take 100"]);
    b.say("W1", B::Accepted(taken)).unwrap();
    let (first, then) = (b.used("stock 10", "T1"), b.used("stock 4", "T1"));
    b.name("first", "W1", B::Used(first)).unwrap();
    b.now += 1_000;
    b.say("W1+P1", restating(b.corrected("first", B::Used(then))))
        .unwrap();
    b.now += 1_000;
}

/// W gives 100 kg back to P, who takes so much, and it should have been so
/// much; then W offers so much more.
fn returned(b: &mut Bench, first: &str, then: &str, more: &str) -> Answer {
    let taken = b.accepted("offer", "T1", &["0 take 100"]);
    b.name("taken", "W1", B::Accepted(taken)).unwrap();
    let offer = b.back('P', "offer", &["stock 100"]);
    b.name("back", "W1", B::Offered(offer)).unwrap();
    let first = b.taken_back("back", "offer", &[first]);
    b.name("first", "P1", B::Accepted(first)).unwrap();
    b.now += 1_000;
    let then = b.taken_back("back", "offer", &[then]);
    let then = b.corrected("first", B::Accepted(then));
    b.say("P1+W1", restating(then)).unwrap();
    b.now += 1_000;
    b.say("W1", B::Offered(b.back('P', "offer", &[more])))
}

/// 30 kg (29.4 kg pure) and 68 kg of water into 98 kg of 30 %.
fn dissolved(b: &mut Bench, change: impl FnOnce(&mut Transformed)) -> Answer {
    let first = b.transformed("stock 30", "68", "98");
    let mut then = first.clone();
    change(&mut then);
    amend(b, "P1", B::Transformed(first), B::Transformed(then))
}

fn produced(b: &mut Bench, change: impl FnOnce(&mut NewLot)) -> Answer {
    let mut lot = b.lot("stock", "1000", "T1");
    change(&mut lot);
    let restated = B::Produced(hazledger::pb::Produced { lot: Some(lot) });
    b.say("P1", restating(b.corrected("stock", restated)))
}

fn assayed(b: &mut Bench, content_ppm: u32) {
    b.say("P1", B::Assayed(b.assayed("stock", content_ppm)))
        .unwrap();
    b.now += 1_000;
}

#[rustfmt::skip]
pub const KINDS: &[Case] = &[
    // What entered: its mass, its content, its place, its papers.
    ("stock", |b| produced(b, |l| l.content_ppm = 970_000), "ok"),
    ("stock", |b| produced(b, |l| l.content_ppm = 990_000), "ok"),
    ("stock", |b| produced(b, |l| { l.content_ppm = 970_000; l.quantity = kg("990"); }), "ok"),
    ("stock", |b| produced(b, |l| l.content_ppm = 0), "CONTENT_INVALID"),
    ("stock", |b| produced(b, |l| l.label_hash = Bytes::from_static(&[9; 32])), "ok"),
    ("stock", |b| produced(b, |l| l.label_hash.clear()), "PAPERS_MISSING"),
    ("stock", |b| produced(b, |l| l.form = "NACN-3414".into()), "CANNOT_CORRECT"),
    // All of it is gone: nobody has matter with that content any more.
    ("stock", |b| { b.say("P1", B::Used(b.used("stock 1000", "T1"))).unwrap(); produced(b, |l| l.content_ppm = 990_000) }, "ok CORRECTION_NOT_COVERED"),
    ("stock", |b| { b.say("P1", B::Used(b.used("stock 1000", "T1"))).unwrap(); produced(b, |l| l.content_ppm = 970_000) }, "ok CORRECTION_NOT_COVERED"),
    // An assay stands, whatever was thought before.
    ("stock", |b| { assayed(b, 960_000); produced(b, |l| l.content_ppm = 970_000) }, "CANNOT_CORRECT"),
    ("stock", |b| { assayed(b, 960_000); produced(b, |l| l.quantity = kg("990")) }, "ok"),
    ("", |b| { let first = b.imported("L", "1", "T1"); let then = Imported { customs_entry: "0706-2026-2".into(), ..first.clone() }; amend(b, "W1", B::Imported(first), B::Imported(then)) }, "ok"),
    ("", |b| { let first = b.imported("L", "1", "T1"); let then = Imported { country: "Kazakhstan".into(), ..first.clone() }; amend(b, "W1", B::Imported(first), B::Imported(then)) }, "FIELD_INVALID"),
    ("", |b| { let first = b.opened("L", "1", "T1"); let then = Opened { provenance: "from the old works".into(), ..first.clone() }; amend(b, "P1+P2", B::Opened(first), B::Opened(then)) }, "ok"),
    // Moved: how much, from where and where to.
    ("stock", |b| moved(b, "stock 90", "T1", "T2"), "ok"),
    ("stock", |b| moved(b, "stock 110", "T1", "T2"), "ok"),
    ("stock", |b| moved(b, "stock 100", "T2", "T1"), "ok CORRECTION_NOT_COVERED"),
    ("stock", |b| moved(b, "stock 100", "T1", "T1"), "NO_CHANGE"),
    ("stock", |b| moved(b, "stock 100", "T1", "T2"), "NO_CHANGE"),
    ("stock", |b| moved(b, "stock 100", "T1", "T9"), "UNKNOWN_PLACE"),
    ("stock other", |b| moved(b, "other 100", "T1", "T2"), "CANNOT_CORRECT"),
    ("stock", |b| moved(b, "stock 2000", "T1", "T2"), "ok CORRECTION_NOT_COVERED"),
    // Packages went where they went; the loose mass beside them may differ.
    ("stock drums", |b| moved_drums(b, "stock 90 #1-2", "T2"), "ok"),
    ("stock drums", |b| moved_drums(b, "stock #1-2", "T2"), "ok"),
    ("stock drums", |b| moved_drums(b, "stock 100 #1-3", "T2"), "CANNOT_CORRECT"),
    ("stock drums", |b| moved_drums(b, "stock 100 #1-2", "T1"), "CANNOT_CORRECT"),
    // Counted: what was seen of the loose matter.
    ("stock", |b| { let e = b.counted("stock", "T1", "900", "", ""); counted(b, "950", e) }, "ok"),
    ("stock", |b| { let e = b.counted("stock", "T1", "1000", "", ""); counted(b, "950", e) }, "ok"),
    ("stock", |b| { let e = b.counted("stock", "T1", "1050", "", ""); counted(b, "950", e) }, "ok"),
    ("stock", |b| { let e = b.counted("stock", "T1", "950", "", ""); counted(b, "950", e) }, "NO_CHANGE"),
    ("stock", |b| { let e = b.counted("stock", "T1", "-1mg", "", ""); counted(b, "950", e) }, "MASS_NOT_POSITIVE"),
    ("stock", |b| { let e = b.counted("stock", "T2", "950", "", ""); counted(b, "950", e) }, "CANNOT_CORRECT"),
    ("stock drums", |b| { let e = b.counted("stock", "T1", "400", "", ""); counted(b, "500", e) }, "CANNOT_CORRECT"),
    // Used, disposed of, exported: mass, place and words.
    // All that is not offered is taken: what is offered keeps its content.
    ("stock offer", |b| { let a = used(b, |e| e.goods.as_mut().unwrap().loose = kg("900")); content(b, "98"); a }, "ok"),
    ("stock", |b| { let a = used(b, |e| e.goods.as_mut().unwrap().loose = kg("1000")); content(b, "0"); a }, "ok"),
    ("stock", |b| used(b, |e| e.goods.as_mut().unwrap().loose = kg("6")), "ok"),
    ("stock", |b| used(b, |e| e.purpose = "assay samples".into()), "ok"),
    ("stock", |b| used(b, |e| e.purpose.clear()), "FIELD_MISSING"),
    ("stock", |b| used(b, |e| e.place = "T9".into()), "UNKNOWN_PLACE"),
    ("stock", |b| used(b, |e| e.place = "T2".into()), "ok CORRECTION_NOT_COVERED"),
    ("stock drums", |b| used(b, |e| e.goods.as_mut().unwrap().serials.push(SerialRange { first: 1, last: 1 })), "CANNOT_CORRECT"),
    ("stock", |b| { let first = b.disposed("stock 5", "T1"); let then = Disposed { certificate_hash: Bytes::from_static(&[8; 31]), ..first.clone() }; amend(b, "P1", B::Disposed(first), B::Disposed(then)) }, "FIELD_INVALID"),
    ("stock", |b| { let first = b.disposed("stock 5", "T1"); let then = Disposed { method: "D9".into(), ..first.clone() }; amend(b, "P1", B::Disposed(first), B::Disposed(then)) }, "ok"),
    ("stock", |b| { let first = b.exported("stock 5", "T1"); let then = Exported { goods: b.goods("stock 4"), ..first.clone() }; amend(b, "P1", B::Exported(first), B::Exported(then)) }, "ok"),
    // A keeper used an owner's goods, and less of them: the rest is the owner's.
    ("stock offer", |b| { kept_and_used_less(b); b.say("W1+M1", B::Traded(b.traded('M', &["stock 1mg"]))) }, "TITLE_INSUFFICIENT"),
    ("stock offer", |b| { kept_and_used_less(b); b.say("P1+M1", B::Traded(b.traded('M', &["stock 996"]))) }, "ok"),
    // Thought stolen, and it was spilled.
    ("stock", |b| { let e = b.incident(IncidentKind::Released, "stock 5", "T1"); lost(b, "stock 5", e) }, "ok"),
    ("stock", |b| { let e = b.incident(IncidentKind::Released, "stock 4", "T1"); lost(b, "stock 5", e) }, "ok"),
    ("stock", |b| { let e = b.incident(IncidentKind::Unspecified, "stock 5", "T1"); lost(b, "stock 5", e) }, "FIELD_MISSING"),
    ("stock drums", |b| { let e = b.incident(IncidentKind::Released, "stock #1", "T1"); lost(b, "stock #1", e) }, "CANNOT_CORRECT"),
    ("stock", |b| { let mut e = b.incident(IncidentKind::Missing, "stock 5", "T1"); e.at = None; lost(b, "stock 5", e) }, "CANNOT_CORRECT"),
    ("stock drums theft", |b| { let (first, then) = (b.recovered("stock 5", "T1"), b.recovered("stock 4", "T2")); amend(b, "P1", B::Recovered(first), B::Recovered(then)) }, "ok"),
    ("stock drums theft", |b| { let (first, then) = (b.recovered("stock 5", "T1"), b.recovered("stock 6", "T1")); amend(b, "P1", B::Recovered(first), B::Recovered(then)) }, "ok CORRECTION_NOT_COVERED"),
    // Waste: mass, place and code; its lot follows.
    ("stock", |b| { let goods = b.goods("stock 4"); wasted(b, |e| e.goods = goods) }, "ok"),
    ("stock", |b| { let goods = b.goods("stock 6"); wasted(b, |e| e.goods = goods) }, "ok"),
    ("stock", |b| wasted(b, |e| e.waste_code = "900-029-33".into()), "ok"),
    ("stock", |b| wasted(b, |e| e.waste_code = "900-29-33".into()), "FIELD_INVALID"),
    ("stock", |b| wasted(b, |e| e.label = "other waste".into()), "CANNOT_CORRECT"),
    ("stock", |b| { b.name("first", "P1", B::Wasted(b.wasted("stock 5"))).unwrap(); b.say("P1", B::Disposed(b.disposed("first 5", "T1"))).unwrap(); b.say("P1", restating(b.corrected("first", B::Wasted(b.wasted("stock 4"))))) }, "ok CORRECTION_NOT_COVERED"),
    // Transformed: every figure, as long as it balances.
    ("stock", |b| dissolved(b, |_| ()), "NO_CHANGE"),
    ("stock", |b| dissolved(b, |e| e.outputs[0].quantity = kg("97")), "ok CORRECTION_NOT_COVERED"),
    ("stock", |b| dissolved(b, |e| { e.inert[0].quantity = kg("67"); e.outputs[0].quantity = kg("97"); e.consumed.push(consumed("0.3")); }), "ok"),
    ("stock", |b| { let goods = b.goods("stock 31"); dissolved(b, |e| { e.inputs[0].goods = goods; e.outputs[0].quantity = kg("99"); e.consumed.push(consumed("0.68")); }) }, "ok"),
    ("stock", |b| dissolved(b, |e| { e.outputs[0].quantity = kg("97"); e.losses.push(loss("1", "0.3")); }), "ok"),
    ("stock", |b| dissolved(b, |e| { e.outputs[0].quantity = kg("97"); e.unregulated.push(unregulated("1")); e.consumed.push(consumed("0.3")); }), "ok"),
    ("stock", |b| dissolved(b, |e| { e.outputs[0].content_ppm = 299_000; e.consumed.push(consumed("0.098")); }), "ok"),
    ("stock", |b| dissolved(b, |e| e.outputs[0].place = "T1".into()), "ok"),
    ("stock", |b| dissolved(b, |e| e.outputs[0].quantity = kg("99")), "NOT_CONSERVED"),
    ("stock", |b| dissolved(b, |e| e.consumed.push(consumed("0.000001"))), "NOT_CONSERVED"),
    ("stock", |b| dissolved(b, |e| { let more = e.outputs[0].clone(); e.outputs.push(more); }), "CANNOT_CORRECT"),
    ("stock", |b| dissolved(b, |e| e.outputs[0].label = "brine".into()), "CANNOT_CORRECT"),
    ("stock", |b| dissolved(b, |e| e.inputs[0].place = "T9".into()), "UNKNOWN_PLACE"),
    ("stock", |b| dissolved(b, |e| e.inert[0].name.clear()), "FIELD_MISSING"),
    ("stock", |b| dissolved_short(b), "ok"),
    // Corrected, and that corrected, in one statement.
    ("stock", |b| dissolved_twice(b), "ok"),
    // Custody of what was made has moved on.
    ("stock", |b| { b.name("first", "P1", B::Transformed(b.transformed("stock 30", "68", "98"))).unwrap(); sold(b); b.say("P1", restating(less_water(b))) }, "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock", |b| { b.name("first", "P1", B::Transformed(b.transformed("stock 30", "68", "98"))).unwrap(); sold(b); b.say("P1+W1", restating(less_water(b))) }, "ok CORRECTION_NOT_COVERED"),
    // The lower number is given: 70 of 70 and 101, 71 of 71 and 143, 73 of 73 and 101, 101 of 101 and 138, 57 of 57 and 138.
    ("stock", |b| used(b, |e| { e.purpose.clear(); e.place = "T9".into(); }), "FIELD_MISSING"),
    ("stock", |b| dissolved(b, |e| { e.outputs[0].place = "T9".into(); e.outputs[0].quantity = kg("99"); }), "UNKNOWN_PLACE"),
    ("stock offer taken", |b| dissolved(b, |e| e.outputs[0].quantity = kg("99")), "COUNTERPART_SIGNATURE_REQUIRED"),
];

fn dissolved_twice(b: &mut Bench) -> Answer {
    let first = b.transformed("stock 30", "68", "98");
    b.name("first", "P1", B::Transformed(first.clone()))
        .unwrap();
    b.now += 1_000;
    let less = |water: &str, out: &str, gone: &str| {
        let mut then = first.clone();
        then.inert[0].quantity = kg(water);
        then.outputs[0].quantity = kg(out);
        then.consumed.push(consumed(gone));
        event(restating(b.corrected("first", B::Transformed(then))))
    };
    let both = vec![less("67", "97", "0.3"), less("66", "96", "0.6")];
    b.say_all("P1", both)
}

/// A kilogram was short; now it is found to have been a loss.
fn dissolved_short(b: &mut Bench) -> Answer {
    let first = b.transformed("stock 30", "68", "97");
    let mut then = first.clone();
    then.losses.push(loss("1", "0.3"));
    amend(b, "P1", B::Transformed(first), B::Transformed(then))
}

/// All of the solution goes to W.
fn sold(b: &mut Bench) {
    let offer = b.offered('W', "T2", &["first 98"]);
    b.name("sale", "P1", B::Offered(offer)).unwrap();
    let taken = b.accepted("sale", "T1", &["0 take 98"]);
    b.say("W1", B::Accepted(taken)).unwrap();
    b.now += 1_000;
}

fn less_water(b: &Bench) -> hazledger::pb::Corrected {
    let mut then = b.transformed("stock 30", "67", "97");
    then.consumed.push(consumed("0.3"));
    b.corrected("first", B::Transformed(then))
}

/// W has taken P's 100 kg so, and it should have been so.
fn taken(b: &mut Bench, keys: &str, first: &[&str], then: &[&str]) -> Answer {
    let first = b.accepted("offer", "T1", first);
    b.name("first", "W1", B::Accepted(first)).unwrap();
    b.now += 1_000;
    let then = b.accepted("offer", "T1", then);
    b.say(keys, restating(b.corrected("first", B::Accepted(then))))
}

/// A correction of an acceptance, and one of that.
fn taken_again(b: &mut Bench, first: &str, second: &str) -> Answer {
    taken(b, "W1+P1", &["0 take 100"], &[first]).unwrap();
    b.now += 1_000;
    let then = b.accepted("offer", "T1", &[second]);
    b.say("W1+P1", restating(b.corrected("first", B::Accepted(then))))
}

/// P pours so much into its empty vessel, and it should have been so much.
fn filled(b: &mut Bench, first: &str, then: &str) -> Answer {
    let (first, then) = (b.filled(first, "T1", "V1"), b.filled(then, "T1", "V1"));
    amend(b, "P1", B::Filled(first), B::Filled(then))
}

/// Pours as many lots of 10 kg as one running lot is made of.
fn fill_up(b: &mut Bench) {
    for n in 0..63 {
        let label = format!("L{n}");
        let made = b.produced(&label, "10", "T1");
        b.name(&label, "P1", B::Produced(made)).unwrap();
        let poured = b.filled(&format!("{label} 10"), "T1", "V1");
        let name = if n == 0 { "running" } else { "poured" };
        b.name(name, "P1", B::Filled(poured)).unwrap();
        b.now += 1_000;
    }
}

/// P draws so much, says something else, and it should have been so much.
fn drawn(b: &mut Bench, first: &str, between: Option<&str>, then: &str) -> Answer {
    let (first, then) = (b.drawn("V1", first, "T2"), b.drawn("V1", then, "T2"));
    b.name("first", "P1", B::Drawn(first)).unwrap();
    if let Some(used) = between {
        let used = b.used(&format!("first {used}"), "T2");
        b.say("P1", B::Used(used)).unwrap();
    }
    b.now += 1_000;
    b.say("P1", restating(b.corrected("first", B::Drawn(then))))
}

fn sampled(b: &mut Bench, change: impl FnOnce(&mut Sampled)) -> Answer {
    let first = b.sampled("stock 1");
    let mut then = first.clone();
    change(&mut then);
    amend(b, "P1", B::Sampled(first), B::Sampled(then))
}

/// What came from outside, confirmed or not; then restated.
fn arrived(b: &mut Bench, confirmed: bool, change: impl FnOnce(&mut Arrived)) -> Answer {
    let first = edges::arrival(b);
    let mut then = first.clone();
    change(&mut then);
    b.name("arrived", "P1", B::Arrived(first)).unwrap();
    if confirmed {
        let word = edges::word(b, "arrived", "arrived", "100");
        b.say("A1", B::Confirmed(word)).unwrap();
    }
    b.now += 1_000;
    b.say("P1", restating(b.corrected("arrived", B::Arrived(then))))
}

fn departed(b: &mut Bench, goods: &str, change: impl FnOnce(&mut Departed)) -> Answer {
    let first = edges::departure(b, "stock 100");
    let mut then = edges::departure(b, goods);
    change(&mut then);
    amend(b, "P1", B::Departed(first), B::Departed(then))
}

#[rustfmt::skip]
pub const VESSELS_AND_EDGES: &[Case] = &[
    // More or less was poured in; some of it is gone again.
    ("stock tanks", |b| filled(b, "stock 400", "stock 390"), "ok"),
    ("stock tanks", |b| filled(b, "stock 400", "stock 410"), "ok"),
    ("stock tanks", |b| filled(b, "stock 400", "stock 400"), "NO_CHANGE"),
    ("stock tanks", |b| filled(b, "stock 400", "stock 1001"), "ok CORRECTION_NOT_COVERED"),
    ("stock tanks filled", |b| filled(b, "stock 100", "stock 90"), "ok"),
    ("stock tanks filled", |b| { let first = b.filled("stock 100", "T1", "V1"); let then = Filled { vessel: "V2".into(), ..first.clone() }; amend(b, "P1", B::Filled(first), B::Filled(then)) }, "CANNOT_CORRECT"),
    // What is found beside all that it is made of has its place.
    ("tanks", |b| { fill_up(b); b.say("P1", B::Counted(b.counted("running", "V1", "631", "", ""))) }, "ok COUNT_OVER"),
    // It began a new running lot with all that was there.
    ("stock tanks", |b| { fill_up(b); filled(b, "stock 10", "stock 9") }, "CANNOT_CORRECT"),
    ("stock other tanks", |b| filled(b, "stock 400", "other 400"), "CANNOT_CORRECT"),
    ("stock tanks filled", |b| drawn(b, "100", None, "90"), "ok"),
    ("stock tanks filled", |b| drawn(b, "100", None, "110"), "ok"),
    ("stock tanks filled", |b| drawn(b, "100", Some("100"), "90"), "ok CORRECTION_NOT_COVERED"),
    ("stock tanks filled", |b| drawn(b, "100", None, "401"), "ok CORRECTION_NOT_COVERED"),
    ("stock tanks filled", |b| drawn(b, "100", None, "0mg"), "MASS_NOT_POSITIVE"),
    // All of it was drawn, and it was not all: the rest stands where it stood.
    ("stock tanks filled", |b| drawn(b, "400", None, "390"), "ok"),
    // A sample, and what crossed the edge.
    ("stock", |b| sampled(b, |e| e.goods.as_mut().unwrap().loose = kg("2")), "ok"),
    ("stock", |b| sampled(b, |e| e.purpose = "arbitration".into()), "ok"),
    ("stock", |b| sampled(b, |e| e.purpose.clear()), "FIELD_MISSING"),
    ("stock", |b| sampled(b, |e| e.label.push('x')), "CANNOT_CORRECT"),
    ("", |b| arrived(b, false, |e| e.lot.as_mut().unwrap().quantity = kg("99")), "ok ONE_SIDED"),
    // It had been confirmed at another mass: it waits again.
    ("", |b| arrived(b, true, |e| e.lot.as_mut().unwrap().quantity = kg("99")), "ok ONE_SIDED"),
    // Other papers are nothing to confirm.
    ("", |b| arrived(b, true, |e| e.lot.as_mut().unwrap().label_hash = Bytes::from_static(&[9; 32])), "ok"),
    ("", |b| arrived(b, false, |e| e.from = Some(edges::abroad())), "CANNOT_CORRECT"),
    ("stock", |b| departed(b, "stock 90", |_| ()), "ok ONE_SIDED"),
    ("stock", |b| departed(b, "stock 1001", |_| ()), "ok CORRECTION_NOT_COVERED ONE_SIDED"),
    ("stock", |b| departed(b, "stock 100", |e| e.to = Some(edges::abroad())), "CANNOT_CORRECT"),
];

#[rustfmt::skip]
pub const TAKEN: &[Case] = &[
    // Short, and it was all there; and the other way round.
    ("stock offer", |b| taken(b, "W1+P1", &["0 take 90"], &["0 take 100"]), "ok"),
    ("stock offer", |b| taken(b, "W1+P1", &["0 take 90"], &["0 take 99.9"]), "ok"),
    ("stock offer", |b| taken(b, "W1+P1", &["0 take 90"], &["0 take 80"]), "ok CORRECTION_NOT_COVERED"),
    ("stock offer", |b| taken(b, "W1+P1", &["0 take 100"], &["0 take 90"]), "ok CORRECTION_NOT_COVERED"),
    ("stock offer", |b| taken(b, "W1+P1", &["0 take 100"], &["0 take 110"]), "ok CORRECTION_NOT_COVERED"),
    ("stock offer", |b| taken(b, "W1+P1", &["0 take 100"], &["0 take 99.9"]), "ok"),
    ("stock offer", |b| taken(b, "W1+P1", &["0 take 110"], &["0 take 100"]), "ok"),
    ("stock offer", |b| taken(b, "W1+P1", &["0 take 90"], &["0 take 90"]), "NO_CHANGE"),
    ("stock offer", |b| taken(b, "W1+P1", &["0 take 90"], &["0 take 90 check 90"]), "ok"),
    ("stock offer", |b| taken(b, "W1+P1", &["0 take 90"], &["0 take 0mg"]), "MASS_NOT_POSITIVE"),
    ("stock offer", |b| taken(b, "W1+P1", &["0 take 90"], &["0 take 90 refuse 10"]), "CANNOT_CORRECT"),
    ("stock offer", |b| taken(b, "W1+P1", &["0 take 90"], &["1 take 100"]), "CANNOT_CORRECT"),
    // By both sides, or an authority.
    ("stock offer", |b| taken(b, "W1", &["0 take 90"], &["0 take 100"]), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock offer", |b| taken(b, "W1+A1", &["0 take 90"], &["0 take 100"]), "ok"),
    ("stock offer", |b| taken(b, "A1", &["0 take 90"], &["0 take 100"]), "ok"),
    ("stock offer", |b| taken(b, "P1+W1", &["0 take 90"], &["0 take 100"]), "CANNOT_CORRECT"),
    // The dispute has been settled meanwhile, or W has used it all.
    ("stock offer short settled", |b| { let then = b.accepted("offer", "T1", &["0 take 100"]); b.say("W1+P1", restating(b.corrected("dispute", B::Accepted(then)))) }, "ok CORRECTION_NOT_COVERED"),
    ("stock offer short", |b| { b.say("W1", B::Used(b.used("stock 90", "T1"))).unwrap(); let then = b.accepted("offer", "T1", &["0 take 50"]); b.say("W1+P1", restating(b.corrected("dispute", B::Accepted(then)))) }, "ok CORRECTION_NOT_COVERED"),
    // Packages in the line are counted.
    ("stock drums drum-offer drum-lost", |b| { let then = b.accepted("drum-offer", "T1", &["0 take #1-4"]); b.say("W1+P1", restating(b.corrected("dispute", B::Accepted(then)))) }, "CANNOT_CORRECT"),
    ("stock drums drum-offer drum-lost", |b| { let then = b.accepted("drum-offer", "T1", &["0 take 1 #1-3"]); b.say("W1+P1", restating(b.corrected("dispute", B::Accepted(then)))) }, "CANNOT_CORRECT"),
    // What has gone back counts as corrected: nothing more is out, or again.
    ("stock offer", |b| returned(b, "0 take 90 refuse 10", "0 take 99 refuse 10", "stock 2"), "RETURN_DISAGREES"),
    ("stock offer", |b| returned(b, "0 take 90 refuse 10", "0 take 80 refuse 10", "stock 11"), "INSUFFICIENT"),
    // A correction taken back leaves nothing in dispute.
    ("stock offer", |b| taken_again(b, "0 take 90", "0 take 100"), "ok"),
    ("stock offer", |b| taken_again(b, "0 take 90", "0 take 95"), "ok"),
    ("stock offer", |b| taken_again(b, "0 take 90", "0 take 85"), "ok CORRECTION_NOT_COVERED"),
];

/// Set-up steps; an event said by these keys; and what the refusal of its
/// correction says to do instead.
type Instead = (&'static str, &'static str, fn(&Bench) -> B, &'static str);

#[rustfmt::skip]
const INSTEAD: &[Instead] = &[
    ("stock", "P1", |b| B::Offered(b.offered('W', "T1", &["stock 1"])), "withdraw the offer"),
    ("stock offer", "W1", |b| B::Declined(b.declined("offer")), "make another"),
    ("stock offer", "P1", |b| B::Withdrawn(b.withdrawn("offer")), "make another"),
    ("stock", "P1", |b| B::Assayed(b.assayed("stock", 970_000)), "assay the lot again"),
    ("stock", "P1", |b| B::Packed(b.packed("stock", "T1", "1-2", "5")), "count the packages"),
    ("stock held-back", "W1", |b| B::Accepted(b.accepted("late", "T1", &["0 take 100"])), "settle what differs"),
    ("stock waybill loaded", "C1+W1", |b| B::Relayed(b.relayed("truck", 'W')), "relay the consignment again"),
    ("stock waybill loaded", "C1", |b| B::Reported(b.reported("truck")), "report again"),
    ("stock", "P1+W1", |b| B::Traded(b.traded('W', &["stock 1"])), "trade the difference"),
    ("stock offer short", "P1+W1", |b| B::Settled(b.settled("dispute", SettlementCause::Scale, "10")), "counted or recovered"),
    ("stock tanks filled", "P1", |b| B::Cleaned(b.cleaned("V1", "100", &[(Residue::Rinse, "500", 784_000)])), "what came out of it"),
    ("stock drums", "P1", |b| B::Aggregated(b.aggregated("PAL-1", "1-2")), "close the outer packing again"),
    ("stock drums", "P1", |b| B::Repacked(b.repacked("stock #1-2", "11-12", "50", "0")), "repack again"),
    ("", "A1", |_| register_party('D', PartyStatus::Closed), "register again"),
    ("", "P1", |b| B::KeyRevoked(b.revoked("P2")), "register another key"),
    ("", "A1+A2", |b| B::LedgerKeyRotated(next(b)), "rotate the ledger's key again"),
];

/// Every kind that cannot be corrected says what to do instead.
pub fn say_what_to_do_instead() {
    for (steps, keys, body, wanted) in INSTEAD {
        let mut b = Bench::new();
        b.set_up(steps);
        let body = body(&b);
        b.name("first", keys, body.clone()).unwrap();
        b.now += 1_000;
        let refused = b
            .say(keys, restating(b.corrected("first", body.clone())))
            .unwrap_err();
        let kind = hazledger::event::statement::kind_of(&event(body));
        assert_eq!(
            hazledger::event::codes::name(refused.code),
            "CANNOT_CORRECT",
            "{kind:?}"
        );
        let said = refused.to_string();
        assert!(said.contains(wanted), "{kind:?}: '{said}' lacks '{wanted}'");
    }
}
