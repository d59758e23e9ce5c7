//! The form fields of a user, for creation and update.

use model::{
    FieldError,
    users::{Role, UserForm},
};

use crate::pages::prelude::*;

/// Whether the form creates or updates a user.
#[derive(Clone, Copy)]
pub enum Account {
    /// Creation: requires a password.
    New,
    /// Update: an empty password keeps the current one. The password of the user's own account is
    /// changed on another page.
    Existing {
        /// Whether the account is the signed-in user's.
        is_own: Signal<bool>,
    },
}

/// The state of a form with these values.
pub fn form_state(values: RwSignal<UserForm>, account: Account) -> FormState {
    let is_new = matches!(account, Account::New);
    FormState::new(move || values.with_untracked(|form| refusals(form, is_new)))
}

/// Parser errors, plus the check of the password, which the parser cannot make.
fn refusals(form: &UserForm, is_new: bool) -> Vec<FieldError> {
    let mut refused = form.parse().err().unwrap_or_default();
    if is_new && form.password.is_empty() {
        let message = "Enter a password of 8 to 256 characters.".to_owned();
        refused.push(FieldError {
            field: "password".to_owned(),
            message,
        });
    }
    refused
}

/// What a role allows.
fn role_description(role: Role) -> &'static str {
    match role {
        Role::Member => "Manages their own containers.",
        Role::Operator => "Manages all containers, domains, certificates and hosts.",
        Role::Administrator => "Manages everything, including sites, clusters and users.",
    }
}

/// All fields, in groups.
pub fn fields(form: FormState, values: RwSignal<UserForm>, account: Account) -> AnyView {
    let user = view! {
        <Field form name="name" label="Username" value=bind!(values, name) hint="The name for sign-in, such as anna." />
        <Field form name="full_name" label="Full name" value=bind!(values, full_name) optional=true hint="Such as Anna Example." />
        <Field form name="email" label="Email" value=bind!(values, email) hint="Such as anna@example.org." />
        {role_field(form, bind!(values, role))}
        {last_day_field(form, bind!(values, access_ends))}
        {password(form, values, account)}
    };
    let limits = limit_fields(
        form,
        [
            bind!(values, limits.containers),
            bind!(values, limits.cores),
            bind!(values, limits.memory),
            bind!(values, limits.disk),
        ],
    );
    view! { {group("Account", user.erase())} {limits} }.erase()
}

/// The choice of a role.
pub fn role_field(form: FormState, value: FieldBinding) -> AnyView {
    let roles = options([
        ("member", "Member"),
        ("operator", "Operator"),
        ("administrator", "Administrator"),
    ]);
    let hint = Signal::derive(move || {
        let role = value.get.with(|role| role.parse());
        role.map(role_description).unwrap_or_default().to_owned()
    });
    view! { <Choice form name="role" label="Role" value options=Signal::stored(roles) hint /> }
        .erase()
}

/// The date after which an account expires.
pub fn last_day_field(form: FormState, value: FieldBinding) -> AnyView {
    view! {
        <Field form name="access_ends" label="Last day of access" value entry=Entry::Date optional=true
            hint="The account expires at the end of this day (UTC). Its containers continue to run." />
    }
    .erase()
}

/// The limits of an account: containers, cores, memory and disk.
pub fn limit_fields(
    form: FormState,
    [containers, cores, memory, disk]: [FieldBinding; 4],
) -> AnyView {
    let fields = view! {
        <p class="muted">"The total for all containers of this user. Leave empty for no limit."</p>
        <Field form name="containers" label="Containers" value=containers optional=true />
        <Field form name="cores" label="Cores" value=cores optional=true />
        <Field form name="memory" label="Memory" value=memory optional=true hint="Such as 16 GiB." />
        <Field form name="disk" label="Disk" value=disk optional=true hint="Such as 100 GiB." />
    };
    group("Limits", fields.erase())
}

fn password(form: FormState, values: RwSignal<UserForm>, account: Account) -> AnyView {
    let value = bind!(values, password);
    match account {
        Account::New => view! {
            <Field form name="password" label="Password" value entry=Entry::Secret hint="8 to 256 characters." />
        }
        .erase(),
        Account::Existing { is_own } => reactive(move || match is_own.get() {
            true => own_password(),
            false => new_password(form, value),
        }),
    }
}

fn new_password(form: FormState, value: FieldBinding) -> AnyView {
    view! {
        <Field form name="password" label="New password" value entry=Entry::Secret optional=true
            hint="Leave empty to keep the current password. A new password (8 to 256 characters) ends all sessions of the user." />
    }
    .erase()
}

fn own_password() -> AnyView {
    view! { <p class="muted">"Change your password under " <a class="link" href="/account">"Account"</a> "."</p> }
        .erase()
}

#[cfg(test)]
mod tests {
    use model::users::UserForm;

    use super::refusals;

    #[test]
    fn password_is_required_only_for_new_users() {
        let form = UserForm {
            name: "anna".to_owned(),
            email: "anna@example.org".to_owned(),
            role: "member".to_owned(),
            ..UserForm::default()
        };
        assert_eq!(refusals(&form, false), []);
        let refused = refusals(&form, true);
        let fields = refused.iter().map(|refusal| refusal.field.as_str());
        assert_eq!(fields.collect::<Vec<_>>(), ["password"]);
    }
}
