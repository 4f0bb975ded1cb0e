//! Data directories that cannot be used: each says its own, and exits 2.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs;

use crate::support::{PASSPHRASE, Ran, Server, World, cli, hazledger, run};

fn serve(dir: &str, more: &[&str]) -> Ran {
    let mut command = hazledger();
    command
        .args(["serve", dir, "--listen", "127.0.0.1:0"])
        .args(more);
    run(command.env("HAZLEDGER_PASSPHRASE", PASSPHRASE))
}

#[test]
fn what_is_no_ledger_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_str().unwrap();
    for ran in [serve(dir, &[]), cli(["verify", dir])] {
        let ran = ran.exits(2);
        ran.says("holds no ledger");
        ran.says(dir);
    }
    let absent = folder.path().join("absent");
    serve(absent.to_str().unwrap(), &[])
        .exits(2)
        .says("does not exist");
}

#[test]
fn another_version_is_told_as_such() {
    let world = World::new();
    let marker = world.dir().join("LEDGER");
    let text = fs::read_to_string(&marker).unwrap();
    fs::write(&marker, text.replace("version = 1", "version = 7")).unwrap();
    serve(&world.path("ledger"), &[]).exits(2).says("version 7");
}

#[test]
fn a_directory_in_use_is_told_as_such_and_left_alone() {
    let world = World::new();
    let server = Server::start(&world.dir());
    serve(&world.path("ledger"), &[]).exits(2).says("in use");
    cli(["verify", &world.path("ledger")])
        .exits(2)
        .says("in use");
    world.register(&server, &[]).exits(0);
    assert_eq!(server.stop(), 0);
    cli(["verify", &world.path("ledger")])
        .exits(0)
        .says("verified");
}

#[test]
fn a_directory_that_cannot_be_written_is_told_as_such() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let mut paths = vec![world.dir()];
    while let Some(path) = paths.pop() {
        let is_dir = path.is_dir();
        if is_dir {
            paths.extend(
                fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        }
        fs::set_permissions(
            &path,
            fs::Permissions::from_mode(if is_dir { 0o555 } else { 0o444 }),
        )
        .unwrap();
    }
    let writable = fs::File::create(world.dir().join("probe")).is_ok();
    if writable {
        eprintln!("SKIPPED: this user (root?) may write to read-only directories");
    } else {
        serve(&world.path("ledger"), &[])
            .exits(2)
            .says("ermission denied");
        cli(["verify", &world.path("ledger")])
            .exits(0)
            .says("verified");
    }
    // So that the folder can be removed again.
    fs::set_permissions(world.dir(), fs::Permissions::from_mode(0o755)).unwrap();
    for entry in fs::read_dir(world.dir()).unwrap() {
        let path = entry.unwrap().path();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn a_wrong_or_missing_ledger_key_is_told_as_such() {
    let world = World::new();
    let ran = serve(
        &world.path("ledger"),
        &["--ledger-key", &world.path("plant.key")],
    )
    .exits(2);
    ran.says("not the one that genesis names");
    fs::remove_file(world.dir().join("ledger.key")).unwrap();
    let ran = serve(&world.path("ledger"), &[]).exits(2);
    ran.says("ledger.key");
    ran.says("No such file");
}

#[test]
fn only_loopback_is_listened_at() {
    let world = World::new();
    let mut command = hazledger();
    command.args(["serve", &world.path("ledger"), "--listen", "0.0.0.0:0"]);
    run(&mut command).exits(2).says("--listen 0.0.0.0:0");
}

#[test]
fn a_ledger_is_made_in_an_empty_directory_only() {
    let world = World::new();
    let again = cli([
        "init",
        &world.path("ledger"),
        "--name",
        "again",
        "--authority-party",
        &world.bureau,
        "--authority-name-zh",
        "局",
        "--authority-key",
        &world.path("bureau.key"),
        "--plain-text-key",
        "--ledger-key",
        &world.path("again.key"),
    ])
    .exits(2);
    again.says("not empty");
    assert!(
        !world.folder.path().join("again.key").exists(),
        "a key without a ledger"
    );
}

#[test]
fn a_journal_cut_before_an_acknowledged_record_exits_1_and_names_it() {
    let world = World::new();
    let server = Server::start(&world.dir());
    world.register(&server, &[]).exits(0);
    assert_eq!(server.stop(), 0);
    let before = world.path("before");
    fs::create_dir_all(format!("{before}/journal")).unwrap();
    fs::copy(world.dir().join("LEDGER"), format!("{before}/LEDGER")).unwrap();
    for entry in fs::read_dir(world.dir().join("journal")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        fs::copy(entry.path(), format!("{before}/journal/{name}")).unwrap();
    }
    let server = Server::start(&world.dir());
    let file = world.stamped("made.jsonl", &[world.produced("NC-1", "5000000")]);
    let acks = world.path("acks.jsonl");
    world.submit(&server, &file, &["--acks", &acks]).exits(0);
    assert_eq!(server.stop(), 0);
    cli(["verify", &world.path("ledger"), "--acks", &acks]).exits(0);
    let chain = [
        "verify",
        &world.path("ledger"),
        "--chain-only",
        "--acks",
        &acks,
    ];
    cli(chain)
        .exits(0)
        .says("chain and tree verified, nothing else");
    cli(["verify", &before, "--chain-only", "--acks", &acks]).exits(1);
    cli(["verify", &before]).exits(0);
    let ran = cli(["verify", &before, "--acks", &acks]).exits(1);
    ran.says("record 2");
    ran.says("acks.jsonl:1");
}

#[test]
fn damage_exits_1_and_names_the_position() {
    let world = World::new();
    let server = Server::start(&world.dir());
    world.register(&server, &[]).exits(0);
    assert_eq!(server.stop(), 0);
    let journal = world.dir().join("journal");
    let segment = fs::read_dir(&journal)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut bytes = fs::read(&segment).unwrap();
    let name = "氰化钠厂".as_bytes();
    let at = bytes
        .windows(name.len())
        .position(|run| run == name)
        .unwrap();
    *bytes.get_mut(at).unwrap() ^= 1;
    fs::write(&segment, bytes).unwrap();
    let ran = cli(["verify", &world.path("ledger"), "--format", "json"]).exits(1);
    let verdict = ran.lines().remove(0);
    let verified = verdict.get("verified").and_then(serde_json::Value::as_bool);
    assert_eq!(verified, Some(false));
    let position = verdict
        .pointer("/problems/0/position")
        .and_then(serde_json::Value::as_u64);
    assert_eq!(position, Some(1), "{verdict}");
    serve(&world.path("ledger"), &[]).exits(2).says("damaged");
    // Nor is it verified if nobody listens.
    let mut deaf = std::process::Command::new(env!("CARGO_BIN_EXE_hazledger"));
    deaf.args(["verify", &world.path("ledger")]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = deaf.stdout(writer).status().unwrap();
    assert_ne!(status.code(), Some(0));
}

#[test]
fn a_disk_with_less_room_than_the_reserve_takes_no_statement_and_says_why() {
    let world = World::new();
    // A hundred million MiB: no disk has that.
    let server = Server::start_with(&world.dir(), &["--disk-reserve", "100000000"]);
    let ran = world.register(&server, &[]).exits(2);
    ran.says("nearly full");
    ran.says("make room");
    assert_eq!(server.stop(), 0);
    let server = Server::start(&world.dir());
    world.register(&server, &[]).exits(0);
    assert_eq!(server.stop(), 0);
    serve(&world.path("ledger"), &["--disk-reserve", "1"])
        .exits(2)
        .says("four times a segment");
}
