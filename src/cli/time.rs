//! Times that people write, as the law's days are: those of Asia/Shanghai.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use super::error::CliError;
use crate::event::when::OFFSET;

pub use crate::event::when::{in_seconds, shown};

/// The wall clock, Unix milliseconds.
pub fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Unix milliseconds from a time with its offset (RFC 3339), or from a day,
/// whose first moment in Asia/Shanghai is meant.
pub fn parse(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_millisecond());
    }
    let day: Date = if text.len() == 10 {
        text.parse().ok()?
    } else {
        return None;
    };
    OFFSET
        .to_timestamp(day.at(0, 0, 0, 0))
        .ok()
        .map(Timestamp::as_millisecond)
}

/// The same for an argument, with an error that says how.
pub fn argument(name: &str, text: &str) -> Result<i64, CliError> {
    parse(text).ok_or_else(|| {
        CliError::argument(
            format!("{name} {text}"),
            "not a time; write 2026-11-23T18:40:00+08:00, or 2026-11-23 for the start of that day",
        )
    })
}

/// Unix milliseconds from what a clock on a wall in China shows, day and time,
/// such as `2026-11-23 18:40`; for an argument.
pub fn on_a_clock(name: &str, text: &str) -> Result<i64, CliError> {
    let read = || {
        let shown: DateTime = text.parse().ok()?;
        // A day alone is no time of a clock.
        let at = text.contains(':').then_some(shown)?;
        OFFSET.to_timestamp(at).ok().map(Timestamp::as_millisecond)
    };
    read().ok_or_else(|| {
        CliError::argument(
            format!("{name} {text}"),
            "not what a clock shows; write day and time of Shanghai: '2026-11-23 18:40'",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_shanghai_and_read_back() {
        assert_eq!(shown(0), "1970-01-01T08:00:00+08:00");
        assert_eq!(shown(1_795_430_400_125), "2026-11-23T18:40:00.125+08:00");
        assert_eq!(
            parse("2026-11-23T18:40:00.125+08:00"),
            Some(1_795_430_400_125)
        );
        assert_eq!(parse("2026-11-23T10:40:00.125Z"), Some(1_795_430_400_125));
    }

    #[test]
    fn what_a_clock_shows_is_a_day_and_a_time_of_shanghai() {
        let read = |text| on_a_clock("--confirm-clock", text).ok();
        let wanted = parse("2026-11-23T18:40:00+08:00");
        assert_eq!(read("2026-11-23 18:40"), wanted);
        assert_eq!(read("2026-11-23T18:40:00"), wanted);
        for text in ["18:40", "2026-11-23", "2026-11-23 25:00", "now", ""] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_day_starts_at_midnight_in_shanghai() {
        assert_eq!(parse("2026-11-23"), parse("2026-11-23T00:00:00+08:00"));
        assert!(parse("2026-11-23").is_some());
    }

    #[test]
    fn a_time_without_offset_is_no_time() {
        for text in [
            "2026-11-23T16:00:00",
            "16:00",
            "yesterday",
            "",
            "2026-13-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
