//! Words of the rule book: packs, permits, vehicles, persons.
#![allow(
    dead_code,
    reason = "each test crate that uses the words needs another part of them"
)]

use hazledger::pb::event::Body as B;
use hazledger::pb::{
    HazardSourceFiled, MassBasis, PackPublished, ParkRegistered, PermitKind, PermitRegistered,
    PermitStatus, PersonRegistered, ProductRegistered, Qualification, QualificationKind,
    Responsible, RuleKind, RuleLine, RuleMode, VehicleKind, VehicleRegistered,
};

use super::bench::{Answer, Bench, DAY, START_MS, hash, party};
use super::verbs::mg;

/// Far from anything that the tables look at.
pub const LONG_AGO: i64 = START_MS - 400 * DAY;
pub const FAR: i64 = START_MS + 400 * DAY;

/// A rule for these substances (`AN NACN`; none: all).
pub fn rule(rule: RuleKind, mode: RuleMode, substances: &str) -> RuleLine {
    RuleLine {
        rule: rule.into(),
        mode: mode.into(),
        substances: substances.split_whitespace().map(Into::into).collect(),
        complete: true,
        ..RuleLine::default()
    }
}

/// A pack for the whole country, in force since long ago.
pub fn pack(lines: Vec<RuleLine>) -> PackPublished {
    PackPublished {
        pack: "national".into(),
        name_zh: "国家规则".into(),
        name_en: "National rules".into(),
        region: "100000".into(),
        from_ms: LONG_AGO,
        until_ms: 0,
        lines,
        sources: Vec::new(),
    }
}

/// A permit of a party's for everything, granted, without a quantity.
pub fn permit(letter: char, number: &str, kind: PermitKind) -> PermitRegistered {
    PermitRegistered {
        party: party(letter),
        number: number.into(),
        kind: kind.into(),
        issuer: "呼和浩特市公安局".into(),
        status: PermitStatus::Granted.into(),
        basis: MassBasis::Gross.into(),
        from_ms: LONG_AGO,
        until_ms: FAR,
        ..PermitRegistered::default()
    }
}

/// A tank truck of the carrier's for all that the tables carry.
pub fn vehicle(plate: &str) -> VehicleRegistered {
    VehicleRegistered {
        party: party('C'),
        vehicle: plate.into(),
        kind: VehicleKind::TankTruck.into(),
        plate_colour: "黄色".into(),
        operating_certificate: "蒙交运管150100001".into(),
        certificate_until_ms: FAR,
        tank: "TANK-1".into(),
        inspection_until_ms: FAR,
        media: vec!["NACN-1689".into(), "AN-1942".into()],
        capacity_mg: mg("30000"),
    }
}

/// A person of the carrier's with one qualification.
pub fn person(who: &str, kind: QualificationKind) -> PersonRegistered {
    PersonRegistered {
        party: party('C'),
        person: hash(who),
        qualifications: vec![Qualification {
            kind: kind.into(),
            from_ms: LONG_AGO,
            until_ms: FAR,
            withdrawn: false,
        }],
    }
}

impl Bench {
    /// A national pack, by both authorities.
    pub fn publish(&mut self, lines: Vec<RuleLine>) -> Answer {
        self.say("A1+A2", B::PackPublished(pack(lines)))
    }

    /// A pack of one rule that refuses, in force from a time on.
    pub fn publish_from(&mut self, from_ms: i64, lines: Vec<RuleLine>) -> Answer {
        let pack = PackPublished {
            from_ms,
            ..pack(lines)
        };
        self.say("A1+A2", B::PackPublished(pack))
    }
}

/// A product of the plant's.
pub fn product() -> ProductRegistered {
    ProductRegistered {
        party: party('P'),
        registration: "1501100001".into(),
        form: "NACN-1689".into(),
        safety_information_code: "https://nrcc.example/1501100001".into(),
        data_sheet_version: "3".into(),
        data_sheet_hash: hash("sheet"),
        label_version: "3".into(),
        label_hash: hash("label"),
        advice_line: "0471-1234567".into(),
        until_ms: FAR,
    }
}

pub fn park() -> ParkRegistered {
    ParkRegistered {
        park: "PARK-1".into(),
        name_zh: "化工园区".into(),
        name_en: "Chemical park".into(),
        region: "150100".into(),
        assessed_ms: LONG_AGO,
        assessment_until_ms: FAR,
        risk_grade: "C".into(),
        assessment_hash: hash("assessment"),
    }
}

pub fn responsible() -> Responsible {
    Responsible {
        post: "主要负责人".into(),
        person: hash("director"),
        duty_telephone: "0471-7654321".into(),
    }
}

/// The plant's unit, filed as a major hazard source.
pub fn source() -> HazardSourceFiled {
    HazardSourceFiled {
        party: party('P'),
        unit: "U".into(),
        level: 2,
        filing: "BA-1".into(),
        filed_ms: LONG_AGO,
        until_ms: FAR,
        responsible: Some(responsible()),
        assessment_hash: hash("assessment"),
    }
}
