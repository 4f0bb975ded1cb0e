//! Plans of disputes settled and events corrected.

use bytes::Bytes;
use hazledger::pb::event::Body;
use hazledger::pb::{
    Accepted, Corrected, Event, EventRef, Goods, NewLot, Quantity, Settled, Settlement,
    SettlementCause, Transformed, UnregulatedProduct, Used, incident,
};

use super::books::{Account, Id};
use super::goods::mass;
use super::handoff::handoff_name;
use super::model::{Model, event_name};
use super::plans::{bytes, one, plan};
use super::player::{Play, Player};
use super::restated::{entering, stored};
use super::stock::ranges;
use super::world::{PLACES, Plan, event};

/// Disputes and corrections.
impl Player {
    pub fn settled(&mut self, model: &Model) -> Option<Play> {
        let open = |d: &Id| model.disputes.get(d).unwrap().is_open();
        let name = match self.disputes.pick_gone(&mut self.world) {
            Some(gone) if self.world.percent(6) => gone,
            _ => self.disputes.pick(&mut self.world, open)?,
        };
        let dispute = model.disputes.get(&name).unwrap();
        let book = model.lots.get(&dispute.lot).unwrap();
        let disputed = book.loose_on(&Account::Disputed(name));
        let loose = disputed.gross;
        let over = loose < 0 || (loose == 0 && disputed.contained < 0);
        let mut settlements = Vec::new();
        let mut left = loose.abs();
        let mut serials: Vec<u64> = dispute.serials.iter().copied().collect();
        for _ in 0..=self.world.upto(1) {
            let packages = !serials.is_empty() && self.world.percent(60);
            let chosen = if packages {
                self.some_serials(&serials)
            } else {
                vec![]
            };
            let both = self.world.percent(20);
            let gross_mg = match left {
                0 => 0,
                _ if packages && !both => 0,
                _ => self.some(left),
            };
            let settlement = self.settlement(dispute, gross_mg, &chosen, over);
            left -= gross_mg;
            serials.retain(|s| !chosen.contains(s));
            settlements.push(settlement);
            if left == 0 && serials.is_empty() {
                break;
            }
        }
        if self.world.percent(5) {
            settlements[0].gross_mg += loose.abs() + 1;
        }
        let owner = self.world.member(&dispute.owner).unwrap();
        let owner = self.heir(model, owner);
        let other = self.world.member(&dispute.counterpart);
        let other = other.map(|other| self.heir(model, other));
        let body = Body::Settled(Settled {
            dispute: bytes(&name),
            settlements,
        });
        Some(match self.world.upto(9) {
            0..=2 => one(self.world.upto(2), body),
            3 => one(self.world.anybody(), body),
            _ => Play::Plan(Plan {
                with: other.into_iter().filter(|o| *o != owner).collect(),
                ..plan(owner, body)
            }),
        })
    }

    pub fn settlement(
        &mut self,
        dispute: &super::model::Dispute,
        gross_mg: i64,
        serials: &[u64],
        over: bool,
    ) -> Settlement {
        use SettlementCause as C;
        let causes: &[C] = match (over && serials.is_empty(), dispute.handoff.is_some()) {
            _ if self.world.percent(8) => &[C::Unspecified, C::Scale, C::Spill],
            (true, true) => &[C::Scale, C::Miscount],
            (true, false) => &[C::Miscount],
            (false, true) if serials.is_empty() => &[C::Scale, C::Spill, C::Theft, C::Miscount],
            (false, _) => &[C::Spill, C::Theft, C::Miscount],
        };
        let sides = [&dispute.owner, &dispute.counterpart];
        let party = (*self.world.pick(&sides)).clone();
        Settlement {
            cause: (*self.world.pick(causes)).into(),
            gross_mg,
            serials: ranges(serials),
            party: if party.is_empty() {
                dispute.owner.clone()
            } else {
                party
            },
            place: self.place(),
        }
    }

    pub fn corrected(&mut self, model: &Model) -> Option<Play> {
        if self.past.is_empty() {
            return None;
        }
        let aboard = self.world.percent(20) && !self.past_aboard.is_empty();
        let past = if aboard {
            &self.past_aboard
        } else {
            &self.past
        };
        let last = past.len() - 1;
        let back = if aboard {
            last.min(4)
        } else if self.world.percent(60) {
            last.min(150)
        } else {
            last
        };
        let at = last - self.world.upto(back);
        let past = if aboard {
            &self.past_aboard
        } else {
            &self.past
        };
        let named = past[at].clone();
        let original = original(model, &named)?;
        let happened = model.events.get(&event_name(&original)?)?;
        let lots = happened.booked.clone().unwrap_or_default();
        let mut reference = named;
        let mut restated = self.restate(&happened.event);
        let mut by = self.world.member(&original.party).unwrap();
        by = self.heir(model, by);
        let mut with = Vec::new();
        let mut authorities = 0;
        for (lot, _) in &lots {
            let book = model.lots.get(lot).unwrap();
            let holders: Vec<String> = book
                .accounts
                .keys()
                .filter(|a| a.is_holding())
                .map(|a| model.holder(a))
                .filter(|h| *h != original.party)
                .collect();
            if !holders.is_empty() && !self.world.percent(8) {
                if self.world.percent(30) || with.len() > 3 {
                    authorities = 1;
                } else {
                    let holder = self.world.pick(&holders).clone();
                    with.push(self.world.member(&holder).unwrap());
                }
            }
        }
        if self.wild() {
            match self.world.upto(5) {
                0 => by = self.world.anybody(),
                1 => reference.event_index += 7,
                2 => reference.event_digest = Bytes::from_static(&[8; 32]),
                3 => restated = event(Body::Used(Used::default())),
                4 => by = 2,
                _ => {}
            }
        }
        if let Some(Body::Accepted(e)) = &happened.event.body
            && let Some(offer) = e.offer.as_ref().and_then(handoff_name)
            && let Some(offer) = model.offers.get(&offer)
            && !self.world.percent(8)
        {
            with.push(self.world.member(&offer.giver).unwrap());
            with.push(self.world.member(&offer.taker).unwrap());
        }
        with.retain(|w| *w != by);
        with.sort_unstable();
        with.dedup();
        let corrected = Corrected {
            original: Some(reference),
            restated: Some(Box::new(restated)),
            reason: "misread".to_owned(),
        };
        Some(Play::Plan(Plan {
            with,
            authorities,
            ..plan(by, Body::Corrected(Box::new(corrected)))
        }))
    }

    /// The same event with another mass, another place, other words, or
    /// (wrongly) another name or none of that.
    pub fn restate(&mut self, original: &Event) -> Event {
        let mut restated = original.clone();
        let nothing = self.world.percent(4);
        let renamed = self.world.percent(4);
        let reworded = self.world.percent(10);
        let place = (*self.world.pick(&PLACES)).to_owned();
        let elsewhere = self.world.percent(25);
        let body = restated.body.as_mut().unwrap();
        if reworded {
            reword(body);
        }
        if renamed {
            self.rename(body);
        }
        if let Some(lot) = entering(body) {
            if elsewhere {
                lot.place.clone_from(&place);
            }
            self.restate_lot(lot, nothing);
        } else if let Some((goods, mut places)) = stored(body) {
            if elsewhere && let Some(at) = places.first_mut() {
                at.clone_from(&place);
            }
            self.reload(goods, nothing);
        } else {
            match body {
                Body::Counted(e) => {
                    let most = e.loose_gross_mg.max(10);
                    if !nothing {
                        e.loose_measure = None;
                        e.loose_gross_mg = self.some(most * 2) - i64::from(renamed);
                    }
                }
                Body::Incident(e) => {
                    if let Some(incident::At::Place(at)) = &mut e.at
                        && elsewhere
                    {
                        at.clone_from(&place);
                    }
                    self.reload(&mut e.goods, nothing);
                }
                Body::Drawn(e) => {
                    if !nothing {
                        self.reweigh(e.quantity.as_mut().unwrap());
                    }
                }
                Body::Accepted(e) => self.restate_taking(e),
                Body::Transformed(e) => self.restate_making(e),
                _ => unreachable!("only these are in the past"),
            }
        }
        restated
    }

    /// Another loose mass.
    fn reload(&mut self, goods: &mut Option<Goods>, nothing: bool) {
        if let Some(loose) = goods.as_mut().and_then(|g| g.loose.as_mut())
            && !nothing
        {
            self.reweigh(loose);
        }
    }

    /// What makes it another event, or a loss of another kind.
    fn rename(&mut self, body: &mut Body) {
        match body {
            Body::Moved(e) => (*self.world.pick(&PLACES)).clone_into(&mut e.from_place),
            Body::Incident(e) => e.kind = *self.world.pick(&[0, 1, 2]),
            Body::Wasted(e) => e.label.push('x'),
            _ => {
                if let Some(lot) = entering(body) {
                    lot.label.push('x');
                }
            }
        }
    }

    /// Other masses taken, some of them within the scales.
    fn restate_taking(&mut self, e: &mut Accepted) {
        for line in &mut e.lines {
            match &mut line.accepted {
                Some(accepted) if self.world.percent(70) => {
                    let before = mass(Some(accepted)).unwrap();
                    self.reweigh(accepted);
                    if self.world.percent(40) {
                        // Within the scales of it.
                        accepted.gross_mg = before - before / 2000;
                    }
                }
                None if self.world.percent(20) => {
                    line.accepted = Some(Quantity {
                        gross_mg: 7,
                        measure: None,
                    });
                }
                _ => {}
            }
        }
    }

    fn restate_lot(&mut self, lot: &mut NewLot, nothing: bool) {
        if self.world.percent(30) {
            let near = i64::from(lot.content_ppm) + self.some(20_000) - 10_000;
            lot.content_ppm = u32::try_from(near).unwrap_or(0).min(1_000_001);
        } else if !nothing {
            self.reweigh(lot.quantity.as_mut().unwrap());
        }
    }

    /// Other figures for a transformation, most of them such that it balances
    /// as well as before: more in and more beside, more out and less beside.
    fn restate_making(&mut self, e: &mut Transformed) {
        let other = |gross_mg| Quantity {
            gross_mg,
            measure: None,
        };
        match self.world.upto(7) {
            0 => {
                let losses = e.losses.iter_mut();
                losses.for_each(|l| l.gross_mg = (l.gross_mg / 2).max(1));
            }
            1 => {
                e.consumed.pop();
            }
            2 => {
                let quantity = Some(other(self.some(1000)));
                e.unregulated.push(UnregulatedProduct {
                    name: "foam".to_owned(),
                    quantity,
                });
            }
            3 | 4 => {
                for lot in &mut e.outputs {
                    let quantity = lot.quantity.as_mut().unwrap();
                    quantity.gross_mg = mass(Some(quantity)).unwrap();
                    quantity.measure = None;
                    quantity.gross_mg = (quantity.gross_mg - self.some(1000)).max(1);
                    if self.world.percent(40) {
                        lot.content_ppm = lot.content_ppm.saturating_sub(777).max(1);
                    }
                    if self.world.percent(20) {
                        (*self.world.pick(&PLACES)).clone_into(&mut lot.place);
                    }
                }
            }
            _ => {
                let more = self.some(5000);
                for input in &mut e.inputs {
                    if let Some(loose) = &mut input.goods.as_mut().unwrap().loose {
                        loose.gross_mg = mass(Some(loose)).unwrap() + more;
                        loose.measure = None;
                    }
                    if self.world.percent(10) {
                        (*self.world.pick(&PLACES)).clone_into(&mut input.place);
                    }
                }
                for lot in &mut e.outputs {
                    if self.world.percent(50) {
                        let quantity = lot.quantity.as_mut().unwrap();
                        quantity.gross_mg = mass(Some(quantity)).unwrap() + more;
                        quantity.measure = None;
                        break;
                    }
                }
            }
        }
    }

    pub fn reweigh(&mut self, quantity: &mut Quantity) {
        quantity.gross_mg = mass(Some(quantity)).unwrap();
        quantity.measure = None;
        let gross = &mut quantity.gross_mg;
        match self.world.upto(5) {
            0 => *gross *= 2,
            1 => *gross = (*gross / 2).max(1),
            2 => *gross += self.some(1000),
            3 => *gross = (*gross - self.some(1000)).max(1),
            4 => *gross = self.some(*gross),
            _ => *gross += self.some(*gross),
        }
    }
}

/// Other words beside the goods.
fn reword(body: &mut Body) {
    match body {
        Body::Used(e) => e.purpose.push('y'),
        Body::Disposed(e) => e.method.push('y'),
        Body::Exported(e) => e.customs_entry.push('y'),
        Body::Sampled(e) => e.purpose.push('y'),
        Body::Incident(e) => e.description.push('y'),
        Body::Wasted(e) => "900-029-33".clone_into(&mut e.waste_code),
        _ => {}
    }
}

/// The event that a chain of corrections is about.
fn original(model: &Model, reference: &EventRef) -> Option<EventRef> {
    let mut reference = reference.clone();
    loop {
        let happened = model.events.get(&event_name(&reference)?)?;
        match &happened.event.body {
            Some(Body::Corrected(e)) => reference = e.original.clone()?,
            _ => return Some(reference),
        }
    }
}
