//! Deciding: a statement judged on a state, at a time that is passed in.
//! Refused with a code, or accepted with links, outcomes and findings. Guards
//! stand in the order of their codes. One file for each group of events.

mod anchored;
mod answer;
mod assay;
mod carriage;
mod consume;
mod correct;
mod customs;
mod device;
mod dispute;
mod edge;
mod entry;
mod fields;
mod goods;
mod handoff;
mod instead;
mod manifest;
mod modes;
mod named;
mod order;
mod outer;
mod overdue;
mod oversight;
mod packaging;
mod packs;
mod paper;
mod parties;
mod parts;
mod quota;
mod receipt;
mod register;
mod repack;
mod returns;
mod roles;
mod rotation;
mod rules;
mod scales;
mod signers;
mod store;
mod succession;
mod takeover;
mod trade;
mod transform;
mod vessel;
mod waste;
mod waybill;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::apply::At;
use super::conservation;
use super::draft::Draft;
use super::registry::{self, LEDGER};
use super::subject::{self, Item, Items};
use crate::event::codes::Refused;
use crate::event::ids::{BACKFILL_WINDOW_MS, CLOCK_SKEW_MS, ID_WINDOW_MS};
use crate::event::record::Additions;
use crate::event::signing::PublicKey;
use crate::event::statement;
use crate::event::when::{shown, span};
use crate::event::{HandoffId, KeyId, Statement};
use crate::pb::event::Body;
use crate::pb::{
    BaseRulePack, Change, Event, EventRef, Finding, FindingCode, Genesis, Payload, RefusalCode,
    Severity, Subject,
};

pub use named::subjects as named_subjects;
pub use overdue::{MAX_OVERDUE, clock_in_doubt, holds as is_overdue};
pub use packs::check as check_pack;
pub use rules::overdue::{
    findings as overdue_findings, in_order as overdue_in_order, kinds as overdue_kinds,
    lines as overdue_lines,
};
pub use rules::road::standing_since;
pub use signers::Signers;
pub(crate) use signers::covers;

/// What a decision needs beside the state.
pub struct Context<'a> {
    /// The position that the record would have.
    pub position: u64,
    /// The time it would be recorded, Unix milliseconds.
    pub recorded_at_ms: i64,
    /// Genesis: interval, threshold, base rules.
    pub genesis: &'a Genesis,
    /// Finds an event that has been recorded, for corrections.
    pub recorded: &'a dyn Fn(&EventRef) -> Option<Recorded>,
}

/// An event as it was recorded.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Position of its record.
    pub position: u64,
    /// The header it came under.
    pub payload: Payload,
    /// Its index in that statement.
    pub event_index: u32,
    /// The event.
    pub event: Event,
    /// What it changed, in that record.
    pub changes: Vec<(Subject, Change)>,
    /// All findings of that record, in order.
    pub findings: Vec<Finding>,
}

/// What an accepted statement becomes.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Links, outcomes and findings.
    pub additions: Additions,
    /// The items as they stand after it.
    pub items: BTreeMap<Subject, Arc<Item>>,
}

/// One event being decided: who signed it and under which rules.
pub(crate) struct Case<'a> {
    pub(crate) signers: &'a Signers,
    pub(crate) statement: &'a Statement,
    pub(crate) index: u32,
    pub(crate) context: &'a Context<'a>,
    pub(crate) rules: &'a BaseRulePack,
}

impl Case<'_> {
    /// The acting party.
    pub(crate) fn party(&self) -> &str {
        &self.statement.payload.party
    }

    /// The name derived for this event's `line`.
    pub(crate) fn name(&self, line: u32) -> [u8; 16] {
        crate::event::ids::derived(self.party(), self.statement.id, self.index, line)
    }

    /// When it happened, by the signer's word.
    pub(crate) fn happened_at_ms(&self) -> i64 {
        self.statement.payload.happened_at_ms
    }

    /// A dispute's deadline from now.
    pub(crate) fn dispute_deadline_ms(&self) -> i64 {
        self.context
            .recorded_at_ms
            .saturating_add(self.rules.dispute_deadline_ms)
    }
}

/// The public keys that a statement must be signed with, in the order of its
/// key ids; refused if it is for another ledger, or if one is not registered.
pub fn keys_of(items: &dyn Items, statement: &Statement) -> Result<Vec<PublicKey>, Refused> {
    keys_opened_by(items, statement, &|bytes| PublicKey::parse(bytes).ok())
}

/// The same, with `open` to make a key of 32 bytes: working out its point
/// takes as long as a fifth of a verification, and may have been done before.
pub fn keys_opened_by(
    items: &dyn Items,
    statement: &Statement,
    open: &dyn Fn(&[u8]) -> Option<PublicKey>,
) -> Result<Vec<PublicKey>, Refused> {
    check_origin(items, statement)?;
    let ids = statement.key_ids()?;
    ids.into_iter()
        .map(|id| {
            let unknown = || {
                Refused::new(RefusalCode::UnknownKey, "payload.key_id").detail(format!("key {id}"))
            };
            let item = items.get(&subject::key(id)).ok_or_else(unknown)?;
            let Item::Key(key) = item.as_ref() else {
                return Err(unknown());
            };
            let registered = key.registered.as_ref().ok_or_else(unknown)?;
            open(&registered.public_key).ok_or_else(unknown)
        })
        .collect()
}

/// The handoff that an offer's reference names; `None` if it is malformed.
pub fn handoff_of(offer: &EventRef) -> Option<Subject> {
    handoff_id(offer).map(subject::handoff)
}

pub(crate) fn handoff_id(offer: &EventRef) -> Option<HandoffId> {
    let statement = crate::event::StatementId::parse(&offer.statement_id)?;
    Some(HandoffId(crate::event::ids::derived(
        &offer.party,
        statement,
        offer.event_index,
        0,
    )))
}

/// Judges a statement whose signatures have been verified and whose id is
/// new. Nothing is changed; the decision holds what would be.
pub fn decide(
    items: &dyn Items,
    statement: &Statement,
    context: &Context<'_>,
) -> Result<Decision, Refused> {
    check_origin(items, statement)?;
    check_times(statement, context.recorded_at_ms)?;
    let at = At {
        position: context.position,
        happened_at_ms: statement.payload.happened_at_ms,
    };
    let mut draft = Draft::new(items, at);
    let signers = Signers::check(&mut draft, statement, context)?;
    let base = context.genesis.base_rules.unwrap_or_default();
    if statement.payload.party != LEDGER {
        draft.use_rules();
        draft.touch(subject::party(&statement.payload.party));
        find_closed_party(&mut draft, &statement.payload.party);
    }
    device::check(&draft, statement)?;
    device::chain(&mut draft, statement, context, &signers)?;
    for (index, event) in (0u32..).zip(&statement.events) {
        draft.begin_event(index);
        let case = Case {
            signers: &signers,
            statement,
            index,
            context,
            rules: &base,
        };
        let (gates, at) = (draft.gates(), || format!("events[{index}]"));
        event_of(&mut draft, &case, event)
            .and_then(|()| vessel::settle_blends(&mut draft))
            .map(|()| draft.gates_within(gates, || format!("{}.{}", at(), name_of(event))))
            .and_then(|()| oversight::judge(&mut draft, &case, event))
            .and_then(|()| rules::stocktake::note(&mut draft, &case, event))
            .map_err(|r| r.within(&at()))?;
    }
    rules::stock(&mut draft)?;
    find_back_dating(&mut draft, statement, context, &base);
    rules::date(&mut draft, context.recorded_at_ms);
    let gate = draft.shut();
    let (additions, items) = draft.finish()?;
    // The fold checks it too, when it is too late for a refusal.
    let changes = additions.outcomes.iter().flat_map(|o| &o.changes);
    conservation::check_changes(changes).map_err(|broken| {
        Refused::new(RefusalCode::NotConserved, "events").detail(broken.to_string())
    })?;
    match gate {
        Some(refused) => Err(refused),
        None => Ok(Decision { additions, items }),
    }
}

/// Record 0: the genesis statement, signed by the ledger's key and as many
/// authority keys as it says itself. Returns what it becomes.
pub fn decide_genesis(statement: &Statement) -> Result<Decision, Refused> {
    parties::genesis(statement)
}

fn check_origin(items: &dyn Items, statement: &Statement) -> Result<(), Refused> {
    let item = items.get(&subject::ledger());
    let Some(Item::Ledger(ledger)) = item.as_deref() else {
        return Err(Refused::new(RefusalCode::WrongOrigin, "payload.origin"));
    };
    let ours = statement.payload.origin.as_ref().is_some_and(|given| {
        given.name == ledger.origin_name && given.genesis_hash == ledger.genesis_hash
    });
    if !ours {
        return Err(Refused::new(RefusalCode::WrongOrigin, "payload.origin")
            .detail(format!("this is {}", ledger.origin_name)));
    }
    Ok(())
}

fn check_times(statement: &Statement, now: i64) -> Result<(), Refused> {
    let id_ms = statement.id.unix_ms();
    let payload = &statement.payload;
    let refused = |code, field: &str, ms: i64| {
        Err(Refused::new(code, field).detail(format!(
            "{}, the ledger's clock says {}",
            shown(ms),
            shown(now)
        )))
    };
    // What is in a device's chain cannot be recorded twice: it may come late.
    let window = match payload.device {
        Some(_) => BACKFILL_WINDOW_MS,
        None => ID_WINDOW_MS,
    };
    if id_ms < now.saturating_sub(window) {
        return refused(RefusalCode::IdTooOld, "payload.id", id_ms);
    }
    if id_ms > now.saturating_add(CLOCK_SKEW_MS) {
        return refused(RefusalCode::IdFromFuture, "payload.id", id_ms);
    }
    if payload.expires_at_ms <= now {
        return refused(
            RefusalCode::Expired,
            "payload.expires_at_ms",
            payload.expires_at_ms,
        );
    }
    if payload.happened_at_ms > now.saturating_add(CLOCK_SKEW_MS) {
        let field = "payload.happened_at_ms";
        return refused(RefusalCode::HappenedInFuture, field, payload.happened_at_ms);
    }
    Ok(())
}

/// An event's name in `Event`: `offered`.
fn name_of(event: &Event) -> String {
    statement::kind_name(statement::kind_of(event))
}

fn event_of(draft: &mut Draft<'_>, case: &Case<'_>, event: &Event) -> Result<(), Refused> {
    let Some(body) = &event.body else {
        return Err(Refused::new(RefusalCode::UnknownEventKind, ""));
    };
    fields::external_refs(&event.external_refs)?;
    signers::may_sign(case.signers, statement::kind_of(event))?;
    if let Body::StateRecorded(_) = body {
        return parties::state_recorded(draft, case, event);
    }
    if let Body::ClockStated(e) = body {
        return parties::clock_stated(draft, case, event, e).map_err(|r| r.within("clock_stated"));
    }
    if let Body::RefusalsAnchored(e) = body {
        let decided = anchored::refusals_anchored(draft, case, event, e);
        return decided.map_err(|r| r.within("refusals_anchored"));
    }
    if let Body::OverdueStated(e) = body {
        return overdue::stated(draft, case, e).map_err(|r| r.within("overdue_stated"));
    }
    if case.party() == LEDGER {
        return Err(Refused::new(RefusalCode::ReservedForLedger, "").detail("its own words only"));
    }
    if registry::is_registry(event) {
        return parties::registry_event(draft, case, event);
    }
    let name = |name: &'static str| move |r: Refused| r.within(name);
    match body {
        Body::Produced(e) => entry::produced(draft, case, e).map_err(name("produced")),
        Body::Imported(e) => entry::imported(draft, case, e).map_err(name("imported")),
        Body::Opened(e) => entry::opened(draft, case, e).map_err(name("opened")),
        Body::Arrived(e) => edge::arrived(draft, case, e).map_err(name("arrived")),
        Body::Moved(e) => store::moved(draft, case, e).map_err(name("moved")),
        Body::Packed(e) => store::packed(draft, case, e).map_err(name("packed")),
        Body::Filled(e) => vessel::filled(draft, case, e).map_err(name("filled")),
        Body::Drawn(e) => vessel::drawn(draft, case, e).map_err(name("drawn")),
        Body::Cleaned(e) => vessel::cleaned(draft, case, e).map_err(name("cleaned")),
        Body::Repacked(e) => repack::repacked(draft, case, e).map_err(name("repacked")),
        Body::Sampled(e) => repack::sampled(draft, case, e).map_err(name("sampled")),
        Body::Assayed(e) => assay::assayed(draft, case, e).map_err(name("assayed")),
        Body::Counted(e) => store::counted(draft, case, e).map_err(name("counted")),
        Body::Aggregated(e) => outer::aggregated(draft, case, e).map_err(name("aggregated")),
        Body::Offered(e) => handoff::offered(draft, case, e).map_err(name("offered")),
        Body::Accepted(e) => handoff::accepted(draft, case, e).map_err(name("accepted")),
        Body::Declined(e) => handoff::declined(draft, case, e).map_err(name("declined")),
        Body::Withdrawn(e) => handoff::withdrawn(draft, case, e).map_err(name("withdrawn")),
        Body::Relayed(e) => carriage::relayed(draft, case, e).map_err(name("relayed")),
        Body::Reported(e) => carriage::reported(draft, case, e).map_err(name("reported")),
        Body::Traded(e) => trade::traded(draft, case, e).map_err(name("traded")),
        Body::Used(e) => consume::used(draft, case, e).map_err(name("used")),
        Body::Transformed(e) => transform::transformed(draft, case, e).map_err(name("transformed")),
        Body::Wasted(e) => waste::wasted(draft, case, e).map_err(name("wasted")),
        Body::Disposed(e) => consume::disposed(draft, case, e).map_err(name("disposed")),
        Body::PackagingTreated(e) => {
            packaging::treated(draft, case, e).map_err(name("packaging_treated"))
        }
        Body::Exported(e) => consume::exported(draft, case, e).map_err(name("exported")),
        Body::Departed(e) => edge::departed(draft, case, e).map_err(name("departed")),
        Body::Confirmed(e) => edge::confirmed(draft, case, e).map_err(name("confirmed")),
        Body::CustomsReported(e) => {
            customs::reported(draft, case, e).map_err(name("customs_reported"))
        }
        Body::Incident(e) => consume::incident(draft, case, e).map_err(name("incident")),
        Body::Recovered(e) => consume::recovered(draft, case, e).map_err(name("recovered")),
        Body::Settled(e) => dispute::settled(draft, case, e).map_err(name("settled")),
        Body::Corrected(e) => correct::corrected(draft, case, e).map_err(name("corrected")),
        Body::TakenOver(e) => order::taken_over(draft, case, e).map_err(name("taken_over")),
        Body::FindingAnswered(e) => {
            answer::answered(draft, case, e).map_err(name("finding_answered"))
        }
        Body::Inherited(e) => succession::inherited(draft, case, e).map_err(name("inherited")),
        Body::Blacklisted(e) => {
            oversight::blacklist::listed(draft, case, e).map_err(name("blacklisted"))
        }
        Body::EmergencyOrdered(e) => {
            oversight::order::ordered(draft, case, e.relief.as_ref(), false)
                .map_err(name("emergency_ordered"))
        }
        Body::SafeReturnOrdered(e) => {
            oversight::order::ordered(draft, case, e.relief.as_ref(), true)
                .map_err(name("safe_return_ordered"))
        }
        Body::Sealed(e) => oversight::seal::sealed(draft, case, e).map_err(name("sealed")),
        Body::Unsealed(e) => oversight::seal::unsealed(draft, case, e).map_err(name("unsealed")),
        Body::Seized(e) => oversight::seizure::seized(draft, case, e).map_err(name("seized")),
        Body::Inspected(e) => {
            oversight::danger::inspected(draft, case, e).map_err(name("inspected"))
        }
        Body::Rectified(e) => {
            oversight::danger::rectified(draft, case, e).map_err(name("rectified"))
        }
        Body::Verified(e) => oversight::danger::verified(draft, case, e).map_err(name("verified")),
        Body::LookedBack(e) => {
            oversight::danger::looked_back(draft, case, e).map_err(name("looked_back"))
        }
        Body::Recalled(e) => oversight::recall::recalled(draft, case, e).map_err(name("recalled")),
        Body::RecallAcknowledged(e) => {
            oversight::recall::acknowledged(draft, case, e).map_err(name("recall_acknowledged"))
        }
        _ => Err(Refused::new(RefusalCode::NotSupportedYet, "")),
    }
}

/// A closed party's facts are recorded, and one's that has been succeeded; what
/// would authorise is refused by its own guard.
fn find_closed_party(draft: &mut Draft<'_>, party: &str) {
    if let Err(closed) = signers::active(draft, party, "") {
        let code = match signers::successor(draft, party) {
            Some(_) => FindingCode::PartySucceeded,
            None => FindingCode::PartyClosed,
        };
        draft.find(
            code,
            Severity::Warning,
            &subject::party(party),
            party,
            0,
            closed.to_string(),
        );
    }
}

/// Happening is self-declared: further back than the pack allows is a finding.
fn find_back_dating(
    draft: &mut Draft<'_>,
    statement: &Statement,
    context: &Context<'_>,
    base: &BaseRulePack,
) {
    let payload = &statement.payload;
    let behind = context
        .recorded_at_ms
        .saturating_sub(payload.happened_at_ms);
    draft.begin_event(0);
    let figure = rules::back_dating(draft, &payload.party);
    let limit = figure.or_base(base.back_dating_limit_ms);
    if limit.is_some_and(|limit| behind > limit) && payload.party != LEDGER {
        draft.find(
            FindingCode::BackDated,
            Severity::Warning,
            &subject::party(&payload.party),
            &payload.party,
            0,
            format!("recorded {} after it happened", span(behind)),
        );
    }
}

/// The ledger key's id, for its own statements.
pub fn ledger_key(genesis: &Genesis) -> Option<KeyId> {
    genesis
        .ledger_public_key
        .as_ref()
        .try_into()
        .ok()
        .map(KeyId::of)
}
