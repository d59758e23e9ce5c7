//! The simulated cluster, as a program of the product, and its control address.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{fs, process::Child};

use crate::manager;

/// Longer than the simulator holds a question.
const ANSWER: Duration = Duration::from_secs(40);

/// A container as the simulator tells it.
#[derive(Clone, Debug, Deserialize)]
pub struct Told {
    /// Its number.
    pub vmid: u32,
    /// Its name.
    pub hostname: String,
    /// Another number after each start; none when it is stopped.
    pub pid: Option<u32>,
    /// The template or image.
    pub source: Option<String>,
    /// What is configured.
    pub options: std::collections::BTreeMap<String, String>,
}

/// All containers at a moment.
#[derive(Debug, Deserialize)]
pub struct Moment {
    /// To ask for what comes after.
    pub version: u64,
    /// The containers.
    pub containers: Vec<Told>,
}

/// A simulator that runs.
pub struct Simulator {
    /// Where its API is.
    pub url: String,
    /// What its certificate is known by.
    pub fingerprint: String,
    /// The password of root@pam.
    pub password: String,
    /// What can be done behind the API's back.
    pub control: Control,
    /// Ends with this.
    _process: Child,
}

impl Simulator {
    /// Starts it in a folder. Its own DHCP is silent: the lab has a real one.
    ///
    /// # Errors
    /// When it does not start.
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
        let (process, said) = manager::start(&mut command, "Control:")
            .await
            .context("the simulator")?;
        let word = |name: &str| {
            let found = said.iter().find_map(|line| line.strip_prefix(name));
            found
                .map(|word| word.trim().to_owned())
                .context("the simulator said too little")
        };
        let control = Control::new(word("Control:")?)?;
        control
            .post("conditions", &json!({ "dhcp": "never" }))
            .await?;
        Ok(Self {
            url: word("Simulated Proxmox VE at")?,
            fingerprint: word("Fingerprint:")?,
            password: password.to_owned(),
            control,
            _process: process,
        })
    }
}

/// The simulator's control address.
#[derive(Clone)]
pub struct Control {
    http: reqwest::Client,
    /// Where it is.
    pub url: String,
}

impl Control {
    fn new(url: String) -> anyhow::Result<Self> {
        // Nothing of TLS is used, yet a client is not made without it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(ANSWER)
            .build()?;
        Ok(Self { http, url })
    }

    /// What there is, as soon as it is something else than at that version.
    ///
    /// # Errors
    /// When the simulator does not answer.
    pub async fn after(&self, version: Option<u64>) -> anyhow::Result<Moment> {
        let mut request = self.http.get(format!("{}/containers", self.url));
        if let Some(version) = version {
            request = request.query(&[("after", version)]);
        }
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// Says which addresses a container has.
    ///
    /// # Errors
    /// When the simulator does not answer. That the container is gone meanwhile is none.
    pub async fn see(&self, vmid: u32, mac: &str, addresses: &[String]) -> anyhow::Result<()> {
        let interface = json!({ "hwaddr": mac, "addresses": addresses });
        let said = json!({ "vmid": vmid, "interfaces": [interface] });
        self.post("interfaces", &said).await
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<()> {
        let request = self.http.post(format!("{}/{path}", self.url)).json(body);
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        anyhow::ensure!(
            answer.status().is_success() || matches!(status, 404 | 409),
            "the simulator answered {status}: {}",
            answer.text().await.unwrap_or_default()
        );
        Ok(())
    }
}
