//! Changed bytes: what opening refuses, what it sets aside, what a scan notices.

use super::*;
use crate::journal::frame::{Commit, Unchecked, checksum, take};
use crate::journal::segment::HEADER_BYTES;
use crate::journal::{Damage, FRAME_HEADER_BYTES, JournalError};

fn damages(disk: &SimStorage) -> Vec<Damage> {
    scan(disk).filter_map(Result::err).collect()
}

#[test]
fn a_flip_of_any_byte_of_a_closed_journal_is_noticed_in_its_segment() {
    let disk = closed(12);
    sound(&disk).unwrap();
    let names = segments(&disk);
    assert!(names.len() > 2);
    for name in &names {
        for offset in 0..disk.bytes(name).unwrap().len() {
            for mask in [1, 0x80, 0xff] {
                let copy = disk.restart();
                assert!(copy.flip(name, offset, mask));
                let found = damages(&copy);
                assert!(
                    found.iter().any(|damage| damage.segment == *name),
                    "{name} {offset} {found:?}"
                );
            }
        }
    }
}

#[test]
fn a_flip_in_the_room_after_the_end_of_a_killed_journal_is_noticed() {
    let disk = killed(5);
    assert_eq!(damages(&disk), []);
    let name = segments(&disk).pop().unwrap();
    let length = disk.bytes(&name).unwrap().len();
    assert_eq!(length, SMALL.segment_bytes as usize);
    for offset in 0..length {
        let copy = disk.restart();
        copy.flip(&name, offset, 0x10);
        assert_ne!(damages(&copy), [], "{offset}");
    }
}

/// Offsets of the frames of a segment.
fn frames(bytes: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = HEADER_BYTES;
    while let Some(head) = bytes
        .get(at..)
        .and_then(Unchecked::read)
        .filter(|head| head.length != 0)
    {
        found.push(at);
        at += head.length as usize;
    }
    found
}

/// Makes the checksum of the frame at `offset` right, if it is all there.
fn mend(bytes: &mut [u8], offset: usize) -> Option<()> {
    let length = Unchecked::read(&bytes[offset..])?.frame_bytes().ok()?;
    let crc = checksum(bytes.get(offset..offset.checked_add(length)?)?)?;
    bytes[offset + 4..offset + 8].copy_from_slice(&crc.to_le_bytes());
    Some(())
}

#[test]
fn a_flip_of_a_field_the_journal_owns_is_noticed_though_its_checksum_was_made_right() {
    let disk = closed(12);
    for name in segments(&disk) {
        let bytes = disk.bytes(&name).unwrap();
        for offset in frames(&bytes) {
            let kind = bytes[offset + 8];
            let body = offset + FRAME_HEADER_BYTES;
            let length = Unchecked::read(&bytes[offset..]).unwrap().length as usize;
            let owned = match kind {
                // The commit's count, the whole table.
                2 => body..body + 4,
                4 => body..offset + length,
                _ => body..body,
            };
            for place in (offset..offset + 4).chain(offset + 8..body).chain(owned) {
                for mask in [1, 2, 3, 4, 0x80] {
                    let copy = disk.restart();
                    copy.corrupt(&name, |bytes| {
                        bytes[place] ^= mask;
                        mend(bytes, offset);
                    });
                    assert_ne!(
                        damages(&copy),
                        [],
                        "{name} frame {offset} kind {kind} byte {place}"
                    );
                }
            }
        }
        for place in 0..HEADER_BYTES - 4 {
            let copy = disk.restart();
            copy.corrupt(&name, |bytes| {
                bytes[place] ^= 1;
                let crc = crc32c::crc32c(&bytes[..HEADER_BYTES - 4]);
                bytes[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
            });
            assert_ne!(damages(&copy), [], "{name} header byte {place}");
        }
    }
}

#[test]
fn rot_before_the_synced_mark_stops_opening_with_its_place_and_changes_nothing() {
    for (sealed, disk) in [(false, killed(11)), (true, closed(11).restart())] {
        let name = segments(&disk).pop().unwrap();
        let bytes = disk.bytes(&name).unwrap();
        let frames = frames(&bytes);
        // The last write: a seal, or the last batch.
        let last_mark = Unchecked::read(&bytes[*frames.last().unwrap()..])
            .unwrap()
            .mark;
        let last_write = last_mark.synced_bytes as usize;
        assert!(
            last_write > HEADER_BYTES,
            "the last segment holds one batch only"
        );
        let mut rot = 0;
        for offset in 0..last_write {
            let copy = disk.restart();
            copy.flip(&name, offset, 4);
            let before = copy.bytes(&name);
            match Journal::open(copy.clone(), None, 0, SMALL) {
                Err(JournalError::Rot {
                    segment,
                    offset: found,
                    position,
                    ..
                }) => {
                    rot += 1;
                    assert_eq!(segment, name);
                    assert!(found <= offset as u64, "{found} {offset}");
                    assert!(position <= last_mark.synced_through);
                }
                other => panic!(
                    "byte {offset}, sealed {sealed}: {:?}",
                    other.map(|(_, report)| report)
                ),
            }
            assert_eq!((copy.steps(), copy.bytes(&name)), (0, before));
        }
        assert_eq!(rot, last_write);
    }
}

#[test]
fn rot_of_a_seal_inside_the_journal_is_told_from_a_torn_tail() {
    let disk = closed(1);
    let name = segments(&disk).pop().unwrap();
    let seal = disk.bytes(&name).unwrap().len() - FRAME_HEADER_BYTES;
    let (mut journal, _) = Journal::open(disk.clone(), None, 0, SMALL).unwrap();
    journal.append(&batch(1, 1)).unwrap();
    drop(journal);
    disk.flip(&name, seal + 9, 1);
    let opened = Journal::open(disk.restart(), None, 0, SMALL);
    assert!(
        matches!(opened, Err(JournalError::Rot { offset, position: 1, .. }) if offset == seal as u64)
    );
}

#[test]
fn rot_in_a_sealed_segment_is_told_when_it_is_read_and_in_its_table_or_header_when_it_is_opened() {
    let disk = closed(12);
    let name = segments(&disk).remove(0);
    let bytes = disk.bytes(&name).unwrap();
    let frames = frames(&bytes);
    let table = *frames.last().unwrap();
    for offset in (0..HEADER_BYTES).chain(table..bytes.len()) {
        let copy = disk.restart();
        copy.flip(&name, offset, 2);
        match Journal::open(copy, None, 0, SMALL) {
            Err(JournalError::Rot { segment, .. } | JournalError::Origin { segment, .. }) => {
                assert_eq!(segment, name);
            }
            other => panic!("byte {offset}: {:?}", other.map(|(_, report)| report)),
        }
    }
    disk.flip(&name, frames[0] + FRAME_HEADER_BYTES, 2);
    let (journal, _) = Journal::open(disk, None, 0, SMALL).unwrap();
    let reader = journal.reader();
    assert!(matches!(
        reader.record(0),
        Err(JournalError::Rot { position: 0, .. })
    ));
    assert!(matches!(reader.batch(0), Err(JournalError::Rot { .. })));
    let mut all = reader.batches(0);
    assert!(matches!(all.next(), Some(Err(JournalError::Rot { .. }))));
    assert!(all.next().is_none());
    assert!(reader.record(1).unwrap().is_some());
}

#[test]
fn a_torn_tail_is_set_aside_whole_and_reported_not_erased() {
    let disk = killed(5);
    let name = segments(&disk).pop().unwrap();
    let whole = disk.bytes(&name).unwrap();
    let commit = *frames(&whole).last().unwrap();
    let last = batches(5).pop().unwrap();
    for number in 1..=2 {
        // Twice: the second torn copy does not replace the first.
        disk.corrupt(&name, |bytes| {
            *bytes = whole.clone();
            bytes[commit + FRAME_HEADER_BYTES] ^= 1;
        });
        let found = disk.bytes(&name).unwrap();
        let (journal, report) = Journal::open(disk.clone(), None, 0, SMALL).unwrap();
        let torn = report.torn.unwrap();
        assert_eq!(torn.from_position, last.first_position);
        assert_eq!(torn.bytes, last.encoded_bytes() as u64);
        assert_eq!(torn.damage_offset, commit as u64);
        assert_eq!(torn.set_aside, format!("{name}.torn-{number}"));
        let kept = disk.bytes(&torn.set_aside).unwrap();
        assert_eq!(kept, found[..kept.len()]);
        assert_eq!(kept.len() as u64, torn.offset + torn.bytes);
        assert_eq!(journal.next_position(), last.first_position);
        drop(journal);
        assert!(
            Journal::open(disk.clone(), None, 0, SMALL)
                .unwrap()
                .1
                .torn
                .is_none()
        );
    }
}

#[test]
fn losing_what_a_saved_position_knows_to_be_durable_is_no_torn_tail() {
    let disk = killed(5);
    let name = segments(&disk).pop().unwrap();
    let commit = *frames(&disk.bytes(&name).unwrap()).last().unwrap();
    disk.flip(&name, commit + FRAME_HEADER_BYTES, 1);
    let last = batches(5).pop().unwrap();
    let names = disk.list().unwrap();
    let opened = Journal::open(disk.clone(), None, end_of(&last), SMALL);
    let expected = (last.first_position, end_of(&last));
    assert!(matches!(opened, Err(JournalError::Lost { have, floor }) if (have, floor) == expected));
    assert_eq!(disk.list().unwrap(), names);
    assert!(Journal::open(disk, None, last.first_position, SMALL).is_ok());
}

#[test]
fn a_missing_segment_is_named() {
    let disk = closed(12);
    let names = segments(&disk);
    for name in &names[..names.len() - 1] {
        let copy = disk.restart();
        copy.remove(name).unwrap();
        let position: u64 = name.trim_end_matches(".seg").parse().unwrap();
        match Journal::open(copy.clone(), None, 0, SMALL) {
            Err(error @ JournalError::Missing { .. }) => {
                assert!(error.to_string().contains(name), "{error}");
            }
            other => panic!("{:?}", other.map(|(_, report)| report)),
        }
        assert!(
            damages(&copy)
                .iter()
                .any(|damage| damage.position == position && damage.segment == *name)
        );
    }
}

#[test]
fn a_new_segment_that_never_got_its_header_is_made_again() {
    for content in [vec![], vec![0; 512], vec![0xa5; 300]] {
        let disk = killed(12);
        let names = segments(&disk);
        let last = names.last().unwrap();
        let first: u64 = last.trim_end_matches(".seg").parse().unwrap();
        disk.corrupt(last, |bytes| bytes.clone_from(&content));
        let (mut journal, report) = Journal::open(disk.clone(), None, first, SMALL).unwrap();
        assert_eq!((report.records, report.last_head), (first, head(first - 1)));
        let torn = report.torn.unwrap();
        assert_eq!((torn.offset, torn.from_position), (0, first));
        let kept = disk.bytes(&torn.set_aside).unwrap();
        assert!(content.starts_with(&kept) && content[kept.len()..].iter().all(|byte| *byte == 0));
        journal.append(&batch(first, 1)).unwrap();
        journal.close().unwrap();
        sound(&disk).unwrap();
    }
}

#[test]
fn a_newer_format_is_refused_by_number() {
    let disk = closed(2);
    disk.corrupt(&segments(&disk)[0], |bytes| {
        bytes[8] = 9;
        let crc = crc32c::crc32c(&bytes[..HEADER_BYTES - 4]);
        bytes[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
    });
    let opened = Journal::open(disk, None, 0, SMALL);
    assert!(matches!(
        opened,
        Err(JournalError::Version {
            found: 9,
            supported: 1,
            ..
        })
    ));
}

#[test]
fn a_body_that_imitates_a_frame_is_never_read_as_one() {
    // The record is the last write, copied from a journal further on.
    let donor = closed(3);
    let imitation = donor.bytes(&segments(&donor)[0]).unwrap();
    let disk = SimStorage::new();
    let mut journal = Journal::create(disk.clone(), ORIGIN, SMALL).unwrap();
    let written = Batch {
        records: vec![imitation.into(), body(1)],
        ..batch(0, 2)
    };
    journal.append(&written).unwrap();
    drop(journal);
    let (journal, _) = Journal::open(disk.restart(), None, 2, SMALL).unwrap();
    same(&journal.reader(), &[written]).unwrap();
}

#[test]
fn a_scan_goes_on_after_damage_and_tells_how_the_journal_ends() {
    let disk = closed(12);
    let names = segments(&disk);
    disk.flip(&names[0], HEADER_BYTES + 12, 1);
    disk.flip(&names[1], HEADER_BYTES + 12, 1);
    let found = damages(&disk);
    assert_eq!(
        found
            .iter()
            .map(|damage| &damage.segment)
            .collect::<Vec<_>>(),
        [&names[0], &names[1]]
    );
    let total = end_of(batches(12).last().unwrap());
    match scan(&disk).last() {
        Some(Ok(Scanned::End {
            records, sealed, ..
        })) => assert_eq!((records, sealed), (total, true)),
        other => panic!("{other:?}"),
    }
    match scan(&killed(12)).last() {
        Some(Ok(Scanned::End {
            records, sealed, ..
        })) => assert_eq!((records, sealed), (total, false)),
        other => panic!("{other:?}"),
    }
    assert_eq!(damages(&SimStorage::new()).len(), 1);
}

#[test]
fn the_commit_prefix_is_read_as_it_is_described() {
    let mut body: &[u8] = &[3, 0, 0, 0];
    assert_eq!(take::<4>(&mut body).map(u32::from_le_bytes), Some(3));
    assert_eq!(Commit::read(&[0; 35]), None);
    assert_eq!(Commit::read(&[0; 37]).unwrap().body, [0]);
}
