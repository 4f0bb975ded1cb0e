//! Calls that fail, at every step of a session of the whole ledger: EIO,
//! ENOSPC and short writes. Whoever asked is told what failed, nothing more is
//! accepted, reads go on, and once the cause is gone a restart has everything
//! that was acknowledged.

use hazledger::custody::State;
use hazledger::event::{Hash, Statement};
use hazledger::ledger::{Ledger, SubmitError};
use hazledger::pb::Acknowledgement;
use hazledger::storage::sim::{CrashPolicy, Fault, SimStorage, Step};

use super::world::{Failed, Model, Run, Script, head_of, play, position_of, runtime};

const FAULTS: [Fault; 4] = [
    Fault::Io,
    Fault::NoSpace,
    Fault::ShortWrite(0),
    Fault::ShortWrite(57),
];

/// Steps of one session, at most: more means that it does not end.
const MAX_STEPS: u64 = 400;

/// What has been acknowledged in a session: statement, position and head.
type Told = Vec<(usize, u64, Hash)>;

/// What a failing call must be told as: the file it was on.
fn names(error: &str, failed: &(&'static str, String)) {
    let (action, file) = failed;
    assert!(
        error.contains("cannot") && error.contains(file.as_str()),
        "{action} of {file} failed; the error says: {error}"
    );
}

/// Everything that a step can be.
const ACTIONS: [&str; 6] = ["allocate", "create", "rename", "shorten", "sync", "write"];

/// A ledger that has stopped reads on and accepts nothing.
async fn reads_on(ledger: &Ledger, script: &Script, told: &Told) {
    let status = ledger.status();
    assert!(!status.accepting);
    assert!(status.stopped.is_some(), "{status:?}");
    let again = ledger.submit(script.signed(0)).await;
    assert!(
        matches!(again, Err(SubmitError::Stopped { .. })),
        "{again:?}"
    );
    let committed = ledger.committed();
    assert_eq!(ledger.read(State::next), committed);
    for (index, position, head) in told {
        assert!(*position < committed);
        let statement = Statement::open(script.signed(*index)).unwrap();
        let found = ledger.find(&statement.payload.party, statement.id).unwrap();
        assert_eq!(found, Some(*position));
        let (_, acknowledgement) = ledger.record(*position).unwrap().unwrap();
        assert_eq!(head_of(&acknowledgement), *head);
    }
    let mut follower = ledger.follow(0);
    for position in 0..committed {
        assert_eq!(follower.next().await.unwrap().unwrap().position, position);
    }
}

/// After the cause is gone.
async fn recovers(disk: &SimStorage, script: &Script, model: &Model, told: &Told) {
    let store = tempfile::tempdir().unwrap();
    let ledger = script.open(disk, store.path()).unwrap();
    let records = ledger.committed();
    assert_eq!(ledger.status().last_head, model.heads[records as usize - 1]);
    assert_eq!(
        ledger.read(State::digest),
        model.digests[records as usize],
        "after {records} records"
    );
    for (_, position, head) in told {
        let (_, acknowledgement) = ledger.record(*position).unwrap().unwrap();
        assert_eq!(head_of(&acknowledgement), *head);
    }
    let next = model.next_statement(records);
    if next < script.statements.len() {
        ledger.submit(script.signed(next)).await.unwrap();
    }
    ledger.close().await.unwrap();
}

/// Lets one step of a session fail; `None` when the session has fewer.
async fn fail(
    script: &Script,
    run: &Run,
    session: usize,
    step: Step,
    fault: Fault,
) -> Option<&'static str> {
    let disk = run.before[session].restart();
    disk.fail_at(step, fault);
    let mut told: Told = Vec::new();
    let store = tempfile::tempdir().unwrap();
    let error = match script.open(&disk, store.path()) {
        Err(error) => error.to_string(),
        Ok(ledger) => {
            let mut tell = |index: usize, acknowledgement: &Acknowledgement| {
                let position = position_of(acknowledgement);
                told.push((index, position, head_of(acknowledgement)));
            };
            let session = &script.sessions[session];
            match script.session(ledger, session, &mut tell).await {
                Ok(()) => {
                    assert!(disk.failed().is_none(), "a failing call went unnoticed");
                    return None;
                }
                Err(Failed::Close(error)) => error,
                Err(Failed::Submit(ledger, error)) => {
                    assert!(matches!(error, SubmitError::Stopped { .. }), "{error}");
                    reads_on(&ledger, script, &told).await;
                    let closed = ledger.close().await.unwrap_err();
                    assert!(closed.to_string().contains("stopped"), "{closed}");
                    error.to_string()
                }
            }
        }
    };
    let failed = disk.failed().expect("it failed by itself");
    names(&error, &failed);
    recovers(&disk.restart(), script, &run.model, &told).await;
    if !matches!(step, Step::At(step) if !step.is_multiple_of(3)) {
        let left = disk.crash(CrashPolicy::LoseUnsynced);
        recovers(&left, script, &run.model, &told).await;
    }
    Some(failed.0)
}

#[test]
fn every_failing_call_is_told_stops_the_ledger_and_loses_nothing_acknowledged() {
    let is_long = std::env::var_os("HAZLEDGER_LONG").is_some();
    let (seeds, statements) = if is_long { (20..22, 120) } else { (11..12, 90) };
    let runtime = runtime();
    for seed in seeds {
        let script = Script::new(seed, statements);
        let run = runtime.block_on(play(&script, false));
        // The first session begins after a clean stop; of the others one after
        // a clean stop and one after a kill.
        let all = script.sessions.len();
        let ends = |end| (1..all).rev().find(|i| script.sessions[i - 1].end == end);
        let mut sessions: Vec<usize> = if is_long {
            (0..all).collect()
        } else {
            Vec::new()
        };
        sessions.extend(
            [super::world::End::Close, super::world::End::Kill]
                .map(ends)
                .into_iter()
                .flatten(),
        );
        assert!(
            sessions.len() > 1,
            "seed {seed} has no session after each end"
        );
        for session in sessions {
            let mut steps = 0;
            for step in 0..MAX_STEPS {
                let faults: &[Fault] = if is_long {
                    &FAULTS
                } else {
                    &FAULTS[step as usize % 4..=step as usize % 4]
                };
                let mut ended = false;
                for fault in faults {
                    match runtime.block_on(fail(&script, &run, session, Step::At(step), *fault)) {
                        Some(action) => assert!(ACTIONS.contains(&action), "{action}"),
                        None => ended = true,
                    }
                }
                if ended {
                    break;
                }
                steps = step;
            }
            assert!(steps > 10 && steps < MAX_STEPS - 1, "{steps} steps");
        }
        // What is written together decides which of them a step met; each is
        // met by name too.
        for action in ACTIONS {
            let first = Step::First(action);
            let mut tried = (0..all)
                .map(|session| runtime.block_on(fail(&script, &run, session, first, Fault::Io)));
            assert!(tried.any(|met| met == Some(action)), "no step to {action}");
        }
    }
}

#[test]
fn a_read_that_fails_is_told_and_the_next_one_is_answered() {
    let script = Script::new(5, 70);
    let runtime = runtime();
    let run = runtime.block_on(play(&script, false));
    // Opening: each of its reads fails once.
    let mut failed = 0;
    for read in 0.. {
        let disk = run.after.restart();
        disk.fail_read_at(read);
        let store = tempfile::tempdir().unwrap();
        match script.open(&disk, store.path()) {
            Ok(ledger) => {
                runtime.block_on(ledger.close()).unwrap();
                if disk.reads() < read {
                    break;
                }
            }
            Err(error) => {
                failed += 1;
                let error = error.to_string();
                assert!(error.contains("cannot"), "{error}");
                assert!(
                    error.contains(".seg") || error.contains("folder"),
                    "{error}"
                );
                let (clean, told) = (disk.restart(), Vec::new());
                if read % 5 == 0 {
                    runtime.block_on(recovers(&clean, &script, &run.model, &told));
                }
            }
        }
    }
    assert!(failed > 10, "{failed}");
    // A running ledger: a record that cannot be read now can be read later.
    let disk = run.after.restart();
    let store = tempfile::tempdir().unwrap();
    let ledger = script.open(&disk, store.path()).unwrap();
    let mut told = 0;
    for position in 0..ledger.committed() {
        disk.fail_read_at(disk.reads());
        if let Err(error) = ledger.record(position) {
            told += 1;
            assert!(error.to_string().contains("cannot"), "{error}");
        }
        assert!(ledger.record(position).unwrap().is_some());
    }
    assert!(told > 0);
    assert!(ledger.status().accepting);
    runtime.block_on(ledger.close()).unwrap();
}
