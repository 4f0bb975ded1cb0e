//! The store against a map, when it is opened again, renewed and cut short.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeMap;
use std::fs;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use tempfile::tempdir;

use super::*;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// A short key, often one that was there, sometimes one that begins another.
fn key(rng: &mut ChaCha8Rng) -> Vec<u8> {
    let n = rng.next_u64();
    let mut key = vec![(n % 7) as u8; 1 + (n / 7 % 3) as usize];
    key.extend_from_slice(&(n / 64 % 50).to_be_bytes()[7..]);
    key
}

fn standing(next: u64) -> Standing {
    Standing {
        next,
        ..Standing::default()
    }
}

/// A batch of random writes, in the store and in the model.
fn write(store: &Store, model: &mut Model, rng: &mut ChaCha8Rng, next: u64) {
    let mut writes = Writes::default();
    for _ in 0..rng.next_u64() % 40 {
        let key = key(rng);
        if rng.next_u64().is_multiple_of(3) {
            writes.remove(Table::Labels, key.clone());
            model.remove(&key);
        } else {
            let value = vec![next as u8; (rng.next_u64() % 900) as usize];
            writes.put(Table::Labels, key.clone(), value.clone());
            model.insert(key, value);
        }
    }
    // Neighbours on both sides, that no look-up may run into.
    writes.put(Table::Closed, [0xff], [1]);
    writes.put(Table::References, [0], [1]);
    store.apply(writes, standing(next)).unwrap();
}

fn agrees(store: &Store, model: &Model, rng: &mut ChaCha8Rng, next: u64) {
    let reading = store.reading();
    assert_eq!(reading.position(), next);
    let rows: Vec<Row> = reading
        .rows(Table::Labels, &[])
        .map(Result::unwrap)
        .collect();
    let want: Vec<Row> = model.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    assert!(rows == want, "{} rows, {} wanted", rows.len(), want.len());
    let (one, other) = (key(rng), key(rng));
    assert_eq!(
        reading.get(Table::Labels, &one).unwrap(),
        model.get(&one).cloned()
    );
    let prefixed = store.scan(Table::Labels, &one[..1], 5).unwrap();
    let begins = model
        .iter()
        .filter(|(k, _)| k.starts_with(&one[..1]))
        .take(5);
    assert!(prefixed.iter().map(|(k, v)| (k, v)).eq(begins));
    let (from, until) = (one.clone().min(other.clone()), one.max(other));
    let mut shown = Vec::new();
    reading
        .each(Table::Labels, &from, Some(&until), |k, v| {
            shown.push((k.to_vec(), v.to_vec()));
            Ok::<(), StoreError>(())
        })
        .unwrap();
    let within = model
        .range(from..until)
        .map(|(k, v)| (k.clone(), v.clone()));
    assert!(shown.into_iter().eq(within));
}

#[test]
fn it_answers_as_a_map_does_whenever_it_is_renewed_or_opened_again() {
    for seed in 0..3 {
        let dir = tempdir().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut store = Store::open(dir.path()).unwrap();
        let mut model = Model::new();
        for next in 1..=60 {
            write(&store, &mut model, &mut rng, next);
            match rng.next_u64() % 8 {
                0 => store.renew().unwrap(),
                1 => {
                    assert_eq!(store.flush().unwrap(), next);
                    drop(store);
                    store = Store::open(dir.path()).unwrap();
                }
                _ => {}
            }
            agrees(&store, &model, &mut rng, next);
        }
    }
}

/// Rows that are written again and again.
fn churn(store: &Store, rounds: std::ops::Range<u64>) {
    for round in rounds {
        let mut writes = Writes::default();
        for row in 0..400_u64 {
            writes.put(Table::Closed, row.to_be_bytes(), vec![round as u8; 500]);
        }
        store.apply(writes, standing(round + 1)).unwrap();
        store.flush().unwrap();
    }
}

#[test]
fn its_disk_stays_within_four_times_what_counts_and_a_floor() {
    // sled takes half a megabyte for itself.
    const FLOOR: u64 = 2 * 1024 * 1024;
    let dir = tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let mut renewed = 0;
    for round in 0..60 {
        churn(&store, round..round + 1);
        if store.has_outgrown(FLOOR).unwrap() == Some(true) {
            store.renew().unwrap();
            renewed += 1;
        }
        let size = store.size().unwrap();
        assert!(size.live > 200_000, "{size:?}");
        assert!(
            size.disk <= (size.live * MAX_GROWTH).max(FLOOR),
            "round {round}: {size:?}"
        );
    }
    assert!(renewed > 0);
    let sleds = fs::read_dir(dir.path()).unwrap().count() - 1;
    assert_eq!(sleds, 1, "what was replaced is still there");
}

#[test]
fn rows_that_take_more_disk_than_they_may_are_not_copied_again_and_again() {
    let dir = tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let mut renewed = 0;
    for round in 0..40_u64 {
        let mut writes = Writes::default();
        for row in 0..500_u64 {
            writes.put(
                Table::Labels,
                (round * 7_919 + row * 104_729).to_be_bytes(),
                [],
            );
        }
        store.apply(writes, standing(round + 1)).unwrap();
        store.flush().unwrap();
        if store.has_outgrown(0).unwrap() == Some(true) {
            store.renew().unwrap();
            renewed += 1;
            assert_eq!(store.has_outgrown(0).unwrap(), Some(false));
        }
    }
    assert!((1..10).contains(&renewed), "{renewed} times");
}

#[test]
fn a_crash_at_any_step_of_a_renewal_leaves_one_store_with_every_row() {
    let dir = tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    churn(&store, 0..3);
    let size = store.size().unwrap().live;
    let number = current::number(dir.path()).unwrap();
    drop(store);
    // While rows are copied: another sled that nothing names.
    let begun = open_sled(&current::begin(dir.path(), number + 1).unwrap()).unwrap();
    begun.insert(b"half", b"of it").unwrap();
    begun.flush().unwrap();
    drop(begun);
    fs::write(dir.path().join("CURRENT.new"), b"2").unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert_eq!((store.position(), store.size().unwrap().live), (3, size));
    assert!(!current::path(dir.path(), number + 1).exists());
    // After the new one is named: the old one is still there.
    store.renew().unwrap();
    drop(store);
    fs::create_dir(current::path(dir.path(), number)).unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert_eq!((store.position(), store.size().unwrap().live), (3, size));
    assert!(!current::path(dir.path(), number).exists());
}

#[test]
fn a_folder_that_is_no_store_is_refused() {
    let dir = tempdir().unwrap();
    // The layout of before.
    fs::write(dir.path().join("conf"), b"segment_size: 524288").unwrap();
    let opened = Store::open(dir.path()).map(drop);
    assert!(matches!(opened, Err(StoreError::Damaged { .. })));
    let dir = tempdir().unwrap();
    drop(Store::open(dir.path()).unwrap());
    fs::write(dir.path().join("CURRENT"), b"one\n").unwrap();
    let opened = Store::open(dir.path()).map(drop);
    assert!(matches!(opened, Err(StoreError::Damaged { .. })));
}
