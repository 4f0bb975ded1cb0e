//! Signatures: Ed25519 over the DSSE pre-authentication encoding, one payload
//! type for each purpose; and over the text of a C2SP note as it is. Strict
//! verification, one by one: batch verification accepts what single checks
//! refuse.
//!
//! A note can never be taken for an encoding, though one key may sign both: an
//! encoding begins with `DSSEv1 `, so that a space stands in its first line.
//! What is signed as a note begins with the line of a log's origin, which
//! holds no space ([`is_note_name`]; `proof::Checkpoint` refuses others), or
//! with the line `cosignature/v1`.

use std::io::Write as _;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};

use super::ids::KeyId;

/// What a signature is for. A signature for one purpose never passes for
/// another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A party's statement: over a `Payload`.
    Statement,
    /// The ledger's word on a batch: over a `Commit`.
    Commit,
    /// The ledger's "no": over a `Refusal`.
    Refusal,
    /// A new key of the ledger's speaks for itself: over a `LedgerKeyVow`.
    LedgerKey,
    /// The ledger's word on the end of a subject's chain: over a `SubjectHead`.
    SubjectHead,
}

impl Purpose {
    /// The DSSE payload type.
    pub fn payload_type(self) -> &'static str {
        match self {
            Purpose::Statement => "application/vnd.hazledger.statement.v1+protobuf",
            Purpose::Commit => "application/vnd.hazledger.commit.v1+protobuf",
            Purpose::Refusal => "application/vnd.hazledger.refusal.v1+protobuf",
            Purpose::LedgerKey => "application/vnd.hazledger.ledger-key.v1+protobuf",
            Purpose::SubjectHead => "application/vnd.hazledger.subject-head.v1+protobuf",
        }
    }
}

/// Room for all of an encoding that stands before the body, bytes.
const PREFIX_BYTES: usize = 96;

/// DSSE pre-authentication encoding (DSSE 1.0.2, protocol):
/// `"DSSEv1" SP LEN(type) SP type SP LEN(body) SP body`.
pub fn pre_authentication(purpose: Purpose, body: &[u8]) -> Vec<u8> {
    let kind = purpose.payload_type();
    let mut encoded = Vec::with_capacity(PREFIX_BYTES + body.len());
    // Writing to a vector cannot fail.
    let _ = write!(encoded, "DSSEv1 {} {kind} {} ", kind.len(), body.len());
    encoded.extend_from_slice(body);
    encoded
}

/// Bytes of a name in a note, at most.
pub const MAX_NOTE_NAME: usize = 255;

/// Whether a text can be the name of a key in a note, or a log's origin: not
/// empty, no space of any kind, no `+`, no control character (C2SP
/// signed-note, "Format"), and [`MAX_NOTE_NAME`] bytes at most.
pub fn is_note_name(name: &str) -> bool {
    let forbidden = |c: char| c.is_whitespace() || c == '+' || c < ' ';
    !name.is_empty() && name.len() <= MAX_NOTE_NAME && !name.contains(forbidden)
}

/// A public key that can be verified with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    id: KeyId,
}

/// Bytes that are no usable Ed25519 public key (not a point, or of small order).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a usable Ed25519 public key: 32 bytes of a point of large order are")]
pub struct BadPublicKey;

impl PublicKey {
    /// From its 32 bytes.
    pub fn parse(bytes: &[u8]) -> Result<PublicKey, BadPublicKey> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| BadPublicKey)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| BadPublicKey)?;
        if key.is_weak() {
            return Err(BadPublicKey);
        }
        Ok(PublicKey {
            key,
            id: KeyId::of(&bytes),
        })
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Whether the signature (64 bytes) holds over a note's text (C2SP
    /// signed-note, "Ed25519 signatures").
    pub fn verifies_note(&self, text: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature)
            .is_ok_and(|s| self.key.verify_strict(text, &s).is_ok())
    }

    /// Whether the signature (64 bytes) holds for the purpose over the body.
    pub fn verifies(&self, purpose: Purpose, body: &[u8], signature: &[u8]) -> bool {
        ed25519_dalek::Signature::from_slice(signature).is_ok_and(|s| {
            self.key
                .verify_strict(&pre_authentication(purpose, body), &s)
                .is_ok()
        })
    }
}

/// A key that can sign.
#[derive(Clone)]
pub struct SecretKey {
    key: SigningKey,
    public: PublicKey,
    salt_secret: [u8; 32],
}

impl SecretKey {
    /// From its 32 secret bytes.
    pub fn from_seed(seed: &[u8; 32]) -> SecretKey {
        let key = SigningKey::from_bytes(seed);
        let public = PublicKey {
            id: KeyId::of(key.verifying_key().as_bytes()),
            key: key.verifying_key(),
        };
        // The salts of a signer's bodies come from its key, under a context
        // of their own, so that they give nothing away about it.
        let salt_secret = blake3::derive_key("hazledger v1 salts of a signing key", seed);
        SecretKey {
            key,
            public,
            salt_secret,
        }
    }

    /// Its 32 secret bytes, to be stored.
    pub fn seed(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        self.public.id
    }

    /// The secret that this key's salts are derived from.
    pub fn salt_secret(&self) -> &[u8; 32] {
        &self.salt_secret
    }

    /// 64 bytes over the body for the purpose.
    pub fn sign(&self, purpose: Purpose, body: &[u8]) -> bytes::Bytes {
        let signature = self.key.sign(&pre_authentication(purpose, body));
        bytes::Bytes::copy_from_slice(&signature.to_bytes())
    }

    /// The same with the key's id beside it.
    pub fn signature(&self, purpose: Purpose, body: &[u8]) -> crate::pb::Signature {
        crate::pb::Signature {
            key_id: self.id().to_bytes(),
            signature: self.sign(purpose, body),
        }
    }

    /// 64 bytes over a note's text as it is (C2SP signed-note, "Ed25519
    /// signatures"). Its first line holds no space, so that it is no encoding
    /// for a purpose.
    pub fn sign_note(&self, text: &[u8]) -> bytes::Bytes {
        bytes::Bytes::copy_from_slice(&self.key.sign(text).to_bytes())
    }
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretKey({})", self.id())
    }
}
