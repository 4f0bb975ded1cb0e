//! Whose checkpoints a witness looks at: logs by origin, each with the keys
//! that it may sign with. Not here: what it has signed of them (`memory`).

use std::collections::BTreeMap;

use super::judge::Refused;
use crate::proof::{BadCheckpoint, Checkpoint, Note, NoteKeyKind, NoteSignature, VerifierKey};

/// Logs that a witness looks at, at most: each has a file and a lock.
pub const MAX_LOGS: usize = 1024;

/// Keys of one log, at most: one, and those it has gone over to.
pub const MAX_KEYS: usize = 8;

/// Logs by origin.
#[derive(Clone, Debug, Default)]
pub struct Logs(BTreeMap<String, Vec<VerifierKey>>);

/// Why keys cannot be looked after.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadLogs {
    /// None at all.
    #[error("no log to watch: give the verifier key of one")]
    None,
    /// More than [`MAX_LOGS`].
    #[error("more than {MAX_LOGS} logs; run a second witness, with a key of its own")]
    TooMany,
    /// More than [`MAX_KEYS`] of one log.
    #[error("more than {MAX_KEYS} keys of {0}; leave out those that it no longer signs with")]
    TooManyKeys(String),
    /// A witness' key.
    #[error("{0} is a witness' key and not a log's; ask the log's operator for the log's")]
    NotALog(String),
}

/// A checkpoint that one of its log's keys has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// What was signed, extension lines included.
    pub text: String,
    /// The signatures by keys of the log, one a key, all of which hold.
    pub signatures: Vec<NoteSignature>,
}

impl Logs {
    /// Several keys with one name are one log's.
    pub fn new(keys: impl IntoIterator<Item = VerifierKey>) -> Result<Logs, BadLogs> {
        let mut logs: BTreeMap<String, Vec<VerifierKey>> = BTreeMap::new();
        for key in keys {
            if key.kind() != NoteKeyKind::Ed25519 {
                return Err(BadLogs::NotALog(key.to_string()));
            }
            let keys = logs.entry(key.name().to_owned()).or_default();
            if keys.len() == MAX_KEYS {
                return Err(BadLogs::TooManyKeys(key.name().to_owned()));
            }
            keys.push(key);
            if logs.len() > MAX_LOGS {
                return Err(BadLogs::TooMany);
            }
        }
        if logs.is_empty() {
            return Err(BadLogs::None);
        }
        Ok(Logs(logs))
    }

    /// Their origins, in order.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Reads a checkpoint and holds it against its log's keys. A signature
    /// that names a key of the log and does not hold spoils the whole, others
    /// are passed over (C2SP signed-note, "Signatures").
    pub fn open(&self, note: &Note) -> Result<Opened, Refused> {
        // Whose it is comes before what is wrong with its tree: that a log has
        // signed nonsense is said of it only if it has.
        let parsed = match Checkpoint::parse(&note.text) {
            Ok(checkpoint) => Ok(checkpoint),
            Err(BadCheckpoint::EmptyRoot(_)) => Err(Refused::EmptyRoot),
            // A log may be called so; none that is watched is.
            Err(BadCheckpoint::Origin(origin)) => return Err(Refused::UnknownOrigin(origin)),
            Err(why) => return Err(Refused::Malformed(why.to_string())),
        };
        let origin = note.text.lines().next().unwrap_or_default();
        let signatures = self.signed_by(origin, note)?;
        Ok(Opened {
            text: note.text.clone(),
            checkpoint: parsed?,
            signatures,
        })
    }

    /// The signatures by keys of the log of that origin, one a key.
    fn signed_by(&self, origin: &str, note: &Note) -> Result<Vec<NoteSignature>, Refused> {
        let Some(keys) = self.0.get(origin) else {
            return Err(Refused::UnknownOrigin(origin.to_owned()));
        };
        let mut signatures = Vec::new();
        for signature in &note.signatures {
            let by = |key: &&VerifierKey| key.name() == signature.name && key.id() == signature.id;
            let Some(key) = keys.iter().find(by) else {
                continue;
            };
            if !key
                .public()
                .verifies_note(note.text.as_bytes(), &signature.signature)
            {
                return Err(Refused::BadSignature(origin.to_owned()));
            }
            // Said twice is said once: what is kept of it stays short.
            if !signatures
                .iter()
                .any(|had: &NoteSignature| had.id == signature.id)
            {
                signatures.push(signature.clone());
            }
        }
        if signatures.is_empty() {
            return Err(Refused::Unsigned(origin.to_owned()));
        }
        Ok(signatures)
    }
}
