//! Runs the simulated cluster (`holdfastd proxmox-sim`) and calls its control API.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{fs, process::Child};

use crate::manager;

/// The request timeout, longer than the simulator's long poll.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(40);

/// A container as reported by the simulator.
#[derive(Clone, Debug, Deserialize)]
pub struct SimulatedContainer {
    /// The VMID.
    pub vmid: u32,
    /// The hostname.
    pub hostname: String,
    /// A PID that differs after each start; `None` if the container is stopped.
    pub pid: Option<u32>,
    /// The template or image.
    pub template_or_image: Option<String>,
    /// The options of the container's configuration.
    pub options: std::collections::BTreeMap<String, String>,
}

/// All containers of the cluster.
#[derive(Debug, Deserialize)]
pub struct ContainerList {
    /// The version of the list, for the next poll.
    pub version: u64,
    /// The containers.
    pub containers: Vec<SimulatedContainer>,
}

/// A running simulator. It ends when this is dropped.
pub struct Simulator {
    /// The URL of the simulated Proxmox VE API.
    pub url: String,
    /// The SHA-256 fingerprint of its certificate.
    pub fingerprint: String,
    /// The password of root@pam.
    pub password: String,
    /// The client of the control API.
    pub control: Control,
    _process: Child,
}

impl Simulator {
    /// Starts the simulator in a directory, without simulated DHCP leases: the edge host runs a
    /// real DHCP server.
    ///
    /// # Errors
    /// If the simulator does not start.
    pub async fn start(program: &Path, folder: &Path, pull: u64) -> anyhow::Result<Self> {
        let password = "a password of root";
        let file = folder.join("root-password");
        fs::write(&file, format!("{password}\n")).await?;
        let mut command = tokio::process::Command::new(program);
        command
            .args(["proxmox-sim", "--listen", "127.0.0.1:8006"])
            .args(["--control", "127.0.0.1:0", "--pull", &pull.to_string()])
            .arg("--root-password-file")
            .arg(&file);
        let (process, output) = manager::start(&mut command, "Control:")
            .await
            .context("the simulator")?;
        let value = |name: &str| {
            let value = output.iter().find_map(|line| line.strip_prefix(name));
            value
                .map(|value| value.trim().to_owned())
                .with_context(|| format!("no `{name}` in the output of the simulator"))
        };
        let control = Control::new(value("Control:")?)?;
        control
            .post("conditions", &json!({ "dhcp": "never" }))
            .await?;
        Ok(Self {
            url: value("Simulated Proxmox VE at")?,
            fingerprint: value("Fingerprint:")?,
            password: password.to_owned(),
            control,
            _process: process,
        })
    }
}

/// A client of the simulator's control API.
#[derive(Clone)]
pub struct Control {
    http: reqwest::Client,
    /// The URL of the control API.
    pub url: String,
}

impl Control {
    fn new(url: String) -> anyhow::Result<Self> {
        // The client requires a TLS provider although the control API uses plain HTTP.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(REQUEST_TIMEOUT)
            .build()?;
        Ok(Self { http, url })
    }

    /// Long-polls the list of containers. Returns when its version differs from `version`.
    ///
    /// # Errors
    /// If the simulator is unreachable or returns an error.
    pub async fn poll_containers(&self, version: Option<u64>) -> anyhow::Result<ContainerList> {
        let mut request = self.http.get(format!("{}/containers", self.url));
        if let Some(version) = version {
            request = request.query(&[("after", version)]);
        }
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// Reports the addresses of a container to the simulator. A container that no longer exists is
    /// ignored.
    ///
    /// # Errors
    /// If the simulator is unreachable or returns an error.
    pub async fn report_addresses(
        &self,
        vmid: u32,
        mac: &str,
        addresses: &[String],
    ) -> anyhow::Result<()> {
        let interface = json!({ "hwaddr": mac, "addresses": addresses });
        let body = json!({ "vmid": vmid, "interfaces": [interface] });
        self.post("interfaces", &body).await
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        let request = self.http.post(format!("{}/{path}", self.url)).json(body);
        let response = request.send().await?;
        let status = response.status().as_u16();
        anyhow::ensure!(
            response.status().is_success() || matches!(status, 404 | 409),
            "the simulator returned {status}: {}",
            response.text().await.unwrap_or_default()
        );
        Ok(())
    }
}
