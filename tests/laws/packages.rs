//! A package's life: opened, emptied, cleaned, ended. The model's rules, and
//! the plans of them.

use bytes::Bytes;
use hazledger::pb::event::Body;
use hazledger::pb::{
    Aggregated, Goods, PackagePart, PackagingTreated, PackagingTreatment, Quantity, Repacked,
    Sampled, SerialRange,
};
use rand::RngExt as _;

use super::books::{Account, Amount, Life, Package, amount, held, share};
use super::goods::{Promised, Wanted, named, packages_owner, serials};
use super::matter::mass_of;
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
        book.break_outers(&serials, true);
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

/// Outer packings.
impl Model {
    pub fn aggregated(&mut self, case: &Case<'_>, e: &Aggregated) -> Verdict {
        must(
            !e.outer.is_empty() && e.broken == e.serials.is_empty(),
            Wrong::Field,
        )?;
        let serials = serials(&e.serials)?;
        self.own_place(case.party, &e.place)?;
        let (lot, book) = self.lot(&e.lot)?;
        let at = held(case.party, &e.place);
        let mut inside = book.inside(&e.outer);
        if e.broken {
            inside.retain(|s| book.packages[s].account == at);
            must(!inside.is_empty(), Wrong::Goods)?;
        } else {
            for serial in &serials {
                let package = book.packages.get(serial).ok_or(Wrong::Goods)?;
                let free = package.promised.is_none() && package.outer.is_none();
                must(package.account == at && free, Wrong::Goods)?;
            }
            must(inside.is_empty(), Wrong::Goods)?;
            inside.extend(serials);
        }
        let outer = (!e.broken).then_some(&e.outer);
        let book = self.lots.edit(&lot);
        for serial in inside {
            book.packages.get_mut(&serial).unwrap().outer = outer.cloned();
        }
        Ok(())
    }
}

/// Packages out of packages, and samples.
impl Model {
    pub fn repacked(&mut self, case: &Case<'_>, e: &Repacked) -> Verdict {
        let new = serials(e.serials.as_slice())?;
        let masses = e.gross_mg_each > 0 && e.loss_gross_mg >= 0;
        must(!new.is_empty() && masses, Wrong::Field)?;
        named(e.goods.as_ref())?;
        self.own_place(case.party, &e.place)?;
        let at = held(case.party, &e.place);
        let goods = e.goods.as_ref();
        let taken = self.take_as(goods, &at, Promised::Refuse, Wanted::Content)?;
        self.stands_free(&taken.lot)?;
        let book = self.lots.edit(&taken.lot);
        let used = |s: &u64| book.packages.contains_key(s) || book.ended.contains(s);
        must(!new.iter().any(used), Wrong::Goods)?;
        let from = taken
            .serials
            .iter()
            .chain(taken.parts.iter().map(|(s, _)| s));
        let mut owners: Vec<String> = from.map(|s| book.packages[s].owner.clone()).collect();
        owners.dedup();
        let owner = match owners.first() {
            None => packages_owner(book, case.party, taken.loose.gross)?,
            Some(owner) => {
                let all = owners.iter().all(|o| o == owner);
                let loose = taken.loose.gross <= book.title(owner).max(0);
                must(all && loose, Wrong::Title)?;
                owner.clone()
            }
        };
        let count = i64::try_from(new.len()).unwrap();
        let (total, out) = (taken.total(), e.gross_mg_each * count);
        must(out + e.loss_gross_mg == total.gross, Wrong::Conservation)?;
        let each = share(total.contained, out, total.gross) / count;
        book.transfer(
            &at,
            &Account::ProcessLoss,
            total - amount(out, each * count),
        );
        book.give_title(&owner, -taken.loose.gross);
        for serial in &taken.serials {
            book.break_outers(&[*serial], true);
            let package = book.packages.get_mut(serial).unwrap();
            (package.mass, package.life) = (Amount::NONE, Life::Empty);
        }
        for (serial, part) in &taken.parts {
            book.pour(*serial, *part, &at);
        }
        for serial in new {
            let package = Package {
                mass: amount(e.gross_mg_each, each),
                account: at.clone(),
                owner: owner.clone(),
                promised: None,
                life: Life::Full,
                outer: None,
            };
            book.packages.insert(serial, package);
        }
        Ok(())
    }

    /// A small lot of its own, of the same form and content.
    pub fn sampled(&mut self, case: &Case<'_>, e: &Sampled) -> Verdict {
        must(!e.label.is_empty() && !e.purpose.is_empty(), Wrong::Field)?;
        named(e.goods.as_ref())?;
        self.own_place(case.party, &e.place)?;
        let at = held(case.party, &e.place);
        let goods = e.goods.as_ref();
        let taken = self.take_as(goods, &at, Promised::Refuse, Wanted::Content)?;
        self.pour_out(&taken, &at, &Account::Transformed);
        let parent = self.lots.get(&taken.lot).unwrap();
        let (form, ppm) = (parent.form.clone(), parent.ppm);
        let answerable = parent.answerable.clone();
        self.made(case, case.name(0), &form, ppm, &e.place, taken.total());
        let of = self.made_of(&taken.lot, taken.total());
        let book = self.lots.edit(&case.name(0));
        book.parents.insert(taken.lot, of);
        book.answerable = answerable;
        Ok(())
    }
}

/// Names that outer packings have: five pallets, one with an SSCC.
const OUTERS: [&str; 5] = ["PAL-1", "PAL-2", "PAL-3", "CASE-7", "376104250021234569"];

impl Player {
    /// An outer packing is closed, or broken up.
    pub fn aggregated(&mut self, model: &Model) -> Option<Play> {
        let mut stock = self.stock(model)?;
        for _ in 0..30 {
            if stock.serials.len() > 1 {
                break;
            }
            stock = self.stock(model)?;
        }
        let book = model.lots.get(&stock.lot).unwrap();
        let outer_of = |s: &u64| book.packages[s].outer.clone();
        let here: Vec<String> = stock.serials.iter().filter_map(outer_of).collect();
        let broken = !here.is_empty() && self.world.percent(30);
        let outer = if broken {
            self.world.pick(&here).clone()
        } else {
            (*self.world.pick(&OUTERS)).to_owned()
        };
        let mut free = stock.free_serials.clone();
        free.extend(&stock.empties);
        if !self.wild() {
            free.retain(|s| outer_of(s).is_none());
        }
        let chosen = if broken {
            Vec::new()
        } else {
            self.some_serials(&free)
        };
        let aggregated = Aggregated {
            lot: bytes(&stock.lot),
            place: stock.place,
            outer,
            serials: ranges(&chosen),
            broken,
        };
        Some(one(stock.by, Body::Aggregated(aggregated)))
    }

    /// A count sees an outer packing whole, and scans nothing in it.
    pub fn outers_seen(
        &mut self,
        model: &Model,
        stock: &Stock,
        scanned: &mut Vec<u64>,
    ) -> Vec<String> {
        let book = model.lots.get(&stock.lot).unwrap();
        let outer_of = |s: &u64| book.packages[s].outer.clone();
        let outers: Vec<String> = stock.serials.iter().filter_map(outer_of).collect();
        if outers.is_empty() || self.world.percent(40) {
            return Vec::new();
        }
        let outer = self.world.pick(&outers).clone();
        scanned.retain(|s| !book.inside(&outer).contains(s));
        vec![outer]
    }

    /// An outer packing that stands beside goods goes with them, by its name;
    /// now and then what is in it is named as well.
    pub fn with_outers(&mut self, model: &Model, goods: &mut Goods, stock: &Stock) {
        let book = model.lots.get(&stock.lot).unwrap();
        let outer_of = |s: &u64| book.packages.get(s)?.outer.clone();
        let outers: Vec<String> = stock.serials.iter().filter_map(outer_of).collect();
        if outers.is_empty() || self.world.percent(40) {
            return;
        }
        let outer = self.world.pick(&outers).clone();
        if !self.world.percent(4) {
            let inside = book.inside(&outer);
            let named = goods.serials.iter().flat_map(|r| r.first..=r.last);
            let mut named: Vec<u64> = named.take(10_000).collect();
            named.retain(|s| !inside.contains(s));
            goods.serials = ranges(&named);
        }
        goods.outers.push(outer);
    }

    pub fn repacked(&mut self, model: &Model) -> Option<Play> {
        let stock = self.stock(model)?;
        let mut goods = self.goods(&stock);
        if self.world.percent(50) {
            self.pour(model, &mut goods, &stock);
        }
        let gross = mass_of(model, &stock, &goods).gross;
        let book = model.lots.get(&stock.lot).unwrap();
        let last_used = book.packages.keys().chain(&book.ended).max();
        let first = last_used.copied().unwrap_or_default() + 1;
        let count = self.world.rng.random_range(1..=5).min(gross.max(1));
        let mut gross_mg_each = (gross / count).max(1);
        let mut loss_gross_mg = (gross - gross_mg_each * count).max(0);
        if self.world.percent(30) && gross_mg_each > 1 {
            loss_gross_mg += count;
            gross_mg_each -= 1;
        }
        if self.world.percent(6) {
            loss_gross_mg += 1;
        }
        let first = if self.world.percent(4) { 1 } else { first };
        let repacked = Repacked {
            goods: Some(goods),
            place: stock.place,
            serials: Some(SerialRange {
                first,
                last: first + u64::try_from(count).unwrap() - 1,
            }),
            gross_mg_each,
            packaging: "steel drum 1A2".to_owned(),
            loss_gross_mg,
        };
        Some(one(stock.by, Body::Repacked(repacked)))
    }

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
