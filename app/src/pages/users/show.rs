//! One user: resource usage, settings, and deletion.

use model::{
    sizes::{DiskGib, MemoryMib},
    users::{UserForm, UserRow},
};

use super::{
    fields::{Account, fields, form_state},
    usage::usage,
};
use crate::pages::{
    containers::{container_count, delete_first},
    prelude::*,
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
            {page.view(|(user, _)| Facts::new().view("Created", ago(user.created)).card())}
            {page.view(|(user, _)| usage(user))}
            {settings(page, name)}
            {deletion(page, name)}
        </div>
    }
    .erase()
}

/// The user's values as they would be typed: `4 GiB` and not `4096`.
fn stored_values((user, _): &UserPage) -> UserForm {
    let limits = &user.limits;
    let memory = limits
        .memory_mib
        .and_then(|mib| MemoryMib::try_from(mib).ok());
    let disk = limits.disk_gib.and_then(|gib| DiskGib::try_from(gib).ok());
    let form = UserForm::from(user);
    UserForm {
        memory: memory.map_or(form.memory, |memory| memory.to_string()),
        disk: disk.map_or(form.disk, |disk| disk.to_string()),
        ..form
    }
}

fn settings(page: LiveResource<UserPage>, name: Memo<String>) -> AnyView {
    let values = form_values(page.part(stored_values));
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
