//! Certificates that a host cannot serve: it serves the one before, or its own, in their place.

use crate::solid::{Solid as _, reactive};
use leptos::{prelude::*, task::spawn_local};
use model::{CertificateId, agents::AgentDetail, clusters::Fingerprint};

use crate::{
    api,
    components::{icon::icon, loaded::Loaded},
};

/// What people call a certificate, beside its number.
type Named = (Fingerprint, CertificateId, String);

/// The panel; nothing while the host serves them all.
pub fn unserved(agent: Loaded<AgentDetail>) -> AnyView {
    let all = agent.part(|agent| {
        let report = agent.row.report.iter().flat_map(|report| &report.unserved);
        let each = report.map(|one| (one.certificate.clone(), one.words.clone()));
        each.collect::<Vec<_>>()
    });
    let named = named(all);
    let one = move |(print, words): (Fingerprint, String)| {
        let name = reactive(move || {
            let known = named.with(|named| {
                let mut named = named.iter();
                named.find(|(it, ..)| *it == print).cloned()
            });
            match known {
                Some((_, id, subject)) => {
                    let href = format!("/certificates/{id}");
                    view! { <a class="link" href=href>{subject}</a> }.solid()
                }
                None => view! { <span class="mono wrap-any">{print.to_string()}</span> }.solid(),
            }
        });
        view! { <p>{name} ": " {words}</p> }.solid()
    };
    reactive(move || {
        let all = all.get();
        (!all.is_empty()).then(|| {
            view! {
                <section class="panel panel-warning">
                    <p class="panel-title">{icon("triangle-alert")} "It cannot serve these certificates: it serves the one before, or its own, which browsers warn of."</p>
                    {all.into_iter().map(one).collect::<Vec<_>>()}
                </section>
            }
            .solid()
        })
    })
}

/// What they are for: the host knows them by their fingerprints only. Asked for when there are some.
fn named(all: Memo<Vec<(Fingerprint, String)>>) -> RwSignal<Vec<Named>> {
    let named = RwSignal::new(Vec::new());
    let is_asked = Memo::new(move |_| !all.with(Vec::is_empty));
    Effect::new(move |_| {
        if !is_asked.get() {
            return;
        }
        spawn_local(async move {
            // Without an answer their fingerprints are shown.
            let known = api::certificates::list(None).await.unwrap_or_default();
            let known = known.into_iter().filter_map(|row| {
                let print = row.issued?.fingerprint;
                Some((print, row.id, row.subject.to_string()))
            });
            named.try_set(known.collect());
        });
    });
    named
}
