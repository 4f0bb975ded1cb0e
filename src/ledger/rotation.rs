//! The ledger's key against the one in force: whether a ledger may be opened
//! with it, and what becomes of one whose key is rotated while it runs. Which
//! key signs what is in `proof`'s `ROTATION.md`.

use std::fmt;

use super::error::OpenError;
use super::shared::Shared;
use crate::custody::{State, rotation};
use crate::event::KeyId;
use crate::event::record::OpenRecord;
use crate::event::signing::SecretKey;
use crate::pb::event::Body;
use crate::proof::LedgerKeys;

/// A rotation that was recorded while the ledger ran: it has not got the new
/// key, so it accepts nothing after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The position of its record.
    pub position: u64,
    /// The key in force since.
    pub key: KeyId,
}

impl fmt::Display for Rotated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the ledger's key was rotated in record {}: stop it, and start it again with the file of \
             the new key, {} (--ledger-key FILE)",
            self.position, self.key
        )
    }
}

impl Rotated {
    /// What a record says of it.
    pub(super) fn of(record: &OpenRecord) -> Option<Rotated> {
        let mut events = record.events.iter().flatten();
        events.find_map(|event| match &event.body {
            Some(Body::LedgerKeyRotated(e)) => Some(Rotated {
                position: record.position(),
                key: KeyId::of(e.public_key.as_ref().try_into().ok()?),
            }),
            _ => None,
        })
    }
}

impl Shared {
    /// What stopped it, if that is a rotation.
    pub(super) fn rotated(&self) -> Option<Rotated> {
        *self.rotated.borrow()
    }

    /// Takes note of one that has been folded.
    pub(super) fn note_rotation(&self, rotated: Option<Rotated>) {
        if rotated.is_some() {
            self.rotated.send_replace(rotated);
        }
    }

    /// Whether its key signs what was judged on so many records.
    pub(super) fn signs_at(&self, judged_at: u64) -> bool {
        self.rotated()
            .is_none_or(|rotated| judged_at <= rotated.position)
    }
}

/// The keys that a ledger has had; `None` before genesis.
pub(super) fn keys_of(state: &State) -> Option<LedgerKeys> {
    LedgerKeys::of(&rotation::ledger_of(state)?).ok()
}

/// Whether a ledger whose records have come to this state may be opened with
/// this key; the keys that it has had.
pub(super) fn check_key(state: &State, key: &SecretKey) -> Result<LedgerKeys, OpenError> {
    let keys = keys_of(state).ok_or(OpenError::NoGenesis)?;
    let (got, want) = (key.id(), keys.in_force().id());
    if got == want {
        return Ok(keys);
    }
    if keys.rotations() == 0 {
        return Err(OpenError::WrongKey { got, want });
    }
    let since: Vec<(u64, KeyId)> = keys.all().map(|(since, key)| (since, key.id())).collect();
    let was = since.iter().position(|(_, id)| *id == got);
    let until = was.and_then(|at| since.get(at.saturating_add(1)));
    Err(match until {
        Some((until, _)) => OpenError::EarlierKey {
            got,
            want,
            position: until.saturating_sub(1),
        },
        None => OpenError::NotInForce { got, want },
    })
}
