//! Facts that break a rule are recorded, with a finding: one person where two
//! must be, a sale filed late, too little of a wetting agent, and the figures
//! that a pack sets in the place of the base pack's.

use hazledger::pb::event::Body as B;
use hazledger::pb::{Assayed, HandoffPurpose, RuleKind, RuleLine, RuleMode};

use super::bench::{Answer, Bench, DAY, HOUR, MINUTE, START_MS};
use super::rulebook::{LONG_AGO, rule};
use super::table::Case;

use RuleKind as K;
use RuleMode::{Find, Off, Refuse};

fn two(b: &mut Bench) {
    b.publish(vec![rule(K::TwoPersons, Refuse, "NACN")])
        .unwrap();
}

fn limited(kind: RuleKind, substances: &str, limit: i64) -> RuleLine {
    RuleLine {
        limit,
        ..rule(kind, Find, substances)
    }
}

fn offer(b: &mut Bench, keys: &str) -> Answer {
    let e = b.offered('W', "T1", &["stock 100"]);
    b.name("offer", keys, B::Offered(e))
}

fn take(b: &mut Bench, keys: &str) -> Answer {
    let e = b.accepted("offer", "T1", &["0 take 100"]);
    b.say(keys, B::Accepted(e))
}

fn count(b: &mut Bench, keys: &str) -> Answer {
    let e = b.counted("stock", "T1", "1000", "", "");
    b.say(keys, B::Counted(e))
}

/// W has taken what P says later that it offered.
fn parked(b: &mut Bench, keys: &str) {
    let e = b.offered('W', "T1", &["stock 100"]);
    b.prepare("offer", "P1+P2", B::Offered(e));
    take(b, keys).unwrap();
}

/// Three days for filing; nothing else is told of lateness.
fn filing(days: i64) -> Vec<RuleLine> {
    vec![
        limited(K::Filing, "NACN", days),
        rule(K::BackDating, Off, ""),
    ]
}

/// In Shanghai it was 08:00 on 1 January when the bench began.
const fn midnight_after(days: i64) -> i64 {
    START_MS + days * DAY - 8 * HOUR
}

/// Sold on 2 January at 08:00, told at a time.
fn trade(b: &mut Bench, told_ms: i64) -> Answer {
    trade_on(b, START_MS + DAY, told_ms)
}

fn trade_on(b: &mut Bench, happened_ms: i64, told_ms: i64) -> Answer {
    b.now = told_ms;
    let e = b.traded('M', &["stock 5"]);
    b.say_late("P1+M1", told_ms - happened_ms, B::Traded(e))
}

/// Taken on 2 January at 08:00, told at a time.
fn take_late(b: &mut Bench, told_ms: i64) -> Answer {
    b.now = told_ms;
    let e = b.accepted("offer", "T1", &["0 take 100"]);
    b.say_late("W1", told_ms - START_MS - DAY, B::Accepted(e))
}

fn assay(b: &mut Bench, wetting_ppm: Option<u32>) -> Answer {
    let e = Assayed {
        wetting_ppm,
        ..b.assayed("nc", 700_000)
    };
    b.say("P1", B::Assayed(e))
}

fn used_late(b: &mut Bench, ago_ms: i64) -> Answer {
    b.now += 3 * DAY;
    let e = b.used("stock 1", "T1");
    b.say_late("P1", ago_ms, B::Used(e))
}

fn move_nc(b: &mut Bench) -> Answer {
    let e = b.moved("nc 1", "T1", "T2");
    b.say("P1", B::Moved(e))
}

#[rustfmt::skip]
pub const TWO_PERSONS: &[Case] = &[
    // Out of store, into store, counted: two distinct persons of the party.
    ("stock", |b| { two(b); offer(b, "P1") }, "ok ONE_PERSON"),
    ("stock", |b| { two(b); offer(b, "P1+P2") }, "ok"),
    ("stock", |b| { two(b); offer(b, "P1+P3") }, "ok ONE_PERSON"),
    ("stock", |b| { two(b); offer(b, "P1+P0") }, "ok ONE_PERSON"),
    ("stock", |b| { two(b); offer(b, "P1+W1") }, "ok ONE_PERSON"),
    ("stock offer", |b| { two(b); take(b, "W1") }, "ok ONE_PERSON"),
    ("stock offer", |b| { two(b); take(b, "W1+W2") }, "ok"),
    ("stock", |b| { two(b); count(b, "P1") }, "ok ONE_PERSON"),
    ("stock", |b| { two(b); count(b, "P1+P2") }, "ok"),
    // Of other substances, before the rule, or on the road one is enough.
    ("stock", |b| { b.publish(vec![rule(K::TwoPersons, Refuse, "AN")]).unwrap(); count(b, "P1") }, "ok"),
    ("stock", |b| { b.publish_from(b.now + 1, vec![rule(K::TwoPersons, Refuse, "")]).unwrap(); count(b, "P1") }, "ok"),
    ("stock", |b| { b.publish_from(b.now, vec![rule(K::TwoPersons, Refuse, "")]).unwrap(); count(b, "P1") }, "ok ONE_PERSON"),
    ("stock waybill", |b| { two(b); let e = b.accepted("truck", "", &["0 take 200"]); b.say("C1", B::Accepted(e)) }, "ok"),
    ("stock waybill loaded", |b| { two(b); let e = b.delivered('M', "truck", &["stock 200"]); b.say("C1", B::Offered(e)) }, "ok"),
    // Who signed an acceptance that waited is remembered.
    ("stock", |b| { parked(b, "W1"); two(b); b.send("offer") }, "ok ONE_PERSON"),
    ("stock", |b| { parked(b, "W1+W2"); two(b); b.send("offer") }, "ok"),
];

#[rustfmt::skip]
pub const FILING: &[Case] = &[
    // The day of the sale is not counted: until the end of the third after it.
    ("stock", |b| { b.publish(filing(3)).unwrap(); trade(b, midnight_after(5) - 1) }, "ok"),
    ("stock", |b| { b.publish(filing(3)).unwrap(); trade(b, midnight_after(5)) }, "ok FILED_LATE*2"),
    ("stock", |b| { b.publish(filing(5)).unwrap(); trade(b, midnight_after(7) - 1) }, "ok"),
    ("stock", |b| { b.publish(filing(5)).unwrap(); trade(b, midnight_after(7)) }, "ok FILED_LATE*2"),
    ("stock", |b| { b.publish(vec![limited(K::Filing, "AN", 3), rule(K::BackDating, Off, "")]).unwrap(); trade(b, midnight_after(9)) }, "ok"),
    // By the rule of the day of the sale: five days before 3 January, then three.
    ("stock", |b| { b.publish(filing(5)).unwrap(); b.publish_from(midnight_after(2), filing(3)).unwrap(); trade_on(b, midnight_after(2) - 1, midnight_after(7) - 1) }, "ok"),
    ("stock", |b| { b.publish(filing(5)).unwrap(); b.publish_from(midnight_after(2), filing(3)).unwrap(); trade_on(b, midnight_after(2), midnight_after(7) - 1) }, "ok FILED_LATE*2"),
    // The buyer's acceptance; what is kept for its owner is no purchase.
    ("stock offer", |b| { b.publish(filing(3)).unwrap(); take_late(b, midnight_after(5) - 1) }, "ok"),
    ("stock offer", |b| { b.publish(filing(3)).unwrap(); take_late(b, midnight_after(5)) }, "ok FILED_LATE"),
    ("stock", |b| { let mut e = b.offered('W', "T1", &["stock 100"]); e.purpose = HandoffPurpose::Storage.into(); b.name("offer", "P1", B::Offered(e)).unwrap(); b.publish(filing(3)).unwrap(); take_late(b, midnight_after(5)) }, "ok"),
    // One that waited for its offer was filed when it was told.
    ("stock", |b| { let e = b.offered('W', "T1", &["stock 100"]); b.prepare("offer", "P1", B::Offered(e)); take(b, "W1").unwrap(); b.publish(filing(3)).unwrap(); b.now += 20 * HOUR; b.send("offer") }, "ok"),
    ("stock", |b| { let e = b.offered('W', "T1", &["stock 100"]); b.prepare("offer", "P1", B::Offered(e)); b.publish(filing(3)).unwrap(); b.now += HOUR; take(b, "W1").unwrap(); b.publish(vec![limited(K::Filing, "NACN", 0)]).unwrap(); b.now += 20 * HOUR; b.send("offer") }, "ok"),
];

#[rustfmt::skip]
pub const FIGURES: &[Case] = &[
    // Wetting: at least so much.
    ("nitrocellulose", |b| { b.publish(vec![limited(K::Wetting, "NC", 300_000)]).unwrap(); assay(b, Some(300_000)) }, "ok"),
    ("nitrocellulose", |b| { b.publish(vec![limited(K::Wetting, "NC", 300_000)]).unwrap(); assay(b, Some(299_999)) }, "ok WETTING_TOO_LOW"),
    ("nitrocellulose", |b| { b.publish(vec![limited(K::Wetting, "NC", 300_000)]).unwrap(); assay(b, None) }, "ok"),
    ("nitrocellulose", |b| { b.publish(vec![limited(K::Wetting, "AN", 300_000)]).unwrap(); assay(b, Some(299_999)) }, "ok"),
    ("nitrocellulose", |b| { b.publish_from(b.now + 1, vec![limited(K::Wetting, "NC", 300_000)]).unwrap(); assay(b, Some(299_999)) }, "ok"),
    // How late something may be told: a day by the base pack, else as a pack says.
    ("stock", |b| used_late(b, DAY + 1), "ok BACK_DATED"),
    ("stock", |b| { b.publish(vec![limited(K::BackDating, "", 60)]).unwrap(); used_late(b, 60 * MINUTE) }, "ok"),
    ("stock", |b| { b.publish(vec![limited(K::BackDating, "", 60)]).unwrap(); used_late(b, 60 * MINUTE + 1) }, "ok BACK_DATED"),
    ("stock", |b| { b.publish(vec![limited(K::BackDating, "", 2 * 24 * 60)]).unwrap(); used_late(b, 2 * DAY) }, "ok"),
    ("stock", |b| { b.publish(vec![rule(K::BackDating, Off, "")]).unwrap(); used_late(b, 2 * DAY + 1) }, "ok"),
    // How long an assay stands: ten days by the base pack, else as a pack says.
    ("nitrocellulose", |b| { b.publish(vec![limited(K::AssayDue, "NC", 2)]).unwrap(); b.now += 2 * DAY - 1_000; move_nc(b) }, "ok"),
    ("nitrocellulose", |b| { b.publish(vec![limited(K::AssayDue, "NC", 2)]).unwrap(); b.now += 2 * DAY; move_nc(b) }, "ok ASSAY_OVERDUE"),
    ("nitrocellulose", |b| { b.publish(vec![limited(K::AssayDue, "NC", 20)]).unwrap(); b.now += 20 * DAY - 1_000; move_nc(b) }, "ok"),
    ("nitrocellulose", |b| { b.publish(vec![rule(K::AssayDue, Off, "NC")]).unwrap(); b.now += 20 * DAY; move_nc(b) }, "ok"),
    ("nitrocellulose", |b| { b.publish_from(LONG_AGO, vec![limited(K::AssayDue, "AN", 2)]).unwrap(); b.now += 3 * DAY; move_nc(b) }, "ok"),
];
