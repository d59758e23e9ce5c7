//! A menu below a button. It uses the browser's popover, which opens without WebAssembly, closes on
//! Escape or a click elsewhere, and is above all other content.

use crate::erase::{Erase as _, act};
use leptos::prelude::*;

use super::icon::icon;

/// A button with three dots and the menu of actions below it.
#[component]
pub fn Menu(
    /// The id; unique on the page.
    #[prop(into)]
    id: String,
    /// The label for screen readers, such as `Actions for web-1`.
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
    .erase()
}

/// An action in a menu.
#[component]
pub fn MenuItem(
    /// The icon.
    icon_name: &'static str,
    /// The label, such as `Stop`.
    label: &'static str,
    /// Whether the action is disabled.
    #[prop(optional, into)]
    disabled: Signal<bool>,
    /// Whether the action is destructive.
    #[prop(optional)]
    danger: bool,
    /// Runs the action.
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
            {icon(icon_name)}
            {label}
        </button>
    }
    .erase()
}
