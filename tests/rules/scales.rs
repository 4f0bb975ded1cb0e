//! Tables of measures (volumes, tares, instruments) and of goods that go back.

use hazledger::pb::event::Body as B;
use hazledger::pb::{
    Accepted, Counted, EventRef, Measure, MeasureUnit, Offered, Produced, Quantity,
};

use super::bench::{Answer, Bench, DAY, hash};
use super::table::Case;
use super::verbs::{mg, zeros};

/// P produces what a measure says; and, if anything, so many milligrams.
fn produce(b: &mut Bench, gross_mg: i64, measure: Measure) -> Answer {
    let mut lot = b.lot("L", "1", "T1");
    lot.quantity = Some(Quantity {
        gross_mg,
        measure: Some(measure),
    });
    b.say("P1", B::Produced(Produced { lot: Some(lot) }))
}

fn volume(value: &str, unit: MeasureUnit, density: &str) -> Measure {
    Measure {
        value: value.into(),
        unit: unit.into(),
        method: "flow meter".into(),
        density: density.into(),
        temperature_milli_c: 15_000,
        ..Measure::default()
    }
}

fn weighed(gross: &str, tare: &str, net: &str) -> Measure {
    Measure {
        gross: gross.into(),
        tare: tare.into(),
        net: net.into(),
        ..volume("20", MeasureUnit::Kg, "")
    }
}

/// A scale whose verification holds for so long from now on.
fn verified(b: &Bench, for_ms: i64) -> Measure {
    Measure {
        instrument: "scale 7".into(),
        verified_until_ms: b.now + for_ms,
        ..volume("100", MeasureUnit::Kg, "")
    }
}

/// W takes the open offer of 100 kg as a scale says.
fn take(b: &mut Bench, for_ms: i64) -> Answer {
    let mut e = b.accepted("offer", "T1", &["0 take 100"]);
    e.lines[0].accepted.as_mut().unwrap().measure = Some(verified(b, for_ms));
    b.say("W1", B::Accepted(e))
}

fn check(b: &mut Bench, measure: Measure) -> Answer {
    let mut e = b.accepted("offer", "T1", &["0 take 100"]);
    e.lines[0].check = Some(measure);
    b.say("W1", B::Accepted(e))
}

fn offer(b: &mut Bench, for_ms: i64) -> Answer {
    let mut e = b.offered('W', "T1", &["stock 100"]);
    e.lines[0].loose.as_mut().unwrap().measure = Some(verified(b, for_ms));
    b.say("P1", B::Offered(e))
}

/// P counts its tonne, by a scale.
fn count(b: &mut Bench, value: &str, for_ms: i64) -> Answer {
    let measure = Measure {
        value: value.into(),
        ..verified(b, for_ms)
    };
    let e = Counted {
        loose_measure: Some(measure),
        ..b.counted("stock", "T1", "1000", "", "")
    };
    b.say("P1", B::Counted(e))
}

#[rustfmt::skip]
pub const MEASURES: &[Case] = &[
    // 20 l at 1,255.3 kg/m3 are 25.106 kg; 2 m3 are 2,510.6 kg.
    ("", |b| produce(b, 0, volume("20", MeasureUnit::L, "1255.3")), "ok"),
    ("", |b| produce(b, mg("25.106"), volume("20", MeasureUnit::L, "1255.3")), "ok"),
    ("", |b| produce(b, mg("25.106") + 1, volume("20", MeasureUnit::L, "1255.3")), "MEASURE_DISAGREES"),
    ("", |b| produce(b, mg("2510.6"), volume("2", MeasureUnit::M3, "1255.3")), "ok"),
    // Down to the milligram: 0.0001 l at 1,255.3 are 125.53 mg.
    ("", |b| produce(b, 125, volume("0.0001", MeasureUnit::L, "1255.3")), "ok"),
    ("", |b| produce(b, 126, volume("0.0001", MeasureUnit::L, "1255.3")), "MEASURE_DISAGREES"),
    ("", |b| produce(b, 0, volume("0.000000001", MeasureUnit::L, "999")), "MASS_NOT_POSITIVE"),
    ("", |b| produce(b, 0, volume("20", MeasureUnit::L, "0")), "MASS_NOT_POSITIVE"),
    ("", |b| produce(b, 0, volume("20", MeasureUnit::L, "1.2e3")), "FIELD_INVALID"),
    ("", |b| produce(b, 0, volume("-20", MeasureUnit::L, "1255.3")), "FIELD_INVALID"),
    ("", |b| produce(b, 0, volume("20", MeasureUnit::L, "1.0000000000000000001")), "FIELD_INVALID"),
    ("", |b| produce(b, 0, volume("999999999999999999", MeasureUnit::M3, "999999999999999999")), "MASS_OVERFLOW"),
    ("", |b| produce(b, 0, volume("9999999999", MeasureUnit::M3, "1000")), "MASS_OVERFLOW"),
    ("", |b| produce(b, 0, volume("20", MeasureUnit::Piece, "1000")), "MASS_NOT_POSITIVE"),
    // The weighbridge's own sum.
    ("", |b| produce(b, 0, weighed("32.5", "12.5", "20")), "ok"),
    ("", |b| produce(b, 0, weighed("32.5", "12.5", "20.000001")), "MEASURE_DISAGREES"),
    ("", |b| produce(b, 0, weighed("12.5", "32.5", "20")), "MEASURE_DISAGREES"),
    ("", |b| produce(b, 0, weighed("32.5", "", "20.000001")), "ok"),
    ("", |b| produce(b, 0, weighed("32.5", "about 12", "20")), "FIELD_INVALID"),
    ("", |b| produce(b, 0, Measure { unit: MeasureUnit::L.into(), density: "1000".into(), ..weighed("32.5", "12.5", "20") }), "ok"),
    ("stock offer", |b| check(b, Measure { value: "100".into(), ..weighed("112.5", "12.5", "100") }), "ok"),
    ("stock offer", |b| check(b, Measure { value: "100".into(), ..weighed("112.5", "12.5", "99") }), "MEASURE_DISAGREES"),
    // An instrument whose verification has run out, at a handoff and at a count.
    ("stock offer", |b| take(b, DAY), "ok"),
    ("stock offer", |b| take(b, 1), "ok"),
    ("stock offer", |b| take(b, 0), "ok INSTRUMENT_UNVERIFIED"),
    ("stock offer", |b| { let late = verified(b, -DAY); check(b, late) }, "ok INSTRUMENT_UNVERIFIED"),
    ("stock", |b| offer(b, DAY), "ok"),
    ("stock", |b| offer(b, -DAY), "ok INSTRUMENT_UNVERIFIED"),
    ("stock", |b| count(b, "1000", DAY), "ok"),
    ("stock", |b| count(b, "1000", -DAY), "ok INSTRUMENT_UNVERIFIED"),
    ("stock", |b| count(b, "999", DAY), "MEASURE_DISAGREES"),
    // The lower number is given: 73 of 73 and 75, 75 of 75 and 77.
    ("", |b| produce(b, 0, volume("0", MeasureUnit::L, "1000")), "MASS_NOT_POSITIVE"),
    ("stock", |b| { let e = Counted { loose_measure: Some(verified(b, DAY)), ..b.counted("stock", "T1", "1000", "3-1", "") }; b.say("P1", B::Counted(e)) }, "MEASURE_DISAGREES"),
];

/// W has taken 100 kg of P's; it offers some back.
fn back(b: &mut Bench, goods: &str, change: impl FnOnce(&mut Offered)) -> Answer {
    let mut e = b.back('P', "offer", &[goods]);
    change(&mut e);
    b.now += 1_000;
    b.name("back", "W1", B::Offered(e))
}

/// P takes back what it is offered.
fn taken_back(b: &mut Bench, line: &str, change: impl FnOnce(&mut Accepted)) -> Answer {
    let mut e = b.taken_back("back", "offer", &[line]);
    change(&mut e);
    b.now += 1_000;
    b.say("P1", B::Accepted(e))
}

/// 60 kg have gone back; then so much more is offered.
fn more(b: &mut Bench, goods: &str) -> Answer {
    back(b, "stock 60", |_| ()).unwrap();
    taken_back(b, "0 take 60", |_| ()).unwrap();
    back(b, goods, |_| ())
}

/// W has another 100 kg of P's; two offers to give back 60 of the first stand
/// at a time, and both are taken.
fn at_a_time(b: &mut Bench) -> Answer {
    b.name(
        "second",
        "P1",
        B::Offered(b.offered('W', "T1", &["stock 100"])),
    )
    .unwrap();
    b.say(
        "W1",
        B::Accepted(b.accepted("second", "T1", &["0 take 100"])),
    )
    .unwrap();
    let e = b.back('P', "offer", &["stock 60"]);
    b.name("first", "W1", B::Offered(e)).unwrap();
    back(b, "stock 60", |_| ()).unwrap();
    let e = b.taken_back("first", "offer", &["0 take 60"]);
    b.say("P1", B::Accepted(e)).unwrap();
    taken_back(b, "0 take 60", |_| ())
}

#[rustfmt::skip]
pub const RETURNS: &[Case] = &[
    ("stock offer taken", |b| back(b, "stock 100", |_| ()), "ok"),
    ("stock offer taken", |b| { back(b, "stock 40", |_| ()).unwrap(); taken_back(b, "0 take 40", |_| ()) }, "ok"),
    ("stock offer taken", |b| more(b, "stock 40"), "ok"),
    ("stock offer taken", |b| more(b, "stock 40.000001"), "INSUFFICIENT"),
    ("stock offer taken", |b| { more(b, "stock 1").unwrap(); b.say("W1", B::Counted(b.counted("stock", "T1", "100", "", ""))).unwrap(); back(b, "stock 41", |_| ()) }, "RETURN_DISAGREES"),
    // One that is declined or refused does not count.
    ("stock offer taken", |b| { back(b, "stock 100", |_| ()).unwrap(); b.say("P1", B::Declined(b.declined("back"))).unwrap(); back(b, "stock 100", |_| ()) }, "ok"),
    ("stock offer taken", |b| { back(b, "stock 60", |_| ()).unwrap(); taken_back(b, "0 take 50 refuse 10", |_| ()).unwrap(); back(b, "stock 50", |_| ()) }, "ok"),
    ("stock drums drum-offer drum-lost", |b| { let e = b.back('P', "drum-offer", &["stock #1-3"]); b.say("W1", B::Offered(e)) }, "ok"),
    // What was short, or never taken, does not come back.
    ("stock offer short", |b| { b.say("W1", B::Counted(b.counted("stock", "T1", "100", "", ""))).unwrap(); back(b, "stock 90.000001", |_| ()) }, "RETURN_DISAGREES"),
    ("stock offer short", |b| back(b, "stock 90", |_| ()), "ok"),
    ("stock other offer taken", |b| { b.say("W1", B::Counted(b.counted("other", "T1", "5", "", ""))).unwrap(); back(b, "other 5", |_| ()) }, "RETURN_DISAGREES"),
    ("stock offer taken", at_a_time, "ok RETURN_EXCEEDS"),
    // The same two parties, the other way round; a handoff that was taken.
    ("stock offer taken", |b| back(b, "stock 1", |e| e.taker = super::bench::party('M')), "RETURN_DISAGREES"),
    ("stock offer taken", |b| { let e = b.back('W', "offer", &["stock 1"]); b.say("P1", B::Offered(e)) }, "RETURN_DISAGREES"),
    ("stock offer", |b| { b.say("W1", B::Counted(b.counted("stock", "T1", "5", "", ""))).unwrap(); back(b, "stock 5", |_| ()) }, "RETURN_DISAGREES"),
    ("stock offer taken", |b| back(b, "stock 1", |e| e.returns = Some(EventRef::default())), "FIELD_INVALID"),
    ("stock offer taken", |b| { let ghost = b.event("ghost"); back(b, "stock 1", |e| e.returns = Some(ghost)) }, "UNKNOWN_OFFER"),
    ("stock offer taken", |b| back(b, "stock 1", |e| e.returns.as_mut().unwrap().event_digest = hash("else")), "EVENT_DIGEST_DIFFERS"),
    ("stock offer taken", |b| back(b, "stock 1", |e| e.returns.as_mut().unwrap().event_digest = zeros(31)), "FIELD_INVALID"),
    // The acceptance names what the offer names.
    ("stock offer taken", |b| { back(b, "stock 1", |_| ()).unwrap(); taken_back(b, "0 take 1", |e| e.returns = None) }, "RETURN_DISAGREES"),
    ("stock offer", |b| b.say("W1", B::Accepted(b.taken_back("offer", "offer", &["0 take 100"]))), "RETURN_DISAGREES"),
    // The lower number is given: 124 of 124 and 129, 132 of 132 and 158.
    ("stock offer taken", |b| { let ghost = b.event("ghost"); back(b, "stock 1", |e| { e.returns = Some(ghost); e.taker = super::bench::party('W'); }) }, "UNKNOWN_OFFER"),
    ("stock offer taken", |b| back(b, "stock 101", |_| ()), "INSUFFICIENT"),
];
