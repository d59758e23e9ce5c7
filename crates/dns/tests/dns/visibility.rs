//! Visibility of records on BIND.

use std::time::Duration;

use dns::{DnsError, wait_until_visible};

use crate::{
    named::{FIRST_ADDRESS, NameServer, NamedProvider as _, SECOND_ADDRESS, pair},
    options, txt,
};

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn record_must_be_on_every_name_server() {
    let (first, second) = pair().await;
    let resolver = first.options().resolver;
    let record = txt("_acme-challenge.www.example.org", "value");
    assert!(
        !wait_until_visible(&resolver, &record, Duration::ZERO)
            .await
            .unwrap()
    );
    first.provider("example.org").add(&record).await.unwrap();
    // Several rounds, so that the server is known to lack the record and not to be unresponsive.
    let rounds = Duration::from_secs(1);
    assert!(
        !wait_until_visible(&resolver, &record, rounds)
            .await
            .unwrap()
    );
    let waiting = wait_until_visible(&resolver, &record, LONG);
    let late = second.provider("example.org");
    let (seen, added) = tokio::join!(waiting, late.add(&record));
    added.unwrap();
    assert!(seen.unwrap());
}

#[tokio::test]
async fn other_value_of_the_name_does_not_count() {
    let named = NameServer::start();
    let resolver = named.options().resolver;
    let provider = named.provider("example.org");
    provider
        .add(&txt("_acme-challenge.example.org", "other"))
        .await
        .unwrap();
    let record = txt("_acme-challenge.example.org", "value");
    assert!(
        !wait_until_visible(&resolver, &record, Duration::from_millis(600))
            .await
            .unwrap()
    );
    provider.add(&record).await.unwrap();
    assert!(
        wait_until_visible(&resolver, &record, Duration::ZERO)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn unresponsive_name_server_is_ignored() {
    let named = NameServer::start_with_addresses(&[FIRST_ADDRESS, SECOND_ADDRESS]);
    let record = txt("_acme-challenge.example.org", "value");
    named.provider("example.org").add(&record).await.unwrap();
    // Not after the first round: the server may have been busy.
    assert!(
        !wait_until_visible(&named.options().resolver, &record, Duration::ZERO)
            .await
            .unwrap()
    );
    assert!(
        wait_until_visible(&named.options().resolver, &record, LONG)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn aliases_are_followed_into_other_zones() {
    let named = NameServer::start();
    let resolver = named.options().resolver;
    named
        .provider("example.net")
        .add(&txt("1f0f2b4e-3d5c.example.net", "value"))
        .await
        .unwrap();
    for name in [
        "_acme-challenge.led.example.org",
        "_acme-challenge.twice.example.org",
    ] {
        assert!(
            wait_until_visible(&resolver, &txt(name, "value"), Duration::ZERO)
                .await
                .unwrap(),
            "{name}"
        );
    }
    let looped = wait_until_visible(&resolver, &txt("round.example.org", "value"), LONG).await;
    assert!(
        matches!(looped, Err(DnsError::Refused { .. })),
        "{looped:?}"
    );
}

#[tokio::test]
async fn unreachable_name_servers_are_an_error() {
    let named = NameServer::start();
    let address = named.address;
    let record = txt("_acme-challenge.example.org", "value");
    // The resolver responds, the name servers do not.
    let resolver = dns::Resolver::with_servers(vec![address]).with_port(1);
    let unreachable = wait_until_visible(&resolver, &record, Duration::ZERO).await;
    assert!(
        matches!(unreachable, Err(DnsError::Unavailable { .. })),
        "{unreachable:?}"
    );
    drop(named);
    let gone = wait_until_visible(&options(address).resolver, &record, Duration::ZERO).await;
    assert!(
        matches!(gone, Err(DnsError::Unavailable { .. })),
        "{gone:?}"
    );
}
