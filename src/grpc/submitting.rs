//! Statements in: one by one, and as a stream that is read no faster than its
//! answers are taken. What is admitted is judged, whatever becomes of the
//! call; what a deadline cuts off is said to be unknown.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::time::{Instant, sleep, timeout_at};
use tonic::{Status, Streaming};

use super::calls::Call;
use super::connections::Line;
use super::door::Door;
use super::errors::{Fault, explained};
use super::receipts;
use super::waiting::{Deadline, at};
use crate::event::statement::{MAX_EVENTS, MAX_SIGNATURES};
use crate::ledger::{Answer, Pending, SubmitError};
use crate::pb::{
    RefusalCode, SignedRefusal, SignedStatement, SubmitRequest, SubmitResponse, submit_response,
};

/// How long a stream rests when it first finds the ledger's queue full: about
/// as long as one sync takes.
const FIRST_REST: Duration = Duration::from_millis(1);

/// What a statement came to, or why that cannot be said.
pub(super) type Answered = Result<SubmitResponse, Status>;

/// Decides one statement.
pub(super) async fn one(
    door: &Door,
    call: Option<&Call>,
    statement: SignedStatement,
    deadline: Deadline,
) -> Result<SubmitResponse, Fault> {
    let line = call.and_then(|call| call.line.as_deref());
    if let Some(call) = call {
        call.about(&statement.payload);
    }
    if let Some(retry_after_ms) = line.and_then(Line::held_back_ms) {
        return Err(Fault::Wasteful { retry_after_ms });
    }
    if deadline.is_over() {
        return Err(Fault::NotAdmitted);
    }
    let pending = door
        .ledger
        .enqueue_from(statement, line.map(|line| line.from))?;
    let Ok(answer) = timeout_at(deadline.0, pending).await else {
        return Err(Fault::Unanswered);
    };
    Ok(counted(answer?, line))
}

/// The statement of a request, as long as it waits here.
pub(super) fn given(statement: Option<SignedStatement>) -> Result<SignedStatement, Fault> {
    let given = statement.ok_or_else(|| Fault::invalid("statement", "there is none"))?;
    Ok(trimmed(given))
}

/// Without what makes it refused many times over: an empty part takes two
/// bytes on the wire and forty times that in memory. One more than may be is enough to be refused for.
fn trimmed(mut statement: SignedStatement) -> SignedStatement {
    if statement.events.len() > MAX_EVENTS {
        statement.events.truncate(MAX_EVENTS.saturating_add(1));
        statement.events.shrink_to_fit();
    }
    if statement.signatures.len() > MAX_SIGNATURES {
        statement
            .signatures
            .truncate(MAX_SIGNATURES.saturating_add(1));
        statement.signatures.shrink_to_fit();
    }
    statement
}

/// The answer as it is sent; one that the statement was not worth counts
/// against its connection.
fn counted(answer: Answer, line: Option<&Line>) -> SubmitResponse {
    let wasted = match &answer {
        Answer::Acknowledged { repeated, .. } => *repeated,
        // Only what verifies gets a signed refusal.
        Answer::Refused(refusal) => refusal.signature.is_none(),
    };
    if let Some(line) = line.filter(|_| wasted) {
        line.waste();
    }
    if let Answer::Refused(refusal) = &answer {
        alarm(refusal);
    }
    match answer {
        Answer::Acknowledged {
            acknowledgement,
            findings,
            repeated,
        } => SubmitResponse {
            answer: Some(submit_response::Answer::Acknowledgement(acknowledgement)),
            findings,
            repeated,
            ..SubmitResponse::default()
        },
        Answer::Refused(refusal) => SubmitResponse {
            answer: Some(submit_response::Answer::Refusal(refusal)),
            ..SubmitResponse::default()
        },
    }
}

/// A refusal leaves no record, so a device that says two things under one
/// number is told of here: a line at most once a second, and the metric of
/// refusals counts each. The detail names the key and the number, no more.
fn alarm(refusal: &SignedRefusal) {
    static LAST: AtomicI64 = AtomicI64::new(0);
    if refusal.code() != RefusalCode::DeviceFork {
        return;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let second = since.map_or(0, |s| i64::try_from(s.as_secs()).unwrap_or(i64::MAX));
    if LAST.swap(second, Ordering::Relaxed) != second {
        tracing::error!(detail = refusal.detail, "DEVICE FORK");
    }
}

/// A statement on its way, with the place of its answer, and whether its
/// receipt is wanted; or the end.
enum Next {
    Pending(OwnedPermit<Answered>, Pending, bool),
    Last(OwnedPermit<Answered>, Fault),
    /// The same, as tonic says it.
    Broken(OwnedPermit<Answered>, Status),
}

/// A stream of statements, being admitted in order of arrival and answered in
/// that order.
pub(super) struct Stream {
    pub(super) door: Door,
    pub(super) call: Option<Arc<Call>>,
    /// When its caller will have gone.
    pub(super) ends: Option<Instant>,
    /// Its place among the streams.
    pub(super) _place: OwnedSemaphorePermit,
}

impl Stream {
    /// Until the stream ends, or the first thing that could not be tried; the
    /// answers to what came before it are given all the same. At most
    /// `in_flight` statements are on their way, or answered and not taken.
    pub(super) async fn run(
        self,
        statements: Streaming<SubmitRequest>,
        answers: mpsc::Sender<Answered>,
        in_flight: usize,
    ) {
        let (sender, pending) = mpsc::channel(in_flight);
        let both = async {
            tokio::join!(
                self.admit_all(statements, &answers, sender),
                self.answer_all(pending)
            )
        };
        tokio::select! {
            _ = both => {}
            // Nobody wants the answers any more.
            () = answers.closed() => {}
        }
    }

    /// Until when a receipt is waited for.
    fn receipt_deadline(&self) -> Deadline {
        let longest = Instant::now() + self.door.limits.max_wait;
        Deadline(self.ends.map_or(longest, |ends| ends.min(longest)))
    }

    fn line(&self) -> Option<&Line> {
        self.call.as_ref().and_then(|call| call.line.as_deref())
    }

    async fn admit_all(
        &self,
        mut statements: Streaming<SubmitRequest>,
        answers: &mpsc::Sender<Answered>,
        sender: mpsc::Sender<Next>,
    ) {
        let stopped = self.stopped();
        tokio::pin!(stopped);
        loop {
            // The place is taken first: nothing is read that could not wait
            // here.
            let Ok(place) = answers.clone().reserve_owned().await else {
                return;
            };
            let next = tokio::select! {
                next = statements.message() => next,
                fault = &mut stopped => {
                    // Full or gone, it has an end already.
                    let _ = sender.send(Next::Last(place, fault)).await;
                    return;
                }
            };
            let (statement, receipt) = match next {
                Ok(None) => return,
                Ok(Some(request)) => (given(request.statement), request.want_receipt),
                Err(status) => {
                    let _ = sender.send(Next::Broken(place, explained(status))).await;
                    return;
                }
            };
            let admitted = match statement {
                Err(fault) => Err(fault),
                Ok(statement) => tokio::select! {
                    admitted = self.admit(statement) => admitted,
                    fault = &mut stopped => Err(fault),
                },
            };
            let (next, ends) = match admitted {
                Ok(pending) => (Next::Pending(place, pending, receipt), false),
                Err(fault) => (Next::Last(place, fault), true),
            };
            if sender.send(next).await.is_err() || ends {
                return;
            }
        }
    }

    /// Ready with the reason when nothing more is to be read.
    async fn stopped(&self) -> Fault {
        tokio::select! {
            () = self.door.closing() => Fault::stopping(),
            () = at(self.ends) => Fault::StreamOver,
        }
    }

    /// Waits as long as the ledger has as much waiting as it takes: a moment
    /// at first, then longer, up to the time that the ledger asks for; and as
    /// long as its party or its connection is to slow down.
    async fn admit(&self, statement: SignedStatement) -> Result<Pending, Fault> {
        if let Some(call) = &self.call {
            call.about(&statement.payload);
        }
        if let Some(wait_ms) = self.line().and_then(Line::held_back_ms) {
            self.door.metrics.held_back("wasted_per_second");
            sleep(Duration::from_millis(wait_ms)).await;
        }
        let from = self.line().map(|line| line.from);
        let mut rest = FIRST_REST;
        let mut waits = false;
        loop {
            match self.door.ledger.enqueue_from(statement.clone(), from) {
                Err(SubmitError::Overloaded { retry_after_ms }) => {
                    if !waits {
                        self.door.metrics.held_back("queue");
                    }
                    waits = true;
                    sleep(rest).await;
                    let longest = Duration::from_millis(retry_after_ms);
                    rest = rest.saturating_mul(2).min(longest);
                }
                Err(SubmitError::RateLimited { retry_after_ms, .. }) => {
                    self.door.metrics.held_back("party_statements_per_second");
                    sleep(Duration::from_millis(retry_after_ms)).await;
                }
                admitted => return Ok(admitted?),
            }
        }
    }

    /// Each answer goes to its place when it comes, and waits there until it
    /// is taken.
    async fn answer_all(&self, mut pending: mpsc::Receiver<Next>) {
        while let Some(next) = pending.recv().await {
            let mut wants_receipt = false;
            let (place, answered) = match next {
                Next::Last(place, fault) => {
                    fault.count(&self.door.metrics);
                    (place, Err(fault.into()))
                }
                Next::Broken(place, status) => (place, Err(status)),
                Next::Pending(place, pending, receipt) => tokio::select! {
                    answer = pending => {
                        wants_receipt = receipt;
                        (place, answer.map_err(|e| Fault::from(e).into()))
                    }
                    () = at(self.ends) => (place, Err(Fault::StreamOver.into())),
                },
            };
            let mut answered = answered.map(|answer| counted(answer, self.line()));
            if wants_receipt && let Ok(answer) = &mut answered {
                // The answers behind it wait: they keep their order, and most
                // are under the same checkpoint.
                receipts::add(&self.door, answer, self.receipt_deadline()).await;
            }
            let ends = answered.is_err();
            place.send(answered);
            if ends {
                return;
            }
        }
    }
}
