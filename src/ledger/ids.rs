//! The index of ids: which statement of the last 30 days became which record.
//! It is bounded by the window and drops whole days. Not here: what a
//! duplicate is answered, and older ids (the projection has them).

use std::collections::BTreeMap;

use crate::event::StatementId;
use crate::event::ids::ID_WINDOW_MS;
use crate::projection::statements::day;

pub(super) use crate::projection::statements::{IdKey, key};

/// Positions by id, in buckets of a day by the ids' own time.
#[derive(Debug, Default)]
pub(super) struct IdIndex {
    days: BTreeMap<i64, Day>,
    /// How often days have left.
    drops: u64,
}

impl IdIndex {
    /// The position that a statement was recorded at, if it is in the index.
    pub(super) fn get(&self, key: &IdKey, id: StatementId) -> Option<u64> {
        self.days.get(&day(id.unix_ms()))?.get(key)
    }

    /// A statement has been recorded.
    pub(super) fn insert(&mut self, key: IdKey, id: StatementId, position: u64) {
        self.insert_on(day(id.unix_ms()), &key, position);
    }

    /// The same, of a day.
    pub(super) fn insert_on(&mut self, day: i64, key: &IdKey, position: u64) {
        self.days.entry(day).or_default().insert(key, position);
    }

    /// Makes room for so many ids of a day that there are none of yet.
    pub(super) fn reserve(&mut self, day: i64, ids: usize) {
        self.days.insert(day, Day::with_room(ids));
    }

    /// Takes in an index of other days.
    pub(super) fn absorb(&mut self, other: IdIndex) {
        self.days.extend(other.days);
    }

    /// Drops the days that are over for good at this recorded time, once the
    /// projection has all their ids durably: it has `flushed` records.
    pub(super) fn drop_days(&mut self, recorded_at_ms: i64, flushed: u64) {
        let first = day(window_start(recorded_at_ms));
        let is_over = |number: &i64| *number < first;
        if self.days.keys().next().is_some_and(is_over) {
            let before = self.days.len();
            self.days
                .retain(|number, day| !is_over(number) || day.last >= flushed);
            if self.days.len() < before {
                self.drops = self.drops.saturating_add(1);
            }
        }
    }

    /// How often days have left: an id of such a day that was nowhere before
    /// may be in the projection after.
    pub(super) fn drops(&self) -> u64 {
        self.drops
    }

    /// How many ids it holds.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.days.values().map(Day::len).sum()
    }
}

/// One part in so many is added to what a table is given room for.
const SPARE: usize = 16;

/// Parts of a day's table: one grows at a time, so that nobody waits for all.
const PARTS: usize = 64;

/// The ids of one day.
#[derive(Debug)]
struct Day {
    parts: Vec<Table>,
    /// The greatest position of them.
    last: u64,
}

impl Default for Day {
    fn default() -> Day {
        Day {
            parts: std::iter::repeat_with(Table::default).take(PARTS).collect(),
            last: 0,
        }
    }
}

impl Day {
    fn with_room(ids: usize) -> Day {
        let mut day = Day::default();
        // Parts differ by chance: a little more than each one's share.
        let share = ids / PARTS + ids / PARTS / SPARE;
        day.parts.iter_mut().for_each(|part| part.reserve(share));
        day
    }

    fn part(key: &IdKey) -> usize {
        let [first, ..] = key;
        usize::from(*first) % PARTS
    }

    fn get(&self, key: &IdKey) -> Option<u64> {
        self.parts.get(Day::part(key))?.get(key)
    }

    fn insert(&mut self, key: &IdKey, position: u64) {
        self.last = self.last.max(position);
        if let Some(part) = self.parts.get_mut(Day::part(key)) {
            part.insert(key, position);
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.parts.iter().map(|part| part.used).sum()
    }
}

/// Bits of a position, plus one, in an entry: enough for 10^12 records. The
/// 88 above it are the key's: to find an id that is taken for another's of ten
/// million would take 2^64 tries.
const POSITION_BITS: u32 = 40;
const POSITION: u128 = (1 << POSITION_BITS) - 1;
/// A table grows when more than this many of 20 slots are taken, to 7 for 5:
/// an id takes 16 bytes in a slot and 19 to 27 with those that are free.
const FULL: usize = 17;
const FEWEST_SLOTS: usize = 20;

/// An open-addressing table of ids: entries of 16 bytes, 0 where there is none.
#[derive(Debug, Default)]
struct Table {
    slots: Vec<u128>,
    used: usize,
}

/// The key's part of an entry.
fn tag(key: &IdKey) -> u128 {
    u128::from_be_bytes(*key) & !POSITION
}

impl Table {
    /// Makes room for so many ids in an empty table.
    fn reserve(&mut self, ids: usize) {
        let slots = ids.saturating_mul(20).div_ceil(FULL);
        self.slots = vec![0; slots];
    }

    fn get(&self, key: &IdKey) -> Option<u64> {
        let entry = *self.slots.get(self.place(tag(key))?)?;
        let position = u64::try_from(entry & POSITION).ok()?;
        position.checked_sub(1)
    }

    fn insert(&mut self, key: &IdKey, position: u64) {
        // Beyond the last position that fits, ids would have to be looked up
        // in the projection; no ledger gets there.
        let position = (u128::from(position) + 1).min(POSITION);
        if self.used.saturating_add(1).saturating_mul(20) > self.slots.len().saturating_mul(FULL) {
            self.grow();
        }
        self.put(tag(key) | position);
    }

    fn put(&mut self, entry: u128) {
        let place = self.place(entry & !POSITION);
        if let Some(slot) = place.and_then(|place| self.slots.get_mut(place)) {
            self.used = self.used.saturating_add(usize::from(*slot == 0));
            *slot = entry;
        }
    }

    fn grow(&mut self) {
        let slots = (self.slots.len() / 5).saturating_mul(7).max(FEWEST_SLOTS);
        let before = std::mem::replace(&mut self.slots, vec![0; slots]);
        self.used = 0;
        before
            .into_iter()
            .filter(|entry| *entry != 0)
            .for_each(|entry| self.put(entry));
    }

    /// Where an entry with this tag is, or would be; `None` in an empty table.
    /// There is always a free slot, so that the search ends.
    fn place(&self, tag: u128) -> Option<usize> {
        // The bits after those that chose the part, spread over the slots.
        let spread = (tag << 8 >> 64).saturating_mul(self.slots.len() as u128) >> 64;
        let start = usize::try_from(spread).ok()?;
        let (before, from) = self.slots.split_at_checked(start)?;
        let ends = |entry: &u128| *entry == 0 || entry & !POSITION == tag;
        let after = from
            .iter()
            .position(ends)
            .map(|at| start.saturating_add(at));
        after.or_else(|| before.iter().position(ends))
    }
}

/// The earliest id that can still be recorded, Unix milliseconds.
pub(super) fn window_start(recorded_at_ms: i64) -> i64 {
    recorded_at_ms.saturating_sub(ID_WINDOW_MS)
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "tests fail by panicking"
    )]

    use super::*;
    use crate::projection::statements::DAY_MS;

    #[test]
    fn days_leave_whole_when_their_last_id_is_out_of_the_window() {
        let mut index = IdIndex::default();
        let ids: Vec<StatementId> = (0..40)
            .map(|day| StatementId::v7(day * DAY_MS + 5, [7; 10]).unwrap())
            .collect();
        for (position, id) in (0..).zip(&ids) {
            index.insert(key("a", *id), *id, position);
        }
        // What the projection does not have yet stays.
        index.drop_days(40 * DAY_MS - 1, 5);
        assert_eq!(index.len(), 35);
        index.drop_days(40 * DAY_MS - 1, 40);
        assert_eq!(index.len(), 31);
        assert_eq!(index.get(&key("a", ids[8]), ids[8]), None);
        assert_eq!(index.get(&key("a", ids[9]), ids[9]), Some(9));
        assert_eq!(index.get(&key("b", ids[9]), ids[9]), None);
    }

    #[test]
    fn it_answers_as_a_map_does_and_takes_at_most_28_bytes_an_id() {
        let mut index = IdIndex::default();
        let mut model = std::collections::HashMap::new();
        let id = |n: u64| {
            let mut random = [0; 10];
            random[2..].copy_from_slice(&n.to_be_bytes());
            StatementId::v7(i64::try_from(n % 3).unwrap() * DAY_MS, random).unwrap()
        };
        index.reserve(1, 100);
        for n in 0..60_000_u64 {
            // Some come twice: the last word counts.
            let (id, position) = (id(n / 7 * 5), u64::MAX >> 24 >> (n % 9));
            let position = position - 1;
            index.insert(key("a", id), id, position);
            model.insert(id, position);
        }
        assert_eq!(index.len(), model.len());
        for n in 0..60_000 {
            let id = id(n);
            assert_eq!(index.get(&key("a", id), id), model.get(&id).copied());
            assert_eq!(index.get(&key("b", id), id), None);
        }
        let tables = || index.days.values().flat_map(|day| &day.parts);
        let slots: usize = tables().map(|table| table.slots.len()).sum();
        assert!(slots * 16 <= index.len() * 28, "{slots} slots");
    }
}
