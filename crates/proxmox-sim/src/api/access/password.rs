//! `/access/password`.

use super::users::{check_own_or_modify, user_property};
use crate::access::auth::AccessRule;
use crate::call::{ApiResponse, Call};
use crate::error::{ApiError, Result};
use crate::route::Route;
use crate::schema::text;

/// The routes of this file.
pub(super) fn routes() -> Vec<Route> {
    let password = vec![
        user_property(),
        text("password").length(8, 64).required(),
        text("confirmation-password").length(5, 64),
    ];
    vec![
        Route::new("PUT", "/access/password", password, change)
            .access_rule(AccessRule::Custom(check_own_or_modify))
            .ticket_only(),
    ]
}

/// `PUT /access/password`.
fn change(call: &Call) -> Result<ApiResponse> {
    let user = call.params.text("userid");
    call.core.edit(|state| {
        let account = state.directory.users.get_mut(user);
        let account =
            account.ok_or_else(|| ApiError::Failed(format!("no such user ('{user}')")))?;
        account.password = Some(call.params.text("password").to_owned());
        Ok(ApiResponse::null())
    })
}
