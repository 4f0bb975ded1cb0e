//! The tree's hashes, in files: what receipts, proofs and tiles are read from.
//! They are rebuilt from the journal like the rest of the projection.
//!
//! Kept are the levels that tiles are made of, every eighth of the tree: file
//! `level-N` holds the roots of its full subtrees of `256^N` leaves, in order,
//! 32 bytes each and nothing else. What lies between two such levels is hashed
//! again from at most 128 of them. `SYNCED` says how many leaves the files are
//! known to hold durably, and their root; beyond that nothing in them counts.
//!
//! | file | what it is |
//! |---|---|
//! | `files` | one hash written, many read |
//! | `writer` | the right edge: leaves in, in order; opening after any stop |
//!
//! Not here: where leaves come from and what is signed about them (`ledger`).

mod files;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use self::files::Levels;
pub use self::writer::{Begun, TreeWriter};
use super::store::StoreError;
use crate::proof::tree::tile::fold_hashes;
use crate::proof::tree::{TILE_WIDTH, Tile, TreeHash, TreeReader};

/// Why a hash cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// It is not there (yet).
    #[error("the tree holds {size} records; node {index} of level {level} is not whole there")]
    Beyond {
        /// Of the node; 0 is a leaf.
        level: u8,
        /// Of the node in its level.
        index: u64,
        /// Leaves that can be read.
        size: u64,
    },
    /// The disk would not, or the files are damaged.
    #[error(transparent)]
    Files(#[from] StoreError),
}

/// The tree as readers on any thread see it: the leaves that have been written.
#[derive(Debug)]
pub struct Tree {
    dir: PathBuf,
    levels: Levels,
    /// Leaves that can be read with everything above them.
    size: AtomicU64,
}

impl Tree {
    /// Leaves that can be read.
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// The folder it is in.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The hashes of a tile, left to right; `None` if the tree has not as many.
    /// A full tile is held against the hash above it, so that what the disk has
    /// damaged is an error and not an answer.
    pub fn tile(&self, tile: Tile) -> Result<Option<Vec<TreeHash>>, TreeError> {
        let size = self.size();
        let there = Tile::of_tree(tile.level, tile.index, size);
        if there.is_none_or(|there| there.width < tile.width) || tile.width == 0 {
            return Ok(None);
        }
        let Some(first) = tile.index.checked_mul(u64::from(TILE_WIDTH)) else {
            return Ok(None);
        };
        let hashes = self.levels.read(tile.level, first, tile.width.into())?;
        if tile.is_full() {
            let above = self
                .levels
                .read(tile.level.saturating_add(1), tile.index, 1)?;
            if fold_hashes(&hashes).as_ref() != above.first() {
                return Err(self.levels.damaged(tile.level).into());
            }
        }
        Ok(Some(hashes))
    }
}

impl TreeReader for Tree {
    type Error = TreeError;

    fn node(&self, level: u8, index: u64) -> Result<TreeHash, TreeError> {
        let size = self.size();
        let beyond = TreeError::Beyond { level, index, size };
        let Some((tile, below)) = Tile::of_node(level, index, size) else {
            return Err(beyond);
        };
        let width = u64::from(TILE_WIDTH);
        let first = tile
            .index
            .saturating_mul(width)
            .saturating_add(below.start as u64);
        let hashes = self.levels.read(tile.level, first, below.len())?;
        fold_hashes(&hashes).ok_or(beyond)
    }
}
