//! Batch trees, commits, acknowledgements and refusals: made and checked, and
//! checked again with every bit of them changed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use prost::Message as _;

use super::*;
use crate::event::Hash;
use crate::event::codes::Refused;
use crate::event::digest::{Tag, head_hash, merkle_climb, merkle_path, merkle_root};
use crate::event::signing::SecretKey;
use crate::pb::{Acknowledgement, Head, Refusal, RefusalCode, SignedRefusal};

const GENESIS: Hash = Hash([0xaa; 32]);

fn key() -> SecretKey {
    SecretKey::from_seed(&[7; 32])
}

/// Heads at positions 100 and on, and their hashes.
fn heads(count: u64) -> Vec<(bytes::Bytes, Hash)> {
    let head = |position| Head {
        position,
        recorded_at_ms: 5,
        ..Head::default()
    };
    (100..100 + count)
        .map(|position| {
            let bytes: bytes::Bytes = head(position).encode_to_vec().into();
            let hash = head_hash(&bytes);
            (bytes, hash)
        })
        .collect()
}

fn acknowledged(count: u64, index: usize) -> Acknowledgement {
    let heads = heads(count);
    let hashes: Vec<Hash> = heads.iter().map(|(_, hash)| *hash).collect();
    let signed = sign_commit(&key(), GENESIS, 100, &hashes);
    acknowledge(heads[index].0.clone(), index, &hashes, &signed).unwrap()
}

#[test]
fn every_path_of_every_tree_leads_to_its_root_and_no_other_does() {
    for count in 1..=70u64 {
        let hashes: Vec<Hash> = heads(count).iter().map(|(_, hash)| *hash).collect();
        let leaves: Vec<Hash> = hashes.iter().map(|hash| batch_leaf(*hash)).collect();
        let tree = BatchTree::new(&hashes);
        let root = merkle_root(Tag::BatchNode, &leaves);
        assert_eq!(tree.root(), root, "{count} heads");
        for (index, leaf) in leaves.iter().enumerate() {
            let path = merkle_path(Tag::BatchNode, &leaves, index).unwrap();
            assert_eq!(tree.path(index), Some(path.clone()));
            let climb = |leaf, at: usize, path: &[Hash]| {
                merkle_climb(Tag::BatchNode, leaf, at as u64, count, path)
            };
            assert_eq!(climb(*leaf, index, &path), Some(root));
            for (step, bit) in (0..path.len()).zip([0, 77, 255].into_iter().cycle()) {
                let mut other = path.clone();
                other[step].0[bit / 8] ^= 1 << (bit % 8);
                assert_ne!(climb(*leaf, index, &other), Some(root));
            }
            let mut other = *leaf;
            other.0[index % 32] ^= 1;
            assert_ne!(climb(other, index, &path), Some(root));
            assert_ne!(climb(*leaf, index + 1, &path), Some(root));
            assert_eq!(
                climb(*leaf, index, &[path.as_slice(), &[root]].concat()),
                None
            );
        }
        assert_eq!(tree.path(leaves.len()), None);
    }
    assert_eq!(BatchTree::new(&[]).root(), Hash::ZERO);
    assert_eq!(BatchTree::new(&[]).path(0), None);
}

#[test]
fn an_acknowledgement_names_its_head_and_position() {
    for count in 1..=9u64 {
        for (index, (bytes, hash)) in heads(count).into_iter().enumerate() {
            let sound = check_acknowledgement(key().public(), GENESIS, &acknowledged(count, index))
                .unwrap();
            assert_eq!(sound.position, 100 + index as u64);
            assert_eq!(sound.head_hash, hash);
            assert_eq!(sound.head, Head::decode(bytes).unwrap());
        }
    }
    let hashes = [Hash::ZERO];
    let signed = sign_commit(&key(), GENESIS, 100, &hashes);
    assert_eq!(acknowledge(bytes::Bytes::new(), 1, &hashes, &signed), None);
}

#[test]
fn an_acknowledgement_with_any_bit_flipped_is_refused() {
    let bytes = acknowledged(5, 3).encode_to_vec();
    for at in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        let Ok(ack) = Acknowledgement::decode(flipped.as_slice()) else {
            continue;
        };
        if ack == acknowledged(5, 3) {
            continue; // An unknown field beside the ones that count.
        }
        let checked = check_acknowledgement(key().public(), GENESIS, &ack);
        assert!(checked.is_err(), "bit {at}");
    }
}

#[test]
fn an_acknowledgement_of_another_ledger_or_batch_is_refused() {
    let ack = acknowledged(4, 1);
    let stranger = SecretKey::from_seed(&[8; 32]);
    let check = |ack: &Acknowledgement| check_acknowledgement(key().public(), GENESIS, ack);
    assert_eq!(
        check_acknowledgement(stranger.public(), GENESIS, &ack),
        Err(BadCommit::Signature(stranger.id()).into())
    );
    let got = GENESIS;
    assert_eq!(
        check_acknowledgement(key().public(), Hash::ZERO, &ack),
        Err(BadCommit::Genesis {
            got,
            want: Hash::ZERO
        }
        .into())
    );
    assert_eq!(
        check(&Acknowledgement {
            commit: None,
            ..ack.clone()
        }),
        Err(BadAcknowledgement::NoCommit)
    );
    let hashes: Vec<Hash> = heads(4).iter().map(|(_, hash)| *hash).collect();
    let later = sign_commit(&key(), GENESIS, 200, &hashes);
    assert_eq!(
        check(&Acknowledgement {
            commit: Some(later),
            ..ack.clone()
        }),
        Err(BadAcknowledgement::Position {
            position: 101,
            first: 200,
            last: 203
        })
    );
    assert_eq!(
        check(&Acknowledgement {
            path: Vec::new(),
            ..ack.clone()
        }),
        Err(BadAcknowledgement::Path(101))
    );
    assert_eq!(
        check(&Acknowledgement {
            head: bytes::Bytes::from_static(&[0xff]),
            ..ack
        }),
        Err(BadAcknowledgement::NotCanonical)
    );
}

#[test]
fn an_acknowledged_genesis_is_the_ledgers() {
    let head: bytes::Bytes = Head {
        recorded_at_ms: 5,
        ..Head::default()
    }
    .encode_to_vec()
    .into();
    let hash = head_hash(&head);
    for (genesis, sound) in [(hash, true), (GENESIS, false)] {
        let signed = sign_commit(&key(), genesis, 0, &[hash]);
        let ack = acknowledge(head.clone(), 0, &[hash], &signed).unwrap();
        let checked = check_acknowledgement(key().public(), genesis, &ack);
        assert_eq!(checked.is_ok(), sound);
        assert!(sound || checked == Err(BadAcknowledgement::Hash(0)));
    }
}

#[test]
fn a_commit_that_says_what_cannot_be_is_refused() {
    let check = |signed: &_| check_commit(key().public(), GENESIS, signed);
    let none = sign_commit(&key(), GENESIS, 3, &[]);
    assert!(matches!(check(&none), Err(BadCommit::Shape(_))));
    let beyond = sign_commit(&key(), GENESIS, u64::MAX, &[GENESIS]);
    assert!(matches!(check(&beyond), Err(BadCommit::Shape(_))));
    let mut long = sign_commit(&key(), GENESIS, 3, &[GENESIS]);
    long.commit = [long.commit.as_ref(), &[0x30, 0x00]].concat().into();
    assert_eq!(check(&long), Err(BadCommit::NotCanonical("Commit")));
    let mut unsigned = sign_commit(&key(), GENESIS, 3, &[GENESIS]);
    unsigned.signature = None;
    assert_eq!(check(&unsigned), Err(BadCommit::Signature(key().id())));
    let sound = check(&sign_commit(&key(), GENESIS, 3, &[GENESIS, Hash::ZERO])).unwrap();
    assert_eq!((sound.first_position, sound.count), (3, 2));
}

fn refused() -> (Refusal, SignedRefusal) {
    let refusal = Refusal {
        genesis_hash: GENESIS.to_bytes(),
        payload_digest: Hash([3; 32]).to_bytes(),
        code: RefusalCode::Insufficient.into(),
        at_ms: 9,
        judged_at: 4,
    };
    let words = Refused::new(RefusalCode::Insufficient, "events[0]").detail("2 wanted, 1 there");
    let signed = sign_refusal(&key(), &refusal, &words);
    (refusal, signed)
}

#[test]
fn a_refusal_holds_under_the_ledgers_key_alone_and_as_it_was_signed() {
    let (refusal, signed) = refused();
    let check = |signed: &_| check_refusal(key().public(), GENESIS, signed);
    assert_eq!(check(&signed), Ok(refusal));
    let stranger = SecretKey::from_seed(&[8; 32]);
    assert_eq!(
        check_refusal(stranger.public(), GENESIS, &signed),
        Err(BadRefusal::Signature(stranger.id()))
    );
    assert_eq!(
        check_refusal(key().public(), Hash::ZERO, &signed),
        Err(BadRefusal::Genesis(Hash::ZERO))
    );
    let unsigned = SignedRefusal {
        signature: None,
        ..signed.clone()
    };
    assert_eq!(check(&unsigned), Err(BadRefusal::Unsigned));
    let other = SignedRefusal {
        code: RefusalCode::Expired.into(),
        ..signed.clone()
    };
    assert_eq!(check(&other), Err(BadRefusal::Code));
    let mut bytes = signed.refusal.to_vec();
    for at in 0..bytes.len() {
        bytes[at] ^= 1;
        assert!(
            check(&SignedRefusal {
                refusal: bytes.clone().into(),
                ..signed.clone()
            })
            .is_err()
        );
        bytes[at] ^= 1;
    }
}
