//! Calls for pools, users, tokens and permissions.

use proxmox::*;

use crate::calls::{Recorder, record, some, vmid};

pub(crate) async fn record_all(r: &mut Recorder) {
    pools(r).await;
    accounts(r).await;
    rights(r).await;
}

async fn pools(r: &mut Recorder) {
    let pool: PoolId = "team/a".parse().unwrap();
    record!(r, pools());
    record!(r, pool(&pool));
    record!(r, create_pool(&pool, None));
    record!(r, create_pool(&pool, Some("ours")));
    let change = PoolChange {
        comment: some("theirs"),
        vmids: vec![vmid()],
        storages: vec!["local".to_owned()],
        remove: true,
        allow_move: true,
    };
    record!(r, update_pool(&pool, &change));
    record!(r, update_pool(&pool, &PoolChange::default()));
    record!(r, delete_pool(&pool));
}

async fn accounts(r: &mut Recorder) {
    let userid: UserId = "zoe@pve".parse().unwrap();
    let change = UserChange {
        enabled: Some(false),
        expire: Some(0),
        firstname: some("Zoe"),
        lastname: some("Z"),
        email: some("zoe@example.org"),
        comment: some("x"),
        groups: Some(vec!["g1".to_owned()]),
    };
    record!(r, users());
    record!(r, user(&userid));
    record!(r, update_user(&userid, &change));
    record!(r, update_user(&userid, &UserChange::default()));
    let minimal = NewUser {
        userid: userid.clone(),
        password: None,
        options: UserChange::default(),
    };
    record!(r, create_user(&minimal));
    let full = NewUser {
        password: Some("long enough".into()),
        options: change,
        ..minimal
    };
    record!(r, create_user(&full));
    record!(r, delete_user(&userid));

    let name: TokenName = "holdfast".parse().unwrap();
    record!(r, tokens(&userid));
    record!(r, create_token(&userid, &name, &NewToken::default()));
    let token = NewToken {
        privsep: false,
        expire: Some(4_102_444_800),
        comment: some("x"),
    };
    record!(r, create_token(&userid, &name, &token));
    record!(r, regenerate_token(&userid, &name));
    record!(r, delete_token(&userid, &name));
}

async fn rights(r: &mut Recorder) {
    record!(r, permissions(None));
    record!(r, permissions(Some("/vms/300")));
    record!(r, permissions_of("zoe@pve!t1", Some("/vms/300")));
    record!(r, acl());
    let change = AclChange {
        path: "/pool/team".to_owned(),
        roles: vec!["PVEVMAdmin".to_owned()],
        subjects: vec![
            AclSubject::User("zoe@pve".to_owned()),
            AclSubject::Group("g1".to_owned()),
            AclSubject::Token("zoe@pve!t1".to_owned()),
        ],
        propagate: true,
        remove: true,
    };
    record!(r, set_acl(&change));
    record!(r, roles());
    record!(r, realms());
    for scope in [SyncScope::Users, SyncScope::Groups, SyncScope::Both] {
        let sync = RealmSync {
            scope: Some(scope),
            remove_vanished: Some(vec![Vanished::Acl, Vanished::Entry, Vanished::Properties]),
            enable_new: Some(true),
            dry_run: true,
        };
        record!(r, sync_realm("corp", &sync));
    }
    let nothing = RealmSync {
        remove_vanished: Some(Vec::new()),
        ..RealmSync::default()
    };
    record!(r, sync_realm("corp", &nothing));
}
