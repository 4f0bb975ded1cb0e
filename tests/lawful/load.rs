//! The opinion on a load: its vehicles, tanks, crew, pass, checks and papers.

use hazledger::pb::{
    LoadingChecks, MassBasis, PermitKind, PermitStatus, QualificationKind, RuleKind, RuleLine,
    VehicleKind, VehicleRegistered,
};

use super::entered::Goods;
use super::hands::{names, pass_of};
use super::opinion::{Known, Opinion, Setting};

/// What goes by road or rail.
#[derive(Clone, Debug)]
pub struct Load {
    pub by_rail: bool,
    pub giver: char,
    pub carrier: char,
    pub consignee: char,
    /// Plates and wagons, the trailer's too.
    pub vehicles: Vec<String>,
    /// Driver, escort.
    pub crew: Vec<String>,
    pub road_pass: String,
    pub goods: Vec<Goods>,
}

/// Of several the worst: one that is known to be bad before one that is not
/// known.
fn worst(all: impl Iterator<Item = Known>) -> Known {
    let mut worst = Known::Good;
    for known in all {
        worst = match (worst, known) {
            (Known::Bad, _) | (_, Known::Bad) => Known::Bad,
            (Known::Good, other) => other,
            (doubtful, _) => doubtful,
        };
    }
    worst
}

fn is_wagon(vehicle: &VehicleRegistered) -> bool {
    matches!(vehicle.kind(), VehicleKind::Wagon | VehicleKind::TankWagon)
}

fn is_tank(vehicle: &VehicleRegistered) -> bool {
    let kinds = [
        VehicleKind::TankTruck,
        VehicleKind::TankTrailer,
        VehicleKind::TankWagon,
    ];
    kinds.contains(&vehicle.kind()) || !vehicle.tank.is_empty()
}

impl Opinion<'_> {
    fn certificate(&self, load: &Load, at: i64) -> Known {
        let each = load.vehicles.iter().map(|plate| {
            let Some(vehicle) = self.entered.vehicle_of(plate) else {
                return Known::Nothing;
            };
            match vehicle.certificate_until_ms {
                0 if is_wagon(vehicle) => Known::Nothing,
                until_ms => Known::good_if(at < until_ms),
            }
        });
        worst(each)
    }

    fn tanks(&self, load: &Load) -> Vec<&VehicleRegistered> {
        let plates = load.vehicles.iter();
        let known = plates.filter_map(|plate| self.entered.vehicle_of(plate));
        known.filter(|vehicle| is_tank(vehicle)).collect()
    }

    fn inspection(&self, load: &Load, at: i64) -> Known {
        let each = self
            .tanks(load)
            .into_iter()
            .map(|tank| match tank.inspection_until_ms {
                0 => Known::Nothing,
                until_ms => Known::good_if(at < until_ms),
            });
        worst(each)
    }

    /// Each form in bulk is one that some tank may hold.
    fn media(&self, load: &Load) -> Known {
        let tanks = self.tanks(load);
        let all_listed = tanks.iter().all(|tank| !tank.media.is_empty());
        let bulk = load.goods.iter().filter(|one| one.loose);
        let each = bulk.map(|one| {
            let may = |tank: &&VehicleRegistered| tank.media.iter().any(|m| m == one.form);
            match (tanks.is_empty() || tanks.iter().any(may), all_listed) {
                (true, _) => Known::Good,
                (_, true) => Known::Bad,
                _ => Known::Nothing,
            }
        });
        worst(each)
    }

    fn qualification(&self, load: &Load, kind: QualificationKind, at: i64) -> Known {
        let of_kind = self.entered.qualified(&load.crew, kind);
        let each = of_kind
            .iter()
            .map(|q| Known::good_if(!q.withdrawn && (q.from_ms..q.until_ms).contains(&at)));
        each.max().unwrap_or(Known::Nothing)
    }

    fn pass(&self, load: &Load, one: &Goods, how_much: bool, at: i64) -> Known {
        if load.road_pass.is_empty() {
            return Known::Bad;
        }
        let Some(pass) = pass_of(self, &load.road_pass, [load.giver, load.consignee]) else {
            return Known::Nothing;
        };
        let same = load
            .goods
            .iter()
            .filter(|g| g.substance() == one.substance());
        let mass: i64 = match pass.basis() {
            MassBasis::Contained => same.map(|g| g.contained_mg).sum(),
            _ => same.map(|g| g.gross_mg).sum(),
        };
        let named = pass.road_pass.clone().unwrap_or_default();
        let status = pass.status();
        let fits = pass.kind() == PermitKind::HighlyToxicRoadPass
            && matches!(status, PermitStatus::Granted | PermitStatus::Unconfirmed)
            && (pass.from_ms..pass.until_ms).contains(&at)
            && (pass.substances.is_empty() || pass.substances.iter().any(|s| s == one.substance()))
            && !(how_much && pass.quantity_mg > 0 && mass > pass.quantity_mg)
            && names(&named.carrier, load.carrier)
            && names(&named.consignee, load.consignee)
            && (named.vehicle.is_empty() || load.vehicles.contains(&named.vehicle));
        match (fits, status) {
            (true, PermitStatus::Unconfirmed) => Known::Claimed,
            _ => Known::good_if(fits),
        }
    }

    /// What the registry tells of a load. `how_much`: what goes is asked; on
    /// its way it is no more.
    pub fn load(&mut self, setting: &Setting, load: &Load, how_much: bool) {
        let entered = self.entered;
        let alone = || Opinion::new(entered);
        let goods = &load.goods;
        let known = |_: &RuleLine, at: i64, _: &Goods| alone().certificate(load, at);
        self.judge_each(setting, RuleKind::VehicleCertificate, goods, known);
        let known = |_: &RuleLine, at: i64, _: &Goods| alone().inspection(load, at);
        self.judge_each(setting, RuleKind::TankInspection, goods, known);
        let known = |_: &RuleLine, _: i64, _: &Goods| alone().media(load);
        self.judge_each(setting, RuleKind::TankMedia, goods, known);
        // Nobody drives a train for the carrier, and it needs no pass.
        if load.by_rail {
            return;
        }
        let kinds = [
            (RuleKind::DriverQualification, QualificationKind::Driver),
            (RuleKind::EscortQualification, QualificationKind::Escort),
        ];
        for (rule, kind) in kinds {
            let known = |_: &RuleLine, at: i64, _: &Goods| alone().qualification(load, kind, at);
            self.judge_each(setting, rule, goods, known);
        }
        let known = |_: &RuleLine, at: i64, one: &Goods| alone().pass(load, one, how_much, at);
        self.judge_each(setting, RuleKind::RoadPass, goods, known);
    }

    /// What the giver says before loading: by road its checks, all of them, by
    /// a person, and none that the registry knows better; and that data sheet
    /// and label go with the goods.
    pub fn words(
        &mut self,
        setting: &Setting,
        load: &Load,
        checks: Option<&LoadingChecks>,
        passed_on: bool,
    ) {
        let known = |_: &RuleLine, _: i64, _: &Goods| Known::good_if(passed_on);
        self.judge_each(setting, RuleKind::PapersPassedOn, &load.goods, known);
        if load.by_rail {
            return;
        }
        let entered = self.entered;
        let known = |_: &RuleLine, at: i64, _: &Goods| {
            let alone = Opinion::new(entered);
            let stated = checks.is_some_and(|c| {
                c.vehicle && c.crew && c.tank && c.goods && c.papers && !c.by.is_empty()
            });
            let registry = [
                alone.certificate(load, at),
                alone.inspection(load, at),
                alone.media(load),
                alone.qualification(load, QualificationKind::Driver, at),
                alone.qualification(load, QualificationKind::Escort, at),
            ];
            Known::good_if(stated && !registry.contains(&Known::Bad))
        };
        self.judge_each(setting, RuleKind::LoadingChecks, &load.goods, known);
    }

    /// Fields that a paper lacks at an offer. `sure`: one of them at least is
    /// surely mandatory; else they are found only.
    pub fn fields(&mut self, setting: &Setting, rule: RuleKind, goods: &[Goods], lacking: Lacking) {
        let setting = Setting {
            can_be_refused: setting.can_be_refused && lacking == Lacking::Surely,
            ..setting.clone()
        };
        // One finding for all that goes, by the first of it that is asked.
        let first = goods.iter().find(|one| {
            let lines = self
                .entered
                .lines(rule, Some(one.form), &setting.regions, &setting.times);
            !lines.is_empty()
        });
        if let Some(one) = first {
            let known = |_: &RuleLine, _: i64| Known::good_if(lacking == Lacking::Nothing);
            self.judge(&setting, rule, Some(one.form), known);
        }
    }
}

/// What a paper lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacking {
    Nothing,
    /// Fields of which the sources are not sure.
    Perhaps,
    Surely,
}
