//! Evidence out of a world of many parties that trade, carry, fill, mix and use:
//! for lots all over it, whatever became of them.

use std::collections::{BTreeSet, HashMap};

use bytes::Bytes;
use hazledger::custody::decide::{Recorded, decide_genesis, keys_of};
use hazledger::custody::registry::LEDGER;
use hazledger::custody::state::{nowhere, touched_root};
use hazledger::custody::{Context, State, decide};
use hazledger::event::record::{Additions, OpenRecord, SealedRecord, Standing, seal};
use hazledger::event::signing::SecretKey;
use hazledger::event::statement::Draft;
use hazledger::event::{Statement, StatementId};
use hazledger::pb::event::Body;
use hazledger::pb::{AccountKind, Event, EventRef, Origin, SignedStatement, StateRecorded};
use hazledger::sim::{Expect, Span, World};
use prost::Message as _;

use super::house::House;

const SPAN: Span = Span {
    from_ms: 1_795_000_000_000,
    until_ms: 1_796_700_000_000,
    events: 3_000,
};
const NAME: &str = "hazledger.test/evidence";
/// Of so many lots one is looked at.
const EVERY: usize = 5;

/// A ledger without files.
struct Ledger {
    state: State,
    sealed: Vec<SealedRecord>,
    /// Records by party and id, for what names them.
    records: HashMap<(String, Bytes), OpenRecord>,
}

impl Ledger {
    fn record(&mut self, statement: &Statement, additions: &Additions) -> OpenRecord {
        let standing = Standing {
            position: self.state.next(),
            recorded_at_ms: SPAN.until_ms,
            previous: self.state.last_head(),
        };
        let sealed = seal(statement, additions, standing, &[3; 32]).unwrap();
        let record = OpenRecord::open(&sealed.bytes).unwrap();
        self.state.apply(&record, &mut nowhere).unwrap();
        let name = (record.payload.party.clone(), record.payload.id.clone());
        self.records.insert(name, record.clone());
        self.sealed.push(sealed);
        record
    }

    fn recorded(&self, reference: &EventRef) -> Option<Recorded> {
        let name = (reference.party.clone(), reference.statement_id.clone());
        let record = self.records.get(&name)?;
        let event = usize::try_from(reference.event_index).ok()?;
        let outcomes = record.outcomes.iter().flatten();
        let changes = outcomes.flat_map(|outcome| {
            let subject = outcome.subject.clone().unwrap_or_default();
            let changes = outcome.changes.iter();
            changes.map(move |change| (subject.clone(), change.clone()))
        });
        let own = changes.filter(|(_, change)| {
            let cause = change.cause.unwrap_or_default();
            cause.event_index == reference.event_index
        });
        Some(Recorded {
            position: record.position(),
            findings: record.findings.iter().flatten().cloned().collect(),
            payload: record.payload.clone(),
            event_index: reference.event_index,
            event: record.events.get(event)?.clone()?,
            changes: own.collect(),
        })
    }

    /// The ledger's own record, where the interval says that one stands.
    fn state_record(&mut self, key: &SecretKey, origin: &Origin) {
        let (position, genesis) = (self.state.next(), self.state.genesis().unwrap());
        if !position.is_multiple_of(genesis.state_record_interval) {
            return;
        }
        let said = StateRecorded {
            state_digest: self.state.digest().to_bytes(),
            touched_root: touched_root(self.state.touched()).to_bytes(),
            touched_count: self.state.touched().len() as u64,
        };
        let [_, _, _, _, _, _, random @ ..] = u128::from(position).to_be_bytes();
        let draft = Draft {
            origin: origin.clone(),
            id: StatementId::v7(SPAN.until_ms, random).unwrap(),
            party: LEDGER.to_owned(),
            happened_at_ms: SPAN.until_ms,
            expires_at_ms: SPAN.until_ms + 1_000_000,
            events: vec![Event {
                external_refs: Vec::new(),
                body: Some(Body::StateRecorded(said)),
            }],
        };
        self.submit(draft.sign(key, &[])).unwrap();
    }

    fn submit(&mut self, signed: SignedStatement) -> Option<OpenRecord> {
        let statement = Statement::open(signed).ok()?;
        statement
            .verify(&keys_of(&self.state, &statement).ok()?)
            .ok()?;
        let genesis = self.state.genesis().unwrap();
        let context = Context {
            position: self.state.next(),
            recorded_at_ms: SPAN.until_ms,
            genesis: &genesis,
            recorded: &|reference: &EventRef| self.recorded(reference),
        };
        let decision = decide(&self.state, &statement, &context).ok()?;
        Some(self.record(&statement, &decision.additions))
    }
}

fn played() -> House {
    let key = SecretKey::from_seed(&[1; 32]);
    let mut world = World::new(11, SPAN).unwrap();
    let genesis = Statement::open(world.genesis(NAME, &key)).unwrap();
    let decision = decide_genesis(&genesis).unwrap();
    let mut ledger = Ledger {
        state: State::new(),
        sealed: Vec::new(),
        records: HashMap::new(),
    };
    ledger.record(&genesis, &decision.additions);
    let origin = Origin {
        name: NAME.into(),
        genesis_hash: ledger.state.last_head().to_bytes(),
    };
    world.join(origin.clone());
    while world.issued() < SPAN.events || !world.story_told() {
        let issued = world.next_statement();
        if issued.expect != Expect::Accepted {
            continue;
        }
        ledger.state_record(&key, &origin);
        let record = ledger.submit(issued.signed.clone()).unwrap();
        if issued.heard {
            let findings: Vec<_> = record.findings.iter().flatten().cloned().collect();
            world.heard(record.position(), &findings);
        }
    }
    House::with(ledger.state, key, ledger.sealed)
}

#[test]
fn evidence_for_lots_all_over_a_world_holds_and_leaves_out_the_rest() {
    let house = played();
    let mut sources = BTreeSet::new();
    let (mut looked_at, mut with_ancestors, mut with_permits) = (0, 0, 0);
    for (id, state) in house.lots().step_by(EVERY) {
        let evidence = house.evidence(id);
        let checked = house
            .check(&evidence)
            .unwrap_or_else(|bad| panic!("{id}: {bad}"));
        assert_eq!(checked.state, state, "{id}");
        let bytes = evidence.encode_to_vec().len();
        assert!(bytes < 8 * 1024 * 1024, "{id}: {bytes} bytes");
        sources.insert(state.born.as_ref().unwrap().source());
        looked_at += 1;
        with_ancestors += usize::from(!checked.ancestors.is_empty());
        let permits = checked
            .points
            .proven
            .iter()
            .any(|point| point.en.starts_with("permit "));
        with_permits += usize::from(permits);
    }
    assert!(looked_at > 50, "{looked_at} lots");
    assert!(
        with_ancestors > 5 && with_permits > 0,
        "{with_ancestors}, {with_permits}"
    );
    assert!(sources.contains(&AccountKind::Produced) && sources.contains(&AccountKind::Made));
}
