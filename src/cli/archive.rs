//! `hazledger archive`: sealed segments moved to cheaper storage, and where
//! they are, at the terminal. How they are moved is in `backup`.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::backup::{bytes_bar, said_no};
use super::data::must_be_a_ledger;
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use crate::backup::{Archived, JournalFolder, Place, Placed, Until, archive, places};
use crate::ledger::genesis_hash;

/// Move sealed segments to cheaper storage, or list where they are.
#[derive(Debug, Args)]
#[command(after_help = "\
Each sealed segment is copied into STORE, synced, read back, compared and held
against the ledger's signatures; then its name in the journal becomes a link to
it. Everything that reads a ledger reads through the link, and nothing is ever
written through it. A server may have the directory open. The newest segment
stays; what is in STORE is never removed by this. If a store has moved, give its
new place with --to: the links are mended. STORE must be outside DIR.

Without --to the segments are listed, with the place of each; exit status 1 if
one cannot be read.

Exit status: 0 done; 1 something does not hold; 2 could not try.

Example:
  hazledger archive ledger
  hazledger archive ledger --to /mnt/cold/ledger --keep 4
  hazledger archive ledger --to /mnt/cold/ledger --before 1000000 --format json")]
pub struct ArchiveArgs {
    /// The data directory.
    dir: PathBuf,
    /// A folder for this ledger's segments alone, made if it is not there.
    #[arg(long, value_name = "STORE", requires = "which")]
    to: Option<PathBuf>,
    /// Move segments that hold only records before this position.
    #[arg(long, value_name = "POSITION", group = "which", requires = "to")]
    before: Option<u64>,
    /// Move all segments but the newest so many.
    #[arg(long, value_name = "N", group = "which", requires = "to")]
    keep: Option<usize>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &ArchiveArgs) -> Result<Outcome, CliError> {
    must_be_a_ledger(&args.dir)?;
    let until = match (args.before, args.keep) {
        (Some(position), _) => Some(Until::Before(position)),
        (_, Some(newest)) => Some(Until::Keep(newest)),
        (None, None) => None,
    };
    let Some((store, until)) = args.to.as_ref().zip(until) else {
        return list(args);
    };
    let genesis = genesis_hash(&args.dir).map_err(|e| CliError::data_directory(&args.dir, e))?;
    let bar = bytes_bar();
    let archived = archive(&args.dir, genesis, store, until, &mut |bytes| {
        bar.inc(bytes);
    });
    bar.finish_and_clear();
    match archived {
        Ok(archived) => print(args, &archived).map(|()| Outcome::Done),
        Err(error) => said_no(args.format, "archived", store, error),
    }
}

fn print(args: &ArchiveArgs, archived: &Archived) -> Result<(), CliError> {
    let mut out = Out::new();
    match args.format {
        Format::Json => out.json(&json!({
            "archived": true,
            "moved": archived.moved,
            "copiedBytes": archived.copied,
        })),
        Format::Table => out.line(&format!(
            "{} segments moved 已归档, {} bytes copied",
            archived.moved.len(),
            archived.copied
        )),
    }
}

fn list(args: &ArchiveArgs) -> Result<Outcome, CliError> {
    let journal = args.dir.join("journal");
    let placed = places(&JournalFolder::new(&journal)).map_err(|source| CliError::Backup {
        backup: journal,
        source,
    })?;
    let mut out = Out::new();
    match args.format {
        Format::Json => out.json(&placed.iter().map(to_value).collect::<Vec<_>>())?,
        Format::Table => {
            let headings = ["First 首条", "End 末条后", "Bytes 字节", "Where 位置"];
            out.table(&headings, &[0, 1, 2], placed.iter().map(to_row).collect())?;
        }
    }
    let gone = |placed: &Placed| matches!(placed.place, Place::Unreachable(..));
    Ok(if placed.iter().any(gone) {
        Outcome::SaidNo
    } else {
        Outcome::Done
    })
}

fn to_value(placed: &Placed) -> Value {
    let (place, why) = match &placed.place {
        Place::Here => (None, None),
        Place::Archived(place) => (Some(place.display().to_string()), None),
        Place::Unreachable(place, why) => (Some(place.display().to_string()), Some(why)),
    };
    json!({
        "first": placed.first,
        "end": placed.end,
        "bytes": placed.bytes,
        "archivedAs": place,
        "unreachable": why,
    })
}

fn to_row(placed: &Placed) -> Vec<String> {
    let number = |number: Option<u64>| number.map_or_else(String::new, |n| n.to_string());
    let place = match &placed.place {
        Place::Here => "here 本地".to_owned(),
        Place::Archived(place) => place.display().to_string(),
        Place::Unreachable(_, why) => format!("! {why}"),
    };
    vec![
        placed.first.to_string(),
        number(placed.end),
        number(placed.bytes),
        place,
    ]
}
