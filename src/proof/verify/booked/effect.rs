//! One event of a record, and what the record has of it: which subjects' chains
//! go on with it, and the changes that name it as their cause.

use bytes::Bytes;

use crate::custody::subject::{self, Item, Items};
use crate::custody::{account, ranges};
use crate::event::mass::Mass;
use crate::event::record::OpenRecord;
use crate::event::{StatementId, ids};
use crate::pb::change::Change as C;
use crate::pb::{
    Account, Cause, Change, Link, LinkKind, LotState, Quantity, SerialRange, Subject, SubjectKind,
};

/// What a record does not have of an event, and of which subject.
pub(super) struct Lack {
    pub(super) subject: Subject,
    pub(super) what: &'static str,
}

/// An event's effect, as recorded.
pub(super) struct Effect<'a> {
    /// The state after the record.
    pub(super) after: &'a dyn Items,
    pub(super) record: &'a OpenRecord,
    id: StatementId,
    index: u32,
}

impl<'a> Effect<'a> {
    pub(super) fn new(
        after: &'a dyn Items,
        record: &'a OpenRecord,
        id: StatementId,
        index: u32,
    ) -> Effect<'a> {
        Effect {
            after,
            record,
            id,
            index,
        }
    }

    /// Who signed it.
    pub(super) fn party(&self) -> &'a str {
        &self.record.payload.party
    }

    /// When it happened, Unix milliseconds.
    pub(super) fn happened_at_ms(&self) -> i64 {
        self.record.payload.happened_at_ms
    }

    /// The name that is derived for one of its lines.
    pub(super) fn name(&self, line: u32) -> Bytes {
        Bytes::copy_from_slice(&ids::derived(self.party(), self.id, self.index, line))
    }

    /// A place of who signed it.
    pub(super) fn held(&self, place: &str) -> Account {
        account::held(self.party(), place)
    }

    /// The chain link of a subject, if its chain goes on with the record. Links
    /// are in order of kind and subject, as the fold has seen.
    pub(super) fn link(&self, of: &Subject) -> Option<&'a Link> {
        let links = &self.record.links;
        let wanted = (i32::from(LinkKind::Chain), Some(of));
        let found = links.binary_search_by(|link| {
            let link = link.as_ref().map(|l| (l.kind, l.subject.as_ref()));
            link.cmp(&Some(wanted))
        });
        links.get(found.ok()?)?.as_ref()
    }

    /// That the record is in a subject's chain.
    pub(super) fn chained(&self, of: &Subject) -> Result<(), Lack> {
        match self.link(of) {
            Some(_) => Ok(()),
            None => lack(of, "this record in its chain"),
        }
    }

    /// All changes of a subject. Outcomes are in order of subject.
    pub(super) fn all_changes(&self, of: &Subject) -> &'a [Change] {
        let outcomes = &self.record.outcomes;
        let found = outcomes.binary_search_by(|outcome| {
            let subject = outcome.as_ref().map(|o| o.subject.as_ref());
            subject.cmp(&Some(Some(of)))
        });
        let outcome = found.ok().and_then(|at| outcomes.get(at)?.as_ref());
        outcome.map_or(&[], |outcome| &outcome.changes)
    }

    /// The changes of a subject that come from this event.
    pub(super) fn changes(&self, of: &Subject) -> impl Iterator<Item = &'a C> + use<'a> {
        let index = self.index;
        let own = move |change: &&Change| is_own(change.cause.as_ref(), index);
        let changes = self.all_changes(of).iter().filter(own);
        changes.filter_map(|change| change.change.as_ref())
    }

    /// Whether nothing else in the record has changed a subject, so that what
    /// stands after it is what this event left.
    pub(super) fn alone(&self, of: &Subject) -> bool {
        let mut changes = self.all_changes(of).iter();
        changes.all(|change| is_own(change.cause.as_ref(), self.index))
    }

    /// That one of its changes of a subject is such a one.
    pub(super) fn has(
        &self,
        of: &Subject,
        what: &'static str,
        is: impl FnMut(&C) -> bool,
    ) -> Result<(), Lack> {
        self.chained(of)?;
        self.changes(of).any(is).then_some(()).ok_or(Lack {
            subject: of.clone(),
            what,
        })
    }

    /// A lot as it stands after the record.
    pub(super) fn lot_after(&self, lot: &Subject) -> Option<LotState> {
        match self.after.get(lot)?.as_ref() {
            Item::Lot(state) => Some(state.clone()),
            _ => None,
        }
    }

    /// Gross that it books on a lot's accounts of one sort, net, milligrams.
    pub(super) fn net(&self, lot: &Subject, on: impl Fn(&Account) -> bool) -> i128 {
        self.postings(lot, on).sum()
    }

    /// Gross that it books onto a lot's accounts of one sort, without what it
    /// takes off again.
    pub(super) fn onto(&self, lot: &Subject, on: impl Fn(&Account) -> bool) -> i128 {
        self.postings(lot, on).filter(|mg| *mg > 0).sum()
    }

    /// Gross that it takes off a lot's accounts of one sort, without what it
    /// books onto them again.
    pub(super) fn off(&self, lot: &Subject, on: impl Fn(&Account) -> bool) -> i128 {
        -self.postings(lot, on).filter(|mg| *mg < 0).sum::<i128>()
    }

    fn postings(&self, lot: &Subject, on: impl Fn(&Account) -> bool) -> impl Iterator<Item = i128> {
        self.changes(lot).filter_map(move |change| match change {
            C::Posting(p) if p.account.as_ref().is_some_and(&on) => Some(i128::from(p.gross_mg)),
            _ => None,
        })
    }

    /// The packages that its changes of a lot are about, of those that `pick`
    /// picks.
    pub(super) fn packages(
        &self,
        lot: &Subject,
        pick: impl Fn(&C) -> Option<(u64, u64)>,
    ) -> Vec<SerialRange> {
        let mut serials = Vec::new();
        for (first, last) in self.changes(lot).filter_map(pick) {
            ranges::insert(&mut serials, SerialRange { first, last });
        }
        serials
    }
}

fn is_own(cause: Option<&Cause>, index: u32) -> bool {
    cause.is_some_and(|c| c.event_index == index && c.parked_position.is_none())
}

/// A subject by its kind and id.
pub(super) fn named(kind: SubjectKind, id: &Bytes) -> Subject {
    Subject {
        kind: kind.into(),
        id: id.clone(),
    }
}

/// A lot.
pub(super) fn lot_of(id: &Bytes) -> Subject {
    named(SubjectKind::Lot, id)
}

/// A vessel's place.
pub(super) fn place(party: &str, code: &str) -> Subject {
    subject::place(party, code)
}

pub(super) fn lack<T>(of: &Subject, what: &'static str) -> Result<T, Lack> {
    Err(Lack {
        subject: of.clone(),
        what,
    })
}

/// That something is so, of a subject.
pub(super) fn sure(so: bool, of: &Subject, what: &'static str) -> Result<(), Lack> {
    if so { Ok(()) } else { lack(of, what) }
}

/// A mass in milligrams; what is left out is nothing. What is none could not
/// have been accepted, and agrees with nothing that is booked.
pub(super) fn mass(quantity: Option<&Quantity>) -> i128 {
    match quantity {
        None => 0,
        some => Mass::of(some, "").map_or(-1, |mass| i128::from(mass.as_mg())),
    }
}
