//! Hostnames and email addresses in narrow columns.

use crate::erase::Erase as _;
use leptos::prelude::*;

/// A hostname or email address, which may wrap after a dot or an at sign.
pub fn host(name: &str) -> AnyView {
    name.split_inclusive(['.', '@'])
        .map(|part| view! { {part.to_owned()} <wbr /> }.erase())
        .collect::<Vec<_>>()
        .erase()
}
