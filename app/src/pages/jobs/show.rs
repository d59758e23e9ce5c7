//! One job: its progress, its log, and its actions.

use leptos_router::hooks::use_params_map;
use model::{
    Error, JobId,
    jobs::{JobKind, JobRow, JobState, JobView},
};

use super::list::{actor, job_duration, title};
use crate::{
    components::{
        job_view::{job_actions, job_view},
        log::job_log,
        steps::job_state,
    },
    pages::prelude::*,
};

pub fn page() -> AnyView {
    let parameters = use_params_map();
    let id =
        Memo::new(move |_| parameters.with(|all| all.get_str("id").unwrap_or_default().to_owned()));

    reactive(move || {
        let id = id.get();
        let known: Option<JobId> = id.parse().ok();
        let ended = RwSignal::new(false);
        let job = live_resource(
            Signal::from(id),
            fetch,
            |job: &JobView| vec![Event::of(Topic::Job, job.row.id.0)],
            object_skeleton,
            move |job| content(job, ended),
        );
        let log = known.map(|id| job_log(id, ended));
        view! { <div class="stack">{job} {log}</div> }.erase()
    })
}

async fn fetch(id: String) -> Result<JobView, RequestError> {
    match id.parse() {
        Ok(id) => server_fns::jobs::get(id).await,
        // An invalid id is treated as not found.
        Err(_) => Err(RequestError(Error::NotFound { kind: Kind::Job })),
    }
}

fn content(job: LiveResource<JobView>, ended: RwSignal<bool>) -> AnyView {
    Effect::new(move |_| ended.set(job.with(|job| job.row.state.has_ended())));
    let title = job.part(|job| title(&job.row));
    view! {
        <PageHead title=title badges=move || job_state(job) actions=move || view! { {to_container(job)} {job_actions(job)} }.erase() />
        <div class="stack">
            {outcome(job)}
            <div class="columns">
                <div>{job_view(job)}</div>
                {job.view(facts)}
            </div>
        </div>
    }
    .erase()
}

/// The path of the job's container, while the container exists.
fn container(row: &JobRow) -> Option<String> {
    let path = || format!("/sites/{}/containers/{}", row.site, row.container_name);
    row.container.map(|_| path())
}

/// The container that the job has created, once it exists.
fn created_path(job: &JobView) -> Option<String> {
    let has_created = job.row.kind == JobKind::Create && job.row.state == JobState::Done;
    container(&job.row).filter(|_| has_created)
}

/// Shows that the container was created, with a link to it, or that it was deleted.
fn outcome(job: LiveResource<JobView>) -> AnyView {
    let deleted = job.part(|job| {
        let is_deleted = job.row.kind == JobKind::Delete && job.row.state == JobState::Done;
        is_deleted.then(|| job.row.container_name.to_string())
    });
    let deletion = reactive_option(deleted, |name| {
        let title = format!("{name} was deleted.").erase();
        panel(Tone::Good, "circle-check", title, ().erase())
    });
    let created = job.part(|job| Some((created_path(job)?, job.row.container_name.to_string())));
    let notice = reactive_option(created, move |(href, name)| {
        let title = format!("{name} was created.").erase();
        let link = view! { <a class="btn btn-primary" href=href>{icon("arrow-right")} {format!("Open {name}")}</a> };
        panel(Tone::Good, "circle-check", title, link.erase())
    });
    view! { <div aria-live="polite">{notice} {deletion}</div> }.erase()
}

fn to_container(job: LiveResource<JobView>) -> AnyView {
    let target = job.part(|job| container(&job.row).filter(|_| created_path(job).is_none()));

    reactive_option(target, move |href| {
        view! { <a class="btn" href=href>{icon("container")} "Open container"</a> }.erase()
    })
}

fn facts(job: &JobView) -> AnyView {
    let row = &job.row;
    let duration = view! { <span class="num">{job_duration(row.started, row.finished)}</span> };
    Facts::new()
        .mono("Job", row.id)
        .text("Site", &row.site)
        .text("Created by", actor(row))
        .view("Created", ago(row.created))
        .with(row.started, |facts, at| facts.view("Started", ago(at)))
        .view("Duration", duration.erase())
        .card()
}
