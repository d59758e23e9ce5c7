//! The form of a new cluster.

use crate::solid::{Solid as _, act};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use model::{clusters::ClusterForm, session::Me};

use super::fields::{fields, form_state};
use crate::{
    api,
    components::{
        form::{Refusals, Submit},
        loaded::{Loaded, loaded},
        page::{PageHead, object_skeleton},
        toast::Toasts,
    },
    pages::rights::administrator,
};

/// The page.
pub fn page() -> AnyView {
    loaded(
        Signal::from(()),
        |()| administrator(),
        |_| Vec::new(),
        object_skeleton,
        content,
    )
}

fn content(_: Loaded<Me>) -> AnyView {
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
            match api::clusters::create(asked).await {
                Ok(name) => {
                    toasts.tell(format!("Added the cluster {name}."));
                    navigate(&format!("/clusters/{name}"), Default::default());
                }
                Err(failure) => form.refuse(failure),
            }
        });
    };
    let label = Signal::derive(move || values.with(|form| format!("Add {}", form.name.trim())));
    view! {
        <PageHead title="Add a cluster" />
        <form class="form" novalidate on:submit=act(submit)>
            <Refusals form />
            {fields(form, values, true)}
            <div class="actions">
                <Submit form label />
                <a class="btn" href="/clusters">"Cancel"</a>
            </div>
        </form>
    }
    .solid()
}
