//! Which records evidence shows, and which parts of them: every chain that is
//! needed, from where it is needed back to its beginning; of every record on
//! the way the links to the keys that signed it and to the packs that judged
//! it, and their chains.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;

use super::show;
use super::{EvidenceError, Evident, broken, open};
use crate::custody::subject;
use crate::event::record::OpenRecord;
use crate::pb::{LinkKind, Subject, SubjectKind};
use crate::projection::trace::MAX_CHAIN;
use crate::proof::evidence::MAX_EVIDENCE_RECORDS;
use crate::proof::evidence::parts::chain_link;

/// The parts of a record that are shown, by their indices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) events: BTreeSet<usize>,
    pub(super) links: BTreeSet<usize>,
    pub(super) outcomes: BTreeSet<usize>,
    pub(super) findings: BTreeSet<usize>,
}

impl Parts {
    /// All of a record.
    fn whole(record: &OpenRecord) -> Parts {
        Parts {
            events: (0..record.events.len()).collect(),
            links: (0..record.links.len()).collect(),
            outcomes: (0..record.outcomes.len()).collect(),
            findings: (0..record.findings.len()).collect(),
        }
    }
}

/// Chains that are still to be followed, each back from a position.
pub(super) type Wanted = VecDeque<(Subject, u64)>;

/// The choice in the making.
pub(super) struct Selection<'a> {
    source: &'a dyn Evident,
    lot: &'a Subject,
    chosen: BTreeMap<u64, Parts>,
    /// From where each chain has been followed.
    covered: BTreeMap<Subject, u64>,
    wanted: Wanted,
    /// The parties that genesis names.
    authorities: BTreeSet<Bytes>,
}

impl Selection<'_> {
    /// Everything that evidence for a lot shows, its last record at `last`, with
    /// the state records at these positions.
    pub(super) fn of(
        source: &dyn Evident,
        lot: &Subject,
        last: u64,
        states: &[u64],
    ) -> Result<BTreeMap<u64, Parts>, EvidenceError> {
        let mut selection = Selection {
            source,
            lot,
            chosen: BTreeMap::new(),
            covered: BTreeMap::new(),
            wanted: VecDeque::from([(lot.clone(), last)]),
            authorities: BTreeSet::new(),
        };
        let genesis = open(source, 0)?;
        selection.chosen.insert(0, Parts::whole(&genesis));
        let named = genesis.links.iter().flatten();
        let parties = named.filter_map(|link| link.subject.clone());
        let parties = parties.filter(|s| s.kind() == SubjectKind::Party);
        selection.authorities.extend(parties.map(|party| party.id));
        for position in states {
            let record = open(source, *position)?;
            let parts = selection.visit(&record)?;
            parts.events.extend(0..record.events.len());
        }
        while let Some((subject, from)) = selection.wanted.pop_front() {
            selection.follow(&subject, from)?;
        }
        Ok(selection.chosen)
    }

    /// Takes a record in, with its links to what it used.
    fn visit(&mut self, record: &OpenRecord) -> Result<&mut Parts, EvidenceError> {
        let position = record.position();
        if !self.chosen.contains_key(&position) {
            if self.chosen.len() >= MAX_EVIDENCE_RECORDS {
                return Err(EvidenceError::TooMany);
            }
            let mut parts = Parts::default();
            for (at, link) in record.links.iter().enumerate() {
                let Some(link) = link else { continue };
                let used = link.kind() == LinkKind::Use;
                if let (Some(subject), Some(previous), true) = (&link.subject, link.previous, used)
                {
                    parts.links.insert(at);
                    self.wanted.push_back((subject.clone(), previous));
                }
            }
            self.chosen.insert(position, parts);
        }
        Ok(self.chosen.entry(position).or_default())
    }

    /// Follows a chain back from a position to its beginning, or to where it has
    /// been followed before.
    fn follow(&mut self, subject: &Subject, from: u64) -> Result<(), EvidenceError> {
        let covered = self.covered.get(subject).copied();
        if covered.is_some_and(|covered| covered >= from) {
            return Ok(());
        }
        self.covered.insert(subject.clone(), from);
        let mut next = Some(from);
        let mut count = 0;
        while let Some(position) = next.filter(|position| Some(*position) > covered) {
            if count == MAX_CHAIN {
                return Err(EvidenceError::TooLong(subject::show(subject)));
            }
            count += 1;
            let record = open(self.source, position)?;
            let link = chain_link(&record, subject);
            let (at, link) = link.ok_or_else(|| broken(subject, position))?;
            if link.previous.is_some_and(|previous| previous >= position) {
                return Err(broken(subject, position));
            }
            next = link.previous;
            self.visit(&record)?.links.insert(at);
            self.show(subject, &record)?;
        }
        Ok(())
    }

    /// Shows what a record of its chain says of a subject.
    fn show(&mut self, subject: &Subject, record: &OpenRecord) -> Result<(), EvidenceError> {
        let position = record.position();
        if position == 0 {
            return Ok(());
        }
        let mut wanted = Wanted::new();
        let mut facts = Vec::new();
        let parts = self.chosen.entry(position).or_default();
        match subject.kind() {
            SubjectKind::Lot => {
                show::lot(record, subject, parts, &mut wanted);
                if subject == self.lot {
                    facts = show::lot_whole(record, subject, parts, &mut wanted);
                }
            }
            SubjectKind::Key => {
                let party = record.payload.party.as_bytes();
                show::key(record, subject, self.authorities.contains(party), parts);
            }
            SubjectKind::Permit => {
                show::registered(record, subject, parts);
                show::outcome(record, subject, parts);
            }
            _ => show::registered(record, subject, parts),
        }
        // What is shown of a permit is shown with its chain.
        for at in &parts.outcomes {
            let outcome = record.outcomes.get(*at).and_then(Option::as_ref);
            let changed = outcome.and_then(|outcome| outcome.subject.clone());
            let permit = changed.filter(|s| s.kind() == SubjectKind::Permit);
            wanted.extend(permit.map(|permit| (permit, position)));
        }
        self.wanted.append(&mut wanted);
        for (parked, index) in facts {
            let fact = open(self.source, parked)?;
            if index < fact.events.len() {
                self.visit(&fact)?.events.insert(index);
            }
        }
        Ok(())
    }
}
