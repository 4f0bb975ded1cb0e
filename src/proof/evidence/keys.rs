//! The keys behind the records of evidence: each registered, in force when it
//! signed, and not revoked, shown by its own chain back to its registration.
//!
//! A record says with a link where each key that signed it was last changed.
//! So a revocation before it cannot be left out: the link would lead to a
//! record that is not there. Nor can it be withheld: a record that goes on with
//! a key's chain and could have revoked it must show all its events.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::error::BadEvidence;
use crate::custody::apply::At;
use crate::custody::registry::{self, LEDGER};
use crate::custody::rotation;
use crate::custody::subject::{self, Item};
use crate::event::KeyId;
use crate::event::record::OpenRecord;
use crate::event::signing::PublicKey;
use crate::pb::event::Body;
use crate::pb::{Event, KeyRegistered, LedgerKeyRotated, Link, LinkKind, Subject, SubjectKind};
use crate::proof::ledger_keys::LedgerKeys;
use crate::proof::verify::Violation;
use crate::proof::verify::opened::Opened;

/// What is known of keys, and of who is an authority, before a record.
pub(super) struct Keys {
    known: BTreeMap<Subject, Item>,
    public: HashMap<KeyId, Arc<PublicKey>>,
    /// The ledger's own, as far as rotations are shown.
    ledger: LedgerKeys,
    root_threshold: u32,
}

/// The keys of a record, judged.
pub(super) struct Judged {
    /// In the order of its signatures.
    pub(super) keys: Vec<Arc<PublicKey>>,
    /// The parties whose they are.
    pub(super) parties: Vec<String>,
    authority_keys: u32,
}

impl Judged {
    /// Whether the ledger alone signed.
    pub(super) fn ledger_alone(&self) -> bool {
        self.parties.iter().all(|party| party == LEDGER)
    }

    /// Whether an authority of genesis signed.
    pub(super) fn by_authority(&self) -> bool {
        self.authority_keys > 0
    }
}

impl Keys {
    /// After record 0, which is shown whole and has been checked.
    pub(super) fn new(genesis: &OpenRecord, ledger: LedgerKeys, root_threshold: u32) -> Keys {
        let mut known = BTreeMap::new();
        for event in genesis.events.iter().flatten() {
            // It has been folded once already, when it was checked.
            let _ = registry::apply(&mut known, event, genesis);
        }
        Keys {
            known,
            public: HashMap::new(),
            ledger,
            root_threshold,
        }
    }

    /// Holds the key that a checkpoint is signed with against the rotations that
    /// are shown. Each of them goes on from the one before, so a key that none
    /// of them names follows them all. Returns whether one names it.
    pub(super) fn check_checkpoint(&self, key: &PublicKey, size: u64) -> Result<bool, BadEvidence> {
        if !self.ledger.all().any(|(_, known)| known == key) {
            return Ok(false);
        }
        match self.ledger.of_checkpoint(size) {
            Some(want) if **want != *key => Err(BadEvidence::LedgerKey {
                got: key.id(),
                want: want.id(),
            }),
            _ => Ok(true),
        }
    }

    /// What is known of a key.
    pub(super) fn registered(&self, id: KeyId) -> Option<(&KeyRegistered, u64)> {
        match self.known.get(&subject::key(id)) {
            Some(Item::Key(key)) => Some((key.registered.as_ref()?, key.revoked_at)),
            _ => None,
        }
    }

    fn is_authority(&self, party: &str) -> bool {
        let item = self.known.get(&subject::party(party));
        matches!(item, Some(Item::Party(party)) if party.authority)
    }

    /// Judges the keys of a record by what was shown before it.
    pub(super) fn judge(&mut self, opened: &Opened) -> Result<Judged, BadEvidence> {
        let record = &opened.record;
        let position = record.position();
        // Links to keys and packs come last; so none of them is withheld
        // unseen.
        if !matches!(record.links.last(), Some(Some(_))) {
            return Err(BadEvidence::LastLink(position));
        }
        let mut judged = Judged {
            keys: Vec::with_capacity(opened.signers.len()),
            parties: Vec::with_capacity(opened.signers.len()),
            authority_keys: 0,
        };
        for id in &opened.signers {
            if !uses(record, *id) {
                return Err(BadEvidence::KeyLink { position, key: *id });
            }
            let (key, party) = self.in_force(record, *id).map_err(|what| {
                let what = Box::new(what);
                BadEvidence::Record { position, what }
            })?;
            if self.is_authority(&party) {
                judged.authority_keys = judged.authority_keys.saturating_add(1);
            }
            judged.keys.push(key);
            judged.parties.push(party);
        }
        Ok(judged)
    }

    fn in_force(
        &mut self,
        record: &OpenRecord,
        id: KeyId,
    ) -> Result<(Arc<PublicKey>, String), Violation> {
        let (registered, revoked_at) = self.registered(id).ok_or(Violation::UnknownKey(id))?;
        if revoked_at != 0 {
            return Err(Violation::RevokedKey(id));
        }
        let now = record.head.recorded_at_ms;
        if now < registered.valid_from_ms || now >= registered.valid_until_ms {
            return Err(Violation::KeyDates(id));
        }
        let party = registered.party.clone();
        let acting = id.0 == record.payload.key_id.as_ref();
        if acting && party != record.payload.party {
            return Err(Violation::KeyNotOfParty { key: id, party });
        }
        let bytes = registered.public_key.clone();
        if let Some(key) = self.public.get(&id) {
            return Ok((Arc::clone(key), party));
        }
        let key = PublicKey::parse(&bytes).map_err(|_| Violation::UnknownKey(id))?;
        let key = Arc::new(key);
        self.public.insert(id, Arc::clone(&key));
        Ok((key, party))
    }

    /// Takes in what a record says of the keys whose chains it shows.
    pub(super) fn take(&mut self, record: &OpenRecord, judged: &Judged) -> Result<(), BadEvidence> {
        let position = record.position();
        let shown = record.links.iter().flatten();
        let chained = shown.filter_map(|link| Some((key_of_chain(link)?, link.previous)));
        let chained: Vec<(KeyId, Option<u64>)> = chained.collect();
        for (key, previous) in &chained {
            let withheld = record.events.iter().any(Option::is_none);
            if previous.is_some() && withheld && may_revoke(record, judged, *key) {
                let key = *key;
                return Err(BadEvidence::KeyHidden { position, key });
            }
        }
        let ours = |s: &Subject| {
            s.kind() == SubjectKind::Key && chained.iter().any(|(key, _)| s.id == key.0.as_slice())
        };
        for event in record.events.iter().flatten() {
            let of_keys = matches!(
                event.body,
                Some(Body::KeyRegistered(_) | Body::KeyRevoked(_) | Body::LedgerKeyRotated(_))
            );
            if of_keys && registry::subjects(event).iter().any(ours) {
                self.apply(record, judged, event)?;
            }
        }
        for (key, _) in chained {
            if self.registered(key).is_none() {
                return Err(BadEvidence::KeyNotShown { position, key });
            }
        }
        Ok(())
    }

    fn apply(
        &mut self,
        record: &OpenRecord,
        judged: &Judged,
        event: &Event,
    ) -> Result<(), BadEvidence> {
        let position = record.position();
        let root = judged.authority_keys >= self.root_threshold;
        let (own, key) = match &event.body {
            Some(Body::KeyRegistered(registered)) => {
                let key = <&[u8; 32]>::try_from(registered.public_key.as_ref());
                let key = key.map_or(KeyId([0; 16]), KeyId::of);
                (root && self.registered(key).is_none(), key)
            }
            Some(Body::KeyRevoked(revoked)) => {
                let key = KeyId::from_slice(&revoked.key_id);
                (true, key.unwrap_or(KeyId([0; 16])))
            }
            // The ledger's own key is followed by another: a root act too.
            _ => {
                let acting = self.is_authority(&record.payload.party);
                let alone = record.events.len() == 1;
                (root && acting && alone, KeyId([0; 16]))
            }
        };
        if !own {
            return Err(BadEvidence::KeyRegistration { position, key });
        }
        if let Some(Body::LedgerKeyRotated(e)) = &event.body {
            let key = <&[u8; 32]>::try_from(e.public_key.as_ref());
            let key = key.map_or(KeyId([0; 16]), KeyId::of);
            let root = judged.authority_keys >= self.root_threshold;
            if !root || self.registered(key).is_some() || !self.follows(e) {
                return Err(BadEvidence::KeyRegistration { position, key });
            }
            if let Ok(new) = PublicKey::parse(&e.public_key) {
                self.ledger.follow(position.saturating_add(1), new);
            }
        }
        let at = At {
            position,
            happened_at_ms: record.payload.happened_at_ms,
        };
        registry::apply_event(&mut self.known, event, at).map_err(|broken| BadEvidence::Law {
            position,
            subject: subject::show(&subject::ledger()),
            broken,
        })
    }
}

impl Keys {
    /// Whether a rotation goes on from a key of the ledger's that is in force, by
    /// the word of the new one too.
    fn follows(&self, e: &LedgerKeyRotated) -> bool {
        let previous = KeyId::from_slice(&e.previous_key_id);
        let previous = previous.and_then(|id| self.registered(id));
        let goes_on = previous.is_some_and(|(key, revoked)| key.party == LEDGER && revoked == 0);
        let genesis_hash = match self.known.get(&subject::ledger()) {
            Some(Item::Ledger(ledger)) => &ledger.genesis_hash,
            _ => return false,
        };
        goes_on && rotation::is_proven(genesis_hash, e)
    }
}

/// Whether a record shows its link to the last change of a key that it used.
fn uses(record: &OpenRecord, id: KeyId) -> bool {
    let subject = subject::key(id);
    let mut links = record.links.iter().flatten();
    links.any(|l| l.kind() == LinkKind::Use && l.subject.as_ref() == Some(&subject))
}

/// The key whose chain a link goes on with, if it is one's.
fn key_of_chain(link: &Link) -> Option<KeyId> {
    let subject = link.subject.as_ref()?;
    let chain = link.kind() == LinkKind::Chain && subject.kind() == SubjectKind::Key;
    KeyId::from_slice(&subject.id).filter(|_| chain)
}

/// Whether a record could have revoked a key: an authority signed it, or the
/// key's party with another key. The ledger's own words revoke nothing.
fn may_revoke(record: &OpenRecord, judged: &Judged, key: KeyId) -> bool {
    let own = record.payload.key_id.as_ref() == key.0 && judged.authority_keys == 0;
    !own && !judged.ledger_alone()
}
