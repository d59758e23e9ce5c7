//! The document's title: the server renders it into the head, the browser keeps it up to date.

use leptos::prelude::*;

/// The title of the current page, for the breadcrumbs, and its path. Only the browser knows it,
/// because the server renders the header before the page.
#[derive(Clone, Copy)]
pub struct PageTitle(RwSignal<Option<(String, String)>>);

impl PageTitle {
    /// Adds an unknown title to the context.
    pub fn provide() {
        provide_context(Self(RwSignal::new(None)));
    }

    /// The name of the object at `path` or at one of its tabs; tracked. `None` until its page is
    /// rendered.
    pub fn of_object(path: &str) -> Option<String> {
        let Self(current) = use_context()?;
        let object = |path: &str| {
            path.split('/')
                .take(3)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let (at, title) = current.get()?;
        (object(&at) == object(path)).then_some(title)
    }
}

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
    let current = use_context::<PageTitle>();
    Effect::new(move |_| {
        let text = text.get();
        document().set_title(&text);
        if let (Some(PageTitle(current)), Some(name)) = (current, text.strip_suffix(" · Holdfast"))
        {
            let path = window().location().pathname().unwrap_or_default();
            current.try_set(Some((path, name.to_owned())));
        }
    });
}
