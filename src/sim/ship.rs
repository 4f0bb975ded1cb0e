//! Goods on their way: sold, offered, loaded, carried, relayed, reported; and
//! all that can go wrong with it. Their arrival is in `arrive`.

use super::cast::Who;
use super::goods::{CELLULOSE, CYANIDE, CYANIDE_SOLUTION, Contents, KG, NITRATE, Pile};
use super::law::{Pass, told};
use super::packs::most_in_one_act;
use super::paper::{self, Waybill};
use super::world::Job;
use super::{Issued, World};
use crate::event::LotId;
use crate::pb::event::Body;
use crate::pb::incident::At as IncidentAt;
use crate::pb::{
    Accepted, AcceptedLine, Declined, EventRef, Goods, Incident, IncidentKind, Relayed, Withdrawn,
};

/// Packages of a shipment, at most.
const MAX_PACKAGES: u64 = 200;
/// Scales that differ by one part in so many are within tolerance.
pub(super) const SCALE_PART: i64 = 1_000;
/// A delivery that is short by one part in so many is beyond it.
pub(super) const SHORT_PART: i64 = 50;

/// What is special about a shipment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Twist {
    Plain,
    Withdrawn,
    Declined,
    /// The carrier's acceptance comes in before the offer.
    Parked,
    Relayed,
    /// No carriage: taken over on the spot.
    Direct,
    /// A package falls off on the road.
    LostAboard,
    /// A package is not there on arrival.
    PackageShort,
    /// Some packages stay with the carrier and go back.
    Refused,
    /// Some packages come off a day later.
    StillAboard,
    ScaleUnder,
    ScaleOver,
    /// Short beyond tolerance.
    Short,
    /// More than was offered, beyond tolerance.
    Over,
}

const PACKED_TWISTS: [Twist; 14] = [
    Twist::Plain,
    Twist::Relayed,
    Twist::PackageShort,
    Twist::Parked,
    Twist::Plain,
    Twist::Withdrawn,
    Twist::Refused,
    Twist::Plain,
    Twist::StillAboard,
    Twist::Declined,
    Twist::LostAboard,
    Twist::Plain,
    Twist::Direct,
    Twist::Plain,
];
const LOOSE_TWISTS: [Twist; 8] = [
    Twist::Short,
    Twist::ScaleUnder,
    Twist::Parked,
    Twist::ScaleOver,
    Twist::Over,
    Twist::Plain,
    Twist::Short,
    Twist::Relayed,
];

/// The next thing to happen to a shipment.
#[derive(Debug)]
pub(super) enum Leg {
    Sell,
    Load,
    Board,
    Road,
    Unload,
    Receive,
    Settle(Dispute),
    /// Nobody is there to take it: an agency will.
    Seize,
}

/// A dispute that a delivery opened, by its name.
#[derive(Debug)]
pub(super) enum Dispute {
    /// What did not come.
    Short([u8; 16], Pile),
    /// Milligrams that came beside what was offered.
    Over([u8; 16], i64),
}

/// A sale that a shipment rests on.
#[derive(Debug)]
pub(super) struct Sold {
    pub(super) trade: EventRef,
    pub(super) seller: Who,
    /// The purchase permit that it named.
    pub(super) permit: String,
}

/// Goods on their way to another party.
#[derive(Debug)]
pub(super) struct Shipment {
    pub(super) sold: Option<Sold>,
    /// The case that they travel in.
    pub(super) outer: Option<String>,
    pub(super) pile: Pile,
    pub(super) giver: Who,
    pub(super) carrier: Who,
    pub(super) consignee: Who,
    pub(super) waybill: Waybill,
    /// Highly toxic goods by road: the transport pass.
    pub(super) pass: Option<Pass>,
    /// Of waste, the manifest by its number.
    pub(super) manifest: String,
    pub(super) consignment: [u8; 16],
    pub(super) offer: EventRef,
    pub(super) reports: u64,
    pub(super) twist: Twist,
    pub(super) leg: Leg,
}

impl Shipment {
    /// The lot under way.
    pub(super) fn lot(&self) -> LotId {
        self.pile.lot
    }
}

/// Line 0 of an offer, accepted whole.
pub(super) fn accepted(offer: &EventRef, place: &str, goods: &Goods) -> Accepted {
    with_line(offer, place, paper::taken(goods))
}

pub(super) fn with_line(offer: &EventRef, place: &str, line: AcceptedLine) -> Accepted {
    Accepted {
        offer: Some(offer.clone()),
        place: place.to_owned(),
        lines: vec![line],
        ..Accepted::default()
    }
}

impl World {
    fn destination(&mut self, pile: &Pile) -> Option<Who> {
        let cast = self.cast.clone();
        let turn = self.turn("destination");
        if pile.waste {
            return Some(cast.disposers.nth(turn).clone());
        }
        let to_store = !cast.warehouses.has(&pile.holder) && turn.is_multiple_of(5);
        let users = match pile.product.form {
            f if f == CYANIDE.form && to_store => &cast.warehouses,
            f if f == NITRATE.form && to_store && pile.count() > 0 => &cast.warehouses,
            f if f == CYANIDE.form || f == CYANIDE_SOLUTION.form => &cast.gold_mines,
            f if f == NITRATE.form => &cast.open_pits,
            f if f == CELLULOSE.form => &cast.paint_makers,
            _ => return None,
        };
        Some(users.nth(self.below(64)).clone()).filter(|w| w.code != pile.holder.code)
    }

    /// Sends a pile, or a part of it, to somebody who can do something with it.
    pub(super) fn ship(&mut self, pile: Pile) -> Issued {
        let Some(consignee) = self.destination(&pile) else {
            self.stock.push(pile);
            return self.make();
        };
        // Loose goods go whole: a lot's loose title then has one owner.
        let pile = match pile.contents {
            Contents::Packages { each, .. } => {
                let most = most_in_one_act(pile.product.form) / each.max(1);
                let most = u64::try_from(most).unwrap_or_default();
                self.some_of(pile, MAX_PACKAGES.min(most))
            }
            Contents::Loose(_) => pile,
        };
        let twist = match pile.contents {
            Contents::Packages { .. } => {
                let turn = usize::try_from(self.turn("packed")).unwrap_or_default();
                PACKED_TWISTS.iter().cycle().nth(turn % PACKED_TWISTS.len())
            }
            Contents::Loose(_) => {
                let turn = usize::try_from(self.turn("loose")).unwrap_or_default();
                LOOSE_TWISTS.iter().cycle().nth(turn % LOOSE_TWISTS.len())
            }
        };
        let mut twist = possible(twist.copied().unwrap_or(Twist::Plain), &pile);
        let (carrier, waybill) = if self.goes_by_rail(&pile) && twist != Twist::Direct {
            if twist == Twist::Relayed {
                // It goes from wagon to wagon as it is.
                twist = Twist::Plain;
            }
            let note = self.consignment_note(pile.gross() / KG);
            (self.cast.railways.first().clone(), note)
        } else {
            let carrier = self.cast.carriers.clone().nth(self.below(64)).clone();
            let waybill = self.waybill(&carrier, &pile);
            (carrier, waybill)
        };
        let sold = !pile.waste
            && pile.owner.code != consignee.code
            && !self.cast.warehouses.has(&consignee);
        let shipment = Shipment {
            giver: pile.holder.clone(),
            outer: self.cased(twist, &pile),
            sold: None,
            twist,
            leg: if sold { Leg::Sell } else { Leg::Load },
            reports: self.below(3),
            consignment: [0; 16],
            offer: EventRef::default(),
            pile,
            carrier,
            consignee,
            waybill,
            pass: None,
            manifest: String::new(),
        };
        self.carry_on(shipment)
    }

    /// The next thing that happens to a shipment.
    pub(super) fn carry_on(&mut self, shipment: Shipment) -> Issued {
        match shipment.leg {
            Leg::Sell => self.sell(shipment),
            Leg::Load => self.load(shipment),
            Leg::Board => self.board(shipment),
            Leg::Road => self.road(shipment),
            Leg::Unload => self.unload(shipment),
            Leg::Receive => self.receive(shipment),
            Leg::Settle(_) => self.settle(shipment),
            Leg::Seize => self.seize(shipment),
        }
    }

    /// An offer for carriage that nobody has answered yet: giver, carrier, the
    /// offer and its goods.
    pub(super) fn waiting_offer(&self) -> Option<(Who, Who, EventRef, Pile)> {
        self.jobs.iter().find_map(|job| match job {
            Job::Ship(s) if matches!(s.leg, Leg::Board) && !self.has_left(&s.pile.holder) => {
                Some((
                    s.giver.clone(),
                    s.carrier.clone(),
                    s.offer.clone(),
                    s.pile.clone(),
                ))
            }
            _ => None,
        })
    }

    /// A consignment on the road, and who does not carry it.
    pub(super) fn on_the_road(&self) -> Option<(Who, [u8; 16])> {
        self.jobs.iter().find_map(|job| match job {
            Job::Ship(s) if matches!(s.leg, Leg::Road) => {
                let others = self.cast.carriers.iter().find(|c| c.code != s.carrier.code);
                others.map(|other| (other.clone(), s.consignment))
            }
            _ => None,
        })
    }

    pub(super) fn go_on(&mut self, shipment: Shipment, leg: Leg) {
        self.jobs
            .push(Job::Ship(Box::new(Shipment { leg, ..shipment })));
    }

    fn board(&mut self, s: Shipment) -> Issued {
        let offer = Some(s.offer.clone());
        match s.twist {
            Twist::Withdrawn => {
                let reason = "order cancelled 订单取消".to_owned();
                let body = Body::Withdrawn(Withdrawn { offer, reason });
                self.stock.push(s.pile);
                self.say(&s.giver, vec![body], "withdraws an offer").issued
            }
            Twist::Declined => {
                let reason = "placard damaged 标志牌破损".to_owned();
                let body = Body::Declined(Declined { offer, reason });
                self.stock.push(s.pile);
                self.say(&s.carrier, vec![body], "declines an offer").issued
            }
            _ => {
                let said = self.take_aboard(&s, "takes aboard").meaning(&told(&s.pile));
                self.go_on(s, Leg::Road);
                said.issued
            }
        }
    }

    fn road(&mut self, mut s: Shipment) -> Issued {
        if self.has_vanished(&s.consignee) {
            return self.seize(s);
        }
        if World::on_the_wide_gauge(&s) {
            return self.change_gauge(s);
        }
        if s.reports > 0 {
            s.reports -= 1;
            let said = self.report(&s);
            self.go_on(s, Leg::Road);
            return said;
        }
        match s.twist {
            Twist::Relayed => {
                s.twist = Twist::Plain;
                self.relay(s)
            }
            Twist::LostAboard => {
                s.twist = Twist::Plain;
                self.lose_aboard(s)
            }
            _ => self.unload(s),
        }
    }

    fn relay(&mut self, mut s: Shipment) -> Issued {
        let old = s.carrier.clone();
        let carriers = self.cast.carriers.clone();
        let other = carriers
            .iter()
            .find(|c| c.code != old.code)
            .unwrap_or(&old)
            .clone();
        s.waybill = self.waybill(&other, &s.pile);
        let turnout = s.waybill.turnout.clone();
        let pass = s.pass.clone();
        let again = pass.and_then(|pass| self.pass(Some(&pass), &other, &s.consignee, &turnout));
        let relayed = Relayed {
            consignment: bytes::Bytes::copy_from_slice(&s.consignment),
            to_carrier: other.code.clone(),
            vehicle: turnout.vehicle,
            crew: turnout.crew,
            seals: vec![format!("S{:08}", self.number())],
            region: other.region.to_owned(),
            ..Relayed::default()
        };
        s.carrier = other.clone();
        let id = self.fresh_id();
        let bodies = vec![Body::Relayed(relayed)];
        let what = "relays to another carrier";
        let relayed = self.say_as(id, &old, &[&other.first], bodies, what).issued;
        // The pass names the new vehicle before it goes on.
        let first = match again {
            Some((pass, amended)) => {
                s.pass = Some(pass);
                self.ready.push_back(relayed);
                amended
            }
            None => relayed,
        };
        self.go_on(s, Leg::Road);
        first
    }

    fn lose_aboard(&mut self, mut s: Shipment) -> Issued {
        let Some((rest, lost)) = s.pile.split_packages(1) else {
            return self.unload(s);
        };
        s.pile = rest;
        let incident = Incident {
            kind: IncidentKind::Released.into(),
            goods: Some(lost.goods()),
            at: Some(IncidentAt::Consignment(bytes::Bytes::copy_from_slice(
                &s.consignment,
            ))),
            description: "package burst on the road 途中包装破裂".to_owned(),
        };
        let carrier = s.carrier.clone();
        self.go_on(s, Leg::Unload);
        self.say(
            &carrier,
            vec![Body::Incident(incident)],
            "reports a spill on the road",
        )
        .issued
    }
}

/// The twist, if the goods are such that it can happen to them.
fn possible(twist: Twist, pile: &Pile) -> Twist {
    let needed = match twist {
        Twist::LostAboard | Twist::PackageShort => 2,
        Twist::Refused | Twist::StillAboard => 3,
        _ => 0,
    };
    let heavy = match twist {
        Twist::ScaleUnder | Twist::ScaleOver => SCALE_PART,
        Twist::Short | Twist::Over => SHORT_PART,
        _ => 0,
    };
    let fits = pile.count() >= needed && pile.gross() >= heavy * KG;
    if fits { twist } else { Twist::Plain }
}
