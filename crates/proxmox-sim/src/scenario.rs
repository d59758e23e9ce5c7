//! The scenarios that can be simulated. Data only.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::config::{
    Bridge, ContainerSpec, ImageSpec, NodeSpec, Scenario, StorageKind, StorageSpec, TemplateSpec,
    TokenSpec, UserSpec,
};

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

impl Scenario {
    /// A single node with one storage for all content types and one running container.
    pub(crate) fn recorded(root_password: &str) -> Self {
        Self {
            cluster: "pve1".into(),
            nodes: vec![node("pve1", [10, 99, 0, 1], 2, 24 * GIB, 252 * GIB, 4_300)],
            storages: vec![StorageSpec {
                name: "local".into(),
                kind: StorageKind::Directory,
                content: vec!["backup", "snippets", "iso", "images", "vztmpl", "rootdir"],
                total: 252 * GIB,
                base_used: 29 * GIB,
            }],
            bridges: vec![Bridge {
                name: "vmbr0".into(),
                address: Ipv4Addr::new(10, 99, 0, 1),
                prefix: 24,
            }],
            templates: vec![TemplateSpec {
                file: "debian-12-standard_12.7-1_amd64.tar.gz".into(),
                ostype: "debian".into(),
                size: MIB,
            }],
            images: images(),
            containers: vec![ContainerSpec {
                vmid: 100,
                node: "pve1".into(),
                hostname: "ct100".into(),
                cores: 2,
                memory: 256,
                disk: 4,
                net0: "name=eth0,bridge=vmbr0,gw=10.99.0.1,ip=10.99.0.100/24".into(),
                running: true,
            }],
            tokens: Vec::new(),
            firewall: false,
            users: vec![UserSpec {
                id: "root@pam".into(),
                password: root_password.into(),
            }],
        }
    }

    /// Two nodes with existing containers and a root password, without an API token.
    pub(crate) fn standalone(root_password: &str) -> Self {
        Self {
            containers: existing_containers(),
            tokens: Vec::new(),
            users: vec![UserSpec {
                id: "root@pam".into(),
                password: root_password.into(),
            }],
            ..Self::two_nodes("")
        }
    }

    /// Two nodes with the networks of two sites, containers that are not managed yet, and an API
    /// token.
    pub(crate) fn organization(secret: &str) -> Self {
        let cluster = Self::two_nodes(secret);
        let office = Bridge {
            name: "vmbr1".into(),
            address: Ipv4Addr::new(10, 30, 0, 1),
            prefix: 16,
        };
        Self {
            bridges: cluster.bridges.into_iter().chain([office]).collect(),
            containers: unmanaged_containers(),
            ..cluster
        }
    }

    /// Two nodes without containers, and an API token.
    pub(crate) fn two_nodes(secret: &str) -> Self {
        Self {
            cluster: "holdfast".into(),
            nodes: vec![
                node(
                    "pve1",
                    [10, 20, 0, 2],
                    16,
                    64 * GIB,
                    96 * GIB,
                    23 * 86_400 + 7_512,
                ),
                node(
                    "pve2",
                    [10, 20, 0, 3],
                    8,
                    32 * GIB,
                    64 * GIB,
                    9 * 86_400 + 40_271,
                ),
            ],
            storages: vec![
                StorageSpec {
                    name: "local".into(),
                    kind: StorageKind::Directory,
                    content: vec!["vztmpl", "iso", "backup"],
                    total: 96 * GIB,
                    base_used: 7 * GIB,
                },
                StorageSpec {
                    name: "local-lvm".into(),
                    kind: StorageKind::LvmThin,
                    content: vec!["rootdir", "images"],
                    total: 800 * GIB,
                    base_used: 0,
                },
            ],
            bridges: vec![Bridge {
                name: "vmbr0".into(),
                address: Ipv4Addr::new(10, 20, 0, 1),
                prefix: 16,
            }],
            templates: templates(),
            images: images(),
            containers: Vec::new(),
            tokens: vec![TokenSpec {
                id: "root@pam!holdfast".into(),
                secret: secret.into(),
            }],
            users: Vec::new(),
            firewall: true,
        }
    }
}

/// Containers of a cluster without Holdfast: fixed and DHCP addresses on both nodes, one stopped.
fn existing_containers() -> Vec<ContainerSpec> {
    containers([
        (100, "pve1", "intranet", Some(21), true),
        (101, "pve1", "mail-relay", None, true),
        (102, "pve2", "monitoring", Some(22), true),
        (103, "pve2", "build-runner", None, false),
    ])
}

/// Containers of an organization that are not managed yet.
fn unmanaged_containers() -> Vec<ContainerSpec> {
    containers([
        (100, "pve1", "mail-relay", Some(21), true),
        (101, "pve2", "backup-server", Some(22), true),
        (102, "pve1", "vpn-gateway", None, true),
    ])
}

/// VMID, node, hostname, last octet of a fixed address in the network of `vmbr0`, and whether it is
/// running.
type ContainerLine = (u32, &'static str, &'static str, Option<u8>, bool);

fn containers<const N: usize>(lines: [ContainerLine; N]) -> Vec<ContainerSpec> {
    let address = |fixed: Option<u8>| match fixed {
        Some(number) => format!(",ip=10.20.0.{number}/16,gw=10.20.0.1"),
        None => ",ip=dhcp".to_owned(),
    };
    let lines = lines.into_iter();
    lines
        .map(|(vmid, node, hostname, fixed, running)| ContainerSpec {
            vmid,
            node: node.into(),
            hostname: hostname.into(),
            cores: 2,
            memory: 1024,
            disk: 8,
            net0: format!(
                "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:0A:00:{vmid:02X},type=veth{}",
                address(fixed)
            ),
            running,
        })
        .collect()
}

fn node(name: &str, ip: [u8; 4], cpus: u32, memory: u64, disk: u64, uptime: u64) -> NodeSpec {
    NodeSpec {
        name: name.into(),
        address: ip.into(),
        cpus,
        memory,
        disk,
        uptime: Duration::from_secs(uptime),
    }
}

fn templates() -> Vec<TemplateSpec> {
    [
        (
            "debian-12-standard_12.12-1_amd64.tar.zst",
            "debian",
            121 * MIB,
        ),
        (
            "debian-13-standard_13.1-2_amd64.tar.zst",
            "debian",
            124 * MIB,
        ),
        (
            "ubuntu-24.04-standard_24.04-2_amd64.tar.zst",
            "ubuntu",
            135 * MIB,
        ),
        (
            "alpine-3.22-default_20250617_amd64.tar.zst",
            "alpine",
            3 * MIB,
        ),
    ]
    .into_iter()
    .map(|(file, ostype, size)| TemplateSpec {
        file: file.into(),
        ostype: ostype.into(),
        size,
    })
    .collect()
}

const PATH: (&str, &str) = (
    "PATH",
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
);

fn images() -> Vec<ImageSpec> {
    let mut all = base_images();
    all.extend(service_images());
    all
}

/// Base images: web server, databases, languages.
fn base_images() -> Vec<ImageSpec> {
    let nginx = "/docker-entrypoint.sh nginx -g 'daemon off;'";
    let postgres = "docker-entrypoint.sh postgres";
    let redis = "docker-entrypoint.sh redis-server";
    vec![
        image(
            "docker.io/library/nginx:1.27",
            nginx,
            &[("NGINX_VERSION", "1.27.5")],
            67,
        ),
        image(
            "docker.io/library/nginx:1.28",
            nginx,
            &[("NGINX_VERSION", "1.28.0")],
            68,
        ),
        image(
            "docker.io/library/nginx:latest",
            nginx,
            &[("NGINX_VERSION", "1.29.2")],
            69,
        ),
        image(
            "docker.io/library/postgres:16",
            postgres,
            &[("PG_MAJOR", "16")],
            151,
        ),
        image(
            "docker.io/library/postgres:17",
            postgres,
            &[("PG_MAJOR", "17")],
            153,
        ),
        image(
            "docker.io/library/redis:7",
            redis,
            &[("REDIS_VERSION", "7.4.6")],
            45,
        ),
        image("docker.io/library/debian:13", "bash", &[], 47),
        image(
            "docker.io/library/node:22",
            "docker-entrypoint.sh node",
            &[("NODE_VERSION", "22.21.1")],
            386,
        ),
        image(
            "docker.io/library/python:3.13",
            "python3",
            &[("PYTHON_VERSION", "3.13.9")],
            373,
        ),
    ]
}

/// Application images.
fn service_images() -> Vec<ImageSpec> {
    vec![
        image(
            "ghcr.io/example/app:v1",
            "/app/serve --port 8080",
            &[("APP_MODE", "release")],
            31,
        ),
        image(
            "ghcr.io/example/shop:2.3",
            "/app/shop --port 8080",
            &[("SHOP_ENV", "production")],
            84,
        ),
        image(
            "docker.io/library/mediawiki:1.44",
            "docker-php-entrypoint apache2-foreground",
            &[("MEDIAWIKI_VERSION", "1.44.2")],
            322,
        ),
        image(
            "docker.io/gitea/gitea:1.24",
            "/usr/bin/entrypoint /usr/bin/s6-svscan /etc/s6",
            &[("GITEA_CUSTOM", "/data/gitea")],
            74,
        ),
        image(
            "docker.io/mattermost/mattermost-team-edition:10.11",
            "/entrypoint.sh mattermost",
            &[("MM_SERVICESETTINGS_ENABLELOCALMODE", "true")],
            259,
        ),
        image(
            "docker.io/grafana/grafana:12.2",
            "/run.sh",
            &[("GF_PATHS_DATA", "/var/lib/grafana")],
            201,
        ),
        image(
            "docker.io/library/nextcloud:31",
            "/entrypoint.sh apache2-foreground",
            &[("NEXTCLOUD_VERSION", "31.0.9")],
            447,
        ),
    ]
}

fn image(reference: &str, entrypoint: &str, env: &[(&str, &str)], mib: u64) -> ImageSpec {
    ImageSpec {
        reference: reference.into(),
        entrypoint: entrypoint.into(),
        env: std::iter::once(&PATH)
            .chain(env)
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect(),
        ostype: "debian".into(),
        size: mib * MIB,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organization_has_two_networks_and_containers_in_the_first() {
        let organization = Scenario::organization("secret");
        let bridges = organization.bridges.iter();
        let bridges: Vec<&str> = bridges.map(|bridge| bridge.name.as_str()).collect();
        assert_eq!(bridges, ["vmbr0", "vmbr1"]);
        let containers = organization.containers.iter();
        let names: Vec<&str> = containers.map(|spec| spec.hostname.as_str()).collect();
        assert_eq!(names, ["mail-relay", "backup-server", "vpn-gateway"]);
        assert!(
            organization.containers[0]
                .net0
                .ends_with("ip=10.20.0.21/16,gw=10.20.0.1")
        );
    }

    #[test]
    fn only_standalone_scenario_has_existing_containers() {
        assert!(Scenario::two_nodes("").containers.is_empty());
        let scenario = Scenario::standalone("secret");
        let count = |matches: fn(&&ContainerSpec) -> bool| {
            scenario.containers.iter().filter(matches).count()
        };
        assert_eq!(count(|spec| !spec.running), 1);
        assert_eq!(count(|spec| spec.net0.ends_with("ip=dhcp")), 2);
        assert_eq!(count(|spec| spec.node == "pve2"), 2);
        assert!(scenario.tokens.is_empty());
        assert_eq!(scenario.users.len(), 1);
    }
}
