//! A job as its page shows it: why it failed, its steps, and what a person may do about it. Knows
//! nothing of what comes after the job.

use crate::solid::{Solid as _, act, reactive};
use std::future::Future;

use leptos::{prelude::*, task::spawn_local};
use model::jobs::JobView;

use super::{
    failure::FailureLine,
    icon::icon,
    loaded::Loaded,
    steps::{job_failure, job_steps},
};
use crate::api::{self, Failure};

/// Failure and steps of a job.
pub fn job_view(job: Loaded<JobView>) -> AnyView {
    view! {
        {job_failure(job)}
        <section class="card stack-tight">
            <h2 class="card-title">"Steps"</h2>
            {job_steps(job)}
        </section>
    }
    .solid()
}

/// The buttons to stop a job and to try it again, while they are of use.
pub fn job_actions(job: Loaded<JobView>) -> AnyView {
    let may = job.part(|job| (job.can_cancel, job.can_retry));
    let busy = RwSignal::new(false);
    let failure = RwSignal::new(None::<Failure>);
    let ask = Callback::new(move |retry: bool| {
        let id = job.peek(|job| job.row.id);
        busy.set(true);
        failure.set(None);
        spawn_local(async move {
            let answer = if retry {
                done(api::jobs::retry(id)).await
            } else {
                done(api::jobs::cancel(id)).await
            };
            busy.try_set(false);
            match answer {
                Ok(()) => job.refresh(),
                Err(why) => {
                    failure.try_set(Some(why));
                }
            }
        });
    });
    let button = move |retry: bool, shape: &'static str, label: &'static str| {
        view! {
            <button type="button" class="btn" class:btn-busy=busy disabled=busy on:click=act(move |_| ask.run(retry))>
                {icon(shape)} {label}
            </button>
        }.solid()
    };
    let buttons = reactive(move || {
        let (cancel, retry) = may.get();
        let cancel = cancel.then(|| button(false, "ban", "Cancel the job"));
        let retry = retry.then(|| button(true, "rotate-cw", "Try again"));
        view! { {cancel} {retry} }.solid()
    });
    view! { {buttons} <FailureLine failure /> }.solid()
}

async fn done<T>(answer: impl Future<Output = Result<T, Failure>>) -> Result<(), Failure> {
    answer.await.map(|_| ())
}
