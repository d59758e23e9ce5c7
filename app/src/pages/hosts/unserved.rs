//! Certificates that a host cannot serve; it serves the previous or its own certificate instead.

use model::{CertificateId, fingerprint::Fingerprint, hosts::HostDetail};

use crate::pages::prelude::*;

/// The display name of a certificate, beside its fingerprint.
type Named = (Fingerprint, CertificateId, String);

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
    let named = named(all);
    let entry = move |(print, message): (Fingerprint, String)| {
        let name = reactive(move || {
            let known = named.with(|named| {
                let mut named = named.iter();
                named.find(|(it, ..)| *it == print).cloned()
            });
            match known {
                Some((_, id, subject)) => {
                    let href = format!("/certificates/{id}");
                    view! { <a class="link" href=href>{subject}</a> }.erase()
                }
                None => view! { <span class="mono wrap-any">{print.to_string()}</span> }.erase(),
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
fn named(all: Memo<Vec<(Fingerprint, String)>>) -> RwSignal<Vec<Named>> {
    let named = RwSignal::new(Vec::new());
    let is_asked = Memo::new(move |_| !all.with(Vec::is_empty));
    Effect::new(move |_| {
        if !is_asked.get() {
            return;
        }
        spawn_local(async move {
            // If the request fails, the fingerprints are shown.
            let known = server_fns::certificates::list(None)
                .await
                .unwrap_or_default();
            let known = known.into_iter().filter_map(|row| {
                let print = row.issued?.fingerprint;
                Some((print, row.id, row.subject.to_string()))
            });
            named.try_set(known.collect());
        });
    });
    named
}
