//! The session.

use leptos::prelude::*;
use model::session::CurrentUser;

use super::RequestError;

/// The signed-in user, if any.
///
/// # Errors
/// If the server is unreachable.
#[server(prefix = "/api/ui", endpoint = "session/me", input = server_fn::codec::Json)]
pub async fn me() -> Result<Option<CurrentUser>, RequestError> {
    let actor = leptos_axum::extract::<axum::Extension<Option<control::Actor>>>().await;
    Ok(actor
        .ok()
        .and_then(|axum::Extension(actor)| actor?.me().cloned()))
}
