//! Names of the world outside: a server that everybody there asks, and the server of a zone that
//! takes signed changes (RFC 2136), as a provider of DNS would.

use std::path::Path;

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{fs, process::Child};

use crate::{
    addresses::{EDGE_OUTSIDE, LAB, NAME_SERVER, PUBLIC, ZONE},
    program,
};

/// The key's name, by which changes are signed.
pub const KEY: &str = "holdfast-lab";

/// Servers of names that run.
pub struct Names {
    /// The key's value, in base64.
    pub key: String,
    _zone: Child,
    _all: Child,
}

impl Names {
    /// Starts them in a folder.
    ///
    /// # Errors
    /// When one does not start.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let key = STANDARD.encode(rand::random::<[u8; 32]>());
        Ok(Self {
            _zone: zone(folder, &key).await?,
            _all: all(folder)?,
            key,
        })
    }
}

/// Whom everybody asks. What Holdfast changes is not kept here, so that it is seen at once.
fn all(folder: &Path) -> anyhow::Result<Child> {
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

async fn zone(lab: &Path, key: &str) -> anyhow::Result<Child> {
    let folder = lab.join("zone");
    fs::create_dir(&folder).await?;
    let place = folder.display();
    let settings = format!(
        "options {{\n\
         directory \"{place}\";\n\
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
    let file = file.to_str().context("the folder's name is not UTF-8")?;
    program::start(lab, &["named", "-f", "-c", file])
}
