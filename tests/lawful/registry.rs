//! Random changes of the rules and of the registry.

use hazledger::event::codes::name;
use hazledger::pb::event::Body;
use hazledger::pb::{
    AgencyRegistered, Blacklisted, MassBasis, PackPublished, PackWithdrawn, PartyStatus,
    PermitKind, PermitRegistered, PermitStated, PermitStatus, Qualification, QualificationKind,
    RoadPass, RuleKind, RuleLine, RuleMode, SealedLot, SealedPlace, Stage, VehicleKind,
    VehicleRegistered, sealed, unsealed,
};
use rand::RngExt as _;

use super::bench::{DAY, START_MS, party};
use super::entered::{Thing, covers};
use super::history::{History, KG, home, party_at_home};
use super::opinion::RULES;
use super::rulebook;

/// Trucks, wagons and a trailer; the last truck has no tank.
pub const TRUCKS: [&str; 3] = ["蒙A10001", "蒙A10002", "蒙A10003"];
pub const TRAILER: &str = "蒙A7771挂";
pub const WAGONS: [&str; 2] = ["45488855", "52051232"];
pub const CREW: [&str; 4] = ["one", "two", "three", "four"];

/// Packs and their territories.
const PACKS: [(&str, &str); 7] = [
    ("national", "100000"),
    ("second", "100000"),
    ("province", "150000"),
    ("hohhot", "150100"),
    ("baotou", "150200"),
    ("county", "150122"),
    ("beijing", "110000"),
];

/// Permits that may be registered: whose, by what number, of what kind.
const PERMITS: [(char, &str, PermitKind); 18] = [
    ('P', "G-1", PermitKind::SafeProduction),
    ('P', "G-2", PermitKind::Trade),
    ('W', "G-1", PermitKind::Trade),
    ('W', "U-1", PermitKind::SafeUse),
    ('M', "U-1", PermitKind::SafeUse),
    ('M', "U-2", PermitKind::Trade),
    ('C', "T-1", PermitKind::RoadTransport),
    ('C', "T-2", PermitKind::RailTransport),
    ('W', "T-1", PermitKind::RoadTransport),
    ('D', "D-1", PermitKind::WasteOperation),
    ('D', "U-1", PermitKind::SafeUse),
    ('M', "B-1", PermitKind::HighlyToxicPurchase),
    ('M', "B-2", PermitKind::HighlyToxicPurchase),
    ('W', "B-1", PermitKind::HighlyToxicPurchase),
    ('M', "L-1", PermitKind::LawfulUseStatement),
    ('P', "R-1", PermitKind::HighlyToxicRoadPass),
    ('P', "R-2", PermitKind::HighlyToxicRoadPass),
    ('M', "R-3", PermitKind::HighlyToxicRoadPass),
];

impl History {
    pub fn publish(&mut self) {
        if self.chance(0.15) {
            return self.withdraw();
        }
        let (pack, region) = self.pick(&PACKS);
        let mut lines = Vec::new();
        for (rule, _, _) in RULES {
            // Nothing would be left to play with.
            let often = match rule {
                RuleKind::Prohibited => 0.1,
                _ => 0.45,
            };
            if self.chance(often) {
                self.line(*rule, &mut lines);
            }
        }
        let known = self.entered.versions(pack);
        let from_ms = if known.len() > 5 || (!known.is_empty() && self.chance(0.4)) {
            self.pick(&known)
        } else {
            self.moment()
        };
        let ends = self.chance(0.3);
        let e = PackPublished {
            pack: pack.into(),
            region: region.into(),
            from_ms,
            until_ms: if ends { from_ms + 3 * DAY } else { 0 },
            ..rulebook::pack(lines)
        };
        if e.lines.is_empty() {
            return;
        }
        if self.said_by_power_over(region, Body::PackPublished(e.clone())) {
            self.entered.publish(e);
        }
    }

    fn withdraw(&mut self) {
        let (pack, region) = self.pick(&PACKS);
        if self.entered.versions(pack).is_empty() {
            return;
        }
        let e = PackWithdrawn {
            pack: pack.into(),
            until_ms: self.b.now + self.dice.random_range(0..=2 * DAY),
            reason: "another takes its place".into(),
        };
        if self.said_by_power_over(region, Body::PackWithdrawn(e.clone())) {
            self.entered.withdraw(&e);
        }
    }

    /// By the authorities; or by the agency, which has power over its
    /// territory only. Whether it is recorded.
    fn said_by_power_over(&mut self, region: &str, body: Body) -> bool {
        if !self.chance(0.3) {
            self.b.say("A1+A2", body).unwrap();
            return true;
        }
        let may = self.entered.agency.is_some_and(|own| covers(own, region));
        match self.b.say("D1", body) {
            Ok(_) => assert!(may, "nobody has power over {region} but the authority"),
            Err(refused) => {
                assert_eq!(name(refused.code), "AUTHORITY_REQUIRED", "{refused}");
                assert!(!may, "the agency has power over {region}: {refused}");
            }
        }
        may
    }

    /// One line of a rule, or two: for all, for a substance, for a form.
    fn line(&mut self, rule: RuleKind, lines: &mut Vec<RuleLine>) {
        let modes = [
            RuleMode::Off,
            RuleMode::Find,
            RuleMode::Find,
            RuleMode::Find,
            RuleMode::Refuse,
            RuleMode::Refuse,
        ];
        let whole = matches!(rule, RuleKind::Blacklisted | RuleKind::BackDating);
        for _ in 0..2 {
            let mut line = rulebook::rule(rule, self.pick(&modes), "");
            line.complete = self.chance(0.3);
            line.permits = self.permits_for(rule);
            self.figures(rule, &mut line);
            match self.dice.random_range(0..4) {
                0 if !whole => line.substances = vec![self.pick(&["NACN", "AN", "NC"]).into()],
                1 if !whole => {
                    line.forms = vec![self.pick(&["NACN-1689", "AN-1942", "NC-2555"]).into()];
                }
                _ => {}
            }
            let shape = (line.substances.is_empty(), line.forms.is_empty());
            let same = |l: &RuleLine| {
                l.rule() == rule && (l.substances.is_empty(), l.forms.is_empty()) == shape
            };
            if !lines.iter().any(same) {
                lines.push(line);
            }
            if self.chance(0.7) {
                break;
            }
        }
    }

    fn permits_for(&mut self, rule: RuleKind) -> Vec<i32> {
        let kinds: &[PermitKind] = match rule {
            RuleKind::GiverPermit => &[PermitKind::SafeProduction, PermitKind::Trade],
            RuleKind::TakerPermit | RuleKind::PurchaseRight => {
                &[PermitKind::SafeUse, PermitKind::Trade]
            }
            RuleKind::CarrierPermit => &[PermitKind::RoadTransport, PermitKind::RailTransport],
            RuleKind::DisposerPermit => &[PermitKind::WasteOperation],
            _ => return Vec::new(),
        };
        let mut kinds: Vec<i32> = kinds.iter().map(|k| i32::from(*k)).collect();
        // One of them, or any kind of permit at all.
        match self.dice.random_range(0..6) {
            0 => kinds.truncate(1),
            1 => kinds.clear(),
            _ => {}
        }
        kinds
    }

    fn figures(&mut self, rule: RuleKind, line: &mut RuleLine) {
        match rule {
            RuleKind::PurchaseRight => {
                let kinds = [
                    PermitKind::HighlyToxicPurchase,
                    PermitKind::LawfulUseStatement,
                ];
                line.purchase_permits = kinds.iter().map(|k| i32::from(*k)).collect();
            }
            RuleKind::PurchaseQuantity => line.limit = self.pick(&[0, 100_000]),
            RuleKind::Restricted => line.limit = self.pick(&[KG, 2 * KG, 5 * KG]),
            RuleKind::Filing => line.limit = self.pick(&[0, 0, 1]),
            RuleKind::Wetting => line.limit = self.pick(&[260_000, 300_000]),
            RuleKind::AssayDue => line.limit = self.pick(&[0, 1, 2]),
            RuleKind::BackDating => line.limit = self.pick(&[0, 60, 600]),
            _ => {}
        }
    }

    pub fn change_registry(&mut self) {
        match self.dice.random_range(0..20) {
            0..=8 => self.permit(),
            9 | 10 => self.state_permit(),
            11 | 12 => self.vehicle(),
            13 | 14 => self.person(),
            15 => self.status(),
            16 | 17 => self.blacklist(),
            18 => self.seal(),
            _ => self.agency(),
        }
    }

    fn permit(&mut self) {
        let (holder, number, kind) = self.pick(&PERMITS);
        let mut e = rulebook::permit(holder, number, kind);
        let status = [
            PermitStatus::Granted,
            PermitStatus::Granted,
            PermitStatus::Granted,
            PermitStatus::Granted,
            PermitStatus::Unconfirmed,
            PermitStatus::Unconfirmed,
            PermitStatus::Suspended,
            PermitStatus::Revoked,
        ];
        e.status = self.pick(&status).into();
        if self.chance(0.5) {
            e.until_ms = self.moment();
        }
        if self.chance(0.1) {
            e.from_ms = self.b.now + self.dice.random_range(-2 * DAY..=2 * DAY);
        }
        e.until_ms = e.until_ms.max(e.from_ms + 1);
        if self.chance(0.15) {
            e.substances = vec![self.pick(&["NACN", "AN"]).into()];
        }
        // Who gives is asked for its stage most of all.
        if self.chance(if number.starts_with('G') { 0.5 } else { 0.15 }) {
            let stages = [
                Stage::Storage,
                Stage::Storage,
                Stage::Trade,
                Stage::Use,
                Stage::Transport,
                Stage::Disposal,
            ];
            e.stages = vec![self.pick(&stages).into()];
        }
        self.quantity(&mut e);
        let body = Body::PermitRegistered(e.clone());
        // Anybody may enter one unconfirmed, so that says nothing of power.
        let entered = match e.status() {
            PermitStatus::Unconfirmed => self.b.say("A1", body).is_ok(),
            _ => self.said_by_power_over(home(holder), body),
        };
        if entered {
            self.entered.permit(holder, e);
        }
    }

    fn quantity(&mut self, e: &mut PermitRegistered) {
        let basis = [MassBasis::Gross, MassBasis::Gross, MassBasis::Contained];
        e.basis = self.pick(&basis).into();
        match e.kind() {
            PermitKind::HighlyToxicPurchase => {
                e.quantity_mg = self.pick(&[0, 2 * KG, 5 * KG, 20 * KG]);
            }
            PermitKind::HighlyToxicRoadPass => {
                e.quantity_mg = self.pick(&[0, 0, 2 * KG]);
                let mut named = RoadPass::default();
                if self.chance(0.4) {
                    named.carrier = party(self.pick(&['C', 'C', 'W']));
                }
                if self.chance(0.4) {
                    named.consignee = party(self.pick(&['M', 'M', 'W']));
                }
                if self.chance(0.3) {
                    named.vehicle = self.pick(&TRUCKS).into();
                }
                e.road_pass = self.chance(0.8).then_some(named);
            }
            _ => {}
        }
    }

    /// Confirmed, suspended or revoked, in one act.
    fn state_permit(&mut self) {
        let keys: Vec<(char, String)> = self.entered.permits.keys().cloned().collect();
        if keys.is_empty() {
            return;
        }
        let (holder, number) = self.pick(&keys);
        let mut entry = self.entered.permits[&(holder, number.clone())]
            .entry
            .clone();
        let status = self.pick(&[
            PermitStatus::Granted,
            PermitStatus::Granted,
            PermitStatus::Suspended,
            PermitStatus::Revoked,
        ]);
        if entry.status() == status {
            return;
        }
        let e = PermitStated {
            party: party(holder),
            number,
            status: status.into(),
            reason: "looked at".into(),
        };
        if self.said_by_power_over(home(holder), Body::PermitStated(e)) {
            entry.status = status.into();
            self.entered.permit(holder, entry);
        }
    }

    fn vehicle(&mut self) {
        let plates = [
            TRUCKS[0], TRUCKS[1], TRUCKS[2], TRAILER, WAGONS[0], WAGONS[1],
        ];
        let plate = self.pick(&plates);
        let kind = match plate {
            _ if WAGONS.contains(&plate) => VehicleKind::TankWagon,
            TRAILER => VehicleKind::Trailer,
            _ if plate == TRUCKS[2] => VehicleKind::Truck,
            _ => VehicleKind::TankTruck,
        };
        let is_tank = matches!(kind, VehicleKind::TankWagon | VehicleKind::TankTruck);
        let mut e = VehicleRegistered {
            kind: kind.into(),
            ..rulebook::vehicle(plate)
        };
        if !is_tank {
            e.tank = String::new();
        }
        e.certificate_until_ms = self.until();
        // A wagon need not have one of the road.
        if WAGONS.contains(&plate) && self.chance(0.5) {
            e.certificate_until_ms = 0;
        }
        e.inspection_until_ms = self.until();
        let media: [&[&str]; 4] = [&["NACN-1689", "AN-1942"], &["NACN-1689"], &["AN-1942"], &[]];
        e.media = self.pick(&media).iter().map(|m| (*m).to_owned()).collect();
        self.b
            .say("C1", Body::VehicleRegistered(e.clone()))
            .unwrap();
        self.entered.vehicle(e);
    }

    /// Valid until then; now and then not at all.
    fn until(&mut self) -> i64 {
        match self.dice.random_range(0..8) {
            0 => 0,
            1..=3 => self.moment(),
            _ => self.b.now + 20 * DAY,
        }
    }

    fn person(&mut self) {
        let who = self.pick(&CREW);
        let mut e = rulebook::person(who, QualificationKind::Driver);
        e.qualifications.clear();
        for kind in [QualificationKind::Driver, QualificationKind::Escort] {
            if self.chance(0.7) {
                let from_ms = if self.chance(0.1) {
                    self.b.now
                } else {
                    START_MS - DAY
                };
                e.qualifications.push(Qualification {
                    kind: kind.into(),
                    from_ms,
                    until_ms: self.until().max(from_ms + 1),
                    withdrawn: self.chance(0.1),
                });
            }
        }
        self.b.say("C1", Body::PersonRegistered(e.clone())).unwrap();
        self.entered.person(who, e);
    }

    /// The plant goes on, or disposes of its stock.
    fn status(&mut self) {
        let statuses = [
            PartyStatus::Active,
            PartyStatus::Active,
            PartyStatus::Closing,
            PartyStatus::Converting,
            PartyStatus::Relocating,
        ];
        let status = self.pick(&statuses);
        self.b.say("A1", party_at_home('P', status)).unwrap();
        self.entered.disposes_of_stock = status != PartyStatus::Active;
    }

    fn blacklist(&mut self) {
        let letter = self.pick(&['M', 'W', 'C']);
        let is_listed = self.entered.listed.contains_key(&letter);
        let lifted = is_listed && self.chance(0.7);
        let mut e = Blacklisted {
            party: party(letter),
            order: "BL-1".into(),
            grounds: "sold without a permit".into(),
            lifted,
            ..Blacklisted::default()
        };
        if !lifted {
            e.from_ms = self.b.now + self.dice.random_range(-DAY..=DAY);
            let ends = self.chance(0.7);
            e.until_ms = if ends { e.from_ms + 2 * DAY } else { 0 };
        }
        if self.said_by_power_over(home(letter), Body::Blacklisted(e.clone())) {
            self.entered.listed.remove(&letter);
            if !lifted {
                self.entered.listed.insert(letter, e);
            }
        }
    }

    /// Seals something, or releases it.
    fn seal(&mut self) {
        if let Some(thing) = self.entered.seals.pop_first() {
            let what = match &thing {
                Thing::Lot(lot) => unsealed::What::Lot(self.b.id(lot)),
                Thing::Place(letter) => unsealed::What::Place(place_of(*letter)),
                Thing::Party(letter) => unsealed::What::Party(party(*letter)),
                Thing::Vehicle(plate) => unsealed::What::Vehicle((*plate).to_owned()),
            };
            let e = hazledger::pb::Unsealed {
                what: Some(what),
                order: "YJ-1".into(),
                reason: "it is in order".into(),
            };
            self.b.say("A1", Body::Unsealed(e)).unwrap();
            return;
        }
        let things = [
            Thing::Lot("other"),
            Thing::Lot("an"),
            Thing::Place('W'),
            Thing::Place('M'),
            Thing::Party('W'),
            Thing::Vehicle(TRUCKS[0]),
        ];
        let thing = self.pick(&things);
        let what = match &thing {
            Thing::Lot(lot) => sealed::What::Lot(SealedLot {
                lot: self.b.id(lot),
                ..SealedLot::default()
            }),
            Thing::Place(letter) => sealed::What::Place(place_of(*letter)),
            Thing::Party(letter) => sealed::What::Party(party(*letter)),
            Thing::Vehicle(plate) => sealed::What::Vehicle((*plate).to_owned()),
        };
        if let Thing::Vehicle(plate) = &thing
            && self.entered.vehicle_of(plate).is_none()
        {
            return;
        }
        let e = hazledger::pb::Sealed {
            what: Some(what),
            order: "YJ-1".into(),
            reason: "no permit for the store".into(),
            documents: Vec::new(),
        };
        self.b.say("A1", Body::Sealed(e)).unwrap();
        self.entered.seals.insert(thing);
    }

    /// The disposer's group is an agency too, in this territory or that, or no
    /// more.
    fn agency(&mut self) {
        let territory = self.pick(&[None, Some("150000"), Some("150200"), Some("110000")]);
        let e = AgencyRegistered {
            party: party('D'),
            agency: "PS".into(),
            stages: vec![Stage::Trade.into()],
            territory: territory.unwrap_or("150000").into(),
            withdrawn: territory.is_none(),
        };
        self.b.say("A1+A2", Body::AgencyRegistered(e)).unwrap();
        self.entered.agency = territory;
    }
}

fn place_of(letter: char) -> SealedPlace {
    SealedPlace {
        party: party(letter),
        place: "T1".into(),
    }
}
