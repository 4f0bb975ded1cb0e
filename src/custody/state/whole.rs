//! A whole state written down and put together again, closed items too: for
//! who keeps one outside a ledger, as a verifier does. What a ledger starts
//! from is its snapshot, which is elsewhere.

use std::sync::Arc;

use super::{Key, Leaf, State, Touched};
use crate::event::Hash;

impl State {
    /// Every item, open and closed, in order of key: its encoded bytes.
    pub fn encoded_items(&self) -> impl Iterator<Item = (&Key, Arc<[u8]>)> {
        self.leaves.iter().map(|(key, leaf)| (key, leaf.bytes()))
    }

    /// A state from [`State::encoded_items`], in order of key, and what was
    /// touched since the last state record. `None` if one is no item.
    pub fn from_encoded(
        items: Vec<(Key, Arc<[u8]>)>,
        touched: Touched,
        next: u64,
        last_head: Hash,
        recorded_at_ms: i64,
    ) -> Option<State> {
        let leaf = |(key, bytes)| Some((key, Leaf::decoded(&bytes)?));
        let leaves: Option<Vec<(Key, Leaf)>> = items.into_iter().map(leaf).collect();
        let leaves = leaves?;
        let closed = leaves.iter().filter(|(_, leaf)| !leaf.is_open);
        let mut closed: Vec<(Key, u64)> =
            closed.map(|(key, leaf)| (key.clone(), leaf.last)).collect();
        // As they closed, so that they can leave memory in that order.
        closed.sort_by_key(|(_, last)| *last);
        Some(State {
            leaves: leaves.into_iter().collect(),
            closed: closed.into(),
            next,
            last_head,
            recorded_at_ms,
            touched,
        })
    }
}
