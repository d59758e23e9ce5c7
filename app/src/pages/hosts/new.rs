//! The form for a new host.

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_query_map;
use model::{
    events::{Event, Topic},
    hosts::{HostForm, IssuedJoinToken},
    sites::SiteRow,
};

use super::join_token::{NewHost, join_instructions};
use crate::{
    bind,
    components::{
        form::{Choice, Field, FormState, Refusals, Submit},
        icon::icon,
        live_resource::{LiveResource, live_resource},
        page::{PageHead, object_skeleton},
    },
    server_fns,
};

/// The page.
pub fn page() -> AnyView {
    live_resource(
        Signal::from(()),
        |()| server_fns::sites::list(),
        |_| vec![Event::all(Topic::Site)],
        object_skeleton,
        content,
    )
}

/// The initial values: the site in the URL, or the first site.
fn first(sites: &[SiteRow], preselected: Option<&str>) -> HostForm {
    let site = sites
        .iter()
        .find(|site| Some(site.spec.name.as_str()) == preselected)
        .or_else(|| sites.first());
    HostForm {
        site: site.map(|site| site.id.to_string()).unwrap_or_default(),
        name: "edge-1".to_owned(),
    }
}

fn content(sites: LiveResource<Vec<SiteRow>>) -> AnyView {
    let preselected = use_query_map().with_untracked(|map| map.get_str("site").map(str::to_owned));
    let values = RwSignal::new(sites.peek(|all| first(all, preselected.as_deref())));
    // The created host and its join token. The token replaces the form and cannot be shown again.
    let created = RwSignal::new(None::<(NewHost, IssuedJoinToken)>);
    let title = Signal::derive(move || {
        created.with(|created| match created {
            Some((new_host, _)) => format!("Install the agent on {}", new_host.name),
            None => "Add host".to_owned(),
        })
    });
    let instructions = reactive(move || {
        let created = created.get();
        created.map(|(new_host, issued)| join_instructions(new_host, issued, None))
    });
    // The form stays mounted: its field has the focus, and fires `blur` when it is removed.
    let is_done = Signal::derive(move || created.with(Option::is_some));
    view! {
        <PageHead title />
        <div hidden=is_done>{form(sites, values, created)}</div>
        {instructions}
    }
    .erase()
}

fn form(
    sites: LiveResource<Vec<SiteRow>>,
    values: RwSignal<HostForm>,
    created: RwSignal<Option<(NewHost, IssuedJoinToken)>>,
) -> AnyView {
    let form = FormState::new(move || {
        values.with_untracked(|form| form.parse().err().unwrap_or_default())
    });
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if !form.submit() {
            return;
        }
        let entered = values.get_untracked();
        let site = sites.peek(|all| {
            let chosen = all.iter().find(|site| site.id.to_string() == entered.site);
            chosen
                .map(|site| site.spec.name.to_string())
                .unwrap_or_default()
        });
        let new_host = NewHost {
            site,
            name: entered.name.trim().to_ascii_lowercase(),
        };
        spawn_local(async move {
            match server_fns::hosts::create(entered).await {
                Ok(issued) => {
                    created.try_set(Some((new_host, issued)));
                }
                Err(failure) => form.refuse(failure),
            }
        });
    };
    let label = Signal::derive(move || values.with(|form| format!("Add {}", form.name.trim())));
    let options = Signal::derive(move || {
        sites.with(|all| {
            all.iter()
                .map(|site| (site.id.to_string(), site.spec.name.to_string()))
                .collect()
        })
    });
    let none = sites.peek(Vec::is_empty).then(|| {
        view! { <p class="panel panel-warning"><span>{icon("triangle-alert")} "A host serves a site. " <a class="link" href="/sites/new">"Create a site"</a> " first, or ask an administrator."</span></p> }.erase()
    });
    view! {
        <form class="form" novalidate on:submit=act(submit)>
            {none}
            <Refusals form />
            <fieldset class="card group">
                <legend class="card-title">"Host"</legend>
                <Choice form name="site" label="Site" value=bind!(values, site) options
                    hint="The site whose network the host is in. The first host of a site becomes its DHCP server." />
                <Field form name="name" label="Name" value=bind!(values, name) hint="A name for the host, such as edge-1." />
            </fieldset>
            <div class="actions">
                <Submit form label />
                <a class="btn" href="/hosts">"Cancel"</a>
            </div>
        </form>
    }
    .erase()
}
