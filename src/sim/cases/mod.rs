//! Cases: short stories, each told once at its own part of the world's course,
//! with goods of its own, so that nothing else is touched by them. In them the
//! law is met: loads refused and let through, permits drawn down, seals,
//! recalls, inspections, orders. A case's statements come one after another.

mod buying;
mod dangers;
mod goods;
mod loads;
mod orders;
mod recall;
mod road;
mod seals;
mod stock;
mod tank;
mod terminal;
mod vessels;

pub(super) use self::dangers::Awaited;
use super::cast::Who;
use super::goods::{Contents, KG, Pile, Product};
use super::law::{Pass, is_highly_toxic};
use super::paper;
use super::ship::{Leg, Shipment, Twist};
use super::world::Said;
use super::{Expect, Issued, World};
use crate::event::LotId;
use crate::event::ids::derived;
use crate::pb::event::Body;
use crate::pb::{EventRef, Offered, Produced, RefusalCode};

/// A case; its statements are put into the queue.
pub(super) type Case = fn(&mut World);

/// After how many thousandths of the world's events each is told.
pub(super) const CASES: [(u64, Case); 15] = [
    (60, tank::inspection_has_run_out),
    (120, buying::permits),
    (170, loads::what_is_not_in_order),
    (220, seals::sealed_and_seized),
    (270, recall::called_back),
    (320, dangers::inspected),
    (370, seals::blacklisted),
    (420, orders::emergency),
    (480, orders::safe_return),
    (530, goods::deliveries),
    (555, road::too_long_on_the_road),
    (580, vessels::silo_and_packages),
    (630, stock::taken_and_told),
    (680, dangers::a_finding_is_answered),
    (740, terminal::loses_every_second_word),
];

impl World {
    /// It comes next; more of the story refers to it.
    fn then(&mut self, said: Said) -> Said {
        self.ready.push_back(Issued {
            chapter: self.chapter,
            ..said.issued.clone()
        });
        said
    }

    /// It comes next, and must be refused.
    fn then_refused(&mut self, said: Said, code: RefusalCode) {
        self.ready.push_back(Issued {
            expect: Expect::Refused(code),
            chapter: self.chapter,
            ..said.issued
        });
    }

    /// What comes next is told under this title.
    fn tells(&mut self, title: &'static str) {
        self.chapter = Some(title);
    }

    /// A new lot of a case, in packages where it has entered.
    fn batch(&mut self, who: &Who, product: &'static Product, count: u64) -> Pile {
        let kg = product.package_kg.first().copied().unwrap_or(1);
        let each = kg * KG;
        let gross = each.saturating_mul(i64::try_from(count).unwrap_or_default());
        let ppm = product.least_permille * 1_000;
        let label = self.label(who, product.substance);
        let lot = self.new_lot(label, product, gross, ppm, who.entry.code);
        let id = self.fresh_id();
        let name = LotId(derived(&who.code, id, 0, 0));
        let packed = paper::packed(name, who.entry.code, count, each, product.packaging);
        let bodies = vec![
            Body::Produced(Produced { lot: Some(lot) }),
            Body::Packed(packed),
        ];
        let said = self.say_as(id, who, &[], bodies, "produces and packs 生产并包装");
        self.then(said);
        Pile::entered(name, product, ppm, who, (count, each))
    }

    /// A new lot of a case, loose.
    fn loose_lot(&mut self, who: &Who, product: &'static Product, kg: i64) -> Pile {
        let ppm = product.least_permille * 1_000;
        let label = self.label(who, product.substance);
        let lot = self.new_lot(label, product, kg * KG, ppm, who.entry.code);
        let body = Body::Produced(Produced { lot: Some(lot) });
        let said = self.say(who, vec![body], "produces 生产");
        let said = self.then(said);
        Pile {
            lot: LotId(said.name(0, 0)),
            product,
            ppm,
            waste: false,
            holder: who.clone(),
            place: who.entry.code,
            owner: who.clone(),
            contents: Contents::Loose(kg * KG),
        }
    }

    /// A journey of a case by road, with everything that it needs.
    fn journey(&mut self, pile: &Pile, carrier: &Who, consignee: &Who) -> Shipment {
        let waybill = self.waybill(carrier, pile);
        let mut s = Shipment {
            sold: None,
            outer: None,
            pile: pile.clone(),
            giver: pile.holder.clone(),
            carrier: carrier.clone(),
            consignee: consignee.clone(),
            waybill,
            pass: None,
            manifest: String::new(),
            consignment: [0; 16],
            offer: EventRef::default(),
            reports: 0,
            twist: Twist::Plain,
            leg: Leg::Load,
        };
        if is_highly_toxic(pile.product.substance) {
            let turnout = s.waybill.turnout.clone();
            // By a number of its own: several journeys of a case are not yet
            // under way.
            let number = format!("TXZ-{}-C{:05}", consignee.letters, self.number());
            let own = Pass::numbered(number, consignee);
            if let Some((pass, issued)) = self.pass(Some(&own), carrier, consignee, &turnout) {
                s.pass = Some(pass);
                self.ready.push_back(issued);
            }
        }
        s
    }

    /// Offers goods of a journey, as they should be but for one thing.
    fn offers(
        &mut self,
        s: &mut Shipment,
        spoil: impl FnOnce(&mut Offered),
        what: &'static str,
    ) -> Said {
        let mut offered = self.carried(s, String::new());
        spoil(&mut offered);
        let giver = s.giver.clone();
        let substance = s.pile.product.substance;
        let said = self.say_of(&giver, substance, vec![Body::Offered(offered)], what);
        s.offer = said.reference(0);
        s.consignment = said.name(0, 0);
        said
    }

    /// The carrier takes it aboard, and the rest of the way is as usual.
    fn goes_on_its_way(&mut self, s: Shipment) {
        self.go_on(s, Leg::Board);
    }

    /// A handoff on the spot, as it should be but for one thing.
    fn hands(
        &mut self,
        pile: &Pile,
        to: &Who,
        spoil: impl FnOnce(&mut Offered),
        what: &'static str,
    ) -> Said {
        let mut offered = paper::offered(pile, to, None);
        spoil(&mut offered);
        let (holder, substance) = (pile.holder.clone(), pile.product.substance);
        self.say_of(&holder, substance, vec![Body::Offered(offered)], what)
    }

    /// The taker takes all of what was handed to it.
    fn takes(&mut self, pile: &Pile, offer: &EventRef, to: &Who, what: &'static str) -> Said {
        let place = to.takes_in(pile.product.substance).code;
        self.takes_to(pile, offer, (to, place), what)
    }

    /// The same into another place of its own.
    fn takes_to(
        &mut self,
        pile: &Pile,
        offer: &EventRef,
        (to, place): (&Who, &'static str),
        what: &'static str,
    ) -> Said {
        let body = Body::Accepted(super::ship::accepted(offer, place, &pile.goods()));
        self.say_of(to, pile.product.substance, vec![body], what)
    }
}
