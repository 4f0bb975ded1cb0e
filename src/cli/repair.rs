//! `hazledger repair`: heals the damaged and missing segments of a data
//! directory from another copy of it, at the terminal. What is verified before
//! anything is replaced is in `repair`.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::data::{LockedJournal, journal_of};
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use crate::backup::{BackupReader, Maintenance, Manifest, journal_in, open_read_only};
use crate::event::Hash;
use crate::journal::Damage;
use crate::ledger::genesis_hash;
use crate::repair::{Healed, NotHealed, Repair, repair};
use crate::storage::{DirStorage, ReadOnlyFolder, Storage, View};

/// Heal a data directory from another copy of it.
#[derive(Debug, Args)]
#[command(after_help = "\
No server may have the directory open. Each damaged or missing segment is taken
from the copy only if the copy's has sound frames and checksums, belongs to
this ledger, takes up from the records around it, and every batch in it is
signed by the ledger's key; then the journal is read again. The copy may be
older, from when the segment was not yet full. What is replaced is kept beside
it under a name that ends in .damaged-1; nothing is erased. A torn tail is left
to 'hazledger serve', which sets it aside. Afterwards 'hazledger verify' checks
the laws and every signature.

Exit status: 0 healed, or nothing to heal; 1 something could not be healed;
2 could not try.

Example:
  hazledger repair ledger --from /backup/ledger
  hazledger repair ledger --from /backup/ledger --format json")]
pub struct RepairArgs {
    /// The data directory.
    dir: PathBuf,
    /// Another copy of it: a backup, a data directory, or a journal's folder. It
    /// is only read.
    #[arg(long, value_name = "COPY")]
    from: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &RepairArgs) -> Result<Outcome, CliError> {
    let journal = LockedJournal::take(&args.dir)?;
    // An archive may be made beside a server, and so beside this.
    let _maintenance =
        Maintenance::take(&args.dir).map_err(|e| CliError::data_directory(&args.dir, e))?;
    let genesis = genesis_hash(&args.dir).map_err(|e| CliError::data_directory(&args.dir, e))?;
    if let Some((copy, _)) = backup_at(&args.from)? {
        return heal(args, &journal, genesis, &copy);
    }
    let copy = journal_of(&args.from)?;
    if is_same(&journal.folder, &copy) {
        let why = "it is the directory that is to be healed; give another copy of it";
        return Err(CliError::argument(
            format!("--from {}", args.from.display()),
            why,
        ));
    }
    heal(args, &journal, genesis, &ReadOnlyFolder::new(copy))
}

/// The journal in a backup, if that is what the copy is.
fn backup_at(copy: &Path) -> Result<Option<(View<BackupReader>, Manifest)>, CliError> {
    let found = open_read_only(copy).and_then(|backup| journal_in(&backup));
    found.map_err(|source| CliError::Backup {
        backup: copy.to_owned(),
        source,
    })
}

fn heal<C: Storage>(
    args: &RepairArgs,
    journal: &LockedJournal,
    genesis: Hash,
    copy: &C,
) -> Result<Outcome, CliError> {
    let bar = progress_bar();
    let repaired = repair(
        &DirStorage::new(&journal.folder),
        copy,
        genesis,
        &mut |records| bar.set_position(records),
    );
    bar.finish_and_clear();
    let repaired = repaired.map_err(|e| CliError::data_directory(&args.dir, e))?;
    print(args.format, &repaired, &args.dir)?;
    Ok(if repaired.not_healed.is_empty() {
        Outcome::Done
    } else {
        Outcome::SaidNo
    })
}

fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| real(other) == Some(one))
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

fn print(format: Format, repair: &Repair, dir: &Path) -> Result<(), CliError> {
    match format {
        Format::Json => Out::new().json(&to_value(repair)),
        Format::Table => print_table(repair, dir),
    }
}

fn to_value(repair: &Repair) -> Value {
    let damage = |damage: &Damage| {
        json!({
            "segment": damage.segment,
            "offset": damage.offset,
            "position": damage.position,
            "what": damage.what,
        })
    };
    let healed = |healed: &Healed| {
        json!({
            "damage": damage(&healed.damage),
            "segment": healed.segment,
            "first": healed.first,
            "end": healed.end,
            "kept": healed.kept,
        })
    };
    let not_healed = |hurt: &NotHealed| json!({ "damage": damage(&hurt.damage), "why": hurt.why });
    json!({
        "sound": repair.not_healed.is_empty(),
        "records": repair.records,
        "healed": repair.healed.iter().map(healed).collect::<Vec<_>>(),
        "notHealed": repair.not_healed.iter().map(not_healed).collect::<Vec<_>>(),
        "tornTail": repair.torn.as_ref().map(damage),
    })
}

fn print_table(repair: &Repair, dir: &Path) -> Result<(), CliError> {
    let mut out = Out::new();
    for healed in &repair.healed {
        let kept = match &healed.kept {
            Some(kept) => format!("what stood there is kept as {kept}"),
            None => "nothing stood there".to_owned(),
        };
        out.line(&format!("healed 已修复 {}; {kept}", healed.damage))?;
    }
    for hurt in &repair.not_healed {
        out.line(&format!(
            "! NOT healed 未修复 {}; {}",
            hurt.damage, hurt.why
        ))?;
    }
    if let Some(torn) = &repair.torn {
        out.line(&format!(
            "a torn tail, never acknowledged; serve sets it aside: {torn}"
        ))?;
    }
    let records = repair.records;
    out.line(&match (repair.healed.len(), repair.not_healed.len()) {
        (0, 0) => format!("nothing to heal 无需修复: {records} records"),
        (healed, 0) => format!(
            "{healed} healed 已修复, {records} records; check the laws too: hazledger verify {}",
            dir.display()
        ),
        (healed, hurt) => format!(
            "{healed} healed 已修复, {hurt} NOT healed 未修复; try another copy with --from"
        ),
    })
}
