//! The signed-in user's own account: values, usage and password.

use model::{account::PasswordForm, users::UserRow};

use super::users::usage::usage;
use crate::pages::prelude::*;

/// The page.
pub fn page() -> AnyView {
    let interests = |user: &UserRow| {
        vec![
            Event::of(Topic::User, user.id.0),
            Event::all(Topic::Container),
        ]
    };
    live_resource(
        Signal::from(()),
        |()| server_fns::account::get(),
        interests,
        object_skeleton,
        content,
    )
}

fn content(user: LiveResource<UserRow>) -> AnyView {
    view! {
        <PageHead title="Account" />
        <div class="stack stack-narrow">
            {user.view(facts)}
            {user.view(usage)}
            {password()}
        </div>
    }
    .erase()
}

fn facts(user: &UserRow) -> AnyView {
    Facts::new()
        .text("Username", &user.name)
        .text("Email", &user.email)
        .text("Role", user.role)
        .view("Created", ago(user.created))
        .card()
}

fn password() -> AnyView {
    let values = RwSignal::new(PasswordForm::default());
    let form = FormState::new(move || {
        values
            .with_untracked(PasswordForm::parse)
            .err()
            .unwrap_or_default()
    });
    let fields = view! {
        <Field form name="current" label="Current password" value=bind!(values, current) entry=Entry::CurrentPassword />
        <Field form name="new" label="New password" value=bind!(values, new) entry=Entry::Secret
            hint="8 to 256 characters. A new password ends your other sessions." />
    };
    let toasts = Toasts::here();
    let change = save_call(move || {
        let submitted = values.get_untracked();
        async move {
            server_fns::account::change_password(submitted).await?;
            Ok(SavedObject::named(String::new()))
        }
    });
    let done = move || {
        values.try_set(PasswordForm::default());
        toasts.notify("Password changed.");
    };
    action_form(
        form,
        group("Password", fields.erase()),
        "Change password",
        change,
        done,
    )
}
