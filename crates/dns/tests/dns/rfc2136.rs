//! Signed updates of the real BIND.

use dns::{DnsError, Provider, Value};
use model::providers::TsigAlgorithm;

use crate::{
    address,
    named::{Keeps as _, NARROW, Named, SECRET},
    txt, verdicts,
};

const ALGORITHMS: [(TsigAlgorithm, &str); 3] = [
    (TsigAlgorithm::HmacSha256, "sha256.example.org"),
    (TsigAlgorithm::HmacSha384, "sha384.example.org"),
    (TsigAlgorithm::HmacSha512, "sha512.example.org"),
];

fn open(named: &Named, zone: &str, key: &str, algorithm: TsigAlgorithm) -> Box<dyn Provider> {
    let settings = named.settings(zone, key, algorithm);
    dns::open(&settings, &SECRET.parse().unwrap(), &named.options()).unwrap()
}

#[tokio::test]
async fn a_value_is_added_beside_others_and_taken_away_alone() {
    let named = Named::start();
    let provider = named.provider("example.org");
    let name = "www.example.org";
    let known = provider.addresses(name).await.unwrap();
    assert_eq!(known.len(), 3, "{known:?}");
    let added = address(name, "192.0.2.9");
    for _ in 0..2 {
        provider.add(&added).await.unwrap();
        let mut values = provider.addresses(name).await.unwrap();
        assert!(values.contains(&added.value), "{values:?}");
        values.retain(|value| *value != added.value);
        values.sort();
        let mut known = known.clone();
        known.sort();
        assert_eq!(values, known);
    }
    for _ in 0..2 {
        provider.remove(&added).await.unwrap();
        assert_eq!(provider.addresses(name).await.unwrap().len(), 3);
    }
    provider
        .remove(&address(name, "2001:db8::1"))
        .await
        .unwrap();
    let mut left = provider.addresses(name).await.unwrap();
    left.sort();
    assert_eq!(
        left,
        ["192.0.2.1", "192.0.2.2"].map(|a| Value::A(a.parse().unwrap()))
    );
    assert!(
        provider
            .addresses("nobody.example.org")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn every_algorithm_is_spoken() {
    let named = Named::start();
    for (algorithm, key) in ALGORITHMS {
        let provider = open(&named, "example.org", key, algorithm);
        let record = txt("_acme-challenge.example.org", key);
        provider.add(&record).await.unwrap();
        assert!(
            dns::seen(&named.options().resolver, &record, Default::default())
                .await
                .unwrap()
        );
        provider.remove(&record).await.unwrap();
        assert!(
            !dns::seen(&named.options().resolver, &record, Default::default())
                .await
                .unwrap()
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_key_is_said() {
    let named = Named::start();
    let sha256 = TsigAlgorithm::HmacSha256;
    let record = txt("_acme-challenge.example.org", "value");
    let unknown = open(&named, "example.org", "nobody.example.org", sha256);
    let other = open(&named, "example.org", "sha512.example.org", sha256);
    let settings = named.settings("example.org", "sha256.example.org", sha256);
    let wrong = dns::open(&settings, &"d3Jvbmc=".parse().unwrap(), &named.options()).unwrap();
    for (provider, word) in [(unknown, "BADKEY"), (other, "BADKEY"), (wrong, "BADSIG")] {
        for error in [
            provider.add(&record).await.unwrap_err(),
            provider.remove(&record).await.unwrap_err(),
            provider.addresses("www.example.org").await.unwrap_err(),
        ] {
            assert!(matches!(error, DnsError::Unauthorized { .. }), "{error:?}");
            assert!(error.to_string().contains(word), "{error}");
            assert!(!error.to_string().contains(SECRET), "{error}");
        }
        let findings = provider.test(&"example.org".parse().unwrap()).await;
        assert_eq!(verdicts(&findings), [true, false]);
    }
}

#[tokio::test]
async fn a_zone_that_is_not_there_is_said() {
    let named = Named::start();
    let provider = named.provider("example.com");
    let added = provider
        .add(&txt("_acme-challenge.example.com", "value"))
        .await;
    assert!(matches!(added, Err(DnsError::NoZone { .. })), "{added:?}");
    let asked = provider.addresses("www.example.com").await;
    assert!(matches!(asked, Err(DnsError::NoZone { .. })), "{asked:?}");
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
async fn what_the_policy_forbids_is_refused() {
    let named = Named::start();
    let provider = open(&named, "example.org", NARROW, TsigAlgorithm::HmacSha256);
    provider
        .add(&txt("_acme-challenge.example.org", "value"))
        .await
        .unwrap();
    let added = provider.add(&address("www.example.org", "192.0.2.9")).await;
    let Err(DnsError::Refused { words }) = added else {
        panic!("{added:?}")
    };
    assert!(words.contains("update-policy"), "{words}");
    let findings = provider.test(&"example.org".parse().unwrap()).await;
    assert_eq!(verdicts(&findings), [true, true, true, false]);
}

#[tokio::test]
async fn an_alias_is_not_added_to_in_silence() {
    let named = Named::start();
    let provider = named.provider("example.org");
    let added = provider
        .add(&address("alias.example.org", "192.0.2.9"))
        .await;
    let Err(DnsError::Refused { words }) = added else {
        panic!("{added:?}")
    };
    assert!(words.contains("CNAME"), "{words}");
    // The addresses of the name that it leads to are not its own.
    assert!(
        provider
            .addresses("alias.example.org")
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_test_of_what_is_right_finds_nothing_wrong_and_leaves_nothing() {
    let named = Named::start();
    let provider = named.provider("example.org");
    for domain in ["example.org", "below.example.org"] {
        let findings = provider.test(&domain.parse().unwrap()).await;
        assert_eq!(verdicts(&findings), [true; 6]);
        let words = format!("{findings:?}");
        assert!(words.contains("can be taken away"), "{words}");
    }
}

#[tokio::test]
async fn a_name_server_may_be_named() {
    let named = Named::start();
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
async fn a_name_server_that_is_not_there_is_away() {
    let named = Named::start();
    let provider = named.provider("example.org");
    drop(named);
    let added = provider
        .add(&txt("_acme-challenge.example.org", "value"))
        .await;
    assert!(matches!(added, Err(DnsError::Away { .. })), "{added:?}");
    let findings = provider.test(&"example.org".parse().unwrap()).await;
    assert_eq!(verdicts(&findings), [false]);
}
