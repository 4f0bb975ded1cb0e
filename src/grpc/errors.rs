//! What could not be tried, as a `tonic::Status` with `google.rpc.Status`
//! details: `ErrorInfo` (reason, domain, figures), `BadRequest` where a field
//! is at fault, `RetryInfo` where waiting helps, and our own `Problem`.
//!
//! What this is not: a refusal. A statement that the ledger says no to has
//! been tried; its answer is a message.

use std::collections::HashMap;
use std::time::Duration;

use prost::Message as _;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::metrics::Metrics;
use crate::event::LotId;
use crate::event::codes;
use crate::ledger::{ClockDoubt, Hold, NoReceipt, ReadError, SubmitError};
use crate::pb::{Problem, RefusalCode};
use crate::projection::StoreError;
use crate::projection::trace::TraceError;

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

impl What {
    fn code(self) -> RefusalCode {
        match self {
            What::Lot | What::Label => RefusalCode::UnknownLot,
            What::Package => RefusalCode::SerialsNotHere,
            What::Reference | What::Statement => RefusalCode::UnknownEvent,
            What::Party => RefusalCode::UnknownParty,
            What::Key => RefusalCode::UnknownKey,
        }
    }

    fn field(self) -> &'static str {
        match self {
            What::Lot => "lot",
            What::Label => "label",
            What::Package => "package",
            What::Reference => "external_ref",
            What::Statement => "statement",
            What::Party => "party",
            What::Key => "key_id",
        }
    }
}

fn listed(lots: &[LotId]) -> String {
    let mut names: Vec<String> = lots.iter().take(MAX_NAMED).map(LotId::to_string).collect();
    if lots.len() > MAX_NAMED {
        names.push("…".to_owned());
    }
    names.join(", ")
}

/// How a fault is told on the wire.
struct Told {
    status: Code,
    /// Upper-case with underscores; a refusal code's name where one fits.
    reason: &'static str,
    code: RefusalCode,
    field: &'static str,
    remedy: &'static str,
}

impl Fault {
    /// A field at fault.
    pub fn invalid(field: &'static str, why: impl Into<String>) -> Fault {
        Fault::Invalid {
            field,
            why: why.into(),
        }
    }

    #[expect(clippy::too_many_lines, reason = "a table: one row a fault")]
    fn told(&self) -> Told {
        use RefusalCode as R;
        let of_code = |status, code, field, remedy| Told {
            status,
            reason: codes::name(code),
            code,
            field,
            remedy,
        };
        let of_door = |status, reason, field, remedy| Told {
            status,
            reason,
            code: R::Unspecified,
            field,
            remedy,
        };
        match self {
            Fault::Invalid { field, .. } => {
                let remedy = "correct the field and ask again";
                of_code(Code::InvalidArgument, R::FieldInvalid, field, remedy)
            }
            Fault::Unreadable(_) => of_code(
                Code::InvalidArgument,
                R::Malformed,
                "",
                codes::remedy(R::Malformed),
            ),
            Fault::TooLarge(_) => of_code(
                Code::OutOfRange,
                R::TooLarge,
                "",
                codes::remedy(R::TooLarge),
            ),
            Fault::Unknown { what, .. } => {
                let remedy = "check the name; if it is new, ask with min_position";
                of_code(Code::NotFound, what.code(), what.field(), remedy)
            }
            Fault::Ambiguous { field, .. } => {
                let remedy = "ask by the lot's name (16 bytes)";
                of_door(Code::FailedPrecondition, "AMBIGUOUS", field, remedy)
            }
            Fault::PastEnd { .. } => {
                let remedy = "ask with min_position to wait for it";
                of_door(Code::OutOfRange, "PAST_END", "position", remedy)
            }
            Fault::TooLate { .. } => {
                let remedy = "ask again, with a later deadline or a lower min_position";
                of_door(Code::DeadlineExceeded, "TOO_LATE", "min_position", remedy)
            }
            Fault::Overloaded { .. } => {
                let remedy = "send the same bytes again after the delay";
                of_door(Code::ResourceExhausted, "OVERLOADED", "", remedy)
            }
            Fault::TurnedAway { .. } => {
                let remedy = "ask again after the delay; the operator may raise the limit";
                of_door(Code::ResourceExhausted, "LIMIT", "", remedy)
            }
            Fault::RateLimited { .. } => {
                let remedy = "send the same bytes again after the delay";
                of_door(Code::ResourceExhausted, "RATE_LIMITED", "", remedy)
            }
            Fault::Wasteful { .. } => {
                let remedy = "look at the answers before sending on";
                of_door(Code::ResourceExhausted, "WASTEFUL", "", remedy)
            }
            Fault::Blocked => {
                let remedy = "read the answers, or connect again";
                of_door(Code::ResourceExhausted, "BLOCKED", "", remedy)
            }
            Fault::NotAdmitted => {
                let remedy = "send the same bytes again, with a later deadline";
                of_door(Code::DeadlineExceeded, "NOT_ADMITTED", "", remedy)
            }
            Fault::Unanswered | Fault::StreamOver => {
                let remedy = "send the same bytes again: what is recorded gets its first answer, and never twice";
                of_door(Code::DeadlineExceeded, "UNANSWERED", "", remedy)
            }
            Fault::FollowOver => {
                let remedy = "follow on from the position after the last record that came";
                of_door(Code::DeadlineExceeded, "FOLLOW_OVER", "", remedy)
            }
            Fault::ReadOver => {
                let remedy = "ask again, with a later deadline";
                of_door(Code::DeadlineExceeded, "READ_OVER", "", remedy)
            }
            Fault::DiskNearlyFull { .. } => {
                let remedy = "have the operator make room on the ledger's disk; \
                     it accepts again by itself, then send the same bytes again";
                of_door(Code::ResourceExhausted, "DISK_NEARLY_FULL", "", remedy)
            }
            Fault::ClockInDoubt(_) => {
                let remedy = "have the operator see to the clock of the ledger's machine, \
                     then send the same bytes again";
                of_door(Code::Unavailable, "CLOCK_IN_DOUBT", "", remedy)
            }
            Fault::OnHold(_) => {
                let remedy = "have the operator show that nothing is lost, \
                     then send the same bytes again";
                of_door(Code::Unavailable, "ON_HOLD", "", remedy)
            }
            Fault::NoReceipt(NoReceipt::NotInTime { .. }) => {
                let remedy = "ask again, with a later deadline";
                of_door(Code::DeadlineExceeded, "NOT_COVERED", "", remedy)
            }
            Fault::NoReceipt(NoReceipt::NotSigning(_)) => {
                let remedy = "have the operator see to it; what is recorded stays recorded";
                of_door(Code::Unavailable, "NOT_SIGNING", "", remedy)
            }
            Fault::NoReceipt(_) => {
                let remedy = "have the operator see to the disk of `projection/`";
                of_door(Code::DataLoss, "STORAGE", "", remedy)
            }
            Fault::Stopped(_) => {
                let remedy = "have the operator look at the ledger and start it again";
                of_door(Code::Unavailable, "STOPPED", "", remedy)
            }
            Fault::TooLong(_) => {
                let remedy = "follow the lot instead: Follow with lots";
                of_door(Code::ResourceExhausted, "TOO_LONG", "", remedy)
            }
            Fault::EvidenceTooLarge(_) => {
                let remedy = "take the ledger's journal instead, and verify it whole";
                of_door(Code::ResourceExhausted, "EVIDENCE_TOO_LARGE", "", remedy)
            }
            Fault::NotCovered(_) => {
                let remedy = "ask again in a second";
                of_door(Code::Unavailable, "NOT_COVERED", "", remedy)
            }
            Fault::Storage(_) => {
                let remedy = "have the operator run `hazledger verify`";
                of_door(Code::DataLoss, "STORAGE", "", remedy)
            }
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

    /// When to come again, if waiting is all that it needs.
    fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Fault::Overloaded { retry_after_ms }
            | Fault::TurnedAway { retry_after_ms, .. }
            | Fault::RateLimited { retry_after_ms, .. }
            | Fault::Wasteful { retry_after_ms } => Some(*retry_after_ms),
            _ => None,
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        let mut figures = HashMap::new();
        let mut put = |name: &str, value: String| {
            figures.insert(name.to_owned(), value);
        };
        match self {
            Fault::Unknown { name, as_of, .. } => {
                put("name", name.clone());
                put("as_of", as_of.to_string());
            }
            Fault::Ambiguous { name, lots, .. } => {
                put("name", name.clone());
                put("lots", listed(lots));
            }
            Fault::PastEnd { position, as_of } => {
                put("position", position.to_string());
                put("as_of", as_of.to_string());
            }
            Fault::TooLate {
                min_position,
                as_of,
            } => {
                put("min_position", min_position.to_string());
                put("as_of", as_of.to_string());
            }
            Fault::TurnedAway { limit, .. } => put("limit", (*limit).to_owned()),
            Fault::RateLimited {
                party, per_second, ..
            } => {
                put("party", party.clone());
                put("per_second", per_second.to_string());
                put("limit", "party_statements_per_second".to_owned());
            }
            Fault::Wasteful { .. } => put("limit", "wasted_per_second".to_owned()),
            Fault::DiskNearlyFull {
                free_bytes,
                reserve_bytes,
            } => {
                put("free_bytes", free_bytes.to_string());
                put("reserve_bytes", reserve_bytes.to_string());
            }
            Fault::ClockInDoubt(doubt) => {
                put("clock_ms", doubt.clock_ms.to_string());
                put("reckoned_ms", doubt.reckoned_ms.to_string());
            }
            _ => {}
        }
        if let Some(retry_after_ms) = self.retry_after_ms() {
            figures.insert("retry_after_ms".to_owned(), retry_after_ms.to_string());
        }
        figures
    }
}

impl From<Fault> for Status {
    fn from(fault: Fault) -> Status {
        let told = fault.told();
        let words = fault.to_string();
        let mut details = ErrorDetails::with_error_info(told.reason, DOMAIN, fault.metadata());
        if let Some(retry_after_ms) = fault.retry_after_ms() {
            details.set_retry_info(Some(Duration::from_millis(retry_after_ms)));
        }
        if !told.field.is_empty() {
            details.add_bad_request_violation(told.field, words.clone());
        }
        let problem = Problem {
            code: told.code.into(),
            field: told.field.to_owned(),
            detail: words.clone(),
            remedy: told.remedy.to_owned(),
        };
        let message = format!("{words}; {}", told.remedy);
        with_problem(
            &Status::with_error_details(told.status, message, details),
            &problem,
        )
    }
}

/// The same status with our own detail beside the standard ones.
fn with_problem(status: &Status, problem: &Problem) -> Status {
    let mut rpc = tonic_types::Status::decode(status.details()).unwrap_or_default();
    rpc.details
        .resize_with(rpc.details.len().saturating_add(1), Default::default);
    if let Some(any) = rpc.details.last_mut() {
        PROBLEM_TYPE.clone_into(&mut any.type_url);
        any.value = problem.encode_to_vec();
    }
    Status::with_details(status.code(), status.message(), rpc.encode_to_vec().into())
}

/// Our own detail of a status, if it has one.
pub fn problem(status: &Status) -> Option<Problem> {
    let rpc = tonic_types::Status::decode(status.details()).ok()?;
    let any = rpc
        .details
        .iter()
        .find(|any| any.type_url == PROBLEM_TYPE)?;
    Problem::decode(any.value.as_slice()).ok()
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

impl From<SubmitError> for Fault {
    fn from(error: SubmitError) -> Fault {
        match error {
            SubmitError::Overloaded { retry_after_ms } => Fault::Overloaded { retry_after_ms },
            SubmitError::RateLimited {
                party,
                per_second,
                retry_after_ms,
            } => Fault::RateLimited {
                party,
                per_second,
                retry_after_ms,
            },
            SubmitError::Stopped { why } => Fault::Stopped(why),
            SubmitError::DiskNearlyFull {
                free_bytes,
                reserve_bytes,
            } => Fault::DiskNearlyFull {
                free_bytes,
                reserve_bytes,
            },
            SubmitError::ClockInDoubt(doubt) => Fault::ClockInDoubt(doubt),
            SubmitError::OnHold(hold) => Fault::OnHold(hold),
            SubmitError::Unreadable { .. } => Fault::Storage(error.to_string()),
        }
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Fault {
        match error {
            ReadError::Busy { retry_after_ms } => Fault::Overloaded { retry_after_ms },
            ReadError::Stopped { why } => Fault::Stopped(why),
            other => Fault::Storage(other.to_string()),
        }
    }
}

impl From<NoReceipt> for Fault {
    fn from(error: NoReceipt) -> Fault {
        match error {
            NoReceipt::PastEnd { position, as_of } => Fault::PastEnd { position, as_of },
            NoReceipt::Record(error) => error.into(),
            other => Fault::NoReceipt(other),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        Fault::Storage(error.to_string())
    }
}

impl From<TraceError> for Fault {
    fn from(error: TraceError) -> Fault {
        match error {
            TraceError::TooLong => Fault::TooLong(error.to_string()),
            other => Fault::Storage(other.to_string()),
        }
    }
}
