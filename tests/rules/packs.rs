//! Tables of the registry's other entries, of packs and of a region's lists.

use bytes::Bytes;
use hazledger::pb::event::Body as B;
use hazledger::pb::{
    AgencyRegistered, DesignMaximum, HazardSourceFiled, KeyRegistered, KeyRole, PackPublished,
    PackWithdrawn, ParkRegistered, PartyRegistered, PartyStatus, PermitKind, PermitRegistered,
    PermitStated, PermitStatus, PersonRegistered, ProductRegistered, QualificationKind, RuleKind,
    RuleLine, RuleMode, SiteRegistered, UnitRegistered, VehicleRegistered,
};

use super::bench::{
    Answer, Bench, DAY, HOUR, NOBODY, START_MS, hash, party, register_key, register_party, site,
    unit,
};
use super::rulebook::{
    FAR, LONG_AGO, pack, park, permit, person, product, responsible, rule, source, vehicle,
};
use super::table::Case;
use super::verbs::{mg, zeros};

fn region_pack(region: &str) -> B {
    B::PackPublished(PackPublished {
        pack: "local".into(),
        region: region.into(),
        ..pack(vec![rule(RuleKind::Controlled, RuleMode::Find, "NACN")])
    })
}

pub fn agency(territory: &str) -> B {
    B::AgencyRegistered(AgencyRegistered {
        party: party('D'),
        agency: "PS".into(),
        stages: vec![1],
        territory: territory.into(),
        withdrawn: false,
    })
}

fn permit_of(change: impl FnOnce(&mut PermitRegistered)) -> B {
    let mut e = permit('M', "公剧购字1", PermitKind::HighlyToxicPurchase);
    change(&mut e);
    B::PermitRegistered(e)
}

fn photographed() -> B {
    permit_of(|e| {
        e.status = PermitStatus::Unconfirmed.into();
        e.photograph_hash = hash("photo");
    })
}

fn stated(status: PermitStatus) -> B {
    B::PermitStated(PermitStated {
        party: party('M'),
        number: "公剧购字1".into(),
        status: status.into(),
        reason: "checked".into(),
    })
}

fn vehicle_of(change: impl FnOnce(&mut VehicleRegistered)) -> B {
    let mut e = vehicle("蒙A12345");
    change(&mut e);
    B::VehicleRegistered(e)
}

fn person_of(change: impl FnOnce(&mut PersonRegistered)) -> B {
    let mut e = person("driver", QualificationKind::Driver);
    change(&mut e);
    B::PersonRegistered(e)
}

fn product_of(change: impl FnOnce(&mut ProductRegistered)) -> B {
    let mut e = product();
    change(&mut e);
    B::ProductRegistered(e)
}

fn park_of(change: impl FnOnce(&mut ParkRegistered)) -> B {
    let mut e = park();
    change(&mut e);
    B::ParkRegistered(e)
}

fn source_of(change: impl FnOnce(&mut HazardSourceFiled)) -> B {
    let mut e = source();
    change(&mut e);
    B::HazardSourceFiled(e)
}

fn party_with(change: impl FnOnce(&mut PartyRegistered)) -> B {
    let B::PartyRegistered(mut e) = register_party('M', PartyStatus::Active) else {
        unreachable!("it registers a party")
    };
    change(&mut e);
    B::PartyRegistered(e)
}

fn key_for(role: KeyRole) -> B {
    let mut e: KeyRegistered = register_key("P4", 0, START_MS + DAY);
    e.roles = vec![role.into()];
    B::KeyRegistered(e)
}

fn many_permits(b: &mut Bench, count: usize) {
    for at in 0..count {
        let number = format!("N-{at}");
        b.say("A1", permit_of(|e| e.number = number)).unwrap();
    }
}

#[rustfmt::skip]
pub const ENTRIES: &[Case] = &[
    // Permits: by an authority in any state, by anybody as a photograph.
    ("", |b| b.say("A1", permit_of(|_| ())), "ok"),
    ("", |b| b.say("M1", permit_of(|_| ())), "AUTHORITY_REQUIRED"),
    ("", |b| b.say("M1", photographed()), "ok"),
    ("", |b| b.say("P1", photographed()), "ok"),
    ("", |b| b.say("M1", permit_of(|e| e.status = PermitStatus::Unconfirmed.into())), "FIELD_MISSING"),
    ("", |b| { b.say("A1", permit_of(|_| ())).unwrap(); b.say("P1", photographed()) }, "PERMIT_CONFIRMED"),
    ("", |b| { b.say("P1", photographed()).unwrap(); b.say("M1", photographed()) }, "ok"),
    ("", |b| b.say("A1", permit_of(|e| e.party = party(NOBODY))), "UNKNOWN_PARTY"),
    ("", |b| b.say("A1", permit_of(|e| e.number = "a/b".into())), "FIELD_INVALID"),
    ("", |b| b.say("A1", permit_of(|e| e.kind = 99)), "FIELD_MISSING"),
    ("", |b| b.say("A1", permit_of(|e| e.status = 99)), "FIELD_MISSING"),
    ("", |b| b.say("A1", permit_of(|e| e.issuer.clear())), "FIELD_MISSING"),
    ("", |b| b.say("A1", permit_of(|e| e.substances = vec!["GOLD".into()])), "FIELD_INVALID"),
    ("", |b| b.say("A1", permit_of(|e| e.substances = vec!["AN".into(), "AN".into()])), "FIELD_INVALID"),
    ("", |b| b.say("A1", permit_of(|e| e.stages = vec![0])), "FIELD_INVALID"),
    ("", |b| b.say("A1", permit_of(|e| e.quantity_mg = -1)), "FIELD_INVALID"),
    ("", |b| b.say("A1", permit_of(|e| { e.quantity_mg = 1; e.basis = 0; })), "FIELD_MISSING"),
    ("", |b| b.say("A1", permit_of(|e| e.until_ms = e.from_ms)), "FIELD_INVALID"),
    ("", |b| b.say("A1", permit_of(|e| e.photograph_hash = zeros(31))), "FIELD_INVALID"),
    ("", |b| { many_permits(b, 128); b.say("A1", permit_of(|_| ())) }, "TOO_MANY_PERMITS"),
    ("", |b| { many_permits(b, 128); b.say("A1", permit_of(|e| e.number = "N-0".into())) }, "ok"),
    // Confirmed, suspended, revoked in one act.
    ("", |b| { b.say("M1", photographed()).unwrap(); b.say("A1", stated(PermitStatus::Granted)) }, "ok"),
    ("", |b| { b.say("M1", photographed()).unwrap(); b.say("M1", stated(PermitStatus::Granted)) }, "AUTHORITY_REQUIRED"),
    ("", |b| { b.say("M1", photographed()).unwrap(); b.say("A1", stated(PermitStatus::Unconfirmed)) }, "FIELD_INVALID"),
    ("", |b| { b.say("A1", permit_of(|_| ())).unwrap(); b.say("A1", stated(PermitStatus::Granted)) }, "NO_CHANGE"),
    ("", |b| { b.say("A1", permit_of(|_| ())).unwrap(); b.say("A1", stated(PermitStatus::Revoked)) }, "ok"),
    ("", |b| b.say("A1", stated(PermitStatus::Granted)), "UNKNOWN_PERMIT"),
    // Vehicles and persons: by whom they work for; over to another by both.
    ("", |b| b.say("C1", vehicle_of(|_| ())), "ok"),
    ("", |b| b.say("A1", vehicle_of(|_| ())), "ok"),
    ("", |b| b.say("W1", vehicle_of(|_| ())), "AUTHORITY_REQUIRED"),
    ("", |b| b.say("C1", vehicle_of(|e| e.vehicle = "a/b".into())), "FIELD_INVALID"),
    ("", |b| b.say("C1", vehicle_of(|e| e.kind = 0)), "FIELD_MISSING"),
    ("", |b| b.say("C1", vehicle_of(|e| e.inspection_until_ms = -1)), "FIELD_INVALID"),
    ("", |b| b.say("C1", vehicle_of(|e| e.media = vec!["GOLD-1".into()])), "UNKNOWN_FORM"),
    ("", |b| { b.say("C1", vehicle_of(|_| ())).unwrap(); b.say("W1", vehicle_of(|e| e.party = party('W'))) }, "REGISTERED_ELSEWHERE"),
    ("", |b| { b.say("C1", vehicle_of(|_| ())).unwrap(); b.say("W1+C1", vehicle_of(|e| e.party = party('W'))) }, "ok"),
    ("", |b| { b.say("C1", vehicle_of(|_| ())).unwrap(); b.say("A1", vehicle_of(|e| e.party = party('W'))) }, "ok"),
    ("", |b| b.say("C1", person_of(|_| ())), "ok"),
    ("", |b| b.say("C1", person_of(|e| e.person = zeros(31))), "FIELD_INVALID"),
    ("", |b| b.say("C1", person_of(|e| e.qualifications[0].kind = 0)), "FIELD_MISSING"),
    ("", |b| b.say("C1", person_of(|e| e.qualifications[0].until_ms = LONG_AGO)), "FIELD_INVALID"),
    ("", |b| { b.say("C1", person_of(|_| ())).unwrap(); b.say("W1", person_of(|e| e.party = party('W'))) }, "REGISTERED_ELSEWHERE"),
    // Products: papers and a line that somebody answers day and night.
    ("", |b| b.say("P1", product_of(|_| ())), "ok"),
    ("", |b| b.say("W1", product_of(|_| ())), "AUTHORITY_REQUIRED"),
    ("", |b| b.say("P1", product_of(|e| e.form = "GOLD-1".into())), "UNKNOWN_FORM"),
    ("", |b| b.say("P1", product_of(|e| e.data_sheet_hash = Bytes::new())), "FIELD_INVALID"),
    ("", |b| b.say("P1", product_of(|e| e.advice_line.clear())), "FIELD_MISSING"),
    ("", |b| b.say("P1", product_of(|e| e.advice_line = "13812345678".into())), "PERSONAL_DATA"),
    ("", |b| b.say("P1", product_of(|e| e.advice_line = "ask anybody".into())), "FIELD_INVALID"),
    // Parks, and sites in them.
    ("", |b| b.say("A1", park_of(|_| ())), "ok"),
    ("", |b| b.say("P1", park_of(|_| ())), "AUTHORITY_REQUIRED"),
    ("", |b| b.say("A1", park_of(|e| e.risk_grade = "E".into())), "FIELD_INVALID"),
    ("", |b| b.say("A1", park_of(|e| e.assessment_until_ms = 0)), "FIELD_INVALID"),
    ("", |b| b.say("P1", B::SiteRegistered(SiteRegistered { park: "PARK-1".into(), ..site('P') })), "UNKNOWN_PARK"),
    ("", |b| { b.say("A1", park_of(|_| ())).unwrap(); b.say("P1", B::SiteRegistered(SiteRegistered { park: "PARK-1".into(), responsible: Some(responsible()), ..site('P') })) }, "ok"),
    ("", |b| b.say("P1", B::SiteRegistered(SiteRegistered { latitude_e6: 91_000_000, ..site('P') })), "FIELD_INVALID"),
    ("", |b| b.say("P1", B::SiteRegistered(SiteRegistered { floor_plan_hash: zeros(31), ..site('P') })), "FIELD_INVALID"),
    // Units: what they are designed for; their filing as a hazard source.
    ("", |b| b.say("P1", B::UnitRegistered(UnitRegistered { design_maxima: vec![DesignMaximum { substance: "AN".into(), gross_mg: 1 }], ..unit('P') })), "ok"),
    ("", |b| b.say("P1", B::UnitRegistered(UnitRegistered { design_maxima: vec![DesignMaximum { substance: "AN".into(), gross_mg: 0 }], ..unit('P') })), "MASS_NOT_POSITIVE"),
    ("", |b| b.say("P1", B::UnitRegistered(UnitRegistered { design_maxima: vec![DesignMaximum { substance: "GOLD".into(), gross_mg: 1 }], ..unit('P') })), "FIELD_INVALID"),
    ("", |b| b.say("P1", source_of(|_| ())), "ok"),
    ("", |b| b.say("P1", source_of(|e| e.unit = "U9".into())), "UNKNOWN_UNIT"),
    ("", |b| b.say("P1", source_of(|e| e.level = 5)), "FIELD_INVALID"),
    ("", |b| b.say("P1", source_of(|e| e.responsible = None)), "FIELD_MISSING"),
    // Who answers for a party; one that is closing takes nothing in.
    ("", |b| b.say("A1", party_with(|e| e.responsible = vec![responsible()])), "ok"),
    ("", |b| b.say("A1", party_with(|e| e.responsible = vec![responsible(); 17])), "FIELD_INVALID"),
    ("", |b| b.say("A1", party_with(|e| e.status = 99)), "FIELD_MISSING"),
    ("stock", |b| { b.say("A1", party_with(|e| e.status = PartyStatus::Closing.into())).unwrap(); b.say("P1", B::Offered(b.offered('M', "T1", &["stock 5"]))) }, "PARTY_NOT_ACTIVE"),
    ("stock", |b| { b.say("A1", party_with(|e| e.status = PartyStatus::Relocating.into())).unwrap(); b.say("P1", B::Offered(b.offered('M', "T1", &["stock 5"]))) }, "ok"),
    ("", |b| { b.say("A1", party_with(|e| e.status = PartyStatus::Closing.into())).unwrap(); b.say("M1", B::Imported(b.imported("x", "5", "T1"))) }, "PARTY_NOT_ACTIVE"),
    // A key with roles signs what its roles are for.
    ("", |b| { b.say("A1+A2", key_for(KeyRole::Production)).unwrap(); b.say("P4", B::Produced(b.produced("x", "5", "T1"))) }, "ok"),
    ("", |b| { b.say("A1+A2", key_for(KeyRole::Transport)).unwrap(); b.say("P4", B::Produced(b.produced("x", "5", "T1"))) }, "KEY_LACKS_ROLE"),
    ("", |b| { b.say("A1+A2", key_for(KeyRole::Unspecified)) }, "FIELD_INVALID"),
    // Agencies: a root act; then they have power over their territory.
    ("", |b| b.say("A1+A2", agency("150000")), "ok"),
    ("", |b| b.say("A1", agency("150000")), "AUTHORITY_REQUIRED"),
    ("", |b| b.say("A1+A2", B::AgencyRegistered(AgencyRegistered { agency: "XX".into(), party: party('D'), territory: "150000".into(), ..AgencyRegistered::default() })), "FIELD_INVALID"),
    ("", |b| { b.say("A1+A2", agency("150000")).unwrap(); b.say("D1", permit_of(|_| ())) }, "ok"),
    ("", |b| { b.say("A1+A2", agency("150200")).unwrap(); b.say("D1", permit_of(|_| ())) }, "AUTHORITY_REQUIRED"),
    ("", |b| { b.say("A1+A2", agency("150000")).unwrap(); b.say("D1", B::AgencyRegistered(AgencyRegistered { agency: "PS".into(), party: party('D'), territory: "100000".into(), ..AgencyRegistered::default() })) }, "AUTHORITY_REQUIRED"),
];

#[rustfmt::skip]
pub const PACKS: &[Case] = &[
    ("", |b| b.publish(vec![rule(RuleKind::Controlled, RuleMode::Find, "")]), "ok"),
    ("", |b| b.say("A1", B::PackPublished(pack(vec![rule(RuleKind::Controlled, RuleMode::Find, "")]))), "AUTHORITY_REQUIRED"),
    ("", |b| b.publish(Vec::new()), "FIELD_INVALID"),
    ("", |b| b.publish(vec![rule(RuleKind::Unspecified, RuleMode::Find, "")]), "FIELD_MISSING"),
    ("", |b| b.publish(vec![rule(RuleKind::Controlled, RuleMode::Unspecified, "")]), "FIELD_MISSING"),
    ("", |b| b.publish(vec![rule(RuleKind::Controlled, RuleMode::Find, "GOLD")]), "FIELD_INVALID"),
    ("", |b| b.publish(vec![RuleLine { limit: -1, ..rule(RuleKind::Restricted, RuleMode::Find, "") }]), "FIELD_INVALID"),
    ("", |b| b.publish(vec![RuleLine { permits: vec![0], ..rule(RuleKind::Restricted, RuleMode::Find, "") }]), "FIELD_INVALID"),
    ("", |b| b.say("A1+A2", B::PackPublished(PackPublished { until_ms: LONG_AGO, ..pack(vec![rule(RuleKind::Controlled, RuleMode::Find, "")]) })), "FIELD_INVALID"),
    ("", |b| b.publish(vec![RuleLine { forms: vec!["NACN-1689".into()], ..rule(RuleKind::Controlled, RuleMode::Find, "") }]), "ok"),
    ("", |b| b.publish(vec![RuleLine { forms: vec!["GOLD-1".into()], ..rule(RuleKind::Controlled, RuleMode::Find, "") }]), "UNKNOWN_FORM"),
    ("", |b| b.publish(vec![RuleLine { forms: vec!["NACN-1689".into(); 65], ..rule(RuleKind::Controlled, RuleMode::Find, "") }]), "FIELD_INVALID"),
    // Over a territory: by one with power over it.
    ("", |b| b.say("A1", region_pack("150100")), "ok"),
    ("", |b| b.say("P1", region_pack("150100")), "AUTHORITY_REQUIRED"),
    ("", |b| { b.say("A1+A2", agency("150100")).unwrap(); b.say("D1", region_pack("150122")) }, "ok"),
    ("", |b| { b.say("A1+A2", agency("150100")).unwrap(); b.say("D1", region_pack("150000")) }, "AUTHORITY_REQUIRED"),
    ("", |b| { b.say("A1", region_pack("150100")).unwrap(); b.say("A1", region_pack("150200")) }, "FIELD_INVALID"),
    ("", |b| { for i in 0..64 { b.publish_from(LONG_AGO + i, vec![rule(RuleKind::Controlled, RuleMode::Find, "")]).unwrap(); } b.publish(vec![rule(RuleKind::Wetting, RuleMode::Find, "")]) }, "ok"),
    ("", |b| { for i in 0..64 { b.publish_from(LONG_AGO + i, vec![rule(RuleKind::Controlled, RuleMode::Find, "")]).unwrap(); } b.publish_from(START_MS, vec![rule(RuleKind::Wetting, RuleMode::Find, "")]) }, "TOO_MANY_PACKS"),
    // Withdrawn: from now on, never for what has been.
    ("", |b| { b.publish(vec![rule(RuleKind::Controlled, RuleMode::Find, "")]).unwrap(); let until_ms = b.now; b.say("A1+A2", B::PackWithdrawn(PackWithdrawn { pack: "national".into(), until_ms, reason: "replaced".into() })) }, "ok"),
    ("", |b| { b.publish(vec![rule(RuleKind::Controlled, RuleMode::Find, "")]).unwrap(); let until_ms = b.now; b.say("A1", B::PackWithdrawn(PackWithdrawn { pack: "national".into(), until_ms, reason: "replaced".into() })) }, "AUTHORITY_REQUIRED"),
    ("", |b| { b.publish(vec![rule(RuleKind::Controlled, RuleMode::Find, "")]).unwrap(); let until_ms = b.now - 1; b.say("A1+A2", B::PackWithdrawn(PackWithdrawn { pack: "national".into(), until_ms, reason: "replaced".into() })) }, "FIELD_INVALID"),
    ("", |b| b.say("A1+A2", B::PackWithdrawn(PackWithdrawn { pack: "national".into(), until_ms: FAR, reason: String::new() })), "UNKNOWN_PACK"),
];

fn offer(b: &mut Bench) -> Answer {
    let offered = b.offered('M', "T1", &["stock 5"]);
    b.name("offer", "P1", B::Offered(offered))
}

/// Of two lots of one substance, in one act.
fn offer_both(b: &mut Bench) -> Answer {
    let offered = b.offered('M', "T1", &["stock 3", "other 2"]);
    b.say("P1", B::Offered(offered))
}

/// Sold to the mine.
fn trade(b: &mut Bench) -> Answer {
    let traded = b.traded('M', &["stock 5"]);
    b.say("P1+M1", B::Traded(traded))
}

/// The same goods at the gate.
fn arrive(b: &mut Bench) -> Answer {
    let accepted = b.accepted("offer", "T1", &["0 take 5"]);
    b.say("M1", B::Accepted(accepted))
}

fn restricted(kilograms: &str) -> Vec<RuleLine> {
    vec![RuleLine {
        limit: mg(kilograms),
        ..rule(RuleKind::Restricted, RuleMode::Refuse, "")
    }]
}

fn listed(rule_: RuleKind, mode: RuleMode) -> Vec<RuleLine> {
    vec![rule(rule_, mode, "NACN")]
}

fn by_form(form: &str, mode: RuleMode) -> Vec<RuleLine> {
    vec![RuleLine {
        forms: vec![form.into()],
        ..rule(RuleKind::Prohibited, mode, "")
    }]
}

use RuleKind::{Controlled, Prohibited};
use RuleMode::{Find, Off, Refuse};

#[rustfmt::skip]
pub const LISTS: &[Case] = &[
    ("stock", |b| { b.publish(listed(Prohibited, Refuse)).unwrap(); offer(b) }, "PROHIBITED"),
    ("stock", |b| { b.publish(listed(Prohibited, Refuse)).unwrap(); trade(b) }, "PROHIBITED"),
    ("stock", |b| { b.publish(listed(Prohibited, Find)).unwrap(); offer(b) }, "ok PROHIBITED"),
    ("stock", |b| { b.publish(listed(Prohibited, Off)).unwrap(); offer(b) }, "ok"),
    ("stock", |b| { b.publish(vec![rule(Prohibited, Refuse, "AN")]).unwrap(); offer(b) }, "ok"),
    ("stock", |b| { b.publish(vec![rule(Prohibited, Refuse, "")]).unwrap(); offer(b) }, "PROHIBITED"),
    // By form: that form alone, and before what is said of its substance.
    ("stock", |b| { b.publish(by_form("NACN-1689", Refuse)).unwrap(); offer(b) }, "PROHIBITED"),
    ("stock", |b| { b.publish(by_form("NACN-3414", Refuse)).unwrap(); offer(b) }, "ok"),
    ("stock", |b| { b.publish([by_form("NACN-1689", Find), listed(Prohibited, Refuse)].concat()).unwrap(); offer(b) }, "ok PROHIBITED"),
    // The same goods on arrival: recorded, with a finding.
    ("stock", |b| { offer(b).unwrap(); b.publish_from(b.now, listed(Prohibited, Refuse)).unwrap(); arrive(b) }, "ok PROHIBITED"),
    ("stock", |b| { offer(b).unwrap(); b.publish_from(b.now + 1, listed(Prohibited, Refuse)).unwrap(); arrive(b) }, "ok"),
    // The smallest allowed and the smallest refused mass.
    ("stock", |b| { b.publish(restricted("5")).unwrap(); offer(b) }, "ok"),
    ("stock", |b| { b.publish(restricted("4.999999")).unwrap(); offer(b) }, "RESTRICTED"),
    ("stock", |b| { b.publish(restricted("4.999999")).unwrap(); trade(b) }, "RESTRICTED"),
    ("stock", |b| { offer(b).unwrap(); b.publish(restricted("5")).unwrap(); arrive(b) }, "ok"),
    ("stock", |b| { offer(b).unwrap(); b.publish(restricted("4.999999")).unwrap(); arrive(b) }, "ok RESTRICTED"),
    // In however many lots.
    ("stock other", |b| { b.publish(restricted("5")).unwrap(); offer_both(b) }, "ok"),
    ("stock other", |b| { b.publish(restricted("4.999999")).unwrap(); offer_both(b) }, "RESTRICTED"),
    ("stock", |b| { b.publish(listed(Controlled, Refuse)).unwrap(); offer(b) }, "ok CONTROLLED"),
    ("stock", |b| { b.publish(vec![rule(Controlled, Find, "AN")]).unwrap(); offer(b) }, "ok"),
    // The day before and the day of a dated change; both times must pass.
    ("stock", |b| { b.publish_from(b.now + 1, listed(Prohibited, Refuse)).unwrap(); offer(b) }, "ok"),
    ("stock", |b| { b.publish_from(b.now, listed(Prohibited, Refuse)).unwrap(); offer(b) }, "PROHIBITED"),
    ("stock", |b| { b.publish_from(b.now, listed(Prohibited, Refuse)).unwrap(); let o = b.offered('M', "T1", &["stock 5"]); b.say_late("P1", 1, B::Offered(o)) }, "PROHIBITED"),
    ("stock", |b| { b.now += HOUR; let until_ms = b.now; b.say("A1+A2", B::PackPublished(PackPublished { until_ms, ..pack(listed(Prohibited, Refuse)) })).unwrap(); let o = b.offered('M', "T1", &["stock 5"]); b.say_late("P1", 0, B::Offered(o)) }, "ok"),
    ("stock", |b| { b.now += HOUR; let until_ms = b.now; b.say("A1+A2", B::PackPublished(PackPublished { until_ms, ..pack(listed(Prohibited, Refuse)) })).unwrap(); let o = b.offered('M', "T1", &["stock 5"]); b.say_late("P1", 1, B::Offered(o)) }, "PROHIBITED"),
    // What cannot be is refused before what may not be.
    ("stock", |b| { b.publish(listed(Prohibited, Refuse)).unwrap(); let o = b.offered('M', "T1", &["stock 5000"]); b.say("P1", B::Offered(o)) }, "INSUFFICIENT"),
];
