//! What is asked of events about matter: born, moved, packed, transformed,
//! counted, gone. Loose matter and parts of packages to the milligram, packages
//! by their serials.

use bytes::Bytes;

use super::effect::{Effect, Lack, lack, lot_of, mass, named, sure};
use crate::catalog;
use crate::custody::account::{self, Class};
use crate::custody::subject::Item;
use crate::custody::{Amount, lot, ranges};
use crate::event::mass::Mass;
use crate::pb::change::Change as C;
use crate::pb::{
    Account, AccountKind, Aggregated, Assayed, Counted, Goods, Incident, IncidentKind, LotState,
    NewLot, PackagingTreated, PackagingTreatment, Recovered, Repacked, SerialRange, Subject,
    SubjectKind, Transformed, incident,
};

impl Effect<'_> {
    /// A new lot, named after the event's line: born as it was declared, booked
    /// at the signer's place, the signer's own.
    pub(super) fn enters(
        &self,
        line: u32,
        new: Option<&NewLot>,
        source: AccountKind,
        waste_code: &str,
    ) -> Result<(), Lack> {
        let lot = named(SubjectKind::Lot, &self.name(line));
        let Some(new) = new else {
            return lack(&lot, "a birth that was declared");
        };
        self.has(&lot, "its birth as it was declared", |c| {
            matches!(c, C::Born(b) if b.label == new.label && b.form == new.form
                && b.content_ppm == new.content_ppm && b.source() == source
                && b.declarer == self.party() && b.waste_code == waste_code)
        })?;
        let gross = Mass::of(new.quantity.as_ref(), "").unwrap_or_default();
        let contained = gross.contained(new.content_ppm).unwrap_or_default();
        let at = self.held(&new.place);
        self.has(&lot, "its mass at the place that was declared", |c| {
            matches!(c, C::Posting(p) if p.account.as_ref() == Some(&at)
                && p.gross_mg == gross.as_mg() && p.contained_mg == contained.as_mg())
        })?;
        self.has(
            &lot,
            "its declarer's title",
            |c| matches!(c, C::Title(t) if t.party == self.party() && t.gross_mg == gross.as_mg()),
        )
    }

    /// Goods leave an account for another.
    pub(super) fn moves(
        &self,
        goods: Option<&Goods>,
        from: &Account,
        to: &Account,
    ) -> Result<(), Lack> {
        self.goes(goods, from, |at| at == to)
    }

    /// Goods leave an account for a sink.
    pub(super) fn sinks(
        &self,
        goods: Option<&Goods>,
        from: &Account,
        sink: AccountKind,
    ) -> Result<(), Lack> {
        self.goes(goods, from, |at| at.kind() == sink)
    }

    /// Goods leave an account for one of those that `to` knows: what is loose or
    /// in parts to the milligram, packages by their serials.
    pub(super) fn goes(
        &self,
        goods: Option<&Goods>,
        from: &Account,
        to: impl Fn(&Account) -> bool,
    ) -> Result<(), Lack> {
        let Some(goods) = goods else {
            return lack(&named(SubjectKind::Lot, &Bytes::new()), "any goods");
        };
        let lot = lot_of(&goods.lot);
        self.chained(&lot)?;
        let named_mg = named_mass(goods);
        let (out, into) = (-self.net(&lot, |at| at == from), self.onto(&lot, &to));
        let enough = |mg: i128| mg == named_mg || !is_loose(goods) && mg > named_mg;
        sure(enough(out), &lot, "what was taken from where it was")?;
        sure(enough(into), &lot, "what was taken, where it went")?;
        self.packages_go(goods, &lot, to)
    }

    /// Packages that goods name went or were emptied, those of parts were
    /// opened.
    fn packages_go(
        &self,
        goods: &Goods,
        lot: &Subject,
        to: impl Fn(&Account) -> bool,
    ) -> Result<(), Lack> {
        if goods.serials.is_empty() && goods.outers.is_empty() && goods.parts.is_empty() {
            return Ok(());
        }
        let gone = self.packages(lot, |c| match c {
            C::PackagesMoved(m) if m.to.as_ref().is_some_and(&to) => Some((m.first, m.last)),
            C::PackagesEmptied(e) => Some((e.first, e.last)),
            _ => None,
        });
        let left = ranges::minus(&goods.serials, &gone);
        let in_outers = goods.outers.is_empty() || !ranges::minus(&gone, &goods.serials).is_empty();
        sure(
            left.is_empty() && in_outers,
            lot,
            "the packages that it names",
        )?;
        for part in &goods.parts {
            let gross = mass(part.quantity.as_ref());
            self.has(lot, "the part of a package that it names", |c| {
                matches!(c, C::PackageParted(p) if p.serial == part.serial
                    && i128::from(p.gross_mg) == gross)
            })?;
        }
        Ok(())
    }

    pub(super) fn loses(&self, b: &Incident) -> Result<(), Lack> {
        let sink = match b.kind() {
            IncidentKind::Released => AccountKind::Released,
            _ => AccountKind::Missing,
        };
        let from = match &b.at {
            Some(incident::At::Consignment(id)) => aboard(id),
            Some(incident::At::Place(place)) => self.held(place),
            None => Account::default(),
        };
        self.sinks(b.goods.as_ref(), &from, sink)?;
        self.unloaded(&from, b.goods.as_ref().map(|goods| &goods.lot))
    }

    /// A lot of which nothing is left aboard is not listed there any more, and a
    /// consignment of which nothing is left is closed.
    pub(super) fn unloaded(&self, from: &Account, lot: Option<&Bytes>) -> Result<(), Lack> {
        let Some(lot) = lot.filter(|_| from.kind() == AccountKind::Aboard) else {
            return Ok(());
        };
        let consignment = named(SubjectKind::Consignment, &from.id);
        let item = self.after.get(&consignment);
        let Some(Item::Consignment(state)) = item.as_deref() else {
            return lack(&consignment, "its end");
        };
        let listed = state.lots.contains(lot);
        let there = || lot::is_on(&self.lot_after(&lot_of(lot)).unwrap_or_default(), from);
        sure(!listed || there(), &consignment, "that the lot came off it")?;
        sure(
            state.closed || !state.lots.is_empty(),
            &consignment,
            "its end",
        )
    }

    /// What was missing is back, and its finder's.
    pub(super) fn recovers(&self, b: &Recovered) -> Result<(), Lack> {
        let missing = account::plain(AccountKind::Missing);
        self.moves(b.goods.as_ref(), &missing, &self.held(&b.place))?;
        let goods = b.goods.clone().unwrap_or_default();
        let loose = mass(goods.loose.as_ref());
        if loose == 0 {
            return Ok(());
        }
        self.has(&lot_of(&goods.lot), "its finder's title", |c| {
            matches!(c, C::Title(t) if t.party == self.party() && i128::from(t.gross_mg) == loose)
        })
    }

    pub(super) fn packs(
        &self,
        lot: &Bytes,
        serials: Option<SerialRange>,
        gross_mg_each: i64,
        place: &str,
    ) -> Result<(), Lack> {
        let at = self.held(place);
        self.has(&lot_of(lot), "the packages that were made", |c| {
            matches!(c, C::Packaged(p) if Some((p.first, p.last))
                    == serials.map(|s| (s.first, s.last))
                && p.gross_mg_each == gross_mg_each && p.account.as_ref() == Some(&at))
        })
    }

    pub(super) fn repacks(&self, b: &Repacked) -> Result<(), Lack> {
        let goods = b.goods.clone().unwrap_or_default();
        self.packs(&goods.lot, b.serials, b.gross_mg_each, &b.place)?;
        let lot = lot_of(&goods.lot);
        let loose = mass(goods.loose.as_ref());
        self.has(&lot, "what the new packages were made of", |c| {
            matches!(c, C::Repackaged(r) if i128::from(r.loose_gross_mg) == loose
                && ranges::minus(&goods.serials, &r.parents).is_empty()
                && r.parts.len() == goods.parts.len())
        })?;
        self.packages_go(&goods, &lot, |_| false)
    }

    /// Goods of a lot become a lot of their own, in the same place, and the
    /// signer's.
    pub(super) fn child(
        &self,
        goods: Option<&Goods>,
        place: &str,
        label: &str,
        waste_code: Option<&str>,
    ) -> Result<(), Lack> {
        let at = self.held(place);
        self.sinks(goods, &at, AccountKind::Transformed)?;
        let Some(goods) = goods else { return Ok(()) };
        let child = named(SubjectKind::Lot, &self.name(0));
        self.has(&child, "its birth as it was declared", |c| {
            matches!(c, C::Born(b) if b.label == label && b.declarer == self.party()
                && b.source() == AccountKind::Made
                && waste_code.is_none_or(|code| b.waste_code == code && b.answerable == b.declarer))
        })?;
        let made = self.net(&child, |a| *a == at);
        let taken = self.onto(&lot_of(&goods.lot), |a| {
            a.kind() == AccountKind::Transformed
        });
        sure(made == taken, &child, "all that it was made of")?;
        self.has(&child, "its declarer's title", |c| {
            matches!(c, C::Title(t) if t.party == self.party() && i128::from(t.gross_mg) == made)
        })?;
        self.descends(&lot_of(&goods.lot), &child)
    }

    /// That a lot says what it gave to another, and that one names it as its
    /// parent: or the lots that were mixed in it, if it ran in a vessel.
    pub(super) fn descends(&self, from: &Subject, to: &Subject) -> Result<(), Lack> {
        let mut given = self.changes(from).filter_map(|c| match c {
            C::ContributedTo(given) if given.lot == to.id => Some(given),
            _ => None,
        });
        let Some(given) = given.next() else {
            self.chained(from)?;
            return lack(from, "what it gave to the lot that was made");
        };
        let named = |lot: &Bytes| {
            let mut changes = self.changes(to);
            changes.any(|c| matches!(c, C::Born(b) if b.parents.iter().any(|p| p.lot == *lot)))
        };
        let all = match given.of.as_slice() {
            // A share of nothing of what ran in a vessel is of none of them.
            [] => named(&from.id) || (given.gross_mg == 0 && given.contained_mg == 0),
            mixed => mixed.iter().all(|part| named(&part.lot)),
        };
        sure(all, to, "the lots that it was made of")
    }

    /// What went in, what was declared beside it, what came out, and of what.
    pub(super) fn transforms(&self, b: &Transformed) -> Result<(), Lack> {
        for input in &b.inputs {
            let from = self.held(&input.place);
            self.sinks(input.goods.as_ref(), &from, AccountKind::Transformed)?;
        }
        let inputs = || b.inputs.iter().filter_map(|i| i.goods.as_ref());
        for (line, new) in (0u32..).zip(&b.outputs) {
            self.enters(line, Some(new), AccountKind::Made, "")?;
            let output = named(SubjectKind::Lot, &self.name(line));
            for goods in inputs() {
                self.descends(&lot_of(&goods.lot), &output)?;
            }
        }
        let lots: Vec<Subject> = inputs().map(|goods| lot_of(&goods.lot)).collect();
        self.declares(b, &lots)
    }

    /// What a transformation declared beside its lots stands on the first that
    /// went in; with what was lost of them it is all that was declared lost.
    pub(super) fn declares(&self, b: &Transformed, inputs: &[Subject]) -> Result<(), Lack> {
        let Some(first) = inputs.first() else {
            return Ok(());
        };
        let inert: i128 = b.inert.iter().map(|i| mass(i.quantity.as_ref())).sum();
        let beside = b.unregulated.iter().map(|u| mass(u.quantity.as_ref()));
        let beside: i128 = beside.sum();
        let lost: i128 = b.losses.iter().map(|l| i128::from(l.gross_mg)).sum();
        let gone = |a: &Account| a.kind() == AccountKind::ProcessLoss;
        let booked: i128 = inputs.iter().map(|lot| self.net(lot, gone)).sum();
        self.has(first, "what was declared beside it", |c| {
            matches!(c, C::Conservation(c) if i128::from(c.inert_gross_mg) == inert
                && i128::from(c.unregulated_gross_mg) == beside && c.consumed == b.consumed
                && i128::from(c.inert_loss_gross_mg) + booked == lost)
        })
    }

    /// The content that was measured; and what it, the scale and the wetting make
    /// of the lot, where nothing else in the record touches it.
    pub(super) fn assays(&self, b: &Assayed) -> Result<(), Lack> {
        let lot = lot_of(&b.lot);
        self.has(
            &lot,
            "the content that was measured",
            |c| matches!(c, C::Assay(a) if a.content_ppm == b.content_ppm && !a.mixed),
        )?;
        if !self.alone(&lot) {
            return Ok(());
        }
        let state = self.lot_after(&lot).unwrap_or_default();
        let loose = loose_in_holdings(&state);
        let measured = |there: &Amount| {
            let contained = Mass::mg(there.gross).contained(b.content_ppm);
            there.gross <= 0 || contained.unwrap_or_default().as_mg() == there.contained
        };
        sure(
            loose.iter().all(measured),
            &lot,
            "the content of what there is of it",
        )?;
        if let Some(weighed) = &b.weighed {
            let there: i128 = loose.iter().map(|there| i128::from(there.gross)).sum();
            let told = there == mass(Some(weighed));
            sure(told, &lot, "the loss that the scale told")?;
        }
        let set = self.changes(&lot).any(|c| matches!(c, C::Form(_)));
        let becomes = catalog::becomes(lot::form(&state), b.wetting_ppm, b.nitrogen_ppm);
        sure(
            set || becomes.is_none(),
            &lot,
            "the form that it has become",
        )
    }

    /// After a count what was seen is there, and nothing else: where nothing
    /// else in the record touches the lot.
    pub(super) fn counts(&self, b: &Counted) -> Result<(), Lack> {
        let lot = lot_of(&b.lot);
        self.chained(&lot)?;
        if !self.alone(&lot) {
            return Ok(());
        }
        let state = self.lot_after(&lot).unwrap_or_default();
        let at = self.held(&b.place);
        let loose = lot::loose(&state, &at).unwrap_or_default();
        sure(
            loose.gross == b.loose_gross_mg,
            &lot,
            "the mass that was counted",
        )?;
        let mut unseen = state
            .packages
            .iter()
            .filter(|p| p.account.as_ref() == Some(&at) && !b.outers_seen.contains(&p.outer));
        let all_seen = unseen.all(|p| {
            let (first, last) = (p.first, p.last);
            let left = ranges::minus(&[SerialRange { first, last }], &b.serials_scanned);
            ranges::minus(&left, &b.serials_assumed).is_empty()
        });
        sure(
            all_seen,
            &lot,
            "the loss of the packages that were not seen",
        )
    }

    pub(super) fn aggregates(&self, b: &Aggregated) -> Result<(), Lack> {
        let lot = lot_of(&b.lot);
        let outer = if b.broken { "" } else { &b.outer };
        let changed = self.packages(&lot, |c| match c {
            C::PackagesAggregated(a) if a.outer == outer => Some((a.first, a.last)),
            _ => None,
        });
        self.chained(&lot)?;
        let all = ranges::minus(&b.serials, &changed).is_empty() && !changed.is_empty();
        sure(all, &lot, "the packages of the outer packing")
    }

    pub(super) fn treats(&self, b: &PackagingTreated) -> Result<(), Lack> {
        let lot = lot_of(&b.lot);
        let cleaned = b.treatment() == PackagingTreatment::Cleaned;
        let changed = self.packages(&lot, |c| match c {
            C::PackagesCleaned(p) if cleaned => Some((p.first, p.last)),
            C::PackagesEnded(p) if !cleaned => Some((p.first, p.last)),
            _ => None,
        });
        self.chained(&lot)?;
        let all = ranges::minus(&b.serials, &changed).is_empty();
        sure(all, &lot, "the packages that were treated")
    }
}

/// Gross that goods name by itself: loose, and parts of packages.
pub(super) fn named_mass(goods: &Goods) -> i128 {
    let parts = goods.parts.iter().map(|part| mass(part.quantity.as_ref()));
    mass(goods.loose.as_ref()).saturating_add(parts.sum())
}

/// Whether goods name no package whole, so that their mass is all named.
pub(super) fn is_loose(goods: &Goods) -> bool {
    goods.serials.is_empty() && goods.outers.is_empty()
}

pub(super) fn is_holding(at: &Account) -> bool {
    account::class(at.kind()) == Some(Class::Holding)
}

/// The account of goods aboard a consignment.
pub(super) fn aboard(id: &Bytes) -> Account {
    Account {
        kind: AccountKind::Aboard.into(),
        id: id.clone(),
        ..Account::default()
    }
}

/// What is loose of a lot, holding by holding.
fn loose_in_holdings(state: &LotState) -> Vec<Amount> {
    let accounts = state.balances.iter().filter_map(|b| b.account.as_ref());
    let holdings = accounts.filter(|at| is_holding(at));
    holdings
        .map(|at| lot::loose(state, at).unwrap_or_default())
        .collect()
}
