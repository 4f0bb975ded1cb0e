//! The ledger's own statements: its word on its state, at every multiple of
//! genesis' interval, and whatever else it has to say.

use crate::custody::registry::LEDGER;
use crate::custody::state::touched_root;
use crate::custody::{Context, Decision, Items, Recorded, State, decide};
use crate::event::codes::Refused;
use crate::event::statement::Draft;
use crate::event::{Statement, StatementId};
use crate::pb::event::Body;
use crate::pb::{Event, EventRef, RefusalCode, StateRecorded};

use super::shared::Shared;

/// How long it would hold if it had to be sent again: a day, milliseconds.
const EXPIRES_MS: i64 = 24 * 60 * 60 * 1000;

/// Whether the record at this position is to be a state record.
pub(super) fn is_due(position: u64, interval: u64) -> bool {
    position > 0 && position.is_multiple_of(interval.max(2))
}

/// States what `state`, which is committed, is; to be recorded next.
pub(super) fn decide_on(
    shared: &Shared,
    state: &State,
    recorded_at_ms: i64,
) -> Result<(Statement, Decision), Refused> {
    let position = state.next();
    let recorded = StateRecorded {
        state_digest: state.digest().to_bytes(),
        touched_root: touched_root(state.touched()).to_bytes(),
        touched_count: u64::try_from(state.touched().len()).unwrap_or(u64::MAX),
    };
    own_statement(
        shared,
        state,
        position,
        recorded_at_ms,
        Body::StateRecorded(recorded),
    )
}

/// What the ledger says itself in the record at a position, decided on `items`.
pub(super) fn own_statement(
    shared: &Shared,
    items: &dyn Items,
    position: u64,
    recorded_at_ms: i64,
    body: Body,
) -> Result<(Statement, Decision), Refused> {
    let draft = Draft {
        origin: shared.origin.clone(),
        id: id_at(position, recorded_at_ms)?,
        party: LEDGER.to_owned(),
        happened_at_ms: recorded_at_ms,
        expires_at_ms: recorded_at_ms.saturating_add(EXPIRES_MS),
        events: vec![Event {
            external_refs: Vec::new(),
            body: Some(body),
        }],
    };
    let statement = Statement::open(draft.sign(&shared.key, &[]))?;
    let nothing = |_: &EventRef| -> Option<Recorded> { None };
    let context = Context {
        position,
        recorded_at_ms,
        genesis: &shared.genesis,
        recorded: &nothing,
    };
    let decision = decide(items, &statement, &context)?;
    Ok((statement, decision))
}

/// The same position gives the same randomness: two writers state the same.
fn id_at(position: u64, recorded_at_ms: i64) -> Result<StatementId, Refused> {
    let mut random = [0; 10];
    let hash = blake3::hash(&position.to_be_bytes());
    random
        .iter_mut()
        .zip(hash.as_bytes())
        .for_each(|(to, from)| *to = *from);
    StatementId::v7(recorded_at_ms, random)
        .ok_or_else(|| Refused::new(RefusalCode::BadId, "payload.id"))
}
