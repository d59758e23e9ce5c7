//! One domain: its certificates, its settings, and its end.

use crate::solid::{Solid as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_params_map;
use model::{
    domains::{DomainForm, Publishers},
    events::{Event, Topic},
};

use super::{
    addresses, certificates,
    fields::{fields, form_state, publishers},
    issuance::in_few_words,
};
use crate::{
    api::{self, domains::Shown},
    components::{
        danger::{Ending, asked, danger},
        form::{Refusals, Submit},
        fresh::fresh,
        loaded::{Loaded, loaded},
        page::{PageHead, object_skeleton},
        toast::Toasts,
    },
};

/// The page.
pub fn page() -> AnyView {
    let parameters = use_params_map();
    let key =
        Memo::new(move |_| parameters.with(|all| all.get_str("id").unwrap_or_default().to_owned()));
    // Another domain is another page, so that nothing typed for one is kept for the other.
    reactive(move || {
        loaded(
            Signal::from(key.get()),
            api::domains::get,
            |shown: &Shown| {
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

fn content(shown: Loaded<Shown>) -> AnyView {
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
    .solid()
}

fn facts(shown: Loaded<Shown>) -> AnyView {
    reactive(move || {
        shown.with(|shown| {
            let domain = &shown.domain;
            let spec = &domain.spec;
            let header = match spec.hsts.header() {
                Some(header) => view! { <dd class="mono">{header}</dd> }.solid(),
                None => view! { <dd class="muted">"not sent"</dd> }.solid(),
            };
            view! {
                <dl class="card facts">
                    <dt>"Site"</dt><dd>{domain.site_name.to_string()}</dd>
                    <dt>"Certificates"</dt><dd>{in_few_words(spec.issuance)}</dd>
                    <dt>"Records"</dt><dd>{records(shown)}</dd>
                    <dt>"HSTS header"</dt>{header}
                </dl>
            }
            .solid()
        })
    })
}

/// Who keeps its records, and whether addresses are among them.
fn records(shown: &Shown) -> AnyView {
    let spec = &shown.domain.spec;
    let mut all = shown.givers.providers.iter();
    let Some((_, name, _)) = all.find(|(id, ..)| Some(*id) == spec.provider) else {
        return view! { <span class="muted">"not kept by Holdfast"</span> }.solid();
    };
    let what = match spec.addresses {
        true => ", addresses too",
        false => "",
    };
    let href = format!("/providers/{name}");
    view! { <span><a class="link" href=href>{name.to_string()}</a> {what}</span> }.solid()
}

fn settings(shown: Loaded<Shown>) -> AnyView {
    let values = fresh(shown.part(|shown| DomainForm::from(&shown.domain.spec)));
    let givers = shown.part(|shown| shown.givers.clone());
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
            if let Err(failure) = api::domains::update(id, asked).await {
                form.refuse(failure);
                return;
            }
            form.busy.try_set(false);
            toasts.tell(format!("Saved {name}."));
            shown.refresh();
        });
    };
    view! {
        <form class="form" novalidate on:submit=act(submit)>
            <h2 class="section-title">"Settings"</h2>
            <Refusals form />
            {fields(form, values, None, givers.into())}
            <div class="actions"><Submit form label="Save the domain" /></div>
        </form>
    }
    .solid()
}

fn end(shown: Loaded<Shown>, name: Memo<String>) -> AnyView {
    let keeps_addresses = shown.part(|shown| shown.domain.spec.addresses);
    danger(Ending {
        verb: "Delete",
        what: "domain",
        name,
        losses: Signal::derive(move || shown.with(losses)),
        note: Signal::derive(move || note(keeps_addresses.get())),
        held: Callback::new(|()| None),
        list: "/domains",
        ask: asked(move |typed| api::domains::delete(shown.peek(|shown| shown.domain.id), typed)),
    })
}

/// When a domain can be deleted, and what becomes of its records.
fn note(keeps_addresses: bool) -> &'static str {
    match keeps_addresses {
        true => {
            "It can be deleted when nothing is published under it. Addresses that Holdfast keeps at its DNS provider are taken away there; its other DNS records stay as they are."
        }
        false => {
            "It can be deleted when nothing is published under it. Its DNS records elsewhere stay as they are."
        }
    }
}

/// What goes with a domain, in words for the dialog.
fn losses(shown: &Shown) -> Vec<String> {
    let spec = &shown.domain.spec;
    let mut losses = vec![format!(
        "The domain {} of the site {} with its settings",
        spec.name, shown.domain.site_name
    )];
    if let Publishers::People(_) = spec.publishers {
        let people = publishers(&spec.publishers);
        losses.push(format!("The list of who may publish there: {people}"));
    }
    // Those that are good no more count too: a key that was brought may be nowhere else.
    match shown.total {
        0 => {}
        1 => losses.push("Its certificate with the key, even when somebody brought it".to_owned()),
        all => losses.push(format!(
            "Its {all} certificates with their keys, even those that somebody brought"
        )),
    }
    if let Some(origin) = &spec.sign_in {
        losses.push(format!("The way to its sign-in at {origin}"));
    }
    losses
}
