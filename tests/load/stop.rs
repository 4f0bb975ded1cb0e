//! SIGTERM under load: what was admitted is answered, and the server ends
//! within its bound.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::time::{Duration, Instant};

use hazledger::pb::FollowRequest;
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;
use tonic::Code;

use crate::house::{House, Server, block_on, is_recorded, request};

#[test]
fn told_to_stop_under_load_it_answers_what_it_admitted_and_exits_0() {
    let house = House::new();
    let before = house.records();
    let mut server = Server::start(&house, &["--grace", "60s"]);
    let recorded = block_on(async {
        let mut clients = JoinSet::new();
        for number in 0..4 {
            let mut client = server.client().await;
            let made: Vec<_> = (0..6_000)
                .map(|n| request(house.made(&format!("S-{number}-{n}"))))
                .collect();
            clients.spawn(async move {
                // It does not end by itself: the server has to end it.
                let made = tokio_stream::iter(made).chain(tokio_stream::pending());
                let mut answers = client.submit_stream(made).await.unwrap().into_inner();
                let mut recorded = 0_u64;
                loop {
                    match answers.message().await {
                        Ok(Some(answer)) if is_recorded(&answer) => recorded += 1,
                        Ok(answer) => unreachable!("{answer:?} after {recorded}"),
                        Err(status) => {
                            assert_eq!(status.code(), Code::Unavailable, "{status}");
                            return recorded;
                        }
                    }
                }
            });
        }
        server.wait_for("hazledger_records_committed_total", 500.0);
        server.terminate();
        let mut recorded = 0;
        while let Some(client) = clients.join_next().await {
            recorded += client.unwrap();
        }
        recorded
    });
    assert_eq!(server.end(), 0, "{}", server.log());
    assert!(server.log().contains("stopped cleanly"), "{}", server.log());
    // No answer was lost on the way, and nothing is there that had none.
    assert_eq!(house.records(), before + recorded);
}

#[test]
fn a_client_that_reads_nothing_does_not_keep_the_server_from_ending() {
    let house = House::new();
    let mut server = Server::start(&house, &["--grace", "1s"]);
    block_on(async {
        let mut client = server.client().await;
        let made: Vec<_> = (0..400)
            .map(|n| request(house.made(&format!("L-{n}"))))
            .collect();
        let answers = client.submit_stream(tokio_stream::iter(made)).await;
        let mut answers = answers.unwrap().into_inner();
        while answers.message().await.unwrap().is_some() {}
        let unread = server.endpoint().initial_stream_window_size(65_535);
        let mut follower =
            hazledger::pb::ledger_client::LedgerClient::new(unread.connect().await.unwrap());
        let unread = follower.follow(FollowRequest::default()).await.unwrap();
        let told = Instant::now();
        server.terminate();
        assert_eq!(server.end(), 0, "{}", server.log());
        // Grace, and what closing takes on a busy machine.
        assert!(
            told.elapsed() < Duration::from_secs(30),
            "{:?}",
            told.elapsed()
        );
        drop(unread);
    });
}
