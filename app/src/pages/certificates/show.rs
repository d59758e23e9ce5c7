//! One certificate: its details, why a renewal failed, its history, and its revocation or deletion.

mod deletion;
mod history;

use model::{
    Timestamp,
    certificates::{
        CertificateContents, CertificateDetail, CertificateName, CertificateRow, IssuanceMethod,
    },
};

use super::next_action;
use crate::{components::badge::certificate_badge, pages::prelude::*};

pub fn page() -> AnyView {
    let interests = |certificate: &CertificateDetail| {
        vec![
            Event::of(Topic::Certificate, certificate.row.id.0),
            Event::of(Topic::Domain, certificate.row.domain.0),
        ]
    };
    object_page("id", server_fns::certificates::get, interests, content)
}

fn content(certificate: LiveResource<CertificateDetail>) -> AnyView {
    let name = certificate.part(|certificate| certificate.row.subject.to_string());
    view! {
        <PageHead title=name badges=move || status_badges(certificate) actions=move || actions(certificate) />
        <div class="stack stack-narrow">
            {last_error(certificate)}
            {certificate.view(facts)}
            {history::card(certificate)}
            {deletion::card(certificate, name)}
        </div>
    }
    .erase()
}

/// The badges beside the name.
fn status_badges(certificate: LiveResource<CertificateDetail>) -> AnyView {
    let state = certificate.part(|certificate| (certificate.row.state, certificate.row.is_used));
    reactive(move || {
        let (state, is_used) = state.get();
        let unused = (!is_used).then_some("unused");
        view! { <span class="state-line">{certificate_badge(state)} {unused}</span> }.erase()
    })
}

/// A request for a new certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IssuanceRequest {
    /// There is no certificate, or its renewal failed: retry immediately.
    Retry,
    /// The certificate is valid: renew it immediately.
    Renew,
}

/// The available request; `None` for an uploaded certificate, which is not renewed automatically.
fn available_request(row: &CertificateRow) -> Option<IssuanceRequest> {
    match (row.method, &row.issued, row.failures) {
        (IssuanceMethod::Uploaded, ..) => None,
        (IssuanceMethod::Acme, Some(_), 0) => Some(IssuanceRequest::Renew),
        (IssuanceMethod::Acme, ..) => Some(IssuanceRequest::Retry),
    }
}

fn actions(certificate: LiveResource<CertificateDetail>) -> AnyView {
    let available = certificate
        .part(|certificate| (available_request(&certificate.row), certificate.row.domain));
    let action = Action::default();
    let toasts = Toasts::here();
    let request = move |next: IssuanceRequest| {
        let (id, name) = certificate
            .peek(|certificate| (certificate.row.id, certificate.row.subject.to_string()));
        let request = async move {
            match next {
                IssuanceRequest::Renew => server_fns::certificates::renew(id).await,
                IssuanceRequest::Retry => server_fns::certificates::retry(id).await,
            }
        };
        action.send(request, move |()| {
            toasts.notify(format!("Requesting a certificate for {name}."));
            certificate.refresh();
        });
    };
    action.warn_on_failure(toasts);
    reactive(move || {
        let (next, domain) = available.get();
        let Some(next) = next else {
            let href = format!("/certificates/new?domain={domain}");
            return view! { <a class="btn" href=href>{icon("upload")} "Upload replacement"</a> }
                .erase();
        };
        let label = match next {
            IssuanceRequest::Retry => "Retry now",
            IssuanceRequest::Renew => "Renew now",
        };
        action.button("rotate-cw", label, move || request(next))
    })
}

/// Why the last issuance failed, with the CA's original message in a fold.
fn last_error(certificate: LiveResource<CertificateDetail>) -> AnyView {
    let failure = certificate.part(|certificate| {
        let row = &certificate.row;
        let last_error = row.last_error.clone()?;
        Some((last_error, row.failures, row.state.needs_attention()))
    });
    reactive(move || {
        let (last_error, failures, is_alarming) = failure.get()?;
        let tone = if is_alarming {
            Tone::Danger
        } else {
            Tone::Warning
        };
        let times = (failures > 1).then(|| format!(", {failures} failures in a row"));
        let detail = last_error.detail.map(|detail| {
            view! { <details class="fold"><summary>"Error message"</summary><pre class="verbatim" tabindex="0">{detail}</pre></details> }.erase()
        });
        Some(
            view! {
                <section class=panel_class(tone) aria-label="Issuance failure">
                    <p class="panel-title">{icon("triangle-alert")} <span>{last_error.message}</span></p>
                    <p class="muted">"Last attempt " {ago(last_error.at)} {times} "."</p>
                    {detail}
                </section>
            }
            .erase(),
        )
    })
}

fn facts(CertificateDetail { row, .. }: &CertificateDetail) -> AnyView {
    let source = match row.method {
        IssuanceMethod::Acme => "ACME, renewed automatically",
        IssuanceMethod::Uploaded => "upload, not renewed automatically",
    };
    let domain = format!("/domains/{}", row.domain);
    let domain = view! { <a class="link" href=domain>{row.domain_name.to_string()}</a> };
    let none = "none yet: edge hosts serve a self-signed certificate, which browsers warn about";
    let facts = Facts::new()
        .view("Domain", domain.erase())
        .text("Site", &row.site_name)
        .text("Source", source);
    let facts = match &row.issued {
        Some(issued) => issued_details(facts, issued),
        None => facts.mono_or("Certificate", None::<String>, none),
    };
    let following = (row.method == IssuanceMethod::Acme).then(|| next_action(row));
    let failures = (row.failures > 0).then(|| times(row.failures));
    facts
        .with(following, |facts, next| facts.view("Renewal", next))
        .with(failures, |facts, times| {
            facts.number("Failed attempts", times)
        })
        .card()
}

fn times(count: u32) -> String {
    match count {
        1 => "1".to_owned(),
        count => format!("{count} in a row"),
    }
}

/// The details of the current certificate.
fn issued_details(facts: Facts, issued: &CertificateContents) -> Facts {
    let names: Vec<&str> = issued.names.iter().map(CertificateName::as_str).collect();
    let fingerprint = issued.fingerprint.to_string();
    let fingerprint = view! {
        <span class="mono wrap-any">{fingerprint.clone()}</span> <Copy text=fingerprint label="fingerprint" secret=true />
    };
    facts
        .mono("Names", names.join(", "))
        .text("Issuer", &issued.issuer)
        .view("Valid from", moment(issued.not_before))
        .view("Valid until", moment(issued.not_after))
        .text("Key", &issued.key)
        .view("SHA-256", fingerprint.erase())
}

/// A time relative to now, and its exact value.
fn moment(at: Timestamp) -> AnyView {
    view! { <span>{when(at)} <span class="muted num">{format!(", {at}")}</span></span> }.erase()
}

#[cfg(test)]
mod tests {
    use model::{
        CertificateId, DomainId,
        certificates::{CertificateContents, CertificateRow, CertificateState, IssuanceMethod},
    };

    use super::{IssuanceRequest, available_request};

    #[test]
    fn actions_depend_on_source_and_state() {
        let issued = CertificateContents {
            names: Vec::new(),
            issuer: String::new(),
            not_before: model::Timestamp(0),
            not_after: model::Timestamp(1),
            fingerprint: vec!["AB"; 32].join(":").parse().unwrap(),
            key: String::new(),
        };
        let mut row = CertificateRow {
            id: CertificateId(1),
            domain: DomainId(1),
            domain_name: "example.org".parse().unwrap(),
            site_name: "lab".parse().unwrap(),
            subject: "*.example.org".parse().unwrap(),
            method: IssuanceMethod::Acme,
            state: CertificateState::Waiting,
            issued: None,
            renew_at: None,
            next_attempt: None,
            failures: 0,
            last_error: None,
            is_used: true,
        };
        assert!(available_request(&row) == Some(IssuanceRequest::Retry));
        row.issued = Some(issued);
        assert!(available_request(&row) == Some(IssuanceRequest::Renew));
        row.failures = 1;
        assert!(available_request(&row) == Some(IssuanceRequest::Retry));
        row.method = IssuanceMethod::Uploaded;
        assert!(available_request(&row).is_none());
    }
}
