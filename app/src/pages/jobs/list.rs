//! The list of jobs, newest first.

use model::{
    Timestamp,
    jobs::{JobQuery, JobRow, JobState},
    time::format_duration,
};

use crate::{clock::Clock, components::badge::job_badge, pages::prelude::*};

const LIST: PagedList = PagedList {
    title: "Jobs",
    count: ("job", "jobs"),
    path: "/jobs",
    create: "/containers/new",
    actions: || ().erase(),
    search: "Container name",
    filters: || {
        vec![Filter {
            name: "state",
            all: "All statuses",
            options: Signal::stored(word_options(&JobState::ALL)),
        }]
    },
    selects: &["state", "q"],
    keep: &[],
    empty: Some(|| {
        empty(
            "list-checks",
            "No jobs yet",
            "Every change to a container runs as a job. Create a container to start the first.",
            main_link("/containers/new", "plus", "New container"),
        )
    }),
    no_match: "Change the search or the filter.",
};

const ROWS: Rows<JobRow> = Rows {
    label: "Jobs",
    id: |job| job.id.0,
    columns: &[
        link_column("Job", |job| {
            RowLink::new(href(job), title(job).erase()).with_error(job.error.clone())
        }),
        STATUS,
        column("Steps", "num", steps),
        column("Site", "", |job| text(&job.site)),
        CREATED_BY,
        CREATED,
        column("Duration", "num", |job| took(job.started, job.finished)),
    ],
};

/// The column of the state.
pub const STATUS: Column<JobRow> = badge_column("Status", |job| job_badge(job.state));

/// The column of the user who created the job.
pub const CREATED_BY: Column<JobRow> = column("Created by", "", |job| text(actor(job)));

/// The column of the time when the job was created.
pub const CREATED: Column<JobRow> =
    column("Created", "num", |job| age_link(href(job), job.created));

/// The page.
pub fn page() -> AnyView {
    let query = url_query(|url| JobQuery {
        state: url.parsed("state"),
        container: None,
        q: url.text("q"),
        page: url.page(),
    });
    let interests = |_: &Page<JobRow>| vec![Event::all(Topic::Job)];
    paged_list(&LIST, query, server_fns::jobs::list, interests, &ROWS)
}

/// The path of a job.
pub fn href(job: &JobRow) -> String {
    format!("/jobs/{}", job.id)
}

/// The title of a job.
pub fn title(job: &JobRow) -> String {
    format!("{} {}", job.kind.verb(), job.container_name)
}

/// The user who created the job, or the manager.
pub fn actor(job: &JobRow) -> String {
    let actor = job.actor.as_ref();
    actor.map_or_else(|| "System".to_owned(), ToString::to_string)
}

fn steps(job: &JobRow) -> AnyView {
    let message = format!("{} of {}", job.steps_done, job.steps);
    let bar = (!job.state.has_ended()).then(|| {
        let label = format!("{}: {message} steps", title(job));
        let (max, value) = (job.steps.max(1).to_string(), job.steps_done.to_string());
        view! { <progress class="bar bar-short" max=max value=value aria-label=label></progress> }
            .erase()
    });
    view! { {bar} <span>{message}</span> }.erase()
}

/// How long a job took, or has taken so far.
pub fn took(started: Option<Timestamp>, finished: Option<Timestamp>) -> AnyView {
    match (started, finished) {
        (Some(start), Some(end)) => format_duration(start.age_ms(end)).erase(),
        (Some(start), None) => reactive(move || format_duration(start.age_ms(Clock::read()))),
        (None, _) => muted("not started"),
    }
}
