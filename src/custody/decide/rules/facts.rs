//! Facts that break a rule: one person where two must be, a sale filed late, a
//! wetting agent that is too little, something told too late. Findings only.

use super::{Breach, Going, Judged, party_region, place_region};
use crate::catalog::{Form, RegionCode};
use crate::custody::decide::Case;
use crate::custody::draft::Draft;
use crate::custody::lot::Amount;
use crate::custody::rules::{Asked, Book};
use crate::custody::subject;
use crate::event::LotId;
use crate::event::when::{in_seconds, legal_day, legal_day_end_ms};
use crate::pb::{HandoffOffered, HandoffPurpose, RuleKind, RuleMode, Subject};

const MINUTE_MS: i64 = 60 * 1000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// An acceptance, as it was told: perhaps in an earlier record, which waited
/// for its offer.
pub(in crate::custody::decide) struct Received<'a> {
    pub(in crate::custody::decide) subject: &'a Subject,
    pub(in crate::custody::decide) taker: &'a str,
    pub(in crate::custody::decide) place: &'a str,
    /// Two persons of the taker signed it.
    pub(in crate::custody::decide) two_persons: bool,
    /// When it was recorded, Unix milliseconds.
    pub(in crate::custody::decide) recorded_ms: i64,
}

/// The strictest line that judges any of what goes.
fn line<'j>(judged: &'j Judged, rule: RuleKind, going: &[Going]) -> Option<Asked<'j>> {
    let lines = going
        .iter()
        .flat_map(|one| judged.lines(rule, Some(one.form)));
    lines.max_by_key(Asked::mode)
}

/// Two distinct persons receive, issue and count.
pub(super) fn two_persons(
    draft: &mut Draft<'_>,
    judged: &Judged,
    going: &[Going],
    party: &str,
    two: bool,
    subject: &Subject,
) {
    let Some(asked) = line(judged, RuleKind::TwoPersons, going).filter(|_| !two) else {
        return;
    };
    let breach = Breach {
        subject,
        owner: party,
        field: "",
        detail: "two distinct persons of the party must sign".to_owned(),
    };
    judged.broken(draft, &asked, breach);
}

/// A sale or purchase is recorded within so many days after the day on which it
/// happened, that day not counted.
fn filing(
    draft: &mut Draft<'_>,
    judged: &Judged,
    going: &[Going],
    owner: &str,
    subject: &Subject,
    recorded_ms: i64,
) {
    let happened_ms = draft.happened_at_ms();
    let lines = going
        .iter()
        .flat_map(|one| judged.lines(RuleKind::Filing, Some(one.form)));
    let last_day = |asked: &Asked<'_>| legal_day(happened_ms).saturating_add(asked.line.limit);
    let late = lines
        .filter(|asked| legal_day(recorded_ms) > last_day(asked))
        .max_by_key(Asked::mode);
    let Some(asked) = late else {
        return;
    };
    let detail = format!(
        "happened at {}, to be filed by {}, filed at {}",
        in_seconds(happened_ms),
        in_seconds(legal_day_end_ms(last_day(&asked))),
        in_seconds(recorded_ms)
    );
    let breach = Breach {
        subject,
        owner,
        field: "",
        detail,
    };
    judged.broken(draft, &asked, breach);
}

/// A sale: both sides file it.
pub(super) fn traded(draft: &mut Draft<'_>, case: &Case<'_>, buyer: &str, going: &[Going]) {
    let recorded_ms = case.context.recorded_at_ms;
    for party in [case.party(), buyer] {
        let regions = party_region(draft, party).into_iter().collect();
        let Some(judged) = Judged::fact(draft, regions) else {
            return;
        };
        let subject = subject::party(party);
        filing(draft, &judged, going, party, &subject, recorded_ms);
    }
}

/// Goods taken into a place. What is handed over to be kept, worked on or
/// disposed of is no sale.
pub(super) fn received(
    draft: &mut Draft<'_>,
    received: &Received<'_>,
    offered: &HandoffOffered,
    going: &[Going],
) {
    let taker = received.taker;
    let regions = [
        party_region(draft, taker),
        place_region(draft, taker, received.place),
    ];
    let regions = regions.into_iter().flatten().collect();
    let Some(judged) = Judged::fact(draft, regions) else {
        return;
    };
    let subject = received.subject;
    let (two, recorded_ms) = (received.two_persons, received.recorded_ms);
    two_persons(draft, &judged, going, taker, two, subject);
    let sold = matches!(
        offered.purpose(),
        HandoffPurpose::Unspecified | HandoffPurpose::Sale | HandoffPurpose::Transfer
    );
    if sold && offered.returns.is_none() {
        filing(draft, &judged, going, taker, subject, recorded_ms);
    }
}

/// A stock-take of a lot at a place of the signer.
pub(super) fn counted(draft: &mut Draft<'_>, case: &Case<'_>, lot: LotId, place: &str) {
    let party = case.party();
    let regions = [
        party_region(draft, party),
        place_region(draft, party, place),
    ];
    let regions = regions.into_iter().flatten().collect();
    let Some(judged) = Judged::fact(draft, regions) else {
        return;
    };
    let going = super::going(draft, &[(lot, Amount::default())]);
    let two = case.signers.two_persons(party);
    two_persons(draft, &judged, &going, party, two, &subject::lot(lot));
}

/// A lot was measured: its wetting agent.
pub(super) fn wetted(draft: &mut Draft<'_>, party: &str, lot: LotId, wetting_ppm: u32) {
    let regions = party_region(draft, party).into_iter().collect();
    let Some(judged) = Judged::fact(draft, regions) else {
        return;
    };
    let form = super::form_of(draft, lot);
    let low = |asked: &Asked<'_>| i64::from(wetting_ppm) < asked.line.limit;
    let lines = judged.lines(RuleKind::Wetting, form);
    let Some(asked) = lines.into_iter().find(low) else {
        return;
    };
    let breach = Breach {
        subject: &subject::lot(lot),
        owner: party,
        field: "",
        detail: format!(
            "{wetting_ppm} ppm of wetting agent; at least {} ppm",
            asked.line.limit
        ),
    };
    judged.broken(draft, &asked, breach);
}

/// What a pack sets in the place of a figure of the base pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::custody::decide) enum Figure {
    /// It says nothing: the base pack's holds.
    Unsaid,
    /// It is not judged here.
    Off,
    /// Milliseconds.
    Limit(i64),
}

/// The figure of a rule where a party is, at the time of the event.
fn figure(
    draft: &Draft<'_>,
    rule: RuleKind,
    form: Option<&Form>,
    party: &str,
    unit_ms: i64,
) -> Figure {
    let region: Option<RegionCode> = party_region(draft, party);
    let book = Book::of(draft);
    let line = region.and_then(|r| book.line(rule, form, r, draft.happened_at_ms()));
    match line.map(|asked| (asked.mode(), asked.line.limit)) {
        None | Some((RuleMode::Unspecified, _)) => Figure::Unsaid,
        Some((RuleMode::Off, _)) => Figure::Off,
        Some((RuleMode::Find | RuleMode::Refuse, limit)) => {
            Figure::Limit(limit.saturating_mul(unit_ms))
        }
    }
}

/// How long after it happened a party may tell something.
pub(in crate::custody::decide) fn back_dating(draft: &Draft<'_>, party: &str) -> Figure {
    figure(draft, RuleKind::BackDating, None, party, MINUTE_MS)
}

/// How long an assay stands.
pub(in crate::custody::decide) fn assay_due(draft: &Draft<'_>, party: &str, lot: LotId) -> Figure {
    let form = super::form_of(draft, lot);
    figure(draft, RuleKind::AssayDue, form, party, DAY_MS)
}

impl Figure {
    /// The figure that holds, where the base pack's is `base_ms`; `None`: none
    /// does.
    pub(in crate::custody::decide) fn or_base(self, base_ms: i64) -> Option<i64> {
        match self {
            Figure::Unsaid => Some(base_ms),
            Figure::Off => None,
            Figure::Limit(ms) => Some(ms),
        }
    }
}
