//! Hosts: the list, the form for a new host, and the page of one host with its files.

mod badges;
mod dhcp;
pub mod files;
mod join_token;
pub mod list;
pub mod new;
pub mod show;
mod unserved;

use leptos::prelude::*;

use crate::{components::page::Tabs, erase::Erase as _};

/// The tabs of a host's page; `present` is the index of the current tab.
fn tabs(own: &str, present: usize) -> AnyView {
    let tabs = vec![
        ("Overview", own.to_owned()),
        ("Files", format!("{own}/files")),
    ];
    view! { <Tabs label="Parts of this host" tabs=tabs present=Signal::stored(present) /> }.erase()
}
