//! Tiles and bundles against the specification's own words and numbers.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use bytes::Bytes;
use proptest::prelude::*;

use super::tests::{Nodes, get, leaves};
use super::tile::{BadBundle, decode_bundle, decode_tile, encode_bundle, fold_hashes};
use super::*;

#[test]
fn tiles_are_where_the_specification_says() {
    let full = |level, index| Tile {
        level,
        index,
        width: 256,
    };
    let partial = |level, index, width| Tile {
        level,
        index,
        width,
    };
    assert_eq!(full(0, 1_234_067).path(), "tile/0/x001/x234/067");
    assert_eq!(partial(1, 0, 17).path(), "tile/1/000.p/17");
    assert_eq!(
        full(63, u64::MAX).path(),
        "tile/63/x018/x446/x744/x073/x709/x551/615"
    );
    assert_eq!(
        EntryBundle {
            index: 1000,
            width: 5
        }
        .path(),
        "tile/entries/x001/000.p/5"
    );
    assert_eq!(
        EntryBundle {
            index: 1000,
            width: 5
        }
        .first(),
        Some(256_000)
    );

    // "A tree of size 70,000 will be represented by 273 full level 0 tiles,
    // one partial level 0 tile of width 112, one full level 1 tile, one
    // partial level 1 tile of width 17, and one partial level 2 tile of width 1."
    let of = |level, index| Tile::of_tree(level, index, 70_000);
    assert!((0..273).all(|index| of(0, index) == Some(full(0, index))));
    assert_eq!([of(0, 273), of(0, 274)], [Some(partial(0, 273, 112)), None]);
    assert_eq!(
        [of(1, 0), of(1, 1), of(1, 2)],
        [Some(full(1, 0)), Some(partial(1, 1, 17)), None]
    );
    assert_eq!(
        [of(2, 0), of(2, 1), of(3, 0)],
        [Some(partial(2, 0, 1)), None, None]
    );
    // "A tree of size 256 will be represented by a full level 0 tile and a
    // partial level 1 tile of width 1."
    let of = |level, index| Tile::of_tree(level, index, 256);
    assert_eq!([of(0, 0), of(0, 1)], [Some(full(0, 0)), None]);
    assert_eq!([of(1, 0), of(2, 0)], [Some(partial(1, 0, 1)), None]);
    assert_eq!(Tile::of_tree(0, 0, 0), None);
    assert_eq!(Tile::of_tree(63, 0, u64::MAX), None);
    assert_eq!(
        EntryBundle::of_tree(2, 513),
        Some(EntryBundle { index: 2, width: 1 })
    );
    assert_eq!(EntryBundle::of_tree(u64::MAX, u64::MAX), None);
}

#[test]
fn no_other_text_is_a_tiles_path() {
    let bad = [
        "",
        "tile",
        "tile/",
        "tile/0",
        "tile/0/",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "/tile/0/000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/+0/000",
        "tile/0/+00",
        "tile/0/x000/000",
        "tile/0/x000",
        "tile/0/001/000",
        "tile/0/x001/x000",
        "tile/0/X001/000",
        "tile/0/000/",
        "tile/0//000",
        "tile/0/000.p",
        "tile/0/000.p/",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/1/",
        "tile/0/000.p/1.p/1",
        "tile/0/x01/000",
        "tile/0/x0001/000",
        "tile/0/00a",
        "tile/0/０００",
        "tile/0/000 ",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        "tile/entries",
        "tile/entries/000",
        "Tile/0/000",
    ];
    for path in bad {
        assert_eq!(Tile::parse(path), None, "{path}");
        let entries = path.replace("tile/0/", "tile/entries/");
        if entries != path {
            assert_eq!(EntryBundle::parse(&entries), None, "{entries}");
        }
    }
    assert_eq!(EntryBundle::parse("tile/0/000"), None);
}

#[test]
fn every_node_of_a_tree_is_in_the_tile_that_is_said_to_tell_it() {
    let size = 70_000;
    let nodes = Nodes::of(leaves(size));
    let mut told = 0;
    for level in 0..20u8 {
        let count = size >> level;
        // Of the wide levels the two ends and what lies about full tiles.
        let near = |index: u64| index < 600 || index + 600 > count || index % 256 < 2;
        for index in (0..count).filter(|index| near(*index)) {
            let (tile, range) = Tile::of_node(level, index, size).unwrap();
            assert_eq!(Tile::of_tree(tile.level, tile.index, size), Some(tile));
            let first = tile.index * 256;
            let below = tile.level * 8;
            let bytes: Vec<u8> = (first..first + u64::from(tile.width))
                .filter(|at| range.contains(&((at - first) as usize)))
                .flat_map(|at| get(nodes.node(below, at)).0)
                .collect();
            let hashes = decode_tile(&bytes).unwrap();
            assert_eq!(fold_hashes(&hashes), Some(get(nodes.node(level, index))));
            told += 1;
        }
        assert_eq!(Tile::of_node(level, count, size), None, "not whole");
    }
    assert!(told > 5_000, "{told}");
    assert_eq!(Tile::of_node(255, u64::MAX, u64::MAX), None);
    assert_eq!(fold_hashes(&[]), None);
    assert_eq!(fold_hashes(&[empty_root(); 3]), None);
    assert_eq!(fold_hashes(&[empty_root(); 512]), None);
    assert_eq!(decode_tile(&[]), None);
    assert_eq!(decode_tile(&[0; 31]), None);
    assert_eq!(decode_tile(&[0; 257 * 32]), None);
}

#[test]
fn a_bundle_has_lengths_of_16_bits_and_at_most_256_entries() {
    let entry = |length: usize| Bytes::from(vec![7; length]);
    let bundle = encode_bundle(&[entry(0), entry(258)]).unwrap();
    assert_eq!(&bundle[..4], [0, 0, 1, 2]);
    assert_eq!(bundle.len(), 4 + 258);
    assert_eq!(encode_bundle(&[]), Err(BadBundle::Count(0)));
    assert_eq!(
        encode_bundle(&vec![entry(1); 257]),
        Err(BadBundle::Count(257))
    );
    let long = BadBundle::TooLong {
        index: 1,
        length: 65_536,
    };
    assert_eq!(encode_bundle(&[entry(1), entry(65_536)]), Err(long));
    assert!(encode_bundle(&[entry(65_535)]).is_ok());
    let many = Bytes::from(vec![0; 257 * 2]);
    assert_eq!(decode_bundle(&many), Err(BadBundle::Count(257)));
    assert_eq!(decode_bundle(&bundle.slice(..3)), Err(BadBundle::Cut(1)));
    assert_eq!(decode_bundle(&Bytes::new()), Err(BadBundle::Count(0)));
}

proptest! {
    #[test]
    fn every_place_of_a_tile_has_one_path(
        level in 0..64u8, index in any::<u64>(), shift in 0..64u32, width in 1..257u16,
    ) {
        let index = index >> shift;
        let tile = Tile { level, index, width };
        prop_assert_eq!(Tile::parse(&tile.path()), Some(tile));
        let bundle = EntryBundle { index, width };
        prop_assert_eq!(EntryBundle::parse(&bundle.path()), Some(bundle));
    }

    #[test]
    fn bundles_come_out_as_they_went_in(
        entries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..257),
        cut in any::<usize>(),
    ) {
        let entries: Vec<Bytes> = entries.into_iter().map(Bytes::from).collect();
        let bundle = encode_bundle(&entries).unwrap();
        prop_assert_eq!(decode_bundle(&bundle), Ok(entries.clone()));
        // Cut anywhere, it is refused or has fewer entries, whole ones.
        let cut = bundle.slice(..cut % bundle.len());
        match decode_bundle(&cut) {
            Ok(fewer) => prop_assert!(entries.starts_with(&fewer) && fewer.len() < entries.len()),
            Err(bad) => prop_assert!(matches!(bad, BadBundle::Cut(_) | BadBundle::Count(0))),
        }
    }
}
