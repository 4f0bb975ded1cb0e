//! Waybills: what a road waybill's form says is right in itself and agrees
//! with the carriage and the goods offered; and what any mode's waybill should
//! say and does not.

use super::fields::{self, MAX_SHORT, MAX_TEXT};
use super::goods::Portion;
use super::paper;
use super::rules;
use super::takeover::Taking;
use super::trade::MAX_LINES;
use crate::catalog::{
    Confidence, Form, PaperField, UnNumber, check_plate, form, forms, waybill_fields,
};
use crate::custody::draft::Draft;
use crate::custody::{lot, subject};
use crate::event::LotId;
use crate::event::codes::Refused;
use crate::event::mass::Mass;
use crate::event::when::legal_day;
use crate::pb::{
    Carriage, FindingCode, HandoffOffered, PaperParty, PaperPerson, PaperPlace, PlateColour,
    RefusalCode, RoadWaybill, RuleKind, Severity, TransportMode, WaybillGoods,
};

/// Drivers, and escorts, of a waybill, at most.
const MAX_PEOPLE: usize = 8;
/// Litres of a tank, at most: a road tank holds a tenth of it.
const MAX_TANK_L: u32 = 1_000_000;

/// What the form says, without the goods.
pub(super) fn check(c: &Carriage) -> Result<(), Refused> {
    let Some(road) = c.road.as_deref() else {
        return Ok(());
    };
    number(&c.waybill)?;
    plates(c, road)?;
    form_of(c, road).map_err(|r| r.within("road"))
}

/// Letters, digits and hyphens, as every numbering of waybills has them.
fn number(text: &str) -> Result<(), Refused> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/');
    if text.chars().all(allowed) {
        return Ok(());
    }
    Err(Refused::invalid(
        "waybill",
        "a waybill's number has letters, digits, '-', '_' or '/'",
    ))
}

fn plates(c: &Carriage, road: &RoadWaybill) -> Result<(), Refused> {
    if matches!(
        road.plate_colour(),
        PlateColour::Unspecified | PlateColour::Other
    ) {
        return Ok(());
    }
    for (text, field) in [(&c.vehicle, "vehicle"), (&c.trailer, "trailer")] {
        if !text.is_empty() {
            check_plate(text).map_err(|error| Refused::invalid(field, error.to_string()))?;
        }
    }
    Ok(())
}

fn form_of(c: &Carriage, road: &RoadWaybill) -> Result<(), Refused> {
    paper::party(road.shipper.as_ref(), "shipper")?;
    paper::party(road.consignee.as_ref(), "consignee")?;
    paper::party(road.loader.as_ref(), "loader")?;
    paper::party(road.carrier.as_ref(), "carrier")?;
    days(road)?;
    paper::place(road.origin.as_ref(), "origin")?;
    paper::place(road.destination.as_ref(), "destination")?;
    colour(road)?;
    paper::permit(&road.vehicle_certificate, "vehicle_certificate")?;
    paper::permit(&road.trailer_certificate, "trailer_certificate")?;
    fields::optional_text(&road.tank, MAX_SHORT, "tank")?;
    if road.tank_volume_l > MAX_TANK_L {
        let why = format!("at most {MAX_TANK_L} litres");
        return Err(Refused::invalid("tank_volume_l", why));
    }
    people(&road.drivers, "drivers", c)?;
    people(&road.escorts, "escorts", c)?;
    paper::commitment(&road.dispatcher, "dispatcher")?;
    fields::optional_text(&road.remarks, MAX_TEXT, "remarks")?;
    rows(road)
}

/// A value of the enumeration that this program does not know reads as
/// unspecified, and would be kept as it came.
fn colour(road: &RoadWaybill) -> Result<(), Refused> {
    match PlateColour::try_from(road.plate_colour) {
        Ok(_) => Ok(()),
        Err(_) => Err(Refused::invalid("plate_colour", "no such colour")),
    }
}

fn days(road: &RoadWaybill) -> Result<(), Refused> {
    paper::time(road.depart_ms, "depart_ms")?;
    paper::time(road.dispatched_ms, "dispatched_ms")?;
    let both = road.depart_ms > 0 && road.dispatched_ms > 0;
    if both && legal_day(road.dispatched_ms) > legal_day(road.depart_ms) {
        let why = "dispatched on a day after that of departure";
        return Err(Refused::invalid("dispatched_ms", why));
    }
    Ok(())
}

/// Whoever drives or escorts is of the carriage's crew.
fn people(people: &[PaperPerson], field: &str, c: &Carriage) -> Result<(), Refused> {
    if people.len() > MAX_PEOPLE {
        return Err(Refused::invalid(field, format!("at most {MAX_PEOPLE}")));
    }
    for (i, p) in people.iter().enumerate() {
        let at = format!("{field}[{i}]");
        paper::person(p, &at)?;
        let aboard = c.crew.contains(&p.person) || (field == "escorts" && c.escort == p.person);
        if !p.person.is_empty() && !aboard {
            let why = "is not of the carriage's crew";
            return Err(Refused::invalid(format!("{at}.person"), why));
        }
    }
    Ok(())
}

fn rows(road: &RoadWaybill) -> Result<(), Refused> {
    if road.goods.len() > MAX_LINES {
        return Err(Refused::invalid("goods", format!("at most {MAX_LINES}")));
    }
    for (i, row) in road.goods.iter().enumerate() {
        check_row(row).map_err(|r| r.within(&format!("goods[{i}]")))?;
    }
    Ok(())
}

fn check_row(row: &WaybillGoods) -> Result<(), Refused> {
    let un = row.un.parse::<UnNumber>();
    un.map_err(|error| Refused::invalid("un", error.to_string()))?;
    fields::optional_text(&row.name, paper::MAX_NAME, "name")?;
    fields::optional_text(&row.class, MAX_SHORT, "class")?;
    if !matches!(row.packing_group.as_str(), "" | "I" | "II" | "III") {
        return Err(Refused::invalid("packing_group", "I, II or III"));
    }
    fields::optional_text(&row.packing, paper::MAX_NAME, "packing")?;
    match &row.quantity {
        None => Ok(()),
        some => Mass::of(some.as_ref(), "quantity").map(drop),
    }
}

/// Whether the rows of goods and the lines of the offer are of the same
/// goods; within `carriage.road`.
pub(super) fn agrees(draft: &Draft<'_>, c: &Carriage, lines: &[Portion]) -> Result<(), Refused> {
    let Some(road) = c.road.as_deref().filter(|road| !road.goods.is_empty()) else {
        return Ok(());
    };
    let mut offered = Vec::with_capacity(lines.len());
    for line in lines {
        let state = draft.lot(line.lot).unwrap_or_default();
        // What has left the catalogue since cannot be compared.
        if let Some(form) = form(lot::form(&state)) {
            offered.push((form, line.total()?.gross));
        }
    }
    for (i, row) in road.goods.iter().enumerate() {
        let of_number = || offered.iter().filter(|(form, _)| is_of(row, form));
        row_agrees(row, of_number().map(|(form, _)| *form)).map_err(|r| within_row(r, i))?;
        let most = of_number().try_fold(0i64, |sum, (_, gross)| sum.checked_add(*gross));
        let mut same = road.goods.iter().filter(|other| other.un == row.un);
        let stated = same.try_fold(0i64, |sum, other| sum.checked_add(mass(other)));
        let most = most.ok_or_else(|| Refused::new(RefusalCode::MassOverflow, "lines"))?;
        if stated.is_none_or(|stated| stated > most) {
            let why = format!("the lines of UN {} are {} in all", row.un, Mass::mg(most));
            return Err(within_row(Refused::invalid("quantity", why), i));
        }
    }
    for (i, (form, _)) in offered.iter().enumerate() {
        if !road.goods.iter().any(|row| is_of(row, form)) {
            let why = format!("lines[{i}] is of UN {}, which no row names", form.un);
            return Err(Refused::invalid("carriage.road.goods", why));
        }
    }
    Ok(())
}

fn within_row(refused: Refused, row: usize) -> Refused {
    refused.within(&format!("carriage.road.goods[{row}]"))
}

fn is_of(row: &WaybillGoods, form: &Form) -> bool {
    form.un.to_string() == row.un
}

fn mass(row: &WaybillGoods) -> i64 {
    match &row.quantity {
        None => 0,
        some => Mass::of(some.as_ref(), "").map_or(0, Mass::as_mg),
    }
}

/// A row against the forms of its UN number. Class and packing group are held
/// against what is surely known of a form, and against nothing else.
fn row_agrees(
    row: &WaybillGoods,
    mut forms: impl Iterator<Item = &'static Form>,
) -> Result<(), Refused> {
    let Some(form) = forms.next() else {
        let why = format!("no line is of UN {}", row.un);
        return Err(Refused::invalid("un", why));
    };
    if form.confidence != Confidence::High {
        return Ok(());
    }
    let class = row.class.split(['(', '（', ' ']).next().unwrap_or_default();
    if !row.class.is_empty() && class != form.class_division {
        let why = format!("UN {} is of {}", row.un, form.class_division);
        return Err(Refused::invalid("class", why));
    }
    let groups = form.packing_group.unwrap_or_default();
    let known = groups.split('/').any(|group| group == row.packing_group);
    if !row.packing_group.is_empty() && !groups.is_empty() && !known {
        let why = format!("UN {} is of {groups}", row.un);
        return Err(Refused::invalid("packing_group", why));
    }
    Ok(())
}

/// The fields that the waybill's mode asks for and that it does not have, in
/// the order of the form. No field of one mode is asked of another.
pub(super) fn missing_fields(c: &Carriage) -> Vec<&'static PaperField> {
    let road = c.road.as_deref().cloned().unwrap_or_default();
    let stated = |code: &str| match c.mode() {
        TransportMode::Road => on_the_road(code, c, &road),
        _ => elsewhere(code, c),
    };
    paper::missing(
        waybill_fields(c.mode()),
        |when| holds(when, c, &road),
        stated,
    )
}

/// Whether a conditional field is asked for.
fn holds(when: &str, c: &Carriage, road: &RoadWaybill) -> bool {
    match when {
        "trailer" => !c.trailer.is_empty() || !road.trailer_certificate.is_empty(),
        "tank" => !road.tank.is_empty() || road.tank_volume_l > 0,
        "grouped" => road.goods.iter().any(|row| grouped(&row.un)),
        _ => false,
    }
}

/// Whether goods of a UN number have a packing group, as far as is known.
fn grouped(un: &str) -> bool {
    let of_number = |form: &&Form| form.un.to_string() == un;
    let mut forms = forms().iter().filter(of_number);
    forms.any(|form| form.packing_group.is_some())
}

fn on_the_road(code: &str, c: &Carriage, road: &RoadWaybill) -> bool {
    let name = |p: &Option<PaperParty>| p.as_ref().is_some_and(|p| !p.name.is_empty());
    let phone = |p: &Option<PaperParty>| p.as_ref().is_some_and(|p| !p.phone.is_empty());
    let carrier = road.carrier.as_ref();
    match code {
        "waybillCode" => !c.waybill.is_empty(),
        "shipperName" => name(&road.shipper),
        "shipperPhone" => phone(&road.shipper),
        "consigneeName" => name(&road.consignee),
        "consigneePhone" => phone(&road.consignee),
        "loaderName" => name(&road.loader),
        "loaderPhone" => phone(&road.loader),
        "carrierName" => name(&road.carrier),
        "carrierPhone" => phone(&road.carrier),
        "carrierPermitNo" => carrier.is_some_and(|p| !p.permit.is_empty()),
        "departDate" => road.depart_ms > 0,
        "dispatchDate" => road.dispatched_ms > 0,
        "origin" => whole(road.origin.as_ref()),
        "destination" => whole(road.destination.as_ref()),
        "cityDelivery" => road.city_delivery.is_some(),
        "dispatcherName" => !road.dispatcher.is_empty(),
        _ => vehicle_and_people(code, c, road) || in_rows(code, &road.goods),
    }
}

fn whole(place: Option<&PaperPlace>) -> bool {
    place.is_some_and(|p| !p.region.is_empty() && !p.address.is_empty())
}

fn vehicle_and_people(code: &str, c: &Carriage, road: &RoadWaybill) -> bool {
    let all = |people: &[PaperPerson], has: fn(&PaperPerson) -> bool| {
        !people.is_empty() && people.iter().all(has)
    };
    let person = |p: &PaperPerson| !p.person.is_empty();
    let qualified = |p: &PaperPerson| !p.qualification.is_empty();
    let reached = |p: &PaperPerson| !p.phone.is_empty();
    match code {
        "plateNo" => !c.vehicle.is_empty(),
        "plateColor" => road.plate_colour() != PlateColour::Unspecified,
        "vehicleTransportCertNo" => !road.vehicle_certificate.is_empty(),
        "trailerPlateNo" => !c.trailer.is_empty(),
        "trailerTransportCertNo" => !road.trailer_certificate.is_empty(),
        "tankNo" => !road.tank.is_empty(),
        "tankVolume" => road.tank_volume_l > 0,
        "driverName" => all(&road.drivers, person),
        "driverQualNo" => all(&road.drivers, qualified),
        "driverPhone" => all(&road.drivers, reached),
        "escortName" => all(&road.escorts, person),
        "escortQualNo" => all(&road.escorts, qualified),
        "escortPhone" => all(&road.escorts, reached),
        _ => false,
    }
}

/// Whether every row has it, and there is one.
fn in_rows(code: &str, rows: &[WaybillGoods]) -> bool {
    let has = |row: &WaybillGoods| match code {
        "unNo" => !row.un.is_empty(),
        "goodsName" => !row.name.is_empty(),
        "goodsClass" => !row.class.is_empty(),
        "packingGroup" => !row.packing_group.is_empty() || !grouped(&row.un),
        "packingSpec" => !row.packing.is_empty(),
        "unit" | "quantity" => row.quantity.is_some(),
        _ => false,
    };
    !rows.is_empty() && rows.iter().all(has)
}

fn elsewhere(code: &str, c: &Carriage) -> bool {
    let rail = c.rail.as_deref();
    let water = c.water.as_deref();
    let pipeline = c.pipeline.as_deref();
    match code {
        "waybillCode" => !c.waybill.is_empty(),
        "wagonNo" => rail.is_some_and(|r| !r.wagons.is_empty()),
        "fromStation" => rail.is_some_and(|r| !r.from_station.is_empty()),
        "toStation" => rail.is_some_and(|r| !r.to_station.is_empty()),
        "sealNo" => !c.seals.is_empty(),
        "flightNo" => c.air.as_deref().is_some_and(|a| !a.flight.is_empty()),
        "vesselName" => water.is_some_and(|w| !w.vessel.is_empty()),
        "vesselNo" => water.is_some_and(|w| !w.imo.is_empty() || !w.registration.is_empty()),
        "fromPort" => water.is_some_and(|w| !w.from_port.is_empty()),
        "toPort" => water.is_some_and(|w| !w.to_port.is_empty()),
        "lineNo" => pipeline.is_some_and(|p| !p.line.is_empty()),
        "meterNo" => pipeline.is_some_and(|p| !p.meter.is_empty()),
        "interval" => pipeline.is_some_and(|p| p.from_ms > 0 && p.to_ms > 0),
        _ => false,
    }
}

/// Goods go aboard with a waybill that was begun and not filled in. One whose
/// form is not stated at all is for the packs to ask for.
pub(super) fn find_incomplete(draft: &mut Draft<'_>, taking: &Taking<'_>, e: &HandoffOffered) {
    let Some(carriage) = e.carriage.as_ref() else {
        return;
    };
    let lots = e.lines.iter().filter_map(|l| LotId::from_slice(&l.lot));
    let unsaid = carriage.mode() == TransportMode::Road && carriage.road.is_none();
    if unsaid && !rules::asks(draft, RuleKind::WaybillFields, taking.taker, lots) {
        return;
    }
    let missing = missing_fields(carriage);
    if missing.is_empty() {
        return;
    }
    draft.find(
        FindingCode::WaybillIncomplete,
        Severity::Warning,
        &subject::handoff(taking.name),
        &e.giver,
        0,
        format!("{}: {}", carriage.waybill, paper::named(&missing)),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Need;

    #[test]
    fn a_waybill_is_asked_for_the_fields_of_its_own_mode() {
        for mode in [
            TransportMode::Road,
            TransportMode::Rail,
            TransportMode::Air,
            TransportMode::Water,
            TransportMode::Pipeline,
        ] {
            let c = Carriage {
                mode: mode.into(),
                ..Carriage::default()
            };
            let missing = missing_fields(&c).into_iter().map(|f| f.code);
            let mandatory = |f: &&PaperField| f.need == Need::Mandatory;
            let wanted = waybill_fields(mode).filter(mandatory).map(|f| f.code);
            assert!(missing.eq(wanted), "{mode:?}");
        }
        assert!(missing_fields(&Carriage::default()).is_empty());
    }

    #[test]
    fn a_waybill_by_rail_with_its_own_fields_lacks_nothing() {
        let rail = crate::pb::RailCarriage {
            wagons: vec!["45488855".into()],
            from_station: "Забайкальск".into(),
            to_station: "海拉尔".into(),
        };
        let mut c = Carriage {
            mode: TransportMode::Rail.into(),
            waybill: "SMGS-4711".into(),
            seals: vec!["R-1".into()],
            rail: Some(Box::new(rail)),
            ..Carriage::default()
        };
        assert!(missing_fields(&c).is_empty());
        c.seals.clear();
        let missing: Vec<&str> = missing_fields(&c).iter().map(|f| f.code).collect();
        assert_eq!(missing, ["sealNo"]);
    }
}
