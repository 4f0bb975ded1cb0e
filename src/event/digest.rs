//! BLAKE3 digests, each purpose under its own first byte, so that bytes of one
//! kind can never stand for another.

use std::fmt;

/// A 32-byte digest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// 32 zero bytes: the previous hash of record 0.
    pub const ZERO: Hash = Hash([0; 32]);

    /// From exactly 32 bytes, else `None`.
    pub fn from_slice(bytes: &[u8]) -> Option<Hash> {
        bytes.try_into().ok().map(Hash)
    }

    /// As protobuf wants it.
    pub fn to_bytes(self) -> bytes::Bytes {
        bytes::Bytes::copy_from_slice(&self.0)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

/// Writes bytes as lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|b| write!(f, "{b:02x}"))
}

/// Bytes as lower-case hexadecimal text.
pub fn to_hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
            // Writing to a String cannot fail.
            let _ = write!(s, "{b:02x}");
            s
        })
}

/// The first byte of everything that is hashed. Numbers are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Tag {
    /// A record's head.
    Head = 0x01,
    /// A salted event body.
    Event = 0x02,
    /// A salted link.
    Link = 0x03,
    /// A salted outcome.
    Outcome = 0x04,
    /// A salted finding.
    Finding = 0x05,
    /// A head hash as leaf of its batch's tree.
    BatchLeaf = 0x06,
    /// An inner node of a batch's tree.
    BatchNode = 0x07,
    /// A name derived from an event: lot, handoff, consignment, dispute.
    Name = 0x08,
    /// A public key's id.
    Key = 0x09,
    /// One subject's item in the state digest.
    StateLeaf = 0x0a,
    /// The state digest over its leaves.
    State = 0x0b,
    /// A leaf of the map of touched subjects.
    TouchedLeaf = 0x0c,
    /// An inner node of that map.
    TouchedNode = 0x0d,
    /// A salt made by a signer or by the ledger.
    Salt = 0x0e,
    /// A statement's payload, as refusals name it.
    Payload = 0x0f,
    /// A refusal that is kept, with the hash of the one before.
    Refusal = 0x10,
    /// A subject, as the map of touched subjects is keyed and sorted by.
    TouchedSubject = 0x11,
}

/// BLAKE3 over the tag and the pieces one after another. Only for pieces of
/// fixed length, or a last piece of any length.
pub fn tagged(tag: Tag, pieces: &[&[u8]]) -> Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[tag as u8]);
    for piece in pieces {
        hasher.update(piece);
    }
    Hash(*hasher.finalize().as_bytes())
}

/// Hash of a record's head, over its stored bytes.
pub fn head_hash(head: &[u8]) -> Hash {
    tagged(Tag::Head, &[head])
}

/// What a part of a record is; each has its own digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PartKind {
    /// An event body, salted by the signer.
    Event,
    /// A link, salted by the ledger, as are the others.
    Link,
    /// A subject's outcome.
    Outcome,
    /// A finding.
    Finding,
}

impl PartKind {
    fn tag(self) -> Tag {
        match self {
            PartKind::Event => Tag::Event,
            PartKind::Link => Tag::Link,
            PartKind::Outcome => Tag::Outcome,
            PartKind::Finding => Tag::Finding,
        }
    }
}

/// Length of a part's salt in bytes.
pub const SALT_LEN: usize = 16;

/// The salted digest by which a head or payload commits to a part.
pub fn part_digest(kind: PartKind, salt: &[u8; SALT_LEN], body: &[u8]) -> Hash {
    tagged(kind.tag(), &[salt, body])
}

/// A salt from a secret of 32 bytes and what it is for: the same input makes
/// the same bytes, and nobody without the secret can guess it.
pub fn derive_salt(
    secret: &[u8; 32],
    context: &[u8],
    kind: PartKind,
    index: u32,
) -> [u8; SALT_LEN] {
    let mut hasher = blake3::Hasher::new_keyed(secret);
    hasher.update(&[Tag::Salt as u8, kind.tag() as u8]);
    hasher.update(&index.to_be_bytes());
    hasher.update(context);
    let mut salt = [0; SALT_LEN];
    hasher.finalize_xof().fill(&mut salt);
    salt
}

/// Splits a list of two or more leaves as RFC 6962 (section 2.1) does: at the
/// largest power of two that is smaller than its length.
fn split_point(length: usize) -> usize {
    let half = length.next_power_of_two() / 2;
    half.max(1)
}

/// The root of a binary tree of leaf digests in the shape of RFC 6962, section
/// 2.1; zeros for no leaves.
pub fn merkle_root(node: Tag, leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::ZERO,
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split_point(leaves.len()));
            tagged(
                node,
                &[&merkle_root(node, left).0, &merkle_root(node, right).0],
            )
        }
    }
}

/// The path from a leaf up to the root, nearest sibling first; `None` if there
/// is no such leaf.
pub fn merkle_path(node: Tag, leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    if leaves.len() == 1 {
        return Some(Vec::new());
    }
    let at = split_point(leaves.len());
    let (left, right) = leaves.split_at(at);
    let (mut path, sibling) = if index < at {
        (merkle_path(node, left, index)?, merkle_root(node, right))
    } else {
        (
            merkle_path(node, right, index - at)?,
            merkle_root(node, left),
        )
    };
    path.push(sibling);
    Some(path)
}

/// The root that a leaf and its path lead to in a tree of `count` leaves;
/// `None` if the path does not have the shape that such a tree gives.
pub fn merkle_climb(node: Tag, leaf: Hash, index: u64, count: u64, path: &[Hash]) -> Option<Hash> {
    if index >= count {
        return None;
    }
    if count == 1 {
        return path.is_empty().then_some(leaf);
    }
    let (sibling, below) = path.split_last()?;
    let half = count.checked_next_power_of_two()? / 2;
    Some(if index < half {
        tagged(
            node,
            &[&merkle_climb(node, leaf, index, half, below)?.0, &sibling.0],
        )
    } else {
        let right = merkle_climb(node, leaf, index - half, count - half, below)?;
        tagged(node, &[&sibling.0, &right.0])
    })
}
