//! The list of users.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::{
    UserId,
    events::{Event, Topic},
    page::Page,
    users::UserRow,
};

use super::show::{amounts, limited};
use crate::{
    components::{
        badge::ago,
        list::{Filters, address, list_keys},
        live_resource::{LiveResource, live_resource},
        page::{PageHead, Pager, empty, list_skeleton, main_link, place},
    },
    server_fns,
};

const PATH: &str = "/users";
const NEW: &str = "/users/new";

/// The query: search and page.
type Query = (String, u32);

/// The page.
pub fn page() -> AnyView {
    Effect::new(|_| list_keys(Some(NEW)));
    let parameters = use_query_map();
    let query = Memo::new(move |_| {
        parameters.with(|parameters| {
            let text = |name| parameters.get_str(name).unwrap_or_default().trim();
            (
                text("q").to_owned(),
                text("page").parse().unwrap_or(1).max(1),
            )
        })
    });
    live_resource(
        query.into(),
        |(q, page): Query| server_fns::users::list(q, page),
        |_| vec![Event::all(Topic::User), Event::all(Topic::Container)],
        list_skeleton,
        move |users| content(users, query),
    )
}

fn content(users: LiveResource<Page<UserRow>>, query: Memo<Query>) -> AnyView {
    let none = users.part(|page| page.rows.is_empty());
    let total = users.part(|page| page.total);
    let count = Signal::derive(move || match total.get() {
        1 => "1 user".to_owned(),
        total => format!("{total} users"),
    });
    let href = Callback::new(move |number: u32| {
        query.with(|(q, _)| address(PATH, &[("q", q), ("page", &number.to_string())]))
    });
    let body = reactive(move || if none.get() { nothing() } else { table(users) });
    view! {
        <PageHead
            title="Users"
            aside=move || view! { <span class="num" role="status">{count}</span> }.erase()
            actions=|| main_link(NEW, "plus", "New user")
        />
        <Filters path=PATH search="Name or email" />
        {body}
        <Pager place=users.part(place) href=href />
    }
    .erase()
}

/// The list contains at least the current user, so it is empty only for a search.
fn nothing() -> AnyView {
    let all = view! { <a class="btn" href=PATH>"Show all users"</a> }.erase();
    empty(
        "search",
        "No users match",
        "The search covers names and email addresses.",
        all,
    )
}

fn table(users: LiveResource<Page<UserRow>>) -> AnyView {
    let ids = users.part(|page| page.rows.iter().map(|user| user.id).collect::<Vec<_>>());
    let render_row = move |id: UserId| {
        row(users.part(move |page| page.rows.iter().find(|user| user.id == id).cloned()))
    };
    view! {
        <table class="list" role="table" aria-label="Users">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Name"</th>
                    <th role="columnheader" scope="col">"Email"</th>
                    <th role="columnheader" scope="col">"Role"</th>
                    <th role="columnheader" scope="col">"Containers"</th>
                    <th role="columnheader" scope="col">"Cores"</th>
                    <th role="columnheader" scope="col">"Memory"</th>
                    <th role="columnheader" scope="col">"Disk"</th>
                    <th role="columnheader" scope="col">"Created"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For each=move || ids.get() key=|id| *id children=render_row />
            </tbody>
        </table>
    }
    .erase()
}

fn row(user: Memo<Option<UserRow>>) -> AnyView {
    reactive(move || {
        let user = user.get()?;
        let name = user.name.to_string();
        let href = format!("{PATH}/{name}");
        let amounts = amounts(&user)
            .into_iter()
            .map(|amount| view! { <td role="cell" data-label=amount.label class="num">{limited(&amount)}</td> }.erase())
            .collect::<Vec<_>>();
        Some(view! {
            <tr role="row">
                <td role="cell" class="cell-main">
                    <a class="row-link" data-row="" href=href.clone()>{name}</a>
                </td>
                <td role="cell" data-label="Email">{user.mail.to_string()}</td>
                <td role="cell" data-label="Role">{user.role.as_str()}</td>
                {amounts}
                // Above the row's link, so that the exact time is shown on hover.
                <td role="cell" data-label="Created"><a class="above plain" tabindex="-1" href=href>{ago(user.created)}</a></td>
            </tr>
        }.erase())
    })
}
