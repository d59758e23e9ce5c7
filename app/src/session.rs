//! Who is signed in, known before anything else of the page is made.
//!
//! No resource: what waits for an answer would be made in another order on the server than in the
//! browser, and both number the data of a page by that order.

use crate::solid::Solid as _;
use leptos::prelude::*;
use model::session::Me;

/// The answer to who is signed in.
#[derive(Clone)]
pub struct Session(Option<Me>);

impl Session {
    /// Makes the answer known to all parts of the page.
    pub fn provide() {
        let text = SharedValue::new_str(|| serde_json::to_string(&known()).unwrap_or_default());
        provide_context(Self(
            serde_json::from_slice(text.into_inner().as_bytes()).unwrap_or_default(),
        ));
    }

    /// Shows `view` for the person, nothing while nobody is signed in.
    pub fn signed_in(view: fn(Me) -> AnyView) -> AnyView {
        let Self(me) = expect_context();
        me.map_or_else(|| ().solid(), view)
    }

    /// Whether the person administers Holdfast. Ask while a component is made.
    pub fn administers() -> bool {
        let Self(me) = expect_context();
        me.is_some_and(|me| me.role.administers())
    }
}

/// What the server knows of who asks for the page; the browser gets it with the page.
#[cfg(feature = "ssr")]
fn known() -> Option<Me> {
    let request = use_context::<axum::http::request::Parts>()?;
    let actor = request.extensions.get::<Option<control::Actor>>()?;
    actor.as_ref()?.me().cloned()
}

/// What the browser knows by itself.
#[cfg(not(feature = "ssr"))]
fn known() -> Option<Me> {
    None
}
