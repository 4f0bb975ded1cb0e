//! Following a subject's links backwards through the journal.
//!
//! What it is not: it does not verify the chain of heads; a full verifier
//! does. A link that leads nowhere is told as what it is, a journal that
//! contradicts itself.

use crate::custody::subject;
use crate::event::excerpt::Excerpt;
use crate::event::record::OpenRecord;
use crate::pb::{LinkKind, Subject};

/// Records of one chain that are read for one answer, at most: a day's work on
/// the busiest tank, and some tens of megabytes. Longer chains are followed as
/// a stream.
pub const MAX_CHAIN: usize = 10_000;

/// Where records come from: the journal, or a test's list.
pub trait RecordSource {
    /// The committed record at a position; `None` past the end.
    fn record(&self, position: u64) -> Result<Option<OpenRecord>, ReadError>;

    /// What it says that a subject gave; `None` past the end, or if it is no
    /// link of the subject's chain. A source of stored records need not open
    /// the whole of it: [`Excerpt::open`].
    fn excerpt(&self, position: u64, subject: &Subject) -> Result<Option<Excerpt>, ReadError> {
        let record = self.record(position)?;
        Ok(record.and_then(|record| Excerpt::of(&record, subject)))
    }
}

/// A committed record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {position} cannot be read: {why}; run `hazledger verify` on the journal")]
pub struct ReadError {
    /// Its position.
    pub position: u64,
    /// What the journal said.
    pub why: String,
}

/// Why a chain could not be told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
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
    /// More than one answer holds.
    #[error("the chain has more than {MAX_CHAIN} steps; follow the lot as a stream instead")]
    TooLong,
    /// The sums pass 64 bits.
    #[error("the sums of {0} pass 64 bits; run `hazledger verify`")]
    Overflow(String),
}

/// Calls `visit` with every record of a subject's chain, latest first, from
/// the position `last` on.
pub fn walk(
    records: &dyn RecordSource,
    subject: &Subject,
    last: u64,
    mut visit: impl FnMut(&OpenRecord) -> Result<(), TraceError>,
) -> Result<(), TraceError> {
    let read = |position| {
        let Some(record) = records.record(position)? else {
            return Ok(None);
        };
        let mut links = record.links.iter().flatten();
        let link =
            links.find(|l| l.kind() == LinkKind::Chain && l.subject.as_ref() == Some(subject));
        let previous = link.map(|link| link.previous);
        Ok(previous.map(|previous| (previous, record)))
    };
    back(subject, last, 0, read, |record| visit(&record))
}

/// The same with what each record says that the subject gave, without those
/// before the position `since`.
pub fn walk_gifts(
    records: &dyn RecordSource,
    subject: &Subject,
    last: u64,
    since: u64,
    visit: impl FnMut(Excerpt) -> Result<(), TraceError>,
) -> Result<(), TraceError> {
    let read = |position| {
        let excerpt = records.excerpt(position, subject)?;
        Ok(excerpt.map(|excerpt| (excerpt.previous, excerpt)))
    };
    back(subject, last, since, read, visit)
}

/// From link to link. `read` gives where a record's link leads back to, and
/// what is to be visited; nothing if the record has no link.
fn back<T>(
    subject: &Subject,
    last: u64,
    since: u64,
    read: impl Fn(u64) -> Result<Option<(Option<u64>, T)>, ReadError>,
    mut visit: impl FnMut(T) -> Result<(), TraceError>,
) -> Result<(), TraceError> {
    let mut next = Some(last);
    let mut count = 0;
    while let Some(position) = next.filter(|position| *position >= since) {
        if count == MAX_CHAIN {
            return Err(TraceError::TooLong);
        }
        count += 1;
        let broken = || TraceError::Broken {
            subject: subject::show(subject),
            position,
        };
        let (previous, found) = read(position)?.ok_or_else(broken)?;
        if previous.is_some_and(|previous| previous >= position) {
            return Err(broken());
        }
        next = previous;
        visit(found)?;
    }
    Ok(())
}
