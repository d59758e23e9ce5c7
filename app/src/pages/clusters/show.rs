//! One cluster: its state, its resources, its unmanaged containers and its settings.

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map},
};
use model::{
    SiteId,
    clusters::{ClusterDetail, ClusterForm},
    events::{Event, Topic},
    session::CurrentUser,
};
use serde::{Deserialize, Serialize};

use super::{
    fields::{fields, form_state},
    findings, import, state,
};
use crate::{
    components::{
        badge::ago,
        delete_card::{DeleteCard, delete_call, delete_card},
        form::{Refusals, Submit},
        fresh::fresh,
        icon::icon,
        live_resource::{LiveResource, live_resource},
        page::{PageHead, object_skeleton},
        toast::Toasts,
    },
    pages::rights::administrator,
    server_fns::{self, Failure},
};

/// The data of the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Shown {
    /// The cluster.
    pub cluster: ClusterDetail,
    /// The sites on the cluster, by id and name.
    pub sites: Vec<(SiteId, String)>,
    /// Users who may own containers, by name; the first page.
    pub people: Vec<String>,
    /// The signed-in user.
    pub me: CurrentUser,
}

/// The page.
pub fn page() -> AnyView {
    let parameters = use_params_map();
    let name = Memo::new(move |_| {
        parameters.with(|all| all.get_str("cluster").unwrap_or_default().to_owned())
    });
    // A new page for each cluster, so that no input is kept across clusters.
    reactive(move || {
        live_resource(
            Signal::from(name.get()),
            fetch,
            |_: &Shown| {
                vec![
                    Event::all(Topic::Nodes),
                    Event::all(Topic::Site),
                    Event::all(Topic::Container),
                ]
            },
            object_skeleton,
            content,
        )
    })
}

async fn fetch(name: String) -> Result<Shown, Failure> {
    let me = administrator().await?;
    let cluster = server_fns::clusters::get(name).await?;
    let sites = server_fns::sites::list().await?;
    let people = server_fns::users::list(String::new(), 1).await?;
    let id = cluster.view.id;
    let on_it = sites.into_iter().filter(|site| site.spec.cluster == id);
    Ok(Shown {
        sites: on_it
            .map(|site| (site.id, site.spec.name.to_string()))
            .collect(),
        people: people
            .rows
            .iter()
            .map(|user| user.name.to_string())
            .collect(),
        cluster,
        me,
    })
}

fn content(shown: LiveResource<Shown>) -> AnyView {
    let name = shown.part(|shown| shown.cluster.view.name.clone());
    let badge = move || reactive(move || shown.with(|shown| state(&shown.cluster.view)));
    let id = shown.peek(|shown| shown.cluster.view.id);
    // An unreachable cluster is not queried; the error is shown above.
    let answers = shown.part(|shown| shown.cluster.view.trouble.is_none());
    let found = reactive(move || answers.get().then(|| findings::card(id)));
    view! {
        <PageHead title=name aside=badge actions=|| view! { <a class="btn" href="/nodes">{icon("server")} "View nodes"</a> }.erase() />
        <div class="stack">
            {trouble(shown)}
            {facts(shown)}
            {found}
            {import::card(shown)}
            <div class="stack stack-narrow">
                {settings(shown)}
                {end(shown, name)}
            </div>
        </div>
    }
    .erase()
}

/// Why the cluster is unreachable, and what to do.
fn trouble(shown: LiveResource<Shown>) -> AnyView {
    let view = shown.part(|shown| {
        let view = &shown.cluster.view;
        (view.trouble.clone(), view.changed.clone(), view.observed)
    });
    reactive(move || {
        let (trouble, changed, observed) = view.get();
        let last_seen =
            observed.map(|at| view! { <p class="muted">"Last contact " {ago(at)} "."</p> }.erase());
        let trouble = trouble?;
        Some(if changed.is_some() {
            view! {
                <section class="panel panel-danger" role="alert">
                    <p class="panel-title">{icon("triangle-alert")} {trouble}</p>
                    <p>"The connection may be intercepted, so Holdfast sends no requests; containers keep running. If you renewed the certificate, fetch and confirm it in the settings below."</p>
                    {last_seen}
                </section>
            }
            .erase()
        } else {
            view! {
                <section class="panel panel-warning" role="alert">
                    <p class="panel-title">{icon("unplug")} {trouble}</p>
                    <p>"This page shows the last known state. Containers keep running."</p>
                    {last_seen}
                </section>
            }
            .erase()
        })
    })
}

fn facts(resource: LiveResource<Shown>) -> AnyView {
    reactive(move || {
        resource.with(|shown| {
            let cluster = &shown.cluster;
            let others = cluster.others.iter().map(ToString::to_string).collect::<Vec<_>>();
            let others = (!others.is_empty()).then(|| {
                view! { <dt>"Fallback nodes"</dt><dd class="mono">{others.join(", ")}</dd> }.erase()
            });
            let version = cluster.view.version.clone().map(|version| {
                view! { <dt>"Version"</dt><dd class="num">{format!("Proxmox VE {version}")}</dd> }.erase()
            });
            let sites = shown
                .sites
                .iter()
                .map(|(_, name)| view! { <a class="link" href=format!("/sites/{name}")>{name.clone()}</a> }.erase())
                .collect::<Vec<_>>();
            let sites = if sites.is_empty() {
                view! { <a class="link" href=import::new_site(resource)>"Create a site"</a> }.erase()
            } else {
                sites.erase()
            };
            view! {
                <dl class="card facts">
                    <dt>"Address"</dt><dd class="mono">{cluster.view.url.clone()}</dd>
                    {others}
                    {version}
                    <dt>"Signed in as"</dt><dd class="mono">{cluster.login.to_string()}</dd>
                    <dt>"Sites"</dt><dd>{sites}</dd>
                </dl>
            }
            .erase()
        })
    })
}

fn settings(shown: LiveResource<Shown>) -> AnyView {
    let values = fresh(shown.part(|shown| ClusterForm::from(&shown.cluster)));
    let form = form_state(values, false);
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if !form.submit() {
            return;
        }
        let (id, before) = shown.peek(|shown| {
            let view = &shown.cluster.view;
            (view.id, view.name.clone())
        });
        let asked = values.get_untracked();
        let navigate = navigate.clone();
        spawn_local(async move {
            let name = match server_fns::clusters::update(id, asked).await {
                Ok(name) => name,
                Err(failure) => return form.refuse(failure),
            };
            form.busy.try_set(false);
            values.try_update(|form| form.secret.clear());
            toasts.notify(format!("Saved {name}."));
            if name.as_str() == before {
                shown.refresh();
            } else {
                let replace = NavigateOptions {
                    replace: true,
                    ..NavigateOptions::default()
                };
                navigate(&format!("/clusters/{name}"), replace);
            }
        });
    };
    view! {
        <form class="form" novalidate on:submit=act(submit)>
            <h2 class="section-title">"Settings"</h2>
            <Refusals form />
            {fields(form, values, false)}
            <div class="actions"><Submit form label="Save" /></div>
        </form>
    }
    .erase()
}

fn end(shown: LiveResource<Shown>, name: Memo<String>) -> AnyView {
    let sites = shown.part(|shown| !shown.sites.is_empty());
    let blocked = move |()| {
        sites.get().then(|| {
            view! { <p>"The cluster has sites. " <a class="link" href="/sites">"Delete these first"</a> "."</p> }.erase()
        })
    };
    let losses = vec![
        "Its address, fingerprint and credentials".to_owned(),
        "Its observed state".to_owned(),
    ];
    delete_card(DeleteCard {
        verb: "Remove",
        what: "cluster",
        name,
        losses: Signal::stored(losses),
        note: Signal::stored("The cluster itself does not change."),
        blocked: Callback::new(blocked),
        list: "/clusters",
        ask: delete_call(move |typed| {
            server_fns::clusters::delete(shown.peek(|shown| shown.cluster.view.id), typed)
        }),
    })
}
