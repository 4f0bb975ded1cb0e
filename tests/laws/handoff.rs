//! The model's rules of handoffs, consignments and title: offered, taken over,
//! declined, withdrawn, relayed, reported, traded.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use hazledger::event::StatementId;
use hazledger::event::ids::{ID_WINDOW_MS, derived};
use hazledger::pb::offered::From as OfferedFrom;
use hazledger::pb::{
    Accepted, AcceptedLine, Declined, EventRef, Goods, Offered, Relayed, ReportKind, Reported,
    Traded, Withdrawn,
};

use super::books::{Account, Amount, Id, amount, content, held, share};
use super::goods::{Booked, Promised, id, mass, named, serials};
use super::model::{
    Case, Consignment, Dispute, Fact, Line, Model, Offer, Status, Verdict, Wrong, must,
};

/// Facts that one party may have parked, and that may wait for one offer.
const MAX_PARKED: usize = 256;
const MAX_PARKED_PER_OFFER: usize = 4;

/// A handoff is named after its offer.
pub fn handoff_name(offer: &EventRef) -> Option<Id> {
    let statement = StatementId::parse(&offer.statement_id)?;
    Some(derived(&offer.party, statement, offer.event_index, 0))
}

/// One line of an acceptance, read.
struct Word {
    accepted: i64,
    refused: i64,
    aboard: i64,
    accepted_serials: BTreeSet<u64>,
    refused_serials: BTreeSet<u64>,
    aboard_serials: BTreeSet<u64>,
}

fn word(line: &AcceptedLine) -> Verdict<Word> {
    let may = |q: &Option<_>| q.as_ref().map_or(Ok(0), |q| mass(Some(q)));
    let set = |ranges: &[_]| serials(ranges).map(BTreeSet::from_iter);
    let word = Word {
        accepted: may(&line.accepted)?,
        refused: may(&line.refused)?,
        aboard: may(&line.still_aboard)?,
        accepted_serials: set(&line.accepted_serials)?,
        refused_serials: set(&line.refused_serials)?,
        aboard_serials: set(&line.still_aboard_serials)?,
    };
    let apart = word.accepted_serials.is_disjoint(&word.refused_serials)
        && word.accepted_serials.is_disjoint(&word.aboard_serials)
        && word.refused_serials.is_disjoint(&word.aboard_serials);
    must(apart, Wrong::Field)?;
    Ok(word)
}

/// What can be said of an acceptance without its offer.
fn shape(e: &Accepted) -> Verdict {
    e.lines.iter().try_for_each(|line| word(line).map(drop))
}

/// The lines of an acceptance, none twice.
fn words(e: &Accepted) -> Verdict<BTreeMap<u32, Word>> {
    let mut words = BTreeMap::new();
    for line in &e.lines {
        let twice = words.insert(line.line, word(line)?).is_some();
        must(!twice, Wrong::Offer)?;
    }
    Ok(words)
}

/// The giver's half.
impl Model {
    pub fn offered(&mut self, case: &Case<'_>, e: &Offered) -> Verdict {
        self.active(case.party)?;
        self.active(&e.taker)?;
        if let Some(carriage) = &e.carriage {
            must(self.parties.has(&carriage.consignee), Wrong::Registry)?;
            super::modes::waybill(carriage)?;
        }
        must(!e.lines.is_empty(), Wrong::Field)?;
        for (i, goods) in e.lines.iter().enumerate() {
            let twice = e.lines[..i].iter().any(|other| other.lot == goods.lot);
            must(!twice, Wrong::Field)?;
            named(Some(goods))?;
        }
        let from = match e.from.as_ref().ok_or(Wrong::Field)? {
            OfferedFrom::Place(place) => {
                self.own_place(case.party, place)?;
                held(case.party, place)
            }
            OfferedFrom::Consignment(c) => {
                must(e.carriage.is_none(), Wrong::Field)?;
                Account::Aboard(self.carried(case.party, c)?)
            }
        };
        let back = self.taken_back(e.returns.as_ref())?;
        must(e.taker != case.party, Wrong::Offer)?;
        let name = case.name(0);
        let mut lines: Vec<Line> = Vec::new();
        for goods in &e.lines {
            let taken = self.take(Some(goods), &from, Promised::Refuse)?;
            self.free_of_customs(&taken.lot)?;
            self.stands_free(&taken.lot)?;
            lines.push(Line {
                lot: taken.lot,
                loose: taken.loose.gross,
                serials: taken.serials.into_iter().collect(),
            });
        }
        if let Some(back) = back {
            let turned = back.taker == case.party && back.giver == e.taker;
            must(turned && back.status == Status::Accepted, Wrong::Return)?;
            for line in &lines {
                let (loose, serials) = back.left(&line.lot);
                let fits = line.loose <= loose && line.serials.is_subset(&serials);
                must(fits, Wrong::Return)?;
            }
        }
        for line in &lines {
            let book = self.lots.edit(&line.lot);
            if line.loose > 0 {
                book.promised.insert(name, (from.clone(), line.loose));
            }
            for serial in &line.serials {
                book.packages.get_mut(serial).unwrap().promised = Some(name);
            }
        }
        let offer = Offer {
            reference: case.reference(),
            giver: case.party.to_owned(),
            taker: e.taker.clone(),
            from,
            lines,
            carriage: e.carriage.is_some(),
            mode: e.carriage.as_ref().map_or(0, |c| c.mode),
            wagons: super::modes::wagons(e.carriage.as_ref()),
            consignee: e.carriage.as_ref().map_or("", |c| &c.consignee).to_owned(),
            status: Status::Open,
            returns: e.returns.clone(),
            taken: BTreeMap::new(),
            returned: BTreeMap::new(),
            signed: case.signed.clone(),
        };
        self.offers.put(name, offer);
        self.unpark(&name);
        Ok(())
    }

    /// The handoff that an offer takes back.
    fn taken_back(&self, returns: Option<&EventRef>) -> Verdict<Option<Offer>> {
        let Some(returns) = returns else {
            return Ok(None);
        };
        let name = handoff_name(returns).ok_or(Wrong::Field)?;
        let back = self.offers.get(&name).ok_or(Wrong::Offer)?;
        must(back.reference == *returns, Wrong::Reference)?;
        Ok(Some(back.clone()))
    }

    /// What is taken of a line; and, if it takes another handoff back, what has
    /// come back of that.
    fn goes_back(&mut self, name: &Id, offer: &Offer, line: &Line, word: &Word) {
        let taken = (word.accepted, word.accepted_serials.clone());
        let back = offer.returns.as_ref().and_then(handoff_name);
        if let Some(back) = back.filter(|_| taken.0 > 0 || !taken.1.is_empty()) {
            let offer = self.offers.edit(&back);
            let sum = offer.returned.entry(line.lot).or_default();
            sum.0 += taken.0;
            sum.1.extend(&taken.1);
        }
        self.offers.edit(name).taken.insert(line.lot, taken);
    }

    /// Acceptances that waited are taken up; what does not fit is a finding,
    /// and the offer stands.
    fn unpark(&mut self, name: &Id) {
        let waiting = self.parked.get(name).cloned().unwrap_or_default();
        for fact in &waiting {
            let saved = self.save();
            let offer = self.offers.get(name).unwrap().clone();
            let fits = standing(&offer, fact.accepted.offer.as_ref())
                .and_then(|()| must(offer.taker == fact.party, Wrong::Who))
                .and_then(|()| {
                    let by = (fact.party.as_str(), fact.statement, fact.index);
                    self.take_over(name, &offer, by, &fact.accepted)
                });
            match fits {
                Ok(_) => self.offers.edit(name).signed.extend(fact.signed.clone()),
                Err(_) => self.restore(saved),
            }
            self.parties.edit(&fact.party).parked -= 1;
        }
        if !waiting.is_empty() {
            self.parked.put(*name, Vec::new());
        }
    }
}

/// The offer stands, and is the one that is meant.
fn standing(offer: &Offer, named: Option<&EventRef>) -> Verdict {
    must(offer.status == Status::Open, Wrong::Offer)?;
    must(named == Some(&offer.reference), Wrong::Reference)
}

/// The taker's half.
impl Model {
    pub fn accepted(&mut self, case: &Case<'_>, e: &Accepted) -> Verdict<Option<Booked>> {
        let reference = e.offer.as_ref().ok_or(Wrong::Field)?;
        let name = handoff_name(reference).ok_or(Wrong::Field)?;
        shape(e)?;
        let Some(offer) = self.offers.get(&name).cloned() else {
            return self.park(case, &name, reference, e).map(|()| None);
        };
        standing(&offer, Some(reference))?;
        // Whoever of the taker and its successors signed has the goods.
        let mut line = self.line(&offer.taker).into_iter();
        let taker = line.find(|party| case.own.contains(party));
        let taker = taker.ok_or(Wrong::Who)?;
        let by = (case.party, case.statement, case.index);
        self.take_over(&name, &Offer { taker, ..offer }, by, e)
            .map(Some)
    }

    /// The offer has not come in: recorded without postings.
    fn park(&mut self, case: &Case<'_>, name: &Id, offer: &EventRef, e: &Accepted) -> Verdict {
        let sent_ms = StatementId::parse(&offer.statement_id).unwrap().unix_ms();
        must(sent_ms >= case.now_ms - ID_WINDOW_MS, Wrong::Offer)?;
        let own = offer.party == case.party && offer.statement_id == case.statement.to_bytes();
        must(!own, Wrong::Offer)?;
        let mut waiting = self.parked.get(name).cloned().unwrap_or_default();
        let parked = self.parties.get(&case.party.to_owned()).unwrap().parked;
        let room = parked < MAX_PARKED && waiting.len() < MAX_PARKED_PER_OFFER;
        must(room, Wrong::Offer)?;
        words(e)?;
        waiting.push(Fact {
            party: case.party.to_owned(),
            statement: case.statement,
            index: case.index,
            accepted: e.clone(),
            signed: case.signed.clone(),
        });
        self.parked.put(*name, waiting);
        self.parties.edit(&case.party.to_owned()).parked += 1;
        Ok(())
    }

    fn take_over(
        &mut self,
        name: &Id,
        offer: &Offer,
        by: (&str, StatementId, u32),
        e: &Accepted,
    ) -> Verdict<Booked> {
        let mut booked = Booked::new();
        let mut words = words(e)?;
        let known = |line: &u32| usize::try_from(*line).unwrap() < offer.lines.len();
        must(words.keys().all(known), Wrong::Offer)?;
        must(e.returns == offer.returns, Wrong::Return)?;
        let to = if offer.carriage {
            must(e.place.is_empty(), Wrong::Field)?;
            Account::Aboard(*name)
        } else {
            must(!e.place.is_empty(), Wrong::Field)?;
            held(&offer.taker, &e.place)
        };
        for (index, line) in (0u32..).zip(&offer.lines) {
            let nothing = || word(&AcceptedLine::default()).unwrap();
            let word = words.remove(&index).unwrap_or_else(nothing);
            fits(offer, line, &word)?;
            self.lots.edit(&line.lot).release(name);
            self.goes_back(name, offer, line, &word);
            let before = self.lots.get(&line.lot).unwrap().accounts.clone();
            let (loose, missing) = self.take_line(name, offer, line, &word, &to);
            let dispute = derived(by.0, by.1, by.2, index);
            self.unaccounted(name, offer, line, dispute, loose, missing);
            self.loaded(name, offer, line, &to);
            if line.serials.is_empty() {
                let after = self.lots.get(&line.lot).unwrap();
                booked.push((line.lot, after.since(&before)));
            }
        }
        if let Account::Aboard(consignment) = &offer.from {
            self.unload(consignment);
        }
        self.offers.edit(name).status = Status::Accepted;
        Ok(booked)
    }

    /// Books one line: what leaves the giver, what arrives with the taker. The
    /// difference goes to the scales, if they can be it; else it is returned
    /// with the packages that nobody accounts for.
    fn take_line(
        &mut self,
        name: &Id,
        offer: &Offer,
        line: &Line,
        word: &Word,
        to: &Account,
    ) -> (Amount, BTreeSet<u64>) {
        let tolerance = i64::from(self.rules.tolerance_ppm);
        let book = self.lots.edit(&line.lot);
        let expected = line.loose - word.refused - word.aboard;
        let there = book.loose_on(&offer.from);
        let leaves = amount(expected, book.content_of(there, expected));
        let arrives_content = match word.accepted.cmp(&expected) {
            Ordering::Equal => leaves.contained,
            Ordering::Less => content(word.accepted, book.ppm).min(leaves.contained),
            Ordering::Greater => leaves.contained + content(word.accepted - expected, book.ppm),
        };
        let arrives = amount(word.accepted, arrives_content);
        book.post(&offer.from, -leaves);
        book.post(to, arrives);
        let mut difference = leaves - arrives;
        let bound = share(line.loose, tolerance, 1_000_000);
        if difference.gross.abs() <= bound && word.accepted > 0 {
            book.post(&Account::MeasureDifference(*name), difference);
            difference = Amount::NONE;
        }
        let mut missing = line.serials.clone();
        let taken: Vec<u64> = word.accepted_serials.iter().copied().collect();
        book.break_outers(&taken, false);
        for serial in &word.accepted_serials {
            book.move_package(*serial, to);
            missing.remove(serial);
        }
        missing.retain(|s| !word.refused_serials.contains(s) && !word.aboard_serials.contains(s));
        (difference, missing)
    }

    /// What nobody accounts for is disputed between giver and taker.
    fn unaccounted(
        &mut self,
        name: &Id,
        offer: &Offer,
        line: &Line,
        dispute: Id,
        loose: Amount,
        missing: BTreeSet<u64>,
    ) {
        if loose == Amount::NONE && missing.is_empty() {
            return;
        }
        let account = Account::Disputed(dispute);
        let book = self.lots.edit(&line.lot);
        book.post(&account, loose);
        let mut mass = loose;
        let gone: Vec<u64> = missing.iter().copied().collect();
        book.break_outers(&gone, false);
        for serial in &missing {
            mass = mass + book.packages[serial].mass;
            book.move_package(*serial, &account);
        }
        let dispute_state = Dispute {
            lot: line.lot,
            mass,
            serials: missing,
            owner: offer.giver.clone(),
            counterpart: offer.taker.clone(),
            handoff: Some(*name),
        };
        self.disputes.put(dispute, dispute_state);
    }

    /// The consignment is named after the handoff that put the goods aboard.
    fn loaded(&mut self, name: &Id, offer: &Offer, line: &Line, to: &Account) {
        let aboard = self.lots.get(&line.lot).unwrap().is_on(to);
        if !matches!(to, Account::Aboard(_)) || !aboard {
            return;
        }
        if !self.consignments.has(name) {
            let new = Consignment {
                carrier: offer.taker.clone(),
                consignee: offer.consignee.clone(),
                mode: offer.mode,
                wagons: offer.wagons.clone(),
                closed: false,
                lots: BTreeSet::new(),
            };
            self.consignments.put(*name, new);
        }
        self.consignments.edit(name).lots.insert(line.lot);
    }

    /// A consignment with nothing aboard is closed.
    pub fn unload(&mut self, consignment: &Id) {
        if self.aboard(consignment).is_empty() {
            self.consignments.edit(consignment).closed = true;
        }
    }

    pub fn declined(&mut self, case: &Case<'_>, e: &Declined) -> Verdict {
        let (name, offer) = self.offer_named(e.offer.as_ref())?;
        must(case.signed.contains(&offer.taker), Wrong::Who)?;
        self.close_offer(&name, &offer, Status::Declined);
        Ok(())
    }

    pub fn withdrawn(&mut self, case: &Case<'_>, e: &Withdrawn) -> Verdict {
        let (name, offer) = self.offer_named(e.offer.as_ref())?;
        must(case.signed.contains(&offer.giver), Wrong::Who)?;
        self.close_offer(&name, &offer, Status::Withdrawn);
        Ok(())
    }

    fn offer_named(&self, reference: Option<&EventRef>) -> Verdict<(Id, Offer)> {
        let reference = reference.ok_or(Wrong::Field)?;
        let name = handoff_name(reference).ok_or(Wrong::Field)?;
        let offer = self.offers.get(&name).ok_or(Wrong::Offer)?;
        standing(offer, Some(reference))?;
        Ok((name, offer.clone()))
    }

    fn close_offer(&mut self, name: &Id, offer: &Offer, status: Status) {
        for line in &offer.lines {
            self.lots.edit(&line.lot).release(name);
        }
        self.offers.edit(name).status = status;
    }
}

/// Whether what is said of a line can be said of it.
fn fits(offer: &Offer, line: &Line, word: &Word) -> Verdict {
    let aboard = word.aboard > 0 || !word.aboard_serials.is_empty();
    let from_aboard = matches!(offer.from, Account::Aboard(_));
    let stays = word.refused + word.aboard <= line.loose;
    let something = word.accepted == 0 || line.loose > 0;
    let named = word.accepted_serials.is_subset(&line.serials)
        && word.refused_serials.is_subset(&line.serials)
        && word.aboard_serials.is_subset(&line.serials);
    must(
        (!aboard || from_aboard) && stays && something && named,
        Wrong::Offer,
    )
}

/// On the road.
impl Model {
    /// An open consignment that the party carries.
    pub fn carried(&self, party: &str, consignment: &[u8]) -> Verdict<Id> {
        let name = id(consignment)?;
        let state = self.consignments.get(&name).ok_or(Wrong::Consignment)?;
        must(!state.closed, Wrong::Consignment)?;
        must(self.acts_for(party, &state.carrier), Wrong::Who)?;
        Ok(name)
    }

    /// Both carriers sign; what the old one has offered it cannot relay to
    /// another.
    pub fn relayed(&mut self, case: &Case<'_>, e: &Relayed) -> Verdict {
        self.active(&e.to_carrier)?;
        must(case.signed.contains(&e.to_carrier), Wrong::Who)?;
        let known = id(&e.consignment)
            .ok()
            .and_then(|c| self.consignments.get(&c));
        let wagons = super::modes::relay(known, e)?;
        must(!e.region.is_empty(), Wrong::Field)?;
        let name = self.carried(case.party, &e.consignment)?;
        let from_here = |o: &Offer| o.from == Account::Aboard(name);
        let promised = self.aboard(&name).iter().any(|lot| {
            let book = self.lots.get(lot).unwrap();
            let loose = book.promised.keys();
            let packages = book.packages.values().filter_map(|p| p.promised.as_ref());
            let mut offers = loose.chain(packages);
            offers.any(|o| from_here(self.offers.get(o).unwrap()))
        });
        must(!promised || e.to_carrier == case.party, Wrong::Goods)?;
        let consignment = self.consignments.edit(&name);
        consignment.carrier.clone_from(&e.to_carrier);
        consignment.wagons = wagons;
        Ok(())
    }

    pub fn reported(&mut self, case: &Case<'_>, e: &Reported) -> Verdict {
        must(e.kind != 0 && !e.region.is_empty(), Wrong::Field)?;
        let name = self.carried(case.party, &e.consignment)?;
        match e.kind() {
            ReportKind::Unloaded => self.keep_heels(case, &name),
            _ => Ok(()),
        }
    }
}

/// Title.
impl Model {
    pub fn traded(&mut self, case: &Case<'_>, e: &Traded) -> Verdict {
        self.active(case.party)?;
        self.active(&e.buyer)?;
        must(e.buyer != case.party, Wrong::Field)?;
        must(case.signed.contains(&e.buyer), Wrong::Who)?;
        must(!e.goods.is_empty(), Wrong::Field)?;
        e.goods
            .iter()
            .try_for_each(|goods| named(Some(goods)).map(drop))?;
        e.goods
            .iter()
            .try_for_each(|goods| self.sold(case.party, &e.buyer, goods))
    }

    fn sold(&mut self, seller: &str, buyer: &str, goods: &Goods) -> Verdict {
        let (loose, serials) = named(Some(goods))?;
        let (lot, book) = self.lot(&goods.lot)?;
        must(loose == 0 || loose <= book.title(seller), Wrong::Title)?;
        for serial in &serials {
            let package = book.packages.get(serial).ok_or(Wrong::Title)?;
            let theirs = package.owner == seller && package.account != Account::Missing;
            must(theirs, Wrong::Title)?;
        }
        self.free_of_customs(&lot)?;
        let book = self.lots.edit(&lot);
        book.give_title(seller, -loose);
        book.give_title(buyer, loose);
        for serial in &serials {
            let package = book.packages.get_mut(serial).unwrap();
            buyer.clone_into(&mut package.owner);
        }
        // Packages are sold whole.
        must(goods.parts.is_empty(), Wrong::Goods)?;
        must(goods.outers.is_empty(), Wrong::Field)
    }
}
