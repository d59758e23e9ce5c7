use super::*;
use crate::net::Ipv4Config;

fn create() -> CreateLxc {
    let rootfs = Rootfs {
        storage: "local-lvm".to_owned(),
        size_gib: 8,
    };
    CreateLxc::new(
        Vmid::try_from(300).unwrap(),
        "local:vztmpl/nginx_1.27.tar",
        rootfs,
    )
}

fn env(pairs: &[(&str, &str)]) -> Option<BTreeMap<String, String>> {
    Some(
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    )
}

fn sent(params: &Params) -> Vec<String> {
    params
        .pairs()
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect()
}

fn refused_field<T: fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::InvalidArgument { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn create_serializes_all_parameters() {
    let options = LxcOptions {
        hostname: Some("web".to_owned()),
        cores: Some(2),
        memory_mib: Some(512),
        swap_mib: Some(0),
        net0: Some(Net {
            ip: Some(Ipv4Config::Dhcp),
            ..Net::new("eth0", "vmbr0")
        }),
        nameserver: Some(vec![
            "10.0.0.1".parse().unwrap(),
            "fd00::1".parse().unwrap(),
        ]),
        features: Some(Features {
            nesting: true,
            ..Features::default()
        }),
        onboot: Some(true),
        description: Some("line; one\nline two".to_owned()),
        tags: Some(vec!["holdfast".to_owned(), "web".to_owned()]),
        ..LxcOptions::default()
    };
    let keys = vec![
        "ssh-ed25519 AAAA a@b".to_owned(),
        "ssh-ed25519 BBBB".to_owned(),
    ];
    let create = CreateLxc {
        options,
        ssh_public_keys: keys,
        ..create()
    };
    let expected = [
        "vmid=300",
        "ostemplate=local:vztmpl/nginx_1.27.tar",
        "rootfs=local-lvm:8",
        "unprivileged=1",
        "ssh-public-keys=ssh-ed25519 AAAA a@b\nssh-ed25519 BBBB",
        "hostname=web",
        "cores=2",
        "memory=512",
        "swap=0",
        "net0=name=eth0,bridge=vmbr0,ip=dhcp",
        "features=nesting=1",
        "onboot=1",
        "description=line; one\nline two",
        "nameserver=10.0.0.1 fd00::1",
        "tags=holdfast;web",
    ];
    assert_eq!(sent(&create.params().unwrap()), expected);
}

#[test]
fn change_sends_only_set_fields() {
    let change = ConfigChange {
        options: LxcOptions {
            entrypoint: Some("/bin/sh -c 'a=1 exec b'".to_owned()),
            env: env(&[("A", "1"), ("PATH", "/bin:/usr/bin")]),
            tags: Some(Vec::new()),
            cmode: Some(ConsoleMode::Console),
            ..LxcOptions::default()
        },
        delete: vec!["net1".to_owned()],
        digest: Some("6044d62495c1c120eec62aac810104f24b65c1d1".to_owned()),
    };
    let expected = [
        "entrypoint=/bin/sh -c 'a=1 exec b'",
        "cmode=console",
        "env=A=1\0PATH=/bin:/usr/bin",
        "delete=net1,tags",
        "digest=6044d62495c1c120eec62aac810104f24b65c1d1",
    ];
    assert_eq!(sent(&change.params().unwrap()), expected);
    assert!(ConfigChange::default().params().unwrap().is_empty());
}

#[test]
fn empty_environment_is_deleted() {
    let options = LxcOptions {
        env: env(&[]),
        ..LxcOptions::default()
    };
    let change = ConfigChange {
        options: options.clone(),
        ..ConfigChange::default()
    };
    let params = change.params().unwrap();
    assert_eq!(params.pairs(), [("delete".to_owned(), "env".to_owned())]);
    let created = CreateLxc {
        options,
        ..create()
    }
    .params()
    .unwrap();
    assert!(
        created
            .pairs()
            .iter()
            .all(|(name, _)| name != "env" && name != "delete")
    );
}

#[test]
fn environment_injection_is_rejected() {
    for (name, value) in [
        ("A B", "x"),
        ("", "x"),
        ("A=B", "x"),
        ("A", "x\0B=y"),
        ("A", "x\ny"),
    ] {
        let options = LxcOptions {
            env: env(&[(name, value)]),
            ..LxcOptions::default()
        };
        let field = refused_field(
            ConfigChange {
                options,
                ..ConfigChange::default()
            }
            .params(),
        );
        assert!(field.starts_with("env."), "{field}");
    }
    let options = LxcOptions {
        env: env(&[("A", "x\ty=z,;&")]),
        ..LxcOptions::default()
    };
    assert!(
        ConfigChange {
            options,
            ..ConfigChange::default()
        }
        .params()
        .is_ok()
    );
}

#[test]
fn property_injection_is_rejected() {
    let storage = Rootfs {
        storage: "local,acl=1".to_owned(),
        size_gib: 1,
    };
    assert_eq!(
        refused_field(
            CreateLxc {
                rootfs: storage,
                ..create()
            }
            .params()
        ),
        "rootfs"
    );
    let volume = Rootfs {
        storage: "volume=/etc".to_owned(),
        size_gib: 1,
    };
    assert_eq!(
        refused_field(
            CreateLxc {
                rootfs: volume,
                ..create()
            }
            .params()
        ),
        "rootfs"
    );
    let keys = vec!["ssh-ed25519 AAAA\nssh-ed25519 BBBB".to_owned()];
    let create = CreateLxc {
        ssh_public_keys: keys,
        ..create()
    };
    assert_eq!(refused_field(create.params()), "ssh-public-keys");
    let options = LxcOptions {
        hostname: Some("a\nb".to_owned()),
        ..LxcOptions::default()
    };
    let change = ConfigChange {
        options,
        ..ConfigChange::default()
    };
    assert_eq!(refused_field(change.params()), "hostname");
    let delete = ConfigChange {
        delete: vec!["net0,rootfs".to_owned()],
        ..ConfigChange::default()
    };
    assert_eq!(refused_field(delete.params()), "delete");
}

#[test]
fn disabled_features_are_omitted_except_nesting() {
    let written = |features: Features| features.property().unwrap();
    assert_eq!(written(Features::default()), "nesting=0");
    let all = Features {
        nesting: true,
        keyctl: true,
        fuse: true,
    };
    assert_eq!(written(all), "nesting=1,keyctl=1,fuse=1");
}

#[test]
fn sizes_and_disks_format_as_parameters() {
    assert_eq!(Resize::GrowGib(2).to_string(), "+2G");
    assert_eq!(Resize::ToGib(12).to_string(), "12G");
    assert_eq!(Disk::Rootfs.to_string(), "rootfs");
    assert_eq!(Disk::Mount(3).to_string(), "mp3");
}
