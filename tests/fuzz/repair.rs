//! Making checksums and digests right again after the fuzzer has changed what
//! they cover: otherwise it would never get past them. Whoever forges a file
//! can do the same; signatures are the one thing that nobody can repair.

use bytes::Bytes;
use hazledger::event::PartKind;
use hazledger::event::digest::{SALT_LEN, part_digest};
use hazledger::event::signing::{Purpose, SecretKey};
use hazledger::pb::{Evidence, Head, Part, Payload, Record, SignedStatement, SubjectHead};
use hazledger::proof::tree::{TreeHash, TreeReader, inclusion_path, leaf_hash, node_hash, root_of};
use hazledger::proof::{Checkpoint, sign_checkpoint};
use prost::Message as _;

const HEADER_BYTES: usize = 8 + 4 + 32 + 8 + 32 + 4;
const FRAME_HEADER_BYTES: usize = 4 + 4 + 1 + 4 + 8;
const KIND_COMMIT: u8 = 2;

/// Salts of the right length, and the digests that the bodies then have.
fn digests(kind: PartKind, parts: &mut [Part]) -> Vec<Bytes> {
    let mut digests = Vec::new();
    for part in parts {
        if part.salt.is_empty() && part.body.is_empty() {
            digests.push(Bytes::from_static(&[0; 32]));
            continue;
        }
        let mut salt = [0; SALT_LEN];
        salt.iter_mut()
            .zip(&part.salt)
            .for_each(|(to, from)| *to = *from);
        part.salt = Bytes::copy_from_slice(&salt);
        digests.push(part_digest(kind, &salt, &part.body).to_bytes());
    }
    digests
}

fn payload(bytes: &mut Bytes, events: &mut [Part]) {
    if let Ok(mut payload) = Payload::decode(bytes.clone()) {
        payload.event_digests = digests(PartKind::Event, events);
        *bytes = payload.encode_to_vec().into();
    }
}

/// The payload names the events that are there.
pub fn statement(signed: &mut SignedStatement) {
    payload(&mut signed.payload, &mut signed.events);
}

/// Head and payload name the parts that are there. `stand` is told the head.
pub fn record(record: &mut Record, stand: impl FnOnce(&mut Head)) {
    let Ok(mut head) = Head::decode(record.head.clone()) else {
        return;
    };
    payload(&mut head.payload, &mut record.events);
    head.link_digests = digests(PartKind::Link, &mut record.links);
    head.outcome_digests = digests(PartKind::Outcome, &mut record.outcomes);
    head.finding_digests = digests(PartKind::Finding, &mut record.findings);
    stand(&mut head);
    record.head = head.encode_to_vec().into();
}

/// Records that a repaired tree has, at most.
const MAX_TREE: u64 = 4096;

/// The heads that are there lead to a checkpoint that the ledger signed, and
/// its word is of that checkpoint; with `parts` each head names its parts.
pub fn evidence(evidence: &mut Evidence, parts: bool, key: &SecretKey, name: &str) {
    let mut leaves = Vec::new();
    let mut places = Vec::new();
    for held in &mut evidence.records {
        let record = held.record.get_or_insert_default();
        if parts {
            self::record(record, |_| {});
        }
        let position = Head::decode(record.head.clone()).map_or(0, |head| head.position);
        if position >= MAX_TREE {
            return;
        }
        let at = usize::try_from(position).unwrap();
        leaves.resize(leaves.len().max(at + 1), leaf_hash(b""));
        leaves[at] = leaf_hash(&record.head);
        places.push(position);
    }
    let size = leaves.len() as u64;
    let tree = Leaves(leaves);
    for (held, position) in evidence.records.iter_mut().zip(places) {
        let Ok(path) = inclusion_path(&tree, position, size);
        held.path = path.unwrap().into_iter().map(TreeHash::to_bytes).collect();
    }
    let Ok(root) = root_of(&tree, size);
    let checkpoint = Checkpoint::new(name, size, root).unwrap();
    evidence.checkpoint = sign_checkpoint(key, &checkpoint).to_string();
    if let Some(signed) = &mut evidence.head {
        let mut word = SubjectHead::decode(signed.subject_head.clone()).unwrap_or_default();
        word.size = size;
        word.root = root.to_bytes();
        signed.subject_head = word.encode_to_vec().into();
        signed.signature = Some(key.signature(Purpose::SubjectHead, &signed.subject_head));
    }
}

struct Leaves(Vec<TreeHash>);

impl TreeReader for Leaves {
    type Error = std::convert::Infallible;

    fn node(&self, level: u8, index: u64) -> Result<TreeHash, Self::Error> {
        if level == 0 {
            return Ok(self.0[usize::try_from(index).unwrap()]);
        }
        let left = self.node(level - 1, 2 * index)?;
        Ok(node_hash(left, self.node(level - 1, 2 * index + 1)?))
    }
}

/// A segment's checksums and marks, as far as its frames can be followed.
pub fn segment(bytes: &mut [u8]) {
    if let Some(header) = bytes.get_mut(..HEADER_BYTES) {
        let (fields, crc) = header.split_at_mut(HEADER_BYTES - 4);
        crc.copy_from_slice(&crc32c::crc32c(fields).to_le_bytes());
    }
    let mut at = HEADER_BYTES;
    // What is durable when a frame is written: where its batch begins.
    let (mut batch_at, mut batch_position, mut records) = (at, 0_u64, 0_u32);
    while let Some(frame) = bytes.get_mut(at..) {
        let length: [u8; 4] = match frame.first_chunk() {
            Some(length) => *length,
            None => return,
        };
        let length = u32::from_le_bytes(length) as usize;
        let Some(frame) = frame
            .get_mut(..length)
            .filter(|_| length >= FRAME_HEADER_BYTES)
        else {
            return;
        };
        frame[9..13].copy_from_slice(&u32::try_from(batch_at).unwrap_or(0).to_le_bytes());
        frame[13..21].copy_from_slice(&batch_position.to_le_bytes());
        at += length;
        if frame[8] == 1 {
            records += 1;
        } else {
            if frame[8] == KIND_COMMIT
                && let Some(count) = frame.get_mut(FRAME_HEADER_BYTES..FRAME_HEADER_BYTES + 4)
            {
                count.copy_from_slice(&records.to_le_bytes());
            }
            batch_position += u64::from(std::mem::take(&mut records));
            batch_at = at;
        }
        let crc = crc32c::crc32c_append(crc32c::crc32c(&frame[..4]), &frame[8..]);
        frame[4..8].copy_from_slice(&crc.to_le_bytes());
    }
}

/// A key file's checksum: BLAKE3 over the compact JSON with an empty one.
pub fn key_file(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let text = |value: &serde_json::Value, fields: &[&str]| -> Option<String> {
        let field = |name: &&str| Some(format!("\"{name}\":{}", value.get(*name)?));
        Some(
            fields
                .iter()
                .map(field)
                .collect::<Option<Vec<_>>>()?
                .join(","),
        )
    };
    let secret = value.get("secret")?;
    let plain = text(secret, &["kind", "seed"]);
    let sealed = || {
        let fields = [
            "kind",
            "memoryKib",
            "passes",
            "lanes",
            "salt",
            "nonce",
            "ciphertext",
        ];
        text(secret, &fields)
    };
    let secret = plain.or_else(sealed)?;
    let head = text(
        &value,
        &["format", "version", "algorithm", "keyId", "publicKey"],
    )?;
    let compact = format!("{{{head},\"secret\":{{{secret}}},\"checksum\":\"\"}}");
    let checksum = blake3::derive_key("hazledger v1 checksum of a key file", compact.as_bytes());
    let hex = hazledger::event::digest::to_hex(&checksum);
    *value.get_mut("checksum")? = hex.into();
    serde_json::to_vec(&value).ok()
}
