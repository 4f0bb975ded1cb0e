//! Everybody misbehaves at once, and one client does not.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use hazledger::grpc::{Limits, MAX_REQUEST};
use hazledger::pb::{FollowRequest, SignedStatement, SubmitRequest};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tonic::Code;

use crate::house::{House, PATIENCE, Server, block_on, is_recorded, load_time, request};

/// What the server bears in this test: little, so that everything is reached.
fn limits() -> Limits {
    Limits {
        max_connections: 450,
        max_calls: 200,
        max_submit_streams: 24,
        in_flight: 16,
        max_followers: 24,
        follow_buffer: 4,
        max_unread_bytes: 32 * 1024 * 1024,
        window_bytes: 65_536,
        ..Limits::default()
    }
}

/// Bytes of statements that may be unanswered.
const QUEUE: usize = 4 * 1024 * 1024;

/// What the program needs besides: itself, 64 MiB of the store's cache, the
/// live state, batches of the journal.
const ITSELF: usize = 128 * 1024 * 1024;

/// A queued statement as it came, opened, sealed, folded and projected.
const COPIES: usize = 8;

fn options(limits: &Limits) -> Vec<String> {
    let numbers = [
        ("max-connections", limits.max_connections),
        ("max-calls", limits.max_calls),
        ("max-submit-streams", limits.max_submit_streams),
        ("in-flight", limits.in_flight),
        ("max-followers", limits.max_followers),
        ("follow-buffer", limits.follow_buffer),
        ("max-unread-bytes", limits.max_unread_bytes),
        ("window-bytes", 65_536),
        ("queue-statements", 256),
        ("queue-bytes", QUEUE),
    ];
    let mut options: Vec<String> = numbers
        .iter()
        .map(|(name, number)| format!("--{name}={number}"))
        .collect();
    // Long enough that whoever hangs still hangs at the end.
    options.extend(["--handshake-timeout=10m", "--unread-timeout=10m"].map(str::to_owned));
    options
}

fn garbage(bytes: usize) -> SignedStatement {
    SignedStatement {
        payload: Bytes::from(vec![0xff; bytes]),
        ..SignedStatement::default()
    }
}

/// Connections that say nothing, half of HTTP/2's first words, or all of them
/// and nothing more.
async fn half_open(server: &Server) -> Vec<TcpStream> {
    let words = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    let mut sockets = Vec::new();
    for number in 0..240 {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let said = [0, 11, words.len()][number % 3];
        socket.write_all(&words[..said]).await.unwrap();
        sockets.push(socket);
    }
    sockets
}

/// Asks and asks, and reads no answer: followers, and streams of statements.
fn never_read(server: &Server, house: &House, all: &mut JoinSet<()>) {
    for number in 0..48 {
        let endpoint = server.endpoint();
        let statement = house.made(&format!("unread-{number}"));
        all.spawn(async move {
            let channel = endpoint.connect().await.unwrap();
            let mut client = hazledger::pb::ledger_client::LedgerClient::new(channel);
            if number % 2 == 0 {
                let unread = client.follow(FollowRequest::default()).await;
                std::future::pending::<()>().await;
                drop(unread);
            } else {
                let same = std::iter::repeat(request(statement));
                let unread = client.submit_stream(tokio_stream::iter(same)).await;
                std::future::pending::<()>().await;
                drop(unread);
            }
        });
    }
}

/// Sends what is refused, too large, or too large to be read, as fast as it
/// is answered, and takes whatever comes back.
fn flood(server: &Server, house: &House, all: &mut JoinSet<()>) {
    let forged = SignedStatement {
        signatures: vec![hazledger::pb::Signature {
            key_id: house.cast.plant.key.id().to_bytes(),
            signature: Bytes::from_static(&[7; 64]),
        }],
        ..house.made("forged")
    };
    // Two bytes on the wire, and a struct in memory, each.
    let inflated = SignedStatement {
        signatures: vec![hazledger::pb::Signature::default(); 120_000],
        ..house.made("inflated")
    };
    let bad = [
        garbage(40),
        forged,
        garbage(300_000),
        garbage(MAX_REQUEST + 1),
        inflated,
    ];
    for number in 0..30 {
        let endpoint = server.endpoint();
        let bad = SubmitRequest {
            statement: Some(bad[number % bad.len()].clone()),
            ..SubmitRequest::default()
        };
        all.spawn(async move {
            let channel = endpoint.connect().await.unwrap();
            let mut client = hazledger::pb::ledger_client::LedgerClient::new(channel);
            loop {
                match client.submit(bad.clone()).await {
                    Ok(answer) => assert!(!is_recorded(&answer.into_inner())),
                    Err(status) => assert!(
                        matches!(status.code(), Code::ResourceExhausted | Code::OutOfRange),
                        "{status}"
                    ),
                }
            }
        });
    }
}

/// Reads, but slowly: each record after a while.
fn slow_readers(server: &Server, all: &mut JoinSet<()>) {
    for _ in 0..8 {
        let endpoint = server.endpoint();
        all.spawn(async move {
            let channel = endpoint.connect().await.unwrap();
            let mut client = hazledger::pb::ledger_client::LedgerClient::new(channel);
            let Ok(records) = client.follow(FollowRequest::default()).await else {
                return;
            };
            let mut records = records.into_inner();
            let mut now_and_then = tokio::time::interval(Duration::from_millis(100));
            while let Ok(Some(_)) = records.message().await {
                now_and_then.tick().await;
            }
        });
    }
}

#[test]
fn hundreds_who_misbehave_take_bounded_memory_and_stop_nobody_else() {
    let house = House::new();
    let limits = limits();
    let options = options(&limits);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let server = Server::start(&house, &options);
    let recorded = block_on(async {
        let mut good = server.client().await;
        let mut all = JoinSet::new();
        let sockets = half_open(&server).await;
        never_read(&server, &house, &mut all);
        slow_readers(&server, &mut all);
        flood(&server, &house, &mut all);
        let until = Instant::now() + load_time();
        let mut recorded = 0_usize;
        while Instant::now() < until || recorded < 10 {
            let statement = house.made(&format!("good-{recorded}"));
            let mut asked = tonic::Request::new(request(statement));
            asked.set_timeout(PATIENCE);
            match good.submit(asked).await {
                Ok(answer) => {
                    assert!(is_recorded(&answer.into_inner()));
                    recorded += 1;
                }
                // Pushed back as the others are: it comes again.
                Err(status) => assert_eq!(status.code(), Code::ResourceExhausted, "{status}"),
            }
            assert!(all.try_join_next().is_none_or(|ended| ended.is_ok()));
        }
        drop(sockets);
        recorded
    });
    // They were all there, and what they ran into has a name.
    assert!(server.sample("hazledger_grpc_connections_opened_total") >= 290.0);
    let turned_away = server.sample("hazledger_grpc_turned_away_total{limit=\"max_followers\"}");
    assert!(turned_away > 0.0);
    assert!(server.sample("hazledger_refusals_total{code=\"BAD_SIGNATURE\"}") > 0.0);
    let peak = server.peak_memory();
    let ceiling = limits.worst_bytes() + COPIES * QUEUE + ITSELF;
    println!("{recorded} recorded meanwhile; at most {peak} bytes of memory, {ceiling} allowed");
    assert!(peak < ceiling, "{peak} bytes of memory, {ceiling} allowed");
}
