//! The document around the application, as the server sends it.

use std::collections::HashMap;

#[cfg(feature = "ssr")]
use leptos::{nonce::use_nonce, prelude::*};
#[cfg(feature = "ssr")]
use leptos_meta::MetaTags;

#[cfg(feature = "ssr")]
use crate::{App, routes};

/// Addresses of the site's files, whose names hold a hash of their content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assets {
    /// The glue of the program.
    pub js: String,
    /// The program: what every page needs of it.
    pub wasm: String,
    /// What only some pages need of it, by the name of the page.
    pub parts: HashMap<String, Vec<String>>,
    /// The style sheet.
    pub css: String,
    /// The sprite of icons.
    pub icons: String,
    /// `theme.js`.
    pub theme: String,
    /// `events.js`.
    pub events: String,
    /// The script that reloads pages when the site was built again; in debug builds only.
    pub reload: Option<String>,
}

/// How far the server's changes had come before the page was made; `public/events.js` compares it
/// with where the event stream begins.
#[derive(Clone, Debug)]
pub struct Place(pub String);

/// The whole document. Everything that runs comes from files of ours or carries the answer's
/// nonce; there are no inline styles.
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
    // All that this page needs is asked for at once, not one after the other.
    let parts = routes::here()
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
