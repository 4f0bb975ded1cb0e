//! How long a vehicle stands, how long its driver drives and rests: told by the
//! carrier, found with the word that tells it.

use hazledger::pb::event::Body as B;
use hazledger::pb::{DrivingSpan, ReportKind, Reported, RuleKind, RuleLine, RuleMode};

use super::bench::{Answer, Bench, DAY, HOUR, MINUTE, START_MS, hash};
use super::rulebook::rule;
use super::table::Case;

use RuleKind as K;
use RuleMode::{Find, Off};

pub fn limited(kind: RuleKind, substances: &str, limit: i64) -> RuleLine {
    RuleLine {
        limit,
        ..rule(kind, Find, substances)
    }
}

/// Half an hour is the longest that a vehicle may stand.
fn stops(b: &mut Bench) {
    b.publish(vec![limited(K::LongStop, "NACN", 30)]).unwrap();
}

fn said(b: &mut Bench, kind: ReportKind, stood_ms: i64) -> Answer {
    let e = Reported {
        kind: kind.into(),
        stood_ms,
        ..b.reported("truck")
    };
    b.say("C0", B::Reported(e))
}

fn stop(b: &mut Bench) {
    said(b, ReportKind::Stop, 0).unwrap();
}

/// A word so much later.
fn later(b: &mut Bench, ms: i64, kind: ReportKind) -> Answer {
    b.now += ms;
    said(b, kind, 0)
}

fn hours(b: &mut Bench) {
    let lines = vec![
        limited(K::DrivingTime, "", 240),
        limited(K::NightDriving, "", 120),
        limited(K::DriverRest, "", 20),
    ];
    b.publish(lines).unwrap();
}

/// Driven from and until so long after 08:00 in Shanghai, after a rest.
fn drove(b: &mut Bench, from_ms: i64, until_ms: i64, rested_ms: i64) -> Answer {
    b.now += DAY;
    let driving = DrivingSpan {
        driver: hash("driver"),
        from_ms: START_MS + from_ms,
        until_ms: START_MS + until_ms,
        rested_ms: Some(rested_ms).filter(|ms| *ms > 0),
    };
    drives(b, driving)
}

fn drives(b: &mut Bench, driving: DrivingSpan) -> Answer {
    let e = Reported {
        kind: ReportKind::Position.into(),
        driving: Some(driving),
        ..b.reported("truck")
    };
    b.say("C0", B::Reported(e))
}

/// Two hours at the wheel, changed.
fn wrongly(b: &mut Bench, change: impl FnOnce(&mut DrivingSpan)) -> Answer {
    let mut driving = DrivingSpan {
        driver: hash("driver"),
        from_ms: b.now - 2 * HOUR,
        until_ms: b.now,
        rested_ms: None,
    };
    change(&mut driving);
    drives(b, driving)
}

/// M takes the goods from the truck, which has stood for so long; the carrier
/// tells of the stop after that, and of its offer at last.
fn taken_early(b: &mut Bench, stood_ms: i64) -> Answer {
    let e = b.delivered('M', "truck", &["stock 200"]);
    b.prepare("drop", "C1", B::Offered(e));
    b.now += stood_ms;
    let e = b.accepted("drop", "T1", &["0 take 200"]);
    b.say("M1", B::Accepted(e)).unwrap();
    let e = b.reported("truck");
    b.say_late("C0", stood_ms, B::Reported(e)).unwrap();
    b.send("drop")
}

/// The goods go on with another carrier.
fn relay(b: &mut Bench) -> Answer {
    let e = b.relayed("truck", 'W');
    b.say("C1+W1", B::Relayed(e))
}

#[rustfmt::skip]
pub const STOPS: &[Case] = &[
    // As long as the carrier says that it has stood.
    ("stock waybill loaded", |b| { stops(b); said(b, ReportKind::Stop, 30 * MINUTE) }, "ok"),
    ("stock waybill loaded", |b| { stops(b); said(b, ReportKind::Stop, 30 * MINUTE + 1) }, "ok LONG_STOP"),
    // Until the next word: whatever ends it, or says that it goes on.
    ("stock waybill loaded", |b| { stops(b); stop(b); later(b, 30 * MINUTE, ReportKind::Position) }, "ok"),
    ("stock waybill loaded", |b| { stops(b); stop(b); later(b, 30 * MINUTE + 1, ReportKind::Position) }, "ok LONG_STOP"),
    ("stock waybill loaded", |b| { stops(b); stop(b); later(b, 30 * MINUTE + 1, ReportKind::Stop) }, "ok LONG_STOP"),
    ("stock waybill loaded", |b| { stops(b); stop(b); later(b, 20 * MINUTE, ReportKind::Seal).unwrap(); later(b, 10 * MINUTE + 1, ReportKind::Stop) }, "ok LONG_STOP"),
    ("stock waybill loaded", |b| { stops(b); stop(b); later(b, 20 * MINUTE, ReportKind::Position).unwrap(); later(b, 20 * MINUTE, ReportKind::Position) }, "ok"),
    ("stock waybill loaded", |b| { stops(b); stop(b); b.now += 30 * MINUTE + 1; relay(b) }, "ok LONG_STOP"),
    ("stock waybill loaded", |b| { stops(b); stop(b); relay(b).unwrap(); b.now += 31 * MINUTE; let e = b.reported("truck"); b.say("W1", B::Reported(e)) }, "ok"),
    ("stock waybill loaded delivery", |b| { stops(b); stop(b); b.now += 30 * MINUTE; let e = b.accepted("delivery", "T1", &["0 take 200"]); b.say("M1", B::Accepted(e)) }, "ok"),
    ("stock waybill loaded delivery", |b| { stops(b); stop(b); b.now += 30 * MINUTE + 1; let e = b.accepted("delivery", "T1", &["0 take 200"]); b.say("M1", B::Accepted(e)) }, "ok LONG_STOP"),
    // Once for a stop, and once for the next.
    ("stock waybill loaded", |b| { stops(b); stop(b); later(b, HOUR, ReportKind::Stop).unwrap(); later(b, HOUR, ReportKind::Position) }, "ok"),
    ("stock waybill loaded", |b| { stops(b); stop(b); later(b, HOUR, ReportKind::Position).unwrap(); stop(b); later(b, HOUR, ReportKind::Position) }, "ok LONG_STOP"),
    // A word that comes in late ends nothing that began after it.
    ("stock waybill loaded", |b| { stops(b); b.now += HOUR; stop(b); let e = Reported { kind: ReportKind::Position.into(), ..b.reported("truck") }; b.say_late("C0", 40 * MINUTE, B::Reported(e)).unwrap(); later(b, 31 * MINUTE, ReportKind::Position) }, "ok LONG_STOP"),
    ("stock waybill loaded", |b| { stops(b); b.now += HOUR; said(b, ReportKind::Position, 0).unwrap(); let e = b.reported("truck"); b.say_late("C0", 40 * MINUTE, B::Reported(e)).unwrap(); later(b, 31 * MINUTE, ReportKind::Position) }, "ok"),
    // Of other goods, without a pack, off, and before and from its first day.
    ("stock waybill loaded", |b| { b.publish(vec![limited(K::LongStop, "AN", 30)]).unwrap(); said(b, ReportKind::Stop, HOUR) }, "ok"),
    ("stock waybill loaded", |b| said(b, ReportKind::Stop, HOUR), "ok"),
    ("stock waybill loaded", |b| { b.publish(vec![rule(K::LongStop, Off, "")]).unwrap(); said(b, ReportKind::Stop, HOUR) }, "ok"),
    ("stock waybill loaded", |b| { b.publish_from(b.now + 1, vec![limited(K::LongStop, "", 30)]).unwrap(); said(b, ReportKind::Stop, HOUR) }, "ok"),
    ("stock waybill loaded", |b| { b.publish_from(b.now, vec![limited(K::LongStop, "", 30)]).unwrap(); said(b, ReportKind::Stop, HOUR) }, "ok LONG_STOP"),
    // It is said of a stop, and a rule of time has a limit.
    ("stock waybill loaded", |b| said(b, ReportKind::Position, 1), "FIELD_INVALID"),
    ("stock waybill loaded", |b| said(b, ReportKind::Stop, -1), "FIELD_INVALID"),
    ("", |b| b.publish(vec![rule(K::LongStop, Find, "")]), "FIELD_MISSING"),
    ("", |b| b.publish(vec![limited(K::LongStop, "", 1)]), "ok"),
    // Taken before the offer came in, and the stop was told in between.
    ("stock waybill loaded", |b| { stops(b); taken_early(b, 31 * MINUTE) }, "ok LONG_STOP"),
    ("stock waybill loaded", |b| { stops(b); taken_early(b, 30 * MINUTE) }, "ok"),
];

#[rustfmt::skip]
pub const HOURS: &[Case] = &[
    // Four hours without a rest, by day; the bench begins at 08:00.
    ("stock waybill loaded", |b| { hours(b); drove(b, 0, 4 * HOUR, 0) }, "ok"),
    ("stock waybill loaded", |b| { hours(b); drove(b, 0, 4 * HOUR + 1, 0) }, "ok DRIVEN_TOO_LONG"),
    // Two by night: from 22:00, and until 06:00.
    ("stock waybill loaded", |b| { hours(b); drove(b, 13 * HOUR, 16 * HOUR, 0) }, "ok"),
    ("stock waybill loaded", |b| { hours(b); drove(b, 13 * HOUR, 16 * HOUR + 1, 0) }, "ok DRIVEN_TOO_LONG"),
    ("stock waybill loaded", |b| { hours(b); drove(b, 20 * HOUR, 23 * HOUR, 0) }, "ok"),
    ("stock waybill loaded", |b| { hours(b); drove(b, 20 * HOUR - 1, 23 * HOUR, 0) }, "ok DRIVEN_TOO_LONG"),
    ("stock waybill loaded", |b| { hours(b); drove(b, 14 * HOUR, 19 * HOUR, 0) }, "ok DRIVEN_TOO_LONG*2"),
    // Twenty minutes of rest; none is said, none is judged.
    ("stock waybill loaded", |b| { hours(b); drove(b, 0, HOUR, 20 * MINUTE) }, "ok"),
    ("stock waybill loaded", |b| { hours(b); drove(b, 0, HOUR, 20 * MINUTE - 1) }, "ok RESTED_TOO_LITTLE"),
    // No rest at all is one that is too short; what is not said is not judged.
    ("stock waybill loaded", |b| { hours(b); wrongly(b, |d| d.rested_ms = Some(0)) }, "ok RESTED_TOO_LITTLE"),
    ("stock waybill loaded", |b| { hours(b); wrongly(b, |_| ()) }, "ok"),
    // Before and from the first day, and without a pack.
    ("stock waybill loaded", |b| drove(b, 0, 9 * HOUR, MINUTE), "ok"),
    ("stock waybill loaded", |b| { b.publish_from(b.now + DAY + 1, vec![limited(K::DrivingTime, "", 240)]).unwrap(); drove(b, 0, 5 * HOUR, 0) }, "ok"),
    ("stock waybill loaded", |b| { b.publish_from(b.now + DAY, vec![limited(K::DrivingTime, "", 240)]).unwrap(); drove(b, 0, 5 * HOUR, 0) }, "ok DRIVEN_TOO_LONG"),
    // What cannot be.
    ("stock waybill loaded", |b| wrongly(b, |_| ()), "ok"),
    ("stock waybill loaded", |b| wrongly(b, |d| d.driver.truncate(31)), "FIELD_INVALID"),
    ("stock waybill loaded", |b| wrongly(b, |d| d.from_ms = d.until_ms), "FIELD_INVALID"),
    ("stock waybill loaded", |b| wrongly(b, |d| d.from_ms = d.until_ms - 7 * DAY), "ok"),
    ("stock waybill loaded", |b| wrongly(b, |d| d.from_ms = d.until_ms - 7 * DAY - 1), "FIELD_INVALID"),
    ("stock waybill loaded", |b| wrongly(b, |d| d.from_ms = 0), "FIELD_INVALID"),
    ("stock waybill loaded", |b| wrongly(b, |d| d.until_ms += 1), "FIELD_INVALID"),
    ("stock waybill loaded", |b| wrongly(b, |d| d.rested_ms = Some(-1)), "FIELD_INVALID"),
];
