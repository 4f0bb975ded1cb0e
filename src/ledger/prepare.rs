//! Preparing: everything about a statement that needs no writer. Shape,
//! signatures, duplicates, and the closed items and recorded events that it
//! names, looked up off the async threads and before the writer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::answer::{ReadError, SubmitError};
use super::batch::{By, Delivered, Refusal};
use super::ids::{self, IdKey};
use super::inbox::{Prepare, Work};
use super::shared::{Live, Shared};
use crate::custody::decide::{self, Context, named_subjects};
use crate::custody::{Decision, Items, Overlay, Recorded};
use crate::event::codes::Refused;
use crate::event::digest::Tag;
use crate::event::digest::tagged;
use crate::event::record::OpenRecord;
use crate::event::{Statement, StatementId};
use crate::pb::event::Body;
use crate::pb::{Change, EventRef, RefusalCode, SignedStatement, Subject};
use crate::projection::items;

/// Recorded events that are looked up for one statement, at most; its own
/// events are fewer, the rest is for corrections of corrections.
const MAX_REFERENCES: usize = 1024;

/// A statement that is ready to be judged, and what was looked up for it.
pub(super) struct Prepared {
    pub(super) statement: Statement,
    pub(super) id_key: IdKey,
    /// Whether its signatures hold; if not, a key was not yet known.
    pub(super) verified: bool,
    /// Whether it has been drawn from its party's allowance.
    drawn: bool,
    /// Subjects that it names.
    wanted: Vec<Subject>,
    /// Those of them that were not in memory.
    pub(super) brought: Overlay,
    /// Recorded events that it names.
    references: Vec<EventRef>,
    recorded: BTreeMap<(String, Vec<u8>, u32), Recorded>,
    /// Records committed when it was looked up.
    pub(super) looked_at: u64,
    /// Evictions when it was looked up, and days of ids that had left.
    evictions: u64,
    drops: u64,
}

/// Until there is nothing to prepare any more.
pub(super) fn run(shared: &Shared) {
    while let Some(jobs) = shared.inbox.take_jobs() {
        for job in jobs {
            let (work, sequence, ticket) = job.into_parts();
            let prepared = prepare(shared, work);
            if let Prepare::Answer(Delivered::Refused(refusal)) = &prepared {
                shared.note_refusal(refusal, ticket.from);
            }
            shared.inbox.prepared(sequence, ticket, prepared);
        }
    }
}

fn prepare(shared: &Shared, work: Work) -> Prepare {
    let drawn = matches!(&work, Work::Again(before) if before.drawn);
    let prepared = match work {
        Work::New(signed) => open(shared, signed),
        Work::Again(before) => look_up(shared, before.statement, before.verified),
    };
    match prepared {
        Ok(Prepare::Judge(mut prepared)) => {
            // Once, and only for what its party has signed.
            if prepared.verified && !drawn {
                shared.rates.draw(&prepared.statement.payload.party);
            }
            prepared.drawn = drawn || prepared.verified;
            Prepare::Judge(prepared)
        }
        Ok(answered) => answered,
        Err(error) => {
            let why = error.to_string();
            Prepare::Answer(Delivered::Answer(Err(SubmitError::Unreadable { why })))
        }
    }
}

/// Prepares a statement as it came.
pub(super) fn open(shared: &Shared, signed: SignedStatement) -> Result<Prepare, ReadError> {
    match Statement::open(signed) {
        Ok(statement) => look_up(shared, statement, false),
        Err(refused) => Ok(Prepare::Answer(refusal(shared, refused, None))),
    }
}

fn look_up(shared: &Shared, statement: Statement, verified: bool) -> Result<Prepare, ReadError> {
    let (keys, looked_at, evictions, drops) = {
        let live = shared.live();
        (
            shared.keys_of(&live.state, &statement),
            live.state.next(),
            live.evictions,
            live.ids.drops(),
        )
    };
    let verified = match (verified, keys) {
        (true, _) => true,
        (false, Ok(keys)) => match statement.verify(&keys) {
            Ok(()) => true,
            Err(refused) => return Ok(Prepare::Answer(refusal(shared, refused, None))),
        },
        // The key may be in a record that is still to be committed: the
        // writer sees that. A key's bytes never change under its id.
        (false, Err(_)) => false,
    };
    let id_key = ids::key(&statement.payload.party, statement.id);
    if verified
        && let Some(position) =
            shared.position_of(&id_key, &statement.payload.party, statement.id)?
    {
        return duplicate(shared, &statement, position).map(Prepare::Answer);
    }
    let mut prepared = Prepared {
        wanted: named_subjects(&statement),
        references: references(&statement),
        statement,
        id_key,
        verified,
        drawn: false,
        brought: Overlay::default(),
        recorded: BTreeMap::new(),
        looked_at,
        evictions,
        drops,
    };
    // Unverified, nothing is looked up for it: that would be anybody's way
    // to make the disk work. The writer sends it back once its key is known.
    if verified {
        prepared.find_recorded(shared)?;
        prepared.bring(shared)?;
    }
    Ok(Prepare::Judge(Box::new(prepared)))
}

/// The answer to a statement whose id is taken: the first one again if it is
/// the same, by its payload.
fn duplicate(
    shared: &Shared,
    statement: &Statement,
    position: u64,
) -> Result<Delivered, ReadError> {
    let same = shared
        .open_record(position)?
        .is_some_and(|first| tagged(Tag::Payload, &[&first.head.payload]) == statement.digest);
    if !same {
        return Ok(refusal(
            shared,
            id_reused(),
            Some(Box::new(By::of(statement))),
        ));
    }
    let answer = shared.first_answer(position)?.map(Box::new);
    let why = || SubmitError::Unreadable {
        why: format!("record {position} is not there"),
    };
    Ok(Delivered::Answer(answer.ok_or_else(why)))
}

pub(super) fn id_reused() -> Refused {
    Refused::new(RefusalCode::IdReused, "payload.id")
}

/// A refusal judged on what is committed.
fn refusal(shared: &Shared, refused: Refused, by: Option<Box<By>>) -> Delivered {
    let judged_at = *shared.committed.borrow();
    if let Some(rotated) = shared.rotated().filter(|_| !shared.signs_at(judged_at)) {
        let why = rotated.to_string();
        return Delivered::Answer(Err(SubmitError::Stopped { why }));
    }
    Delivered::Refused(Refusal {
        refused,
        by,
        at_ms: shared.time.best_ms(),
        judged_at,
    })
}

/// The recorded events that a statement names to correct or take back.
fn references(statement: &Statement) -> Vec<EventRef> {
    statement
        .events
        .iter()
        .filter_map(|event| event.body.as_ref().and_then(reference_in))
        .collect()
}

fn reference_in(body: &Body) -> Option<EventRef> {
    match body {
        Body::Corrected(e) => e.original.clone(),
        Body::FindingAnswered(e) => e.event.clone(),
        Body::Traded(e) => e.returns.clone(),
        _ => None,
    }
}

fn reference_key(reference: &EventRef) -> (String, Vec<u8>, u32) {
    (
        reference.party.clone(),
        reference.statement_id.to_vec(),
        reference.event_index,
    )
}

impl Prepared {
    /// A correction of a correction leads on to what that one corrects.
    fn find_recorded(&mut self, shared: &Shared) -> Result<(), ReadError> {
        let mut at = 0;
        while let Some(reference) = self.references.get(at).cloned() {
            at = at.saturating_add(1);
            let Some(id) = StatementId::parse(&reference.statement_id) else {
                continue;
            };
            let key = ids::key(&reference.party, id);
            let Some(position) = shared.position_of(&key, &reference.party, id)? else {
                continue;
            };
            let Some(record) = shared.open_record(position)? else {
                continue;
            };
            if let Some(recorded) = recorded_event(&record, reference.event_index) {
                self.wanted
                    .extend(recorded.changes.iter().map(|(subject, _)| subject.clone()));
                if self.references.len() < MAX_REFERENCES {
                    self.references
                        .extend(recorded.event.body.as_ref().and_then(reference_in));
                }
                self.recorded.insert(reference_key(&reference), recorded);
            }
        }
        self.wanted.sort_unstable();
        self.wanted.dedup();
        Ok(())
    }

    fn bring(&mut self, shared: &Shared) -> Result<(), ReadError> {
        let missing: Vec<Subject> = {
            let live = shared.live();
            let unknown = |subject: &&Subject| !live.state.knows(subject);
            self.wanted.iter().filter(unknown).cloned().collect()
        };
        for subject in missing {
            if let Some(item) = items::item(&shared.store, &subject)? {
                self.brought.insert(subject, Arc::new(item));
            }
        }
        Ok(())
    }

    /// Whether what was looked up no longer will do: something has left
    /// memory meanwhile, and one of the subjects is nowhere.
    pub(super) fn is_stale(&self, live: &Live, layers: &dyn Items) -> bool {
        live.evictions != self.evictions
            && self
                .wanted
                .iter()
                .any(|subject| layers.get(subject).is_none())
    }

    /// Whether its id may have been recorded and have left the index since it
    /// was looked up: one that is older than the window, of a device.
    pub(super) fn id_may_have_left(&self, live: &Live, now: i64) -> bool {
        let old = self.statement.id.unix_ms() < ids::window_start(now);
        old && live.ids.drops() != self.drops
    }

    /// The references that were not found when it was looked up.
    pub(super) fn unresolved(&self) -> impl Iterator<Item = (IdKey, StatementId)> + '_ {
        let open = |r: &&EventRef| !self.recorded.contains_key(&reference_key(r));
        self.references.iter().filter(open).filter_map(|reference| {
            let id = StatementId::parse(&reference.statement_id)?;
            Some((ids::key(&reference.party, id), id))
        })
    }

    /// Judges it on `items`, as the record at `position`.
    pub(super) fn decide(
        &self,
        shared: &Shared,
        items: &dyn Items,
        position: u64,
        recorded_at_ms: i64,
    ) -> Result<Decision, Refused> {
        let recorded = |reference: &EventRef| self.recorded.get(&reference_key(reference)).cloned();
        let context = Context {
            position,
            recorded_at_ms,
            genesis: &shared.genesis,
            recorded: &recorded,
        };
        decide::decide(items, &self.statement, &context)
    }
}

/// An event of a record and what it changed there.
fn recorded_event(record: &OpenRecord, event_index: u32) -> Option<Recorded> {
    let at = usize::try_from(event_index).ok()?;
    let event = record.events.get(at)?.clone()?;
    let own = |change: &&Change| {
        change
            .cause
            .as_ref()
            .is_some_and(|c| c.event_index == event_index && c.parked_position.is_none())
    };
    let mut changes = Vec::new();
    for outcome in record.outcomes.iter().flatten() {
        let subject = outcome.subject.clone().unwrap_or_default();
        changes.extend(
            outcome
                .changes
                .iter()
                .filter(own)
                .map(|c| (subject.clone(), c.clone())),
        );
    }
    let payload = record.payload.clone();
    Some(Recorded {
        position: record.position(),
        payload,
        event_index,
        event,
        changes,
        findings: record.findings.iter().flatten().cloned().collect(),
    })
}
