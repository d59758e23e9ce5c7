//! The form fields of a domain for its certificate source and its DNS provider.

use model::{
    certificates::CertificateSource,
    domains::{DomainChoices, DomainForm},
    providers::ProviderKind,
};

use crate::pages::prelude::*;

/// The certificate source of a domain, as a short text.
pub fn source_summary(source: CertificateSource) -> &'static str {
    match source {
        CertificateSource::SelfSigned => "none (self-signed)",
        CertificateSource::Uploaded => "upload",
        acme => choice(acme.as_str()),
    }
}

/// A certificate source from its value in the form.
fn choice(name: &str) -> &'static str {
    match name {
        "http" => "ACME, one per name (HTTP-01)",
        "dns" => "ACME, one per name (DNS-01)",
        "wildcard" => "ACME wildcard (DNS-01)",
        "uploaded" => "Upload",
        _ => "None (self-signed)",
    }
}

/// The effect of a certificate source, and its requirements.
fn description(name: &str) -> &'static str {
    match name {
        "http" => {
            "Each published name gets its own certificate, which is renewed automatically. The CA must reach the name on port 80 of the edge hosts from the internet."
        }
        "dns" => {
            "Each published name gets its own certificate, which is renewed automatically. Challenges are answered through the DNS provider below, so names need not be public."
        }
        "wildcard" => {
            "One certificate covers the domain and all names directly below, and hides the names from certificate transparency logs. Challenges are answered through the DNS provider below."
        }
        "uploaded" => {
            "Upload each certificate and its replacement; Holdfast warns three weeks before expiry. Names without a certificate get a self-signed certificate, which browsers warn about."
        }
        _ => {
            "Edge hosts serve self-signed certificates. Connections are encrypted, but browsers warn about every page."
        }
    }
}

/// Whether a CA issues the certificates.
fn needs_authority(name: &str) -> bool {
    matches!(name, "http" | "dns" | "wildcard")
}

/// The certificate source.
pub fn certificates(
    form: FormState,
    values: RwSignal<DomainForm>,
    choices: Signal<DomainChoices>,
) -> AnyView {
    let options = options(CertificateSource::NAMES.map(|name| (name, choice(name))));
    let hint = Signal::derive(move || {
        values.with(|form| description(&form.certificate_source).to_owned())
    });
    let source = FieldBinding {
        get: Signal::derive(move || values.with(|form| form.certificate_source.clone())),
        set: Callback::new(move |name: String| {
            let first = choices.with_untracked(|choices| choices.authorities.first().cloned());
            values.update(|form| {
                // Most installations have one CA only; it is selected together with a source that
                // needs one.
                if needs_authority(&name) && form.authority.is_empty() {
                    form.authority = first.map(|(id, _)| id.to_string()).unwrap_or_default();
                }
                form.certificate_source = name;
            });
        }),
    };
    let needs = Memo::new(move |_| values.with(|form| needs_authority(&form.certificate_source)));
    let may_add = Session::may::<AuthorityManage>();
    let fields = view! {
        <Choice form name="certificate_source" label="Certificate source" value=source options hint />
        {reactive(move || needs.get().then(|| authority(form, values, choices, may_add)))}
    };
    group("Certificates", fields.erase())
}

fn authority(
    form: FormState,
    values: RwSignal<DomainForm>,
    choices: Signal<DomainChoices>,
    may_add: bool,
) -> AnyView {
    let options = Signal::derive(move || {
        let chosen = values.with(|form| form.authority.clone());
        let mut options: Vec<(String, String)> = choices.with(|choices| {
            let all = choices.authorities.iter();
            all.map(|(id, name)| (id.to_string(), name.to_string()))
                .collect()
        });
        let placeholder = match options.is_empty() {
            true => "No CA yet",
            false => "Select a CA",
        };
        if !options.iter().any(|(key, _)| *key == chosen) {
            options.insert(0, (String::new(), placeholder.to_owned()));
        }
        options
    });
    let none = reactive(move || {
        choices
            .with(|choices| choices.authorities.is_empty())
            .then(|| prerequisite_link("/authorities/new", "certificate authority", may_add))
    });
    view! {
        <Choice form name="authority" label="Certificate authority" value=bind!(values, authority) options hint="The CA that issues the certificates." />
        {none}
    }
    .erase()
}

/// A link to create a missing object, for users with the permission.
fn prerequisite_link(href: &'static str, noun: &'static str, may_add: bool) -> AnyView {
    match may_add {
        true => view! { <p><a class="link" href=href>{format!("Add a {noun}")}</a> " first. Unsaved values in this form are lost."</p> }.erase(),
        false => view! { <p>{format!("Ask an administrator to add a {noun}.")}</p> }.erase(),
    }
}

/// The DNS provider of the domain.
pub fn records(
    form: FormState,
    values: RwSignal<DomainForm>,
    choices: Signal<DomainChoices>,
) -> AnyView {
    let options = Signal::derive(move || {
        let none = (String::new(), "None".to_owned());
        choices.with(|choices| {
            let all = choices.providers.iter();
            let all = all.map(|(id, name, _)| (id.to_string(), name.to_string()));
            std::iter::once(none).chain(all).collect::<Vec<_>>()
        })
    });
    let may_add = Session::may::<ProviderManage>();
    let none = reactive(move || {
        choices
            .with(|choices| choices.providers.is_empty())
            .then(|| prerequisite_link("/providers/new", "DNS provider", may_add))
    });
    let fields = view! {
        <Choice form name="provider" label="DNS provider" value=bind!(values, provider) options
            hint="Hosts the domain's public records. Holdfast creates DNS-01 challenge records there." />
        {none}
        {addresses(form, values, choices)}
    };
    group("DNS records", fields.erase())
}

/// Whether address records are created at the provider, and why they cannot be.
fn addresses(
    form: FormState,
    values: RwSignal<DomainForm>,
    choices: Signal<DomainChoices>,
) -> AnyView {
    let disabled_reason = Memo::new(move |_| {
        let chosen = values.with(|form| form.provider.clone());
        let kind = choices.with(|choices| {
            let mut all = choices.providers.iter();
            all.find(|(id, ..)| id.to_string() == chosen)
                .map(|(_, _, kind)| *kind)
        });
        match kind {
            None => Some("Select a DNS provider first.".to_owned()),
            Some(ProviderKind::AcmeDns) => {
                Some("acme-dns stores challenge records only, no addresses.".to_owned())
            }
            Some(_) => None,
        }
    });
    // A selection that was made for another provider does not apply to the current provider.
    Effect::new(move |_| {
        if disabled_reason.with(Option::is_some) && values.with_untracked(|form| form.addresses) {
            values.update(|form| form.addresses = false);
        }
    });
    let checked = Signal::derive(move || values.with(|form| form.addresses));
    let set = Callback::new(move |on| {
        form.typed("provider");
        values.update(|form| form.addresses = on);
    });
    let may_change = Session::may::<SiteManage>();
    let unreached = Memo::new(move |_| {
        let (site, is_managed) = values.with(|form| (form.site.clone(), form.addresses));
        choices.with(|choices| {
            let mut all = choices.unreached.iter().filter(|_| is_managed);
            all.find(|(id, _)| id.to_string() == site)
                .map(|(_, name)| name.to_string())
        })
    });
    let note = reactive(move || {
        unreached
            .get()
            .map(|site| unreached_site(&site, may_change))
    });
    view! {
        <Checkbox form name="addresses" label="Manage address records" checked set disabled_reason
            hint="Creates A and AAAA records with the site's public addresses for each published name, and removes them later. Records from other sources do not change." />
        {note}
    }
    .erase()
}

/// The notice for a site without configured public addresses.
fn unreached_site(site: &str, may_change: bool) -> AnyView {
    let step = match may_change {
        true => {
            let href = format!("/sites/{site}/settings");
            view! { <a class="link" href=href>"Set a public address"</a> "." }.erase()
        }
        false => "Ask an administrator to set a public address.".erase(),
    };
    view! { <p class="panel panel-warning"><span>{icon("triangle-alert")} {format!(" The site {site} has no public address, so no records are created. ")} {step}</span></p> }.erase()
}

#[cfg(test)]
mod tests {
    use model::{AuthorityId, certificates::CertificateSource};

    use super::*;

    #[test]
    fn each_certificate_source_has_its_own_text() {
        let texts = CertificateSource::NAMES.map(|name| (choice(name), description(name)));
        for (index, text) in texts.iter().enumerate() {
            let mut others = texts.iter().skip(index + 1);
            assert!(others.all(|other| text.0 != other.0 && text.1 != other.1));
        }
        for name in CertificateSource::NAMES {
            let issuance = CertificateSource::from_name(name, Some(AuthorityId(1)));
            let authority = issuance.and_then(CertificateSource::certificate_authority);
            assert_eq!(needs_authority(name), authority.is_some(), "{name}");
        }
    }
}
