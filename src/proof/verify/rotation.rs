//! Another key in the place of the ledger's (`ROTATION.md`): what a rotation
//! needs beside its statement's signatures, which are verified as all others.

use super::signers::{self, Signers};
use super::violation::Violation;
use crate::custody::rotation::{MAX_KEYS, is_proven};
use crate::custody::subject::{self, Items};
use crate::event::Hash;
use crate::event::record::OpenRecord;
use crate::event::signing::PublicKey;
use crate::pb::LedgerKeyRotated;
use crate::pb::event::Body;
use crate::proof::LedgerKeys;

/// What a record says of the ledger's key, if it does.
pub(super) fn in_record(record: &OpenRecord) -> Option<&LedgerKeyRotated> {
    let mut events = record.events.iter().flatten();
    events.find_map(|event| match &event.body {
        Some(Body::LedgerKeyRotated(e)) => Some(e),
        _ => None,
    })
}

/// The key that a record puts in the place of the one in force, if it does.
pub(in crate::proof) fn of(
    keys: &LedgerKeys,
    genesis_hash: Hash,
    record: &OpenRecord,
) -> Option<PublicKey> {
    let e = in_record(record)?;
    check(keys, genesis_hash, record, e).ok()
}

/// A rotation is the last record of its batch.
pub(super) fn check_place(record: &OpenRecord, is_last: bool) -> Result<(), Violation> {
    if is_last || in_record(record).is_none() {
        return Ok(());
    }
    Err(Violation::Rotation("it is not the last of its batch"))
}

/// Whose act a rotation is, by the registry before it.
pub(super) fn check_signers(
    before: &dyn Items,
    record: &OpenRecord,
    signers: &Signers,
    e: &LedgerKeyRotated,
) -> Result<(), Violation> {
    if !signers.root() || !signers::is_authority(before, &record.payload.party) {
        return Err(Violation::Rotation(
            "it is an act of an authority that genesis names, by as many authority keys as root acts need",
        ));
    }
    let known = |key: PublicKey| before.get(&subject::key(key.id())).is_some();
    if PublicKey::parse(&e.public_key).is_ok_and(known) {
        return Err(Violation::Rotation("its key is registered already"));
    }
    Ok(())
}

/// What the event says against the keys before it; the new key.
pub(super) fn check(
    keys: &LedgerKeys,
    genesis_hash: Hash,
    record: &OpenRecord,
    e: &LedgerKeyRotated,
) -> Result<PublicKey, Violation> {
    let refused = |why| Err(Violation::Rotation(why));
    if record.events.len() != 1 {
        return refused("it is not alone in its statement");
    }
    if e.previous_key_id.as_ref() != keys.in_force().id().0 {
        return refused("it does not go on from the key in force");
    }
    let Ok(new) = PublicKey::parse(&e.public_key) else {
        return refused("its key is none");
    };
    if keys.all().any(|(_, key)| *key == new) {
        return refused("its key has been the ledger's before");
    }
    if !is_proven(&genesis_hash.0, e) {
        return refused("the new key has not signed for itself");
    }
    if keys.rotations() >= MAX_KEYS {
        return refused("the ledger's key has been rotated as often as it may be");
    }
    Ok(new)
}
