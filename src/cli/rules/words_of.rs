//! A pack for people.

use crate::cli::error::CliError;
use crate::cli::output::Out;
use crate::cli::{time, words};
use crate::pb::{PackPublished, RuleLine};

pub(super) fn print(out: &mut Out, pack: &PackPublished) -> Result<(), CliError> {
    let until = match pack.until_ms {
        0 => String::new(),
        ms => format!(" until 至 {}", time::shown(ms)),
    };
    out.line(&format!(
        "{} {} {} · region 行政区划 {} · from 自 {}{until}",
        pack.pack,
        pack.name_zh,
        pack.name_en,
        pack.region,
        time::shown(pack.from_ms)
    ))?;
    let headings = [
        "Rule 规则",
        "Breach 违反时",
        "Substances 物质",
        "Permits 许可",
        "Limit 限值",
        "Law 依据",
    ];
    out.table(&headings, &[4], pack.lines.iter().map(row).collect())
}

fn row(line: &RuleLine) -> Vec<String> {
    let substances = if line.substances.is_empty() && line.forms.is_empty() {
        "all 全部".to_owned()
    } else {
        [line.substances.as_slice(), line.forms.as_slice()]
            .concat()
            .join(" ")
    };
    let own = line.permits().map(words::permit_kind);
    let named = line.purchase_permits().map(words::permit_kind);
    let permits: Vec<&str> = own.chain(named).collect();
    let limit = match line.limit {
        0 => String::new(),
        limit => limit.to_string(),
    };
    vec![
        words::rule_kind(line.rule()),
        words::rule_mode(line.mode(), line.complete).to_owned(),
        substances,
        permits.join(", "),
        limit,
        line.law.clone(),
    ]
}
