//! Renders the configuration of dnsmasq 2.90: addresses, names and records of the site's network.
//!
//! Data that changes with every container is in list files, which dnsmasq reloads on SIGHUP. dnsmasq
//! reads SRV records only at startup, so they are in a separate configuration file.

use askama::Template;

use crate::{
    layout::Layout,
    site_config::{Dhcp, Host, Network, SiteConfig, Srv},
    tree::{Effect, Tree},
};

pub(crate) fn render(
    site: &SiteConfig,
    layout: &Layout,
    tree: &mut Tree,
) -> Result<(), askama::Error> {
    let SiteConfig { network, hosts, .. } = site;
    let in_network = |host: &&Host| network.cidr.contains(host.address);
    let mut add = |name: &str, effect, text| tree.add(format!("dnsmasq/{name}"), effect, text);
    let config = Config { network, layout };
    add("dnsmasq.conf", Effect::RestartDnsmasq, config.render()?);
    add(
        "records.conf",
        Effect::RestartDnsmasq,
        render_lines(
            site.records
                .iter()
                .map(|record| srv_record(network, record))
                .chain(
                    hosts
                        .iter()
                        .filter(|host| !in_network(host))
                        .map(|host| external_host(network, host)),
                ),
        ),
    );
    add(
        "hosts",
        Effect::ReloadDnsmasq,
        render_lines(
            hosts
                .iter()
                .filter(in_network)
                .map(|host| format!("{} {}.{}", host.address, host.name, network.domain)),
        ),
    );
    add(
        "reservations",
        Effect::ReloadDnsmasq,
        render_lines(hosts.iter().filter_map(|host| {
            let mac = host.mac?;
            Some(format!("{mac},{}", host.address))
        })),
    );
    add(
        "options",
        Effect::ReloadDnsmasq,
        render_lines(dhcp_options(network)),
    );
    add(
        "forwarders",
        Effect::ReloadDnsmasq,
        render_lines(
            network
                .forwarders
                .iter()
                .map(|address| format!("server={address}")),
        ),
    );
    Ok(())
}

/// The SRV record of a service.
fn srv_record(network: &Network, record: &Srv) -> String {
    let (domain, port) = (&network.domain, record.port);
    format!(
        "srv-host={}.{domain},{}.{domain},{port},0,0",
        record.name, record.host
    )
}

/// The records of a host whose address is outside the site's network. The name resolves here, but
/// reverse lookups of the address are left to its own network. A line in `hosts` would answer the
/// reverse lookup too, so the address is a raw A record (type 1, RFC 1035). The TXT record makes the
/// name known to dnsmasq, which otherwise answers NXDOMAIN to queries of all other types.
fn external_host(network: &Network, host: &Host) -> String {
    let (name, domain, address) = (&host.name, &network.domain, host.address.to_bits());
    format!(
        "dns-rr={name}.{domain},1,{address:08x}\ntxt-record={name}.{domain},outside {}",
        network.cidr
    )
}

#[derive(Template)]
#[template(path = "dnsmasq.conf", escape = "none")]
struct Config<'a> {
    network: &'a Network,
    layout: &'a Layout,
}

impl Config<'_> {
    fn dhcp(&self) -> Option<&Dhcp> {
        self.network.dhcp.as_ref()
    }
}

fn dhcp_options(network: &Network) -> Vec<String> {
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

fn render_lines(lines: impl IntoIterator<Item = String>) -> String {
    let mut text = String::from(HEADER);
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

const HEADER: &str =
    "# Written by Holdfast. A change made here is gone with the next one made there.\n";
