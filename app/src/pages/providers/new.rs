//! The form of a new DNS provider.

use crate::erase::{Erase as _, act};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use model::session::CurrentUser;

use super::fields::{fields, first, form_state};
use crate::{
    components::{
        form::{Refusals, Submit},
        live_resource::{LiveResource, live_resource},
        page::{PageHead, object_skeleton},
        toast::Toasts,
    },
    pages::rights::administrator,
    server_fns,
};

/// The page.
pub fn page() -> AnyView {
    live_resource(
        Signal::from(()),
        |()| administrator(),
        |_| Vec::new(),
        object_skeleton,
        content,
    )
}

fn content(_: LiveResource<CurrentUser>) -> AnyView {
    let values = RwSignal::new(first());
    let form = form_state(values, true);
    let toasts = Toasts::here();
    let navigate = use_navigate();
    let submit = move |ev: leptos::ev::SubmitEvent| {
        ev.prevent_default();
        if !form.submit() {
            return;
        }
        let asked = values.get_untracked();
        let navigate = navigate.clone();
        spawn_local(async move {
            let name = asked.name.trim().to_ascii_lowercase();
            match server_fns::providers::create(asked).await {
                Ok(_) => {
                    toasts.notify(format!("Added the DNS provider {name}."));
                    navigate(&format!("/providers/{name}"), Default::default());
                }
                Err(failure) => form.refuse(failure),
            }
        });
    };
    let label = Signal::derive(move || values.with(|form| format!("Add {}", form.name.trim())));
    view! {
        <PageHead title="Add DNS provider" />
        <form class="form" novalidate on:submit=act(submit)>
            <Refusals form />
            {fields(form, values, true)}
            <div class="actions">
                <Submit form label />
                <a class="btn" href="/providers">"Cancel"</a>
            </div>
        </form>
    }
    .erase()
}
