//! `hazledger report`: sums over the whole ledger, for whoever supervises it.

use clap::{Args, Subcommand, ValueEnum};

use super::client::{Client, ServerArgs, block_on};
use super::error::{CliError, Outcome};
use super::output::{Format, Out};
use super::{json, words};
use crate::pb::{DifferenceBy, DifferenceRow, ListDifferencesRequest, ListDifferencesResponse};

/// Rows asked for at a time.
const PAGE: u32 = 1_000;

/// Sum over the whole ledger.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  hazledger report differences --by instrument")]
pub struct ReportArgs {
    #[command(subcommand)]
    report: Report,
}

#[derive(Debug, Subcommand)]
enum Report {
    Differences(DifferencesArgs),
}

/// What was measured otherwise at handoffs than it was offered.
#[derive(Debug, Args)]
#[command(after_help = "\
Masses are kilograms; a difference is what lacks (negative: what was too much),
and its part of what was offered in parts per million. Packages are not weighed
and not here.
--format json prints one row a line, as the service gives it.

Example:
  hazledger report differences --by instrument
  hazledger report differences --by carrier --format json")]
struct DifferencesArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Summed by what.
    #[arg(long, value_enum, value_name = "WHAT")]
    by: By,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    Carrier,
    Vehicle,
    Crew,
    Site,
    Instrument,
}

/// Runs it.
pub fn run(args: &ReportArgs) -> Result<Outcome, CliError> {
    match &args.report {
        Report::Differences(args) => differences(args),
    }
}

fn differences(args: &DifferencesArgs) -> Result<Outcome, CliError> {
    let by = match args.by {
        By::Carrier => DifferenceBy::Carrier,
        By::Vehicle => DifferenceBy::Vehicle,
        By::Crew => DifferenceBy::Crew,
        By::Site => DifferenceBy::Site,
        By::Instrument => DifferenceBy::Instrument,
    };
    block_on(async {
        let client = Client::connect(&args.server).await?;
        let mut rows: Vec<DifferenceRow> = Vec::new();
        loop {
            let request = ListDifferencesRequest {
                min_position: 0,
                by: by.into(),
                page_size: PAGE,
                after: rows.last().map(|row| row.key.clone()).unwrap_or_default(),
            };
            let failed = CliError::server("sum up the differences (ListDifferences)");
            let answer = client.trace().list_differences(request).await;
            let ListDifferencesResponse { rows: more, .. } = answer.map_err(failed)?.into_inner();
            if more.is_empty() {
                break;
            }
            rows.extend(more);
        }
        show(args.format, &rows)?;
        Ok(Outcome::Done)
    })
}

fn show(format: Format, rows: &[DifferenceRow]) -> Result<(), CliError> {
    let mut out = Out::new();
    match format {
        Format::Json => rows.iter().try_for_each(|row| print(&mut out, row)),
        Format::Table => {
            let headings = [
                "By 按",
                "Lines 笔数",
                "Offered 应收 (kg)",
                "Difference 差额 (kg)",
                "Part 占比 (ppm)",
            ];
            let rows = rows.iter().map(cells).collect();
            out.table(&headings, &[1, 2, 3, 4], rows)
        }
    }
}

fn print(out: &mut Out, row: &DifferenceRow) -> Result<(), CliError> {
    let value = json::to_json("DifferenceRow", row).map_err(CliError::Untrustworthy)?;
    out.json(&value)
}

fn cells(row: &DifferenceRow) -> Vec<String> {
    vec![
        row.key.clone(),
        row.lines.to_string(),
        kg(&row.offered_mg),
        kg(&row.difference_mg),
        ppm(row).map_or_else(String::new, |ppm| ppm.to_string()),
    ]
}

/// Milligrams as kilograms; what passes 63 bits stays as it is.
fn kg(mg: &str) -> String {
    match mg.parse() {
        Ok(mg) => words::kg(mg),
        Err(_) => format!("{mg} mg"),
    }
}

/// The difference as a part of what was offered, rounded towards zero.
fn ppm(row: &DifferenceRow) -> Option<i128> {
    let offered: i128 = row.offered_mg.parse().ok()?;
    let difference: i128 = row.difference_mg.parse().ok()?;
    difference.checked_mul(1_000_000)?.checked_div(offered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_that_reads_low_is_seen() {
        let row = DifferenceRow {
            key: "W/scale 7".to_owned(),
            lines: 3,
            offered_mg: "300000000".to_owned(),
            difference_mg: "1200000".to_owned(),
        };
        assert_eq!(cells(&row), ["W/scale 7", "3", "300", "1.2", "4000"]);
        let none = DifferenceRow::default();
        assert_eq!(ppm(&none), None);
    }
}
