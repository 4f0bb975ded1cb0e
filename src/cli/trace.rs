//! `hazledger trace`: a lot's chain of custody, or its genealogy, as a table
//! or as the service's own answer.

use clap::{Args, ValueEnum};

use super::client::{Client, ServerArgs, block_on};
use super::error::{CliError, Outcome};
use super::names::Names;
use super::output::{Format, Out};
use super::{papers, time, words};
use crate::event::LotId;
use crate::event::digest::to_hex;
use crate::pb::change::Change as C;
use crate::pb::trace_lot_request::Which;
use crate::pb::{
    Account, Direction, ExternalRef, GenealogyRequest, GenealogyResponse, PackageLabel, Posting,
    TraceLotRequest, TraceLotResponse, TraceStep,
};
use crate::proof::evidence::plain;

/// Show a lot's chain of custody and where it is.
#[derive(Debug, Args)]
#[command(after_help = "\
Times are shown in Asia/Shanghai, masses in kilograms of gross.
--format json prints the service's answer in the proto3 JSON mapping.

Example:
  hazledger trace --label NACN-2026-0117
  hazledger trace --package NACN-2026-0117#12 --known-at 2026-11-01
  hazledger trace --ref WEIGHBRIDGE=88213 --true-at 2026-11-20T12:00:00+08:00
  hazledger trace --lot 0f3e… --genealogy ancestors")]
pub struct TraceArgs {
    #[command(flatten)]
    which: WhichArgs,
    #[command(flatten)]
    server: ServerArgs,
    /// As known at: ignore records from this position on, or recorded after
    /// this time (RFC 3339, or a day).
    #[arg(long, value_name = "POSITION|TIME", conflicts_with = "genealogy")]
    known_at: Option<String>,
    /// As true at: what had happened by this time, later corrections included.
    #[arg(long, value_name = "TIME", conflicts_with = "genealogy")]
    true_at: Option<String>,
    /// What the lot was made of, or what was made of it.
    #[arg(long, value_enum, value_name = "WHICH WAY")]
    genealogy: Option<Way>,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct WhichArgs {
    /// The lot by its name: 32 hexadecimal digits.
    #[arg(long, value_name = "HEX")]
    lot: Option<String>,
    /// The lot by the label that people read.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// One package by its lot's label and its serial.
    #[arg(long, value_name = "LABEL#SERIAL")]
    package: Option<String>,
    /// The lot that an event with this reference was about.
    #[arg(long = "ref", value_name = "SYSTEM=NUMBER")]
    external_ref: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Way {
    Ancestors,
    Descendants,
}

/// Runs it.
pub fn run(args: &TraceArgs) -> Result<Outcome, CliError> {
    let request = request(args)?;
    block_on(async {
        let mut client = Client::connect(&args.server).await?;
        let answer = match client.trace().trace_lot(request).await {
            Ok(answer) => answer.into_inner(),
            Err(status) if status.code() == tonic::Code::NotFound => {
                eprintln!("hazledger: {}", super::client::status_text(&status));
                return Ok(Outcome::SaidNo);
            }
            Err(status) => return Err(CliError::server("trace the lot (TraceLot)")(status)),
        };
        match args.genealogy {
            Some(way) => genealogy(args, &mut client, way, answer).await,
            None => show(args, &mut client, &answer).await,
        }
    })
}

fn request(args: &TraceArgs) -> Result<TraceLotRequest, CliError> {
    let mut request = TraceLotRequest {
        which: Some(which(&args.which)?),
        ..TraceLotRequest::default()
    };
    if let Some(known) = &args.known_at {
        if known.bytes().all(|b| b.is_ascii_digit()) {
            let far =
                |_| CliError::argument(format!("--known-at {known}"), "no position is that large");
            request.known_at_position = Some(known.parse().map_err(far)?);
        } else {
            request.known_at_ms = Some(time::argument("--known-at", known)?);
        }
    }
    request.true_at_ms = args
        .true_at
        .as_deref()
        .map(|text| time::argument("--true-at", text))
        .transpose()?;
    Ok(request)
}

fn which(args: &WhichArgs) -> Result<Which, CliError> {
    if let Some(text) = &args.lot {
        let lot: LotId = text.parse().map_err(|_| {
            CliError::argument(format!("--lot {text}"), "32 hexadecimal digits are wanted")
        })?;
        return Ok(Which::Lot(lot.to_bytes()));
    }
    if let Some(text) = &args.package {
        let split = text.rsplit_once('#');
        let split = split.and_then(|(label, serial)| Some((label, serial.parse().ok()?)));
        let why = "write LABEL#SERIAL, for example NACN-2026-0117#12";
        let (label, serial) =
            split.ok_or_else(|| CliError::argument(format!("--package {text}"), why))?;
        return Ok(Which::Package(PackageLabel {
            lot_label: label.to_owned(),
            serial,
        }));
    }
    if let Some(text) = &args.external_ref {
        let why = "write SYSTEM=NUMBER, for example WEIGHBRIDGE=88213";
        let (system, number) = text
            .split_once('=')
            .ok_or_else(|| CliError::argument(format!("--ref {text}"), why))?;
        return Ok(Which::ExternalRef(ExternalRef {
            system: system.to_owned(),
            number: number.to_owned(),
        }));
    }
    Ok(Which::Label(args.label.clone().unwrap_or_default()))
}

async fn show(
    args: &TraceArgs,
    client: &mut Client,
    answer: &TraceLotResponse,
) -> Result<Outcome, CliError> {
    let mut out = Out::new();
    if args.format == Format::Json {
        out.message("trace the lot (TraceLot)", "TraceLotResponse", answer)?;
        return Ok(Outcome::Done);
    }
    table(&mut out, &mut Names::Server(client), answer).await?;
    Ok(Outcome::Done)
}

/// A lot's chain of custody and what stands where, for people.
pub async fn table(
    out: &mut Out,
    names: &mut Names<'_>,
    answer: &TraceLotResponse,
) -> Result<(), CliError> {
    let born = answer.born.clone().unwrap_or_default();
    out.line(&format!(
        "Lot 批次 {} {} {}, as of 截至 {} records",
        plain(&born.label),
        plain(&born.form),
        to_hex(&answer.lot),
        answer.as_of
    ))?;
    let mut rows = Vec::with_capacity(answer.steps.len());
    for step in &answer.steps {
        rows.push(step_row(names, step).await);
    }
    let headings = [
        "Position 序号",
        "Recorded 入账时间",
        "Happened 发生时间",
        "Party 单位",
        "Event 事件",
        "Change 变动 (kg)",
        "Where 所在",
    ];
    out.table(&headings, &[0], rows)?;
    holdings(out, names, answer).await
}

/// One step: its changes stand one a line in the last two columns.
async fn step_row(names: &mut Names<'_>, step: &TraceStep) -> Vec<String> {
    let mut what = Vec::new();
    let mut places = Vec::new();
    for change in step.changes.iter().filter_map(|c| c.change.as_ref()) {
        let (text, account) = match change {
            C::Posting(Posting {
                account, gross_mg, ..
            }) => (words::signed_kg(*gross_mg), account.clone()),
            other => match words::change(other) {
                Some(shown) => shown,
                None => continue,
            },
        };
        what.push(text);
        places.push(match account {
            Some(account) => place(names, &account).await,
            None => String::new(),
        });
    }
    for line in step.papers.iter().flat_map(papers::lines) {
        what.push(line);
        places.push(String::new());
    }
    for finding in &step.findings {
        what.push(words::finding(finding));
        places.push(String::new());
    }
    if let Some(position) = step.restated_by {
        what.push(format!("see correction 见更正 {position}"));
        places.push(String::new());
    }
    let lines = |all: &[String]| {
        let all: Vec<String> = all.iter().map(|line| plain(line)).collect();
        all.join("\n")
    };
    vec![
        step.position.to_string(),
        time::in_seconds(step.recorded_at_ms),
        time::in_seconds(step.happened_at_ms),
        plain(&names.party(&step.party).await),
        words::kind(step.kind()),
        lines(&what),
        lines(&places),
    ]
}

async fn place(names: &mut Names<'_>, account: &Account) -> String {
    let name = if account.party.is_empty() {
        String::new()
    } else {
        names.party(&account.party).await
    };
    plain(&words::account(account, &name))
}

async fn holdings(
    out: &mut Out,
    names: &mut Names<'_>,
    answer: &TraceLotResponse,
) -> Result<(), CliError> {
    let mut rows = Vec::with_capacity(answer.holdings.len());
    for holding in &answer.holdings {
        let account = holding.account.clone().unwrap_or_default();
        rows.push(vec![
            place(names, &account).await,
            words::kg(holding.gross_mg),
            words::kg(holding.contained_mg),
            words::packages(&holding.serials, &holding.empties),
        ]);
    }
    let headings = [
        "Account 科目",
        "Gross 毛重 (kg)",
        "Contained 折纯 (kg)",
        "Packages 件号",
    ];
    out.table(&headings, &[1, 2], rows)?;
    for account in &answer.below_zero {
        let place = place(names, account).await;
        out.line(&format!("! below zero at that time 当时为负: {place}"))?;
    }
    Ok(())
}

async fn genealogy(
    args: &TraceArgs,
    client: &mut Client,
    way: Way,
    lot: TraceLotResponse,
) -> Result<Outcome, CliError> {
    let direction = match way {
        Way::Ancestors => Direction::Ancestors,
        Way::Descendants => Direction::Descendants,
    };
    let request = GenealogyRequest {
        lot: lot.lot,
        direction: direction.into(),
        min_position: 0,
    };
    let what = "follow the genealogy (Genealogy)";
    let answer: GenealogyResponse = client
        .trace()
        .genealogy(request)
        .await
        .map_err(CliError::server(what))?
        .into_inner();
    let mut out = Out::new();
    if args.format == Format::Json {
        out.message(what, "GenealogyResponse", &answer)?;
        return Ok(Outcome::Done);
    }
    let whole = answer.whole_gross_mg;
    let row = |edge: &crate::pb::GenealogyEdge| {
        vec![
            edge.distance.to_string(),
            lot_name(&edge.parent_label, &edge.parent),
            lot_name(&edge.child_label, &edge.child),
            words::kg(edge.gross_mg),
            words::kg(edge.contained_mg),
            words::kg(edge.share_mg),
            words::percent(edge.share_mg, whole),
        ]
    };
    if answer.edges.is_empty() {
        out.line("none 无")?;
        return Ok(Outcome::Done);
    }
    let headings = [
        "Steps 代数",
        "From lot 来源批次",
        "Into lot 去向批次",
        "Gross 毛重 (kg)",
        "Contained 折纯 (kg)",
        "Share 份额 (kg)",
        "of the lot 占比",
    ];
    out.table(
        &headings,
        &[0, 3, 4, 5, 6],
        answer.edges.iter().map(row).collect(),
    )?;
    if !answer.held.is_empty() {
        parts_held(&mut out, client, &answer).await?;
    }
    if answer.truncated {
        out.line("! there are more than can be shown 未全部列出")?;
    }
    Ok(Outcome::Done)
}

/// A lot for people; matter counted over in a vessel has none.
fn lot_name(label: &str, lot: &[u8]) -> String {
    if lot.is_empty() {
        "unknown origin 来源不明".to_owned()
    } else {
        format!("{label} {}", to_hex(lot))
    }
}

/// Everybody who has some of the lot now.
async fn parts_held(
    out: &mut Out,
    client: &mut Client,
    answer: &GenealogyResponse,
) -> Result<(), CliError> {
    let mut rows = Vec::with_capacity(answer.held.len());
    for held in &answer.held {
        let account = held.account.clone().unwrap_or_default();
        rows.push(vec![
            place(&mut Names::Server(client), &account).await,
            lot_name(&held.label, &held.lot),
            words::kg(held.gross_mg),
            words::kg(held.contained_mg),
            words::kg(held.share_mg),
        ]);
    }
    out.line("It is now with 现存于")?;
    let headings = [
        "Where 所在",
        "Lot 批次",
        "Gross 毛重 (kg)",
        "Contained 折纯 (kg)",
        "of it 其中 (kg)",
    ];
    out.table(&headings, &[2, 3, 4], rows)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    fn none() -> WhichArgs {
        WhichArgs {
            lot: None,
            label: None,
            package: None,
            external_ref: None,
        }
    }

    #[test]
    fn lots_packages_and_references_are_read_as_people_write_them() {
        let package = |text: &str| {
            which(&WhichArgs {
                package: Some(text.to_owned()),
                ..none()
            })
        };
        let wanted = PackageLabel {
            lot_label: "NC#7".to_owned(),
            serial: 12,
        };
        assert_eq!(package("NC#7#12").unwrap(), Which::Package(wanted));
        for bad in ["NC7", "NC#", "NC#x", "#"] {
            assert!(package(bad).is_err(), "{bad}");
        }
        let reference = |text: &str| {
            which(&WhichArgs {
                external_ref: Some(text.to_owned()),
                ..none()
            })
        };
        let wanted = ExternalRef {
            system: "ERP".to_owned(),
            number: "4=7".to_owned(),
        };
        assert_eq!(reference("ERP=4=7").unwrap(), Which::ExternalRef(wanted));
        assert!(reference("4711").is_err());
        let lot = |text: &str| {
            which(&WhichArgs {
                lot: Some(text.to_owned()),
                ..none()
            })
        };
        assert!(lot("000102030405060708090a0b0c0d0e0f").is_ok());
        assert!(lot("0001").is_err());
    }
}
