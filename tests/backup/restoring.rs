//! What is restored, and what is not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use hazledger::backup::Manifest;
use hazledger::ledger::Known;

use crate::ground::{Ground, Server, cli, files, flip};

#[test]
fn a_restored_ledger_is_the_same_and_stands_under_its_mark() {
    let mut ground = Ground::grown(10, 50);
    let taken = ground.backup("backup", &[]).exits(0).json();
    assert_eq!(taken["key"], "plainText");
    let restored = ground.restore("backup", "restored").exits(0).json();
    assert_eq!(restored["manifest"], taken["manifest"]);
    let dir = ground.folder.path().join("restored");
    let mark = fs::read_to_string(dir.join("RESTORED")).unwrap();
    let records = taken["manifest"]["records"].to_string();
    assert!(mark.contains(&format!("records = {records}\n")), "{mark}");
    for name in files(&ground.path("restored/journal")).keys() {
        let was = fs::read(ground.dir().join("journal").join(name)).unwrap();
        let is = fs::read(dir.join("journal").join(name)).unwrap();
        assert!(was.starts_with(&is), "{name}");
    }
    let key = fs::metadata(dir.join("ledger.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    ground
        .restore("backup", "restored")
        .exits(2)
        .says("is not empty");
    let acks = ground.acks.len();
    assert!(acks > 20);
    // Under the mark it accepts nothing; once it is shown that nothing is lost,
    // it goes on as any other.
    let ledger = ground.open_at(&dir);
    let issued = ground.world.next_statement();
    let held = ground.runtime.block_on(ledger.submit(issued.signed));
    assert!(held.is_err(), "{held:?}");
    let signed = fs::read_to_string(ground.dir().join("checkpoints/signed")).unwrap();
    let confirmed = ledger.confirm_complete(Known::Checkpoint(&signed)).unwrap();
    assert!(confirmed.ended_wait);
    ground.close(ledger);
    assert!(!dir.join("RESTORED").exists());
    let ledger = ground.open_at(&dir);
    let had = ledger.committed();
    ground.submit(&ledger, 10);
    assert!(ledger.committed() > had);
    ground.close(ledger);
    cli(&["verify", &ground.path("restored")])
        .exits(0)
        .says("verified");
}

#[test]
fn a_flipped_byte_in_any_file_stops_the_restore_and_names_it() {
    let ground = Ground::grown(11, 25);
    ground.backup("backup", &[]).exits(0);
    let backup = ground.path("backup");
    let manifest = fs::read_to_string(Path::new(&backup).join("MANIFEST")).unwrap();
    let named = Manifest::parse(&manifest).unwrap().files;
    assert!(named.len() > 4);
    for file in &named {
        let path = Path::new(&backup).join(&file.stored);
        let whole = fs::read(&path).unwrap();
        for at in [0, whole.len() / 2, whole.len() - 1] {
            flip(&path, at);
            let refused = ground.restore("backup", "restored").exits(1);
            refused.says(&file.stored);
            refused.says("BLAKE3");
            assert!(!Path::new(&ground.path("restored")).exists());
            assert!(!Path::new(&ground.path("restored.restoring")).exists());
            fs::write(&path, &whole).unwrap();
        }
        fs::write(&path, &whole[1..]).unwrap();
        ground
            .restore("backup", "restored")
            .exits(1)
            .says(&file.stored);
        fs::remove_file(&path).unwrap();
        ground
            .restore("backup", "restored")
            .exits(1)
            .says(&file.stored);
        fs::write(&path, &whole).unwrap();
    }
    ground.restore("backup", "restored").exits(0);
}

#[test]
fn every_byte_of_a_manifest_counts() {
    let ground = Ground::grown(12, 5);
    ground.backup("backup", &[]).exits(0);
    let text = fs::read(Path::new(&ground.path("backup")).join("MANIFEST")).unwrap();
    let parsed = Manifest::parse(std::str::from_utf8(&text).unwrap()).unwrap();
    assert_eq!(parsed.to_string().as_bytes(), text);
    for at in 0..text.len() {
        let mut bytes = text.clone();
        bytes[at] ^= 1;
        if let Ok(flipped) = std::str::from_utf8(&bytes) {
            Manifest::parse(flipped).unwrap_err();
        }
        let cut = &text[..at];
        Manifest::parse(std::str::from_utf8(cut).unwrap()).unwrap_err();
    }
    let path = Path::new(&ground.path("backup")).join("MANIFEST");
    flip(&path, text.len() / 2);
    ground
        .restore("backup", "restored")
        .exits(1)
        .says("MANIFEST");
}

#[test]
fn a_backup_whose_bytes_are_right_and_whose_word_is_not_is_not_restored() {
    let ground = Ground::grown(13, 25);
    ground.backup("backup", &[]).exits(0);
    let backup = ground.path("backup");
    let path = Path::new(&backup).join("MANIFEST");
    let mut manifest = Manifest::parse(&fs::read_to_string(&path).unwrap()).unwrap();
    // Whoever has the disk can make hashes right, and cut records off.
    manifest.records -= 1;
    fs::write(&path, manifest.to_string()).unwrap();
    let refused = ground.restore("backup", "restored").exits(1);
    refused.says("does not verify");
    manifest.records += 1;
    let first = manifest
        .files
        .iter()
        .position(|file| file.name.starts_with("journal/"))
        .unwrap();
    manifest.files.remove(first);
    fs::write(&path, manifest.to_string()).unwrap();
    ground
        .restore("backup", "restored")
        .exits(1)
        .says("does not verify");
    assert!(!Path::new(&ground.path("restored")).exists());
}

#[test]
fn what_cannot_be_tried_exits_2() {
    let ground = Ground::grown(14, 5);
    fs::create_dir(ground.path("nothing")).unwrap();
    ground
        .restore("nothing", "restored")
        .exits(2)
        .says("no MANIFEST");
    ground.restore("absent", "restored").exits(2).says("absent");
    cli(&["backup", "verify", &ground.path("nothing")])
        .exits(2)
        .says("no MANIFEST");
    ground.backup("backup", &["--without-key"]).exits(0);
    assert!(!files(&ground.path("backup")).contains_key("ledger.key"));
    fs::create_dir(ground.path("restored.restoring")).unwrap();
    ground
        .restore("backup", "restored")
        .exits(2)
        .says("left over");
    fs::remove_dir(ground.path("restored.restoring")).unwrap();
    let restored = ground.restore("backup", "restored").exits(0).json();
    assert_eq!(restored["hasKey"], false);
    // A backup is no data directory.
    cli(&["verify", &ground.path("backup")])
        .exits(2)
        .says("holds no ledger");
}

#[test]
fn a_restored_ledger_is_served_once_a_kept_checkpoint_is_there() {
    let ground = Ground::grown(15, 30);
    ground.backup("backup", &[]).exits(0);
    let said = cli(&["restore", &ground.path("backup"), &ground.path("restored")]).exits(0);
    said.says("--known-checkpoint FILE");
    let known = ground.path("ledger/checkpoints/signed");
    let restored = ground.path("restored");
    let mark = Path::new(&restored).join("RESTORED");
    drop(Server::start(&restored, &[]));
    assert!(mark.exists());
    // A later checkpoint, of what has been lost, does not end the wait.
    let mut ground = ground;
    ground.grow(10);
    drop(Server::start(&restored, &["--known-checkpoint", &known]));
    assert!(mark.exists());
    // Taken again, nothing is.
    ground.backup("backup", &[]).exits(0);
    ground.restore("backup", "again").exits(0);
    let again = ground.path("again");
    drop(Server::start(&again, &["--known-checkpoint", &known]));
    assert!(!Path::new(&again).join("RESTORED").exists());
}

#[test]
fn the_folder_that_it_is_run_in_is_restored_into_by_its_own_name() {
    let ground = Ground::grown(14, 20);
    ground.backup("backup", &[]).exits(0);
    let here = ground.folder.path().join("here");
    fs::create_dir(&here).unwrap();
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_hazledger"))
        .args(["restore", &ground.path("backup"), "."])
        .current_dir(&here)
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
    cli(&["verify", here.to_str().unwrap()]).exits(0);
}
