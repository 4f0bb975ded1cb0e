//! What is asked of a correction: the event restated on each of its lots, and
//! its figures, where those follow from the body. A correction of a correction
//! restates the first event, which is not looked up here, so lots that are named
//! after that are only counted.

use bytes::Bytes;

use super::effect::{Effect, Lack, lot_of, mass, sure};
use super::goods::aboard;
use super::handed::loose;
use super::handoff_of;
use crate::custody::account;
use crate::custody::subject::{self, Item};
use crate::pb::change::Change as C;
use crate::pb::event::Body;
use crate::pb::{
    Account, AccountKind, Corrected, Goods, IncidentKind, NewLot, Posting, Restated, SubjectKind,
    incident,
};

/// Which accounts a restated event's goods leave and reach, by kind and place:
/// whose places they are the event corrected says.
struct Way {
    from: Account,
    to: Account,
}

impl Effect<'_> {
    pub(super) fn corrects(&self, b: &Corrected) -> Result<(), Lack> {
        let body = b.restated.as_ref().and_then(|event| event.body.as_ref());
        let Some(body) = body else { return Ok(()) };
        let own = subject::party(self.party());
        let all = self.restated_in_all();
        let (lots, made) = self.lots_of(body);
        let some = all.len() >= lots.len().saturating_add(made);
        for lot in &lots {
            let lot = lot_of(lot);
            self.chained(&lot)?;
            let restated = self.changes(&lot).any(|c| matches!(c, C::Restated(_)));
            sure(restated, &lot, "the event as it should have been")?;
        }
        sure(some, &own, "the event restated on all of its lots")?;
        if let Some((lot, way, mg)) = way_of(body) {
            self.restated_so(lot, &way, mg)?;
        }
        match born_of(body) {
            Some(new) => sure(
                all.iter().any(|r| is_birth(r, new)),
                &own,
                "the mass that was restated",
            ),
            None => Ok(()),
        }
    }

    /// What the event restates, wherever.
    fn restated_in_all(&self) -> Vec<Restated> {
        let subjects = self.record.outcomes.iter().flatten();
        let lots = subjects.filter_map(|outcome| outcome.subject.as_ref());
        let lots = lots.filter(|subject| subject.kind() == SubjectKind::Lot);
        let changes = lots.flat_map(|lot| self.changes(lot));
        let restated = changes.filter_map(|c| match c {
            C::Restated(restated) => Some(restated.clone()),
            _ => None,
        });
        restated.collect()
    }

    /// The lots that an event to be restated names, and how many it made beside
    /// them at least.
    fn lots_of(&self, body: &Body) -> (Vec<Bytes>, usize) {
        let of = |goods: Option<&Goods>| goods.map(|g| g.lot.clone()).into_iter().collect();
        match body {
            Body::Produced(_) | Body::Imported(_) | Body::Opened(_) | Body::Arrived(_) => {
                (Vec::new(), 1)
            }
            Body::Drawn(_) => (Vec::new(), 2),
            Body::Moved(e) => (of(e.goods.as_ref()), 0),
            Body::Counted(e) => (vec![e.lot.clone()], 0),
            Body::Used(e) => (of(e.goods.as_ref()), 0),
            Body::Disposed(e) => (of(e.goods.as_ref()), 0),
            Body::Exported(e) => (of(e.goods.as_ref()), 0),
            Body::Departed(e) => (of(e.goods.as_ref()), 0),
            Body::Incident(e) => (of(e.goods.as_ref()), 0),
            Body::Recovered(e) => (of(e.goods.as_ref()), 0),
            Body::Filled(e) => (of(e.goods.as_ref()), 0),
            Body::Wasted(e) => (of(e.goods.as_ref()), 1),
            Body::Sampled(e) => (of(e.goods.as_ref()), 1),
            Body::Transformed(e) => {
                let inputs = e.inputs.iter().filter_map(|i| i.goods.as_ref());
                (inputs.map(|g| g.lot.clone()).collect(), e.outputs.len())
            }
            Body::Accepted(e) => {
                let handoff = e.offer.as_ref().and_then(handoff_of);
                let item = handoff.and_then(|handoff| self.after.get(&handoff));
                let lines = match item.as_deref() {
                    Some(Item::Handoff(state)) => state.offered.clone().unwrap_or_default().lines,
                    _ => Vec::new(),
                };
                let loose = lines.into_iter().filter(|line| line.serials.is_empty());
                (loose.map(|line| line.lot).collect(), 0)
            }
            // Nothing else can be corrected.
            _ => (Vec::new(), 1),
        }
    }

    /// Goods without packages: so much left, so much arrived.
    fn restated_so(&self, lot: &Bytes, way: &Way, mg: i128) -> Result<(), Lack> {
        let lot = lot_of(lot);
        let on = |r: &Restated, at: &Account| -> i128 {
            let there = |p: &&Posting| p.account.as_ref().is_some_and(|a| is_alike(a, at));
            let postings = r.postings.iter().filter(there);
            postings.map(|p| i128::from(p.gross_mg)).sum()
        };
        self.has(
            &lot,
            "the mass that was restated",
            |c| matches!(c, C::Restated(r) if on(r, &way.from) == -mg && on(r, &way.to) == mg),
        )
    }
}

/// The same kind of account, and of holdings the same place or consignment.
fn is_alike(account: &Account, at: &Account) -> bool {
    account.kind == at.kind && account.place == at.place && account.id == at.id
}

fn is_birth(r: &Restated, new: &NewLot) -> bool {
    let gross = mass(new.quantity.as_ref());
    r.postings.iter().any(|p| {
        let at = p.account.clone().unwrap_or_default();
        let held = at.kind() == AccountKind::Held && at.place == new.place;
        held && i128::from(p.gross_mg) == gross
    })
}

fn born_of(body: &Body) -> Option<&NewLot> {
    match body {
        Body::Produced(e) => e.lot.as_ref(),
        Body::Imported(e) => e.lot.as_ref(),
        Body::Opened(e) => e.lot.as_ref(),
        Body::Arrived(e) => e.lot.as_ref(),
        _ => None,
    }
}

/// Of an event that takes goods without packages from one account to another:
/// the lot, the accounts, and how much.
fn way_of(body: &Body) -> Option<(&Bytes, Way, i128)> {
    let held = |place: &str| account::held("", place);
    let (goods, from, to) = match body {
        Body::Moved(e) => (&e.goods, held(&e.from_place), held(&e.to_place)),
        Body::Used(e) => (&e.goods, held(&e.place), sink(AccountKind::Used)),
        Body::Disposed(e) => (&e.goods, held(&e.place), sink(AccountKind::Disposed)),
        Body::Exported(e) => (&e.goods, held(&e.place), sink(AccountKind::Exported)),
        Body::Departed(e) => (&e.goods, held(&e.place), sink(AccountKind::Outbound)),
        Body::Recovered(e) => (&e.goods, sink(AccountKind::Missing), held(&e.place)),
        Body::Incident(e) => {
            let from = match &e.at {
                Some(incident::At::Consignment(id)) => aboard(id),
                Some(incident::At::Place(place)) => held(place),
                None => return None,
            };
            let kind = match e.kind() {
                IncidentKind::Released => AccountKind::Released,
                _ => AccountKind::Missing,
            };
            (&e.goods, from, sink(kind))
        }
        _ => return None,
    };
    let (lot, mg) = loose(goods.as_ref())?;
    Some((lot, Way { from, to }, mg))
}

fn sink(kind: AccountKind) -> Account {
    account::plain(kind)
}
