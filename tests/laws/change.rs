//! The model's rules of matter made into other matter, and of disputes settled.

use std::collections::BTreeSet;

use hazledger::pb::{Quantity, Settled, Settlement, SettlementCause, Transformed, Wasted};

use super::books::{Account, Amount, Blend, Books, Id, amount, held, share};
use super::goods::{Booked, Promised, Taken, Wanted, id, mass, named, new_lot, papers, serials};
use super::model::{Case, Dispute, Model, Verdict, Wrong, must};
use super::vessels::mixed;

/// The substance of a form: what stands before the hyphen.
pub fn substance(form: &str) -> String {
    form.split('-').next().unwrap().to_owned()
}

/// Splits a total in proportion to weights, exactly: each gets what the sum up
/// to it is due, less what those before it got.
fn in_proportion(total: i64, weights: &[i64]) -> Vec<i64> {
    let whole: i64 = weights.iter().sum();
    let (mut sum, mut given) = (0, 0);
    let part = |weight: &i64| {
        sum += weight;
        let due = if whole == 0 {
            0
        } else {
            share(total, sum, whole)
        };
        let part = due - given;
        given = due;
        part
    };
    weights.iter().map(part).collect()
}

/// What can be said of a transformation without the books.
pub fn makeable(e: &Transformed) -> Verdict {
    must(!e.inputs.is_empty(), Wrong::Field)?;
    sound_losses(e)
}

/// A loss says of what, and is one; what was consumed is something.
pub fn sound_losses(e: &Transformed) -> Verdict {
    let nonsense = |l: &hazledger::pb::ProcessLoss| {
        let nothing = l.gross_mg == 0 && l.contained_mg == 0;
        let of_what = l.contained_mg > 0 && l.substance.is_empty();
        nothing || l.gross_mg < 0 || l.contained_mg < 0 || of_what
    };
    must(!e.losses.iter().any(nonsense), Wrong::Field)?;
    must(e.consumed.iter().all(|c| c.contained_mg > 0), Wrong::Field)
}

/// What each input has lost and lacks, and all that was made.
pub struct Shares {
    lost: Vec<Amount>,
    short: Vec<Amount>,
    gross_out: i64,
}

impl Shares {
    /// What each input gave to an output: what was transformed of it, in
    /// proportion to the output among everything made.
    pub fn parents(&self, inputs: &[Taken], gross: i64) -> Vec<(Id, Amount)> {
        let part = |whole: i64| share(whole, gross, self.gross_out);
        let of_each = inputs.iter().zip(self.lost.iter().zip(&self.short));
        let given = of_each.map(|(input, (lost, short))| {
            let rest = input.total() - *lost - *short;
            (input.lot, amount(part(rest.gross), part(rest.contained)))
        });
        given.collect()
    }

    /// What each lot is booked with, inputs first.
    pub fn booked(
        &self,
        e: &Transformed,
        party: &str,
        inputs: &[Taken],
        outputs: &[Amount],
        name: impl Fn(u32) -> Id,
    ) -> Booked {
        let mut booked = Booked::new();
        for (line, (input, said)) in (0u32..).zip(inputs.iter().zip(&e.inputs)) {
            let at = usize::try_from(line).unwrap();
            let (lost, short) = (self.lost[at], self.short[at]);
            let mut books = Books::from([
                (held(party, &said.place), -input.total()),
                (Account::Transformed, input.total() - lost - short),
                (Account::ProcessLoss, lost),
                (Account::Disputed(name(line)), short),
            ]);
            books.retain(|_, mass| *mass != Amount::NONE);
            booked.push((input.lot, books));
        }
        for (line, (lot, mass)) in (0u32..).zip(e.outputs.iter().zip(outputs)) {
            let at = held(party, &lot.place);
            let books = Books::from([(Account::Made, -*mass), (at, *mass)]);
            booked.push((name(line), books));
        }
        booked
    }
}

/// Transformed and wasted.
impl Model {
    pub fn transformed(&mut self, case: &Case<'_>, e: &Transformed) -> Verdict<Booked> {
        self.active(case.party)?;
        makeable(e)?;
        for input in &e.inputs {
            must(!input.place.is_empty(), Wrong::Field)?;
            named(input.goods.as_ref())?;
        }
        e.outputs.iter().try_for_each(|o| new_lot(o).map(drop))?;
        for lot in &e.outputs {
            self.own_place(case.party, &lot.place)?;
        }
        let mut inputs: Vec<Taken> = Vec::new();
        for input in &e.inputs {
            let from = held(case.party, &input.place);
            let goods = input.goods.as_ref();
            let taken = self.take_as(goods, &from, Promised::Refuse, Wanted::Content)?;
            self.free_of_customs(&taken.lot)?;
            must(!inputs.iter().any(|i| i.lot == taken.lot), Wrong::Field)?;
            self.pour_out(&taken, &from, &Account::Transformed);
            inputs.push(taken);
        }
        self.converted(case, e, &inputs)
    }

    /// What came of inputs that have been taken.
    pub fn converted(
        &mut self,
        case: &Case<'_>,
        e: &Transformed,
        inputs: &[Taken],
    ) -> Verdict<Booked> {
        let outputs: Vec<Amount> = e.outputs.iter().map(new_lot).collect::<Result<_, _>>()?;
        let made = self.shares(e, inputs, &outputs)?;
        let of_what: Vec<Blend> = inputs
            .iter()
            .map(|i| self.made_of(&i.lot, i.total()))
            .collect();
        for (line, input) in (0u32..).zip(inputs) {
            let at = usize::try_from(line).unwrap();
            let book = self.lots.edit(&input.lot);
            book.transfer(&Account::Transformed, &Account::ProcessLoss, made.lost[at]);
            let short = made.short[at];
            if short == Amount::NONE {
                continue;
            }
            let name = case.name(line);
            book.transfer(&Account::Transformed, &Account::Disputed(name), short);
            book.give_title(case.party, short.gross);
            self.disputes
                .put(name, own_dispute(input.lot, short, case.party));
        }
        for (line, (lot, mass)) in (0u32..).zip(e.outputs.iter().zip(&outputs)) {
            let none = lot.data_sheet_hash.is_empty() && lot.label_hash.is_empty();
            must(none || papers(lot), Wrong::Field)?;
            let name = case.name(line);
            self.made(case, name, &lot.form, lot.content_ppm, &lot.place, *mass);
            let given = made.parents(inputs, mass.gross).into_iter().zip(&of_what);
            let given = given.map(|((lot, mass), of)| (lot, mixed(of, mass)));
            self.lots.edit(&name).parents = given.collect();
        }
        let names = |line| case.name(line);
        Ok(made.booked(e, case.party, inputs, &outputs, names))
    }

    /// What a part of a lot is made of: the lot itself, or what a vessel's was
    /// made of.
    pub fn made_of(&self, lot: &Id, mass: Amount) -> Blend {
        let book = self.lots.get(lot).unwrap();
        if book.blend.is_empty() {
            return Blend::from([(Some(*lot), mass)]);
        }
        mixed(&book.blend, mass)
    }

    /// In gross: outputs + unregulated + losses = inputs + inert, and what
    /// lacks is disputed, in proportion. What evaporates without a substance
    /// is solvent first.
    pub fn shares(&self, e: &Transformed, inputs: &[Taken], outputs: &[Amount]) -> Verdict<Shares> {
        let all = |q: Vec<&Quantity>| q.into_iter().map(|q| mass(Some(q))).sum::<Verdict<i64>>();
        let inert = all(e.inert.iter().filter_map(|i| i.quantity.as_ref()).collect())?;
        let other = e.unregulated.iter().filter_map(|u| u.quantity.as_ref());
        let other = all(other.collect())?;
        let gross_in: i64 = inputs.iter().map(|i| i.total().gross).sum();
        let gross_out: i64 = outputs.iter().map(|o| o.gross).sum::<i64>() + other;
        let losses: i64 = e.losses.iter().map(|l| l.gross_mg).sum();
        let short = gross_in + inert - gross_out - losses;
        let bare = e.losses.iter().filter(|l| l.substance.is_empty());
        let solvent = bare.map(|l| l.gross_mg).sum::<i64>().min(inert);
        let lost = losses - solvent;
        must(short >= 0 && lost + short <= gross_in, Wrong::Conservation)?;

        let gross: Vec<i64> = inputs.iter().map(|i| i.total().gross).collect();
        let gross_lost = in_proportion(lost, &gross);
        let rest: Vec<i64> = gross.iter().zip(&gross_lost).map(|(g, l)| g - l).collect();
        let gross_short = in_proportion(short, &rest);
        let mut lost: Vec<Amount> = gross_lost.iter().map(|g| amount(*g, 0)).collect();
        let mut short: Vec<Amount> = gross_short.iter().map(|g| amount(*g, 0)).collect();
        self.contents(e, inputs, outputs, &mut lost, &mut short)?;
        Ok(Shares {
            lost,
            short,
            gross_out,
        })
    }

    /// Per substance, in contained: inputs = outputs + lost + consumed, and
    /// what lacks is disputed.
    fn contents(
        &self,
        e: &Transformed,
        inputs: &[Taken],
        outputs: &[Amount],
        lost: &mut [Amount],
        short: &mut [Amount],
    ) -> Verdict {
        let of: Vec<String> = inputs
            .iter()
            .map(|i| substance(&self.lots.get(&i.lot).unwrap().form))
            .collect();
        let known = |s: &str| of.iter().any(|o| o == s);
        let made = e.outputs.iter().map(|o| substance(&o.form));
        let gone = e.consumed.iter().map(|c| c.substance.clone());
        let away = e.losses.iter().filter(|l| l.contained_mg > 0);
        let away = away.map(|l| l.substance.clone());
        let stray = made.chain(gone).chain(away).any(|s| !known(&s));
        must(!stray, Wrong::Conservation)?;
        for s in of.iter().collect::<BTreeSet<_>>() {
            let weights: Vec<i64> = inputs
                .iter()
                .zip(&of)
                .map(|(i, o)| if o == s { i.total().contained } else { 0 })
                .collect();
            let made = e.outputs.iter().zip(outputs);
            let made = made.filter(|(o, _)| substance(&o.form) == *s);
            let made: i64 = made.map(|(_, a)| a.contained).sum();
            let consumed = e.consumed.iter().filter(|c| c.substance == *s);
            let consumed: i64 = consumed.map(|c| c.contained_mg).sum();
            let away = e.losses.iter().filter(|l| l.substance == *s);
            let away: i64 = away.map(|l| l.contained_mg).sum();
            let lacks = weights.iter().sum::<i64>() - made - consumed - away;
            must(lacks >= 0, Wrong::Conservation)?;
            let away = in_proportion(away, &weights);
            let rest: Vec<i64> = weights.iter().zip(&away).map(|(w, a)| w - a).collect();
            let lacks = in_proportion(lacks, &rest);
            for (i, o) in of.iter().enumerate().filter(|(_, o)| *o == s) {
                assert_eq!(o, s);
                lost[i].contained = away[i];
                short[i].contained = lacks[i];
            }
        }
        Ok(())
    }

    pub fn made(
        &mut self,
        case: &Case<'_>,
        name: Id,
        form: &str,
        ppm: u32,
        place: &str,
        mass: Amount,
    ) {
        self.born(name, form, ppm);
        let book = self.lots.edit(&name);
        book.transfer(&Account::Made, &held(case.party, place), mass);
        book.give_title(case.party, mass.gross);
    }

    /// Goods become a child lot of waste, of the same form and content.
    pub fn wasted(&mut self, case: &Case<'_>, e: &Wasted) -> Verdict<Booked> {
        must(
            e.waste_code.len() == 10 && !e.label.is_empty(),
            Wrong::Field,
        )?;
        named(e.goods.as_ref())?;
        self.own_place(case.party, &e.place)?;
        let at = held(case.party, &e.place);
        let goods = e.goods.as_ref();
        let taken = self.take_as(goods, &at, Promised::Refuse, Wanted::Content)?;
        self.sink(&taken, &at, &Account::Transformed);
        let parent = self.lots.get(&taken.lot).unwrap();
        let (form, ppm) = (parent.form.clone(), parent.ppm);
        let (child, mass) = (case.name(0), taken.total());
        self.made(case, child, &form, ppm, &e.place, mass);
        let of = self.made_of(&taken.lot, mass);
        let book = self.lots.edit(&child);
        book.parents.insert(taken.lot, of);
        case.party.clone_into(&mut book.answerable);
        Ok(waste_booked(taken.lot, child, &at, mass))
    }
}

pub fn waste_booked(parent: Id, child: Id, at: &Account, mass: Amount) -> Booked {
    let taken = Books::from([(at.clone(), -mass), (Account::Transformed, mass)]);
    let made = Books::from([(Account::Made, -mass), (at.clone(), mass)]);
    vec![(parent, taken), (child, made)]
}

/// A party's dispute with itself: nobody stands opposite.
pub fn own_dispute(lot: Id, mass: Amount, owner: &str) -> Dispute {
    Dispute {
        lot,
        mass,
        serials: BTreeSet::new(),
        owner: owner.to_owned(),
        counterpart: String::new(),
        handoff: None,
    }
}

/// Disputes.
impl Model {
    /// By both sides or an authority.
    pub fn settled(&mut self, case: &Case<'_>, e: &Settled) -> Verdict {
        let name = id(&e.dispute)?;
        if let Some(dispute) = self.disputes.get(&name) {
            let signed = |party: &String| party.is_empty() || case.signed.contains(party);
            let both = signed(&dispute.owner) && signed(&dispute.counterpart);
            must(both || case.authority, Wrong::Who)?;
        }
        must(!e.settlements.is_empty(), Wrong::Field)?;
        for part in &e.settlements {
            let said = part.cause() != SettlementCause::Unspecified && part.gross_mg >= 0;
            must(said, Wrong::Field)?;
            serials(&part.serials)?;
        }
        must(self.disputes.has(&name), Wrong::Dispute)?;
        e.settlements
            .iter()
            .try_for_each(|part| self.settle(&name, part))
    }

    fn settle(&mut self, name: &Id, part: &Settlement) -> Verdict {
        let dispute = self.disputes.get(name).unwrap().clone();
        must(dispute.is_open(), Wrong::Dispute)?;
        let packages = serials(&part.serials)?;
        let known = packages.iter().all(|s| dispute.serials.contains(s));
        must(known, Wrong::Dispute)?;
        let from = Account::Disputed(*name);
        let there = self.lots.get(&dispute.lot).unwrap().loose_on(&from);
        let loose = loose_settled(there, part, &packages)?;
        let over = loose.gross < 0 || (loose.gross == 0 && loose.contained < 0);
        let to = match part.cause() {
            SettlementCause::Unspecified => return Err(Wrong::Field),
            // The scales know nothing of packages, nor of what a
            // transformation or a correction left open.
            SettlementCause::Scale => {
                let handoff = dispute.handoff.filter(|_| packages.is_empty());
                Account::MeasureDifference(handoff.ok_or(Wrong::Field)?)
            }
            SettlementCause::Spill | SettlementCause::Theft if over => return Err(Wrong::Field),
            SettlementCause::Spill => Account::Released,
            SettlementCause::Theft => Account::Missing,
            SettlementCause::Miscount if over => Account::Found,
            SettlementCause::Miscount => {
                let side = [&dispute.owner, &dispute.counterpart];
                let side = side.into_iter().any(|s| self.acts_for(&part.party, s));
                must(side, Wrong::Field)?;
                let place = (part.party.clone(), part.place.clone());
                must(self.places.has(&place), Wrong::Registry)?;
                held(&part.party, &part.place)
            }
        };
        // An over-delivered mass and packages that were not seen differ in
        // kind: one part for each.
        must(!over || packages.is_empty(), Wrong::Field)?;
        let line = self.line(&dispute.owner);
        let book = self.lots.edit(&dispute.lot);
        let mut moved = loose;
        let scale = matches!(to, Account::MeasureDifference(_));
        if loose.gross > 0 && loose.contained < 0 && !scale {
            // What rounding left over, of the other sign.
            let rounding = amount(0, loose.contained);
            book.transfer(&from, &Account::ProcessLoss, rounding);
            moved.contained = 0;
        }
        book.transfer(&from, &to, moved);
        let mut settled = loose;
        book.break_outers(&packages, false);
        for serial in &packages {
            settled = settled + book.packages[serial].mass;
            book.move_package(*serial, &to);
        }
        match to {
            Account::Released | Account::Missing => book.end_title(&line, loose.gross),
            Account::Found => {
                let gaining = [&dispute.counterpart, &dispute.owner];
                let gaining = gaining.into_iter().find(|p| !p.is_empty()).unwrap();
                book.make_good(gaining, -loose.gross);
            }
            _ => {}
        }
        let left = self.disputes.edit(name);
        left.mass = left.mass - settled;
        left.serials.retain(|s| !packages.contains(s));
        Ok(())
    }
}

/// The loose part settled, with the dispute's sign; content in proportion,
/// and all of it with the last gross.
fn loose_settled(there: Amount, part: &Settlement, packages: &[u64]) -> Verdict<Amount> {
    must(part.gross_mg >= 0, Wrong::Field)?;
    if part.gross_mg == 0 && there.gross != 0 {
        must(!packages.is_empty(), Wrong::Field)?;
        return Ok(Amount::NONE);
    }
    let size = there.gross.abs();
    must(part.gross_mg <= size, Wrong::Dispute)?;
    if part.gross_mg == size {
        return Ok(there);
    }
    let content = share(there.contained.abs(), part.gross_mg, size);
    Ok(amount(
        part.gross_mg * there.gross.signum(),
        content * there.contained.signum(),
    ))
}
