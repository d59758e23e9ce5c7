//! The use cases: what an actor may do, what happens then, and as which job.
//!
//! Every change comes through here with an [`Actor`], whoever asks: browser, REST, command line.
//! This crate decides; it holds no HTML, no SQL and no HTTP.

mod actor;
pub mod agents;
pub mod authorities;
pub mod certificates;
pub mod clusters;
pub mod containers;
pub mod domains;
mod elsewhere;
mod failure;
mod hub;
pub mod jobs;
pub mod leases;
mod observer;
mod passwords;
pub mod providers;
mod proxmoxes;
mod records;
pub mod sessions;
pub mod setup;
pub mod sites;
pub mod snapshot;
mod status;
mod suggest;
mod throttle;
pub mod users;
mod worker;

use std::{sync::Arc, time::Duration};

use futures::Stream;
use model::{
    ClusterId, Error,
    clusters::Fingerprint,
    domains::{EntryPoint, Origin},
    events::Event,
    names::Domain,
};
use store::Store;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use actor::Actor;
use elsewhere::Elsewhere;
use failure::Told as _;
use hub::Hub;
pub use hub::Place;
use observer::Observer;
use passwords::Passwords;
pub use proxmox::Timeouts;
use proxmoxes::Proxmoxes;
use throttle::Throttle;

/// Where people and agents reach this program.
#[derive(Clone, Debug)]
pub struct Manager {
    /// The public address. Nothing that is published may have its name.
    pub origin: Origin,
    /// The certificate that this process itself shows there; none where it speaks no TLS.
    pub certificate: Option<Fingerprint>,
}

/// How this process works; what is stored does not depend on it.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many jobs run at once.
    pub parallel_jobs: usize,
    /// How long a job stays ours without a heartbeat.
    pub lease: Duration,
    /// How often each cluster is observed.
    pub observe_every: Duration,
    /// How long a step keeps trying while Proxmox does not answer.
    pub patience: Duration,
    /// How long one call to a cluster of ours may take.
    pub timeouts: Timeouts,
    /// Where people and agents reach this program, where that can be told.
    pub manager: Option<Manager>,
    /// How browsers reach web pages under `localhost` and below it, where this process serves them.
    pub loopback: Option<EntryPoint>,
    /// How providers of DNS are reached.
    pub dns: dns::Options,
    /// The clock by which certificates are looked after.
    pub clock: certificates::Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            parallel_jobs: 10,
            lease: Duration::from_secs(12),
            observe_every: Duration::from_secs(3),
            patience: Duration::from_secs(120),
            timeouts: Timeouts::default(),
            manager: None,
            loopback: None,
            dns: dns::Options::default(),
            clock: certificates::Clock::default(),
        }
    }
}

/// The house's one door: cheap to clone, shared by everything that serves people.
#[derive(Clone)]
pub struct Control(Arc<Inner>);

struct Inner {
    store: Store,
    options: Options,
    hub: Hub,
    observer: Observer,
    proxmoxes: Proxmoxes,
    passwords: Passwords,
    throttle: Throttle,
    sign_in_link: sessions::PendingLink,
    workers: worker::Bell,
    elsewhere: Elsewhere,
    certificates: certificates::Bell,
    gates: certificates::AllGates,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Control {
    /// Opens the door on a database; observes its clusters and works on its jobs until
    /// [`Control::shutdown`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn start(store: Store, options: Options) -> Result<Self, Error> {
        let hub = Hub::default();
        let control = Self(Arc::new(Inner {
            observer: Observer::new(hub.clone()),
            hub,
            proxmoxes: Proxmoxes::new(options.timeouts),
            passwords: Passwords::new(),
            throttle: Throttle::default(),
            sign_in_link: sessions::PendingLink::default(),
            workers: worker::Bell::default(),
            elsewhere: Elsewhere::default(),
            certificates: certificates::Bell::default(),
            gates: certificates::AllGates::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            options,
            store,
        }));
        control.load_clusters().await?;
        control.0.tasks.spawn(worker::work(control.clone()));
        control.0.tasks.spawn(sessions::sweep(control.clone()));
        let follow = observer::roster::follow(control.clone());
        control.0.tasks.spawn(follow);
        control.0.tasks.spawn(elsewhere::follow(control.clone()));
        control.0.tasks.spawn(certificates::keep(control.clone()));
        control.0.tasks.spawn(records::keep(control.clone()));
        Ok(control)
    }

    /// Ends all work: running jobs and observed clusters give back their leases, so that another
    /// process goes on at once. Waits until nothing runs, or until `patience` is over.
    pub async fn shutdown(&self, patience: Duration) {
        self.0.stop.cancel();
        self.0.tasks.close();
        let end = async {
            self.0.tasks.wait().await;
            observer::give_back(self).await;
        };
        if tokio::time::timeout(patience, end).await.is_err() {
            tracing::warn!("some work did not end in time; its leases run out by themselves");
        }
    }

    /// What changed after a place, or changes from now on, as far as the actor may know of it.
    pub fn events(
        &self,
        actor: &Actor,
        after: Option<Place>,
    ) -> impl Stream<Item = (Place, Event)> + Send + use<> {
        self.0.hub.listen(actor, after)
    }

    /// How far the changes have come.
    pub fn place(&self) -> Place {
        self.0.hub.place()
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it does not.
    pub async fn ready(&self) -> Result<(), Error> {
        self.store().ping().await.told("ready")
    }

    /// Whether this process works on jobs.
    pub fn works(&self) -> bool {
        self.0.workers.is_heard()
    }

    /// The database, for those who count its statements.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The name under which people reach this program, where it has one.
    pub(crate) fn manager_name(&self) -> Option<&Domain> {
        self.manager()?.origin.name()
    }

    /// Where this program is reached.
    pub(crate) fn manager(&self) -> Option<&Manager> {
        self.0.options.manager.as_ref()
    }

    /// How browsers reach web pages under `localhost`, where this process serves them.
    pub(crate) fn loopback(&self) -> Option<EntryPoint> {
        self.0.options.loopback
    }

    /// How browsers reach the web pages under a domain. No edge host is at the address that names
    /// under `localhost` lead to, so those are reached where this process serves them.
    pub(crate) fn entry_point(&self, domain: &Domain) -> EntryPoint {
        let loopback = self.loopback().filter(|_| domain.is_loopback());
        loopback.unwrap_or_default()
    }

    /// The clock by which certificates are looked after.
    pub(crate) fn clock(&self) -> certificates::Clock {
        self.0.options.clock.clone()
    }

    /// How providers of DNS are reached.
    pub(crate) fn dns(&self) -> &dns::Options {
        &self.0.options.dns
    }

    /// Calls whoever looks after certificates.
    pub(crate) fn certificates(&self) -> &certificates::Bell {
        &self.0.certificates
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.0.hub
    }

    pub(crate) fn observer(&self) -> &Observer {
        &self.0.observer
    }

    /// Reads the clusters from the database and observes those that are new or have moved.
    pub(crate) async fn load_clusters(&self) -> Result<(), Error> {
        observer::roster::load(self).await
    }

    /// The client of a cluster, which another server may have added a moment ago; none when there
    /// is no such cluster.
    pub(crate) async fn client(&self, id: ClusterId) -> Result<Option<proxmox::Client>, Error> {
        let known = self.0.proxmoxes.get(id);
        if known.is_some() || !self.store().is_shared() {
            return Ok(known);
        }
        observer::roster::catch_up(self).await?;
        Ok(self.0.proxmoxes.get(id))
    }
}
