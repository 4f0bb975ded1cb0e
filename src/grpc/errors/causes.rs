//! What of the ledger's and the views' errors makes a request one that could
//! not be tried.

use super::Fault;
use crate::ledger::{NoReceipt, ReadError, SubmitError};
use crate::projection::StoreError;
use crate::projection::trace::TraceError;

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
