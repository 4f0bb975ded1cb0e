//! The registry: parties, sites, places, units and keys, genesis, and (in
//! `entries`) permits, vehicles, persons, products, parks and rule packs. A
//! registry event is its own outcome: the fold reads its body and nothing
//! else, so these bodies are never withheld.

mod entries;

use std::collections::BTreeMap;

use super::apply::At;
use super::lot::{Broken, broken};
use super::rotation;
use super::subject::{self, Item};
use super::succession;
use crate::event::KeyId;
use crate::event::record::OpenRecord;
use crate::pb::event::Body;
use crate::pb::{
    Event, Genesis, KeyHolder, KeyRegistered, KeyState, LedgerState, PartyRegistered, PartyState,
    PartyStatus, PlaceState, SignatureAlgorithm, SiteState, Subject, SubjectKind, UnitState,
};

/// The name under which the ledger itself signs state records and its words
/// on its clock.
pub const LEDGER: &str = "LEDGER";

/// Whether an event is one of the registry (or of the ledger itself), even if
/// it names its subject wrongly.
pub fn is_registry(event: &Event) -> bool {
    matches!(
        event.body,
        Some(
            Body::PartyRegistered(_)
                | Body::SiteRegistered(_)
                | Body::PlaceRegistered(_)
                | Body::UnitRegistered(_)
                | Body::KeyRegistered(_)
                | Body::KeyRevoked(_)
                | Body::LedgerKeyRotated(_)
                | Body::PermitRegistered(_)
                | Body::PermitStated(_)
                | Body::VehicleRegistered(_)
                | Body::PersonRegistered(_)
                | Body::ProductRegistered(_)
                | Body::ParkRegistered(_)
                | Body::HazardSourceFiled(_)
                | Body::AgencyRegistered(_)
                | Body::PackPublished(_)
                | Body::PackWithdrawn(_)
                | Body::Succeeded(_)
                | Body::Genesis(_)
                | Body::StateRecorded(_)
                | Body::ClockStated(_)
                | Body::RefusalsAnchored(_)
        )
    )
}

/// The subjects that a registry event changes; none for other events.
pub fn subjects(event: &Event) -> Vec<Subject> {
    match &event.body {
        Some(Body::PartyRegistered(e)) => vec![subject::party(&e.party)],
        Some(Body::SiteRegistered(e)) => {
            vec![subject::within(SubjectKind::Site, &e.party, &e.site)]
        }
        Some(Body::PlaceRegistered(e)) => vec![subject::place(&e.party, &e.place)],
        Some(Body::UnitRegistered(e)) => {
            vec![subject::within(SubjectKind::Unit, &e.party, &e.unit)]
        }
        Some(Body::KeyRegistered(e)) => key_of(&e.public_key)
            .map(subject::key)
            .into_iter()
            .collect(),
        Some(Body::KeyRevoked(e)) => KeyId::from_slice(&e.key_id)
            .map(subject::key)
            .into_iter()
            .collect(),
        Some(Body::LedgerKeyRotated(e)) => rotation::subjects(e),
        Some(Body::Succeeded(e)) => {
            vec![subject::party(&e.predecessor), subject::party(&e.successor)]
        }
        Some(Body::Genesis(g)) => genesis_items(g).into_keys().collect(),
        Some(Body::StateRecorded(_) | Body::ClockStated(_) | Body::RefusalsAnchored(_)) => {
            vec![subject::ledger()]
        }
        Some(other) => entries::subjects(other),
        None => Vec::new(),
    }
}

fn key_of(public_key: &[u8]) -> Option<KeyId> {
    public_key.try_into().ok().map(KeyId::of)
}

/// Applies an event of a record to the items; other events than the
/// registry's change nothing here.
pub fn apply(
    items: &mut BTreeMap<Subject, Item>,
    event: &Event,
    record: &OpenRecord,
) -> Result<(), Broken> {
    let at = At {
        position: record.position(),
        happened_at_ms: record.payload.happened_at_ms,
    };
    apply_event(items, event, at)?;
    if let (Some(Body::Genesis(_)), Some(Item::Ledger(ledger))) =
        (&event.body, items.get_mut(&subject::ledger()))
    {
        if record.position() != 0 {
            return broken(8, "a second genesis");
        }
        ledger.genesis_hash = record.hash.to_bytes();
        ledger.origin_name = record
            .payload
            .origin
            .as_ref()
            .map(|o| o.name.clone())
            .unwrap_or_default();
    }
    Ok(())
}

/// The same without what only the record knows (genesis' own hash and name).
pub fn apply_event(
    items: &mut BTreeMap<Subject, Item>,
    event: &Event,
    at: At,
) -> Result<(), Broken> {
    let Some(body) = &event.body else {
        return Ok(());
    };
    let subjects = subjects(event);
    let Some(first) = subjects.first() else {
        return Ok(());
    };
    let last = items.get(first).map_or(0, subject::last);
    let item = match body {
        Body::PartyRegistered(e) => {
            let before = match items.get(first) {
                Some(Item::Party(p)) => p.clone(),
                _ => PartyState::default(),
            };
            Item::Party(PartyState {
                registered: Some(e.clone()),
                ..before
            })
        }
        Body::SiteRegistered(e) => Item::Site(SiteState {
            registered: Some(e.clone()),
            last,
        }),
        Body::PlaceRegistered(e) => {
            let before = match items.get(first) {
                Some(Item::Place(p)) => p.clone(),
                _ => PlaceState::default(),
            };
            Item::Place(PlaceState {
                registered: Some(e.clone()),
                ..before
            })
        }
        Body::UnitRegistered(e) => {
            let before = match items.get(first) {
                Some(Item::Unit(u)) => u.clone(),
                _ => UnitState::default(),
            };
            Item::Unit(UnitState {
                registered: Some(e.clone()),
                ..before
            })
        }
        Body::KeyRegistered(e) => Item::Key(KeyState {
            registered: Some(e.clone()),
            last,
            ..KeyState::default()
        }),
        Body::KeyRevoked(_) => {
            let Some(Item::Key(key)) = items.get(first) else {
                return broken(8, "revokes a key that is not registered");
            };
            Item::Key(KeyState {
                revoked_at: at.position,
                ..key.clone()
            })
        }
        Body::LedgerKeyRotated(e) => return rotation::apply(items, e, at.position),
        Body::Succeeded(e) => return succession::apply(items, e),
        Body::Genesis(genesis) => {
            items.extend(genesis_items(genesis));
            return Ok(());
        }
        Body::StateRecorded(_) => match items.get(first) {
            Some(item @ Item::Ledger(_)) => item.clone(),
            _ => return broken(8, "a state record before genesis"),
        },
        Body::ClockStated(e) => match items.get(first) {
            Some(Item::Ledger(ledger)) => Item::Ledger(LedgerState {
                clock: Some(*e),
                ..ledger.clone()
            }),
            _ => return broken(8, "a word on the clock before genesis"),
        },
        Body::RefusalsAnchored(e) => match items.get(first) {
            Some(Item::Ledger(ledger)) => Item::Ledger(LedgerState {
                refusals: Some(e.clone()),
                ..ledger.clone()
            }),
            _ => return broken(8, "a word on refusals before genesis"),
        },
        _ => return entries::apply(items, body, at.happened_at_ms),
    };
    items.insert(first.clone(), item);
    Ok(())
}

/// A key that may sign everything of its party, at any time.
pub(super) fn unbounded_key(
    party: &str,
    public_key: &bytes::Bytes,
    holder: KeyHolder,
    commitment: &bytes::Bytes,
) -> KeyRegistered {
    KeyRegistered {
        party: party.to_owned(),
        algorithm: SignatureAlgorithm::Ed25519.into(),
        public_key: public_key.clone(),
        holder: i32::from(holder),
        holder_commitment: commitment.clone(),
        valid_from_ms: 0,
        valid_until_ms: i64::MAX,
        ..KeyRegistered::default()
    }
}

/// What genesis puts into the registry: the ledger itself, the authorities as
/// parties, their keys and the ledger's.
fn genesis_items(genesis: &Genesis) -> BTreeMap<Subject, Item> {
    let mut items = BTreeMap::new();
    let ledger = LedgerState {
        genesis: Some(genesis.clone()),
        ..LedgerState::default()
    };
    items.insert(subject::ledger(), Item::Ledger(ledger));
    let mut key = |party: &str, public_key: &bytes::Bytes, holder, commitment: &bytes::Bytes| {
        let Some(id) = key_of(public_key) else { return };
        let registered = unbounded_key(party, public_key, holder, commitment);
        let state = KeyState {
            registered: Some(registered),
            ..KeyState::default()
        };
        items.insert(subject::key(id), Item::Key(state));
    };
    key(
        LEDGER,
        &genesis.ledger_public_key,
        KeyHolder::Device,
        &bytes::Bytes::new(),
    );
    for a in &genesis.authorities {
        key(
            &a.party,
            &a.public_key,
            KeyHolder::Person,
            &a.holder_commitment,
        );
    }
    for a in &genesis.authorities {
        let registered = PartyRegistered {
            party: a.party.clone(),
            name_zh: a.name_zh.clone(),
            name_en: a.name_en.clone(),
            status: PartyStatus::Active.into(),
            ..PartyRegistered::default()
        };
        let state = PartyState {
            registered: Some(registered),
            authority: true,
            ..PartyState::default()
        };
        items.insert(subject::party(&a.party), Item::Party(state));
    }
    items
}
