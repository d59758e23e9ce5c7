//! Container templates: the appliance list, and downloads from a URL.
//!
//! Nothing is downloaded. Every URL succeeds unless its host is this machine or ends in `.invalid`.
//! The file always has the same size.

use serde_json::{Value, json};

use super::images::templates_storage;
use crate::access::auth::{AccessRequest, AccessRule};
use crate::cluster::state::{Kind, Volume};
use crate::error::{ApiError, Result};
use crate::routes::{ApiResponse, Call};
use crate::tasks::{self, Run};

/// The size in bytes of a file that is not in the appliance list.
const SIZE: u64 = 64 << 20;

/// File, operating system, version, package and size in MiB.
const APPLIANCES: [(&str, &str, &str, &str, u64); 6] = [
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

/// `GET /nodes/{node}/aplinfo`.
pub(crate) fn appliances(_: &Call) -> Result<ApiResponse> {
    let entry = |(file, system, version, package, _): (&str, &str, &str, &str, u64)| {
        json!({
            "template": file, "type": "lxc", "os": system, "version": version,
            "package": package, "section": "system", "architecture": "amd64",
            "headline": format!("{package} (standard)"),
            "description": format!("A small {system} system."),
            "infopage": format!("https://www.proxmox.com/{package}"),
            "location": format!("http://download.proxmox.com/images/system/{file}"),
            "maintainer": "Proxmox Support Team <support@proxmox.com>",
            "source": "http://download.proxmox.com/images",
            "sha512sum": format!("{:0>128}", version.len()),
        })
    };
    Ok(Value::from(APPLIANCES.map(entry).to_vec()).into())
}

/// `POST /nodes/{node}/aplinfo`. An existing template is not overwritten.
pub(crate) fn fetch_appliance(call: &Call) -> Result<ApiResponse> {
    let requested = call.params.text("template");
    let mut all = APPLIANCES.into_iter();
    let appliance = all.find(|(file, ..)| *file == requested);
    let (file, system, _, _, mib) =
        appliance.ok_or_else(|| ApiError::parameter("template", "no such template"))?;
    let storage = templates_storage(call, "vztmpl")?;
    let download = Download {
        storage: storage.name.clone(),
        name: format!("vztmpl/{file}"),
        size: mib << 20,
        kind: Kind::Template {
            ostype: system.to_owned(),
        },
        problem: None,
    };
    let spec = call.spec("download", file);
    Ok(tasks::start(&call.core, &spec, |run| work(run, download)).into())
}

struct Download {
    storage: String,
    name: String,
    size: u64,
    kind: Kind,
    problem: Option<String>,
}

async fn work(run: Run, download: Download) -> std::result::Result<(), String> {
    run.log(format!("downloading to storage '{}'", download.storage));
    run.pause(run.core.config.delays.pull).await?;
    if let Some(problem) = download.problem {
        return Err(format!("download failed: {problem}"));
    }
    let path = (run.node.as_str(), download.storage.as_str());
    let volume = Volume::new(path, &download.name, download.size, download.kind);
    run.core.edit(|state| {
        if state.volume(&run.node, &volume.id()).is_none() {
            state.volumes.push(volume);
        }
    });
    run.log("download finished");
    Ok(())
}

/// Checks that the caller may query URL metadata.
pub(crate) fn check_query(access: &AccessRequest) -> Result<()> {
    let both = ["Sys.Audit", "Sys.Modify"];
    let allowed_globally = both.iter().try_for_each(|name| {
        crate::access::auth::require_privilege(access.directory, access.caller, "/", &[name])
    });
    if allowed_globally.is_ok() {
        return Ok(());
    }
    access.check(AccessRule::Every("/nodes/{node}", &["Sys.AccessNetwork"]))
}

/// Checks that the caller may download a file to the storage.
pub(crate) fn check_download(access: &AccessRequest) -> Result<()> {
    let path = "/storage/{storage}";
    access.check(AccessRule::Every(path, &["Datastore.AllocateTemplate"]))?;
    check_query(access)
}

/// The host with port of a URL, and the last segment of its path.
fn parts(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    let host = rest.split('/').next().unwrap_or(rest);
    let file = rest.rsplit_once('/').map_or("", |(_, file)| file);
    (host, file)
}

/// The connection error for a URL whose host is unreachable.
fn connection_error(url: &str) -> Option<String> {
    let (host, _) = parts(url);
    let name = host.split(':').next().unwrap_or(host);
    let local = name.starts_with("127.") || name == "localhost";
    (local || name.ends_with(".invalid"))
        .then(|| format!("Can't connect to {host} (Connection refused)"))
}

/// The size of the file at a URL, in bytes.
fn size(url: &str) -> u64 {
    let (_, file) = parts(url);
    let appliance = APPLIANCES.iter().find(|(name, ..)| *name == file);
    appliance.map_or(SIZE, |(.., mib)| mib << 20)
}

/// `GET /nodes/{node}/query-url-metadata`.
pub(crate) fn metadata(call: &Call) -> Result<ApiResponse> {
    let url = call.params.text("url");
    if let Some(problem) = connection_error(url) {
        let message = format!("invalid server response: '500 {problem}'");
        return Err(ApiError::Failed(message));
    }
    let (_, file) = parts(url);
    let mime = if file.ends_with(".iso") {
        "application/x-iso9660-image"
    } else {
        "application/octet-stream"
    };
    Ok(json!({ "filename": file, "mimetype": mime, "size": size(url) }).into())
}

/// `POST …/download-url`. An existing file is rejected before the task starts.
pub(crate) fn download(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let (content, url) = (params.text("content"), params.text("url"));
    let file: String = params
        .text("filename")
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "._-".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let storage = templates_storage(call, content)?;
    let endings: &[&str] = match content {
        "vztmpl" => &[".tar", ".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2"],
        "iso" => &[".iso", ".img"],
        _ => &[".ova", ".ovf", ".qcow2", ".raw", ".vmdk"],
    };
    if !endings.iter().any(|ending| file.ends_with(ending)) {
        let message = "invalid filename or wrong extension";
        return Err(ApiError::parameter("filename", message));
    }
    let name = format!("{content}/{file}");
    let id = format!("{}:{name}", storage.name);
    if call
        .core
        .read(|state| state.volume(call.node(), &id).is_some())
    {
        let path = format!("{}/{file}", storage.folder(content));
        let message = format!("refusing to override existing file '{path}'");
        return Err(ApiError::Failed(message));
    }
    let download = Download {
        storage: storage.name.clone(),
        name,
        size: size(url),
        kind: if content == "vztmpl" {
            let system = file.split(['-', '_', '.']).next().unwrap_or_default();
            Kind::Template {
                ostype: system.to_owned(),
            }
        } else {
            Kind::File
        },
        problem: connection_error(url),
    };
    let spec = call.spec("download", &file);
    Ok(tasks::start(&call.core, &spec, |run| work(run, download)).into())
}
