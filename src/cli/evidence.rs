//! `hazledger evidence`: one file with all that proves a lot's chain of custody
//! to whoever does not trust the ledger. It is checked before it is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::Args;
use prost::Message as _;
use serde_json::json;

use super::client::{Client, ServerArgs, block_on, status_text};
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::submit::verifier_of;
use crate::event::{Hash, LotId};
use crate::pb::get_evidence_request::Which;
use crate::pb::{EnclosedDocument, Evidence, GetEvidenceRequest};
use crate::proof::VerifierKey;
use crate::proof::evidence::{
    Checked, MAX_DOCUMENTS, MAX_EVIDENCE, MAX_EVIDENCE_FILE, check_evidence, read_evidence,
};
use crate::storage::replace_file;

/// Files of the folder of documents that are looked at, at most.
const MAX_FILES: usize = 100_000;
/// Bytes of one document, at most.
const MAX_DOCUMENT: u64 = 32 * 1024 * 1024;

/// Keep everything that proves a lot's chain of custody in one file.
#[derive(Debug, Args)]
#[command(after_help = "\
The file shows the lot's records to its birth, those of the lots that it was
made of, the keys, permits and rule packs that they rest on, and that nothing
came after. Parts that concern other lots and parties are withheld. Whoever has
the ledger's verifier key checks it offline: 'hazledger verify FILE --key VKEY'.

Example:
  hazledger evidence 0f3e… -o lot.evidence
  hazledger evidence --label NACN-2026-0117 -o lot.evidence --documents papers")]
pub struct EvidenceArgs {
    /// The lot by its name: 32 hexadecimal digits.
    #[arg(value_name = "LOT", required_unless_present = "label")]
    lot: Option<String>,
    /// The lot by the label that people read.
    #[arg(long, value_name = "TEXT", conflicts_with = "lot")]
    label: Option<String>,
    /// The file to be written.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    server: ServerArgs,
    /// Enclose the documents that the records name by hash, as far as a file of
    /// this folder has that hash.
    #[arg(long, value_name = "DIR")]
    documents: Option<PathBuf>,
    /// The ledger's verifier key, as known from elsewhere; left out, the
    /// server's word on it is taken for the check before the file is kept.
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &EvidenceArgs) -> Result<Outcome, CliError> {
    block_on(get(args))
}

async fn get(args: &EvidenceArgs) -> Result<Outcome, CliError> {
    let which = which(args)?;
    let given = args.key.as_deref().map(verifier_key).transpose()?;
    let client = Client::connect(&args.server).await?;
    let key = match given {
        Some(key) => key,
        None => verifier_of(&client.identity(None).await?)?,
    };
    let Some(mut bytes) = ask(&client, which).await? else {
        return Ok(Outcome::SaidNo);
    };
    let checked = held(&bytes, &key)?;
    if let Some(folder) = &args.documents {
        bytes.extend(enclosed(&checked, folder)?.encode_to_vec());
    }
    let checked = held(&bytes, &key)?;
    // It has its name only when it is whole.
    let written = replace_file(&args.output, |mut file| file.write_all(&bytes));
    written.map_err(|why| CliError::file("write", &args.output)(why.into()))?;
    print(args, &checked, bytes.len())?;
    Ok(Outcome::Done)
}

fn which(args: &EvidenceArgs) -> Result<Which, CliError> {
    let Some(text) = &args.lot else {
        return Ok(Which::Label(args.label.clone().unwrap_or_default()));
    };
    let lot: LotId = text.parse().map_err(|_| {
        let why = "32 hexadecimal digits are wanted; a label goes with --label";
        CliError::argument(text, why)
    })?;
    Ok(Which::Lot(lot.to_bytes()))
}

/// A verifier key as an argument.
pub fn verifier_key(text: &str) -> Result<VerifierKey, CliError> {
    VerifierKey::parse(text).map_err(|error| CliError::argument("--key", error.to_string()))
}

/// The pieces one after another; none if the server knows no such lot, which
/// has been told.
async fn ask(client: &Client, which: Which) -> Result<Option<Vec<u8>>, CliError> {
    let what = "give the evidence (GetEvidence)";
    let request = GetEvidenceRequest {
        which: Some(which),
        min_position: 0,
    };
    let mut pieces = match client.trace().get_evidence(request).await {
        Ok(answer) => answer.into_inner(),
        Err(status) if status.code() == tonic::Code::NotFound => {
            eprintln!("hazledger: {}", status_text(&status));
            return Ok(None);
        }
        Err(status) => return Err(CliError::server(what)(status)),
    };
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.message().await.map_err(CliError::server(what))? {
        bytes.extend(piece.encode_to_vec());
        if bytes.len() > MAX_EVIDENCE.saturating_mul(2) {
            let why = format!("it sends more than {} bytes", bytes.len());
            return Err(CliError::Untrustworthy(why));
        }
    }
    Ok(Some(bytes))
}

fn held(bytes: &[u8], key: &VerifierKey) -> Result<Checked, CliError> {
    let wrong = |why: String| CliError::Untrustworthy(format!("its evidence does not hold: {why}"));
    let evidence =
        read_evidence(Bytes::copy_from_slice(bytes)).map_err(|e| wrong(e.to_string()))?;
    check_evidence(&evidence, key, None).map_err(|e| wrong(e.to_string()))
}

/// The documents that the events name, out of a folder, as a piece of evidence.
fn enclosed(checked: &Checked, folder: &Path) -> Result<Evidence, CliError> {
    let named: BTreeSet<Hash> = checked
        .documents
        .iter()
        .map(|(named, _)| named.hash)
        .collect();
    let mut found: BTreeMap<Hash, Vec<u8>> = BTreeMap::new();
    let mut size = 0usize;
    let entries = fs::read_dir(folder).map_err(CliError::file("read", folder))?;
    for (count, entry) in entries.enumerate() {
        let path = entry.map_err(CliError::file("read", folder))?.path();
        if count >= MAX_FILES {
            let why = format!("more than {MAX_FILES} files; give a folder of fewer");
            return Err(CliError::argument("--documents", why));
        }
        let Some(content) = content(&path)? else {
            continue;
        };
        let hash = Hash(*blake3::hash(&content).as_bytes());
        if named.contains(&hash) && !found.contains_key(&hash) {
            size = size.saturating_add(content.len());
            if size > MAX_EVIDENCE_FILE.saturating_sub(MAX_EVIDENCE) {
                let why = "the documents come to more than a file of evidence holds; leave it out";
                return Err(CliError::argument("--documents", why));
            }
            found.insert(hash, content);
        }
    }
    let documents = found.into_values().take(MAX_DOCUMENTS);
    let document = |content: Vec<u8>| EnclosedDocument {
        content: content.into(),
    };
    Ok(Evidence {
        documents: documents.map(document).collect(),
        ..Evidence::default()
    })
}

/// What is in a file; none of a folder, or of what is too large to be a
/// document.
fn content(path: &Path) -> Result<Option<Vec<u8>>, CliError> {
    let failed = || CliError::file("read", path);
    let about = fs::metadata(path).map_err(failed())?;
    if !about.is_file() || about.len() > MAX_DOCUMENT {
        return Ok(None);
    }
    let mut content = Vec::new();
    let file = File::open(path).map_err(failed())?;
    let read = file.take(MAX_DOCUMENT).read_to_end(&mut content);
    read.map_err(failed())?;
    Ok(Some(content))
}

fn print(args: &EvidenceArgs, checked: &Checked, bytes: usize) -> Result<(), CliError> {
    let mut out = Out::new();
    let file = args.output.display().to_string();
    let enclosed = checked.documents.iter().filter(|(_, there)| *there).count();
    if args.format == Format::Json {
        return out.json(&json!({
            "file": file,
            "bytes": bytes,
            "lot": checked.lot.to_string(),
            "records": checked.records.len(),
            "checkpointSize": checked.checkpoint.size,
            "documentsNamed": checked.documents.len(),
            "documentsEnclosed": enclosed,
        }));
    }
    out.fields(&[
        ("File 文件", file),
        ("Bytes 字节", bytes.to_string()),
        ("Lot 批次", checked.lot.to_string()),
        ("Records 记录", checked.records.len().to_string()),
        (
            "Checkpoint 检查点",
            format!("{} records", checked.checkpoint.size),
        ),
        (
            "Documents 附件",
            format!("{enclosed} of {} enclosed", checked.documents.len()),
        ),
    ])
}
