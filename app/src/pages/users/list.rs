//! The list of users.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::{
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
        table::{Column, Row, Rows, column, count, table, text},
    },
    server_fns,
};

const PATH: &str = "/users";
const NEW: &str = "/users/new";

const ROWS: Rows<UserRow> = Rows {
    label: "Users",
    columns: &COLUMNS,
    id: |user| user.id.0,
    row,
};

const COLUMNS: [Column; 8] = [
    column("Name", ""),
    column("Email", ""),
    column("Role", ""),
    column("Containers", "num"),
    column("Cores", "num"),
    column("Memory", "num"),
    column("Disk", "num"),
    column("Created", ""),
];

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
    let href = Callback::new(move |number: u32| {
        query.with(|(q, _)| address(PATH, &[("q", q), ("page", &number.to_string())]))
    });
    let body = reactive(move || match none.get() {
        true => nothing(),
        false => table(users, |page| &page.rows, &ROWS),
    });
    view! {
        <PageHead
            title="Users"
            aside=move || count(total.into(), ("user", "users"))
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

fn row(user: &UserRow) -> Row {
    let href = format!("{PATH}/{}", user.name);
    let [containers, cores, memory, disk] = amounts(user).map(|amount| text(limited(&amount)));
    // Above the row's link, so that the exact time is shown on hover.
    let created = view! {
        <a class="above plain" tabindex="-1" href=href.clone()>{ago(user.created)}</a>
    };
    let cells = [
        text(&user.mail),
        text(user.role.as_str()),
        containers,
        cores,
        memory,
        disk,
        created.erase(),
    ];
    Row::new(href, text(&user.name), cells)
}
