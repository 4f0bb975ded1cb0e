//! `hazledger key lapsed`: parties that nobody has been able to sign for in
//! the last 30 days.

use clap::Args;

use super::client::{Client, ServerArgs, block_on};
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::time;
use crate::pb::{LapsedParty, ListLapsedRequest, ListLapsedResponse};

/// Rows asked for at a time.
const PAGE: u32 = 1000;

const WHAT: &str = "list the lapsed parties (ListLapsed)";

/// Which ledger, and as of when.
#[derive(Debug, Args)]
pub struct LapsedArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// As of this time (RFC 3339, or a day); left out: now.
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs it.
pub fn run(args: &LapsedArgs) -> Result<Outcome, CliError> {
    let at_ms = match &args.at {
        Some(text) => time::argument("--at", text)?,
        None => time::now_ms(),
    };
    block_on(async {
        let client = Client::connect(&args.server).await?;
        let mut out = Out::new();
        let mut request = ListLapsedRequest {
            min_position: 0,
            at_ms,
            page_size: PAGE,
            after: String::new(),
        };
        loop {
            let answer = client
                .registry()
                .list_lapsed(request.clone())
                .await
                .map_err(CliError::server(WHAT))?
                .into_inner();
            print(args.format, &mut out, &answer)?;
            if answer.next.is_empty() {
                return Ok(Outcome::Done);
            }
            request.after = answer.next;
        }
    })
}

fn print(format: Format, out: &mut Out, answer: &ListLapsedResponse) -> Result<(), CliError> {
    match format {
        Format::Json => out.message(WHAT, "ListLapsedResponse", answer),
        Format::Table => answer
            .parties
            .iter()
            .try_for_each(|row| out.line(&line(row))),
    }
}

/// One party a line: its code, its name, since when, who has succeeded it.
fn line(row: &LapsedParty) -> String {
    let party = row.party.clone().unwrap_or_default();
    let registered = party.registered.unwrap_or_default();
    let since = match row.since_ms {
        0 => "never had a key 从无密钥".to_owned(),
        ms => format!("since 自 {}", time::shown(ms)),
    };
    let successor = match party.succeeded_by.as_str() {
        "" => String::new(),
        by => format!("  succeeded by 承继方 {by}"),
    };
    format!(
        "{}  {}  {since}{successor}",
        registered.party, registered.name_zh
    )
}
