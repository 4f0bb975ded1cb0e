//! The inbox: statements on their way to the writer, in order of admission,
//! and what the committer tells it. Bounded by what may be unanswered. Not
//! here: what is done with them (`prepare`, `writer`).

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::batch::Delivered;
use super::committer::Settlement;
use super::prepare::Prepared;
use super::ticket::{Measure, Permit, Room, Ticket};
use crate::pb::SignedStatement;

/// Statements that a preparing thread takes at a time, at most.
const PREPARE_AT_ONCE: usize = 16;

/// Statements that the writer takes at a time, at most.
const TAKE_AT_ONCE: usize = 64;

/// How often the writer looks at the clock when nothing comes.
const TICK: Duration = Duration::from_secs(1);

/// A statement to be judged, with its place in the order of admission.
pub(super) struct Entry {
    pub(super) sequence: u64,
    pub(super) prepared: Box<Prepared>,
    pub(super) ticket: Ticket,
}

/// What a preparing thread is to look at.
pub(super) enum Work {
    /// As it came.
    New(SignedStatement),
    /// Once more: what was looked up is out of date.
    Again(Box<Prepared>),
}

/// A piece of work, and whose it is.
pub(super) struct Job {
    pub(super) work: Work,
    sequence: u64,
    ticket: Ticket,
}

/// A job that is done.
enum Done {
    Judge(Entry),
    /// Its answer is on its way. Its place is kept until its turn has come:
    /// what waits behind one that takes long is bounded too.
    Answered(Permit),
}

/// What became of a job: to be judged, or answered already.
pub(super) enum Prepare {
    Judge(Box<Prepared>),
    Answer(Delivered),
}

/// What the writer is woken by.
pub(super) enum Event {
    /// The batch in flight has been settled.
    Settled(Settlement),
    /// Statements, in order.
    Entries(Vec<Entry>),
    /// The statement that was to be looked at again; `None` if that answered it.
    Again(Option<Entry>),
    /// Nothing now (and it was not to be waited for).
    Nothing,
    /// Nothing for [`TICK`].
    Tick,
    /// No statement will come any more.
    Drained,
    /// Stop at once.
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Open,
    Draining,
    Ended,
}

struct Inner {
    phase: Phase,
    stopped: Option<String>,
    /// The number the next statement admitted gets.
    next: u64,
    /// The number the writer takes next.
    take: u64,
    waiting: VecDeque<Job>,
    ready: BTreeMap<u64, Done>,
    /// The sequence of the statement that is being looked at again.
    again: Option<u64>,
    again_done: Option<Done>,
    settled: Option<Settlement>,
}

/// See the module.
pub(super) struct Inbox {
    room: Arc<Room>,
    threads: usize,
    inner: Mutex<Inner>,
    for_preparers: Condvar,
    for_writer: Condvar,
    for_upkeep: Condvar,
    for_keeper: Condvar,
    has_settled: AtomicBool,
}

impl Inbox {
    pub(super) fn new(max_statements: usize, max_bytes: usize, threads: usize) -> Inbox {
        Inbox {
            room: Room::new(max_statements, max_bytes),
            threads: threads.max(1),
            inner: Mutex::new(Inner {
                phase: Phase::Open,
                stopped: None,
                next: 0,
                take: 0,
                waiting: VecDeque::new(),
                ready: BTreeMap::new(),
                again: None,
                again_done: None,
                settled: None,
            }),
            for_preparers: Condvar::new(),
            for_writer: Condvar::new(),
            for_upkeep: Condvar::new(),
            for_keeper: Condvar::new(),
            has_settled: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits a statement of so many bytes, from an address if that is known; `Ok(None)` if there is no room,
    /// an error if the ledger takes nothing any more.
    pub(super) fn admit(
        &self,
        statement: SignedStatement,
        bytes: usize,
        from: Option<IpAddr>,
    ) -> Result<Option<oneshot::Receiver<Delivered>>, String> {
        let permit = self.room.enter(bytes);
        let mut inner = self.lock();
        if inner.phase != Phase::Open {
            return Err(inner.why());
        }
        let Some(permit) = permit else {
            return Ok(None);
        };
        let sequence = inner.next;
        inner.next = sequence.saturating_add(1);
        let (ticket, receiver) = Ticket::new(permit, from);
        inner.waiting.push_back(Job {
            work: Work::New(statement),
            sequence,
            ticket,
        });
        drop(inner);
        self.for_preparers.notify_one();
        Ok(Some(receiver))
    }

    /// Statements admitted and not yet answered.
    pub(super) fn unanswered(&self) -> usize {
        self.room.taken()
    }

    /// The room for them.
    pub(super) fn room(&self) -> Measure {
        self.room.measure()
    }

    /// Whether statements are taken, and if not, what stopped it.
    pub(super) fn accepting(&self) -> (bool, Option<String>) {
        let inner = self.lock();
        (inner.phase == Phase::Open, inner.stopped.clone())
    }

    /// Why nothing is taken.
    pub(super) fn why(&self) -> String {
        self.lock().why()
    }

    /// Work for a preparing thread; `None` when there will be none any more.
    pub(super) fn take_jobs(&self) -> Option<Vec<Job>> {
        let mut inner = self.lock();
        loop {
            let share = inner
                .waiting
                .len()
                .div_ceil(self.threads)
                .min(PREPARE_AT_ONCE);
            if share > 0 {
                return Some(inner.waiting.drain(..share).collect());
            }
            // Not while draining: the writer may still ask to look again.
            if inner.phase == Phase::Ended {
                return None;
            }
            inner = self
                .for_preparers
                .wait(inner)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A job has been done.
    pub(super) fn prepared(&self, sequence: u64, ticket: Ticket, done: Prepare) {
        let done = match done {
            Prepare::Judge(prepared) => Done::Judge(Entry {
                sequence,
                prepared,
                ticket,
            }),
            Prepare::Answer(answer) => Done::Answered(ticket.answer(answer)),
        };
        let mut inner = self.lock();
        if inner.phase == Phase::Ended {
            return;
        }
        if inner.again == Some(sequence) {
            inner.again_done = Some(done);
        } else {
            inner.ready.insert(sequence, done);
            if sequence != inner.take {
                return;
            }
        }
        drop(inner);
        self.for_writer.notify_one();
    }

    /// Sends a statement back to be looked at again, before all others.
    pub(super) fn look_again(&self, entry: Entry) {
        let mut inner = self.lock();
        let Entry {
            sequence,
            prepared,
            ticket,
        } = entry;
        inner.again = Some(sequence);
        inner.waiting.push_front(Job {
            work: Work::Again(prepared),
            sequence,
            ticket,
        });
        drop(inner);
        self.for_preparers.notify_one();
    }

    /// The committer's word on the batch in flight.
    pub(super) fn settle(&self, settlement: Settlement) {
        let mut inner = self.lock();
        inner.settled = Some(settlement);
        // With the lock held: said after the writer has taken it, it would
        // keep the writer from judging anything while there is nothing to take.
        self.has_settled.store(true, Ordering::Release);
        drop(inner);
        self.for_writer.notify_one();
    }

    /// Whether there is such a word; cheap.
    pub(super) fn has_settled(&self) -> bool {
        self.has_settled.load(Ordering::Acquire)
    }

    /// What the writer is to do next: `entries` whether it wants statements,
    /// `wait` whether it has nothing else to do.
    pub(super) fn next(&self, entries: bool, wait: bool) -> Event {
        let mut inner = self.lock();
        loop {
            if inner.phase == Phase::Ended {
                return Event::Ended;
            }
            if let Some(settled) = inner.settled.take() {
                self.has_settled.store(false, Ordering::Release);
                return Event::Settled(settled);
            }
            if let Some(done) = inner.again_done.take() {
                inner.again = None;
                return Event::Again(match done {
                    Done::Judge(entry) => Some(entry),
                    Done::Answered(_) => None,
                });
            }
            if entries {
                let taken = inner.take_ready();
                if !taken.is_empty() {
                    return Event::Entries(taken);
                }
                if inner.phase == Phase::Draining && inner.take == inner.next {
                    return Event::Drained;
                }
            }
            if !wait {
                return Event::Nothing;
            }
            let waited = self.for_writer.wait_timeout(inner, TICK);
            let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            if timeout.timed_out() {
                return Event::Tick;
            }
            inner = again;
        }
    }

    /// Takes no more statements; those admitted are answered.
    pub(super) fn drain(&self) {
        let mut inner = self.lock();
        inner.phase = inner.phase.max(Phase::Draining);
        drop(inner);
        self.wake_all();
    }

    /// Ends at once: whoever waits is told `why`. Only the first end says so.
    pub(super) fn end(&self, why: Option<String>) {
        let mut inner = self.lock();
        if inner.phase < Phase::Ended {
            inner.stopped = why;
        }
        inner.phase = Phase::Ended;
        let dropped = (
            std::mem::take(&mut inner.waiting),
            std::mem::take(&mut inner.ready),
        );
        inner.again_done = None;
        drop(inner);
        drop(dropped);
        self.wake_all();
    }

    /// Rests until `due`, or until no statements are taken any more; returns
    /// whether that is so.
    pub(super) fn rest_until(&self, due: Instant) -> bool {
        let mut inner = self.lock();
        while inner.phase == Phase::Open {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let rested = self.for_upkeep.wait_timeout(inner, left);
            inner = rested.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// The same, or until everything admitted is answered and the writer has
    /// ended.
    pub(super) fn rest_until_ended(&self, due: Instant) -> bool {
        let mut inner = self.lock();
        while inner.phase != Phase::Ended {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let rested = self.for_upkeep.wait_timeout(inner, left);
            inner = rested.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// The same, or until somebody has `wanted` something and woken it up.
    pub(super) fn rest_keeper(&self, due: Instant, wanted: &AtomicBool) -> bool {
        let mut inner = self.lock();
        while inner.phase != Phase::Ended {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() || wanted.load(Ordering::Acquire) {
                return false;
            }
            let rested = self.for_keeper.wait_timeout(inner, left);
            inner = rested.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Wakes who rests there, after something was wanted.
    pub(super) fn wake_keeper(&self) {
        // With the lock held: between its look and its rest nothing is missed.
        drop(self.lock());
        self.for_keeper.notify_all();
    }

    fn wake_all(&self) {
        self.for_preparers.notify_all();
        self.for_writer.notify_all();
        self.for_upkeep.notify_all();
        self.for_keeper.notify_all();
    }
}

impl Inner {
    fn why(&self) -> String {
        self.stopped
            .clone()
            .unwrap_or_else(|| "it is being closed".into())
    }

    fn take_ready(&mut self) -> Vec<Entry> {
        let mut taken = Vec::new();
        while taken.len() < TAKE_AT_ONCE
            && let Some(done) = self.ready.remove(&self.take)
        {
            self.take = self.take.saturating_add(1);
            match done {
                Done::Judge(entry) => taken.push(entry),
                Done::Answered(permit) => drop(permit),
            }
        }
        taken
    }
}

impl Job {
    /// Its work, and what is needed to say that it is done.
    pub(super) fn into_parts(self) -> (Work, u64, Ticket) {
        (self.work, self.sequence, self.ticket)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn what_the_writer_has_taken_is_not_said_to_be_there() {
        const ROUNDS: usize = 20_000;
        let inbox = Inbox::new(1, 1, 1);
        let (said, settled) = sync_channel(1);
        let (go, next_round) = sync_channel(1);
        let committer = move |inbox: &Inbox| {
            // Until the other side has gone.
            while next_round.recv().is_ok() {
                inbox.settle(Settlement::Failed(String::new()));
                if said.send(()).is_err() {
                    return;
                }
            }
        };
        std::thread::scope(|scope| {
            let shared = &inbox;
            scope.spawn(move || committer(shared));
            let go = go;
            for round in 0..ROUNDS {
                assert!(go.send(()).is_ok());
                // Not waiting: the sooner it is taken, the nearer to its saying.
                while !matches!(inbox.next(false, false), Event::Settled(_)) {}
                assert!(settled.recv().is_ok());
                assert!(!inbox.has_settled(), "round {round}");
            }
        });
    }
}
