//! What is asked of what authorities order and find, of the answers to that, of
//! words to customs, and of what the ledger says to be overdue.

use bytes::Bytes;

use super::effect::{Effect, Lack, lot_of, named, place, sure};
use crate::custody::subject;
use crate::pb::change::Change as C;
use crate::pb::{
    Blacklisted, Blacklisting, CustomsDirection, CustomsReported, CustomsStatus, DangerStatus,
    Exported, Inspected, OverdueStated, RecallAcknowledged, Recalled, ReliefOrder, Sealed, Subject,
    SubjectKind, Unsealed, sealed, unsealed,
};
use crate::proof::verify::oversight::told_of;

impl Effect<'_> {
    pub(super) fn lists(&self, b: &Blacklisted) -> Result<(), Lack> {
        let wanted = if b.lifted {
            Blacklisting::default()
        } else {
            Blacklisting {
                order: b.order.clone(),
                authority: self.party().to_owned(),
                from_ms: b.from_ms,
                until_ms: b.until_ms,
            }
        };
        let party = subject::party(&b.party);
        self.has(
            &party,
            "its place on the list",
            |c| matches!(c, C::Blacklisting(listing) if *listing == wanted),
        )
    }

    pub(super) fn seals(&self, b: &Sealed) -> Result<(), Lack> {
        let (what, at) = match &b.what {
            Some(sealed::What::Lot(lot)) => (lot_of(&lot.lot), Some(lot)),
            Some(sealed::What::Place(at)) => (place(&at.party, &at.place), None),
            Some(sealed::What::Party(party)) => (subject::party(party), None),
            Some(sealed::What::Vehicle(number)) => (subject::vehicle(number), None),
            None => return Ok(()),
        };
        let there = at.map_or(("", ""), |at| (&at.party, &at.place));
        self.has(&what, "the seal", |c| {
            matches!(c, C::Seal(seal) if seal.order == b.order
                && seal.authority == self.party() && (seal.party.as_str(), seal.place.as_str()) == there
                && seal.since_ms == self.happened_at_ms())
        })
    }

    pub(super) fn unseals(&self, b: &Unsealed) -> Result<(), Lack> {
        let what = match &b.what {
            Some(unsealed::What::Lot(lot)) => lot_of(lot),
            Some(unsealed::What::Place(at)) => place(&at.party, &at.place),
            Some(unsealed::What::Party(party)) => subject::party(party),
            Some(unsealed::What::Vehicle(number)) => subject::vehicle(number),
            None => return Ok(()),
        };
        self.has(
            &what,
            "the lifting of its seal",
            |c| matches!(c, C::SealLifted(lifted) if lifted.order == b.order),
        )
    }

    /// A recall and its mark on every lot that it names; or that one is over.
    pub(super) fn recalls(&self, b: &Recalled) -> Result<(), Lack> {
        if !b.ends.is_empty() {
            let recall = subject::recall(&b.ends);
            return self.has(&recall, "its end", |c| matches!(c, C::RecallEnded(_)));
        }
        let name = self.name(0);
        self.has(&subject::recall(&name), "the recall", |c| {
            matches!(c, C::RecallBegun(begun) if begun.order == b.order && begun.lot == b.lot
                && begun.since_ms == self.happened_at_ms())
        })?;
        let all = std::iter::once(&b.lot).chain(&b.made_of_it);
        for lot in all {
            self.has(
                &lot_of(lot),
                "the mark of its recall",
                |c| matches!(c, C::RecallMark(mark) if mark.recall == name),
            )?;
        }
        Ok(())
    }

    pub(super) fn acknowledges(&self, b: &RecallAcknowledged) -> Result<(), Lack> {
        let recall = subject::recall(&b.recall);
        self.has(&recall, "the acknowledgement", |c| {
            matches!(c, C::RecallAcked(acked) if acked.party == self.party()
                && acked.at_ms == self.happened_at_ms())
        })
    }

    /// An order's mark on all that it names.
    pub(super) fn orders(&self, relief: Option<&ReliefOrder>, back: bool) -> Result<(), Lack> {
        let Some(relief) = relief else { return Ok(()) };
        let lots = relief.lots.iter().map(lot_of);
        let consignments = relief.consignments.iter();
        let consignments = consignments.map(|id| named(SubjectKind::Consignment, id));
        let parties = relief.parties.iter().map(|party| subject::party(party));
        for what in lots.chain(consignments).chain(parties) {
            self.has(&what, "the order that names it", |c| {
                matches!(c, C::OrderMark(mark) if mark.order == relief.order
                    && mark.authority == self.party() && mark.safe_return == back
                    && (mark.from_ms, mark.until_ms) == (relief.from_ms, relief.until_ms))
            })?;
        }
        Ok(())
    }

    /// A danger for each item that was not in order, and its note on the party.
    pub(super) fn inspects(&self, b: &Inspected) -> Result<(), Lack> {
        let party = subject::party(&b.party);
        self.chained(&party)?;
        for (line, item) in (0u32..).zip(&b.items).filter(|(_, item)| !item.ok) {
            let danger = subject::danger(&self.name(line));
            self.has(&danger, "the danger that was found", |c| {
                matches!(c, C::DangerOpened(o) if o.party == b.party && o.site == b.site
                    && o.item == item.code && o.what == item.danger && o.due_ms == item.due_ms)
            })?;
            self.has(
                &party,
                "the item that it failed",
                |c| matches!(c, C::DangerNote(note) if note.item == item.code),
            )?;
        }
        Ok(())
    }

    /// A danger goes on to a status.
    pub(super) fn danger(&self, id: &Bytes, status: DangerStatus, due_ms: i64) -> Result<(), Lack> {
        self.has(&subject::danger(id), "the status that it was given", |c| {
            matches!(c, C::DangerMoved(moved) if moved.status() == status
                && moved.due_ms == due_ms && moved.at_ms == self.happened_at_ms())
        })
    }

    /// Somebody has looked again: it goes on, or is open again.
    pub(super) fn looked(
        &self,
        id: &Bytes,
        ok: bool,
        to: DangerStatus,
        due_ms: i64,
    ) -> Result<(), Lack> {
        let status = if ok { to } else { DangerStatus::Open };
        self.danger(id, status, due_ms)
    }

    /// What an event of entry says of customs, if it does: of the lot that is
    /// named after it.
    pub(super) fn declared(
        &self,
        direction: CustomsDirection,
        status: i32,
        entry: &str,
    ) -> Result<(), Lack> {
        if status == i32::from(CustomsStatus::Unspecified) {
            return Ok(());
        }
        let lot = named(SubjectKind::Lot, &self.name(0));
        self.customs(&lot, direction, status, entry)
    }

    fn customs(
        &self,
        lot: &Subject,
        direction: CustomsDirection,
        status: i32,
        entry: &str,
    ) -> Result<(), Lack> {
        self.has(lot, "what was said to customs", |c| {
            matches!(c, C::CustomsSet(set) if set.direction() == direction
                && set.status == status && set.customs_entry == entry)
        })
    }

    pub(super) fn says_to_customs(&self, b: &CustomsReported) -> Result<(), Lack> {
        let lot = lot_of(&b.lot);
        self.customs(&lot, b.direction(), b.status, &b.customs_entry)?;
        self.has(&lot, "the office of customs", |c| {
            matches!(c, C::CustomsSet(set) if set.customs_entry == b.customs_entry
                && set.office == b.office)
        })
    }

    /// The same of goods that leave; what customs had said before is not said
    /// again.
    pub(super) fn exports(&self, b: &Exported) -> Result<(), Lack> {
        if b.customs_status() == CustomsStatus::Unspecified {
            return Ok(());
        }
        let lot = lot_of(&b.goods.clone().unwrap_or_default().lot);
        let direction = CustomsDirection::Export;
        let set = self.customs(&lot, direction, b.customs_status, &b.customs_entry);
        if set.is_ok() {
            return set;
        }
        let state = self.lot_after(&lot).unwrap_or_default();
        let known = state.customs.iter().any(|c| {
            c.direction() == direction
                && c.status == b.customs_status
                && c.customs_entry == b.customs_entry
        });
        sure(known || !self.alone(&lot), &lot, "what was said to customs")
    }

    /// A mark on everything that is told to be overdue.
    pub(super) fn states(&self, b: &OverdueStated) -> Result<(), Lack> {
        self.chained(&subject::ledger())?;
        for line in &b.lines {
            let what = named(told_of(line.rule()), &line.id);
            self.has(&what, "the mark that it is overdue", |c| {
                matches!(c, C::OverdueTold(told) if told.rule == line.rule
                    && told.party == line.party && told.place == line.place)
            })?;
        }
        Ok(())
    }
}
