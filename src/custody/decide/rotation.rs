//! Another key takes the place of the ledger's own: who may say so, and of
//! which key.

use super::Case;
use super::fields::{self, MAX_TEXT};
use crate::custody::draft::Draft;
use crate::custody::rotation;
use crate::custody::subject;
use crate::event::KeyId;
use crate::event::codes::Refused;
use crate::event::signing::PublicKey;
use crate::event::when::shown;
use crate::pb::{LedgerKeyRotated, RefusalCode};

/// A root act, by an authority that genesis names: whoever reads heads alone
/// then knows which records may hold one. Alone in its statement, because its
/// record ends a batch.
pub(super) fn rotated(
    draft: &Draft<'_>,
    case: &Case<'_>,
    e: &LedgerKeyRotated,
) -> Result<(), Refused> {
    let genesis = case.context.genesis;
    let named = genesis.authorities.iter().any(|a| a.party == case.party());
    if !case.signers.root() || !named {
        return Err(Refused::new(RefusalCode::AuthorityRequired, "")
            .detail("an authority that genesis names, with as many keys as root acts need"));
    }
    fields::text(&e.reason, MAX_TEXT, "reason")?;
    if case.statement.events.len() != 1 {
        return Err(Refused::invalid("", "it stands alone in its statement"));
    }
    let previous = KeyId::from_slice(&e.previous_key_id)
        .ok_or_else(|| Refused::invalid("previous_key_id", "16 bytes are wanted"))?;
    let new = PublicKey::parse(&e.public_key)
        .map_err(|error| Refused::invalid("public_key", error.to_string()))?;
    let now = case.context.recorded_at_ms;
    if !(0..=now).contains(&e.compromised_since_ms) {
        return Err(Refused::invalid(
            "compromised_since_ms",
            format!("0, or a time up to now, {}", shown(now)),
        ));
    }
    if draft.item(&subject::key(new.id())).is_some() {
        return Err(
            Refused::new(RefusalCode::KeyExists, "public_key").detail(format!("key {}", new.id()))
        );
    }
    follows(draft, e, previous)
}

/// Whether it goes on from the key in force, by the word of the new one too.
fn follows(draft: &Draft<'_>, e: &LedgerKeyRotated, previous: KeyId) -> Result<(), Refused> {
    let ledger = rotation::ledger_of(draft).unwrap_or_default();
    let in_force = PublicKey::parse(rotation::in_force(&ledger)).map(|key| key.id());
    if in_force != Ok(previous) {
        let detail = in_force.map_or_else(|_| String::new(), |id| format!("{id} is in force"));
        return Err(Refused::new(RefusalCode::NotTheLedgerKey, "previous_key_id").detail(detail));
    }
    if !rotation::is_proven(&ledger.genesis_hash, e) {
        return Err(Refused::new(RefusalCode::LedgerKeyNotProven, "possession"));
    }
    if ledger.keys.len() >= rotation::MAX_KEYS {
        return Err(Refused::new(RefusalCode::TooManyLedgerKeys, "public_key")
            .detail(format!("at most {}", rotation::MAX_KEYS)));
    }
    Ok(())
}
