//! A party that has gone away: nobody can sign for it any more. Its keys are
//! revoked, it is closed, and by an agency's order a keeper takes what it had,
//! pile by pile, and what was on its way to it. Its title stays, until somebody
//! succeeds it.

use super::cast::Who;
use super::goods::Pile;
use super::merge::Gone;
use super::ship::{Leg, Shipment, Twist};
use super::world::Job;
use super::{Issued, World};
use crate::pb::event::Body;
use crate::pb::taken_over::At;
use crate::pb::{KeyRevoked, PartyStatus, TakenOver};

impl World {
    /// The agencies find that a party has gone away.
    pub(super) fn close(&mut self, who: &Who) -> Issued {
        let mut bodies: Vec<Body> = who.keys().into_iter().map(lost).collect();
        bodies.push(self.party_of(who, PartyStatus::Closed));
        let said = self.decree(bodies, "closes a party that has gone away");
        self.gone.push(Gone {
            who: who.clone(),
            heir: None,
            keyless: true,
        });
        self.cast.retire(who);
        self.taken = self
            .taken
            .take()
            .filter(|(taker, ..)| taker.code != who.code);
        for job in std::mem::take(&mut self.jobs) {
            self.without(job, who);
        }
        let theirs = |p: &Pile| p.holder.code == who.code;
        if let Some(at) = self.stock.iter().position(theirs) {
            let pile = self.stock.swap_remove(at);
            let taken = self.take_over(pile);
            self.ready.push_back(taken);
        }
        said.issued
    }

    /// A thing under way, now that one of those in it does nothing more.
    fn without(&mut self, job: Job, who: &Who) {
        match job {
            // Nobody will look for it.
            Job::Lost(pile) if pile.holder.code == who.code => {}
            Job::Ship(s) => self.ship_without(*s, who),
            other => self.jobs.push(other),
        }
    }

    fn ship_without(&mut self, mut s: Shipment, who: &Who) {
        let for_it = s.consignee.code == who.code;
        let by_it = s.giver.code == who.code;
        match s.leg {
            Leg::Sell | Leg::Load if for_it || by_it => {
                self.stock.push(s.pile);
                return;
            }
            // A case goes aboard first: only its giver could open it.
            Leg::Board if for_it && s.outer.is_some() => {}
            Leg::Board if for_it => s.twist = Twist::Withdrawn,
            Leg::Receive if for_it && s.twist == Twist::Direct => {
                s.twist = Twist::Withdrawn;
                s.leg = Leg::Board;
            }
            Leg::Road | Leg::Unload | Leg::Receive if for_it => s.leg = Leg::Seize,
            // It neither takes an offer back nor goods.
            _ if by_it && matches!(s.twist, Twist::Withdrawn | Twist::Refused) => {
                s.twist = Twist::Plain;
            }
            _ => {}
        }
        self.jobs.push(Job::Ship(Box::new(s)));
    }

    /// What stands with who has gone goes to the keeper.
    pub(super) fn take_over(&mut self, pile: Pile) -> Issued {
        let at = At::Place(pile.place.to_owned());
        let holder = pile.holder.code.clone();
        self.taken_over(pile, holder, at, "takes over goods for a keeper")
    }

    /// What is on its way to who has gone goes to the keeper as well.
    pub(super) fn seize(&mut self, s: Shipment) -> Issued {
        let at = At::Consignment(bytes::Bytes::copy_from_slice(&s.consignment));
        let what = "takes over goods from a vehicle";
        let keeper = self.cast.warehouses.first().clone();
        let place = keeper.takes_in(s.pile.product.substance).code;
        let kept = s.pile.clone().at(&keeper, place);
        let taken = self.taken_over(s.pile, String::new(), at, what);
        self.break_up(&kept, s.outer.as_ref());
        taken
    }

    fn taken_over(&mut self, pile: Pile, holder: String, at: At, what: &'static str) -> Issued {
        let keeper = self.cast.warehouses.first().clone();
        let place = keeper.takes_in(pile.product.substance).code;
        let taken = TakenOver {
            goods: Some(pile.goods()),
            holder,
            at: Some(at),
            custodian: keeper.code.clone(),
            to_place: place.to_owned(),
            order: format!("YJ-2026-{:04}", self.number()),
            reason: "nobody can be reached 企业失联, 无人管理".to_owned(),
        };
        self.stock.push(pile.at(&keeper, place));
        self.order(vec![Body::TakenOver(taken)], what).issued
    }
}

fn lost(key: &crate::event::signing::SecretKey) -> Body {
    Body::KeyRevoked(KeyRevoked {
        key_id: key.id().to_bytes(),
        reason: "holder cannot be reached 持有人失联".to_owned(),
    })
}
