//! The list of users.

use model::users::{AccountState, UserRow};

use super::{
    tabs,
    usage::{amounts, limited},
};
use crate::{
    components::{badge::account_badge, meter::parts},
    pages::prelude::*,
};

const LIST: ListPage = ListPage {
    title: "Users",
    count: ("user", "users"),
    create: || Some(("/users/new", "New user")),
    tabs: || tabs(0),
    search: Some(Search {
        path: "/users",
        columns: "Name or email",
        filters: || vec![Filter::new("state", "All states", &AccountState::ALL)],
        parameters: &["q", "state"],
        no_match: "The search covers usernames, names and email addresses.",
    }),
    ..ListPage::DEFAULT
};

const ROWS: Rows<UserRow> = Rows {
    label: "Users",
    id: |user| user.id.0,
    columns: &[
        main_column("Name", |user| row_link(path(user), text(&user.name))),
        column("Email", "", |user| host(&user.email.to_string())),
        badge_column("State", |user| account_badge(user.state)),
        wide_column("Role", |user| text(user.role.as_str())),
        column("Containers", "num", |user| usage(user, 0)),
        column("Cores", "num", |user| usage(user, 1)),
        column("Memory", "num", |user| usage(user, 2)),
        column("Disk", "num", |user| usage(user, 3)),
        wide_column("Created", |user| age_link(path(user), user.created)),
    ],
};

pub fn page() -> AnyView {
    list_page(
        &LIST,
        url_query(|url| (url.text("q"), url.text("state"), url.page())),
        |(q, state, page)| server_fns::users::list(q, state, page),
        |_| [Topic::User, Topic::Container].map(Event::all).to_vec(),
        paged,
        &ROWS,
    )
}

fn path(user: &UserRow) -> String {
    format!("/users/{}", user.name)
}

/// The usage of the resource at this index of [`amounts`].
fn usage(user: &UserRow, index: usize) -> AnyView {
    let amounts = amounts(user);
    parts(&amounts.get(index).map(limited).unwrap_or_default())
}
