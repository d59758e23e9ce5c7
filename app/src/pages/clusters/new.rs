//! The form of a new cluster.

use crate::erase::{Erase as _, act};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use model::{clusters::ClusterForm, session::CurrentUser};

use super::fields::{fields, form_state};
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
    let values = RwSignal::new(ClusterForm::default());
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
            match server_fns::clusters::create(asked).await {
                Ok(name) => {
                    toasts.notify(format!("Added the cluster {name}."));
                    navigate(&format!("/clusters/{name}"), Default::default());
                }
                Err(failure) => form.refuse(failure),
            }
        });
    };
    let label = Signal::derive(move || values.with(|form| format!("Add {}", form.name.trim())));
    view! {
        <PageHead title="Add cluster" />
        <form class="form" novalidate on:submit=act(submit)>
            <Refusals form />
            {fields(form, values, true)}
            <div class="actions">
                <Submit form label />
                <a class="btn" href="/clusters">"Cancel"</a>
            </div>
        </form>
    }
    .erase()
}
