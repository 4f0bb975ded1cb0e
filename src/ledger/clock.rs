//! The clock: where the ledger's time comes from. Not here: what time means
//! to a decision (`custody`), which is told it.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Tells the time. Tests bring their own.
pub trait Clock: Send + Sync {
    /// Now, Unix milliseconds. It may run backwards; recorded time will not.
    fn now_ms(&self) -> i64;

    /// Milliseconds on a clock that nobody can set and that goes at the pace
    /// of the wall clock, from any beginning. Of a clock that has none this is
    /// its wall time, so that no jump is ever seen.
    fn monotonic_ms(&self) -> i64 {
        self.now_ms()
    }
}

/// The machine's clock. Its monotonic one stands still while the machine is
/// suspended, so that waking up is a jump forward.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }

    fn monotonic_ms(&self) -> i64 {
        static BEGINNING: OnceLock<Instant> = OnceLock::new();
        let elapsed = BEGINNING.get_or_init(Instant::now).elapsed();
        i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
    }
}
