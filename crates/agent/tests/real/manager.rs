//! The program itself on a host of its own, and a manager for it that can go away and come back.

use std::{
    io::Write as _,
    process::{Child, Command, Output, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::Duration,
};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::post,
};
use edge::{
    Snapshot,
    link::{Given, Live, Pair, Pairs, Wanted},
};
use serde_json::{Value, json};
use test_servers::host::{run, try_run, wait_until};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::site::site;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_holdfast-agent");
pub const FOLDER: &str = "/run/agent";
/// What a host joins with.
pub const CODE: &str = "http://127.0.0.1:3000#a-word-of-more-than-20-letters\n";

/// How long a request is held while there is nothing new.
const HOLD: Duration = Duration::from_secs(1);

/// What the manager gives, and what it was told.
#[derive(Clone, Default)]
pub struct Manager {
    known: Arc<Mutex<Known>>,
    /// Wakes the requests that are held when there is something new.
    given: Arc<Notify>,
}

#[derive(Default)]
struct Known {
    given: Option<Given>,
    reports: Vec<Value>,
    /// What was told to be live.
    live: Vec<Live>,
    leases: Vec<Value>,
    /// The certificates that it has, and how often it was asked for some.
    pairs: Vec<Pair>,
    asked: usize,
}

/// A manager that answers, until it is told to go away.
pub struct Answering {
    stop: CancellationToken,
    thread: JoinHandle<()>,
}

impl Answering {
    /// Ends it; its port is free afterwards.
    pub fn go_away(self) {
        self.stop.cancel();
        self.thread.join().unwrap();
    }
}

impl Manager {
    pub fn give(&self, generation: i64, change: impl FnOnce(&mut Snapshot)) {
        let mut snapshot = site();
        change(&mut snapshot);
        self.known.lock().unwrap().given = Some(Given {
            generation,
            snapshot,
        });
        self.given.notify_waiters();
    }

    /// The reports so far.
    pub fn told(&self) -> Vec<Value> {
        self.known.lock().unwrap().reports.clone()
    }

    /// The telling of live files of this number, once it is there.
    pub fn live(&self, number: usize) -> Live {
        wait_until("what is live", || {
            self.known.lock().unwrap().live.get(number).cloned()
        })
    }

    /// Has these certificates from now on.
    pub fn have(&self, pairs: &[Pair]) {
        self.known.lock().unwrap().pairs = pairs.to_vec();
    }

    /// How often it was asked for certificates.
    pub fn asked(&self) -> usize {
        self.known.lock().unwrap().asked
    }

    /// What was last told of leases.
    pub fn leases(&self) -> Option<Value> {
        self.known.lock().unwrap().leases.last().cloned()
    }

    /// Waits until a generation is live.
    pub fn until_live(&self, generation: i64) {
        wait_until(&format!("generation {generation}"), || {
            let told = self.told();
            let is_it =
                |report: &Value| report["generation"] == generation && report["outcome"] == "live";
            told.iter().any(is_it).then_some(())
        });
    }

    pub fn start(&self) -> Answering {
        let router = Router::new()
            .route(
                "/agent/v1/join",
                post(async || Json(json!({ "key": "key" }))),
            )
            .route("/agent/v1/next", post(next))
            .route("/agent/v1/report", post(note))
            .route("/agent/v1/live", post(note_live))
            .route("/agent/v1/leases", post(lent))
            .route("/agent/v1/certificates", post(certificates))
            .with_state(self.clone());
        let stop = CancellationToken::new();
        let until_then = stop.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:3000")
                    .await
                    .unwrap();
                // At once, as a process that is killed: questions that are held are dropped.
                tokio::select! {
                    served = axum::serve(listener, router) => served.unwrap(),
                    () = until_then.cancelled() => {}
                }
            });
        });
        wait_until("the manager", || {
            std::net::TcpStream::connect("127.0.0.1:3000").ok()
        });
        Answering { stop, thread }
    }
}

async fn next(
    State(manager): State<Manager>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> Response {
    if headers["authorization"] != "Bearer key" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let new = async {
        loop {
            let changed = manager.given.notified();
            let given = manager.known.lock().unwrap().given.clone();
            if let Some(given) = given.filter(|given| asked["has"] != given.generation) {
                return given;
            }
            changed.await;
        }
    };
    match tokio::time::timeout(HOLD, new).await {
        Ok(given) => Json(given).into_response(),
        Err(_) => StatusCode::NO_CONTENT.into_response(),
    }
}

async fn note(State(manager): State<Manager>, Json(said): Json<Value>) -> StatusCode {
    manager.known.lock().unwrap().reports.push(said);
    StatusCode::NO_CONTENT
}

async fn note_live(State(manager): State<Manager>, Json(told): Json<Live>) -> StatusCode {
    manager.known.lock().unwrap().live.push(told);
    StatusCode::NO_CONTENT
}

async fn lent(State(manager): State<Manager>, Json(said): Json<Value>) -> StatusCode {
    manager.known.lock().unwrap().leases.push(said);
    StatusCode::NO_CONTENT
}

async fn certificates(State(manager): State<Manager>, Json(wanted): Json<Wanted>) -> Json<Pairs> {
    let mut known = manager.known.lock().unwrap();
    known.asked += 1;
    let pairs = known.pairs.iter();
    let pairs = pairs.filter(|pair| wanted.certificates.contains(&pair.certificate));
    Json(Pairs {
        pairs: pairs.cloned().collect(),
    })
}

/// A host: its interface, and its logs in memory.
pub fn prepare() {
    run(
        "ip link add eth1 type veth peer name eth1-end && ip link set eth1-end up && \
         ip addr add 10.20.0.2/16 dev eth1 && ip link set eth1 up && \
         mount -t tmpfs log /var/log && mkdir -p /var/log/nginx && chmod 755 /run",
    );
}

pub fn join(code: &str) -> Output {
    let mut child = Command::new(PROGRAM)
        .args(["--folder", FOLDER, "join", "--interface", "eth1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(code.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// A host that has joined, its manager, and who answers for that.
pub fn joined() -> (Manager, Answering) {
    prepare();
    let manager = Manager::default();
    let answering = manager.start();
    let joined = join(CODE);
    assert!(joined.status.success(), "{joined:?}");
    (manager, answering)
}

/// The agent at work.
pub struct Running(Child);

impl Running {
    pub fn start() -> Self {
        let mut command = Command::new(PROGRAM);
        command.args(["--folder", FOLDER, "run"]);
        Self(command.spawn().unwrap())
    }

    /// Under another program that leaves it fewer rights and becomes it.
    pub fn under(line: &[&str]) -> Self {
        let (program, arguments) = line.split_first().unwrap();
        let mut command = Command::new(program);
        command.args(arguments).arg(PROGRAM);
        command.args(["--folder", FOLDER, "run"]);
        Self(command.spawn().unwrap())
    }

    /// Ends it as nothing can be prevented from.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Ends it as systemd does.
    pub fn stop(mut self) {
        run(&format!("kill -TERM {}", self.0.id()));
        assert!(self.0.wait().unwrap().success(), "it ends in order");
    }
}

/// Ends what the agent has started.
pub fn end_programs() {
    try_run("pkill -x dnsmasq; pkill -x nginx");
}

pub fn answer(name: &str) -> String {
    let said = try_run(&format!("dig +short +time=1 +tries=1 @10.20.0.2 {name}"));
    String::from_utf8(said.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

/// The status that nginx answers with under a name; 502 is that of a container that is away.
pub fn status(name: &str) -> String {
    let said = try_run(&format!(
        "curl --noproxy '*' -sk -o /dev/null -w '%{{http_code}}' --resolve {name}:443:127.0.0.1 https://{name}/"
    ));
    String::from_utf8(said.stdout).unwrap()
}
