//! The model's rules of vessels: what runs in them, what it is made of, and
//! what is drawn. Matter in a vessel is well mixed.

use std::collections::BTreeMap;

use hazledger::pb::{Cleaned, Drawn, Filled, Residue, Transformed, VesselKind, filled};

use super::books::{Account, Amount, Blend, Book, Books, Id, amount, held, share};
use super::change::sound_losses;
use super::goods::{self, Booked, Promised, Taken, Wanted, mass, named, new_lot};
use super::model::{Case, Model, Verdict, Wrong, must};

/// A place, and what it holds if it is a vessel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub vessel: bool,
    pub running: Option<Id>,
    /// Forms it held, latest first.
    pub contents: Vec<String>,
    pub uncleaned: bool,
    /// Its running lot is aboard of this.
    pub consignment: Option<Id>,
}

/// Lots that a running lot is made of, at most.
const PARTS: usize = 64;

/// Cuts a total after each weight, rounding the running sum down.
fn cut(total: i64, weights: &[i64]) -> Vec<i64> {
    let whole: i64 = weights.iter().sum();
    let mut ends = vec![0];
    let mut so_far = 0;
    for weight in weights {
        so_far += weight;
        ends.push(if whole == 0 {
            0
        } else {
            share(total, so_far, whole)
        });
    }
    ends.windows(2).map(|w| w[1] - w[0]).collect()
}

/// Content in parts per million; rounding can leave a few milligrams with more
/// content than matter.
fn ppm(mass: Amount) -> u32 {
    let ppm = share(mass.contained, 1_000_000, mass.gross).min(1_000_000);
    u32::try_from(ppm).unwrap()
}

/// What a well-mixed portion is made of.
pub fn mixed(blend: &Blend, portion: Amount) -> Blend {
    let gross: Vec<i64> = blend.values().map(|a| a.gross).collect();
    let contained: Vec<i64> = blend.values().map(|a| a.contained).collect();
    let gross = cut(portion.gross, &gross);
    let contained = cut(portion.contained, &contained);
    let shares = gross.into_iter().zip(contained);
    let shares = shares.map(|(g, c)| amount(g, c));
    let parts = blend.keys().copied().zip(shares);
    parts.filter(|(_, mass)| *mass != Amount::NONE).collect()
}

/// A mass in the proportions of a mixture; of one without content, by gross.
pub fn scaled(of: &Blend, mass: Amount) -> Blend {
    let content: i64 = of.values().map(|a| a.contained).sum();
    let weight = |a: &Amount| if content == 0 { a.gross } else { a.contained };
    let gross: Vec<i64> = of.values().map(|a| a.gross).collect();
    let weights: Vec<i64> = of.values().map(weight).collect();
    let shares = cut(mass.gross, &gross).into_iter();
    let shares = shares.zip(cut(mass.contained, &weights));
    let shares = shares.map(|(g, c)| amount(g, c));
    of.keys().copied().zip(shares).collect()
}

/// What is in the vessel makes up its parts again: what is gone was well
/// mixed, what was found is of unknown origin, content found belongs to each
/// part as its content does.
fn make_up(book: &mut Book) {
    let there: Amount = book
        .accounts
        .iter()
        .filter(|(a, _)| a.is_holding())
        .map(|(_, m)| *m)
        .sum();
    let before: Amount = book.blend.values().copied().sum();
    let (gross, contained) = (
        there.gross - before.gross,
        there.contained - before.contained,
    );
    let gone = mixed(&book.blend, amount((-gross).max(0), (-contained).max(0)));
    let mut found = Blend::new();
    if gross > 0 {
        found.insert(None, amount(gross, contained.max(0)));
    } else if contained > 0 {
        let weight = |by: fn(&Amount) -> i64| book.blend.values().map(by).collect::<Vec<i64>>();
        let mut weights = weight(|a| a.contained);
        if weights.iter().sum::<i64>() == 0 {
            weights = weight(|a| a.gross);
        }
        let shares = cut(contained, &weights).into_iter().map(|c| amount(0, c));
        found = book.blend.keys().copied().zip(shares).collect();
    }
    for (lot, mass) in gone {
        let now = book.blend[&lot] - mass;
        book.blend.insert(lot, now);
    }
    for (lot, mass) in found {
        let now = book.blend.get(&lot).copied().unwrap_or_default() + mass;
        book.blend.insert(lot, now);
    }
    book.blend.retain(|_, mass| *mass != Amount::NONE);
}

impl Model {
    fn own_vessel(&self, party: &str, place: &str) -> Verdict<Place> {
        self.own_place(party, place)?;
        let place = (party.to_owned(), place.to_owned());
        let vessel = self.places.get(&place).unwrap().clone();
        must(vessel.vessel, Wrong::Vessel)?;
        Ok(vessel)
    }

    fn put_vessel(&mut self, party: &str, place: &str, vessel: Place) {
        self.places
            .put((party.to_owned(), place.to_owned()), vessel);
    }

    /// Where the running lot stands: in its vessel, or aboard with it.
    fn at(party: &str, place: &str, vessel: &Place) -> Account {
        vessel
            .consignment
            .map_or_else(|| held(party, place), Account::Aboard)
    }

    pub fn filled(&mut self, case: &Case<'_>, e: &Filled) -> Verdict<Booked> {
        self.active(case.party)?;
        named(e.goods.as_ref())?;
        let mut vessel = self.own_vessel(case.party, &e.vessel)?;
        if let Some(consignment) = vessel.consignment {
            self.carried(case.party, &consignment)?;
        }
        let (from, consignment) = match e.from.as_ref().ok_or(Wrong::Field)? {
            filled::From::Place(place) => {
                self.own_place(case.party, place)?;
                (held(case.party, place), None)
            }
            filled::From::Consignment(c) => {
                let consignment = self.carried(case.party, c)?;
                (Account::Aboard(consignment), Some(consignment))
            }
        };
        let goods = e.goods.as_ref();
        let taken = self.take_as(goods, &from, Promised::Refuse, Wanted::Content)?;
        let stands = Self::at(case.party, &e.vessel, &vessel);
        let other =
            consignment.is_some() && vessel.consignment.is_some_and(|c| Some(c) != consignment);
        must(!other, Wrong::Vessel)?;
        let to = consignment.map_or(stands.clone(), Account::Aboard);
        if vessel.running == Some(taken.lot) {
            must(from != to, Wrong::Pointless)?;
            self.lots.edit(&taken.lot).transfer(&from, &to, taken.loose);
            return Ok(goods::booked(&taken, from, to));
        }
        let poured = self.lots.get(&taken.lot).unwrap();
        must(poured.vessel.is_none(), Wrong::Vessel)?;
        let form = poured.form.clone();
        let answerable = poured.answerable.clone();
        self.free_of_customs(&taken.lot)?;
        let inside = match vessel.running {
            Some(running) => Some(self.lots.get(&running).unwrap().form.clone()),
            None => vessel
                .contents
                .first()
                .filter(|_| vessel.uncleaned)
                .cloned(),
        };
        must(inside.is_none_or(|inside| inside == form), Wrong::Vessel)?;
        // Waste stays its generator's: it is not mixed with anything else.
        let running = vessel.running.map(|r| self.lots.get(&r).unwrap());
        let same = running.is_none_or(|r| r.answerable == answerable);
        must(same, Wrong::Vessel)?;

        let before = vessel.running;
        let running = self.running_lot(case, e, before, &taken, &form)?;
        let accounts = self.lots.get(&running).unwrap().accounts.clone();
        if let Some(before) = before.filter(|_| stands != to) {
            let heel = self.lots.get(&before).unwrap().loose_on(&stands);
            self.lots.edit(&before).transfer(&stands, &to, heel);
        }
        if let Some(before) = before.filter(|before| *before != running) {
            let heel = Taken {
                lot: before,
                loose: self.lots.get(&before).unwrap().loose_on(&to),
                serials: Vec::new(),
                packed: Amount::NONE,
                parts: Vec::new(),
            };
            self.pour(case, &heel, &to, running, &to);
        }
        self.pour(case, &taken, &from, running, &to);
        let book = self.lots.edit(&running);
        let there: Amount = book
            .accounts
            .iter()
            .filter(|(a, _)| a.is_holding())
            .map(|(_, m)| *m)
            .sum();
        book.ppm = ppm(there);

        vessel.running = Some(running);
        vessel.uncleaned = true;
        vessel.consignment = match to {
            Account::Aboard(c) => Some(c),
            _ => None,
        };
        if vessel.contents.first() != Some(&form) {
            vessel.contents.insert(0, form);
            vessel.contents.truncate(3);
        }
        if let Some(consignment) = vessel.consignment {
            self.consignments.edit(&consignment).lots.insert(running);
            self.unload(&consignment);
        }
        self.put_vessel(case.party, &e.vessel, vessel);
        if before.is_some_and(|before| before != running) {
            // Not to be corrected: what was there was poured in as well.
            return Ok(Booked::new());
        }
        let mut booked = goods::booked(&taken, from, Account::Transformed);
        let running_booked = self.lots.get(&running).unwrap().since(&accounts);
        booked.push((running, running_booked));
        Ok(booked)
    }

    /// The vessel's, or a new one.
    fn running_lot(
        &mut self,
        case: &Case<'_>,
        e: &Filled,
        before: Option<Id>,
        taken: &Taken,
        form: &str,
    ) -> Verdict<Id> {
        match before {
            Some(before) => {
                let book = self.lots.edit(&before);
                if book.blend.keys().flatten().count() < PARTS - 1
                    || book.blend.contains_key(&Some(taken.lot))
                {
                    return Ok(before);
                }
                book.end();
            }
            None => must(!e.label.is_empty(), Wrong::Field)?,
        }
        let name = case.name(0);
        self.born(name, form, 0);
        let answerable = self.lots.get(&taken.lot).unwrap().answerable.clone();
        let running = self.lots.edit(&name);
        running.answerable = answerable;
        running.vessel = Some((case.party.to_owned(), e.vessel.clone()));
        Ok(name)
    }

    /// Goods end as a lot and go on as a part of another; their owners own
    /// what they owned.
    fn pour(&mut self, case: &Case<'_>, taken: &Taken, from: &Account, running: Id, to: &Account) {
        for serial in &taken.serials {
            let package = self.lots.get(&taken.lot).unwrap().packages[serial].clone();
            let book = self.lots.edit(&running);
            book.give_title(&package.owner, package.mass.gross);
        }
        for (serial, part) in &taken.parts {
            let package = self.lots.get(&taken.lot).unwrap().packages[serial].clone();
            let book = self.lots.edit(&running);
            book.give_title(&package.owner, part.gross);
        }
        self.empty_out(taken, from, &Account::Transformed);
        self.carry_title(&taken.lot, &running, case.party, taken.loose.gross);
        let total = taken.total();
        let book = self.lots.edit(&running);
        book.transfer(&Account::Made, to, total);
        let part = book.blend.entry(Some(taken.lot)).or_default();
        *part = *part + total;
    }

    /// What is taken from the owners of one lot is given to them in another.
    fn carry_title(&mut self, from: &Id, to: &Id, holder: &str, gross: i64) {
        let before = self.lots.get(from).unwrap().titles.clone();
        let line = self.line(holder);
        self.lots.edit(from).end_title(&line, gross);
        let after = self.lots.get(from).unwrap().titles.clone();
        let parties: Vec<&String> = before.keys().chain(after.keys()).collect();
        let of = |titles: &BTreeMap<String, i64>, p: &String| titles.get(p).copied().unwrap_or(0);
        let mut taken: BTreeMap<&String, i64> = BTreeMap::new();
        for party in parties {
            taken.insert(party, of(&before, party) - of(&after, party));
        }
        for (party, gross) in taken {
            self.lots.edit(to).give_title(party, gross);
        }
    }

    pub fn drawn(&mut self, case: &Case<'_>, e: &Drawn) -> Verdict<Booked> {
        self.active(case.party)?;
        must(!e.label.is_empty(), Wrong::Field)?;
        let gross = mass(e.quantity.as_ref())?;
        let mut vessel = self.own_vessel(case.party, &e.vessel)?;
        let running = vessel.running.ok_or(Wrong::Vessel)?;
        let from = Self::at(case.party, &e.vessel, &vessel);
        if let Some(consignment) = vessel.consignment {
            self.carried(case.party, &consignment)?;
        }
        let to = if vessel.consignment.is_some() && e.to_place.is_empty() {
            from.clone()
        } else {
            self.own_place(case.party, &e.to_place)?;
            must(e.to_place != e.vessel, Wrong::Field)?;
            held(case.party, &e.to_place)
        };
        let book = self.lots.get(&running).unwrap();
        let there = book.loose_on(&from);
        must(gross <= there.gross, Wrong::Goods)?;
        let drawn = amount(gross, share(there.contained, gross, there.gross));
        let form = book.form.clone();
        let parents = mixed(&book.blend, drawn);
        let sum: Amount = parents.values().copied().sum();
        assert_eq!(sum, drawn, "what is drawn is made of what was poured in");

        let name = case.name(0);
        let answerable = book.answerable.clone();
        self.born(name, &form, ppm(drawn));
        self.lots.edit(&name).answerable = answerable;
        if gross == there.gross {
            self.lots.edit(&running).end();
            vessel.running = None;
            vessel.consignment = None;
        }
        let book = self.lots.edit(&running);
        book.transfer(&from, &Account::Transformed, drawn);
        for (lot, mass) in &parents {
            let now = book.blend[lot] - *mass;
            book.blend.insert(*lot, now);
        }
        book.blend.retain(|_, mass| *mass != Amount::NONE);
        let book = self.lots.edit(&name);
        book.parents.insert(running, (parents, drawn));
        book.transfer(&Account::Made, &to, drawn);
        self.carry_title(&running, &name, case.party, gross);
        if let Account::Aboard(consignment) = from {
            if to == from {
                self.consignments.edit(&consignment).lots.insert(name);
            }
            self.unload(&consignment);
        }
        self.put_vessel(case.party, &e.vessel, vessel);
        let taken = Books::from([(from, -drawn), (Account::Transformed, drawn)]);
        let made = Books::from([(Account::Made, -drawn), (to, drawn)]);
        Ok(vec![(running, taken), (name, made)])
    }

    /// The heel is transformed into what it was cleaned into.
    pub fn cleaned(&mut self, case: &Case<'_>, e: &Cleaned) -> Verdict {
        self.active(case.party)?;
        let mut washing = Transformed {
            inert: e.rinse.clone(),
            losses: e.losses.clone(),
            ..Transformed::default()
        };
        sound_losses(&washing)?;
        for into in &e.into {
            let waste = into.waste_code.len() == 10;
            match into.residue() {
                Residue::Unspecified => return Err(Wrong::Field),
                Residue::Waste => must(waste, Wrong::Field)?,
                Residue::Product | Residue::Rinse => {
                    must(into.waste_code.is_empty(), Wrong::Field)?;
                }
            }
            let lot = into.lot.as_ref().ok_or(Wrong::Field)?;
            new_lot(lot)?;
            self.own_place(case.party, &lot.place)?;
            washing.outputs.push(lot.clone());
        }
        let mut vessel = self.own_vessel(case.party, &e.vessel)?;
        must(vessel.consignment.is_none(), Wrong::Vessel)?;
        must(vessel.uncleaned, Wrong::Pointless)?;
        match vessel.running {
            Some(running) => {
                let at = held(case.party, &e.vessel);
                let heel = Taken {
                    lot: running,
                    loose: self.lots.get(&running).unwrap().loose_on(&at),
                    serials: Vec::new(),
                    packed: Amount::NONE,
                    parts: Vec::new(),
                };
                self.lots.edit(&running).end();
                self.sink(&heel, &at, &Account::Transformed);
                self.converted(case, &washing, &[heel])?;
                for (line, into) in (0u32..).zip(&e.into) {
                    if into.residue() == Residue::Waste {
                        let waste = self.lots.edit(&case.name(line));
                        case.party.clone_into(&mut waste.answerable);
                    }
                }
            }
            None => must(e.into.is_empty(), Wrong::Conservation)?,
        }
        vessel.running = None;
        vessel.uncleaned = false;
        self.put_vessel(case.party, &e.vessel, vessel);
        Ok(())
    }

    /// All that runs in a vessel goes into one of another's that holds nothing.
    pub fn change_hands(
        &mut self,
        taken: &Taken,
        from: &Account,
        party: &str,
        place: &str,
    ) -> Verdict {
        let book = self.lots.get(&taken.lot).unwrap();
        let Some((old_party, old_place)) = book.vessel.clone() else {
            return Ok(());
        };
        let mut before = self
            .places
            .get(&(old_party.clone(), old_place.clone()))
            .unwrap()
            .clone();
        let whole = taken.loose == book.loose_on(from);
        let standing = Self::at(&old_party, &old_place, &before) == *from;
        must(whole && standing, Wrong::Vessel)?;
        let form = book.form.clone();
        let mut after = self.own_vessel(party, place)?;
        let same = after.contents.first() == Some(&form);
        must(
            after.running.is_none() && (same || !after.uncleaned),
            Wrong::Vessel,
        )?;
        before.running = None;
        before.consignment = None;
        self.put_vessel(&old_party, &old_place, before);
        if !same {
            after.contents.insert(0, form);
            after.contents.truncate(3);
        }
        after.running = Some(taken.lot);
        after.uncleaned = true;
        self.put_vessel(party, place, after);
        let here = (party.to_owned(), place.to_owned());
        self.lots.edit(&taken.lot).vessel = Some(here);
        Ok(())
    }

    /// Delivered: what runs in the vehicle's tanks stays in them.
    pub fn keep_heels(&mut self, case: &Case<'_>, consignment: &Id) -> Verdict {
        let mut kept = false;
        for lot in self.aboard(consignment) {
            let Some((party, place)) = self.lots.get(&lot).unwrap().vessel.clone() else {
                continue;
            };
            must(case.signed.contains(&party), Wrong::Who)?;
            let aboard = Account::Aboard(*consignment);
            let heel = self.lots.get(&lot).unwrap().loose_on(&aboard);
            self.lots
                .edit(&lot)
                .transfer(&aboard, &held(&party, &place), heel);
            let mut vessel = self
                .places
                .get(&(party.clone(), place.clone()))
                .unwrap()
                .clone();
            vessel.consignment = None;
            self.put_vessel(&party, &place, vessel);
            kept = true;
        }
        must(kept, Wrong::Vessel)?;
        self.unload(consignment);
        Ok(())
    }

    /// What an event took off the parts of a lot.
    pub fn unmixed(&self, before: &BTreeMap<Id, Book>, lot: &Id) -> Blend {
        let Some(was) = self.lots.was(before, lot) else {
            return Blend::new();
        };
        let now = &self.lots.get(lot).unwrap().blend;
        let less = |(part, mass): (&Option<Id>, &Amount)| {
            let left = now.get(part).copied().unwrap_or_default();
            let less = *mass - left;
            (*part, amount(less.gross, less.contained.max(0)))
        };
        let less = was.blend.iter().map(less);
        less.filter(|(_, mass)| mass.gross > 0).collect()
    }

    /// After a correction has booked a lot: what comes back is what the event
    /// had taken; what is poured in more or less is of the lot that was poured.
    pub fn remix(&mut self, lot: &Id, poured: Option<&Id>, of: &Blend, before: Amount) {
        let book = self.lots.edit(lot);
        let ran = !book.blend.is_empty() || !book.blend_at_end.is_empty();
        if !ran || book.held() == Amount::NONE {
            return;
        }
        let more = book.held() - before;
        let mut blend = book.blend.clone();
        if more.gross > 0 {
            let back = amount(more.gross, more.contained.max(0));
            let parts = match poured {
                Some(source) => Blend::from([(Some(*source), back)]),
                None => scaled(of, back),
            };
            for (part, mass) in parts {
                let now = blend.entry(part).or_default();
                *now = *now + mass;
            }
        } else if let Some(source) = poured
            && let Some(part) = blend.get_mut(&Some(*source))
        {
            let gross = part.gross.min(-more.gross).max(0);
            let contained = part.contained.min(-more.contained).max(0);
            *part = *part - amount(gross, contained);
        }
        blend.retain(|_, mass| *mass != Amount::NONE);
        if blend.keys().flatten().count() < PARTS {
            book.blend = blend;
        }
        if poured.is_some() && book.held().gross > 0 {
            book.ppm = ppm(book.held());
        }
    }

    /// After an event: vessels hold what their parts are, and one of which
    /// nothing is left holds nothing.
    pub fn make_up_blends(&mut self) {
        for lot in self.lots.drafted() {
            let book = self.lots.get(&lot).unwrap();
            if book.vessel.is_none() && book.blend.is_empty() {
                continue;
            }
            let nothing = !book.accounts.keys().any(Account::is_holding);
            let vessel = book.vessel.clone().filter(|_| nothing);
            let book = self.lots.edit(&lot);
            if let Some((party, place)) = vessel {
                book.end();
                let mut vessel = self
                    .places
                    .get(&(party.clone(), place.clone()))
                    .unwrap()
                    .clone();
                vessel.running = None;
                vessel.consignment = None;
                self.put_vessel(&party, &place, vessel);
            }
            make_up(self.lots.edit(&lot));
        }
    }

    /// What was registered, kept where it was a vessel in use.
    pub fn registered_vessel(&self, place: &(String, String), kind: VesselKind) -> Verdict<Place> {
        let before = self.places.get(place).cloned().unwrap_or_default();
        let vessel = kind != VesselKind::Unspecified;
        must(!before.uncleaned || before.vessel == vessel, Wrong::Vessel)?;
        Ok(Place { vessel, ..before })
    }

    /// An offered, moved or packed lot does not run in a vessel.
    pub fn stands_free(&self, lot: &Id) -> Verdict {
        must(self.lots.get(lot).unwrap().vessel.is_none(), Wrong::Vessel)
    }
}
