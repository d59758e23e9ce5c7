//! The certificate of a cluster's API: fetched, compared by the user, confirmed. No credentials are
//! sent to a server whose certificate was not confirmed.

use model::clusters::{ApiUrl, ClusterForm, PresentedCertificate};

use crate::{components::form::field_id, pages::prelude::*};

/// The fetched certificate.
#[derive(Clone, Copy)]
struct CertificateCheck {
    values: RwSignal<ClusterForm>,
    form: FormState,
    presented: RwSignal<Option<PresentedCertificate>>,
    busy: RwSignal<bool>,
}

impl CertificateCheck {
    /// Fetches the certificate of the typed address.
    fn fetch(self) {
        self.form.leave("url");
        if self.form.refusal("url").is_some() {
            crate::browser::focus(&field_id("url"));
            return;
        }
        self.busy.set(true);
        let url = self.values.with_untracked(|form| form.url.clone());
        spawn_local(async move {
            let result = server_fns::clusters::fetch_certificate(url).await;
            self.busy.try_set(false);
            match result {
                Ok(certificate) => {
                    self.form.typed("fingerprint");
                    self.presented.try_set(Some(certificate));
                }
                Err(failure) => self.form.refuse(failure),
            }
        });
    }

    fn confirm(self, is_match: bool) {
        let fingerprint = self.presented.with_untracked(|presented| {
            let fingerprint = presented.as_ref()?.fingerprint.as_ref();
            fingerprint.map(ToString::to_string)
        });
        self.form.typed("fingerprint");
        self.values.update(|form| {
            form.fingerprint = fingerprint.filter(|_| is_match).unwrap_or_default();
        });
    }
}

/// The form section of the certificate.
pub fn certificate(form: FormState, values: RwSignal<ClusterForm>) -> AnyView {
    let check = CertificateCheck {
        values,
        form,
        presented: RwSignal::new(None),
        busy: RwSignal::new(false),
    };
    // A confirmation is valid only for the address that the certificate was fetched from.
    let url = Memo::new(move |_| values.with(|form| form.url.parse::<ApiUrl>().ok()));
    Effect::new(move |before: Option<Option<ApiUrl>>| {
        let now = url.get();
        if before.is_some_and(|before| before != now) {
            check.presented.set(None);
            values.update(|form| form.fingerprint.clear());
        }
        now
    });
    let refusal = Memo::new(move |_| form.refusal("fingerprint"));
    let error = reactive_option(refusal, move |refusal| {
        view! { <span class="error-message">{icon("circle-alert")} {refusal}</span> }.erase()
    });
    let fields = view! {
        <p class="muted">"Proxmox uses self-signed certificates, so compare the fingerprint once. Holdfast then trusts only this certificate."</p>
        <div class="actions">
            <button type="button" class="btn" id=field_id("fingerprint") class:btn-busy=check.busy disabled=check.busy
                aria-describedby="certificate-help" on:click=act(move |_| check.fetch())>
                {icon("search")} "Fetch certificate"
            </button>
        </div>
        {reactive(move || check.presented.with(|presented| presented.as_ref().map(|presented| comparison(check, presented))))}
        {trusted(check)}
        <div id="certificate-help" aria-live="polite">{error}</div>
    };
    group("Certificate", fields.erase())
}

/// The presented certificate, for comparison.
fn comparison(check: CertificateCheck, certificate: &PresentedCertificate) -> AnyView {
    let Some(fingerprint) = &certificate.fingerprint else {
        return view! { <p>"This address is local and has no certificate."</p> }.erase();
    };
    let text = fingerprint.to_string();
    let expected = text.clone();
    let checked = Signal::derive(move || check.values.with(|form| form.fingerprint == expected));
    view! {
        <div class="panel panel-info">
            <p>{format!("{} presents a certificate with this SHA-256 fingerprint:", certificate.url)}</p>
            <p class="verbatim">{text}</p>
            <p>"Compare with the output of " <code class="mono">"pvenode cert info"</code> " on the node, or with System, Certificates of the node in Proxmox."</p>
            <label class="check">
                <input type="checkbox" prop:checked=checked on:change=act(move |ev| check.confirm(event_target_checked(&ev))) />
                "The fingerprint matches"
            </label>
        </div>
    }
    .erase()
}

/// The certificate that was confirmed before, unless another one is being compared.
fn trusted(check: CertificateCheck) -> AnyView {
    let confirmed = Memo::new(move |_| {
        let is_comparing = check.presented.with(Option::is_some);
        check.values.with(|form| {
            (!is_comparing && !form.fingerprint.is_empty()).then(|| form.fingerprint.clone())
        })
    });
    reactive_option(confirmed, move |fingerprint| {
        view! { <div class="stack-tight"><p>"Trusted fingerprint:"</p><p class="verbatim">{fingerprint}</p></div> }.erase()
    })
}
