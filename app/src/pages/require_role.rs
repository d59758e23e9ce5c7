//! Authorization of pages that fetch no data. The server checks again when the page submits.

use leptos::prelude::*;
use model::{Error, session::CurrentUser};

use crate::{
    components::{live_resource::live_resource, page::object_skeleton},
    server_fns::{self, RequestError},
};

/// A page for administrators that fetches no data.
pub fn administrator_page(content: fn() -> AnyView) -> AnyView {
    live_resource(
        Signal::from(()),
        |()| require_administrator(),
        |_: &CurrentUser| Vec::new(),
        object_skeleton,
        move |_| content(),
    )
}

/// The signed-in user, who must be an administrator.
///
/// # Errors
/// `Unauthenticated` without a session, `Forbidden` for other roles.
pub async fn require_administrator() -> Result<CurrentUser, RequestError> {
    match server_fns::session::me().await? {
        None => Err(RequestError(Error::Unauthenticated)),
        Some(me) if me.role.is_administrator() => Ok(me),
        Some(_) => Err(RequestError(Error::forbidden(
            "Only administrators can do this.",
        ))),
    }
}
