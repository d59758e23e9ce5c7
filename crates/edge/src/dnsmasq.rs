//! The files of dnsmasq 2.90: addresses, names and records of the site's network.
//!
//! What changes with every container is in lists that it reads again on SIGHUP; SRV records it
//! reads at its start only, so they have a file of their own beside the settings.

use askama::Template;

use crate::{
    layout::Layout,
    snapshot::{Dhcp, Host, Network, Snapshot, Srv},
    tree::{Effect, Tree},
};

pub(crate) fn render(
    snapshot: &Snapshot,
    layout: &Layout,
    tree: &mut Tree,
) -> Result<(), askama::Error> {
    let Snapshot { network, hosts, .. } = snapshot;
    let is_here = |host: &&Host| network.cidr.contains(host.address);
    let mut add = |name: &str, effect, text| tree.add(format!("dnsmasq/{name}"), effect, text);
    let settings = Settings { network, layout };
    add("dnsmasq.conf", Effect::RestartDnsmasq, settings.render()?);
    add(
        "records.conf",
        Effect::RestartDnsmasq,
        lines(
            snapshot
                .records
                .iter()
                .map(|record| service(network, record))
                .chain(
                    hosts
                        .iter()
                        .filter(|host| !is_here(host))
                        .map(|host| elsewhere(network, host)),
                ),
        ),
    );
    add(
        "hosts",
        Effect::ReloadDnsmasq,
        lines(
            hosts
                .iter()
                .filter(is_here)
                .map(|host| format!("{} {}.{}", host.address, host.name, network.domain)),
        ),
    );
    add(
        "reservations",
        Effect::ReloadDnsmasq,
        lines(hosts.iter().filter_map(|host| {
            let mac = host.mac?;
            Some(format!("{mac},{}", host.address))
        })),
    );
    add("options", Effect::ReloadDnsmasq, lines(options(network)));
    add(
        "forwarders",
        Effect::ReloadDnsmasq,
        lines(
            network
                .forwarders
                .iter()
                .map(|address| format!("server={address}")),
        ),
    );
    Ok(())
}

/// Where a service is found.
fn service(network: &Network, record: &Srv) -> String {
    let (domain, port) = (&network.domain, record.port);
    format!(
        "srv-host={}.{domain},{}.{domain},{port},0,0",
        record.name, record.host
    )
}

/// A host whose address is not of the site's network: its name is answered here, and who has the
/// address is for others to say. A line of the lists would answer that too, so it is a bare record
/// (type 1, RFC 1035), and a text: without one that it knows by name dnsmasq says to all other
/// questions that there is no such name.
fn elsewhere(network: &Network, host: &Host) -> String {
    let (name, domain, address) = (&host.name, &network.domain, host.address.to_bits());
    format!(
        "dns-rr={name}.{domain},1,{address:08x}\ntxt-record={name}.{domain},outside {}",
        network.cidr
    )
}

#[derive(Template)]
#[template(path = "dnsmasq.conf", escape = "none")]
struct Settings<'a> {
    network: &'a Network,
    layout: &'a Layout,
}

impl Settings<'_> {
    fn dhcp(&self) -> Option<&Dhcp> {
        self.network.dhcp.as_ref()
    }
}

fn options(network: &Network) -> Vec<String> {
    let mut options = vec![
        format!("option:router,{}", network.gateway),
        format!("option:domain-search,{}", network.domain),
    ];
    if !network.name_servers.is_empty() {
        let servers: Vec<String> = network
            .name_servers
            .iter()
            .map(ToString::to_string)
            .collect();
        options.push(format!("option:dns-server,{}", servers.join(",")));
    }
    options
}

fn lines(lines: impl IntoIterator<Item = String>) -> String {
    let mut text = String::from(HEAD);
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

const HEAD: &str =
    "# Written by Holdfast. A change made here is gone with the next one made there.\n";
