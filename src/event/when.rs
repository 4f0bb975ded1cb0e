//! Times and spans for people. Days are those of Asia/Shanghai, as the law's
//! are, with the offset written out. China has kept UTC+8 without summer time
//! since 1992, so no time zone table is needed (nor trusted to be installed).

use jiff::{Timestamp, tz};

/// The offset of Asia/Shanghai.
pub const OFFSET: tz::Offset = tz::offset(8);

/// For example `2026-11-23T18:40:00.125+08:00`; the number itself if it is no
/// time that a calendar has.
pub fn shown(unix_ms: i64) -> String {
    match Timestamp::from_millisecond(unix_ms) {
        Ok(time) => {
            let fraction = if unix_ms % 1000 == 0 { "" } else { "%.3f" };
            let zoned = time.to_zoned_datetime(OFFSET.to_time_zone());
            zoned
                .strftime(&format!("%Y-%m-%dT%H:%M:%S{fraction}%:z"))
                .to_string()
        }
        Err(_) => format!("{unix_ms} ms"),
    }
}

/// The same in whole seconds, as tables show it: `2026-11-23 18:40:00+08:00`.
pub fn in_seconds(unix_ms: i64) -> String {
    let seconds = unix_ms.div_euclid(1000).saturating_mul(1000);
    shown(seconds).replacen('T', " ", 1)
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
const OFFSET_MS: i64 = 8 * 60 * 60 * 1000;

/// The legal day of a time, in days since 1970-01-01, as Asia/Shanghai has it.
pub const fn legal_day(unix_ms: i64) -> i64 {
    unix_ms.saturating_add(OFFSET_MS).div_euclid(DAY_MS)
}

/// When a legal day ends, exclusive; Unix milliseconds.
pub const fn legal_day_end_ms(day: i64) -> i64 {
    day.saturating_add(1)
        .saturating_mul(DAY_MS)
        .saturating_sub(OFFSET_MS)
}

/// The year in Asia/Shanghai; `None` if it is no time that a calendar has.
pub fn year(unix_ms: i64) -> Option<i16> {
    let time = Timestamp::from_millisecond(unix_ms).ok()?;
    Some(time.to_zoned_datetime(OFFSET.to_time_zone()).year())
}

/// How long: `46 days 8 h`, `2 h 40 min`, `5 min 3 s`, `3.250 s`, whole ones of
/// the smaller unit; milliseconds, either sign.
pub fn span(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    let (seconds, minutes, hours) = (ms / 1_000, ms / 60_000, ms / 3_600_000);
    let text = match (hours / 24, hours, minutes) {
        (0, 0, 0) => format!("{seconds}.{:03} s", ms % 1_000),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        (1, _, _) => format!("1 day {} h", hours % 24),
        (days, _, _) => format!("{days} days {} h", hours % 24),
    };
    format!("{sign}{text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_legal_day_begins_at_midnight_in_shanghai() {
        // 2026-11-24 00:00 there.
        let midnight = 1_795_449_600_000;
        assert_eq!(shown(midnight), "2026-11-24T00:00:00+08:00");
        assert_eq!(legal_day(midnight), legal_day(midnight - 1) + 1);
        assert_eq!(legal_day_end_ms(legal_day(midnight - 1)), midnight);
        assert_eq!(legal_day(-1), 0);
    }

    #[test]
    fn times_are_shown_in_shanghai() {
        assert_eq!(shown(0), "1970-01-01T08:00:00+08:00");
        assert_eq!(shown(1_795_430_400_125), "2026-11-23T18:40:00.125+08:00");
        assert_eq!(in_seconds(1_795_430_400_125), "2026-11-23 18:40:00+08:00");
        assert_eq!(shown(i64::MAX), format!("{} ms", i64::MAX));
        assert_eq!(in_seconds(-1), "1970-01-01 07:59:59+08:00");
    }

    #[test]
    fn years_begin_in_shanghai() {
        assert_eq!(year(1_767_196_799_999), Some(2025));
        assert_eq!(year(1_767_196_800_000), Some(2026));
        assert_eq!(year(i64::MAX), None);
    }

    #[test]
    fn spans_have_the_two_largest_units() {
        for (ms, wanted) in [
            (0, "0.000 s"),
            (59_999, "59.999 s"),
            (60_000, "1 min 0 s"),
            (3_599_999, "59 min 59 s"),
            (3_600_000, "1 h 0 min"),
            (86_399_999, "23 h 59 min"),
            (86_400_000, "1 day 0 h"),
            (4_005_597_028, "46 days 8 h"),
            (-60_000, "-1 min 0 s"),
            (i64::MIN, "-106751991167 days 7 h"),
        ] {
            assert_eq!(span(ms), wanted);
        }
    }
}
