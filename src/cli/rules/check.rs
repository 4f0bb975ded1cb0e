//! A dry run: every statement of a ledger decided again with a pack as if it
//! had stood from its first day, and what it would have refused or found.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::audit::{RecordError, each_record};
use crate::cli::data::LockedJournal;
use crate::cli::error::{CliError, Outcome};
use crate::cli::output::{Format, Out};
use crate::cli::{time, words};
use crate::custody::rules::{Trial, Tried};
use crate::custody::subject;
use crate::event::codes;
use crate::pb::Finding;
use crate::storage::ReadOnlyFolder;

/// Say what a pack would have refused or found in an existing ledger.
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is changed. No server may have the directory open; a copy will do.
What is refused or found already is not told again. What time alone would have
broken is told as it stands at the last record, the first thousand of it. Exit status 1: the pack would
have refused something that is recorded.

Example:
  hazledger rules check national --dir ledger
  hazledger rules check my-pack.json --dir ledger --format json")]
pub(super) struct CheckArgs {
    /// A pack's file, or 'national'.
    pack: PathBuf,
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(args: &CheckArgs) -> Result<Outcome, CliError> {
    let packs = super::read(&args.pack)?;
    let journal = LockedJournal::take(&args.dir)?;
    let folder = ReadOnlyFolder::new(&journal.folder);
    let mut out = Out::new();
    let mut trial = Trial::new(packs);
    let mut counts = Counts::default();
    let take = &mut |record: &bytes::Bytes| -> Result<(), CliError> {
        counts.records += 1;
        let tried = trial.record(record);
        let tried = tried.map_err(|why| CliError::data_directory(&args.dir, why))?;
        tried.map_or(Ok(()), |tried| {
            counts.refused += u64::from(tried.refused.is_some());
            counts.found += tried.found.len() as u64;
            print(&mut out, args.format, &tried)
        })
    };
    each_record(&folder, take).map_err(|error| match error {
        RecordError::Damage(problem) => CliError::data_directory(&args.dir, problem),
        RecordError::Taken(error) => error,
    })?;
    if let Some(tried) = trial.overdue() {
        counts.found += tried.found.len() as u64;
        print(&mut out, args.format, &tried)?;
    }
    counts.print(&mut out, args.format)?;
    Ok(match counts.refused {
        0 => Outcome::Done,
        _ => Outcome::SaidNo,
    })
}

/// What came of it.
#[derive(Clone, Copy, Default)]
struct Counts {
    records: u64,
    refused: u64,
    found: u64,
}

impl Counts {
    fn print(self, out: &mut Out, format: Format) -> Result<(), CliError> {
        let Counts {
            records,
            refused,
            found,
        } = self;
        match format {
            Format::Json => out.json(&json!({
                "records": records, "refused": refused, "found": found,
            })),
            Format::Table => out.line(&format!(
                "{records} records 条记录: {refused} would have been refused 本应不予入账, \
                 {found} more findings 新增问题"
            )),
        }
    }
}

fn print(out: &mut Out, format: Format, tried: &Tried) -> Result<(), CliError> {
    let at = time::shown(tried.recorded_at_ms);
    if format == Format::Json {
        return out.json(&value(tried, &at));
    }
    let lead = format!("position 序号 {} {at} {}", tried.position, tried.party);
    if let Some(refused) = &tried.refused {
        let name = words::refusal_name(refused.code);
        out.line(&format!(
            "{lead} refused 不予入账 {name} at {}: {}",
            refused.field, refused.detail
        ))?;
    }
    tried
        .found
        .iter()
        .try_for_each(|finding| out.line(&format!("{lead} {}", told(finding))))?;
    if tried.is_cut {
        out.line("… and more that is overdue 逾期事项未全部列出")?;
    }
    Ok(())
}

/// What would be found, of what, and whose to see to.
fn told(finding: &Finding) -> String {
    let subject = finding.subject.as_ref().map(subject::show);
    let (subject, owner) = (subject.unwrap_or_default(), &finding.owner);
    format!(
        "{}; {subject}, owner 责任方 {owner}",
        words::finding(finding)
    )
}

fn value(tried: &Tried, at: &str) -> Value {
    let found = tried.found.iter().map(|finding| {
        json!({
            "code": finding.code().as_str_name(),
            "eventIndex": finding.event_index,
            "subject": finding.subject.as_ref().map(subject::show),
            "owner": finding.owner,
            "detail": finding.detail,
        })
    });
    let found: Vec<Value> = found.collect();
    let refused = tried.refused.as_ref().map(|refused| {
        json!({
            "code": codes::name(refused.code),
            "field": refused.field,
            "detail": refused.detail,
        })
    });
    json!({
        "position": tried.position,
        "recordedAt": at,
        "party": tried.party,
        "refused": refused,
        "found": found,
        "more": tried.is_cut,
    })
}
