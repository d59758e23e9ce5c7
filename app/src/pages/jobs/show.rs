//! One job: how far it is, what it wrote, and what a person can do about it.

use crate::solid::{Solid as _, reactive};
use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use model::{
    Error, JobId, Kind,
    events::{Event, Topic},
    jobs::{JobKind, JobRow, JobState, JobView},
};

use super::list::took;
use crate::{
    api::{self, Failure},
    components::{
        badge::ago,
        icon::icon,
        job_view::{job_actions, job_view},
        loaded::{Loaded, loaded},
        log::job_log,
        page::{PageHead, object_skeleton},
        steps::job_state,
    },
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
        let job = loaded(
            Signal::from(id),
            fetch,
            |job: &JobView| vec![Event::of(Topic::Job, job.row.id.0)],
            object_skeleton,
            move |job| content(job, ended),
        );
        let log = known.map(|id| job_log(id, ended));
        view! { <div class="stack">{job} {log}</div> }.solid()
    })
}

async fn fetch(id: String) -> Result<JobView, Failure> {
    match id.parse() {
        Ok(id) => api::jobs::get(id).await,
        // What cannot be a key is the key of nothing.
        Err(_) => Err(Failure(Error::NotFound { kind: Kind::Job })),
    }
}

fn content(job: Loaded<JobView>, ended: RwSignal<bool>) -> AnyView {
    Effect::new(move |_| ended.set(job.with(|job| job.row.state.ended())));
    let title = job.part(|job| format!("{} {}", job.row.kind.verb(), job.row.container_name));
    view! {
        <PageHead title=title aside=move || job_state(job) actions=move || view! { {to_container(job)} {job_actions(job)} }.solid() />
        <div class="stack">
            {made(job)}
            <div class="columns">
                <div>{job_view(job)}</div>
                {facts(job)}
            </div>
        </div>
    }
    .solid()
}

/// The address of the job's container, as long as there is one.
fn container(row: &JobRow) -> Option<String> {
    row.container
        .map(|_| format!("/sites/{}/containers/{}", row.site, row.container_name))
}

/// The container that a job has made, once it is there.
fn made_container(job: &JobView) -> Option<String> {
    let made = job.row.kind == JobKind::Create && job.row.state == JobState::Done;
    container(&job.row).filter(|_| made)
}

/// Says that the container is there, with the way to it.
fn made(job: Loaded<JobView>) -> AnyView {
    let made = job.part(|job| Some((made_container(job)?, job.row.container_name.to_string())));
    let panel = reactive(move || {
        made.get().map(|(href, name)| {
            view! {
                <section class="panel panel-good">
                    <p class="panel-title">{icon("circle-check")} {format!("{name} is there.")}</p>
                    <a class="btn btn-primary" href=href>{icon("arrow-right")} {format!("Open {name}")}</a>
                </section>
            }.solid()
        })
    });
    view! { <div aria-live="polite">{panel}</div> }.solid()
}

fn to_container(job: Loaded<JobView>) -> AnyView {
    let target = job.part(|job| container(&job.row).filter(|_| made_container(job).is_none()));

    reactive(move || {
        target.get().map(|href| {
            view! { <a class="btn" href=href>{icon("container")} "Open the container"</a> }.solid()
        })
    })
}

fn facts(job: Loaded<JobView>) -> AnyView {
    let row = job.part(|job| job.row.clone());

    reactive(move || {
        let row = row.get();
        let actor = row
            .actor
            .as_ref()
            .map_or_else(|| "the system".to_owned(), ToString::to_string);
        let begun = row
            .started
            .map(|started| view! { <dt>"Begun"</dt><dd>{ago(started)}</dd> }.solid());
        view! {
            <dl class="card facts">
                <dt>"Job"</dt><dd class="mono">{row.id.to_string()}</dd>
                <dt>"Site"</dt><dd>{row.site.to_string()}</dd>
                <dt>"Asked for by"</dt><dd>{actor}</dd>
                <dt>"Asked for"</dt><dd>{ago(row.created)}</dd>
                {begun}
                <dt>"Took"</dt><dd class="num">{took(row.started, row.finished)}</dd>
            </dl>
        }
        .solid()
    })
}
