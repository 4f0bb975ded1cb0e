//! Evidence for a lot, put together from the journal: which records, which of
//! their parts, which paths, so that whoever checks it
//! ([`check_evidence`](crate::proof::evidence::check_evidence)) misses nothing
//! and learns nothing of others.
//!
//! | file | what it is |
//! |---|---|
//! | `select` | which records and parts are shown, and why |
//! | `show` | one record's parts that concern a subject |
//!
//! What it is not: it signs nothing and knows no checkpoint but the one it is
//! told.

mod select;
mod show;

use bytes::Bytes;
use prost::Message as _;

use self::select::{Parts, Selection};
use super::maps::{MapError, Maps};
use super::trace::{MAX_CHAIN, ReadError};
use crate::custody::subject;
use crate::event::LotId;
use crate::event::record::OpenRecord;
use crate::pb::event::Body;
use crate::pb::{Evidence, EvidenceRecord, Part, Record, StateRecorded, Subject};
use crate::proof::evidence::{
    EVIDENCE_VERSION, MAX_EVIDENCE, MAX_EVIDENCE_RECORDS, MAX_MAPS, state_records_after,
};
use crate::proof::tree::TreeHash;

/// Where stored records come from, and their paths in the tree.
pub trait Evident {
    /// The committed record's bytes at a position; `None` past the end.
    fn stored(&self, position: u64) -> Result<Option<Bytes>, ReadError>;

    /// The inclusion path of a head in the tree of the checkpoint.
    fn path(&self, position: u64) -> Result<Vec<TreeHash>, ReadError>;
}

/// What evidence is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// Which lot.
    pub lot: LotId,
    /// Position of its latest record, which may be past the checkpoint.
    pub last: u64,
    /// Records under the checkpoint.
    pub size: u64,
    /// Records between state records, as genesis says.
    pub interval: u64,
}

/// Why there is no evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// The journal did not give a record.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A link names a record that is not there, or that is not about the subject.
    #[error("the chain of {subject} is broken at position {position}; run `hazledger verify`")]
    Broken {
        /// For people.
        subject: String,
        /// Where.
        position: u64,
    },
    /// A chain is longer than one answer holds.
    #[error("the chain of {0} has more than {MAX_CHAIN} records; no evidence is made of as many")]
    TooLong(String),
    /// More records than one file holds.
    #[error("it takes more than {MAX_EVIDENCE_RECORDS} records; no evidence is made of as many")]
    TooMany,
    /// More bytes than one file holds.
    #[error("it takes more than {MAX_EVIDENCE} bytes; no evidence is made of as many")]
    TooLarge,
    /// More state records have followed than one file holds maps.
    #[error(
        "more than {MAX_MAPS} state records follow the lot's last record; no evidence holds as many maps"
    )]
    TooOld,
    /// The lot has no record under the checkpoint yet.
    #[error(
        "lot {lot} has no record under the checkpoint of {size} records yet; ask again in a second"
    )]
    NotYet {
        /// Which.
        lot: LotId,
        /// The checkpoint's size.
        size: u64,
    },
    /// A map of touched subjects could not be had.
    #[error(transparent)]
    Map(#[from] MapError),
}

/// Puts together the records and maps of evidence; checkpoint and word are the
/// caller's to add. Returns with it the position of the lot's last record under
/// the checkpoint.
pub fn build(
    source: &dyn Evident,
    maps: &Maps,
    ask: &Ask,
) -> Result<(Evidence, u64), EvidenceError> {
    let lot = subject::lot(ask.lot);
    let last = last_below(source, &lot, ask)?;
    let states: Vec<u64> = state_records_after(last, ask.size, ask.interval)
        .take(MAX_MAPS.saturating_add(1))
        .collect();
    if states.len() > MAX_MAPS {
        return Err(EvidenceError::TooOld);
    }
    let selected = Selection::of(source, &lot, last, &states)?;
    let mut evidence = Evidence {
        version: EVIDENCE_VERSION,
        lot: ask.lot.to_bytes(),
        ..Evidence::default()
    };
    let mut bytes = 0usize;
    for (position, parts) in &selected {
        let held = assemble(source, *position, parts)?;
        bytes = bytes.saturating_add(held.encoded_len());
        if bytes > MAX_EVIDENCE {
            return Err(EvidenceError::TooLarge);
        }
        evidence.records.push(held);
    }
    for position in states {
        let record = open(source, position)?;
        let said = recorded(&record).ok_or_else(|| broken(&subject::ledger(), position))?;
        let map = maps.prove(source, ask.interval, position, said, &lot)?;
        evidence.maps.push(map);
    }
    Ok((evidence, last))
}

/// The lot's last record under the checkpoint.
fn last_below(source: &dyn Evident, lot: &Subject, ask: &Ask) -> Result<u64, EvidenceError> {
    let mut at = ask.last;
    for _ in 0..MAX_CHAIN {
        if at < ask.size {
            return Ok(at);
        }
        let record = open(source, at)?;
        let link = crate::proof::evidence::parts::chain_link(&record, lot);
        let (_, link) = link.ok_or_else(|| broken(lot, at))?;
        at = match link.previous {
            Some(previous) if previous < at => previous,
            Some(_) => return Err(broken(lot, at)),
            None => {
                let (lot, size) = (ask.lot, ask.size);
                return Err(EvidenceError::NotYet { lot, size });
            }
        };
    }
    Err(EvidenceError::TooLong(subject::show(lot)))
}

fn broken(subject: &Subject, position: u64) -> EvidenceError {
    EvidenceError::Broken {
        subject: subject::show(subject),
        position,
    }
}

/// A record that must be there, opened.
fn open(source: &dyn Evident, position: u64) -> Result<OpenRecord, EvidenceError> {
    let unread = |why: String| ReadError { position, why };
    let bytes = source.stored(position)?;
    let bytes = bytes.ok_or_else(|| unread("it is not there".into()))?;
    let opened = OpenRecord::open(&bytes);
    Ok(opened.map_err(|bad| unread(bad.to_string()))?)
}

/// A record with the parts that are shown and its path.
fn assemble(
    source: &dyn Evident,
    position: u64,
    parts: &Parts,
) -> Result<EvidenceRecord, EvidenceError> {
    let unread = |why: &str| ReadError {
        position,
        why: why.into(),
    };
    let bytes = source.stored(position)?;
    let bytes = bytes.ok_or_else(|| unread("it is not there"))?;
    let stored = Record::decode(bytes).map_err(|_| unread("it is no record"))?;
    let record = Record {
        head: stored.head,
        events: shown(stored.events, &parts.events),
        links: shown(stored.links, &parts.links),
        outcomes: shown(stored.outcomes, &parts.outcomes),
        findings: shown(stored.findings, &parts.findings),
    };
    let path = source.path(position)?;
    Ok(EvidenceRecord {
        record: Some(record),
        path: path.into_iter().map(TreeHash::to_bytes).collect(),
    })
}

/// Those that are not chosen are withheld: salt and body empty.
fn shown(parts: Vec<Part>, chosen: &std::collections::BTreeSet<usize>) -> Vec<Part> {
    let keep = |(at, part): (usize, Part)| {
        if chosen.contains(&at) {
            part
        } else {
            Part::default()
        }
    };
    parts.into_iter().enumerate().map(keep).collect()
}

fn recorded(record: &OpenRecord) -> Option<&StateRecorded> {
    let mut events = record.events.iter().flatten();
    events.find_map(|event| match &event.body {
        Some(Body::StateRecorded(said)) => Some(said),
        _ => None,
    })
}
