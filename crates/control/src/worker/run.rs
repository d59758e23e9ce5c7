//! Runs one job under its lease. The outcome of each step is stored before the next step begins, so
//! that another worker can resume the job after a crash.

use std::time::Duration;

use model::{
    events::{Event, Topic},
    jobs::{JobKind, JobState, StepState},
};
use store::jobs::{JobOutcome, JobRecord};
use tokio::sync::watch;

use super::{
    context::Context,
    failure::{JobStoreResultExt as _, StepFailure},
    heartbeat::Heartbeat,
    retry::Retries,
    steps, undo,
};
use crate::{Control, background::Lease};

/// The longest time that a job holds its lease. Another worker resumes a job that takes longer,
/// because its worker hangs: steps have time limits of their own.
const HOLD_LIMIT: Duration = Duration::from_secs(12 * 3600);

enum JobEnd {
    Done,
    Failed(StepFailure),
    Canceled,
}

/// Runs a claimed job until it ends or its lease is lost.
pub(super) async fn run(control: &Control, job: JobRecord, lease: Lease) {
    let (cancel, canceled) = watch::channel(job.cancel_requested);
    let heartbeat = Heartbeat::new(control, job.row.id, cancel);
    let work = run_leased(control, &job, &lease, canceled);
    if let Err(reason) = lease.hold(&heartbeat, HOLD_LIMIT, work).await {
        tracing::warn!(job = %job.row.id, %reason, "job lease lost");
    }
}

async fn run_leased(
    control: &Control,
    job: &JobRecord,
    lease: &Lease,
    canceled: watch::Receiver<bool>,
) {
    let id = job.row.id;
    publish_job(control, job);
    let outcome = match Context::load(control, job, lease).await {
        Ok(Some(mut context)) => run_and_undo(control, &mut context, job, canceled).await,
        Ok(None) => Some(outcome(
            resolve_missing(control, job, lease).await,
            Vec::new(),
        )),
        Err(failure) => {
            // Keeps the lease until it expires, so that the load is not retried immediately.
            tracing::warn!(job = %id, error = failure.sentence, "job load failed");
            return;
        }
    };
    if let Err(error) = store_outcome(control, job, lease, outcome).await {
        tracing::warn!(job = %id, %error, "job outcome write failed");
    }
    publish_job(control, job);
}

/// The end of a job whose container or cluster no longer exists. A deletion is done if its worker
/// died after it had deleted the container's record and before it stored that.
async fn resolve_missing(control: &Control, job: &JobRecord, lease: &Lease) -> JobEnd {
    if job.row.kind != JobKind::Delete || job.row.container.is_some() {
        return JobEnd::Failed(StepFailure::new(
            "The container or its cluster no longer exists.",
        ));
    }
    let (id, owner) = (job.row.id, lease.owner());
    let open: Vec<u32> = job
        .steps
        .iter()
        .filter(|step| !matches!(step.view.state, StepState::Done | StepState::Skipped))
        .map(|step| step.position)
        .collect();
    let write = move |c: &mut store::Conn| {
        for position in &open {
            let state = StepState::Done;
            store::jobs::finish_step(c, id, &owner, *position, state, None, None)?;
        }
        Ok(())
    };
    match control.store().write(write).await.for_job(id) {
        Ok(()) => JobEnd::Done,
        Err(failure) => JobEnd::Failed(failure),
    }
}

/// Runs the steps and undoes them after a failure. Returns `None` when this process is stopping and
/// another one resumes the job. Dropping the steps is safe: every request to Proxmox is recorded or
/// can be detected.
async fn run_and_undo(
    control: &Control,
    context: &mut Context,
    job: &JobRecord,
    canceled: watch::Receiver<bool>,
) -> Option<JobOutcome> {
    let stop = &control.0.stop;
    let steps = run_steps_or_cancel(context, job, canceled);
    let end = stop.run_until_cancelled(steps).await?;
    if !matches!(end, JobEnd::Done) {
        stop.run_until_cancelled(undo::undo(context, job)).await?;
    }
    Some(outcome(end, std::mem::take(&mut context.leftovers)))
}

fn outcome(end: JobEnd, leftovers: Vec<String>) -> JobOutcome {
    match end {
        JobEnd::Done => JobOutcome {
            state: JobState::Done,
            error: None,
            details: None,
            leftovers,
        },
        JobEnd::Canceled => JobOutcome {
            state: JobState::Canceled,
            error: None,
            details: None,
            leftovers,
        },
        JobEnd::Failed(failure) => JobOutcome {
            state: JobState::Failed,
            error: Some(failure.sentence),
            details: failure.details,
            leftovers,
        },
    }
}

/// Stores the outcome or releases the lease. Stores nothing once the lease is lost.
async fn store_outcome(
    control: &Control,
    job: &JobRecord,
    lease: &Lease,
    outcome: Option<JobOutcome>,
) -> Result<(), store::Error> {
    let (id, owner) = (job.row.id, lease.owner());
    let created = job
        .row
        .container
        .filter(|_| job.row.kind == JobKind::Create);
    control
        .store()
        .write(move |c| {
            let Some(outcome) = &outcome else {
                return store::jobs::release(c, id, &owner);
            };
            let is_held = store::jobs::finish(c, id, &owner, outcome)?;
            match created {
                Some(container) if is_held && outcome.state == JobState::Done => {
                    store::containers::mark_created(c, container)
                }
                _ => Ok(()),
            }
        })
        .await
}

async fn run_steps_or_cancel(
    context: &mut Context,
    job: &JobRecord,
    mut canceled: watch::Receiver<bool>,
) -> JobEnd {
    // A failure that was stored before a crash still counts.
    if let Some(failure) = job.steps.iter().find_map(Context::stored_failure) {
        return JobEnd::Failed(failure);
    }
    tokio::select! {
        biased;
        Ok(_) = canceled.wait_for(|canceled| *canceled) => JobEnd::Canceled,
        end = run_steps(context, job) => end,
    }
}

async fn run_steps(context: &mut Context, job: &JobRecord) -> JobEnd {
    for record in &job.steps {
        if matches!(record.view.state, StepState::Done | StepState::Skipped) {
            continue;
        }
        let Some(step) = crate::jobs::Step::parse(&record.name) else {
            return JobEnd::Failed(StepFailure::new(
                "This job was started by another version of Holdfast.",
            ));
        };
        if let Err(failure) = context.begin(step, record).await {
            return JobEnd::Failed(failure);
        }
        match run_with_retries(context, step).await {
            Ok(done) => {
                if let Err(failure) = context.end(done.state(), done.note()).await {
                    return JobEnd::Failed(failure);
                }
            }
            Err(failure) => {
                context.fail(&failure).await;
                return JobEnd::Failed(failure);
            }
        }
    }
    JobEnd::Done
}

async fn run_with_retries(
    context: &mut Context,
    step: crate::jobs::Step,
) -> Result<steps::StepOutcome, StepFailure> {
    let mut retries = Retries::new(context);
    loop {
        match steps::run(context, step).await {
            Err(failure) => retries.wait_after(context, failure).await?,
            done => return done,
        }
    }
}

fn publish_job(control: &Control, job: &JobRecord) {
    let notifier = control.notifier();
    notifier.publish_owned(Event::of(Topic::Job, job.row.id.0), job.owner);
    if let Some(container) = job.row.container {
        notifier.publish_container(container, job.owner);
    }
}
