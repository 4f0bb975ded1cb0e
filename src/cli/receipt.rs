//! `hazledger receipt`: gets a record's receipt from a server, and checks one
//! offline, with nothing but the ledger's verifier key.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use clap::{Args, Subcommand, ValueEnum};
use prost::Message as _;
use serde_json::json;

use super::client::{Client, ServerArgs, block_on, status_text};
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::submit::verifier_for;
use super::time;
use crate::pb::{GetReceiptRequest, get_receipt_request::Which};
use crate::proof::{
    MAX_POLICY, MAX_RECEIPT, Policy, Receipted, VerifierKey, check_receipt, read_receipt,
    receipt_text,
};

/// Get a record's receipt, or check one offline.
#[derive(Debug, Args)]
pub struct ReceiptArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Get the receipt of a record, checked, and keep it in a file.
    #[command(after_help = "\
A receipt shows anybody, offline and for good, that the ledger has the record
at that position under a checkpoint that it signed (and that witnesses
cosigned, where there are any). It waits until a checkpoint covers the record.

Example:
  hazledger receipt get 42 -o 42.receipt
  hazledger receipt get 42 -o 42.receipt --form protobuf")]
    Get(GetArgs),
    /// Check a receipt with the ledger's verifier key alone.
    #[command(after_help = "\
The key must come from somewhere else than the receipt: 'hazledger key vkey'
prints it where the key file is, and the operator publishes it. With --policy
the checkpoint must also have the cosignatures that the policy asks for
(C2SP tlog-policy).

Example:
  hazledger receipt verify 42.receipt --key hazledger.example/try+0c2f…+AZ…
  hazledger receipt verify 42.receipt --key hazledger.example/try+0c2f…+AZ… --policy witnesses.policy")]
    Verify(VerifyArgs),
}

/// How a receipt is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// C2SP tlog-proof.
    #[default]
    Text,
    /// hazledger.v1.Receipt.
    Protobuf,
}

#[derive(Debug, Args)]
struct GetArgs {
    /// The record's position.
    position: u64,
    /// The file to be written.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// As text (C2SP tlog-proof) or as protobuf (hazledger.v1.Receipt).
    #[arg(long, value_enum, default_value_t)]
    form: Form,
    #[command(flatten)]
    server: ServerArgs,
    /// The ledger's verifier key, as known from elsewhere; left out, the
    /// server's word on it is taken.
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// The receipt, in either form.
    file: PathBuf,
    /// The ledger's verifier key: NAME+ID+KEY.
    #[arg(long, value_name = "VKEY")]
    key: String,
    /// Which witnesses must have cosigned.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &ReceiptArgs) -> Result<Outcome, CliError> {
    match &args.action {
        Action::Get(args) => block_on(get(args)),
        Action::Verify(args) => verify(args),
    }
}

fn verifier(text: &str) -> Result<VerifierKey, CliError> {
    VerifierKey::parse(text).map_err(|error| CliError::argument("--key", error.to_string()))
}

async fn get(args: &GetArgs) -> Result<Outcome, CliError> {
    let given = args.key.as_deref().map(verifier).transpose()?;
    let client = Client::connect(&args.server).await?;
    let request = GetReceiptRequest {
        which: Some(Which::Position(args.position)),
        min_position: 0,
    };
    let answer = match client.ledger().get_receipt(request).await {
        Ok(answer) => answer.into_inner(),
        // The ledger says no: there is no such record.
        Err(status) if status.code() == tonic::Code::OutOfRange => {
            eprintln!("hazledger: {}", status_text(&status));
            return Ok(Outcome::SaidNo);
        }
        Err(status) => return Err(CliError::server("give the receipt (GetReceipt)")(status)),
    };
    let receipt = answer.receipt.unwrap_or_default();
    let key = match given {
        Some(key) => key,
        None => verifier_for(&client.identity(None).await?, &receipt.checkpoint)?,
    };
    let wrong = |why: String| CliError::Untrustworthy(format!("its receipt does not hold: {why}"));
    let held = check_receipt(&receipt, &key, None).map_err(|e| wrong(e.to_string()))?;
    if held.position != args.position {
        return Err(wrong(format!("it is of record {}", held.position)));
    }
    let bytes = match args.form {
        Form::Text => receipt_text(&receipt)
            .map_err(|e| wrong(e.to_string()))?
            .into_bytes(),
        Form::Protobuf => receipt.encode_to_vec(),
    };
    fs::write(&args.output, bytes).map_err(CliError::file("write", &args.output))?;
    print(args.format, &held, &key)?;
    Ok(Outcome::Done)
}

/// Reads a file that may have so many bytes.
fn read(path: &Path, most: usize) -> Result<Vec<u8>, CliError> {
    let length = fs::metadata(path)
        .map_err(CliError::file("read", path))?
        .len();
    if usize::try_from(length).is_ok_and(|length| length <= most) {
        return fs::read(path).map_err(CliError::file("read", path));
    }
    let why = format!("{length} bytes; at most {most}");
    Err(CliError::argument(path.display().to_string(), why))
}

fn verify(args: &VerifyArgs) -> Result<Outcome, CliError> {
    let key = verifier(&args.key)?;
    let policy = args.policy.as_deref().map(read_policy).transpose()?;
    let bytes = Bytes::from(read(&args.file, MAX_RECEIPT)?);
    let checked =
        read_receipt(&bytes).and_then(|receipt| check_receipt(&receipt, &key, policy.as_ref()));
    match checked {
        Ok(held) => {
            print(args.format, &held, &key)?;
            Ok(Outcome::Done)
        }
        Err(error) => {
            let mut out = Out::new();
            match args.format {
                Format::Json => out.json(&json!({ "holds": false, "why": error.to_string() }))?,
                Format::Table => out.line(&format!("DOES NOT HOLD 不成立: {error}"))?,
            }
            Ok(Outcome::SaidNo)
        }
    }
}

fn read_policy(path: &Path) -> Result<Policy, CliError> {
    let argument = || format!("--policy {}", path.display());
    let text = String::from_utf8(read(path, MAX_POLICY)?)
        .map_err(|_| CliError::argument(argument(), "it is no text"))?;
    Policy::parse(&text).map_err(|error| CliError::argument(argument(), error.to_string()))
}

/// What a receipt that holds shows.
fn print(format: Format, held: &Receipted, key: &VerifierKey) -> Result<(), CliError> {
    let mut out = Out::new();
    let cosigned =
        |at_s: u64| time::shown(i64::try_from(at_s).unwrap_or(i64::MAX).saturating_mul(1000));
    let checkpoint = &held.checkpoint;
    match format {
        Format::Json => out.json(&json!({
            "holds": true,
            "position": held.position,
            "headHash": held.head_hash.to_string(),
            "recordedAt": time::shown(held.head.recorded_at_ms),
            "origin": checkpoint.origin,
            "treeSize": checkpoint.size,
            "root": checkpoint.root.to_string(),
            "verifierKey": key.to_string(),
            "cosigned": held.cosigned.iter().map(|witness| json!({
                "witness": witness.name,
                "at": cosigned(witness.at_s),
            })).collect::<Vec<_>>(),
        })),
        Format::Table => {
            let witnesses: Vec<String> = held
                .cosigned
                .iter()
                .map(|witness| format!("{} ({})", witness.name, cosigned(witness.at_s)))
                .collect();
            let shows = format!(
                "{} has this head as record {} among its first {}",
                checkpoint.origin, held.position, checkpoint.size
            );
            out.fields(&[
                ("Verdict 结论", "holds 成立".to_owned()),
                ("Shows 证明", shows),
                ("Position 位置", held.position.to_string()),
                ("Head hash 记录哈希", held.head_hash.to_string()),
                ("Recorded 入账", time::shown(held.head.recorded_at_ms)),
                ("Tree size 树大小", checkpoint.size.to_string()),
                ("Root 树根", checkpoint.root.to_string()),
                ("Signed by 签名", key.to_string()),
                (
                    "Cosigned 见证",
                    if witnesses.is_empty() {
                        "not asked for 未要求".to_owned()
                    } else {
                        witnesses.join(", ")
                    },
                ),
            ])
        }
    }
}
