//! `/access/vncticket`.

use crate::access::auth::AccessRule;
use crate::call::{ApiResponse, Call};
use crate::clock::now;
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::{integer, named, text};

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let ticket = vec![
        text("authid").length(0, 64).required(),
        text("path").length(0, 64).required(),
        integer("port"),
        text("privs")
            .list(named::PRIVILEGE)
            .length(0, 64)
            .required(),
        text("vncticket").required(),
    ];
    vec![Route::new("POST", "/access/vncticket", ticket, check).access_rule(AccessRule::World)]
}

/// `POST /access/vncticket`: verifies a console ticket without authentication.
fn check(call: &Call) -> Result<ApiResponse> {
    let params = &call.params;
    let port = u16::try_from(params.number("port").unwrap_or_default()).unwrap_or_default();
    let subject = (params.text("authid"), params.text("path"), port);
    let valid = call
        .core
        .key
        .is_console(params.text("vncticket"), subject, now().as_secs());
    if valid {
        Ok(ApiResponse::null())
    } else {
        Err(ApiError::WrongPassword)
    }
}
