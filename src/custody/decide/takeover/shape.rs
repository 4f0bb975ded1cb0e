//! What an acceptance says, by itself: what can be checked without its offer.

use crate::custody::decide::{fields, receipt, trade};
use crate::custody::ranges;
use crate::event::codes::Refused;
use crate::event::mass::{Mass, measured};
use crate::pb::{Accepted, AcceptedLine, Quantity, RefusalCode};

/// What can be said of an acceptance without its offer.
pub(in crate::custody::decide) fn check_shape(e: &Accepted) -> Result<(), Refused> {
    if e.lines.len() > trade::MAX_LINES {
        return Err(Refused::invalid("lines", "too many"));
    }
    for (i, line) in e.lines.iter().enumerate() {
        check_line(line).map_err(|r| r.within(&format!("lines[{i}]")))?;
    }
    receipt::check(e.receipt.as_deref())
}

/// That an acceptance names each line once.
pub(in crate::custody::decide) fn check_lines_once(e: &Accepted) -> Result<(), Refused> {
    for (i, line) in e.lines.iter().enumerate() {
        if e.lines
            .iter()
            .skip(i + 1)
            .any(|other| other.line == line.line)
        {
            return Err(
                Refused::new(RefusalCode::LinesDiffer, format!("lines[{i}]"))
                    .detail("the line stands twice"),
            );
        }
    }
    Ok(())
}

fn check_line(line: &AcceptedLine) -> Result<(), Refused> {
    mass(line.accepted.as_ref(), "accepted")?;
    mass(line.refused.as_ref(), "refused")?;
    mass(line.still_aboard.as_ref(), "still_aboard")?;
    if let Some(check) = &line.check {
        measured(check, "check")?;
    }
    fields::serials(&line.accepted_serials, "accepted_serials")?;
    fields::serials(&line.refused_serials, "refused_serials")?;
    fields::serials(&line.still_aboard_serials, "still_aboard_serials")?;
    let twice = ranges::overlap(&line.accepted_serials, &line.refused_serials)
        || ranges::overlap(&line.accepted_serials, &line.still_aboard_serials)
        || ranges::overlap(&line.refused_serials, &line.still_aboard_serials);
    if twice {
        return Err(Refused::new(
            RefusalCode::SerialsOverlap,
            "accepted_serials",
        ));
    }
    Ok(())
}

/// A mass that may be left out: nothing.
pub(in crate::custody::decide) fn mass(
    quantity: Option<&Quantity>,
    field: &str,
) -> Result<i64, Refused> {
    match quantity {
        None => Ok(0),
        some => Mass::of(some, field).map(Mass::as_mg),
    }
}
