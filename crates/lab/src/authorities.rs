//! The authorities that give certificates: pebble, once for those whose names lead to the edge host,
//! and once for those who can change the public zone. The second refuses half of all good nonces and
//! takes its time, as pebble does by default.

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;
use tokio::{fs, process::Child};

use crate::{
    addresses::{EDGE_OUTSIDE, LAB, NAME_SERVER},
    program,
};

/// How many seconds a certificate of the first is good: it is renewed while one watches.
const SHORT_LIFE: u32 = 75;
/// Where the first asks for names: all lead to the edge host.
const NAMES: &str = "192.0.2.1:8053";

/// Authorities that run, and where their directories are.
pub struct Authorities {
    /// The one that asks by HTTP.
    pub by_http: Authority,
    /// The one that asks by DNS.
    pub by_dns: Authority,
    _names: Child,
}

/// One of them.
pub struct Authority {
    /// Its directory.
    pub directory: String,
    /// Where its own roots are told, to whoever is in the lab itself.
    pub control: String,
    _process: Child,
}

/// What tells one from another.
struct Kind {
    name: &'static str,
    port: u16,
    names: String,
    life: Option<u32>,
    environment: &'static [&'static str],
}

impl Authorities {
    /// Starts them in a folder that has a certificate and its key for them.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let names = program::start(
            folder,
            &[
                "pebble-challtestsrv",
                "-management",
                "127.0.0.1:8055",
                "-dns01",
                NAMES,
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
                "-defaultIPv4",
                EDGE_OUTSIDE,
                "-defaultIPv6",
                "",
            ],
        )?;
        let by_http = Kind {
            name: "by-http",
            port: 14000,
            names: NAMES.to_owned(),
            life: Some(SHORT_LIFE),
            environment: &["PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0"],
        };
        let by_dns = Kind {
            name: "by-dns",
            port: 14001,
            names: format!("{NAME_SERVER}:53"),
            life: None,
            environment: &["PEBBLE_VA_SLEEPTIME=2", "PEBBLE_WFE_NONCEREJECT=50"],
        };
        Ok(Self {
            by_http: by_http.start(folder).await?,
            by_dns: by_dns.start(folder).await?,
            _names: names,
        })
    }
}

impl Kind {
    async fn start(&self, folder: &Path) -> anyhow::Result<Authority> {
        let management = self.port + 1000;
        let settings = json!({
            "listenAddress": format!("{LAB}:{}", self.port),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": folder.join("certificate.pem"),
            "privateKey": folder.join("key.pem"),
            "httpPort": 80,
            "tlsPort": 443,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
            // Zero is as long as usual.
            "certificateValidityPeriod": self.life.unwrap_or_default(),
        });
        let file = folder.join(format!("{}.json", self.name));
        fs::write(&file, json!({ "pebble": settings }).to_string()).await?;
        let file = file.to_str().context("the folder's name is not UTF-8")?;
        let mut line = vec!["env"];
        line.extend(self.environment);
        line.extend(["pebble", "-config", file, "-dnsserver", &self.names]);
        Ok(Authority {
            directory: format!("https://{LAB}:{}/dir", self.port),
            control: format!("https://127.0.0.1:{management}"),
            _process: program::start(folder, &line)?,
        })
    }
}
