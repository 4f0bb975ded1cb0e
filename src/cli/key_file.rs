//! Key files: one Ed25519 key, as versioned JSON text, its secret half under a
//! passphrase unless plain text was asked for. What it is not: it asks nobody
//! for a passphrase (`passphrase` does) and knows no ledger.
//!
//! # Format, version 1
//!
//! ```json
//! {
//!   "format": "hazledger key",
//!   "version": 1,
//!   "algorithm": "Ed25519",
//!   "keyId": "32 hexadecimal digits",
//!   "publicKey": "64 hexadecimal digits",
//!   "secret": {
//!     "kind": "argon2id+xchacha20poly1305",
//!     "memoryKib": 65536, "passes": 3, "lanes": 4,
//!     "salt": "16 bytes", "nonce": "24 bytes", "ciphertext": "48 bytes"
//!   },
//!   "checksum": "64 hexadecimal digits"
//! }
//! ```
//!
//! The seed (32 bytes, RFC 8032) is sealed with XChaCha20-Poly1305 under a key
//! of 32 bytes that Argon2id (version 0x13) makes of the passphrase's UTF-8
//! bytes and the salt; associated data is the public key. A plain secret is
//! `{"kind": "plain", "seed": "32 bytes"}`. All bytes are lower-case
//! hexadecimal. The checksum is BLAKE3 in key derivation mode, context
//! `hazledger v1 checksum of a key file`, over the compact JSON of the same
//! object, fields in the order above, with an empty checksum: it tells damage
//! from a wrong passphrase. New files use the second set of parameters that
//! RFC 9106, section 4 recommends.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{Key, KeyInit as _, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::event::KeyId;
use crate::event::digest::to_hex;
use crate::event::signing::{PublicKey, SecretKey};

const FORMAT: &str = "hazledger key";
/// The version of the format that this program writes and reads.
pub const VERSION: u64 = 1;
const CHECKSUM_CONTEXT: &str = "hazledger v1 checksum of a key file";

/// Bytes of a key file, at most; one has about 700.
const MAX_FILE: u64 = 16 * 1024;

/// RFC 9106, section 4, second recommendation: 64 MiB, 3 passes, 4 lanes.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 4;

/// What a file may ask for, so that a wrong one cannot hold the machine.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
const MAX_PASSES: u32 = 32;
const MAX_LANES: u32 = 64;

/// Why a key file could not be read, opened or written.
#[derive(Debug, thiserror::Error)]
#[error("key file {}: {problem}", path.display())]
pub struct KeyFileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong, and what to do.
    pub problem: KeyFileProblem,
}

/// What is wrong with a key file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileProblem {
    /// The operating system said no.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A file of that name is there.
    #[error("it is already there and a key file is never overwritten; choose another name")]
    Exists,
    /// Longer than any key file.
    #[error("it is larger than any key file ({MAX_FILE} bytes); check the name")]
    TooLarge,
    /// It ends before its end.
    #[error("it is cut off: it ends in the middle; take it from its backup")]
    Truncated,
    /// Not a key file of ours at all.
    #[error("it is not a hazledger key file ({0}); make one with 'hazledger key new FILE'")]
    NotAKeyFile(String),
    /// Another version of the format.
    #[error(
        "it has format version {0}, this program reads {VERSION}; use the program that wrote it"
    )]
    Version(u64),
    /// The checksum does not hold, or fields contradict each other.
    #[error("it is damaged ({0}); take it from its backup")]
    Damaged(&'static str),
    /// It asks for more than the bounds allow, or less than Argon2 needs.
    #[error("its Argon2id parameters are out of bounds ({0}); take it from its backup")]
    Parameters(String),
    /// The file is whole and the passphrase does not open it.
    #[error("wrong passphrase")]
    WrongPassphrase,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Text {
    format: String,
    version: u64,
    algorithm: String,
    key_id: String,
    public_key: String,
    secret: Secret,
    checksum: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all_fields = "camelCase", deny_unknown_fields)]
enum Secret {
    #[serde(rename = "plain")]
    Plain { seed: String },
    #[serde(rename = "argon2id+xchacha20poly1305")]
    Sealed {
        memory_kib: u32,
        passes: u32,
        lanes: u32,
        salt: String,
        nonce: String,
        ciphertext: String,
    },
}

/// What a sealed file needs beside the passphrase: bytes that nobody can guess
/// and that are never used twice.
#[derive(Clone, Copy, Debug)]
pub struct Randomness {
    /// For Argon2id.
    pub salt: [u8; 16],
    /// For XChaCha20-Poly1305.
    pub nonce: [u8; 24],
}

/// A key file as read: whole, its secret perhaps still sealed.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
    text: Text,
    public: PublicKey,
}

impl KeyFile {
    /// Reads and checks everything but the secret.
    pub fn read(path: &Path) -> Result<KeyFile, KeyFileError> {
        let mut bytes = Zeroizing::new(Vec::new());
        let read =
            File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes));
        read.map_err(|e| KeyFileError {
            path: path.to_owned(),
            problem: e.into(),
        })?;
        KeyFile::parse(path, &bytes)
    }

    /// The same of what has been read; `path` is only named.
    pub fn parse(path: &Path, bytes: &[u8]) -> Result<KeyFile, KeyFileError> {
        let at = |problem| KeyFileError {
            path: path.to_owned(),
            problem,
        };
        if bytes.len() as u64 > MAX_FILE {
            return Err(at(KeyFileProblem::TooLarge));
        }
        let text = parse(bytes).map_err(at)?;
        let public = check(&text).map_err(at)?;
        Ok(KeyFile {
            path: path.to_owned(),
            text,
            public,
        })
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Whether a passphrase is needed.
    pub fn is_sealed(&self) -> bool {
        matches!(self.text.secret, Secret::Sealed { .. })
    }

    /// The key of a plain file; `None` if it is sealed.
    pub fn plain(&self) -> Result<Option<SecretKey>, KeyFileError> {
        match &self.text.secret {
            Secret::Plain { seed } => {
                let seed = from_hex(seed)
                    .map(Zeroizing::new)
                    .and_then(|s| s.as_slice().try_into().ok());
                self.matching(seed.map(Zeroizing::new)).map(Some)
            }
            Secret::Sealed { .. } => Ok(None),
        }
    }

    /// The key of a sealed file, or of a plain one, which needs no passphrase.
    pub fn open(&self, passphrase: &str) -> Result<SecretKey, KeyFileError> {
        if let Some(key) = self.plain()? {
            return Ok(key);
        }
        let seed = unseal(&self.text.secret, passphrase, self.public.as_bytes())
            .map_err(|problem| self.error(problem))?;
        self.matching(Some(seed))
    }

    fn matching(&self, seed: Option<Zeroizing<[u8; 32]>>) -> Result<SecretKey, KeyFileError> {
        let damaged = |what| self.error(KeyFileProblem::Damaged(what));
        let seed = seed.ok_or_else(|| damaged("the secret is not 32 bytes"))?;
        let key = SecretKey::from_seed(&seed);
        if key.public() != &self.public {
            return Err(damaged("the secret does not belong to the public key"));
        }
        Ok(key)
    }

    fn error(&self, problem: KeyFileProblem) -> KeyFileError {
        KeyFileError {
            path: self.path.clone(),
            problem,
        }
    }
}

/// Writes a new key file with the text that [`render`] made, readable by its
/// owner only, and syncs it. Never overwrites.
pub fn write(path: &Path, text: &str) -> Result<(), KeyFileError> {
    let at = |problem| KeyFileError {
        path: path.to_owned(),
        problem,
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let write = || -> io::Result<()> {
        let mut file = options.open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => at(KeyFileProblem::Exists),
        _ => at(e.into()),
    })
}

/// The text of a key file: under the passphrase, or plain if there is none.
pub fn render(
    key: &SecretKey,
    sealed: Option<(&str, Randomness)>,
) -> Result<Zeroizing<String>, KeyFileProblem> {
    let seed = Zeroizing::new(key.seed());
    let secret = match sealed {
        Some((passphrase, fresh)) => seal(&seed, passphrase, key.public().as_bytes(), fresh)?,
        None => Secret::Plain {
            seed: to_hex(seed.as_slice()),
        },
    };
    let mut text = Text {
        format: FORMAT.to_owned(),
        version: VERSION,
        algorithm: "Ed25519".to_owned(),
        key_id: key.id().to_string(),
        public_key: to_hex(key.public().as_bytes()),
        secret,
        checksum: String::new(),
    };
    text.checksum = checksum(&text);
    let rendered = serde_json::to_string_pretty(&text).map_err(io::Error::from)?;
    Ok(Zeroizing::new(rendered + "\n"))
}

fn parse(bytes: &[u8]) -> Result<Text, KeyFileProblem> {
    let json = |e: serde_json::Error| {
        if e.is_eof() {
            KeyFileProblem::Truncated
        } else {
            KeyFileProblem::NotAKeyFile(e.to_string())
        }
    };
    // The version first: another version may have other fields.
    let any: serde_json::Value = serde_json::from_slice(bytes).map_err(json)?;
    if any.get("format").and_then(|f| f.as_str()) != Some(FORMAT) {
        return Err(KeyFileProblem::NotAKeyFile(
            "no such format is named in it".to_owned(),
        ));
    }
    match any.get("version").and_then(serde_json::Value::as_u64) {
        Some(VERSION) => serde_json::from_value(any).map_err(json),
        Some(other) => Err(KeyFileProblem::Version(other)),
        None => Err(KeyFileProblem::NotAKeyFile(
            "it names no version".to_owned(),
        )),
    }
}

fn check(text: &Text) -> Result<PublicKey, KeyFileProblem> {
    if checksum(&Text {
        checksum: String::new(),
        ..text.clone()
    }) != text.checksum
    {
        return Err(KeyFileProblem::Damaged("its checksum does not hold"));
    }
    if text.algorithm != "Ed25519" {
        return Err(KeyFileProblem::Damaged("its algorithm is not Ed25519"));
    }
    let public = from_hex(&text.public_key)
        .and_then(|bytes| PublicKey::parse(&bytes).ok())
        .ok_or(KeyFileProblem::Damaged("its public key is none"))?;
    if text.key_id.parse::<KeyId>() != Ok(public.id()) {
        return Err(KeyFileProblem::Damaged(
            "its key id is not its public key's",
        ));
    }
    Ok(public)
}

fn checksum(text: &Text) -> String {
    let compact = Zeroizing::new(serde_json::to_vec(text).unwrap_or_default());
    to_hex(&blake3::derive_key(CHECKSUM_CONTEXT, &compact))
}

fn seal(
    seed: &[u8; 32],
    passphrase: &str,
    public: &[u8; 32],
    fresh: Randomness,
) -> Result<Secret, KeyFileProblem> {
    let key = stretch(passphrase, &fresh.salt, MEMORY_KIB, PASSES, LANES)?;
    let ciphertext = XChaCha20Poly1305::new(&Key::from(*key))
        .encrypt(
            &XNonce::from(fresh.nonce),
            Payload {
                msg: seed,
                aad: public,
            },
        )
        .map_err(|_| KeyFileProblem::Damaged("the secret cannot be sealed"))?;
    Ok(Secret::Sealed {
        memory_kib: MEMORY_KIB,
        passes: PASSES,
        lanes: LANES,
        salt: to_hex(&fresh.salt),
        nonce: to_hex(&fresh.nonce),
        ciphertext: to_hex(&ciphertext),
    })
}

fn unseal(
    secret: &Secret,
    passphrase: &str,
    public: &[u8; 32],
) -> Result<Zeroizing<[u8; 32]>, KeyFileProblem> {
    let Secret::Sealed {
        memory_kib,
        passes,
        lanes,
        salt,
        nonce,
        ciphertext,
    } = secret
    else {
        return Err(KeyFileProblem::Damaged("the secret is not sealed"));
    };
    let nonce: Option<[u8; 24]> = from_hex(nonce).and_then(|n| n.try_into().ok());
    let (Some(salt), Some(nonce), Some(ciphertext)) = (from_hex(salt), nonce, from_hex(ciphertext))
    else {
        return Err(KeyFileProblem::Damaged(
            "salt, nonce or ciphertext are not hexadecimal",
        ));
    };
    let key = stretch(passphrase, &salt, *memory_kib, *passes, *lanes)?;
    let opened = XChaCha20Poly1305::new(&Key::from(*key))
        .decrypt(
            &XNonce::from(nonce),
            Payload {
                msg: &ciphertext,
                aad: public,
            },
        )
        .map(Zeroizing::new)
        .map_err(|_| KeyFileProblem::WrongPassphrase)?;
    let seed: [u8; 32] = opened
        .as_slice()
        .try_into()
        .map_err(|_| KeyFileProblem::Damaged("the secret is not 32 bytes"))?;
    Ok(Zeroizing::new(seed))
}

fn stretch(
    passphrase: &str,
    salt: &[u8],
    memory_kib: u32,
    passes: u32,
    lanes: u32,
) -> Result<Zeroizing<[u8; 32]>, KeyFileProblem> {
    let figures = || format!("{memory_kib} KiB, {passes} passes, {lanes} lanes");
    if memory_kib > MAX_MEMORY_KIB || passes > MAX_PASSES || lanes > MAX_LANES {
        return Err(KeyFileProblem::Parameters(figures()));
    }
    let out_of_bounds =
        |e: argon2::Error| KeyFileProblem::Parameters(format!("{}: {e}", figures()));
    let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(out_of_bounds)?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.as_mut())
        .map_err(out_of_bounds)?;
    Ok(key)
}

/// Bytes from hexadecimal digits, two each; `None` for anything else.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

#[cfg(test)]
#[path = "key_file_tests.rs"]
mod tests;
