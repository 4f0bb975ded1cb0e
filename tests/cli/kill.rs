//! The real server under several clients, killed again and again at random
//! moments, its projection spoilt in between: what was acknowledged is there
//! afterwards, and nothing else.
//!
//! What a client holds is its own account of the ledger; every server that
//! comes up is asked about it. Not here: what the clients do (`clients`) and
//! what becomes of the projection (`spoil`).
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod clients;
mod spoil;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use hazledger::cli::acks::AckWriter;
use hazledger::pb::get_record_request::Which;
use hazledger::pb::ledger_client::LedgerClient;
use hazledger::pb::trace_client::TraceClient;
use hazledger::pb::trace_lot_request::Which as WhichLot;
use hazledger::pb::{
    AccountKind, BalanceRequest, GetRecordRequest, GetStatusRequest, StatementName, SubmitRequest,
    TraceLotRequest, submit_response::Answer,
};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};

use self::clients::{Client, Held, Identity, Manner};
use self::spoil::{Deck, Spoil};
use crate::support::{PATIENCE, Server, Starting, World, base64, cli};

/// Kills in the quick form, and its seed.
const QUICK: (u32, u64) = (20, 20_261_125);
/// Kills in the long form, unless HAZLEDGER_KILLS says otherwise.
const LONG_KILLS: u32 = 1000;
/// Kills that one ledger takes: the next begins anew, so that a rebuild of
/// the projection does not grow into the longest part.
const KILLS_A_LEDGER: u32 = 50;
/// Answers before a server dies, at most; the kill meets what follows them.
const MAX_ANSWERS: u64 = 150;
/// How long a server that is killed while it starts may have, at most.
const MAX_START: Duration = Duration::from_millis(60);
/// Of what was acknowledged to earlier servers, how much each is asked about.
const SAMPLE: usize = 40;
/// As `World` founds its ledgers.
const STATE_RECORD_INTERVAL: u64 = 16;

#[test]
fn everything_acknowledged_survives_twenty_kills() {
    let (kills, seed) = QUICK;
    let tally = survive(kills, seed);
    assert_eq!(tally.spoilt.len(), 4, "{tally:?}");
    assert!(tally.at_work * 2 > kills - tally.at_start, "{tally:?}");
}

#[test]
#[ignore = "long: a thousand kills; `bash tests/long kill`"]
fn everything_acknowledged_survives_a_thousand_kills() {
    let number = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |text| text.parse().unwrap())
    };
    let kills = u32::try_from(number("HAZLEDGER_KILLS", u64::from(LONG_KILLS))).unwrap();
    let seed = number("HAZLEDGER_SEED", 1);
    let mut done = 0;
    while done < kills {
        let now = KILLS_A_LEDGER.min(kills - done);
        let tally = survive(now, seed + u64::from(done));
        done += now;
        println!("{done} kills: {tally:?}");
        assert!(now < KILLS_A_LEDGER || tally.set_aside > 0, "{tally:?}");
    }
}

/// What happened over all rounds.
#[derive(Debug, Default)]
struct Tally {
    kills: u32,
    /// Kills of a server that was still starting.
    at_start: u32,
    /// Kills that left statements without an answer.
    at_work: u32,
    clean_stops: u32,
    spoilt: BTreeMap<Spoil, u32>,
    /// Projections that would not do.
    set_aside: u32,
    acknowledged: usize,
    /// Recorded, though nobody had been told.
    recorded_unanswered: usize,
    refused: u64,
}

fn survive(kills: u32, seed: u64) -> Tally {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut ordeal = Ordeal::begin(seed).await;
        while ordeal.tally.kills < kills {
            ordeal.round().await;
        }
        ordeal.end().await
    })
}

/// A ledger, its clients, and what has been done to it.
struct Ordeal {
    world: World,
    dice: ChaCha8Rng,
    clients: Vec<Client>,
    who: Identity,
    /// Records before the clients'.
    founded: u64,
    deck: Deck,
    /// What became of the projection, for the next server to be judged by.
    spoil: Spoil,
    /// Whether the last server died while it was starting.
    died_at_start: bool,
    tally: Tally,
}

impl Ordeal {
    /// A ledger in which every client's party and key are registered.
    async fn begin(seed: u64) -> Ordeal {
        let world = World::new();
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut client = |party: &str, manner, key| {
            Client::new(party, manner, ChaCha8Rng::seed_from_u64(dice.random()), key)
        };
        let clients = vec![
            client(&world.plant, Manner::Stream(16), 1),
            client(&world.plant, Manner::Unary, 2),
            client(&world.mine, Manner::Stream(5), 3),
            client(&world.mine, Manner::Unary, 4),
            client(&world.bureau, Manner::Unary, 5).registering(&world.mine),
        ];
        let server = Server::start(&world.dir());
        world.register(&server, &[]).exits(0);
        let keys: Vec<Value> = clients.iter().map(key_registered).collect();
        let keys = world.stamped(
            "keys.jsonl",
            &[json!({"party": world.bureau, "events": keys})],
        );
        world.submit(&server, &keys, &[]).exits(0);
        let channel = connect(&server).await;
        let who = Identity::of(&channel).await;
        let founded = records(&channel).await;
        drop(channel);
        assert_eq!(server.stop(), 0);
        Ordeal {
            world,
            dice,
            clients,
            who,
            founded,
            deck: Deck::default(),
            spoil: Spoil::Nothing,
            died_at_start: false,
            tally: Tally::default(),
        }
    }

    /// A server comes up, is held to everything acknowledged, is put to work
    /// by all clients at once, and ends.
    async fn round(&mut self) {
        let Some(server) = self.start() else {
            return;
        };
        let channel = connect(&server).await;
        assert_eq!(Identity::of(&channel).await, self.who);
        self.settle(&channel).await;
        self.compare(&channel, SAMPLE).await;
        let ends_clean = self.dice.random_range(0..4) == 0;
        let after = self.dice.random_range(0..MAX_ANSWERS);
        let said = self.work(server, after, ends_clean).await;
        self.judge(&said);
        self.spoil = self.deck.deal(&mut self.dice);
        *self.tally.spoilt.entry(self.spoil).or_default() += 1;
        self.spoil.apply(&self.projection(), &mut self.dice);
    }

    /// Starts a server; now and then it is killed while it does.
    fn start(&mut self) -> Option<Server> {
        let starting = Starting::begin(&self.world.dir());
        // Not twice in a row: there must be servers that work.
        if std::mem::take(&mut self.died_at_start) || self.dice.random_range(0..5) > 0 {
            return Some(starting.ready());
        }
        let server = starting.ready_within(self.dice.random_range(Duration::ZERO..MAX_START));
        if server.is_none() {
            self.tally.kills += 1;
            self.tally.at_start += 1;
            self.died_at_start = true;
            // It may have rebuilt the projection before it died.
            self.spoil = Spoil::Nothing;
        }
        server
    }

    /// Lets all clients submit, ends the server after so many answers, and
    /// returns what it had said to standard error.
    async fn work(&mut self, mut server: Server, after: u64, ends_clean: bool) -> String {
        let (answered, mut answers) = watch::channel(0);
        let mut running = JoinSet::new();
        for (index, client) in std::mem::take(&mut self.clients).into_iter().enumerate() {
            let channel = connect(&server).await;
            let run = client.run(channel, self.who.clone(), answered.clone());
            running.spawn(async move { (index, run.await) });
        }
        let enough = answers.wait_for(|count| *count >= after);
        drop(
            tokio::time::timeout(PATIENCE, enough)
                .await
                .unwrap()
                .unwrap(),
        );
        let said = if ends_clean {
            let (status, said) = server.stop_saying();
            assert_eq!(status, 0, "{said}");
            self.tally.clean_stops += 1;
            said
        } else {
            self.tally.kills += 1;
            server.kill()
        };
        let mut back = running.join_all().await;
        back.sort_by_key(|(index, _)| *index);
        self.clients = back.into_iter().map(|(_, client)| client).collect();
        let unanswered = self.clients.iter().any(|client| client.unanswered() > 0);
        self.tally.at_work += u32::from(unanswered && !ends_clean);
        said
    }

    /// Whether a server said what it had found and done when it came up.
    fn judge(&mut self, said: &str) {
        let set_aside = said.contains("the projection was set aside as");
        if self.spoil == Spoil::Deleted {
            assert!(
                said.contains("the projection was rebuilt from the journal"),
                "{said}"
            );
        }
        if set_aside {
            self.tally.set_aside += 1;
            assert_ne!(self.spoil, Spoil::Deleted, "{said}");
            // As the operator is told to, before there are too many.
            for entry in std::fs::read_dir(self.world.dir()).unwrap() {
                let entry = entry.unwrap();
                if entry.file_name().to_str().unwrap().contains(".set-aside-") {
                    std::fs::remove_dir_all(entry.path()).unwrap();
                }
            }
        }
        assert!(!said.contains("panicked") || set_aside, "{said}");
    }

    /// What the last server did not answer gets its answer from this one.
    async fn settle(&mut self, channel: &Channel) {
        for client in &mut self.clients {
            self.tally.recorded_unanswered += client.settle(channel, &self.who).await;
        }
    }

    /// Asks about everything that the clients hold, or of each client's about
    /// so many of its latest and so many of the rest.
    async fn compare(&mut self, channel: &Channel, sample: usize) {
        let count = records(channel).await;
        let mut known = vec![false; usize::try_from(count).unwrap()];
        for client in &self.clients {
            for held in &client.held {
                let known = known.get_mut(usize::try_from(held.position).unwrap());
                assert!(known.is_some(), "record {} is gone", held.position);
                let known = known.unwrap();
                assert!(
                    !*known,
                    "two statements are acknowledged as record {}",
                    held.position
                );
                *known = true;
            }
            let share = sample.div_ceil(self.clients.len());
            let latest = client.held.len().saturating_sub(share);
            for (index, held) in client.held.iter().enumerate() {
                if index >= latest || self.dice.random_range(0..client.held.len()) < share {
                    holds(channel, client, held).await;
                }
            }
        }
        // Everything is settled: there is nothing that nobody knows of.
        for (position, known) in (0..).zip(known) {
            let own = position < self.founded || position % STATE_RECORD_INTERVAL == 0;
            assert!(own || known, "record {position} is nobody's");
        }
        self.compare_balance(channel).await;
    }

    /// The clients' sums are the ledger's.
    async fn compare_balance(&self, channel: &Channel) {
        let request = BalanceRequest {
            min_position: records(channel).await,
        };
        let balance = TraceClient::new(channel.clone()).balance(request).await;
        let balance = balance.unwrap().into_inner();
        assert!(balance.balanced);
        let booked = |account: AccountKind| {
            let rows = balance.rows.iter().filter(|row| row.account() == account);
            rows.map(|row| row.gross_mg.parse::<i64>().unwrap())
                .sum::<i64>()
        };
        let sum = |of: fn(&Client) -> i64| self.clients.iter().map(of).sum::<i64>();
        assert_eq!(booked(AccountKind::Produced), -sum(|client| client.made_mg));
        assert_eq!(booked(AccountKind::Used), sum(|client| client.used_mg));
    }

    /// Everything is asked about once more, and the auditor has the last word.
    async fn end(mut self) -> Tally {
        let server = Server::start(&self.world.dir());
        let channel = connect(&server).await;
        self.settle(&channel).await;
        self.compare(&channel, usize::MAX).await;
        drop(channel);
        let (status, said) = server.stop_saying();
        assert_eq!(status, 0, "{said}");
        self.judge(&said);
        let acks = self.world.path("acks.jsonl");
        let mut file = AckWriter::open(Path::new(&acks)).unwrap();
        for client in &self.clients {
            self.tally.refused += client.refused;
            for held in &client.held {
                self.tally.acknowledged += 1;
                file.append(&held.acknowledgement).unwrap();
            }
        }
        let ledger = self.world.path("ledger");
        let verdict = cli(["verify", &ledger, "--acks", &acks, "--format", "json"]);
        let verdict = verdict.exits(0).lines().remove(0);
        assert_eq!(verdict["acknowledgements"], self.tally.acknowledged);
        assert_eq!(verdict["acknowledged"], self.tally.acknowledged);
        assert_eq!(verdict["closed"], true);
        self.tally
    }

    fn projection(&self) -> std::path::PathBuf {
        self.world.dir().join("projection")
    }
}

/// The record is where it was, found by position, by statement and by its
/// lot, and the same statement gets the same answer.
async fn holds(channel: &Channel, client: &Client, held: &Held) {
    let mut ledger = LedgerClient::new(channel.clone());
    let name = StatementName {
        party: client.party.clone(),
        id: held.id().to_bytes(),
    };
    for which in [Which::Position(held.position), Which::Statement(name)] {
        let request = GetRecordRequest {
            which: Some(which),
            min_position: 0,
        };
        let found = ledger.get_record(request).await.unwrap().into_inner();
        assert_eq!(found.record.unwrap().head, held.acknowledgement.head);
        assert_eq!(found.acknowledgement.as_ref(), Some(&held.acknowledgement));
    }
    let again = SubmitRequest {
        statement: Some(held.statement().clone()),
        ..SubmitRequest::default()
    };
    let again = ledger.submit(again).await.unwrap().into_inner();
    assert!(again.repeated);
    let first = Answer::Acknowledgement(held.acknowledgement.clone());
    assert_eq!(again.answer, Some(first));
    if let Some(lot) = held.lot() {
        let request = TraceLotRequest {
            which: Some(WhichLot::Lot(lot.to_bytes())),
            ..TraceLotRequest::default()
        };
        let trace = TraceClient::new(channel.clone()).trace_lot(request).await;
        assert_eq!(trace.unwrap().into_inner().steps[0].position, held.position);
    }
}

async fn connect(server: &Server) -> Channel {
    let endpoint = Endpoint::from_shared(server.url.clone()).unwrap();
    endpoint.connect().await.unwrap()
}

async fn records(channel: &Channel) -> u64 {
    let status = LedgerClient::new(channel.clone())
        .get_status(GetStatusRequest {})
        .await;
    status.unwrap().into_inner().as_of
}

fn key_registered(client: &Client) -> Value {
    json!({"keyRegistered": {"party": client.party, "algorithm": "SIGNATURE_ALGORITHM_ED25519",
        "publicKey": base64(client.key.public().as_bytes()), "holder": "KEY_HOLDER_PERSON",
        "holderCommitment": base64(&[9; 32]), "validFromMs": "0",
        "validUntilMs": "4102444800000"}})
}
