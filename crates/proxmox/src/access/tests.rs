use super::*;

fn sent(params: &Params) -> Vec<String> {
    let pairs = params.pairs().iter();
    pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

#[test]
fn permissions_report_granted_and_missing_privileges() {
    let json = r#"{"/storage/local":{"Datastore.Audit":1,"Datastore.AllocateSpace":1},"/vms/200":{"VM.Audit":0}}"#;
    let permissions: Permissions = serde_json::from_str(json).unwrap();
    assert!(permissions.has("/vms/200", "VM.Audit"));
    assert!(!permissions.has("/vms/201", "VM.Audit"));
    let wanted = ["Datastore.Audit", "Datastore.AllocateTemplate"];
    let missing = permissions.missing("/storage/local", &wanted);
    assert_eq!(missing, ["Datastore.AllocateTemplate"]);
    let passes_on: Vec<_> = permissions
        .paths()
        .map(|(path, privileges)| (path, privileges.values().any(|on| *on)))
        .collect();
    assert_eq!(passes_on, [("/storage/local", true), ("/vms/200", false)]);
    let none: Permissions = serde_json::from_str("[]").unwrap();
    assert_eq!(none, Permissions::default());
}

#[test]
fn acl_entries_parse_with_subjects() {
    let rows = r#"[{"roleid":"PVEAuditor","path":"/","ugid":"alice@pve!ro","type":"token","propagate":1},{"type":"user","ugid":"alice@pve","path":"/pool/p1","roleid":"PVEVMAdmin","propagate":"0"},{"type":"group","ugid":"g1","path":"/","roleid":"NoAccess"},{"type":"robot","ugid":"x","path":"/","roleid":"y"}]"#;
    let rows: Vec<AclRow> = serde_json::from_str(rows).unwrap();
    let entries: Vec<_> = rows.into_iter().filter_map(entry).collect();
    assert_eq!(entries.len(), 3);
    assert_eq!(
        entries[0].subject,
        AclSubject::Token("alice@pve!ro".to_owned())
    );
    assert!(!entries[1].propagate && entries[2].propagate);
}

#[test]
fn acl_change_requires_subject_and_rejects_separators() {
    let change = AclChange {
        path: "/pool/p1".to_owned(),
        roles: vec!["PVEVMAdmin".to_owned(), "PVEAuditor".to_owned()],
        subjects: vec![
            AclSubject::User("alice@pve".to_owned()),
            AclSubject::Token("alice@pve!t1".to_owned()),
            AclSubject::User("bob@pve".to_owned()),
        ],
        propagate: true,
        remove: false,
    };
    let expected = [
        "path=/pool/p1",
        "roles=PVEVMAdmin,PVEAuditor",
        "users=alice@pve,bob@pve",
        "tokens=alice@pve!t1",
        "propagate=1",
    ];
    assert_eq!(sent(&change.params().unwrap()), expected);
    let without_subjects = AclChange {
        subjects: Vec::new(),
        ..change.clone()
    };
    assert!(without_subjects.params().is_err());
    let two = AclChange {
        subjects: vec![AclSubject::Group("a,b".to_owned())],
        ..change
    };
    assert!(two.params().is_err());
}

#[test]
fn roles_and_realms_parse() {
    let rows = r#"[{"roleid":"PVEAuditor","special":1,"privs":"VM.Audit,Sys.Audit"},{"roleid":"NoAccess","privs":"","special":"1"}]"#;
    let rows: Vec<Role> = serde_json::from_str(rows).unwrap();
    assert_eq!(rows[0].privileges, ["VM.Audit", "Sys.Audit"]);
    assert!(rows[1].privileges.is_empty() && rows[1].special);
    let rows = r#"[{"realm":"pam","type":"pam","comment":"Linux PAM standard authentication"},{"realm":"corp","type":"ldap","tfa":"oath"}]"#;
    let rows: Vec<Realm> = serde_json::from_str(rows).unwrap();
    assert_eq!(rows[1].tfa.as_deref(), Some("oath"));
}

#[test]
fn realm_sync_removes_only_requested_entries() {
    let plain = RealmSync::default();
    assert_eq!(sent(&plain.params()), ["dry-run=0"]);
    let nothing = RealmSync {
        scope: Some(SyncScope::Both),
        remove_vanished: Some(Vec::new()),
        enable_new: Some(false),
        dry_run: true,
    };
    let expected = [
        "scope=both",
        "remove-vanished=none",
        "enable-new=0",
        "dry-run=1",
    ];
    assert_eq!(sent(&nothing.params()), expected);
    let much = RealmSync {
        remove_vanished: Some(vec![Vanished::Acl, Vanished::Entry]),
        ..plain
    };
    assert_eq!(
        sent(&much.params()),
        ["remove-vanished=acl;entry", "dry-run=0"]
    );
}
