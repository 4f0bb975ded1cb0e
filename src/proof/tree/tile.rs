//! The tree in tiles, as C2SP tlog-tiles lays it out: where a tile is, how
//! its path is written and read, and how entries are bundled. Not here: files
//! and HTTP.

use bytes::{BufMut as _, Bytes, BytesMut};

use super::{TreeHash, canonical_decimal, node_hash};

/// Hashes of a full tile, entries of a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// Levels of the tree that a tile spans.
pub const TILE_HEIGHT: u8 = 8;

/// Bytes of a full tile.
pub const TILE_BYTES: usize = 256 * 32;

/// The highest tile level that a path may name (tlog-tiles, "Merkle Tree").
/// A tree of 64-bit size has none above 7.
const MAX_LEVEL: u8 = 63;

/// Bytes of an entry, at most: its length is written in 16 bits.
pub const MAX_ENTRY: usize = 65_535;

/// Bytes of a bundle, at most.
pub const MAX_BUNDLE: usize = 256 * (2 + MAX_ENTRY);

/// A tile's place, and how many hashes it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// 0 over leaves; 1 over the roots of full tiles of level 0, and so on.
    pub level: u8,
    /// Which, in its level, from 0.
    pub index: u64,
    /// 1 to 255 of a partial tile; 256 of a full one.
    pub width: u16,
}

impl Tile {
    /// The tile at a place in the tree of the first `size` leaves: full,
    /// partial, or `None` if nothing of it is there.
    pub fn of_tree(level: u8, index: u64, size: u64) -> Option<Tile> {
        let below = u32::from(level).checked_mul(u32::from(TILE_HEIGHT))?;
        // Hashes of this level that are whole.
        let hashes = size.checked_shr(below).unwrap_or(0);
        let width = width_at(index, hashes)?;
        Some(Tile {
            level,
            index,
            width,
        })
    }

    /// The tile that tells the node of a level and index of the tree of the
    /// first `size` leaves, and which of its hashes lie below that node; they
    /// are folded by [`fold_hashes`]. `None` if the node is not whole there.
    pub fn of_node(level: u8, index: u64, size: u64) -> Option<(Tile, std::ops::Range<usize>)> {
        let inside = level % TILE_HEIGHT;
        let count = 1u64 << inside;
        let first = index.checked_mul(count)?;
        let width = u64::from(TILE_WIDTH);
        let tile = Tile::of_tree(level / TILE_HEIGHT, first / width, size)?;
        let start = usize::try_from(first % width).ok()?;
        let end = start + usize::try_from(count).ok()?;
        (end <= usize::from(tile.width)).then_some((tile, start..end))
    }

    /// Whether it has all its hashes.
    pub fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// Bytes it has.
    pub fn bytes(self) -> usize {
        usize::from(self.width) * 32
    }

    /// Its path under the log's prefix, without a leading `/`:
    /// `tile/0/x001/x234/067`, `tile/1/000.p/17`.
    pub fn path(self) -> String {
        let place = place(self.index, self.width);
        format!("tile/{}/{place}", self.level)
    }

    /// From its path, in its one form; else `None`.
    pub fn parse(path: &str) -> Option<Tile> {
        let (level, place) = path.strip_prefix("tile/")?.split_once('/')?;
        let level = decimal(level, MAX_LEVEL.into())?;
        let (index, width) = parse_place(place)?;
        Some(Tile {
            level: u8::try_from(level).ok()?,
            index,
            width,
        })
    }
}

/// Where a bundle of entries is, and how many it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryBundle {
    /// Which, from 0.
    pub index: u64,
    /// 1 to 255 of a partial bundle; 256 of a full one.
    pub width: u16,
}

impl EntryBundle {
    /// The bundle at a place in the tree of the first `size` leaves; `None` if
    /// none of its entries is there.
    pub fn of_tree(index: u64, size: u64) -> Option<EntryBundle> {
        let width = width_at(index, size)?;
        Some(EntryBundle { index, width })
    }

    /// Index of its first entry; `None` past 64 bits.
    pub fn first(self) -> Option<u64> {
        self.index.checked_mul(u64::from(TILE_WIDTH))
    }

    /// Its path under the log's prefix, without a leading `/`:
    /// `tile/entries/x001/x234/067.p/5`.
    pub fn path(self) -> String {
        format!("tile/entries/{}", place(self.index, self.width))
    }

    /// From its path, in its one form; else `None`.
    pub fn parse(path: &str) -> Option<EntryBundle> {
        let (index, width) = parse_place(path.strip_prefix("tile/entries/")?)?;
        Some(EntryBundle { index, width })
    }
}

/// How many of `hashes` fall to the tile at `index`, if any.
fn width_at(index: u64, hashes: u64) -> Option<u16> {
    let full = u64::from(TILE_WIDTH);
    let first = index.checked_mul(full)?;
    let width = hashes.checked_sub(first)?.min(full);
    u16::try_from(width).ok().filter(|width| *width > 0)
}

/// `x001/x234/067` for 1,234,067, with `.p/W` if it is partial.
fn place(index: u64, width: u16) -> String {
    let mut text = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        text = format!("x{:03}/{text}", rest % 1000);
        rest /= 1000;
    }
    if width < TILE_WIDTH {
        text = format!("{text}.p/{width}");
    }
    text
}

fn parse_place(text: &str) -> Option<(u64, u16)> {
    let (digits, width) = match text.split_once(".p/") {
        None => (text, TILE_WIDTH),
        Some((digits, width)) => {
            let width = decimal(width, u64::from(TILE_WIDTH) - 1)?;
            (
                digits,
                u16::try_from(width).ok().filter(|width| *width > 0)?,
            )
        }
    };
    let mut parts = digits.split('/').rev();
    let mut index = three_digits(parts.next()?)?;
    let mut weight = 1u64;
    let mut first = None;
    for part in parts {
        let value = three_digits(part.strip_prefix('x')?)?;
        weight = weight.checked_mul(1000)?;
        index = index.checked_add(value.checked_mul(weight)?)?;
        first = Some(value);
    }
    // One form only: no `x000/` in front.
    (first != Some(0)).then_some((index, width))
}

fn three_digits(text: &str) -> Option<u64> {
    let digits = text.len() == 3 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

/// A decimal number without leading zeros, `most` at most.
fn decimal(text: &str, most: u64) -> Option<u64> {
    canonical_decimal(text).filter(|value| *value <= most)
}

/// The node over hashes that fill a subtree: 1, 2, 4, … of them, 256 at most;
/// `None` for another number.
pub fn fold_hashes(hashes: &[TreeHash]) -> Option<TreeHash> {
    if !hashes.len().is_power_of_two() || hashes.len() > usize::from(TILE_WIDTH) {
        return None;
    }
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        level = level
            .chunks_exact(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(node_hash(*left, *right)),
                _ => None,
            })
            .collect();
    }
    level.first().copied()
}

/// A tile's bytes as its hashes; `None` if they are not whole hashes, none,
/// or more than a tile has.
pub fn decode_tile(bytes: &[u8]) -> Option<Vec<TreeHash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    let whole = rest.is_empty() && (1..=usize::from(TILE_WIDTH)).contains(&hashes.len());
    whole.then(|| hashes.iter().copied().map(TreeHash).collect())
}

/// Why bytes are no bundle of entries, or entries fit into none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBundle {
    /// No entries, or more than a bundle has.
    #[error("a bundle has 1 to {TILE_WIDTH} entries, not {0}")]
    Count(usize),
    /// An entry is too long.
    #[error("entry {index} of the bundle has {length} bytes; at most {MAX_ENTRY}")]
    TooLong {
        /// Which, from 0 in the bundle.
        index: usize,
        /// Bytes it has.
        length: usize,
    },
    /// The bytes end inside an entry, or inside its length.
    #[error("the bundle ends inside its entry {0}")]
    Cut(usize),
}

/// Entries as a bundle: each with its length before it, 16 bits big-endian.
pub fn encode_bundle(entries: &[Bytes]) -> Result<Bytes, BadBundle> {
    if !(1..=usize::from(TILE_WIDTH)).contains(&entries.len()) {
        return Err(BadBundle::Count(entries.len()));
    }
    let bytes: usize = entries
        .iter()
        .map(|entry| entry.len().min(MAX_ENTRY) + 2)
        .sum();
    let mut bundle = BytesMut::with_capacity(bytes);
    for (index, entry) in entries.iter().enumerate() {
        let length = entry.len();
        let written = u16::try_from(length).map_err(|_| BadBundle::TooLong { index, length })?;
        bundle.put_u16(written);
        bundle.put_slice(entry);
    }
    Ok(bundle.freeze())
}

/// A bundle's entries, which share its memory.
pub fn decode_bundle(bundle: &Bytes) -> Result<Vec<Bytes>, BadBundle> {
    let mut entries = Vec::new();
    let mut at = 0;
    while at < bundle.len() {
        let cut = BadBundle::Cut(entries.len());
        if entries.len() == usize::from(TILE_WIDTH) {
            return Err(BadBundle::Count(entries.len() + 1));
        }
        let length = bundle.get(at..).and_then(|rest| rest.first_chunk());
        let start = at + 2;
        let end = start + usize::from(u16::from_be_bytes(*length.ok_or(cut)?));
        if end > bundle.len() {
            return Err(cut);
        }
        entries.push(bundle.slice(start..end));
        at = end;
    }
    if entries.is_empty() {
        return Err(BadBundle::Count(0));
    }
    Ok(entries)
}
