//! Runs jobs: claims a job, runs its steps and renews its lease. Any number of processes may do so
//! on one database; only the owner of a job's lease works on it.

mod context;
mod failure;
mod guest;
mod heartbeat;
mod log_limit;
mod retry;
mod run;
mod steps;
mod task;
mod undo;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use model::JobId;
use store::jobs::JobRecord;
use tokio::sync::{Semaphore, broadcast, watch};

use crate::{
    Control,
    background::{Lease, NextPass, Reconciler, Wakeup},
    failure::StoreResultExt as _,
    filters,
};

/// The polling interval: an expired lease or a job of another process does not wake this worker.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// What the workers of this process share with those that create and cancel jobs.
pub(crate) struct Workers {
    wakeup: Wakeup,
    cancellations: broadcast::Sender<JobId>,
    running: AtomicBool,
}

impl Default for Workers {
    fn default() -> Self {
        Self {
            wakeup: Wakeup::default(),
            cancellations: broadcast::channel(64).0,
            running: AtomicBool::new(false),
        }
    }
}

impl Workers {
    /// Wakes the workers because there may be a job.
    pub(crate) fn notify(&self) {
        self.wakeup.notify();
    }

    /// Whether this process runs jobs.
    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Relaxed)
    }

    /// Forwards a cancellation request to the running job.
    pub(crate) fn cancel(&self, job: JobId) {
        // Without a receiver, the job does not run in this process.
        let _ = self.cancellations.send(job);
    }
}

/// The reconciler of all jobs: claims and runs those that are queued or were interrupted.
pub(crate) struct Jobs {
    control: Control,
    permits: Arc<Semaphore>,
    wake: watch::Receiver<u64>,
}

impl Jobs {
    pub(crate) fn new(control: Control) -> Self {
        let workers = &control.0.workers;
        workers.running.store(true, Ordering::Relaxed);
        Self {
            wake: workers.wakeup.subscribe(),
            permits: Arc::new(Semaphore::new(control.0.options.max_concurrent_jobs)),
            control,
        }
    }
}

/// Records that this process stopped running jobs, even when its reconciler panicked.
impl Drop for Jobs {
    fn drop(&mut self) {
        let workers = &self.control.0.workers;
        workers.running.store(false, Ordering::Relaxed);
    }
}

impl Reconciler for Jobs {
    const NAME: &'static str = "jobs";

    async fn reconcile(&mut self) -> Result<NextPass, model::Error> {
        filters::queue_due(&self.control).await?;
        // The task that releases a permit wakes the reconciler.
        while let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            let Some((job, lease)) = claim(&self.control).await? else {
                break;
            };
            let control = self.control.clone();
            control.clone().0.tasks.spawn(async move {
                run::run(&control, job, lease).await;
                drop(permit);
                control.0.workers.notify();
            });
        }
        Ok(NextPass::Within(POLL_INTERVAL))
    }

    async fn woken(&mut self) {
        // The sender is part of `control` and outlives this receiver.
        let _ = self.wake.changed().await;
    }

    fn retry_delay(&self) -> Duration {
        POLL_INTERVAL
    }
}

/// How many jobs of one owner run at the same time: three quarters of all, so that the jobs of
/// other owners do not wait for them.
fn max_per_owner(total: usize) -> usize {
    (total - total.div_ceil(4)).max(1)
}

async fn claim(control: &Control) -> Result<Option<(JobRecord, Lease)>, model::Error> {
    let lease = Lease::new(control.0.options.job_lease);
    let (owner, term) = (lease.owner(), lease.term_ms());
    let max_per_owner = max_per_owner(control.0.options.max_concurrent_jobs);
    let claim = move |c: &mut store::Conn| store::jobs::claim(c, &owner, term, max_per_owner);
    let job = control.store().write(claim).await.into_model("claim job")?;
    Ok(job.map(|job| (job, lease)))
}
