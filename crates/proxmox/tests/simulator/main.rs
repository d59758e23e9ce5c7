//! Tests the client against the simulated cluster, which shares no code with it.

#![cfg(test)]

mod access;
mod cluster;
mod config;
mod containers;
mod copies;
mod faults;
mod images;
mod tasks;

use std::time::Duration;

use proxmox::{
    Client, Connection, CreateLxc, Credentials, Endpoint, Error, Exit, Ipv4Config, LxcOptions, Net,
    Rootfs, Timeouts, Upid, Vmid,
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
    Client::new(Connection::new(Endpoint::new(sim.url()), token), timeouts).unwrap()
}

fn vmid(number: u32) -> Vmid {
    Vmid::try_from(number).unwrap()
}

fn debian(number: u32) -> CreateLxc {
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
async fn done(client: &Client, upid: Result<Upid, Error>) {
    assert_eq!(
        client
            .wait_task(&upid.unwrap(), LONG, |_| ())
            .await
            .unwrap(),
        Exit::Ok
    );
}

/// Creates a container on `pve1`.
async fn created(client: &Client, number: u32) -> Vmid {
    done(client, client.create_lxc("pve1", &debian(number)).await).await;
    vmid(number)
}

/// Polls until a value is returned.
async fn eventually<T, F: Future<Output = Option<T>>>(mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, asking)
        .await
        .expect("it did not come about in time")
}
