//! Running jobs in the header: how many, and a ring of how far they are together.

use crate::solid::{Solid as _, act, reactive};
use leptos::prelude::*;
use model::{
    events::{Event, Topic},
    jobs::JobRow,
};

use crate::{
    api,
    components::{
        badge::ago,
        loaded::{Loaded, loaded},
    },
};

/// The button with its ring, and the jobs under it.
pub fn running_jobs() -> AnyView {
    loaded(
        Signal::from(()),
        |()| api::jobs::active(),
        |_| vec![Event::all(Topic::Job)],
        || view! { <span class="jobs-place"></span> }.solid(),
        button,
    )
}

fn button(jobs: Loaded<Vec<JobRow>>) -> AnyView {
    let count = jobs.part(Vec::len);
    let share = jobs.part(|jobs| share(jobs));
    let label = Signal::derive(move || match count.get() {
        0 => "No running jobs".to_owned(),
        1 => "1 running job".to_owned(),
        count => format!("{count} running jobs"),
    });
    // The ring's way round is 100 long, so that a share in percent is its length.
    let dashes = Signal::derive(move || format!("{} 100", share.get()));
    view! {
        <button type="button" class="btn btn-quiet jobs-button" popovertarget="running-jobs" aria-label=label>
            <svg class="ring" viewBox="0 0 36 36" aria-hidden="true">
                <circle class="ring-way" cx="18" cy="18" r="15.915" pathLength="100"></circle>
                <circle class="ring-share" cx="18" cy="18" r="15.915" pathLength="100" stroke-dasharray=dashes></circle>
            </svg>
            <span class="num">{count}</span>
        </button>
        <div class="menu menu-wide" id="running-jobs" popover="auto">
            {reactive(move || jobs.with(|jobs| list(jobs)))}
            <a class="menu-item" href="/jobs" on:click=act(|_| crate::browser::close_popover("running-jobs"))>"All jobs"</a>
        </div>
    }
    .solid()
}

fn list(jobs: &[JobRow]) -> AnyView {
    if jobs.is_empty() {
        return view! { <p class="menu-head muted">"Nothing is at work now."</p> }.solid();
    }
    jobs.iter()
        .take(8)
        .map(|job| {
            let title = format!("{} {}", job.kind.verb(), job.container_name);
            let value = job.steps_done.to_string();
            let label = format!("{title}: {} of {} steps", job.steps_done, job.steps);
            view! {
                <a class="menu-item menu-job" href=format!("/jobs/{}", job.id) on:click=act(|_| crate::browser::close_popover("running-jobs"))>
                    <span>{title}</span>
                    <span class="muted">{ago(job.created)}</span>
                    <progress class="bar" max=job.steps.max(1).to_string() value=value aria-label=label></progress>
                </a>
            }
        })
        .collect_view()
        .solid()
}

/// How far all running jobs are together, in percent.
fn share(jobs: &[JobRow]) -> u32 {
    let steps: u32 = jobs.iter().map(|job| job.steps).sum();
    let done: u32 = jobs.iter().map(|job| job.steps_done).sum();
    (done * 100).checked_div(steps).unwrap_or(0).min(100)
}
