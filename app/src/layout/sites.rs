//! The filter of the containers by site in the rail, for users who see several sites.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};
use model::{
    events::{Event, Topic},
    names::Label,
};

use crate::{
    components::{
        icon::icon,
        live_resource::{LiveResource, live_resource_in_frame},
    },
    server_fns,
};

/// Links to the containers of each site, for the rail and the drawer; nothing if there is only one
/// site.
pub fn site_choices() -> (AnyView, AnyView) {
    let choices = live_resource_in_frame(
        |()| server_fns::sites::list_names(),
        |_| vec![Event::all(Topic::Site)],
        || ().erase(),
        choice,
    );
    (choices(), choices())
}

fn choice(names: LiveResource<Vec<Label>>) -> AnyView {
    reactive(move || {
        let names = names.with(Clone::clone);
        (names.len() > 1).then(|| {
            let all = link(None);
            let each = names
                .iter()
                .map(|name| link(Some(name.to_string())))
                .collect::<Vec<_>>();
            view! { <div class="rail-sites" role="group" aria-label="Site">{all} {each}</div> }
                .erase()
        })
    })
}

/// The first two letters of a site's name, for the collapsed rail.
fn initials(site: &str) -> AnyView {
    let initials: String = site.chars().take(2).collect();
    view! { <span class="rail-initials" aria-hidden="true">{initials}</span> }.erase()
}

/// A link to the containers of one site, or of all.
fn link(site: Option<String>) -> AnyView {
    let (query, path) = (use_query_map(), use_location().pathname);
    let own = site.clone().unwrap_or_default();
    let current = Signal::derive(move || {
        let is_list = path.with(|path| path == "/containers");
        let chosen = query.with(|query| query.get_str("site").unwrap_or_default() == own);
        (is_list && chosen).then_some("true")
    });
    let (mark, label, href) = match site {
        Some(site) => (
            initials(&site),
            site.clone(),
            format!("/containers?site={site}"),
        ),
        None => (
            icon("network").erase(),
            "All sites".to_owned(),
            "/containers".to_owned(),
        ),
    };
    view! {
        <a class="rail-link rail-site" href=href aria-current=current title=label>
            {mark} <span class="rail-label">{label.clone()}</span>
        </a>
    }
    .erase()
}
