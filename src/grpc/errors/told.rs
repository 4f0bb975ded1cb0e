//! How each fault is told: a row a fault, with its status, reason, code, field
//! and remedy.

use tonic::Code;

use super::{Fault, What};
use crate::event::codes;
use crate::ledger::NoReceipt;
use crate::pb::RefusalCode;

/// How a fault is told on the wire.
pub(super) struct Told {
    pub(super) status: Code,
    /// Upper-case with underscores; a refusal code's name where one fits.
    pub(super) reason: &'static str,
    pub(super) code: RefusalCode,
    pub(super) field: &'static str,
    pub(super) remedy: &'static str,
}

impl Fault {
    #[expect(clippy::too_many_lines, reason = "a table: one row a fault")]
    pub(super) fn told(&self) -> Told {
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
