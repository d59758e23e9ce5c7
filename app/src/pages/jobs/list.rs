//! The list of jobs, newest first.

use model::{
    Timestamp,
    jobs::{JobQuery, JobRow, JobState},
    time::format_duration,
};

use crate::{clock::Clock, components::badge::job_badge, pages::prelude::*};

const LIST: ListPage = ListPage {
    title: "Jobs",
    count: ("job", "jobs"),
    create: || Some(("/containers/new", "New container")),
    actions: Some(|| ().erase()),
    search: Some(Search {
        path: "/jobs",
        columns: "Container name",
        filters: || vec![Filter::new("state", "All statuses", JobState::ALL)],
        parameters: &["state", "q"],
        no_match: "Change the search or the filter.",
    }),
    empty: (
        "list-checks",
        "No jobs yet",
        "Every change to a container runs as a job. Create a container to start the first.",
    ),
    ..ListPage::DEFAULT
};

const ROWS: Rows<JobRow> = Rows {
    label: "Jobs",
    id: |job| job.id.0,
    columns: &[
        main_column("Job", |job| {
            let link = row_link(href(job), text(title(job)));
            view! { {link} {error_note(job.error.as_ref())} }.erase()
        }),
        STATUS,
        column("Steps", "num", steps),
        column("Site", "", |job| text(&job.site)),
        CREATED_BY,
        CREATED,
        column("Duration", "num", |job| {
            job_duration(job.started, job.finished)
        }),
    ],
};

pub const STATUS: Column<JobRow> = badge_column("Status", |job| job_badge(job.state));

/// The column of the user who created the job.
pub const CREATED_BY: Column<JobRow> = column("Created by", "", |job| text(actor(job)));

/// The column of the time when the job was created.
pub const CREATED: Column<JobRow> =
    column("Created", "num", |job| age_link(href(job), job.created));

pub fn page() -> AnyView {
    let query = url_query(|url| JobQuery {
        state: url.text("state").parse().ok(),
        container: None,
        q: url.text("q"),
        page: url.page(),
    });
    let interests = |_: &Page<JobRow>| vec![Event::all(Topic::Job)];
    list_page(
        &LIST,
        query,
        server_fns::jobs::list,
        interests,
        paged,
        &ROWS,
    )
}

/// The path of a job.
pub fn href(job: &JobRow) -> String {
    format!("/jobs/{}", job.id)
}

pub fn title(job: &JobRow) -> String {
    format!("{} {}", job.kind.verb(), job.container_name)
}

/// The user who created the job, or the manager.
pub fn actor(job: &JobRow) -> String {
    let actor = job.actor.as_ref();
    actor.map_or_else(|| "System".to_owned(), ToString::to_string)
}

fn steps(job: &JobRow) -> AnyView {
    let progress = format!("{} of {}", job.steps_done, job.steps);
    let bar = (!job.state.has_ended()).then(|| {
        let label = format!("{}: {progress} steps", title(job));
        let (max, value) = (job.steps.max(1).to_string(), job.steps_done.to_string());
        view! { <progress class="bar bar-short" max=max value=value aria-label=label></progress> }
            .erase()
    });
    view! { {bar} <span>{progress}</span> }.erase()
}

/// How long a job took, or has taken so far.
pub fn job_duration(started: Option<Timestamp>, finished: Option<Timestamp>) -> AnyView {
    match (started, finished) {
        (Some(start), Some(end)) => format_duration(start.age_ms(end)).erase(),
        (Some(start), None) => reactive(move || format_duration(start.age_ms(Clock::read()))),
        (None, _) => muted("not started"),
    }
}
