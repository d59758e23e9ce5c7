//! The form of a new authority.

use crate::solid::{Solid as _, act};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use model::session::Me;

use super::fields::{fields, first, form_state};
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
            match api::authorities::create(asked).await {
                Ok(_) => {
                    toasts.tell(format!("Added the authority {name}."));
                    navigate(&format!("/authorities/{name}"), Default::default());
                }
                Err(failure) => form.refuse(failure),
            }
        });
    };
    let label = Signal::derive(move || values.with(|form| format!("Add {}", form.name.trim())));
    view! {
        <PageHead title="New authority" />
        <form class="form" novalidate on:submit=act(submit)>
            <Refusals form />
            {fields(form, values, true)}
            <div class="actions">
                <Submit form label />
                <a class="btn" href="/authorities">"Cancel"</a>
            </div>
        </form>
    }
    .solid()
}
