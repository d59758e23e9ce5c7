//! Certificate authorities: the list, the form for a new one, and the page of one CA.

mod fields;
pub mod list;
pub mod new;
pub mod show;

use model::{authorities::AuthorityForm, names::Domain};

use crate::pages::prelude::*;

/// The name of a CA as the server stores it.
fn stored_name(form: &AuthorityForm) -> String {
    form.name.trim().to_ascii_lowercase()
}

/// Domains as a text for lists.
pub fn domain_names(all: &[Domain]) -> AnyView {
    let names: Vec<&str> = all.iter().map(Domain::as_str).collect();
    match names.is_empty() {
        true => muted("none"),
        false => text(names.join(", ")),
    }
}

/// Domains as links to their certificates.
pub fn domains(all: &[Domain]) -> AnyView {
    let links = all.iter().map(|domain| {
        let href = list_url("/certificates", &[("q", domain.as_str())]);
        view! { <li><a class="link" href=href>{domain.to_string()}</a></li> }.erase()
    });
    match all.is_empty() {
        true => muted("none yet"),
        false => view! { <ul>{links.collect::<Vec<_>>()}</ul> }.erase(),
    }
}
