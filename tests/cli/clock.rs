//! The time that another clock shows, given when the server starts.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use hazledger::cli::time;

use crate::support::{Server, Starting, World, cli};

/// What a clock on the wall shows so many milliseconds from now.
fn on_the_wall(ms_from_now: i64) -> String {
    time::shown(time::now_ms() + ms_from_now)[..16].replace('T', " ")
}

#[test]
fn a_server_starts_with_the_time_of_another_clock_only_if_its_own_agrees() {
    let world = World::new();
    let dir = world.path("ledger");
    let confirm = |time: &str| cli(["serve", &dir, "--confirm-clock", time]);
    let wrong = confirm(&on_the_wall(-8 * 3_600_000)).exits(2);
    wrong.says("set the machine's clock, then give the time again");
    let unreadable = confirm("twenty to seven").exits(2);
    unreadable.says("'2026-11-23 18:40'");
    let now = on_the_wall(0);
    let server = Starting::begin_with(&world.dir(), &["--confirm-clock", &now]).ready();
    world.register(&server, &[]).exits(0);
    assert_eq!(server.stop(), 0);
    // It is recorded: who looks at the journal later sees what was given.
    let server = Server::start(&world.dir());
    let seen = cli([
        "follow",
        "--catch-up",
        "--server",
        &server.url,
        "--format",
        "json",
    ]);
    let seen = seen.exits(0).lines();
    let given = time::on_a_clock("", &now).unwrap().to_string();
    assert!(seen[1].to_string().contains(&given), "{}", seen[1]);
    assert_eq!(server.stop(), 0);
    let verdict = cli(["verify", &dir, "--format", "json"]).exits(0);
    assert_eq!(verdict.lines()[0]["journal"]["stateRecords"], 0);
}
