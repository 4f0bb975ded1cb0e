//! How the world begins: record 0, everybody registered, the stock that was
//! there already.

use prost::Message as _;

use super::cast::Who;
use super::goods::{CYANIDE, Contents, KG, NITRATE, Pile, Product, booked};
use super::world::Said;
use super::{World, paper};
use crate::event::ids::derived;
use crate::event::signing::SecretKey;
use crate::event::statement::Draft;
use crate::event::{Hash, LotId};
use crate::pb::event::Body;
use crate::pb::{
    Authority, BaseRulePack, Event, Genesis, KeyHolder, KeyRegistered, KeyRevoked, NewLot, Opened,
    Origin, PartyRegistered, PartyStatus, PlaceRegistered, SignatureAlgorithm, SignedStatement,
    SiteRegistered, UnitRegistered, VesselKind,
};

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Keys of the world are valid for a year after its end.
const KEY_LIFE_MS: i64 = 365 * DAY_MS;
/// Everybody has one site.
const SITE: &str = "SITE-1";
/// A plant's silo, beside the line where its goods enter.
pub(super) const SILO: &str = "SILO-1";
/// Where goods enter with the parties that have a silo.
const LINE: &str = "LINE-1";

/// The world's ledger writes a state record at every so many positions.
pub const STATE_RECORD_INTERVAL: u64 = 1_024;

/// The base rules of the world's genesis: scales may differ by 0.3 %, counts
/// by 0.1 %, disputes stay open for 15 days, and what is told more than 30
/// days late is a finding; nitrocellulose is to be assayed every 10 days.
pub const BASE_RULES: BaseRulePack = BaseRulePack {
    measure_tolerance_ppm: 3_000,
    dispute_deadline_ms: 15 * DAY_MS,
    back_dating_limit_ms: 30 * DAY_MS,
    count_tolerance_ppm: 1_000,
    assay_due_ms: 10 * DAY_MS,
};

impl World {
    /// Record 0, for a ledger of this name and key: signed by the ledger and
    /// by both agencies.
    pub fn genesis(&mut self, name: &str, ledger: &SecretKey) -> SignedStatement {
        let agencies: Vec<Who> = self.cast.authorities.iter().cloned().collect();
        let authority = |world: &mut World, who: &Who| Authority {
            party: who.code.clone(),
            name_zh: who.name_zh.to_owned(),
            name_en: who.name_en.to_owned(),
            public_key: public(&who.first),
            holder_commitment: world.hash(),
        };
        let genesis = Genesis {
            ledger_public_key: public(ledger),
            authorities: agencies.iter().map(|who| authority(self, who)).collect(),
            root_threshold: u32::try_from(agencies.len()).unwrap_or(u32::MAX),
            state_record_interval: STATE_RECORD_INTERVAL,
            base_rules: Some(BASE_RULES),
        };
        let draft = Draft {
            origin: Origin {
                name: name.to_owned(),
                genesis_hash: Hash::ZERO.to_bytes(),
            },
            id: self.fresh_id(),
            party: self.cast.authorities.first().code.clone(),
            happened_at_ms: self.now_ms(),
            expires_at_ms: self.expires_ms(),
            events: vec![Event {
                external_refs: Vec::new(),
                body: Some(Body::Genesis(genesis)),
            }],
        };
        let mut cosigners: Vec<&SecretKey> = agencies.iter().map(|who| &who.first).collect();
        cosigners.push(ledger);
        draft.sign(&self.cast.authorities.first().first, &cosigners)
    }

    /// The ledger exists: from now on the world speaks to it, beginning with
    /// the registry and the opening stock.
    pub fn join(&mut self, origin: Origin) {
        self.origin = origin;
        let enterprises: Vec<Who> = self.cast.enterprises().cloned().collect();
        for who in &enterprises {
            let said = self.register(who);
            self.ready.push_back(said.issued);
            let said = self.register_places(who);
            self.ready.push_back(said.issued);
        }
        self.lose_a_key();
        let cast = self.cast.clone();
        for (who, product) in [
            (cast.gold_mines.first(), &CYANIDE),
            (cast.gold_mines.last(), &CYANIDE),
            (cast.open_pits.first(), &NITRATE),
            (cast.warehouses.first(), &NITRATE),
        ] {
            self.opening_stock(who, product);
        }
    }

    fn key_of(&mut self, who: &Who, key: &SecretKey, holder: KeyHolder) -> Body {
        Body::KeyRegistered(KeyRegistered {
            party: who.code.clone(),
            algorithm: SignatureAlgorithm::Ed25519.into(),
            public_key: public(key),
            holder: holder.into(),
            holder_commitment: self.hash(),
            valid_from_ms: self.span.from_ms.saturating_sub(DAY_MS),
            valid_until_ms: self.span.until_ms.saturating_add(KEY_LIFE_MS),
            ..KeyRegistered::default()
        })
    }

    /// An act of both agencies.
    pub(super) fn decree(&mut self, bodies: Vec<Body>, what: &'static str) -> Said {
        let agencies = self.cast.authorities.clone();
        let cosigners: Vec<&SecretKey> = agencies.iter().map(|who| &who.first).collect();
        let id = self.fresh_id();
        self.say_as(id, agencies.first(), &cosigners, bodies, what)
    }

    /// An act of one agency, in turn.
    pub(super) fn order(&mut self, bodies: Vec<Body>, what: &'static str) -> Said {
        let turn = self.turn("order");
        let agency = self.cast.authorities.nth(turn).clone();
        let id = self.fresh_id();
        let draft = self.draft(&agency, id, bodies);
        World::signed(&draft, &agency.first, &[], what)
    }

    pub(super) fn register(&mut self, who: &Who) -> Said {
        let mut bodies = vec![Body::PartyRegistered(PartyRegistered {
            party: who.code.clone(),
            name_zh: who.name_zh.to_owned(),
            name_en: who.name_en.to_owned(),
            stages: who.stages.iter().map(|s| i32::from(*s)).collect(),
            status: PartyStatus::Active.into(),
            region: who.region.to_owned(),
            ..PartyRegistered::default()
        })];
        let holders = [KeyHolder::Person, KeyHolder::Person, KeyHolder::Device];
        for (key, holder) in who.keys().into_iter().zip(holders) {
            bodies.push(self.key_of(who, key, holder));
        }
        self.decree(bodies, "registers a party and its keys")
    }

    pub(super) fn register_places(&mut self, who: &Who) -> Said {
        let party = || who.code.clone();
        let mut bodies = vec![Body::SiteRegistered(SiteRegistered {
            party: party(),
            site: SITE.to_owned(),
            name_zh: who.name_zh.to_owned(),
            name_en: who.name_en.to_owned(),
            kind: who.site_kind.to_owned(),
            region: who.region.to_owned(),
            ..SiteRegistered::default()
        })];
        for place in who.places() {
            if !place.unit.is_empty() {
                bodies.push(Body::UnitRegistered(UnitRegistered {
                    party: party(),
                    unit: place.unit.to_owned(),
                    site: SITE.to_owned(),
                    name_zh: place.name_zh.to_owned(),
                    name_en: place.name_en.to_owned(),
                    ..UnitRegistered::default()
                }));
            }
            bodies.push(Body::PlaceRegistered(PlaceRegistered {
                party: party(),
                place: place.code.to_owned(),
                site: SITE.to_owned(),
                unit: place.unit.to_owned(),
                name_zh: place.name_zh.to_owned(),
                name_en: place.name_en.to_owned(),
                kind: place.kind.to_owned(),
                ..PlaceRegistered::default()
            }));
        }
        if who.entry.code == LINE {
            bodies.push(Body::PlaceRegistered(PlaceRegistered {
                party: party(),
                place: SILO.to_owned(),
                site: SITE.to_owned(),
                unit: who.entry.unit.to_owned(),
                name_zh: "一号料仓".to_owned(),
                name_en: "Silo 1".to_owned(),
                kind: "silo".to_owned(),
                vessel: VesselKind::Silo.into(),
            }));
        }
        self.say(who, bodies, "registers its places")
    }

    /// A carrier's telephone is registered, lost, and revoked by its owner.
    fn lose_a_key(&mut self) {
        let who = self.cast.carriers.first().clone();
        let mut seed = [0; 32];
        seed.copy_from_slice(&self.hash());
        let lost = SecretKey::from_seed(&seed);
        let body = self.key_of(&who, &lost, KeyHolder::Device);
        let said = self.decree(vec![body], "registers a key");
        self.ready.push_back(said.issued);
        let revoked = KeyRevoked {
            key_id: lost.id().to_bytes(),
            reason: "telephone lost 手机遗失".to_owned(),
        };
        let said = self.say(&who, vec![Body::KeyRevoked(revoked)], "revokes a key");
        self.ready.push_back(said.issued);
        self.revoked = Some((who, lost));
    }

    /// Stock that was there before: counted by two persons, in packages, its
    /// papers lost.
    fn opening_stock(&mut self, who: &Who, product: &'static Product) {
        let kg = product.package_kg.first().copied().unwrap_or(1);
        let (count, each) = (60, kg * KG);
        let gross = each * 60;
        let ppm = self.content(product);
        let label = self.label(who, product.substance);
        let lot = NewLot {
            data_sheet_hash: bytes::Bytes::new(),
            label_hash: bytes::Bytes::new(),
            quantity: Some(booked(gross)),
            ..self.new_lot(label, product, gross, ppm, who.entry.code)
        };
        let id = self.fresh_id();
        let name = LotId(derived(&who.code, id, 0, 0));
        let opened = Opened {
            lot: Some(lot),
            provenance: String::new(),
        };
        let packed = paper::packed(name, who.entry.code, count, each, product.packaging);
        let bodies = vec![Body::Opened(opened), Body::Packed(packed)];
        let said = self.say_as(id, who, &[&who.second], bodies, "opens with what was there");
        self.ready.push_back(said.issued);
        self.stock.push(Pile {
            lot: name,
            product,
            ppm,
            waste: false,
            holder: who.clone(),
            place: who.entry.code,
            owner: who.clone(),
            contents: Contents::Packages {
                first: 1,
                last: count,
                each,
            },
        });
    }
}

/// A key's public half, as protobuf wants it.
pub(super) fn public(key: &SecretKey) -> bytes::Bytes {
    bytes::Bytes::copy_from_slice(key.public().as_bytes())
}

/// A statement's header, read back.
pub(super) fn header(signed: &SignedStatement) -> crate::pb::Payload {
    // What the world has encoded itself can be decoded.
    crate::pb::Payload::decode(signed.payload.clone()).unwrap_or_default()
}
