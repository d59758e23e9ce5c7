//! Sign-in with a password, and permissions.

use proxmox::{
    Client, ClientConfig, ConfigChange, Credentials, Endpoint, Error, Features, LxcOptions,
    Timeouts,
};
use proxmox_sim::{Config, Sim, UserSpec};

use crate::{create_container, start, start_with};

fn sign_in(sim: &Sim, credentials: Credentials) -> Client {
    let connection = ClientConfig::new(Endpoint::new(sim.url()), credentials);
    Client::new(connection, Timeouts::default()).unwrap()
}

fn root_password(password: &str) -> Credentials {
    Credentials::Password {
        user: "root".to_owned(),
        realm: "pam".to_owned(),
        password: password.into(),
    }
}

/// A cluster with a root password; returns a client as root and one with a token of root.
async fn with_root() -> (Sim, Client, Client) {
    let mut config = Config::test();
    config.scenario.users = vec![UserSpec {
        id: "root@pam".to_owned(),
        password: "a p\u{e4}ssword".to_owned(),
    }];
    let (sim, token) = start_with(config).await;
    let root = sign_in(&sim, root_password("a p\u{e4}ssword"));
    (sim, root, token)
}

#[tokio::test]
async fn root_signs_in_with_password_and_can_write() {
    let (sim, root, _) = with_root().await;
    assert!(root.is_root_ticket());
    let vmid = create_container(&root, 700).await;
    assert_eq!(root.lxc_status("pve1", vmid).await.unwrap().vmid, vmid);

    let wrong_client = sign_in(&sim, root_password("another"));
    let error = wrong_client.version().await.unwrap_err();
    assert!(matches!(error, Error::PasswordRefused { .. }), "{error:?}");
}

#[tokio::test]
async fn keyctl_requires_root_ticket() {
    let (_sim, root, token) = with_root().await;
    let vmid = create_container(&root, 701).await;
    let features = Features {
        nesting: true,
        keyctl: true,
        fuse: false,
    };
    let options = LxcOptions {
        features: Some(features),
        ..LxcOptions::default()
    };
    let change = ConfigChange {
        options,
        ..ConfigChange::default()
    };
    assert!(!token.is_root_ticket());
    let error = token
        .set_lxc_config("pve1", vmid, &change)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");
    root.set_lxc_config("pve1", vmid, &change).await.unwrap();
    let config = root.lxc_config("pve1", vmid).await.unwrap();
    let features = config.other["features"].as_str().unwrap();
    assert!(features.contains("keyctl=1"), "{features}");
}

#[tokio::test]
async fn permissions_of_root_token_are_reported() {
    let (_sim, client) = start().await;
    let permissions = client.permissions(None).await.unwrap();
    assert!(permissions.has("/", "Sys.Modify"));
    let missing = permissions.missing("/", &["Sys.Modify", "VM.Nonexistent"]);
    assert_eq!(missing, ["VM.Nonexistent"]);
}
