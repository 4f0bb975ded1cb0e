//! A restored ledger: what its witnesses signed says whether it may go on.

use super::*;
use crate::witness::complete::Restored;

/// Restored with the checkpoint of so many records.
fn restored_at(log: &TestLog, size: u64) -> Begin {
    Begin {
        restored: Some(Restored::new(&log.signed(size).to_string()).unwrap()),
        ..Begin::default()
    }
}

#[test]
fn a_restored_ledger_goes_on_when_its_witnesses_know_of_nothing_beyond() {
    let log = TestLog::new(30);
    let (one, two) = (Post::new(11), Post::new(12));
    // One has signed as much as was restored, the other less.
    one.has_signed(&log, 30);
    two.has_signed(&log, 21);
    let begin = restored_at(&log, 30);
    let bench = Bench::start(&log, policy(&log, &[&one, &two], "all"), begin);
    let first = one.open(&log);
    let second = two.open(&log);
    assert_eq!(bench.next(), Told::Confirmed(30));
    // From then on it is as ever.
    bench.offer(&log, 30);
    assert_eq!(bench.published(), (30, names(&[11, 12])));
    drop((first, second));
    bench.stop();
}

#[test]
fn a_restored_ledger_waits_for_all_that_could_have_met_the_policy() {
    let log = TestLog::new(30);
    let (one, two) = (Post::new(11), Post::new(12));
    let first = one.open(&log);
    let bench = Bench::start(
        &log,
        policy(&log, &[&one, &two], "any"),
        restored_at(&log, 30),
    );
    // The first asks for size 0; the second, which alone could have met the
    // policy, is not there.
    let unreachable = "hazledger_witness_failures_total{witness=\"w12\",reason=\"unreachable\"} ";
    while bench.page().contains(&format!("{unreachable}0")) {
        std::thread::yield_now();
    }
    assert_eq!(bench.told.try_iter().count(), 0);
    let second = two.open(&log);
    assert_eq!(bench.next(), Told::Confirmed(30));
    drop((first, second));
    bench.stop();
}

#[test]
fn a_restored_ledger_that_has_lost_something_is_not_confirmed_whatever_others_say() {
    let log = TestLog::new(30);
    let mut restored = log.clone();
    restored.leaves.truncate(21);
    let (one, two) = (Post::new(11), Post::new(12));
    one.has_signed(&log, 30);
    two.has_signed(&log, 21);
    let begin = restored_at(&restored, 21);
    let houses = (one.open(&log), two.open(&log));
    let bench = Bench::start(&restored, policy(&log, &[&one, &two], "any"), begin);
    for _ in 0..3 {
        assert_eq!(bench.next(), Told::HeldAgainst(30));
    }
    bench.shows("hazledger_witness_ahead_records{witness=\"w11\"} 9");
    drop(houses);
    let told = bench.stop();
    assert!(
        !told.iter().any(|told| matches!(told, Told::Confirmed(_))),
        "{told:?}"
    );
}

#[test]
fn what_a_witness_signed_beyond_the_last_kept_checkpoint_and_is_there_is_not_lost() {
    let log = TestLog::new(30);
    let post = Post::new(11);
    post.has_signed(&log, 28);
    // The backup took the checkpoint of 21, and then the journal.
    let begin = restored_at(&log, 21);
    let house = post.open(&log);
    let bench = Bench::start(&log, policy(&log, &[&post], "all"), begin);
    assert_eq!(bench.next(), Told::HeldAgainst(28));
    assert_eq!(bench.next(), Told::Confirmed(21));
    drop(house);
    bench.stop();
}
