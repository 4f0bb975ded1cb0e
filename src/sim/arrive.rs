//! Goods on arrival: offered from the vehicle, taken over whole or in part,
//! handed back, disputed and settled.

use super::cast::Who;
use super::goods::{Contents, KG, Pile};
use super::law::told;
use super::ship::{Dispute, Leg, SCALE_PART, SHORT_PART, Shipment, Twist, with_line};
use super::{Issued, World, paper};
use crate::pb::event::Body;
use crate::pb::{Accepted, FindingCode, ManifestReceipt, Settled, Settlement, SettlementCause};

/// A delivery's dispute is named after the line of the offer it is about.
const DISPUTE_LINE: u32 = 0;

/// One weighing of packages in so many is off, by one part in so many.
const OFF_ONE_IN: u64 = 9;
const OFF_PART: i64 = 100;

/// A manifest has no tolerance: waste that weighs otherwise disagrees with it.
fn disagrees(s: &Shipment, gross_mg: i64) -> &'static [FindingCode] {
    if s.pile.waste && s.pile.gross() != gross_mg {
        &[FindingCode::ManifestDisagrees]
    } else {
        &[]
    }
}

impl World {
    pub(super) fn unload(&mut self, mut s: Shipment) -> Issued {
        if self.has_vanished(&s.consignee) {
            return self.seize(s);
        }
        let offered = paper::unloaded(s.pile.goods(), s.consignment, &s.consignee);
        let carrier = s.carrier.clone();
        let said = self
            .say(
                &carrier,
                vec![Body::Offered(offered)],
                "offers from the vehicle",
            )
            .meaning(&told(&s.pile));
        s.offer = said.reference(0);
        self.go_on(s, Leg::Receive);
        said.issued
    }

    pub(super) fn receive(&mut self, s: Shipment) -> Issued {
        let consignee = s.consignee.clone();
        let place = consignee.takes_in(s.pile.product.substance).code;
        let parted = match s.twist {
            Twist::PackageShort => s.pile.split_packages(1),
            Twist::Refused | Twist::StillAboard => s.pile.split_packages(2),
            Twist::Short => {
                let short = s.pile.gross() / SHORT_PART / KG * KG;
                s.pile.split_loose(short)
            }
            _ => None,
        };
        let Some((come, rest)) = parted else {
            return self.receive_whole(s);
        };
        let mut line = paper::taken(&come.goods());
        match s.twist {
            Twist::Refused => line.refused_serials = rest.serials(),
            Twist::StillAboard => line.still_aboard_serials = rest.serials(),
            _ => {}
        }
        let accepted = Accepted {
            receipt: self.received(&s, come.gross()),
            ..with_line(&s.offer, place, line)
        };
        let body = Body::Accepted(accepted);
        let what = match s.twist {
            Twist::Refused => "refuses some of a delivery",
            Twist::StillAboard => "takes some of a delivery",
            _ => "accepts a short delivery",
        };
        let said = self
            .say_of(&consignee, s.pile.product.substance, vec![body], what)
            .meaning(&told(&s.pile))
            .meaning(disagrees(&s, come.gross()));
        self.stock.push(come.at(&consignee, place));
        match s.twist {
            Twist::Refused => {
                // It is offered back to the giver next.
                let back = Shipment {
                    pile: rest,
                    consignee: s.giver.clone(),
                    twist: Twist::Plain,
                    ..s
                };
                self.go_on(back, Leg::Unload);
            }
            Twist::StillAboard => {
                self.go_on(
                    Shipment {
                        pile: rest,
                        twist: Twist::Plain,
                        ..s
                    },
                    Leg::Unload,
                );
            }
            _ => {
                let name = said.name(0, DISPUTE_LINE);
                self.go_on(s, Leg::Settle(Dispute::Short(name, rest)));
            }
        }
        said.issued
    }

    /// Of waste, what its receiver puts on the manifest.
    fn received(&mut self, s: &Shipment, gross_mg: i64) -> Option<Box<ManifestReceipt>> {
        let needed = s.pile.waste && s.consignee.code != s.giver.code;
        needed.then(|| Box::new(self.receipt(&s.consignee, &s.manifest, gross_mg)))
    }

    /// Everything came; loose goods may weigh a little more or less, or more
    /// than scales can explain.
    fn receive_whole(&mut self, s: Shipment) -> Issued {
        let consignee = s.consignee.clone();
        let place = consignee.takes_in(s.pile.product.substance).code;
        let mut pile = s.pile.clone();
        let part = |of: i64| pile.gross() / of / KG * KG;
        let (small, large) = (part(SCALE_PART), part(SHORT_PART));
        let weighed = match (s.twist, pile.contents) {
            (Twist::ScaleUnder, Contents::Loose(gross)) => Some(gross - small),
            (Twist::ScaleOver, Contents::Loose(gross)) => Some(gross + small),
            (Twist::Over, Contents::Loose(gross)) => Some(gross + large),
            _ => None,
        };
        let mut line = paper::taken(&pile.goods());
        if let Some(gross) = weighed {
            pile.contents = Contents::Loose(gross);
            line = paper::weighed(gross);
        }
        if pile.count() > 0 {
            // The weighbridge only checks what labels say; now and then it is off.
            let off = self.turn("weighbridge") % OFF_ONE_IN == OFF_ONE_IN - 1;
            let parts = if off { OFF_PART } else { i64::MAX };
            line.check = Some(paper::on_the_scale(pile.gross() + pile.gross() / parts));
        }
        self.taken = Some((consignee.clone(), s.offer.clone(), pile.goods()));
        let accepted = Accepted {
            receipt: self.received(&s, pile.gross()),
            ..with_line(&s.offer, place, line)
        };
        let mut bodies = vec![Body::Accepted(accepted)];
        bodies.extend(self.unpacked(&s));
        let what = "accepts a delivery";
        let said = self
            .say_of(&consignee, s.pile.product.substance, bodies, what)
            .meaning(&told(&s.pile))
            .meaning(disagrees(&s, pile.gross()));
        let mut pile = pile.at(&consignee, place);
        if s.twist == Twist::Direct && self.turn("give back") % 2 == 1 {
            pile = self.give_back(&s, pile);
        }
        self.stock.push(pile);
        if s.twist == Twist::Over {
            let name = said.name(0, DISPUTE_LINE);
            self.go_on(s, Leg::Settle(Dispute::Over(name, large)));
        }
        said.issued
    }

    /// Both sides agree what became of what did not come, or where that came
    /// from which came beside it.
    pub(super) fn settle(&mut self, s: Shipment) -> Issued {
        let consignee = s.consignee.clone();
        let (name, settlement) = match s.leg {
            Leg::Settle(Dispute::Short(name, short)) => {
                (name, self.settle_short(&consignee, short))
            }
            Leg::Settle(Dispute::Over(name, gross_mg)) => {
                let scale = self.turn("settle over").is_multiple_of(2);
                let cause = if scale {
                    SettlementCause::Scale
                } else {
                    SettlementCause::Miscount
                };
                let settlement = Settlement {
                    cause: cause.into(),
                    gross_mg,
                    ..Settlement::default()
                };
                (name, settlement)
            }
            _ => return self.make(),
        };
        let settled = Settled {
            dispute: bytes::Bytes::copy_from_slice(&name),
            settlements: vec![settlement],
        };
        let bodies = vec![Body::Settled(settled)];
        if self.has_vanished(&consignee) {
            return self
                .order(bodies, "settles a dispute for who has left")
                .issued;
        }
        let id = self.fresh_id();
        let carrier = [&s.carrier.first];
        self.say_as(id, &consignee, &carrier, bodies, "settles a dispute")
            .issued
    }

    /// It was there all along, was stolen, or was spilt, in turn.
    fn settle_short(&mut self, consignee: &Who, short: Pile) -> Settlement {
        let loose = if short.count() == 0 { short.gross() } else { 0 };
        let settlement = |cause: SettlementCause| Settlement {
            cause: cause.into(),
            gross_mg: loose,
            serials: short.serials(),
            ..Settlement::default()
        };
        match self.turn("settle short") % 3 {
            0 if !self.has_vanished(consignee) => {
                let place = consignee.takes_in(short.product.substance).code;
                let found = Settlement {
                    party: consignee.code.clone(),
                    place: place.to_owned(),
                    ..settlement(SettlementCause::Miscount)
                };
                self.stock.push(short.at(consignee, place));
                found
            }
            1 => settlement(SettlementCause::Theft),
            _ => settlement(SettlementCause::Spill),
        }
    }
}
