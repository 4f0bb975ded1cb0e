//! Projections: what can be rebuilt from the journal at any time, kept behind
//! the writer. In a store the items that have left memory, and views that
//! answer questions the live state does not; beside it a snapshot of the open
//! items and files of ids, which a start begins from. Not here: anything that
//! is the only copy of itself.

pub mod balance;
pub mod differences;
pub mod evidence;
pub mod findings;
pub mod genealogy;
pub mod items;
pub mod labels;
pub mod maps;
pub mod projector;
pub mod recall;
pub mod references;
pub mod snapshot;
pub mod standing;
pub mod statements;
pub mod store;
pub mod trace;
pub mod tree;
pub mod view;

pub use projector::{Folded, Progress, Projection, open_items, projector};
pub use snapshot::Snapshot;
pub use standing::Standing;
pub use statements::Days;
pub use store::{Reading, Row, Size, Store, StoreError, Table, Writes};
pub use tree::{Tree, TreeError, TreeWriter};
pub use view::View;

/// Every view, in the order in which they fold a record.
pub fn views() -> Vec<Box<dyn View>> {
    vec![
        Box::new(labels::Labels),
        Box::new(references::References),
        Box::new(balance::Balance::default()),
        Box::new(differences::Differences::default()),
        Box::new(findings::Findings),
    ]
}
