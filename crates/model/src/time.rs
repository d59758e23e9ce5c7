//! Timestamps and durations. Milliseconds since 1970 (UTC) everywhere, so that three databases, the
//! API and the browser agree without a calendar library.

#[cfg(not(target_arch = "wasm32"))]
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// A point in time, in milliseconds since 1970-01-01 00:00 UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The current time by the clock of this machine. In the browser, `app` reads the clock
    /// instead.
    #[expect(
        clippy::disallowed_methods,
        reason = "the only place that reads the wall clock"
    )]
    #[cfg(not(target_arch = "wasm32"))]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX))
    }

    /// The duration since 1970; zero for earlier times.
    pub fn since_epoch(self) -> Duration {
        Duration::from_millis(u64::try_from(self.0).unwrap_or(0))
    }

    /// Adds a duration; the latest representable time if the sum exceeds it.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let ms = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from this time to `now`; never negative.
    pub fn age_ms(self, now: Self) -> i64 {
        now.0.saturating_sub(self.0).max(0)
    }

    /// The age as text: `just now`, `40 s ago`, `5 min ago`, `3 h ago`, `12 days ago`.
    pub fn format_age(self, now: Self) -> String {
        let seconds = self.age_ms(now) / 1000;
        match seconds {
            0..5 => "just now".to_owned(),
            5..60 => format!("{seconds} s ago"),
            60..3600 => format!("{} min ago", seconds / 60),
            3600..172_800 => format!("{} h ago", seconds / 3600),
            _ => format!("{} days ago", seconds / 86_400),
        }
    }

    /// The time as RFC 3339 in UTC with seconds, such as `2026-11-21T03:50:00Z`.
    pub fn rfc3339(self) -> String {
        let seconds = self.0.div_euclid(1000);
        let (year, month, day) = civil(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        let (h, m, s) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}Z")
    }
}

impl fmt::Display for Timestamp {
    /// The time for users, in UTC with minutes: `2026-11-21 03:50 UTC`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.rfc3339();
        let (date, time) = text.split_once('T').unwrap_or_default();
        write!(f, "{date} {} UTC", time.get(..5).unwrap_or_default())
    }
}

/// The Gregorian date of a day number since 1970-01-01, computed in eras of 400 years
/// (<https://howardhinnant.github.io/date_algorithms.html#civil_from_days>).
pub(crate) fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day number since 1970-01-01 of a Gregorian date, the inverse of [`civil`]
/// (<https://howardhinnant.github.io/date_algorithms.html#days_from_civil>). A day that the month
/// does not have is counted on into the next month.
pub(crate) fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// A duration as text: `850 ms`, `12.3 s`, `4 min 5 s`.
pub fn format_duration(ms: i64) -> String {
    match ms {
        ..1000 => format!("{} ms", ms.max(0)),
        1000..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms / 1000 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_displayed_with_minutes() {
        let text = Timestamp(1_795_233_000_999).to_string();
        assert_eq!(text, "2026-11-21 03:50 UTC");
    }

    #[test]
    fn timestamps_are_formatted_as_rfc3339() {
        assert_eq!(Timestamp(0).rfc3339(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp(951_782_400_000).rfc3339(), "2000-02-29T00:00:00Z");
        assert_eq!(
            Timestamp(1_795_233_000_999).rfc3339(),
            "2026-11-21T03:50:00Z"
        );
        assert_eq!(Timestamp(-1).rfc3339(), "1969-12-31T23:59:59Z");
    }

    #[test]
    fn durations_are_added_and_measured() {
        let span = Duration::from_millis(1500);
        assert_eq!(Timestamp(500).after(span), Timestamp(2000));
        assert_eq!(Timestamp(i64::MAX).after(span), Timestamp(i64::MAX));
        assert_eq!(Timestamp(1500).since_epoch(), span);
        assert_eq!(Timestamp(-1).since_epoch(), Duration::ZERO);
    }

    #[test]
    fn ages_and_durations_are_formatted_with_units() {
        let now = Timestamp(10_000_000_000);
        assert_eq!(Timestamp(now.0 + 5).format_age(now), "just now");
        assert_eq!(Timestamp(now.0 - 59_999).format_age(now), "59 s ago");
        assert_eq!(Timestamp(now.0 - 3_600_000).format_age(now), "1 h ago");
        assert_eq!(Timestamp(now.0 - 172_800_000).format_age(now), "2 days ago");
        assert_eq!(format_duration(61_500), "1 min 1 s");
        assert_eq!(format_duration(1_250), "1.2 s");
    }
}
