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
    // The second is brought forward, and then signs what was restored.
    assert_eq!(bench.next(), Told::Proof(21, 30));
    assert_eq!(bench.next(), Told::Confirmed(30));
    assert!(two.disk.read(&file()).unwrap().unwrap().contains("\n30\n"));
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

/// A ledger that waits for a witness in whose place somebody answers so, again
/// and again: it goes on waiting, and counts failures for this reason.
#[track_caller]
fn is_not_confirmed_by(answer: String, reason: &str) {
    let log = TestLog::new(30);
    let (address, asked) = impostor(answer.into_bytes());
    let post = Post {
        address,
        ..Post::new(11)
    };
    let bench = Bench::start(&log, policy(&log, &[&post], "all"), restored_at(&log, 30));
    // Several rounds: an answer that counted would have ended the asking.
    for _ in 0..5 {
        asked.recv_timeout(PATIENCE).unwrap();
    }
    let failures =
        format!("hazledger_witness_failures_total{{witness=\"w11\",reason=\"{reason}\"}} 0");
    assert!(!bench.page().contains(&failures), "{}", bench.page());
    let told = bench.stop();
    assert!(
        !told.iter().any(|told| matches!(told, Told::Confirmed(_))),
        "{told:?}"
    );
}

fn answered(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

#[test]
fn a_smaller_size_that_nobody_signed_does_not_end_the_wait() {
    for size in ["0\n", "21\n"] {
        is_not_confirmed_by(
            answered("409 Conflict", "text/x.tlog.size", size),
            "useless",
        );
    }
}

#[test]
fn a_cosignature_of_another_day_over_the_same_checkpoint_does_not_end_the_wait() {
    let text = TestLog::new(30).signed(30).text;
    for at_s in [START_S - 86_400, START_S + 86_400] {
        let key = SecretKey::from_seed(&[11; 32]);
        let old = crate::proof::cosign(&key, WITNESS, &text, at_s).to_string();
        is_not_confirmed_by(answered("200 OK", "text/plain", &old), "useless");
    }
}
