//! The ledger's own key and what may follow it: the keys that a ledger has had,
//! as its item in the state tells them, and the vow that a new one makes. Not
//! here: who may put one in the other's place (`decide`), and what each key may
//! sign (`proof`'s `ROTATION.md`).

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;

use super::lot::{Broken, broken};
use super::registry::{self, LEDGER};
use super::subject::{self, Item, Items};
use crate::event::KeyId;
use crate::event::signing::{PublicKey, Purpose, SecretKey};
use crate::pb::{
    KeyHolder, KeyState, LedgerKey, LedgerKeyRotated, LedgerKeyVow, LedgerState, Subject,
};

/// Keys that may follow the one of genesis, at most: the ledger's item, which
/// is encoded each time that the ledger says something, stays small.
pub const MAX_KEYS: usize = 64;

/// The public key that the ledger signs its next batch with, 32 bytes.
pub fn in_force(ledger: &LedgerState) -> &Bytes {
    static NONE: Bytes = Bytes::new();
    let genesis = || ledger.genesis.as_ref().map(|g| &g.ledger_public_key);
    let last = ledger.keys.last().map(|key| &key.public_key);
    last.or_else(genesis).unwrap_or(&NONE)
}

/// The ledger's own item.
pub fn ledger_of(items: &dyn Items) -> Option<LedgerState> {
    match items.get(&subject::ledger()).as_deref() {
        Some(Item::Ledger(ledger)) => Some(ledger.clone()),
        _ => None,
    }
}

/// What the new key signs: nothing of the statement, so that whoever holds the
/// key can sign before the authority does; all that makes it this ledger's.
fn vow(genesis_hash: &[u8], e: &LedgerKeyRotated) -> Vec<u8> {
    let vow = LedgerKeyVow {
        genesis_hash: Bytes::copy_from_slice(genesis_hash),
        previous_key_id: e.previous_key_id.clone(),
        public_key: e.public_key.clone(),
    };
    vow.encode_to_vec()
}

/// A rotation from a key to another, with that one's vow.
pub fn sworn(genesis_hash: &[u8], previous: KeyId, new: &SecretKey) -> LedgerKeyRotated {
    let mut e = LedgerKeyRotated {
        previous_key_id: previous.to_bytes(),
        public_key: Bytes::copy_from_slice(new.public().as_bytes()),
        ..LedgerKeyRotated::default()
    };
    e.possession = new.sign(Purpose::LedgerKey, &vow(genesis_hash, &e));
    e
}

/// Whether the new key has signed for itself, for the ledger of this genesis.
pub fn is_proven(genesis_hash: &[u8], e: &LedgerKeyRotated) -> bool {
    PublicKey::parse(&e.public_key).is_ok_and(|key| {
        let vow = vow(genesis_hash, e);
        key.verifies(Purpose::LedgerKey, &vow, &e.possession)
    })
}

/// The subjects that a rotation changes: the ledger and both keys.
pub(super) fn subjects(e: &LedgerKeyRotated) -> Vec<Subject> {
    let new = <&[u8; 32]>::try_from(e.public_key.as_ref()).map(KeyId::of);
    let keys = [KeyId::from_slice(&e.previous_key_id), new.ok()];
    let keys = keys.into_iter().flatten().map(subject::key);
    std::iter::once(subject::ledger()).chain(keys).collect()
}

/// Applies a rotation that is recorded at a position: the earlier key signs
/// nothing after it, not even as the ledger's among others' statements.
pub(super) fn apply(
    items: &mut BTreeMap<Subject, Item>,
    e: &LedgerKeyRotated,
    position: u64,
) -> Result<(), Broken> {
    let [_, previous, new] = subjects(e).try_into().unwrap_or_default();
    if let Some(Item::Ledger(ledger)) = items.get_mut(&subject::ledger()) {
        if ledger.keys.len() >= MAX_KEYS {
            return broken(8, "more keys of the ledger's than there may be");
        }
        ledger.keys.push(LedgerKey {
            public_key: e.public_key.clone(),
            since: position.saturating_add(1),
            compromised_since_ms: e.compromised_since_ms,
        });
    } else {
        return broken(8, "a rotation before genesis");
    }
    match items.get_mut(&previous) {
        Some(Item::Key(key)) => key.revoked_at = position,
        _ => return broken(8, "a rotation from a key that is not registered"),
    }
    let key = registry::unbounded_key(LEDGER, &e.public_key, KeyHolder::Device, &Bytes::new());
    let state = KeyState {
        registered: Some(key),
        ..KeyState::default()
    };
    if items.insert(new, Item::Key(state)).is_some() {
        return broken(8, "a rotation to a key that is registered");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GENESIS: [u8; 32] = [7; 32];

    fn key(seed: u8) -> SecretKey {
        SecretKey::from_seed(&[seed; 32])
    }

    #[test]
    fn a_vow_holds_for_this_ledger_this_key_and_the_one_before_it() {
        let e = sworn(&GENESIS, key(1).id(), &key(2));
        assert!(is_proven(&GENESIS, &e));
        assert!(!is_proven(&[8; 32], &e));
        let other = LedgerKeyRotated {
            previous_key_id: key(3).id().to_bytes(),
            ..e.clone()
        };
        assert!(!is_proven(&GENESIS, &other));
        let public_key = Bytes::copy_from_slice(key(3).public().as_bytes());
        let other = LedgerKeyRotated {
            public_key,
            ..e.clone()
        };
        assert!(!is_proven(&GENESIS, &other));
        let unsigned = LedgerKeyRotated {
            possession: Bytes::new(),
            ..e
        };
        assert!(!is_proven(&GENESIS, &unsigned));
    }

    #[test]
    fn a_vow_is_no_commit_and_no_statement() {
        let e = sworn(&GENESIS, key(1).id(), &key(2));
        let vow = vow(&GENESIS, &e);
        for purpose in [Purpose::Statement, Purpose::Commit, Purpose::Refusal] {
            assert!(!key(2).public().verifies(purpose, &vow, &e.possession));
        }
    }

    #[test]
    fn the_key_of_genesis_is_in_force_until_one_follows_it() {
        let genesis = crate::pb::Genesis {
            ledger_public_key: Bytes::from_static(&[1; 32]),
            ..crate::pb::Genesis::default()
        };
        let mut ledger = LedgerState {
            genesis: Some(genesis),
            ..LedgerState::default()
        };
        assert_eq!(in_force(&ledger).as_ref(), [1; 32]);
        ledger.keys.push(LedgerKey {
            public_key: Bytes::from_static(&[2; 32]),
            since: 5,
            compromised_since_ms: 0,
        });
        assert_eq!(in_force(&ledger).as_ref(), [2; 32]);
        assert!(in_force(&LedgerState::default()).is_empty());
    }
}
