//! Test fixtures: a server without a socket, consisting of database, use cases and router, and
//! requests like those of a browser.

use std::{net::SocketAddr, path::Path, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::ConnectInfo,
    http::{HeaderMap, Method, Request, Response, StatusCode, header, request::Builder},
};
use control::{Actor, Control, Manager, Options, setup, sites};
use model::{SiteId, containers::ContainerForm, sites::SiteForm};
use proxmox_sim::{Config, Sim, TEST_SECRET};
use server::{
    assets::Assets,
    router::router,
    state::{AppState, PublicEndpoint},
};
use store::{SecretKey, Store};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub const HOME: &str = "http://localhost:3000";

/// A server with a temporary data directory.
pub struct TestApp {
    pub control: Control,
    pub stop: CancellationToken,
    pub password: String,
    router: Router,
    _folder: TempDir,
}

/// A response with its complete body.
pub struct TestResponse {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl TestApp {
    pub async fn new() -> Self {
        Self::with_url(HOME, &[]).await
    }

    pub async fn with_url(url: &str, proxies: &[&str]) -> Self {
        Self::with_assets(url, proxies, Assets::default()).await
    }

    pub async fn with_assets(url: &str, proxies: &[&str], assets: Assets) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let control = control(folder.path()).await;
        Self::build(
            folder,
            control,
            PublicEndpoint::new(url.parse().unwrap(), parsed(proxies)),
            assets,
        )
        .await
    }

    /// A server with another database.
    pub async fn with_database(database: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let control = control_on(folder.path(), database).await;
        let public = PublicEndpoint::new(HOME.parse().unwrap(), Vec::new());
        Self::build(folder, control, public, Assets::default()).await
    }

    async fn build(
        folder: TempDir,
        control: Control,
        public: PublicEndpoint,
        assets: Assets,
    ) -> Self {
        let first = setup::create_first_administrator(&control)
            .await
            .unwrap()
            .unwrap();
        let stop = CancellationToken::new();
        let state = AppState::new(control.clone(), public, assets, stop.clone());
        let router = router(state, None);
        Self {
            control,
            stop,
            password: first.password,
            router,
            _folder: folder,
        }
    }

    /// Builds and drops another router of the same parts.
    pub fn build_router(&self) {
        let public = PublicEndpoint::new(HOME.parse().unwrap(), Vec::new());
        let stop = self.stop.clone();
        let state = AppState::new(self.control.clone(), public, Assets::default(), stop);
        drop(router(state, None));
    }

    /// Sends a request; the body of the response is not read.
    pub async fn send_streaming(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> TestResponse {
        send(&self.router, request).await
    }

    pub async fn get(&self, path: &str) -> TestResponse {
        self.send(get(path).body(Body::empty()).unwrap()).await
    }

    /// Submits the sign-in form as a browser does.
    pub async fn sign_in(&self, name: &str, password: &str, next: &str) -> TestResponse {
        let (builder, body) = sign_in_form(name, password, next);
        self.send(builder.body(body).unwrap()).await
    }

    /// Signs in as the administrator; returns the session cookie.
    pub async fn cookie(&self) -> String {
        let response = self.sign_in("admin", &self.password, "/").await;
        assert_eq!(
            response.status,
            StatusCode::SEE_OTHER,
            "{}",
            response.text()
        );
        response.cookie().unwrap()
    }
}

/// Sends a request and reads the whole response.
pub async fn send(router: &Router, request: Request<Body>) -> TestResponse {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    TestResponse {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(texts: &[&str]) -> Vec<T> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

impl TestResponse {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The cookie that a browser would send from now on.
    pub fn cookie(&self) -> Option<String> {
        let set = self.headers.get(header::SET_COOKIE)?.to_str().unwrap();
        set.split(';').next().map(str::to_owned)
    }
}

/// The use cases on a database in `folder`, without workers.
pub async fn control(folder: &Path) -> Control {
    control_on(folder, &sqlite(folder)).await
}

/// The database in `folder`.
pub async fn store(folder: &Path) -> Store {
    open_store(folder, &sqlite(folder)).await
}

fn sqlite(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("holdfast.db").display())
}

async fn open_store(folder: &Path, database: &str) -> Store {
    let key = SecretKey::from_file_or_create(&folder.join("key")).unwrap();
    let options = store::Options {
        url: database.parse().unwrap(),
        key,
        pool_size: 4,
    };
    Store::open(options).await.unwrap()
}

async fn control_on(folder: &Path, database: &str) -> Control {
    let store = open_store(folder, database).await;
    let options = Options {
        max_concurrent_jobs: 0,
        manager: Some(Manager {
            origin: HOME.parse().unwrap(),
            certificate: None,
        }),
        ..Options::default()
    };
    Control::start(store, options).await.unwrap()
}

/// A valid form for a container of a site on the simulated cluster.
pub fn container_form(site: SiteId, name: &str) -> ContainerForm {
    ContainerForm {
        site: site.to_string(),
        name: name.into(),
        source: Config::test().scenario.templates[0].file.clone(),
        cores: "1".into(),
        memory: "512".into(),
        disk: "4".into(),
        ..ContainerForm::default()
    }
}

/// Adds the simulated cluster and creates the site `lab` on it.
pub async fn create_site(control: &Control, sim: &Sim) -> SiteId {
    let access = setup::Access {
        url: sim.url(),
        token_id: "root@pam!holdfast".into(),
        secret: TEST_SECRET.into(),
    };
    let cluster = setup::upsert_cluster(control, "test", access)
        .await
        .unwrap();
    let form = SiteForm {
        name: "lab".into(),
        domain: "lab.example.org".into(),
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
    sites::create(control, &Actor::System, form.parse().unwrap())
        .await
        .unwrap()
}

/// A request of a browser on this machine.
pub fn request(method: Method, path: &str) -> Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost:3000")
        .extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40000))))
}

pub fn get(path: &str) -> Builder {
    request(Method::GET, path)
}

/// The request of the sign-in form, for more headers, and its body.
pub fn sign_in_form(name: &str, password: &str, next: &str) -> (Builder, Body) {
    let fields = [("name", name), ("password", password), ("next", next)];
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let builder = request(Method::POST, "/sign-in")
        .header("sec-fetch-site", "same-origin")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    (builder, Body::from(body))
}

/// Polls `check` until it returns a value, with a timeout for slow machines.
pub async fn wait_for<T>(what: &str, mut check: impl AsyncFnMut() -> Option<T>) -> T {
    let poll = async {
        loop {
            if let Some(value) = check().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    match tokio::time::timeout(Duration::from_secs(120), poll).await {
        Ok(value) => value,
        Err(_) => panic!("timed out waiting for {what}"),
    }
}
