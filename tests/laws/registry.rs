//! The model's rules of the registry: who may register what.

use hazledger::event::KeyId;
use hazledger::pb::{
    KeyHolder, KeyRegistered, KeyRevoked, PartyRegistered, PartyStatus, PlaceRegistered,
    SiteRegistered, UnitRegistered,
};

use super::model::{Case, Key, Model, Party, Verdict, Wrong, must};

fn within(party: &str, code: &str) -> (String, String) {
    (party.to_owned(), code.to_owned())
}

impl Model {
    /// An authority's act. Registering again replaces.
    pub fn party_registered(&mut self, case: &Case<'_>, e: &PartyRegistered) -> Verdict {
        must(case.authority, Wrong::Who)?;
        must(e.party.len() == 18 && !e.name_zh.is_empty(), Wrong::Field)?;
        let active = e.status() == PartyStatus::Active;
        let before = self.parties.get(&e.party);
        let party = Party {
            active,
            authority: before.is_some_and(|p| p.authority),
            parked: before.map_or(0, |p| p.parked),
            succeeded_by: before.and_then(|p| p.succeeded_by.clone()),
            predecessors: before.map(|p| p.predecessors.clone()).unwrap_or_default(),
        };
        self.parties.put(e.party.clone(), party);
        Ok(())
    }

    /// By the party or an authority.
    fn own_or_authority(&self, case: &Case<'_>, party: &str) -> Verdict {
        must(case.signed.contains(party) || case.authority, Wrong::Who)?;
        must(self.parties.has(&party.to_owned()), Wrong::Registry)
    }

    pub fn site_registered(&mut self, case: &Case<'_>, e: &SiteRegistered) -> Verdict {
        self.own_or_authority(case, &e.party)?;
        self.sites.put(within(&e.party, &e.site), ());
        Ok(())
    }

    pub fn unit_registered(&mut self, case: &Case<'_>, e: &UnitRegistered) -> Verdict {
        self.own_or_authority(case, &e.party)?;
        must(self.sites.has(&within(&e.party, &e.site)), Wrong::Registry)?;
        self.units.put(within(&e.party, &e.unit), ());
        Ok(())
    }

    pub fn place_registered(&mut self, case: &Case<'_>, e: &PlaceRegistered) -> Verdict {
        self.own_or_authority(case, &e.party)?;
        let unit = e.unit.is_empty() || self.units.has(&within(&e.party, &e.unit));
        let site = self.sites.has(&within(&e.party, &e.site));
        must(site && unit, Wrong::Registry)?;
        let place = within(&e.party, &e.place);
        let registered = self.registered_vessel(&place, e.vessel())?;
        self.places.put(place, registered);
        Ok(())
    }

    /// A root act: as many authority keys as genesis asks for.
    pub fn key_registered(&mut self, case: &Case<'_>, e: &KeyRegistered) -> Verdict {
        must(case.root, Wrong::Who)?;
        must(self.parties.has(&e.party), Wrong::Registry)?;
        let public: [u8; 32] = e.public_key.as_ref().try_into().map_err(|_| Wrong::Field)?;
        let id = KeyId::of(&public).0;
        must(e.valid_from_ms < e.valid_until_ms, Wrong::Field)?;
        must(!self.keys.has(&id), Wrong::Registry)?;
        let key = Key {
            party: e.party.clone(),
            person: (e.holder() == KeyHolder::Person).then(|| e.holder_commitment.clone()),
            from_ms: e.valid_from_ms,
            until_ms: e.valid_until_ms,
            revoked: false,
            device: super::devices::Chain::default(),
        };
        self.keys.put(id, key);
        Ok(())
    }

    /// By an authority, or with another key of the same party.
    pub fn key_revoked(&mut self, case: &Case<'_>, e: &KeyRevoked) -> Verdict {
        let id = KeyId::from_slice(&e.key_id).ok_or(Wrong::Field)?.0;
        let key = self.keys.get(&id).ok_or(Wrong::Signature)?;
        let with_another = case.signed.contains(&key.party) && case.key_id != id;
        must(with_another || case.authority, Wrong::Who)?;
        must(!key.revoked, Wrong::Pointless)?;
        self.keys.edit(&id).revoked = true;
        Ok(())
    }
}
