//! The details of a job: its failure, its steps and its actions. Does not depend on the kind of
//! job.

use crate::erase::{Erase as _, act, reactive};
use std::future::Future;

use leptos::{prelude::*, task::spawn_local};
use model::jobs::JobView;

use super::{
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

/// The buttons to cancel and to retry a job, while they apply.
pub fn job_actions(job: LiveResource<JobView>) -> AnyView {
    let may = job.part(|job| (job.can_cancel, job.can_retry));
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<Failure>);
    let ask = Callback::new(move |retry: bool| {
        let id = job.peek(|job| job.row.id);
        busy.set(true);
        failure.set(None);
        spawn_local(async move {
            let answer = if retry {
                done(server_fns::jobs::retry(id)).await
            } else {
                done(server_fns::jobs::cancel(id)).await
            };
            busy.try_set(false);
            match answer {
                Ok(()) => job.refresh(),
                Err(reason) => {
                    failure.try_set(Some(reason));
                }
            }
        });
    });
    let button = move |retry: bool, shape: &'static str, label: &'static str| {
        view! {
            <button type="button" class="btn" class:btn-busy=busy disabled=busy on:click=act(move |_| ask.run(retry))>
                {icon(shape)} {label}
            </button>
        }.erase()
    };
    let buttons = reactive(move || {
        let (cancel, retry) = may.get();
        let cancel = cancel.then(|| button(false, "ban", "Cancel job"));
        let retry = retry.then(|| button(true, "rotate-cw", "Retry"));
        view! { {cancel} {retry} }.erase()
    });
    view! { {buttons} <FailureLine failure /> }.erase()
}

async fn done<T>(answer: impl Future<Output = Result<T, Failure>>) -> Result<(), Failure> {
    answer.await.map(|_| ())
}
