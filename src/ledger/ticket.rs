//! Tickets: a statement's place among the unanswered, and the way its answer
//! takes. What may be unanswered is bounded, in number and in bytes.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::oneshot;

use super::batch::Delivered;

/// Room for unanswered statements.
#[derive(Debug)]
pub(super) struct Room {
    max_statements: usize,
    max_bytes: usize,
    statements: AtomicUsize,
    bytes: AtomicUsize,
}

/// How much room is taken, and how much there is.
pub(super) struct Measure {
    pub(super) statements: usize,
    pub(super) bytes: usize,
    pub(super) max_statements: usize,
    pub(super) max_bytes: usize,
}

/// A statement's place among the unanswered; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Permit {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    pub(super) fn new(max_statements: usize, max_bytes: usize) -> Arc<Room> {
        Arc::new(Room {
            max_statements,
            max_bytes,
            statements: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
        })
    }

    /// How many places are taken.
    pub(super) fn taken(&self) -> usize {
        self.statements.load(Ordering::Acquire)
    }

    /// How much of it is taken, and how much there is.
    pub(super) fn measure(&self) -> Measure {
        Measure {
            statements: self.taken(),
            bytes: self.bytes.load(Ordering::Acquire),
            max_statements: self.max_statements,
            max_bytes: self.max_bytes,
        }
    }

    /// Takes a place for so many bytes; `None` if there is no room.
    pub(super) fn enter(self: &Arc<Room>, bytes: usize) -> Option<Permit> {
        let add = |counter: &AtomicUsize, more: usize, most: usize| {
            counter
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
                    now.checked_add(more).filter(|sum| *sum <= most)
                })
                .is_ok()
        };
        if !add(&self.statements, 1, self.max_statements) {
            return None;
        }
        if !add(&self.bytes, bytes, self.max_bytes) {
            self.statements.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        Some(Permit {
            room: Arc::clone(self),
            bytes,
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.room.statements.fetch_sub(1, Ordering::AcqRel);
        self.room.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// Where a statement's answer goes. Dropped without one, the asker is told
/// that the ledger has stopped.
#[derive(Debug)]
pub(super) struct Ticket {
    sender: oneshot::Sender<Delivered>,
    permit: Permit,
    /// The address that its statement came from, if that is known.
    pub(super) from: Option<IpAddr>,
}

impl Ticket {
    pub(super) fn new(
        permit: Permit,
        from: Option<IpAddr>,
    ) -> (Ticket, oneshot::Receiver<Delivered>) {
        let (sender, receiver) = oneshot::channel();
        let ticket = Ticket {
            sender,
            permit,
            from,
        };
        (ticket, receiver)
    }

    /// Answers. That nobody waits any more is no matter.
    pub(super) fn deliver(self, answer: Delivered) {
        drop(self.answer(answer));
    }

    /// The same, its place among the unanswered kept for as long as something
    /// of it is.
    pub(super) fn answer(self, answer: Delivered) -> Permit {
        let _ = self.sender.send(answer);
        self.permit
    }
}
