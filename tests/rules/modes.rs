//! Tables of the modes of transport: what each asks of a waybill and nothing of
//! the others, and trains that go on in other wagons.

use bytes::Bytes;
use hazledger::pb::event::Body as B;
use hazledger::pb::{
    AirCarriage, Carriage, PipelineCarriage, Relayed, TransportMode as Mode, WaterCarriage,
};

use super::bench::{Answer, Bench, hash};
use super::table::Case;
use super::verbs::zeros;

/// A waybill of the mode, right in everything.
fn right(b: &Bench, mode: Mode) -> Carriage {
    let road = b.carriage('M');
    let bare = Carriage {
        mode: mode.into(),
        vehicle: String::new(),
        crew: Vec::new(),
        ..road.clone()
    };
    match mode {
        Mode::Unspecified | Mode::Road => road,
        Mode::Rail => b.by_rail('C', 'M', "T1", &[]).carriage.unwrap(),
        Mode::Air => Carriage {
            waybill: "999-12345675".into(),
            air: Some(Box::new(AirCarriage {
                flight: "CA1234".into(),
            })),
            ..bare
        },
        Mode::Water => Carriage {
            water: Some(Box::new(WaterCarriage {
                vessel: "Emma".into(),
                imo: "9074729".into(),
                registration: String::new(),
                from_port: "上海".into(),
                to_port: "武汉".into(),
            })),
            ..bare
        },
        Mode::Pipeline => Carriage {
            seals: Vec::new(),
            pipeline: Some(Box::new(PipelineCarriage {
                line: "L-1".into(),
                from_ms: 1_000,
                to_ms: 2_000,
                meter: "FT-101".into(),
            })),
            ..bare
        },
    }
}

/// P ships 100 kg by a waybill of the mode that is changed before.
fn ship(b: &mut Bench, mode: Mode, change: impl FnOnce(&mut Carriage)) -> Answer {
    let mut carriage = right(b, mode);
    change(&mut carriage);
    let mut e = b.offered('C', "T1", &["stock 100"]);
    e.carriage = Some(carriage);
    b.name("train", "P1", B::Offered(e))
}

fn rail(c: &mut Carriage) -> &mut hazledger::pb::RailCarriage {
    c.rail.as_mut().unwrap()
}

fn water(c: &mut Carriage) -> &mut WaterCarriage {
    c.water.as_mut().unwrap()
}

fn pipe(c: &mut Carriage) -> &mut PipelineCarriage {
    c.pipeline.as_mut().unwrap()
}

#[rustfmt::skip]
pub const WAYBILLS: &[Case] = &[
    ("stock", |b| ship(b, Mode::Road, |_| ()), "ok"),
    ("stock", |b| ship(b, Mode::Rail, |_| ()), "ok"),
    ("stock", |b| ship(b, Mode::Air, |_| ()), "ok"),
    ("stock", |b| ship(b, Mode::Water, |_| ()), "ok"),
    ("stock", |b| ship(b, Mode::Pipeline, |_| ()), "ok"),
    // Road: plate, crew; trailer and escort if there are any.
    ("stock", |b| ship(b, Mode::Road, |c| c.crew.clear()), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Road, |c| c.vehicle.clear()), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Road, |c| { c.trailer = "蒙A1234挂".into(); c.escort = hash("escort"); }), "ok"),
    ("stock", |b| ship(b, Mode::Road, |c| c.trailer = "x".repeat(65)), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Road, |c| c.escort = zeros(31)), "FIELD_INVALID"),
    // Rail: wagons, stations, seals; nothing of the road.
    ("stock", |b| ship(b, Mode::Rail, |c| c.rail = None), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Rail, |c| c.waybill.clear()), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Rail, |c| c.seals.clear()), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Rail, |c| rail(c).from_station.clear()), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Rail, |c| rail(c).to_station.clear()), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Rail, |c| rail(c).wagons.clear()), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Rail, |c| rail(c).wagons.push("45488855".into())), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Rail, |c| rail(c).wagons.push("45488856".into())), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Rail, |c| rail(c).wagons.push("275150814729".into())), "ok"),
    ("stock", |b| ship(b, Mode::Rail, |c| rail(c).wagons.push("1673024".into())), "ok"),
    ("stock", |b| ship(b, Mode::Rail, |c| rail(c).wagons.push("C70-1".into())), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Rail, |c| rail(c).wagons = (0..64).map(|n| (1_000_000 + n).to_string()).collect()), "ok"),
    ("stock", |b| ship(b, Mode::Rail, |c| rail(c).wagons = (0..65).map(|n| (1_000_000 + n).to_string()).collect()), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Rail, |c| c.vehicle = "蒙A00001".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Rail, |c| c.crew = vec![hash("driver")]), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Rail, |c| c.trailer = "蒙A1234挂".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Rail, |c| c.escort = hash("escort")), "FIELD_INVALID"),
    // Air: an air waybill and a flight.
    ("stock", |b| ship(b, Mode::Air, |c| c.air = None), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Air, |c| c.waybill = "999-12345674".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Air, |c| c.waybill = "W-1".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Air, |c| c.air = Some(Box::new(AirCarriage::default()))), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Air, |c| c.air = Some(Box::new(AirCarriage { flight: "next week".into() }))), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Air, |c| c.air = Some(Box::new(AirCarriage { flight: "3U8888".into() }))), "ok"),
    ("stock", |b| ship(b, Mode::Air, |c| c.crew = vec![hash("pilot")]), "FIELD_INVALID"),
    // Water: a vessel with a number, and ports.
    ("stock", |b| ship(b, Mode::Water, |c| c.water = None), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Water, |c| water(c).vessel.clear()), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Water, |c| water(c).imo.clear()), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Water, |c| { water(c).imo.clear(); water(c).registration = "CN20071234567".into(); }), "ok"),
    ("stock", |b| ship(b, Mode::Water, |c| water(c).imo = "9074728".into()), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Water, |c| water(c).to_port.clear()), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Water, |c| c.vehicle = "Emma".into()), "FIELD_INVALID"),
    // A pipeline: a line, a meter, an interval; no seal, no container.
    ("stock", |b| ship(b, Mode::Pipeline, |c| c.pipeline = None), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Pipeline, |c| pipe(c).line.clear()), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Pipeline, |c| pipe(c).meter.clear()), "FIELD_MISSING"),
    ("stock", |b| ship(b, Mode::Pipeline, |c| pipe(c).to_ms = 1_000), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Pipeline, |c| pipe(c).from_ms = 0), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Pipeline, |c| c.seals = vec!["S".into()]), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Pipeline, |c| c.containers = vec!["CSQU3054383".into()]), "FIELD_INVALID"),
    // What one mode has is no other's.
    ("stock", |b| { let other = right(b, Mode::Rail).rail; ship(b, Mode::Road, |c| c.rail = other) }, "FIELD_INVALID"),
    ("stock", |b| { let other = right(b, Mode::Air).air; ship(b, Mode::Water, |c| c.air = other) }, "FIELD_INVALID"),
    ("stock", |b| { let other = right(b, Mode::Water).water; ship(b, Mode::Pipeline, |c| c.water = other) }, "FIELD_INVALID"),
    ("stock", |b| { let other = right(b, Mode::Pipeline).pipeline; ship(b, Mode::Air, |c| c.pipeline = other) }, "FIELD_INVALID"),
    // Containers, on the road too.
    ("stock", |b| ship(b, Mode::Rail, |c| c.containers = vec!["CSQU3054383".into()]), "ok"),
    ("stock", |b| ship(b, Mode::Road, |c| c.containers = vec!["CSQU3054384".into()]), "FIELD_INVALID"),
    ("stock", |b| ship(b, Mode::Rail, |c| c.containers = vec!["CSQU3054383".into(); 65]), "FIELD_INVALID"),
];

/// The train has left with 100 kg; C relays it, as it should or not.
fn gauge(b: &mut Bench, keys: &str, change: impl FnOnce(&mut Relayed)) -> Answer {
    ship(b, Mode::Rail, |_| ()).unwrap();
    b.now += 1_000;
    b.say("C1", B::Accepted(b.accepted("train", "", &["0 take 100"])))
        .unwrap();
    b.now += 1_000;
    let mut e = b.gauge_changed("train");
    change(&mut e);
    b.say(keys, B::Relayed(e))
}

/// A relay by another mode.
fn other(b: &mut Bench, mode: Mode, change: impl FnOnce(&mut Relayed)) -> Answer {
    ship(b, mode, |_| ()).unwrap();
    b.now += 1_000;
    b.say("C1", B::Accepted(b.accepted("train", "", &["0 take 100"])))
        .unwrap();
    b.now += 1_000;
    let mut e = Relayed {
        crew: Vec::new(),
        ..b.relayed("train", 'C')
    };
    change(&mut e);
    b.say("C1", B::Relayed(e))
}

/// The gauge has changed once; once more from the wagon there is now, or from
/// one that was emptied.
fn again(b: &mut Bench, from: &str) -> Answer {
    gauge(b, "C1", |_| ()).unwrap();
    b.now += 1_000;
    let mut e = b.gauge_changed("train");
    e.wagons.pop();
    e.wagons[0].from = from.into();
    e.wagons[0].to = "7654321".into();
    b.say("C1", B::Relayed(e))
}

#[rustfmt::skip]
pub const GAUGE: &[Case] = &[
    ("stock", |b| gauge(b, "C1", |_| ()), "ok"),
    ("stock", |b| gauge(b, "C1", |e| drop(e.wagons.pop())), "ok"),
    ("stock", |b| gauge(b, "C1", |e| e.wagons[1].to = "1673025".into()), "ok"),
    ("stock", |b| gauge(b, "C1", |e| { e.wagons[1].from = e.wagons[0].from.clone(); e.wagons[1].to = "1673025".into(); }), "ok"),
    ("stock", |b| gauge(b, "C1", |e| e.wagons.clear()), "ok"),
    ("stock", |b| again(b, "1673024"), "ok"),
    ("stock", |b| again(b, "45488855"), "FIELD_INVALID"),
    ("stock", |b| gauge(b, "W1+C1", |_| ()), "NOT_THE_CARRIER"),
    ("stock", |b| gauge(b, "C1", |e| e.consignment = Bytes::from_static(&[5; 16])), "UNKNOWN_CONSIGNMENT"),
    ("stock", |b| gauge(b, "C1", |e| e.station.clear()), "FIELD_MISSING"),
    ("stock", |b| gauge(b, "C1", |e| e.vehicle = "蒙A00001".into()), "FIELD_INVALID"),
    ("stock", |b| gauge(b, "C1", |e| e.crew = vec![hash("driver")]), "FIELD_INVALID"),
    ("stock", |b| gauge(b, "C1", |e| e.seals = vec!["S".into()]), "FIELD_INVALID"),
    ("stock", |b| gauge(b, "C1", |e| e.wagons[0].from = "1234567".into()), "FIELD_INVALID"),
    ("stock", |b| gauge(b, "C1", |e| e.wagons[0].to = "45488856".into()), "FIELD_INVALID"),
    ("stock", |b| gauge(b, "C1", |e| e.wagons[0].to = e.wagons[0].from.clone()), "FIELD_INVALID"),
    ("stock", |b| gauge(b, "C1", |e| e.wagons[0].to = "52051232".into()), "FIELD_INVALID"),
    ("stock", |b| gauge(b, "C1", |e| e.wagons[1] = e.wagons[0].clone()), "FIELD_INVALID"),
    ("stock", |b| gauge(b, "C1", |e| e.wagons[0].seals = vec!["S".into(); 9]), "FIELD_INVALID"),
    ("stock", |b| gauge(b, "C1", |e| e.wagons = vec![e.wagons[0].clone(); 65]), "FIELD_INVALID"),
    ("stock", |b| gauge(b, "C1", |e| { let one = e.wagons[0].clone(); e.wagons = (0..64).map(|n| hazledger::pb::WagonTransfer { to: (2_000_000 + n).to_string(), seals: Vec::new(), ..one.clone() }).collect(); }), "FIELD_INVALID"),
    // Other modes: a flight or a vessel, no crew; wagons are rail's.
    ("stock", |b| other(b, Mode::Road, |_| ()), "ok"),
    ("stock", |b| other(b, Mode::Air, |_| ()), "ok"),
    ("stock", |b| other(b, Mode::Water, |_| ()), "ok"),
    ("stock", |b| other(b, Mode::Water, |e| e.crew = vec![hash("mate")]), "FIELD_INVALID"),
    ("stock", |b| other(b, Mode::Air, |e| e.vehicle.clear()), "FIELD_MISSING"),
    ("stock", |b| other(b, Mode::Pipeline, |_| ()), "FIELD_INVALID"),
    ("stock", |b| other(b, Mode::Road, |e| e.wagons = vec![hazledger::pb::WagonTransfer::default()]), "FIELD_INVALID"),
];
