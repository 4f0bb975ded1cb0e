//! The chain alone: every head read, hashed and chained, every batch's root
//! and the ledger's signature on it. That nothing was cut out, put in or
//! reordered, and that all of it is what the ledger signed.
//!
//! What this is not: parts are not compared with their digests unless that is
//! asked for, no statement's signature and no law is checked;
//! [`Verifier`](super::Verifier) does that.
//! Record 0 is checked whole, since it says whose signature to ask for, and the
//! records that may put another key in its place are opened.

use bytes::Bytes;
use rayon::prelude::*;

use super::genesis::{self, Ledger};
use super::opened::{self, Stored, Waiting};
use super::rotation;
use super::tree::{HeadsTree, Subtree, subtrees};
use super::violation::{Failure, Violation};
use super::{Expect, Report};
use crate::custody::ApplyError;
use crate::event::digest::{PartKind, head_hash, part_digest};
use crate::event::record::{BadRecord, MAX_HEAD, MAX_RECORD, OpenRecord};
use crate::event::statement::canonical;
use crate::event::{Hash, KeyId};
use crate::pb::{Commit, SignedCommit};
use crate::proof::commit::{read_commit, signed_by};
use crate::proof::head::{Field, field, head_of};
use crate::proof::tree::{TreeHash, leaf_hash};
use crate::proof::{BadCommit, BatchTree, LedgerKeys};

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
    /// The record whole, if it puts another key in the place of the ledger's.
    rotation: Option<Box<OpenRecord>>,
    leaf: TreeHash,
}

/// A batch, hashed, its commit's signature verified by a key that may not be
/// that of the batch: a rotation before it in the same turn is met later.
struct Hashed {
    first: u64,
    links: Vec<Result<Link, Violation>>,
    root: Hash,
    leaves: Vec<TreeHash>,
    subtrees: Vec<Subtree>,
    commit: Result<(SignedCommit, Commit), BadCommit>,
    by: KeyId,
    held: Result<(), BadCommit>,
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

    /// The ledger's keys, as far as the records say, and its genesis hash; `None`
    /// before record 0 is verified.
    pub fn ledger(&self) -> Option<(&LedgerKeys, Hash)> {
        self.ledger
            .as_ref()
            .map(|ledger| (&ledger.keys, ledger.genesis_hash))
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
        if let Some(ledger) = &self.ledger {
            ledger.check_key(&self.expect)?;
            ledger.tell(&mut self.report);
        }
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
        let mut ledger = match self.ledger.take() {
            Some(ledger) => ledger,
            None => self.genesis(first)?,
        };
        let hashed: Vec<Hashed> = waiting
            .par_iter()
            .map(|stored| Hashed::of(stored, self.parts, &ledger))
            .collect();
        let folded = hashed
            .into_iter()
            .try_for_each(|batch| self.fold(batch, &mut ledger));
        self.ledger = Some(ledger);
        folded
    }

    fn genesis(&mut self, first: &Stored) -> Result<Ledger, Failure> {
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
        Ok(ledger)
    }

    fn fold(&mut self, batch: Hashed, ledger: &mut Ledger) -> Result<(), Failure> {
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
        let end = first.saturating_add(count);
        for (position, link) in (first..).zip(batch.links) {
            link.and_then(|link| {
                self.link(&link)?;
                let is_last = position.saturating_add(1) == end;
                link.rotation
                    .map_or(Ok(()), |record| rotate(ledger, &record, is_last))
            })
            .map_err(|what| Failure::at(position, what))?;
        }
        let (signed, commit) = batch.commit.map_err(|bad| whole(bad.into()))?;
        let key = ledger.keys.of_record(first);
        let held = if key.id() == batch.by {
            batch.held
        } else {
            signed_by(key, &signed)
        };
        held.map_err(|bad| whole(bad.into()))?;
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

/// The key that a record puts in the place of the ledger's.
fn rotate(ledger: &mut Ledger, record: &OpenRecord, is_last: bool) -> Result<(), Violation> {
    let Some(e) = rotation::in_record(record) else {
        return Ok(());
    };
    rotation::check_place(record, is_last)?;
    let new = rotation::check(&ledger.keys, ledger.genesis_hash, record, e)?;
    ledger.keys.follow(record.position().saturating_add(1), new);
    Ok(())
}

impl Hashed {
    fn of(stored: &Stored, parts: bool, ledger: &Ledger) -> Hashed {
        let link = |record: &Bytes| {
            if parts {
                opened::open(record)?;
            }
            Link::of(record, ledger)
        };
        let links: Vec<Result<Link, Violation>> = stored.records.iter().map(link).collect();
        let leaves: Vec<TreeHash> = links.iter().flatten().map(|link| link.leaf).collect();
        let heads: Vec<Hash> = links.iter().flatten().map(|link| link.hash).collect();
        let signed: Result<SignedCommit, BadCommit> = canonical(&stored.commit, "commit")
            .map_err(|_| BadCommit::NotCanonical("SignedCommit"));
        let commit = signed.and_then(|signed| {
            let commit = read_commit(ledger.genesis_hash, &signed)?;
            Ok((signed, commit))
        });
        let key = ledger.keys.in_force();
        Hashed {
            first: stored.first_position,
            links,
            root: BatchTree::new(&heads).root(),
            subtrees: subtrees(stored.first_position, &leaves),
            leaves,
            by: key.id(),
            held: commit
                .as_ref()
                .map_or(Ok(()), |(signed, _)| signed_by(key, signed)),
            commit,
        }
    }
}

impl Link {
    fn of(record: &Bytes, ledger: &Ledger) -> Result<Link, Violation> {
        if record.len() > MAX_RECORD {
            return Err(BadRecord::TooLarge("record", record.len(), MAX_RECORD).into());
        }
        let head = head_of(record).ok_or(BadRecord::NotCanonical("the record", "Record"))?;
        if head.len() > MAX_HEAD {
            return Err(BadRecord::TooLarge("head", head.len(), MAX_HEAD).into());
        }
        let malformed = BadRecord::NotCanonical("the head", "Head");
        let mut link = Link {
            position: 0,
            recorded_at_ms: 0,
            previous: Hash::ZERO,
            hash: head_hash(head),
            rotation: None,
            leaf: leaf_hash(head),
        };
        let payload = link.read(head).ok_or(malformed)?;
        if let Some(digest) = may_rotate(payload, ledger)
            && !is_another_event(record, digest).unwrap_or(false)
        {
            link.rotation = rotation_in(record)?;
        }
        Ok(link)
    }

    /// Reads a head's fields up to the payload, which is always there.
    fn read<'a>(&mut self, mut head: &'a [u8]) -> Option<&'a [u8]> {
        let mut before = 0;
        loop {
            let (number, field) = field(&mut head)?;
            if number <= before {
                return None;
            }
            match (number, field) {
                (1, Field::Number(position)) => self.position = position,
                (2, Field::Number(ms)) => self.recorded_at_ms = ms.cast_signed(),
                (3, Field::Bytes(previous)) => self.previous = Hash::from_slice(previous)?,
                (4, Field::Bytes(payload)) if before == 3 => return Some(payload),
                _ => return None,
            }
            before = number;
        }
    }
}

/// The digest of a statement's one event, if it may be a rotation: it is of an
/// authority that genesis names. Nothing but its header is read.
fn may_rotate<'a>(mut payload: &'a [u8], ledger: &Ledger) -> Option<&'a [u8]> {
    const PARTY: u32 = 3;
    const EVENT_DIGESTS: u32 = 9;
    let (mut named, mut events, mut only) = (false, 0u32, None);
    while let Some((number, value)) = field(&mut payload) {
        match (number, value) {
            (PARTY, Field::Bytes(party)) => {
                let authorities = &ledger.genesis.authorities;
                named = authorities.iter().any(|a| a.party.as_bytes() == party);
                if !named {
                    return None;
                }
            }
            (EVENT_DIGESTS, Field::Bytes(digest)) => {
                events = events.saturating_add(1);
                only = Some(digest);
            }
            _ => {}
        }
    }
    only.filter(|_| named && events == 1)
}

/// Whether a record's one event, shown as its digest has it, is another than a
/// rotation: then the record need not be opened. `None` for what cannot be read
/// so far.
fn is_another_event(mut record: &[u8], digest: &[u8]) -> Option<bool> {
    const EVENTS: u32 = 2;
    const ROTATED: u32 = 206;
    field(&mut record)?;
    let (EVENTS, Field::Bytes(mut part)) = field(&mut record)? else {
        return None;
    };
    let (1, Field::Bytes(salt)) = field(&mut part)? else {
        return None;
    };
    let (2, Field::Bytes(mut body)) = field(&mut part)? else {
        return None;
    };
    if part_digest(PartKind::Event, salt.try_into().ok()?, body).0 != digest {
        return None;
    }
    while !body.is_empty() {
        if field(&mut body)?.0 == ROTATED {
            return Some(false);
        }
    }
    Some(true)
}

/// The record whole, if it holds one; nobody may hide whether it does.
fn rotation_in(record: &Bytes) -> Result<Option<Box<OpenRecord>>, Violation> {
    let record = OpenRecord::open(record)?;
    if record.events.iter().any(Option::is_none) {
        return Err(Violation::WithheldRegistry(0));
    }
    let is_one = rotation::in_record(&record).is_some();
    Ok(is_one.then(|| Box::new(record)))
}
