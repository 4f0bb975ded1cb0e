//! The audit of a journal: every byte of every segment read, every record
//! verified, every acknowledgement at hand compared. It reads and never
//! writes; repair is elsewhere. What the rules are is in
//! [`proof`](crate::proof), what the files are in [`journal`](crate::journal).

mod ahead;
mod alarm;
mod evidenced;
mod monitor;
mod problem;
mod proofs;
mod refusals;
mod resumed;
mod saved;
mod speed;
mod streamed;

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;

use crate::event::Hash;
use crate::event::digest::head_hash;
use crate::journal::{Header, Scanned, StoredBatch};
use crate::pb::Record;
use crate::proof::tree::TreeHash;
use crate::proof::{ChainVerifier, Expect, Failure, LedgerKeys, Report, Verifier};
use crate::storage::Storage;
use resumed::Resumed;

pub use alarm::{Alarm, AlarmKind};
pub use evidenced::{Disagreement, hold_evidence};
pub use monitor::{Monitor, Rules, Seen, SeenServer};
pub use problem::Problem;
pub use proofs::{Kept, KeptCheckpoint, KeptReceipt, Proofs};
pub use refusals::{KeptReport, verify_refusals};
pub use saved::{read_saved, write_saved};
pub use speed::{Speed, Strict};
pub use streamed::{Streamed, linked, sent};

/// What an audit found.
#[derive(Debug, Default)]
pub struct Audit {
    /// What was verified; `None` if a rule is broken or bytes are damaged.
    pub report: Option<Report>,
    /// Records read, verified or not.
    pub records: u64,
    /// Bytes of all segments.
    pub bytes: u64,
    /// Whether the journal was closed and has not been written to since.
    pub closed: bool,
    /// Acknowledgements that agree with the journal.
    pub acknowledged: usize,
    /// Receipts that do.
    pub receipts: usize,
    /// Checkpoints that do.
    pub checkpoints: usize,
    /// What is wrong, in order of position; none: all is well.
    pub problems: Vec<Problem>,
    /// The ledger's keys, as far as the records say, and its genesis hash; or what
    /// the caller says of both.
    pub ledger: Option<(LedgerKeys, Hash)>,
    /// What [`verify_refusals`] found beside it.
    pub refusals: Option<KeptReport>,
    /// What a saved verification vouched for, if it went on from one.
    pub resumed: Option<Vouched>,
    /// Why a saved verification was of no use; all was verified then.
    pub unfit: Option<String>,
}

/// What was verified before, and not again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// Records.
    pub records: u64,
    /// Signatures in them, and on their batches.
    pub signatures: u64,
}

impl Vouched {
    fn of(saved: &Verifier) -> Vouched {
        Vouched {
            records: saved.position().0,
            signatures: saved.signatures(),
        }
    }
}

/// What is told of a verification that is whole, before it ends: for who keeps
/// it ([`Verifier::save`]).
pub type Save<'a> = &'a mut dyn FnMut(&Verifier);

/// Reads a journal from its first byte to its last, and verifies it.
/// `progress` is told the number of records read so far.
pub fn verify_journal<S: Storage>(
    storage: &S,
    expect: &Expect,
    kept: &[Kept],
    progress: &mut dyn FnMut(u64),
) -> Audit {
    let proofs = Proofs {
        acknowledgements: kept,
        ..Proofs::default()
    };
    verify_whole(storage, expect, &proofs, None, &mut |_| {}, progress)
}

/// The same of the chain alone: every byte read, heads, commits, tree and kept
/// acknowledgements checked, but no part, statement's signature or law.
pub fn verify_chain<S: Storage>(
    storage: &S,
    expect: &Expect,
    kept: &[Kept],
    progress: &mut dyn FnMut(u64),
) -> Audit {
    let proofs = Proofs {
        acknowledgements: kept,
        ..Proofs::default()
    };
    verify_heads(storage, expect, &proofs, progress)
}

/// The chain and the tree alone, with everything that was kept.
pub fn verify_heads<S: Storage>(
    storage: &S,
    expect: &Expect,
    proofs: &Proofs<'_>,
    progress: &mut dyn FnMut(u64),
) -> Audit {
    let judge = ChainVerifier::new(expecting(expect, proofs));
    let mut auditor = Auditor::new(judge, expect, proofs);
    auditor.read(storage, progress);
    auditor.end(&mut |_| {})
}

/// Everything, with everything that was kept; from a saved verification on if
/// there is one and it is of this journal, else from the beginning. That it is of
/// this ledger and not of this journal is a problem. A verification that finds
/// nothing wrong with the journal is told to `save`, but not in the place of such
/// a one.
pub fn verify_whole<S: Storage>(
    storage: &S,
    expect: &Expect,
    proofs: &Proofs<'_>,
    saved: Option<Verifier>,
    save: Save<'_>,
    progress: &mut dyn FnMut(u64),
) -> Audit {
    let mut unfit = None;
    let mut before = None;
    if let Some(mut saved) = saved {
        before = Before::of(&saved);
        want_roots(&mut saved, proofs);
        let vouched = Vouched::of(&saved);
        let judge = Resumed::new(saved, expecting(expect, proofs));
        let mut auditor = Auditor::new(judge, expect, proofs);
        auditor.read(storage, progress);
        unfit = auditor.verifier.unfit(auditor.records);
        if unfit.is_none() {
            let audit = auditor.end(save);
            let resumed = Some(vouched);
            return Audit { resumed, ..audit };
        }
    }
    let judge = Verifier::new(expecting(expect, proofs));
    let mut auditor = Auditor::new(judge, expect, proofs);
    auditor.read(storage, progress);
    let mut audit = auditor.end(&mut |verifier| {
        if !before.is_some_and(|before| before.is_of(verifier)) {
            save(verifier);
        }
    });
    if let Some((before, why)) = before.zip(unfit.as_ref()) {
        before.hold(&mut audit, why);
    }
    Audit { unfit, ..audit }
}

/// Which ledger had been verified before, and how far.
#[derive(Clone, Copy, Debug)]
pub struct Before {
    genesis_hash: Hash,
    records: u64,
}

impl Before {
    /// As a saved verification has it.
    pub fn of(saved: &Verifier) -> Option<Before> {
        let (_, genesis_hash) = saved.ledger()?;
        let records = saved.position().0;
        Some(Before {
            genesis_hash,
            records,
        })
    }

    /// Whether a verification is of the same ledger.
    pub fn is_of(&self, verifier: &Verifier) -> bool {
        let ledger = verifier.ledger();
        ledger.is_some_and(|(_, genesis_hash)| genesis_hash == self.genesis_hash)
    }

    /// Adds to an audit that does not go on from there for this reason that it is
    /// of the same ledger, if it is and nothing else is wrong with it.
    pub fn hold(&self, audit: &mut Audit, why: &str) {
        let ledger = audit.ledger.as_ref();
        let same = ledger.is_some_and(|(_, genesis_hash)| *genesis_hash == self.genesis_hash);
        if same && audit.problems.is_empty() {
            audit.problems.push(Problem::NotAsVerified {
                position: self.records.saturating_sub(1),
                why: why.to_owned(),
            });
        }
    }
}

/// Asks a saved verification for the roots that will be held against it.
fn want_roots(saved: &mut Verifier, proofs: &Proofs<'_>) {
    for size in proofs.sizes() {
        saved.want_root(size);
    }
}

/// With the sizes of the tree that will be asked for.
fn expecting(expect: &Expect, proofs: &Proofs<'_>) -> Expect {
    let mut expect = expect.clone();
    expect.roots_at.append(&mut proofs.sizes());
    expect
}

/// Reads a journal's records in order, from the first, and stops at damage.
///
/// # Errors
/// The damage; or what `take` says against a record.
pub fn each_record<S: Storage, E>(
    storage: &S,
    take: &mut dyn FnMut(&Bytes) -> Result<(), E>,
) -> Result<(), RecordError<E>> {
    let mut failed = None;
    ahead::each(storage, |scanned| {
        if failed.is_some() {
            return;
        }
        failed = match scanned {
            Err(damage) => Some(RecordError::Damage(Problem::Damage(damage))),
            Ok(Scanned::Batch { batch, .. }) => {
                let mut records = batch.records.iter();
                records.find_map(|record| take(record).err().map(RecordError::Taken))
            }
            Ok(_) => None,
        };
    });
    failed.map_or(Ok(()), Err)
}

/// Why reading a journal's records ended early.
#[derive(Debug)]
pub enum RecordError<E> {
    /// The journal is damaged.
    Damage(Problem),
    /// Whoever took the records had enough.
    Taken(E),
}

/// What judges the batches: everything about them, or their chain.
trait Judge {
    fn batch(&mut self, first: u64, records: &[Bytes], commit: &Bytes) -> Result<(), Failure>;
    fn flush(&mut self) -> Result<(), Failure>;
    /// The ledger's keys, genesis hash and name.
    fn ledger(&self) -> Option<(&LedgerKeys, Hash, &str)>;
    fn root_at(&self, size: u64) -> Option<TreeHash>;
    /// What can be saved of it.
    fn whole(&self) -> Option<&Verifier>;
    fn finish(self) -> Result<Report, Failure>;
}

macro_rules! judge {
    ($verifier:ty, $whole:expr) => {
        impl Judge for $verifier {
            fn batch(
                &mut self,
                first: u64,
                records: &[Bytes],
                commit: &Bytes,
            ) -> Result<(), Failure> {
                <$verifier>::batch(self, first, records, commit)
            }

            fn flush(&mut self) -> Result<(), Failure> {
                <$verifier>::flush(self)
            }

            fn ledger(&self) -> Option<(&LedgerKeys, Hash, &str)> {
                let (keys, hash) = <$verifier>::ledger(self)?;
                Some((keys, hash, self.origin_name()?))
            }

            fn root_at(&self, size: u64) -> Option<TreeHash> {
                <$verifier>::root_at(self, size)
            }

            fn whole(&self) -> Option<&Verifier> {
                $whole(self)
            }

            fn finish(self) -> Result<Report, Failure> {
                <$verifier>::finish(self)
            }
        }
    };
}

judge!(Verifier, Some);
judge!(ChainVerifier, |_| None);

/// An audit under way.
struct Auditor<'a, J> {
    verifier: J,
    expect: &'a Expect,
    proofs: &'a Proofs<'a>,
    /// A rule is broken or bytes are damaged: no later record can be verified.
    broken: bool,
    /// What the first segment says the ledger is.
    origin: Option<[u8; 32]>,
    last_head: Hash,
    /// The heads that proofs are about, where they were found.
    wanted: BTreeMap<u64, Option<Hash>>,
    problems: Vec<Problem>,
    records: u64,
    bytes: u64,
    closed: bool,
}

impl<'a, J: Judge> Auditor<'a, J> {
    fn new(verifier: J, expect: &'a Expect, proofs: &'a Proofs<'a>) -> Auditor<'a, J> {
        Auditor {
            verifier,
            expect,
            proofs,
            broken: false,
            origin: None,
            last_head: Hash::ZERO,
            wanted: proofs.positions().map(|at| (at, None)).collect(),
            problems: Vec::new(),
            records: 0,
            bytes: 0,
            closed: false,
        }
    }

    /// Reads all of a journal.
    fn read<S: Storage>(&mut self, storage: &S, progress: &mut dyn FnMut(u64)) {
        ahead::each(storage, |scanned| match scanned {
            Err(damage) => {
                self.broken = true;
                self.problems.push(Problem::Damage(damage));
            }
            Ok(Scanned::Segment { segment, header }) => self.segment(&segment, &header),
            Ok(Scanned::Batch { batch, .. }) => {
                self.batch(&batch);
                progress(batch.end_position());
            }
            Ok(Scanned::Seal { .. } | Scanned::OffsetTable { .. }) => {}
            Ok(Scanned::End {
                records,
                sealed,
                bytes,
            }) => {
                (self.records, self.closed, self.bytes) = (records, sealed, bytes);
            }
        });
    }

    fn segment(&mut self, segment: &str, header: &Header) {
        self.origin.get_or_insert(header.origin);
        if !self.broken && header.previous_head != self.last_head.0 {
            self.fail(Problem::SegmentHead {
                segment: segment.to_owned(),
                position: header.first_position,
            });
        }
    }

    fn batch(&mut self, batch: &StoredBatch) {
        for (position, record) in (batch.first_position..).zip(&batch.records) {
            if let Some(found) = self.wanted.get_mut(&position) {
                *found = head_of(record);
            }
        }
        if self.broken {
            return;
        }
        let last = batch.records.last().and_then(head_of).unwrap_or(Hash::ZERO);
        if let Err(failure) =
            self.verifier
                .batch(batch.first_position, &batch.records, &batch.commit)
        {
            self.fail(Problem::Rule(failure));
        } else if batch.first_position == 0
            && batch.records.first().and_then(head_of).map(|hash| hash.0) != self.origin
        {
            self.fail(Problem::Origin);
        } else if batch.last_head != last.0 {
            let last = batch.end_position().saturating_sub(1);
            self.fail(Problem::FrameHead {
                first: batch.first_position,
                last,
            });
        }
        self.last_head = last;
    }

    fn fail(&mut self, problem: Problem) {
        self.broken = true;
        // What came before may break a rule that has not been looked at yet.
        let earlier = match &problem {
            Problem::Rule(_) => None,
            _ => self.verifier.flush().err(),
        };
        self.problems.push(earlier.map_or(problem, Problem::Rule));
    }

    fn end(mut self, save: Save<'_>) -> Audit {
        let flushed = self.verifier.flush();
        let known = |failure: &Failure| {
            self.problems
                .iter()
                .any(|p| matches!(p, Problem::Rule(known) if known == failure))
        };
        if let Some(failure) = flushed.err().filter(|failure| !known(failure)) {
            self.problems.push(Problem::Rule(failure));
        }
        if self.problems.is_empty() && self.records == 0 {
            self.problems.push(Problem::Empty);
        }
        let ledger = self.verifier.ledger();
        let mut audit = Audit {
            records: self.records,
            bytes: self.bytes,
            closed: self.closed,
            ledger: ledger.map(|(keys, hash, _)| (keys.clone(), hash)),
            problems: std::mem::take(&mut self.problems),
            ..Audit::default()
        };
        let journal = proofs::Journal {
            ledger: ledger
                .map(|(keys, hash, name)| (keys.clone(), hash, name.to_owned()))
                .or_else(|| self.expected()),
            heads: &self.wanted,
            root_at: &|size| self.verifier.root_at(size),
            records: self.records,
        };
        journal.compare(self.proofs, &mut audit);
        audit.problems.sort_by_key(Problem::position);
        if !audit.problems.iter().any(Problem::is_of_the_journal) {
            if let Some(whole) = self.verifier.whole() {
                save(whole);
            }
            match self.verifier.finish() {
                Ok(report) => audit.report = Some(report),
                // Another key is in force than the caller expects.
                Err(failure) => audit.problems.push(Problem::Rule(failure)),
            }
        }
        audit
    }

    /// The ledger as the caller knows it, where record 0 does not say; its name
    /// is not known then.
    fn expected(&self) -> Option<(LedgerKeys, Hash, String)> {
        let key = self.expect.ledger_key.clone()?;
        let keys = LedgerKeys::new(key);
        Some((keys, self.expect.genesis_hash?, String::new()))
    }
}

/// The hash of a stored record's head; `None` for bytes that are no record.
fn head_of(record: &Bytes) -> Option<Hash> {
    Record::decode(record.clone())
        .ok()
        .map(|record| head_hash(&record.head))
}
