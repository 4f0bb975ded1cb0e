//! A production figure that was wrong, found out after the lot had been
//! diluted, sold and partly used.
//!
//! Sodium cyanide of 98 %, kilograms of gross (pure NaCN behind the stroke):
//!
//! | | T1 of P | T2 of P (solution) | T1 of W | used | transformed | disputed |
//! |---|---|---|---|---|---|---|
//! | P makes 1000 / 980 | 1000 | | | | | |
//! | P dissolves 300 with 680 water into 980 of 30 % | 700 | 980 / 294 | | | 300 | |
//! | P sells W 500, W takes them | 200 | 980 | 500 | | 300 | |
//! | W uses 100, P uses 150 | 50 | 980 | 400 | 250 | 300 | |
//! | **it was 900 / 882**: 50 / 49 are there to take back | 0 | 980 | 400 | 250 | 300 | −50 / −49 |
//! | 20 of the dispute: an older drum had been poured in | 0 | 980 | 400 | 250 | 300 | −30 / −29.4 |
//! | **no, it was 940 / 921.2**: 30 make the dispute good | 10 | 980 | 400 | 250 | 300 | 0 |
//!
//! In the end 940 made and 20 found = 10 held + 400 held + 250 used + 300
//! transformed. The solution stands as it was made throughout.

use bytes::Bytes;
use hazledger::custody::{Item, Items as _, account, subject};
use hazledger::event::LotId;
use hazledger::event::record::OpenRecord;
use hazledger::pb::event::Body as B;
use hazledger::pb::{Account, AccountKind, DisputeOrigin, DisputeState, FindingCode, LotState};
use hazledger::pb::{SettlementCause, TraceStep};
use hazledger::projection::genealogy;
use hazledger::projection::trace::{Ask, ReadError, RecordSource, Traced, trace};

use super::bench::{Bench, DAY, HOUR, party};
use super::verbs::restating;

/// The bench's records, to be read by a trace.
pub struct Journal<'a>(pub &'a Bench);

impl RecordSource for Journal<'_> {
    fn record(&self, position: u64) -> Result<Option<OpenRecord>, ReadError> {
        let at = usize::try_from(position).unwrap();
        let sealed = self.0.records.get(at).map(|(sealed, _)| sealed);
        Ok(sealed.map(|sealed| OpenRecord::open(&sealed.bytes).unwrap()))
    }
}

fn lot(b: &Bench, name: &str) -> (LotId, LotState) {
    let id = LotId::from_slice(&b.id(name)).unwrap();
    match b.state.get(&subject::lot(id)).as_deref() {
        Some(Item::Lot(state)) => (id, state.clone()),
        _ => panic!("no lot {name}"),
    }
}

fn dispute(b: &Bench, name: &str) -> DisputeState {
    let id = hazledger::event::DisputeId::from_slice(&b.id(name)).unwrap();
    match b.state.get(&subject::dispute(id)).as_deref() {
        Some(Item::Dispute(state)) => state.clone(),
        _ => panic!("no dispute {name}"),
    }
}

/// What stands on an account now, in gross and pure.
fn now(b: &Bench, name: &str, at: &Account) -> (i64, i64) {
    let (_, state) = lot(b, name);
    let booked = state
        .balances
        .iter()
        .find(|p| p.account.as_ref() == Some(at));
    booked.map_or((0, 0), |p| (p.gross_mg, p.contained_mg))
}

/// Milligrams of kilograms with a sign.
fn mg(text: &str) -> i64 {
    match text.strip_prefix('-') {
        Some(text) => -super::verbs::mg(text),
        None => super::verbs::mg(text),
    }
}

fn kg(gross: &str, pure: &str) -> (i64, i64) {
    (mg(gross), mg(pure))
}

fn ask(b: &Bench, change: impl FnOnce(&mut Ask)) -> Traced {
    let (lot, state) = lot(b, "stock");
    let mut ask = Ask {
        lot,
        serial: None,
        before: b.state.next(),
        known_at_ms: None,
        true_at_ms: None,
    };
    change(&mut ask);
    trace(&Journal(b), &state, &ask).unwrap()
}

/// What a trace says of an account, in gross.
fn told(traced: &Traced, at: &Account) -> i64 {
    let mut all = traced.holdings.iter();
    all.find(|h| h.account.as_ref() == Some(at))
        .map_or(0, |h| h.gross_mg)
}

fn step<'a>(traced: &'a Traced, kind: &str) -> &'a TraceStep {
    let mut steps = traced.steps.iter();
    let is = |s: &&TraceStep| s.kind().as_str_name().ends_with(kind);
    steps.find(is).unwrap()
}

fn say(b: &mut Bench, name: &str, keys: &str, body: B) -> Vec<FindingCode> {
    b.now += HOUR;
    b.name(name, keys, body)
        .unwrap_or_else(|refused| panic!("{name}: {refused}"))
}

/// Makes, dissolves, sells, uses.
fn until_the_mistake_is_found(b: &mut Bench) {
    let produced = b.produced("stock", "1000", "T1");
    say(b, "stock", "P1", B::Produced(produced));
    let dissolved = b.transformed("stock 300", "680", "980");
    say(b, "solution", "P1", B::Transformed(dissolved));
    let sold = b.traded('W', &["stock 500"]);
    say(b, "sale", "P1+W1", B::Traded(sold));
    let offered = b.offered('W', "T1", &["stock 500"]);
    say(b, "offer", "P1", B::Offered(offered));
    let taken = b.accepted("offer", "T1", &["0 take 500"]);
    say(b, "taken", "W1", B::Accepted(taken));
    let used = b.used("stock 100", "T1");
    say(b, "used by W", "W1", B::Used(used));
    let used = b.used("stock 150", "T1");
    say(b, "used by P", "P1", B::Used(used));
}

#[test]
fn a_production_figure_is_corrected_after_dilution_sale_and_use_and_corrected_again() {
    let mut b = Bench::new();
    until_the_mistake_is_found(&mut b);
    let (p, w) = (party('P'), party('W'));
    let at_p = account::held(&p, "T1");
    let at_w = account::held(&w, "T1");
    let made = account::plain(AccountKind::Produced);
    let transformed = account::plain(AccountKind::Transformed);
    let before = b.state.next();
    let produced_at = b.now - 6 * HOUR;

    // Before: 50 kg are left with P.
    assert_eq!(now(&b, "stock", &made), kg("-1000", "-980"));
    assert_eq!(now(&b, "stock", &at_p), kg("50", "49"));
    assert_eq!(now(&b, "stock", &at_w), kg("400", "392"));

    // It was 900. Custody has moved, so W signs as well; 50 kg are not there.
    let was = b.produced("stock", "900", "T1");
    let alone = b.say(
        "P1",
        restating(b.corrected("stock", B::Produced(was.clone()))),
    );
    assert_eq!(
        alone.unwrap_err().code,
        hazledger::pb::RefusalCode::CounterpartSignatureRequired
    );
    let correction = restating(b.corrected("stock", B::Produced(was)));
    let found = say(&mut b, "first", "P1+W1", correction);
    assert_eq!(found, [FindingCode::CorrectionNotCovered]);
    assert_eq!(now(&b, "stock", &made), kg("-900", "-882"));
    assert_eq!(now(&b, "stock", &at_p), (0, 0));
    assert_eq!(now(&b, "stock", &at_w), kg("400", "392"));
    assert_eq!(now(&b, "stock", &transformed), kg("300", "294"));
    let first = account::disputed(hazledger::event::DisputeId::from_slice(&b.id("first")).unwrap());
    assert_eq!(now(&b, "stock", &first), kg("-50", "-49"));
    let at_t2 = account::held(&p, "T2");
    assert_eq!(now(&b, "solution", &at_t2), kg("980", "294"));

    // The dispute that covers it: whose, and by when.
    let open = dispute(&b, "first");
    let opened = open.opened.unwrap();
    assert_eq!(opened.origin(), DisputeOrigin::Correction);
    assert_eq!(
        (opened.owner, opened.deadline_ms),
        (p.clone(), b.now + 7 * DAY)
    );
    assert_eq!((open.gross_mg, open.contained_mg), kg("-50", "-49"));

    // Part of it is settled: an older drum had been poured in, uncounted.
    let settled = b.settled("first", SettlementCause::Miscount, "20");
    say(&mut b, "settled", "P1", B::Settled(settled));
    assert_eq!(now(&b, "stock", &first), kg("-30", "-29.4"));
    let found = account::plain(AccountKind::Found);
    assert_eq!(now(&b, "stock", &found), kg("-20", "-19.6"));

    as_known_and_as_true(&b, before, produced_at);

    // The correction was wrong too: 940. Its dispute is made good first, and
    // what is left over is with P.
    let better = b.produced("stock", "940", "T1");
    let second = restating(b.corrected("first", B::Produced(better)));
    let found_now = say(&mut b, "second", "P1+W1", second);
    assert_eq!(found_now, []);
    assert_eq!(now(&b, "stock", &made), kg("-940", "-921.2"));
    assert_eq!(now(&b, "stock", &first), (0, 0));
    assert_eq!(now(&b, "stock", &at_p), kg("10", "9.8"));
    let closed = dispute(&b, "first");
    assert_eq!((closed.gross_mg, closed.contained_mg), (0, 0));
    let (_, state) = lot(&b, "stock");
    let titles = state.titles.iter().map(|t| (t.party.as_str(), t.gross_mg));
    let owned: Vec<(&str, i64)> = titles.collect();
    assert_eq!(owned.iter().map(|(_, kg)| kg).sum::<i64>(), mg("410"));
    assert!(owned.contains(&(w.as_str(), mg("400"))), "{owned:?}");

    // The chain keeps all three figures, and names who restates what.
    let traced = ask(&b, |_| ());
    let last = b.state.next() - 1;
    assert_eq!(step(&traced, "PRODUCED").restated_by, Some(last));
    let corrections = traced
        .steps
        .iter()
        .filter(|s| s.kind().as_str_name().ends_with("CORRECTED"));
    assert_eq!(corrections.count(), 2);
    // As true at the hour of production: 940, without a word of the mistakes.
    let then = ask(&b, |a| a.true_at_ms = Some(produced_at));
    assert_eq!(told(&then, &at_p), mg("940"));
    assert_eq!(then.steps.len(), 1);
    // The solution is of 300 kg of the lot, as it was.
    let (solution, _) = lot(&b, "solution");
    let of = genealogy::ancestors(&b.state, solution).edges;
    assert_eq!(
        of.iter()
            .map(|e| (e.gross_mg, e.contained_mg))
            .collect::<Vec<_>>(),
        [kg("300", "294")]
    );
}

/// After the first correction and the part settled.
fn as_known_and_as_true(b: &Bench, before: u64, produced_at: i64) {
    let (p, w) = (party('P'), party('W'));
    let (at_p, at_w) = (account::held(&p, "T1"), account::held(&w, "T1"));
    let made = account::plain(AccountKind::Produced);
    // As known before the correction: 1000 made, 50 left.
    let known = ask(b, |a| a.before = before);
    assert_eq!(
        (told(&known, &made), told(&known, &at_p)),
        (mg("-1000"), mg("50"))
    );
    // As known now: 900 made, nothing left, 30 in dispute.
    let known = ask(b, |_| ());
    assert_eq!((told(&known, &made), told(&known, &at_p)), (mg("-900"), 0));
    // As true just after production: 900 stood at T1.
    let then = ask(b, |a| a.true_at_ms = Some(produced_at));
    assert_eq!(
        (told(&then, &made), told(&then, &at_p)),
        (mg("-900"), mg("900"))
    );
    assert_eq!(then.below_zero, []);
    // As true after everything had been used: T1 stands below zero, which is
    // what the dispute was about, and it is told.
    let used = ask(b, |a| a.true_at_ms = Some(produced_at + 6 * HOUR));
    assert_eq!(
        (told(&used, &at_p), told(&used, &at_w)),
        (mg("-50"), mg("400"))
    );
    assert_eq!(used.below_zero, [at_p]);
}

/// What went in was 310 kg and not 300, and 981 kg came out: the contribution
/// is told with the new figures from both ends, and the waste of it follows.
#[test]
fn genealogy_follows_a_transformation_that_is_corrected() {
    let mut b = Bench::new();
    until_the_mistake_is_found(&mut b);
    let waste = b.wasted("stock 10");
    say(&mut b, "waste", "P1", B::Wasted(waste));
    let mut better = b.transformed("stock 310", "680", "981");
    better.unregulated.push(super::verbs::unregulated("9"));
    better.consumed.push(super::verbs::consumed("9.5"));
    let correction = restating(b.corrected("solution", B::Transformed(better)));
    say(&mut b, "first", "P1+W1", correction);
    let waste = restating(b.corrected("waste", B::Wasted(b.wasted("stock 8"))));
    say(&mut b, "second", "P1+W1", waste);

    let (stock, solution, waste) = (
        lot(&b, "stock").0,
        lot(&b, "solution").0,
        lot(&b, "waste").0,
    );
    let down = genealogy::descendants(&b.state, &Journal(&b), stock, b.state.next()).unwrap();
    let edges = |g: &genealogy::Genealogy| -> Vec<(Bytes, i64, i64)> {
        let edge = |e: &hazledger::pb::GenealogyEdge| (e.child.clone(), e.gross_mg, e.contained_mg);
        g.edges.iter().map(edge).collect()
    };
    // 310 × 981 ÷ 990 and 303.8 × 981 ÷ 990, rounded down.
    let share = |kg: &str| i64::try_from(i128::from(mg(kg)) * 981 / 990).unwrap();
    let wanted = [
        (solution.to_bytes(), share("310"), share("303.8")),
        (waste.to_bytes(), mg("8"), mg("7.84")),
    ];
    assert_eq!(edges(&down), wanted);
    for (child, wanted) in [solution, waste].into_iter().zip(&wanted) {
        let up = genealogy::ancestors(&b.state, child);
        assert_eq!(edges(&up), std::slice::from_ref(wanted));
    }
    // Before the corrections the figures were the first ones.
    let before = b.state.next() - 2;
    let down = genealogy::descendants(&b.state, &Journal(&b), stock, before).unwrap();
    let wanted = [
        (solution.to_bytes(), mg("300"), mg("294")),
        (waste.to_bytes(), mg("10"), mg("9.8")),
    ];
    assert_eq!(edges(&down), wanted);
}
