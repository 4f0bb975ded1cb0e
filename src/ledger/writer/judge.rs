//! Judging: what a statement comes to, on all that was decided before it.
//! Not here: when it is its turn, and when its batch goes (`writer`).

use std::sync::Arc;

use super::{Spill, Tip, Writer};
use crate::custody::subject::{self, Item};
use crate::custody::{Decision, Items, Layers};
use crate::event::Statement;
use crate::event::codes::Refused;
use crate::event::record::{OpenRecord, Standing};
use crate::ledger::batch::{By, Decided, Delivered, Judged, Refusal, Rider, Sealed};
use crate::ledger::inbox::Entry;
use crate::ledger::options::Options;
use crate::ledger::prepare::id_reused;
use crate::ledger::rotation::Rotated;
use crate::ledger::shared::Live;
use crate::ledger::state_record;
use crate::pb::event::Body;

/// What a statement comes to.
enum Verdict {
    /// A record, which the batch may have no room for.
    Record(Decided),
    Refuse(Refused, Option<Box<By>>),
    /// The statement of a record in the batch being decided.
    RepeatsCurrent(usize),
    /// The same in the batch in flight.
    RepeatsInFlight(usize),
    /// What was looked up for it will not do.
    LookAgain,
    /// It rests on records that must be committed first.
    WaitForCommit,
}

impl Writer {
    /// Judges one statement at a time of the wall clock: it comes to a record,
    /// a refusal, or waits.
    pub(super) fn judge(&mut self, mut entry: Entry, wall_ms: i64) -> Result<(), String> {
        let shared = Arc::clone(&self.shared);
        if let Some(short) = shared.disk.short() {
            // Here and not at the door: what is recorded gets its answer.
            entry.ticket.deliver(Delivered::Answer(Err(short.into())));
            return Ok(());
        }
        // Recorded time never runs backwards.
        let now = wall_ms.max(self.tip.recorded_at_ms);
        let verdict = self.verdict(&shared.live(), &mut entry, now);
        match verdict {
            Verdict::Record(decided) => {
                let Options {
                    max_batch_bytes,
                    max_batch_records,
                    ..
                } = self.options;
                if Rotated::of(&decided.record.opened).is_some() {
                    // The last of its batch, and the last that this key signs for.
                    self.draining = true;
                }
                if self
                    .current
                    .fits(&decided.record.sealed, max_batch_bytes, max_batch_records)
                {
                    self.accept(Some(entry), decided);
                } else {
                    self.spill = Some(Spill { entry, decided });
                }
            }
            Verdict::Refuse(refused, by) => {
                let judged_at = self.tip.next;
                self.refuse(
                    entry,
                    Refusal {
                        refused,
                        by,
                        at_ms: now,
                        judged_at,
                    },
                );
            }
            Verdict::RepeatsCurrent(index) => {
                self.current.riders.push(Rider {
                    entry,
                    judged: Judged::Repeats(index),
                });
            }
            Verdict::RepeatsInFlight(index) => {
                if let Some(in_flight) = &mut self.in_flight {
                    let rider = Rider {
                        entry,
                        judged: Judged::Repeats(index),
                    };
                    in_flight.riders.push(rider);
                }
            }
            Verdict::LookAgain => {
                self.held = true;
                shared.inbox.look_again(entry);
            }
            Verdict::WaitForCommit => {
                self.todo.push_front(entry);
                self.draining = !self.is_drained();
                if !self.draining {
                    self.record_state(now)?;
                }
            }
        }
        Ok(())
    }

    fn verdict(&self, live: &Live, entry: &mut Entry, now: i64) -> Verdict {
        let prepared = &mut entry.prepared;
        let pending = self.in_flight.as_ref();
        let mut layers: Vec<&dyn Items> = vec![&self.current.overlay];
        layers.extend(pending.map(|batch| &batch.overlay as &dyn Items));
        layers.push(&live.state);
        layers.push(&prepared.brought);
        let layers = Layers(layers);
        if !prepared.verified {
            let keys = self.shared.keys_of(&layers, &prepared.statement);
            if let Err(refused) = keys.and_then(|keys| prepared.statement.verify(&keys)) {
                return Verdict::Refuse(refused, None);
            }
            prepared.verified = true;
            return Verdict::LookAgain;
        }
        let Statement { digest, id, .. } = prepared.statement;
        let by = || Box::new(By::of(&prepared.statement));
        let refuse = |refused| Verdict::Refuse(refused, Some(by()));
        if live.ids.get(&prepared.id_key, id).is_some() {
            // Since it was looked up; before, it would have been answered.
            return Verdict::LookAgain;
        }
        if let Some((first, index)) = self.current.ids.get(&prepared.id_key) {
            return if *first == digest {
                Verdict::RepeatsCurrent(*index)
            } else {
                refuse(id_reused())
            };
        }
        if let Some((first, index)) = pending.and_then(|batch| batch.ids.get(&prepared.id_key)) {
            return if *first == digest {
                Verdict::RepeatsInFlight(*index)
            } else {
                refuse(id_reused())
            };
        }
        for (key, id) in prepared.unresolved() {
            let is_pending = self.current.ids.contains_key(&key)
                || pending.is_some_and(|batch| batch.ids.contains_key(&key));
            if is_pending {
                return Verdict::WaitForCommit;
            }
            if live
                .ids
                .get(&key, id)
                .is_some_and(|position| position >= prepared.looked_at)
            {
                return Verdict::LookAgain;
            }
        }
        if prepared.is_stale(live, &layers) || prepared.id_may_have_left(live, now) {
            return Verdict::LookAgain;
        }
        if state_record::is_due(self.tip.next, self.shared.genesis.state_record_interval) {
            return Verdict::WaitForCommit;
        }
        let decided = prepared.decide(&self.shared, &layers, self.tip.next, now);
        let sealed = decided.and_then(|decision| self.seal(&prepared.statement, decision, now));
        sealed.map_or_else(refuse, Verdict::Record)
    }

    fn seal(
        &self,
        statement: &Statement,
        decision: Decision,
        recorded_at_ms: i64,
    ) -> Result<Decided, Refused> {
        let standing = Standing {
            position: self.tip.next,
            recorded_at_ms,
            previous: self.tip.head,
        };
        let Decision { additions, items } = decision;
        let secret = &self.shared.salt_secret;
        let (sealed, opened) = OpenRecord::seal(statement, additions, standing, secret)?;
        let record = Box::new(Sealed { sealed, opened });
        Ok(Decided { record, items })
    }

    /// Adds a record to the batch being decided.
    pub(super) fn accept(&mut self, entry: Option<Entry>, decided: Decided) {
        self.tip = Tip {
            next: self.tip.next.saturating_add(1),
            head: decided.record.sealed.hash,
            recorded_at_ms: decided.record.opened.head.recorded_at_ms,
        };
        self.current.push(entry, decided);
    }

    /// A refusal leaves when everything that it was judged on is committed.
    fn refuse(&mut self, entry: Entry, refusal: Refusal) {
        let rests_on = if self.current.is_empty() {
            self.in_flight.as_mut()
        } else {
            Some(&mut self.current)
        };
        match rests_on {
            Some(batch) => {
                batch.riders.push(Rider {
                    entry,
                    judged: Judged::Refused(refusal),
                });
            }
            None => drop(self.shared.refuse(entry.ticket, refusal)),
        }
    }

    /// Puts the state record that is due at the head of the next batch. The
    /// pipeline is drained: what it states is committed.
    fn record_state(&mut self, now: i64) -> Result<(), String> {
        let interval = self.shared.genesis.state_record_interval;
        if !state_record::is_due(self.tip.next, interval) {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let stated = state_record::decide_on(&shared, &shared.live().state, now);
        self.record_own(stated, now)
    }

    /// Puts what the ledger has to say of its clock at the head of the next
    /// batch; a state record that is due there stands first. The pipeline is
    /// drained.
    pub(super) fn record_clock(&mut self) -> Result<(), String> {
        let shared = Arc::clone(&self.shared);
        if self.clock_said.is_some() || !shared.time.has_word() {
            return Ok(());
        }
        let now = shared.time.best_ms().max(self.tip.recorded_at_ms);
        self.record_state(now)?;
        let Some(word) = shared.time.word(now).filter(|_| self.is_drained()) else {
            return Ok(());
        };
        let (position, body) = (self.tip.next, Body::ClockStated(word));
        let live = shared.live();
        let stated = state_record::own_statement(&shared, &live.state, position, now, body);
        drop(live);
        self.clock_said = Some(word);
        self.record_own(stated, now)
    }

    /// The same of what it has to say of the refusals that it keeps, at a time
    /// that is believed.
    pub(super) fn record_anchor(&mut self, now: i64) -> Result<(), String> {
        let shared = Arc::clone(&self.shared);
        if self.anchor_said.is_some() || !shared.refusals.has_word() {
            return Ok(());
        }
        let now = now.max(self.tip.recorded_at_ms);
        self.record_state(now)?;
        if !self.is_drained() {
            return Ok(());
        }
        let live = shared.live();
        let ledger = live.state.get(&subject::ledger());
        let last = match ledger.as_deref() {
            Some(Item::Ledger(ledger)) => ledger.refusals.as_ref(),
            _ => None,
        };
        let Some(word) = shared.refusals.word(last, now) else {
            return Ok(());
        };
        let (position, body) = (self.tip.next, Body::RefusalsAnchored(word.clone()));
        let stated = state_record::own_statement(&shared, &live.state, position, now, body);
        drop(live);
        self.anchor_said = Some(word);
        self.record_own(stated, now)
    }

    /// The same of what it has found to be overdue.
    pub(super) fn record_overdue(&mut self, now: i64) -> Result<(), String> {
        let shared = Arc::clone(&self.shared);
        let now = now.max(self.tip.recorded_at_ms);
        self.record_state(now)?;
        if !self.is_drained() {
            return Ok(());
        }
        let live = shared.live();
        let Some(word) = shared.overdue.word(&live.state, now) else {
            return Ok(());
        };
        let (position, body) = (self.tip.next, Body::OverdueStated(word));
        let stated = state_record::own_statement(&shared, &live.state, position, now, body);
        drop(live);
        self.overdue_said = true;
        self.record_own(stated, now)
    }

    fn record_own(
        &mut self,
        stated: Result<(Statement, Decision), Refused>,
        now: i64,
    ) -> Result<(), String> {
        let sealed = stated.and_then(|(statement, decision)| self.seal(&statement, decision, now));
        match sealed {
            Ok(decided) => {
                self.accept(None, decided);
                Ok(())
            }
            Err(refused) => Err(format!("its own statement is refused: {refused}")),
        }
    }
}
