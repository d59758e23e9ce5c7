//! Runs a lab host for each running container of the simulated cluster.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::Context as _;
use tokio::fs;

use crate::{
    addresses::SITE,
    host::{HostConfig, HostRole, RunningHost, VethLink, parse_ip},
    server,
    simulator::{Control, SimulatedContainer},
};

/// The delay before the simulator is polled again after an error.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// The running containers by VMID.
pub struct Containers {
    control: Control,
    switch: u32,
    /// The directory with the PID file of each host.
    pid_files: PathBuf,
    running: BTreeMap<u32, Container>,
}

struct Container {
    /// The simulator's PID of the container, which differs after each start.
    start: u32,
    name: String,
    host: RunningHost,
}

impl Containers {
    /// Creates the set without any container. Containers are connected to the bridges of the host
    /// `switch`.
    pub fn new(control: Control, switch: u32, pid_files: PathBuf) -> Self {
        Self {
            control,
            switch,
            pid_files,
            running: BTreeMap::new(),
        }
    }

    /// Polls the simulator and reconciles the hosts until the future is dropped.
    pub async fn run(mut self) {
        let mut version = None;
        loop {
            match self.control.poll_containers(version).await {
                Ok(list) => {
                    version = Some(list.version);
                    if let Err(error) = self.reconcile(list.containers).await {
                        print_error(&error);
                    }
                }
                Err(error) => {
                    print_error(&error.context("following the simulator"));
                    tokio::time::sleep(RETRY_DELAY).await;
                }
            }
        }
    }

    async fn reconcile(&mut self, containers: Vec<SimulatedContainer>) -> anyhow::Result<()> {
        let starts: BTreeMap<u32, u32> = containers
            .iter()
            .filter_map(|container| Some((container.vmid, container.pid?)))
            .collect();
        let is_stopped =
            |(vmid, container): &(&u32, &Container)| starts.get(vmid) != Some(&container.start);
        let stopped: Vec<u32> = self
            .running
            .iter()
            .filter(is_stopped)
            .map(|(vmid, _)| *vmid)
            .collect();
        for vmid in stopped {
            if let Some(container) = self.running.remove(&vmid) {
                let _ = fs::remove_file(self.pid_files.join(&container.name)).await;
                container.host.stop().await;
            }
        }
        for container in containers {
            if let Some(start) = container.pid
                && !self.running.contains_key(&container.vmid)
            {
                let name = container.hostname.clone();
                let started = self.start(&container, start).await;
                started.with_context(|| format!("container {name}"))?;
            }
        }
        Ok(())
    }

    async fn start(&mut self, container: &SimulatedContainer, start: u32) -> anyhow::Result<()> {
        let net0 = container.options.get("net0").map_or("", String::as_str);
        let fields: BTreeMap<&str, &str> = net0
            .split(',')
            .filter_map(|field| field.split_once('='))
            .collect();
        let mac = fields.get("hwaddr").context("no MAC address")?.to_string();
        let environment = container.options.get("env").map_or("", String::as_str);
        let host_config = HostConfig {
            name: container.hostname.clone(),
            role: HostRole::Container {
                ip: parse_ip(&fields),
                servers: server::servers_for(
                    container.template_or_image.as_deref().unwrap_or_default(),
                    environment,
                ),
            },
        };
        let link = VethLink {
            switch: self.switch,
            bridge: SITE,
            port: format!("ct{}", container.vmid),
            name: "eth0",
            mac: Some(mac.clone()),
        };
        let mut host = RunningHost::start(&host_config, &[link]).await?;
        if let Some(mut lines) = host.lines() {
            let (control, vmid) = (self.control.clone(), container.vmid);
            tokio::spawn(async move {
                while let Ok(Some(line)) = lines.next_line().await {
                    let addresses: Vec<String> = serde_json::from_str(&line).unwrap_or_default();
                    if let Err(error) = control.report_addresses(vmid, &mac, &addresses).await {
                        print_error(&error);
                    }
                }
            });
        }
        fs::write(self.pid_files.join(&host_config.name), host.pid.to_string()).await?;
        let running = Container {
            start,
            name: host_config.name,
            host,
        };
        self.running.insert(container.vmid, running);
        Ok(())
    }
}

fn print_error(error: &anyhow::Error) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "holdfast-lab: {error:#}");
}
