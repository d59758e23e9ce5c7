//! Works on jobs: claims one, does its steps, keeps its lease. Any number of processes may do so
//! on one database; a job belongs to whoever holds its lease.

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

/// How often a worker looks without having been called: a lease that ran out, or a job of another
/// process, rings no bell here.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Calls the workers of this process.
pub(crate) struct Bell {
    work: Notify,
    cancels: broadcast::Sender<JobId>,
    listening: AtomicBool,
}

impl Default for Bell {
    fn default() -> Self {
        Self {
            work: Notify::new(),
            cancels: broadcast::channel(64).0,
            listening: AtomicBool::new(false),
        }
    }
}

impl Bell {
    /// There may be work.
    pub(crate) fn ring(&self) {
        self.work.notify_one();
    }

    /// Whether somebody works on jobs.
    pub(crate) fn is_heard(&self) -> bool {
        self.listening.load(Ordering::Relaxed)
    }

    /// A job was asked to stop.
    pub(crate) fn cancelled(&self, job: JobId) {
        // Nobody listening means that the job does not run here.
        let _ = self.cancels.send(job);
    }
}

/// Says that nobody works on jobs any more, however the work ended.
struct Listening(Control);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.0.workers.listening.store(false, Ordering::Relaxed);
    }
}

/// Claims and runs jobs until the program ends.
pub(crate) async fn work(control: Control) {
    control.0.workers.listening.store(true, Ordering::Relaxed);
    let _listening = Listening(control.clone());
    let stop = control.0.stop.clone();
    let seats = Arc::new(Semaphore::new(control.0.options.parallel_jobs));
    let name = format!("{}-{:08x}", std::process::id(), rand::random::<u32>());
    while let Some(Ok(seat)) = stop
        .run_until_cancelled(Arc::clone(&seats).acquire_owned())
        .await
    {
        match claim(&control, &name).await {
            Some(job) => {
                let (control, name) = (control.clone(), name.clone());
                control.clone().0.tasks.spawn(async move {
                    run::run(&control, job, &name).await;
                    drop(seat);
                    control.0.workers.ring();
                });
            }
            None => {
                drop(seat);
                let idle = tokio::time::timeout(LOOK_EVERY, control.0.workers.work.notified());
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
            tracing::warn!(?error, "no job could be claimed");
            None
        }
    }
}

fn lease_ms(control: &Control) -> i64 {
    i64::try_from(control.0.options.lease.as_millis()).unwrap_or(i64::MAX)
}
