//! The list of users.

use model::users::UserRow;

use super::show::{amounts, limited};
use crate::pages::prelude::*;

/// The list contains at least the current user, so it is empty only for a search.
const LIST: PagedList = PagedList {
    title: "Users",
    count: ("user", "users"),
    path: "/users",
    create: "/users/new",
    actions: || main_link("/users/new", "plus", "New user"),
    search: "Name or email",
    filters: Vec::new,
    selects: &["q"],
    keep: &[],
    empty: None,
    no_match: "The search covers names and email addresses.",
};

const ROWS: Rows<UserRow> = Rows {
    label: "Users",
    id: |user| user.id.0,
    columns: &[
        link_column("Name", |user| RowLink::new(path(user), text(&user.name))),
        column("Email", "cell-long", |user| text(&user.mail)),
        column("Role", "", |user| text(user.role.as_str())),
        column("Containers", "num", |user| usage(user, 0)),
        column("Cores", "num", |user| usage(user, 1)),
        column("Memory", "num", |user| usage(user, 2)),
        column("Disk", "num", |user| usage(user, 3)),
        column("Created", "num", |user| age_link(path(user), user.created)),
    ],
};

/// The page.
pub fn page() -> AnyView {
    paged_list(
        &LIST,
        url_query(|url| (url.text("q"), url.page())),
        |(q, page)| server_fns::users::list(q, page),
        |_| [Topic::User, Topic::Container].map(Event::all).to_vec(),
        &ROWS,
    )
}

fn path(user: &UserRow) -> String {
    format!("/users/{}", user.name)
}

/// The usage of the resource at this place of [`amounts`].
fn usage(user: &UserRow, place: usize) -> AnyView {
    text(amounts(user).get(place).map(limited).unwrap_or_default())
}
