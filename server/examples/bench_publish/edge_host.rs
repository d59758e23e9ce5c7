//! The edge host of the measurement: this set of namespaces itself, with the agent's program, and
//! those who ask nginx.

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

/// The ports on which every container answers with the port's number.
pub const BACKENDS: [u16; 2] = [8080, 8081];

/// A cable whose one end is in the site's network; the containers' addresses are this host's own.
const NETWORK: &str = "ip link add eth1 type veth peer name eth2 && ip link set eth1 up && \
    ip link set eth2 up && ip address add 10.20.0.1/16 dev eth1 && \
    ip route add local 10.20.1.0/24 dev lo && mount -t tmpfs log /var/log && mkdir /var/log/nginx";

/// Answers on the ports of all containers.
pub async fn be_backends() -> anyhow::Result<()> {
    let made = Command::new("sh").args(["-c", NETWORK]).status().await?;
    ensure!(
        made.success(),
        "no network: it needs namespaces of its own, as root"
    );
    for port in BACKENDS {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
        let app = Router::new().fallback(move || async move { port.to_string() });
        tokio::spawn(async move { axum::serve(listener, app).await });
    }
    Ok(())
}

/// An edge host that has joined.
pub struct EdgeHost {
    _agent: Child,
}

impl EdgeHost {
    /// Has the host join and serve. Its files are on a real disk, as they are on a real host.
    pub async fn join(agent: &Path, folder: &Path, code: &str) -> anyhow::Result<Self> {
        use std::os::unix::fs::PermissionsExt as _;
        // Workers of nginx read pages of errors there.
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?;
        let own = folder.join("agent");
        let command = |word: &str| {
            let mut command = Command::new(agent);
            command.arg("--folder").arg(&own).arg(word);
            command.stdin(Stdio::null()).kill_on_drop(true);
            command
        };
        let mut join = command("join");
        join.args(["--interface", "eth1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let mut join = join.spawn()?;
        let mut input = join.stdin.take().context("no input")?;
        input.write_all(code.as_bytes()).await?;
        drop(input);
        ensure!(join.wait().await?.success(), "the agent did not join");
        let mut run = command("run");
        let log = std::fs::File::create("/var/log/holdfast-agent.log")?;
        let run = run.stderr(log).spawn()?;
        Ok(Self { _agent: run })
    }
}

/// Somebody outside.
pub struct Client(reqwest::Client);

impl Client {
    /// Finds these names at the edge host. The site signs its certificates itself.
    pub fn new(hosts: &[String]) -> anyhow::Result<Self> {
        // Somebody else in the process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let edge = SocketAddr::from((Ipv4Addr::new(10, 20, 0, 1), 443));
        let builder = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .tls_danger_accept_invalid_certs(true)
            // A connection that is kept stays with the workers that nginx had before.
            .pool_max_idle_per_host(0);
        let builder = hosts
            .iter()
            .fold(builder, |builder, host| builder.resolve(host, edge));
        Ok(Self(builder.build()?))
    }

    /// The port of the backend that answers for a name.
    pub async fn backend(&self, host: &str) -> Option<u16> {
        let answer = self.0.get(format!("https://{host}/")).send().await.ok()?;
        let answer = answer.error_for_status().ok()?;
        answer.text().await.ok()?.parse().ok()
    }
}
