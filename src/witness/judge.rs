//! What a witness says to a request (C2SP tlog-witness, "add-checkpoint"): the
//! checks in the order in which the specification has them. Pure: what it has
//! signed before is told it.

use super::logs::Opened;
use crate::proof::tree::{TreeHash, check_consistency, empty_root};

/// The checkpoint of a log that was signed last; nothing signed is a tree of
/// size 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Leaves.
    pub size: u64,
    /// The root of so many.
    pub root: TreeHash,
}

impl Default for Signed {
    fn default() -> Signed {
        Signed {
            size: 0,
            root: empty_root(),
        }
    }
}

/// Why a checkpoint is not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// 400.
    #[error("{0}")]
    Malformed(String),
    /// 404.
    #[error("this witness does not watch the log {0:?}; its operator must name the log's key")]
    UnknownOrigin(String),
    /// 403.
    #[error("the checkpoint is signed by no key of {0:?} that this witness knows")]
    Unsigned(String),
    /// 403.
    #[error("a signature that names a key of {0:?} does not hold")]
    BadSignature(String),
    /// 400.
    #[error("the old size, {old}, is larger than the checkpoint's, {size}")]
    OldIsLarger {
        /// As asked.
        old: u64,
        /// As signed by the log.
        size: u64,
    },
    /// 409.
    #[error("the old size must be {0}, which is what this witness has signed last")]
    OtherSize(u64),
    /// 422.
    #[error("a tree without leaves has another root: the hash of nothing")]
    EmptyRoot,
    /// 422.
    #[error(
        "{origin:?} shows two trees: of size {size} this witness has signed the root {had}, \
         and now the log has signed {root}"
    )]
    Forked {
        /// The log.
        origin: String,
        /// Of both.
        size: u64,
        /// Signed by this witness.
        had: TreeHash,
        /// Signed by the log.
        root: TreeHash,
    },
    /// 422.
    #[error("from size 0, or to the same size, there is nothing to prove: leave the proof empty")]
    NeedlessProof,
    /// 422.
    #[error(
        "the consistency proof does not lead from {origin:?} of size {old}, root {had}, to size {size}: \
         the proof is wrong, or the log shows another tree than before"
    )]
    Inconsistent {
        /// The log.
        origin: String,
        /// What this witness has signed.
        old: u64,
        /// Its root.
        had: TreeHash,
        /// The checkpoint's.
        size: u64,
    },
}

impl Refused {
    /// The HTTP status that says it.
    pub fn status(&self) -> u16 {
        match self {
            Refused::Malformed(_) | Refused::OldIsLarger { .. } => 400,
            Refused::Unsigned(_) | Refused::BadSignature(_) => 403,
            Refused::UnknownOrigin(_) => 404,
            Refused::OtherSize(_) => 409,
            Refused::EmptyRoot
            | Refused::Forked { .. }
            | Refused::NeedlessProof
            | Refused::Inconsistent { .. } => 422,
        }
    }
}

/// Whether a checkpoint that its log has signed goes on from what was signed
/// last.
pub fn goes_on(
    signed: Signed,
    old: u64,
    proof: &[TreeHash],
    opened: &Opened,
) -> Result<Signed, Refused> {
    let now = Signed {
        size: opened.checkpoint.size,
        root: opened.checkpoint.root,
    };
    if old > now.size {
        return Err(Refused::OldIsLarger {
            old,
            size: now.size,
        });
    }
    if old != signed.size {
        return Err(Refused::OtherSize(signed.size));
    }
    // That a tree of size 0 has the root of none, its reading has shown.
    if now.size == old {
        if now.root != signed.root {
            return Err(Refused::Forked {
                origin: opened.checkpoint.origin.clone(),
                size: old,
                had: signed.root,
                root: now.root,
            });
        }
        return no_proof(proof).map(|()| now);
    }
    if old == 0 {
        return no_proof(proof).map(|()| now);
    }
    let checked = check_consistency(old, signed.root, now.size, now.root, proof);
    checked.map(|()| now).map_err(|_| Refused::Inconsistent {
        origin: opened.checkpoint.origin.clone(),
        old,
        had: signed.root,
        size: now.size,
    })
}

fn no_proof(proof: &[TreeHash]) -> Result<(), Refused> {
    if proof.is_empty() {
        Ok(())
    } else {
        Err(Refused::NeedlessProof)
    }
}
