//! A finding's life: acknowledged and explained by whose it is, resolved by an
//! authority, and then over.

use hazledger::event::record::OpenRecord;
use hazledger::pb::event::Body as B;
use hazledger::pb::{
    AgencyRegistered, Corrected, DocumentRef, FindingAnswer, FindingAnswered, FindingCode,
    RuleKind, RuleLine, RuleMode,
};

use super::bench::{Answer, Bench, DAY, HOUR, START_MS, event, party};
use super::rulebook::rule;
use super::table::Case;

use FindingAnswer::{Acknowledged, Explained, Resolved, Unspecified};

/// A word on the first finding of a named event's record.
fn word(b: &Bench, of: &str, answer: FindingAnswer) -> FindingAnswered {
    let event = b.event(of);
    let mut records = b
        .records
        .iter()
        .map(|(sealed, _)| OpenRecord::open(&sealed.bytes).unwrap());
    let record = records.find(|r| r.payload.id == event.statement_id);
    FindingAnswered {
        position: record.map_or(1, |r| r.position()),
        finding: 0,
        event: Some(event),
        answer: answer.into(),
        words: "the scale had slipped".into(),
        documents: Vec::new(),
    }
}

fn say(b: &mut Bench, keys: &str, answer: FindingAnswer) -> Answer {
    with(b, keys, answer, |_| ())
}

/// A word on what `short` finds: P's, an alarm.
fn with(
    b: &mut Bench,
    keys: &str,
    answer: FindingAnswer,
    change: impl FnOnce(&mut FindingAnswered),
) -> Answer {
    let mut e = word(b, "dispute", answer);
    change(&mut e);
    b.say(keys, B::FindingAnswered(e))
}

/// W has refused some: a notice to P.
fn refused(b: &mut Bench) {
    let e = b.accepted("offer", "T1", &["0 take 90 refuse 10"]);
    b.name("taken", "W1", B::Accepted(e)).unwrap();
}

/// P has taken a drum off its pallet: a notice that names nobody.
fn broken(b: &mut Bench) {
    let e = b.used("stock #1", "T1");
    b.name("used", "P1", B::Used(e)).unwrap();
}

fn of(b: &mut Bench, keys: &str, of: &str, answer: FindingAnswer) -> Answer {
    let e = word(b, of, answer);
    b.say(keys, B::FindingAnswered(e))
}

fn agency(b: &mut Bench, territory: &str) {
    let e = AgencyRegistered {
        party: party('D'),
        agency: "EM".into(),
        stages: vec![1],
        territory: territory.into(),
        withdrawn: false,
    };
    b.say("A1+A2", B::AgencyRegistered(e)).unwrap();
}

#[rustfmt::skip]
pub const ANSWERS: &[Case] = &[
    // Acknowledged and explained by whose it is.
    ("stock offer short", |b| say(b, "P1", Acknowledged), "ok"),
    ("stock offer short", |b| say(b, "P1", Explained), "ok"),
    ("stock offer short", |b| say(b, "W1", Acknowledged), "NOT_THE_OWNER"),
    ("stock offer short", |b| say(b, "W1+P1", Explained), "ok"),
    ("stock offer short", |b| say(b, "A1", Explained), "NOT_THE_OWNER"),
    ("stock offer short P-merged", |b| say(b, "M1", Acknowledged), "ok"),
    // Again and again; the latest holds, and it is known without its event.
    ("stock offer short", |b| { say(b, "P1", Acknowledged).unwrap(); say(b, "P1", Explained) }, "ok"),
    ("stock offer short", |b| { say(b, "P1", Acknowledged).unwrap(); with(b, "P1", Explained, |e| e.event = None) }, "ok"),
    ("stock offer short", |b| { say(b, "P1", Acknowledged).unwrap(); say(b, "W1", Explained) }, "NOT_THE_OWNER"),
    // Resolved by an authority over its region, and then over.
    ("stock offer short", |b| say(b, "A1", Resolved), "ok"),
    ("stock offer short", |b| say(b, "P1", Resolved), "NOT_THE_OWNER"),
    ("stock offer short", |b| { agency(b, "150000"); say(b, "D1", Resolved) }, "ok"),
    ("stock offer short", |b| { agency(b, "150200"); say(b, "D1", Resolved) }, "NOT_THE_OWNER"),
    ("stock offer short", |b| { say(b, "A1", Resolved).unwrap(); say(b, "A1", Resolved) }, "FINDING_RESOLVED"),
    ("stock offer short", |b| { say(b, "A1", Resolved).unwrap(); say(b, "P1", Explained) }, "FINDING_RESOLVED"),
    ("stock offer short", |b| { say(b, "A1", Resolved).unwrap(); say(b, "W1", Explained) }, "NOT_THE_OWNER"),
    // A mere notice by its owner too.
    ("stock offer", |b| { refused(b); of(b, "P1", "taken", Resolved) }, "ok"),
    ("stock offer", |b| { refused(b); of(b, "W1", "taken", Resolved) }, "NOT_THE_OWNER"),
    // One that names nobody is its record's party's.
    ("stock drums pallet", |b| { broken(b); of(b, "P1", "used", Acknowledged) }, "ok"),
    ("stock drums pallet", |b| { broken(b); of(b, "W1", "used", Acknowledged) }, "NOT_THE_OWNER"),
    // What it says, and of what.
    ("stock offer short", |b| say(b, "P1", Unspecified), "FIELD_MISSING"),
    ("stock offer short", |b| with(b, "P1", Acknowledged, |e| e.answer = 99), "FIELD_MISSING"),
    ("stock offer short", |b| with(b, "P1", Acknowledged, |e| e.words.clear()), "ok"),
    ("stock offer short", |b| with(b, "P1", Explained, |e| e.words.clear()), "FIELD_MISSING"),
    ("stock offer short", |b| with(b, "A1", Resolved, |e| e.words.clear()), "FIELD_MISSING"),
    ("stock offer short", |b| with(b, "P1", Explained, |e| e.documents = vec![DocumentRef::default()]), "FIELD_MISSING"),
    ("stock offer short", |b| with(b, "P1", Explained, |e| e.event = None), "FIELD_MISSING"),
    ("stock offer short", |b| with(b, "P1", Explained, |e| e.finding = 9), "UNKNOWN_FINDING"),
    ("stock offer short", |b| with(b, "P1", Explained, |e| e.position += 1), "UNKNOWN_FINDING"),
    ("stock offer", |b| of(b, "P1", "nobody's", Explained), "UNKNOWN_FINDING"),
    ("stock offer", |b| of(b, "P1", "offer", Explained), "UNKNOWN_FINDING"),
    // An answer is followed by another, not corrected.
    ("stock offer short", |b| { let e = word(b, "dispute", Acknowledged); b.name("answer", "P1", B::FindingAnswered(e.clone())).unwrap(); let e = Corrected { original: Some(b.event("answer")), restated: Some(Box::new(event(B::FindingAnswered(e)))), reason: "no".into() }; b.say("P1", B::Corrected(Box::new(e))) }, "CANNOT_CORRECT"),
];

/// By when each finding of the last record is to be answered.
fn dues(b: &Bench) -> Vec<i64> {
    let (sealed, _) = b.records.last().unwrap();
    let record = OpenRecord::open(&sealed.bytes).unwrap();
    let findings = record.findings.iter().flatten();
    findings.map(|finding| finding.due_ms).collect()
}

/// A warning (a stack) and an alarm (goods side by side) of P's, with lines of a
/// pack: by when?
fn dated(lines: &[RuleLine]) -> Vec<i64> {
    let mut b = Bench::new();
    b.set_up("stock");
    let stack = rule(RuleKind::Stack, RuleMode::Find, "NACN");
    let apart = rule(RuleKind::IncompatibleGoods, RuleMode::Find, "");
    b.publish([&[stack, apart], lines].concat()).unwrap();
    b.now += HOUR;
    let (more, mut beside) = (b.produced("a", "1", "T1"), b.produced("b", "1", "T1"));
    if let Some(lot) = &mut beside.lot {
        lot.form = "AN-1942".into();
    }
    let events = vec![event(B::Produced(more)), event(B::Produced(beside))];
    let found = b.say_all("P1", events).unwrap();
    let wanted = [FindingCode::StackTooLarge, FindingCode::IncompatibleGoods];
    assert_eq!(found, wanted);
    let recorded = b.now;
    let in_hours = |due: i64| if due == 0 { 0 } else { (due - recorded) / HOUR };
    dues(&b).into_iter().map(in_hours).collect()
}

fn within(kind: RuleKind, mode: RuleMode, hours: i64) -> RuleLine {
    RuleLine {
        limit: hours,
        ..rule(kind, mode, "")
    }
}

/// A pack sets by when, from when it was recorded; what has a date of its own
/// keeps it, and a notice has none.
pub fn are_dated_by_the_pack_in_force() {
    use RuleKind::{AlarmDue, WarningDue};
    use RuleMode::{Find, Off};
    assert_eq!(dated(&[]), [0, 0]);
    assert_eq!(dated(&[within(AlarmDue, Find, 24)]), [0, 24]);
    assert_eq!(dated(&[within(WarningDue, Find, 72)]), [72, 0]);
    assert_eq!(dated(&[within(AlarmDue, Off, 24)]), [0, 0]);
    let of_all = |lines: Vec<RuleLine>, steps: &str| {
        let mut b = Bench::new();
        b.publish(lines).unwrap();
        b.set_up(steps);
        dues(&b)
    };
    let both = || vec![within(AlarmDue, Find, 24), within(WarningDue, Find, 72)];
    // A dispute's alarm has the dispute's day, seven from then.
    let own = of_all(both(), "stock offer short");
    assert_eq!(own, [START_MS + 2_000 + 7 * DAY]);
    let controlled = rule(RuleKind::Controlled, Find, "NACN");
    let notice = [both(), vec![controlled]].concat();
    assert_eq!(of_all(notice, "stock offer"), [0]);
}
