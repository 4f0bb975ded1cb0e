//! The model's rules of orders and of succession, and their plans.

use hazledger::pb::event::Body;
use hazledger::pb::{TakenOver, taken_over::At};

use super::books::{Account, held};
use super::goods::{Promised, id, named};
use super::model::{Case, Model, Verdict, Wrong, must};
use super::plans::{bytes, plan};
use super::player::{Play, Player};
use super::stock::Stock;
use super::world::Plan;

/// By order of an authority.
impl Model {
    /// Custody goes to the custodian; title stays; offers shrink.
    pub fn taken_over(&mut self, case: &Case<'_>, e: &TakenOver) -> Verdict {
        self.active(&e.custodian)?;
        must(case.authority, Wrong::Who)?;
        must(!e.order.is_empty() && !e.reason.is_empty(), Wrong::Field)?;
        named(e.goods.as_ref())?;
        let from = match e.at.as_ref().ok_or(Wrong::Field)? {
            At::Place(place) => {
                must(!place.is_empty() && e.holder.len() == 18, Wrong::Field)?;
                held(&e.holder, place)
            }
            At::Consignment(c) => {
                must(e.holder.is_empty(), Wrong::Field)?;
                Account::Aboard(id(c)?)
            }
        };
        self.own_place(&e.custodian, &e.to_place)?;
        if let Account::Aboard(c) = &from {
            let open = self.consignments.get(c).is_some_and(|c| !c.closed);
            must(open, Wrong::Consignment)?;
        }
        let to = held(&e.custodian, &e.to_place);
        let taken = self.take(e.goods.as_ref(), &from, Promised::Take)?;
        must(from != to, Wrong::Pointless)?;
        self.change_hands(&taken, &from, &e.custodian, &e.to_place)?;
        self.send(&taken, &from, &to);
        if let Account::Aboard(consignment) = &from {
            self.unload(consignment);
        }
        Ok(())
    }
}

/// Plans.
impl Player {
    pub fn taken_over(&mut self, model: &Model) -> Option<Play> {
        let (stock, order) = self.order(model)?;
        let by = if self.world.percent(5) {
            stock.by
        } else {
            self.world.upto(2)
        };
        let authorities = usize::from(by != stock.by && self.world.percent(20));
        Some(Play::Plan(Plan {
            authorities,
            ..plan(by, Body::TakenOver(order))
        }))
    }

    /// Goods in a place or on the road, and an order to take them.
    pub fn order(&mut self, model: &Model) -> Option<(Stock, TakenOver)> {
        let road = self.world.percent(40);
        let (stock, at) = if road {
            let (name, _) = self.on_the_road(model)?;
            let aboard = Account::Aboard(name);
            let lot = *model.aboard(&name).first()?;
            let book = model.lots.get(&lot).unwrap();
            let (loose, serials) = (book.loose_on(&aboard).gross, book.serials_on(&aboard));
            let stock = Stock {
                lot,
                by: 0,
                place: String::new(),
                free: loose,
                loose,
                free_serials: serials.clone(),
                serials,
                empties: Vec::new(),
            };
            (stock, At::Consignment(bytes(&name)))
        } else {
            let promised = self.world.percent(40);
            let stock = if promised {
                self.promised_stock(model)?
            } else {
                self.stock(model)?
            };
            let at = At::Place(stock.place.clone());
            (stock, at)
        };
        let holder = match &at {
            At::Place(_) => self.world.code(stock.by),
            At::Consignment(_) => String::new(),
        };
        let custodian = self.world.anybody();
        let order = TakenOver {
            goods: Some(self.goods(&stock)),
            holder,
            at: Some(at),
            custodian: self.world.code(custodian),
            to_place: self.place(),
            order: "2026-1".to_owned(),
            reason: "by order".to_owned(),
        };
        Some((stock, order))
    }
}
