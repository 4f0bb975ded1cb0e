//! Statements and events: what is signed, how it is named, weighed and
//! checked before anybody looks at a ledger's state. Pure: no clock, no
//! randomness, no files; an auditor can use it without our server.

pub mod codes;
pub mod digest;
pub mod documents;
pub mod excerpt;
pub mod ids;
pub mod mass;
pub mod record;
pub mod signing;
pub mod statement;
#[cfg(test)]
mod tests;
pub mod weight;
pub mod when;

pub use codes::Refused;
pub use digest::{Hash, PartKind};
pub use ids::{ConsignmentId, DisputeId, HandoffId, KeyId, LotId, StatementId};
pub use mass::Mass;
pub use statement::Statement;
