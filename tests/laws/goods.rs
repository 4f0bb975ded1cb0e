//! The model's rules of matter in one party's hands: entering, in store, used
//! up, lost, found. One function an event kind.

use std::collections::BTreeSet;

use hazledger::pb::{
    Assayed, Counted, CustomsDirection, CustomsStatus, Disposed, Exported, Goods, Imported,
    Incident, IncidentKind, Measure, Moved, NewLot, Opened, Packed, Produced, Quantity, Recovered,
    SerialRange, Used, incident,
};

use super::books::{Account, Amount, Book, Books, Id, Life, Package, amount, content, held};
use super::model::{Case, Model, Verdict, Wrong, must};

/// The forms that the histories use.
pub const FORMS: [&str; 5] = ["NACN-1689", "NACN-3414", "AN-1942", "NC-2555", "KCN-1680"];

/// What an event is booked with, lot by lot, if it can be corrected.
pub type Booked = Vec<(Id, Books)>;

/// What NC-2555 is when it has dried.
const DRY: &str = "NC-0340";

/// Some of a lot, found where it was said to be.
#[derive(Clone)]
pub struct Taken {
    pub lot: Id,
    pub loose: Amount,
    pub serials: Vec<u64>,
    pub packed: Amount,
    /// Out of which package how much.
    pub parts: Vec<(u64, Amount)>,
}

impl Taken {
    pub fn total(&self) -> Amount {
        let parts: Amount = self.parts.iter().map(|(_, part)| *part).sum();
        self.loose + self.packed + parts
    }
}

/// What an event may do with packages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Whole packages, empties too.
    Whole,
    /// What is in them, whole or in part.
    Content,
    /// All of that.
    All,
}

/// What to do about goods that are promised.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Promised {
    Refuse,
    /// Use, count and incident may take them: the offer's lines shrink.
    Take,
}

pub fn id(bytes: &[u8]) -> Verdict<Id> {
    bytes.try_into().map_err(|_| Wrong::Field)
}

/// A booked mass: `gross_mg`, or a measure (here always in milligrams), or
/// both if they agree; more than nothing.
pub fn mass(quantity: Option<&Quantity>) -> Verdict<i64> {
    let quantity = quantity.ok_or(Wrong::Field)?;
    let measured = quantity.measure.as_ref().map(measured);
    let mass = match (quantity.gross_mg, measured) {
        (0, Some(measured)) => measured.map_err(|_| Wrong::Field)?,
        (booked, None) => booked,
        (booked, Some(measured)) => {
            must(measured == Ok(booked), Wrong::Field)?;
            booked
        }
    };
    must(mass > 0, Wrong::Field)?;
    Ok(mass)
}

/// A measure: milligrams, or litres with three decimals at 1 kg/m3, which are
/// milligrams without the point.
pub fn measured(m: &Measure) -> Result<i64, std::num::ParseIntError> {
    m.value.replace('.', "").parse()
}

/// Every serial of ascending, disjoint ranges.
pub fn serials(ranges: &[SerialRange]) -> Verdict<Vec<u64>> {
    let mut all: Vec<u64> = Vec::new();
    for r in ranges {
        let ascending = all.last().is_none_or(|last| r.first > *last);
        must(r.first >= 1 && r.first <= r.last && ascending, Wrong::Field)?;
        all.extend(r.first..=r.last);
    }
    Ok(all)
}

/// What goods say, books aside: their loose gross and their serials.
pub fn named(goods: Option<&Goods>) -> Verdict<(i64, Vec<u64>)> {
    let goods = goods.ok_or(Wrong::Field)?;
    let gross = match &goods.loose {
        None => 0,
        some => mass(some.as_ref())?,
    };
    let serials = serials(&goods.serials)?;
    let named = !goods.parts.is_empty() || !goods.outers.is_empty();
    let something = gross > 0 || !serials.is_empty() || named;
    must(something, Wrong::Field)?;
    let mut before = 0;
    for part in &goods.parts {
        mass(part.quantity.as_ref())?;
        let sound = part.serial > before && !serials.contains(&part.serial);
        must(sound, Wrong::Field)?;
        before = part.serial;
    }
    let once: BTreeSet<&String> = goods.outers.iter().collect();
    must(once.len() == goods.outers.len(), Wrong::Field)?;
    Ok((gross, serials))
}

/// Gross and contained of a lot that enters.
pub fn new_lot(lot: &NewLot) -> Verdict<Amount> {
    let known = FORMS.contains(&lot.form.as_str()) || lot.form == DRY;
    must(!lot.label.is_empty() && known, Wrong::Field)?;
    let gross = mass(lot.quantity.as_ref())?;
    must((1..=1_000_000).contains(&lot.content_ppm), Wrong::Field)?;
    Ok(amount(gross, content(gross, lot.content_ppm)))
}

/// Data sheet and label, both.
pub fn papers(lot: &NewLot) -> bool {
    lot.data_sheet_hash.len() == 32 && lot.label_hash.len() == 32
}

/// Matter enters.
impl Model {
    pub fn produced(&mut self, case: &Case<'_>, e: &Produced) -> Verdict<Booked> {
        self.entered(case, e.lot.as_ref(), &Account::Produced, true)
    }

    pub fn imported(&mut self, case: &Case<'_>, e: &Imported) -> Verdict<Booked> {
        self.active(case.party)?;
        must(e.country.len() == 2, Wrong::Field)?;
        must(!e.customs_entry.is_empty(), Wrong::Field)?;
        let booked = self.entered(case, e.lot.as_ref(), &Account::Imported, true)?;
        let lot = booked[0].0;
        self.lots.edit(&lot).importer = Some(case.party.to_owned());
        if e.customs_status() != CustomsStatus::Unspecified {
            let (number, status) = (&e.customs_entry, e.customs_status());
            self.set_customs(case, &lot, CustomsDirection::Import, number, status)?;
        }
        Ok(booked)
    }

    /// By a count with two signers; missing papers are findings.
    pub fn opened(&mut self, case: &Case<'_>, e: &Opened) -> Verdict<Booked> {
        self.active(case.party)?;
        must(case.two_persons, Wrong::Who)?;
        self.entered(case, e.lot.as_ref(), &Account::Opening, false)
    }

    pub fn entered(
        &mut self,
        case: &Case<'_>,
        lot: Option<&NewLot>,
        source: &Account,
        papers_must: bool,
    ) -> Verdict<Booked> {
        self.active(case.party)?;
        let lot = lot.ok_or(Wrong::Field)?;
        let mass = new_lot(lot)?;
        must(papers(lot) || !papers_must, Wrong::Field)?;
        self.own_place(case.party, &lot.place)?;
        let name = case.name(0);
        self.born(name, &lot.form, lot.content_ppm);
        let at = held(case.party, &lot.place);
        let book = self.lots.edit(&name);
        book.transfer(source, &at, mass);
        book.give_title(case.party, mass.gross);
        Ok(vec![(
            name,
            Books::from([(source.clone(), -mass), (at, mass)]),
        )])
    }

    pub fn born(&mut self, name: Id, form: &str, ppm: u32) {
        let book = Book {
            form: form.to_owned(),
            born_ppm: ppm,
            ppm,
            ..Book::default()
        };
        self.lots.put(name, book);
    }
}

/// Goods named, found and sent.
impl Model {
    pub fn lot(&self, lot: &[u8]) -> Verdict<(Id, &Book)> {
        let id = id(lot)?;
        Ok((id, self.lots.get(&id).ok_or(Wrong::Goods)?))
    }

    /// Finds named goods on an account, packages whole: there, and free of
    /// offers, unless those may be shrunk.
    pub fn take(
        &mut self,
        goods: Option<&Goods>,
        at: &Account,
        promised: Promised,
    ) -> Verdict<Taken> {
        self.take_as(goods, at, promised, Wanted::Whole)
    }

    /// The same, where what is in packages may be meant.
    pub fn take_as(
        &mut self,
        goods: Option<&Goods>,
        at: &Account,
        promised: Promised,
        wanted: Wanted,
    ) -> Verdict<Taken> {
        let (gross, mut serials) = named(goods)?;
        let (lot, book) = self.lot(&goods.unwrap().lot)?;
        let there = book.loose_on(at);
        must(gross <= there.gross, Wrong::Goods)?;
        must(
            gross <= book.free_on(at) || promised == Promised::Take,
            Wrong::Goods,
        )?;
        for outer in &goods.unwrap().outers {
            let mut inside = book.inside(outer);
            inside.retain(|s| book.packages[s].account == *at);
            must(!inside.is_empty(), Wrong::Goods)?;
            must(!serials.iter().any(|s| inside.contains(s)), Wrong::Field)?;
            serials.extend(inside);
        }
        serials.sort_unstable();
        let mut packed = Amount::NONE;
        for serial in &serials {
            let package = book.packages.get(serial).ok_or(Wrong::Goods)?;
            must(package.account == *at, Wrong::Goods)?;
            must(
                package.is_filled() || wanted != Wanted::Content,
                Wrong::Goods,
            )?;
            packed = packed + package.mass;
        }
        let mut parts = Vec::new();
        for part in &goods.unwrap().parts {
            must(wanted != Wanted::Whole, Wrong::Goods)?;
            let package = book.packages.get(&part.serial).ok_or(Wrong::Goods)?;
            let gross = mass(part.quantity.as_ref())?;
            let there = package.account == *at && package.is_filled();
            must(there && gross <= package.mass.gross, Wrong::Goods)?;
            parts.push((part.serial, package.part(gross)));
        }
        let loose = amount(gross, book.content_of(there, gross));
        let free = book.free_on(at);
        let opened = parts.iter().map(|(serial, _)| serial);
        let taken: Vec<(u64, Id)> = serials
            .iter()
            .chain(opened)
            .filter_map(|s| Some((*s, book.packages[s].promised?)))
            .collect();
        if gross > free || !taken.is_empty() {
            must(promised == Promised::Take, Wrong::Goods)?;
            self.shrink_loose(&lot, at, gross - free);
            self.shrink_packages(&lot, &taken);
        }
        Ok(Taken {
            lot,
            loose,
            serials,
            packed,
            parts,
        })
    }

    /// Takes loose mass out of the offers of an account, in order of handoff.
    fn shrink_loose(&mut self, lot: &Id, at: &Account, mut short: i64) {
        let book = self.lots.edit(lot);
        for (handoff, (account, gross)) in book.promised.clone() {
            let taken = short.min(gross);
            if account != *at || taken <= 0 {
                continue;
            }
            short -= taken;
            book.promised.remove(&handoff);
            if gross > taken {
                book.promised.insert(handoff, (account, gross - taken));
            }
            let lines = &mut self.offers.edit(&handoff).lines;
            let line = lines.iter_mut().find(|l| l.lot == *lot).unwrap();
            line.loose -= taken;
        }
    }

    fn shrink_packages(&mut self, lot: &Id, taken: &[(u64, Id)]) {
        for (serial, handoff) in taken {
            let book = self.lots.edit(lot);
            book.packages.get_mut(serial).unwrap().promised = None;
            let lines = &mut self.offers.edit(handoff).lines;
            let line = lines.iter_mut().find(|l| l.lot == *lot).unwrap();
            line.serials.remove(serial);
        }
    }

    /// Books what was taken from one account to another.
    pub fn send(&mut self, taken: &Taken, from: &Account, to: &Account) {
        let book = self.lots.edit(&taken.lot);
        book.transfer(from, to, taken.loose);
        book.break_outers(&taken.serials, false);
        for serial in &taken.serials {
            book.move_package(*serial, to);
        }
        for (serial, part) in &taken.parts {
            book.pour(*serial, *part, to);
        }
    }

    /// Into a sink, packages and all: title to the loose part ends with it.
    pub fn sink(&mut self, taken: &Taken, from: &Account, to: &Account) {
        let line = self.line(&self.holder(from));
        self.send(taken, from, to);
        let book = self.lots.edit(&taken.lot);
        book.end_title(&line, taken.loose.gross);
    }

    /// Into a sink, the packages staying where they are, empty.
    pub fn pour_out(&mut self, taken: &Taken, from: &Account, to: &Account) {
        let line = self.line(&self.holder(from));
        self.empty_out(taken, from, to);
        let book = self.lots.edit(&taken.lot);
        book.end_title(&line, taken.loose.gross);
    }

    /// The same without title.
    pub fn empty_out(&mut self, taken: &Taken, from: &Account, to: &Account) {
        let book = self.lots.edit(&taken.lot);
        book.transfer(from, to, taken.loose);
        for serial in &taken.serials {
            let all = book.packages[serial].mass;
            book.pour(*serial, all, to);
        }
        for (serial, part) in &taken.parts {
            book.pour(*serial, *part, to);
        }
    }
}

/// In store.
impl Model {
    pub fn moved(&mut self, case: &Case<'_>, e: &Moved) -> Verdict<Booked> {
        named(e.goods.as_ref())?;
        self.own_place(case.party, &e.to_place)?;
        let (from, to) = (
            held(case.party, &e.from_place),
            held(case.party, &e.to_place),
        );
        let taken = self.take(e.goods.as_ref(), &from, Promised::Refuse)?;
        must(from != to, Wrong::Pointless)?;
        self.stands_free(&taken.lot)?;
        self.send(&taken, &from, &to);
        Ok(booked(&taken, from, to))
    }

    /// Loose matter into packages of one mass. Content is fixed now; what is
    /// left over is process loss.
    pub fn packed(&mut self, case: &Case<'_>, e: &Packed) -> Verdict {
        let new = serials(e.serials.as_slice())?;
        must(!new.is_empty() && e.gross_mg_each > 0, Wrong::Field)?;
        self.own_place(case.party, &e.place)?;
        let (name, _) = self.lot(&e.lot)?;
        let count = i64::try_from(new.len()).unwrap();
        let goods = Goods {
            lot: e.lot.clone(),
            loose: Some(Quantity {
                gross_mg: e.gross_mg_each * count,
                measure: None,
            }),
            serials: Vec::new(),
            parts: Vec::new(),
            outers: Vec::new(),
        };
        let at = held(case.party, &e.place);
        let taken = self.take(Some(&goods), &at, Promised::Refuse)?;
        self.stands_free(&name)?;
        let book = self.lots.edit(&taken.lot);
        let used = |s: &u64| book.packages.contains_key(s) || book.ended.contains(s);
        must(!new.iter().any(used), Wrong::Goods)?;
        let owner = packages_owner(book, case.party, taken.loose.gross)?;
        let each = content(e.gross_mg_each, book.ppm).min(taken.loose.contained / count);
        let left_over = amount(0, taken.loose.contained - each * count);
        book.transfer(&at, &Account::ProcessLoss, left_over);
        book.give_title(&owner, -taken.loose.gross);
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

    /// The holder of all of the loose matter measures it: more content than
    /// was booked is found, less is process loss; what is lighter than booked
    /// has evaporated. Too dry, it is another form, all of it.
    pub fn assayed(&mut self, case: &Case<'_>, e: &Assayed) -> Verdict {
        must((1..=1_000_000).contains(&e.content_ppm), Wrong::Field)?;
        must(e.certificate_hash.len() == 32, Wrong::Field)?;
        let weighed = e.weighed.as_ref().map(|q| mass(Some(q))).transpose()?;
        let (lot, book) = self.lot(&e.lot)?;
        must(book.promised.is_empty(), Wrong::Goods)?;
        let holdings = book.accounts.keys().filter(|a| a.is_holding());
        let (loose, packed): (Vec<Account>, Vec<Account>) =
            holdings.cloned().partition(|a| book.loose_on(a).gross > 0);
        // Of the forms that the histories use only this one dries into another.
        let dry = book.form == "NC-2555" && e.wetting_ppm.is_some_and(|w| w < 250_000);
        let mut concerned = loose.clone();
        if loose.is_empty() || dry {
            concerned.extend(packed);
        }
        let mine = |a: &Account| matches!(a, Account::Held(party, _) if party == case.party);
        let sole = !concerned.is_empty() && concerned.iter().all(mine);
        must(sole, Wrong::Goods)?;
        let evaporated = match (weighed, loose.as_slice()) {
            (None, _) => 0,
            (Some(weighed), [at]) => book.loose_on(at).gross - weighed,
            (Some(_), _) => return Err(Wrong::Field),
        };
        must(evaporated >= 0, Wrong::Goods)?;
        let line = self.line(case.party);
        let book = self.lots.edit(&lot);
        if evaporated > 0 {
            book.transfer(&loose[0], &Account::ProcessLoss, amount(evaporated, 0));
            book.end_title(&line, evaporated);
        }
        book.ppm = e.content_ppm;
        if dry {
            DRY.clone_into(&mut book.form);
        }
        for at in loose {
            let before = book.loose_on(&at);
            let gained = content(before.gross, e.content_ppm) - before.contained;
            let from = match gained {
                1.. => Account::Found,
                _ => Account::ProcessLoss,
            };
            book.transfer(&from, &at, amount(0, gained));
        }
        Ok(())
    }

    /// Differences go to found and missing; a serial seen elsewhere moves
    /// nothing.
    pub fn counted(&mut self, case: &Case<'_>, e: &Counted) -> Verdict<Booked> {
        let told = e.loose_measure.as_ref().map(measured);
        must(told.is_none_or(|m| m == Ok(e.loose_gross_mg)), Wrong::Field)?;
        let scanned: BTreeSet<u64> = serials(&e.serials_scanned)?.into_iter().collect();
        let assumed: BTreeSet<u64> = serials(&e.serials_assumed)?.into_iter().collect();
        must(scanned.is_disjoint(&assumed), Wrong::Field)?;
        must(e.loose_gross_mg >= 0 && !e.place.is_empty(), Wrong::Field)?;
        let (lot, book) = self.lot(&e.lot)?;
        let at = held(case.party, &e.place);
        let short = book.loose_on(&at).gross - e.loose_gross_mg;
        let once: BTreeSet<&String> = e.outers_seen.iter().collect();
        must(once.len() == e.outers_seen.len(), Wrong::Field)?;
        let in_whole = |s: &u64| {
            let outer = book.packages[s].outer.as_ref();
            outer.is_some_and(|outer| once.contains(outer))
        };
        let unseen: Vec<u64> = book
            .serials_on(&at)
            .into_iter()
            .filter(|s| !scanned.contains(s) && !assumed.contains(s) && !in_whole(s))
            .collect();
        let more = amount(-short, content((-short).max(0), book.ppm));
        let mut books = Books::new();
        if short < 0 {
            books = Books::from([(Account::Found, -more), (at.clone(), more)]);
            let book = self.lots.edit(&lot);
            book.transfer(&Account::Found, &at, more);
            book.give_title(case.party, more.gross);
        }
        if short > 0 || !unseen.is_empty() {
            let goods = Goods {
                lot: e.lot.clone(),
                loose: (short > 0).then_some(Quantity {
                    gross_mg: short,
                    measure: None,
                }),
                serials: unseen
                    .iter()
                    .map(|s| SerialRange {
                        first: *s,
                        last: *s,
                    })
                    .collect(),
                parts: Vec::new(),
                outers: Vec::new(),
            };
            let taken = self.take(Some(&goods), &at, Promised::Take)?;
            self.sink(&taken, &at, &Account::Missing);
            if short > 0 {
                let mass = taken.loose;
                books = Books::from([(at.clone(), -mass), (Account::Missing, mass)]);
            }
        }
        // Not to be corrected where packages were missing.
        Ok(if unseen.is_empty() {
            vec![(lot, books)]
        } else {
            Vec::new()
        })
    }
}

/// Packages are owned by range: the packer's if it owns enough, else those of
/// the one party that does.
pub fn packages_owner(book: &Book, packer: &str, gross: i64) -> Verdict<String> {
    if book.title(packer) >= gross {
        return Ok(packer.to_owned());
    }
    let enough: Vec<&String> = book
        .titles
        .iter()
        .filter(|(_, owned)| **owned >= gross)
        .map(|(party, _)| party)
        .collect();
    match enough.as_slice() {
        [owner] => Ok((*owner).clone()),
        _ => Err(Wrong::Title),
    }
}

/// Matter that is gone, and comes back.
impl Model {
    pub fn used(&mut self, case: &Case<'_>, e: &Used) -> Verdict<Booked> {
        must(!e.purpose.is_empty(), Wrong::Field)?;
        must(!e.place.is_empty(), Wrong::Field)?;
        let from = held(case.party, &e.place);
        let goods = e.goods.as_ref();
        let taken = self.take_as(goods, &from, Promised::Take, Wanted::Content)?;
        self.pour_out(&taken, &from, &Account::Used);
        Ok(booked(&taken, from, Account::Used))
    }

    pub fn disposed(&mut self, case: &Case<'_>, e: &Disposed) -> Verdict<Booked> {
        must(!e.method.is_empty(), Wrong::Field)?;
        must(!e.place.is_empty(), Wrong::Field)?;
        let from = held(case.party, &e.place);
        let goods = e.goods.as_ref();
        let wanted = if e.emptied {
            Wanted::Content
        } else {
            Wanted::All
        };
        let taken = self.take_as(goods, &from, Promised::Refuse, wanted)?;
        if e.emptied {
            self.pour_out(&taken, &from, &Account::Disposed);
        } else {
            self.sink(&taken, &from, &Account::Disposed);
        }
        Ok(booked(&taken, from, Account::Disposed))
    }

    pub fn exported(&mut self, case: &Case<'_>, e: &Exported) -> Verdict<Booked> {
        must(e.country.len() == 2, Wrong::Field)?;
        must(!e.place.is_empty(), Wrong::Field)?;
        let status = e.customs_status();
        must(status != CustomsStatus::Held, Wrong::Field)?;
        let from = held(case.party, &e.place);
        let taken = self.take(e.goods.as_ref(), &from, Promised::Refuse)?;
        self.free_of_customs(&taken.lot)?;
        self.sink(&taken, &from, &Account::Exported);
        let booked = booked(&taken, from, Account::Exported);
        if status != CustomsStatus::Unspecified {
            let number = &e.customs_entry;
            let done = self.set_customs(case, &taken.lot, CustomsDirection::Export, number, status);
            must(
                matches!(done, Ok(()) | Err(Wrong::Pointless)),
                done.err().unwrap_or(Wrong::Field),
            )?;
        }
        Ok(booked)
    }

    /// At a place of the signer, or aboard a consignment it carries.
    pub fn incident(&mut self, case: &Case<'_>, e: &Incident) -> Verdict<Booked> {
        let to = match e.kind() {
            IncidentKind::Missing => Account::Missing,
            IncidentKind::Released => Account::Released,
            IncidentKind::Unspecified => return Err(Wrong::Field),
        };
        named(e.goods.as_ref())?;
        let from = match e.at.as_ref().ok_or(Wrong::Field)? {
            incident::At::Place(place) => held(case.party, place),
            incident::At::Consignment(c) => Account::Aboard(self.carried(case.party, c)?),
        };
        let taken = self.take_as(e.goods.as_ref(), &from, Promised::Take, Wanted::All)?;
        self.sink(&taken, &from, &to);
        if let Account::Aboard(consignment) = &from {
            self.unload(consignment);
        }
        Ok(booked(&taken, from, to))
    }

    /// What was missing is back, at a place of the signer, who owns it.
    pub fn recovered(&mut self, case: &Case<'_>, e: &Recovered) -> Verdict<Booked> {
        must(!e.place.is_empty(), Wrong::Field)?;
        let to = held(case.party, &e.place);
        let from = Account::Missing;
        let taken = self.take(e.goods.as_ref(), &from, Promised::Refuse)?;
        self.send(&taken, &from, &to);
        let book = self.lots.edit(&taken.lot);
        book.give_title(case.party, taken.loose.gross);
        Ok(booked(&taken, from, to))
    }
}

pub fn booked(taken: &Taken, from: Account, to: Account) -> Booked {
    let total = taken.total();
    vec![(taken.lot, Books::from([(from, -total), (to, total)]))]
}
