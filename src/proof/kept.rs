//! Refusals as they are kept beside the journal: each names the running hash
//! of the one before, and the ledger's own records say what the hash is after
//! so many. Not here: the files they are in (`journal`, `ledger`).

use bytes::Bytes;

use super::ledger_keys::LedgerKeys;
use super::refusal::{BadRefusal, check_refusal};
use crate::event::digest::{Tag, tagged};
use crate::event::signing::PublicKey;
use crate::event::statement::canonical;
use crate::event::{Hash, KeyId, StatementId};
use crate::pb::{KeptRefusal, Refusal, SignedRefusal};

/// The running hash after a refusal, over its stored bytes.
pub fn kept_hash(stored: &[u8]) -> Hash {
    tagged(Tag::Refusal, &[stored])
}

/// Why bytes are not the refusal that should stand there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKept {
    /// Not the protobuf message it should be, or not in canonical form.
    #[error("it is not a canonical KeptRefusal")]
    NotCanonical,
    /// Another number than its place.
    #[error("it calls itself number {0}")]
    Number(u64),
    /// It does not go on from the one before.
    #[error(
        "it goes on from {got}, the one before has the running hash {want}: one of the two was \
         changed, or others stood between them"
    )]
    Previous {
        /// As it says.
        got: Hash,
        /// As computed.
        want: Hash,
    },
    /// Whose it is cannot be.
    #[error("its party, key or statement id is no such thing")]
    Source,
    /// What the ledger signed is not its word.
    #[error(transparent)]
    Refusal(#[from] BadRefusal),
}

/// Reads a kept refusal and checks that it is one, whatever its place.
pub fn open_kept(stored: &Bytes) -> Result<KeptRefusal, BadKept> {
    let kept: KeptRefusal = canonical(stored, "kept refusal").map_err(|_| BadKept::NotCanonical)?;
    let sound = !kept.party.is_empty()
        && KeyId::from_slice(&kept.key_id).is_some()
        && StatementId::parse(&kept.statement_id).is_some();
    if sound {
        Ok(kept)
    } else {
        Err(BadKept::Source)
    }
}

/// Where a chain of kept refusals has got to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeptChain {
    /// How many there are: the number of the next.
    pub count: u64,
    /// Running hash of the last; zeros before the first.
    pub hash: Hash,
}

impl KeptChain {
    /// Takes the next, of the ledger with this key and genesis: in its place,
    /// and signed. Goes on after one that is wrong.
    pub fn next(
        &mut self,
        key: &PublicKey,
        genesis_hash: Hash,
        stored: &Bytes,
    ) -> Result<(KeptRefusal, Refusal), BadKept> {
        self.next_signed(stored, |signed| check_refusal(key, genesis_hash, signed))
    }

    /// The same of a ledger whose key may have been rotated: each by the key of
    /// the position that it was judged at.
    pub fn next_of(
        &mut self,
        keys: &LedgerKeys,
        genesis_hash: Hash,
        stored: &Bytes,
    ) -> Result<(KeptRefusal, Refusal), BadKept> {
        self.next_signed(stored, |signed| keys.check_refusal(genesis_hash, signed))
    }

    fn next_signed(
        &mut self,
        stored: &Bytes,
        check: impl FnOnce(&SignedRefusal) -> Result<Refusal, BadRefusal>,
    ) -> Result<(KeptRefusal, Refusal), BadKept> {
        let before = *self;
        self.count = before.count.saturating_add(1);
        self.hash = kept_hash(stored);
        let kept = open_kept(stored)?;
        if kept.number != before.count {
            return Err(BadKept::Number(kept.number));
        }
        if kept.previous.as_ref() != before.hash.0 {
            return Err(BadKept::Previous {
                got: Hash::from_slice(&kept.previous).unwrap_or_default(),
                want: before.hash,
            });
        }
        let signed = kept.refusal.clone().unwrap_or_default();
        let refusal = check(&signed)?;
        Ok((kept, refusal))
    }
}
