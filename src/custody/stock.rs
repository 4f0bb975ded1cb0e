//! Stock: how much of each form stands in a place, in a unit and with a party,
//! so that a rule about it needs no search through the lots. It is worked out
//! from the lots and places that a record changes, the same way when one is
//! decided and when it is folded; the digest of the state leaves it out, since
//! it says nothing that the lots do not. Goods aboard are in no stock, reserved
//! ones are until they are taken (design, section 3).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::lot::{self, Amount, Broken};
use super::subject::{self, Item, Items, Stand};
use crate::pb::{Account, AccountKind, LotState, PlaceState, StockLine, StockState, Subject};

/// An amount of each form; in order of form.
pub type Forms = BTreeMap<String, Amount>;

/// What a lot has in places.
#[derive(Clone, Debug, Default)]
struct Standing {
    form: String,
    at: Vec<(Account, Amount)>,
}

impl Standing {
    fn of(lot: &LotState) -> Standing {
        let held = lot.balances.iter().filter_map(|b| {
            let account = b.account.as_ref()?;
            let amount = Amount {
                gross: b.gross_mg,
                contained: b.contained_mg,
            };
            (account.kind() == AccountKind::Held).then(|| (account.clone(), amount))
        });
        Standing {
            at: held.collect(),
            form: lot::form(lot).to_owned(),
        }
    }
}

/// Items as they stood before a record that changes them: what there is to
/// compare with.
#[derive(Clone, Debug, Default)]
pub struct Before {
    lots: BTreeMap<Subject, Standing>,
    /// The units that places were in.
    places: BTreeMap<Subject, String>,
}

impl Before {
    /// One that is about to change.
    pub fn note(&mut self, subject: &Subject, item: &Item) {
        match item {
            Item::Lot(lot) => {
                self.lots.insert(subject.clone(), Standing::of(lot));
            }
            Item::Place(place) => {
                let unit = unit_of(place).to_owned();
                self.places.insert(subject.clone(), unit);
            }
            _ => {}
        }
    }

    /// What has changed of any stock, now that these items stand as they do.
    /// `items` has whatever else there is, as it stood before.
    pub fn moves<'a>(
        &self,
        changed: impl Iterator<Item = (&'a Subject, &'a Item)> + Clone,
        items: &dyn Items,
    ) -> Result<Vec<Moved>, Broken> {
        let mut places: BTreeMap<(String, String), Forms> = BTreeMap::new();
        for (subject, item) in changed.clone() {
            if let Item::Lot(lot) = item {
                self.lot(subject, lot, &mut places)?;
            }
        }
        let housed: BTreeMap<&Subject, &PlaceState> = changed.filter_map(place).collect();
        let mut moves = BTreeMap::new();
        for ((party, place), forms) in &places {
            let name = subject::place(party, place);
            let unit = match (housed.get(&name), items.get(&name).as_deref()) {
                (Some(&place), _) | (None, Some(Item::Place(place))) => unit_of(place).to_owned(),
                _ => String::new(),
            };
            for stand in [Stand::Party, Stand::Place(place), Stand::Unit(&unit)] {
                add(&mut moves, (party, stand), place, forms)?;
            }
        }
        for (subject, place) in housed {
            self.rehoused(subject, place, items, &mut moves)?;
        }
        let all = moves.into_iter();
        let each = all.map(|(subject, (at, by))| Moved::new(subject, at, by, items));
        each.filter_map(Result::transpose).collect()
    }

    /// What a lot has more, or less, in each place.
    fn lot(
        &self,
        subject: &Subject,
        lot: &LotState,
        places: &mut BTreeMap<(String, String), Forms>,
    ) -> Result<(), Broken> {
        let none = Standing::default();
        let (before, now) = (self.lots.get(subject).unwrap_or(&none), Standing::of(lot));
        let mut book = |form: &str, account: &Account, amount: Amount| {
            let at = (account.party.clone(), account.place.clone());
            let forms = places.entry(at).or_default();
            let sum = forms.entry(form.to_owned()).or_default();
            *sum = sum.plus(amount)?;
            Ok(())
        };
        if before.form == now.form && before.at == now.at {
            return Ok(());
        }
        for (account, amount) in &before.at {
            book(&before.form, account, amount.negated()?)?;
        }
        for (account, amount) in &now.at {
            book(&now.form, account, *amount)?;
        }
        Ok(())
    }

    /// A place that is in another unit takes what stood in it along.
    fn rehoused(
        &self,
        subject: &Subject,
        place: &PlaceState,
        items: &dyn Items,
        moves: &mut Moves,
    ) -> Result<(), Broken> {
        let before = self.places.get(subject).map_or("", String::as_str);
        let now = unit_of(place);
        let Some(registered) = place.registered.as_ref().filter(|_| before != now) else {
            return Ok(());
        };
        let (party, code) = (&registered.party, &registered.place);
        let stood = state_of(items, &subject::stock(party, Stand::Place(code)));
        for line in &stood.lines {
            let amount = amount(line);
            let one = |amount| Forms::from([(line.form.clone(), amount)]);
            let taken = one(amount.negated()?);
            add(moves, (party, Stand::Unit(before)), code, &taken)?;
            add(moves, (party, Stand::Unit(now)), code, &one(amount))?;
        }
        Ok(())
    }
}

/// By subject of stock: whose and where, and what has changed.
type Moves = BTreeMap<Subject, (At, Forms)>;

/// Whose stock, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// The party's code.
    pub party: String,
    /// A place's code; empty: not of one place.
    pub place: String,
    /// A unit's code; empty: not of one unit.
    pub unit: String,
    /// The places in which something has changed.
    pub places: BTreeSet<String>,
}

impl At {
    fn new(party: &str, stand: Stand<'_>) -> At {
        let (place, unit) = match stand {
            Stand::Party => ("", ""),
            Stand::Place(place) => (place, ""),
            Stand::Unit(unit) => ("", unit),
        };
        At {
            party: party.to_owned(),
            place: place.to_owned(),
            unit: unit.to_owned(),
            places: BTreeSet::new(),
        }
    }
}

/// A place that is in no unit counts in none.
fn add(moves: &mut Moves, at: (&str, Stand<'_>), place: &str, forms: &Forms) -> Result<(), Broken> {
    let (party, stand) = at;
    if stand == Stand::Unit("") {
        return Ok(());
    }
    let entry = moves
        .entry(subject::stock(party, stand))
        .or_insert_with(|| (At::new(party, stand), Forms::new()));
    entry.0.places.insert(place.to_owned());
    for (form, amount) in forms {
        let sum = entry.1.entry(form.clone()).or_default();
        *sum = sum.plus(*amount)?;
    }
    Ok(())
}

/// A stock that has changed.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Its subject.
    pub subject: Subject,
    /// Whose, and where.
    pub at: At,
    /// What there is of each form now.
    pub now: Forms,
    /// What has changed; no form of which nothing has.
    pub by: Forms,
}

impl Moved {
    /// `None` if nothing has changed after all.
    fn new(
        subject: Subject,
        at: At,
        mut by: Forms,
        items: &dyn Items,
    ) -> Result<Option<Moved>, Broken> {
        by.retain(|_, amount| !amount.is_zero());
        if by.is_empty() {
            return Ok(None);
        }
        let stood = state_of(items, &subject);
        let lines = stood.lines.iter();
        let mut now: Forms = lines.map(|l| (l.form.clone(), amount(l))).collect();
        for (form, amount) in &by {
            let sum = now.entry(form.clone()).or_default();
            *sum = sum.plus(*amount)?;
        }
        now.retain(|_, amount| !amount.is_zero());
        if now
            .values()
            .any(|amount| amount.gross < 0 || amount.contained < 0)
        {
            return lot::broken(
                2,
                format!("{} would be below zero", subject::show(&subject)),
            );
        }
        Ok(Some(Moved {
            subject,
            at,
            now,
            by,
        }))
    }

    /// The item as it stands after the record at a position.
    pub fn item(&self, position: u64) -> Item {
        let line = |(form, amount): (&String, &Amount)| StockLine {
            form: form.clone(),
            gross_mg: amount.gross,
            contained_mg: amount.contained,
        };
        Item::Stock(StockState {
            lines: self.now.iter().map(line).collect(),
            party: self.at.party.clone(),
            place: self.at.place.clone(),
            unit: self.at.unit.clone(),
            last: position,
        })
    }
}

fn place<'a>((subject, item): (&'a Subject, &'a Item)) -> Option<(&'a Subject, &'a PlaceState)> {
    match item {
        Item::Place(place) => Some((subject, place)),
        _ => None,
    }
}

fn amount(line: &StockLine) -> Amount {
    Amount {
        gross: line.gross_mg,
        contained: line.contained_mg,
    }
}

fn unit_of(place: &PlaceState) -> &str {
    let registered = place.registered.as_ref();
    registered.map_or("", |registered| &registered.unit)
}

fn state_of(items: &dyn Items, subject: &Subject) -> StockState {
    match items.get(subject).map(Arc::unwrap_or_clone) {
        Some(Item::Stock(stock)) => stock,
        _ => StockState::default(),
    }
}
