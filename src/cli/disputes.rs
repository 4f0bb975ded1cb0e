//! `hazledger disputes`: what parties disagree about, whose it is to settle,
//! and by when.

use clap::Args;

use super::client::{Client, ServerArgs, block_on};
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::{time, words};
use crate::event::digest::to_hex;
use crate::pb::{DisputeEntry, ListDisputesRequest, ListDisputesResponse};

/// Disputes asked for at a time.
const PAGE: u32 = 1_000;

const WHAT: &str = "list disputes (ListDisputes)";

/// Show open disputes: how much, whose, by when, and whether that is past.
#[derive(Debug, Args)]
#[command(after_help = "\
Times are shown in Asia/Shanghai, masses in kilograms; a negative mass is more
that came out than went in. --format json prints one dispute a line.

Example:
  hazledger disputes
  hazledger disputes --owner 91150400MADEM0038R --overdue
  hazledger disputes --overdue --at 2026-12-31")]
pub struct DisputesArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Only those that this party must see to.
    #[arg(long, value_name = "CODE")]
    owner: Option<String>,
    /// Only those whose deadline is past.
    #[arg(long)]
    overdue: bool,
    /// Hold deadlines against this time (RFC 3339, or a day) instead of now.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &DisputesArgs) -> Result<Outcome, CliError> {
    let mut request = ListDisputesRequest {
        page_size: PAGE,
        owner: args.owner.clone().unwrap_or_default(),
        overdue_only: args.overdue,
        ..ListDisputesRequest::default()
    };
    let at = args.at.as_deref();
    request.at_ms = at.map(|text| time::argument("--at", text)).transpose()?;
    block_on(async {
        let mut client = Client::connect(&args.server).await?;
        let mut out = Out::new();
        let mut rows = Vec::new();
        loop {
            let answer = page(&client, &request).await?;
            let Some(last) = answer.disputes.last() else {
                break;
            };
            request.after = last.dispute.clone();
            // The pages after the first are held against the same time.
            request.at_ms = Some(answer.at_ms);
            for entry in &answer.disputes {
                match args.format {
                    Format::Json => out.message(WHAT, "DisputeEntry", entry)?,
                    Format::Table => rows.push(row(&mut client, entry).await),
                }
            }
        }
        if args.format == Format::Table {
            table(&mut out, rows)?;
        }
        Ok(Outcome::Done)
    })
}

async fn page(
    client: &Client,
    request: &ListDisputesRequest,
) -> Result<ListDisputesResponse, CliError> {
    let answer = client.trace().list_disputes(request.clone()).await;
    Ok(answer.map_err(CliError::server(WHAT))?.into_inner())
}

async fn row(client: &mut Client, entry: &DisputeEntry) -> Vec<String> {
    let state = entry.state.clone().unwrap_or_default();
    let opened = state.opened.unwrap_or_default();
    let overdue = if entry.overdue { "overdue 逾期" } else { "" };
    let counterpart = match opened.counterpart.as_str() {
        "" => String::new(),
        code => client.party_name(code).await,
    };
    vec![
        to_hex(&entry.dispute),
        words::dispute_origin(opened.origin()).to_owned(),
        to_hex(&opened.lot),
        words::signed_kg(state.gross_mg),
        words::signed_kg(state.contained_mg),
        words::serials(&state.serials),
        client.party_name(&entry.owner).await,
        counterpart,
        time::in_seconds(entry.deadline_ms),
        overdue.to_owned(),
    ]
}

fn table(out: &mut Out, rows: Vec<Vec<String>>) -> Result<(), CliError> {
    if rows.is_empty() {
        return out.line("none 无");
    }
    let headings = [
        "Dispute 争议",
        "From 起因",
        "Lot 批次",
        "Gross 毛重 (kg)",
        "Contained 折纯 (kg)",
        "Packages 件号",
        "Owner 责任方",
        "Opposite 对方",
        "Deadline 期限",
        "",
    ];
    out.table(&headings, &[3, 4], rows)
}
