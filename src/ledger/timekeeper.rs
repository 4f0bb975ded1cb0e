//! The timekeeper: the wall clock, held against a clock that nobody can set.
//! It notices a jump, says so in the ledger's own words, and keeps the ledger
//! from accepting while the time is in doubt. Not here: how those words are
//! recorded (`clock_record`, `writer`).
//!
//! | what the wall clock does | what comes of it |
//! |---|---|
//! | drifts, or is slewed by up to [`MAX_SLEW_PPM`] | followed, no jump |
//! | jumps by more than `clock_noticed` | a record with a finding |
//! | jumps by more than `clock_bound` | a record with an alarm; nothing is accepted |
//! | comes back within the bound, in the same run | a record; accepted again |
//! | at the start is behind the last record | as a jump back by that much |
//! | at the start is ahead of the last record | nothing: a long stop looks the same |
//!
//! A clock that ran ahead for a while leaves records of the future. Recorded
//! time never runs backwards, so after it has been set right later records keep
//! the last recorded time until the clock has caught up; deadlines and keys'
//! dates are judged by that time meanwhile. A jump that nobody noticed before
//! the ledger was stopped (the clock is looked at every second) is not known
//! to the next start.
//!
//! What stopped for a jump is still stopped after a restart, until somebody
//! starts the ledger with the time that another clock shows
//! (`Options::confirmed_clock_ms`).

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::clock::Clock;
use super::error::OpenError;
use super::options::Options;
use crate::event::when::in_seconds;
use crate::pb::ClockStated;

/// How fast a wall clock may run too fast or too slow and no jump be seen,
/// parts per million; NTP slews by 500.
pub const MAX_SLEW_PPM: i64 = 1000;

/// How far the time that somebody reads from another clock may be from the
/// machine's: it is read to the minute and takes its time to type.
pub const CONFIRM_WITHIN: Duration = Duration::from_mins(3);

/// How long reading both clocks may take, milliseconds, and how often it is
/// tried.
const AT_ONCE_MS: i64 = 50;
const READ_TRIES: usize = 8;

/// Why the time is in doubt, so that nothing is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockDoubt {
    /// What the machine's clock says, Unix milliseconds.
    pub clock_ms: i64,
    /// What it should say by the ledger's own reckoning, Unix milliseconds:
    /// of a ledger that was started in doubt, the time of its last record.
    pub reckoned_ms: i64,
}

/// For an operator: how far, which way, and what to do.
impl fmt::Display for ClockDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let off_by = self.clock_ms.saturating_sub(self.reckoned_ms);
        write!(
            f,
            "the machine's clock is in doubt: it says {} and is {} the ledger's reckoning; set it \
             right, and if it does not accept then, start the ledger again with \
             --confirm-clock and the time that another clock shows",
            in_seconds(self.clock_ms),
            distance(off_by),
        )
    }
}

/// Both clocks at one moment. A thread that is held up between the two would
/// see a jump where there was none.
fn both(clock: &dyn Clock) -> (i64, i64) {
    let mut before = clock.monotonic_ms();
    for _ in 1..READ_TRIES {
        let wall = clock.now_ms();
        let after = clock.monotonic_ms();
        if after.saturating_sub(before) <= AT_ONCE_MS {
            return (wall, before);
        }
        before = after;
    }
    (clock.now_ms(), before)
}

/// How far a clock is off, in words.
fn distance(off_by_ms: i64) -> String {
    let seconds = off_by_ms.unsigned_abs() / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let side = if off_by_ms < 0 { "behind" } else { "ahead of" };
    format!("{hours} h {minutes} min {seconds} s {side}")
}

/// See the module.
pub(super) struct Timekeeper {
    clock: Arc<dyn Clock>,
    noticed_ms: i64,
    bound_ms: i64,
    inner: Mutex<Inner>,
    doubt: watch::Sender<Option<ClockDoubt>>,
}

struct Inner {
    /// Wall clock less monotonic clock, as far as it is believed.
    offset_ms: i64,
    /// The monotonic clock when it was last looked at.
    looked_at_ms: i64,
    in_doubt: bool,
    /// How far off the clock was when the doubt began.
    doubted_by_ms: i64,
    /// Whether `offset_ms` is of this run or of the last record, so that the
    /// doubt ends when the clock is near it again.
    is_reckoned: bool,
    // What is still to be recorded.
    unsaid_jump_ms: i64,
    said_in_doubt: bool,
    confirmed_ms: i64,
}

impl Timekeeper {
    /// Begins to keep time for a ledger whose last record is of
    /// `recorded_at_ms` and whose last word on its clock is `said`.
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        options: &Options,
        recorded_at_ms: i64,
        said: Option<&ClockStated>,
    ) -> Result<Timekeeper, OpenError> {
        let (wall, monotonic) = both(clock.as_ref());
        let in_doubt = said.is_some_and(|said| said.in_doubt);
        let believed = if in_doubt {
            recorded_at_ms
        } else {
            // Time does not run backwards between two runs either.
            wall.max(floor(recorded_at_ms, said))
        };
        let mut inner = Inner {
            offset_ms: believed.saturating_sub(monotonic),
            looked_at_ms: monotonic,
            in_doubt,
            doubted_by_ms: 0,
            is_reckoned: !in_doubt,
            unsaid_jump_ms: 0,
            said_in_doubt: in_doubt,
            confirmed_ms: 0,
        };
        if let Some(confirmed_ms) = options.confirmed_clock_ms {
            if wall.abs_diff(confirmed_ms) > millis(CONFIRM_WITHIN).unsigned_abs() {
                return Err(OpenError::ClockNotConfirmed {
                    clock: in_seconds(wall),
                    confirmed: in_seconds(confirmed_ms),
                });
            }
            inner.offset_ms = wall.saturating_sub(monotonic);
            inner.in_doubt = false;
            inner.is_reckoned = true;
            inner.confirmed_ms = confirmed_ms;
        }
        let keeper = Timekeeper {
            clock,
            noticed_ms: millis(options.clock_noticed),
            bound_ms: millis(options.clock_bound),
            inner: Mutex::new(inner),
            doubt: watch::channel(None).0,
        };
        // Whether it may be believed is known before anybody asks.
        keeper.doubt();
        Ok(keeper)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The wall clock, Unix milliseconds, if it may be believed. It may be
    /// behind the last record; recorded time is not.
    pub(super) fn now(&self) -> Result<i64, ClockDoubt> {
        let (wall, monotonic) = both(self.clock.as_ref());
        let mut inner = self.lock();
        inner.look(wall, monotonic, self.noticed_ms, self.bound_ms);
        let doubt = inner.in_doubt.then(|| ClockDoubt {
            clock_ms: wall,
            reckoned_ms: inner.reckoned_ms(monotonic),
        });
        drop(inner);
        if self.doubt.borrow().is_some() != doubt.is_some() {
            self.doubt.send_replace(doubt);
        }
        doubt.map_or(Ok(wall), Err)
    }

    /// The time for what is recorded or judged all the same: the wall clock's
    /// or, while that is in doubt, the ledger's own reckoning.
    pub(super) fn best_ms(&self) -> i64 {
        self.now().unwrap_or_else(|doubt| doubt.reckoned_ms)
    }

    /// Why nothing is accepted, if so.
    pub(super) fn doubt(&self) -> Option<ClockDoubt> {
        self.now().err()
    }

    /// Tells when the doubt begins and ends.
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<ClockDoubt>> {
        self.doubt.subscribe()
    }

    /// What is to be recorded of the clock before anything else, in a record
    /// of this time. It stays so until [`Timekeeper::said`].
    pub(super) fn word(&self, recorded_at_ms: i64) -> Option<ClockStated> {
        let inner = self.lock();
        inner.has_word().then(|| ClockStated {
            clock_ms: self.clock.now_ms().max(0),
            ledger_ms: recorded_at_ms,
            jumped_by_ms: inner.unsaid_jump_ms,
            in_doubt: inner.in_doubt,
            confirmed_ms: inner.confirmed_ms,
        })
    }

    /// Whether there is such a word.
    pub(super) fn has_word(&self) -> bool {
        self.lock().has_word()
    }

    /// This word is recorded, and committed.
    pub(super) fn said(&self, word: &ClockStated) {
        let mut inner = self.lock();
        // It may have jumped again since.
        inner.unsaid_jump_ms = inner.unsaid_jump_ms.saturating_sub(word.jumped_by_ms);
        inner.said_in_doubt = word.in_doubt;
        inner.confirmed_ms = 0;
    }
}

impl Inner {
    fn reckoned_ms(&self, monotonic: i64) -> i64 {
        monotonic.saturating_add(self.offset_ms)
    }

    fn has_word(&self) -> bool {
        self.unsaid_jump_ms != 0 || self.in_doubt != self.said_in_doubt || self.confirmed_ms != 0
    }

    fn look(&mut self, wall: i64, monotonic: i64, noticed_ms: i64, bound_ms: i64) {
        let elapsed = monotonic.saturating_sub(self.looked_at_ms).max(0);
        self.looked_at_ms = monotonic;
        let off_by = wall.saturating_sub(self.reckoned_ms(monotonic));
        let is_bounded = off_by.saturating_abs() <= bound_ms;
        if self.in_doubt {
            if is_bounded && self.is_reckoned {
                self.in_doubt = false;
                self.jumped(off_by.saturating_sub(self.doubted_by_ms));
                self.offset_ms = self.offset_ms.saturating_add(off_by);
            }
        } else if off_by.saturating_abs() <= noticed_ms {
            let slewed = elapsed.saturating_mul(MAX_SLEW_PPM) / 1_000_000;
            self.offset_ms = self.offset_ms.saturating_add(off_by.clamp(-slewed, slewed));
        } else if is_bounded {
            self.jumped(off_by);
            self.offset_ms = self.offset_ms.saturating_add(off_by);
        } else {
            self.in_doubt = true;
            self.doubted_by_ms = off_by;
            self.jumped(off_by);
        }
    }

    fn jumped(&mut self, by_ms: i64) {
        self.unsaid_jump_ms = self.unsaid_jump_ms.saturating_add(by_ms);
    }
}

/// The earliest that a clock may show at the start: the last record's time;
/// unless somebody has confirmed an earlier one and it has not caught up yet.
fn floor(recorded_at_ms: i64, said: Option<&ClockStated>) -> i64 {
    let behind = |said: &&ClockStated| said.confirmed_ms != 0 && said.ledger_ms == recorded_at_ms;
    said.filter(behind)
        .map_or(recorded_at_ms, |said| said.clock_ms.min(recorded_at_ms))
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "timekeeper_tests.rs"]
mod tests;
