//! Revocation and deletion of a certificate.

use model::certificates::{CertificateDetail, CertificateName, CertificateRow, IssuanceMethod};

use crate::{
    components::dialog::{ConfirmDialog, ConfirmedAction, Question},
    pages::prelude::*,
};

/// The card: an issued certificate is revoked at its CA, an uploaded one is deleted.
pub fn card(certificate: LiveResource<CertificateDetail>, name: Memo<String>) -> AnyView {
    let of =
        certificate.part(|certificate| (certificate.row.method, certificate.row.issued.is_some()));
    reactive(move || match of.get() {
        (IssuanceMethod::Uploaded, _) => Some(deletion(certificate, name)),
        (IssuanceMethod::Acme, true) => Some(revocation(certificate, name)),
        (IssuanceMethod::Acme, false) => None,
    })
}

fn deletion(certificate: LiveResource<CertificateDetail>, name: Memo<String>) -> AnyView {
    let consequences = move || certificate.with(|certificate| consequences(&certificate.row));
    delete_card(Kind::Certificate, name, consequences, move |typed| {
        server_fns::certificates::delete(certificate.peek(|certificate| certificate.row.id), typed)
    })
    .note("Edge hosts then serve another matching certificate, or a self-signed certificate, which browsers warn about.")
    .view()
}

/// The objects that are deleted along with an uploaded certificate.
fn consequences(row: &CertificateRow) -> Vec<String> {
    let names = row.issued.iter().flat_map(|issued| &issued.names);
    let names: Vec<&str> = names.map(CertificateName::as_str).collect();
    let mut consequences = vec![
        format!("The certificate for {}", names.join(", ")),
        "The private key of the certificate".to_owned(),
        "The history of the certificate".to_owned(),
    ];
    if row.is_used {
        let warning = "Browsers warn about the services that use the certificate until you upload a replacement.";
        consequences.push(warning.to_owned());
    }
    consequences
}

fn revocation(certificate: LiveResource<CertificateDetail>, name: Memo<String>) -> AnyView {
    let revocation = ConfirmedAction::default();
    let toasts = Toasts::here();
    let revoke = Callback::new(move |typed: String| {
        let id = certificate.peek(|certificate| certificate.row.id);
        revocation.send(server_fns::certificates::revoke(id, typed), move |()| {
            let name = name.get_untracked();
            toasts.notify(format!("Revoked the certificate of {name}."));
            certificate.refresh();
        });
    });
    let question = Question {
        title: Signal::derive(move || format!("Revoke {}?", name.get())),
        lead: "This cannot be undone.",
        cancel_label: Signal::derive(move || format!("Keep {}", name.get())),
        confirm_label: Signal::derive(move || format!("Revoke {}", name.get())),
        icon_name: "ban",
    };
    let consequences = [
        "The CA publishes that the certificate is revoked.",
        "A new certificate with a new key is requested immediately.",
        "Edge hosts keep serving the revoked certificate until the new certificate is issued.",
    ];
    let consequences = Signal::stored(consequences.map(str::to_owned).to_vec());
    view! {
        <section class="card card-danger stack-tight">
            <h2 class="card-title">"Revoke certificate"</h2>
            <p>"Revoke the certificate if its key may be compromised. A new certificate with a new key is requested immediately."</p>
            <div><button type="button" class="btn btn-danger" on:click=act(move |_| revocation.open.set(true))>
                {icon("ban")} {reactive(move || format!("Revoke {}", name.get()))}
            </button></div>
        </section>
        <ConfirmDialog action=revocation name consequences question on_confirm=revoke />
    }
    .erase()
}
