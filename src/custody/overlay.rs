//! Overlays: what decisions would change, kept beside the state until they
//! are durable, and dropped whole if they are lost.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::subject::{Item, Items};
use crate::pb::Subject;

/// Items as they would stand after some decisions.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    items: HashMap<Subject, Arc<Item>>,
}

impl Overlay {
    /// Puts a decision's items on top.
    pub fn absorb(&mut self, items: BTreeMap<Subject, Arc<Item>>) {
        self.items.extend(items);
    }

    /// One item.
    pub fn insert(&mut self, subject: Subject, item: Arc<Item>) {
        self.items.insert(subject, item);
    }

    /// How many items it holds.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

impl Items for Overlay {
    fn get(&self, subject: &Subject) -> Option<Arc<Item>> {
        self.items.get(subject).cloned()
    }
}

/// Several sources of items, the first that knows a subject answering: the
/// newest overlay, older ones, the state, what was brought from a store.
pub struct Layers<'a>(pub Vec<&'a dyn Items>);

impl Items for Layers<'_> {
    fn get(&self, subject: &Subject) -> Option<Arc<Item>> {
        self.0.iter().find_map(|layer| layer.get(subject))
    }
}
