//! Receipts: made, read in both forms, and checked again with every bit of
//! them changed.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

use bytes::Bytes;
use prost::Message as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::checkpoint::{BadCheckpoint, Checkpoint, sign_checkpoint};
use super::cosignature::cosign;
use super::note::{BadNote, NoteKeyKind, VerifierKey};
use super::policy::{Cosigned, Policy, Unsatisfied};
use super::receipt::*;
use super::tree::tests::{Nodes, get};
use super::tree::{BadPath, TreeHash, inclusion_path, leaf_hash, root_of};
use crate::event::digest::head_hash;
use crate::event::signing::SecretKey;
use crate::pb::{Head, Receipt};

const ORIGIN: &str = "ledger.example/a";

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn vkey() -> VerifierKey {
    VerifierKey::new(ORIGIN, NoteKeyKind::Ed25519, key(1).public().clone()).unwrap()
}

/// Two witnesses, both needed.
fn policy() -> Policy {
    let witness = |seed: u8| {
        let name = format!("w{seed}.example");
        let public = key(seed).public().clone();
        let key = VerifierKey::new(&name, NoteKeyKind::Cosignature, public).unwrap();
        format!("witness w{seed} {key}\n")
    };
    let (a, b) = (witness(2), witness(3));
    Policy::parse(&format!(
        "log {}\n{a}{b}group both all w2 w3\nquorum both\n",
        vkey()
    ))
    .unwrap()
}

fn head(position: u64) -> Bytes {
    let head = Head {
        position,
        recorded_at_ms: 5,
        previous: Bytes::from_static(&[9; 4]),
        ..Head::default()
    };
    head.encode_to_vec().into()
}

/// A ledger's tree, from which receipts are made.
struct Ledger {
    nodes: Nodes,
}

impl Ledger {
    fn of(size: u64) -> Ledger {
        let leaves = (0..size).map(|position| leaf_hash(&head(position)));
        let nodes = Nodes::of(leaves);
        Ledger { nodes }
    }

    /// With the signatures of the ledger alone, or also of both witnesses.
    fn receipt(&self, position: u64, size: u64, witnessed: bool) -> Receipt {
        let root = get(root_of(&self.nodes, size));
        let mut note = sign_checkpoint(&key(1), &Checkpoint::new(ORIGIN, size, root).unwrap());
        if witnessed {
            for seed in [2, 3] {
                let name = format!("w{seed}.example");
                let line = cosign(&key(seed), &name, &note.text, 1_000 + u64::from(seed));
                note.signatures.push(line);
            }
        }
        let path = get(inclusion_path(&self.nodes, position, size)).unwrap();
        Receipt {
            head: head(position),
            path: path.into_iter().map(TreeHash::to_bytes).collect(),
            checkpoint: note.to_string(),
        }
    }
}

/// Reads bytes as a receipt and checks it, as whoever gets one does.
fn holds(bytes: Vec<u8>, policy: Option<&Policy>) -> bool {
    let receipt = read_receipt(&Bytes::from(bytes));
    receipt.is_ok_and(|receipt| check_receipt(&receipt, &vkey(), policy).is_ok())
}

fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

/// That no byte of it can differ in any bit.
fn no_bit_can_change(bytes: &[u8], policy: Option<&Policy>) {
    assert!(holds(bytes.to_vec(), policy));
    (0..bytes.len() * 8).into_par_iter().for_each(|bit| {
        assert!(
            !holds(flipped(bytes, bit), policy),
            "bit {bit} of {bytes:?}"
        );
    });
}

#[test]
fn a_receipt_says_what_was_receipted_and_by_whom() {
    let ledger = Ledger::of(9);
    let receipt = ledger.receipt(4, 9, true);
    let plain = check_receipt(&receipt, &vkey(), None).unwrap();
    assert_eq!(plain.position, 4);
    assert_eq!(plain.head.position, 4);
    assert_eq!(plain.head_hash, head_hash(&receipt.head));
    assert_eq!(
        (plain.checkpoint.origin.as_str(), plain.checkpoint.size),
        (ORIGIN, 9)
    );
    assert_eq!(plain.cosigned, Vec::new());
    let both = check_receipt(&receipt, &vkey(), Some(&policy())).unwrap();
    let names = [("w2", 1_002), ("w3", 1_003)].map(|(name, at_s)| Cosigned {
        name: name.to_owned(),
        at_s,
    });
    assert_eq!(both.cosigned, names);
}

#[test]
fn a_receipt_as_text_is_whole_and_has_one_form() {
    let ledger = Ledger::of(9);
    let receipt = ledger.receipt(4, 9, true);
    let text = receipt_text(&receipt).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "c2sp.org/tlog-proof@v1");
    assert_eq!(lines[1], "extra CAQQBRoECQkJCQ==");
    assert_eq!(lines[2], "index 4");
    assert_eq!(lines[7..10], ["", ORIGIN, "9"]);
    assert_eq!(parse(&text), Ok(receipt.clone()));
    assert_eq!(
        read_receipt(&Bytes::from(text.clone())),
        Ok(receipt.clone())
    );
    assert_eq!(read_receipt(&receipt.encode_to_vec().into()), Ok(receipt));
    // The only leaf of a tree has no path.
    let alone = Ledger::of(1).receipt(0, 1, false);
    let short = receipt_text(&alone).unwrap();
    assert!(short.contains("\nindex 0\n\nledger.example/a\n1\n"));
    assert_eq!(parse(&short), Ok(alone));

    let hash = lines[3];
    let no_sibling = hash.trim_end_matches('=');
    for (from, to) in [
        ("@v1", "@v2"),
        ("@v1\n", "@v1\r\n"),
        ("extra ", "extra  "),
        ("extra CAQQBRoECQkJCQ==\n", ""),
        ("JCQ==\n", "JCQ\n"),
        ("JCQ==\n", "JCR==\n"),
        ("JCQ==\n", "JCQ== \n"),
        ("index 4", "index 5"),
        ("index 4", "index 04"),
        ("index 4", "index +4"),
        ("index 4\n", "index 4\n\n"),
        ("index 4\n", ""),
        ("index 4", "Index 4"),
        (hash, no_sibling),
        (hash, &no_sibling.to_lowercase()),
        (hash, "AAAA"),
    ] {
        let spoilt = text.replacen(from, to, 1);
        assert_ne!(spoilt, text);
        let read = parse(&spoilt).and_then(|r| check_receipt(&r, &vkey(), None));
        assert!(read.is_err(), "{spoilt}");
    }
}

/// Every index of every size to 40.
fn leaves_of_trees_to_40() -> Vec<(u64, u64)> {
    (1..=40).flat_map(|n| (0..n).map(move |i| (i, n))).collect()
}

#[test]
fn any_bit_changed_in_a_whole_receipt_undoes_it_for_trees_to_40() {
    let ledger = Ledger::of(40);
    leaves_of_trees_to_40()
        .into_par_iter()
        .for_each(|(index, size)| {
            let receipt = ledger.receipt(index, size, false);
            no_bit_can_change(&receipt.encode_to_vec(), None);
        });
}

#[test]
fn any_bit_changed_in_a_whole_receipt_as_text_undoes_it_for_trees_to_40() {
    let ledger = Ledger::of(40);
    let policy = policy();
    for size in 1..=40u64 {
        // One index of each size, of the left and of the right, the first and
        // the last, with both witnesses' lines.
        let index = [0, size - 1, size / 2, size * 5 / 7][(size % 4) as usize];
        let witnessed = receipt_text(&ledger.receipt(index, size, true)).unwrap();
        no_bit_can_change(witnessed.as_bytes(), Some(&policy));
    }
}

#[test]
fn sampled_bits_changed_in_receipts_undo_them_for_trees_to_600() {
    const BITS: usize = 24;
    let ledger = Ledger::of(600);
    let policy = policy();
    (41..=600u64).into_par_iter().for_each(|size| {
        let mut dice = ChaCha8Rng::seed_from_u64(size);
        let index = dice.random_range(0..size);
        let receipt = ledger.receipt(index, size, true);
        let text = receipt_text(&receipt).unwrap().into_bytes();
        for bytes in [receipt.encode_to_vec(), text] {
            assert!(holds(bytes.clone(), Some(&policy)), "{index} in {size}");
            for _ in 0..BITS {
                let bit = dice.random_range(0..bytes.len() * 8);
                let changed = flipped(&bytes, bit);
                assert!(
                    !holds(changed, Some(&policy)),
                    "bit {bit} of {index} in {size}"
                );
            }
        }
    });
}

#[test]
fn a_receipt_is_refused_by_what_is_wrong_with_it() {
    let ledger = Ledger::of(9);
    let good = ledger.receipt(4, 9, false);
    let check = |receipt: &Receipt| check_receipt(receipt, &vkey(), None).unwrap_err();
    let with = |change: &dyn Fn(&mut Receipt)| {
        let mut receipt = good.clone();
        change(&mut receipt);
        check(&receipt)
    };
    // Another ledger's, and another key's.
    let other = VerifierKey::new("b", NoteKeyKind::Ed25519, key(1).public().clone()).unwrap();
    let refused = check_receipt(&good, &other, None);
    assert!(matches!(
        refused,
        Err(BadReceipt::Checkpoint(BadCheckpoint::OtherLog { .. }))
    ));
    let other = VerifierKey::new(ORIGIN, NoteKeyKind::Ed25519, key(2).public().clone()).unwrap();
    let unsigned = BadNote::Unsigned {
        name: ORIGIN.to_owned(),
        id: crate::event::digest::to_hex(&other.id()),
        by: format!("{ORIGIN} ({})", crate::event::digest::to_hex(&vkey().id())),
    };
    let refused = check_receipt(&good, &other, None);
    assert_eq!(
        refused,
        Err(BadReceipt::Checkpoint(BadCheckpoint::Note(unsigned)))
    );
    // Without the witnesses that the policy wants.
    let refused = check_receipt(&good, &vkey(), Some(&policy()));
    assert!(matches!(
        refused,
        Err(BadReceipt::Policy(Unsatisfied::Quorum { .. }))
    ));
    // A true checkpoint and path, of another head.
    let swapped = with(&|r| r.head = head(5));
    assert!(matches!(
        swapped,
        BadReceipt::Path {
            position: 5,
            why: BadPath::Root { .. }
        }
    ));
    let beyond = with(&|r| r.head = head(9));
    let why = BadPath::Index { index: 9, size: 9 };
    assert_eq!(beyond, BadReceipt::Path { position: 9, why });
    // A checkpoint of a smaller tree, which does not have it yet.
    let early = with(&|r| r.checkpoint = ledger.receipt(1, 4, false).checkpoint);
    assert!(matches!(
        early,
        BadReceipt::Path {
            why: BadPath::Index { .. },
            ..
        }
    ));
    let why = BadPath::Length { got: 3, want: 4 };
    assert_eq!(
        with(&|r| drop(r.path.pop())),
        BadReceipt::Path { position: 4, why }
    );
    assert_eq!(
        with(&|r| r.path[2] = Bytes::from_static(&[0; 31])),
        BadReceipt::Hash(2)
    );
    assert_eq!(
        with(&|r| r.path = vec![r.path[0].clone(); 66]),
        BadReceipt::PathLength(66)
    );
    assert_eq!(
        with(&|r| r.head = Bytes::from_static(b"\x08")),
        BadReceipt::Head
    );
    assert_eq!(with(&|r| r.head = vec![0; 65_536].into()), BadReceipt::Head);
    // A head with its position written as no encoder would.
    assert_eq!(
        with(&|r| r.head = Bytes::from_static(b"\x08\x84\x00")),
        BadReceipt::Head
    );
    let form = with(&|r| r.checkpoint.clear());
    assert_eq!(form, BadReceipt::Checkpoint(BadNote::Form.into()));

    for bytes in [
        &b""[..],
        b"\x08\x01",
        b"c2sp.org/tlog-proof@v1\xff",
        b"extra",
    ] {
        assert!(read_receipt(&Bytes::copy_from_slice(bytes)).is_err());
    }
    // An unknown field, the fields in another order: not the one form.
    let mut bytes = good.encode_to_vec();
    bytes.extend_from_slice(&[0x20, 1]);
    assert_eq!(read_receipt(&bytes.into()), Err(BadReceipt::Form));
    let long = Bytes::from(vec![b'a'; MAX_RECEIPT + 1]);
    assert_eq!(
        read_receipt(&long),
        Err(BadReceipt::TooLong(MAX_RECEIPT + 1))
    );
    let many = "A".repeat(MAX_RECEIPT + 1);
    assert_eq!(parse(&many), Err(BadReceipt::TooLong(MAX_RECEIPT + 1)));
    let path = format!("{}=\n", "A".repeat(43)).repeat(66);
    let text = receipt_text(&good)
        .unwrap()
        .replace("index 4\n", &format!("index 4\n{path}"));
    assert_eq!(parse(&text), Err(BadReceipt::PathLength(66)));
}
