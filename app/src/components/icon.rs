//! Icons from the sprite `public/icons.svg`.

use std::sync::OnceLock;

use crate::erase::Erase as _;
use leptos::prelude::*;

use crate::page_context::Assets;

/// An icon by its Lucide name. Always combine it with a text or a label.
pub fn icon(name: &'static str) -> impl IntoView {
    #[cfg(all(feature = "ssr", debug_assertions))]
    assert!(
        include_str!("../../../public/icons.svg").contains(&format!("id=\"{name}\"")),
        "public/icons.svg has no icon {name}"
    );
    view! {
        <svg class="icon" aria-hidden="true" focusable="false">
            <use href=format!("{}#{name}", sprite())></use>
        </svg>
    }
    .erase()
}

/// The URL of the sprite. The server takes it from its list of assets and passes it to the browser
/// in an attribute of the document.
fn sprite() -> String {
    static IN_BROWSER: OnceLock<String> = OnceLock::new();
    if let Some(icons) = with_context(|assets: &Assets| assets.icons.clone()) {
        return icons;
    }
    if cfg!(not(target_arch = "wasm32")) {
        return String::new();
    }
    let read = || document().document_element()?.get_attribute("data-icons");
    IN_BROWSER
        .get_or_init(|| read().unwrap_or_default())
        .clone()
}
