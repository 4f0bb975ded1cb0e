//! Who signed, judged by the registry as it stood before the record: keys at
//! the time recorded, the acting key the acting party's, and who may change
//! the registry. Whether the signatures hold is checked apart, on all cores.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::opened::{Opened, links_of};
use super::state_record;
use super::violation::Violation;
use crate::catalog::RegionCode;
use crate::custody::decide::covers;
use crate::custody::registry::LEDGER;
use crate::custody::subject::{self, Item, Items};
use crate::event::KeyId;
use crate::event::record::OpenRecord;
use crate::event::signing::PublicKey;
use crate::pb::event::Body;
use crate::pb::{
    AgencyRegistered, Event, KeyRegistered, LinkKind, PermitStatus, Subject, SubjectKind,
};

/// Public keys once parsed: the id is the key's digest, so one never changes.
pub(super) type Keys = HashMap<KeyId, Arc<PublicKey>>;

/// The parties behind a record's signatures, and those whom they have succeeded.
#[derive(Default)]
pub(super) struct Signers {
    pub(super) parties: BTreeSet<String>,
    authority_keys: u32,
    agencies: Vec<AgencyRegistered>,
    root_threshold: u32,
    acting: [u8; 16],
}

impl Signers {
    pub(super) fn signed(&self, party: &str) -> bool {
        self.parties.contains(party)
    }

    pub(super) fn authority(&self) -> bool {
        self.authority_keys > 0
    }

    /// Whether an authority or an agency signed.
    pub(super) fn any_authority(&self) -> bool {
        self.authority() || !self.agencies.is_empty()
    }

    pub(super) fn root(&self) -> bool {
        self.authority_keys >= self.root_threshold
    }

    /// Whether one signed that has power over a region.
    fn over(&self, region: &str) -> bool {
        self.authority() || self.agencies.iter().any(|agency| covers(agency, region))
    }

    /// Whether one signed that has power over a party's region.
    pub(super) fn over_party(&self, before: &dyn Items, party: &str) -> bool {
        match before.get(&subject::party(party)).as_deref() {
            Some(Item::Party(state)) => {
                let registered = state.registered.as_ref();
                self.over(registered.map_or("", |r| r.region.as_str()))
            }
            _ => self.authority(),
        }
    }
}

/// Judges the keys of a record after the first, and that its links name them.
pub(super) fn judge(
    before: &dyn Items,
    opened: &Opened,
    root_threshold: u32,
    keys: &mut Keys,
) -> Result<(Signers, Vec<Arc<PublicKey>>), Violation> {
    let payload = &opened.record.payload;
    let mut signers = Signers {
        root_threshold,
        ..Signers::default()
    };
    let mut public_keys = Vec::with_capacity(opened.signers.len());
    for id in &opened.signers {
        let registered = judged_key(before, *id, opened.record.head.recorded_at_ms)?;
        if id.0 == payload.key_id.as_ref() {
            signers.acting = id.0;
            if registered.party != payload.party {
                return Err(Violation::KeyNotOfParty {
                    key: *id,
                    party: registered.party,
                });
            }
        }
        if is_authority(before, &registered.party) {
            signers.authority_keys = signers.authority_keys.saturating_add(1);
        }
        // A successor signs for whom it has succeeded.
        if let Some(Item::Party(party)) = before.get(&subject::party(&registered.party)).as_deref()
        {
            signers.agencies.extend(party.agency.clone());
            signers.parties.extend(party.predecessors.iter().cloned());
        }
        public_keys.push(parsed(keys, *id, &registered)?);
        signers.parties.insert(registered.party);
    }
    check_links(before, opened)?;
    Ok((signers, public_keys))
}

fn judged_key(before: &dyn Items, id: KeyId, now: i64) -> Result<KeyRegistered, Violation> {
    let item = before.get(&subject::key(id));
    let Some(Item::Key(key)) = item.as_deref() else {
        return Err(Violation::UnknownKey(id));
    };
    let registered = key.registered.clone().ok_or(Violation::UnknownKey(id))?;
    if key.revoked_at != 0 {
        return Err(Violation::RevokedKey(id));
    }
    if now < registered.valid_from_ms || now >= registered.valid_until_ms {
        return Err(Violation::KeyDates(id));
    }
    Ok(registered)
}

fn parsed(
    keys: &mut Keys,
    id: KeyId,
    registered: &KeyRegistered,
) -> Result<Arc<PublicKey>, Violation> {
    if let Some(key) = keys.get(&id) {
        return Ok(Arc::clone(key));
    }
    let key = PublicKey::parse(&registered.public_key).map_err(|_| Violation::UnknownKey(id))?;
    let key = Arc::new(key);
    keys.insert(id, Arc::clone(&key));
    Ok(key)
}

pub(super) fn is_authority(before: &dyn Items, party: &str) -> bool {
    let item = before.get(&subject::party(party));
    matches!(item.as_deref(), Some(Item::Party(party)) if party.authority)
}

/// A record is in the chain of its party, and rests on its keys, on the packs
/// as they stood unless it is the ledger's own word on what no pack judges, and
/// on nothing else.
fn check_links(before: &dyn Items, opened: &Opened) -> Result<(), Violation> {
    let party = &opened.record.payload.party;
    let own = subject::party(party);
    let in_chain = party == LEDGER
        || links_of(&opened.record, LinkKind::Chain)
            .any(|link| link.subject.as_ref() == Some(&own));
    let mut uses = links_of(&opened.record, LinkKind::Use).map(|link| link.subject.clone());
    let own_word = party == LEDGER && !state_record::says_overdue(&opened.record);
    let judged = !own_word && before.get(&subject::rules()).is_some();
    let keys = opened.signers.iter().map(|id| subject::key(*id));
    let exact = keys
        .chain(judged.then(subject::rules))
        .all(|used| uses.next() == Some(Some(used)))
        && uses.next().is_none();
    if in_chain && exact {
        Ok(())
    } else {
        Err(Violation::Uses)
    }
}

/// Whether the registry events of a record are by those who may make them,
/// and none of them is withheld.
pub(super) fn check_registry(
    before: &dyn Items,
    opened: &Opened,
    signers: &Signers,
) -> Result<(), Violation> {
    let record = &opened.record;
    if let Some(index) = record.events.iter().position(Option::is_none) {
        let registry = |link: &crate::pb::Link| {
            link.subject.as_ref().is_some_and(|s| {
                use SubjectKind as K;
                // A device's own key goes on with the chain of what it says;
                // with it nobody can change that key.
                let own = s.kind() == K::Key
                    && record.payload.device.is_some()
                    && s.id == record.payload.key_id;
                !own && matches!(
                    s.kind(),
                    K::Site
                        | K::Place
                        | K::Unit
                        | K::Key
                        | K::Vehicle
                        | K::Person
                        | K::Product
                        | K::Park
                        | K::Rules
                        | K::Ledger
                ) || s.kind() == K::Permit && !changed(record, s)
            })
        };
        if signers.any_authority() || links_of(record, LinkKind::Chain).any(registry) {
            return Err(Violation::WithheldRegistry(index));
        }
    }
    for (index, event) in record.events.iter().enumerate() {
        if let Some(why) = event
            .as_ref()
            .and_then(|e| not_permitted(before, &record.events, e, signers))
        {
            return Err(Violation::Registry { index, why });
        }
    }
    Ok(())
}

/// Whether an outcome changes a subject: a permit by what is drawn from it, not
/// by an event of the registry.
fn changed(record: &OpenRecord, subject: &Subject) -> bool {
    let mut outcomes = record.outcomes.iter();
    outcomes.any(|o| o.as_ref().and_then(|o| o.subject.as_ref()) == Some(subject))
}

/// Whose act an event should have been, if it was not theirs. `record`: all
/// events of its record.
fn not_permitted(
    before: &dyn Items,
    record: &[Option<Event>],
    event: &Event,
    signers: &Signers,
) -> Option<&'static str> {
    let own = |party: &str| signers.signed(party) || signers.over_party(before, party);
    let (permitted, why) = match event.body.as_ref()? {
        Body::PartyRegistered(e) => (
            signers.over(&e.region) && over_before(before, &e.party, signers),
            "an authority's",
        ),
        Body::SiteRegistered(e) => (own(&e.party), "the party's or an authority's"),
        Body::PlaceRegistered(e) => (own(&e.party), "the party's or an authority's"),
        Body::UnitRegistered(e) => (own(&e.party), "the party's or an authority's"),
        Body::KeyRegistered(e) => {
            let root = signers.root();
            let known = <&[u8; 32]>::try_from(e.public_key.as_ref())
                .is_ok_and(|key| before.get(&subject::key(KeyId::of(key))).is_some());
            (
                root && !known,
                "a new key by as many authority keys as root acts need",
            )
        }
        Body::KeyRevoked(e) => (
            may_revoke(before, &e.key_id, signers),
            "an authority's, or the party's with another key",
        ),
        Body::Succeeded(_) | Body::AgencyRegistered(_) => (
            signers.root(),
            "by as many authority keys as root acts need",
        ),
        Body::Genesis(_) => (false, "record 0's"),
        Body::PackWithdrawn(e) => {
            let region = pack_region(before, record, &e.pack);
            (
                region.is_some_and(|region| may_rule(&region, signers)),
                RULES,
            )
        }
        other => return entry_not_permitted(before, other, signers),
    };
    (!permitted).then_some(why)
}

/// The same of permits, vehicles, persons, products, parks, hazard sources and
/// rule packs.
fn entry_not_permitted(before: &dyn Items, body: &Body, signers: &Signers) -> Option<&'static str> {
    let own = |party: &str| signers.signed(party) || signers.over_party(before, party);
    let (permitted, why) = match body {
        Body::PermitRegistered(e) => (
            e.status() == PermitStatus::Unconfirmed || signers.over_party(before, &e.party),
            "an authority's, unless it is unconfirmed",
        ),
        Body::PermitStated(e) => (signers.over_party(before, &e.party), "an authority's"),
        Body::VehicleRegistered(e) => (own(&e.party), OWN),
        Body::PersonRegistered(e) => (own(&e.party), OWN),
        Body::ProductRegistered(e) => (own(&e.party), OWN),
        Body::HazardSourceFiled(e) => (own(&e.party), OWN),
        Body::ParkRegistered(e) => (signers.over(&e.region), "an authority's"),
        Body::PackPublished(e) => (may_rule(&e.region, signers), RULES),
        _ => return None,
    };
    (!permitted).then_some(why)
}

/// The region of a pack, as it was known before or as the record itself
/// publishes it.
fn pack_region(before: &dyn Items, record: &[Option<Event>], pack: &str) -> Option<String> {
    let item = before.get(&subject::rules());
    let known = match item.as_deref() {
        Some(Item::Rules(rules)) => rules.packs.iter().find(|p| p.pack == pack).cloned(),
        _ => None,
    };
    let published = |event: &Event| match &event.body {
        Some(Body::PackPublished(e)) if e.pack == pack => Some(e.region.clone()),
        _ => None,
    };
    known
        .map(|p| p.region)
        .or_else(|| record.iter().flatten().find_map(published))
}

/// Whose most entries are.
const OWN: &str = "the party's or an authority's";

/// Who publishes and withdraws packs.
const RULES: &str = "for the country as many authority keys as root acts need, else an authority's";

fn may_rule(region: &str, signers: &Signers) -> bool {
    match region.parse() {
        Ok(RegionCode::NATION) => signers.root(),
        _ => signers.over(region),
    }
}

/// Whether who has power over a party as it was signed, if it was one.
fn over_before(before: &dyn Items, party: &str, signers: &Signers) -> bool {
    before.get(&subject::party(party)).is_none() || signers.over_party(before, party)
}

fn may_revoke(before: &dyn Items, key_id: &[u8], signers: &Signers) -> bool {
    let Some(id) = KeyId::from_slice(key_id) else {
        return false;
    };
    let item = before.get(&subject::key(id));
    let party = match item.as_deref() {
        Some(Item::Key(key)) => key.registered.as_ref().map(|r| r.party.as_str()),
        _ => None,
    };
    let Some(party) = party.filter(|party| *party != LEDGER) else {
        return false;
    };
    signers.authority() || (signers.signed(party) && signers.acting != id.0)
}
