//! Refusals: the ledger's "no", signed over payload digest, code, time and
//! the committed position it was judged at.

use bytes::Bytes;
use prost::Message as _;

use crate::event::codes::Refused;
use crate::event::signing::{PublicKey, Purpose, SecretKey};
use crate::event::statement::canonical;
use crate::event::{Hash, KeyId};
use crate::pb::{Refusal, SignedRefusal};

/// Signs a refusal. The words of `refused` travel beside it unsigned.
pub fn sign_refusal(key: &SecretKey, refusal: &Refusal, refused: &Refused) -> SignedRefusal {
    let refusal: Bytes = refusal.encode_to_vec().into();
    SignedRefusal {
        signature: Some(key.signature(Purpose::Refusal, &refusal)),
        refusal,
        ..refused.to_pb()
    }
}

/// Why bytes are not the ledger's signed refusal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRefusal {
    /// Not the protobuf message it should be, or not in canonical form.
    #[error("the refusal is not a canonical Refusal")]
    NotCanonical,
    /// Nobody signed it: the statement's own signature did not verify.
    #[error("the refusal is not signed: the statement's own signature did not verify")]
    Unsigned,
    /// Of another ledger.
    #[error("the refusal is of another ledger than the one with genesis {0}")]
    Genesis(Hash),
    /// The code beside it is not the one that is signed.
    #[error("the code beside the refusal is not the one that is signed")]
    Code,
    /// Not signed by the ledger's key.
    #[error("the refusal is not signed by the ledger's key {0}")]
    Signature(KeyId),
}

/// Checks that the ledger with this key and genesis signed this refusal.
pub fn check_refusal(
    key: &PublicKey,
    genesis_hash: Hash,
    signed: &SignedRefusal,
) -> Result<Refusal, BadRefusal> {
    let signature = signed.signature.as_ref().ok_or(BadRefusal::Unsigned)?;
    let refusal: Refusal =
        canonical(&signed.refusal, "refusal").map_err(|_| BadRefusal::NotCanonical)?;
    if refusal.genesis_hash.as_ref() != genesis_hash.0 || refusal.payload_digest.len() != 32 {
        return Err(BadRefusal::Genesis(genesis_hash));
    }
    if refusal.code != signed.code {
        return Err(BadRefusal::Code);
    }
    let holds = signature.key_id.as_ref() == key.id().0
        && key.verifies(Purpose::Refusal, &signed.refusal, &signature.signature);
    if !holds {
        return Err(BadRefusal::Signature(key.id()));
    }
    Ok(refusal)
}
