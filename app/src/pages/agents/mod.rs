//! Agents of edge hosts: the list, the invitation form, and the page of one agent with its files.

mod addresses;
pub mod files;
mod invitation;
pub mod list;
mod marks;
pub mod new;
pub mod show;
mod unserved;

use leptos::prelude::*;

use crate::{components::page::Tabs, erase::Erase as _};

/// The tabs of an agent's page; `present` is the index of the current tab.
fn tabs(own: &str, present: usize) -> AnyView {
    let tabs = vec![
        ("Overview", own.to_owned()),
        ("Files", format!("{own}/files")),
    ];
    view! { <Tabs label="Parts of this agent" tabs=tabs present=Signal::stored(present) /> }.erase()
}
