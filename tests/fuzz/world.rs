//! The ledger that hostile bytes meet: the story of `tests/rules`, after each
//! of its records, so that what a statement names may be there.

use std::sync::OnceLock;

use hazledger::custody::State;
use hazledger::custody::decide::Recorded;
use hazledger::custody::state::nowhere;
use hazledger::event::record::OpenRecord;
use hazledger::pb::{EventRef, Genesis, Origin};

#[path = "../rules/bench.rs"]
pub mod bench;
#[path = "../rules/rulebook.rs"]
mod rulebook;
#[path = "../rules/story.rs"]
mod story;
#[path = "../rules/tanks.rs"]
mod tanks;
#[path = "../rules/verbs.rs"]
mod verbs;

/// Who may sign, the acting key first: a byte of the input chooses.
pub const SIGNERS: [&str; 16] = [
    "P1", "P1+W1", "W1", "C1", "C1+W1", "M1", "A1", "A1+A2", "P1+A1", "D1", "P0", "C0", "W1+W2",
    "ledger", "P2", "M1+M2",
];

/// See the module.
pub struct World {
    pub origin: Origin,
    pub genesis: Genesis,
    /// When the story ends, Unix milliseconds.
    pub now: i64,
    pub records: Vec<OpenRecord>,
    /// The records as they are stored.
    pub bytes: Vec<bytes::Bytes>,
    /// The state before each record, and after the last.
    states: Vec<State>,
}

/// Told once.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let story = story::tell();
        let bytes: Vec<_> = story
            .records
            .iter()
            .map(|(sealed, _)| sealed.bytes.clone())
            .collect();
        let records: Vec<_> = bytes
            .iter()
            .map(|bytes| OpenRecord::open(bytes).unwrap())
            .collect();
        let mut states = vec![State::new()];
        for record in &records {
            let mut state = copy(&states[states.len() - 1]);
            state.apply(record, &mut nowhere).unwrap();
            states.push(state);
        }
        World {
            origin: story.origin.clone(),
            genesis: story.genesis.clone(),
            now: story.now,
            records,
            bytes,
            states,
        }
    })
}

/// The same state, to be changed.
pub fn copy(state: &State) -> State {
    let items = state
        .items()
        .map(|(subject, item)| (subject.clone(), item.as_ref().clone()));
    State::restore(
        items,
        state.next(),
        state.last_head(),
        state.recorded_at_ms(),
    )
}

impl World {
    /// A state that a byte chooses; never the one before genesis.
    pub fn state(&self, byte: u8) -> &State {
        &self.states[1 + usize::from(byte) % (self.states.len() - 1)]
    }

    /// The byte that chooses the state before a record.
    pub fn byte_before(position: usize) -> u8 {
        u8::try_from(position.saturating_sub(1)).unwrap_or(u8::MAX)
    }

    /// An event that a state's ledger has recorded.
    pub fn recorded(&self, state: &State, reference: &EventRef) -> Option<Recorded> {
        let named = |record: &&OpenRecord| {
            record.position() < state.next()
                && record.payload.party == reference.party
                && record.payload.id == reference.statement_id
        };
        let record = self.records.iter().find(named)?;
        let at = usize::try_from(reference.event_index).ok()?;
        let event = record.events.get(at)?.clone()?;
        let mut changes = Vec::new();
        for outcome in record.outcomes.iter().flatten() {
            for change in &outcome.changes {
                let cause = change.cause.unwrap_or_default();
                if cause.event_index == reference.event_index && cause.parked_position.is_none() {
                    changes.push((outcome.subject.clone().unwrap_or_default(), change.clone()));
                }
            }
        }
        Some(Recorded {
            position: record.position(),
            event_index: reference.event_index,
            event,
            changes,
            findings: record.findings.iter().flatten().cloned().collect(),
            payload: record.payload.clone(),
        })
    }
}
