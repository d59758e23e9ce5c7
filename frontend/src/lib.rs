//! The WebAssembly entry point: takes over the page that the server made.

use wasm_bindgen::prelude::wasm_bindgen;

/// Called by the document once the program has loaded.
#[wasm_bindgen]
pub fn hydrate() {
    leptos::mount::hydrate_body(app::App);
}
