//! Tests the client against the simulated cluster, which shares no code with it.

#![cfg(test)]
#![allow(
    clippy::disallowed_methods,
    reason = "these guests belong to the tests"
)]

mod access;
mod cluster;
mod config;
mod containers;
mod faults;
mod images;
mod snapshots_and_clones;
mod tasks;

use std::time::Duration;

use proxmox::{
    Client, ClientConfig, CreateLxc, Credentials, Endpoint, Error, Ipv4Config, LxcOptions, Net,
    Rootfs, TaskExit, Timeouts, Upid, Vmid,
};
use proxmox_sim::{Config, Sim, TEST_SECRET};

/// Longer than any operation of these tests; reached only on failure.
const LONG: Duration = Duration::from_secs(30);

const DEBIAN: &str = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst";

async fn start() -> (Sim, Client) {
    start_with(Config::test()).await
}

async fn start_with(config: Config) -> (Sim, Client) {
    let sim = proxmox_sim::start(config).await.unwrap();
    let client = client(&sim, TEST_SECRET, Timeouts::default());
    (sim, client)
}

fn client(sim: &Sim, secret: &str, timeouts: Timeouts) -> Client {
    let token = Credentials::Token {
        id: "root@pam!holdfast".to_owned(),
        secret: secret.into(),
    };
    Client::new(ClientConfig::new(Endpoint::new(sim.url()), token), timeouts).unwrap()
}

fn vmid(number: u32) -> Vmid {
    Vmid::try_from(number).unwrap()
}

fn debian_container(number: u32) -> CreateLxc {
    let rootfs = Rootfs {
        storage: "local-lvm".to_owned(),
        size_gib: 4,
    };
    let net0 = Net {
        ip: Some(Ipv4Config::Dhcp),
        ..Net::new("eth0", "vmbr0")
    };
    let options = LxcOptions {
        hostname: Some(format!("ct{number}")),
        cores: Some(2),
        memory_mib: Some(256),
        net0: Some(net0),
        tags: Some(vec!["web".to_owned(), "holdfast".to_owned()]),
        ..LxcOptions::default()
    };
    CreateLxc {
        options,
        ..CreateLxc::new(vmid(number), DEBIAN, rootfs)
    }
}

/// Waits for a task that must succeed.
async fn expect_success(client: &Client, upid: Result<Upid, Error>) {
    assert_eq!(
        client
            .wait_task(&upid.unwrap(), LONG, |_| ())
            .await
            .unwrap(),
        TaskExit::Ok
    );
}

/// Creates a container on `pve1`.
async fn create_container(client: &Client, number: u32) -> Vmid {
    expect_success(
        client,
        client.create_lxc("pve1", &debian_container(number)).await,
    )
    .await;
    vmid(number)
}

/// Polls until a value is returned.
async fn eventually<T, F: Future<Output = Option<T>>>(mut poll: impl FnMut() -> F) -> T {
    let polling = async {
        loop {
            if let Some(value) = poll().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, polling)
        .await
        .expect("condition not met in time")
}
