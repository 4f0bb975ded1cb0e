//! What is copied and what is not, and what a backup is never written over by.

use std::fs;
use std::path::Path;

use hazledger::backup::{BackupError, Source, Wanted, take, verify, verify_bytes};
use hazledger::storage::sim::{CrashPolicy, SimStorage};

use crate::ground::{Ground, copy, files, flip};

const ALL: Wanted = Wanted {
    key: true,
    refusals: true,
    thorough: false,
};

fn source(dir: &Path) -> Source {
    Source::new(dir, hazledger::ledger::genesis_hash(dir).unwrap())
}

fn is_segment(name: &str) -> bool {
    name.strip_suffix(".seg").is_some()
}

#[test]
fn only_what_is_new_is_copied_and_what_is_left_over_goes() {
    let mut ground = Ground::grown(2, 60);
    let backup = ground.path("backup");
    let first = ground.backup("backup", &[]).exits(0).json();
    let before = files(&backup);
    assert!(before.len() > 6, "{before:?}");
    assert_eq!(first["manifest"]["bytes"], first["newBytes"]);
    // Nothing happened: nothing is copied.
    let again = ground.backup("backup", &[]).exits(0).json();
    assert_eq!(
        (&again["newFiles"], &again["newBytes"]),
        (&0.into(), &0.into())
    );
    ground.grow(40);
    let second = ground.backup("backup", &[]).exits(0).json();
    let after = files(&backup);
    let is_data = |name: &&String| !["MANIFEST", "LOCK"].contains(&name.as_str());
    let new: Vec<&String> = after
        .iter()
        .filter(|(name, file)| before.get(*name).map(|file| file.0) != Some(file.0))
        .map(|(name, _)| name)
        .filter(is_data)
        .collect();
    let bytes: u64 = new.iter().map(|name| after[*name].1).sum();
    assert_eq!(second["newBytes"], bytes);
    assert_eq!(second["newFiles"], new.len() as u64);
    let kept = before
        .keys()
        .filter(|name| after.contains_key(*name))
        .filter(is_data);
    let sealed = kept.filter(|name| name.starts_with("journal-") && is_segment(name));
    assert!(sealed.count() > 2, "{before:?} {after:?}");
    assert!(new.len() < after.len() / 2 + 2, "{new:?}");
    // The last segment as it was is named no more.
    assert_eq!(
        after.keys().filter(|name| name.contains(".to-")).count(),
        1 + usize::from(
            after
                .keys()
                .any(|name| name.starts_with("refusals-") && name.contains(".to-"))
        )
    );
}

#[test]
fn a_backup_that_loses_power_at_any_step_is_the_one_before_or_the_new_one() {
    let mut ground = Ground::grown(3, 30);
    let disk = SimStorage::new();
    let taken = take(&source(&ground.dir()), &disk, ALL, 1, &mut |_| {}).unwrap();
    let old = taken.manifest.records;
    ground.grow(30);
    let source = source(&ground.dir());
    let mut cut = 0;
    let mut seen = [false; 2];
    loop {
        let target = disk.restart();
        target.power_off_at(cut);
        let Err(error) = take(&source, &target, ALL, 2, &mut |_| {}) else {
            break;
        };
        assert!(
            matches!(error, BackupError::Io { .. }),
            "step {cut}: {error}"
        );
        for policy in [CrashPolicy::LoseUnsynced, CrashPolicy::Subset(cut)] {
            let left = target.crash(policy);
            let manifest = verify_bytes(&left, &mut |_| {})
                .unwrap_or_else(|error| panic!("step {cut}, {policy:?}: {error}"));
            let is_new = manifest.records > old;
            assert!(is_new || manifest == taken.manifest, "step {cut}");
            seen[usize::from(is_new)] = true;
            // And the next one is taken as if nothing had been.
            if cut % 7 == 0 {
                let next = take(&source, &left, ALL, 3, &mut |_| {}).unwrap();
                assert!(next.manifest.records > old);
                verify(&left, &mut |_| {}).unwrap();
            }
        }
        cut += 1;
    }
    assert!(cut > 15, "{cut} steps");
    assert_eq!(seen, [true; 2], "a cut before and one after the manifest");
}

#[test]
fn a_first_backup_that_loses_power_is_none_or_whole() {
    let ground = Ground::grown(3, 20);
    let source = source(&ground.dir());
    let mut whole = 0;
    for cut in 0.. {
        let target = SimStorage::new();
        target.power_off_at(cut);
        if take(&source, &target, ALL, 1, &mut |_| {}).is_ok() {
            break;
        }
        let left = target.crash(CrashPolicy::Subset(cut));
        match verify_bytes(&left, &mut |_| {}) {
            Err(BackupError::None) => {}
            Err(error) => panic!("step {cut}: {error}"),
            Ok(_) => whole += 1,
        }
        take(&source, &left, ALL, 2, &mut |_| {}).unwrap();
        verify_bytes(&left, &mut |_| {}).unwrap();
    }
    assert!(whole > 0);
}

#[test]
fn a_backup_that_fails_at_any_step_is_the_one_before_or_the_new_one() {
    use hazledger::storage::sim::{Fault, Step};
    let mut ground = Ground::grown(3, 30);
    let disk = SimStorage::new();
    let taken = take(&source(&ground.dir()), &disk, ALL, 1, &mut |_| {}).unwrap();
    ground.grow(10);
    let source = source(&ground.dir());
    for step in 0.. {
        let target = disk.restart();
        target.fail_at(Step::At(step), Fault::NoSpace);
        let tried = take(&source, &target, ALL, 2, &mut |_| {});
        if target.failed().is_none() {
            tried.unwrap();
            break;
        }
        assert!(matches!(tried, Err(BackupError::Io { .. })), "step {step}");
        let manifest = verify_bytes(&target, &mut |_| {}).unwrap();
        assert!(manifest.records > taken.manifest.records || manifest == taken.manifest);
    }
}

#[test]
fn less_or_something_else_is_not_written_over_a_backup() {
    let mut ground = Ground::grown(4, 30);
    let older = ground.folder.path().join("older");
    copy(&ground.dir(), &older);
    ground.grow(20);
    let backup = ground.path("backup");
    ground.backup("backup", &[]).exits(0);
    let before = files(&backup);
    let older = older.to_str().unwrap().to_owned();
    let refused = crate::ground::cli(&["backup", &older, "--to", &backup]).exits(1);
    refused.says("has lost records");
    // The older copy goes on by itself, past where the backup is.
    let ledger = ground.open_at(Path::new(&older));
    ground.submit(&ledger, 80);
    ground.close(ledger);
    let refused = crate::ground::cli(&["backup", &older, "--to", &backup]).exits(1);
    refused.says("went different ways");
    let other = Ground::grown(5, 5);
    let refused = crate::ground::cli(&["backup", &other.path("ledger"), "--to", &backup]).exits(1);
    refused.says("is a backup of the ledger");
    assert_eq!(files(&backup), before);
    crate::ground::cli(&["backup", "verify", &backup])
        .exits(0)
        .says("verified");
}

#[test]
fn rot_in_the_data_directory_is_not_backed_up_and_a_backup_heals_it() {
    let mut ground = Ground::grown(6, 40);
    ground.backup("backup", &[]).exits(0);
    let sealed = ground.dir().join("journal/00000000000000000000.seg");
    let whole = fs::read(&sealed).unwrap();
    flip(&sealed, whole.len() / 2);
    // By its ends alone it is the same.
    ground.backup("backup", &[]).exits(0);
    let refused = ground.backup("backup", &["--thorough"]).exits(1);
    refused.says("journal/00000000000000000000.seg");
    let first = ground.backup("another", &[]).exits(1);
    first.says("repair");
    let (dir, backup) = (ground.path("ledger"), ground.path("backup"));
    crate::ground::cli(&["repair", &dir, "--from", &backup])
        .exits(0)
        .says("healed");
    assert_eq!(fs::read(&sealed).unwrap(), whole);
    ground.backup("backup", &["--thorough"]).exits(0);
    // Rot in the last segment.
    ground.grow(3);
    let journal = files(&ground.path("ledger/journal"));
    let last = journal.keys().rfind(|name| is_segment(name)).unwrap();
    flip(&ground.dir().join("journal").join(last), 200);
    ground.backup("backup", &[]).exits(1).says("damaged");
    crate::ground::cli(&["backup", "verify", &backup]).exits(0);
}

#[test]
fn a_damaged_backup_is_made_whole_by_a_thorough_one() {
    let ground = Ground::grown(7, 40);
    ground.backup("backup", &[]).exits(0);
    let backup = ground.path("backup");
    let sealed = "journal-00000000000000000000.seg";
    flip(&Path::new(&backup).join(sealed), 3_000);
    crate::ground::cli(&["backup", "verify", &backup])
        .exits(1)
        .says(sealed);
    let healed = ground.backup("backup", &["--thorough"]).exits(0).json();
    assert_eq!(healed["newFiles"], 1);
    crate::ground::cli(&["backup", "verify", &backup]).exits(0);
    // One that is gone is seen to be gone.
    let gone = files(&backup)
        .into_keys()
        .find(|name| name.starts_with("journal-"))
        .unwrap();
    fs::remove_file(Path::new(&backup).join(gone)).unwrap();
    ground.backup("backup", &[]).exits(0);
    crate::ground::cli(&["backup", "verify", &backup]).exits(0);
}

#[test]
fn a_folder_in_use_for_something_else_is_left_alone() {
    let ground = Ground::new(8);
    fs::create_dir(ground.path("mine")).unwrap();
    fs::write(ground.path("mine/letter.txt"), "dear").unwrap();
    ground.backup("mine", &[]).exits(2).says("letter.txt");
    ground
        .backup("ledger/backup", &[])
        .exits(2)
        .says("inside the data directory");
    let other = Ground::new(9);
    let dir = other.path("ledger");
    crate::ground::cli(&["backup", &ground.path("ledger"), "--to", &dir])
        .exits(2)
        .says("data directory");
}
