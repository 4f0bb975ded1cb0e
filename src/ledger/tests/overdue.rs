//! What time alone has broken: the ledger finds and says it itself, once,
//! whoever else writes and however often it starts.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tempfile::{TempDir, tempdir};

use super::fake::{FakeLog, Fate, Stream};
use super::world::{DAY_MS, World, acknowledged, digest, event, records};
use crate::custody::decide::{overdue_in_order, overdue_lines};
use crate::custody::subject::{self, Item, Items as _};
use crate::event::HandoffId;
use crate::event::ids::derived;
use crate::event::statement::Draft;
use crate::ledger::overdue::{Overdue, Place, Walk};
use crate::ledger::{Clock, Ledger, Options};
use crate::pb::event::Body;
use crate::pb::offered::From;
use crate::pb::{
    ClockStated, FindingCode, Goods, Offered, OverdueStated, PackPublished, PartyRegistered,
    PartyStatus, Quantity, RuleKind, RuleLine, RuleMode, SignedStatement, Stage, SubjectKind,
    Withdrawn,
};
use crate::proof::{Expect, Verifier};
use crate::storage::sim::SimStorage;

const HOUR_MS: i64 = 60 * 60 * 1000;

/// A ledger whose maker offers goods that nobody takes; its pack allows two
/// days, and seven until goods are counted. It looks by itself as often as `every` says.
struct Bench {
    world: World,
    storage: SimStorage,
    store: TempDir,
    taker: String,
}

fn options(every: Duration) -> Options {
    Options {
        overdue_every: every,
        ..World::options()
    }
}

/// Not by itself, while the clock is not moved so far.
const NEVER: Duration = Duration::from_hours(24);
const OFTEN: Duration = Duration::from_millis(1);

impl Bench {
    async fn start() -> Bench {
        let mut bench = Bench {
            world: World::new(1000),
            storage: SimStorage::new(),
            store: tempdir().unwrap(),
            taker: String::new(),
        };
        let world = &mut bench.world;
        let ledger = world.start(&bench.storage, bench.store.path());
        bench.taker = crate::catalog::Uscc::with_checks('9', '1', "150200", "MA0TAKER")
            .unwrap()
            .as_str()
            .to_owned();
        acknowledged(ledger.submit(world.registration()).await.unwrap());
        acknowledged(ledger.submit(bench.rules()).await.unwrap());
        ledger.close().await.unwrap();
        bench
    }

    fn open(&self, every: Duration) -> Ledger {
        let (ledger, _) = self
            .world
            .open_with(&self.storage, self.store.path(), options(every));
        ledger
    }

    /// The taker, and a pack.
    fn rules(&self) -> SignedStatement {
        let world = &self.world;
        let taker = PartyRegistered {
            party: self.taker.clone(),
            name_zh: "仓库".to_owned(),
            name_en: "Warehouse".to_owned(),
            stages: vec![Stage::Storage.into()],
            status: PartyStatus::Active.into(),
            region: "150200".to_owned(),
            ..PartyRegistered::default()
        };
        let line = |rule: RuleKind, limit| RuleLine {
            rule: rule.into(),
            mode: RuleMode::Find.into(),
            limit,
            ..RuleLine::default()
        };
        let pack = PackPublished {
            pack: "time".to_owned(),
            name_zh: "期限".to_owned(),
            name_en: "Deadlines".to_owned(),
            region: "100000".to_owned(),
            lines: vec![
                line(RuleKind::HandoffDue, 48),
                line(RuleKind::StockTakeDue, 7),
            ],
            ..PackPublished::default()
        };
        let bodies = vec![Body::PartyRegistered(taker), Body::PackPublished(pack)];
        let draft = world.draft(&world.authority_party, bodies);
        draft.sign(&world.authority, &[])
    }

    /// So many offers, each of a lot of its own, in one statement.
    fn offers(&self, count: u32) -> (Draft, SignedStatement) {
        let world = &self.world;
        let mut draft = world.draft(&world.maker_party, Vec::new());
        for number in 0..count {
            let label = format!("L{number}");
            draft.events.push(event(World::produced(&label, 10)));
        }
        for number in 0..count {
            let lot = derived(&draft.party, draft.id, number, 0);
            let goods = Goods {
                lot: Bytes::copy_from_slice(&lot),
                loose: Some(Quantity {
                    gross_mg: 10,
                    measure: None,
                }),
                ..Goods::default()
            };
            let offered = Offered {
                taker: self.taker.clone(),
                from: Some(From::Place("T1".to_owned())),
                lines: vec![goods],
                ..Offered::default()
            };
            draft.events.push(event(Body::Offered(offered)));
        }
        let signed = draft.sign(&world.maker, &[]);
        (draft, signed)
    }

    async fn offer(&self, ledger: &Ledger, count: u32) -> Draft {
        let (draft, signed) = self.offers(count);
        acknowledged(ledger.submit(signed).await.unwrap());
        draft
    }

    fn pass(&self, ms: i64) {
        self.world.clock.0.fetch_add(ms, Ordering::SeqCst);
    }
}

/// Waits until something is so.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..5_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("never {what}");
}

/// Every such word: how many lines, and how many findings say so.
fn words(ledger: &Ledger) -> Vec<(usize, usize)> {
    let opened = (0..ledger.committed()).map(|at| ledger.open_record(at).unwrap().unwrap());
    let word = |record: crate::event::record::OpenRecord| {
        let Some(Body::OverdueStated(OverdueStated { lines })) =
            record.events[0].clone().unwrap().body
        else {
            return None;
        };
        let findings = record.findings.iter().flatten();
        let overdue = findings.filter(|f| f.code() == FindingCode::HandoffOverdue && f.due_ms > 0);
        Some((lines.len(), overdue.count()))
    };
    opened.filter_map(word).collect()
}

/// Looks through the state at once, in small pieces; whether there is something to say.
fn look(ledger: &Ledger) -> bool {
    let mut walk = Walk::new(NEVER, 7);
    walk.turn(&ledger.shared);
    ledger.shared.overdue.has_word()
}

/// How many marks the first offer of a draft of `count` has.
fn marks(ledger: &Ledger, draft: &Draft, count: u32) -> usize {
    let handoff = HandoffId(derived(&draft.party, draft.id, count, 0));
    ledger.read(
        |state| match state.get(&subject::handoff(handoff)).as_deref() {
            Some(Item::Handoff(handoff)) => handoff.overdue.len(),
            _ => panic!("no handoff"),
        },
    )
}

fn verify(ledger: &Ledger) {
    let mut verifier = Verifier::new(Expect::default());
    for batch in ledger.shared.records.batches(0) {
        let batch = batch.unwrap();
        verifier
            .batch(batch.first_position, &batch.records, &batch.commit)
            .unwrap();
    }
    assert_eq!(verifier.finish().unwrap().state_digest, digest(ledger));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_overdue_is_said_once_and_not_again_after_a_restart() {
    let bench = Bench::start().await;
    let ledger = bench.open(OFTEN);
    let draft = bench.offer(&ledger, 1).await;
    bench.pass(48 * HOUR_MS);
    assert!(!look(&ledger), "it is in time");
    bench.pass(1);
    until("said", || words(&ledger) == [(1, 1)]).await;
    assert_eq!(marks(&ledger, &draft, 1), 1);
    let before = digest(&ledger);
    ledger.close().await.unwrap();

    let ledger = bench.open(OFTEN);
    assert_eq!(digest(&ledger), before);
    bench.pass(DAY_MS);
    assert!(!look(&ledger), "it is told");
    // A state that was put together from the store says the same.
    acknowledged(
        ledger
            .submit(bench.world.another_place("P1"))
            .await
            .unwrap(),
    );
    assert_eq!(words(&ledger), [(1, 1)]);
    verify(&ledger);
    ledger.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_goes_into_one_word_is_said_in_several() {
    let bench = Bench::start().await;
    let ledger = bench.open(OFTEN);
    let draft = bench.offer(&ledger, 120).await;
    bench.pass(3 * DAY_MS);
    until("all said", || {
        words(&ledger).iter().map(|w| w.0).sum::<usize>() == 120
    })
    .await;
    assert_eq!(words(&ledger), [(100, 100), (20, 20)]);
    assert_eq!(marks(&ledger, &draft, 120), 1);
    assert!(!look(&ledger));
    verify(&ledger);
    ledger.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn subjects_of_every_kind_are_looked_through() {
    let bench = Bench::start().await;
    let ledger = bench.open(NEVER);
    bench.offer(&ledger, 20).await;
    // The clock stands, so that the ledger itself finds nothing meanwhile.
    let now = bench.world.now() + 9 * DAY_MS;
    let walk = Walk::new(NEVER, 7);
    let (lines, pieces) = ledger.read(|state| {
        let (mut lines, mut pieces, mut at) = (Vec::new(), 0, Some(Place::default()));
        while let Some(from) = at {
            at = walk.piece(state, &from, now, &mut lines);
            pieces += 1;
        }
        (overdue_in_order(lines), pieces)
    });
    // Twenty lots and twenty handoffs with a lot each, seven at a time.
    assert_eq!(lines.len(), 40);
    assert!(pieces > 5, "{pieces} pieces");
    ledger.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_after_all_before_it_is_said_is_not_said() {
    let bench = Bench::start().await;
    let ledger = bench.open(NEVER);
    let draft = bench.offer(&ledger, 1).await;
    // The clock stands, so that the ledger itself finds nothing meanwhile.
    let now = bench.world.now() + 3 * DAY_MS;
    let found = |overdue: &Overdue| {
        ledger.read(|state| {
            let handoffs = state.items_of(SubjectKind::Handoff, &[]);
            let lines = handoffs.flat_map(|(s, item)| overdue_lines(state, &s, &item, now));
            overdue.found(lines.collect());
            overdue.word(state, now)
        })
    };
    let overdue = Overdue::default();
    assert_eq!(found(&overdue).unwrap().lines.len(), 1);
    let withdrawn = Withdrawn {
        offer: Some(draft.event_ref(1, &bench.world.maker).unwrap()),
        ..Withdrawn::default()
    };
    let withdrawn = bench.world.made(vec![Body::Withdrawn(withdrawn)]);
    acknowledged(ledger.submit(withdrawn).await.unwrap());
    assert!(overdue.has_word());
    assert_eq!(ledger.read(|state| overdue.word(state, now)), None);
    assert!(!overdue.has_word());
    assert_eq!(words(&ledger), []);
    ledger.close().await.unwrap();
}

/// A machine whose wall clock can be set, with one that cannot.
struct Machine(Arc<super::world::TestClock>);

impl Clock for Machine {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    fn monotonic_ms(&self) -> i64 {
        77
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_overdue_by_a_clock_that_is_in_doubt() {
    let bench = Bench::start().await;
    let clock: Arc<dyn Clock> = Arc::new(Machine(Arc::clone(&bench.world.clock)));
    let key = bench.world.ledger_key.clone();
    let (ledger, _) = Ledger::open_on(
        bench.storage.clone(),
        bench.store.path(),
        key,
        options(OFTEN),
        clock,
    )
    .unwrap();
    bench.offer(&ledger, 1).await;
    let next = ledger.committed();
    bench.pass(3 * DAY_MS);
    ledger.at_least(next + 1).await.unwrap();
    let record = ledger.open_record(next).unwrap().unwrap();
    let Some(Body::ClockStated(ClockStated { in_doubt, .. })) =
        record.events[0].clone().unwrap().body
    else {
        panic!("no word on the clock");
    };
    assert!(in_doubt);
    assert!(!look(&ledger));
    assert_eq!(words(&ledger), []);
    ledger.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_writers_one_says_it_and_both_end_alike() {
    for seed in 0..4 {
        let bench = Bench::start().await;
        let stream = Stream::of(&bench.storage);
        let stores = [tempdir().unwrap(), tempdir().unwrap()];
        let open = |number: usize| {
            let mut turn = seed + number;
            let log = FakeLog::new(&stream, move || {
                turn += 1;
                match turn % 3 {
                    0 => Fate::UnknownDone,
                    1 => Fate::UnknownLost,
                    _ => Fate::Honest,
                }
            });
            let clock = Arc::clone(&bench.world.clock);
            Ledger::open_over(
                Box::new(log),
                Arc::new(stream.clone()),
                stores[number].path(),
                bench.world.ledger_key.clone(),
                options(OFTEN),
                clock,
            )
            .unwrap()
            .0
        };
        let (one, two) = (open(0), open(1));
        bench.offer(&one, 30).await;
        bench.pass(3 * DAY_MS);
        // Whoever is not first learns of it with the next that it decides.
        until("said", || words(&one).len() + words(&two).len() > 0).await;
        for (ledger, place) in [(&one, "A"), (&two, "B"), (&one, "C"), (&two, "D")] {
            let place = bench.world.another_place(place);
            acknowledged(ledger.submit(place).await.unwrap());
        }
        let count = stream.records().len() as u64;
        acknowledged(one.submit(bench.world.another_place("E")).await.unwrap());
        acknowledged(two.submit(bench.world.another_place("E2")).await.unwrap());
        acknowledged(one.submit(bench.world.another_place("E3")).await.unwrap());
        two.at_least(count).await.unwrap();
        let (ours, theirs) = (records(&one), records(&two));
        let both = ours.len().min(theirs.len());
        assert_eq!(ours[..both], theirs[..both], "seed {seed}");
        assert_eq!(words(&one), [(30, 30)], "seed {seed}");
        assert_eq!(words(&two), [(30, 30)], "seed {seed}");
        one.close().await.unwrap();
        two.close().await.unwrap();
    }
}
