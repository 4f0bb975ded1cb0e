//! Closed items leave memory and are found again.

use std::fs;
use std::path::Path;

use tempfile::tempdir;

use super::world::{World, acknowledged, digest, in_memory, lot_of, refused};
use crate::event::LotId;
use crate::event::statement::Draft;
use crate::ledger::{Ledger, Options};
use crate::pb::event::Body;
use crate::pb::{
    BalanceResponse, Goods, Incident, IncidentKind, Quantity, Recovered, RefusalCode, incident,
};
use crate::projection::balance::balance;
use crate::storage::sim::SimStorage;

fn goods(lot: LotId, gross_mg: i64) -> Goods {
    Goods {
        lot: lot.to_bytes(),
        loose: Some(Quantity {
            gross_mg,
            measure: None,
        }),
        serials: Vec::new(),
        parts: Vec::new(),
        outers: Vec::new(),
    }
}

fn missing(lot: LotId, gross_mg: i64) -> Body {
    Body::Incident(Incident {
        kind: IncidentKind::Missing.into(),
        goods: Some(goods(lot, gross_mg)),
        at: Some(incident::At::Place("T1".to_owned())),
        description: "a drum is gone".to_owned(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_lot_leaves_memory_and_is_looked_up_again() {
    let (store, mut world) = (tempdir().unwrap(), World::new(1000));
    let storage = SimStorage::new();
    world.start(&storage, store.path()).close().await.unwrap();
    let options = Options {
        evict_every: 4,
        flush_every: std::time::Duration::from_millis(1),
        ..World::options()
    };
    let (ledger, _) = world.open_with(&storage, store.path(), options);
    ledger.submit(world.registration()).await.unwrap();
    let drafts: Vec<Draft> = ["L1", "L2"]
        .into_iter()
        .map(|label| world.draft(&world.maker_party, vec![World::produced(label, 1000)]))
        .collect();
    for draft in &drafts {
        acknowledged(ledger.submit(draft.sign(&world.maker, &[])).await.unwrap());
    }
    let lot = lot_of(&drafts[0]);
    let gone = ledger
        .submit(world.made(vec![missing(lot, 1000)]))
        .await
        .unwrap();
    acknowledged(gone);
    let mut number = 0;
    while in_memory(&ledger, lot) {
        number += 1;
        assert!(number < 10_000, "it never leaves");
        ledger
            .submit(world.another_place(&format!("P{number}")))
            .await
            .unwrap();
    }
    assert!(in_memory(&ledger, lot_of(&drafts[1])), "an open lot stays");
    // Refused and recorded by what it is, though it is not in memory.
    let used = ledger
        .submit(world.made(vec![World::used(lot, 1)]))
        .await
        .unwrap();
    assert_eq!(refused(used).code(), RefusalCode::Insufficient);
    let recovered = Recovered {
        goods: Some(goods(lot, 300)),
        place: "T1".to_owned(),
    };
    let back = ledger
        .submit(world.made(vec![Body::Recovered(recovered)]))
        .await
        .unwrap();
    acknowledged(back);
    assert!(in_memory(&ledger, lot));
    acknowledged(
        ledger
            .submit(world.made(vec![World::used(lot, 300)]))
            .await
            .unwrap(),
    );
    let before = digest(&ledger);
    ledger.close().await.unwrap();
    // And all of it again from record 0.
    let fresh = tempdir().unwrap();
    let (rebuilt, opened) = world.open(&storage, fresh.path());
    assert_eq!(opened.replayed, opened.records);
    assert_eq!(digest(&rebuilt), before);
}

/// A folder and all in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

/// What the views say of everything.
fn books(ledger: &Ledger) -> BalanceResponse {
    balance(&ledger.store().reading()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn views_that_a_crash_left_further_than_the_snapshot_are_not_folded_twice() {
    let (store, kept, mut world) = (tempdir().unwrap(), tempdir().unwrap(), World::new(1000));
    let (storage, snapshot) = (SimStorage::new(), store.path().join("snapshot"));
    let ledger = world.start(&storage, store.path());
    ledger.submit(world.registration()).await.unwrap();
    let draft = world.draft(&world.maker_party, vec![World::produced("L1", 1000)]);
    let lot = lot_of(&draft);
    acknowledged(ledger.submit(draft.sign(&world.maker, &[])).await.unwrap());
    let gone = world.made(vec![missing(lot, 1000)]);
    acknowledged(ledger.submit(gone).await.unwrap());
    ledger.close().await.unwrap();
    copy(&snapshot, kept.path());

    // The closed lot comes from the store, is opened and closed again; another
    // is new.
    let (ledger, opened) = world.open(&storage, store.path());
    assert!(!in_memory(&ledger, lot));
    let recovered = Recovered {
        goods: Some(goods(lot, 300)),
        place: "T1".to_owned(),
    };
    for body in [
        Body::Recovered(recovered),
        World::used(lot, 300),
        World::produced("L2", 7),
    ] {
        let statement = world.made(vec![body]);
        acknowledged(ledger.submit(statement).await.unwrap());
    }
    ledger.at_least(ledger.committed()).await.unwrap();
    let (state, sums, committed) = (digest(&ledger), books(&ledger), ledger.committed());
    // The crash: views and ids are durable, the snapshot is not.
    fs::remove_dir_all(&snapshot).unwrap();
    let _ = ledger.close().await;
    copy(kept.path(), &snapshot);

    let (ledger, again) = world.open(&storage, store.path());
    assert_eq!(again.set_aside, None);
    assert_eq!(again.replayed, committed - opened.records);
    assert_eq!(digest(&ledger), state);
    assert_eq!(books(&ledger), sums);
    assert!(sums.balanced);
    ledger.close().await.unwrap();
    let (ledger, last) = world.open(&storage, store.path());
    assert_eq!((last.replayed, last.set_aside), (0, None));
    assert_eq!(digest(&ledger), state);
}
