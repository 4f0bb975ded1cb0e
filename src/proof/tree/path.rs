//! Paths: that a leaf is in a tree (RFC 6962, section 2.1.1), that a tree is
//! the beginning of a later one (section 2.1.2). Made from nodes that a reader
//! gives, checked with nothing but hashes.
//!
//! A path goes up beside the way from a leaf to the root. Below the level
//! where that way meets the tree's right edge, both kinds of turn occur, as
//! the leaf's index says bit by bit; above it, all that is missing is to the
//! left, one hash for each bit that is still set.

use super::{TreeHash, empty_root, node_hash};

/// Where the nodes of a tree are kept.
pub trait TreeReader {
    /// Why a node cannot be read.
    type Error;

    /// The root of the full subtree over the leaves `index << level` up to,
    /// but not including, `(index + 1) << level`.
    fn node(&self, level: u8, index: u64) -> Result<TreeHash, Self::Error>;
}

impl<R: TreeReader + ?Sized> TreeReader for &R {
    type Error = R::Error;

    fn node(&self, level: u8, index: u64) -> Result<TreeHash, Self::Error> {
        (**self).node(level, index)
    }
}

/// Why a path does not show what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// No such leaf.
    #[error("a tree of {size} leaves has no leaf {index}; its first is leaf 0")]
    Index {
        /// Of the leaf.
        index: u64,
        /// Of the tree.
        size: u64,
    },
    /// The later tree is the smaller.
    #[error("a tree of {new} leaves does not go on from one of {old}: it is smaller")]
    Sizes {
        /// Of the earlier tree.
        old: u64,
        /// Of the later tree.
        new: u64,
    },
    /// Another number of hashes than such a tree gives.
    #[error("the path has {got} hashes; in such a tree it has {want}")]
    Length {
        /// As given.
        got: usize,
        /// As it must be.
        want: usize,
    },
    /// It leads to another root.
    #[error("the path leads to the root {got}, not to {want}")]
    Root {
        /// Where it leads.
        got: TreeHash,
        /// The tree's root.
        want: TreeHash,
    },
    /// The earlier tree is not what the later begins with.
    #[error("the earlier tree has the root {want}, the later begins with one of root {got}")]
    OldRoot {
        /// What the later tree begins with.
        got: TreeHash,
        /// The earlier tree's root.
        want: TreeHash,
    },
}

/// Where a tree of two or more leaves splits: the largest power of two that is
/// smaller than its size.
fn split(size: u64) -> u64 {
    size.saturating_sub(1)
        .checked_ilog2()
        .map_or(0, |level| 1 << level)
}

/// The root over the leaves from `start` up to, not including, `end`. A part
/// that a tree splits into: its start is a multiple of a power of two that is
/// no smaller than it.
fn root_between<R: TreeReader + ?Sized>(
    reader: &R,
    start: u64,
    end: u64,
) -> Result<TreeHash, R::Error> {
    let mut full = Vec::new();
    let mut at = start;
    while let Some(level) = end.saturating_sub(at).checked_ilog2() {
        full.push(reader.node(level_u8(level), at >> level)?);
        at += 1 << level;
    }
    let mut from_the_right = full.into_iter().rev();
    let Some(last) = from_the_right.next() else {
        return Ok(empty_root());
    };
    Ok(from_the_right.fold(last, |right, left| node_hash(left, right)))
}

/// A level as a reader takes it: a logarithm of 64 bits is below 64.
fn level_u8(level: u32) -> u8 {
    u8::try_from(level).unwrap_or(u8::MAX)
}

/// The root of the tree of the first `size` leaves.
pub fn root_of<R: TreeReader + ?Sized>(reader: &R, size: u64) -> Result<TreeHash, R::Error> {
    root_between(reader, 0, size)
}

/// The path of a leaf in the tree of the first `size` leaves, nearest sibling
/// first; `None` if that tree has no such leaf. Reads as many nodes as the
/// tree is high, twice at most.
pub fn inclusion_path<R: TreeReader + ?Sized>(
    reader: &R,
    index: u64,
    size: u64,
) -> Result<Option<Vec<TreeHash>>, R::Error> {
    if index >= size {
        return Ok(None);
    }
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(root_between(reader, middle, end)?);
            end = middle;
        } else {
            path.push(root_between(reader, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(Some(path))
}

/// The path that shows that the tree of the first `old` leaves is what the
/// tree of the first `new` begins with; `None` if `old` is larger. Empty for
/// the same size, and from the empty tree, which begins every tree.
pub fn consistency_path<R: TreeReader + ?Sized>(
    reader: &R,
    old: u64,
    new: u64,
) -> Result<Option<Vec<TreeHash>>, R::Error> {
    if old > new {
        return Ok(None);
    }
    let mut path = Vec::new();
    if old == 0 || old == new {
        return Ok(Some(path));
    }
    let (mut start, mut end) = (0, new);
    while end > old {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(root_between(reader, middle, end)?);
            end = middle;
        } else {
            path.push(root_between(reader, start, middle)?);
            start = middle;
        }
    }
    // From the first leaf on it is the earlier tree itself, whose root whoever
    // checks has already.
    if start > 0 {
        path.push(root_between(reader, start, end)?);
    }
    path.reverse();
    Ok(Some(path))
}

/// The shape of the way from a node to the root of a tree.
struct Way {
    /// Which child each node is, from below, up to the right edge: a bit each,
    /// set for a right one.
    turns: u64,
    /// How many of them.
    inner: usize,
    /// How many hashes to the left follow.
    border: usize,
}

impl Way {
    /// From the node of `level` that the leaf `index` is below, in a tree
    /// whose last leaf is `last`. The node is whole in that tree.
    fn new(index: u64, last: u64, level: u32) -> Way {
        let meets = u64::BITS - (index ^ last).leading_zeros();
        let above = index.checked_shr(meets).unwrap_or(0);
        Way {
            turns: index.checked_shr(level).unwrap_or(0),
            inner: as_usize(meets.saturating_sub(level)),
            border: as_usize(above.count_ones()),
        }
    }

    fn length(&self) -> usize {
        self.inner + self.border
    }

    /// Each hash of the path, and whether it is to the left.
    fn steps<'a>(&self, path: &'a [TreeHash]) -> impl Iterator<Item = (TreeHash, bool)> + 'a {
        let (turns, inner) = (self.turns, self.inner);
        path.iter().enumerate().map(move |(step, hash)| {
            let left = step >= inner || (turns >> step) & 1 == 1;
            (*hash, left)
        })
    }
}

fn as_usize(bits: u32) -> usize {
    usize::try_from(bits).unwrap_or(usize::MAX)
}

fn has_length(path: &[TreeHash], want: usize) -> Result<(), BadPath> {
    let got = path.len();
    if got == want {
        Ok(())
    } else {
        Err(BadPath::Length { got, want })
    }
}

fn is_root(got: TreeHash, want: TreeHash) -> Result<(), BadPath> {
    if got == want {
        Ok(())
    } else {
        Err(BadPath::Root { got, want })
    }
}

/// Checks that the path leads from the leaf at `index` to the root of a tree
/// of `size` leaves.
pub fn check_inclusion(
    leaf: TreeHash,
    index: u64,
    size: u64,
    path: &[TreeHash],
    root: TreeHash,
) -> Result<(), BadPath> {
    if index >= size {
        return Err(BadPath::Index { index, size });
    }
    let way = Way::new(index, size - 1, 0);
    has_length(path, way.length())?;
    let got = way.steps(path).fold(leaf, |node, (hash, left)| {
        if left {
            node_hash(hash, node)
        } else {
            node_hash(node, hash)
        }
    });
    is_root(got, root)
}

/// Checks that a tree of `new` leaves begins with one of `old`. The empty tree
/// begins every tree, so from it nothing is shown of `new_root`.
pub fn check_consistency(
    old: u64,
    old_root: TreeHash,
    new: u64,
    new_root: TreeHash,
    path: &[TreeHash],
) -> Result<(), BadPath> {
    if old > new {
        return Err(BadPath::Sizes { old, new });
    }
    if old == 0 || old == new {
        has_length(path, 0)?;
        let got = if old == 0 { empty_root() } else { new_root };
        if old_root != got {
            let want = old_root;
            return Err(BadPath::OldRoot { got, want });
        }
        // A later tree of no leaves is the earlier one.
        return if new == 0 {
            is_root(new_root, got)
        } else {
            Ok(())
        };
    }
    // The largest full subtree at the right end of the earlier tree is whole
    // in both; the way up from it rebuilds both roots. If it is all of the
    // earlier tree, the path leaves it out.
    let level = old.trailing_zeros();
    let way = Way::new(old - 1, new - 1, level);
    let (seed, rest) = if old.is_power_of_two() {
        has_length(path, way.length())?;
        (old_root, path)
    } else {
        has_length(path, way.length() + 1)?;
        let Some((seed, rest)) = path.split_first() else {
            return Err(BadPath::Length { got: 0, want: 1 });
        };
        (*seed, rest)
    };
    let mut roots = (seed, seed);
    for (hash, left) in way.steps(rest) {
        roots = if left {
            (node_hash(hash, roots.0), node_hash(hash, roots.1))
        } else {
            (roots.0, node_hash(roots.1, hash))
        };
    }
    if roots.0 != old_root {
        return Err(BadPath::OldRoot {
            got: roots.0,
            want: old_root,
        });
    }
    is_root(roots.1, new_root)
}
