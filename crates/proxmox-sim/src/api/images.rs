//! OCI images: pulling them to a storage and listing the tags of a repository.

use std::time::Duration;

use serde_json::Value;

use super::volumes;
use crate::access::auth::{AccessRequest, AccessRule};
use crate::cluster::oci;
use crate::cluster::storage::Storage;
use crate::config::ImageSpec;
use crate::error::{ApiError, Result};
use crate::routes::{ApiResponse, Call};
use crate::tasks::{self, Run};

/// Pattern of a repository name without a tag.
pub(crate) const REPOSITORY: &str = r"(?:(?:[a-zA-Z\d]|[a-zA-Z\d][a-zA-Z\d-]*[a-zA-Z\d])(?:\.(?:[a-zA-Z\d]|[a-zA-Z\d][a-zA-Z\d-]*[a-zA-Z\d]))*(?::\d+)?/)?[a-z\d]+(?:(?:[._]|__|[-]*)[a-z\d]+)*(?:/[a-z\d]+(?:(?:[._]|__|[-]*)[a-z\d]+)*)*";

/// Pattern of an image reference. The tag is mandatory; digests are not allowed.
pub(crate) const REFERENCE: &str = r"(?:(?:[a-zA-Z\d]|[a-zA-Z\d][a-zA-Z\d-]*[a-zA-Z\d])(?:\.(?:[a-zA-Z\d]|[a-zA-Z\d][a-zA-Z\d-]*[a-zA-Z\d]))*(?::\d+)?/)?[a-z\d]+(?:(?:[._]|__|[-]*)[a-z\d]+)*(?:/[a-z\d]+(?:(?:[._]|__|[-]*)[a-z\d]+)*)*:\w[\w.-]{0,127}";

/// The template directory of a directory storage.
const CACHE: &str = "/var/lib/vz/template/cache";

/// The number of progress lines of a pull.
const STEPS: u32 = 20;

/// `GET /nodes/{node}/query-oci-repo-tags`.
pub(crate) fn tags(call: &Call) -> Result<ApiResponse> {
    let repository = call.params.text("reference");
    let tags = oci::tags(&call.core.config.scenario.images, repository);
    if tags.is_empty() {
        return Err(ApiError::Failed(format!(
            "command 'skopeo list-tags docker://{repository}' failed: exit code 1"
        )));
    }
    Ok(Value::from(tags).into())
}

/// Checks that the caller may store templates on the storage and use the node's network access.
pub(crate) fn check_pull(access: &AccessRequest) -> Result<()> {
    access.check(AccessRule::Every(
        "/storage/{storage}",
        &["Datastore.AllocateTemplate"],
    ))?;
    access.check(AccessRule::Every("/nodes/{node}", &["Sys.AccessNetwork"]))
}

/// `POST …/oci-registry-pull`. An existing file is rejected before the task starts; an unknown
/// image makes the task fail.
pub(crate) fn pull(call: &Call) -> Result<ApiResponse> {
    let storage = templates_storage(call, "vztmpl")?;
    let reference = call.params.text("reference").trim_end().to_owned();
    let file = oci::file_name(&reference, call.params.get("filename"));
    let id = format!("{}:vztmpl/{file}", storage.name);
    if call
        .core
        .read(|state| state.volume(call.node(), &id).is_some())
    {
        return Err(ApiError::Failed(format!(
            "refusing to override existing file '{CACHE}/{file}'"
        )));
    }
    let spec = call.spec("ociregistrypull", &file);
    let pull = Pull {
        reference,
        storage: storage.name.clone(),
        file: file.clone(),
    };
    Ok(tasks::start(&call.core, &spec, |run| pull_work(run, pull)).into())
}

/// The storage in the URL, if it allows the content type.
pub(crate) fn templates_storage(call: &Call, content: &str) -> Result<Storage> {
    let name = call.params.text("storage");
    let storage = call
        .core
        .read(|state| volumes::usable(state, call.node(), name).cloned())?;
    if storage.supports(content) {
        return Ok(storage);
    }
    Err(ApiError::Failed(format!(
        "storage '{name}' is not configured for content-type '{content}'"
    )))
}

struct Pull {
    reference: String,
    storage: String,
    file: String,
}

async fn pull_work(run: Run, pull: Pull) -> std::result::Result<(), String> {
    let failed = format!(
        "command 'skopeo copy docker://{} oci-archive:{CACHE}/{}.tmp.{}' failed: exit code 1",
        pull.reference, pull.file, run.pid
    );
    let catalogue = &run.core.config.scenario.images;
    let Some(image) = oci::find(catalogue, &pull.reference).cloned() else {
        run.log(format!("Trying to pull {}...", pull.reference));
        run.log(registry_error(catalogue, &pull.reference));
        return Err(failed);
    };
    run.log("Getting image source signatures");
    copy_layers(&run, &image).await?;
    run.log(format!(
        "Copying config sha256:{}",
        digest(&image.reference, 99)
    ));
    run.log("Writing manifest to image destination");
    run.core
        .edit(|state| oci::store(state, &run.node, &pull.storage, &pull.file, image));
    Ok(())
}

/// The error of a registry for an unknown image, as skopeo prints it.
fn registry_error(catalogue: &[ImageSpec], reference: &str) -> String {
    let full = oci::full_reference(reference);
    let (repository, tag) = full.rsplit_once(':').unwrap_or((&full, "latest"));
    let error = if oci::tags(catalogue, repository).is_empty() {
        "errors: denied: requested access to the resource is denied, \
         unauthorized: authentication required"
    } else {
        "manifest unknown"
    };
    format!(
        "level=fatal msg=\"initializing source docker://{reference}: \
         reading manifest {tag} in {repository}: {error}\""
    )
}

/// Copies three layers, one after the other. A real node logs only the start of each layer. The
/// simulator also logs the progress in bytes, in the format that skopeo uses on a terminal.
async fn copy_layers(run: &Run, image: &ImageSpec) -> std::result::Result<(), String> {
    let step = run.core.config.delays.pull / STEPS;
    let steps: [u32; 3] = [STEPS / 2, STEPS * 3 / 10, STEPS / 5];
    for (layer, count) in (0u64..).zip(steps) {
        let name = digest(&image.reference, layer);
        let size = image.size * u64::from(count) / u64::from(STEPS);
        run.log(format!("Copying blob sha256:{name}"));
        copy_layer(run, &name, size, (count, step)).await?;
    }
    Ok(())
}

async fn copy_layer(
    run: &Run,
    name: &str,
    size: u64,
    (count, step): (u32, Duration),
) -> std::result::Result<(), String> {
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let short: String = name.chars().take(12).collect();
    for done in 1..=count {
        run.pause(step).await?;
        let copied = size * u64::from(done) / u64::from(count);
        let line = format!(
            "Copying blob {short} {:.1}MiB / {:.1}MiB",
            mib(copied),
            mib(size)
        );
        run.log(line);
    }
    Ok(())
}

/// A stable digest for a layer of an image.
fn digest(reference: &str, layer: u64) -> String {
    let mut sum = 0xcbf2_9ce4_8422_2325u64 ^ layer;
    let mut text = String::new();
    for round in 0..4u8 {
        for byte in reference.bytes().chain([round]) {
            sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        text.push_str(&format!("{sum:016x}"));
    }
    text
}
