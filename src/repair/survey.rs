//! Which segments of a journal are hurt: each is scanned strictly, held
//! against the ledger's signatures and against its neighbours, and the copy is
//! asked whether it holds more than the journal's end. Changes nothing.

use super::check::{Checked, Ledger};
use crate::journal::{
    Damage, JournalError, has_segment, is_rot, scan_segment, segment_name, segments,
};
use crate::storage::Storage;

/// A segment to be healed.
pub(super) struct Hurt {
    /// Position of its first record.
    pub(super) first: u64,
    pub(super) damage: Damage,
    /// Head hash that it must take up from, if the segment before it is whole.
    pub(super) previous_head: Option<[u8; 32]>,
    /// As far as it holds; the copy must have the same there.
    pub(super) good: Option<End>,
    /// Nothing stands here, or nothing beyond that.
    pub(super) is_gone: bool,
}

/// A position, and the head hash of the record before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) position: u64,
    pub(crate) head: [u8; 32],
}

/// What there is.
pub(super) struct Surveyed {
    /// In order of position.
    pub(super) hurt: Vec<Hurt>,
    /// The end of the last segment, if that is torn.
    pub(super) torn: Option<Damage>,
    /// Position after the last record that holds.
    pub(super) records: u64,
}

/// Looks at everything. `progress` is told the records read so far.
pub(super) fn survey<S: Storage, C: Storage>(
    storage: &S,
    copy: &C,
    ledger: &Ledger,
    progress: &mut dyn FnMut(u64),
) -> Result<Surveyed, JournalError> {
    let firsts = segments(storage)?;
    let mut surveyed = Surveyed {
        hurt: Vec::new(),
        torn: None,
        records: 0,
    };
    // Where the segments so far end; `None` after one that is hurt.
    let mut end = Some(End {
        position: 0,
        head: [0; 32],
    });
    let mut last_sealed = true;
    for first in &firsts {
        surveyed.missing_before(end, *first);
        let before = end.filter(|end| end.position == *first);
        let is_last = firsts.last() == Some(first);
        end = None;
        match ledger.check(scan_segment(storage, *first), None) {
            Ok(checked) => {
                surveyed.records = checked.end;
                last_sealed = checked.sealed;
                if surveyed.segment(storage, *first, before, is_last, &checked) {
                    end = Some(checked.end_of());
                }
            }
            // Just begun, and cut short: opening makes it again.
            Err(damage) if is_last && *first > 0 && !is_rot(storage, &damage) => {
                surveyed.torn = Some(damage);
                last_sealed = false;
                end = before;
            }
            Err(damage) => surveyed.hurt.push(Hurt {
                first: *first,
                damage,
                previous_head: before.map(|end| end.head),
                good: None,
                is_gone: false,
            }),
        }
        progress(surveyed.records);
    }
    if let Some(end) = end
        && surveyed.hurt.is_empty()
    {
        let last = firsts.last().copied();
        let more = beyond(copy, ledger, last, end, last_sealed);
        surveyed.hurt.extend(more);
    }
    Ok(surveyed)
}

impl Surveyed {
    /// Notes a gap between the end so far and the next segment.
    fn missing_before(&mut self, end: Option<End>, first: u64) {
        let Some(end) = end.filter(|end| end.position < first) else {
            return;
        };
        let what = format!("records {} to {first} have no segment", end.position);
        self.hurt.push(Hurt {
            first: end.position,
            damage: damage(end.position, end.position, what),
            previous_head: Some(end.head),
            good: None,
            is_gone: true,
        });
    }

    /// Notes what is wrong with a segment whose header is sound; returns
    /// whether nothing is.
    fn segment<S: Storage>(
        &mut self,
        storage: &S,
        first: u64,
        before: Option<End>,
        is_last: bool,
        checked: &Checked,
    ) -> bool {
        let contradicts = before.is_some_and(|before| before.head != checked.header.previous_head);
        let found = match &checked.damage {
            _ if contradicts => {
                let what = "its header names another head than the record before it has";
                Some(damage(first, first, what.to_owned()))
            }
            Some(torn) if is_last && !checked.is_untrue && !is_rot(storage, torn) => {
                self.torn = Some(torn.clone());
                None
            }
            Some(found) => Some(found.clone()),
            None if !is_last && !checked.sealed => {
                let what = "the offset table at its end is missing, or something follows it";
                let found = damage(first, checked.end, what.to_owned());
                Some(Damage {
                    offset: checked.batches_end,
                    ..found
                })
            }
            None => None,
        };
        let Some(damage) = found else {
            return true;
        };
        self.hurt.push(Hurt {
            first,
            damage,
            previous_head: before.map(|end| end.head),
            good: (!contradicts).then(|| checked.end_of()),
            is_gone: false,
        });
        false
    }
}

/// What the copy has after the end of a journal that is whole: records that
/// the ledger signed, and that are gone here.
fn beyond<C: Storage>(
    copy: &C,
    ledger: &Ledger,
    last: Option<u64>,
    end: End,
    sealed: bool,
) -> Option<Hurt> {
    let is_there = |first| has_segment(copy, first).unwrap_or(false);
    let what = "the journal ends before this record, and the copy goes on";
    let gone = |first| damage(first, end.position, what.to_owned());
    if let Some(last) = last.filter(|last| is_there(*last)) {
        let of_copy = ledger.check(scan_segment(copy, last), Some(end.position));
        // Or all of it, but not yet sealed, and the copy has what follows.
        let goes_on = |of_copy: Checked| {
            of_copy.end > end.position || (of_copy.sealed && !sealed && is_there(of_copy.end))
        };
        if of_copy.is_ok_and(goes_on) {
            return Some(Hurt {
                first: last,
                damage: gone(last),
                previous_head: None,
                good: Some(end),
                is_gone: true,
            });
        }
    }
    let begins = sealed && last != Some(end.position);
    (begins && is_there(end.position)).then(|| Hurt {
        first: end.position,
        damage: gone(end.position),
        previous_head: Some(end.head),
        good: None,
        is_gone: true,
    })
}

fn damage(first: u64, position: u64, what: String) -> Damage {
    Damage {
        segment: segment_name(first),
        offset: 0,
        batch_position: position,
        position,
        what,
    }
}
