//! Calls for pools, users, tokens and permissions.

use proxmox::*;

use crate::calls::{Recorder, made, some, vmid};

pub(crate) async fn make_all(r: &mut Recorder) {
    pools(r).await;
    accounts(r).await;
    rights(r).await;
}

async fn pools(r: &mut Recorder) {
    let pool: PoolId = "team/a".parse().unwrap();
    made!(r, pools());
    made!(r, pool(&pool));
    made!(r, create_pool(&pool, None));
    made!(r, create_pool(&pool, Some("ours")));
    let change = PoolChange {
        comment: some("theirs"),
        vmids: vec![vmid()],
        storages: vec!["local".to_owned()],
        remove: true,
        allow_move: true,
    };
    made!(r, update_pool(&pool, &change));
    made!(r, update_pool(&pool, &PoolChange::default()));
    made!(r, delete_pool(&pool));
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
    made!(r, users());
    made!(r, user(&userid));
    made!(r, update_user(&userid, &change));
    made!(r, update_user(&userid, &UserChange::default()));
    let little = NewUser {
        userid: userid.clone(),
        password: None,
        options: UserChange::default(),
    };
    made!(r, create_user(&little));
    let much = NewUser {
        password: Some("long enough".into()),
        options: change,
        ..little
    };
    made!(r, create_user(&much));
    made!(r, delete_user(&userid));

    let name: TokenName = "holdfast".parse().unwrap();
    made!(r, tokens(&userid));
    made!(r, create_token(&userid, &name, &NewToken::default()));
    let token = NewToken {
        privsep: false,
        expire: Some(4_102_444_800),
        comment: some("x"),
    };
    made!(r, create_token(&userid, &name, &token));
    made!(r, regenerate_token(&userid, &name));
    made!(r, delete_token(&userid, &name));
}

async fn rights(r: &mut Recorder) {
    made!(r, permissions(None));
    made!(r, permissions(Some("/vms/300")));
    made!(r, permissions_of("zoe@pve!t1", Some("/vms/300")));
    made!(r, acl());
    let change = AclChange {
        path: "/pool/team".to_owned(),
        roles: vec!["PVEVMAdmin".to_owned()],
        holders: vec![
            AclHolder::User("zoe@pve".to_owned()),
            AclHolder::Group("g1".to_owned()),
            AclHolder::Token("zoe@pve!t1".to_owned()),
        ],
        propagate: true,
        remove: true,
    };
    made!(r, set_acl(&change));
    made!(r, roles());
    made!(r, realms());
    for scope in [SyncScope::Users, SyncScope::Groups, SyncScope::Both] {
        let sync = RealmSync {
            scope: Some(scope),
            remove_vanished: Some(vec![Vanished::Acl, Vanished::Entry, Vanished::Properties]),
            enable_new: Some(true),
            dry_run: true,
        };
        made!(r, sync_realm("corp", &sync));
    }
    let nothing = RealmSync {
        remove_vanished: Some(Vec::new()),
        ..RealmSync::default()
    };
    made!(r, sync_realm("corp", &nothing));
}
