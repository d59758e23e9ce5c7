//! The test of a DNS provider for a domain, step by step.

use model::{
    FieldError, Invalid, ProviderId,
    names::Domain,
    providers::{ProviderCheck, ProviderKind},
};

use crate::pages::prelude::*;

/// What the test does, and what it leaves behind.
fn description(kind: ProviderKind) -> &'static str {
    match kind {
        ProviderKind::Cloudflare | ProviderKind::Rfc2136 => {
            "Checks access for a domain. Creates the record _holdfast-test and removes it again."
        }
        ProviderKind::AcmeDns => {
            "Checks access for a domain or a hostname. Overwrites one of the two TXT values of the acme-dns account until the next challenge."
        }
    }
}

/// The card. `domains` are suggestions; the first one is preselected.
pub fn card(id: ProviderId, kind: Signal<ProviderKind>, domains: Signal<Vec<String>>) -> AnyView {
    let first = domains.with_untracked(|all| all.first().cloned().unwrap_or_default());
    let domain = RwSignal::new(first);
    let form = FormState::new(move || domain.with_untracked(|text| refusal(text)));
    // The tested domain and its checks.
    let result = RwSignal::new(None::<(String, Vec<ProviderCheck>)>);
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        result.set(None);
        if !form.submit() {
            crate::browser::focus("field-domain");
            return;
        }
        let tested = domain.get_untracked().trim().to_owned();
        spawn_local(async move {
            match server_fns::providers::test(id, tested.clone()).await {
                Ok(checks) => {
                    result.try_set(Some((tested, checks)));
                    form.busy.try_set(false);
                }
                Err(failure) => form.refuse(failure),
            }
        });
    };
    let value = FieldBinding {
        get: domain.into(),
        set: Callback::new(move |text| domain.set(text)),
    };
    view! {
        <section class="card">
            <h2 class="card-title">"Test"</h2>
            <form class="stack-tight" novalidate on:submit=act(submit)>
                <p class="muted">{reactive(move || description(kind.get()))}</p>
                <Field form name="domain" label="Domain" value options=domains />
                <FailureLine failure=form.failure />
                <div class="actions">
                    // Keep the focus in the field until the click is complete: an error message on
                    // blur would move the button from under the pointer.
                    <button type="submit" class="btn" class:btn-busy=form.busy disabled=form.busy
                        on:mousedown=act(|ev: leptos::ev::MouseEvent| ev.prevent_default())>
                        {icon("play")} "Test"
                    </button>
                </div>
            </form>
            <div aria-live="polite">{reactive(move || result.with(|result| result.as_ref().map(results)))}</div>
        </section>
    }
    .erase()
}

fn refusal(text: &str) -> Vec<FieldError> {
    let parsed: Result<Domain, Invalid> = text.parse();
    let error = parsed.err().map(|invalid| invalid.for_field("domain"));
    error.into_iter().collect()
}

fn results((domain, checks): &(String, Vec<ProviderCheck>)) -> AnyView {
    let failed = checks.iter().filter(|check| !check.is_good).count();
    let title = match failed {
        0 => format!("All checks passed for {domain}."),
        1 => format!("1 check failed for {domain}."),
        failed => format!("{failed} checks failed for {domain}."),
    };
    let each = checks.iter().map(check_result).collect::<Vec<_>>();
    view! {
        <div class="test-results stack-tight">
            <p><strong>{title}</strong></p>
            <ul class="stack-tight" aria-label="Test results">{each}</ul>
        </div>
    }
    .erase()
}

fn check_result(check: &ProviderCheck) -> AnyView {
    let badge = match check.is_good {
        true => badge("passed", Tone::Good, "circle-check"),
        false => badge("failed", Tone::Danger, "circle-x"),
    };
    view! { <li class="test-result">{badge} <span class="wrap-any">{check.message.clone()}</span></li> }
        .erase()
}
