//! The lab within its namespaces: starts networks, programs and hosts, and runs the program that
//! uses them.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::{fs, io::AsyncReadExt as _, net::UnixListener, process::Command};

use crate::{
    addresses::{LAB, MANAGER, NAME_SERVER, OUTSIDE, SITE},
    authorities::Authorities,
    containers::Containers,
    host::{self, HostConfig, HostRole, RunningHost, VethLink, on_switch},
    loopback,
    manager::{self, Manager},
    name_servers::{self, NameServers},
    program, relay,
    simulator::Simulator,
};

/// The configuration of the lab.
#[derive(Serialize, Deserialize)]
pub struct LabConfig {
    /// The path of `holdfastd`.
    pub holdfastd: PathBuf,
    /// The path of `holdfast-agent`.
    pub agent: PathBuf,
    /// The lab's directory, which is removed after the namespaces.
    pub folder: PathBuf,
    /// The manager's port.
    pub port: u16,
    /// The duration of an image pull in seconds.
    pub pull: u64,
    /// Whether the lab keeps running after the program succeeded.
    pub stay: bool,
    /// The program that uses the lab, with its arguments; empty for an interactive lab.
    pub program: Vec<String>,
}

impl LabConfig {
    /// The Unix socket of the manager. Other network namespaces can connect to it by its path.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("manager")
    }
}

/// Mounts an empty /run and a writable copy of /etc. Hosts get more private mounts: see
/// [`crate::files`].
const MOUNT_SCRIPT: &str =
    "mount -t tmpfs run /run && cp -a /etc /run/etc && mount --bind /run/etc /etc";

/// Starts the lab and runs the program that uses it, or waits for a stop request.
///
/// # Errors
/// If the lab cannot be started.
pub async fn run(config: LabConfig) -> anyhow::Result<ExitCode> {
    let stopped = tokio::select! {
        result = run_lab(&config) => return result,
        stopped = wait_for_stop() => stopped,
    };
    stopped.map(|()| ExitCode::SUCCESS)
}

/// Waits for SIGINT, SIGTERM, or the end of the standard input, which ends with the parent process.
async fn wait_for_stop() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut buffer = [0];
    let mut input = tokio::io::stdin();
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = input.read(&mut buffer) => {}
    }
    Ok(())
}

async fn run_lab(config: &LabConfig) -> anyhow::Result<ExitCode> {
    program::run(&["sh", "-c", MOUNT_SCRIPT]).await?;
    let hosts = format!("127.0.0.1 localhost {MANAGER}\n");
    fs::write("/etc/hosts", hosts).await?;
    let switch = start_switch().await?;
    fs::write("/etc/resolv.conf", format!("nameserver {LAB}\n")).await?;
    let name_servers = NameServers::start(&config.folder).await?;
    manager::write_certificate(&config.folder).await?;
    let authorities = Authorities::start(&config.folder).await?;
    let simulator = Simulator::start(&config.holdfastd, &config.folder, config.pull).await?;
    let manager = Manager::start(&config.holdfastd, &config.folder, config.port).await?;
    let listener = UnixListener::bind(config.socket())?;
    tokio::spawn(relay::unix_to_tcp(listener, config.port));

    let pid_files = config.folder.join("hosts");
    fs::create_dir(&pid_files).await?;
    let _edge = start_edge(&config.agent, switch.pid, &pid_files).await?;
    let _client = start_client(switch.pid, &pid_files).await?;
    let containers = Containers::new(simulator.control.clone(), switch.pid, pid_files);
    let _reconciler = tokio::spawn(containers.run());

    if !config.program.is_empty() {
        let mut command = loopback::command(&config.socket(), config.port, &config.program)?;
        set_public_environment(&mut command, config, &name_servers, &authorities);
        let status = set_environment(&mut command, config, &simulator, &manager)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await
            .context("unshare")?;
        if !config.stay || !status.success() {
            return Ok(program::exit_code(status));
        }
    }
    print_access(&simulator, &manager, &authorities)?;
    std::future::pending().await
}

/// Starts the host with the two bridges, and connects the lab itself to the public one.
async fn start_switch() -> anyhow::Result<RunningHost> {
    let config = HostConfig {
        name: "switch".to_owned(),
        role: HostRole::Switch,
    };
    let switch = RunningHost::start(&config, &[]).await?;
    let on_bridges = |line: &str| on_switch(switch.pid, line);
    program::run_all(&[
        on_bridges(&format!("ip link add {OUTSIDE} type bridge")),
        on_bridges(&format!("ip link add {SITE} type bridge")),
        on_bridges(&format!("ip link set {OUTSIDE} up")),
        on_bridges(&format!("ip link set {SITE} up")),
        format!(
            "ip link add eth0 type veth peer name lab netns {}",
            switch.pid
        ),
        on_bridges(&format!("ip link set lab master {OUTSIDE} up")),
        "ip link set lo up".to_owned(),
        format!("ip address add {LAB}/24 dev eth0"),
        format!("ip address add {NAME_SERVER}/24 dev eth0"),
        "ip link set eth0 up".to_owned(),
        host::route_to_site(),
    ])
    .await?;
    Ok(switch)
}

async fn start_edge(agent: &Path, switch: u32, pid_files: &Path) -> anyhow::Result<RunningHost> {
    let link = |bridge, port: &str, name| VethLink {
        switch,
        bridge,
        port: port.to_owned(),
        name,
        mac: None,
    };
    let links = [
        link(OUTSIDE, "edge-out", "eth0"),
        link(SITE, "edge-in", "eth1"),
    ];
    start_host(
        "edge",
        HostRole::Edge {
            agent: agent.to_owned(),
        },
        &links,
        pid_files,
    )
    .await
}

async fn start_client(switch: u32, pid_files: &Path) -> anyhow::Result<RunningHost> {
    let link = VethLink {
        switch,
        bridge: SITE,
        port: "client".into(),
        name: "eth0",
        mac: None,
    };
    start_host("client", HostRole::Client, &[link], pid_files).await
}

/// Starts a host and writes its PID file.
async fn start_host(
    name: &str,
    role: HostRole,
    links: &[VethLink],
    pid_files: &Path,
) -> anyhow::Result<RunningHost> {
    let config = HostConfig {
        name: name.to_owned(),
        role,
    };
    let running = RunningHost::start(&config, links).await?;
    fs::write(pid_files.join(name), running.pid.to_string()).await?;
    Ok(running)
}

/// Sets the environment of the program that uses the lab. The names do not begin with HOLDFAST_,
/// because the product's programs reject unknown variables with that prefix.
fn set_environment<'a>(
    command: &'a mut Command,
    config: &LabConfig,
    simulator: &Simulator,
    manager: &Manager,
) -> &'a mut Command {
    command
        .env("LAB_URL", &manager.url)
        .env("LAB_NAME", &manager.name)
        .env("LAB_PASSWORD", &manager.password)
        .env("LAB_SIMULATOR", &simulator.url)
        .env("LAB_SIMULATOR_PASSWORD", &simulator.password)
        .env("LAB_SIMULATOR_CONTROL", &simulator.control.url)
        .env("LAB_FINGERPRINT", &simulator.fingerprint)
        .env("LAB_HOSTS", config.folder.join("hosts"))
        .env("LAB_AGENT", &config.agent)
        .env("NODE_EXTRA_CA_CERTS", config.folder.join("certificate.pem"))
}

/// Sets the variables that describe the CAs and the authoritative name server.
fn set_public_environment(
    command: &mut Command,
    config: &LabConfig,
    name_servers: &NameServers,
    authorities: &Authorities,
) {
    let (by_http, by_dns) = (&authorities.by_http, &authorities.by_dns);
    command
        .env("LAB_AUTHORITY_BY_HTTP", &by_http.directory)
        .env("LAB_AUTHORITY_BY_HTTP_CONTROL", &by_http.control)
        .env("LAB_AUTHORITY_BY_DNS", &by_dns.directory)
        .env("LAB_AUTHORITY_BY_DNS_CONTROL", &by_dns.control)
        .env("LAB_AUTHORITY_ROOTS", config.folder.join("certificate.pem"))
        .env("LAB_NAME_SERVER", NAME_SERVER)
        .env("LAB_NAME_SERVER_KEY_NAME", name_servers::KEY)
        .env("LAB_NAME_SERVER_KEY", &name_servers.key);
}

/// Prints URLs and credentials for the user of an interactive lab.
fn print_access(
    simulator: &Simulator,
    manager: &Manager,
    authorities: &Authorities,
) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "Holdfast is at {} (self-signed certificate of the lab)",
        manager.url
    )?;
    writeln!(out, "Administrator: {}", manager.name)?;
    writeln!(out, "Password: {}", manager.password)?;
    writeln!(
        out,
        "The simulated cluster: {}, root@pam, {}",
        simulator.url, simulator.password
    )?;
    writeln!(out, "Its certificate: {}", simulator.fingerprint)?;
    writeln!(
        out,
        "CAs: {} (HTTP-01), {} (DNS-01)",
        authorities.by_http.directory, authorities.by_dns.directory
    )?;
    writeln!(
        out,
        "To open a shell in the edge host (for the client or a container, replace the name):"
    )?;
    writeln!(
        out,
        "  sudo nsenter --all --target $(pgrep --newest --full 'holdfast-lab host edge$')"
    )?;
    writeln!(out, "Press Ctrl-C to stop the lab.")?;
    Ok(out.flush()?)
}
