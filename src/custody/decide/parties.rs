//! The registry's own events: who may register what. And genesis, and the
//! ledger's state records.

use std::collections::BTreeSet;

use super::fields::{self, MAX_SHORT};
use super::{Case, Decision, packs, register, rotation, succession};
use crate::custody::apply::At;
use crate::custody::draft::Draft;
use crate::custody::registry::LEDGER;
use crate::custody::state::State;
use crate::custody::subject::{self, Item};
use crate::event::codes::Refused;
use crate::event::signing::{PublicKey, is_note_name};
use crate::event::when::span;
use crate::event::{KeyId, Statement};
use crate::pb::event::Body;
use crate::pb::{
    ClockStated, Event, FindingCode, Genesis, KeyHolder, KeyRegistered, KeyRevoked, KeyRole,
    PartyRegistered, PartyStatus, PlaceRegistered, RefusalCode, Severity, SignatureAlgorithm,
    SiteRegistered, Stage, SubjectKind, UnitRegistered, VesselKind,
};

/// Persons who answer for a party, at most.
const MAX_RESPONSIBLE: usize = 16;
/// Roles of a key, at most.
const MAX_ROLES: usize = 8;
/// Authorities that genesis may name, at most.
const MAX_AUTHORITIES: usize = 16;

pub(super) fn registry_event(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    event: &Event,
) -> Result<(), Refused> {
    match &event.body {
        Some(Body::PartyRegistered(e)) => {
            party(draft, case, e).map_err(|r| r.within("party_registered"))
        }
        Some(Body::SiteRegistered(e)) => {
            site(draft, case, e).map_err(|r| r.within("site_registered"))
        }
        Some(Body::PlaceRegistered(e)) => {
            place(draft, case, e).map_err(|r| r.within("place_registered"))
        }
        Some(Body::UnitRegistered(e)) => {
            unit(draft, case, e).map_err(|r| r.within("unit_registered"))
        }
        Some(Body::KeyRegistered(e)) => key(draft, case, e).map_err(|r| r.within("key_registered")),
        Some(Body::KeyRevoked(e)) => revoked(draft, case, e).map_err(|r| r.within("key_revoked")),
        Some(Body::PackPublished(e)) => {
            packs::published(draft, case, e).map_err(|r| r.within("pack_published"))
        }
        Some(Body::PackWithdrawn(e)) => {
            packs::withdrawn(draft, case, e).map_err(|r| r.within("pack_withdrawn"))
        }
        Some(Body::Succeeded(e)) => {
            succession::succeeded(draft, case, e).map_err(|r| r.within("succeeded"))
        }
        Some(Body::LedgerKeyRotated(e)) => {
            rotation::rotated(draft, case, e).map_err(|r| r.within("ledger_key_rotated"))
        }
        Some(other) => register::event(draft, case, other),
        None => Err(Refused::new(RefusalCode::ReservedForLedger, "genesis")),
    }?;
    draft.register(event)
}

fn authority(case: &Case<'_>) -> Result<(), Refused> {
    if case.signers.authority() {
        return Ok(());
    }
    Err(Refused::new(RefusalCode::AuthorityRequired, ""))
}

/// The region of a party; one that genesis named has none, and is under the
/// authorities of genesis only.
pub(super) fn region_of(draft: &Draft<'_>, party: &str) -> Result<String, Refused> {
    let state = draft
        .party(party)
        .ok_or_else(|| Refused::new(RefusalCode::UnknownParty, "party").detail(party))?;
    let registered = state.registered.as_ref();
    Ok(registered.map(|r| r.region.clone()).unwrap_or_default())
}

/// By the party, or by an authority with power over its region.
pub(super) fn own_or_over(draft: &Draft<'_>, case: &Case<'_>, party: &str) -> Result<(), Refused> {
    let region = region_of(draft, party);
    let over = match &region {
        Ok(region) => case.signers.authority_over(region),
        // Of nobody only an authority of genesis is told so.
        Err(_) => case.signers.authority(),
    };
    if !case.signers.signed(party) && !over {
        return Err(Refused::new(RefusalCode::AuthorityRequired, ""));
    }
    region.map(drop)
}

pub(super) fn names(zh: &str, en: &str) -> Result<(), Refused> {
    fields::text(zh, MAX_SHORT * 2, "name_zh")?;
    fields::optional_text(en, MAX_SHORT * 2, "name_en")
}

fn party(draft: &Draft<'_>, case: &Case<'_>, e: &PartyRegistered) -> Result<(), Refused> {
    let before = region_of(draft, &e.party).unwrap_or_else(|_| e.region.clone());
    if !case.signers.authority_over(&e.region) || !case.signers.authority_over(&before) {
        return Err(Refused::new(RefusalCode::AuthorityRequired, ""));
    }
    fields::party_code(&e.party, "party")?;
    names(&e.name_zh, &e.name_en)?;
    fields::region(&e.region, "region")?;
    // Not by `stages()`, which passes over numbers that are none.
    let none = |s: &i32| matches!(Stage::try_from(*s), Err(_) | Ok(Stage::Unspecified));
    if e.stages.iter().any(none) || e.stages.len() > 16 {
        return Err(Refused::invalid("stages", "a stage that is none"));
    }
    if matches!(
        PartyStatus::try_from(e.status),
        Err(_) | Ok(PartyStatus::Unspecified)
    ) {
        return Err(Refused::missing("status"));
    }
    if e.responsible.len() > MAX_RESPONSIBLE {
        return Err(Refused::invalid(
            "responsible",
            format!("at most {MAX_RESPONSIBLE}"),
        ));
    }
    e.responsible
        .iter()
        .try_for_each(|who| register::responsible(who, "responsible"))
}

fn site(draft: &Draft<'_>, case: &Case<'_>, e: &SiteRegistered) -> Result<(), Refused> {
    own_or_over(draft, case, &e.party)?;
    fields::code(&e.site, "site")?;
    names(&e.name_zh, &e.name_en)?;
    fields::text(&e.kind, MAX_SHORT, "kind")?;
    fields::region(&e.region, "region")?;
    fields::position(e.longitude_e6, e.latitude_e6)?;
    if !e.park.is_empty() && draft.item(&subject::park(&e.park)).is_none() {
        return Err(Refused::new(RefusalCode::UnknownPark, "park").detail(&e.park));
    }
    if !e.floor_plan_hash.is_empty() {
        fields::hash(&e.floor_plan_hash, "floor_plan_hash")?;
    }
    e.responsible
        .iter()
        .try_for_each(|who| register::responsible(who, "responsible"))
}

fn in_site(draft: &Draft<'_>, party: &str, site: &str) -> Result<(), Refused> {
    match draft.item(&subject::within(SubjectKind::Site, party, site)) {
        Some(_) => Ok(()),
        None => Err(Refused::new(RefusalCode::UnknownSite, "site").detail(site)),
    }
}

fn place(draft: &Draft<'_>, case: &Case<'_>, e: &PlaceRegistered) -> Result<(), Refused> {
    own_or_over(draft, case, &e.party)?;
    fields::code(&e.place, "place")?;
    names(&e.name_zh, &e.name_en)?;
    fields::text(&e.kind, MAX_SHORT, "kind")?;
    in_site(draft, &e.party, &e.site)?;
    let unit = subject::within(SubjectKind::Unit, &e.party, &e.unit);
    if !e.unit.is_empty() && draft.item(&unit).is_none() {
        return Err(Refused::new(RefusalCode::UnknownUnit, "unit").detail(&e.unit));
    }
    let before = draft.place(&e.party, &e.place).unwrap_or_default();
    let kind = before.registered.as_ref().map_or(0, |r| r.vessel);
    if before.uncleaned && kind != e.vessel {
        return Err(Refused::new(RefusalCode::VesselInUse, "vessel")
            .detail("it is cleaned before it becomes something else"));
    }
    if VesselKind::try_from(e.vessel).is_err() {
        return Err(Refused::invalid("vessel", "a kind of vessel that is none"));
    }
    Ok(())
}

fn unit(draft: &Draft<'_>, case: &Case<'_>, e: &UnitRegistered) -> Result<(), Refused> {
    own_or_over(draft, case, &e.party)?;
    fields::code(&e.unit, "unit")?;
    names(&e.name_zh, &e.name_en)?;
    let designed: Vec<String> = e
        .design_maxima
        .iter()
        .map(|m| m.substance.clone())
        .collect();
    register::substances(&designed, "design_maxima")?;
    if e.design_maxima.iter().any(|m| m.gross_mg <= 0) {
        return Err(Refused::new(RefusalCode::MassNotPositive, "design_maxima"));
    }
    in_site(draft, &e.party, &e.site)
}

fn key(draft: &Draft<'_>, case: &Case<'_>, e: &KeyRegistered) -> Result<(), Refused> {
    if !case.signers.root() {
        return Err(Refused::new(RefusalCode::AuthorityRequired, ""));
    }
    if draft.party(&e.party).is_none() {
        return Err(Refused::new(RefusalCode::UnknownParty, "party").detail(&e.party));
    }
    if e.algorithm() != SignatureAlgorithm::Ed25519 {
        return Err(Refused::new(RefusalCode::UnknownAlgorithm, "algorithm"));
    }
    let public = PublicKey::parse(&e.public_key)
        .map_err(|error| Refused::invalid("public_key", error.to_string()))?;
    if e.holder() == KeyHolder::Unspecified {
        return Err(Refused::missing("holder"));
    }
    fields::hash(&e.holder_commitment, "holder_commitment")?;
    if e.valid_from_ms < 0 || e.valid_from_ms >= e.valid_until_ms {
        return Err(Refused::invalid(
            "valid_until_ms",
            "it must lie after valid_from_ms",
        ));
    }
    let none = |r: &i32| matches!(KeyRole::try_from(*r), Err(_) | Ok(KeyRole::Unspecified));
    if e.roles.len() > MAX_ROLES || e.roles.iter().any(none) {
        return Err(Refused::invalid("roles", "a role that is none"));
    }
    if draft.item(&subject::key(public.id())).is_some() {
        return Err(Refused::new(RefusalCode::KeyExists, "public_key")
            .detail(format!("key {}", public.id())));
    }
    Ok(())
}

fn revoked(draft: &Draft<'_>, case: &Case<'_>, e: &KeyRevoked) -> Result<(), Refused> {
    let id = KeyId::from_slice(&e.key_id)
        .ok_or_else(|| Refused::invalid("key_id", "16 bytes are wanted"))?;
    fields::optional_text(&e.reason, fields::MAX_TEXT, "reason")?;
    let item = draft.item(&subject::key(id));
    let Some(Item::Key(key)) = item.as_deref() else {
        return Err(Refused::new(RefusalCode::UnknownKey, "key_id").detail(format!("key {id}")));
    };
    let party = key
        .registered
        .as_ref()
        .map(|r| r.party.clone())
        .unwrap_or_default();
    let with_itself = case.statement.payload.key_id.as_ref() == id.0;
    if party == LEDGER || !case.signers.signed(&party) || with_itself {
        authority(case)?;
    }
    if party == LEDGER {
        return Err(Refused::new(RefusalCode::ReservedForLedger, "key_id"));
    }
    if key.revoked_at != 0 {
        return Err(Refused::new(RefusalCode::NoChange, "key_id").detail("revoked already"));
    }
    Ok(())
}

/// A state record: the ledger's alone, signed with its key.
pub(super) fn state_recorded(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    event: &Event,
) -> Result<(), Refused> {
    let due = case
        .context
        .position
        .is_multiple_of(case.context.genesis.state_record_interval.max(2));
    if case.party() != LEDGER || !due || case.statement.events.len() != 1 {
        return Err(Refused::new(
            RefusalCode::ReservedForLedger,
            "state_recorded",
        ));
    }
    draft.register(event)
}

/// The ledger's word on its clock: the ledger's alone, signed with its key.
pub(super) fn clock_stated(
    draft: &mut Draft<'_>,
    case: &Case<'_>,
    event: &Event,
    e: &ClockStated,
) -> Result<(), Refused> {
    if case.party() != LEDGER || case.statement.events.len() != 1 {
        return Err(Refused::new(RefusalCode::ReservedForLedger, ""));
    }
    if e.clock_ms < 0 || e.confirmed_ms < 0 {
        return Err(Refused::invalid("clock_ms", "before 1970"));
    }
    if e.ledger_ms != case.context.recorded_at_ms {
        return Err(Refused::invalid("ledger_ms", "not the time of this record"));
    }
    let says_nothing = e.jumped_by_ms == 0 && !e.in_doubt && e.confirmed_ms == 0;
    if says_nothing || e.in_doubt && e.confirmed_ms != 0 {
        return Err(Refused::invalid(
            "in_doubt",
            "it jumped, is in doubt, or is confirmed",
        ));
    }
    draft.register(event)?;
    if e.jumped_by_ms != 0 {
        let severity = if e.in_doubt {
            Severity::Alarm
        } else {
            Severity::Warning
        };
        let detail = format!("the ledger's clock jumped by {}", span(e.jumped_by_ms));
        draft.find(
            FindingCode::ClockJumped,
            severity,
            &subject::ledger(),
            LEDGER,
            0,
            detail,
        );
    }
    Ok(())
}

/// Record 0, judged by what it says itself.
pub(super) fn genesis(statement: &Statement) -> Result<Decision, Refused> {
    let [event] = statement.events.as_slice() else {
        return Err(Refused::invalid("events", "genesis is one event"));
    };
    let Some(Body::Genesis(genesis)) = &event.body else {
        return Err(Refused::missing("events[0].genesis"));
    };
    check_genesis(statement, genesis).map_err(|r| r.within("events[0].genesis"))?;
    let nothing = State::new();
    let at = At {
        position: 0,
        happened_at_ms: statement.payload.happened_at_ms,
    };
    let mut draft = Draft::new(&nothing, at);
    draft.register(event)?;
    let (additions, items) = draft.finish()?;
    Ok(Decision { additions, items })
}

fn check_genesis(statement: &Statement, genesis: &Genesis) -> Result<(), Refused> {
    let origin = statement.payload.origin.clone().unwrap_or_default();
    fields::text(&origin.name, MAX_SHORT, "origin.name")?;
    // It is the origin of its checkpoints as well.
    if !is_note_name(&origin.name) {
        return Err(Refused::invalid(
            "origin.name",
            "no space and no `+` may stand in a ledger's name; example.org/ledger has none",
        ));
    }
    if origin.genesis_hash.as_ref() != [0; 32] {
        return Err(Refused::new(
            RefusalCode::WrongOrigin,
            "origin.genesis_hash",
        ));
    }
    let parse = |bytes: &[u8], field: &str| {
        PublicKey::parse(bytes).map_err(|error| Refused::invalid(field, error.to_string()))
    };
    let ledger = parse(&genesis.ledger_public_key, "ledger_public_key")?;
    let count = genesis.authorities.len();
    if count == 0 || count > MAX_AUTHORITIES {
        return Err(Refused::invalid(
            "authorities",
            format!("1 to {MAX_AUTHORITIES} are wanted"),
        ));
    }
    let mut keys = vec![ledger];
    for a in &genesis.authorities {
        fields::party_code(&a.party, "authorities.party")?;
        names(&a.name_zh, &a.name_en)?;
        fields::hash(&a.holder_commitment, "authorities.holder_commitment")?;
        keys.push(parse(&a.public_key, "authorities.public_key")?);
    }
    let distinct: BTreeSet<KeyId> = keys.iter().map(PublicKey::id).collect();
    if distinct.len() != keys.len() {
        return Err(Refused::invalid("authorities", "one key stands twice"));
    }
    let threshold = usize::try_from(genesis.root_threshold).unwrap_or(usize::MAX);
    if threshold == 0 || threshold > count {
        return Err(Refused::invalid(
            "root_threshold",
            format!("1 to {count} is wanted"),
        ));
    }
    if genesis.state_record_interval < 2 {
        return Err(Refused::invalid(
            "state_record_interval",
            "2 or more is wanted",
        ));
    }
    let rules = genesis
        .base_rules
        .ok_or_else(|| Refused::missing("base_rules"))?;
    if rules.dispute_deadline_ms <= 0 || rules.back_dating_limit_ms < 0 {
        return Err(Refused::invalid("base_rules", "times must not be negative"));
    }
    check_genesis_signatures(statement, genesis, &keys, threshold)
}

fn check_genesis_signatures(
    statement: &Statement,
    genesis: &Genesis,
    keys: &[PublicKey],
    threshold: usize,
) -> Result<(), Refused> {
    let ids = statement.key_ids()?;
    let signing: Vec<PublicKey> = ids
        .iter()
        .filter_map(|id| keys.iter().find(|k| k.id() == *id).cloned())
        .collect();
    if signing.len() != ids.len() {
        return Err(Refused::new(RefusalCode::UnknownKey, "signatures"));
    }
    statement.verify(&signing)?;
    let by_ledger = signing
        .iter()
        .any(|k| k.as_bytes() == genesis.ledger_public_key.as_ref());
    if !by_ledger || signing.len() <= threshold {
        return Err(
            Refused::new(RefusalCode::AuthorityRequired, "signatures").detail(format!(
                "the ledger's key and {threshold} authority keys must sign"
            )),
        );
    }
    let acting = genesis.authorities.iter().any(|a| {
        a.party == statement.payload.party
            && parse_id(&a.public_key) == KeyId::from_slice(&statement.payload.key_id)
    });
    if !acting {
        return Err(Refused::new(RefusalCode::KeyNotOfParty, "payload.key_id"));
    }
    Ok(())
}

fn parse_id(public_key: &[u8]) -> Option<KeyId> {
    public_key.try_into().ok().map(KeyId::of)
}
