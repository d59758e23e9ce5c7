//! Every call of the client, with the fewest and with the most parameters.

use std::{collections::BTreeMap, time::Duration};

use proxmox::*;

use crate::server::Server;

/// A call as it was sent.
#[derive(Debug)]
pub(crate) struct RecordedCall {
    pub(crate) name: &'static str,
    pub(crate) method: String,
    /// Relative to `/api2/json`, still encoded.
    pub(crate) path: String,
    pub(crate) params: Vec<(String, String)>,
}

/// A client and the calls that it has sent.
pub(crate) struct Recorder {
    server: Server,
    pub(crate) client: Client,
    seen: usize,
    pub(crate) calls: Vec<RecordedCall>,
}

impl Recorder {
    pub(crate) fn new(server: Server, client: Client) -> Self {
        Self {
            server,
            client,
            seen: 0,
            calls: Vec::new(),
        }
    }

    /// Records the requests since the last call under the method's name.
    pub(crate) fn keep(&mut self, name: &'static str) {
        let requests = self.server.requests();
        assert!(requests.len() > self.seen, "{name} sent nothing");
        let new = requests.iter().skip(self.seen);
        self.calls
            .extend(new.map(|request| recorded(name, request)));
        self.seen = requests.len();
    }
}

fn recorded(name: &'static str, request: &str) -> RecordedCall {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut words = head.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let url = url::Url::parse(&format!("http://pve{target}")).unwrap();
    let query = url.query_pairs();
    let form = url::form_urlencoded::parse(body.as_bytes());
    let params = query
        .chain(form)
        .map(|(name, value)| (name.into_owned(), value.into_owned()));
    RecordedCall {
        name,
        method: method.to_owned(),
        path: url.path().strip_prefix("/api2/json").unwrap().to_owned(),
        params: params.collect(),
    }
}

/// Makes a call, ignores the response and records the request.
macro_rules! record {
    ($recorder:ident, $name:ident($($argument:expr),*)) => {
        let _ = $recorder.client.$name($($argument),*).await;
        $recorder.keep(stringify!($name));
    };
}

mod firewall;

/// Signs in with a password and records the request.
pub(crate) async fn sign_in(recorder: &mut Recorder) {
    let password = Credentials::Password {
        user: "root".to_owned(),
        realm: "pam".to_owned(),
        password: "a password".into(),
    };
    let connection = ClientConfig::new(Endpoint::new(&recorder.server.url), password);
    let client = Client::new(connection, Timeouts::default()).unwrap();
    let _ = client.version().await;
    recorder.keep("sign in");
    let last = recorder.calls.last().unwrap();
    assert_eq!(last.path, "/access/ticket");
}

pub(crate) async fn record_all(r: &mut Recorder) {
    cluster_and_nodes(r).await;
    storages(r).await;
    containers(r).await;
    firewall::record_all(r).await;
    power(r).await;
    copies(r).await;
    snapshots(r).await;
    tasks(r).await;
    record!(r, permissions(None));
    record!(r, permissions(Some("/vms/300")));
}

const NODE: &str = "pve1";

fn vmid() -> Vmid {
    Vmid::try_from(300).unwrap()
}

fn upid() -> Upid {
    "UPID:pve1:00001638:000599F5:6B00BC42:vzstart:300:root@pam!holdfast:"
        .parse()
        .unwrap()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

async fn cluster_and_nodes(r: &mut Recorder) {
    record!(r, version());
    record!(r, nodes());
    record!(r, cluster_status());
    record!(r, resources());
    record!(r, next_id());
    record!(r, node_status(NODE));
    record!(r, bridges(NODE));
    record!(r, networks(NODE));
}

async fn storages(r: &mut Recorder) {
    record!(r, storages(NODE));
    record!(r, content(NODE, "local", None));
    record!(r, content(NODE, "local", Some(ContentKind::Backup)));
    record!(r, delete_content(NODE, "local", "local:vztmpl/a.tar"));
    record!(r, templates(NODE));
    record!(r, download_template(NODE, "local", "debian-13.tar.zst"));
    for kind in [
        ChecksumKind::Sha256,
        ChecksumKind::Sha384,
        ChecksumKind::Sha512,
    ] {
        let download = Download {
            url: "https://example.org/a.tar.zst".to_owned(),
            content: ContentKind::Vztmpl,
            filename: "a.tar.zst".to_owned(),
            checksum: Some((kind, "ab".to_owned())),
        };
        record!(r, download_url(NODE, "local", &download));
        let plain = Download {
            checksum: None,
            ..download
        };
        record!(r, download_url(NODE, "local", &plain));
    }
    let image = "docker.io/library/nginx:1.27";
    record!(r, pull_oci(NODE, "local", image, "nginx.tar"));
    record!(r, oci_tags(NODE, "docker.io/library/nginx"));
}

fn options() -> LxcOptions {
    LxcOptions {
        hostname: some("web"),
        cores: Some(2),
        memory_mib: Some(512),
        swap_mib: Some(0),
        net0: Some(Net {
            hwaddr: some("BC:24:11:00:00:01"),
            ip: Some(Ipv4Config::Dhcp),
            ip6: Some(Ipv6Config::Auto),
            tag: Some(20),
            mtu: Some(1400),
            firewall: Some(true),
            host_managed: Some(false),
            ..Net::new("eth0", "vmbr0")
        }),
        nameserver: Some(vec!["10.0.0.1".parse().unwrap()]),
        searchdomain: some("example.org"),
        features: Some(Features {
            nesting: true,
            keyctl: true,
            fuse: true,
        }),
        onboot: Some(true),
        protection: Some(false),
        description: some("line one\nline two"),
        tags: Some(vec!["holdfast".to_owned()]),
        entrypoint: some("/bin/sh -c 'sleep 1'"),
        env: Some(BTreeMap::from([("A".to_owned(), "1".to_owned())])),
        cmode: Some(ConsoleMode::Console),
    }
}

async fn containers(r: &mut Recorder) {
    record!(r, lxc_list(NODE));
    let rootfs = Rootfs {
        storage: "local-lvm".to_owned(),
        size_gib: 8,
    };
    let minimal = CreateLxc::new(vmid(), "local:vztmpl/a.tar", rootfs);
    record!(r, create_lxc(NODE, &minimal));
    let full = CreateLxc {
        pool: some("team"),
        ssh_public_keys: vec!["ssh-ed25519 AAAA".to_owned()],
        options: options(),
        ..minimal
    };
    record!(r, create_lxc(NODE, &full));
    record!(r, lxc_config(NODE, vmid()));
    for cmode in [ConsoleMode::Tty, ConsoleMode::Console, ConsoleMode::Shell] {
        let change = ConfigChange {
            options: LxcOptions {
                cmode: Some(cmode),
                ..options()
            },
            delete: vec!["net1".to_owned()],
            digest: some("6044d62495c1c120eec62aac810104f24b65c1d1"),
        };
        record!(r, set_lxc_config(NODE, vmid(), &change));
    }
    record!(r, lxc_pending(NODE, vmid()));
    record!(r, lxc_status(NODE, vmid()));
    record!(r, lxc_interfaces(NODE, vmid()));
    record!(r, lxc_console(NODE, vmid()));
    for (disk, size) in [
        (Disk::Rootfs, Resize::GrowGib(1)),
        (Disk::Mount(255), Resize::ToGib(12)),
    ] {
        record!(r, resize_lxc(NODE, vmid(), disk, size));
    }
    record!(r, delete_lxc(NODE, vmid(), DeleteLxc::default()));
}

async fn power(r: &mut Recorder) {
    record!(r, start_lxc(NODE, vmid()));
    record!(r, stop_lxc(NODE, vmid()));
    let shutdown = Shutdown {
        timeout: Duration::from_secs(30),
        force_stop: true,
    };
    record!(r, shutdown_lxc(NODE, vmid(), shutdown));
    record!(r, reboot_lxc(NODE, vmid(), shutdown.timeout));
}

async fn copies(r: &mut Recorder) {
    let newid = Vmid::try_from(301).unwrap();
    let disks = [
        CloneDisks::Default,
        CloneDisks::Linked,
        CloneDisks::Full {
            storage: some("tank"),
        },
    ];
    for disks in disks {
        let clone = CloneLxc {
            newid,
            hostname: some("copy"),
            description: some("a\nb"),
            pool: Some("team/a".parse().unwrap()),
            snapname: Some("s1".parse().unwrap()),
            disks,
            target: some("pve2"),
        };
        record!(r, clone_lxc(NODE, vmid(), &clone));
    }
    record!(r, clone_lxc(NODE, vmid(), &CloneLxc::new(newid)));
    let migrate = MigrateLxc {
        target: "pve2".to_owned(),
        target_storage: None,
        restart: None,
    };
    record!(r, migrate_lxc(NODE, vmid(), &migrate));
    let restarting = MigrateLxc {
        target_storage: some("tank"),
        restart: Some(Duration::from_secs(60)),
        ..migrate
    };
    record!(r, migrate_lxc(NODE, vmid(), &restarting));
    record!(r, migrate_preconditions(NODE, vmid()));
    for feature in [LxcFeature::Snapshot, LxcFeature::Clone, LxcFeature::Copy] {
        record!(r, lxc_supports(NODE, vmid(), feature));
    }
    backups(r).await;
}

async fn backups(r: &mut Recorder) {
    for (mode, compress) in [
        (BackupMode::Snapshot, Compression::Zstd),
        (BackupMode::Suspend, Compression::Gzip),
        (BackupMode::Stop, Compression::Lzo),
        (BackupMode::Stop, Compression::None),
    ] {
        let number = Some(2);
        let retention = Retention {
            last: number,
            hourly: number,
            daily: number,
            weekly: number,
            monthly: number,
            yearly: number,
        };
        let backup = Backup {
            mode,
            compress,
            notes: some("{{guestname}}\nby hand"),
            protected: true,
            retention: Some(retention),
            ..Backup::new(vmid(), "local")
        };
        record!(r, vzdump(NODE, &backup));
    }
    record!(r, vzdump(NODE, &Backup::new(vmid(), "local")));
    let archive = "local:backup/vzdump-lxc-300-2026_11_25-10_00_00.tar.zst";
    let minimal = RestoreLxc::new(vmid(), archive);
    record!(r, restore_lxc(NODE, &minimal));
    let full = RestoreLxc {
        storage: some("local-lvm"),
        unprivileged: Some(true),
        pool: Some("team".parse().unwrap()),
        overwrite: true,
        unique: true,
        ..minimal
    };
    record!(r, restore_lxc(NODE, &full));
}

async fn snapshots(r: &mut Recorder) {
    let name: SnapshotName = "before-update".parse().unwrap();
    record!(r, snapshots(NODE, vmid()));
    record!(r, create_snapshot(NODE, vmid(), &name, None));
    record!(r, create_snapshot(NODE, vmid(), &name, Some("a\nb")));
    record!(r, delete_snapshot(NODE, vmid(), &name, true));
    record!(r, rollback_snapshot(NODE, vmid(), &name, true));
    record!(r, snapshot_config(NODE, vmid(), &name));
    record!(r, set_snapshot_description(NODE, vmid(), &name, "c"));
}

async fn tasks(r: &mut Recorder) {
    record!(r, task_status(&upid()));
    record!(r, task_log(&upid(), 500));
    record!(r, wait_task(&upid(), Duration::from_secs(10), |_| ()));
    record!(r, kill_task(&upid()));
    for source in [TaskSource::Active, TaskSource::Archive, TaskSource::All] {
        let filter = TaskFilter {
            source,
            vmid: Some(vmid()),
            kind: some("vzcreate"),
            since: Some(1_795_210_960),
            limit: 10,
        };
        record!(r, tasks(NODE, &filter));
    }
}
