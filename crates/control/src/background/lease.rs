//! The lease of an object in the database: only its owner works on the object.

use std::{
    future::{Future, pending},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use model::{ClusterId, JobId, certificates::CertificateName};
use store::{Conn, Store};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::clock::millis;

/// The object of a lease, with the ID or name that other log messages have in the same field.
#[derive(Clone, Debug)]
pub(crate) enum LeaseObject {
    /// A job.
    Job(JobId),
    /// A certificate, by its subject.
    Certificate(CertificateName),
    /// A DNS record.
    Record(String),
    /// The observation of a cluster.
    Cluster(ClusterId),
}

impl LeaseObject {
    fn log_failed_renewal(&self, owner: &str, error: &store::Error) {
        const MESSAGE: &str = "lease renewal failed";
        match self {
            Self::Job(job) => tracing::warn!(%job, owner, %error, "{MESSAGE}"),
            Self::Certificate(certificate) => {
                tracing::warn!(%certificate, owner, %error, "{MESSAGE}");
            }
            Self::Record(record) => tracing::warn!(record, owner, %error, "{MESSAGE}"),
            Self::Cluster(cluster) => tracing::warn!(%cluster, owner, %error, "{MESSAGE}"),
        }
    }
}

/// How a lease is renewed.
pub(crate) trait Renewal: Sync {
    /// The object whose lease is renewed.
    fn object(&self) -> LeaseObject;

    /// Renews the lease for its term from now. Returns false when it is no longer held.
    fn renew(&self, lease: &Lease) -> impl Future<Output = Result<bool, store::Error>> + Send;

    /// Completes when the lease has to be renewed earlier than usual, because the renewal also
    /// reports a cancellation.
    fn requested(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
}

/// A renewal that is one write to the database.
pub(crate) struct StoreRenewal<'a, F> {
    pub(crate) store: &'a Store,
    pub(crate) object: LeaseObject,
    /// A function of connection, owner and term in milliseconds.
    pub(crate) renew: F,
}

impl<F> Renewal for StoreRenewal<'_, F>
where
    F: Fn(&mut Conn, &str, i64) -> Result<bool, store::Error> + Clone + Send + Sync + 'static,
{
    fn object(&self) -> LeaseObject {
        self.object.clone()
    }

    async fn renew(&self, lease: &Lease) -> Result<bool, store::Error> {
        let (owner, term, renew) = (lease.owner(), lease.term_ms(), self.renew.clone());
        self.store.write(move |c| renew(c, &owner, term)).await
    }
}

/// Why work was dropped: its lease is no longer held, or must be assumed to be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LeaseLost {
    /// Another process has claimed the object, or a user revoked the lease.
    #[error("the lease was taken or revoked")]
    Taken,
    /// The lease could not be renewed before its end.
    #[error("the lease could not be renewed in time")]
    NotRenewed,
    /// The work took longer than its limit.
    #[error("the work timed out")]
    TimedOut,
}

/// A lease. The database compares its end with the database's own clock; the owner measures the
/// time since its last request with a monotonic clock and stops first.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    owner: Arc<str>,
    term: Duration,
    /// When the work must stop unless the lease is renewed; shared by all clones.
    deadline: Arc<Mutex<Instant>>,
    lost: CancellationToken,
}

impl Lease {
    /// A lease for an owner that no other claim uses. Create it before the claim is written, so
    /// that the owner never counts on a lease that the database has ended.
    pub(crate) fn new(term: Duration) -> Self {
        Self::with_owner(&unique_owner(), term)
    }

    /// A lease for an owner that keeps it from one pass to the next.
    pub(crate) fn with_owner(owner: &Arc<str>, term: Duration) -> Self {
        Self {
            owner: Arc::clone(owner),
            term,
            deadline: Arc::new(Mutex::new(Instant::now() + usable(term))),
            lost: CancellationToken::new(),
        }
    }

    /// The token that every write under the lease is conditional on.
    pub(crate) fn owner(&self) -> Arc<str> {
        Arc::clone(&self.owner)
    }

    /// How long the lease lasts without a renewal, in milliseconds.
    pub(crate) fn term_ms(&self) -> i64 {
        millis(self.term)
    }

    /// Ends the work, after a write has found that the lease is no longer held: [`Self::hold`]
    /// drops the future that awaits this.
    pub(crate) async fn end<T>(&self) -> T {
        self.lost.cancel();
        pending().await
    }

    /// Waits until the lease can be relied on, before a request that changes nothing. Does not
    /// complete once the lease is lost.
    pub(crate) async fn wait_until_usable(&self) {
        while self.lost.is_cancelled() || Instant::now() >= self.deadline() {
            sleep(self.term / 12).await;
        }
    }

    /// Renews the lease before a request that changes something outside the database. A process
    /// that was suspended may have lost its lease without noticing. Does not complete once the
    /// lease is lost.
    pub(crate) async fn confirm(&self, renewal: &impl Renewal) {
        loop {
            self.wait_until_usable().await;
            let requested = Instant::now();
            match renewal.renew(self).await {
                Ok(true) => break self.extend(requested),
                Ok(false) => return self.end().await,
                Err(error) => renewal.object().log_failed_renewal(&self.owner, &error),
            }
            sleep(self.term / 12).await;
        }
        self.wait_until_usable().await;
    }

    fn deadline(&self) -> Instant {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a renewal that was requested at this time.
    fn extend(&self, requested: Instant) {
        let mut deadline = self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        *deadline = (*deadline).max(requested + usable(self.term));
    }

    /// Runs `work` while the lease is held, for at most `limit`, and renews the lease meanwhile.
    /// Renewal is part of the same task: when the work panics or blocks its thread, the lease is
    /// not renewed any more and another owner can claim the object.
    ///
    /// # Errors
    /// [`LeaseLost`] when the lease is lost, or could not be renewed and is about to end, or the
    /// work did not end in time; the work is dropped then.
    pub(crate) async fn hold<T>(
        &self,
        renewal: &impl Renewal,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, LeaseLost> {
        tokio::select! {
            biased;
            () = self.lost.cancelled() => Err(LeaseLost::Taken),
            lost = self.renew_until_lost(renewal) => Err(lost),
            () = sleep(limit) => Err(LeaseLost::TimedOut),
            done = work => Ok(done),
        }
    }

    /// Renews the lease until it is lost or must be assumed to be.
    async fn renew_until_lost(&self, renewal: &impl Renewal) -> LeaseLost {
        let interval = self.term / 3;
        loop {
            let next = (Instant::now() + interval).min(self.deadline());
            let _ = timeout_at(next, renewal.requested()).await;
            let requested = Instant::now();
            match timeout_at(self.deadline(), renewal.renew(self)).await {
                Ok(Ok(true)) => self.extend(requested),
                Ok(Ok(false)) => return LeaseLost::Taken,
                Ok(Err(error)) => {
                    renewal.object().log_failed_renewal(&self.owner, &error);
                    if Instant::now() >= self.deadline() {
                        return LeaseLost::NotRenewed;
                    }
                    // A request that fails at once is not repeated at once.
                    sleep(interval / 4).await;
                }
                Err(_) => return LeaseLost::NotRenewed,
            }
        }
    }
}

/// How much of the term is used before the work stops: the rest is for ending it.
fn usable(term: Duration) -> Duration {
    term - term / 6
}

/// An owner token that differs from all others, so that a former owner in the same process cannot
/// write under a later claim.
pub(crate) fn unique_owner() -> Arc<str> {
    format!("{}-{:016x}", std::process::id(), rand::random::<u64>()).into()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const TERM: Duration = Duration::from_secs(12);
    const LONG: Duration = Duration::from_secs(3600);

    /// A renewal with scripted results that counts its calls.
    struct RenewalScript<F> {
        calls: AtomicUsize,
        outcome: F,
    }

    impl<F> RenewalScript<F> {
        fn new(outcome: F) -> Self {
            let calls = AtomicUsize::new(0);
            Self { calls, outcome }
        }

        fn calls(&self) -> usize {
            self.calls.load(Ordering::Relaxed)
        }
    }

    impl<F, R> Renewal for RenewalScript<F>
    where
        F: Fn(usize) -> R + Sync,
        R: Future<Output = Result<bool, store::Error>> + Send,
    {
        fn object(&self) -> LeaseObject {
            LeaseObject::Job(JobId(1))
        }

        async fn renew(&self, _: &Lease) -> Result<bool, store::Error> {
            let call = self.calls.fetch_add(1, Ordering::Relaxed);
            (self.outcome)(call).await
        }
    }

    fn unavailable() -> store::Error {
        let cause = "no connection".to_owned();
        store::Error::Unavailable { cause }
    }

    #[tokio::test(start_paused = true)]
    async fn lease_is_renewed_while_the_work_runs() {
        let renewal = RenewalScript::new(async |_| Ok(true));
        let work = async {
            sleep(10 * TERM).await;
            "done"
        };
        assert_eq!(
            Lease::new(TERM).hold(&renewal, LONG, work).await,
            Ok("done")
        );
        assert!((29..=30).contains(&renewal.calls()), "{}", renewal.calls());
    }

    #[tokio::test(start_paused = true)]
    async fn work_stops_before_the_lease_ends_when_it_cannot_be_renewed() {
        let failing = RenewalScript::new(async |_| Err(unavailable()));
        let began = Instant::now();
        let held = Lease::new(TERM).hold(&failing, LONG, pending::<()>()).await;
        assert_eq!(held, Err(LeaseLost::NotRenewed));
        assert!(began.elapsed() < TERM, "{:?}", began.elapsed());
        assert!(failing.calls() > 1, "the renewal is retried");

        let hanging = RenewalScript::new(|_| pending());
        let began = Instant::now();
        let held = Lease::new(TERM).hold(&hanging, LONG, pending::<()>()).await;
        assert_eq!(held, Err(LeaseLost::NotRenewed));
        assert!(began.elapsed() < TERM, "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn failed_renewal_is_retried_in_time() {
        let renewal = RenewalScript::new(async |call| match call % 2 {
            0 => Err(unavailable()),
            _ => Ok(true),
        });
        let held = Lease::new(TERM).hold(&renewal, LONG, sleep(5 * TERM)).await;
        assert_eq!(held, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn work_stops_when_another_owner_has_the_lease() {
        let renewal = RenewalScript::new(async |call| Ok(call < 2));
        let began = Instant::now();
        let held = Lease::new(TERM).hold(&renewal, LONG, pending::<()>()).await;
        assert_eq!((held, began.elapsed()), (Err(LeaseLost::Taken), TERM));

        let lease = Lease::new(TERM);
        let work = lease.end::<()>();
        let renewal = RenewalScript::new(async |_| Ok(true));
        assert_eq!(
            lease.hold(&renewal, LONG, work).await,
            Err(LeaseLost::Taken)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn hung_or_panicked_work_loses_its_lease() {
        let renewal = RenewalScript::new(async |_| Ok(true));
        let held = Lease::new(TERM).hold(&renewal, LONG, pending::<()>()).await;
        assert_eq!(held, Err(LeaseLost::TimedOut));

        let renewal = Arc::new(RenewalScript::new(async |_| Ok(true)));
        let renewed = Arc::clone(&renewal);
        let task = tokio::spawn(async move {
            let work = async {
                sleep(TERM).await;
                panic!("a fault in the work");
            };
            let _: Result<(), _> = Lease::new(TERM).hold(&*renewed, LONG, work).await;
        });
        assert!(task.await.unwrap_err().is_panic());
        let calls = renewal.calls();
        assert!(calls > 0);
        sleep(10 * TERM).await;
        assert_eq!(renewal.calls(), calls);
    }

    #[tokio::test(start_paused = true)]
    async fn work_does_not_pass_a_confirmation_after_the_lease_was_taken() {
        // The first renewal of `hold` would follow after a third of the term.
        let taken = RenewalScript::new(async |_| Ok(false));
        let lease = Lease::new(TERM);
        let work = async {
            lease.wait_until_usable().await;
            lease.confirm(&taken).await;
        };
        let began = Instant::now();
        let renewal = RenewalScript::new(async |_| Ok(true));
        let held = lease.hold(&renewal, LONG, work).await;
        assert_eq!(held, Err(LeaseLost::Taken));
        assert_eq!(began.elapsed(), Duration::ZERO);

        let failing = RenewalScript::new(async |_| Err(unavailable()));
        let lease = Lease::new(TERM);
        let held = lease.hold(&failing, LONG, lease.confirm(&failing)).await;
        assert_eq!(held, Err(LeaseLost::NotRenewed));
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_blocked_its_thread_beyond_the_lease_makes_no_request() {
        let failing = RenewalScript::new(async |_| Err(unavailable()));
        let (lease, requests) = (Lease::new(TERM), AtomicUsize::new(0));
        let work = async {
            tokio::time::advance(TERM).await;
            lease.wait_until_usable().await;
            requests.fetch_add(1, Ordering::Relaxed);
        };
        let held = lease.hold(&failing, LONG, work).await;
        assert_eq!(held, Err(LeaseLost::NotRenewed));
        assert_eq!(requests.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn owners_of_two_claims_differ() {
        assert_ne!(Lease::new(TERM).owner(), Lease::new(TERM).owner());
        assert!(Lease::new(TERM).owner().len() <= 64, "as the columns");
    }
}
