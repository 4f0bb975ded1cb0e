//! Subjects: what records are about, how they are keyed, and their items.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;

use crate::event::{ConsignmentId, DisputeId, HandoffId, KeyId, LotId};
pub use crate::pb::item::Item;
use crate::pb::{
    AccountKind, DangerStatus, FindingAnswer, FindingNoted, HandoffStatus, Subject, SubjectKind,
};

fn subject(kind: SubjectKind, id: Bytes) -> Subject {
    Subject {
        kind: kind.into(),
        id,
    }
}

/// A lot.
pub fn lot(id: LotId) -> Subject {
    subject(SubjectKind::Lot, id.to_bytes())
}

/// A handoff.
pub fn handoff(id: HandoffId) -> Subject {
    subject(SubjectKind::Handoff, id.to_bytes())
}

/// A consignment.
pub fn consignment(id: ConsignmentId) -> Subject {
    subject(SubjectKind::Consignment, id.to_bytes())
}

/// A dispute.
pub fn dispute(id: DisputeId) -> Subject {
    subject(SubjectKind::Dispute, id.to_bytes())
}

/// A party, by its code.
pub fn party(code: &str) -> Subject {
    subject(SubjectKind::Party, Bytes::copy_from_slice(code.as_bytes()))
}

/// A party's site, place or unit: `party/code`.
pub fn within(kind: SubjectKind, party: &str, code: &str) -> Subject {
    subject(kind, format!("{party}/{code}").into())
}

/// A party's place.
pub fn place(party: &str, code: &str) -> Subject {
    within(SubjectKind::Place, party, code)
}

/// A key.
pub fn key(id: KeyId) -> Subject {
    subject(SubjectKind::Key, id.to_bytes())
}

/// A party's permit, by its number.
pub fn permit(party: &str, number: &str) -> Subject {
    within(SubjectKind::Permit, party, number)
}

/// A party's product, by its registration.
pub fn product(party: &str, registration: &str) -> Subject {
    within(SubjectKind::Product, party, registration)
}

/// A vehicle, by its plate or number.
pub fn vehicle(number: &str) -> Subject {
    subject(
        SubjectKind::Vehicle,
        Bytes::copy_from_slice(number.as_bytes()),
    )
}

/// A person, by commitment.
pub fn person(commitment: &Bytes) -> Subject {
    subject(SubjectKind::Person, commitment.clone())
}

/// A chemical park, by its code.
pub fn park(code: &str) -> Subject {
    subject(SubjectKind::Park, Bytes::copy_from_slice(code.as_bytes()))
}

/// A finding: the position of its record, and its number there.
pub fn finding(position: u64, index: u32) -> Subject {
    let mut id = position.to_be_bytes().to_vec();
    id.extend_from_slice(&index.to_be_bytes());
    subject(SubjectKind::Finding, id.into())
}

/// Where stock is asked of: of one party, all of it, or what is in one place or
/// in one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand<'a> {
    /// All of it.
    Party,
    /// In a place, by its code.
    Place(&'a str),
    /// In a unit, by its code.
    Unit(&'a str),
}

/// A party's stock.
pub fn stock(party: &str, stand: Stand<'_>) -> Subject {
    let id = match stand {
        Stand::Party => party.to_owned(),
        Stand::Place(place) => format!("{party}/place/{place}"),
        Stand::Unit(unit) => format!("{party}/unit/{unit}"),
    };
    subject(SubjectKind::Stock, id.into())
}

/// All rule packs.
pub fn rules() -> Subject {
    subject(SubjectKind::Rules, Bytes::new())
}

/// A hidden danger, by the id that its inspection derives.
pub fn danger(id: &Bytes) -> Subject {
    subject(SubjectKind::Danger, id.clone())
}

/// A recall, by the id that its event derives.
pub fn recall(id: &Bytes) -> Subject {
    subject(SubjectKind::Recall, id.clone())
}

/// The ledger itself.
pub fn ledger() -> Subject {
    subject(SubjectKind::Ledger, Bytes::new())
}

/// A subject for people: kind and id.
pub fn show(subject: &Subject) -> String {
    let kind = subject.kind().as_str_name();
    let kind = kind
        .strip_prefix("SUBJECT_KIND_")
        .unwrap_or(kind)
        .to_ascii_lowercase();
    match subject.kind() {
        SubjectKind::Party
        | SubjectKind::Site
        | SubjectKind::Place
        | SubjectKind::Unit
        | SubjectKind::Permit
        | SubjectKind::Product
        | SubjectKind::Vehicle
        | SubjectKind::Stock
        | SubjectKind::Park => format!("{kind} {}", String::from_utf8_lossy(&subject.id)),
        SubjectKind::Rules => kind,
        _ => format!("{kind} {}", crate::event::digest::to_hex(&subject.id)),
    }
}

/// Where items come from: the live state, an overlay on it, a store.
pub trait Items {
    /// The subject's item as it stands, if it is known here.
    fn get(&self, subject: &Subject) -> Option<Arc<Item>>;
}

/// An item seen as what it is known to be, shared with where it stands. The
/// default is one of which nothing is known.
pub struct Seen<T> {
    item: Option<Arc<Item>>,
    pick: fn(&Item) -> Option<&T>,
    nothing: T,
}

impl<T: Default> Seen<T> {
    /// An item as `pick` sees it; `None` if it is something else.
    pub fn new(item: Arc<Item>, pick: fn(&Item) -> Option<&T>) -> Option<Seen<T>> {
        pick(&item)?;
        Some(Seen {
            item: Some(item),
            pick,
            nothing: T::default(),
        })
    }
}

impl<T: Default> Default for Seen<T> {
    fn default() -> Seen<T> {
        Seen {
            item: None,
            pick: |_| None,
            nothing: T::default(),
        }
    }
}

impl<T> Deref for Seen<T> {
    type Target = T;

    fn deref(&self) -> &T {
        let item = self.item.as_deref();
        item.and_then(self.pick).unwrap_or(&self.nothing)
    }
}

/// Whether an item still matters to what can happen: matter on hand, an offer
/// or a dispute that stands, anything of the registry. Closed items are not in
/// the state digest and may leave memory.
pub fn is_open(item: &Item) -> bool {
    match item {
        Item::Lot(lot) => {
            let live = |kind: AccountKind| {
                matches!(
                    kind,
                    AccountKind::Held | AccountKind::Aboard | AccountKind::Disputed
                )
            };
            lot.balances
                .iter()
                .any(|b| b.account.as_ref().is_some_and(|a| live(a.kind())))
                || lot
                    .packages
                    .iter()
                    .any(|p| p.account.as_ref().is_some_and(|a| live(a.kind())))
                || !lot.reservations.is_empty()
        }
        Item::Handoff(h) => {
            matches!(h.status(), HandoffStatus::Open | HandoffStatus::Awaited)
        }
        Item::Consignment(c) => !c.closed,
        Item::Dispute(d) => d.gross_mg != 0 || d.contained_mg != 0 || !d.serials.is_empty(),
        Item::Recall(r) => !r.ended,
        Item::Danger(d) => d.status() != DangerStatus::Closed,
        Item::Finding(f) => {
            let answer = f.noted.as_ref().map(FindingNoted::answer);
            answer != Some(FindingAnswer::Resolved)
        }
        Item::Stock(stock) => !stock.lines.is_empty(),
        Item::Party(_)
        | Item::Site(_)
        | Item::Place(_)
        | Item::Unit(_)
        | Item::Key(_)
        | Item::Permit(_)
        | Item::Vehicle(_)
        | Item::Person(_)
        | Item::Product(_)
        | Item::Park(_)
        | Item::Rules(_)
        | Item::Ledger(_) => true,
    }
}

/// Position of the latest record in the subject's chain.
pub fn last(item: &Item) -> u64 {
    match item {
        Item::Lot(i) => i.last,
        Item::Handoff(i) => i.last,
        Item::Consignment(i) => i.last,
        Item::Dispute(i) => i.last,
        Item::Party(i) => i.last,
        Item::Site(i) => i.last,
        Item::Place(i) => i.last,
        Item::Unit(i) => i.last,
        Item::Key(i) => i.last,
        Item::Permit(i) => i.last,
        Item::Vehicle(i) => i.last,
        Item::Person(i) => i.last,
        Item::Product(i) => i.last,
        Item::Park(i) => i.last,
        Item::Rules(i) => i.last,
        Item::Recall(i) => i.last,
        Item::Danger(i) => i.last,
        Item::Finding(i) => i.last,
        Item::Stock(i) => i.last,
        Item::Ledger(i) => i.last,
    }
}

/// Sets the position of the latest record in the subject's chain.
pub fn set_last(item: &mut Item, position: u64) {
    let last = match item {
        Item::Lot(i) => &mut i.last,
        Item::Handoff(i) => &mut i.last,
        Item::Consignment(i) => &mut i.last,
        Item::Dispute(i) => &mut i.last,
        Item::Party(i) => &mut i.last,
        Item::Site(i) => &mut i.last,
        Item::Place(i) => &mut i.last,
        Item::Unit(i) => &mut i.last,
        Item::Key(i) => &mut i.last,
        Item::Permit(i) => &mut i.last,
        Item::Vehicle(i) => &mut i.last,
        Item::Person(i) => &mut i.last,
        Item::Product(i) => &mut i.last,
        Item::Park(i) => &mut i.last,
        Item::Rules(i) => &mut i.last,
        Item::Recall(i) => &mut i.last,
        Item::Danger(i) => &mut i.last,
        Item::Finding(i) => &mut i.last,
        Item::Stock(i) => &mut i.last,
        Item::Ledger(i) => &mut i.last,
    };
    *last = position;
}
