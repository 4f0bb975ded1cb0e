//! Power lost at every step of a long random run of the whole ledger: any
//! subset of what was not synced is lost, the last write is torn at any byte.
//! Whatever is left, everything acknowledged is there, nothing else is wrong,
//! and the state is the model's.

use std::time::Instant;

use hazledger::audit::verify_journal;
use hazledger::custody::State;
use hazledger::journal::{Journal, Scanned, scan};
use hazledger::ledger::Answer;
use hazledger::proof::Expect as Known;
use hazledger::sim::Expect;
use hazledger::storage::sim::{CrashPolicy, SimStorage};
use rayon::prelude::*;
use std::sync::{Arc, Mutex};
use tokio::runtime::Handle;

use super::world::{Model, Moment, Run, Script, head_of, options, play, runtime};

/// What one run is to find out.
struct Form {
    seeds: std::ops::Range<u64>,
    statements: usize,
    /// Every how many moments the whole ledger is opened.
    whole_every: usize,
    /// Every how many moments recovery itself loses power at every step.
    again_every: usize,
    /// Of every how many writes one is torn at every byte.
    bytes_every: usize,
    /// Other subsets of what was not synced, a moment.
    subsets: u64,
}

const QUICK: Form = Form {
    seeds: 7..8,
    statements: 160,
    whole_every: 4,
    again_every: 12,
    bytes_every: 6,
    subsets: 2,
};

const LONG: Form = Form {
    seeds: 100..104,
    statements: 250,
    whole_every: 1,
    again_every: 4,
    bytes_every: 1,
    subsets: 12,
};

fn form() -> Form {
    match std::env::var_os("HAZLEDGER_LONG") {
        Some(_) => LONG,
        None => QUICK,
    }
}

/// What was tried and what came of it.
#[derive(Default)]
struct Tally {
    crashes: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn and(mut self, other: Tally) -> Tally {
        self.crashes += other.crashes;
        self.wrong.extend(other.wrong);
        self
    }

    fn of(what: impl FnOnce() -> String, found: Result<(), String>) -> Tally {
        Tally {
            crashes: 1,
            wrong: found
                .err()
                .map(|error| format!("{}: {error}", what()))
                .into_iter()
                .collect(),
        }
    }
}

/// The journal alone: it opens with all that was acknowledged, holds what the
/// model holds and nothing else, and is sound to the last byte when closed.
fn journal_is_right(disk: &SimStorage, floor: u64, model: &Model) -> Result<(), String> {
    let opened = Journal::open(disk.clone(), None, floor, options().journal);
    let (journal, _) = opened.map_err(|error| error.to_string())?;
    let records = journal.next_position();
    let reader = journal.reader();
    let mut next = 0;
    for batch in reader.batches(0) {
        for bytes in batch.map_err(|error| error.to_string())?.records {
            if model.records.get(next) != Some(&bytes) {
                return Err(format!("record {next} is not what it was"));
            }
            next += 1;
        }
    }
    if next as u64 != records {
        return Err(format!("{next} of {records} records are shown"));
    }
    journal.close().map_err(|error| error.to_string())?;
    for scanned in scan(disk) {
        if let Scanned::End { sealed: false, .. } = scanned.map_err(|damage| damage.to_string())? {
            return Err("it is not sealed".to_owned());
        }
    }
    Ok(())
}

/// The end of the journal alone, for when little else can have changed: the
/// last head vouches for those before it.
fn tail_is_right(disk: &SimStorage, floor: u64, model: &Model) -> Result<(), String> {
    let opened = Journal::open(disk.clone(), None, floor, options().journal);
    let (journal, _) = opened.map_err(|error| error.to_string())?;
    let records = journal.next_position() as usize;
    if model.heads.get(records - 1).map(|head| head.0) != Some(journal.last_head()) {
        return Err(format!("record {} is another", records - 1));
    }
    for position in records.saturating_sub(8)..records {
        let record = journal.reader().record(position as u64);
        let record = record.map_err(|error| error.to_string())?;
        if record.as_ref() != Some(&model.records[position]) {
            return Err(format!("record {position} is not what it was"));
        }
    }
    journal.close().map_err(|error| error.to_string())
}

/// The whole ledger: the state is the model's, what was recorded gets its
/// first answer, what was not is recorded now, and the verifier finds nothing.
async fn ledger_is_right(
    disk: &SimStorage,
    floor: u64,
    script: &Script,
    model: &Model,
) -> Result<(), String> {
    let store = tempfile::tempdir().unwrap();
    let ledger = script
        .open(disk, store.path())
        .map_err(|error| error.to_string())?;
    let records = ledger.committed();
    let status = ledger.status();
    if records < floor {
        return Err(format!("{floor} were acknowledged, {records} are there"));
    }
    if status.last_head != model.heads[records as usize - 1] {
        return Err(format!("record {} is another", records - 1));
    }
    let digest = ledger.read(State::digest);
    if digest != model.digests[records as usize] {
        return Err(format!("another state after {records} records: {digest}"));
    }
    let next = model.next_statement(records);
    let last = (0..next)
        .rev()
        .find(|index| model.positions[*index].is_some());
    for index in last
        .into_iter()
        .chain(next..script.statements.len().min(next + 3))
    {
        let answer = ledger
            .submit(script.signed(index))
            .await
            .map_err(|error| error.to_string())?;
        let Answer::Acknowledged {
            acknowledgement,
            repeated,
            ..
        } = &answer
        else {
            script.judge(index, &answer, &mut |_, _| {});
            continue;
        };
        let known = Some(index) == last;
        if known && *repeated && Some(head_of(acknowledgement)) != last_head(model, index) {
            return Err("another answer than before".to_owned());
        }
        if *repeated != (known || script.statements[index].expect == Expect::Repeated) {
            return Err(format!("statement {index}: repeated is {repeated}"));
        }
    }
    let digest = ledger.read(State::digest);
    ledger.close().await.map_err(|error| error.to_string())?;
    let audit = verify_journal(disk, &Known::default(), &[], &mut |_| {});
    match audit.report {
        Some(report) if report.state_digest == digest && audit.closed => Ok(()),
        Some(_) => Err("the verifier folds another state".to_owned()),
        None => Err(audit.problems[0].to_string()),
    }
}

fn last_head(model: &Model, index: usize) -> Option<hazledger::event::Hash> {
    let position = model.positions[index]?;
    model.heads.get(position as usize).copied()
}

fn policies(form: &Form, step: usize, disk: &SimStorage) -> Vec<CrashPolicy> {
    let bytes = disk.last_write_bytes();
    let mut torn = vec![0, bytes / 3, bytes.saturating_sub(1), bytes];
    torn.dedup();
    let seeds = (0..form.subsets).map(|seed| CrashPolicy::Subset(seed * 1_000_003 + step as u64));
    torn.into_iter()
        .map(CrashPolicy::TearLastWrite)
        .chain(seeds)
        .chain([CrashPolicy::LoseUnsynced])
        .collect()
}

fn crashed(moment: &Moment, policy: CrashPolicy) -> SimStorage {
    let left = moment.disk.crash(policy);
    left.set_sync_is_noop(false);
    left
}

/// The power goes again, at every step of the recovery.
fn again(form: &Form, step: usize, moment: &Moment, model: &Model) -> Tally {
    let first = crashed(moment, CrashPolicy::Subset(step as u64));
    let moments = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&moments);
    let recovering = first.restart();
    recovering.on_each_step(move |disk| seen.lock().unwrap().push(disk));
    let _ = Journal::open(recovering.clone(), None, moment.floor, options().journal);
    let moments = std::mem::take(&mut *moments.lock().unwrap());
    let tries = moments.iter().enumerate().flat_map(|(at, disk)| {
        let second = policies(form, at + 1, disk).into_iter();
        second.map(move |policy| (at, disk, policy))
    });
    let each = tries.map(|(at, disk, policy)| {
        let found = journal_is_right(&disk.crash(policy), moment.floor, model);
        Tally::of(|| format!("steps {step} and {at}, {policy:?}"), found)
    });
    each.fold(Tally::default(), Tally::and)
}

/// Everything at one moment.
fn at(
    form: &Form,
    step: usize,
    moment: &Moment,
    script: &Script,
    model: &Model,
    on: &Handle,
) -> Tally {
    let policies = policies(form, step, &moment.disk);
    let named = |policy| move || format!("power off at step {step}, {policy:?}");
    let mut tally = Tally::default();
    for policy in &policies {
        let found = journal_is_right(&crashed(moment, *policy), moment.floor, model);
        tally = tally.and(Tally::of(named(*policy), found));
    }
    if step.is_multiple_of(form.whole_every) {
        // In turn, so that a quick form meets each kind.
        let policy = policies[(step / form.whole_every) % policies.len()];
        let disk = crashed(moment, policy);
        let found = on.block_on(ledger_is_right(&disk, moment.floor, script, model));
        tally = tally.and(Tally::of(named(policy), found));
    }
    if step.is_multiple_of(form.again_every) {
        tally = tally.and(again(form, step, moment, model));
    }
    tally
}

/// The last write of one moment, torn at every byte.
fn torn(step: usize, moment: &Moment, model: &Model) -> Tally {
    let each = (0..=moment.disk.last_write_bytes()).map(|count| {
        let left = crashed(moment, CrashPolicy::TearLastWrite(count));
        let found = tail_is_right(&left, moment.floor, model);
        Tally::of(|| format!("step {step}, torn at byte {count}"), found)
    });
    each.fold(Tally::default(), Tally::and)
}

/// The moments at which something is being written: each write once, and not
/// again at the steps after it.
fn writes(moments: &[Moment]) -> Vec<usize> {
    let bytes = |at: usize| moments[at].disk.last_write_bytes();
    let is_new = |at: &usize| bytes(*at) > 0 && (*at == 0 || bytes(*at - 1) != bytes(*at));
    (0..moments.len()).filter(is_new).collect()
}

fn everywhere(form: &Form, script: &Script, run: &Run, on: &Handle) -> Tally {
    let each = run.moments.par_iter().enumerate();
    let tally = each
        .map(|(step, moment)| at(form, step, moment, script, &run.model, on))
        .reduce(Tally::default, Tally::and);
    let writes = writes(&run.moments);
    let some: Vec<usize> = writes.into_iter().step_by(form.bytes_every).collect();
    let each = some.par_iter();
    let torn = each
        .map(|step| torn(*step, &run.moments[*step], &run.model))
        .reduce(Tally::default, Tally::and);
    tally.and(torn)
}

#[test]
fn no_power_loss_at_any_step_of_a_long_random_run_loses_or_changes_anything() {
    let form = form();
    let runtime = runtime();
    for seed in form.seeds.clone() {
        let begun = Instant::now();
        let script = Script::new(seed, form.statements);
        let run = runtime.block_on(play(&script, false));
        let segments = hazledger::journal::segments(&run.after).unwrap().len();
        assert!(segments > 5, "{segments} segments: nothing rolled over");
        assert!(script.sessions.len() > 3, "nothing was reopened");
        let Tally { crashes, wrong } = everywhere(&form, &script, &run, runtime.handle());
        println!(
            "seed {seed}: {} records in {segments} segments and {} sessions, {} steps, {crashes} crashes, {:?}",
            run.model.heads.len(),
            script.sessions.len(),
            run.moments.len(),
            begun.elapsed(),
        );
        assert!(
            wrong.is_empty(),
            "seed {seed}: {} of {crashes} crashes: {:#?}",
            wrong.len(),
            &wrong[..wrong.len().min(5)]
        );
        assert!(crashes > 3 * run.moments.len(), "{crashes}");
    }
}

#[test]
fn the_same_crashes_are_seen_to_lose_records_when_syncs_lie() {
    let script = Script::new(3, 70);
    let run = runtime().block_on(play(&script, true));
    let seen = run.moments.iter().filter(|moment| {
        let left = crashed(moment, CrashPolicy::LoseUnsynced);
        journal_is_right(&left, moment.floor, &run.model).is_err()
    });
    let seen = seen.count();
    assert!(
        seen > run.moments.len() / 2,
        "{seen} of {}",
        run.moments.len()
    );
}
