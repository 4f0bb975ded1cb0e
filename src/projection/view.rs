//! What a view is: something folded from the records that could be folded
//! again. Not here: any one view, nor where its rows are kept.

use super::projector::Folded;
use super::store::{Store, StoreError, Writes};

/// A view of the records: rows in a table of its own, and what it must
/// remember between records to write them.
pub trait View: Send {
    /// Its name, for messages.
    fn name(&self) -> &'static str;

    /// Remembers what it needs from the rows it wrote before; called once,
    /// before the first [`View::fold`].
    fn load(&mut self, store: &Store) -> Result<(), StoreError>;

    /// Folds one committed record; called once for each, in order. The writes
    /// become visible together with the records' position. It cannot fail: a
    /// record that has been committed is never refused here.
    fn fold(&mut self, folded: &Folded, writes: &mut Writes);

    /// Writes what is written once for many records: called before writes go
    /// in that hold all records before `next`.
    fn finish(&mut self, _next: u64, _writes: &mut Writes) {}
}
