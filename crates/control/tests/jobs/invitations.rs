//! What a new agent is told: where its manager is, and by which certificate it is known.

use control::{Actor, Manager, Options, agents};
use model::{Error, agents::JoinCode};
use proxmox_sim::{Config, Transport};

use crate::house::{House, options};

/// A certificate's fingerprint as Proxmox writes it.
fn print() -> String {
    ["0A"; 32].join(":")
}

/// A house that is reached at `origin`.
async fn house(origin: &str, certificate: Option<String>) -> House {
    let manager = Manager {
        origin: origin.parse().unwrap(),
        certificate: certificate.map(|text| text.parse().unwrap()),
    };
    let options = Options {
        manager: Some(manager),
        ..options()
    };
    House::of(proxmox_sim::start(Config::test()).await.unwrap(), options).await
}

async fn invite(house: &House) -> Result<JoinCode, Error> {
    let name = "edge-1".parse().unwrap();
    let invited = agents::invite(&house.control, &Actor::System, house.site, name).await?;
    assert_eq!(invited.good_for_s, 3600);
    Ok(invited.code)
}

/// The words of a refusal, which leaves no agent behind.
async fn refused(house: &House) -> Error {
    let error = invite(house).await.expect_err("a refusal");
    let all = agents::list(&house.control, &Actor::System).await.unwrap();
    assert!(all.is_empty(), "{all:?}");
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_that_speaks_tls_itself_is_known_by_its_own_certificate() {
    let house = house("https://cloud.example.org", Some(print())).await;
    let code = invite(&house).await.unwrap();
    assert_eq!(code.manager.to_string(), "https://cloud.example.org");
    assert_eq!(code.fingerprint, Some(print().parse().unwrap()));
    let text = code.to_string();
    assert_eq!(text.parse(), Ok(code), "it is read as it is written");
    let all = agents::list(&house.control, &Actor::System).await.unwrap();
    let again = agents::invite_again(&house.control, &Actor::System, all[0].id).await;
    let again = again.unwrap().code;
    assert_eq!(again.fingerprint, Some(print().parse().unwrap()));
    assert!(!text.contains(&again.word), "with another word");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_it_is_known_by_the_certificate_that_the_proxy_shows() {
    // Any server with TLS does in the proxy's place: nothing is asked of it but its certificate.
    let proxy = proxmox_sim::start(Config {
        transport: Transport::Tls,
        ..Config::test()
    })
    .await
    .unwrap();
    let house = house(&proxy.url(), None).await;
    let code = invite(&house).await.unwrap();
    let shown = proxy.fingerprint().unwrap().parse().unwrap();
    assert_eq!(code.fingerprint, Some(shown));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_proxy_s_certificate_nobody_is_invited() {
    // Port 1 is nobody's.
    let house = house("https://127.0.0.1:1", None).await;
    let Error::Unavailable { message } = refused(&house).await else {
        panic!("another kind of refusal");
    };
    assert!(message.contains("https://127.0.0.1:1"), "{message}");
    assert!(message.contains("public_url"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_a_manager_is_reached_on_its_own_machine_only() {
    let house = house("http://cloud.example.org", None).await;
    let error = refused(&house).await;
    assert!(matches!(error, Error::Conflict { .. }), "{error:?}");
    let words = error.to_string();
    assert!(
        words.contains("public_url") && words.contains("https://"),
        "{words}"
    );
    for own in ["http://localhost:3000", "http://127.0.0.1:8080"] {
        let code = invite(&self::house(own, None).await).await.unwrap();
        assert_eq!(
            (code.manager.to_string().as_str(), code.fingerprint),
            (own, None)
        );
    }
}
