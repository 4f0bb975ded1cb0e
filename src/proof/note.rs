//! Notes: text with signature lines, as C2SP signed-note has them, and the
//! keys that verify them. One form only: what parses prints as it was. Not
//! here: what the text of a checkpoint says (`checkpoint`), and what a
//! witness's signature is over (`cosignature`).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::event::digest::to_hex;
use crate::event::signing::{MAX_NOTE_NAME, PublicKey, is_note_name};

/// Bytes of a note, at most.
pub const MAX_NOTE: usize = 256 * 1024;

/// Signature lines of a note, at most. The specification wants 16 or more.
pub const MAX_NOTE_SIGNATURES: usize = 128;

/// Bytes of a verifier key as text, at most: one of ML-DSA-44, which is of no
/// use here, is called what it is.
pub const MAX_VERIFIER_KEY: usize = MAX_NOTE_NAME + 2048;

/// What begins a signature line: an em dash and a space.
const DASH: &str = "— ";

/// What signatures of a key are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteKeyKind {
    /// The note's text: how a log signs. Type 0x01.
    Ed25519,
    /// The text after a line with the time: how a witness signs (C2SP
    /// tlog-cosignature, v1). Type 0x04.
    Cosignature,
}

impl NoteKeyKind {
    /// The byte that stands for it (signed-note, "Signature types").
    pub fn byte(self) -> u8 {
        match self {
            NoteKeyKind::Ed25519 => 0x01,
            NoteKeyKind::Cosignature => 0x04,
        }
    }

    fn of(byte: u8) -> Option<NoteKeyKind> {
        [NoteKeyKind::Ed25519, NoteKeyKind::Cosignature]
            .into_iter()
            .find(|kind| kind.byte() == byte)
    }
}

/// The id of a key in notes: the first four bytes of
/// SHA-256(name || 0x0A || type || public key).
pub fn note_key_id(name: &str, kind: NoteKeyKind, key: &PublicKey) -> [u8; 4] {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(name)
        .chain_update([b'\n', kind.byte()])
        .chain_update(key.as_bytes())
        .finalize()
        .into();
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}

/// A key that notes are verified with, and the name that it signs under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: NoteKeyKind,
    id: [u8; 4],
    key: PublicKey,
}

/// Why a text is no verifier key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadVerifierKey {
    /// Not three parts with `+` between them, or too long.
    #[error(
        "{0:?} is no verifier key: it is NAME+ID+KEY, for example \
         example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
    )]
    Form(String),
    /// The name is none.
    #[error(
        "{0:?} cannot name a key in a note: 1 to {MAX_NOTE_NAME} bytes without spaces, `+` and \
         control characters can"
    )]
    Name(String),
    /// The key is not in base64, or of another length.
    #[error("the key of {0} is not base64 of 33 bytes, the type and 32 of an Ed25519 key")]
    Key(String),
    /// A type of key that is not known here.
    #[error(
        "the key of {0} is of type 0x{1:02x}; known are 0x01 (Ed25519) and 0x04 (cosignature, Ed25519)"
    )]
    Kind(String, u8),
    /// The id is another key's.
    #[error("the id of {name} is {got}, that of its key is {want}: one of the two was mistyped")]
    Id {
        /// The key's name.
        name: String,
        /// As it says.
        got: String,
        /// As computed.
        want: String,
    },
}

impl VerifierKey {
    /// Of a name, a kind and a key; the name must be one ([`is_note_name`]).
    pub fn new(
        name: &str,
        kind: NoteKeyKind,
        key: PublicKey,
    ) -> Result<VerifierKey, BadVerifierKey> {
        if !is_note_name(name) {
            return Err(BadVerifierKey::Name(name.to_owned()));
        }
        Ok(VerifierKey {
            name: name.to_owned(),
            kind,
            id: note_key_id(name, kind, &key),
            key,
        })
    }

    /// From its text: name, id in hexadecimal, and type with key in base64,
    /// with `+` between them (signed-note, "Verifier keys").
    pub fn parse(text: &str) -> Result<VerifierKey, BadVerifierKey> {
        let form = || BadVerifierKey::Form(text.chars().take(MAX_NOTE_NAME).collect());
        if text.len() > MAX_VERIFIER_KEY {
            return Err(form());
        }
        let (name, rest) = text.split_once('+').ok_or_else(form)?;
        let (id, encoded) = rest.split_once('+').ok_or_else(form)?;
        let bad = || BadVerifierKey::Key(name.to_owned());
        let bytes = BASE64.decode(encoded).map_err(|_| bad())?;
        let (kind, key) = bytes.split_first().ok_or_else(bad)?;
        let kind =
            NoteKeyKind::of(*kind).ok_or_else(|| BadVerifierKey::Kind(name.to_owned(), *kind))?;
        let key = PublicKey::parse(key).map_err(|_| bad())?;
        let verifier = VerifierKey::new(name, kind, key)?;
        let want = to_hex(&verifier.id);
        if id != want {
            return Err(BadVerifierKey::Id {
                name: name.to_owned(),
                got: id.to_owned(),
                want,
            });
        }
        Ok(verifier)
    }

    /// The name it signs under.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its signatures are over.
    pub fn kind(&self) -> NoteKeyKind {
        self.kind
    }

    /// Its id in notes.
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The key itself.
    pub fn public(&self) -> &PublicKey {
        &self.key
    }

    /// The note's signatures that say they are this key's.
    pub fn signatures_in<'a>(&'a self, note: &'a Note) -> impl Iterator<Item = &'a NoteSignature> {
        let ours = |s: &&NoteSignature| s.id == self.id && s.name == self.name;
        note.signatures.iter().filter(ours)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![self.kind.byte()];
        key.extend_from_slice(self.key.as_bytes());
        let (id, key) = (to_hex(&self.id), BASE64.encode(key));
        write!(f, "{}+{id}+{key}", self.name)
    }
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// The key's name.
    pub name: String,
    /// The key's id.
    pub id: [u8; 4],
    /// What the key made, at least one byte: 64 of an Ed25519 signature, or
    /// whatever its type has.
    pub signature: Bytes,
}

impl NoteSignature {
    /// From its line, with or without the newline.
    pub fn parse(line: &str) -> Result<NoteSignature, BadNote> {
        let line = line.strip_suffix('\n').unwrap_or(line);
        let bad = || BadNote::Signature(line.chars().take(MAX_NOTE_NAME).collect());
        let (name, encoded) = line
            .strip_prefix(DASH)
            .and_then(|rest| rest.split_once(' '))
            .ok_or_else(bad)?;
        let bytes = Bytes::from(BASE64.decode(encoded).map_err(|_| bad())?);
        let id = *bytes.first_chunk().ok_or_else(bad)?;
        if !is_note_name(name) || bytes.len() <= id.len() {
            return Err(bad());
        }
        Ok(NoteSignature {
            name: name.to_owned(),
            id,
            signature: bytes.slice(id.len()..),
        })
    }
}

/// The line, with its newline.
impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.id.as_slice(), &self.signature].concat();
        writeln!(f, "{DASH}{} {}", self.name, BASE64.encode(bytes))
    }
}

/// A text and its signatures, none of them verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// What is signed, with its last newline.
    pub text: String,
    /// In the order they stand in.
    pub signatures: Vec<NoteSignature>,
}

/// Why a text is no note, or not one that a key signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadNote {
    /// Too long.
    #[error("the note has {0} bytes; at most {MAX_NOTE}")]
    TooLong(usize),
    /// A character that no note has.
    #[error("the note holds the control character {0:?}; of those only newlines may stand in one")]
    Character(char),
    /// No text, an empty line and signature lines.
    #[error(
        "the note is not a text, an empty line, and signature lines that each end with a newline"
    )]
    Form,
    /// Too many signatures.
    #[error("the note has {0} signature lines; at most {MAX_NOTE_SIGNATURES}")]
    Signatures(usize),
    /// A line that is no signature.
    #[error("{0:?} is no signature line: it is an em dash, a key's name and base64")]
    Signature(String),
    /// No signature of the key.
    #[error("the note is not signed by {name} with the key of id {id}; it is signed by {by}")]
    Unsigned {
        /// The key's name.
        name: String,
        /// The key's id.
        id: String,
        /// Whose signatures it has.
        by: String,
    },
    /// A signature that says it is the key's, and is not.
    #[error(
        "the signature of {0} on the note does not hold: the text or the signature was changed"
    )]
    Forged(String),
    /// A key for cosignatures, where a log's is wanted.
    #[error("the key of {0} is for cosignatures (type 0x04), not for notes (type 0x01)")]
    Kind(String),
}

impl Note {
    /// From its text. Nothing is verified.
    pub fn parse(note: &str) -> Result<Note, BadNote> {
        if note.len() > MAX_NOTE {
            return Err(BadNote::TooLong(note.len()));
        }
        has_no_controls(note)?;
        // The last empty line, as the text may have some too.
        let blank = note.rfind("\n\n").ok_or(BadNote::Form)?;
        let (text, lines) = note.split_at(blank + 1);
        let lines = lines.strip_prefix('\n').ok_or(BadNote::Form)?;
        let lines = lines.strip_suffix('\n').ok_or(BadNote::Form)?;
        let count = lines.split('\n').count();
        if count > MAX_NOTE_SIGNATURES {
            return Err(BadNote::Signatures(count));
        }
        let signatures: Result<_, _> = lines.split('\n').map(NoteSignature::parse).collect();
        Ok(Note {
            text: text.to_owned(),
            signatures: signatures?,
        })
    }

    /// Checks that a log's key signed it: at least one signature says it is
    /// the key's, and all that say so hold. Signatures of other keys are not
    /// looked at.
    pub fn check_signed_by(&self, key: &VerifierKey) -> Result<(), BadNote> {
        if key.kind != NoteKeyKind::Ed25519 {
            return Err(BadNote::Kind(key.name.clone()));
        }
        let mut signatures = key.signatures_in(self).peekable();
        if signatures.peek().is_none() {
            return Err(BadNote::Unsigned {
                name: key.name.clone(),
                id: to_hex(&key.id),
                by: self.signers(),
            });
        }
        let text = self.text.as_bytes();
        if signatures.all(|s| key.key.verifies_note(text, &s.signature)) {
            Ok(())
        } else {
            Err(BadNote::Forged(key.name.clone()))
        }
    }

    /// Whose signatures it says it has, for people.
    pub(super) fn signers(&self) -> String {
        let name = |s: &NoteSignature| format!("{} ({})", s.name, to_hex(&s.id));
        let names: Vec<String> = self.signatures.iter().take(8).map(name).collect();
        match names.as_slice() {
            [] => "nobody".to_owned(),
            names => names.join(", "),
        }
    }
}

/// Of control characters, newlines alone may stand in a note.
pub(super) fn has_no_controls(text: &str) -> Result<(), BadNote> {
    let control = text.chars().find(|c| *c < ' ' && *c != '\n');
    control.map_or(Ok(()), |c| Err(BadNote::Character(c)))
}

/// The text, an empty line and the signature lines.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures
            .iter()
            .try_for_each(|line| write!(f, "{line}"))
    }
}
