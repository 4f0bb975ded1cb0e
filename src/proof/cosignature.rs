//! Cosignatures: a witness's word that, as of a time, a checkpoint is the
//! largest it saw of a log, and goes on from those before (C2SP
//! tlog-cosignature, Ed25519, v1). Not here: which witnesses are enough
//! (`policy`).

use bytes::{BufMut as _, BytesMut};

use super::note::{Note, NoteKeyKind, NoteSignature, VerifierKey, note_key_id};
use crate::event::digest::to_hex;
use crate::event::signing::SecretKey;

/// The last time a cosignature may have, Unix seconds.
pub const MAX_TIME: u64 = i64::MAX.unsigned_abs();

/// Bytes of a cosignature: a time, and an Ed25519 signature.
const COSIGNATURE_BYTES: usize = 8 + 64;

/// Why a note does not bear a witness's cosignature.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCosignature {
    /// A key that is none of a witness.
    #[error("the key of {0} is for notes (type 0x01), not for cosignatures (type 0x04)")]
    Kind(String),
    /// None.
    #[error(
        "the checkpoint is not cosigned by {name} with the key of id {id}; it is signed by {by}"
    )]
    Missing {
        /// The witness's key's name.
        name: String,
        /// Its id.
        id: String,
        /// Whose signatures the note has.
        by: String,
    },
    /// Not a time and a signature.
    #[error("the cosignature of {name} has {length} bytes, not {COSIGNATURE_BYTES}")]
    Length {
        /// The witness's key's name.
        name: String,
        /// Bytes it has.
        length: usize,
    },
    /// A time that none may have.
    #[error("the cosignature of {name} is of second {at_s}, past the last possible one")]
    Time {
        /// The witness's key's name.
        name: String,
        /// As it says, Unix seconds.
        at_s: u64,
    },
    /// Not made by the key over this checkpoint and time.
    #[error(
        "the cosignature of {0} does not hold: the checkpoint, the time or the signature was changed"
    )]
    Forged(String),
}

/// What a witness signs.
fn message(text: &str, at_s: u64) -> String {
    format!("cosignature/v1\ntime {at_s}\n{text}")
}

/// Cosigns a checkpoint's text as the witness of this name, at a time in Unix
/// seconds. That it is a checkpoint, and goes on from the last one that was
/// cosigned, the caller has checked.
pub fn cosign(key: &SecretKey, name: &str, text: &str, at_s: u64) -> NoteSignature {
    let at_s = at_s.min(MAX_TIME);
    let mut signature = BytesMut::with_capacity(COSIGNATURE_BYTES);
    signature.put_u64(at_s);
    signature.put_slice(&key.sign_note(message(text, at_s).as_bytes()));
    NoteSignature {
        name: name.to_owned(),
        id: note_key_id(name, NoteKeyKind::Cosignature, key.public()),
        signature: signature.freeze(),
    }
}

/// Checks that the witness cosigned the note: at least one signature says it
/// is this key's, and all that say so hold. Answers the time of the latest,
/// Unix seconds.
pub fn check_cosignature(note: &Note, witness: &VerifierKey) -> Result<u64, BadCosignature> {
    let name = || witness.name().to_owned();
    if witness.kind() != NoteKeyKind::Cosignature {
        return Err(BadCosignature::Kind(name()));
    }
    let mut latest = None;
    for line in witness.signatures_in(note) {
        latest = latest.max(Some(checked_time(note, witness, line)?));
    }
    latest.ok_or_else(|| BadCosignature::Missing {
        name: name(),
        id: to_hex(&witness.id()),
        by: note.signers(),
    })
}

/// The time of one cosignature that says it is the witness's, if it holds.
fn checked_time(
    note: &Note,
    witness: &VerifierKey,
    line: &NoteSignature,
) -> Result<u64, BadCosignature> {
    let name = witness.name().to_owned();
    let length = line.signature.len();
    let Some((time, signature)) = line.signature.split_first_chunk() else {
        return Err(BadCosignature::Length { name, length });
    };
    if length != COSIGNATURE_BYTES {
        return Err(BadCosignature::Length { name, length });
    }
    let at_s = u64::from_be_bytes(*time);
    if at_s > MAX_TIME {
        return Err(BadCosignature::Time { name, at_s });
    }
    let message = message(&note.text, at_s);
    if witness
        .public()
        .verifies_note(message.as_bytes(), signature)
    {
        Ok(at_s)
    } else {
        Err(BadCosignature::Forged(name))
    }
}
