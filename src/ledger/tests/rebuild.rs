//! A projection that is gone, damaged, of another version or of other records
//! is set aside and rebuilt: the state comes out the same.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::tempdir;

use super::world::{World, acknowledged, digest};
use crate::projection::{Standing, Store, Table, Writes};
use crate::storage::sim::SimStorage;

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries.filter(|path| path.is_file()).collect()
}

fn write_row(store: &Path, change: impl FnOnce(&mut Writes, &mut Standing)) {
    let store = Store::open(store).unwrap();
    let (mut writes, mut standing) = (Writes::default(), store.reading().standing());
    change(&mut writes, &mut standing);
    store.apply(writes, standing).unwrap();
    store.flush().unwrap();
}

/// What happens to the store, and whether it is noticed as damage.
type Harm = (&'static str, bool, fn(&Path, &World));

const HARMS: &[Harm] = &[
    ("deleted", false, |store, _| {
        fs::remove_dir_all(store).unwrap();
    }),
    ("garbage", true, |store, _| {
        for file in files(store) {
            let length = fs::metadata(&file).unwrap().len() as usize;
            fs::write(&file, vec![0xa5; length]).unwrap();
        }
    }),
    ("another version", true, |store, _| {
        let db = Store::open(store).unwrap();
        let mut bytes = db.reading().standing().encode();
        bytes[3] += 1;
        assert!(Standing::decode(&bytes).is_err());
        db.tamper(Table::Meta, Standing::KEY, &bytes).unwrap();
    }),
    ("the snapshot deleted", true, |store, _| {
        fs::remove_dir_all(store.join("snapshot")).unwrap();
    }),
    ("its last part deleted", true, |store, _| {
        let last = files(&store.join("snapshot")).into_iter().max_by_key(|p| {
            let name = p.file_name().unwrap().to_str().unwrap();
            name.rsplit_once('-').unwrap().1.parse::<u64>().unwrap()
        });
        fs::remove_file(last.unwrap()).unwrap();
    }),
    ("an item changed", true, |store, world| {
        let subject = crate::custody::subject::place(&world.maker_party, "P3");
        let mut harmed = 0;
        for file in files(&store.join("snapshot")) {
            let mut bytes = fs::read(&file).unwrap();
            let mut ids = bytes.windows(subject.id.len());
            if let Some(at) = ids.position(|id| id == subject.id) {
                bytes[at + subject.id.len() + 20] ^= 1;
                fs::write(&file, bytes).unwrap();
                harmed += 1;
            }
        }
        assert!(harmed > 0);
    }),
    ("other records", true, |store, _| {
        write_row(store, |_, standing| standing.last_head.0[0] ^= 1);
    }),
    ("more records than there are", true, |store, _| {
        write_row(store, |_, standing| standing.next += 1);
    }),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_will_not_do_is_set_aside_and_rebuilt_the_same() {
    for (name, is_damage, harm) in HARMS {
        let (dir, mut world) = (tempdir().unwrap(), World::new(4));
        let store = dir.path().join("projection");
        let storage = SimStorage::new();
        let ledger = world.start(&storage, &store);
        ledger.submit(world.registration()).await.unwrap();
        for number in 0..6 {
            ledger
                .submit(world.another_place(&format!("P{number}")))
                .await
                .unwrap();
        }
        let before = digest(&ledger);
        ledger.close().await.unwrap();
        harm(&store, &world);
        let (ledger, opened) = world.open(&storage, &store);
        assert_eq!(opened.replayed, opened.records, "{name}");
        assert_eq!(
            opened.set_aside.is_some(),
            *is_damage,
            "{name}: {:?}",
            opened.set_aside
        );
        if let Some((aside, why)) = opened.set_aside {
            assert!(aside.exists() && !why.is_empty(), "{name}");
        }
        assert_eq!(digest(&ledger), before, "{name}");
        acknowledged(ledger.submit(world.another_place("MORE")).await.unwrap());
        ledger.close().await.unwrap();
        let (_, opened) = world.open(&storage, &store);
        assert_eq!((opened.replayed, opened.set_aside), (0, None), "{name}");
    }
}
