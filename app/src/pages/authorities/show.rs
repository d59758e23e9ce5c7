//! One CA: its ACME account, the domains that use it, its settings and its deletion. Operators can
//! view it; administrators can change it.

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::{
    NavigateOptions,
    hooks::{use_navigate, use_params_map},
};
use model::{
    authorities::{AuthorityForm, AuthorityRow},
    events::{Event, Topic},
};

use super::{
    domains,
    fields::{fields, form_state},
};
use crate::{
    components::{
        delete_card::{DeleteCard, delete_call, delete_card},
        form::{Refusals, Submit},
        fresh::fresh,
        live_resource::{LiveResource, live_resource},
        page::{Copy, PageHead, object_skeleton},
        toast::Toasts,
    },
    server_fns,
    session::Session,
};

/// The page.
pub fn page() -> AnyView {
    let parameters = use_params_map();
    let may_change = Session::is_administrator();
    let name = Memo::new(move |_| {
        parameters.with(|all| all.get_str("authority").unwrap_or_default().to_owned())
    });
    // A new page for each CA, so that no input is kept across CAs.
    reactive(move || {
        live_resource(
            Signal::from(name.get()),
            server_fns::authorities::get,
            |authority: &AuthorityRow| {
                vec![
                    Event::of(Topic::Authority, authority.id.0),
                    Event::all(Topic::Domain),
                ]
            },
            object_skeleton,
            move |authority| content(authority, may_change),
        )
    })
}

fn content(authority: LiveResource<AuthorityRow>, may_change: bool) -> AnyView {
    let name = authority.part(|authority| authority.name.to_string());
    let rest = may_change.then(|| view! { {settings(authority)} {end(authority, name)} }.erase());
    view! {
        <PageHead title=name />
        <div class="stack stack-narrow">
            {facts(authority)}
            {rest}
        </div>
    }
    .erase()
}

fn facts(authority: LiveResource<AuthorityRow>) -> AnyView {
    reactive(move || {
        authority.with(|row| {
            let account = match &row.account {
                Some(account) => view! { <span class="mono wrap-any">{account.clone()}</span> <Copy text=account.clone() what="account URL" /> }.erase(),
                None => view! { <span class="muted">"none yet: registered with the first request"</span> }.erase(),
            };
            let email = row.email.as_ref().map(|email| {
                view! { <dt>"Email"</dt><dd>{email.to_string()}</dd> }.erase()
            });
            let binding = row.binding.as_ref().map(|binding| {
                view! { <dt>"EAB key ID"</dt><dd class="mono">{binding.to_string()}</dd> }.erase()
            });
            let roots = match &row.roots {
                Some(_) => "custom",
                None => "system trust store",
            };
            view! {
                <dl class="card facts">
                    <dt>"Directory"</dt><dd class="mono">{row.directory.to_string()}</dd>
                    <dt>"ACME account"</dt><dd>{account}</dd>
                    {email}
                    {binding}
                    <dt>"Root certificates"</dt><dd>{roots}</dd>
                    <dt>"Domains"</dt><dd>{domains(&row.domains)}</dd>
                </dl>
            }
            .erase()
        })
    })
}

fn settings(authority: LiveResource<AuthorityRow>) -> AnyView {
    let values = fresh(authority.part(|row| AuthorityForm::from(row)));
    let form = form_state(values, false);
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if !form.submit() {
            return;
        }
        let (id, before) = authority.peek(|row| (row.id, row.name.to_string()));
        let asked = values.get_untracked();
        let navigate = navigate.clone();
        spawn_local(async move {
            let name = asked.name.trim().to_ascii_lowercase();
            if let Err(failure) = server_fns::authorities::update(id, asked).await {
                form.refuse(failure);
                return;
            }
            form.busy.try_set(false);
            values.try_update(|form| form.binding_key.clear());
            toasts.notify(format!("Saved {name}."));
            if name == before {
                authority.refresh();
            } else {
                let replace = NavigateOptions {
                    replace: true,
                    ..NavigateOptions::default()
                };
                navigate(&format!("/authorities/{name}"), replace);
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

fn end(authority: LiveResource<AuthorityRow>, name: Memo<String>) -> AnyView {
    let is_needed = authority.part(|row| !row.domains.is_empty());
    let blocked = move |()| {
        is_needed.get().then(|| {
            view! { <p>"Domains use this certificate authority. " <a class="link" href="/domains">"Change their certificate source"</a> " first."</p> }.erase()
        })
    };
    delete_card(DeleteCard {
        verb: "Delete",
        what: "certificate authority",
        name,
        losses: Signal::derive(move || authority.with(losses)),
        note: Signal::stored("Issued certificates stay valid and are served until they expire."),
        blocked: Callback::new(blocked),
        list: "/authorities",
        ask: delete_call(move |typed| {
            server_fns::authorities::delete(authority.peek(|row| row.id), typed)
        }),
    })
}

/// The objects that are deleted along with a CA.
fn losses(row: &AuthorityRow) -> Vec<String> {
    let mut losses = vec![format!(
        "The certificate authority {} and its settings",
        row.name
    )];
    if row.account.is_some() {
        losses
            .push("The ACME account key: issued certificates can no longer be revoked".to_owned());
    }
    if let Some(binding) = &row.binding {
        losses.push(format!("The HMAC key of the external account {binding}"));
    }
    losses
}
