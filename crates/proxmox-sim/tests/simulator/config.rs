//! Reading and changing configurations: immediate and pending changes.

use crate::support::{TestApi, api, assert_has};
use serde_json::{Value, json};

const CONFIG: &str = "/nodes/pve1/lxc/200/config";

async fn pending(api: &TestApi) -> Value {
    api.get("/nodes/pve1/lxc/200/pending").await.data()
}

fn pending_entry(entries: &Value, key: &str) -> Value {
    let mut entries = entries.as_array().into_iter().flatten();
    entries
        .find(|entry| entry["key"] == key)
        .cloned()
        .unwrap_or_default()
}

#[tokio::test]
async fn changes_to_stopped_container_apply_immediately() {
    let api = api().await;
    api.created(200, &[]).await;
    let form = [
        ("memory", "256"),
        ("hostname", "new"),
        ("cores", "2"),
        ("description", "a\nb"),
    ];
    assert_eq!(api.put(CONFIG, &form).await.data(), Value::Null);
    let expected = json!({ "memory": 256, "hostname": "new", "cores": 2, "description": "a\nb\n" });
    assert_has(&api.config(200).await, expected);
    api.put(CONFIG, &[("delete", "cores,hostname")])
        .await
        .data();
    let config = api.config(200).await;
    assert_eq!((config.get("cores"), config.get("hostname")), (None, None));
    assert!(!pending(&api).await.to_string().contains("pending"));
}

#[tokio::test]
async fn some_changes_to_running_container_are_pending_until_start() {
    let api = api().await;
    api.running(200, &[]).await;
    let at_once = [
        ("memory", "200"),
        ("swap", "0"),
        ("hostname", "live"),
        ("cores", "1"),
    ];
    api.put(CONFIG, &at_once).await.data();
    let later = [("features", "nesting=1"), ("tty", "1"), ("env", "A=1\0B=2")];
    api.put(CONFIG, &later).await.data();
    // An unchanged value is not a pending change.
    api.put(CONFIG, &[("ostype", "debian")]).await.data();

    let entries = pending(&api).await;
    assert_eq!(
        pending_entry(&entries, "memory"),
        json!({ "key": "memory", "value": 200 })
    );
    assert_eq!(
        pending_entry(&entries, "tty"),
        json!({ "key": "tty", "pending": 1 })
    );
    assert_eq!(
        pending_entry(&entries, "env"),
        json!({ "key": "env", "pending": "A=1\u{0}B=2" })
    );
    assert_eq!(
        pending_entry(&entries, "ostype"),
        json!({ "key": "ostype", "value": "debian" })
    );
    assert_eq!(api.config(200).await["tty"], 1);
    let current = api.get(&format!("{CONFIG}?current=1")).await.data();
    assert_eq!(current.get("tty"), None);

    api.put(CONFIG, &[("revert", "tty,features")]).await.data();
    assert_eq!(pending_entry(&pending(&api).await, "tty"), Value::Null);
    let reboot = api.post("/nodes/pve1/lxc/200/status/reboot", &[]).await;
    assert_eq!(api.finish(&reboot).await, "OK");
    let current = api.get(&format!("{CONFIG}?current=1")).await.data();
    assert_eq!(current["env"], "A=1\u{0}B=2");
    assert_eq!(current.get("features"), None);
}

#[tokio::test]
async fn pending_deletion_is_listed() {
    let api = api().await;
    api.running(200, &[("entrypoint", "/bin/serve")]).await;
    api.put(CONFIG, &[("delete", "entrypoint")]).await.data();
    let entry = pending_entry(&pending(&api).await, "entrypoint");
    assert_eq!(
        entry,
        json!({ "key": "entrypoint", "value": "/bin/serve", "delete": 1 })
    );
    assert_eq!(api.config(200).await.get("entrypoint"), None);
}

#[tokio::test]
async fn stale_digest_is_rejected() {
    let api = api().await;
    api.created(200, &[]).await;
    let digest = api.config(200).await["digest"].as_str().unwrap().to_owned();
    api.put(CONFIG, &[("digest", &digest), ("memory", "256")])
        .await
        .data();
    let stale = api
        .put(CONFIG, &[("digest", &digest), ("memory", "300")])
        .await;
    let message = "detected modified configuration - file changed by other user? Try again.";
    assert_eq!(stale.failure(), message);
    assert_eq!(api.config(200).await["memory"], 256);
    let long = "x".repeat(41);
    let reply = api
        .put(CONFIG, &[("digest", &long), ("memory", "300")])
        .await;
    assert_eq!(
        reply.problem("digest"),
        "value may only be 40 characters long"
    );
}

#[tokio::test]
async fn invalid_changes_are_rejected() {
    let api = api().await;
    api.created(200, &[]).await;
    let cases = [
        (
            "delete",
            "memory",
            "unable to delete required option 'memory'",
        ),
        (
            "delete",
            "rootfs",
            "unable to delete required option 'rootfs'",
        ),
        (
            "unprivileged",
            "0",
            "unable to modify read-only option: 'unprivileged'",
        ),
        ("digest", "", "no options specified"),
        ("mp0", "nostore:1,mp=/x", "storage 'nostore' does not exist"),
    ];
    for (name, value, message) in cases {
        assert_eq!(
            api.put(CONFIG, &[(name, value)]).await.failure(),
            message,
            "{name}={value}"
        );
    }
    let unknown = api.put(CONFIG, &[("delete", "nope")]).await;
    assert_eq!(unknown.problem("delete"), "unknown option 'nope'");
    let both = api
        .put(CONFIG, &[("delete", "cores"), ("cores", "2")])
        .await;
    assert!(both.problem("delete").contains("at the same time"));
    let moved = api.put(CONFIG, &[("vmid", "301")]).await;
    let problem = "duplicate parameter (already defined in URI) with conflicting values!";
    assert_eq!(moved.problem("vmid"), problem);
    assert_eq!(
        api.put(CONFIG, &[("delete", "net5")]).await.data(),
        Value::Null
    );
}

#[tokio::test]
async fn replaced_mount_point_becomes_unused_volume() {
    let api = api().await;
    api.created(200, &[]).await;
    api.put(CONFIG, &[("mp0", "local-lvm:1,mp=/data")])
        .await
        .data();
    api.put(CONFIG, &[("mp0", "local-lvm:1,mp=/data2")])
        .await
        .data();
    let config = api.config(200).await;
    assert_eq!(config["mp0"], "local-lvm:vm-200-disk-2,mp=/data2,size=1G");
    assert_eq!(config["unused0"], "local-lvm:vm-200-disk-1");
    api.put(CONFIG, &[("delete", "unused0")]).await.data();
    let volumes = api.sim.handle().volumes("pve1");
    assert!(
        !volumes.contains(&"local-lvm:vm-200-disk-1".to_owned()),
        "{volumes:?}"
    );
    assert!(
        volumes.contains(&"local-lvm:vm-200-disk-2".to_owned()),
        "{volumes:?}"
    );
}

#[tokio::test]
async fn protection_and_lock_reject_changes() {
    let api = api().await;
    api.created(200, &[]).await;
    api.put(CONFIG, &[("protection", "1")]).await.data();
    let message = "can't update CT 200 drive 'mp1' - protection mode enabled";
    assert_eq!(
        api.put(CONFIG, &[("mp1", "local-lvm:1,mp=/z")])
            .await
            .failure(),
        message
    );
    let message = "can't remove CT 200 - protection mode enabled";
    assert_eq!(api.delete("/nodes/pve1/lxc/200").await.failure(), message);
    api.put(CONFIG, &[("protection", "0"), ("lock", "backup")])
        .await
        .data();
    for form in [("memory", "128"), ("delete", "lock"), ("revert", "memory")] {
        assert_eq!(
            api.put(CONFIG, &[form]).await.failure(),
            "CT is locked (backup)",
            "{form:?}"
        );
    }
    let resize = [("disk", "rootfs"), ("size", "+1G")];
    let reply = api.put("/nodes/pve1/lxc/200/resize", &resize).await;
    assert_eq!(reply.failure(), "CT is locked (backup)");
    assert_eq!(
        api.sim.handle().container(200).unwrap().lock.as_deref(),
        Some("backup")
    );
    assert!(api.sim.handle().set_lock(200, None));
    api.put(CONFIG, &[("memory", "128")]).await.data();
}

#[tokio::test]
async fn only_root_may_set_features_except_nesting() {
    let api = api().await;
    api.created(200, &[]).await;
    let reply = api.put(CONFIG, &[("features", "keyctl=1")]).await;
    assert_eq!(reply.status, 403);
    api.put(CONFIG, &[("features", "nesting=1")]).await.data();
}

#[tokio::test]
async fn resize_grows_disk_and_rejects_shrinking() {
    let api = api().await;
    api.created(200, &[]).await;
    let resize = async |disk, size| {
        api.put(
            "/nodes/pve1/lxc/200/resize",
            &[("disk", disk), ("size", size)],
        )
        .await
    };
    assert_eq!(api.finish(&resize("rootfs", "+1G").await).await, "OK");
    assert_eq!(
        api.config(200).await["rootfs"],
        "local-lvm:vm-200-disk-0,size=9G"
    );
    assert_eq!(
        resize("rootfs", "1G").await.failure(),
        "unable to shrink disk size"
    );
    assert_eq!(api.finish(&resize("rootfs", "12G").await).await, "OK");
    assert_eq!(
        api.config(200).await["rootfs"],
        "local-lvm:vm-200-disk-0,size=12G"
    );
    let odd = resize("rootfs", "+1X").await;
    assert_eq!(
        odd.problem("size"),
        "value does not match the regex pattern"
    );
    assert!(
        resize("nope", "+1G")
            .await
            .problem("disk")
            .contains("'rootfs, mp0, mp1,")
    );
    let missing = resize("mp5", "+1G").await;
    assert_eq!(missing.failure(), "format error");
    assert_eq!(
        missing.json()["errors"]["mp"],
        "property is missing and it is not optional"
    );
}

#[tokio::test]
async fn resize_of_disk_of_other_container_is_rejected() {
    let api = api().await;
    api.created(200, &[]).await;
    api.put(CONFIG, &[("rootfs", "local-lvm:vm-99-disk-0")])
        .await
        .data();
    assert_eq!(api.config(200).await["rootfs"], "local-lvm:vm-99-disk-0");
    let form = [("disk", "rootfs"), ("size", "+1G")];
    let message = api.put("/nodes/pve1/lxc/200/resize", &form).await.failure();
    let start = "can't resize mount point owned by another container (99)";
    assert!(message.starts_with(start), "{message}");
}

#[tokio::test]
async fn container_without_architecture_fails_until_it_is_set() {
    let api = api().await;
    api.created(200, &[]).await;
    let broken = "missing 'arch' - internal error at /usr/share/perl5/PVE/LXC.pm line 729.";
    assert_eq!(
        api.put(CONFIG, &[("delete", "arch")]).await.failure(),
        broken
    );
    assert_eq!(api.put(CONFIG, &[("cores", "2")]).await.failure(), broken);
    assert_eq!(
        api.config(200).await["cores"],
        2,
        "the change is saved despite the error"
    );
    let start = api.post("/nodes/pve1/lxc/200/status/start", &[]).await;
    assert_eq!(api.finish(&start).await, broken);
    api.put(CONFIG, &[("arch", "amd64")]).await.data();
}
