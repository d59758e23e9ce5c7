//! The manager of the benchmark: the server's routes on loopback, SQLite, a simulated cluster, and
//! a site with HTTP services.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow, ensure};
use control::{Actor, Control, Manager, Options, containers, domains, hosts, jobs, setup, sites};
use model::{
    ClusterId, SiteId,
    containers::{ContainerForm, EditContainer},
    domains::DomainForm,
    hosts::HostPublishingState,
    names::Label,
    services::ServiceForm,
    sites::SiteForm,
};
use proxmox_sim::{Config, Sim, TEST_SECRET};
use server::{
    assets::Assets,
    router::router,
    state::{AppState, PublicEndpoint},
};
use store::{SecretKey, Store};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::edge_host::BACKENDS;

/// Services per container: the maximum.
pub const SERVICES_PER_CONTAINER: u32 = 50;
const DOMAIN: &str = "apps.example.org";
const SITE: &str = "lab";
const EDGE_HOST: &str = "edge-1";

/// The manager with its site.
pub struct TestManager {
    control: Control,
    site: SiteId,
    services: u32,
    _sim: Sim,
}

fn to_error<E: std::fmt::Debug>(error: E) -> anyhow::Error {
    anyhow!("{error:?}")
}

impl TestManager {
    /// Starts the manager in a directory and creates its objects.
    pub async fn build(folder: &Path, services: u32) -> anyhow::Result<Self> {
        let url = format!("sqlite:{}", folder.join("bench.db").display());
        let store = Store::open(store::Options {
            url: url.parse()?,
            key: SecretKey::generate()?,
            pool_size: 16,
        })
        .await?;
        let sim = proxmox_sim::start(Config::test()).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let options = Options {
            manager: Some(Manager {
                origin: url.parse()?,
                certificate: None,
            }),
            ..Options::default()
        };
        let control = Control::start(store, options).await?;
        setup::create_first_administrator(&control).await?;
        let public = PublicEndpoint::new(url.parse().map_err(anyhow::Error::msg)?, Vec::new());
        let stop = CancellationToken::new();
        let state = AppState::new(control.clone(), public, Assets::default(), stop);
        let service =
            router(state, None).into_make_service_with_connect_info::<std::net::SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });

        let access = setup::Access {
            url: sim.url(),
            token_id: "root@pam!holdfast".into(),
            secret: TEST_SECRET.into(),
        };
        let cluster = setup::upsert_cluster(&control, "bench", access).await?;
        let site = site(&control, cluster).await?;
        let manager = Self {
            control,
            site,
            services,
            _sim: sim,
        };
        manager.fill().await?;
        Ok(manager)
    }

    async fn fill(&self) -> anyhow::Result<()> {
        let domain = DomainForm {
            site: self.site.to_string(),
            name: DOMAIN.into(),
            publishers: "all-users".into(),
            hsts: "off".into(),
            ..DomainForm::default()
        };
        let domain = domain.parse().map_err(to_error)?;
        domains::create(&self.control, &Actor::System, domain).await?;
        for number in 0..self.services / SERVICES_PER_CONTAINER {
            let new = container(self.site, number).parse().map_err(to_error)?;
            containers::create(&self.control, &Actor::System, new).await?;
        }
        let deadline = Instant::now() + Duration::from_secs(120);
        while !jobs::list_active(&self.control, &Actor::System)
            .await?
            .is_empty()
        {
            ensure!(
                Instant::now() < deadline,
                "the containers were not created in time"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// The join token of the edge host.
    pub async fn add_host(&self) -> anyhow::Result<String> {
        let name: Label = EDGE_HOST.parse()?;
        let issued = hosts::create(&self.control, &Actor::System, self.site, name).await?;
        Ok(issued.token.to_string())
    }

    /// The host name of a service.
    pub fn host(service: u32) -> String {
        format!("s{service}.{DOMAIN}")
    }

    /// The host names of all services.
    pub fn hosts(&self) -> Vec<String> {
        (0..self.services).map(Self::host).collect()
    }

    /// Changes the port of a service by the form of its container.
    pub async fn change(&self, service: u32, port: u16) -> anyhow::Result<()> {
        let (site, name): (Label, Label) = (
            SITE.parse()?,
            name(service / SERVICES_PER_CONTAINER).parse()?,
        );
        let view = containers::get(&self.control, &Actor::System, &site, &name).await?;
        let mut form = ContainerForm::from(&view);
        let label = format!("s{service}");
        let mut services = form.services.iter_mut();
        let service = services.find(|service| service.label == label);
        service.context("the service does not exist")?.port = port.to_string();
        let edit = EditContainer {
            version: view.version,
            spec: form.parse().map_err(to_error)?.spec,
            restart: false,
        };
        let job = containers::edit(&self.control, &Actor::System, view.row.id, edit).await?;
        ensure!(job.is_none(), "a change of services must not start a job");
        Ok(())
    }

    /// Waits until the agent has reported the latest configuration as live.
    pub async fn wait_until_live(&self, timeout: Duration) -> anyhow::Result<()> {
        let (site, name): (Label, Label) = (SITE.parse()?, EDGE_HOST.parse()?);
        let deadline = Instant::now() + timeout;
        loop {
            let host = hosts::get(&self.control, &Actor::System, &site, &name).await?;
            if host.row.publishing_state() == Some(HostPublishingState::Live) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "the agent did not report");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Shuts down the manager.
    pub async fn shutdown(self) {
        self.control.shutdown(Duration::from_secs(5)).await;
    }
}

async fn site(control: &Control, cluster: ClusterId) -> anyhow::Result<SiteId> {
    let form = SiteForm {
        name: SITE.into(),
        domain: "lab.internal".into(),
        cluster: cluster.to_string(),
        bridge: "vmbr0".into(),
        network: "10.20.0.0/16".into(),
        gateway: "10.20.0.1".into(),
        range: "10.20.1.1-10.20.1.250".into(),
        template_storage: "local".into(),
        volume_storage: "local-lvm".into(),
        vmids: "1000-1999".into(),
        ports: "2000-2999".into(),
        ..SiteForm::default()
    };
    let form = form.parse().map_err(to_error)?;
    Ok(sites::create(control, &Actor::System, form).await?)
}

fn name(number: u32) -> String {
    format!("web-{number}")
}

fn container(site: SiteId, number: u32) -> ContainerForm {
    let service = |service: u32| ServiceForm {
        kind: "http".into(),
        port: BACKENDS[0].to_string(),
        label: format!("s{service}"),
        domain: DOMAIN.into(),
        ..ServiceForm::default()
    };
    ContainerForm {
        site: site.to_string(),
        name: name(number),
        source: "docker.io/library/nginx:1.27".into(),
        cores: "1".into(),
        memory: "256".into(),
        disk: "4".into(),
        services: (number * SERVICES_PER_CONTAINER..(number + 1) * SERVICES_PER_CONTAINER)
            .map(service)
            .collect(),
        ..ContainerForm::default()
    }
}
