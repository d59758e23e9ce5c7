//! Users: the list, the form of a new user, and the page of a user. The tabs lead to invitations.

pub mod fields;
pub mod list;
pub mod new;
pub mod show;
pub mod usage;

use crate::pages::prelude::*;

/// The tabs above both lists; `current` is the index of the current tab.
pub fn tabs(current: usize) -> AnyView {
    let tabs = vec![
        ("Users", "/users".to_owned()),
        ("Invitations", "/invitations".to_owned()),
    ];
    view! { <Tabs label="Users and invitations" tabs=tabs current=Signal::stored(current) /> }
        .erase()
}
