//! The details of a job: its failure, its steps and its actions. Does not depend on the kind of
//! job.

use crate::erase::{Erase as _, act, reactive};
use std::future::Future;

use leptos::{prelude::*, task::spawn_local};
use model::jobs::{JobKind, JobView};

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

/// The buttons to cancel and to retry a job, while they apply. Before a deletion is retried, the
/// container's name has to be typed again.
pub fn job_actions(job: LiveResource<JobView>) -> AnyView {
    let may = job.part(|job| (job.can_cancel, job.can_retry));
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<Failure>);
    let deletion = Deletion::default();
    let name = job.part(|job| job.row.container_name.to_string());
    let id = move || job.peek(|job| job.row.id);
    let cancel = move || {
        send(job, busy, failure, server_fns::jobs::cancel(id()));
    };
    let retry = move || match job.peek(|job| job.row.kind) {
        JobKind::Delete => deletion.open.set(true),
        _ => send(
            job,
            busy,
            failure,
            server_fns::jobs::retry(id(), String::new()),
        ),
    };
    let delete = Callback::new(move |typed| {
        deletion.send(server_fns::jobs::retry(id(), typed), move |()| {
            job.refresh()
        });
    });
    let losses = Signal::stored(vec!["All data on the disk".to_owned()]);
    let button = move |run: Callback<()>, shape: &'static str, label: &'static str| {
        view! {
            <button type="button" class="btn" class:btn-busy=busy disabled=busy on:click=act(move |_| run.run(()))>
                {icon(shape)} {label}
            </button>
        }
        .erase()
    };
    let (cancel, retry) = (
        Callback::new(move |()| cancel()),
        Callback::new(move |()| retry()),
    );
    let buttons = reactive(move || {
        let (can_cancel, can_retry) = may.get();
        let cancel = can_cancel.then(|| button(cancel, "ban", "Cancel job"));
        let retry = can_retry.then(|| button(retry, "rotate-cw", "Retry"));
        view! { {cancel} {retry} }.erase()
    });
    view! {
        {buttons}
        <FailureLine failure />
        <DeleteDialog deletion name losses delete />
    }
    .erase()
}

/// Sends a request, and shows the new state of the job or the failure.
fn send(
    job: LiveResource<JobView>,
    busy: RwSignal<bool>,
    failure: RwSignal<Option<Failure>>,
    request: impl Future<Output = Result<(), Failure>> + 'static,
) {
    busy.set(true);
    failure.set(None);
    spawn_local(async move {
        let answer = request.await;
        busy.try_set(false);
        match answer {
            Ok(()) => job.refresh(),
            Err(reason) => {
                failure.try_set(Some(reason));
            }
        }
    });
}
