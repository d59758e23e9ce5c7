//! The lab's process in the namespaces of the machine. It creates the lab's namespaces and relays a
//! local port to the manager.

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

use crate::{Options, lab::LabConfig, program::exit_code, relay};

/// The arguments of `unshare` for the lab's namespaces.
const UNSHARE_ARGUMENTS: [&str; 6] = [
    "--net",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
];
/// The programs that the lab requires, with their Debian packages.
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

/// The timeout for an orderly shutdown of the lab.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);

/// The directories of system programs, some of which are not in the `PATH` of an unprivileged user.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Runs the lab and returns its exit code.
///
/// # Errors
/// If a prerequisite is missing or the lab cannot be started.
pub fn run(options: Options) -> anyhow::Result<ExitCode> {
    check()?;
    let path = path();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run_lab(options, &path))
}

fn path() -> String {
    match std::env::var("PATH") {
        Ok(own) => format!("{own}:{SYSTEM_PATH}"),
        Err(_) => SYSTEM_PATH.to_owned(),
    }
}

/// Checks that a lab can run on this machine.
///
/// # Errors
/// The first prerequisite that is missing.
pub fn check() -> anyhow::Result<()> {
    let path = path();
    ensure!(
        rustix::process::geteuid().is_root(),
        "the lab creates networks and namespaces; run it as root"
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
    // Some containers permit namespaces but no bridges or mounts.
    let script = "ip link add lab0 type bridge && ip link add lab1 type veth peer name lab2 && mount -t tmpfs lab /run";
    let output = std::process::Command::new("unshare")
        .env("PATH", &path)
        .args(UNSHARE_ARGUMENTS)
        .args(["sh", "-c", script])
        .stdin(Stdio::null())
        .output()?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        bail!(
            "network and mount namespaces are not allowed here: {}",
            message.trim()
        );
    }
    Ok(())
}

async fn run_lab(options: Options, path: &str) -> anyhow::Result<ExitCode> {
    let folder = tempfile::Builder::new().prefix("holdfast-lab-").tempdir()?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700))?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let bound = Bound::bind(address).with_context(|| address.to_string())?;
    bound.set_nonblocking(true)?;
    let config = LabConfig {
        holdfastd: resolve_program(&options.holdfastd)?,
        agent: resolve_program(&options.agent)?,
        folder: folder.path().to_owned(),
        port: bound.local_addr()?.port(),
        pull: options.pull,
        stay: options.stay,
        program: options.program,
    };
    let listener = TcpListener::from_std(bound)?;
    tokio::spawn(relay::tcp_to_unix(listener, config.socket()));

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut command = Command::new("unshare");
    command
        .env("PATH", path)
        .args(UNSHARE_ARGUMENTS)
        .arg(std::env::current_exe()?)
        .arg("inside")
        .stdin(Stdio::piped())
        .kill_on_drop(true);
    let mut lab = command.spawn().context("unshare")?;
    // The lab shuts down at the end of its standard input, which also ends with this process.
    let mut input = lab.stdin.take().context("no standard input")?;
    let mut line = serde_json::to_vec(&config)?;
    line.push(b'\n');
    input.write_all(&line).await?;
    let exited = tokio::select! {
        status = lab.wait() => Some(status?),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
    };
    drop(input);
    let status = match exited {
        Some(status) => status,
        // A lab that does not shut down in time is killed.
        None => match tokio::time::timeout(SHUTDOWN_TIMEOUT, lab.wait()).await {
            Ok(status) => status?,
            Err(_) => {
                lab.kill().await?;
                return Ok(ExitCode::FAILURE);
            }
        },
    };
    Ok(exit_code(status))
}

fn resolve_program(path: &Path) -> anyhow::Result<PathBuf> {
    path.canonicalize()
        .with_context(|| path.display().to_string())
}
