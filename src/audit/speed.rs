//! How fast a verification went, and how fast this machine verifies signatures
//! when it does nothing else: the one says little without the other.

use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::event::signing::{Purpose, SecretKey};

/// How long signatures are verified to find the machine's own rate, at most.
const STRICT_FOR: Duration = Duration::from_millis(500);

/// The same, at least.
const STRICT_AT_LEAST: Duration = Duration::from_millis(20);

/// Bytes that each signature is over: a payload with one event, as a rule.
const SIGNED_BYTES: usize = 256;

/// Signatures between two looks at the clock.
const TOGETHER: u64 = 16;

/// What was done in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    /// Records read and verified.
    pub records: u64,
    /// Signatures verified.
    pub signatures: u64,
    /// How long it took.
    pub took: Duration,
    /// What the machine does of `verify_strict` alone; `None` if it was not
    /// asked.
    pub strict: Option<Strict>,
}

/// Signatures verified one by one on all cores, and nothing else done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strict {
    /// How many a second.
    pub per_second: u64,
    /// Cores that did.
    pub cores: usize,
}

impl Speed {
    /// Records a second.
    pub fn records_per_second(&self) -> u64 {
        per_second(self.records, self.took)
    }

    /// Signatures a second.
    pub fn signatures_per_second(&self) -> u64 {
        per_second(self.signatures, self.took)
    }

    /// The same with the machine's own rate, found now: for as long as what
    /// was measured took, within half a second.
    #[must_use]
    pub fn beside_strict(self) -> Speed {
        let during = self.took.clamp(STRICT_AT_LEAST, STRICT_FOR);
        Speed {
            strict: Some(strict(during)),
            ..self
        }
    }
}

fn per_second(count: u64, took: Duration) -> u64 {
    let micros = took.as_micros().max(1);
    let scaled = u128::from(count).saturating_mul(1_000_000);
    u64::try_from(scaled / micros).unwrap_or(u64::MAX)
}

/// Verifies signatures on all cores for a time.
fn strict(during: Duration) -> Strict {
    let key = SecretKey::from_seed(&[7; 32]);
    let body = [42; SIGNED_BYTES];
    let signature = key.sign(Purpose::Statement, &body);
    let started = Instant::now();
    let one_core = |_: usize| {
        let mut count = 0u64;
        while started.elapsed() < during {
            let verify = |_: &u64| key.public().verifies(Purpose::Statement, &body, &signature);
            let verified = (0..TOGETHER).filter(verify).count();
            count = count.saturating_add(verified as u64);
        }
        count
    };
    let cores = rayon::current_num_threads();
    let count = (0..cores)
        .into_par_iter()
        .with_max_len(1)
        .map(one_core)
        .sum();
    Strict {
        per_second: per_second(count, started.elapsed()),
        cores,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_time_that_it_took() {
        let speed = Speed {
            records: 300,
            signatures: 450,
            took: Duration::from_millis(1500),
            strict: None,
        };
        assert_eq!(speed.records_per_second(), 200);
        assert_eq!(speed.signatures_per_second(), 300);
        let at_once = Speed {
            took: Duration::ZERO,
            ..speed
        };
        assert_eq!(at_once.records_per_second(), 300_000_000);
    }

    #[test]
    fn the_machine_verifies_on_every_core() {
        let strict = strict(STRICT_AT_LEAST);
        assert!(strict.per_second > 0);
        assert_eq!(strict.cores, rayon::current_num_threads());
    }
}
