//! A ledger in memory: the library's own way from a signed statement to a
//! folded record, without files, threads or a clock.

use std::collections::HashMap;

use bytes::Bytes;
use hazledger::custody::registry::LEDGER;
use hazledger::custody::state::{nowhere, touched_root};
use hazledger::custody::{Context, Items as _, Recorded, State, decide};
use hazledger::event::record::{OpenRecord, Standing, seal};
use hazledger::event::signing::SecretKey;
use hazledger::event::statement::Draft;
use hazledger::event::{Hash, Refused, Statement, StatementId};
use hazledger::pb::event::Body;
use hazledger::pb::{Event, EventRef, Genesis, Origin, SignedStatement, StateRecorded, Subject};
use hazledger::proof::{Expect, Verifier, sign_commit};
use prost::Message as _;

use super::model::{EventName, event_name};

const SALTS: [u8; 32] = [7; 32];

/// State, records and where each event is.
pub struct Ledger {
    pub state: State,
    pub genesis: Genesis,
    pub origin: Origin,
    pub records: Vec<Bytes>,
    pub now_ms: i64,
    key: SecretKey,
    positions: HashMap<EventName, usize>,
}

/// An accepted statement's record and what it changed.
pub struct Accepted {
    pub record: OpenRecord,
    pub changed: Vec<Subject>,
}

impl Ledger {
    /// With record 0.
    pub fn open(signed: SignedStatement, key: SecretKey, now_ms: i64) -> Ledger {
        let statement = Statement::open(signed).unwrap();
        let decision = decide::decide_genesis(&statement).unwrap();
        let Some(Body::Genesis(genesis)) = &statement.events[0].body else {
            unreachable!("record 0 is genesis");
        };
        let mut ledger = Ledger {
            state: State::new(),
            genesis: genesis.clone(),
            origin: statement.payload.origin.clone().unwrap(),
            records: Vec::new(),
            now_ms,
            key,
            positions: HashMap::new(),
        };
        ledger.append(&statement, &decision.additions);
        ledger.origin.genesis_hash = ledger.state.last_head().to_bytes();
        ledger
    }

    /// Judges a statement; records it, or leaves everything as it is.
    pub fn submit(&mut self, signed: SignedStatement) -> Result<Accepted, Refused> {
        self.record_state_if_due();
        let statement = Statement::open(signed)?;
        let keys = decide::keys_of(&self.state, &statement)?;
        statement.verify(&keys)?;
        let recorded = |reference: &EventRef| self.recorded(reference);
        let context = Context {
            position: self.state.next(),
            recorded_at_ms: self.now_ms,
            genesis: &self.genesis,
            recorded: &recorded,
        };
        let decision = decide(&self.state, &statement, &context)?;
        let accepted = self.append(&statement, &decision.additions);
        for (subject, item) in &decision.items {
            let folded = self.state.get(subject);
            assert_eq!(folded.as_ref(), Some(item), "decided and folded differ");
        }
        assert_eq!(decision.items.len(), accepted.changed.len());
        Ok(accepted)
    }

    /// The verifier finds nothing wrong with what was recorded.
    pub fn verified(&self) {
        let heads: Vec<Hash> = self
            .records
            .iter()
            .map(|bytes| OpenRecord::open(bytes).unwrap().hash)
            .collect();
        let mut verifier = Verifier::new(Expect::default());
        for (position, (bytes, head)) in (0u64..).zip(self.records.iter().zip(&heads)) {
            let commit = sign_commit(&self.key, heads[0], position, &[*head]);
            let batch = [bytes.clone()];
            verifier
                .batch(position, &batch, &commit.encode_to_vec().into())
                .unwrap();
        }
        let report = verifier.finish().unwrap();
        assert_eq!(report.state_digest, self.state.digest());
    }

    fn append(
        &mut self,
        statement: &Statement,
        additions: &hazledger::event::record::Additions,
    ) -> Accepted {
        let standing = Standing {
            position: self.state.next(),
            recorded_at_ms: self.now_ms,
            previous: self.state.last_head(),
        };
        let sealed = seal(statement, additions, standing, &SALTS).unwrap();
        let record = OpenRecord::open(&sealed.bytes).unwrap();
        let changed = self.state.apply(&record, &mut nowhere).unwrap();
        for index in 0..u32::try_from(statement.events.len()).unwrap() {
            let name = event_name(&statement.event_ref(index).unwrap()).unwrap();
            self.positions.insert(name, self.records.len());
        }
        self.records.push(sealed.bytes);
        let changed = changed.into_iter().map(|changed| changed.subject);
        Accepted {
            record,
            changed: changed.collect(),
        }
    }

    /// The ledger's own word on its state, where one is due.
    fn record_state_if_due(&mut self) {
        let position = self.state.next();
        if !position.is_multiple_of(self.genesis.state_record_interval) {
            return;
        }
        let touched = self.state.touched();
        let said = StateRecorded {
            state_digest: self.state.digest().to_bytes(),
            touched_root: touched_root(touched).to_bytes(),
            touched_count: u64::try_from(touched.len()).unwrap(),
        };
        let mut random = [0; 10];
        random[..8].copy_from_slice(&position.to_be_bytes());
        let draft = Draft {
            origin: self.origin.clone(),
            id: StatementId::v7(self.now_ms, random).unwrap(),
            party: LEDGER.to_owned(),
            happened_at_ms: self.now_ms,
            expires_at_ms: self.now_ms + 1000,
            events: vec![Event {
                body: Some(Body::StateRecorded(said)),
                ..Event::default()
            }],
        };
        let statement = Statement::open(draft.sign(&self.key, &[])).unwrap();
        let context = Context {
            position,
            recorded_at_ms: self.now_ms,
            genesis: &self.genesis,
            recorded: &|_| None,
        };
        let decision = decide(&self.state, &statement, &context).unwrap();
        self.append(&statement, &decision.additions);
    }

    fn recorded(&self, reference: &EventRef) -> Option<Recorded> {
        let position = *self.positions.get(&event_name(reference)?)?;
        let record = OpenRecord::open(&self.records[position]).unwrap();
        let index = reference.event_index;
        let own = |c: &hazledger::pb::Change| {
            let cause = c.cause.unwrap();
            cause.event_index == index && cause.parked_position.is_none()
        };
        let mut changes = Vec::new();
        for outcome in record.outcomes.iter().flatten() {
            let subject = outcome.subject.clone().unwrap();
            let mine = outcome.changes.iter().filter(|c| own(c));
            changes.extend(mine.map(|c| (subject.clone(), c.clone())));
        }
        Some(Recorded {
            position: record.position(),
            findings: record.findings.iter().flatten().cloned().collect(),
            event: record.events[usize::try_from(index).unwrap()].clone()?,
            payload: record.payload,
            event_index: index,
            changes,
        })
    }
}
