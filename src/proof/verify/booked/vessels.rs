//! What is asked of events about vessels: filled, drawn from, cleaned.

use bytes::Bytes;

use super::effect::{Effect, Lack, lack, lot_of, mass, named, place, sure};
use super::goods::{aboard, is_holding, is_loose};
use crate::custody::subject::Item;
use crate::pb::change::Change as C;
use crate::pb::filled::From;
use crate::pb::{Account, AccountKind, Cleaned, Drawn, Filled, Subject, SubjectKind, Transformed};

impl Effect<'_> {
    /// Goods go into a vessel: as a part of its running lot, or, being of that
    /// already, back into it.
    pub(super) fn fills(&self, b: &Filled) -> Result<(), Lack> {
        let from = match &b.from {
            Some(From::Consignment(id)) => aboard(id),
            Some(From::Place(place)) => self.held(place),
            None => Account::default(),
        };
        let Some(goods) = &b.goods else {
            return Ok(());
        };
        let vessel = self.held(&b.vessel);
        let standing = |at: &Account| *at == vessel || at.kind() == AccountKind::Aboard;
        let poured = |at: &Account| at.kind() == AccountKind::Transformed || standing(at);
        self.goes(Some(goods), &from, poured)?;
        let lot = lot_of(&goods.lot);
        let spent = self.onto(&lot, |a| a.kind() == AccountKind::Transformed);
        if spent == 0 && is_loose(goods) {
            let running = || self.lot_after(&lot).and_then(|state| state.running_in);
            let back = !self.alone(&lot) || running().is_some_and(|r| r.place == b.vessel);
            return sure(back, &lot, "what it gave to the vessel's lot");
        }
        let mut running = None;
        let holds = place(self.party(), &b.vessel);
        self.has(&holds, "what the vessel holds now", |c| match c {
            C::VesselContents(now) if !now.running.is_empty() => {
                running = Some(now.running.clone());
                now.uncleaned
            }
            _ => false,
        })?;
        let running = named(SubjectKind::Lot, &running.unwrap_or_default());
        if self.changes(&running).any(|c| matches!(c, C::Born(_))) {
            self.has(
                &running,
                "the vessel that it runs in",
                |c| matches!(c, C::RunningIn(r) if r.party == self.party() && r.place == b.vessel),
            )?;
        }
        self.has(
            &lot,
            "what it gave to the vessel's lot",
            |c| matches!(c, C::ContributedTo(given) if given.lot == running.id),
        )?;
        sure(
            self.onto(&running, standing) >= spent,
            &running,
            "what was poured in",
        )
    }

    /// A portion of what a vessel holds as a lot of its own.
    pub(super) fn draws(&self, b: &Drawn) -> Result<(), Lack> {
        let child = named(SubjectKind::Lot, &self.name(0));
        let mut source = Bytes::new();
        self.has(&child, "its birth as it was declared", |c| match c {
            C::Born(born) => {
                source = born.drawn_from.clone();
                born.label == b.label && born.declarer == self.party()
            }
            _ => false,
        })?;
        let gross = mass(b.quantity.as_ref());
        let to = self.held(&b.to_place);
        let there = |at: &Account| {
            if b.to_place.is_empty() {
                at.kind() == AccountKind::Aboard
            } else {
                *at == to
            }
        };
        let made = self.net(&child, there);
        sure(made == gross, &child, "what was drawn, where it went")?;
        let vessel = place(self.party(), &b.vessel);
        let held = match self.after.get(&vessel).as_deref() {
            Some(Item::Place(state)) => state.running == source,
            _ => false,
        };
        let mut changed = self.all_changes(&vessel).iter();
        let other = changed.any(|c| matches!(c.change, Some(C::VesselContents(_))));
        sure(held || other, &vessel, "the lot that was drawn from")?;
        let source = named(SubjectKind::Lot, &source);
        let out = self.net(&source, is_holding);
        sure(out == -gross, &source, "what was drawn from it")?;
        self.has(&source, "what it gave to the lot that was drawn", |c| {
            matches!(c, C::ContributedTo(given) if given.lot == child.id
                && i128::from(given.gross_mg) == gross)
        })
    }

    /// A vessel is clean, and holds nothing; what was washed out of it is there.
    pub(super) fn cleans(&self, b: &Cleaned) -> Result<(), Lack> {
        let vessel = place(self.party(), &b.vessel);
        self.has(
            &vessel,
            "the mark that it is empty and clean",
            |c| matches!(c, C::VesselContents(now) if now.running.is_empty() && !now.uncleaned),
        )?;
        let heel = self.heel();
        for (line, into) in (0u32..).zip(&b.into) {
            let code = &into.waste_code;
            self.enters(line, into.lot.as_ref(), AccountKind::Made, code)?;
            let Some(heel) = &heel else {
                return lack(&vessel, "the lot that was washed out of it");
            };
            self.descends(heel, &named(SubjectKind::Lot, &self.name(line)))?;
        }
        let as_made = Transformed {
            inert: b.rinse.clone(),
            losses: b.losses.clone(),
            ..Transformed::default()
        };
        heel.map_or(Ok(()), |heel| self.declares(&as_made, &[heel]))
    }

    /// The lot that a cleaning took, which no body names: it runs no longer.
    fn heel(&self) -> Option<Subject> {
        let outcomes = self.record.outcomes.iter().flatten();
        let mut lots = outcomes.filter_map(|outcome| outcome.subject.as_ref());
        let ends = |lot: &&Subject| {
            lot.kind() == SubjectKind::Lot
                && self.changes(lot).any(|c| matches!(c, C::RunningEnded(_)))
        };
        lots.find(ends).cloned()
    }
}
