//! The jobs of one container.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::{
    containers::ContainerDetail,
    events::{Event, Topic},
    jobs::{JobQuery, JobRow},
    page::Page,
};

use crate::{
    components::{
        badge::{ago, job_badge},
        live_resource::{LiveResource, live_resource_within},
        page::{empty, list_skeleton},
    },
    server_fns,
};

/// The tab: the latest jobs, newest first.
pub fn tab(container: LiveResource<ContainerDetail>) -> AnyView {
    let id = container.peek(|view| view.row.id);
    let query = JobQuery {
        container: Some(id),
        page: 1,
        ..JobQuery::default()
    };
    live_resource_within(
        container.peek(|container| container.jobs.clone()),
        Signal::from(query),
        server_fns::jobs::list,
        |_| vec![Event::all(Topic::Job)],
        list_skeleton,
        table,
    )
}

fn table(page: LiveResource<Page<JobRow>>) -> AnyView {
    let none = page.part(|page| page.rows.is_empty());
    let nothing = reactive(move || {
        none.get().then(|| {
            empty(
                "list-checks",
                "No jobs yet",
                "Every change to this container runs as a job.",
                ().erase(),
            )
        })
    });
    let rows = reactive(move || page.with(|page| page.rows.iter().map(row).collect::<Vec<_>>()));
    view! {
        {nothing}
        <table class="list" role="table" hidden=none aria-label="Jobs of this container">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Job"</th>
                    <th role="columnheader" scope="col">"State"</th>
                    <th role="columnheader" scope="col">"Created by"</th>
                    <th role="columnheader" scope="col">"Created"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .erase()
}

fn row(job: &JobRow) -> AnyView {
    let by = job
        .actor
        .as_ref()
        .map_or_else(|| "System".to_owned(), ToString::to_string);
    view! {
        <tr role="row">
            <td role="cell" class="cell-main"><a class="row-link" data-row="" href=format!("/jobs/{}", job.id)>{job.kind.verb()}</a></td>
            <td role="cell">{job_badge(job.state)}</td>
            <td role="cell" data-label="Created by">{by}</td>
            <td role="cell" class="num">{ago(job.created)}</td>
        </tr>
    }
    .erase()
}
