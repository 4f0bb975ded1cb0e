//! Who plays: members with their keys, and statements signed by them.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use hazledger::catalog::Uscc;
use hazledger::event::signing::SecretKey;
use hazledger::event::statement::{Draft, Header};
use hazledger::event::{StatementId, digest::Hash};
use hazledger::pb::event::Body;
use hazledger::pb::{
    Authority, Backfilled, BaseRulePack, DeviceLink, Event, EventRef, Genesis, KeyHolder,
    KeyRegistered, Origin, PartyRegistered, PartyStatus, Payload, PlaceRegistered,
    SignatureAlgorithm, SignedStatement, SiteRegistered, Stage, UnitRegistered, VesselKind,
};
use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// Places of every member.
pub const PLACES: [&str; 3] = ["T-1", "B-2", "S.3"];
/// Vessels of every member.
pub const VESSELS: [(&str, VesselKind); 2] =
    [("V-1", VesselKind::Tank), ("V-2", VesselKind::RoadTank)];
/// A region that is valid and otherwise means nothing here.
pub const REGION: &str = "150100";
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A key of a member.
pub struct Keyed {
    pub secret: SecretKey,
    pub commitment: Bytes,
    pub person: bool,
    pub revoked: bool,
}

/// A party and its keys; the first two are persons' and are never revoked.
pub struct Member {
    pub code: String,
    pub keys: Vec<Keyed>,
}

/// A statement to be made.
#[derive(Clone, Default)]
pub struct Plan {
    /// The acting member.
    pub by: usize,
    /// Other members that sign.
    pub with: Vec<usize>,
    /// A second person of the acting member signs.
    pub second: bool,
    /// So many authorities sign as well.
    pub authorities: usize,
    pub events: Vec<Event>,
    pub twist: Twist,
    /// A person enters it from paper.
    pub backfilled: Option<Backfilled>,
}

/// What is wrong with a statement's header or signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Twist {
    #[default]
    None,
    Forged,
    UnknownKey,
    ForeignKey,
    RevokedKey,
    OtherLedger,
    Expired,
    OldId,
    FutureId,
    NotYetHappened,
}

pub const TWISTS: [Twist; 9] = [
    Twist::Forged,
    Twist::UnknownKey,
    Twist::ForeignKey,
    Twist::RevokedKey,
    Twist::OtherLedger,
    Twist::Expired,
    Twist::OldId,
    Twist::FutureId,
    Twist::NotYetHappened,
];

/// Signed, and how its first event would be named.
#[derive(Clone)]
pub struct Signed {
    pub statement: SignedStatement,
    pub forged: bool,
}

pub struct World {
    pub rng: ChaCha8Rng,
    /// Authorities first.
    pub members: Vec<Member>,
    pub authorities: usize,
    /// Members that have been succeeded.
    pub gone: BTreeSet<usize>,
    /// What each device has said last: its number and digest.
    pub devices: BTreeMap<[u8; 16], (u64, Bytes)>,
    pub ledger_key: SecretKey,
    pub origin: Origin,
    pub now_ms: i64,
}

/// The code of the member with this number, registered or not.
pub fn code_of(number: usize) -> String {
    let organisation = format!("MA{number:06}");
    let code = Uscc::with_checks('9', '1', REGION, &organisation).unwrap();
    code.as_str().to_owned()
}

pub fn event(body: Body) -> Event {
    Event {
        external_refs: Vec::new(),
        body: Some(body),
    }
}

impl World {
    pub fn new(seed: u64) -> World {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let ledger_key = secret(&mut rng);
        let mut world = World {
            rng,
            members: Vec::new(),
            authorities: 3,
            gone: BTreeSet::new(),
            devices: BTreeMap::new(),
            ledger_key,
            origin: Origin {
                name: "laws.example/test".to_owned(),
                genesis_hash: Hash::ZERO.to_bytes(),
            },
            now_ms: 1_700_000_000_000,
        };
        for _ in 0..world.authorities {
            world.new_member();
        }
        world
    }

    /// A number from the range.
    pub fn upto(&mut self, most: usize) -> usize {
        self.rng.random_range(0..=most)
    }

    pub fn percent(&mut self, chance: u32) -> bool {
        self.rng.random_range(0..100) < chance
    }

    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.rng.random_range(0..all.len())]
    }

    /// A member that is still to be registered, with two persons' keys and a
    /// device's.
    pub fn new_member(&mut self) -> usize {
        let number = self.members.len();
        let code = code_of(number);
        let keys = vec![self.new_key(true), self.new_key(true), self.new_key(false)];
        self.members.push(Member { code, keys });
        number
    }

    /// So many of a member's keys are never revoked.
    pub fn kept_keys(&self, member: usize) -> usize {
        if self.gone.contains(&member) { 2 } else { 3 }
    }

    pub fn new_key(&mut self, person: bool) -> Keyed {
        let mut commitment = [0; 32];
        self.rng.fill_bytes(&mut commitment);
        Keyed {
            secret: secret(&mut self.rng),
            commitment: Bytes::copy_from_slice(&commitment),
            person,
            revoked: false,
        }
    }

    pub fn code(&self, member: usize) -> String {
        self.members[member].code.clone()
    }

    pub fn member(&self, code: &str) -> Option<usize> {
        self.members.iter().position(|m| m.code == code)
    }

    /// Any member that is no authority, seldom one that has been succeeded.
    pub fn anybody(&mut self) -> usize {
        loop {
            let member = self.rng.random_range(self.authorities..self.members.len());
            if !self.gone.contains(&member) || self.percent(1) {
                return member;
            }
        }
    }

    pub fn anybody_but(&mut self, member: usize) -> usize {
        loop {
            let other = self.anybody();
            if other != member {
                return other;
            }
        }
    }

    fn random10(&mut self) -> [u8; 10] {
        let mut random = [0; 10];
        self.rng.fill_bytes(&mut random);
        random
    }

    pub fn new_id(&mut self) -> StatementId {
        let random = self.random10();
        StatementId::v7(self.now_ms, random).unwrap()
    }

    /// Any live key of a member: mostly a person's.
    fn any_key(&mut self, member: usize) -> SecretKey {
        let keys = &self.members[member].keys;
        let live: Vec<usize> = (0..keys.len()).filter(|k| !keys[*k].revoked).collect();
        let at = *self.pick(&live);
        self.members[member].keys[at].secret.clone()
    }

    /// The draft of a plan with the key that acts.
    pub fn draft(&mut self, plan: &Plan) -> (Draft, SecretKey) {
        let twist = plan.twist;
        let mut id = self.new_id();
        let shifted = match twist {
            Twist::OldId => self.now_ms - 31 * DAY_MS,
            Twist::FutureId => self.now_ms + DAY_MS,
            _ => self.now_ms,
        };
        if shifted != self.now_ms {
            let random = self.random10();
            id = StatementId::v7(shifted, random).unwrap();
        }
        let ago = if self.percent(5) { 60 * DAY_MS } else { 60_000 };
        let happened = match twist {
            Twist::NotYetHappened => self.now_ms + DAY_MS,
            _ => self.now_ms - self.rng.random_range(0..ago),
        };
        let mut origin = self.origin.clone();
        if twist == Twist::OtherLedger {
            origin.genesis_hash = Hash([9; 32]).to_bytes();
        }
        let key = match twist {
            Twist::UnknownKey => secret(&mut self.rng),
            Twist::ForeignKey => {
                let other = self.anybody_but(plan.by);
                self.any_key(other)
            }
            Twist::RevokedKey => self.revoked_key(plan.by),
            _ if plan.second || plan.backfilled.is_some() => {
                self.members[plan.by].keys[0].secret.clone()
            }
            _ => self.any_key(plan.by),
        };
        let expires = match twist {
            Twist::Expired => self.now_ms,
            _ => self.now_ms + DAY_MS,
        };
        let draft = Draft {
            origin,
            id,
            party: self.code(plan.by),
            happened_at_ms: happened,
            expires_at_ms: expires,
            events: plan.events.clone(),
        };
        (draft, key)
    }

    fn revoked_key(&mut self, member: usize) -> SecretKey {
        let revoked = self.members[member].keys.iter().find(|k| k.revoked);
        match revoked {
            Some(key) => key.secret.clone(),
            None => self.any_key(member),
        }
    }

    /// Signs a draft with everybody that the plan names.
    pub fn sign(&mut self, plan: &Plan, draft: &Draft, key: &SecretKey) -> Signed {
        let mut others: Vec<SecretKey> = Vec::new();
        if plan.second {
            others.push(self.members[plan.by].keys[1].secret.clone());
        }
        for member in plan.with.clone() {
            others.push(self.any_key(member));
        }
        let authorities = (0..self.authorities).filter(|a| *a != plan.by);
        for authority in authorities.take(plan.authorities) {
            others.push(self.members[authority].keys[0].secret.clone());
        }
        let others: Vec<&SecretKey> = others.iter().collect();
        let header = self.header(plan, key);
        let mut statement = draft.sign_with(&header, key, &others);
        let forged = plan.twist == Twist::Forged;
        if forged {
            let at = self.upto(statement.signatures.len() - 1);
            let signature = &mut statement.signatures[at].signature;
            let mut bytes = signature.to_vec();
            bytes[20] ^= 1;
            *signature = bytes.into();
        }
        Signed { statement, forged }
    }

    /// A device numbers what it says; now and then wrongly.
    fn header(&mut self, plan: &Plan, key: &SecretKey) -> Header {
        let mut header = Header {
            device: None,
            backfilled: plan.backfilled.clone(),
        };
        let mut keys = self.members.iter().flat_map(|m| &m.keys);
        if !keys.any(|k| !k.person && k.secret.id() == key.id()) {
            return header;
        }
        let before = self.devices.get(&key.id().0).cloned();
        let (mut sequence, mut previous) = before.unwrap_or_default();
        sequence += 1;
        match self.upto(99) {
            0 => previous = Bytes::from_static(&[6; 32]),
            1 => sequence -= 1,
            2..=4 => {
                sequence += 1 + u64::try_from(self.upto(2)).unwrap();
                previous = Bytes::from_static(&[6; 32]);
            }
            // It has forgotten to.
            5 => return header,
            _ => {}
        }
        header.device = Some(DeviceLink { sequence, previous });
        header
    }

    /// A device remembers what it has said.
    pub fn said(&mut self, payload: &Payload, digest: Hash) {
        if let Some(link) = &payload.device {
            let key = payload.key_id.as_ref().try_into().unwrap();
            let last = self.devices.entry(key).or_default();
            if link.sequence > last.0 {
                *last = (link.sequence, digest.to_bytes());
            }
        }
        // What was entered for it next, it had said itself, and nobody heard.
        if let Some(b) = payload.backfilled.as_ref()
            && let Ok(key) = b.device_key_id.as_ref().try_into()
        {
            let last = self.devices.entry(key).or_default();
            if b.last_sequence > last.0 {
                *last = (b.last_sequence, Bytes::from_static(&[6; 32]));
            }
        }
    }

    pub fn signed(&mut self, plan: &Plan) -> Signed {
        let (draft, key) = self.draft(plan);
        self.sign(plan, &draft, &key)
    }

    /// How the first event of a draft is named.
    pub fn reference(draft: &Draft, key: &SecretKey) -> EventRef {
        draft.event_ref(0, key).unwrap()
    }

    /// Record 0: three authorities, two of whose keys a root act needs.
    pub fn genesis(&mut self, rules: BaseRulePack, interval: u64) -> SignedStatement {
        let authorities = (0..self.authorities).map(|a| Authority {
            party: self.code(a),
            name_zh: "监管机构".to_owned(),
            name_en: "Authority".to_owned(),
            public_key: public(&self.members[a].keys[0].secret),
            holder_commitment: self.members[a].keys[0].commitment.clone(),
        });
        let genesis = Genesis {
            ledger_public_key: public(&self.ledger_key),
            authorities: authorities.collect(),
            root_threshold: 2,
            state_record_interval: interval,
            base_rules: Some(rules),
        };
        // An authority has the one key that genesis names.
        for authority in 0..self.authorities {
            self.members[authority].keys.truncate(1);
        }
        let draft = Draft {
            origin: self.origin.clone(),
            id: self.new_id(),
            party: self.code(0),
            happened_at_ms: self.now_ms,
            expires_at_ms: self.now_ms + DAY_MS,
            events: vec![event(Body::Genesis(genesis))],
        };
        let keys: Vec<&SecretKey> = self.members.iter().map(|m| &m.keys[0].secret).collect();
        draft.sign(keys[0], &[keys[1], &self.ledger_key])
    }

    /// Everything that makes a new member able to act, in one statement of
    /// the authorities.
    pub fn enrolment(&mut self, member: usize) -> Plan {
        let mut events = vec![event(Body::PartyRegistered(
            self.party(member, PartyStatus::Active),
        ))];
        for key in &self.members[member].keys {
            let registered = self.key_registered(member, key);
            events.push(event(Body::KeyRegistered(registered)));
        }
        let party = self.code(member);
        events.push(event(Body::SiteRegistered(site(&party, "MAIN"))));
        events.push(event(Body::UnitRegistered(unit(&party, "U-1", "MAIN"))));
        for (place, unit) in PLACES.iter().zip(["", "U-1", "U-1"]) {
            let place = place_in(&party, place, "MAIN", unit);
            events.push(event(Body::PlaceRegistered(place)));
        }
        for (place, vessel) in VESSELS {
            let place = PlaceRegistered {
                vessel: vessel.into(),
                ..place_in(&party, place, "MAIN", "U-1")
            };
            events.push(event(Body::PlaceRegistered(place)));
        }
        Plan {
            by: 0,
            authorities: 1,
            events,
            ..Plan::default()
        }
    }

    pub fn party(&self, member: usize, status: PartyStatus) -> PartyRegistered {
        PartyRegistered {
            party: self.code(member),
            name_zh: format!("企业{member}"),
            name_en: String::new(),
            stages: vec![Stage::Production.into(), Stage::Transport.into()],
            status: status.into(),
            region: REGION.to_owned(),
            ..PartyRegistered::default()
        }
    }

    pub fn key_registered(&self, member: usize, key: &Keyed) -> KeyRegistered {
        let holder = if key.person {
            KeyHolder::Person
        } else {
            KeyHolder::Device
        };
        KeyRegistered {
            party: self.code(member),
            algorithm: SignatureAlgorithm::Ed25519.into(),
            public_key: public(&key.secret),
            holder: holder.into(),
            holder_commitment: key.commitment.clone(),
            valid_from_ms: 0,
            valid_until_ms: i64::MAX,
            ..KeyRegistered::default()
        }
    }
}

fn secret(rng: &mut ChaCha8Rng) -> SecretKey {
    let mut seed = [0; 32];
    rng.fill_bytes(&mut seed);
    SecretKey::from_seed(&seed)
}

pub fn public(key: &SecretKey) -> Bytes {
    Bytes::copy_from_slice(key.public().as_bytes())
}

pub fn site(party: &str, site: &str) -> SiteRegistered {
    SiteRegistered {
        party: party.to_owned(),
        site: site.to_owned(),
        name_zh: "厂区".to_owned(),
        name_en: String::new(),
        kind: "plant".to_owned(),
        region: REGION.to_owned(),
        ..SiteRegistered::default()
    }
}

pub fn unit(party: &str, unit: &str, site: &str) -> UnitRegistered {
    UnitRegistered {
        party: party.to_owned(),
        unit: unit.to_owned(),
        site: site.to_owned(),
        name_zh: "单元".to_owned(),
        name_en: String::new(),
        ..UnitRegistered::default()
    }
}

pub fn place_in(party: &str, place: &str, site: &str, unit: &str) -> PlaceRegistered {
    PlaceRegistered {
        party: party.to_owned(),
        place: place.to_owned(),
        site: site.to_owned(),
        unit: unit.to_owned(),
        name_zh: "储罐".to_owned(),
        name_en: String::new(),
        kind: "tank".to_owned(),
        ..PlaceRegistered::default()
    }
}
