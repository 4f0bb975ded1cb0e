//! What is appended is read, by position and in order, before and after reopening.

use super::*;
use crate::journal::{BatchRefused, JournalError, MAX_BATCH_BYTES, MAX_BODY_BYTES};
use crate::storage::{DirStorage, StorageFile};

#[test]
fn every_record_is_readable_by_position_and_batch_over_several_segments_and_reopenings() {
    let disk = SimStorage::new();
    let written = batches(40);
    let mut journal = Journal::create(disk.clone(), ORIGIN, SMALL).unwrap();
    for (index, batch) in written.iter().enumerate() {
        journal.append(batch).unwrap();
        same(&journal.reader(), &written).unwrap();
        if index % 7 == 6 {
            journal.close().unwrap();
            sound(&disk).unwrap();
            let (opened, report) =
                Journal::open(disk.clone(), Some(ORIGIN), end_of(batch), SMALL).unwrap();
            assert!(report.clean && report.torn.is_none());
            assert_eq!(
                (report.records, report.last_head),
                (end_of(batch), batch.last_head)
            );
            journal = opened;
            same(&journal.reader(), &written).unwrap();
        }
    }
    journal.close().unwrap();
    sound(&disk).unwrap();
    assert!(segments(&disk).len() > 4);
    assert_eq!(segments(&disk).len(), disk.list().unwrap().len());
}

#[test]
fn a_real_folder_holds_a_journal_in_preallocated_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let options = JournalOptions {
        segment_bytes: 4096,
    };
    let written = batches(60);
    let mut journal = Journal::create(DirStorage::create(&path).unwrap(), ORIGIN, options).unwrap();
    for batch in &written[..30] {
        journal.append(batch).unwrap();
    }
    drop(journal);
    let storage = DirStorage::new(&path);
    let last = storage.list().unwrap().into_iter().max().unwrap();
    assert_eq!(
        StorageFile::len(&storage.open(&last).unwrap()).unwrap(),
        4096
    );
    let (mut journal, report) = Journal::open(storage, None, 0, options).unwrap();
    assert_eq!((report.clean, report.origin), (false, ORIGIN));
    for batch in &written[30..] {
        journal.append(batch).unwrap();
    }
    journal.close().unwrap();
    let (journal, report) =
        Journal::open(DirStorage::new(&path), Some(ORIGIN), 0, options).unwrap();
    assert!(report.clean);
    same(&journal.reader(), &written).unwrap();
    assert!(scan(&DirStorage::new(&path)).all(|item| item.is_ok()));
}

#[test]
fn batches_start_with_the_one_that_holds_the_position_and_go_on_with_what_is_committed_later() {
    let disk = SimStorage::new();
    let written = batches(20);
    let mut journal = Journal::create(disk, ORIGIN, SMALL).unwrap();
    for batch in &written[..9] {
        journal.append(batch).unwrap();
    }
    let reader = journal.reader();
    for from in 0..reader.committed() {
        let first = reader.batches(from).next().unwrap().unwrap();
        assert!((first.first_position..first.end_position()).contains(&from));
    }
    let mut follower = reader.batches(0);
    assert_eq!(follower.by_ref().count(), 9);
    for batch in &written[9..] {
        assert!(follower.next().is_none());
        journal.append(batch).unwrap();
        assert_eq!(follower.next().unwrap().unwrap().commit, batch.commit);
    }
    let mut ahead = reader.batches(reader.committed());
    assert!(ahead.next().is_none());
    assert_eq!(reader.record(reader.committed()).unwrap(), None);
    assert_eq!(reader.batch(u64::MAX).unwrap(), None);
}

#[test]
fn a_refused_batch_changes_nothing_and_the_next_is_accepted() {
    let disk = SimStorage::new();
    let mut journal = Journal::create(disk.clone(), ORIGIN, SMALL).unwrap();
    let steps = disk.steps();
    let long = |bytes: usize| Bytes::from(vec![1; bytes]);
    let with = |records: Vec<Bytes>, commit: Bytes| Batch {
        first_position: 0,
        records,
        commit,
        last_head: head(0),
    };
    let mut refused = |batch: Batch| match journal.append(&batch) {
        Err(JournalError::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(with(vec![], Bytes::new())), BatchRefused::Empty);
    assert_eq!(
        refused(batch(1, 1)),
        BatchRefused::OutOfOrder {
            expected: 0,
            found: 1
        }
    );
    let too_long = with(vec![long(MAX_BODY_BYTES + 1)], Bytes::new());
    assert!(matches!(
        refused(too_long),
        BatchRefused::BodyTooLong { .. }
    ));
    let too_long = with(vec![long(1)], long(MAX_BODY_BYTES));
    assert!(matches!(
        refused(too_long),
        BatchRefused::BodyTooLong { .. }
    ));
    let too_long = with(vec![long(MAX_BODY_BYTES); 4], Bytes::new());
    assert_eq!(
        refused(too_long.clone()),
        BatchRefused::BatchTooLong {
            bytes: too_long.encoded_bytes()
        }
    );
    assert_eq!(disk.steps(), steps);
    journal.append(&batch(0, 2)).unwrap();
}

#[test]
fn a_batch_longer_than_a_segment_gets_a_segment_long_enough() {
    let disk = SimStorage::new();
    let mut journal = Journal::create(disk.clone(), ORIGIN, SMALL).unwrap();
    let mut written = vec![batch(0, 1)];
    written.push(Batch {
        records: vec![vec![9; MAX_BODY_BYTES].into(); 3],
        ..batch(1, 3)
    });
    written.push(batch(4, 2));
    for batch in &written {
        assert!(batch.encoded_bytes() <= MAX_BATCH_BYTES);
        journal.append(batch).unwrap();
    }
    same(&journal.reader(), &written).unwrap();
    let (journal, _) = Journal::open(disk.restart(), None, 6, SMALL).unwrap();
    same(&journal.reader(), &written).unwrap();
}

#[test]
fn empty_and_zero_bodies_are_kept_as_they_are() {
    let disk = SimStorage::new();
    let mut journal = Journal::create(disk.clone(), ORIGIN, SMALL).unwrap();
    let records = vec![Bytes::new(), Bytes::from(vec![0; 50]), Bytes::new()];
    let written = Batch {
        first_position: 0,
        records,
        commit: Bytes::from(vec![0; 30]),
        last_head: [0; 32],
    };
    journal.append(&written).unwrap();
    let (journal, report) = Journal::open(disk.restart(), None, 3, SMALL).unwrap();
    assert_eq!(report.torn, None);
    same(&journal.reader(), &[written]).unwrap();
}

#[test]
fn readers_on_other_threads_see_whole_batches_while_the_writer_rolls_over() {
    let written = batches(300);
    let mut journal = Journal::create(SimStorage::new(), ORIGIN, SMALL).unwrap();
    let reader = journal.reader();
    let total = end_of(written.last().unwrap());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut follower = reader.batches(0);
                let mut seen = 0;
                while seen < total {
                    match follower.next() {
                        Some(batch) => {
                            let batch = batch.unwrap();
                            assert_eq!(batch.first_position, seen);
                            assert_eq!(reader.record(seen).unwrap().unwrap(), body(seen));
                            seen = batch.end_position();
                        }
                        None => std::thread::yield_now(),
                    }
                }
            });
        }
        for batch in &written {
            journal.append(batch).unwrap();
        }
    });
}

#[test]
fn only_one_journal_is_created_in_a_folder_and_only_the_right_one_opened() {
    let disk = closed(3);
    assert!(matches!(
        Journal::create(disk.clone(), ORIGIN, SMALL),
        Err(JournalError::Exists { .. })
    ));
    assert!(matches!(
        Journal::open(SimStorage::new(), None, 0, SMALL),
        Err(JournalError::NotFound)
    ));
    let steps = disk.steps();
    let other = Journal::open(disk.clone(), Some([8; 32]), 0, SMALL);
    assert!(matches!(other, Err(JournalError::Origin { .. })));
    assert_eq!(disk.steps(), steps);
    let tiny = JournalOptions { segment_bytes: 1 };
    assert!(matches!(
        Journal::open(disk, None, 0, tiny),
        Err(JournalError::Options { .. })
    ));
}
