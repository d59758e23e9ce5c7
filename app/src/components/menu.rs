//! A small menu under a button: the browser's own popover, so that it opens without the program,
//! closes on Escape or a press elsewhere, and lies above everything.

use crate::solid::{Solid as _, act};
use leptos::prelude::*;

use super::icon::icon;

/// A button with three dots and the actions under it.
#[component]
pub fn Menu(
    /// Unique on the page.
    #[prop(into)]
    id: String,
    /// What the menu is about, for screen readers, such as `Actions for web-1`.
    #[prop(into)]
    label: String,
    /// Buttons and links with the class `menu-item`; see [`MenuItem`].
    children: Children,
) -> impl IntoView {
    let close = id.clone();
    view! {
        <button class="btn btn-quiet btn-icon" type="button" popovertarget=id.clone() aria-label=label>
            {icon("ellipsis")}
        </button>
        <div
            class="menu"
            id=id
            popover="auto"
            on:click=act(move |_| crate::browser::close_popover(&close))
        >
            {children()}
        </div>
    }
    .solid()
}

/// An action in a menu.
#[component]
pub fn MenuItem(
    /// Its icon.
    shape: &'static str,
    /// What it does, such as `Stop`.
    label: &'static str,
    /// Whether it cannot be done now.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// Whether it loses something.
    #[prop(optional)]
    danger: bool,
    /// Does it.
    run: Callback<()>,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="menu-item"
            class:menu-danger=danger
            disabled=disabled
            on:click=act(move |_| run.run(()))
        >
            {icon(shape)}
            {label}
        </button>
    }
    .solid()
}
