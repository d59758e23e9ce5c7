//! Hosts: the list, the form for a new host, and the page of one host with its files.

mod badges;
mod dhcp;
pub mod files;
mod join_token;
pub mod list;
pub mod new;
mod overview;
mod settings;
pub mod show;
mod unserved;

use crate::pages::prelude::*;

/// The tabs of a host's page.
const TABS: &[Tab<()>] = &[
    ((), "Overview", ""),
    ((), "Files", "files"),
    ((), "Settings", "settings"),
];

/// The links to the tabs of a host's page; `current` is the index of the current tab.
fn tabs(own: &str, current: Signal<usize>) -> AnyView {
    view! { <Tabs label="Host sections" tabs=tab_links(own, TABS) current=current /> }.erase()
}
