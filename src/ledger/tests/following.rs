//! Followers: each record once, in order, while it is written; and what they
//! and everybody else find after a clean close.

use tempfile::tempdir;

use super::world::{World, acknowledged, digest, records};
use crate::storage::sim::SimStorage;

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_sees_each_record_once_in_order_under_concurrent_writes() {
    let (store, mut world) = (tempdir().unwrap(), World::new(7));
    let ledger = world.start(&SimStorage::new(), store.path());
    ledger.submit(world.registration()).await.unwrap();
    let spawned: Vec<_> = [0, 1, 20]
        .into_iter()
        .map(|from| {
            let mut follower = ledger.follow(from);
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while let Some(next) = follower.next().await {
                    let record = next.unwrap();
                    assert!(record.position < record.as_of);
                    seen.push((record.position, record.opened.hash));
                }
                (from, seen)
            })
        })
        .collect();
    let world = std::sync::Arc::new(world);
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (ledger, world) = (ledger.clone(), std::sync::Arc::clone(&world));
            tokio::spawn(async move {
                for number in 0..25 {
                    let place = world.another_place(&format!("P{writer}-{number}"));
                    acknowledged(ledger.submit(place).await.unwrap());
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let all: Vec<_> = (0..)
        .zip(records(&ledger).into_iter().map(|record| record.0))
        .collect();
    ledger.close().await.unwrap();
    for follower in spawned {
        let (from, seen) = follower.await.unwrap();
        assert_eq!(seen, all[from as usize..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_clean_close_opening_replays_nothing_and_is_alike() {
    let (store, mut world) = (tempdir().unwrap(), World::new(3));
    let storage = SimStorage::new();
    let ledger = world.start(&storage, store.path());
    ledger.submit(world.registration()).await.unwrap();
    for number in 0..10 {
        ledger
            .submit(world.another_place(&format!("P{number}")))
            .await
            .unwrap();
    }
    ledger
        .submit(world.made(vec![World::produced("L1", 9)]))
        .await
        .unwrap();
    let (before, all) = (digest(&ledger), records(&ledger));
    let touched = ledger.read(|state| state.touched().clone());
    ledger.close().await.unwrap();
    let (ledger, opened) = world.open(&storage, store.path());
    assert_eq!((opened.replayed, opened.set_aside), (0, None));
    assert!(opened.journal.unwrap().clean);
    assert_eq!(digest(&ledger), before);
    assert_eq!(ledger.read(|state| state.touched().clone()), touched);
    assert_eq!(records(&ledger), all);
    acknowledged(ledger.submit(world.another_place("MORE")).await.unwrap());
}
