//! One CA: its ACME account, the domains that use it, its settings and its deletion. Operators can
//! view it; administrators can change it.

use model::authorities::{AuthorityForm, AuthorityRow};

use super::{domains, fields::fields};
use crate::pages::prelude::*;

pub fn page() -> AnyView {
    let may_change = Session::may::<AuthorityManage>();
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
    let rest = may_change
        .then(|| view! { {settings(authority, name)} {deletion(authority, name)} }.erase());
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
        Some(account) => view! { <span class="mono wrap-any">{account.clone()}</span> <Copy text=account.clone() label="account URL" /> }.erase(),
        None => muted("none yet: registered with the first request"),
    };
    let roots = match &row.roots {
        Some(_) => "custom",
        None => "system trust store",
    };
    Facts::new()
        .mono("Directory", &row.directory)
        .view("ACME account", account)
        .with(row.email.as_ref(), |facts, email| {
            facts.text("Email", email)
        })
        .with(row.eab_key_id.as_ref(), |facts, id| {
            facts.mono("EAB key ID", id)
        })
        .text("Root certificates", roots)
        .view("Domains", domains(&row.domains))
        .card()
}

fn settings(authority: LiveResource<AuthorityRow>, name: Memo<String>) -> AnyView {
    let values = form_values(authority.part(|row| AuthorityForm::from(row)));
    let form = FormState::of(values, |form| form.parse(false));
    let update = move |submitted| {
        let id = authority.peek(|row| row.id);
        async move {
            server_fns::authorities::update(id, submitted).await?;
            values.try_update(|form| form.eab_mac_key.clear());
            Ok(())
        }
    };
    let update = save(values, super::stored_name, update);
    let fields = fields(form, values, false);
    settings_form(
        Kind::Authority,
        name,
        form,
        fields,
        update,
        authority.refresher(),
    )
}

fn deletion(authority: LiveResource<AuthorityRow>, name: Memo<String>) -> AnyView {
    let is_needed = authority.part(|row| !row.domains.is_empty());
    let change = ("/domains", "Edit the certificate source of these domains");
    let consequences = move || authority.with(consequences);
    delete_card(Kind::Authority, name, consequences, move |typed| {
        server_fns::authorities::delete(authority.peek(|row| row.id), typed)
    })
    .note("Issued certificates stay valid and are served until they expire.")
    .blocked_while(
        is_needed,
        "Domains use this certificate authority. ",
        change,
        " first.",
    )
    .view()
}

/// The objects that are deleted along with a CA.
fn consequences(row: &AuthorityRow) -> Vec<String> {
    let settings = format!("The certificate authority {} and its settings", row.name);
    let account = row.account.as_ref().map(|_| {
        [
            "The ACME account key",
            "Issued certificates can no longer be revoked.",
        ]
        .map(str::to_owned)
    });
    let binding = row.eab_key_id.as_ref();
    let binding = binding.map(|id| format!("The HMAC key of the external account {id}"));
    let account = account.into_iter().flatten();
    std::iter::once(settings)
        .chain(account)
        .chain(binding)
        .collect()
}
