//! One frame: a length, a checksum, where it stands, a body.
//!
//! Not here: which frames may follow which (`walk`), and what bodies mean.

/// What a frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// One record; the body is the caller's.
    Record = 1,
    /// The end of a batch; see [`Commit`].
    Commit = 2,
    /// A clean stop; the body is empty.
    Seal = 3,
    /// The end of a segment; the body is its offset table.
    OffsetTable = 4,
}

impl Kind {
    fn from_byte(byte: u8) -> Option<Self> {
        [Self::Record, Self::Commit, Self::Seal, Self::OffsetTable]
            .into_iter()
            .find(|kind| *kind as u8 == byte)
    }
}

/// What was durable when a frame was written. Appending is write then sync,
/// so this is also where its write began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Bytes of this segment.
    pub synced_bytes: u32,
    /// Records of the journal.
    pub synced_through: u64,
}

const LENGTH_BYTES: usize = size_of::<u32>();
const CRC_BYTES: usize = size_of::<u32>();
const KIND_BYTES: usize = size_of::<u8>();
const SYNCED_BYTES_BYTES: usize = size_of::<u32>();
const SYNCED_THROUGH_BYTES: usize = size_of::<u64>();

/// Bytes a frame adds to its body.
pub const FRAME_HEADER_BYTES: usize =
    LENGTH_BYTES + CRC_BYTES + KIND_BYTES + SYNCED_BYTES_BYTES + SYNCED_THROUGH_BYTES;

/// Longest body of a record or commit frame: 256 KiB for a record with its
/// parts (DESIGN section 7), 64 KiB for what encloses them.
pub const MAX_BODY_BYTES: usize = (256 + 64) * 1024;

/// The header of a frame whose bytes have not been checked: do not act on it
/// before [`decode`] has agreed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unchecked {
    pub length: u32,
    crc: u32,
    kind: u8,
    pub mark: Mark,
}

/// A frame whose checksum is right.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    pub kind: Kind,
    pub mark: Mark,
    pub body: &'a [u8],
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameFault {
    #[error("the frame is cut short")]
    Short,
    #[error("the length {0} is impossible for a frame")]
    Length(u32),
    #[error("the checksum does not match")]
    Checksum,
    #[error("{0} is no kind of frame")]
    Kind(u8),
}

impl Unchecked {
    /// Reads the header of a frame. `None` if there are too few bytes.
    pub fn read(mut bytes: &[u8]) -> Option<Self> {
        Some(Self {
            length: u32::from_le_bytes(take(&mut bytes)?),
            crc: u32::from_le_bytes(take(&mut bytes)?),
            kind: u8::from_le_bytes(take(&mut bytes)?),
            mark: Mark {
                synced_bytes: u32::from_le_bytes(take(&mut bytes)?),
                synced_through: u64::from_le_bytes(take(&mut bytes)?),
            },
        })
    }

    /// Bytes of the whole frame, if that is a length its kind can have.
    pub fn frame_bytes(&self) -> Result<usize, FrameFault> {
        let fault = FrameFault::Length(self.length);
        let length = usize::try_from(self.length).map_err(|_| fault)?;
        let body = length.checked_sub(FRAME_HEADER_BYTES).ok_or(fault)?;
        // Only an offset table may be longer: it is as long as its segment has records.
        if body > MAX_BODY_BYTES && self.kind != Kind::OffsetTable as u8 {
            return Err(fault);
        }
        Ok(length)
    }
}

/// Splits `N` bytes off the front. Every layout is read through this, so no
/// offset is ever written down.
pub(super) fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (front, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*front)
}

/// Checks and reads the frame at the start of `bytes`.
pub(super) fn decode(bytes: &[u8]) -> Result<Frame<'_>, FrameFault> {
    let head = Unchecked::read(bytes).ok_or(FrameFault::Short)?;
    let whole = bytes.get(..head.frame_bytes()?).ok_or(FrameFault::Short)?;
    if checksum(whole) != Some(head.crc) {
        return Err(FrameFault::Checksum);
    }
    let kind = Kind::from_byte(head.kind).ok_or(FrameFault::Kind(head.kind))?;
    let body = whole.get(FRAME_HEADER_BYTES..).ok_or(FrameFault::Short)?;
    Ok(Frame {
        kind,
        mark: head.mark,
        body,
    })
}

/// CRC-32C over everything in a frame but the checksum itself.
pub(super) fn checksum(frame: &[u8]) -> Option<u32> {
    let (length, rest) = frame.split_at_checked(LENGTH_BYTES)?;
    let (_, covered) = rest.split_at_checked(CRC_BYTES)?;
    Some(crc32c::crc32c_append(crc32c::crc32c(length), covered))
}

/// Appends a frame whose body is `parts` one after another.
///
/// # Errors
/// [`FrameFault::Length`] if it does not fit in 32 bits.
pub(super) fn encode(
    out: &mut Vec<u8>,
    kind: Kind,
    mark: Mark,
    parts: &[&[u8]],
) -> Result<(), FrameFault> {
    let body: usize = parts.iter().map(|part| part.len()).sum();
    let length = body
        .checked_add(FRAME_HEADER_BYTES)
        .and_then(|length| u32::try_from(length).ok())
        .ok_or(FrameFault::Length(u32::MAX))?;
    let length = length.to_le_bytes();
    let kind = [kind as u8];
    let bytes = mark.synced_bytes.to_le_bytes();
    let through = mark.synced_through.to_le_bytes();
    let mut crc = crc32c::crc32c(&length);
    for piece in [&kind[..], &bytes, &through].iter().chain(parts) {
        crc = crc32c::crc32c_append(crc, piece);
    }
    let crc = crc.to_le_bytes();
    for piece in [&length[..], &crc, &kind, &bytes, &through]
        .iter()
        .chain(parts)
    {
        out.extend_from_slice(piece);
    }
    Ok(())
}

/// The body of a commit frame: the journal's part, then the caller's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Commit<'a> {
    /// Records in the batch.
    pub count: u32,
    /// Head hash of its last record.
    pub last_head: [u8; 32],
    pub body: &'a [u8],
}

/// Bytes the journal puts before the caller's commit body.
pub(super) const COMMIT_PREFIX_BYTES: usize = size_of::<u32>() + size_of::<[u8; 32]>();

impl<'a> Commit<'a> {
    /// Reads a commit frame's body. `None` if it is too short.
    pub fn read(mut body: &'a [u8]) -> Option<Self> {
        let count = u32::from_le_bytes(take(&mut body)?);
        Some(Self {
            count,
            last_head: take(&mut body)?,
            body,
        })
    }
}
