//! Hosts of the lab. [`RunningHost`] controls a host from outside its namespaces; [`run`] is the
//! host itself.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, time::Duration};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{sleep, timeout},
};

use crate::{
    addresses::{EDGE, EDGE_OUTSIDE, LAB, NETWORK, PREFIX},
    files, program, server,
    server::ServerKind,
};

/// The timeout for the creation of namespaces.
const NAMESPACE_TIMEOUT: Duration = Duration::from_secs(20);
/// The delay before a program that exited is restarted.
const RESTART_DELAY: Duration = Duration::from_millis(500);

/// A veth pair between a host and a bridge.
#[derive(Clone, Debug)]
pub struct VethLink {
    /// The PID of the first process of the host that has the bridges.
    pub switch: u32,
    /// The bridge.
    pub bridge: &'static str,
    /// The name of the bridge port; at most 15 bytes.
    pub port: String,
    /// The name of the interface within the host.
    pub name: &'static str,
    /// The MAC address of the interface; the kernel assigns one if this is `None`.
    pub mac: Option<String>,
}

/// The configuration of a host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostConfig {
    /// The hostname.
    pub name: String,
    /// What the host runs.
    pub role: HostRole,
}

/// What a host runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum HostRole {
    /// An edge host. The agent runs once the host has joined.
    Edge {
        /// The path of `holdfast-agent`.
        agent: PathBuf,
    },
    /// A host with bridges, to which other hosts are connected.
    Switch,
    /// A host in the site's network that runs nothing.
    Client,
    /// A container with an IP configuration and servers.
    Container {
        /// The IP configuration.
        ip: Ip,
        /// The servers.
        servers: Vec<ServerKind>,
    },
}

/// The IP configuration of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ip {
    /// By DHCP.
    Dhcp,
    /// A fixed address with its prefix length, and the default gateway.
    Fixed(String, Option<String>),
    /// No address.
    None,
}

/// A running host. It ends when this is dropped.
pub struct RunningHost {
    unshare: Child,
    links: Vec<VethLink>,
    /// The host's standard input, kept open while the host runs.
    stdin: ChildStdin,
    /// The host's standard output, until [`Self::lines`] takes it.
    stdout: Option<ChildStdout>,
    /// The PID of its first process.
    pub pid: u32,
}

impl RunningHost {
    /// Starts a host and connects it to bridges.
    ///
    /// # Errors
    /// If the namespaces or interfaces cannot be created.
    pub async fn start(config: &HostConfig, links: &[VethLink]) -> anyhow::Result<Self> {
        let mut command = Command::new("unshare");
        command
            .args(["--net", "--mount", "--uts", "--pid", "--fork"])
            .args(["--kill-child", "--mount-proc"])
            .arg(std::env::current_exe()?)
            .args(["host", &config.name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut unshare = command.spawn().context("unshare")?;
        let stdin = unshare.stdin.take().context("no standard input")?;
        let stdout = unshare.stdout.take();
        let parent = unshare.id().context("unshare exited")?;
        let pid = timeout(NAMESPACE_TIMEOUT, first_child(parent))
            .await
            .context("namespaces were not created in time")?;
        let mut running = Self {
            unshare,
            links: Vec::new(),
            stdin,
            stdout,
            pid,
        };
        for link in links {
            running.connect(link).await?;
        }
        let mut line = serde_json::to_vec(config)?;
        line.push(b'\n');
        running.stdin.write_all(&line).await?;
        Ok(running)
    }

    async fn connect(&mut self, link: &VethLink) -> anyhow::Result<()> {
        let VethLink {
            switch,
            bridge,
            port,
            name,
            mac,
        } = link;
        let mac = mac
            .as_ref()
            .map_or_else(String::new, |mac| format!(" address {mac}"));
        let pid = self.pid;
        program::run_all(&[
            on_switch(
                *switch,
                &format!("ip link add {port} type veth peer name {name}{mac} netns {pid}"),
            ),
            on_switch(*switch, &format!("ip link set {port} master {bridge} up")),
        ])
        .await?;
        self.links.push(link.clone());
        Ok(())
    }

    /// Takes the lines of the standard output. Returns `None` if they were taken before.
    pub fn lines(&mut self) -> Option<tokio::io::Lines<BufReader<ChildStdout>>> {
        Some(BufReader::new(self.stdout.take()?).lines())
    }

    /// Kills all processes of the host and deletes its interfaces.
    pub async fn stop(mut self) {
        let _ = self.unshare.kill().await;
        let commands: Vec<String> = self
            .links
            .iter()
            .map(|link| on_switch(link.switch, &format!("ip link delete {}", link.port)))
            .collect();
        // The kernel may already have deleted them with the host's network namespace.
        let _ = program::run_all(&commands).await;
    }
}

/// Returns a command line that runs in the network namespace of the host that has the bridges.
pub fn on_switch(switch: u32, line: &str) -> String {
    format!("nsenter --net --target {switch} {line}")
}

/// Waits for the first process in the new namespaces and returns its PID.
async fn first_child(parent: u32) -> u32 {
    let path = format!("/proc/{parent}/task/{parent}/children");
    loop {
        let children = tokio::fs::read_to_string(&path).await.unwrap_or_default();
        let first = children.split_ascii_whitespace().next();
        if let Some(pid) = first.and_then(|pid| pid.parse().ok()) {
            return pid;
        }
        sleep(Duration::from_millis(2)).await;
    }
}

/// Runs a host within its namespaces.
///
/// # Errors
/// If the host cannot be set up, or a program that it depends on exits.
pub async fn run(config: HostConfig) -> anyhow::Result<std::process::ExitCode> {
    files::isolate().await?;
    program::run(&["hostname", &config.name]).await?;
    match config.role {
        HostRole::Edge { agent } => run_edge(agent).await,
        HostRole::Switch => std::future::pending().await,
        HostRole::Client => {
            program::run(&["ip", "link", "set", "eth0", "up"]).await?;
            std::future::pending().await
        }
        HostRole::Container { ip, servers } => run_container(config.name, ip, servers).await,
    }
}

/// Sets up the two interfaces and runs the agent like a service manager: it starts once the host
/// has joined and is restarted when it exits.
async fn run_edge(agent: PathBuf) -> anyhow::Result<std::process::ExitCode> {
    program::run_all(&[
        "sysctl -q net.ipv4.ip_forward=1".to_owned(),
        format!("ip address add {EDGE_OUTSIDE}/24 dev eth0"),
        format!("ip address add {EDGE}/{PREFIX} dev eth1"),
        "ip link set eth0 up".to_owned(),
        "ip link set eth1 up".to_owned(),
        format!("ip route add default via {LAB}"),
    ])
    .await?;
    tokio::fs::write("/etc/resolv.conf", format!("nameserver {LAB}\n")).await?;
    let settings = "/var/lib/holdfast-agent/agent.toml";
    loop {
        if tokio::fs::try_exists(settings).await.unwrap_or(false) {
            let log = open_log("holdfast-agent")?;
            let mut command = Command::new(&agent);
            command
                .arg("run")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log);
            command.status().await.context("the agent")?;
        }
        sleep(RESTART_DELAY).await;
    }
}

/// Opens the log file of a program.
fn open_log(program: &str) -> anyhow::Result<std::fs::File> {
    let path = format!("/var/log/{program}.log");
    let mut options = std::fs::File::options();
    options.append(true).create(true).open(&path).context(path)
}

async fn run_container(
    name: String,
    ip: Ip,
    servers: Vec<ServerKind>,
) -> anyhow::Result<std::process::ExitCode> {
    for server in servers {
        let name = name.clone();
        tokio::spawn(async move {
            if let Err(error) = server::run(name, server).await {
                print_error(&format!("{server:?}: {error}"));
            }
        });
    }
    let addresses = report_addresses();
    let configuration = async {
        program::run(&["ip", "link", "set", "eth0", "up"]).await?;
        match ip {
            Ip::Dhcp => {
                let mut client = Command::new("dhclient");
                let log = open_log("dhclient")?;
                client
                    .args(["-4", "-d", "eth0"])
                    .stdout(log.try_clone()?)
                    .stderr(log);
                let mut client = client.stdin(Stdio::null()).kill_on_drop(true).spawn()?;
                let status = client.wait().await?;
                anyhow::bail!("dhclient exited: {status}")
            }
            Ip::Fixed(address, gateway) => {
                program::run(&["ip", "address", "add", &address, "dev", "eth0"]).await?;
                if let Some(gateway) = gateway {
                    program::run(&["ip", "route", "add", "default", "via", &gateway]).await?;
                }
            }
            Ip::None => {}
        }
        std::future::pending::<anyhow::Result<()>>().await
    };
    tokio::select! {
        result = addresses => result?,
        result = configuration => result?,
    }
    Ok(std::process::ExitCode::SUCCESS)
}

fn print_error(message: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{message}");
}

#[derive(Deserialize)]
struct Link {
    addr_info: Vec<Address>,
}

#[derive(Deserialize)]
struct Address {
    local: String,
    prefixlen: u8,
}

/// Writes the addresses of eth0 to the standard output as a line of JSON, first at the start and
/// then after each change that the kernel reports.
async fn report_addresses() -> anyhow::Result<()> {
    let mut command = Command::new("ip");
    command.args(["monitor", "address"]).stdin(Stdio::null());
    let mut monitor = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let output = monitor.stdout.take().context("no output")?;
    let mut changes = BufReader::new(output).lines();
    let mut reported = None;
    loop {
        let now = list_addresses().await?;
        if reported.as_ref() != Some(&now) {
            let mut line = serde_json::to_vec(&now)?;
            line.push(b'\n');
            let mut out = tokio::io::stdout();
            out.write_all(&line).await?;
            out.flush().await?;
            reported = Some(now);
        }
        changes.next_line().await?.context("`ip monitor` exited")?;
    }
}

async fn list_addresses() -> anyhow::Result<Vec<String>> {
    let mut command = Command::new("ip");
    command.args(["-json", "address", "show", "dev", "eth0"]);
    let output = command.stdin(Stdio::null()).output().await?;
    let links: Vec<Link> = serde_json::from_slice(&output.stdout)?;
    let all = links.into_iter().flat_map(|link| link.addr_info);
    Ok(all
        .map(|address| format!("{}/{}", address.local, address.prefixlen))
        .collect())
}

/// Returns the IP configuration from the fields of a container's `net0` option.
pub fn parse_ip(fields: &BTreeMap<&str, &str>) -> Ip {
    match fields.get("ip").copied() {
        Some("dhcp") => Ip::Dhcp,
        None | Some("manual") => Ip::None,
        Some(fixed) => Ip::Fixed(fixed.to_owned(), fields.get("gw").map(ToString::to_string)),
    }
}

/// Returns the command that adds the route from the public network to the site's network.
pub fn route_to_site() -> String {
    format!("ip route add {NETWORK} via {EDGE_OUTSIDE}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_configuration_is_parsed() {
        let parse =
            |text: &str| parse_ip(&text.split(',').filter_map(|p| p.split_once('=')).collect());
        assert_eq!(parse("name=eth0,bridge=vmbr0,ip=dhcp"), Ip::Dhcp);
        let fixed = parse("name=eth0,ip=10.20.0.21/16,gw=10.20.0.1");
        let gateway = Some("10.20.0.1".to_owned());
        assert_eq!(fixed, Ip::Fixed("10.20.0.21/16".to_owned(), gateway));
        assert_eq!(parse("name=eth0,ip=manual"), Ip::None);
        assert_eq!(parse("name=eth0"), Ip::None);
    }
}
