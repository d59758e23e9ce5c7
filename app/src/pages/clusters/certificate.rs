//! The certificate of a cluster's address: looked at, compared by a person, confirmed. Nothing is
//! sent to a server whose certificate was not confirmed.

use crate::solid::{Solid as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use model::clusters::{ApiUrl, Certificate, ClusterForm};

use crate::{
    api,
    components::{
        form::{FormState, field_id},
        icon::icon,
    },
};

/// What was looked at.
#[derive(Clone, Copy)]
struct Look {
    values: RwSignal<ClusterForm>,
    form: FormState,
    shown: RwSignal<Option<Certificate>>,
    busy: RwSignal<bool>,
}

impl Look {
    /// Asks the server to look at the address that is typed.
    fn at_address(self) {
        self.form.leave("url");
        if self.form.refusal("url").is_some() {
            crate::browser::focus(&field_id("url"));
            return;
        }
        self.busy.set(true);
        let url = self.values.with_untracked(|form| form.url.clone());
        spawn_local(async move {
            let answer = api::clusters::look(url).await;
            self.busy.try_set(false);
            match answer {
                Ok(certificate) => {
                    self.form.typed("fingerprint");
                    self.shown.try_set(Some(certificate));
                }
                Err(failure) => self.form.refuse(failure),
            }
        });
    }

    fn confirm(self, same: bool) {
        let shown = self.shown.with_untracked(|shown| {
            shown
                .as_ref()
                .and_then(|shown| shown.fingerprint.as_ref().map(ToString::to_string))
        });
        self.form.typed("fingerprint");
        self.values.update(|form| {
            form.fingerprint = shown.filter(|_| same).unwrap_or_default();
        });
    }
}

/// The part of the form about the certificate.
pub fn certificate(form: FormState, values: RwSignal<ClusterForm>) -> AnyView {
    let look = Look {
        values,
        form,
        shown: RwSignal::new(None),
        busy: RwSignal::new(false),
    };
    // What was looked at and confirmed holds for the address that it was seen at.
    let url = Memo::new(move |_| values.with(|form| form.url.parse::<ApiUrl>().ok()));
    Effect::new(move |before: Option<Option<ApiUrl>>| {
        let now = url.get();
        if before.is_some_and(|before| before != now) {
            look.shown.set(None);
            values.update(|form| form.fingerprint.clear());
        }
        now
    });
    let refusal = Memo::new(move |_| form.refusal("fingerprint"));
    let told = reactive(move || {
        refusal.get().map(|refusal| {
            view! { <span class="refusal">{icon("circle-alert")} {refusal}</span> }.solid()
        })
    });
    view! {
        <fieldset class="card group">
            <legend class="card-title">"Certificate"</legend>
            <p class="muted">"Proxmox signs its own certificates, so you compare the fingerprint once. From then on only this certificate is believed."</p>
            <div class="actions">
                <button
                    type="button"
                    class="btn"
                    id=field_id("fingerprint")
                    class:btn-busy=look.busy
                    disabled=look.busy
                    aria-describedby="certificate-help"
                    on:click=act(move |_| look.at_address())
                >
                    {icon("search")} "Look at the certificate"
                </button>
            </div>
            {reactive(move || look.shown.with(|shown| shown.as_ref().map(|shown| seen(look, shown))))}
            {known(look)}
            <div id="certificate-help" aria-live="polite">{told}</div>
        </fieldset>
    }
    .solid()
}

/// What the server showed, to compare.
fn seen(look: Look, certificate: &Certificate) -> AnyView {
    let Some(fingerprint) = &certificate.fingerprint else {
        return view! { <p>"This address is on this machine and has no certificate."</p> }.solid();
    };
    let text = fingerprint.to_string();
    let same = text.clone();
    let checked = Signal::derive(move || look.values.with(|form| form.fingerprint == same));
    view! {
        <div class="panel panel-info">
            <p>{format!("{} shows a certificate with this SHA-256 fingerprint:", certificate.url)}</p>
            <p class="words">{text}</p>
            <p>"On the node, " <code class="mono">"pvenode cert info"</code> " prints it; in Proxmox it is under the node, System, Certificates."</p>
            <label class="check">
                <input type="checkbox" prop:checked=checked on:change=act(move |ev| look.confirm(event_target_checked(&ev))) />
                "I compared it: it is the same"
            </label>
        </div>
    }
    .solid()
}

/// The one that was confirmed before, while no other is looked at.
fn known(look: Look) -> AnyView {
    let confirmed = Memo::new(move |_| {
        let looked = look.shown.with(Option::is_some);
        look.values.with(|form| {
            (!looked && !form.fingerprint.is_empty()).then(|| form.fingerprint.clone())
        })
    });
    reactive(move || {
        confirmed.get().map(|fingerprint| {
            view! { <div class="stack-tight"><p>"Confirmed:"</p><p class="words">{fingerprint}</p></div> }.solid()
        })
    })
}
