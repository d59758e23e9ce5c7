//! Hostnames in narrow columns.

use crate::erase::Erase as _;
use leptos::prelude::*;

/// A hostname that may wrap after a dot.
pub fn host(name: &str) -> AnyView {
    name.split_inclusive('.')
        .map(|part| view! { {part.to_owned()} <wbr /> }.erase())
        .collect::<Vec<_>>()
        .erase()
}
