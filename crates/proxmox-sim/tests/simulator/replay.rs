//! Sends recorded requests to the simulator and compares the responses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use proxmox_sim::{Config, Sim};
use reqwest::{Client, Method, RequestBuilder};
use serde::Deserialize;
use serde_json::Value;
use test_servers::reference;

use crate::support::{Reply, client, send};

const ROOT_PASSWORD: &str = "the-root-password";
const ALICE_PASSWORD: &str = "alicepw123";
/// First rows of the blocks. At the start of a block only container 100 exists.
const BLOCKS: [u64; 9] = [1, 1001, 1301, 2001, 3001, 4001, 5001, 6001, 7001];

/// A recorded request with its response.
#[derive(Deserialize)]
pub struct Row {
    pub n: u64,
    pub cat: String,
    pub actor: String,
    pub method: String,
    pub path: String,
    #[serde(default)]
    params: Option<Value>,
    #[serde(default)]
    req_body: Option<String>,
    #[serde(default)]
    req_ctype: Option<String>,
    #[serde(default)]
    req_hdr: Option<serde_json::Map<String, Value>>,
    status: String,
    body: String,
}

/// The recordings, if available.
pub fn recordings() -> Option<Vec<Row>> {
    let text = reference::read("pve-golden.jsonl")?;
    Some(
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    )
}

struct Ticket {
    ticket: String,
    csrf: String,
}

/// A simulator in the initial state of the recordings, with the clients' credentials.
pub struct Replay {
    sim: Sim,
    http: Client,
    root: Ticket,
    alice: Ticket,
    g1: String,
    ro: String,
    expired: String,
    /// The latest console ticket by port.
    consoles: Mutex<BTreeMap<String, String>>,
    block: usize,
}

impl Replay {
    pub async fn new() -> Self {
        // No status broadcast occurred between the recorded rows that depend on it.
        let config = Config {
            broadcast: Duration::from_secs(3600),
            ..Config::recorded(ROOT_PASSWORD)
        };
        let sim = proxmox_sim::start(config).await.unwrap();
        let http = client();
        let root = login(&sim, &http, "root@pam", ROOT_PASSWORD).await;
        let mut replay = Self {
            sim,
            http,
            alice: Ticket {
                ticket: String::new(),
                csrf: String::new(),
            },
            root,
            g1: String::new(),
            ro: String::new(),
            expired: String::new(),
            consoles: Mutex::default(),
            block: 0,
        };
        replay.create_users().await;
        replay.alice = login(&replay.sim, &replay.http, "alice@pve", ALICE_PASSWORD).await;
        replay
    }

    /// Creates the users and tokens that existed before or were created during the first rows.
    async fn create_users(&mut self) {
        let post = async |path: &str, form: &[(&str, &str)]| {
            let reply = send(self.as_root(Method::POST, path).form(form)).await;
            assert_eq!(reply.status, 200, "{path}: {reply:?}");
            reply.json()["data"]["value"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        let alice = [("userid", "alice@pve"), ("password", ALICE_PASSWORD)];
        post("/access/users", &alice).await;
        let ro = post("/access/users/alice@pve/token/ro", &[("privsep", "1")]).await;
        let old = [("privsep", "0"), ("expire", "1000")];
        let expired = post("/access/users/alice@pve/token/expd", &old).await;
        let g1 = post("/access/users/root@pam/token/g1", &[("privsep", "0")]).await;
        post("/access/users/root@pam/token/sep", &[("privsep", "1")]).await;
        (self.ro, self.expired, self.g1) = (ro, expired, g1);
    }

    fn as_root(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api2/json{path}", self.sim.url());
        with_ticket(self.http.request(method, url), &self.root)
    }

    /// Removes all containers except 100 at the start of a block.
    pub async fn begin_block(&mut self, n: u64) {
        self.between_rows(n).await;
        while BLOCKS.get(self.block).is_some_and(|begin| *begin <= n) {
            self.block += 1;
            for container in self.sim.handle().containers() {
                if container.vmid != 100 {
                    self.sim.handle().delete_config_file(container.vmid);
                }
            }
        }
    }

    /// Repeats manual changes that were made between the recorded rows.
    async fn between_rows(&self, n: u64) {
        if n == 7010 {
            self.open_console("5903").await;
        }
        let handle = self.sim.handle();
        match n {
            2071 => drop(handle.set_lock(301, Some("backup"))),
            2083 => drop(handle.set_lock(301, None)),
            // The recorded container could not start.
            5009 => drop(handle.stop_container(401)),
            5002 => assert!(handle.add_image("pve1", "ghcr.io/example/app:v1", "app_1.0.tar")),
            _ => {}
        }
    }

    /// Opens consoles with the API token until one has this port.
    async fn open_console(&self, port: &str) {
        let url = format!("{}/api2/json/nodes/pve1/lxc/100/termproxy", self.sim.url());
        for _ in 0..10 {
            let request = self.authenticate(self.http.post(&url), "tok");
            self.remember_console(&send(request).await);
            if self.consoles.lock().unwrap().contains_key(port) {
                return;
            }
        }
        panic!("no console has port {port}");
    }

    fn remember_console(&self, reply: &Reply) {
        let body = serde_json::from_str::<Value>(&reply.text).unwrap_or_default();
        let data = &body["data"];
        if let (Some(port), Some(ticket)) = (data["port"].as_str(), data["ticket"].as_str()) {
            let mut consoles = self.consoles.lock().unwrap();
            consoles.insert(port.to_owned(), ticket.to_owned());
        }
    }

    /// Removes alice's access control entries of the second block. The first rows of the third
    /// block were recorded without them.
    pub async fn forget_grants(&self) {
        for (path, role) in [
            ("/storage/local", "PVEDatastoreUser"),
            ("/sdn/zones/localnetwork/vmbr0", "PVESDNUser"),
        ] {
            let form = [
                ("path", path),
                ("users", "alice@pve"),
                ("roles", role),
                ("delete", "1"),
            ];
            let reply = send(self.as_root(Method::PUT, "/access/acl").form(&form)).await;
            assert_eq!(reply.status, 200, "{reply:?}");
        }
    }

    /// Sends the request of a row. Returns how the response differs from the recorded one.
    pub async fn differs(&self, row: &Row) -> Option<String> {
        let reply = send(self.request(row)).await;
        self.finish(&reply).await;
        self.remember_console(&reply);
        let difference = difference(row, &reply);
        if row.cat == "lxc-create"
            && let Some(vmid) = row.params.as_ref().and_then(|params| params.get("vmid"))
            && let Some(vmid) = vmid
                .to_string()
                .trim_matches('"')
                .parse()
                .ok()
                .filter(|vmid| *vmid != 100)
        {
            self.sim.handle().delete_config_file(vmid);
        }
        difference
    }

    fn request(&self, row: &Row) -> RequestBuilder {
        let url = format!("{}{}", self.sim.url(), self.unmask_console(&row.path));
        let method = Method::from_bytes(row.method.as_bytes()).unwrap();
        let mut request = self.authenticate(self.http.request(method.clone(), url), &row.actor);
        for (name, value) in row.req_hdr.iter().flatten() {
            let value = self.unmask(value.as_str().unwrap());
            request = request.header(name, value);
        }
        if let Some(body) = &row.req_body {
            if let Some(kind) = &row.req_ctype {
                request = request.header("content-type", kind);
            }
            return request.body(self.unmask(body));
        }
        let pairs = self.pairs(row);
        match method.as_str() {
            "GET" | "DELETE" if !pairs.is_empty() => request.query(&pairs),
            "POST" | "PUT" => request.form(&pairs),
            _ => request,
        }
    }

    fn pairs(&self, row: &Row) -> Vec<(String, String)> {
        let params = row.params.as_ref().and_then(Value::as_object);
        let mut pairs = Vec::new();
        for (name, value) in params.into_iter().flatten() {
            let values = value
                .as_array()
                .cloned()
                .unwrap_or_else(|| vec![value.clone()]);
            for value in values {
                let text = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                let text = self.unmask_console(&self.unmask(&text));
                pairs.push((name.clone(), text));
            }
        }
        pairs
    }

    /// Replaces masked secrets by those of the simulator.
    fn unmask(&self, text: &str) -> String {
        let encoded = self.root.ticket.replace(':', "%3A");
        if let Some(start) = text.strip_prefix("PVEAuthCookie=PVE%3A") {
            assert!(start.starts_with("root"), "{text}");
            return format!("PVEAuthCookie={encoded}");
        }
        text.replace("PVE:root@pam:<HEX8>::<SIG>", &self.root.ticket)
            .replace("<ROOTPW>", ROOT_PASSWORD)
            .replace("<UUID>", &self.g1)
    }

    /// Replaces a masked console ticket: in a URL by the ticket of its port, otherwise by that of
    /// port 5903.
    fn unmask_console(&self, text: &str) -> String {
        const MASKED: &str = "PVEVNC:<HEX8>::<SIG>";
        if !text.contains(MASKED) {
            return text.to_owned();
        }
        let port = text
            .split(['?', '&'])
            .find_map(|part| part.strip_prefix("port="))
            .unwrap_or("5903");
        let ticket = self.consoles.lock().unwrap()[port].clone();
        text.replace(MASKED, &ticket)
    }

    fn authenticate(&self, request: RequestBuilder, actor: &str) -> RequestBuilder {
        let token = |id: &str, secret: &str| format!("PVEAPIToken={id}={secret}");
        let authorization = match actor {
            "root" => return with_ticket(request, &self.root),
            "alice" => return with_ticket(request, &self.alice),
            "nocsrf" => {
                return request.header("Cookie", format!("PVEAuthCookie={}", self.root.ticket));
            }
            "badcsrf" => {
                return request
                    .header("Cookie", format!("PVEAuthCookie={}", self.root.ticket))
                    .header("CSRFPreventionToken", "00000000:bad");
            }
            "root-token" | "tok-ok" | "tok" => token("root@pam!g1", &self.g1),
            "alice!ro" => token("alice@pve!ro", &self.ro),
            "tok-wrong-secret" => token("root@pam!g1", "00000000-0000-0000-0000-000000000000"),
            "tok-unknown" => token("root@pam!nope", &self.g1),
            "tok-unknown-user" => token("ghost@pve!x1", &self.g1),
            "tok-malformed" => "PVEAPIToken=garbage".to_owned(),
            "tok-expired" => token("alice@pve!expd", &self.expired),
            _ => return request,
        };
        request.header("Authorization", authorization)
    }

    /// Waits for the task in a response.
    async fn finish(&self, reply: &Reply) {
        let upid = serde_json::from_str::<Value>(&reply.text).ok();
        let upid = upid.and_then(|body| body["data"].as_str().map(str::to_owned));
        let Some(upid) = upid.filter(|upid| upid.starts_with("UPID:")) else {
            return;
        };
        let node = upid.split(':').nth(1).unwrap();
        let path = format!("/nodes/{node}/tasks/{upid}/status");
        for _ in 0..500 {
            let status = send(self.as_root(Method::GET, &path)).await;
            if status.json()["data"]["status"] != "running" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{upid} did not end in time");
    }
}

async fn login(sim: &Sim, http: &Client, user: &str, password: &str) -> Ticket {
    let url = format!("{}/api2/json/access/ticket", sim.url());
    let form = [("username", user), ("password", password)];
    let data = send(http.post(url).form(&form)).await.data();
    Ticket {
        ticket: data["ticket"].as_str().unwrap().to_owned(),
        csrf: data["CSRFPreventionToken"].as_str().unwrap().to_owned(),
    }
}

fn with_ticket(request: RequestBuilder, ticket: &Ticket) -> RequestBuilder {
    let cookie = format!("PVEAuthCookie={}", ticket.ticket.replace(':', "%3A"));
    request
        .header("Cookie", cookie)
        .header("CSRFPreventionToken", &ticket.csrf)
}

/// Compares status and reason, the names of invalid parameters and, for success, the shape of the
/// data.
fn difference(row: &Row, reply: &Reply) -> Option<String> {
    let status = format!("HTTP/1.1 {} {}", reply.status, reply.reason);
    if status.trim_end() != row.status.trim_end() {
        return Some(format!(
            "{status:?} and not {:?}; {}",
            row.status,
            short(&reply.text)
        ));
    }
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let (ours, theirs) = (read(&reply.text), read(&row.body));
    // Long bodies were truncated in the recordings.
    if theirs.is_null() && !row.body.is_empty() && row.body.len() > 1000 {
        return None;
    }
    if keys(&ours["errors"]) != keys(&theirs["errors"]) {
        return Some(format!(
            "errors {} and not {}",
            ours["errors"], theirs["errors"]
        ));
    }
    let (ours, theirs) = (&ours["data"], &theirs["data"]);
    if reply.status < 300 && (kind(ours) != kind(theirs) || keys(ours) != keys(theirs)) {
        return Some(format!(
            "data {} and not {}",
            short(&ours.to_string()),
            short(&theirs.to_string())
        ));
    }
    None
}

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}
