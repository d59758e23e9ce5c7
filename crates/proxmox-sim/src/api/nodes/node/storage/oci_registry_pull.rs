//! `/nodes/{node}/storage/{storage}/oci-registry-pull`: pulling OCI images.

use super::{content_storage, with_storage};
use crate::access::auth::{AccessRequest, AccessRule};
use crate::call::{ApiResponse, Call};
use crate::cluster::oci;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::text;
use crate::tasks;
use crate::tasks::pull::{self, CACHE, Pull};

/// Pattern of an image reference. The tag is mandatory; digests are not allowed.
const REFERENCE: &str = r"(?:(?:[a-zA-Z\d]|[a-zA-Z\d][a-zA-Z\d-]*[a-zA-Z\d])(?:\.(?:[a-zA-Z\d]|[a-zA-Z\d][a-zA-Z\d-]*[a-zA-Z\d]))*(?::\d+)?/)?[a-z\d]+(?:(?:[._]|__|[-]*)[a-z\d]+)*(?:/[a-z\d]+(?:(?:[._]|__|[-]*)[a-z\d]+)*)*:\w[\w.-]{0,127}";

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let image = with_storage(vec![
        text("reference").pattern(REFERENCE).required(),
        text("filename").length(1, 255),
    ]);
    vec![
        Route::new(
            "POST",
            "/nodes/{node}/storage/{storage}/oci-registry-pull",
            image,
            pull_image,
        )
        .access_rule(AccessRule::Custom(check_pull)),
    ]
}

/// Checks that the caller may store templates on the storage and use the node's network access.
fn check_pull(access: &AccessRequest) -> Result<()> {
    access.check(AccessRule::Every(
        "/storage/{storage}",
        &["Datastore.AllocateTemplate"],
    ))?;
    access.check(AccessRule::Every("/nodes/{node}", &["Sys.AccessNetwork"]))
}

/// `POST …/oci-registry-pull`. An existing file is rejected before the task starts; an unknown
/// image makes the task fail.
fn pull_image(call: &Call) -> Result<ApiResponse> {
    let storage = content_storage(call, "vztmpl")?;
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
    Ok(tasks::start(&call.core, &spec, |run| pull::work(run, pull)).into())
}
