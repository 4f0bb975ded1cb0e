//! Decoders of what proves: notes, checkpoints, keys, policies, receipts,
//! tiles. What reads has one form: written again it is the same bytes.

use bytes::Bytes;
use hazledger::event::signing::SecretKey;
use hazledger::pb;
use hazledger::proof::tree::tile::{decode_bundle, encode_bundle};
use hazledger::proof::tree::{EntryBundle, Frontier, Tile, leaf_hash};
use hazledger::proof::{
    Checkpoint, Note, NoteKeyKind, Policy, VerifierKey, check_cosignature, check_receipt, cosign,
    open_checkpoint, parse_receipt, read_receipt, receipt_text, sign_checkpoint,
};
use prost::Message as _;

const ORIGIN: &str = "log.example/a";

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn log_key() -> VerifierKey {
    VerifierKey::new(ORIGIN, NoteKeyKind::Ed25519, key(1).public().clone()).unwrap()
}

fn witness_key(seed: u8) -> VerifierKey {
    let public = key(seed).public().clone();
    VerifierKey::new("w.example", NoteKeyKind::Cosignature, public).unwrap()
}

/// The bytes as text, if they are.
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// An error says something, and no more than the longest policy has.
fn says(error: impl std::fmt::Display) {
    let said = error.to_string();
    assert!(!said.is_empty() && said.len() < 128 * 1024, "{said}");
}

pub fn vkey(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match VerifierKey::parse(text) {
        Ok(key) => assert_eq!(key.to_string(), text),
        Err(bad) => says(bad),
    }
}

pub fn note(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Note::parse(text) {
        Ok(note) => {
            assert_eq!(note.to_string(), text);
            let _ = note.check_signed_by(&log_key()).map_err(says);
            let _ = check_cosignature(&note, &witness_key(2)).map_err(says);
            if let Ok((checkpoint, _)) = open_checkpoint(text, &log_key()) {
                assert_eq!(checkpoint.to_string(), note.text);
                // The signature is the one that we make.
                let ours = sign_checkpoint(&key(1), &checkpoint);
                assert!(
                    ours.signatures
                        .iter()
                        .all(|line| note.signatures.contains(line))
                );
            }
        }
        Err(bad) => says(bad),
    }
}

pub fn checkpoint(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Checkpoint::parse(text) {
        Ok(checkpoint) => {
            assert_eq!(checkpoint.to_string(), text);
            let note = sign_checkpoint(&key(1), &checkpoint).to_string();
            let opened = open_checkpoint(&note, &log_key());
            assert_eq!(opened.is_ok(), checkpoint.origin == ORIGIN, "{note}");
        }
        Err(bad) => says(bad),
    }
}

pub fn policy(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match Policy::parse(text) {
        Ok(policy) => {
            let printed = policy.to_string();
            assert_eq!(Policy::parse(&printed).as_ref(), Ok(&policy), "{printed}");
            let cosigned = policy.satisfied_by(&witnessed());
            assert!(
                policy.wants_witnesses()
                    || !matches!(&cosigned, Err(bad)
                if bad.to_string().contains("quorum"))
            );
            let _ = cosigned.map_err(says);
        }
        Err(bad) => says(bad),
    }
}

/// A checkpoint of two leaves that the log and two witnesses signed.
fn witnessed() -> Note {
    let mut tree = Frontier::new();
    heads().iter().for_each(|head| tree.push(leaf_hash(head)));
    let checkpoint = Checkpoint::new(ORIGIN, tree.size(), tree.root()).unwrap();
    let mut note = sign_checkpoint(&key(1), &checkpoint);
    for seed in [2, 3] {
        let line = cosign(&key(seed), "w.example", &note.text, 1_700_000_000);
        note.signatures.push(line);
    }
    note
}

fn heads() -> [Bytes; 2] {
    [0, 1].map(|position| {
        let head = pb::Head {
            position,
            recorded_at_ms: 5,
            ..pb::Head::default()
        };
        head.encode_to_vec().into()
    })
}

fn receipt_of(position: usize) -> pb::Receipt {
    let heads = heads();
    pb::Receipt {
        head: heads[position].clone(),
        path: vec![leaf_hash(&heads[1 - position]).to_bytes()],
        checkpoint: witnessed().to_string(),
    }
}

/// The first byte: whether its checkpoint is signed again as it now stands.
pub fn receipt(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    let rest = Bytes::copy_from_slice(rest);
    match read_receipt(&rest) {
        Ok(mut receipt) => {
            let again = match text(&rest).filter(|text| text.starts_with("c2sp")) {
                Some(_) => receipt_text(&receipt).unwrap().into_bytes(),
                None => receipt.encode_to_vec(),
            };
            assert_eq!(again, rest);
            let signed = Note::parse(&receipt.checkpoint).ok();
            let signed = signed.and_then(|note| Checkpoint::parse(&note.text).ok());
            if let Some(checkpoint) = signed.filter(|_| how & 1 == 1) {
                receipt.checkpoint = sign_checkpoint(&key(1), &checkpoint).to_string();
            }
            holds(&receipt);
        }
        Err(bad) => says(bad),
    }
}

pub fn tlog_proof(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    match parse_receipt(text) {
        Ok(receipt) => {
            assert_eq!(receipt_text(&receipt).unwrap(), text);
            let bytes = Bytes::from(receipt.encode_to_vec());
            let read = read_receipt(&bytes);
            assert!(read == Ok(receipt.clone()) || receipt.checkpoint.is_empty());
            holds(&receipt);
        }
        Err(bad) => says(bad),
    }
}

fn holds(receipt: &pb::Receipt) {
    let policy = format!("witness a {}\nquorum a\n", witness_key(2));
    let policy = Policy::parse(&policy).unwrap();
    for policy in [None, Some(&policy)] {
        match check_receipt(receipt, &log_key(), policy) {
            Ok(receipted) => {
                assert!(receipted.position < receipted.checkpoint.size);
                assert_eq!(receipted.head.position, receipted.position);
                assert_eq!(receipted.cosigned.len(), policy.map_or(0, |_| 1));
            }
            Err(bad) => says(bad),
        }
    }
}

pub fn bundle(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    match decode_bundle(&bytes) {
        Ok(entries) => assert_eq!(encode_bundle(&entries), Ok(bytes)),
        Err(bad) => says(bad),
    }
}

pub fn tile_path(bytes: &[u8]) {
    let Some(text) = text(bytes) else { return };
    if let Some(tile) = Tile::parse(text) {
        assert_eq!(tile.path(), text);
        assert!((1..=256).contains(&tile.width) && tile.level < 64);
    }
    if let Some(bundle) = EntryBundle::parse(text) {
        assert_eq!(bundle.path(), text);
        assert!((1..=256).contains(&bundle.width) && Tile::parse(text).is_none());
    }
}

/// Inputs from which their corpora began.
#[allow(dead_code, reason = "for the quick form")]
pub fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let mut seeds: Vec<(&'static str, Vec<u8>)> = Vec::new();
    let mut add = |target, bytes: &[u8]| seeds.push((target, bytes.to_vec()));
    let (log, a, b) = (log_key(), witness_key(2), witness_key(3));
    for key in [&log, &a] {
        add("vkey", key.to_string().as_bytes());
    }
    add(
        "vkey",
        b"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    );
    let note = witnessed();
    add("note", note.to_string().as_bytes());
    add(
        "note",
        "A text\n\nof two parts.\n\n— a.example AAAAAAA=\n".as_bytes(),
    );
    let plain = Checkpoint::parse(&note.text).unwrap();
    add(
        "note",
        sign_checkpoint(&key(1), &plain).to_string().as_bytes(),
    );
    let root = plain.root.to_base64();
    add("checkpoint", note.text.as_bytes());
    add(
        "checkpoint",
        format!("b.example\n20852163\n{root}\nmore\n").as_bytes(),
    );
    add(
        "checkpoint",
        format!("a\n18446744073709551615\n{root}\n").as_bytes(),
    );
    add("policy", b"quorum none\n");
    add(
        "policy",
        format!("log {log} https://log.example/\nwitness a {a}\nquorum a\n").as_bytes(),
    );
    add(
        "policy",
        format!(
            "# Two of them.\nwitness a {a}\nwitness\tb {b} https://b.example/\n\
             group g 2 a b\ngroup any any g\ngroup all all any\nquorum all\n"
        )
        .as_bytes(),
    );
    for position in 0..2 {
        let receipt = receipt_of(position);
        let text = receipt_text(&receipt).unwrap();
        add("tlog_proof", text.as_bytes());
        for how in ["\0", "\u{1}"] {
            add("receipt", format!("{how}{text}").as_bytes());
        }
        let bytes = [&[0], receipt.encode_to_vec().as_slice()].concat();
        add("receipt", &bytes);
    }
    add("tlog_proof", b"c2sp.org/tlog-proof@v1\nindex 0\n\na\n1\n");
    for path in [
        "tile/0/x001/x234/067",
        "tile/1/000.p/17",
        "tile/entries/x018/x446/x744/x073/x709/x551/615.p/255",
    ] {
        add("tile_path", path.as_bytes());
    }
    let entry = |byte, length| Bytes::from(vec![byte; length]);
    for entries in [
        vec![entry(1, 1)],
        vec![entry(1, 300), entry(2, 0), entry(3, 5)],
        vec![entry(0, 0); 256],
    ] {
        let bundle = encode_bundle(&entries).unwrap();
        add("bundle", &bundle);
    }
    seeds
}
