//! Plans of vessels: filled from a place or from aboard, drawn from, cleaned.

use hazledger::pb::event::Body;
use hazledger::pb::{
    Cleaned, CleanedInto, Drawn, Filled, Goods, Inert, NewLot, ProcessLoss, Quantity, Residue,
    filled,
};

use super::books::{Account, Id};
use super::change::substance;
use super::model::Model;
use super::plans::{bytes, one};
use super::player::{Play, Player};
use super::stock::Stock;
use super::vessels::Place;
use super::world::VESSELS;

impl Player {
    /// A vessel of a member that serves, with its name.
    fn vessel(
        &mut self,
        model: &Model,
        by: Option<usize>,
        serves: impl Fn(&Place) -> bool,
    ) -> Option<(usize, String, Place)> {
        for _ in 0..60 {
            let by = by.unwrap_or_else(|| self.actor());
            let (name, _) = *self.world.pick(&VESSELS);
            let place = (self.world.code(by), name.to_owned());
            if let Some(vessel) = model.places.get(&place).filter(|v| serves(v)) {
                return Some((by, name.to_owned(), vessel.clone()));
            }
        }
        None
    }

    pub fn filled(&mut self, model: &Model) -> Option<Play> {
        let road = self.only.is_none() && self.world.percent(30);
        let (by, goods, from) = if road {
            self.load_aboard(model)?
        } else {
            let stock = self.stock(model)?;
            (
                stock.by,
                self.goods(&stock),
                filled::From::Place(stock.place),
            )
        };
        let form = |lot: &[u8]| {
            let lot: Id = lot.try_into().ok()?;
            Some(model.lots.get(&lot)?.form.clone())
        };
        let wanted = form(&goods.lot);
        let holds = |v: &Place| match v.running {
            Some(running) => form(&running) == wanted,
            None => !v.uncleaned || v.contents.first() == wanted.as_ref(),
        };
        let wild = self.world.percent(6);
        let (_, vessel, _) = self.vessel(model, Some(by), |v| wild || holds(v))?;
        self.labels += 1;
        let label = if self.world.percent(3) {
            String::new()
        } else {
            format!("R-{}", self.labels)
        };
        let vessel = if self.world.percent(1) {
            "T-1".to_owned()
        } else {
            vessel
        };
        let filled = Filled {
            goods: Some(goods),
            from: Some(from),
            vessel,
            label,
        };
        Some(one(by, Body::Filled(filled)))
    }

    /// Something loose that a carrier has aboard.
    fn load_aboard(&mut self, model: &Model) -> Option<(usize, Goods, filled::From)> {
        let (name, by) = self.on_the_road(model)?;
        let at = Account::Aboard(name);
        let aboard: Vec<Id> = model.aboard(&name).into_iter().collect();
        let lot = *aboard.get(self.world.upto(aboard.len().checked_sub(1)?))?;
        let book = model.lots.get(&lot).unwrap();
        let serials = book.serials_on(&at);
        let promised = |s: &&u64| book.packages[*s].promised.is_some();
        let stock = Stock {
            lot,
            by,
            place: String::new(),
            free: book.free_on(&at),
            loose: book.loose_on(&at).gross,
            free_serials: serials.iter().filter(|s| !promised(s)).copied().collect(),
            serials,
        };
        let goods = self.goods(&stock);
        Some((by, goods, filled::From::Consignment(bytes(&name))))
    }

    pub fn drawn(&mut self, model: &Model) -> Option<Play> {
        let wild = self.world.percent(4);
        let (by, vessel, place) = self.vessel(model, None, |v| wild || v.running.is_some())?;
        let party = self.world.code(by);
        let at = place
            .consignment
            .map_or_else(|| Account::Held(party, vessel.clone()), Account::Aboard);
        let there = place.running.map_or(1, |running| {
            model.lots.get(&running).unwrap().loose_on(&at).gross
        });
        let mut gross = self.some(there.max(1));
        if self.world.percent(5) {
            gross = there + self.some(100);
        }
        let to_place = match self.world.upto(19) {
            0 => vessel.clone(),
            1..=9 if place.consignment.is_some() => String::new(),
            _ => self.place(),
        };
        self.labels += 1;
        let drawn = Drawn {
            vessel,
            quantity: Some(self.quantity(gross)),
            label: format!("D-{}", self.labels),
            to_place,
        };
        Some(one(by, Body::Drawn(drawn)))
    }

    pub fn cleaned(&mut self, model: &Model) -> Option<Play> {
        let wild = self.world.percent(6);
        let standing = |v: &Place| v.uncleaned && v.consignment.is_none();
        let (by, vessel, place) = self.vessel(model, None, |v| wild || standing(v))?;
        let at = Account::Held(self.world.code(by), vessel.clone());
        let mut cleaned = Cleaned {
            vessel,
            ..Cleaned::default()
        };
        if self.world.percent(70) {
            cleaned.rinse.push(Inert {
                name: "water".to_owned(),
                quantity: Some(quantity(self.some(5000))),
            });
        }
        if let Some(running) = place.running {
            self.residues(model, running, &at, &mut cleaned);
        } else if self.world.percent(5) {
            let lot = Some(self.new_lot());
            cleaned.into.push(CleanedInto {
                residue: Residue::Product.into(),
                lot,
                waste_code: String::new(),
            });
        }
        Some(one(by, Body::Cleaned(cleaned)))
    }

    /// Mostly all of the heel and the rinse comes out, sometimes less, seldom
    /// more.
    fn residues(&mut self, model: &Model, running: Id, at: &Account, e: &mut Cleaned) {
        let book = model.lots.get(&running).unwrap();
        let heel = book.loose_on(at);
        let rinse: i64 = e
            .rinse
            .iter()
            .flat_map(|r| &r.quantity)
            .map(|q| q.gross_mg)
            .sum();
        let mut left = heel.gross + rinse;
        let mut contained = heel.contained;
        for residue in [Residue::Product, Residue::Rinse, Residue::Waste] {
            if left == 0 || self.world.percent(40) {
                continue;
            }
            let gross = self.some(left);
            let most = i128::from(contained.min(gross)) * 1_000_000 / i128::from(gross);
            let ppm = u32::try_from(most).unwrap();
            if ppm == 0 {
                continue;
            }
            left -= gross;
            contained -= super::books::content(gross, ppm);
            self.labels += 1;
            let waste = residue == Residue::Waste;
            e.into.push(CleanedInto {
                residue: residue.into(),
                lot: Some(NewLot {
                    label: format!("C-{}", self.labels),
                    form: book.form.clone(),
                    quantity: Some(quantity(gross)),
                    content_ppm: ppm,
                    place: self.place(),
                    ..NewLot::default()
                }),
                waste_code: if waste { "900-028-33" } else { "" }.to_owned(),
            });
        }
        if left > 0 && self.world.percent(70) {
            e.losses.push(ProcessLoss {
                cause: "drain".to_owned(),
                gross_mg: left,
                substance: substance(&book.form),
                contained_mg: contained.max(0),
            });
        }
        if self.world.percent(5) {
            e.losses.push(ProcessLoss {
                cause: "more than there was".to_owned(),
                gross_mg: heel.gross + rinse,
                ..ProcessLoss::default()
            });
        }
    }
}

fn quantity(gross_mg: i64) -> Quantity {
    Quantity {
        gross_mg,
        measure: None,
    }
}
