//! Certificate authorities: one pebble for HTTP-01 challenges and one for DNS-01 challenges. The
//! second rejects half of all valid nonces and delays validation, as pebble does by default.

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;
use tokio::{fs, process::Child};

use crate::{
    addresses::{EDGE_OUTSIDE, LAB, NAME_SERVER},
    program,
};

/// The validity in seconds of certificates of the HTTP-01 CA, so short that tests observe a
/// renewal.
const SHORT_VALIDITY_S: u32 = 75;
/// The DNS server of the HTTP-01 CA. It resolves all names to the edge host.
const DNS_SERVER: &str = "192.0.2.1:8053";

/// The running CAs. They end when this is dropped.
pub struct Authorities {
    /// The CA that validates by HTTP-01.
    pub by_http: Authority,
    /// The CA that validates by DNS-01.
    pub by_dns: Authority,
    _challenge_server: Child,
}

/// A running CA.
pub struct Authority {
    /// The URL of its ACME directory.
    pub directory: String,
    /// The URL of its management API, which serves its root certificates within the lab's own
    /// namespaces.
    pub control: String,
    _process: Child,
}

/// The configuration of a CA.
struct AuthorityConfig {
    name: &'static str,
    port: u16,
    dns_server: String,
    validity_s: Option<u32>,
    environment: &'static [&'static str],
}

impl Authorities {
    /// Starts the CAs in a directory that contains their server certificate and its key.
    ///
    /// # Errors
    /// If a program does not start.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let challenge_server = program::start(
            folder,
            &[
                "pebble-challtestsrv",
                "-management",
                "127.0.0.1:8055",
                "-dns01",
                DNS_SERVER,
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
        let by_http = AuthorityConfig {
            name: "by-http",
            port: 14000,
            dns_server: DNS_SERVER.to_owned(),
            validity_s: Some(SHORT_VALIDITY_S),
            environment: &["PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0"],
        };
        let by_dns = AuthorityConfig {
            name: "by-dns",
            port: 14001,
            dns_server: format!("{NAME_SERVER}:53"),
            validity_s: None,
            environment: &["PEBBLE_VA_SLEEPTIME=2", "PEBBLE_WFE_NONCEREJECT=50"],
        };
        Ok(Self {
            by_http: by_http.start(folder).await?,
            by_dns: by_dns.start(folder).await?,
            _challenge_server: challenge_server,
        })
    }
}

impl AuthorityConfig {
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
            // Zero means pebble's default.
            "certificateValidityPeriod": self.validity_s.unwrap_or_default(),
        });
        let file = folder.join(format!("{}.json", self.name));
        fs::write(&file, json!({ "pebble": settings }).to_string()).await?;
        let file = file.to_str().context("the directory's name is not UTF-8")?;
        let mut line = vec!["env"];
        line.extend(self.environment);
        line.extend(["pebble", "-config", file, "-dnsserver", &self.dns_server]);
        Ok(Authority {
            directory: format!("https://{LAB}:{}/dir", self.port),
            control: format!("https://127.0.0.1:{management}"),
            _process: program::start(folder, &line)?,
        })
    }
}
