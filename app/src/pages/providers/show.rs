//! One DNS provider: its domains, its test, its settings and its deletion. Operators can view and
//! test it; administrators can change it.

use model::providers::{ProviderForm, ProviderRow, ProviderSettings};

use super::{
    called,
    fields::{fields, form_state},
    trial,
};
use crate::pages::{authorities::domains, prelude::*};

/// A DNS provider, and the names of all domains.
type Shown = (ProviderRow, Vec<String>);

/// The page.
pub fn page() -> AnyView {
    let may_change = Session::is_administrator();
    let interests = |(provider, _): &Shown| {
        vec![
            Event::of(Topic::Provider, provider.id.0),
            Event::all(Topic::Domain),
        ]
    };
    object_page("provider", fetch, interests, move |shown| {
        content(shown, may_change)
    })
}

async fn fetch(name: String) -> Result<Shown, Failure> {
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

fn content(shown: LiveResource<Shown>, may_change: bool) -> AnyView {
    let name = shown.part(|(provider, _)| provider.name.to_string());
    let (id, names) = (
        shown.peek(|(provider, _)| provider.id),
        shown.part(|(_, names)| names.clone()),
    );
    let kind = shown.part(|(provider, _)| provider.settings.kind());
    let rest = may_change.then(|| view! { {settings(shown, name)} {end(shown, name)} }.erase());
    view! {
        <PageHead title=name />
        <div class="stack stack-narrow">
            {shown.view(facts)}
            {trial::card(id, kind.into(), names.into())}
            {rest}
        </div>
    }
    .erase()
}

fn facts((row, _): &Shown) -> AnyView {
    let addresses = match row.settings.kind().supports_address_records() {
        true => "if a domain enables them",
        false => "not supported",
    };
    view! {
        <dl class="card facts">
            <dt>"Kind"</dt><dd>{called(row.settings.kind())}</dd>
            {settings_details(&row.settings)}
            <dt>"Address records"</dt><dd>{addresses}</dd>
            <dt>"Domains"</dt><dd>{domains(&row.domains)}</dd>
        </dl>
    }
    .erase()
}

fn settings_details(settings: &ProviderSettings) -> Option<AnyView> {
    let facts = match settings {
        ProviderSettings::Cloudflare => return None,
        ProviderSettings::Rfc2136 {
            server,
            zone,
            key,
            algorithm,
        } => view! {
            <dt>"Name server"</dt><dd class="mono">{server.to_string()}</dd>
            <dt>"Zone"</dt><dd class="mono">{zone.to_string()}</dd>
            <dt>"Key"</dt><dd class="mono">{format!("{key}, {algorithm}")}</dd>
        }
        .erase(),
        ProviderSettings::AcmeDns {
            server,
            user,
            full_domain,
        } => view! {
            <dt>"Server"</dt><dd class="mono">{server.to_string()}</dd>
            <dt>"User"</dt><dd class="mono">{user.to_string()}</dd>
            <dt>"Full domain"</dt><dd class="mono">{full_domain.to_string()}</dd>
        }
        .erase(),
    };
    Some(facts)
}

fn settings(shown: LiveResource<Shown>, name: Memo<String>) -> AnyView {
    let values = form_values(shown.part(|(row, _)| {
        let form = ProviderForm::from(row);
        ProviderForm {
            // A radio group needs a value, even if the provider's kind does not use it.
            algorithm: match form.algorithm.is_empty() {
                true => super::fields::first().algorithm,
                false => form.algorithm,
            },
            ..form
        }
    }));
    let form = form_state(values, false);
    let update = move |asked| {
        let id = shown.peek(|(row, _)| row.id);
        async move {
            server_fns::providers::update(id, asked).await?;
            values.try_update(|form| form.secret.clear());
            Ok(())
        }
    };
    settings_form(SettingsForm {
        form,
        notice: None,
        fields: fields(form, values, false),
        key: name,
        path: |name| format!("/providers/{name}"),
        update: save(values, |form| form.name.trim().to_ascii_lowercase(), update),
        refresh: shown.refresher(),
    })
}

fn end(shown: LiveResource<Shown>, name: Memo<String>) -> AnyView {
    let is_needed = shown.part(|(row, _)| !row.domains.is_empty());
    let blocked = move |()| {
        is_needed.get().then(|| {
            view! { <p>"Domains use this DNS provider. " <a class="link" href="/domains">"Select another provider"</a> " for them first."</p> }.erase()
        })
    };
    delete_card(DeleteCard {
        verb: "Delete",
        what: "DNS provider",
        name,
        losses: Signal::derive(move || shown.with(|(row, _)| losses(row))),
        note: Signal::stored("Existing DNS records do not change."),
        blocked: Callback::new(blocked),
        list: "/providers",
        ask: delete_call(move |typed| {
            server_fns::providers::delete(shown.peek(|(row, _)| row.id), typed)
        }),
    })
}

/// The objects that are deleted along with a DNS provider.
fn losses(row: &ProviderRow) -> Vec<String> {
    let secret = match &row.settings {
        ProviderSettings::Cloudflare => "Its API token",
        ProviderSettings::Rfc2136 { .. } => "Its TSIG key",
        ProviderSettings::AcmeDns { .. } => "The password of its acme-dns account",
    };
    vec![
        format!("The DNS provider {} and its settings", row.name),
        secret.to_owned(),
    ]
}
