//! What a lot gave to others, as the records of its chain say, with what
//! corrections have made of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::event::LotId;
use crate::event::excerpt::Excerpt;
use crate::pb::change::Change as C;
use crate::pb::{Change, ContributedTo, Parent};

/// What a lot gave to another, as its chain says.
pub(super) struct Gift {
    pub position: u64,
    pub event_index: u32,
    /// No other lot gave anything in that record.
    pub alone: bool,
    pub to: LotId,
    pub gross_mg: i64,
    contained_mg: i64,
    /// Of a running lot: whose matter it was.
    of: Box<[Piece]>,
}

/// Much smaller than a `Parent`, which holds on to the record that it was read
/// from.
struct Piece {
    lot: LotId,
    gross_mg: i64,
    contained_mg: i64,
}

/// What corrections of a lot's events say that it gave, by the event that is
/// corrected. The chain is read latest first, so the first met holds.
#[derive(Default)]
pub(super) struct Corrections(BTreeMap<(u64, u32), Vec<ContributedTo>>);

impl Corrections {
    fn learn(&mut self, changes: &[Change]) {
        for change in changes.iter().rev() {
            if let Some(C::Restated(r)) = &change.change {
                self.0
                    .entry((r.position, r.event_index))
                    .or_insert_with(|| r.contributed_to.clone());
            }
        }
    }

    /// What stands where an event says that it gave: of one corrected all of
    /// it at once, where the first stood.
    fn instead<'a>(
        &mut self,
        position: u64,
        index: u32,
        to: &'a ContributedTo,
    ) -> Cow<'a, [ContributedTo]> {
        match self.0.get_mut(&(position, index)) {
            Some(instead) => Cow::Owned(std::mem::take(instead)),
            None => Cow::Borrowed(std::slice::from_ref(to)),
        }
    }
}

/// What the lot says in one record that it gave, as corrected since.
pub(super) fn gifts_of(excerpt: &Excerpt, restated: &mut Corrections) -> Vec<Gift> {
    restated.learn(&excerpt.gave);
    let mut gifts = Vec::new();
    for change in &excerpt.gave {
        let Some(C::ContributedTo(to)) = &change.change else {
            continue;
        };
        let event_index = change.cause.map_or(0, |cause| cause.event_index);
        let stands = restated.instead(excerpt.position, event_index, to);
        let stands = stands.iter();
        gifts.extend(stands.filter_map(|to| Gift::new(excerpt, event_index, to)));
    }
    gifts
}

impl Gift {
    /// None if it names no lot.
    fn new(excerpt: &Excerpt, event_index: u32, to: &ContributedTo) -> Option<Gift> {
        Some(Gift {
            position: excerpt.position,
            event_index,
            alone: !excerpt.others_gave,
            to: LotId::from_slice(&to.lot)?,
            gross_mg: to.gross_mg,
            contained_mg: to.contained_mg,
            of: to.of.iter().filter_map(Piece::new).collect(),
        })
    }

    /// Gross and contained of what came by way of a lot that had been poured
    /// in, if any did; all of it where nothing else is asked.
    pub fn by_way_of(&self, via: Option<LotId>) -> Option<(i64, i64)> {
        let Some(via) = via else {
            return Some((self.gross_mg, self.contained_mg));
        };
        let piece = self.of.iter().find(|piece| piece.lot == via)?;
        Some((piece.gross_mg, piece.contained_mg))
    }
}

impl Piece {
    /// None if it is of unknown origin.
    fn new(parent: &Parent) -> Option<Piece> {
        Some(Piece {
            lot: LotId::from_slice(&parent.lot)?,
            gross_mg: parent.gross_mg,
            contained_mg: parent.contained_mg,
        })
    }
}
