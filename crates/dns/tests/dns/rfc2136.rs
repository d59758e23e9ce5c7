//! Signed updates of BIND.

use dns::{DnsError, Provider, RecordValue};
use model::providers::TsigAlgorithm;

use crate::{
    address,
    named::{NameServer, NamedProvider as _, RESTRICTED_KEY, SECRET},
    txt, verdicts,
};

const ALGORITHMS: [(TsigAlgorithm, &str); 3] = [
    (TsigAlgorithm::HmacSha256, "sha256.example.org"),
    (TsigAlgorithm::HmacSha384, "sha384.example.org"),
    (TsigAlgorithm::HmacSha512, "sha512.example.org"),
];

fn open(named: &NameServer, zone: &str, key: &str, algorithm: TsigAlgorithm) -> Box<dyn Provider> {
    let settings = named.settings(zone, key, algorithm);
    dns::open(&settings, &SECRET.parse().unwrap(), &named.options()).unwrap()
}

#[tokio::test]
async fn changes_keep_other_values() {
    let named = NameServer::start();
    let provider = named.provider("example.org");
    let name = "www.example.org";
    let initial = provider.addresses(name).await.unwrap();
    assert_eq!(initial.len(), 3, "{initial:?}");
    let added = address(name, "192.0.2.9");
    for _ in 0..2 {
        provider.add(&added).await.unwrap();
        let mut values = provider.addresses(name).await.unwrap();
        assert!(values.contains(&added.value), "{values:?}");
        values.retain(|value| *value != added.value);
        values.sort();
        let mut expected = initial.clone();
        expected.sort();
        assert_eq!(values, expected);
    }
    for _ in 0..2 {
        provider.remove(&added).await.unwrap();
        assert_eq!(provider.addresses(name).await.unwrap().len(), 3);
    }
    provider
        .remove(&address(name, "2001:db8::1"))
        .await
        .unwrap();
    let mut remaining = provider.addresses(name).await.unwrap();
    remaining.sort();
    assert_eq!(
        remaining,
        ["192.0.2.1", "192.0.2.2"].map(|a| RecordValue::A(a.parse().unwrap()))
    );
    assert!(
        provider
            .addresses("missing.example.org")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn every_tsig_algorithm_is_accepted() {
    let named = NameServer::start();
    for (algorithm, key) in ALGORITHMS {
        let provider = open(&named, "example.org", key, algorithm);
        let record = txt("_acme-challenge.example.org", key);
        provider.add(&record).await.unwrap();
        assert!(
            dns::wait_until_visible(&named.options().resolver, &record, Default::default())
                .await
                .unwrap()
        );
        provider.remove(&record).await.unwrap();
        assert!(
            !dns::wait_until_visible(&named.options().resolver, &record, Default::default())
                .await
                .unwrap()
        );
    }
}

#[tokio::test]
async fn key_errors_are_reported() {
    let named = NameServer::start();
    let sha256 = TsigAlgorithm::HmacSha256;
    let record = txt("_acme-challenge.example.org", "value");
    let unknown = open(&named, "example.org", "missing.example.org", sha256);
    let other = open(&named, "example.org", "sha512.example.org", sha256);
    let settings = named.settings("example.org", "sha256.example.org", sha256);
    let wrong = dns::open(&settings, &"d3Jvbmc=".parse().unwrap(), &named.options()).unwrap();
    for (provider, code) in [(unknown, "BADKEY"), (other, "BADKEY"), (wrong, "BADSIG")] {
        for error in [
            provider.add(&record).await.unwrap_err(),
            provider.remove(&record).await.unwrap_err(),
            provider.addresses("www.example.org").await.unwrap_err(),
        ] {
            assert!(matches!(error, DnsError::Unauthorized { .. }), "{error:?}");
            assert!(error.to_string().contains(code), "{error}");
            assert!(!error.to_string().contains(SECRET), "{error}");
        }
        let findings = provider.test(&"example.org".parse().unwrap()).await;
        assert_eq!(verdicts(&findings), [true, false]);
    }
}

#[tokio::test]
async fn missing_zone_is_reported() {
    let named = NameServer::start();
    let provider = named.provider("example.com");
    let added = provider
        .add(&txt("_acme-challenge.example.com", "value"))
        .await;
    assert!(matches!(added, Err(DnsError::NoZone { .. })), "{added:?}");
    let addresses = provider.addresses("www.example.com").await;
    assert!(
        matches!(addresses, Err(DnsError::NoZone { .. })),
        "{addresses:?}"
    );
    let findings = provider.test(&"example.com".parse().unwrap()).await;
    assert_eq!(verdicts(&findings), [true, true, false]);

    let provider = named.provider("example.org");
    let added = provider
        .add(&txt("_acme-challenge.example.net", "value"))
        .await;
    assert!(matches!(added, Err(DnsError::NoZone { .. })), "{added:?}");
    let findings = provider.test(&"example.net".parse().unwrap()).await;
    assert_eq!(verdicts(&findings), [true, true, true, false]);
}

#[tokio::test]
async fn update_policy_violation_is_refused() {
    let named = NameServer::start();
    let provider = open(
        &named,
        "example.org",
        RESTRICTED_KEY,
        TsigAlgorithm::HmacSha256,
    );
    provider
        .add(&txt("_acme-challenge.example.org", "value"))
        .await
        .unwrap();
    let added = provider.add(&address("www.example.org", "192.0.2.9")).await;
    let Err(DnsError::Refused { message }) = added else {
        panic!("{added:?}")
    };
    assert!(message.contains("update-policy"), "{message}");
    let findings = provider.test(&"example.org".parse().unwrap()).await;
    assert_eq!(verdicts(&findings), [true, true, true, false]);
}

#[tokio::test]
async fn adding_to_a_cname_is_refused() {
    let named = NameServer::start();
    let provider = named.provider("example.org");
    let added = provider
        .add(&address("alias.example.org", "192.0.2.9"))
        .await;
    let Err(DnsError::Refused { message }) = added else {
        panic!("{added:?}")
    };
    assert!(message.contains("CNAME"), "{message}");
    // The addresses of the alias target do not belong to the alias.
    assert!(
        provider
            .addresses("alias.example.org")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn provider_test_succeeds_and_cleans_up() {
    let named = NameServer::start();
    let provider = named.provider("example.org");
    for domain in ["example.org", "below.example.org"] {
        let findings = provider.test(&domain.parse().unwrap()).await;
        assert_eq!(verdicts(&findings), [true; 6]);
        let message = format!("{findings:?}");
        assert!(message.contains("can be deleted"), "{message}");
    }
}

#[tokio::test]
async fn name_server_may_be_a_hostname() {
    let named = NameServer::start();
    let settings = model::providers::ProviderSettings::Rfc2136 {
        server: format!("ns1.example.org:{}", named.address.port())
            .parse()
            .unwrap(),
        zone: "example.org".parse().unwrap(),
        key: "sha256.example.org".parse().unwrap(),
        algorithm: TsigAlgorithm::HmacSha256,
    };
    let provider = dns::open(&settings, &SECRET.parse().unwrap(), &named.options()).unwrap();
    assert_eq!(
        provider.addresses("www.example.org").await.unwrap().len(),
        3
    );
}

#[tokio::test]
async fn unreachable_name_server_is_unavailable() {
    let named = NameServer::start();
    let provider = named.provider("example.org");
    drop(named);
    let added = provider
        .add(&txt("_acme-challenge.example.org", "value"))
        .await;
    assert!(
        matches!(added, Err(DnsError::Unavailable { .. })),
        "{added:?}"
    );
    let findings = provider.test(&"example.org".parse().unwrap()).await;
    assert_eq!(verdicts(&findings), [false]);
}
