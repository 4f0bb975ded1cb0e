//! Packages that travel as one: a case with its SSCC, closed by the giver,
//! offered by its name, counted whole where it arrives, and broken up there.
//! And packages that go back to who gave them, title and all.

use super::World;
use super::goods::Pile;
use super::law::told;
use super::paper;
use super::ship::{Shipment, Twist, with_line};
use super::world::Said;
use crate::pb::event::Body;
use crate::pb::{Accepted, Aggregated, Counted, Goods, Offered, PaymentKind, SerialRange, Traded};

/// Of so many plain shipments one travels in a case.
const CASED_ONE_IN: u64 = 4;
/// Packages of a case, at most.
const MAX_IN_CASE: u64 = 60;
/// An invented company's prefix of its SSCCs, the extension digit before it.
const PREFIX: u64 = 1_690_000_000;

/// A case's number: 17 digits and the check digit, by which the digits with
/// weights 3 and 1 in turn add up to whole tens.
fn sscc(number: u64) -> String {
    let digits = format!("{PREFIX}{:07}", number % 10_000_000);
    let weighed = digits.bytes().rev().zip([3, 1].into_iter().cycle());
    let sum: u32 = weighed
        .map(|(digit, weight)| u32::from(digit - b'0') * weight)
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

/// A case of a lot around packages, or broken up.
fn case(pile: &Pile, outer: &str, place: &str, serials: Vec<SerialRange>) -> Body {
    Body::Aggregated(Aggregated {
        lot: pile.lot.to_bytes(),
        place: place.to_owned(),
        outer: outer.to_owned(),
        broken: serials.is_empty(),
        serials,
    })
}

impl World {
    /// The case that a shipment is to travel in, if it is.
    pub(super) fn cased(&mut self, twist: Twist, pile: &Pile) -> Option<String> {
        let fits = twist == Twist::Plain && (2..=MAX_IN_CASE).contains(&pile.count());
        let turn = fits.then(|| self.turn("cased"))?;
        (turn % CASED_ONE_IN == 1).then(|| sscc(self.number()))
    }

    /// What is done and offered when a shipment is loaded: in a case it is
    /// closed first, and offered by the case's number.
    pub(super) fn loaded(s: &Shipment, mut offered: Offered) -> Vec<Body> {
        let Some(outer) = &s.outer else {
            return vec![Body::Offered(offered)];
        };
        offered.lines = vec![Goods {
            lot: s.pile.lot.to_bytes(),
            outers: vec![outer.clone()],
            ..Goods::default()
        }];
        let closed = case(&s.pile, outer, s.pile.place, s.pile.serials());
        vec![closed, Body::Offered(offered)]
    }

    /// What is done with a case where it has arrived: all of the lot that
    /// stands there is counted, the case by its number, and it is broken up.
    pub(super) fn unpacked(&mut self, s: &Shipment) -> Vec<Body> {
        let Some(outer) = &s.outer else {
            return Vec::new();
        };
        let (who, lot) = (&s.consignee, s.pile.lot);
        let place = who.takes_in(s.pile.product.substance).code;
        let broken = case(&s.pile, outer, place, Vec::new());
        if !self.at_rest(lot) {
            return vec![broken];
        }
        let here = |p: &&Pile| p.lot == lot && p.place == place && p.holder.code == who.code;
        let others: Vec<&Pile> = self.stock.iter().filter(here).collect();
        let loose = others.iter().filter(|p| p.count() == 0);
        let mut scanned: Vec<SerialRange> = others.iter().flat_map(|p| p.serials()).collect();
        scanned.sort_unstable_by_key(|r| r.first);
        let counted = Counted {
            lot: lot.to_bytes(),
            place: place.to_owned(),
            loose_gross_mg: loose.map(|p| p.gross()).sum(),
            serials_scanned: scanned,
            serials_assumed: Vec::new(),
            outers_seen: vec![outer.clone()],
            loose_measure: None,
        };
        vec![Body::Counted(counted), broken]
    }

    /// Who keeps a case by an order breaks it up.
    pub(super) fn break_up(&mut self, pile: &Pile, outer: Option<&String>) {
        let Some(outer) = outer else { return };
        let bodies = vec![case(pile, outer, pile.place, Vec::new())];
        let said = self.say(&pile.holder, bodies, "breaks up a case");
        self.ready.push_back(said.issued);
    }

    /// The last package of a handoff on the spot turns out to be the wrong
    /// one: it goes back, and so does its price. Returns what stays.
    pub(super) fn give_back(&mut self, s: &Shipment, pile: Pile) -> Pile {
        // Only between those who made the handoff.
        let changed = self.gone.iter().filter_map(|g| g.heir.as_ref());
        let between = [&s.giver.code, &s.consignee.code];
        let theirs = s.pile.holder.code == s.giver.code
            && !changed.clone().any(|heir| between.contains(&&heir.code));
        let both = theirs && !self.has_left(&s.giver) && !self.has_left(&s.consignee);
        let Some((stays, wrong)) = pile.split_packages(1).filter(|_| both) else {
            return pile;
        };
        let offered = Offered {
            returns: Some(s.offer.clone()),
            ..paper::offered(&wrong, &s.giver, None)
        };
        let what = "gives back what was delivered";
        let substance = wrong.product.substance;
        let bodies = vec![Body::Offered(offered)];
        let said = self
            .say_of(&s.consignee, substance, bodies, what)
            .meaning(&told(&wrong));
        let place = s.giver.takes_in(substance).code;
        let accepted = Accepted {
            returns: Some(s.offer.clone()),
            ..with_line(&said.reference(0), place, paper::taken(&wrong.goods()))
        };
        self.ready.push_back(said.issued);
        let what = "takes back what it delivered";
        let bodies = vec![Body::Accepted(accepted)];
        let taken = self
            .say_of(&s.giver, substance, bodies, what)
            .meaning(&told(&wrong));
        self.ready.push_back(taken.issued);
        let mut back = wrong.at(&s.giver, place);
        if let Some(sold) = &s.sold {
            self.give_quota_back(&s.consignee, &back, &sold.permit);
            let undone = self
                .sold_back(s, &back, sold.trade.clone(), &sold.seller)
                .meaning(&told(&back));
            self.ready.push_back(undone.issued);
            back.owner = sold.seller.clone();
        }
        self.stock.push(back);
        stays
    }

    fn sold_back(
        &mut self,
        s: &Shipment,
        back: &Pile,
        trade: crate::pb::EventRef,
        to: &super::Who,
    ) -> Said {
        let traded = Traded {
            buyer: to.code.clone(),
            goods: vec![back.goods()],
            permit: String::new(),
            returns: Some(trade),
            payment: PaymentKind::BankAccount.into(),
            online: false,
        };
        let id = self.fresh_id();
        let bodies = vec![Body::Traded(traded)];
        let what = "sells back what it returned";
        self.say_as(id, &s.consignee, &[&to.first], bodies, what)
    }
}
