//! What the journal makes again: the live state folded from its records, and
//! the whole projection rebuilt when its folder is gone; and whether a
//! journal four times as long takes four times as long.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::world::{World, close};
use crate::support::{Form, Row, median, rate, thousands};
use hazledger::custody::State;
use hazledger::custody::state::nowhere;
use hazledger::event::Hash;
use hazledger::event::record::OpenRecord;
use hazledger::journal::{Journal, JournalOptions};
use hazledger::ledger::Options;
use hazledger::storage::DirStorage;

/// How many times longer the longer journal is.
const LONGER: usize = 4;

/// Records a second of the longer one over those of the shorter: linear.
const LINEAR: f64 = 0.8;

pub fn rows(form: &Form) -> Vec<Row> {
    let (short, long) = sizes(form);
    let name =
        |what: &str, records: usize| format!("{what}, {} records", thousands(records as f64));
    vec![
        Row::new(name("replay into memory", long), ""),
        Row::new(name("rebuild of the projection", short), ""),
        Row::new(
            name("rebuild of the projection", long),
            format!("linear: ≥ {LINEAR} of the shorter's rate"),
        ),
    ]
}

fn sizes(form: &Form) -> (usize, usize) {
    (form.events, form.events * LONGER)
}

pub fn measure(form: &Form, rows: &mut [Row]) {
    let folder = form.folder();
    let (short, long) = sizes(form);
    let short = Made::new(&folder.path().join("short"), short);
    let long = Made::new(&folder.path().join("long"), long);
    let (mut replays, mut shorts, mut longs, mut ratios) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..form.rounds {
        replays.push(rate(long.records, long.replay()));
        let (of_short, of_long) = (
            rate(short.records, short.rebuild()),
            rate(long.records, long.rebuild()),
        );
        shorts.push(of_short);
        longs.push(of_long);
        ratios.push(of_long / of_short);
    }
    let figure = |rates: Vec<f64>| format!("{} records/s", thousands(median(rates)));
    rows[0].say(figure(replays), None);
    rows[1].say(figure(shorts), None);
    let ratio = median(ratios);
    rows[2].judge(figure(longs), Some(ratio), ratio >= LINEAR);
}

/// A ledger that was made and closed.
struct Made {
    world: World,
    dir: PathBuf,
    records: usize,
    digest: Hash,
}

impl Made {
    fn new(dir: &Path, statements: usize) -> Made {
        let world = World::new();
        let (ledger, origin) = world.ledger(dir, Options::default());
        for first in (0..statements).step_by(10_000) {
            let count = (statements - first).min(10_000);
            World::submit_all(
                &ledger,
                world.all_produced(&origin, 2 + first as u64, count, 1),
            );
        }
        let (records, digest) = ledger.read(|state| (state.next(), state.digest()));
        close(ledger);
        Made {
            world,
            dir: dir.to_owned(),
            records: usize::try_from(records).unwrap(),
            digest,
        }
    }

    /// Reads, opens and folds every record.
    fn replay(&self) -> Duration {
        let storage = DirStorage::new(self.dir.join("journal"));
        let (journal, _) = Journal::open(storage, None, 0, JournalOptions::default()).unwrap();
        let started = Instant::now();
        let mut state = State::new();
        for batch in journal.reader().batches(0) {
            for bytes in &batch.unwrap().records {
                let record = OpenRecord::open(bytes).unwrap();
                state.apply(&record, &mut nowhere).unwrap();
            }
        }
        let elapsed = started.elapsed();
        assert_eq!(state.digest(), self.digest);
        journal.close().unwrap();
        elapsed
    }

    /// Opens it without its projection.
    fn rebuild(&self) -> Duration {
        std::fs::remove_dir_all(self.dir.join("projection")).unwrap();
        let started = Instant::now();
        let (ledger, opened) = self.world.open(&self.dir, Options::default());
        let elapsed = started.elapsed();
        assert_eq!(opened.replayed, self.records as u64);
        assert_eq!(ledger.read(State::digest), self.digest);
        close(ledger);
        elapsed
    }
}
