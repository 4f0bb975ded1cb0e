//! What opening does with what is there: takes the live state from the snapshot
//! if it and the store agree with the journal, and folds the rest through the same
//! function as live writes. Not here: the journal's own recovery.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;

use bytes::Bytes;
use rayon::prelude::*;

use super::error::OpenError;
use super::folder::set_aside;
use super::ids::{self, IdIndex};
use super::seam::Records;
use crate::custody::State;
use crate::event::record::OpenRecord;
use crate::event::{Hash, StatementId};
use crate::journal::{JournalError, StoredBatch};
use crate::pb::{LinkKind, Subject};
use crate::projection::{
    self, Days, Folded, Projection, Snapshot, Standing, Store, StoreError, items, statements,
};

/// The snapshot's folder, in the projection's.
const SNAPSHOT: &str = "snapshot";
/// The folder of the files of ids, there too.
const IDS: &str = "ids";

/// Batches that are opened ahead of the fold, at most: 1 MiB each, and a few
/// times that once they are opened.
const OPENED_AHEAD: usize = 4;
/// Records that one core opens at a time: handing over fewer costs more.
const OPENED_TOGETHER: usize = 64;

/// What recovery made: everything that the threads start from.
pub(super) struct Recovered {
    pub(super) store: Store,
    pub(super) projection: Projection,
    pub(super) days: Days,
    pub(super) state: State,
    pub(super) ids: IdIndex,
    /// Records folded that the store did not have.
    pub(super) replayed: u64,
}

/// A store and, if it is new, what became of the one before.
pub(super) struct Opening {
    pub(super) store: Store,
    pub(super) set_aside: Option<(PathBuf, String)>,
}

impl Opening {
    /// Opens the store; one that will not open, or is of another ledger than
    /// `genesis_hash`, is set aside.
    pub(super) fn new(dir: &Path, genesis_hash: Option<Hash>) -> Result<Opening, OpenError> {
        let why = match Store::open(dir) {
            Ok(store) => {
                let standing = store.reading().standing();
                let ours = genesis_hash.is_none_or(|hash| hash == standing.genesis_hash);
                if ours || standing.next == 0 {
                    return Ok(Opening {
                        store,
                        set_aside: None,
                    });
                }
                "it belongs to another ledger".to_owned()
            }
            // Whoever has it open would go on writing to it.
            Err(error @ StoreError::InUse) => return Err(error.into()),
            Err(error) => error.to_string(),
        };
        Opening::anew(dir, why)
    }

    /// Sets the store aside and begins an empty one.
    pub(super) fn anew(dir: &Path, why: String) -> Result<Opening, OpenError> {
        let aside = set_aside(dir)?;
        Ok(Opening {
            store: Store::open(dir)?,
            set_aside: Some((aside, why)),
        })
    }
}

/// Why a store cannot be gone on from.
enum Unfit {
    /// It can be rebuilt.
    Store(String),
    /// The journal is at fault.
    Open(OpenError),
}

impl From<StoreError> for Unfit {
    fn from(error: StoreError) -> Unfit {
        Unfit::Store(error.to_string())
    }
}

impl From<OpenError> for Unfit {
    fn from(error: OpenError) -> Unfit {
        Unfit::Open(error)
    }
}

/// Brings the store and the live state to the journal's end. A store that
/// disagrees is set aside and rebuilt from record 0; that may fail only once.
pub(super) fn recover(
    dir: &Path,
    opening: Opening,
    records: &dyn Records,
    evict_every: u64,
) -> Result<(Recovered, Option<(PathBuf, String)>), OpenError> {
    let Opening { store, set_aside } = opening;
    let why = match attempt(dir, store, records, evict_every) {
        Ok(recovered) => return Ok((recovered, set_aside)),
        Err(Unfit::Open(error)) => return Err(error),
        Err(Unfit::Store(why)) => why,
    };
    let Opening { store, set_aside } = Opening::anew(dir, why)?;
    match attempt(dir, store, records, evict_every) {
        Ok(recovered) => Ok((recovered, set_aside)),
        Err(Unfit::Open(error)) => Err(error),
        Err(Unfit::Store(why)) => Err(OpenError::io("rebuild", dir)(std::io::Error::other(why))),
    }
}

fn attempt(
    dir: &Path,
    store: Store,
    records: &dyn Records,
    evict_every: u64,
) -> Result<Recovered, Unfit> {
    let snapshot = Snapshot::open(&dir.join(SNAPSHOT))?;
    let state = restore(&store, &snapshot, records)?;
    let days = Days::open(&dir.join(IDS), &snapshot.ids())?;
    let ids = recent_ids(&days, &snapshot)?;
    let projection = Projection::new(store.clone(), projection::views(), snapshot, days.clone())?;
    let begun = state.next() > 0;
    let mut recovered = Recovered {
        store,
        projection,
        days,
        state,
        ids,
        replayed: 0,
    };
    match recovered.replay(records, evict_every) {
        // A closed item that the store has lost looks like this; if the
        // journal is at fault, rebuilding says so again.
        Err(Unfit::Open(error @ OpenError::Fold { .. })) if begun => {
            return Err(Unfit::Store(error.to_string()));
        }
        done => done?,
    }
    recovered.drop_days();
    Ok(recovered)
}

/// The index of the ids in the window, a day on each core.
fn recent_ids(days: &Days, snapshot: &Snapshot) -> Result<IdIndex, StoreError> {
    let first = statements::day(ids::window_start(snapshot.standing().recorded_at_ms));
    let lengths = snapshot.ids();
    let within: Vec<i64> = lengths.range(first..).map(|(day, _)| *day).collect();
    let indices: Result<Vec<IdIndex>, StoreError> = within
        .into_par_iter()
        .map(|day| {
            let mut index = IdIndex::default();
            index.reserve(day, Days::count(day, &lengths));
            days.all(day, &lengths, |key, position| {
                index.insert_on(day, &key, position);
            })?;
            Ok(index)
        })
        .collect();
    let mut ids = IdIndex::default();
    indices?.into_iter().for_each(|day| ids.absorb(day));
    Ok(ids)
}

/// The state as the snapshot has it, if it, the store and the journal agree.
fn restore(store: &Store, snapshot: &Snapshot, records: &dyn Records) -> Result<State, Unfit> {
    let (stands, views) = (snapshot.standing(), store.reading().standing());
    agree(&views, records)?;
    agree(&stands, records)?;
    // The order in which they are written makes this so.
    if views.next < stands.next || items::stand_at(&store.reading())? > stands.next {
        return Err(Unfit::Store(
            "its store and its snapshot are not of one ledger's one run".into(),
        ));
    }
    let open = projection::open_items(store, snapshot)?;
    let Standing {
        next,
        last_head,
        recorded_at_ms,
        last_state_record,
        ..
    } = stands;
    let mut state = State::restore_stored(open, next, last_head, recorded_at_ms);
    if next > 0 {
        touch_since(&mut state, records, last_state_record)?;
    }
    Ok(state)
}

/// Whether the journal has the record that it ends with.
fn agree(standing: &Standing, records: &dyn Records) -> Result<(), Unfit> {
    let Some(last) = standing.next.checked_sub(1) else {
        return Ok(());
    };
    let head = record_at(records, last)?.map(|record| record.hash);
    if head == Some(standing.last_head) {
        return Ok(());
    }
    let why = format!("the journal has another record {last}");
    Err(Unfit::Store(why))
}

/// Tells the state what was touched since the last state record.
fn touch_since(state: &mut State, records: &dyn Records, from: u64) -> Result<(), OpenError> {
    let until = state.next();
    opened_from(records, from, |record| {
        if record.position() < until {
            state.touch(&record);
        }
        Ok(record.position().saturating_add(1) < until)
    })
}

/// Opens the records from a position on, ahead of `take` and on another core,
/// and hands them over in order until it wants no more.
fn opened_from<E: From<OpenError>>(
    records: &dyn Records,
    from: u64,
    mut take: impl FnMut(OpenRecord) -> Result<bool, E>,
) -> Result<(), E> {
    let batches = records.batches(from);
    std::thread::scope(|scope| {
        let (sender, opened) = sync_channel(OPENED_AHEAD);
        scope.spawn(move || {
            for batch in batches {
                let batch = open_batch(batch, from);
                let is_last = batch.is_err();
                // Nobody wants more.
                if sender.send(batch).is_err() || is_last {
                    return;
                }
            }
        });
        for batch in opened {
            for record in batch? {
                if !take(record)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    })
}

fn open_batch(
    batch: Result<StoredBatch, JournalError>,
    from: u64,
) -> Result<Vec<OpenRecord>, OpenError> {
    let batch = batch?;
    let records: Vec<(u64, Bytes)> = (batch.first_position..)
        .zip(batch.records)
        .filter(|(position, _)| *position >= from)
        .collect();
    records
        .par_iter()
        .with_min_len(OPENED_TOGETHER)
        .map(|(position, bytes)| open(*position, bytes))
        .collect()
}

fn record_at(records: &dyn Records, position: u64) -> Result<Option<OpenRecord>, OpenError> {
    let bytes = records.record(position)?;
    bytes.map(|bytes| open(position, &bytes)).transpose()
}

fn open(position: u64, bytes: &bytes::Bytes) -> Result<OpenRecord, OpenError> {
    OpenRecord::open(bytes).map_err(|source| OpenError::Record { position, source })
}

impl Recovered {
    fn drop_days(&mut self) {
        let flushed = self.projection.flushed();
        self.ids.drop_days(self.state.recorded_at_ms(), flushed);
    }

    /// Folds what the journal has beyond the store.
    fn replay(&mut self, records: &dyn Records, evict_every: u64) -> Result<(), Unfit> {
        let begun_at = self.state.next();
        let mut evicted_at = begun_at;
        opened_from(records, begun_at, |record| {
            self.fold(record)?;
            if self.state.next().saturating_sub(evicted_at) >= evict_every {
                self.projection.write()?;
                self.projection.flush()?;
                self.state.evict_closed(self.state.next());
                self.drop_days();
                evicted_at = self.state.next();
            }
            Ok::<bool, Unfit>(true)
        })?;
        if begun_at == 0 && evicted_at > 0 {
            self.projection.settle()?;
        }
        self.projection.write()?;
        Ok(())
    }

    fn fold(&mut self, record: OpenRecord) -> Result<(), Unfit> {
        let position = record.position();
        let store = &self.store;
        let mut failed = None;
        let changed = self.state.apply(&record, &mut |subject| {
            // Whoever recorded it had looked: it was not there.
            if begins(&record, subject) {
                return None;
            }
            match items::item(store, subject) {
                Ok(item) => item.map(Arc::new),
                Err(error) => {
                    failed = Some(error);
                    None
                }
            }
        });
        if let Some(error) = failed {
            return Err(error.into());
        }
        let items = changed.map_err(|source| OpenError::Fold { position, source })?;
        if let Some(id) = StatementId::parse(&record.payload.id) {
            self.ids
                .insert(ids::key(&record.payload.party, id), id, position);
        }
        self.projection.fold(&Folded { record, items })?;
        self.replayed = self.replayed.saturating_add(1);
        Ok(())
    }
}

/// Whether a record is the first in a subject's chain.
fn begins(record: &OpenRecord, subject: &Subject) -> bool {
    record.links.iter().flatten().any(|link| {
        link.kind() == LinkKind::Chain
            && link.previous.is_none()
            && link.subject.as_ref() == Some(subject)
    })
}
