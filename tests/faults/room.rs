//! A disk that fills up: noticed ahead, refused with a reason, and over when
//! there is room again.

use std::sync::Arc;
use std::time::Duration;

use hazledger::custody::State;
use hazledger::grpc;
use hazledger::ledger::{
    Answer, DiskShort, Ledger, MIN_BATCH_BYTES, OpenError, Options, SubmitError,
};
use hazledger::pb::ledger_client::LedgerClient;
use hazledger::pb::{GetStatusRequest, SubmitRequest};
use hazledger::sim::Expect;
use hazledger::storage::sim::SimStorage;
use tokio::sync::oneshot;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::world::{AtTheEnd, INTERVAL, Script, head_of, options, runtime};

/// The smallest reserve there may be.
fn tight() -> Options {
    let small = options();
    let segment = u64::from(small.journal.segment_bytes);
    Options {
        max_batch_bytes: MIN_BATCH_BYTES,
        disk_reserve_bytes: 4 * (segment + MIN_BATCH_BYTES as u64),
        disk_look_every: Duration::from_millis(2),
        ..small
    }
}

fn open(script: &Script, disk: &SimStorage, store: &std::path::Path) -> Result<Ledger, OpenError> {
    let key = script.key.clone();
    let opened = Ledger::open_on(disk.clone(), store, key, tight(), Arc::new(AtTheEnd));
    opened.map(|(ledger, _)| ledger)
}

/// Sends what the script has from an index on, one by one, until the disk is
/// nearly full; returns what comes next.
async fn fill(script: &Script, ledger: &Ledger, from: usize) -> (usize, SubmitError) {
    for index in from..script.statements.len() {
        match ledger.submit(script.signed(index)).await {
            Ok(answer) => script.judge(index, &answer, &mut |_, _| {}),
            Err(error) => return (index, error),
        }
    }
    panic!("the disk never filled up");
}

/// Waits for the ledger's word on the room it has.
async fn told(ledger: &Ledger, short: bool) {
    let mut room = ledger.disk_short();
    let turned = room.wait_for(|now: &Option<DiskShort>| now.is_some() == short);
    turned.await.unwrap();
}

#[test]
fn a_disk_nearly_full_is_refused_with_a_reason_and_taken_up_again_by_itself() {
    let script = Script::new(9, 240);
    runtime().block_on(async {
        let disk = script.founded.restart();
        let reserve = tight().disk_reserve_bytes;
        disk.set_capacity(Some(disk.used() + reserve + 100 * 1024));
        let store = tempfile::tempdir().unwrap();
        let ledger = open(&script, &disk, store.path()).unwrap();
        let (mut index, mut error) = fill(&script, &ledger, 0).await;
        assert!(index > 10, "{index}");
        // Where the ledger's own record is due, it may be on its way or wait for
        // the next statement: a little further on, none is.
        while ledger.committed().is_multiple_of(INTERVAL) {
            disk.set_capacity(Some(disk.used() + reserve + 8 * 1024));
            told(&ledger, false).await;
            (index, error) = fill(&script, &ledger, index).await;
        }
        let SubmitError::DiskNearlyFull {
            free_bytes,
            reserve_bytes,
        } = error
        else {
            panic!("{error}");
        };
        assert!(free_bytes < reserve_bytes && reserve_bytes == reserve);
        told(&ledger, true).await;
        let status = ledger.status();
        assert!(!status.accepting && status.stopped.is_none());
        assert!(status.paused.unwrap().contains("nearly full"));

        // Nothing is written, reads go on, and what is recorded has its answer.
        let (steps, committed) = (disk.steps(), ledger.committed());
        let again = ledger.submit(script.signed(index)).await;
        assert!(matches!(again, Err(SubmitError::DiskNearlyFull { .. })));
        let first = ledger.submit(script.signed(0)).await.unwrap();
        let Answer::Acknowledged {
            acknowledgement,
            repeated: true,
            ..
        } = first
        else {
            panic!("{first:?}");
        };
        let (_, read) = ledger.record(1).unwrap().unwrap();
        assert_eq!(head_of(&read), head_of(&acknowledgement));
        ledger.dry_run(script.signed(index), 0).await.unwrap();
        assert_eq!((disk.steps(), ledger.committed()), (steps, committed));

        disk.set_capacity(None);
        told(&ledger, false).await;
        assert!(ledger.status().accepting && ledger.status().paused.is_none());
        let answer = ledger.submit(script.signed(index)).await.unwrap();
        script.judge(index, &answer, &mut |_, _| {});
        ledger.close().await.unwrap();
    });
}

#[test]
fn the_reserve_is_enough_to_close_on_and_to_recover_on() {
    let script = Script::new(9, 160);
    runtime().block_on(async {
        let disk = script.founded.restart();
        let reserve = tight().disk_reserve_bytes;
        disk.set_capacity(Some(disk.used() + reserve + 150 * 1024));
        let store = tempfile::tempdir().unwrap();
        let ledger = open(&script, &disk, store.path()).unwrap();
        // Everything that may wait, at once.
        let pending: Vec<_> = (0..script.statements.len())
            .map(|index| ledger.enqueue(script.signed(index)).unwrap())
            .collect();
        let mut turned_away = 0;
        for (index, pending) in pending.into_iter().enumerate() {
            match pending.await {
                Ok(answer) if turned_away == 0 => script.judge(index, &answer, &mut |_, _| {}),
                // What rests on one that was turned away is refused.
                Ok(_) => {}
                Err(SubmitError::DiskNearlyFull { .. }) => turned_away += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(turned_away > 10, "{turned_away}");
        assert!(ledger.status().stopped.is_none(), "a write failed");
        let (records, digest) = (ledger.committed(), ledger.read(State::digest));

        // Killed and started again on the same full disk, then closed on it.
        drop(ledger);
        let killed = disk.restart();
        let ledger = open(&script, &killed, store.path()).unwrap();
        let left = ledger.committed();
        if left == records {
            assert_eq!(ledger.read(State::digest), digest);
        } else {
            // The ledger's own record was on its way.
            assert!(records.is_multiple_of(INTERVAL));
            assert_eq!(left, records + 1);
        }
        ledger.close().await.unwrap();
        let ledger = open(&script, &killed.restart(), store.path()).unwrap();
        assert_eq!(ledger.committed(), left);
        ledger.close().await.unwrap();
    });
}

#[test]
fn a_reserve_too_small_for_its_promise_is_refused() {
    let script = Script::new(9, 1);
    let store = tempfile::tempdir().unwrap();
    let mut options = tight();
    options.disk_reserve_bytes -= 1;
    let key = script.key.clone();
    let opened = Ledger::open_on(
        script.founded.restart(),
        store.path(),
        key,
        options,
        Arc::new(AtTheEnd),
    );
    let error = opened.map(drop).unwrap_err().to_string();
    assert!(error.contains("disk_reserve_bytes"), "{error}");
}

#[test]
fn the_door_tells_a_full_disk_as_exhausted_and_not_serving_until_there_is_room() {
    let script = Script::new(9, 3);
    runtime().block_on(async {
        let disk = script.founded.restart();
        disk.set_capacity(Some(disk.used() + 100));
        let store = tempfile::tempdir().unwrap();
        let ledger = open(&script, &disk, store.path()).unwrap();
        let listener = grpc::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(grpc::serve(ledger.clone(), listener, async {
            let _ = stopped.await;
        }));
        let channel = tonic::transport::Channel::from_shared(url).unwrap();
        let channel = channel.connect().await.unwrap();
        let mut client = LedgerClient::new(channel.clone());
        let request = || SubmitRequest {
            statement: Some(script.signed(0)),
            ..SubmitRequest::default()
        };
        let status = client.submit(request()).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status.message().contains("nearly full"), "{status}");
        let details = tonic_types::StatusExt::get_error_details(&status);
        let info = details.error_info().unwrap().clone();
        assert_eq!(info.reason, "DISK_NEARLY_FULL");
        assert_eq!(info.metadata["free_bytes"], "100");
        let answer = client.get_status(GetStatusRequest {}).await.unwrap();
        assert!(!answer.into_inner().accepting);
        let request_health = HealthCheckRequest {
            service: "hazledger.v1.Ledger".to_owned(),
        };
        let mut health = HealthClient::new(channel);
        let mut health = health.watch(request_health).await.unwrap().into_inner();
        let until = async |wanted| {
            while health.message().await.unwrap().unwrap().status() != wanted {}
        };
        let mut until = until;
        until(ServingStatus::NotServing).await;
        disk.set_capacity(None);
        until(ServingStatus::Serving).await;
        let answer = client.submit(request()).await.unwrap().into_inner();
        assert_eq!(script.statements[0].expect, Expect::Accepted);
        assert!(!answer.repeated && answer.answer.is_some());
        drop(health);
        stop.send(()).unwrap();
        serving.await.unwrap().unwrap();
        ledger.close().await.unwrap();
    });
}
