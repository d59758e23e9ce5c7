//! Runs jobs: claims a job, runs its steps and renews its lease. Any number of processes may do so
//! on one database; only the holder of a job's lease works on it.

mod context;
mod failure;
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
use tokio::sync::{Notify, Semaphore, broadcast};

use crate::Control;

/// The polling interval: an expired lease or a job of another process does not wake this worker.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Wakes the workers of this process.
pub(crate) struct Wakeup {
    work: Notify,
    cancellations: broadcast::Sender<JobId>,
    listening: AtomicBool,
}

impl Default for Wakeup {
    fn default() -> Self {
        Self {
            work: Notify::new(),
            cancellations: broadcast::channel(64).0,
            listening: AtomicBool::new(false),
        }
    }
}

impl Wakeup {
    /// Wakes a worker because there may be a job.
    pub(crate) fn notify(&self) {
        self.work.notify_one();
    }

    /// Whether a worker is running.
    pub(crate) fn is_running(&self) -> bool {
        self.listening.load(Ordering::Relaxed)
    }

    /// Forwards a cancellation request to the running job.
    pub(crate) fn cancel(&self, job: JobId) {
        // Without a receiver, the job does not run in this process.
        let _ = self.cancellations.send(job);
    }
}

/// Clears the `listening` flag when the worker ends, even by a panic.
struct ListeningGuard(Control);

impl Drop for ListeningGuard {
    fn drop(&mut self) {
        self.0.0.workers.listening.store(false, Ordering::Relaxed);
    }
}

/// Claims and runs jobs until the program stops.
pub(crate) async fn run_jobs(control: Control) {
    control.0.workers.listening.store(true, Ordering::Relaxed);
    let _listening = ListeningGuard(control.clone());
    let stop = control.0.stop.clone();
    let permits = Arc::new(Semaphore::new(control.0.options.max_concurrent_jobs));
    let name = format!("{}-{:08x}", std::process::id(), rand::random::<u32>());
    while let Some(Ok(permit)) = stop
        .run_until_cancelled(Arc::clone(&permits).acquire_owned())
        .await
    {
        match claim(&control, &name).await {
            Some(job) => {
                let (control, name) = (control.clone(), name.clone());
                control.clone().0.tasks.spawn(async move {
                    run::run(&control, job, &name).await;
                    drop(permit);
                    control.0.workers.notify();
                });
            }
            None => {
                drop(permit);
                let idle = tokio::time::timeout(POLL_INTERVAL, control.0.workers.work.notified());
                if stop.run_until_cancelled(idle).await.is_none() {
                    return;
                }
            }
        }
    }
}

async fn claim(control: &Control, name: &str) -> Option<store::jobs::JobRecord> {
    let lease = lease_ms(control);
    let name = name.to_owned();
    match control
        .store()
        .write(move |c| store::jobs::claim(c, &name, lease))
        .await
    {
        Ok(job) => job,
        Err(error) => {
            tracing::warn!(?error, "failed to claim job");
            None
        }
    }
}

fn lease_ms(control: &Control) -> i64 {
    i64::try_from(control.0.options.job_lease.as_millis()).unwrap_or(i64::MAX)
}
