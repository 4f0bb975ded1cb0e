//! Where a lot went that was poured into a tank: everything made with any of
//! it, and everybody who has some, at a size of ledger; and what a lot drawn
//! from a tank was made of.
//!
//! Eight tanks of 100 kg: in each turn one of them takes a fresh lot of 25 kg
//! and gives four draws of 6.25 kg. A lot is in every draw of its tank until
//! less than a milligram of it is left, some 300 of them, and the tank begins
//! a new running lot now and then on the way.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::world::{World, close, wait};
use crate::support::{Form, Row, percentile, thousands};
use hazledger::custody::{Item, Items};
use hazledger::event::excerpt::Excerpt;
use hazledger::event::record::OpenRecord;
use hazledger::ledger::{Ledger, Options};
use hazledger::pb::{Origin, Subject};
use hazledger::projection::genealogy::{ancestors, descendants};
use hazledger::projection::items;
use hazledger::projection::trace::{ReadError, RecordSource};

/// Tanks of the plant.
const TANKS: u64 = 8;

/// Draws of a turn.
const DRAWS: u64 = 4;

/// Records of a turn: a lot made, poured, and drawn from.
const TURN: u64 = 2 + DRAWS;

/// Turns of one tank before it is full.
const FIRST: u64 = 4;

/// Lots that are traced, spread over the ledger; each several times.
const LOTS: u64 = 10;
const TIMES: usize = 5;

/// The slowest of a hundred, forward and back.
const WANTED: Duration = Duration::from_millis(50);

fn size(form: &Form) -> u64 {
    form.pick(3_000, 50_000, 1_000_000)
}

pub fn rows(form: &Form) -> Vec<Row> {
    let records = thousands(size(form) as f64);
    let full = form.pick(
        " (1 million in the full form)",
        " (1 million in the full form)",
        "",
    );
    vec![
        Row::new(
            format!("everything that a lot in a tank went into, p99, {records} records{full}"),
            "≤ 50 ms",
        ),
        Row::new(
            format!("what a lot drawn from a tank was made of, p99, {records} records{full}"),
            "≤ 50 ms",
        ),
    ]
}

pub fn measure(form: &Form, rows: &mut [Row]) {
    let folder = form.folder();
    let world = World::new();
    let (ledger, origin) = world.ledger(folder.path(), Options::default());
    let turns = size(form) / TURN;
    fill(&world, &ledger, &origin, turns);
    let (mut forward, mut back) = (Vec::new(), Vec::new());
    let mut most = 0;
    for n in 0..LOTS {
        // From the middle on: later ones have not gone as far yet.
        let turn = turns / 2 * n / LOTS;
        let poured = world.lot(number(turn), 0);
        let drawn = world.lot(number(turn) + 2, 0);
        for _ in 0..TIMES {
            let started = Instant::now();
            let found = descendants(
                &Known(&ledger),
                &Records(&ledger),
                poured,
                ledger.committed(),
            );
            forward.push(started.elapsed());
            let found = found.unwrap();
            assert!(!found.truncated && !found.held.is_empty());
            most = most.max(found.edges.len());
            let started = Instant::now();
            let found = ancestors(&Known(&ledger), drawn);
            back.push(started.elapsed());
            let origins = found.edges.iter().map(|e| e.share_mg);
            assert!(origins.sum::<i64>() >= found.whole_gross_mg);
        }
    }
    close(ledger);
    for (row, took) in rows.iter_mut().zip([&mut forward, &mut back]) {
        let (p50, p99) = (percentile(took, 0.5), percentile(took, 0.99));
        let millis = |d: Duration| d.as_secs_f64() * 1000.0;
        row.judge(
            format!("{:.1} ms (p50 {:.1} ms)", millis(p99), millis(p50)),
            Some(p99.as_secs_f64() / WANTED.as_secs_f64()),
            p99 <= WANTED,
        );
    }
    eprintln!("  the furthest lot went into {most} others");
}

/// The number of a turn's first statement.
fn number(turn: u64) -> u64 {
    3 + turn * TURN
}

fn tank(turn: u64) -> String {
    format!("V{}", turn % TANKS)
}

fn fill(world: &World, ledger: &Ledger, origin: &Origin, turns: u64) {
    let tanks: Vec<String> = (0..TANKS).map(tank).collect();
    World::submit_all(ledger, [world.vessels(origin, 2, &tanks)]);
    let part = World::whole_lot() / i64::try_from(DRAWS).unwrap();
    for turn in 0..turns {
        let first = number(turn);
        let vessel = tank(turn);
        let mut statements = vec![
            world.produced(origin, first, 1),
            world.filled(origin, first + 1, world.lot(first, 0), &vessel),
        ];
        for draw in 0..DRAWS {
            let number = first + 2 + draw;
            statements.push(if turn < FIRST * TANKS {
                world.produced(origin, number, 1)
            } else {
                world.drawn(origin, number, &vessel, part)
            });
        }
        World::submit_all(ledger, statements);
    }
    wait(ledger.at_least(ledger.committed())).unwrap();
}

/// Live items, and those that have left memory.
struct Known<'a>(&'a Ledger);

impl Items for Known<'_> {
    fn get(&self, subject: &Subject) -> Option<Arc<Item>> {
        let live = self.0.read(|state| state.get(subject));
        live.or_else(|| items::item(self.0.store(), subject).unwrap().map(Arc::new))
    }
}

struct Records<'a>(&'a Ledger);

impl RecordSource for Records<'_> {
    fn record(&self, position: u64) -> Result<Option<OpenRecord>, ReadError> {
        let record = self.0.open_record(position);
        record.map_err(|error| unread(position, &error))
    }

    fn excerpt(&self, position: u64, subject: &Subject) -> Result<Option<Excerpt>, ReadError> {
        let excerpt = self.0.excerpt(position, subject);
        excerpt.map_err(|error| unread(position, &error))
    }
}

fn unread(position: u64, error: &hazledger::ledger::ReadError) -> ReadError {
    ReadError {
        position,
        why: error.to_string(),
    }
}
