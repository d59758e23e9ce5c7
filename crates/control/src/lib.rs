//! Use cases: what an actor may do, its effects, and the job that performs it.
//!
//! All changes from the browser, the agents and the command line pass through this crate with an
//! [`Actor`]. The crate decides; it contains no HTML, no SQL and no HTTP.

pub mod account;
mod actor;
pub mod authorities;
mod background;
pub mod certificates;
mod change_listener;
mod clock;
mod cluster_clients;
pub mod clusters;
pub mod containers;
pub mod dhcp_leases;
mod dns_records;
pub mod domains;
mod failure;
pub mod filters;
pub mod hosts;
pub mod invitations;
pub mod jobs;
mod keyed_mutex;
mod names;
mod notifier;
mod observer;
mod passwords;
pub mod providers;
mod rate_limit;
mod retention;
pub mod sessions;
pub mod setup;
pub mod site_config;
pub mod sites;
mod status;
mod suggest;
mod throttle;
pub mod users;
mod worker;

use std::{sync::Arc, time::Duration};

use futures::Stream;
use model::{
    ClusterId, Error, domains::EntryPoint, events::Event, fingerprint::Fingerprint, names::Domain,
    origin::Origin,
};
use store::Store;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use actor::Actor;
use background::Reconciler;
use change_listener::ChangeListener;
pub use clock::Clock;
use cluster_clients::ClusterClients;
use failure::StoreResultExt as _;
use keyed_mutex::KeyedMutexes;
pub use notifier::EventPosition;
use notifier::Notifier;
use observer::Observer;
use passwords::Passwords;
pub use proxmox::Timeouts;

/// Where users and agents reach the manager.
#[derive(Clone, Debug)]
pub struct Manager {
    /// The public address. No published service may use its hostname.
    pub origin: Origin,
    /// The certificate that this process serves there, which a renewal replaces; `None` when it
    /// does not serve TLS.
    pub certificate: Option<watch::Receiver<Fingerprint>>,
}

/// Runtime options of this process. They do not affect stored data.
#[derive(Clone, Debug)]
pub struct Options {
    /// The number of jobs that run concurrently.
    pub max_concurrent_jobs: usize,
    /// How long the lease of a job lasts without a heartbeat.
    pub job_lease: Duration,
    /// How long ended jobs are kept, with their steps and logs.
    pub job_retention: Duration,
    /// The interval between two observations of each cluster.
    pub observe_interval: Duration,
    /// How long a step retries while Proxmox is unreachable.
    pub retry_timeout: Duration,
    /// Timeouts of one request to a cluster.
    pub timeouts: Timeouts,
    /// Where users and agents reach the manager, if configured.
    pub manager: Option<Manager>,
    /// How browsers reach web services under `localhost`, if this process serves them.
    pub loopback: Option<EntryPoint>,
    /// How DNS providers are reached.
    pub dns: dns::Options,
    /// The clock for certificate validity and renewal.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_concurrent_jobs: 10,
            job_lease: Duration::from_secs(12),
            job_retention: Duration::from_hours(90 * 24),
            observe_interval: Duration::from_secs(3),
            retry_timeout: Duration::from_secs(120),
            timeouts: Timeouts::default(),
            manager: None,
            loopback: None,
            dns: dns::Options::default(),
            clock: Clock::default(),
        }
    }
}

/// The entry point to all use cases: cheap to clone and shared by everything that serves users.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    store: Store,
    options: Options,
    notifier: Notifier,
    observer: Observer,
    clients: ClusterClients,
    passwords: Passwords,
    templates: containers::templates::Templates,
    sign_in_link: sessions::PendingLink,
    workers: worker::Workers,
    change_listener: ChangeListener,
    issuance_wakeup: background::Wakeup,
    mutexes: KeyedMutexes,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Control {
    /// Starts the manager on a database. Observes its clusters and runs its jobs until
    /// [`Control::shutdown`].
    ///
    /// # Errors
    /// Returns an error when the database is unavailable.
    pub async fn start(store: Store, options: Options) -> Result<Self, Error> {
        let notifier = Notifier::default();
        let control = Self(Arc::new(Inner {
            observer: Observer::new(notifier.clone()),
            notifier,
            clients: ClusterClients::new(options.timeouts),
            passwords: Passwords::new(),
            templates: containers::templates::Templates::default(),
            sign_in_link: sessions::PendingLink::default(),
            workers: worker::Workers::default(),
            change_listener: ChangeListener::default(),
            issuance_wakeup: background::Wakeup::default(),
            mutexes: KeyedMutexes::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            options,
            store,
        }));
        control.load_clusters().await?;
        control.spawn_reconciler(worker::Jobs::new(control.clone()));
        control.spawn_reconciler(certificates::Certificates::new(control.clone()));
        control.spawn_reconciler(dns_records::DnsRecords::new(control.clone()));
        control.0.tasks.spawn(retention::run(control.clone()));
        let follow = observer::registry::follow(control.clone());
        control.0.tasks.spawn(follow);
        control
            .0
            .tasks
            .spawn(change_listener::follow(control.clone()));
        Ok(control)
    }

    /// Runs a reconciler until it ends or the program stops.
    pub(crate) fn spawn_reconciler(&self, reconciler: impl Reconciler + 'static) {
        let stop = self.0.stop.clone();
        self.0.tasks.spawn(background::run(reconciler, stop));
    }

    /// Stops all work. Running jobs and observed clusters release their leases so that another
    /// process continues immediately. Waits until all tasks have ended or `timeout` has passed.
    pub async fn shutdown(&self, timeout: Duration) {
        self.0.stop.cancel();
        self.0.tasks.close();
        let end = async {
            self.0.tasks.wait().await;
            observer::release_leases(self).await;
        };
        if tokio::time::timeout(timeout, end).await.is_err() {
            tracing::warn!(
                ?timeout,
                "background task shutdown timed out, leases will expire"
            );
        }
    }

    /// Change notifications after a position, or from now on, that the actor may see.
    pub fn events(
        &self,
        actor: &Actor,
        after: Option<EventPosition>,
    ) -> impl Stream<Item = (EventPosition, Event)> + Send + use<> {
        self.0.notifier.subscribe_actor(actor, after)
    }

    /// The position of the latest change notification.
    pub fn event_position(&self) -> EventPosition {
        self.0.notifier.position()
    }

    /// Checks whether the database is reachable.
    ///
    /// # Errors
    /// Returns [`Error::Unavailable`] when it is not.
    pub async fn check_database(&self) -> Result<(), Error> {
        self.store().ping().await.into_model("ping database")
    }

    /// Whether this process runs jobs.
    pub fn has_workers(&self) -> bool {
        self.0.workers.is_running()
    }

    /// The database, for tests that count its statements.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The hostname of the manager, if it has one.
    pub(crate) fn manager_name(&self) -> Option<&Domain> {
        self.manager()?.origin.name()
    }

    /// Where the manager is reached, if configured.
    pub(crate) fn manager(&self) -> Option<&Manager> {
        self.0.options.manager.as_ref()
    }

    /// How browsers reach web services under `localhost`, if this process serves them.
    pub(crate) fn loopback(&self) -> Option<EntryPoint> {
        self.0.options.loopback
    }

    /// How browsers reach the web services under a domain. Names under `localhost` do not lead to
    /// an edge host, so this process serves them.
    pub(crate) fn entry_point(&self, domain: &Domain) -> EntryPoint {
        let loopback = self.loopback().filter(|_| domain.is_loopback());
        loopback.unwrap_or_default()
    }

    /// The clock for certificate validity and renewal.
    pub(crate) fn clock(&self) -> Clock {
        self.0.options.clock.clone()
    }

    /// How DNS providers are reached.
    pub(crate) fn dns(&self) -> &dns::Options {
        &self.0.options.dns
    }

    /// Wakes the reconcilers of certificates and DNS records.
    pub(crate) fn issuance_wakeup(&self) -> &background::Wakeup {
        &self.0.issuance_wakeup
    }

    pub(crate) fn notifier(&self) -> &Notifier {
        &self.0.notifier
    }

    pub(crate) fn observer(&self) -> &Observer {
        &self.0.observer
    }

    /// Reads the clusters from the database and observes those that are new or have a new address.
    pub(crate) async fn load_clusters(&self) -> Result<(), Error> {
        observer::registry::load(self).await
    }

    /// The client of a cluster, or `None` if the cluster does not exist. Catches up with clusters
    /// that another server has just added.
    pub(crate) async fn get_client(&self, id: ClusterId) -> Result<Option<proxmox::Client>, Error> {
        let client = self.0.clients.get(id);
        if client.is_some() || !self.store().is_shared() {
            return Ok(client);
        }
        observer::registry::synchronize(self).await?;
        Ok(self.0.clients.get(id))
    }
}
