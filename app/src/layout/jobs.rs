//! Running jobs in the header: their number, and a ring with their overall progress. The list is in
//! a WebAssembly module that is loaded when it is opened.

use crate::erase::{Erase as _, act, reactive};
use leptos::prelude::*;
use model::{
    events::{Event, Topic},
    jobs::{JobRow, JobSummary},
};

use crate::{
    browser::close_popover,
    components::{
        badge::ago,
        lazy::lazy,
        live_resource::{LiveResource, live_resource_in_frame, live_resource_within},
        page::list_skeleton,
    },
    extras, server_fns,
};

/// The id of the list.
const LIST: &str = "running-jobs";

/// The button with the progress ring while jobs are running, and the list of jobs.
pub fn running_jobs() -> AnyView {
    live_resource_in_frame(
        |()| server_fns::jobs::summarize_active(),
        |_| vec![Event::all(Topic::Job)],
        || view! { <span class="jobs-placeholder"></span> }.erase(),
        button,
    )()
}

fn button(running: LiveResource<JobSummary>) -> AnyView {
    let count = running.part(|running| running.count);
    let none = Signal::derive(move || count.get() == 0);
    let label = Signal::derive(move || match count.get() {
        1 => "1 running job".to_owned(),
        count => format!("{count} running jobs"),
    });
    // The circumference of the ring is 100, so a percentage is a length.
    let dashes = Signal::derive(move || running.with(|running| format!("{} 100", running.share)));
    let opened = RwSignal::new(false);
    view! {
        <button type="button" class="btn btn-quiet jobs-button" popovertarget=LIST hidden=none aria-label=label on:click=act(move |_| opened.set(true))>
            <svg class="ring" viewBox="0 0 36 36" aria-hidden="true">
                <circle class="ring-track" cx="18" cy="18" r="15.915" pathLength="100"></circle>
                <circle class="ring-value" cx="18" cy="18" r="15.915" pathLength="100" stroke-dasharray=dashes></circle>
            </svg>
            <span class="num">{count}</span>
        </button>
        <div class="menu menu-wide" id=LIST popover="auto">
            {lazy(opened.into(), extras::running_jobs)}
            <a class="menu-item" href="/jobs" on:click=act(|_| close_popover(LIST))>"All jobs"</a>
        </div>
    }
    .erase()
}

/// The list of running jobs.
pub fn list_view() -> AnyView {
    live_resource_within(
        None,
        Signal::from(()),
        |()| server_fns::jobs::list_active(),
        |_| vec![Event::all(Topic::Job)],
        list_skeleton,
        |jobs| reactive(move || jobs.with(|jobs| list(jobs))),
    )
}

fn list(jobs: &[JobRow]) -> AnyView {
    if jobs.is_empty() {
        return view! { <p class="menu-head muted">"No running jobs."</p> }.erase();
    }
    jobs.iter()
        .take(8)
        .map(|job| {
            let title = format!("{} {}", job.kind.verb(), job.container_name);
            let value = job.steps_done.to_string();
            let label = format!("{title}: {} of {} steps", job.steps_done, job.steps);
            view! {
                <a class="menu-item menu-job" href=format!("/jobs/{}", job.id) on:click=act(|_| close_popover(LIST))>
                    <span>{title}</span>
                    <span class="muted">{ago(job.created)}</span>
                    <progress class="bar" max=job.steps.max(1).to_string() value=value aria-label=label></progress>
                </a>
            }.erase()
        })
        .collect::<Vec<_>>()
        .erase()
}
