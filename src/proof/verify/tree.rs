//! The tree of RFC 6962 over the heads, as a verification grows it. What needs
//! no order (leaves, whole subtrees of a batch) is hashed on all cores; only the
//! right edge grows in order. The last leaves are kept, so that a root that the
//! ledger signs a little later can still be held against them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;

use crate::proof::tree::{Frontier, TreeHash, empty_root, node_hash};

/// Leaves that are kept behind the right edge, at least, if there are so many:
/// roots at their sizes can be asked for. 2 MiB of memory.
pub(super) const RECENT_LEAVES: usize = 65_536;

/// Leaves of a piece: a right edge is kept with each.
const PIECE_LEAVES: usize = 256;

/// The root of a full subtree that stands where its size divides its position.
pub(super) struct Subtree {
    level: u32,
    root: TreeHash,
}

/// The full subtrees that leaves at a position are made of, in order.
pub(super) fn subtrees(first: u64, leaves: &[TreeHash]) -> Vec<Subtree> {
    let mut made = Vec::new();
    let (mut at, mut rest) = (first, leaves);
    while !rest.is_empty() {
        let level = at.trailing_zeros().min(rest.len().ilog2());
        let (these, after) = rest.split_at_checked(1 << level).unwrap_or((rest, &[]));
        made.push(Subtree {
            level,
            root: full(these),
        });
        at = at.saturating_add(these.len() as u64);
        rest = after;
    }
    made
}

/// The root over as many leaves as a power of two.
fn full(leaves: &[TreeHash]) -> TreeHash {
    match leaves {
        [] => empty_root(),
        [one] => *one,
        [left, right] => node_hash(*left, *right),
        more => {
            let (left, right) = more.split_at_checked(more.len() / 2).unwrap_or((more, &[]));
            node_hash(full(left), full(right))
        }
    }
}

/// The tree so far.
#[derive(Default)]
pub(super) struct HeadsTree {
    frontier: Frontier,
    /// The last leaves, oldest first.
    recent: VecDeque<Piece>,
    recent_leaves: usize,
    /// Sizes whose roots are to be noted.
    wanted: BTreeSet<u64>,
    noted: BTreeMap<u64, TreeHash>,
}

/// Leaves, and the right edge before them.
struct Piece {
    before: Frontier,
    leaves: Vec<TreeHash>,
}

impl HeadsTree {
    /// Of no leaves; roots at these sizes will be noted.
    pub(super) fn new(wanted: &BTreeSet<u64>) -> HeadsTree {
        HeadsTree {
            wanted: wanted.clone(),
            ..HeadsTree::default()
        }
    }

    /// The root at this size will be noted too, when the tree has grown to it.
    pub(super) fn want(&mut self, size: u64) {
        if size > self.size() {
            self.wanted.insert(size);
        }
    }

    /// From what [`HeadsTree::recent`] told.
    pub(super) fn restore(
        before: Frontier,
        leaves: Vec<TreeHash>,
        wanted: &BTreeSet<u64>,
    ) -> HeadsTree {
        let mut tree = HeadsTree {
            frontier: before,
            ..HeadsTree::new(wanted)
        };
        tree.add(&leaves, &subtrees(tree.size(), &leaves));
        tree
    }

    /// Leaves.
    pub(super) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Root of all of them.
    pub(super) fn root(&self) -> TreeHash {
        self.frontier.root()
    }

    /// Adds leaves, with the [`subtrees`] that they make at this size.
    pub(super) fn add(&mut self, leaves: &[TreeHash], subtrees: &[Subtree]) {
        let before = self.size();
        self.remember(leaves);
        for subtree in subtrees {
            push(&mut self.frontier, subtree);
        }
        let passed = (Bound::Excluded(before), Bound::Included(self.size()));
        let passed: Vec<u64> = self.wanted.range(passed).copied().collect();
        for size in passed {
            if let Some(root) = self.recent_root(size) {
                self.noted.insert(size, root);
            }
        }
    }

    /// The root that the tree had at a size: one that was asked for before, or
    /// of the last [`RECENT_LEAVES`].
    pub(super) fn root_at(&self, size: u64) -> Option<TreeHash> {
        let noted = self.noted.get(&size).copied();
        noted.or_else(|| self.recent_root(size))
    }

    fn recent_root(&self, size: u64) -> Option<TreeHash> {
        if size == 0 {
            return Some(empty_root());
        }
        if size == self.size() {
            return Some(self.root());
        }
        let after = self
            .recent
            .partition_point(|piece| piece.before.size() <= size);
        let piece = self.recent.get(after.checked_sub(1)?)?;
        let more = usize::try_from(size.checked_sub(piece.before.size())?).ok()?;
        let mut frontier = piece.before.clone();
        for leaf in piece.leaves.get(..more)? {
            frontier.push(*leaf);
        }
        Some(frontier.root())
    }

    /// The last leaves, and the right edge before them.
    pub(super) fn recent(&self) -> (Frontier, impl Iterator<Item = &TreeHash>) {
        let first = self.recent.front();
        let before = first.map_or(&self.frontier, |piece| &piece.before);
        let leaves = self.recent.iter().flat_map(|piece| &piece.leaves);
        (before.clone(), leaves)
    }

    fn remember(&mut self, leaves: &[TreeHash]) {
        self.recent_leaves = self.recent_leaves.saturating_add(leaves.len());
        match self.recent.back_mut() {
            Some(last) if last.leaves.len() < PIECE_LEAVES => last.leaves.extend(leaves),
            _ => self.recent.push_back(Piece {
                before: self.frontier.clone(),
                leaves: leaves.to_vec(),
            }),
        }
        while let Some(first) = self.recent.front() {
            let left = self.recent_leaves.saturating_sub(first.leaves.len());
            if left < RECENT_LEAVES {
                return;
            }
            self.recent_leaves = left;
            self.recent.pop_front();
        }
    }
}

/// Adds a full subtree where its size divides the tree's.
fn push(frontier: &mut Frontier, subtree: &Subtree) {
    if subtree.level == 0 {
        frontier.push(subtree.root);
        return;
    }
    let size = frontier.size();
    let mut hashes = frontier.hashes().to_vec();
    let (mut level, mut root) = (subtree.level, subtree.root);
    while size.checked_shr(level).unwrap_or(0) & 1 == 1 {
        let Some(left) = hashes.pop() else { break };
        root = node_hash(left, root);
        level += 1;
    }
    hashes.push(root);
    let grown = size.saturating_add(1 << subtree.level);
    // One hash for each bit of the size: that is what the carrying keeps.
    if let Some(grown) = Frontier::restore(grown, hashes) {
        *frontier = grown;
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::proof::tree::leaf_hash;

    fn leaves(from: u64, count: u64) -> Vec<TreeHash> {
        (from..from + count)
            .map(|n| leaf_hash(&n.to_be_bytes()))
            .collect()
    }

    fn root_of(size: u64) -> TreeHash {
        let mut frontier = Frontier::new();
        for leaf in leaves(0, size) {
            frontier.push(leaf);
        }
        frontier.root()
    }

    #[test]
    fn batches_of_any_size_grow_the_tree_that_single_leaves_do() {
        for step in 1..=40 {
            let mut tree = HeadsTree::new(&BTreeSet::new());
            while tree.size() < 600 {
                let more = leaves(tree.size(), step);
                tree.add(&more, &subtrees(tree.size(), &more));
                assert_eq!(tree.root(), root_of(tree.size()), "{step}");
            }
            for size in 0..=tree.size() {
                assert_eq!(tree.root_at(size), Some(root_of(size)), "{step}: {size}");
            }
            assert_eq!(tree.root_at(tree.size() + 1), None);
        }
    }

    #[test]
    fn old_leaves_go_and_the_roots_asked_for_stay() {
        let wanted = BTreeSet::from([0, 1, 77, 4096, 70_000, 200_000, 900_000]);
        let mut tree = HeadsTree::new(&wanted);
        while tree.size() < 200_000 {
            let more = leaves(tree.size(), 1000);
            tree.add(&more, &subtrees(tree.size(), &more));
            assert!(tree.recent_leaves <= RECENT_LEAVES + 1000 + PIECE_LEAVES);
        }
        for size in wanted.iter().filter(|size| **size <= 200_000) {
            assert_eq!(tree.root_at(*size), Some(root_of(*size)));
        }
        assert_eq!(tree.root_at(100_000), None);
        assert_eq!(tree.root_at(900_000), None);
        let near = 200_000 - RECENT_LEAVES as u64;
        assert_eq!(tree.root_at(near), Some(root_of(near)));

        let (before, recent) = tree.recent();
        let again = HeadsTree::restore(before, recent.copied().collect(), &BTreeSet::new());
        assert_eq!((again.size(), again.root()), (tree.size(), tree.root()));
        assert_eq!(again.root_at(near), tree.root_at(near));
        assert_eq!(again.root_at(77).unwrap_or_else(empty_root), empty_root());
        assert!(again.root_at(199_999).is_some());
        tree.root_at(199_999).unwrap();
    }
}
