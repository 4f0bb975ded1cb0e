//! Two writers on one log that answers `Committed`, `Lost` and `Unknown`:
//! both end with the same records and state.

use std::sync::Arc;

use tempfile::tempdir;

use super::fake::{FakeLog, Fate, Stream};
use super::world::{World, acknowledged, digest, head_of, records};
use crate::event::digest::head_hash;
use crate::ledger::{Ledger, Options};
use crate::pb::{Record, SignedStatement};
use crate::storage::sim::SimStorage;
use prost::Message as _;

/// Fates by a multiplicative dice.
fn dice(mut seed: u64) -> impl FnMut() -> Fate + Send + 'static {
    move || {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        match (seed >> 33) % 5 {
            0 => Fate::UnknownDone,
            1 => Fate::UnknownLost,
            _ => Fate::Honest,
        }
    }
}

async fn submit_all(
    world: &World,
    ledger: &Ledger,
    all: &[SignedStatement],
) -> Vec<crate::event::Hash> {
    let pending: Vec<_> = all
        .iter()
        .map(|statement| ledger.enqueue(statement.clone()).unwrap())
        .collect();
    let mut heads = Vec::new();
    for answer in pending {
        let (acknowledgement, _) = acknowledged(answer.await.unwrap());
        world.check(&acknowledgement);
        heads.push(head_of(&acknowledgement));
    }
    heads
}

/// Returns how many batches lost their place.
async fn run(seed: u64) -> usize {
    let mut world = World::new(5);
    let storage = SimStorage::new();
    let stores = [tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap()];
    let ledger = world.start(&storage, stores[2].path());
    ledger.submit(world.registration()).await.unwrap();
    ledger.close().await.unwrap();
    let stream = Stream::of(&storage);
    let open = |number: usize, options: Options| {
        let log = FakeLog::new(&stream, dice(seed.wrapping_add(number as u64)));
        let clock = Arc::clone(&world.clock);
        let key = world.ledger_key.clone();
        let records = Arc::new(stream.clone());
        Ledger::open_over(
            Box::new(log),
            records,
            stores[number].path(),
            key,
            options,
            clock,
        )
        .unwrap()
        .0
    };
    let small = Options {
        max_batch_records: 3,
        ..World::options()
    };
    let (one, two) = (open(0, small.clone()), open(1, small));
    let statements: Vec<_> = (0..30)
        .map(|n| world.another_place(&format!("P{n}")))
        .collect();
    let backwards: Vec<_> = statements.iter().rev().cloned().collect();
    let (mut heads, mut others) = tokio::join!(
        submit_all(&world, &one, &statements),
        submit_all(&world, &two, &backwards),
    );
    others.reverse();
    assert_eq!(heads, others, "seed {seed}: one statement, one record");
    let stood: Vec<_> = stream
        .records()
        .iter()
        .map(|bytes| head_hash(&Record::decode(bytes.clone()).unwrap().head))
        .collect();
    assert!(
        heads.iter().all(|head| stood.contains(head)),
        "seed {seed}: told and not there"
    );
    heads.sort_unstable();
    heads.dedup();
    assert_eq!(heads.len(), statements.len());
    // A last one on both, so that both have all of it.
    let last = [world.another_place("LAST")];
    submit_all(&world, &one, &last).await;
    submit_all(&world, &two, &last).await;
    let third = open(2, World::options());
    assert_eq!(records(&one), records(&two), "seed {seed}");
    assert_eq!(records(&one), records(&third), "seed {seed}");
    assert_eq!(digest(&one), digest(&two), "seed {seed}");
    assert_eq!(digest(&one), digest(&third), "seed {seed}");
    for ledger in [one, two, third] {
        ledger
            .at_least(stream.records().len() as u64)
            .await
            .unwrap();
        ledger.close().await.unwrap();
    }
    stream.lost()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_on_one_log_end_alike_and_lose_nothing() {
    let mut lost = 0;
    for seed in 0..8 {
        lost += run(seed * 77).await;
    }
    assert!(lost > 8, "{lost}: they hardly met");
}
