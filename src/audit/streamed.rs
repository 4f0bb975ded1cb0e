//! An audit of batches that come from elsewhere than the files, as a server
//! sends them: the same verification, without segments and frames.

use bytes::Bytes;

use super::{Audit, Auditor, Judge, Proofs, Save, Vouched, expecting, head_of, want_roots};
use crate::event::Hash;
use crate::journal::StoredBatch;
use crate::proof::tree::TreeHash;
use crate::proof::{ChainVerifier, Expect, Failure, LedgerKeys, Report, Verifier};

/// Everything, or heads alone.
enum Either {
    Whole(Box<Verifier>),
    Heads(Box<ChainVerifier>),
}

/// An audit of batches, under way.
pub struct Streamed<'a> {
    auditor: Auditor<'a, Either>,
    /// The head that the first batch must end with, and the position after it.
    link: Option<(u64, Hash)>,
    resumed: Option<Vouched>,
}

impl<'a> Streamed<'a> {
    /// Everything, from the first batch.
    pub fn whole(expect: &'a Expect, proofs: &'a Proofs<'a>) -> Streamed<'a> {
        let verifier = Verifier::new(expecting(expect, proofs));
        Streamed::of(Either::Whole(Box::new(verifier)), expect, proofs)
    }

    /// Heads alone, from the first batch.
    pub fn heads(expect: &'a Expect, proofs: &'a Proofs<'a>) -> Streamed<'a> {
        let verifier = ChainVerifier::new(expecting(expect, proofs));
        Streamed::of(Either::Heads(Box::new(verifier)), expect, proofs)
    }

    /// Everything, from a saved verification on. The batch that holds the last
    /// record before it comes first ([`Streamed::from`]): what came earlier is
    /// chained to it, and not asked for again. No proof may reach back there
    /// ([`Proofs::reach_before`]).
    pub fn resumed(
        mut saved: Verifier,
        expect: &'a Expect,
        proofs: &'a Proofs<'a>,
    ) -> Streamed<'a> {
        want_roots(&mut saved, proofs);
        let (position, head) = saved.position();
        let resumed = Some(Vouched::of(&saved));
        let mut streamed = Streamed::of(Either::Whole(Box::new(saved)), expect, proofs);
        streamed.auditor.records = position;
        streamed.auditor.last_head = head;
        Streamed {
            link: Some((position, head)),
            resumed,
            ..streamed
        }
    }

    fn of(judge: Either, expect: &'a Expect, proofs: &'a Proofs<'a>) -> Streamed<'a> {
        Streamed {
            auditor: Auditor::new(judge, expect, proofs),
            link: None,
            resumed: None,
        }
    }

    /// A position in the batch that must come first.
    pub fn from(&self) -> u64 {
        let position = self.link.map_or(0, |(position, _)| position);
        position.saturating_sub(1)
    }

    /// Takes the next batch.
    ///
    /// # Errors
    /// Why the saved verification is not one of this journal.
    pub fn batch(&mut self, batch: &StoredBatch) -> Result<(), String> {
        if let Some((position, head)) = self.link.take() {
            return linked(batch, position, head);
        }
        let bodies = batch.records.iter().map(Bytes::len);
        let bytes = bodies.fold(batch.commit.len(), usize::saturating_add);
        let auditor = &mut self.auditor;
        auditor.bytes = auditor.bytes.saturating_add(bytes as u64);
        auditor.records = batch.end_position();
        if auditor.origin.is_none() {
            auditor.origin = batch.records.first().and_then(head_of).map(|hash| hash.0);
        }
        auditor.batch(batch);
        Ok(())
    }

    /// Records so far, a saved position's included.
    pub fn records(&self) -> u64 {
        self.auditor.records
    }

    /// Whether the batch has come that a saved position ends with, if there is
    /// one.
    pub fn is_linked(&self) -> bool {
        self.link.is_none()
    }

    /// Whether a rule has been found broken: what comes after cannot be
    /// verified.
    pub fn is_broken(&self) -> bool {
        self.auditor.broken
    }

    /// Verifies the rest and says what there was.
    pub fn end(self, save: Save<'_>) -> Audit {
        Audit {
            resumed: self.resumed,
            ..self.auditor.end(save)
        }
    }
}

/// Whether a batch ends with the record that a saved verification ended with.
///
/// # Errors
/// In what it differs.
pub fn linked(batch: &StoredBatch, position: u64, head: Hash) -> Result<(), String> {
    let last = position.saturating_sub(1);
    if batch.end_position() != position {
        return Err(format!(
            "records {} to {} are one batch: record {last} was the last of its own",
            batch.first_position,
            batch.end_position().saturating_sub(1)
        ));
    }
    if batch.records.last().and_then(head_of) == Some(head) {
        Ok(())
    } else {
        Err(format!("record {last} is another than the one verified"))
    }
}

/// A batch as a server sends it.
pub fn sent(first_position: u64, records: Vec<Bytes>, commit: Bytes) -> StoredBatch {
    let last_head = records.last().and_then(head_of).unwrap_or(Hash::ZERO).0;
    StoredBatch {
        first_position,
        records,
        commit,
        last_head,
    }
}

macro_rules! either {
    ($of:expr, $judge:ident => $what:expr) => {
        match $of {
            Either::Whole($judge) => $what,
            Either::Heads($judge) => $what,
        }
    };
}

impl Judge for Either {
    fn batch(&mut self, first: u64, records: &[Bytes], commit: &Bytes) -> Result<(), Failure> {
        either!(self, judge => judge.batch(first, records, commit))
    }

    fn flush(&mut self) -> Result<(), Failure> {
        either!(self, judge => judge.flush())
    }

    fn ledger(&self) -> Option<(&LedgerKeys, Hash, &str)> {
        either!(self, judge => Judge::ledger(&**judge))
    }

    fn root_at(&self, size: u64) -> Option<TreeHash> {
        either!(self, judge => judge.root_at(size))
    }

    fn whole(&self) -> Option<&Verifier> {
        match self {
            Either::Whole(judge) => Some(judge),
            Either::Heads(_) => None,
        }
    }

    fn finish(self) -> Result<Report, Failure> {
        either!(self, judge => judge.finish())
    }
}
