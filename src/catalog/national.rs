//! The national rules as this version knows them: what an authority may publish
//! as its first pack. Judges nothing by itself.

use std::sync::LazyLock;

use jiff::civil::Date;

use super::form::FormCode;
use super::table::{self, Confidence, Row, TableError};
use super::{RegionCode, Substance};
use crate::pb::{PackPublished, PermitKind, RuleKind, RuleLine, RuleMode};

/// Hours by which Asia/Shanghai is ahead; without summer time since 1992.
const OFFSET_HOURS: i8 = 8;
/// The name of the pack that they make.
const PACK: &str = "national";

/// One line, and the day from which it holds.
#[derive(Clone, Debug)]
pub struct NationalRule {
    /// The first day, `2026-05-01`, of Asia/Shanghai.
    pub from: &'static str,
    /// The line as a pack has it.
    pub line: RuleLine,
    /// The duty (D…) or the plan's demand (S…) that it carries out.
    pub duty: Option<&'static str>,
    /// What to know about it.
    pub note: Option<&'static str>,
    /// How sure the row is; one that is not high never refuses.
    pub confidence: Confidence,
}

static RULES: LazyLock<Result<Vec<NationalRule>, TableError>> = LazyLock::new(|| {
    table::rows(
        "national_rules.csv",
        include_str!("data/national_rules.csv"),
    )?
    .iter()
    .map(rule)
    .collect()
});

/// Names of an enumeration without their prefix, `;` between them.
struct Named<T>(T);

macro_rules! named {
    ($($of:ty => $prefix:literal),*) => {$(
        impl std::str::FromStr for Named<$of> {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                <$of>::from_str_name(&format!(concat!($prefix, "{}"), text))
                    .map(Named)
                    .ok_or_else(|| format!("{text:?} is no name of this kind"))
            }
        }
    )*};
}
named!(RuleKind => "RULE_KIND_", RuleMode => "RULE_MODE_", PermitKind => "PERMIT_KIND_");

fn rule(row: &Row) -> Result<NationalRule, TableError> {
    let permits = |column: &'static str| -> Result<Vec<i32>, TableError> {
        if row.optional(column)?.is_none() {
            return Ok(Vec::new());
        }
        let named: Vec<Named<PermitKind>> = row.list(column)?;
        Ok(named.into_iter().map(|kind| kind.0.into()).collect())
    };
    let substances: Vec<Substance> = match row.optional("substances")? {
        None => Vec::new(),
        Some(_) => row.list("substances")?,
    };
    let forms: Vec<FormCode> = match row.optional("forms")? {
        None => Vec::new(),
        Some(_) => row.list("forms")?,
    };
    let limit = match row.optional("limit")? {
        None => 0,
        Some(_) => row.value("limit")?,
    };
    let line = RuleLine {
        rule: row.value::<Named<RuleKind>>("rule")?.0.into(),
        mode: row.value::<Named<RuleMode>>("mode")?.0.into(),
        substances: substances.iter().map(ToString::to_string).collect(),
        forms: forms.iter().map(ToString::to_string).collect(),
        permits: permits("permits")?,
        purchase_permits: permits("purchase_permits")?,
        complete: row.text("complete")? == "yes",
        limit,
        law: row.optional("law")?.unwrap_or_default().to_owned(),
    };
    Ok(NationalRule {
        from: row.text("from")?,
        line,
        duty: row.optional("duty")?,
        note: row.optional("note")?,
        confidence: row.value("confidence")?,
    })
}

pub(super) fn parsed() -> Result<&'static [NationalRule], TableError> {
    RULES.as_deref().map_err(Clone::clone)
}

/// All lines, those of one day together.
pub fn national_rules() -> &'static [NationalRule] {
    RULES.as_deref().unwrap_or_default()
}

/// They as the pack that an authority may publish, a version for each day on
/// which it changes.
pub fn national_packs() -> Vec<PackPublished> {
    let mut packs: Vec<PackPublished> = Vec::new();
    for rule in national_rules() {
        let Some(from_ms) = day_begins_ms(rule.from) else {
            continue;
        };
        match packs.last_mut().filter(|p| p.from_ms == from_ms) {
            Some(pack) => pack.lines.push(rule.line.clone()),
            None => packs.push(PackPublished {
                pack: PACK.to_owned(),
                name_zh: format!("国家规则（自{}起）", rule.from),
                name_en: format!("National rules from {}", rule.from),
                region: RegionCode::NATION.as_str().to_owned(),
                from_ms,
                lines: vec![rule.line.clone()],
                ..PackPublished::default()
            }),
        }
    }
    packs
}

/// When a day begins in Asia/Shanghai, Unix milliseconds; `None` for no day.
fn day_begins_ms(day: &str) -> Option<i64> {
    let day: Date = day.parse().ok()?;
    let midnight = day.to_datetime(jiff::civil::Time::midnight());
    let at = jiff::tz::offset(OFFSET_HOURS).to_timestamp(midnight);
    at.ok().map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_line_parses_and_none_that_is_not_sure_refuses() {
        let rules = parsed().unwrap();
        assert!(rules.len() > 30);
        for rule in rules {
            let refuses = rule.line.mode() == RuleMode::Refuse;
            assert!(
                !refuses || rule.confidence == Confidence::High,
                "{:?}",
                rule.line
            );
        }
    }

    /// What is only as sure as the catalogue's word on a form is refused for no
    /// form of which that word is not sure.
    #[test]
    fn a_line_that_refuses_by_form_names_only_what_is_sure() {
        for rule in national_rules() {
            for code in &rule.line.forms {
                let form = crate::catalog::form(code).unwrap();
                let refuses = rule.line.mode() == RuleMode::Refuse;
                assert!(!refuses || form.confidence == Confidence::High, "{code}");
            }
        }
    }

    #[test]
    fn everything_highly_toxic_or_a_precursor_is_bought_by_right_on_every_day() {
        let days: BTreeSet<&str> = national_rules().iter().map(|rule| rule.from).collect();
        for day in days {
            let of_day = national_rules().iter().filter(|rule| rule.from == day);
            let rights = of_day.filter(|rule| rule.line.rule() == RuleKind::PurchaseRight);
            let named: BTreeSet<&str> = rights
                .flat_map(|rule| rule.line.forms.iter().map(String::as_str))
                .collect();
            for form in crate::catalog::forms() {
                let asked = form.highly_toxic == Some(true)
                    || form.explosive_precursor == Some(true)
                    || form.substance == Substance::AmmoniumNitrate;
                assert_eq!(named.contains(form.code.as_str()), asked, "{}", form.code);
            }
        }
    }

    #[test]
    fn every_line_is_in_the_pack_of_its_day() {
        let packs = national_packs();
        let lines: usize = packs.iter().map(|pack| pack.lines.len()).sum();
        assert_eq!(lines, national_rules().len());
        assert!(packs.iter().is_sorted_by_key(|pack| pack.from_ms));
        assert_eq!(
            day_begins_ms("2026-05-01"),
            "2026-04-30T16:00:00Z"
                .parse()
                .ok()
                .map(jiff::Timestamp::as_millisecond)
        );
    }

    #[test]
    fn the_days_stand_in_order() {
        let days: Vec<&str> = national_rules().iter().map(|rule| rule.from).collect();
        assert!(days.is_sorted(), "{days:?}");
    }
}
