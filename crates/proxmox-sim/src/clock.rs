//! The clock, and UTC date and time in the formats of file names.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time since the Unix epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "the simulator uses no crate of the product, so it reads the clock here"
)]
pub(crate) fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// A date and time in UTC.
pub(crate) struct Time {
    date: (i64, u64, u64),
    clock: (u64, u64, u64),
}

impl Time {
    /// Converts seconds since the Unix epoch. Days are counted in years that start in March.
    pub(crate) fn from_seconds(seconds: u64) -> Self {
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        let shifted = days + 719_468;
        let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        let year = i64::try_from(year_of_era + era * 400).unwrap_or_default();
        Self {
            date: (year + i64::from(month <= 2), month, day),
            clock: (rest / 3600, rest / 60 % 60, rest % 60),
        }
    }

    /// `2024_02_29-12_34_56`.
    pub(crate) fn file(&self) -> String {
        let ((year, month, day), (hour, minute, second)) = (self.date, self.clock);
        format!("{year:04}_{month:02}_{day:02}-{hour:02}_{minute:02}_{second:02}")
    }

    /// `2024-02-29T12:34:56Z`.
    pub(crate) fn iso(&self) -> String {
        let ((year, month, day), (hour, minute, second)) = (self.date, self.clock);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

#[cfg(test)]
mod tests {
    use super::Time;

    #[test]
    fn times_are_formatted_as_utc() {
        assert_eq!(Time::from_seconds(0).iso(), "1970-01-01T00:00:00Z");
        assert_eq!(
            Time::from_seconds(1_709_210_096).file(),
            "2024_02_29-12_34_56"
        );
        assert_eq!(
            Time::from_seconds(1_795_210_310).iso(),
            "2026-11-20T21:31:50Z"
        );
    }
}
