//! Showing that a restored ledger lacks nothing. A backup cannot know what was
//! recorded after it; whoever holds a later checkpoint can, a witness or
//! anybody else. What is shown is only that nothing before that checkpoint's
//! own size is lost: the newest there is, is wanted.

use std::io;

use super::{Hold, RESTORED};
use crate::ledger::Ledger;
use crate::projection::TreeError;
use crate::proof::tree::{TreeHash, root_of};
use crate::proof::{BadCheckpoint, open_checkpoint};

/// What somebody else knows of this ledger.
#[derive(Clone, Copy, Debug)]
pub enum Known<'a> {
    /// A checkpoint of it: the text of its signed note.
    Checkpoint(&'a str),
    /// A checkpoint's size and root, that somebody has verified to be one that
    /// a witness cosigned.
    Witnessed {
        /// Records under it.
        size: u64,
        /// Its root; `None` if the witness said only how large it is.
        root: Option<TreeHash>,
    },
}

/// That nothing before a size is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Records under what was known; of later ones it says nothing.
    pub known: u64,
    /// Records that are there.
    pub have: u64,
    /// Whether it ended the wait of a restored ledger.
    pub ended_wait: bool,
}

/// Why a ledger is not shown to be complete. It accepts and signs nothing.
#[derive(Debug, thiserror::Error)]
pub enum NotConfirmed {
    /// Not a checkpoint of this ledger; nothing has changed.
    #[error("what is known of this ledger is not its checkpoint: {0}")]
    NotOurs(#[from] BadCheckpoint),
    /// It signs no checkpoints at all, so there can be none.
    #[error("{0}")]
    NoKey(String),
    /// Records are lost, or are others.
    #[error("{0}")]
    Held(Hold),
    /// The tree could not be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The mark could not be removed.
    #[error("the file {RESTORED} cannot be removed: {0}; see to the disk and try again")]
    Mark(#[source] io::Error),
}

impl Ledger {
    /// Compares the ledger with what somebody else knows of it. If all of that
    /// is there, a restored ledger begins to accept; if not, this one stops
    /// accepting, restored or not. Blocks on the disk.
    pub fn confirm_complete(&self, known: Known<'_>) -> Result<Confirmed, NotConfirmed> {
        let checkpoints = &self.shared.checkpoints;
        let (size, root) = match known {
            Known::Witnessed { size, root } => (size, root),
            Known::Checkpoint(note) => {
                let verifier = checkpoints.verifier_for(note);
                let verifier = verifier.map_err(NotConfirmed::NoKey)?;
                let (checkpoint, _) = open_checkpoint(note, &verifier)?;
                (checkpoint.size, Some(checkpoint.root))
            }
        };
        let _alone = checkpoints.holding.judge_alone();
        let hold = checkpoints.hold();
        if let Some(hold @ (Hold::Lost { .. } | Hold::Forked { .. })) = hold {
            return Err(NotConfirmed::Held(hold));
        }
        let have = checkpoints.tree.size();
        let wrong = if size > have {
            Some(Hold::Lost { known: size, have })
        } else {
            self.other_root(size, root)?
        };
        if let Some(hold) = wrong {
            checkpoints.holding.set(Some(hold.clone()));
            // Whoever waits for a checkpoint need not.
            checkpoints.standing.send_modify(|_| {});
            return Err(NotConfirmed::Held(hold));
        }
        let ended_wait = hold == Some(Hold::Restored);
        if ended_wait {
            if let Some(dir) = &checkpoints.mark {
                dir.remove(RESTORED).map_err(NotConfirmed::Mark)?;
            }
            // Only now: after a crash before it the wait begins again.
            checkpoints.holding.set(None);
            super::want(&self.shared);
        }
        Ok(Confirmed {
            known: size,
            have,
            ended_wait,
        })
    }

    fn other_root(&self, size: u64, root: Option<TreeHash>) -> Result<Option<Hold>, TreeError> {
        let Some(known) = root else {
            return Ok(None);
        };
        let ours = root_of(&*self.shared.checkpoints.tree, size)?;
        Ok((known != ours).then_some(Hold::Forked { size, known, ours }))
    }
}
