//! The right edge of a tree: the roots of the full subtrees that its size is
//! made of. It takes leaf after leaf and knows the root at any time, in memory
//! that grows with the tree's height.

use super::{TreeHash, empty_root, node_hash};

/// Leaves of a tree that is restored, at most: far more than will be, and far
/// from where a count of 64 bits ends.
pub const MAX_SIZE: u64 = 1 << 63;

/// A tree that can be added to, without its inner nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// One for each bit set in `size`, largest subtree first.
    hashes: Vec<TreeHash>,
}

impl Frontier {
    /// Of no leaves.
    pub fn new() -> Frontier {
        Frontier::default()
    }

    /// From its size and [`hashes`](Frontier::hashes); `None` if a tree of
    /// that size has another number of them, or is larger than [`MAX_SIZE`].
    pub fn restore(size: u64, hashes: Vec<TreeHash>) -> Option<Frontier> {
        let count = usize::try_from(size.count_ones()).ok()?;
        (hashes.len() == count && size <= MAX_SIZE).then_some(Frontier { size, hashes })
    }

    /// Leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The roots of its full subtrees, the largest and leftmost first; one for
    /// each bit set in its size.
    pub fn hashes(&self) -> &[TreeHash] {
        &self.hashes
    }

    /// The root of all leaves.
    pub fn root(&self) -> TreeHash {
        let mut from_the_right = self.hashes.iter().rev().copied();
        let Some(last) = from_the_right.next() else {
            return empty_root();
        };
        from_the_right.fold(last, |right, left| node_hash(left, right))
    }

    /// Adds a leaf.
    pub fn push(&mut self, leaf: TreeHash) {
        self.push_noting(leaf, &mut |_, _, _| {});
    }

    /// Adds a leaf, and tells every node over a full subtree that it makes
    /// whole, upwards: level (0: the leaf itself), index in that level, hash.
    pub fn push_noting(&mut self, leaf: TreeHash, noting: &mut dyn FnMut(u8, u64, TreeHash)) {
        let (mut level, mut index, mut hash) = (0, self.size, leaf);
        noting(level, index, hash);
        while index & 1 == 1 {
            // One for each bit of the size: there is one while the bit is set.
            let Some(left) = self.hashes.pop() else { break };
            hash = node_hash(left, hash);
            level += 1;
            index >>= 1;
            noting(level, index, hash);
        }
        self.hashes.push(hash);
        self.size += 1;
    }
}
