//! A state as one record meets it: each item looked up and unpacked once,
//! however many rules ask for it, and handed to the fold at the end.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Key, State};
use crate::custody::subject::{Item, Items};
use crate::pb::Subject;

/// A state before a record, seen through what has been asked of it.
pub struct Looked<'a> {
    state: &'a State,
    found: RefCell<BTreeMap<Key, Option<Arc<Item>>>>,
}

impl<'a> Looked<'a> {
    /// Nothing has been asked yet.
    pub fn at(state: &'a State) -> Looked<'a> {
        Looked {
            state,
            found: RefCell::default(),
        }
    }

    /// What was found, for [`State::apply_known`].
    pub fn known(self) -> Known {
        Known(self.found.into_inner())
    }
}

impl Items for Looked<'_> {
    fn get(&self, subject: &Subject) -> Option<Arc<Item>> {
        let mut found = self.found.borrow_mut();
        let look = |key: &Key| self.state.leaves.get(key)?.item();
        found
            .entry(Key::of(subject))
            .or_insert_with_key(look)
            .clone()
    }
}

/// Items as they stand in a state, already unpacked; made by [`Looked`] alone,
/// and of no use once that state has changed.
#[derive(Default)]
pub struct Known(BTreeMap<Key, Option<Arc<Item>>>);

impl Known {
    /// One of them, which is gone from here then.
    pub(super) fn take(&mut self, key: &Key) -> Option<Arc<Item>> {
        self.0.remove(key).flatten()
    }
}
