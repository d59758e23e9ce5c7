//! The form fields of a DNS provider, for creation and update. They depend on the kind.

use model::providers::{ProviderForm, ProviderKind, TsigAlgorithm};

use super::kind_label;
use crate::pages::prelude::*;

/// The initial values of a new DNS provider.
pub fn initial_values() -> ProviderForm {
    ProviderForm {
        kind: ProviderKind::Cloudflare.to_string(),
        algorithm: TsigAlgorithm::default().to_string(),
        ..ProviderForm::default()
    }
}

/// All fields, in groups.
pub fn fields(form: FormState, values: RwSignal<ProviderForm>, new: bool) -> AnyView {
    let kinds: Vec<(String, String)> = ProviderKind::ALL
        .map(|kind| (kind.to_string(), kind_label(kind).to_owned()))
        .to_vec();
    let kind = Memo::new(move |_| values.with(|form| form.kind.parse::<ProviderKind>().ok()));
    let description =
        Signal::derive(move || kind.get().map(description).unwrap_or_default().to_owned());
    let account = reactive(move || {
        let fields = match kind.get()? {
            ProviderKind::Cloudflare => cloudflare(form, values, new),
            ProviderKind::Rfc2136 => rfc2136(form, values, new),
            ProviderKind::AcmeDns => acme_dns(form, values, new),
        };
        Some(fields)
    });
    let provider = view! {
        <Choice form name="kind" label="Kind" value=bind!(values, kind) options=kinds hint=description />
        <Field form name="name" label="Name" value=bind!(values, name) hint="The name in Holdfast, such as dns." />
    };
    view! { {group("DNS provider", provider.erase())} {account} }.erase()
}

/// When to use a kind of provider.
fn description(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Cloudflare => "Supports DNS-01 challenges and address records.",
        ProviderKind::Rfc2136 => {
            "Any name server with TSIG-signed updates, such as BIND, Knot or PowerDNS. Supports DNS-01 challenges and address records."
        }
        ProviderKind::AcmeDns => {
            "For domains whose DNS provider has no API. Supports DNS-01 challenges only, through CNAME records that you create once."
        }
    }
}

/// The field of the secret; its label depends on the kind.
fn secret(
    form: FormState,
    values: RwSignal<ProviderForm>,
    new: bool,
    (label, hint): (&'static str, &'static str),
) -> AnyView {
    let hint = match new {
        true => format!("{hint} Stored encrypted."),
        false => format!("{hint} Leave empty to keep the current value."),
    };
    view! { <Field form name="secret" label=label entry=Entry::Secret value=bind!(values, secret) hint=hint optional=!new /> }
        .erase()
}

fn cloudflare(form: FormState, values: RwSignal<ProviderForm>, new: bool) -> AnyView {
    let hint =
        "Create it under My Profile → API Tokens with Zone → Zone → Read and Zone → DNS → Edit.";
    group("Account", secret(form, values, new, ("API token", hint)))
}

fn rfc2136(form: FormState, values: RwSignal<ProviderForm>, new: bool) -> AnyView {
    let algorithms: Vec<(String, String)> = TsigAlgorithm::ALL
        .map(|algorithm| (algorithm.to_string(), algorithm.to_string()))
        .to_vec();
    let server = view! {
        <Field form name="server" label="Name server" value=bind!(values, server)
            hint="The primary name server, such as ns1.example.org or 10.0.0.53:5353." />
        <Field form name="zone" label="Zone" value=bind!(values, zone)
            hint="The zone to update, such as example.org." />
    };
    let hint = "The key's secret in base64, as tsig-keygen prints it.";
    let key = view! {
        <Field form name="account" label="Key name" value=bind!(values, account) hint="As configured on the name server, such as holdfast." />
        <Choice form name="algorithm" label="Algorithm" value=bind!(values, algorithm) options=algorithms
            hint="As configured on the name server, usually hmac-sha256." />
        {secret(form, values, new, ("Secret", hint))}
    };
    view! { {group("Name server", server.erase())} {group("TSIG key", key.erase())} }.erase()
}

fn acme_dns(form: FormState, values: RwSignal<ProviderForm>, new: bool) -> AnyView {
    let cname = Signal::derive(move || {
        let full = values.with(|form| form.full_domain.trim().to_owned());
        match full.is_empty() {
            true => "The fulldomain from the registration. Create a CNAME record to this name: for a wildcard from _acme-challenge.DOMAIN, otherwise from _acme-challenge.NAME for each name.".to_owned(),
            false => format!("For a wildcard, create the record _acme-challenge.DOMAIN CNAME {full}. For one certificate per name, create the same record for _acme-challenge.NAME of each name."),
        }
    });
    let server = view! {
        <Field form name="server" label="Server" value=bind!(values, server)
            hint="The URL of the acme-dns API, such as https://auth.example.org." />
    };
    let account = view! {
        <p class="muted">"Values from the response to POST /register."</p>
        <Field form name="account" label="Username" value=bind!(values, account) hint="The username from the registration." />
        {secret(form, values, new, ("Password", "The password from the registration."))}
        <Field form name="full_domain" label="Full domain" value=bind!(values, full_domain) hint=cname />
    };
    view! { {group("Server", server.erase())} {group("Account", account.erase())} }.erase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_form_has_defaults() {
        for kind in ProviderKind::ALL {
            let form = ProviderForm {
                kind: kind.to_string(),
                ..initial_values()
            };
            let refused = form.parse(true).unwrap_err();
            let is_default = |field: &str| field == "kind" || field == "algorithm";
            assert!(!refused.iter().any(|refusal| is_default(&refusal.field)));
        }
    }
}
