//! The trace of a lot with twelve records, spread over all of a ledger: warm,
//! in process, at growing sizes; and cold, in calls that read.
//!
//! The last of the twelve records of every other lot uses it up, so a ledger
//! opened afresh does not have it in memory: the store is read as well as the
//! journal.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::world::{World, close, wait};
use crate::support::{Form, Row, machine, percentile, thousands};
use hazledger::custody::{Item, Items as _, subject};
use hazledger::event::LotId;
use hazledger::event::record::OpenRecord;
use hazledger::journal::JournalOptions;
use hazledger::ledger::{Ledger, Options};
use hazledger::pb::{LotState, Origin};
use hazledger::projection::items;
use hazledger::projection::trace::{Ask, ReadError, RecordSource, trace};

/// Records of each lot that is traced.
const RECORDS: usize = 12;

/// Lots that are traced.
const LOTS: u64 = 100;

/// Lots that all other records are about.
const OTHERS: u64 = 1_000;

/// Times each lot is traced when warm.
const TIMES: usize = 50;

/// p99 when warm.
const WARM: Duration = Duration::from_millis(1);

/// Calls that read, when cold.
const READS: u64 = 20;

/// What the name of a row says if it is not the full form's.
const SCALED: &str = " (100 thousand and 10 million in the full form)";

/// Bytes of a segment: in the default form few, so that even a small journal
/// has many segments and the lots' records stand in most of them.
fn segment_bytes(form: &Form) -> u32 {
    form.pick(1024 * 1024, 1024 * 1024, 64 * 1024 * 1024)
}

fn sizes(form: &Form) -> [u64; 2] {
    form.pick([1_000, 2_000], [10_000, 100_000], [100_000, 10_000_000])
}

pub fn rows(form: &Form) -> Vec<Row> {
    let [small, large] = sizes(form).map(|size| thousands(size as f64));
    let full = form.pick(SCALED, SCALED, "");
    vec![
        Row::new(
            format!("trace of a 12-record lot, warm p99, {small} records"),
            "≤ 1 ms",
        ),
        Row::new(
            format!("trace of a 12-record lot, warm p99, {large} records"),
            "≤ 1 ms",
        ),
        Row::new(format!("the same, larger over smaller{full}"), "within 2×"),
        Row::new(
            format!("trace of a 12-record live lot, cold, {large} records"),
            "≤ 20 reads",
        ),
        Row::new(
            format!("trace of a 12-record closed lot, cold, {large} records"),
            "≤ 20 reads",
        ),
    ]
}

pub fn measure(form: &Form, rows: &mut [Row]) {
    let folder = form.folder();
    let mut warm = Vec::new();
    let mut reads = [0; 2];
    for (at, size) in sizes(form).into_iter().enumerate() {
        let dir = folder.path().join(size.to_string());
        let (p50, p99, most) = measure_at(form, &dir, size);
        rows[at].judge(
            format!("{:.3} ms (p50 {:.3} ms)", millis(p99), millis(p50)),
            Some(p99.as_secs_f64() / WARM.as_secs_f64()),
            p99 <= WARM,
        );
        warm.push(p99);
        reads = most;
        std::fs::remove_dir_all(dir).unwrap();
    }
    let ratio = warm[1].as_secs_f64() / warm[0].as_secs_f64();
    rows[2].judge(format!("{ratio:.2}×"), Some(ratio), ratio <= 2.0);
    for (row, most) in rows[3..].iter_mut().zip(reads) {
        row.judge(
            format!("at most {most} calls that read"),
            Some(most as f64 / READS as f64),
            most <= READS,
        );
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// p50 and p99 when warm, and the most reads when cold: of a live lot, of a
/// closed one.
fn measure_at(form: &Form, dir: &Path, size: u64) -> (Duration, Duration, [u64; 2]) {
    let options = Options {
        journal: JournalOptions {
            segment_bytes: segment_bytes(form),
        },
        ..Options::default()
    };
    let world = World::new();
    let (ledger, origin) = world.ledger(dir, options.clone());
    let mut filled = Filled {
        world: &world,
        origin,
        next: 2,
        moves: 0,
    };
    filled.fill(&ledger, size);
    close(ledger);
    let (ledger, _) = world.open(dir, options);
    let lots: Vec<LotId> = (0..LOTS).map(|n| world.lot(2 + n, 0)).collect();
    // What it costs to ask how many calls there were.
    let asking = {
        let before = machine::read_calls();
        machine::read_calls() - before
    };
    let mut most = [0; 2];
    for (n, lot) in (0..).zip(&lots) {
        let before = machine::read_calls();
        traced(&ledger, *lot);
        let kind = usize::from(is_used_up(n));
        most[kind] = most[kind].max(machine::read_calls() - before - asking);
    }
    let mut took = Vec::new();
    for _ in 0..TIMES {
        for lot in &lots {
            let started = Instant::now();
            traced(&ledger, *lot);
            took.push(started.elapsed());
        }
    }
    close(ledger);
    (
        percentile(&mut took, 0.5),
        percentile(&mut took, 0.99),
        most,
    )
}

/// Whether the last of a lot's twelve records uses it up.
fn is_used_up(n: u64) -> bool {
    n % 2 == 1
}

/// Traces a lot, as the service does.
fn traced(ledger: &Ledger, lot: LotId) {
    let (as_of, state) = item(ledger, lot);
    let ask = Ask {
        lot,
        serial: None,
        before: as_of,
        known_at_ms: None,
        true_at_ms: None,
    };
    let traced = trace(&Records(ledger), &state, &ask).unwrap();
    assert_eq!(traced.steps.len(), RECORDS);
    assert!(traced.born.is_some());
}

fn item(ledger: &Ledger, lot: LotId) -> (u64, LotState) {
    let subject = subject::lot(lot);
    let (as_of, live) = ledger.read(|state| (state.next(), state.get(&subject)));
    let item = live.map_or_else(
        || items::item(ledger.store(), &subject).unwrap().unwrap(),
        |item| Item::clone(&item),
    );
    match item {
        Item::Lot(lot) => (as_of, lot),
        other => panic!("not a lot: {other:?}"),
    }
}

struct Records<'a>(&'a Ledger);

impl RecordSource for Records<'_> {
    fn record(&self, position: u64) -> Result<Option<OpenRecord>, ReadError> {
        self.0.open_record(position).map_err(|error| ReadError {
            position,
            why: error.to_string(),
        })
    }
}

/// A ledger being filled.
struct Filled<'a> {
    world: &'a World,
    origin: Origin,
    /// The next statement's number.
    next: u64,
    /// Moves of other lots so far.
    moves: u64,
}

impl Filled<'_> {
    fn fill(&mut self, ledger: &Ledger, size: u64) {
        self.make(ledger, LOTS);
        let others = self.next;
        self.make(ledger, OTHERS);
        let steps = RECORDS as u64 - 1;
        let between = size.saturating_sub(OTHERS + RECORDS as u64 * LOTS) / steps;
        for step in 0..steps {
            self.move_others(ledger, others, between);
            let last = step + 1 == steps;
            let from = usize::try_from(step % 2).unwrap();
            let moved = (0..LOTS).map(|n| {
                let lot = self.world.lot(2 + n, 0);
                let number = self.next + n;
                if last && is_used_up(n) {
                    self.world.used_up(&self.origin, number, lot, from)
                } else {
                    let all = World::whole_lot();
                    self.world
                        .moved(&self.origin, number, [lot].into_iter(), all, from)
                }
            });
            World::submit_all(ledger, moved);
            self.next += LOTS;
        }
        wait(ledger.at_least(ledger.committed())).unwrap();
        assert!(ledger.committed() >= size - steps);
    }

    fn make(&mut self, ledger: &Ledger, lots: u64) {
        let count = usize::try_from(lots).unwrap();
        let made = self.world.all_produced(&self.origin, self.next, count, 1);
        World::submit_all(ledger, made);
        self.next += lots;
    }

    /// One lot after the other, to the other place; then all of them back.
    fn move_others(&mut self, ledger: &Ledger, first: u64, count: u64) {
        let moves = (self.moves..self.moves + count).map(|n| {
            let lot = self.world.lot(first + n % OTHERS, 0);
            let from = usize::try_from(n / OTHERS % 2).unwrap();
            let number = self.next + (n - self.moves);
            let all = World::whole_lot();
            self.world
                .moved(&self.origin, number, [lot].into_iter(), all, from)
        });
        World::submit_all(ledger, moves);
        self.next += count;
        self.moves += count;
    }
}
