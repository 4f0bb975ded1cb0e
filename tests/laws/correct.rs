//! The model's rules of events corrected: the event worked out again as it
//! should have been, and the difference to what it is booked with booked now.

use std::collections::BTreeSet;

use hazledger::pb::event::Body;
use hazledger::pb::{
    Accepted, Corrected, Counted, Event, EventRef, Goods, Incident, IncidentKind, NewLot, Quantity,
    Transformed, Wasted, incident,
};

use super::books::{Account, Amount, Books, Id, amount, content, held, share};
use super::change::{makeable, own_dispute, waste_booked};
use super::goods::{Booked, Taken, id, mass, named, new_lot, papers};
use super::handoff::handoff_name;
use super::model::{Case, Dispute, Happened, Model, Offer, Verdict, Wrong, event_name, must};
use super::vessels::mixed;

/// Corrections of corrections that are followed, at most.
const MAX_DEPTH: usize = 8;

/// What a lot enters with, restated: its content, and what it was made of.
type Birth = (Id, u32, Vec<(Id, Amount)>);

/// An event as it should have been.
#[derive(Default)]
struct Remade {
    booked: Booked,
    births: Vec<Birth>,
}

/// The event that is corrected.
struct Original {
    reference: EventRef,
    happened: Happened,
    /// What the event that was named says.
    latest: Event,
}

impl Original {
    fn party(&self) -> &str {
        &self.reference.party
    }

    /// What its `line` made.
    fn name(&self, line: u32) -> Id {
        let statement = hazledger::event::StatementId::parse(&self.reference.statement_id);
        let index = self.reference.event_index;
        hazledger::event::ids::derived(self.party(), statement.unwrap(), index, line)
    }

    fn lots(&self) -> Vec<Id> {
        if let Some(Body::Counted(e)) = &self.happened.event.body {
            return vec![id(&e.lot).unwrap()];
        }
        let booked = self.happened.first.as_ref().unwrap();
        booked.iter().map(|(lot, _)| *lot).collect()
    }

    /// What it took of a lot at first.
    fn taken(&self, lot: &Id) -> Amount {
        let first = self.happened.first.as_ref().unwrap();
        let (_, books) = first.iter().find(|(l, _)| l == lot).unwrap();
        let out = books.values().filter(|mass| mass.gross < 0);
        out.map(|mass| -*mass).sum()
    }

    /// What it took, restated: more or less by what the loose mass differs,
    /// with content in proportion; if it took nothing, with the lot's content.
    fn portion(&self, model: &Model, was: Option<&Goods>, goods: Option<&Goods>) -> Verdict<Taken> {
        let (now, _) = named(goods)?;
        let (before, _) = named(was)?;
        let lot = id(&goods.unwrap().lot)?;
        let taken = self.taken(&lot);
        let gross = taken.gross + now - before;
        let contained = match taken.gross {
            0 => content(gross, model.lots.get(&lot).unwrap().ppm),
            whole => share(taken.contained, gross, whole),
        };
        Ok(Taken {
            lot,
            loose: amount(gross, contained),
            serials: Vec::new(),
            packed: Amount::NONE,
            parts: Vec::new(),
        })
    }
}

fn between(lot: Id, from: Account, to: Account, mass: Amount) -> Verdict<Booked> {
    must(from != to, Wrong::Pointless)?;
    Ok(vec![(lot, Books::from([(from, -mass), (to, mass)]))])
}

/// Corrections.
impl Model {
    /// The net difference is booked now. What is no longer there goes into
    /// dispute.
    pub fn corrected(&mut self, case: &Case<'_>, e: &Corrected) -> Verdict {
        must(!e.reason.is_empty(), Wrong::Field)?;
        let restated = e.restated.as_ref().ok_or(Wrong::Field)?;
        let original = self.original(e.original.as_ref())?;
        let own = self.acts_for(case.party, original.party());
        must(own || case.authority, Wrong::Correction)?;
        let before = blanked(&original.happened.event).ok_or(Wrong::Correction)?;
        must(blanked(restated) == Some(before), Wrong::Correction)?;
        let booked = original.happened.booked.clone().ok_or(Wrong::Correction)?;
        if let Some(offer) = self.offer_of(&original) {
            let both = case.signed.contains(&offer.giver) && case.signed.contains(&offer.taker);
            must(both || case.authority, Wrong::Who)?;
        }
        for lot in original.lots() {
            self.counterpart_signed(case, original.party(), &lot)?;
        }
        let after = self.restated(&original, restated)?;
        let mut nets = after.booked.clone();
        for ((_, net), (_, before)) in nets.iter_mut().zip(&booked) {
            for (account, mass) in before {
                let now = net.entry(account.clone()).or_default();
                *now = *now - *mass;
            }
            net.retain(|_, mass| *mass != Amount::NONE);
        }
        let same = plain(restated) == plain(&original.latest);
        let nothing = nets.iter().all(|(_, net)| net.is_empty());
        must(!(nothing && same), Wrong::Pointless)?;
        for (lot, net) in &mut nets {
            self.make_good_first(&original, lot, net);
        }
        let accounts = nets.iter().flat_map(|(_, net)| net.keys());
        let mut who = accounts.flat_map(|a| self.who_has(a));
        let signed = who.all(|party| case.signed.contains(&party));
        must(signed || case.authority, Wrong::Who)?;
        let mut left = original.happened.left.clone();
        left.retain(|(_, dispute)| self.disputes.get(dispute).unwrap().mass != Amount::NONE);
        for (line, (lot, net)) in (0u32..).zip(&nets) {
            let name = case.name(line);
            let mut dispute = own_dispute(*lot, Amount::NONE, original.party());
            if let Some(offer) = self.offer_of(&original) {
                dispute.owner.clone_from(&offer.giver);
                dispute.counterpart.clone_from(&offer.taker);
                dispute.handoff = handoff_name(&offer.reference);
            }
            self.book_net(name, dispute, original.party(), net);
            if self.disputes.has(&name) {
                left.push((*lot, name));
            }
        }
        for (lot, ppm, parents) in after.births {
            let book = self.lots.edit(&lot);
            if book.ppm == book.born_ppm {
                book.ppm = ppm;
            }
            book.born_ppm = ppm;
            // What a vessel held was mixed then as it was.
            for (from, mass) in parents {
                let of = book.parents.get_mut(&from).unwrap();
                *of = mixed(of, mass);
            }
        }
        let name = event_name(&original.reference).unwrap();
        let happened = self.events.edit(&name);
        (happened.booked, happened.left) = (Some(after.booked), left);
        Ok(())
    }

    /// The event itself, through corrections of it.
    fn original(&self, reference: Option<&EventRef>) -> Verdict<Original> {
        let mut reference = reference.ok_or(Wrong::Field)?.clone();
        let mut latest = None;
        for _ in 0..MAX_DEPTH {
            let name = event_name(&reference).ok_or(Wrong::Correction)?;
            let happened = self.events.get(&name).ok_or(Wrong::Correction)?;
            must(happened.digest == reference.event_digest, Wrong::Reference)?;
            match &happened.event.body {
                Some(Body::Corrected(e)) => {
                    reference = e.original.clone().unwrap();
                    latest = latest.or(e.restated.as_deref().cloned());
                }
                _ => {
                    return Ok(Original {
                        reference,
                        happened: happened.clone(),
                        latest: latest.unwrap_or_else(|| happened.event.clone()),
                    });
                }
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

    /// Whose word it takes to change an account.
    fn who_has(&self, account: &Account) -> Vec<String> {
        let mut who = match account {
            Account::Disputed(name) => match self.disputes.get(name) {
                Some(d) => vec![d.owner.clone(), d.counterpart.clone()],
                None => Vec::new(),
            },
            // Nothing was ever taken aboard.
            Account::Aboard(c) if !self.consignments.has(c) => Vec::new(),
            _ => vec![self.holder(account)],
        };
        who.retain(|party| !party.is_empty());
        who
    }

    /// The event as it should have been.
    fn restated(&self, original: &Original, event: &Event) -> Verdict<Remade> {
        let was = original.happened.event.body.as_ref().unwrap();
        let plainly = |booked: Verdict<Booked>| {
            Ok(Remade {
                booked: booked?,
                births: Vec::new(),
            })
        };
        match (was, event.body.as_ref().unwrap()) {
            (_, Body::Produced(e)) => {
                self.reentered(original, Account::Produced, e.lot.as_ref().unwrap())
            }
            (_, Body::Imported(e)) => {
                must(e.country.len() == 2, Wrong::Field)?;
                must(!e.customs_entry.is_empty(), Wrong::Field)?;
                self.reentered(original, Account::Imported, e.lot.as_ref().unwrap())
            }
            (_, Body::Opened(e)) => {
                self.reentered(original, Account::Opening, e.lot.as_ref().unwrap())
            }
            (Body::Moved(was), Body::Moved(e)) => {
                let taken = original.portion(self, was.goods.as_ref(), e.goods.as_ref())?;
                let from = self.place(original, &was.from_place, &e.from_place)?;
                let to = self.place(original, &was.to_place, &e.to_place)?;
                plainly(between(taken.lot, from, to, taken.loose))
            }
            (Body::Counted(was), Body::Counted(e)) => plainly(self.recounted(original, was, e)),
            (Body::Used(was), Body::Used(e)) => {
                must(!e.purpose.is_empty(), Wrong::Field)?;
                let taken = original.portion(self, was.goods.as_ref(), e.goods.as_ref())?;
                let from = self.place(original, &was.place, &e.place)?;
                plainly(between(taken.lot, from, Account::Used, taken.loose))
            }
            (Body::Disposed(was), Body::Disposed(e)) => {
                must(!e.method.is_empty(), Wrong::Field)?;
                let taken = original.portion(self, was.goods.as_ref(), e.goods.as_ref())?;
                let from = self.place(original, &was.place, &e.place)?;
                plainly(between(taken.lot, from, Account::Disposed, taken.loose))
            }
            (Body::Exported(was), Body::Exported(e)) => {
                must(e.country.len() == 2, Wrong::Field)?;
                let taken = original.portion(self, was.goods.as_ref(), e.goods.as_ref())?;
                let from = self.place(original, &was.place, &e.place)?;
                plainly(between(taken.lot, from, Account::Exported, taken.loose))
            }
            (Body::Incident(was), Body::Incident(e)) => plainly(self.scene(original, was, e)),
            (Body::Recovered(was), Body::Recovered(e)) => {
                let taken = original.portion(self, was.goods.as_ref(), e.goods.as_ref())?;
                let to = self.place(original, &was.place, &e.place)?;
                plainly(between(taken.lot, Account::Missing, to, taken.loose))
            }
            (Body::Accepted(was), Body::Accepted(e)) => plainly(self.retaken(original, was, e)),
            (Body::Wasted(was), Body::Wasted(e)) => self.rewasted(original, was, e),
            (Body::Transformed(was), Body::Transformed(e)) => self.remade(original, was, e),
            _ => unreachable!("only these are alike"),
        }
    }

    /// A place of the party; one that was not named before is registered.
    fn place(&self, original: &Original, was: &str, place: &str) -> Verdict<Account> {
        if place != was {
            self.own_place(original.party(), place)?;
        }
        Ok(held(original.party(), place))
    }

    /// An entry; its content is what it was until an assay says otherwise.
    fn reentered(&self, original: &Original, source: Account, lot: &NewLot) -> Verdict<Remade> {
        let mass = new_lot(lot)?;
        must(papers(lot) || source == Account::Opening, Wrong::Field)?;
        self.own_place(original.party(), &lot.place)?;
        let name = original.name(0);
        self.not_assayed(&name, lot)?;
        let to = held(original.party(), &lot.place);
        Ok(Remade {
            booked: between(name, source, to, mass)?,
            births: vec![(name, lot.content_ppm, Vec::new())],
        })
    }

    fn not_assayed(&self, name: &Id, lot: &NewLot) -> Verdict {
        let book = self.lots.get(name).unwrap();
        let same = lot.content_ppm == book.born_ppm;
        must(same || book.ppm == book.born_ppm, Wrong::Correction)
    }

    /// A count against what was booked then.
    fn recounted(&self, original: &Original, was: &Counted, e: &Counted) -> Verdict<Booked> {
        must(e.loose_gross_mg >= 0, Wrong::Field)?;
        let first = original.happened.first.as_ref().unwrap();
        let (lot, before) = first.first().ok_or(Wrong::Correction)?;
        let at = held(original.party(), &e.place);
        let found = before.get(&at).copied().unwrap_or_default();
        let booked = was.loose_gross_mg - found.gross;
        let more = e.loose_gross_mg - booked;
        let mass = if more == found.gross {
            found
        } else {
            let content = content(more.abs(), self.lots.get(lot).unwrap().ppm);
            amount(more, content * more.signum())
        };
        let other = if more < 0 {
            Account::Missing
        } else {
            Account::Found
        };
        let mut books = Books::from([(at, mass), (other, -mass)]);
        books.retain(|_, mass| *mass != Amount::NONE);
        Ok(vec![(*lot, books)])
    }

    fn scene(&self, original: &Original, was: &Incident, e: &Incident) -> Verdict<Booked> {
        let to = match e.kind() {
            IncidentKind::Missing => Account::Missing,
            IncidentKind::Released => Account::Released,
            IncidentKind::Unspecified => return Err(Wrong::Field),
        };
        must(!e.description.is_empty(), Wrong::Field)?;
        let taken = original.portion(self, was.goods.as_ref(), e.goods.as_ref())?;
        let from = match (was.at.as_ref().unwrap(), e.at.as_ref().unwrap()) {
            (incident::At::Place(was), incident::At::Place(place)) => {
                self.place(original, was, place)?
            }
            (_, incident::At::Consignment(c)) => Account::Aboard(id(c).unwrap()),
            _ => unreachable!("alike"),
        };
        between(taken.lot, from, to, taken.loose)
    }

    /// The offer that the event took up, if it is an acceptance.
    fn offer_of(&self, original: &Original) -> Option<&Offer> {
        let Some(Body::Accepted(e)) = &original.happened.event.body else {
            return None;
        };
        self.offers.get(&handoff_name(e.offer.as_ref()?)?)
    }

    /// What left the giver left; what arrived was another mass, and what lies
    /// between goes to the scales or into dispute.
    fn retaken(&self, original: &Original, was: &Accepted, e: &Accepted) -> Verdict<Booked> {
        let offer = self.offer_of(original).unwrap();
        let name = handoff_name(e.offer.as_ref().unwrap()).unwrap();
        let may = |q: &Option<Quantity>| q.as_ref().map_or(Ok(0), |q| mass(Some(q)));
        let said = |e: &Accepted, index: u32| {
            let line = e.lines.iter().find(|l| l.line == index);
            line.map_or(Ok(0), |l| may(&l.accepted))
        };
        let mut packages = false;
        for line in &e.lines {
            let differs = said(e, line.line)? != said(was, line.line)?;
            let at = usize::try_from(line.line).unwrap();
            packages |= differs && !offer.lines[at].serials.is_empty();
        }
        must(!packages, Wrong::Correction)?;
        let to = if offer.carriage {
            Account::Aboard(name)
        } else {
            held(&offer.taker, &e.place)
        };
        let mut first = original.happened.first.clone().unwrap().into_iter();
        let mut booked = Booked::new();
        for (index, line) in (0u32..).zip(&offer.lines) {
            if !line.serials.is_empty() {
                continue;
            }
            let (lot, mut books) = first.next().unwrap();
            let now = said(e, index)?;
            if now != said(was, index)? {
                let leaves = -books.get(&offer.from).copied().unwrap_or_default();
                let content = if leaves.gross == 0 {
                    content(now, self.lots.get(&lot).unwrap().ppm)
                } else {
                    share(leaves.contained, now, leaves.gross)
                };
                let arrives = amount(now, content);
                let left = leaves - arrives;
                let bound = share(line.loose, i64::from(self.rules.tolerance_ppm), 1_000_000);
                let between = if left.gross.abs() <= bound && now > 0 {
                    Account::MeasureDifference(name)
                } else {
                    Account::Disputed(original.name(index))
                };
                books = Books::from([
                    (offer.from.clone(), -leaves),
                    (to.clone(), arrives),
                    (between, left),
                ]);
                books.retain(|_, mass| *mass != Amount::NONE);
            }
            booked.push((lot, books));
        }
        Ok(booked)
    }

    fn rewasted(&self, original: &Original, was: &Wasted, e: &Wasted) -> Verdict<Remade> {
        must(e.waste_code.len() == 10, Wrong::Field)?;
        let taken = original.portion(self, was.goods.as_ref(), e.goods.as_ref())?;
        let at = self.place(original, &was.place, &e.place)?;
        let child = original.name(0);
        let ppm = self.lots.get(&child).unwrap().born_ppm;
        Ok(Remade {
            booked: waste_booked(taken.lot, child, &at, taken.loose),
            births: vec![(child, ppm, vec![(taken.lot, taken.loose)])],
        })
    }

    fn remade(&self, original: &Original, was: &Transformed, e: &Transformed) -> Verdict<Remade> {
        makeable(e)?;
        let mut inputs = Vec::new();
        for (was, input) in was.inputs.iter().zip(&e.inputs) {
            must(!input.place.is_empty(), Wrong::Field)?;
            inputs.push(original.portion(self, was.goods.as_ref(), input.goods.as_ref())?);
        }
        for (was, input) in was.inputs.iter().zip(&e.inputs) {
            self.place(original, &was.place, &input.place)?;
        }
        let mut outputs = Vec::new();
        for (line, lot) in (0u32..).zip(&e.outputs) {
            outputs.push(new_lot(lot)?);
            let none = lot.data_sheet_hash.is_empty() && lot.label_hash.is_empty();
            must(none || papers(lot), Wrong::Field)?;
            self.own_place(original.party(), &lot.place)?;
            self.not_assayed(&original.name(line), lot)?;
        }
        let shares = self.shares(e, &inputs, &outputs)?;
        let name = |line| original.name(line);
        let mut births = Vec::new();
        for (line, (lot, mass)) in (0u32..).zip(e.outputs.iter().zip(&outputs)) {
            let parents = shares.parents(&inputs, mass.gross);
            births.push((name(line), lot.content_ppm, parents));
        }
        Ok(Remade {
            booked: shares.booked(e, original.party(), &inputs, &outputs, name),
            births,
        })
    }

    /// What earlier corrections have left in dispute is made good first, out of
    /// what the holdings gain, or give up, and other disputes cannot take up.
    fn make_good_first(&self, original: &Original, lot: &Id, net: &mut Books) {
        let book = self.lots.get(lot).unwrap();
        let open = |d: &&(Id, Id)| self.disputes.get(&d.1).unwrap().mass != Amount::NONE;
        let here = original.happened.left.iter().filter(|d| d.0 == *lot);
        assert!(here.clone().count() <= 8, "more than the ledger remembers");
        for (_, dispute) in here.filter(open) {
            let dispute = Account::Disputed(*dispute);
            for (account, mass) in net.clone() {
                // Of another dispute what it cannot take up itself.
                let spare = match &account {
                    Account::Disputed(_) if account == dispute => Amount::NONE,
                    Account::Disputed(_) => mass - smaller(book.on(&account), mass),
                    _ if account.is_holding() => mass,
                    _ => Amount::NONE,
                };
                let settled = net.get(&dispute).copied().unwrap_or_default();
                let part = smaller(book.on(&dispute) + settled, spare);
                if part.gross != 0 {
                    net.insert(account, mass - part);
                    net.insert(dispute.clone(), settled + part);
                }
            }
        }
        net.retain(|_, mass| *mass != Amount::NONE);
    }

    fn book_net(&mut self, name: Id, mut dispute: Dispute, party: &str, net: &Books) {
        let lot = &dispute.lot.clone();
        let mut uncovered = Amount::NONE;
        let (mut there, mut repaid) = (0, 0);
        for (account, wanted) in net {
            let covered = self.covered(lot, account, *wanted);
            let book = self.lots.edit(lot);
            book.post(account, covered);
            let mut rest = *wanted - covered;
            if wanted.gross < 0 && rest.contained > 0 && rest.gross == 0 {
                // The last gross took more content with it than restated.
                book.post(&Account::ProcessLoss, amount(0, rest.contained));
                rest.contained = 0;
            }
            uncovered = uncovered + rest;
            if account.is_holding() || account.is_between() {
                there += covered.gross;
            }
            if account.is_between() {
                repaid += covered.gross.max(0);
            }
            if let Account::Disputed(name) = account
                && covered != Amount::NONE
            {
                let dispute = self.disputes.edit(name);
                dispute.mass = dispute.mass + covered;
            }
        }
        // Title taken beyond what was owned, while too much was in dispute, is
        // made good with it.
        let book = self.lots.edit(lot);
        let owing: i64 = book.titles.values().map(|t| (-*t).max(0)).sum();
        let debt = repaid.min(owing);
        book.make_good(party, debt);
        there -= debt;
        // What goes from where it was into the dispute, or out of it, keeps
        // its owner.
        let opposed = there.signum() * uncovered.gross.signum() < 0;
        let both = if opposed {
            there.abs().min(uncovered.gross.abs()) * there.signum()
        } else {
            0
        };
        let line = self.line(party);
        let book = self.lots.edit(lot);
        if there - both < 0 {
            book.end_title(&line, both - there);
        } else {
            book.give_title(party, there - both);
        }
        if uncovered != Amount::NONE {
            book.give_title(party, uncovered.gross + both);
            book.post(&Account::Disputed(name), uncovered);
            dispute.mass = uncovered;
            self.disputes.put(name, dispute);
        }
        for account in net.keys() {
            if let Account::Aboard(consignment) = account
                && self.consignments.has(consignment)
            {
                self.consignments.edit(consignment).lots.insert(*lot);
                self.unload(consignment);
            }
        }
    }

    /// As much of a net change as can be booked where it belongs: of a loss
    /// what is there, loose and free; of content alone what the matter there
    /// has room for; nothing aboard a consignment that has been closed; of a
    /// dispute what makes it smaller. The last gross takes the last contained.
    fn covered(&self, lot: &Id, account: &Account, wanted: Amount) -> Amount {
        let book = self.lots.get(lot).unwrap();
        let loose = book.loose_on(account);
        match account {
            Account::Held(..) | Account::Missing => {}
            Account::Aboard(consignment) => match self.consignments.get(consignment) {
                Some(c) if !c.closed => {}
                _ => return Amount::NONE,
            },
            Account::Disputed(_) => return smaller(loose, wanted),
            _ => return wanted,
        }
        if wanted.gross == 0 && wanted.contained > 0 {
            let room = (loose.gross - loose.contained).max(0);
            return amount(0, wanted.contained.min(room));
        }
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

/// The part of a change that brings an amount nearer to nothing.
fn smaller(there: Amount, change: Amount) -> Amount {
    let part = |there: i64, change: i64| {
        if there.signum() * change.signum() < 0 {
            change.signum() * change.abs().min(there.abs())
        } else {
            0
        }
    };
    let gross = part(there.gross, change.gross);
    if gross != 0 && gross == -there.gross {
        return -there;
    }
    amount(gross, part(there.contained, change.contained))
}

/// What an event says, its numbers elsewhere aside.
fn plain(event: &Event) -> Event {
    let mut event = event.clone();
    event.external_refs.clear();
    event
}

/// An event without what a correction may change; none if it cannot be
/// corrected.
fn blanked(event: &Event) -> Option<Event> {
    let mut event = plain(event);
    let bare = |lot: &mut NewLot| {
        lot.quantity = None;
        lot.content_ppm = 0;
        lot.place.clear();
        lot.data_sheet_hash.clear();
        lot.label_hash.clear();
        lot.documents.clear();
    };
    // Whether there are no packages in it.
    let loose = |goods: &mut Option<Goods>| {
        let goods = goods.as_mut().unwrap();
        goods.loose = None;
        goods.serials.is_empty() && goods.parts.is_empty() && goods.outers.is_empty()
    };
    match event.body.as_mut()? {
        Body::Produced(e) => bare(e.lot.as_mut()?),
        Body::Imported(e) => {
            bare(e.lot.as_mut()?);
            e.country.clear();
            // Customs have it by that number.
            if e.customs_status == 0 {
                e.customs_entry.clear();
            }
        }
        Body::Opened(e) => {
            bare(e.lot.as_mut()?);
            e.provenance.clear();
        }
        Body::Moved(e) => {
            if loose(&mut e.goods) {
                (e.from_place, e.to_place) = Default::default();
            }
        }
        Body::Counted(e) => (e.loose_gross_mg, e.loose_measure) = Default::default(),
        Body::Used(e) => {
            e.purpose.clear();
            if e.goods.is_some() && loose(&mut e.goods) {
                e.place.clear();
            }
        }
        Body::Disposed(e) => {
            e.method.clear();
            e.certificate_hash.clear();
            if loose(&mut e.goods) {
                e.place.clear();
            }
        }
        Body::Exported(e) => {
            e.country.clear();
            if e.customs_status == 0 {
                e.customs_entry.clear();
            }
            if loose(&mut e.goods) {
                e.place.clear();
            }
        }
        Body::Incident(e) => {
            e.description.clear();
            if loose(&mut e.goods) {
                e.kind = 0;
                if let Some(incident::At::Place(place)) = &mut e.at {
                    place.clear();
                }
            }
        }
        Body::Accepted(e) => {
            for line in &mut e.lines {
                (line.accepted, line.check) = (None, None);
            }
        }
        Body::Recovered(e) => {
            if loose(&mut e.goods) {
                e.place.clear();
            }
        }
        Body::Wasted(e) => {
            e.waste_code.clear();
            if loose(&mut e.goods) {
                e.place.clear();
            }
        }
        Body::Transformed(e) => {
            for input in &mut e.inputs {
                if loose(&mut input.goods) {
                    input.place.clear();
                }
            }
            e.outputs.iter_mut().for_each(bare);
            (e.unregulated, e.inert, e.losses, e.consumed) = Default::default();
        }
        _ => return None,
    }
    Some(event)
}
