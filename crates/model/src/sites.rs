//! Sites: a network on a cluster with its domain, addresses and ports.

mod overlap;

use std::{
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use crate::{
    ClusterId, FieldError, Fields, Invalid, SiteId,
    filters::PortAccess,
    names::{BaseDomain, BridgeName, Domain, Label, StorageName},
    net::{AddressRange, Cidr, Forwarders, PortRange, parse_ipv4, parse_ipv6},
    registries::AllowedRegistries,
    sizes::{Bytes, DiskGib},
};

/// The range of VMIDs for a site's containers (`100` to `999999999`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VmidRange {
    /// The lowest.
    pub first: u32,
    /// The highest.
    pub last: u32,
}

impl FromStr for VmidRange {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid =
            || Invalid::new("Enter a VMID range within 100-999999999, such as 1000-1999.");
        let (first, last) = text.split_once('-').ok_or_else(invalid)?;
        let number = |text: &str| text.trim().parse::<u32>().map_err(|_| invalid());
        let (first, last) = (number(first)?, number(last)?);
        if !(100..=999_999_999).contains(&first) || last > 999_999_999 || first > last {
            return Err(invalid());
        }
        Ok(Self { first, last })
    }
}

impl std::fmt::Display for VmidRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// The desired state of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteSpec {
    /// The site's name, part of page URLs.
    pub name: Label,
    /// The domain of its containers' hostnames.
    pub domain: Domain,
    /// The cluster whose nodes run the containers.
    pub cluster: ClusterId,
    /// The bridge for containers.
    pub bridge: BridgeName,
    /// The network of containers and edge hosts.
    pub network: Cidr,
    /// The default gateway.
    pub gateway: Ipv4Addr,
    /// The addresses for containers.
    pub range: AddressRange,
    /// The storage for templates and images.
    pub template_storage: StorageName,
    /// The storage for container disks.
    pub volume_storage: StorageName,
    /// The VMIDs for containers.
    pub vmids: VmidRange,
    /// The external ports for TCP and UDP services.
    pub ports: PortRange,
    /// The upstream DNS servers.
    pub forwarders: Forwarders,
    /// The DHCP range for other machines in the network; `None` means that they get no address.
    pub dynamic_range: Option<AddressRange>,
    /// The public IPv4 address of its edge hosts, for the records of published names.
    pub public_v4: Option<Ipv4Addr>,
    /// The public IPv6 address of its edge hosts.
    pub public_v6: Option<Ipv6Addr>,
    /// The registries that images may be pulled from.
    pub registries: AllowedRegistries,
    /// The disk space for pulled images.
    pub image_quota: DiskGib,
    /// Who reaches the ports of containers directly.
    pub port_access: PortAccess,
}

/// A site, for lists and its page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteRow {
    /// The site.
    pub id: SiteId,
    /// The desired state.
    pub spec: SiteSpec,
    /// The cluster's name.
    pub cluster_name: String,
    /// The number of containers.
    pub containers: u32,
    /// The number of free addresses.
    pub addresses_free: u32,
    /// The size of the pulled images on all nodes.
    pub images: Bytes,
}

/// The form of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteForm {
    /// The site's name.
    pub name: String,
    /// The domain of its containers' hostnames.
    pub domain: String,
    /// The cluster's ID.
    pub cluster: String,
    /// The Linux bridge that containers are attached to, such as `vmbr0`.
    pub bridge: String,
    /// The network, such as `10.20.0.0/16`.
    pub network: String,
    /// The gateway's address.
    pub gateway: String,
    /// The addresses for containers, such as `10.20.0.100-10.20.0.250`.
    pub range: String,
    /// The Proxmox storage for templates and images, such as `local`.
    pub template_storage: String,
    /// The storage for container disks.
    pub volume_storage: String,
    /// The VMIDs, such as `1000-1999`.
    pub vmids: String,
    /// The external ports, such as `2000-2999`.
    pub ports: String,
    /// The upstream DNS servers, such as `192.0.2.53, 198.51.100.53`; may be empty.
    #[serde(default)]
    pub forwarders: String,
    /// The DHCP range for other machines, such as `10.20.9.10-10.20.9.99`; empty means none.
    #[serde(default)]
    pub dynamic_range: String,
    /// The public IPv4 address, such as `198.51.100.7`; may be empty.
    #[serde(default)]
    pub public_v4: String,
    /// The public IPv6 address, such as `2001:db8::7`; may be empty.
    #[serde(default)]
    pub public_v6: String,
    /// The registries that images may be pulled from, such as `docker.io, ghcr.io`; may be empty.
    #[serde(default = "default_registries")]
    pub registries: String,
    /// The disk space for pulled images, such as `50 GiB`.
    #[serde(default = "default_image_quota")]
    pub image_quota: String,
    /// Who reaches the ports of containers directly: `network` or `edge`.
    #[serde(default = "default_port_access")]
    pub port_access: String,
}

fn default_port_access() -> String {
    PortAccess::default().to_string()
}

fn default_image_quota() -> String {
    "50 GiB".to_owned()
}

fn default_registries() -> String {
    AllowedRegistries::DEFAULT.to_owned()
}

impl Default for SiteForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            domain: String::new(),
            cluster: String::new(),
            bridge: String::new(),
            network: String::new(),
            gateway: String::new(),
            range: String::new(),
            template_storage: String::new(),
            volume_storage: String::new(),
            vmids: String::new(),
            ports: String::new(),
            forwarders: String::new(),
            dynamic_range: String::new(),
            public_v4: String::new(),
            public_v6: String::new(),
            registries: default_registries(),
            image_quota: default_image_quota(),
            port_access: default_port_access(),
        }
    }
}

impl SiteForm {
    /// Parses and validates the form.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn parse(&self) -> Result<SiteSpec, Vec<FieldError>> {
        let mut fields = Fields::default();
        let name = fields.parse("name", &self.name);
        if self.name.trim() == "new" {
            fields.add_error("name", "The name new is reserved. Enter another name.");
        }
        let domain = fields.parse::<BaseDomain>("domain", &self.domain);
        let cluster = fields.parse("cluster", &self.cluster);
        let bridge = fields.parse("bridge", &self.bridge);
        let network = fields.parse::<Cidr>("network", &self.network);
        let gateway = fields.record("gateway", parse_ipv4(&self.gateway));
        let range = fields.parse::<AddressRange>("range", &self.range);
        let template_storage = fields.parse("template_storage", &self.template_storage);
        let volume_storage = fields.parse("volume_storage", &self.volume_storage);
        let vmids = fields.parse("vmids", &self.vmids);
        let ports = fields.parse("ports", &self.ports);
        let forwarders = fields.parse("forwarders", &self.forwarders);
        let dynamic_range = fields.optional::<AddressRange>("dynamic_range", &self.dynamic_range);
        let public_v4 = address(&mut fields, "public_v4", &self.public_v4, parse_ipv4);
        let public_v6 = address(&mut fields, "public_v6", &self.public_v6, parse_ipv6);
        let registries = fields.parse("registries", &self.registries);
        let image_quota = fields.parse("image_quota", &self.image_quota);
        let port_access = fields.parse("port_access", &self.port_access);
        if let Some(network) = &network {
            check_addresses(&mut fields, network, range.as_ref(), gateway);
        }
        if let (Some(network), Some(range), Some(Some(dynamic_range))) =
            (&network, &range, &dynamic_range)
        {
            check_dynamic_range(&mut fields, network, range, gateway, dynamic_range);
        }
        let spec = (|| {
            Some(SiteSpec {
                name: name?,
                domain: domain?.into(),
                cluster: cluster?,
                bridge: bridge?,
                network: network?,
                gateway: gateway?,
                range: range?,
                template_storage: template_storage?,
                volume_storage: volume_storage?,
                vmids: vmids?,
                ports: ports?,
                forwarders: forwarders?,
                dynamic_range: dynamic_range?,
                public_v4: public_v4?,
                public_v6: public_v6?,
                registries: registries?,
                image_quota: image_quota?,
                port_access: port_access?,
            })
        })();
        fields.finish(spec)
    }
}

/// Parses an optional address.
fn address<T>(
    fields: &mut Fields,
    field: &str,
    text: &str,
    parse: impl Fn(&str) -> Result<T, Invalid>,
) -> Option<Option<T>> {
    match text.trim() {
        "" => Some(None),
        text => fields.record(field, parse(text)).map(Some),
    }
}

/// Checks that the gateway and the addresses for containers are within the network and differ.
fn check_addresses(
    fields: &mut Fields,
    network: &Cidr,
    range: Option<&AddressRange>,
    gateway: Option<Ipv4Addr>,
) {
    if gateway.is_some_and(|gateway| !network.contains(gateway)) {
        fields.add_error("gateway", format!("The gateway must be within {network}."));
    }
    let Some(range) = range else { return };
    if !range.is_within(network) {
        fields.add_error("range", format!("The range must be within {network}."));
    } else if gateway.is_some_and(|gateway| range.contains(gateway)) {
        fields.add_error("range", "The range must not contain the gateway.");
    }
}

/// Checks the DHCP range for other machines: within the network, without the gateway and the
/// addresses for containers.
fn check_dynamic_range(
    fields: &mut Fields,
    network: &Cidr,
    range: &AddressRange,
    gateway: Option<Ipv4Addr>,
    dynamic_range: &AddressRange,
) {
    if !dynamic_range.is_within(network) {
        fields.add_error(
            "dynamic_range",
            format!("The range must be within {network}."),
        );
    } else if dynamic_range.first() <= range.last() && range.first() <= dynamic_range.last() {
        fields.add_error(
            "dynamic_range",
            format!("The range must not overlap {range}, the addresses for containers."),
        );
    } else if gateway.is_some_and(|gateway| dynamic_range.contains(gateway)) {
        fields.add_error("dynamic_range", "The range must not contain the gateway.");
    }
}

fn text<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

impl From<&SiteSpec> for SiteForm {
    fn from(site: &SiteSpec) -> Self {
        Self {
            name: site.name.to_string(),
            domain: site.domain.to_string(),
            cluster: site.cluster.to_string(),
            bridge: site.bridge.to_string(),
            network: site.network.to_string(),
            gateway: site.gateway.to_string(),
            range: site.range.to_string(),
            template_storage: site.template_storage.to_string(),
            volume_storage: site.volume_storage.to_string(),
            vmids: site.vmids.to_string(),
            ports: site.ports.to_string(),
            forwarders: site.forwarders.to_string(),
            dynamic_range: text(site.dynamic_range),
            public_v4: text(site.public_v4),
            public_v6: text(site.public_v6),
            registries: site.registries.to_string(),
            image_quota: site.image_quota.to_string(),
            port_access: site.port_access.to_string(),
        }
    }
}
