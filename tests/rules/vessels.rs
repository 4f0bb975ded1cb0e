//! Vessels and assays: what is filled, drawn, cleaned, brought home as a heel;
//! what dries into another form.

use bytes::Bytes;
use hazledger::pb::event::Body as B;
use hazledger::pb::{Assayed, Cleaned, Drawn, Filled, Residue, VesselKind};

use super::bench::{Answer, Bench, DAY, place};
use super::table::Case;
use super::tanks::vessel;
use super::verbs::{kg, loss};

fn fill(b: &mut Bench, change: impl FnOnce(&mut Filled)) -> Answer {
    let mut filled = b.filled("stock 400", "T1", "V1");
    change(&mut filled);
    b.say("P1", B::Filled(filled))
}

fn draw(b: &mut Bench, change: impl FnOnce(&mut Drawn)) -> Answer {
    let mut drawn = b.drawn("V1", "100", "T2");
    change(&mut drawn);
    b.say("P1", B::Drawn(drawn))
}

fn clean(
    b: &mut Bench,
    into: &[(Residue, &str, u32)],
    change: impl FnOnce(&mut Cleaned),
) -> Answer {
    let mut cleaned = b.cleaned("V1", "100", into);
    change(&mut cleaned);
    b.say("P1", B::Cleaned(cleaned))
}

const RINSE: &[(Residue, &str, u32)] = &[(Residue::Rinse, "500", 784_000)];

#[rustfmt::skip]
pub const VESSELS: &[Case] = &[
    ("stock tanks", |b| fill(b, |_| ()), "ok"),
    ("stock tanks", |b| fill(b, |e| e.label.clear()), "FIELD_MISSING"),
    ("stock tanks filled", |b| fill(b, |e| e.label.clear()), "ok"),
    ("stock tanks", |b| fill(b, |e| e.vessel = "T2".into()), "NO_VESSEL"),
    ("stock tanks", |b| fill(b, |e| e.vessel = "V9".into()), "UNKNOWN_PLACE"),
    ("stock tanks", |b| fill(b, |e| e.vessel.clear()), "FIELD_MISSING"),
    ("stock tanks", |b| fill(b, |e| e.from = None), "FIELD_MISSING"),
    ("stock tanks", |b| { let goods = b.goods("ghost 1"); fill(b, |e| e.goods = goods) }, "UNKNOWN_LOT"),
    ("stock tanks", |b| { let goods = b.goods("stock 1000.000001"); fill(b, |e| e.goods = goods) }, "INSUFFICIENT"),
    ("stock offer tanks", |b| { let goods = b.goods("stock 901"); fill(b, |e| e.goods = goods) }, "RESERVED"),
    ("stock tanks P-closed", |b| fill(b, |_| ()), "PARTY_NOT_ACTIVE"),
    // Drums are emptied into a tank.
    ("stock drums tanks", |b| { let goods = b.goods("stock #1-4"); fill(b, |e| e.goods = goods) }, "ok"),
    // One form after another only when it was cleaned.
    ("stock nitrocellulose tanks filled", |b| { let goods = b.goods("nc 1"); fill(b, |e| e.goods = goods) }, "INCOMPATIBLE_REFILLING"),
    ("stock nitrocellulose tanks filled emptied", |b| { let goods = b.goods("nc 1"); fill(b, |e| e.goods = goods) }, "INCOMPATIBLE_REFILLING"),
    ("stock nitrocellulose tanks filled washed", |b| { let goods = b.goods("nc 1"); fill(b, |e| e.goods = goods) }, "ok"),
    ("stock tanks filled emptied", |b| fill(b, |_| ()), "ok"),
    // What runs in a vessel is drawn before it goes on; it may end there.
    ("stock tanks filled", |b| b.say("P1", B::Moved(b.moved("running 1", "V1", "T2"))), "DRAW_FIRST"),
    ("stock tanks filled", |b| b.say("P1", B::Packed(b.packed("running", "V1", "1-2", "1"))), "DRAW_FIRST"),
    ("stock tanks filled", |b| b.say("P1", B::Offered(b.offered('W', "V1", &["running 1"]))), "DRAW_FIRST"),
    ("stock tanks filled", |b| { let f = b.filled("running 1", "V1", "V2"); b.say("P1", B::Filled(f)) }, "DRAW_FIRST"),
    ("stock tanks filled", |b| { let f = b.filled("running 1", "V1", "V1"); b.say("P1", B::Filled(f)) }, "NO_CHANGE"),
    ("stock tanks filled", |b| b.say("P1", B::Used(b.used("running 400", "V1"))), "ok"),
    ("stock tanks filled", |b| draw(b, |_| ()), "ok"),
    ("stock tanks filled", |b| draw(b, |e| e.quantity = kg("400")), "ok"),
    ("stock tanks filled", |b| draw(b, |e| e.quantity = kg("400.000001")), "INSUFFICIENT"),
    ("stock tanks filled", |b| draw(b, |e| e.quantity = None), "FIELD_MISSING"),
    ("stock tanks filled", |b| draw(b, |e| e.label.clear()), "FIELD_MISSING"),
    ("stock tanks filled", |b| draw(b, |e| e.to_place.clear()), "FIELD_MISSING"),
    ("stock tanks filled", |b| draw(b, |e| e.to_place = "V1".into()), "FIELD_INVALID"),
    ("stock tanks filled", |b| draw(b, |e| e.to_place = "T9".into()), "UNKNOWN_PLACE"),
    ("stock tanks filled", |b| draw(b, |e| e.vessel = "T1".into()), "NO_VESSEL"),
    ("stock tanks", |b| draw(b, |_| ()), "VESSEL_EMPTY"),
    ("stock tanks filled emptied", |b| draw(b, |_| ()), "VESSEL_EMPTY"),
    // Cleaned: heel + rinse = what it was cleaned into + loss.
    ("stock tanks filled", |b| clean(b, RINSE, |_| ()), "ok"),
    ("stock tanks filled", |b| clean(b, &[(Residue::Product, "400", 980_000)], |e| e.rinse.clear()), "ok"),
    ("stock tanks filled", |b| clean(b, RINSE, |e| e.rinse.clear()), "NOT_CONSERVED"),
    ("stock tanks filled", |b| clean(b, &[(Residue::Rinse, "500", 785_000)], |_| ()), "NOT_CONSERVED"),
    ("stock tanks filled", |b| clean(b, &[(Residue::Rinse, "490", 800_000)], |_| ()), "ok SHORTFALL"),
    ("stock tanks filled", |b| clean(b, &[(Residue::Rinse, "490", 800_000)], |e| e.losses.push(loss("10", "0"))), "ok"),
    ("stock tanks filled", |b| clean(b, &[(Residue::Waste, "500", 784_000)], |_| ()), "ok"),
    ("stock tanks filled", |b| clean(b, &[(Residue::Waste, "500", 784_000)], |e| e.into[0].waste_code.clear()), "FIELD_INVALID"),
    ("stock tanks filled", |b| clean(b, RINSE, |e| e.into[0].waste_code = "900-028-33".into()), "FIELD_INVALID"),
    ("stock tanks filled", |b| clean(b, RINSE, |e| e.into[0].residue = 0), "FIELD_MISSING"),
    ("stock tanks filled", |b| clean(b, RINSE, |e| e.into[0].lot = None), "FIELD_MISSING"),
    ("stock tanks filled", |b| clean(b, RINSE, |e| e.into = vec![e.into[0].clone(); 9]), "FIELD_INVALID"),
    ("stock tanks filled washed", |b| clean(b, &[], |_| ()), "NO_CHANGE"),
    ("stock tanks filled emptied", |b| clean(b, &[], |_| ()), "ok"),
    ("stock tanks filled emptied", |b| clean(b, RINSE, |_| ()), "NOT_CONSERVED"),
    // A vessel that holds something stays what it is.
    ("stock tanks filled", |b| b.say("P1", B::PlaceRegistered(place('P', "V1"))), "VESSEL_IN_USE"),
    ("stock tanks filled emptied", |b| b.say("P1", B::PlaceRegistered(place('P', "V1"))), "VESSEL_IN_USE"),
    ("stock tanks filled", |b| b.say("P1", B::PlaceRegistered(vessel('P', "V1", VesselKind::Tank))), "ok"),
    ("stock tanks filled washed", |b| b.say("P1", B::PlaceRegistered(place('P', "V1"))), "ok"),
    ("", |b| { let mut odd = place('P', "V1"); odd.vessel = 77; b.say("P1", B::PlaceRegistered(odd)) }, "FIELD_INVALID"),
    // On the road: the load is pumped into the vehicle's tank, dropped in
    // parts, and what is left stays in it when the consignment closes.
    ("stock tanks waybill loaded", |b| { let f = b.filled_aboard("stock 200", "truck", "V2"); b.say("C1", B::Filled(f)) }, "ok"),
    ("stock tanks waybill loaded", |b| { let f = b.filled_aboard("stock 200", "ghost", "V2"); b.say("C1", B::Filled(f)) }, "UNKNOWN_CONSIGNMENT"),
    ("stock tanks waybill loaded", |b| { let f = b.filled_aboard("stock 200", "truck", "V2"); b.say("P1", B::Filled(f)) }, "NOT_THE_CARRIER"),
    ("stock tanks waybill loaded pumped", |b| b.say("C1", B::Offered(b.delivered('M', "truck", &["load 100"]))), "DRAW_FIRST"),
    ("stock tanks waybill loaded pumped", |b| b.say("C1", B::Cleaned(b.cleaned("V2", "1", &[]))), "VESSEL_IN_USE"),
    ("stock tanks waybill loaded pumped dropped", |b| b.say("C1", B::Reported(b.unloaded("truck"))), "ok"),
    ("stock tanks waybill loaded", |b| b.say("C1", B::Reported(b.unloaded("truck"))), "VESSEL_EMPTY"),
    ("stock tanks waybill loaded pumped dropped unloaded", |b| b.say("C1", B::Reported(b.unloaded("truck"))), "CONSIGNMENT_CLOSED"),
    ("stock tanks waybill loaded pumped dropped unloaded", |b| b.say("C1", B::Drawn(b.drawn("V2", "50", "T1"))), "ok"),
    ("stock tanks waybill loaded pumped dropped unloaded", |b| b.say("C1", B::Cleaned(b.cleaned("V2", "10", &[(Residue::Waste, "60", 816_666)]))), "ok SHORTFALL"),
];

fn assay(b: &mut Bench, change: impl FnOnce(&mut Assayed)) -> Answer {
    let mut assayed = b.dried("nc", 300_000);
    change(&mut assayed);
    b.say("P1", B::Assayed(assayed))
}

#[rustfmt::skip]
pub const ASSAYS: &[Case] = &[
    ("nitrocellulose", |b| assay(b, |_| ()), "ok"),
    ("nitrocellulose", |b| assay(b, |e| e.wetting_ppm = Some(250_000)), "ok"),
    ("nitrocellulose", |b| assay(b, |e| e.wetting_ppm = Some(249_999)), "ok FORM_CHANGED"),
    ("nitrocellulose", |b| assay(b, |e| e.wetting_ppm = Some(1_000_001)), "FIELD_INVALID"),
    ("nitrocellulose", |b| assay(b, |e| e.nitrogen_ppm = Some(1_000_001)), "FIELD_INVALID"),
    ("nitrocellulose", |b| assay(b, |e| e.temperature_milli_c = Some(-5_000)), "ok"),
    ("nitrocellulose", |b| assay(b, |e| e.certificate_hash = Bytes::new()), "FIELD_INVALID"),
    // Lighter than booked: water has gone. Heavier is a count's.
    ("nitrocellulose", |b| assay(b, |e| e.weighed = kg("950")), "ok"),
    ("nitrocellulose", |b| assay(b, |e| e.weighed = kg("1000")), "ok"),
    ("nitrocellulose", |b| assay(b, |e| e.weighed = kg("1000.000001")), "INSUFFICIENT"),
    ("nitrocellulose", |b| assay(b, |e| e.weighed = kg("0mg")), "MASS_NOT_POSITIVE"),
    // Packages keep what was fixed; a tank is measured as a whole.
    ("stock drums drum-offer drum-lost", |b| b.say("P1", B::Assayed(b.assayed("stock", 970_000))), "ok"),
    ("stock tanks filled", |b| b.say("P1", B::Assayed(b.assayed("running", 970_000))), "ok"),
    ("stock tanks filled", |b| b.say("M1", B::Assayed(b.assayed("running", 970_000))), "NOT_SOLE_HOLDER"),
    ("stock offer", |b| b.say("P1", B::Assayed(b.assayed("stock", 970_000))), "RESERVED"),
    // Ten days an assay stands of what its form depends on; then what is done
    // with it is told, until it is measured again.
    ("nitrocellulose", |b| { b.now += 9 * DAY; moved_nc(b) }, "ok"),
    ("nitrocellulose", |b| { b.now += 11 * DAY; moved_nc(b) }, "ok ASSAY_OVERDUE"),
    ("nitrocellulose", |b| { b.now += 11 * DAY; assay(b, |_| ()) }, "ok"),
    ("nitrocellulose", |b| { b.now += 11 * DAY; assay(b, |_| ()).unwrap(); b.now += 9 * DAY; moved_nc(b) }, "ok"),
    ("nitrocellulose", |b| { b.now += 11 * DAY; assay(b, |_| ()).unwrap(); b.now += 11 * DAY; moved_nc(b) }, "ok ASSAY_OVERDUE"),
    ("stock", |b| { b.now += 11 * DAY; b.say("P1", B::Moved(b.moved("stock 1", "T1", "T2"))) }, "ok"),
];

fn moved_nc(b: &mut Bench) -> Answer {
    b.say("P1", B::Moved(b.moved("nc 1", "T1", "T2")))
}
