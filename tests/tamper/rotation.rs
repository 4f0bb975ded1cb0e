//! The ledger's key, rotated: whoever pins the genesis hash follows it in the
//! records, and nobody passes off one key's word as another's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use bytes::Bytes;
use hazledger::audit::{Audit, Kept, Problem, verify_chain, verify_journal};
use hazledger::custody::rotation::sworn;
use hazledger::event::Hash;
use hazledger::event::digest::head_hash;
use hazledger::event::signing::{PublicKey, SecretKey};
use hazledger::journal::Batch;
use hazledger::pb::event::Body;
use hazledger::pb::{Event, LedgerKeyRotated, Part, Record};
use hazledger::proof::{
    BadCommit, ChainVerifier, Expect, Failure, LedgerKeys, Report, Verifier, Violation, sign_commit,
};
use prost::Message as _;

use super::book::{Book, Entry, Member, event, key};
use super::flow::{Flow, produced};
use super::{rewrite, write};

/// Whether each batch is verified before the next is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turns {
    Each,
    Together,
}

fn full(batches: &[Batch], expect: Expect, turns: Turns) -> Result<Report, Failure> {
    let mut verifier = Verifier::new(expect);
    for batch in batches {
        verifier.batch(batch.first_position, &batch.records, &batch.commit)?;
        if turns == Turns::Each {
            verifier.flush()?;
        }
    }
    verifier.finish()
}

fn chain(batches: &[Batch], expect: Expect, turns: Turns) -> Result<Report, Failure> {
    let mut verifier = ChainVerifier::new(expect);
    for batch in batches {
        verifier.batch(batch.first_position, &batch.records, &batch.commit)?;
        if turns == Turns::Each {
            verifier.flush()?;
        }
    }
    verifier.finish()
}

type Verify = fn(&[Batch], Expect, Turns) -> Result<Report, Failure>;

/// What both verifiers say, batch by batch and all at once.
fn all(batches: &[Batch], expect: &Expect) -> Vec<Result<Report, Failure>> {
    let mut said = Vec::new();
    for verify in [full as Verify, chain as Verify] {
        for turns in [Turns::Each, Turns::Together] {
            said.push(verify(batches, expect.clone(), turns));
        }
    }
    said
}

fn refused_by_all(batches: &[Batch], position: u64, what: impl Fn(&Violation) -> bool) {
    for said in all(batches, &Expect::default()) {
        let failure = said.unwrap_err();
        assert_eq!(*failure.positions.start(), position, "{failure}");
        assert!(what(&failure.what), "{failure}");
    }
}

fn is_rotation(violation: &Violation) -> bool {
    matches!(violation, Violation::Rotation(_))
}

fn signed_by_another(violation: &Violation) -> bool {
    matches!(violation, Violation::Commit(BadCommit::Signature(_)))
}

fn lot(book: &mut Book, maker: &Member, label: &str) {
    let body = produced(label, 1_000_000, "T1");
    book.submit(maker, &[], vec![event(body)]);
}

/// One to the key 101, decided.
fn rotation(book: &mut Book) -> Entry {
    let e = book.rotation_to(&key(101));
    book.rotation_entry(e)
}

/// A verification that was put down before a rotation goes on over it, and
/// whoever expects another key than the last is told at the end.
#[test]
fn a_saved_verification_goes_on_over_a_rotation() {
    let (flow, _) = twice();
    let batches = &flow.book.batches;
    let expect = |seed| Expect {
        ledger_key: Some(key(seed).public().clone()),
        ..Expect::default()
    };
    for done in 1..batches.len() {
        let (before, after) = batches.split_at(done);
        let mut verifier = Verifier::new(Expect::default());
        for batch in before {
            let (first, commit) = (batch.first_position, &batch.commit);
            verifier.batch(first, &batch.records, commit).unwrap();
        }
        verifier.flush().unwrap();
        let mut saved = Vec::new();
        verifier.save(&mut saved).unwrap();
        for (seed, holds) in [(102, true), (101, false)] {
            let mut resumed = Verifier::restore(&mut &saved[..], expect(seed)).unwrap();
            for batch in after {
                let (first, commit) = (batch.first_position, &batch.commit);
                resumed.batch(first, &batch.records, commit).unwrap();
            }
            assert_eq!(resumed.finish().is_ok(), holds, "after {done} batches");
        }
    }
}

/// A history with two rotations in it, and batches before, between and after.
fn twice() -> (Flow, [u64; 2]) {
    let mut flow = Flow::start();
    let maker = flow.cast.maker.clone();
    let book = &mut flow.book;
    lot(book, &maker, "L2");
    let first = book.rotate(key(101));
    for label in ["L3", "L4", "L5"] {
        lot(book, &maker, label);
        book.commit();
    }
    let second = book.rotate(key(102));
    for label in ["L6", "L7"] {
        lot(book, &maker, label);
    }
    book.commit();
    (flow, [first, second])
}

fn public(key: &SecretKey) -> PublicKey {
    key.public().clone()
}

fn kept(book: &Book) -> Vec<Kept> {
    let acknowledgements = book.acknowledgements.iter().enumerate();
    let kept = acknowledgements.map(|(position, acknowledgement)| Kept {
        name: format!("{position}.ack"),
        acknowledgement: acknowledgement.clone(),
    });
    kept.collect()
}

#[test]
fn whoever_pins_the_genesis_hash_follows_two_rotations() {
    let (flow, [first, second]) = twice();
    let expect = Expect {
        genesis_hash: Some(flow.book.genesis_hash),
        ..Expect::default()
    };
    for said in all(&flow.book.batches, &expect) {
        let report = said.unwrap();
        assert_eq!(report.ledger_key, Some(key(102).id()));
        let keys = [
            (0, key(1).id()),
            (first + 1, key(101).id()),
            (second + 1, key(102).id()),
        ];
        assert_eq!(report.ledger_keys, keys);
    }
}

#[test]
fn acknowledgements_of_each_key_hold_against_the_journal() {
    let (flow, _) = twice();
    let kept = kept(&flow.book);
    let storage = write(&flow.book.batches);
    let audits: [Audit; 2] = [
        verify_journal(&storage, &Expect::default(), &kept, &mut |_| {}),
        verify_chain(&storage, &Expect::default(), &kept, &mut |_| {}),
    ];
    for audit in audits {
        assert_eq!(audit.problems, Vec::<Problem>::new());
        assert_eq!(audit.acknowledged, kept.len());
        assert!(audit.report.is_some());
    }
}

#[test]
fn a_key_that_is_given_is_compared_with_the_one_in_force() {
    let (flow, [_, second]) = twice();
    let expect = |key: &SecretKey| Expect {
        ledger_key: Some(public(key)),
        ..Expect::default()
    };
    for said in all(&flow.book.batches, &expect(&key(102))) {
        assert_eq!(said.unwrap().ledger_key, Some(key(102).id()));
    }
    for other in [key(1), key(101), key(103)] {
        for said in all(&flow.book.batches, &expect(&other)) {
            let failure = said.unwrap_err();
            let want = Violation::LedgerKey {
                got: key(102).id(),
                want: other.id(),
            };
            assert_eq!(failure.what, want);
            assert_eq!(*failure.positions.start(), second);
        }
        // An audit says so too, though every record holds.
        let storage = write(&flow.book.batches);
        let audit = verify_journal(&storage, &expect(&other), &[], &mut |_| {});
        assert!(audit.report.is_none() && audit.problems.len() == 1);
    }
}

/// The commit of the batch with this record in it, made again with a key.
fn signed_again(flow: &mut Flow, position: u64, key: &SecretKey) -> u64 {
    let genesis = flow.book.genesis_hash;
    let batches = &mut flow.book.batches;
    let holds = |batch: &&mut Batch| batch.first_position <= position;
    let batch = batches.iter_mut().rfind(holds).unwrap();
    let heads = batch.records.iter().map(|record| {
        let record = Record::decode(record.clone()).unwrap();
        head_hash(&record.head)
    });
    let heads: Vec<Hash> = heads.collect();
    let signed = sign_commit(key, genesis, batch.first_position, &heads);
    batch.commit = signed.encode_to_vec().into();
    batch.first_position
}

#[test]
fn no_key_signs_a_batch_of_anothers_time() {
    let keys = [key(1), key(101), key(102)];
    let (_, [first, second]) = twice();
    // Up to each rotation, that one's own batch included, and after it.
    let times = [
        (first - 1, 0),
        (first, 0),
        (first + 1, 1),
        (second, 1),
        (second + 1, 2),
    ];
    for (position, right) in times {
        for (number, key) in keys.iter().enumerate() {
            let (mut flow, _) = twice();
            let begins = signed_again(&mut flow, position, key);
            if number == right {
                let said = all(&flow.book.batches, &Expect::default());
                assert!(said.iter().all(Result::is_ok), "{position} {number}");
            } else {
                refused_by_all(&flow.book.batches, begins, signed_by_another);
            }
        }
    }
}

/// A rotation that the ledger did not decide so, in a batch of its own.
fn cheat(change: impl FnOnce(&mut LedgerKeyRotated, &mut Entry)) -> (Flow, u64) {
    let mut flow = Flow::start();
    let mut e = flow.book.rotation_to(&key(101));
    let mut entry = flow.book.rotation_entry(e.clone());
    change(&mut e, &mut entry);
    // By the same two, over the event as it is now.
    let draft = flow.book.rotation_draft(e);
    let (first, second) = (flow.book.authority.clone(), flow.book.second.clone());
    entry.signed = draft.sign(&first.key, &[&second.key]);
    let position = flow.book.append(&entry);
    flow.book.commit();
    (flow, position)
}

#[test]
fn a_rotation_that_the_new_key_did_not_sign_for_is_refused() {
    let vows: [fn(&mut LedgerKeyRotated); 3] = [
        |e| e.possession = Bytes::new(),
        |e| e.possession = Bytes::from(vec![0; 64]),
        |e| e.possession = sworn(&[3; 32], key(1).id(), &key(101)).possession,
    ];
    for vow in vows {
        let (flow, position) = cheat(|e, _| vow(e));
        refused_by_all(&flow.book.batches, position, is_rotation);
    }
}

#[test]
fn a_rotation_that_does_not_go_on_from_the_key_in_force_is_refused() {
    let (mut flow, [first, second]) = twice();
    // Both keys are the ledger's, and the order is not theirs.
    let e = LedgerKeyRotated {
        reason: "back".to_owned(),
        ..sworn(&flow.book.genesis_hash.0, key(101).id(), &key(103))
    };
    let mut entry = {
        let e = flow.book.rotation_to(&key(103));
        flow.book.rotation_entry(e)
    };
    let draft = flow.book.rotation_draft(e);
    let (one, two) = (flow.book.authority.clone(), flow.book.second.clone());
    entry.signed = draft.sign(&one.key, &[&two.key]);
    let position = flow.book.append(&entry);
    flow.book.commit();
    assert!(first < second && second < position);
    refused_by_all(&flow.book.batches, position, is_rotation);
}

#[test]
fn a_rotation_ends_its_batch() {
    let mut flow = Flow::start();
    let maker = flow.cast.maker.clone();
    let entry = rotation(&mut flow.book);
    let position = flow.book.append(&entry);
    lot(&mut flow.book, &maker, "L2");
    flow.book.commit();
    refused_by_all(&flow.book.batches, position, is_rotation);
}

/// The signatures on a rotation are the registry's to judge: heads alone do
/// not tell whose they must be.
#[test]
fn a_rotation_by_too_few_of_the_authority_is_refused() {
    let mut flow = Flow::start();
    let e = flow.book.rotation_to(&key(101));
    let mut entry = flow.book.rotation_entry(e.clone());
    let first = flow.book.authority.clone();
    let second = hazledger::custody::subject::key(flow.book.second.key.id());
    entry.signed = flow.book.rotation_draft(e).sign(&first.key, &[]);
    let links = &mut entry.additions.links;
    links.retain(|link| link.subject.as_ref() != Some(&second));
    let position = flow.book.append(&entry);
    flow.book.commit();
    for turns in [Turns::Each, Turns::Together] {
        let failure = full(&flow.book.batches, Expect::default(), turns).unwrap_err();
        assert_eq!(*failure.positions.start(), position);
        assert!(is_rotation(&failure.what), "{failure}");
    }
}

#[test]
fn a_rotation_to_a_partys_key_is_refused() {
    let mut flow = Flow::start();
    let theirs = flow.cast.maker.key.clone();
    let e = LedgerKeyRotated {
        reason: "theirs".to_owned(),
        ..sworn(&flow.book.genesis_hash.0, key(1).id(), &theirs)
    };
    let mut entry = rotation(&mut flow.book);
    let draft = flow.book.rotation_draft(e);
    let (one, two) = (flow.book.authority.clone(), flow.book.second.clone());
    entry.signed = draft.sign(&one.key, &[&two.key]);
    let position = flow.book.append(&entry);
    flow.book.commit();
    let failure = full(&flow.book.batches, Expect::default(), Turns::Each).unwrap_err();
    assert_eq!(*failure.positions.start(), position);
    assert!(is_rotation(&failure.what), "{failure}");
}

/// A thief of the earlier key hides the rotation and goes on with it.
#[test]
fn a_rotation_cannot_be_withheld() {
    let (flow, [first, _]) = twice();
    let mut batches = flow.book.batches;
    rewrite::rewrite(&mut batches, first, |record, _| {
        record.events[0] = Part::default();
    });
    refused_by_all(&batches, first, |what| {
        matches!(what, Violation::WithheldRegistry(0))
    });
    // Nor another event shown in its place.
    rewrite::rewrite(&mut batches, first, |record, _| {
        let other: Event = event(produced("L9", 1, "T1"));
        record.events[0] = Part {
            salt: Bytes::from(vec![0; 16]),
            body: other.encode_to_vec().into(),
        };
    });
    refused_by_all(&batches, first, |what| matches!(what, Violation::Record(_)));
}

#[test]
fn beside_other_events_it_is_none() {
    let mut flow = Flow::start();
    let e = flow.book.rotation_to(&key(101));
    let mut entry = flow.book.rotation_entry(e.clone());
    let mut draft = flow.book.rotation_draft(e);
    draft.events.push(event(produced("L9", 1, "T1")));
    let (one, two) = (flow.book.authority.clone(), flow.book.second.clone());
    entry.signed = draft.sign(&one.key, &[&two.key]);
    let position = flow.book.append(&entry);
    flow.book.commit();
    let failure = full(&flow.book.batches, Expect::default(), Turns::Each).unwrap_err();
    assert_eq!(*failure.positions.start(), position);
    assert!(is_rotation(&failure.what), "{failure}");
    // Who reads heads alone does not follow it, and takes no word of its key.
    flow.book.ledger = key(101);
    let maker = flow.cast.maker.clone();
    lot(&mut flow.book, &maker, "L2");
    flow.book.commit();
    let failure = chain(&flow.book.batches, Expect::default(), Turns::Each).unwrap_err();
    assert!(signed_by_another(&failure.what), "{failure}");
}

#[test]
fn who_cannot_read_every_batch_takes_rotations_up_in_their_order() {
    let (flow, [first, second]) = twice();
    let batches = &flow.book.batches;
    let genesis = flow.book.genesis_hash;
    let ends = |position: u64| {
        let end = |b: &&Batch| b.first_position + b.records.len() as u64 == position + 1;
        batches.iter().find(end).unwrap()
    };
    let (one, two) = (ends(first), ends(second));
    let mut keys = LedgerKeys::new(public(&key(1)));
    let take = |keys: &mut LedgerKeys, b: &Batch| {
        keys.take_up(genesis, b.first_position, &b.records, &b.commit)
    };
    assert!(!take(&mut keys, two), "not before the first");
    assert!(!take(&mut keys, &batches[1]), "it holds none");
    let mut moved = one.clone();
    moved.first_position += 1;
    assert!(!take(&mut keys, &moved), "not where it stands");
    let forged = Batch {
        commit: two.commit.clone(),
        ..one.clone()
    };
    assert!(!take(&mut keys, &forged), "not by the key in force");
    assert!(take(&mut keys, one) && take(&mut keys, two));
    assert!(!take(&mut keys, two), "once");
    let ids: Vec<_> = keys.all().map(|(since, key)| (since, key.id())).collect();
    let want = [
        (0, key(1).id()),
        (first + 1, key(101).id()),
        (second + 1, key(102).id()),
    ];
    assert_eq!(ids, want);
    // No size of the tree is signed with two keys.
    let signs = |size: u64| keys.of_checkpoint(size).unwrap().id();
    assert_eq!(keys.of_checkpoint(0), None);
    assert_eq!(signs(first + 1), key(1).id());
    assert_eq!(signs(first + 2), key(101).id());
    assert_eq!(keys.of_refusal(first).id(), key(1).id());
    assert_eq!(keys.of_refusal(first + 1).id(), key(101).id());
    // The state says the same.
    let ledger = hazledger::custody::rotation::ledger_of(&flow.book.state).unwrap();
    assert_eq!(LedgerKeys::of(&ledger).unwrap(), keys);
}

/// The rule as the table of rules reaches it: not the last of its batch.
pub fn misplaced() -> Failure {
    let mut flow = Flow::start();
    let entry = rotation(&mut flow.book);
    flow.book.append(&entry);
    let maker = flow.cast.maker.clone();
    flow.book.state_record_if_due();
    let body = Body::Used(hazledger::pb::Used::default());
    let draft = flow.book.draft(&maker.party, vec![event(body)]);
    let entry = Entry {
        signed: draft.sign(&maker.key, &[]),
        additions: hazledger::event::record::Additions::default(),
    };
    flow.book.append(&entry);
    flow.book.commit();
    full(&flow.book.batches, Expect::default(), Turns::Together).unwrap_err()
}
