//! The manager: the product's own program, with a certificate that the lab makes for it.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context as _, bail};
use rcgen::{CertificateParams, KeyPair};
use tokio::{
    fs,
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};

use crate::addresses::{LAB, MANAGER};

/// How long a program of the product may take to start.
pub const START: Duration = Duration::from_secs(60);

/// A manager that runs.
pub struct Manager {
    /// Its address.
    pub url: String,
    /// The first administrator's name.
    pub name: String,
    /// The first administrator's password.
    pub password: String,
    /// Ends with this.
    _process: Child,
}

impl Manager {
    /// Starts it in a folder that has a certificate for it: see [`certify`].
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(program: &Path, folder: &Path, port: u16) -> anyhow::Result<Self> {
        let url = format!("https://{MANAGER}:{port}");
        let place = folder.display();
        let settings = format!(
            "listen = \"0.0.0.0:{port}\"\npublic_url = \"{url}\"\ndata = \"{place}/data\"\n\
             tls_cert = \"{place}/certificate.pem\"\ntls_key = \"{place}/key.pem\"\ndemo = false\n"
        );
        let file = folder.join("holdfast.toml");
        fs::write(&file, settings).await?;
        let mut command = Command::new(program);
        command.args(["serve".as_ref(), "--config".as_ref(), file.as_os_str()]);
        let (process, said) = start(&mut command, "Password:")
            .await
            .context("the manager")?;
        let word = |name: &str| {
            let found = said.iter().find_map(|line| line.strip_prefix(name));
            found
                .map(|word| word.trim().to_owned())
                .context("the manager said too little")
        };
        Ok(Self {
            url,
            name: word("Administrator:")?,
            password: word("Password:")?,
            _process: process,
        })
    }
}

/// Makes a certificate and its key for all that answers in the lab itself: `certificate.pem` and
/// `key.pem`.
///
/// # Errors
/// When it cannot be made.
pub async fn certify(folder: &Path) -> anyhow::Result<()> {
    let names = [MANAGER, "localhost", "127.0.0.1", LAB].map(str::to_owned);
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(names)?.self_signed(&key)?;
    fs::write(folder.join("certificate.pem"), certificate.pem()).await?;
    fs::write(folder.join("key.pem"), key.serialize_pem()).await?;
    Ok(())
}

/// Starts a program of the product, alone with its arguments, and waits for a line that begins so;
/// all lines until then. What it writes to its log is shown when `LAB_LOG` is set.
///
/// # Errors
/// When it ends before, or takes too long.
pub async fn start(command: &mut Command, last: &str) -> anyhow::Result<(Child, Vec<String>)> {
    let log = match std::env::var_os("LAB_LOG") {
        Some(_) => Stdio::inherit(),
        None => Stdio::null(),
    };
    // No settings of whoever runs the lab.
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true);
    let mut process = command.spawn()?;
    let output = process.stdout.take().context("it has no output")?;
    let mut lines = BufReader::new(output).lines();
    let mut said = Vec::new();
    let waiting = async {
        while let Some(line) = lines.next_line().await? {
            let is_last = line.starts_with(last);
            said.push(line);
            if is_last {
                return Ok(());
            }
        }
        bail!("it ended before it was ready; with LAB_LOG=1 its log is shown")
    };
    timeout(START, waiting)
        .await
        .context("it does not start")??;
    // The rest is read too, so that it never waits for its reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok((process, said))
}
