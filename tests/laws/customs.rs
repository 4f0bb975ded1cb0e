//! Customs: the model's rules of entries that come to the port, are held and
//! released, and the plans to play them.

use hazledger::pb::event::Body;
use hazledger::pb::{self, CustomsDirection, CustomsReported, CustomsStatus};

use super::books::{Account, Book, Id};
use super::goods::id;
use super::model::{Case, Model, Verdict, Wrong, must};
use super::plans::{bytes, one};
use super::player::{Play, Player};

/// Entries that a lot keeps, at most.
const MAX_ENTRIES: usize = 16;

/// An entry of a lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub direction: CustomsDirection,
    pub number: String,
    pub status: CustomsStatus,
    pub declarer: String,
    pub by_authority: bool,
}

/// As the state has it, in the model's words.
pub fn told(c: &pb::CustomsSet) -> Entry {
    Entry {
        direction: c.direction(),
        number: c.customs_entry.clone(),
        status: c.status(),
        declarer: c.declarer.clone(),
        by_authority: c.by_authority,
    }
}

impl Entry {
    fn is_held(&self) -> bool {
        self.status == CustomsStatus::Held
    }
}

/// Where the number stands among a lot's entries.
fn place(book: &Book, direction: CustomsDirection, number: &str) -> Option<usize> {
    let is_it = |c: &Entry| c.direction == direction && c.number == number;
    book.customs.iter().position(is_it)
}

impl Model {
    /// What customs hold is not handed over, sold, used or sent away.
    pub fn free_of_customs(&self, lot: &Id) -> Verdict {
        let book = self.lots.get(lot).unwrap();
        must(!book.customs.iter().any(Entry::is_held), Wrong::Customs)
    }

    /// By the declarer, or an authority. What an authority holds only an
    /// authority releases.
    pub fn customs_reported(&mut self, case: &Case<'_>, e: &CustomsReported) -> Verdict {
        let lot = id(&e.lot)?;
        if let Some(book) = self.lots.get(&lot) {
            let known = place(book, e.direction(), &e.customs_entry).map(|at| &book.customs[at]);
            let own = match known {
                Some(entry) if entry.by_authority && entry.is_held() => false,
                Some(entry) => case.signed.contains(&entry.declarer),
                None if e.direction() == CustomsDirection::Import => book
                    .importer
                    .as_ref()
                    .is_some_and(|i| case.signed.contains(i)),
                None => {
                    let here = |a: &Account| matches!(a, Account::Held(p, _) if p == case.party);
                    book.accounts.keys().any(here)
                }
            };
            must(own || case.authority, Wrong::Who)?;
        }
        let said = e.direction() != CustomsDirection::Unspecified
            && e.status() != CustomsStatus::Unspecified
            && !e.customs_entry.is_empty();
        must(said, Wrong::Field)?;
        must(self.lots.has(&lot), Wrong::Goods)?;
        self.set_customs(case, &lot, e.direction(), &e.customs_entry, e.status())
    }

    pub fn set_customs(
        &mut self,
        case: &Case<'_>,
        lot: &Id,
        direction: CustomsDirection,
        number: &str,
        status: CustomsStatus,
    ) -> Verdict {
        self.stands_free(lot)?;
        let book = self.lots.get(lot).unwrap();
        let Some(at) = place(book, direction, number) else {
            let full = book.customs.len() >= MAX_ENTRIES;
            let done = |c: &Entry| c.status == CustomsStatus::Released;
            let oldest = book.customs.iter().position(done);
            must(!full || oldest.is_some(), Wrong::Field)?;
            let book = self.lots.edit(lot);
            if full {
                book.customs.remove(oldest.unwrap());
            }
            book.customs.push(Entry {
                direction,
                number: number.to_owned(),
                status,
                declarer: case.party.to_owned(),
                by_authority: case.authority,
            });
            return Ok(());
        };
        let known = &book.customs[at];
        let own = case.signed.contains(&known.declarer);
        must(own || case.authority, Wrong::Who)?;
        let back = known.status == CustomsStatus::Released && status == CustomsStatus::Arrived;
        must(!back, Wrong::Field)?;
        must(known.status != status, Wrong::Pointless)?;
        let known = &mut self.lots.edit(lot).customs[at];
        known.status = status;
        known.by_authority = case.authority;
        Ok(())
    }
}

/// Plans.
impl Player {
    /// What a customs officer may have said when the goods came.
    pub fn customs_status(&mut self) -> CustomsStatus {
        *self.world.pick(&[
            CustomsStatus::Unspecified,
            CustomsStatus::Unspecified,
            CustomsStatus::Arrived,
            CustomsStatus::Held,
            CustomsStatus::Released,
        ])
    }

    /// Mostly an entry that is open goes on; else a new one of goods to be
    /// exported, or something wrong.
    pub fn customs_reported(&mut self, model: &Model) -> Option<Play> {
        let open = |lot: &Id| {
            let book = model.lots.get(lot).unwrap();
            let waits = |c: &Entry| c.status != CustomsStatus::Released;
            book.is_live() && book.customs.iter().any(waits)
        };
        if self.world.percent(15) {
            let stock = self.stock(model)?;
            let reported = CustomsReported {
                lot: bytes(&stock.lot),
                direction: CustomsDirection::Export.into(),
                customs_entry: format!("X-{}", self.world.upto(2)),
                status: CustomsStatus::Arrived.into(),
                ..CustomsReported::default()
            };
            return Some(one(stock.by, Body::CustomsReported(reported)));
        }
        let lot = self.customs.pick(&mut self.world, open)?;
        let book = model.lots.get(&lot).unwrap();
        let entry = self.world.pick(&book.customs).clone();
        let next = match entry.status {
            CustomsStatus::Arrived if self.world.percent(40) => CustomsStatus::Held,
            CustomsStatus::Released if self.world.percent(30) => CustomsStatus::Arrived,
            CustomsStatus::Released => CustomsStatus::Held,
            _ => CustomsStatus::Released,
        };
        let declarer = self.world.member(&entry.declarer).unwrap();
        let by_authority = entry.by_authority || self.world.percent(20);
        let by = match self.world.upto(19) {
            0 => self.world.anybody(),
            1 => declarer,
            _ if by_authority => self.world.upto(2),
            _ => declarer,
        };
        let mut reported = CustomsReported {
            lot: bytes(&lot),
            direction: entry.direction.into(),
            customs_entry: entry.number,
            status: next.into(),
            ..CustomsReported::default()
        };
        if self.wild() {
            match self.world.upto(4) {
                0 => reported.status = entry.status.into(),
                1 => reported.direction = 0,
                2 => reported.direction = CustomsDirection::Import.into(),
                3 => reported.customs_entry.push('9'),
                _ => reported.lot = bytes(&[3; 16]),
            }
        }
        Some(one(by, Body::CustomsReported(reported)))
    }
}
