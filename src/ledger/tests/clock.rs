//! The machine's clock is set back and forth under a ledger: recorded time
//! never runs backwards, every jump is in the journal, and one too far stops
//! accepting until the clock is back or somebody confirms the time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tempfile::{TempDir, tempdir};

use super::world::{START_MS, World};
use crate::event::record::OpenRecord;
use crate::ledger::{Answer, Clock, Ledger, OpenError, Options, SubmitError};
use crate::pb::event::Body;
use crate::pb::{ClockStated, EventKind as K, FindingCode, Severity};
use crate::proof::{Expect, Verifier};
use crate::storage::sim::SimStorage;

const HOUR_MS: i64 = 3_600_000;

/// A machine whose wall clock can be set, with one that cannot.
struct Machine {
    wall: AtomicI64,
    monotonic: AtomicI64,
}

impl Clock for Machine {
    fn now_ms(&self) -> i64 {
        self.wall.load(Ordering::SeqCst)
    }

    fn monotonic_ms(&self) -> i64 {
        self.monotonic.load(Ordering::SeqCst)
    }
}

struct Bench {
    world: World,
    machine: Arc<Machine>,
    storage: SimStorage,
    store: TempDir,
}

impl Bench {
    /// A ledger with state records at every multiple of `interval`, open, its
    /// maker registered.
    async fn start(interval: u64) -> (Bench, Ledger) {
        let mut bench = Bench {
            world: World::new(interval),
            machine: Arc::new(Machine {
                wall: AtomicI64::new(START_MS),
                monotonic: AtomicI64::new(77),
            }),
            storage: SimStorage::new(),
            store: tempdir().unwrap(),
        };
        let founded = bench.world.start(&bench.storage, bench.store.path());
        founded.close().await.unwrap();
        let ledger = bench.open(None).unwrap();
        let registration = bench.world.registration();
        accepted(ledger.submit(registration).await);
        (bench, ledger)
    }

    fn open(&self, confirmed_clock_ms: Option<i64>) -> Result<Ledger, OpenError> {
        let options = Options {
            confirmed_clock_ms,
            ..World::options()
        };
        let store: &Path = self.store.path();
        let clock: Arc<dyn Clock> = Arc::clone(&self.machine) as Arc<dyn Clock>;
        let key = self.world.ledger_key.clone();
        Ledger::open_on(self.storage.clone(), store, key, options, clock).map(|(ledger, _)| ledger)
    }

    fn set_clock(&self, by_ms: i64) {
        self.machine.wall.fetch_add(by_ms, Ordering::SeqCst);
    }

    fn pass(&self, ms: i64) {
        self.set_clock(ms);
        self.machine.monotonic.fetch_add(ms, Ordering::SeqCst);
    }

    async fn submit(&self, ledger: &Ledger, place: &str) -> Result<Answer, SubmitError> {
        ledger.submit(self.world.another_place(place)).await
    }
}

fn accepted(answer: Result<Answer, SubmitError>) {
    match answer {
        Ok(Answer::Acknowledged { .. }) => {}
        other => panic!("{other:?}"),
    }
}

fn records(ledger: &Ledger) -> Vec<OpenRecord> {
    (0..ledger.committed())
        .map(|position| ledger.open_record(position).unwrap().unwrap())
        .collect()
}

/// Waits until there are so many records, and returns what the last one says
/// of the clock.
async fn word_at(ledger: &Ledger, position: u64) -> ClockStated {
    ledger.at_least(position + 1).await.unwrap();
    let record = ledger.open_record(position).unwrap().unwrap();
    let Some(Body::ClockStated(word)) = record.events[0].clone().unwrap().body else {
        panic!("no word on the clock: {record:?}")
    };
    let jumped = word.jumped_by_ms != 0;
    assert_eq!(record.findings.len(), usize::from(jumped));
    if let Some(Some(finding)) = record.findings.first() {
        assert_eq!(finding.code(), FindingCode::ClockJumped);
        let severity = [Severity::Warning, Severity::Alarm][usize::from(word.in_doubt)];
        assert_eq!(finding.severity(), severity);
        let by = crate::event::when::span(word.jumped_by_ms);
        assert!(finding.detail.ends_with(&by), "{}", finding.detail);
    }
    word
}

/// Closes the ledger; the times of its records do not run backwards, and the
/// verifier agrees with the whole of it.
async fn is_in_order(ledger: Ledger) {
    let times: Vec<i64> = records(&ledger)
        .iter()
        .map(|record| record.head.recorded_at_ms)
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    let mut verifier = Verifier::new(Expect::default());
    for batch in ledger.shared.records.batches(0) {
        let batch = batch.unwrap();
        verifier
            .batch(batch.first_position, &batch.records, &batch.commit)
            .unwrap();
    }
    verifier.finish().unwrap();
    ledger.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_within_the_bound_is_recorded_before_what_comes_after_it() {
    let (bench, ledger) = Bench::start(1000).await;
    for by_ms in [90_000, -120_000] {
        let next = ledger.committed();
        bench.set_clock(by_ms);
        accepted(bench.submit(&ledger, &format!("P{next}")).await);
        assert_eq!(ledger.committed(), next + 2);
        let word = word_at(&ledger, next).await;
        assert_eq!((word.jumped_by_ms, word.in_doubt), (by_ms, false));
    }
    is_in_order(ledger).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_beyond_the_bound_stops_accepting_until_the_clock_is_back() {
    for by_ms in [8 * HOUR_MS, -8 * HOUR_MS] {
        let (bench, ledger) = Bench::start(1000).await;
        bench.pass(HOUR_MS);
        bench.set_clock(by_ms);
        let answer = bench.submit(&ledger, "P1").await;
        let Err(SubmitError::ClockInDoubt(doubt)) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(doubt.clock_ms - doubt.reckoned_ms, by_ms);
        let status = ledger.status();
        assert!(!status.accepting);
        assert_eq!(status.clock_in_doubt, Some(doubt));
        let word = word_at(&ledger, 2).await;
        assert_eq!((word.jumped_by_ms, word.in_doubt), (by_ms, true));
        assert_eq!(word.ledger_ms, START_MS + HOUR_MS, "as reckoned");
        // Reading goes on, and so do first answers to what is recorded.
        assert_eq!(records(&ledger).len(), 3);
        assert!(bench.submit(&ledger, "P1").await.is_err());
        bench.set_clock(-by_ms);
        accepted(bench.submit(&ledger, "P1").await);
        assert!(ledger.status().accepting);
        let word = word_at(&ledger, 3).await;
        assert_eq!((word.jumped_by_ms, word.in_doubt), (-by_ms, false));
        is_in_order(ledger).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_is_recorded_though_nobody_submits() {
    let (bench, ledger) = Bench::start(1000).await;
    bench.set_clock(8 * HOUR_MS);
    assert!(word_at(&ledger, 2).await.in_doubt);
    is_in_order(ledger).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_outlives_a_restart_and_ends_when_the_right_time_is_given() {
    let (bench, ledger) = Bench::start(1000).await;
    bench.set_clock(8 * HOUR_MS);
    assert!(bench.submit(&ledger, "P1").await.is_err());
    word_at(&ledger, 2).await;
    ledger.close().await.unwrap();
    let again = bench.open(None).unwrap();
    assert!(!again.status().accepting);
    assert!(bench.submit(&again, "P1").await.is_err());
    assert_eq!(again.committed(), 3, "it has been said before");
    again.close().await.unwrap();
    // The other clock still shows the time before the jump: it is this one
    // that is wrong, and nothing starts until it has been set right.
    let wrong = bench.open(Some(START_MS));
    assert!(matches!(wrong, Err(OpenError::ClockNotConfirmed { .. })));
    bench.set_clock(-8 * HOUR_MS + 60_000);
    let right = bench.open(Some(START_MS)).unwrap();
    accepted(bench.submit(&right, "P1").await);
    let word = word_at(&right, 3).await;
    assert_eq!((word.in_doubt, word.confirmed_ms), (false, START_MS));
    is_in_order(right).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_behind_the_last_record_accepts_nothing_and_later_records_keep_its_time() {
    let (bench, ledger) = Bench::start(1000).await;
    bench.pass(8 * HOUR_MS);
    accepted(bench.submit(&ledger, "P1").await);
    ledger.close().await.unwrap();
    bench.set_clock(-8 * HOUR_MS);
    let behind = bench.open(None).unwrap();
    assert!(bench.submit(&behind, "P2").await.is_err());
    assert_eq!(word_at(&behind, 3).await.jumped_by_ms, -8 * HOUR_MS);
    behind.close().await.unwrap();
    // It had run ahead: this is the right time.
    let right = bench.open(Some(START_MS)).unwrap();
    accepted(bench.submit(&right, "P2").await);
    let times: Vec<i64> = records(&right)
        .iter()
        .map(|record| record.head.recorded_at_ms)
        .collect();
    assert_eq!(times[3..], [START_MS + 8 * HOUR_MS; 3]);
    right.close().await.unwrap();
    // And it need not be confirmed again while the clock catches up.
    bench.pass(HOUR_MS);
    let later = bench.open(None).unwrap();
    accepted(bench.submit(&later, "P3").await);
    is_in_order(later).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_word_on_the_clock_leaves_a_state_record_its_place() {
    let (bench, ledger) = Bench::start(2).await;
    // The next record, 2, is to be a state record.
    bench.set_clock(60_000);
    accepted(bench.submit(&ledger, "P1").await);
    let kinds: Vec<_> = records(&ledger)[2..]
        .iter()
        .map(|record| crate::event::statement::kind_of(record.events[0].as_ref().unwrap()))
        .collect();
    let wanted = [
        K::StateRecorded,
        K::ClockStated,
        K::StateRecorded,
        K::PlaceRegistered,
    ];
    assert_eq!(kinds, wanted);
    is_in_order(ledger).await;
}
