//! The model's rules of matter made into other matter, of disputes settled and
//! of events corrected.

use std::collections::{BTreeMap, BTreeSet};

use hazledger::pb::event::Body;
use hazledger::pb::{
    Corrected, Event, EventRef, Goods, Incident, IncidentKind, Quantity, Settled, Settlement,
    SettlementCause, Transformed, Wasted, incident,
};

use super::books::{Account, Amount, Id, amount, content, held, share};
use super::goods::{Promised, Taken, Wanted, id, mass, named, new_lot, papers, serials};
use super::model::{Case, Dispute, Happened, Model, Verdict, Wrong, event_name, must};

/// Corrections of corrections that are followed, at most.
const MAX_DEPTH: usize = 8;

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

/// Transformed and wasted.
impl Model {
    pub fn transformed(&mut self, case: &Case<'_>, e: &Transformed) -> Verdict {
        self.active(case.party)?;
        must(!e.inputs.is_empty(), Wrong::Field)?;
        sound_losses(e)?;
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
    pub fn converted(&mut self, case: &Case<'_>, e: &Transformed, inputs: &[Taken]) -> Verdict {
        let outputs: Vec<Amount> = e.outputs.iter().map(new_lot).collect::<Result<_, _>>()?;

        // In gross: outputs + unregulated + losses = inputs + inert, and what
        // lacks is disputed. What evaporates without a substance is solvent
        // first.
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
        self.contents(e, inputs, &outputs, &mut lost, &mut short)?;

        for (line, input) in (0u32..).zip(inputs) {
            let at = usize::try_from(line).unwrap();
            let book = self.lots.edit(&input.lot);
            book.transfer(&Account::Transformed, &Account::ProcessLoss, lost[at]);
            if short[at] == Amount::NONE {
                continue;
            }
            let name = case.name(line);
            book.transfer(&Account::Transformed, &Account::Disputed(name), short[at]);
            book.give_title(case.party, short[at].gross);
            self.disputes
                .put(name, own_dispute(input.lot, short[at], case.party));
        }
        for (line, (lot, mass)) in (0u32..).zip(e.outputs.iter().zip(outputs)) {
            let none = lot.data_sheet_hash.is_empty() && lot.label_hash.is_empty();
            must(none || papers(lot), Wrong::Field)?;
            self.made(
                case,
                case.name(line),
                &lot.form,
                lot.content_ppm,
                &lot.place,
                mass,
            );
        }
        Ok(())
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
    pub fn wasted(&mut self, case: &Case<'_>, e: &Wasted) -> Verdict {
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
        self.made(case, case.name(0), &form, ppm, &e.place, taken.total());
        let book = self.lots.edit(&case.name(0));
        case.party.clone_into(&mut book.answerable);
        Ok(())
    }
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

/// A party's dispute with itself: nobody stands opposite.
fn own_dispute(lot: Id, mass: Amount, owner: &str) -> Dispute {
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

/// Corrections.
impl Model {
    /// The net difference is booked now. What is no longer there goes into
    /// dispute.
    pub fn corrected(&mut self, case: &Case<'_>, e: &Corrected) -> Verdict {
        must(!e.reason.is_empty(), Wrong::Field)?;
        let (reference, original) = self.original(e.original.as_ref())?;
        let own = self.acts_for(case.party, &reference.party);
        must(own || case.authority, Wrong::Correction)?;
        let restated = e.restated.as_ref().ok_or(Wrong::Field)?;
        let alike = blanked(restated).is_some_and(|r| Some(r) == blanked(&original.event));
        let booked = original.booked.filter(|_| alike);
        let (lot, before) = booked.ok_or(Wrong::Correction)?;
        self.counterpart_signed(case, &reference.party, &lot)?;
        let after = self.restated(&reference.party, restated, &lot)?;
        let mut net = after.clone();
        for (account, mass) in &before {
            let now = net.entry(account.clone()).or_default();
            *now = *now - *mass;
        }
        net.retain(|_, mass| *mass != Amount::NONE);
        must(!net.is_empty(), Wrong::Pointless)?;
        let mut holders = net.keys().filter(|a| a.is_holding());
        let signed = holders.all(|a| case.signed.contains(&self.holder(a)));
        must(signed || case.authority, Wrong::Who)?;
        self.book_net(case, &reference.party, &lot, &net);
        let name = event_name(&reference).unwrap();
        self.events.edit(&name).booked = Some((lot, after));
        Ok(())
    }

    /// The event itself, through corrections of it.
    fn original(&self, reference: Option<&EventRef>) -> Verdict<(EventRef, Happened)> {
        let mut reference = reference.ok_or(Wrong::Field)?.clone();
        for _ in 0..MAX_DEPTH {
            let name = event_name(&reference).ok_or(Wrong::Correction)?;
            let happened = self.events.get(&name).ok_or(Wrong::Correction)?;
            must(happened.digest == reference.event_digest, Wrong::Reference)?;
            match &happened.event.body {
                Some(Body::Corrected(e)) => reference = e.original.clone().unwrap(),
                _ => return Ok((reference, happened.clone())),
            }
        }
        Err(Wrong::Correction)
    }

    /// If custody of the lot has moved, one who has it signs, or an authority.
    fn counterpart_signed(&self, case: &Case<'_>, party: &str, lot: &Id) -> Verdict {
        let book = self.lots.get(lot).unwrap();
        let holdings = book.accounts.keys().filter(|a| a.is_holding());
        let mut others: BTreeSet<String> = holdings.map(|a| self.holder(a)).collect();
        others.remove(party);
        let signed = others.iter().any(|o| case.signed.contains(o));
        must(others.is_empty() || signed || case.authority, Wrong::Who)
    }

    /// The postings of the event as it should have been.
    fn restated(&self, party: &str, event: &Event, lot: &Id) -> Verdict<BTreeMap<Account, Amount>> {
        let book = self.lots.get(lot).unwrap();
        let place = |place: &str| self.own_place(party, place).map(|()| held(party, place));
        let entering = |source: Account, lot: &Option<hazledger::pb::NewLot>| {
            let lot = lot.as_ref().unwrap();
            Ok((
                source,
                place(&lot.place)?,
                lot.quantity.clone(),
                book.born_ppm,
            ))
        };
        let loose = |goods: &Option<Goods>| goods.as_ref().unwrap().loose.clone();
        let (from, to, quantity, ppm) = match event.body.as_ref().unwrap() {
            Body::Produced(e) => entering(Account::Produced, &e.lot)?,
            Body::Imported(e) => entering(Account::Imported, &e.lot)?,
            Body::Opened(e) => entering(Account::Opening, &e.lot)?,
            Body::Used(e) => (place(&e.place)?, Account::Used, loose(&e.goods), book.ppm),
            Body::Disposed(e) => (
                place(&e.place)?,
                Account::Disposed,
                loose(&e.goods),
                book.ppm,
            ),
            Body::Exported(e) => (
                place(&e.place)?,
                Account::Exported,
                loose(&e.goods),
                book.ppm,
            ),
            Body::Incident(e) => {
                let (from, to) = scene(party, e);
                (from, to, loose(&e.goods), book.ppm)
            }
            _ => unreachable!("only these are correctable"),
        };
        let gross = mass(quantity.as_ref())?;
        let mass = amount(gross, content(gross, ppm));
        Ok(BTreeMap::from([(from, -mass), (to, mass)]))
    }

    fn book_net(
        &mut self,
        case: &Case<'_>,
        party: &str,
        lot: &Id,
        net: &BTreeMap<Account, Amount>,
    ) {
        let mut uncovered = Amount::NONE;
        let mut there = 0;
        for (account, wanted) in net {
            let covered = self.covered(lot, account, *wanted);
            let book = self.lots.edit(lot);
            book.post(account, covered);
            let mut rest = *wanted - covered;
            if rest.contained > 0 && rest.gross == 0 {
                // The last gross took more content with it than restated.
                book.post(&Account::ProcessLoss, amount(0, rest.contained));
                rest.contained = 0;
            }
            uncovered = uncovered + rest;
            if account.is_holding() {
                there += covered.gross;
            }
        }
        let line = self.line(party);
        let book = self.lots.edit(lot);
        if there < 0 {
            book.end_title(&line, -there);
        } else {
            book.give_title(party, there);
        }
        if uncovered != Amount::NONE {
            let name = case.name(0);
            let book = self.lots.edit(lot);
            book.give_title(party, uncovered.gross);
            book.post(&Account::Disputed(name), uncovered);
            self.disputes.put(name, own_dispute(*lot, uncovered, party));
        }
        for account in net.keys() {
            if let Account::Aboard(consignment) = account {
                self.consignments.edit(consignment).lots.insert(*lot);
                self.unload(consignment);
            }
        }
    }

    /// As much of a net change as can be booked where it belongs: of a loss
    /// what is there, loose and free; nothing aboard a consignment that has
    /// been closed. The last gross takes the last contained.
    fn covered(&self, lot: &Id, account: &Account, wanted: Amount) -> Amount {
        if !account.is_holding() && *account != Account::Missing {
            return wanted;
        }
        if let Account::Aboard(consignment) = account
            && self.consignments.get(consignment).unwrap().closed
        {
            return Amount::NONE;
        }
        let book = self.lots.get(lot).unwrap();
        let loose = book.loose_on(account);
        let free = book.free_on(account).max(0);
        if -wanted.gross > free {
            let contained = -book.content_of(loose, free);
            return amount(-free, contained.max(wanted.contained));
        }
        if wanted.gross < 0 && -wanted.gross == loose.gross {
            return amount(wanted.gross, -loose.contained);
        }
        amount(wanted.gross, wanted.contained.max(-loose.contained))
    }
}

fn scene(party: &str, e: &Incident) -> (Account, Account) {
    let from = match e.at.as_ref().unwrap() {
        incident::At::Place(place) => held(party, place),
        incident::At::Consignment(c) => Account::Aboard(id(c).unwrap()),
    };
    let to = match e.kind() {
        IncidentKind::Missing => Account::Missing,
        _ => Account::Released,
    };
    (from, to)
}

/// An event without what a correction may change; none if it cannot be
/// corrected: the wrong kind, or about packages.
fn blanked(event: &Event) -> Option<Event> {
    let mut event = event.clone();
    event.external_refs.clear();
    let (lot, goods, place) = match event.body.as_mut()? {
        Body::Produced(e) => (e.lot.as_mut(), None, None),
        Body::Imported(e) => (e.lot.as_mut(), None, None),
        Body::Opened(e) => (e.lot.as_mut(), None, None),
        Body::Used(e) => (None, e.goods.as_mut(), Some(&mut e.place)),
        Body::Disposed(e) => (None, e.goods.as_mut(), Some(&mut e.place)),
        Body::Exported(e) => (None, e.goods.as_mut(), Some(&mut e.place)),
        Body::Incident(e) => (None, e.goods.as_mut(), None),
        _ => return None,
    };
    if let Some(lot) = lot {
        lot.quantity = None;
        lot.place.clear();
    }
    if let Some(place) = place {
        place.clear();
    }
    if let Some(goods) = goods {
        let packages = [
            goods.serials.is_empty(),
            goods.parts.is_empty(),
            goods.outers.is_empty(),
        ];
        if packages.contains(&false) {
            return None;
        }
        goods.loose = None;
    }
    Some(event)
}
