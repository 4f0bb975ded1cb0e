//! `hazledger restore`: a data directory made of a backup, at the terminal.
//! What is verified before it has its name is in `backup`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::backup::{bytes_bar, manifest_fields, manifest_value, said_no};
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::time;
use crate::backup::{MARK, Manifest, Restored, open_read_only, restore};

/// Make a data directory of a backup, once all of it has been verified.
#[derive(Debug, Args)]
#[command(after_help = "\
DIR must be empty or absent. The ledger is built beside it, every byte is held
against the manifest, and everything that 'hazledger verify' checks is checked;
only then does it get its name. The file RESTORED in it says when and from
what: records that are newer than the backup may have been lost with the disk,
so the ledger accepts nothing and signs for no tree until somebody has shown
that none were: with a checkpoint that was kept, or by a witness that it asks.

Exit status: 0 restored; 1 the backup does not hold, and nothing is there; 2
could not try.

Example:
  hazledger restore /backup/ledger ledger
  hazledger serve ledger --known-checkpoint checkpoint.txt")]
pub struct RestoreArgs {
    /// The backup's folder. It is only read.
    backup: PathBuf,
    /// The data directory to be made.
    dir: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &RestoreArgs) -> Result<Outcome, CliError> {
    let bar = bytes_bar();
    let mark = |manifest: &Manifest| mark_text(&args.backup, manifest, time::now_ms());
    let restored = open_read_only(&args.backup)
        .and_then(|backup| restore(&backup, &args.dir, &mark, &mut |bytes| bar.inc(bytes)));
    bar.finish_and_clear();
    match restored {
        Ok(restored) => print(args, &restored).map(|()| Outcome::Done),
        Err(error) => said_no(args.format, "restored", &args.backup, error),
    }
}

/// What the mark says, for whoever finds it.
fn mark_text(backup: &Path, manifest: &Manifest, now_ms: i64) -> String {
    let backup = backup.canonicalize().unwrap_or_else(|_| backup.to_owned());
    format!(
        "This ledger was restored from a backup. Newer records may have been lost.\n\
         restored = {}\n\
         from = {}\n\
         taken = {}\n\
         records = {}\n\
         last recorded = {}\n\
         last head = {}\n",
        time::shown(now_ms),
        // One line, whatever the folder is called.
        backup.display().to_string().escape_debug(),
        time::shown(manifest.taken_at_ms),
        manifest.records,
        time::shown(manifest.recorded_at_ms),
        manifest.last_head,
    )
}

fn print(args: &RestoreArgs, restored: &Restored) -> Result<(), CliError> {
    let mut out = Out::new();
    let has_key = restored.manifest.file("ledger.key").is_some();
    if let Format::Json = args.format {
        return out.json(&json!({
            "restored": true,
            "manifest": manifest_value(&restored.manifest),
            "signedSize": restored.signed,
            "hasKey": has_key,
            "mark": args.dir.join(MARK).display().to_string(),
        }));
    }
    let mut fields = vec![
        ("Restored 已恢复", args.dir.display().to_string()),
        ("Verdict 结论", "verified 已验证".to_owned()),
    ];
    fields.extend(manifest_fields(&restored.manifest));
    if let Some(size) = restored.signed {
        fields.push(("Signed tree 已签树大小", size.to_string()));
    }
    out.fields(&fields)?;
    let dir = args.dir.display();
    if !has_key {
        out.line("The ledger's key is not in the backup 备份中没有账本密钥: give it with --key.")?;
    }
    out.line(&format!(
        "Next 下一步: records after these may have been lost with the disk, so the ledger accepts \
         nothing yet. If you have a checkpoint of this ledger that somebody kept:\n  \
         hazledger serve {dir} --known-checkpoint FILE\n\
         With witnesses in its policy, 'hazledger serve {dir}' asks them. Reads work at once."
    ))
}
