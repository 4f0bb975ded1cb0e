//! The chain alone: every head read, hashed and chained, every batch's root
//! and the ledger's signature on it. That nothing was cut out, put in or
//! reordered, and that all of it is what the ledger signed.
//!
//! What this is not: parts are not compared with their digests unless that is
//! asked for, no statement's signature and no law is checked;
//! [`Verifier`](super::Verifier) does that.
//! Record 0 is checked whole, since it says whose signature to ask for.

use std::sync::Arc;

use bytes::Bytes;
use rayon::prelude::*;

use super::genesis::{self, Ledger};
use super::opened::{self, Stored, Waiting};
use super::tree::{HeadsTree, Subtree, subtrees};
use super::violation::{Failure, Violation};
use super::{Expect, Report};
use crate::custody::ApplyError;
use crate::event::Hash;
use crate::event::digest::head_hash;
use crate::event::record::{BadRecord, MAX_HEAD, MAX_RECORD};
use crate::event::signing::PublicKey;
use crate::event::statement::canonical;
use crate::pb::{Commit, SignedCommit};
use crate::proof::head::{Field, field, head_of};
use crate::proof::tree::{TreeHash, leaf_hash};
use crate::proof::{BadCommit, BatchTree, check_commit};

/// A verification of the chain under way; used as
/// [`Verifier`](super::Verifier) is.
#[derive(Default)]
pub struct ChainVerifier {
    expect: Expect,
    ledger: Option<Ledger>,
    next: u64,
    last_head: Hash,
    recorded_at_ms: i64,
    waiting: Waiting,
    tree: HeadsTree,
    /// Whether records are opened, and parts compared with their digests.
    parts: bool,
    report: Report,
}

/// What the chain needs of a head.
struct Link {
    position: u64,
    recorded_at_ms: i64,
    previous: Hash,
    hash: Hash,
    leaf: TreeHash,
}

/// A batch, hashed, its commit's signature verified.
struct Hashed {
    first: u64,
    links: Vec<Result<Link, Violation>>,
    root: Hash,
    leaves: Vec<TreeHash>,
    subtrees: Vec<Subtree>,
    commit: Result<Commit, BadCommit>,
}

impl ChainVerifier {
    /// Before record 0.
    pub fn new(expect: Expect) -> ChainVerifier {
        ChainVerifier {
            tree: HeadsTree::new(&expect.roots_at),
            expect,
            ..ChainVerifier::default()
        }
    }

    /// The same, and every record opened: parts against their digests, all in
    /// their only encoding. Of records that have been verified once nothing
    /// else can have changed, if the last head is the same.
    pub fn with_parts(expect: Expect) -> ChainVerifier {
        ChainVerifier {
            parts: true,
            ..ChainVerifier::new(expect)
        }
    }

    /// Takes the next batch, as [`Verifier::batch`](super::Verifier::batch).
    pub fn batch(
        &mut self,
        first_position: u64,
        records: &[Bytes],
        commit: &Bytes,
    ) -> Result<(), Failure> {
        match self.waiting.push(first_position, records, commit)? {
            Some(waiting) => self.turn(&waiting),
            None => Ok(()),
        }
    }

    /// Verifies everything taken so far.
    pub fn flush(&mut self) -> Result<(), Failure> {
        let waiting = self.waiting.rest()?;
        self.turn(&waiting)
    }

    /// The ledger's key and genesis hash; `None` before record 0 is verified.
    pub fn ledger(&self) -> Option<(&PublicKey, Hash)> {
        self.ledger
            .as_ref()
            .map(|ledger| (&*ledger.key, ledger.genesis_hash))
    }

    /// The root of the tree at a size; see [`Expect::roots_at`].
    pub fn root_at(&self, size: u64) -> Option<TreeHash> {
        self.tree.root_at(size)
    }

    /// Records verified so far, and the hash of the last head.
    pub fn position(&self) -> (u64, Hash) {
        (self.next, self.last_head)
    }

    /// The ledger's name, once record 0 is verified.
    pub fn origin_name(&self) -> Option<&str> {
        self.ledger.as_ref().map(Ledger::origin_name)
    }

    /// Verifies the rest and says what there was: records, batches and the
    /// ledger's signatures on them; what was not looked at is zero.
    pub fn finish(mut self) -> Result<Report, Failure> {
        self.flush()?;
        Ok(Report {
            records: self.next,
            last_head: self.last_head,
            recorded_at_ms: self.recorded_at_ms,
            tree_root: self.tree.root(),
            ..self.report
        })
    }

    fn turn(&mut self, waiting: &[Stored]) -> Result<(), Failure> {
        let outcome = self.verify(waiting);
        self.waiting.keep(outcome)
    }

    fn verify(&mut self, waiting: &[Stored]) -> Result<(), Failure> {
        let Some(first) = waiting.first() else {
            return Ok(());
        };
        let (key, genesis_hash) = match &self.ledger {
            Some(ledger) => (Arc::clone(&ledger.key), ledger.genesis_hash),
            None => self.genesis(first)?,
        };
        let hashed: Vec<Hashed> = waiting
            .par_iter()
            .map(|stored| Hashed::of(stored, self.parts, &key, genesis_hash))
            .collect();
        hashed.into_iter().try_for_each(|batch| self.fold(batch))
    }

    fn genesis(&mut self, first: &Stored) -> Result<(Arc<PublicKey>, Hash), Failure> {
        let position = first.first_position;
        let checked = match first.records.first() {
            None => Err(Violation::EmptyBatch),
            Some(_) if position != 0 => Err(Violation::BatchPosition {
                got: position,
                want: 0,
            }),
            Some(bytes) => {
                opened::open(bytes).and_then(|opened| genesis::check(&opened, &self.expect))
            }
        };
        let ledger = checked.map_err(|what| Failure::at(position, what))?;
        self.report.genesis_hash = ledger.genesis_hash;
        self.report.ledger_key = Some(ledger.key.id());
        let known = (Arc::clone(&ledger.key), ledger.genesis_hash);
        self.ledger = Some(ledger);
        Ok(known)
    }

    fn fold(&mut self, batch: Hashed) -> Result<(), Failure> {
        let first = batch.first;
        let count = batch.links.len() as u64;
        let whole = |what: Violation| Failure {
            positions: first..=first.saturating_add(count.saturating_sub(1)),
            what,
        };
        if count == 0 {
            return Err(whole(Violation::EmptyBatch));
        }
        if first != self.next {
            return Err(whole(Violation::BatchPosition {
                got: first,
                want: self.next,
            }));
        }
        for (position, link) in (first..).zip(batch.links) {
            link.and_then(|link| self.link(&link))
                .map_err(|what| Failure::at(position, what))?;
        }
        let commit = batch.commit.map_err(|bad| whole(bad.into()))?;
        super::commit_of(&commit, first, count, batch.root, self.last_head).map_err(whole)?;
        self.tree.add(&batch.leaves, &batch.subtrees);
        self.report.batches = self.report.batches.saturating_add(1);
        self.report.signatures = self.report.signatures.saturating_add(1);
        Ok(())
    }

    fn link(&mut self, link: &Link) -> Result<(), Violation> {
        if link.position != self.next {
            return Err(ApplyError::Position {
                got: link.position,
                want: self.next,
            }
            .into());
        }
        if link.previous != self.last_head {
            return Err(ApplyError::Previous {
                got: link.previous,
                want: self.last_head,
            }
            .into());
        }
        if link.recorded_at_ms < self.recorded_at_ms {
            return Err(ApplyError::Time {
                got: link.recorded_at_ms,
                want: self.recorded_at_ms,
            }
            .into());
        }
        self.next = self.next.saturating_add(1);
        self.last_head = link.hash;
        self.recorded_at_ms = link.recorded_at_ms;
        Ok(())
    }
}

impl Hashed {
    fn of(stored: &Stored, parts: bool, key: &PublicKey, genesis_hash: Hash) -> Hashed {
        let link = |record: &Bytes| {
            if parts {
                opened::open(record)?;
            }
            Ok(Link::of(record)?)
        };
        let links: Vec<Result<Link, Violation>> = stored.records.iter().map(link).collect();
        let leaves: Vec<TreeHash> = links.iter().flatten().map(|link| link.leaf).collect();
        let heads: Vec<Hash> = links.iter().flatten().map(|link| link.hash).collect();
        let signed: Result<SignedCommit, BadCommit> = canonical(&stored.commit, "commit")
            .map_err(|_| BadCommit::NotCanonical("SignedCommit"));
        Hashed {
            first: stored.first_position,
            links,
            root: BatchTree::new(&heads).root(),
            subtrees: subtrees(stored.first_position, &leaves),
            leaves,
            commit: signed.and_then(|signed| check_commit(key, genesis_hash, &signed)),
        }
    }
}

impl Link {
    fn of(record: &[u8]) -> Result<Link, BadRecord> {
        if record.len() > MAX_RECORD {
            return Err(BadRecord::TooLarge("record", record.len(), MAX_RECORD));
        }
        let head = head_of(record).ok_or(BadRecord::NotCanonical("the record", "Record"))?;
        if head.len() > MAX_HEAD {
            return Err(BadRecord::TooLarge("head", head.len(), MAX_HEAD));
        }
        let malformed = BadRecord::NotCanonical("the head", "Head");
        let mut link = Link {
            position: 0,
            recorded_at_ms: 0,
            previous: Hash::ZERO,
            hash: head_hash(head),
            leaf: leaf_hash(head),
        };
        link.read(head).ok_or(malformed)?;
        Ok(link)
    }

    /// Reads a head's fields up to the previous hash, which is always there.
    fn read(&mut self, mut head: &[u8]) -> Option<()> {
        let mut before = 0;
        loop {
            let (number, field) = field(&mut head)?;
            if number <= before {
                return None;
            }
            before = number;
            match (number, field) {
                (1, Field::Number(position)) => self.position = position,
                (2, Field::Number(ms)) => self.recorded_at_ms = ms.cast_signed(),
                (3, Field::Bytes(previous)) => {
                    self.previous = Hash::from_slice(previous)?;
                    return Some(());
                }
                _ => return None,
            }
        }
    }
}
