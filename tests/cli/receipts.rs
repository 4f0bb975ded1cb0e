//! Receipts at the terminal, the tiles' address, and a restored ledger that
//! waits for somebody's checkpoint.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;

use crate::support::{Ran, Server, World, cli};

fn json(ran: Ran, status: i32) -> Value {
    ran.exits(status).lines().remove(0)
}

/// A page of the tiles' door.
fn page(server: &Server, path: &str) -> String {
    let url = server.ready["tiles"].as_str().unwrap();
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    body.to_owned()
}

#[test]
fn a_receipt_is_kept_fetched_and_checked_with_the_verifier_key_alone() {
    let world = World::new();
    let server = Server::start(&world.dir());
    let folder = world.path("receipts");
    fs::create_dir(&folder).unwrap();
    world.register(&server, &["--receipts", &folder]).exits(0);
    let lines = [world.produced("A", "5000"), world.produced("B", "6000")];
    let file = world.stamped("day.jsonl", &lines);
    let listed = world.path("receipts.jsonl");
    world
        .submit(&server, &file, &["--receipts", &listed])
        .exits(0);
    assert_eq!(fs::read_to_string(&listed).unwrap().lines().count(), 2);

    // The key from the key file is the one that the server speaks of.
    let key_file = world.path("ledger/ledger.key");
    let named = cli(["key", "vkey", &key_file, "--name", "hazledger.example/test"]);
    let vkey = named.exits(0).stdout.trim().to_owned();
    assert_eq!(server.ready["verifierKey"], vkey.as_str());
    let asked = cli(["key", "vkey", "--server", &server.url]).exits(0);
    assert_eq!(asked.stdout.trim(), vkey);

    let kept = format!("{folder}/1.receipt");
    let text = world.path("2.receipt");
    let binary = world.path("3.receipt");
    let get = |position: &str, file: &str, more: &[&str]| {
        let mut args = vec!["receipt", "get", position, "-o", file];
        args.extend(["--server", &server.url, "--key", &vkey, "--format", "json"]);
        args.extend(more);
        cli(args)
    };
    assert_eq!(json(get("2", &text, &[]), 0)["position"], 2);
    get("3", &binary, &["--form", "protobuf"]).exits(0);
    get("99", &world.path("none"), &[])
        .exits(2)
        .says("position 99");

    let verify =
        |file: &str, key: &str| cli(["receipt", "verify", file, "--key", key, "--format", "json"]);
    for (file, position) in [(&kept, 1), (&text, 2), (&binary, 3)] {
        let held = json(verify(file, &vkey), 0);
        assert_eq!(
            (&held["holds"], &held["position"]),
            (&true.into(), &position.into())
        );
        assert_eq!(held["origin"], "hazledger.example/test");
    }
    // Changed, or of another ledger.
    let forged = fs::read_to_string(&text)
        .unwrap()
        .replace("index 2", "index 1");
    let changed = world.path("changed.receipt");
    fs::write(&changed, forged).unwrap();
    assert_eq!(json(verify(&changed, &vkey), 1)["holds"], false);
    let other = cli([
        "key",
        "vkey",
        &world.path("plant.key"),
        "--name",
        "hazledger.example/test",
    ]);
    let other = other.exits(0).stdout.trim().to_owned();
    assert_eq!(json(verify(&text, &other), 1)["holds"], false);
    verify(&text, "nonsense").exits(2).says("--key");
    verify(&world.path("nowhere"), &vkey)
        .exits(2)
        .says("nowhere");
    let policy = world.path("witnesses.policy");
    fs::write(&policy, "quorum nobody\n").unwrap();
    let asked = cli([
        "receipt", "verify", &text, "--key", &vkey, "--policy", &policy,
    ]);
    asked.exits(2).says("--policy");

    let checkpoint = page(&server, "/checkpoint");
    assert!(
        checkpoint.starts_with("hazledger.example/test\n4\n"),
        "{checkpoint}"
    );
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_restored_ledger_accepts_only_after_somebodys_checkpoint() {
    let world = World::new();
    let server = Server::start(&world.dir());
    world.register(&server, &[]).exits(0);
    let two = world.path("two.checkpoint");
    let wait = world.path("1.receipt");
    let receipt = ["receipt", "get", "1", "-o", &wait, "--server", &server.url];
    cli(receipt).exits(0);
    fs::write(&two, page(&server, "/checkpoint")).unwrap();
    assert_eq!(server.stop(), 0);
    // As a restore leaves it: the journal, and the mark.
    let mark = world.dir().join("RESTORED");
    fs::write(&mark, "").unwrap();
    fs::remove_dir_all(world.dir().join("checkpoints")).unwrap();

    let mut server = Server::start(&world.dir());
    let file = world.stamped("day.jsonl", &[world.produced("A", "5000")]);
    world
        .submit(&server, &file, &[])
        .exits(2)
        .says("--known-checkpoint");
    assert!(server.kill().contains("NOT ACCEPTING"));
    let wrong = world.path("wrong.checkpoint");
    fs::write(&wrong, "hazledger.example/test\n").unwrap();
    let dir = world.path("ledger");
    let refused = cli([
        "serve",
        &dir,
        "--listen",
        "127.0.0.1:0",
        "--known-checkpoint",
        &wrong,
    ]);
    refused.exits(2).says("wrong.checkpoint");
    assert!(mark.exists());
    let server = Server::start_with(&world.dir(), &["--known-checkpoint", &two]);
    world.submit(&server, &file, &[]).exits(0);
    assert!(!mark.exists());
    let (status, said) = server.stop_saying();
    assert_eq!(status, 0);
    assert!(said.contains("accepting again"), "{said}");
    // It goes on as any other.
    let server = Server::start(&world.dir());
    assert_eq!(server.ready["records"], 3);
    assert_eq!(server.stop(), 0);
}
