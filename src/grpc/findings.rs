//! Findings: a page of them from the projection, each with its last answer and
//! whether its date is past.

use super::errors::Fault;
use super::registry::page_size;
use crate::ledger::Ledger;
use crate::pb::{ListFindingsRequest, ListFindingsResponse};
use crate::projection::findings::{Asked, PLACE, list};

/// A page of them.
pub(super) fn page(
    ledger: &Ledger,
    request: &ListFindingsRequest,
) -> Result<ListFindingsResponse, Fault> {
    if !request.after.is_empty() && request.after.len() != PLACE {
        return Err(Fault::invalid(
            "after",
            "what `next` of the page before said",
        ));
    }
    let at_ms = request.at_ms.unwrap_or_else(|| ledger.now_ms());
    let asked = Asked {
        owner: &request.owner,
        code: request.code,
        severity: request.severity,
        open: request.open_only,
        overdue: request.overdue_only,
        since: request.since_position,
        after: &request.after,
        at_ms,
        most: page_size(request.page_size),
    };
    let reading = ledger.store().reading();
    let (findings, next) = list(&reading, &asked)?;
    Ok(ListFindingsResponse {
        as_of: reading.position(),
        at_ms,
        findings,
        next: next.into(),
    })
}
