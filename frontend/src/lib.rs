//! The WebAssembly entry point: takes over the page that the server made.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the document once the program has loaded.
#[wasm_bindgen]
pub async fn hydrate() {
    let here = leptos::prelude::window().location().pathname();
    app::preload(&here.unwrap_or_default()).await;
    leptos::mount::hydrate_body(app::App);
}
