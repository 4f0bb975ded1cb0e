//! Permits, vehicles, persons, products, parks, stock and hidden dangers by the
//! page, and the rule packs.

use super::errors::Fault;
use super::registry::page_size;
use crate::custody::{Item, Items as _, State, subject};
use crate::pb::{
    self, GetEntryResponse, GetRulesResponse, ListEntriesRequest, ListEntriesResponse, SubjectKind,
};

/// Entries that are looked at for one page, at most: to find one party's among
/// all, the live state is not held for longer.
const MAX_SEEN: usize = 10_000;

/// The kind asked for.
pub(super) fn kind(request: &ListEntriesRequest) -> Result<SubjectKind, Fault> {
    use SubjectKind as K;
    match request.kind() {
        kind @ (K::Permit
        | K::Vehicle
        | K::Person
        | K::Product
        | K::Park
        | K::Stock
        | K::Danger) => Ok(kind),
        _ => Err(Fault::invalid(
            "kind",
            "permits, vehicles, persons, products, parks, stock or dangers",
        )),
    }
}

/// Whose an entry is; nobody's: empty.
fn owner(item: &Item) -> &str {
    match item {
        Item::Permit(i) => i.registered.as_ref().map_or("", |r| &r.party),
        Item::Vehicle(i) => i.registered.as_ref().map_or("", |r| &r.party),
        Item::Person(i) => i.registered.as_ref().map_or("", |r| &r.party),
        Item::Product(i) => i.registered.as_ref().map_or("", |r| &r.party),
        Item::Danger(i) => i.opened.as_ref().map_or("", |opened| &opened.party),
        Item::Stock(i) => &i.party,
        _ => "",
    }
}

/// A page of entries.
pub(super) fn page(
    state: &State,
    kind: SubjectKind,
    request: &ListEntriesRequest,
) -> ListEntriesResponse {
    let size = page_size(request.page_size);
    let mut answer = ListEntriesResponse {
        as_of: state.next(),
        ..ListEntriesResponse::default()
    };
    let all = state.items_of(kind, &request.after);
    let beyond = |(subject, _): &(pb::Subject, _)| subject.id == request.after;
    for (seen, (subject, item)) in all.skip_while(beyond).enumerate() {
        if seen >= MAX_SEEN || answer.items.len() >= size {
            return answer;
        }
        let asked = request.party.is_empty() || request.party == owner(&item);
        // One that is closed is there for a while yet.
        if asked && subject::is_open(&item) {
            let item = Some(Item::clone(&item));
            answer.items.push(pb::Item { item });
            answer.subjects.push(subject.clone());
        }
        answer.next = subject.id;
    }
    answer.next.clear();
    answer
}

/// The entry asked for.
pub(super) fn named(subject: Option<pb::Subject>) -> Result<pb::Subject, Fault> {
    use SubjectKind as K;
    let subject = subject.ok_or_else(|| Fault::invalid("subject", "one is wanted"))?;
    match subject.kind() {
        K::Party
        | K::Site
        | K::Place
        | K::Unit
        | K::Permit
        | K::Vehicle
        | K::Person
        | K::Product
        | K::Park => Ok(subject),
        _ => Err(Fault::invalid("subject.kind", "an entry of the registry")),
    }
}

/// One entry, if it is registered.
pub(super) fn one(state: &State, subject: &pb::Subject) -> GetEntryResponse {
    let item = state.get(subject);
    GetEntryResponse {
        as_of: state.next(),
        item: item.map(|item| pb::Item {
            item: Some(Item::clone(&item)),
        }),
    }
}

/// All rule packs.
pub(super) fn rules(state: &State) -> GetRulesResponse {
    let rules = match state.get(&subject::rules()).as_deref() {
        Some(Item::Rules(rules)) => rules.clone(),
        _ => pb::RulesState::default(),
    };
    GetRulesResponse {
        as_of: state.next(),
        rules: Some(rules),
    }
}
