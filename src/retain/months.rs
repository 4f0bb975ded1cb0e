//! Calendar months, as the law counts them: in Asia/Shanghai.

use jiff::{Span, Timestamp};

use crate::event::when::OFFSET;

/// The same time of day so many calendar months later, Unix milliseconds, on
/// the month's last day if it has no such day; `None` beyond the calendar.
pub(super) fn months_after(unix_ms: i64, months: i64) -> Option<i64> {
    let from = OFFSET.to_datetime(Timestamp::from_millisecond(unix_ms).ok()?);
    let later = from
        .checked_add(Span::new().try_months(months).ok()?)
        .ok()?;
    Some(OFFSET.to_timestamp(later).ok()?.as_millisecond())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::months_after;

    fn ms(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn months_are_those_of_the_calendar_in_shanghai() {
        #[rustfmt::skip]
        let cases = [
            ("2026-01-31T12:00:00+08:00", 1,   "2026-02-28T12:00:00+08:00"),
            ("2024-02-29T00:00:00+08:00", 12,  "2025-02-28T00:00:00+08:00"),
            // Still the 30th there, and the 31st here.
            ("2026-03-30T20:00:00+00:00", 1,   "2026-04-30T04:00:00+08:00"),
            ("2026-11-27T21:00:00+08:00", 120, "2036-11-27T21:00:00+08:00"),
        ];
        for (from, months, want) in cases {
            assert_eq!(months_after(ms(from), months), Some(ms(want)), "{from}");
        }
        assert_eq!(months_after(i64::MAX, 1), None);
        assert_eq!(months_after(0, i64::MAX), None);
    }
}
