//! The permits of evidence: each chain folded from its registration to where
//! something of the lot was drawn from it, so that a record that revoked it
//! before cannot be left out. Other events of a record that registered one may
//! be withheld, and that is told; as is who entered one without being an
//! authority of genesis: what agencies may do rests on records that are not
//! shown.

use std::collections::BTreeMap;

use super::error::BadEvidence;
use super::keys::Judged;
use super::parts::{Said, chain_link, outcome_of};
use crate::custody::Broken;
use crate::custody::apply::{self, At};
use crate::custody::registry;
use crate::custody::subject::{self, Item};
use crate::event::record::OpenRecord;
use crate::pb::event::Body;
use crate::pb::{Event, LinkKind, PartyState, PermitState, Subject, SubjectKind};

/// A permit as far as its chain is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Permit {
    pub(super) state: PermitState,
    /// Records that entered or changed it, or could have, and withhold events.
    pub(super) partly: Vec<u64>,
    /// Who says how it stands without being an authority of genesis, and in
    /// which record.
    pub(super) said_by: Option<(String, u64)>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Permits(BTreeMap<Subject, Permit>);

impl Permits {
    pub(super) fn all(&self) -> impl Iterator<Item = (&Subject, &Permit)> {
        self.0.iter()
    }

    /// Takes in what a record says of the permits whose chains it shows.
    pub(super) fn take(&mut self, record: &OpenRecord, judged: &Judged) -> Result<(), BadEvidence> {
        let links = record.links.iter().flatten();
        let chained = links.filter(|link| link.kind() == LinkKind::Chain);
        let subjects = chained.filter_map(|link| link.subject.as_ref());
        for permit in subjects.filter(|s| s.kind() == SubjectKind::Permit) {
            self.fold(record, judged, permit)?;
        }
        let changed = record.outcomes.iter().flatten();
        for permit in changed.filter_map(|outcome| outcome.subject.as_ref()) {
            let chained = chain_link(record, permit).is_some();
            if permit.kind() == SubjectKind::Permit && !chained && record.position() != 0 {
                let (position, subject) = (record.position(), subject::show(permit));
                return Err(BadEvidence::PermitLink { position, subject });
            }
        }
        Ok(())
    }

    fn fold(
        &mut self,
        record: &OpenRecord,
        judged: &Judged,
        permit: &Subject,
    ) -> Result<(), BadEvidence> {
        let position = record.position();
        let law = |broken: Broken| BadEvidence::Law {
            position,
            subject: subject::show(permit),
            broken,
        };
        let at = At {
            position,
            happened_at_ms: record.payload.happened_at_ms,
        };
        let about = |event: &&Event| registry::subjects(event).contains(permit);
        let events: Vec<&Event> = record.events.iter().flatten().filter(about).collect();
        let said = outcome_of(record, permit);
        if said == Said::Hidden || said == Said::Nothing && events.is_empty() {
            let subject = subject::show(permit);
            return Err(BadEvidence::Hidden { position, subject });
        }
        let known = self.0.entry(permit.clone()).or_default();
        if !events.is_empty() {
            let mut items = items_around(permit, &known.state, &events);
            for event in &events {
                registry::apply_event(&mut items, event, at).map_err(law)?;
            }
            if let Some(Item::Permit(state)) = items.remove(permit) {
                known.state = state;
            }
            known.note_word(record, judged, &events);
        }
        let could = !events.is_empty() || judged.by_authority();
        if could && record.events.iter().any(Option::is_none) {
            known.partly.push(position);
        }
        if known.state.registered.is_none() {
            let subject = subject::show(permit);
            return Err(BadEvidence::Unborn { position, subject });
        }
        if let Said::Outcome(outcome) = said {
            let mut item = Item::Permit(std::mem::take(&mut known.state));
            for change in &outcome.changes {
                apply::apply(&mut item, change, at).map_err(law)?;
            }
            if let Item::Permit(state) = item {
                known.state = state;
            }
        }
        known.state.last = position;
        Ok(())
    }
}

impl Permit {
    /// Notes whose word it is how the permit stands, after events about it. An
    /// authority that states it takes over nothing of what was entered before.
    fn note_word(&mut self, record: &OpenRecord, judged: &Judged, events: &[&Event]) {
        let entered = |event: &&Event| matches!(event.body, Some(Body::PermitRegistered(_)));
        if !judged.by_authority() {
            self.said_by = Some((record.payload.party.clone(), record.position()));
        } else if events.iter().any(entered) {
            self.said_by = None;
        }
    }
}

/// What the fold of an event about a permit looks at: the permit as it stands,
/// and whose it is.
fn items_around(
    permit: &Subject,
    state: &PermitState,
    events: &[&Event],
) -> BTreeMap<Subject, Item> {
    let mut items = BTreeMap::new();
    if state.registered.is_some() {
        items.insert(permit.clone(), Item::Permit(state.clone()));
    }
    for event in events {
        if let Some(Body::PermitRegistered(registered)) = &event.body {
            let holder = subject::party(&registered.party);
            items.insert(holder, Item::Party(PartyState::default()));
        }
    }
    items
}
