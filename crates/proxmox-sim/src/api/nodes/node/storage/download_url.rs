//! `/nodes/{node}/storage/{storage}/download-url`.

use super::{content_storage, with_storage};
use crate::access::auth::{AccessRequest, AccessRule};
use crate::api::nodes::node::query_url_metadata::check_query;
use crate::call::{ApiResponse, Call};
use crate::cluster::downloads;
use crate::cluster::state::Kind;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{boolean, choice, named, text};
use crate::tasks;
use crate::tasks::download::{self, Download};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let sums = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];
    let file = with_storage(vec![
        text("checksum").requires("checksum-algorithm"),
        choice("checksum-algorithm", &sums).requires("checksum"),
        text("compression"),
        choice("content", &["iso", "vztmpl", "import"])
            .format(named::CONTENT)
            .required(),
        text("filename").length(0, 255).required(),
        text("url").pattern("https?://.*").required(),
        boolean("verify-certificates"),
    ]);
    vec![
        Route::new(
            "POST",
            "/nodes/{node}/storage/{storage}/download-url",
            file,
            download_file,
        )
        .access_rule(AccessRule::Custom(check_download)),
    ]
}

/// Checks that the caller may download a file to the storage.
fn check_download(access: &AccessRequest) -> Result<()> {
    let path = "/storage/{storage}";
    access.check(AccessRule::Every(path, &["Datastore.AllocateTemplate"]))?;
    check_query(access)
}

/// `POST …/download-url`. An existing file is rejected before the task starts.
fn download_file(call: &Call) -> Result<ApiResponse> {
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
    let storage = content_storage(call, content)?;
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
        size: downloads::size(url),
        kind: if content == "vztmpl" {
            let system = file.split(['-', '_', '.']).next().unwrap_or_default();
            Kind::Template {
                ostype: system.to_owned(),
            }
        } else {
            Kind::File
        },
        problem: downloads::connection_error(url),
    };
    let spec = call.spec("download", &file);
    Ok(tasks::start(&call.core, &spec, |run| download::work(run, download)).into())
}
