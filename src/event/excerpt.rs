//! What a record says that one subject gave, without the rest of it: where a
//! lot went is told from hundreds of records, of which little else matters.
//!
//! What it is not: an opened record. Parts that are used are checked against
//! their digests in the head. Others are not looked at, and nothing is encoded
//! again to see that it is canonical: what was sealed is, and a verifier looks.

use bytes::Bytes;
use prost::Message;

use super::digest::PartKind;
use super::record::{BadRecord, MAX_RECORD, OpenRecord, whole_parts};
use crate::pb::change::Change as C;
use crate::pb::{Change, Head, Link, LinkKind, Outcome, Record, Subject};

/// What a record says that a subject gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Excerpt {
    /// The record's position.
    pub position: u64,
    /// The record before it in the subject's chain.
    pub previous: Option<u64>,
    /// Of the subject's changes, in their order, those that say what it gave:
    /// contributions, and what corrections restate.
    pub gave: Vec<Change>,
    /// Another subject's changes say that it gave, too.
    pub others_gave: bool,
}

/// An outcome whose changes are not decoded.
#[derive(Clone, PartialEq, Message)]
struct Folded {
    #[prost(message, optional, tag = "1")]
    subject: Option<Subject>,
    #[prost(bytes = "bytes", repeated, tag = "2")]
    changes: Vec<Bytes>,
}

/// Of a change, what says that something was given: fields of `Change`.
#[derive(Clone, PartialEq, Message)]
struct Giving {
    #[prost(bytes = "bytes", optional, tag = "11")]
    contributed_to: Option<Bytes>,
    #[prost(bytes = "bytes", optional, tag = "13")]
    restated: Option<Bytes>,
}

impl Giving {
    fn is_in(change: &Bytes) -> Result<bool, BadRecord> {
        let giving: Giving = decoded(change, "a change", "Change")?;
        Ok(giving.contributed_to.is_some() || giving.restated.is_some())
    }
}

fn gives(change: &Change) -> bool {
    matches!(change.change, Some(C::ContributedTo(_) | C::Restated(_)))
}

impl Excerpt {
    /// Out of a stored record. `None` if it is no link of the subject's chain.
    pub fn open(bytes: &Bytes, subject: &Subject) -> Result<Option<Excerpt>, BadRecord> {
        if bytes.len() > MAX_RECORD {
            return Err(BadRecord::TooLarge("record", bytes.len(), MAX_RECORD));
        }
        let record: Record = decoded(bytes, "the record", "Record")?;
        let head: Head = decoded(&record.head, "the head", "Head")?;
        let Some(link) = link_of(&head, &record, subject)? else {
            return Ok(None);
        };
        let mut excerpt = Excerpt {
            position: head.position,
            previous: link.previous,
            gave: Vec::new(),
            others_gave: false,
        };
        for body in whole_parts(PartKind::Outcome, &head.outcome_digests, &record.outcomes)? {
            let Some(body) = body? else { continue };
            let outcome: Folded = decoded(body, "a part", "part")?;
            excerpt.take(&outcome, subject)?;
        }
        Ok(Some(excerpt))
    }

    fn take(&mut self, outcome: &Folded, subject: &Subject) -> Result<(), BadRecord> {
        let own = outcome.subject.as_ref() == Some(subject);
        for change in &outcome.changes {
            if !Giving::is_in(change)? {
                continue;
            }
            if own {
                self.gave.push(decoded(change, "a change", "Change")?);
            } else {
                self.others_gave = true;
            }
        }
        Ok(())
    }

    /// Out of a record that is open already: the same.
    pub fn of(record: &OpenRecord, subject: &Subject) -> Option<Excerpt> {
        let mut links = record.links.iter().flatten();
        let link = links.find(|link| is_chain(link, subject))?;
        let about = |outcome: &&Outcome| outcome.subject.as_ref() == Some(subject);
        let outcomes = record.outcomes.iter().flatten();
        let (own, others): (Vec<&Outcome>, Vec<&Outcome>) = outcomes.partition(about);
        let own = own.into_iter().flat_map(|outcome| &outcome.changes);
        let mut others = others.into_iter().flat_map(|outcome| &outcome.changes);
        Some(Excerpt {
            position: record.position(),
            previous: link.previous,
            gave: own.filter(|change| gives(change)).cloned().collect(),
            others_gave: others.any(gives),
        })
    }
}

/// The subject's link in its chain, if the record has one.
fn link_of(head: &Head, record: &Record, subject: &Subject) -> Result<Option<Link>, BadRecord> {
    for body in whole_parts(PartKind::Link, &head.link_digests, &record.links)? {
        let Some(body) = body? else { continue };
        let link: Link = decoded(body, "a part", "part")?;
        if is_chain(&link, subject) {
            return Ok(Some(link));
        }
    }
    Ok(None)
}

fn is_chain(link: &Link, subject: &Subject) -> bool {
    link.kind() == LinkKind::Chain && link.subject.as_ref() == Some(subject)
}

fn decoded<M: Message + Default>(
    bytes: &Bytes,
    name: &'static str,
    message: &'static str,
) -> Result<M, BadRecord> {
    M::decode(bytes.clone()).map_err(|_| BadRecord::NotCanonical(name, message))
}
