//! A verification that is put down and taken up again finds what one from the
//! beginning finds, and no byte of what was put down can be another. And what
//! the ledger signed of its tree is held against its journal.

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
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "tamper/rewrite.rs"]
mod rewrite;

use flow::Flow;
use hazledger::audit::{
    Audit, KeptCheckpoint, KeptReceipt, Problem, Proofs, Streamed, sent, verify_whole,
};
use hazledger::event::signing::SecretKey;
use hazledger::journal::{Batch, Journal, JournalOptions};
use hazledger::pb::{Receipt, Record};
use hazledger::proof::tree::{Frontier, TreeHash, leaf_hash};
use hazledger::proof::{Checkpoint, Expect, Verifier, sign_checkpoint};
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

fn audit(batches: &[Batch], saved: Option<&[u8]>) -> Audit {
    let saved = saved.map(taken_up);
    verify_whole(
        &write(batches),
        &Expect::default(),
        &Proofs::default(),
        saved,
        &mut |_| {},
        &mut |_| {},
    )
}

/// What is saved after these batches.
fn saved(batches: &[Batch]) -> Vec<u8> {
    let mut verifier = Verifier::new(Expect::default());
    for batch in batches {
        let (first, records) = (batch.first_position, &batch.records);
        verifier.batch(first, records, &batch.commit).unwrap();
    }
    verifier.flush().unwrap();
    let mut bytes = Vec::new();
    verifier.save(&mut bytes).unwrap();
    bytes
}

fn taken_up(mut bytes: &[u8]) -> Verifier {
    Verifier::restore(&mut bytes, Expect::default()).unwrap()
}

#[test]
fn gone_on_from_anywhere_the_report_is_that_of_the_whole() {
    let flow = Flow::whole();
    let batches = &flow.book.batches;
    let whole = audit(batches, None);
    assert_eq!(whole.problems, Vec::<Problem>::new());
    for done in 1..=batches.len() {
        let saved = saved(&batches[..done]);
        let resumed = audit(batches, Some(&saved));
        assert_eq!(resumed.problems, Vec::<Problem>::new());
        assert_eq!(resumed.report, whole.report, "after {done} batches");
        assert_eq!(resumed.unfit, None);
        let last = &batches[done - 1];
        let records = last.first_position + last.records.len() as u64;
        assert_eq!(resumed.resumed.unwrap().records, records);

        // And from what a server sends: the last batch before it, then on.
        let (expect, proofs) = (Expect::default(), Proofs::default());
        let mut streamed = Streamed::resumed(taken_up(&saved), &expect, &proofs);
        assert_eq!(streamed.from(), records - 1);
        for batch in &batches[done - 1..] {
            let (records, commit) = (batch.records.clone(), batch.commit.clone());
            streamed
                .batch(&sent(batch.first_position, records, commit))
                .unwrap();
        }
        assert_eq!(streamed.end(&mut |_| {}).report, whole.report);
    }
}

#[test]
fn what_is_saved_is_the_same_however_often_it_was_put_down() {
    let flow = Flow::whole();
    let batches = &flow.book.batches;
    let half = batches.len() / 2;
    let mut verifier = taken_up(&saved(&batches[..half]));
    for batch in &batches[half..] {
        let (first, records) = (batch.first_position, &batch.records);
        verifier.batch(first, records, &batch.commit).unwrap();
    }
    verifier.flush().unwrap();
    let mut bytes = Vec::new();
    verifier.save(&mut bytes).unwrap();
    assert_eq!(bytes, saved(batches));
}

#[test]
fn the_same_lies_are_found_before_and_after_the_saved_position() {
    let flow = Flow::whole();
    let sound = &flow.book.batches;
    let stranger = SecretKey::from_seed(&[77; 32]);
    let ends = [1, sound.len() / 2, sound.len()];
    let saved: Vec<Vec<u8>> = ends.iter().map(|end| saved(&sound[..*end])).collect();
    let same = |batches: &[Batch], what: &str| {
        let whole = audit(batches, None);
        assert!(!whole.problems.is_empty(), "{what}: not noticed");
        for (end, saved) in ends.iter().zip(&saved) {
            let resumed = audit(batches, Some(saved));
            assert_eq!(resumed.problems, whole.problems, "{what}, after {end}");
            assert_eq!(resumed.report, None);
        }
    };
    for position in 0..flow.book.state.next() {
        let mut batches = sound.clone();
        rewrite(&mut batches, position, |_, head| head.recorded_at_ms += 1);
        same(&batches, &format!("the head of record {position}"));
        rechain(&mut batches, &Commits::Edited);
        same(&batches, &format!("record {position}, chained again"));
        rechain(&mut batches, &Commits::Signed(&stranger));
        same(
            &batches,
            &format!("record {position}, signed by a stranger"),
        );

        let mut batches = sound.clone();
        rewrite(&mut batches, position, |record, _| {
            if let Some(part) = record.events.first_mut() {
                let mut body = part.body.to_vec();
                body.push(0);
                part.body = body.into();
            }
        });
        same(&batches, &format!("a part of record {position}"));
    }
    for index in 0..sound.len() {
        let mut batches = sound.clone();
        let mut commit = batches[index].commit.to_vec();
        *commit.last_mut().unwrap() ^= 1;
        batches[index].commit = commit.into();
        same(&batches, &format!("the signature of batch {index}"));
    }
}

#[test]
fn a_journal_that_lost_what_was_verified_is_verified_anew_and_that_is_said() {
    let flow = Flow::whole();
    let batches = &flow.book.batches;
    let saved = saved(batches);
    let cut = audit(&batches[..batches.len() - 1], Some(&saved));
    let last = batches.last().unwrap();
    let had = last.first_position + last.records.len() as u64;
    assert!(
        matches!(&cut.problems[..], [Problem::NotAsVerified { position, .. }] if position + 1 == had),
        "{:?}",
        cut.problems
    );
    assert!(cut.unfit.unwrap().contains("was it cut"));
    assert_eq!(cut.resumed, None);
    assert!(cut.report.is_some());

    // Another story of the same ledger.
    let other = Flow::twenty();
    let mut joined = other.book.batches.clone();
    joined.truncate(batches.len());
    let anew = audit(&joined, Some(&saved));
    assert!(anew.unfit.is_some());
    assert!(matches!(anew.problems[..], [Problem::NotAsVerified { .. }]));
}

#[test]
fn no_byte_of_what_is_saved_can_be_another() {
    let flow = Flow::whole();
    let bytes = saved(&flow.book.batches[..1]);
    let restored = |bytes: &[u8]| Verifier::restore(&mut &bytes[..], Expect::default());
    assert!(restored(&bytes).is_ok());
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(restored(&changed).is_err(), "byte {at}");
        assert!(restored(&bytes[..at]).is_err(), "cut at {at}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert!(restored(&longer).is_err());

    // One that was made anew, with its hash, is held against itself.
    let sealed = |mut bytes: Vec<u8>| {
        let end = bytes.len() - 32;
        let hash = *blake3::hash(&bytes[..end]).as_bytes();
        bytes[end..].copy_from_slice(&hash);
        bytes
    };
    assert!(restored(&sealed(bytes.clone())).is_ok());
    let (digest, root) = (8 + 8 + 32 + 8, 8 + 8 + 32 + 8 + 32);
    for at in [digest, root, 8 + 7, bytes.len() - 33] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(restored(&sealed(changed)).is_err(), "byte {at}");
    }
    let expect = Expect {
        genesis_hash: Some(hazledger::event::Hash([1; 32])),
        ..Expect::default()
    };
    assert!(Verifier::restore(&mut &bytes[..], expect).is_err());
}

#[test]
fn batches_of_nothing_are_not_waited_with_for_ever() {
    let nothing = bytes::Bytes::new();
    let mut verifier = Verifier::new(Expect::default());
    let mut sent = 0..100_000;
    assert!(sent.any(|_| verifier.batch(0, &[], &nothing).is_err()));
}

fn leaves(batches: &[Batch]) -> Vec<TreeHash> {
    let records = batches.iter().flat_map(|batch| &batch.records);
    records
        .map(|record| leaf_hash(&Record::decode(record.clone()).unwrap().head))
        .collect()
}

fn root(leaves: &[TreeHash]) -> TreeHash {
    let mut frontier = Frontier::new();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

#[test]
fn checkpoints_and_receipts_are_held_against_the_tree() {
    let flow = Flow::whole();
    let batches = &flow.book.batches;
    let leaves = leaves(batches);
    let name = {
        let mut verifier = Verifier::new(Expect::default());
        let first = &batches[0];
        verifier.batch(0, &first.records, &first.commit).unwrap();
        verifier.flush().unwrap();
        verifier.origin_name().unwrap().to_owned()
    };
    let note = |key: &SecretKey, size: u64, root: TreeHash| {
        let checkpoint = Checkpoint::new(&name, size, root).unwrap();
        sign_checkpoint(key, &checkpoint).to_string()
    };
    let whole = |size: usize| root(&leaves[..size]);
    let against = |notes: &[String], receipts: &[Receipt]| {
        let checkpoints: Vec<KeptCheckpoint> = notes
            .iter()
            .map(|note| KeptCheckpoint {
                name: "kept.note".into(),
                note: note.clone(),
                published: true,
            })
            .collect();
        let receipts: Vec<KeptReceipt> = receipts
            .iter()
            .map(|receipt| KeptReceipt {
                name: "kept.receipt".into(),
                receipt: receipt.clone(),
            })
            .collect();
        let proofs = Proofs {
            checkpoints: &checkpoints,
            receipts: &receipts,
            ..Proofs::default()
        };
        let storage = write(batches);
        let expect = Expect::default();
        verify_whole(&storage, &expect, &proofs, None, &mut |_| {}, &mut |_| {})
    };
    let ledger = &flow.book.ledger;
    let all: Vec<String> = (0..=leaves.len())
        .map(|size| note(ledger, size as u64, whole(size)))
        .collect();
    let audit = against(&all, &[]);
    assert_eq!(audit.problems, Vec::<Problem>::new());
    assert_eq!(audit.checkpoints, leaves.len() + 1);
    assert_eq!(audit.report.unwrap().tree_root, whole(leaves.len()));

    let size = leaves.len() as u64;
    let beyond = against(&[note(ledger, size + 1, whole(1))], &[]);
    assert!(matches!(
        beyond.problems[..],
        [Problem::CheckpointLost { .. }]
    ));
    let other = against(&[note(ledger, size - 1, whole(1))], &[]);
    assert!(matches!(
        other.problems[..],
        [Problem::CheckpointDiffers { .. }]
    ));
    assert!(other.report.is_some(), "the journal itself is sound");
    let stranger = SecretKey::from_seed(&[77; 32]);
    let forged = against(&[note(&stranger, size, whole(leaves.len()))], &[]);
    assert!(matches!(
        forged.problems[..],
        [Problem::BadCheckpoint { .. }]
    ));

    // A tree of two: the path of either is the other.
    let receipt = |record: usize| Receipt {
        head: Record::decode(
            batches
                .iter()
                .flat_map(|batch| &batch.records)
                .nth(record)
                .unwrap()
                .clone(),
        )
        .unwrap()
        .head,
        path: vec![leaves[1 - record].to_bytes()],
        checkpoint: note(ledger, 2, whole(2)),
    };
    let audit = against(&[], &[receipt(0), receipt(1)]);
    assert_eq!(audit.problems, Vec::<Problem>::new());
    assert_eq!(audit.receipts, 2);
    let mut broken = receipt(1);
    broken.path = vec![leaves[1].to_bytes()];
    let audit = against(&[], &[broken]);
    assert!(matches!(audit.problems[..], [Problem::BadReceipt { .. }]));
}
