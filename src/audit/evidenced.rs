//! What somebody kept of the ledger's word on a lot, held against evidence for
//! that lot which holds by itself. It shows what evidence alone cannot: that a
//! record was hidden behind the ledger's signed word that there is none, that
//! two trees were signed, that the evidence is another ledger's of the same
//! name and key.
//!
//! An acknowledgement does not say which lots its record is about. So whoever
//! holds it against evidence says that it is about this one.
//!
//! What was kept may be older than the key that the evidence is checked with:
//! the word of every key counts that the evidence itself shows to be, or to
//! have been, the ledger's.

use bytes::Bytes;

use super::Proofs;
use crate::event::Hash;
use crate::event::signing::PublicKey;
use crate::pb::event::Body;
use crate::proof::evidence::Checked;
use crate::proof::{
    BadAcknowledgement, BadCheckpoint, BadReceipt, Checkpoint, NoteKeyKind, VerifierKey,
    check_acknowledgement, check_receipt, open_checkpoint,
};

/// In what evidence disagrees with something that was kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disagreement {
    /// An acknowledgement that the evidence's ledger never gave.
    #[error("acknowledgement {name}: {what}")]
    Acknowledgement {
        /// Which.
        name: String,
        /// Why it does not hold.
        what: BadAcknowledgement,
    },
    /// A receipt that it never gave.
    #[error("receipt {name}: {what}")]
    Receipt {
        /// Which.
        name: String,
        /// Why it does not hold.
        what: BadReceipt,
    },
    /// A checkpoint that it never signed.
    #[error("checkpoint {name}: {what}")]
    Checkpoint {
        /// Which.
        name: String,
        /// Why it does not hold.
        what: BadCheckpoint,
    },
    /// Another record at that position.
    #[error("record {position}: {name} is of another record than the evidence shows")]
    Differs {
        /// Which.
        name: String,
        /// Where.
        position: u64,
    },
    /// A record under the evidence's checkpoint that it does not show.
    #[error(
        "record {position}: {name} is of this record, and the evidence does not show it: if it is \
         about the lot, it was hidden"
    )]
    Hidden {
        /// Which.
        name: String,
        /// Where.
        position: u64,
    },
    /// A record that the evidence's checkpoint does not cover.
    #[error(
        "record {position}: {name} is of this record, and the evidence's checkpoint has only \
         {size}: it is older; ask for evidence anew"
    )]
    Older {
        /// Which.
        name: String,
        /// Where.
        position: u64,
        /// Records under the checkpoint.
        size: u64,
    },
    /// Two roots, both signed.
    #[error("{name}: the ledger signed another tree of {size} records than the evidence's")]
    TwoRoots {
        /// Which.
        name: String,
        /// Of both.
        size: u64,
    },
}

/// Holds what was kept against evidence: how many agree, and what does not, in
/// the order given. Checkpoints of another size than the evidence's are not
/// compared, nor counted: one tree says nothing of another size's.
pub fn hold_evidence(
    checked: &Checked,
    key: &VerifierKey,
    kept: &Proofs<'_>,
) -> (usize, Vec<Disagreement>) {
    let held = Held {
        checked,
        key,
        others: other_keys(checked, key),
    };
    let acknowledgements = kept.acknowledgements.iter().map(|kept| {
        let (name, genesis) = (kept.name.clone(), checked.genesis_hash);
        let sound =
            held.by_any(|key| check_acknowledgement(key.public(), genesis, &kept.acknowledgement));
        let sound = sound.map_err(|what| Disagreement::Acknowledgement { name, what })?;
        let name = format!("acknowledgement {}", kept.name);
        held.record(name, sound.position, sound.head_hash)
    });
    let receipts = kept.receipts.iter().map(|one| {
        let name = one.name.clone();
        let sound = held.by_any(|key| check_receipt(&one.receipt, key, kept.policy));
        let sound = sound.map_err(|what| Disagreement::Receipt { name, what })?;
        let name = format!("receipt {}", one.name);
        held.tree(name.clone(), &sound.checkpoint)?;
        held.record(name, sound.position, sound.head_hash)
    });
    let checkpoints = kept.checkpoints.iter().map(|kept| held.checkpoint(kept));
    let (mut agree, mut problems) = (0usize, Vec::new());
    for outcome in acknowledgements.chain(receipts).chain(checkpoints) {
        match outcome {
            Ok(agrees) => agree = agree.saturating_add(usize::from(agrees)),
            Err(problem) => problems.push(problem),
        }
    }
    (agree, problems)
}

struct Held<'a> {
    checked: &'a Checked,
    /// What the evidence was checked with.
    key: &'a VerifierKey,
    /// The ledger's others.
    others: Vec<VerifierKey>,
}

/// The ledger's other keys, as far as they are known: that of genesis, and those
/// of the rotations that the evidence shows.
fn other_keys(checked: &Checked, given: &VerifierKey) -> Vec<VerifierKey> {
    let events = checked.records.values().flat_map(|record| &record.events);
    let named = events.flatten().filter_map(|event| match &event.body {
        Some(Body::Genesis(genesis)) => Some(&genesis.ledger_public_key),
        Some(Body::LedgerKeyRotated(rotated)) => Some(&rotated.public_key),
        _ => None,
    });
    let other = |bytes: &Bytes| {
        let public = PublicKey::parse(bytes).ok()?;
        VerifierKey::new(given.name(), NoteKeyKind::Ed25519, public).ok()
    };
    named.filter_map(other).filter(|key| key != given).collect()
}

impl Held<'_> {
    /// What one of the keys has signed; else what the given one says to it.
    fn by_any<T, E>(&self, check: impl Fn(&VerifierKey) -> Result<T, E>) -> Result<T, E> {
        check(self.key).or_else(|bad| {
            let mut others = self.others.iter().map(check);
            others.find_map(Result::ok).ok_or(bad)
        })
    }

    fn record(&self, name: String, position: u64, hash: Hash) -> Result<bool, Disagreement> {
        let size = self.checked.checkpoint.size;
        match self.checked.records.get(&position) {
            Some(record) if record.hash == hash => Ok(true),
            Some(_) => Err(Disagreement::Differs { name, position }),
            None if position < size => Err(Disagreement::Hidden { name, position }),
            None => Err(Disagreement::Older {
                name,
                position,
                size,
            }),
        }
    }

    fn checkpoint(&self, kept: &super::KeptCheckpoint) -> Result<bool, Disagreement> {
        let name = kept.name.clone();
        match self.by_any(|key| open_checkpoint(&kept.note, key)) {
            Ok((checkpoint, _)) => self.tree(format!("checkpoint {name}"), &checkpoint),
            Err(what) => Err(Disagreement::Checkpoint { name, what }),
        }
    }

    /// Whether a tree is the evidence's; of another size nobody knows.
    fn tree(&self, name: String, other: &Checkpoint) -> Result<bool, Disagreement> {
        let ours = &self.checked.checkpoint;
        let size = ours.size;
        if other.size == size && other.root != ours.root {
            return Err(Disagreement::TwoRoots { name, size });
        }
        Ok(other.size == size)
    }
}
