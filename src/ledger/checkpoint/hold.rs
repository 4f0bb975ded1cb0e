//! Why a ledger signs nothing and accepts nothing although it runs: somebody
//! has to see first whether all of it is there. Reads go on.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::proof::tree::TreeHash;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// It was restored, and nobody has shown that nothing is lost.
    Restored,
    /// A checkpoint of it, or a witness, knows of more records than it has.
    Lost {
        /// Records that are known.
        known: u64,
        /// Records that are there.
        have: u64,
    },
    /// A checkpoint of it has another root than its records have at that size.
    Forked {
        /// Records that both are about.
        size: u64,
        /// The checkpoint's root.
        known: TreeHash,
        /// The root over what is there.
        ours: TreeHash,
    },
}

/// For an operator: what is wrong and what to do.
impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hold::Restored => f.write_str(
                "this ledger was restored from a backup, and nobody has shown that nothing \
                 recorded after that backup is lost; it accepts and signs nothing until a \
                 witness shows it, or until it is started with --known-checkpoint FILE and the \
                 newest checkpoint of it that anybody holds (which shows only that nothing \
                 before that checkpoint's own size is lost)",
            ),
            Hold::Lost { known, have } => write!(
                f,
                "{} of its records are lost: {known} are known to have been there, {have} are; \
                 get them back from another copy (hazledger repair DIR --from COPY, or a newer \
                 backup) before anything is accepted",
                known.saturating_sub(*have),
            ),
            Hold::Forked { size, known, ours } => write!(
                f,
                "its first {size} records are not those that were signed: a checkpoint of it has \
                 the root {known}, these have {ours}; keep the checkpoint as evidence, stop, and \
                 find out which copy is the right one",
            ),
        }
    }
}

/// The hold, as the writer and everybody else look at it.
#[derive(Debug)]
pub(super) struct Holding {
    /// Whether there is one: cheap enough for every statement.
    is_held: AtomicBool,
    hold: watch::Sender<Option<Hold>>,
    /// Held from a look at the hold to the change that rests on it.
    judging: Mutex<()>,
}

impl Holding {
    pub(super) fn new(hold: Option<Hold>) -> Holding {
        Holding {
            is_held: AtomicBool::new(hold.is_some()),
            hold: watch::Sender::new(hold),
            judging: Mutex::new(()),
        }
    }

    /// One at a time: who finds that nothing is lost must not undo what another
    /// has found since.
    pub(super) fn judge_alone(&self) -> MutexGuard<'_, ()> {
        self.judging.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self) -> Option<Hold> {
        if !self.is_held.load(Ordering::Acquire) {
            return None;
        }
        self.hold.borrow().clone()
    }

    pub(super) fn set(&self, hold: Option<Hold>) {
        let is_held = hold.is_some();
        self.hold.send_replace(hold);
        self.is_held.store(is_held, Ordering::Release);
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Option<Hold>> {
        self.hold.subscribe()
    }
}
