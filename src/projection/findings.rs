//! Findings of all records, by position and by who must see to them, with what
//! was last said of each. Overdue is not kept: it is worked out on reading.
//!
//! What it is not: the only place where they stand. Each is in its record.

use prost::Message as _;

use super::projector::Folded;
use super::store::{Reading, Store, StoreError, Table, Writes};
use super::view::View;
use crate::custody::Item;
use crate::event::record::OpenRecord;
use crate::pb::{EventRef, Finding, FindingAnswer, FindingEntry, FindingState};

/// The first byte of keys: of findings by position, of owners' findings, and
/// of answers. All end with the finding's place.
const FOUND: u8 = b'F';
const OWNED: u8 = b'O';
const ANSWERED: u8 = b'A';

/// A finding's place: position (u64 BE) and number there (u32 BE).
pub const PLACE: usize = 8 + 4;

/// Findings that are looked at for one page, at most.
pub const MAX_SEEN: usize = 10_000;

/// The view.
#[derive(Debug, Default)]
pub struct Findings;

fn place(position: u64, index: u32) -> [u8; PLACE] {
    let mut place = [0; PLACE];
    let (first, second) = place.split_at_mut(8);
    first.copy_from_slice(&position.to_be_bytes());
    second.copy_from_slice(&index.to_be_bytes());
    place
}

/// What the keys of an owner's rows begin with: its length (one byte) and its
/// code, so that none is the beginning of another. `None`: no code is so long.
fn owned(owner: &str) -> Option<Vec<u8>> {
    let mut prefix = vec![OWNED, u8::try_from(owner.len()).ok()?];
    prefix.extend_from_slice(owner.as_bytes());
    Some(prefix)
}

fn key(prefix: &[u8], place: &[u8]) -> Vec<u8> {
    [prefix, place].concat()
}

impl View for Findings {
    fn name(&self) -> &'static str {
        "findings"
    }

    fn load(&mut self, _: &Store) -> Result<(), StoreError> {
        Ok(())
    }

    fn fold(&mut self, folded: &Folded, writes: &mut Writes) {
        let record = &folded.record;
        for (index, finding) in (0u32..).zip(&record.findings) {
            let Some(finding) = finding else { continue };
            let entry = entry(record, index, finding);
            let place = place(record.position(), index);
            if let Some(prefix) = owned(&entry.owner) {
                writes.put(Table::Findings, key(&prefix, &place), []);
            }
            writes.put(
                Table::Findings,
                key(&[FOUND], &place),
                entry.encode_to_vec(),
            );
        }
        for changed in &folded.items {
            if let Item::Finding(state) = &changed.item {
                let key = key(&[ANSWERED], &changed.subject.id);
                writes.put(Table::Findings, key, state.encode_to_vec());
            }
        }
    }
}

/// A finding as it was recorded; one that names nobody is its record's party's.
fn entry(record: &OpenRecord, index: u32, finding: &Finding) -> FindingEntry {
    let payload = &record.payload;
    let at = usize::try_from(finding.event_index).unwrap_or(usize::MAX);
    let event = payload.event_digests.get(at).map(|digest| EventRef {
        party: payload.party.clone(),
        statement_id: payload.id.clone(),
        event_index: finding.event_index,
        event_digest: digest.clone(),
    });
    let owner = match finding.owner.as_str() {
        "" => &payload.party,
        owner => owner,
    };
    FindingEntry {
        position: record.position(),
        index,
        owner: owner.to_owned(),
        finding: Some(finding.clone()),
        recorded_at_ms: record.head.recorded_at_ms,
        event,
        ..FindingEntry::default()
    }
}

/// Which findings are asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked<'a> {
    /// Only this party's; empty: everybody's.
    pub owner: &'a str,
    /// Only of this code; 0: of any.
    pub code: i32,
    /// Only as grave, or graver.
    pub severity: i32,
    /// Only those that nobody has resolved.
    pub open: bool,
    /// Only those that are overdue.
    pub overdue: bool,
    /// From this position on.
    pub since: u64,
    /// The place of the last one looked at before; empty: from the first.
    pub after: &'a [u8],
    /// What dates are held against, Unix milliseconds.
    pub at_ms: i64,
    /// At most so many.
    pub most: usize,
}

/// A page of findings in order of recording, and where to go on (empty: there
/// are no more). At most [`MAX_SEEN`] are looked at.
pub fn list(
    reading: &Reading<'_>,
    asked: &Asked<'_>,
) -> Result<(Vec<FindingEntry>, Vec<u8>), StoreError> {
    let prefix = match asked.owner {
        "" => vec![FOUND],
        owner => match owned(owner) {
            Some(prefix) => prefix,
            None => return Ok((Vec::new(), Vec::new())),
        },
    };
    let mut page = Page {
        reading,
        asked,
        skip: prefix.len(),
        seen: 0,
        found: Vec::new(),
        last: Vec::new(),
    };
    let since = place(asked.since, 0);
    let from = key(&prefix, asked.after.max(since.as_slice()));
    let until = key(&prefix, &[u8::MAX; PLACE + 1]);
    let shown = reading.each(Table::Findings, &from, Some(&until), |key, _| page.see(key));
    match shown {
        Ok(()) => Ok((page.found, Vec::new())),
        Err(Stop::Full) => Ok((page.found, page.last)),
        Err(Stop::Store(error)) => Err(error),
    }
}

/// Why no more rows are looked at.
enum Stop {
    /// The page is full, or enough have been looked at.
    Full,
    Store(StoreError),
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Stop {
        Stop::Store(error)
    }
}

struct Page<'a> {
    reading: &'a Reading<'a>,
    asked: &'a Asked<'a>,
    /// Bytes of keys before the place.
    skip: usize,
    seen: usize,
    found: Vec<FindingEntry>,
    /// Place of the last that was looked at.
    last: Vec<u8>,
}

impl Page<'_> {
    fn see(&mut self, key: &[u8]) -> Result<(), Stop> {
        let place = key.get(self.skip..).unwrap_or_default();
        if place == self.asked.after {
            return Ok(());
        }
        if self.seen >= MAX_SEEN || self.found.len() >= self.asked.most {
            return Err(Stop::Full);
        }
        self.seen = self.seen.saturating_add(1);
        self.last = place.to_vec();
        let entry = standing(self.reading, place, self.asked.at_ms)?;
        if self.asked.wants(&entry) {
            self.found.push(entry);
        }
        Ok(())
    }
}

/// A finding with what was last said of it, held against a time.
fn standing(reading: &Reading<'_>, place: &[u8], at_ms: i64) -> Result<FindingEntry, StoreError> {
    let damaged = || StoreError::Row(Table::Findings);
    let row = reading.get(Table::Findings, &key(&[FOUND], place))?;
    let row = row.ok_or_else(damaged)?;
    let mut entry = FindingEntry::decode(row.as_slice()).map_err(|_| damaged())?;
    if let Some(row) = reading.get(Table::Findings, &key(&[ANSWERED], place))? {
        let state = FindingState::decode(row.as_slice()).map_err(|_| damaged())?;
        let noted = state.noted.unwrap_or_default();
        (entry.answer, entry.answered_by) = (noted.answer, noted.by);
        entry.answers = state.answers;
    }
    let due_ms = entry.finding.as_ref().map_or(0, |f| f.due_ms);
    let is_open = entry.answer() != FindingAnswer::Resolved;
    entry.overdue = is_open && due_ms != 0 && due_ms < at_ms;
    Ok(entry)
}

impl Asked<'_> {
    fn wants(&self, entry: &FindingEntry) -> bool {
        let finding = entry.finding.as_ref();
        let code = finding.map_or(0, |f| f.code);
        let severity = finding.map_or(0, |f| f.severity);
        let is_open = entry.answer() != FindingAnswer::Resolved;
        (self.code == 0 || code == self.code)
            && severity >= self.severity
            && (is_open || !self.open)
            && (entry.overdue || !self.overdue)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::pb::{FindingNoted, Severity};
    use crate::projection::Standing;

    /// Findings by (position, owner, severity, due), and the last answer.
    const ALL: [(u64, &str, Severity, i64, FindingAnswer); 5] = [
        (1, "P", Severity::Alarm, 100, FindingAnswer::Unspecified),
        (2, "PP", Severity::Notice, 0, FindingAnswer::Unspecified),
        (3, "P", Severity::Warning, 100, FindingAnswer::Resolved),
        (4, "P", Severity::Notice, 200, FindingAnswer::Explained),
        (256, "W", Severity::Alarm, 50, FindingAnswer::Acknowledged),
    ];

    fn store(dir: &std::path::Path) -> Store {
        let store = Store::open(dir).unwrap();
        let mut writes = Writes::default();
        for (position, owner, severity, due_ms, answer) in ALL {
            let entry = FindingEntry {
                position,
                owner: owner.to_owned(),
                finding: Some(Finding {
                    code: i32::try_from(position % 3).unwrap(),
                    severity: severity.into(),
                    due_ms,
                    ..Finding::default()
                }),
                ..FindingEntry::default()
            };
            let place = place(position, 0);
            let row = entry.encode_to_vec();
            writes.put(Table::Findings, key(&[FOUND], &place), row);
            writes.put(Table::Findings, key(&owned(owner).unwrap(), &place), []);
            if answer != FindingAnswer::Unspecified {
                let state = FindingState {
                    noted: Some(FindingNoted {
                        answer: answer.into(),
                        by: "A".to_owned(),
                        ..FindingNoted::default()
                    }),
                    answers: 1,
                    last: 0,
                };
                let row = state.encode_to_vec();
                writes.put(Table::Findings, key(&[ANSWERED], &place), row);
            }
        }
        store.apply(writes, Standing::default()).unwrap();
        store
    }

    #[test]
    fn findings_are_told_in_order_by_what_is_asked_and_a_page_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let all = Asked {
            at_ms: 150,
            most: 10,
            ..Asked::default()
        };
        let cases: [(Asked<'_>, &[u64]); 9] = [
            (all.clone(), &[1, 2, 3, 4, 256]),
            (
                Asked {
                    owner: "P",
                    ..all.clone()
                },
                &[1, 3, 4],
            ),
            (
                Asked {
                    owner: "N",
                    ..all.clone()
                },
                &[],
            ),
            (
                Asked {
                    open: true,
                    ..all.clone()
                },
                &[1, 2, 4, 256],
            ),
            // The resolved one is past its date and is not overdue.
            (
                Asked {
                    overdue: true,
                    ..all.clone()
                },
                &[1, 256],
            ),
            (
                Asked {
                    overdue: true,
                    at_ms: 100,
                    ..all.clone()
                },
                &[256],
            ),
            (
                Asked {
                    severity: Severity::Warning.into(),
                    ..all.clone()
                },
                &[1, 3, 256],
            ),
            (
                Asked {
                    code: 1,
                    ..all.clone()
                },
                &[1, 4, 256],
            ),
            (
                Asked {
                    since: 4,
                    ..all.clone()
                },
                &[4, 256],
            ),
        ];
        let reading = store.reading();
        for (asked, wanted) in cases {
            let (found, next) = list(&reading, &asked).unwrap();
            let positions: Vec<u64> = found.iter().map(|entry| entry.position).collect();
            assert_eq!(positions, wanted, "{asked:?}");
            assert!(next.is_empty());
        }
        let mut after = Vec::new();
        let mut pages = Vec::new();
        loop {
            let asked = Asked {
                owner: "P",
                most: 2,
                after: &after,
                ..all.clone()
            };
            let (found, next) = list(&reading, &asked).unwrap();
            pages.push(found.len());
            if next.is_empty() {
                break;
            }
            after = next;
        }
        assert_eq!(pages, [2, 1]);
    }
}
