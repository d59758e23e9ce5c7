//! One domain: its settings, and its end.

use crate::solid::{Solid as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_params_map;
use model::{
    domains::{DomainForm, DomainRow, Publishers},
    events::{Event, Topic},
};

use super::fields::{fields, form_state, publishers};
use crate::{
    api,
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
            |domain: &DomainRow| {
                vec![
                    Event::of(Topic::Domain, domain.id.0),
                    Event::of(Topic::Site, domain.spec.site.0),
                ]
            },
            object_skeleton,
            content,
        )
    })
}

fn content(domain: Loaded<DomainRow>) -> AnyView {
    let name = domain.part(|domain| domain.spec.name.to_string());
    view! {
        <PageHead title=name />
        <div class="stack stack-narrow">
            {facts(domain)}
            {settings(domain)}
            {end(domain, name)}
        </div>
    }
    .solid()
}

fn facts(domain: Loaded<DomainRow>) -> AnyView {
    reactive(move || {
        domain.with(|domain| {
            let spec = &domain.spec;
            let header = match spec.hsts.header() {
                Some(header) => view! { <dd class="mono">{header}</dd> }.solid(),
                None => view! { <dd class="muted">"not sent"</dd> }.solid(),
            };
            view! {
                <dl class="card facts">
                    <dt>"Site"</dt><dd>{domain.site_name.to_string()}</dd>
                    <dt>"HSTS header"</dt>{header}
                </dl>
            }
            .solid()
        })
    })
}

fn settings(domain: Loaded<DomainRow>) -> AnyView {
    let values = fresh(domain.part(|domain| DomainForm::from(&domain.spec)));
    let form = form_state(values);
    let toasts = Toasts::here();
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if !form.submit() {
            return;
        }
        let id = domain.peek(|domain| domain.id);
        let asked = values.get_untracked();
        spawn_local(async move {
            let name = asked.name.trim().to_owned();
            if let Err(failure) = api::domains::update(id, asked).await {
                form.refuse(failure);
                return;
            }
            form.busy.try_set(false);
            toasts.tell(format!("Saved {name}."));
            domain.refresh();
        });
    };
    view! {
        <form class="form" novalidate on:submit=act(submit)>
            <h2 class="section-title">"Settings"</h2>
            <Refusals form />
            {fields(form, values, None)}
            <div class="actions"><Submit form label="Save the domain" /></div>
        </form>
    }
    .solid()
}

fn end(domain: Loaded<DomainRow>, name: Memo<String>) -> AnyView {
    danger(Ending {
        verb: "Delete",
        what: "domain",
        name,
        losses: Signal::derive(move || domain.with(losses)),
        note: "It can be deleted when nothing is published under it. Its DNS records elsewhere stay as they are.",
        held: Callback::new(|()| None),
        list: "/domains",
        ask: asked(move |typed| api::domains::delete(domain.peek(|domain| domain.id), typed)),
    })
}

/// What goes with a domain, in words for the dialog.
fn losses(domain: &DomainRow) -> Vec<String> {
    let spec = &domain.spec;
    let mut losses = vec![format!(
        "The domain {} of the site {} with its settings",
        spec.name, domain.site_name
    )];
    if let Publishers::People(_) = spec.publishers {
        let people = publishers(&spec.publishers);
        losses.push(format!("The list of who may publish there: {people}"));
    }
    if let Some(origin) = &spec.sign_in {
        losses.push(format!("The way to its sign-in at {origin}"));
    }
    losses
}
