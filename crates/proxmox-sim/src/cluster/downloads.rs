//! Files that can be downloaded: the appliance list, and files at URLs.
//!
//! Nothing is downloaded. Every URL succeeds unless its host is this machine or ends in `.invalid`.
//! A file that is not in the appliance list always has the same size.

/// The size in bytes of a file that is not in the appliance list.
const SIZE: u64 = 64 << 20;

/// File, operating system, version, package and size in MiB.
pub(crate) const APPLIANCES: [(&str, &str, &str, &str, u64); 6] = [
    (
        "alpine-3.22-default_20250617_amd64.tar.xz",
        "alpine",
        "20250617",
        "alpine-3.22-default",
        3,
    ),
    (
        "archlinux-base_20250901-1_amd64.tar.zst",
        "archlinux",
        "20250901-1",
        "archlinux-base",
        170,
    ),
    (
        "debian-12-standard_12.12-1_amd64.tar.zst",
        "debian",
        "12.12-1",
        "debian-12-standard",
        121,
    ),
    (
        "debian-13-standard_13.1-2_amd64.tar.zst",
        "debian",
        "13.1-2",
        "debian-13-standard",
        124,
    ),
    (
        "fedora-42-default_20250428_amd64.tar.xz",
        "fedora",
        "20250428",
        "fedora-42-default",
        79,
    ),
    (
        "ubuntu-24.04-standard_24.04-2_amd64.tar.zst",
        "ubuntu",
        "24.04-2",
        "ubuntu-24.04-standard",
        135,
    ),
];

/// The host with port of a URL, and the last segment of its path.
pub(crate) fn split_url(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let host = rest.split('/').next().unwrap_or(rest);
    let file = rest.rsplit_once('/').map_or("", |(_, file)| file);
    (host, file)
}

/// The connection error for a URL whose host is unreachable.
pub(crate) fn connection_error(url: &str) -> Option<String> {
    let (host, _) = split_url(url);
    let name = host.split(':').next().unwrap_or(host);
    let local = name.starts_with("127.") || name == "localhost";
    (local || name.ends_with(".invalid"))
        .then(|| format!("Can't connect to {host} (Connection refused)"))
}

/// The size of the file at a URL, in bytes.
pub(crate) fn size(url: &str) -> u64 {
    let (_, file) = split_url(url);
    let appliance = APPLIANCES.iter().find(|(name, ..)| *name == file);
    appliance.map_or(SIZE, |(.., mib)| mib << 20)
}
