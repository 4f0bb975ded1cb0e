//! A ledger's records written by hand, without the ledger: decided, sealed and
//! signed one by one, so that a test can also write what no ledger would.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use bytes::Bytes;
use hazledger::catalog::Uscc;
use hazledger::custody::decide::{decide_genesis, keys_of};
use hazledger::custody::registry::LEDGER;
use hazledger::custody::rotation::sworn;
use hazledger::custody::state::{State, nowhere, touched_root};
use hazledger::custody::{Context, Recorded, decide};
use hazledger::event::record::{Additions, OpenRecord, SealedRecord, Standing, seal};
use hazledger::event::signing::SecretKey;
use hazledger::event::statement::Draft;
use hazledger::event::{Hash, Statement, StatementId};
use hazledger::journal::Batch;
use hazledger::pb::event::Body;
use hazledger::pb::{
    Acknowledgement, Authority, BaseRulePack, ClockStated, Event, EventRef, Genesis, KeyHolder,
    KeyRegistered, LedgerKeyRotated, Origin, PartyRegistered, PartyStatus, PlaceRegistered,
    RefusalsAnchored, SignatureAlgorithm, SignedStatement, SiteRegistered, Stage, StateRecorded,
};
use hazledger::proof::{acknowledge, sign_commit};
use prost::Message as _;

/// Where state records stand in these journals.
pub const INTERVAL: u64 = 8;
/// When the first record is recorded, Unix milliseconds.
pub const START_MS: i64 = 1_790_000_000_000;
/// Time between records, milliseconds.
const STEP_MS: i64 = 1000;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Somebody who signs: a party's code and a person's key.
#[derive(Clone)]
pub struct Member {
    pub party: String,
    pub key: SecretKey,
}

impl Member {
    pub fn new(organisation: &str, seed: u8) -> Member {
        let party = Uscc::with_checks('9', '1', "150200", organisation).unwrap();
        Member {
            party: party.as_str().to_owned(),
            key: key(seed),
        }
    }
}

pub fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

pub fn event(body: Body) -> Event {
    Event {
        external_refs: Vec::new(),
        body: Some(body),
    }
}

/// A statement with what was decided on it, not yet a record.
#[derive(Clone)]
pub struct Entry {
    pub signed: SignedStatement,
    pub additions: Additions,
}

/// The records of a ledger that has two authorities.
pub struct Book {
    pub ledger: SecretKey,
    pub authority: Member,
    pub second: Member,
    pub genesis_hash: Hash,
    pub state: State,
    pub now: i64,
    pub batches: Vec<Batch>,
    pub acknowledgements: Vec<Acknowledgement>,
    open: Vec<SealedRecord>,
    ids: u16,
}

impl Book {
    /// A ledger that has its genesis, committed.
    pub fn new() -> Book {
        let mut book = Book {
            ledger: key(1),
            authority: Member::new("MA0AUTH1", 2),
            second: Member::new("MA0AUTH2", 3),
            genesis_hash: Hash::ZERO,
            state: State::new(),
            now: START_MS,
            batches: Vec::new(),
            acknowledgements: Vec::new(),
            open: Vec::new(),
            ids: 0,
        };
        let entry = book.genesis_entry(|_| {});
        book.genesis_hash = book.seal(&entry).hash;
        book.append(&entry);
        book.commit();
        book
    }

    /// Record 0, with its genesis changed before it is signed.
    pub fn genesis_entry(&mut self, change: impl FnOnce(&mut Genesis)) -> Entry {
        let authority = |member: &Member| Authority {
            party: member.party.clone(),
            name_zh: "应急管理局".to_owned(),
            name_en: "Emergency Management".to_owned(),
            public_key: public(&member.key),
            holder_commitment: Bytes::copy_from_slice(&[9; 32]),
        };
        let mut genesis = Genesis {
            ledger_public_key: public(&self.ledger),
            authorities: vec![authority(&self.authority), authority(&self.second)],
            root_threshold: 2,
            state_record_interval: INTERVAL,
            base_rules: Some(BaseRulePack {
                measure_tolerance_ppm: 3_000,
                dispute_deadline_ms: 3 * DAY_MS,
                back_dating_limit_ms: 2 * DAY_MS,
                count_tolerance_ppm: 3_000,
                assay_due_ms: 0,
            }),
        };
        change(&mut genesis);
        let draft = self.draft(
            &self.authority.party.clone(),
            vec![event(Body::Genesis(genesis))],
        );
        let signed = draft.sign(&self.authority.key, &[&self.ledger, &self.second.key]);
        let statement = Statement::open(signed.clone()).unwrap();
        let additions = decide_genesis(&statement)
            .map(|d| d.additions)
            .unwrap_or_default();
        Entry { signed, additions }
    }

    /// A statement of a party, still to be signed.
    pub fn draft(&mut self, party: &str, events: Vec<Event>) -> Draft {
        self.ids += 1;
        let [high, low] = self.ids.to_be_bytes();
        let genesis_hash = match self.state.next() {
            0 => Hash::ZERO,
            _ => self.genesis_hash,
        };
        Draft {
            origin: Origin {
                name: "test.example".to_owned(),
                genesis_hash: genesis_hash.to_bytes(),
            },
            id: StatementId::v7(self.now, [0, 0, 0, 0, 0, 0, 0, 0, high, low]).unwrap(),
            party: party.to_owned(),
            happened_at_ms: self.now,
            expires_at_ms: self.now + DAY_MS,
            events,
        }
    }

    /// Decides a signed statement as the ledger would at this moment.
    pub fn decide(&self, signed: SignedStatement) -> Entry {
        let statement = Statement::open(signed.clone()).unwrap();
        statement
            .verify(&keys_of(&self.state, &statement).unwrap())
            .unwrap();
        let genesis = self.state.genesis().unwrap();
        let recorded = |named: &EventRef| self.recorded(named);
        let context = Context {
            position: self.state.next(),
            recorded_at_ms: self.now,
            genesis: &genesis,
            recorded: &recorded,
        };
        let decision = decide(&self.state, &statement, &context).unwrap();
        Entry {
            signed,
            additions: decision.additions,
        }
    }

    fn recorded(&self, named: &EventRef) -> Option<Recorded> {
        let committed = self.batches.iter().flat_map(|b| &b.records);
        let open = self.open.iter().map(|sealed| &sealed.bytes);
        let record = committed
            .chain(open)
            .map(|bytes| OpenRecord::open(bytes).unwrap())
            .find(|r| r.payload.party == named.party && r.payload.id == named.statement_id)?;
        let changes = record.outcomes.iter().flatten().flat_map(|outcome| {
            let subject = outcome.subject.clone().unwrap();
            outcome
                .changes
                .iter()
                .map(move |change| (subject.clone(), change.clone()))
        });
        Some(Recorded {
            position: record.position(),
            event_index: named.event_index,
            event: record.events[named.event_index as usize].clone()?,
            changes: changes.collect(),
            findings: record.findings.iter().flatten().cloned().collect(),
            payload: record.payload,
        })
    }

    /// Seals an entry at the next position.
    pub fn seal(&self, entry: &Entry) -> SealedRecord {
        let statement = Statement::open(entry.signed.clone()).unwrap();
        let standing = Standing {
            position: self.state.next(),
            recorded_at_ms: self.now,
            previous: self.state.last_head(),
        };
        seal(
            &statement,
            &entry.additions,
            standing,
            self.ledger.salt_secret(),
        )
        .unwrap()
    }

    /// Seals and folds an entry. What does not fold ends the book: it can be
    /// committed, and nothing can follow it.
    pub fn append(&mut self, entry: &Entry) -> u64 {
        let sealed = self.seal(entry);
        self.append_sealed(sealed)
    }

    /// The same for a record that is sealed already.
    pub fn append_sealed(&mut self, sealed: SealedRecord) -> u64 {
        let position = self.state.next();
        if let Ok(record) = OpenRecord::open(&sealed.bytes) {
            let _ = self.state.apply(&record, &mut nowhere);
        }
        self.open.push(sealed);
        self.now += STEP_MS;
        position
    }

    /// Signs, decides and appends; before it, a state record if one is due.
    pub fn submit(&mut self, by: &Member, with: &[&Member], events: Vec<Event>) -> u64 {
        self.state_record_if_due();
        let draft = self.draft(&by.party, events);
        self.submit_draft(&draft, by, with)
    }

    /// The same for a draft made before.
    pub fn submit_draft(&mut self, draft: &Draft, by: &Member, with: &[&Member]) -> u64 {
        self.state_record_if_due();
        let cosigners: Vec<&SecretKey> = with.iter().map(|m| &m.key).collect();
        let entry = self.decide(draft.sign(&by.key, &cosigners));
        self.append(&entry)
    }

    /// Appends the state record that is due, if one is.
    pub fn state_record_if_due(&mut self) {
        if self.state.next().is_multiple_of(INTERVAL) {
            let entry = self.state_entry(|_| {});
            self.append(&entry);
        }
    }

    /// A state record of now, changed before it is signed.
    pub fn state_entry(&mut self, change: impl FnOnce(&mut StateRecorded)) -> Entry {
        let mut said = StateRecorded {
            state_digest: self.state.digest().to_bytes(),
            touched_root: touched_root(self.state.touched()).to_bytes(),
            touched_count: self.state.touched().len() as u64,
        };
        change(&mut said);
        let draft = self.draft(LEDGER, vec![event(Body::StateRecorded(said))]);
        self.decide(draft.sign(&self.ledger, &[]))
    }

    /// Appends the ledger's word that its clock is in doubt.
    pub fn clock_in_doubt(&mut self) {
        let word = ClockStated {
            clock_ms: self.now + DAY_MS,
            ledger_ms: self.now,
            jumped_by_ms: DAY_MS,
            in_doubt: true,
            confirmed_ms: 0,
        };
        let draft = self.draft(LEDGER, vec![event(Body::ClockStated(word))]);
        let entry = self.decide(draft.sign(&self.ledger, &[]));
        self.append(&entry);
    }

    /// The ledger's word on the refusals that it keeps: so many of them.
    pub fn anchor_entry(&mut self, count: u64, kept_from: u64) -> Entry {
        let word = RefusalsAnchored {
            count,
            hash: Bytes::from(vec![9; 32]),
            since_ms: self.now,
            kept_from,
            ..RefusalsAnchored::default()
        };
        let draft = self.draft(LEDGER, vec![event(Body::RefusalsAnchored(word))]);
        self.decide(draft.sign(&self.ledger, &[]))
    }

    /// From the ledger's key to another, with that one's own signature.
    pub fn rotation_to(&self, new: &SecretKey) -> LedgerKeyRotated {
        LedgerKeyRotated {
            reason: "the yearly one".to_owned(),
            ..sworn(&self.genesis_hash.0, self.ledger.id(), new)
        }
    }

    /// A statement of the first authority's with it, still to be signed.
    pub fn rotation_draft(&mut self, e: LedgerKeyRotated) -> Draft {
        let party = self.authority.party.clone();
        self.draft(&party, vec![event(Body::LedgerKeyRotated(e))])
    }

    /// The same, signed by both authorities and decided.
    pub fn rotation_entry(&mut self, e: LedgerKeyRotated) -> Entry {
        let draft = self.rotation_draft(e);
        self.decide(draft.sign(&self.authority.key, &[&self.second.key]))
    }

    /// Puts another key in the place of the ledger's and ends the batch with
    /// that; returns its position.
    pub fn rotate(&mut self, new: SecretKey) -> u64 {
        self.state_record_if_due();
        let e = self.rotation_to(&new);
        let entry = self.rotation_entry(e);
        let position = self.append(&entry);
        self.commit();
        self.ledger = new;
        position
    }

    /// Ends the batch, as it stands.
    pub fn commit(&mut self) {
        let records = std::mem::take(&mut self.open);
        let first_position = self.batches.iter().map(|b| b.records.len() as u64).sum();
        let heads: Vec<Hash> = records.iter().map(|sealed| sealed.hash).collect();
        let signed = sign_commit(&self.ledger, self.genesis_hash, first_position, &heads);
        for (index, sealed) in records.iter().enumerate() {
            let acknowledgement = acknowledge(sealed.head.clone(), index, &heads, &signed);
            self.acknowledgements.push(acknowledgement.unwrap());
        }
        self.batches.push(Batch {
            first_position,
            records: records.into_iter().map(|sealed| sealed.bytes).collect(),
            commit: signed.encode_to_vec().into(),
            last_head: heads.last().unwrap().0,
        });
    }

    /// Registers a party with a person's key, a site and two places.
    pub fn register(&mut self, member: &Member, places: &[&str]) {
        let party = member.party.clone();
        let mut events = vec![
            Body::PartyRegistered(PartyRegistered {
                party: party.clone(),
                name_zh: "公司".to_owned(),
                name_en: "Company".to_owned(),
                stages: vec![Stage::Production.into(), Stage::Use.into()],
                status: PartyStatus::Active.into(),
                region: "150200".to_owned(),
                ..PartyRegistered::default()
            }),
            Body::KeyRegistered(key_registered(&party, &member.key)),
            Body::SiteRegistered(SiteRegistered {
                party: party.clone(),
                site: "S".to_owned(),
                name_zh: "厂".to_owned(),
                kind: "plant".to_owned(),
                region: "150200".to_owned(),
                ..SiteRegistered::default()
            }),
        ];
        events.extend(places.iter().map(|place| {
            Body::PlaceRegistered(PlaceRegistered {
                party: party.clone(),
                place: (*place).to_owned(),
                site: "S".to_owned(),
                name_zh: "罐".to_owned(),
                kind: "tank".to_owned(),
                ..PlaceRegistered::default()
            })
        }));
        let (first, second) = (self.authority.clone(), self.second.clone());
        self.submit(&first, &[&second], events.into_iter().map(event).collect());
    }
}

pub fn public(key: &SecretKey) -> Bytes {
    Bytes::copy_from_slice(key.public().as_bytes())
}

/// A person's key, good from the start for a year.
pub fn key_registered(party: &str, key: &SecretKey) -> KeyRegistered {
    KeyRegistered {
        party: party.to_owned(),
        algorithm: SignatureAlgorithm::Ed25519.into(),
        public_key: public(key),
        holder: KeyHolder::Person.into(),
        holder_commitment: Bytes::copy_from_slice(&[7; 32]),
        valid_from_ms: START_MS,
        valid_until_ms: START_MS + 365 * DAY_MS,
        ..KeyRegistered::default()
    }
}
