//! A job's steps as a list, each with its state, duration and progress.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::{
    jobs::{JobState, JobView, StepState, StepView},
    sizes::Bytes,
    time::format_duration,
};

use super::{
    badge::{ago, job_badge, step_mark},
    icon::icon,
    live_resource::LiveResource,
};

pub fn job_steps(job: LiveResource<JobView>) -> AnyView {
    let count = job.part(|job| job.steps.len());
    let ended = job.part(|job| job.row.state.has_ended());
    let steps = reactive(move || {
        (0..count.get())
            .map(|index| one_step(job.part(move |job| job.steps.get(index).cloned()), ended))
            .collect::<Vec<_>>()
    });
    view! { <ol class="steps">{steps}</ol> }.erase()
}

fn one_step(step: Memo<Option<StepView>>, ended: Memo<bool>) -> AnyView {
    reactive(move || {
        let step = step.get()?;
        let (tone, icon_name) = step_mark(step.state);
        let running = step.state == StepState::Running;
        let class = format!("step {}", tone.class());
        let duration = step_duration(&step);
        let progress = step.progress.filter(|_| running).map(|progress| {
            let label_text = format!("{} of {}", Bytes(progress.done), Bytes(progress.total));
            let label = format!("{}: {label_text}", step.title);
            view! {
                <progress class="bar" max=progress.total.to_string() value=progress.done.to_string() aria-label=label></progress>
                <span class="muted num">{label_text}</span>
            }.erase()
        });
        let current = running.then_some("step");
        let state = match step.state {
            StepState::Waiting if ended.get() => "not run",
            StepState::Undone => "rolled back",
            state => state.as_str(),
        };
        Some(view! {
            <li class=class aria-current=current>
                <span class="step-mark">{icon(icon_name)}</span>
                <div class="step-body">
                    <span class="step-title">{step.title.clone()}</span>
                    <span class="muted num">{state} {duration}</span>
                    {step.note.clone().map(|note| view! { <span class="step-note mono">{note}</span> }.erase())}
                    {progress}
                </div>
            </li>
        }.erase())
    })
}

/// How long a step took, once it has ended.
fn step_duration(step: &StepView) -> Option<String> {
    let duration = step.started?.age_ms(step.finished?);
    Some(format!(", {}", format_duration(duration)))
}

/// The state of a job with its age, and its failure.
pub fn job_state(job: LiveResource<JobView>) -> AnyView {
    reactive(move || {
        job.with(|job| {
            let row = &job.row;
            let since = row.finished.or(row.started).unwrap_or(row.created);
            let stopping = (job.is_canceling && !row.state.has_ended()).then_some("cancel requested");
            view! { <span class="state-line">{job_badge(row.state)} <span class="muted">{ago(since)} " " {stopping}</span></span> }.erase()
        })
    })
}

/// Why a job failed: the message, the original error in a fold, and what is left behind.
pub fn job_failure(job: LiveResource<JobView>) -> AnyView {
    let failure = job.part(|job| {
        let ended = matches!(job.row.state, JobState::Failed | JobState::Canceled);
        ended.then(|| {
            (
                job.row.error.clone(),
                job.details.clone(),
                job.leftovers.clone(),
            )
        })
    });

    reactive(move || {
        let (error, original_error, left) = failure.get()?;
        if error.is_none() && left.is_empty() {
            return None;
        }
        let original_error = original_error.map(|original_error| {
            view! { <details class="fold"><summary>"Error message"</summary><pre class="verbatim" tabindex="0">{original_error}</pre></details> }.erase()
        });
        let left = (!left.is_empty()).then(|| {
            let items = left
                .into_iter()
                .map(|item| view! { <li>{item}</li> }.erase())
                .collect::<Vec<_>>();
            view! { <p>"Left behind:"</p><ul class="bullets">{items}</ul> }.erase()
        });
        Some(view! {
            <section class="panel panel-danger">
                <p class="panel-title">{icon("circle-alert")} {error.unwrap_or_else(|| "The job was canceled.".to_owned())}</p>
                {left} {original_error}
            </section>
        }.erase())
    })
}
