//! One job: its progress, its log, and its actions.

use leptos_router::hooks::use_params_map;
use model::{
    Error, JobId, Kind,
    jobs::{JobKind, JobRow, JobState, JobView},
};

use super::list::{actor, title, took};
use crate::{
    components::{
        job_view::{job_actions, job_view},
        log::job_log,
        steps::job_state,
    },
    pages::prelude::*,
};

/// The page.
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

async fn fetch(id: String) -> Result<JobView, Failure> {
    match id.parse() {
        Ok(id) => server_fns::jobs::get(id).await,
        // An invalid id is treated as not found.
        Err(_) => Err(Failure(Error::NotFound { kind: Kind::Job })),
    }
}

fn content(job: LiveResource<JobView>, ended: RwSignal<bool>) -> AnyView {
    Effect::new(move |_| ended.set(job.with(|job| job.row.state.has_ended())));
    let title = job.part(|job| title(&job.row));
    view! {
        <PageHead title=title badges=move || job_state(job) actions=move || view! { {to_container(job)} {job_actions(job)} }.erase() />
        <div class="stack">
            {created_container(job)}
            <div class="columns">
                <div>{job_view(job)}</div>
                {facts(job)}
            </div>
        </div>
    }
    .erase()
}

/// The path of the job's container, while the container exists.
fn container(row: &JobRow) -> Option<String> {
    row.container
        .map(|_| format!("/sites/{}/containers/{}", row.site, row.container_name))
}

/// The container that the job has created, once it exists.
fn made_container(job: &JobView) -> Option<String> {
    let created_container = job.row.kind == JobKind::Create && job.row.state == JobState::Done;
    container(&job.row).filter(|_| created_container)
}

/// Shows that the container was created, with a link to it.
fn created_container(job: LiveResource<JobView>) -> AnyView {
    let created_container =
        job.part(|job| Some((made_container(job)?, job.row.container_name.to_string())));
    let panel = reactive(move || {
        created_container.get().map(|(href, name)| {
            view! {
                <section class="panel panel-good">
                    <p class="panel-title">{icon("circle-check")} {format!("{name} was created.")}</p>
                    <a class="btn btn-primary" href=href>{icon("arrow-right")} {format!("Open {name}")}</a>
                </section>
            }.erase()
        })
    });
    view! { <div aria-live="polite">{panel}</div> }.erase()
}

fn to_container(job: LiveResource<JobView>) -> AnyView {
    let target = job.part(|job| container(&job.row).filter(|_| made_container(job).is_none()));

    reactive(move || {
        target.get().map(|href| {
            view! { <a class="btn" href=href>{icon("container")} "Open container"</a> }.erase()
        })
    })
}

fn facts(job: LiveResource<JobView>) -> AnyView {
    let row = job.part(|job| job.row.clone());

    reactive(move || {
        let row = row.get();
        let begun = row
            .started
            .map(|started| view! { <dt>"Started"</dt><dd>{ago(started)}</dd> }.erase());
        view! {
            <dl class="card facts">
                <dt>"Job"</dt><dd class="mono">{row.id.to_string()}</dd>
                <dt>"Site"</dt><dd>{row.site.to_string()}</dd>
                <dt>"Created by"</dt><dd>{actor(&row)}</dd>
                <dt>"Created"</dt><dd>{ago(row.created)}</dd>
                {begun}
                <dt>"Duration"</dt><dd class="num">{took(row.started, row.finished)}</dd>
            </dl>
        }
        .erase()
    })
}
