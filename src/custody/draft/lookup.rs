//! Looking items up by what they are, as they stand in the draft.

use super::Draft;

use crate::custody::subject::{self, Item, Seen};
use crate::event::{ConsignmentId, DisputeId, HandoffId, LotId};
use crate::pb::{
    ConsignmentState, DisputeState, HandoffState, LotState, PartyState, PermitState, PlaceState,
};
impl Draft<'_> {
    /// A lot.
    pub fn lot(&self, id: LotId) -> Option<Seen<LotState>> {
        Seen::new(self.item(&subject::lot(id))?, |item| match item {
            Item::Lot(it) => Some(it),
            _ => None,
        })
    }

    /// A handoff.
    pub fn handoff(&self, id: HandoffId) -> Option<Seen<HandoffState>> {
        Seen::new(self.item(&subject::handoff(id))?, |item| match item {
            Item::Handoff(it) => Some(it),
            _ => None,
        })
    }

    /// A consignment.
    pub fn consignment(&self, id: ConsignmentId) -> Option<Seen<ConsignmentState>> {
        Seen::new(self.item(&subject::consignment(id))?, |item| match item {
            Item::Consignment(it) => Some(it),
            _ => None,
        })
    }

    /// A dispute.
    pub fn dispute(&self, id: DisputeId) -> Option<Seen<DisputeState>> {
        Seen::new(self.item(&subject::dispute(id))?, |item| match item {
            Item::Dispute(it) => Some(it),
            _ => None,
        })
    }

    /// A party.
    pub fn party(&self, code: &str) -> Option<Seen<PartyState>> {
        Seen::new(self.item(&subject::party(code))?, |item| match item {
            Item::Party(it) => Some(it),
            _ => None,
        })
    }

    /// A party's permit, by its number.
    pub fn permit(&self, party: &str, number: &str) -> Option<Seen<PermitState>> {
        let item = self.item(&subject::permit(party, number))?;
        Seen::new(item, |item| match item {
            Item::Permit(it) => Some(it),
            _ => None,
        })
    }

    /// A party's place.
    pub fn place(&self, party: &str, code: &str) -> Option<Seen<PlaceState>> {
        Seen::new(
            self.item(&subject::place(party, code))?,
            |item| match item {
                Item::Place(it) => Some(it),
                _ => None,
            },
        )
    }
}
