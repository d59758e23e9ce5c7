//! The list of jobs, newest first.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use model::{
    JobId, Timestamp,
    events::{Event, Topic},
    jobs::{JobQuery, JobRow, JobState},
    page::Page,
    time::format_duration,
};

use crate::{
    clock::Clock,
    components::{
        badge::{ago, job_badge},
        list::{Filter, Filters, address, list_keys},
        live_resource::{LiveResource, live_resource},
        page::{PageHead, Pager, empty, list_skeleton, main_link, place},
    },
    server_fns,
};

const PATH: &str = "/jobs";

/// The page.
pub fn page() -> AnyView {
    Effect::new(|_| list_keys(Some("/containers/new")));
    let parameters = use_query_map();
    let query = Memo::new(move |_| {
        parameters.with(|parameters| {
            let text = |name| parameters.get_str(name).unwrap_or_default().trim();
            JobQuery {
                state: text("state").parse().ok(),
                container: None,
                q: text("q").to_owned(),
                page: text("page").parse().unwrap_or(1).max(1),
            }
        })
    });
    live_resource(
        query.into(),
        server_fns::jobs::list,
        |_| vec![Event::all(Topic::Job)],
        list_skeleton,
        move |jobs| content(jobs, query),
    )
}

fn content(jobs: LiveResource<Page<JobRow>>, query: Memo<JobQuery>) -> AnyView {
    let none = jobs.part(|page| page.rows.is_empty());
    let total = jobs.part(|page| page.total);
    let count = Signal::derive(move || match total.get() {
        1 => "1 job".to_owned(),
        total => format!("{total} jobs"),
    });
    let states = JobState::ALL
        .iter()
        .map(|state| (state.to_string(), state.to_string()))
        .collect::<Vec<_>>();
    let filters = vec![Filter {
        name: "state",
        all: "All states",
        options: Signal::stored(states),
    }];
    let href = Callback::new(move |number: u32| {
        query.with(|query| {
            let state = query.state.map(JobState::as_str).unwrap_or_default();
            address(
                PATH,
                &[
                    ("state", state),
                    ("q", &query.q),
                    ("page", &number.to_string()),
                ],
            )
        })
    });
    let body = reactive(move || {
        if none.get() {
            nothing(query)
        } else {
            table(jobs)
        }
    });
    view! {
        <PageHead title="Jobs" badges=move || view! { <span class="num" role="status">{count}</span> }.erase() />
        <Filters path=PATH search="Container name" filters=filters />
        {body}
        <Pager place=jobs.part(place) href=href />
    }
    .erase()
}

fn nothing(query: Memo<JobQuery>) -> AnyView {
    if query.with(|query| query.state.is_some() || !query.q.is_empty()) {
        let all = view! { <a class="btn" href=PATH>"Show all jobs"</a> }.erase();
        return empty(
            "search",
            "No jobs match",
            "Change the search or the filter.",
            all,
        );
    }
    empty(
        "list-checks",
        "No jobs yet",
        "Every change to a container runs as a job. Create a container to start the first.",
        main_link("/containers/new", "plus", "New container"),
    )
}

fn table(jobs: LiveResource<Page<JobRow>>) -> AnyView {
    let ids = jobs.part(|page| page.rows.iter().map(|job| job.id).collect::<Vec<_>>());
    let render_row = move |id: JobId| {
        row(jobs.part(move |page| page.rows.iter().find(|job| job.id == id).cloned()))
    };
    view! {
        <table class="list" role="table" aria-label="Jobs">
            <thead role="rowgroup">
                <tr role="row">
                    <th role="columnheader" scope="col">"Job"</th>
                    <th role="columnheader" scope="col">"State"</th>
                    <th role="columnheader" scope="col">"Steps"</th>
                    <th role="columnheader" scope="col">"Site"</th>
                    <th role="columnheader" scope="col">"Created by"</th>
                    <th role="columnheader" scope="col">"Created"</th>
                    <th role="columnheader" scope="col">"Duration"</th>
                </tr>
            </thead>
            <tbody role="rowgroup">
                <For each=move || ids.get() key=|id| *id children=render_row />
            </tbody>
        </table>
    }
    .erase()
}

fn row(job: Memo<Option<JobRow>>) -> AnyView {
    reactive(move || {
        let job = job.get()?;
        let title = format!("{} {}", job.kind.verb(), job.container_name);
        let href = format!("{PATH}/{}", job.id);
        let actor = job
            .actor
            .as_ref()
            .map_or_else(|| "System".to_owned(), ToString::to_string);
        let error = job
            .error
            .clone()
            .map(|error| view! { <span class="row-note">{error}</span> }.erase());
        Some(view! {
            <tr role="row">
                <td role="cell" class="cell-main">
                    <a class="row-link" data-row="" href=href.clone()>{title.clone()}</a>
                    {error}
                </td>
                <td role="cell">{job_badge(job.state)}</td>
                <td role="cell" data-label="Steps" class="num">{steps(&job, &title)}</td>
                <td role="cell" data-label="Site">{job.site.to_string()}</td>
                <td role="cell" data-label="Created by">{actor}</td>
                // Above the row's link, so that the exact time is shown on hover.
                <td role="cell" data-label="Created"><a class="above plain" tabindex="-1" href=href>{ago(job.created)}</a></td>
                <td role="cell" data-label="Duration" class="num">{took(job.started, job.finished)}</td>
            </tr>
        }.erase())
    })
}

fn steps(job: &JobRow, title: &str) -> AnyView {
    let message = format!("{} of {}", job.steps_done, job.steps);
    let bar = (!job.state.has_ended()).then(|| {
        let label = format!("{title}: {message} steps");
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
        (None, _) => view! { <span class="muted">"not started"</span> }.erase(),
    }
}
