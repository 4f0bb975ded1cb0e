//! Tables of what passes between parties: offers and acceptances, carriage,
//! title, disputes.

use hazledger::event::StatementId;
use hazledger::event::ids::ID_WINDOW_MS;
use hazledger::pb::event::Body as B;
use hazledger::pb::incident::At;
use hazledger::pb::{
    Accepted, Carriage, EventRef, Incident, IncidentKind, Offered, Relayed, Reported, Settled,
    SettlementCause, Traded,
};

use super::bench::{Answer, Bench, NOBODY, event, hash, key, party, sign};
use super::table::Case;
use super::verbs::{events, zeros};

fn ship(b: &mut Bench, change: impl FnOnce(&mut Carriage)) -> Answer {
    let mut e = b.shipped('C', 'M', "T1", &["stock 100"]);
    change(e.carriage.as_mut().unwrap());
    b.say("P1", B::Offered(e))
}

#[rustfmt::skip]
pub const OFFER: &[Case] = &[
    ("stock", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock 1000"]))), "ok"),
    ("stock drums other", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock 500 #1-10", "other 10"]))), "ok"),
    ("stock", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock 1001"]))), "INSUFFICIENT"),
    ("stock", |b| b.say("P1", B::Offered(b.offered('W', "T2", &["stock 1"]))), "INSUFFICIENT"),
    ("stock", |b| b.say("P1", B::Offered(b.offered('W', "T9", &["stock 1"]))), "UNKNOWN_PLACE"),
    ("stock", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["ghost 1"]))), "UNKNOWN_LOT"),
    ("stock", |b| b.say("P1", B::Offered(b.offered('W', "T1", &[]))), "FIELD_INVALID"),
    ("stock", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock 1", "stock 1"]))), "FIELD_INVALID"),
    ("stock", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock 1"; 129]))), "FIELD_INVALID"),
    ("stock", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock 0mg"]))), "MASS_NOT_POSITIVE"),
    ("stock", |b| b.say("P1", B::Offered(Offered { from: None, ..b.offered('W', "T1", &["stock 1"]) })), "FIELD_MISSING"),
    ("stock", |b| b.say("P1", B::Offered(b.offered('P', "T1", &["stock 1"]))), "OWN_HANDOFF"),
    ("stock", |b| b.say("P1", B::Offered(b.offered(NOBODY, "T1", &["stock 1"]))), "UNKNOWN_PARTY"),
    ("stock W-closed", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock 1"]))), "PARTY_NOT_ACTIVE"),
    ("stock P-closed", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock 1"]))), "PARTY_NOT_ACTIVE"),
    // Nothing is promised twice.
    ("stock offer", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock 900"]))), "ok"),
    ("stock offer", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock 901"]))), "RESERVED"),
    ("stock offer", |b| b.say_all("P1", events(vec![B::Offered(b.offered('W', "T1", &["stock 500"])); 2])), "RESERVED"),
    ("stock offer withdrawn", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock 1000"]))), "ok"),
    ("stock drums drum-offer", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock #4"]))), "RESERVED"),
    ("stock drums drum-offer", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock #5"]))), "ok"),
    ("stock drums", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock #1-3,2-5"]))), "SERIALS_OVERLAP"),
    ("stock drums", |b| b.say("P1", B::Offered(b.offered('W', "T1", &["stock #10-11"]))), "SERIALS_NOT_HERE"),
    // For carriage: with a waybill.
    ("stock", |b| ship(b, |_| ()), "ok"),
    ("stock", |b| ship(b, |c| c.mode = 0), "FIELD_MISSING"),
    ("stock", |b| ship(b, |c| c.waybill.clear()), "FIELD_MISSING"),
    ("stock", |b| ship(b, |c| c.vehicle.clear()), "FIELD_MISSING"),
    ("stock", |b| ship(b, |c| c.crew = vec![zeros(31)]), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| c.crew = vec![zeros(32); 9]), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| c.seals = vec!["S".into(); 33]), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| c.seals = vec!["13812345678".into()]), "PERSONAL_DATA"),
    ("stock", |b| ship(b, |c| c.route = vec!["100".into()]), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| c.route = vec!["150100".into(); 33]), "FIELD_INVALID"),
    ("stock", |b| ship(b, |c| c.consignee = party(NOBODY)), "UNKNOWN_PARTY"),
    // Taken back by the giver, declined by the taker.
    ("stock offer", |b| b.say("P1", B::Withdrawn(b.withdrawn("offer"))), "ok"),
    ("stock offer", |b| b.say("W1", B::Withdrawn(b.withdrawn("offer"))), "NOT_THE_GIVER"),
    ("stock offer", |b| b.say("W1", B::Declined(b.declined("offer"))), "ok"),
    ("stock offer", |b| b.say("P1", B::Declined(b.declined("offer"))), "NOT_THE_TAKER"),
    ("stock offer", |b| b.say("W1", B::Declined(b.declined("ghost"))), "UNKNOWN_OFFER"),
    ("stock offer", |b| b.say("P1", B::Withdrawn(b.withdrawn("ghost"))), "UNKNOWN_OFFER"),
    ("stock offer withdrawn", |b| b.say("W1", B::Declined(b.declined("offer"))), "OFFER_CLOSED"),
    ("stock offer taken", |b| b.say("P1", B::Withdrawn(b.withdrawn("offer"))), "OFFER_CLOSED"),
    // The lower number is given: 54 of 54 and 71, 55 of 55 and 129, 77 of 77
    // and 101, 101 of 101 and 129, 129 of 129 and 132, 125 of 125 and 127.
    ("stock", |b| b.say("P1", B::Offered(b.offered(NOBODY, "T1", &[]))), "UNKNOWN_PARTY"),
    ("stock P-closed", |b| b.say("P1", B::Offered(b.offered('P', "T1", &["stock 1"]))), "PARTY_NOT_ACTIVE"),
    ("stock", |b| b.say("P1", B::Offered(b.offered('W', "T9", &["stock #3-1"]))), "SERIALS_INVALID"),
    ("stock", |b| b.say("P1", B::Offered(b.offered('P', "T9", &["stock 1"]))), "UNKNOWN_PLACE"),
    ("stock", |b| b.say("P1", B::Offered(b.offered('P', "T1", &["stock 1001"]))), "OWN_HANDOFF"),
    ("stock offer withdrawn", |b| b.say("W1", B::Withdrawn(b.withdrawn("offer"))), "OFFER_CLOSED"),
    ("stock", |b| ship(b, |c| { c.consignee = party(NOBODY); c.mode = 0; }), "UNKNOWN_PARTY"),
];

/// W accepts the open offer of 100 kg, or of drums 1 to 4, at T1.
fn accept(b: &mut Bench, lines: &[&str]) -> Answer {
    let offer = if b.events.contains_key("offer") {
        "offer"
    } else {
        "drum-offer"
    };
    b.say("W1", B::Accepted(b.accepted(offer, "T1", lines)))
}

/// P offers and W takes in one statement, signed by both on the spot.
fn on_the_spot(b: &mut Bench, acceptance_first: bool) -> Answer {
    let mut draft = b.draft(
        "P1",
        vec![event(B::Offered(b.offered('W', "T1", &["stock 100"])))],
    );
    if acceptance_first {
        draft
            .events
            .insert(0, event(B::Declined(b.declined("ghost"))));
    }
    let offer = draft.event_ref(u32::from(acceptance_first), &key("P1"));
    let taken = event(B::Accepted(Accepted {
        offer,
        ..b.accepted("ghost", "T1", &["0 take 100"])
    }));
    if acceptance_first {
        draft.events[0] = taken;
    } else {
        draft.events.push(taken);
    }
    b.submit(sign(&draft, "P1+W1"))
}

#[rustfmt::skip]
pub const ACCEPT: &[Case] = &[
    ("stock offer", |b| accept(b, &["0 take 100"]), "ok"),
    ("stock", |b| on_the_spot(b, false), "ok"),
    // Within the scales' tolerance of 0.3 %, and beyond.
    ("stock offer", |b| accept(b, &["0 take 99.7"]), "ok"),
    ("stock offer", |b| accept(b, &["0 take 100.3"]), "ok"),
    ("stock offer", |b| accept(b, &["0 take 99.699999"]), "ok SHORT_DELIVERY"),
    ("stock offer", |b| accept(b, &["0 take 100.300001"]), "ok OVER_DELIVERY"),
    ("stock offer", |b| accept(b, &["0 take 90 refuse 10"]), "ok GOODS_REFUSED"),
    ("stock offer", |b| accept(b, &["0 refuse 100"]), "ok GOODS_REFUSED"),
    ("stock offer", |b| accept(b, &["0 take 80 refuse 10"]), "ok SHORT_DELIVERY GOODS_REFUSED"),
    ("stock offer", |b| accept(b, &[]), "ok SHORT_DELIVERY"),
    ("stock drums drum-offer", |b| accept(b, &["0 take #1-4"]), "ok"),
    ("stock drums drum-offer", |b| accept(b, &["0 take #1-2,4"]), "ok PACKAGES_UNACCOUNTED"),
    ("stock drums drum-offer", |b| accept(b, &["0 take #1-3 refuse #4"]), "ok GOODS_REFUSED"),
    ("stock drums drum-offer", |b| accept(b, &["0 take #1-4 check 200.6"]), "ok"),
    ("stock drums drum-offer", |b| accept(b, &["0 take #1-4 check 199"]), "ok WEIGHBRIDGE_DIFFERS"),
    // A fact: unknown places and closed parties are found.
    ("stock offer", |b| b.say("W1", B::Accepted(b.accepted("offer", "T9", &["0 take 100"]))), "ok PLACE_UNKNOWN"),
    ("stock offer W-closed", |b| accept(b, &["0 take 100"]), "ok PARTY_CLOSED"),
    ("stock offer P-closed", |b| accept(b, &["0 take 100"]), "ok"),
    ("stock offer", |b| { b.say("P1", B::Used(b.used("stock 950", "T1"))).unwrap(); accept(b, &["0 take 50"]) }, "ok"),
    ("stock offer", |b| { b.say("P1", B::Used(b.used("stock 950", "T1"))).unwrap(); accept(b, &["0 take 100"]) }, "ok OVER_DELIVERY"),
    // Only what was offered, once, by the taker.
    ("stock offer taken", |b| accept(b, &["0 take 100"]), "OFFER_CLOSED"),
    ("stock offer withdrawn", |b| accept(b, &["0 take 100"]), "OFFER_CLOSED"),
    ("stock offer", |b| { b.say("W1", B::Declined(b.declined("offer"))).unwrap(); accept(b, &["0 take 100"]) }, "OFFER_CLOSED"),
    ("stock offer", |b| b.say("M1", B::Accepted(b.accepted("offer", "T1", &["0 take 100"]))), "NOT_THE_TAKER"),
    ("stock offer", |b| { let mut e = b.accepted("offer", "T1", &[]); e.offer.as_mut().unwrap().event_digest = hash("else"); b.say("W1", B::Accepted(e)) }, "EVENT_DIGEST_DIFFERS"),
    ("stock offer", |b| { let mut e = b.accepted("offer", "T1", &[]); e.offer.as_mut().unwrap().event_digest = zeros(31); b.say("W1", B::Accepted(e)) }, "FIELD_INVALID"),
    ("stock offer", |b| b.say("W1", B::Accepted(Accepted { offer: None, ..b.accepted("offer", "T1", &[]) })), "FIELD_MISSING"),
    ("stock offer", |b| accept(b, &["1 take 100"]), "LINES_DIFFER"),
    ("stock offer", |b| accept(b, &["4294967295 take 100"]), "LINES_DIFFER"),
    ("stock offer", |b| accept(b, &["0 take 50", "0 take 50"]), "LINES_DIFFER"),
    ("stock offer", |b| accept(b, &["0 refuse 100.000001"]), "LINES_DIFFER"),
    ("stock offer", |b| accept(b, &["0 take 50 aboard 50"]), "LINES_DIFFER"),
    ("stock drums drum-offer", |b| accept(b, &["0 take #1-5"]), "LINES_DIFFER"),
    ("stock drums drum-offer", |b| accept(b, &["0 take 1 #1-4"]), "LINES_DIFFER"),
    ("stock drums drum-offer", |b| accept(b, &["0 take #1-3 refuse #3-4"]), "SERIALS_OVERLAP"),
    ("stock drums drum-offer", |b| accept(b, &["0 take #1-2,2-4"]), "SERIALS_OVERLAP"),
    ("stock offer", |b| accept(b, &["0 take -1mg"]), "MASS_NOT_POSITIVE"),
    ("stock offer", |b| accept(b, &["0 refuse 9223372036854775807mg aboard 9223372036854775807mg"]), "LINES_DIFFER"),
    ("stock waybill", |b| b.say("C1", B::Accepted(b.accepted("truck", "T1", &["0 take 200"]))), "FIELD_INVALID"),
    // The lower number is given: 73 of 73 and 125, 77 of 77 and 128, 125 of
    // 125 and 128, 126 of 126 and 128, 128 of 128 and 130.
    ("stock offer taken", |b| accept(b, &["0 take -1mg"]), "MASS_NOT_POSITIVE"),
    ("stock offer", |b| b.say("M1", B::Accepted(b.accepted("offer", "T1", &["0 take #3-1"]))), "SERIALS_INVALID"),
    ("stock offer taken", |b| b.say("M1", B::Accepted(b.accepted("offer", "T1", &[]))), "OFFER_CLOSED"),
    ("stock offer", |b| { let mut e = b.accepted("offer", "T1", &[]); e.offer.as_mut().unwrap().event_digest = hash("else"); b.say("M1", B::Accepted(e)) }, "EVENT_DIGEST_DIFFERS"),
    ("stock offer", |b| b.say("M1", B::Accepted(b.accepted("offer", "T1", &["7 take 1"]))), "NOT_THE_TAKER"),
];

/// The acceptance comes in first, then the offer.
fn late_offer(b: &mut Bench, keys: &str, place: &str, lines: &[&str]) -> Answer {
    b.say(keys, B::Accepted(b.accepted("late", place, lines)))?;
    b.now += 1_000;
    b.send("late")
}

/// Acceptances of as many offers that nobody has seen.
fn unseen(b: &mut Bench, count: u32) -> Answer {
    let of = |event_index| EventRef {
        event_index,
        ..b.event("ghost")
    };
    let accepted = |i| {
        B::Accepted(Accepted {
            offer: Some(of(i)),
            ..b.accepted("ghost", "T1", &[])
        })
    };
    let events = events((0..count).map(accepted).collect());
    b.say_all("W1", events)
}

#[rustfmt::skip]
pub const PARK: &[Case] = &[
    ("stock held-back", |b| b.say("W1", B::Accepted(b.accepted("late", "T1", &["0 take 100"]))), "ok CONFIRMATION_OUT_OF_ORDER"),
    ("stock held-back", |b| late_offer(b, "W1", "T1", &["0 take 100"]), "ok"),
    ("stock held-back", |b| late_offer(b, "W1", "T1", &["0 take 90"]), "ok SHORT_DELIVERY"),
    ("stock held-back", |b| late_offer(b, "W1", "T9", &["0 take 100"]), "ok PLACE_UNKNOWN"),
    // What does not fit is found, and the offer stands.
    ("stock held-back", |b| late_offer(b, "W1", "T1", &["7 take 100"]), "ok PARKED_FACT_DOES_NOT_FIT"),
    ("stock held-back", |b| late_offer(b, "M1", "T1", &["0 take 100"]), "ok PARKED_FACT_DOES_NOT_FIT"),
    ("stock held-back", |b| { late_offer(b, "M1", "T1", &[]).unwrap(); b.say("W1", B::Accepted(b.accepted("late", "T1", &["0 take 100"]))) }, "ok"),
    ("stock held-back", |b| { late_offer(b, "W1", "T1", &["0 take 100"]).unwrap(); b.say("W1", B::Accepted(b.accepted("late", "T1", &["0 take 100"]))) }, "OFFER_CLOSED"),
    // Two halves of the taker: one fits, the other comes too late.
    ("stock held-back", |b| { b.say("W1", B::Accepted(b.accepted("late", "T1", &["0 take 100"]))).unwrap(); late_offer(b, "W1", "T1", &["0 take 100"]) }, "ok PARKED_FACT_DOES_NOT_FIT"),
    // Bounded, for each offer and for each party.
    ("stock held-back", |b| { for _ in 0..4 { b.say("W1", B::Accepted(b.accepted("late", "T1", &[]))).unwrap(); } b.say("W1", B::Accepted(b.accepted("late", "T1", &[]))) }, "TOO_MANY_PARKED"),
    ("stock", |b| unseen(b, 256), "ok CONFIRMATION_OUT_OF_ORDER*256"),
    ("stock", |b| unseen(b, 257), "TOO_MANY_PARKED"),
    ("stock", |b| { unseen(b, 256).unwrap(); b.say("W1", B::Accepted(b.accepted("another", "T1", &[]))) }, "TOO_MANY_PARKED"),
    // An offer that can no longer come in.
    ("stock", |b| b.say("W1", B::Accepted(Accepted { offer: Some(aged(b, ID_WINDOW_MS + 1)), ..b.accepted("ghost", "T1", &[]) })), "UNKNOWN_OFFER"),
    ("stock", |b| b.say("W1", B::Accepted(Accepted { offer: Some(aged(b, ID_WINDOW_MS)), ..b.accepted("ghost", "T1", &[]) })), "ok CONFIRMATION_OUT_OF_ORDER"),
    ("stock", |b| on_the_spot(b, true), "UNKNOWN_OFFER"),
    // What waits can be neither declined nor withdrawn.
    ("stock held-back", |b| { b.say("W1", B::Accepted(b.accepted("late", "T1", &[]))).unwrap(); b.say("W1", B::Declined(b.declined("late"))) }, "UNKNOWN_OFFER"),
    // The lower number is given: 73 of 73 and 124, 77 of 77 and 131.
    ("stock", |b| b.say("W1", B::Accepted(Accepted { offer: Some(aged(b, ID_WINDOW_MS + 1)), ..b.accepted("ghost", "T1", &["0 take 0mg"]) })), "MASS_NOT_POSITIVE"),
    ("stock", |b| { unseen(b, 256).unwrap(); b.say("W1", B::Accepted(b.accepted("another", "T1", &["0 take #3-1"]))) }, "SERIALS_INVALID"),
];

fn aged(b: &Bench, age_ms: i64) -> EventRef {
    let id = StatementId::v7(b.now - age_ms, [2; 10]).unwrap();
    EventRef {
        statement_id: id.to_bytes(),
        ..b.event("ghost")
    }
}

/// M takes the delivery of 200 kg at T1.
fn arrive(b: &mut Bench, lines: &[&str]) -> Answer {
    b.say("M1", B::Accepted(b.accepted("delivery", "T1", lines)))
}

/// C delivers again what is still aboard.
fn deliver_rest(b: &mut Bench, goods: &str) -> Answer {
    arrive(b, &["0 take 150 aboard 50"]).unwrap();
    b.say("C1", B::Offered(b.delivered('M', "truck", &[goods])))
}

#[rustfmt::skip]
pub const CARRIAGE: &[Case] = &[
    ("stock waybill loaded delivery", |b| arrive(b, &["0 take 200"]), "ok"),
    ("stock waybill loaded delivery", |b| arrive(b, &["0 take 150 aboard 50"]), "ok"),
    ("stock waybill loaded delivery", |b| arrive(b, &["0 take 150 refuse 50"]), "ok GOODS_REFUSED"),
    ("stock waybill loaded delivery", |b| deliver_rest(b, "stock 50"), "ok"),
    ("stock waybill loaded delivery", |b| deliver_rest(b, "stock 51"), "INSUFFICIENT"),
    ("stock waybill loaded", |b| b.say("C1", B::Offered(b.delivered('M', "truck", &["stock 201"]))), "INSUFFICIENT"),
    ("stock waybill loaded delivery", |b| b.say("C1", B::Offered(b.delivered('M', "truck", &["stock 1"]))), "RESERVED"),
    ("stock waybill loaded", |b| b.say("P1", B::Offered(b.delivered('M', "truck", &["stock 1"]))), "NOT_THE_CARRIER"),
    ("stock waybill", |b| b.say("C1", B::Offered(b.delivered('M', "truck", &["stock 1"]))), "UNKNOWN_CONSIGNMENT"),
    ("stock waybill loaded delivery arrived", |b| b.say("C1", B::Offered(b.delivered('M', "truck", &["stock 1"]))), "CONSIGNMENT_CLOSED"),
    ("stock waybill loaded", |b| b.say("C1", B::Offered(Offered { carriage: Some(b.carriage('M')), ..b.delivered('W', "truck", &["stock 1"]) })), "FIELD_INVALID"),
    ("stock waybill loaded", |b| { b.name("w", "C1", B::Offered(b.delivered('W', "truck", &["stock 200"]))).unwrap(); b.say("W1", B::Accepted(b.accepted("w", "T1", &["0 take 200"]))) }, "ok GOODS_ABOARD_NOT_CONSIGNED_HERE"),
    // Nothing taken aboard makes no consignment.
    ("stock waybill", |b| { b.say("C1", B::Accepted(b.accepted("truck", "", &["0 refuse 200"]))).unwrap(); b.say("C1", B::Reported(b.reported("truck"))) }, "UNKNOWN_CONSIGNMENT"),
    // Relayed: one statement that both sign.
    ("stock waybill loaded", |b| b.say("C1+W1", B::Relayed(b.relayed("truck", 'W'))), "ok"),
    ("stock waybill loaded", |b| b.say("C1", B::Relayed(b.relayed("truck", 'C'))), "ok"),
    ("stock waybill loaded", |b| b.say("C1", B::Relayed(b.relayed("truck", 'W'))), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock waybill loaded", |b| b.say("W1+C1", B::Relayed(b.relayed("truck", 'W'))), "NOT_THE_CARRIER"),
    ("stock waybill loaded delivery", |b| b.say("C1+W1", B::Relayed(b.relayed("truck", 'W'))), "RESERVED"),
    ("stock waybill loaded", |b| b.say("C1+W1", B::Relayed(b.relayed("ghost", 'W'))), "UNKNOWN_CONSIGNMENT"),
    ("stock waybill loaded delivery arrived", |b| b.say("C1+W1", B::Relayed(b.relayed("truck", 'W'))), "CONSIGNMENT_CLOSED"),
    ("stock waybill loaded W-closed", |b| b.say("C1+W1", B::Relayed(b.relayed("truck", 'W'))), "PARTY_NOT_ACTIVE"),
    ("stock waybill loaded", |b| b.say("C1+W1", B::Relayed(Relayed { vehicle: String::new(), ..b.relayed("truck", 'W') })), "FIELD_MISSING"),
    ("stock waybill loaded", |b| b.say("C1+W1", B::Relayed(Relayed { consignment: zeros(15), ..b.relayed("truck", 'W') })), "FIELD_INVALID"),
    // Reported from the road.
    ("stock waybill loaded", |b| b.say("C0", B::Reported(b.reported("truck"))), "ok"),
    ("stock waybill loaded", |b| b.say("W1", B::Reported(b.reported("truck"))), "NOT_THE_CARRIER"),
    ("stock waybill loaded", |b| b.say("C1", B::Reported(Reported { kind: 0, ..b.reported("truck") })), "FIELD_MISSING"),
    ("stock waybill loaded", |b| b.say("C1", B::Reported(Reported { longitude_e6: 180_000_001, ..b.reported("truck") })), "FIELD_INVALID"),
    ("stock waybill loaded", |b| b.say("C1", B::Reported(Reported { latitude_e6: i32::MIN, ..b.reported("truck") })), "FIELD_INVALID"),
    ("stock waybill loaded", |b| b.say("C1", B::Reported(Reported { note: "driver 13812345678".into(), ..b.reported("truck") })), "PERSONAL_DATA"),
    // An incident aboard.
    ("stock waybill loaded", |b| b.say("C1", B::Incident(spill(b, "stock 5"))), "ok RELEASED"),
    ("stock waybill loaded delivery", |b| b.say("C1", B::Incident(spill(b, "stock 5"))), "ok RESERVED_GOODS_TAKEN RELEASED"),
    ("stock waybill loaded", |b| { b.say("C1", B::Incident(spill(b, "stock 200"))).unwrap(); b.say("C1", B::Reported(b.reported("truck"))) }, "CONSIGNMENT_CLOSED"),
    ("stock waybill loaded", |b| b.say("P1", B::Incident(spill(b, "stock 5"))), "NOT_THE_CARRIER"),
    // The lower number is given: 70 of 70 and 121, 55 of 55 and 123, 57 of 57 and 71, 122 of 122 and 123.
    ("stock waybill loaded", |b| b.say("C1", B::Reported(Reported { kind: 0, ..b.reported("ghost") })), "FIELD_MISSING"),
    ("stock waybill loaded W-closed", |b| b.say("P1", B::Relayed(b.relayed("truck", 'W'))), "PARTY_NOT_ACTIVE"),
    ("stock waybill loaded", |b| b.say("C1", B::Relayed(Relayed { region: String::new(), ..b.relayed("truck", 'W') })), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock waybill loaded delivery arrived", |b| b.say("P1", B::Reported(b.reported("truck"))), "CONSIGNMENT_CLOSED"),
];

fn spill(b: &Bench, goods: &str) -> Incident {
    Incident {
        at: Some(At::Consignment(b.id("truck"))),
        ..b.incident(IncidentKind::Released, goods, "")
    }
}

#[rustfmt::skip]
pub const TRADE: &[Case] = &[
    ("stock", |b| b.say("P1+W1", B::Traded(b.traded('W', &["stock 1000"]))), "ok"),
    ("stock", |b| b.say("W1+P1", B::Traded(b.traded('P', &["stock 1"]))), "TITLE_INSUFFICIENT"),
    ("stock", |b| b.say("P1", B::Traded(b.traded('W', &["stock 1"]))), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock", |b| b.say("P1+M1", B::Traded(b.traded('W', &["stock 1"]))), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock", |b| b.say("P1", B::Traded(b.traded('P', &["stock 1"]))), "FIELD_INVALID"),
    ("stock", |b| b.say("P1+W1", B::Traded(b.traded('W', &["stock 1000.000001"]))), "TITLE_INSUFFICIENT"),
    ("stock", |b| b.say("P1+W1", B::Traded(b.traded('W', &["stock 600", "stock 600"]))), "TITLE_INSUFFICIENT"),
    ("stock", |b| { b.say("P1+W1", B::Traded(b.traded('W', &["stock 1000"]))).unwrap(); b.say("P1+M1", B::Traded(b.traded('M', &["stock 1"]))) }, "TITLE_INSUFFICIENT"),
    // What is offered or elsewhere can be sold: custody stays where it is.
    ("stock offer taken", |b| b.say("P1+M1", B::Traded(b.traded('M', &["stock 1000"]))), "ok"),
    ("stock drums", |b| b.say("P1+W1", B::Traded(b.traded('W', &["stock 500 #1-10"]))), "ok"),
    ("stock drums", |b| b.say("P1+W1", B::Traded(b.traded('W', &["stock #11"]))), "TITLE_INSUFFICIENT"),
    ("stock drums", |b| b.say("P1+W1", B::Traded(b.traded('W', &["stock #1-2", "stock #2-3"]))), "TITLE_INSUFFICIENT"),
    ("stock drums theft", |b| b.say("P1+W1", B::Traded(b.traded('W', &["stock #1"]))), "TITLE_INSUFFICIENT"),
    ("stock", |b| b.say("P1+W1", B::Traded(b.traded('W', &[]))), "FIELD_INVALID"),
    ("stock", |b| b.say("P1+W1", B::Traded(b.traded('W', &["stock"]))), "FIELD_MISSING"),
    ("stock", |b| b.say("P1+W1", B::Traded(b.traded('W', &["ghost 1"]))), "UNKNOWN_LOT"),
    ("stock", |b| b.say("P1+W1", B::Traded(Traded { returns: Some(EventRef::default()), ..b.traded('W', &["stock 1"]) })), "FIELD_INVALID"),
    ("stock W-closed", |b| b.say("P1+W1", B::Traded(b.traded('W', &["stock 1"]))), "PARTY_NOT_ACTIVE"),
    ("stock", |b| b.say("P1", B::Traded(b.traded(NOBODY, &["stock 1"]))), "UNKNOWN_PARTY"),
    // The lower number is given: 54 of 54 and 57, 57 of 57 and 71, 77 of 77 and 120.
    ("stock", |b| b.say("P1", B::Traded(b.traded(NOBODY, &[]))), "UNKNOWN_PARTY"),
    ("stock", |b| b.say("P1", B::Traded(b.traded('W', &[]))), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock", |b| b.say("P1+W1", B::Traded(b.traded('W', &["ghost #3-1"]))), "SERIALS_INVALID"),
];

/// An authority settles the dispute.
fn settle(b: &mut Bench, cause: SettlementCause, amount: &str) -> Answer {
    b.say("A1", B::Settled(b.settled("dispute", cause, amount)))
}

#[rustfmt::skip]
pub const SETTLE: &[Case] = &[
    ("stock offer short", |b| settle(b, SettlementCause::Scale, "10"), "ok"),
    ("stock offer short", |b| settle(b, SettlementCause::Spill, "10"), "ok"),
    ("stock offer short", |b| settle(b, SettlementCause::Theft, "4"), "ok"),
    ("stock offer short", |b| settle(b, SettlementCause::Miscount, "10"), "ok"),
    ("stock offer over", |b| settle(b, SettlementCause::Scale, "10"), "ok"),
    ("stock offer over", |b| settle(b, SettlementCause::Miscount, "4"), "ok"),
    ("stock offer over", |b| settle(b, SettlementCause::Theft, "10"), "FIELD_INVALID"),
    ("stock drums drum-offer drum-lost", |b| settle(b, SettlementCause::Theft, "#4"), "ok"),
    ("stock drums drum-offer drum-lost", |b| settle(b, SettlementCause::Spill, "#4"), "ok"),
    ("stock drums drum-offer drum-lost", |b| settle(b, SettlementCause::Miscount, "#4"), "ok"),
    ("stock drums drum-offer drum-lost", |b| settle(b, SettlementCause::Scale, "#4"), "FIELD_INVALID"),
    ("stock drums drum-offer drum-lost", |b| settle(b, SettlementCause::Theft, "#3-4"), "DISPUTE_EXCEEDED"),
    // By both sides, or an authority.
    ("stock offer short", |b| b.say("P1+W1", B::Settled(b.settled("dispute", SettlementCause::Scale, "10"))), "ok"),
    ("stock offer short", |b| b.say("W1+P1", B::Settled(b.settled("dispute", SettlementCause::Scale, "10"))), "ok"),
    ("stock offer short", |b| b.say("P1", B::Settled(b.settled("dispute", SettlementCause::Scale, "10"))), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock offer short", |b| b.say("W1", B::Settled(b.settled("dispute", SettlementCause::Scale, "10"))), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock offer short", |b| settle(b, SettlementCause::Scale, "10.000001"), "DISPUTE_EXCEEDED"),
    ("stock offer short", |b| settle(b, SettlementCause::Scale, "0mg"), "MASS_NOT_POSITIVE"),
    ("stock offer short", |b| settle(b, SettlementCause::Scale, "-1mg"), "MASS_NOT_POSITIVE"),
    ("stock offer short", |b| settle(b, SettlementCause::Unspecified, "10"), "FIELD_MISSING"),
    ("stock offer short settled", |b| settle(b, SettlementCause::Scale, "1"), "DISPUTE_CLOSED"),
    ("stock offer short", |b| b.say("A1", B::Settled(b.settled("ghost", SettlementCause::Scale, "1"))), "UNKNOWN_DISPUTE"),
    ("stock offer short", |b| b.say("A1", B::Settled(Settled { settlements: Vec::new(), ..b.settled("dispute", SettlementCause::Scale, "1") })), "FIELD_INVALID"),
    ("stock offer short", |b| { let mut e = b.settled("dispute", SettlementCause::Miscount, "10"); e.settlements[0].party = party('M'); b.say("A1", B::Settled(e)) }, "FIELD_INVALID"),
    ("stock offer short", |b| { let mut e = b.settled("dispute", SettlementCause::Miscount, "10"); e.settlements[0].place = "T9".into(); b.say("A1", B::Settled(e)) }, "UNKNOWN_PLACE"),
    ("stock offer short", |b| { let mut e = b.settled("dispute", SettlementCause::Scale, "6"); e.settlements.push(e.settlements[0].clone()); b.say("A1", B::Settled(e)) }, "DISPUTE_EXCEEDED"),
    // The lower number is given: 70 of 70 and 141, 57 of 57 and 71, 71 of 71 and 139, 77 of 77 and 140.
    ("stock offer short", |b| settle(b, SettlementCause::Unspecified, "11"), "FIELD_MISSING"),
    ("stock offer short", |b| b.say("P1", B::Settled(Settled { settlements: Vec::new(), ..b.settled("dispute", SettlementCause::Scale, "1") })), "COUNTERPART_SIGNATURE_REQUIRED"),
    ("stock offer short", |b| b.say("A1", B::Settled(Settled { settlements: Vec::new(), ..b.settled("ghost", SettlementCause::Scale, "1") })), "FIELD_INVALID"),
    ("stock offer short settled", |b| settle(b, SettlementCause::Scale, "#3-1"), "SERIALS_INVALID"),
];
