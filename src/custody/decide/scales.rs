//! Scales: an instrument whose verification has run out by the time it was
//! used is a finding, at a handoff and at a count. What it weighed is booked
//! all the same: it has happened.

use super::Case;
use super::fields::MAX_SHORT;
use super::takeover::Taking;
use crate::custody::draft::Draft;
use crate::custody::subject;
use crate::event::codes::Refused;
use crate::event::mass::{measured, out_of_date};
use crate::event::when::in_seconds;
use crate::event::{HandoffId, LotId};
use crate::pb::{
    AcceptedLine, Counted, FindingCode, Measure, Offered, Quantity, RefusalCode, Severity, Subject,
};

/// The giver's instruments.
pub(super) fn offered(draft: &mut Draft<'_>, case: &Case<'_>, name: HandoffId, e: &Offered) {
    let measures = e
        .lines
        .iter()
        .filter_map(|line| measure(line.loose.as_ref()));
    find(draft, &subject::handoff(name), case.party(), measures);
}

/// The taker's.
pub(super) fn taken(draft: &mut Draft<'_>, taking: &Taking<'_>, line: &AcceptedLine) {
    let masses = [&line.accepted, &line.refused, &line.still_aboard];
    let measures = masses.into_iter().filter_map(|q| measure(q.as_ref()));
    let handoff = subject::handoff(taking.name);
    find(draft, &handoff, taking.taker, measures.chain(&line.check));
}

/// Whoever counts.
pub(super) fn counted(draft: &mut Draft<'_>, case: &Case<'_>, id: LotId, e: &Counted) {
    find(
        draft,
        &subject::lot(id),
        case.party(),
        e.loose_measure.iter(),
    );
}

/// A count's measure says the mass that is counted.
pub(super) fn agrees(e: &Counted) -> Result<(), Refused> {
    let Some(measure) = &e.loose_measure else {
        return Ok(());
    };
    match measured(measure, "loose_measure")? {
        Some(mass) if mass.as_mg() != e.loose_gross_mg => {
            Err(Refused::new(RefusalCode::MeasureDisagrees, "loose_measure")
                .detail(format!("{mass} measured, {} mg counted", e.loose_gross_mg)))
        }
        _ => Ok(()),
    }
}

/// The instrument that measured what was taken of a line; none if its name is
/// longer than a name.
pub(super) fn instrument(line: &AcceptedLine) -> String {
    measure(line.accepted.as_ref())
        .map(|m| m.instrument.clone())
        .filter(|name| name.len() <= MAX_SHORT)
        .unwrap_or_default()
}

fn measure(quantity: Option<&Quantity>) -> Option<&Measure> {
    quantity.and_then(|q| q.measure.as_ref())
}

fn find<'m>(
    draft: &mut Draft<'_>,
    subject: &Subject,
    owner: &str,
    measures: impl Iterator<Item = &'m Measure>,
) {
    let at_ms = draft.happened_at_ms();
    for measure in measures.filter(|m| out_of_date(m, at_ms)) {
        let detail = format!(
            "instrument '{}', verified until {}, used at {}",
            measure.instrument,
            in_seconds(measure.verified_until_ms),
            in_seconds(at_ms)
        );
        let code = FindingCode::InstrumentUnverified;
        draft.find(code, Severity::Warning, subject, owner, 0, detail);
    }
}
