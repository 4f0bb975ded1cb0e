//! Deadlines and cancellation, over a log that commits when it is told to.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use hazledger::event::Hash;
use hazledger::grpc::{self, Limits, Setup};
use hazledger::journal::{Batch, Journal, JournalOptions, StoredBatch};
use hazledger::ledger::{Commit, CommitLog, Ledger, LogError, Options, Records, SystemClock};
use hazledger::pb::ledger_client::LedgerClient;
use hazledger::pb::submit_response::Answer;
use hazledger::pb::{FollowRequest, GetRecordRequest, get_record_request::Which};
use hazledger::storage::DirStorage;
use tokio::sync::oneshot;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::house::{House, PATIENCE, block_on, is_recorded, request};
use crate::support::server::{channel, head_of};

/// Open or shut; a commit waits at one that is shut.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn set(&self, shut: bool) {
        *self.0.0.lock().unwrap() = shut;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let shut = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(shut, |shut| *shut).unwrap());
    }
}

/// A journal behind a gate.
struct Gated {
    journal: Journal<DirStorage>,
    gate: Gate,
}

impl CommitLog for Gated {
    fn commit(&mut self, batch: &Batch, _: Hash) -> Commit {
        self.gate.pass();
        match self.journal.append(batch) {
            Ok(()) => Commit::Committed,
            Err(error) => Commit::Unknown(error.into()),
        }
    }

    fn read_back(&mut self, _: u64) -> Result<Vec<StoredBatch>, LogError> {
        Err(LogError::Other("not known".to_owned()))
    }

    fn close(self: Box<Self>) -> Result<(), LogError> {
        Ok(self.journal.close()?)
    }
}

/// A door to a ledger whose commits wait at a gate.
struct Slow {
    house: House,
    gate: Gate,
    ledger: Ledger,
    client: LedgerClient<Channel>,
    _stop: oneshot::Sender<()>,
}

impl Slow {
    async fn start() -> Slow {
        let house = tokio::task::spawn_blocking(House::new).await.unwrap();
        let gate = Gate::default();
        let storage = DirStorage::new(house.dir().join("journal"));
        let options = JournalOptions::default();
        let (journal, _) = Journal::open(storage, None, 0, options).unwrap();
        let records: Arc<dyn Records> = Arc::new(journal.reader());
        let log = Gated {
            journal,
            gate: gate.clone(),
        };
        let (ledger, _) = Ledger::open_over(
            Box::new(log),
            records,
            &house.dir().join("other-projection"),
            house.cast.ledger.clone(),
            Options::default(),
            Arc::new(SystemClock),
        )
        .unwrap();
        let listener = grpc::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = ledger.clone();
        let limits = Limits {
            max_submit_wait: LONGEST,
            ..Limits::default()
        };
        let setup = Setup {
            limits,
            ..Setup::default()
        };
        tokio::spawn(grpc::serve_with(served, listener, setup, async {
            let _ = stopped.await;
        }));
        Slow {
            house,
            gate,
            ledger,
            client: LedgerClient::new(channel(address).await),
            _stop: stop,
        }
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        // A test that has failed must not leave the ledger's thread waiting.
        self.gate.set(false);
    }
}

fn within<T>(message: T, time: Duration) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(time);
    request
}

#[track_caller]
fn ended_for(status: &Status, reason: &str) {
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    assert_eq!(status.get_details_error_info().unwrap().reason, reason);
}

/// As long as the server waits for a commit. No caller's own clock ends such a
/// call: on a busy machine that would come before the server's answer.
const LONGEST: Duration = Duration::from_secs(3);

#[test]
fn a_statement_without_its_answer_at_the_deadline_is_said_to_be_unknown_and_gets_it_when_sent_again()
 {
    block_on(async {
        let mut slow = Slow::start().await;
        let before = slow.ledger.committed();
        slow.gate.set(true);
        let made = slow.house.made("A-1");
        let late = slow
            .client
            .submit(within(request(made.clone()), PATIENCE))
            .await;
        let late = late.unwrap_err();
        ended_for(&late, "UNANSWERED");
        assert!(
            late.message().contains("unknown whether it is recorded"),
            "{late}"
        );
        assert!(
            late.message().contains("send the same bytes again"),
            "{late}"
        );
        slow.gate.set(false);
        let again = slow.client.submit(within(request(made), PATIENCE)).await;
        let again = again.unwrap().into_inner();
        let Some(Answer::Acknowledgement(acknowledgement)) = again.answer else {
            unreachable!("{again:?}");
        };
        assert_eq!(head_of(&acknowledgement).position, before);
        assert_eq!(slow.ledger.committed(), before + 1);
    });
}

#[test]
fn a_stream_ends_at_its_deadline_and_says_what_is_unknown() {
    block_on(async {
        let mut slow = Slow::start().await;
        slow.gate.set(true);
        let made = tokio_stream::iter([request(slow.house.made("A-1"))]);
        // More than its answer: the client keeps the stream open.
        let more = tokio_stream::StreamExt::chain(made, tokio_stream::pending());
        let answers = slow
            .client
            .submit_stream(within(more, Duration::from_secs(1)))
            .await;
        let late = answers.unwrap().into_inner().message().await.unwrap_err();
        ended_for(&late, "UNANSWERED");
        slow.gate.set(false);
    });
}

#[test]
fn a_follower_ends_at_its_deadline_and_is_told_where_to_go_on() {
    block_on(async {
        let mut slow = Slow::start().await;
        let follow = within(FollowRequest::default(), Duration::from_secs(1));
        let mut records = slow.client.follow(follow).await.unwrap().into_inner();
        for position in 0..2 {
            assert_eq!(records.message().await.unwrap().unwrap().position, position);
        }
        let over = records.message().await.unwrap_err();
        ended_for(&over, "FOLLOW_OVER");
        assert!(over.message().contains("after the last record"), "{over}");
    });
}

#[test]
fn a_call_that_is_given_up_leaves_nothing_behind() {
    block_on(async {
        let mut slow = Slow::start().await;
        slow.gate.set(true);
        let made = slow.house.made("A-1");
        let mut client = slow.client.clone();
        let given_up = tokio::spawn(async move { client.submit(request(made)).await });
        while slow.ledger.status().unanswered == 0 {
            tokio::task::yield_now().await;
        }
        given_up.abort();
        assert!(given_up.await.unwrap_err().is_cancelled());
        slow.gate.set(false);
        // It was admitted, so it is recorded, and its place is free.
        while slow.ledger.status().unanswered > 0 {
            tokio::task::yield_now().await;
        }
        let ask = GetRecordRequest {
            which: Some(Which::Position(2)),
            min_position: 3,
        };
        let record = slow.client.get_record(within(ask, PATIENCE)).await.unwrap();
        assert!(record.into_inner().record.is_some());
        let next = slow
            .client
            .submit(request(slow.house.made("A-2")))
            .await
            .unwrap();
        assert!(is_recorded(&next.into_inner()));
    });
}
