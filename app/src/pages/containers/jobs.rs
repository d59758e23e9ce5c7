//! The jobs of one container.

use model::{
    containers::ContainerDetail,
    jobs::{JobQuery, JobRow},
};

use crate::{
    components::live_resource::live_resource_within,
    pages::{
        jobs::list::{CREATED, CREATED_BY, STATUS, href},
        prelude::*,
    },
};

const ROWS: Rows<JobRow> = Rows {
    label: "Jobs of this container",
    id: |job| job.id.0,
    columns: &[
        main_column("Job", |job| row_link(href(job), text(job.kind.verb()))),
        STATUS,
        CREATED_BY,
        CREATED,
    ],
};

/// The tab: the latest jobs, newest first.
pub fn tab(container: LiveResource<ContainerDetail>) -> AnyView {
    let query = JobQuery {
        container: Some(container.peek(|container| container.row.id)),
        page: 1,
        ..JobQuery::default()
    };
    live_resource_within(
        container.peek(|container| container.jobs.clone()),
        Signal::from(query),
        server_fns::jobs::list,
        |_| vec![Event::all(Topic::Job)],
        list_skeleton,
        content,
    )
}

fn content(jobs: LiveResource<Page<JobRow>>) -> AnyView {
    let none = jobs.part(|page| page.rows.is_empty());
    reactive(move || match none.get() {
        true => empty(
            "list-checks",
            "No jobs yet",
            "Every change to this container runs as a job.",
            ().erase(),
        ),
        false => table(jobs.part(|page| page.rows.clone()), &ROWS),
    })
}
