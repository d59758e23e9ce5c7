//! Fixtures: the agent process on its own host, and a fake manager that can be stopped and
//! restarted.

use std::{
    io::Write as _,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use agent_protocol::{
    CertificateWithKey, CertificatesRequest, CertificatesResponse, LiveFilesUpdate, PollResponse,
};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use edge::SiteConfig;
use serde_json::{Value, json};
use test_servers::host::{run, try_run, wait_until};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::site::site;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_holdfast-agent");
pub const FOLDER: &str = "/run/agent";
/// The join token of the fake manager.
pub const JOIN_TOKEN: &str = "http://127.0.0.1:3000#a-secret-of-more-than-20-letters\n";

/// The timeout of a long poll.
const POLL_TIMEOUT: Duration = Duration::from_secs(1);

/// A fake manager: the site configuration that it publishes, and the requests that it received.
#[derive(Clone, Default)]
pub struct Manager {
    state: Arc<Mutex<ManagerState>>,
    /// Wakes pending long polls after a change.
    changed: Arc<Notify>,
}

#[derive(Default)]
struct ManagerState {
    configuration: Option<PollResponse>,
    reports: Vec<Value>,
    /// The received batches of live files.
    live: Vec<LiveFilesUpdate>,
    leases: Vec<Value>,
    /// The available certificates.
    certificates: Vec<CertificateWithKey>,
    /// The number of received requests for certificates.
    certificate_requests: usize,
}

/// The running HTTP server of a fake manager.
pub struct ManagerServer {
    stop: CancellationToken,
    thread: JoinHandle<()>,
}

impl ManagerServer {
    /// Stops the server and frees its port.
    pub fn stop(self) {
        self.stop.cancel();
        self.thread.join().unwrap();
    }
}

impl Manager {
    /// Publishes the site of [`site`] with a change.
    pub fn publish(&self, generation: i64, change: impl FnOnce(&mut SiteConfig)) {
        let mut config = site();
        change(&mut config);
        self.state.lock().unwrap().configuration = Some(PollResponse { generation, config });
        self.changed.notify_waiters();
    }

    /// Returns the received reports.
    pub fn reports(&self) -> Vec<Value> {
        self.state.lock().unwrap().reports.clone()
    }

    /// Waits for the batch of live files with this index.
    pub fn live(&self, number: usize) -> LiveFilesUpdate {
        wait_until("the live files", || {
            self.state.lock().unwrap().live.get(number).cloned()
        })
    }

    /// Replaces the available certificates.
    pub fn set_certificates(&self, certificates: &[CertificateWithKey]) {
        self.state.lock().unwrap().certificates = certificates.to_vec();
    }

    /// Returns the number of received requests for certificates.
    pub fn certificate_requests(&self) -> usize {
        self.state.lock().unwrap().certificate_requests
    }

    /// Returns the last report of DHCP leases.
    pub fn leases(&self) -> Option<Value> {
        self.state.lock().unwrap().leases.last().cloned()
    }

    /// Waits until a generation is reported as live.
    pub fn wait_until_live(&self, generation: i64) {
        wait_until(&format!("generation {generation}"), || {
            let reports = self.reports();
            let is_live =
                |report: &Value| report["generation"] == generation && report["outcome"] == "live";
            reports.iter().any(is_live).then_some(())
        });
    }

    pub fn start(&self) -> ManagerServer {
        let router = Router::new()
            .route(
                "/agent/v1/join",
                post(async || Json(json!({ "key": "key" }))),
            )
            .route("/agent/v1/poll", post(poll))
            .route("/agent/v1/report", post(receive_report))
            .route("/agent/v1/files", post(receive_live_files))
            .route("/agent/v1/leases", post(receive_leases))
            .route("/agent/v1/certificates", post(send_certificates))
            .with_state(self.clone());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:3000")
                    .await
                    .unwrap();
                // Pending long polls are dropped, as if the process were killed.
                tokio::select! {
                    served = axum::serve(listener, router) => served.unwrap(),
                    () = stopped.cancelled() => {}
                }
            });
        });
        wait_until("the manager", || {
            std::net::TcpStream::connect("127.0.0.1:3000").ok()
        });
        ManagerServer { stop, thread }
    }
}

async fn poll(
    State(manager): State<Manager>,
    headers: HeaderMap,
    Json(request): Json<Value>,
) -> Response {
    if headers["authorization"] != "Bearer key" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let next = async {
        loop {
            let changed = manager.changed.notified();
            let configuration = manager.state.lock().unwrap().configuration.clone();
            if let Some(configuration) =
                configuration.filter(|latest| request["generation"] != latest.generation)
            {
                return configuration;
            }
            changed.await;
        }
    };
    match tokio::time::timeout(POLL_TIMEOUT, next).await {
        Ok(configuration) => Json(configuration).into_response(),
        Err(_) => StatusCode::NO_CONTENT.into_response(),
    }
}

async fn receive_report(State(manager): State<Manager>, Json(body): Json<Value>) -> StatusCode {
    manager.state.lock().unwrap().reports.push(body);
    StatusCode::NO_CONTENT
}

async fn receive_live_files(
    State(manager): State<Manager>,
    Json(files): Json<LiveFilesUpdate>,
) -> StatusCode {
    manager.state.lock().unwrap().live.push(files);
    StatusCode::NO_CONTENT
}

async fn receive_leases(State(manager): State<Manager>, Json(body): Json<Value>) -> StatusCode {
    manager.state.lock().unwrap().leases.push(body);
    StatusCode::NO_CONTENT
}

async fn send_certificates(
    State(manager): State<Manager>,
    Json(request): Json<CertificatesRequest>,
) -> Json<CertificatesResponse> {
    let mut state = manager.state.lock().unwrap();
    state.certificate_requests += 1;
    let found = state.certificates.iter();
    let found = found.filter(|found| request.fingerprints.contains(&found.fingerprint));
    Json(CertificatesResponse {
        certificates: found.cloned().collect(),
    })
}

/// Creates the interface of an edge host, and mounts its logs in memory.
pub fn prepare() {
    run(
        "ip link add eth1 type veth peer name eth1-end && ip link set eth1-end up && \
         ip addr add 10.20.0.2/16 dev eth1 && ip link set eth1 up && \
         mount -t tmpfs log /var/log && mkdir -p /var/log/nginx && chmod 755 /run",
    );
}

pub fn join(token: &str) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(["--directory", FOLDER, "join", "--interface", "eth1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(token.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// Prepares a host and joins it to a new fake manager. The manager is available until the server
/// stops.
pub fn joined() -> (Manager, ManagerServer) {
    prepare();
    let manager = Manager::default();
    let server = manager.start();
    let joined = join(JOIN_TOKEN);
    assert!(joined.status.success(), "{joined:?}");
    (manager, server)
}

/// A running `holdfast-agent run`.
pub struct AgentProcess(Child);

impl AgentProcess {
    pub fn start() -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["--directory", FOLDER, "run"]);
        Self(command.spawn().unwrap())
    }

    /// Starts the agent with another program that drops capabilities and then executes it.
    pub fn under(line: &[&str]) -> Self {
        let (program, arguments) = line.split_first().unwrap();
        let mut command = Command::new(program);
        command.args(arguments).arg(PROGRAM);
        command.args(["--directory", FOLDER, "run"]);
        Self(command.spawn().unwrap())
    }

    /// Sends SIGKILL and waits for the exit.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Sends SIGTERM, as systemd does, and waits for the exit.
    pub fn stop(mut self) {
        run(&format!("kill -TERM {}", self.0.id()));
        assert!(
            self.0.wait().unwrap().success(),
            "SIGTERM must lead to exit code 0"
        );
    }
}

/// Kills nginx and dnsmasq, which the agent started.
pub fn kill_programs() {
    try_run("pkill -x dnsmasq; pkill -x nginx");
}

/// Resolves a name with dnsmasq. The result is empty if the name does not exist.
pub fn resolve(name: &str) -> String {
    let output = try_run(&format!("dig +short +time=1 +tries=1 @10.20.0.2 {name}"));
    String::from_utf8(output.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

/// Returns the HTTP status for a name. It is 502 if the container is unreachable.
pub fn status(name: &str) -> String {
    let output = try_run(&format!(
        "curl --noproxy '*' -sk -o /dev/null -w '%{{http_code}}' --resolve {name}:443:127.0.0.1 https://{name}/"
    ));
    String::from_utf8(output.stdout).unwrap()
}
