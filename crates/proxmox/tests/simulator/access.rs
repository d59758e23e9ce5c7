//! Sign-in with a password, users, tokens, permissions and pools.

use proxmox::{
    AclChange, AclSubject, Client, ClientConfig, ConfigChange, Credentials, Endpoint, Error,
    Features, LxcOptions, NewToken, NewUser, PoolChange, PoolId, Secret, Timeouts, TokenName,
    UserChange, UserId,
};
use proxmox_sim::{Config, Sim, UserSpec};

use crate::{create_container, start, start_with, vmid};

fn sign_in(sim: &Sim, credentials: Credentials) -> Client {
    let connection = ClientConfig::new(Endpoint::new(sim.url()), credentials);
    Client::new(connection, Timeouts::default()).unwrap()
}

fn password(user: &UserId, password: &str) -> Credentials {
    let (user, realm) = user.as_str().rsplit_once('@').unwrap();
    Credentials::Password {
        user: user.to_owned(),
        realm: realm.to_owned(),
        password: password.into(),
    }
}

fn zoe() -> UserId {
    "zoe@pve".parse().unwrap()
}

async fn with_zoe(client: &Client) -> UserId {
    let new = NewUser {
        userid: zoe(),
        password: Some("long enough".into()),
        options: UserChange {
            email: Some("zoe@example.org".to_owned()),
            ..UserChange::default()
        },
    };
    client.create_user(&new).await.unwrap();
    zoe()
}

/// A cluster with a root password; returns a client as root and one with a token of root.
async fn with_root() -> (Sim, Client, Client) {
    let mut config = Config::test();
    config.scenario.people = vec![UserSpec {
        id: "root@pam".to_owned(),
        password: "a p\u{e4}ssword".to_owned(),
    }];
    let (sim, token) = start_with(config).await;
    let root: UserId = "root@pam".parse().unwrap();
    let root = sign_in(&sim, password(&root, "a p\u{e4}ssword"));
    (sim, root, token)
}

#[tokio::test]
async fn root_signs_in_with_password_and_can_write() {
    let (sim, root, _) = with_root().await;
    assert!(root.is_root_ticket());
    let vmid = create_container(&root, 700).await;
    assert_eq!(root.lxc_status("pve1", vmid).await.unwrap().vmid, vmid);

    let user: UserId = "root@pam".parse().unwrap();
    let wrong_client = sign_in(&sim, password(&user, "another"));
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
async fn user_is_created_changed_and_deleted() {
    let (sim, client) = start().await;
    let zoe = with_zoe(&client).await;
    let change = UserChange {
        lastname: Some("Zebra".to_owned()),
        ..UserChange::default()
    };
    client.update_user(&zoe, &change).await.unwrap();
    let updated = client.user(&zoe).await.unwrap();
    assert_eq!(updated.lastname.as_deref(), Some("Zebra"));
    assert_eq!(updated.email.as_deref(), Some("zoe@example.org"));
    assert!(updated.enabled && updated.expire.is_none());
    let users = client.users().await.unwrap();
    assert!(users.iter().any(|user| user.userid == zoe.as_str()));

    let user_client = sign_in(&sim, password(&zoe, "long enough"));
    user_client.version().await.unwrap();
    assert!(!user_client.is_root_ticket());
    client.delete_user(&zoe).await.unwrap();
    // Deleting the user invalidates the ticket and the password.
    let error = user_client.version().await.unwrap_err();
    assert!(matches!(error, Error::PasswordRefused { .. }), "{error:?}");
    let error = client.user(&zoe).await.unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
}

#[tokio::test]
async fn token_has_only_granted_permissions() {
    let (sim, client) = start().await;
    let zoe = with_zoe(&client).await;
    let name: TokenName = "holdfast".parse().unwrap();
    let token = client
        .create_token(&zoe, &name, &NewToken::default())
        .await
        .unwrap();
    assert_eq!(token.id, "zoe@pve!holdfast");
    let again = client
        .create_token(&zoe, &name, &NewToken::default())
        .await
        .unwrap_err();
    assert!(matches!(again, Error::AlreadyExists { .. }), "{again:?}");

    let as_token = |secret: Secret| {
        let id = "zoe@pve!holdfast".to_owned();
        sign_in(&sim, Credentials::Token { id, secret })
    };
    let token_client = as_token(token.secret);
    let none = token_client.permissions(Some("/vms")).await.unwrap();
    assert_eq!(none.missing("/vms", &["VM.Audit"]), ["VM.Audit"]);
    let error = token_client
        .lxc_config("pve1", vmid(100))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Forbidden { .. }), "{error:?}");

    let subjects = vec![
        AclSubject::User("zoe@pve".to_owned()),
        AclSubject::Token("zoe@pve!holdfast".to_owned()),
    ];
    let mut change = AclChange {
        path: "/vms".to_owned(),
        roles: vec!["PVEAuditor".to_owned()],
        subjects,
        propagate: true,
        remove: false,
    };
    client.set_acl(&change).await.unwrap();
    assert!(
        token_client
            .permissions(Some("/vms"))
            .await
            .unwrap()
            .has("/vms", "VM.Audit")
    );
    let entries = client.acl().await.unwrap();
    let is_token_entry =
        |subject: &AclSubject| matches!(subject, AclSubject::Token(id) if id == "zoe@pve!holdfast");
    assert!(entries.iter().any(|entry| is_token_entry(&entry.subject)));
    change.remove = true;
    client.set_acl(&change).await.unwrap();
    let entries = client.acl().await.unwrap();
    assert!(!entries.iter().any(|entry| is_token_entry(&entry.subject)));

    let renewed = client.regenerate_token(&zoe, &name).await.unwrap();
    let error = token_client.version().await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error:?}");
    as_token(renewed.secret).version().await.unwrap();
    assert_eq!(client.tokens(&zoe).await.unwrap().len(), 1);
    client.delete_token(&zoe, &name).await.unwrap();
    assert!(client.tokens(&zoe).await.unwrap().is_empty());
}

#[tokio::test]
async fn pool_is_created_changed_and_deleted() {
    let (_sim, client) = start().await;
    let team: PoolId = "team".parse().unwrap();
    let within: PoolId = "team/a".parse().unwrap();
    assert_eq!(client.pool(&team).await.unwrap(), None);
    assert!(client.create_pool(&within, None).await.is_err());
    client.create_pool(&team, Some("ours")).await.unwrap();
    let again = client.create_pool(&team, None).await.unwrap_err();
    assert!(matches!(again, Error::AlreadyExists { .. }), "{again:?}");
    client.create_pool(&within, None).await.unwrap();
    let names: Vec<_> = client.pools().await.unwrap();
    assert_eq!(names.len(), 2);
    assert_eq!(names[0].comment.as_deref(), Some("ours"));

    let vmid = create_container(&client, 710).await;
    let mut change = PoolChange {
        vmids: vec![vmid],
        ..PoolChange::default()
    };
    client.update_pool(&within, &change).await.unwrap();
    let members = client.pool(&within).await.unwrap().unwrap().members;
    assert_eq!((members.len(), members[0].vmid), (1, Some(vmid)));
    assert!(client.delete_pool(&within).await.is_err());
    change.remove = true;
    client.update_pool(&within, &change).await.unwrap();
    client.delete_pool(&within).await.unwrap();
    let error = client.delete_pool(&within).await.unwrap_err();
    assert!(error.is_not_found(), "{error:?}");
}

#[tokio::test]
async fn roles_and_realms_are_listed() {
    let (_sim, client) = start().await;
    let roles = client.roles().await.unwrap();
    let admin = roles.iter().find(|role| role.roleid == "PVEVMAdmin");
    let admin = admin.unwrap();
    assert!(admin.special && admin.privileges.iter().any(|name| name == "VM.Allocate"));
    let realms = client.realms().await.unwrap();
    assert!(realms.iter().any(|realm| realm.realm == "pam"));
    let permissions = client.permissions(None).await.unwrap();
    assert!(permissions.has("/", "Sys.Modify"));
}
