//! The HTML document around the application, as the server sends it.

use std::collections::HashMap;

#[cfg(feature = "ssr")]
use leptos::{nonce::use_nonce, prelude::*};
#[cfg(feature = "ssr")]
use leptos_meta::MetaTags;

#[cfg(feature = "ssr")]
use crate::{App, routes};

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
pub struct Place(pub String);

/// The HTML document. All scripts are files of Holdfast or carry the response's CSP nonce; there
/// are no inline styles.
#[cfg(feature = "ssr")]
pub fn shell(assets: Assets) -> impl IntoView + 'static {
    provide_context(assets.clone());
    let Assets {
        js,
        wasm,
        parts,
        css,
        icons,
        theme,
        events,
        reload,
    } = assets;
    let start = format!(
        "import init,{{hydrate}} from {js:?};init({{module_or_path:{wasm:?}}}).then(()=>hydrate());"
    );
    let place = use_context::<Place>().map(|Place(place)| place);
    // Preloads all modules that this page needs at once, instead of one after another.
    let parts = routes::requested_module()
        .and_then(|page| parts.get(page).cloned())
        .unwrap_or_default()
        .into_iter()
        .map(|part| view! { <link rel="preload" href=part r#as="fetch" r#type="application/wasm" crossorigin="anonymous" /> })
        .collect_view();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-icons=icons data-place=place data-theme="system" data-rail="wide">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="stylesheet" href=css />
                <script src=theme></script>
                <link rel="modulepreload" href=js crossorigin="anonymous" />
                <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous" />
                {parts}
                <script src=events defer></script>
                {reload.map(|src| view! { <script src=src defer></script> })}
                <script type="module" nonce=use_nonce()>{start}</script>
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}
