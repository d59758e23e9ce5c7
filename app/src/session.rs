//! The signed-in user, known before anything else of the page is rendered.
//!
//! Not a `Resource`: resources are numbered by the order in which they are created, and a view that
//! waits for one would create the others in a different order on the server than in the browser.

use crate::erase::Erase as _;
use leptos::prelude::*;
use model::session::CurrentUser;

/// The signed-in user, if any.
#[derive(Clone)]
pub struct Session(Option<CurrentUser>);

impl Session {
    /// Adds the session to the context.
    pub fn provide() {
        let text =
            SharedValue::new_str(|| serde_json::to_string(&current_user()).unwrap_or_default());
        provide_context(Self(
            serde_json::from_slice(text.into_inner().as_bytes()).unwrap_or_default(),
        ));
    }

    /// Renders `view` for the signed-in user; nothing without a session.
    pub fn signed_in(view: fn(CurrentUser) -> AnyView) -> AnyView {
        let Self(me) = expect_context();
        me.map_or_else(|| ().erase(), view)
    }

    /// Whether the user is an operator or an administrator. Call while a component is created.
    pub fn is_operator() -> bool {
        let Self(me) = expect_context();
        me.is_some_and(|me| me.role.can_see_all())
    }

    /// Whether the user is an administrator. Call while a component is created.
    pub fn is_administrator() -> bool {
        let Self(me) = expect_context();
        me.is_some_and(|me| me.role.is_administrator())
    }
}

/// The user of the current request; sent to the browser with the page.
#[cfg(feature = "ssr")]
fn current_user() -> Option<CurrentUser> {
    let request = use_context::<axum::http::request::Parts>()?;
    let actor = request.extensions.get::<Option<control::Actor>>()?;
    actor.as_ref()?.me().cloned()
}

/// The user that the server sent with the page.
#[cfg(not(feature = "ssr"))]
fn current_user() -> Option<CurrentUser> {
    None
}
