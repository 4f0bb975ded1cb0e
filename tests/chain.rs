//! The verification of the chain alone: whatever changes a head, the order of
//! records or the ledger's word on them is noticed; what it does not look at,
//! the full verification does.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/book.rs"]
mod book;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "support/flow.rs"]
mod flow;
#[path = "tamper/rewrite.rs"]
mod rewrite;

use flow::Flow;
use hazledger::audit::{Audit, Kept, Problem, verify_chain, verify_journal};
use hazledger::event::signing::SecretKey;
use hazledger::journal::{Batch, Journal, JournalOptions};
use hazledger::pb::Record;
use hazledger::proof::Expect;
use hazledger::storage::sim::SimStorage;
use prost::Message as _;
use rewrite::{Commits, first_head, rechain, rewrite};

fn write(batches: &[Batch]) -> SimStorage {
    let storage = SimStorage::new();
    let options = JournalOptions {
        segment_bytes: 12 * 1024,
    };
    let mut journal = Journal::create(storage.clone(), first_head(&batches[0]).0, options).unwrap();
    for batch in batches {
        journal.append(batch).unwrap();
    }
    journal.close().unwrap();
    storage
}

fn chain(batches: &[Batch], kept: &[Kept]) -> Audit {
    verify_chain(&write(batches), &Expect::default(), kept, &mut |_| {})
}

fn kept(flow: &Flow) -> Vec<Kept> {
    let acknowledgements = flow.book.acknowledgements.iter();
    acknowledgements
        .map(|acknowledgement| Kept {
            name: "an acknowledgement".into(),
            acknowledgement: acknowledgement.clone(),
        })
        .collect()
}

/// Noticed, and named no later than the batch after the one at a position.
fn assert_noticed(audit: &Audit, position: u64, what: &str) {
    assert!(audit.report.is_none(), "{what}");
    let first = audit.problems.first().map(Problem::position);
    assert!(
        first.is_some_and(|first| first <= position + 1),
        "{what}: {first:?}"
    );
}

#[test]
fn an_untouched_chain_verifies_and_says_where_it_ends() {
    let flow = Flow::whole();
    let audit = chain(&flow.book.batches, &kept(&flow));
    assert_eq!(audit.problems, Vec::<Problem>::new());
    let report = audit.report.unwrap();
    assert_eq!(report.records, flow.book.state.next());
    assert_eq!(report.last_head, flow.book.state.last_head());
    assert_eq!(report.genesis_hash, flow.book.genesis_hash);
    assert_eq!(report.batches, flow.book.batches.len() as u64);
    assert_eq!(audit.acknowledged, kept(&flow).len());
    assert!(audit.acknowledged > 20);
}

#[test]
fn an_edited_head_is_noticed_even_with_the_chain_made_right() {
    let flow = Flow::whole();
    let stranger = SecretKey::from_seed(&[77; 32]);
    for position in 1..flow.book.state.next() {
        for commits in [Commits::Kept, Commits::Edited, Commits::Signed(&stranger)] {
            let mut batches = flow.book.batches.clone();
            rewrite(&mut batches, position, |_, head| head.recorded_at_ms += 1);
            let broken = chain(&batches, &[]);
            assert_noticed(&broken, position, &format!("record {position}, unchained"));
            rechain(&mut batches, &commits);
            let what = format!("record {position}, {commits:?}");
            assert_noticed(&chain(&batches, &[]), position, &what);
        }
    }
}

#[test]
fn a_record_taken_out_put_in_twice_or_swapped_is_noticed() {
    let flow = Flow::whole();
    for position in 1..flow.book.state.next() - 1 {
        for change in ["out", "twice", "swapped"] {
            let mut batches = flow.book.batches.clone();
            let batch = batches
                .iter_mut()
                .rfind(|batch| batch.first_position <= position)
                .unwrap();
            let index = usize::try_from(position - batch.first_position).unwrap();
            match change {
                "out" => drop(batch.records.remove(index)),
                "twice" => batch.records.insert(index, batch.records[index].clone()),
                _ if index == 0 => continue,
                _ => batch.records.swap(index, index - 1),
            }
            batches.retain(|batch| !batch.records.is_empty());
            let mut next = 0;
            for batch in &mut batches {
                batch.first_position = next;
                next += batch.records.len() as u64;
            }
            let what = format!("record {position} {change}");
            assert_noticed(&chain(&batches, &[]), position, &what);
            rechain(&mut batches, &Commits::Edited);
            assert_noticed(&chain(&batches, &[]), position, &format!("{what}, chained"));
        }
    }
}

#[test]
fn a_tail_cut_clean_is_named_by_whoever_holds_an_acknowledgement() {
    let flow = Flow::whole();
    let mut batches = flow.book.batches.clone();
    let gone = batches.pop().unwrap();
    assert_eq!(chain(&batches, &[]).problems, Vec::<Problem>::new());
    let found = chain(&batches, &kept(&flow));
    assert!(matches!(
        found.problems.first(),
        Some(Problem::Lost { position, .. }) if *position == gone.first_position
    ));
}

#[test]
fn a_second_head_in_a_record_is_noticed() {
    let flow = Flow::whole();
    let mut batches = flow.book.batches.clone();
    let batch = batches.last_mut().unwrap();
    let stored = batch.records[0].clone();
    let again = Record {
        head: Record::decode(stored.clone()).unwrap().head,
        ..Record::default()
    };
    batch.records[0] = [stored.as_ref(), &again.encode_to_vec()].concat().into();
    let position = batch.first_position;
    assert_noticed(&chain(&batches, &[]), position, "two heads");
}

/// What the chain alone does not show, so that nobody takes it for more.
#[test]
fn a_changed_event_body_is_for_the_full_verification_to_notice() {
    let flow = Flow::whole();
    let mut batches = flow.book.batches.clone();
    let last = flow.book.state.next() - 1;
    rewrite(&mut batches, last, |record, _| {
        record.links[0].salt = vec![9; 16].into();
    });
    assert_eq!(chain(&batches, &[]).problems, Vec::<Problem>::new());
    let full = verify_journal(&write(&batches), &Expect::default(), &[], &mut |_| {});
    assert_noticed(&full, last, "full");
}
