//! A server killed again and again under a client that submits: what was
//! acknowledged is there afterwards.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::process::Stdio;

use serde_json::Value;

use crate::support::{Lines, Server, World, cli, hazledger};

const ROUNDS: usize = 50;
/// More lines than are answered before the server dies, so that it dies at work.
const LINES: usize = 40;

#[test]
fn everything_acknowledged_survives_fifty_kills() {
    let world = World::new();
    let acks = world.path("acks.jsonl");
    let mut server = Server::start(&world.dir());
    world.register(&server, &["--acks", &acks]).exits(0);
    let mut accepted = 1;
    let mut died_at_work = 0;
    for round in 0..ROUNDS {
        let lines: Vec<Value> = (0..LINES)
            .map(|n| world.produced(&format!("R{round}-{n}"), "1000000"))
            .collect();
        let file = world.stamped(&format!("round-{round}.jsonl"), &lines);
        let mut client = hazledger()
            .args([
                "submit",
                &file,
                "--server",
                &server.url,
                "--key",
                &world.path("plant.key"),
            ])
            .args(["--in-flight", "8", "--acks", &acks, "--format", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let answers = Lines::of(client.stdout.take().unwrap());
        let mut count = |line: Option<String>| {
            let Some(line) = line else { return false };
            let answer: Value = serde_json::from_str(&line).unwrap();
            assert_eq!(answer["answer"], "accepted", "{answer}");
            accepted += 1;
            true
        };
        for _ in 0..=round % 20 {
            assert!(
                count(answers.next()),
                "the client ended before its server did"
            );
        }
        server.kill();
        while count(answers.next()) {}
        let status = client.wait().unwrap().code();
        assert!(matches!(status, Some(0 | 2)), "{status:?}");
        died_at_work += usize::from(status == Some(2));
        server = Server::start(&world.dir());
        if round % 10 == 0 {
            // The same file again: first answers for what is recorded, and the rest.
            let again = world
                .submit(&server, &file, &["--acks", &acks])
                .exits(0)
                .lines();
            assert_eq!(again.len(), LINES);
            accepted += LINES;
        }
    }
    assert!(
        died_at_work > ROUNDS / 2,
        "only {died_at_work} kills met statements under way"
    );
    assert_eq!(server.stop(), 0);
    let verdict = cli([
        "verify",
        &world.path("ledger"),
        "--acks",
        &acks,
        "--format",
        "json",
    ]);
    let verdict = verdict.exits(0).lines().remove(0);
    assert_eq!(verdict["acknowledgements"], accepted);
    assert_eq!(verdict["acknowledged"], accepted);
    assert_eq!(verdict["closed"], true);
}
