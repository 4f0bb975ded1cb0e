//! The tree: RFC 6962 (section 2.1) with SHA-256, over the exact bytes of
//! heads in order of position. What is hashed how, the tree's right edge
//! (`frontier`), paths and their checks (`path`), and its layout in C2SP tiles
//! (`tile`). Not here: where its nodes are kept, and what is signed about it
//! (`checkpoint`).

mod frontier;
mod path;
#[cfg(test)]
pub(super) mod tests;
pub mod tile;
#[cfg(test)]
mod tile_tests;

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

use crate::event::digest::hex;

pub use frontier::{Frontier, MAX_SIZE};
pub use path::{
    BadPath, TreeReader, check_consistency, check_inclusion, consistency_path, inclusion_path,
    root_of,
};
pub use tile::{EntryBundle, TILE_WIDTH, Tile};

/// Hashes that an inclusion path or a consistency path can have, at most: a
/// tree of 64-bit size is no higher, and a consistency path may begin with
/// one more.
pub const MAX_PATH: usize = 65;

/// Prefix of what is hashed for a leaf: RFC 6962, section 2.1.
const LEAF: u8 = 0x00;
/// Prefix of what is hashed for an inner node.
const NODE: u8 = 0x01;

/// A node of the tree: a SHA-256 hash.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeHash(pub [u8; 32]);

impl TreeHash {
    /// From exactly 32 bytes, else `None`.
    pub fn from_slice(bytes: &[u8]) -> Option<TreeHash> {
        bytes.try_into().ok().map(TreeHash)
    }

    /// From the one base64 form (RFC 4648, section 4, with padding) of 32
    /// bytes, else `None`.
    pub fn from_base64(text: &str) -> Option<TreeHash> {
        TreeHash::from_slice(&BASE64.decode(text).ok()?)
    }

    /// As protobuf wants it.
    pub fn to_bytes(self) -> bytes::Bytes {
        bytes::Bytes::copy_from_slice(&self.0)
    }

    /// As notes and proofs write it.
    pub fn to_base64(self) -> String {
        BASE64.encode(self.0)
    }
}

impl fmt::Display for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for TreeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

/// The leaf of an entry: SHA-256(0x00 || entry).
pub fn leaf_hash(entry: &[u8]) -> TreeHash {
    TreeHash(
        Sha256::new()
            .chain_update([LEAF])
            .chain_update(entry)
            .finalize()
            .into(),
    )
}

/// The node above two: SHA-256(0x01 || left || right).
pub fn node_hash(left: TreeHash, right: TreeHash) -> TreeHash {
    TreeHash(
        Sha256::new()
            .chain_update([NODE])
            .chain_update(left.0)
            .chain_update(right.0)
            .finalize()
            .into(),
    )
}

/// The root of a tree of no leaves: SHA-256 of nothing.
pub fn empty_root() -> TreeHash {
    TreeHash(Sha256::digest([]).into())
}

/// A decimal number in its one form: digits, no leading zero but `0` itself.
pub(super) fn canonical_decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let one_form = text == "0" || !text.starts_with('0');
    (digits && one_form).then(|| text.parse().ok())?
}
