//! What has frozen into bytes: a journal told by the story is the golden one,
//! byte for byte; the same records give the same state on any machine, with
//! or without their event bodies; and no field of the state escapes its
//! digest.
//!
//! A change of these bytes is a change of the format: ledgers that exist could
//! no longer be read or verified. If that is meant, say so in FORMAT.md, run
//! `HAZLEDGER_BLESS=1 cargo test --test format` and commit tests/golden/.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "rules/bench.rs"]
mod bench;
#[path = "format/fields.rs"]
mod fields;
#[path = "rules/rulebook.rs"]
mod rulebook;
#[path = "rules/story.rs"]
mod story;
#[path = "rules/tanks.rs"]
mod tanks;
#[path = "rules/verbs.rs"]
mod verbs;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Once;

use bytes::Bytes;
use hazledger::custody::registry::is_registry;
use hazledger::custody::rotation::sworn;
use hazledger::custody::state::{StoredItem, leaf_digest, nowhere};
use hazledger::custody::subject::is_open;
use hazledger::custody::{Item, Key, State, account, leaf, lot};
use hazledger::event::Hash;
use hazledger::event::record::OpenRecord;
use hazledger::journal::{Batch, Journal, JournalOptions, Reader};
use hazledger::pb::event::Body;
use hazledger::pb::{Account, AccountKind, LedgerKeyRotated, LotState, PackageRange, Part, Record};
use hazledger::proof::{Expect, Verifier, check_commit, sign_commit};
use hazledger::storage::sim::SimStorage;
use hazledger::storage::{Storage, StorageFile};
use prost::Message as _;
use prost_reflect::DescriptorPool;

use bench::{Bench, key, ledger_name};

/// The golden journal's one segment, by its name in the journal.
const SEGMENT: &str = "00000000000000000000.seg";
/// Records of a batch; the last has what is left.
const BATCH: usize = 5;

/// The story, at whose end another key takes the place of the ledger's: its
/// record ends the last batch.
fn told() -> Bench {
    let mut story = story::tell();
    let genesis_hash = story.origin.genesis_hash.clone();
    let rotated = LedgerKeyRotated {
        reason: "the yearly one".into(),
        ..sworn(&genesis_hash, key("ledger").id(), &key(&ledger_name(1)))
    };
    let said = story.say("A1+A2", Body::LedgerKeyRotated(rotated));
    said.unwrap();
    story
}

/// A golden file as committed; if blessed, as it is now, and written so.
fn golden(name: &str) -> Vec<u8> {
    static BLESSED: Once = Once::new();
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    if std::env::var_os("HAZLEDGER_BLESS").is_some() {
        BLESSED.call_once(|| {
            let story = told();
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("journal.seg"), journal_of(&story)).unwrap();
            std::fs::write(folder.join("digest.txt"), digests(&story)).unwrap();
        });
    }
    std::fs::read(folder.join(name)).unwrap()
}

fn compare(name: &str, bytes: &[u8]) {
    let wanted = golden(name);
    let first = wanted.iter().zip(bytes).position(|(a, b)| a != b);
    assert!(
        wanted == bytes,
        "{name}: {} bytes, {} golden ones, first difference at {first:?}; if the format is meant to \
         change, see the head of tests/format.rs",
        bytes.len(),
        wanted.len()
    );
}

/// The story as the ledger's writer would store it.
fn journal_of(story: &Bench) -> Vec<u8> {
    let storage = SimStorage::new();
    let genesis = story.records[0].0.hash;
    let options = JournalOptions {
        segment_bytes: 1 << 20,
    };
    let mut journal = Journal::create(storage.clone(), genesis.0, options).unwrap();
    let mut first_position = 0;
    for records in story.records.chunks(BATCH) {
        let heads: Vec<Hash> = records.iter().map(|(sealed, _)| sealed.hash).collect();
        let commit = sign_commit(&key("ledger"), genesis, first_position, &heads);
        let batch = Batch {
            first_position,
            records: records
                .iter()
                .map(|(sealed, _)| sealed.bytes.clone())
                .collect(),
            commit: commit.encode_to_vec().into(),
            last_head: heads[heads.len() - 1].0,
        };
        journal.append(&batch).unwrap();
        first_position += records.len() as u64;
    }
    journal.close().unwrap();
    storage.bytes(SEGMENT).unwrap()
}

/// The golden journal, opened.
fn golden_reader() -> Reader<SimStorage> {
    let storage = SimStorage::new();
    let file = storage.create(SEGMENT).unwrap();
    file.write_all_at(&golden("journal.seg"), 0).unwrap();
    file.sync_data().unwrap();
    storage.sync_dir().unwrap();
    let (journal, recovery) = Journal::open(storage, None, 0, JournalOptions::default()).unwrap();
    assert!(recovery.torn.is_none(), "it was stopped cleanly");
    journal.reader()
}

fn golden_records() -> Vec<Bytes> {
    let reader = golden_reader();
    (0..reader.committed())
        .map(|p| reader.record(p).unwrap().unwrap())
        .collect()
}

/// Folds records and tells the digest after each.
fn folded(records: impl IntoIterator<Item = Bytes>) -> Vec<Hash> {
    let mut state = State::new();
    let digest = |bytes: Bytes| {
        state
            .apply(&OpenRecord::open(&bytes).unwrap(), &mut nowhere)
            .unwrap();
        state.digest()
    };
    records.into_iter().map(digest).collect()
}

/// One line a record: position, head hash, state digest.
fn digests(story: &Bench) -> String {
    let mut text = String::new();
    for (position, (sealed, digest)) in story.records.iter().enumerate() {
        let _ = writeln!(text, "{position} {} {digest}", sealed.hash);
    }
    text
}

#[test]
fn the_story_gives_the_golden_journal_byte_for_byte() {
    let story = told();
    compare("journal.seg", &journal_of(&story));
    compare("digest.txt", digests(&story).as_bytes());
}

#[test]
fn the_story_says_every_kind_of_event_that_is_live() {
    let pool = DescriptorPool::decode(hazledger::pb::DESCRIPTORS).unwrap();
    let event = pool.get_message_by_name("hazledger.v1.Event").unwrap();
    let live: BTreeSet<String> = event
        .oneofs()
        .flat_map(|o| o.fields().collect::<Vec<_>>())
        .map(|f| f.name().to_owned())
        .collect();
    let mut told = BTreeSet::new();
    for bytes in golden_records() {
        for event in OpenRecord::open(&bytes).unwrap().events.iter().flatten() {
            let kind = hazledger::event::statement::kind_of(event);
            told.insert(hazledger::event::statement::kind_name(kind));
        }
    }
    assert_eq!(told, live);
}

#[test]
fn every_batch_of_the_golden_journal_is_signed_by_its_ledger() {
    let reader = golden_reader();
    let records = golden_records();
    let genesis = OpenRecord::open(&records[0]).unwrap().hash;
    let mut position = 0;
    while let Some(batch) = reader.batch(position).unwrap() {
        let signed = hazledger::pb::SignedCommit::decode(batch.commit.clone()).unwrap();
        let commit = check_commit(key("ledger").public(), genesis, &signed).unwrap();
        assert_eq!(commit.first_position, position);
        position = batch.end_position();
    }
    assert_eq!(position, records.len() as u64);
}

#[test]
fn the_verifier_finds_nothing_wrong_with_the_golden_journal() {
    let mut verifier = Verifier::new(Expect::default());
    for batch in golden_reader().batches(0) {
        let batch = batch.unwrap();
        verifier
            .batch(batch.first_position, &batch.records, &batch.commit)
            .unwrap();
    }
    let report = verifier.finish().unwrap();
    assert_eq!(report.records, golden_records().len() as u64);
    assert_eq!(report.withheld, 0);
}

#[test]
fn rebuilding_gives_the_state_that_was_written_at_every_position() {
    let text = String::from_utf8(golden("digest.txt")).unwrap();
    let wanted: Vec<&str> = text
        .lines()
        .map(|l| l.rsplit(' ').next().unwrap())
        .collect();
    let got: Vec<String> = folded(golden_records())
        .iter()
        .map(Hash::to_string)
        .collect();
    assert_eq!(got, wanted);
}

#[test]
fn a_state_record_tells_the_digest_of_the_position_before() {
    let records = golden_records();
    let digests = folded(records.clone());
    let mut seen = 0;
    for (position, bytes) in records.iter().enumerate().skip(1) {
        let record = OpenRecord::open(bytes).unwrap();
        let is_due = (position as u64).is_multiple_of(story::INTERVAL);
        let Some(hazledger::pb::event::Body::StateRecorded(e)) =
            record.events[0].clone().unwrap().body
        else {
            assert!(!is_due, "a state record stands at {position}");
            continue;
        };
        assert!(is_due);
        assert_eq!(e.state_digest.as_ref(), digests[position - 1].0);
        seen += 1;
    }
    assert!(seen >= 3);
}

/// A record with the bodies withheld that are not the registry's.
fn withheld(bytes: &Bytes) -> (Bytes, usize) {
    let mut record = Record::decode(bytes.clone()).unwrap();
    let open = OpenRecord::open(bytes).unwrap();
    let mut count = 0;
    for (part, event) in record.events.iter_mut().zip(&open.events) {
        if !is_registry(event.as_ref().unwrap()) {
            *part = Part::default();
            count += 1;
        }
    }
    (record.encode_to_vec().into(), count)
}

#[test]
fn the_fold_reads_no_event_body_but_the_registrys() {
    let records = golden_records();
    let without: Vec<(Bytes, usize)> = records.iter().map(withheld).collect();
    assert!(without.iter().map(|(_, count)| count).sum::<usize>() > 30);
    assert_eq!(
        folded(without.into_iter().map(|(bytes, _)| bytes)),
        folded(records)
    );
}

/// What is done to a record, and why it then does not fit.
type Tamper = fn(&mut OpenRecord);

#[rustfmt::skip]
const TAMPERED: &[(Tamper, &str)] = &[
    (|r| r.head.position += 1, "Position"),
    (|r| r.head.previous = Bytes::from(vec![1; 32]), "Previous"),
    (|r| r.head.previous = Bytes::new(), "Previous"),
    (|r| r.head.recorded_at_ms = 0, "Time"),
    (|r| r.links[0] = None, "Withheld"),
    (|r| r.outcomes[0] = None, "Withheld"),
    (|r| r.links.reverse(), "Unlinked"),
    (|r| r.links.push(r.links[r.links.len() - 1].clone()), "Unlinked"),
    (|r| drop(r.links.remove(0)), "Unknown"),
    (|r| r.links[0].as_mut().unwrap().subject = None, "Unlinked"),
    (|r| r.links[0].as_mut().unwrap().previous = Some(0), "Link"),
    (|r| r.links[0].as_mut().unwrap().previous = None, "Link"),
    (|r| r.links.last_mut().unwrap().as_mut().unwrap().previous = Some(0), "Link"),
    (|r| drop(r.outcomes[0].as_mut().unwrap().changes.pop()), "Law"),
    (|r| r.outcomes[0].as_mut().unwrap().changes[0].change = None, "Law"),
    (|r| r.outcomes.push(r.outcomes[0].clone()), "Law"),
    (|r| r.outcomes[0].as_mut().unwrap().subject = Some(hazledger::custody::subject::party("X")), "Unknown"),
];

#[test]
fn a_record_that_does_not_fit_is_not_folded_and_changes_nothing() {
    let records = golden_records();
    let is_move = |bytes: &Bytes| {
        let event = OpenRecord::open(bytes).unwrap().events[0].clone().unwrap();
        matches!(event.body, Some(hazledger::pb::event::Body::Used(_)))
    };
    let at = records.iter().position(is_move).unwrap();
    let mut state = State::new();
    for bytes in &records[..at] {
        state
            .apply(&OpenRecord::open(bytes).unwrap(), &mut nowhere)
            .unwrap();
    }
    let (before, good) = (state.digest(), OpenRecord::open(&records[at]).unwrap());
    for (line, (tamper, wanted)) in TAMPERED.iter().enumerate() {
        let mut record = good.clone();
        tamper(&mut record);
        let error = format!("{:?}", state.apply(&record, &mut nowhere).unwrap_err());
        assert!(error.starts_with(wanted), "line {line}: {error}");
        assert_eq!((state.digest(), state.next()), (before, at as u64));
    }
    state.apply(&good, &mut nowhere).unwrap();
}

#[test]
fn a_state_put_together_from_its_items_in_any_order_has_the_same_digest() {
    let state = told().apart().1;
    let mut items: Vec<_> = state
        .items()
        .map(|(s, i)| (s, i.as_ref().clone()))
        .collect();
    for turn in 0..4 {
        items.rotate_left(7 + turn);
        items.reverse();
        let again = State::restore(
            items.clone(),
            state.next(),
            state.last_head(),
            state.recorded_at_ms(),
        );
        assert_eq!(again.digest(), state.digest());
    }
    // Stock says nothing that the lots do not, and is not in it.
    let counts = |item: &Item| is_open(item) && !matches!(item, Item::Stock(_));
    let dropped = items.iter().position(|(_, i)| counts(i)).unwrap();
    items.remove(dropped);
    let less = State::restore(
        items,
        state.next(),
        state.last_head(),
        state.recorded_at_ms(),
    );
    assert_ne!(less.digest(), state.digest());
}

#[test]
fn a_state_put_together_from_stored_items_has_the_same_digest_and_the_same_items() {
    let state = told().apart().1;
    let open = || {
        let items = state.items();
        items.filter(|(_, item)| hazledger::custody::subject::is_open(item))
    };
    let stored = open().map(|(subject, item)| {
        let bytes = leaf::encoded(&item);
        let stored = StoredItem {
            digest: leaf::digest_of(subject.kind, &subject.id, &bytes),
            bytes: bytes.into(),
            last: hazledger::custody::subject::last(&item),
        };
        (Key::of(&subject), stored)
    });
    let again = State::restore_stored(
        vec![stored.collect()],
        state.next(),
        state.last_head(),
        state.recorded_at_ms(),
    );
    assert_eq!(again.digest(), state.digest());
    assert!(again.items().eq(open()));
}

#[test]
fn closed_items_are_not_in_the_digest_so_eviction_changes_nothing() {
    let mut state = told().apart().1;
    let before = state.digest();
    assert!(state.evict_closed(u64::MAX) > 0);
    assert_eq!(state.digest(), before);
}

/// What may be done to a lot's books in any order.
type Step = fn(&mut LotState);

fn posted(lot: &mut LotState, account: &Account, gross: i64) {
    let amount = lot::Amount {
        gross,
        contained: gross / 2,
    };
    lot::post(lot, account, amount).unwrap();
}

fn packages(first: u64, last: u64) -> PackageRange {
    PackageRange {
        first,
        last,
        gross_mg_each: 10,
        contained_mg_each: 5,
        ..PackageRange::default()
    }
}

#[test]
fn a_lots_item_does_not_depend_on_the_order_of_what_was_done() {
    let steps: [Step; 8] = [
        |l| posted(l, &account::plain(AccountKind::Produced), -300),
        |l| posted(l, &account::held("P", "T2"), 200),
        |l| posted(l, &account::held("P", "T1"), 100),
        |l| lot::add_packages(l, packages(4, 6)).unwrap(),
        |l| lot::add_packages(l, packages(1, 3)).unwrap(),
        |l| lot::post_title(l, "W", 5).unwrap(),
        |l| lot::post_title(l, "P", 7).unwrap(),
        |l| {
            for handoff in [[2; 16], [1; 16]] {
                let account = account::held("P", "T1");
                lot::reserve_loose(l, &Bytes::copy_from_slice(&handoff), Some(&account), 1)
                    .unwrap();
            }
        },
    ];
    let subject = hazledger::custody::subject::lot(hazledger::event::LotId([1; 16]));
    let mut seen = BTreeSet::new();
    for turn in 0..steps.len() {
        for reversed in [false, true] {
            let mut order = steps;
            order.rotate_left(turn);
            if reversed {
                order.reverse();
            }
            let mut lot = LotState::default();
            for step in order {
                step(&mut lot);
            }
            seen.insert(leaf_digest(&subject, &hazledger::custody::Item::Lot(lot)));
        }
    }
    assert_eq!(seen.len(), 1);
}

#[test]
fn changing_any_field_of_the_state_changes_its_digest() {
    let state = told().apart().1;
    let mut walk = fields::Walk::default();
    for (subject, item) in state.items() {
        walk.item(&subject, &item);
    }
    assert!(
        walk.escaped.is_empty(),
        "these can be changed unseen: {:#?}",
        walk.escaped
    );
    assert_eq!(walk.seen_of_state(), fields::all_of_state());
    println!("{} changes, {} fields", walk.changes, walk.seen.len());
}
