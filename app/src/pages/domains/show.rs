//! One domain: its certificates, its settings, and its deletion.

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_params_map;
use model::{
    domains::{DomainDetail, DomainForm, Publishers},
    events::{Event, Topic},
};

use super::{
    addresses, certificates,
    fields::{fields, form_state, publishers},
    issuance::source_summary,
};
use crate::{
    components::{
        delete_card::{DeleteCard, delete_call, delete_card},
        form::{Refusals, Submit},
        fresh::fresh,
        live_resource::{LiveResource, live_resource},
        page::{PageHead, object_skeleton},
        toast::Toasts,
    },
    server_fns,
};

/// The page.
pub fn page() -> AnyView {
    let parameters = use_params_map();
    let key =
        Memo::new(move |_| parameters.with(|all| all.get_str("id").unwrap_or_default().to_owned()));
    // A new page for each domain, so that no input is kept across domains.
    reactive(move || {
        live_resource(
            Signal::from(key.get()),
            server_fns::domains::get,
            |shown: &DomainDetail| {
                vec![
                    Event::of(Topic::Domain, shown.domain.id.0),
                    Event::of(Topic::Site, shown.domain.spec.site.0),
                    Event::all(Topic::Certificate),
                    Event::all(Topic::Authority),
                    Event::all(Topic::Provider),
                ]
            },
            object_skeleton,
            content,
        )
    })
}

fn content(shown: LiveResource<DomainDetail>) -> AnyView {
    let name = shown.part(|shown| shown.domain.spec.name.to_string());
    view! {
        <PageHead title=name />
        <div class="stack stack-narrow">
            {facts(shown)}
            {certificates::card(shown)}
            {addresses::card(shown)}
            {settings(shown)}
            {end(shown, name)}
        </div>
    }
    .erase()
}

fn facts(shown: LiveResource<DomainDetail>) -> AnyView {
    reactive(move || {
        shown.with(|shown| {
            let domain = &shown.domain;
            let spec = &domain.spec;
            let header = match spec.hsts.header() {
                Some(header) => view! { <dd class="mono">{header}</dd> }.erase(),
                None => view! { <dd class="muted">"not sent"</dd> }.erase(),
            };
            view! {
                <dl class="card facts">
                    <dt>"Site"</dt><dd>{domain.site_name.to_string()}</dd>
                    <dt>"Certificate source"</dt><dd>{source_summary(spec.issuance)}</dd>
                    <dt>"DNS provider"</dt><dd>{records(shown)}</dd>
                    <dt>"HSTS header"</dt>{header}
                </dl>
            }
            .erase()
        })
    })
}

/// The DNS provider, and whether it has address records.
fn records(shown: &DomainDetail) -> AnyView {
    let spec = &shown.domain.spec;
    let mut all = shown.choices.providers.iter();
    let Some((_, name, _)) = all.find(|(id, ..)| Some(*id) == spec.provider) else {
        return view! { <span class="muted">"none"</span> }.erase();
    };
    let what = match spec.addresses {
        true => ", with address records",
        false => "",
    };
    let href = format!("/providers/{name}");
    view! { <span><a class="link" href=href>{name.to_string()}</a> {what}</span> }.erase()
}

fn settings(shown: LiveResource<DomainDetail>) -> AnyView {
    let values = fresh(shown.part(|shown| DomainForm::from(&shown.domain.spec)));
    let choices = shown.part(|shown| shown.choices.clone());
    let form = form_state(values);
    let toasts = Toasts::here();
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if !form.submit() {
            return;
        }
        let id = shown.peek(|shown| shown.domain.id);
        let asked = values.get_untracked();
        spawn_local(async move {
            let name = asked.name.trim().to_owned();
            if let Err(failure) = server_fns::domains::update(id, asked).await {
                form.refuse(failure);
                return;
            }
            form.busy.try_set(false);
            toasts.notify(format!("Saved {name}."));
            shown.refresh();
        });
    };
    view! {
        <form class="form" novalidate on:submit=act(submit)>
            <h2 class="section-title">"Settings"</h2>
            <Refusals form />
            {fields(form, values, None, choices.into())}
            <div class="actions"><Submit form label="Save" /></div>
        </form>
    }
    .erase()
}

fn end(shown: LiveResource<DomainDetail>, name: Memo<String>) -> AnyView {
    let keeps_addresses = shown.part(|shown| shown.domain.spec.addresses);
    delete_card(DeleteCard {
        verb: "Delete",
        what: "domain",
        name,
        losses: Signal::derive(move || shown.with(losses)),
        note: Signal::derive(move || note(keeps_addresses.get())),
        blocked: Callback::new(|()| None),
        list: "/domains",
        ask: delete_call(move |typed| {
            server_fns::domains::delete(shown.peek(|shown| shown.domain.id), typed)
        }),
    })
}

/// When a domain can be deleted, and what happens to its records.
fn note(keeps_addresses: bool) -> &'static str {
    match keeps_addresses {
        true => {
            "A domain with published services cannot be deleted. Address records that Holdfast created are removed; other DNS records stay."
        }
        false => "A domain with published services cannot be deleted. DNS records do not change.",
    }
}

/// The objects that are deleted along with a domain.
fn losses(shown: &DomainDetail) -> Vec<String> {
    let spec = &shown.domain.spec;
    let mut losses = vec![format!(
        "The domain {} of the site {} and its settings",
        spec.name, shown.domain.site_name
    )];
    if let Publishers::Users(_) = spec.publishers {
        let users = publishers(&spec.publishers);
        losses.push(format!("The list of users who can publish: {users}"));
    }
    // Expired certificates count too: an uploaded key may exist nowhere else.
    match shown.total {
        0 => {}
        1 => losses.push("Its certificate and key, even if uploaded".to_owned()),
        all => losses.push(format!(
            "Its {all} certificates and keys, including uploaded ones"
        )),
    }
    if let Some(origin) = &spec.sign_in {
        losses.push(format!("The sign-in URL {origin}"));
    }
    losses
}
