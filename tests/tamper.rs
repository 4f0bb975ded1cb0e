//! A journal that somebody has changed: every byte of it, every record, its
//! tail. The audit fails each time and names the record, else its batch.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

#[path = "support/book.rs"]
mod book;
#[path = "tamper/effects.rs"]
mod effects;
#[path = "support/flow.rs"]
mod flow;
#[path = "tamper/marks.rs"]
mod marks;
#[path = "tamper/rewrite.rs"]
mod rewrite;
#[path = "tamper/rotation.rs"]
mod rotation;
#[path = "tamper/rules.rs"]
mod rules;

use std::ops::RangeInclusive;

use flow::Flow;
use hazledger::audit::{Audit, Kept, Problem, verify_journal};
use hazledger::event::digest::{PartKind, SALT_LEN, part_digest};
use hazledger::journal::{Batch, FRAME_HEADER_BYTES, Journal, JournalOptions, scan};
use hazledger::proof::Expect;
use hazledger::storage::sim::SimStorage;
use hazledger::storage::{DirStorage, ReadOnlyFolder, Storage as _, StorageFile};
use rewrite::{Commits, first_head, rechain, rewrite};

/// Small, so that there are several segments with their tables.
const SEGMENT_BYTES: u32 = 12 * 1024;
/// FORMAT.md, "Header": the sum of its fields.
const HEADER_BYTES: usize = 8 + 4 + 32 + 8 + 32 + 4;

fn write(batches: &[Batch]) -> SimStorage {
    let storage = SimStorage::new();
    let options = JournalOptions {
        segment_bytes: SEGMENT_BYTES,
    };
    let origin = batches.first().map_or([0; 32], |batch| first_head(batch).0);
    let mut journal = Journal::create(storage.clone(), origin, options).unwrap();
    for batch in batches {
        journal.append(batch).unwrap();
    }
    journal.close().unwrap();
    storage
}

fn audit(storage: &SimStorage, kept: &[Kept]) -> Audit {
    verify_journal(storage, &Expect::default(), kept, &mut |_| {})
}

fn kept(flow: &Flow) -> Vec<Kept> {
    let name = |(position, acknowledgement): (usize, &hazledger::pb::Acknowledgement)| Kept {
        name: format!("{position}.ack"),
        acknowledgement: acknowledgement.clone(),
    };
    flow.book
        .acknowledgements
        .iter()
        .enumerate()
        .map(name)
        .collect()
}

fn positions(batch: &Batch) -> RangeInclusive<u64> {
    batch.first_position..=batch.first_position + batch.records.len() as u64 - 1
}

/// The first problem is of the journal and lies within these positions.
fn assert_named(audit: &Audit, within: &RangeInclusive<u64>, what: &str) {
    let first = audit
        .problems
        .first()
        .unwrap_or_else(|| panic!("{what}: not noticed"));
    assert!(audit.report.is_none(), "{what}: reported as verified");
    let named = match first {
        Problem::Rule(failure) => {
            within.contains(failure.positions.start()) && within.contains(failure.positions.end())
        }
        // Damage to a commit stands where the next record would.
        Problem::Damage(damage) => {
            within.contains(&damage.position) || within.contains(&damage.batch_position)
        }
        other => within.contains(&other.position()),
    };
    assert!(named, "{what}: named {first}, changed {within:?}");
}

/// Calls `each` with every item, from as many threads as there are cores; not
/// rayon's, which the verifier waits for.
fn on_all_cores<T: Sync>(items: &[T], each: impl Fn(&T) + Sync) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for first in 0..threads {
            let each = &each;
            scope.spawn(move || items.iter().skip(first).step_by(threads).for_each(each));
        }
    });
}

/// A frame, or a segment's header, as it stands in a file.
struct Piece {
    start: usize,
    end: usize,
    header: bool,
    /// Where a problem in it is to be named.
    named: RangeInclusive<u64>,
}

/// What stands where in a segment of these batches.
fn pieces(bytes: &[u8], batches: &[Batch]) -> Vec<Piece> {
    let mut first = u64::from_le_bytes(bytes[44..52].try_into().unwrap());
    let mut pieces = vec![Piece {
        start: 0,
        end: HEADER_BYTES,
        header: true,
        named: first..=first,
    }];
    let mut at = HEADER_BYTES;
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let batch = batches.iter().find(|batch| batch.first_position == first);
        let kind = bytes[at + 8];
        // A seal or an offset table stands where the next batch would.
        let named = match kind {
            1 | 2 => positions(batch.unwrap()),
            _ => first..=first,
        };
        if kind == 2 {
            first = named.end() + 1;
        }
        pieces.push(Piece {
            start: at,
            end: at + length,
            header: false,
            named,
        });
        at += length;
    }
    pieces
}

/// Makes the checksum of a piece right again.
fn make_checksum_right(bytes: &mut [u8], piece: &Piece) {
    let whole = &mut bytes[piece.start..piece.end];
    if piece.header {
        let (covered, crc) = whole.split_at_mut(HEADER_BYTES - 4);
        crc.copy_from_slice(&crc32c::crc32c(covered).to_le_bytes());
    } else {
        let crc = crc32c::crc32c_append(crc32c::crc32c(&whole[..4]), &whole[8..]);
        whole[4..8].copy_from_slice(&crc.to_le_bytes());
    }
}

/// Flips one bit in each byte, another one from byte to byte, and audits.
fn flip_every_byte(checksum_right: bool) {
    let flow = Flow::twenty();
    let batches = &flow.book.batches;
    let storage = write(batches);
    let segments: Vec<String> = storage.list().unwrap();
    assert!(segments.len() >= 3, "several segments");
    for segment in segments {
        let bytes = storage.bytes(&segment).unwrap();
        let pieces = pieces(&bytes, batches);
        assert_eq!(pieces.last().unwrap().end, bytes.len());
        let all: Vec<(usize, &Piece)> = pieces
            .iter()
            .flat_map(|piece| (piece.start..piece.end).map(move |at| (at, piece)))
            .collect();
        on_all_cores(&all, |(at, piece)| {
            let changed = storage.restart();
            changed.corrupt(&segment, |bytes| {
                bytes[*at] ^= 1 << (at % 8);
                if checksum_right {
                    make_checksum_right(bytes, piece);
                }
            });
            if changed.bytes(&segment).unwrap() == bytes {
                return; // The flip was in the checksum.
            }
            let what = format!("{segment} byte {at}");
            // Damage that the scan sees the audit tells: all of it is scanned,
            // a part audited as well, which verifies what stands before it.
            if checksum_right || at % 16 == 0 {
                assert_named(&audit(&changed, &[]), &piece.named, &what);
            } else {
                assert!(scan(&changed).any(|scanned| scanned.is_err()), "{what}");
            }
        });
    }
}

#[test]
fn an_untouched_journal_verifies_and_is_not_written_to() {
    let flow = Flow::whole();
    let storage = write(&flow.book.batches);
    let steps = storage.steps();
    let audit = audit(&storage, &kept(&flow));
    assert_eq!(audit.problems, Vec::<Problem>::new());
    assert_eq!(audit.acknowledged, 30);
    assert!(audit.closed);
    assert_eq!(storage.steps(), steps, "an audit writes nothing");
    let report = audit.report.unwrap();
    assert_eq!(
        (report.records, report.events, report.state_records),
        (30, 43, 3)
    );
    assert_eq!(report.state_digest, flow.book.state.digest());
    assert_eq!(report.last_head, flow.book.state.last_head());
    assert_eq!(report.genesis_hash, flow.book.genesis_hash);
}

#[test]
fn a_flip_in_any_byte_is_noticed_and_named() {
    flip_every_byte(false);
}

#[test]
fn a_flip_in_any_byte_with_its_checksum_made_right_is_noticed_and_named() {
    flip_every_byte(true);
}

#[test]
fn an_edited_record_with_the_chain_made_right_is_noticed_by_its_batchs_commit() {
    let flow = Flow::whole();
    let last = flow.book.state.next() - 1;
    on_all_cores(&(0..=last).collect::<Vec<u64>>(), |position| {
        let position = *position;
        for commits in [Commits::Kept, Commits::Edited] {
            for edit in [Edit::Later, Edit::Salt, Edit::Signature] {
                let mut batches = flow.book.batches.clone();
                rewrite(&mut batches, position, |record, head| {
                    edit.apply(record, head);
                });
                rechain(&mut batches, &commits);
                let batch = batches
                    .iter()
                    .find(|b| positions(b).contains(&position))
                    .unwrap();
                let what = format!("record {position}, {edit:?}, {commits:?}");
                assert_named(&audit(&write(&batches), &[]), &positions(batch), &what);
            }
        }
    });
}

/// What one might change in a record.
#[derive(Clone, Copy, Debug)]
enum Edit {
    /// Recorded a millisecond later, which breaks no rule by itself.
    Later,
    /// A link under another salt and so another digest: the same content.
    Salt,
    /// A bit of a signature.
    Signature,
}

impl Edit {
    fn apply(self, record: &mut hazledger::pb::Record, head: &mut hazledger::pb::Head) {
        match self {
            Edit::Later => head.recorded_at_ms += 1,
            Edit::Salt => {
                let salt = [0x5a; SALT_LEN];
                record.links[0].salt = salt.to_vec().into();
                let digest = part_digest(PartKind::Link, &salt, &record.links[0].body);
                head.link_digests[0] = digest.to_bytes();
            }
            Edit::Signature => {
                let mut signature = head.signatures[0].signature.to_vec();
                signature[0] ^= 1;
                head.signatures[0].signature = signature.into();
            }
        }
    }
}

/// Positions of the batch that holds a position, and of the one after it.
fn here_and_next(batches: &[Batch], position: u64) -> RangeInclusive<u64> {
    let at = batches
        .iter()
        .position(|b| positions(b).contains(&position))
        .unwrap();
    let end = batches.get(at + 1).unwrap_or(&batches[at]);
    batches[at].first_position..=*positions(end).end()
}

/// Renumbers batches after records were taken out or put in.
fn renumber(batches: &mut Vec<Batch>) {
    batches.retain(|batch| !batch.records.is_empty());
    let mut next = 0;
    for batch in batches {
        batch.first_position = next;
        next += batch.records.len() as u64;
    }
}

#[test]
fn a_removed_or_repeated_record_is_noticed() {
    let flow = Flow::whole();
    let last = flow.book.state.next() - 1;
    on_all_cores(&(0..=last).collect::<Vec<u64>>(), |position| {
        let position = *position;
        for (repeat, chain_right) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut batches = flow.book.batches.clone();
            let batch = batches
                .iter_mut()
                .find(|batch| positions(batch).contains(&position))
                .unwrap();
            let index = usize::try_from(position - batch.first_position).unwrap();
            if repeat {
                let twice = batch.records[index].clone();
                batch.records.insert(index, twice);
            } else {
                batch.records.remove(index);
            }
            let cut = !repeat && position == last && batch.records.is_empty();
            renumber(&mut batches);
            if chain_right {
                rechain(&mut batches, &Commits::Edited);
            }
            let found = audit(&write(&batches), &kept(&flow));
            let what = format!("record {position}, repeated {repeat}, chained {chain_right}");
            if cut {
                let gone = Problem::Lost {
                    name: format!("{last}.ack"),
                    position,
                    records: last,
                };
                assert_eq!(found.problems, [gone], "{what}");
            } else {
                let here = here_and_next(&flow.book.batches, position);
                // The last record's copy stands after all others.
                assert_named(
                    &found,
                    &(*here.start()..=*here.end() + u64::from(repeat)),
                    &what,
                );
            }
        }
    });
}

#[test]
fn a_tail_cut_clean_is_named_by_the_first_acknowledgement_that_it_lost() {
    let flow = Flow::whole();
    let (batches, kept) = (&flow.book.batches, kept(&flow));
    for left in 1..batches.len() {
        let storage = write(&batches[..left]);
        let records = batches[left].first_position;
        let without = audit(&storage, &[]);
        assert_eq!(
            without.problems,
            [],
            "nothing in the journal itself shows it"
        );
        let with = audit(&storage, &kept);
        assert_eq!(with.acknowledged as u64, records);
        let first = format!("{records}.ack");
        let lost = Problem::Lost {
            name: first,
            position: records,
            records,
        };
        assert_eq!(with.problems[0], lost);
        assert_eq!(with.problems.len(), kept.len() - with.acknowledged);
    }
    assert_eq!(audit(&write(&[]), &[]).problems, [Problem::Empty]);
}

#[test]
fn a_last_segment_cut_at_any_byte_is_noticed() {
    let flow = Flow::whole();
    let storage = write(&flow.book.batches);
    let kept = kept(&flow);
    let segment = storage.list().unwrap().pop().unwrap();
    let length = storage.bytes(&segment).unwrap().len();
    // Without the seal alone nothing is lost: the journal was not closed.
    let unsealed = length - FRAME_HEADER_BYTES;
    on_all_cores(&(0..length).collect::<Vec<usize>>(), |left| {
        let left = *left;
        let changed = storage.restart();
        changed
            .open(&segment)
            .unwrap()
            .set_len(left as u64)
            .unwrap();
        let found = audit(&changed, &kept);
        assert_eq!(
            found.problems.is_empty(),
            left == unsealed,
            "cut at {left} of {length}"
        );
        assert!(!found.closed);
    });
}

#[test]
fn another_journal_under_the_same_name_is_noticed() {
    let flow = Flow::whole();
    let mut batches = flow.book.batches.clone();
    // The ledger itself rewrites history, and signs it.
    rewrite(&mut batches, 5, |record, head| {
        Edit::Later.apply(record, head);
    });
    rechain(&mut batches, &Commits::Signed(&flow.book.ledger));
    let storage = write(&batches);
    assert_eq!(
        audit(&storage, &[]).problems,
        [],
        "the ledger's word against nobody's"
    );
    let found = audit(&storage, &kept(&flow)).problems;
    let differs = Problem::Differs {
        name: "5.ack".to_owned(),
        position: 5,
    };
    assert_eq!(found[0], differs);
    let other = book::key(99);
    let expect = Expect {
        ledger_key: Some(other.public().clone()),
        ..Expect::default()
    };
    let found = verify_journal(&write(&flow.book.batches), &expect, &[], &mut |_| {});
    assert_named(&found, &(0..=0), "another ledger key");
}

#[test]
fn a_folder_is_audited_without_leave_to_write() {
    let flow = Flow::start();
    let folder = tempfile::tempdir().unwrap();
    let options = JournalOptions {
        segment_bytes: SEGMENT_BYTES,
    };
    let files = DirStorage::create(folder.path()).unwrap();
    let mut journal = Journal::create(files, flow.book.genesis_hash.0, options).unwrap();
    for batch in &flow.book.batches {
        journal.append(batch).unwrap();
    }
    let storage = ReadOnlyFolder::new(folder.path());
    let found = verify_journal(&storage, &Expect::default(), &kept(&flow), &mut |_| {});
    assert_eq!(found.problems, []);
    assert!(
        !found.closed,
        "it is still open, and read beside its writer"
    );
    let name = storage.list().unwrap().pop().unwrap();
    let file = storage.open(&name).unwrap();
    assert!(StorageFile::write_all_at(&file, b"x", 0).is_err());
    assert!(storage.create("x").is_err());
    assert!(storage.rename(&name, "x").is_err());
    assert!(storage.remove(&name).is_err());
    assert!(storage.sync_dir().is_err());
    let missing = ReadOnlyFolder::new(folder.path().join("nowhere"));
    let found = verify_journal(&missing, &Expect::default(), &[], &mut |_| {});
    assert!(
        matches!(found.problems[..], [Problem::Damage(_)]),
        "{found:?}"
    );
}
