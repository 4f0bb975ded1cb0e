//! Crashes through the storage seam: whatever survives, nothing acknowledged
//! is missing, nothing is recorded twice, and what was not answered can be
//! sent again. The same harness fails when syncs lie.

use tempfile::tempdir;

use super::world::{World, acknowledged, head_of, records};
use crate::event::digest::head_hash;
use crate::event::{Hash, Statement};
use crate::journal::Journal;
use crate::ledger::{Answer, Ledger};
use crate::pb::{Record, SignedStatement};
use crate::storage::sim::{CrashPolicy, SimStorage};
use prost::Message as _;

/// Steps of the disk that the work below never reaches.
const MAX_STEPS: u64 = 200;

/// What was sent, and what came back before the power went.
struct Sent {
    all: Vec<SignedStatement>,
    acknowledged: Vec<(SignedStatement, Hash)>,
}

/// A ledger on a disk, created and closed.
async fn disk(world: &mut World) -> SimStorage {
    let (storage, store) = (SimStorage::new(), tempdir().unwrap());
    world.start(&storage, store.path()).close().await.unwrap();
    storage
}

/// Sends statements, one by one and then several at a time, until the ledger
/// stops or all are answered.
async fn work(world: &World, storage: &SimStorage) -> Sent {
    let mut all = vec![world.registration()];
    all.extend((0..8).map(|number| world.another_place(&format!("P{number}"))));
    let mut acknowledged = Vec::new();
    let store = tempdir().unwrap();
    // Opening takes steps too; the power may go there.
    let Ok(ledger) = open(world, storage.clone(), store.path()) else {
        return Sent { all, acknowledged };
    };
    let mut keep = |statement: &SignedStatement, answer| {
        if let Ok(answer) = answer {
            acknowledged.push((statement.clone(), head_of(&self::acknowledged(answer).0)));
        }
    };
    let (singly, together) = all.split_at(5);
    for statement in singly {
        keep(statement, ledger.submit(statement.clone()).await);
    }
    let pending: Vec<_> = together.iter().map(|s| ledger.enqueue(s.clone())).collect();
    for (statement, pending) in together.iter().zip(pending) {
        if let Ok(pending) = pending {
            keep(statement, pending.await);
        }
    }
    Sent { all, acknowledged }
}

fn open(world: &World, storage: SimStorage, store: &std::path::Path) -> Result<Ledger, String> {
    let clock = std::sync::Arc::clone(&world.clock);
    let key = world.ledger_key.clone();
    let opened = Ledger::open_on(storage, store, key, World::options(), clock);
    opened
        .map(|(ledger, _)| ledger)
        .map_err(|error| error.to_string())
}

fn find(ledger: &Ledger, signed: &SignedStatement) -> Option<Hash> {
    let statement = Statement::open(signed.clone()).unwrap();
    let position = ledger
        .find(&statement.payload.party, statement.id)
        .unwrap()?;
    let (record, _) = ledger.record(position).unwrap()?;
    Some(head_hash(&record.head))
}

fn none_twice(ledger: &Ledger) -> Result<(), String> {
    let mut names: Vec<_> = records(ledger)
        .into_iter()
        .map(|(_, p, id)| (p, id))
        .collect();
    let before = names.len();
    names.sort();
    names.dedup();
    if names.len() == before {
        Ok(())
    } else {
        Err("a statement is recorded twice".into())
    }
}

/// What must hold on any disk that is left.
async fn check(world: &World, storage: SimStorage, sent: &Sent) -> Result<(), String> {
    let store = tempdir().unwrap();
    let ledger = open(world, storage, store.path())?;
    for (statement, head) in &sent.acknowledged {
        if find(&ledger, statement) != Some(*head) {
            return Err(format!("{head} was acknowledged and is missing"));
        }
    }
    none_twice(&ledger)?;
    for statement in &sent.all {
        match ledger
            .submit(statement.clone())
            .await
            .map_err(|error| error.to_string())?
        {
            Answer::Refused(refusal) => return Err(format!("refused: {refusal:?}")),
            Answer::Acknowledged {
                acknowledgement, ..
            } => {
                let before = sent.acknowledged.iter().find(|(s, _)| s == statement);
                if before.is_some_and(|(_, head)| *head != head_of(&acknowledgement)) {
                    return Err("another answer than before".into());
                }
            }
        }
    }
    none_twice(&ledger)?;
    ledger.close().await.map_err(|error| error.to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_missing_whenever_the_power_goes() {
    let mut world = World::new(4);
    let before = disk(&mut world).await;
    let mut last = 0;
    for step in 0..MAX_STEPS {
        let storage = before.restart();
        storage.power_off_at(step);
        let sent = work(&world, &storage).await;
        last = step;
        if storage.steps() <= step {
            break;
        }
        let torn = storage.last_write_bytes() / 2;
        for policy in [
            CrashPolicy::LoseUnsynced,
            CrashPolicy::Subset(step),
            CrashPolicy::Subset(step + MAX_STEPS),
            CrashPolicy::TearLastWrite(torn),
        ] {
            let checked = check(&world, storage.crash(policy), &sent).await;
            assert_eq!(checked, Ok(()), "power off at step {step}, {policy:?}");
        }
    }
    assert!(last > 10 && last < MAX_STEPS - 1, "{last} steps");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_write_torn_at_any_byte_loses_nothing_acknowledged() {
    let mut world = World::new(100);
    let before = disk(&mut world).await;
    let (store, storage) = (tempdir().unwrap(), before.restart());
    let (ledger, _) = world.open(&storage, store.path());
    let mut sent = Sent {
        all: Vec::new(),
        acknowledged: Vec::new(),
    };
    for statement in [world.registration(), world.another_place("P1")] {
        let (acknowledgement, _) = acknowledged(ledger.submit(statement.clone()).await.unwrap());
        sent.acknowledged
            .push((statement.clone(), head_of(&acknowledgement)));
        sent.all.push(statement);
    }
    // The power goes when the next batch has been written and is to be synced.
    storage.power_off_at(storage.steps() + 1);
    sent.all.push(world.another_place("P2"));
    assert!(ledger.submit(sent.all[2].clone()).await.is_err());
    drop(ledger);
    let bytes = storage.last_write_bytes();
    assert!(bytes > 400, "{bytes}");
    for torn in 0..=bytes {
        let left = storage.crash(CrashPolicy::TearLastWrite(torn));
        let options = World::options().journal;
        let (journal, _) = Journal::open(left.restart(), None, 0, options).unwrap();
        let held: Vec<Hash> = journal
            .reader()
            .batches(0)
            .flat_map(|batch| batch.unwrap().records)
            .map(|record| head_hash(&Record::decode(record).unwrap().head))
            .collect();
        assert!(
            sent.acknowledged
                .iter()
                .all(|(_, head)| held.contains(head)),
            "{torn}"
        );
        drop(journal);
        if torn % 97 == 0 || torn == bytes {
            assert_eq!(check(&world, left, &sent).await, Ok(()), "torn at {torn}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_harness_notices_a_disk_that_lies_about_syncs() {
    let mut world = World::new(4);
    let storage = disk(&mut world).await.restart();
    storage.set_sync_is_noop(true);
    let sent = work(&world, &storage).await;
    assert_eq!(sent.acknowledged.len(), 9);
    let checked = check(&world, storage.crash(CrashPolicy::LoseUnsynced), &sent).await;
    assert!(checked.is_err());
}
