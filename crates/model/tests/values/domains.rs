//! Origins of web servers, and numeric publishing options.

use model::{
    domains::Hsts,
    origin::Origin,
    publish::{IdleTimeoutS, MaxBodyMib},
};
use proptest::prelude::proptest;
use regex::Regex;

use crate::{assert_parse, assert_table, error_message, grammar, texts};

/// The pattern for origins without a port; ports are tested in the table.
fn origin() -> Regex {
    grammar(r"(?i-u)https?://[a-z]{1,9}(\.[a-z]{1,9}){0,2}/?")
}

proptest! {
    #[test]
    fn origin_requires_scheme_and_host(text in "https?://[a-z]{1,9}(\\.[a-z]{1,9}){0,2}/?") {
        assert!(origin().is_match(&text));
        assert_parse::<Origin>(&text, true)?;
    }

    #[test]
    fn origin_contains_only_scheme_host_and_port(text in texts("https://[a-z]{1,9}", "[a-z:/ ?#@\\\\]{1,9}")) {
        if let Ok(origin) = text.parse::<Origin>() {
            let shown = origin.to_string();
            assert!(!shown.contains(|c: char| "?#@\\ ;".contains(c)), "{shown}");
        }
    }
}

#[test]
fn origin_is_normalized_and_rejects_paths_and_credentials() {
    assert_table::<Origin>(
        &[
            ("https://Login.Example.org/", "https://login.example.org"),
            ("HTTPS://a.b:443", "https://a.b"),
            ("http://a.b:443", "http://a.b:443"),
            ("http://10.20.0.5:4180", "http://10.20.0.5:4180"),
            ("http://10.20.0.5:80", "http://10.20.0.5"),
        ],
        &[
            "",
            "login.example.org",
            "ftp://a.b",
            "https://",
            "https:///",
            "https://a.b/oauth2",
            "https://a.b?c",
            "https://a.b#c",
            "https://u:p@a.b",
            "https://a.b:0",
            "https://a.b:65536",
            "https://a.b:x",
            "https://a.b:1:2",
            "https:// a.b",
            "https://a.b ;",
            "https://10.0.0.256",
            "https://[::1]",
        ],
    );
    assert_eq!(
        error_message::<Origin>("login"),
        "Enter a URL without a path, such as https://login.example.org.",
    );
    let origin: Origin = "https://login.example.org:8443".parse().unwrap();
    assert!(origin.is_tls());
    assert_eq!(
        (origin.host().as_str(), origin.port().get()),
        ("login.example.org", 8443)
    );
}

#[test]
fn body_size_and_idle_timeout_are_limited() {
    for (text, number) in [("1", 1), (" 2048 ", 2048), ("1048576", 1_048_576)] {
        assert_eq!(text.parse::<MaxBodyMib>().unwrap().get(), number);
    }
    for text in ["", "0", "-1", "1.5", "1048577", "01", "1m"] {
        assert!(text.parse::<MaxBodyMib>().is_err(), "{text}");
    }
    assert_eq!("86400".parse::<IdleTimeoutS>().unwrap().get(), 86_400);
    for text in ["0", "86401", "1s"] {
        assert!(text.parse::<IdleTimeoutS>().is_err(), "{text}");
    }
}

#[test]
fn hsts_header_follows_policy() {
    assert_eq!(Hsts::Off.header(), None);
    assert_eq!(Hsts::Names.header(), Some("max-age=31536000"));
    assert_eq!(
        Hsts::Below.header(),
        Some("max-age=63072000; includeSubDomains")
    );
}
