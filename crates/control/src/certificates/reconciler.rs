//! Reconciles certificates: determines the desired certificates, claims those that are due and
//! processes each under its lease. Any number of servers may do so on one database.

use std::{sync::Arc, time::Duration};

use model::events::Topic;
use tokio::sync::Semaphore;

use super::{desired, issue, lease};
use crate::{
    Control,
    background::{NextPass, Reconciler, WakeSources},
    failure::StoreResultExt as _,
};

/// How many certificates are processed concurrently.
const MAX_CONCURRENT: usize = 4;
/// The longest wait between two passes.
const MAX_WAIT: Duration = Duration::from_secs(60);
/// The topics that certificates depend on.
const TOPICS: &[Topic] = &[
    Topic::Container,
    Topic::Domain,
    Topic::Site,
    Topic::Authority,
    Topic::Provider,
];

pub(crate) struct Certificates {
    control: Control,
    permits: Arc<Semaphore>,
    wake: WakeSources,
}

impl Certificates {
    pub(crate) fn new(control: Control) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(MAX_CONCURRENT)),
            wake: WakeSources::new(
                TOPICS,
                control.notifier(),
                control.issuance_wakeup(),
                &control.clock(),
            ),
            control,
        }
    }
}

impl Reconciler for Certificates {
    const NAME: &'static str = "certificates";

    /// Starts work on all due certificates.
    async fn reconcile(&mut self) -> Result<NextPass, model::Error> {
        let control = &self.control;
        desired::reconcile_desired(control).await?;
        while let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() {
            let Some(claim) = lease::claim(control).await? else {
                break;
            };
            let control = control.clone();
            control.clone().0.tasks.spawn(async move {
                issue::process(&control, claim).await;
                drop(permit);
                control.issuance_wakeup().notify();
            });
        }
        // All permits may be taken while a certificate is due: the task that releases one wakes the
        // reconciler.
        let clock = control.clock();
        let due = control.store().read(move |c| {
            let now = clock.now(c)?;
            store::certificates::next_due_in_ms(c, now)
        });
        let due_in_ms = due.await.into_model("read next due certificate")?;
        Ok(NextPass::when_due(due_in_ms, MAX_WAIT))
    }

    async fn woken(&mut self) {
        self.wake.woken().await;
    }
}
