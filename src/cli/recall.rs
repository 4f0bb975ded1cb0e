//! `hazledger recall`: everybody who has some of a lot, or of what was made of
//! it; and, where it is recalled, who has acknowledged that.

use clap::Args;

use super::client::{Client, ServerArgs, block_on};
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::{time, words};
use crate::event::LotId;
use crate::event::digest::to_hex;
use crate::pb::trace_lot_request::Which;
use crate::pb::{
    Account, RecallEntry, RecallHolder, RecallRequest, RecallResponse, TraceLotRequest,
};

/// Show everybody who has some of a lot, or of what was made of it, and who
/// has acknowledged its recall.
#[derive(Debug, Args)]
#[command(after_help = "\
It only looks. To recall the lot, submit a Recalled event that names it and the
lots made of it (\"madeOfIt\", as --format json prints them), signed by an
authority or by whoever made it; each holder answers with RecallAcknowledged.
Masses are kilograms.

Example:
  hazledger recall NACN-2026-0117
  hazledger recall 0f3e5a1c9b7d4e2f8a6b0c1d2e3f4a5b --format json")]
pub struct RecallArgs {
    /// The lot: its label, or its name of 32 hexadecimal digits.
    #[arg(value_name = "LOT")]
    lot: String,
    #[command(flatten)]
    server: ServerArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

const WHAT: &str = "list who has it (Recall)";

/// Runs it.
pub fn run(args: &RecallArgs) -> Result<Outcome, CliError> {
    block_on(async {
        let mut client = Client::connect(&args.server).await?;
        let Some(found) = find(&client, &args.lot).await? else {
            return Ok(Outcome::SaidNo);
        };
        let mut out = Out::new();
        match args.format {
            Format::Json => out.message(WHAT, "RecallResponse", &found)?,
            Format::Table => {
                heading(&mut out, &mut client, &found).await?;
                holders(&mut out, &mut client, &found.holders).await?;
                warnings(&mut out, &found)?;
            }
        }
        Ok(Outcome::Done)
    })
}

/// `None` if there is no such lot, which has been said.
async fn find(client: &Client, name: &str) -> Result<Option<RecallResponse>, CliError> {
    let which = match name.parse::<LotId>() {
        Ok(lot) => Which::Lot(lot.to_bytes()),
        Err(_) => Which::Label(name.to_owned()),
    };
    let request = TraceLotRequest {
        which: Some(which),
        ..TraceLotRequest::default()
    };
    let lot = match client.trace().trace_lot(request).await {
        Ok(answer) => answer.into_inner(),
        Err(status) if status.code() == tonic::Code::NotFound => {
            eprintln!("hazledger: {}", super::client::status_text(&status));
            return Ok(None);
        }
        Err(status) => return Err(CliError::server("find the lot (TraceLot)")(status)),
    };
    let request = RecallRequest {
        lot: lot.lot,
        min_position: lot.as_of,
    };
    let answer = client.trace().recall(request).await;
    Ok(Some(answer.map_err(CliError::server(WHAT))?.into_inner()))
}

async fn heading(
    out: &mut Out,
    client: &mut Client,
    found: &RecallResponse,
) -> Result<(), CliError> {
    let born = found.born.clone().unwrap_or_default();
    out.line(&format!(
        "Lot 批次 {} {} {}, as of 截至 {} records",
        born.label,
        born.form,
        to_hex(&found.lot),
        found.as_of
    ))?;
    for entry in &found.recalls {
        let shown = recall(client, entry).await;
        out.line(&shown)?;
    }
    if found.recalls.is_empty() {
        out.line("Not recalled 未召回")?;
    }
    Ok(())
}

async fn recall(client: &mut Client, entry: &RecallEntry) -> String {
    let state = entry.state.clone().unwrap_or_default();
    let begun = state.begun.unwrap_or_default();
    format!(
        "Recall 召回 {} {} by {} {}{}",
        begun.order,
        to_hex(&entry.recall),
        client.party_name(&begun.by).await,
        time::in_seconds(begun.since_ms),
        if state.ended { ", ended 已结束" } else { "" }
    )
}

async fn holders(
    out: &mut Out,
    client: &mut Client,
    holders: &[RecallHolder],
) -> Result<(), CliError> {
    let mut rows = Vec::with_capacity(holders.len());
    for holder in holders {
        let held = holder.held.clone().unwrap_or_default();
        let account = Account {
            party: String::new(),
            ..held.account.unwrap_or_default()
        };
        let party = match holder.party.as_str() {
            "" => String::new(),
            code => client.party_name(code).await,
        };
        rows.push(vec![
            party,
            words::account(&account, ""),
            format!("{} {}", held.label, to_hex(&held.lot)),
            words::kg(held.gross_mg),
            words::kg(held.share_mg),
            holder
                .acknowledged_at_ms
                .map_or_else(|| "no 未确认".to_owned(), time::in_seconds),
        ]);
    }
    let headings = [
        "Holder 持有单位",
        "Where 所在",
        "Lot 批次",
        "Gross 毛重 (kg)",
        "of it 其中 (kg)",
        "Acknowledged 已确认",
    ];
    out.table(&headings, &[3, 4], rows)
}

fn warnings(out: &mut Out, found: &RecallResponse) -> Result<(), CliError> {
    if !found.recalls.is_empty() {
        for made in found.made_of_it.iter().filter(|made| !made.recalled) {
            let (label, lot) = (&made.label, to_hex(&made.lot));
            out.line(&format!(
                "! made of it, not recalled 未列入召回: {label} {lot}"
            ))?;
        }
    }
    if found.truncated {
        out.line("! there are more than can be shown 未全部列出")?;
    }
    Ok(())
}
