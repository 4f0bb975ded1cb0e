//! The model's rules of events corrected: the difference between what an event
//! should have been booked with and what it is booked with, booked now.

use std::collections::{BTreeMap, BTreeSet};

use hazledger::pb::event::Body;
use hazledger::pb::{Corrected, Event, EventRef};

use super::books::{Account, Amount, Book, Books, Id, amount};
use super::change::own_dispute;
use super::edges::{MAX_ONE_SIDED, OneSided};
use super::goods::{Booked, mass};
use super::handoff::handoff_name;
use super::model::{Case, Dispute, Model, Offer, Verdict, Wrong, event_name, must};
use super::restated::{Original, blanked};

/// Corrections of corrections that are followed, at most.
const MAX_DEPTH: usize = 8;

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
        let poured = poured(&original);
        let titles: Vec<_> = nets.iter().map(|(lot, _)| self.titles(lot)).collect();
        for (line, (lot, net)) in (0u32..).zip(&nets) {
            let held = self.lots.get(lot).unwrap().held();
            let name = case.name(line);
            let mut dispute = own_dispute(*lot, Amount::NONE, original.party());
            if let Some(offer) = self.offer_of(&original) {
                dispute.owner.clone_from(&offer.giver);
                dispute.counterpart.clone_from(&offer.taker);
                dispute.handoff = handoff_name(&offer.reference);
            }
            self.book_net(name, dispute, &original, net);
            if self.disputes.has(&name) {
                left.push((*lot, name));
            }
            let source = poured.as_ref().filter(|source| *source != lot);
            let of = original
                .happened
                .unmixed
                .get(lot)
                .cloned()
                .unwrap_or_default();
            self.remix(lot, source, &of, held);
        }
        self.keep_owners(&original, &nets, &titles);
        let edge = |a: &Account| matches!(a, Account::Inbound | Account::Outbound);
        let crosses = nets.iter().any(|(_, net)| net.keys().any(edge));
        self.tell_again(&original, restated, &after.booked, crosses)?;
        for (lot, ppm, parents) in after.births {
            let book = self.lots.edit(&lot);
            if book.ppm == book.born_ppm {
                book.ppm = ppm;
            }
            book.born_ppm = ppm;
            // What a vessel held was mixed then as it was.
            for (from, mass) in parents {
                book.parents.get_mut(&from).unwrap().1 = mass;
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

    /// The offer that the event took up, if it is an acceptance.
    pub fn offer_of(&self, original: &Original) -> Option<&Offer> {
        let Some(Body::Accepted(e)) = &original.happened.event.body else {
            return None;
        };
        self.offers.get(&handoff_name(e.offer.as_ref()?)?)
    }

    fn titles(&self, lot: &Id) -> BTreeMap<String, i64> {
        self.lots.get(lot).unwrap().titles.clone()
    }

    /// What is poured or drawn keeps its owners, where all of it is there.
    fn keep_owners(
        &mut self,
        original: &Original,
        nets: &Booked,
        before: &[BTreeMap<String, i64>],
    ) {
        let keeps = matches!(
            original.happened.event.body,
            Some(Body::Filled(_) | Body::Drawn(_))
        );
        if !keeps || nets.len() != 2 {
            return;
        }
        let mut changes = Vec::new();
        for ((lot, _), was) in nets.iter().zip(before) {
            let mut more = self.titles(lot);
            for (party, gross) in was {
                *more.entry(party.clone()).or_default() -= gross;
            }
            more.retain(|_, gross| *gross != 0);
            changes.push(more);
        }
        let sum = |more: &BTreeMap<String, i64>| more.values().sum::<i64>();
        let (loser, winner) = if sum(&changes[0]) < 0 { (0, 1) } else { (1, 0) };
        let only = changes[loser].values().all(|t| *t < 0);
        let only = only && changes[winner].values().all(|t| *t > 0);
        if !only || sum(&changes[0]) + sum(&changes[1]) != 0 {
            return;
        }
        let all: BTreeSet<&String> = changes.iter().flat_map(|more| more.keys()).collect();
        let of = |at: usize, party: &String| changes[at].get(party).copied().unwrap_or_default();
        let due = |party: &String| -(of(loser, party) + of(winner, party));
        let to = self.lots.edit(&nets[winner].0);
        // A debt of title that has been made good stays so.
        if all.iter().any(|party| to.title(party) + due(party) < 0) {
            return;
        }
        for party in all {
            to.give_title(party, due(party));
        }
    }

    /// What crossed the edge waits for the other side's word again; what goes
    /// back of a handoff is counted against what was taken.
    fn tell_again(
        &mut self,
        original: &Original,
        restated: &Event,
        booked: &Booked,
        crosses: bool,
    ) -> Verdict {
        let (outsider, inbound) = match restated.body.as_ref().unwrap() {
            Body::Arrived(e) => (&e.from, true),
            Body::Departed(e) => (&e.to, false),
            Body::Accepted(e) => {
                let name = handoff_name(e.offer.as_ref().unwrap()).unwrap();
                let lines = self.offers.get(&name).unwrap().lines.clone();
                for said in &e.lines {
                    let line = &lines[usize::try_from(said.line).unwrap()];
                    let now = said.accepted.as_ref().map_or(Ok(0), |q| mass(Some(q)))?;
                    let offer = self.offers.edit(&name);
                    let taken = &mut offer.taken.get_mut(&line.lot).unwrap().0;
                    let more = now - *taken;
                    *taken = now;
                    let back = offer.returns.as_ref().and_then(handoff_name);
                    if let Some(back) = back.filter(|_| more != 0) {
                        let returned = &mut self.offers.edit(&back).returned;
                        returned.entry(line.lot).or_default().0 += more;
                    }
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        if !crosses {
            return Ok(());
        }
        let (lot, books) = &booked[0];
        let edge = if inbound {
            Account::Inbound
        } else {
            Account::Outbound
        };
        let told = OneSided {
            edge: original.reference.clone(),
            outsider: outsider.as_ref().unwrap().code.clone(),
            gross: books.get(&edge).copied().unwrap_or_default().gross.abs(),
            inbound,
        };
        let waiting = &self.lots.get(lot).unwrap().one_sided;
        let known = waiting.iter().any(|o| o.edge == told.edge);
        must(known || waiting.len() < MAX_ONE_SIDED, Wrong::Edge)?;
        self.wait_for_word(lot, told);
        Ok(())
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

    /// From whom an event took title, and how much.
    pub fn disowned(&self, before: &BTreeMap<Id, Book>, lot: &Id) -> BTreeMap<String, i64> {
        let Some(was) = self.lots.was(before, lot) else {
            return BTreeMap::new();
        };
        let now = &self.lots.get(lot).unwrap().titles;
        let left = |party: &String| now.get(party).copied().unwrap_or_default();
        let all: BTreeSet<&String> = was.titles.keys().chain(now.keys()).collect();
        let before = |party: &String| was.titles.get(party).copied().unwrap_or_default();
        let less = all.into_iter().map(|p| (p.clone(), before(p) - left(p)));
        less.filter(|(_, gross)| *gross > 0).collect()
    }

    /// What is there again is owned by those from whom the event took it, in
    /// order, after what had been given back before; more is the party's.
    fn give_back(&mut self, original: &Original, lot: &Id, gross: i64) {
        let gone = |booked: &Option<Booked>| {
            let booked = booked.iter().flatten().find(|(l, _)| l == lot);
            let books = booked.iter().flat_map(|(_, books)| books);
            let owned = books.filter(|(a, _)| a.is_holding() || a.is_between());
            (-owned.map(|(_, mass)| mass.gross).sum::<i64>()).max(0)
        };
        let happened = &original.happened;
        let mut given = (gone(&happened.first) - gone(&happened.booked)).max(0);
        let mut left = gross;
        let book = self.lots.edit(lot);
        for (owner, taken) in happened.disowned.get(lot).into_iter().flatten() {
            let before = given.min(*taken);
            given -= before;
            let back = left.min(taken - before);
            left -= back;
            book.give_title(owner, back);
        }
        book.give_title(original.party(), left);
    }

    fn book_net(&mut self, name: Id, mut dispute: Dispute, original: &Original, net: &Books) {
        let party = original.party();
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
            self.give_back(original, lot, there - both);
        }
        let book = self.lots.edit(lot);
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

/// The lot that an event poured into another.
fn poured(original: &Original) -> Option<Id> {
    let Some(Body::Filled(_)) = &original.happened.event.body else {
        return None;
    };
    let first = original.happened.first.as_ref().unwrap();
    (first.len() == 2).then(|| first[0].0)
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
pub fn plain(event: &Event) -> Event {
    let mut event = event.clone();
    event.external_refs.clear();
    event
}
