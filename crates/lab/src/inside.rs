//! The lab within its namespaces: networks, programs and hosts, and what is run in it.

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
    guest::{self, Guest, Plug, Running, Work, on_switch},
    loopback,
    manager::{self, Manager},
    names::{self, Names},
    program, relay,
    simulator::Simulator,
};

/// What the lab is to be.
#[derive(Serialize, Deserialize)]
pub struct Plan {
    /// The program `holdfast`.
    pub holdfast: PathBuf,
    /// The program `holdfast-agent`.
    pub agent: PathBuf,
    /// A folder that outlives the namespaces.
    pub folder: PathBuf,
    /// The manager's port.
    pub port: u16,
    /// How many seconds the pull of an image takes.
    pub pull: u64,
    /// Whether to stay when the program has ended well.
    pub stay: bool,
    /// What uses the lab.
    pub program: Vec<String>,
}

impl Plan {
    /// Where the manager is reached from outside the namespaces: a path is the same everywhere.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("manager")
    }
}

/// The machine's files, but for what is written: see [`crate::files`] for hosts.
const OWN: &str = "mount -t tmpfs run /run && cp -a /etc /run/etc && mount --bind /run/etc /etc";

/// Builds the lab, and runs what uses it, or waits until it is told to stop.
///
/// # Errors
/// When it cannot be built.
pub async fn run(plan: Plan) -> anyhow::Result<ExitCode> {
    let told = tokio::select! {
        built = lab(&plan) => return built,
        told = until_told() => told,
    };
    told.map(|()| ExitCode::SUCCESS)
}

/// A signal, or the end of whoever started this.
async fn until_told() -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut nothing = [0];
    let mut input = tokio::io::stdin();
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = input.read(&mut nothing) => {}
    }
    Ok(())
}

async fn lab(plan: &Plan) -> anyhow::Result<ExitCode> {
    program::run(&["sh", "-c", OWN]).await?;
    let hosts = format!("127.0.0.1 localhost {MANAGER}\n");
    fs::write("/etc/hosts", hosts).await?;
    let switch = switch().await?;
    fs::write("/etc/resolv.conf", format!("nameserver {LAB}\n")).await?;
    let names = Names::start(&plan.folder).await?;
    manager::certify(&plan.folder).await?;
    let authorities = Authorities::start(&plan.folder).await?;
    let simulator = Simulator::start(&plan.holdfast, &plan.folder, plan.pull).await?;
    let manager = Manager::start(&plan.holdfast, &plan.folder, plan.port).await?;
    let listener = UnixListener::bind(plan.socket())?;
    tokio::spawn(relay::unix_to_tcp(listener, plan.port));

    let hosts = plan.folder.join("hosts");
    fs::create_dir(&hosts).await?;
    let _edge = edge(&plan.agent, switch.pid, &hosts).await?;
    let _client = client(switch.pid, &hosts).await?;
    let containers = Containers::new(simulator.control.clone(), switch.pid, hosts);
    let _following = tokio::spawn(containers.follow());

    if !plan.program.is_empty() {
        let mut command = loopback::command(&plan.socket(), plan.port, &plan.program)?;
        let public = Public {
            names: &names,
            authorities: &authorities,
        };
        public.tell(&mut command, plan);
        let status = told(&mut command, plan, &simulator, &manager)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await
            .context("unshare")?;
        if !plan.stay || !status.success() {
            return Ok(program::exit_code(status));
        }
    }
    welcome(&simulator, &manager, &authorities)?;
    std::future::pending().await
}

/// A host with two bridges, and a cable from here to the outer one.
async fn switch() -> anyhow::Result<Running> {
    let guest = Guest {
        name: "switch".to_owned(),
        work: Work::Switch,
    };
    let switch = Running::start(&guest, &[]).await?;
    let there = |line: &str| on_switch(switch.pid, line);
    program::run_all(&[
        there(&format!("ip link add {OUTSIDE} type bridge")),
        there(&format!("ip link add {SITE} type bridge")),
        there(&format!("ip link set {OUTSIDE} up")),
        there(&format!("ip link set {SITE} up")),
        format!(
            "ip link add eth0 type veth peer name lab netns {}",
            switch.pid
        ),
        there(&format!("ip link set lab master {OUTSIDE} up")),
        "ip link set lo up".to_owned(),
        format!("ip address add {LAB}/24 dev eth0"),
        format!("ip address add {NAME_SERVER}/24 dev eth0"),
        "ip link set eth0 up".to_owned(),
        guest::route_to_site(),
    ])
    .await?;
    Ok(switch)
}

async fn edge(agent: &Path, switch: u32, hosts: &Path) -> anyhow::Result<Running> {
    let plug = |bridge, end: &str, name| Plug {
        switch,
        bridge,
        end: end.to_owned(),
        name,
        mac: None,
    };
    let plugs = [
        plug(OUTSIDE, "edge-out", "eth0"),
        plug(SITE, "edge-in", "eth1"),
    ];
    start(
        "edge",
        Work::Edge {
            agent: agent.to_owned(),
        },
        &plugs,
        hosts,
    )
    .await
}

async fn client(switch: u32, hosts: &Path) -> anyhow::Result<Running> {
    let plug = Plug {
        switch,
        bridge: SITE,
        end: "client".into(),
        name: "eth0",
        mac: None,
    };
    start("client", Work::Client, &[plug], hosts).await
}

async fn start(name: &str, work: Work, plugs: &[Plug], hosts: &Path) -> anyhow::Result<Running> {
    let guest = Guest {
        name: name.to_owned(),
        work,
    };
    let running = Running::start(&guest, plugs).await?;
    fs::write(hosts.join(name), running.pid.to_string()).await?;
    Ok(running)
}

/// What a program that uses the lab is told about it. The names do not begin with HOLDFAST_, which
/// the product's programs would refuse to inherit.
fn told<'a>(
    command: &'a mut Command,
    plan: &Plan,
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
        .env("LAB_HOSTS", plan.folder.join("hosts"))
        .env("LAB_AGENT", &plan.agent)
        .env("NODE_EXTRA_CA_CERTS", plan.folder.join("certificate.pem"))
}

/// Who gives names and certificates in the world outside.
struct Public<'a> {
    names: &'a Names,
    authorities: &'a Authorities,
}

impl Public<'_> {
    fn tell(&self, command: &mut Command, plan: &Plan) {
        let (by_http, by_dns) = (&self.authorities.by_http, &self.authorities.by_dns);
        command
            .env("LAB_AUTHORITY_BY_HTTP", &by_http.directory)
            .env("LAB_AUTHORITY_BY_HTTP_CONTROL", &by_http.control)
            .env("LAB_AUTHORITY_BY_DNS", &by_dns.directory)
            .env("LAB_AUTHORITY_BY_DNS_CONTROL", &by_dns.control)
            .env("LAB_AUTHORITY_ROOTS", plan.folder.join("certificate.pem"))
            .env("LAB_NAME_SERVER", NAME_SERVER)
            .env("LAB_NAME_SERVER_KEY_NAME", names::KEY)
            .env("LAB_NAME_SERVER_KEY", &self.names.key);
    }
}

/// Tells the person at the console where to go.
fn welcome(
    simulator: &Simulator,
    manager: &Manager,
    authorities: &Authorities,
) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "Holdfast is at {} (its certificate is the lab's own)",
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
        "Authorities: {} (asks by HTTP), {} (by DNS)",
        authorities.by_http.directory, authorities.by_dns.directory
    )?;
    writeln!(
        out,
        "A shell in the edge host; for the client or a container, its name instead:"
    )?;
    writeln!(
        out,
        "  sudo nsenter --all --target $(pgrep --newest --full 'holdfast-lab guest edge$')"
    )?;
    writeln!(out, "Ctrl-C ends everything.")?;
    Ok(out.flush()?)
}
