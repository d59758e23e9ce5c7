//! Name servers of the public network: a recursive server for all hosts, and an authoritative
//! server that accepts signed dynamic updates (RFC 2136).

use std::path::Path;

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{fs, process::Child};

use crate::{
    addresses::{EDGE_OUTSIDE, LAB, NAME_SERVER, PUBLIC, ZONE},
    program,
};

/// The name of the TSIG key for dynamic updates.
pub const KEY: &str = "holdfast-lab";

/// The running name servers. They end when this is dropped.
pub struct NameServers {
    /// The TSIG key in base64.
    pub key: String,
    _authoritative: Child,
    _recursive: Child,
}

impl NameServers {
    /// Starts the servers. Their files are created in the directory.
    ///
    /// # Errors
    /// If a server does not start.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let key = STANDARD.encode(rand::random::<[u8; 32]>());
        Ok(Self {
            _authoritative: start_authoritative(folder, &key).await?,
            _recursive: start_recursive(folder)?,
            key,
        })
    }
}

/// Starts the recursive server. Its cache is disabled so that record changes are visible
/// immediately.
fn start_recursive(folder: &Path) -> anyhow::Result<Child> {
    let listen = format!("--listen-address={LAB}");
    let public = format!("--address=/{PUBLIC}/{EDGE_OUTSIDE}");
    let zone = format!("--server=/{ZONE}/{NAME_SERVER}");
    program::start(
        folder,
        &[
            "dnsmasq",
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--pid-file=/run/names.pid",
            "--user=root",
            "--bind-interfaces",
            "--no-resolv",
            "--no-hosts",
            "--cache-size=0",
            &listen,
            &public,
            &zone,
        ],
    )
}

/// Starts the authoritative server of [`ZONE`].
async fn start_authoritative(lab: &Path, key: &str) -> anyhow::Result<Child> {
    let folder = lab.join("zone");
    fs::create_dir(&folder).await?;
    let path = folder.display();
    let settings = format!(
        "options {{\n\
         directory \"{path}\";\n\
         listen-on {{ {NAME_SERVER}; }};\n\
         listen-on-v6 {{ none; }};\n\
         pid-file none;\n\
         session-keyfile none;\n\
         recursion no;\n\
         dnssec-validation no;\n\
         }};\n\
         controls {{}};\n\
         key \"{KEY}\" {{ algorithm hmac-sha256; secret \"{key}\"; }};\n\
         zone \"{ZONE}\" {{\n\
         type primary;\n\
         file \"{ZONE}.zone\";\n\
         update-policy {{ grant {KEY} zonesub ANY; }};\n\
         }};\n"
    );
    let records = format!(
        "$TTL 60\n\
         @ SOA ns.{ZONE}. admin.{ZONE}. 1 3600 600 86400 5\n\
         @ NS ns.{ZONE}.\n\
         ns A {NAME_SERVER}\n"
    );
    let file = folder.join("named.conf");
    fs::write(&file, settings).await?;
    fs::write(folder.join(format!("{ZONE}.zone")), records).await?;
    let file = file.to_str().context("the directory's name is not UTF-8")?;
    program::start(lab, &["named", "-f", "-c", file])
}
