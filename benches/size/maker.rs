//! Makes the journal of the data set: decides, seals, chains and signs as the
//! ledger does, but writes to the journal alone, without clients and without a
//! projection. What it makes is a ledger that `hazledger verify` passes.

use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

use bytes::Bytes;
use hazledger::custody::decide::keys_of;
use hazledger::custody::registry::LEDGER;
use hazledger::custody::state::{nowhere, touched_root};
use hazledger::custody::{Context, State, decide};
use hazledger::event::record::{OpenRecord, Standing, seal};
use hazledger::event::signing::SecretKey;
use hazledger::event::statement::Draft;
use hazledger::event::{Hash, Statement, StatementId};
use hazledger::journal::{Batch, FRAME_HEADER_BYTES, Journal, JournalOptions, MAX_BATCH_BYTES};
use hazledger::ledger::{Clock, Ledger, Options};
use hazledger::pb::event::Body;
use hazledger::pb::{
    Authority, BaseRulePack, Event, EventRef, Genesis, KeyHolder, KeyRegistered, Origin,
    PartyRegistered, PartyStatus, PlaceRegistered, SignatureAlgorithm, SignedStatement,
    SiteRegistered, Stage, StateRecorded,
};
use hazledger::proof::sign_commit;
use hazledger::storage::DirStorage;
use prost::Message as _;
use rayon::prelude::*;

use crate::plan::{self, LIVED_MS, Plan};

/// Statements signed at a time, on all cores, while those before are decided.
const SIGNED_AT_A_TIME: usize = 4096;
/// Records of a batch, as a ledger under load makes them.
const BATCH_RECORDS: usize = 1024;
const BATCH_ROOM: usize = 4096;
const INTERVAL: u64 = 65_536;

pub fn ledger_key() -> SecretKey {
    SecretKey::from_seed(&[1; 32])
}

fn authority_key() -> SecretKey {
    SecretKey::from_seed(&[2; 32])
}

struct At(i64);

impl Clock for At {
    fn now_ms(&self) -> i64 {
        self.0
    }
}

fn event(body: Body) -> Event {
    Event {
        external_refs: Vec::new(),
        body: Some(body),
    }
}

fn public(key: &SecretKey) -> Bytes {
    Bytes::copy_from_slice(key.public().as_bytes())
}

fn draft(origin: Origin, party: String, at_ms: i64, number: u64, events: Vec<Event>) -> Draft {
    let mut random = [0xff; 10];
    random[2..].copy_from_slice(&number.to_be_bytes());
    Draft {
        origin,
        id: StatementId::v7(at_ms, random).unwrap(),
        party,
        happened_at_ms: at_ms,
        expires_at_ms: at_ms + 24 * 60 * 60 * 1000,
        events,
    }
}

fn genesis(at_ms: i64) -> SignedStatement {
    let genesis = Genesis {
        ledger_public_key: public(&ledger_key()),
        authorities: vec![Authority {
            party: plan::authority_code(),
            name_zh: "应急管理厅".into(),
            name_en: "Emergency management".into(),
            public_key: public(&authority_key()),
            holder_commitment: vec![7; 32].into(),
        }],
        root_threshold: 1,
        state_record_interval: INTERVAL,
        base_rules: Some(BaseRulePack {
            measure_tolerance_ppm: 3_000,
            dispute_deadline_ms: 86_400_000,
            back_dating_limit_ms: 86_400_000,
            count_tolerance_ppm: 0,
            assay_due_ms: 0,
        }),
    };
    let origin = Origin {
        name: "size".into(),
        genesis_hash: vec![0; 32].into(),
    };
    let events = vec![event(Body::Genesis(genesis))];
    draft(origin, plan::authority_code(), at_ms, 0, events).sign(&authority_key(), &[&ledger_key()])
}

/// One enterprise with its key, site and places.
fn registration(origin: &Origin, number: usize, at_ms: i64) -> SignedStatement {
    let party = &plan::parties()[number];
    let mut events = vec![
        event(Body::PartyRegistered(PartyRegistered {
            party: party.code.clone(),
            name_zh: format!("厂{number}"),
            name_en: format!("Works {number}"),
            stages: vec![Stage::Production.into(), Stage::Use.into()],
            status: PartyStatus::Active.into(),
            region: "150200".into(),
            ..PartyRegistered::default()
        })),
        event(Body::KeyRegistered(KeyRegistered {
            party: party.code.clone(),
            algorithm: SignatureAlgorithm::Ed25519.into(),
            public_key: public(&party.key),
            holder: KeyHolder::Person.into(),
            holder_commitment: vec![8 + number as u8; 32].into(),
            valid_from_ms: 0,
            valid_until_ms: i64::MAX,
            ..KeyRegistered::default()
        })),
        event(Body::SiteRegistered(SiteRegistered {
            party: party.code.clone(),
            site: "S1".into(),
            name_zh: "厂区".into(),
            name_en: "Works".into(),
            kind: "plant".into(),
            region: "150200".into(),
            ..SiteRegistered::default()
        })),
    ];
    events.extend((0..plan::PLACES).map(|place| {
        event(Body::PlaceRegistered(PlaceRegistered {
            party: party.code.clone(),
            place: plan::place(place),
            site: "S1".into(),
            name_zh: "库".into(),
            name_en: "Store".into(),
            kind: "bay".into(),
            ..PlaceRegistered::default()
        }))
    }));
    draft(
        origin.clone(),
        plan::authority_code(),
        at_ms,
        number as u64 + 1,
        events,
    )
    .sign(&authority_key(), &[])
}

/// The ledger being made.
struct Maker {
    key: SecretKey,
    genesis: Genesis,
    genesis_hash: Hash,
    origin: Origin,
    state: State,
    journal: Journal<DirStorage>,
    records: Vec<Bytes>,
    heads: Vec<Hash>,
    bytes: usize,
}

/// Makes a ledger of `records` records with `live` lots in an empty folder.
/// Returns its origin.
pub fn make(dir: &Path, records: u64, live: u64, until_ms: i64) -> Origin {
    let (mut maker, mut plan) = Maker::begin(dir, records, live, until_ms);
    let origin = maker.origin.clone();
    let from = maker.state.next();
    let (sender, receiver) = sync_channel(2);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut position = from;
            while position < records {
                let until = records.min(position + SIGNED_AT_A_TIME as u64);
                let drafts: Vec<_> = (position..until).map(|p| plan.next(p)).collect();
                position = until;
                let signed: Vec<(Statement, i64)> = drafts
                    .par_iter()
                    .map(|d| (Statement::open(plan.sign(d)).unwrap(), d.at_ms))
                    .collect();
                sender.send(signed).unwrap();
            }
        });
        maker.run(&receiver, records);
    });
    maker.commit();
    maker.journal.close().unwrap();
    origin
}

impl Maker {
    fn begin(dir: &Path, records: u64, live: u64, until_ms: i64) -> (Maker, Plan) {
        let start = until_ms - LIVED_MS;
        let options = Options::default();
        Ledger::create(dir, genesis(start), &ledger_key(), &options, &At(start)).unwrap();
        let storage = DirStorage::new(dir.join("journal"));
        let (journal, _) = Journal::open(storage, None, 0, JournalOptions::default()).unwrap();
        let record = journal.reader().record(0).unwrap().unwrap();
        let record = OpenRecord::open(&record).unwrap();
        let mut state = State::new();
        state.apply(&record, &mut nowhere).unwrap();
        let origin = Origin {
            name: "size".into(),
            genesis_hash: record.hash.to_bytes(),
        };
        let mut maker = Maker {
            key: ledger_key(),
            genesis: state.genesis().unwrap(),
            genesis_hash: record.hash,
            origin: origin.clone(),
            state,
            journal,
            records: Vec::new(),
            heads: Vec::new(),
            bytes: 0,
        };
        for number in 0..plan::PARTIES {
            let signed = registration(&origin, number, start);
            maker.record(&Statement::open(signed).unwrap(), start);
        }
        (maker, Plan::new(origin, records, live, until_ms))
    }

    fn run(&mut self, receiver: &Receiver<Vec<(Statement, i64)>>, records: u64) {
        let mut told = 0;
        for signed in receiver {
            for (statement, at_ms) in signed {
                if self.state.next().is_multiple_of(INTERVAL) {
                    let (stated, at_ms) = self.stated(at_ms);
                    self.record(&stated, at_ms);
                    self.state.evict_closed(u64::MAX);
                }
                self.record(&statement, at_ms);
            }
            if self.state.next() / 500_000 > told {
                told = self.state.next() / 500_000;
                eprintln!("made {} of {records} records", self.state.next());
            }
        }
    }

    /// The ledger's word on its state, as `ledger::state_record` puts it.
    fn stated(&self, at_ms: i64) -> (Statement, i64) {
        let stated = StateRecorded {
            state_digest: self.state.digest().to_bytes(),
            touched_root: touched_root(self.state.touched()).to_bytes(),
            touched_count: self.state.touched().len() as u64,
        };
        let events = vec![event(Body::StateRecorded(stated))];
        let draft = draft(
            self.origin.clone(),
            LEDGER.into(),
            at_ms,
            self.state.next(),
            events,
        );
        (Statement::open(draft.sign(&self.key, &[])).unwrap(), at_ms)
    }

    fn record(&mut self, statement: &Statement, at_ms: i64) {
        if statement.payload.party != LEDGER {
            keys_of(&self.state, statement).unwrap();
        }
        let recorded_at_ms = at_ms.max(self.state.recorded_at_ms());
        let position = self.state.next();
        let context = Context {
            position,
            recorded_at_ms,
            genesis: &self.genesis,
            recorded: &|_: &EventRef| None,
        };
        let decision = decide(&self.state, statement, &context)
            .unwrap_or_else(|refused| panic!("record {position}: {refused:?}"));
        let standing = Standing {
            position,
            recorded_at_ms,
            previous: self.state.last_head(),
        };
        let sealed = seal(statement, &decision.additions, standing, &[3; 32]).unwrap();
        let opened = OpenRecord::open(&sealed.bytes).unwrap();
        self.state.apply(&opened, &mut nowhere).unwrap();
        let frame = sealed.bytes.len() + FRAME_HEADER_BYTES;
        self.bytes += frame;
        self.records.push(sealed.bytes);
        self.heads.push(sealed.hash);
        if self.records.len() == BATCH_RECORDS
            || self.bytes + BATCH_ROOM > MAX_BATCH_BYTES - 256 * 1024
        {
            self.commit();
        }
    }

    fn commit(&mut self) {
        if self.records.is_empty() {
            return;
        }
        let first_position = self.journal.next_position();
        let commit = sign_commit(&self.key, self.genesis_hash, first_position, &self.heads);
        let batch = Batch {
            first_position,
            records: std::mem::take(&mut self.records),
            commit: commit.encode_to_vec().into(),
            last_head: self.heads.last().unwrap().0,
        };
        self.journal.append(&batch).unwrap();
        self.heads.clear();
        self.bytes = 0;
    }
}
