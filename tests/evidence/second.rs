//! Files that hold together record by record and would make the printed result
//! say what is not so: other lots added, the same word counted twice, a gift
//! whose giver stays behind.

use hazledger::event::record::{OpenRecord, SealedRecord};
use hazledger::event::{Hash, LotId, Statement};
use hazledger::pb::event::Body;
use hazledger::pb::{Evidence, Head, LotState, Record};
use hazledger::proof::Violation;
use hazledger::proof::evidence::{BadEvidence, read_evidence};
use prost::Message as _;

use super::bench::{Bench, event, key, sign};
use super::house::House;

/// What the bench's ledger tells, with something in one head told otherwise; the
/// tree is over the heads as they are now.
fn with_head(bench: Bench, at: u64, change: impl FnOnce(&mut Head)) -> House {
    with_record(bench, at, |head, _| change(head))
}

fn with_record(bench: Bench, at: u64, change: impl FnOnce(&mut Head, &mut Record)) -> House {
    let mut records: Vec<SealedRecord> = bench.records.into_iter().map(|(r, _)| r).collect();
    let sealed = &mut records[usize::try_from(at).unwrap()];
    let mut record = Record::decode(sealed.bytes.clone()).unwrap();
    let mut head = Head::decode(record.head.clone()).unwrap();
    change(&mut head, &mut record);
    record.head = head.encode_to_vec().into();
    let bytes = record.encode_to_vec().into();
    let opened = OpenRecord::from_parts(record).unwrap();
    *sealed = SealedRecord {
        bytes,
        head: opened.head_bytes,
        hash: opened.hash,
    };
    House::with(bench.state, key("ledger"), records)
}

fn lot_of(house: &House, label: &str) -> LotId {
    let named = |state: &LotState| state.born.as_ref().unwrap().label == label;
    house.lots().find(|(_, state)| named(state)).unwrap().0
}

#[test]
fn a_statement_counts_once() {
    let mut bench = Bench::in_world(65_536);
    bench.set_up("stock");
    let used = Body::Used(bench.used("stock 5", "T1"));
    let draft = bench.draft("P1", vec![event(used)]);
    let statement = Statement::open(sign(&draft, "P1")).unwrap();
    for _ in 0..2 {
        let additions = bench.decided(&statement);
        bench.force(&statement, &additions);
    }
    let house = House::of(bench);
    let bad = house.check(&house.evidence(lot_of(&house, "stock")));
    match bad {
        Err(BadEvidence::Record { what, .. }) => {
            assert!(matches!(*what, Violation::Repeated { .. }), "{what}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_ledgers_clock_does_not_run_backwards() {
    let mut bench = Bench::in_world(65_536);
    bench.set_up("stock used");
    let at = bench.state.next() - 1;
    let house = with_head(bench, at, |head| head.recorded_at_ms -= 10_000);
    let bad = house.check(&house.evidence(lot_of(&house, "stock")));
    assert!(matches!(bad, Err(BadEvidence::Clock { .. })), "{bad:?}");
}

#[test]
fn records_side_by_side_are_chained() {
    let mut bench = Bench::in_world(65_536);
    bench.set_up("stock used");
    let at = bench.state.next() - 1;
    let house = with_head(bench, at, |head| head.previous = Hash([9; 32]).to_bytes());
    let bad = house.check(&house.evidence(lot_of(&house, "stock")));
    assert!(matches!(bad, Err(BadEvidence::Chain(_))), "{bad:?}");
}

/// Two bytes in the file, two hundred in memory: what is too many is not read.
#[test]
fn a_file_of_empty_messages_is_refused_before_it_takes_memory() {
    let evidence = |field: &[u8], count: usize| {
        let mut bytes = vec![0x08, 1];
        bytes.extend(field.repeat(count));
        read_evidence(bytes.into())
    };
    let many = |read: Result<Evidence, BadEvidence>| match read {
        Err(BadEvidence::TooMany { what, .. }) => what,
        other => panic!("{:?}", other.map(|evidence| evidence.records.len())),
    };
    assert_eq!(many(evidence(&[0x22, 0], 200_000)), "records");
    assert_eq!(many(evidence(&[0x2a, 0], 200_000)), "maps");
    assert_eq!(many(evidence(&[0x3a, 0], 200_000)), "documents");
    // The same inside a record: parts without digests, and a path that no tree
    // has.
    let inside = |number: u8, body: &[u8]| {
        let mut bytes = vec![0x08, 1, number];
        prost::encoding::encode_varint(body.len() as u64, &mut bytes);
        bytes.extend(body);
        read_evidence(bytes.into())
    };
    let mut record = vec![0x0a];
    let parts = [0x12, 0].repeat(200_000);
    prost::encoding::encode_varint(parts.len() as u64, &mut record);
    record.extend(parts);
    assert_eq!(many(inside(0x22, &record)), "parts of a record");
    let path = [0x12, 0].repeat(200_000);
    assert_eq!(many(inside(0x22, &path)), "hashes of a path");
    let entry = [0x22, 0].repeat(200_000);
    let mut map = vec![0x1a];
    prost::encoding::encode_varint(entry.len() as u64, &mut map);
    map.extend(entry);
    assert_eq!(many(inside(0x2a, &map)), "hashes of a path");
}
