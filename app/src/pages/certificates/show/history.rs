//! The history of a certificate.

use model::certificates::{CertificateDetail, CertificateEvent, HistoryEntry};

use crate::pages::prelude::*;

pub fn card(certificate: LiveResource<CertificateDetail>) -> AnyView {
    let history = certificate.part(|certificate| certificate.history.clone());
    let lines = reactive(move || {
        let history = history.get();
        if history.is_empty() {
            return view! { <p class="muted">"No entries yet. The certificate is being requested."</p> }.erase();
        }
        let lines = history.into_iter().map(line).collect::<Vec<_>>();
        view! { <ol class="stack-tight">{lines}</ol> }.erase()
    });
    crate::components::panel::card("History", lines)
}

fn line(line: HistoryEntry) -> AnyView {
    let (tone, icon_name) = match line.event {
        CertificateEvent::Issued => (Tone::Good, "circle-check"),
        CertificateEvent::Renewed => (Tone::Good, "rotate-cw"),
        CertificateEvent::Uploaded => (Tone::Good, "upload"),
        CertificateEvent::Failed => (Tone::Danger, "circle-x"),
        CertificateEvent::Revoked => (Tone::Warning, "ban"),
        CertificateEvent::Expiring => (Tone::Warning, "triangle-alert"),
        CertificateEvent::Expired => (Tone::Danger, "ban"),
    };
    view! {
        <li>
            <span class="state-line">{badge(line.event.as_str(), tone, icon_name)} <span class="muted num">{ago(line.at)}</span></span>
            <p class="wrap-any">{line.message}</p>
        </li>
    }
    .erase()
}
