//! Evidence: what the ledger says of one lot, checked with the ledger's
//! verifier key alone. Heads under one checkpoint, the parts that concern the
//! lot against their digests, every statement's signatures by keys whose
//! registration is shown, the chain of the lot and of what it was made of back
//! to birth, and that nothing came after.
//!
//! What this is not: a whole verification. It cannot tell that the ledger
//! decided rightly, nor that its links name what they should; whoever verifies
//! the whole ledger does. So it says three things apart: what is proven, what
//! somebody says, and what is not shown.
//!
//! | file | what it checks |
//! |---|---|
//! | `read` | how many of everything there are, before it is decoded |
//! | `order` | what records show of each other, one after another |
//! | `parts` | what a record shows of one subject, and what it may hide |
//! | `keys` | the keys behind the signatures |
//! | `lots` | the lots, folded, and who gave them what |
//! | `handoffs` | who took what whom had offered |
//! | `permits` | the permits, folded |
//! | `beside` | that nothing else is shown |
//! | `after` | that a lot's last record is its last |
//! | `report` | what it comes to, in words |

mod after;
mod beside;
mod error;
mod handoffs;
mod keys;
mod lots;
mod order;
pub mod parts;
mod permits;
mod read;
mod report;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use prost::Message as _;
use rayon::prelude::*;

use self::keys::{Judged, Keys};
use self::lots::Lots;
use self::order::Order;
use self::permits::Permits;
use super::checkpoint::{Checkpoint, open_checkpoint};
use super::note::VerifierKey;
use super::policy::{Cosigned, Policy};
use super::tree::{TreeHash, check_inclusion};
use super::verify::opened::{self, Opened};
use super::verify::{Expect, Violation, genesis, ids};
use crate::custody::subject;
use crate::event::documents::{NamedDocument, documents_of};
use crate::event::record::OpenRecord;
use crate::event::signing::{PublicKey, Purpose};
use crate::event::{Hash, LotId};
use crate::pb::{Evidence, LinkKind, LotState, Subject};

pub use after::{After, state_records_after};
pub use error::BadEvidence;
pub use report::{Point, Points, plain};

/// The format's version.
pub const EVIDENCE_VERSION: u32 = 1;
/// Records of evidence, at most.
pub const MAX_EVIDENCE_RECORDS: usize = 50_000;
/// Maps of evidence, at most: as many state records after the lot's last record.
pub const MAX_MAPS: usize = 10_000;
/// Documents enclosed, at most.
pub const MAX_DOCUMENTS: usize = 1_000;
/// Bytes of evidence without its documents, at most.
pub const MAX_EVIDENCE: usize = 64 * 1024 * 1024;
/// Bytes of evidence with its documents, at most.
pub const MAX_EVIDENCE_FILE: usize = 256 * 1024 * 1024;

/// Evidence that holds.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Of which lot.
    pub lot: LotId,
    /// Of which ledger: the head hash of its record 0.
    pub genesis_hash: Hash,
    /// Under which checkpoint.
    pub checkpoint: Checkpoint,
    /// The cosignatures that the policy knows; none without a policy.
    pub cosigned: Vec<Cosigned>,
    /// The records, with the parts that are shown.
    pub records: BTreeMap<u64, OpenRecord>,
    /// The lot as its outcomes fold.
    pub state: LotState,
    /// How far its last record is known to be its last.
    pub after: After,
    /// The lots that it was made of, and those that they were.
    pub ancestors: Vec<(LotId, LotState)>,
    /// Documents that the events shown name, and whether they are enclosed.
    pub documents: Vec<(NamedDocument, bool)>,
    /// What it comes to.
    pub points: Points,
}

/// Reads evidence as it is kept in a file.
pub fn read_evidence(bytes: Bytes) -> Result<Evidence, BadEvidence> {
    bounded("bytes", bytes.len(), MAX_EVIDENCE_FILE)?;
    read::look_over(&bytes)?;
    Evidence::decode(bytes).map_err(|error| BadEvidence::NotEvidence(error.to_string()))
}

/// Checks evidence: the checkpoint must be signed by `key`, and satisfy the
/// policy if there is one.
pub fn check_evidence(
    evidence: &Evidence,
    key: &VerifierKey,
    policy: Option<&Policy>,
) -> Result<Checked, BadEvidence> {
    if evidence.version != EVIDENCE_VERSION {
        return Err(BadEvidence::Version(evidence.version));
    }
    bounded("records", evidence.records.len(), MAX_EVIDENCE_RECORDS)?;
    bounded("maps", evidence.maps.len(), MAX_MAPS)?;
    bounded("documents", evidence.documents.len(), MAX_DOCUMENTS)?;
    let lot = LotId::from_slice(&evidence.lot).ok_or(BadEvidence::Lot(evidence.lot.len()))?;
    let (checkpoint, note) = open_checkpoint(&evidence.checkpoint, key)?;
    let cosigned = policy
        .map(|policy| policy.satisfied_by(&note))
        .transpose()?;
    let opened = open(evidence, &checkpoint)?;
    let walked = walk(&opened, &checkpoint, key.public())?;
    let subject = subject::lot(lot);
    let shown = walked.lots.get(&subject).ok_or(BadEvidence::NoChain)?;
    let last = shown.state.last;
    let records: BTreeMap<u64, &OpenRecord> = opened
        .iter()
        .map(|opened| (opened.record.position(), &opened.record))
        .collect();
    let causes = causes_of(&records, &subject, &shown.positions)?;
    let own: BTreeMap<u64, &OpenRecord> = records
        .iter()
        .filter(|(position, _)| walked.own.contains(position))
        .map(|(position, record)| (*position, *record))
        .collect();
    let ground = after::Ground {
        key: key.public(),
        genesis_hash: walked.genesis_hash,
        checkpoint: &checkpoint,
        interval: walked.interval,
        own: &own,
    };
    let after = after::check(evidence, &ground, &subject, last)?;
    let handoffs = handoffs::handoffs(&records, &causes)?;
    let documents = check_documents(evidence, &records)?;
    let made_of = walked.lots.ancestors(&subject)?;
    let lots = made_of.iter().map(|(other, _)| (*other).clone());
    let apart = causes.iter().map(|(position, _)| *position);
    let apart = apart.chain(evidence.maps.iter().map(|map| map.state_record));
    beside::check(&records, lots.chain([subject.clone()]), apart)?;
    let ancestors = made_of
        .into_iter()
        .filter_map(|(other, shown)| Some((LotId::from_slice(&other.id)?, shown.state.clone())))
        .collect();
    let mut checked = Checked {
        lot,
        genesis_hash: walked.genesis_hash,
        cosigned: cosigned.unwrap_or_default(),
        state: shown.state.clone(),
        after,
        ancestors,
        documents,
        points: Points::default(),
        checkpoint,
        records: BTreeMap::new(),
    };
    let seen = report::Seen {
        records: &records,
        chain: &shown.positions,
        permits: &walked.permits,
        handoffs: &handoffs,
        with_policy: policy.is_some(),
        key_named: walked.key_named,
    };
    checked.points = report::points(&checked, &seen);
    checked.records = opened
        .into_iter()
        .map(|opened| (opened.record.position(), opened.record))
        .collect();
    Ok(checked)
}

fn bounded(what: &'static str, count: usize, most: usize) -> Result<(), BadEvidence> {
    if count > most {
        return Err(BadEvidence::TooMany { what, count, most });
    }
    Ok(())
}

/// Opens the records, all cores at once: parts against digests, heads against
/// the checkpoint's root, positions in order.
fn open(evidence: &Evidence, checkpoint: &Checkpoint) -> Result<Vec<Opened>, BadEvidence> {
    let one = |(number, held): (usize, &crate::pb::EvidenceRecord)| {
        let record = held.record.as_ref().ok_or(BadEvidence::Empty(number))?;
        let bytes = Bytes::from(record.encode_to_vec());
        let opened = opened::open(&bytes).map_err(|what| {
            let position = OpenRecord::from_parts(record.clone()).map_or(0, |r| r.position());
            broken(position, what)
        })?;
        let position = opened.record.position();
        let size = checkpoint.size;
        if position >= size {
            return Err(BadEvidence::Beyond { position, size });
        }
        let path = held.path.iter().map(|hash| TreeHash::from_slice(hash));
        let path: Option<Vec<TreeHash>> = path.collect();
        let leads = path.is_some_and(|path| {
            check_inclusion(opened.leaf, position, size, &path, checkpoint.root).is_ok()
        });
        if leads {
            Ok(opened)
        } else {
            Err(BadEvidence::Path(position))
        }
    };
    let numbered = evidence.records.par_iter().enumerate();
    let opened: Vec<Result<Opened, BadEvidence>> = numbered.map(one).collect();
    let opened: Vec<Opened> = opened.into_iter().collect::<Result<_, _>>()?;
    for pair in opened.windows(2) {
        if let [before, after] = pair {
            let (before, position) = (before.record.position(), after.record.position());
            if before >= position {
                return Err(BadEvidence::Order { position, before });
            }
        }
    }
    Ok(opened)
}

fn broken(position: u64, what: Violation) -> BadEvidence {
    let what = Box::new(what);
    BadEvidence::Record { position, what }
}

/// What the records come to, in order.
struct Walked {
    genesis_hash: Hash,
    interval: u64,
    lots: Lots,
    permits: Permits,
    /// Positions of records that the ledger alone signed.
    own: BTreeSet<u64>,
    /// Whether the key that the checkpoint is signed with is named here.
    key_named: bool,
}

fn walk(
    opened: &[Opened],
    checkpoint: &Checkpoint,
    key: &PublicKey,
) -> Result<Walked, BadEvidence> {
    let (first, rest) = opened.split_first().ok_or(BadEvidence::NoGenesis)?;
    if first.record.position() != 0 {
        return Err(BadEvidence::NoGenesis);
    }
    let ledger = genesis::check(first, &Expect::default()).map_err(|what| broken(0, what))?;
    if ledger.origin_name != checkpoint.origin {
        return Err(BadEvidence::Origin {
            checkpoint: checkpoint.origin.clone(),
            records: ledger.origin_name,
        });
    }
    let threshold = ledger.genesis.root_threshold;
    let mut keys = Keys::new(&first.record, ledger.keys.clone(), threshold);
    let mut order = Order::new(&first.record);
    let mut walked = Walked {
        genesis_hash: ledger.genesis_hash,
        interval: ledger.genesis.state_record_interval,
        lots: Lots::default(),
        permits: Permits::default(),
        own: BTreeSet::new(),
        key_named: false,
    };
    let mut ends = BTreeMap::new();
    follow(&first.record, &mut ends)?;
    let mut signed = Vec::with_capacity(rest.len());
    for opened in rest {
        let record = &opened.record;
        let position = record.position();
        let origin = record.payload.origin.as_ref();
        ledger
            .check_origin(origin)
            .and_then(|()| ids::check_times(&record.payload, opened.id, record.head.recorded_at_ms))
            .map_err(|what| broken(position, what))?;
        order.take(record, opened.id)?;
        let judged = keys.judge(opened)?;
        follow(record, &mut ends)?;
        keys.take(record, &judged)?;
        walked.lots.take(record)?;
        walked.permits.take(record, &judged)?;
        if judged.ledger_alone() {
            walked.own.insert(position);
        }
        signed.push((record, judged));
    }
    check_signatures(&signed)?;
    walked.key_named = keys.check_checkpoint(key, checkpoint.size)?;
    Ok(walked)
}

/// Each link that is shown leads to the last record of its chain among those
/// that are here; none leads to what is left out.
fn follow(record: &OpenRecord, ends: &mut BTreeMap<Subject, u64>) -> Result<(), BadEvidence> {
    let position = record.position();
    let mut chained = Vec::new();
    for link in record.links.iter().flatten() {
        let subject = link.subject.clone().unwrap_or_default();
        let last = ends.get(&subject).copied();
        if let Some(wanted) = link.previous.filter(|wanted| last != Some(*wanted)) {
            let subject = subject::show(&subject);
            return Err(BadEvidence::LeftOut {
                position,
                subject,
                wanted,
            });
        }
        let chain = link.kind() == LinkKind::Chain;
        // Record 0 is signed with keys that it registers itself.
        if link.previous.is_none() && (last.is_some() || !chain) && position != 0 {
            let subject = subject::show(&subject);
            return Err(BadEvidence::Link {
                position,
                subject,
                last,
            });
        }
        if chain {
            chained.push(subject);
        }
    }
    ends.extend(chained.into_iter().map(|subject| (subject, position)));
    Ok(())
}

/// All signatures, on all cores, one by one and strictly; of several that fail
/// the first in order.
fn check_signatures(signed: &[(&OpenRecord, Judged)]) -> Result<(), BadEvidence> {
    let check = |(record, judged): &(&OpenRecord, Judged)| {
        let signatures = record.head.signatures.iter().zip(&judged.keys);
        let fails = |(signature, key): &(&crate::pb::Signature, &Arc<PublicKey>)| {
            let payload = &record.head.payload;
            !key.verifies(Purpose::Statement, payload, &signature.signature)
        };
        let failed = signatures.into_iter().find(fails);
        failed.map(|(_, key)| broken(record.position(), Violation::Signature(key.id())))
    };
    let failed: Vec<Option<BadEvidence>> = signed.par_iter().map(check).collect();
    failed.into_iter().flatten().next().map_or(Ok(()), Err)
}

/// The events that the lot's outcomes came of, by position and index. Those of
/// earlier records, which were parked, are there.
fn causes_of(
    records: &BTreeMap<u64, &OpenRecord>,
    lot: &Subject,
    positions: &[u64],
) -> Result<BTreeSet<(u64, usize)>, BadEvidence> {
    let mut all = BTreeSet::new();
    for position in positions {
        let causes = records.get(position).map(|r| parts::causes(r, lot));
        for (parked, index) in causes.into_iter().flatten() {
            let fact = records.get(&parked).and_then(|r| r.events.get(index));
            let there = parked < *position && matches!(fact, Some(Some(_)));
            if parked != *position && !there {
                let position = *position;
                return Err(BadEvidence::Parked { position, parked });
            }
            all.insert((parked, index));
        }
    }
    Ok(all)
}

/// The documents that the events shown name; each one that is enclosed must be
/// among them.
fn check_documents(
    evidence: &Evidence,
    records: &BTreeMap<u64, &OpenRecord>,
) -> Result<Vec<(NamedDocument, bool)>, BadEvidence> {
    let events = records.values().flat_map(|record| &record.events).flatten();
    let named: BTreeSet<NamedDocument> = events.flat_map(documents_of).collect();
    let contents = evidence.documents.par_iter();
    let enclosed: BTreeSet<Hash> = contents
        .map(|document| Hash(*blake3::hash(&document.content).as_bytes()))
        .collect();
    let hashes: BTreeSet<Hash> = named.iter().map(|document| document.hash).collect();
    let unnamed = |hash: &&Hash| !hashes.contains(*hash);
    if let Some(hash) = enclosed.iter().find(unnamed) {
        return Err(BadEvidence::Document(*hash));
    }
    let with = |document: NamedDocument| {
        let there = enclosed.contains(&document.hash);
        (document, there)
    };
    Ok(named.into_iter().map(with).collect())
}
