//! The list of containers, the start page.

use crate::erase::{Erase as _, act, reactive};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::{
    ContainerId,
    containers::{ContainerQuery, ContainerRow, Power, RunningJob, Sort, Status},
    events::{Event, Topic},
    names::Label,
    page::Page,
};

use super::{
    actions::{self, may},
    href,
};
use crate::{
    components::{
        badge::{ago, status_badge},
        dialog::{DeleteDialog, Deletion},
        icon::icon,
        lazy::lazy,
        list::{Filter, Filters, address, list_keys, sort_head},
        live_resource::{LiveResource, live_resource},
        menu::{Menu, MenuItem},
        page::{PageHead, Pager, empty, list_skeleton, main_link, place},
        toast::Toasts,
    },
    extras, server_fns,
};

const PATH: &str = "/containers";

/// The state of the page that is not in the URL.
#[derive(Clone, Copy)]
pub struct Selection {
    rows: RwSignal<Vec<ContainerId>>,
    delete: RwSignal<Option<ContainerRow>>,
    deletion: Deletion,
    toasts: Toasts,
}

/// The page.
pub fn page() -> AnyView {
    let map = use_query_map();
    let query = Memo::new(move |_| map.with(|map| query(|name| map.get_str(name))));
    let chosen = Selection {
        rows: RwSignal::new(Vec::new()),
        delete: RwSignal::new(None),
        deletion: Deletion::default(),
        toasts: Toasts::here(),
    };
    Effect::new(move |_| list_keys(Some("/containers/new")));
    provide_context(chosen);
    view! {
        {live_resource(
            query.into(),
            server_fns::containers::list,
            |_| vec![Event::all(Topic::Container)],
            list_skeleton,
            move |page| whole(page, query),
        )}
        {lazy(chosen.deletion.open.into(), move || extras::delete_dialog(chosen))}
    }
    .erase()
}

fn whole(page: LiveResource<Page<ContainerRow>>, query: Memo<ContainerQuery>) -> AnyView {
    let total = page.part(|page| page.total);
    let filters = vec![Filter {
        name: "status",
        all: "All statuses",
        options: Signal::from(statuses()),
    }];
    view! {
        <PageHead
            title="Containers"
            badges=move || view! { <span class="num">{total}</span> }.erase()
            actions=|| main_link("/containers/new", "plus", "New container")
        />
        <Filters path=PATH search="Name, owner, image or address" filters=filters keep=&["sort", "site"] />
        {table(page, query)}
    }
    .erase()
}

fn statuses() -> Vec<(String, String)> {
    Status::ALL
        .iter()
        .map(|status| (status.to_string(), status.to_string()))
        .collect()
}

/// The query in the URL; invalid values are ignored.
fn query<'a>(get: impl Fn(&str) -> Option<&'a str>) -> ContainerQuery {
    let text = |name| get(name).unwrap_or_default();
    ContainerQuery {
        site: text("site").parse().ok(),
        status: text("status").parse().ok(),
        q: text("q").to_owned(),
        sort: text("sort").parse().unwrap_or_default(),
        page: text("page").parse().unwrap_or(1).max(1),
    }
}

/// The URL of a query.
fn to_address(query: &ContainerQuery) -> String {
    let word = |word: Option<String>| word.unwrap_or_default();
    let sort = if query.sort == Sort::default() {
        String::new()
    } else {
        query.sort.to_string()
    };
    let page = if query.page > 1 {
        query.page.to_string()
    } else {
        String::new()
    };
    address(
        PATH,
        &[
            (
                "status",
                &word(query.status.map(|status| status.to_string())),
            ),
            ("site", &word(query.site.as_ref().map(ToString::to_string))),
            ("q", &query.q),
            ("sort", &sort),
            ("page", &page),
        ],
    )
}

fn table(page: LiveResource<Page<ContainerRow>>, query: Memo<ContainerQuery>) -> AnyView {
    let none = page.part(|page| page.rows.is_empty());
    let nothing = reactive(move || {
        none.get().then(|| {
            let is_filtered = query.with(|query| !query.q.is_empty() || query.status.is_some() || query.site.is_some());
            if is_filtered {
                let all = view! { <a class="btn" href=PATH>"Show all containers"</a> }.erase();
                empty("search", "No containers match", "Change the search or the filters.", all)
            } else {
                let new = main_link("/containers/new", "plus", "New container");
                empty("container", "No containers yet", "A container runs an application in its own Linux system. Create the first from a template or an image.", new)
            }
        })
    });
    let page_url = Callback::new(move |number| {
        to_address(&ContainerQuery {
            page: number,
            ..query.get()
        })
    });
    view! {
        {nothing}
        <table class="list" role="table" hidden=none aria-label="Containers">
            {head(query)}
            <tbody role="rowgroup">
                <For
                    each=move || page.with(|page| page.rows.iter().map(|row| row.id).collect::<Vec<_>>())
                    key=|id| *id
                    children=move |id| row(page, id)
                />
            </tbody>
        </table>
        <Pager place=page.part(place) href=page_url />
        {bulk(page)}
    }
    .erase()
}

fn head(query: Memo<ContainerQuery>) -> AnyView {
    let sort = Signal::derive(move || query.with(|query| query.sort.to_string()));
    let sorted = Callback::new(move |sort: String| {
        let sort = sort.parse().unwrap_or_default();
        to_address(&ContainerQuery {
            sort,
            page: 1,
            ..query.get()
        })
    });
    view! {
        <thead role="rowgroup">
            <tr role="row">
                <td role="cell"></td>
                {sort_head("Name", "name", sort, sorted)}
                <th role="columnheader" scope="col">"Status"</th>
                {sort_head("Address", "address", sort, sorted)}
                <th role="columnheader" scope="col">"Link"</th>
                {sort_head("Owner", "owner", sort, sorted)}
                {sort_head("Created", "created", sort, sorted)}
                <td role="cell"></td>
            </tr>
        </thead>
    }
    .erase()
}

fn row(page: LiveResource<Page<ContainerRow>>, id: ContainerId) -> AnyView {
    let found = page.part(move |page| page.rows.iter().find(|row| row.id == id).cloned());
    // A row that was removed from the list is about to be unmounted and renders nothing.
    let Some(first) = found.get_untracked() else {
        return ().erase();
    };
    let chosen: Selection = expect_context();
    let state = Memo::new(move |_| found.get().map(|row| (row.status, row.activity)));
    let status = reactive(move || {
        state
            .get()
            .map(|(status, activity)| marks(status, activity))
    });
    let address = Memo::new(move |_| {
        let row = found.get()?;
        Some((row.link?, row.status == Status::Running))
    });
    let link = reactive(move || address.get().map(|(address, runs)| link(address, runs)));
    let pick = move |_| {
        chosen
            .rows
            .update(|rows| match rows.iter().position(|row| *row == id) {
                Some(place) => {
                    rows.remove(place);
                }
                None => rows.push(id),
            });
    };
    let name = first.name.to_string();
    view! {
        <tr role="row">
            <td role="cell">
                <input type="checkbox" aria-label=format!("Select {name}") prop:checked=Signal::derive(move || chosen.rows.with(|rows| rows.contains(&id))) on:change=act(pick) />
            </td>
            <td role="cell" class="cell-main"><a class="row-link" data-row="" href=href(&first.site, &first.name)>{name}</a></td>
            <td role="cell">{status}</td>
            <td role="cell" class="mono">{reactive(move || found.with(|row| row.as_ref().map(|row| row.address.to_string())))}</td>
            <td role="cell">{link}</td>
            <td role="cell" data-label="Owner">{first.owner.to_string()}</td>
            <td role="cell" data-label="Created" class="num"><a class="above plain" tabindex="-1" href=href(&first.site, &first.name)>{ago(first.created)}</a></td>
            <td role="cell" class="cell-end">{menu(first, state, chosen)}</td>
        </tr>
    }
    .erase()
}

/// The status and the running job.
pub fn marks(status: Status, activity: Option<RunningJob>) -> AnyView {
    let doing = activity
        .map(|activity| activity.kind.activity())
        .filter(|doing| *doing != status.as_str());
    view! { <span class="state-line">{status_badge(status)} <span class="muted">{doing}</span></span> }.erase()
}

/// A link that is active while the container runs.
fn link(link: String, runs: bool) -> AnyView {
    let short = link
        .split_once("://")
        .map_or(link.as_str(), |(_, rest)| rest);
    let short = short.to_owned();
    if !runs {
        return view! { <span class="link-off">{short}</span> }.erase();
    }
    view! { <a class="link above" href=link rel="external">{short}</a> }.erase()
}

fn menu(
    row: ContainerRow,
    state: Memo<Option<(Status, Option<RunningJob>)>>,
    chosen: Selection,
) -> AnyView {
    let id = row.id;
    let off = move |power| {
        Signal::derive(move || {
            !state
                .get()
                .is_some_and(|(status, activity)| may(power, status, activity))
        })
    };
    let name = row.name.clone();
    let switch = move |power| {
        let name = name.clone();
        Callback::new(move |()| actions::switch(chosen.toasts, id, name.clone(), power))
    };
    let label = format!("Actions for {}", row.name);
    let delete = Callback::new(move |()| {
        chosen.delete.set(Some(row.clone()));
        chosen.deletion.open.set(true);
    });
    view! {
        <Menu id=format!("row-menu-{id}") label=label>
            <MenuItem shape="play" label="Start" disabled=off(Power::Start) run=switch(Power::Start) />
            <MenuItem shape="square" label="Stop" disabled=off(Power::Stop) run=switch(Power::Stop) />
            <MenuItem shape="rotate-cw" label="Restart" disabled=off(Power::Restart) run=switch(Power::Restart) />
            <MenuItem shape="trash-2" label="Delete" danger=true run=delete />
        </Menu>
    }
    .erase()
}

/// Confirms the deletion of a container.
pub fn delete_dialog(chosen: Selection) -> AnyView {
    let name = Signal::derive(move || {
        chosen.delete.with(|row| {
            row.as_ref()
                .map(|row| row.name.to_string())
                .unwrap_or_default()
        })
    });
    let losses = Signal::derive(move || {
        chosen
            .delete
            .with(|row| row.as_ref().map(actions::losses).unwrap_or_default())
    });
    let id = Signal::derive(move || chosen.delete.with(|row| row.as_ref().map(|row| row.id)));
    let delete = actions::delete(chosen.deletion, id);
    view! { <DeleteDialog deletion=chosen.deletion name=name losses=losses delete=delete /> }
        .erase()
}

/// The toolbar of the selected containers.
fn bulk(page: LiveResource<Page<ContainerRow>>) -> AnyView {
    let chosen: Selection = expect_context();
    let selected = Memo::new(move |_| {
        let rows = chosen.rows.get();
        page.with(|page| {
            page.rows
                .iter()
                .filter(|row| rows.contains(&row.id))
                .map(|row| (row.id, row.name.clone(), row.status, row.activity))
                .collect::<Vec<_>>()
        })
    });
    let able = move |power| {
        selected.with(|rows| {
            rows.iter()
                .any(|(_, _, status, activity)| may(power, *status, *activity))
        })
    };
    let all = move |power| {
        let rows: Vec<(ContainerId, Label)> = selected.with_untracked(|rows| {
            rows.iter()
                .filter(|(_, _, status, activity)| may(power, *status, *activity))
                .map(|(id, name, _, _)| (*id, name.clone()))
                .collect()
        });
        for (id, name) in rows {
            actions::switch(chosen.toasts, id, name, power);
        }
        chosen.rows.set(Vec::new());
    };

    reactive(move || {
        let count = selected.with(Vec::len);
        (count > 0).then(|| {
            view! {
                <div class="bulk" role="toolbar" aria-label="Selected containers">
                    <span class="num">{count} " selected"</span>
                    <button class="btn btn-small" disabled=Signal::derive(move || !able(Power::Start)) on:click=act(move |_| all(Power::Start))>{icon("play")} "Start"</button>
                    <button class="btn btn-small" disabled=Signal::derive(move || !able(Power::Stop)) on:click=act(move |_| all(Power::Stop))>{icon("square")} "Stop"</button>
                    <button class="btn btn-small btn-quiet" on:click=act(move |_| chosen.rows.set(Vec::new()))>"Clear"</button>
                </div>
            }.erase()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{query, to_address};

    #[test]
    fn query_round_trips_through_url() {
        let get = |name: &str| match name {
            "status" => Some("running"),
            "q" => Some("web"),
            "sort" => Some("-created"),
            "page" => Some("3"),
            _ => None,
        };
        assert_eq!(
            to_address(&query(get)),
            "/containers?status=running&q=web&sort=-created&page=3"
        );
    }

    #[test]
    fn invalid_url_parameters_are_ignored() {
        let get = |name: &str| matches!(name, "status" | "sort" | "page").then_some("nonsense");
        assert_eq!(to_address(&query(get)), "/containers");
    }
}
