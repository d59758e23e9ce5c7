//! Cloudflare's API, as its stand-in knows it.

use std::time::Duration;

use dns::{DnsError, Options, Provider, Value};
use model::providers::ProviderSettings;

use crate::{
    address,
    cloudflare_server::{EDITOR, Mood, READER, Server},
    named::{Keeps as _, Named},
    options, txt, verdicts,
};

/// Nobody is asked for names in most tests; nobody would answer.
fn nowhere(server: &Server) -> Options {
    Options {
        cloudflare: server.base.clone(),
        sight: Duration::ZERO,
        ..options("127.0.0.1:1".parse().unwrap())
    }
}

fn open(server: &Server, token: &str) -> Box<dyn Provider> {
    let token = token.parse().unwrap();
    dns::open(&ProviderSettings::Cloudflare, &token, &nowhere(server)).unwrap()
}

#[tokio::test]
async fn a_text_is_added_beside_others_once_and_taken_away_alone() {
    let server = Server::start(&["example.org"], None).await;
    server.keep("TXT", "_acme-challenge.www.example.org", "somebody's");
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
    assert_eq!(server.records()[0].content, "somebody's");
}

#[tokio::test]
async fn a_text_that_somebody_wrote_without_quotes_is_the_same() {
    let server = Server::start(&["example.org"], None).await;
    server.keep("TXT", "_acme-challenge.example.org", "value");
    let provider = open(&server, EDITOR);
    provider
        .remove(&txt("_acme-challenge.example.org", "value"))
        .await
        .unwrap();
    assert!(server.records().is_empty());
}

#[tokio::test]
async fn addresses_are_kept_as_they_are_and_told() {
    let server = Server::start(&["example.org"], None).await;
    let provider = open(&server, EDITOR);
    let name = "www.example.org";
    for text in ["192.0.2.1", "2001:db8::1", "192.0.2.2"] {
        provider.add(&address(name, text)).await.unwrap();
    }
    server.keep("TXT", name, "\"text\"");
    server.keep("A", "other.example.org", "192.0.2.9");
    let values = provider.addresses(name).await.unwrap();
    let told: Vec<String> = values.iter().map(ToString::to_string).collect();
    assert_eq!(told, ["192.0.2.1", "2001:db8::1", "192.0.2.2"]);
    let records = server.records();
    assert!(
        records[..3]
            .iter()
            .all(|kept| kept.ttl == 1 && !kept.proxied)
    );
    provider.remove(&address(name, "192.0.2.1")).await.unwrap();
    assert_eq!(provider.addresses(name).await.unwrap().len(), 2);
    assert!(
        provider
            .addresses("nobody.example.org")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn every_page_is_read() {
    let server = Server::start(&["example.org"], None).await;
    server.set(|state| state.page = 2);
    let name = "many.example.org";
    for last in 1..=7 {
        server.keep("A", name, &format!("192.0.2.{last}"));
    }
    let provider = open(&server, EDITOR);
    assert_eq!(provider.addresses(name).await.unwrap().len(), 7);
    provider.remove(&address(name, "192.0.2.7")).await.unwrap();
    assert_eq!(server.records().len(), 6);
    let pages = |calls: &[String]| calls.iter().filter(|call| call.contains("page=4")).count();
    assert_eq!(pages(&server.state.lock().unwrap().calls), 2);
}

#[tokio::test]
async fn the_nearest_zone_is_the_one() {
    let server = Server::start(&["example.org", "below.example.org"], None).await;
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
        let kept = server.records().pop().unwrap();
        assert_eq!((kept.name.as_str(), &kept.zone), (name, zone));
    }
    let elsewhere = provider
        .add(&txt("_acme-challenge.example.net", "value"))
        .await;
    assert!(
        matches!(elsewhere, Err(DnsError::NoZone { .. })),
        "{elsewhere:?}"
    );
}

#[tokio::test]
async fn of_two_zones_of_a_name_the_one_in_use_is_changed() {
    let server = Server::start(&["example.org", "example.org"], None).await;
    server.set(|state| state.zones[0].status = "moved".into());
    open(&server, EDITOR)
        .add(&txt("a.example.org", "value"))
        .await
        .unwrap();
    let kept = server.records().pop().unwrap();
    assert_eq!(kept.zone, server.state.lock().unwrap().zones[1].id);
}

#[tokio::test]
async fn a_zone_is_looked_for_once() {
    let server = Server::start(&["example.org"], None).await;
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
async fn what_is_wrong_with_a_token_is_said_without_it() {
    let server = Server::start(&["example.org"], None).await;
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
async fn its_own_words_for_what_it_refuses_are_kept() {
    let server = Server::start(&["example.org"], None).await;
    server.keep("CNAME", "www.example.org", "example.net");
    let added = open(&server, EDITOR)
        .add(&address("www.example.org", "192.0.2.1"))
        .await;
    let Err(DnsError::Refused { words }) = added else {
        panic!("{added:?}")
    };
    assert!(
        words.contains("A CNAME record with that host already exists (81054)"),
        "{words}"
    );
}

#[tokio::test]
async fn what_it_cannot_do_now_is_told_from_what_it_will_not_do() {
    let server = Server::start(&["example.org"], None).await;
    let provider = open(&server, EDITOR);
    for (mood, after) in [(Some(7), Some(Duration::from_secs(7))), (None, None)] {
        server.set(|state| state.mood = Mood::Limiting(mood));
        let limited = provider
            .add(&txt("a.example.org", "value"))
            .await
            .unwrap_err();
        let DnsError::Limited { retry_after, .. } = limited else {
            panic!("{limited:?}")
        };
        assert_eq!(retry_after, after);
    }
    server.set(|state| state.mood = Mood::Broken);
    let broken = provider.add(&txt("a.example.org", "value")).await;
    assert!(matches!(broken, Err(DnsError::Away { .. })), "{broken:?}");
    for mood in [Mood::Moved, Mood::Website] {
        server.set(|state| state.mood = mood);
        let other = provider.add(&txt("a.example.org", "value")).await;
        assert!(matches!(other, Err(DnsError::Refused { .. })), "{other:?}");
    }
    let gone = Options {
        cloudflare: "http://127.0.0.1:1".into(),
        ..nowhere(&server)
    };
    let gone = dns::open(
        &ProviderSettings::Cloudflare,
        &EDITOR.parse().unwrap(),
        &gone,
    )
    .unwrap();
    let gone = gone.add(&txt("a.example.org", "value")).await;
    assert!(matches!(gone, Err(DnsError::Away { .. })), "{gone:?}");
}

#[tokio::test]
async fn what_could_be_read_as_something_else_is_not_sent() {
    let server = Server::start(&["example.org"], None).await;
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
async fn a_test_of_what_is_right_finds_nothing_wrong_and_leaves_nothing() {
    let named = Named::start();
    let server = Server::start(&["example.org"], Some(named.provider("example.org"))).await;
    let options = Options {
        cloudflare: server.base.clone(),
        ..named.options()
    };
    let token = EDITOR.parse().unwrap();
    let provider = dns::open(&ProviderSettings::Cloudflare, &token, &options).unwrap();
    let findings = provider.test(&"www.example.org".parse().unwrap()).await;
    assert_eq!(verdicts(&findings), [true; 6]);
    assert!(server.records().is_empty());
}

#[tokio::test]
async fn a_test_says_what_is_missing() {
    let server = Server::start(&["example.org"], None).await;
    let domain = "www.example.org".parse().unwrap();
    let findings = open(&server, "short").test(&domain).await;
    assert_eq!(verdicts(&findings), [true, false]);
    let findings = open(&server, READER).test(&domain).await;
    assert_eq!(verdicts(&findings), [true, true, true, false]);
    let findings = open(&server, EDITOR)
        .test(&"example.net".parse().unwrap())
        .await;
    assert_eq!(verdicts(&findings), [true, true, false]);
    // What is added is seen by nobody.
    server.set(|state| state.zones[0].status = "pending".into());
    let findings = open(&server, EDITOR).test(&domain).await;
    assert_eq!(verdicts(&findings), [true, true, false, true, false, true]);
    assert!(findings[2].words.contains("pending"), "{findings:?}");
    server.set(|state| state.mood = Mood::Broken);
    assert_eq!(
        verdicts(&open(&server, EDITOR).test(&domain).await),
        [false]
    );
    assert!(server.records().is_empty());
}

#[test]
fn a_value_shows_as_people_write_it() {
    assert_eq!(
        Value::Aaaa("2001:DB8::1".parse().unwrap()).to_string(),
        "2001:db8::1"
    );
}
