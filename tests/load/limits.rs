//! Limits turn away who comes beyond them, by name and with a time to come
//! again; rates hold back who is too fast, and nobody else.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use hazledger::grpc::{Limits, ServeError, Setup, listen, serve_with};
use hazledger::ledger::Options;
use hazledger::pb::ledger_client::LedgerClient;
use hazledger::pb::{FollowRequest, GetStatusRequest, Signature, SignedStatement, SubmitResponse};
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::house::{is_recorded, request};
use crate::support::server::{Bench, Member, channel, produced};

fn behind(limits: Limits) -> Setup {
    Setup {
        limits,
        ..Setup::default()
    }
}

#[track_caller]
fn turned_away(status: &Status, reason: &str, limit: &str) -> Duration {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.reason, reason, "{status}");
    assert_eq!(info.metadata["limit"], limit);
    assert!(status.message().contains(limit), "{status}");
    let retry = status.get_details_retry_info().unwrap();
    retry.retry_delay.unwrap()
}

#[tokio::test]
async fn one_follower_or_stream_too_many_is_turned_away_by_name_until_there_is_a_place() {
    let limits = Limits {
        max_followers: 1,
        max_submit_streams: 1,
        ..Limits::default()
    };
    let bench = Bench::start_door(Options::default(), behind(limits)).await;
    let mut client = bench.ledger_client();
    let first = client.follow(FollowRequest::default()).await.unwrap();
    let second = client.follow(FollowRequest::default()).await.unwrap_err();
    assert!(turned_away(&second, "LIMIT", "max_followers") > Duration::ZERO);
    drop(first);
    while client.follow(FollowRequest::default()).await.is_err() {}

    let (sender, statements) = mpsc::channel(1);
    let open = client.submit_stream(ReceiverStream::new(statements)).await;
    let second = client.submit_stream(tokio_stream::pending()).await;
    turned_away(&second.unwrap_err(), "LIMIT", "max_submit_streams");
    drop(sender);
    let end = open.unwrap().into_inner().message().await.unwrap();
    assert!(end.is_none());
    while client.submit_stream(tokio_stream::empty()).await.is_err() {}
    drop(client);
    bench.stop().await;
}

#[tokio::test]
async fn one_call_too_many_is_turned_away_by_name_whoever_makes_it() {
    let limits = Limits {
        max_calls: 2,
        ..Limits::default()
    };
    let bench = Bench::start_door(Options::default(), behind(limits)).await;
    let mut client = bench.ledger_client();
    let first = client.follow(FollowRequest::default()).await.unwrap();
    let second = client.follow(FollowRequest::default()).await.unwrap();
    let mut other = LedgerClient::new(channel(bench.address).await);
    let third = other.get_status(GetStatusRequest {}).await.unwrap_err();
    turned_away(&third, "LIMIT", "max_calls");
    drop((first, second));
    while other.get_status(GetStatusRequest {}).await.is_err() {}
    drop((client, other));
    bench.stop().await;
}

#[tokio::test]
async fn a_limit_that_cannot_be_does_not_open_the_door() {
    let bench = Bench::start().await;
    let none = Limits {
        max_calls: 0,
        ..Limits::default()
    };
    let listener = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let served = serve_with(
        bench.ledger.clone(),
        listener,
        behind(none),
        std::future::pending(),
    );
    let error = served.await.unwrap_err();
    assert!(matches!(error, ServeError::Limits(_)), "{error}");
    assert!(error.to_string().contains("max_calls"), "{error}");
    bench.stop().await;
}

/// A party may have 3 statements judged at once, and then 10 a second.
fn rated() -> Options {
    Options {
        party_statements_per_second: 10,
        party_burst: 3,
        ..Options::default()
    }
}

fn made(bench: &Bench, member: &Member, label: &str) -> SignedStatement {
    bench.statement(member, vec![produced(label, 10)])
}

/// Signed by nobody.
fn forged(statement: SignedStatement) -> SignedStatement {
    let signatures = statement.signatures.iter();
    let signatures = signatures.map(|signature| Signature {
        signature: Bytes::from_static(&[7; 64]),
        ..signature.clone()
    });
    SignedStatement {
        signatures: signatures.collect(),
        ..statement
    }
}

#[tokio::test]
async fn a_party_that_is_too_fast_is_told_so_and_when_to_come_again_and_no_other_party_is() {
    let bench = Bench::start_door(rated(), Setup::default()).await;
    let plant = &bench.cast.plant;
    let mut client = bench.ledger_client();
    let mut next = 0;
    let status = loop {
        let sent = Instant::now();
        match client
            .submit(request(made(&bench, plant, &format!("P-{next}"))))
            .await
        {
            Ok(_) => next += 1,
            Err(status) => break status,
        }
        assert!(
            next < 1000,
            "{next} and no limit; the last took {:?}",
            sent.elapsed()
        );
    };
    assert!(next >= 3, "{next} of a burst of 3");
    let wait = turned_away(&status, "RATE_LIMITED", "party_statements_per_second");
    assert!(wait <= Duration::from_secs(1), "{wait:?}");
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata["party"], plant.code);
    assert!(status.message().contains(&plant.code), "{status}");
    let store = made(&bench, &bench.cast.store, "S-1");
    assert!(client.submit(request(store)).await.is_ok());
    // Not recorded, and may come again once the time has passed.
    tokio::time::sleep(wait).await;
    let later = made(&bench, plant, "later");
    assert!(is_recorded(
        &client.submit(request(later)).await.unwrap().into_inner()
    ));
    drop(client);
    bench.stop().await;
}

#[tokio::test]
async fn nobody_can_use_up_anothers_allowance_by_forging_or_by_sending_again() {
    // What comes back in a second is a statement: none within this test.
    let options = Options {
        party_statements_per_second: 1,
        party_burst: 30,
        ..Options::default()
    };
    let bench = Bench::start_door(options, Setup::default()).await;
    let plant = &bench.cast.plant;
    let first = made(&bench, plant, "P-0");
    bench.record(first.clone()).await;
    for number in 0..200 {
        bench
            .submit(forged(made(&bench, plant, &format!("F-{number}"))))
            .await;
        assert!(bench.submit(first.clone()).await.repeated);
    }
    for number in 1..30 {
        bench
            .record(made(&bench, plant, &format!("P-{number}")))
            .await;
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_stream_that_is_too_fast_is_held_back_and_loses_nothing_and_keeps_its_order() {
    let options = Options {
        party_statements_per_second: 100,
        party_burst: 3,
        ..Options::default()
    };
    let setup = Setup {
        // So few on their way that the allowance is looked at often.
        limits: Limits {
            in_flight: 1,
            ..Limits::default()
        },
        ..Setup::default()
    };
    let bench = Bench::start_door(options, setup).await;
    let statements: Vec<_> = (0..23)
        .map(|n| request(made(&bench, &bench.cast.plant, &format!("P-{n}"))))
        .collect();
    let begun = Instant::now();
    let answers = bench
        .ledger_client()
        .submit_stream(tokio_stream::iter(statements))
        .await;
    let answers: Vec<SubmitResponse> = answers
        .unwrap()
        .into_inner()
        .map(Result::unwrap)
        .collect()
        .await;
    assert_eq!(answers.len(), 23);
    assert!(answers.into_iter().all(|answer| is_recorded(&answer)));
    // 3 at once, 20 at 100 a second, and what was on its way is paid back.
    assert!(
        begun.elapsed() >= Duration::from_millis(180),
        "{:?}",
        begun.elapsed()
    );
    bench.stop().await;
}

#[tokio::test]
async fn a_connection_that_sends_for_nothing_is_slowed_down_and_another_is_not() {
    let limits = Limits {
        wasted_per_second: 1,
        wasted_burst: 5,
        ..Limits::default()
    };
    let bench = Bench::start_door(Options::default(), behind(limits)).await;
    let plant = &bench.cast.plant;
    let mut client = LedgerClient::new(channel(bench.address).await);
    let mut sent = 0;
    let status = loop {
        match client
            .submit(request(forged(made(&bench, plant, "F"))))
            .await
        {
            Ok(_) => sent += 1,
            Err(status) => break status,
        }
        assert!(sent < 1000, "no limit");
    };
    assert!(sent >= 5, "{sent} of a burst of 5");
    turned_away(&status, "WASTEFUL", "wasted_per_second");
    bench.record(made(&bench, plant, "P-1")).await;
    drop(client);
    bench.stop().await;
}
