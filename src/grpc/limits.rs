//! What the door bears: every bound on connections, calls, memory and waiting,
//! as settings. None of it changes what a statement comes to.

use std::time::Duration;

use super::reading::BATCHES_AHEAD;
use super::{MAX_ANSWER, MAX_REQUEST};
use crate::event::record::{MAX_HEAD, MAX_RECORD};
use crate::ledger::Rate;

/// Bytes of answers that the transport keeps for one call, at most: its own
/// 400 KiB, and the piece that filled them.
const UNSENT: usize = 512 * 1024;

/// Bytes of the batches of the journal that one follower or reader of it has
/// waiting, at most: the one that is read from, and the one that is sent.
const FOLLOWED_BATCH: usize = (1 + BATCHES_AHEAD) * 1024 * 1024;

/// What the door bears. [`Limits::default`] is meant for a server of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections open at a time; who comes beyond that waits in the
    /// operating system's queue. Default 512. Danger: each takes a file
    /// descriptor and up to `window_bytes` of memory.
    pub max_connections: usize,
    /// Calls at a time on one connection. Default 256. Danger: a client that
    /// opens more waits for its own; a higher figure lets one client take more
    /// of `max_calls`.
    pub max_streams: u32,
    /// Calls at a time on all connections; the next is turned away with a time
    /// to come again. Bounds the tasks there are. Default 1,024. Danger: each
    /// may hold a request of up to 320 KiB and 512 KiB of its answer.
    pub max_calls: usize,
    /// Streams of statements at a time. Default 128. Danger: each may hold
    /// `in_flight` answers, which have 64 KiB at most and 1 KiB as a rule.
    pub max_submit_streams: usize,
    /// Statements of one stream that are unanswered or whose answer has not
    /// been sent; what comes beyond that is not read, so HTTP/2 holds the
    /// sender back. Default 512. Danger: lower than a batch has records, and
    /// one stream alone no longer fills batches.
    pub in_flight: usize,
    /// Followers, and readers of the journal, at a time. Default 128. Danger:
    /// each may hold two batches of the journal (1 MiB each) and `follow_buffer` records of up to 256 KiB, and reads
    /// the journal for itself.
    pub max_followers: usize,
    /// Records that wait for one follower; a slow one is read for no faster
    /// than it takes them. Default 16. Danger: see `max_followers`.
    pub follow_buffer: usize,
    /// Blocking reads at a time; the others wait until their deadline. Default
    /// 16. Danger: each takes a thread, and reads the disk that the journal is
    /// on.
    pub max_reads: usize,
    /// Bytes of long answers (beyond 512 KiB: traces, as a rule) that wait for
    /// their reader, at least 16 MiB; the next is turned away. Default 256 MiB.
    /// Danger: it is memory.
    pub max_unread_bytes: usize,
    /// How long a read waits for its minimum position, and takes, if the
    /// caller names no deadline, and at most. Default 10 s. Danger: whoever
    /// waits holds a place among `max_calls`.
    pub max_wait: Duration,
    /// The same for the answer to one statement. Default 60 s. Danger: when it
    /// is over, the caller does not know whether the statement is recorded.
    pub max_submit_wait: Duration,
    /// How long a connection may take to begin to speak HTTP/2. Default 10 s.
    /// Danger: one that says nothing holds a place for so long.
    pub handshake_timeout: Duration,
    /// After how much silence a connection is asked whether it is still there.
    /// Default 30 s. Danger: longer keeps half-open connections longer.
    pub keepalive_every: Duration,
    /// How long it may take to say so before it is closed. Default 20 s.
    /// Danger: shorter than a pause of the network, and living clients go.
    pub keepalive_timeout: Duration,
    /// How long a connection may stay open without a call. Default 10 min.
    /// Danger: shorter makes clients connect again all the time.
    pub idle_timeout: Duration,
    /// How long a client may leave an answer unread before its connection is
    /// cut. Default 60 s. Danger: so long it holds what it has not read; a
    /// slow reader is not cut as long as it reads at all.
    pub unread_timeout: Duration,
    /// Bytes of a connection's requests that may be on their way, and of one
    /// call's, 64 KiB to 16 MiB. Default 1 MiB. Danger: memory, for each
    /// connection; lower slows a single fast client over a long line.
    pub window_bytes: u32,
    /// Bytes of a call's headers. Default 16 KiB. Danger: memory, for each
    /// call that is being opened.
    pub max_header_bytes: u32,
    /// Calls that a client may open and reset before they are looked at,
    /// before its connection is closed. Default 64. Danger: higher is work for
    /// nothing (CVE-2023-44487), lower hits clients that cancel many calls.
    pub max_resets: usize,
    /// Statements a second, in the long run, that one connection may send for
    /// nothing: such as do not verify, and such as are recorded already. Who
    /// has sent more is held back: a stream is read later, a single call is
    /// turned away with a time to come again. 0 is no limit. Default 1,000.
    /// Danger: it slows whoever sends a long file of recorded statements
    /// again.
    pub wasted_per_second: u32,
    /// How many of those at once after a rest, at least 1. Default 10,000.
    /// Danger: as said.
    pub wasted_burst: u32,
    /// How long calls may go on after the signal to stop; what is open then is
    /// cut off. Statements that were admitted are recorded all the same.
    /// Default 5 s. Danger: shorter leaves callers without their answer.
    pub grace: Duration,
    /// Calls that took longer are logged as slow. Default 1 s. Danger: shorter
    /// than a busy day's waits, and the log is full of them.
    pub slow_call: Duration,
    /// Lines about calls in the log, a second; the others are counted. Default
    /// 50. Danger: higher lets a flood of failing calls fill the log's disk.
    pub log_lines_per_second: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_connections: 512,
            max_streams: 256,
            max_calls: 1024,
            max_submit_streams: 128,
            in_flight: 512,
            max_followers: 128,
            follow_buffer: 16,
            max_reads: 16,
            max_unread_bytes: 256 * 1024 * 1024,
            max_wait: Duration::from_secs(10),
            max_submit_wait: Duration::from_mins(1),
            handshake_timeout: Duration::from_secs(10),
            keepalive_every: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_mins(10),
            unread_timeout: Duration::from_mins(1),
            window_bytes: 1024 * 1024,
            max_header_bytes: 16 * 1024,
            max_resets: 64,
            wasted_per_second: 1_000,
            wasted_burst: 10_000,
            grace: Duration::from_secs(5),
            slow_call: Duration::from_secs(1),
            log_lines_per_second: 50,
        }
    }
}

impl Limits {
    /// What is wrong with them, if anything: the name of the bad one and why.
    pub fn fault(&self) -> Option<String> {
        let most = tokio::sync::Semaphore::MAX_PERMITS;
        let counts = [
            ("max_connections", self.max_connections),
            ("max_calls", self.max_calls),
            ("max_submit_streams", self.max_submit_streams),
            ("in_flight", self.in_flight),
            ("max_followers", self.max_followers),
            ("follow_buffer", self.follow_buffer),
            ("max_reads", self.max_reads),
            ("max_unread_bytes", self.max_unread_bytes),
            (
                "max_streams",
                usize::try_from(self.max_streams).unwrap_or(most),
            ),
            ("max_resets", self.max_resets),
            (
                "wasted_burst",
                usize::try_from(self.wasted_burst).unwrap_or(most),
            ),
        ];
        if let Some((name, count)) = counts.into_iter().find(|(_, n)| !(1..=most).contains(n)) {
            return Some(format!("{name} is {count}, outside 1 to {most}"));
        }
        let windows = 64 * 1024..=16 * 1024 * 1024;
        if !windows.contains(&self.window_bytes) {
            return Some(format!(
                "window_bytes is {}, outside {} to {}",
                self.window_bytes,
                windows.start(),
                windows.end()
            ));
        }
        if self.max_unread_bytes < MAX_ANSWER {
            return Some(format!(
                "max_unread_bytes is {}, and one answer alone may have {MAX_ANSWER}",
                self.max_unread_bytes
            ));
        }
        if self.max_header_bytes < 1024 {
            return Some(format!(
                "max_header_bytes is {}, too few for any call: at least 1024",
                self.max_header_bytes
            ));
        }
        let waits = [
            ("max_wait", self.max_wait),
            ("max_submit_wait", self.max_submit_wait),
            ("handshake_timeout", self.handshake_timeout),
            ("keepalive_every", self.keepalive_every),
            ("keepalive_timeout", self.keepalive_timeout),
            ("idle_timeout", self.idle_timeout),
            ("unread_timeout", self.unread_timeout),
        ];
        let (name, _) = waits.into_iter().find(|(_, wait)| wait.is_zero())?;
        Some(format!("{name} is zero; nobody could be served"))
    }

    /// How fast one connection may send for nothing, if that is limited.
    pub(super) fn wasted(&self) -> Option<Rate> {
        (self.wasted_per_second > 0).then_some(Rate {
            per_second: self.wasted_per_second,
            burst: self.wasted_burst,
        })
    }

    /// How long a call may go without an answer having begun: longer than
    /// any wait of ours, so that what is over then is a request that does not
    /// arrive.
    pub(super) fn longest_wait(&self) -> Duration {
        self.max_wait.max(self.max_submit_wait).saturating_mul(2)
    }

    /// Bytes of memory that the door takes if everybody at once does the worst
    /// that these limits let them; the ledger's queue and live state come on
    /// top.
    pub fn worst_bytes(&self) -> usize {
        let window = usize::try_from(self.window_bytes).unwrap_or(usize::MAX);
        let each = [
            (self.max_connections, window),
            (self.max_calls, MAX_REQUEST.saturating_add(UNSENT)),
            (
                self.max_submit_streams.saturating_mul(self.in_flight),
                MAX_HEAD,
            ),
            (self.max_followers, FOLLOWED_BATCH),
            (
                self.max_followers.saturating_mul(self.follow_buffer),
                MAX_RECORD,
            ),
            (1, self.max_unread_bytes),
        ];
        each.into_iter()
            .map(|(count, bytes)| count.saturating_mul(bytes))
            .fold(0, usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn the_defaults_are_sound_and_a_limit_that_cannot_be_is_named() {
        assert_eq!(Limits::default().fault(), None);
        let bad = |change: fn(&mut Limits)| {
            let mut limits = Limits::default();
            change(&mut limits);
            limits.fault().unwrap()
        };
        assert!(bad(|l| l.max_calls = 0).starts_with("max_calls "));
        assert!(bad(|l| l.in_flight = usize::MAX).starts_with("in_flight "));
        assert!(bad(|l| l.window_bytes = 1).starts_with("window_bytes "));
        assert!(bad(|l| l.max_header_bytes = 0).starts_with("max_header_bytes "));
        assert!(bad(|l| l.unread_timeout = Duration::ZERO).starts_with("unread_timeout "));
    }

    #[test]
    fn the_worst_grows_with_every_limit_on_memory() {
        let plain = Limits::default().worst_bytes();
        let changes: [fn(&mut Limits); 8] = [
            |l| l.max_connections += 1,
            |l| l.max_calls += 1,
            |l| l.max_submit_streams += 1,
            |l| l.in_flight += 1,
            |l| l.max_followers += 1,
            |l| l.follow_buffer += 1,
            |l| l.max_unread_bytes += 1,
            |l| l.window_bytes += 1,
        ];
        for change in changes {
            let mut limits = Limits::default();
            change(&mut limits);
            assert!(limits.worst_bytes() > plain, "{limits:?}");
        }
    }
}
