//! `hazledger verify`: the audit of a data directory that nobody has open, at
//! the terminal. What is checked is in `audit` and `proof`.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::acks::AckReader;
use super::client::public_key_argument;
use super::data::LockedJournal;
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::{time, verify_evidence};
use crate::audit::{
    Audit, Kept, KeptReport, Problem, ReadOnlyFolder, verify_chain, verify_journal, verify_refusals,
};
use crate::proof::{Expect, Report};

/// Acknowledgements compared in one run, at most: they are held in memory.
const MAX_ACKS: usize = 4_000_000;

/// Check a whole data directory: every byte, signature, hash and law; or a file of
/// evidence.
#[derive(Debug, Args)]
#[command(after_help = "\
The refusals that are kept beside the journal are held against what its records
say of them. Nothing is changed. No server may have the directory open; a copy will do.
Without --ledger-key-public the key is taken from record 0, which shows that
the journal agrees with itself, not whose it is.

Example:
  hazledger verify ledger
  hazledger verify ledger --chain-only
  hazledger verify lot.evidence --key hazledger.example/try+0c2f…+AZ…
  hazledger verify ledger --acks acks.jsonl --ledger-key-public 5f0c…")]
pub struct VerifyArgs {
    /// The data directory, or a file of evidence ('hazledger evidence'), which is
    /// checked offline and shows a lot's chain of custody.
    #[arg(value_name = "DIR|FILE")]
    dir: PathBuf,
    /// Evidence: the ledger's verifier key, as known from elsewhere.
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// Evidence: which witnesses must have cosigned its checkpoint (C2SP
    /// tlog-policy).
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Acknowledgements that were kept ('hazledger submit --acks'): each must
    /// be in the journal as it was given. May be repeated.
    #[arg(long, value_name = "FILE")]
    acks: Vec<PathBuf>,
    /// The ledger's public key (64 hexadecimal digits), as known from elsewhere.
    #[arg(long, value_name = "HEX")]
    ledger_key_public: Option<String>,
    /// Heads, chain and the ledger's signatures only: quick, and enough to see
    /// that nothing was cut out, put in or reordered since it was signed. Event
    /// bodies, statements' signatures and the laws are not looked at.
    #[arg(long)]
    chain_only: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &VerifyArgs) -> Result<Outcome, CliError> {
    if args.dir.is_file() {
        let (key, policy) = (args.key.as_deref(), args.policy.as_deref());
        return verify_evidence::run(&args.dir, key, policy, args.format);
    }
    let key = args.ledger_key_public.as_deref();
    let ledger_key = key
        .map(|text| public_key_argument("--ledger-key-public", text))
        .transpose()?;
    let kept = read_acks(&args.acks)?;
    let journal = LockedJournal::take(&args.dir)?;
    let bar = progress_bar();
    let folder = ReadOnlyFolder::new(&journal.folder);
    let expect = Expect {
        ledger_key,
        ..Expect::default()
    };
    let progress = &mut |records| bar.set_position(records);
    let mut audit = if args.chain_only {
        verify_chain(&folder, &expect, &kept, progress)
    } else {
        verify_journal(&folder, &expect, &kept, progress)
    };
    if !args.chain_only {
        verify_refusals(&ReadOnlyFolder::new(&journal.refusals), &mut audit);
    }
    bar.finish_and_clear();
    print(args, &audit, kept.len())?;
    Ok(if audit.problems.is_empty() {
        Outcome::Done
    } else {
        Outcome::SaidNo
    })
}

fn read_acks(files: &[PathBuf]) -> Result<Vec<Kept>, CliError> {
    let mut kept = Vec::new();
    for file in files {
        for read in AckReader::open(file)? {
            let (line, acknowledgement) = read?;
            if kept.len() == MAX_ACKS {
                let why = format!("more than {MAX_ACKS} acknowledgements; check them in parts");
                return Err(CliError::argument("--acks", why));
            }
            let name = format!("{}:{line}", file.display());
            kept.push(Kept {
                name,
                acknowledgement,
            });
        }
    }
    Ok(kept)
}

/// Seen only when a person is watching.
fn progress_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{spinner} {human_pos} records 条 {per_sec} {elapsed}");
    let bar = ProgressBar::new_spinner();
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

fn print(args: &VerifyArgs, audit: &Audit, acknowledgements: usize) -> Result<(), CliError> {
    match args.format {
        Format::Json => Out::new().json(&to_value(args.chain_only, audit, acknowledgements)),
        Format::Table => print_table(args.chain_only, audit, acknowledgements),
    }
}

fn to_value(chain_only: bool, audit: &Audit, acknowledgements: usize) -> Value {
    let problem = |problem: &Problem| {
        let position = Some(problem.position()).filter(|position| *position != u64::MAX);
        json!({ "position": position, "what": problem.to_string() })
    };
    let verified = |report: &Report| {
        if chain_only {
            return chain_value(report);
        }
        json!({
            "events": report.events,
            "statements": report.statements,
            "findings": report.findings,
            "stateRecords": report.state_records,
            "withheld": report.withheld,
            "batches": report.batches,
            "signatures": report.signatures,
            "genesisHash": report.genesis_hash.to_string(),
            "ledgerKeyId": report.ledger_key.map(|id| id.to_string()),
            "lastHead": report.last_head.to_string(),
            "recordedAt": time::shown(report.recorded_at_ms),
            "stateDigest": report.state_digest.to_string(),
        })
    };
    json!({
        "verified": audit.problems.is_empty(),
        "chainOnly": chain_only,
        "records": audit.records,
        "bytes": audit.bytes,
        "closed": audit.closed,
        "acknowledgements": acknowledgements,
        "acknowledged": audit.acknowledged,
        "refusals": audit.refusals.as_ref().map(kept_value),
        "journal": audit.report.as_ref().map(verified),
        "problems": audit.problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

/// What a verification of the chain alone knows.
fn chain_value(report: &Report) -> Value {
    json!({
        "batches": report.batches,
        "signatures": report.signatures,
        "genesisHash": report.genesis_hash.to_string(),
        "ledgerKeyId": report.ledger_key.map(|id| id.to_string()),
        "lastHead": report.last_head.to_string(),
        "recordedAt": time::shown(report.recorded_at_ms),
    })
}

/// What there is of kept refusals.
fn kept_value(kept: &KeptReport) -> Value {
    json!({ "read": kept.read, "first": kept.first, "anchored": kept.anchored })
}

fn print_table(chain_only: bool, audit: &Audit, acknowledgements: usize) -> Result<(), CliError> {
    let mut out = Out::new();
    for problem in &audit.problems {
        out.line(&format!("! {problem}"))?;
    }
    let verdict = match (audit.problems.is_empty(), chain_only) {
        (true, false) => "verified 已验证",
        (true, true) => "chain verified, nothing else 仅验证链",
        (false, _) => "NOT VERIFIED 未通过验证",
    };
    let closed = if audit.closed { "yes 是" } else { "no 否" };
    let mut fields = vec![
        ("Verdict 结论", verdict.to_owned()),
        ("Records 记录", audit.records.to_string()),
        ("Bytes 字节", audit.bytes.to_string()),
        ("Closed cleanly 正常关闭", closed.to_owned()),
        (
            "Acknowledgements 回执",
            format!("{} of {acknowledgements}", audit.acknowledged),
        ),
    ];
    if let Some(KeptReport { read, anchored, .. }) = audit.refusals {
        let kept = format!("{read} ({anchored} anchored 已锚定)");
        fields.push(("Kept refusals 留存的拒绝", kept));
    }
    if let Some(report) = &audit.report {
        let key = report.ledger_key.map(|id| id.to_string());
        if !chain_only {
            fields.extend([
                ("Events 事件", report.events.to_string()),
                ("Findings 发现", report.findings.to_string()),
                ("State digest 状态摘要", report.state_digest.to_string()),
            ]);
        }
        fields.extend([
            ("Signatures 签名", report.signatures.to_string()),
            ("Genesis hash 创始哈希", report.genesis_hash.to_string()),
            ("Ledger key id 账本密钥编号", key.unwrap_or_default()),
            ("Last head 末记录哈希", report.last_head.to_string()),
            ("Last recorded 末次入账", time::shown(report.recorded_at_ms)),
        ]);
    }
    out.fields(&fields)
}
