//! One user: resource usage, settings, and deletion.

use model::{
    sizes::{Bytes, DiskGib, MemoryMib},
    users::{UserForm, UserRow},
};

use super::fields::{Account, fields, form_state};
use crate::pages::{containers::container_count, prelude::*};

/// A user, and whether it is the signed-in user.
type Shown = (UserRow, bool);

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
    format: fn(u32) -> String,
}

/// The usage of all resources, in the order of the columns.
pub fn amounts(user: &UserRow) -> [Amount; 4] {
    let UserRow { usage, limits, .. } = user;
    let amount = |label, used, limit, format| Amount {
        label,
        used,
        limit,
        format,
    };
    let plain = |count: u32| count.to_string();
    let memory = |mib: u32| Bytes(u64::from(mib) << 20).to_string();
    let disk = |gib: u32| Bytes(u64::from(gib) << 30).to_string();
    [
        amount(
            "Containers",
            usage.containers,
            limits.containers,
            plain as _,
        ),
        amount("Cores", usage.cores, limits.cores, plain),
        amount("Memory", usage.memory_mib, limits.memory_mib, memory),
        amount("Disk", usage.disk_gib, limits.disk_gib, disk),
    ]
}

/// `3 of 5`; without a limit only the usage.
pub fn limited(amount: &Amount) -> String {
    let used = (amount.format)(amount.used);
    match amount.limit {
        Some(limit) => format!("{used} of {}", (amount.format)(limit)),
        None => used,
    }
}

fn usage((user, _): &Shown) -> AnyView {
    let line = |amount: Amount| {
        let text = limited(&amount);
        match amount.limit {
            Some(limit) => usage_bar(amount.label, amount.used.into(), limit.into(), text),
            None => view! {
                <div class="usage">
                    <span class="usage-words">
                        <span>{amount.label}</span>
                        <span class="muted num">{format!("{text}, no limit")}</span>
                    </span>
                </div>
            }
            .erase(),
        }
    };
    let bars = amounts(user).map(line).into_iter().collect::<Vec<_>>();
    let created = view! { {bars} <p class="muted">"Created " {ago(user.created)}</p> }.erase();
    tight_card("Usage", created)
}

/// The user's values as they would be typed: `4 GiB` and not `4096`.
fn stored_values((user, _): &Shown) -> UserForm {
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

fn settings(shown: LiveResource<Shown>, name: Memo<String>) -> AnyView {
    let values = form_values(shown.part(stored_values));
    let form = form_state(values, Account::Present);
    let update = move |submitted| {
        let id = shown.peek(|(user, _)| user.id);
        async move {
            server_fns::users::update(id, submitted).await?;
            // A password is never shown again, and not sent twice.
            values.try_update(|values| values.password.clear());
            Ok(())
        }
    };
    let update = save(values, |form| form.name.trim().to_owned(), update);
    let fields = fields(form, values, Account::Present);
    settings_form(Kind::User, name, form, fields, update, shown.refresher())
}

fn end(shown: LiveResource<Shown>, name: Memo<String>) -> AnyView {
    let state = shown.part(|(user, own)| (user.usage.containers, *own));
    let blocked = move || {
        let what = match state.get() {
            (_, true) => return Some(
                view! { <p>"This is your own account. Another administrator can delete it."</p> }
                    .erase(),
            ),
            (0, _) => return None,
            (count, _) => container_count(count),
        };
        let href = format!("/containers?q={}", name.get());
        Some(view! { <p>{name} " owns " <a class="link" href=href>{what}</a> ". Delete these first."</p> }.erase())
    };
    let losses = move || {
        let user = format!("The user {} with password and limits", name.get());
        vec![user, "All sessions of the user".to_owned()]
    };
    delete_card(Kind::User, name, losses, move |typed| {
        server_fns::users::delete(shown.peek(|(user, _)| user.id), typed)
    })
    .blocked(blocked)
    .view()
}
