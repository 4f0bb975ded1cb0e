//! Tables of the blacklist, and of the orders under which gates are findings.

use bytes::Bytes;
use hazledger::pb::event::Body as B;
use hazledger::pb::{
    Blacklisted, EmergencyOrdered, ReliefOrder, RuleKind, RuleMode, SafeReturnOrdered, sealed,
};

use super::bench::{Answer, Bench, DAY, HOUR, NOBODY, START_MS, party};
use super::packs::agency;
use super::rulebook::rule;
use super::seals::{lot, seal};
use super::table::Case;

fn listing(letter: char) -> Blacklisted {
    Blacklisted {
        party: party(letter),
        order: "HMD-2026-3".into(),
        grounds: "sold without a permit".into(),
        from_ms: START_MS,
        until_ms: START_MS + 30 * DAY,
        ..Blacklisted::default()
    }
}

/// A party is on the list; then what follows.
fn listed(b: &mut Bench, letter: char, then: impl FnOnce(&mut Bench) -> Answer) -> Answer {
    b.say("A1", B::Blacklisted(listing(letter)))?;
    then(b)
}

fn changed(b: &mut Bench, change: impl FnOnce(&mut Blacklisted)) -> Answer {
    let mut e = listing('W');
    change(&mut e);
    b.say("A1", B::Blacklisted(e))
}

fn lift(b: &mut Bench) -> Answer {
    changed(b, |e| {
        (e.from_ms, e.until_ms, e.lifted) = (0, 0, true);
    })
}

fn offer(b: &mut Bench) -> Answer {
    b.say("P1", B::Offered(b.offered('W', "T1", &["stock 1"])))
}

fn sell(b: &mut Bench) -> Answer {
    b.say("P1+W1", B::Traded(b.traded('W', &["stock 1"])))
}

/// Vehicles need a certificate, and C's has none.
fn certified(b: &mut Bench) {
    b.publish(vec![rule(
        RuleKind::VehicleCertificate,
        RuleMode::Refuse,
        "",
    )])
    .unwrap();
}

/// An order names the consignment on the road, and nothing else.
fn truck_goes(b: &mut Bench) -> Answer {
    let id = b.id("truck");
    safe_return(b, |e| {
        e.parties.clear();
        e.consignments.push(id);
    })
}

/// A pack refuses what is done with a blacklisted party.
fn strict(b: &mut Bench) {
    b.publish(vec![rule(RuleKind::Blacklisted, RuleMode::Refuse, "")])
        .unwrap();
}

#[rustfmt::skip]
pub const BLACKLIST: &[Case] = &[
    ("", |b| changed(b, |_| ()), "ok"),
    ("", |b| changed(b, |e| e.until_ms = 0), "ok"),
    ("", |b| b.say("P1", B::Blacklisted(listing('W'))), "AUTHORITY_REQUIRED"),
    ("", |b| { b.say("A1+A2", agency("150000"))?; b.say("D1", B::Blacklisted(listing('W'))) }, "ok"),
    ("", |b| { b.say("A1+A2", agency("150200"))?; b.say("D1", B::Blacklisted(listing('W'))) }, "AUTHORITY_REQUIRED"),
    ("", |b| b.say("A1", B::Blacklisted(listing(NOBODY))), "UNKNOWN_PARTY"),
    ("", |b| changed(b, |e| e.order.clear()), "FIELD_MISSING"),
    ("", |b| changed(b, |e| e.grounds.clear()), "FIELD_MISSING"),
    ("", |b| changed(b, |e| e.from_ms = 0), "FIELD_INVALID"),
    ("", |b| changed(b, |e| e.until_ms = e.from_ms), "FIELD_INVALID"),
    ("", |b| changed(b, |e| e.lifted = true), "FIELD_INVALID"),
    ("", lift, "NO_CHANGE"),
    // Every handoff and sale with it is found, on whichever side it is.
    ("stock", |b| listed(b, 'W', offer), "ok BLACKLISTED"),
    ("stock", |b| listed(b, 'P', offer), "ok BLACKLISTED"),
    ("stock", |b| listed(b, 'M', offer), "ok"),
    ("stock", |b| listed(b, 'W', sell), "ok BLACKLISTED"),
    ("stock", |b| listed(b, 'P', |b| listed(b, 'W', sell)), "ok BLACKLISTED*2"),
    ("stock", |b| listed(b, 'M', |b| b.say("P1", B::Offered(b.shipped('C', 'M', "T1", &["stock 1"])))), "ok BLACKLISTED"),
    ("stock offer", |b| listed(b, 'P', |b| b.say("W1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"])))), "ok BLACKLISTED"),
    ("stock waybill loaded", |b| listed(b, 'D', |b| b.say("C1+D1", B::Relayed(b.relayed("truck", 'D')))), "ok BLACKLISTED"),
    // What it does by itself is not.
    ("stock", |b| listed(b, 'P', |b| b.say("P1", B::Used(b.used("stock 1", "T1")))), "ok"),
    // Within its term: the moment before it, its first, its last, the one after.
    ("stock", |b| { let at = b.now + HOUR; changed(b, |e| e.from_ms = at)?; b.now = at - 1; offer(b) }, "ok"),
    ("stock", |b| { let at = b.now + HOUR; changed(b, |e| e.from_ms = at)?; b.now = at; offer(b) }, "ok BLACKLISTED"),
    ("stock", |b| { let at = b.now + HOUR; changed(b, |e| e.until_ms = at)?; b.now = at - 1; offer(b) }, "ok BLACKLISTED"),
    ("stock", |b| { let at = b.now + HOUR; changed(b, |e| e.until_ms = at)?; b.now = at; offer(b) }, "ok"),
    ("stock", |b| listed(b, 'W', |b| { lift(b)?; offer(b) }), "ok"),
    // Claimed to have been before: judged at the time recorded as well.
    ("stock", |b| { let at = b.now + HOUR; changed(b, |e| e.from_ms = at)?; b.now = at; b.say_late("P1", HOUR / 2, B::Offered(b.offered('W', "T1", &["stock 1"]))) }, "ok BLACKLISTED"),
    // A pack that says so refuses it; a fact is recorded all the same.
    ("stock", |b| { strict(b); listed(b, 'W', offer) }, "BLACKLISTED"),
    ("stock", |b| { strict(b); listed(b, 'W', sell) }, "BLACKLISTED"),
    ("stock", |b| { strict(b); offer(b) }, "ok"),
    ("stock", |b| { b.publish(vec![rule(RuleKind::Blacklisted, RuleMode::Find, "")])?; listed(b, 'W', offer) }, "ok BLACKLISTED"),
    ("stock offer", |b| { strict(b); listed(b, 'W', |b| b.say("W1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"])))) }, "ok BLACKLISTED"),
    ("stock offer taken", |b| { strict(b); listed(b, 'W', |b| { let mut e = b.offered('P', "T1", &["stock 100"]); e.returns = Some(b.event("offer")); b.say("W1", B::Offered(e)) }) }, "ok BLACKLISTED"),
];

fn relief() -> ReliefOrder {
    ReliefOrder {
        order: "YJ-2026-9".into(),
        reason: "flood in the plant".into(),
        from_ms: START_MS,
        until_ms: START_MS + DAY,
        parties: vec![party('P')],
        ..ReliefOrder::default()
    }
}

pub fn emergency(b: &mut Bench, change: impl FnOnce(&mut ReliefOrder)) -> Answer {
    let mut e = relief();
    change(&mut e);
    b.say(
        "A1",
        B::EmergencyOrdered(EmergencyOrdered { relief: Some(e) }),
    )
}

fn safe_return(b: &mut Bench, change: impl FnOnce(&mut ReliefOrder)) -> Answer {
    let mut e = relief();
    change(&mut e);
    b.say(
        "A1",
        B::SafeReturnOrdered(SafeReturnOrdered { relief: Some(e) }),
    )
}

/// The stock is sealed.
fn sealed_stock(b: &mut Bench) {
    let what = lot(b, "stock", None);
    b.say("A1", B::Sealed(seal(what))).unwrap();
}

fn only_lot(e: &mut ReliefOrder, lot: Bytes) {
    e.parties.clear();
    e.lots.push(lot);
}

#[rustfmt::skip]
pub const RELIEF: &[Case] = &[
    ("", |b| emergency(b, |_| ()), "ok"),
    ("", |b| safe_return(b, |_| ()), "ok"),
    ("", |b| b.say("P1", B::EmergencyOrdered(EmergencyOrdered { relief: Some(relief()) })), "AUTHORITY_REQUIRED"),
    ("", |b| { b.say("A1+A2", agency("150000"))?; b.say("D1", B::EmergencyOrdered(EmergencyOrdered { relief: Some(relief()) })) }, "ok"),
    ("", |b| { b.say("A1+A2", agency("150200"))?; b.say("D1", B::EmergencyOrdered(EmergencyOrdered { relief: Some(relief()) })) }, "AUTHORITY_REQUIRED"),
    ("", |b| b.say("A1", B::EmergencyOrdered(EmergencyOrdered { relief: None })), "FIELD_MISSING"),
    ("", |b| emergency(b, |e| e.order.clear()), "FIELD_MISSING"),
    ("", |b| emergency(b, |e| e.reason.clear()), "FIELD_MISSING"),
    ("", |b| emergency(b, |e| e.parties.clear()), "FIELD_MISSING"),
    ("", |b| emergency(b, |e| e.parties = vec![party(NOBODY)]), "UNKNOWN_PARTY"),
    ("", |b| emergency(b, |e| e.lots = vec![Bytes::from_static(&[5; 16])]), "UNKNOWN_LOT"),
    ("", |b| emergency(b, |e| e.consignments = vec![Bytes::from_static(&[5; 16])]), "UNKNOWN_CONSIGNMENT"),
    ("", |b| emergency(b, |e| e.lots = vec![Bytes::new(); 65]), "FIELD_INVALID"),
    ("", |b| emergency(b, |e| e.until_ms = e.from_ms), "FIELD_INVALID"),
    ("", |b| emergency(b, |e| e.until_ms = e.from_ms + 90 * DAY), "ok"),
    ("", |b| emergency(b, |e| e.until_ms = e.from_ms + 90 * DAY + 1), "FIELD_INVALID"),
    // Eight hold; the ninth comes when one of them is over.
    ("", |b| { for n in 0..8 { emergency(b, |e| e.order = format!("YJ-{n}"))?; } emergency(b, |_| ()) }, "FIELD_INVALID"),
    ("", |b| { for n in 0..8 { emergency(b, |e| e.order = format!("YJ-{n}"))?; } b.now += DAY; emergency(b, |e| e.until_ms += DAY) }, "ok"),
    // What it names goes through, and is found.
    ("stock", |b| { sealed_stock(b); offer(b) }, "SEALED"),
    ("stock", |b| { sealed_stock(b); emergency(b, |_| ())?; offer(b) }, "ok SEALED_GOODS_TOUCHED"),
    ("stock", |b| { sealed_stock(b); safe_return(b, |_| ())?; offer(b) }, "ok SEALED_GOODS_TOUCHED"),
    ("stock", |b| { sealed_stock(b); let id = b.id("stock"); emergency(b, |e| only_lot(e, id))?; offer(b) }, "ok SEALED_GOODS_TOUCHED"),
    ("stock other", |b| { sealed_stock(b); let id = b.id("other"); emergency(b, |e| only_lot(e, id))?; offer(b) }, "SEALED"),
    ("stock", |b| { sealed_stock(b); emergency(b, |e| e.parties = vec![party('M')])?; offer(b) }, "SEALED"),
    ("stock waybill loaded", |b| { sealed_stock(b); let id = b.id("truck"); emergency(b, |e| { e.parties.clear(); e.consignments.push(id); })?; b.say("C1+D1", B::Relayed(b.relayed("truck", 'D'))) }, "ok SEALED_GOODS_TOUCHED"),
    ("stock", |b| { emergency(b, |_| ())?; b.say("P1", B::Recalled(super::recalls::recalled(b, "stock", &[])))?; offer(b) }, "ok RECALLED"),
    // The rules of the day as well.
    ("stock", |b| { b.publish(vec![rule(RuleKind::Prohibited, RuleMode::Refuse, "NACN")])?; offer(b) }, "PROHIBITED"),
    ("stock", |b| { b.publish(vec![rule(RuleKind::Prohibited, RuleMode::Refuse, "NACN")])?; emergency(b, |_| ())?; offer(b) }, "ok PROHIBITED"),
    ("stock", |b| { b.publish(vec![rule(RuleKind::Prohibited, RuleMode::Refuse, "NACN")])?; let id = b.id("stock"); emergency(b, |e| only_lot(e, id))?; sell(b) }, "ok PROHIBITED"),
    ("stock", |b| { strict(b); b.say("A1", B::Blacklisted(listing('W')))?; emergency(b, |_| ())?; offer(b) }, "ok BLACKLISTED"),
    // A consignment that it names goes on, and is delivered.
    ("stock waybill loaded", |b| { certified(b); b.say("C1", B::Relayed(b.relayed("truck", 'C'))) }, "VEHICLE_CERTIFICATE"),
    ("stock waybill loaded", |b| { certified(b); truck_goes(b)?; b.say("C1", B::Relayed(b.relayed("truck", 'C'))) }, "ok VEHICLE_CERTIFICATE"),
    ("stock waybill loaded", |b| { b.publish(vec![rule(RuleKind::Prohibited, RuleMode::Refuse, "NACN")])?; b.say("C1", B::Offered(b.delivered('M', "truck", &["stock 200"]))) }, "PROHIBITED"),
    ("stock waybill loaded", |b| { b.publish(vec![rule(RuleKind::Prohibited, RuleMode::Refuse, "NACN")])?; truck_goes(b)?; b.say("C1", B::Offered(b.delivered('M', "truck", &["stock 200"]))) }, "ok PROHIBITED"),
    // Within its term, at the time claimed and at the time recorded.
    ("stock", |b| { sealed_stock(b); emergency(b, |_| ())?; b.now = START_MS + DAY - 1; offer(b) }, "ok SEALED_GOODS_TOUCHED"),
    ("stock", |b| { sealed_stock(b); emergency(b, |_| ())?; b.now = START_MS + DAY; offer(b) }, "SEALED"),
    ("stock", |b| { sealed_stock(b); let at = b.now + HOUR; emergency(b, |e| e.from_ms = at)?; offer(b) }, "SEALED"),
    ("stock", |b| { sealed_stock(b); let at = b.now + HOUR; emergency(b, |e| e.from_ms = at)?; b.now = at; b.say_late("P1", HOUR / 2, B::Offered(b.offered('W', "T1", &["stock 1"]))) }, "SEALED"),
    // Goods that are not there do not go by any order.
    ("stock", |b| { emergency(b, |_| ())?; b.say("P1", B::Offered(b.offered('W', "T1", &["stock 1001"]))) }, "INSUFFICIENT"),
    // A sealed party is still found.
    ("stock", |b| { emergency(b, |_| ())?; b.say("A1", B::Sealed(seal(sealed::What::Party(party('W')))))?; offer(b) }, "ok SEALED_GOODS_TOUCHED"),
];
