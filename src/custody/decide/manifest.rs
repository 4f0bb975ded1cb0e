//! Manifests of hazardous waste, the mover's part: what it states with its
//! offer agrees with the books or is refused. The receiver's part is in
//! [`super::receipt`].

use super::Case;
use super::fields::{self, MAX_SHORT};
use super::goods::Portion;
use super::paper;
use super::trade::MAX_LINES;
use crate::catalog::{ManifestPart, PaperField, check_manifest_number, manifest_fields};
use crate::custody::draft::Draft;
use crate::custody::ranges;
use crate::event::LotId;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::when::year;
use crate::pb::offered::From;
use crate::pb::{
    Carriage, HazardProperty, Offered, PaperParty, PaperPlace, WasteForm, WasteManifest, WasteRow,
};

/// Places on the way, at most.
const MAX_VIA: usize = 32;
/// Packages of one waste, at most.
const MAX_PACKAGES: u32 = 1_000_000;
/// The greatest number of a treatment code: R15, D16, C3 are in use.
const MAX_TREATMENT: u8 = 20;

/// The mover's part of an offer, against its lines.
pub(super) fn check(
    draft: &Draft<'_>,
    case: &Case<'_>,
    e: &Offered,
    lines: &[Portion],
) -> Result<(), Refused> {
    let Some(manifest) = e.manifest.as_deref() else {
        return Ok(());
    };
    if matches!(e.from, Some(From::Consignment(_))) {
        let why = "the manifest that the waste came aboard with goes on";
        return Err(Refused::invalid("manifest", why));
    }
    let check = || {
        parts(manifest, case.happened_at_ms())?;
        of_carriage(manifest, e.carriage.as_ref())?;
        rows(draft, manifest, lines)
    };
    check().map_err(|r| r.within("manifest"))
}

fn parts(m: &WasteManifest, now_ms: i64) -> Result<(), Refused> {
    if !m.number.is_empty() {
        let checked = check_manifest_number(&m.number, year(now_ms).unwrap_or_default());
        checked.map_err(|error| Refused::invalid("number", error.to_string()))?;
    }
    paper::party(m.mover.as_ref(), "mover")?;
    paper::party(m.carrier.as_ref(), "carrier")?;
    paper::party(m.receiver.as_ref(), "receiver")?;
    paper::time(m.delivered_ms, "delivered_ms")?;
    paper::time(m.depart_ms, "depart_ms")?;
    fields::optional_text(&m.vehicle_kind, MAX_SHORT, "vehicle_kind")?;
    fields::optional_text(&m.plate, MAX_SHORT, "plate")?;
    if let Some(driver) = &m.driver {
        paper::person(driver, "driver")?;
    }
    paper::place(m.origin.as_ref(), "origin")?;
    paper::place(m.destination.as_ref(), "destination")?;
    if m.via.len() > MAX_VIA {
        return Err(Refused::invalid("via", format!("at most {MAX_VIA}")));
    }
    let via = |place: &String| fields::text(place, MAX_SHORT, "via");
    m.via.iter().try_for_each(via)
}

/// Vehicle and driver are those of the waybill.
fn of_carriage(m: &WasteManifest, carriage: Option<&Carriage>) -> Result<(), Refused> {
    let Some(c) = carriage else {
        return Ok(());
    };
    if !m.plate.is_empty() && m.plate != c.vehicle {
        let why = format!("the carriage is by {}", c.vehicle);
        return Err(Refused::invalid("plate", why));
    }
    let driver = m.driver.as_ref().map(|d| &d.person);
    if driver.is_some_and(|person| !person.is_empty() && !c.crew.contains(person)) {
        let why = "is not of the carriage's crew";
        return Err(Refused::invalid("driver.person", why));
    }
    Ok(())
}

fn rows(draft: &Draft<'_>, m: &WasteManifest, lines: &[Portion]) -> Result<(), Refused> {
    if m.rows.len() > MAX_LINES {
        return Err(Refused::invalid("rows", format!("at most {MAX_LINES}")));
    }
    let codes: Vec<String> = lines.iter().map(|l| waste_code(draft, l.lot)).collect();
    if codes.iter().all(String::is_empty) {
        return Err(Refused::invalid("rows", "no line is of a waste"));
    }
    for (i, row) in m.rows.iter().enumerate() {
        let within = |r: Refused| r.within(&format!("rows[{i}]"));
        let at = usize::try_from(row.line).unwrap_or(usize::MAX);
        let of = codes.get(at).zip(lines.get(at));
        let of = of.filter(|(code, _)| !code.is_empty());
        let Some((code, line)) = of else {
            return Err(within(Refused::invalid("line", "is no line of a waste")));
        };
        if m.rows.iter().take(i).any(|other| other.line == row.line) {
            return Err(within(Refused::invalid("line", "stands in another row")));
        }
        check_row(row).map_err(within)?;
        row_agrees(row, code, line).map_err(within)?;
    }
    let named = |line: u32| m.rows.iter().any(|row| row.line == line);
    let mut wastes = (0u32..).zip(&codes).filter(|(_, code)| !code.is_empty());
    match wastes.find(|(line, _)| !m.rows.is_empty() && !named(*line)) {
        Some((line, code)) => {
            let why = format!("lines[{line}] is waste {code}, which no row names");
            Err(Refused::invalid("rows", why))
        }
        None => Ok(()),
    }
}

/// The lot's code in the national list; empty: it is no waste.
pub(super) fn waste_code(draft: &Draft<'_>, id: LotId) -> String {
    let state = draft.lot(id).unwrap_or_default();
    let born = state.born.as_ref();
    born.map(|born| born.waste_code.clone()).unwrap_or_default()
}

fn check_row(row: &WasteRow) -> Result<(), Refused> {
    fields::optional_text(&row.name, paper::MAX_NAME, "name")?;
    for (i, hazard) in row.hazards.iter().enumerate() {
        let known = HazardProperty::try_from(*hazard).unwrap_or_default();
        let twice = row.hazards.iter().take(i).any(|other| other == hazard);
        if known == HazardProperty::Unspecified || twice {
            return Err(Refused::invalid("hazards", "T, C, I, R and In, each once"));
        }
    }
    if WasteForm::try_from(row.form).is_err() {
        return Err(Refused::invalid("form", "no such form"));
    }
    fields::optional_text(&row.component, paper::MAX_NAME, "component")?;
    fields::optional_text(&row.packing, paper::MAX_NAME, "packing")?;
    if row.packages > MAX_PACKAGES {
        let why = format!("at most {MAX_PACKAGES}");
        return Err(Refused::invalid("packages", why));
    }
    treatment(&row.treatment)
}

/// A code of recovery (R), disposal (D) or burning in kilns (C), or none.
pub(super) fn treatment(code: &str) -> Result<(), Refused> {
    let number = code.strip_prefix(['R', 'D', 'C']);
    let number = number.filter(|n| !n.starts_with('0') && n.bytes().all(|b| b.is_ascii_digit()));
    let number = number.and_then(|n| n.parse::<u8>().ok());
    if code.is_empty() || number.is_some_and(|n| n <= MAX_TREATMENT) {
        return Ok(());
    }
    Err(Refused::invalid(
        "treatment",
        "a code such as R4, D10 or C1",
    ))
}

fn row_agrees(row: &WasteRow, code: &str, line: &Portion) -> Result<(), Refused> {
    if !row.waste_code.is_empty() && row.waste_code != code {
        let why = format!("the lot's waste code is {code}");
        return Err(Refused::invalid("waste_code", why));
    }
    let category = code.rsplit('-').next().unwrap_or_default();
    if !row.category.is_empty() && row.category.strip_prefix("HW") != Some(category) {
        let why = format!("{code} is of HW{category}");
        return Err(Refused::invalid("category", why));
    }
    let packages = ranges::total(&line.serials).unwrap_or_default();
    if row.packages > 0 && packages > 0 && u64::from(row.packages) != packages {
        let why = format!("the line has {packages}");
        return Err(Refused::invalid("packages", why));
    }
    let Some(quantity) = &row.quantity else {
        return Ok(());
    };
    let stated = Mass::of(Some(quantity), "quantity")?;
    let offered = Mass::mg(line.total()?.gross);
    if stated != offered {
        let why = format!("{stated} stated, {offered} offered");
        return Err(Refused::invalid("quantity", why));
    }
    Ok(())
}

/// The fields of the mover's and the carrier's parts that are not filled in; a
/// waybill's are taken for the manifest's.
pub(super) fn missing_fields(
    m: Option<&WasteManifest>,
    c: Option<&Carriage>,
) -> Vec<&'static PaperField> {
    let none = WasteManifest::default();
    let m = m.unwrap_or(&none);
    let stated = |code: &str| {
        of_mover(code, m) || on_the_way(code, m) || of_waybill(code, c) || in_rows(code, &m.rows)
    };
    paper::missing(manifest_fields(ManifestPart::Offer), |_| false, stated)
}

fn of_mover(code: &str, m: &WasteManifest) -> bool {
    let has = |get: fn(&PaperParty) -> bool| m.mover.as_ref().is_some_and(get);
    match code {
        "manifestNo" => !m.number.is_empty(),
        "moverName" => has(|p| !p.name.is_empty()),
        "moverEmergencyPhone" => has(|p| !p.emergency_phone.is_empty()),
        "moverAddress" => has(|p| !p.address.is_empty()),
        "moverHandler" => has(|p| !p.contact.is_empty()),
        "moverPhone" => has(|p| !p.phone.is_empty()),
        "deliverTime" => m.delivered_ms > 0,
        _ => false,
    }
}

fn on_the_way(code: &str, m: &WasteManifest) -> bool {
    let has = |get: fn(&PaperParty) -> bool| m.carrier.as_ref().is_some_and(get);
    let place = |p: &Option<PaperPlace>| p.as_ref().is_some_and(|p| !p.address.is_empty());
    let driver = m.driver.as_ref();
    match code {
        "carrierName" => has(|p| !p.name.is_empty()),
        "carrierPermitNo" => has(|p| !p.permit.is_empty()),
        "carrierAddress" => has(|p| !p.address.is_empty()),
        "carrierPhone" => has(|p| !p.phone.is_empty()),
        "driver" => driver.is_some_and(|d| !d.person.is_empty()),
        "driverPhone" => driver.is_some_and(|d| !d.phone.is_empty()),
        "vehicleType" => !m.vehicle_kind.is_empty(),
        "plateNo" => !m.plate.is_empty(),
        "origin" => place(&m.origin),
        "destination" => place(&m.destination),
        "departTime" => m.depart_ms > 0,
        _ => false,
    }
}

fn of_waybill(code: &str, carriage: Option<&Carriage>) -> bool {
    let road = carriage.and_then(|c| c.road.as_deref());
    let place = |p: Option<&PaperPlace>| p.is_some_and(|p| !p.address.is_empty());
    let carrier = road.and_then(|r| r.carrier.as_ref());
    let has = |get: fn(&PaperParty) -> bool| carrier.is_some_and(get);
    match code {
        "carrierName" => has(|p| !p.name.is_empty()),
        "carrierPermitNo" => has(|p| !p.permit.is_empty()),
        "carrierAddress" => has(|p| !p.address.is_empty()),
        "carrierPhone" => has(|p| !p.phone.is_empty()),
        "driver" => carriage.is_some_and(|c| !c.crew.is_empty()),
        "driverPhone" => road.is_some_and(|r| r.drivers.iter().any(|d| !d.phone.is_empty())),
        "plateNo" => carriage.is_some_and(|c| !c.vehicle.is_empty()),
        "origin" => place(road.and_then(|r| r.origin.as_ref())),
        "destination" => place(road.and_then(|r| r.destination.as_ref())),
        "departTime" => road.is_some_and(|r| r.depart_ms > 0),
        _ => false,
    }
}

/// Whether every row has it, and there is one.
fn in_rows(code: &str, rows: &[WasteRow]) -> bool {
    let has = |row: &WasteRow| match code {
        "wasteName" => !row.name.is_empty(),
        "wasteCategory" => !row.category.is_empty(),
        "wasteCode" => !row.waste_code.is_empty(),
        "hazardProperty" => !row.hazards.is_empty(),
        "form" => row.form() != WasteForm::Unspecified,
        "packing" => !row.packing.is_empty(),
        "packCount" => row.packages > 0,
        "movedQty" => row.quantity.is_some(),
        _ => false,
    };
    !rows.is_empty() && rows.iter().all(has)
}
