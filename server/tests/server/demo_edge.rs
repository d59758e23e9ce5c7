//! The demo edge: containers of the simulated cluster under names below `localhost`.

use std::{net::SocketAddr, pin::pin, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    http::{Method, StatusCode, header},
};
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
    hosts::{HostRow, files::FileState},
    origin::Origin,
    services::{PublishingStatus, ServiceForm},
    sites::SiteForm,
};
use proxmox_sim::{Config, Sim, TEST_SECRET};
use reqwest::Client;
use server::{
    assets::Assets,
    demo::edge::{self, Edge},
    router::router,
    state::{AppState, PublicEndpoint},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    process::{Program, sign_in},
    support::{self, HOME, TestApp, TestResponse, request},
};

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
struct Demo {
    control: Control,
    sim: Sim,
    stop: CancellationToken,
    edge: JoinHandle<()>,
    router: Router,
    _folder: TempDir,
}

impl Demo {
    async fn start() -> Self {
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
    async fn create_site(&self, name: &str, domain: &str) {
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

    async fn view(&self, name: &str) -> Option<ContainerView> {
        let (site, name) = ("lab".parse().unwrap(), name.parse().unwrap());
        let view = containers::get(&self.control, &Actor::System, &site, &name);
        view.await.ok()
    }

    /// Waits until a condition holds; checks it after each event.
    async fn wait(&self, condition: impl AsyncFn() -> bool) {
        let mut events = pin!(self.control.events(&Actor::System, None));
        while !condition().await {
            events.next().await.unwrap();
        }
    }

    async fn wait_for_view(&self, name: &str, condition: impl Fn(Option<&ContainerView>) -> bool) {
        self.wait(async || condition(self.view(name).await.as_ref()))
            .await;
    }

    async fn host(&self) -> HostRow {
        let (site, name) = ("lab".parse().unwrap(), "demo-edge".parse().unwrap());
        let host = hosts::get(&self.control, &Actor::System, &site, &name);
        host.await.unwrap().row
    }

    /// Waits until the latest configuration of the site is applied.
    async fn wait_until_applied(&self) {
        self.wait(async || {
            let host = self.host().await;
            host.applied_generation == Some(host.generation)
        })
        .await;
    }

    async fn create(&self, name: &str, service: ServiceForm) {
        let sites = sites::list(&self.control, &Actor::System).await.unwrap();
        let form = ContainerForm {
            site: sites[0].id.to_string(),
            name: name.into(),
            source: Config::test().scenario.templates[0].file.clone(),
            cores: "1".into(),
            memory: "512".into(),
            disk: "4".into(),
            services: vec![service],
            ..ContainerForm::default()
        };
        let form = form.parse().unwrap();
        containers::create(&self.control, &Actor::System, form)
            .await
            .unwrap();
        self.wait_until_live(name).await;
    }

    /// Waits until a container is running and its services are live.
    async fn wait_until_live(&self, name: &str) {
        self.wait_for_view(name, |view| view.is_some_and(is_live))
            .await;
    }

    /// Starts or stops a container after its jobs have ended.
    async fn power(&self, name: &str, power: Power) {
        self.wait_for_view(name, |view| view.unwrap().row.activity.is_none())
            .await;
        let id = self.view(name).await.unwrap().row.id;
        containers::power(&self.control, &Actor::System, id, power)
            .await
            .unwrap();
    }

    /// Requests a page as a browser on this machine.
    async fn get(&self, host: &str, headers: &[(&str, &str)]) -> TestResponse {
        self.get_from(host, headers, [127, 0, 0, 1]).await
    }

    async fn get_from(&self, host: &str, headers: &[(&str, &str)], peer: [u8; 4]) -> TestResponse {
        let mut request = axum::http::Request::get("/page")
            .header(header::HOST, host)
            .extension(ConnectInfo(SocketAddr::from((peer, 40000))));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        support::send(&self.router, request.body(Body::empty()).unwrap()).await
    }
}

fn is_live(view: &ContainerView) -> bool {
    let mut states = view.publications.iter().map(|(_, state)| state);
    view.row.status == Status::Running && states.all(|state| *state == PublishingStatus::Live)
}

#[tokio::test]
async fn service_is_published_while_its_container_exists() {
    let demo = Demo::start().await;
    demo.wait_until_live("wiki").await;
    let view = demo.view("wiki").await.unwrap();
    assert_eq!(view.row.link.as_deref(), Some("http://wiki.localhost:3000"));
    let page = demo.get("wiki.localhost:3000", &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    let html = page.text();
    for part in ["<h1>wiki</h1>", "docker.io/library/nginx:1.27", "GET /page"] {
        assert!(html.contains(part), "{part}: {html}");
    }
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("style-src 'unsafe-inline'"), "{policy}");

    demo.power("wiki", Power::Stop).await;
    demo.wait_for_view("wiki", |view| view.unwrap().row.status == Status::Stopped)
        .await;
    let stopped = demo.get("wiki.localhost:3000", &[]).await;
    assert_eq!(stopped.status, StatusCode::BAD_GATEWAY);
    assert!(stopped.text().contains("Service unreachable"));
    demo.power("wiki", Power::Start).await;
    demo.wait_until_live("wiki").await;
    assert_eq!(demo.get("wiki.localhost", &[]).await.status, StatusCode::OK);

    demo.power("wiki", Power::Stop).await;
    demo.wait_for_view("wiki", |view| view.unwrap().row.activity.is_none())
        .await;
    let id = demo.view("wiki").await.unwrap().row.id;
    containers::delete(&demo.control, &Actor::System, id, "wiki")
        .await
        .unwrap();
    demo.wait_for_view("wiki", |view| view.is_none()).await;
    demo.wait_until_applied().await;
    let gone = demo.get("wiki.localhost:3000", &[]).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert!(gone.text().contains("Service not found"));
}

fn web_page() -> ServiceForm {
    ServiceForm {
        kind: "http".into(),
        port: "8080".into(),
        ..ServiceForm::default()
    }
}

#[tokio::test]
async fn new_container_is_published_under_its_name() {
    let demo = Demo::start().await;
    demo.create("notes", web_page()).await;
    let row = demo.view("notes").await.unwrap().row;
    assert_eq!(row.link.as_deref(), Some("http://notes.localhost:3000"));
    let page = demo.get("notes.localhost:3000", &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    let address = format!("<dd>{}:8080</dd>", row.address);
    assert!(page.text().contains(&address), "{}", page.text());
}

#[tokio::test]
async fn service_with_sign_in_is_not_public() {
    let demo = Demo::start().await;
    let guarded = ServiceForm {
        sign_in: true,
        ..web_page()
    };
    demo.create("intranet", guarded).await;
    let page = demo.get("intranet.localhost:3000", &[]).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.text().contains("Sign-in unavailable"));
}

#[tokio::test]
async fn session_cookie_is_not_sent_to_containers() {
    let demo = Demo::start().await;
    demo.wait_until_live("wiki").await;
    let cookies = "theme=dark; holdfast_session=secret";
    let page = demo
        .get("wiki.localhost:3000", &[("cookie", cookies)])
        .await;
    let html = page.text();
    assert!(html.contains("cookie: theme=dark\n"), "{html}");
    assert!(!html.contains("secret"), "{html}");
    assert_eq!(
        page.cookie(),
        None,
        "the manager sets no cookie on container hosts"
    );
}

#[tokio::test]
async fn remote_clients_and_other_hosts_do_not_reach_containers() {
    let demo = Demo::start().await;
    demo.wait_until_live("wiki").await;
    let remote = demo
        .get_from("wiki.localhost:3000", &[], [192, 0, 2, 7])
        .await;
    assert_eq!(remote.status, StatusCode::MISDIRECTED_REQUEST);
    assert!(remote.text().contains("only to this machine"));
    let manager = demo.get("localhost:3000", &[]).await;
    assert!(!manager.text().contains("simulated container"));
    assert_eq!(manager.header("cross-origin-opener-policy"), "same-origin");
    let unknown = demo.get("nothing.localhost:3000", &[]).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.text().contains("Service not found"));
}

#[tokio::test]
async fn server_without_demo_treats_localhost_names_as_its_own() {
    let app = TestApp::new().await;
    let get_with_host = async |host: &str| {
        let mut request = request(Method::GET, "/sign-in")
            .body(Body::empty())
            .unwrap();
        request
            .headers_mut()
            .insert(header::HOST, host.parse().unwrap());
        app.send(request).await
    };
    let (local, own) = (
        get_with_host("wiki.localhost:3000").await,
        get_with_host("localhost:3000").await,
    );
    assert_eq!((local.status, own.status), (StatusCode::OK, StatusCode::OK));
    assert!(local.text().contains("Sign in"));
    assert_eq!(app.get("/").await.header("location"), "/containers");
}

#[tokio::test]
async fn edge_reports_its_files_and_ends_with_the_process() {
    let demo = Demo::start().await;
    demo.wait_until_live("wiki").await;
    demo.wait_until_applied().await;
    let host = demo.host().await;
    assert_eq!(host.facts.unwrap().address.to_string(), "10.20.0.2");
    assert!(host.is_online);
    let (site, name) = ("lab".parse().unwrap(), "demo-edge".parse().unwrap());
    let path = "nginx/services/wiki.localhost.conf".to_owned();
    demo.wait(async || {
        let file = hosts::file(&demo.control, &Actor::System, &site, &name, path.clone());
        file.await.is_ok_and(|file| file.state == FileState::Live)
    })
    .await;

    // A long poll is open at this point; the task ends without waiting for it.
    demo.stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(10), demo.edge).await;
    ended.expect("the edge does not stop").unwrap();
    demo.control.shutdown(Duration::from_secs(10)).await;
    demo.sim.stop().await;
}

#[tokio::test]
async fn deleted_host_is_not_rejoined_until_restart() {
    let demo = Demo::start().await;
    demo.wait_until_live("wiki").await;
    let host = demo.host().await;
    hosts::delete(&demo.control, &Actor::System, host.id, "demo-edge")
        .await
        .unwrap();
    demo.wait_for_view("wiki", |view| {
        let state = &view.unwrap().publications[0].1;
        matches!(state, PublishingStatus::Blocked { reason } if reason.contains("No host"))
    })
    .await;
    // Like an edge host, the edge keeps its last configuration.
    let page = demo.get("wiki.localhost:3000", &[]).await;
    assert_eq!(page.status, StatusCode::OK);
    // The new site makes the edge reload all sites; it joins only the new one.
    demo.create_site("office", "office.localhost").await;
    let list_hosts = async || hosts::list(&demo.control, &Actor::System).await.unwrap();
    demo.wait(async || !list_hosts().await.is_empty()).await;
    demo.stop.cancel();
    demo.edge.await.unwrap();
    let sites: Vec<_> = list_hosts()
        .await
        .into_iter()
        .map(|host| host.site_name)
        .collect();
    assert_eq!(sites, ["office".parse().unwrap()]);
}

/// A client that connects to the server for names below `localhost`, as browsers do.
fn browser(url: &str) -> Client {
    let port = url.rsplit_once(':').unwrap().1.parse::<u16>().unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let builder = Client::builder().no_proxy();
    builder.resolve("wiki.localhost", address).build().unwrap()
}

/// Signs in and reloads the container page on each server event, until it shows that the container
/// is live.
async fn wait_until_page_shows_live(url: &str, password: &str) {
    let cookie = sign_in(url, "admin", password).await.unwrap();
    let get = async |path: &str| {
        let request = browser(url)
            .get(format!("{url}{path}"))
            .header("cookie", &cookie);
        request.send().await.unwrap()
    };
    let mut events = get("/events").await;
    loop {
        let page = get("/sites/lab/containers/wiki")
            .await
            .text()
            .await
            .unwrap();
        // Removes hydration markers.
        let page = page.replace("<!>", "");
        let link = url.replace("localhost", "wiki.localhost");
        // The button is shown while the container is running.
        if page.contains(">live<") && page.contains("Open</a>") {
            assert!(page.contains(&format!("href=\"{link}\"")), "{link}: {page}");
            return;
        }
        events.chunk().await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn demo_is_published_on_the_server_port_after_every_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut password = None;
    for _ in 0..2 {
        let mut program = Program::serve(folder.path(), &[]);
        let url = program.line_after("Holdfast is at ");
        let password = password.get_or_insert_with(|| program.line_after("Password: "));
        wait_until_page_shows_live(&url, password).await;
        let link = url.replace("localhost", "wiki.localhost");
        let page = browser(&url).get(&link).send().await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        assert!(page.text().await.unwrap().contains("<h1>wiki</h1>"));
        assert!(program.terminate().await.success());
    }
    let program = Program::serve(folder.path(), &[("HOLDFAST_DEMO", "false")]);
    let url = program.line_after("Holdfast is at ");
    let link = url.replace("localhost", "wiki.localhost");
    let page = browser(&url)
        .get(format!("{link}/sign-in"))
        .send()
        .await
        .unwrap();
    let html = page.text().await.unwrap();
    assert!(html.contains("Sign in") && !html.contains("simulated container"));
    program.kill();
}
