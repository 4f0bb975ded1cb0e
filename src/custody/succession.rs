//! Who has succeeded whom. Successions make a tree: a party has at most one
//! successor, and only a party that has none itself can succeed another, so
//! that there is no circle. A party keeps all whom it has succeeded, directly
//! and through others, so that whoever judges a signature looks at one item.

use std::collections::BTreeMap;

use super::lot::{Broken, broken};
use super::subject::{self, Item, Items};
use crate::pb::{PartyState, Subject, Succeeded};

/// Parties that one may have succeeded, through others included, at most: its
/// item stays small, and each of its signatures is checked against them.
pub const MAX_PREDECESSORS: usize = 64;

fn party(items: &dyn Items, code: &str) -> Option<PartyState> {
    match items.get(&subject::party(code))?.as_ref() {
        Item::Party(party) => Some(party.clone()),
        _ => None,
    }
}

/// Whether a party has succeeded another, directly or through others.
pub fn succeeds(items: &dyn Items, successor: &str, predecessor: &str) -> bool {
    party(items, successor).is_some_and(|p| p.predecessors.iter().any(|other| other == predecessor))
}

/// Whether a party may act on what is another's: it is that party, or has
/// succeeded it.
pub fn acts_for(items: &dyn Items, party: &str, whose: &str) -> bool {
    party == whose || succeeds(items, party, whose)
}

/// A party, its successor, that one's successor, and so on.
pub fn line(items: &dyn Items, first: &str) -> Vec<String> {
    let mut line = vec![first.to_owned()];
    let mut next = party(items, first);
    while let Some(state) = next.filter(|p| !p.succeeded_by.is_empty()) {
        if line.len() > MAX_PREDECESSORS {
            break;
        }
        next = party(items, &state.succeeded_by);
        line.push(state.succeeded_by);
    }
    line
}

/// All whom the successor has succeeded once it succeeds the predecessor too.
pub fn together(before: &PartyState, after: &PartyState, predecessor: &str) -> Vec<String> {
    let mut all = [&before.predecessors[..], &after.predecessors[..]].concat();
    all.push(predecessor.to_owned());
    all.sort_unstable();
    all.dedup();
    all
}

/// Applies a succession to the two parties.
pub(super) fn apply(items: &mut BTreeMap<Subject, Item>, e: &Succeeded) -> Result<(), Broken> {
    let subjects = [&e.predecessor, &e.successor].map(|code| subject::party(code));
    let [Some(Item::Party(before)), Some(Item::Party(after))] =
        subjects.each_ref().map(|subject| items.get(subject))
    else {
        return broken(8, "a succession of a party that is not registered");
    };
    let bad = e.predecessor == e.successor
        || !before.succeeded_by.is_empty()
        || !after.succeeded_by.is_empty();
    if bad {
        return broken(8, "a party succeeded twice, or in a circle");
    }
    let predecessors = together(before, after, &e.predecessor);
    if predecessors.len() > MAX_PREDECESSORS {
        return broken(8, "more predecessors than a party may have");
    }
    let before = PartyState {
        succeeded_by: e.successor.clone(),
        succeeded_at_ms: e.effective_at_ms,
        ..before.clone()
    };
    let after = PartyState {
        predecessors,
        ..after.clone()
    };
    let [first, second] = subjects;
    items.insert(first, Item::Party(before));
    items.insert(second, Item::Party(after));
    Ok(())
}
