//! The writer of the tree: leaves in, in order of position. One thread has it.
//!
//! After any stop it goes on from what `SYNCED` says, cutting off what was
//! written after that: those leaves are hashed again, which is the same work as
//! hashing them for the first time. Files that do not hold what it says are
//! removed, and the tree begins at 0.

use std::fs;
use std::io::{self, Write as _};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Tree;
use super::files::{LEVELS, Levels, hashes_of, remove};
use crate::projection::store::{StoreError, make_folder};
use crate::proof::tree::tile::{TILE_HEIGHT, fold_hashes};
use crate::proof::tree::{Frontier, TILE_WIDTH, TreeHash, TreeReader as _};
use crate::storage::replace_file;

const SYNCED: &str = "SYNCED";

/// The tree, open to be added to.
#[derive(Debug)]
pub struct TreeWriter {
    tree: Arc<Tree>,
    frontier: Frontier,
    /// Hashes of each level that are not written yet.
    waiting: [Vec<u8>; LEVELS],
    /// Leaves that `SYNCED` speaks of.
    synced: u64,
}

/// What opening the files came to.
#[derive(Debug)]
pub struct Begun {
    /// The tree, as far as its files hold it.
    pub writer: TreeWriter,
    /// Why earlier files were removed, if they were.
    pub removed: Option<String>,
}

impl TreeWriter {
    /// Opens the tree in a folder, or begins one.
    pub fn open(dir: &Path) -> Result<Begun, StoreError> {
        let why = match take_up(dir) {
            Ok(Some(writer)) => {
                return Ok(Begun {
                    writer,
                    removed: None,
                });
            }
            Ok(None) => None,
            Err(Unfit::Damaged(why)) => Some(why.to_owned()),
            Err(Unfit::Store(error)) => Some(error.to_string()),
        };
        Ok(Begun {
            writer: TreeWriter::anew(dir)?,
            removed: why,
        })
    }

    /// Begins one, in the place of what is there.
    pub fn anew(dir: &Path) -> Result<TreeWriter, StoreError> {
        remove(dir)?;
        make_folder(dir)?;
        Ok(TreeWriter::of(dir, Levels::open(dir)?, Frontier::new()))
    }

    fn of(dir: &Path, levels: Levels, frontier: Frontier) -> TreeWriter {
        let size = frontier.size();
        TreeWriter {
            tree: Arc::new(Tree {
                dir: dir.to_owned(),
                levels,
                size: AtomicU64::new(size),
            }),
            frontier,
            waiting: Default::default(),
            synced: size,
        }
    }

    /// As others read it.
    pub fn tree(&self) -> Arc<Tree> {
        Arc::clone(&self.tree)
    }

    /// Leaves it has, those that are not written yet included: the position of
    /// the next.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root over them.
    pub fn root(&self) -> TreeHash {
        self.frontier.root()
    }

    /// Adds a leaf. It can be read after [`write`](TreeWriter::write).
    pub fn push(&mut self, leaf: TreeHash) {
        let waiting = &mut self.waiting;
        self.frontier.push_noting(leaf, &mut |level, _, hash| {
            if level % TILE_HEIGHT == 0
                && let Some(level) = waiting.get_mut(usize::from(level / TILE_HEIGHT))
            {
                level.extend_from_slice(&hash.0);
            }
        });
    }

    /// Writes what was added, and lets it be read. After an error the tree is
    /// of no use until it is opened again.
    pub fn write(&mut self) -> Result<(), StoreError> {
        let before = self.tree.size();
        for (level, hashes) in self.waiting.iter_mut().enumerate() {
            if !hashes.is_empty() {
                let first = hashes_of(before, level);
                self.tree.levels.write(level, first, hashes)?;
                hashes.clear();
            }
        }
        self.tree
            .size
            .store(self.frontier.size(), Ordering::Release);
        Ok(())
    }

    /// Makes what was written durable, and says so in `SYNCED`: the next
    /// opening goes on from there.
    pub fn sync(&mut self) -> Result<(), StoreError> {
        let size = self.tree.size();
        if size == self.synced {
            return Ok(());
        }
        for level in 0..LEVELS {
            if hashes_of(size, level) > hashes_of(self.synced, level) {
                self.tree.levels.sync(level)?;
            }
        }
        let dir = &self.tree.dir;
        let (file, words) = (dir.join(SYNCED), words(size, self.root()));
        let written = replace_file(&file, |mut file| file.write_all(words.as_bytes()));
        written.map_err(|why| StoreError::io("write", &file)(why.into()))?;
        self.synced = size;
        Ok(())
    }

    /// The positions of the leaves in the last tile: what an opening compares
    /// with the journal. A head names the one before it, so that the last alone
    /// tells another journal.
    pub fn last_tile(&self) -> Range<u64> {
        let size = self.tree.size();
        let last = size.saturating_sub(1);
        let width = u64::from(TILE_WIDTH);
        last.saturating_sub(last % width)..size
    }

    /// Whether its last tile has these leaves.
    pub fn ends_with(&self, leaves: &[TreeHash]) -> Result<bool, StoreError> {
        let last = self.last_tile();
        let count = usize::try_from(last.end.saturating_sub(last.start)).unwrap_or(usize::MAX);
        let held = match count {
            0 => Vec::new(),
            count => self.tree.levels.read(0, last.start, count)?,
        };
        Ok(held == leaves)
    }
}

/// As `SYNCED` has it.
fn words(size: u64, root: TreeHash) -> String {
    format!("{size} {root}\n")
}

/// Why files cannot be gone on from.
enum Unfit {
    Damaged(&'static str),
    Store(StoreError),
}

impl From<StoreError> for Unfit {
    fn from(error: StoreError) -> Unfit {
        Unfit::Store(error)
    }
}

/// Goes on from what is there; `None` if that is nothing.
fn take_up(dir: &Path) -> Result<Option<TreeWriter>, Unfit> {
    let file = dir.join(SYNCED);
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("read", &file)(error).into()),
    };
    let said = text.split(' ').next().and_then(|size| size.parse().ok());
    let size: u64 = said.ok_or(Unfit::Damaged(
        "SYNCED does not say how many leaves there are",
    ))?;
    let levels = Levels::open(dir)?;
    if !levels.cut(size)? {
        return Err(Unfit::Damaged("its files are shorter than SYNCED says"));
    }
    let writer = TreeWriter::of(dir, levels, Frontier::new());
    writer.tree.size.store(size, Ordering::Release);
    let frontier = right_edge(&writer.tree, size)?;
    // The root that was synced is the one of what is read, so that SYNCED and
    // every hash on the right edge are of one tree.
    if words(size, frontier.root()) != text {
        return Err(Unfit::Damaged(
            "its hashes have another root than SYNCED says",
        ));
    }
    Ok(Some(TreeWriter {
        frontier,
        synced: size,
        ..writer
    }))
}

/// The full subtrees of a tree, and whether the last hash of each level is the
/// one over the tile below it.
fn right_edge(tree: &Tree, size: u64) -> Result<Frontier, Unfit> {
    let unread = |error: super::TreeError| match error {
        super::TreeError::Files(error) => Unfit::Store(error),
        super::TreeError::Beyond { .. } => Unfit::Damaged("its files lack a hash"),
    };
    for level in 1..LEVELS {
        let Some(last) = hashes_of(size, level).checked_sub(1) else {
            break;
        };
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        let held = tree.levels.read(level, last, 1)?;
        let first = last.saturating_mul(TILE_WIDTH.into());
        let below = tree
            .levels
            .read(level.saturating_sub(1), first, TILE_WIDTH.into())?;
        if fold_hashes(&below).as_ref() != held.first() {
            return Err(Unfit::Damaged(
                "the last hash of a level is not over the tile below it",
            ));
        }
    }
    let mut hashes = Vec::new();
    let mut at = 0_u64;
    while let Some(level) = size.saturating_sub(at).checked_ilog2() {
        let level = u8::try_from(level).unwrap_or(u8::MAX);
        hashes.push(
            tree.node(level, at.checked_shr(level.into()).unwrap_or(0))
                .map_err(unread)?,
        );
        at = at.saturating_add(1_u64.checked_shl(level.into()).unwrap_or(u64::MAX));
    }
    Frontier::restore(size, hashes).ok_or(Unfit::Damaged("its size cannot be"))
}
