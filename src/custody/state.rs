//! The live state: every open item, the chain's end, and the fold that moves
//! both. The same [`State::apply`] serves live writes, recovery and the
//! verifier.

mod known;
mod whole;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rayon::prelude::*;

use super::apply::{self, At};
use super::key::Key;
use super::leaf::{self, Leaf};
pub use super::leaf::{StoredItem, leaf_digest};
use super::lot::{self, Broken};
use super::registry;
use super::stock::Before;
use super::subject::{self, Item, Items};
pub use super::touched::touched_root;
use crate::event::Hash;
use crate::event::digest::Tag;
use crate::event::record::OpenRecord;
use crate::pb::{self, Genesis, LinkKind, Outcome, Subject, SubjectKind};

pub use known::{Known, Looked};

/// Subjects touched since the last state record and the position of each
/// one's latest record. At most one for each subject in the records between
/// two state records.
pub type Touched = BTreeMap<Key, u64>;

/// What exists now, folded from the records.
#[derive(Default)]
pub struct State {
    leaves: BTreeMap<Key, Leaf>,
    /// Items that closed, by when: at most those that are in memory.
    closed: VecDeque<(Key, u64)>,
    next: u64,
    last_head: Hash,
    recorded_at_ms: i64,
    touched: Touched,
}

/// An item that a record has changed, as it stands after it.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Whose.
    pub subject: Subject,
    /// As it is read.
    pub item: Item,
    /// Encoded; see [`leaf::encoded`].
    pub bytes: Arc<[u8]>,
}

/// Leaves that one core digests at a time: few are done where they are, since
/// to hand them over, and to wait for cores that others have, costs more.
const DIGESTED_TOGETHER: usize = 4096;

/// Why a record does not fit the state before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// Not the next one.
    #[error("position {got} where {want} is next")]
    Position {
        /// The record's.
        got: u64,
        /// The state's next.
        want: u64,
    },
    /// Not chained to the head before it.
    #[error("previous hash is {got}, the head before has {want}")]
    Previous {
        /// The record's.
        got: Hash,
        /// The state's.
        want: Hash,
    },
    /// Recorded before its predecessor.
    #[error("recorded at {got}, before its predecessor at {want}")]
    Time {
        /// The record's, Unix milliseconds.
        got: i64,
        /// The state's.
        want: i64,
    },
    /// A link or outcome is withheld, so nothing can be folded.
    #[error("a {0} is withheld")]
    Withheld(&'static str),
    /// A link that names another position than the subject's last.
    #[error("link of {subject} says {got:?}, its chain ends at {want:?}")]
    Link {
        /// For people.
        subject: String,
        /// The link's.
        got: Option<u64>,
        /// The state's.
        want: Option<u64>,
    },
    /// Links and outcomes do not name the same subjects, once each, in order.
    #[error("links and outcomes do not match: {0}")]
    Unlinked(String),
    /// An outcome for a subject that does not exist and is not created by it.
    #[error("an outcome for {0}, which does not exist")]
    Unknown(String),
    /// A law is broken.
    #[error("{subject}: {broken}")]
    Law {
        /// For people.
        subject: String,
        /// Which and how.
        broken: Broken,
    },
}

impl Items for State {
    fn get(&self, subject: &Subject) -> Option<Arc<Item>> {
        self.leaves.get(&Key::of(subject))?.item()
    }
}

/// Where the state finds items that have left memory: closed ones, in a store.
pub type Fetch<'a> = &'a mut dyn FnMut(&Subject) -> Option<Arc<Item>>;

/// No store: everything is in memory.
pub fn nowhere(_: &Subject) -> Option<Arc<Item>> {
    None
}

impl State {
    /// Before record 0.
    pub fn new() -> State {
        State::default()
    }

    /// A state that stands after `next` records, put together from open
    /// items. What was touched since the last state record is told
    /// afterwards, by [`State::touch`].
    pub fn restore(
        items: impl IntoIterator<Item = (Subject, Item)>,
        next: u64,
        last_head: Hash,
        recorded_at_ms: i64,
    ) -> State {
        let mut state = State {
            next,
            last_head,
            recorded_at_ms,
            ..State::default()
        };
        for (subject, item) in items {
            state.put(Key::of(&subject), &item, &leaf::encoded(&item).into());
        }
        state
    }

    /// The same from items as they are stored, in order of key, in pieces: they
    /// are decoded when they are asked for.
    pub fn restore_stored(
        pieces: Vec<Vec<(Key, StoredItem)>>,
        next: u64,
        last_head: Hash,
        recorded_at_ms: i64,
    ) -> State {
        // A map that is made of all at once has full nodes, one that they are
        // put into one by one has them half full.
        let mut leaves = Vec::with_capacity(pieces.iter().map(Vec::len).sum());
        for piece in pieces {
            let leaf = |(key, stored)| (key, Leaf::stored(&stored));
            leaves.extend(piece.into_iter().map(leaf));
        }
        State {
            leaves: leaves.into_iter().collect(),
            next,
            last_head,
            recorded_at_ms,
            ..State::default()
        }
    }

    /// How many records it holds; the next one's position.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Hash of the last head; zeros before record 0.
    pub fn last_head(&self) -> Hash {
        self.last_head
    }

    /// The last record's time, Unix milliseconds; 0 before record 0.
    pub fn recorded_at_ms(&self) -> i64 {
        self.recorded_at_ms
    }

    /// Whether it has an item of a subject, open or closed.
    pub fn knows(&self, subject: &Subject) -> bool {
        self.leaves.contains_key(&Key::of(subject))
    }

    /// How many items there are, open and closed.
    pub fn len(&self) -> usize {
        self.leaves.len()
    }

    /// Whether there are none: before genesis.
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// All items, open and closed, in order of (kind, id).
    pub fn items(&self) -> impl Iterator<Item = (Subject, Arc<Item>)> {
        let item = |(key, leaf): (&Key, &Leaf)| Some((key.subject(), leaf.item()?));
        self.leaves.iter().filter_map(item)
    }

    /// All items of one kind from an id on, in order.
    pub fn items_of<'a>(
        &'a self,
        kind: SubjectKind,
        from: &[u8],
    ) -> impl Iterator<Item = (Subject, Arc<Item>)> + use<'a> {
        let kind = i32::from(kind);
        self.leaves
            .range(Key::new(kind, from)..)
            .take_while(move |(key, _)| key.kind() == kind)
            .filter_map(|(key, leaf)| Some((key.subject(), leaf.item()?)))
    }

    /// Genesis, once record 0 is in.
    pub fn genesis(&self) -> Option<Genesis> {
        match self.get(&subject::ledger())?.as_ref() {
            Item::Ledger(ledger) => ledger.genesis.clone(),
            _ => None,
        }
    }

    /// Subjects touched since the last state record.
    pub fn touched(&self) -> &Touched {
        &self.touched
    }

    /// Tells a restored state that a record touched subjects.
    pub fn touch(&mut self, record: &OpenRecord) {
        if is_state_record(record) {
            self.touched.clear();
        }
        let chained = |link: &&pb::Link| link.kind() == LinkKind::Chain;
        for link in record.links.iter().flatten().filter(chained) {
            if let Some(subject) = &link.subject {
                self.touched.insert(Key::of(subject), record.position());
            }
        }
    }

    /// Drops closed items whose last record is below `flushed` from memory.
    /// Returns how many went.
    pub fn evict_closed(&mut self, flushed: u64) -> usize {
        let before = self.leaves.len();
        while let Some((key, position)) = self.closed.pop_front_if(|(_, at)| *at < flushed) {
            // One that came back, or was touched again, has another entry.
            let gone = |leaf: &Leaf| !leaf.is_open && leaf.last == position;
            if self.leaves.get(&key).is_some_and(gone) {
                self.leaves.remove(&key);
            }
        }
        before.saturating_sub(self.leaves.len())
    }

    /// BLAKE3 over the leaf digests of all open items in order of (kind, id),
    /// stock aside, which the lots make: equal states have equal digests, on any
    /// machine.
    pub fn digest(&self) -> Hash {
        let stock = i32::from(SubjectKind::Stock);
        let counts = |key: &Key, leaf: &Leaf| leaf.is_open && key.kind() != stock;
        let open = self.leaves.iter().filter(|(key, leaf)| counts(key, leaf));
        let open: Vec<(&Key, &Leaf)> = open.collect();
        // Those that are not known yet, on all cores.
        let digests: Vec<Hash> = open
            .par_iter()
            .with_min_len(DIGESTED_TOGETHER)
            .map(|(key, leaf)| leaf.digest(key.kind(), key.id()))
            .collect();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[Tag::State as u8]);
        for digest in digests {
            hasher.update(&digest.0);
        }
        Hash(*hasher.finalize().as_bytes())
    }

    /// Folds the next record in: chain, links, registry events, outcomes,
    /// laws; then stock follows. On an error the state is unchanged. Returns what
    /// has changed, in order of subject.
    pub fn apply(
        &mut self,
        record: &OpenRecord,
        fetch: Fetch<'_>,
    ) -> Result<Vec<Changed>, ApplyError> {
        self.apply_known(record, Known::default(), fetch)
    }

    /// The same, with items that were looked up for the record before.
    pub fn apply_known(
        &mut self,
        record: &OpenRecord,
        mut known: Known,
        fetch: Fetch<'_>,
    ) -> Result<Vec<Changed>, ApplyError> {
        self.check_chain(record)?;
        let mut changed: BTreeMap<Subject, Item> = BTreeMap::new();
        let mut before = Before::default();
        let at = At {
            position: record.position(),
            happened_at_ms: record.payload.happened_at_ms,
        };
        let mut load = |s: &Subject| {
            let key = Key::of(s);
            known.take(&key).or_else(|| {
                let leaf = self.leaves.get(&key);
                leaf.map_or_else(|| fetch(s), Leaf::item)
            })
        };
        let links = chain_links(record)?;
        for (subject, previous) in &links {
            let item = load(subject);
            let last = item.as_deref().map(subject::last);
            if *previous != last {
                return Err(ApplyError::Link {
                    subject: subject::show(subject),
                    got: *previous,
                    want: last,
                });
            }
            if let Some(item) = item {
                before.note(subject, &item);
                changed.insert((*subject).clone(), Arc::unwrap_or_clone(item));
            }
        }
        check_uses(record, &mut load)?;
        for event in record.events.iter().flatten() {
            registry::apply(&mut changed, event, record)
                .map_err(|broken| law(&subject::ledger(), broken))?;
        }
        for outcome in &record.outcomes {
            let outcome = outcome.as_ref().ok_or(ApplyError::Withheld("outcome"))?;
            apply_outcome(&mut changed, outcome, at)?;
        }
        // Both are in order: of each link there is an item, and no other.
        let mut linked = links.iter().map(|(subject, _)| *subject);
        for (subject, item) in &mut changed {
            match linked.next() {
                Some(link) if link == subject => subject::set_last(item, at.position),
                Some(link) if link < subject => {
                    return Err(ApplyError::Unknown(subject::show(link)));
                }
                _ => return Err(ApplyError::Unlinked(subject::show(subject))),
            }
        }
        if let Some(link) = linked.next() {
            return Err(ApplyError::Unknown(subject::show(link)));
        }
        for (subject, item) in &changed {
            if let Item::Lot(lot) = item {
                lot::check(lot).map_err(|broken| law(subject, broken))?;
            }
        }
        super::conservation::check(record).map_err(|broken| law(&subject::ledger(), broken))?;
        let moves = before
            .moves(changed.iter(), self)
            .map_err(|broken| law(&subject::ledger(), broken))?;
        changed.extend(moves.into_iter().map(|moved| {
            let item = moved.item(at.position);
            (moved.subject, item)
        }));
        Ok(self.commit(record, changed))
    }

    fn check_chain(&self, record: &OpenRecord) -> Result<(), ApplyError> {
        let head = &record.head;
        if head.position != self.next {
            return Err(ApplyError::Position {
                got: head.position,
                want: self.next,
            });
        }
        let previous = Hash::from_slice(&head.previous).unwrap_or_default();
        if previous != self.last_head || head.previous.len() != 32 {
            return Err(ApplyError::Previous {
                got: previous,
                want: self.last_head,
            });
        }
        if head.recorded_at_ms < self.recorded_at_ms {
            return Err(ApplyError::Time {
                got: head.recorded_at_ms,
                want: self.recorded_at_ms,
            });
        }
        Ok(())
    }

    fn commit(&mut self, record: &OpenRecord, changed: BTreeMap<Subject, Item>) -> Vec<Changed> {
        self.touch(record);
        self.next += 1;
        self.last_head = record.hash;
        self.recorded_at_ms = record.head.recorded_at_ms;
        let mut buffer = Vec::new();
        let put = |(subject, item): (Subject, Item)| {
            let bytes = leaf::packed(&item, &mut buffer);
            self.put(Key::of(&subject), &item, &bytes);
            Changed {
                subject,
                item,
                bytes,
            }
        };
        changed.into_iter().map(put).collect()
    }

    fn put(&mut self, key: Key, item: &Item, bytes: &Arc<[u8]>) {
        let leaf = Leaf::new(item, bytes);
        if !leaf.is_open {
            self.closed.push_back((key.clone(), leaf.last));
        }
        self.leaves.insert(key, leaf);
    }
}

fn law(subject: &Subject, broken: Broken) -> ApplyError {
    ApplyError::Law {
        subject: subject::show(subject),
        broken,
    }
}

fn is_state_record(record: &OpenRecord) -> bool {
    let recorded = |e: &pb::Event| matches!(e.body, Some(pb::event::Body::StateRecorded(_)));
    record.events.iter().flatten().any(recorded)
}

/// The chain links of a record: subjects in order, none twice, and the
/// position that each says its chain ended at.
fn chain_links(record: &OpenRecord) -> Result<Vec<(&Subject, Option<u64>)>, ApplyError> {
    let mut links = Vec::with_capacity(record.links.len());
    let mut before = None;
    for link in &record.links {
        let link = link.as_ref().ok_or(ApplyError::Withheld("link"))?;
        let Some(subject) = &link.subject else {
            return Err(ApplyError::Unlinked("a link without subject".into()));
        };
        let at = Some((link.kind, subject));
        if at <= before {
            return Err(ApplyError::Unlinked(
                "links out of order, or one twice".into(),
            ));
        }
        before = at;
        if link.kind() == LinkKind::Chain {
            links.push((subject, link.previous));
        }
    }
    Ok(links)
}

fn check_uses(
    record: &OpenRecord,
    load: &mut dyn FnMut(&Subject) -> Option<Arc<Item>>,
) -> Result<(), ApplyError> {
    // Record 0 is signed with keys that it registers itself.
    if record.position() == 0 {
        return Ok(());
    }
    for link in record
        .links
        .iter()
        .flatten()
        .filter(|l| l.kind() != LinkKind::Chain)
    {
        let subject = link.subject.clone().unwrap_or_default();
        let want = load(&subject).as_deref().map(subject::last);
        if want != link.previous || want.is_none() {
            return Err(ApplyError::Link {
                subject: subject::show(&subject),
                got: link.previous,
                want,
            });
        }
    }
    Ok(())
}

fn apply_outcome(
    changed: &mut BTreeMap<Subject, Item>,
    outcome: &Outcome,
    at: At,
) -> Result<(), ApplyError> {
    let subject = outcome.subject.clone().unwrap_or_default();
    for change in &outcome.changes {
        if !changed.contains_key(&subject) {
            let born = apply::birth(change, at)
                .ok_or_else(|| ApplyError::Unknown(subject::show(&subject)))?;
            changed.insert(subject.clone(), born);
        }
        if let Some(item) = changed.get_mut(&subject) {
            apply::apply(item, change, at).map_err(|broken| law(&subject, broken))?;
        }
    }
    Ok(())
}
