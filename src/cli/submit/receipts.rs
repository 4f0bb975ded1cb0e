//! The receipts that `submit --receipts` keeps: appended to a file, one
//! `hazledger.v1.Receipt` a line in the proto3 JSON mapping, or each as text
//! in a file of its own in a folder. Each is checked before it is kept.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::answer::Verdict;
use crate::cli::client::Identity;
use crate::cli::error::CliError;
use crate::cli::json;
use crate::pb::Receipt;
use crate::proof::{Checkpoint, Note, NoteKeyKind, VerifierKey, check_receipt, receipt_text};

/// What a receipt's file in a folder is called after its position.
const ENDING: &str = "receipt";

/// See the module.
pub struct ReceiptWriter {
    path: PathBuf,
    /// Of a file; none of a folder.
    file: Option<File>,
    identity: Identity,
}

impl ReceiptWriter {
    /// A folder that is there, or a file that is appended to.
    pub fn open(path: &Path, identity: &Identity) -> Result<ReceiptWriter, CliError> {
        verifier_of(identity)?;
        let file = if path.is_dir() {
            None
        } else {
            let opened = OpenOptions::new().append(true).create(true).open(path);
            Some(opened.map_err(CliError::file("open", path))?)
        };
        Ok(ReceiptWriter {
            path: path.to_owned(),
            file,
            identity: identity.clone(),
        })
    }

    /// Keeps the receipt of what was accepted, or says why there is none: what
    /// is recorded stays recorded.
    pub fn keep(
        &mut self,
        verdict: &Verdict,
        receipt: Option<&Receipt>,
        missing: &str,
    ) -> Result<(), CliError> {
        let Verdict::Accepted {
            position,
            acknowledgement,
            ..
        } = verdict
        else {
            return Ok(());
        };
        let Some(receipt) = receipt else {
            eprintln!(
                "hazledger: record {position} has no receipt yet: {missing}; get it later with \
                 'hazledger receipt get {position} -o FILE'"
            );
            return Ok(());
        };
        let wrong = |why: String| {
            CliError::Untrustworthy(format!(
                "its receipt of record {position} does not hold: {why}"
            ))
        };
        let verifier = verifier_for(&self.identity, &receipt.checkpoint)?;
        check_receipt(receipt, &verifier, None).map_err(|e| wrong(e.to_string()))?;
        if receipt.head != acknowledgement.head {
            return Err(wrong("it is of another record".to_owned()));
        }
        self.write(*position, receipt)
    }

    fn write(&mut self, position: u64, receipt: &Receipt) -> Result<(), CliError> {
        let Some(file) = &mut self.file else {
            let path = self.path.join(format!("{position}.{ENDING}"));
            let failed = |why: String| CliError::file("write", &path)(std::io::Error::other(why));
            let text = receipt_text(receipt).map_err(|e| failed(e.to_string()))?;
            return fs::write(&path, text).map_err(CliError::file("write", &path));
        };
        let value = json::to_json("Receipt", receipt)
            .map_err(|e| CliError::file("write", &self.path)(std::io::Error::other(e)))?;
        file.write_all(format!("{value}\n").as_bytes())
            .map_err(CliError::file("append to", &self.path))
    }

    /// Makes what was appended durable.
    pub fn sync(&self) -> Result<(), CliError> {
        match &self.file {
            Some(file) => file.sync_data().map_err(CliError::file("sync", &self.path)),
            None => Ok(()),
        }
    }
}

/// What a checkpoint of a ledger's is verified with: by the size in it, if that
/// was signed before the ledger's key was rotated.
pub fn verifier_for(identity: &Identity, checkpoint: &str) -> Result<VerifierKey, CliError> {
    let note = Note::parse(checkpoint).ok();
    let said = note.and_then(|note| Checkpoint::parse(&note.text).ok());
    let name = &identity.origin.name;
    let keys = &identity.ledger_keys;
    let verifier = keys.verifier_key(name, said.map(|checkpoint| checkpoint.size));
    verifier.map_or_else(|| verifier_of(identity), Ok)
}

/// What a ledger's next checkpoints are verified with.
pub fn verifier_of(identity: &Identity) -> Result<VerifierKey, CliError> {
    let key = identity.ledger_key.clone();
    VerifierKey::new(&identity.origin.name, NoteKeyKind::Ed25519, key).map_err(|error| {
        CliError::Server {
            what: "give receipts",
            why: error.to_string(),
        }
    })
}
