//! The ledger service: statements in, records out.
//!
//! A refused statement is an answer. What could not be tried is a status.

use std::pin::Pin;

use tokio::sync::mpsc;
use tokio_stream::Stream as Incoming;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::calls::Call;
use super::door::Door;
use super::errors::{Fault, What};
use super::filter::{Filter, MAX_FILTER};
use super::follower::{Follower, Sender};
use super::following::Following;
use super::reading::{BATCHES_AHEAD, Reading};
use super::receipts;
use super::registry::page_size;
use super::submitting::{self, given};
use super::waiting::{Deadline, callers_deadline};
use crate::event::StatementId;
use crate::event::signing::PublicKey;
use crate::pb::get_record_request::Which;
use crate::pb::ledger_server::Ledger;
use crate::pb::{
    DecideRequest, DecideResponse, FollowRequest, FollowResponse, GetCheckpointRequest,
    GetCheckpointResponse, GetReceiptRequest, GetReceiptResponse, GetRecordRequest,
    GetRecordResponse, GetStatusRequest, GetStatusResponse, LedgerKey, ListRefusalsRequest,
    ListRefusalsResponse, ReadJournalRequest, ReadJournalResponse, StatementName, SubmitRequest,
    SubmitResponse, get_receipt_request,
};
use crate::proof::LedgerKeys;

/// The service.
pub(super) struct LedgerService(pub Door);

type Answers<T> = Pin<Box<dyn Incoming<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Ledger for LedgerService {
    async fn submit(
        &self,
        request: Request<SubmitRequest>,
    ) -> Result<Response<SubmitResponse>, Status> {
        let deadline = Deadline::of(request.metadata(), self.0.limits.max_submit_wait);
        let call = Call::of(request.extensions());
        let request = request.into_inner();
        let statement = given(request.statement)?;
        let answer = submitting::one(&self.0, call.as_deref(), statement, deadline).await;
        let mut answer = self.0.counted(answer)?;
        if request.want_receipt {
            receipts::add(&self.0, &mut answer, deadline).await;
        }
        Ok(Response::new(answer))
    }

    type SubmitStreamStream = Answers<SubmitResponse>;

    async fn submit_stream(
        &self,
        request: Request<Streaming<SubmitRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        let stream = submitting::Stream {
            door: self.0.clone(),
            call: Call::of(request.extensions()),
            ends: callers_deadline(request.metadata()),
            _place: self.0.counted(self.0.place_for_stream())?,
        };
        let in_flight = self.0.limits.in_flight;
        let statements = request.into_inner();
        Ok(answers(in_flight, |sender| {
            stream.run(statements, sender, in_flight)
        }))
    }

    async fn decide(
        &self,
        request: Request<DecideRequest>,
    ) -> Result<Response<DecideResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let call = Call::of(request.extensions());
        let request = request.into_inner();
        let statement = given(request.statement)?;
        if let Some(call) = call {
            call.about(&statement.payload);
        }
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
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        let as_of = self.0.committed(request.min_position, deadline).await?;
        let which = request
            .which
            .ok_or_else(|| Fault::invalid("which", "name a position or a statement"))?;
        let read = move |ledger: &crate::ledger::Ledger| {
            let position = match &which {
                Which::Position(position) => *position,
                Which::Statement(name) => position_of(ledger, name, as_of)?,
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

    async fn get_checkpoint(
        &self,
        request: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let answer = receipts::checkpoint(&self.0, request.into_inner().min_size, deadline).await;
        Ok(Response::new(self.0.counted(answer)?))
    }

    async fn get_receipt(
        &self,
        request: Request<GetReceiptRequest>,
    ) -> Result<Response<GetReceiptResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        let as_of = self.0.committed(request.min_position, deadline).await?;
        let which = request
            .which
            .ok_or_else(|| Fault::invalid("which", "name a position or a statement"))?;
        let position = match which {
            get_receipt_request::Which::Position(position) => position,
            get_receipt_request::Which::Statement(name) => {
                let find = move |ledger: &crate::ledger::Ledger| position_of(ledger, &name, as_of);
                self.0.read(deadline, find).await?
            }
        };
        let receipt = receipts::receipt(&self.0, position, deadline).await;
        Ok(Response::new(GetReceiptResponse {
            receipt: Some(self.0.counted(receipt)?),
            position,
        }))
    }

    type FollowStream = Answers<FollowResponse>;

    async fn follow(
        &self,
        request: Request<FollowRequest>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let ends = callers_deadline(request.metadata());
        let request = request.into_inner();
        let following = Following {
            filter: Filter::of(&request)?,
            follower: Follower::admit(&self.0, request.from, request.catch_up_only, ends)?,
        };
        Ok(answers(self.0.limits.follow_buffer, |sender| {
            following.run(sender)
        }))
    }

    type ReadJournalStream = Answers<ReadJournalResponse>;

    async fn read_journal(
        &self,
        request: Request<ReadJournalRequest>,
    ) -> Result<Response<Self::ReadJournalStream>, Status> {
        let ends = callers_deadline(request.metadata());
        let request = request.into_inner();
        let follower = Follower::admit(&self.0, request.from, request.catch_up_only, ends)?;
        let reading = Reading(follower);
        Ok(answers(BATCHES_AHEAD, |sender| reading.run(sender)))
    }

    async fn list_refusals(
        &self,
        request: Request<ListRefusalsRequest>,
    ) -> Result<Response<ListRefusalsResponse>, Status> {
        let deadline = self.0.deadline(request.metadata());
        let request = request.into_inner();
        self.0.committed(request.min_position, deadline).await?;
        if request.codes.len() > MAX_FILTER {
            let why = format!("{} codes; at most {MAX_FILTER}", request.codes.len());
            return Err(Fault::invalid("codes", why).into());
        }
        let size = page_size(request.page_size);
        let read = move |ledger: &crate::ledger::Ledger| Ok(ledger.refusals(&request, size)?);
        Ok(Response::new(self.0.read(deadline, read).await?))
    }

    async fn get_status(
        &self,
        _: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let status = self.0.ledger.status();
        let verifier = self.0.ledger.verifier_key();
        Ok(Response::new(GetStatusResponse {
            verifier_key: verifier.map(|key| key.to_string()).unwrap_or_default(),
            signed_size: status.checkpoints.signed,
            served_size: status.checkpoints.served,
            not_signing: status.checkpoints.not_signing.clone(),
            as_of: status.committed,
            last_head_hash: status.last_head.to_bytes(),
            ledger_public_key: bytes::Bytes::copy_from_slice(status.ledger_key.as_bytes()),
            projected: status.flushed,
            accepting: status.accepting,
            recorded_at_ms: status.recorded_at_ms,
            not_accepting: why_not(&status),
            ledger_keys: listed(&status.ledger_keys),
            origin: Some(status.origin),
        }))
    }
}

/// A stream of what `run` sends; so much of it waits to be taken, at most.
fn answers<T: Send + 'static, F>(
    ahead: usize,
    run: impl FnOnce(Sender<T>) -> F,
) -> Response<Answers<T>>
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, receiver) = mpsc::channel(ahead);
    tokio::spawn(run(sender));
    Response::new(Box::pin(ReceiverStream::new(receiver)))
}

fn listed(keys: &LedgerKeys) -> Vec<LedgerKey> {
    let key = |(since, key): (u64, &PublicKey)| LedgerKey {
        public_key: bytes::Bytes::copy_from_slice(key.as_bytes()),
        since,
        ..LedgerKey::default()
    };
    keys.all().map(key).collect()
}

/// Where a statement is recorded.
fn position_of(
    ledger: &crate::ledger::Ledger,
    name: &StatementName,
    as_of: u64,
) -> Result<u64, Fault> {
    let id = StatementId::parse(&name.id)
        .ok_or_else(|| Fault::invalid("statement.id", "not a UUIDv7 of 16 bytes"))?;
    let unknown = || Fault::Unknown {
        what: What::Statement,
        name: format!("{id} of {}", name.party),
        as_of,
    };
    ledger.find(&name.party, id)?.ok_or_else(unknown)
}

/// Why statements are not accepted; empty if they are.
fn why_not(status: &crate::ledger::Status) -> String {
    match (&status.stopped, &status.paused) {
        (Some(stopped), _) => stopped.clone(),
        (None, Some(paused)) => paused.clone(),
        (None, None) if status.accepting => String::new(),
        (None, None) => "it is being closed".to_owned(),
    }
}
