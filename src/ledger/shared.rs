//! What the ledger's threads and its callers share. Not here: who may change
//! it; the live state has one writer.

use std::fs::File;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio::sync::{Semaphore, watch};

use super::answer::{Answer, ReadError};
use super::batch::{Delivered, Refusal};
use super::checkpoint::Checkpoints;
use super::disk::DiskWatch;
use super::ids::{IdIndex, IdKey};
use super::inbox::Inbox;
use super::keys::Keys;
use super::metrics::Metrics;
use super::overdue::Overdue;
use super::rates::Rates;
use super::refusals::{Noted, Refusals};
use super::rotation::Rotated;
use super::scrub::Scrubbed;
use super::seam::Records;
use super::ticket::{Permit, Ticket};
use super::timekeeper::Timekeeper;
use crate::custody::decide::keys_opened_by;
use crate::custody::{Items, State};
use crate::event::digest::head_hash;
use crate::event::excerpt::Excerpt;
use crate::event::record::OpenRecord;
use crate::event::signing::{PublicKey, SecretKey};
use crate::event::{Hash, Refused, Statement, StatementId};
use crate::journal::StoredBatch;
use crate::pb::{self, Genesis, Origin, SignedCommit, Subject};
use crate::projection::maps::Maps;
use crate::projection::{Days, Progress, Store};
use crate::proof::BatchTree;
use prost::Message as _;

/// The committed state and what goes with it, all at one position.
pub(super) struct Live {
    pub(super) state: State,
    pub(super) ids: IdIndex,
    /// How often closed items have left memory.
    pub(super) evictions: u64,
}

/// See the module.
pub(super) struct Shared {
    pub(super) live: RwLock<Live>,
    pub(super) inbox: Inbox,
    pub(super) records: Arc<dyn Records>,
    pub(super) store: Store,
    /// Where ids are looked up that are older than the live index.
    pub(super) days: Days,
    pub(super) time: Timekeeper,
    pub(super) key: SecretKey,
    /// Public keys that statements have been verified with.
    pub(super) keys: Keys,
    /// The secret behind the salts of what the ledger adds to records.
    pub(super) salt_secret: [u8; 32],
    pub(super) genesis: Genesis,
    pub(super) genesis_hash: Hash,
    pub(super) origin: Origin,
    /// Records committed, applied and acknowledged.
    pub(super) committed: watch::Receiver<u64>,
    pub(super) progress: watch::Receiver<Progress>,
    pub(super) dry_runs: Semaphore,
    pub(super) rates: Rates,
    pub(super) metrics: Metrics,
    pub(super) disk: DiskWatch,
    pub(super) refusals: Refusals,
    pub(super) overdue: Overdue,
    pub(super) checkpoints: Checkpoints,
    pub(super) scrubbed: watch::Sender<Scrubbed>,
    /// Said before the rotation's record can be read.
    pub(super) rotated: watch::Sender<Option<Rotated>>,
    /// Why the log did not end cleanly, if it did not.
    pub(super) close_fault: Mutex<Option<String>>,
    /// Maps of touched subjects, made when they are asked for.
    pub(super) maps: Maps,
    /// The lock on the data directory.
    pub(super) _lock: Option<File>,
}

impl Shared {
    pub(super) fn live(&self) -> RwLockReadGuard<'_, Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn live_mut(&self) -> RwLockWriteGuard<'_, Live> {
        self.live.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whoever holds a ticket that their statement is refused.
    pub(super) fn refuse(&self, ticket: Ticket, refusal: Refusal) -> Permit {
        self.note_refusal(&refusal, ticket.from);
        ticket.answer(Delivered::Refused(refusal))
    }

    /// Takes note of a refusal that somebody is told of.
    pub(super) fn note_refusal(&self, refusal: &Refusal, from: Option<IpAddr>) {
        match self.refusals.refused(refusal, from) {
            Noted::Waits => {}
            Noted::Not(why) => self.metrics.refusals_not_kept(why.name(), 1),
            Noted::Unverified => self.metrics.unverified(),
        }
    }

    /// The keys that a statement must be signed with, as `items` has them
    /// registered.
    pub(super) fn keys_of(
        &self,
        items: &dyn Items,
        statement: &Statement,
    ) -> Result<Vec<PublicKey>, Refused> {
        keys_opened_by(items, statement, &|bytes| self.keys.open(bytes))
    }

    /// Where a statement was recorded, within the window or before.
    pub(super) fn position_of(
        &self,
        key: &IdKey,
        party: &str,
        id: StatementId,
    ) -> Result<Option<u64>, ReadError> {
        let (found, recorded_at_ms) = {
            let live = self.live();
            (live.ids.get(key, id), live.state.recorded_at_ms())
        };
        if found.is_some() || id.unix_ms() >= super::ids::window_start(recorded_at_ms) {
            return Ok(found);
        }
        Ok(self.days.position_of(party, id)?)
    }

    /// A record that is there, opened.
    pub(super) fn open_record(&self, position: u64) -> Result<Option<OpenRecord>, ReadError> {
        let Some(bytes) = self.records.record(position)? else {
            return Ok(None);
        };
        let opened = OpenRecord::open(&bytes);
        opened
            .map(Some)
            .map_err(|source| ReadError::Record { position, source })
    }

    /// What a record that is there says that a subject gave.
    pub(super) fn excerpt(
        &self,
        position: u64,
        subject: &Subject,
    ) -> Result<Option<Excerpt>, ReadError> {
        let Some(bytes) = self.records.record(position)? else {
            return Ok(None);
        };
        Excerpt::open(&bytes, subject).map_err(|source| ReadError::Record { position, source })
    }

    /// A record and its acknowledgement; `None` if it is not committed and
    /// applied: another writer's may stand in the log before it is known here.
    pub(super) fn record(
        &self,
        position: u64,
    ) -> Result<Option<(pb::Record, pb::Acknowledgement)>, ReadError> {
        if position >= self.live().state.next() {
            return Ok(None);
        }
        let Some(batch) = self.records.batch(position)? else {
            return Ok(None);
        };
        acknowledged(&batch, position).map(Some)
    }

    /// The first answer to the statement recorded at a position.
    pub(super) fn first_answer(&self, position: u64) -> Result<Option<Answer>, ReadError> {
        let Some((record, acknowledgement)) = self.record(position)? else {
            return Ok(None);
        };
        let opened = OpenRecord::from_parts(record)
            .map_err(|source| ReadError::Record { position, source })?;
        let findings = opened.findings.into_iter().flatten().collect();
        Ok(Some(Answer::Acknowledged {
            acknowledgement,
            findings,
            repeated: true,
        }))
    }
}

/// A record of a stored batch with its acknowledgement, both from the
/// journal's bytes.
fn acknowledged(
    batch: &StoredBatch,
    position: u64,
) -> Result<(pb::Record, pb::Acknowledgement), ReadError> {
    let damaged = || ReadError::BadCommit { position };
    let commit = SignedCommit::decode(batch.commit.clone()).map_err(|_| damaged())?;
    let mut heads = Vec::with_capacity(batch.records.len());
    let mut wanted = None;
    for (at, bytes) in (batch.first_position..).zip(&batch.records) {
        let record = pb::Record::decode(bytes.clone()).map_err(|_| damaged())?;
        heads.push(head_hash(&record.head));
        if at == position {
            wanted = Some((heads.len().saturating_sub(1), record));
        }
    }
    let (index, record) = wanted.ok_or_else(damaged)?;
    let head = record.head.clone();
    let tree = BatchTree::new(&heads);
    let acknowledgement = tree.acknowledge(head, index, &commit).ok_or_else(damaged)?;
    Ok((record, acknowledgement))
}
