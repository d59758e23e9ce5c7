//! The signed-in user's own account: values, usage, profile, password and sessions.

mod sessions;

use model::{
    Date,
    account::{PasswordForm, ProfileForm, SessionRow},
    users::UserRow,
};

use super::users::usage::usage;
use crate::pages::prelude::*;

/// A user and their sessions.
type AccountPage = (UserRow, Vec<SessionRow>);

/// The page.
pub fn page() -> AnyView {
    let interests = |(user, _): &AccountPage| {
        vec![
            Event::of(Topic::User, user.id.0),
            Event::of(Topic::Session, user.id.0),
            Event::all(Topic::Container),
        ]
    };
    live_resource(
        Signal::from(()),
        |()| fetch(),
        interests,
        object_skeleton,
        content,
    )
}

async fn fetch() -> Result<AccountPage, RequestError> {
    let user = server_fns::account::get().await?;
    Ok((user, server_fns::account::list_sessions().await?))
}

fn content(page: LiveResource<AccountPage>) -> AnyView {
    view! {
        <PageHead title="Account" />
        <div class="stack stack-narrow">
            {page.view(|(user, _)| facts(user))}
            {page.view(|(user, _)| usage(user))}
            {profile(page)}
            {password()}
            {sessions::card(page)}
        </div>
    }
    .erase()
}

fn facts(user: &UserRow) -> AnyView {
    Facts::new()
        .text("Username", &user.name)
        .text("Role", user.role)
        .view("Created", ago(user.created))
        .with(user.access_ends, |facts, ends| {
            facts.text("Last day of access", Date::ending_at(ends))
        })
        .card()
}

fn profile(page: LiveResource<AccountPage>) -> AnyView {
    let stored = page.part(|(user, _)| ProfileForm {
        full_name: user.full_name.to_string(),
        email: user.email.to_string(),
    });
    let values = form_values(stored);
    let form = FormState::of(values, ProfileForm::parse);
    let fields = view! {
        <Field form name="full_name" label="Full name" value=bind!(values, full_name) optional=true hint="Such as Anna Example." />
        <Field form name="email" label="Email" value=bind!(values, email) hint="Such as anna@example.org." />
    };
    let toasts = Toasts::here();
    let change = save_call(move || {
        let submitted = values.get_untracked();
        async move {
            server_fns::account::change_profile(submitted).await?;
            Ok(SavedObject::named(String::new()))
        }
    });
    let done = move || toasts.notify("Profile saved.");
    action_form(
        form,
        group("Profile", fields.erase()),
        "Save profile",
        change,
        done,
    )
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
