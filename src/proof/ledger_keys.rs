#![doc = include_str!("ROTATION.md")]

use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;

use super::acknowledgement::{Acknowledged, BadAcknowledgement, check_acknowledgement};
use super::commit::{BatchTree, check_commit};
use super::note::{NoteKeyKind, VerifierKey};
use super::refusal::{BadRefusal, check_refusal};
use super::verify;
use crate::event::Hash;
use crate::event::digest::head_hash;
use crate::event::record::OpenRecord;
use crate::event::signing::{BadPublicKey, PublicKey};
use crate::pb::{
    Acknowledgement, Commit, LedgerKey, LedgerState, Record, Refusal, SignedCommit, SignedRefusal,
};

/// The keys that a ledger has had, and which of them signs what. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerKeys {
    genesis: Arc<PublicKey>,
    later: Vec<Later>,
}

/// A key that followed another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Later {
    since: u64,
    key: Arc<PublicKey>,
}

impl LedgerKeys {
    /// Of a ledger whose key has never been rotated.
    pub fn new(genesis: PublicKey) -> LedgerKeys {
        LedgerKeys {
            genesis: Arc::new(genesis),
            later: Vec::new(),
        }
    }

    /// As the ledger's own item in the state tells them.
    pub fn of(ledger: &LedgerState) -> Result<LedgerKeys, BadPublicKey> {
        let genesis = ledger.genesis.as_ref().ok_or(BadPublicKey)?;
        let mut keys = LedgerKeys::new(PublicKey::parse(&genesis.ledger_public_key)?);
        for later in &ledger.keys {
            keys.follow(later.since, PublicKey::parse(&later.public_key)?);
        }
        Ok(keys)
    }

    /// From a list of all of them; the first is the one of genesis.
    pub fn listed(keys: &[LedgerKey]) -> Result<LedgerKeys, BadPublicKey> {
        let (genesis, later) = keys.split_first().ok_or(BadPublicKey)?;
        let mut keys = LedgerKeys::new(PublicKey::parse(&genesis.public_key)?);
        for later in later {
            keys.follow(later.since, PublicKey::parse(&later.public_key)?);
        }
        Ok(keys)
    }

    /// Adds the key that signs the batches from a position on: the one after the
    /// rotation's.
    pub(super) fn follow(&mut self, since: u64, key: PublicKey) {
        let key = Arc::new(key);
        self.later.push(Later { since, key });
    }

    /// The key that signs the next batch.
    pub fn in_force(&self) -> &Arc<PublicKey> {
        self.later.last().map_or(&self.genesis, |later| &later.key)
    }

    /// Takes up the rotation that a batch ends with, if it does: for who cannot
    /// read every batch, as [`ChainVerifier`](super::ChainVerifier) does. Returns
    /// whether it did: the key in force has signed the batch as it is.
    pub fn take_up(
        &mut self,
        genesis_hash: Hash,
        first_position: u64,
        records: &[Bytes],
        commit: &Bytes,
    ) -> bool {
        let Some(new) = self.rotated_by(genesis_hash, first_position, records, commit) else {
            return false;
        };
        let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
        self.follow(first_position.saturating_add(count), new);
        true
    }

    fn rotated_by(
        &self,
        genesis_hash: Hash,
        first_position: u64,
        records: &[Bytes],
        commit: &Bytes,
    ) -> Option<PublicKey> {
        let last = OpenRecord::open(records.last()?).ok()?;
        let new = verify::rotation_of(self, genesis_hash, &last)?;
        let signed = SignedCommit::decode(commit.clone()).ok()?;
        let commit = check_commit(self.in_force(), genesis_hash, &signed).ok()?;
        let heads = records.iter().map(|record| {
            let record = Record::decode(record.clone()).ok()?;
            Some(head_hash(&record.head))
        });
        let heads: Vec<Hash> = heads.collect::<Option<_>>()?;
        let count = u64::try_from(heads.len()).ok()?;
        let holds = commit.first_position == first_position
            && commit.count == count
            && last.position() == first_position.checked_add(count)?.checked_sub(1)?
            && commit.batch_root == BatchTree::new(&heads).root().0.as_slice();
        holds.then_some(new)
    }

    /// How often the key has been rotated.
    pub fn rotations(&self) -> usize {
        self.later.len()
    }

    /// All of them in order, each with the first position that it signs for.
    pub fn all(&self) -> impl Iterator<Item = (u64, &PublicKey)> {
        let later = self.later.iter().map(|later| (later.since, &*later.key));
        std::iter::once((0, &*self.genesis)).chain(later)
    }

    /// The key of the commit of the batch with this record in it.
    pub fn of_record(&self, position: u64) -> &Arc<PublicKey> {
        let mut later = self.later.iter().rev();
        let key = later.find(|later| later.since <= position);
        key.map_or(&self.genesis, |later| &later.key)
    }

    /// The key of a refusal that was judged on so many records.
    pub fn of_refusal(&self, judged_at: u64) -> &Arc<PublicKey> {
        self.of_record(judged_at)
    }

    /// The key of the checkpoint of a tree of so many records: that of the last
    /// of them. `None` for the empty tree, which nobody signs.
    pub fn of_checkpoint(&self, size: u64) -> Option<&Arc<PublicKey>> {
        size.checked_sub(1).map(|last| self.of_record(last))
    }

    /// What the checkpoint of a tree of so many records is verified with, under
    /// the ledger's name; of none, or of no records, the key in force. `None` if
    /// the name is none that a note can bear.
    pub fn verifier_key(&self, name: &str, size: Option<u64>) -> Option<VerifierKey> {
        let key = size.and_then(|size| self.of_checkpoint(size));
        let key = key.unwrap_or(self.in_force());
        VerifierKey::new(name, NoteKeyKind::Ed25519, PublicKey::clone(key)).ok()
    }

    /// As [`check_acknowledgement`], by the key that signed for the batch which
    /// the acknowledgement itself names.
    pub fn check_acknowledgement(
        &self,
        genesis_hash: Hash,
        ack: &Acknowledgement,
    ) -> Result<Acknowledged, BadAcknowledgement> {
        let commit = ack.commit.as_ref().map(|signed| signed.commit.clone());
        let commit = commit.and_then(|bytes| Commit::decode(bytes).ok());
        let key = commit.map_or(self.in_force(), |commit| {
            self.of_record(commit.first_position)
        });
        check_acknowledgement(key, genesis_hash, ack)
    }

    /// As [`check_refusal`], by the key that signed at the position which the
    /// refusal itself names.
    pub fn check_refusal(
        &self,
        genesis_hash: Hash,
        signed: &SignedRefusal,
    ) -> Result<Refusal, BadRefusal> {
        let refusal = Refusal::decode(signed.refusal.clone()).ok();
        let key = refusal.map_or(self.in_force(), |refusal| {
            self.of_refusal(refusal.judged_at)
        });
        check_refusal(key, genesis_hash, signed)
    }
}
