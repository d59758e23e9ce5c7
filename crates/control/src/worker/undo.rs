//! Undo after a failure or a cancellation: undoes a creation and describes what other jobs leave
//! behind. Never deletes a guest that may not belong to Holdfast.

use std::time::Duration;

use model::jobs::{JobKind, StepState};
use proxmox::Upid;
use store::{
    containers::ContainerRecord,
    jobs::{JobRecord, StepRecord},
};

use super::{context::Context, failure::StepFailure, retry::Retries, steps};
use crate::jobs::Step;

/// How long a task may take to end after it was killed.
const KILL_TIMEOUT: Duration = Duration::from_secs(30);
/// The interval for polling the state of a killed task.
const KILL_POLL: Duration = Duration::from_millis(100);

/// Undoes the job. What cannot be undone is added to the context's `leftovers`.
pub(super) async fn undo(context: &mut Context, job: &JobRecord) {
    let container = &context.container;
    match job.row.kind {
        JobKind::Create => undo_create(context, job).await,
        JobKind::Edit => context.leftovers.push(format!(
            "The changes of {} are saved, but the cluster may still have the old values. Retry \
                the job.",
            container.name,
        )),
        JobKind::Delete => context.leftovers.push(format!(
            "{} may be stopped and still has its IP address {}. Retry the job.",
            container.name, container.address,
        )),
        JobKind::Filters => context.leftovers.push(format!(
            "{} may have other interface filters than its site requires. Retry the job.",
            container.name,
        )),
        JobKind::Start | JobKind::Stop | JobKind::Restart => {}
    }
}

async fn undo_create(context: &mut Context, job: &JobRecord) {
    context.log("Rolling back.").await;
    // The current steps; `job` is from when the job was claimed.
    let id = job.row.id;
    let now = context
        .control
        .store()
        .read(move |c| store::jobs::get(c, id))
        .await;
    let steps = match now {
        Ok(Some(record)) => record.steps,
        _ => job.steps.clone(),
    };
    match remove(context, &steps).await {
        Ok(RemovalOutcome::Complete) => {}
        Ok(RemovalOutcome::Partial) => {
            let lock = context.creation_lock();
            context.leftovers.push(lock.sentence);
        }
        Err(failure) => {
            let ContainerRecord {
                name, vmid, node, ..
            } = &context.container;
            context.leftovers.push(format!(
                "CT {vmid} on {node} may still exist: {} To retry, delete {name} in Holdfast.",
                failure.sentence,
            ));
            return;
        }
    }
    // An interrupted step is undone as well.
    let begun =
        |step: &&StepRecord| matches!(step.view.state, StepState::Done | StepState::Running);
    for record in steps.iter().filter(begun) {
        context.mark_undone(record).await;
    }
}

/// Whether a creation was removed from the cluster.
enum RemovalOutcome {
    Complete,
    /// A locked container without a MAC address: the node stopped during the creation.
    Partial,
}

async fn remove(
    context: &mut Context,
    steps: &[StepRecord],
) -> Result<RemovalOutcome, StepFailure> {
    let mut retries = Retries::new(context);
    loop {
        match remove_once(context, steps).await {
            Err(failure) => retries.wait_after(context, failure).await?,
            done => return done,
        }
    }
}

async fn remove_once(
    context: &mut Context,
    steps: &[StepRecord],
) -> Result<RemovalOutcome, StepFailure> {
    // Tasks of this job, but not those of an earlier run of the undo.
    let is_own_task =
        |upid: &Upid| matches!(upid.kind(), "ociregistrypull" | "vzcreate" | "vzstart");
    for upid in steps
        .iter()
        .filter_map(Context::stored_task)
        .filter(is_own_task)
    {
        kill(context, &upid).await?;
    }
    // A creation may be running although its UPID was not saved.
    if let Some(upid) = context.find_running_task("vzcreate").await? {
        kill(context, &upid).await?;
    }
    context.notes.upid = None;
    let was_requested = steps
        .iter()
        .any(|step| step.name == Step::Create.word() && step.view.state != StepState::Waiting);
    if was_requested && steps::detect_partial_creation(context).await? {
        return Ok(RemovalOutcome::Partial);
    }
    steps::run(context, Step::Halt).await?;
    steps::run(context, Step::Remove).await?;
    Ok(RemovalOutcome::Complete)
}

/// Kills a running task and waits until it has ended. Polls the state only, because reading the log
/// may be refused while the task runs.
async fn kill(context: &Context, upid: &Upid) -> Result<(), StepFailure> {
    if !is_running(context, upid).await? {
        return Ok(());
    }
    context.client.kill_task(upid).await?;
    let ended = async {
        while is_running(context, upid).await? {
            tokio::time::sleep(KILL_POLL).await;
        }
        Ok(())
    };
    tokio::time::timeout(KILL_TIMEOUT, ended)
        .await
        .unwrap_or_else(|_| {
            let still_running = proxmox::Error::StillRunning {
                upid: upid.clone(),
                after: KILL_TIMEOUT,
            };
            Err(still_running.into())
        })
}

async fn is_running(context: &Context, upid: &Upid) -> Result<bool, StepFailure> {
    match context.client.task_status(upid).await {
        Ok(status) => Ok(status.state == proxmox::TaskState::Running),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error.into()),
    }
}
