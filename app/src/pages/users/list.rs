//! The list of users.

use model::users::UserRow;

use super::show::{amounts, limited};
use crate::pages::prelude::*;

const PATH: &str = "/users";
const NEW: &str = "/users/new";

const ROWS: Rows<UserRow> = Rows {
    label: "Users",
    id: |user| user.id.0,
    link: ("Name", |user| RowLink::new(path(user), text(&user.name))),
    columns: &[
        column("Email", "", |user| text(&user.mail)),
        column("Role", "", |user| text(user.role.as_str())),
        column("Containers", "num", |user| usage(user, 0)),
        column("Cores", "num", |user| usage(user, 1)),
        column("Memory", "num", |user| usage(user, 2)),
        column("Disk", "num", |user| usage(user, 3)),
        // Above the row's link, so that the exact time is shown on hover.
        column("Created", "", |user| {
            view! { <a class="above plain" tabindex="-1" href=path(user)>{ago(user.created)}</a> }
                .erase()
        }),
    ],
};

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
            badges=move || count(total.into(), ("user", "users"))
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

fn path(user: &UserRow) -> String {
    format!("{PATH}/{}", user.name)
}

/// The usage of the resource at this place of [`amounts`].
fn usage(user: &UserRow, place: usize) -> AnyView {
    text(amounts(user).get(place).map(limited).unwrap_or_default())
}
