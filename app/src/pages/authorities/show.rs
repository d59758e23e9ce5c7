//! One authority: who we are there, which domains have their certificates from it, its settings and
//! its end. Operators see it; administrators change it.

use crate::solid::{Solid as _, act, reactive};
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
    api,
    components::{
        danger::{Ending, asked, danger},
        form::{Refusals, Submit},
        fresh::fresh,
        loaded::{Loaded, loaded},
        page::{Copy, PageHead, object_skeleton},
        toast::Toasts,
    },
    session::Session,
};

/// The page.
pub fn page() -> AnyView {
    let parameters = use_params_map();
    let may_change = Session::administers();
    let name = Memo::new(move |_| {
        parameters.with(|all| all.get_str("authority").unwrap_or_default().to_owned())
    });
    // Another authority is another page, so that nothing typed for one is kept for the other.
    reactive(move || {
        loaded(
            Signal::from(name.get()),
            api::authorities::get,
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

fn content(authority: Loaded<AuthorityRow>, may_change: bool) -> AnyView {
    let name = authority.part(|authority| authority.name.to_string());
    let rest = may_change.then(|| view! { {settings(authority)} {end(authority, name)} }.solid());
    view! {
        <PageHead title=name />
        <div class="stack stack-narrow">
            {facts(authority)}
            {rest}
        </div>
    }
    .solid()
}

fn facts(authority: Loaded<AuthorityRow>) -> AnyView {
    reactive(move || {
        authority.with(|row| {
            let account = match &row.account {
                Some(account) => view! { <span class="mono wrap-any">{account.clone()}</span> <Copy text=account.clone() what="account's address" /> }.solid(),
                None => view! { <span class="muted">"none yet: it is made when the first certificate is asked for"</span> }.solid(),
            };
            let email = row.email.as_ref().map(|email| {
                view! { <dt>"Mail"</dt><dd>{email.to_string()}</dd> }.solid()
            });
            let binding = row.binding.as_ref().map(|binding| {
                view! { <dt>"External account"</dt><dd class="mono">{binding.to_string()}</dd> }.solid()
            });
            let roots = match &row.roots {
                Some(_) => "its own, below",
                None => "those that this host trusts",
            };
            view! {
                <dl class="card facts">
                    <dt>"Directory"</dt><dd class="mono">{row.directory.to_string()}</dd>
                    <dt>"Our account"</dt><dd>{account}</dd>
                    {email}
                    {binding}
                    <dt>"Known by roots"</dt><dd>{roots}</dd>
                    <dt>"Domains"</dt><dd>{domains(&row.domains)}</dd>
                </dl>
            }
            .solid()
        })
    })
}

fn settings(authority: Loaded<AuthorityRow>) -> AnyView {
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
            if let Err(failure) = api::authorities::update(id, asked).await {
                form.refuse(failure);
                return;
            }
            form.busy.try_set(false);
            values.try_update(|form| form.binding_key.clear());
            toasts.tell(format!("Saved {name}."));
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
            <div class="actions"><Submit form label="Save the authority" /></div>
        </form>
    }
    .solid()
}

fn end(authority: Loaded<AuthorityRow>, name: Memo<String>) -> AnyView {
    let is_needed = authority.part(|row| !row.domains.is_empty());
    let held = move |()| {
        is_needed.get().then(|| {
            view! { <p>"Domains have their certificates from it. " <a class="link" href="/domains">"Let them have those another way"</a> " first; then it can be deleted."</p> }.solid()
        })
    };
    danger(Ending {
        verb: "Delete",
        what: "authority",
        name,
        losses: Signal::derive(move || authority.with(losses)),
        note: Signal::stored("Certificates that it gave stay good, and are served until they end."),
        held: Callback::new(held),
        list: "/authorities",
        ask: asked(move |typed| api::authorities::delete(authority.peek(|row| row.id), typed)),
    })
}

/// What goes with an authority, in words for the dialog.
fn losses(row: &AuthorityRow) -> Vec<String> {
    let mut losses = vec![format!("The authority {} with its settings", row.name)];
    if row.account.is_some() {
        losses.push(
            "The key of our account there: its certificates can be revoked no more".to_owned(),
        );
    }
    if let Some(binding) = &row.binding {
        losses.push(format!("The key of the external account {binding}"));
    }
    losses
}
