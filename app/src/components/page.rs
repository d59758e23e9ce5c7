//! Elements that pages share: header, tabs, pagination, empty states and loading skeletons.

use std::future::Future;

use crate::erase::{Erase as _, act, reactive};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use model::events::Event;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    icon::icon,
    live_resource::{LiveResource, live_resource},
    title::title as document_title,
    toast::Toasts,
};
use crate::server_fns::RequestError;

/// The page of the object that a parameter of the path names. Each object gets a new page, so that
/// no input is kept across objects.
pub fn object_page<T, F, Fut>(
    parameter: &'static str,
    fetch: F,
    interests: fn(&T) -> Vec<Event>,
    view: impl Fn(LiveResource<T>) -> AnyView + Clone + Send + Sync + 'static,
) -> AnyView
where
    T: Clone + Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Fn(String) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<T, RequestError>> + Send + 'static,
{
    let parameters = use_params_map();
    let key = Memo::new(move |_| {
        parameters.with(|all| all.get_str(parameter).unwrap_or_default().to_owned())
    });
    reactive(move || {
        live_resource(
            Signal::from(key.get()),
            fetch.clone(),
            interests,
            object_skeleton,
            view.clone(),
        )
    })
}

/// The header of a page: its title, which is also the document's title, and its actions.
#[component]
pub fn PageHead(
    #[prop(into)] title: Signal<String>,
    /// The content beside the title: a count or a state.
    #[prop(optional, into)]
    badges: ViewFn,
    /// The actions, the most important one first.
    #[prop(optional, into)]
    actions: ViewFn,
) -> impl IntoView {
    document_title(Signal::derive(move || {
        format!("{} · Holdfast", title.get())
    }));
    view! {
        <div class="page-head">
            <h1 class="page-title">{title}</h1>
            <div class="page-aside">{reactive(move || badges.run())}</div>
            <div class="actions">{actions.run()}</div>
        </div>
    }
    .erase()
}

/// The empty state of a list: an explanation and the first step.
pub fn empty(
    icon_name: &'static str,
    title: impl ToString,
    text: &'static str,
    action: AnyView,
) -> AnyView {
    let title = title.to_string();
    view! {
        <section class="empty">
            {icon(icon_name)} <h2>{title}</h2> <p class="muted">{text}</p> {action}
        </section>
    }
    .erase()
}

/// A link styled as the primary button.
pub fn main_link(href: &'static str, icon_name: &'static str, text: &'static str) -> AnyView {
    view! { <a class="btn btn-primary" href=href>{icon(icon_name)} {text}</a> }.erase()
}

/// The skeleton of a list, in the size of the loaded list.
pub fn list_skeleton() -> AnyView {
    let rows = (0..8)
        .map(|_| view! { <div class="skeleton skeleton-row"></div> }.erase())
        .collect::<Vec<_>>();
    view! {
        <div class="stack-tight" role="status" aria-busy="true" aria-label="Loading">
            <div class="skeleton skeleton-title"></div>
            {rows}
        </div>
    }
    .erase()
}

pub fn object_skeleton() -> AnyView {
    view! {
        <div class="stack" role="status" aria-busy="true" aria-label="Loading">
            <div class="skeleton skeleton-title"></div>
            <div class="skeleton skeleton-card"></div>
            <div class="skeleton skeleton-card"></div>
        </div>
    }
    .erase()
}

/// Tabs that are pages of their own.
#[component]
pub fn Tabs(
    /// The label for screen readers.
    label: &'static str,
    /// Labels and URLs.
    tabs: Vec<(&'static str, String)>,
    /// The index of the current tab.
    #[prop(into)]
    current: Signal<usize>,
) -> impl IntoView {
    let links = tabs
        .into_iter()
        .enumerate()
        .map(|(index, (label, href))| {
            let aria_current = Signal::derive(move || (current.get() == index).then_some("page"));
            view! { <a class="tab" href=href aria-current=aria_current>{label}</a> }.erase()
        })
        .collect::<Vec<_>>();
    view! { <nav class="tabs" aria-label=label>{links}</nav> }.erase()
}

/// The range of rows on the current page, with links to the other pages.
#[component]
pub fn Pager(
    /// The page number and the number of pages.
    #[prop(into)]
    position: Signal<(u32, u32)>,
    /// The URL of another page of the same list.
    href: Callback<u32, String>,
) -> impl IntoView {
    let link = move |page: u32, label: &'static str, icon_name: &'static str, is_enabled: bool| {
        if is_enabled {
            view! { <a class="btn btn-small" href=href.run(page)>{icon(icon_name)} {label}</a> }
                .erase()
        } else {
            view! { <span class="btn btn-small btn-disabled" aria-disabled="true">{icon(icon_name)} {label}</span> }
                .erase()
        }
    };

    reactive(move || {
        let (page, pages) = position.get();
        (pages > 1).then(|| {
            view! {
                <nav class="pager" aria-label="Pages">
                    {link(page.saturating_sub(1), "Previous", "chevron-left", page > 1)}
                    <span class="muted">{format!("Page {page} of {pages}")}</span>
                    {link(page.saturating_add(1), "Next", "chevron-right", page < pages)}
                </nav>
            }
            .erase()
        })
    })
}

/// The usage of a resource, with a text beside the bar.
pub fn usage_bar(label: &'static str, used: u64, total: u64, label_text: String) -> AnyView {
    let share = used
        .saturating_mul(100)
        .checked_div(total)
        .unwrap_or(0)
        .min(100);
    view! {
        <div class="usage">
            <span class="usage-label"><span>{label}</span> <span class="muted num">{label_text.clone()}</span></span>
            <progress class="bar" class:bar-high={share >= 90} max="100" value=share.to_string() aria-label=format!("{label}: {label_text}")></progress>
        </div>
    }
    .erase()
}

/// A button that copies text to the clipboard.
#[component]
pub fn Copy(
    #[prop(into)] text: Signal<String>,
    /// The kind of text, such as `address`.
    label: &'static str,
    /// Whether the text is not visible elsewhere on the page, because it is secret or long.
    #[prop(optional)]
    secret: bool,
) -> impl IntoView {
    let toasts = Toasts::here();
    let copy = move |_| {
        let text = text.get_untracked();
        leptos::task::spawn_local(async move {
            if crate::browser::copy(&text).await {
                let copied = if secret {
                    format!("the {label}.")
                } else {
                    text
                };
                toasts.notify(format!("Copied {copied}"));
            } else if secret {
                toasts.warn(format!(
                    "The browser blocked copying. Select the {label} and copy manually."
                ));
            } else {
                toasts.warn(format!(
                    "The browser blocked copying. The {label} is {text}"
                ));
            }
        });
    };
    view! {
        <button type="button" class="btn btn-quiet btn-icon" aria-label=format!("Copy {label}") title=format!("Copy {label}") on:click=act(copy)>
            {icon("copy")}
        </button>
    }
    .erase()
}
