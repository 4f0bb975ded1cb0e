//! Repair: damaged and missing segments healed from another copy, which is
//! verified first; nothing is erased, and a crash in the middle loses nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

use hazledger::audit::verify_journal;
use hazledger::event::Hash;
use hazledger::journal::{FRAME_HEADER_BYTES, segment_name, segments};
use hazledger::proof::Expect as Known;
use hazledger::repair::{Repair, RepairError, repair};
use hazledger::storage::Storage as _;
use hazledger::storage::sim::{CrashPolicy, Fault, SimStorage, Step};

use super::world::{Script, play, runtime};

/// A closed journal of several segments, an older copy of it from before its
/// last segments, and the ledger it is of.
struct Case {
    now: SimStorage,
    /// After each session.
    older: Vec<SimStorage>,
    genesis: Hash,
}

fn case() -> &'static Case {
    static CASE: OnceLock<Case> = OnceLock::new();
    CASE.get_or_init(|| {
        let script = Script::new(8, 110);
        let run = runtime().block_on(play(&script, false));
        Case {
            now: run.after,
            older: run.before,
            genesis: run.model.heads[0],
        }
    })
}

impl Case {
    fn heal(&self, disk: &SimStorage, copy: &SimStorage) -> Result<Repair, RepairError> {
        repair(disk, copy, self.genesis, &mut |_| {})
    }

    /// First positions of the segments before the last.
    fn sealed(&self) -> Vec<u64> {
        let mut firsts = segments(&self.now).unwrap();
        firsts.pop();
        firsts
    }

    /// Whether every segment is as it was, to the byte.
    fn is_whole(&self, disk: &SimStorage) {
        assert_eq!(segments(disk).unwrap(), segments(&self.now).unwrap());
        for first in segments(&self.now).unwrap() {
            let name = segment_name(first);
            assert_eq!(disk.bytes(&name), self.now.bytes(&name), "{name}");
        }
    }
}

fn kept(disk: &SimStorage) -> Vec<String> {
    let mut names = disk.list().unwrap();
    names.retain(|name| name.contains(".damaged-"));
    names
}

fn everything(disk: &SimStorage) -> BTreeMap<String, Vec<u8>> {
    let names = disk.list().unwrap().into_iter();
    names
        .map(|name| {
            let bytes = disk.bytes(&name).unwrap();
            (name, bytes)
        })
        .collect()
}

#[test]
fn damaged_and_missing_segments_are_healed_to_the_byte_and_what_stood_there_is_kept() {
    let case = case();
    let sealed = case.sealed();
    assert!(sealed.len() > 4, "{sealed:?}");
    let disk = case.now.restart();
    let names: Vec<String> = sealed.iter().map(|first| segment_name(*first)).collect();
    // A header, a record, an offset table, and two that are gone side by side.
    let length = |name: &str| disk.bytes(name).unwrap().len();
    disk.flip(&names[0], 3, 1);
    disk.flip(&names[1], length(&names[1]) / 2, 0x40);
    let last = names.last().unwrap();
    disk.flip(last, length(last) - 2, 0x80);
    disk.remove(&names[2]).unwrap();
    disk.remove(&names[3]).unwrap();
    let damaged: Vec<_> = [&names[0], &names[1], last]
        .map(|name| disk.bytes(name).unwrap())
        .into();
    let done = case.heal(&disk, &case.now.restart()).unwrap();
    assert_eq!(done.not_healed, []);
    assert_eq!(done.healed.len(), 5, "{:#?}", done.healed);
    case.is_whole(&disk);
    assert_eq!(kept(&disk).len(), 3);
    for bytes in damaged {
        assert!(
            kept(&disk)
                .iter()
                .any(|name| disk.bytes(name) == Some(bytes.clone()))
        );
    }
    let audit = verify_journal(&disk, &Known::default(), &[], &mut |_| {});
    assert_eq!(audit.problems, []);
    let again = case.heal(&disk, &case.now.restart()).unwrap();
    assert!(again.healed.is_empty() && again.not_healed.is_empty());
}

#[test]
fn every_flipped_byte_of_a_segment_is_healed() {
    let case = case();
    let name = segment_name(case.sealed()[1]);
    let length = case.now.bytes(&name).unwrap().len();
    for at in (0..length).step_by(211).chain([length - 1]) {
        let disk = case.now.restart();
        disk.flip(&name, at, 1 << (at % 8));
        let done = case.heal(&disk, &case.now.restart()).unwrap();
        assert_eq!(
            (done.healed.len(), done.not_healed.len()),
            (1, 0),
            "byte {at}"
        );
        let offset = done.healed[0].damage.offset;
        assert!(offset <= at as u64, "{offset} is after {at}");
        case.is_whole(&disk);
    }
}

#[test]
fn an_older_copy_heals_what_it_has_and_what_it_has_not_stays_as_it_is() {
    let case = case();
    let mut healed = 0;
    let mut stayed = 0;
    for copy in &case.older[1..] {
        // Its last segment was not full then; here it is, and damaged early.
        let first = *segments(copy).unwrap().last().unwrap();
        if segments(&case.now).unwrap().last() == Some(&first) {
            continue;
        }
        let name = segment_name(first);
        let disk = case.now.restart();
        disk.flip(&name, 150, 2);
        let done = case.heal(&disk, copy).unwrap();
        if done.healed.len() == 1 {
            healed += 1;
            case.is_whole(&disk);
        } else {
            // The copy had nothing in it yet.
            assert_eq!(done.not_healed.len(), 1);
        }
        // Damaged after what the copy has: nothing can be done, nothing is.
        let disk = case.now.restart();
        disk.flip(&name, disk.bytes(&name).unwrap().len() - 1, 2);
        let before = everything(&disk);
        let done = case.heal(&disk, copy).unwrap();
        assert_eq!((done.healed.len(), done.not_healed.len()), (0, 1));
        assert!(
            done.not_healed[0].why.contains("only up to"),
            "{}",
            done.not_healed[0].why
        );
        assert_eq!(everything(&disk), before);
        stayed += 1;
    }
    assert!(healed > 0 && stayed > 0, "{healed}, {stayed}");
}

#[test]
fn records_that_a_journal_has_lost_at_its_end_come_back_from_a_newer_copy() {
    let case = case();
    for disk in &case.older {
        let disk = disk.restart();
        let done = case.heal(&disk, &case.now.restart()).unwrap();
        assert_eq!(done.not_healed, []);
        case.is_whole(&disk);
    }
    // The other way round nothing is taken: what is here is more.
    for copy in &case.older {
        let disk = case.now.restart();
        let done = case.heal(&disk, copy).unwrap();
        assert_eq!((done.healed.len(), done.not_healed.len()), (0, 0));
        case.is_whole(&disk);
    }
}

#[test]
fn a_copy_that_is_damaged_forged_or_of_another_ledger_heals_nothing() {
    let case = case();
    let first = case.sealed()[1];
    let name = segment_name(first);
    let disk = case.now.restart();
    disk.flip(&name, 400, 1);
    let before = everything(&disk);

    let copy = case.now.restart();
    copy.flip(&name, 420, 1);
    let forged = case.now.restart();
    forged.corrupt(&name, |bytes| forge(bytes));
    let none = SimStorage::new();
    let other = Script::new(77, 1).founded;
    for copy in [&copy, &forged, &none, &other] {
        let done = case.heal(&disk, copy).unwrap();
        assert_eq!((done.healed.len(), done.not_healed.len()), (0, 1));
        assert!(!done.not_healed[0].why.is_empty());
        assert_eq!(everything(&disk), before);
    }
    // And forged here, it is healed: the ledger never signed it.
    let disk = case.now.restart();
    disk.corrupt(&name, |bytes| forge(bytes));
    let done = case.heal(&disk, &case.now.restart()).unwrap();
    assert_eq!(done.healed.len(), 1);
    case.is_whole(&disk);
    // Without record 0 on either side nobody knows whose signature to ask for.
    let (disk, copy) = (case.now.restart(), case.now.restart());
    disk.flip(&segment_name(0), 200, 1);
    copy.flip(&segment_name(0), 200, 1);
    let refused = case.heal(&disk, &copy);
    assert!(matches!(refused, Err(RepairError::NoGenesis { .. })));
}

/// Changes a record's body and makes the frame's checksum right again.
fn forge(bytes: &mut [u8]) {
    let header = header_bytes(bytes);
    let length = u32::from_le_bytes(bytes[header..header + 4].try_into().unwrap()) as usize;
    let frame = &mut bytes[header..header + length];
    // Somewhere in the last quarter: within a part, not within the head.
    let at = FRAME_HEADER_BYTES + (length - FRAME_HEADER_BYTES) * 7 / 8;
    frame[at] ^= 1;
    let crc = crc32c::crc32c_append(crc32c::crc32c(&frame[..4]), &frame[8..]);
    frame[4..8].copy_from_slice(&crc.to_le_bytes());
}

/// Where the first frame begins: magic, version, origin, position, head, crc.
fn header_bytes(bytes: &[u8]) -> usize {
    assert_eq!(&bytes[..8], b"HAZLSEG\n");
    8 + 4 + 32 + 8 + 32 + 4
}

#[test]
fn a_torn_tail_is_left_to_the_next_start() {
    let case = case();
    let disk = case.now.restart();
    let name = segment_name(*segments(&disk).unwrap().last().unwrap());
    disk.corrupt(&name, |bytes| bytes.extend([9, 9, 9]));
    let before = everything(&disk);
    let done = case.heal(&disk, &case.now.restart()).unwrap();
    assert!(done.healed.is_empty() && done.not_healed.is_empty());
    assert_eq!(done.torn.unwrap().segment, name);
    assert_eq!(everything(&disk), before);
}

#[test]
fn a_power_loss_at_any_step_of_a_repair_loses_nothing_and_it_can_be_run_again() {
    let case = case();
    let name = segment_name(case.sealed()[1]);
    let hurt = case.now.restart();
    hurt.flip(&name, 400, 1);
    hurt.remove(&segment_name(case.sealed()[2])).unwrap();
    let damaged = hurt.bytes(&name).unwrap();
    let disk = hurt.restart();
    let moments = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&moments);
    disk.on_each_step(move |disk| seen.lock().unwrap().push(disk));
    case.heal(&disk, &case.now.restart()).unwrap();
    case.is_whole(&disk);
    let moments = std::mem::take(&mut *moments.lock().unwrap());
    assert!(moments.len() > 8, "{} steps", moments.len());
    for (step, moment) in moments.iter().enumerate() {
        let torn = moment.last_write_bytes() / 2;
        for policy in [
            CrashPolicy::LoseUnsynced,
            CrashPolicy::Subset(step as u64),
            CrashPolicy::Subset(step as u64 + 1000),
            CrashPolicy::TearLastWrite(torn),
        ] {
            let left = moment.crash(policy);
            assert!(left.bytes(&name).is_some(), "step {step}: it is missing");
            let done = case.heal(&left, &case.now.restart()).unwrap();
            assert_eq!(done.not_healed, [], "step {step}, {policy:?}");
            case.is_whole(&left);
            let is_kept = |kept: &String| left.bytes(kept) == Some(damaged.clone());
            assert!(kept(&left).iter().any(is_kept), "step {step}: erased");
        }
    }
}

#[test]
fn a_failing_call_of_a_repair_is_told_and_changes_no_sound_segment() {
    let case = case();
    let name = segment_name(case.sealed()[1]);
    let hurt = case.now.restart();
    hurt.flip(&name, 400, 1);
    for step in 0.. {
        let disk = hurt.restart();
        disk.fail_at(Step::At(step), Fault::NoSpace);
        match case.heal(&disk, &case.now.restart()) {
            Ok(_) if disk.failed().is_none() => break,
            Ok(_) => panic!("a failing call went unnoticed"),
            Err(error) => {
                let error = error.to_string();
                let (_, file) = disk.failed().unwrap();
                let file = file.split(".damaged").next().unwrap();
                assert!(error.contains("cannot") && error.contains(file), "{error}");
                let done = case.heal(&disk.restart(), &case.now.restart()).unwrap();
                assert_eq!(done.not_healed, []);
            }
        }
    }
}
