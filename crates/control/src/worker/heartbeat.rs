//! The heartbeat of a job: renews its lease and learns of cancellation requests.

use model::JobId;
use store::Conn;
use tokio::sync::{
    Mutex,
    broadcast::{self, error::RecvError},
    watch,
};

use crate::{
    Control,
    background::{Lease, LeaseObject, Renewal, StoreRenewal},
};

/// Renews the lease of a job.
pub(super) struct Heartbeat<'a> {
    control: &'a Control,
    job: JobId,
    cancel: watch::Sender<bool>,
    cancellations: Mutex<broadcast::Receiver<JobId>>,
}

impl<'a> Heartbeat<'a> {
    /// `cancel` becomes true when cancellation of the job was requested.
    pub(super) fn new(control: &'a Control, job: JobId, cancel: watch::Sender<bool>) -> Self {
        let cancellations = Mutex::new(control.0.workers.cancellations.subscribe());
        Self {
            control,
            job,
            cancel,
            cancellations,
        }
    }
}

impl Renewal for Heartbeat<'_> {
    fn object(&self) -> LeaseObject {
        LeaseObject::Job(self.job)
    }

    async fn renew(&self, lease: &Lease) -> Result<bool, store::Error> {
        let (job, cancel) = (self.job, self.cancel.clone());
        let renew = move |c: &mut Conn, owner: &str, term| {
            let beat = store::jobs::renew_lease(c, job, owner, term)?;
            if beat.cancel_requested {
                cancel.send_replace(true);
            }
            Ok(beat.is_held)
        };
        let renewal = StoreRenewal {
            store: self.control.store(),
            object: self.object(),
            renew,
        };
        renewal.renew(lease).await
    }

    async fn requested(&self) {
        let mut cancellations = self.cancellations.lock().await;
        loop {
            match cancellations.recv().await {
                Ok(job) if job != self.job => {}
                // After missed messages, the heartbeat checks for a cancellation.
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}
