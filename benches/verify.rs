//! Verification of a journal from its bytes: everything, and the chain only;
//! each against the bare work on all cores.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::raw::verify_all;
use crate::support::world::{World, close};
use crate::support::{Form, Row, median, rate, thousands};
use hazledger::audit::{ReadOnlyFolder, verify_journal};
use hazledger::ledger::Options;
use hazledger::proof::Expect;

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
            "chain and tree only",
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

    let (mut bare, mut full, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..form.rounds {
        let started = Instant::now();
        assert!(verify_all(world.plant.public(), &statements));
        let strict = rate(statements.len(), started.elapsed());
        let (elapsed, signatures) = verify(&at.join("journal"), records);
        let verified = rate(signatures, elapsed);
        bare.push(strict);
        full.push(verified);
        ratios.push(verified / strict);
    }
    rows[0].say(format!("{} /s", thousands(median(bare))), Some(1.0));
    let ratio = median(ratios);
    let figure = format!("{} signatures/s", thousands(median(full)));
    rows[1].judge(figure, Some(ratio), ratio >= TARGET);
}

/// How long it takes, and how many signatures it verified.
fn verify(journal: &Path, records: u64) -> (Duration, usize) {
    let storage = ReadOnlyFolder::new(journal);
    let started = Instant::now();
    let audit = verify_journal(&storage, &Expect::default(), &[], &mut |_| {});
    let elapsed = started.elapsed();
    assert!(audit.problems.is_empty(), "{:?}", audit.problems);
    assert_eq!(audit.records, records);
    let signatures = audit.report.unwrap().signatures;
    (elapsed, usize::try_from(signatures).unwrap())
}
