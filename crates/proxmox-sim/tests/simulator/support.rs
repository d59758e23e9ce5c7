//! Shared fixture and helpers: a simulator with an HTTP client that exposes status, reason and
//! body.

use std::time::{Duration, Instant};

use proxmox_sim::{Config, ContainerSpec, Sim, TEST_SECRET};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

pub const DEBIAN: &str = "local:vztmpl/debian-13-standard_13.1-2_amd64.tar.zst";

pub struct TestApi {
    pub sim: Sim,
    pub http: reqwest::Client,
}

/// An HTTP response.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub reason: String,
    pub text: String,
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The data of a successful response.
    pub fn data(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        self.json()["data"].clone()
    }

    /// The error about a parameter in a response with status 400.
    pub fn problem(&self, parameter: &str) -> String {
        assert_eq!(self.status, 400, "{self:?}");
        assert_eq!(self.reason, "Parameter verification failed.");
        let body = self.json();
        assert_eq!(body["message"], "Parameter verification failed.\n");
        assert_eq!(body["data"], Value::Null);
        body["errors"][parameter]
            .as_str()
            .unwrap_or_else(|| panic!("{self:?}"))
            .to_owned()
    }

    /// The message of a response with status 500.
    pub fn failure(&self) -> String {
        assert_eq!(self.status, 500, "{self:?}");
        let body = self.json();
        assert_eq!(body["data"], Value::Null);
        let message = body["message"].as_str().unwrap().trim_end().to_owned();
        assert_eq!(self.reason, message, "the status line has the message too");
        message
    }
}

pub fn client() -> reqwest::Client {
    // Fails if another test of this process has already installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub async fn api() -> TestApi {
    api_with(Config::test()).await
}

pub async fn api_with(config: Config) -> TestApi {
    TestApi {
        sim: proxmox_sim::start(config).await.unwrap(),
        http: client(),
    }
}

pub async fn send(request: RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let reason = response
        .extensions()
        .get::<hyper::ext::ReasonPhrase>()
        .map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned())
        .unwrap_or_else(|| {
            response
                .status()
                .canonical_reason()
                .unwrap_or("")
                .to_owned()
        });
    // The stream after a protocol switch is not a body and does not end.
    let text = if status == 101 {
        String::new()
    } else {
        response.text().await.unwrap()
    };
    Reply {
        status,
        reason,
        text,
    }
}

impl TestApi {
    /// An authenticated request builder.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api2/json{path}", self.sim.url());
        let token = format!("PVEAPIToken=root@pam!holdfast={TEST_SECRET}");
        self.http
            .request(method, url)
            .header("Authorization", token)
    }

    pub async fn get(&self, path: &str) -> Reply {
        send(self.request(Method::GET, path)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        send(self.request(Method::DELETE, path)).await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        send(self.request(Method::POST, path).form(form)).await
    }

    pub async fn put(&self, path: &str, form: &[(&str, &str)]) -> Reply {
        send(self.request(Method::PUT, path).form(form)).await
    }

    /// Waits for the task in a response and returns its exit status.
    pub async fn finish(&self, reply: &Reply) -> String {
        let upid = reply.data().as_str().unwrap().to_owned();
        let path = task_path(&upid, "/status");
        let status = self
            .until(&path, |status| status["status"] == "stopped")
            .await;
        status["exitstatus"].as_str().unwrap().to_owned()
    }

    /// Polls until the data matches.
    pub async fn until(&self, path: &str, matches: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let data = self.get(path).await.data();
            if matches(&data) {
                return data;
            }
            assert!(
                Instant::now() < deadline,
                "{path} did not match in time: {data}"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Sends a request to create a container on pve1 with these parameters in addition to the
    /// defaults.
    pub async fn create(&self, vmid: u32, more: &[(&str, &str)]) -> Reply {
        let vmid = vmid.to_string();
        let mut form = vec![
            ("vmid", vmid.as_str()),
            ("ostemplate", DEBIAN),
            ("hostname", "web"),
            ("rootfs", "local-lvm:8"),
            ("net0", "name=eth0,bridge=vmbr0,ip=dhcp"),
        ];
        for (name, value) in more {
            form.retain(|(other, _)| other != name);
            form.push((name, value));
        }
        self.post("/nodes/pve1/lxc", &form).await
    }

    /// Creates a stopped container.
    pub async fn created(&self, vmid: u32, more: &[(&str, &str)]) {
        let reply = self.create(vmid, more).await;
        assert_eq!(self.finish(&reply).await, "OK");
    }

    /// Creates a running container.
    pub async fn running(&self, vmid: u32, more: &[(&str, &str)]) {
        self.created(vmid, more).await;
        let reply = self
            .post(&format!("/nodes/pve1/lxc/{vmid}/status/start"), &[])
            .await;
        assert_eq!(self.finish(&reply).await, "OK");
    }

    pub async fn config(&self, vmid: u32) -> Value {
        self.get(&format!("/nodes/pve1/lxc/{vmid}/config"))
            .await
            .data()
    }

    /// All log lines of a task.
    pub async fn log(&self, reply: &Reply) -> Vec<String> {
        let upid = reply.data().as_str().unwrap().to_owned();
        let lines = self
            .get(&(task_path(&upid, "/log") + "?limit=0"))
            .await
            .data();
        lines
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["t"].as_str().unwrap().to_owned())
            .collect()
    }
}

pub fn task_path(upid: &str, rest: &str) -> String {
    let node = upid.split(':').nth(1).unwrap();
    format!("/nodes/{node}/tasks/{upid}{rest}")
}

/// Asserts that an object has these members. Other members are ignored.
pub fn assert_has(object: &Value, members: Value) {
    for (name, value) in members.as_object().unwrap() {
        assert_eq!(
            object.get(name).unwrap_or(&json!("(missing)")),
            value,
            "{name} of {object}"
        );
    }
}

/// A running container on pve1, as if created outside Holdfast.
pub fn container(vmid: u32) -> ContainerSpec {
    ContainerSpec {
        vmid,
        node: "pve1".into(),
        hostname: "theirs".into(),
        cores: 1,
        memory: 512,
        disk: 4,
        net0: "name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:01,ip=dhcp".into(),
        running: true,
    }
}
