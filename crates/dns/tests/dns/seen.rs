//! Whether the world sees a record, asked of the real BIND.

use std::time::Duration;

use dns::{DnsError, seen};

use crate::{
    named::{FIRST, Keeps as _, Named, SECOND, pair},
    options, txt,
};

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn every_name_server_has_to_have_it() {
    let (first, second) = pair().await;
    let resolver = first.options().resolver;
    let record = txt("_acme-challenge.www.example.org", "value");
    assert!(!seen(&resolver, &record, Duration::ZERO).await.unwrap());
    first.provider("example.org").add(&record).await.unwrap();
    // For some rounds, so that it is known to lack it, and not to be silent.
    let rounds = Duration::from_secs(1);
    assert!(!seen(&resolver, &record, rounds).await.unwrap());
    let waiting = seen(&resolver, &record, LONG);
    let late = second.provider("example.org");
    let (seen, added) = tokio::join!(waiting, late.add(&record));
    added.unwrap();
    assert!(seen.unwrap());
}

#[tokio::test]
async fn another_value_of_the_name_is_not_it() {
    let named = Named::start();
    let resolver = named.options().resolver;
    let provider = named.provider("example.org");
    provider
        .add(&txt("_acme-challenge.example.org", "other"))
        .await
        .unwrap();
    let record = txt("_acme-challenge.example.org", "value");
    assert!(
        !seen(&resolver, &record, Duration::from_millis(600))
            .await
            .unwrap()
    );
    provider.add(&record).await.unwrap();
    assert!(seen(&resolver, &record, Duration::ZERO).await.unwrap());
}

#[tokio::test]
async fn a_name_server_that_never_answers_is_passed_over() {
    let named = Named::start_of(&[FIRST, SECOND]);
    let record = txt("_acme-challenge.example.org", "value");
    named.provider("example.org").add(&record).await.unwrap();
    // Not at once, for it may have been busy.
    assert!(
        !seen(&named.options().resolver, &record, Duration::ZERO)
            .await
            .unwrap()
    );
    assert!(
        seen(&named.options().resolver, &record, LONG)
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn aliases_are_followed_into_other_zones() {
    let named = Named::start();
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
            seen(&resolver, &txt(name, "value"), Duration::ZERO)
                .await
                .unwrap(),
            "{name}"
        );
    }
    let around = seen(&resolver, &txt("round.example.org", "value"), LONG).await;
    assert!(
        matches!(around, Err(DnsError::Refused { .. })),
        "{around:?}"
    );
}

#[tokio::test]
async fn nobody_to_ask_is_not_the_same_as_not_there() {
    let named = Named::start();
    let address = named.address;
    let record = txt("_acme-challenge.example.org", "value");
    // The resolver answers, and no name server does.
    let resolver = dns::Resolver::at(vec![address]).with_port(1);
    let silent = seen(&resolver, &record, Duration::ZERO).await;
    assert!(matches!(silent, Err(DnsError::Away { .. })), "{silent:?}");
    drop(named);
    let gone = seen(&options(address).resolver, &record, Duration::ZERO).await;
    assert!(matches!(gone, Err(DnsError::Away { .. })), "{gone:?}");
}
