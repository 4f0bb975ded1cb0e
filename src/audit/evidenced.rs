//! What somebody kept of the ledger's word on a lot, held against evidence for
//! that lot which holds by itself. It shows what evidence alone cannot: that a
//! record was hidden behind the ledger's signed word that there is none, that
//! two trees were signed, that the evidence is another ledger's of the same
//! name and key.
//!
//! An acknowledgement does not say which lots its record is about. So whoever
//! holds it against evidence says that it is about this one.

use super::Proofs;
use crate::event::Hash;
use crate::proof::evidence::Checked;
use crate::proof::{
    BadAcknowledgement, BadCheckpoint, BadReceipt, Checkpoint, VerifierKey, check_acknowledgement,
    check_receipt, open_checkpoint,
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
    let held = Held { checked, key };
    let acknowledgements = kept.acknowledgements.iter().map(|kept| {
        let name = format!("acknowledgement {}", kept.name);
        let sound =
            check_acknowledgement(key.public(), checked.genesis_hash, &kept.acknowledgement);
        match sound {
            Ok(sound) => held.record(name, sound.position, sound.head_hash),
            Err(what) => Err(Disagreement::Acknowledgement {
                name: kept.name.clone(),
                what,
            }),
        }
    });
    let receipts = kept.receipts.iter().map(|one| {
        let name = format!("receipt {}", one.name);
        match check_receipt(&one.receipt, key, kept.policy) {
            Ok(sound) => held
                .tree(name.clone(), &sound.checkpoint)
                .and_then(|_| held.record(name, sound.position, sound.head_hash)),
            Err(what) => Err(Disagreement::Receipt {
                name: one.name.clone(),
                what,
            }),
        }
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
    key: &'a VerifierKey,
}

impl Held<'_> {
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
        match open_checkpoint(&kept.note, self.key) {
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
