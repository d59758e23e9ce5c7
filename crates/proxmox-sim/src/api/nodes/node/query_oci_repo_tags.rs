//! `/nodes/{node}/query-oci-repo-tags`.

use serde_json::Value;

use super::with_node;
use crate::call::{ApiResponse, Call};
use crate::cluster::oci;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::text;

/// Pattern of a repository name without a tag.
const REPOSITORY: &str = r"(?:(?:[a-zA-Z\d]|[a-zA-Z\d][a-zA-Z\d-]*[a-zA-Z\d])(?:\.(?:[a-zA-Z\d]|[a-zA-Z\d][a-zA-Z\d-]*[a-zA-Z\d]))*(?::\d+)?/)?[a-z\d]+(?:(?:[._]|__|[-]*)[a-z\d]+)*(?:/[a-z\d]+(?:(?:[._]|__|[-]*)[a-z\d]+)*)*";

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let repository = with_node(vec![text("reference").pattern(REPOSITORY).required()]);
    vec![
        Route::new("GET", "/nodes/{node}/query-oci-repo-tags", repository, tags)
            .every("/nodes/{node}", &["Sys.AccessNetwork"]),
    ]
}

/// `GET /nodes/{node}/query-oci-repo-tags`.
fn tags(call: &Call) -> Result<ApiResponse> {
    let repository = call.params.text("reference");
    let tags = oci::tags(&call.core.config.scenario.images, repository);
    if tags.is_empty() {
        return Err(ApiError::Failed(format!(
            "command 'skopeo list-tags docker://{repository}' failed: exit code 1"
        )));
    }
    Ok(Value::from(tags).into())
}
