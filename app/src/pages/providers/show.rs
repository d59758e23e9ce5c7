//! One DNS provider: its domains, its test, its settings and its deletion. Operators can view and
//! test it; administrators can change it.

use model::providers::{ProviderForm, ProviderRow, ProviderSettings};

use super::{
    connection_test,
    fields::{fields, initial_values},
    kind_label, stored_name,
};
use crate::pages::{authorities::domains, prelude::*};

/// A DNS provider, and the names of all domains.
type ProviderPage = (ProviderRow, Vec<String>);

pub fn page() -> AnyView {
    let may_change = Session::may::<ProviderManage>();
    let interests = |(provider, _): &ProviderPage| {
        vec![
            Event::of(Topic::Provider, provider.id.0),
            Event::all(Topic::Domain),
        ]
    };
    object_page("provider", fetch, interests, move |page| {
        content(page, may_change)
    })
}

async fn fetch(name: String) -> Result<ProviderPage, RequestError> {
    let provider = server_fns::providers::get(name).await?;
    let all = server_fns::domains::list().await?;
    // Domains that use the provider come first.
    let mut names: Vec<String> = provider.domains.iter().map(ToString::to_string).collect();
    for domain in all {
        let name = domain.spec.name.to_string();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok((provider, names))
}

fn content(page: LiveResource<ProviderPage>, may_change: bool) -> AnyView {
    let name = page.part(|(provider, _)| provider.name.to_string());
    let id = page.peek(|(provider, _)| provider.id);
    let names = page.part(|(_, names)| names.clone());
    let kind = page.part(|(provider, _)| provider.settings.kind());
    let rest = may_change.then(|| view! { {settings(page, name)} {deletion(page, name)} }.erase());
    view! {
        <PageHead title=name />
        <div class="stack stack-narrow">
            {page.view(facts)}
            {connection_test::card(id, kind.into(), names.into())}
            {rest}
        </div>
    }
    .erase()
}

fn facts((row, _): &ProviderPage) -> AnyView {
    let addresses = match row.settings.kind().supports_address_records() {
        true => "if a domain enables them",
        false => "not supported",
    };
    let facts = Facts::new().text("Kind", kind_label(row.settings.kind()));
    let facts = match &row.settings {
        ProviderSettings::Cloudflare => facts,
        ProviderSettings::Rfc2136 {
            server,
            zone,
            key,
            algorithm,
        } => facts
            .mono("Name server", server)
            .mono("Zone", zone)
            .mono("Key", format!("{key}, {algorithm}")),
        ProviderSettings::AcmeDns {
            server,
            user,
            full_domain,
        } => facts
            .mono("Server", server)
            .mono("Username", user)
            .mono("Full domain", full_domain),
    };
    facts
        .text("Address records", addresses)
        .view("Domains", domains(&row.domains))
        .card()
}

/// The stored values. A choice needs a value, even if the provider's kind does not use it.
fn stored_values((row, _): &ProviderPage) -> ProviderForm {
    let mut form = ProviderForm::from(row);
    if form.algorithm.is_empty() {
        form.algorithm = initial_values().algorithm;
    }
    form
}

fn settings(page: LiveResource<ProviderPage>, name: Memo<String>) -> AnyView {
    let values = form_values(page.part(stored_values));
    let form = FormState::of(values, |form| form.parse(false));
    let update = move |submitted| {
        let id = page.peek(|(row, _)| row.id);
        async move {
            server_fns::providers::update(id, submitted).await?;
            values.try_update(|form| form.secret.clear());
            Ok(())
        }
    };
    let update = save(values, stored_name, update);
    let fields = fields(form, values, false);
    settings_form(Kind::Provider, name, form, fields, update, page.refresher())
}

fn deletion(page: LiveResource<ProviderPage>, name: Memo<String>) -> AnyView {
    let is_needed = page.part(|(row, _)| !row.domains.is_empty());
    let select = ("/domains", "Select another DNS provider");
    let consequences = move || page.with(|(row, _)| consequences(row));
    delete_card(Kind::Provider, name, consequences, move |typed| {
        server_fns::providers::delete(page.peek(|(row, _)| row.id), typed)
    })
    .note("Existing DNS records do not change.")
    .blocked_while(
        is_needed,
        "Domains use this DNS provider. ",
        select,
        " for these domains first.",
    )
    .view()
}

/// The objects that are deleted along with a DNS provider.
fn consequences(row: &ProviderRow) -> Vec<String> {
    let secret = match &row.settings {
        ProviderSettings::Cloudflare => "The API token of the DNS provider",
        ProviderSettings::Rfc2136 { .. } => "The TSIG key of the DNS provider",
        ProviderSettings::AcmeDns { .. } => "The password of the acme-dns account",
    };
    let settings = format!("The DNS provider {} and its settings", row.name);
    vec![settings, secret.to_owned()]
}
