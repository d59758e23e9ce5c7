//! What is repeated because a nonce was refused, and when an authority wants to be asked again. Must
//! not know what is asked.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header::RETRY_AFTER};
use model::Timestamp;

/// How often a call is made when each time its nonce is refused. The library makes three tries of
/// each, so a server that refuses every other nonce is given up once in 2⁻¹⁸.
pub(super) const TRIES: u32 = 6;

/// Makes a call, and makes it again while nothing but its nonce was refused: such a request was not
/// looked at (RFC 8555, section 6.5).
macro_rules! again {
    ($call:expr) => {{
        let mut tries = 1;
        loop {
            match $call {
                Err(error)
                    if tries < $crate::acme::retry::TRIES
                        && $crate::acme::problem::is(&error, "badNonce") =>
                {
                    tries += 1;
                }
                done => break done,
            }
        }
    }};
}
pub(super) use again;

/// More than an authority makes one wait.
const LONGEST: Duration = Duration::from_secs(31 * 86_400);

/// What `Retry-After` says (RFC 9110, section 10.2.3), as a span from now of at most a month.
pub(super) fn after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let span = if let Ok(seconds) = value.parse() {
        Duration::from_secs(seconds)
    } else {
        let moment = httpdate::parse_http_date(value).ok()?;
        let left = moment.duration_since(SystemTime::now());
        left.unwrap_or(Duration::ZERO)
    };
    Some(span.min(LONGEST))
}

/// The moment that lies a span after now.
pub(super) fn from_now(span: Duration) -> Timestamp {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let later = now.unwrap_or_default().saturating_add(span);
    Timestamp(i64::try_from(later.as_millis()).unwrap_or(i64::MAX))
}

/// The moment that Let's Encrypt names in its words about a limit: `retry after 2026-01-02 03:04:05
/// UTC` (<https://letsencrypt.org/docs/rate-limits/>), in earlier days `2026-01-02T03:04:05Z`.
pub(super) fn moment_in(words: &str) -> Option<Timestamp> {
    let (_, rest) = words.split_once("retry after ")?;
    let digits = |from: usize, to: usize| rest.get(from..to)?.parse::<u8>().ok();
    let month = time::Month::try_from(digits(5, 7)?).ok()?;
    let year = rest.get(0..4)?.parse().ok()?;
    let date = time::Date::from_calendar_date(year, month, digits(8, 10)?).ok()?;
    let clock = time::Time::from_hms(digits(11, 13)?, digits(14, 16)?, digits(17, 19)?).ok()?;
    let seconds = date.with_time(clock).assume_utc().unix_timestamp();
    Some(Timestamp(seconds.saturating_mul(1000)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after_text(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        after(&headers)
    }

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        assert_eq!(after_text("120"), Some(Duration::from_secs(120)));
        assert_eq!(after_text(" 0 "), Some(Duration::ZERO));
        assert_eq!(after_text("18446744073709551615"), Some(LONGEST));
        assert_eq!(
            after_text("Wed, 21 Oct 2015 07:28:00 GMT"),
            Some(Duration::ZERO)
        );
        assert_eq!(after_text("Tue, 01 Jan 2999 00:00:00 GMT"), Some(LONGEST));
        assert_eq!(after_text("soon"), None);
        assert_eq!(after(&HeaderMap::new()), None);
    }

    #[test]
    fn lets_encrypt_names_the_moment() {
        let words = "too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after 2026-01-02 03:04:05 UTC: see https://letsencrypt.org/docs/rate-limits/";
        let found = moment_in(words).unwrap();
        assert_eq!(found.rfc3339(), "2026-01-02T03:04:05Z");
        let old = moment_in("retry after 2026-01-02T03:04:05Z.").unwrap();
        assert_eq!(old, found);
        for words in [
            "",
            "retry after",
            "retry after 1h",
            "retry after 2026-13-02 03:04:05",
        ] {
            assert_eq!(moment_in(words), None, "{words}");
        }
    }

    proptest! {
        #[test]
        fn no_words_make_it_fall(words in "\\PC{0,40}") {
            let _ = moment_in(&format!("retry after {words}"));
        }
    }
}
