//! The list of containers, the start page.

use leptos_router::{components::Redirect, hooks::use_params_map};
use model::containers::{ContainerQuery, ContainerRow, RunningJob, Sort, Status};

use super::{
    href,
    selection::{Selection, bulk, menu, select},
};
use crate::{
    components::{
        badge::status_badge,
        lazy::lazy,
        table::{sorted_by, unlabeled},
    },
    extras,
    pages::prelude::*,
};

const LIST: ListPage = ListPage {
    title: "Containers",
    count: ("container", "containers"),
    create: || Some(("/containers/new", "New container")),
    search: Some(SEARCH),
    empty: (
        "container",
        "No containers yet",
        "A container runs an application in its own Linux system. Create the first from a template or an image.",
    ),
    ..ListPage::DEFAULT
};

const SEARCH: Search = Search {
    path: "/containers",
    columns: "Name, owner, image or address",
    filters: || vec![Filter::new("status", "All statuses", &Status::ALL)],
    parameters: &["status", "site", "q", "sort"],
    no_match: "Change the search or the filters.",
};

const ROWS: Rows<ContainerRow> = Rows {
    label: "Containers",
    id: |row| row.id.0,
    columns: &[
        live_column("", "", select),
        sorted_by(
            "name",
            main_column("Name", |row| row_link(path(row), text(&row.name))),
        ),
        badge_column("Status", |row| status_badges(row.status, row.activity)),
        sorted_by(
            "address",
            unlabeled(column("Address", "mono", |row| text(row.address))),
        ),
        badge_column("Link", |row| {
            let is_running = row.status == Status::Running;
            row.link.as_ref().map(|url| link(url, is_running)).erase()
        }),
        sorted_by("owner", column("Owner", "", |row| text(&row.owner))),
        sorted_by(
            "created",
            column("Created", "num", |row| age_link(path(row), row.created)),
        ),
        live_column("", "cell-end", menu),
    ],
};

pub fn page() -> AnyView {
    LIST.start_keys();
    let selection = Selection::new();
    provide_context(selection);
    let query = url_query(|url| ContainerQuery {
        site: url.text("site").parse().ok(),
        status: url.text("status").parse().ok(),
        q: url.text("q"),
        sort: url.text("sort").parse().unwrap_or_default(),
        page: url.page(),
    });
    view! {
        {live_resource(
            query.into(),
            server_fns::containers::list,
            |_| vec![Event::all(Topic::Container)],
            list_skeleton,
            move |page| content(page, query),
        )}
        {lazy(selection.deletion.open.into(), move || extras::delete_dialog(selection))}
    }
    .erase()
}

/// Redirects from the path above a container's to the list of its site's containers.
pub fn of_site() -> AnyView {
    let site = use_params_map().with_untracked(|all| all.get_str("site").map(str::to_owned));
    let path = list_url("/containers", &[("site", &site.unwrap_or_default())]);
    view! { <Redirect path /> }.erase()
}

fn content(page: LiveResource<Page<ContainerRow>>, query: Memo<ContainerQuery>) -> AnyView {
    let parameters = use_query_map();
    let order = Signal::derive(move || query.with(|query| query.sort.to_string()));
    let in_order = Callback::new(move |sort: String| {
        let is_default = sort == Sort::default().to_string();
        SEARCH.list_url(parameters, ("sort", if is_default { "" } else { &sort }))
    });
    let rows = page.part(|page| page.rows.clone());
    let state = ListState {
        table: Box::new(move || table_with(rows, &ROWS, None, Some((order, in_order)))),
        ..ListState::new(page, paged, &ROWS)
    };
    view! { {list_view(&LIST, state)} {bulk(page)} }.erase()
}

fn path(row: &ContainerRow) -> String {
    href(&row.site, &row.name)
}

pub fn status_badges(status: Status, activity: Option<RunningJob>) -> AnyView {
    let doing = activity
        .map(|activity| activity.kind.activity())
        .filter(|doing| *doing != status.as_str());
    view! { <span class="state-line">{status_badge(status)} <span class="muted">{doing}</span></span> }.erase()
}

/// A link that is active while the container runs.
fn link(url: &str, is_running: bool) -> AnyView {
    let short = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (short, url) = (host(short), url.to_owned());
    if !is_running {
        return view! { <span class="link-disabled">{short}</span> }.erase();
    }
    view! { <a class="link above-row-link" href=url rel="external">{short}</a> }.erase()
}
