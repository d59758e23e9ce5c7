//! The form of a new domain.

use crate::erase::{Erase as _, act};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::{use_navigate, use_query_map};
use model::{
    certificates::CertificateSource,
    domains::{DomainForm, Hsts, NewDomainOptions, Publishers},
    events::{Event, Topic},
    sites::SiteRow,
};

use super::fields::{fields, form_state};
use crate::{
    components::{
        form::{Refusals, Submit},
        icon::icon,
        live_resource::{LiveResource, live_resource},
        page::{PageHead, object_skeleton},
        toast::Toasts,
    },
    server_fns,
};

/// The page.
pub fn page() -> AnyView {
    live_resource(
        Signal::from(()),
        |()| server_fns::domains::options(),
        |_| {
            vec![
                Event::all(Topic::Site),
                Event::all(Topic::Authority),
                Event::all(Topic::Provider),
            ]
        },
        object_skeleton,
        content,
    )
}

/// The initial values: the site in the URL, or the first site.
fn first(sites: &[SiteRow], named: Option<&str>) -> DomainForm {
    let site = sites
        .iter()
        .find(|site| Some(site.spec.name.as_str()) == named)
        .or_else(|| sites.first());
    DomainForm {
        site: site.map(|site| site.id.to_string()).unwrap_or_default(),
        hsts: Hsts::default().to_string(),
        publishers: Publishers::default().as_str().to_owned(),
        issuance: CertificateSource::default().as_str().to_owned(),
        ..DomainForm::default()
    }
}

fn content(form_options: LiveResource<NewDomainOptions>) -> AnyView {
    let named = use_query_map().with_untracked(|map| map.get_str("site").map(str::to_owned));
    let values = RwSignal::new(form_options.peek(|all| first(&all.sites, named.as_deref())));
    let form = form_state(values);
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if !form.submit() {
            return;
        }
        let asked = values.get_untracked();
        let navigate = navigate.clone();
        spawn_local(async move {
            let name = asked.name.trim().to_owned();
            match server_fns::domains::create(asked).await {
                Ok(id) => {
                    toasts.notify(format!("Created the domain {name}."));
                    navigate(&format!("/domains/{id}"), Default::default());
                }
                Err(failure) => form.refuse(failure),
            }
        });
    };
    let label = Signal::derive(move || values.with(|form| format!("Create {}", form.name.trim())));
    let options = Signal::derive(move || {
        form_options.with(|all| {
            all.sites
                .iter()
                .map(|site| (site.id.to_string(), site.spec.name.to_string()))
                .collect()
        })
    });
    let choices = form_options.part(|all| all.choices.clone());
    let none = form_options.peek(|all| all.sites.is_empty()).then(|| {
        view! { <p class="panel panel-warning"><span>{icon("triangle-alert")} "A domain belongs to a site. " <a class="link" href="/sites/new">"Create a site"</a> " first, or ask an administrator for a site."</span></p> }.erase()
    });
    view! {
        <PageHead title="New domain" />
        <form class="form" novalidate on:submit=act(submit)>
            {none}
            <Refusals form />
            {fields(form, values, Some(options), choices.into())}
            <div class="actions">
                <Submit form label />
                <a class="btn" href="/domains">"Cancel"</a>
            </div>
        </form>
    }
    .erase()
}
