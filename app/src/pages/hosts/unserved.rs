//! Certificates that a host cannot serve; it serves the previous or its own certificate instead.

use model::{CertificateId, fingerprint::Fingerprint, hosts::HostDetail};

use crate::pages::prelude::*;

/// The fingerprint of a certificate, its id and its hostname.
type KnownCertificate = (Fingerprint, CertificateId, String);

/// The panel; empty if the host serves all certificates.
pub fn unserved(host: LiveResource<HostDetail>) -> AnyView {
    let all = host.part(|host| {
        let report = host
            .row
            .report
            .iter()
            .flat_map(|report| &report.unservable_certificates);
        let each = report.map(|entry| (entry.certificate.clone(), entry.reason.clone()));
        each.collect::<Vec<_>>()
    });
    let known = known_certificates(all);
    let entry = move |(fingerprint, message): (Fingerprint, String)| {
        let name = reactive(move || {
            let certificate = known.with(|known| {
                let mut known = known.iter();
                known.find(|(other, ..)| *other == fingerprint).cloned()
            });
            match certificate {
                Some((_, id, subject)) => {
                    let href = format!("/certificates/{id}");
                    view! { <a class="link" href=href>{subject}</a> }.erase()
                }
                None => {
                    view! { <span class="mono wrap-any">{fingerprint.to_string()}</span> }.erase()
                }
            }
        });
        view! { <p>{name} ": " {message}</p> }.erase()
    };
    reactive(move || {
        let all = all.get();
        (!all.is_empty()).then(|| {
            view! {
                <section class="panel panel-warning">
                    <p class="panel-title">{icon("triangle-alert")} "These certificates cannot be served. The host serves the previous or a self-signed certificate."</p>
                    {all.into_iter().map(entry).collect::<Vec<_>>()}
                </section>
            }
            .erase()
        })
    })
}

/// The hostnames of the certificates, which the host knows by fingerprint only. Fetched only if
/// there are any.
fn known_certificates(all: Memo<Vec<(Fingerprint, String)>>) -> RwSignal<Vec<KnownCertificate>> {
    let known = RwSignal::new(Vec::new());
    let is_needed = Memo::new(move |_| !all.with(Vec::is_empty));
    Effect::new(move |_| {
        if !is_needed.get() {
            return;
        }
        spawn_local(async move {
            // If the request fails, the fingerprints are shown.
            let all = server_fns::certificates::list(None)
                .await
                .unwrap_or_default();
            let issued = all.into_iter().filter_map(|row| {
                let fingerprint = row.issued?.fingerprint;
                Some((fingerprint, row.id, row.subject.to_string()))
            });
            known.try_set(issued.collect());
        });
    });
    known
}
