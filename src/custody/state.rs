//! The live state: every open item, the chain's end, and the fold that moves
//! both. The same [`State::apply`] serves live writes, recovery and the
//! verifier.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use prost::Message as _;

use super::apply::{self, At};
use super::lot::{self, Broken};
use super::registry;
use super::subject::{self, Item, Items};
use crate::event::Hash;
use crate::event::digest::{Tag, tagged};
use crate::event::record::OpenRecord;
use crate::pb::{self, Genesis, LinkKind, Outcome, Subject, SubjectKind};

struct Leaf {
    item: Arc<Item>,
    digest: OnceLock<Hash>,
}

/// What exists now, folded from the records.
#[derive(Default)]
pub struct State {
    leaves: BTreeMap<Subject, Leaf>,
    next: u64,
    last_head: Hash,
    recorded_at_ms: i64,
    touched: BTreeMap<Subject, u64>,
}

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
        self.leaves.get(subject).map(|leaf| Arc::clone(&leaf.item))
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

    /// A state that stands after `next` records, put together from stored
    /// open items. What was touched since the last state record is told
    /// afterwards, by [`State::touch`].
    pub fn restore(
        items: impl IntoIterator<Item = (Subject, Item)>,
        next: u64,
        last_head: Hash,
        recorded_at_ms: i64,
    ) -> State {
        let leaf = |(s, item)| {
            (
                s,
                Leaf {
                    item: Arc::new(item),
                    digest: OnceLock::new(),
                },
            )
        };
        State {
            leaves: items.into_iter().map(leaf).collect(),
            next,
            last_head,
            recorded_at_ms,
            touched: BTreeMap::new(),
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

    /// All items, open and closed, in order of (kind, id).
    pub fn items(&self) -> impl Iterator<Item = (&Subject, &Arc<Item>)> {
        self.leaves.iter().map(|(s, leaf)| (s, &leaf.item))
    }

    /// All items of one kind from an id on, in order.
    pub fn items_of(
        &self,
        kind: SubjectKind,
        from: &[u8],
    ) -> impl Iterator<Item = (&Subject, &Arc<Item>)> {
        let start = Subject {
            kind: kind.into(),
            id: bytes::Bytes::copy_from_slice(from),
        };
        self.leaves
            .range(start..)
            .take_while(move |(s, _)| s.kind() == kind)
            .map(|(s, leaf)| (s, &leaf.item))
    }

    /// Genesis, once record 0 is in.
    pub fn genesis(&self) -> Option<Genesis> {
        match self.get(&subject::ledger())?.as_ref() {
            Item::Ledger(ledger) => ledger.genesis.clone(),
            _ => None,
        }
    }

    /// Subjects touched since the last state record and the position of each
    /// one's latest record.
    pub fn touched(&self) -> &BTreeMap<Subject, u64> {
        &self.touched
    }

    /// Tells a restored state that a record touched subjects.
    pub fn touch(&mut self, record: &OpenRecord) {
        if is_state_record(record) {
            self.touched.clear();
        }
        for link in record
            .links
            .iter()
            .flatten()
            .filter(|l| l.kind() == LinkKind::Chain)
        {
            self.touched
                .insert(link.subject.clone().unwrap_or_default(), record.position());
        }
    }

    /// Drops closed items whose last record is below `flushed` from memory.
    /// Returns how many went.
    pub fn evict_closed(&mut self, flushed: u64) -> usize {
        let before = self.leaves.len();
        self.leaves
            .retain(|_, leaf| subject::is_open(&leaf.item) || subject::last(&leaf.item) >= flushed);
        before - self.leaves.len()
    }

    /// BLAKE3 over the leaf digests of all open items in order of (kind, id):
    /// equal states have equal digests, on any machine.
    pub fn digest(&self) -> Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[Tag::State as u8]);
        for (subject, leaf) in &self.leaves {
            if subject::is_open(&leaf.item) {
                let digest = leaf.digest.get_or_init(|| leaf_digest(subject, &leaf.item));
                hasher.update(&digest.0);
            }
        }
        Hash(*hasher.finalize().as_bytes())
    }

    /// Folds the next record in: chain, links, registry events, outcomes,
    /// laws. On an error the state is unchanged. Returns the subjects that
    /// changed.
    pub fn apply(
        &mut self,
        record: &OpenRecord,
        fetch: Fetch<'_>,
    ) -> Result<Vec<Subject>, ApplyError> {
        self.check_chain(record)?;
        let mut changed: BTreeMap<Subject, Item> = BTreeMap::new();
        let at = At {
            position: record.position(),
            happened_at_ms: record.payload.happened_at_ms,
        };
        let mut load = |s: &Subject| {
            self.leaves
                .get(s)
                .map(|l| Arc::clone(&l.item))
                .or_else(|| fetch(s))
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
                changed.insert(subject.clone(), Item::clone(&item));
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
        for subject in links.keys() {
            match changed.get_mut(subject) {
                Some(item) => subject::set_last(item, at.position),
                None => return Err(ApplyError::Unknown(subject::show(subject))),
            }
        }
        if let Some(stray) = changed.keys().find(|s| !links.contains_key(*s)) {
            return Err(ApplyError::Unlinked(subject::show(stray)));
        }
        for (subject, item) in &changed {
            if let Item::Lot(lot) = item {
                lot::check(lot).map_err(|broken| law(subject, broken))?;
            }
        }
        super::conservation::check(record).map_err(|broken| law(&subject::ledger(), broken))?;
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

    fn commit(&mut self, record: &OpenRecord, changed: BTreeMap<Subject, Item>) -> Vec<Subject> {
        self.touch(record);
        self.next += 1;
        self.last_head = record.hash;
        self.recorded_at_ms = record.head.recorded_at_ms;
        let subjects = changed.keys().cloned().collect();
        for (subject, item) in changed {
            self.leaves.insert(
                subject,
                Leaf {
                    item: Arc::new(item),
                    digest: OnceLock::new(),
                },
            );
        }
        subjects
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

/// The chain links of a record, in order, none twice.
fn chain_links(record: &OpenRecord) -> Result<BTreeMap<Subject, Option<u64>>, ApplyError> {
    let mut links = BTreeMap::new();
    let mut order: Vec<(i32, &Subject)> = Vec::with_capacity(record.links.len());
    for link in &record.links {
        let link = link.as_ref().ok_or(ApplyError::Withheld("link"))?;
        let Some(subject) = &link.subject else {
            return Err(ApplyError::Unlinked("a link without subject".into()));
        };
        order.push((link.kind, subject));
        if link.kind() == LinkKind::Chain {
            links.insert(subject.clone(), link.previous);
        }
    }
    if !order.is_sorted_by(|a, b| a < b) {
        return Err(ApplyError::Unlinked(
            "links out of order, or one twice".into(),
        ));
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

/// The digest of one subject's item:
/// `BLAKE3(0x0a || kind u32 BE || id length u32 BE || id || Item bytes)`.
pub fn leaf_digest(subject: &Subject, item: &Item) -> Hash {
    let kind = u32::try_from(subject.kind)
        .unwrap_or_default()
        .to_be_bytes();
    let length = u32::try_from(subject.id.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    let bytes = pb::Item {
        item: Some(item.clone()),
    }
    .encode_to_vec();
    tagged(Tag::StateLeaf, &[&kind, &length, &subject.id, &bytes])
}

/// The root of the sorted Merkle map of touched subjects: leaves
/// `BLAKE3(0x0c || kind || id length || id || position u64 BE)` in order of
/// (kind, id), nodes `BLAKE3(0x0d || left || right)`, in the tree shape of
/// RFC 6962; zeros for an empty map.
pub fn touched_root(touched: &BTreeMap<Subject, u64>) -> Hash {
    let leaves: Vec<Hash> = touched
        .iter()
        .map(|(subject, position)| {
            let kind = u32::try_from(subject.kind)
                .unwrap_or_default()
                .to_be_bytes();
            let length = u32::try_from(subject.id.len())
                .unwrap_or(u32::MAX)
                .to_be_bytes();
            tagged(
                Tag::TouchedLeaf,
                &[&kind, &length, &subject.id, &position.to_be_bytes()],
            )
        })
        .collect();
    crate::event::digest::merkle_root(Tag::TouchedNode, &leaves)
}
