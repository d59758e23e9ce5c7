//! One user: resource usage, settings, and deletion.

use model::{
    sizes::{Bytes, DiskGib, MemoryMib},
    users::{UserForm, UserRow},
};

use super::fields::{Account, fields, form_state};
use crate::pages::prelude::*;

/// A user, and whether it is the signed-in user.
type Shown = (UserRow, bool);

/// The page.
pub fn page() -> AnyView {
    let interests = |(user, _): &Shown| {
        vec![
            Event::of(Topic::User, user.id.0),
            Event::all(Topic::Container),
        ]
    };
    object_page("name", fetch, interests, content)
}

async fn fetch(name: String) -> Result<Shown, Failure> {
    let me = require_administrator().await?;
    let user = server_fns::users::get(name).await?;
    let own = user.id == me.id;
    Ok((user, own))
}

fn content(shown: LiveResource<Shown>) -> AnyView {
    let name = shown.part(|(user, _)| user.name.to_string());
    let containers = move || {
        let href = format!("/containers?q={}", name.get());
        view! { <a class="btn" href=href>{icon("container")} "View containers"</a> }.erase()
    };
    view! {
        <PageHead title=name actions=move || reactive(containers) />
        <div class="stack stack-narrow">
            {shown.view(usage)}
            {settings(shown, name)}
            {end(shown, name)}
        </div>
    }
    .erase()
}

/// The usage of a resource, and its limit.
pub struct Amount {
    /// The resource.
    pub label: &'static str,
    used: u32,
    limit: Option<u32>,
    message: fn(u32) -> String,
}

/// The usage of all resources, in the order of the columns.
pub fn amounts(user: &UserRow) -> [Amount; 4] {
    let UserRow { usage, limits, .. } = user;
    let memory = |mib: u32| Bytes(u64::from(mib) << 20).to_string();
    let disk = |gib: u32| Bytes(u64::from(gib) << 30).to_string();
    let plain = |count: u32| count.to_string();
    [
        Amount {
            label: "Containers",
            used: usage.containers,
            limit: limits.containers,
            message: plain,
        },
        Amount {
            label: "Cores",
            used: usage.cores,
            limit: limits.cores,
            message: plain,
        },
        Amount {
            label: "Memory",
            used: usage.memory_mib,
            limit: limits.memory_mib,
            message: memory,
        },
        Amount {
            label: "Disk",
            used: usage.disk_gib,
            limit: limits.disk_gib,
            message: disk,
        },
    ]
}

/// `3 of 5`; without a limit only the usage.
pub fn limited(amount: &Amount) -> String {
    let used = (amount.message)(amount.used);
    amount.limit.map_or_else(
        || used.clone(),
        |limit| format!("{used} of {}", (amount.message)(limit)),
    )
}

fn usage((user, _): &Shown) -> AnyView {
    let line = |amount: Amount| match amount.limit {
        Some(limit) => usage_bar(
            amount.label,
            amount.used.into(),
            limit.into(),
            limited(&amount),
        ),
        None => view! {
            <div class="usage">
                <span class="usage-words">
                    <span>{amount.label}</span>
                    <span class="muted num">{format!("{}, no limit", limited(&amount))}</span>
                </span>
            </div>
        }
        .erase(),
    };
    view! {
        <section class="card stack-tight">
            <h2 class="card-title">"Usage"</h2>
            {amounts(user).map(line).into_iter().collect::<Vec<_>>()}
            <p class="muted">"Created " {ago(user.created)}</p>
        </section>
    }
    .erase()
}

/// The user's values as they would be typed: `4 GiB` and not `4096`.
fn form_of(user: &UserRow) -> UserForm {
    let memory = user
        .limits
        .memory_mib
        .and_then(|mib| MemoryMib::try_from(mib).ok());
    let disk = user
        .limits
        .disk_gib
        .and_then(|gib| DiskGib::try_from(gib).ok());
    let mut form = UserForm::from(user);
    if let Some(memory) = memory {
        form.memory = memory.to_string();
    }
    if let Some(disk) = disk {
        form.disk = disk.to_string();
    }
    form
}

fn settings(shown: LiveResource<Shown>, name: Memo<String>) -> AnyView {
    let values = form_values(shown.part(|(user, _)| form_of(user)));
    let form = form_state(values, Account::Present);
    let update = move |asked| {
        let id = shown.peek(|(user, _)| user.id);
        async move {
            server_fns::users::update(id, asked).await?;
            // A password is never shown again, and not sent twice.
            values.try_update(|values| values.password.clear());
            Ok(())
        }
    };
    settings_form(SettingsForm {
        form,
        notice: None,
        fields: fields(form, values, Account::Present),
        key: name,
        path: |name| format!("/users/{name}"),
        update: save(values, |form| form.name.trim().to_owned(), update),
        refresh: shown.refresher(),
    })
}

fn end(shown: LiveResource<Shown>, name: Memo<String>) -> AnyView {
    let state = shown.part(|(user, own)| (user.usage.containers, *own));
    let blocked = move |()| {
        let what = match state.get() {
            (_, true) => return Some(
                view! { <p>"This is your own account. Another administrator can delete it."</p> }
                    .erase(),
            ),
            (0, _) => return None,
            (1, _) => "1 container".to_owned(),
            (count, _) => format!("{count} containers"),
        };
        let href = format!("/containers?q={}", name.get());
        Some(view! { <p>{name} " owns " <a class="link" href=href>{what}</a> ". Delete these first."</p> }.erase())
    };
    delete_card(DeleteCard {
        verb: "Delete",
        what: "user",
        name,
        losses: Signal::derive(move || shown.with(|(user, _)| losses(user))),
        note: Signal::stored(""),
        blocked: Callback::new(blocked),
        list: "/users",
        ask: delete_call(move |typed| {
            server_fns::users::delete(shown.peek(|(user, _)| user.id), typed)
        }),
    })
}

/// The objects that are deleted along with a user.
fn losses(user: &UserRow) -> Vec<String> {
    vec![
        format!("The user {} with password and limits", user.name),
        "All sessions of the user".to_owned(),
    ]
}
