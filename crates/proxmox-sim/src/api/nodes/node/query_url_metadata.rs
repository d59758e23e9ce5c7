//! `/nodes/{node}/query-url-metadata`.

use serde_json::json;

use super::with_node;
use crate::access::auth::{AccessRequest, AccessRule, require_privilege};
use crate::call::{ApiResponse, Call};
use crate::cluster::downloads;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{boolean, text};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let url = with_node(vec![
        text("url").pattern("https?://.*").required(),
        boolean("verify-certificates"),
    ]);
    vec![
        Route::new("GET", "/nodes/{node}/query-url-metadata", url, metadata)
            .access_rule(AccessRule::Custom(check_query)),
    ]
}

/// Checks that the caller may query URL metadata.
pub(crate) fn check_query(access: &AccessRequest) -> Result<()> {
    let both = ["Sys.Audit", "Sys.Modify"];
    let allowed_globally = both
        .iter()
        .try_for_each(|name| require_privilege(access.directory, access.caller, "/", &[name]));
    if allowed_globally.is_ok() {
        return Ok(());
    }
    access.check(AccessRule::Every("/nodes/{node}", &["Sys.AccessNetwork"]))
}

/// `GET /nodes/{node}/query-url-metadata`.
fn metadata(call: &Call) -> Result<ApiResponse> {
    let url = call.params.text("url");
    if let Some(problem) = downloads::connection_error(url) {
        let message = format!("invalid server response: '500 {problem}'");
        return Err(ApiError::Failed(message));
    }
    let (_, file) = downloads::split_url(url);
    let mime = if file.ends_with(".iso") {
        "application/x-iso9660-image"
    } else {
        "application/octet-stream"
    };
    Ok(json!({ "filename": file, "mimetype": mime, "size": downloads::size(url) }).into())
}
