//! Measure differences: what was measured otherwise at handoffs than it was
//! offered, summed by carrier, vehicle, crew, the taker's site and its
//! instrument, so that "scale 7 reads 0.4 % low" can be seen. Lines without a
//! difference count as well, so that the sums are a rate.
//!
//! What it is not: a judgement. Whether a difference is the scales' or in
//! dispute is in the lots' books. Packages are counted, not weighed, and are
//! not here.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;

use super::projector::Folded;
use super::store::{Reading, Store, StoreError, Table, Writes};
use super::view::View;
use crate::custody::Item;
use crate::event::digest::to_hex;
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{
    AccountKind, Carriage, ConsignmentState, DifferenceBy, DifferenceRow, HandoffLine,
    HandoffOffered, HandoffState, HandoffStatus, Outcome, Subject, SubjectKind,
};

/// Rows that are kept apart, at most; what comes beyond is summed in one row
/// of its kind, [`OTHERS`].
pub const MAX_ROWS: usize = 100_000;
/// The key of that row.
pub const OTHERS: &str = "(others)";

/// The first byte of keys of rows that say a place's site. The other rows'
/// is the number of [`DifferenceBy`].
const PLACES: u8 = 0;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    lines: u64,
    offered: i128,
    difference: i128,
}

/// The view: the running sums, and which site each place is in.
#[derive(Debug, Default)]
pub struct Differences {
    sums: BTreeMap<Vec<u8>, Sums>,
    /// "party/place" to site; as many as the registry has places.
    sites: BTreeMap<String, String>,
    /// Rows to be written.
    changed: BTreeSet<Vec<u8>>,
}

impl View for Differences {
    fn name(&self) -> &'static str {
        "differences"
    }

    fn load(&mut self, store: &Store) -> Result<(), StoreError> {
        self.sums.clear();
        self.sites.clear();
        for row in store.reading().rows(Table::Differences, &[]) {
            let (key, value) = row?;
            let bad = || StoreError::Row(Table::Differences);
            if key.first() == Some(&PLACES) {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| bad());
                let place = text(key.get(1..).unwrap_or_default())?;
                self.sites.insert(place, text(&value)?);
            } else {
                let row = DifferenceRow::decode(value.as_slice()).map_err(|_| bad())?;
                self.sums.insert(key, sums(&row).ok_or_else(bad)?);
            }
        }
        Ok(())
    }

    fn fold(&mut self, folded: &Folded, writes: &mut Writes) {
        for event in folded.record.events.iter().flatten() {
            if let Some(Body::PlaceRegistered(e)) = &event.body {
                let place = format!("{}/{}", e.party, e.place);
                let mut key = vec![PLACES];
                key.extend_from_slice(place.as_bytes());
                writes.put(Table::Differences, key, e.site.as_bytes());
                self.sites.insert(place, e.site.clone());
            }
        }
        for outcome in folded.record.outcomes.iter().flatten() {
            if let Some(place) = accepted_at(outcome) {
                self.handed_over(folded, outcome.subject.as_ref(), place);
            }
        }
    }

    fn finish(&mut self, _: u64, writes: &mut Writes) {
        for key in std::mem::take(&mut self.changed) {
            let sums = self.sums.get(&key).copied().unwrap_or_default();
            let row = row(&key, sums).encode_to_vec();
            writes.put(Table::Differences, key, row);
        }
    }
}

/// The taker's place, if an outcome says that a handoff has been accepted.
fn accepted_at(outcome: &Outcome) -> Option<&str> {
    let of_handoff = outcome.subject.as_ref()?.kind() == SubjectKind::Handoff;
    let mut changes = outcome.changes.iter().filter(|_| of_handoff);
    changes.find_map(|change| match &change.change {
        Some(C::HandoffClosed(c)) if c.status() == HandoffStatus::Accepted => {
            Some(c.place.as_str())
        }
        _ => None,
    })
}

impl Differences {
    /// Adds the lines of a handoff that this record accepts. Its item is among
    /// those that the record has changed.
    fn handed_over(&mut self, folded: &Folded, handoff: Option<&Subject>, place: &str) {
        let mut items = folded.items.iter();
        let item = items.find(|changed| Some(&changed.subject) == handoff);
        let Some(Item::Handoff(state)) = item.map(|changed| &changed.item) else {
            return;
        };
        let Some(offered) = &state.offered else {
            return;
        };
        let shared = self.shared_keys(folded, offered, place);
        for (index, line) in (0u32..).zip(&offered.lines) {
            let Some((sums, instrument)) = measured(state, index, line) else {
                continue;
            };
            for key in &shared {
                self.add(key, sums);
            }
            if !instrument.is_empty() {
                let name = format!("{}/{instrument}", offered.taker);
                self.add(&key(DifferenceBy::Instrument, &name), sums);
            }
        }
    }

    /// The rows that all lines of a handoff go to.
    fn shared_keys(&self, folded: &Folded, offered: &HandoffOffered, place: &str) -> Vec<Vec<u8>> {
        let mut keys = BTreeSet::new();
        let mut ship = |carrier: &str, vehicles: Vec<String>, crew: Vec<String>| {
            keys.insert(key(DifferenceBy::Carrier, carrier));
            keys.extend(vehicles.iter().map(|v| key(DifferenceBy::Vehicle, v)));
            keys.extend(crew.iter().map(|c| key(DifferenceBy::Crew, c)));
        };
        if let Some(carriage) = &offered.carriage {
            ship(&offered.taker, vehicles(carriage), crew(carriage));
        } else if let Some(consignment) = consignment(folded, offered) {
            let (vehicles, crew) = now(consignment);
            ship(&offered.giver, vehicles, crew);
        }
        let site = self.sites.get(&format!("{}/{place}", offered.taker));
        if let Some(site) = site {
            let name = format!("{}/{site}", offered.taker);
            keys.insert(key(DifferenceBy::Site, &name));
        }
        keys.into_iter().collect()
    }

    fn add(&mut self, key: &[u8], more: Sums) {
        let known = self.sums.contains_key(key) || self.sums.len() < MAX_ROWS;
        let key = match (known, key.first()) {
            (false, Some(by)) => [&[*by], OTHERS.as_bytes()].concat(),
            _ => key.to_vec(),
        };
        let sums = self.sums.entry(key.clone()).or_default();
        sums.lines = sums.lines.saturating_add(more.lines);
        sums.offered = sums.offered.saturating_add(more.offered);
        sums.difference = sums.difference.saturating_add(more.difference);
        self.changed.insert(key);
    }
}

/// What a line was to bring and by how much it differs, and what measured it;
/// `None` if nothing loose was to arrive.
fn measured<'a>(
    state: &'a HandoffState,
    index: u32,
    line: &HandoffLine,
) -> Option<(Sums, &'a str)> {
    let taken = state.taken.iter().find(|t| t.line == index);
    let (expected, arrived, instrument) = taken
        .map_or((line.loose_gross_mg, line.loose_gross_mg, ""), |t| {
            (t.expected_gross_mg, t.loose_gross_mg, &t.instrument)
        });
    let sums = Sums {
        lines: 1,
        offered: i128::from(expected),
        difference: i128::from(expected).saturating_sub(i128::from(arrived)),
    };
    (expected > 0).then_some((sums, instrument))
}

/// The consignment that goods were handed over from.
fn consignment<'a>(folded: &'a Folded, offered: &HandoffOffered) -> Option<&'a ConsignmentState> {
    let from = offered.from.as_ref()?;
    let aboard = from.kind() == AccountKind::Aboard;
    let is_it = |s: &Subject| aboard && s.kind() == SubjectKind::Consignment && s.id == from.id;
    let mut items = folded.items.iter();
    match items
        .find(|changed| is_it(&changed.subject))
        .map(|c| &c.item)
    {
        Some(Item::Consignment(consignment)) => Some(consignment),
        _ => None,
    }
}

/// What carries by a waybill.
fn vehicles(c: &Carriage) -> Vec<String> {
    let mut vehicles = vec![c.vehicle.clone(), c.trailer.clone()];
    vehicles.extend(c.rail.iter().flat_map(|rail| rail.wagons.clone()));
    vehicles.extend(c.air.iter().map(|air| air.flight.clone()));
    vehicles.extend(c.water.iter().map(|water| water.vessel.clone()));
    vehicles.retain(|vehicle| !vehicle.is_empty());
    vehicles
}

fn crew(c: &Carriage) -> Vec<String> {
    let escort = std::iter::once(&c.escort).filter(|e| !e.is_empty());
    c.crew.iter().chain(escort).map(|c| to_hex(c)).collect()
}

/// What carries a consignment now, after any relay, and who.
fn now(c: &ConsignmentState) -> (Vec<String>, Vec<String>) {
    let waybill = c.carriage.clone().unwrap_or_default();
    let mut by = if c.wagons.is_empty() {
        vec![c.vehicle.clone()]
    } else {
        c.wagons.clone()
    };
    by.retain(|vehicle| !vehicle.is_empty());
    if by.is_empty() {
        by = vehicles(&waybill);
    }
    (by, c.crew.iter().map(|c| to_hex(c)).collect())
}

fn key(by: DifferenceBy, name: &str) -> Vec<u8> {
    let number = u8::try_from(i32::from(by)).unwrap_or_default();
    [&[number], name.as_bytes()].concat()
}

fn row(key: &[u8], sums: Sums) -> DifferenceRow {
    let name = key.get(1..).unwrap_or_default();
    DifferenceRow {
        key: String::from_utf8_lossy(name).into_owned(),
        lines: sums.lines,
        offered_mg: sums.offered.to_string(),
        difference_mg: sums.difference.to_string(),
    }
}

fn sums(row: &DifferenceRow) -> Option<Sums> {
    Some(Sums {
        lines: row.lines,
        offered: row.offered_mg.parse().ok()?,
        difference: row.difference_mg.parse().ok()?,
    })
}

/// The rows of one kind behind a key, in order; at most so many.
pub fn rows(
    reading: &Reading<'_>,
    by: DifferenceBy,
    after: &str,
    most: usize,
) -> Result<Vec<DifferenceRow>, StoreError> {
    let behind = key(by, after);
    let prefix = key(by, "");
    let is_behind = |row: &Result<super::Row, StoreError>| match row {
        Ok((key, _)) => after.is_empty() || *key > behind,
        Err(_) => true,
    };
    reading
        .rows(Table::Differences, &prefix)
        .filter(is_behind)
        .take(most)
        .map(|row| {
            let (_, value) = row?;
            DifferenceRow::decode(value.as_slice()).map_err(|_| StoreError::Row(Table::Differences))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::projection::Standing;

    fn some(offered: i128, difference: i128) -> Sums {
        Sums {
            lines: 1,
            offered,
            difference,
        }
    }

    #[test]
    fn sums_go_on_where_they_stood_and_are_told_a_page_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for position in 0..2u64 {
            // As after a restart: a new view each time.
            let mut view = Differences::default();
            view.load(&store).unwrap();
            for name in ["P/scale 1", "P/scale 2", "W/scale 1"] {
                let key = key(DifferenceBy::Instrument, name);
                view.add(&key, some(i128::from(i64::MAX), 4));
            }
            view.add(&key(DifferenceBy::Carrier, "C"), some(5, -1));
            let mut writes = Writes::default();
            view.finish(position + 1, &mut writes);
            let standing = Standing {
                next: position + 1,
                ..Standing::default()
            };
            store.apply(writes, standing).unwrap();
        }
        let reading = store.reading();
        let page = |after: &str| rows(&reading, DifferenceBy::Instrument, after, 2).unwrap();
        let names = |rows: &[DifferenceRow]| -> Vec<String> {
            rows.iter().map(|row| row.key.clone()).collect()
        };
        let first = page("");
        assert_eq!(names(&first), ["P/scale 1", "P/scale 2"]);
        assert_eq!(names(&page("P/scale 2")), ["W/scale 1"]);
        let one = first.into_iter().next().unwrap();
        assert_eq!((one.lines, one.difference_mg.as_str()), (2, "8"));
        assert_eq!(one.offered_mg, "18446744073709551614");
        let carriers = rows(&reading, DifferenceBy::Carrier, "", 9).unwrap();
        assert_eq!(names(&carriers), ["C"]);
    }
}
