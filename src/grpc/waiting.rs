//! Waiting for a minimum position, no longer than the caller's deadline, and
//! blocking reads off the async threads, a bounded number at a time.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tonic::metadata::MetadataMap;

use super::errors::Fault;

/// Part of the caller's time that is kept for the way back, and at most.
const WAY_BACK: (u32, Duration) = (10, Duration::from_millis(50));

/// When a request must have been answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline(pub Instant);

impl Deadline {
    /// From the caller's `grpc-timeout`, counted from now, and at most so long.
    pub fn of(metadata: &MetadataMap, most: Duration) -> Deadline {
        Deadline(Instant::now() + patience(given(metadata), most))
    }

    /// Whether it has passed.
    pub fn is_over(self) -> bool {
        self.0 <= Instant::now()
    }
}

/// When the caller of a stream will have gone, if it said so.
pub(super) fn callers_deadline(metadata: &MetadataMap) -> Option<Instant> {
    Instant::now().checked_add(less_way_back(given(metadata)?))
}

/// Ready at that time; never, if there is none.
pub(super) async fn at(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

fn given(metadata: &MetadataMap) -> Option<Duration> {
    timeout(metadata.get("grpc-timeout")?.to_str().ok()?)
}

/// How long we wait for a caller that has this much time.
fn patience(given: Option<Duration>, longest: Duration) -> Duration {
    given.map_or(longest, |given| less_way_back(given).min(longest))
}

fn less_way_back(given: Duration) -> Duration {
    let (part, most) = WAY_BACK;
    given.saturating_sub((given / part).min(most))
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
    /// At most so many at a time.
    pub fn new(most: usize) -> Reads {
        Reads {
            places: Arc::new(Semaphore::new(most)),
        }
    }

    /// Runs a blocking read when there is a place for it. One that is not done
    /// at the deadline keeps its place until it is, but its caller does not
    /// wait.
    pub async fn run<R: Send + 'static>(
        &self,
        deadline: Deadline,
        read: impl FnOnce() -> Result<R, Fault> + Send + 'static,
    ) -> Result<R, Fault> {
        let busy = Fault::TurnedAway {
            limit: "max_reads",
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
        match tokio::time::timeout_at(deadline.0, reading).await {
            Ok(read) => read.unwrap_or_else(|e| Err(Fault::Storage(e.to_string()))),
            Err(_) => Err(Fault::ReadOver),
        }
    }
}

/// When to come again after all places were taken, milliseconds.
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
        let longest = Duration::from_secs(10);
        assert_eq!(patience(None, longest), longest);
        assert_eq!(patience(Some(Duration::from_hours(1)), longest), longest);
        assert_eq!(
            patience(Some(Duration::from_millis(100)), longest),
            Duration::from_millis(90)
        );
        assert_eq!(
            patience(Some(Duration::from_secs(1)), longest),
            Duration::from_millis(950)
        );
    }
}
