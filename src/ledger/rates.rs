//! How fast a party may go: an allowance that fills up with time and that
//! each of its statements draws from. What is drawn is what was signed: only a
//! statement whose signatures verify, and that is not recorded yet, draws from
//! its party's allowance, so nobody can use up another's, not even by sending
//! recorded statements again. A spent allowance is seen to before a statement
//! is admitted, by the party that it says it is of.
//!
//! Not here: how the door holds back who has spent it (`grpc`).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use prost::Message as _;

use super::answer::SubmitError;
use crate::pb::{Payload, SignedStatement};

/// Parties whose allowance is not full, at most; beyond it a party goes
/// uncounted, until another's is full again.
pub const MAX_RATED_PARTIES: usize = 65_536;

/// One statement, in the thousandths that are counted.
const ONE: i64 = 1000;

/// An allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How much comes back in a second.
    pub per_second: u32,
    /// How much it holds when it is full.
    pub burst: u32,
}

/// What is left of an allowance. Time is told to it, in milliseconds from
/// whenever; time that runs back is taken as standing still.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// May be below zero: what was on its way when it ran out is paid back.
    thousandths: i64,
    at_ms: u64,
}

impl Bucket {
    /// A full one.
    pub fn full(rate: Rate, now_ms: u64) -> Bucket {
        Bucket {
            thousandths: i64::from(rate.burst).saturating_mul(ONE),
            at_ms: now_ms,
        }
    }

    /// What comes back in a millisecond is a thousandth of what does in a
    /// second.
    fn refill(&mut self, rate: Rate, now_ms: u64) {
        let passed = i64::try_from(now_ms.saturating_sub(self.at_ms)).unwrap_or(i64::MAX);
        let back = passed.saturating_mul(i64::from(rate.per_second));
        let full = i64::from(rate.burst).saturating_mul(ONE);
        self.thousandths = self.thousandths.saturating_add(back).min(full);
        self.at_ms = self.at_ms.max(now_ms);
    }

    /// Draws one.
    pub fn draw(&mut self, rate: Rate, now_ms: u64) {
        self.refill(rate, now_ms);
        self.thousandths = self.thousandths.saturating_sub(ONE);
    }

    /// Draws one if there is one.
    pub fn try_draw(&mut self, rate: Rate, now_ms: u64) -> bool {
        let there = self.wait_ms(rate, now_ms).is_none();
        if there {
            self.draw(rate, now_ms);
        }
        there
    }

    /// `None` if there is one to draw, else how long until there is one.
    pub fn wait_ms(&mut self, rate: Rate, now_ms: u64) -> Option<u64> {
        self.refill(rate, now_ms);
        let missing = ONE.saturating_sub(self.thousandths);
        let per_ms = i64::from(rate.per_second.max(1));
        let wait = missing.saturating_add(per_ms).saturating_sub(1) / per_ms;
        u64::try_from(wait).ok().filter(|wait| *wait > 0)
    }

    fn is_full(&mut self, rate: Rate, now_ms: u64) -> bool {
        self.refill(rate, now_ms);
        self.thousandths >= i64::from(rate.burst).saturating_mul(ONE)
    }
}

/// The allowances of parties; a party that is not here has a full one.
#[derive(Debug)]
struct Parties {
    rate: Rate,
    buckets: HashMap<String, Bucket>,
    swept_ms: u64,
}

impl Parties {
    fn wait_ms(&mut self, party: &str, now_ms: u64) -> Option<u64> {
        self.buckets.get_mut(party)?.wait_ms(self.rate, now_ms)
    }

    fn draw(&mut self, party: &str, now_ms: u64) {
        let rate = self.rate;
        if let Some(bucket) = self.buckets.get_mut(party) {
            return bucket.draw(rate, now_ms);
        }
        // Once a second: it looks at all of them.
        if self.buckets.len() >= MAX_RATED_PARTIES && now_ms.saturating_sub(self.swept_ms) >= 1000 {
            self.swept_ms = now_ms;
            self.buckets
                .retain(|_, bucket| !bucket.is_full(rate, now_ms));
        }
        if self.buckets.len() < MAX_RATED_PARTIES {
            let mut bucket = Bucket::full(rate, now_ms);
            bucket.draw(rate, now_ms);
            self.buckets.insert(party.to_owned(), bucket);
        }
    }
}

/// The rates of a ledger's parties, if they are limited.
#[derive(Debug)]
pub(super) struct Rates {
    parties: Option<Mutex<Parties>>,
    // Not the ledger's clock: that one is set, and may jump.
    since: Instant,
}

impl Rates {
    pub(super) fn new(rate: Option<Rate>) -> Rates {
        let parties = rate.map(|rate| {
            Mutex::new(Parties {
                rate,
                buckets: HashMap::new(),
                swept_ms: 0,
            })
        });
        Rates {
            parties,
            since: Instant::now(),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether the party that a statement says it is of may go on.
    pub(super) fn check(&self, statement: &SignedStatement) -> Result<(), SubmitError> {
        let Some(parties) = &self.parties else {
            return Ok(());
        };
        // What cannot be read is nobody's, and is refused soon enough.
        let Ok(payload) = Payload::decode(statement.payload.clone()) else {
            return Ok(());
        };
        let mut parties = parties.lock().unwrap_or_else(PoisonError::into_inner);
        match parties.wait_ms(&payload.party, self.now_ms()) {
            None => Ok(()),
            Some(retry_after_ms) => Err(SubmitError::RateLimited {
                party: payload.party,
                per_second: parties.rate.per_second,
                retry_after_ms,
            }),
        }
    }

    /// A party's statement is to be judged.
    pub(super) fn draw(&self, party: &str) {
        if let Some(parties) = &self.parties {
            let mut parties = parties.lock().unwrap_or_else(PoisonError::into_inner);
            parties.draw(party, self.now_ms());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        per_second: 10,
        burst: 3,
    };

    #[test]
    fn a_burst_goes_through_and_then_one_at_a_time_as_it_comes_back() {
        let mut bucket = Bucket::full(RATE, 0);
        for _ in 0..3 {
            assert!(bucket.try_draw(RATE, 0));
        }
        assert!(!bucket.try_draw(RATE, 0));
        assert_eq!(bucket.wait_ms(RATE, 0), Some(100));
        assert_eq!(bucket.wait_ms(RATE, 99), Some(1));
        assert!(bucket.try_draw(RATE, 100));
        assert!(!bucket.try_draw(RATE, 100));
    }

    #[test]
    fn what_was_on_its_way_is_paid_back_and_no_more_than_the_burst_is_saved_up() {
        let mut bucket = Bucket::full(RATE, 0);
        for _ in 0..8 {
            bucket.draw(RATE, 0);
        }
        assert_eq!(bucket.wait_ms(RATE, 0), Some(600));
        assert_eq!(bucket.wait_ms(RATE, 600), None);
        let mut drawn = 0;
        while bucket.try_draw(RATE, 3_600_000) {
            drawn += 1;
        }
        assert_eq!(drawn, 3);
    }

    #[test]
    fn time_that_runs_back_stands_still() {
        let mut bucket = Bucket::full(RATE, 5_000);
        for _ in 0..3 {
            bucket.draw(RATE, 5_000);
        }
        assert_eq!(bucket.wait_ms(RATE, 1_000), Some(100));
        assert_eq!(bucket.wait_ms(RATE, 5_100), None);
    }

    #[test]
    fn one_partys_haste_is_no_other_partys_and_the_parties_counted_are_bounded() {
        let mut parties = Parties {
            rate: RATE,
            buckets: HashMap::new(),
            swept_ms: 0,
        };
        for _ in 0..4 {
            parties.draw("A", 0);
        }
        assert_eq!(parties.wait_ms("A", 0), Some(200));
        assert_eq!(parties.wait_ms("B", 0), None);
        for number in 0..MAX_RATED_PARTIES + 10 {
            parties.draw(&number.to_string(), 0);
        }
        assert_eq!(parties.buckets.len(), MAX_RATED_PARTIES);
        // Full again, so as good as not there.
        parties.draw("C", 2_000);
        assert_eq!(parties.buckets.len(), 1);
    }
}
