//! What is overdue: rules that time alone breaks, judged on one subject as it
//! stands, by the packs in force at a time. The same judgement finds what the
//! ledger may say and decides what it says.
//!
//! | rule | subject | from when | whose to see to |
//! |---|---|---|---|
//! | long stop | consignment | the carrier's word that it stands | carrier |
//! | handoff due | handoff, open | the offer was recorded | taker |
//! | carriage due | consignment, open | the goods went aboard | carrier |
//! | waste receipt due | handoff of waste into a place, open | the offer was recorded | taker |
//! | device silent | key of a device that numbers its statements | the latest was recorded | its party |
//! | stock-take due | lot in a place | it came there, or was counted | the place's party |

use bytes::Bytes;

use super::judged::cited;
use super::{once, sheet};
use crate::catalog::{self, Form, RegionCode};
use crate::custody::rules::{Asked, Book};
use crate::custody::subject::{self, Item, Items};
use crate::custody::{lot, overdue};
use crate::event::LotId;
use crate::event::when::{in_seconds, legal_day, legal_day_end_ms, span};
use crate::pb::{
    AccountKind, ConsignmentState, Finding, FindingCode, HandoffOffered, HandoffState,
    HandoffStatus, KeyState, LotState, OverdueLine, OverdueTold, PartyRegistered, PartyStatus,
    RuleKind, Severity, Subject, SubjectKind,
};

const MINUTE_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Each rule, and what it is of.
const RULES: [(RuleKind, SubjectKind); 6] = [
    (RuleKind::HandoffDue, SubjectKind::Handoff),
    (RuleKind::WasteReceiptDue, SubjectKind::Handoff),
    (RuleKind::LongStop, SubjectKind::Consignment),
    (RuleKind::CarriageDue, SubjectKind::Consignment),
    (RuleKind::DeviceSilent, SubjectKind::Key),
    (RuleKind::StockTakeDue, SubjectKind::Lot),
];

/// Something that is overdue.
#[derive(Clone, Debug)]
pub(in crate::custody::decide) struct Due {
    line: OverdueLine,
    pub(in crate::custody::decide) subject: Subject,
    pub(in crate::custody::decide) finding: FindingCode,
    pub(in crate::custody::decide) severity: Severity,
    /// Who must act.
    pub(in crate::custody::decide) owner: String,
    /// From when it was waited for, Unix milliseconds.
    pub(in crate::custody::decide) since_ms: i64,
    pub(in crate::custody::decide) detail: String,
}

/// The order of lines in a word.
pub(in crate::custody::decide) fn order(line: &OverdueLine) -> (i32, &Bytes, &str, &str) {
    (line.rule, &line.id, &line.party, &line.place)
}

/// Lines as they stand in a word: sorted, none twice.
pub fn in_order(mut lines: Vec<OverdueLine>) -> Vec<OverdueLine> {
    lines.sort_by(|a, b| order(a).cmp(&order(b)));
    lines.dedup();
    lines
}

/// The kinds of subjects that may be overdue by any pack at all.
pub fn kinds(items: &dyn Items) -> Vec<SubjectKind> {
    let book = Book::of(items);
    let asked = RULES.iter().filter(|(rule, _)| !book.is_silent(*rule));
    let mut kinds: Vec<SubjectKind> = asked.map(|(_, kind)| *kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// What is overdue of a subject at a time and has not been told, as the ledger
/// may say it.
pub fn lines(items: &dyn Items, subject: &Subject, item: &Item, now_ms: i64) -> Vec<OverdueLine> {
    let due = of(items, subject, item, now_ms);
    due.into_iter().map(|due| due.line).collect()
}

/// The same as findings, without a date.
pub fn findings(items: &dyn Items, subject: &Subject, item: &Item, now_ms: i64) -> Vec<Finding> {
    let finding = |due: Due| Finding {
        code: due.finding.into(),
        severity: due.severity.into(),
        subject: Some(due.subject),
        owner: due.owner,
        detail: due.detail,
        ..Finding::default()
    };
    of(items, subject, item, now_ms)
        .into_iter()
        .map(finding)
        .collect()
}

/// What a line names, if that is so at a time and has not been told.
pub(in crate::custody::decide) fn of_line(
    items: &dyn Items,
    line: &OverdueLine,
    now_ms: i64,
) -> Option<Due> {
    let rule = line.rule();
    let (_, kind) = RULES.iter().find(|(known, _)| *known == rule)?;
    let subject = Subject {
        kind: i32::from(*kind),
        id: line.id.clone(),
    };
    let item = items.get(&subject)?;
    let mut all = of(items, &subject, &item, now_ms).into_iter();
    all.find(|due| due.line == *line)
}

fn of(items: &dyn Items, subject: &Subject, item: &Item, now_ms: i64) -> Vec<Due> {
    let sight = Sight {
        items,
        now_ms,
        subject,
    };
    match item {
        Item::Handoff(handoff) => sight.handoff(handoff),
        Item::Consignment(consignment) => sight.consignment(consignment),
        Item::Key(key) => sight.device(key),
        Item::Lot(lot) => sight.stock(lot),
        _ => Vec::new(),
    }
}

/// A subject, looked at at a time.
struct Sight<'a> {
    items: &'a dyn Items,
    now_ms: i64,
    subject: &'a Subject,
}

/// What is waited for, by one rule.
struct Wait<'a> {
    rule: RuleKind,
    /// Unix milliseconds.
    since_ms: i64,
    /// Who must act.
    owner: &'a str,
    /// Of what goods; `None`: of none in particular.
    forms: Option<&'a [&'static Form]>,
    regions: &'a [RegionCode],
    what: &'a str,
    /// Of a lot.
    place: &'a str,
    /// How a line's limit is counted.
    unit: Unit,
}

/// How a limit is counted.
#[derive(Clone, Copy)]
enum Unit {
    /// So many milliseconds.
    Of(i64),
    /// Whole days of the law after that on which it began.
    Days,
}

impl Unit {
    /// The last moment that is in time, Unix milliseconds.
    fn last_ms(self, since_ms: i64, limit: i64) -> i64 {
        match self {
            Unit::Of(unit_ms) => since_ms.saturating_add(limit.saturating_mul(unit_ms)),
            Unit::Days => legal_day_end_ms(legal_day(since_ms).saturating_add(limit)) - 1,
        }
    }
}

impl Sight<'_> {
    fn handoff(&self, state: &HandoffState) -> Vec<Due> {
        let Some(offered) = &state.offered else {
            return Vec::new();
        };
        if state.status() != HandoffStatus::Open || offered.recorded_at_ms == 0 {
            return Vec::new();
        }
        let hours = Unit::Of(HOUR_MS);
        let since_ms = offered.recorded_at_ms;
        let may = |rule, unit| self.may_be(&state.overdue, rule, since_ms, unit);
        let handed = may(RuleKind::HandoffDue, hours);
        let received = may(RuleKind::WasteReceiptDue, Unit::Days) && into_a_place(offered);
        if !handed && !received {
            return Vec::new();
        }
        // It is the taker's to answer.
        let regions = self.regions([&offered.taker]);
        let lots = offered.lines.iter().filter_map(|line| self.lot(&line.lot));
        let goods: Vec<(&Form, bool)> = lots.collect();
        let all = once(goods.iter().map(|(form, _)| *form));
        let waste = goods.iter().filter(|(_, is_waste)| *is_waste);
        let waste = once(waste.map(|(form, _)| *form));
        let wait = |rule, what, forms, unit| {
            let wait = Wait {
                rule,
                since_ms,
                owner: &offered.taker,
                forms: Some(forms),
                regions: &regions,
                what,
                place: "",
                unit,
            };
            self.judge(&state.overdue, &wait)
        };
        let handoff = handed.then(|| wait(RuleKind::HandoffDue, "offered", &all, hours));
        let rule = RuleKind::WasteReceiptDue;
        let receipt = received.then(|| wait(rule, "waste offered", &waste, Unit::Days));
        handoff.into_iter().chain(receipt).flatten().collect()
    }

    fn consignment(&self, state: &ConsignmentState) -> Vec<Due> {
        if state.closed {
            return Vec::new();
        }
        let stopped_ms = state.report.as_ref().map_or(0, |r| r.stopped_since_ms);
        let may = |rule, since_ms, unit| self.may_be(&state.overdue, rule, since_ms, unit);
        let carried = may(RuleKind::CarriageDue, state.opened_at_ms, Unit::Of(HOUR_MS));
        let stands = stopped_ms != 0 && may(RuleKind::LongStop, stopped_ms, Unit::Of(MINUTE_MS));
        if !carried && !stands {
            return Vec::new();
        }
        let mut regions = self.regions([&state.carrier]);
        regions.extend(state.region.parse::<RegionCode>().ok());
        let lots = state.lots.iter().filter_map(|lot| self.lot(lot));
        let forms = once(lots.map(|(form, _)| form));
        let wait = |rule, since_ms, what, unit| {
            let wait = Wait {
                rule,
                since_ms,
                owner: &state.carrier,
                forms: Some(&forms),
                regions: &regions,
                what,
                place: "",
                unit: Unit::Of(unit),
            };
            self.judge(&state.overdue, &wait)
        };
        let (rule, since_ms) = (RuleKind::CarriageDue, state.opened_at_ms);
        let carriage = carried.then(|| wait(rule, since_ms, "aboard", HOUR_MS));
        let stop = stands.then(|| wait(RuleKind::LongStop, stopped_ms, "standing", MINUTE_MS));
        carriage.into_iter().chain(stop).flatten().collect()
    }

    /// A device that numbers its statements: others need not speak.
    fn device(&self, state: &KeyState) -> Vec<Due> {
        let Some(registered) = &state.registered else {
            return Vec::new();
        };
        let is_over = state.revoked_at != 0 || registered.valid_until_ms <= self.now_ms;
        if state.heard_at_ms == 0 || is_over || !self.is_at_work(&registered.party) {
            return Vec::new();
        }
        let wait = Wait {
            rule: RuleKind::DeviceSilent,
            since_ms: state.heard_at_ms,
            owner: &registered.party,
            forms: None,
            regions: &self.regions([&registered.party]),
            what: "device silent",
            place: "",
            unit: Unit::Of(HOUR_MS),
        };
        self.judge(&state.overdue, &wait).into_iter().collect()
    }

    /// Goods of a lot, place by place.
    fn stock(&self, state: &LotState) -> Vec<Due> {
        let Some(form) = catalog::form(lot::form(state)) else {
            return Vec::new();
        };
        let accounts = state.balances.iter().filter_map(|b| b.account.as_ref());
        let held = accounts.filter(|account| account.kind() == AccountKind::Held);
        let due = held.filter_map(|account| {
            let (party, place) = (account.party.as_str(), account.place.as_str());
            let here = |p: &str, at: &str| p == party && at == place;
            let told = state.overdue.iter().filter(|t| here(&t.party, &t.place));
            let told = told.cloned().collect::<Vec<_>>();
            let known = state.stock.iter().find(|s| here(&s.party, &s.place));
            // Nothing has happened to it since a pack asks.
            let since_ms = known.map_or(state.latest_happened_at_ms, |s| s.at_ms);
            if !self.may_be(&told, RuleKind::StockTakeDue, since_ms, Unit::Days) {
                return None;
            }
            let what = format!("in place {place}, not counted");
            let mut regions = self.regions([party]);
            regions.extend(self.place_region(party, place));
            let wait = Wait {
                rule: RuleKind::StockTakeDue,
                since_ms,
                owner: party,
                forms: Some(&[form]),
                regions: &regions,
                what: &what,
                place,
                unit: Unit::Days,
            };
            self.judge(&told, &wait)
        });
        due.collect()
    }

    /// Whether it may be overdue at all, before its goods are looked up: it has not
    /// been told, and the shortest time that any pack sets has passed.
    fn may_be(&self, told: &[OverdueTold], rule: RuleKind, since_ms: i64, unit: Unit) -> bool {
        let shortest = Book::of(self.items).smallest(rule);
        let passed = |limit| self.now_ms > unit.last_ms(since_ms, limit);
        !overdue::is_told(told, rule) && shortest.is_some_and(passed)
    }

    /// Judges a wait: by the line that is broken and strictest, of these the
    /// one with the earliest end.
    fn judge(&self, told: &[OverdueTold], wait: &Wait<'_>) -> Option<Due> {
        if overdue::is_told(told, wait.rule) {
            return None;
        }
        let book = Book::of(self.items);
        let times = [self.now_ms];
        let asked = |form| book.lines(wait.rule, form, wait.regions, &times);
        let lines: Vec<Asked<'_>> = match wait.forms {
            None => asked(None),
            Some(forms) => forms.iter().flat_map(|form| asked(Some(form))).collect(),
        };
        let last_ms = |asked: &Asked<'_>| wait.unit.last_ms(wait.since_ms, asked.line.limit);
        let broken = lines
            .into_iter()
            .filter(|asked| self.now_ms > last_ms(asked));
        let asked = broken.min_by_key(|asked| (std::cmp::Reverse(asked.mode()), last_ms(asked)))?;
        let sheet = sheet::of(wait.rule)?;
        let detail = format!(
            "{} since {}, due by {}, {} ago",
            wait.what,
            in_seconds(wait.since_ms),
            in_seconds(last_ms(&asked)),
            span(self.now_ms.saturating_sub(last_ms(&asked)))
        );
        Some(Due {
            line: OverdueLine {
                rule: wait.rule.into(),
                id: self.subject.id.clone(),
                party: if wait.place.is_empty() {
                    ""
                } else {
                    wait.owner
                }
                .to_owned(),
                place: wait.place.to_owned(),
            },
            subject: self.subject.clone(),
            finding: sheet.finding,
            severity: sheet.severity,
            owner: wait.owner.to_owned(),
            since_ms: wait.since_ms,
            detail: cited(&asked, &detail),
        })
    }

    /// What a lot is of, and whether it has a waste code.
    fn lot(&self, id: &[u8]) -> Option<(&'static Form, bool)> {
        let item = self.items.get(&subject::lot(LotId::from_slice(id)?))?;
        let Item::Lot(lot) = item.as_ref() else {
            return None;
        };
        let is_waste = lot.born.iter().any(|born| !born.waste_code.is_empty());
        Some((catalog::form(lot::form(lot))?, is_waste))
    }

    /// Whether a party has not closed, and has no successor.
    fn is_at_work(&self, party: &str) -> bool {
        match self.items.get(&subject::party(party)).as_deref() {
            Some(Item::Party(party)) => {
                let status = party.registered.as_ref().map(PartyRegistered::status);
                status != Some(PartyStatus::Closed) && party.succeeded_by.is_empty()
            }
            _ => false,
        }
    }

    fn place_region(&self, party: &str, place: &str) -> Option<RegionCode> {
        let place = self.items.get(&subject::place(party, place))?;
        let Item::Place(place) = place.as_ref() else {
            return None;
        };
        let site = &place.registered.as_ref()?.site;
        let site = self
            .items
            .get(&subject::within(SubjectKind::Site, party, site))?;
        match site.as_ref() {
            Item::Site(site) => site.registered.as_ref()?.region.parse().ok(),
            _ => None,
        }
    }

    /// Where parties are; of those that have no region: what holds everywhere.
    fn regions<const N: usize>(&self, parties: [&str; N]) -> Vec<RegionCode> {
        let region = |party: &str| match self.items.get(&subject::party(party))?.as_ref() {
            Item::Party(party) => party.registered.as_ref()?.region.parse().ok(),
            _ => None,
        };
        let mut regions: Vec<RegionCode> = parties.into_iter().filter_map(region).collect();
        if regions.is_empty() {
            regions.push(RegionCode::NATION);
        }
        regions
    }
}

/// Whether goods go into the taker's own place, and not aboard.
fn into_a_place(offered: &HandoffOffered) -> bool {
    offered.carriage.is_none()
}
