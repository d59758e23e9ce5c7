//! The details of a job: its failure, its steps and its actions. Does not depend on the kind of
//! job.

use crate::erase::{Erase as _, reactive};
use leptos::prelude::*;
use model::{
    JobId, Kind,
    jobs::{JobKind, JobView},
};

use super::{
    action::Action,
    dialog::{ConfirmedAction, DeleteDialog},
    failure::FailureLine,
    live_resource::LiveResource,
    noun::Noun,
    steps::{job_failure, job_steps},
};
use crate::server_fns;

/// The failure and the steps of a job.
pub fn job_view(job: LiveResource<JobView>) -> AnyView {
    view! {
        {job_failure(job)}
        <section class="card stack-tight">
            <h2 class="card-title">"Steps"</h2>
            {job_steps(job)}
        </section>
    }
    .erase()
}

/// The buttons to cancel and to retry a job, while they apply. Before a deletion is retried, the
/// container's name has to be typed.
pub fn job_actions(job: LiveResource<JobView>) -> AnyView {
    let may = job.part(|job| (job.can_cancel, job.can_retry));
    let action = Action::default();
    let (id, kind) = job.peek(|job| (job.row.id, job.row.kind));
    let deletion = ConfirmedAction::default();
    let cancel = move || action.send(server_fns::jobs::cancel(id), move |()| job.refresh());
    let retry = move || match kind {
        JobKind::Delete => deletion.open.set(true),
        _ => retry(action, id, move || job.refresh()),
    };
    let buttons = reactive(move || {
        let (can_cancel, can_retry) = may.get();
        let cancel = can_cancel.then(|| action.button("ban", "Cancel job", cancel));
        let retry = can_retry.then(|| action.button("rotate-cw", "Retry", retry));
        view! { {cancel} {retry} }.erase()
    });
    let dialog = (kind == JobKind::Delete).then(|| retry_dialog(job, deletion));
    view! { {buttons} <FailureLine failure=action.failure /> {dialog} }.erase()
}

/// Asks for the container's name before its deletion is retried.
fn retry_dialog(job: LiveResource<JobView>, deletion: ConfirmedAction) -> AnyView {
    let name = job.part(|job| job.row.container_name.to_string());
    let consequences = Signal::stored(vec!["All data on the disk".to_owned()]);
    let delete = Callback::new(move |typed| {
        let id = job.peek(|job| job.row.id);
        let request = server_fns::jobs::retry(id, typed);
        deletion.send(request, move |()| job.refresh());
    });
    let noun = Noun::of(Kind::Container);
    view! { <DeleteDialog action=deletion noun name consequences on_confirm=delete /> }.erase()
}

/// The button to retry a job that can be retried; `done` runs when the job is queued again.
pub fn retry_button(job: JobId, done: Callback<()>) -> AnyView {
    let action = Action::default();
    let click = move || {
        retry(action, job, move || {
            done.try_run(());
        })
    };
    view! { {action.button("rotate-cw", "Retry", click)} <FailureLine failure=action.failure /> }
        .erase()
}

/// Retries a job that does not delete a container.
fn retry(action: Action, job: JobId, done: impl FnOnce() + 'static) {
    action.send(server_fns::jobs::retry(job, String::new()), move |()| {
        done()
    });
}
