//! Authorization of pages that fetch no data, or data that users with fewer permissions may read.
//! The server checks again when the page submits.

use leptos::prelude::*;
use model::{Error, permissions::RoleAction, session::CurrentUser};

use crate::{
    components::{live_resource::live_resource, page::object_skeleton},
    server_fns::{self, RequestError},
};

/// A page that fetches no data, for users whose role allows the action.
pub fn restricted_page<A: RoleAction>(content: fn() -> AnyView) -> AnyView {
    live_resource(
        Signal::from(()),
        |()| require_role::<A>(),
        |_: &CurrentUser| Vec::new(),
        object_skeleton,
        move |_| content(),
    )
}

/// The signed-in user, whose role must allow the action.
///
/// # Errors
/// `Unauthenticated` without a session, `Forbidden` for other roles.
pub async fn require_role<A: RoleAction>() -> Result<CurrentUser, RequestError> {
    match server_fns::session::me().await? {
        None => Err(RequestError(Error::Unauthenticated)),
        Some(me) if me.role.may::<A>() => Ok(me),
        Some(_) => Err(RequestError(Error::forbidden(A::RULE.refusal()))),
    }
}
