//! Tests of accounts and of connections to a CA.

use pki::acme::{
    Account, AcmeError, ChallengeType, Credentials, Directory, ExternalAccountBinding, RefusalKind,
};
use test_servers::authority::{CaConfig, CertificateAuthority};

use crate::{directory, order, pebble, working_solver};

#[tokio::test]
async fn account_is_reopened_and_unknown_account_is_gone() {
    let directory = directory(pebble());
    let (created, credentials) = Account::create(&directory, None, None, None).await.unwrap();
    assert!(!format!("{credentials:?}").contains("key"));
    let stored = Credentials::from(credentials.reveal().to_owned());
    let opened = Account::open(&directory, &stored, None).await.unwrap();
    assert_eq!(opened.url(), created.url());
    let order = order(&["again.example.org"], ChallengeType::Http01);
    opened
        .issue(&order, &working_solver(pebble()))
        .await
        .unwrap();

    let other_directory = Directory {
        url: "https://acme.example.org/directory".parse().unwrap(),
        roots: None,
    };
    for (directory, credentials) in [
        (&other_directory, stored.clone()),
        (&directory, Credentials::from("{}".to_owned())),
    ] {
        let error = Account::open(directory, &credentials, None)
            .await
            .unwrap_err();
        assert_eq!(error, AcmeError::AccountGone);
    }
    // An account URL that the CA does not know.
    let unknown = credentials
        .reveal()
        .replace("/my-account/", "/my-account/9");
    assert_ne!(unknown, credentials.reveal());
    let unknown = Account::open(&directory, &Credentials::from(unknown), None)
        .await
        .unwrap();
    let error = unknown
        .issue(&order, &working_solver(pebble()))
        .await
        .unwrap_err();
    assert_eq!(error, AcmeError::AccountGone);
}

#[tokio::test]
async fn external_account_binding_is_required_and_verified() {
    let key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let authority = CertificateAuthority::start(&CaConfig {
        external_account: Some(("kid-1".to_owned(), key.to_owned())),
        ..CaConfig::fast()
    });
    let directory = directory(&authority);
    let binding = |id: &str, key: &str| ExternalAccountBinding {
        id: id.parse().unwrap(),
        key: key.parse().unwrap(),
    };
    let padded = format!("{key}==");
    for key in [key, &padded] {
        let created = Account::create(&directory, None, Some(&binding("kid-1", key)), None).await;
        assert!(created.unwrap().0.url().starts_with("https://"));
    }
    let other = key.replace('z', "y");
    for wrong in [
        None,
        Some(binding("kid-2", key)),
        Some(binding("kid-1", &other)),
        Some(binding("kid-1", "???")),
    ] {
        let error = Account::create(&directory, None, wrong.as_ref(), None)
            .await
            .unwrap_err();
        let AcmeError::Refused { kind, .. } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(*kind, RefusalKind::ExternalAccount, "{wrong:?} {error:?}");
        assert!(!format!("{error:?}").contains(key));
    }
}

#[tokio::test]
async fn untrusted_directory_receives_no_request() {
    let unknown = Directory {
        roots: None,
        ..directory(pebble())
    };
    let other = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let wrong = Directory {
        roots: Some(other.cert.pem().parse().unwrap()),
        ..directory(pebble())
    };
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    let damaged = Directory {
        roots: Some(damaged.parse().unwrap()),
        ..directory(pebble())
    };
    for directory in [unknown, wrong, damaged] {
        let error = Account::create(&directory, None, None, None)
            .await
            .unwrap_err();
        assert!(matches!(error, AcmeError::Untrusted { .. }), "{error:?}");
        assert!(error.detail().is_some());
    }
}

#[tokio::test]
async fn unreachable_ca_is_unavailable() {
    let port = {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        socket.local_addr().unwrap().port()
    };
    let directory = Directory {
        url: format!("https://127.0.0.1:{port}/dir").parse().unwrap(),
        roots: None,
    };
    let error = Account::create(&directory, None, None, None)
        .await
        .unwrap_err();
    assert!(matches!(error, AcmeError::Unavailable { .. }), "{error:?}");
    assert!(error.detail().unwrap().contains("refused"), "{error:?}");
}
