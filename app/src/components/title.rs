//! The document's title: the server writes it into the head, the browser keeps it up to date.

use leptos::prelude::*;

/// Makes `text` the title while this part of the page is there.
#[cfg(feature = "ssr")]
pub fn title(text: Signal<String>) {
    // The head is written after the page, whose signals may be gone by then.
    let first = text.get_untracked();
    // It is known from now on; its view is for browsers.
    let _ = view! { <leptos_meta::Title text=move || text.try_get().unwrap_or_else(|| first.clone()) /> };
}

/// Makes `text` the title.
#[cfg(not(feature = "ssr"))]
pub fn title(text: Signal<String>) {
    Effect::new(move |_| document().set_title(&text.get()));
}
