//! Which checkpoint is out, and for how long.

use std::time::Instant;

use super::super::rounds::{PATIENCE, Rounds};
use super::*;
use crate::proof::{NoteSignature, Policy, cosign};

fn policy(threshold: &str) -> Policy {
    let mut text = String::new();
    for number in [1, 2, 3] {
        let name = format!("w{number}");
        let key = SecretKey::from_seed(&[number; 32]).public().clone();
        let key = VerifierKey::new(&name, NoteKeyKind::Cosignature, key).unwrap();
        text.push_str(&format!("witness {name} {key}\n"));
    }
    Policy::parse(&format!("{text}group g {threshold} w1 w2 w3\nquorum g\n")).unwrap()
}

fn by(number: u8, note: &Note) -> NoteSignature {
    let key = SecretKey::from_seed(&[number; 32]);
    cosign(&key, &format!("w{number}"), &note.text, START_S)
}

/// Rounds of a log of 40, and a beginning of time.
struct Table {
    log: TestLog,
    rounds: Rounds,
    now: Instant,
}

impl Table {
    fn new(threshold: &str) -> Table {
        Table {
            log: TestLog::new(40),
            rounds: Rounds::new(policy(threshold)),
            now: Instant::now(),
        }
    }

    fn offer(&mut self, size: u64) {
        let note = self.log.signed(size).to_string();
        self.rounds.offer(&note, self.now);
    }

    fn signs(&mut self, number: u8, size: u64) -> bool {
        let note = self.log.signed(size);
        self.rounds.take(&note.text, &by(number, &note), self.now)
    }

    fn out(&mut self) -> Option<u64> {
        self.rounds.target(self.now).map(|target| target.size)
    }

    /// Size and cosignatures of what is to be published.
    fn pending(&mut self) -> Option<(u64, usize)> {
        let note = Note::parse(&self.rounds.take_pending()?).unwrap();
        let size = Checkpoint::parse(&note.text).unwrap().size;
        Some((size, note.signatures.len() - 1))
    }
}

#[test]
fn one_checkpoint_is_out_with_all_until_the_policy_is_met_and_then_the_newest() {
    let mut table = Table::new("2");
    assert_eq!(table.out(), None);
    for size in [10, 20, 30] {
        table.offer(size);
        assert_eq!(table.out(), Some(10));
    }
    assert!(table.signs(1, 10));
    assert_eq!((table.out(), table.pending()), (Some(10), None));
    assert!(table.signs(1, 10), "once more says nothing new");
    assert_eq!(table.pending(), None);
    assert!(table.signs(2, 10));
    assert_eq!((table.out(), table.pending()), (Some(30), Some((10, 2))));
    assert_eq!(
        (table.rounds.met_size(), table.rounds.newest_size()),
        (10, 30)
    );
    // One that comes late is merged while there is nothing newer to serve.
    assert!(table.signs(3, 10));
    assert_eq!(table.pending(), Some((10, 3)));
    assert!(table.signs(3, 30) && table.signs(2, 30));
    assert_eq!(table.pending(), Some((30, 2)));
    assert!(!table.signs(1, 10), "too late");
    assert!(!table.signs(1, 20), "never out");
    assert_eq!((table.out(), table.pending()), (Some(30), None));
}

#[test]
fn what_does_not_meet_the_policy_makes_way_for_a_newer_one_when_patience_is_over() {
    let mut table = Table::new("all");
    table.offer(10);
    assert_eq!(table.rounds.turns_at(), None, "nothing waits");
    table.now += PATIENCE * 3;
    assert_eq!(table.out(), Some(10), "nothing newer, however long");
    table.offer(11);
    assert_eq!(table.out(), Some(11), "it has been out for long");
    table.offer(20);
    let turns_at = table.rounds.turns_at().unwrap();
    assert_eq!(turns_at, table.now + PATIENCE);
    table.now = turns_at - std::time::Duration::from_millis(1);
    assert_eq!(table.out(), Some(11));
    table.now = turns_at;
    assert_eq!((table.out(), table.rounds.turns_at()), (Some(20), None));
}

#[test]
fn a_witness_that_is_past_what_is_out_hastens_the_newest() {
    let mut table = Table::new("all");
    table.offer(10);
    table.offer(20);
    let ten = table.log.signed(10);
    table.rounds.hasten(&ten.text, table.now);
    assert_eq!(table.out(), Some(20));
    // Of what is not out it says nothing, and without a newer one it stays.
    table.rounds.hasten(&ten.text, table.now);
    let twenty = table.log.signed(20);
    table.rounds.hasten(&twenty.text, table.now);
    assert_eq!(table.out(), Some(20));
}

#[test]
fn what_is_none_or_smaller_is_not_out_and_what_could_not_be_published_is_tried_again() {
    let mut table = Table::new("any");
    table.rounds.offer("no note", table.now);
    assert_eq!(table.out(), None);
    table.offer(20);
    table.offer(10);
    assert_eq!((table.out(), table.rounds.newest_size()), (Some(20), 20));
    table.signs(1, 20);
    let note = table.rounds.take_pending().unwrap();
    assert_eq!(table.pending(), None);
    table.rounds.give_back(note);
    assert_eq!(table.pending(), Some((20, 1)));
    // What is newer is not replaced by it.
    table.signs(2, 20);
    table.rounds.give_back(table.log.signed(20).to_string());
    assert_eq!(table.pending(), Some((20, 2)));
}

#[test]
fn what_was_served_is_taken_up_only_if_it_meets_the_policy() {
    for (signers, out) in [(vec![1, 2], 20), (vec![1], 10)] {
        let mut table = Table::new("2");
        let mut served = table.log.signed(10);
        served.signatures.extend(
            signers
                .iter()
                .map(|number| by(*number, &table.log.signed(10))),
        );
        table.rounds.resume(&served.to_string(), table.now);
        table.offer(10);
        table.offer(20);
        assert_eq!(table.out(), Some(out), "{signers:?}");
    }
}
