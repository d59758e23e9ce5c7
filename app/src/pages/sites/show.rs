//! One site: its contents, its settings, and its deletion.

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map},
};
use model::{
    events::{Event, Topic},
    hosts::HostRow,
    nodes::ClusterView,
    sites::{SiteForm, SiteRow},
};

use super::fields::{cluster_options, fields, form_state, suggestions};
use crate::{
    components::{
        delete_card::{DeleteCard, delete_call, delete_card},
        form::{Refusals, Submit},
        fresh::fresh,
        icon::icon,
        live_resource::{LiveResource, live_resource},
        page::{PageHead, object_skeleton},
        toast::Toasts,
    },
    pages::{hosts::list::table, rights::administrator},
    server_fns::{self, Failure},
};

/// A site, the clusters that it can be on, and its hosts.
type Shown = (SiteRow, Vec<ClusterView>, Vec<HostRow>);

/// The page.
pub fn page() -> AnyView {
    let parameters = use_params_map();
    let name = Memo::new(move |_| {
        parameters.with(|all| all.get_str("site").unwrap_or_default().to_owned())
    });
    let interests = |(site, ..): &Shown| {
        vec![
            Event::of(Topic::Site, site.id.0),
            Event::all(Topic::Container),
            Event::all(Topic::Domain),
            Event::all(Topic::Host),
            Event::all(Topic::Contact),
        ]
    };
    // A new page for each site, so that no input is kept across sites.

    reactive(move || {
        live_resource(
            Signal::from(name.get()),
            fetch,
            interests,
            object_skeleton,
            content,
        )
    })
}

async fn fetch(name: String) -> Result<Shown, Failure> {
    administrator().await?;
    let site = server_fns::sites::get(name).await?;
    let mut hosts = server_fns::hosts::list().await?;
    hosts.retain(|host| host.site == site.id);
    Ok((site, server_fns::clusters::list().await?, hosts))
}

fn content(shown: LiveResource<Shown>) -> AnyView {
    let name = shown.part(|(site, ..)| site.spec.name.to_string());
    let containers = move || {
        let href = format!("/containers?site={}", name.get());
        view! { <a class="btn" href=href>{icon("container")} "View containers"</a> }.erase()
    };
    view! {
        <PageHead title=name actions=move || reactive(containers) />
        {hosts(shown, name)}
        <div class="stack stack-narrow">
            {facts(shown)}
            {network(shown)}
            {settings(shown)}
            {end(shown, name)}
        </div>
    }
    .erase()
}

fn facts(shown: LiveResource<Shown>) -> AnyView {
    reactive(move || {
        shown.with(|(site, ..)| {
            view! {
                <dl class="card facts">
                    <dt>"Domain"</dt><dd class="mono">{site.spec.domain.to_string()}</dd>
                    <dt>"Cluster"</dt><dd>{site.cluster_name.clone()}</dd>
                    <dt>"Containers"</dt><dd class="num">{site.containers}</dd>
                </dl>
            }
            .erase()
        })
    })
}

/// The site's network, and its free addresses.
fn network(shown: LiveResource<Shown>) -> AnyView {
    let list = reactive(move || {
        shown.with(|(site, _, hosts)| {
            let spec = &site.spec;
            let answering = hosts.iter().filter_map(|host| host.facts.as_ref());
            let answering: Vec<String> = answering.map(|facts| facts.address.to_string()).collect();
            let forwarders = spec.forwarders.to_string();
            let others = spec.others.map(|others| others.to_string());
            let v4 = spec.public_v4.map(|address| address.to_string());
            let v6 = spec.public_v6.map(|address| address.to_string());
            let public: Vec<String> = v4.into_iter().chain(v6).collect();
            view! {
                <dl class="facts">
                    <dt>"Network"</dt><dd class="mono">{spec.network.to_string()}</dd>
                    <dt>"Bridge"</dt><dd class="mono">{spec.bridge.to_string()}</dd>
                    <dt>"Gateway"</dt><dd class="mono">{spec.gateway.to_string()}</dd>
                    <dt>"Container addresses"</dt><dd class="mono">{spec.range.to_string()}</dd>
                    <dt>"Free addresses"</dt><dd class="num">{site.addresses_free}</dd>
                    <dt>"Other addresses"</dt>{or(others, "none")}
                    <dt>"DNS servers"</dt>{or(Some(answering.join(", ")), "none: no host has joined")}
                    <dt>"Upstream DNS servers"</dt>{or(Some(forwarders), "none: only names of the site resolve")}
                    <dt>"External ports"</dt><dd class="mono">{spec.ports.to_string()}</dd>
                    <dt>"Public addresses"</dt>{or(Some(public.join(", ")), "no public address")}
                </dl>
            }
            .erase()
        })
    });
    view! { <section class="card"><h2 class="card-title">"Network"</h2>{list}</section> }.erase()
}

/// A value, or a text if it is absent.
fn or(text: Option<String>, none: &'static str) -> AnyView {
    match text.filter(|text| !text.is_empty()) {
        Some(text) => view! { <dd class="mono">{text}</dd> }.erase(),
        None => view! { <dd class="muted">{none}</dd> }.erase(),
    }
}

fn hosts(shown: LiveResource<Shown>, name: Memo<String>) -> AnyView {
    let none = shown.part(|(_, _, hosts)| hosts.is_empty());
    let all = shown.part(|(_, _, hosts)| hosts.clone());
    let body = reactive(move || {
        if none.get() {
            return view! { <p class="muted">"No hosts yet. Without a host, containers get no address and no name, and services are not published."</p> }.erase();
        }
        table(all.into(), false)
    });
    let add = reactive(move || {
        let href = format!("/hosts/new?site={}", name.get());
        view! { <a class="btn btn-small" href=href>{icon("plus")} "Add host"</a> }.erase()
    });
    view! {
        <section class="card stack-tight section">
            <h2 class="card-title"><span class="grow">"Hosts"</span> {add}</h2>
            {body}
        </section>
    }
    .erase()
}

fn settings(shown: LiveResource<Shown>) -> AnyView {
    let values = fresh(shown.part(|(site, ..)| SiteForm::from(&site.spec)));
    let form = form_state(values);
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if !form.submit() {
            return;
        }
        let (id, before) = shown.peek(|(site, ..)| (site.id, site.spec.name.to_string()));
        let asked = values.get_untracked();
        let navigate = navigate.clone();
        spawn_local(async move {
            let name = asked.name.trim().to_owned();
            if let Err(failure) = server_fns::sites::update(id, asked).await {
                form.refuse(failure);
                return;
            }
            form.busy.try_set(false);
            toasts.notify(format!("Saved {name}."));
            if name == before {
                shown.refresh();
            } else {
                let replace = NavigateOptions {
                    replace: true,
                    ..NavigateOptions::default()
                };
                navigate(&format!("/sites/{name}"), replace);
            }
        });
    };
    let options = Signal::derive(move || shown.with(|(_, clusters, _)| cluster_options(clusters)));
    let blocked = shown.part(|(site, ..)| site.containers > 0);
    let note = reactive(move || {
        blocked.get().then(|| {
            view! { <p class="muted">"Name, cluster, bridge, network and gateway cannot change while the site has containers."</p> }.erase()
        })
    });
    view! {
        <form class="form" novalidate on:submit=act(submit)>
            <h2 class="section-title">"Settings"</h2>
            {note}
            <Refusals form />
            {fields(form, values, options, suggestions(values))}
            <div class="actions"><Submit form label="Save" /></div>
        </form>
    }
    .erase()
}

fn end(shown: LiveResource<Shown>, name: Memo<String>) -> AnyView {
    let count = shown.part(|(site, ..)| site.containers);
    let blocked = move |()| {
        let what = match count.get() {
            0 => return None,
            1 => "1 container".to_owned(),
            count => format!("{count} containers"),
        };
        let href = format!("/containers?site={}", name.get());
        Some(view! { <p>"The site has " <a class="link" href=href>{what}</a> ". Delete these first."</p> }.erase())
    };
    delete_card(DeleteCard {
        verb: "Delete",
        what: "site",
        name,
        losses: Signal::derive(move || shown.with(|(site, ..)| losses(site))),
        note: Signal::stored("The cluster and its bridge do not change."),
        blocked: Callback::new(blocked),
        list: "/sites",
        ask: delete_call(move |typed| {
            server_fns::sites::delete(shown.peek(|(site, ..)| site.id), typed)
        }),
    })
}

/// The objects that are deleted along with a site.
fn losses(site: &SiteRow) -> Vec<String> {
    let spec = &site.spec;
    vec![
        format!("The site {} and its settings", spec.name),
        format!("The container names under {}", spec.domain),
        format!(
            "The reservation of addresses {} and ports {}",
            spec.range, spec.ports
        ),
    ]
}
