//! Permits, vehicles, persons, products, parks, agencies and hazard sources:
//! who may register what.

use super::Case;
use super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::parties::{own_or_over, region_of};
use crate::catalog::{self, Substance};
use crate::custody::draft::Draft;
use crate::custody::subject::{self, Item};
use crate::event::codes::Refused;
use crate::pb::event::Body;
use crate::pb::{
    AgencyRegistered, HazardSourceFiled, MassBasis, ParkRegistered, PermitKind, PermitRegistered,
    PermitState, PermitStated, PermitStatus, PersonRegistered, ProductRegistered,
    QualificationKind, RefusalCode, Responsible, Stage, SubjectKind, VehicleKind,
    VehicleRegistered,
};

/// Permits of one party, at most.
const MAX_PERMITS: usize = 128;
/// Substances that a permit or a rule may name, at most: all there are.
pub(super) const MAX_SUBSTANCES: usize = 20;
/// Stages that a permit or an agency may name, at most: all there are.
const MAX_STAGES: usize = 8;
/// Forms that a tank may be permitted for or a rule may name, at most.
const MAX_FORMS: usize = 64;
/// Qualifications of one person, at most.
const MAX_QUALIFICATIONS: usize = 16;
/// Bytes of a vehicle's number, at most.
const MAX_VEHICLE: usize = 32;

pub(super) fn event(draft: &Draft<'_>, case: &Case<'_>, body: &Body) -> Result<(), Refused> {
    let name = |name: &'static str| move |r: Refused| r.within(name);
    match body {
        Body::PermitRegistered(e) => permit(draft, case, e).map_err(name("permit_registered")),
        Body::PermitStated(e) => stated(draft, case, e).map_err(name("permit_stated")),
        Body::VehicleRegistered(e) => vehicle(draft, case, e).map_err(name("vehicle_registered")),
        Body::PersonRegistered(e) => person(draft, case, e).map_err(name("person_registered")),
        Body::ProductRegistered(e) => product(draft, case, e).map_err(name("product_registered")),
        Body::ParkRegistered(e) => park(case, e).map_err(name("park_registered")),
        Body::HazardSourceFiled(e) => {
            hazard_source(draft, case, e).map_err(name("hazard_source_filed"))
        }
        Body::AgencyRegistered(e) => agency(draft, case, e).map_err(name("agency_registered")),
        _ => Err(Refused::new(RefusalCode::ReservedForLedger, "genesis")),
    }
}

fn over(draft: &Draft<'_>, case: &Case<'_>, party: &str) -> Result<(), Refused> {
    if case.signers.authority_over(&region_of(draft, party)?) {
        return Ok(());
    }
    Err(Refused::new(RefusalCode::AuthorityRequired, "")
        .detail(format!("one with power over the region of {party}")))
}

/// A number that a subject's name is made with.
fn number(value: &str, max: usize, field: &str) -> Result<(), Refused> {
    fields::text(value, max, field)?;
    if value.contains('/') {
        return Err(Refused::invalid(field, "no '/' may stand in it"));
    }
    Ok(())
}

/// From (inclusive) until (exclusive).
fn term(from_ms: i64, until_ms: i64) -> Result<(), Refused> {
    if from_ms < 0 || from_ms >= until_ms {
        return Err(Refused::invalid("until_ms", "it must lie after from_ms"));
    }
    Ok(())
}

/// A hash, or none.
fn optional_hash(value: &bytes::Bytes, field: &str) -> Result<(), Refused> {
    if value.is_empty() {
        return Ok(());
    }
    fields::hash(value, field)
}

/// Who answers for something.
pub(super) fn responsible(e: &Responsible, field: &str) -> Result<(), Refused> {
    let check = || {
        fields::text(&e.post, MAX_SHORT, "post")?;
        fields::hash(&e.person, "person")?;
        telephone(&e.duty_telephone, "duty_telephone")
    };
    check().map_err(|r: Refused| r.within(field))
}

/// A post's telephone, or none. A mobile number is a person's.
fn telephone(value: &str, field: &str) -> Result<(), Refused> {
    fields::optional_text(value, 32, field)?;
    let allowed = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | ' ');
    if !value.chars().all(allowed) {
        return Err(Refused::invalid(field, "digits, '+', '-' and spaces"));
    }
    Ok(())
}

/// Substances of the catalogue, none twice.
pub(super) fn substances(list: &[String], field: &str) -> Result<(), Refused> {
    if list.len() > MAX_SUBSTANCES {
        return Err(Refused::invalid(field, format!("at most {MAX_SUBSTANCES}")));
    }
    for (i, code) in list.iter().enumerate() {
        code.parse::<Substance>()
            .map_err(|error| Refused::invalid(field, error.to_string()))?;
        if list.iter().take(i).any(|other| other == code) {
            return Err(Refused::invalid(field, format!("{code} stands twice")));
        }
    }
    Ok(())
}

/// Forms of the catalogue.
pub(super) fn forms(list: &[String], field: &str) -> Result<(), Refused> {
    if list.len() > MAX_FORMS {
        return Err(Refused::invalid(field, format!("at most {MAX_FORMS}")));
    }
    list.iter()
        .try_for_each(|form| fields::form(form, field).map(drop))
}

fn stages(list: &[i32]) -> Result<(), Refused> {
    let none = |s: &i32| matches!(Stage::try_from(*s), Err(_) | Ok(Stage::Unspecified));
    if list.len() > MAX_STAGES || list.iter().any(none) {
        return Err(Refused::invalid("stages", "a stage that is none"));
    }
    Ok(())
}

fn permit(draft: &Draft<'_>, case: &Case<'_>, e: &PermitRegistered) -> Result<(), Refused> {
    let before = known(draft, &e.party, &e.number);
    let region = region_of(draft, &e.party)?;
    number(&e.number, MAX_SHORT, "number")?;
    // Not by `kind()`, which passes over numbers that are none.
    if matches!(
        PermitKind::try_from(e.kind),
        Err(_) | Ok(PermitKind::Unspecified)
    ) {
        return Err(Refused::missing("kind"));
    }
    fields::text(&e.issuer, MAX_SHORT * 2, "issuer")?;
    substances(&e.substances, "substances")?;
    stages(&e.stages)?;
    if e.quantity_mg < 0 {
        return Err(Refused::invalid("quantity_mg", "negative"));
    }
    let unbased = matches!(
        MassBasis::try_from(e.basis),
        Err(_) | Ok(MassBasis::Unspecified)
    );
    if e.quantity_mg > 0 && unbased {
        return Err(Refused::missing("basis"));
    }
    term(e.from_ms, e.until_ms)?;
    optional_hash(&e.photograph_hash, "photograph_hash")?;
    if let Some(pass) = &e.road_pass {
        fields::optional_text(&pass.vehicle, MAX_VEHICLE, "road_pass.vehicle")?;
        for (party, field) in [
            (&pass.carrier, "road_pass.carrier"),
            (&pass.consignee, "road_pass.consignee"),
        ] {
            if !party.is_empty() {
                fields::party_code(party, field)?;
            }
        }
    }
    may_enter(case, e, before.as_ref(), &region)?;
    let listed = draft.party(&e.party).unwrap_or_default();
    if before.is_none() && listed.permits.len() >= MAX_PERMITS {
        return Err(Refused::new(RefusalCode::TooManyPermits, "number")
            .detail(format!("{} has {MAX_PERMITS}", e.party)));
    }
    Ok(())
}

/// An authority enters any state; anybody else what no authority has spoken of.
fn may_enter(
    case: &Case<'_>,
    e: &PermitRegistered,
    before: Option<&PermitRegistered>,
    region: &str,
) -> Result<(), Refused> {
    let status = PermitStatus::try_from(e.status).unwrap_or_default();
    if status == PermitStatus::Unspecified {
        return Err(Refused::missing("status"));
    }
    if case.signers.authority_over(region) {
        return Ok(());
    }
    if status != PermitStatus::Unconfirmed {
        return Err(Refused::new(RefusalCode::AuthorityRequired, "status")
            .detail("the issuer confirms it; you may enter it UNCONFIRMED"));
    }
    if e.photograph_hash.is_empty() {
        return Err(Refused::missing("photograph_hash"));
    }
    if before.is_some_and(|b| b.status() != PermitStatus::Unconfirmed) {
        return Err(Refused::new(RefusalCode::PermitConfirmed, "number").detail(&e.number));
    }
    Ok(())
}

fn known(draft: &Draft<'_>, party: &str, number: &str) -> Option<PermitRegistered> {
    match draft.item(&subject::permit(party, number)).as_deref() {
        Some(Item::Permit(PermitState { registered, .. })) => registered.clone(),
        _ => None,
    }
}

fn stated(draft: &Draft<'_>, case: &Case<'_>, e: &PermitStated) -> Result<(), Refused> {
    over(draft, case, &e.party)?;
    let before = known(draft, &e.party, &e.number);
    let before = before
        .ok_or_else(|| Refused::new(RefusalCode::UnknownPermit, "number").detail(&e.number))?;
    let status = PermitStatus::try_from(e.status).unwrap_or_default();
    if matches!(
        status,
        PermitStatus::Unspecified | PermitStatus::Unconfirmed
    ) {
        return Err(Refused::invalid(
            "status",
            "granted, suspended or revoked is wanted",
        ));
    }
    if before.status() == status {
        return Err(Refused::new(RefusalCode::NoChange, "status").detail(status.as_str_name()));
    }
    fields::optional_text(&e.reason, MAX_TEXT, "reason")
}

fn vehicle(draft: &Draft<'_>, case: &Case<'_>, e: &VehicleRegistered) -> Result<(), Refused> {
    own_or_over(draft, case, &e.party)?;
    number(&e.vehicle, MAX_VEHICLE, "vehicle")?;
    if matches!(
        VehicleKind::try_from(e.kind),
        Err(_) | Ok(VehicleKind::Unspecified)
    ) {
        return Err(Refused::missing("kind"));
    }
    fields::optional_text(&e.plate_colour, MAX_SHORT, "plate_colour")?;
    fields::optional_text(&e.operating_certificate, MAX_SHORT, "operating_certificate")?;
    fields::optional_text(&e.tank, MAX_SHORT, "tank")?;
    if e.certificate_until_ms < 0 || e.inspection_until_ms < 0 || e.capacity_mg < 0 {
        return Err(Refused::invalid("certificate_until_ms", "negative"));
    }
    forms(&e.media, "media")?;
    let item = draft.item(&subject::vehicle(&e.vehicle));
    let operator = match item.as_deref() {
        Some(Item::Vehicle(v)) => v.registered.as_ref().map(|r| r.party.clone()),
        _ => None,
    };
    elsewhere(draft, case, operator.as_deref(), &e.party, "vehicle")
}

/// What another party has registered goes over by that party's word, or by an
/// authority's.
fn elsewhere(
    draft: &Draft<'_>,
    case: &Case<'_>,
    before: Option<&str>,
    now: &str,
    field: &str,
) -> Result<(), Refused> {
    let Some(before) = before.filter(|b| *b != now) else {
        return Ok(());
    };
    if case.signers.signed(before) || case.signers.authority_over(&region_of(draft, before)?) {
        return Ok(());
    }
    Err(Refused::new(RefusalCode::RegisteredElsewhere, field)
        .detail(format!("it is registered with {before}")))
}

fn person(draft: &Draft<'_>, case: &Case<'_>, e: &PersonRegistered) -> Result<(), Refused> {
    own_or_over(draft, case, &e.party)?;
    fields::hash(&e.person, "person")?;
    if e.qualifications.len() > MAX_QUALIFICATIONS {
        return Err(Refused::invalid(
            "qualifications",
            format!("at most {MAX_QUALIFICATIONS}"),
        ));
    }
    for q in &e.qualifications {
        if matches!(
            QualificationKind::try_from(q.kind),
            Err(_) | Ok(QualificationKind::Unspecified)
        ) {
            return Err(Refused::missing("qualifications.kind"));
        }
        term(q.from_ms, q.until_ms).map_err(|r| r.within("qualifications"))?;
    }
    let item = draft.item(&subject::person(&e.person));
    let employer = match item.as_deref() {
        Some(Item::Person(p)) => p.registered.as_ref().map(|r| r.party.clone()),
        _ => None,
    };
    elsewhere(draft, case, employer.as_deref(), &e.party, "person")
}

fn product(draft: &Draft<'_>, case: &Case<'_>, e: &ProductRegistered) -> Result<(), Refused> {
    own_or_over(draft, case, &e.party)?;
    number(&e.registration, MAX_SHORT, "registration")?;
    fields::form(&e.form, "form")?;
    fields::optional_text(
        &e.safety_information_code,
        MAX_SHORT * 2,
        "safety_information_code",
    )?;
    fields::optional_text(&e.data_sheet_version, MAX_SHORT, "data_sheet_version")?;
    fields::hash(&e.data_sheet_hash, "data_sheet_hash")?;
    fields::optional_text(&e.label_version, MAX_SHORT, "label_version")?;
    fields::hash(&e.label_hash, "label_hash")?;
    telephone(&e.advice_line, "advice_line")?;
    if e.advice_line.is_empty() {
        return Err(Refused::missing("advice_line"));
    }
    if e.until_ms <= 0 {
        return Err(Refused::missing("until_ms"));
    }
    Ok(())
}

fn park(case: &Case<'_>, e: &ParkRegistered) -> Result<(), Refused> {
    fields::code(&e.park, "park")?;
    super::parties::names(&e.name_zh, &e.name_en)?;
    fields::region(&e.region, "region")?;
    if !case.signers.authority_over(&e.region) {
        return Err(Refused::new(RefusalCode::AuthorityRequired, "region"));
    }
    if e.assessed_ms < 0 || e.assessment_until_ms < e.assessed_ms {
        return Err(Refused::invalid(
            "assessment_until_ms",
            "it must not lie before assessed_ms",
        ));
    }
    if !matches!(e.risk_grade.as_str(), "" | "A" | "B" | "C" | "D") {
        return Err(Refused::invalid("risk_grade", "A, B, C or D is wanted"));
    }
    optional_hash(&e.assessment_hash, "assessment_hash")
}

fn hazard_source(draft: &Draft<'_>, case: &Case<'_>, e: &HazardSourceFiled) -> Result<(), Refused> {
    own_or_over(draft, case, &e.party)?;
    let unit = subject::within(SubjectKind::Unit, &e.party, &e.unit);
    if draft.item(&unit).is_none() {
        return Err(Refused::new(RefusalCode::UnknownUnit, "unit").detail(&e.unit));
    }
    if !(1..=4).contains(&e.level) {
        return Err(Refused::invalid("level", "1 to 4 is wanted"));
    }
    fields::text(&e.filing, MAX_SHORT, "filing")?;
    term(e.filed_ms, e.until_ms)?;
    let who = e
        .responsible
        .as_ref()
        .ok_or_else(|| Refused::missing("responsible"))?;
    responsible(who, "responsible")?;
    optional_hash(&e.assessment_hash, "assessment_hash")
}

fn agency(draft: &Draft<'_>, case: &Case<'_>, e: &AgencyRegistered) -> Result<(), Refused> {
    if !case.signers.root() {
        return Err(Refused::new(RefusalCode::AuthorityRequired, "")
            .detail("as many authorities as root acts need"));
    }
    region_of(draft, &e.party)?;
    if catalog::agency(&e.agency).is_none() {
        return Err(Refused::invalid(
            "agency",
            format!("'{}' is no agency's code of the catalogue", e.agency),
        ));
    }
    stages(&e.stages)?;
    fields::region(&e.territory, "territory")
}
