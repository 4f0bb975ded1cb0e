//! Custody: whose matter is where. Accounts and postings, packages, handoffs,
//! consignments, disputes, the registry; [`decide()`] judges a statement on a
//! state, [`State`] folds what was decided. Pure: time comes in as an
//! argument, items through [`Items`]; no files, no clock, no threads.

pub mod account;
pub mod anchor;
pub mod apply;
pub mod blend;
pub(crate) mod conservation;
pub mod decide;
pub mod device;
pub mod draft;
pub mod key;
pub mod lapse;
pub mod leaf;
pub mod lot;
pub mod overdue;
pub mod overlay;
pub mod oversight;
pub mod packaging;
pub mod permit;
pub mod ranges;
pub mod registry;
pub mod rotation;
pub mod rules;
pub mod state;
pub mod stock;
pub mod subject;
pub mod succession;
#[cfg(test)]
mod tests;
pub mod touched;

pub use decide::{Context, Decision, Recorded, decide};
pub use key::Key;
pub use lot::{Amount, Broken};
pub use overlay::{Layers, Overlay};
pub use state::{ApplyError, State};
pub use subject::{Item, Items};
