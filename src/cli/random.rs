//! Randomness, from the operating system: the one place that asks for it, so
//! that everything else can be handed fixed bytes in tests.

use zeroize::Zeroizing;

use super::error::CliError;
use crate::event::signing::SecretKey;

/// Bytes that nobody can guess.
pub fn bytes<const N: usize>() -> Result<[u8; N], CliError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| CliError::System {
        what: "random bytes",
        why: e.to_string(),
    })?;
    Ok(bytes)
}

/// A fresh signing key.
pub fn signing_key() -> Result<SecretKey, CliError> {
    let seed = Zeroizing::new(bytes()?);
    Ok(SecretKey::from_seed(&seed))
}
