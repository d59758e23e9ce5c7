//! The life of a server: what starts in which order, and how it ends. A process that is killed
//! loses nothing: jobs are rows, and the next process goes on with them.

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
use model::{
    clusters::Fingerprint,
    domains::{EntryPoint, Origin},
};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use store::{SecretKey, Store};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    Failure,
    assets::{self, Assets},
    cli::print_now,
    config::{Config, KeySource, TlsFiles},
    demo::{self, Demo},
    listener,
    router::{AppState, Public, router},
    welcome::Welcome,
};

/// How long the end may take: for answers under way, and for jobs to put down their work.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// Connections to the database: jobs and pages beside each other.
const CONNECTIONS: u32 = 16;

/// Serves until the process is told to stop.
///
/// # Errors
/// Why it could not start.
pub async fn serve(config: Config) -> Result<(), Failure> {
    let hangup = match assets::can_change() {
        true => Some(assets::reload::listen().map_err(Failure::System)?),
        false => None,
    };
    let (listeners, bound) = listener::bind(config.web.listen, config.web.is_localhost())?;
    let url = config.web.public_url(bound);
    let (tls, certificate) = match &config.web.tls {
        Some(files) => {
            let (tls, own) = read_tls(files).await?;
            (Some(tls), Some(own))
        }
        None => (None, None),
    };
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
    let options = Options {
        parallel_jobs: config.workers.parallel_jobs,
        manager: manager.clone().map(|origin| Manager {
            origin,
            certificate,
        }),
        loopback: edge_origin.map(EntryPoint::of),
        ..Options::default()
    };
    let (control, first) = start(store, options).await?;
    let demo = match demo {
        Some(demo) => Some((demo.connect(&control).await?, demo)),
        None => None,
    };
    let stop = CancellationToken::new();
    let (mut edge, mut edge_task) = (None, None);
    if let (Some((cluster, demo)), Some(origin)) = (&demo, edge_origin) {
        let (started, task) = demo.publish(&control, *cluster, origin, stop.clone())?;
        (edge, edge_task) = (Some(started), Some(task));
    }
    let public = Public::new(url, config.web.trusted_proxies);
    let shown = demo.as_ref().map(|(_, demo)| demo);
    let welcome = Welcome::prepare(&control, &public, first, shown).await?;
    let state = AppState::new(control.clone(), public, assets, stop.clone()).with_edge(edge);
    cancel_on_signal(stop.clone()).map_err(Failure::System)?;
    if let Some(hangup) = hangup {
        tokio::spawn(assets::reload::follow(state.clone(), hangup));
    }
    print_now(welcome)?;
    let demo =
        demo.map(|(cluster, demo)| demo.run(control.clone(), cluster, edge_task, stop.clone()));
    let served = answer(listeners, tls, state, &control, stop).await;
    if let Some(demo) = demo {
        demo.stop_cluster().await;
    }
    served.map_err(Failure::System)
}

/// Starts the use cases, and creates the first administrator at the first start.
async fn start(
    store: Store,
    options: Options,
) -> Result<(Control, Option<FirstAdministrator>), Failure> {
    let control = Control::start(store, options).await;
    let control = control.map_err(refused("start"))?;
    let first = setup::first_run(&control).await;
    Ok((control, first.map_err(refused("first start"))?))
}

/// The database of a configuration, with its tables up to date.
pub(crate) async fn open_store(config: &Config) -> Result<Store, Failure> {
    make_folder(&config.data)?;
    let key = match &config.key {
        KeySource::File(path) => SecretKey::from_file_or_create(path)?,
        KeySource::Given(text) => SecretKey::parse(text)?,
    };
    let url = config.database.clone();
    Ok(Store::open(store::Options {
        url,
        key,
        pool_size: CONNECTIONS,
    })
    .await?)
}

/// Makes the data folder, which is nobody else's to read.
fn make_folder(path: &Path) -> Result<(), Failure> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|cause| Failure::Data {
            path: path.to_owned(),
            cause,
        })
}

/// The certificate and its key, and the certificate's fingerprint: of the very bytes that are
/// served until the process ends, whatever becomes of the files.
async fn read_tls(files: &TlsFiles) -> Result<(RustlsConfig, Fingerprint), Failure> {
    let failure = |cause| Failure::Tls {
        cert: files.cert.clone(),
        key: files.key.clone(),
        cause,
    };
    // Another part of the process may have chosen the same before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let chain = tokio::fs::read(&files.cert).await.map_err(failure)?;
    let key = tokio::fs::read(&files.key).await.map_err(failure)?;
    let leaf = CertificateDer::from_pem_slice(&chain).map_err(io::Error::other);
    let print = pinned::Fingerprint::of(&leaf.map_err(failure)?).to_string();
    let print = print.parse().map_err(io::Error::other).map_err(failure)?;
    let tls = RustlsConfig::from_pem(chain, key).await.map_err(failure)?;
    Ok((tls, print))
}

/// Answers requests until `stop`, then ends in order: no new connections, no event streams, jobs
/// put down, answers under way finished.
async fn answer(
    listeners: Vec<TcpListener>,
    tls: Option<RustlsConfig>,
    state: AppState,
    control: &Control,
    stop: CancellationToken,
) -> io::Result<()> {
    let handle = Handle::new();
    let connections = listener::connections(state.public.trusted_proxies.clone());
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    let ending = async {
        stop.cancelled().await;
        tracing::info!("stopping");
        handle.graceful_shutdown(Some(PATIENCE));
        control.shutdown(PATIENCE).await;
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
    tokio::join!(serving, ending).0
}

/// Cancels `stop` when the system or the console tells the process to end. From the return on such a
/// signal no longer kills the process.
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

pub(crate) fn refused(what: &'static str) -> impl Fn(model::Error) -> Failure {
    move |cause| Failure::Refused { what, cause }
}
