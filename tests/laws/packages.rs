//! A package's life: opened, emptied, cleaned, ended. The model's rules, and
//! the plans of them.

use bytes::Bytes;
use hazledger::pb::event::Body;
use hazledger::pb::{Goods, PackagePart, PackagingTreated, PackagingTreatment, Quantity};

use super::books::{Life, held};
use super::goods::serials;
use super::model::{Case, Model, Verdict, Wrong, must};
use super::plans::{bytes, one};
use super::player::{Play, Player};
use super::stock::{Stock, ranges};

impl Model {
    /// Empties are cleaned, destroyed, or (once cleaned) returned to service.
    pub fn packaging_treated(&mut self, case: &Case<'_>, e: &PackagingTreated) -> Verdict {
        use PackagingTreatment as T;
        let said = e.treatment() != T::Unspecified && !e.method.is_empty() && !e.place.is_empty();
        must(said && !e.serials.is_empty(), Wrong::Field)?;
        let serials = serials(&e.serials)?;
        let (lot, book) = self.lot(&e.lot)?;
        let at = held(case.party, &e.place);
        for serial in &serials {
            let package = book.packages.get(serial).ok_or(Wrong::Goods)?;
            must(
                package.account == at && package.promised.is_none(),
                Wrong::Goods,
            )?;
        }
        for serial in &serials {
            match (book.packages[serial].life, e.treatment()) {
                (Life::Full | Life::Open, _) | (Life::Empty, T::Returned) => {
                    return Err(Wrong::Goods);
                }
                (Life::Cleaned, T::Cleaned) => return Err(Wrong::Pointless),
                _ => {}
            }
        }
        let book = self.lots.edit(&lot);
        for serial in serials {
            if e.treatment() == T::Cleaned {
                book.packages.get_mut(&serial).unwrap().life = Life::Cleaned;
            } else {
                book.packages.remove(&serial);
                book.ended.insert(serial);
            }
        }
        Ok(())
    }
}

impl Player {
    /// Some of the empties that stand beside goods go with them.
    pub fn with_empties(&mut self, goods: &mut Goods, stock: &Stock) {
        if stock.empties.is_empty() || self.world.percent(60) {
            return;
        }
        let named = goods.serials.iter().flat_map(|r| r.first..=r.last);
        let mut all: Vec<u64> = named.take(10_000).collect();
        all.extend(self.some_serials(&stock.empties));
        goods.serials = ranges(&all);
    }

    /// Something is poured out of packages beside; now and then more than is
    /// in them, or out of one that is named whole.
    pub fn pour(&mut self, model: &Model, goods: &mut Goods, stock: &Stock) {
        let book = model.lots.get(&stock.lot).unwrap();
        let whole = |s: u64| goods.serials.iter().any(|r| r.first <= s && s <= r.last);
        let careless = self.world.percent(3);
        let mut of: Vec<u64> = stock.free_serials.clone();
        of.retain(|s| careless || !whole(*s));
        of.sort_unstable();
        of.dedup();
        of.truncate(1 + self.world.upto(1));
        for serial in of {
            let Some(package) = book.packages.get(&serial).filter(|p| p.is_filled()) else {
                continue;
            };
            let mut gross = self.some(package.mass.gross);
            if self.world.percent(3) {
                gross += package.mass.gross;
            }
            goods.parts.push(PackagePart {
                serial,
                quantity: Some(Quantity {
                    gross_mg: gross,
                    measure: None,
                }),
            });
        }
    }

    pub fn packaging_treated(&mut self, model: &Model) -> Option<Play> {
        use PackagingTreatment as T;
        let mut stock = self.stock(model)?;
        for _ in 0..60 {
            if !stock.empties.is_empty() {
                break;
            }
            stock = self.stock(model)?;
        }
        let mut chosen = self.some_serials(&stock.empties);
        let careless = self.wild();
        let book = model.lots.get(&stock.lot).unwrap();
        let cleaned = chosen
            .first()
            .map(|s| book.packages[s].life == Life::Cleaned);
        let fitting = match cleaned {
            Some(true) => [T::Destroyed, T::Returned],
            _ => [T::Cleaned, T::Destroyed],
        };
        let mut treatment = *self.world.pick(&fitting);
        if careless {
            treatment = *self.world.pick(&[T::Unspecified, T::Cleaned, T::Returned]);
        } else {
            chosen.retain(|s| Some(book.packages[s].life == Life::Cleaned) == cleaned);
        }
        if careless && self.world.percent(20) {
            chosen.extend(&stock.free_serials);
        }
        let treated = PackagingTreated {
            lot: bytes(&stock.lot),
            place: stock.place,
            serials: ranges(&chosen),
            treatment: treatment.into(),
            method: "triple rinse".to_owned(),
            certificate_hash: Bytes::from_static(&[6; 32]),
        };
        Some(one(stock.by, Body::PackagingTreated(treated)))
    }
}
