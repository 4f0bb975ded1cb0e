//! Tables of goods that were refused at the gate and go on, and of goods that
//! change carriers where and when it is said.

use hazledger::pb::event::Body as B;
use hazledger::pb::{EventRef, Offered, Relayed, RuleKind, RuleLine, RuleMode};

use super::bench::{Answer, Bench, HOUR, NOBODY, hash, party};
use super::rulebook::rule;
use super::table::Case;
use super::waybills;

/// C has 200 kg aboard for M, who declines them, or takes some of them.
fn refused(b: &mut Bench, lines: &[&str]) {
    b.name(
        "gate",
        "C1",
        B::Offered(b.delivered('M', "truck", &["stock 200"])),
    )
    .unwrap();
    b.now += 1_000;
    match lines {
        [] => b.say("M1", B::Declined(b.declined("gate"))),
        lines => b.say("M1", B::Accepted(b.accepted("gate", "T1", lines))),
    }
    .unwrap();
    b.now += 1_000;
}

fn on(b: &Bench, taker: char, goods: &str, instead_of: &str) -> Offered {
    Offered {
        instead_of: Some(b.event(instead_of)),
        ..b.delivered(taker, "truck", &[goods])
    }
}

/// What M refused is offered to another, or back to P.
fn go_on(b: &mut Bench, lines: &[&str], taker: char, goods: &str) -> Answer {
    refused(b, lines);
    let e = on(b, taker, goods, "gate");
    b.name("on", "C1", B::Offered(e))
}

/// And taken.
fn gone_on(b: &mut Bench, taker: char) -> Answer {
    go_on(b, &[], taker, "stock 200").unwrap();
    let e = b.accepted("on", "T1", &["0 take 200"]);
    b.say(&format!("{taker}1"), B::Accepted(e))
}

/// Back at P's they are sent again by D; the new consignment names the old.
fn again(b: &mut Bench, change: impl FnOnce(&Bench, &mut Offered)) -> Answer {
    gone_on(b, 'P').unwrap();
    b.now += 1_000;
    let mut e = Offered {
        instead_of: Some(b.event("truck")),
        ..b.shipped('D', 'W', "T1", &["stock 200"])
    };
    change(b, &mut e);
    b.say("P1", B::Offered(e))
}

/// Seventeen times a kilogram of what was refused; the last is one too many.
fn in_pieces(b: &mut Bench) -> Answer {
    refused(b, &[]);
    for _ in 0..16 {
        let e = on(b, 'W', "stock 1", "gate");
        b.say("C1", B::Offered(e)).unwrap();
    }
    let e = on(b, 'W', "stock 1", "gate");
    b.say("C1", B::Offered(e))
}

#[rustfmt::skip]
pub const ON: &[Case] = &[
    ("stock waybill loaded", |b| go_on(b, &[], 'W', "stock 200"), "ok"),
    ("stock waybill loaded", |b| go_on(b, &[], 'P', "stock 200"), "ok"),
    ("stock waybill loaded", |b| go_on(b, &[], 'W', "stock 50"), "ok"),
    // No more than was refused, or still stands in the vehicle.
    ("stock waybill loaded", |b| go_on(b, &["0 take 150 refuse 50"], 'W', "stock 50"), "ok"),
    ("stock waybill loaded", |b| go_on(b, &["0 take 150 aboard 50"], 'W', "stock 50"), "ok"),
    ("stock waybill loaded", |b| go_on(b, &["0 take 100 refuse 50 aboard 50"], 'W', "stock 100"), "ok"),
    ("stock waybill loaded", |b| { b.name("first", "C1", B::Offered(b.delivered('M', "truck", &["stock 50"]))).unwrap(); b.say("M1", B::Declined(b.declined("first"))).unwrap(); let e = on(b, 'W', "stock 50.000001", "first"); b.say("C1", B::Offered(e)) }, "INSTEAD_DISAGREES"),
    ("stock waybill loaded", |b| { b.name("first", "C1", B::Offered(b.delivered('M', "truck", &["stock 50"]))).unwrap(); b.say("M1", B::Accepted(b.accepted("first", "T1", &["0 take 50"]))).unwrap(); let e = on(b, 'W', "stock 1", "first"); b.say("C1", B::Offered(e)) }, "INSTEAD_DISAGREES"),
    // Of an offer that is closed, and was refused.
    ("stock waybill loaded", |b| { b.name("gate", "C1", B::Offered(b.delivered('M', "truck", &["stock 100"]))).unwrap(); let e = on(b, 'W', "stock 100", "gate"); b.say("C1", B::Offered(e)) }, "INSTEAD_DISAGREES"),
    ("stock waybill loaded", |b| { b.name("gate", "C1", B::Offered(b.delivered('M', "truck", &["stock 100"]))).unwrap(); b.say("C1", B::Withdrawn(b.withdrawn("gate"))).unwrap(); let e = on(b, 'W', "stock 100", "gate"); b.say("C1", B::Offered(e)) }, "INSTEAD_DISAGREES"),
    ("stock waybill loaded", |b| { let e = on(b, 'W', "stock 100", "truck"); b.say("C1", B::Offered(e)) }, "INSTEAD_DISAGREES"),
    ("stock waybill loaded", |b| { let e = on(b, 'W', "stock 100", "ghost"); b.say("C1", B::Offered(e)) }, "UNKNOWN_OFFER"),
    ("stock waybill loaded", |b| { refused(b, &[]); let e = Offered { instead_of: Some(EventRef { event_digest: hash("x"), ..b.event("gate") }), ..b.delivered('W', "truck", &["stock 200"]) }; b.say("C1", B::Offered(e)) }, "EVENT_DIGEST_DIFFERS"),
    ("stock waybill loaded", |b| { refused(b, &[]); let e = Offered { instead_of: Some(EventRef { party: party(NOBODY), ..EventRef::default() }), ..b.delivered('W', "truck", &["stock 200"]) }; b.say("C1", B::Offered(e)) }, "FIELD_INVALID"),
    ("stock waybill loaded", |b| { refused(b, &[]); let e = on(b, 'W', "stock 200", "gate"); b.say("P1", B::Offered(e)) }, "NOT_THE_CARRIER"),
    ("stock waybill loaded", in_pieces, "INSTEAD_DISAGREES"),
    // At the other gate: back to its sender without a word, to another with one.
    ("stock waybill loaded", |b| gone_on(b, 'P'), "ok"),
    ("stock waybill loaded", |b| gone_on(b, 'W'), "ok GOODS_DIVERTED"),
    ("stock waybill loaded", |b| { refused(b, &[]); b.name("on", "C1", B::Offered(b.delivered('W', "truck", &["stock 200"]))).unwrap(); let e = b.accepted("on", "T1", &["0 take 200"]); b.say("W1", B::Accepted(e)) }, "ok GOODS_ABOARD_NOT_CONSIGNED_HERE"),
    // Another carrier has them meanwhile.
    ("stock waybill loaded", |b| { refused(b, &[]); b.say("C1+W1", B::Relayed(b.relayed("truck", 'W'))).unwrap(); let e = on(b, 'P', "stock 200", "gate"); b.say("W1", B::Offered(e)) }, "ok"),
    // A new consignment instead of the old.
    ("stock waybill loaded", |b| again(b, |_, _| ()), "ok"),
    ("stock waybill loaded", |b| again(b, |_, e| e.carriage = None), "INSTEAD_DISAGREES"),
    ("stock waybill loaded", |b| again(b, |b, e| e.instead_of = Some(b.event("gate"))), "INSTEAD_DISAGREES"),
    ("stock waybill loaded", |b| again(b, |b, e| e.lines = b.offered('D', "T1", &["stock 200.1"]).lines), "INSTEAD_DISAGREES"),
    ("stock waybill loaded", |b| { let e = Offered { instead_of: Some(b.event("truck")), ..b.shipped('C', 'W', "T1", &["stock 1"]) }; b.say("P1", B::Offered(e)) }, "ok"),
    ("stock waybill", |b| { let e = Offered { instead_of: Some(b.event("truck")), ..b.shipped('D', 'W', "T1", &["stock 1"]) }; b.say("P1", B::Offered(e)) }, "INSTEAD_DISAGREES"),
    ("stock waybill", |b| { b.say("C1", B::Declined(b.declined("truck"))).unwrap(); let e = Offered { instead_of: Some(b.event("truck")), ..b.shipped('D', 'W', "T1", &["stock 200"]) }; b.say("P1", B::Offered(e)) }, "ok"),
    ("stock offer taken waybill", |b| { b.say("C1", B::Declined(b.declined("truck"))).unwrap(); let e = Offered { instead_of: Some(b.event("truck")), ..b.shipped('D', 'M', "T1", &["stock 50"]) }; b.say("W1", B::Offered(e)) }, "INSTEAD_DISAGREES"),
];

fn relay(b: &mut Bench, change: impl FnOnce(&Bench, &mut Relayed)) -> Answer {
    b.now += HOUR;
    let mut e = b.relayed("truck", 'C');
    change(b, &mut e);
    b.say("C1", B::Relayed(e))
}

#[rustfmt::skip]
pub const RELAYS: &[Case] = &[
    ("stock waybill loaded", |b| relay(b, |_, e| e.place = "G6 哈素海服务区".into()), "ok"),
    ("stock waybill loaded", |b| relay(b, |_, e| e.place = "x".repeat(129)), "FIELD_INVALID"),
    ("stock waybill loaded", |b| relay(b, |_, e| e.place = "call 13812345678".into()), "PERSONAL_DATA"),
    // Not after it is told, not before the goods went aboard or changed last.
    ("stock waybill loaded", |b| relay(b, |b, e| e.at_ms = b.now), "ok"),
    ("stock waybill loaded", |b| relay(b, |b, e| e.at_ms = b.now + 1), "FIELD_INVALID"),
    ("stock waybill loaded", |b| relay(b, |b, e| e.at_ms = b.now - HOUR / 2), "ok"),
    ("stock waybill loaded", |b| relay(b, |b, e| e.at_ms = b.now - 2 * HOUR), "FIELD_INVALID"),
    ("stock waybill loaded", |b| relay(b, |_, e| e.at_ms = -1), "FIELD_INVALID"),
    ("stock waybill loaded", |b| { relay(b, |b, e| e.at_ms = b.now).unwrap(); relay(b, |b, e| e.at_ms = b.now - HOUR) }, "ok"),
    ("stock waybill loaded", |b| { relay(b, |b, e| e.at_ms = b.now).unwrap(); relay(b, |b, e| e.at_ms = b.now - HOUR - 1) }, "FIELD_INVALID"),
];

fn asked(rule_: RuleKind, mode: RuleMode) -> Vec<RuleLine> {
    vec![rule(rule_, mode, "NACN")]
}

/// An offer of P's waste, with no manifest.
fn waste(b: &mut Bench) -> Answer {
    b.name("waste", "P1", B::Wasted(b.wasted("stock 10")))
        .unwrap();
    b.name(
        "gate",
        "P1",
        B::Offered(b.offered('D', "T1", &["waste 10"])),
    )
}

use RuleKind::{ManifestFields, WaybillFields};
use RuleMode::{Find, Off, Refuse};

/// Where a pack asks for the fields of a paper.
#[rustfmt::skip]
pub const ASKED: &[Case] = &[
    ("stock", |b| { b.publish(asked(WaybillFields, Refuse)).unwrap(); waybills::ship(b, |_| ()) }, "ok"),
    ("stock", |b| { b.publish(asked(WaybillFields, Refuse)).unwrap(); waybills::ship(b, |c| c.road = None) }, "WAYBILL_FIELDS_MISSING"),
    ("stock", |b| { b.publish(asked(WaybillFields, Refuse)).unwrap(); waybills::ship(b, |c| c.road.as_mut().unwrap().dispatcher.clear()) }, "WAYBILL_FIELDS_MISSING"),
    ("stock", |b| { b.publish(asked(WaybillFields, Find)).unwrap(); waybills::ship(b, |c| c.road = None) }, "ok WAYBILL_INCOMPLETE"),
    ("stock", |b| { b.publish(asked(WaybillFields, Off)).unwrap(); waybills::ship(b, |c| c.road = None) }, "ok"),
    ("stock", |b| { b.publish(vec![rule(WaybillFields, Refuse, "AN")]).unwrap(); waybills::ship(b, |c| c.road = None) }, "ok"),
    ("stock", |b| { b.publish_from(b.now + 1, asked(WaybillFields, Refuse)).unwrap(); waybills::ship(b, |c| c.road = None) }, "ok"),
    // A field that the sources are not sure of is found, and never refused for.
    ("stock", |b| { b.publish(asked(WaybillFields, Refuse)).unwrap(); waybills::ship(b, |c| c.road.as_mut().unwrap().tank = "TK-7".into()) }, "ok WAYBILL_INCOMPLETE"),
    // Another mode has its own, and no pack asks it for the road's.
    ("stock", |b| { b.publish(asked(WaybillFields, Refuse)).unwrap(); b.say("P1", B::Offered(b.by_rail('C', 'M', "T1", &["stock 5"]))) }, "ok"),
    // The same goods aboard: recorded, with a finding.
    ("stock waybill", |b| { b.publish(asked(WaybillFields, Refuse)).unwrap(); b.say("C1", B::Accepted(b.accepted("truck", "", &["0 take 200"]))) }, "ok WAYBILL_INCOMPLETE"),
    ("stock waybill", |b| { b.publish(asked(WaybillFields, Off)).unwrap(); b.say("C1", B::Accepted(b.accepted("truck", "", &["0 take 200"]))) }, "ok"),
    // Waste, and its manifest; goods that are no waste need none.
    ("stock", |b| { b.publish(asked(ManifestFields, Refuse)).unwrap(); waste(b) }, "MANIFEST_FIELDS_MISSING"),
    ("stock", |b| { b.publish(asked(ManifestFields, Find)).unwrap(); waste(b) }, "ok MANIFEST_INCOMPLETE"),
    ("stock", |b| { b.publish(asked(ManifestFields, Off)).unwrap(); waste(b) }, "ok"),
    ("stock", |b| { b.publish(asked(ManifestFields, Refuse)).unwrap(); b.say("P1", B::Offered(b.offered('W', "T1", &["stock 5"]))) }, "ok"),
    ("stock", |b| { waste(b).unwrap(); b.publish(asked(ManifestFields, Refuse)).unwrap(); b.say("D1", B::Accepted(b.accepted("gate", "T1", &["0 take 10"]))) }, "ok MANIFEST_INCOMPLETE"),
    ("stock", |b| { waste(b).unwrap(); b.say("D1", B::Accepted(b.accepted("gate", "T1", &["0 take 10"]))) }, "ok"),
];
