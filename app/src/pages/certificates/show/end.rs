//! Revocation and deletion of a certificate.

use leptos::{prelude::*, task::spawn_local};
use model::certificates::{CertificateDetail, CertificateName, CertificateRow, IssuanceMethod};

use crate::{
    components::{
        delete_card::{DeleteCard, delete_call, delete_card},
        dialog::{ConfirmDialog, Deletion, Question},
        icon::icon,
        live_resource::LiveResource,
        toast::Toasts,
    },
    erase::{Erase as _, act, reactive},
    server_fns,
};

/// The card: an issued certificate is revoked at its CA, an uploaded one is deleted.
pub fn card(shown: LiveResource<CertificateDetail>, name: Memo<String>) -> AnyView {
    let of = shown.part(|shown| (shown.row.source, shown.row.issued.is_some()));
    reactive(move || match of.get() {
        (IssuanceMethod::Uploaded, _) => Some(deletion(shown, name)),
        (IssuanceMethod::Acme, true) => Some(revocation(shown, name)),
        (IssuanceMethod::Acme, false) => None,
    })
}

fn deletion(shown: LiveResource<CertificateDetail>, name: Memo<String>) -> AnyView {
    delete_card(DeleteCard {
        verb: "Delete",
        what: "certificate",
        name,
        losses: Signal::derive(move || shown.with(|shown| losses(&shown.row))),
        note: Signal::stored(
            "Names that it was for are then served with another that is for them, else with the edge hosts' own, which browsers warn of.",
        ),
        blocked: Callback::new(|()| None),
        list: "/certificates",
        ask: delete_call(move |typed| {
            server_fns::certificates::delete(shown.peek(|shown| shown.row.id), typed)
        }),
    })
}

/// The objects that are deleted along with an uploaded certificate.
fn losses(row: &CertificateRow) -> Vec<String> {
    let names = row.issued.iter().flat_map(|issued| &issued.names);
    let names: Vec<&str> = names.map(CertificateName::as_str).collect();
    let mut losses = vec![
        format!("The certificate for {}", names.join(", ")),
        "Its key, unless you have it elsewhere".to_owned(),
        "Its history".to_owned(),
    ];
    if row.is_used {
        let label_text =
            "Browsers warn of what is published under its names until there is another";
        losses.push(label_text.to_owned());
    }
    losses
}

fn revocation(shown: LiveResource<CertificateDetail>, name: Memo<String>) -> AnyView {
    let revocation = Deletion::default();
    let toasts = Toasts::here();
    let revoke = Callback::new(move |typed: String| {
        let id = shown.peek(|shown| shown.row.id);
        spawn_local(async move {
            let answer = server_fns::certificates::revoke(id, typed).await;
            revocation.busy.try_set(false);
            match answer {
                Ok(()) => {
                    toasts.notify(format!(
                        "Revoked the certificate of {}.",
                        name.get_untracked()
                    ));
                    revocation.open.try_set(false);
                    shown.refresh();
                }
                Err(failure) => {
                    revocation.failure.try_set(Some(failure));
                }
            }
        });
    });
    let question = Question {
        title: Signal::derive(move || format!("Revoke {}?", name.get())),
        lead: "This cannot be undone:",
        keep: Signal::derive(move || format!("Keep {}", name.get())),
        go: Signal::derive(move || format!("Revoke {}", name.get())),
        shape: "ban",
    };
    let comes = vec![
        "The authority tells everybody that the certificate is good no more.".to_owned(),
        "Another one with another key is asked for at once.".to_owned(),
        "Until that is there, the edge hosts go on serving this one.".to_owned(),
    ];
    view! {
        <section class="card card-danger stack-tight">
            <h2 class="card-title">"Revoke the certificate"</h2>
            <p>"For when somebody else may have its key. Holdfast has another one with another key instead."</p>
            <div><button type="button" class="btn btn-danger" on:click=act(move |_| revocation.open.set(true))>
                {icon("ban")} {reactive(move || format!("Revoke {}", name.get()))}
            </button></div>
        </section>
        <ConfirmDialog deletion=revocation name losses=Signal::stored(comes) question delete=revoke />
    }
    .erase()
}
