//! Files that hold together record by record and would make the printed result
//! say what is not so: other lots added, the same word counted twice, a gift
//! whose giver stays behind.

use hazledger::pb::Evidence;
use hazledger::proof::evidence::{BadEvidence, read_evidence};
use prost::Message as _;

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
