//! A host of the lab: started from outside its namespaces, at work within.

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
    server::Serves,
};

/// How long a set of namespaces may take to be there.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long to wait before a program that ended is started again.
const AGAIN: Duration = Duration::from_millis(500);

/// A plug of a host: which bridge its other end is in, and what it is called there.
#[derive(Clone, Debug)]
pub struct Plug {
    /// Where the bridges are: the first process of the host that has them.
    pub switch: u32,
    /// The bridge.
    pub bridge: &'static str,
    /// The name of the end in the bridge; at most 15 letters.
    pub end: String,
    /// The name within the host.
    pub name: &'static str,
    /// Its hardware address, unless any will do.
    pub mac: Option<String>,
}

/// What a host is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Guest {
    /// Its host name.
    pub name: String,
    /// What it does.
    pub work: Work,
}

/// What a host does.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Work {
    /// Publishes, as soon as somebody had it join.
    Edge {
        /// The agent's program.
        agent: PathBuf,
    },
    /// Nothing by itself; other hosts are plugged into its bridges.
    Switch,
    /// Nothing by itself; it is plugged in.
    Client,
    /// Has an address and serves.
    Container {
        /// How it comes by its address.
        ip: Ip,
        /// What it serves.
        serves: Vec<Serves>,
    },
}

/// How a container comes by its address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ip {
    /// It asks for it.
    Dhcp,
    /// It has this one, with its prefix length, and this way out.
    Fixed(String, Option<String>),
    /// It has none.
    None,
}

/// A host that runs.
pub struct Running {
    unshare: Child,
    plugs: Vec<Plug>,
    /// Held, for the host ends with it.
    _told: ChildStdin,
    /// What it says.
    said: Option<ChildStdout>,
    /// Its first process.
    pub pid: u32,
}

impl Running {
    /// Starts a host and plugs it in.
    ///
    /// # Errors
    /// When namespaces cannot be had.
    pub async fn start(guest: &Guest, plugs: &[Plug]) -> anyhow::Result<Self> {
        let mut command = Command::new("unshare");
        command
            .args(["--net", "--mount", "--uts", "--pid", "--fork"])
            .args(["--kill-child", "--mount-proc"])
            .arg(std::env::current_exe()?)
            .args(["guest", &guest.name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut unshare = command.spawn().context("unshare")?;
        let told = unshare.stdin.take().context("no way to tell it")?;
        let said = unshare.stdout.take();
        let parent = unshare.id().context("it ended")?;
        let pid = timeout(PATIENCE, first_child(parent))
            .await
            .context("no namespaces")?;
        let mut running = Self {
            unshare,
            plugs: Vec::new(),
            _told: told,
            said,
            pid,
        };
        for plug in plugs {
            running.plug(plug).await?;
        }
        let mut line = serde_json::to_vec(guest)?;
        line.push(b'\n');
        running._told.write_all(&line).await?;
        Ok(running)
    }

    async fn plug(&mut self, plug: &Plug) -> anyhow::Result<()> {
        let Plug {
            switch,
            bridge,
            end,
            name,
            mac,
        } = plug;
        let mac = mac
            .as_ref()
            .map_or_else(String::new, |mac| format!(" address {mac}"));
        let pid = self.pid;
        program::run_all(&[
            on_switch(
                *switch,
                &format!("ip link add {end} type veth peer name {name}{mac} netns {pid}"),
            ),
            on_switch(*switch, &format!("ip link set {end} master {bridge} up")),
        ])
        .await?;
        self.plugs.push(plug.clone());
        Ok(())
    }

    /// The lines that it says from now on; none when somebody reads them already.
    pub fn lines(&mut self) -> Option<tokio::io::Lines<BufReader<ChildStdout>>> {
        Some(BufReader::new(self.said.take()?).lines())
    }

    /// Ends whatever runs there, and pulls its plugs.
    pub async fn stop(mut self) {
        let _ = self.unshare.kill().await;
        let ends = self.plugs.iter();
        let pulled: Vec<String> = ends
            .map(|plug| on_switch(plug.switch, &format!("ip link delete {}", plug.end)))
            .collect();
        // They may have gone by themselves, with the host.
        let _ = program::run_all(&pulled).await;
    }
}

/// A command line in the network of the host that has the bridges.
pub fn on_switch(switch: u32, line: &str) -> String {
    format!("nsenter --net --target {switch} {line}")
}

/// The first process within namespaces that were asked for.
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

/// The host itself, within its namespaces.
///
/// # Errors
/// When it cannot be what it is to be.
pub async fn run(guest: Guest) -> anyhow::Result<std::process::ExitCode> {
    files::own().await?;
    program::run(&["hostname", &guest.name]).await?;
    match guest.work {
        Work::Edge { agent } => edge(agent).await,
        Work::Switch => std::future::pending().await,
        Work::Client => {
            program::run(&["ip", "link", "set", "eth0", "up"]).await?;
            std::future::pending().await
        }
        Work::Container { ip, serves } => container(guest.name, ip, serves).await,
    }
}

/// Two plugs, and an agent that runs as a service manager would have it: once the host has joined,
/// and again when it ends.
async fn edge(agent: PathBuf) -> anyhow::Result<std::process::ExitCode> {
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
            let log = log("holdfast-agent")?;
            let mut command = Command::new(&agent);
            command
                .arg("run")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(log);
            command.status().await.context("the agent")?;
        }
        sleep(AGAIN).await;
    }
}

/// Where a program's words go.
fn log(program: &str) -> anyhow::Result<std::fs::File> {
    let path = format!("/var/log/{program}.log");
    let mut options = std::fs::File::options();
    options.append(true).create(true).open(&path).context(path)
}

async fn container(
    name: String,
    ip: Ip,
    serves: Vec<Serves>,
) -> anyhow::Result<std::process::ExitCode> {
    for each in serves {
        let name = name.clone();
        tokio::spawn(async move {
            if let Err(error) = server::run(name, each).await {
                report(&format!("{each:?}: {error}"));
            }
        });
    }
    let telling = tell_addresses();
    let asking = async {
        program::run(&["ip", "link", "set", "eth0", "up"]).await?;
        match ip {
            Ip::Dhcp => {
                let mut client = Command::new("dhclient");
                let log = log("dhclient")?;
                client
                    .args(["-4", "-d", "eth0"])
                    .stdout(log.try_clone()?)
                    .stderr(log);
                let mut client = client.stdin(Stdio::null()).kill_on_drop(true).spawn()?;
                let ended = client.wait().await?;
                anyhow::bail!("the DHCP client ended: {ended}")
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
        told = telling => told?,
        asked = asking => asked?,
    }
    Ok(std::process::ExitCode::SUCCESS)
}

fn report(words: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "{words}");
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

/// Says which addresses there are, whenever the kernel tells that something changed: a line of JSON
/// on the standard output.
async fn tell_addresses() -> anyhow::Result<()> {
    let mut command = Command::new("ip");
    command.args(["monitor", "address"]).stdin(Stdio::null());
    let mut monitor = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let output = monitor.stdout.take().context("no output")?;
    let mut changes = BufReader::new(output).lines();
    let mut told = None;
    loop {
        let now = addresses().await?;
        if told.as_ref() != Some(&now) {
            let mut line = serde_json::to_vec(&now)?;
            line.push(b'\n');
            let mut out = tokio::io::stdout();
            out.write_all(&line).await?;
            out.flush().await?;
            told = Some(now);
        }
        changes.next_line().await?.context("`ip monitor` ended")?;
    }
}

async fn addresses() -> anyhow::Result<Vec<String>> {
    let mut command = Command::new("ip");
    command.args(["-json", "address", "show", "dev", "eth0"]);
    let output = command.stdin(Stdio::null()).output().await?;
    let links: Vec<Link> = serde_json::from_slice(&output.stdout)?;
    let all = links.into_iter().flat_map(|link| link.addr_info);
    Ok(all
        .map(|found| format!("{}/{}", found.local, found.prefixlen))
        .collect())
}

/// How `net0` of a container says that it comes by its address.
pub fn ip_of(parts: &BTreeMap<&str, &str>) -> Ip {
    match parts.get("ip").copied() {
        Some("dhcp") => Ip::Dhcp,
        None | Some("manual") => Ip::None,
        Some(fixed) => Ip::Fixed(fixed.to_owned(), parts.get("gw").map(ToString::to_string)),
    }
}

/// The way from outside to the site's network leads through the edge host.
pub fn route_to_site() -> String {
    format!("ip route add {NETWORK} via {EDGE_OUTSIDE}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_configuration_is_parsed() {
        let of = |text: &str| ip_of(&text.split(',').filter_map(|p| p.split_once('=')).collect());
        assert_eq!(of("name=eth0,bridge=vmbr0,ip=dhcp"), Ip::Dhcp);
        let fixed = of("name=eth0,ip=10.20.0.21/16,gw=10.20.0.1");
        let gateway = Some("10.20.0.1".to_owned());
        assert_eq!(fixed, Ip::Fixed("10.20.0.21/16".to_owned(), gateway));
        assert_eq!(of("name=eth0,ip=manual"), Ip::None);
        assert_eq!(of("name=eth0"), Ip::None);
    }
}
