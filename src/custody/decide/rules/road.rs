//! On the road: how long a vehicle stands, how long its driver drives and rests.
//! Facts, judged with the word that tells them. A vehicle of which nothing more
//! is heard is the ledger's own to find.

use super::judged::Fault;
use super::{Breach, Judged, form_of, loading, once};
use crate::catalog::Form;
use crate::custody::decide::fields;
use crate::custody::draft::Draft;
use crate::custody::overdue;
use crate::custody::rules::Asked;
use crate::custody::subject;
use crate::event::codes::Refused;
use crate::event::digest::to_hex;
use crate::event::when::{in_seconds, legal_day, legal_day_end_ms, span};
use crate::event::{ConsignmentId, LotId};
use crate::pb::change::Change as C;
use crate::pb::{ConsignmentState, DrivingSpan, OverdueTold, ReportKind, Reported, RuleKind};

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// When night begins and ends, before and after midnight in Asia/Shanghai:
/// 22:00 and 06:00, as road transport counts it.
const NIGHT_BEFORE_MS: i64 = 2 * HOUR_MS;
const NIGHT_AFTER_MS: i64 = 6 * HOUR_MS;

/// The longest span that is read, milliseconds: 7 days.
const MAX_DRIVEN_MS: i64 = 7 * 24 * HOUR_MS;

/// A vehicle that stands, or has stood until now.
#[derive(Clone, Copy, Debug)]
pub(in crate::custody::decide) struct Stop {
    /// Unix milliseconds.
    since_ms: i64,
    until_ms: i64,
    /// It stands still.
    pub(in crate::custody::decide) goes_on: bool,
}

impl Stop {
    /// What a word from the road says of it. A late word ends no stop that
    /// began after it.
    pub(in crate::custody::decide) fn told_by(
        before: &ConsignmentState,
        e: &Reported,
        now_ms: i64,
    ) -> Option<Stop> {
        let (known_ms, at_ms) = last_word(before);
        let own_ms = now_ms.saturating_sub(e.stood_ms);
        let since_ms = match (e.kind(), known_ms) {
            (ReportKind::Stop, 0) => own_ms,
            (ReportKind::Stop, known) => known.min(own_ms),
            (_, 0) => return None,
            (_, known) => known,
        };
        let goes_on = if now_ms < at_ms {
            known_ms != 0
        } else {
            matches!(e.kind(), ReportKind::Stop | ReportKind::Seal)
        };
        Some(Stop {
            since_ms,
            until_ms: now_ms,
            goes_on,
        })
    }

    /// What stands in the state from here on: since when, 0: it does not.
    pub(in crate::custody::decide) fn standing_ms(stop: Option<Stop>) -> i64 {
        stop.filter(|stop| stop.goes_on)
            .map_or(0, |stop| stop.since_ms)
    }
}

/// Since when a vehicle stands after a word from the road that is given now, by
/// what was known before; Unix milliseconds, 0: it does not.
pub fn standing_since(before: &ConsignmentState, e: &Reported, now_ms: i64) -> i64 {
    Stop::standing_ms(Stop::told_by(before, e, now_ms))
}

/// Since when it stands (0: it does not), and when the last word came.
fn last_word(state: &ConsignmentState) -> (i64, i64) {
    let word = state.report.as_ref();
    word.map_or((0, 0), |word| (word.stopped_since_ms, word.at_ms))
}

/// The time of the latest word, with this one.
pub(in crate::custody::decide) fn latest_ms(before: &ConsignmentState, now_ms: i64) -> i64 {
    last_word(before).1.max(now_ms)
}

/// Whether what a word says of stop and driving can be.
pub(in crate::custody::decide) fn check(e: &Reported, now_ms: i64) -> Result<(), Refused> {
    if e.stood_ms < 0 || (e.stood_ms > 0 && e.kind() != ReportKind::Stop) {
        return Err(Refused::invalid("stood_ms", "of a stop, and not negative"));
    }
    let Some(driving) = &e.driving else {
        return Ok(());
    };
    fields::hash(&driving.driver, "driver")
        .and_then(|()| check_span(driving, now_ms))
        .map_err(|refused| refused.within("driving"))
}

fn check_span(driving: &DrivingSpan, now_ms: i64) -> Result<(), Refused> {
    let DrivingSpan {
        from_ms, until_ms, ..
    } = *driving;
    let driven_ms = until_ms.saturating_sub(from_ms);
    if from_ms <= 0 || !(1..=MAX_DRIVEN_MS).contains(&driven_ms) {
        return Err(Refused::invalid(
            "until_ms",
            "after from_ms, by no more than 7 days",
        ));
    }
    if until_ms > now_ms {
        let why = format!("after {}, when it is said to happen", in_seconds(now_ms));
        return Err(Refused::invalid("until_ms", why));
    }
    if driving.rested_ms.is_some_and(|rested_ms| rested_ms < 0) {
        return Err(Refused::invalid("rested_ms", "negative"));
    }
    Ok(())
}

/// A consignment on the road, and what is aboard.
struct Road {
    id: ConsignmentId,
    judged: Judged,
    forms: Vec<&'static Form>,
    carrier: String,
}

impl Road {
    fn of(draft: &Draft<'_>, id: ConsignmentId) -> Option<Road> {
        let judged = Judged::fact(draft, loading::regions(draft, id))?;
        let state = draft.consignment(id).unwrap_or_default();
        let lots = state.lots.iter().filter_map(|lot| LotId::from_slice(lot));
        let forms = once(lots.filter_map(|lot| form_of(draft, lot)));
        let carrier = state.carrier.clone();
        Some(Road {
            id,
            judged,
            forms,
            carrier,
        })
    }

    /// Judges minutes by a rule; whether something was found.
    fn judge(
        &self,
        draft: &mut Draft<'_>,
        rule: RuleKind,
        breaks: impl Fn(i64) -> Option<String>,
    ) -> bool {
        let fault = |asked: &Asked<'_>| {
            let limit_ms = asked.line.limit.saturating_mul(MINUTE_MS);
            breaks(limit_ms).map(Fault::known)
        };
        let Some((asked, fault)) = self.judged.worst(rule, &self.forms, fault) else {
            return false;
        };
        let breach = Breach {
            subject: &subject::consignment(self.id),
            owner: &self.carrier,
            field: "",
            detail: fault.why,
        };
        self.judged.broken(draft, &asked, breach);
        true
    }
}

/// A stop, as far as it is known; told once.
pub(in crate::custody::decide) fn stood(
    draft: &mut Draft<'_>,
    id: ConsignmentId,
    stop: Option<Stop>,
) -> Result<(), Refused> {
    let Some((stop, road)) = stop.zip(Road::of(draft, id)) else {
        return Ok(());
    };
    let state = draft.consignment(id).unwrap_or_default();
    if overdue::is_told(&state.overdue, RuleKind::LongStop) {
        return Ok(());
    }
    let stood_ms = stop.until_ms.saturating_sub(stop.since_ms);
    let found = road.judge(draft, RuleKind::LongStop, |limit_ms| {
        (stood_ms > limit_ms).then(|| {
            format!(
                "stood for {} since {}; no more than {}",
                span(stood_ms),
                in_seconds(stop.since_ms),
                span(limit_ms)
            )
        })
    });
    if !found || !stop.goes_on {
        return Ok(());
    }
    let told = OverdueTold {
        rule: RuleKind::LongStop.into(),
        since_ms: stop.since_ms,
        ..OverdueTold::default()
    };
    draft.emit(&subject::consignment(id), C::OverdueTold(told))
}

/// A stop that ends otherwise than by a word from the road: the goods are
/// relayed, or taken.
pub(in crate::custody::decide) fn goes_on(
    draft: &mut Draft<'_>,
    id: ConsignmentId,
    until_ms: i64,
) -> Result<(), Refused> {
    let state = draft.consignment(id).unwrap_or_default();
    let (since_ms, _) = last_word(&state);
    let stop = Stop {
        since_ms,
        until_ms,
        goes_on: true,
    };
    stood(draft, id, (since_ms != 0).then_some(stop))
}

/// What a driver has driven, and rested before.
pub(in crate::custody::decide) fn driven(
    draft: &mut Draft<'_>,
    id: ConsignmentId,
    driving: Option<&DrivingSpan>,
) {
    let Some((driving, road)) = driving.zip(Road::of(draft, id)) else {
        return;
    };
    let who = to_hex(driving.driver.get(..8).unwrap_or_default());
    let driven_ms = driving.until_ms.saturating_sub(driving.from_ms);
    let night_ms = by_night(driving.from_ms, driving.until_ms);
    let too_long = |is_ms: i64, what: &str, limit_ms: i64| {
        (is_ms > limit_ms).then(|| {
            format!(
                "driver {who} drove {} without a rest{what}; no more than {}",
                span(is_ms),
                span(limit_ms)
            )
        })
    };
    road.judge(draft, RuleKind::DrivingTime, |limit_ms| {
        too_long(driven_ms, "", limit_ms)
    });
    road.judge(draft, RuleKind::NightDriving, |limit_ms| {
        too_long(night_ms, " by night", limit_ms)
    });
    road.judge(draft, RuleKind::DriverRest, |limit_ms| {
        let too_short = driving.rested_ms.filter(|rested_ms| *rested_ms < limit_ms);
        too_short.map(|rested_ms| {
            format!(
                "driver {who} rested {}; at least {}",
                span(rested_ms),
                span(limit_ms)
            )
        })
    });
}

/// The longest part of a span that lies in one night, milliseconds.
fn by_night(from_ms: i64, until_ms: i64) -> i64 {
    // A span that reaches beyond the third night has a whole one in it.
    let first = legal_day(from_ms);
    let nights = (-1..=1).map(|night| {
        let midnight = legal_day_end_ms(first.saturating_add(night));
        let begins = midnight.saturating_sub(NIGHT_BEFORE_MS).max(from_ms);
        let ends = midnight.saturating_add(NIGHT_AFTER_MS).min(until_ms);
        ends.saturating_sub(begins).max(0)
    });
    nights.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_in_one_night_is_counted() {
        // 2026-11-24 00:00 in Shanghai.
        let midnight = 1_795_449_600_000;
        let hours = |from: i64, until: i64| {
            by_night(midnight + from * HOUR_MS, midnight + until * HOUR_MS) / HOUR_MS
        };
        let cases = [
            ((-6, -2), 0),
            ((-6, -1), 1),
            ((-2, 6), 8),
            ((1, 3), 2),
            ((5, 9), 1),
            ((6, 22), 0),
            ((5, 25), 3),
            ((12, 100), 8),
            ((3, 160), 8),
        ];
        for ((from, until), wanted) in cases {
            assert_eq!(hours(from, until), wanted, "{from} to {until}");
        }
    }
}
