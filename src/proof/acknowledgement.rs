//! Acknowledgements: a head, its path in its batch, and the ledger's signature
//! on that batch. Whoever holds one can show that the ledger took the record,
//! and that a journal without it has been cut.

use bytes::Bytes;

use super::commit::{BadCommit, BatchTree, batch_leaf, check_commit};
use crate::event::Hash;
use crate::event::digest::{Tag, head_hash, merkle_climb};
use crate::event::signing::PublicKey;
use crate::event::statement::canonical;
use crate::pb::{Acknowledgement, Head, SignedCommit};

/// An acknowledgement that holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Acknowledged {
    /// Position of the record.
    pub position: u64,
    /// Hash of its head.
    pub head_hash: Hash,
    /// Its head.
    pub head: Head,
}

/// Why bytes are no acknowledgement of this ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAcknowledgement {
    /// The head is not the protobuf message it should be.
    #[error("the acknowledged head is not a canonical Head")]
    NotCanonical,
    /// There is no commit in it.
    #[error("the acknowledgement has no commit")]
    NoCommit,
    /// Its commit does not hold.
    #[error(transparent)]
    Commit(#[from] BadCommit),
    /// The head's position is outside the batch that the commit signs.
    #[error("the head says position {position}, the batch holds {first} to {last}")]
    Position {
        /// The head's.
        position: u64,
        /// First of the batch.
        first: u64,
        /// Last of the batch.
        last: u64,
    },
    /// The path does not lead from the head to the batch's root.
    #[error("the path does not lead from the head at position {0} to the batch's root")]
    Path(u64),
    /// The head is the batch's last (or the ledger's first), but its hash is
    /// not the one that the commit names so.
    #[error("the head at position {0} does not have the hash that the commit names")]
    Hash(u64),
}

/// Makes one acknowledgement: `heads` are the hashes of all heads of the
/// batch, `index` is this one's place in it. `None` if there is no such place.
/// For a whole batch make one [`BatchTree`] and ask that.
pub fn acknowledge(
    head: Bytes,
    index: usize,
    heads: &[Hash],
    commit: &SignedCommit,
) -> Option<Acknowledgement> {
    BatchTree::new(heads).acknowledge(head, index, commit)
}

/// Checks that the ledger with this key and genesis acknowledged this head.
pub fn check_acknowledgement(
    key: &PublicKey,
    genesis_hash: Hash,
    ack: &Acknowledgement,
) -> Result<Acknowledged, BadAcknowledgement> {
    let head: Head = canonical(&ack.head, "head").map_err(|_| BadAcknowledgement::NotCanonical)?;
    let signed = ack.commit.as_ref().ok_or(BadAcknowledgement::NoCommit)?;
    let commit = check_commit(key, genesis_hash, signed)?;
    let (first, position) = (commit.first_position, head.position);
    let last = first.saturating_add(commit.count.saturating_sub(1));
    let index = position
        .checked_sub(first)
        .filter(|index| *index < commit.count)
        .ok_or(BadAcknowledgement::Position {
            position,
            first,
            last,
        })?;
    let hash = head_hash(&ack.head);
    let path: Option<Vec<Hash>> = ack
        .path
        .iter()
        .map(|bytes| Hash::from_slice(bytes))
        .collect();
    let root = path.and_then(|path| {
        merkle_climb(Tag::BatchNode, batch_leaf(hash), index, commit.count, &path)
    });
    if root.is_none_or(|root| root.0 != commit.batch_root.as_ref()) {
        return Err(BadAcknowledgement::Path(position));
    }
    let named_last = position != last || hash.0 == commit.last_head_hash.as_ref();
    let named_genesis = position != 0 || hash == genesis_hash;
    if !named_last || !named_genesis {
        return Err(BadAcknowledgement::Hash(position));
    }
    Ok(Acknowledged {
        position,
        head_hash: hash,
        head,
    })
}
