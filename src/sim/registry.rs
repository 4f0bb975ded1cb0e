//! Who may do what, as records: agencies with their territory, parks, permits
//! in every state, products, hazard sources. Each entry by who may make it.

use super::World;
use super::cast::Who;
use super::fleet::Valid;
use super::goods::{CELLULOSE, CYANIDE, CYANIDE_SOLUTION, NITRATE, Product};
use super::setup::public;
use super::world::Said;
use crate::pb::event::Body;
use crate::pb::{
    AgencyRegistered, HazardSourceFiled, MassBasis, ParkRegistered, PartyRegistered, PartyStatus,
    PermitKind, PermitRegistered, PermitStated, PermitStatus, ProductRegistered, Responsible,
    RoadPass, Stage,
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Permits of the world hold since so many days before it begins.
const PERMIT_AGE_DAYS: i64 = 300;
/// The chemical park that the nitrate plants lie in.
pub(super) const PARK: &str = "OTOG-PARK";

/// Who answers for something, with a post's telephone.
pub(super) fn phone(who: &Who) -> String {
    let sum: u32 = who.code.bytes().map(u32::from).sum();
    format!("0471-8{:06}", 100_000 + sum % 800_000)
}

/// Where a party is, in words.
pub(super) fn address(who: &Who) -> String {
    format!("{} 1 号", who.name_zh)
}

impl World {
    /// Who answers for a post at a party.
    pub(super) fn responsible(&mut self, who: &Who, post: &str) -> Responsible {
        Responsible {
            post: post.to_owned(),
            person: self.hash(),
            duty_telephone: phone(who),
        }
    }

    /// The agencies of cities, and a park.
    pub(super) fn register_agencies(&mut self) {
        let agencies: Vec<Who> = self.cast.agencies.iter().cloned().collect();
        for (who, kind) in agencies.iter().zip(["EM", "PS", "EM"]) {
            let party = self.party_of(who, PartyStatus::Active);
            let key = self.agency_key(who);
            let agency = Body::AgencyRegistered(AgencyRegistered {
                party: who.code.clone(),
                agency: kind.to_owned(),
                stages: [
                    Stage::Production,
                    Stage::Storage,
                    Stage::Use,
                    Stage::Transport,
                ]
                .map(i32::from)
                .to_vec(),
                territory: who.region.to_owned(),
                withdrawn: false,
            });
            let said = self.decree(vec![party, key, agency], "registers an agency of a city");
            self.ready.push_back(said.issued);
        }
        let park = Body::ParkRegistered(ParkRegistered {
            park: PARK.to_owned(),
            name_zh: "演示鄂托克化工园区".to_owned(),
            name_en: "Demo Otog Chemical Park".to_owned(),
            region: "150600".to_owned(),
            assessed_ms: self.span.from_ms.saturating_sub(100 * DAY_MS),
            assessment_until_ms: self.until(Valid::Yes),
            risk_grade: "C".to_owned(),
            assessment_hash: self.hash(),
        });
        let over = self.cast.nitrate_plants.first().clone();
        let said = self.by_agency(&over, vec![park], "registers a chemical park");
        self.ready.push_back(said.issued);
    }

    fn agency_key(&mut self, who: &Who) -> Body {
        let mut key = self.person_key(who, public(&who.first));
        key.holder_commitment = self.hash();
        Body::KeyRegistered(key)
    }

    /// A party as agencies register it.
    pub(super) fn party_of(&mut self, who: &Who, status: PartyStatus) -> Body {
        Body::PartyRegistered(PartyRegistered {
            party: who.code.clone(),
            name_zh: who.name_zh.to_owned(),
            name_en: who.name_en.to_owned(),
            stages: who.stages.iter().map(|s| i32::from(*s)).collect(),
            status: status.into(),
            region: who.region.to_owned(),
            responsible: vec![self.responsible(who, "主要负责人")],
        })
    }

    /// An act of the agency over a party: the city's, or one of genesis.
    pub(super) fn by_agency(&mut self, over: &Who, bodies: Vec<Body>, what: &'static str) -> Said {
        let of_city = |a: &&Who| a.region == over.region;
        let found = self.cast.agencies.iter().find(of_city).cloned();
        let Some(agency) = found.filter(|_| self.rule_book) else {
            return self.order(bodies, what);
        };
        let id = self.fresh_id();
        let draft = self.draft(&agency, id, bodies);
        World::signed(&draft, &agency.first, &[], what)
    }

    /// A permit without a quantity, for all substances named.
    pub(super) fn permit(
        &mut self,
        who: &Who,
        number: &str,
        kind: PermitKind,
        status: PermitStatus,
    ) -> PermitRegistered {
        PermitRegistered {
            party: who.code.clone(),
            number: number.to_owned(),
            kind: kind.into(),
            issuer: "演示发证机关 Demo issuer".to_owned(),
            status: status.into(),
            substances: Vec::new(),
            stages: Vec::new(),
            quantity_mg: 0,
            basis: MassBasis::Gross.into(),
            from_ms: self.span.from_ms.saturating_sub(PERMIT_AGE_DAYS * DAY_MS),
            until_ms: self.until(Valid::Yes),
            photograph_hash: self.hash(),
            road_pass: None,
        }
    }

    /// The kinds of permits that a party trades by.
    fn kinds_of(&self, who: &Who) -> Vec<PermitKind> {
        use PermitKind as K;
        let cast = &self.cast;
        let is = |group: &super::Group| group.has(who);
        if is(&cast.nitrate_plants) {
            vec![K::CivilExplosivesProduction, K::SafeProduction]
        } else if is(&cast.cyanide_plants) || is(&cast.cellulose_plants) {
            vec![K::SafeProduction]
        } else if is(&cast.importers) {
            vec![K::Trade, K::CivilExplosivesSale]
        } else if is(&cast.warehouses) {
            vec![K::Trade]
        } else if is(&cast.railways) {
            vec![K::RailTransport]
        } else if is(&cast.carriers) {
            vec![K::RoadTransport]
        } else if is(&cast.disposers) {
            vec![K::WasteOperation]
        } else {
            vec![K::SafeUse]
        }
    }

    /// The number of a party's licence, as its papers name it.
    pub(super) fn licence(who: &Who) -> String {
        format!("{}-{}-2024-01", who.letters, who.region)
    }

    /// A party's licences: what it has on paper it enters itself, with a
    /// photograph, and the agency confirms it; the others the agency enters.
    pub(super) fn license(&mut self, who: &Who) {
        let number = World::licence(who);
        let on_paper = self.cast.paint_makers.has(who) || self.cast.disposers.has(who);
        for (at, kind) in self.kinds_of(who).into_iter().enumerate() {
            let number = match at {
                0 => number.clone(),
                _ => format!("{number}-{at}"),
            };
            let status = if on_paper {
                PermitStatus::Unconfirmed
            } else {
                PermitStatus::Granted
            };
            let permit = Body::PermitRegistered(self.permit(who, &number, kind, status));
            let said = if on_paper {
                self.say(who, vec![permit], "enters its permit, with a photograph")
            } else {
                self.by_agency(who, vec![permit], "grants a permit")
            };
            self.ready.push_back(said.issued);
            if on_paper {
                self.state_permit(who, &number, PermitStatus::Granted, "confirms a permit");
            }
        }
    }

    /// An agency gives a permit another state.
    pub(super) fn state_permit(
        &mut self,
        who: &Who,
        number: &str,
        status: PermitStatus,
        what: &'static str,
    ) {
        let stated = Body::PermitStated(PermitStated {
            party: who.code.clone(),
            number: number.to_owned(),
            status: status.into(),
            reason: "演示 demo".to_owned(),
        });
        let said = self.by_agency(who, vec![stated], what);
        self.ready.push_back(said.issued);
    }

    /// Licences that were good once: one suspended, one revoked, the others run
    /// out before the world begins.
    pub(super) fn lapsed_licences(&mut self) {
        use PermitKind as K;
        let haulier = self.cast.lapsed_carriers.first().clone();
        let laboratory = self.cast.laboratories.first().clone();
        let ended = self.until(Valid::Ended);
        for (who, number, kind) in [
            (&haulier, "JT-2021-01", K::RoadTransport),
            (&laboratory, "HR-2021-01", K::SafeUse),
            (&laboratory, "HR-2021-02", K::WasteOperation),
            (&laboratory, "HR-2021-03", K::Trade),
        ] {
            let mut permit = self.permit(who, number, kind, PermitStatus::Granted);
            if number == "HR-2021-02" {
                permit.until_ms = ended;
            }
            let said = self.by_agency(who, vec![Body::PermitRegistered(permit)], "grants a permit");
            self.ready.push_back(said.issued);
        }
        let suspended = PermitStatus::Suspended;
        self.state_permit(&haulier, "JT-2021-01", suspended, "suspends a permit");
        for number in ["HR-2021-01", "HR-2021-03"] {
            let revoked = PermitStatus::Revoked;
            self.state_permit(&laboratory, number, revoked, "revokes a permit");
        }
    }

    /// Products, by their makers and importers.
    pub(super) fn register_products(&mut self) {
        let cast = self.cast.clone();
        for (who, products) in [
            (
                cast.cyanide_plants.first(),
                vec![&CYANIDE, &CYANIDE_SOLUTION],
            ),
            (cast.nitrate_plants.first(), vec![&NITRATE]),
            (cast.nitrate_plants.last(), vec![&NITRATE]),
            (cast.cellulose_plants.first(), vec![&CELLULOSE]),
            (cast.importers.first(), vec![&NITRATE]),
        ] {
            let bodies = products.into_iter().map(|p| self.product(who, p)).collect();
            let said = self.say(who, bodies, "registers its products");
            self.ready.push_back(said.issued);
        }
    }

    fn product(&mut self, who: &Who, product: &Product) -> Body {
        Body::ProductRegistered(ProductRegistered {
            party: who.code.clone(),
            registration: format!("{}1{:05}", who.region, self.number()),
            form: product.form.to_owned(),
            safety_information_code: format!("YQYPYM-{}-{}", who.letters, product.form),
            data_sheet_version: "2026-1".to_owned(),
            data_sheet_hash: self.hash(),
            label_version: "2026-1".to_owned(),
            label_hash: self.hash(),
            advice_line: phone(who),
            until_ms: self.until(Valid::Yes),
        })
    }

    /// A major hazard source, of the unit where a plant stores its goods.
    pub(super) fn file_hazard_source(&mut self, who: &Who) {
        let filed = Body::HazardSourceFiled(HazardSourceFiled {
            party: who.code.clone(),
            unit: who.store.unit.to_owned(),
            level: 2,
            filing: format!("BA-{}-{:04}", who.region, self.number()),
            filed_ms: self.span.from_ms.saturating_sub(PERMIT_AGE_DAYS * DAY_MS),
            until_ms: self.until(Valid::Yes),
            responsible: Some(self.responsible(who, "重大危险源责任人")),
            assessment_hash: self.hash(),
        });
        let said = self.say(who, vec![filed], "files a major hazard source");
        self.ready.push_back(said.issued);
    }

    /// A transport pass for highly toxic goods, with the consignee; what is
    /// left empty it does not name.
    pub(super) fn pass_of(&mut self, consignee: &Who, number: &str, road_pass: RoadPass) -> Body {
        let kind = PermitKind::HighlyToxicRoadPass;
        let permit = self.permit(consignee, number, kind, PermitStatus::Granted);
        Body::PermitRegistered(PermitRegistered {
            substances: vec![CYANIDE.substance.to_owned()],
            road_pass: Some(road_pass),
            ..permit
        })
    }
}
