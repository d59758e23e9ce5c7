//! The HTML document around the application, as the server sends it.

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::MetaTags;

use crate::{
    page_context::{Assets, EventPosition},
    routes::{self, App},
};

/// The HTML document. All scripts are files of Holdfast or carry the response's CSP nonce; there
/// are no inline styles.
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
    let position = use_context::<EventPosition>().map(|EventPosition(position)| position);
    // Preloads all modules that this page needs at once, instead of one after another.
    let parts = routes::requested_module()
        .and_then(|page| parts.get(page).cloned())
        .unwrap_or_default()
        .into_iter()
        .map(|part| view! { <link rel="preload" href=part r#as="fetch" r#type="application/wasm" crossorigin="anonymous" /> })
        .collect_view();
    view! {
        <!DOCTYPE html>
        <html lang="en" data-icons=icons data-event-position=position data-theme="system" data-rail="wide">
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
