//! Fixture: the demo and its edge in this process.

use std::{net::SocketAddr, pin::pin, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, http::header};
use control::{
    Actor, Control, Manager, Options, containers, hosts,
    setup::{
        self,
        demo::{self, CertificateRequest, Issuer, Scenario},
    },
    sites,
};
use futures::StreamExt as _;
use model::{
    containers::{ContainerForm, ContainerView, Power, Status},
    domains::EntryPoint,
    hosts::HostRow,
    origin::Origin,
    services::{ServiceForm, ServicePublishingState},
    sites::SiteForm,
};
use proxmox_sim::{Config, Sim, TEST_SECRET};
use server::{
    assets::Assets,
    demo::edge::{self, Edge},
    router::router,
    state::{AppState, PublicEndpoint},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{self, HOME, TestResponse, container_form};

/// The small demo has no certificates.
struct NoIssuer;

impl Issuer for NoIssuer {
    fn name(&self) -> &str {
        "no issuer"
    }

    fn issue(&self, request: &CertificateRequest) -> Result<(String, String), String> {
        Err(format!("not issued: {request:?}"))
    }
}

/// A demo in this process, on a cluster whose tasks finish immediately.
pub struct DemoApp {
    pub control: Control,
    pub sim: Sim,
    pub stop: CancellationToken,
    pub edge: JoinHandle<()>,
    pub router: Router,
    _folder: TempDir,
}

impl DemoApp {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sim = proxmox_sim::start(Config::test()).await.unwrap();
        let origin: Origin = HOME.parse().unwrap();
        let options = Options {
            manager: Some(Manager {
                origin: origin.clone(),
                certificate: None,
            }),
            loopback: Some(EntryPoint::from_origin(&origin)),
            observe_interval: Duration::from_millis(100),
            ..Options::default()
        };
        let control = Control::start(support::store(folder.path()).await, options)
            .await
            .unwrap();
        setup::create_first_administrator(&control).await.unwrap();
        let access = setup::Access {
            url: sim.url(),
            token_id: "root@pam!holdfast".into(),
            secret: TEST_SECRET.into(),
        };
        let cluster = demo::connect_cluster(&control, access).await.unwrap();
        demo::build(&control, Scenario::Small, cluster, &NoIssuer)
            .await
            .unwrap();
        let stop = CancellationToken::new();
        let options = edge::Options {
            manager: origin.host(),
            entry: EntryPoint::from_origin(&origin),
            containers: sim.handle().container_http(),
            cluster,
            nodes: Vec::new(),
        };
        let (edge, task) = Edge::start(control.clone(), options, stop.clone()).unwrap();
        let public = PublicEndpoint::new(HOME.parse().unwrap(), Vec::new());
        let state = AppState::new(control.clone(), public, Assets::default(), stop.clone());
        Self {
            router: router(state, Some(edge)),
            control,
            sim,
            stop,
            edge: task,
            _folder: folder,
        }
    }

    /// Creates a site of the cluster that publishes under a domain.
    pub async fn create_site(&self, name: &str, domain: &str) {
        let sites = sites::list(&self.control, &Actor::System).await.unwrap();
        let form = SiteForm {
            name: name.into(),
            domain: domain.into(),
            cluster: sites[0].spec.cluster.to_string(),
            bridge: "vmbr0".into(),
            network: "10.30.0.0/16".into(),
            gateway: "10.30.0.1".into(),
            range: "10.30.1.1-10.30.1.250".into(),
            template_storage: "local".into(),
            volume_storage: "local-lvm".into(),
            vmids: "10000-19999".into(),
            ports: "3000-3999".into(),
            ..SiteForm::default()
        };
        let spec = form.parse().unwrap();
        let created = sites::create(&self.control, &Actor::System, spec);
        created.await.unwrap();
    }

    pub async fn view(&self, name: &str) -> Option<ContainerView> {
        let (site, name) = ("lab".parse().unwrap(), name.parse().unwrap());
        let view = containers::get(&self.control, &Actor::System, &site, &name);
        view.await.ok()
    }

    /// Waits until a condition holds; checks it after each event.
    pub async fn wait(&self, condition: impl AsyncFn() -> bool) {
        let mut events = pin!(self.control.events(&Actor::System, None));
        while !condition().await {
            events.next().await.unwrap();
        }
    }

    pub async fn wait_for_view(
        &self,
        name: &str,
        condition: impl Fn(Option<&ContainerView>) -> bool,
    ) {
        self.wait(async || condition(self.view(name).await.as_ref()))
            .await;
    }

    pub async fn host(&self) -> HostRow {
        let (site, name) = ("lab".parse().unwrap(), "demo-edge".parse().unwrap());
        let host = hosts::get(&self.control, &Actor::System, &site, &name);
        host.await.unwrap().row
    }

    /// Waits until the latest configuration of the site is applied.
    pub async fn wait_until_applied(&self) {
        self.wait(async || {
            let host = self.host().await;
            host.applied_generation == Some(host.generation)
        })
        .await;
    }

    pub async fn create(&self, name: &str, service: ServiceForm) {
        let sites = sites::list(&self.control, &Actor::System).await.unwrap();
        let form = ContainerForm {
            services: vec![service],
            ..container_form(sites[0].id, name)
        };
        let form = form.parse().unwrap();
        containers::create(&self.control, &Actor::System, form)
            .await
            .unwrap();
        self.wait_until_live(name).await;
    }

    /// Waits until a container is running and its services are live.
    pub async fn wait_until_live(&self, name: &str) {
        self.wait_for_view(name, |view| view.is_some_and(is_live))
            .await;
    }

    /// Starts or stops a container after its jobs have ended.
    pub async fn power(&self, name: &str, power: Power) {
        self.wait_for_view(name, |view| view.unwrap().row.activity.is_none())
            .await;
        let id = self.view(name).await.unwrap().row.id;
        containers::power(&self.control, &Actor::System, id, power)
            .await
            .unwrap();
    }

    /// Requests a page as a browser on this machine.
    pub async fn get(&self, host: &str, headers: &[(&str, &str)]) -> TestResponse {
        self.get_from(host, headers, [127, 0, 0, 1]).await
    }

    pub async fn get_from(
        &self,
        host: &str,
        headers: &[(&str, &str)],
        peer: [u8; 4],
    ) -> TestResponse {
        let mut request = axum::http::Request::get("/page")
            .header(header::HOST, host)
            .extension(ConnectInfo(SocketAddr::from((peer, 40000))));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        support::send(&self.router, request.body(Body::empty()).unwrap()).await
    }
}

pub fn is_live(view: &ContainerView) -> bool {
    let mut states = view.publications.iter().map(|(_, state)| state);
    view.row.status == Status::Running && states.all(|state| *state == ServicePublishingState::Live)
}
