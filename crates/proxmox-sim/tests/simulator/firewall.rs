//! Firewalls of guests: one file for each, which is deleted with the guest.

use proxmox_sim::Firewall;
use serde_json::json;

use crate::support::api;

const FIREWALL: &str = "/nodes/pve1/lxc/200/firewall";

#[tokio::test]
async fn options_are_set_deleted_and_protected_by_the_digest() {
    let api = api().await;
    api.created(200, &[]).await;
    let path = format!("{FIREWALL}/options");
    let before = api.get(&path).await.data();
    let digest = before["digest"].as_str().unwrap();
    let set = [("enable", "1"), ("policy_in", "DROP"), ("digest", digest)];
    api.put(&path, &set).await.data();
    let message = api.put(&path, &set).await.failure();
    assert!(message.starts_with("detected modified configuration"));
    api.put(&path, &[("delete", "policy_in")]).await.data();
    let after = api.get(&path).await.data();
    assert_eq!(after["enable"], 1);
    assert_eq!(after.get("policy_in"), None);
    let invalid = api.put(&path, &[("policy_in", "NONE")]).await;
    assert!(!invalid.problem("policy_in").is_empty());
}

#[tokio::test]
async fn new_rule_is_first_and_off_by_default() {
    let api = api().await;
    api.created(200, &[]).await;
    let path = format!("{FIREWALL}/rules");
    for (source, enable) in [("10.0.0.1", "1"), ("10.0.0.2", "")] {
        let rule = [("type", "in"), ("action", "ACCEPT"), ("source", source)];
        let enable = Some(("enable", enable)).filter(|(_, value)| !value.is_empty());
        let rule: Vec<_> = rule.into_iter().chain(enable).collect();
        api.post(&path, &rule).await.data();
    }
    let rules = api.get(&path).await.data();
    assert_eq!(rules[0]["source"], "10.0.0.2");
    assert_eq!(
        (&rules[0]["enable"], &rules[1]["enable"]),
        (&json!(0), &json!(1))
    );
    assert_eq!((&rules[0]["pos"], &rules[1]["pos"]), (&json!(0), &json!(1)));
    let port = [("type", "in"), ("action", "DROP"), ("dport", "67")];
    assert!(!api.post(&path, &port).await.problem("proto").is_empty());
    api.delete(&format!("{path}/0")).await.data();
    let rules = api.get(&path).await.data();
    assert_eq!(rules.as_array().unwrap().len(), 1);
    assert_eq!(rules[0]["source"], "10.0.0.1");
    assert!(
        !api.delete(&format!("{path}/1"))
            .await
            .problem("pos")
            .is_empty()
    );
}

#[tokio::test]
async fn ip_set_with_entries_is_not_deleted() {
    let api = api().await;
    api.created(200, &[]).await;
    let (sets, set) = (
        format!("{FIREWALL}/ipset"),
        format!("{FIREWALL}/ipset/ipfilter-net0"),
    );
    let name = [("name", "ipfilter-net0")];
    api.get(&set).await.failure();
    api.post(&sets, &name).await.data();
    assert!(!api.post(&sets, &name).await.problem("name").is_empty());
    let entry = [("cidr", "10.0.0.1"), ("comment", "own")];
    api.post(&set, &entry).await.data();
    assert!(!api.post(&set, &entry).await.problem("cidr").is_empty());
    let entries = api.get(&set).await.data();
    assert_eq!(entries[0]["comment"], "own");
    api.delete(&set).await.failure();
    api.delete(&format!("{set}/10.0.0.1")).await.data();
    api.delete(&set).await.data();
    assert_eq!(api.get(&sets).await.data(), json!([]));
}

#[tokio::test]
async fn firewall_is_deleted_with_the_guest() {
    let api = api().await;
    api.created(200, &[]).await;
    let options = format!("{FIREWALL}/options");
    api.put(&options, &[("enable", "1")]).await.data();
    let handle = api.sim.handle();
    assert_ne!(handle.firewall(200), Firewall::default());
    let reply = api.delete("/nodes/pve1/lxc/200").await;
    assert_eq!(api.finish(&reply).await, "OK");
    assert_eq!(handle.firewall(200), Firewall::default());
}

#[tokio::test]
async fn cluster_firewall_is_on_unless_it_is_turned_off() {
    let api = api().await;
    let path = "/cluster/firewall/options";
    assert_eq!(api.get(path).await.data()["enable"], 1);
    api.put(path, &[("enable", "0")]).await.data();
    assert_eq!(api.get(path).await.data()["enable"], 0);
    let node = api.get("/nodes/pve1/firewall/options").await.data();
    assert_eq!(node.get("enable"), None);
    api.sim.handle().set_node_firewall("pve1", false);
    let node = api.get("/nodes/pve1/firewall/options").await.data();
    assert_eq!(node["enable"], 0);
}
