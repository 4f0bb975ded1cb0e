//! The model's rules of seizure, which is custody by order and a seal on what
//! then stands there, and of its release; and their plans.

use std::collections::BTreeSet;

use hazledger::pb::event::Body;
use hazledger::pb::offered::From;
use hazledger::pb::taken_over::At;
use hazledger::pb::{Event, Goods, Seized, TakenOver, Traded, Unsealed, unsealed};

use super::books::{Account, Book, Id, held};
use super::goods::{id, serials};
use super::model::{Case, Model, Verdict, Wrong, must};
use super::plans::{bytes, one, plan};
use super::player::{Play, Player};
use super::stock::{Stock, stock_at};
use super::world::Plan;

/// A seal on what stands in one place of a lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    pub order: String,
    /// The custodian and its place.
    pub at: Account,
    /// Whose goods they were.
    pub holder: String,
}

impl Book {
    /// The first seal on what stands on an account.
    fn seal_on(&self, at: &Account) -> Option<&Seal> {
        self.seals.iter().find(|seal| seal.at == *at)
    }
}

/// A seal as the state has it, in the model's words.
pub fn told(seal: &hazledger::pb::Seal) -> Seal {
    Seal {
        order: seal.order.clone(),
        at: held(&seal.party, &seal.place),
        holder: seal.holder.clone(),
    }
}

/// By order of as many authorities as root acts need.
impl Model {
    pub fn seized(&mut self, case: &Case<'_>, e: &Seized) -> Verdict {
        let taken = e.taken.as_ref().ok_or(Wrong::Field)?;
        self.active(&taken.custodian)?;
        must(case.root, Wrong::Who)?;
        let holder = match &taken.at {
            Some(At::Consignment(c)) => {
                let offer = id(c).ok().and_then(|c| self.offers.get(&c));
                offer.map(|o| o.giver.clone()).unwrap_or_default()
            }
            _ => taken.holder.clone(),
        };
        self.taken_over(case, taken)?;
        let lot = id(&taken.goods.as_ref().ok_or(Wrong::Field)?.lot)?;
        let at = held(&taken.custodian, &taken.to_place);
        let book = self.lots.edit(&lot);
        let known = book.seals.iter().find(|seal| seal.order == taken.order);
        match known.map(|seal| seal.at == at) {
            // More of the same, under the seal that is there.
            Some(true) => return Ok(()),
            Some(false) => return Err(Wrong::Pointless),
            None => {}
        }
        book.seals.push(Seal {
            order: taken.order.clone(),
            at,
            holder,
        });
        book.seals.sort_by(|a, b| a.order.cmp(&b.order));
        Ok(())
    }

    pub fn unsealed(&mut self, case: &Case<'_>, e: &Unsealed) -> Verdict {
        must(case.authority, Wrong::Who)?;
        must(!e.order.is_empty() && !e.reason.is_empty(), Wrong::Field)?;
        let Some(unsealed::What::Lot(lot)) = &e.what else {
            return Err(Wrong::Field);
        };
        let (lot, book) = self.lot(lot)?;
        let known = book.seals.iter().any(|seal| seal.order == e.order);
        must(known, Wrong::Pointless)?;
        let book = self.lots.edit(&lot);
        book.seals.retain(|seal| seal.order != e.order);
        Ok(())
    }

    /// Whether an event would offer, sell or send away what is sealed. What
    /// goes back is never stopped.
    pub fn is_sealed(&self, case: &Case<'_>, event: &Event) -> bool {
        match event.body.as_ref() {
            Some(Body::Offered(e)) => match &e.from {
                Some(From::Place(place)) if e.returns.is_none() => {
                    self.sealed_there(&e.lines, case.party, place)
                }
                _ => false,
            },
            Some(Body::Exported(e)) => self.sealed_there(&e.goods, case.party, &e.place),
            Some(Body::Departed(e)) => self.sealed_there(&e.goods, case.party, &e.place),
            Some(Body::Traded(e)) => e.returns.is_none() && self.sold_sealed(case.party, e),
            _ => false,
        }
    }

    fn sealed_there<'a>(
        &self,
        goods: impl IntoIterator<Item = &'a Goods>,
        party: &str,
        place: &str,
    ) -> bool {
        let at = held(party, place);
        let mut lots = goods.into_iter().filter_map(|g| id(&g.lot).ok());
        lots.any(|lot| {
            let book = self.lots.get(&lot);
            book.is_some_and(|book| book.seal_on(&at).is_some())
        })
    }

    /// Of what stays where it is: sealed packages, or of loose matter more
    /// than the seller owns beside what was sealed of its own.
    fn sold_sealed(&self, seller: &str, e: &Traded) -> bool {
        e.goods.iter().any(|goods| {
            let lot = id(&goods.lot).unwrap();
            let book = self.lots.get(&lot).unwrap();
            let sold: BTreeSet<u64> = serials(&goods.serials).unwrap().into_iter().collect();
            let mut kept = 0;
            for at in book.accounts.keys() {
                let Some(seal) = book.seal_on(at) else {
                    continue;
                };
                let here = book.packages.iter().filter(|(_, p)| p.account == *at);
                let mut here = here;
                if here.any(|(serial, _)| sold.contains(serial)) {
                    return true;
                }
                if seal.holder == seller {
                    kept += book.loose_on(at).gross;
                }
            }
            goods.loose.is_some() && book.title(seller) < kept
        })
    }
}

/// Plans.
impl Player {
    pub fn seized(&mut self, model: &Model) -> Option<Play> {
        let (stock, order) = self.order(model)?;
        let number = format!("S-{}", self.world.upto(6));
        let taken = TakenOver {
            order: number,
            ..order
        };
        let seized = Seized {
            taken: Some(taken),
            documents: Vec::new(),
        };
        let wild = self.world.percent(5);
        let by = if wild { stock.by } else { self.world.upto(2) };
        let authorities = usize::from(!self.world.percent(5));
        Some(Play::Plan(Plan {
            authorities,
            ..plan(by, Body::Seized(seized))
        }))
    }

    /// A lot of which something is sealed that is still there.
    pub fn sealed_lot(&mut self, model: &Model) -> Option<Id> {
        let stands = |lot: &Id| {
            let book = model.lots.get(lot).unwrap();
            book.seals.iter().any(|seal| book.on(&seal.at).gross > 0)
        };
        self.sealed.pick(&mut self.world, stands)
    }

    /// What is sealed, where it stands.
    pub fn sealed_stock(&mut self, model: &Model) -> Option<Stock> {
        let lot = self.sealed_lot(model)?;
        let book = model.lots.get(&lot).unwrap();
        let mut seals = book.seals.iter();
        let Account::Held(party, place) = &seals.find(|s| book.on(&s.at).gross > 0)?.at else {
            return None;
        };
        let by = self.world.member(party)?;
        let ours = self.only.is_none_or(|only| only == by);
        ours.then(|| stock_at(model, lot, by, party, place))
    }

    pub fn unsealed(&mut self, model: &Model) -> Option<Play> {
        let sealed = |lot: &Id| !model.lots.get(lot).unwrap().seals.is_empty();
        let lot = self.sealed.pick(&mut self.world, sealed)?;
        let seals = &model.lots.get(&lot).unwrap().seals;
        let order = if self.world.percent(5) {
            "S-9".to_owned()
        } else {
            self.world.pick(seals).order.clone()
        };
        let by = if self.world.percent(5) {
            self.world.anybody()
        } else {
            self.world.upto(2)
        };
        let released = Unsealed {
            what: Some(unsealed::What::Lot(bytes(&lot))),
            order,
            reason: "looked into".to_owned(),
        };
        Some(one(by, Body::Unsealed(released)))
    }
}
