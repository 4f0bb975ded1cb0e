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

/// The subjects whose chains a stored record goes on with.
pub fn chained_subjects(bytes: &Bytes) -> Result<Vec<Subject>, BadRecord> {
    if bytes.len() > MAX_RECORD {
        return Err(BadRecord::TooLarge("record", bytes.len(), MAX_RECORD));
    }
    let record: Record = decoded(bytes, "the record", "Record")?;
    let head: Head = decoded(&record.head, "the head", "Head")?;
    let mut subjects = Vec::with_capacity(record.links.len());
    for body in whole_parts(PartKind::Link, &head.link_digests, &record.links)? {
        let Some(body) = body? else { continue };
        let link: Link = decoded(body, "a part", "part")?;
        if link.kind() == LinkKind::Chain {
            subjects.extend(link.subject);
        }
    }
    Ok(subjects)
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

#[cfg(test)]
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]
mod tests {
    use super::*;
    use crate::event::digest::{SALT_LEN, part_digest};
    use crate::pb::{ContributedTo, LotBorn, Part, Posting, Restated, SubjectKind};

    fn lot(n: u8) -> Subject {
        Subject {
            kind: SubjectKind::Lot.into(),
            id: Bytes::copy_from_slice(&[n; 16]),
        }
    }

    fn link(n: u8, kind: LinkKind, previous: Option<u64>) -> Link {
        Link {
            subject: Some(lot(n)),
            kind: kind.into(),
            previous,
        }
    }

    fn outcome(n: u8, changes: Vec<C>) -> Outcome {
        let change = |change| Change {
            cause: None,
            change: Some(change),
        };
        Outcome {
            subject: Some(lot(n)),
            changes: changes.into_iter().map(change).collect(),
        }
    }

    fn gift(to: u8) -> C {
        C::ContributedTo(ContributedTo {
            lot: lot(to).id,
            gross_mg: 5,
            ..ContributedTo::default()
        })
    }

    fn parts<M: Message>(kind: PartKind, messages: &[M]) -> (Vec<Bytes>, Vec<Part>) {
        let part = |message: &M| {
            let (salt, body) = ([9; SALT_LEN], message.encode_to_vec());
            let part = Part {
                salt: Bytes::copy_from_slice(&salt),
                body: body.into(),
            };
            (part_digest(kind, &salt, &part.body).to_bytes(), part)
        };
        messages.iter().map(part).unzip()
    }

    /// Lot 1 gave and was restated, lot 2 gave, lot 3 was born, and lot 4's
    /// last record is rested on.
    fn record() -> Record {
        let (link_digests, links) = parts(
            PartKind::Link,
            &[
                link(4, LinkKind::Use, Some(6)),
                link(1, LinkKind::Chain, Some(7)),
                link(2, LinkKind::Chain, None),
                link(3, LinkKind::Chain, None),
            ],
        );
        let (outcome_digests, outcomes) = parts(
            PartKind::Outcome,
            &[
                outcome(
                    1,
                    vec![
                        C::Posting(Posting::default()),
                        gift(3),
                        C::Restated(Restated::default()),
                    ],
                ),
                outcome(2, vec![gift(3)]),
                outcome(3, vec![C::Born(LotBorn::default())]),
            ],
        );
        let head = Head {
            position: 8,
            link_digests,
            outcome_digests,
            ..Head::default()
        };
        Record {
            head: head.encode_to_vec().into(),
            links,
            outcomes,
            ..Record::default()
        }
    }

    fn excerpt(record: &Record, n: u8) -> Result<Option<Excerpt>, BadRecord> {
        Excerpt::open(&record.encode_to_vec().into(), &lot(n))
    }

    #[test]
    fn an_excerpt_has_what_the_lot_gave_and_whether_others_did() {
        let record = record();
        let of = |n| excerpt(&record, n).unwrap();
        let first = of(1).unwrap();
        assert_eq!((first.position, first.previous), (8, Some(7)));
        let gave: Vec<C> = first.gave.into_iter().filter_map(|c| c.change).collect();
        assert_eq!(gave, [gift(3), C::Restated(Restated::default())]);
        assert!(first.others_gave);
        assert!(of(2).unwrap().others_gave);
        let born = of(3).unwrap();
        assert!(born.gave.is_empty() && born.others_gave);
        assert_eq!(of(4), None, "a use is no link of the chain");
        assert_eq!(of(5), None);
        let open = OpenRecord::open(&record.encode_to_vec().into()).unwrap();
        for n in 1..=5 {
            assert_eq!(of(n), Excerpt::of(&open, &lot(n)));
        }
    }

    #[test]
    fn a_lot_that_gave_alone_is_told_so() {
        let mut record = record();
        // Withheld: nothing is known of what lot 2 gave.
        record.outcomes[1] = Part::default();
        assert!(!excerpt(&record, 1).unwrap().unwrap().others_gave);
    }

    #[test]
    fn a_part_that_is_not_what_the_head_says_is_refused() {
        let whole = record();
        for index in 0..whole.outcomes.len() {
            let mut record = whole.clone();
            record.outcomes[index].salt = Bytes::from_static(&[8; SALT_LEN]);
            let kind = PartKind::Outcome;
            assert_eq!(excerpt(&record, 1), Err(BadRecord::Digest { kind, index }));
        }
        let mut record = whole.clone();
        record.links[0].salt = Bytes::from_static(&[8; SALT_LEN]);
        let kind = PartKind::Link;
        let wanted = BadRecord::Digest { kind, index: 0 };
        assert_eq!(excerpt(&record, 1), Err(wanted));
        let mut record = whole;
        record.outcomes.pop();
        assert!(matches!(excerpt(&record, 1), Err(BadRecord::Count { .. })));
    }
}
