//! Commits: the ledger's one signature on a batch, over its positions, the
//! Merkle root of its heads and the last head's hash. Not here: what the
//! heads say (`verify`), and who got one as an answer (`acknowledgement`).

use bytes::Bytes;
use prost::Message as _;

use crate::event::Hash;
use crate::event::digest::{Tag, tagged};
use crate::event::signing::{PublicKey, Purpose, SecretKey};
use crate::event::statement::canonical;
use crate::pb::{Acknowledgement, Commit, SignedCommit};

/// The leaf of a batch's tree for a head.
pub fn batch_leaf(head: Hash) -> Hash {
    tagged(Tag::BatchLeaf, &[&head.0])
}

/// A batch's Merkle tree with all its inner nodes, so that each of its paths
/// costs a look-up and not the tree. Its shape is that of RFC 6962, section
/// 2.1: neighbours are paired, the odd one out goes up as it is.
#[derive(Clone, Debug)]
pub struct BatchTree {
    /// From the leaves up; the last has one node, or none for no heads.
    levels: Vec<Vec<Hash>>,
}

impl BatchTree {
    /// Over the hashes of a batch's heads, in order of position.
    pub fn new(heads: &[Hash]) -> BatchTree {
        let mut level: Vec<Hash> = heads.iter().map(|head| batch_leaf(*head)).collect();
        let mut levels = Vec::new();
        while level.len() > 1 {
            let above = level.chunks(2).map(parent).collect();
            levels.push(std::mem::replace(&mut level, above));
        }
        levels.push(level);
        BatchTree { levels }
    }

    /// The root; zeros for no heads.
    pub fn root(&self) -> Hash {
        self.levels
            .last()
            .and_then(|top| top.first())
            .copied()
            .unwrap_or(Hash::ZERO)
    }

    /// The path of the head at an index, nearest sibling first; `None` if the
    /// batch has no such head.
    pub fn path(&self, index: usize) -> Option<Vec<Hash>> {
        self.levels.first()?.get(index)?;
        let mut at = index;
        let mut path = Vec::with_capacity(self.levels.len());
        for level in &self.levels {
            path.extend(level.get(at ^ 1));
            at /= 2;
        }
        Some(path)
    }

    /// The answer to whoever sent the record at an index of this batch; `None`
    /// if the batch has no such head.
    pub fn acknowledge(
        &self,
        head: Bytes,
        index: usize,
        commit: &SignedCommit,
    ) -> Option<Acknowledgement> {
        let path = self.path(index)?;
        Some(Acknowledgement {
            head,
            commit: Some(commit.clone()),
            path: path.into_iter().map(Hash::to_bytes).collect(),
        })
    }
}

fn parent(pair: &[Hash]) -> Hash {
    match pair {
        [left, right] => tagged(Tag::BatchNode, &[&left.0, &right.0]),
        [odd] => *odd,
        _ => Hash::ZERO,
    }
}

/// Signs a batch: `heads` are the hashes of its heads, at least one, the first
/// at `first_position`.
pub fn sign_commit(
    key: &SecretKey,
    genesis_hash: Hash,
    first_position: u64,
    heads: &[Hash],
) -> SignedCommit {
    let commit: Bytes = Commit {
        genesis_hash: genesis_hash.to_bytes(),
        first_position,
        count: heads.len() as u64,
        batch_root: BatchTree::new(heads).root().to_bytes(),
        last_head_hash: heads.last().copied().unwrap_or(Hash::ZERO).to_bytes(),
    }
    .encode_to_vec()
    .into();
    SignedCommit {
        signature: Some(key.signature(Purpose::Commit, &commit)),
        commit,
    }
}

/// Why bytes are not the ledger's word on a batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCommit {
    /// Not the protobuf message it should be, or not in canonical form.
    #[error("the commit is not a canonical {0}")]
    NotCanonical(&'static str),
    /// No records, positions past the last possible one, or a hash that is
    /// not 32 bytes.
    #[error("the commit says what cannot be: {0}")]
    Shape(&'static str),
    /// Of another ledger.
    #[error("the commit is of the ledger with genesis {got}, not {want}")]
    Genesis {
        /// As the commit says.
        got: Hash,
        /// As expected.
        want: Hash,
    },
    /// Not signed by the ledger's key.
    #[error("the commit is not signed by the ledger's key {0}")]
    Signature(crate::event::KeyId),
}

/// Checks that a commit is canonical, sound in itself, of this ledger, and
/// signed by its key. What it says of a batch is the caller's to compare.
pub fn check_commit(
    key: &PublicKey,
    genesis_hash: Hash,
    signed: &SignedCommit,
) -> Result<Commit, BadCommit> {
    let commit = read_commit(genesis_hash, signed)?;
    signed_by(key, signed)?;
    Ok(commit)
}

/// All of that but the signature.
pub(super) fn read_commit(genesis_hash: Hash, signed: &SignedCommit) -> Result<Commit, BadCommit> {
    let commit: Commit =
        canonical(&signed.commit, "commit").map_err(|_| BadCommit::NotCanonical("Commit"))?;
    if commit.count == 0 {
        return Err(BadCommit::Shape("a batch of no records"));
    }
    if commit.first_position.checked_add(commit.count).is_none() {
        return Err(BadCommit::Shape("positions beyond 64 bits"));
    }
    let hash =
        |bytes: &Bytes| Hash::from_slice(bytes).ok_or(BadCommit::Shape("a hash is 32 bytes"));
    let got = hash(&commit.genesis_hash)?;
    hash(&commit.batch_root)?;
    hash(&commit.last_head_hash)?;
    if got != genesis_hash {
        return Err(BadCommit::Genesis {
            got,
            want: genesis_hash,
        });
    }
    Ok(commit)
}

/// The signature alone.
pub(super) fn signed_by(key: &PublicKey, signed: &SignedCommit) -> Result<(), BadCommit> {
    let holds = signed.signature.as_ref().is_some_and(|s| {
        s.key_id.as_ref() == key.id().0
            && key.verifies(Purpose::Commit, &signed.commit, &s.signature)
    });
    if holds {
        Ok(())
    } else {
        Err(BadCommit::Signature(key.id()))
    }
}
