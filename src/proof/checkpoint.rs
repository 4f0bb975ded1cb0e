//! Checkpoints: the size and the root of a log's tree as a signed note (C2SP
//! tlog-checkpoint). Not here: what witnesses add (`cosignature`), and who
//! must have (`policy`).

use std::fmt;

use super::note::{BadNote, Note, NoteKeyKind, NoteSignature, VerifierKey, note_key_id};
use super::tree::{TreeHash, canonical_decimal, empty_root};
use crate::event::signing::{MAX_NOTE_NAME, SecretKey, is_note_name};

/// Lines after the third that a checkpoint may have, at most.
pub const MAX_EXTENSION_LINES: usize = 16;

/// A tree as its log states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name: a name as keys in notes have it, so that no space
    /// stands in it.
    pub origin: String,
    /// Leaves.
    pub size: u64,
    /// The root over them.
    pub root: TreeHash,
    /// Lines that the log signed beyond those three, as they stand; ours has
    /// none.
    extension: Vec<String>,
}

/// Why a text is no checkpoint, or not one of the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCheckpoint {
    /// Not the note it should be, or not signed by the key.
    #[error(transparent)]
    Note(#[from] BadNote),
    /// Not at least three lines that end with newlines, none of them empty.
    #[error("a checkpoint is three lines, none of them empty: origin, size, root")]
    Form,
    /// The first line is no name.
    #[error(
        "the checkpoint's origin {0:?} is none: 1 to {MAX_NOTE_NAME} bytes without spaces, `+` \
         and control characters are"
    )]
    Origin(String),
    /// The second line is no number.
    #[error("the checkpoint's size {0:?} is no decimal number of 64 bits without leading zeros")]
    Size(String),
    /// The third line is no hash.
    #[error("the checkpoint's root {0:?} is not 32 bytes in base64")]
    Root(String),
    /// No leaves, but not the root of none.
    #[error("the checkpoint has size 0 and the root {0}; that of no leaves is {want}", want = empty_root())]
    EmptyRoot(TreeHash),
    /// Too many lines.
    #[error("the checkpoint has {0} lines after the third; at most {MAX_EXTENSION_LINES}")]
    Extension(usize),
    /// Of another log than the key's.
    #[error("the checkpoint is of the log {got}, not of {want}")]
    OtherLog {
        /// As it says.
        got: String,
        /// The key's name.
        want: String,
    },
}

impl Checkpoint {
    /// Of a log, checked: the origin is a name, and no leaves have their root.
    pub fn new(origin: &str, size: u64, root: TreeHash) -> Result<Checkpoint, BadCheckpoint> {
        if !is_note_name(origin) {
            return Err(BadCheckpoint::Origin(shown(origin)));
        }
        if size == 0 && root != empty_root() {
            return Err(BadCheckpoint::EmptyRoot(root));
        }
        Ok(Checkpoint {
            origin: origin.to_owned(),
            size,
            root,
            extension: Vec::new(),
        })
    }

    /// From a note's text, with its last newline.
    pub fn parse(text: &str) -> Result<Checkpoint, BadCheckpoint> {
        let text = text.strip_suffix('\n').ok_or(BadCheckpoint::Form)?;
        let mut lines = text.split('\n');
        let mut line = || lines.next().filter(|line| !line.is_empty());
        let (Some(origin), Some(size), Some(root)) = (line(), line(), line()) else {
            return Err(BadCheckpoint::Form);
        };
        let size = canonical_decimal(size).ok_or_else(|| BadCheckpoint::Size(shown(size)))?;
        let root = TreeHash::from_base64(root).ok_or_else(|| BadCheckpoint::Root(shown(root)))?;
        let mut checkpoint = Checkpoint::new(origin, size, root)?;
        let extension = lines.clone().count();
        if extension > MAX_EXTENSION_LINES {
            return Err(BadCheckpoint::Extension(extension));
        }
        if lines.clone().any(str::is_empty) {
            return Err(BadCheckpoint::Form);
        }
        checkpoint.extension = lines.map(str::to_owned).collect();
        Ok(checkpoint)
    }

    /// The lines after the third, as they stand.
    pub fn extension(&self) -> &[String] {
        &self.extension
    }
}

/// As much of a wrong line as an error shows.
fn shown(line: &str) -> String {
    line.chars().take(MAX_NOTE_NAME).collect()
}

/// The note's text.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.root.to_base64();
        writeln!(f, "{}\n{}\n{root}", self.origin, self.size)?;
        self.extension
            .iter()
            .try_for_each(|line| writeln!(f, "{line}"))
    }
}

/// Signs a checkpoint as its log: the key's name is the origin.
pub fn sign_checkpoint(key: &SecretKey, checkpoint: &Checkpoint) -> Note {
    let text = checkpoint.to_string();
    let signature = NoteSignature {
        name: checkpoint.origin.clone(),
        id: note_key_id(&checkpoint.origin, NoteKeyKind::Ed25519, key.public()),
        signature: key.sign_note(text.as_bytes()),
    };
    Note {
        text,
        signatures: vec![signature],
    }
}

/// Reads a checkpoint and checks that the log with this key signed it. What
/// other signatures it carries is not looked at.
pub fn open_checkpoint(note: &str, key: &VerifierKey) -> Result<(Checkpoint, Note), BadCheckpoint> {
    let (checkpoint, note) = read_checkpoint(note, key)?;
    note.check_signed_by(key)?;
    Ok((checkpoint, note))
}

/// All of that but the signature.
pub(super) fn read_checkpoint(
    note: &str,
    key: &VerifierKey,
) -> Result<(Checkpoint, Note), BadCheckpoint> {
    let note = Note::parse(note)?;
    let checkpoint = Checkpoint::parse(&note.text)?;
    if checkpoint.origin != key.name() {
        return Err(BadCheckpoint::OtherLog {
            got: checkpoint.origin,
            want: key.name().to_owned(),
        });
    }
    Ok((checkpoint, note))
}
