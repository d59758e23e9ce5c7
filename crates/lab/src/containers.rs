//! The containers of the simulated cluster, as hosts: each start and end there is one here.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::Context as _;
use tokio::fs;

use crate::{
    addresses::SITE,
    guest::{Guest, Plug, Running, Work, ip_of},
    server,
    simulator::{Control, Told},
};

/// How long to wait before the simulator is asked again when it did not answer.
const AGAIN: Duration = Duration::from_millis(500);

/// The containers that run, by their number.
pub struct Containers {
    control: Control,
    switch: u32,
    /// Where the first process of each host is written down.
    hosts: PathBuf,
    running: BTreeMap<u32, Container>,
}

struct Container {
    /// The simulator's number of this start.
    start: u32,
    name: String,
    host: Running,
}

impl Containers {
    /// None yet. They will be plugged into the bridges of that host.
    pub fn new(control: Control, switch: u32, hosts: PathBuf) -> Self {
        Self {
            control,
            switch,
            hosts,
            running: BTreeMap::new(),
        }
    }

    /// Follows the simulator, for as long as it is let.
    pub async fn follow(mut self) {
        let mut version = None;
        loop {
            match self.control.after(version).await {
                Ok(moment) => {
                    version = Some(moment.version);
                    if let Err(error) = self.become_like(moment.containers).await {
                        report(&error);
                    }
                }
                Err(error) => {
                    report(&error.context("following the simulator"));
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }

    async fn become_like(&mut self, told: Vec<Told>) -> anyhow::Result<()> {
        let starts: BTreeMap<u32, u32> = told
            .iter()
            .filter_map(|container| Some((container.vmid, container.pid?)))
            .collect();
        let gone =
            |(vmid, container): &(&u32, &Container)| starts.get(vmid) != Some(&container.start);
        let gone: Vec<u32> = self
            .running
            .iter()
            .filter(gone)
            .map(|(vmid, _)| *vmid)
            .collect();
        for vmid in gone {
            if let Some(container) = self.running.remove(&vmid) {
                let _ = fs::remove_file(self.hosts.join(&container.name)).await;
                container.host.stop().await;
            }
        }
        for container in told {
            if let Some(start) = container.pid
                && !self.running.contains_key(&container.vmid)
            {
                let name = container.hostname.clone();
                let begun = self.begin(&container, start).await;
                begun.with_context(|| format!("container {name}"))?;
            }
        }
        Ok(())
    }

    async fn begin(&mut self, told: &Told, start: u32) -> anyhow::Result<()> {
        let net0 = told.options.get("net0").map_or("", String::as_str);
        let parts: BTreeMap<&str, &str> = net0
            .split(',')
            .filter_map(|part| part.split_once('='))
            .collect();
        let mac = parts
            .get("hwaddr")
            .context("it has no hardware address")?
            .to_string();
        let environment = told.options.get("env").map_or("", String::as_str);
        let guest = Guest {
            name: told.hostname.clone(),
            work: Work::Container {
                ip: ip_of(&parts),
                serves: server::of(told.source.as_deref().unwrap_or_default(), environment),
            },
        };
        let plug = Plug {
            switch: self.switch,
            bridge: SITE,
            end: format!("ct{}", told.vmid),
            name: "eth0",
            mac: Some(mac.clone()),
        };
        let mut host = Running::start(&guest, &[plug]).await?;
        if let Some(mut lines) = host.lines() {
            let (control, vmid) = (self.control.clone(), told.vmid);
            tokio::spawn(async move {
                while let Ok(Some(line)) = lines.next_line().await {
                    let addresses: Vec<String> = serde_json::from_str(&line).unwrap_or_default();
                    if let Err(error) = control.see(vmid, &mac, &addresses).await {
                        report(&error);
                    }
                }
            });
        }
        fs::write(self.hosts.join(&guest.name), host.pid.to_string()).await?;
        let container = Container {
            start,
            name: guest.name,
            host,
        };
        self.running.insert(told.vmid, container);
        Ok(())
    }
}

fn report(error: &anyhow::Error) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "holdfast-lab: {error:#}");
}
