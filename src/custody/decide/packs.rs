//! Rule packs: published and withdrawn by who has power over their territory.

use super::Case;
use super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::register;
use crate::catalog::RegionCode;
use crate::custody::draft::Draft;
use crate::custody::subject::{self, Item};
use crate::event::codes::Refused;
use crate::pb::{
    PackPublished, PackWithdrawn, PermitKind, RefusalCode, RuleKind, RuleLine, RuleMode, RulesState,
};

/// Versions of packs that are kept, at most.
const MAX_PACKS: usize = 64;
/// Lines of a pack, at most.
const MAX_LINES: usize = 128;
/// Months that a line on retention may name, at most: a hundred years.
const MAX_MONTHS: i64 = 1_200;
/// The last number of the rules that time alone breaks.
const LAST_OF_TIME: i32 = 69;
/// Kinds of permits that a line may name, at most.
const MAX_KINDS: usize = 16;

fn known(draft: &Draft<'_>) -> RulesState {
    match draft.item(&subject::rules()).as_deref() {
        Some(Item::Rules(rules)) => rules.clone(),
        _ => RulesState::default(),
    }
}

fn power(case: &Case<'_>, region: &str) -> Result<(), Refused> {
    let national = region.parse() == Ok(RegionCode::NATION);
    let has = if national {
        case.signers.root()
    } else {
        case.signers.authority_over(region)
    };
    if has {
        return Ok(());
    }
    let who = if national {
        "as many authorities as root acts need"
    } else {
        "one with power over the region"
    };
    Err(Refused::new(RefusalCode::AuthorityRequired, "region").detail(who))
}

pub(super) fn published(
    draft: &Draft<'_>,
    case: &Case<'_>,
    e: &PackPublished,
) -> Result<(), Refused> {
    check(e)?;
    power(case, &e.region)?;
    let rules = known(draft);
    let other = rules.packs.iter().find(|p| p.pack == e.pack);
    if let Some(other) = other.filter(|p| p.region != e.region) {
        return Err(Refused::invalid(
            "region",
            format!(
                "this pack is of {}; give the new one another name",
                other.region
            ),
        ));
    }
    let again = |p: &PackPublished| p.pack == e.pack && p.from_ms == e.from_ms;
    if rules.packs.len() >= MAX_PACKS && !rules.packs.iter().any(again) {
        return Err(
            Refused::new(RefusalCode::TooManyPacks, "pack").detail(format!("{MAX_PACKS} stand"))
        );
    }
    Ok(())
}

/// Whether a pack is one, whoever publishes it.
pub fn check(e: &PackPublished) -> Result<(), Refused> {
    fields::code(&e.pack, "pack")?;
    super::parties::names(&e.name_zh, &e.name_en)?;
    fields::region(&e.region, "region")?;
    if e.from_ms < 0 || (e.until_ms != 0 && e.until_ms <= e.from_ms) {
        return Err(Refused::invalid("until_ms", "it must lie after from_ms"));
    }
    fields::documents(&e.sources)?;
    if e.lines.is_empty() || e.lines.len() > MAX_LINES {
        return Err(Refused::invalid(
            "lines",
            format!("1 to {MAX_LINES} are wanted"),
        ));
    }
    for (i, line) in e.lines.iter().enumerate() {
        check_line(line).map_err(|r| r.within(&format!("lines[{i}]")))?;
    }
    Ok(())
}

fn check_line(line: &RuleLine) -> Result<(), Refused> {
    if matches!(
        RuleKind::try_from(line.rule),
        Err(_) | Ok(RuleKind::Unspecified)
    ) {
        return Err(Refused::missing("rule"));
    }
    if matches!(
        RuleMode::try_from(line.mode),
        Err(_) | Ok(RuleMode::Unspecified)
    ) {
        return Err(Refused::missing("mode"));
    }
    register::substances(&line.substances, "substances")?;
    register::forms(&line.forms, "forms")?;
    let kinds = line.permits.iter().chain(&line.purchase_permits);
    let none = |k: &i32| {
        matches!(
            PermitKind::try_from(*k),
            Err(_) | Ok(PermitKind::Unspecified)
        )
    };
    if kinds.clone().any(none) || kinds.count() > MAX_KINDS {
        return Err(Refused::invalid(
            "permits",
            format!("at most {MAX_KINDS} kinds, each one that is"),
        ));
    }
    if line.limit < 0 {
        return Err(Refused::invalid("limit", "negative"));
    }
    // Without a limit everything would be too late at once.
    if line.limit == 0 && line.mode() != RuleMode::Off && is_of_time(line.rule()) {
        return Err(Refused::missing("limit"));
    }
    if line.rule() == RuleKind::Retention
        && line.mode() != RuleMode::Off
        && !(1..=MAX_MONTHS).contains(&line.limit)
    {
        return Err(Refused::invalid(
            "limit",
            format!("1 to {MAX_MONTHS} months"),
        ));
    }
    fields::optional_text(&line.law, MAX_SHORT, "law")
}

/// Whether a rule is one that time alone breaks.
fn is_of_time(rule: RuleKind) -> bool {
    (i32::from(RuleKind::LongStop)..=LAST_OF_TIME).contains(&i32::from(rule))
}

pub(super) fn withdrawn(
    draft: &Draft<'_>,
    case: &Case<'_>,
    e: &PackWithdrawn,
) -> Result<(), Refused> {
    let rules = known(draft);
    let named = |p: &&PackPublished| p.pack == e.pack;
    let pack = rules
        .packs
        .iter()
        .find(named)
        .ok_or_else(|| Refused::new(RefusalCode::UnknownPack, "pack").detail(&e.pack))?;
    power(case, &pack.region)?;
    fields::optional_text(&e.reason, MAX_TEXT, "reason")?;
    if e.until_ms < case.context.recorded_at_ms {
        return Err(Refused::invalid(
            "until_ms",
            "a pack has judged what has been; it ends now or later",
        ));
    }
    Ok(())
}
