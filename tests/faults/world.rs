//! A long random run of a seeded world, cut into sessions that end with a
//! close or a kill, and the model that it is held against: what each position
//! holds, and the state digest after it, folded without the ledger.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use hazledger::custody::State;
use hazledger::custody::state::nowhere;
use hazledger::event::digest::head_hash;
use hazledger::event::record::OpenRecord;
use hazledger::event::signing::SecretKey;
use hazledger::event::statement::Draft;
use hazledger::event::{Hash, Statement};
use hazledger::journal::{Journal, JournalOptions};
use hazledger::ledger::{Answer, Clock, Ledger, OpenError, Options, SubmitError};
use hazledger::pb::event::Body;
use hazledger::pb::{Acknowledgement, Head, SignedStatement};
use hazledger::sim::{Expect, Issued, Span, World};
use hazledger::storage::sim::SimStorage;
use prost::Message as _;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

const NAME: &str = "hazledger.test/faults";
/// State records stand at every multiple of this.
pub const INTERVAL: u64 = 8;
pub const SEGMENT_BYTES: u32 = 24 * 1024;
/// Statements that are enqueued together, at most.
const TOGETHER: usize = 6;
/// Statements of a session, at most.
const SESSION: usize = 24;
const SPAN: Span = Span {
    from_ms: 1_795_000_000_000,
    until_ms: 1_796_700_000_000,
    events: 4_000,
};

/// The world's last moment: everything in it has happened.
pub struct AtTheEnd;

impl Clock for AtTheEnd {
    fn now_ms(&self) -> i64 {
        SPAN.until_ms
    }
}

pub fn options() -> Options {
    Options {
        prepare_threads: 1,
        max_batch_records: 4,
        journal: JournalOptions {
            segment_bytes: SEGMENT_BYTES,
        },
        ..Options::default()
    }
}

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Close,
    /// The process is gone; what it wrote is there, synced or not.
    Kill,
}

/// Statements that are sent while the ledger is open once.
#[derive(Clone, Debug)]
pub struct Session {
    /// Each group is enqueued together; of several, the next waits for all.
    pub groups: Vec<Vec<usize>>,
    pub end: End,
}

/// What will be sent, and how.
pub struct Script {
    pub key: SecretKey,
    /// The disk with record 0, closed.
    pub founded: SimStorage,
    pub statements: Vec<Issued>,
    pub sessions: Vec<Session>,
}

impl Script {
    /// So many statements of a seed's world.
    pub fn new(seed: u64, count: usize) -> Script {
        let key = SecretKey::from_seed(&[1; 32]);
        // Trade is what fails in many ways; the rule book only comes before it.
        let mut world = World::new(seed, SPAN).unwrap().without_rule_book();
        let founded = SimStorage::new();
        let genesis = often_stated(&world.genesis(NAME, &key), &world, &key);
        Ledger::create_on(founded.clone(), genesis, &key, &options(), &AtTheEnd).unwrap();
        let store = tempfile::tempdir().unwrap();
        let ledger = open(&founded, store.path(), &key).unwrap();
        world.join(ledger.status().origin);
        drop(ledger);
        let founded = founded.restart();
        let statements: Vec<Issued> = (0..count).map(|_| world.next_statement()).collect();
        let mut dice = StdRng::seed_from_u64(seed);
        let mut sessions = Vec::new();
        let mut next = 0;
        while next < count {
            let mut groups = Vec::new();
            let session_end = count.min(next + dice.random_range(SESSION / 2..=SESSION));
            while next < session_end {
                let size = if dice.random_bool(0.5) {
                    1
                } else {
                    dice.random_range(2..=TOGETHER)
                };
                let until = session_end.min(next + size);
                groups.push((next..until).collect());
                next = until;
            }
            let end = if dice.random_bool(0.5) {
                End::Close
            } else {
                End::Kill
            };
            sessions.push(Session { groups, end });
        }
        Script {
            key,
            founded,
            statements,
            sessions,
        }
    }

    pub fn open(&self, storage: &SimStorage, store: &Path) -> Result<Ledger, OpenError> {
        open(storage, store, &self.key)
    }

    pub fn signed(&self, index: usize) -> SignedStatement {
        self.statements[index].signed.clone()
    }

    /// One session on a disk. `told` is called with every acknowledgement at
    /// once. Returns the first thing that went wrong.
    pub async fn session(
        &self,
        ledger: Ledger,
        session: &Session,
        told: &mut dyn FnMut(usize, &Acknowledgement),
    ) -> Result<(), Failed> {
        for group in &session.groups {
            if let Err(error) = self.group(&ledger, group, told).await {
                return Err(Failed::Submit(ledger, error));
            }
        }
        match session.end {
            End::Close => ledger
                .close()
                .await
                .map_err(|error| Failed::Close(error.to_string())),
            End::Kill => {
                drop(ledger);
                Ok(())
            }
        }
    }

    async fn group(
        &self,
        ledger: &Ledger,
        group: &[usize],
        told: &mut dyn FnMut(usize, &Acknowledgement),
    ) -> Result<(), SubmitError> {
        let mut pending = Vec::new();
        for index in group {
            pending.push(ledger.enqueue(self.signed(*index))?);
        }
        for (index, pending) in group.iter().zip(pending) {
            self.judge(*index, &pending.await?, told);
        }
        Ok(())
    }

    /// Holds an answer against the world's opinion.
    pub fn judge(
        &self,
        index: usize,
        answer: &Answer,
        told: &mut dyn FnMut(usize, &Acknowledgement),
    ) {
        let issued = &self.statements[index];
        match (issued.expect, answer) {
            (
                Expect::Accepted | Expect::Repeated,
                Answer::Acknowledged {
                    acknowledgement, ..
                },
            ) => told(index, acknowledgement),
            (Expect::Refused(_), Answer::Refused(_)) => {}
            (expect, answer) => panic!("{}: {expect:?}, got {answer:?}", issued.what),
        }
    }
}

/// What ended a session early.
pub enum Failed {
    /// With the ledger that has stopped.
    Submit(Ledger, SubmitError),
    Close(String),
}

pub fn open(storage: &SimStorage, store: &Path, key: &SecretKey) -> Result<Ledger, OpenError> {
    let clock = Arc::new(AtTheEnd);
    Ledger::open_on(storage.clone(), store, key.clone(), options(), clock).map(|(ledger, _)| ledger)
}

/// The world's genesis, with state records at a small interval.
fn often_stated(signed: &SignedStatement, world: &World, key: &SecretKey) -> SignedStatement {
    let statement = Statement::open(signed.clone()).unwrap();
    let mut events = statement.events.clone();
    let Some(Body::Genesis(genesis)) = &mut events[0].body else {
        panic!("record 0 is genesis");
    };
    genesis.state_record_interval = INTERVAL;
    let payload = statement.payload;
    let draft = Draft {
        origin: payload.origin.unwrap(),
        id: statement.id,
        party: payload.party,
        happened_at_ms: payload.happened_at_ms,
        expires_at_ms: payload.expires_at_ms,
        events,
    };
    let agencies = &world.cast().authorities;
    let mut cosigners: Vec<&SecretKey> = agencies.iter().map(|who| &who.first).collect();
    cosigners.push(key);
    draft.sign(&agencies.first().first, &cosigners)
}

/// What a run without faults comes to, by position.
pub struct Model {
    pub records: Vec<Bytes>,
    /// The head hash of the record at each position.
    pub heads: Vec<Hash>,
    /// The state digest after so many records.
    pub digests: Vec<Hash>,
    /// The position of each statement that has one.
    pub positions: Vec<Option<u64>>,
}

/// A moment at which the power goes: the disk as it is then, and how many
/// records had been acknowledged.
pub struct Moment {
    pub disk: SimStorage,
    pub floor: u64,
}

/// A whole run: its model, its moments, and the disk before each session.
pub struct Run {
    pub model: Model,
    pub moments: Vec<Moment>,
    pub before: Vec<SimStorage>,
    pub after: SimStorage,
}

/// Plays a script on a disk, whose syncs may lie.
pub async fn play(script: &Script, lies: bool) -> Run {
    let mut disk = script.founded.restart();
    disk.set_sync_is_noop(lies);
    let acknowledged = Arc::new(AtomicU64::new(1));
    let moments = Arc::new(std::sync::Mutex::new(Vec::new()));
    let mut positions = vec![None; script.statements.len()];
    let mut before = Vec::new();
    let mut live = Vec::new();
    for session in &script.sessions {
        // A process ends, the disk does not; its steps are counted anew.
        disk = disk.restart();
        before.push(disk.restart());
        let (floor, moments) = (Arc::clone(&acknowledged), Arc::clone(&moments));
        disk.on_each_step(move |disk| {
            let floor = floor.load(Ordering::SeqCst);
            moments.lock().unwrap().push(Moment { disk, floor });
        });
        let store = tempfile::tempdir().unwrap();
        let ledger = script.open(&disk, store.path()).unwrap();
        live.push((ledger.committed(), ledger.read(State::digest)));
        let done = script
            .session(ledger, session, &mut |index, acknowledgement| {
                let position = position_of(acknowledgement);
                positions[index] = Some(position);
                acknowledged.fetch_max(position + 1, Ordering::SeqCst);
            })
            .await;
        if let Err(Failed::Submit(_, error)) = done {
            panic!("{error}");
        }
    }
    let after = disk.restart();
    let model = Model::of(&after, positions);
    for (records, digest) in live {
        assert_eq!(digest, model.digests[records as usize], "at {records}");
    }
    let moments = std::mem::take(&mut *moments.lock().unwrap());
    Run {
        model,
        moments,
        before,
        after,
    }
}

impl Model {
    /// Folds what a journal holds, record by record, without the ledger.
    fn of(disk: &SimStorage, positions: Vec<Option<u64>>) -> Model {
        let (journal, _) = Journal::open(disk.restart(), None, 0, options().journal).unwrap();
        let mut state = State::new();
        let mut model = Model {
            records: Vec::new(),
            heads: Vec::new(),
            digests: vec![state.digest()],
            positions,
        };
        for batch in journal.reader().batches(0) {
            for bytes in batch.unwrap().records {
                let record = OpenRecord::open(&bytes).unwrap();
                state.apply(&record, &mut nowhere).unwrap();
                model.heads.push(record.hash);
                model.digests.push(state.digest());
                model.records.push(bytes);
            }
        }
        model
    }

    /// The first statement that is not among so many records.
    pub fn next_statement(&self, records: u64) -> usize {
        let recorded = |index: &usize| self.positions[*index].is_some_and(|p| p < records);
        let last = (0..self.positions.len()).rev().find(recorded);
        last.map_or(0, |last| last + 1)
    }
}

pub fn position_of(acknowledgement: &Acknowledgement) -> u64 {
    Head::decode(acknowledgement.head.clone()).unwrap().position
}

pub fn head_of(acknowledgement: &Acknowledgement) -> Hash {
    head_hash(&acknowledgement.head)
}

/// A runtime for one test.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}
