//! A record, opened: its head with its hash, and the parts it commits to,
//! each checked against its digest. The other way: a record sealed from a
//! decision. What is hashed is what is stored.

use bytes::Bytes;
use prost::Message;

use super::codes::Refused;
use super::digest::{Hash, PartKind, SALT_LEN, derive_salt, head_hash, part_digest};
use super::statement::Statement;
use crate::pb::{Event, Finding, Head, Link, Outcome, Part, Payload, Record, RefusalCode};

/// Bytes of a head, at most.
pub const MAX_HEAD: usize = 65_535;
/// Bytes of a record with its parts, at most.
pub const MAX_RECORD: usize = 256 * 1024;
/// Subjects of a record, at most: its links are no more, its outcomes no more.
pub const MAX_SUBJECTS: usize = 512;
/// Findings of a record, at most.
pub const MAX_FINDINGS: usize = 256;

/// A record whose parts match its head, part by part; a withheld part is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenRecord {
    /// The head.
    pub head: Head,
    /// The head's exact bytes.
    pub head_bytes: Bytes,
    /// Their hash.
    pub hash: Hash,
    /// The statement's header.
    pub payload: Payload,
    /// Event bodies.
    pub events: Vec<Option<Event>>,
    /// Links.
    pub links: Vec<Option<Link>>,
    /// Outcomes.
    pub outcomes: Vec<Option<Outcome>>,
    /// Findings.
    pub findings: Vec<Option<Finding>>,
}

/// Bytes that are no record, or whose parts are not what the head says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// Not the protobuf message it should be, or not in canonical form.
    #[error("{0} is not a canonical {1}")]
    NotCanonical(&'static str, &'static str),
    /// Another number of parts than of digests.
    #[error("{digests} {kind:?} digests but {parts} parts")]
    Count {
        /// Which parts.
        kind: PartKind,
        /// As the head says.
        digests: usize,
        /// As stored.
        parts: usize,
    },
    /// A part that does not match its digest.
    #[error("{kind:?} part {index} does not match its digest")]
    Digest {
        /// Which parts.
        kind: PartKind,
        /// Counted from 0.
        index: usize,
    },
    /// Too large.
    #[error("{0} of {1} bytes; at most {2}")]
    TooLarge(&'static str, usize, usize),
}

fn canonical<M: Message + Default>(
    bytes: &Bytes,
    name: &'static str,
    message: &'static str,
) -> Result<M, BadRecord> {
    super::statement::canonical(bytes, name).map_err(|_| BadRecord::NotCanonical(name, message))
}

impl OpenRecord {
    /// Opens a stored record and checks every part that is there.
    pub fn open(bytes: &Bytes) -> Result<OpenRecord, BadRecord> {
        if bytes.len() > MAX_RECORD {
            return Err(BadRecord::TooLarge("record", bytes.len(), MAX_RECORD));
        }
        let record: Record = canonical(bytes, "the record", "Record")?;
        OpenRecord::from_parts(record)
    }

    /// The same for a record already decoded.
    pub fn from_parts(record: Record) -> Result<OpenRecord, BadRecord> {
        if record.head.len() > MAX_HEAD {
            return Err(BadRecord::TooLarge("head", record.head.len(), MAX_HEAD));
        }
        let head: Head = canonical(&record.head, "the head", "Head")?;
        let payload: Payload = canonical(&head.payload, "the payload", "Payload")?;
        Ok(OpenRecord {
            events: open_parts(PartKind::Event, &payload.event_digests, &record.events)?,
            links: open_parts(PartKind::Link, &head.link_digests, &record.links)?,
            outcomes: open_parts(PartKind::Outcome, &head.outcome_digests, &record.outcomes)?,
            findings: open_parts(PartKind::Finding, &head.finding_digests, &record.findings)?,
            hash: head_hash(&record.head),
            head_bytes: record.head,
            head,
            payload,
        })
    }

    /// Seals as [`seal`] does and opens the record from what it was sealed
    /// from: the same as opening its bytes, without hashing and reading them
    /// all again.
    pub fn seal(
        statement: &Statement,
        additions: Additions,
        standing: Standing,
        salt_secret: &[u8; 32],
    ) -> Result<(SealedRecord, OpenRecord), Refused> {
        let (sealed, head) = sealed(statement, &additions, standing, salt_secret)?;
        let opened = OpenRecord {
            head,
            head_bytes: sealed.head.clone(),
            hash: sealed.hash,
            payload: statement.payload.clone(),
            events: statement.events.iter().cloned().map(Some).collect(),
            links: additions.links.into_iter().map(Some).collect(),
            outcomes: additions.outcomes.into_iter().map(Some).collect(),
            findings: additions.findings.into_iter().map(Some).collect(),
        };
        // What is folded is what is stored: checked wherever tests run.
        debug_assert_eq!(OpenRecord::open(&sealed.bytes).as_ref(), Ok(&opened));
        Ok((sealed, opened))
    }

    /// Its position.
    pub fn position(&self) -> u64 {
        self.head.position
    }
}

fn open_parts<M: Message + Default>(
    kind: PartKind,
    digests: &[Bytes],
    parts: &[Part],
) -> Result<Vec<Option<M>>, BadRecord> {
    whole_parts(kind, digests, parts)?
        .map(|body| match body? {
            Some(body) => canonical(body, "a part", "part").map(Some),
            None => Ok(None),
        })
        .collect()
}

/// Parts' bodies, each checked against its digest when its turn comes; a
/// withheld one is `None`.
pub(super) fn whole_parts<'a>(
    kind: PartKind,
    digests: &'a [Bytes],
    parts: &'a [Part],
) -> Result<impl Iterator<Item = Result<Option<&'a Bytes>, BadRecord>>, BadRecord> {
    if digests.len() != parts.len() {
        return Err(BadRecord::Count {
            kind,
            digests: digests.len(),
            parts: parts.len(),
        });
    }
    let pairs = digests.iter().zip(parts).enumerate();
    Ok(pairs.map(move |(index, (digest, part))| {
        if part.salt.is_empty() && part.body.is_empty() {
            return Ok(None);
        }
        let bad = BadRecord::Digest { kind, index };
        let salt: &[u8; SALT_LEN] = part.salt.as_ref().try_into().map_err(|_| bad.clone())?;
        if part_digest(kind, salt, &part.body).0 != digest.as_ref() {
            return Err(bad);
        }
        Ok(Some(&part.body))
    }))
}

/// What a decision adds to a statement to make it a record.
#[derive(Clone, Debug, Default)]
pub struct Additions {
    /// One for each subject touched, and one for each key used.
    pub links: Vec<Link>,
    /// One for each subject changed.
    pub outcomes: Vec<Outcome>,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// Where a record stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Its position.
    pub position: u64,
    /// Its recorded time, Unix milliseconds.
    pub recorded_at_ms: i64,
    /// Hash of the head before it.
    pub previous: Hash,
}

/// A record ready to be appended.
#[derive(Clone, Debug)]
pub struct SealedRecord {
    /// The `Record`'s bytes.
    pub bytes: Bytes,
    /// The `Head`'s bytes.
    pub head: Bytes,
    /// Their hash.
    pub hash: Hash,
}

/// Seals a statement and what was decided on it. Refused if the record would
/// be too large.
pub fn seal(
    statement: &Statement,
    additions: &Additions,
    standing: Standing,
    salt_secret: &[u8; 32],
) -> Result<SealedRecord, Refused> {
    sealed(statement, additions, standing, salt_secret).map(|(sealed, _)| sealed)
}

/// The sealed record with the head that it has encoded.
fn sealed(
    statement: &Statement,
    additions: &Additions,
    standing: Standing,
    salt_secret: &[u8; 32],
) -> Result<(SealedRecord, Head), Refused> {
    let context = standing.position.to_be_bytes();
    let part = |kind: PartKind| {
        move |(index, body): (u32, Vec<u8>)| {
            let salt = derive_salt(salt_secret, &context, kind, index);
            let digest = part_digest(kind, &salt, &body).to_bytes();
            (
                digest,
                Part {
                    salt: Bytes::copy_from_slice(&salt),
                    body: body.into(),
                },
            )
        }
    };
    let (link_digests, links): (Vec<_>, Vec<_>) = (0..)
        .zip(additions.links.iter().map(Message::encode_to_vec))
        .map(part(PartKind::Link))
        .unzip();
    let (outcome_digests, outcomes): (Vec<_>, Vec<_>) = (0..)
        .zip(additions.outcomes.iter().map(Message::encode_to_vec))
        .map(part(PartKind::Outcome))
        .unzip();
    let (finding_digests, findings): (Vec<_>, Vec<_>) = (0..)
        .zip(additions.findings.iter().map(Message::encode_to_vec))
        .map(part(PartKind::Finding))
        .unzip();
    let message = Head {
        position: standing.position,
        recorded_at_ms: standing.recorded_at_ms,
        previous: standing.previous.to_bytes(),
        payload: statement.payload_bytes.clone(),
        signatures: statement.signatures.clone(),
        link_digests,
        outcome_digests,
        finding_digests,
    };
    let head: Bytes = message.encode_to_vec().into();
    let hash = head_hash(&head);
    let record = Record {
        head: head.clone(),
        events: statement.parts.clone(),
        links,
        outcomes,
        findings,
    };
    let size = record.encoded_len();
    if head.len() > MAX_HEAD || size > MAX_RECORD {
        return Err(
            Refused::new(RefusalCode::RecordTooLarge, "statement").detail(format!(
                "head {} of {MAX_HEAD}, record {size} of {MAX_RECORD} bytes",
                head.len()
            )),
        );
    }
    let sealed = SealedRecord {
        bytes: record.encode_to_vec().into(),
        head,
        hash,
    };
    Ok((sealed, message))
}
