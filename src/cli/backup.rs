//! `hazledger backup`: a data directory backed up while it may be served, and
//! a backup verified, at the terminal. What is taken, and in which order, is
//! in `backup`.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::data::must_be_a_ledger;
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::time;
use crate::backup::{
    BackupError, BackupFolder, Key, Manifest, Source, Taken, Verified, Wanted, open_read_only,
    take, verify,
};
use crate::ledger::genesis_hash;

/// Back a data directory up, while it may be served; or verify a backup.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "\
A server may have the directory open and be writing to it. Only what is new is
copied; a sealed segment that the backup has is known by its length, header and
offset table (--thorough reads both). What is copied is held against the
ledger's own signatures first. The manifest is written last: a backup that is
cut short leaves the one before. A batch at the very end that nothing says is
durable yet is left for the next time. A backup is not written over by another
ledger's, by fewer records, or by other ones.

A backup holds everything that the data directory cannot rebuild, with the
ledger's key file under its passphrase; all files are their owner's only.

Exit status: 0 backed up; 1 something does not hold, and the backup is as it
was; 2 could not try.

Example:
  hazledger backup ledger --to /backup/ledger
  hazledger backup ledger --to /backup/ledger --thorough --format json
  hazledger backup verify /backup/ledger"
)]
pub struct BackupArgs {
    #[command(subcommand)]
    action: Option<Action>,
    /// The data directory.
    #[arg(required = true)]
    dir: Option<PathBuf>,
    /// The backup's folder: its own, made if it is not there.
    #[arg(long, value_name = "BACKUP", required = true)]
    to: Option<PathBuf>,
    /// Leave the ledger's key file out. Whoever restores then needs it from
    /// elsewhere.
    #[arg(long)]
    without_key: bool,
    /// Leave out the refusals that are kept beside the journal.
    #[arg(long)]
    without_refusals: bool,
    /// Read and compare every byte of what is there already, on both sides.
    #[arg(long)]
    thorough: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Verify a backup: every byte, and the whole ledger that it holds.
    #[command(after_help = "\
Nothing is written. The manifest, the bytes of every file, and everything that
'hazledger verify' checks of a data directory; where the ledger had signed for
its tree, its root is worked out anew.

Example:
  hazledger backup verify /backup/ledger
  hazledger backup verify /backup/ledger --format json")]
    Verify(VerifyArgs),
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// The backup's folder.
    backup: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &BackupArgs) -> Result<Outcome, CliError> {
    if let Some(Action::Verify(args)) = &args.action {
        return run_verify(args);
    }
    let (Some(dir), Some(to)) = (&args.dir, &args.to) else {
        let why = "give the data directory, and where to with --to BACKUP";
        return Err(CliError::argument("backup", why));
    };
    must_be_a_ledger(dir)?;
    if is_inside(to, dir) {
        let why = "it is inside the data directory; give a folder elsewhere, on another disk";
        return Err(CliError::argument(format!("--to {}", to.display()), why));
    }
    let genesis = genesis_hash(dir).map_err(|e| CliError::data_directory(dir, e))?;
    let wanted = Wanted {
        key: !args.without_key,
        refusals: !args.without_refusals,
        thorough: args.thorough,
    };
    let bar = bytes_bar();
    let taken = BackupFolder::create(to).and_then(|folder| {
        let source = Source::new(dir, genesis);
        take(&source, &folder, wanted, time::now_ms(), &mut |bytes| {
            bar.inc(bytes);
        })
    });
    bar.finish_and_clear();
    match taken {
        Ok(taken) => print(args.format, &taken, to).map(|()| Outcome::Done),
        Err(error) => said_no(args.format, "backedUp", to, error),
    }
}

fn run_verify(args: &VerifyArgs) -> Result<Outcome, CliError> {
    let bar = bytes_bar();
    let verified = open_read_only(&args.backup)
        .and_then(|backup| verify(&backup, &mut |bytes| bar.inc(bytes)));
    bar.finish_and_clear();
    match verified {
        Ok(verified) => print_verified(args.format, &verified).map(|()| Outcome::Done),
        Err(error) => said_no(args.format, "verified", &args.backup, error),
    }
}

/// What does not hold is an answer; what could not be tried is an error.
pub(super) fn said_no(
    format: Format,
    what: &str,
    backup: &Path,
    error: BackupError,
) -> Result<Outcome, CliError> {
    if !error.says_no() {
        return Err(CliError::Backup {
            backup: backup.to_owned(),
            source: error,
        });
    }
    let mut out = Out::new();
    match format {
        Format::Json => out.json(&json!({ what: false, "why": error.to_string() }))?,
        Format::Table => out.line(&format!("! {}: {error}", backup.display()))?,
    }
    Ok(Outcome::SaidNo)
}

/// Whether one folder is, or would be, inside another.
fn is_inside(inner: &Path, outer: &Path) -> bool {
    let Ok(outer) = outer.canonicalize() else {
        return false;
    };
    let mut there = inner.to_owned();
    loop {
        match there.canonicalize() {
            Ok(real) => return real.starts_with(&outer),
            Err(_) => match there.parent() {
                Some(parent) if parent.as_os_str().is_empty() => there = PathBuf::from("."),
                Some(parent) => there = parent.to_owned(),
                None => return false,
            },
        }
    }
}

/// Seen only when a person is watching.
pub(super) fn bytes_bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {bytes} {binary_bytes_per_sec} {elapsed}");
    let bar = ProgressBar::new_spinner();
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

/// What of a manifest both forms of every answer say.
pub(super) fn manifest_value(manifest: &Manifest) -> Value {
    json!({
        "genesisHash": manifest.genesis_hash.to_string(),
        "records": manifest.records,
        "lastHead": manifest.last_head.to_string(),
        "recordedAt": time::shown(manifest.recorded_at_ms),
        "takenAt": time::shown(manifest.taken_at_ms),
        "files": manifest.files.len(),
        "bytes": manifest.bytes(),
    })
}

/// The same for people.
pub(super) fn manifest_fields(manifest: &Manifest) -> Vec<(&'static str, String)> {
    vec![
        ("Records 记录", manifest.records.to_string()),
        (
            "Last recorded 末次入账",
            time::shown(manifest.recorded_at_ms),
        ),
        ("Last head 末记录哈希", manifest.last_head.to_string()),
        ("Taken 备份时间", time::shown(manifest.taken_at_ms)),
        ("Files 文件", manifest.files.len().to_string()),
        ("Bytes 字节", manifest.bytes().to_string()),
    ]
}

fn print(format: Format, taken: &Taken, to: &Path) -> Result<(), CliError> {
    let mut out = Out::new();
    let key = match taken.key {
        Key::LeftOut => "left out 未含",
        Key::Elsewhere => "not in the data directory 不在数据目录",
        Key::Sealed => "under its passphrase 口令加密",
        Key::PlainText => "IN PLAIN TEXT 明文: whoever reads the backup can sign as the ledger",
    };
    if let Format::Json = format {
        return out.json(&json!({
            "backedUp": true,
            "manifest": manifest_value(&taken.manifest),
            "recordsBefore": taken.before,
            "newFiles": taken.new_files,
            "newBytes": taken.new_bytes,
            "leftOut": taken.left_out,
            "signedSize": taken.signed,
            "key": key_word(taken.key),
        }));
    }
    let mut fields = vec![("Backup 备份", to.display().to_string())];
    fields.extend(manifest_fields(&taken.manifest));
    let before = taken.before.map_or_else(
        || "none 无".to_owned(),
        |before| format!("{before} records"),
    );
    fields.extend([
        ("Backup before 上次备份", before),
        (
            "New 新增",
            format!("{} bytes in {} files", taken.new_bytes, taken.new_files),
        ),
        ("Ledger key 账本密钥", key.to_owned()),
    ]);
    if let Some(size) = taken.signed {
        fields.push(("Signed tree 已签树大小", size.to_string()));
    }
    if taken.left_out > 0 {
        fields.push((
            "Left for next time 留待下次",
            format!(
                "{} records that nothing says are durable yet",
                taken.left_out
            ),
        ));
    }
    out.fields(&fields)
}

fn key_word(key: Key) -> &'static str {
    match key {
        Key::LeftOut => "leftOut",
        Key::Elsewhere => "elsewhere",
        Key::Sealed => "sealed",
        Key::PlainText => "plainText",
    }
}

fn print_verified(format: Format, verified: &Verified) -> Result<(), CliError> {
    let mut out = Out::new();
    if let Format::Json = format {
        return out.json(&json!({
            "verified": true,
            "manifest": manifest_value(&verified.manifest),
            "signedSize": verified.signed,
        }));
    }
    let mut fields = vec![("Verdict 结论", "verified 已验证".to_owned())];
    fields.extend(manifest_fields(&verified.manifest));
    if let Some(size) = verified.signed {
        fields.push(("Signed tree 已签树大小", size.to_string()));
    }
    out.fields(&fields)
}
