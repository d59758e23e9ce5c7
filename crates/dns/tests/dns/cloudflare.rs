//! The Cloudflare provider against its fake.

use std::time::Duration;

use dns::{DnsError, Options, Provider, RecordValue};
use model::providers::ProviderSettings;

use crate::{
    address,
    fake_cloudflare::{EDITOR, FakeCloudflare, Mode, READER},
    named::{NameServer, NamedProvider as _},
    options, txt, verdicts,
};

/// Options with an unreachable resolver; most tests look up no names.
fn offline_options(server: &FakeCloudflare) -> Options {
    Options {
        cloudflare_url: server.base.clone(),
        visibility_timeout: Duration::ZERO,
        ..options("127.0.0.1:1".parse().unwrap())
    }
}

fn open(server: &FakeCloudflare, token: &str) -> Box<dyn Provider> {
    let token = token.parse().unwrap();
    dns::open(
        &ProviderSettings::Cloudflare,
        &token,
        &offline_options(server),
    )
    .unwrap()
}

#[tokio::test]
async fn txt_changes_keep_other_values() {
    let server = FakeCloudflare::start(&["example.org"], None).await;
    server.insert("TXT", "_acme-challenge.www.example.org", "unmanaged");
    let provider = open(&server, EDITOR);
    let record = txt("_acme-challenge.www.example.org", "value_of-43");
    for _ in 0..2 {
        provider.add(&record).await.unwrap();
        let records = server.records();
        assert_eq!(records.len(), 2);
        assert_eq!(records[1].name, record.name);
        assert_eq!(records[1].content, "\"value_of-43\"");
        assert_eq!((records[1].ttl, records[1].proxied), (60, false));
        assert_eq!(records[1].comment, "Holdfast");
    }
    for _ in 0..2 {
        provider.remove(&record).await.unwrap();
        assert_eq!(server.records().len(), 1);
    }
    assert_eq!(server.records()[0].content, "unmanaged");
}

#[tokio::test]
async fn unquoted_txt_value_is_equal() {
    let server = FakeCloudflare::start(&["example.org"], None).await;
    server.insert("TXT", "_acme-challenge.example.org", "value");
    let provider = open(&server, EDITOR);
    provider
        .remove(&txt("_acme-challenge.example.org", "value"))
        .await
        .unwrap();
    assert!(server.records().is_empty());
}

#[tokio::test]
async fn addresses_are_added_and_listed() {
    let server = FakeCloudflare::start(&["example.org"], None).await;
    let provider = open(&server, EDITOR);
    let name = "www.example.org";
    for text in ["192.0.2.1", "2001:db8::1", "192.0.2.2"] {
        provider.add(&address(name, text)).await.unwrap();
    }
    server.insert("TXT", name, "\"text\"");
    server.insert("A", "other.example.org", "192.0.2.9");
    let values = provider.addresses(name).await.unwrap();
    let listed: Vec<String> = values.iter().map(ToString::to_string).collect();
    assert_eq!(listed, ["192.0.2.1", "2001:db8::1", "192.0.2.2"]);
    let records = server.records();
    assert!(
        records[..3]
            .iter()
            .all(|record| record.ttl == 1 && !record.proxied)
    );
    provider.remove(&address(name, "192.0.2.1")).await.unwrap();
    assert_eq!(provider.addresses(name).await.unwrap().len(), 2);
    assert!(
        provider
            .addresses("missing.example.org")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn all_pages_are_read() {
    let server = FakeCloudflare::start(&["example.org"], None).await;
    server.set(|state| state.page = 2);
    let name = "many.example.org";
    for last in 1..=7 {
        server.insert("A", name, &format!("192.0.2.{last}"));
    }
    let provider = open(&server, EDITOR);
    assert_eq!(provider.addresses(name).await.unwrap().len(), 7);
    provider.remove(&address(name, "192.0.2.7")).await.unwrap();
    assert_eq!(server.records().len(), 6);
    let pages = |calls: &[String]| calls.iter().filter(|call| call.contains("page=4")).count();
    assert_eq!(pages(&server.state.lock().unwrap().calls), 2);
}

#[tokio::test]
async fn nearest_zone_is_used() {
    let server = FakeCloudflare::start(&["example.org", "below.example.org"], None).await;
    let provider = open(&server, EDITOR);
    let zones: Vec<String> = server
        .state
        .lock()
        .unwrap()
        .zones
        .iter()
        .map(|z| z.id.clone())
        .collect();
    for (name, zone) in [
        ("_acme-challenge.example.org", &zones[0]),
        ("_acme-challenge.below.example.org", &zones[1]),
        ("_acme-challenge.a.below.example.org", &zones[1]),
        ("_acme-challenge.notbelow.example.org", &zones[0]),
    ] {
        provider.add(&txt(name, "value")).await.unwrap();
        let created = server.records().pop().unwrap();
        assert_eq!((created.name.as_str(), &created.zone), (name, zone));
    }
    let other_zone = provider
        .add(&txt("_acme-challenge.example.net", "value"))
        .await;
    assert!(
        matches!(other_zone, Err(DnsError::NoZone { .. })),
        "{other_zone:?}"
    );
}

#[tokio::test]
async fn active_zone_is_preferred() {
    let server = FakeCloudflare::start(&["example.org", "example.org"], None).await;
    server.set(|state| state.zones[0].status = "moved".into());
    open(&server, EDITOR)
        .add(&txt("a.example.org", "value"))
        .await
        .unwrap();
    let created = server.records().pop().unwrap();
    assert_eq!(created.zone, server.state.lock().unwrap().zones[1].id);
}

#[tokio::test]
async fn zone_lookup_is_cached() {
    let server = FakeCloudflare::start(&["example.org"], None).await;
    let provider = open(&server, EDITOR);
    for text in ["one", "two"] {
        provider
            .add(&txt("_acme-challenge.example.org", text))
            .await
            .unwrap();
    }
    let calls = server.state.lock().unwrap().calls.clone();
    let zones = calls.iter().filter(|call| call.contains("/zones?")).count();
    assert_eq!(zones, 1, "{calls:?}");
}

#[tokio::test]
async fn token_errors_do_not_contain_the_token() {
    let server = FakeCloudflare::start(&["example.org"], None).await;
    let other = EDITOR.replace('V', "W");
    for token in [READER, &other, "short"] {
        let error = open(&server, token)
            .add(&txt("a.example.org", "value"))
            .await
            .unwrap_err();
        assert!(matches!(error, DnsError::Unauthorized { .. }), "{error:?}");
        assert!(error.to_string().contains("DNS Edit"), "{error}");
        assert!(!format!("{error:?}").contains(token), "{error:?}");
    }
}

#[tokio::test]
async fn error_messages_of_the_api_are_kept() {
    let server = FakeCloudflare::start(&["example.org"], None).await;
    server.insert("CNAME", "www.example.org", "example.net");
    let added = open(&server, EDITOR)
        .add(&address("www.example.org", "192.0.2.1"))
        .await;
    let Err(DnsError::Refused { message }) = added else {
        panic!("{added:?}")
    };
    assert!(
        message.contains("A CNAME record with that host already exists (81054)"),
        "{message}"
    );
}

#[tokio::test]
async fn temporary_and_permanent_errors_are_distinguished() {
    let server = FakeCloudflare::start(&["example.org"], None).await;
    let provider = open(&server, EDITOR);
    for (mode, after) in [(Some(7), Some(Duration::from_secs(7))), (None, None)] {
        server.set(|state| state.mode = Mode::RateLimited(mode));
        let limited = provider
            .add(&txt("a.example.org", "value"))
            .await
            .unwrap_err();
        let DnsError::RateLimited { retry_after, .. } = limited else {
            panic!("{limited:?}")
        };
        assert_eq!(retry_after, after);
    }
    server.set(|state| state.mode = Mode::Broken);
    let broken = provider.add(&txt("a.example.org", "value")).await;
    assert!(
        matches!(broken, Err(DnsError::Unavailable { .. })),
        "{broken:?}"
    );
    for mode in [Mode::Moved, Mode::Website] {
        server.set(|state| state.mode = mode);
        let other = provider.add(&txt("a.example.org", "value")).await;
        assert!(matches!(other, Err(DnsError::Refused { .. })), "{other:?}");
    }
    let unreachable = Options {
        cloudflare_url: "http://127.0.0.1:1".into(),
        ..offline_options(&server)
    };
    let provider = dns::open(
        &ProviderSettings::Cloudflare,
        &EDITOR.parse().unwrap(),
        &unreachable,
    )
    .unwrap();
    let result = provider.add(&txt("a.example.org", "value")).await;
    assert!(
        matches!(result, Err(DnsError::Unavailable { .. })),
        "{result:?}"
    );
}

#[tokio::test]
async fn ambiguous_names_and_values_are_not_sent() {
    let server = FakeCloudflare::start(&["example.org"], None).await;
    let provider = open(&server, EDITOR);
    for name in [
        "a.example.org?x",
        "../example.org",
        "A.example.org",
        "*.example.org",
        "",
    ] {
        for refused in [
            provider.add(&txt(name, "value")).await,
            provider.remove(&txt(name, "value")).await,
            provider.addresses(name).await.map(drop),
        ] {
            assert!(
                matches!(refused, Err(DnsError::Refused { .. })),
                "{name}: {refused:?}"
            );
        }
    }
    for text in ["", "a\" \"b", "a\\b", "a\nb", "ä"] {
        let refused = provider.add(&txt("a.example.org", text)).await;
        assert!(
            matches!(refused, Err(DnsError::Refused { .. })),
            "{text}: {refused:?}"
        );
    }
    assert!(server.state.lock().unwrap().calls.is_empty());
}

#[tokio::test]
async fn provider_test_succeeds_and_cleans_up() {
    let named = NameServer::start();
    let server = FakeCloudflare::start(&["example.org"], Some(named.provider("example.org"))).await;
    let options = Options {
        cloudflare_url: server.base.clone(),
        ..named.options()
    };
    let token = EDITOR.parse().unwrap();
    let provider = dns::open(&ProviderSettings::Cloudflare, &token, &options).unwrap();
    let findings = provider.test(&"www.example.org".parse().unwrap()).await;
    assert_eq!(verdicts(&findings), [true; 6]);
    assert!(server.records().is_empty());
}

#[tokio::test]
async fn provider_test_reports_problems() {
    let server = FakeCloudflare::start(&["example.org"], None).await;
    let domain = "www.example.org".parse().unwrap();
    let findings = open(&server, "short").test(&domain).await;
    assert_eq!(verdicts(&findings), [true, false]);
    let findings = open(&server, READER).test(&domain).await;
    assert_eq!(verdicts(&findings), [true, true, true, false]);
    let findings = open(&server, EDITOR)
        .test(&"example.net".parse().unwrap())
        .await;
    assert_eq!(verdicts(&findings), [true, true, false]);
    // The test record does not become visible.
    server.set(|state| state.zones[0].status = "pending".into());
    let findings = open(&server, EDITOR).test(&domain).await;
    assert_eq!(verdicts(&findings), [true, true, false, true, false, true]);
    assert!(findings[2].message.contains("pending"), "{findings:?}");
    server.set(|state| state.mode = Mode::Broken);
    assert_eq!(
        verdicts(&open(&server, EDITOR).test(&domain).await),
        [false]
    );
    assert!(server.records().is_empty());
}

#[test]
fn ipv6_value_is_displayed_compressed() {
    assert_eq!(
        RecordValue::Aaaa("2001:DB8::1".parse().unwrap()).to_string(),
        "2001:db8::1"
    );
}
