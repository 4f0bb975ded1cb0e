//! What time alone has broken, and what the ledger has to say of it: a watcher
//! looks through the live state every so often and puts together a word, which
//! the writer records. Not here: what is overdue (`custody::decide`), which
//! judges every line of the word again.
//!
//! The live state is looked through in pieces, so that the writer waits for no
//! more than one of them, and only its kinds of subjects that a pack names a
//! rule of this sort for; with no such rule nothing is looked at. A word is said
//! before the walk goes on behind it. Time is the ledger's: while that is in
//! doubt, or a jump of it is still to be recorded, nothing is looked for and
//! nothing said. What is told is marked in the state, so that neither a second
//! walk nor a second writer tells it again. A word has at most
//! [`MAX_OVERDUE`] lines, and an idle ledger says about one a second: where a new
//! pack makes much overdue at once, it is told over minutes or hours.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::shared::Shared;
use crate::custody::decide::{
    MAX_OVERDUE, clock_in_doubt, is_overdue, overdue_in_order, overdue_kinds, overdue_lines,
};
use crate::custody::{Item, Items, State};
use crate::pb::{OverdueLine, OverdueStated, SubjectKind};

/// Items that are looked at while the live state is held, at most.
const MAX_SEEN: usize = 2_000;

/// How often it is seen whether it is time to look, at least.
const POLL: Duration = Duration::from_secs(1);

/// How often it is looked, at the least: a day.
pub(super) const MAX_EVERY: Duration = Duration::from_hours(24);

/// What was found and is to be said.
#[derive(Default)]
pub(super) struct Overdue {
    lines: Mutex<Vec<OverdueLine>>,
    due: AtomicBool,
}

impl Overdue {
    fn lock(&self) -> MutexGuard<'_, Vec<OverdueLine>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the ledger has something to say; cheap.
    pub(super) fn has_word(&self) -> bool {
        self.due.load(Ordering::Acquire)
    }

    /// What is to be recorded at a time, on the state that is committed; `None`
    /// if nothing is any more. It stays so until [`Overdue::said`].
    pub(super) fn word(&self, items: &dyn Items, recorded_at_ms: i64) -> Option<OverdueStated> {
        let mut lines = self.lock();
        // Somebody may have done what was missing, or another writer said it.
        lines.retain(|line| is_overdue(items, line, recorded_at_ms));
        // Another writer may have put the clock in doubt: the next walk sees.
        if clock_in_doubt(items) {
            lines.clear();
        }
        if lines.is_empty() {
            self.due.store(false, Ordering::Release);
            return None;
        }
        Some(OverdueStated {
            lines: lines.clone(),
        })
    }

    /// The word is recorded, and committed.
    pub(super) fn said(&self) {
        self.lock().clear();
        self.due.store(false, Ordering::Release);
    }

    pub(super) fn found(&self, lines: Vec<OverdueLine>) {
        if !lines.is_empty() {
            *self.lock() = lines;
            self.due.store(true, Ordering::Release);
        }
    }
}

/// Looks every so often from now on, until the ledger takes nothing any more.
pub(super) fn run(shared: &Shared, every: Duration) {
    let mut walk = Walk::new(every, MAX_SEEN);
    // A start has other things to do first.
    walk.begun_ms = Some(shared.time.best_ms());
    loop {
        let due = Instant::now() + POLL.min(every);
        if shared.inbox.rest_until(due) {
            return;
        }
        walk.turn(shared);
    }
}

/// A walk through the live state.
pub(super) struct Walk {
    every_ms: i64,
    /// Items in a piece, at most.
    seen: usize,
    /// Where it goes on; `None`: it is not under way.
    at: Option<Place>,
    /// When the last one began, Unix milliseconds; `None`: it is time for one.
    begun_ms: Option<i64>,
}

/// The subject after which it goes on.
#[derive(Clone, Default)]
pub(super) struct Place {
    kind: i32,
    id: Bytes,
}

impl Walk {
    pub(super) fn new(every: Duration, seen: usize) -> Walk {
        Walk {
            every_ms: i64::try_from(every.as_millis()).unwrap_or(i64::MAX),
            seen,
            at: None,
            begun_ms: None,
        }
    }

    /// Goes on, or begins if it is time, until there is as much as goes into one
    /// word or all has been seen.
    pub(super) fn turn(&mut self, shared: &Shared) {
        if shared.overdue.has_word() {
            return;
        }
        let Ok(now_ms) = shared.time.now() else {
            return;
        };
        if shared.time.has_word() || !self.is_time(now_ms) {
            return;
        }
        let mut lines = Vec::new();
        while let Some(from) = self.at.take() {
            self.at = self.piece(&shared.live().state, &from, now_ms, &mut lines);
            if lines.len() >= MAX_OVERDUE || !shared.inbox.accepting().0 {
                break;
            }
        }
        // Those of one subject may be more than there is room for: the rest is
        // found by the next walk.
        lines.truncate(MAX_OVERDUE);
        shared.overdue.found(overdue_in_order(lines));
    }

    /// Looks at so many subjects beyond one; returns where to go on, if there are
    /// more.
    pub(super) fn piece(
        &self,
        state: &State,
        from: &Place,
        now_ms: i64,
        lines: &mut Vec<OverdueLine>,
    ) -> Option<Place> {
        let mut seen = 0;
        let kinds = overdue_kinds(state).into_iter();
        for kind in kinds.filter(|kind| i32::from(*kind) >= from.kind) {
            for (subject, item) in beyond(state, kind, from) {
                lines.extend(overdue_lines(state, &subject, &item, now_ms));
                seen += weight(&item);
                if seen >= self.seen || lines.len() >= MAX_OVERDUE {
                    return Some(Place {
                        kind: subject.kind,
                        id: subject.id,
                    });
                }
            }
        }
        None
    }

    fn is_time(&mut self, now_ms: i64) -> bool {
        if self.at.is_some() {
            return true;
        }
        let since = self.begun_ms.map(|begun| now_ms.saturating_sub(begun));
        // A clock that was set back by hand must not keep it waiting.
        if since.is_some_and(|since| (0..self.every_ms).contains(&since)) {
            return false;
        }
        self.begun_ms = Some(now_ms);
        self.at = Some(Place::default());
        true
    }
}

/// How many items are looked at for one: with its lots, where it has some.
fn weight(item: &Item) -> usize {
    match item {
        Item::Handoff(handoff) => handoff.offered.as_ref().map_or(0, |o| o.lines.len()) + 1,
        Item::Consignment(consignment) => consignment.lots.len() + 1,
        _ => 1,
    }
}

/// The subjects of a kind, after one if it is of that kind.
fn beyond<'a>(
    state: &'a State,
    kind: SubjectKind,
    from: &Place,
) -> impl Iterator<Item = (crate::pb::Subject, std::sync::Arc<Item>)> + use<'a> {
    let after = if i32::from(kind) == from.kind {
        from.id.clone()
    } else {
        Bytes::new()
    };
    let items = state.items_of(kind, &after);
    items.skip_while(move |(subject, _)| !after.is_empty() && subject.id == after)
}
