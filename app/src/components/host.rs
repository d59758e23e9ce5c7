//! Names of hosts where there is little room.

use crate::solid::Solid as _;
use leptos::prelude::*;

/// A host's name, which is broken after a dot where it has to be broken.
pub fn host(name: &str) -> AnyView {
    name.split_inclusive('.')
        .map(|part| view! { {part.to_owned()} <wbr /> }.solid())
        .collect::<Vec<_>>()
        .solid()
}
