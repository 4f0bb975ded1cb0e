//! What time alone breaks: the ledger looks, finds and says it itself, once,
//! and every line of its word is judged like anybody's.

use hazledger::custody::rules::Trial;
use hazledger::event::record::OpenRecord;
use hazledger::pb::event::Body as B;
use hazledger::pb::{
    ClockStated, EventRef, FindingAnswer, FindingAnswered, FindingCode, OverdueLine, OverdueStated,
    PartyStatus, ReportKind, Reported, RuleKind, RuleMode,
};

use super::bench::{Answer, Bench, DAY, HOUR, MINUTE, START_MS, hash, party, register_party};
use super::devices;
use super::road::{HOURS, STOPS, limited};
use super::rulebook::rule;
use super::table::Case;

use RuleKind as K;

/// An offer is answered within two days.
fn handoffs(b: &mut Bench) {
    b.publish(vec![limited(K::HandoffDue, "NACN", 48)]).unwrap();
}

/// W is offered goods, and so much time goes by.
fn offered(b: &mut Bench, passes_ms: i64) {
    let e = b.offered('W', "T1", &["stock 100"]);
    b.name("offer", "P1", B::Offered(e)).unwrap();
    b.now += passes_ms;
}

fn accept(b: &mut Bench) -> Answer {
    let e = b.accepted("offer", "T1", &["0 take 100"]);
    b.say("W1", B::Accepted(e))
}

fn carriages(b: &mut Bench) {
    b.publish(vec![limited(K::CarriageDue, "NACN", 72)])
        .unwrap();
}

fn stops(b: &mut Bench) {
    b.publish(vec![limited(K::LongStop, "NACN", 30)]).unwrap();
}

fn stop(b: &mut Bench, passes_ms: i64) {
    let e = b.reported("truck");
    b.say("C0", B::Reported(e)).unwrap();
    b.now += passes_ms;
}

fn drive_on(b: &mut Bench) -> Answer {
    let e = Reported {
        kind: ReportKind::Position.into(),
        ..b.reported("truck")
    };
    b.say("C0", B::Reported(e))
}

/// Waste is received within seven days, not counting that of the offer.
fn receipts(b: &mut Bench) {
    b.publish(vec![limited(K::WasteReceiptDue, "", 7)]).unwrap();
}

/// In Shanghai it was 08:00 on 1 January when the bench began.
const fn midnight_after(days: i64) -> i64 {
    START_MS + days * DAY - 8 * HOUR
}

/// On 1 January D is offered P's waste, or its stock; then it is another time.
fn to_dispose(b: &mut Bench, goods: &str, then_ms: i64) {
    b.name("waste", "P1", B::Wasted(b.wasted("stock 10")))
        .unwrap();
    let e = b.offered('D', "T1", &[goods]);
    b.name("offer", "P1", B::Offered(e)).unwrap();
    assert!(b.now < midnight_after(1));
    b.now = then_ms;
}

fn line(b: &Bench, rule: RuleKind, name: &str) -> OverdueLine {
    OverdueLine {
        rule: rule.into(),
        id: b.id(name),
        ..OverdueLine::default()
    }
}

/// So many offers that nobody answers, in one word.
fn many(b: &mut Bench, offers: usize) -> Answer {
    for i in 0..offers {
        let e = b.offered('W', "T1", &["stock 1"]);
        b.name(&format!("offer {i}"), "P1", B::Offered(e)).unwrap();
    }
    b.now += 3 * DAY;
    word(b, |lines| assert_eq!(lines.len(), offers))
}

/// What it would say, changed.
fn word(b: &mut Bench, change: impl FnOnce(&mut Vec<OverdueLine>)) -> Answer {
    let mut lines = b.overdue();
    change(&mut lines);
    b.say_of_overdue(lines)
}

fn doubt(b: &mut Bench) {
    let word = ClockStated {
        clock_ms: b.now + DAY,
        ledger_ms: b.now,
        jumped_by_ms: DAY,
        in_doubt: true,
        confirmed_ms: 0,
    };
    b.say_of_clock(word).unwrap();
}

/// All that is of time.
pub const ALL: [&[Case]; 8] = [
    STOPS, HOURS, HANDOFFS, CARRIAGES, RECEIPTS, DEVICES, COUNTS, WORDS,
];

#[rustfmt::skip]
pub const HANDOFFS: &[Case] = &[
    ("stock", |b| { handoffs(b); offered(b, 48 * HOUR); b.look() }, "ok"),
    ("stock", |b| { handoffs(b); offered(b, 48 * HOUR + 1); b.look() }, "ok HANDOFF_OVERDUE"),
    // Once; and no more when it is answered after all.
    ("stock", |b| { handoffs(b); offered(b, 3 * DAY); b.look().unwrap(); b.now += DAY; b.look() }, "ok"),
    ("stock", |b| { handoffs(b); offered(b, 3 * DAY); accept(b).unwrap(); b.look() }, "ok"),
    ("stock", |b| { handoffs(b); offered(b, 3 * DAY); let e = b.declined("offer"); b.say("W1", B::Declined(e)).unwrap(); b.look() }, "ok"),
    ("stock", |b| { handoffs(b); offered(b, 3 * DAY); b.look().unwrap(); accept(b) }, "ok"),
    // From when it was recorded, not from when the giver says it was.
    ("stock", |b| { handoffs(b); let e = b.offered('W', "T1", &["stock 100"]); b.say_late("P1", 20 * HOUR, B::Offered(e)).unwrap(); b.now += 48 * HOUR; b.look() }, "ok"),
    // One for carriage, and one from aboard.
    ("stock waybill", |b| { handoffs(b); b.now += 48 * HOUR + 1; b.look() }, "ok HANDOFF_OVERDUE"),
    ("stock waybill loaded delivery", |b| { handoffs(b); b.now += 48 * HOUR + 1; b.look() }, "ok HANDOFF_OVERDUE"),
    // Of other goods, off, without a pack, before and from its first day.
    ("stock", |b| { b.publish(vec![limited(K::HandoffDue, "AN", 48)]).unwrap(); offered(b, 9 * DAY); b.look() }, "ok"),
    ("stock", |b| { b.publish(vec![rule(K::HandoffDue, RuleMode::Off, "")]).unwrap(); offered(b, 9 * DAY); b.look() }, "ok"),
    ("stock", |b| { offered(b, 9 * DAY); b.look() }, "ok"),
    ("stock", |b| { b.publish_from(b.now + 9 * DAY + 1, vec![limited(K::HandoffDue, "", 48)]).unwrap(); offered(b, 9 * DAY); b.look() }, "ok"),
    ("stock", |b| { b.publish_from(b.now + 9 * DAY, vec![limited(K::HandoffDue, "", 48)]).unwrap(); offered(b, 9 * DAY); b.look() }, "ok HANDOFF_OVERDUE"),
    // Four days are allowed, and from 4 January one.
    ("stock", |b| { b.publish(vec![limited(K::HandoffDue, "", 96)]).unwrap(); b.publish_from(midnight_after(3), vec![limited(K::HandoffDue, "", 24)]).unwrap(); offered(b, 0); b.now = midnight_after(3) - 1; b.look() }, "ok"),
    ("stock", |b| { b.publish(vec![limited(K::HandoffDue, "", 96)]).unwrap(); b.publish_from(midnight_after(3), vec![limited(K::HandoffDue, "", 24)]).unwrap(); offered(b, 0); b.now = midnight_after(3); b.look() }, "ok HANDOFF_OVERDUE"),
];

#[rustfmt::skip]
pub const CARRIAGES: &[Case] = &[
    // Aboard since the last step, a second ago.
    ("stock waybill loaded", |b| { carriages(b); b.now += 72 * HOUR - 1_000; b.look() }, "ok"),
    ("stock waybill loaded", |b| { carriages(b); b.now += 72 * HOUR - 999; b.look() }, "ok CARRIAGE_OVERDUE"),
    ("stock waybill loaded", |b| { carriages(b); b.now += 5 * DAY; b.look().unwrap(); b.now += DAY; b.look() }, "ok"),
    ("stock waybill loaded delivery arrived", |b| { carriages(b); b.now += 5 * DAY; b.look() }, "ok"),
    // A vehicle that stands and says no more.
    ("stock waybill loaded", |b| { stops(b); stop(b, 30 * MINUTE); b.look() }, "ok"),
    ("stock waybill loaded", |b| { stops(b); stop(b, 30 * MINUTE + 1); b.look() }, "ok LONG_STOP"),
    ("stock waybill loaded", |b| { stops(b); stop(b, HOUR); b.look().unwrap(); b.now += HOUR; b.look() }, "ok"),
    ("stock waybill loaded", |b| { stops(b); stop(b, HOUR); b.look().unwrap(); drive_on(b) }, "ok"),
    ("stock waybill loaded", |b| { stops(b); stop(b, HOUR); b.look().unwrap(); drive_on(b).unwrap(); stop(b, HOUR); b.look() }, "ok LONG_STOP"),
    ("stock waybill loaded", |b| { stops(b); stop(b, HOUR); drive_on(b).unwrap(); b.now += HOUR; b.look() }, "ok"),
];

#[rustfmt::skip]
pub const RECEIPTS: &[Case] = &[
    // The day of the offer is not counted: until the end of the seventh after it.
    ("stock", |b| { receipts(b); to_dispose(b, "waste 10", midnight_after(8) - 1); b.look() }, "ok"),
    ("stock", |b| { receipts(b); to_dispose(b, "waste 10", midnight_after(8)); b.look() }, "ok WASTE_RECEIPT_OVERDUE"),
    ("stock", |b| { receipts(b); to_dispose(b, "waste 10", midnight_after(9)); b.look().unwrap(); b.look() }, "ok"),
    ("stock", |b| { receipts(b); to_dispose(b, "stock 10", midnight_after(9)); b.look() }, "ok"),
    ("stock", |b| { b.publish_from(midnight_after(9) + 1, vec![limited(K::WasteReceiptDue, "", 7)]).unwrap(); to_dispose(b, "waste 10", midnight_after(9)); b.look() }, "ok"),
    ("stock", |b| { b.publish_from(midnight_after(9), vec![limited(K::WasteReceiptDue, "", 7)]).unwrap(); to_dispose(b, "waste 10", midnight_after(9)); b.look() }, "ok WASTE_RECEIPT_OVERDUE"),
    // By both rules it is found by both, in one word.
    ("stock", |b| { b.publish(vec![limited(K::WasteReceiptDue, "", 7), limited(K::HandoffDue, "", 48)]).unwrap(); to_dispose(b, "waste 10", midnight_after(9)); b.look() }, "ok HANDOFF_OVERDUE WASTE_RECEIPT_OVERDUE"),
];

/// A device of P's is heard of every day.
fn heard_daily(b: &mut Bench) {
    b.publish(vec![limited(K::DeviceSilent, "", 24)]).unwrap();
}

/// Goods are counted within seven days.
fn counts(b: &mut Bench) {
    b.publish(vec![limited(K::StockTakeDue, "NACN", 7)])
        .unwrap();
}

fn drums(b: &mut Bench, from: &str, to: &str) {
    let e = b.moved("stock #1-10", from, to);
    b.say("P1", B::Moved(e)).unwrap();
}

/// P's device says its first, or next, statement; then so much time goes by.
fn speak(b: &mut Bench, n: usize, passes_ms: i64) {
    devices::speaks(b, n).unwrap();
    b.now += passes_ms;
}

fn count(b: &mut Bench) {
    let e = b.counted("stock", "T1", "1000", "", "");
    b.say("P1", B::Counted(e)).unwrap();
}

fn move_some(b: &mut Bench) {
    let e = b.moved("stock 1", "T1", "T2");
    b.say("P1", B::Moved(e)).unwrap();
}

/// At a time on the first day after so many.
fn on(b: &mut Bench, days: i64) {
    b.now = midnight_after(days);
}

#[rustfmt::skip]
pub const DEVICES: &[Case] = &[
    ("stock", |b| { heard_daily(b); speak(b, 1, 24 * HOUR); b.look() }, "ok"),
    ("stock", |b| { heard_daily(b); speak(b, 1, 24 * HOUR + 1); b.look() }, "ok DEVICE_SILENT"),
    // Once, until it speaks again.
    ("stock", |b| { heard_daily(b); speak(b, 1, 2 * DAY); b.look().unwrap(); b.now += DAY; b.look() }, "ok"),
    ("stock", |b| { heard_daily(b); speak(b, 1, 2 * DAY); b.look().unwrap(); speak(b, 2, 24 * HOUR); b.look() }, "ok"),
    ("stock", |b| { heard_daily(b); speak(b, 1, 2 * DAY); b.look().unwrap(); speak(b, 2, 2 * DAY); b.look() }, "ok DEVICE_SILENT"),
    // One that numbers nothing, whose key has ended, or whose party has closed.
    ("stock", |b| { heard_daily(b); let e = b.used("stock 1", "T1"); b.say("P0", B::Used(e)).unwrap(); b.now += 9 * DAY; b.look() }, "ok"),
    ("stock", |b| { heard_daily(b); speak(b, 1, 2 * DAY); let e = b.revoked("P0"); b.say("P1", B::KeyRevoked(e)).unwrap(); b.look() }, "ok"),
    ("stock", |b| { heard_daily(b); speak(b, 1, 0); b.now = START_MS + 400 * DAY - 1; b.look() }, "ok DEVICE_SILENT"),
    ("stock", |b| { heard_daily(b); speak(b, 1, 0); b.now = START_MS + 400 * DAY; b.look() }, "ok"),
    ("stock", |b| { heard_daily(b); speak(b, 1, 2 * DAY); b.say("A1", register_party('P', PartyStatus::Closed)).unwrap(); b.look() }, "ok"),
    // Off, and before and from the first day.
    ("stock", |b| { b.publish(vec![rule(K::DeviceSilent, RuleMode::Off, "")]).unwrap(); speak(b, 1, 9 * DAY); b.look() }, "ok"),
    ("stock", |b| { b.publish_from(b.now + 9 * DAY + 1, vec![limited(K::DeviceSilent, "", 24)]).unwrap(); speak(b, 1, 9 * DAY); b.look() }, "ok"),
    ("stock", |b| { b.publish_from(b.now + 9 * DAY, vec![limited(K::DeviceSilent, "", 24)]).unwrap(); speak(b, 1, 9 * DAY); b.look() }, "ok DEVICE_SILENT"),
];

#[rustfmt::skip]
pub const COUNTS: &[Case] = &[
    // Made on 1 January, which is not counted: until the end of the 8th.
    ("stock", |b| { counts(b); on(b, 8); b.now -= 1; b.look() }, "ok"),
    ("stock", |b| { counts(b); on(b, 8); b.look() }, "ok STOCK_TAKE_OVERDUE"),
    // From the last count; once, until it is counted.
    ("stock", |b| { counts(b); on(b, 4); count(b); on(b, 12); b.now -= 1; b.look() }, "ok"),
    ("stock", |b| { counts(b); on(b, 4); count(b); on(b, 12); b.look() }, "ok STOCK_TAKE_OVERDUE"),
    ("stock", |b| { counts(b); on(b, 9); b.look().unwrap(); on(b, 10); b.look() }, "ok"),
    ("stock", |b| { counts(b); on(b, 9); b.look().unwrap(); move_some(b); on(b, 10); b.look() }, "ok"),
    ("stock", |b| { counts(b); on(b, 9); b.look().unwrap(); count(b); on(b, 16); b.look() }, "ok"),
    ("stock", |b| { counts(b); on(b, 9); b.look().unwrap(); count(b); on(b, 17); b.look() }, "ok STOCK_TAKE_OVERDUE"),
    // Something else about the lot is no count.
    ("stock", |b| { counts(b); move_some(b); on(b, 7); move_some(b); on(b, 8); b.look() }, "ok STOCK_TAKE_OVERDUE*2"),
    // Each place by itself, from when goods came there.
    ("stock", |b| { counts(b); on(b, 2); move_some(b); on(b, 9); b.look() }, "ok STOCK_TAKE_OVERDUE"),
    ("stock", |b| { counts(b); on(b, 2); move_some(b); on(b, 10); b.look() }, "ok STOCK_TAKE_OVERDUE*2"),
    ("stock", |b| { counts(b); move_some(b); on(b, 9); b.look().unwrap(); let e = b.counted("stock", "T2", "1", "", ""); b.say("P1", B::Counted(e)).unwrap(); let e = b.moved("stock 1", "T2", "T1"); b.say("P1", B::Moved(e)).unwrap(); move_some(b); on(b, 16); b.look() }, "ok"),
    // What was made under the rule, aboard, gone, or of another substance.
    // What has left a place and comes back is known there from then on.
    ("stock drums", |b| { counts(b); on(b, 2); drums(b, "T1", "T2"); on(b, 3); drums(b, "T2", "T1"); on(b, 9); drums(b, "T1", "T2"); on(b, 10); b.look() }, "ok STOCK_TAKE_OVERDUE"),
    ("stock drums", |b| { counts(b); on(b, 2); drums(b, "T1", "T2"); on(b, 10); b.look() }, "ok STOCK_TAKE_OVERDUE*2"),
    ("", |b| { counts(b); let e = b.produced("new", "5", "T1"); b.name("new", "P1", B::Produced(e)).unwrap(); on(b, 8); b.look() }, "ok STOCK_TAKE_OVERDUE"),
    ("", |b| { counts(b); let e = b.produced("new", "5", "T1"); b.name("new", "P1", B::Produced(e)).unwrap(); let e = b.used("new 5", "T1"); b.say("P1", B::Used(e)).unwrap(); on(b, 9); b.look() }, "ok"),
    ("stock", |b| { b.publish(vec![limited(K::StockTakeDue, "AN", 7)]).unwrap(); on(b, 20); b.look() }, "ok"),
    // Off, and before and from the first day.
    ("stock", |b| { b.publish(vec![rule(K::StockTakeDue, RuleMode::Off, "")]).unwrap(); on(b, 20); b.look() }, "ok"),
    ("stock", |b| { b.publish_from(midnight_after(20) + 1, vec![limited(K::StockTakeDue, "", 7)]).unwrap(); on(b, 20); b.look() }, "ok"),
    ("stock", |b| { b.publish_from(midnight_after(20), vec![limited(K::StockTakeDue, "", 7)]).unwrap(); on(b, 20); b.look() }, "ok STOCK_TAKE_OVERDUE"),
    // A line of another place is not so.
    ("stock", |b| { counts(b); on(b, 9); word(b, |lines| lines[0].place = "T2".into()) }, "FIELD_INVALID"),
];

/// Somebody says that it has seen the first finding of the ledger's last word.
fn acknowledge(b: &mut Bench, keys: &str) -> Answer {
    let (sealed, _) = b.records.last().unwrap();
    let record = OpenRecord::open(&sealed.bytes).unwrap();
    let payload = &record.payload;
    let seen = FindingAnswered {
        position: record.position(),
        finding: 0,
        event: Some(EventRef {
            party: payload.party.clone(),
            statement_id: payload.id.clone(),
            event_index: 0,
            event_digest: payload.event_digests[0].clone(),
        }),
        answer: FindingAnswer::Acknowledged.into(),
        words: "it comes on Monday".into(),
        documents: Vec::new(),
    };
    b.say(keys, B::FindingAnswered(seen))
}

/// What a trial of a pack says of the bench's records, statement by statement
/// and at the end.
pub fn are_tried_before_a_pack_is_published() {
    let mut b = Bench::new();
    b.set_up("stock");
    offered(&mut b, 3 * DAY);
    let e = b.moved("stock 1", "T1", "T2");
    b.say("P1", B::Moved(e)).unwrap();
    for (hours, wanted) in [(72, 0), (71, 1)] {
        let lines = vec![limited(K::HandoffDue, "NACN", hours)];
        let mut trial = Trial::new(vec![super::rulebook::pack(lines)]);
        for (sealed, _) in &b.records {
            let tried = trial.record(&sealed.bytes).unwrap();
            assert!(tried.is_none(), "{tried:?}");
        }
        let found = trial.overdue().map_or(0, |tried| {
            assert_eq!(tried.position, b.state.next());
            assert_eq!(tried.found[0].owner, party('W'));
            assert!(
                tried
                    .found
                    .iter()
                    .all(|f| f.code() == FindingCode::HandoffOverdue)
            );
            tried.found.len()
        });
        assert_eq!(found, wanted, "{hours} hours");
    }
}

#[rustfmt::skip]
pub const WORDS: &[Case] = &[
    // The ledger's alone, of 1 to 100 lines in order, each of them so and not told.
    ("stock", |b| { handoffs(b); offered(b, 3 * DAY); let lines = b.overdue(); b.say("A1+A2", B::OverdueStated(OverdueStated { lines })) }, "RESERVED_FOR_LEDGER"),
    ("stock", |b| { handoffs(b); offered(b, 3 * DAY); word(b, |_| ()) }, "ok HANDOFF_OVERDUE"),
    ("stock", |b| { handoffs(b); offered(b, 3 * DAY); word(b, Vec::clear) }, "FIELD_INVALID"),
    ("stock", |b| { handoffs(b); offered(b, 3 * DAY); word(b, |lines| lines.push(lines[0].clone())) }, "FIELD_INVALID"),
    ("stock", |b| { handoffs(b); many(b, 101) }, "FIELD_INVALID"),
    ("stock", |b| { handoffs(b); many(b, 100) }, "ok HANDOFF_OVERDUE*100"),
    ("stock", |b| { handoffs(b); offered(b, 3 * DAY); word(b, |lines| lines[0].rule = K::WasteReceiptDue.into()) }, "FIELD_INVALID"),
    ("stock", |b| { handoffs(b); offered(b, 3 * DAY); word(b, |lines| lines[0].rule = 999) }, "FIELD_INVALID"),
    ("stock", |b| { handoffs(b); offered(b, 3 * DAY); word(b, |lines| lines[0].id = hash("ghost").slice(..16)) }, "FIELD_INVALID"),
    ("stock", |b| { handoffs(b); offered(b, DAY); let lines = vec![line(b, K::HandoffDue, "offer")]; b.say_of_overdue(lines) }, "FIELD_INVALID"),
    ("stock", |b| { handoffs(b); offered(b, 3 * DAY); b.look().unwrap(); let lines = vec![line(b, K::HandoffDue, "offer")]; b.say_of_overdue(lines) }, "FIELD_INVALID"),
    // A finding like any other: its owner's to answer.
    ("stock", |b| { handoffs(b); offered(b, 3 * DAY); b.look().unwrap(); acknowledge(b, "W1") }, "ok"),
    ("stock", |b| { handoffs(b); offered(b, 3 * DAY); b.look().unwrap(); acknowledge(b, "P1") }, "NOT_THE_OWNER"),
    // Nothing while nobody knows what time it is.
    ("stock", |b| { handoffs(b); offered(b, 3 * DAY); doubt(b); b.look() }, "FIELD_INVALID"),
];
