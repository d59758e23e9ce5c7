//! The choice of a site, at the top of the rail, for those who see several.

use crate::solid::{Solid as _, reactive};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::{
    events::{Event, Topic},
    names::Label,
};

use crate::{
    api,
    components::{
        icon::icon,
        loaded::{Loaded, loaded_twice},
    },
};

/// Links to the containers of each site, for the rail and for its twin; nothing while there is
/// only one.
pub fn site_choices() -> (AnyView, AnyView) {
    loaded_twice(
        |()| api::sites::names(),
        |_| vec![Event::all(Topic::Site)],
        || ().solid(),
        choice,
    )
}

fn choice(names: Loaded<Vec<Label>>) -> AnyView {
    reactive(move || {
        let names = names.with(Clone::clone);
        (names.len() > 1).then(|| {
            let all = link(None);
            let each = names
                .iter()
                .map(|name| link(Some(name.to_string())))
                .collect::<Vec<_>>();
            view! { <div class="rail-group" role="group" aria-label="Site">{all} {each}</div> }
                .solid()
        })
    })
}

/// The first two letters of a site's name, where the rail is too narrow for the name.
fn initials(site: &str) -> AnyView {
    let initials: String = site.chars().take(2).collect();
    view! { <span class="rail-initials" aria-hidden="true">{initials}</span> }.solid()
}

/// A link to one site's containers, or to all.
fn link(site: Option<String>) -> AnyView {
    let query = use_query_map();
    let own = site.clone().unwrap_or_default();
    let current = Signal::derive(move || {
        let chosen = query.with(|query| query.get_str("site").unwrap_or_default() == own);
        chosen.then_some("true")
    });
    let (mark, label, href) = match site {
        Some(site) => (
            initials(&site),
            site.clone(),
            format!("/containers?site={site}"),
        ),
        None => (
            icon("globe").solid(),
            "All sites".to_owned(),
            "/containers".to_owned(),
        ),
    };
    view! {
        <a class="rail-link rail-site" href=href aria-current=current title=label>
            {mark} <span class="rail-label">{label.clone()}</span>
        </a>
    }
    .solid()
}
