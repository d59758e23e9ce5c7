//! What a container is given from its site: number, addresses, ports. Chosen among what is free and
//! held by the database's constraints; who loses a race chooses again.

use std::{collections::BTreeSet, net::Ipv4Addr};

use model::{
    Error,
    names::Label,
    net::{Mac, Port, PortRange},
    services::{ServiceKind, ServiceSpec, ServiceView},
    sites::SiteSpec,
};
use rand::RngExt as _;
use store::{Conn, containers::GivenService};

/// Hardware addresses of ours begin like those that Proxmox gives (BC:24:11, Proxmox Server
/// Solutions), so that people recognise them.
const MAC_PREFIX: [u8; 3] = [0xBC, 0x24, 0x11];

/// Chooses among free values: the first at the first attempt, any later, so that those who raced
/// for the first do not race again.
pub(super) fn choose<T>(mut free: impl Iterator<Item = T>, attempt: u32) -> Option<T> {
    if attempt == 0 {
        return free.next();
    }
    let mut some: Vec<T> = free.take(256).collect();
    if some.is_empty() {
        return None;
    }
    let index = rand::rng().random_range(0..some.len());
    Some(some.swap_remove(index))
}

/// A free address of the site.
pub(super) fn address(
    site: &SiteSpec,
    taken: &BTreeSet<Ipv4Addr>,
    attempt: u32,
) -> Result<Ipv4Addr, Error> {
    let free = site
        .range
        .iter()
        .filter(|ip| *ip != site.gateway && !taken.contains(ip));
    choose(free, attempt).ok_or_else(|| {
        Error::conflict(format!(
            "{} has no free address left in {}.",
            site.name, site.range
        ))
    })
}

/// A free number on the cluster.
pub(super) fn vmid(
    site: &SiteSpec,
    is_taken: impl Fn(u32) -> bool,
    attempt: u32,
) -> Result<u32, Error> {
    let free = (site.vmids.first..=site.vmids.last).filter(|vmid| !is_taken(*vmid));
    choose(free, attempt).ok_or_else(|| {
        Error::conflict(format!(
            "{} has no free number left in {}.",
            site.name, site.vmids
        ))
    })
}

/// A hardware address that is almost surely unique; the database refuses a double.
pub(super) fn mac() -> Result<Mac, Error> {
    let [a, b, c] = MAC_PREFIX;
    let [d, e, f] = rand::random::<[u8; 3]>();
    Mac::from_octets([a, b, c, d, e, f]).map_err(|e| crate::failure::internal("mac", &e))
}

/// Names and ports for services. Ports that `held` services have already stay theirs.
pub(super) fn services(
    c: &mut Conn,
    site: &store::sites::SiteRecord,
    name: &Label,
    wanted: &[ServiceSpec],
    held: &[ServiceView],
) -> Result<Result<Vec<GivenService>, Error>, store::Error> {
    let mut taken = Taken::default();
    if wanted.iter().any(|service| labelled(service).is_some()) {
        taken.labels = store::containers::taken_labels(c, site.id)?;
        for own in held.iter().filter_map(|service| service.label.as_ref()) {
            taken.labels.remove(own);
        }
    }
    for kind in [ServiceKind::Tcp, ServiceKind::Udp] {
        if wanted.iter().any(|service| service.kind() == kind) {
            let own = held
                .iter()
                .filter(|s| s.kind == kind)
                .filter_map(|s| s.external);
            let mut ports = store::containers::taken_ports(c, site.id, kind)?;
            own.for_each(|port| {
                ports.remove(&port.get());
            });
            *taken.ports(kind) = ports;
        }
    }
    Ok(give(&site.spec.ports, name, wanted, held, taken))
}

/// What services of a site have. The database decides; a look says at which field.
#[derive(Default)]
struct Taken {
    labels: BTreeSet<Label>,
    tcp: BTreeSet<u16>,
    udp: BTreeSet<u16>,
}

impl Taken {
    fn ports(&mut self, kind: ServiceKind) -> &mut BTreeSet<u16> {
        match kind {
            ServiceKind::Udp => &mut self.udp,
            ServiceKind::Http | ServiceKind::Tcp => &mut self.tcp,
        }
    }
}

fn give(
    range: &PortRange,
    name: &Label,
    wanted: &[ServiceSpec],
    held: &[ServiceView],
    mut taken: Taken,
) -> Result<Vec<GivenService>, Error> {
    let mut given = vec![None; wanted.len()];
    // Ports that were asked for are set aside before any is chosen.
    let asked_first = |index: &usize| wanted.get(*index).and_then(asked).is_none();
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(asked_first);
    for index in order {
        let (Some(service), Some(slot)) = (wanted.get(index), given.get_mut(index)) else {
            continue;
        };
        *slot = Some(give_one(range, name, service, held, &mut taken, index)?);
    }
    Ok(given.into_iter().flatten().collect())
}

/// The name that was asked for; the container's own is told at its field.
fn labelled(service: &ServiceSpec) -> Option<&Label> {
    match service {
        ServiceSpec::Http { label, .. } => label.as_ref(),
        ServiceSpec::Tcp { .. } | ServiceSpec::Udp { .. } => None,
    }
}

fn asked(service: &ServiceSpec) -> Option<Port> {
    match service {
        ServiceSpec::Http { .. } => None,
        ServiceSpec::Tcp { external, .. } | ServiceSpec::Udp { external, .. } => *external,
    }
}

fn give_one(
    range: &PortRange,
    name: &Label,
    service: &ServiceSpec,
    held: &[ServiceView],
    taken: &mut Taken,
    index: usize,
) -> Result<GivenService, Error> {
    let (kind, port) = (service.kind(), service.port());
    if let Some(label) = labelled(service)
        && !taken.labels.insert(label.clone())
    {
        let message = "Another service on this site has this name.";
        return Err(Error::field(&format!("services.{index}.label"), message));
    }
    if let ServiceSpec::Http { label, .. } = service {
        let label = Some(label.clone().unwrap_or_else(|| name.clone()));
        return Ok(GivenService {
            kind,
            port,
            label,
            external: None,
        });
    }
    let taken = taken.ports(kind);
    let field = format!("services.{index}.external");
    let kept = held
        .iter()
        .find(|s| s.kind == kind && s.port == port)
        .and_then(|s| s.external);
    let external = match asked(service) {
        Some(external) if !range.contains(external) => {
            return Err(Error::field(
                &field,
                format!("The site gives ports {range}."),
            ));
        }
        Some(external) if taken.contains(&external.get()) => {
            return Err(Error::field(
                &field,
                format!("Port {external} is taken on this site."),
            ));
        }
        Some(external) => external,
        None => kept
            .filter(|port| !taken.contains(&port.get()))
            .or_else(|| range.iter().find(|port| !taken.contains(&port.get())))
            .ok_or_else(|| Error::field(&field, format!("No {kind} port of {range} is free.")))?,
    };
    taken.insert(external.get());
    Ok(GivenService {
        kind,
        port,
        label: None,
        external: Some(external),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(number: u16) -> Port {
        number.to_string().parse().unwrap()
    }

    fn tcp(inner: u16, external: Option<u16>) -> ServiceSpec {
        ServiceSpec::Tcp {
            port: port(inner),
            external: external.map(port),
        }
    }

    fn give_ports(wanted: &[ServiceSpec], taken: &[u16]) -> Result<Vec<u16>, Error> {
        let range = "2000-2002".parse().unwrap();
        let taken = Taken {
            tcp: taken.iter().copied().collect(),
            ..Taken::default()
        };
        give(&range, &"web".parse().unwrap(), wanted, &[], taken).map(|given| {
            given
                .iter()
                .filter_map(|g| g.external)
                .map(|p| p.get())
                .collect()
        })
    }

    #[test]
    fn asked_ports_are_set_aside_before_others_are_chosen() {
        let wanted = [tcp(22, None), tcp(25, Some(2000)), tcp(26, None)];
        assert_eq!(give_ports(&wanted, &[]), Ok(vec![2001, 2000, 2002]));
    }

    #[test]
    fn a_taken_or_foreign_port_is_refused_at_its_field() {
        let refused = give_ports(&[tcp(22, Some(2001))], &[2001]).unwrap_err();
        assert_eq!(refused.fields()[0].field, "services.0.external");
        assert!(give_ports(&[tcp(22, Some(3000))], &[]).is_err());
        assert!(give_ports(&[tcp(1, None), tcp(2, None)], &[2000, 2001]).is_err());
    }

    #[test]
    fn a_taken_name_is_refused_at_its_field() {
        let page = |label: &str| ServiceSpec::Http {
            port: port(80),
            label: Some(label.parse().unwrap()),
        };
        let ask = |wanted: &[ServiceSpec]| {
            let taken = Taken {
                labels: BTreeSet::from(["wiki".parse().unwrap()]),
                ..Taken::default()
            };
            let range = "2000-2002".parse().unwrap();
            give(&range, &"web".parse().unwrap(), wanted, &[], taken)
        };
        for wanted in [[page("docs"), page("wiki")], [page("docs"), page("docs")]] {
            let refused = ask(&wanted).unwrap_err();
            assert_eq!(refused.fields()[0].field, "services.1.label");
        }
        assert!(ask(&[page("docs")]).is_ok());
    }

    #[test]
    fn later_attempts_choose_among_what_is_free() {
        assert_eq!(choose([7, 8].into_iter(), 0), Some(7));
        assert!([7, 8].contains(&choose([7, 8].into_iter(), 1).unwrap()));
        assert_eq!(choose(std::iter::empty::<u8>(), 1), None);
    }
}
