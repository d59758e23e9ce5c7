//! The lab's outermost process, which alone is on the machine itself: it asks for namespaces, and
//! lets people's browsers in.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener as Bound},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpListener,
    process::Command,
    signal::unix::{SignalKind, signal},
};

use crate::{Options, inside::Plan, program::exit_code, relay};

/// Its namespaces, for `unshare`.
const NAMESPACES: [&str; 6] = [
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
];
/// What the lab runs, with the packages of Debian that have it.
const PROGRAMS: [(&str, &str); 12] = [
    ("unshare", "util-linux"),
    ("ip", "iproute2"),
    ("sysctl", "procps"),
    ("hostname", "hostname"),
    ("nginx", "nginx and libnginx-mod-stream"),
    ("dnsmasq", "dnsmasq-base"),
    ("dhclient", "isc-dhcp-client"),
    ("dig", "bind9-dnsutils"),
    ("curl", "curl"),
    ("named", "bind9"),
    ("pebble", "pebble"),
    ("pebble-challtestsrv", "pebble"),
];

/// How long the lab may take to end in order.
const END_WITHIN: Duration = Duration::from_secs(15);

/// Where the system's own programs are, which are not on everybody's PATH.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Builds the lab and ends with it.
///
/// # Errors
/// When a prerequisite is not met, or the lab could not be built.
pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    check()?;
    let path = path();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(lab(options, &path))
}

fn path() -> String {
    match std::env::var("PATH") {
        Ok(own) => format!("{own}:{PATH}"),
        Err(_) => PATH.to_owned(),
    }
}

/// Whether a lab can be built here.
///
/// # Errors
/// Why not.
pub fn check() -> anyhow::Result<()> {
    let path = path();
    ensure!(
        rustix::process::geteuid().is_root(),
        "the lab makes networks and namespaces, which only root may; run it as root"
    );
    let missing: Vec<String> = PROGRAMS
        .iter()
        .filter(|(name, _)| {
            !path
                .split(':')
                .any(|folder| Path::new(folder).join(name).exists())
        })
        .map(|(name, package)| format!("{name} (Debian's package {package})"))
        .collect();
    ensure!(
        missing.is_empty(),
        "these programs are missing: {}",
        missing.join(", ")
    );
    // Whether bridges and mounts are allowed too, as in some containers they are not.
    let script = "ip link add lab0 type bridge && ip link add lab1 type veth peer name lab2 && mount -t tmpfs lab /run";
    let tried = std::process::Command::new("unshare")
        .env("PATH", &path)
        .args(NAMESPACES)
        .args(["sh", "-c", script])
        .stdin(Stdio::null())
        .output()?;
    if !tried.status.success() {
        let words = String::from_utf8_lossy(&tried.stderr);
        bail!(
            "namespaces with networks and mounts of their own are not allowed here: {}",
            words.trim()
        );
    }
    Ok(())
}

async fn lab(options: Options, path: &str) -> anyhow::Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("holdfast-lab-").tempdir()?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700))?;
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let bound = Bound::bind(here).with_context(|| format!("{here}"))?;
    bound.set_nonblocking(true)?;
    let plan = Plan {
        holdfast: program(&options.holdfast)?,
        agent: program(&options.agent)?,
        folder: folder.path().to_owned(),
        port: bound.local_addr()?.port(),
        pull: options.pull,
        stay: options.stay,
        program: options.program,
    };
    let listener = TcpListener::from_std(bound)?;
    tokio::spawn(relay::tcp_to_unix(listener, plan.socket()));

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut within = Command::new("unshare");
    within
        .env("PATH", path)
        .args(NAMESPACES)
        .arg(std::env::current_exe()?)
        .arg("inside")
        .stdin(Stdio::piped())
        .kill_on_drop(true);
    let mut within = within.spawn().context("unshare")?;
    // Held: the lab ends in order at the end of its input, which comes when this process ends too.
    let mut input = within.stdin.take().context("no way to tell the lab")?;
    let mut line = serde_json::to_vec(&plan)?;
    line.push(b'\n');
    input.write_all(&line).await?;
    let ended = tokio::select! {
        status = within.wait() => Some(status?),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    };
    drop(input);
    let status = match ended {
        Some(status) => status,
        // What does not end in order is ended.
        None => match tokio::time::timeout(END_WITHIN, within.wait()).await {
            Ok(status) => status?,
            Err(_) => {
                within.kill().await?;
                return Ok(ExitCode::FAILURE);
            }
        },
    };
    Ok(exit_code(status))
}

fn program(path: &Path) -> anyhow::Result<PathBuf> {
    path.canonicalize()
        .with_context(|| path.display().to_string())
}
