//! One user: resource usage, settings, and deletion.

use model::users::{AccountState, DecidedState, UserForm, UserRow};

use super::{
    fields::{Account, fields, form_state},
    usage::usage,
};
use crate::{
    components::badge::account_badge,
    pages::{
        containers::{container_count, delete_first},
        prelude::*,
    },
};

/// A user, and whether it is the signed-in user.
type UserPage = (UserRow, bool);

pub fn page() -> AnyView {
    let interests = |(user, _): &UserPage| {
        vec![
            Event::of(Topic::User, user.id.0),
            Event::all(Topic::Container),
        ]
    };
    object_page("name", fetch, interests, content)
}

async fn fetch(name: String) -> Result<UserPage, RequestError> {
    let me = require_role::<UserManage>().await?;
    let user = server_fns::users::get(name).await?;
    let own = user.id == me.id;
    Ok((user, own))
}

fn content(page: LiveResource<UserPage>) -> AnyView {
    let name = page.part(|(user, _)| user.name.to_string());
    let containers = move || {
        let href = format!("/containers?q={}", name.get());
        view! { <a class="btn" href=href>{icon("container")} "View containers"</a> }.erase()
    };
    view! {
        <PageHead title=name actions=move || reactive(containers) />
        <div class="stack stack-narrow">
            {state(page)}
            {page.view(|(user, _)| Facts::new().view("Created", ago(user.created)).card())}
            {page.view(|(user, _)| usage(user))}
            {settings(page, name)}
            {deletion(page, name)}
        </div>
    }
    .erase()
}

/// The account's state, and the action that changes it.
fn state(page: LiveResource<UserPage>) -> AnyView {
    let current = page.part(|(user, own)| (user.state, user.access_ends, *own));
    let action = Action::default();
    action.warn_on_failure(Toasts::here());
    let decide = move |state: DecidedState| {
        let id = page.peek(|(user, _)| user.id);
        let request = server_fns::users::change_state(id, state);
        action.send(request, move |()| page.refresh());
    };
    let button = move |icon_name, label, state| {
        action
            .button(icon_name, label, move || decide(state))
            .erase()
    };
    reactive(move || {
        let (state, ends, own) = current.get();
        let ends = ends.map(|ends| {
            let label = match state {
                AccountState::Expired => "expired",
                _ => "expires",
            };
            view! { <span class="muted">{label} " " {when(ends)}</span> }.erase()
        });
        let (text, action) = match state {
            _ if own => ("", ().erase()),
            AccountState::Pending => (
                "This person registered and waits for approval.",
                button("check", "Approve", DecidedState::Active),
            ),
            AccountState::Suspended => (
                "The user cannot sign in. Containers are as they were.",
                button("circle-play", "Reactivate", DecidedState::Active),
            ),
            AccountState::Expired => (
                "The user cannot sign in. To renew access, set a later last day below.",
                ().erase(),
            ),
            AccountState::Active => (
                "A suspension ends all sessions of the user. Containers continue to run.",
                button("ban", "Suspend", DecidedState::Suspended),
            ),
        };
        let line = view! { <p class="actions">{account_badge(state)} {ends}</p> };
        let hint = (!text.is_empty()).then(|| view! { <p class="muted">{text}</p> }.erase());
        let content = view! { {line} {hint} <div class="actions">{action}</div> };
        tight_card("Account state", content.erase())
    })
}

fn settings(page: LiveResource<UserPage>, name: Memo<String>) -> AnyView {
    let values = form_values(page.part(|(user, _)| UserForm::from(user)));
    let account = Account::Existing {
        is_own: page.part(|(_, own)| *own).into(),
    };
    let form = form_state(values, account);
    let update = move |submitted| {
        let id = page.peek(|(user, _)| user.id);
        async move {
            server_fns::users::update(id, submitted).await?;
            // A password is never shown again, and not sent twice.
            values.try_update(|values| values.password.clear());
            Ok(())
        }
    };
    let update = save(values, |form| form.name.trim().to_owned(), update);
    let fields = fields(form, values, account);
    settings_form(Kind::User, name, form, fields, update, page.refresher())
}

fn deletion(page: LiveResource<UserPage>, name: Memo<String>) -> AnyView {
    let state = page.part(|(user, own)| (user.usage.containers, *own));
    let blocked = move || {
        let count = match state.get() {
            (_, true) => return Some(
                view! { <p>"This is your own account. Another administrator can delete it."</p> }
                    .erase(),
            ),
            (0, _) => return None,
            (count, _) => count,
        };
        let href = format!("/containers?q={}", name.get());
        Some(view! { <p>{name} " owns " <a class="link" href=href>{container_count(count)}</a> {delete_first(count)}</p> }.erase())
    };
    let consequences = move || {
        let user = format!("The user {} with password and limits", name.get());
        vec![user, "All sessions of the user".to_owned()]
    };
    delete_card(Kind::User, name, consequences, move |typed| {
        server_fns::users::delete(page.peek(|(user, _)| user.id), typed)
    })
    .blocked(blocked)
    .view()
}
