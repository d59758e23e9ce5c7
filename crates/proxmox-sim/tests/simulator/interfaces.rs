//! IP addresses of containers, and bridges of nodes.

use std::time::Duration;

use crate::support::{api, api_with, assert_has};
use proxmox_sim::Config;
use serde_json::{Value, json};

const INTERFACES: &str = "/nodes/pve1/lxc/200/interfaces";
const FIXED: &str = "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:0A,ip=10.20.0.30/16,gw=10.20.0.1";

fn has_inet(all: &Value) -> bool {
    all[1].get("inet").is_some()
}

#[tokio::test]
async fn interfaces_of_stopped_or_missing_container_are_null() {
    let api = api().await;
    assert_eq!(api.get(INTERFACES).await.data(), Value::Null);
    api.created(200, &[]).await;
    assert_eq!(api.get(INTERFACES).await.data(), Value::Null);
}

#[tokio::test]
async fn container_has_only_link_local_address_right_after_start() {
    let mut config = Config::test();
    config.address_delay = Duration::from_secs(3600);
    let api = api_with(config).await;
    api.running(200, &[("net0", FIXED)]).await;
    let early = api.get(INTERFACES).await.data();
    assert_has(&early[0], json!({ "name": "lo", "inet": "127.0.0.1/8" }));
    assert_has(
        &early[1],
        json!({
            "name": "eth0", "hwaddr": "bc:24:11:00:00:0a",
            "hardware-address": "bc:24:11:00:00:0a", "inet6": "fe80::be24:11ff:fe00:a/64",
        }),
    );
    assert_eq!(early[1].get("inet"), None);
}

#[tokio::test]
async fn fixed_address_appears_after_delay() {
    let api = api().await;
    api.running(200, &[("net0", FIXED)]).await;
    let later = api.until(INTERFACES, has_inet).await;
    assert_eq!(later[1]["inet"], "10.20.0.30/16");
    assert_eq!(
        later[1]["ip-addresses"][0],
        json!({ "ip-address": "10.20.0.30", "ip-address-type": "inet", "prefix": 16 })
    );
}

#[tokio::test]
async fn dhcp_leases_unique_addresses() {
    let api = api().await;
    api.running(200, &[]).await;
    api.running(201, &[]).await;
    let first = api.until(INTERFACES, has_inet).await[1]["inet"].clone();
    let second = api.until("/nodes/pve1/lxc/201/interfaces", has_inet).await[1]["inet"].clone();
    assert_eq!(first, "10.20.1.0/16");
    assert_eq!(second, "10.20.1.1/16");
    let lease = api.sim.handle().container(200).unwrap().leases["net0"];
    assert_eq!(lease, std::net::Ipv4Addr::new(10, 20, 1, 0));
    // The lease survives a reboot.
    let reboot = api.post("/nodes/pve1/lxc/200/status/reboot", &[]).await;
    assert_eq!(api.finish(&reboot).await, "OK");
    assert_eq!(api.until(INTERFACES, has_inet).await[1]["inet"], first);
}

#[tokio::test]
async fn manual_interface_has_only_link_local_address() {
    let api = api().await;
    api.running(200, &[("net0", "name=eth0,bridge=vmbr0,ip=manual")])
        .await;
    let all = api.get(INTERFACES).await.data();
    assert_eq!(all[1]["ip-addresses"].as_array().unwrap().len(), 1);
    assert_eq!(all[1]["ip-addresses"][0]["ip-address-type"], "inet6");
}

#[tokio::test]
async fn bridges_are_listed() {
    let api = api().await;
    let all = api.get("/nodes/pve1/network?type=any_bridge").await.data();
    assert_eq!(all.as_array().unwrap().len(), 1);
    assert_has(
        &all[0],
        json!({ "iface": "vmbr0", "type": "bridge", "cidr": "10.20.0.1/16" }),
    );
    assert_eq!(
        api.get("/nodes/pve1/network")
            .await
            .data()
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let problem = api
        .get("/nodes/pve1/network?type=foo")
        .await
        .problem("type");
    assert!(problem.starts_with("value 'foo' does not have a value in the enumeration 'bridge,"));
}
