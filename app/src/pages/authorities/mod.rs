//! Authorities that give certificates: the list, adding one, and the page of one.

mod fields;
pub mod list;
pub mod new;
pub mod show;

use leptos::prelude::*;
use model::names::Domain;

use crate::{components::list::address, solid::Solid as _};

/// Domains as links to their certificates.
pub fn domains(all: &[Domain]) -> AnyView {
    let links = all.iter().map(|domain| {
        let href = address("/certificates", &[("q", domain.as_str())]);
        view! { <li><a class="link" href=href>{domain.to_string()}</a></li> }.solid()
    });
    match all.is_empty() {
        true => view! { <span class="muted">"none yet"</span> }.solid(),
        false => view! { <ul>{links.collect::<Vec<_>>()}</ul> }.solid(),
    }
}
