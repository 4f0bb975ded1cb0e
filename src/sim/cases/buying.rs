//! Buying: a permit drawn down to its end, a sale beyond it, one without the
//! right, one told too late, one of goods that are controlled.

use crate::pb::event::Body;
use crate::pb::{
    Arrived, Departed, DocumentRef, FindingCode, MassBasis, Outsider, PaymentKind, PermitKind,
    PermitRegistered, PermitStatus, RefusalCode, Traded,
};
use crate::sim::World;
use crate::sim::cast::Who;
use crate::sim::goods::{CELLULOSE, CYANIDE, CYANIDE_SOLUTION, KG, NITRATE, Pile};
use crate::sim::world::Said;

/// The small permit's number, and its kilograms: ten bags.
pub(super) const PERMIT: &str = "MBG-SMALL-01";
const PERMIT_KG: i64 = 250;
/// How late a sale is told: 33 days, in milliseconds.
const LATE_MS: i64 = 33 * 24 * 60 * 60 * 1000;

impl World {
    /// A natural person, by commitment.
    fn somebody_in_the_street(&mut self) -> Outsider {
        Outsider {
            country: "CN".to_owned(),
            person: self.hash(),
            ..Outsider::default()
        }
    }

    /// The number of a permit that a purchase may name; registered first, if
    /// there is none.
    fn permit_for(&mut self, buyer: &Who, pile: &Pile) -> String {
        match self.purchase(buyer, pile) {
            Ok(number) => number,
            Err(first) => {
                self.ready.push_back(*first);
                self.purchase(buyer, pile).unwrap_or_default()
            }
        }
    }

    pub(super) fn sale(
        &mut self,
        pile: &Pile,
        buyer: &Who,
        permit: &str,
        what: &'static str,
    ) -> Said {
        let traded = Traded {
            buyer: buyer.code.clone(),
            goods: vec![pile.goods()],
            permit: permit.to_owned(),
            payment: PaymentKind::BankAccount.into(),
            ..Traded::default()
        };
        self.sells(traded, pile, buyer, what)
    }

    /// The same for cash, under the small permit.
    pub(super) fn sale_for_cash(&mut self, pile: &Pile, buyer: &Who, what: &'static str) -> Said {
        let traded = Traded {
            buyer: buyer.code.clone(),
            goods: vec![pile.goods()],
            permit: PERMIT.to_owned(),
            payment: PaymentKind::Cash.into(),
            ..Traded::default()
        };
        self.sells(traded, pile, buyer, what)
    }

    /// A sale as it is.
    fn sells(&mut self, traded: Traded, pile: &Pile, buyer: &Who, what: &'static str) -> Said {
        let id = self.fresh_id();
        let bodies = vec![Body::Traded(traded)];
        self.say_as(id, &pile.owner.clone(), &[&buyer.first], bodies, what)
    }
}

pub(super) fn permits(world: &mut World) {
    drawn_down(world);
    without_the_right(world);
    told_late(world);
    how_and_with_whom(world);
}

/// A sale through a bank.
fn through_a_bank(pile: &Pile, buyer: &Who, permit: String) -> Traded {
    Traded {
        buyer: buyer.code.clone(),
        goods: vec![pile.goods()],
        permit,
        payment: PaymentKind::BankAccount.into(),
        ..Traded::default()
    }
}

fn how_and_with_whom(world: &mut World) {
    for_cash(world);
    on_the_internet(world);
    in_the_street(world);
    handed_in(world);
}

fn for_cash(world: &mut World) {
    let cast = world.cast.clone();
    let (plant, pit) = (cast.nitrate_plants.first(), cast.open_pits.first());
    let pile = world.batch(plant, &NITRATE, 2);
    let permit = world.permit_for(pit, &pile);
    let traded = Traded {
        payment: PaymentKind::Cash.into(),
        ..through_a_bank(&pile, pit, permit.clone())
    };
    let said = world.sells(traded, &pile, pit, "sells for cash");
    world.then_refused(said, RefusalCode::Payment);
    world.give_quota_back(pit, &pile, &permit);
    world.stock.push(pile);
}

/// Cyanide is refused; of this nitrocellulose the list is not sure.
fn on_the_internet(world: &mut World) {
    let cast = world.cast.clone();
    let online = |pile: &Pile, buyer: &Who| Traded {
        online: true,
        ..through_a_bank(pile, buyer, String::new())
    };
    let (plant, mine) = (cast.cyanide_plants.first(), cast.gold_mines.first());
    let pile = world.batch(plant, &CYANIDE, 2);
    let what = "sells cyanide on the internet";
    let said = world.sells(online(&pile, mine), &pile, mine, what);
    world.then_refused(said, RefusalCode::OnlineSale);
    world.stock.push(pile);
    let (plant, painter) = (cast.cellulose_plants.first(), cast.paint_makers.first());
    let pile = world.batch(plant, &CELLULOSE, 1);
    let what = "sells nitrocellulose on the internet";
    let said = world.sells(online(&pile, painter), &pile, painter, what);
    world.then(said.meaning(&[FindingCode::OnlineSale]));
    world.stock.push(Pile {
        owner: painter.clone(),
        ..pile
    });
}

fn in_the_street(world: &mut World) {
    let plant = world.cast.cyanide_plants.first().clone();
    let pile = world.batch(&plant, &CYANIDE, 1);
    let departed = Departed {
        goods: Some(pile.goods()),
        place: pile.place.to_owned(),
        to: Some(world.somebody_in_the_street()),
        documents: Vec::new(),
    };
    let what = "gives a drum to somebody in the street";
    let said = world.say(&plant, vec![Body::Departed(departed)], what);
    world.then_refused(said, RefusalCode::Individual);
    world.stock.push(pile);
}

/// A villager brings a drum that lay in a ditch: it is taken in.
fn handed_in(world: &mut World) {
    let store = world.cast.warehouses.first().clone();
    let place = store.takes_in(CYANIDE.substance).code;
    let label = world.label(&store, CYANIDE.substance);
    let lot = world.new_lot(label, &CYANIDE, 50 * KG, 980_000, place);
    let arrived = Arrived {
        lot: Some(lot),
        from: Some(world.somebody_in_the_street()),
        documents: vec![DocumentRef {
            kind: "receipt 收条".to_owned(),
            hash: world.hash(),
        }],
    };
    let what = "takes in a drum that somebody has found";
    let said = world.say(&store, vec![Body::Arrived(arrived)], what);
    world.then(said.meaning(&[FindingCode::Individual]));
}

/// Ten bags are bought under a permit for ten bags, and an eleventh is not.
fn drawn_down(world: &mut World) {
    world.tells("A purchase permit drawn down to its end 购买许可逐笔核减至用尽");
    let cast = world.cast.clone();
    let (plant, pit) = (cast.nitrate_plants.first(), cast.open_pits.first());
    let pile = world.batch(plant, &NITRATE, 12);
    let kind = PermitKind::CivilExplosivesPurchase;
    let permit = PermitRegistered {
        substances: vec![NITRATE.substance.to_owned()],
        quantity_mg: PERMIT_KG * KG,
        basis: MassBasis::Gross.into(),
        ..world.permit(pit, PERMIT, kind, PermitStatus::Granted)
    };
    let bodies = vec![Body::PermitRegistered(permit)];
    let said = world.by_agency(
        pit,
        bodies,
        "grants a permit for ten bags 核发购买许可: 250 kg 即十袋",
    );
    world.then(said);
    let what = "sells under a permit that nobody has 凭不存在的许可销售";
    let said = world.sale(&pile, pit, "MBG-NONE-01", what);
    world.then_refused(said, RefusalCode::UnknownPermit);
    let Some((most, two)) = pile.split_packages(2) else {
        return;
    };
    let Some((six, four)) = most.split_packages(4) else {
        return;
    };
    let said = world.sale(
        &six,
        pit,
        PERMIT,
        "sells six bags under a permit for ten 凭证销售六袋, 余四袋",
    );
    world.then(said);
    let said = world.sale(
        &four,
        pit,
        PERMIT,
        "sells four more, the last that it allows 再售四袋, 额度用尽",
    );
    world.then(said);
    let what = "sells beyond what the permit has left 再售两袋, 超出剩余额度";
    let said = world.sale(&two, pit, PERMIT, what);
    world.then_refused(said, RefusalCode::PurchaseQuantity);
    world.stock.push(two);
    for sold in [six, four] {
        world.stock.push(Pile {
            owner: pit.clone(),
            ..sold
        });
    }
}

/// The laboratory has lost its licences, and names no permit. Of the solution
/// the list is not sure, so that is found only.
fn without_the_right(world: &mut World) {
    world.chapter = None;
    let cast = world.cast.clone();
    let (plant, laboratory) = (cast.cyanide_plants.first(), cast.laboratories.first());
    let drums = world.batch(plant, &CYANIDE, 2);
    let what = "sells to one that has lost its licences";
    let said = world.sale(&drums, laboratory, "", what);
    world.then_refused(said, RefusalCode::PurchaseRight);
    world.stock.push(drums);
    let solution = world.loose_lot(plant, &CYANIDE_SOLUTION, 200);
    let what = "sells solution to one that has lost its licences";
    let said = world
        .sale(&solution, laboratory, "", what)
        .meaning(&[FindingCode::PurchaseRight, FindingCode::Controlled]);
    world.then(said);
    // It stays where it is: nobody delivers it.
}

/// A sale of the month before, entered when somebody found the papers.
fn told_late(world: &mut World) {
    let cast = world.cast.clone();
    let (plant, pit) = (cast.nitrate_plants.first(), cast.open_pits.first());
    let pile = world.batch(plant, &NITRATE, 4);
    let permit = world.permit_for(pit, &pile);
    let traded = Traded {
        buyer: pit.code.clone(),
        goods: vec![pile.goods()],
        permit,
        payment: PaymentKind::BankAccount.into(),
        ..Traded::default()
    };
    let id = world.fresh_id();
    let mut draft = world.draft(plant, id, vec![Body::Traded(traded)]);
    draft.happened_at_ms = world.span.until_ms.saturating_sub(LATE_MS);
    let what = "sells, and tells it after a month";
    let said = World::signed(&draft, &plant.first, &[&pit.first], what);
    let said = said.meaning(&[FindingCode::FiledLate]);
    world.then(said);
    world.stock.push(Pile {
        owner: pit.clone(),
        ..pile
    });
}
