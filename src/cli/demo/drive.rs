//! Sending the world to a server: a stream for the bulk, single calls for the
//! story, every answer compared with what the world expects.

use std::collections::{BTreeMap, VecDeque};

use indicatif::ProgressBar;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use super::stories::{Answered, Story};
use crate::audit::Kept;
use crate::cli::client::Identity;
use crate::cli::error::CliError;
use crate::event::LotId;
use crate::event::codes;
use crate::event::digest::to_hex;
use crate::pb::ledger_client::LedgerClient;
use crate::pb::submit_response::Answer;
use crate::pb::{
    Acknowledgement, EventKind, Finding, FindingCode, Payload, RefusalCode, Severity,
    SubmitRequest, SubmitResponse,
};
use crate::sim::{Expect, Issued, World};

/// Statements sent and not answered, at most.
const IN_FLIGHT: usize = 512;

/// Refusals of one code.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusals {
    pub(super) count: u64,
    /// What the first one tried.
    pub(super) example: String,
    /// What the ledger said to it.
    pub(super) detail: String,
}

/// Findings of one code.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) count: u64,
    pub(super) severity: Severity,
    pub(super) example: String,
}

/// Events of one kind.
#[derive(Clone, Debug)]
pub(super) struct Happened {
    pub(super) count: u64,
    /// Where the first one stands.
    pub(super) position: u64,
    /// Who said it, by its code.
    pub(super) party: String,
    /// What it was about.
    pub(super) example: &'static str,
}

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Driven {
    /// Statements that became records.
    pub(super) statements: u64,
    /// Events in them.
    pub(super) events: u64,
    /// By kind, in the order of a life.
    pub(super) kinds: BTreeMap<EventKind, Happened>,
    /// Statements sent twice and answered the same.
    pub(super) repeated: u64,
    pub(super) refused: BTreeMap<RefusalCode, Refusals>,
    pub(super) findings: BTreeMap<FindingCode, Found>,
    /// How the law was met, in the order that it was told.
    pub(super) stories: Vec<Story>,
    /// Where the drum's life stands.
    pub(super) story: Vec<u64>,
    /// The story's acknowledgements, each checked.
    pub(super) acknowledged: Vec<Kept>,
    /// The greatest position acknowledged.
    pub(super) last: u64,
    pub(super) story_lot: bytes::Bytes,
    pub(super) story_waste: bytes::Bytes,
}

impl Driven {
    /// Statements refused.
    pub(super) fn refusals(&self) -> u64 {
        self.refused.values().map(|r| r.count).sum()
    }
}

/// A world on its way into a ledger.
pub(super) struct Drive<'a> {
    client: LedgerClient<Channel>,
    identity: Identity,
    world: &'a mut World,
    bar: &'a ProgressBar,
    driven: Driven,
}

/// What a call could not do, or an answer that was not expected.
enum Stop {
    Could(CliError),
    Wrong(String),
}

impl From<CliError> for Stop {
    fn from(error: CliError) -> Stop {
        Stop::Could(error)
    }
}

const STREAM: &str = "take statements (SubmitStream)";

impl<'a> Drive<'a> {
    /// Nothing sent yet.
    pub(super) fn new(
        client: LedgerClient<Channel>,
        identity: Identity,
        world: &'a mut World,
        bar: &'a ProgressBar,
    ) -> Drive<'a> {
        Drive {
            client,
            identity,
            world,
            bar,
            driven: Driven::default(),
        }
    }

    /// Sends at least so many events, and the story to its end. The inner
    /// error says which answer was not expected.
    pub(super) async fn all(mut self, events: u64) -> Result<Result<Driven, String>, CliError> {
        match self.send_all(events).await {
            Ok(()) => {}
            Err(Stop::Could(error)) => return Err(error),
            Err(Stop::Wrong(wrong)) => return Ok(Err(wrong)),
        }
        self.driven.story_lot = self
            .world
            .story_lot()
            .map(LotId::to_bytes)
            .unwrap_or_default();
        self.driven.story_waste = self
            .world
            .story_waste()
            .map(LotId::to_bytes)
            .unwrap_or_default();
        Ok(Ok(self.driven))
    }

    async fn send_all(&mut self, events: u64) -> Result<(), Stop> {
        let (sender, receiver) = mpsc::channel(IN_FLIGHT);
        let requests = ReceiverStream::new(receiver);
        let answers = self.client.submit_stream(requests).await;
        let mut answers = answers.map_err(CliError::server(STREAM))?.into_inner();
        let mut waiting: VecDeque<Issued> = VecDeque::with_capacity(IN_FLIGHT);
        while self.world.issued() < events || !self.world.story_told() {
            let issued = self.world.next_statement();
            if issued.story {
                // What the story rests on must be known before it goes on.
                self.answers(&mut answers, &mut waiting, 0).await?;
                self.tell(issued).await?;
                continue;
            }
            if issued.heard {
                self.answers(&mut answers, &mut waiting, 0).await?;
                self.hear(issued).await?;
                continue;
            }
            self.answers(&mut answers, &mut waiting, IN_FLIGHT - 1)
                .await?;
            let request = SubmitRequest {
                statement: Some(issued.signed.clone()),
                ..SubmitRequest::default()
            };
            waiting.push_back(issued);
            // If the stream is gone, the next answer says why.
            let _ = sender.send(request).await;
        }
        self.answers(&mut answers, &mut waiting, 0).await
    }

    /// Takes answers until no more than so many are waited for.
    async fn answers(
        &mut self,
        answers: &mut Streaming<SubmitResponse>,
        waiting: &mut VecDeque<Issued>,
        most: usize,
    ) -> Result<(), Stop> {
        while waiting.len() > most {
            let answer = answers.message().await.map_err(CliError::server(STREAM))?;
            let (Some(answer), Some(issued)) = (answer, waiting.pop_front()) else {
                let why = "the stream ended with statements unanswered".to_owned();
                return Err(CliError::Server { what: STREAM, why }.into());
            };
            self.compare(&issued, answer)?;
        }
        Ok(())
    }

    /// One statement by itself.
    async fn alone(&mut self, issued: &Issued) -> Result<SubmitResponse, Stop> {
        let request = SubmitRequest {
            statement: Some(issued.signed.clone()),
            ..SubmitRequest::default()
        };
        let what = "take a statement (Submit)";
        let answer = self.client.submit(request).await;
        Ok(answer.map_err(CliError::server(what))?.into_inner())
    }

    /// One whose answer the world speaks to; it is told at once.
    async fn hear(&mut self, issued: Issued) -> Result<(), Stop> {
        let answer = self.alone(&issued).await?;
        if let Some(Answer::Acknowledgement(acknowledgement)) = &answer.answer {
            let position = self.check(acknowledgement)?;
            self.world.heard(position, &answer.findings);
        }
        self.compare(&issued, answer)
    }

    /// One statement of the story; its acknowledgement is checked and kept.
    async fn tell(&mut self, issued: Issued) -> Result<(), Stop> {
        let answer = self.alone(&issued).await?;
        if let Some(Answer::Acknowledgement(acknowledgement)) = &answer.answer {
            let position = self.check(acknowledgement)?;
            self.driven.story.push(position);
            self.driven.acknowledged.push(Kept {
                name: format!("story step {}", self.driven.story.len()),
                acknowledgement: acknowledgement.clone(),
            });
        }
        self.compare(&issued, answer)
    }

    /// The ledger's signature over the batch, and the head's path to it.
    fn check(&self, acknowledgement: &Acknowledgement) -> Result<u64, Stop> {
        let Identity {
            ledger_keys,
            genesis_hash,
            ..
        } = &self.identity;
        ledger_keys
            .check_acknowledgement(*genesis_hash, acknowledgement)
            .map(|sound| sound.position)
            .map_err(|e| CliError::Untrustworthy(e.to_string()).into())
    }

    fn compare(&mut self, issued: &Issued, response: SubmitResponse) -> Result<(), Stop> {
        let SubmitResponse {
            answer,
            findings,
            repeated,
            ..
        } = response;
        match (&answer, issued.expect) {
            (Some(Answer::Acknowledgement(ack)), Expect::Accepted) if !repeated => {
                let answered = Answered::recorded(&findings);
                self.driven.told(issued, signer(issued), answered);
                self.accepted(issued, ack, &findings);
                self.happened(issued, ack)
            }
            (Some(Answer::Acknowledgement(_)), Expect::Repeated) if repeated => {
                self.driven.repeated += 1;
                Ok(())
            }
            (Some(Answer::Refusal(refusal)), Expect::Refused(code)) if refusal.code() == code => {
                let answered = Answered::refused(refusal);
                self.driven.told(issued, signer(issued), answered);
                let refusals = self.driven.refused.entry(code).or_default();
                refusals.count += 1;
                if refusals.count == 1 {
                    issued.what.clone_into(&mut refusals.example);
                    refusals.detail.clone_from(&refusal.detail);
                }
                Ok(())
            }
            _ => Err(Stop::Wrong(unexpected(issued, answer.as_ref(), repeated))),
        }
    }

    /// Counts the kinds of a statement's events; the first of each is looked up
    /// by its acknowledgement.
    fn happened(&mut self, issued: &Issued, ack: &Acknowledgement) -> Result<(), Stop> {
        for kind in &issued.kinds {
            if let Some(happened) = self.driven.kinds.get_mut(kind) {
                happened.count += 1;
                continue;
            }
            let first = Happened {
                count: 1,
                position: self.check(ack)?,
                party: signer(issued),
                example: issued.what,
            };
            self.driven.kinds.insert(*kind, first);
        }
        Ok(())
    }

    fn accepted(&mut self, issued: &Issued, ack: &Acknowledgement, findings: &[Finding]) {
        let driven = &mut self.driven;
        driven.statements += 1;
        driven.events += issued.events;
        self.bar.set_position(driven.events);
        if let Some(commit) = &ack.commit
            && let Ok(commit) = <crate::pb::Commit as prost::Message>::decode(commit.commit.clone())
        {
            let end = commit.first_position.saturating_add(commit.count);
            driven.last = driven.last.max(end.saturating_sub(1));
        }
        for finding in findings {
            let found = driven
                .findings
                .entry(finding.code())
                .or_insert_with(|| Found {
                    count: 0,
                    severity: finding.severity(),
                    example: finding.detail.clone(),
                });
            found.count += 1;
        }
    }
}

/// Who signed a statement, by its code.
fn signer(issued: &Issued) -> String {
    let payload = <Payload as prost::Message>::decode(issued.signed.payload.clone());
    payload.unwrap_or_default().party
}

fn unexpected(issued: &Issued, answer: Option<&Answer>, repeated: bool) -> String {
    let got = match answer {
        None => "an empty answer".to_owned(),
        Some(Answer::Acknowledgement(_)) if repeated => "recorded before".to_owned(),
        Some(Answer::Acknowledgement(_)) => "recorded".to_owned(),
        Some(Answer::Refusal(refusal)) => {
            let name = codes::name(refusal.code());
            format!("refused {name} at {}: {}", refusal.field, refusal.detail)
        }
    };
    let wanted = match issued.expect {
        Expect::Accepted => "recorded".to_owned(),
        Expect::Repeated => "recorded before".to_owned(),
        Expect::Refused(code) => format!("refused {}", codes::name(code)),
    };
    let payload = <Payload as prost::Message>::decode(issued.signed.payload.clone());
    let payload = payload.unwrap_or_default();
    format!(
        "'{}' of party {}, statement {}: {wanted} was expected, the ledger answered: {got}",
        issued.what,
        payload.party,
        to_hex(&payload.id)
    )
}
