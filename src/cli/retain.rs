//! `hazledger retain`: what the rule packs let go, and letting it go, at the
//! terminal. Which events those are is in `retain`.

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::data::LockedJournal;
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::time;
use crate::ledger::genesis_hash;
use crate::retain::{Applied, Plan, RetainError, apply, finish, plan};
use crate::storage::ReadOnlyFolder;

/// Withhold event bodies that the rule packs no longer ask to keep.
#[derive(Debug, Args)]
#[command(after_help = "\
Without --apply nothing is changed. No server may have the directory open.

An event's body goes if every lot that its record is about has been gone for
longer than every RETENTION line of the packs in force allows, wherever they
hold: the months are counted up to the ledger's last record. Where no line
covers a lot, nothing goes. Registry events, the ledger's own words, and what an
authority signed never go. Heads, links, outcomes and findings stay: the chain,
receipts, acknowledgements and 'hazledger verify' hold as before. What is
withheld can no longer be corrected, or found by its outside reference.

The journal is verified before, and as it will be. Segments are written again,
which takes as much room as they have; the projection is removed and made again
at the next start. Backups and other copies have the bodies still: take a new
backup into the same folder, and see to the others; to what was set aside in DIR
as well (projection.set-aside-N, journal/….damaged-N). A segment in an archive
comes back, and its file in the archive is removed. What a run that was cut
short left behind goes with the next one.

Exit status: 0 done, or nothing to do; 1 the journal does not verify; 2 could
not try.

Example:
  hazledger retain ledger
  hazledger retain ledger --apply --format json")]
pub struct RetainArgs {
    /// The data directory.
    dir: PathBuf,
    /// Withhold them.
    #[arg(long)]
    apply: bool,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &RetainArgs) -> Result<Outcome, CliError> {
    let journal = LockedJournal::take(&args.dir)?;
    let genesis = genesis_hash(&args.dir).map_err(|e| CliError::data_directory(&args.dir, e))?;
    let bar = progress_bar();
    let progress = &mut |records| bar.set_position(records);
    let mut begun = || -> Result<Done, RetainError> {
        let planned = plan(&ReadOnlyFolder::new(&journal.folder), progress)?;
        // What an earlier run did not come to the end of; only now, since the
        // journal can be read.
        let mut removed = if args.apply {
            finish(&args.dir)?
        } else {
            Vec::new()
        };
        let wanted = args.apply && !planned.records.is_empty();
        let applied = wanted.then(|| apply(&args.dir, genesis, &planned, progress));
        let applied = applied.transpose()?;
        removed.extend(applied.iter().flat_map(|applied| applied.archived.clone()));
        Ok(Done {
            planned,
            applied,
            removed,
        })
    };
    let done = begun();
    bar.finish_and_clear();
    match done {
        Ok(done) => print(args, &done).map(|()| Outcome::Done),
        Err(error @ (RetainError::Untrue(_) | RetainError::Candidate(_))) => {
            said_no(args.format, &error)
        }
        Err(error) => Err(CliError::data_directory(&args.dir, error)),
    }
}

/// What came of it.
struct Done {
    planned: Plan,
    applied: Option<Applied>,
    /// Files of archives that are gone.
    removed: Vec<PathBuf>,
}

fn said_no(format: Format, error: &RetainError) -> Result<Outcome, CliError> {
    let mut out = Out::new();
    match format {
        Format::Json => out.json(&json!({ "withheld": false, "why": error.to_string() }))?,
        Format::Table => out.line(&format!("! {error}"))?,
    }
    Ok(Outcome::SaidNo)
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

fn print(args: &RetainArgs, done: &Done) -> Result<(), CliError> {
    let (plan, applied) = (&done.planned, done.applied.as_ref());
    let shown = |file: &PathBuf| Path::display(file).to_string();
    let mut out = Out::new();
    if let Format::Json = args.format {
        return out.json(&json!({
            "withheld": applied.is_some(),
            "judgedAt": time::shown(plan.at_ms),
            "hasRule": plan.has_rule,
            "records": plan.count(),
            "events": plan.events,
            "bytes": plan.bytes,
            "lots": plan.lots,
            "segments": plan.records.len(),
            "withheldBefore": plan.withheld,
            "withheldNow": applied.map(|applied| applied.report.withheld),
            "removedFromArchive": done.removed.iter().map(shown).collect::<Vec<_>>(),
        }));
    }
    if !plan.has_rule {
        out.line("no pack in force says how long to keep anything 无保存期限规则: nothing goes")?;
    }
    let what = match applied {
        Some(_) => "Withheld 已略去",
        None => "May be withheld 可略去",
    };
    out.fields(&[
        ("Judged at 判定时间", time::shown(plan.at_ms)),
        (
            what,
            format!(
                "{} events of {} records, about {} lots; {} bytes in {} segments",
                plan.events,
                plan.count(),
                plan.lots,
                plan.bytes,
                plan.records.len()
            ),
        ),
        ("Withheld before 此前已略去", plan.withheld.to_string()),
    ])?;
    for file in &done.removed {
        out.line(&format!("removed from the archive: {}", shown(file)))?;
    }
    if applied.is_none() && plan.events > 0 {
        out.line("nothing was changed; --apply withholds them")?;
    }
    Ok(())
}
