//! What could not be tried, as a `tonic::Status` with `google.rpc.Status`
//! details: `ErrorInfo` (reason, domain, figures), `BadRequest` where a field
//! is at fault, `RetryInfo` where waiting helps, and our own `Problem`.
//!
//! What this is not: a refusal. A statement that the ledger says no to has
//! been tried; its answer is a message.

mod causes;
mod status;
mod told;

use tonic::{Code, Status};

use super::metrics::Metrics;
use crate::event::LotId;
use crate::ledger::{ClockDoubt, Hold, NoReceipt};

pub use status::problem;

/// The domain of every `ErrorInfo`.
pub const DOMAIN: &str = "hazledger.v1";

/// The type URL of our own detail.
pub const PROBLEM_TYPE: &str = "type.googleapis.com/hazledger.v1.Problem";

/// Lots that an ambiguous name lists, at most.
const MAX_NAMED: usize = 16;

/// Why a request could not be tried.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// A field that is missing or says what cannot be.
    #[error("{field}: {why}")]
    Invalid {
        /// Which field.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Bytes that are not the message they should be.
    #[error("the request cannot be read: {0}")]
    Unreadable(String),
    /// More bytes than a message may have.
    #[error("the request is too large: {0}")]
    TooLarge(String),
    /// Nothing of that name as of a position.
    #[error("no {what} {name} in the first {as_of} records")]
    Unknown {
        /// What kind of thing.
        what: What,
        /// As it was asked for.
        name: String,
        /// Records looked at.
        as_of: u64,
    },
    /// A name that several lots share.
    #[error("{name} names {} lots: {}", lots.len(), listed(lots))]
    Ambiguous {
        /// Which field.
        field: &'static str,
        /// As it was asked for.
        name: String,
        /// The lots, in order.
        lots: Vec<LotId>,
    },
    /// A position that has no record yet.
    #[error("there is no record at position {position} yet; {as_of} are committed")]
    PastEnd {
        /// Asked for.
        position: u64,
        /// Records committed.
        as_of: u64,
    },
    /// The minimum position was not reached in time.
    #[error("{min_position} records were wanted, {as_of} were there at the deadline")]
    TooLate {
        /// Asked for.
        min_position: u64,
        /// Records there.
        as_of: u64,
    },
    /// More is waiting than may wait.
    #[error("the ledger has as much waiting as it takes; try again in {retry_after_ms} ms")]
    Overloaded {
        /// When to come again.
        retry_after_ms: u64,
    },
    /// As many are at it as the server bears.
    #[error(
        "the server has as many of these as it bears ({limit}); try again in {retry_after_ms} ms"
    )]
    TurnedAway {
        /// The setting.
        limit: &'static str,
        /// When to come again.
        retry_after_ms: u64,
    },
    /// A party has sent more than it may.
    #[error(
        "party {party} has sent more than its {per_second} statements a second (party_statements_per_second); \
         try again in {retry_after_ms} ms"
    )]
    RateLimited {
        /// Whose, as the statement says.
        party: String,
        /// What it may send in the long run.
        per_second: u32,
        /// When to come again.
        retry_after_ms: u64,
    },
    /// A connection has sent more for nothing than it may.
    #[error(
        "this connection has sent too many statements that do not verify or are recorded already \
         (wasted_per_second); try again in {retry_after_ms} ms"
    )]
    Wasteful {
        /// When to come again.
        retry_after_ms: u64,
    },
    /// A connection does not take what is sent to it.
    #[error("this connection does not take the answers to its earlier calls")]
    Blocked,
    /// A statement was not admitted in time.
    #[error("the deadline had passed before the statement was looked at; it is not recorded")]
    NotAdmitted,
    /// A statement was admitted and not answered in time.
    #[error("the statement had no answer by the deadline; it is unknown whether it is recorded")]
    Unanswered,
    /// A stream of statements was not at its end in time.
    #[error(
        "the stream's deadline has passed; of its statements without an answer it is unknown whether they are recorded"
    )]
    StreamOver,
    /// A follower was not at its end in time.
    #[error("the deadline of the follower has passed")]
    FollowOver,
    /// A read was not done in time.
    #[error("the answer was not found by the deadline")]
    ReadOver,
    /// The ledger's disk has less room than is to be kept free.
    #[error(
        "the ledger's disk is nearly full ({free_bytes} bytes are free, {reserve_bytes} are \
         kept free), so nothing was recorded"
    )]
    DiskNearlyFull {
        /// Free at the last look.
        free_bytes: u64,
        /// To be kept free.
        reserve_bytes: u64,
    },
    /// The machine's clock is in doubt.
    #[error("nothing was recorded: {0}")]
    ClockInDoubt(ClockDoubt),
    /// It is to be seen first whether all of the ledger is there.
    #[error("nothing was recorded: {0}")]
    OnHold(Hold),
    /// No checkpoint covers a record, or none will, or its path is damaged.
    #[error("{0}")]
    NoReceipt(NoReceipt),
    /// The ledger accepts nothing until it is started again.
    #[error("the ledger has stopped: {0}")]
    Stopped(String),
    /// The answer would be longer than one message.
    #[error("{0}")]
    TooLong(String),
    /// Evidence that would be larger than any that is made.
    #[error("{0}")]
    EvidenceTooLarge(String),
    /// Evidence of what no checkpoint covers yet.
    #[error("{0}")]
    NotCovered(String),
    /// The journal or the store could not be read.
    #[error("{0}")]
    Storage(String),
}

/// Kinds of things that are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Lot,
    Label,
    Package,
    Reference,
    Statement,
    Party,
    Key,
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            What::Lot => "lot",
            What::Label => "lot with label",
            What::Package => "package",
            What::Reference => "lot with external reference",
            What::Statement => "record of statement",
            What::Party => "party",
            What::Key => "key",
        })
    }
}

fn listed(lots: &[LotId]) -> String {
    let mut names: Vec<String> = lots.iter().take(MAX_NAMED).map(LotId::to_string).collect();
    if lots.len() > MAX_NAMED {
        names.push("…".to_owned());
    }
    names.join(", ")
}

impl Fault {
    /// A field at fault.
    pub fn invalid(field: &'static str, why: impl Into<String>) -> Fault {
        Fault::Invalid {
            field,
            why: why.into(),
        }
    }

    /// The server will not be there for long.
    pub fn stopping() -> Fault {
        Fault::Stopped("the server is shutting down".to_owned())
    }

    /// Counts who is turned away at a limit.
    pub fn count(&self, metrics: &Metrics) {
        match self {
            Fault::TurnedAway { limit, .. } => metrics.turned_away(limit),
            Fault::Overloaded { .. } => metrics.turned_away("queue"),
            Fault::RateLimited { .. } => metrics.turned_away("party_statements_per_second"),
            Fault::Wasteful { .. } => metrics.turned_away("wasted_per_second"),
            Fault::Blocked => metrics.turned_away("unread"),
            _ => {}
        }
    }
}

/// What tonic says of bytes that it cannot read or that are too many, as our
/// own status; any other status as it is.
pub(super) fn explained(status: Status) -> Status {
    let said = status.message();
    match status.code() {
        Code::Internal if said.contains("decode") => Fault::Unreadable(said.to_owned()).into(),
        Code::OutOfRange if said.contains("too large") => Fault::TooLarge(said.to_owned()).into(),
        _ => status,
    }
}
