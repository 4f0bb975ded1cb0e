//! The ledger's edge: the model's rules of what comes from outsiders and goes
//! to them, and the plans to play it.

use bytes::Bytes;
use hazledger::pb::event::Body;
use hazledger::pb::{self, Arrived, Confirmed, Departed, DocumentRef, EventRef, Outsider};

use super::books::{Account, Id, held};
use super::goods::{Booked, Promised, booked, id, mass, named};
use super::model::{Case, Model, Verdict, Wrong, event_name, must};
use super::plans::{bytes, one};
use super::player::{Play, Player};
use super::world::code_of;

/// Unconfirmed arrivals and departures of one lot, at most.
pub const MAX_ONE_SIDED: usize = 64;
/// Members that a history has in the end.
const MEMBERS: usize = 18;

/// What only one side has told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneSided {
    pub edge: EventRef,
    pub outsider: String,
    pub gross: i64,
    pub inbound: bool,
}

/// As the state has it, in the model's words.
pub fn told(o: &pb::OneSided) -> OneSided {
    OneSided {
        edge: o.edge.clone().unwrap(),
        outsider: o.outsider.clone().unwrap().code,
        gross: o.gross_mg,
        inbound: o.account() == pb::AccountKind::Inbound,
    }
}

fn outsider(outsider: Option<&Outsider>) -> Verdict<&Outsider> {
    let o = outsider.ok_or(Wrong::Field)?;
    let said = !o.name.is_empty() && !o.code.is_empty() && o.country.len() == 2;
    must(said, Wrong::Field)?;
    Ok(o)
}

/// In and out, and the other side's word.
impl Model {
    pub fn arrived(&mut self, case: &Case<'_>, e: &Arrived) -> Verdict<Booked> {
        self.active(case.party)?;
        let from = outsider(e.from.as_ref())?;
        let booked = self.entered(case, e.lot.as_ref(), &Account::Inbound, false)?;
        let (lot, books) = &booked[0];
        let gross = -books[&Account::Inbound].gross;
        self.tell(case, lot, from, gross, true);
        Ok(booked)
    }

    /// To somebody who is no party; else it would be a handoff.
    pub fn departed(&mut self, case: &Case<'_>, e: &Departed) -> Verdict<Booked> {
        self.active(case.party)?;
        let to = outsider(e.to.as_ref())?;
        must(!self.parties.has(&to.code), Wrong::Field)?;
        named(e.goods.as_ref())?;
        self.own_place(case.party, &e.place)?;
        let from = held(case.party, &e.place);
        let taken = self.take(e.goods.as_ref(), &from, Promised::Refuse)?;
        let waiting = self.lots.get(&taken.lot).unwrap().one_sided.len();
        must(waiting < MAX_ONE_SIDED, Wrong::Edge)?;
        self.free_of_customs(&taken.lot)?;
        self.stands_free(&taken.lot)?;
        self.sink(&taken, &from, &Account::Outbound);
        self.tell(case, &taken.lot, to, taken.total().gross, false);
        Ok(booked(&taken, from, Account::Outbound))
    }

    fn tell(&mut self, case: &Case<'_>, lot: &Id, other: &Outsider, gross: i64, inbound: bool) {
        let one_sided = OneSided {
            edge: case.reference(),
            outsider: other.code.clone(),
            gross,
            inbound,
        };
        self.wait_for_word(lot, one_sided);
    }

    /// A later word of the same edge stands where the first stood.
    pub fn wait_for_word(&mut self, lot: &Id, told: OneSided) {
        let all = &mut self.lots.edit(lot).one_sided;
        match all.iter_mut().find(|known| known.edge == told.edge) {
            Some(known) => *known = told,
            None => all.push(told),
        }
    }

    /// By the outsider or an authority; another mass moves nothing.
    pub fn confirmed(&mut self, case: &Case<'_>, e: &Confirmed) -> Verdict {
        let lot = id(&e.lot)?;
        let edge = e.edge.as_ref().ok_or(Wrong::Field)?;
        let book = self.lots.get(&lot);
        let name = event_name(edge);
        let is_it = |o: &&OneSided| event_name(&o.edge) == name;
        let told = book.and_then(|b| b.one_sided.iter().find(is_it)).cloned();
        if let Some(told) = &told {
            let other = case.signed.contains(&told.outsider);
            must(other || case.authority, Wrong::Who)?;
        }
        must(name.is_some(), Wrong::Field)?;
        mass(e.quantity.as_ref())?;
        must(book.is_some(), Wrong::Goods)?;
        let told = told.ok_or(Wrong::Edge)?;
        must(told.edge == *edge, Wrong::Reference)?;
        let book = self.lots.edit(&lot);
        book.one_sided.retain(|o| o.edge != told.edge);
        Ok(())
    }
}

/// Plans.
impl Player {
    /// A firm abroad, one that will be a member later, or (seldom) one that is.
    fn outsider(&mut self) -> Outsider {
        let here = self.world.members.len();
        let (code, country) = match self.world.upto(9) {
            0..=3 => (format!("KZ-{}", self.world.upto(50)), "KZ"),
            4 => {
                let member = self.world.anybody();
                (self.world.code(member), "CN")
            }
            _ if here < MEMBERS => (code_of(here + self.world.upto(MEMBERS - here - 1)), "CN"),
            _ => ("MN-7".to_owned(), "MN"),
        };
        let country = if self.world.percent(2) { "X" } else { country };
        Outsider {
            name: "Outsider".to_owned(),
            code,
            country: country.to_owned(),
            ..Outsider::default()
        }
    }

    fn note(&mut self) -> Vec<DocumentRef> {
        let note = DocumentRef {
            kind: "delivery note".to_owned(),
            hash: Bytes::from_static(&[6; 32]),
        };
        if self.world.percent(80) {
            vec![note]
        } else {
            Vec::new()
        }
    }

    pub fn arrived(&mut self) -> Play {
        let arrived = Arrived {
            lot: Some(self.new_lot()),
            from: Some(self.outsider()),
            documents: self.note(),
        };
        one(self.actor(), Body::Arrived(arrived))
    }

    pub fn departed(&mut self, model: &Model) -> Option<Play> {
        let stock = self.stock(model)?;
        let departed = Departed {
            goods: Some(self.goods(&stock)),
            to: Some(self.outsider()),
            documents: self.note(),
            place: stock.place,
        };
        Some(one(stock.by, Body::Departed(departed)))
    }

    pub fn confirmed(&mut self, model: &Model) -> Option<Play> {
        let waits = |lot: &Id| !model.lots.get(lot).unwrap().one_sided.is_empty();
        let lot = self.edges.pick(&mut self.world, waits)?;
        let told = self.world.pick(&model.lots.get(&lot)?.one_sided).clone();
        let mut edge = told.edge.clone();
        let mut gross = told.gross;
        if self.world.percent(25) {
            gross = self.some(gross);
        }
        let mut by = match self.world.member(&told.outsider) {
            Some(member) if self.world.percent(80) => member,
            _ => self.world.upto(2),
        };
        if self.wild() {
            match self.world.upto(3) {
                0 => by = self.world.anybody(),
                1 => edge.event_digest = Bytes::from_static(&[8; 32]),
                2 => edge.event_index += 7,
                _ => gross = 0,
            }
        }
        let confirmed = Confirmed {
            lot: bytes(&lot),
            edge: Some(edge),
            quantity: Some(self.quantity(gross)),
        };
        Some(one(by, Body::Confirmed(confirmed)))
    }
}
