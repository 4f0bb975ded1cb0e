//! What is handed over on the spot, sold, given back, and taken at a place.

use hazledger::pb::event::Body;
use hazledger::pb::{
    Accepted, HandoffPurpose as Purpose, Offered, ReceiptDecision, RuleKind, Traded,
};
use rand::RngExt as _;

use super::entered::{Goods, Thing};
use super::hands::Hands;
use super::history::{Given, History, KG, act_in, fact_in, goods, home, is_free, more, store};
use super::load::Lacking;
use super::opinion::{Opinion, Setting};
use super::papers;
use super::shipments::{Trip, Waiting};

/// What is sealed that a handoff touches.
pub fn touched(goods: &[Goods], parties: &[char], places: &[char]) -> Vec<Thing> {
    let lot = |one: &Goods| match one.lot.as_str() {
        "other" => Some(Thing::Lot("other")),
        "an" => Some(Thing::Lot("an")),
        _ => None,
    };
    let mut things: Vec<Thing> = goods.iter().filter_map(lot).collect();
    things.extend(parties.iter().map(|p| Thing::Party(*p)));
    things.extend(places.iter().map(|p| Thing::Place(*p)));
    things
}

/// Whether a manifest's fields are asked of waste in a region, whatever then.
pub fn is_asked(
    opinion: &Opinion<'_>,
    rule: RuleKind,
    goods: &[Goods],
    region: &str,
    times: &[i64],
) -> bool {
    let asked = |one: &Goods| {
        let lines = opinion
            .entered
            .lines(rule, Some(one.form), &[region], times);
        !lines.is_empty()
    };
    goods.iter().any(asked)
}

impl History {
    /// One person of a party's or two.
    pub fn keys(&mut self, letter: char) -> (String, bool) {
        let two = self.chance(0.6);
        let keys = if two {
            format!("{letter}1+{letter}2")
        } else {
            format!("{letter}1")
        };
        (keys, two)
    }

    /// From a place of the giver's into one of the taker's.
    pub fn hand_over(&mut self) {
        let from_w = self.stock.get(&'W').is_some_and(|kg| *kg > 3) && self.chance(0.3);
        let giver = if from_w { 'W' } else { 'P' };
        let taker = match giver {
            'W' => 'M',
            _ => self.pick(&['M', 'M', 'W', 'D', 'D']),
        };
        let purposes = [
            Purpose::Sale,
            Purpose::Sale,
            Purpose::Sale,
            Purpose::Unspecified,
            Purpose::Storage,
            Purpose::Lending,
            Purpose::Transfer,
        ];
        let purpose = match taker {
            'D' => self.pick(&[Purpose::Disposal, Purpose::Storage]),
            _ => self.pick(&purposes),
        };
        let (lines, goods) = match (giver, taker) {
            ('W', _) => {
                *self.stock.entry('W').or_default() -= 1;
                (
                    vec!["stock 1".to_owned()],
                    vec![goods("stock", "NACN-1689", 1)],
                )
            }
            (_, 'D') if self.chance(0.5) => self.waste(),
            _ => self.goods(),
        };
        let permit = match purpose {
            Purpose::Sale | Purpose::Unspecified => self.some_permit(taker),
            _ => None,
        };
        let hands = Hands {
            giver: Some(giver),
            taker: Some(taker),
            buyer: (purpose == Purpose::Sale).then_some(taker),
            purpose,
            permit,
            ..Hands::default()
        };
        self.offer_at_place(&hands, &lines, goods);
    }

    /// A waste of the plant's, of its own lot.
    pub fn waste(&mut self) -> (Vec<String>, Vec<Goods>) {
        let called = self.name();
        let kilograms = self.dice.random_range(1..=3_i64);
        let wasted = self.b.wasted(&format!("stock {kilograms}"));
        self.b.name(&called, "P1", Body::Wasted(wasted)).unwrap();
        let waste = Goods {
            waste: true,
            ..goods(&called, "NACN-1689", kilograms)
        };
        (vec![format!("{called} {kilograms}")], vec![waste])
    }

    fn offer_at_place(&mut self, hands: &Hands, lines: &[String], goods: Vec<Goods>) {
        let (giver, taker) = (hands.giver.unwrap(), hands.taker.unwrap());
        let called = self.name();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut offered = Offered {
            purpose: hands.purpose.into(),
            permit: hands.permit.clone().unwrap_or_default(),
            ..self.b.offered(taker, "T1", &lines)
        };
        let lacking = self.manifest(&mut offered, &goods);
        let (keys, two) = self.keys(giver);
        let before = self.permit_of(hands, taker);
        let after = before.clone().map(|mut permit| {
            permit.claim(&called, &goods);
            permit
        });
        let regions = [home(giver), home(taker), store(giver)];
        let judge = |o: &mut Opinion<'_>, times: &[i64]| {
            let setting = act_in(&regions, times);
            let free = is_free(hands.purpose, taker);
            let of_packs = Setting {
                can_be_refused: hands.purpose != Purpose::Disposal,
                ..setting.clone()
            };
            o.hands(&setting, &goods, hands);
            if let Some((before, after)) = before.as_ref().zip(after.as_ref()) {
                o.quantity(&of_packs, &goods, before, after);
            }
            o.lists(&of_packs, &goods);
            o.two_persons(&of_packs, &goods, two);
            let waste: Vec<Goods> = goods.iter().filter(|g| g.waste).cloned().collect();
            o.fields(&of_packs, RuleKind::ManifestFields, &waste, lacking);
            let gate = Setting {
                can_be_refused: !free,
                ..setting
            };
            o.blacklist(&gate, &regions[..2], &[giver, taker]);
            o.seals(!free, &touched(&goods, &[giver, taker], &[giver]));
        };
        if self.act(&called, &keys, &Body::Offered(offered.clone()), judge) {
            self.claimed(hands, taker, after);
            self.offers.push(Waiting {
                called,
                goods,
                hands: hands.clone(),
                trip: None,
                lacking,
                manifest: offered.manifest.is_some(),
                takes_back: None,
            });
        } else if giver == 'W' {
            *self.stock.entry('W').or_default() += 1;
        }
    }

    /// The permit as an act has left it.
    pub fn claimed(&mut self, hands: &Hands, holder: char, after: Option<super::entered::Permit>) {
        if let Some((number, permit)) = hands.permit.clone().zip(after) {
            self.entered.permits.insert((holder, number), permit);
        }
    }

    /// The manifest of what goes from a place, if it is waste: whole, with one
    /// gap of which the sources are not sure, or none.
    pub fn manifest(&mut self, e: &mut Offered, goods: &[Goods]) -> Lacking {
        let Some(waste) = goods.iter().find(|g| g.waste) else {
            return Lacking::Nothing;
        };
        let mut manifest = papers::manifest(&self.b);
        manifest.rows[0].quantity = super::verbs::kg(&format!("{}", waste.gross_mg / KG));
        if let Some(carriage) = &e.carriage {
            manifest.plate.clone_from(&carriage.vehicle);
            let driver = carriage.crew[0].clone();
            manifest.driver.get_or_insert_default().person = driver;
        }
        let lacking = self.pick(&[Lacking::Nothing, Lacking::Perhaps, Lacking::Surely]);
        match lacking {
            Lacking::Nothing => {}
            Lacking::Perhaps => manifest.mover.get_or_insert_default().phone.clear(),
            Lacking::Surely if self.chance(0.5) => return lacking,
            Lacking::Surely => manifest.rows[0].name.clear(),
        }
        e.manifest = Some(Box::new(manifest));
        lacking
    }

    /// Takes goods of an offer into the taker's place, all of them; now and
    /// then more than was offered.
    pub fn take_at_place(&mut self, waiting: &Waiting) {
        let hands = &waiting.hands;
        let (giver, taker) = (hands.giver.unwrap(), hands.taker.unwrap());
        let in_bulk = waiting.goods.iter().all(|g| g.loose && !g.waste);
        let often = if hands.permit.is_some() { 0.6 } else { 0.1 };
        let over = in_bulk && waiting.takes_back.is_none() && self.chance(often);
        let came: Vec<Goods> = waiting
            .goods
            .iter()
            .map(|one| more(one, i64::from(over)))
            .collect();
        let mut accepted = self.accepted(waiting, "T1", &came);
        let receipt = waiting.goods.iter().any(|g| g.waste) && self.chance(0.5);
        if receipt {
            let kilograms = format!("{}", came[0].gross_mg / KG);
            let paper = papers::receipt(&self.b, ReceiptDecision::Accept, &kilograms);
            accepted.receipt = Some(Box::new(paper));
        }
        let (keys, two) = self.keys(taker);
        let before = self.permit_of(hands, taker);
        let after = before.clone().map(|mut permit| {
            permit.free(waiting.name_of_claim());
            permit.draw(&came);
            permit
        });
        let recorded = self.b.now;
        let judge = |o: &mut Opinion<'_>, times: &[i64]| {
            let setting = fact_in(&[home(taker), store(taker)], times);
            o.hands(&setting, &came, hands);
            if let Some((before, after)) = before.as_ref().zip(after.as_ref()) {
                o.quantity(&setting, &came, before, after);
            }
            o.lists(&setting, &came);
            o.two_persons(&setting, &came, two);
            let is_sale = matches!(
                hands.purpose,
                Purpose::Sale | Purpose::Unspecified | Purpose::Transfer
            );
            if is_sale && waiting.takes_back.is_none() {
                o.filing(&setting, &came, recorded);
            }
            let lacks = !receipt || waiting.lacking != Lacking::Nothing;
            waste_papers(o, waiting, taker, times, lacks);
            if let Some(trip) = &waiting.trip {
                let regions = [home(trip.carrier), home(taker), store(taker)];
                let regions = regions.into_iter().chain(trip.region).collect::<Vec<_>>();
                o.load(&fact_in(&regions, times), &trip.load, false);
            }
            o.blacklist(&setting, &[home(giver), home(taker)], &[giver, taker]);
            let mut places = vec![taker];
            if waiting.trip.is_none() {
                places.push(giver);
            }
            o.seals(false, &touched(&came, &[giver, taker], &places));
        };
        self.fact(&keys, &Body::Accepted(accepted), judge);
        self.claimed(hands, taker, after);
        self.now_has(waiting, taker, &came);
    }

    fn accepted(&self, waiting: &Waiting, place: &str, came: &[Goods]) -> Accepted {
        let line = |(i, one): (usize, &Goods)| match one.lot.split_once('#') {
            Some((_, serial)) => format!("{i} take #{serial}"),
            None => format!("{i} take {}", one.gross_mg / KG),
        };
        let lines: Vec<String> = came.iter().enumerate().map(line).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let accepted = self.b.accepted(&waiting.called, place, &lines);
        match &waiting.takes_back {
            Some(of) => Accepted {
                returns: Some(self.b.event(of)),
                ..accepted
            },
            None => accepted,
        }
    }

    /// The same for goods that go aboard.
    pub fn accepted_aboard(&self, waiting: &Waiting) -> Accepted {
        self.accepted(waiting, "", &waiting.goods)
    }

    /// The books after goods were taken.
    fn now_has(&mut self, waiting: &Waiting, taker: char, came: &[Goods]) {
        let [one] = came else { return };
        if one.lot != "stock" || !one.loose {
            return;
        }
        let kilograms = one.gross_mg / KG;
        *self.stock.entry(taker).or_default() += kilograms;
        match &waiting.takes_back {
            Some(of) => {
                let given = self.given.iter().find(|g| g.name == *of).cloned();
                let number = given.and_then(|g| g.permit);
                let permit = number.and_then(|n| self.entered.permits.get_mut(&('M', n)));
                if let Some(permit) = permit {
                    permit.restore(came);
                }
            }
            None if waiting.trip.is_none() && waiting.hands.giver == Some('P') && taker == 'M' => {
                self.given.push(Given {
                    name: waiting.called.clone(),
                    left_kg: kilograms,
                    permit: waiting.hands.permit.clone(),
                });
            }
            None => {}
        }
    }

    /// M gives back some of what it was handed.
    pub fn give_back(&mut self) {
        let open: Vec<usize> = (0..self.given.len())
            .filter(|i| self.given[*i].left_kg > 0)
            .collect();
        let has = self.stock.get(&'M').copied().unwrap_or_default();
        if open.is_empty() || has < 1 {
            return;
        }
        let at = self.pick(&open);
        self.given[at].left_kg -= 1;
        *self.stock.entry('M').or_default() -= 1;
        let of = self.given[at].name.clone();
        let called = self.name();
        let goods = vec![goods("stock", "NACN-1689", 1)];
        let offered = self.b.back('P', &of, &["stock 1"]);
        let hands = Hands {
            giver: Some('M'),
            taker: Some('P'),
            ..Hands::default()
        };
        let (keys, two) = self.keys('M');
        let regions = [home('M'), home('P'), store('M')];
        let judge = |o: &mut Opinion<'_>, times: &[i64]| {
            // Never blocked.
            let setting = Setting {
                can_be_refused: false,
                ..act_in(&regions, times)
            };
            o.hands(&setting, &goods, &hands);
            o.lists(&setting, &goods);
            o.two_persons(&setting, &goods, two);
            o.blacklist(&setting, &regions[..2], &['M', 'P']);
            o.seals(false, &touched(&goods, &['M', 'P'], &['M']));
        };
        assert!(self.act(&called, &keys, &Body::Offered(offered), judge));
        self.offers.push(Waiting {
            called,
            goods,
            hands,
            trip: None,
            lacking: Lacking::Nothing,
            manifest: false,
            takes_back: Some(of),
        });
    }

    /// Title goes from P to M or W; both sign.
    pub fn sell(&mut self) {
        let buyer = self.pick(&['M', 'M', 'W']);
        let called = self.name();
        let lot = self.pick(&[("stock", "NACN-1689"), ("an", "AN-1942")]);
        let kilograms = self.dice.random_range(1..=3_i64);
        let goods = vec![goods(lot.0, lot.1, kilograms)];
        let hands = Hands {
            giver: Some('P'),
            buyer: Some(buyer),
            permit: self.some_permit(buyer),
            ..Hands::default()
        };
        let traded = Traded {
            permit: hands.permit.clone().unwrap_or_default(),
            ..self.b.traded(buyer, &[&format!("{} {kilograms}", lot.0)])
        };
        let before = self.permit_of(&hands, buyer);
        let after = before.clone().map(|mut permit| {
            permit.draw(&goods);
            permit
        });
        let regions = [home('P'), home(buyer)];
        let judge = |o: &mut Opinion<'_>, times: &[i64]| {
            let setting = act_in(&regions, times);
            o.hands(&setting, &goods, &hands);
            if let Some((before, after)) = before.as_ref().zip(after.as_ref()) {
                o.quantity(&setting, &goods, before, after);
            }
            o.lists(&setting, &goods);
            // Both sides file it, each where it is.
            for side in regions {
                o.filing(&fact_in(&[side], &times[..1]), &goods, times[1]);
            }
            o.blacklist(&setting, &regions, &['P', buyer]);
            o.seals(true, &touched(&goods, &['P', buyer], &[]));
        };
        let keys = format!("P1+{buyer}1");
        if self.act(&called, &keys, &Body::Traded(traded), judge) {
            self.claimed(&hands, buyer, after);
        }
    }
}

/// What a manifest lacks where waste is taken over: of one that was begun, or
/// where a pack asks for it.
pub fn waste_papers(
    o: &mut Opinion<'_>,
    waiting: &Waiting,
    taker: char,
    times: &[i64],
    lacks: bool,
) {
    let waste: Vec<Goods> = waiting.goods.iter().filter(|g| g.waste).cloned().collect();
    let rule = RuleKind::ManifestFields;
    let asked = is_asked(o, rule, &waste, home(taker), times);
    let judged = !waste.is_empty() && (waiting.manifest || asked);
    let code = hazledger::pb::FindingCode::ManifestIncomplete;
    match (judged, lacks) {
        (true, true) => drop(o.found.insert(code)),
        (true, false) => drop(o.kept.insert(code)),
        _ => {}
    }
}

impl Waiting {
    /// The name by which a permit's claim is kept: the consignment's, or the
    /// offer's.
    pub fn name_of_claim(&self) -> &str {
        self.trip
            .as_ref()
            .map_or(&self.called, |t: &Trip| &t.called)
    }
}
