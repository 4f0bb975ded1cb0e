//! Goods by road and rail: offered for carriage, taken aboard, relayed,
//! delivered.

use hazledger::pb::event::Body;
use hazledger::pb::{
    Carriage, FindingCode, HandoffPurpose as Purpose, LoadingChecks, Offered, Relayed, RuleKind,
};

use super::bench::hash;
use super::entered::{Goods, Thing, un_number};
use super::handing::{is_asked, touched, waste_papers};
use super::hands::Hands;
use super::history::{History, KG, act_in, fact_in, home, is_free, store};
use super::load::{Lacking, Load};
use super::opinion::{Opinion, Setting};
use super::papers;
use super::registry::{CREW, TRAILER, TRUCKS, WAGONS};
use super::verbs::kg;

/// An offer that waits to be taken.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub called: String,
    pub goods: Vec<Goods>,
    pub hands: Hands,
    /// What brings it: aboard of which it is offered, or by which it will go.
    pub trip: Option<Trip>,
    /// What its own manifest lacks.
    pub lacking: Lacking,
    pub manifest: bool,
    pub takes_back: Option<String>,
}

/// Goods on the road.
#[derive(Clone, Debug)]
pub struct Trip {
    pub called: String,
    pub carrier: char,
    pub load: Load,
    /// Where it was relayed last.
    pub region: Option<&'static str>,
    /// As the waybill has them.
    vehicle: String,
    trailer: Option<String>,
    crew: Vec<String>,
    escort: Option<String>,
    /// What the road waybill lacks, and whether it was begun.
    waybill: Lacking,
    begun: bool,
    purpose: Purpose,
    permit: Option<String>,
    manifest: bool,
    /// The goods are on their way.
    is_aboard: bool,
}

impl History {
    /// P offers goods to C, to be carried to M, W or D.
    pub fn ship(&mut self) {
        let consignee = self.pick(&['M', 'M', 'M', 'W', 'D']);
        let purposes = [
            Purpose::Sale,
            Purpose::Sale,
            Purpose::Unspecified,
            Purpose::Storage,
            Purpose::Lending,
        ];
        let purpose = match consignee {
            'D' => self.pick(&[Purpose::Disposal, Purpose::Storage]),
            _ => self.pick(&purposes),
        };
        let (lines, goods) = match consignee {
            'D' if self.chance(0.7) => self.waste(),
            _ => self.goods(),
        };
        let permit = match purpose {
            Purpose::Sale | Purpose::Unspecified => self.some_permit(consignee),
            _ => None,
        };
        let by_rail = self.chance(0.25);
        let mut trip = self.trip(consignee, by_rail, goods);
        trip.purpose = purpose;
        trip.permit = permit;
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        self.offer_for_carriage(trip, &lines);
    }

    fn trip(&mut self, consignee: char, by_rail: bool, goods: Vec<Goods>) -> Trip {
        let vehicle = self.pick(&TRUCKS).to_owned();
        let trailer = (!by_rail && self.chance(0.3)).then(|| TRAILER.to_owned());
        let mut crew = vec![self.pick(&CREW).to_owned()];
        if self.chance(0.4) {
            crew.push(self.pick(&CREW).to_owned());
        }
        let escort = self.chance(0.6).then(|| self.pick(&CREW).to_owned());
        if by_rail {
            crew.clear();
        }
        let road_pass = self.pick(&["", "R-1", "R-1", "R-2", "R-3", "R-9", "G-1"]);
        let vehicles = if by_rail {
            WAGONS.map(str::to_owned).to_vec()
        } else {
            std::iter::once(vehicle.clone())
                .chain(trailer.clone())
                .collect()
        };
        let load = Load {
            by_rail,
            giver: 'P',
            carrier: 'C',
            consignee,
            vehicles,
            crew: crew
                .iter()
                .chain(escort.iter().filter(|_| !by_rail))
                .cloned()
                .collect(),
            road_pass: if by_rail { "" } else { road_pass }.to_owned(),
            goods,
        };
        Trip {
            called: self.name(),
            carrier: 'C',
            load,
            region: None,
            vehicle,
            trailer,
            crew,
            escort,
            waybill: Lacking::Nothing,
            begun: false,
            purpose: Purpose::Unspecified,
            permit: None,
            manifest: false,
            is_aboard: false,
        }
    }

    fn carriage(&mut self, trip: &mut Trip) -> Carriage {
        let mut carriage = Carriage {
            vehicle: trip.vehicle.clone(),
            trailer: trip.trailer.clone().unwrap_or_default(),
            crew: trip.crew.iter().map(|who| hash(who)).collect(),
            escort: trip.escort.as_deref().map(hash).unwrap_or_default(),
            ..self.b.carriage(trip.load.consignee)
        };
        trip.begun = self.chance(0.5);
        if !trip.begun {
            trip.waybill = Lacking::Surely;
            return carriage;
        }
        // Of a trailer's certificate the sources are not sure.
        trip.waybill = match trip.trailer {
            Some(_) => Lacking::Perhaps,
            None => Lacking::Nothing,
        };
        let mut road = papers::filled_in(&self.b).road.unwrap();
        let row = road.goods[0].clone();
        road.goods.clear();
        for one in &trip.load.goods {
            let mut row = row.clone();
            row.un = un_number(one.form);
            if one.form != "NACN-1689" {
                row.class = "5.1".into();
                row.packing_group = "III".into();
            }
            row.quantity = kg(&format!("{}", one.gross_mg / KG));
            road.goods.push(row);
        }
        road.drivers = vec![papers::person(&trip.crew[0])];
        let escort = trip.escort.as_ref().unwrap_or(&trip.crew[0]);
        road.escorts = vec![papers::person(escort)];
        if self.chance(0.3) {
            road.dispatcher.clear();
            trip.waybill = Lacking::Surely;
        }
        carriage.road = Some(road);
        carriage
    }

    fn checks(&mut self) -> Option<LoadingChecks> {
        let mut checks = LoadingChecks {
            vehicle: true,
            crew: true,
            tank: true,
            goods: true,
            papers: true,
            by: hash("loader"),
        };
        match self.pick(&[0, 1, 1, 1, 1, 1, 1, 2, 3]) {
            0 => return None,
            2 => checks.papers = false,
            3 => checks.by.clear(),
            _ => {}
        }
        Some(checks)
    }

    fn offer_for_carriage(&mut self, mut trip: Trip, lines: &[&str]) {
        let consignee = trip.load.consignee;
        let by_rail = trip.load.by_rail;
        let shipped = if by_rail {
            self.b.by_rail('C', consignee, "T1", lines)
        } else {
            let carriage = self.carriage(&mut trip);
            Offered {
                carriage: Some(carriage),
                ..self.b.offered('C', "T1", lines)
            }
        };
        let checks = if by_rail { None } else { self.checks() };
        let mut offered = Offered {
            purpose: trip.purpose.into(),
            permit: trip.permit.clone().unwrap_or_default(),
            road_pass: trip.load.road_pass.clone(),
            loading_checks: checks.clone(),
            papers_passed_on: self.chance(0.8),
            ..shipped
        };
        let goods = trip.load.goods.clone();
        let lacking = if by_rail && goods.iter().any(|g| g.waste) {
            Lacking::Surely
        } else {
            self.manifest(&mut offered, &goods)
        };
        trip.manifest = offered.manifest.is_some();
        let hands = Hands {
            giver: Some('P'),
            taker: Some(consignee),
            carrier: Some('C'),
            by_rail,
            buyer: (trip.purpose == Purpose::Sale).then_some(consignee),
            purpose: trip.purpose,
            permit: trip.permit.clone(),
            ..Hands::default()
        };
        let (keys, two) = self.keys('P');
        let before = self.permit_of(&hands, consignee);
        let after = before.clone().map(|mut permit| {
            permit.claim(&trip.called, &goods);
            permit
        });
        let passed_on = offered.papers_passed_on;
        let regions = [home('P'), home('C'), home(consignee), store('P')];
        let judge = |o: &mut Opinion<'_>, times: &[i64]| {
            let setting = act_in(&regions, times);
            let of_packs = Setting {
                can_be_refused: trip.purpose != Purpose::Disposal,
                ..setting.clone()
            };
            o.hands(&setting, &goods, &hands);
            if let Some((before, after)) = before.as_ref().zip(after.as_ref()) {
                o.quantity(&of_packs, &goods, before, after);
            }
            o.lists(&of_packs, &goods);
            o.two_persons(&of_packs, &goods, two);
            o.load(&of_packs, &trip.load, true);
            o.words(&of_packs, &trip.load, checks.as_ref(), passed_on);
            o.fields(&of_packs, RuleKind::WaybillFields, &goods, trip.waybill);
            let waste: Vec<Goods> = goods.iter().filter(|g| g.waste).cloned().collect();
            o.fields(&of_packs, RuleKind::ManifestFields, &waste, lacking);
            let free = is_free(trip.purpose, consignee);
            let gate = Setting {
                can_be_refused: !free,
                ..setting
            };
            let parties = ['P', 'C', consignee];
            o.blacklist(&gate, &regions[..3], &parties);
            let mut things = touched(&goods, &parties, &['P']);
            things.extend(trip.sealed_vehicles());
            o.seals(!free, &things);
        };
        let called = trip.called.clone();
        if self.act(&called, &keys, &Body::Offered(offered), judge) {
            self.claimed(&hands, consignee, after);
            let manifest = trip.manifest;
            self.offers.push(Waiting {
                called,
                goods,
                hands,
                trip: Some(trip),
                lacking,
                manifest,
                takes_back: None,
            });
        }
    }

    /// Some offer that waits is taken.
    pub fn take(&mut self) {
        if self.offers.is_empty() {
            return;
        }
        let at = self.pick(&(0..self.offers.len()).collect::<Vec<_>>());
        let waiting = self.offers.swap_remove(at);
        if waiting.takes_back.is_none() && self.chance(0.15) {
            return self.close(&waiting);
        }
        match &waiting.trip {
            Some(trip) if !trip.is_aboard => self.take_aboard(&waiting),
            _ => self.take_at_place(&waiting),
        }
    }

    fn take_aboard(&mut self, waiting: &Waiting) {
        let mut trip = waiting.trip.clone().unwrap();
        let accepted = self.accepted_aboard(waiting);
        let goods = &waiting.goods;
        // The consignee takes nothing yet, and buys nothing.
        let hands = Hands {
            taker: None,
            buyer: None,
            ..waiting.hands.clone()
        };
        let consignee = trip.load.consignee;
        let before = self.permit_of(&hands, consignee);
        let after = before.clone().map(|mut permit| {
            permit.claim(&trip.called, goods);
            permit
        });
        let judge = |o: &mut Opinion<'_>, times: &[i64]| {
            let of_taker = fact_in(&[home('C')], times);
            o.hands(&of_taker, goods, &hands);
            if let Some((before, after)) = before.as_ref().zip(after.as_ref()) {
                o.quantity(&of_taker, goods, before, after);
            }
            o.lists(&of_taker, goods);
            let regions = [home('P'), home('C'), store('P')];
            o.load(&fact_in(&regions, times), &trip.load, false);
            let rule = RuleKind::WaybillFields;
            let asked = trip.begun || is_asked(o, rule, goods, home('C'), times);
            if asked && trip.waybill != Lacking::Nothing {
                o.found.insert(FindingCode::WaybillIncomplete);
            }
            let lacks = waiting.lacking != Lacking::Nothing;
            waste_papers(o, waiting, 'C', times, lacks);
            o.blacklist(&of_taker, &[home('P'), home('C')], &['P', 'C']);
            o.seals(false, &touched(goods, &['P', 'C'], &['P']));
        };
        self.fact("C1", &Body::Accepted(accepted), judge);
        self.claimed(&hands, consignee, after);
        trip.is_aboard = true;
        self.road.push(trip);
    }

    /// A consignment goes on with another vehicle and crew, and perhaps with
    /// another carrier.
    pub fn relay(&mut self) {
        let by_road = |trip: &&Trip| !trip.load.by_rail && trip.carrier == 'C';
        let Some(mut trip) = self.road.iter().find(by_road).cloned() else {
            return;
        };
        let to = match trip.load.consignee {
            'W' => 'C',
            _ => self.pick(&['C', 'W']),
        };
        let vehicle = self.pick(&TRUCKS).to_owned();
        let crew = vec![self.pick(&CREW).to_owned()];
        let region = self.pick(&["150100", "150122", "110000"]);
        let relayed = Relayed {
            vehicle: vehicle.clone(),
            crew: crew.iter().map(|who| hash(who)).collect(),
            region: region.into(),
            ..self.b.relayed(&trip.called, to)
        };
        // The trailer goes on with its vehicle, the escort with its crew.
        let trailer = trip.trailer.clone().filter(|_| trip.vehicle == vehicle);
        let escort = trip.escort.clone().filter(|_| trip.crew == crew);
        trip.load.vehicles = std::iter::once(vehicle.clone()).chain(trailer).collect();
        trip.load.crew = crew.iter().cloned().chain(escort).collect();
        trip.load.carrier = to;
        trip.carrier = to;
        trip.region = Some(region);
        let hands = Hands {
            carrier: (to != 'C').then_some(to),
            ..Hands::default()
        };
        let consignee = trip.load.consignee;
        let goods = trip.load.goods.clone();
        let judge = |o: &mut Opinion<'_>, times: &[i64]| {
            let regions = [home('C'), home(to), region];
            let setting = Setting {
                can_be_refused: trip.purpose != Purpose::Disposal,
                ..act_in(&regions, times)
            };
            o.load(&setting, &trip.load, false);
            o.carries(&setting, &goods, &hands);
            let free = is_free(trip.purpose, consignee);
            let gate = Setting {
                can_be_refused: !free,
                ..setting
            };
            let parties = ['C', to, consignee];
            o.blacklist(&gate, &parties.map(home), &parties);
            let mut things = touched(&goods, &parties, &[]);
            things.extend(
                TRUCKS
                    .iter()
                    .filter(|t| **t == vehicle)
                    .map(|t| Thing::Vehicle(t)),
            );
            o.seals(!free, &things);
        };
        let called = self.name();
        let keys = if to == 'C' { "C1" } else { "C1+W1" };
        if self.act(&called, keys, &Body::Relayed(relayed), judge) {
            let name = trip.called.clone();
            let known = self.road.iter_mut().find(|t| t.called == name);
            *known.unwrap() = trip;
        }
    }

    /// The carrier offers its consignee what is aboard.
    pub fn deliver(&mut self) {
        if self.road.is_empty() {
            return;
        }
        let at = self.pick(&(0..self.road.len()).collect::<Vec<_>>());
        let trip = self.road[at].clone();
        let (carrier, consignee) = (trip.carrier, trip.load.consignee);
        let goods = trip.load.goods.clone();
        let lines: Vec<String> = goods
            .iter()
            .map(|one| match one.lot.split_once('#') {
                Some((lot, serial)) => format!("{lot}#{serial}"),
                None => format!("{} {}", one.lot, one.gross_mg / KG),
            })
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let delivered = Offered {
            purpose: trip.purpose.into(),
            ..self.b.delivered(consignee, &trip.called, &lines)
        };
        let hands = Hands {
            giver: Some(carrier),
            is_aboard: true,
            taker: Some(consignee),
            buyer: (trip.purpose == Purpose::Sale).then_some(consignee),
            purpose: trip.purpose,
            permit: trip.permit.clone(),
            ..Hands::default()
        };
        let permit = self.permit_of(&hands, consignee);
        let judge = |o: &mut Opinion<'_>, times: &[i64]| {
            let regions = [home(carrier), home(consignee)];
            let setting = act_in(&regions, times);
            let of_packs = Setting {
                can_be_refused: trip.purpose != Purpose::Disposal,
                ..setting.clone()
            };
            o.hands(&setting, &goods, &hands);
            if let Some(permit) = &permit {
                o.quantity(&of_packs, &goods, permit, permit);
            }
            o.lists(&of_packs, &goods);
            let free = is_free(trip.purpose, consignee);
            let gate = Setting {
                can_be_refused: !free,
                ..setting
            };
            o.blacklist(&gate, &regions, &[carrier, consignee]);
            o.seals(!free, &touched(&goods, &[carrier, consignee], &[]));
        };
        let called = self.name();
        let keys = format!("{carrier}1");
        if self.act(&called, &keys, &Body::Offered(delivered), judge) {
            self.road.swap_remove(at);
            let manifest = trip.manifest;
            self.offers.push(Waiting {
                called,
                goods,
                hands,
                trip: Some(trip),
                lacking: Lacking::Nothing,
                manifest,
                takes_back: None,
            });
        }
    }
}

impl Trip {
    /// Those of its vehicles that can be sealed.
    fn sealed_vehicles(&self) -> Vec<Thing> {
        let of_road = TRUCKS.iter().filter(|_| !self.load.by_rail);
        of_road
            .filter(|plate| **plate == self.vehicle)
            .map(|plate| Thing::Vehicle(plate))
            .collect()
    }
}
