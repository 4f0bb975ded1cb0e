//! Why a subcommand could not do what was asked, in words that say what was
//! wrong with which input and what to do; and the exit status that follows.
//! A ledger's "no" is not an error: see [`Outcome`].

use std::io;
use std::path::{Path, PathBuf};

use super::key_file::KeyFileError;
use super::passphrase::PassphraseError;

/// How a subcommand that ran to its end came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done: exit status 0.
    Done,
    /// The ledger or the check says no: exit status 1.
    SaidNo,
}

/// Why a subcommand could not be tried, or not to its end: exit status 2.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// An argument that says what cannot be.
    #[error("{argument}: {why}")]
    Argument {
        /// The option, for example `--threshold 3`.
        argument: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// A key file could not be read or written.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// No passphrase.
    #[error(transparent)]
    Passphrase(#[from] PassphraseError),
    /// Reading or writing some other file failed.
    #[error("cannot {action} {}: {source}", path.display())]
    File {
        /// What was tried, for example `read`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A line of an input file is not what it should be.
    #[error("{file}, line {line}: {why}")]
    Line {
        /// The file, or `standard input`.
        file: String,
        /// Counted from 1.
        line: u64,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The server's address is none, or nobody answers there.
    #[error(
        "cannot reach a ledger at {url}: {why}; \
         start one with 'hazledger serve DIR', or give its address with --server"
    )]
    Unreachable {
        /// As given.
        url: String,
        /// What was tried and what came of it.
        why: String,
    },
    /// The server could not try what it was asked.
    #[error("the server could not {what}: {why}")]
    Server {
        /// What it was asked.
        what: &'static str,
        /// Its answer.
        why: String,
    },
    /// The server's answer does not hold: not signed by the ledger's key, or
    /// for something else than was asked.
    #[error("do not rely on this server: {0}")]
    Untrustworthy(String),
    /// The data directory cannot be used.
    #[error("data directory {}: {why}", dir.display())]
    DataDirectory {
        /// The directory.
        dir: PathBuf,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// A backup could not be taken, read or restored.
    #[error("backup {}: {source}", backup.display())]
    Backup {
        /// Its folder.
        backup: PathBuf,
        /// Why.
        source: crate::backup::BackupError,
    },
    /// Standard output cannot be written to.
    #[error("cannot write to standard output: {0}")]
    Output(io::Error),
    /// The operating system gave no random bytes, time, threads or signals.
    #[error("the operating system gave no {what}: {why}")]
    System {
        /// What was asked of it.
        what: &'static str,
        /// Its answer.
        why: String,
    },
}

impl CliError {
    /// For an argument.
    pub fn argument(argument: impl Into<String>, why: impl Into<String>) -> CliError {
        CliError::Argument {
            argument: argument.into(),
            why: why.into(),
        }
    }

    /// For `map_err` on a file.
    pub fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CliError {
        let path = path.to_owned();
        move |source| CliError::File {
            action,
            path,
            source,
        }
    }

    /// For a data directory.
    pub fn data_directory(dir: &Path, why: impl std::fmt::Display) -> CliError {
        CliError::DataDirectory {
            dir: dir.to_owned(),
            why: why.to_string(),
        }
    }

    /// For `map_err` on a call to the server.
    pub fn server(what: &'static str) -> impl Fn(tonic::Status) -> CliError {
        move |status| CliError::Server {
            what,
            why: super::client::status_text(&status),
        }
    }

    /// Whether this is only a reader that has gone away: success, as with any
    /// filter.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, CliError::Output(e) if e.kind() == io::ErrorKind::BrokenPipe)
    }
}
