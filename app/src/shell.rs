//! The document around the application, as the server sends it.

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::MetaTags;

use crate::App;

/// Addresses of the site's files, whose names hold a hash of their content.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assets {
    /// The glue of the program.
    pub js: String,
    /// The program.
    pub wasm: String,
    /// The style sheet.
    pub css: String,
    /// The sprite of icons.
    pub icons: String,
    /// `theme.js`.
    pub theme: String,
    /// `events.js`.
    pub events: String,
}

/// The whole document. Everything that runs comes from files of ours or carries the answer's
/// nonce; there are no inline styles.
pub fn shell(assets: Assets) -> impl IntoView + 'static {
    provide_context(assets.clone());
    let Assets {
        js,
        wasm,
        css,
        icons,
        theme,
        events,
    } = assets;
    let start = format!(
        "import init,{{hydrate}} from {js:?};init({{module_or_path:{wasm:?}}}).then(()=>hydrate());"
    );
    view! {
        <!DOCTYPE html>
        <html lang="en" data-icons=icons data-theme="system" data-rail="wide">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="stylesheet" href=css />
                <script src=theme></script>
                <link rel="modulepreload" href=js crossorigin="anonymous" />
                <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="anonymous" />
                <script src=events defer></script>
                <script type="module" nonce=use_nonce()>{start}</script>
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}
