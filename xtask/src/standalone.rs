//! Checks that the release binary is self-contained: a copy in an empty directory, started with an
//! empty environment, must serve the first page and all its assets.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::mode::Mode;
use crate::report::Report;
use crate::workspace::Workspace;

const START_WITHIN: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
struct Manifest {
    files: Vec<File>,
    names: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct File {
    path: String,
    #[serde(rename = "type")]
    media_type: String,
    immutable: bool,
    encodings: Vec<String>,
}

/// Kills the server process on drop.
struct ServerProcess(Child);

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Errors are ignored: the process may have exited already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the release build and requests its health, its first page and every asset.
///
/// # Errors
/// If the program does not start or a response is wrong.
pub fn check(workspace: &Workspace, binary: &Path, report: &mut Report) -> anyhow::Result<()> {
    let manifest: Manifest = serde_json::from_slice(&std::fs::read(
        workspace.web_assets(Mode::Release).join("manifest.json"),
    )?)?;
    let folder = tempfile::tempdir()?;
    let copy = folder.path().join("holdfastd");
    std::fs::copy(binary, &copy)?;

    let address = free_address()?;
    let mut server = ServerProcess(start(&copy, folder.path(), &address)?);
    // The server redirects other hostnames to `localhost`.
    let origin = format!("http://{}", address.replace("127.0.0.1", "localhost"));
    wait_until_healthy(&mut server, &origin, folder.path())?;
    let (page, _) = get(&format!("{origin}/"), "text/html", "identity")?;
    let page = String::from_utf8_lossy(&page);
    for name in ["holdfast.js", "holdfast.wasm", "holdfast.css"] {
        let path = manifest
            .names
            .get(name)
            .with_context(|| format!("the web assets have no {name}"))?;
        ensure!(
            page.contains(path.as_str()),
            "the first page does not load {path}"
        );
    }
    for file in &manifest.files {
        check_asset(&origin, file)?;
    }
    report.tests += 1;
    report.note = Some(format!(
        "{} files served from the binary",
        manifest.files.len()
    ));
    Ok(())
}

/// An address with a port that is currently free.
fn free_address() -> anyhow::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

fn start(binary: &Path, folder: &Path, address: &str) -> anyhow::Result<Child> {
    let log = std::fs::File::create(folder.join("output"))?;
    Command::new(binary)
        .args(["serve", "--listen", address])
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("{} could not start", binary.display()))
}

#[expect(clippy::disallowed_methods, reason = "xtask has no async code")]
fn wait_until_healthy(
    server: &mut ServerProcess,
    origin: &str,
    folder: &Path,
) -> anyhow::Result<()> {
    let deadline = Instant::now() + START_WITHIN;
    loop {
        let response = get(&format!("{origin}/healthz"), "", "identity");
        let Err(error) = response else { return Ok(()) };
        let ended = server.0.try_wait()?;
        if ended.is_some() || Instant::now() > deadline {
            let output = std::fs::read_to_string(folder.join("output")).unwrap_or_default();
            let how = ended.map_or("is not healthy".to_owned(), |status| {
                format!("ended ({status})")
            });
            bail!("started alone, the binary {how}: {error:#}\nIts output:\n{output}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn check_asset(origin: &str, file: &File) -> anyhow::Result<()> {
    let url = format!("{origin}{}", file.path);
    let (bytes, response) = get(&url, &file.media_type, "gzip, br")?;
    ensure!(!bytes.is_empty(), "{url} is empty");
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let caching = header("cache-control");
    ensure!(
        caching.contains("immutable") == file.immutable,
        "{url}: Cache-Control is `{caching}`, and immutable should be {}",
        file.immutable
    );
    let encoding = header("content-encoding");
    let expected = file.encodings.first().map_or("", String::as_str);
    ensure!(
        encoding == expected,
        "{url}: Content-Encoding is `{encoding}` and not `{expected}`"
    );
    Ok(())
}

type Response = ureq::http::Response<ureq::Body>;

/// Sends a GET request like a browser and follows redirects. Any status other than 200 and any
/// other media type is an error.
fn get(url: &str, media_type: &str, encodings: &str) -> anyhow::Result<(Vec<u8>, Response)> {
    let mut response = ureq::get(url)
        .header("accept", "text/html,*/*")
        .header("accept-encoding", encodings)
        .config()
        .timeout_global(Some(Duration::from_secs(10)))
        .build()
        .call()
        .with_context(|| url.to_owned())?;
    ensure!(
        response.status() == 200,
        "{url} returned {}",
        response.status()
    );
    let content_type = response
        .headers()
        .get("content-type")
        .and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default();
    ensure!(
        content_type.starts_with(media_type),
        "{url}: Content-Type is `{content_type}`, not `{media_type}`"
    );
    let bytes = response
        .body_mut()
        .with_config()
        .limit(100 << 20)
        .read_to_vec()?;
    Ok((bytes, response))
}
