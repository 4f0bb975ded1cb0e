//! Everything about a batch that needs no state: canonical bytes, digests,
//! limits, the shape of statements. Batches are opened side by side.

use bytes::Bytes;
use prost::Message as _;
use rayon::prelude::*;

use super::tree::{Subtree, subtrees};
use super::violation::{Failure, Violation};
use crate::event::codes::Refused;
use crate::event::record::{BadRecord, MAX_FINDINGS, MAX_SUBJECTS, OpenRecord};
use crate::event::statement::{
    MAX_BODY, MAX_EVENTS, MAX_EXTERNAL_REFS, MAX_SIGNATURES, canonical, signers_of,
};
use crate::event::{Hash, KeyId, StatementId};
use crate::pb::{Event, Link, RefusalCode, SignatureAlgorithm, SignedCommit};
use crate::proof::head::head_of;
use crate::proof::tree::{TreeHash, leaf_hash};
use crate::proof::{BadCommit, BatchTree};

/// A batch as it was read.
pub(super) struct Stored {
    pub(super) first_position: u64,
    pub(super) records: Vec<Bytes>,
    pub(super) commit: Bytes,
}

impl Stored {
    /// Bytes that it takes in memory: of no records too.
    fn bytes(&self) -> usize {
        let sizes = self
            .records
            .iter()
            .map(|record| record.len() + size_of::<Bytes>());
        let own = self.commit.len().saturating_add(size_of::<Stored>());
        sizes.fold(own, usize::saturating_add)
    }
}

/// Bytes of batches that wait to be opened together, so that small batches
/// keep all cores busy too.
const TURN_BYTES: usize = 1024 * 1024;

/// Batches that wait for their turn, and what went wrong, if something did:
/// nothing is taken after it.
#[derive(Default)]
pub(super) struct Waiting {
    batches: Vec<Stored>,
    bytes: usize,
    failed: Option<Failure>,
}

impl Waiting {
    /// Takes the next batch; returns those whose turn it is, once they are
    /// enough.
    pub(super) fn push(
        &mut self,
        first_position: u64,
        records: &[Bytes],
        commit: &Bytes,
    ) -> Result<Option<Vec<Stored>>, Failure> {
        self.sound()?;
        let stored = Stored {
            first_position,
            records: records.to_vec(),
            commit: commit.clone(),
        };
        self.bytes = self.bytes.saturating_add(stored.bytes());
        self.batches.push(stored);
        (self.bytes >= TURN_BYTES).then(|| self.rest()).transpose()
    }

    /// All that wait.
    pub(super) fn rest(&mut self) -> Result<Vec<Stored>, Failure> {
        self.sound()?;
        self.bytes = 0;
        Ok(std::mem::take(&mut self.batches))
    }

    /// Whether nothing waits and nothing went wrong.
    pub(super) fn is_idle(&self) -> bool {
        self.batches.is_empty() && self.failed.is_none()
    }

    /// Remembers what became of a turn.
    pub(super) fn keep(&mut self, outcome: Result<(), Failure>) -> Result<(), Failure> {
        if let Err(failure) = &outcome {
            self.failed = Some(failure.clone());
        }
        outcome
    }

    fn sound(&self) -> Result<(), Failure> {
        self.failed.clone().map_or(Ok(()), Err)
    }
}

/// A record whose bytes and statement have the right shape.
pub(in crate::proof) struct Opened {
    pub(in crate::proof) record: OpenRecord,
    /// As stored.
    pub(in crate::proof) bytes: Bytes,
    pub(in crate::proof) id: StatementId,
    /// Of its head, in the tree.
    pub(in crate::proof) leaf: TreeHash,
    /// The keys that must have signed, in the order of the signatures.
    pub(in crate::proof) signers: Vec<KeyId>,
}

/// A batch, opened.
pub(super) struct OpenedBatch {
    pub(super) first_position: u64,
    pub(super) count: u64,
    pub(super) records: Vec<Result<Opened, Violation>>,
    pub(super) signed: Result<SignedCommit, Violation>,
    /// Of all heads; of no meaning if a record could not be opened, as what
    /// follows.
    pub(super) root: Hash,
    /// Their leaves in the tree, and the subtrees that these make.
    pub(super) leaves: Vec<TreeHash>,
    pub(super) subtrees: Vec<Subtree>,
}

pub(super) fn open_batch(stored: &Stored) -> OpenedBatch {
    let records: Vec<_> = stored.records.par_iter().map(open).collect();
    let heads: Vec<Hash> = records
        .iter()
        .flatten()
        .map(|opened| opened.record.hash)
        .collect();
    let leaves: Vec<TreeHash> = records.iter().flatten().map(|opened| opened.leaf).collect();
    OpenedBatch {
        first_position: stored.first_position,
        count: stored.records.len() as u64,
        records,
        signed: canonical(&stored.commit, "commit")
            .map_err(|_| BadCommit::NotCanonical("SignedCommit").into()),
        root: BatchTree::new(&heads).root(),
        subtrees: subtrees(stored.first_position, &leaves),
        leaves,
    }
}

pub(in crate::proof) fn open(bytes: &Bytes) -> Result<Opened, Violation> {
    let record = OpenRecord::open(bytes)?;
    let id = check_header(&record).map_err(Violation::Statement)?;
    let most = [
        ("signatures", record.head.signatures.len(), MAX_SIGNATURES),
        ("events", record.events.len(), MAX_EVENTS),
        ("links", record.links.len(), MAX_SUBJECTS),
        ("outcomes", record.outcomes.len(), MAX_SUBJECTS),
        ("findings", record.findings.len(), MAX_FINDINGS),
    ];
    if let Some((what, count, most)) = most.into_iter().find(|(_, count, most)| count > most) {
        return Err(Violation::TooMany { what, count, most });
    }
    for (index, event) in record.events.iter().enumerate() {
        if let Some(event) = event {
            check_event(event)
                .map_err(|r| Violation::Statement(r.within(&format!("events[{index}]"))))?;
        }
    }
    let signers = signers_of(&record.payload).map_err(Violation::Statement)?;
    let given = record.head.signatures.iter().map(|s| s.key_id.as_ref());
    if !given.eq(signers.iter().map(|id| id.0.as_slice())) {
        return Err(Violation::SignatureSet);
    }
    check_outcomes(&record)?;
    let malformed = BadRecord::NotCanonical("the record", "Record");
    let leaf = leaf_hash(head_of(bytes).ok_or(malformed)?);
    Ok(Opened {
        leaf,
        record,
        bytes: bytes.clone(),
        id,
        signers,
    })
}

/// What [`Statement::open`](crate::event::Statement::open) asks of a header.
fn check_header(record: &OpenRecord) -> Result<StatementId, Refused> {
    let payload = &record.payload;
    if payload.event_digests.is_empty() {
        return Err(Refused::new(RefusalCode::NoEvents, "payload.event_digests"));
    }
    if payload.algorithm() != SignatureAlgorithm::Ed25519 {
        return Err(Refused::new(
            RefusalCode::UnknownAlgorithm,
            "payload.algorithm",
        ));
    }
    if payload.happened_at_ms < 0 {
        return Err(Refused::invalid("payload.happened_at_ms", "before 1970"));
    }
    StatementId::parse(&payload.id).ok_or_else(|| Refused::new(RefusalCode::BadId, "payload.id"))
}

/// What [`open_event`](crate::event::statement::open_event) asks of a body
/// that is known to be canonical.
fn check_event(event: &Event) -> Result<(), Refused> {
    let size = event.encoded_len();
    if event.body.is_none() {
        return Err(Refused::new(RefusalCode::UnknownEventKind, ""));
    }
    if size > MAX_BODY {
        return Err(Refused::new(RefusalCode::BodyTooLarge, "").detail(format!("{size} bytes")));
    }
    if event.external_refs.len() > MAX_EXTERNAL_REFS {
        return Err(Refused::invalid(
            "external_refs",
            format!("at most {MAX_EXTERNAL_REFS}"),
        ));
    }
    Ok(())
}

/// One outcome a subject, in order; serials in lists that the fold can work on
/// without growing.
fn check_outcomes(record: &OpenRecord) -> Result<(), Violation> {
    let subjects = || record.outcomes.iter().flatten().map(|o| &o.subject);
    if !subjects().is_sorted_by(|a, b| a < b) {
        return Err(Violation::OutcomeOrder);
    }
    let mut changes = record.outcomes.iter().flatten().flat_map(|o| &o.changes);
    if changes.all(super::bindings::sound_serials) {
        Ok(())
    } else {
        Err(Violation::Serials)
    }
}

/// Links of one kind.
pub(super) fn links_of(
    record: &OpenRecord,
    kind: crate::pb::LinkKind,
) -> impl Iterator<Item = &Link> {
    record
        .links
        .iter()
        .flatten()
        .filter(move |link| link.kind() == kind)
}
