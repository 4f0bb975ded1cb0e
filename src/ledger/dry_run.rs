//! Dry runs: what a statement would be answered now, judged on the committed
//! state alone. Nothing is recorded, and no id is used up.

use super::answer::{Answer, ReadError};
use super::batch::{By, Delivered, Refusal};
use super::inbox::Prepare;
use super::prepare::{self, Prepared};
use super::shared::Shared;
use crate::custody::{Items, Layers};
use crate::event::codes::Refused;
use crate::event::record::{Additions, OpenRecord, Standing, seal};
use crate::pb::{DecideResponse, Finding, Outcome, SignedStatement};

/// How often what is looked up may be out of date before it is given up.
const MAX_LOOKS: usize = 4;

/// When to come again if there are too many, milliseconds.
pub(super) const RETRY_AFTER_MS: u64 = 50;

/// Judges a statement; blocks on the disk.
pub(super) fn run(shared: &Shared, signed: &SignedStatement) -> Result<DecideResponse, ReadError> {
    for _ in 0..MAX_LOOKS {
        let prepared = match prepare::open(shared, signed.clone())? {
            Prepare::Answer(Delivered::Refused(refusal)) => {
                return Ok(refused(shared, &refusal));
            }
            Prepare::Answer(Delivered::Answer(Ok(answer))) => return answered(shared, *answer),
            Prepare::Answer(Delivered::Answer(Err(error))) => {
                return Err(ReadError::Stopped {
                    why: error.to_string(),
                });
            }
            Prepare::Answer(Delivered::Committed { .. }) => break,
            Prepare::Judge(prepared) => prepared,
        };
        if let Some(response) = judge(shared, &prepared) {
            return Ok(response);
        }
    }
    Err(ReadError::Busy {
        retry_after_ms: RETRY_AFTER_MS,
    })
}

/// `None` if what was looked up is out of date.
fn judge(shared: &Shared, prepared: &Prepared) -> Option<DecideResponse> {
    let live = shared.live();
    let layers: [&dyn Items; 2] = [&live.state, &prepared.brought];
    let layers = Layers(layers.to_vec());
    let statement = &prepared.statement;
    if live.ids.get(&prepared.id_key, statement.id).is_some() || prepared.is_stale(&live, &layers) {
        return None;
    }
    let as_of = live.state.next();
    let now = shared.time.best_ms().max(live.state.recorded_at_ms());
    let refuse = |error: Refused| {
        let refusal = Refusal {
            refused: error,
            by: prepared.verified.then(|| Box::new(By::of(statement))),
            at_ms: now,
            judged_at: as_of,
        };
        refused(shared, &refusal)
    };
    if !prepared.verified {
        // Known since it was looked up: look again.
        return shared.keys_of(&live.state, statement).err().map(refuse);
    }
    let decided = prepared
        .decide(shared, &layers, as_of, now)
        .and_then(|decision| {
            let standing = Standing {
                position: as_of,
                recorded_at_ms: now,
                previous: live.state.last_head(),
            };
            // Sealed only to see whether it would be too large.
            seal(
                statement,
                &decision.additions,
                standing,
                &shared.salt_secret,
            )?;
            Ok(decision.additions)
        });
    Some(match decided {
        Ok(Additions {
            outcomes, findings, ..
        }) => accepted(as_of, findings, outcomes),
        Err(error) => refuse(error),
    })
}

/// It is recorded already: what was found then, and what it changed.
fn answered(shared: &Shared, answer: Answer) -> Result<DecideResponse, ReadError> {
    let as_of = *shared.committed.borrow();
    match answer {
        Answer::Refused(refusal) => Ok(DecideResponse {
            as_of,
            refusal: Some(refusal),
            ..DecideResponse::default()
        }),
        Answer::Acknowledged {
            acknowledgement,
            findings,
            ..
        } => {
            let head = crate::event::digest::head_hash(&acknowledgement.head);
            let position = position_of(&acknowledgement.head);
            let record: Option<OpenRecord> = shared
                .open_record(position)?
                .filter(|record| record.hash == head);
            let outcomes = record
                .map(|r| r.outcomes.into_iter().flatten().collect())
                .unwrap_or_default();
            Ok(accepted(as_of, findings, outcomes))
        }
    }
}

fn position_of(head: &bytes::Bytes) -> u64 {
    use prost::Message as _;
    crate::pb::Head::decode(head.clone()).map_or(u64::MAX, |head| head.position)
}

fn accepted(as_of: u64, findings: Vec<Finding>, outcomes: Vec<Outcome>) -> DecideResponse {
    DecideResponse {
        as_of,
        accepted: true,
        refusal: None,
        findings,
        outcomes,
    }
}

fn refused(shared: &Shared, refusal: &Refusal) -> DecideResponse {
    DecideResponse {
        as_of: refusal.judged_at,
        refusal: Some(refusal.signed(shared)),
        ..DecideResponse::default()
    }
}
