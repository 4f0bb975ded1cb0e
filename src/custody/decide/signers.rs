//! Who signed: keys judged at the time recorded, parties as registered.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::Context;
use crate::catalog::RegionCode;
use crate::custody::draft::Draft;
use crate::custody::registry::LEDGER;
use crate::custody::subject::{self, Item};
use crate::event::codes::Refused;
use crate::event::{KeyId, Statement};
use crate::pb::{
    AgencyRegistered, EventKind, KeyHolder, KeyRegistered, KeyRole, PartyRegistered, PartyStatus,
    RefusalCode,
};

/// The parties, persons and authorities behind a statement's signatures.
#[derive(Clone, Debug, Default)]
pub struct Signers {
    /// Those whose keys signed, and those whom they have succeeded.
    parties: BTreeSet<String>,
    /// Those whose keys signed.
    own: BTreeSet<String>,
    persons: BTreeMap<String, BTreeSet<Bytes>>,
    authority_keys: u32,
    agencies: Vec<AgencyRegistered>,
    /// What the acting key may sign; empty: everything.
    roles: Vec<i32>,
    root_threshold: u32,
}

impl Signers {
    /// Judges every key at the time recorded: registered, not revoked, within
    /// its dates; the acting key the acting party's; that party registered.
    pub(super) fn check(
        draft: &mut Draft<'_>,
        statement: &Statement,
        context: &Context<'_>,
    ) -> Result<Signers, Refused> {
        let mut signers = Signers {
            root_threshold: context.genesis.root_threshold,
            ..Signers::default()
        };
        let payload = &statement.payload;
        let mut acting = String::new();
        for id in statement.key_ids()? {
            let key = judged_key(draft, id, context.recorded_at_ms)?;
            draft.use_key(id);
            signers.add(draft, &key);
            if id.0 == payload.key_id.as_ref() {
                acting = key.party;
                signers.roles = key.roles;
            }
        }
        if acting != payload.party {
            return Err(Refused::new(RefusalCode::KeyNotOfParty, "payload.key_id")
                .detail(format!("the key is {acting}'s")));
        }
        if payload.party != LEDGER && draft.party(&payload.party).is_none() {
            return Err(Refused::new(RefusalCode::UnknownParty, "payload.party")
                .detail(payload.party.clone()));
        }
        Ok(signers)
    }

    fn add(&mut self, draft: &Draft<'_>, key: &KeyRegistered) {
        self.parties.insert(key.party.clone());
        self.own.insert(key.party.clone());
        if key.holder() == KeyHolder::Person {
            self.persons
                .entry(key.party.clone())
                .or_default()
                .insert(key.holder_commitment.clone());
        }
        let Some(party) = draft.party(&key.party) else {
            return;
        };
        if party.authority {
            self.authority_keys += 1;
        }
        self.agencies.extend(party.agency.clone());
        self.parties.extend(party.predecessors.iter().cloned());
    }

    /// Whether the party signed, or one that has succeeded it.
    pub fn signed(&self, party: &str) -> bool {
        self.parties.contains(party)
    }

    /// Whether a key of the party itself signed.
    pub fn signed_itself(&self, party: &str) -> bool {
        self.own.contains(party)
    }

    /// Whether an authority signed.
    pub fn authority(&self) -> bool {
        self.authority_keys > 0
    }

    /// Whether one signed that has power over a region: an authority of
    /// genesis, or an agency whose territory covers it.
    pub fn authority_over(&self, region: &str) -> bool {
        self.authority() || self.agencies.iter().any(|agency| covers(agency, region))
    }

    /// Whether the acting key may sign an event of this kind.
    pub fn may_sign(&self, kind: EventKind) -> bool {
        self.roles.is_empty()
            || super::roles::roles_for(kind)
                .iter()
                .any(|role: &KeyRole| self.roles.contains(&i32::from(*role)))
    }

    /// Whether as many authority keys signed as root acts need.
    pub fn root(&self) -> bool {
        self.authority_keys >= self.root_threshold
    }

    /// Whether two distinct persons of the party signed; devices do not count.
    pub fn two_persons(&self, party: &str) -> bool {
        self.persons
            .get(party)
            .is_some_and(|persons| persons.len() >= 2)
    }
}

/// Refused if the acting key is for other events of the party.
pub(super) fn may_sign(signers: &Signers, kind: EventKind) -> Result<(), Refused> {
    if signers.may_sign(kind) {
        return Ok(());
    }
    let name = kind.as_str_name();
    Err(Refused::new(RefusalCode::KeyLacksRole, "")
        .detail(format!("{name} is for other keys of the party")))
}

/// Whether an agency's territory covers a region.
pub(crate) fn covers(agency: &AgencyRegistered, region: &str) -> bool {
    let territory = agency.territory.parse::<RegionCode>();
    matches!((territory, region.parse()), (Ok(its), Ok(region)) if its.covers(region))
}

fn judged_key(draft: &Draft<'_>, id: KeyId, now: i64) -> Result<KeyRegistered, Refused> {
    let refused = |code| Refused::new(code, "payload.key_id").detail(format!("key {id}"));
    let item = draft.item(&subject::key(id));
    let Some(Item::Key(key)) = item.as_deref() else {
        return Err(refused(RefusalCode::UnknownKey));
    };
    let registered = key.registered.clone().unwrap_or_default();
    if key.revoked_at != 0 {
        return Err(refused(RefusalCode::KeyRevoked));
    }
    if now < registered.valid_from_ms {
        return Err(refused(RefusalCode::KeyNotYetValid));
    }
    if now >= registered.valid_until_ms {
        return Err(refused(RefusalCode::KeyExpired));
    }
    Ok(registered)
}

/// An active party; for acts that authorise.
pub(super) fn active(draft: &Draft<'_>, party: &str, field: &str) -> Result<(), Refused> {
    let Some(state) = draft.party(party) else {
        return Err(Refused::new(RefusalCode::UnknownParty, field).detail(party));
    };
    let refused =
        |detail: String| Err(Refused::new(RefusalCode::PartyNotActive, field).detail(detail));
    match state.registered.as_ref().map(PartyRegistered::status) {
        Some(
            PartyStatus::Active
            | PartyStatus::Closing
            | PartyStatus::Converting
            | PartyStatus::Relocating,
        ) => match successor(draft, party) {
            Some(by) => refused(format!("{party} has been succeeded by {by}")),
            None => Ok(()),
        },
        _ => refused(party.to_owned()),
    }
}

/// A party that may take goods in: active, and not disposing of its stock.
pub(super) fn takes_in(draft: &Draft<'_>, party: &str, field: &str) -> Result<(), Refused> {
    active(draft, party, field)?;
    let state = draft.party(party);
    let status = state.and_then(|s| s.registered.as_ref().map(PartyRegistered::status));
    if status == Some(PartyStatus::Closing) {
        return Err(Refused::new(RefusalCode::PartyNotActive, field)
            .detail(format!("{party} is closing, and takes nothing in")));
    }
    Ok(())
}

/// Who has succeeded a party.
pub(super) fn successor(draft: &Draft<'_>, party: &str) -> Option<String> {
    let state = draft.party(party)?;
    (!state.succeeded_by.is_empty()).then(|| state.succeeded_by.clone())
}
