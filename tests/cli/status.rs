//! `hazledger status`: it accepts, it accepts nothing, nobody is there. That
//! `--wait` waits for a server that is starting the README's sessions show.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::fs;

use crate::support::{Server, World, cli};

#[test]
fn status_tells_whether_a_ledger_accepts_and_why_not() {
    let world = World::new();
    let server = Server::start(&world.dir());
    let url = server.url.clone();
    world.register(&server, &[]).exits(0);
    let told = cli(["status", "--server", &url, "--wait", "60"]).exits(0);
    for what in ["hazledger.example/test", "Accepting 可入账", "yes 是"] {
        told.says(what);
    }
    let told = cli(["status", "--server", &url, "--format", "json"]).exits(0);
    let told = told.lines().remove(0);
    assert_eq!(
        (&told["accepting"], &told["records"]),
        (&true.into(), &2.into())
    );
    assert_eq!(told["verifierKey"], server.ready["verifierKey"]);
    assert_eq!(server.stop(), 0);
    cli(["status", "--server", &url]).exits(2).says(&url);

    // As a restore leaves it.
    fs::write(world.dir().join("RESTORED"), "").unwrap();
    let server = Server::start(&world.dir());
    let url = server.url.clone();
    let told = cli(["status", "--server", &url]).exits(1);
    told.says("no 否: ");
    told.says("--known-checkpoint");
    cli(["status", "--server", &url, "--wait", "100000"])
        .exits(2)
        .says("--wait");
}
