//! The ledger service: statements in, records out.
//!
//! A refused statement is an answer. What could not be tried is a status.

use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

use super::door::Door;
use super::errors::{Fault, What, explained};
use super::filter::{Filter, party_of};
use super::waiting::Deadline;
use crate::event::StatementId;
use crate::ledger::{Answer, Pending, SubmitError};
use crate::pb::get_record_request::Which;
use crate::pb::ledger_server::Ledger;
use crate::pb::submit_response;
use crate::pb::{
    DecideRequest, DecideResponse, FollowRequest, FollowResponse, GetRecordRequest,
    GetRecordResponse, GetStatusRequest, GetStatusResponse, SignedStatement, SubmitRequest,
    SubmitResponse,
};

/// Statements of one stream that are being decided at a time, at most. What
/// comes beyond that is not read, so HTTP/2 holds the sender back.
pub const IN_FLIGHT: usize = 512;

/// How long a stream rests when it first finds the ledger's queue full: about
/// as long as one sync takes.
const FIRST_REST: Duration = Duration::from_millis(1);

/// Records that wait for one follower, at most; a slow one is read for no
/// faster than it takes them.
pub const FOLLOW_BUFFER: usize = 16;

/// The service.
pub(super) struct LedgerService(pub Door);

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Ledger for LedgerService {
    async fn submit(
        &self,
        request: Request<SubmitRequest>,
    ) -> Result<Response<SubmitResponse>, Status> {
        let statement = given(request.into_inner().statement)?;
        let answer = self.0.ledger.submit(statement).await.map_err(Fault::from)?;
        Ok(Response::new(response(answer)))
    }

    type SubmitStreamStream = Answers<SubmitResponse>;

    async fn submit_stream(
        &self,
        request: Request<Streaming<SubmitRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        let (sender, receiver) = mpsc::channel(IN_FLIGHT);
        tokio::spawn(admit_all(self.0.clone(), request.into_inner(), sender));
        let answers = ReceiverStream::new(receiver).then(|admitted| async {
            let pending: Pending = admitted?;
            Ok(response(pending.await.map_err(Fault::from)?))
        });
        Ok(Response::new(Box::pin(answers)))
    }

    async fn decide(
        &self,
        request: Request<DecideRequest>,
    ) -> Result<Response<DecideResponse>, Status> {
        let deadline = Deadline::of(request.metadata());
        let request = request.into_inner();
        let statement = given(request.statement)?;
        self.0.committed(request.min_position, deadline).await?;
        let trial = self.0.ledger.dry_run(statement, request.min_position);
        let trial = tokio::time::timeout_at(deadline.0, trial)
            .await
            .map_err(|_| {
                let as_of = self.0.ledger.committed();
                Fault::TooLate {
                    min_position: request.min_position,
                    as_of,
                }
            })?;
        Ok(Response::new(trial.map_err(Fault::from)?))
    }

    async fn get_record(
        &self,
        request: Request<GetRecordRequest>,
    ) -> Result<Response<GetRecordResponse>, Status> {
        let deadline = Deadline::of(request.metadata());
        let request = request.into_inner();
        let as_of = self.0.committed(request.min_position, deadline).await?;
        let which = request
            .which
            .ok_or_else(|| Fault::invalid("which", "name a position or a statement"))?;
        let read = move |ledger: &crate::ledger::Ledger| {
            let position = match &which {
                Which::Position(position) => *position,
                Which::Statement(name) => {
                    let id = StatementId::parse(&name.id).ok_or_else(|| {
                        Fault::invalid("statement.id", "not a UUIDv7 of 16 bytes")
                    })?;
                    let unknown = || Fault::Unknown {
                        what: What::Statement,
                        name: format!("{id} of {}", name.party),
                        as_of,
                    };
                    ledger.find(&name.party, id)?.ok_or_else(unknown)?
                }
            };
            let found = ledger.record(position)?;
            found.ok_or(Fault::PastEnd { position, as_of })
        };
        let (record, acknowledgement) = self.0.read(deadline, read).await?;
        Ok(Response::new(GetRecordResponse {
            record: Some(record),
            acknowledgement: Some(acknowledgement),
            as_of,
        }))
    }

    type FollowStream = Answers<FollowResponse>;

    async fn follow(
        &self,
        request: Request<FollowRequest>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let request = request.into_inner();
        let filter = Filter::of(&request)?;
        let until = request.catch_up_only.then(|| self.0.ledger.committed());
        let (sender, receiver) = mpsc::channel(FOLLOW_BUFFER);
        let door = self.0.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = sender.closed() => {}
                () = door.closing() => {
                    // A follower that has gone is told nothing.
                    let _ = sender.try_send(Err(stopping()));
                }
                () = follow_into(&door, request.from, until, &filter, &sender) => {}
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    async fn get_status(
        &self,
        _: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let status = self.0.ledger.status();
        Ok(Response::new(GetStatusResponse {
            as_of: status.committed,
            last_head_hash: status.last_head.to_bytes(),
            ledger_public_key: bytes::Bytes::copy_from_slice(status.ledger_key.as_bytes()),
            projected: status.flushed,
            accepting: status.accepting,
            recorded_at_ms: status.recorded_at_ms,
            origin: Some(status.origin),
        }))
    }
}

fn given(statement: Option<SignedStatement>) -> Result<SignedStatement, Fault> {
    statement.ok_or_else(|| Fault::invalid("statement", "there is none"))
}

fn stopping() -> Status {
    Fault::Stopped("the server is shutting down".to_owned()).into()
}

fn response(answer: Answer) -> SubmitResponse {
    match answer {
        Answer::Acknowledged {
            acknowledgement,
            findings,
            repeated,
        } => SubmitResponse {
            answer: Some(submit_response::Answer::Acknowledgement(acknowledgement)),
            findings,
            repeated,
        },
        Answer::Refused(refusal) => SubmitResponse {
            answer: Some(submit_response::Answer::Refusal(refusal)),
            ..SubmitResponse::default()
        },
    }
}

/// Admits a stream's statements in order of arrival. Ends with the stream, or
/// with the first thing that could not be tried; the answers to what came
/// before it are given all the same.
async fn admit_all(
    door: Door,
    mut statements: Streaming<SubmitRequest>,
    sender: mpsc::Sender<Result<Pending, Status>>,
) {
    let closing = door.closing();
    tokio::pin!(closing);
    loop {
        // The place is taken first: nothing is read that could not wait here.
        let Ok(place) = sender.reserve().await else {
            return;
        };
        let next = tokio::select! {
            next = statements.message() => next,
            () = sender.closed() => return,
            () = &mut closing => Err(stopping()),
        };
        let admitted = match next {
            Ok(None) => return,
            Ok(Some(request)) => match given(request.statement) {
                Ok(statement) => admit(&door, statement).await,
                Err(fault) => Err(fault),
            }
            .map_err(Status::from),
            Err(status) => Err(explained(status)),
        };
        let ends = admitted.is_err();
        place.send(admitted);
        if ends {
            return;
        }
    }
}

/// Waits as long as the ledger has as much waiting as it takes: a moment at
/// first, then longer, up to the time that the ledger asks for.
async fn admit(door: &Door, statement: SignedStatement) -> Result<Pending, Fault> {
    let mut rest = FIRST_REST;
    loop {
        match door.ledger.enqueue(statement.clone()) {
            Err(SubmitError::Overloaded { retry_after_ms }) => {
                tokio::time::sleep(rest).await;
                rest = rest
                    .saturating_mul(2)
                    .min(Duration::from_millis(retry_after_ms));
            }
            admitted => return Ok(admitted?),
        }
    }
}

/// Sends what the follower wants: catch-up, then live; with `until`, only what
/// was committed then.
async fn follow_into(
    door: &Door,
    from: u64,
    until: Option<u64>,
    filter: &Filter,
    sender: &mpsc::Sender<Result<FollowResponse, Status>>,
) {
    if until.is_some_and(|end| from >= end) {
        return;
    }
    let mut records = door.ledger.follow(from);
    while let Some(next) = records.next().await {
        let followed = match next {
            Ok(followed) => followed,
            Err(error) => {
                // A follower that has gone is told nothing.
                let _ = sender.send(Err(Fault::from(error).into())).await;
                return;
            }
        };
        let party = |id| door.ledger.read(|state| party_of(state, id));
        if filter.wants(&followed.opened, party) {
            let response = FollowResponse {
                record: Some(followed.record),
                position: followed.position,
                as_of: followed.as_of,
            };
            if sender.send(Ok(response)).await.is_err() {
                return;
            }
        }
        if until.is_some_and(|end| followed.position.saturating_add(1) >= end) {
            return;
        }
    }
}
