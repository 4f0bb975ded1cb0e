//! The audit of the refusals that are kept beside the journal: every byte read,
//! each refusal in its place and signed, and all of them held against what the
//! ledger's own records say they come to. What the files are is in the ledger's
//! `refusals/FORMAT.md`.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Audit, Problem};
use crate::event::Hash;
use crate::journal::{Damage, Header, Scanned, is_rot, scan_anywhere};
use crate::pb::RefusalsAnchored;
use crate::proof::{KeptChain, LedgerKeys};
use crate::storage::Storage;

/// What there is of kept refusals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeptReport {
    /// Refusals read, and the number of the first of them.
    pub read: u64,
    /// Number of the oldest.
    pub first: u64,
    /// How many of all are anchored in the journal.
    pub anchored: u64,
}

/// Reads the kept refusals beside a journal that has been verified, and adds
/// what is wrong with them to its problems. Nothing is done if the journal
/// itself is not whole: what it anchored is not known then.
pub fn verify_refusals<S: Storage>(storage: &S, audit: &mut Audit) {
    let Some((report, (keys, genesis_hash))) = audit.report.as_ref().zip(audit.ledger.as_ref())
    else {
        return;
    };
    let mut auditor = Auditor {
        keys,
        genesis_hash: *genesis_hash,
        anchors: &report.anchors,
        at: report
            .anchors
            .iter()
            .map(|(position, word)| (word.count, (*position, word)))
            .collect(),
        chain: None,
        began: false,
        differs: false,
        kept: KeptReport::default(),
        problems: Vec::new(),
    };
    auditor.read(storage);
    auditor.end();
    let (kept, problems) = (auditor.kept, auditor.problems);
    audit.refusals = Some(kept);
    audit.problems.extend(problems);
    audit.problems.sort_by_key(Problem::position);
}

struct Auditor<'a> {
    keys: &'a LedgerKeys,
    genesis_hash: Hash,
    anchors: &'a [(u64, RefusalsAnchored)],
    /// By how many they count.
    at: BTreeMap<u64, (u64, &'a RefusalsAnchored)>,
    /// How far it has got; `None` before the first segment and after damage.
    chain: Option<KeptChain>,
    /// A file has been met, whole or not.
    began: bool,
    /// An anchor has been found to differ: those after it do so too.
    differs: bool,
    kept: KeptReport,
    problems: Vec<Problem>,
}

impl Auditor<'_> {
    fn read<S: Storage>(&mut self, storage: &S) {
        // A folder that is not there holds none.
        let segments: Vec<String> = storage.list().unwrap_or_default();
        let last = segments.iter().filter(|name| is_segment(name)).max();
        if last.is_none() {
            return;
        }
        for scanned in scan_anywhere(storage) {
            match scanned {
                Ok(Scanned::Segment { segment, header }) => self.segment(&segment, &header),
                Ok(Scanned::Batch { batch, .. }) => {
                    for stored in &batch.records {
                        self.refusal(stored);
                    }
                }
                Err(damage) => {
                    // What was being written when the ledger was killed.
                    let torn = Some(&damage.segment) == last && !is_rot(storage, &damage);
                    if !torn {
                        self.damage(damage);
                    }
                }
                Ok(_) => {}
            }
        }
    }

    fn damage(&mut self, damage: Damage) {
        self.chain = None;
        if !self.began {
            self.kept.first = damage.position;
        }
        self.began = true;
        self.problems.push(Problem::KeptDamage(damage));
    }

    fn segment(&mut self, segment: &str, header: &Header) {
        let begins = KeptChain {
            count: header.first_position,
            hash: Hash(header.previous_head),
        };
        let sound = header.origin == self.genesis_hash.0;
        if !sound || self.chain.is_some_and(|chain| chain != begins) {
            self.problems.push(Problem::KeptSegment {
                segment: segment.to_owned(),
                number: header.first_position,
            });
        }
        if !self.began {
            self.kept.first = header.first_position;
        }
        self.began = true;
        self.chain = Some(begins);
        self.compare();
    }

    fn refusal(&mut self, stored: &Bytes) {
        let Some(chain) = &mut self.chain else {
            return;
        };
        let number = chain.count;
        self.kept.read = self.kept.read.saturating_add(1);
        if let Err(what) = chain.next_of(self.keys, self.genesis_hash, stored) {
            self.problems.push(Problem::Kept { number, what });
        }
        self.compare();
    }

    /// Whether the ledger has said something else of as many.
    fn compare(&mut self) {
        let Some(chain) = self.chain else {
            return;
        };
        let Some((position, word)) = self.at.get(&chain.count) else {
            return;
        };
        let agrees = word.hash.as_ref() == chain.hash.0;
        if !agrees && !self.differs {
            let earlier = self.at.range(..chain.count).next_back();
            self.problems.push(Problem::KeptDiffers {
                position: *position,
                from: earlier.map_or(0, |(count, _)| *count),
                count: chain.count,
            });
        }
        self.differs = !agrees;
    }

    fn end(&mut self) {
        let Some((position, word)) = self.anchors.last() else {
            return;
        };
        self.kept.anchored = word.count;
        let there = self.chain.map_or(0, |chain| chain.count);
        let first = if self.began {
            self.kept.first
        } else {
            word.count
        };
        let mut gone = |from: u64, to: u64| {
            self.problems.push(Problem::KeptGone {
                position: *position,
                from,
                to,
            });
        };
        if first > word.kept_from {
            gone(word.kept_from, first);
        }
        if there < word.count && there > 0 {
            gone(there.max(first), word.count);
        }
    }
}

/// Whether a name is a segment's: what was set aside is another's affair.
fn is_segment(name: &str) -> bool {
    name.strip_suffix(".seg")
        .is_some_and(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
}
