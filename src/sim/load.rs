//! Goods sold, and offered for carriage with all that the law asks of it:
//! permits, pass, manifest, checks, papers.

use super::law::{is_highly_toxic, told};
use super::paper;
use super::ship::{Leg, Shipment, Sold, Twist, accepted};
use super::world::Said;
use super::{Issued, World};
use crate::pb::event::Body;
use crate::pb::{HandoffPurpose, Offered, PaymentKind, Traded};

impl World {
    pub(super) fn sell(&mut self, mut s: Shipment) -> Issued {
        let seller = s.pile.owner.clone();
        let buyer = s.consignee.clone();
        // A user whose licence is enough may name its permit with the delivery.
        let with_delivery = is_highly_toxic(s.pile.product.substance)
            && s.twist == Twist::Plain
            && self.turn("permit").is_multiple_of(2);
        let mut permit = String::new();
        if !with_delivery {
            match self.purchase(&buyer, &s.pile) {
                Ok(number) => permit = number,
                Err(first) => {
                    self.go_on(s, Leg::Sell);
                    return *first;
                }
            }
        }
        let traded = Traded {
            buyer: buyer.code.clone(),
            goods: vec![s.pile.goods()],
            permit: permit.clone(),
            returns: None,
            payment: PaymentKind::BankAccount.into(),
            online: false,
        };
        s.pile.owner = buyer.clone();
        let id = self.fresh_id();
        let bodies = vec![Body::Traded(traded)];
        let said = self
            .say_as(id, &seller, &[&buyer.first], bodies, "sells")
            .meaning(&told(&s.pile));
        s.sold = Some(Sold {
            trade: said.reference(0),
            seller,
            permit,
        });
        self.go_on(s, Leg::Load);
        said.issued
    }

    pub(super) fn load(&mut self, mut s: Shipment) -> Issued {
        let giver = s.giver.clone();
        if s.twist == Twist::Direct {
            let offered = paper::offered(&s.pile, &s.consignee, None);
            let bodies = vec![Body::Offered(offered)];
            let said = self
                .say_of(
                    &giver,
                    s.pile.product.substance,
                    bodies,
                    "offers on the spot",
                )
                .meaning(&told(&s.pile));
            s.offer = said.reference(0);
            self.go_on(s, Leg::Receive);
            return said.issued;
        }
        if let Some(first) = self.obtain_pass(&mut s) {
            self.go_on(s, Leg::Load);
            return first;
        }
        let permit = match self.named_with_delivery(&s) {
            Ok(permit) => permit,
            Err(first) => {
                self.go_on(s, Leg::Load);
                return *first;
            }
        };
        let offered = self.carried(&mut s, permit);
        let number = s.waybill.number.clone();
        let bodies = World::loaded(&s, offered);
        let index = bodies.len().saturating_sub(1);
        let (substance, what) = (s.pile.product.substance, "offers for carriage");
        let said = self
            .say_with_ref(&giver, substance, bodies, ("e-waybill", &number), what)
            .meaning(&told(&s.pile));
        s.offer = said.reference(index);
        s.consignment = said.name(u32::try_from(index).unwrap_or_default(), 0);
        if s.twist != Twist::Parked {
            self.go_on(s, Leg::Board);
            return said.issued;
        }
        // The depot was off line: its offer comes in after the acceptance.
        let first = self.take_aboard(&s, "accepts an offer still to come");
        self.ready.push_back(said.issued);
        self.go_on(s, Leg::Road);
        first.issued
    }

    pub(super) fn take_aboard(&mut self, s: &Shipment, what: &'static str) -> Said {
        let body = Body::Accepted(accepted(&s.offer, "", &s.pile.goods()));
        self.say(&s.carrier.clone(), vec![body], what)
    }

    /// Before highly toxic goods are loaded for the road: their pass.
    fn obtain_pass(&mut self, s: &mut Shipment) -> Option<Issued> {
        let needed = is_highly_toxic(s.pile.product.substance) && s.waybill.wagons.is_empty();
        if !needed {
            return None;
        }
        let turnout = s.waybill.turnout.clone();
        let (pass, issued) = self.pass(s.pass.as_ref(), &s.carrier, &s.consignee, &turnout)?;
        s.pass = Some(pass);
        Some(issued)
    }

    /// The permit of a sale that named none, where the goods are delivered.
    fn named_with_delivery(&mut self, s: &Shipment) -> Result<String, Box<Issued>> {
        match &s.sold {
            Some(sold) if sold.permit.is_empty() => self.purchase(&s.consignee, &s.pile),
            _ => Ok(String::new()),
        }
    }

    /// An offer for carriage with all that the law asks of it.
    pub(super) fn carried(&mut self, s: &mut Shipment, permit: String) -> Offered {
        let hands = (&s.giver, &s.carrier, &s.consignee);
        let carriage = self.carriage(&s.waybill, &s.pile, hands);
        let by_road = s.waybill.wagons.is_empty();
        let manifest = s.pile.waste.then(|| {
            let manifest = self.manifest(&s.pile, &s.waybill, hands);
            s.manifest.clone_from(&manifest.number);
            Box::new(manifest)
        });
        let purpose = if s.pile.waste {
            HandoffPurpose::Disposal
        } else if !permit.is_empty() {
            HandoffPurpose::Sale
        } else if self.cast.warehouses.has(&s.consignee) {
            HandoffPurpose::Storage
        } else {
            HandoffPurpose::Unspecified
        };
        Offered {
            purpose: purpose.into(),
            permit,
            road_pass: s
                .pass
                .as_ref()
                .map(|p| p.number.clone())
                .unwrap_or_default(),
            loading_checks: by_road.then(|| self.checked()),
            papers_passed_on: true,
            manifest,
            ..paper::offered(&s.pile, &s.carrier, Some(carriage))
        }
    }
}
