//! What the demo prints: tables in Chinese and English, or one JSON object.

use std::time::Duration;

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use serde_json::{Value, json};

use super::drive::{Driven, Found, Happened, Refusals};
use super::figures::{Figures, Sum};
use super::house::House;
use super::seconds;
use super::stories::{self, Answered, Step};
use crate::audit::Audit;
use crate::cli::error::CliError;
use crate::cli::output::{Format, Out};
use crate::cli::{time, words};
use crate::event::codes;
use crate::event::statement::kind_name;
use crate::pb::{EventKind, FindingCode, RefusalCode, Severity};
use crate::sim::{DRUM, STORY_LABEL, WASTE_LABEL};

/// A line under the headings and none between rows: these tables are long.
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));
/// Characters of an example, at most: a table has one line for it.
const EXAMPLE: usize = 44;

/// Everything there is to show.
pub(super) struct Shown<'a> {
    pub(super) driven: &'a Driven,
    pub(super) figures: &'a Figures,
    pub(super) audit: &'a Audit,
    pub(super) house: &'a House,
}

impl Shown<'_> {
    fn verified(&self) -> bool {
        self.audit.problems.is_empty()
    }
}

/// Prints it.
pub(super) fn print(format: Format, shown: &Shown<'_>, took: Duration) -> Result<(), CliError> {
    let mut out = Out::new();
    match format {
        Format::Json => out.json(&to_value(shown, took)),
        Format::Table => {
            intro(&mut out, shown)?;
            life(&mut out, shown)?;
            law(&mut out, shown)?;
            happened(&mut out, shown)?;
            balance(&mut out, shown)?;
            refusals(&mut out, shown)?;
            findings(&mut out, shown)?;
            verdict(&mut out, shown, took)
        }
    }
}

fn to_value(shown: &Shown<'_>, took: Duration) -> Value {
    let (driven, figures, audit) = (shown.driven, shown.figures, shown.audit);
    let refused: serde_json::Map<String, Value> = driven
        .refused
        .iter()
        .map(|(code, r)| (codes::name(*code).to_owned(), r.count.into()))
        .collect();
    let findings: serde_json::Map<String, Value> = driven
        .findings
        .iter()
        .map(|(code, f)| (finding_name(*code).to_owned(), f.count.into()))
        .collect();
    let kinds: serde_json::Map<String, Value> = driven
        .kinds
        .iter()
        .map(|(kind, h)| (kind_name(*kind), h.count.into()))
        .collect();
    let report = audit.report.as_ref();
    json!({
        "records": audit.records,
        "events": driven.events,
        "eventsByKind": kinds,
        "stories": stories::to_value(&driven.stories),
        "statements": driven.statements,
        "repeated": driven.repeated,
        "refused": driven.refusals(),
        "refusedByCode": refused,
        "findings": report.map(|r| r.findings),
        "findingsByCode": findings,
        "lots": figures.lots,
        "parties": figures.parties.len(),
        "openDisputes": figures.disputes,
        "drumSteps": figures.life.len(),
        "balanced": figures.balanced(),
        "verified": shown.verified(),
        "signatures": report.map(|r| r.signatures),
        "stateRecords": report.map(|r| r.state_records),
        "problems": audit.problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "dir": shown.house.dir().display().to_string(),
        "seconds": seconds(took).parse::<serde_json::Number>().ok(),
    })
}

fn heading(out: &mut Out, text: &str) -> Result<(), CliError> {
    out.line("")?;
    out.line(text)
}

fn table(
    out: &mut Out,
    headings: &[&str],
    right: &[usize],
    rows: Vec<Vec<String>>,
) -> Result<(), CliError> {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(headings);
    table.add_rows(rows);
    for index in right {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    out.line(&table.trim_fmt())
}

fn intro(out: &mut Out, shown: &Shown<'_>) -> Result<(), CliError> {
    let Shown {
        driven, figures, ..
    } = shown;
    out.line(&format!(
        "{} events of three invented weeks in Inner Mongolia, in {} statements of {} parties, \
         each signed by its own key and sent over gRPC",
        driven.events,
        driven.statements,
        figures.parties.len()
    ))?;
    out.line(&format!(
        "内蒙古三周的虚构业务: {} 家单位, {} 份签名声明, {} 个事件",
        figures.parties.len(),
        driven.statements,
        driven.events
    ))
}

fn life(out: &mut Out, shown: &Shown<'_>) -> Result<(), CliError> {
    heading(
        out,
        &format!(
            "The life of drum {DRUM} of lot {STORY_LABEL}, sodium cyanide 50 kg \
             (waste: {WASTE_LABEL}) 一桶氰化钠的一生"
        ),
    )?;
    let rows = shown.figures.life.iter().map(|step| {
        vec![
            step.position.to_string(),
            minute(step.happened_at_ms),
            step.party.clone(),
            words::kind(step.kind),
            step.place.clone(),
        ]
    });
    let headings = [
        "Position 序号",
        "Happened 发生时间",
        "Signed by 签署单位",
        "Event 事件",
        "Where 所在",
    ];
    table(out, &headings, &[0], rows.collect())
}

/// How the law was met: a table for each story.
fn law(out: &mut Out, shown: &Shown<'_>) -> Result<(), CliError> {
    for story in &shown.driven.stories {
        heading(out, story.title)?;
        let row = |step: &Step| {
            vec![
                shown.figures.name(&step.party),
                step.what.to_owned(),
                step.answer.shown(),
            ]
        };
        let headings = [
            "A party 单位 …",
            "… says that it … 所报事项",
            "The ledger 账本",
        ];
        table(out, &headings, &[], story.steps.iter().map(row).collect())?;
        let refused = story.steps.iter().filter_map(|step| match &step.answer {
            Answered::Refused(code, why) => Some((*code, why)),
            Answered::Recorded(_) => None,
        });
        for (code, why) in refused {
            out.line(&format!("  ! {}: {why}", words::refusal_name(code)))?;
        }
    }
    Ok(())
}

fn happened(out: &mut Out, shown: &Shown<'_>) -> Result<(), CliError> {
    heading(
        out,
        "What happened, by kind of event, and the first of each 各类事件及首例",
    )?;
    let row = |(kind, h): (&EventKind, &Happened)| {
        vec![
            words::kind(*kind),
            h.count.to_string(),
            h.position.to_string(),
            shown.figures.name(&h.party),
            h.example.to_owned(),
        ]
    };
    let headings = [
        "Event 事件",
        "Count 次数",
        "First at 首例序号",
        "A party 单位 …",
        "… says that it …",
    ];
    table(
        out,
        &headings,
        &[1, 2],
        shown.driven.kinds.iter().map(row).collect(),
    )
}

/// A time to the minute.
fn minute(ms: i64) -> String {
    let shown = time::shown(ms);
    shown.get(..16).unwrap_or(&shown).replace('T', " ")
}

fn balance(out: &mut Out, shown: &Shown<'_>) -> Result<(), CliError> {
    heading(
        out,
        "Mass balance, kg, exact (G gross, C contained) 物料平衡 (G 毛重, C 折纯)",
    )?;
    let substances = shown.figures.substances();
    let mut headings = vec!["Account 科目".to_owned()];
    for substance in &substances {
        headings.extend([format!("{substance} G"), format!("{substance} C")]);
    }
    let cells = |title: &str, of: &dyn Fn(&str) -> Option<Sum>| {
        let mut row = vec![title.to_owned()];
        for substance in &substances {
            let sum = of(substance);
            row.push(sum.map(|s| kg(s.gross)).unwrap_or_default());
            row.push(sum.map(|s| kg(s.contained)).unwrap_or_default());
        }
        row
    };
    let mut rows: Vec<Vec<String>> = shown
        .figures
        .balance
        .iter()
        .map(|(kind, by)| cells(words::account_kind(*kind), &|s| by.get(s).copied()))
        .collect();
    rows.push(cells("Sum 合计", &|s| Some(shown.figures.total(s))));
    let right: Vec<usize> = (1..headings.len()).collect();
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    table(out, &headings, &right, rows)?;
    let verdict = if shown.figures.balanced() {
        "balanced 平衡"
    } else {
        "NOT BALANCED 不平衡"
    };
    out.line(&format!("{} lots 批: {verdict}", shown.figures.lots))
}

/// Milligrams as kilograms with as many decimals as they need.
fn kg(mg: i128) -> String {
    let sign = if mg < 0 { "-" } else { "" };
    let (whole, rest) = (mg.unsigned_abs() / 1_000_000, mg.unsigned_abs() % 1_000_000);
    let fraction = format!(".{rest:06}");
    format!(
        "{sign}{whole}{}",
        fraction.trim_end_matches('0').trim_end_matches('.')
    )
}

fn refusals(out: &mut Out, shown: &Shown<'_>) -> Result<(), CliError> {
    heading(out, "What was refused, and why 拒绝了什么")?;
    let row = |(code, r): (&RefusalCode, &Refusals)| {
        vec![
            format!("{} {}", *code as i32, words::refusal_name(*code)),
            r.count.to_string(),
            // Any that was not would have ended the demo.
            "yes 是".to_owned(),
            r.example.clone(),
            clipped(&r.detail),
        ]
    };
    let headings = [
        "Code 代码",
        "Count 次数",
        "Meant 预期",
        "For example, a party … 例如某单位 …",
        "The ledger said 账本答复",
    ];
    table(
        out,
        &headings,
        &[1],
        shown.driven.refused.iter().map(row).collect(),
    )
}

fn findings(out: &mut Out, shown: &Shown<'_>) -> Result<(), CliError> {
    heading(out, "What was recorded with a finding 带问题入账")?;
    let row = |(code, f): (&FindingCode, &Found)| {
        vec![
            format!("{} {}", *code as i32, words::finding_name(*code)),
            severity(f.severity).to_owned(),
            f.count.to_string(),
            clipped(&f.example),
        ]
    };
    let headings = [
        "Code 代码",
        "Severity 级别",
        "Count 次数",
        "For example 例如",
    ];
    table(
        out,
        &headings,
        &[2],
        shown.driven.findings.iter().map(row).collect(),
    )
}

fn finding_name(code: FindingCode) -> &'static str {
    let name = code.as_str_name();
    name.strip_prefix("FINDING_CODE_").unwrap_or(name)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Unspecified => "",
        Severity::Notice => "notice 提示",
        Severity::Warning => "warning 警告",
        Severity::Alarm => "alarm 报警",
    }
}

/// The start of a long text.
fn clipped(text: &str) -> String {
    if text.chars().count() <= EXAMPLE {
        return text.to_owned();
    }
    text.chars().take(EXAMPLE - 1).chain(['…']).collect()
}

fn verdict(out: &mut Out, shown: &Shown<'_>, took: Duration) -> Result<(), CliError> {
    heading(
        out,
        "Verification: the ledger was closed, and its journal read from end to end 关账后全程验证",
    )?;
    for problem in &shown.audit.problems {
        out.line(&format!("! {problem}"))?;
    }
    let (driven, audit) = (shown.driven, shown.audit);
    let report = audit.report.clone().unwrap_or_default();
    let kept = driven.acknowledged.len();
    let removed = if shown.house.is_temporary() {
        " (removed at the end 结束时删除)"
    } else {
        ""
    };
    let dir = format!("{}{removed}", shown.house.dir().display());
    let verdict = if shown.verified() {
        "verified 已验证"
    } else {
        "NOT VERIFIED 未通过验证"
    };
    out.fields(&[
        ("Verdict 结论", verdict.to_owned()),
        (
            "Records 记录",
            format!("{} in {} batches", audit.records, report.batches),
        ),
        ("Events 事件", report.events.to_string()),
        ("Signatures 签名", report.signatures.to_string()),
        ("State records 状态记录", report.state_records.to_string()),
        (
            "Acknowledgements 回执",
            format!("{} of {kept}", audit.acknowledged),
        ),
        (
            "Sent twice 重复提交",
            format!("{}, each answered as the first time", driven.repeated),
        ),
        (
            "Refused 拒绝",
            format!(
                "{}, with {} codes 种代码",
                driven.refusals(),
                driven.refused.len()
            ),
        ),
        (
            "Findings 问题",
            format!(
                "{}, with {} codes 种代码",
                report.findings,
                driven.findings.len()
            ),
        ),
        ("Open disputes 未决争议", shown.figures.disputes.to_string()),
        ("Parties 单位", shown.figures.parties.len().to_string()),
        ("Took 用时", format!("{} s", seconds(took))),
        ("Directory 目录", dir),
    ])
}

/// Where the server is, and what to try.
pub(super) fn addresses(format: Format, url: &str) -> Result<(), CliError> {
    let mut out = Out::new();
    if format == Format::Json {
        return out.json(&json!({ "address": url }));
    }
    heading(
        &mut out,
        &format!(
            "The ledger is open again and serves gRPC at {url}. Ctrl-C ends it 按 Ctrl-C 结束"
        ),
    )?;
    out.line("Try, in another terminal 可在另一终端试试:")?;
    out.line(&format!(
        "  hazledger trace --server {url} --package {STORY_LABEL}#{DRUM}"
    ))?;
    out.line(&format!(
        "  hazledger trace --server {url} --label {WASTE_LABEL} --genealogy ancestors"
    ))?;
    out.line(&format!(
        "  hazledger follow --server {url} --kind incident --catch-up"
    ))?;
    out.line(&format!(
        "  hazledger follow --server {url} --kind succeeded --kind inherited --kind taken_over --catch-up"
    ))
}
