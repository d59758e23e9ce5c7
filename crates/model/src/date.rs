//! Calendar dates, in UTC.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Invalid, Timestamp, text::by_text, time};

const DAY_MS: i64 = 86_400_000;

/// A date from 1970 to 9999, as forms submit it: `2027-01-31` (RFC 3339, section 5.6, `full-date`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date {
    /// Days since 1970-01-01.
    days: i64,
}
by_text!(Date);

impl Date {
    /// The date that contains a point in time.
    pub fn containing(at: Timestamp) -> Self {
        Self {
            days: at.0.div_euclid(DAY_MS),
        }
    }

    /// The first instant after the date.
    pub fn end(self) -> Timestamp {
        Timestamp((self.days + 1) * DAY_MS)
    }

    /// The date that [`end`](Self::end)s at this time.
    pub fn ending_at(end: Timestamp) -> Self {
        Self::containing(Timestamp(end.0.saturating_sub(1)))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = time::civil(self.days);
        f.pad(&format!("{year:04}-{month:02}-{day:02}"))
    }
}

impl FromStr for Date {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        parse(text.trim_ascii()).ok_or(Invalid::new("Enter a date such as 2027-01-31."))
    }
}

fn parse(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let mut number = |digits: usize| {
        let part = parts.next()?;
        let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse::<i64>().ok()).flatten()
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    let days = time::day_number(year, month, day);
    // A day that the month does not have becomes one of the next month.
    (year >= 1970 && time::civil(days) == (year, month, day)).then_some(Date { days })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_round_trip() {
        for text in ["1970-01-01", "2000-02-29", "2026-11-29", "9999-12-31"] {
            let date: Date = text.parse().unwrap();
            assert_eq!(date.to_string(), text);
            assert_eq!(Date::ending_at(date.end()), date);
            assert_eq!(Date::containing(Timestamp(date.end().0 - 1)), date);
            assert_ne!(Date::containing(date.end()), date);
        }
        for days in 0..200_000 {
            let date = Date { days };
            assert_eq!(date.to_string().parse::<Date>().unwrap(), date);
        }
    }

    #[test]
    fn end_is_midnight_after_the_date() {
        let date: Date = "2026-11-29".parse().unwrap();
        assert_eq!(date.end().rfc3339(), "2026-11-30T00:00:00Z");
    }

    #[test]
    fn impossible_dates_are_refused() {
        for text in [
            "",
            "2026",
            "2026-11",
            "2026-11-31",
            "2027-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-1-1",
            "26-01-01",
            "2026-01-01-01",
            "2026-01-+1",
            "1969-12-31",
            "12026-01-01",
        ] {
            assert!(text.parse::<Date>().is_err(), "{text:?}");
        }
    }
}
