//! What a witness has signed, and its signing of more: one request of a log at
//! a time, and nothing leaves before it is on the disk.
//!
//! Architecture invariant: between the look at what was signed last and the
//! file that replaces it, nobody else looks (C2SP tlog-witness: "must be
//! performed atomically").

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use super::files::{Files, FolderError};
use super::judge::{Refused, Signed, goes_on};
use super::logs::{Logs, Opened};
use super::request::AddCheckpoint;
use crate::event::digest::to_hex;
use crate::event::signing::SecretKey;
use crate::proof::{
    BadVerifierKey, Checkpoint, Note, NoteKeyKind, NoteSignature, VerifierKey, check_cosignature,
    cosign,
};
use crate::storage::NotReplaced;

/// Who signs.
#[derive(Clone, Debug)]
pub struct Signer {
    key: SecretKey,
    public: VerifierKey,
}

impl Signer {
    /// A witness' name, which its cosignatures carry, and its key, which signs
    /// nothing else (C2SP tlog-cosignature).
    pub fn new(name: &str, key: SecretKey) -> Result<Signer, BadVerifierKey> {
        let public = VerifierKey::new(name, NoteKeyKind::Cosignature, key.public().clone())?;
        Ok(Signer { key, public })
    }

    /// What others verify its cosignatures with.
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.public
    }
}

/// What came of a request.
#[derive(Debug)]
pub enum Answer {
    /// Signed, and kept before this was made.
    Cosigned {
        /// Ours.
        signature: NoteSignature,
        /// Of which log.
        origin: String,
        /// How large.
        size: u64,
        /// The same was signed before.
        again: bool,
    },
    /// Not signed.
    Refused(Refused),
    /// Not signed, for a fault of ours.
    Failed(Failed),
}

/// Why a witness could not sign.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// This time.
    #[error("this witness cannot keep what it signs, and signed nothing: {0}")]
    Disk(String),
    /// Until it is started again.
    #[error(
        "this witness does not know what its disk holds of {origin:?} and signs nothing more of it \
         until it is started again: {why}"
    )]
    InDoubt {
        /// The log.
        origin: String,
        /// What the operating system said.
        why: String,
    },
}

/// What was signed of a log last.
#[derive(Debug, Default)]
struct Last {
    signed: Signed,
    /// Unix seconds; the next is not before it.
    at_s: u64,
    /// With the log's signature and ours; `None` before the first.
    note: Option<Arc<str>>,
    /// Why nothing more can be signed.
    in_doubt: Option<String>,
    /// Whether a proof that the log shows two trees is kept.
    fork_kept: bool,
}

/// A log.
#[derive(Debug)]
struct Watched {
    /// Held while a request is answered, the disk included.
    last: Mutex<Last>,
    /// What others are shown of it. Held for a moment only, so that whoever
    /// looks never waits for the disk.
    shown: Mutex<Shown>,
}

/// What is shown of a log.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// The size that was signed last; 0 before the first.
    pub size: u64,
    /// When, Unix seconds; 0 before the first.
    pub at_s: u64,
    /// The note, with the log's signature and ours.
    note: Option<Arc<str>>,
    /// Nothing more is signed until the witness is started again.
    pub in_doubt: bool,
    /// A proof that the log shows two trees is kept.
    pub forked: bool,
}

impl From<&Last> for Shown {
    fn from(last: &Last) -> Shown {
        Shown {
            size: last.signed.size,
            at_s: last.at_s,
            note: last.note.clone(),
            in_doubt: last.in_doubt.is_some(),
            forked: last.fork_kept,
        }
    }
}

impl Watched {
    fn new(last: Last) -> Watched {
        Watched {
            shown: Mutex::new(Shown::from(&last)),
            last: Mutex::new(last),
        }
    }
}

/// A witness.
pub struct Witness<F> {
    signer: Signer,
    logs: Logs,
    files: F,
    /// Unix seconds.
    clock: Box<dyn Fn() -> u64 + Send + Sync>,
    /// By the SHA-256 of the origin, hexadecimal.
    watched: BTreeMap<String, Watched>,
}

impl<F: Files> Witness<F> {
    /// Takes up what is in the files.
    pub fn open(
        signer: Signer,
        logs: Logs,
        files: F,
        clock: Box<dyn Fn() -> u64 + Send + Sync>,
    ) -> Result<Witness<F>, FolderError> {
        let mut watched = BTreeMap::new();
        for origin in logs.origins() {
            let hash = origin_hash(origin);
            let taken = take_up(&files, &hash, origin, signer.verifier_key())?;
            watched.insert(hash, Watched::new(taken));
        }
        Ok(Witness {
            signer,
            logs,
            files,
            clock,
            watched,
        })
    }

    /// Who it is.
    pub fn verifier_key(&self) -> &VerifierKey {
        self.signer.verifier_key()
    }

    /// The logs it watches, and what is shown of each. Never waits for the
    /// disk.
    pub fn shown(&self) -> Vec<(String, Shown)> {
        let shown = |origin: &str| {
            let watched = self.watched.get(&origin_hash(origin))?;
            Some((origin.to_owned(), lock(&watched.shown).clone()))
        };
        self.logs.origins().filter_map(shown).collect()
    }

    /// The logs it watches, and the size that it has signed last of each.
    pub fn sizes(&self) -> Vec<(String, u64)> {
        let shown = self.shown().into_iter();
        shown.map(|(origin, shown)| (origin, shown.size)).collect()
    }

    /// The checkpoint that was signed last of a log, with the log's signature
    /// and ours; the log is named by its origin's SHA-256 in lower-case
    /// hexadecimal (C2SP tlog-witness, "Monitor Retrieval Mechanism").
    pub fn latest(&self, origin_hash: &str) -> Option<String> {
        let note = lock(&self.watched.get(origin_hash)?.shown).note.clone();
        note.as_deref().map(str::to_owned)
    }

    /// Answers a request's body. Blocks on the disk.
    pub fn add(&self, body: &[u8]) -> Answer {
        let opened = AddCheckpoint::parse(body)
            .map_err(|why| Refused::Malformed(why.to_string()))
            .and_then(|request| {
                self.logs
                    .open(&request.note)
                    .map(|opened| (request, opened))
            });
        let (request, opened) = match opened {
            Ok(opened) => opened,
            Err(refused) => return Answer::Refused(refused),
        };
        let hash = origin_hash(&opened.checkpoint.origin);
        let Some(watched) = self.watched.get(&hash) else {
            return Answer::Refused(Refused::UnknownOrigin(opened.checkpoint.origin));
        };
        // Held until the file is replaced.
        let mut last = lock(&watched.last);
        let answer = match goes_on(last.signed, request.old, &request.proof, &opened) {
            Ok(signed) => self
                .sign(&hash, &mut last, signed, &opened)
                .unwrap_or_else(Answer::Failed),
            Err(refused) => {
                if matches!(refused, Refused::Forked { .. }) {
                    self.keep_fork(&hash, &mut last, &opened);
                }
                Answer::Refused(refused)
            }
        };
        *lock(&watched.shown) = Shown::from(&*last);
        answer
    }

    fn sign(
        &self,
        hash: &str,
        last: &mut Last,
        signed: Signed,
        opened: &Opened,
    ) -> Result<Answer, Failed> {
        let origin = opened.checkpoint.origin.clone();
        if let Some(why) = last.in_doubt.clone() {
            return Err(Failed::InDoubt { origin, why });
        }
        // A clock that was set back does not make the larger tree the older;
        // and 0 would say that there is no time.
        let at_s = (self.clock)().max(last.at_s).max(1);
        let signature = cosign(
            &self.signer.key,
            self.signer.public.name(),
            &opened.text,
            at_s,
        );
        let note = with_signature(opened, signature.clone()).to_string();
        // Anybody may send again what a log has published: that costs the disk
        // one write a second and no more.
        if last.note.as_deref() == Some(note.as_str()) {
            return Ok(cosigned(opened, signature, true));
        }
        // What could not be read again must not be kept.
        if let Err(why) = Note::parse(&note) {
            return Ok(Answer::Refused(Refused::Malformed(format!(
                "with this witness' signature the note would be none: {why}"
            ))));
        }
        match self.files.replace(&checkpoint_file(hash), &note) {
            Ok(()) => {}
            Err(NotReplaced::Before(why)) => return Err(Failed::Disk(why.to_string())),
            Err(NotReplaced::InDoubt(why)) => {
                let why = why.to_string();
                last.in_doubt = Some(why.clone());
                return Err(Failed::InDoubt { origin, why });
            }
        }
        // Commit point: from here on a restart takes up with this one. Who
        // asked may not hear of it, and is then told the size.
        let again = last.note.is_some() && last.signed == signed;
        last.signed = signed;
        last.at_s = at_s;
        last.note = Some(note.into());
        Ok(cosigned(opened, signature, again))
    }

    /// Two notes of the same size, both signed by the log, with different
    /// roots: whoever reads them needs to believe nobody. The first such pair
    /// of a log is kept, beside everything else.
    fn keep_fork(&self, hash: &str, last: &mut Last, opened: &Opened) {
        let Some(had) = last.note.as_ref().filter(|_| !last.fork_kept) else {
            return;
        };
        let other = Note {
            text: opened.text.clone(),
            signatures: opened.signatures.clone(),
        };
        let file = fork_file(hash);
        match self.files.replace(&file, &format!("{had}\n{other}")) {
            Ok(()) => {
                last.fork_kept = true;
                tracing::error!(
                    "LOG FORK 账本分叉: {:?} has signed two trees of size {}; both notes are kept in {file}",
                    opened.checkpoint.origin,
                    opened.checkpoint.size
                );
            }
            Err(why) => tracing::error!("cannot keep the proof of a fork in {file}: {why}"),
        }
    }
}

/// The SHA-256 of an origin, lower-case hexadecimal.
pub fn origin_hash(origin: &str) -> String {
    to_hex(&Sha256::digest(origin.as_bytes()))
}

/// The file of the checkpoint that was signed last.
pub fn checkpoint_file(origin_hash: &str) -> String {
    format!("{origin_hash}.checkpoint")
}

/// The file of the proof that a log shows two trees.
pub fn fork_file(origin_hash: &str) -> String {
    format!("{origin_hash}.fork")
}

fn cosigned(opened: &Opened, signature: NoteSignature, again: bool) -> Answer {
    Answer::Cosigned {
        signature,
        origin: opened.checkpoint.origin.clone(),
        size: opened.checkpoint.size,
        again,
    }
}

fn with_signature(opened: &Opened, ours: NoteSignature) -> Note {
    let mut signatures = opened.signatures.clone();
    signatures.push(ours);
    Note {
        text: opened.text.clone(),
        signatures,
    }
}

/// What a file says is believed if our own signature on it holds: the log may
/// have gone over to another key since.
fn take_up(
    files: &impl Files,
    hash: &str,
    origin: &str,
    ours: &VerifierKey,
) -> Result<Last, FolderError> {
    let name = checkpoint_file(hash);
    let damaged = |what: String| FolderError::Damaged {
        path: name.clone().into(),
        what,
    };
    let Some(text) = files.read(&name).map_err(|e| damaged(e.to_string()))? else {
        return Ok(Last::default());
    };
    let note = Note::parse(&text).map_err(|why| damaged(why.to_string()))?;
    let at_s = check_cosignature(&note, ours)
        .map_err(|why| damaged(format!("this witness has not signed it: {why}")))?;
    let checkpoint = Checkpoint::parse(&note.text).map_err(|why| damaged(why.to_string()))?;
    if checkpoint.origin != origin {
        return Err(damaged(format!("it is of the log {:?}", checkpoint.origin)));
    }
    let fork = files.read(&fork_file(hash));
    Ok(Last {
        signed: Signed {
            size: checkpoint.size,
            root: checkpoint.root,
        },
        at_s,
        note: Some(text.into()),
        in_doubt: None,
        fork_kept: fork.is_ok_and(|fork| fork.is_some()),
    })
}

/// A panic while it is held would leave what was true before.
fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
