//! The rules of the day, at the acts that authorise and on the facts. Acts are
//! judged at the time claimed and at the time recorded, in every region that
//! they touch, and what breaks a rule that refuses is refused at the end; facts
//! are judged at their own time, and get findings.

mod lists;
mod loading;
mod pass;
mod sheet;
mod vehicles;

use std::sync::Arc;

use super::Case;
use crate::catalog::{self, RegionCode, Substance};
use crate::custody::draft::Draft;
use crate::custody::lot::Amount;
use crate::custody::rules::{Asked, Book};
use crate::custody::subject::{self, Item};
use crate::event::codes::Refused;
use crate::event::{ConsignmentId, HandoffId, LotId};
use crate::pb::offered::From as OfferedFrom;
use crate::pb::{
    HandoffLine, HandoffOffered, HandoffPurpose, Offered, RuleKind, RuleMode, Subject, SubjectKind,
    Traded,
};

/// An act or a fact being judged: by which packs, where, when.
pub(super) struct Judged {
    book: Arc<Book>,
    regions: Vec<RegionCode>,
    /// Unix milliseconds.
    times_ms: Vec<i64>,
    /// Whether it would authorise: then a rule can refuse it.
    authorises: bool,
}

/// What breaks a rule.
pub(super) struct Breach<'a> {
    pub(super) subject: &'a Subject,
    /// Who must act.
    pub(super) owner: &'a str,
    /// Of the event, for a refusal.
    pub(super) field: &'a str,
    /// The figures, in words.
    pub(super) detail: String,
}

impl Judged {
    /// An act that would authorise, in these regions; `None` where no pack says
    /// anything at all.
    fn act(draft: &Draft<'_>, case: &Case<'_>, regions: Vec<RegionCode>) -> Option<Judged> {
        let times_ms = vec![case.happened_at_ms(), case.context.recorded_at_ms];
        Judged::new(draft, regions, times_ms, true)
    }

    /// A fact, in these regions.
    fn fact(draft: &Draft<'_>, regions: Vec<RegionCode>) -> Option<Judged> {
        let times_ms = vec![draft.happened_at_ms()];
        Judged::new(draft, regions, times_ms, false)
    }

    fn new(
        draft: &Draft<'_>,
        mut regions: Vec<RegionCode>,
        mut times_ms: Vec<i64>,
        authorises: bool,
    ) -> Option<Judged> {
        let book = Book::of(draft);
        if book.is_empty() {
            return None;
        }
        regions.sort_unstable();
        regions.dedup();
        times_ms.dedup();
        Some(Judged {
            book,
            regions,
            times_ms,
            authorises,
        })
    }

    /// The lines that judge a substance, each at its moment, strictest first.
    pub(super) fn lines(&self, rule: RuleKind, substance: Option<Substance>) -> Vec<Asked<'_>> {
        let (regions, times) = (&self.regions, &self.times_ms);
        self.book.lines(rule, substance, regions, times)
    }

    /// Says that a line is broken: refused at the end, or found.
    pub(super) fn broken(&self, draft: &mut Draft<'_>, asked: &Asked<'_>, breach: Breach<'_>) {
        self.judge(draft, asked, asked.mode(), breach);
    }

    /// The same, where what breaks it is not proven: found, unless the line says
    /// that the registry is complete.
    pub(super) fn unproven(&self, draft: &mut Draft<'_>, asked: &Asked<'_>, breach: Breach<'_>) {
        let mode = match asked.line.complete {
            true => asked.mode(),
            false => RuleMode::Find,
        };
        self.judge(draft, asked, mode, breach);
    }

    fn judge(&self, draft: &mut Draft<'_>, asked: &Asked<'_>, mode: RuleMode, breach: Breach<'_>) {
        let Some(sheet) = sheet::of(asked.line.rule()) else {
            return;
        };
        let law = match asked.line.law.as_str() {
            "" => format!("[{}]", asked.pack),
            law => format!("[{}: {law}]", asked.pack),
        };
        let detail = format!("{} {law}", breach.detail);
        match sheet.refusal {
            Some(code) if self.authorises && mode == RuleMode::Refuse => {
                draft.gate(Refused::new(code, breach.field).detail(detail));
            }
            _ => {
                let (code, severity) = (sheet.finding, sheet.severity);
                draft.find(code, severity, breach.subject, breach.owner, 0, detail);
            }
        }
    }
}

/// What goes, of which substance: milligrams of gross and of contained.
#[derive(Clone, Copy, Debug)]
pub(super) struct Going {
    pub(super) lot: LotId,
    pub(super) substance: Substance,
    pub(super) gross_mg: i64,
    pub(super) contained_mg: i64,
}

/// The substance that a lot is of now.
fn substance_of(draft: &Draft<'_>, lot: LotId) -> Option<Substance> {
    let state = draft.lot(lot)?;
    catalog::form(crate::custody::lot::form(&state)).map(|form| form.substance)
}

/// Where a party is, and where its place is: what packs of a region judge.
fn party_region(draft: &Draft<'_>, party: &str) -> Option<RegionCode> {
    let state = draft.party(party)?;
    state.registered.as_ref()?.region.parse().ok()
}

fn place_region(draft: &Draft<'_>, party: &str, place: &str) -> Option<RegionCode> {
    let site = draft.place(party, place)?.registered.as_ref()?.site.clone();
    match draft
        .item(&subject::within(SubjectKind::Site, party, &site))
        .as_deref()
    {
        Some(Item::Site(site)) => site.registered.as_ref()?.region.parse().ok(),
        _ => None,
    }
}

/// Amounts of lots, with what they are made of; a lot of no known form is
/// outside every rule.
fn going(draft: &Draft<'_>, amounts: &[(LotId, Amount)]) -> Vec<Going> {
    let known = |(lot, amount): &(LotId, Amount)| {
        Some(Going {
            lot: *lot,
            substance: substance_of(draft, *lot)?,
            gross_mg: amount.gross,
            contained_mg: amount.contained,
        })
    };
    amounts.iter().filter_map(known).collect()
}

/// Whether any pack says anything at all.
pub(super) fn any(draft: &Draft<'_>) -> bool {
    !Book::of(draft).is_empty()
}

/// An offer, by place or for carriage.
pub(super) fn offered(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Offered,
    amounts: &[(LotId, Amount)],
) {
    let consignee = e.carriage.as_ref().map(|c| c.consignee.as_str());
    let parties = [Some(case.party()), Some(e.taker.as_str()), consignee];
    let mut regions: Vec<RegionCode> = parties
        .into_iter()
        .flatten()
        .filter_map(|party| party_region(draft, party))
        .collect();
    if let Some(OfferedFrom::Place(place)) = &e.from {
        regions.extend(place_region(draft, case.party(), place));
    }
    let Some(mut judged) = Judged::act(draft, case, regions) else {
        return;
    };
    // Return to the supplier and disposal are never blocked.
    if e.returns.is_some() || e.purpose() == HandoffPurpose::Disposal {
        judged.authorises = false;
    }
    let going = going(draft, amounts);
    lists::judge(draft, &judged, &going, case.party(), "lines");
    let handoff = HandoffId(case.name(0));
    loading::offered(draft, &judged, e, handoff, case.party(), &going);
}

/// A relay of a consignment, which has been changed by it.
pub(super) fn relayed(draft: &mut Draft<'_>, case: &Case<'_>, id: ConsignmentId) {
    let mut regions = loading::regions(draft, id);
    regions.extend(party_region(draft, case.party()));
    if let Some(judged) = Judged::act(draft, case, regions) {
        loading::relayed(draft, &judged, id);
    }
}

/// Goods that have been taken aboard: a fact.
pub(super) fn loaded(draft: &mut Draft<'_>, handoff: HandoffId, offered: &HandoffOffered) {
    let from = offered.from.as_ref();
    let place = from.and_then(|from| place_region(draft, &from.party, &from.place));
    let parties = [&offered.giver, &offered.taker].map(|party| party_region(draft, party));
    let regions = parties.into_iter().flatten().chain(place).collect();
    if let Some(judged) = Judged::fact(draft, regions) {
        loading::aboard(draft, &judged, handoff, offered);
    }
}

/// Goods of a consignment that have arrived at a place of `taker`: a fact.
pub(super) fn arrived(
    draft: &mut Draft<'_>,
    id: ConsignmentId,
    taker: &str,
    place: &str,
    lines: &[HandoffLine],
) {
    let mut regions = loading::regions(draft, id);
    regions.extend(party_region(draft, taker));
    regions.extend(place_region(draft, taker, place));
    if let Some(judged) = Judged::fact(draft, regions) {
        loading::arrived(draft, &judged, id, lines);
    }
}

/// A sale.
pub(super) fn traded(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    e: &Traded,
    amounts: &[(LotId, Amount)],
) {
    let parties = [case.party(), e.buyer.as_str()];
    let regions = parties.into_iter();
    let regions = regions
        .filter_map(|party| party_region(draft, party))
        .collect();
    let Some(mut judged) = Judged::act(draft, case, regions) else {
        return;
    };
    if e.returns.is_some() {
        judged.authorises = false;
    }
    let going = going(draft, amounts);
    lists::judge(draft, &judged, &going, case.party(), "goods");
}

/// Goods that have been taken in, at a place of `taker`: a fact.
pub(super) fn taken(draft: &mut Draft<'_>, taker: &str, place: &str, amounts: &[(LotId, Amount)]) {
    let regions = [
        party_region(draft, taker),
        place_region(draft, taker, place),
    ];
    let Some(judged) = Judged::fact(draft, regions.into_iter().flatten().collect()) else {
        return;
    };
    let going = going(draft, amounts);
    lists::judge(draft, &judged, &going, taker, "lines");
}
