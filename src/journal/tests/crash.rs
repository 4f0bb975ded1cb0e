//! Power loss, failing calls and lying syncs, at every step.

use super::*;
use crate::journal::JournalError;
use crate::storage::sim::{CrashPolicy, Fault, Step};

const BATCHES: u64 = 9;
const SEEDS: u64 = 24;

/// Creates a journal, appends, closes half way and goes on, closes: as far as
/// the disk lets it. Returns how many records were acknowledged, `None` if
/// not even creation was, and the error that ended it.
fn run(disk: &SimStorage) -> (Option<u64>, Result<(), JournalError>) {
    let mut acknowledged = None;
    let result = (|| {
        let mut journal = Journal::create(disk.clone(), ORIGIN, SMALL)?;
        acknowledged = Some(0);
        for (index, batch) in batches(BATCHES).iter().enumerate() {
            if index as u64 == BATCHES / 2 {
                journal.close()?;
                journal = Journal::open(disk.clone(), Some(ORIGIN), 0, SMALL)?.0;
            }
            let outcome = journal.append(batch);
            if outcome.is_err() {
                let again = journal.append(batch);
                assert!(matches!(again, Err(JournalError::Poisoned)), "{again:?}");
                assert!(matches!(journal.close(), Err(JournalError::Poisoned)));
                return outcome;
            }
            acknowledged = Some(end_of(batch));
        }
        journal.close()
    })();
    (acknowledged, result)
}

/// Opens a disk after a crash and holds it against what was acknowledged.
fn check(disk: &SimStorage, acknowledged: Option<u64>) -> Result<(), String> {
    let written = batches(BATCHES);
    let floor = acknowledged.unwrap_or(0);
    let mut journal = match Journal::open(disk.clone(), Some(ORIGIN), floor, SMALL) {
        Ok((journal, report)) => {
            if let Some(torn) = &report.torn {
                disk.bytes(&torn.set_aside)
                    .ok_or("the torn segment was not set aside")?;
            }
            journal
        }
        Err(JournalError::NotFound) if acknowledged.is_none() => {
            Journal::create(disk.clone(), ORIGIN, SMALL).map_err(|error| error.to_string())?
        }
        Err(error) => return Err(error.to_string()),
    };
    let next = journal.next_position();
    if next < floor {
        return Err(format!(
            "{floor} records were acknowledged, {next} are there"
        ));
    }
    if next != 0 && !written.iter().any(|batch| end_of(batch) == next) {
        return Err(format!("part of a batch is shown: {next}"));
    }
    same(&journal.reader(), &written)?;
    let (before, after) = written.split_at(
        written
            .iter()
            .take_while(|batch| end_of(batch) <= next)
            .count(),
    );
    for batch in after {
        journal.append(batch).map_err(|error| error.to_string())?;
    }
    let last = before.last().map_or(0, end_of);
    if last != next {
        return Err(format!("{last} is not {next}"));
    }
    journal
        .append(&batch(end_of(written.last().unwrap()), 2))
        .map_err(|error| error.to_string())?;
    same(
        &journal.reader(),
        &[written, vec![batch(journal.next_position() - 2, 2)]].concat(),
    )?;
    journal.close().map_err(|error| error.to_string())?;
    sound(disk)
}

fn policies(disk: &SimStorage) -> impl Iterator<Item = CrashPolicy> {
    let torn = (0..=disk.last_write_bytes()).map(CrashPolicy::TearLastWrite);
    torn.chain((0..SEEDS).map(CrashPolicy::Subset))
        .chain([CrashPolicy::LoseUnsynced])
}

/// Lets the power go at every step of `run`, with every policy; returns what
/// was found wrong, with the number of crashes.
fn crash_everywhere(lies: bool) -> (usize, Vec<String>) {
    let whole = SimStorage::new();
    run(&whole).1.unwrap();
    let mut crashes = 0;
    let mut wrong = Vec::new();
    for step in 0..whole.steps() {
        let disk = SimStorage::new();
        disk.set_sync_is_noop(lies);
        disk.power_off_at(step);
        let (acknowledged, _) = run(&disk);
        for policy in policies(&disk) {
            crashes += 1;
            let after = disk.crash(policy);
            after.set_sync_is_noop(false);
            if let Err(what) = check(&after, acknowledged) {
                wrong.push(format!("power off at step {step}, {policy:?}: {what}"));
            }
        }
    }
    (crashes, wrong)
}

#[test]
fn no_power_loss_at_any_step_loses_an_acknowledged_batch_or_shows_part_of_one() {
    let (crashes, wrong) = crash_everywhere(false);
    assert!(
        wrong.is_empty(),
        "{} of {crashes} crashes: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(5)]
    );
    assert!(crashes > 1000, "{crashes}");
}

#[test]
fn the_same_crashes_are_seen_to_lose_batches_when_sync_does_nothing() {
    let (_, wrong) = crash_everywhere(true);
    assert!(!wrong.is_empty());
}

#[test]
fn a_power_loss_at_any_step_of_recovery_loses_nothing_either() {
    let whole = SimStorage::new();
    run(&whole).1.unwrap();
    let recover = |disk: &SimStorage| Journal::open(disk.clone(), Some(ORIGIN), 0, SMALL).map(drop);
    let mut crashes = 0;
    for step in 0..whole.steps() {
        let disk = SimStorage::new();
        disk.power_off_at(step);
        let (acknowledged, _) = run(&disk);
        let torn = disk.last_write_bytes() / 2;
        for policy in [
            CrashPolicy::TearLastWrite(torn),
            CrashPolicy::Subset(step),
            CrashPolicy::LoseUnsynced,
        ] {
            let first = disk.crash(policy);
            let rehearsal = first.restart();
            let _ = recover(&rehearsal);
            for again in 0..rehearsal.steps() {
                let second = first.restart();
                second.power_off_at(again);
                let _ = recover(&second);
                let torn = second.last_write_bytes() / 2;
                for policy in [
                    CrashPolicy::LoseUnsynced,
                    CrashPolicy::Subset(again),
                    CrashPolicy::TearLastWrite(torn),
                ] {
                    crashes += 1;
                    check(&second.crash(policy), acknowledged).unwrap_or_else(|what| {
                        panic!("steps {step} and {again}, {policy:?}: {what}")
                    });
                }
            }
        }
    }
    assert!(crashes > 500, "{crashes}");
}

#[test]
fn every_failing_call_is_told_poisons_the_writer_and_loses_nothing_acknowledged() {
    let whole = SimStorage::new();
    run(&whole).1.unwrap();
    for step in 0..whole.steps() {
        for fault in [
            Fault::Io,
            Fault::NoSpace,
            Fault::ShortWrite(0),
            Fault::ShortWrite(50),
        ] {
            let disk = SimStorage::new();
            disk.fail_at(Step::At(step), fault);
            let (acknowledged, result) = run(&disk);
            let error = result.expect_err("a failing call went unnoticed");
            assert!(matches!(error, JournalError::Io { .. }), "{error}");
            check(&disk.restart(), acknowledged)
                .unwrap_or_else(|what| panic!("step {step}, {fault:?}: {what}"));
            check(&disk.crash(CrashPolicy::LoseUnsynced), acknowledged)
                .unwrap_or_else(|what| panic!("step {step}, {fault:?}, then power loss: {what}"));
        }
    }
}

#[test]
fn what_is_served_after_a_failed_sync_and_a_restart_survives_a_power_loss() {
    let whole = SimStorage::new();
    run(&whole).1.unwrap();
    for step in 0..whole.steps() {
        let disk = SimStorage::new();
        disk.fail_at(Step::At(step), Fault::Io);
        let (acknowledged, _) = run(&disk);
        let disk = disk.restart();
        let Ok((journal, report)) = Journal::open(disk.clone(), None, 0, SMALL) else {
            assert_eq!(acknowledged, None);
            continue;
        };
        let served = journal.next_position();
        assert_eq!(served, report.records);
        check(&disk.crash(CrashPolicy::LoseUnsynced), Some(served))
            .unwrap_or_else(|what| panic!("step {step}, {report:?}: {what}"));
        // And once more after an append, which must not rest on lost pages.
        let mut journal = journal;
        journal.append(&batch(served, 1)).unwrap();
        let (journal, _) = Journal::open(
            disk.crash(CrashPolicy::LoseUnsynced),
            None,
            served + 1,
            SMALL,
        )
        .unwrap();
        assert_eq!(
            journal.reader().record(served).unwrap().unwrap(),
            body(served)
        );
    }
}

#[test]
fn a_seal_whose_sync_failed_is_made_durable_before_anything_follows_it() {
    let disk = SimStorage::new();
    let mut journal = Journal::create(disk.clone(), ORIGIN, SMALL).unwrap();
    journal.append(&batch(0, 1)).unwrap();
    disk.fail_at(Step::At(disk.steps() + 2), Fault::Io);
    assert!(matches!(
        journal.close(),
        Err(JournalError::Io { action: "sync", .. })
    ));
    let (mut journal, report) = Journal::open(disk.clone(), None, 1, SMALL).unwrap();
    assert!(report.clean);
    journal.append(&batch(1, 1)).unwrap();
    let (journal, _) =
        Journal::open(disk.crash(CrashPolicy::LoseUnsynced), None, 2, SMALL).unwrap();
    same(&journal.reader(), &[batch(0, 1), batch(1, 1)]).unwrap();
}
