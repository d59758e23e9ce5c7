//! The program itself: it joins, serves what its manager gives, and goes on without it.

use std::{
    fs,
    io::Write as _,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router, extract::State, http::HeaderMap, http::StatusCode, response::IntoResponse as _,
    routing::post,
};
use edge::link::Given;
use serde_json::{Value, json};
use test_servers::host::{inside, run, try_run, until};

use crate::site::{host, site};

const PROGRAM: &str = env!("CARGO_BIN_EXE_holdfast-agent");
const FOLDER: &str = "/run/agent";

/// What the manager gives, and what it was told.
#[derive(Clone, Default)]
struct Manager(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    given: Option<Given>,
    reports: Vec<Value>,
    /// What was told to be live.
    live: Vec<edge::link::Live>,
}

impl Manager {
    fn give(&self, generation: i64, change: impl FnOnce(&mut edge::Snapshot)) {
        let mut snapshot = site();
        change(&mut snapshot);
        self.0.lock().unwrap().given = Some(Given {
            generation,
            snapshot,
        });
    }

    fn told(&self) -> Vec<Value> {
        self.0.lock().unwrap().reports.clone()
    }

    /// The telling of live files of this number, once it is there.
    fn live(&self, number: usize) -> edge::link::Live {
        until("what is live", || {
            self.0.lock().unwrap().live.get(number).cloned()
        })
    }

    fn start(&self) {
        let router = Router::new()
            .route(
                "/agent/v1/join",
                post(async || Json(json!({ "key": "key" }))),
            )
            .route("/agent/v1/next", post(next))
            .route("/agent/v1/report", post(note))
            .route("/agent/v1/live", post(note_live))
            .with_state(self.clone());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:3000")
                    .await
                    .unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        until("the manager", || {
            std::net::TcpStream::connect("127.0.0.1:3000").ok()
        });
    }
}

async fn next(
    State(manager): State<Manager>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> axum::response::Response {
    if headers["authorization"] != "Bearer key" {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    for _ in 0..20 {
        let given = manager.0.lock().unwrap().given.clone();
        if let Some(given) = given.filter(|given| asked["has"] != given.generation) {
            return Json(given).into_response();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    StatusCode::NO_CONTENT.into_response()
}

async fn note(State(manager): State<Manager>, Json(said): Json<Value>) -> StatusCode {
    manager.0.lock().unwrap().reports.push(said);
    StatusCode::NO_CONTENT
}

async fn note_live(
    State(manager): State<Manager>,
    Json(told): Json<edge::link::Live>,
) -> StatusCode {
    manager.0.lock().unwrap().live.push(told);
    StatusCode::NO_CONTENT
}

/// A host: its interface, and its logs in memory.
fn prepare() {
    run(
        "ip link add eth1 type veth peer name eth1-end && ip link set eth1-end up && \
         ip addr add 10.20.0.2/16 dev eth1 && ip link set eth1 up && \
         mount -t tmpfs log /var/log && mkdir -p /var/log/nginx && chmod 755 /run",
    );
}

fn join(code: &str) -> std::process::Output {
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

struct Running(Child);

impl Running {
    fn start() -> Self {
        let arguments = ["--folder", FOLDER, "run"];
        Self(Command::new(PROGRAM).args(arguments).spawn().unwrap())
    }

    /// Ends it as nothing can be prevented from.
    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Ends it as systemd does.
    fn stop(mut self) {
        run(&format!("kill -TERM {}", self.0.id()));
        assert!(self.0.wait().unwrap().success(), "it ends in order");
    }
}

fn answer(name: &str) -> String {
    let said = try_run(&format!("dig +short +time=1 +tries=1 @10.20.0.2 {name}"));
    String::from_utf8(said.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

/// The status that nginx answers with under a name; 502 is that of a container that is away.
fn status(name: &str) -> String {
    let said = try_run(&format!(
        "curl --noproxy '*' -sk -o /dev/null -w '%{{http_code}}' --resolve {name}:443:127.0.0.1 https://{name}/"
    ));
    String::from_utf8(said.stdout).unwrap()
}

#[test]
fn a_host_joins_serves_and_goes_on_without_its_manager() {
    inside(
        "program::a_host_joins_serves_and_goes_on_without_its_manager",
        |_| {
            prepare();
            let early = Command::new(PROGRAM)
                .args(["--folder", FOLDER, "run"])
                .output()
                .unwrap();
            assert!(!early.status.success());
            let words = String::from_utf8_lossy(&early.stderr).into_owned();
            assert!(words.contains("has not joined"), "{words}");
            let manager = Manager::default();
            manager.start();
            for wrong in [
                "",
                "nonsense",
                "http://10.20.0.9:3000#a-word-of-more-than-20-letters",
            ] {
                assert!(!join(wrong).status.success(), "{wrong}");
            }
            let joined = join("http://127.0.0.1:3000#a-word-of-more-than-20-letters\n");
            assert!(joined.status.success(), "{joined:?}");
            let mode = run(&format!("stat -c %a {FOLDER}/agent.toml"));
            assert_eq!(mode, "600\n");

            manager.give(1, |_| ());
            let agent = Running::start();
            until("the site", || {
                (answer("wiki.lab.internal") == "10.20.0.100").then_some(())
            });
            until("the service", || {
                (status("wiki.example.org") == "502").then_some(())
            });
            until("the report", || (!manager.told().is_empty()).then_some(()));
            let first = manager.told().remove(0);
            assert_eq!(
                (&first["generation"], &first["outcome"]),
                (&json!(1), &json!("live"))
            );

            let all = manager.live(0);
            assert!(all.begins && all.gone.is_empty());
            for (path, text) in &all.files {
                let there = fs::read_to_string(format!("{FOLDER}/live/{path}")).unwrap();
                assert_eq!(*text, there, "{path}");
                assert!(!text.contains("PRIVATE KEY"), "{path}");
            }
            assert!(
                all.files
                    .contains_key("nginx/services/wiki.example.org.conf")
            );

            manager.give(2, |site| site.hosts.push(host("db", "10.20.0.101")));
            until("the change", || {
                (answer("db.lab.internal") == "10.20.0.101").then_some(())
            });
            let last = || manager.told().pop().unwrap()["generation"].clone();
            until("the second report", || (last() == 2).then_some(()));
            let changed = manager.live(1);
            assert!(!changed.begins && changed.gone.is_empty());
            let paths: Vec<&String> = changed.files.keys().collect();
            assert_eq!(paths, ["dnsmasq/hosts"], "and no other");
            agent.kill();
            assert_eq!(
                answer("db.lab.internal"),
                "10.20.0.101",
                "the programs go on"
            );

            // Another start without a manager that answers: what was live is put right and goes on.
            run("pkill -x dnsmasq");
            fs::write(
                format!("{FOLDER}/live/nginx/services/wiki.example.org.conf"),
                "",
            )
            .unwrap();
            let settings = fs::read_to_string(format!("{FOLDER}/agent.toml")).unwrap();
            fs::write(
                format!("{FOLDER}/agent.toml"),
                settings.replace(":3000", ":3001"),
            )
            .unwrap();
            let agent = Running::start();
            until("the names", || {
                (answer("db.lab.internal") == "10.20.0.101").then_some(())
            });
            until("the service", || {
                (status("wiki.example.org") == "502").then_some(())
            });
            agent.stop();
            run("pkill -x dnsmasq; pkill -x nginx; true");
        },
    );
}
