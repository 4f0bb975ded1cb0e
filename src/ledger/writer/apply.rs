//! After the word on a batch: what stands is folded into the live state, told
//! to everybody who waits, and handed on. A batch that lost its place is
//! dropped, and its statements are judged again on what stands there instead.

use std::sync::Arc;

use prost::Message as _;

use super::{Tip, Writer};
use crate::custody::subject::{Item, Items as _};
use crate::event::StatementId;
use crate::event::digest::head_hash;
use crate::event::record::OpenRecord;
use crate::journal::StoredBatch;
use crate::ledger::batch::{Accepted, Answers, Batch, Sealed};
use crate::ledger::committer::Settlement;
use crate::ledger::ids;
use crate::ledger::inbox::Entry;
use crate::ledger::rotation::{self, Rotated};
use crate::ledger::shared::{Live, Shared};
use crate::pb::{self, SignedCommit, Subject};
use crate::projection::{Folded, items};
use crate::proof::{BatchTree, check_commit};

impl Writer {
    /// The committer's word on the batch in flight.
    pub(super) fn settle(&mut self, settlement: Settlement) -> Result<(), String> {
        let in_flight = self
            .in_flight
            .take()
            .ok_or("the committer settled a batch that is not in flight")?;
        match settlement {
            Settlement::Ours { tree, commit } => {
                // The disk is idle: the next batch goes to it first.
                if !self.current.is_empty() {
                    self.hand_over()?;
                }
                self.stands(in_flight, tree, commit)
            }
            Settlement::Theirs(batches) => self.lost(in_flight, batches),
            Settlement::Failed(why) => Err(self.stop(why)),
        }
    }

    fn stands(
        &mut self,
        batch: Batch,
        tree: BatchTree,
        commit: SignedCommit,
    ) -> Result<(), String> {
        let (accepted, riders) = batch.into_parts();
        let shared = Arc::clone(&self.shared);
        let mut folded = Vec::with_capacity(accepted.len());
        let mut answers = Answers::new(accepted.len());
        {
            let mut live = shared.live_mut();
            for Accepted { entry, record } in accepted {
                let Sealed { sealed, opened } = *record;
                let findings: Vec<_> = opened.findings.iter().flatten().cloned().collect();
                let rotated = Rotated::of(&opened);
                if entry.is_none() {
                    // Nobody is told of the ledger's own.
                    shared.metrics.recorded(&findings, false);
                }
                let mut brought = |subject: &Subject| brought(entry.as_ref(), subject);
                let done = live.fold(opened, &mut brought);
                folded.push(done.map_err(|why| self.stop(why))?);
                shared.note_rotation(rotated);
                answers.push(entry, sealed.head, findings);
            }
            live.drop_days(shared.progress.borrow().flushed);
        }
        if let Some(word) = self.clock_said.take() {
            shared.time.said(&word);
        }
        if let Some(word) = self.anchor_said.take() {
            shared.refusals.said(word);
        }
        if std::mem::take(&mut self.overdue_said) {
            shared.overdue.said();
        }
        // A position may be read once it is announced, and it is announced
        // before anybody can ask about an acknowledgement.
        self.announce(folded.len());
        answers.deliver(&shared, riders, tree, commit);
        self.project(folded)
    }

    /// Another writer's batches stand in the place of ours. What was decided
    /// since rests on a state that never was.
    fn lost(&mut self, in_flight: Batch, batches: Vec<StoredBatch>) -> Result<(), String> {
        let shared = Arc::clone(&self.shared);
        // What it says of its clock is still to be said.
        self.clock_said = None;
        self.anchor_said = None;
        self.overdue_said = false;
        let mut entries: Vec<Entry> = in_flight.into_entries().collect();
        entries.extend(std::mem::take(&mut self.current).into_entries());
        entries.extend(self.spill.take().map(|spill| spill.entry));
        entries.sort_by_key(|entry| entry.sequence);
        entries
            .into_iter()
            .rev()
            .for_each(|entry| self.todo.push_front(entry));
        for stored in batches {
            let records = winner(&shared, &stored)?;
            let mut folded = Vec::with_capacity(records.len());
            {
                let mut live = shared.live_mut();
                for record in records {
                    let rotated = Rotated::of(&record);
                    let mut fetch = |subject: &Subject| stored_item(&shared, subject);
                    folded.push(live.fold(record, &mut fetch)?);
                    shared.note_rotation(rotated);
                }
                live.drop_days(shared.progress.borrow().flushed);
            }
            self.announce(folded.len());
            self.project(folded)?;
        }
        self.tip = Tip::of(&shared.live());
        self.current_after = self.tip.head;
        Ok(())
    }

    /// Says why before anybody's ticket is dropped: they ask.
    fn stop(&self, why: String) -> String {
        self.shared.inbox.end(Some(why.clone()));
        why
    }

    fn announce(&mut self, records: usize) {
        let records = u64::try_from(records).unwrap_or(u64::MAX);
        self.applied_since_eviction = self.applied_since_eviction.saturating_add(records);
        self.committed
            .send_modify(|committed| *committed = committed.saturating_add(records));
        if self.applied_since_eviction >= self.options.evict_every {
            self.draining = true;
        }
    }

    /// Hands records on to the projector; waits for it if it is too far behind.
    fn project(&mut self, folded: Vec<Folded>) -> Result<(), String> {
        self.projector.send(folded).map_err(|_| {
            let failed = self.shared.progress.borrow().failed.clone();
            format!("the projection has stopped: {failed}")
        })
    }

    /// Drops closed items from memory now and then, while nothing decided
    /// rests on them. Only what the store has durably leaves.
    pub(super) fn evict_if_due(&mut self) {
        if self.applied_since_eviction < self.options.evict_every {
            return;
        }
        self.applied_since_eviction = 0;
        let flushed = self.shared.progress.borrow().flushed;
        let mut live = self.shared.live_mut();
        if live.state.evict_closed(flushed) > 0 {
            live.evictions = live.evictions.saturating_add(1);
        }
    }
}

/// What was looked up for a record's statement.
fn brought(entry: Option<&Entry>, subject: &Subject) -> Option<Arc<Item>> {
    entry?.prepared.brought.get(subject)
}

/// An item that has left memory: the store has been flushed past it.
fn stored_item(shared: &Shared, subject: &Subject) -> Option<Arc<Item>> {
    items::item(&shared.store, subject)
        .ok()
        .flatten()
        .map(Arc::new)
}

/// The records of another writer's batch, which signs with the same key: that
/// in force.
fn winner(shared: &Shared, stored: &StoredBatch) -> Result<Vec<OpenRecord>, String> {
    let (next, keys) = {
        let live = shared.live();
        (live.state.next(), rotation::keys_of(&live.state))
    };
    let bad = |what: String| format!("the batch that stands at {}: {what}", stored.first_position);
    let signed = SignedCommit::decode(stored.commit.clone()).map_err(|e| bad(e.to_string()))?;
    let key = keys
        .as_ref()
        .map_or(shared.key.public(), |keys| keys.in_force());
    let commit = check_commit(key, shared.genesis_hash, &signed).map_err(|e| bad(e.to_string()))?;
    let mut heads = Vec::with_capacity(stored.records.len());
    let mut records = Vec::with_capacity(stored.records.len());
    for bytes in &stored.records {
        let record = pb::Record::decode(bytes.clone()).map_err(|e| bad(e.to_string()))?;
        heads.push(head_hash(&record.head));
        records.push(OpenRecord::open(bytes).map_err(|e| bad(e.to_string()))?);
    }
    let count = u64::try_from(heads.len()).unwrap_or(u64::MAX);
    let root = BatchTree::new(&heads).root();
    if commit.first_position != next
        || commit.count != count
        || commit.batch_root != root.0.as_slice()
    {
        return Err(bad(format!(
            "its commit is not of these records, from {next} on"
        )));
    }
    Ok(records)
}

impl Live {
    /// Folds a committed record in.
    fn fold(
        &mut self,
        record: OpenRecord,
        fetch: &mut dyn FnMut(&Subject) -> Option<Arc<Item>>,
    ) -> Result<Folded, String> {
        let position = record.position();
        let items = self.state.apply(&record, fetch).map_err(|error| {
            format!(
                "record {position} is committed but does not follow from those before it: {error}"
            )
        })?;
        if let Some(id) = StatementId::parse(&record.payload.id) {
            self.ids
                .insert(ids::key(&record.payload.party, id), id, position);
        }
        Ok(Folded { record, items })
    }

    fn drop_days(&mut self, flushed: u64) {
        self.ids.drop_days(self.state.recorded_at_ms(), flushed);
    }
}
