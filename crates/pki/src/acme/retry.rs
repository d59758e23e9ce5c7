//! Retries of requests with a refused nonce, and parsing of retry times. Must not know the ACME
//! operations.

use std::time::{Duration, UNIX_EPOCH};

use http::{HeaderMap, header::RETRY_AFTER};
use model::Timestamp;

/// Attempts of a call whose nonce is refused. The library makes three attempts per call, so with a
/// server that refuses every other nonce, all attempts fail with probability 2⁻¹⁸.
pub(super) const MAX_ATTEMPTS: u32 = 6;

/// Repeats a call while its nonce is refused: the server did not process such a request (RFC 8555,
/// section 6.5).
macro_rules! retry_bad_nonce {
    ($call:expr) => {{
        let mut attempts = 1;
        loop {
            match $call {
                Err(error)
                    if attempts < $crate::acme::retry::MAX_ATTEMPTS
                        && $crate::acme::problem::is_type(&error, "badNonce") =>
                {
                    attempts += 1;
                }
                result => break result,
            }
        }
    }};
}
pub(super) use retry_bad_nonce;

/// Upper limit of `Retry-After`.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(31 * 86_400);

/// Parses `Retry-After` (RFC 9110, section 10.2.3) as a duration of at most a month.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let span = if let Ok(seconds) = value.parse() {
        Duration::from_secs(seconds)
    } else {
        let date = httpdate::parse_http_date(value).ok()?;
        let date = date.duration_since(UNIX_EPOCH).unwrap_or_default();
        date.saturating_sub(Timestamp::now().since_epoch())
    };
    Some(span.min(MAX_RETRY_AFTER))
}

/// The current time plus a duration.
pub(super) fn from_now(span: Duration) -> Timestamp {
    Timestamp::now().after(span)
}

/// Parses the time in Let's Encrypt's rate limit messages: `retry after 2026-01-02 03:04:05 UTC`
/// (<https://letsencrypt.org/docs/rate-limits/>), formerly `2026-01-02T03:04:05Z`.
pub(super) fn parse_retry_time(message: &str) -> Option<Timestamp> {
    let (_, rest) = message.split_once("retry after ")?;
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

    fn retry_after_of(text: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, text.parse().unwrap());
        retry_after(&headers)
    }

    #[test]
    fn retry_after_accepts_seconds_and_dates() {
        assert_eq!(retry_after_of("120"), Some(Duration::from_secs(120)));
        assert_eq!(retry_after_of(" 0 "), Some(Duration::ZERO));
        assert_eq!(
            retry_after_of("18446744073709551615"),
            Some(MAX_RETRY_AFTER)
        );
        assert_eq!(
            retry_after_of("Wed, 21 Oct 2015 07:28:00 GMT"),
            Some(Duration::ZERO)
        );
        assert_eq!(
            retry_after_of("Tue, 01 Jan 2999 00:00:00 GMT"),
            Some(MAX_RETRY_AFTER)
        );
        assert_eq!(retry_after_of("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn lets_encrypt_retry_time_is_parsed() {
        let message = "too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, retry after 2026-01-02 03:04:05 UTC: see https://letsencrypt.org/docs/rate-limits/";
        let time = parse_retry_time(message).unwrap();
        assert_eq!(time.rfc3339(), "2026-01-02T03:04:05Z");
        let old = parse_retry_time("retry after 2026-01-02T03:04:05Z.").unwrap();
        assert_eq!(old, time);
        for message in [
            "",
            "retry after",
            "retry after 1h",
            "retry after 2026-13-02 03:04:05",
        ] {
            assert_eq!(parse_retry_time(message), None, "{message}");
        }
    }

    proptest! {
        #[test]
        fn parse_retry_time_never_panics(message in "\\PC{0,40}") {
            let _ = parse_retry_time(&format!("retry after {message}"));
        }
    }
}
