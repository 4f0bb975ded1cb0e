//! What the player holds: goods to play with, right and wrong.

use std::collections::BTreeSet;

use bytes::Bytes;
use hazledger::event::ids::derived;
use hazledger::pb::event::Body;
use hazledger::pb::{Goods, Measure, MeasureUnit, NewLot, Produced, Quantity, SerialRange};
use rand::RngExt as _;

use super::books::{Account, Id};
use super::goods::FORMS;
use super::model::{Model, Status};
use super::player::{Play, Player};
use super::world::{PLACES, Plan, event};

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
    /// Packages with something in them, not promised.
    pub free_serials: Vec<u64>,
    /// Empties, not promised.
    pub empties: Vec<u64>,
}

/// Goods to play with.
impl Player {
    /// Something that somebody holds.
    pub fn stock(&mut self, model: &Model) -> Option<Stock> {
        if self.world.percent(8)
            && let Some(stock) = self.sealed_stock(model)
        {
            return Some(stock);
        }
        for _ in 0..60 {
            let serves = |lot: &Id| model.lots.get(lot).unwrap().is_live();
            let lot = self.lots.pick(&mut self.world, serves)?;
            let book = model.lots.get(&lot).unwrap();
            let packages = book.packages.values().map(|p| &p.account);
            let held: BTreeSet<(&String, &String)> = book
                .accounts
                .keys()
                .chain(packages)
                .filter_map(|account| match account {
                    Account::Held(party, place) => Some((party, place)),
                    _ => None,
                })
                .collect();
            let held: Vec<_> = held.into_iter().collect();
            if held.is_empty() {
                continue;
            }
            let (party, place) = *self.world.pick(&held);
            let by = self.world.member(party).unwrap();
            // What the succeeded have is mostly left to be inherited.
            if self.world.gone.contains(&by) && !self.world.percent(5) {
                continue;
            }
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
            stock.free_serials.retain(|s| filled(model, line.lot, *s));
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
            // As many litres at a gram each.
            40..=50 if gross_mg > 0 => Some(Measure {
                value: format!("{}.{:03}", gross_mg / 1000, gross_mg % 1000),
                unit: MeasureUnit::L.into(),
                density: "1.0".to_owned(),
                verified_until_ms: 1,
                ..Measure::default()
            }),
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
            parts: Vec::new(),
            outers: Vec::new(),
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
                parts: Vec::new(),
                outers: Vec::new(),
            }),
            from_place: PLACES[0].to_owned(),
            to_place: PLACES[1].to_owned(),
        })));
        Play::Signed(self.world.sign(&plan, &draft, &key))
    }
}

pub fn stock_at(model: &Model, lot: Id, by: usize, party: &str, place: &str) -> Stock {
    let book = model.lots.get(&lot).unwrap();
    let at = Account::Held(party.to_owned(), place.to_owned());
    let serials = book.serials_on(&at);
    let free = |full: bool| {
        let free = serials.iter().filter(|s| {
            let package = &book.packages[*s];
            package.promised.is_none() && package.is_filled() == full
        });
        free.copied().collect()
    };
    Stock {
        lot,
        by,
        place: place.to_owned(),
        free: book.free_on(&at),
        loose: book.loose_on(&at).gross,
        free_serials: free(true),
        empties: free(false),
        serials,
    }
}

fn filled(model: &Model, lot: Id, serial: u64) -> bool {
    model.lots.get(&lot).unwrap().packages[&serial].is_filled()
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
