//! Taking a certificate back, or away.

use leptos::{prelude::*, task::spawn_local};
use model::certificates::{CertificateDetail, CertificateName, CertificateRow, Source};

use crate::{
    api,
    components::{
        danger::{Ending, asked, danger},
        dialog::{ConfirmDialog, Deletion, Question},
        icon::icon,
        loaded::Loaded,
        toast::Toasts,
    },
    solid::{Solid as _, act, reactive},
};

/// The card: one that an authority gave is revoked there, one that somebody brought is deleted.
pub fn card(shown: Loaded<CertificateDetail>, name: Memo<String>) -> AnyView {
    let of = shown.part(|shown| (shown.row.source, shown.row.issued.is_some()));
    reactive(move || match of.get() {
        (Source::Uploaded, _) => Some(deletion(shown, name)),
        (Source::Acme, true) => Some(revocation(shown, name)),
        (Source::Acme, false) => None,
    })
}

fn deletion(shown: Loaded<CertificateDetail>, name: Memo<String>) -> AnyView {
    danger(Ending {
        verb: "Delete",
        what: "certificate",
        name,
        losses: Signal::derive(move || shown.with(|shown| losses(&shown.row))),
        note: Signal::stored(
            "Names that it was for are then served with another that is for them, else with the edge hosts' own, which browsers warn of.",
        ),
        held: Callback::new(|()| None),
        list: "/certificates",
        ask: asked(move |typed| api::certificates::delete(shown.peek(|shown| shown.row.id), typed)),
    })
}

/// What goes with a certificate that somebody brought, in words for the dialog.
fn losses(row: &CertificateRow) -> Vec<String> {
    let names = row.issued.iter().flat_map(|issued| &issued.names);
    let names: Vec<&str> = names.map(CertificateName::as_str).collect();
    let mut losses = vec![
        format!("The certificate for {}", names.join(", ")),
        "Its key, unless you have it elsewhere".to_owned(),
        "Its history".to_owned(),
    ];
    if row.is_used {
        let words = "Browsers warn of what is published under its names until there is another";
        losses.push(words.to_owned());
    }
    losses
}

fn revocation(shown: Loaded<CertificateDetail>, name: Memo<String>) -> AnyView {
    let revocation = Deletion::default();
    let toasts = Toasts::here();
    let revoke = Callback::new(move |typed: String| {
        let id = shown.peek(|shown| shown.row.id);
        spawn_local(async move {
            let answer = api::certificates::revoke(id, typed).await;
            revocation.busy.try_set(false);
            match answer {
                Ok(()) => {
                    toasts.tell(format!(
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
    .solid()
}
