//! Modes of transport: what each asks of a waybill, and nothing of the others.
//! No road field is asked of rail, nor allowed; and the other way round.

use bytes::Bytes;

use super::fields::{self, MAX_SHORT};
use super::waybill;
use crate::catalog::{ContainerNumber, WagonNumber, check_air_waybill, check_imo};
use crate::custody::draft::Draft;
use crate::event::codes::Refused;
use crate::pb::{
    AirCarriage, Carriage, ConsignmentState, PipelineCarriage, RailCarriage, RefusalCode, Relayed,
    TransportMode, WaterCarriage,
};

/// People named on a waybill, at most.
const MAX_CREW: usize = 8;
/// Seals and regions of a route, at most.
const MAX_STOPS: usize = 32;
/// Wagons, and containers, of a consignment, at most.
pub(super) const MAX_WAGONS: usize = 64;
/// Seals on a train, at most, after it was relayed.
const MAX_TRAIN_SEALS: usize = 128;
/// Seals on one wagon, at most.
const MAX_WAGON_SEALS: usize = 8;

/// A waybill's fields.
pub(super) fn check(draft: &Draft<'_>, c: &Carriage) -> Result<(), Refused> {
    if draft.party(&c.consignee).is_none() {
        return Err(Refused::new(RefusalCode::UnknownParty, "consignee").detail(&c.consignee));
    }
    if c.mode() == TransportMode::Unspecified {
        return Err(Refused::missing("mode"));
    }
    fields::text(&c.waybill, MAX_SHORT, "waybill")?;
    of_no_other_mode(c)?;
    match c.mode() {
        TransportMode::Unspecified | TransportMode::Road => road(c)?,
        TransportMode::Rail => rail(c, c.rail.as_deref())?,
        TransportMode::Air => air(c, c.air.as_deref())?,
        TransportMode::Water => water(c.water.as_deref())?,
        TransportMode::Pipeline => pipeline(c, c.pipeline.as_deref())?,
    }
    seals(&c.seals, MAX_STOPS)?;
    containers(&c.containers)?;
    if c.route.len() > MAX_STOPS {
        return Err(Refused::invalid("route", format!("at most {MAX_STOPS}")));
    }
    c.route.iter().try_for_each(|r| fields::region(r, "route"))
}

/// A field that only one mode has, in another.
fn of_no_other_mode(c: &Carriage) -> Result<(), Refused> {
    use TransportMode as M;
    let set = [
        ("vehicle", M::Road, !c.vehicle.is_empty()),
        ("crew", M::Road, !c.crew.is_empty()),
        ("trailer", M::Road, !c.trailer.is_empty()),
        ("escort", M::Road, !c.escort.is_empty()),
        ("road", M::Road, c.road.is_some()),
        ("rail", M::Rail, c.rail.is_some()),
        ("air", M::Air, c.air.is_some()),
        ("water", M::Water, c.water.is_some()),
        ("pipeline", M::Pipeline, c.pipeline.is_some()),
    ];
    let foreign = set
        .into_iter()
        .find(|(_, mode, set)| *set && *mode != c.mode());
    foreign.map_or(Ok(()), |(field, _, _)| {
        Err(Refused::invalid(field, "another mode's, not asked here"))
    })
}

fn road(c: &Carriage) -> Result<(), Refused> {
    fields::text(&c.vehicle, MAX_SHORT, "vehicle")?;
    fields::optional_text(&c.trailer, MAX_SHORT, "trailer")?;
    if c.crew.is_empty() {
        return Err(Refused::missing("crew"));
    }
    crew(&c.crew)?;
    if !c.escort.is_empty() {
        fields::hash(&c.escort, "escort")?;
    }
    waybill::check(c)
}

fn rail(c: &Carriage, rail: Option<&RailCarriage>) -> Result<(), Refused> {
    let rail = rail.ok_or_else(|| Refused::missing("rail"))?;
    let check = || {
        if rail.wagons.is_empty() || rail.wagons.len() > MAX_WAGONS {
            let why = format!("1 to {MAX_WAGONS} are wanted");
            return Err(Refused::invalid("wagons", why));
        }
        for (i, number) in rail.wagons.iter().enumerate() {
            wagon(number, "wagons")?;
            if rail.wagons.iter().take(i).any(|other| other == number) {
                return Err(Refused::invalid("wagons", format!("{number} stands twice")));
            }
        }
        fields::text(&rail.from_station, MAX_SHORT, "from_station")?;
        fields::text(&rail.to_station, MAX_SHORT, "to_station")
    };
    check().map_err(|r| r.within("rail"))?;
    if c.seals.is_empty() {
        return Err(Refused::missing("seals"));
    }
    Ok(())
}

fn wagon(number: &str, field: &str) -> Result<(), Refused> {
    number
        .parse::<WagonNumber>()
        .map(drop)
        .map_err(|error| Refused::invalid(field, error.to_string()))
}

fn air(c: &Carriage, air: Option<&AirCarriage>) -> Result<(), Refused> {
    check_air_waybill(&c.waybill)
        .map_err(|error| Refused::invalid("waybill", error.to_string()))?;
    let air = air.ok_or_else(|| Refused::missing("air"))?;
    flight(&air.flight).map_err(|r| r.within("air"))
}

/// An airline's two or three letters and digits, and up to four digits.
fn flight(text: &str) -> Result<(), Refused> {
    if text.is_empty() {
        return Err(Refused::missing("flight"));
    }
    let airline = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = text.len().saturating_sub(airline.len());
    let sound = matches!(airline.len(), 1..=3)
        && (1..=5).contains(&digits)
        && (3..=7).contains(&text.len())
        && airline
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    if sound {
        return Ok(());
    }
    Err(Refused::invalid("flight", "such as CA1234"))
}

fn water(water: Option<&WaterCarriage>) -> Result<(), Refused> {
    let water = water.ok_or_else(|| Refused::missing("water"))?;
    let check = || {
        fields::text(&water.vessel, MAX_SHORT, "vessel")?;
        if water.imo.is_empty() && water.registration.is_empty() {
            return Err(Refused::missing("imo"));
        }
        if !water.imo.is_empty() {
            check_imo(&water.imo).map_err(|error| Refused::invalid("imo", error.to_string()))?;
        }
        fields::optional_text(&water.registration, MAX_SHORT, "registration")?;
        fields::text(&water.from_port, MAX_SHORT, "from_port")?;
        fields::text(&water.to_port, MAX_SHORT, "to_port")
    };
    check().map_err(|r| r.within("water"))
}

fn pipeline(c: &Carriage, pipeline: Option<&PipelineCarriage>) -> Result<(), Refused> {
    let pipeline = pipeline.ok_or_else(|| Refused::missing("pipeline"))?;
    let check = || {
        fields::text(&pipeline.line, MAX_SHORT, "line")?;
        fields::text(&pipeline.meter, MAX_SHORT, "meter")?;
        if pipeline.from_ms <= 0 || pipeline.to_ms <= pipeline.from_ms {
            return Err(Refused::invalid("to_ms", "a time after from_ms is wanted"));
        }
        Ok(())
    };
    check().map_err(|r| r.within("pipeline"))?;
    if !c.seals.is_empty() {
        return Err(Refused::invalid("seals", "a pipeline has none"));
    }
    if !c.containers.is_empty() {
        return Err(Refused::invalid("containers", "a pipeline has none"));
    }
    Ok(())
}

fn crew(crew: &[Bytes]) -> Result<(), Refused> {
    if crew.len() > MAX_CREW {
        return Err(Refused::invalid("crew", format!("at most {MAX_CREW}")));
    }
    crew.iter().try_for_each(|c| fields::hash(c, "crew"))
}

fn seals(seals: &[String], most: usize) -> Result<(), Refused> {
    if seals.len() > most {
        return Err(Refused::invalid("seals", format!("at most {most}")));
    }
    seals
        .iter()
        .try_for_each(|s| fields::text(s, MAX_SHORT, "seals"))
}

fn containers(numbers: &[String]) -> Result<(), Refused> {
    if numbers.len() > MAX_WAGONS {
        return Err(Refused::invalid(
            "containers",
            format!("at most {MAX_WAGONS}"),
        ));
    }
    numbers.iter().try_for_each(|number| {
        let read = number.parse::<ContainerNumber>().map(drop);
        read.map_err(|error| Refused::invalid("containers", error.to_string()))
    })
}

/// What a relay says of where the goods go on, by the consignment's mode; of
/// an unknown consignment what any mode would say.
pub(super) fn check_relay(known: Option<&ConsignmentState>, e: &Relayed) -> Result<(), Refused> {
    let mode = known
        .and_then(|c| c.carriage.as_ref())
        .map_or(TransportMode::Unspecified, Carriage::mode);
    let by_rail =
        mode == TransportMode::Rail || (mode == TransportMode::Unspecified && !e.wagons.is_empty());
    if by_rail {
        return rail_relay(known, e);
    }
    if !e.wagons.is_empty() || !e.station.is_empty() {
        return Err(Refused::invalid("wagons", "by rail only"));
    }
    if mode == TransportMode::Pipeline {
        return Err(Refused::invalid("consignment", "a pipeline does not relay"));
    }
    fields::text(&e.vehicle, MAX_SHORT, "vehicle")?;
    if matches!(mode, TransportMode::Air | TransportMode::Water) && !e.crew.is_empty() {
        return Err(Refused::invalid("crew", "of the road only"));
    }
    crew(&e.crew)?;
    seals(&e.seals, MAX_STOPS)
}

fn rail_relay(known: Option<&ConsignmentState>, e: &Relayed) -> Result<(), Refused> {
    if !e.vehicle.is_empty() || !e.crew.is_empty() {
        return Err(Refused::invalid("vehicle", "of the road only"));
    }
    if !e.seals.is_empty() {
        return Err(Refused::invalid("seals", "they stand with their wagons"));
    }
    fields::text(&e.station, MAX_SHORT, "station")?;
    if e.wagons.len() > MAX_WAGONS {
        return Err(Refused::invalid("wagons", format!("at most {MAX_WAGONS}")));
    }
    for (i, transfer) in e.wagons.iter().enumerate() {
        let at = format!("wagons[{i}]");
        let check = || {
            wagon(&transfer.from, "from")?;
            wagon(&transfer.to, "to")?;
            seals(&transfer.seals, MAX_WAGON_SEALS)?;
            let emptied = e.wagons.iter().any(|other| other.from == transfer.to);
            if emptied {
                return Err(Refused::invalid("to", "a wagon that is emptied here"));
            }
            let pair = |other: &crate::pb::WagonTransfer| {
                other.from == transfer.from && other.to == transfer.to
            };
            if e.wagons.iter().take(i).any(pair) {
                return Err(Refused::invalid("to", "the pair stands twice"));
            }
            if known.is_some_and(|c| !c.wagons.contains(&transfer.from)) {
                return Err(Refused::invalid("from", "no wagon of the consignment"));
            }
            Ok(())
        };
        check().map_err(|r| r.within(&at))?;
    }
    let after = known.map_or(0, |c| wagons_after(c, e).len());
    if after > MAX_WAGONS {
        let why = format!("{after} would carry it; at most {MAX_WAGONS}");
        return Err(Refused::invalid("wagons", why));
    }
    let sealed = known.map_or(0, |c| seals_after(c, e).len());
    if sealed > MAX_TRAIN_SEALS {
        let why = format!("{sealed} on the train; at most {MAX_TRAIN_SEALS}");
        return Err(Refused::invalid("wagons", why));
    }
    Ok(())
}

/// The wagons that carry the goods after a relay: those that were not emptied,
/// then those that took over.
pub(super) fn wagons_after(before: &ConsignmentState, e: &Relayed) -> Vec<String> {
    let emptied = |number: &&String| e.wagons.iter().any(|t| t.from == **number);
    let mut after: Vec<String> = before
        .wagons
        .iter()
        .filter(|number| !emptied(number))
        .cloned()
        .collect();
    for transfer in &e.wagons {
        if !after.contains(&transfer.to) {
            after.push(transfer.to.clone());
        }
    }
    after
}

/// The seals after a relay. By rail those of the wagons that took over; if some
/// wagon stayed as it was, beside those before, since no seal says which wagon
/// it is on.
pub(super) fn seals_after(before: &ConsignmentState, e: &Relayed) -> Vec<String> {
    let by_rail = !before.wagons.is_empty();
    if !by_rail {
        return e.seals.clone();
    }
    let stays = |number: &String| !e.wagons.iter().any(|t| t.from == *number);
    let mut after = if before.wagons.iter().any(stays) {
        before.seals.clone()
    } else {
        Vec::new()
    };
    after.extend(e.wagons.iter().flat_map(|t| t.seals.clone()));
    after
}
