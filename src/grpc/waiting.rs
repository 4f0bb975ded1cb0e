//! Waiting for a minimum position, no longer than the caller's deadline, and
//! blocking reads off the async threads, a bounded number at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tonic::metadata::MetadataMap;

use super::errors::Fault;

/// How long a read waits for its minimum position if the caller names no
/// deadline, and at most.
pub const MAX_WAIT: Duration = Duration::from_secs(10);

/// Part of the caller's time that is kept for the way back, and at most.
const WAY_BACK: (u32, Duration) = (10, Duration::from_millis(50));

/// Blocking reads at a time, at most; the others wait until their deadline.
pub const MAX_READS: usize = 16;

/// When a request must have been answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(pub Instant);

impl Deadline {
    /// From the caller's `grpc-timeout`, counted from now.
    pub fn of(metadata: &MetadataMap) -> Deadline {
        let header = metadata
            .get("grpc-timeout")
            .and_then(|value| value.to_str().ok());
        Deadline(Instant::now() + patience(header.and_then(timeout)))
    }
}

/// How long we wait for a caller that has this much time.
fn patience(given: Option<Duration>) -> Duration {
    let (part, most) = WAY_BACK;
    given.map_or(MAX_WAIT, |given| {
        let way_back = (given / part).min(most);
        given.saturating_sub(way_back).min(MAX_WAIT)
    })
}

/// A `grpc-timeout` header (gRPC over HTTP/2, "Timeout"): at most 8 digits and
/// a unit. Anything else is `None`: as if there were none.
pub fn timeout(header: &str) -> Option<Duration> {
    let unit = header.chars().next_back()?;
    let digits = header.strip_suffix(unit)?;
    let sound = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let count: u64 = digits.parse().ok().filter(|_| sound)?;
    Some(match unit {
        'H' => Duration::from_secs(count * 3600),
        'M' => Duration::from_secs(count * 60),
        'S' => Duration::from_secs(count),
        'm' => Duration::from_millis(count),
        'u' => Duration::from_micros(count),
        'n' => Duration::from_nanos(count),
        _ => return None,
    })
}

/// Runs blocking reads.
#[derive(Clone)]
pub(super) struct Reads {
    places: Arc<Semaphore>,
}

impl Reads {
    pub fn new() -> Reads {
        Reads {
            places: Arc::new(Semaphore::new(MAX_READS)),
        }
    }

    /// Runs a blocking read when there is a place for it.
    pub async fn run<R: Send + 'static>(
        &self,
        deadline: Deadline,
        read: impl FnOnce() -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let busy = Fault::Overloaded {
            retry_after_ms: RETRY_AFTER_MS,
        };
        let waiting = Arc::clone(&self.places).acquire_owned();
        let Ok(Ok(place)) = tokio::time::timeout_at(deadline.0, waiting).await else {
            return Err(busy);
        };
        let reading = tokio::task::spawn_blocking(move || {
            let answer = read();
            drop(place);
            answer
        });
        reading
            .await
            .unwrap_or_else(|e| Err(Fault::Storage(e.to_string())))
    }
}

/// When to come again after all [`MAX_READS`] places were taken.
const RETRY_AFTER_MS: u64 = 100;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn timeouts_are_read_as_grpc_writes_them_and_anything_else_is_none() {
        let cases = [
            ("5S", Some(5_000)),
            ("250m", Some(250)),
            ("99999999u", Some(99_999)),
            ("1M", Some(60_000)),
            ("2H", Some(7_200_000)),
            ("", None),
            ("S", None),
            ("5", None),
            ("5s", None),
            ("-5S", None),
            ("+5S", None),
            ("123456789S", None),
            ("5µ", None),
        ];
        for (header, wanted) in cases {
            let got = timeout(header).map(|t| u64::try_from(t.as_millis()).unwrap());
            assert_eq!(got, wanted, "{header:?}");
        }
    }

    #[test]
    fn nobody_is_waited_for_beyond_the_bound_and_some_time_is_kept_for_the_way_back() {
        assert_eq!(patience(None), MAX_WAIT);
        assert_eq!(patience(Some(Duration::from_hours(1))), MAX_WAIT);
        assert_eq!(
            patience(Some(Duration::from_millis(100))),
            Duration::from_millis(90)
        );
        assert_eq!(
            patience(Some(Duration::from_secs(1))),
            Duration::from_millis(950)
        );
    }
}
