//! What a call goes by in logs: the caller's own `x-request-id` if it is
//! sound, else one made here. It is sent back with the answer.

use std::sync::atomic::{AtomicU64, Ordering};

use tonic::codegen::http::{HeaderMap, HeaderValue};

use crate::catalog::personal_data;

/// The metadata key, both ways.
pub const REQUEST_ID: &str = "x-request-id";

/// Characters of a caller's own, at most.
pub const MAX_REQUEST_ID: usize = 64;

/// Makes ids: the server's random number and a counter.
#[derive(Debug)]
pub(super) struct Ids {
    server: u32,
    next: AtomicU64,
}

impl Ids {
    pub(super) fn new() -> Ids {
        Ids {
            // Without random numbers, two runs of the server may use the same.
            server: getrandom::u32().unwrap_or_default(),
            next: AtomicU64::new(1),
        }
    }

    /// The caller's, or a new one.
    pub(super) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let given = headers.get(REQUEST_ID).filter(|id| is_sound(id));
        given.cloned().unwrap_or_else(|| {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let made = format!("{:08x}-{number:x}", self.server);
            HeaderValue::try_from(made).unwrap_or_else(|_| HeaderValue::from_static("none"))
        })
    }
}

/// Short, of letters that break no log, and nobody's number.
fn is_sound(id: &HeaderValue) -> bool {
    let Ok(text) = id.to_str() else {
        return false;
    };
    (1..=MAX_REQUEST_ID).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && personal_data(text).is_none()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn of(ids: &Ids, given: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID, HeaderValue::try_from(given).unwrap());
        ids.of(&headers).to_str().unwrap().to_owned()
    }

    #[test]
    fn a_sound_id_is_kept_and_any_other_is_replaced_by_one_of_our_own() {
        let ids = Ids::new();
        let uuid = "0198f3a2-7c1e-7d3a-9d0b-0f6c2b9e4a11";
        assert_eq!(of(&ids, uuid), uuid);
        let long = "x".repeat(MAX_REQUEST_ID + 1);
        for unsound in ["", "a b", "a\tb", "{}", "13800138000", &long] {
            assert_ne!(of(&ids, unsound), unsound);
        }
        assert_ne!(of(&ids, ""), of(&ids, ""));
    }
}
