//! The document's title: the server renders it into the head, the browser keeps it up to date.

use leptos::prelude::*;

/// Sets the title while this view is mounted.
#[cfg(feature = "ssr")]
pub fn title(text: Signal<String>) {
    // The head is rendered after the page, whose signals may be disposed by then.
    let first = text.get_untracked();
    // Registers the title; the view itself is only used in browsers.
    let _ = view! { <leptos_meta::Title text=move || text.try_get().unwrap_or_else(|| first.clone()) /> };
}

/// Sets the title.
#[cfg(not(feature = "ssr"))]
pub fn title(text: Signal<String>) {
    Effect::new(move |_| document().set_title(&text.get()));
}
