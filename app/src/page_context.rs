//! What the server provides as context for each page and server function. It depends on no other
//! module, so that pages and the document around them can use it.

use std::collections::HashMap;

/// URLs of static files; their names contain a hash of their content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assets {
    /// The JavaScript bindings of the WebAssembly program.
    pub js: String,
    /// The main WebAssembly module, which every page needs.
    pub wasm: String,
    /// Additional WebAssembly modules, by the name of the page group that needs them.
    pub parts: HashMap<String, Vec<String>>,
    /// The style sheet.
    pub css: String,
    /// The icon sprite.
    pub icons: String,
    /// `theme.js`.
    pub theme: String,
    /// `events.js`.
    pub events: String,
    /// The script that reloads pages after a rebuild; in debug builds only.
    pub reload: Option<String>,
}

/// The position in the event stream when the page was rendered. `public/events.js` compares it with
/// the position at which the stream begins.
#[derive(Clone, Debug)]
pub struct EventPosition(pub String);

/// Makes the `Set-Cookie` headers of a new session.
#[cfg(feature = "ssr")]
#[derive(Clone)]
pub struct SessionCookies(pub MakeCookies);

/// The function of [`SessionCookies`].
#[cfg(feature = "ssr")]
pub type MakeCookies = std::sync::Arc<
    dyn Fn(&control::sessions::NewSession) -> Vec<axum::http::HeaderValue> + Send + Sync,
>;
