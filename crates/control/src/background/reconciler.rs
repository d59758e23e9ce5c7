//! The loop of a reconciler: passes on a timer and on wake-ups until the program stops.

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;

/// The wait after a pass that failed.
pub(crate) const RETRY_DELAY: Duration = Duration::from_secs(5);

/// When a reconciler runs again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextPass {
    /// After a wake-up or this time, whichever comes first.
    Within(Duration),
    /// Never: there is nothing left to reconcile.
    Never,
}

/// The shortest wait before a pass for work that is due.
const MIN_WAIT: Duration = Duration::from_secs(1);

impl NextPass {
    /// The pass for work that is due in `due_in_ms`, after at most `max_wait`: changes made by
    /// another server do not wake this one.
    pub(crate) fn when_due(due_in_ms: Option<i64>, max_wait: Duration) -> Self {
        let due = due_in_ms.and_then(|ms| u64::try_from(ms).ok());
        let wait = due.map_or(max_wait, Duration::from_millis);
        Self::Within(wait.clamp(MIN_WAIT, max_wait))
    }
}

/// Work that makes the actual state match the desired state.
pub(crate) trait Reconciler: Send {
    /// What it reconciles, for the log.
    const NAME: &'static str;

    /// Runs one pass: reads the desired state and makes it so. Takes no arguments, because a pass
    /// also has to correct what an earlier one missed. Long work is spawned as tasks under leases,
    /// or ends when the program stops.
    fn reconcile(&mut self) -> impl Future<Output = Result<NextPass, model::Error>> + Send;

    /// Completes when there may be work before the time of the next pass.
    fn woken(&mut self) -> impl Future<Output = ()> + Send;

    /// The wait after a pass that failed.
    fn retry_delay(&self) -> Duration {
        RETRY_DELAY
    }
}

/// Runs a reconciler until the program stops or the reconciler has nothing left to do. A pass that
/// panics is logged and repeated like one that failed.
pub(crate) async fn run(mut reconciler: impl Reconciler, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let next = run_pass(&mut reconciler).await;
        let NextPass::Within(wait) = next else { return };
        let idle = tokio::time::timeout(wait, reconciler.woken());
        if stop.run_until_cancelled(idle).await.is_none() {
            return;
        }
    }
}

async fn run_pass<R: Reconciler>(reconciler: &mut R) -> NextPass {
    let name = R::NAME;
    // A pass begins with what it reads, so what a panic has interrupted is read again.
    let error = match AssertUnwindSafe(reconciler.reconcile())
        .catch_unwind()
        .await
    {
        Ok(Ok(next)) => return next,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "panic".to_owned(),
    };
    let delay = reconciler.retry_delay();
    tracing::warn!(reconciler = name, error, retry_in = ?delay, "reconciliation failed");
    NextPass::Within(delay)
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use tokio::{sync::Notify, time::Instant};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    struct Counter {
        passes: Arc<AtomicUsize>,
        wake: Arc<Notify>,
        outcome: fn(usize) -> Result<NextPass, model::Error>,
    }

    impl Reconciler for Counter {
        const NAME: &'static str = "counter";

        async fn reconcile(&mut self) -> Result<NextPass, model::Error> {
            let pass = self.passes.fetch_add(1, Ordering::Relaxed);
            (self.outcome)(pass)
        }

        async fn woken(&mut self) {
            self.wake.notified().await;
        }
    }

    fn counter(outcome: fn(usize) -> Result<NextPass, model::Error>) -> Counter {
        Counter {
            passes: Arc::default(),
            wake: Arc::default(),
            outcome,
        }
    }

    #[test]
    fn next_pass_waits_for_due_work_within_limits() {
        let wait = |due| NextPass::when_due(due, MINUTE);
        assert_eq!(wait(Some(5_000)), NextPass::Within(Duration::from_secs(5)));
        assert_eq!(wait(Some(0)), NextPass::Within(MIN_WAIT));
        assert_eq!(wait(Some(600_000)), NextPass::Within(MINUTE));
        assert_eq!(wait(None), NextPass::Within(MINUTE));
    }

    #[tokio::test(start_paused = true)]
    async fn passes_follow_the_timer_and_wake_ups_until_the_program_stops() {
        let counter = counter(|_| Ok(NextPass::Within(MINUTE)));
        let (passes, wake) = (Arc::clone(&counter.passes), Arc::clone(&counter.wake));
        let stop = CancellationToken::new();
        let running = tokio::spawn(run(counter, stop.clone()));
        tokio::time::sleep(MINUTE * 2 + MINUTE / 2).await;
        assert_eq!(passes.load(Ordering::Relaxed), 3, "at 0, 1 and 2 minutes");
        wake.notify_one();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(passes.load(Ordering::Relaxed), 4, "woken");
        stop.cancel();
        running.await.unwrap();
        assert_eq!(passes.load(Ordering::Relaxed), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn failed_and_panicking_passes_are_repeated_after_a_delay() {
        let counter = counter(|pass| match pass {
            0 => Err(model::Error::Unavailable {
                message: "The database is unavailable.".to_owned(),
            }),
            1 => panic!("a fault in the pass"),
            _ => Ok(NextPass::Never),
        });
        let passes = Arc::clone(&counter.passes);
        let began = Instant::now();
        run(counter, CancellationToken::new()).await;
        assert_eq!(passes.load(Ordering::Relaxed), 3);
        assert_eq!(began.elapsed(), 2 * RETRY_DELAY);
    }
}
