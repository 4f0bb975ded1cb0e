//! The audit of a journal: every byte of every segment read, every record
//! verified, every acknowledgement at hand compared. It reads and never
//! writes; repair is elsewhere. What the rules are is in
//! [`proof`](crate::proof), what the files are in [`journal`](crate::journal).

mod ahead;
mod folder;
mod problem;
mod refusals;

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;

use crate::event::Hash;
use crate::event::digest::head_hash;
use crate::journal::{Header, Scanned, Storage, StoredBatch};
use crate::pb::{Acknowledgement, Head, Record};
use crate::proof::{ChainVerifier, Expect, Failure, LedgerKeys, Report, Verifier};

pub use folder::ReadOnlyFolder;
pub use problem::Problem;
pub use refusals::{KeptReport, verify_refusals};

/// An acknowledgement that somebody kept, with the name it goes by (its file).
#[derive(Clone, Debug)]
pub struct Kept {
    /// For people.
    pub name: String,
    /// As the ledger answered.
    pub acknowledgement: Acknowledgement,
}

/// What an audit found.
#[derive(Debug)]
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
    /// What is wrong, in order of position; none: all is well.
    pub problems: Vec<Problem>,
    /// The ledger's keys, as far as the records say, and its genesis hash; or what
    /// the caller says of both.
    pub ledger: Option<(LedgerKeys, Hash)>,
    /// What [`verify_refusals`] found beside it.
    pub refusals: Option<KeptReport>,
}

/// Reads a journal from its first byte to its last, and verifies it.
/// `progress` is told the number of records read so far.
pub fn verify_journal<S: Storage>(
    storage: &S,
    expect: &Expect,
    kept: &[Kept],
    progress: &mut dyn FnMut(u64),
) -> Audit {
    audit(
        Verifier::new(expect.clone()),
        storage,
        expect,
        kept,
        progress,
    )
}

/// The same of the chain alone: every byte read, heads, commits and kept
/// acknowledgements checked, but no part, statement's signature or law.
pub fn verify_chain<S: Storage>(
    storage: &S,
    expect: &Expect,
    kept: &[Kept],
    progress: &mut dyn FnMut(u64),
) -> Audit {
    audit(
        ChainVerifier::new(expect.clone()),
        storage,
        expect,
        kept,
        progress,
    )
}

fn audit<S: Storage>(
    judge: impl Judge,
    storage: &S,
    expect: &Expect,
    kept: &[Kept],
    progress: &mut dyn FnMut(u64),
) -> Audit {
    let mut audit = Auditor::new(judge, kept);
    ahead::each(storage, |scanned| match scanned {
        Err(damage) => {
            audit.broken = true;
            audit.problems.push(Problem::Damage(damage));
        }
        Ok(Scanned::Segment { segment, header }) => audit.segment(&segment, &header),
        Ok(Scanned::Batch { batch, .. }) => {
            audit.batch(&batch);
            progress(batch.end_position());
        }
        Ok(Scanned::Seal { .. } | Scanned::OffsetTable { .. }) => {}
        Ok(Scanned::End {
            records,
            sealed,
            bytes,
        }) => {
            (audit.records, audit.closed, audit.bytes) = (records, sealed, bytes);
        }
    });
    audit.end(expect, kept)
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
    fn ledger(&self) -> Option<(&LedgerKeys, Hash)>;
    fn finish(self) -> Result<Report, Failure>;
}

macro_rules! judge {
    ($verifier:ty) => {
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

            fn ledger(&self) -> Option<(&LedgerKeys, Hash)> {
                <$verifier>::ledger(self)
            }

            fn finish(self) -> Result<Report, Failure> {
                <$verifier>::finish(self)
            }
        }
    };
}

judge!(Verifier);
judge!(ChainVerifier);

/// An audit under way.
struct Auditor<J> {
    verifier: J,
    /// A rule is broken or bytes are damaged: no later record can be verified.
    broken: bool,
    /// What the first segment says the ledger is.
    origin: Option<[u8; 32]>,
    last_head: Hash,
    /// The heads that kept acknowledgements are about, where they were found.
    wanted: BTreeMap<u64, Option<Hash>>,
    problems: Vec<Problem>,
    records: u64,
    bytes: u64,
    closed: bool,
}

impl<J: Judge> Auditor<J> {
    fn new(verifier: J, kept: &[Kept]) -> Auditor<J> {
        let position = |kept: &Kept| {
            let head = Head::decode(kept.acknowledgement.head.clone()).ok()?;
            Some((head.position, None))
        };
        Auditor {
            verifier,
            broken: false,
            origin: None,
            last_head: Hash::ZERO,
            wanted: kept.iter().filter_map(position).collect(),
            problems: Vec::new(),
            records: 0,
            bytes: 0,
            closed: false,
        }
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

    fn end(mut self, expect: &Expect, kept: &[Kept]) -> Audit {
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
        let acknowledged = self.compare(expect, kept);
        let ledger = self.verifier.ledger();
        let ledger = ledger.map(|(keys, hash)| (keys.clone(), hash));
        let whole = !self.problems.iter().any(Problem::is_of_the_journal);
        let finished = whole.then(|| self.verifier.finish());
        let report = match finished.transpose() {
            Ok(report) => report,
            Err(failure) => {
                // Another key is in force than the caller expects.
                self.problems.push(Problem::Rule(failure));
                None
            }
        };
        self.problems.sort_by_key(Problem::position);
        Audit {
            report,
            records: self.records,
            bytes: self.bytes,
            closed: self.closed,
            acknowledged,
            problems: self.problems,
            ledger,
            refusals: None,
        }
    }

    /// Compares what the ledger had acknowledged; returns how many agree.
    fn compare(&mut self, expect: &Expect, kept: &[Kept]) -> usize {
        let ledger = self
            .verifier
            .ledger()
            .map(|(keys, hash)| (keys.clone(), hash));
        let expected = || {
            let key = expect.ledger_key.clone()?;
            Some((LedgerKeys::new(key), expect.genesis_hash?))
        };
        let known = ledger.or_else(expected);
        let mut agree = 0;
        for kept in kept {
            match self.compare_one(known.as_ref(), kept) {
                None => agree += 1,
                Some(problem) => self.problems.push(problem),
            }
        }
        agree
    }

    fn compare_one(&self, ledger: Option<&(LedgerKeys, Hash)>, kept: &Kept) -> Option<Problem> {
        let name = kept.name.clone();
        let Some((keys, genesis_hash)) = ledger else {
            return Some(Problem::LedgerUnknown { name });
        };
        let sound = match keys.check_acknowledgement(*genesis_hash, &kept.acknowledgement) {
            Ok(sound) => sound,
            Err(what) => return Some(Problem::BadAcknowledgement { name, what }),
        };
        let position = sound.position;
        match self.wanted.get(&position).copied().flatten() {
            Some(found) if found == sound.head_hash => None,
            Some(_) => Some(Problem::Differs { name, position }),
            None => Some(Problem::Lost {
                name,
                position,
                records: self.records,
            }),
        }
    }
}

/// The hash of a stored record's head; `None` for bytes that are no record.
fn head_of(record: &Bytes) -> Option<Hash> {
    Record::decode(record.clone())
        .ok()
        .map(|record| head_hash(&record.head))
}
