//! What is there: looks at every segment, decides what it means, changes nothing.
//!
//! Here damage becomes either rot, which stops opening, or a torn tail. Not
//! here: what is then done about a torn tail (`recovery`).

use std::io;
use std::sync::Arc;

use super::frame::{FRAME_HEADER_BYTES, Kind, Unchecked, decode};
use super::landmark::Landmarks;
use super::segment::{
    self, COUNT_BYTES, HEADER_BYTES, HeaderFault, OffsetTable, table_frame_bytes,
};
use super::walk::{Fault, PIECE_BYTES, Step, Walker, Window, data_end};
use super::{FORMAT_VERSION, Header, JournalError, MAX_BATCH_BYTES, Storage, StorageFile};

/// All that is kept in memory of a segment that is full.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    pub first_position: u64,
    pub count: u32,
    /// Offset of its offset table frame: its records stand before it.
    pub table_offset: u64,
    pub landmarks: Landmarks,
}

impl Sealed {
    /// Position after its last record.
    pub fn end_position(&self) -> u64 {
        self.first_position.saturating_add(u64::from(self.count))
    }
}

/// How the last segment ends.
#[derive(Debug)]
pub(super) enum Ending {
    /// With a seal, then nothing.
    Clean { seal_offset: u64 },
    /// With a batch, an offset table or its header, then nothing.
    Unclean,
    /// With bytes that were being written.
    Torn {
        offset: u64,
        data_end: u64,
        what: String,
    },
}

/// The last segment, as far as it is whole.
#[derive(Debug)]
pub(super) struct Tail<F> {
    /// Its header, or the one it should have had.
    pub header: Header,
    pub file: Arc<F>,
    pub file_length: u64,
    /// Offset after the last complete batch or seal.
    pub end: u64,
    pub position: u64,
    pub last_head: [u8; 32],
    pub offsets: Vec<u32>,
    pub ending: Ending,
}

/// Reads the sealed segments' headers and tables. `link` is what the first
/// must take up from; with `None` it may begin anywhere.
pub(super) fn sealed_segments<S: Storage>(
    storage: &S,
    firsts: &[u64],
    mut link: Option<Link>,
    origin: &mut Option<[u8; 32]>,
) -> Result<(Vec<Sealed>, Option<Link>), JournalError> {
    let mut sealed = Vec::with_capacity(firsts.len());
    for first in firsts {
        if let Some(link) = link {
            link.expect(*first)?;
        }
        let name = segment::name(*first);
        let file = storage
            .open(&name)
            .map_err(JournalError::io("open", &name))?;
        let length = file
            .len()
            .map_err(JournalError::io("read the length of", &name))?;
        let header = read_header(&file, length)
            .map_err(JournalError::io("read", &name))?
            .map_err(|fault| header_error(&name, *first, &fault))?;
        Link::before(link, *first, &header).check(&name, &header, origin)?;
        let (found, last_head) = read_table(&file, length, &header)
            .map_err(JournalError::io("read", &name))?
            .ok_or_else(|| JournalError::Rot {
                segment: name.clone(),
                offset: length,
                position: *first,
                what: "the offset table at its end is missing or damaged".into(),
            })?;
        link = Some(Link {
            position: found.end_position(),
            last_head,
        });
        sealed.push(found);
    }
    Ok((sealed, link))
}

/// Where one segment must take up from the one before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub position: u64,
    pub last_head: [u8; 32],
}

/// Before the first segment of a journal that has all its records.
pub(super) const BEGINNING: Link = Link {
    position: 0,
    last_head: [0; 32],
};

impl Link {
    /// What a segment must take up from: of the first of a journal that may
    /// begin anywhere, its own word.
    fn before(known: Option<Link>, first: u64, header: &Header) -> Link {
        known.unwrap_or(Link {
            position: first,
            last_head: header.previous_head,
        })
    }

    /// Refuses a segment that does not start where the one before ends.
    pub fn expect(&self, first: u64) -> Result<(), JournalError> {
        if first > self.position {
            return Err(JournalError::Missing {
                position: self.position,
                next: first,
            });
        }
        if first < self.position {
            let what = format!(
                "the segment before it already holds the records up to {}",
                self.position
            );
            return Err(rot(&segment::name(first), 0, first, what));
        }
        Ok(())
    }

    fn check(
        &self,
        name: &str,
        header: &Header,
        origin: &mut Option<[u8; 32]>,
    ) -> Result<(), JournalError> {
        let expected = *origin.get_or_insert(header.origin);
        if header.origin != expected {
            return Err(JournalError::Origin {
                segment: name.to_owned(),
                expected,
                found: header.origin,
            });
        }
        self.contradiction(header)
            .map_or(Ok(()), |what| Err(rot(name, 0, self.position, what)))
    }

    /// What in a header does not follow from the segment before.
    pub fn contradiction(&self, header: &Header) -> Option<&'static str> {
        if header.first_position != self.position {
            Some("the segment header says another first position than its name")
        } else if header.previous_head != self.last_head {
            Some("the segment header does not name the head hash the segment before ends with")
        } else {
            None
        }
    }
}

/// Reads the last segment from end to end; `link` as for the sealed ones.
pub(super) fn tail<S: Storage>(
    storage: &S,
    first: u64,
    link: Option<Link>,
    origin: &mut Option<[u8; 32]>,
) -> Result<Tail<S::File>, JournalError> {
    if let Some(link) = link {
        link.expect(first)?;
    }
    let name = segment::name(first);
    let file = Arc::new(
        storage
            .open(&name)
            .map_err(JournalError::io("open", &name))?,
    );
    let reading = JournalError::io("read", &name);
    let length = file.len().map_err(&reading)?;
    match read_header(&*file, length).map_err(&reading)? {
        Ok(header) => {
            Link::before(link, first, &header).check(&name, &header, origin)?;
            walk_tail(&name, file, length, header)
        }
        Err(fault) => {
            // Right after rolling over, the new file may not have its header
            // yet. Only then: anything synced later proves it once had, and
            // the first segment is not under its name before it has.
            let born = later_write(&*file, 0, length).map_err(&reading)?.is_some();
            match (*origin, link) {
                (Some(origin), Some(link))
                    if link.position > 0 && !born && !matches!(fault, HeaderFault::Version(_)) =>
                {
                    let data_end = data_end(&*file, 0, length).map_err(&reading)?;
                    let header = Header {
                        origin,
                        first_position: first,
                        previous_head: link.last_head,
                    };
                    let ending = Ending::Torn {
                        offset: 0,
                        data_end: data_end.unwrap_or(0),
                        what: fault.to_string(),
                    };
                    Ok(Tail::empty(header, file, length, ending))
                }
                _ => Err(header_error(&name, first, &fault)),
            }
        }
    }
}

impl<F> Tail<F> {
    fn empty(header: Header, file: Arc<F>, file_length: u64, ending: Ending) -> Self {
        Self {
            header,
            file,
            file_length,
            end: HEADER_BYTES as u64,
            position: header.first_position,
            last_head: header.previous_head,
            offsets: Vec::new(),
            ending,
        }
    }
}

fn walk_tail<F: StorageFile>(
    name: &str,
    file: Arc<F>,
    length: u64,
    header: Header,
) -> Result<Tail<F>, JournalError> {
    let reading = JournalError::io("read", name);
    let mut walker = Walker::new(
        Arc::clone(&file),
        Window::new(PIECE_BYTES),
        HEADER_BYTES as u64,
        length,
        header.first_position,
    )
    .collecting(header.previous_head);
    let mut seal = None;
    let mut table = None;
    let damage = loop {
        match walker.step() {
            Ok(Step::Batch { .. }) => seal = None,
            Ok(Step::Seal { offset }) => seal = Some(offset),
            Ok(Step::Table { offset }) => {
                table = Some(offset);
                break None;
            }
            Ok(Step::End) => break None,
            Err(Fault::Io(error)) => return Err(reading(error)),
            Err(Fault::Damage {
                offset,
                position,
                what,
            }) => break Some((offset, position, what)),
        }
    };
    let data_end = data_end(&*file, walker.offset, length).map_err(&reading)?;
    let damage = damage.or_else(|| {
        data_end.map(|_| {
            (
                walker.offset,
                walker.position,
                "there are bytes after the end of the journal".into(),
            )
        })
    });
    let ending = match (damage, seal) {
        (Some((offset, position, what)), _) => {
            if later_write(&*file, offset, length)
                .map_err(&reading)?
                .is_some()
            {
                return Err(rot(name, offset, position, what));
            }
            Ending::Torn {
                offset,
                data_end: data_end.unwrap_or(walker.offset),
                what,
            }
        }
        (None, Some(seal_offset)) if table.is_none() => Ending::Clean { seal_offset },
        (None, _) => Ending::Unclean,
    };
    Ok(Tail {
        header,
        file,
        file_length: length,
        // A table that ends the journal is dropped: the next roll-over writes it again.
        end: table.unwrap_or(walker.offset),
        position: walker.position,
        last_head: walker.last_head,
        offsets: walker.into_offsets(),
        ending,
    })
}

/// The offset of a frame after `damage` that says it was written once the
/// damaged bytes were durable. Looks at every byte, because damage may hide
/// where frames begin.
pub(super) fn later_write(
    file: &impl StorageFile,
    damage: u64,
    length: u64,
) -> io::Result<Option<u64>> {
    let mut window = Window::new(PIECE_BYTES);
    let mut at = damage;
    while at < length {
        // Pieces overlap by a header less one byte, so that each start is seen once.
        let left = usize::try_from(length.saturating_sub(at)).unwrap_or(usize::MAX);
        let mut piece = vec![0; left.min(PIECE_BYTES)];
        file.read_exact_at(&mut piece, at)?;
        for (step, bytes) in piece.windows(FRAME_HEADER_BYTES).enumerate() {
            let offset = at.saturating_add(step as u64);
            if let Some(count) = claims_later_write(bytes, offset, damage, length)
                && let Some(whole) = window.at(file, offset, count, length)?
                && decode(&whole).is_ok()
            {
                return Ok(Some(offset));
            }
        }
        at = at.saturating_add(piece.len().saturating_sub(FRAME_HEADER_BYTES - 1).max(1) as u64);
        if piece.len() == left {
            break;
        }
    }
    Ok(None)
}

/// Bytes of the frame that `bytes` may be the header of, if it could stand at
/// `offset` and says that more than `damage` bytes were durable.
fn claims_later_write(bytes: &[u8], offset: u64, damage: u64, length: u64) -> Option<usize> {
    let head = Unchecked::read(bytes).filter(|head| head.length != 0)?;
    let count = head.frame_bytes().ok()?;
    let began = u64::from(head.mark.synced_bytes);
    let end = offset.checked_add(count as u64)?;
    // Only an offset table is longer than a batch, and it ends its file.
    let plausible = end <= length && (count <= MAX_BATCH_BYTES || end == length);
    (plausible && began > damage && began <= offset).then_some(count)
}

/// Reads the header of a segment of `length` bytes.
pub(super) fn read_header(
    file: &impl StorageFile,
    length: u64,
) -> io::Result<Result<Header, HeaderFault>> {
    let mut bytes = vec![0; HEADER_BYTES.min(usize::try_from(length).unwrap_or(usize::MAX))];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(Header::decode(&bytes))
}

/// Finds the offset table of a sealed segment from its end. `None` if there is
/// no sound one.
pub(super) fn read_table(
    file: &impl StorageFile,
    length: u64,
    header: &Header,
) -> io::Result<Option<(Sealed, [u8; 32])>> {
    let Some(count_offset) = length.checked_sub(COUNT_BYTES as u64) else {
        return Ok(None);
    };
    let mut count = [0; COUNT_BYTES];
    file.read_exact_at(&mut count, count_offset)?;
    let frame_bytes = table_frame_bytes(u64::from(u32::from_le_bytes(count)));
    let Some(offset) = length
        .checked_sub(frame_bytes)
        .filter(|offset| *offset >= HEADER_BYTES as u64)
    else {
        return Ok(None);
    };
    let Some(bytes) = Window::new(0).at(
        file,
        offset,
        usize::try_from(frame_bytes).unwrap_or(usize::MAX),
        length,
    )?
    else {
        return Ok(None);
    };
    Ok(decode(&bytes)
        .ok()
        .filter(|frame| frame.kind == Kind::OffsetTable)
        .and_then(|frame| {
            let table = OffsetTable::read(frame.body)?;
            let sealed = Sealed {
                first_position: header.first_position,
                count: table.count,
                table_offset: offset,
                landmarks: Landmarks::of(table.offsets()),
            };
            let placed = u64::from(frame.mark.synced_bytes) == offset
                && frame.mark.synced_through == sealed.end_position();
            placed.then_some((sealed, table.last_head))
        }))
}

pub(super) fn header_error(name: &str, first: u64, fault: &HeaderFault) -> JournalError {
    match fault {
        HeaderFault::Version(found) => JournalError::Version {
            segment: name.to_owned(),
            found: *found,
            supported: FORMAT_VERSION,
        },
        fault => rot(name, 0, first, fault.to_string()),
    }
}

pub(super) fn rot(name: &str, offset: u64, position: u64, what: impl Into<String>) -> JournalError {
    JournalError::Rot {
        segment: name.to_owned(),
        offset,
        position,
        what: what.into(),
    }
}
