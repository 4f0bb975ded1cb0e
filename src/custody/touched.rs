//! The map of touched subjects: which subjects the records between two state
//! records are about, and where each one's latest record of them is. A state
//! record commits to it by a root, so that absence from the map of each
//! interval shows that a subject has no record there.
//!
//! It is keyed by a digest of the subject and sorted by it, not by the subject
//! itself: a proof of absence shows the two neighbours of a gap, and they are
//! somebody else's. Not here: the proofs (`proof::touched`).

use super::key::Key;
use super::state::Touched;
use crate::event::Hash;
use crate::event::digest::{Tag, merkle_root, tagged};
use crate::pb::Subject;

/// A line of the map; lines are in order of their subject's digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TouchedLine {
    /// See [`subject_digest`].
    pub subject: Hash,
    /// Position of the subject's latest record in the interval.
    pub position: u64,
}

/// The digest that a subject is known by in the map:
/// `BLAKE3(0x11 || kind u32 BE || id)`.
pub fn subject_digest(subject: &Subject) -> Hash {
    digest_of(subject.kind, &subject.id)
}

fn digest_of(kind: i32, id: &[u8]) -> Hash {
    tagged(Tag::TouchedSubject, &[&kind.to_be_bytes(), id])
}

impl TouchedLine {
    /// The line of a key.
    pub fn of(key: &Key, position: u64) -> TouchedLine {
        TouchedLine {
            subject: digest_of(key.kind(), key.id()),
            position,
        }
    }

    /// The leaf of the map's tree:
    /// `BLAKE3(0x0c || subject digest || position u64 BE)`.
    pub fn leaf(&self) -> Hash {
        let position = self.position.to_be_bytes();
        tagged(Tag::TouchedLeaf, &[&self.subject.0, &position])
    }
}

/// The lines of what was touched, in order. On the core that asks: the writer
/// does, and must not wait for cores that wait for it.
pub fn lines(touched: &Touched) -> Vec<TouchedLine> {
    let mut lines: Vec<TouchedLine> = touched
        .iter()
        .map(|(key, position)| TouchedLine::of(key, *position))
        .collect();
    lines.sort_unstable();
    lines
}

/// The root of the map: nodes `BLAKE3(0x0d || left || right)` over the leaves
/// in order of subject digest, in the tree shape of RFC 6962, section 2.1;
/// zeros for an empty map.
pub fn touched_root(touched: &Touched) -> Hash {
    let lines = lines(touched);
    let leaves: Vec<Hash> = lines.iter().map(TouchedLine::leaf).collect();
    merkle_root(Tag::TouchedNode, &leaves)
}
