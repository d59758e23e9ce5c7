//! Runs the manager with a self-signed certificate of the lab.

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

/// The timeout for the start of a Holdfast program.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running manager. It ends when this is dropped.
pub struct Manager {
    /// The manager's URL.
    pub url: String,
    /// The first administrator's name.
    pub name: String,
    /// The first administrator's password.
    pub password: String,
    _process: Child,
}

impl Manager {
    /// Starts the manager in a directory that contains its certificate: see [`write_certificate`].
    ///
    /// # Errors
    /// If the manager does not start.
    pub async fn start(program: &Path, folder: &Path, port: u16) -> anyhow::Result<Self> {
        let url = format!("https://{MANAGER}:{port}");
        let path = folder.display();
        let settings = format!(
            "listen = \"0.0.0.0:{port}\"\npublic_url = \"{url}\"\ndata = \"{path}/data\"\n\
             tls_cert = \"{path}/certificate.pem\"\ntls_key = \"{path}/key.pem\"\ndemo = false\n"
        );
        let file = folder.join("holdfast.toml");
        fs::write(&file, settings).await?;
        let mut command = Command::new(program);
        command.args(["serve".as_ref(), "--config".as_ref(), file.as_os_str()]);
        let (process, output) = start(&mut command, "Password:")
            .await
            .context("the manager")?;
        let value = |name: &str| {
            let value = output.iter().find_map(|line| line.strip_prefix(name));
            value
                .map(|value| value.trim().to_owned())
                .with_context(|| format!("no `{name}` in the output of the manager"))
        };
        Ok(Self {
            url,
            name: value("Administrator:")?,
            password: value("Password:")?,
            _process: process,
        })
    }
}

/// Writes a self-signed certificate for the manager and the CAs: `certificate.pem` and `key.pem`.
///
/// # Errors
/// If the files cannot be written.
pub async fn write_certificate(folder: &Path) -> anyhow::Result<()> {
    let names = [MANAGER, "localhost", "127.0.0.1", LAB].map(str::to_owned);
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(names)?.self_signed(&key)?;
    fs::write(folder.join("certificate.pem"), certificate.pem()).await?;
    fs::write(folder.join("key.pem"), key.serialize_pem()).await?;
    Ok(())
}

/// Starts a Holdfast program and waits until it prints a line with the prefix `last`. Returns all
/// lines up to that line. Its log is inherited if `LAB_LOG` is set, and otherwise discarded.
///
/// # Errors
/// If the program exits or times out before it prints the line.
pub async fn start(command: &mut Command, last: &str) -> anyhow::Result<(Child, Vec<String>)> {
    let log = match std::env::var_os("LAB_LOG") {
        Some(_) => Stdio::inherit(),
        None => Stdio::null(),
    };
    // The environment of the lab's user must not change the program's settings.
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true);
    let mut process = command.spawn()?;
    let output = process.stdout.take().context("no standard output")?;
    let mut lines = BufReader::new(output).lines();
    let mut printed = Vec::new();
    let waiting = async {
        while let Some(line) = lines.next_line().await? {
            let is_last = line.starts_with(last);
            printed.push(line);
            if is_last {
                return Ok(());
            }
        }
        bail!("exited before it was ready; set LAB_LOG=1 to see its log")
    };
    timeout(START_TIMEOUT, waiting)
        .await
        .context("timed out during start")??;
    // The rest of the output is read so that the program never blocks on a full pipe.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Ok((process, printed))
}
