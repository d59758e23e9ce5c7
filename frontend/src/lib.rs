//! The WebAssembly entry point: hydrates the page that the server rendered.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the document once the WebAssembly module is loaded.
#[wasm_bindgen]
pub async fn hydrate() {
    let path = leptos::prelude::window().location().pathname();
    app::preload(&path.unwrap_or_default()).await;
    leptos::mount::hydrate_body(app::App);
}
