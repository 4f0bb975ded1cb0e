//! What carries goods and who drives: vehicles with their certificates, tanks
//! with their inspections and media, wagons, drivers and escorts; of each
//! carrier its own, registered by it.

use bytes::Bytes;

use super::World;
use super::cast::Who;
use super::goods::{CYANIDE_SOLUTION, KG, TONNE_KG};
use super::rail::{check_digit, is_narrow};
use crate::pb::event::Body;
use crate::pb::{
    PersonRegistered, Qualification, QualificationKind, VehicleKind, VehicleRegistered,
};

/// Trucks of a carrier, and its tank trucks.
const TRUCKS: u64 = 3;
const TANKERS: u64 = 2;
/// Drivers of a carrier, and as many escorts.
const CREWS: u64 = 3;
/// Wagons of each gauge.
const WAGONS: u64 = 16;
/// Numbers of the first of them.
const FIRST_WIDE: u64 = 5_000_000;
const FIRST_NARROW: u64 = 1_600_000;
/// Kilograms that a truck takes.
const TRUCK_KG: i64 = 30 * TONNE_KG;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// What is valid is so for a year after the world's end.
const VALID_DAYS: i64 = 365;

/// What a carrier drives with.
#[derive(Clone, Debug, Default)]
pub(super) struct Fleet {
    trucks: Vec<String>,
    tankers: Vec<String>,
    drivers: Vec<Bytes>,
    escorts: Vec<Bytes>,
    turn: usize,
}

/// What goes out with a load: a plate, and driver and escort.
#[derive(Clone, Debug, Default)]
pub(super) struct Turnout {
    pub(super) vehicle: String,
    pub(super) crew: Vec<Bytes>,
    pub(super) tanker: bool,
}

/// Until when something holds that is valid, and something that is not.
#[derive(Clone, Copy, Debug)]
pub(super) enum Valid {
    Yes,
    /// It ended before the world began.
    Ended,
}

impl World {
    /// Unix milliseconds.
    pub(super) fn until(&self, valid: Valid) -> i64 {
        match valid {
            Valid::Yes => self.span.until_ms.saturating_add(VALID_DAYS * DAY_MS),
            Valid::Ended => self.span.from_ms.saturating_sub(DAY_MS),
        }
    }

    /// A vehicle as its operator registers it.
    pub(super) fn vehicle(
        &self,
        who: &Who,
        plate: &str,
        tank: bool,
        valid: Valid,
    ) -> VehicleRegistered {
        let kind = if tank {
            VehicleKind::TankTruck
        } else {
            VehicleKind::Truck
        };
        let until_ms = self.until(valid);
        let digits: String = plate.chars().filter(char::is_ascii_digit).collect();
        VehicleRegistered {
            party: who.code.clone(),
            vehicle: plate.to_owned(),
            kind: kind.into(),
            plate_colour: "黄色".to_owned(),
            operating_certificate: certificate(who, plate),
            certificate_until_ms: until_ms,
            tank: if tank {
                format!("TANK-{digits}")
            } else {
                String::new()
            },
            inspection_until_ms: if tank { until_ms } else { 0 },
            media: if tank {
                vec![CYANIDE_SOLUTION.form.to_owned()]
            } else {
                Vec::new()
            },
            capacity_mg: TRUCK_KG * KG,
        }
    }

    /// A person with one qualification.
    pub(super) fn person(
        &self,
        who: &Who,
        person: &Bytes,
        kind: QualificationKind,
        valid: Valid,
    ) -> Body {
        let from_ms = self.span.from_ms.saturating_sub(VALID_DAYS * DAY_MS);
        Body::PersonRegistered(PersonRegistered {
            party: who.code.clone(),
            person: person.clone(),
            qualifications: vec![Qualification {
                kind: kind.into(),
                from_ms,
                until_ms: self.until(valid),
                withdrawn: false,
            }],
        })
    }

    /// A carrier registers what it drives with.
    pub(super) fn register_fleet(&mut self, who: &Who, valid: Valid) {
        let mut fleet = Fleet::default();
        let mut bodies = Vec::new();
        for n in 0..TRUCKS + TANKERS {
            let tank = n >= TRUCKS;
            let plate = format!("{}{:05}", who.plate, 10_000 + 13 * n + self.below(60_000));
            bodies.push(Body::VehicleRegistered(
                self.vehicle(who, &plate, tank, valid),
            ));
            let list = if tank {
                &mut fleet.tankers
            } else {
                &mut fleet.trucks
            };
            list.push(plate);
        }
        for _ in 0..CREWS {
            let (driver, escort) = (self.hash(), self.hash());
            bodies.push(self.person(who, &driver, QualificationKind::Driver, valid));
            bodies.push(self.person(who, &escort, QualificationKind::Escort, valid));
            fleet.drivers.push(driver);
            fleet.escorts.push(escort);
        }
        let said = self.say(who, bodies, "registers its vehicles and people");
        self.ready.push_back(said.issued);
        self.law.fleets.insert(who.code.clone(), fleet);
    }

    /// The railway's wagons, of both gauges.
    pub(super) fn register_wagons(&mut self, who: &Who) {
        let wide = (FIRST_WIDE..).take(usize::try_from(WAGONS).unwrap_or_default());
        self.law.wide = wide.map(|n| format!("{n}{}", check_digit(n))).collect();
        let narrow = (FIRST_NARROW..).take(usize::try_from(WAGONS).unwrap_or_default());
        self.law.narrow = narrow.map(|n| format!("{n:07}")).collect();
        let all = self.law.wide.iter().chain(&self.law.narrow);
        let wagon = |number: &String| {
            Body::VehicleRegistered(VehicleRegistered {
                party: who.code.clone(),
                vehicle: number.clone(),
                kind: VehicleKind::Wagon.into(),
                operating_certificate: certificate(who, number),
                certificate_until_ms: self.until(Valid::Yes),
                capacity_mg: TRUCK_KG * KG,
                ..VehicleRegistered::default()
            })
        };
        let bodies = all.map(wagon).collect();
        let said = self.say(who, bodies, "registers its wagons");
        self.ready.push_back(said.issued);
    }

    /// The next vehicle and crew of a carrier, in turn.
    pub(super) fn turnout(&mut self, who: &Who, tanker: bool) -> Turnout {
        let Some(fleet) = self.law.fleets.get_mut(&who.code) else {
            return Turnout::default();
        };
        fleet.turn = fleet.turn.wrapping_add(1);
        let plates = if tanker {
            &fleet.tankers
        } else {
            &fleet.trucks
        };
        let crew = [&fleet.drivers, &fleet.escorts];
        Turnout {
            vehicle: nth(plates, fleet.turn),
            crew: crew.into_iter().map(|list| nth(list, fleet.turn)).collect(),
            tanker,
        }
    }

    /// So many wagons of a gauge, none twice.
    pub(super) fn wagons(&mut self, narrow: bool, count: usize) -> Vec<String> {
        let law = &mut self.law;
        let all = if narrow { &law.narrow } else { &law.wide };
        law.wagon_turn = law.wagon_turn.wrapping_add(1);
        let from = law.wagon_turn;
        let mut some: Vec<String> = (from..from.saturating_add(count.min(all.len())))
            .map(|at| nth(all, at))
            .collect();
        some.sort_unstable();
        debug_assert!(!narrow || some.iter().all(|n| is_narrow(n)));
        some
    }
}

/// One of a list, by any number.
fn nth<T: Clone + Default>(list: &[T], at: usize) -> T {
    let at = at.checked_rem(list.len()).unwrap_or_default();
    list.get(at).cloned().unwrap_or_default()
}

/// The number of an operating certificate.
pub(super) fn certificate(who: &Who, plate: &str) -> String {
    let digits: String = plate.chars().filter(char::is_ascii_digit).collect();
    format!("{}-YSZ-{digits}", who.region)
}
