//! Modes of transport: what the model asks of a waybill and of a relay, and
//! the plans that ship by each.

use std::collections::BTreeSet;

use bytes::Bytes;
use hazledger::pb::{
    AirCarriage, Carriage, PipelineCarriage, RailCarriage, Relayed, TransportMode as Mode,
    WagonTransfer, WaterCarriage,
};

use super::model::{Consignment, Verdict, Wrong, must};
use super::player::Player;

/// Wagons of a consignment, at most.
const MAX_WAGONS: usize = 64;

/// Whether it is a wagon's number: 7 digits of China; 8 or 12, whose last makes
/// the doubled sum a multiple of ten.
fn is_wagon(number: &str) -> bool {
    let digits: Option<Vec<u32>> = number.chars().map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits else { return false };
    let from_right = digits.iter().rev().enumerate();
    let sum: u32 = from_right
        .map(|(i, d)| [*d, d * 2 / 10 + d * 2 % 10][i % 2])
        .sum();
    match digits.len() {
        7 => true,
        8 | 12 => sum.is_multiple_of(10),
        _ => false,
    }
}

pub fn wagons(carriage: Option<&Carriage>) -> BTreeSet<String> {
    let rail = carriage.and_then(|c| c.rail.as_ref());
    rail.map(|r| r.wagons.iter().cloned().collect())
        .unwrap_or_default()
}

/// Each mode has its own, and nothing of the others.
pub fn waybill(c: &Carriage) -> Verdict {
    let road = !c.vehicle.is_empty() && !c.crew.is_empty();
    let any_road = !c.vehicle.is_empty() || !c.crew.is_empty();
    let sound = match c.mode() {
        Mode::Unspecified => false,
        Mode::Road => road,
        Mode::Rail => {
            let numbers = wagons(Some(c));
            !numbers.is_empty() && numbers.iter().all(|n| is_wagon(n)) && !c.seals.is_empty()
        }
        Mode::Air => c.air.is_some() && c.waybill.len() == 12,
        Mode::Water => c.water.is_some(),
        Mode::Pipeline => c.pipeline.is_some() && c.seals.is_empty(),
    };
    let own = (c.mode() == Mode::Road || !any_road)
        && (c.mode() == Mode::Rail || c.rail.is_none())
        && (c.mode() == Mode::Air || c.air.is_none())
        && (c.mode() == Mode::Water || c.water.is_none())
        && (c.mode() == Mode::Pipeline || c.pipeline.is_none());
    must(sound && own && !c.waybill.is_empty(), Wrong::Field)
}

/// Which wagons carry it after a relay.
pub fn relay(known: Option<&Consignment>, e: &Relayed) -> Verdict<BTreeSet<String>> {
    let Some(known) = known else {
        let road = !e.vehicle.is_empty() && e.wagons.is_empty();
        must(road, Wrong::Field)?;
        return Ok(BTreeSet::new());
    };
    let rail = known.mode == i32::from(Mode::Rail);
    if !rail {
        let pumped = known.mode == i32::from(Mode::Pipeline);
        let road = known.mode == i32::from(Mode::Road) || e.crew.is_empty();
        must(!pumped && road, Wrong::Field)?;
        must(!e.vehicle.is_empty() && e.wagons.is_empty(), Wrong::Field)?;
        return Ok(BTreeSet::new());
    }
    must(e.vehicle.is_empty() && !e.station.is_empty(), Wrong::Field)?;
    let from: BTreeSet<String> = e.wagons.iter().map(|w| w.from.clone()).collect();
    let to: BTreeSet<String> = e.wagons.iter().map(|w| w.to.clone()).collect();
    let numbers = from.iter().chain(&to).all(|n| is_wagon(n));
    let apart = from.is_subset(&known.wagons) && from.is_disjoint(&to);
    must(numbers && apart, Wrong::Field)?;
    let mut after: BTreeSet<String> = known.wagons.difference(&from).cloned().collect();
    after.extend(to);
    must(after.len() <= MAX_WAGONS, Wrong::Field)?;
    Ok(after)
}

/// Plans.
impl Player {
    /// A road carriage made into one of any mode; seldom with something of
    /// another's.
    pub fn in_some_mode(&mut self, road: Carriage) -> Carriage {
        if self.world.percent(55) {
            return road;
        }
        let mut c = Carriage {
            vehicle: String::new(),
            crew: Vec::new(),
            ..road
        };
        match self.world.upto(5) {
            0 => {
                c.mode = Mode::Air.into();
                "999-12345675".clone_into(&mut c.waybill);
                c.air = Some(Box::new(AirCarriage {
                    flight: "CA1234".to_owned(),
                }));
            }
            1 => {
                c.mode = Mode::Water.into();
                c.water = Some(Box::new(WaterCarriage {
                    vessel: "长江一号".to_owned(),
                    registration: "CN-7".to_owned(),
                    from_port: "A".to_owned(),
                    to_port: "B".to_owned(),
                    ..WaterCarriage::default()
                }));
            }
            2 => {
                c.mode = Mode::Pipeline.into();
                c.seals.clear();
                c.pipeline = Some(Box::new(PipelineCarriage {
                    line: "L-1".to_owned(),
                    from_ms: 1,
                    to_ms: 2,
                    meter: "M-1".to_owned(),
                }));
            }
            _ => {
                c.mode = Mode::Rail.into();
                let first = 1_000_000 + self.world.upto(999);
                let count = self.world.upto(3);
                let mut wagons: Vec<String> =
                    (first..=first + count).map(|n| n.to_string()).collect();
                wagons.push("45488855".to_owned());
                c.rail = Some(Box::new(RailCarriage {
                    wagons,
                    from_station: "A".to_owned(),
                    to_station: "B".to_owned(),
                }));
            }
        }
        if self.world.percent(6) {
            match self.world.upto(3) {
                0 => c.crew = vec![Bytes::from_static(&[5; 32])],
                1 => c.mode = Mode::Road.into(),
                2 => "A-1".clone_into(&mut c.vehicle),
                _ => {
                    if let Some(rail) = &mut c.rail {
                        rail.wagons = vec!["45488856".to_owned()];
                    }
                }
            }
        }
        c
    }

    /// A relay as the consignment's mode has it: by rail some of its wagons, or
    /// all, or none, into others.
    pub fn by_its_mode(&mut self, known: &Consignment, road: Relayed) -> Relayed {
        let wrong = self.world.percent(5);
        if (known.mode == i32::from(Mode::Rail)) == wrong {
            return road;
        }
        let mut wagons = Vec::new();
        let all = self.world.percent(60);
        for from in &known.wagons {
            if all || self.world.percent(50) {
                let to = 2_000_000 + self.world.upto(40_000);
                wagons.push(WagonTransfer {
                    from: from.clone(),
                    to: to.to_string(),
                    seals: vec!["Z-1".to_owned()],
                });
            }
        }
        if self.world.percent(6)
            && let Some(first) = wagons.first_mut()
        {
            "7654321".clone_into(&mut first.from);
        }
        Relayed {
            vehicle: String::new(),
            wagons,
            station: "满洲里".to_owned(),
            ..road
        }
    }
}
