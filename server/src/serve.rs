//! Startup and shutdown of the server. A killed process loses nothing: jobs are database rows, and
//! the next process continues them.

use std::{
    fs::DirBuilder,
    io,
    net::{SocketAddr, TcpListener},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
    time::Duration,
};

use axum_server::{Handle, tls_rustls::RustlsConfig};
use control::{
    Control, Manager, Options,
    setup::{self, FirstAdministrator},
};
use futures::future::try_join_all;
use model::{ClusterId, domains::EntryPoint, origin::Origin};
use store::{SecretKey, Store};
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::{
    ExitError,
    assets::{self, Assets},
    config::{Config, KeySource},
    demo::{self, Demo, edge::Edge},
    exit_error::to_exit_error,
    listener,
    output::print_now,
    router::router,
    state::{AppState, PublicEndpoint},
    tls::Certificate,
    welcome::Welcome,
};

/// Maximum duration of the shutdown, for open responses and for jobs to release their leases.
pub(crate) const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);
/// Size of the database connection pool, shared by jobs and pages.
const POOL_SIZE: u32 = 16;

/// Serves until the process receives a signal to stop.
///
/// # Errors
/// When the server cannot start.
pub async fn serve(config: Config) -> Result<(), ExitError> {
    let hangup = match assets::is_reloadable() {
        true => Some(assets::reload::listen().map_err(ExitError::System)?),
        false => None,
    };
    let (listeners, bound) = listener::bind(config.web.listen, config.web.is_localhost())?;
    let url = config.web.public_url(bound);
    let certificate = match &config.web.tls {
        Some(files) => Some(Certificate::load(files).await?),
        None => None,
    };
    let tls = certificate.as_ref().map(Certificate::config);
    let assets = Assets::load()?;
    let store = open_store(&config).await?;
    let manager: Option<Origin> = url.origin().parse().ok();
    let demo = match config.demo {
        Some(demo) => Some(Demo::start(&store, &config.data, demo).await?),
        None => None,
    };
    let edge_origin = demo
        .as_ref()
        .and_then(|_| demo::edge_origin(bound, manager.as_ref()));
    let options = options(&config, manager.as_ref(), certificate.as_ref(), edge_origin);
    let (control, first) = start(store, options).await?;
    let demo = match demo {
        Some(demo) => Some((demo.connect(&control).await?, demo)),
        None => None,
    };
    let stop = CancellationToken::new();
    let (edge, edge_task) = start_edge(&control, demo.as_ref(), edge_origin, &stop)?.unzip();
    let public = PublicEndpoint::new(url, config.web.trusted_proxies);
    let running_demo = demo.as_ref().map(|(_, demo)| demo);
    let welcome = Welcome::prepare(&control, &public, first, running_demo).await?;
    let state = AppState::new(control.clone(), public, assets, stop.clone());
    cancel_on_signal(stop.clone()).map_err(ExitError::System)?;
    if let Some(hangup) = hangup {
        let (web_assets, stop) = (state.web_assets.clone(), stop.clone());
        tokio::spawn(assets::reload::reload_on_signal(web_assets, stop, hangup));
    }
    if let Some(certificate) = certificate {
        let stop = stop.clone();
        tokio::spawn(stop.run_until_cancelled_owned(certificate.reload_on_change()));
    }
    print_now(welcome)?;
    let demo =
        demo.map(|(cluster, demo)| demo.run(control.clone(), cluster, edge_task, stop.clone()));
    let served = serve_requests(listeners, tls, (state, edge), &control, stop).await;
    if let Some(demo) = demo {
        demo.stop_cluster().await;
    }
    served.map_err(ExitError::System)
}

fn options(
    config: &Config,
    manager: Option<&Origin>,
    certificate: Option<&Certificate>,
    edge: Option<&Origin>,
) -> Options {
    Options {
        max_concurrent_jobs: config.workers.parallel_jobs,
        job_retention: config.workers.job_retention,
        manager: manager.map(|origin| Manager {
            origin: origin.clone(),
            certificate: certificate.map(Certificate::fingerprint),
        }),
        loopback: edge.map(EntryPoint::from_origin),
        ..Options::default()
    }
}

/// Starts the demo's edge at `origin`, until `stop`; `None` without a demo or an origin.
fn start_edge(
    control: &Control,
    demo: Option<&(ClusterId, Demo)>,
    origin: Option<&Origin>,
    stop: &CancellationToken,
) -> Result<Option<(Edge, JoinHandle<()>)>, ExitError> {
    let (Some((cluster, demo)), Some(origin)) = (demo, origin) else {
        return Ok(None);
    };
    demo.publish(control, *cluster, origin, stop.clone())
        .map(Some)
}

/// Starts the use cases, and creates the first administrator on the first start.
async fn start(
    store: Store,
    options: Options,
) -> Result<(Control, Option<FirstAdministrator>), ExitError> {
    let control = Control::start(store, options).await;
    let control = control.map_err(to_exit_error("start"))?;
    let first = setup::create_first_administrator(&control).await;
    Ok((control, first.map_err(to_exit_error("first start"))?))
}

/// Opens the configured database and applies migrations.
pub(crate) async fn open_store(config: &Config) -> Result<Store, ExitError> {
    create_data_folder(&config.data)?;
    let key = match &config.key {
        KeySource::File(path) => SecretKey::from_file_or_create(path)?,
        KeySource::Environment(text) => SecretKey::parse(text)?,
    };
    let url = config.database.clone();
    Ok(Store::open(store::Options {
        url,
        key,
        pool_size: POOL_SIZE,
    })
    .await?)
}

/// Creates the data directory, readable only by its owner.
fn create_data_folder(path: &Path) -> Result<(), ExitError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|cause| ExitError::Data {
            path: path.to_owned(),
            cause,
        })
}

/// Serves requests until `stop`, then shuts down in order: no new connections, event streams
/// closed, job leases released, open responses completed.
async fn serve_requests(
    listeners: Vec<TcpListener>,
    tls: Option<RustlsConfig>,
    (state, edge): (AppState, Option<Edge>),
    control: &Control,
    stop: CancellationToken,
) -> io::Result<()> {
    let handle = Handle::new();
    let connections = listener::connections(state.public.trusted_proxies.clone());
    let service = router(state, edge).into_make_service_with_connect_info::<SocketAddr>();
    let shutdown = async {
        stop.cancelled().await;
        tracing::info!("server stopping");
        handle.graceful_shutdown(Some(SHUTDOWN_TIMEOUT));
        control.shutdown(SHUTDOWN_TIMEOUT).await;
    };
    let serving = async {
        let serve = |listener| {
            let (handle, service) = (handle.clone(), service.clone());
            listener::serve(listener, &tls, &connections, handle, service)
        };
        let served = try_join_all(listeners.into_iter().map(serve)).await;
        stop.cancel();
        served.map(drop)
    };
    tokio::join!(serving, shutdown).0
}

/// Cancels `stop` on SIGTERM or SIGINT, which no longer kill the process after this returns.
fn cancel_on_signal(stop: CancellationToken) -> io::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut int = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        stop.cancel();
    });
    Ok(())
}
