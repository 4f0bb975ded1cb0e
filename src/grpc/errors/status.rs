//! A fault as a status with its details, and our own detail read back from one.

use std::collections::HashMap;
use std::time::Duration;

use prost::Message as _;
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt as _};

use super::{DOMAIN, Fault, PROBLEM_TYPE, listed};
use crate::pb::Problem;

impl Fault {
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
