//! The snapshot against a map: added to, merged, opened again, cut short and
//! damaged.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use tempfile::tempdir;

use super::*;
use crate::custody::{Item, account, leaf};
use crate::event::{Hash, LotId};
use crate::pb::{LotState, Posting, Subject};

/// What the snapshot should say: open items, and closed ones since the last
/// merge, by key.
type Model = BTreeMap<Key, Item>;

fn standing(next: u64) -> Standing {
    Standing {
        next,
        last_head: Hash([7; 32]),
        recorded_at_ms: -5,
        ..Standing::default()
    }
}

fn ids(next: u64) -> Lengths {
    (0..3).map(|day| (day - 1, next)).collect()
}

/// A lot that is open or closed: closed ones hold nothing.
fn lot(last: u64, open: bool, size: usize) -> Item {
    let mut lot = LotState {
        last,
        ..LotState::default()
    };
    if open {
        lot.balances = vec![Posting {
            account: Some(account::held("P", &"T".repeat(size))),
            gross_mg: 5,
            contained_mg: 0,
        }];
    }
    let item = Item::Lot(lot);
    assert_eq!(subject::is_open(&item), open);
    item
}

fn put(changes: &mut Changes, subject: &Subject, item: Item) {
    changes.put(&Changed {
        subject: subject.clone(),
        bytes: leaf::encoded(&item).into(),
        item,
    });
}

/// Random changes of a few lots, in a snapshot and in the model.
fn change(snapshot: &mut Snapshot, model: &mut Model, rng: &mut ChaCha8Rng, next: u64) {
    let mut changes = Changes::default();
    for _ in 0..rng.next_u32() % 40 {
        let mut id = [0; 16];
        id[rng.next_u32() as usize % 2] = (rng.next_u32() % 60) as u8;
        let subject = subject::lot(LotId(id));
        let (open, size) = (!rng.next_u32().is_multiple_of(3), rng.next_u32() % 90);
        let item = lot(next - 1, open, size as usize);
        put(&mut changes, &subject, item.clone());
        model.insert(Key::of(&subject), item);
    }
    let bytes: usize = changes.rows.values().map(|row| row.bytes.len()).sum();
    assert_eq!(changes.bytes(), bytes);
    snapshot.add(&changes, standing(next), &ids(next)).unwrap();
}

fn all(snapshot: &Snapshot) -> Result<Vec<(Key, Row)>, StoreError> {
    let mut rows = Vec::new();
    snapshot.each(|key, row| rows.push((key, row)))?;
    Ok(rows)
}

/// Every open item as the model has it; of closed ones those that it shows.
fn agrees(snapshot: &Snapshot, model: &Model) {
    let rows = all(snapshot).unwrap();
    assert!(rows.is_sorted_by(|(a, _), (b, _)| a < b));
    for (key, row) in &rows {
        let item = &model[key];
        assert_eq!(row.fate == Fate::Open, subject::is_open(item), "{key:?}");
        assert_eq!(row.last, subject::last(item));
        assert_eq!(*row.bytes, *leaf::encoded(item));
    }
    let shown = rows.iter().filter(|(_, row)| row.fate == Fate::Open);
    let open = model.values().filter(|item| subject::is_open(item));
    assert_eq!(shown.count(), open.count());
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn it_shows_every_item_as_it_was_last_put_whenever_it_is_merged_or_opened_again() {
    for seed in 0..4 {
        let dir = tempdir().unwrap();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut snapshot = Snapshot::open(dir.path()).unwrap();
        let mut model = Model::new();
        let mut next = 0;
        for _ in 0..80 {
            next += 1 + u64::from(rng.next_u32() % 3);
            change(&mut snapshot, &mut model, &mut rng, next);
            match rng.next_u32() % 4 {
                0 => snapshot.merge().unwrap(),
                1 => snapshot = Snapshot::open(dir.path()).unwrap(),
                _ => {}
            }
            assert_eq!(snapshot.standing(), standing(next));
            assert_eq!(snapshot.ids(), ids(next));
            agrees(&snapshot, &model);
        }
        let files = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(files, snapshot.increments.len());
    }
}

#[test]
fn the_files_that_stay_are_few_and_each_is_more_than_twice_the_next() {
    let mut sizes: Vec<u64> = Vec::new();
    let mut written = 0;
    for n in 0..2_000_u64 {
        sizes.push(100 + n % 7);
        let first = merge::first_to_merge(&sizes);
        if sizes.len() - first > 1 {
            let merged = sizes.drain(first..).sum();
            written += merged;
            sizes.push(merged);
        }
        assert!(sizes.windows(2).all(|pair| pair[0] > 2 * pair[1]));
    }
    let total: u64 = sizes.iter().sum();
    assert!(written < 8 * total, "{written} bytes merged of {total}");
    assert_eq!(merge::first_to_merge(&[]), 0);
}

#[test]
fn what_has_been_closed_is_shown_until_the_files_are_merged_and_stays_closed() {
    let dir = tempdir().unwrap();
    let mut snapshot = Snapshot::open(dir.path()).unwrap();
    let subject = subject::lot(LotId([1; 16]));
    // A large file first, that no merge touches.
    let mut changes = Changes::default();
    for n in 0..50 {
        put(
            &mut changes,
            &subject::lot(LotId([n; 16])),
            lot(0, true, 80),
        );
    }
    snapshot.add(&changes, standing(1), &ids(1)).unwrap();
    for next in 2..4 {
        let mut changes = Changes::default();
        put(&mut changes, &subject, lot(next - 1, false, 0));
        snapshot.add(&changes, standing(next), &ids(next)).unwrap();
    }
    let fate = |snapshot: &Snapshot| {
        let rows = all(snapshot).unwrap();
        let found = rows.iter().find(|(key, _)| *key == Key::of(&subject));
        found.map(|(_, row)| (row.fate, row.last))
    };
    assert_eq!(fate(&snapshot), Some((Fate::Closed, 2)));
    snapshot.merge().unwrap();
    assert_eq!(snapshot.increments.len(), 2);
    // Neither shown nor open again, as it is in the large file.
    assert_eq!(fate(&snapshot), None);
    assert_eq!(all(&snapshot).unwrap().len(), 49);
}

#[test]
fn a_crash_at_any_step_of_a_merge_leaves_every_item() {
    let (dir, before) = (tempdir().unwrap(), tempdir().unwrap());
    let mut rng = ChaCha8Rng::seed_from_u64(9);
    let mut snapshot = Snapshot::open(dir.path()).unwrap();
    let mut model = Model::new();
    for next in 1..=5 {
        change(&mut snapshot, &mut model, &mut rng, next);
    }
    copy(dir.path(), before.path());
    let old = snapshot.increments.len();
    snapshot.merge().unwrap();
    let merged = snapshot.increments.len();
    assert!(merged < old);
    // The merged file has its name, none of the others is removed yet.
    copy(before.path(), dir.path());
    let again = Snapshot::open(dir.path()).unwrap();
    assert_eq!(again.increments.len(), merged);
    agrees(&again, &model);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), merged);
    // It is not finished.
    fs::write(before.path().join(UNFINISHED), b"HZLITEMS half of it").unwrap();
    let again = Snapshot::open(before.path()).unwrap();
    assert_eq!(again.increments.len(), old);
    agrees(&again, &model);
    assert!(!before.path().join(UNFINISHED).exists());
}

#[test]
fn any_byte_that_is_changed_missing_or_added_is_noticed() {
    let (dir, harmed) = (tempdir().unwrap(), tempdir().unwrap());
    let mut snapshot = Snapshot::open(dir.path()).unwrap();
    let mut changes = Changes::default();
    put(&mut changes, &subject::lot(LotId([1; 16])), lot(0, true, 3));
    put(
        &mut changes,
        &subject::lot(LotId([2; 16])),
        lot(0, false, 3),
    );
    snapshot.add(&changes, standing(1), &ids(1)).unwrap();
    let file = harmed.path().join("items-0-1");
    let whole = fs::read(dir.path().join("items-0-1")).unwrap();
    let fails = |bytes: &[u8]| {
        fs::write(&file, bytes).unwrap();
        Snapshot::open(harmed.path()).and_then(|s| all(&s)).is_err()
    };
    assert!(!fails(&whole));
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        assert!(fails(&bytes), "byte {at} of {}", whole.len());
        assert!(fails(&whole[..at]), "cut at {at} of {}", whole.len());
    }
    assert!(fails(&[&whole[..], b"x"].concat()));
}

#[test]
fn a_file_that_is_missing_between_others_or_is_none_is_refused() {
    let dir = tempdir().unwrap();
    let mut snapshot = Snapshot::open(dir.path()).unwrap();
    for next in 1..=3 {
        snapshot
            .add(&Changes::default(), standing(next), &ids(next))
            .unwrap();
    }
    let open = || Snapshot::open(dir.path()).map(|s| s.next());
    assert_eq!(open().unwrap(), 3);
    fs::write(dir.path().join("else"), b"").unwrap();
    assert!(open().is_err());
    fs::remove_file(dir.path().join("else")).unwrap();
    fs::rename(dir.path().join("items-2-3"), dir.path().join("items-2-4")).unwrap();
    assert!(open().is_err(), "its name says more than it is");
    fs::rename(dir.path().join("items-2-4"), dir.path().join("items-2-3")).unwrap();
    fs::remove_file(dir.path().join("items-1-2")).unwrap();
    assert!(open().is_err());
}
