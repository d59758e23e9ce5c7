//! The certificates of a domain, in its row of the list and on its page.

use model::{
    certificates::{CertificateRow, CertificateSource},
    domains::DomainDetail,
};

use super::{certificate_source::source_summary, overview::records, show::href};
use crate::pages::{
    certificates::list::{STATUS, VALID_UNTIL, last_error, link},
    prelude::*,
};

const ROWS: Rows<CertificateRow> = Rows {
    label: "Certificates",
    id: |row| row.id.0,
    columns: &[
        main_column("Subject", |row| {
            view! { {link(row)} {last_error(row)} }.erase()
        }),
        STATUS,
        VALID_UNTIL,
    ],
};

/// The number of valid certificates, and whether others need attention.
pub fn certificate_counts(
    source: CertificateSource,
    valid_count: u32,
    attention_count: u32,
) -> AnyView {
    let valid = match (valid_count, source) {
        (0, _) if attention_count > 0 => None,
        (0, CertificateSource::SelfSigned) => Some(muted("self-signed")),
        (0, _) => Some(muted("none yet")),
        (count, _) => Some(view! { <span class="num">{format!("{count} valid")}</span> }.erase()),
    };
    let attention = (attention_count > 0).then(|| {
        let text = match attention_count {
            1 => "1 needs attention".to_owned(),
            count => format!("{count} need attention"),
        };
        view! { <span class="badge tone-warning">{icon("triangle-alert")} {text}</span> }.erase()
    });
    view! { <span class="state-line">{valid} {attention}</span> }.erase()
}

/// The tab of a domain's page.
pub fn tab(page: LiveResource<DomainDetail>) -> AnyView {
    view! { {facts(page)} {card(page)} }.erase()
}

/// The certificate source, and what issues the certificates.
fn facts(page: LiveResource<DomainDetail>) -> AnyView {
    reactive(move || {
        page.with(|page| {
            let issuance = page.domain.spec.certificate_source;
            let authority = issuance.certificate_authority().and_then(|authority| {
                let mut all = page.choices.authorities.iter();
                let (_, name) = all.find(|(id, _)| *id == authority)?;
                let href = format!("/authorities/{name}");
                Some(view! { <dt>"Certificate authority"</dt><dd><a class="link" href=href>{name.to_string()}</a></dd> }.erase())
            });
            let provider = issuance.needs_provider().then(|| {
                view! { <dt>"DNS provider"</dt><dd>{records(page)}</dd> }.erase()
            });
            view! {
                <dl class="card facts">
                    <dt>"Certificate source"</dt><dd>{source_summary(issuance)}</dd>
                    {authority}
                    {provider}
                </dl>
            }
            .erase()
        })
    })
}

fn card(page: LiveResource<DomainDetail>) -> AnyView {
    let none = page.part(|page| {
        page.certificates
            .is_empty()
            .then_some(page.domain.spec.certificate_source)
    });
    let settings = page.peek(|page| format!("{}/settings", href(page)));
    let body = reactive(move || match none.get() {
        Some(issuance) => no_certificates(issuance, settings.clone()),
        None => table(page.part(|page| page.certificates.clone()), &ROWS),
    });
    let rest = page.part(|page| {
        let is_more = page.total > page.certificates.len();
        is_more.then(|| (page.total, page.domain.spec.name.to_string()))
    });
    let rest = reactive(move || {
        rest.get().map(|(total, name)| {
            let href = list_url("/certificates", &[("q", &name)]);
            view! { <p><a class="link" href=href>{format!("Show all {total} certificates")}</a></p> }.erase()
        })
    });
    let new = page.peek(|page| format!("/certificates/new?domain={}", page.domain.id));
    view! {
        <section class="card stack-tight" aria-label="Certificates">
            <h2 class="card-title"><span class="grow">"Certificates"</span> <a class="btn btn-small" href=new>{icon("upload")} "Upload certificate"</a></h2>
            {body}
            {rest}
        </section>
    }
    .erase()
}

/// Why there is no certificate, and what to do. `settings` is the path of the domain's settings.
fn no_certificates(source: CertificateSource, settings: String) -> AnyView {
    let text = match source {
        CertificateSource::SelfSigned => {
            return view! { <p class="muted">"Edge hosts serve self-signed certificates, which browsers warn about. Select a certificate source in the " <a class="link" href=settings>"settings"</a> "."</p> }.erase();
        }
        CertificateSource::Uploaded => {
            "No certificates yet. Upload a certificate; until then, edge hosts serve self-signed certificates, which browsers warn about."
        }
        CertificateSource::Http(_) | CertificateSource::Dns(_) => {
            "No certificates yet. Each name gets a certificate when a service is published under it."
        }
        CertificateSource::Wildcard(_) => "No certificate yet. It is requested shortly.",
    };
    view! { <p class="muted">{text}</p> }.erase()
}
