//! How the world begins: record 0, everybody registered, the stock that was
//! there already.

use prost::Message as _;

use super::cast::Who;
use super::fleet::Valid;
use super::goods::{CELLULOSE, CYANIDE, KG, NITRATE, Pile, Product, TONNE_KG, booked};
use super::registry::PARK;
use super::world::Said;
use super::{World, paper};
use crate::event::ids::derived;
use crate::event::signing::SecretKey;
use crate::event::statement::Draft;
use crate::event::{Hash, LotId};
use crate::pb::event::Body;
use crate::pb::{
    Authority, BaseRulePack, DesignMaximum, Event, Genesis, KeyHolder, KeyRegistered, KeyRevoked,
    KeyRole, NewLot, Opened, Origin, PartyStatus, PlaceRegistered, RefusalCode, SignatureAlgorithm,
    SignedStatement, SiteRegistered, UnitRegistered, VesselKind,
};

/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Keys of the world are valid for a year after its end.
const KEY_LIFE_MS: i64 = 365 * DAY_MS;
/// Persons within 500 m of a site.
const EXPOSED: u32 = 40;
/// Kilograms of each substance that a unit is designed for: more than the world
/// ever brings there.
const DESIGN_KG: i64 = 500_000 * TONNE_KG;
/// Everybody has one site.
pub(super) const SITE: &str = "SITE-1";
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
        if self.rule_book {
            self.register_agencies();
        }
        let enterprises: Vec<Who> = self.cast.enterprises().cloned().collect();
        for who in &enterprises {
            let said = self.register(who);
            self.ready.push_back(said.issued);
            let said = self.register_places(who);
            self.ready.push_back(said.issued);
        }
        self.lose_a_key();
        let cast = self.cast.clone();
        if self.rule_book {
            self.license_all();
            self.publish_packs();
        }
        for who in cast.carriers.iter() {
            self.register_fleet(who, Valid::Yes);
        }
        self.register_wagons(cast.railways.first());
        self.story_permits();
        for (who, product) in [
            (cast.gold_mines.first(), &CYANIDE),
            (cast.gold_mines.last(), &CYANIDE),
            (cast.open_pits.first(), &NITRATE),
            (cast.warehouses.first(), &NITRATE),
        ] {
            self.opening_stock(who, product);
        }
        self.founded = self.ready.iter().map(|issued| issued.events).sum();
    }

    /// Licences, products and hazard sources of everybody, and the old haulier's
    /// vehicles and people.
    fn license_all(&mut self) {
        let cast = self.cast.clone();
        let lapsed = |who: &&Who| !cast.lapsed_carriers.has(who) && !cast.laboratories.has(who);
        for who in cast.enterprises().filter(lapsed) {
            self.license(who);
        }
        self.lapsed_licences();
        self.register_products();
        for who in cast.nitrate_plants.iter().chain(cast.cyanide_plants.iter()) {
            self.file_hazard_source(who);
        }
        self.register_fleet(cast.lapsed_carriers.first(), Valid::Ended);
    }

    fn key_of(&mut self, who: &Who, key: &SecretKey, holder: KeyHolder) -> Body {
        Body::KeyRegistered(KeyRegistered {
            holder: holder.into(),
            ..self.person_key(who, public(key))
        })
    }

    /// A person's key for everything of a party.
    pub(super) fn person_key(&mut self, who: &Who, public_key: bytes::Bytes) -> KeyRegistered {
        KeyRegistered {
            party: who.code.clone(),
            algorithm: SignatureAlgorithm::Ed25519.into(),
            public_key,
            holder: KeyHolder::Person.into(),
            holder_commitment: self.hash(),
            valid_from_ms: self.span.from_ms.saturating_sub(DAY_MS),
            valid_until_ms: self.span.until_ms.saturating_add(KEY_LIFE_MS),
            ..KeyRegistered::default()
        }
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
        let mut bodies = vec![self.party_of(who, PartyStatus::Active)];
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
            longitude_e6: 111_000_000,
            latitude_e6: 41_000_000,
            exposed_population: Some(EXPOSED),
            park: if self.rule_book && self.cast.nitrate_plants.first().code == who.code {
                PARK.to_owned()
            } else {
                String::new()
            },
            floor_plan_hash: self.hash(),
            responsible: Some(self.responsible(who, "专职安全管理人员")),
        })];
        for place in who.places() {
            if !place.unit.is_empty() {
                bodies.push(Body::UnitRegistered(UnitRegistered {
                    party: party(),
                    unit: place.unit.to_owned(),
                    site: SITE.to_owned(),
                    name_zh: place.name_zh.to_owned(),
                    name_en: place.name_en.to_owned(),
                    design_maxima: design_maxima(),
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
        self.odd_keys();
    }

    /// Keys of a carrier that are valid at another time, or for other things.
    fn odd_keys(&mut self) {
        let who = self.cast.carriers.first().clone();
        let (from, until) = (self.span.from_ms, self.span.until_ms);
        let life = KEY_LIFE_MS;
        let transport = vec![i32::from(KeyRole::Transport)];
        let keys = [
            (
                RefusalCode::KeyNotYetValid,
                until + life,
                until + 2 * life,
                Vec::new(),
            ),
            (
                RefusalCode::KeyExpired,
                from - 2 * DAY_MS,
                from - DAY_MS,
                Vec::new(),
            ),
            (
                RefusalCode::KeyLacksRole,
                from - DAY_MS,
                until + life,
                transport,
            ),
        ];
        let mut bodies = Vec::new();
        for (code, valid_from_ms, valid_until_ms, roles) in keys {
            let mut seed = [0; 32];
            seed.copy_from_slice(&self.hash());
            let key = SecretKey::from_seed(&seed);
            bodies.push(Body::KeyRegistered(KeyRegistered {
                valid_from_ms,
                valid_until_ms,
                roles,
                ..self.person_key(&who, public(&key))
            }));
            self.odd_keys.push((who.clone(), key, code));
        }
        let said = self.decree(bodies, "registers keys for other times and things");
        self.ready.push_back(said.issued);
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
        self.stock
            .push(Pile::entered(name, product, ppm, who, (count, each)));
    }
}

/// What the world's units are designed for.
pub(super) fn design_maxima() -> Vec<DesignMaximum> {
    let of = |product: &Product| DesignMaximum {
        substance: product.substance.to_owned(),
        gross_mg: DESIGN_KG * KG,
    };
    [&NITRATE, &CYANIDE, &CELLULOSE].map(of).to_vec()
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
