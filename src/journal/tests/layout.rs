//! Frames, headers and tables on arbitrary bytes.

use proptest::prelude::*;

use crate::journal::frame::{FRAME_HEADER_BYTES, Kind, Mark, Unchecked, decode, encode};
use crate::journal::segment::{
    HEADER_BYTES, Header, Listing, OffsetTable, encode_table, name, table_frame_bytes, torn,
};
use crate::journal::{Journal, scan};
use crate::storage::sim::SimStorage;
use crate::storage::{Storage, StorageFile};

fn kinds() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Record),
        Just(Kind::Commit),
        Just(Kind::Seal),
        Just(Kind::OffsetTable)
    ]
}

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(any::<u8>(), 0..most)
}

proptest! {
    #[test]
    fn decoding_never_panics_and_never_accepts_by_chance(garbage in bytes(200)) {
        prop_assert!(decode(&garbage).is_err());
        prop_assert!(Header::decode(&garbage).is_err());
        let _ = Unchecked::read(&garbage).map(|head| head.frame_bytes());
        let _ = OffsetTable::read(&garbage).map(|table| table.offsets().count());
    }

    #[test]
    fn a_frame_is_read_as_it_was_written_and_no_flipped_bit_goes_unnoticed(
        kind in kinds(),
        synced_bytes: u32,
        synced_through: u64,
        body in bytes(300),
        rest in bytes(40),
        bit: prop::sample::Index,
    ) {
        let mark = Mark { synced_bytes, synced_through };
        let mut encoded = Vec::new();
        let (front, back) = body.split_at(body.len() / 2);
        encode(&mut encoded, kind, mark, &[front, back]).unwrap();
        let length = encoded.len();
        prop_assert_eq!(length, body.len() + FRAME_HEADER_BYTES);
        encoded.extend(&rest);
        let frame = decode(&encoded).unwrap();
        prop_assert_eq!((frame.kind, frame.mark, frame.body), (kind, mark, &body[..]));
        prop_assert!(decode(&encoded[..length - 1]).is_err());
        let bit = bit.index(length * 8);
        encoded[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(decode(&encoded).is_err());
    }

    #[test]
    fn a_header_is_read_as_it_was_written(origin: [u8; 32], first_position: u64, previous_head: [u8; 32]) {
        let header = Header { origin, first_position, previous_head };
        let encoded = header.encode();
        prop_assert_eq!(encoded.len(), HEADER_BYTES);
        prop_assert_eq!(Header::decode(&encoded), Ok(header));
    }

    #[test]
    fn an_offset_table_is_read_as_it_was_written(
        offsets in proptest::collection::vec(any::<u32>(), 0..50),
        last_head: [u8; 32],
    ) {
        let mark = Mark { synced_bytes: 1, synced_through: 2 };
        let encoded = encode_table(mark, &offsets, &last_head).unwrap();
        prop_assert_eq!(encoded.len() as u64, table_frame_bytes(offsets.len() as u64));
        let table = OffsetTable::read(decode(&encoded).unwrap().body).unwrap();
        prop_assert_eq!(table.offsets().collect::<Vec<_>>(), offsets);
        prop_assert_eq!(table.last_head, last_head);
    }

    #[test]
    fn opening_and_scanning_arbitrary_files_never_panics(garbage in bytes(600), keep in 0usize..400) {
        let disk = super::killed(4);
        let names = super::segments(&disk);
        disk.corrupt(names.last().unwrap(), |bytes| {
            bytes.truncate(keep);
            bytes.extend(&garbage);
        });
        let _ = scan(&disk).count();
        let _ = Journal::open(disk.clone(), None, 0, super::SMALL).map(drop);
        let lone = SimStorage::new();
        lone.create(&name(0)).unwrap().write_all_at(&garbage, 0).unwrap();
        prop_assert!(Journal::open(lone.clone(), Some(super::ORIGIN), 0, super::SMALL).is_err());
        prop_assert!(scan(&lone).any(|item| item.is_err()));
    }
}

#[test]
fn only_exact_names_are_segments() {
    let names = [
        "00000000000000000007.seg",
        "7.seg",
        "00000000000000000007.seg.new",
        "x",
        "00000000000000000000.seg.torn-1",
    ];
    let listing = Listing::of(names.map(str::to_owned).to_vec());
    assert_eq!(listing.segments, [7]);
    assert_eq!(listing.unfinished, [names[2]]);
    assert_eq!(
        listing.free_name(torn, &name(0)),
        "00000000000000000000.seg.torn-2"
    );
    assert_eq!(name(u64::MAX).len(), names[0].len());
}
