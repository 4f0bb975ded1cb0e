//! The refusals that are kept beside the journal, on the same disk: power lost
//! at every step, a disk that fills up, and files that somebody has changed.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use hazledger::audit::{Audit, Problem, verify_journal, verify_refusals};
use hazledger::custody::{Item, Items as _, subject};
use hazledger::event::Hash;
use hazledger::journal::{Batch, Journal, JournalOptions, MAX_BATCH_BYTES, segments};
use hazledger::ledger::{Answer, Keeping, Ledger, MIN_BATCH_BYTES, Opened, Options, SubmitError};
use hazledger::pb::{KeptRefusal, ListRefusalsRequest, Refusal, RefusalsAnchored, SignedStatement};
use hazledger::proof::{BadKept, BadRefusal, Expect as Known, KeptChain, kept_hash};
use hazledger::storage::Storage;
use hazledger::storage::sim::{CrashPolicy, SimFile, SimStorage};
use prost::Message as _;

use super::world::{AtTheEnd, Script, options, runtime};

/// Files of a simulated disk that stand beside the journal's on it.
#[derive(Clone, Debug)]
struct Beside(SimStorage);

/// So ends the name of each: to the journal they are not its own.
const BESIDE: &str = ".refusals";

fn beside(name: &str) -> String {
    format!("{name}{BESIDE}")
}

impl Storage for Beside {
    type File = SimFile;

    fn list(&self) -> io::Result<Vec<String>> {
        let names = self.0.list()?;
        let own = names.iter().filter_map(|name| name.strip_suffix(BESIDE));
        Ok(own.map(str::to_owned).collect())
    }

    fn create(&self, name: &str) -> io::Result<SimFile> {
        self.0.create(&beside(name))
    }

    fn open(&self, name: &str) -> io::Result<SimFile> {
        self.0.open(&beside(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(&beside(from), &beside(to))
    }

    fn link(&self, name: &str, second: &str) -> io::Result<()> {
        self.0.link(&beside(name), &beside(second))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(&beside(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.0.sync_dir()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.0.free_bytes()
    }
}

const SEGMENT_BYTES: u32 = 4 * 1024;

fn keeping() -> Options {
    Options {
        refusals: Keeping {
            anchor_every: 3,
            write_every: Duration::from_millis(1),
            segment_bytes: SEGMENT_BYTES,
            ..Keeping::default()
        },
        ..options()
    }
}

fn open_with(script: &Script, disk: &SimStorage, options: Options) -> (Ledger, Opened) {
    let store = tempfile::tempdir().unwrap();
    let (key, clock) = (script.key.clone(), Arc::new(AtTheEnd));
    let refusals = Beside(disk.clone());
    let opened =
        Ledger::open_keeping(disk.clone(), refusals, store.path(), key, options, clock).unwrap();
    // The store is in use for as long as the ledger is.
    std::mem::forget(store);
    opened
}

fn open(script: &Script, disk: &SimStorage) -> (Ledger, Opened) {
    open_with(script, disk, keeping())
}

/// What the committed state has as the ledger's last word.
fn anchored(ledger: &Ledger) -> RefusalsAnchored {
    let word = ledger.read(|state| match state.get(&subject::ledger()).as_deref() {
        Some(Item::Ledger(ledger)) => ledger.refusals.clone(),
        _ => None,
    });
    word.unwrap_or_default()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..5_000 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("never {what}");
}

/// Whether it is kept: its own signatures hold.
async fn refuse(ledger: &Ledger, statement: &SignedStatement) -> bool {
    match ledger.submit(statement.clone()).await.unwrap() {
        Answer::Refused(refusal) => refusal.signature.is_some(),
        Answer::Acknowledged { .. } => panic!("acknowledged"),
    }
}

/// A statement of the script whose refusal is signed while nothing of it is
/// recorded: an agency speaks of a party that is not there yet.
async fn too_early(script: &Script, ledger: &Ledger) -> SignedStatement {
    for issued in &script.statements {
        let tried = ledger.dry_run(issued.signed.clone(), 0).await.unwrap();
        if tried.refusal.is_some_and(|no| no.signature.is_some()) {
            return issued.signed.clone();
        }
    }
    panic!("nothing is refused");
}

/// The first of the script whose refusal is signed, when all before it has
/// been sent. Sent again, it is refused again.
async fn refused_in_turn(script: &Script, ledger: &Ledger) -> SignedStatement {
    for issued in &script.statements {
        if let Answer::Refused(refusal) = ledger.submit(issued.signed.clone()).await.unwrap()
            && refusal.signature.is_some()
        {
            return issued.signed.clone();
        }
    }
    panic!("nothing is refused");
}

/// The kept refusals follow from one another, and what is anchored is there.
fn chain_is_right(script: &Script, ledger: &Ledger) -> Result<u64, String> {
    let word = anchored(ledger);
    let genesis = Hash::from_slice(&ledger.status().origin.genesis_hash).unwrap();
    let page = ledger.refusals(&ListRefusalsRequest::default(), 1_000);
    let page = page.map_err(|error| error.to_string())?;
    let mut chain = KeptChain::default();
    for listed in &page.refusals {
        chain
            .next(script.key.public(), genesis, &listed.kept)
            .map_err(|bad| format!("number {}: {bad}", chain.count))?;
        if chain.count == word.count && chain.hash.0 != word.hash.as_ref() {
            return Err(format!("the first {} are not those anchored", word.count));
        }
    }
    if chain.count < word.count {
        return Err(format!("{} of {} anchored", chain.count, word.count));
    }
    Ok(chain.count)
}

fn audited(disk: &SimStorage) -> Audit {
    let mut audit = verify_journal(disk, &Known::default(), &[], &mut |_| {});
    verify_refusals(&Beside(disk.clone()), &mut audit);
    audit
}

async fn ledger_is_right(
    script: &Script,
    disk: &SimStorage,
    again: &SignedStatement,
) -> Result<(), String> {
    let (ledger, opened) = open(script, disk);
    if let Some(told) = opened.refusals {
        return Err(told);
    }
    let there = chain_is_right(script, &ledger)?;
    if there != ledger.refusal_counts().kept {
        return Err(format!("{there} are shown"));
    }
    if refuse(&ledger, again).await {
        until("kept", || ledger.refusal_counts().kept == there + 1).await;
    }
    let there = chain_is_right(script, &ledger)?;
    ledger.close().await.map_err(|error| error.to_string())?;
    let audit = audited(disk);
    match audit.problems.first() {
        Some(problem) => Err(problem.to_string()),
        None if audit.refusals.map(|kept| kept.read) == Some(there) => Ok(()),
        None => Err(format!("{:?} are verified of {there}", audit.refusals)),
    }
}

#[test]
fn no_power_loss_at_any_step_anchors_a_refusal_that_is_not_on_the_disk() {
    let script = Script::new(11, 40);
    runtime().block_on(async {
        let disk = script.founded.restart();
        let moments = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&moments);
        disk.on_each_step(move |disk| seen.lock().unwrap().push(disk));
        let (ledger, _) = open(&script, &disk);
        let again = too_early(&script, &ledger).await;
        for turn in 0..26 {
            assert!(refuse(&ledger, &again).await);
            if turn % 3 == 0 {
                until("written", || ledger.refusal_counts().kept > turn).await;
            }
        }
        until("anchored", || anchored(&ledger).count > 9).await;
        ledger.close().await.unwrap();
        assert!(segments(&Beside(disk.restart())).unwrap().len() > 1);
        let moments = std::mem::take(&mut *moments.lock().unwrap());
        assert!(moments.len() > 60, "{} steps", moments.len());
        let mut crashes = 0;
        for (step, moment) in moments.iter().enumerate() {
            let torn = moment.last_write_bytes() / 2;
            let policies = [
                CrashPolicy::LoseUnsynced,
                CrashPolicy::TearLastWrite(torn),
                CrashPolicy::Subset(step as u64),
            ];
            for policy in policies {
                let found = ledger_is_right(&script, &moment.crash(policy), &again).await;
                assert_eq!(found, Ok(()), "step {step}, {policy:?}");
                crashes += 1;
            }
        }
        println!("{} steps, {crashes} crashes", moments.len());
    });
}

/// The smallest reserve there may be.
fn tight() -> Options {
    let segment = u64::from(keeping().journal.segment_bytes);
    Options {
        max_batch_bytes: MIN_BATCH_BYTES,
        disk_reserve_bytes: 4 * (segment + MIN_BATCH_BYTES as u64),
        disk_look_every: Duration::from_millis(2),
        ..keeping()
    }
}

#[test]
fn on_a_disk_that_fills_up_refusals_are_counted_before_a_statement_is_turned_away() {
    let script = Script::new(11, 160);
    runtime().block_on(async {
        let disk = script.founded.restart();
        let (ledger, _) = open_with(&script, &disk, tight());
        let again = refused_in_turn(&script, &ledger).await;
        until("kept", || ledger.refusal_counts().kept > 0).await;
        let room = 2 * u64::from(SEGMENT_BYTES) + MAX_BATCH_BYTES as u64;
        // Room for some, also if the journal begins a file meanwhile.
        let journal = 2 * u64::from(tight().journal.segment_bytes);
        let free = tight().disk_reserve_bytes + room + journal + 8 * u64::from(SEGMENT_BYTES);
        disk.set_capacity(Some(disk.used() + free));
        let mut sent = 0;
        while ledger.refusal_counts().not_kept == 0 {
            assert!(refuse(&ledger, &again).await);
            sent += 1;
            assert!(sent < 1_000, "there is always room");
        }
        let counts = ledger.refusal_counts();
        assert!(counts.kept > 3 && counts.failed.is_empty(), "{counts:?}");
        assert!(ledger.status().accepting);
        // What is to be recorded still is, to the last byte of its own room.
        let mut recorded = 0;
        for index in 0..script.statements.len() {
            match ledger.submit(script.signed(index)).await {
                Ok(Answer::Acknowledged { .. }) => recorded += 1,
                Ok(Answer::Refused(_)) => {}
                Err(SubmitError::DiskNearlyFull { .. }) => break,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(recorded > 10, "{recorded}");
        assert_eq!(ledger.refusal_counts().kept, counts.kept);
        ledger.close().await.unwrap();
        // With room again they are kept again.
        disk.set_capacity(None);
        let (ledger, opened) = open_with(&script, &disk, tight());
        assert_eq!(opened.refusals, None);
        refuse(&ledger, &again).await;
        until("kept", || ledger.refusal_counts().kept > counts.kept).await;
        ledger.close().await.unwrap();
        assert_eq!(audited(&disk).problems, []);
    });
}

/// A closed ledger with 12 kept refusals, anchored some at a time, and the
/// refusals as they are on its disk.
async fn kept_and_anchored(script: &Script) -> (SimStorage, Vec<Bytes>) {
    let disk = script.founded.restart();
    let (ledger, _) = open(script, &disk);
    let again = too_early(script, &ledger).await;
    while ledger.refusal_counts().kept < 12 {
        assert!(refuse(&ledger, &again).await);
        let kept = ledger.refusal_counts().kept;
        until("anchored", || anchored(&ledger).count + 3 > kept).await;
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    until("anchored", || {
        anchored(&ledger).count + 3 > ledger.refusal_counts().kept
    })
    .await;
    ledger.close().await.unwrap();
    let disk = disk.restart();
    let (journal, _) = Journal::open_anywhere(
        Beside(disk.restart()),
        genesis_of(&disk).0,
        0,
        JournalOptions {
            segment_bytes: SEGMENT_BYTES,
        },
    )
    .unwrap();
    let batches = journal.reader().batches(0);
    let stored = batches.flat_map(|batch| batch.unwrap().records);
    (disk, stored.collect())
}

fn genesis_of(disk: &SimStorage) -> Hash {
    let audit = verify_journal(disk, &Known::default(), &[], &mut |_| {});
    audit.ledger.unwrap().1
}

/// The same disk with other refusals beside the journal, in files whose
/// checksums and heads are right.
fn with_refusals(disk: &SimStorage, stored: &[Bytes]) -> SimStorage {
    let disk = disk.restart();
    let genesis = genesis_of(&disk).0;
    for name in Beside(disk.clone()).list().unwrap() {
        Beside(disk.clone()).remove(&name).unwrap();
    }
    let options = JournalOptions::default();
    let mut journal = Journal::create(Beside(disk.clone()), genesis, options).unwrap();
    for (number, record) in stored.iter().enumerate() {
        let batch = Batch {
            first_position: number as u64,
            records: vec![record.clone()],
            commit: Bytes::new(),
            last_head: kept_hash(record).0,
        };
        journal.append(&batch).unwrap();
    }
    journal.close().unwrap();
    disk
}

fn decoded(stored: &[Bytes]) -> Vec<KeptRefusal> {
    let kept = stored
        .iter()
        .map(|bytes| KeptRefusal::decode(bytes.clone()));
    kept.map(Result::unwrap).collect()
}

/// Numbered and chained again, as one would who has the disk.
fn rehashed(kept: Vec<KeptRefusal>) -> Vec<Bytes> {
    let mut chain = KeptChain::default();
    let again = kept.into_iter().map(|kept| {
        let stored: Bytes = KeptRefusal {
            number: chain.count,
            previous: chain.hash.to_bytes(),
            ..kept
        }
        .encode_to_vec()
        .into();
        chain = KeptChain {
            count: chain.count + 1,
            hash: kept_hash(&stored),
        };
        stored
    });
    again.collect()
}

/// What is wrong, once `change` has been made to the refusals and all hashes
/// after it made right again.
fn forged(
    disk: &SimStorage,
    stored: &[Bytes],
    change: impl FnOnce(&mut Vec<KeptRefusal>),
) -> Vec<Problem> {
    let mut kept = decoded(stored);
    change(&mut kept);
    audited(&with_refusals(disk, &rehashed(kept))).problems
}

#[test]
fn a_refusal_changed_dropped_or_put_elsewhere_is_found_and_named() {
    let script = Script::new(11, 40);
    runtime().block_on(async {
        let (disk, stored) = kept_and_anchored(&script).await;
        let audit = audited(&disk);
        assert_eq!(audit.problems, []);
        let report = audit.report.unwrap();
        assert!(report.anchors.len() > 2, "{:?}", report.anchors);
        let last = report.anchors.last().unwrap().1.count;
        assert_eq!(audited(&with_refusals(&disk, &stored)).problems, []);
        assert_eq!(forged(&disk, &stored, |_| ()), []);

        // Each of the anchored ones, in its words, with all hashes made right.
        for number in 0..last {
            let at = number as usize;
            let changed = forged(&disk, &stored, |kept| {
                kept[at].refusal.as_mut().unwrap().detail.push('!');
            });
            let [Problem::KeptDiffers { from, count, .. }] = changed[..] else {
                panic!("{number}: {changed:?}");
            };
            assert!(
                (from..count).contains(&number),
                "{number}: {from} to {count}"
            );
        }
        // In what the ledger signed.
        let signed = forged(&disk, &stored, |kept| {
            let refusal = kept[4].refusal.as_mut().unwrap();
            let mut inner = Refusal::decode(refusal.refusal.clone()).unwrap();
            inner.at_ms += 1;
            refusal.refusal = inner.encode_to_vec().into();
        });
        let is_named = |problem: &Problem| {
            let bad = |what: &BadKept| matches!(what, BadKept::Refusal(BadRefusal::Signature(_)));
            matches!(problem, Problem::Kept { number: 4, what } if bad(what))
        };
        assert!(signed.iter().any(is_named), "{signed:?}");
        // Dropped, and put elsewhere.
        let dropped = forged(&disk, &stored, |kept| drop(kept.remove(2)));
        assert!(
            matches!(dropped[..], [Problem::KeptDiffers { from: 0..3, .. }, ..]),
            "{dropped:?}"
        );
        let kept = decoded(&stored);
        let other = (2..last as usize).find(|at| kept[*at].refusal != kept[1].refusal);
        let swapped = forged(&disk, &stored, |kept| kept.swap(1, other.unwrap()));
        assert!(
            matches!(swapped[..], [Problem::KeptDiffers { .. }]),
            "{swapped:?}"
        );

        // Without making the hashes right.
        let mut kept = decoded(&stored);
        kept[3].party = "91150200MA0FAKE005".to_owned();
        let mut other = stored.clone();
        other[3] = kept[3].encode_to_vec().into();
        let plain = audited(&with_refusals(&disk, &other)).problems;
        let is_named = |problem: &Problem| {
            let previous = |what: &BadKept| matches!(what, BadKept::Previous { .. });
            matches!(problem, Problem::Kept { number: 4, what } if previous(what))
        };
        assert!(plain.iter().any(is_named), "{plain:?}");

        // The last anchored ones cut off, the first ones, all of them.
        let cut = audited(&with_refusals(&disk, &stored[..last as usize - 1])).problems;
        let [Problem::KeptGone { from, to, .. }] = cut[..] else {
            panic!("{cut:?}");
        };
        assert_eq!((from, to), (last - 1, last));
        let shorter = disk.restart();
        let first = hazledger::journal::segment_name(0);
        Beside(shorter.clone()).remove(&first).unwrap();
        let second = segments(&Beside(shorter.clone())).unwrap()[0];
        let gone = audited(&shorter).problems;
        let [Problem::KeptGone { from: 0, to, .. }] = gone[..] else {
            panic!("{gone:?}");
        };
        assert_eq!(to, second);
        let none = disk.restart();
        for name in Beside(none.clone()).list().unwrap() {
            Beside(none.clone()).remove(&name).unwrap();
        }
        let gone = audited(&none).problems;
        assert!(
            matches!(gone[..], [Problem::KeptGone { from: 0, to, .. }] if to == last),
            "{gone:?}"
        );

        // A byte of the disk.
        let flipped = disk.restart();
        flipped.corrupt(&beside(&first), |bytes| bytes[400] ^= 1);
        let damaged = audited(&flipped).problems;
        assert!(
            matches!(damaged[..], [Problem::KeptDamage(_)]),
            "{damaged:?}"
        );
        // The journal itself is whole all the while.
        assert!(audited(&flipped).report.is_some());
    });
}
