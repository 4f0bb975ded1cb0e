//! Segments in an archive: everything that reads a ledger reads through the
//! links, and nothing writes through them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::ground::{Ground, cli, flip};

/// What stands in a folder.
fn bytes(folder: &str) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

fn archive(ground: &Ground, store: &str, which: &[&str]) -> crate::ground::Ran {
    let (dir, to) = (ground.path("ledger"), ground.path(store));
    let mut args = vec!["archive", &dir, "--to", &to, "--format", "json"];
    args.extend(which);
    cli(&args)
}

fn listed(ground: &Ground) -> (i32, Vec<serde_json::Value>) {
    let ran = cli(&["archive", &ground.path("ledger"), "--format", "json"]);
    (ran.status, ran.json().as_array().unwrap().clone())
}

/// Nothing may write to what is in a store.
fn make_read_only(store: &str) {
    for name in bytes(store).keys() {
        let path = Path::new(store).join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(0o400)).unwrap();
    }
}

#[test]
fn an_archived_ledger_is_read_written_verified_and_backed_up_as_any_other() {
    let mut ground = Ground::grown(20, 120);
    let before = bytes(&ground.path("ledger/journal"));
    let moved = archive(&ground, "cold", &["--keep", "3"]).exits(0).json();
    let moved = moved["moved"].as_array().unwrap().len();
    assert!(moved > 3, "{moved} moved");
    let store = ground.path("cold");
    make_read_only(&store);
    let archived = bytes(&store);
    // The same bytes under the same names, through the links and in the store.
    assert_eq!(bytes(&ground.path("ledger/journal")), before);
    let links = |ground: &Ground| {
        let entries = fs::read_dir(ground.path("ledger/journal")).unwrap();
        entries
            .filter(|e| e.as_ref().unwrap().file_type().unwrap().is_symlink())
            .count()
    };
    assert_eq!(links(&ground), moved);
    let (status, list) = listed(&ground);
    assert_eq!(status, 0);
    assert_eq!(list.len(), before.len());
    assert!(list[0]["archivedAs"].as_str().unwrap().starts_with(&store));
    assert!(list.last().unwrap()["archivedAs"].is_null());
    // Verified, written on, read from its first record (the projection is gone).
    let verify = |ground: &Ground| {
        let said = cli(&["verify", &ground.path("ledger"), "--format", "json"])
            .exits(0)
            .json();
        said["records"].as_u64().unwrap()
    };
    let had = verify(&ground);
    fs::remove_dir_all(ground.path("ledger/projection")).unwrap();
    ground.grow(20);
    assert!(verify(&ground) > had);
    assert_eq!(links(&ground), moved);
    // Backed up, restored.
    ground.backup("backup", &[]).exits(0);
    ground.restore("backup", "restored").exits(0);
    cli(&["verify", &ground.path("restored")]).exits(0);
    // Nothing is moved twice, and by position the same.
    assert_eq!(
        archive(&ground, "cold", &["--before", "1"]).exits(0).json()["moved"],
        serde_json::json!([])
    );
    for (name, was) in archived {
        assert_eq!(
            fs::read(Path::new(&store).join(&name)).unwrap(),
            was,
            "{name}"
        );
    }
}

#[test]
fn a_server_that_has_the_journal_open_goes_on_while_segments_move() {
    let mut ground = Ground::grown(21, 30);
    let ledger = ground.open();
    for keep in ["6", "4", "2"] {
        archive(&ground, "cold", &["--keep", keep]).exits(0);
        ground.submit(&ledger, 10);
        for position in 0..ledger.committed() {
            assert!(
                ledger.record(position).unwrap().is_some(),
                "record {position}"
            );
        }
    }
    ground.close(ledger);
    cli(&["verify", &ground.path("ledger")]).exits(0);
}

#[test]
fn a_store_that_is_not_mounted_is_named_with_what_to_do() {
    let ground = Ground::grown(22, 40);
    archive(&ground, "cold", &["--keep", "2"]).exits(0);
    fs::rename(ground.path("cold"), ground.path("colder")).unwrap();
    let dir = ground.path("ledger");
    let store = ground.path("cold");
    let serve = cli(&["serve", &dir, "--listen", "127.0.0.1:0"]).exits(2);
    let verify = cli(&["verify", &dir]).exits(1);
    for ran in [serve, verify, cli(&["archive", &dir]).exits(1)] {
        ran.says(&format!("{store}/00000000000000000000.seg"));
        ran.says("mount that store");
    }
    ground
        .backup("backup", &[])
        .exits(1)
        .says("mount that store");
    // A store without them does not do.
    archive(&ground, "nothing", &["--keep", "2"])
        .exits(2)
        .says("which cannot be read");
    // Where they are now does, once what is there holds.
    let segment = Path::new(&ground.path("colder")).join("00000000000000000000.seg");
    let whole = fs::read(&segment).unwrap();
    flip(&segment, whole.len() / 3);
    archive(&ground, "colder", &["--keep", "2"])
        .exits(1)
        .says("does not hold");
    fs::write(&segment, whole).unwrap();
    archive(&ground, "colder", &["--keep", "2"]).exits(0);
    cli(&["verify", &dir]).exits(0);
}

#[test]
fn a_store_in_the_data_directory_is_none() {
    let ground = Ground::grown(25, 40);
    let before = bytes(&ground.path("ledger/journal"));
    let link = ground.path("elsewhere");
    std::os::unix::fs::symlink(ground.path("ledger/journal"), &link).unwrap();
    for store in ["ledger/journal", "elsewhere", "ledger", "ledger/cold/er"] {
        archive(&ground, store, &["--keep", "1"])
            .exits(2)
            .says("outside the data directory");
    }
    assert_eq!(bytes(&ground.path("ledger/journal")), before);
    assert!(!Path::new(&ground.path("ledger/cold")).exists());
    cli(&["verify", &ground.path("ledger")]).exits(0);
}

#[test]
fn repair_puts_a_whole_segment_here_and_leaves_the_archive_as_it_is() {
    let ground = Ground::grown(23, 40);
    ground.backup("backup", &[]).exits(0);
    archive(&ground, "cold", &["--keep", "2"]).exits(0);
    let name = "00000000000000000000.seg";
    let segment = Path::new(&ground.path("cold")).join(name);
    let length = fs::metadata(&segment).unwrap().len();
    flip(&segment, usize::try_from(length).unwrap() / 2);
    let damaged = bytes(&ground.path("cold"));
    let dir = ground.path("ledger");
    cli(&["verify", &dir]).exits(1).says(name);
    cli(&["repair", &dir, "--from", &ground.path("backup")])
        .exits(0)
        .says("healed");
    cli(&["verify", &dir]).exits(0);
    assert_eq!(bytes(&ground.path("cold")), damaged);
    let here = ground.dir().join("journal").join(name);
    assert!(fs::symlink_metadata(&here).unwrap().is_file());
    let kept = ground
        .dir()
        .join("journal")
        .join(format!("{name}.damaged-1"));
    assert!(fs::symlink_metadata(kept).unwrap().is_symlink());
    // What is in the store under that name is not the segment, and says so.
    archive(&ground, "cold", &["--keep", "2"])
        .exits(1)
        .says("is not the journal's");
}

#[test]
fn rot_is_not_archived_and_what_is_left_over_does_no_harm() {
    let ground = Ground::grown(24, 40);
    let name = "00000000000000000000.seg";
    let segment = ground.dir().join("journal").join(name);
    let whole = fs::read(&segment).unwrap();
    flip(&segment, whole.len() / 2);
    archive(&ground, "cold", &["--keep", "2"])
        .exits(1)
        .says("does not hold");
    assert!(fs::symlink_metadata(&segment).unwrap().is_file());
    assert!(!Path::new(&ground.path("cold")).join(name).exists());
    fs::write(&segment, &whole).unwrap();
    // Cut short while copying, and while linking.
    fs::write(
        Path::new(&ground.path("cold")).join(format!("{name}.new")),
        "half",
    )
    .unwrap();
    std::os::unix::fs::symlink("/nowhere", segment.with_extension("seg.new")).unwrap();
    archive(&ground, "cold", &["--keep", "2"]).exits(0);
    cli(&["verify", &ground.path("ledger")]).exits(0);
    std::os::unix::fs::symlink("/nowhere", segment.with_extension("seg.new")).unwrap();
    ground.close(ground.open());
    assert!(fs::symlink_metadata(segment.with_extension("seg.new")).is_err());
}
