//! The ledger's key is rotated while it runs: it stops, and opens with the new
//! key only; what either key signed holds.

use std::path::Path;
use std::sync::Arc;

use tempfile::tempdir;

use super::fake::{FakeLog, Fate, Stream};
use super::world::{World, acknowledged, digest, records, refused};
use crate::custody::rotation::sworn;
use crate::event::signing::SecretKey;
use crate::event::{KeyId, LotId};
use crate::journal::{Journal, StoredBatch};
use crate::ledger::checkpoint::{Folder, Place as _};
use crate::ledger::{Answer, Clock, Ledger, OpenError, Opened, Options, SubmitError};
use crate::pb::event::Body;
use crate::pb::{Acknowledgement, LedgerKeyRotated, RefusalCode, SignedStatement};
use crate::proof::{
    Expect, LedgerKeys, NoteKeyKind, Report, Verifier, VerifierKey, open_checkpoint,
};
use crate::storage::sim::{CrashPolicy, SimStorage};

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

/// The authority's word that another key follows the ledger's.
fn rotation(world: &World, from: &SecretKey, to: &SecretKey) -> SignedStatement {
    let e = LedgerKeyRotated {
        reason: "the yearly one".to_owned(),
        ..sworn(&world.genesis_hash.0, from.id(), to)
    };
    world
        .draft(&world.authority_party, vec![Body::LedgerKeyRotated(e)])
        .sign(&world.authority, &[])
}

fn open(
    world: &World,
    storage: &SimStorage,
    store: &Path,
    key: &SecretKey,
) -> Result<(Ledger, Opened), OpenError> {
    let clock: Arc<dyn Clock> = Arc::clone(&world.clock) as Arc<dyn Clock>;
    Ledger::open_on(storage.clone(), store, key.clone(), World::options(), clock)
}

fn batches(storage: &SimStorage) -> Vec<StoredBatch> {
    let options = World::options().journal;
    let (journal, _) = Journal::open(storage.restart(), None, 0, options).unwrap();
    journal.reader().batches(0).map(Result::unwrap).collect()
}

fn verified(storage: &SimStorage) -> Report {
    let mut verifier = Verifier::new(Expect::default());
    for batch in batches(storage) {
        verifier
            .batch(batch.first_position, &batch.records, &batch.commit)
            .unwrap();
    }
    verifier.finish().unwrap()
}

fn keys(ledger: &Ledger) -> LedgerKeys {
    ledger.status().ledger_keys
}

fn checked(world: &World, keys: &LedgerKeys, ack: &Acknowledgement) -> u64 {
    let sound = keys.check_acknowledgement(world.genesis_hash, ack);
    sound.unwrap().position
}

/// Why a statement was not taken after a rotation to a key.
fn assert_stopped(answer: Result<Answer, SubmitError>, to: KeyId) {
    match answer {
        Err(SubmitError::Stopped { why }) => {
            assert!(why.contains(&to.to_string()), "{why}");
            assert!(why.contains("start it again"), "{why}");
        }
        other => panic!("not stopped: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_ends_its_batch_and_stops_the_ledger_and_the_new_key_opens_it() {
    let (store, mut world) = (tempdir().unwrap(), World::new(5));
    let storage = SimStorage::new();
    let ledger = world.start(&storage, store.path());
    ledger.submit(world.registration()).await.unwrap();
    let (old, new) = (key(1), key(50));
    let place = |n: usize| world.another_place(&format!("P{n}"));
    let before: Vec<_> = (0..20).map(|n| ledger.enqueue(place(n)).unwrap()).collect();
    let rotated = ledger.enqueue(rotation(&world, &old, &new)).unwrap();
    // Some of these are in before it is known that nothing more is.
    let after: Vec<_> = (20..60)
        .map_while(|n| ledger.enqueue(place(n)).ok())
        .collect();
    let mut kept = Vec::new();
    for pending in before {
        kept.push(acknowledged(pending.await.unwrap()).0);
    }
    kept.push(acknowledged(rotated.await.unwrap()).0);
    for pending in after {
        assert_stopped(pending.await, new.id());
    }
    assert_stopped(ledger.submit(place(99)).await, new.id());
    let at = checked(&world, &keys(&ledger), kept.last().unwrap());
    assert_eq!(ledger.committed(), at + 1);
    // Reads go on, and say why nothing else does.
    let status = ledger.status();
    assert!(!status.accepting && status.stopped.unwrap().contains(&new.id().to_string()));
    assert_eq!(ledger.rotated().borrow().unwrap().position, at);
    assert!(ledger.record(at).unwrap().is_some());
    let last = batches(&storage).pop().unwrap();
    assert_eq!(last.end_position(), at + 1, "the last of its batch");
    let state = digest(&ledger);
    ledger.close().await.unwrap();

    match open(&world, &storage, store.path(), &old) {
        Err(OpenError::EarlierKey { want, position, .. }) => {
            assert_eq!((want, position), (new.id(), at));
        }
        other => panic!("the earlier key: {:?}", other.err()),
    }
    let strange = open(&world, &storage, store.path(), &key(51));
    assert!(matches!(strange, Err(OpenError::NotInForce { want, .. }) if want == new.id()));
    let (ledger, opened) = open(&world, &storage, store.path(), &new).unwrap();
    assert!(opened.journal.unwrap().clean, "it was closed properly");
    assert_eq!(digest(&ledger), state);
    assert!(ledger.status().accepting);
    // State records among them.
    for n in 60..80 {
        kept.push(acknowledged(ledger.submit(place(n)).await.unwrap()).0);
    }
    let keys = keys(&ledger);
    assert_eq!(keys.in_force().id(), new.id());
    for ack in &kept {
        checked(&world, &keys, ack);
    }
    // What was recorded before is answered as it was.
    let first = ledger.record(at).unwrap().unwrap().1;
    assert_eq!(checked(&world, &keys, &first), at);
    ledger.close().await.unwrap();
    let report = verified(&storage);
    assert_eq!(report.ledger_keys, [(0, old.id()), (at + 1, new.id())]);
    assert!(report.state_records > 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_rotation_in_line_is_judged_by_nobody() {
    let (store, mut world) = (tempdir().unwrap(), World::new(100));
    let storage = SimStorage::new();
    let ledger = world.start(&storage, store.path());
    ledger.submit(world.registration()).await.unwrap();
    let (old, new, other) = (key(1), key(50), key(51));
    let first = ledger.enqueue(rotation(&world, &old, &new)).unwrap();
    let second = ledger.enqueue(rotation(&world, &old, &other)).unwrap();
    acknowledged(first.await.unwrap());
    assert_stopped(second.await, new.id());
    ledger.close().await.unwrap();
    // Sent again, it is refused: another key is in force.
    let (ledger, _) = open(&world, &storage, store.path(), &new).unwrap();
    let answer = ledger.submit(rotation(&world, &old, &other)).await.unwrap();
    let refusal = refused(answer);
    assert_eq!(refusal.code(), RefusalCode::NotTheLedgerKey);
    let said = keys(&ledger).check_refusal(world.genesis_hash, &refusal);
    assert_eq!(said.unwrap().judged_at, ledger.committed());
}

#[tokio::test(flavor = "multi_thread")]
async fn after_its_time_a_key_signs_no_refusal() {
    let (store, mut world) = (tempdir().unwrap(), World::new(100));
    let ledger = world.start(&SimStorage::new(), store.path());
    ledger.submit(world.registration()).await.unwrap();
    let wrong = || world.made(vec![World::used(LotId([9; 16]), 5)]);
    let tried = ledger.dry_run(wrong(), 0).await.unwrap().refusal.unwrap();
    assert!(tried.signature.is_some());
    acknowledged(
        ledger
            .submit(rotation(&world, &key(1), &key(50)))
            .await
            .unwrap(),
    );
    let tried = ledger.dry_run(wrong(), 0).await.unwrap().refusal.unwrap();
    assert_eq!(tried.code(), RefusalCode::UnknownLot);
    assert!(tried.signature.is_none() && tried.refusal.is_empty());
    ledger.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_the_power_goes_the_one_key_or_the_other_opens_it() {
    let (old, new) = (key(1), key(50));
    let mut reached = [0, 0];
    for step in 0..60 {
        let (store, mut world) = (tempdir().unwrap(), World::new(100));
        let storage = SimStorage::new();
        let ledger = world.start(&storage, store.path());
        ledger.submit(world.registration()).await.unwrap();
        let begins = storage.steps();
        storage.power_off_at(begins + step);
        let answer = ledger.submit(rotation(&world, &old, &new)).await;
        // What closing comes to without power is another test's.
        let _ = ledger.close().await;
        let after = storage.crash(CrashPolicy::LoseUnsynced);
        let store = tempdir().unwrap();
        let recorded = match open(&world, &after, store.path(), &old) {
            Ok((ledger, _)) => {
                assert!(answer.is_err(), "step {step}: acknowledged and gone");
                ledger.close().await.unwrap();
                false
            }
            Err(OpenError::EarlierKey { want, .. }) => {
                assert_eq!(want, new.id());
                let (ledger, _) = open(&world, &after, store.path(), &new).unwrap();
                acknowledged(ledger.submit(world.another_place("P")).await.unwrap());
                ledger.close().await.unwrap();
                true
            }
            Err(other) => panic!("step {step}: {other}"),
        };
        reached[usize::from(recorded)] += 1;
        verified(&after);
        if storage.steps() <= begins + step {
            break;
        }
    }
    assert!(reached.iter().all(|times| *times > 0), "{reached:?}");
}

/// `ROTATION.md`: the size that ends with a rotation has the earlier key's
/// signature or nobody's, and then the next record's checkpoint covers it.
#[tokio::test(flavor = "multi_thread")]
async fn the_size_that_ends_with_a_rotation_is_signed_by_the_earlier_key_or_by_nobody() {
    let mut world = World::new(100);
    let (storage, place) = (SimStorage::new(), SimStorage::new());
    let stores = [tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap()];
    let ledger = world.start(&storage, stores[0].path());
    ledger.submit(world.registration()).await.unwrap();
    ledger.close().await.unwrap();
    let open = |place: &SimStorage, number: usize, key: &SecretKey| {
        let clock: Arc<dyn Clock> = Arc::clone(&world.clock) as Arc<dyn Clock>;
        let (storage, store) = (storage.clone(), stores[number].path());
        let options = World::options();
        Ledger::open_signing(storage, place.clone(), store, key.clone(), options, clock)
            .unwrap()
            .0
    };
    let opened = |note: &str, key: &SecretKey| {
        let public = key.public().clone();
        let vkey = VerifierKey::new("test.example", NoteKeyKind::Ed25519, public).unwrap();
        open_checkpoint(note, &vkey).unwrap().0
    };
    let (old, new) = (key(1), key(50));
    let ledger = open(&place, 0, &old);
    let mut signed = ledger.signed_checkpoint();
    signed.wait_for(Option::is_some).await.unwrap();
    let before = place.restart();
    let answer = ledger.submit(rotation(&world, &old, &new)).await.unwrap();
    let at = checked(&world, &keys(&ledger), &acknowledged(answer).0);
    ledger.close().await.unwrap();
    let kept = Folder(place.clone()).read("signed").unwrap().unwrap();
    let kept = String::from_utf8(kept).unwrap();
    assert_eq!(opened(&kept, &old).size, at + 1);

    // Killed before it had signed.
    let ledger = open(&before, 1, &new);
    let (receipt, answer) =
        tokio::join!(ledger.receipt(at), ledger.submit(world.another_place("P1")));
    acknowledged(answer.unwrap());
    let checkpoint = opened(&receipt.unwrap().checkpoint, &new);
    assert_eq!(checkpoint.size, at + 2);
    ledger.close().await.unwrap();
    // The other way it is gone on from as well.
    let ledger = open(&place, 2, &new);
    assert_eq!(*ledger.hold().borrow(), None);
    ledger.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_on_one_log_both_stop_at_a_rotation() {
    let mut world = World::new(5);
    let storage = SimStorage::new();
    let stores = [tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap()];
    let ledger = world.start(&storage, stores[2].path());
    ledger.submit(world.registration()).await.unwrap();
    ledger.close().await.unwrap();
    let stream = Stream::of(&storage);
    let open = |number: usize, key: SecretKey| {
        let log = FakeLog::new(&stream, || Fate::Honest);
        let clock = Arc::clone(&world.clock);
        let records = Arc::new(stream.clone());
        let options = Options {
            max_batch_records: 3,
            ..World::options()
        };
        let store = stores[number].path();
        Ledger::open_over(Box::new(log), records, store, key, options, clock).map(|(l, _)| l)
    };
    let (old, new) = (key(1), key(50));
    let one = open(0, old.clone()).unwrap();
    let two = open(1, old.clone()).unwrap();
    acknowledged(one.submit(world.another_place("P1")).await.unwrap());
    acknowledged(one.submit(rotation(&world, &old, &new)).await.unwrap());
    // The other learns of it when it loses its place.
    assert_stopped(two.submit(world.another_place("P2")).await, new.id());
    assert_stopped(one.submit(world.another_place("P2")).await, new.id());
    assert_eq!(records(&one), records(&two));
    assert_eq!(digest(&one), digest(&two));
    one.close().await.unwrap();
    two.close().await.unwrap();
    assert!(matches!(open(1, old), Err(OpenError::EarlierKey { .. })));
    let third = open(2, new).unwrap();
    acknowledged(third.submit(world.another_place("P2")).await.unwrap());
    third.close().await.unwrap();
}
