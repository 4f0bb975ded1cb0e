//! Clients that submit until their server dies, remember every answer, and
//! hold the next server to it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::VecDeque;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hazledger::event::ids::derived;
use hazledger::event::signing::{PublicKey, SecretKey};
use hazledger::event::statement::Draft;
use hazledger::event::{Hash, LotId, StatementId};
use hazledger::pb::event::Body;
use hazledger::pb::ledger_client::LedgerClient;
use hazledger::pb::submit_response::Answer;
use hazledger::pb::{
    Acknowledgement, Event, GetStatusRequest, Goods, NewLot, Origin, PlaceRegistered, Produced,
    Quantity, RefusalCode, SignedStatement, SubmitRequest, SubmitResponse, Used,
};
use hazledger::proof::{check_acknowledgement, check_refusal};
use rand::{Rng as _, RngExt as _};
use rand_chacha::ChaCha8Rng;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

/// Statements that a client sends to one server, at most.
const MAX_A_ROUND: usize = 2000;

/// More than anybody makes of a lot, milligrams.
const TOO_MUCH_MG: i64 = 1 << 50;

const HOUR_MS: i64 = 3_600_000;

/// Who the ledger is: the first server says so, and the next must agree.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    pub origin: Origin,
    pub key: PublicKey,
}

impl Identity {
    pub async fn of(channel: &Channel) -> Identity {
        let status = LedgerClient::new(channel.clone())
            .get_status(GetStatusRequest {})
            .await;
        let status = status.unwrap().into_inner();
        assert!(status.accepting);
        Identity {
            origin: status.origin.unwrap(),
            key: PublicKey::parse(&status.ledger_public_key).unwrap(),
        }
    }

    fn genesis(&self) -> Hash {
        Hash::from_slice(&self.origin.genesis_hash).unwrap()
    }
}

/// How a client sends.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// One call a statement, one at a time.
    Unary,
    /// One stream, so many statements unanswered.
    Stream(usize),
}

/// What a statement does, as far as its client must remember.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Made(LotId, i64),
    UsedUp(i64),
    TooMuch,
    Registered,
}

/// A statement that has been sent.
#[derive(Clone, Debug)]
struct Sent {
    statement: SignedStatement,
    id: StatementId,
    deed: Deed,
}

/// A statement and the acknowledgement of it.
#[derive(Clone, Debug)]
pub struct Held {
    sent: Sent,
    pub acknowledgement: Acknowledgement,
    pub position: u64,
}

impl Held {
    pub fn statement(&self) -> &SignedStatement {
        &self.sent.statement
    }

    pub fn id(&self) -> StatementId {
        self.sent.id
    }

    /// The lot it made, if it did.
    pub fn lot(&self) -> Option<LotId> {
        match self.sent.deed {
            Deed::Made(lot, _) => Some(lot),
            _ => None,
        }
    }
}

/// One client of one party.
pub struct Client {
    pub party: String,
    pub key: SecretKey,
    manner: Manner,
    /// Registers places of this party; else it makes and uses lots at `T1`.
    registers_for: Option<String>,
    dice: ChaCha8Rng,
    /// Statements made.
    number: u64,
    /// Lots that stand, and what may still be used of each, milligrams.
    stock: Vec<(LotId, i64)>,
    /// Everything acknowledged.
    pub held: Vec<Held>,
    /// Sent, and the server died before its answer.
    unanswered: Vec<Sent>,
    pub made_mg: i64,
    pub used_mg: i64,
    pub refused: u64,
}

impl Client {
    pub fn new(party: &str, manner: Manner, dice: ChaCha8Rng, seed: u8) -> Client {
        Client {
            party: party.to_owned(),
            key: SecretKey::from_seed(&[seed; 32]),
            manner,
            registers_for: None,
            dice,
            number: 0,
            stock: Vec::new(),
            held: Vec::new(),
            unanswered: Vec::new(),
            made_mg: 0,
            used_mg: 0,
            refused: 0,
        }
    }

    /// The same, registering places of another party.
    pub fn registering(self, party: &str) -> Client {
        Client {
            registers_for: Some(party.to_owned()),
            ..self
        }
    }

    /// How many statements the last server left without an answer.
    pub fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// Submits until the server is gone; `answers` counts.
    pub async fn run(
        mut self,
        server: Channel,
        who: Identity,
        answers: watch::Sender<u64>,
    ) -> Client {
        match self.manner {
            Manner::Unary => self.call(server, &who, &answers).await,
            Manner::Stream(in_flight) => self.stream(server, &who, &answers, in_flight).await,
        }
        self
    }

    async fn call(&mut self, server: Channel, who: &Identity, answers: &watch::Sender<u64>) {
        let mut ledger = LedgerClient::new(server);
        for _ in 0..MAX_A_ROUND {
            let sent = self.make(&who.origin);
            match ledger.submit(request(&sent)).await {
                Ok(response) => {
                    let repeated = self.take(sent, response.into_inner(), who);
                    assert!(!repeated, "a new statement had been recorded before");
                    answers.send_modify(|count| *count += 1);
                }
                Err(_) => return self.unanswered.push(sent),
            }
        }
    }

    async fn stream(
        &mut self,
        server: Channel,
        who: &Identity,
        answers: &watch::Sender<u64>,
        in_flight: usize,
    ) {
        let (requests, stream) = mpsc::channel(in_flight);
        let mut pending: VecDeque<Sent> = VecDeque::new();
        let mut ledger = LedgerClient::new(server);
        if let Ok(response) = ledger.submit_stream(ReceiverStream::new(stream)).await {
            let mut responses = response.into_inner();
            for _ in 0..MAX_A_ROUND {
                while pending.len() < in_flight {
                    let sent = self.make(&who.origin);
                    // A server that is gone shows in its answers.
                    let _ = requests.try_send(request(&sent));
                    pending.push_back(sent);
                }
                let Ok(Some(response)) = responses.message().await else {
                    break;
                };
                let repeated = self.take(pending.pop_front().unwrap(), response, who);
                assert!(!repeated, "a new statement had been recorded before");
                answers.send_modify(|count| *count += 1);
            }
        }
        self.unanswered.extend(pending);
    }

    /// Sends again what the last server did not answer; returns how much of
    /// it had been recorded.
    pub async fn settle(&mut self, server: &Channel, who: &Identity) -> usize {
        let mut ledger = LedgerClient::new(server.clone());
        let mut recorded = 0;
        for sent in std::mem::take(&mut self.unanswered) {
            let response = ledger.submit(request(&sent)).await.unwrap().into_inner();
            recorded += usize::from(self.take(sent, response, who));
        }
        recorded
    }

    /// Checks an answer and keeps it; returns whether it is a first answer
    /// given again.
    fn take(&mut self, sent: Sent, response: SubmitResponse, who: &Identity) -> bool {
        match (response.answer.unwrap(), sent.deed) {
            (Answer::Refusal(refusal), Deed::TooMuch) => {
                assert_eq!(refusal.code(), RefusalCode::Insufficient, "{refusal:?}");
                check_refusal(&who.key, who.genesis(), &refusal).unwrap();
                self.refused += 1;
            }
            (Answer::Acknowledgement(acknowledgement), deed) => {
                match deed {
                    Deed::Made(lot, mg) => {
                        self.stock.push((lot, mg));
                        self.made_mg += mg;
                    }
                    Deed::UsedUp(mg) => self.used_mg += mg,
                    Deed::Registered => {}
                    Deed::TooMuch => panic!("more was used than there is"),
                }
                let checked = check_acknowledgement(&who.key, who.genesis(), &acknowledgement);
                let checked = checked.unwrap();
                assert_eq!(checked.head.payload, sent.statement.payload);
                self.held.push(Held {
                    sent,
                    acknowledgement,
                    position: checked.position,
                });
            }
            (Answer::Refusal(refusal), deed) => panic!("{deed:?} is refused: {refusal:?}"),
        }
        response.repeated
    }

    /// The next statement.
    fn make(&mut self, origin: &Origin) -> Sent {
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now_ms = i64::try_from(now_ms.as_millis()).unwrap();
        let mut random = [0; 10];
        self.dice.fill_bytes(&mut random);
        let id = StatementId::v7(now_ms, random).unwrap();
        self.number += 1;
        let (body, deed) = self.deed(id);
        let draft = Draft {
            origin: origin.clone(),
            id,
            party: self.party.clone(),
            happened_at_ms: now_ms,
            expires_at_ms: now_ms + 24 * HOUR_MS,
            events: vec![Event {
                external_refs: Vec::new(),
                body: Some(body),
            }],
        };
        let statement = draft.sign(&self.key, &[]);
        Sent {
            statement,
            id,
            deed,
        }
    }

    fn deed(&mut self, id: StatementId) -> (Body, Deed) {
        if let Some(party) = &self.registers_for {
            let place = PlaceRegistered {
                party: party.clone(),
                place: format!("P{}", self.number),
                site: "S1".to_owned(),
                unit: String::new(),
                name_zh: "储位".to_owned(),
                name_en: "place".to_owned(),
                kind: "tank".to_owned(),
                ..PlaceRegistered::default()
            };
            return (Body::PlaceRegistered(place), Deed::Registered);
        }
        let roll = self.dice.random_range(0..10);
        if roll < 4 && !self.stock.is_empty() {
            let at = self.dice.random_range(0..self.stock.len());
            let (lot, left) = self.stock.get_mut(at).unwrap();
            if roll == 0 || *left == 0 {
                return (used(*lot, TOO_MUCH_MG), Deed::TooMuch);
            }
            let mg = self.dice.random_range(1..=*left);
            *left -= mg;
            return (used(*lot, mg), Deed::UsedUp(mg));
        }
        let mg = self.dice.random_range(1..1_000_000_000);
        let lot = LotId(derived(&self.party, id, 0, 0));
        let label = format!("L{}", self.number);
        (made(label, mg), Deed::Made(lot, mg))
    }
}

fn request(sent: &Sent) -> SubmitRequest {
    SubmitRequest {
        statement: Some(sent.statement.clone()),
        ..SubmitRequest::default()
    }
}

fn quantity(gross_mg: i64) -> Quantity {
    Quantity {
        gross_mg,
        measure: None,
    }
}

fn made(label: String, gross_mg: i64) -> Body {
    Body::Produced(Produced {
        lot: Some(NewLot {
            label,
            form: "NACN-1689".to_owned(),
            quantity: Some(quantity(gross_mg)),
            content_ppm: 980_000,
            place: "T1".to_owned(),
            data_sheet_hash: Bytes::from_static(&[1; 32]),
            label_hash: Bytes::from_static(&[2; 32]),
            documents: Vec::new(),
        }),
    })
}

fn used(lot: LotId, gross_mg: i64) -> Body {
    Body::Used(Used {
        goods: Some(Goods {
            lot: lot.to_bytes(),
            loose: Some(quantity(gross_mg)),
            serials: Vec::new(),
            parts: Vec::new(),
            outers: Vec::new(),
        }),
        place: "T1".to_owned(),
        purpose: "dosing".to_owned(),
    })
}
