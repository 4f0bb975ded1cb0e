//! The limits of a server, as options of `serve`. What each means in full,
//! and its danger, is with [`grpc::Limits`](crate::grpc::Limits) and
//! [`ledger::Options`](crate::ledger::Options).

use std::time::Duration;

use clap::Args;

use super::error::CliError;
use crate::grpc::Limits;
use crate::ledger::Options;

/// What the server bears.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Statements that may be unanswered; others come again.
    #[arg(long, value_name = "N", default_value = "8192")]
    queue_statements: usize,
    /// Bytes of statements that may be unanswered.
    #[arg(long, value_name = "N", default_value = "67108864")]
    queue_bytes: usize,
    /// Statements a second that one party may have judged; 0 is no limit.
    #[arg(long, value_name = "N", default_value = "0")]
    party_statements_per_second: u32,
    /// How many of those at once.
    #[arg(long, value_name = "N", default_value = "1000")]
    party_burst: u32,
    /// Dry runs at a time.
    #[arg(long, value_name = "N", default_value = "16")]
    max_dry_runs: usize,
    /// Connections open at a time; others wait to be let in.
    #[arg(long, value_name = "N", default_value = "512")]
    max_connections: usize,
    /// Calls at a time on one connection.
    #[arg(long, value_name = "N", default_value = "256")]
    max_streams: u32,
    /// Calls at a time on all connections.
    #[arg(long, value_name = "N", default_value = "1024")]
    max_calls: usize,
    /// Streams of statements at a time.
    #[arg(long, value_name = "N", default_value = "128")]
    max_submit_streams: usize,
    /// Statements of one stream that are unanswered, or whose answer is unread.
    #[arg(long, value_name = "N", default_value = "512")]
    in_flight: usize,
    /// Followers at a time.
    #[arg(long, value_name = "N", default_value = "128")]
    max_followers: usize,
    /// Records that wait for one follower.
    #[arg(long, value_name = "N", default_value = "16")]
    follow_buffer: usize,
    /// Reads of the disk at a time.
    #[arg(long, value_name = "N", default_value = "16")]
    max_reads: usize,
    /// Bytes of long answers that wait for their readers.
    #[arg(long, value_name = "N", default_value = "268435456")]
    max_unread_bytes: usize,
    /// How long a read waits, at most.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    max_wait: Duration,
    /// How long the sender of one statement waits for its answer, at most.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = duration)]
    max_submit_wait: Duration,
    /// How long a connection may say nothing at its beginning.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    handshake_timeout: Duration,
    /// After how much silence a connection is asked whether it is there.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    keepalive_every: Duration,
    /// How long it may take to say so.
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = duration)]
    keepalive_timeout: Duration,
    /// How long a connection may be open without a call.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration)]
    idle_timeout: Duration,
    /// How long an answer may be left unread before its connection is cut.
    #[arg(long, value_name = "TIME", default_value = "1m", value_parser = duration)]
    unread_timeout: Duration,
    /// Bytes of requests on their way, for each connection and call.
    #[arg(long, value_name = "N", default_value = "1048576")]
    window_bytes: u32,
    /// Bytes of a call's headers.
    #[arg(long, value_name = "N", default_value = "16384")]
    max_header_bytes: u32,
    /// Calls that a client may open and reset at once.
    #[arg(long, value_name = "N", default_value = "64")]
    max_resets: usize,
    /// Statements a second that one connection may send for nothing (unverified,
    /// or recorded already); 0 is no limit.
    #[arg(long, value_name = "N", default_value = "1000")]
    wasted_per_second: u32,
    /// How many of those at once.
    #[arg(long, value_name = "N", default_value = "10000")]
    wasted_burst: u32,
    /// How long calls may go on after the signal to stop.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    grace: Duration,
    /// Calls that take longer are logged.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    slow_call: Duration,
    /// Lines about calls in the log, a second.
    #[arg(long, value_name = "N", default_value = "50")]
    log_lines_per_second: u32,
}

impl LimitArgs {
    /// The door's; an error names the one that cannot be.
    pub fn door(&self) -> Result<Limits, CliError> {
        let limits = Limits {
            max_connections: self.max_connections,
            max_streams: self.max_streams,
            max_calls: self.max_calls,
            max_submit_streams: self.max_submit_streams,
            in_flight: self.in_flight,
            max_followers: self.max_followers,
            follow_buffer: self.follow_buffer,
            max_reads: self.max_reads,
            max_unread_bytes: self.max_unread_bytes,
            max_wait: self.max_wait,
            max_submit_wait: self.max_submit_wait,
            handshake_timeout: self.handshake_timeout,
            keepalive_every: self.keepalive_every,
            keepalive_timeout: self.keepalive_timeout,
            idle_timeout: self.idle_timeout,
            unread_timeout: self.unread_timeout,
            window_bytes: self.window_bytes,
            max_header_bytes: self.max_header_bytes,
            max_resets: self.max_resets,
            wasted_per_second: self.wasted_per_second,
            wasted_burst: self.wasted_burst,
            grace: self.grace,
            slow_call: self.slow_call,
            log_lines_per_second: self.log_lines_per_second,
        };
        match limits.fault() {
            None => Ok(limits),
            Some(fault) => {
                let name = fault
                    .split(' ')
                    .next()
                    .unwrap_or_default()
                    .replace('_', "-");
                Err(CliError::argument(format!("--{name}"), fault))
            }
        }
    }

    /// The ledger's, with `others` for what is no limit.
    pub fn ledger(&self, others: &Options) -> Options {
        Options {
            queue_statements: self.queue_statements,
            queue_bytes: self.queue_bytes,
            party_statements_per_second: self.party_statements_per_second,
            party_burst: self.party_burst,
            max_dry_runs: self.max_dry_runs,
            ..others.clone()
        }
    }
}

/// A whole number and its unit: `500ms`, `10s`, `5m`, `1h`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60 * 1000,
        "h" => 60 * 60 * 1000,
        _ => return Err("give a number with its unit: 500ms, 10s, 5m or 1h".to_owned()),
    };
    let number: u64 = number.parse().map_err(|e| format!("{number:?}: {e}"))?;
    let milliseconds = number.checked_mul(milliseconds);
    milliseconds
        .map(Duration::from_millis)
        .ok_or_else(|| "more time than there is".to_owned())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        limits: LimitArgs,
    }

    fn parsed(args: &[&str]) -> LimitArgs {
        let args = [&["serve"], args].concat();
        Command::try_parse_from(args).unwrap().limits
    }

    #[test]
    fn what_the_help_says_is_the_default_is_the_default() {
        let limits = parsed(&[]);
        assert_eq!(limits.door().unwrap(), Limits::default());
        let ledger = format!("{:?}", limits.ledger(&Options::default()));
        assert_eq!(ledger, format!("{:?}", Options::default()));
    }

    #[test]
    fn every_limit_of_the_door_can_be_set() {
        // Each to a value of its own, none its default.
        let changed = format!("{:?}", Limits::default());
        let fields = changed
            .split_once('{')
            .unwrap()
            .1
            .trim_end_matches([' ', '}']);
        for field in fields.split(',') {
            let (name, value) = field.trim().split_once(": ").unwrap();
            let other = if value.ends_with('s') {
                "7s"
            } else {
                "16777216"
            };
            let flag = format!("--{}", name.replace('_', "-"));
            let limits = parsed(&[&flag, other]).door().unwrap();
            assert_ne!(limits, Limits::default(), "{flag}");
        }
    }

    #[test]
    fn a_limit_that_cannot_be_is_named() {
        let error = parsed(&["--max-calls", "0"])
            .door()
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("--max-calls: "), "{error}");
    }

    #[test]
    fn times_are_read_with_their_unit_and_nothing_else() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("5m"), Ok(Duration::from_mins(5)));
        assert_eq!(duration("1h"), Ok(Duration::from_hours(1)));
        for wrong in [
            "",
            "5",
            "s",
            "-5s",
            "5 s",
            "5d",
            "99999999999999999999s",
            "9999999999999999h",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
