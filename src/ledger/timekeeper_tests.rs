//! A clock that is set back and forth, and what the timekeeper makes of it.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::sync::atomic::{AtomicI64, Ordering};

use super::*;

const START_MS: i64 = 1_795_392_000_000;
const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A machine with a wall clock that can be set, and one that cannot.
#[derive(Default)]
struct Machine {
    wall: AtomicI64,
    monotonic: AtomicI64,
}

impl Clock for Machine {
    fn now_ms(&self) -> i64 {
        self.wall.load(Ordering::SeqCst)
    }

    fn monotonic_ms(&self) -> i64 {
        self.monotonic.load(Ordering::SeqCst)
    }
}

impl Machine {
    fn new() -> Arc<Machine> {
        let machine = Machine::default();
        machine.set(START_MS);
        Arc::new(machine)
    }

    fn set(&self, by_ms: i64) {
        self.wall.fetch_add(by_ms, Ordering::SeqCst);
    }

    fn pass(&self, ms: i64) {
        self.set(ms);
        self.monotonic.fetch_add(ms, Ordering::SeqCst);
    }

    fn keeper(
        self: &Arc<Machine>,
        recorded_at_ms: i64,
        said: Option<&ClockStated>,
        confirmed_clock_ms: Option<i64>,
    ) -> Result<Timekeeper, OpenError> {
        let options = Options {
            confirmed_clock_ms,
            ..Options::default()
        };
        let clock: Arc<dyn Clock> = Arc::clone(self) as Arc<dyn Clock>;
        Timekeeper::new(clock, &options, recorded_at_ms, said)
    }

    fn started(self: &Arc<Machine>) -> Timekeeper {
        self.keeper(START_MS, None, None).unwrap()
    }
}

/// What is to be said, as (jumped by, in doubt, confirmed); it counts as said.
fn told(keeper: &Timekeeper) -> Option<(i64, bool, i64)> {
    let word = keeper.word(START_MS)?;
    keeper.said(&word);
    assert!(!keeper.has_word());
    Some((word.jumped_by_ms, word.in_doubt, word.confirmed_ms))
}

#[test]
fn time_that_passes_and_a_clock_that_is_slewed_are_no_jump() {
    let machine = Machine::new();
    let keeper = machine.started();
    for hour in 0..48 {
        machine.pass(HOUR_MS);
        // NTP slews by 500 ppm at most: 1.8 s an hour.
        machine.set(if hour < 24 { 1_800 } else { -1_800 });
        assert!(keeper.now().is_ok());
        assert!(!keeper.has_word());
    }
}

#[test]
fn a_clock_that_is_set_by_little_again_and_again_is_noticed() {
    let machine = Machine::new();
    let keeper = machine.started();
    machine.set(3 * SECOND_MS);
    assert!(keeper.now().is_ok());
    assert_eq!(told(&keeper), None);
    machine.set(3 * SECOND_MS);
    assert!(keeper.now().is_ok());
    assert_eq!(told(&keeper), Some((6 * SECOND_MS, false, 0)));
}

#[test]
fn a_jump_within_the_bound_is_a_word_and_beyond_it_a_doubt() {
    for sign in [1, -1] {
        let machine = Machine::new();
        let keeper = machine.started();
        machine.set(sign * 9 * MINUTE_MS);
        assert_eq!(keeper.now(), Ok(START_MS + sign * 9 * MINUTE_MS));
        assert_eq!(told(&keeper), Some((sign * 9 * MINUTE_MS, false, 0)));
        machine.pass(HOUR_MS);
        machine.set(sign * 8 * HOUR_MS);
        let doubt = keeper.now().unwrap_err();
        let off_by = doubt.clock_ms - doubt.reckoned_ms;
        assert_eq!(off_by, sign * 8 * HOUR_MS);
        let words = doubt.to_string();
        assert!(words.contains("8 h 0 min 0 s"), "{words}");
        assert!(words.contains(if sign < 0 { "behind" } else { "ahead" }));
        assert_eq!(told(&keeper), Some((sign * 8 * HOUR_MS, true, 0)));
        assert_eq!(told(&keeper), None, "it is said once");
        machine.pass(HOUR_MS);
        assert!(keeper.now().is_err(), "time alone ends no doubt");
    }
}

#[test]
fn the_time_while_in_doubt_is_reckoned_by_the_clock_that_nobody_can_set() {
    let machine = Machine::new();
    let keeper = machine.started();
    machine.set(-8 * HOUR_MS);
    machine.pass(MINUTE_MS);
    assert_eq!(keeper.best_ms(), START_MS + MINUTE_MS);
}

#[test]
fn the_doubt_ends_when_the_clock_comes_back_and_both_jumps_are_said() {
    let machine = Machine::new();
    let keeper = machine.started();
    let mut doubt = keeper.subscribe();
    machine.set(8 * HOUR_MS);
    assert!(keeper.now().is_err());
    assert!(doubt.borrow_and_update().is_some());
    assert_eq!(told(&keeper), Some((8 * HOUR_MS, true, 0)));
    machine.pass(MINUTE_MS);
    machine.set(-8 * HOUR_MS + 2 * SECOND_MS);
    assert_eq!(keeper.now(), Ok(START_MS + MINUTE_MS + 2 * SECOND_MS));
    assert!(doubt.borrow_and_update().is_none());
    assert_eq!(
        told(&keeper),
        Some((-8 * HOUR_MS + 2 * SECOND_MS, false, 0))
    );
}

#[test]
fn what_jumps_before_the_last_word_is_recorded_is_said_after_it() {
    let machine = Machine::new();
    let keeper = machine.started();
    machine.set(8 * HOUR_MS);
    assert!(keeper.now().is_err());
    let first = keeper.word(START_MS).unwrap();
    machine.set(-8 * HOUR_MS);
    assert!(keeper.now().is_ok());
    keeper.said(&first);
    assert_eq!(told(&keeper), Some((-8 * HOUR_MS, false, 0)));
}

#[test]
fn a_start_long_behind_the_last_record_is_a_doubt_and_one_ahead_of_it_is_not() {
    let machine = Machine::new();
    assert!(
        machine
            .keeper(START_MS - 90 * 24 * HOUR_MS, None, None)
            .unwrap()
            .now()
            .is_ok()
    );
    assert!(
        machine
            .keeper(START_MS + 2 * SECOND_MS, None, None)
            .unwrap()
            .now()
            .is_ok()
    );
    let little = machine.keeper(START_MS + MINUTE_MS, None, None).unwrap();
    assert!(little.now().is_ok());
    assert_eq!(told(&little), Some((-MINUTE_MS, false, 0)));
    let far = machine.keeper(START_MS + 8 * HOUR_MS, None, None).unwrap();
    assert!(far.now().is_err());
    assert_eq!(told(&far), Some((-8 * HOUR_MS, true, 0)));
    // It was set right a minute later.
    machine.pass(MINUTE_MS);
    machine.set(8 * HOUR_MS);
    assert!(far.now().is_ok());
}

#[test]
fn a_doubt_outlives_a_restart_until_the_time_of_another_clock_is_given() {
    let machine = Machine::new();
    let said = ClockStated {
        clock_ms: START_MS,
        ledger_ms: START_MS - 8 * HOUR_MS,
        jumped_by_ms: 8 * HOUR_MS,
        in_doubt: true,
        confirmed_ms: 0,
    };
    let recorded = START_MS - 8 * HOUR_MS;
    let again = machine.keeper(recorded, Some(&said), None).unwrap();
    let doubt = again.now().unwrap_err();
    assert_eq!((doubt.clock_ms, doubt.reckoned_ms), (START_MS, recorded));
    assert_eq!(told(&again), None, "it has been said before the restart");
    machine.pass(HOUR_MS);
    assert!(again.now().is_err());
    // The other clock says that it is eight hours earlier: this one is wrong.
    let wrong = machine.keeper(recorded, Some(&said), Some(START_MS - 7 * HOUR_MS));
    assert!(matches!(wrong, Err(OpenError::ClockNotConfirmed { .. })));
    let now = START_MS + HOUR_MS - 90 * SECOND_MS;
    let right = machine.keeper(recorded, Some(&said), Some(now)).unwrap();
    assert!(right.now().is_ok());
    assert_eq!(told(&right), Some((0, false, now)));
}

#[test]
fn an_earlier_time_once_confirmed_holds_until_the_clock_has_caught_up() {
    // The clock ran ahead for a while, and records were made then.
    let machine = Machine::new();
    let ahead = START_MS + 8 * HOUR_MS;
    let confirmed = machine.keeper(ahead, None, Some(START_MS)).unwrap();
    assert_eq!(confirmed.now(), Ok(START_MS));
    let word = confirmed.word(ahead).unwrap();
    machine.pass(HOUR_MS);
    assert!(
        machine
            .keeper(ahead, Some(&word), None)
            .unwrap()
            .now()
            .is_ok()
    );
    machine.set(-2 * HOUR_MS);
    let back = machine.keeper(ahead, Some(&word), None).unwrap();
    assert!(back.now().is_err(), "behind what was confirmed");
    machine.set(2 * HOUR_MS);
    machine.pass(20 * HOUR_MS);
    let later = machine.keeper(START_MS + 20 * HOUR_MS, Some(&word), None);
    assert!(later.unwrap().now().is_ok());
    machine.set(-12 * HOUR_MS);
    let later = machine.keeper(START_MS + 20 * HOUR_MS, Some(&word), None);
    assert!(later.unwrap().now().is_err(), "behind the last record");
}
