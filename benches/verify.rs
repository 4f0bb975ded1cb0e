//! Verification of a journal from its bytes: everything, and the chain only;
//! each against the bare work on all cores.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::raw::verify_all;
use crate::support::world::{World, close};
use crate::support::{Form, Row, machine, median, rate, thousands};
use bytes::Bytes;
use hazledger::audit::{Audit, verify_chain, verify_journal};
use hazledger::event::Hash;
use hazledger::event::digest::head_hash;
use hazledger::journal::{Scanned, scan};
use hazledger::ledger::Options;
use hazledger::pb::Record;
use hazledger::proof::tree::{TreeHash, leaf_hash};
use hazledger::proof::{BatchTree, Expect, Report};
use hazledger::storage::ReadOnlyFolder;
use prost::Message as _;
use rayon::prelude::*;

/// Of the bare work on all cores.
const TARGET: f64 = 0.8;

pub fn rows(_: &Form) -> Vec<Row> {
    vec![
        Row::new("verify_strict on all cores", ""),
        Row::new(
            "full verification of a journal",
            "≥ 0.8 of cores × verify_strict",
        ),
        Row::new(
            "BLAKE3 and SHA-256 of heads, and batch trees, alone, on all cores",
            "",
        ),
        Row::new(
            "chain and tree only (`verify --chain-only`)",
            "≥ 0.8 of a bare loop of those hashes on all cores",
        ),
    ]
}

pub fn measure(form: &Form, rows: &mut [Row]) {
    let folder = form.folder();
    let world = World::new();
    let at = folder.path().join("ledger");
    let (ledger, origin) = world.ledger(&at, Options::default());
    let statements = world.all_produced(&origin, 2, form.events, 1);
    World::submit_all(&ledger, statements.iter().cloned());
    let records = ledger.committed();
    close(ledger);

    let journal = at.join("journal");
    let heads = heads(&journal);
    let folder = ReadOnlyFolder::new(&journal);
    let expect = Expect::default();
    let count = usize::try_from(records).unwrap();
    let mut runs: [Runs; 4] = Default::default();
    for _ in 0..form.rounds {
        let [strict, full, hashes, chain] = &mut runs;
        let sound = strict.run(|| {
            let sound = verify_all(world.plant.public(), &statements);
            (statements.len(), sound)
        });
        assert!(sound);
        full.run(|| {
            let audit = verify_journal(&folder, &expect, &[], &mut |_| {});
            let report = checked(audit, records);
            (usize::try_from(report.signatures).unwrap(), ())
        });
        let last = hashes.run(|| {
            let last = hashed(&heads);
            for _ in 1..HASHED_TIMES {
                assert_eq!(hashed(&heads), last);
            }
            (count * HASHED_TIMES, last)
        });
        let said = chain.run(|| {
            let audit = verify_chain(&folder, &expect, &[], &mut |_| {});
            (count, checked(audit, records).last_head)
        });
        assert_eq!(said, last);
    }
    let [strict, full, hashes, chain] = runs;
    rows[0].say(strict.figure(), Some(1.0));
    let ratio = full.ratio(&strict);
    rows[1].judge(full.figure_against(&strict), Some(ratio), ratio >= TARGET);
    rows[2].say(hashes.figure(), Some(1.0));
    let ratio = chain.ratio(&hashes);
    rows[3].judge(chain.figure_against(&hashes), Some(ratio), ratio >= TARGET);
}

/// Times that all heads are hashed in a round: once is over too soon to tell.
const HASHED_TIMES: usize = 20;

/// The rounds of one kind of work.
#[derive(Default)]
struct Runs {
    /// How many a second, each round.
    rates: Vec<f64>,
    /// Processor time of all rounds, and how many they did.
    time: Duration,
    count: usize,
}

impl Runs {
    /// Runs it once; it says how many it did.
    fn run<R>(&mut self, work: impl FnOnce() -> (usize, R)) -> R {
        // What the run before left to be taken apart in the background is over.
        rayon::broadcast(|_| {});
        let before = machine::processor_time();
        let started = Instant::now();
        let (count, result) = work();
        self.rates.push(rate(count, started.elapsed()));
        self.time += machine::processor_time().saturating_sub(before);
        self.count += count;
        result
    }

    fn figure(&self) -> String {
        format!("{} /s", thousands(median(self.rates.clone())))
    }

    /// With the ratio of processor times, which other programs on the machine
    /// change less than the clock's.
    fn figure_against(&self, bare: &Runs) -> String {
        let each = |runs: &Runs| runs.time.as_secs_f64() / runs.count as f64;
        let ratio = each(bare) / each(self);
        format!("{}; {ratio:.2} by processor time", self.figure())
    }

    fn ratio(&self, bare: &Runs) -> f64 {
        let pairs = self.rates.iter().zip(&bare.rates);
        median(pairs.map(|(own, bare)| own / bare).collect())
    }
}

fn checked(audit: Audit, records: u64) -> Report {
    assert!(audit.problems.is_empty(), "{:?}", audit.problems);
    assert_eq!(audit.records, records);
    audit.report.unwrap()
}

/// The heads of every batch.
fn heads(journal: &Path) -> Vec<Vec<Bytes>> {
    scan(&ReadOnlyFolder::new(journal))
        .filter_map(|scanned| match scanned.unwrap() {
            Scanned::Batch { batch, .. } => Some(batch),
            _ => None,
        })
        .map(|batch| {
            let head = |bytes: &Bytes| Record::decode(bytes.clone()).unwrap().head;
            // Copies: what is hashed lies in memory, and nothing else does.
            let copy = |bytes| Bytes::copy_from_slice(&head(bytes));
            batch.records.iter().map(copy).collect()
        })
        .collect()
}

/// Hashes every head for the chain and for the tree, and every batch's tree;
/// the last head's hash.
fn hashed(batches: &[Vec<Bytes>]) -> Hash {
    let hashed: Vec<(Hash, Hash, TreeHash)> = batches
        .par_iter()
        .map(|heads| {
            let hashes: Vec<(Hash, TreeHash)> = heads
                .par_iter()
                .map(|head| (head_hash(head), leaf_hash(head)))
                .collect();
            let heads: Vec<Hash> = hashes.iter().map(|(head, _)| *head).collect();
            let leaf = std::hint::black_box(hashes.last().unwrap().1);
            (BatchTree::new(&heads).root(), *heads.last().unwrap(), leaf)
        })
        .collect();
    hashed.last().unwrap().1
}
