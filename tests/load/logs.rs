//! The log: one structured line for each call that is worth one, with its
//! request id, never with what it said; and never more than its bound.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::time::Instant;

use hazledger::grpc::REQUEST_ID;
use hazledger::pb::GetStatusRequest;
use serde_json::Value;
use tonic::Request;

use crate::house::{House, Server, block_on, request};

/// The lines of a log of JSON; every one has to be JSON.
fn lines(log: &str) -> Vec<Value> {
    log.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn each_call_has_a_line_with_its_id_and_its_party_and_nothing_of_what_it_said() {
    let house = House::new();
    let mut server = Server::start(&house, &["--log", "debug", "--log-format", "json"]);
    let id = block_on(async {
        let mut client = server.client().await;
        let mut asked = Request::new(request(house.made("SECRET-LABEL")));
        asked
            .metadata_mut()
            .insert(REQUEST_ID, "order-4711".parse().unwrap());
        let answer = client.submit(asked).await.unwrap();
        assert_eq!(answer.metadata().get(REQUEST_ID).unwrap(), "order-4711");
        // Without one, or with one that will not do, it gets one.
        let mut asked = Request::new(GetStatusRequest {});
        asked
            .metadata_mut()
            .insert(REQUEST_ID, "138 0013 8000".parse().unwrap());
        let answer = client.get_status(asked).await.unwrap();
        answer
            .metadata()
            .get(REQUEST_ID)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    });
    server.terminate();
    assert_eq!(server.end(), 0);
    let log = server.log();
    let lines = lines(&log);
    let of = |id: &str| {
        let mut of = lines.iter().filter(|line| line["request_id"] == id);
        let line = of
            .next()
            .unwrap_or_else(|| unreachable!("no line of {id}: {log}"));
        assert!(of.next().is_none(), "two lines of {id}");
        line
    };
    let submit = of("order-4711");
    assert_eq!(submit["method"], "/hazledger.v1.Ledger/Submit");
    assert_eq!(submit["status"], "OK");
    assert_eq!(submit["party"], house.cast.plant.code.as_str());
    assert!(submit["seconds"].is_f64(), "{submit}");
    assert_eq!(of(&id)["method"], "/hazledger.v1.Ledger/GetStatus");
    for (what, word) in [("opened", "records"), ("stopped", "stopped cleanly")] {
        assert!(log.contains(word), "nothing about being {what}: {log}");
    }
    for said in ["SECRET-LABEL", "13800138000", "138 0013 8000"] {
        assert!(!log.contains(said), "{said} is in the log: {log}");
    }
}

#[test]
fn at_the_usual_level_calls_that_go_well_have_no_line() {
    let house = House::new();
    let mut server = Server::start(&house, &[]);
    block_on(async {
        let mut client = server.client().await;
        for _ in 0..50 {
            client.get_status(GetStatusRequest {}).await.unwrap();
        }
    });
    server.terminate();
    assert_eq!(server.end(), 0);
    let log = server.log();
    assert!(!log.contains("GetStatus"), "{log}");
}

#[test]
fn a_flood_of_lines_is_cut_short_and_the_log_and_the_metrics_say_by_how_many() {
    let house = House::new();
    // Every call is slow by this measure, so each would have a line.
    let options = [
        "--slow-call",
        "0ms",
        "--log-lines-per-second",
        "5",
        "--log-format",
        "json",
    ];
    let mut server = Server::start(&house, &options);
    let begun = Instant::now();
    let calls = 2_000_u32;
    block_on(async {
        let mut client = server.client().await;
        for _ in 0..calls {
            client.get_status(GetStatusRequest {}).await.unwrap();
        }
    });
    let method = "/hazledger.v1.Ledger/GetStatus";
    let counted = format!("hazledger_grpc_calls_total{{method=\"{method}\",status=\"OK\"}}");
    server.wait_for(&counted, f64::from(calls));
    let left_out = server.sample("hazledger_grpc_log_lines_left_out_total");
    server.terminate();
    assert_eq!(server.end(), 0);
    let lines = lines(&server.log());
    let slow = lines
        .iter()
        .filter(|line| line["message"] == "slow call")
        .count();
    let slow = u32::try_from(slow).unwrap();
    let allowed = 10 + 5 * u32::try_from(begun.elapsed().as_secs()).unwrap();
    assert!(
        (5..=allowed).contains(&slow),
        "{slow} lines, {allowed} allowed"
    );
    assert!(left_out > 0.0);
    let all = f64::from(slow) + left_out;
    assert!(
        (all - f64::from(calls)).abs() < 0.5,
        "{all} of {calls} calls"
    );
}
