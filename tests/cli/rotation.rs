//! Another key in the place of the ledger's own: rotated, killed, started with
//! the one that is not in force any more and with the one that is, and verified
//! by whoever pins the genesis hash.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use serde_json::Value;

use crate::support::{Ran, Server, World, cli};

fn json(ran: Ran) -> Value {
    ran.exits(0).lines().remove(0)
}

#[test]
fn a_ledger_whose_key_was_rotated_goes_on_with_the_new_one_alone() {
    let world = World::new();
    let (dir, acks) = (world.path("ledger"), world.path("acks.jsonl"));
    let mut server = Server::start(&world.dir());
    world.register(&server, &["--acks", &acks]).exits(0);
    let before = world.stamped("before.jsonl", &[world.produced("A", "5000")]);
    world.submit(&server, &before, &["--acks", &acks]).exits(0);
    let genesis = server.ready["genesisHash"].as_str().unwrap().to_owned();

    let new_key = world.path("ledger-2.key");
    cli(["key", "new", &new_key, "--plain-text-key"]).exits(0);
    let rotate = |key: &str| {
        let reason = ["--reason", "the yearly one", "--as", &world.bureau];
        let mut args = vec!["key", "rotate-ledger", &new_key];
        args.extend(reason);
        args.extend(["--key", key, "--server", &server.url]);
        cli(args)
    };
    // The plant's key is no authority's.
    let plant = format!("{}={}", world.bureau, world.path("plant.key"));
    rotate(&plant).exits(1);
    rotate(&world.path("bureau.key"))
        .exits(0)
        .says("--ledger-key");
    let after = world.stamped("after.jsonl", &[world.produced("B", "6000")]);
    world
        .submit(&server, &after, &[])
        .exits(2)
        .says("key was rotated");
    server.kill();

    let serve = |more: &[&str]| {
        let mut args = vec!["serve", dir.as_str(), "--listen", "127.0.0.1:0"];
        args.extend(more);
        cli(args)
    };
    serve(&[]).exits(2).says("ledger-key");
    let server = Server::start_with(&world.dir(), &["--ledger-key", &new_key]);
    world.submit(&server, &after, &["--acks", &acks]).exits(0);
    assert_eq!(server.stop(), 0);

    let verify = |more: &[&str]| {
        let mut args = vec!["verify", dir.as_str(), "--acks", &acks, "--format", "json"];
        args.extend(more);
        cli(args)
    };
    let verified = json(verify(&["--genesis", &genesis]));
    assert_eq!(verified["verified"], true);
    assert_eq!(verified["acknowledged"], 3);
    let another = "00".repeat(32);
    verify(&["--genesis", &another]).exits(1);
    // Whoever pins the earlier key learns that it is in force no more.
    let old = cli([
        "key",
        "show",
        &world.path("ledger/ledger.key"),
        "--format",
        "json",
    ]);
    let old = json(old)["publicKey"].as_str().unwrap().to_owned();
    verify(&["--ledger-key-public", &old]).exits(1);
}
