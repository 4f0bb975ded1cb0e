//! The writer: the one thread that decides. It takes what is waiting, judges
//! it in order on what is committed, in flight and decided before it, hands
//! batches to the committer, and applies them when they stand. Nothing that
//! rests on an uncommitted record leaves here.

mod apply;
mod judge;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use tokio::sync::watch;

use super::answer::SubmitError;
use super::batch::{Batch, Decided, Delivered};
use super::committer::{Order, Proposal};
use super::inbox::{Entry, Event};
use super::options::Options;
use super::shared::{Live, Shared};
use crate::event::Hash;
use crate::pb::{ClockStated, RefusalsAnchored};
use crate::projection::Folded;

/// Where the next record goes.
#[derive(Clone, Copy)]
struct Tip {
    next: u64,
    head: Hash,
    recorded_at_ms: i64,
}

/// A record that did not fit into the batch it was decided on. It was sealed
/// for the position after that batch, where it will stand.
struct Spill {
    entry: Entry,
    decided: Decided,
}

/// See the module.
pub(super) struct Writer {
    shared: Arc<Shared>,
    orders: SyncSender<Order>,
    projector: SyncSender<Vec<Folded>>,
    committed: watch::Sender<u64>,
    options: Options,
    tip: Tip,
    /// Taken and not yet judged, in order.
    todo: VecDeque<Entry>,
    current: Batch,
    /// Head hash before `current`.
    current_after: Hash,
    /// What the committer has.
    in_flight: Option<Batch>,
    /// A record that did not fit, the first of the next batch.
    spill: Option<Spill>,
    /// A statement is being looked at again; those after it wait.
    held: bool,
    /// Nothing is judged until all that was decided is committed.
    draining: bool,
    applied_since_eviction: u64,
    /// The ledger's word on its clock that is decided and not yet committed.
    clock_said: Option<ClockStated>,
    /// The same of its word on the refusals that it keeps.
    anchor_said: Option<RefusalsAnchored>,
    /// Whether its word on what is overdue is.
    overdue_said: bool,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        orders: SyncSender<Order>,
        projector: SyncSender<Vec<Folded>>,
        committed: watch::Sender<u64>,
        options: Options,
    ) -> Writer {
        let tip = Tip::of(&shared.live());
        Writer {
            shared,
            orders,
            projector,
            committed,
            options,
            tip,
            todo: VecDeque::new(),
            current: Batch::default(),
            current_after: tip.head,
            in_flight: None,
            spill: None,
            held: false,
            draining: false,
            applied_since_eviction: 0,
            clock_said: None,
            anchor_said: None,
            overdue_said: false,
        }
    }

    /// Until everything admitted is answered and no more comes, or until the
    /// ledger's key is rotated. An error is why the ledger must stop.
    pub(super) fn run(&mut self) -> Result<(), String> {
        self.run_until_drained()?;
        // The log ends cleanly only if everything on the way to it is settled.
        self.orders
            .send(Order::Close)
            .map_err(|_| "the committer is gone".to_owned())?;
        let rotated = self.shared.rotated();
        rotated.map_or(Ok(()), |rotated| Err(rotated.to_string()))
    }

    fn run_until_drained(&mut self) -> Result<(), String> {
        let mut no_more = false;
        loop {
            let time = self.shared.time.now();
            // While it is not known whether all is there, it says nothing of
            // its own either: it might say it in the place of what is lost.
            let hold = self.shared.checkpoints.hold();
            if self.is_drained() {
                self.evict_if_due();
                self.draining = false;
                if hold.is_none() {
                    self.record_clock()?;
                    if let Ok(now) = time {
                        self.record_words(now)?;
                    }
                }
            }
            let clock_speaks = self.clock_said.is_none() && self.shared.time.has_word();
            let may_speak = self.may_anchor() || self.may_tell_overdue();
            let speaks = hold.is_none() && (clock_speaks || time.is_ok() && may_speak);
            let free = !(self.held || self.draining || self.spill.is_some() || speaks);
            if free
                && !self.shared.inbox.has_settled()
                && let Some(entry) = self.todo.pop_front()
            {
                match (hold, time) {
                    (Some(hold), _) => turn_away(entry, SubmitError::OnHold(hold)),
                    (None, Ok(wall_ms)) => self.judge(entry, wall_ms)?,
                    (None, Err(doubt)) => turn_away(entry, SubmitError::ClockInDoubt(doubt)),
                }
                continue;
            }
            if no_more && self.is_drained() && self.todo.is_empty() && !self.held {
                return Ok(());
            }
            let may_send = self.in_flight.is_none() && !self.current.is_empty();
            match self
                .shared
                .inbox
                .next(free && self.todo.is_empty() && !no_more, !may_send)
            {
                Event::Settled(settlement) => {
                    self.settle(settlement)?;
                    if self.shared.rotated().is_some() {
                        // Nothing was decided on top of it.
                        return Ok(());
                    }
                }
                Event::Entries(entries) => self.todo.extend(entries),
                Event::Again(entry) => {
                    self.held = false;
                    if let Some(entry) = entry {
                        self.put_back(entry);
                    }
                }
                Event::Nothing => self.hand_over()?,
                Event::Tick => {}
                Event::Drained => no_more = true,
                Event::Ended => return Err(self.shared.inbox.why()),
            }
        }
    }

    /// Whether there is something to record of the refusals that are kept, and
    /// room for it.
    fn may_anchor(&self) -> bool {
        let Shared { refusals, disk, .. } = &*self.shared;
        self.anchor_said.is_none() && refusals.has_word() && disk.short().is_none()
    }

    /// The same of what is overdue.
    fn may_tell_overdue(&self) -> bool {
        let Shared { overdue, disk, .. } = &*self.shared;
        !self.overdue_said && overdue.has_word() && disk.short().is_none()
    }

    /// What the ledger has to say of itself at a time that is believed: one word
    /// a batch.
    fn record_words(&mut self, now: i64) -> Result<(), String> {
        if self.is_drained() && self.may_anchor() {
            self.record_anchor(now)?;
        }
        if self.is_drained() && self.may_tell_overdue() {
            self.record_overdue(now)?;
        }
        Ok(())
    }

    /// Into the order of admission: others may have come back meanwhile.
    fn put_back(&mut self, entry: Entry) {
        let at = self
            .todo
            .partition_point(|other| other.sequence < entry.sequence);
        self.todo.insert(at, entry);
    }

    fn is_drained(&self) -> bool {
        self.in_flight.is_none() && self.current.is_empty() && self.spill.is_none()
    }

    /// Hands the batch over and begins the next.
    fn hand_over(&mut self) -> Result<(), String> {
        let batch = std::mem::take(&mut self.current);
        let sealed = || {
            batch
                .accepted
                .iter()
                .map(|accepted| &accepted.record.sealed)
        };
        let count = u64::try_from(batch.accepted.len()).unwrap_or(u64::MAX);
        let proposal = Proposal {
            first_position: self.tip.next.saturating_sub(count),
            expected_head: std::mem::replace(&mut self.current_after, self.tip.head),
            records: sealed().map(|record| record.bytes.clone()).collect(),
            heads: sealed().map(|record| record.hash).collect(),
        };
        self.orders
            .send(Order::Commit(proposal))
            .map_err(|_| "the committer is gone".to_owned())?;
        self.in_flight = Some(batch);
        if let Some(Spill { entry, decided }) = self.spill.take() {
            self.accept(Some(entry), decided);
        }
        Ok(())
    }
}

/// Nothing is decided while nobody knows what time it is, or whether all is
/// there.
fn turn_away(entry: Entry, error: SubmitError) {
    entry.ticket.deliver(Delivered::Answer(Err(error)));
}

impl Tip {
    fn of(live: &Live) -> Tip {
        Tip {
            next: live.state.next(),
            head: live.state.last_head(),
            recorded_at_ms: live.state.recorded_at_ms(),
        }
    }
}
