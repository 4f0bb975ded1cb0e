//! The model's events as they should have been: what of an event may be
//! restated, and what it is booked with then.

use hazledger::pb::event::Body;
use hazledger::pb::{
    Accepted, Counted, Drawn, Event, EventRef, Filled, Goods, Incident, IncidentKind, NewLot,
    Quantity, Transformed, Wasted, filled, incident,
};

use super::books::{Account, Amount, Books, Id, amount, content, held, share};
use super::change::{child_booked, makeable};
use super::correct::plain;
use super::goods::{Booked, Taken, id, mass, measured, named, new_lot, papers};
use super::handoff::handoff_name;
use super::model::{Happened, Model, Verdict, Wrong, must};

/// What a lot enters with, restated: its content, and what it was made of.
type Birth = (Id, u32, Vec<(Id, Amount)>);

/// An event as it should have been.
#[derive(Default)]
pub struct Remade {
    pub booked: Booked,
    pub births: Vec<Birth>,
}

/// The event that is corrected.
pub struct Original {
    pub reference: EventRef,
    pub happened: Happened,
    /// What the event that was named says.
    pub latest: Event,
}

impl Original {
    pub fn party(&self) -> &str {
        &self.reference.party
    }

    /// What its `line` made.
    pub fn name(&self, line: u32) -> Id {
        let statement = hazledger::event::StatementId::parse(&self.reference.statement_id);
        let index = self.reference.event_index;
        hazledger::event::ids::derived(self.party(), statement.unwrap(), index, line)
    }

    pub fn lots(&self) -> Vec<Id> {
        if let Some(Body::Counted(e)) = &self.happened.event.body {
            return vec![id(&e.lot).unwrap()];
        }
        let booked = self.happened.first.as_ref().unwrap();
        booked.iter().map(|(lot, _)| *lot).collect()
    }

    /// What it took of a lot at first.
    pub fn taken(&self, lot: &Id) -> Amount {
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
/// Events restated.
impl Model {
    /// The event as it should have been.
    pub fn restated(&self, original: &Original, event: &Event) -> Verdict<Remade> {
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
            (_, Body::Arrived(e)) => {
                self.reentered(original, Account::Inbound, e.lot.as_ref().unwrap())
            }
            (Body::Departed(was), Body::Departed(e)) => {
                let taken = original.portion(self, was.goods.as_ref(), e.goods.as_ref())?;
                let from = self.place(original, &was.place, &e.place)?;
                plainly(between(taken.lot, from, Account::Outbound, taken.loose))
            }
            (Body::Sampled(was), Body::Sampled(e)) => {
                must(!e.purpose.is_empty(), Wrong::Field)?;
                let goods = (was.goods.as_ref(), e.goods.as_ref());
                self.rechild(original, goods, (&was.place, &e.place))
            }
            (Body::Filled(was), Body::Filled(e)) => plainly(self.repoured(original, was, e)),
            (_, Body::Drawn(e)) => self.redrawn(original, e),
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
        let asked = !matches!(source, Account::Opening | Account::Inbound);
        must(papers(lot) || !asked, Wrong::Field)?;
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
        let told = e.loose_measure.as_ref().map(measured);
        must(told.is_none_or(|m| m == Ok(e.loose_gross_mg)), Wrong::Field)?;
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
        let goods = (was.goods.as_ref(), e.goods.as_ref());
        self.rechild(original, goods, (&was.place, &e.place))
    }

    /// A lot made of some of another, as it is.
    fn rechild(
        &self,
        original: &Original,
        (was, goods): (Option<&Goods>, Option<&Goods>),
        (place_was, place): (&str, &str),
    ) -> Verdict<Remade> {
        let taken = original.portion(self, was, goods)?;
        let at = self.place(original, place_was, place)?;
        let child = original.name(0);
        let ppm = self.lots.get(&child).unwrap().born_ppm;
        Ok(Remade {
            booked: child_booked(taken.lot, child, &at, taken.loose),
            births: vec![(child, ppm, vec![(taken.lot, taken.loose)])],
        })
    }

    /// Poured in: the lot that goes in, and the one that runs there.
    fn repoured(&self, original: &Original, was: &Filled, e: &Filled) -> Verdict<Booked> {
        let first = original.happened.first.as_ref().unwrap();
        must(!first.is_empty(), Wrong::Correction)?;
        let taken = original.portion(self, was.goods.as_ref(), e.goods.as_ref())?;
        let from = match (was.from.as_ref().unwrap(), e.from.as_ref().unwrap()) {
            (filled::From::Place(was), filled::From::Place(place)) => {
                self.place(original, was, place)?
            }
            (_, filled::From::Consignment(c)) => Account::Aboard(id(c).unwrap()),
            _ => unreachable!("alike"),
        };
        let gains = |books: &Books| {
            let mut gains = books.iter().filter(|(a, m)| a.is_holding() && m.gross > 0);
            gains.next().unwrap().0.clone()
        };
        let Some((running, books)) = first.get(1) else {
            return between(taken.lot, from, gains(&first[0].1), taken.loose);
        };
        let mut booked = between(taken.lot, from, Account::Transformed, taken.loose)?;
        let more = taken.loose - original.taken(&taken.lot);
        let mut now = books.clone();
        for (account, more) in [(gains(books), more), (Account::Made, -more)] {
            let sum = now.entry(account).or_default();
            *sum = *sum + more;
        }
        booked.push((*running, now));
        Ok(booked)
    }

    fn redrawn(&self, original: &Original, e: &Drawn) -> Verdict<Remade> {
        let gross = mass(e.quantity.as_ref())?;
        let first = original.happened.first.as_ref().unwrap();
        let [(running, taken), (child, made)] = first.as_slice() else {
            unreachable!("two lots")
        };
        let (from, _) = taken.iter().find(|(a, _)| a.is_holding()).unwrap();
        let (to, was) = made.iter().find(|(a, _)| a.is_holding()).unwrap();
        let now = amount(gross, share(was.contained, gross, was.gross));
        let mut booked = between(*running, from.clone(), Account::Transformed, now)?;
        booked.extend(between(*child, Account::Made, to.clone(), now)?);
        let ppm = self.lots.get(child).unwrap().born_ppm;
        Ok(Remade {
            booked,
            births: vec![(*child, ppm, vec![(*running, now)])],
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
}

/// An event without what a correction may change; none if it cannot be
/// corrected.
pub fn blanked(event: &Event) -> Option<Event> {
    let mut event = plain(event);
    let body = event.body.as_mut()?;
    blank_words(body);
    if let Some(lot) = entering(body) {
        bare(lot);
    } else if let Some((goods, places)) = stored(body) {
        if loose(goods) {
            places.into_iter().for_each(String::clear);
        }
    } else {
        match body {
            Body::Drawn(e) => e.quantity = None,
            Body::Counted(e) => (e.loose_gross_mg, e.loose_measure) = Default::default(),
            Body::Incident(e) => {
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
    }
    Some(event)
}

fn bare(lot: &mut NewLot) {
    *lot = NewLot {
        label: std::mem::take(&mut lot.label),
        form: std::mem::take(&mut lot.form),
        ..NewLot::default()
    };
}

/// Takes the loose mass away; whether there are no packages beside it.
fn loose(goods: &mut Option<Goods>) -> bool {
    let Some(goods) = goods else {
        return false;
    };
    goods.loose = None;
    goods.serials.is_empty() && goods.parts.is_empty() && goods.outers.is_empty()
}

/// The lot that an event brings in.
pub fn entering(body: &mut Body) -> Option<&mut NewLot> {
    match body {
        Body::Produced(e) => e.lot.as_mut(),
        Body::Imported(e) => e.lot.as_mut(),
        Body::Opened(e) => e.lot.as_mut(),
        Body::Arrived(e) => e.lot.as_mut(),
        _ => None,
    }
}

/// The goods that an event takes, and the places where they are.
pub fn stored(body: &mut Body) -> Option<(&mut Option<Goods>, Vec<&mut String>)> {
    Some(match body {
        Body::Moved(e) => (&mut e.goods, vec![&mut e.to_place, &mut e.from_place]),
        Body::Filled(e) => {
            let place = match e.from.as_mut()? {
                filled::From::Place(place) => vec![place],
                filled::From::Consignment(_) => Vec::new(),
            };
            (&mut e.goods, place)
        }
        Body::Sampled(e) => (&mut e.goods, vec![&mut e.place]),
        Body::Used(e) => (&mut e.goods, vec![&mut e.place]),
        Body::Disposed(e) => (&mut e.goods, vec![&mut e.place]),
        Body::Exported(e) => (&mut e.goods, vec![&mut e.place]),
        Body::Departed(e) => (&mut e.goods, vec![&mut e.place]),
        Body::Recovered(e) => (&mut e.goods, vec![&mut e.place]),
        Body::Wasted(e) => (&mut e.goods, vec![&mut e.place]),
        _ => return None,
    })
}

/// What is said beside the goods. Of a customs entry that customs have spoken
/// of, the number stays.
fn blank_words(body: &mut Body) {
    match body {
        Body::Imported(e) => {
            e.country.clear();
            if e.customs_status == 0 {
                e.customs_entry.clear();
            }
        }
        Body::Exported(e) => {
            e.country.clear();
            if e.customs_status == 0 {
                e.customs_entry.clear();
            }
        }
        Body::Opened(e) => e.provenance.clear(),
        Body::Sampled(e) => e.purpose.clear(),
        Body::Used(e) => e.purpose.clear(),
        Body::Disposed(e) => {
            e.method.clear();
            e.certificate_hash.clear();
        }
        Body::Incident(e) => e.description.clear(),
        Body::Wasted(e) => e.waste_code.clear(),
        _ => {}
    }
}
