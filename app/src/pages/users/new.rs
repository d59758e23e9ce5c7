//! The form of a new user.

use crate::erase::{Erase as _, act};
use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_navigate;
use model::{
    session::CurrentUser,
    users::{Role, UserForm},
};

use super::fields::{Account, fields, form_state};
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

fn content(_me: LiveResource<CurrentUser>) -> AnyView {
    let values = RwSignal::new(UserForm {
        role: Role::Member.to_string(),
        ..UserForm::default()
    });
    let form = form_state(values, Account::New);
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
            let name = asked.name.trim().to_owned();
            match server_fns::users::create(asked).await {
                Ok(_) => {
                    toasts.notify(format!("Created the user {name}."));
                    navigate(&format!("/users/{name}"), Default::default());
                }
                Err(failure) => form.refuse(failure),
            }
        });
    };
    let label = Signal::derive(move || values.with(|form| format!("Create {}", form.name.trim())));
    view! {
        <PageHead title="New user" />
        <form class="form" novalidate on:submit=act(submit)>
            <Refusals form />
            {fields(form, values, Account::New)}
            <div class="actions">
                <Submit form label />
                <a class="btn" href="/users">"Cancel"</a>
            </div>
        </form>
    }
    .erase()
}
