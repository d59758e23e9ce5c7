//! One CA: its ACME account, the domains that use it, its settings and its deletion. Operators can
//! view it; administrators can change it.

use model::authorities::{AuthorityForm, AuthorityRow};

use super::{
    domains,
    fields::{fields, form_state},
};
use crate::pages::prelude::*;

/// The page.
pub fn page() -> AnyView {
    let may_change = Session::is_administrator();
    let interests = |authority: &AuthorityRow| {
        vec![
            Event::of(Topic::Authority, authority.id.0),
            Event::all(Topic::Domain),
        ]
    };
    object_page(
        "authority",
        server_fns::authorities::get,
        interests,
        move |authority| content(authority, may_change),
    )
}

fn content(authority: LiveResource<AuthorityRow>, may_change: bool) -> AnyView {
    let name = authority.part(|authority| authority.name.to_string());
    let rest =
        may_change.then(|| view! { {settings(authority, name)} {end(authority, name)} }.erase());
    view! {
        <PageHead title=name />
        <div class="stack stack-narrow">
            {authority.view(facts)}
            {rest}
        </div>
    }
    .erase()
}

fn facts(row: &AuthorityRow) -> AnyView {
    let account = match &row.account {
        Some(account) => view! { <span class="mono wrap-any">{account.clone()}</span> <Copy text=account.clone() what="account URL" /> }.erase(),
        None => view! { <span class="muted">"none yet: registered with the first request"</span> }.erase(),
    };
    let email = row
        .email
        .as_ref()
        .map(|email| view! { <dt>"Email"</dt><dd>{email.to_string()}</dd> }.erase());
    let binding = row.eab_key_id.as_ref().map(|binding| {
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
}

fn settings(authority: LiveResource<AuthorityRow>, name: Memo<String>) -> AnyView {
    let values = fresh(authority.part(|row| AuthorityForm::from(row)));
    let form = form_state(values, false);
    let update = move |asked| {
        let id = authority.peek(|row| row.id);
        async move {
            server_fns::authorities::update(id, asked).await?;
            values.try_update(|form| form.eab_mac_key.clear());
            Ok(())
        }
    };
    settings_form(SettingsForm {
        form,
        notice: None,
        fields: fields(form, values, false),
        key: name,
        path: |name| format!("/authorities/{name}"),
        update: save(values, |form| form.name.trim().to_ascii_lowercase(), update),
        refresh: authority.refresher(),
    })
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
    if let Some(binding) = &row.eab_key_id {
        losses.push(format!("The HMAC key of the external account {binding}"));
    }
    losses
}
