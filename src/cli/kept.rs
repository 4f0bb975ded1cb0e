//! The files of what somebody kept of a ledger's word, and of the policy that
//! says whose cosignatures are asked for, as arguments. What they show is for
//! `audit`.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Args;

use super::acks::AckReader;
use super::error::CliError;
use super::json;
use crate::audit::{Kept, KeptCheckpoint, KeptReceipt, Proofs};
use crate::pb::Receipt;
use crate::proof::{MAX_NOTE, MAX_POLICY, Policy, read_receipt};

/// Acknowledgements compared in one run, at most: they are held in memory.
const MAX_ACKS: usize = 4_000_000;

/// Receipts compared in one run, at most, for the same reason.
const MAX_RECEIPTS: usize = 1_000_000;

/// Bytes of a file of receipts, at most.
const MAX_RECEIPT_FILE: usize = 1024 * 1024 * 1024;

/// The files.
#[derive(Debug, Default, Args)]
pub struct KeptArgs {
    /// Acknowledgements that were kept ('hazledger submit --acks'): each must
    /// be in the journal as it was given. May be repeated.
    #[arg(long, value_name = "FILE")]
    acks: Vec<PathBuf>,
    /// Receipts that were kept, in each file one (text or protobuf), or one a
    /// line in JSON: each must be of a record of this journal, and of its tree.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    receipts: Vec<PathBuf>,
    /// Checkpoints that were kept, in each file a signed note: the tree must
    /// have had that root at that size.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    checkpoint: Vec<PathBuf>,
    /// Whose cosignatures must be on checkpoints that were published: a policy
    /// (C2SP tlog-policy).
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// What is in them.
#[derive(Debug, Default)]
pub struct KeptFiles {
    /// Acknowledgements.
    pub acknowledgements: Vec<Kept>,
    /// Receipts.
    pub receipts: Vec<KeptReceipt>,
    /// Checkpoints.
    pub checkpoints: Vec<KeptCheckpoint>,
    /// The policy.
    pub policy: Option<Policy>,
}

impl KeptFiles {
    /// Reads them all.
    pub fn read(args: &KeptArgs) -> Result<KeptFiles, CliError> {
        let mut kept = KeptFiles {
            policy: args.policy.as_deref().map(read_policy).transpose()?,
            ..KeptFiles::default()
        };
        for file in &args.acks {
            kept.read_acks(file)?;
        }
        for file in &args.receipts {
            kept.read_receipts(file)?;
        }
        for file in &args.checkpoint {
            let note = read_text(file, MAX_NOTE)?;
            kept.add_checkpoint(&file.display().to_string(), note, true);
        }
        Ok(kept)
    }

    /// Adds a checkpoint from elsewhere.
    pub fn add_checkpoint(&mut self, name: &str, note: String, published: bool) {
        self.checkpoints.push(KeptCheckpoint {
            name: name.to_owned(),
            note,
            published,
        });
    }

    /// For the audit.
    pub fn proofs(&self) -> Proofs<'_> {
        Proofs {
            acknowledgements: &self.acknowledgements,
            receipts: &self.receipts,
            checkpoints: &self.checkpoints,
            policy: self.policy.as_ref(),
        }
    }

    fn read_acks(&mut self, file: &Path) -> Result<(), CliError> {
        for read in AckReader::open(file)? {
            let (line, acknowledgement) = read?;
            if self.acknowledgements.len() == MAX_ACKS {
                let why = format!("more than {MAX_ACKS} acknowledgements; check them in parts");
                return Err(CliError::argument("--acks", why));
            }
            self.acknowledgements.push(Kept {
                name: format!("{}:{line}", file.display()),
                acknowledgement,
            });
        }
        Ok(())
    }

    fn read_receipts(&mut self, file: &Path) -> Result<(), CliError> {
        let bytes = read_bytes(file, MAX_RECEIPT_FILE)?;
        if bytes.first() != Some(&b'{') {
            let receipt = read_receipt(&bytes)
                .map_err(|why| CliError::argument(file.display().to_string(), why.to_string()))?;
            return self.add_receipt(file.display().to_string(), receipt);
        }
        for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            if line.trim_ascii().is_empty() {
                continue;
            }
            let value = serde_json::from_slice(line).map_err(|e| e.to_string());
            let receipt = value.and_then(|value| json::from_json("Receipt", value));
            let receipt = receipt.map_err(|why| CliError::Line {
                file: file.display().to_string(),
                line: number,
                why: format!("no receipt ({why}); if its last write was cut off, take it out"),
            })?;
            self.add_receipt(format!("{}:{number}", file.display()), receipt)?;
        }
        Ok(())
    }

    fn add_receipt(&mut self, name: String, receipt: Receipt) -> Result<(), CliError> {
        if self.receipts.len() == MAX_RECEIPTS {
            let why = format!("more than {MAX_RECEIPTS} receipts; check them in parts");
            return Err(CliError::argument("--receipts", why));
        }
        self.receipts.push(KeptReceipt { name, receipt });
        Ok(())
    }
}

/// Reads a policy.
pub fn read_policy(file: &Path) -> Result<Policy, CliError> {
    let text = read_text(file, MAX_POLICY)?;
    Policy::parse(&text)
        .map_err(|why| CliError::argument(file.display().to_string(), why.to_string()))
}

/// Reads a file of text, of so many bytes at most.
pub fn read_text(file: &Path, most: usize) -> Result<String, CliError> {
    let bytes = read_bytes(file, most)?;
    String::from_utf8(bytes.into())
        .map_err(|_| CliError::argument(file.display().to_string(), "it is no text in UTF-8"))
}

fn read_bytes(file: &Path, most: usize) -> Result<Bytes, CliError> {
    let opened = File::open(file).map_err(CliError::file("read", file))?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = opened.take(limit).read_to_end(&mut bytes);
    if read.map_err(CliError::file("read", file))? > most {
        let why = format!("it has more than {most} bytes");
        return Err(CliError::argument(file.display().to_string(), why));
    }
    Ok(bytes.into())
}
