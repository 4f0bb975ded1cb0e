//! An audit that goes on from a saved position. The records before it are read
//! again, chained, opened and held against the saved head and root, which shows
//! that they are the very ones that were verified; their signatures, and what
//! they come to, are not verified a second time.

use bytes::Bytes;

use super::Judge;
use crate::event::Hash;
use crate::proof::tree::TreeHash;
use crate::proof::{ChainVerifier, Expect, Failure, LedgerKeys, Report, Verifier, Violation};

/// Verified again as far as it takes, then on from the saved position.
pub(super) struct Resumed {
    again: ChainVerifier,
    saved: Verifier,
    /// The records up to the saved position are those that were verified.
    joined: bool,
    unfit: Option<String>,
}

impl Resumed {
    pub(super) fn new(saved: Verifier, expect: Expect) -> Resumed {
        Resumed {
            again: ChainVerifier::with_parts(expect),
            saved,
            joined: false,
            unfit: None,
        }
    }

    /// Why the saved position is not one of this journal, if it is not.
    pub(super) fn unfit(&self, records: u64) -> Option<String> {
        let position = self.saved.position().0;
        if self.joined {
            return None;
        }
        let short = (records < position).then(|| {
            format!(
                "the journal ends after {records} records, and {position} had been verified: \
                 was it cut, or is it an older copy?"
            )
        });
        let before = || format!("the journal is not whole before record {position}");
        Some(short.or(self.unfit.clone()).unwrap_or_else(before))
    }

    fn join(&mut self) -> Result<(), Failure> {
        self.again.flush()?;
        let (position, head) = self.saved.position();
        let (got, got_head) = self.again.position();
        let last = position.saturating_sub(1);
        let why = if got != position {
            Some(format!("record {last} is not the last of its batch"))
        } else if got_head != head {
            Some(format!("record {last} is another than the one verified"))
        } else if self.again.root_at(position) != self.saved.root_at(position) {
            Some("the tree has another root there".to_owned())
        } else {
            None
        };
        self.joined = why.is_none();
        if why.is_none() {
            return Ok(());
        }
        self.unfit = why;
        // Nobody reads it: all is verified anew.
        let (got, want) = (got_head, head);
        Err(Failure {
            positions: last..=last,
            what: Violation::CommitLastHead { got, want },
        })
    }
}

impl Judge for Resumed {
    fn batch(&mut self, first: u64, records: &[Bytes], commit: &Bytes) -> Result<(), Failure> {
        if self.joined {
            return self.saved.batch(first, records, commit);
        }
        let taken = self.again.batch(first, records, commit);
        if let Err(failure) = &taken {
            self.unfit = Some(failure.to_string());
        }
        taken?;
        let end = first.saturating_add(records.len() as u64);
        if end >= self.saved.position().0 {
            self.join()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.joined {
            self.saved.flush()
        } else {
            self.again.flush()
        }
    }

    fn ledger(&self) -> Option<(&LedgerKeys, Hash, &str)> {
        Judge::ledger(&self.saved)
    }

    fn root_at(&self, size: u64) -> Option<TreeHash> {
        let again = || self.again.root_at(size);
        self.saved.root_at(size).or_else(again)
    }

    fn whole(&self) -> Option<&Verifier> {
        Some(&self.saved)
    }

    fn finish(self) -> Result<Report, Failure> {
        self.saved.finish()
    }
}
