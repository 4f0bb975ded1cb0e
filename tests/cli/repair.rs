//! Rot in a data directory: told while it is served, refused at start-up with
//! the way out, and healed from a copy by `hazledger repair`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc;

use crate::support::{Lines, PASSPHRASE, PATIENCE, Ran, Server, World, cli, hazledger, run};

fn segment(dir: &Path) -> PathBuf {
    let journal = fs::read_dir(dir.join("journal")).unwrap();
    let mut paths: Vec<PathBuf> = journal.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "seg"));
    assert_eq!(paths.len(), 1);
    paths.remove(0)
}

/// Flips a bit of the byte where `text` stands first.
fn rot(segment: &Path, text: &str) -> u64 {
    let bytes = fs::read(segment).unwrap();
    let text = text.as_bytes();
    let at = bytes
        .windows(text.len())
        .position(|run| run == text)
        .unwrap();
    let file = File::options().write(true).open(segment).unwrap();
    file.write_all_at(&[bytes[at] ^ 1], at as u64).unwrap();
    at as u64
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("journal")).unwrap();
    fs::copy(from.join("LEDGER"), to.join("LEDGER")).unwrap();
    for entry in fs::read_dir(from.join("journal")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join("journal").join(entry.file_name())).unwrap();
    }
}

/// A ledger with records, closed; a copy from before its last records; and the
/// acknowledgements of all.
fn grown() -> (World, String, String) {
    let world = World::new();
    let acks = world.path("acks.jsonl");
    let backup = world.path("backup");
    let server = Server::start(&world.dir());
    world.register(&server, &["--acks", &acks]).exits(0);
    assert_eq!(server.stop(), 0);
    copy(&world.dir(), Path::new(&backup));
    let server = Server::start(&world.dir());
    let lines: Vec<_> = (0..5)
        .map(|n| world.produced(&format!("LOT-{n}"), "5000000"))
        .collect();
    let file = world.stamped("made.jsonl", &lines);
    world.submit(&server, &file, &["--acks", &acks]).exits(0);
    assert_eq!(server.stop(), 0);
    (world, backup, acks)
}

fn serve(dir: &str) -> Ran {
    let mut command = hazledger();
    command.args(["serve", dir, "--listen", "127.0.0.1:0"]);
    run(command.env("HAZLEDGER_PASSPHRASE", PASSPHRASE))
}

#[test]
fn rot_stops_the_start_with_the_way_out_and_an_older_copy_heals_it() {
    let (world, backup, acks) = grown();
    let ledger = world.path("ledger");
    let at = rot(&segment(&world.dir()), "氰化钠厂");
    let refused = serve(&ledger).exits(2);
    refused.says("damaged at byte");
    refused.says("hazledger repair");
    let ran = cli(["repair", &ledger, "--from", &backup, "--format", "json"]).exits(0);
    let said = ran.lines().remove(0);
    assert_eq!(said["sound"], true, "{said}");
    assert_eq!(said["healed"][0]["damage"]["position"], 1, "{said}");
    assert!(said["healed"][0]["damage"]["offset"].as_u64().unwrap() <= at);
    let kept = said["healed"][0]["kept"].as_str().unwrap();
    assert!(world.dir().join("journal").join(kept).exists());
    cli(["verify", &ledger, "--acks", &acks])
        .exits(0)
        .says("verified");
    assert_eq!(Server::start(&world.dir()).stop(), 0);
    cli(["repair", &ledger, "--from", &backup])
        .exits(0)
        .says("nothing to heal");
}

#[test]
fn a_missing_segment_comes_back_from_a_copy() {
    let (world, _, acks) = grown();
    let (ledger, whole) = (world.path("ledger"), world.path("whole"));
    copy(&world.dir(), Path::new(&whole));
    fs::remove_file(segment(&world.dir())).unwrap();
    serve(&ledger).exits(2);
    // The journal's folder alone will do.
    let from = format!("{whole}/journal");
    cli(["repair", &ledger, "--from", &from])
        .exits(0)
        .says("nothing stood there");
    cli(["verify", &ledger, "--acks", &acks])
        .exits(0)
        .says("verified");
}

#[test]
fn a_lost_end_is_refused_with_the_way_out_and_comes_back() {
    let (world, backup, acks) = grown();
    let (ledger, whole) = (world.path("ledger"), world.path("whole"));
    copy(&world.dir(), Path::new(&whole));
    let segment = segment(&world.dir());
    fs::copy(
        Path::new(&backup)
            .join("journal")
            .join(segment.file_name().unwrap()),
        &segment,
    )
    .unwrap();
    let refused = serve(&ledger).exits(2);
    refused.says("lost acknowledged records");
    refused.says("hazledger repair");
    cli(["repair", &ledger, "--from", &whole])
        .exits(0)
        .says("healed");
    cli(["verify", &ledger, "--acks", &acks])
        .exits(0)
        .says("verified");
    assert_eq!(Server::start(&world.dir()).stop(), 0);
}

#[test]
fn what_cannot_be_healed_exits_1_and_what_cannot_be_tried_2() {
    let (world, backup, _) = grown();
    let ledger = world.path("ledger");
    // After what the copy has.
    rot(&segment(&world.dir()), "LOT-2");
    let before = fs::read(segment(&world.dir())).unwrap();
    let ran = cli(["repair", &ledger, "--from", &backup]).exits(1);
    ran.says("NOT healed");
    ran.says("only up to record 2");
    ran.says("another copy");
    assert_eq!(fs::read(segment(&world.dir())).unwrap(), before);
    cli(["repair", &ledger, "--from", &ledger])
        .exits(2)
        .says("give another copy");
    let nothing = world.path("nothing");
    fs::create_dir(&nothing).unwrap();
    cli(["repair", &ledger, "--from", &nothing])
        .exits(2)
        .says("holds no segment");
    cli(["repair", &nothing, "--from", &backup])
        .exits(2)
        .says("holds no ledger");
    let other = World::new();
    let server = Server::start(&other.dir());
    cli(["repair", &other.path("ledger"), "--from", &backup])
        .exits(2)
        .says("in use");
    assert_eq!(server.stop(), 0);
}

#[test]
fn rot_under_a_running_server_is_told_with_its_place() {
    let (world, backup, _) = grown();
    let mut child = hazledger()
        .arg("serve")
        .arg(world.dir())
        .args([
            "--listen",
            "127.0.0.1:0",
            "--format",
            "json",
            "--scrub-every",
            "1",
        ])
        .env("HAZLEDGER_PASSPHRASE", PASSPHRASE)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let errors = child.stderr.take().unwrap();
    let (sender, told) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(errors).lines().map_while(Result::ok) {
            if line.contains("DAMAGED") {
                let _ = sender.send(line);
            }
        }
    });
    assert!(Lines::of(child.stdout.take().unwrap()).next().is_some());
    rot(&segment(&world.dir()), "氰化钠厂");
    let line = told.recv_timeout(PATIENCE).unwrap();
    assert!(line.contains("00000000000000000000.seg at byte"), "{line}");
    assert!(line.contains("record 1"), "{line}");
    assert!(line.contains("hazledger repair"), "{line}");
    let pid = child.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap()
            .success()
    );
    child.wait().unwrap();
    cli(["repair", &world.path("ledger"), "--from", &backup])
        .exits(0)
        .says("healed");
    cli(["verify", &world.path("ledger")]).exits(0);
}
