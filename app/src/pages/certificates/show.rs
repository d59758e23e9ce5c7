//! One certificate: its details, why a renewal failed, its history, and its revocation or deletion.

mod end;
mod history;

use model::{
    Timestamp,
    certificates::{
        CertificateContents, CertificateDetail, CertificateName, CertificateRow, IssuanceMethod,
    },
};

use super::next;
use crate::{components::badge::certificate_badge, pages::prelude::*};

/// The page.
pub fn page() -> AnyView {
    let interests = |shown: &CertificateDetail| {
        vec![
            Event::of(Topic::Certificate, shown.row.id.0),
            Event::of(Topic::Domain, shown.row.domain.0),
        ]
    };
    object_page("id", server_fns::certificates::get, interests, content)
}

fn content(shown: LiveResource<CertificateDetail>) -> AnyView {
    let name = shown.part(|shown| shown.row.subject.to_string());
    view! {
        <PageHead title=name badges=move || marks(shown) actions=move || actions(shown) />
        <div class="stack stack-narrow">
            {last_error(shown)}
            {shown.view(facts)}
            {history::card(shown)}
            {end::card(shown, name)}
        </div>
    }
    .erase()
}

/// The badges beside the name.
fn marks(shown: LiveResource<CertificateDetail>) -> AnyView {
    let mark = shown.part(|shown| (shown.row.state, shown.row.is_used));
    reactive(move || {
        let (state, is_used) = mark.get();
        let unused = (!is_used).then_some("unused");
        view! { <span class="state-line">{certificate_badge(state)} {unused}</span> }.erase()
    })
}

/// The action that is available for a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// There is no certificate, or its renewal failed: retry immediately.
    Retry,
    /// The certificate is valid: renew it immediately.
    Renew,
    /// An uploaded certificate, which is not renewed automatically.
    Upload,
}

fn step(row: &CertificateRow) -> Step {
    match (row.source, &row.issued, row.failures) {
        (IssuanceMethod::Uploaded, ..) => Step::Upload,
        (IssuanceMethod::Acme, Some(_), 0) => Step::Renew,
        (IssuanceMethod::Acme, ..) => Step::Retry,
    }
}

fn actions(shown: LiveResource<CertificateDetail>) -> AnyView {
    let now = shown.part(|shown| (step(&shown.row), shown.row.domain));
    let busy = RwSignal::new(false);
    let toasts = Toasts::here();
    let ask = move |step: Step| {
        busy.set(true);
        let (id, name) = shown.peek(|shown| (shown.row.id, shown.row.subject.to_string()));
        spawn_local(async move {
            let answer = match step {
                Step::Renew => server_fns::certificates::renew(id).await,
                Step::Retry | Step::Upload => server_fns::certificates::try_again(id).await,
            };
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    toasts.notify(format!("Requesting a certificate for {name}."));
                    shown.refresh();
                }
                Err(failure) => toasts.warn(failure.to_string()),
            }
        });
    };
    reactive(move || {
        let (step, domain) = now.get();
        let message = match step {
            Step::Retry => "Retry now",
            Step::Renew => "Renew now",
            Step::Upload => {
                let href = format!("/certificates/new?domain={domain}");
                return view! { <a class="btn" href=href>{icon("plus")} "Upload replacement"</a> }
                    .erase();
            }
        };
        view! {
            <button type="button" class="btn" class:btn-busy=busy disabled=busy on:click=act(move |_| ask(step))>{icon("rotate-cw")} {message}</button>
        }
        .erase()
    })
}

/// Why the last issuance failed, with the CA's original message in a fold.
fn last_error(shown: LiveResource<CertificateDetail>) -> AnyView {
    let failure = shown.part(|shown| {
        let row = &shown.row;
        let last_error = row.last_error.clone()?;
        Some((last_error, row.failures, row.state.needs_attention()))
    });
    reactive(move || {
        let (last_error, failures, is_alarming) = failure.get()?;
        let class = match is_alarming {
            true => "panel panel-danger",
            false => "panel panel-warning",
        };
        let times = (failures > 1).then(|| format!(", {failures} failures in a row"));
        let detail = last_error.detail.map(|detail| {
            view! { <details class="fold"><summary>"Original message"</summary><pre class="words" tabindex="0">{detail}</pre></details> }.erase()
        });
        Some(
            view! {
                <section class=class aria-label="Issuance failure">
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
    let source = match row.source {
        IssuanceMethod::Acme => "ACME, renewed automatically",
        IssuanceMethod::Uploaded => "upload, not renewed automatically",
    };
    let failures = (row.failures > 0).then(|| {
        view! { <dt>"Failed attempts"</dt><dd class="num">{times(row.failures)}</dd> }.erase()
    });
    let following = (row.source == IssuanceMethod::Acme)
        .then(|| view! { <dt>"Next"</dt><dd>{next(row)}</dd> }.erase());
    let issued = match &row.issued {
        Some(issued) => issued_details(issued),
        None => view! {
            <dt>"Certificate"</dt><dd class="muted">"none yet: edge hosts serve a self-signed certificate, which browsers warn about"</dd>
        }
        .erase(),
    };
    let domain = format!("/domains/{}", row.domain);
    view! {
        <dl class="card facts">
            <dt>"Domain"</dt><dd><a class="link" href=domain>{row.domain_name.to_string()}</a></dd>
            <dt>"Site"</dt><dd>{row.site_name.to_string()}</dd>
            <dt>"Source"</dt><dd>{source}</dd>
            {issued}
            {following}
            {failures}
        </dl>
    }
    .erase()
}

fn times(count: u32) -> String {
    match count {
        1 => "1".to_owned(),
        count => format!("{count} in a row"),
    }
}

/// The details of the current certificate.
fn issued_details(issued: &CertificateContents) -> AnyView {
    let names: Vec<&str> = issued.names.iter().map(CertificateName::as_str).collect();
    let fingerprint = issued.fingerprint.to_string();
    view! {
        <dt>"Names"</dt><dd class="mono">{names.join(", ")}</dd>
        <dt>"Issuer"</dt><dd>{issued.issuer.clone()}</dd>
        <dt>"Valid from"</dt><dd>{moment(issued.not_before)}</dd>
        <dt>"Valid until"</dt><dd>{moment(issued.not_after)}</dd>
        <dt>"Key"</dt><dd>{issued.key.clone()}</dd>
        <dt>"SHA-256"</dt><dd><span class="mono wrap-any">{fingerprint.clone()}</span> <Copy text=fingerprint what="fingerprint" secret=true /></dd>
    }
    .erase()
}

/// A time relative to now, and its exact value.
fn moment(at: Timestamp) -> AnyView {
    view! { <span>{when(at)} <span class="muted num">{format!(", {}", at.rfc3339())}</span></span> }
        .erase()
}

#[cfg(test)]
mod tests {
    use model::{
        CertificateId, DomainId,
        certificates::{CertificateContents, CertificateRow, CertificateState, IssuanceMethod},
    };

    use super::{Step, step};

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
            source: IssuanceMethod::Acme,
            state: CertificateState::Waiting,
            issued: None,
            renew_at: None,
            next_attempt: None,
            failures: 0,
            last_error: None,
            is_used: true,
        };
        assert!(step(&row) == Step::Retry);
        row.issued = Some(issued);
        assert!(step(&row) == Step::Renew);
        row.failures = 1;
        assert!(step(&row) == Step::Retry);
        row.source = IssuanceMethod::Uploaded;
        assert!(step(&row) == Step::Upload);
    }
}
