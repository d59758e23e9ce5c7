//! Snapshots of containers.

use crate::support::{TestApi, api, assert_has};
use serde_json::json;

const SNAPSHOTS: &str = "/nodes/pve1/lxc/200/snapshot";
const CONFIG: &str = "/nodes/pve1/lxc/200/config";

async fn snapshot(api: &TestApi, name: &str, description: &str) {
    let form = [("snapname", name), ("description", description)];
    let reply = api.post(SNAPSHOTS, &form).await;
    assert_eq!(api.finish(&reply).await, "OK");
}

#[tokio::test]
async fn config_of_snapshot_has_options_at_time_of_snapshot() {
    let api = api().await;
    api.created(200, &[("memory", "1024")]).await;
    snapshot(&api, "before", "first").await;
    api.put(CONFIG, &[("memory", "2048")]).await.data();
    snapshot(&api, "after", "second").await;

    let current = api.config(200).await;
    let before = api.get(&format!("{CONFIG}?snapshot=before")).await.data();
    let expected = json!({
        "memory": 1024,
        "hostname": "web",
        "rootfs": "local-lvm:vm-200-disk-0,size=8G",
        "description": "first",
        "digest": current["digest"],
    });
    assert_has(&before, expected);
    assert!(before["snaptime"].is_u64(), "{before}");
    assert_eq!(before.get("parent"), None);
    let after = api.get(&format!("{CONFIG}?snapshot=after")).await.data();
    assert_has(&after, json!({ "memory": 2048, "parent": "before" }));

    let missing = api.get(&format!("{CONFIG}?snapshot=nope")).await;
    assert_eq!(missing.failure(), "snapshot 'nope' does not exist");
}

#[tokio::test]
async fn config_rejects_snapshot_together_with_current() {
    let api = api().await;
    api.created(200, &[]).await;
    let reply = api.get(&format!("{CONFIG}?snapshot=nope&current=1")).await;
    for parameter in ["snapshot", "current"] {
        assert_eq!(
            reply.problem(parameter),
            "cannot use 'snapshot' parameter with 'current'"
        );
    }
}
