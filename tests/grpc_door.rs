//! The door itself over real sockets: what cannot be tried and how it is told,
//! push-back, deadlines, health, reflection, the registry, shutting down.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod support;

use std::time::Duration;

use bytes::Bytes;
use hazledger::custody::lapse::NO_KEY_LIMIT_MS;
use hazledger::grpc;
use hazledger::ledger::Options;
use hazledger::pb::event::Body;
use hazledger::pb::submit_response::Answer;
use hazledger::pb::{
    FollowRequest, GetKeyRequest, GetPartyRequest, GetRecordRequest, GetStatusRequest, KeyRevoked,
    ListKeysRequest, ListLapsedRequest, ListOwnRequest, ListPartiesRequest, RefusalCode,
    SignedStatement, SubmitRequest, SubmitResponse,
};
use support::server::{Bench, HOUR_MS, channel, event, produced};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_stream::StreamExt as _;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_types::StatusExt as _;

/// A ledger that takes one statement at a time.
fn tiny() -> Options {
    Options {
        queue_statements: 1,
        ..Options::default()
    }
}

#[tokio::test]
async fn a_full_queue_pushes_back_with_a_time_to_come_again_and_nothing_is_lost() {
    let bench = Bench::start_with(tiny()).await;
    let statements: Vec<SignedStatement> = (0..64)
        .map(|n| bench.statement(&bench.cast.plant, vec![produced(&format!("P-{n}"), 10)]))
        .collect();
    let mut calls = JoinSet::new();
    for statement in statements.clone() {
        let mut client = bench.ledger_client();
        let request = SubmitRequest {
            statement: Some(statement),
            ..SubmitRequest::default()
        };
        calls.spawn(async move { client.submit(request).await });
    }
    let mut pushed_back: Vec<Status> = Vec::new();
    let mut recorded = 0;
    while let Some(answer) = calls.join_next().await {
        match answer.unwrap() {
            Ok(_) => recorded += 1,
            Err(status) => pushed_back.push(status),
        }
    }
    assert!(recorded > 0);
    assert!(!pushed_back.is_empty());
    for status in &pushed_back {
        assert_eq!(status.code(), Code::ResourceExhausted);
        let delay = status
            .get_details_retry_info()
            .unwrap()
            .retry_delay
            .unwrap();
        assert!(delay > Duration::ZERO);
        assert_eq!(
            status.get_details_error_info().unwrap().reason,
            "OVERLOADED"
        );
    }
    // What was pushed back was not recorded, and can be sent again.
    assert_eq!(bench.ledger.committed(), 2 + recorded);
    let again = statements.into_iter().map(|s| SubmitRequest {
        statement: Some(s),
        ..SubmitRequest::default()
    });
    let again = tokio_stream::iter(again.collect::<Vec<_>>());
    let answers = bench
        .ledger_client()
        .submit_stream(again)
        .await
        .unwrap()
        .into_inner();
    let answers: Vec<SubmitResponse> = answers.map(Result::unwrap).collect().await;
    assert_eq!(
        answers.iter().filter(|a| !a.repeated).count(),
        pushed_back.len()
    );
    assert_eq!(bench.ledger.committed(), 2 + 64);
    bench.stop().await;
}

#[tokio::test]
async fn a_stream_into_a_full_queue_waits_and_does_not_fail() {
    let bench = Bench::start_with(tiny()).await;
    let statements: Vec<SubmitRequest> = (0..100)
        .map(|n| bench.statement(&bench.cast.plant, vec![produced(&format!("P-{n}"), 10)]))
        .map(|statement| SubmitRequest {
            statement: Some(statement),
            ..SubmitRequest::default()
        })
        .collect();
    let requests = tokio_stream::iter(statements);
    let answers = bench
        .ledger_client()
        .submit_stream(requests)
        .await
        .unwrap()
        .into_inner();
    let answers: Vec<SubmitResponse> = answers.map(Result::unwrap).collect().await;
    assert_eq!(answers.len(), 100);
    assert!(
        answers
            .iter()
            .all(|a| matches!(a.answer, Some(Answer::Acknowledgement(_))))
    );
    bench.stop().await;
}

#[tokio::test]
async fn a_request_without_what_it_needs_names_the_field() {
    let bench = Bench::start().await;
    let status = bench
        .ledger_client()
        .submit(SubmitRequest {
            statement: None,
            ..SubmitRequest::default()
        })
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    let violation = &status.get_details_bad_request().unwrap().field_violations[0];
    assert_eq!(violation.field, "statement");
    let info = status.get_details_error_info().unwrap();
    assert_eq!(
        (info.reason.as_str(), info.domain.as_str()),
        ("FIELD_INVALID", grpc::errors::DOMAIN)
    );
    let problem = grpc::errors::problem(&status).unwrap();
    assert_eq!(problem.code(), RefusalCode::FieldInvalid);
    assert_eq!(problem.field, "statement");
    assert!(!problem.detail.is_empty() && !problem.remedy.is_empty());
    bench.stop().await;
}

/// Sends bytes that are another message than `Submit` takes.
async fn submit_as_if<M>(bench: &Bench, message: M) -> Result<SubmitResponse, Status>
where
    M: prost::Message + Default + Send + Sync + 'static,
{
    let mut client = tonic::client::Grpc::new(bench.channel());
    client.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<M, SubmitResponse>::default();
    let path = "/hazledger.v1.Ledger/Submit".parse().unwrap();
    Ok(client
        .unary(Request::new(message), path, codec)
        .await?
        .into_inner())
}

#[tokio::test]
async fn a_message_that_cannot_be_decoded_is_an_invalid_argument_in_our_words() {
    let bench = Bench::start().await;
    let number = GetRecordRequest {
        which: Some(hazledger::pb::get_record_request::Which::Position(7)),
        min_position: 0,
    };
    let status = submit_as_if(&bench, number).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(
        grpc::errors::problem(&status).unwrap().code(),
        RefusalCode::Malformed
    );
    bench.stop().await;
}

#[tokio::test]
async fn a_statement_of_garbage_is_refused_and_one_beyond_all_bounds_is_not_read() {
    let bench = Bench::start().await;
    let garbage = |bytes: usize| SignedStatement {
        payload: Bytes::from(vec![0xff; bytes]),
        ..SignedStatement::default()
    };
    assert_eq!(bench.refused(garbage(40)).await, RefusalCode::Malformed);
    assert_eq!(bench.refused(garbage(300_000)).await, RefusalCode::TooLarge);
    let request = SubmitRequest {
        statement: Some(garbage(grpc::MAX_REQUEST)),
        ..SubmitRequest::default()
    };
    let status = bench.ledger_client().submit(request).await.unwrap_err();
    assert_eq!(status.code(), Code::OutOfRange);
    assert_eq!(
        grpc::errors::problem(&status).unwrap().code(),
        RefusalCode::TooLarge
    );
    bench.stop().await;
}

#[tokio::test]
async fn garbage_on_the_wire_harms_nobody_else() {
    let bench = Bench::start().await;
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0xff; 4096],
        b"PRI * HTTP/2.0\r\n\r\nSM",
    ] {
        let mut socket = TcpStream::connect(bench.address).await.unwrap();
        socket.write_all(garbage).await.unwrap();
        socket.shutdown().await.unwrap();
        let mut rest = Vec::new();
        // Whatever it answers, it hangs up: a reset is as good.
        let _ = socket.read_to_end(&mut rest).await;
    }
    let status = bench
        .ledger_client()
        .get_status(GetStatusRequest {})
        .await
        .unwrap();
    assert_eq!(status.into_inner().as_of, 2);
    bench.stop().await;
}

#[tokio::test]
async fn only_loopback_is_listened_on_and_served() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let error = grpc::listen(address.parse().unwrap()).await.unwrap_err();
        assert!(matches!(error, grpc::ServeError::NotLoopback(_)), "{error}");
        assert!(error.to_string().contains("loopback"));
    }
    let bench = Bench::start().await;
    let open = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let served = grpc::serve(bench.ledger.clone(), open, std::future::pending()).await;
    assert!(matches!(served, Err(grpc::ServeError::NotLoopback(_))));
    bench.stop().await;
}

#[tokio::test]
async fn a_read_waits_for_its_minimum_position() {
    let bench = Bench::start().await;
    let next = bench.ledger.committed() + 1;
    let request = GetPartyRequest {
        party: bench.cast.plant.code.clone(),
        min_position: next,
    };
    let mut client = bench.registry_client();
    let (answer, _) = tokio::join!(client.get_party(request), bench.produce("A-1", 10));
    assert!(answer.unwrap().into_inner().as_of >= next);
    bench.stop().await;
}

#[tokio::test]
async fn a_minimum_position_that_does_not_come_ends_at_the_callers_deadline() {
    let bench = Bench::start().await;
    let mut request = Request::new(GetPartyRequest {
        party: bench.cast.plant.code.clone(),
        min_position: 1_000,
    });
    request.set_timeout(Duration::from_millis(300));
    let status = bench
        .registry_client()
        .get_party(request)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.reason, "TOO_LATE");
    assert_eq!(info.metadata["as_of"], "2");
    bench.stop().await;
}

#[tokio::test]
async fn the_registry_tells_a_party_with_its_own_and_only_its_own() {
    let bench = Bench::start().await;
    let plant = &bench.cast.plant;
    let mut client = bench.registry_client();
    let request = GetPartyRequest {
        party: plant.code.clone(),
        min_position: 2,
    };
    let answer = client.get_party(request).await.unwrap().into_inner();
    assert_eq!(answer.as_of, 2);
    assert_eq!(answer.party.unwrap().registered.unwrap().party, plant.code);
    let own = ListOwnRequest {
        party: plant.code.clone(),
        ..ListOwnRequest::default()
    };
    let sites = client.list_sites(own.clone()).await.unwrap().into_inner();
    let units = client.list_units(own.clone()).await.unwrap().into_inner();
    assert_eq!(
        (sites.as_of, sites.sites.len(), units.units.len()),
        (2, 1, 0)
    );
    // Page by page: none twice, none left out.
    let mut places = Vec::new();
    for wanted in [1, 1, 0] {
        let after = places.last().cloned().unwrap_or_default();
        let page = ListOwnRequest {
            page_size: 1,
            after,
            ..own.clone()
        };
        let page = client.list_places(page).await.unwrap().into_inner().places;
        assert_eq!(page.len(), wanted);
        places.extend(page.into_iter().map(|p| p.registered.unwrap().place));
    }
    assert!(places.is_sorted() && places[0] != places[1], "{places:?}");
    let nobody = ListOwnRequest {
        party: "nobody".to_owned(),
        ..ListOwnRequest::default()
    };
    let status = client.list_sites(nobody).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let unknown = GetPartyRequest {
        party: "nobody".to_owned(),
        min_position: 0,
    };
    assert_eq!(
        client.get_party(unknown).await.unwrap_err().code(),
        Code::NotFound
    );

    let key_id = plant.key.id().to_bytes();
    let request = GetKeyRequest {
        key_id: key_id.clone(),
        min_position: 0,
    };
    let key = client
        .get_key(request)
        .await
        .unwrap()
        .into_inner()
        .key
        .unwrap();
    assert_eq!(
        key.registered.unwrap().public_key,
        plant.key.public().as_bytes().as_slice()
    );
    let unknown = GetKeyRequest {
        key_id: vec![3; 16].into(),
        min_position: 0,
    };
    assert_eq!(
        client.get_key(unknown).await.unwrap_err().code(),
        Code::NotFound
    );
    let short = GetKeyRequest {
        key_id: key_id.slice(1..),
        min_position: 0,
    };
    assert_eq!(
        client.get_key(short).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    bench.stop().await;
}

#[tokio::test]
async fn keys_are_listed_page_by_page_everybodys_or_one_partys() {
    let bench = Bench::start().await;
    let mut client = bench.registry_client();
    let mut listed = async |party: &str, page_size: u32| {
        let mut keys = Vec::new();
        let mut after = Bytes::new();
        loop {
            let request = ListKeysRequest {
                party: party.to_owned(),
                page_size,
                after,
                ..ListKeysRequest::default()
            };
            let page = client.list_keys(request).await.unwrap().into_inner();
            assert!(page.keys.len() <= page_size as usize);
            keys.extend(page.keys.into_iter().map(|key| key.registered.unwrap()));
            if page.next.is_empty() {
                return keys;
            }
            after = page.next;
        }
    };
    let all = listed("", 100).await;
    assert_eq!(listed("", 2).await, all);
    let plant = &bench.cast.plant.code;
    let own = listed(plant, 1).await;
    assert_eq!(own.len(), 2);
    assert!(own.iter().eq(all.iter().filter(|key| key.party == *plant)));
    assert!(listed("nobody", 3).await.is_empty());
    bench.stop().await;
}

#[tokio::test]
async fn parties_are_listed_in_order_page_by_page_none_twice() {
    let bench = Bench::start().await;
    let mut codes: Vec<String> = Vec::new();
    for wanted in [2, 2, 1, 0] {
        let request = ListPartiesRequest {
            page_size: 2,
            after: codes.last().cloned().unwrap_or_default(),
            min_position: 0,
        };
        let page = bench
            .registry_client()
            .list_parties(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(page.parties.len(), wanted);
        codes.extend(
            page.parties
                .into_iter()
                .map(|p| p.registered.unwrap().party),
        );
    }
    assert!(codes.is_sorted_by(|a, b| a < b));
    bench.stop().await;
}

#[tokio::test]
async fn a_party_that_nobody_can_sign_for_is_listed_after_30_days() {
    let bench = Bench::start().await;
    let (authority, plant) = (&bench.cast.authority, &bench.cast.plant);
    // Both of the plant's keys are revoked, in one record.
    let revoked = |key: &hazledger::event::signing::SecretKey| {
        event(Body::KeyRevoked(KeyRevoked {
            key_id: key.id().to_bytes(),
            reason: "the plant is deserted".to_owned(),
        }))
    };
    let both = vec![revoked(&plant.key), revoked(&plant.second)];
    bench.record(bench.statement(authority, both)).await;
    let then = bench.now_ms();
    let mut client = bench.registry_client();
    let mut lapsed = async |at_ms: i64, page_size: u32| {
        let request = ListLapsedRequest {
            at_ms,
            page_size,
            ..ListLapsedRequest::default()
        };
        client
            .list_lapsed(request)
            .await
            .map(tonic::Response::into_inner)
    };
    assert!(lapsed(then, 0).await.unwrap().parties.is_empty());
    assert!(
        lapsed(then + NO_KEY_LIMIT_MS - 1, 0)
            .await
            .unwrap()
            .parties
            .is_empty()
    );
    for page_size in [0, 1] {
        let answer = lapsed(then + NO_KEY_LIMIT_MS, page_size).await.unwrap();
        assert_eq!(answer.parties.len(), 1, "{answer:?}");
        let row = &answer.parties[0];
        let party = row.party.clone().unwrap().registered.unwrap().party;
        assert_eq!(
            (party, row.since_ms, row.keys),
            (plant.code.clone(), then, 2)
        );
        // A page that is full may not be the last.
        assert_eq!(answer.next.is_empty(), page_size == 0);
    }
    assert_eq!(
        lapsed(0, 0).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    bench.stop().await;
}

async fn health(bench: &Bench, service: &str) -> ServingStatus {
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let mut client = HealthClient::new(bench.channel());
    client.check(request).await.unwrap().into_inner().status()
}

#[tokio::test]
async fn every_service_is_healthy_until_the_ledger_has_stopped() {
    let bench = Bench::start().await;
    let services = [
        "",
        "hazledger.v1.Ledger",
        "hazledger.v1.Trace",
        "hazledger.v1.Registry",
    ];
    let mut watched = HealthClient::new(bench.channel())
        .watch(HealthCheckRequest {
            service: services[1].to_owned(),
        })
        .await
        .unwrap()
        .into_inner();
    // Before the first report a service is not known, then it serves.
    while watched.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}
    for service in services {
        assert_eq!(
            health(&bench, service).await,
            ServingStatus::Serving,
            "{service}"
        );
    }
    bench.ledger.clone().close().await.unwrap();
    while watched.message().await.unwrap().unwrap().status() != ServingStatus::NotServing {}
    let statement = bench.statement(&bench.cast.plant, vec![produced("A-1", 10)]);
    let request = SubmitRequest {
        statement: Some(statement),
        ..SubmitRequest::default()
    };
    let status = bench.ledger_client().submit(request).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    drop(watched);
    bench.stop().await;
}

#[tokio::test]
async fn reflection_names_every_service() {
    let bench = Bench::start().await;
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers = ServerReflectionClient::new(bench.channel())
        .server_reflection_info(tokio_stream::iter([request]))
        .await
        .unwrap()
        .into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else {
        unreachable!("{answer:?}");
    };
    let names: Vec<String> = list.service.into_iter().map(|s| s.name).collect();
    for name in [
        "hazledger.v1.Ledger",
        "hazledger.v1.Trace",
        "hazledger.v1.Registry",
    ] {
        assert!(
            names.iter().any(|n| n == name),
            "{name} is not in {names:?}"
        );
    }
    bench.stop().await;
}

#[tokio::test]
async fn shutting_down_ends_followers_and_then_the_server() {
    let bench = Bench::start().await;
    let mut client = hazledger::pb::ledger_client::LedgerClient::new(channel(bench.address).await);
    let request = FollowRequest {
        from: 0,
        ..FollowRequest::default()
    };
    let mut records = client.follow(request).await.unwrap().into_inner();
    for position in 0..2 {
        assert_eq!(records.message().await.unwrap().unwrap().position, position);
    }
    let (ledger, ended) = tokio::join!(bench.stop(), records.message());
    assert_eq!(ended.unwrap_err().code(), Code::Unavailable);
    // The caller's ledger is still the caller's.
    assert!(ledger.status().accepting);
}

#[tokio::test]
async fn while_the_clock_is_in_doubt_submitting_is_unavailable_and_the_status_says_why() {
    let bench = Bench::start().await;
    let statement = bench.statement(&bench.cast.plant, vec![produced("NC-1", 10)]);
    bench.set_clock(8 * HOUR_MS);
    let request = SubmitRequest {
        statement: Some(statement.clone()),
        ..SubmitRequest::default()
    };
    let submitted = bench.ledger_client().submit(request).await;
    let status = submitted.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.reason, "CLOCK_IN_DOUBT");
    assert_eq!(info.metadata["clock_ms"], bench.now_ms().to_string());
    let told = grpc::errors::problem(&status).unwrap();
    assert!(told.detail.contains("8 h 0 min 0 s ahead"), "{told:?}");
    let asked = async || {
        let answer = bench.ledger_client().get_status(GetStatusRequest {}).await;
        answer.unwrap().into_inner()
    };
    let status = asked().await;
    assert!(!status.accepting);
    let why = &status.not_accepting;
    assert!(why.contains("8 h 0 min 0 s ahead"), "{why}");
    assert!(why.contains("--confirm-clock"), "{why}");
    bench.set_clock(-8 * HOUR_MS);
    bench.record(statement).await;
    let status = asked().await;
    assert!(status.accepting);
    assert_eq!(status.not_accepting, "");
}
