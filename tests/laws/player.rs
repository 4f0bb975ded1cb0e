//! The player: random statements, most of them right, some wrong on purpose.
//! It looks at the model to know what could be done, never at the ledger.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use bytes::Bytes;
use hazledger::event::ids::derived;
use hazledger::pb::event::Body;
use hazledger::pb::offered::From as OfferedFrom;
use hazledger::pb::{
    Accepted, AcceptedLine, Carriage, Event, EventKind, EventRef, ExternalRef, Goods, Measure,
    MeasureUnit, NewLot, Offered, Produced, Quantity, SerialRange, TransportMode,
};
use rand::RngExt as _;

use super::books::{Account, Id};
use super::goods::{FORMS, mass};
use super::model::{Model, Status, Touched};
use super::world::{PLACES, Plan, REGION, Signed, TWISTS, World, event};

/// Things of one kind that can be played with: an even pick, and those that
/// no longer serve fall out.
#[derive(Default)]
pub struct Pool {
    live: Vec<Id>,
    known: HashSet<Id>,
    gone: Vec<Id>,
}

impl Pool {
    pub fn add(&mut self, id: Id) {
        if self.known.insert(id) {
            self.live.push(id);
        }
    }

    pub fn pick(&mut self, world: &mut World, serves: impl Fn(&Id) -> bool) -> Option<Id> {
        for _ in 0..60 {
            if self.live.is_empty() {
                return None;
            }
            let at = world.upto(self.live.len() - 1);
            let id = self.live[at];
            if serves(&id) {
                return Some(id);
            }
            self.live.swap_remove(at);
            self.known.remove(&id);
            self.gone.push(id);
        }
        None
    }

    /// One that fell out.
    pub fn pick_gone(&self, world: &mut World) -> Option<Id> {
        if self.gone.is_empty() {
            return None;
        }
        Some(*world.pick(&self.gone))
    }
}

/// Some of a lot in a member's place.
#[derive(Clone)]
pub struct Stock {
    pub lot: Id,
    pub by: usize,
    pub place: String,
    /// Loose and not promised.
    pub free: i64,
    pub loose: i64,
    pub serials: Vec<u64>,
    pub free_serials: Vec<u64>,
}

/// A plan still to be signed, or a statement that is.
pub enum Play {
    Plan(Plan),
    Signed(Signed),
}

/// An offer's lines, as far as the taker needs them.
pub struct Seen {
    pub lines: Vec<(i64, Vec<u64>)>,
    pub from_aboard: bool,
    pub carriage: bool,
}

pub struct Player {
    pub world: World,
    pub lots: Pool,
    pub lost: Pool,
    pub offers: Pool,
    pub consignments: Pool,
    pub disputes: Pool,
    /// Events that can be corrected, and corrections.
    pub past: Vec<EventRef>,
    /// Keys registered, or about to be: (member, key).
    pub new_keys: Vec<(usize, super::world::Keyed)>,
    /// Offers signed already whose acceptances go first.
    held_back: Vec<Signed>,
    /// Only this member acts, while a statement of several events is made.
    pub only: Option<usize>,
    pub labels: u64,
    /// Accepted so far, by kind.
    pub counts: BTreeMap<EventKind, u64>,
}

/// Every kind that a party or an authority can bring about.
pub const LIVE: [EventKind; 29] = [
    EventKind::Produced,
    EventKind::Imported,
    EventKind::Opened,
    EventKind::Moved,
    EventKind::Packed,
    EventKind::Assayed,
    EventKind::Counted,
    EventKind::Offered,
    EventKind::Accepted,
    EventKind::Declined,
    EventKind::Withdrawn,
    EventKind::Relayed,
    EventKind::Reported,
    EventKind::Traded,
    EventKind::Used,
    EventKind::Transformed,
    EventKind::Wasted,
    EventKind::Disposed,
    EventKind::Exported,
    EventKind::Incident,
    EventKind::Recovered,
    EventKind::Settled,
    EventKind::Corrected,
    EventKind::PartyRegistered,
    EventKind::SiteRegistered,
    EventKind::PlaceRegistered,
    EventKind::UnitRegistered,
    EventKind::KeyRegistered,
    EventKind::KeyRevoked,
];

/// What happens more often than the rest.
const COMMON: [EventKind; 14] = [
    EventKind::Produced,
    EventKind::Packed,
    EventKind::Packed,
    EventKind::Moved,
    EventKind::Offered,
    EventKind::Offered,
    EventKind::Offered,
    EventKind::Accepted,
    EventKind::Accepted,
    EventKind::Accepted,
    EventKind::Traded,
    EventKind::Used,
    EventKind::Counted,
    EventKind::Corrected,
];

/// What can stand beside others in one statement.
const SIMPLE: [EventKind; 16] = [
    EventKind::Produced,
    EventKind::Imported,
    EventKind::Opened,
    EventKind::Moved,
    EventKind::Packed,
    EventKind::Counted,
    EventKind::Traded,
    EventKind::Used,
    EventKind::Transformed,
    EventKind::Wasted,
    EventKind::Disposed,
    EventKind::Exported,
    EventKind::Incident,
    EventKind::Recovered,
    EventKind::SiteRegistered,
    EventKind::UnitRegistered,
];

impl Player {
    pub fn new(world: World) -> Player {
        Player {
            world,
            lots: Pool::default(),
            lost: Pool::default(),
            offers: Pool::default(),
            consignments: Pool::default(),
            disputes: Pool::default(),
            past: Vec::new(),
            new_keys: Vec::new(),
            held_back: Vec::new(),
            only: None,
            labels: 0,
            counts: BTreeMap::new(),
        }
    }

    /// The next statement.
    pub fn next(&mut self, model: &Model) -> Signed {
        if !self.held_back.is_empty() && self.world.percent(30) {
            return self.held_back.remove(0);
        }
        loop {
            self.only = None;
            let kind = self.kind();
            let next = if self.world.percent(12) {
                self.several(model)
            } else {
                self.play(model, kind)
            };
            match next {
                Some(Play::Signed(signed)) => return signed,
                Some(Play::Plan(plan)) => return self.finish(plan),
                None => {}
            }
        }
    }

    fn finish(&mut self, mut plan: Plan) -> Signed {
        if self.world.percent(10) {
            let number = format!("T-{}", self.world.upto(9999));
            plan.events[0].external_refs.push(ExternalRef {
                system: "ERP".to_owned(),
                number,
            });
        }
        if self.world.percent(4) {
            plan.twist = *self.world.pick(&TWISTS);
        }
        self.world.signed(&plan)
    }

    /// The rarest so far, the common ones, or any.
    fn kind(&mut self) -> EventKind {
        match self.world.upto(9) {
            0..=3 => {
                let count = |k: &EventKind| self.counts.get(k).copied().unwrap_or_default();
                let mut rare = LIVE.to_vec();
                rare.sort_by_key(count);
                *self.world.pick(&rare[..6])
            }
            4..=6 => *self.world.pick(&COMMON),
            _ => *self.world.pick(&LIVE),
        }
    }

    /// Several events of one member in one statement.
    fn several(&mut self, model: &Model) -> Option<Play> {
        let by = self.world.anybody();
        self.only = Some(by);
        let mut all = Plan {
            by,
            ..Plan::default()
        };
        for _ in 0..=self.world.upto(3) {
            let kind = *self.world.pick(&SIMPLE);
            if let Some(Play::Plan(plan)) = self.play(model, kind)
                && plan.by == by
            {
                all.events.extend(plan.events);
                all.with.extend(plan.with);
                all.second |= plan.second;
                all.authorities = all.authorities.max(plan.authorities);
            }
        }
        all.with.sort_unstable();
        all.with.dedup();
        (!all.events.is_empty()).then_some(Play::Plan(all))
    }

    /// What an accepted statement brought.
    pub fn learn(&mut self, model: &Model, touched: &Touched, events: &[(EventRef, Event)]) {
        for lot in &touched.lots {
            let book = model.lots.get(lot).unwrap();
            if book.is_live() {
                self.lots.add(*lot);
            }
            if book.on(&Account::Missing).gross > 0 {
                self.lost.add(*lot);
            }
        }
        touched.offers.iter().for_each(|o| self.offers.add(*o));
        touched.disputes.iter().for_each(|d| self.disputes.add(*d));
        let consignments = touched.consignments.iter();
        consignments.for_each(|c| self.consignments.add(*c));
        for (reference, event) in events {
            *self.counts.entry(super::laws::kind(event)).or_default() += 1;
            match event.body.as_ref().unwrap() {
                Body::Produced(_)
                | Body::Imported(_)
                | Body::Opened(_)
                | Body::Used(_)
                | Body::Disposed(_)
                | Body::Exported(_)
                | Body::Incident(_)
                | Body::Corrected(_) => self.past.push(reference.clone()),
                Body::KeyRegistered(e) => self.key_registered(&e.public_key),
                Body::KeyRevoked(e) => self.key_revoked(&e.key_id),
                _ => {}
            }
        }
    }

    fn key_registered(&mut self, public: &Bytes) {
        let ours =
            |(_, k): &(usize, super::world::Keyed)| super::world::public(&k.secret) == public;
        if let Some(at) = self.new_keys.iter().position(ours) {
            let (member, key) = self.new_keys.swap_remove(at);
            self.world.members[member].keys.push(key);
        }
    }

    fn key_revoked(&mut self, id: &Bytes) {
        let keys = self.world.members.iter_mut().flat_map(|m| &mut m.keys);
        for key in keys.filter(|k| k.secret.id().to_bytes() == id) {
            key.revoked = true;
        }
    }

    /// Who acts next.
    pub fn actor(&mut self) -> usize {
        match self.only {
            Some(by) => by,
            None => self.world.anybody(),
        }
    }

    /// Once in a while something is wrong on purpose.
    pub fn wild(&mut self) -> bool {
        self.world.percent(20)
    }
}

/// Goods to play with.
impl Player {
    /// Something that somebody holds.
    pub fn stock(&mut self, model: &Model) -> Option<Stock> {
        for _ in 0..60 {
            let serves = |lot: &Id| model.lots.get(lot).unwrap().is_live();
            let lot = self.lots.pick(&mut self.world, serves)?;
            let book = model.lots.get(&lot).unwrap();
            let held: Vec<(&String, &String)> = book
                .accounts
                .iter()
                .filter(|(_, mass)| mass.gross > 0)
                .filter_map(|(account, _)| match account {
                    Account::Held(party, place) => Some((party, place)),
                    _ => None,
                })
                .collect();
            if held.is_empty() {
                continue;
            }
            let (party, place) = *self.world.pick(&held);
            let by = self.world.member(party).unwrap();
            if self.only.is_none_or(|only| only == by) {
                return Some(stock_at(model, lot, by, party, place));
            }
        }
        None
    }

    /// Something that stands in an open offer, all of it to be taken; else
    /// anything.
    pub fn promised_stock(&mut self, model: &Model) -> Option<Stock> {
        let open = |o: &Id| model.offers.get(o).unwrap().status == Status::Open;
        let offer = self.offers.pick(&mut self.world, open);
        let offer = offer.and_then(|o| model.offers.get(&o));
        if let Some(offer) = offer
            && let Account::Held(party, place) = &offer.from
            && let Some(by) = self.world.member(party)
            && self.only.is_none_or(|only| only == by)
        {
            let line = self.world.pick(&offer.lines);
            let mut stock = stock_at(model, line.lot, by, party, place);
            stock.free = stock.loose;
            stock.free_serials.clone_from(&stock.serials);
            if stock.loose > 0 || !stock.serials.is_empty() {
                return Some(stock);
            }
        }
        self.stock(model)
    }

    /// More of what stands in the same place, other lots.
    pub fn more_stock(&mut self, model: &Model, first: &Stock) -> Vec<Stock> {
        let mut all = vec![first.clone()];
        let party = self.world.code(first.by);
        let at = Account::Held(party.clone(), first.place.clone());
        for _ in 0..self.world.upto(30) {
            let serves = |lot: &Id| model.lots.get(lot).unwrap().is_live();
            let Some(lot) = self.lots.pick(&mut self.world, serves) else {
                break;
            };
            let there = model.lots.get(&lot).unwrap().on(&at).gross > 0;
            if there && !all.iter().any(|s| s.lot == lot) {
                all.push(stock_at(model, lot, first.by, &party, &first.place));
            }
        }
        all
    }

    /// From 1 to `most`: sometimes all, sometimes next to nothing.
    pub fn some(&mut self, most: i64) -> i64 {
        match self.world.upto(9) {
            0 | 1 => most,
            2 => 1,
            n => {
                let part = (most / i64::try_from(n - 2).unwrap()).max(1);
                self.world.rng.random_range(1..=part)
            }
        }
    }

    pub fn some_serials(&mut self, of: &[u64]) -> Vec<u64> {
        match self.world.upto(3) {
            0 => of.to_vec(),
            1 => of.iter().take(1).copied().collect(),
            _ => {
                let chance = self.world.rng.random_range(10..90);
                let mut chosen = of.to_vec();
                chosen.retain(|_| self.world.rng.random_range(0..100) < chance);
                chosen
            }
        }
    }

    /// A mass, sometimes with what was declared beside it.
    pub fn quantity(&mut self, gross_mg: i64) -> Quantity {
        let says = |value: i64| {
            Some(Measure {
                value: value.to_string(),
                unit: MeasureUnit::Mg.into(),
                ..Measure::default()
            })
        };
        let measure = match self.world.upto(199) {
            0 => says(gross_mg + 1),
            1..=20 if gross_mg > 0 => says(gross_mg),
            21..=30 if gross_mg > 0 => {
                return Quantity {
                    gross_mg: 0,
                    measure: says(gross_mg),
                };
            }
            _ => None,
        };
        Quantity { gross_mg, measure }
    }

    /// Some of a stock that is free; now and then more than that.
    pub fn goods(&mut self, stock: &Stock) -> Goods {
        let wild = self.wild();
        let mut lot = Bytes::copy_from_slice(&stock.lot);
        let mut loose =
            if stock.free > 0 && (stock.free_serials.is_empty() || self.world.percent(70)) {
                self.some(stock.free)
            } else {
                0
            };
        let mut serials = if loose == 0 || self.world.percent(50) {
            self.some_serials(&stock.free_serials)
        } else {
            Vec::new()
        };
        if wild {
            match self.world.upto(5) {
                0 => loose = stock.loose + self.some(1000),
                1 => loose = stock.loose,
                2 => serials.clone_from(&stock.serials),
                3 => serials.push(serials.last().copied().unwrap_or(0) + 900),
                4 => lot = Bytes::copy_from_slice(&[3; 16]),
                _ => {
                    loose = 0;
                    serials.clear();
                }
            }
        }
        let quantity = (loose > 0).then(|| self.quantity(loose));
        Goods {
            lot,
            loose: quantity,
            serials: ranges(&serials),
        }
    }

    /// A place of everybody's, or one that nobody has.
    pub fn place(&mut self) -> String {
        let place = *self.world.pick(&PLACES);
        if self.world.percent(2) {
            "NOWHERE"
        } else {
            place
        }
        .to_owned()
    }

    pub fn new_lot(&mut self) -> NewLot {
        self.labels += 1;
        let most = *self.world.pick(&[1_000, 1_000_000, 1_000_000_000]);
        let gross = self.world.rng.random_range(1..=most);
        let mut lot = NewLot {
            label: format!("L-{}", self.labels),
            form: (*self.world.pick(&FORMS)).to_owned(),
            quantity: Some(self.quantity(gross)),
            content_ppm: self.world.rng.random_range(1..=1_000_000),
            place: self.place(),
            data_sheet_hash: Bytes::from_static(&[1; 32]),
            label_hash: Bytes::from_static(&[2; 32]),
            documents: Vec::new(),
        };
        if self.world.percent(10) {
            match self.world.upto(4) {
                0 => "XX-0000".clone_into(&mut lot.form),
                1 => lot.content_ppm = 1_000_001,
                2 => lot.quantity = Some(self.quantity(0)),
                _ => {
                    lot.data_sheet_hash.clear();
                    lot.label_hash.clear();
                }
            }
        }
        lot
    }

    /// A lot and what is done with it at once, in one statement.
    pub fn fresh(&mut self) -> Play {
        let by = self.actor();
        let lot = NewLot {
            place: PLACES[0].to_owned(),
            quantity: Some(Quantity {
                gross_mg: 1_000_003,
                measure: None,
            }),
            ..self.new_lot()
        };
        let plan = Plan {
            by,
            events: vec![event(Body::Produced(Produced { lot: Some(lot) }))],
            ..Plan::default()
        };
        let (mut draft, key) = self.world.draft(&plan);
        let name = derived(&draft.party, draft.id, 0, 0);
        let lot = Bytes::copy_from_slice(&name);
        let serials = SerialRange { first: 1, last: 7 };
        draft.events.push(event(Body::Packed(hazledger::pb::Packed {
            lot: lot.clone(),
            place: PLACES[0].to_owned(),
            serials: Some(serials),
            gross_mg_each: 99_999,
            packaging: "drum".to_owned(),
        })));
        draft.events.push(event(Body::Moved(hazledger::pb::Moved {
            goods: Some(Goods {
                lot,
                loose: None,
                serials: vec![SerialRange { first: 2, last: 5 }],
            }),
            from_place: PLACES[0].to_owned(),
            to_place: PLACES[1].to_owned(),
        })));
        Play::Signed(self.world.sign(&plan, &draft, &key))
    }
}

fn stock_at(model: &Model, lot: Id, by: usize, party: &str, place: &str) -> Stock {
    let book = model.lots.get(&lot).unwrap();
    let at = Account::Held(party.to_owned(), place.to_owned());
    let serials = book.serials_on(&at);
    let promised = |s: &&u64| book.packages[*s].promised.is_some();
    Stock {
        lot,
        by,
        place: place.to_owned(),
        free: book.free_on(&at),
        loose: book.loose_on(&at).gross,
        free_serials: serials.iter().filter(|s| !promised(s)).copied().collect(),
        serials,
    }
}

/// Serials as ranges.
pub fn ranges(serials: &[u64]) -> Vec<SerialRange> {
    let mut ranges: Vec<SerialRange> = Vec::new();
    for serial in serials.iter().collect::<BTreeSet<_>>() {
        match ranges.last_mut() {
            Some(range) if range.last + 1 == *serial => range.last = *serial,
            _ => ranges.push(SerialRange {
                first: *serial,
                last: *serial,
            }),
        }
    }
    ranges
}

/// Handoffs.
impl Player {
    pub fn offered(&mut self, model: &Model) -> Option<Play> {
        let aboard = self.world.percent(45);
        let consignment = if aboard { self.aboard(model) } else { None };
        let (by, offered) = match consignment {
            Some(found) => found,
            None => self.offer_from_place(model)?,
        };
        let taker = self.world.member(&offered.taker);
        let seen = seen(&offered);
        let plan = Plan {
            by,
            events: vec![event(Body::Offered(offered))],
            ..Plan::default()
        };
        let Some(taker) = taker else {
            return Some(Play::Plan(plan));
        };
        match self.world.upto(99) {
            0..=14 => Some(self.on_the_spot(plan, taker, &seen)),
            15..=29 => Some(self.hold_back(&plan, taker, &seen)),
            _ => Some(Play::Plan(plan)),
        }
    }

    fn offer_from_place(&mut self, model: &Model) -> Option<(usize, Offered)> {
        let first = self.stock(model)?;
        let stocks = self.more_stock(model, &first);
        let lines = stocks.iter().take(3).map(|s| self.goods(s)).collect();
        let by = first.by;
        let taker = match self.world.upto(49) {
            0 => by,
            1 => 0,
            _ => self.world.anybody_but(by),
        };
        let consignee = self.world.anybody_but(by);
        let carriage = self.world.percent(60).then(|| self.carriage(consignee));
        let offered = Offered {
            taker: self.world.code(taker),
            from: Some(OfferedFrom::Place(first.place)),
            lines,
            carriage,
            documents: Vec::new(),
        };
        Some((by, offered))
    }

    fn carriage(&mut self, consignee: usize) -> Carriage {
        Carriage {
            mode: TransportMode::Road.into(),
            waybill: format!("W-{}", self.world.upto(99_999)),
            vehicle: "A-1".to_owned(),
            crew: vec![Bytes::from_static(&[5; 32])],
            route: vec![REGION.to_owned()],
            seals: vec!["S-1".to_owned()],
            consignee: self.world.code(consignee),
        }
    }

    /// What a carrier has, offered to a consignee.
    fn aboard(&mut self, model: &Model) -> Option<(usize, Offered)> {
        let open = |c: &Id| !model.consignments.get(c).unwrap().closed;
        let name = self.consignments.pick(&mut self.world, open)?;
        let consignment = model.consignments.get(&name).unwrap();
        let by = self.world.member(&consignment.carrier).unwrap();
        let at = Account::Aboard(name);
        let mut lines = Vec::new();
        for lot in model.aboard(&name) {
            let book = model.lots.get(&lot).unwrap();
            let serials = book.serials_on(&at);
            let stock = Stock {
                lot,
                by,
                place: String::new(),
                free: book.free_on(&at),
                loose: book.loose_on(&at).gross,
                free_serials: serials
                    .iter()
                    .filter(|s| book.packages[*s].promised.is_none())
                    .copied()
                    .collect(),
                serials,
            };
            if stock.free <= 0 && stock.free_serials.is_empty() {
                continue;
            }
            let whole = Goods {
                lot: Bytes::copy_from_slice(&lot),
                loose: (stock.free > 0).then_some(Quantity {
                    gross_mg: stock.free,
                    measure: None,
                }),
                serials: ranges(&stock.free_serials),
            };
            let all = self.world.percent(70);
            lines.push(if all { whole } else { self.goods(&stock) });
        }
        let taker = match self.world.upto(5) {
            0 => self.world.anybody_but(by),
            _ => self.world.member(&consignment.consignee)?,
        };
        let offered = Offered {
            taker: self.world.code(taker),
            from: Some(OfferedFrom::Consignment(Bytes::copy_from_slice(&name))),
            lines,
            carriage: None,
            documents: Vec::new(),
        };
        (!offered.lines.is_empty()).then_some((by, offered))
    }

    /// Both halves in one statement that both sign.
    fn on_the_spot(&mut self, mut plan: Plan, taker: usize, seen: &Seen) -> Play {
        let (mut draft, key) = self.world.draft(&plan);
        let accepted = self.acceptance(World::reference(&draft, &key), seen);
        draft.events.push(event(Body::Accepted(accepted)));
        if !self.world.percent(10) && taker != plan.by {
            plan.with.push(taker);
        }
        Play::Signed(self.world.sign(&plan, &draft, &key))
    }

    /// The taker's half first; the offer comes later.
    fn hold_back(&mut self, plan: &Plan, taker: usize, seen: &Seen) -> Play {
        let (draft, key) = self.world.draft(plan);
        let mut reference = World::reference(&draft, &key);
        let offer = self.world.sign(plan, &draft, &key);
        self.held_back.push(offer);
        let mut by = taker;
        match self.world.upto(19) {
            0 => by = self.world.anybody(),
            1 => reference.event_digest = Bytes::from_static(&[8; 32]),
            _ => {}
        }
        let accepted = self.acceptance(reference.clone(), seen);
        let mut events = vec![event(Body::Accepted(accepted))];
        if self.world.percent(10) {
            let again = self.acceptance(reference, seen);
            events.push(event(Body::Accepted(again)));
        }
        Play::Plan(Plan {
            by,
            events,
            ..Plan::default()
        })
    }

    pub fn accepted(&mut self, model: &Model) -> Option<Play> {
        let wild = self.wild();
        let open = |o: &Id| model.offers.get(o).unwrap().status == Status::Open;
        let name = match self.offers.pick_gone(&mut self.world) {
            Some(gone) if wild && self.world.percent(25) => gone,
            _ => self.offers.pick(&mut self.world, open)?,
        };
        let offer = model.offers.get(&name).unwrap();
        let lines = offer.lines.iter();
        let seen = Seen {
            lines: lines
                .map(|l| (l.loose, l.serials.iter().copied().collect()))
                .collect(),
            from_aboard: matches!(offer.from, Account::Aboard(_)),
            carriage: offer.carriage,
        };
        let mut reference = offer.reference.clone();
        let mut by = self.world.member(&offer.taker).unwrap();
        let mut with = Vec::new();
        if wild && self.world.percent(25) {
            by = self.world.anybody();
        } else if self.world.percent(10) {
            with.push(by);
            by = self.world.member(&offer.giver).unwrap();
        }
        if wild && self.world.percent(15) {
            reference.event_digest = Bytes::from_static(&[8; 32]);
        }
        let mut accepted = self.acceptance(reference, &seen);
        if wild && self.world.percent(40) {
            self.spoil(&mut accepted);
        }
        Some(Play::Plan(Plan {
            by,
            with,
            events: vec![event(Body::Accepted(accepted))],
            ..Plan::default()
        }))
    }

    /// What a taker says: mostly all of it, else short, over, refused, still
    /// aboard, missing, or nothing of a line.
    fn acceptance(&mut self, offer: EventRef, seen: &Seen) -> Accepted {
        let exact = self.world.percent(50);
        let mut lines = Vec::new();
        for (line, (loose, serials)) in (0u32..).zip(&seen.lines) {
            if self.world.percent(3) {
                continue;
            }
            let (mut accepted, mut refused, mut aboard) = (*loose, 0, 0);
            let mut taken = serials.clone();
            let (mut back, mut still) = (Vec::new(), Vec::new());
            if !exact {
                if *loose > 0 {
                    match self.world.upto(7) {
                        0 => accepted -= loose / 2000,
                        1 => accepted += loose / 2000,
                        2 => accepted -= self.some(*loose),
                        3 => accepted += self.some(*loose),
                        4 => refused = self.some(*loose),
                        5 if seen.from_aboard => aboard = self.some(*loose),
                        _ => {}
                    }
                    accepted -= refused + aboard;
                }
                for serial in serials {
                    match self.world.upto(6) {
                        0 => back.push(*serial),
                        1 if seen.from_aboard => still.push(*serial),
                        2 => {}
                        _ => continue,
                    }
                    taken.retain(|s| s != serial);
                }
            }
            lines.push(AcceptedLine {
                line,
                accepted: (accepted > 0).then(|| self.quantity(accepted)),
                accepted_serials: ranges(&taken),
                refused: (refused > 0).then(|| self.quantity(refused)),
                refused_serials: ranges(&back),
                still_aboard: (aboard > 0).then(|| self.quantity(aboard)),
                still_aboard_serials: ranges(&still),
                check: None,
            });
        }
        Accepted {
            offer: Some(offer),
            place: if seen.carriage {
                String::new()
            } else {
                self.place()
            },
            lines,
        }
    }

    fn spoil(&mut self, accepted: &mut Accepted) {
        let Some(line) = accepted.lines.first_mut() else {
            return;
        };
        match self.world.upto(4) {
            0 => line.line = 77,
            1 => line.accepted_serials = ranges(&[5000]),
            2 => {
                line.refused = Some(Quantity {
                    gross_mg: i64::MAX / 4,
                    measure: None,
                });
            }
            3 => {
                let twice = line.clone();
                accepted.lines.push(twice);
            }
            _ => {
                let aboard = accepted.place.is_empty();
                if aboard { "T-1" } else { "" }.clone_into(&mut accepted.place);
            }
        }
    }
}

fn seen(offered: &Offered) -> Seen {
    let serials = |g: &Goods| g.serials.iter().flat_map(|r| r.first..=r.last).collect();
    let loose = |g: &Goods| mass(g.loose.as_ref()).unwrap_or(0);
    Seen {
        lines: offered
            .lines
            .iter()
            .map(|g| (loose(g), serials(g)))
            .collect(),
        from_aboard: matches!(offered.from, Some(OfferedFrom::Consignment(_))),
        carriage: offered.carriage.is_some(),
    }
}
