//! The list of containers, the start page.

use model::containers::{ContainerQuery, ContainerRow, RunningJob, Sort, Status};

use super::{
    href,
    selection::{Selection, bulk, menu, select},
};
use crate::{
    components::{
        badge::status_badge,
        lazy::lazy,
        table::{Sorting, sorted_by, unlabeled},
    },
    extras,
    pages::prelude::*,
};

const LIST: PagedList = PagedList {
    title: "Containers",
    count: ("container", "containers"),
    path: "/containers",
    create: "/containers/new",
    actions: new_container,
    search: "Name, owner, image or address",
    filters: || {
        vec![Filter {
            name: "status",
            all: "All statuses",
            options: Signal::stored(word_options(&Status::ALL)),
        }]
    },
    selects: &["status", "site", "q"],
    keep: &["sort", "site"],
    empty: Some(|| {
        empty(
            "container",
            "No containers yet",
            "A container runs an application in its own Linux system. Create the first from a template or an image.",
            new_container(),
        )
    }),
    no_match: "Change the search or the filters.",
};

const ROWS: Rows<ContainerRow> = Rows {
    label: "Containers",
    id: |row| row.id.0,
    columns: &[
        live_column("", "", select),
        sorted_by(
            "name",
            link_column("Name", |row| RowLink::new(path(row), text(&row.name))),
        ),
        badge_column("Status", |row| marks(row.status, row.activity)),
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

/// The page.
pub fn page() -> AnyView {
    Effect::new(move |_| list_keys(Some(LIST.create)));
    let selection = Selection::new();
    provide_context(selection);
    let query = url_query(|url| ContainerQuery {
        site: url.parsed("site"),
        status: url.parsed("status"),
        q: url.text("q"),
        sort: url.parsed("sort").unwrap_or_default(),
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

fn content(page: LiveResource<Page<ContainerRow>>, query: Memo<ContainerQuery>) -> AnyView {
    let parameters = use_query_map();
    let sorting = Sorting {
        current: Signal::derive(move || query.with(|query| query.sort.to_string())),
        href: Callback::new(move |sort: String| {
            let is_default = sort == Sort::default().to_string();
            LIST.address(parameters, &[("sort", if is_default { "" } else { &sort })])
        }),
    };
    let rows = page.part(|page| page.rows.clone());
    let show = move || table_of(rows, &ROWS, None, Some(sorting));
    view! { {paged_view(&LIST, PagedData::new(page, |page| page, show))} {bulk(page)} }.erase()
}

fn path(row: &ContainerRow) -> String {
    href(&row.site, &row.name)
}

fn new_container() -> AnyView {
    main_link("/containers/new", "plus", "New container")
}

/// The status and the running job.
pub fn marks(status: Status, activity: Option<RunningJob>) -> AnyView {
    let doing = activity
        .map(|activity| activity.kind.activity())
        .filter(|doing| *doing != status.as_str());
    view! { <span class="state-line">{status_badge(status)} <span class="muted">{doing}</span></span> }.erase()
}

/// A link that is active while the container runs.
fn link(url: &str, is_running: bool) -> AnyView {
    let short = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (short, url) = (short.to_owned(), url.to_owned());
    if !is_running {
        return view! { <span class="link-off">{short}</span> }.erase();
    }
    view! { <a class="link above" href=url rel="external">{short}</a> }.erase()
}
