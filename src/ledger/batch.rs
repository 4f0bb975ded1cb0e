//! A batch: statements decided and sealed, and everybody who waits for it to
//! be committed. Not here: how it is decided (`writer`) or committed
//! (`committer`).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use super::answer::{Answer, SubmitError};
use super::ids::IdKey;
use super::inbox::Entry;
use super::shared::Shared;
use super::ticket::Ticket;
use crate::custody::Overlay;
use crate::custody::subject::Item;
use crate::event::record::{OpenRecord, SealedRecord};
use crate::event::{Hash, Refused, Statement};
use crate::journal::FRAME_HEADER_BYTES;
use crate::pb::{self, Finding, SignedCommit, Subject};
use crate::proof::BatchTree;
use crate::proof::sign_refusal;

/// Bytes kept free in a batch for its signed commit and the frame around it.
const COMMIT_ROOM: usize = 1024;

/// What reaches whoever sent a statement; made into an answer on their side,
/// so that the writer neither signs nor climbs trees for them.
#[derive(Debug)]
pub(super) enum Delivered {
    /// It is a record of this batch.
    Committed {
        batch: Arc<CommittedBatch>,
        index: usize,
        repeated: bool,
    },
    /// It was refused.
    Refused(Refusal),
    /// It had been answered, or could not be judged.
    Answer(Result<Box<Answer>, SubmitError>),
}

/// A refusal and what it was judged at.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) refused: Refused,
    /// Whose statement it is, if its own signatures verified: only then is the
    /// refusal signed and kept.
    pub(super) by: Option<Box<By>>,
    /// Unix milliseconds.
    pub(super) at_ms: i64,
    /// Records in the state that it was judged on.
    pub(super) judged_at: u64,
}

/// Whose statement has been refused.
#[derive(Clone, Debug)]
pub(super) struct By {
    pub(super) digest: Hash,
    pub(super) party: String,
    pub(super) key_id: Bytes,
    pub(super) statement_id: Bytes,
}

impl By {
    pub(super) fn of(statement: &Statement) -> By {
        let payload = &statement.payload;
        By {
            digest: statement.digest,
            party: payload.party.clone(),
            key_id: payload.key_id.clone(),
            statement_id: payload.id.clone(),
        }
    }
}

impl Refusal {
    pub(super) fn signed(&self, shared: &Shared) -> pb::SignedRefusal {
        // A key that has been followed by another signs nothing after that.
        let Some(by) = self.by.as_ref().filter(|_| shared.signs_at(self.judged_at)) else {
            return self.refused.to_pb();
        };
        let refusal = pb::Refusal {
            genesis_hash: shared.genesis_hash.to_bytes(),
            payload_digest: by.digest.to_bytes(),
            code: self.refused.code.into(),
            at_ms: self.at_ms,
            judged_at: self.judged_at,
        };
        sign_refusal(&shared.key, &refusal, &self.refused)
    }
}

/// What acknowledgements are made of.
#[derive(Debug)]
pub(super) struct CommittedBatch {
    pub(super) tree: BatchTree,
    pub(super) commit: SignedCommit,
    /// Each record's head and findings.
    pub(super) records: Vec<(Bytes, Vec<Finding>)>,
}

impl CommittedBatch {
    /// The answer to whoever sent the record at an index.
    pub(super) fn answer(&self, index: usize, repeated: bool) -> Option<Answer> {
        let (head, findings) = self.records.get(index)?;
        let acknowledgement = self.tree.acknowledge(head.clone(), index, &self.commit)?;
        Some(Answer::Acknowledged {
            acknowledgement,
            findings: findings.clone(),
            repeated,
        })
    }
}

/// A statement that has been decided and sealed.
pub(super) struct Decided {
    /// Boxed, because it moves from list to list.
    pub(super) record: Box<Sealed>,
    /// The items as they stand after it.
    pub(super) items: BTreeMap<Subject, Arc<Item>>,
}

/// A record's bytes, and the same as the fold reads it.
pub(super) struct Sealed {
    pub(super) sealed: SealedRecord,
    pub(super) opened: OpenRecord,
}

/// A statement that is to be a record.
pub(super) struct Accepted {
    /// Who sent it; the ledger's own state records have none.
    pub(super) entry: Option<Entry>,
    pub(super) record: Box<Sealed>,
}

/// A statement that is no record of this batch, but was judged on it.
pub(super) struct Rider {
    pub(super) entry: Entry,
    pub(super) judged: Judged,
}

/// How a rider was judged.
pub(super) enum Judged {
    Refused(Refusal),
    /// The same statement as the record at this index of the batch.
    Repeats(usize),
}

/// A batch being decided, or in flight.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) overlay: Overlay,
    pub(super) ids: HashMap<IdKey, (Hash, usize)>,
    pub(super) accepted: Vec<Accepted>,
    pub(super) riders: Vec<Rider>,
    bytes: usize,
}

impl Batch {
    /// Whether no record is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.accepted.is_empty()
    }

    /// Whether another record fits into a batch of these bounds. The first
    /// always does.
    pub(super) fn fits(&self, sealed: &SealedRecord, max_bytes: usize, max_records: usize) -> bool {
        let bytes = self
            .bytes
            .saturating_add(frame(sealed))
            .saturating_add(COMMIT_ROOM);
        self.is_empty() || (bytes <= max_bytes && self.accepted.len() < max_records)
    }

    /// Adds a record, and to the overlay what it changes.
    pub(super) fn push(&mut self, entry: Option<Entry>, decided: Decided) {
        let Decided { record, items } = decided;
        if let Some(entry) = &entry {
            let prepared = &entry.prepared;
            let place = (prepared.statement.digest, self.accepted.len());
            self.ids.insert(prepared.id_key, place);
        }
        self.overlay.absorb(items);
        self.bytes = self.bytes.saturating_add(frame(&record.sealed));
        self.accepted.push(Accepted { entry, record });
    }

    /// Everybody who waits for it, for judging again.
    pub(super) fn into_entries(self) -> impl Iterator<Item = Entry> {
        let records = self
            .accepted
            .into_iter()
            .filter_map(|accepted| accepted.entry);
        records.chain(self.riders.into_iter().map(|rider| rider.entry))
    }

    /// Takes it apart: its records, and those who were judged on it.
    pub(super) fn into_parts(self) -> (Vec<Accepted>, Vec<Rider>) {
        (self.accepted, self.riders)
    }
}

/// Answers to a batch that stands, on their way to whoever waits for them.
pub(super) struct Answers {
    tickets: Vec<Option<Ticket>>,
    /// Each record's head and findings.
    records: Vec<(Bytes, Vec<Finding>)>,
}

impl Answers {
    /// For a batch of so many records.
    pub(super) fn new(records: usize) -> Answers {
        Answers {
            tickets: Vec::with_capacity(records),
            records: Vec::with_capacity(records),
        }
    }

    /// The next record of the batch and who waits for it.
    pub(super) fn push(&mut self, entry: Option<Entry>, head: Bytes, findings: Vec<Finding>) {
        self.tickets.push(entry.map(|entry| entry.ticket));
        self.records.push((head, findings));
    }

    /// Answers everybody: those of the records, then the riders.
    pub(super) fn deliver(
        self,
        shared: &Shared,
        riders: Vec<Rider>,
        tree: BatchTree,
        commit: SignedCommit,
    ) {
        let batch = Arc::new(CommittedBatch {
            tree,
            commit,
            records: self.records,
        });
        let committed = |index, repeated| {
            let batch = Arc::clone(&batch);
            Delivered::Committed {
                batch,
                index,
                repeated,
            }
        };
        for (index, ticket) in self.tickets.into_iter().enumerate() {
            if let Some(ticket) = ticket {
                ticket.deliver(committed(index, false));
            }
        }
        for rider in riders {
            let ticket = rider.entry.ticket;
            match rider.judged {
                Judged::Refused(refusal) => drop(shared.refuse(ticket, refusal)),
                Judged::Repeats(index) => ticket.deliver(committed(index, true)),
            }
        }
    }
}

fn frame(sealed: &SealedRecord) -> usize {
    sealed.bytes.len().saturating_add(FRAME_HEADER_BYTES)
}
