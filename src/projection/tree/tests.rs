//! The tree's files: what is read is what was hashed, after any stop.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;

use super::*;
use crate::proof::tree::{
    Frontier, check_consistency, check_inclusion, consistency_path, inclusion_path, leaf_hash,
    root_of,
};

fn leaf(position: u64) -> TreeHash {
    leaf_hash(&position.to_be_bytes())
}

fn grown(dir: &Path, size: u64) -> TreeWriter {
    let mut writer = TreeWriter::open(dir).unwrap().writer;
    for position in writer.size()..size {
        writer.push(leaf(position));
    }
    writer.write().unwrap();
    writer
}

fn root(size: u64) -> TreeHash {
    let mut frontier = Frontier::new();
    (0..size).for_each(|position| frontier.push(leaf(position)));
    frontier.root()
}

#[test]
fn what_is_written_is_read_with_every_path() {
    let folder = tempfile::tempdir().unwrap();
    let size = 70_000;
    let tree = grown(&folder.path().join("tree"), size).tree();
    for at in [1, 2, 255, 256, 257, 65_535, 65_536, 65_537, size] {
        assert_eq!(root_of(&*tree, at).unwrap(), root(at), "{at}");
        let index = at / 3;
        let path = inclusion_path(&*tree, index, at).unwrap().unwrap();
        check_inclusion(leaf(index), index, at, &path, root(at)).unwrap();
        let path = consistency_path(&*tree, at, size).unwrap().unwrap();
        check_consistency(at, root(at), size, root(size), &path).unwrap();
    }
    assert!(matches!(
        tree.node(0, size),
        Err(TreeError::Beyond { level: 0, .. })
    ));
    assert!(tree.node(63, u64::MAX).is_err());
}

#[test]
fn what_is_not_written_yet_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = grown(&folder.path().join("tree"), 10);
    writer.push(leaf(10));
    assert_eq!((writer.size(), writer.tree().size()), (11, 10));
    assert!(writer.tree().node(0, 10).is_err());
    writer.write().unwrap();
    assert_eq!(writer.tree().node(0, 10).unwrap(), leaf(10));
}

#[test]
fn after_a_stop_it_goes_on_from_what_was_synced_and_comes_to_the_same_root() {
    for synced in [0, 1, 255, 256, 257, 511, 512, 65_536, 65_700] {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("tree");
        let mut writer = grown(&dir, synced);
        writer.sync().unwrap();
        for position in synced..synced + 300 {
            writer.push(leaf(position));
        }
        writer.write().unwrap();
        drop(writer);
        let begun = TreeWriter::open(&dir).unwrap();
        assert!(begun.removed.is_none(), "{:?}", begun.removed);
        assert_eq!(begun.writer.size(), synced);
        let leaves: Vec<_> = begun.writer.last_tile().map(leaf).collect();
        assert!(begun.writer.ends_with(&leaves).unwrap());
        drop(begun);
        let writer = grown(&dir, synced + 300);
        assert_eq!(writer.root(), root(synced + 300));
        assert_eq!(
            root_of(&*writer.tree(), synced + 300).unwrap(),
            writer.root()
        );
    }
}

#[test]
fn another_journal_is_told_by_its_last_leaf() {
    let folder = tempfile::tempdir().unwrap();
    let writer = grown(&folder.path().join("tree"), 300);
    let mut leaves: Vec<_> = writer.last_tile().map(leaf).collect();
    assert_eq!(leaves.len(), 44);
    *leaves.last_mut().unwrap() = leaf(7);
    assert!(!writer.ends_with(&leaves).unwrap());
    leaves.pop();
    assert!(!writer.ends_with(&leaves).unwrap());
}

/// Each spoils the files of a tree of 70,000 so that an opening must see it.
#[test]
fn files_that_do_not_hold_what_they_should_are_removed() {
    type Spoil = fn(&Path);
    let cases: [(&str, Spoil); 6] = [
        ("SYNCED is none", |dir| {
            fs::write(dir.join("SYNCED"), "many\n").unwrap();
        }),
        ("SYNCED says more", |dir| {
            let root = root(70_000);
            fs::write(dir.join("SYNCED"), format!("70001 {root}\n")).unwrap();
        }),
        ("a level is gone", |dir| {
            fs::remove_file(dir.join("level-1")).unwrap()
        }),
        ("a level is short", |dir| {
            let file = OpenOptions::new().write(true).open(dir.join("level-0"));
            file.unwrap().set_len(69_999 * 32).unwrap();
        }),
        ("a hash of the right edge is another", |dir| {
            let file = OpenOptions::new().write(true).open(dir.join("level-0"));
            file.unwrap().write_all_at(&[9], 69_990 * 32).unwrap();
        }),
        ("the last hash of a level is another", |dir| {
            let file = OpenOptions::new().write(true).open(dir.join("level-1"));
            file.unwrap().write_all_at(&[9], 272 * 32 + 5).unwrap();
        }),
    ];
    for (name, spoil) in cases {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("tree");
        grown(&dir, 70_000).sync().unwrap();
        assert_eq!(TreeWriter::open(&dir).unwrap().writer.size(), 70_000);
        spoil(&dir);
        let begun = TreeWriter::open(&dir).unwrap();
        assert!(begun.removed.is_some(), "{name}");
        assert_eq!(begun.writer.size(), 0, "{name}");
        drop(begun);
        assert_eq!(grown(&dir, 70_000).root(), root(70_000), "{name}");
    }
}

#[test]
fn a_full_tile_that_the_disk_has_damaged_is_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("tree");
    let tree = grown(&dir, 600).tree();
    let tile = |index, width| Tile {
        level: 0,
        index,
        width,
    };
    let hashes = tree.tile(tile(0, 256)).unwrap().unwrap();
    assert_eq!((hashes.len(), hashes[255]), (256, leaf(255)));
    let partial = tree.tile(tile(2, 88)).unwrap().unwrap();
    assert_eq!((partial.len(), partial[87]), (88, leaf(599)));
    assert!(tree.tile(tile(2, 89)).unwrap().is_none());
    assert!(tree.tile(tile(3, 1)).unwrap().is_none());
    let file = OpenOptions::new().write(true).open(dir.join("level-0"));
    file.unwrap().write_all_at(&[9], 100 * 32).unwrap();
    assert!(tree.tile(tile(0, 256)).is_err());
    assert!(tree.tile(tile(1, 256)).unwrap().is_some());
}
