//! Connections that hang are cut within their limits; those that only take
//! their time are not.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use hazledger::pb::ledger_client::LedgerClient;
use hazledger::pb::{FollowRequest, GetStatusRequest};

use crate::house::{House, PATIENCE, Server, block_on, request};

/// HTTP/2's first words, and empty settings.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Reads until the server hangs up.
fn hangs_up(mut socket: &TcpStream) {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut rest = Vec::new();
    // A reset is as good; running out of patience is not.
    if let Err(error) = socket.read_to_end(&mut rest) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    }
}

fn connect(server: &Server, says: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(server.address).unwrap();
    socket.write_all(says).unwrap();
    socket
}

#[test]
fn who_says_nothing_or_only_half_of_it_is_hung_up_on() {
    let house = House::new();
    let server = Server::start(&house, &["--handshake-timeout", "300ms"]);
    let silent = connect(&server, b"");
    let half = connect(&server, &GREETING[..20]);
    hangs_up(&silent);
    hangs_up(&half);
    assert!(server.sample("hazledger_grpc_connections_cut_total{reason=\"silent\"}") >= 2.0);
}

#[test]
fn who_does_not_say_that_it_is_still_there_is_hung_up_on() {
    let house = House::new();
    let options = ["--keepalive-every", "200ms", "--keepalive-timeout", "200ms"];
    let server = Server::start(&house, &options);
    // It never answers a ping, as one whose cable was pulled.
    hangs_up(&connect(&server, GREETING));
}

#[test]
fn who_has_no_call_for_long_is_cut_and_who_has_one_is_not() {
    let house = House::new();
    let server = Server::start(&house, &["--idle-timeout", "300ms"]);
    block_on(async {
        let mut watching = server.client().await;
        let mut records = watching
            .follow(FollowRequest::default())
            .await
            .unwrap()
            .into_inner();
        let mut idle = server.client().await;
        idle.get_status(GetStatusRequest {}).await.unwrap();
        server.wait_for("hazledger_grpc_connections_cut_total{reason=\"idle\"}", 1.0);
        // A call that meets the cut may fail; the next connects again by itself.
        if idle.get_status(GetStatusRequest {}).await.is_err() {
            idle.get_status(GetStatusRequest {}).await.unwrap();
        }
        for position in 0..2 {
            assert_eq!(records.message().await.unwrap().unwrap().position, position);
        }
    });
}

#[test]
fn a_follower_that_never_reads_is_cut_and_one_that_reads_slowly_is_not() {
    let house = House::new();
    let server = Server::start(&house, &["--unread-timeout", "1s"]);
    block_on(async {
        let mut client = server.client().await;
        let made: Vec<_> = (0..400)
            .map(|n| request(house.made(&format!("L-{n}"))))
            .collect();
        let answers = client.submit_stream(tokio_stream::iter(made)).await;
        let mut answers = answers.unwrap().into_inner();
        while answers.message().await.unwrap().is_some() {}
        // Windows as small as may be: what is sent waits at the server soon.
        let small = || server.endpoint().initial_stream_window_size(65_535);
        let follow = async |channel| {
            let mut client = LedgerClient::new(channel);
            client
                .follow(FollowRequest::default())
                .await
                .unwrap()
                .into_inner()
        };
        let mut unread = follow(small().connect().await.unwrap()).await;
        let mut slow = follow(small().connect().await.unwrap()).await;
        let mut now_and_then = tokio::time::interval(Duration::from_millis(10));
        let mut read = 0;
        while read < 402 {
            slow.message().await.unwrap().unwrap();
            read += 1;
            now_and_then.tick().await;
        }
        server.wait_for(
            "hazledger_grpc_connections_cut_total{reason=\"unread\"}",
            1.0,
        );
        let mut got = 0;
        while let Ok(Some(_)) = unread.message().await {
            got += 1;
        }
        assert!(got < 402, "it had everything");
        // Its place is free, and the slow one still has its own.
        let cut = server.sample("hazledger_grpc_connections_cut_total{reason=\"unread\"}");
        assert!((cut - 1.0).abs() < 0.5, "{cut} cut");
        client.submit(request(house.made("after"))).await.unwrap();
        assert_eq!(slow.message().await.unwrap().unwrap().position, 402);
    });
}
