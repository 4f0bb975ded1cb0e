//! What is scraped is what happened, and the page on what to be woken for
//! names every metric there is, and none that is not.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use bytes::Bytes;
use hazledger::event::signing::SecretKey;
use hazledger::pb::{FollowRequest, GetRecordRequest, SignedStatement};
use hazledger::proof::{NoteKeyKind, VerifierKey};
use hazledger::web::alerts;

use crate::house::{House, Server, block_on, request};

/// Each metric's name and kind, as the page of metrics has them.
fn scraped(page: &str) -> BTreeMap<String, String> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let pairs = types.filter_map(|line| line.split_once(' '));
    pairs
        .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
        .collect()
}

/// The same as the page on alerts has them in its tables of metrics.
fn documented() -> BTreeMap<String, String> {
    let rows = alerts::PAGE.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        let kind = cells.next()?;
        let is_kind = ["counter", "gauge", "histogram"].contains(&kind);
        is_kind.then(|| (name.to_owned(), kind.to_owned()))
    });
    rows.collect()
}

/// Every word of the page that looks like a metric's name, its parts taken off.
fn named() -> BTreeSet<String> {
    let words = alerts::PAGE.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words
        .filter(|word| word.starts_with("hazledger_") || word.starts_with("process_"))
        .map(|word| word.trim_end_matches("_bucket").to_owned())
        .collect()
}

#[test]
fn the_page_on_alerts_and_the_metrics_are_in_step() {
    let house = House::new();
    // Of a witness there is something to say only if there is one, who need
    // not answer.
    let key = SecretKey::from_seed(&[5; 32]).public().clone();
    let key = VerifierKey::new("witness.example/w", NoteKeyKind::Cosignature, key).unwrap();
    let policy = house.dir().with_file_name("witnesses.policy");
    fs::write(
        &policy,
        format!("witness w {key} http://127.0.0.1:1\nquorum w\n"),
    )
    .unwrap();
    let policy = policy.to_str().unwrap();
    let server = Server::start(&house, &["--witness-policy", policy]);
    let scraped = scraped(&server.scrape());
    assert!(scraped.len() > 20, "{scraped:?}");
    assert_eq!(scraped, documented());
    let names: BTreeSet<String> = scraped.keys().cloned().collect();
    assert_eq!(names, named());
}

#[test]
fn metrics_are_named_as_prometheus_wants_them_and_each_says_what_it_is() {
    let house = House::new();
    let server = Server::start(&house, &[]);
    let page = server.scrape();
    for (name, kind) in scraped(&page) {
        assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
        for unit in ["_ms", "_millis", "_kib", "_mib", "_kb"] {
            assert!(!name.contains(unit), "{name} is not in a base unit");
        }
        let help = page
            .lines()
            .find(|l| l.starts_with(&format!("# HELP {name} ")));
        assert!(
            help.is_some_and(|help| help.len() > name.len() + 15),
            "{name}"
        );
    }
}

#[test]
fn only_loopback_is_listened_on() {
    block_on(async {
        for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
            let error = hazledger::web::listen(address.parse().unwrap()).await;
            let error = error.unwrap_err().to_string();
            assert!(error.contains("loopback"), "{error}");
        }
    });
}

#[test]
fn what_happened_is_counted() {
    let house = House::new();
    let server = Server::start(&house, &[]);
    block_on(async {
        let mut client = server.client().await;
        let made = house.made("A-1");
        client.submit(request(made.clone())).await.unwrap();
        client.submit(request(made)).await.unwrap();
        let garbage = SignedStatement {
            payload: Bytes::from_static(b"?"),
            ..SignedStatement::default()
        };
        client.submit(request(garbage)).await.unwrap();
        client
            .get_record(GetRecordRequest::default())
            .await
            .unwrap_err();
        let follow = FollowRequest {
            catch_up_only: true,
            ..FollowRequest::default()
        };
        let mut records = client.follow(follow).await.unwrap().into_inner();
        while records.message().await.unwrap().is_some() {}
    });
    let calls = |method: &str, status: &str| {
        format!(
            "hazledger_grpc_calls_total{{method=\"/hazledger.v1.Ledger/{method}\",status=\"{status}\"}}"
        )
    };
    // A call is counted when its last byte has gone, which its client may see
    // first.
    server.wait_for(&calls("Follow", "OK"), 1.0);
    let submit = calls("Submit", "OK");
    server.wait_for(&submit, 3.0);
    let invalid = calls("GetRecord", "INVALID_ARGUMENT");
    server.wait_for(&invalid, 1.0);
    for (name, count) in [
        ("hazledger_records_committed_total", 1.0),
        ("hazledger_commit_seconds_count", 1.0),
        ("hazledger_batch_records_sum", 1.0),
        ("hazledger_duplicates_total", 1.0),
        ("hazledger_refusals_total{code=\"MALFORMED\"}", 1.0),
        ("hazledger_committed_position", 3.0),
        ("hazledger_queue_limit_statements", 8192.0),
        ("hazledger_accepting", 1.0),
        ("hazledger_grpc_connection_limit", 512.0),
        (&submit, 3.0),
        (&invalid, 1.0),
    ] {
        let got = server.sample(name);
        assert!(
            (got - count).abs() < 0.5,
            "{name} is {got}, not {count}:\n{}",
            server.scrape()
        );
    }
    // A moment after the answer, on a thread of its own.
    server.wait_for("hazledger_projected_position", 3.0);
    server.wait_until("hazledger_queue_statements", |waiting| waiting < 0.5);
    for name in [
        "hazledger_live_items",
        "hazledger_recorded_timestamp_seconds",
        "hazledger_batch_bytes_sum",
        "process_resident_memory_bytes",
    ] {
        assert!(server.sample(name) > 1.0, "{name}:\n{}", server.scrape());
    }
}
