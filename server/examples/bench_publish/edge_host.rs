//! The edge host of the benchmark: the current namespaces with the agent, and clients of nginx.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, ensure};
use axum::Router;
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpListener,
    process::{Child, Command},
};

/// The ports of every container; each responds with its port number.
pub const BACKENDS: [u16; 2] = [8080, 8081];

/// A veth pair with one end in the site's network; the containers' addresses are local.
const NETWORK: &str = "ip link add eth1 type veth peer name eth2 && ip link set eth1 up && \
    ip link set eth2 up && ip address add 10.20.0.1/16 dev eth1 && \
    ip route add local 10.20.1.0/24 dev lo && mount -t tmpfs log /var/log && mkdir /var/log/nginx";

/// Starts the backends of all containers.
pub async fn start_backends() -> anyhow::Result<()> {
    let status = Command::new("sh").args(["-c", NETWORK]).status().await?;
    ensure!(
        status.success(),
        "network setup failed: run as root in separate namespaces"
    );
    for port in BACKENDS {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
        let app = Router::new().fallback(move || async move { port.to_string() });
        tokio::spawn(async move { axum::serve(listener, app).await });
    }
    Ok(())
}

/// A joined edge host.
pub struct EdgeHost {
    _agent: Child,
}

impl EdgeHost {
    /// Joins and starts the agent. Its files are on a real disk, as on a real host.
    pub async fn join(agent: &Path, folder: &Path, token: &str) -> anyhow::Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        // nginx workers read error pages there.
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
        let agent_folder = folder.join("agent");
        let command = |subcommand: &str| {
            let mut command = Command::new(agent);
            command
                .arg("--directory")
                .arg(&agent_folder)
                .arg(subcommand);
            command.stdin(Stdio::null()).kill_on_drop(true);
            command
        };
        let mut join = command("join");
        join.args(["--interface", "eth1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let mut join = join.spawn()?;
        let mut input = join.stdin.take().context("no input")?;
        input.write_all(token.as_bytes()).await?;
        drop(input);
        ensure!(join.wait().await?.success(), "the agent did not join");
        let mut run = command("run");
        let log = std::fs::File::create("/var/log/holdfast-agent.log")?;
        let run = run.stderr(log).spawn()?;
        Ok(Self { _agent: run })
    }
}

/// An external client.
pub struct Client(reqwest::Client);

impl Client {
    /// Resolves these names to the edge host. Accepts the site's self-signed certificates.
    pub fn new(hosts: &[String]) -> anyhow::Result<Self> {
        // Fails if a default provider is already installed, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let edge = SocketAddr::from((Ipv4Addr::new(10, 20, 0, 1), 443));
        let builder = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .tls_danger_accept_invalid_certs(true)
            // An idle connection would stay with old nginx workers.
            .pool_max_idle_per_host(0);
        let builder = hosts
            .iter()
            .fold(builder, |builder, host| builder.resolve(host, edge));
        Ok(Self(builder.build()?))
    }

    /// The port of the backend that serves a host name.
    pub async fn backend(&self, host: &str) -> Option<u16> {
        let response = self.0.get(format!("https://{host}/")).send().await.ok()?;
        let response = response.error_for_status().ok()?;
        response.text().await.ok()?.parse().ok()
    }
}
