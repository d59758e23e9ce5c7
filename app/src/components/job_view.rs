//! The details of a job: its failure, its steps and its actions. Does not depend on the kind of
//! job.

use crate::erase::{Erase as _, act, reactive};
use leptos::{prelude::*, task::spawn_local};
use model::{
    JobId,
    jobs::{JobKind, JobView},
};

use super::{
    dialog::{DeleteDialog, Deletion},
    failure::FailureLine,
    icon::icon,
    live_resource::LiveResource,
    steps::{job_failure, job_steps},
};
use crate::server_fns::{self, Failure};

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

/// A change to a job, with its button.
#[derive(Clone, Copy)]
enum Action {
    Cancel,
    Retry,
}

impl Action {
    async fn send(self, job: JobId) -> Result<(), Failure> {
        match self {
            Self::Cancel => server_fns::jobs::cancel(job).await,
            Self::Retry => server_fns::jobs::retry(job, String::new()).await,
        }
    }
}

/// The buttons to cancel and to retry a job, while they apply. Before a deletion is retried, the
/// container's name has to be typed.
pub fn job_actions(job: LiveResource<JobView>) -> AnyView {
    let may = job.part(|job| (job.can_cancel, job.can_retry));
    let request = Request::new(Callback::new(move |()| job.refresh()));
    let (id, kind) = job.peek(|job| (job.row.id, job.row.kind));
    let deletion = Deletion::default();
    let retry = Callback::new(move |()| match kind {
        JobKind::Delete => deletion.open.set(true),
        _ => request.send(id, Action::Retry),
    });
    let cancel = Callback::new(move |()| request.send(id, Action::Cancel));
    let buttons = reactive(move || {
        let (can_cancel, can_retry) = may.get();
        let cancel = can_cancel.then(|| request.button(Action::Cancel, cancel));
        let retry = can_retry.then(|| request.button(Action::Retry, retry));
        view! { {cancel} {retry} }.erase()
    });
    let dialog = (kind == JobKind::Delete).then(|| retry_dialog(job, deletion));
    view! { {buttons} <FailureLine failure=request.failure /> {dialog} }.erase()
}

/// Asks for the container's name before its deletion is retried.
fn retry_dialog(job: LiveResource<JobView>, deletion: Deletion) -> AnyView {
    let name = job.part(|job| job.row.container_name.to_string());
    let losses = Signal::stored(vec!["All data on the disk".to_owned()]);
    let delete = Callback::new(move |typed| {
        let id = job.peek(|job| job.row.id);
        let request = server_fns::jobs::retry(id, typed);
        deletion.send(request, move |()| job.refresh());
    });
    view! { <DeleteDialog deletion name losses delete /> }.erase()
}

/// The button to retry a job that can be retried; `done` runs when the job is queued again.
pub fn retry_button(job: JobId, done: Callback<()>) -> AnyView {
    let request = Request::new(done);
    let retry = Callback::new(move |()| request.send(job, Action::Retry));
    view! { {request.button(Action::Retry, retry)} <FailureLine failure=request.failure /> }.erase()
}

/// The state of the requests of buttons beside each other.
#[derive(Clone, Copy)]
struct Request {
    busy: RwSignal<bool>,
    failure: RwSignal<Option<Failure>>,
    done: Callback<()>,
}

impl Request {
    fn new(done: Callback<()>) -> Self {
        Self {
            busy: RwSignal::new(false),
            failure: RwSignal::new(None),
            done,
        }
    }

    fn send(self, job: JobId, action: Action) {
        self.busy.set(true);
        self.failure.set(None);
        spawn_local(async move {
            let response = action.send(job).await;
            self.busy.try_set(false);
            match response {
                Ok(()) => {
                    self.done.try_run(());
                }
                Err(failure) => {
                    self.failure.try_set(Some(failure));
                }
            }
        });
    }

    fn button(self, action: Action, run: Callback<()>) -> AnyView {
        let (shape, label) = match action {
            Action::Cancel => ("ban", "Cancel job"),
            Action::Retry => ("rotate-cw", "Retry"),
        };
        let busy = self.busy;
        view! {
            <button type="button" class="btn" class:btn-busy=busy disabled=busy on:click=act(move |_| run.run(()))>
                {icon(shape)} {label}
            </button>
        }
        .erase()
    }
}
