//! Whatever step the power goes in or the disk fails at, a file that is being
//! replaced is the old one or the new one, whole, and the caller knows which
//! of them it may be.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::io::{self, Write as _};

use super::{NotReplaced, UNFINISHED, replace, replace_file};
use crate::storage::sim::{CrashPolicy, Fault, SimStorage, Step};
use crate::storage::{Storage as _, StorageFile as _};

const NAME: &str = "kept";
const OLD: [u8; 100] = [b'a'; 100];
const NEW: [u8; 90] = [b'b'; 90];

/// Seeds of what survives of steps that were not synced.
const SEEDS: u64 = 40;

fn put(disk: &SimStorage, bytes: &[u8]) -> Result<(), NotReplaced> {
    // In two writes, so that one of them alone may survive.
    replace(disk, NAME, |file| {
        let (first, second) = bytes.split_at(bytes.len() / 2);
        file.write_all_at(first, 0)?;
        file.write_all_at(second, first.len() as u64)
    })
}

/// A disk with the old file, and perhaps half of one beside it.
fn disk(with_left_over: bool) -> SimStorage {
    let disk = SimStorage::new();
    put(&disk, &OLD).unwrap();
    if with_left_over {
        let file = disk.create(&format!("{NAME}{UNFINISHED}")).unwrap();
        file.write_all_at(b"half", 0).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir().unwrap();
    }
    disk
}

/// Steps of one replacement.
fn steps(with_left_over: bool) -> u64 {
    let disk = disk(with_left_over);
    let before = disk.steps();
    put(&disk, &NEW).unwrap();
    disk.steps() - before
}

fn policies() -> impl Iterator<Item = CrashPolicy> {
    let subsets = (0..SEEDS).map(CrashPolicy::Subset);
    std::iter::once(CrashPolicy::LoseUnsynced).chain(subsets)
}

/// Whether it is the new one that a crash leaves; it is one of the two.
fn is_new_after(disk: &SimStorage, policy: CrashPolicy) -> bool {
    let left = disk.crash(policy);
    let bytes = left.bytes(NAME).expect("one of the two is there");
    assert!(bytes == OLD || bytes == NEW, "{policy:?}: torn");
    // And the next replacement goes through, whatever was left beside it.
    put(&left, b"the next").unwrap();
    let next = left.crash(CrashPolicy::LoseUnsynced);
    assert_eq!(next.bytes(NAME).unwrap(), b"the next");
    assert_eq!(next.list().unwrap(), [NAME]);
    bytes == NEW
}

#[test]
fn a_power_loss_in_any_step_leaves_the_old_or_the_new() {
    for with_left_over in [false, true] {
        let mut both = [false; 2];
        for step in 0..steps(with_left_over) {
            for policy in policies() {
                let disk = disk(with_left_over);
                disk.power_off_at(disk.steps() + step);
                let failed = put(&disk, &NEW).expect_err("the power went");
                let is_new = is_new_after(&disk, policy);
                both[usize::from(is_new)] = true;
                let is_before = matches!(failed, NotReplaced::Before(_));
                assert!(!(is_new && is_before), "step {step}, {policy:?}: {failed}");
            }
        }
        assert_eq!(both, [true; 2], "one of the two was never left");
    }
}

#[test]
fn what_is_said_to_be_replaced_outlives_every_crash() {
    for with_left_over in [false, true] {
        for policy in policies() {
            let disk = disk(with_left_over);
            put(&disk, &NEW).unwrap();
            assert!(is_new_after(&disk, policy), "{policy:?}");
        }
    }
}

#[test]
fn a_failure_of_any_step_says_whether_the_old_one_stands() {
    let count = steps(true);
    let faults = [Fault::Io, Fault::NoSpace, Fault::ShortWrite(7)];
    for (step, fault) in (0..count).flat_map(|step| faults.map(|fault| (step, fault))) {
        let disk = disk(true);
        disk.fail_at(Step::At(disk.steps() + step), fault);
        let failed = put(&disk, &NEW).expect_err("a step failed");
        let (action, _) = disk.failed().unwrap();
        // The rename and the sync of the folder are the last two.
        let may_be_new = step + 2 >= count;
        let in_doubt = matches!(failed, NotReplaced::InDoubt(_));
        assert_eq!(in_doubt, may_be_new, "step {step}, {action}: {failed}");
        if !in_doubt {
            assert_eq!(disk.bytes(NAME).unwrap(), OLD, "step {step}, {action}");
        }
        for policy in policies() {
            assert!(in_doubt || !is_new_after(&disk, policy), "step {step}");
        }
    }
}

#[test]
fn a_write_that_fails_leaves_the_old_one() {
    let disk = disk(false);
    let failed = replace(&disk, NAME, |_| Err(io::Error::other("nothing to write")));
    assert!(matches!(failed, Err(NotReplaced::Before(_))), "{failed:?}");
    assert_eq!(disk.bytes(NAME).unwrap(), OLD);
}

#[test]
fn a_file_in_a_real_folder_is_replaced_and_nothing_left_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(NAME);
    fs::write(dir.path().join("kept.new"), "left by a crash, and longer").unwrap();
    for text in ["one", "another"] {
        replace_file(&path, |mut file| file.write_all(text.as_bytes())).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
    let nowhere = replace_file(&dir.path().join("no/such"), |_| Ok(()));
    assert!(matches!(nowhere, Err(NotReplaced::Before(_))));
    assert!(replace_file(&dir.path().join(".."), |_| Ok(())).is_err());
}
