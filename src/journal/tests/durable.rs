//! How far a journal is durable that somebody else is writing.

use super::*;
use crate::journal::{JournalError, durable_end, sealed_ends, segments};
use crate::storage::StorageFile as _;

/// One segment that holds all the batches.
const ONE: JournalOptions = JournalOptions {
    segment_bytes: 64 * 1024,
};

fn written(count: u64) -> (SimStorage, Journal<SimStorage>) {
    let disk = SimStorage::new();
    let mut journal = Journal::create(disk.clone(), ORIGIN, ONE).unwrap();
    for batch in batches(count) {
        journal.append(&batch).unwrap();
    }
    (disk, journal)
}

#[test]
fn the_last_batch_is_vouched_for_by_what_follows_it_or_by_a_floor() {
    for count in 1..8 {
        let (disk, journal) = written(count);
        let records = journal.next_position();
        let last = batches(count).pop().unwrap();
        let first = last.first_position;
        let end = durable_end(&disk, 0, 0).unwrap();
        assert_eq!((end.records, end.left_out), (first, records - first));
        assert_eq!(durable_end(&disk, 0, first).unwrap(), end);
        // A batch is durable whole.
        for floor in first + 1..=records {
            let end = durable_end(&disk, 0, floor).unwrap();
            assert_eq!((end.records, end.left_out), (records, 0));
            assert_eq!(end.last_head, head(records - 1));
        }
        journal.close().unwrap();
        let end = durable_end(&disk, 0, 0).unwrap();
        assert_eq!((end.records, end.left_out), (records, 0));
    }
}

#[test]
fn a_batch_that_is_being_written_vouches_for_the_one_before() {
    let (disk, mut journal) = written(5);
    let records = journal.next_position();
    let before = durable_end(&disk, 0, records).unwrap();
    journal.append(&batch(records, 3)).unwrap();
    let after = durable_end(&disk, 0, u64::MAX).unwrap();
    let whole = disk.bytes(&name(0)).unwrap();
    for cut in before.bytes..after.bytes {
        let other = disk.restart();
        other.corrupt(&name(0), |bytes| {
            bytes[usize::try_from(cut).unwrap()..].fill(0);
        });
        let end = durable_end(&other, 0, 0).unwrap();
        // Its first record's frame, once that is whole.
        let frame = u32::from_le_bytes(
            whole[usize::try_from(before.bytes).unwrap()..][..4]
                .try_into()
                .unwrap(),
        );
        let is_whole = cut >= before.bytes + u64::from(frame);
        let want = if is_whole { records } else { records - 2 };
        assert_eq!(end.records, want, "cut at {cut}");
    }
}

#[test]
fn what_a_seal_ended_goes_on() {
    let (disk, journal) = written(4);
    let records = journal.next_position();
    journal.close().unwrap();
    let (mut journal, _) = Journal::open(disk.clone(), None, 0, ONE).unwrap();
    journal.append(&batch(records, 1)).unwrap();
    assert_eq!(durable_end(&disk, 0, 0).unwrap().records, records);
    journal.append(&batch(records + 1, 1)).unwrap();
    assert_eq!(durable_end(&disk, 0, 0).unwrap().records, records + 1);
}

#[test]
fn damage_to_what_was_durable_is_rot_and_damage_at_the_end_is_left_out() {
    let (disk, journal) = written(6);
    let end = durable_end(&disk, 0, 0).unwrap();
    let last = durable_end(&disk, 0, u64::MAX).unwrap();
    drop(journal);
    for at in 0..last.bytes {
        let other = disk.restart();
        assert!(other.flip(&name(0), usize::try_from(at).unwrap(), 1));
        let found = durable_end(&other, 0, 0);
        if at < end.bytes {
            assert!(matches!(found, Err(JournalError::Rot { .. })), "byte {at}");
        } else {
            let found = found.unwrap();
            // If its first frame is damaged, nothing vouches for the one before.
            assert_eq!(found.records + found.left_out, end.records, "byte {at}");
        }
    }
}

#[test]
fn a_segment_that_has_been_sealed_meanwhile_is_durable_up_to_its_table() {
    let disk = closed(20);
    let firsts = segments(&disk).unwrap();
    assert!(firsts.len() > 3);
    for pair in firsts.windows(2) {
        let end = durable_end(&disk, pair[0], 0).unwrap();
        let ends = sealed_ends(&disk, pair[0]).unwrap();
        assert_eq!((end.records, end.last_head), (pair[1], ends.last_head));
        assert_eq!(ends.end, pair[1]);
        let file = disk.open(&name(pair[0])).unwrap();
        assert_eq!(ends.length, file.len().unwrap());
        assert_eq!(ends.length, end.bytes + ends.table.len() as u64);
    }
    let last = firsts.last().copied().unwrap();
    assert!(matches!(
        sealed_ends(&disk, last),
        Err(JournalError::Rot { .. })
    ));
}
