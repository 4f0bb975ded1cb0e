//! `hazledger findings`: what was recorded and is not as it should be, whose it
//! is to see to, by when, and what has been said of it.

use clap::{Args, ValueEnum};

use super::client::{Client, ServerArgs, block_on};
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::{time, words};
use crate::custody::subject;
use crate::pb::{FindingCode, FindingEntry, ListFindingsRequest, ListFindingsResponse, Severity};

/// Findings asked for at a time.
const PAGE: u32 = 1_000;

const WHAT: &str = "list findings (ListFindings)";

/// The least grave that is shown.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum AtLeast {
    Notice,
    Warning,
    Alarm,
}

impl AtLeast {
    fn severity(self) -> Severity {
        match self {
            AtLeast::Notice => Severity::Notice,
            AtLeast::Warning => Severity::Warning,
            AtLeast::Alarm => Severity::Alarm,
        }
    }
}

/// Show findings: what, how grave, whose, by when, and what was said of it.
#[derive(Debug, Args)]
#[command(after_help = "\
Times are shown in Asia/Shanghai. --format json prints one finding a line. A
finding is answered by a statement with FindingAnswered, which names it by its
position and number.

Example:
  hazledger findings --open
  hazledger findings --owner 91150400MADEM0038R --overdue
  hazledger findings --code ONE_PERSON --since 4000")]
pub struct FindingsArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Only those that this party must see to.
    #[arg(long, value_name = "CODE")]
    owner: Option<String>,
    /// Only of this code, by its name, for example SHORT_DELIVERY.
    #[arg(long, value_name = "NAME")]
    code: Option<String>,
    /// Only as grave as this, or graver.
    #[arg(long, value_enum)]
    severity: Option<AtLeast>,
    /// Only those that nobody has resolved.
    #[arg(long)]
    open: bool,
    /// Only those whose date is past, and which nobody has resolved.
    #[arg(long)]
    overdue: bool,
    /// Only of records from this position on.
    #[arg(long, value_name = "POSITION")]
    since: Option<u64>,
    /// Hold dates against this time (RFC 3339, or a day) instead of now.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &FindingsArgs) -> Result<Outcome, CliError> {
    let mut request = request(args)?;
    block_on(async {
        let mut client = Client::connect(&args.server).await?;
        let mut out = Out::new();
        let mut rows = Vec::new();
        loop {
            let answer = page(&client, &request).await?;
            for entry in &answer.findings {
                match args.format {
                    Format::Json => out.message(WHAT, "FindingEntry", entry)?,
                    Format::Table => rows.push(row(&mut client, entry).await),
                }
            }
            if answer.next.is_empty() {
                break;
            }
            request.after = answer.next;
            // The pages after the first are held against the same time.
            request.at_ms = Some(answer.at_ms);
        }
        if args.format == Format::Table {
            table(&mut out, rows)?;
        }
        Ok(Outcome::Done)
    })
}

fn request(args: &FindingsArgs) -> Result<ListFindingsRequest, CliError> {
    let at = args.at.as_deref();
    Ok(ListFindingsRequest {
        page_size: PAGE,
        owner: args.owner.clone().unwrap_or_default(),
        code: args
            .code
            .as_deref()
            .map(code)
            .transpose()?
            .unwrap_or_default(),
        severity: args.severity.map_or(0, |s| s.severity().into()),
        open_only: args.open,
        overdue_only: args.overdue,
        since_position: args.since.unwrap_or_default(),
        at_ms: at.map(|text| time::argument("--at", text)).transpose()?,
        ..ListFindingsRequest::default()
    })
}

/// A code's number by its name.
fn code(name: &str) -> Result<i32, CliError> {
    let full = format!("FINDING_CODE_{}", name.to_ascii_uppercase());
    let code = FindingCode::from_str_name(&full);
    code.map(i32::from).ok_or_else(|| CliError::Argument {
        argument: "--code".to_owned(),
        why: format!("'{name}' is the name of no finding; CODES.md lists them"),
    })
}

async fn page(
    client: &Client,
    request: &ListFindingsRequest,
) -> Result<ListFindingsResponse, CliError> {
    let answer = client.trace().list_findings(request.clone()).await;
    Ok(answer.map_err(CliError::server(WHAT))?.into_inner())
}

async fn row(client: &mut Client, entry: &FindingEntry) -> Vec<String> {
    let finding = entry.finding.clone().unwrap_or_default();
    let due = match finding.due_ms {
        0 => String::new(),
        ms => time::in_seconds(ms),
    };
    let overdue = if entry.overdue { "overdue 逾期" } else { "" };
    vec![
        format!("{}/{}", entry.position, entry.index),
        time::in_seconds(entry.recorded_at_ms),
        words::finding_name(finding.code()),
        words::severity(finding.severity()).to_owned(),
        finding
            .subject
            .as_ref()
            .map(subject::show)
            .unwrap_or_default(),
        shortened(&finding.detail),
        client.party_name(&entry.owner).await,
        due,
        words::finding_answer(entry.answer()).to_owned(),
        overdue.to_owned(),
    ]
}

fn table(out: &mut Out, rows: Vec<Vec<String>>) -> Result<(), CliError> {
    if rows.is_empty() {
        return out.line("none 无");
    }
    let headings = [
        "Record 记录",
        "Recorded 入账",
        "Finding 问题",
        "Severity 级别",
        "Of 对象",
        "Detail 详情",
        "Owner 责任方",
        "Due 期限",
        "Answer 答复",
        "",
    ];
    out.table(&headings, &[], rows)
}

/// Characters of a detail in the table, at most; `--format json` has it whole.
const MAX_DETAIL: usize = 80;

fn shortened(detail: &str) -> String {
    match detail.char_indices().nth(MAX_DETAIL) {
        None => detail.to_owned(),
        Some((end, _)) => format!("{}…", detail.get(..end).unwrap_or_default()),
    }
}
