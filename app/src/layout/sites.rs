//! The choice of a site, at the top of the rail, for those who see several.

use crate::solid::{Solid as _, reactive};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::{
    events::{Event, Topic},
    sites::SiteRow,
};

use crate::{
    api::{self, Failure},
    components::icon::icon,
    live::Live,
};

/// The sites of the organisation, asked for once for all places that show them.
pub type Sites = Resource<Result<Vec<SiteRow>, Failure>>;

/// Asks for the sites, and again when one has changed.
pub fn sites() -> Sites {
    let version = Live::watch(Signal::from(vec![Event::all(Topic::Site)]));
    Resource::new(move || version.get(), |_| api::sites::list())
}

/// Links to the containers of each site; nothing while there is only one.
pub fn site_choice(sites: Sites) -> AnyView {
    let links = reactive(move || {
        Suspend::new(async move {
            let sites = sites.await.unwrap_or_default();
            if sites.len() < 2 {
                return ().solid();
            }
            let all = link(None);
            let each = sites
                .iter()
                .map(|site| link(Some(site.spec.name.to_string())))
                .collect_view();
            view! { <div class="rail-group" role="group" aria-label="Site">{all} {each}</div> }
                .solid()
        })
    });
    view! { <Transition>{links}</Transition> }.solid()
}

/// A link to one site's containers, or to all.
fn link(site: Option<String>) -> AnyView {
    let query = use_query_map();
    let own = site.clone().unwrap_or_default();
    let current = Signal::derive(move || {
        let chosen = query.with(|query| query.get_str("site").unwrap_or_default() == own);
        chosen.then_some("true")
    });
    let (label, href) = match site {
        Some(site) => (site.clone(), format!("/containers?site={site}")),
        None => ("All sites".to_owned(), "/containers".to_owned()),
    };
    view! {
        <a class="rail-link rail-site" href=href aria-current=current title=label>
            {icon("globe")} <span class="rail-label">{label.clone()}</span>
        </a>
    }
    .solid()
}
