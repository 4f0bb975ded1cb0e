//! Where passphrases come from: a file, the environment, or the person at the
//! terminal, in this order; and opening key files with them.

use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::CliError;
use super::key_file::{self, KeyFile, KeyFileError, KeyFileProblem, Randomness};
use super::random;
use crate::event::signing::SecretKey;

/// The environment variable that may hold the passphrase.
pub const VARIABLE: &str = "HAZLEDGER_PASSPHRASE";

/// Bytes of a passphrase, at most.
const MAX_PASSPHRASE: u64 = 1024;

/// Characters of a new passphrase, at least.
const MIN_NEW: usize = 8;

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
pub enum PassphraseError {
    /// Nowhere to take it from.
    #[error(
        "a passphrase is needed for {0}: give --passphrase-file FILE, set {VARIABLE}, or run this at a terminal"
    )]
    Nowhere(String),
    /// The file cannot be read.
    #[error("--passphrase-file {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Empty, too long, or not text.
    #[error("the passphrase from {origin} {why}")]
    Unusable {
        /// Where it came from.
        origin: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// Typed differently the second time.
    #[error("the two passphrases differ; nothing was written, run it again")]
    Differ,
    /// The terminal cannot be read.
    #[error("cannot ask for a passphrase at the terminal: {0}")]
    Terminal(io::Error),
}

/// The options about passphrases that several subcommands share.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct PassphraseArgs {
    /// Take the passphrase of key files from the first line of this file
    /// (else from HAZLEDGER_PASSPHRASE, else it is asked at the terminal).
    #[arg(long, value_name = "FILE", help_heading = "Passphrase")]
    pub passphrase_file: Option<PathBuf>,
}

/// Wiped from memory when it is dropped.
type Wiped = Zeroizing<String>;

impl PassphraseArgs {
    /// Opens a key file, asking for a passphrase only if it is sealed.
    pub fn open(&self, path: &Path) -> Result<SecretKey, CliError> {
        let file = KeyFile::read(path)?;
        if let Some(key) = file.plain()? {
            return Ok(key);
        }
        let given = match self.without_asking()? {
            Some(given) => given,
            None => ask(
                &format!("Passphrase 口令 of {}: ", path.display()),
                &shown(path),
            )?,
        };
        Ok(file.open(&given)?)
    }

    /// A passphrase for a new key file, typed twice if it is typed.
    fn for_new(&self, path: &Path) -> Result<Wiped, CliError> {
        if let Some(given) = self.without_asking()? {
            return long_enough(given, "the file or the environment");
        }
        let prompt = format!("New passphrase 新口令 for {}: ", path.display());
        let first = long_enough(ask(&prompt, &shown(path))?, "the terminal")?;
        let second = ask("The same again 再输一次: ", &shown(path))?;
        if *first != *second {
            return Err(PassphraseError::Differ.into());
        }
        Ok(first)
    }

    /// The text of a new key file, to be written at `path`: sealed under a
    /// passphrase, or plain. Nothing is written yet.
    pub fn seal(&self, path: &Path, key: &SecretKey, plain: bool) -> Result<Wiped, CliError> {
        let at = |problem| KeyFileError {
            path: path.to_owned(),
            problem,
        };
        if path.exists() {
            return Err(at(KeyFileProblem::Exists).into());
        }
        if plain {
            return Ok(key_file::render(key, None).map_err(at)?);
        }
        let passphrase = self.for_new(path)?;
        let fresh = Randomness {
            salt: random::bytes()?,
            nonce: random::bytes()?,
        };
        Ok(key_file::render(key, Some((&passphrase, fresh))).map_err(at)?)
    }

    fn without_asking(&self) -> Result<Option<Wiped>, PassphraseError> {
        if let Some(path) = &self.passphrase_file {
            return from_file(path).map(Some);
        }
        let Some(value) = std::env::var_os(VARIABLE) else {
            return Ok(None);
        };
        let text = value
            .into_string()
            .map_err(|_| unusable(VARIABLE, "is not UTF-8 text"))?;
        usable(text, VARIABLE).map(Some)
    }
}

fn from_file(path: &Path) -> Result<Wiped, PassphraseError> {
    let failed = |source| PassphraseError::File {
        path: path.to_owned(),
        source,
    };
    let mut text = Zeroizing::new(String::new());
    File::open(path)
        .and_then(|f| f.take(MAX_PASSPHRASE + 2).read_to_string(&mut text))
        .map_err(failed)?;
    let line = text.lines().next().unwrap_or_default().to_owned();
    usable(line, &shown(path))
}

fn ask(prompt: &str, what: &str) -> Result<Wiped, PassphraseError> {
    if !io::stdin().is_terminal() {
        return Err(PassphraseError::Nowhere(what.to_owned()));
    }
    let typed = rpassword::prompt_password(prompt).map_err(PassphraseError::Terminal)?;
    usable(typed, "the terminal")
}

fn usable(text: String, origin: &str) -> Result<Wiped, PassphraseError> {
    let text = Zeroizing::new(text);
    if text.is_empty() {
        return Err(unusable(origin, "is empty"));
    }
    if text.len() as u64 > MAX_PASSPHRASE {
        return Err(unusable(
            origin,
            &format!("is longer than {MAX_PASSPHRASE} bytes"),
        ));
    }
    Ok(text)
}

fn long_enough(given: Wiped, origin: &str) -> Result<Wiped, CliError> {
    if given.chars().count() < MIN_NEW {
        let why = format!("is too short for a new key: {MIN_NEW} characters or more");
        return Err(unusable(origin, &why).into());
    }
    Ok(given)
}

fn unusable(origin: &str, why: &str) -> PassphraseError {
    PassphraseError::Unusable {
        origin: origin.to_owned(),
        why: why.to_owned(),
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
