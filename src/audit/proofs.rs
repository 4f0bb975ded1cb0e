//! What somebody kept of what the ledger said, to be held against its journal:
//! acknowledgements, receipts, checkpoints. Kept by others, they show what a
//! journal alone cannot: that it was cut, or written anew.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use prost::Message as _;

use super::{Audit, Problem};
use crate::event::Hash;
use crate::pb::{Acknowledgement, Head, Receipt};
use crate::proof::tree::TreeHash;
use crate::proof::{
    Checkpoint, LedgerKeys, Note, Policy, Verifier, VerifierKey, check_receipt, open_checkpoint,
};

/// An acknowledgement that somebody kept, with the name it goes by (its file).
#[derive(Clone, Debug)]
pub struct Kept {
    /// For people.
    pub name: String,
    /// As the ledger answered.
    pub acknowledgement: Acknowledgement,
}

/// A receipt that somebody kept.
#[derive(Clone, Debug)]
pub struct KeptReceipt {
    /// For people.
    pub name: String,
    /// As the ledger answered.
    pub receipt: Receipt,
}

/// A checkpoint that somebody kept, or that stands beside the journal.
#[derive(Clone, Debug)]
pub struct KeptCheckpoint {
    /// For people.
    pub name: String,
    /// The signed note.
    pub note: String,
    /// Whether a policy, if one is given, must be satisfied by it: it was
    /// published. Of one that was only signed nobody asks it.
    pub published: bool,
}

/// All that was kept, and the policy that says whose cosignatures are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Proofs<'a> {
    /// Acknowledgements.
    pub acknowledgements: &'a [Kept],
    /// Receipts.
    pub receipts: &'a [KeptReceipt],
    /// Checkpoints.
    pub checkpoints: &'a [KeptCheckpoint],
    /// Of receipts' checkpoints too.
    pub policy: Option<&'a Policy>,
}

impl Proofs<'_> {
    /// The sizes of the tree that they speak of.
    pub(super) fn sizes(&self) -> BTreeSet<u64> {
        let notes = self.checkpoints.iter().map(|kept| kept.note.as_str());
        let of_receipts = self.receipts.iter().map(|k| k.receipt.checkpoint.as_str());
        notes.chain(of_receipts).filter_map(size_of).collect()
    }

    /// The records that they speak of.
    pub(super) fn positions(&self) -> impl Iterator<Item = u64> {
        let heads = self
            .acknowledgements
            .iter()
            .map(|k| &k.acknowledgement.head);
        let of_receipts = self.receipts.iter().map(|kept| &kept.receipt.head);
        heads.chain(of_receipts).filter_map(position_of)
    }

    /// Whether one speaks of what came before a saved position, and cannot be
    /// held against what was saved.
    pub fn reach_before(&self, saved: &Verifier) -> bool {
        let records = saved.position().0;
        let unknown = |size: u64| size < records && saved.root_at(size).is_none();
        self.positions().any(|at| at < records) || self.sizes().into_iter().any(unknown)
    }
}

/// The size in a checkpoint, whoever signed it.
fn size_of(note: &str) -> Option<u64> {
    let note = Note::parse(note).ok()?;
    Some(Checkpoint::parse(&note.text).ok()?.size)
}

fn position_of(head: &Bytes) -> Option<u64> {
    Some(Head::decode(head.clone()).ok()?.position)
}

/// What the journal says to it all.
pub(super) struct Journal<'a> {
    /// The ledger's keys, genesis hash and name; `None` if nobody knows.
    pub(super) ledger: Option<(LedgerKeys, Hash, String)>,
    /// The heads that proofs are about, where they were found.
    pub(super) heads: &'a BTreeMap<u64, Option<Hash>>,
    /// Its tree's root at a size, as far as that is verified.
    pub(super) root_at: &'a dyn Fn(u64) -> Option<TreeHash>,
    pub(super) records: u64,
}

impl Journal<'_> {
    /// Holds all of them against it: the counts of those that agree go into the
    /// audit, what does not among its problems.
    pub(super) fn compare(&self, proofs: &Proofs<'_>, audit: &mut Audit) {
        let mut problems = Vec::new();
        let mut agree = |outcome: Result<bool, Problem>| match outcome {
            Ok(agrees) => usize::from(agrees),
            Err(problem) => {
                problems.push(problem);
                0
            }
        };
        for kept in proofs.acknowledgements {
            audit.acknowledged += agree(self.acknowledgement(kept));
        }
        for kept in proofs.receipts {
            audit.receipts += agree(self.receipt(kept, proofs.policy));
        }
        for kept in proofs.checkpoints {
            audit.checkpoints += agree(self.checkpoint(kept, proofs.policy));
        }
        audit.problems.append(&mut problems);
    }

    fn acknowledgement(&self, kept: &Kept) -> Result<bool, Problem> {
        let name = kept.name.clone();
        let Some((keys, genesis_hash, _)) = &self.ledger else {
            return Err(Problem::LedgerUnknown { name });
        };
        let sound = match keys.check_acknowledgement(*genesis_hash, &kept.acknowledgement) {
            Ok(sound) => sound,
            Err(what) => return Err(Problem::BadAcknowledgement { name, what }),
        };
        let position = sound.position;
        match self.heads.get(&position).copied().flatten() {
            Some(found) if found == sound.head_hash => Ok(true),
            Some(_) => Err(Problem::Differs { name, position }),
            None => Err(Problem::Lost {
                name,
                position,
                records: self.records,
            }),
        }
    }

    fn receipt(&self, kept: &KeptReceipt, policy: Option<&Policy>) -> Result<bool, Problem> {
        let name = kept.name.clone();
        let Some(vkey) = self.vkey(&kept.receipt.checkpoint) else {
            return Err(Problem::LedgerUnknown { name });
        };
        let sound = match check_receipt(&kept.receipt, &vkey, policy) {
            Ok(sound) => sound,
            Err(what) => return Err(Problem::BadReceipt { name, what }),
        };
        let position = sound.position;
        match self.heads.get(&position).copied().flatten() {
            Some(found) if found == sound.head_hash => self.root(name, &sound.checkpoint),
            Some(_) => Err(Problem::ReceiptDiffers { name, position }),
            None => Err(Problem::ReceiptLost {
                name,
                position,
                records: self.records,
            }),
        }
    }

    fn checkpoint(&self, kept: &KeptCheckpoint, policy: Option<&Policy>) -> Result<bool, Problem> {
        let name = kept.name.clone();
        let Some(vkey) = self.vkey(&kept.note) else {
            return Err(Problem::LedgerUnknown { name });
        };
        let (checkpoint, note) = match open_checkpoint(&kept.note, &vkey) {
            Ok(opened) => opened,
            Err(what) => return Err(Problem::BadCheckpoint { name, what }),
        };
        let agrees = self.root(name.clone(), &checkpoint)?;
        match policy.filter(|_| kept.published) {
            Some(policy) => match policy.satisfied_by(&note) {
                Ok(_) => Ok(agrees),
                Err(what) => Err(Problem::NotCosigned { name, what }),
            },
            None => Ok(agrees),
        }
    }

    /// Whether a checkpoint's root is the one that the records have. It cannot
    /// be told beyond a record that breaks a rule.
    fn root(&self, name: String, checkpoint: &Checkpoint) -> Result<bool, Problem> {
        let size = checkpoint.size;
        if size > self.records {
            return Err(Problem::CheckpointLost {
                name,
                size,
                records: self.records,
            });
        }
        match (self.root_at)(size) {
            Some(want) if want != checkpoint.root => Err(Problem::CheckpointDiffers {
                name,
                size,
                got: checkpoint.root,
                want,
            }),
            known => Ok(known.is_some()),
        }
    }

    /// What a note of this ledger's is verified with: of the size in it.
    fn vkey(&self, note: &str) -> Option<VerifierKey> {
        let (keys, _, name) = self.ledger.as_ref()?;
        keys.verifier_key(name, size_of(note))
    }
}
