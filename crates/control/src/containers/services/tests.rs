mod names;

use model::{
    ServiceId, SiteId, UserId,
    domains::{DomainSpec, EntryPoint, Hsts, Publishers},
    publish::{HttpOptions, IdleTimeoutS},
    services::TcpOptions,
    session::CurrentUser,
    sites::{SiteForm, SiteSpec},
    users::Role,
};

use super::*;
use crate::Actor;

const SITE: SiteId = SiteId(1);

fn site() -> SiteRecord {
    let form = SiteForm {
        name: "lab".into(),
        domain: "lab.internal".into(),
        cluster: "1".into(),
        bridge: "vmbr0".into(),
        network: "10.20.0.0/16".into(),
        gateway: "10.20.0.1".into(),
        range: "10.20.0.100-10.20.0.200".into(),
        template_storage: "local".into(),
        volume_storage: "local-lvm".into(),
        vmids: "1000-1999".into(),
        ports: "2000-2002".into(),
        ..SiteForm::default()
    };
    let spec: SiteSpec = form.parse().unwrap();
    SiteRecord {
        id: SITE,
        spec,
        cluster_name: "demo".into(),
    }
}

fn domain(id: i64, name: &str, publishers: Publishers) -> DomainRow {
    DomainRow {
        id: DomainId(id),
        spec: DomainSpec {
            site: SITE,
            name: name.parse().unwrap(),
            sign_in: None,
            forwards_access_token: false,
            hsts: Hsts::Off,
            publishers,
            certificate_source: Default::default(),
            provider: None,
            addresses: false,
        },
        site_name: "lab".parse().unwrap(),
        services: 0,
        certificates: 0,
        attention_count: 0,
    }
}

fn in_use() -> InUse {
    InUse {
        domains: vec![
            domain(1, "example.org", Publishers::Operators),
            domain(2, "example.net", Publishers::AllUsers),
        ],
        ..InUse::default()
    }
}

/// A name that another object holds.
fn held(name: &str, purpose: NamePurpose) -> BTreeMap<QualifiedName, NamePurpose> {
    let domains = ["lab.internal", "example.org", "example.net", "example.com"];
    let below = |domain| Some((name.strip_suffix(domain)?.strip_suffix('.')?, domain));
    let (name, domain) = domains.into_iter().find_map(below).unwrap();
    let name = QualifiedName::of_srv(&name.parse().unwrap(), &domain.parse().unwrap());
    BTreeMap::from([(name, purpose)])
}

fn user(role: Role) -> Actor {
    Actor::User(CurrentUser {
        id: UserId(1),
        name: "ann".parse().unwrap(),
        role,
    })
}

fn port(number: u16) -> Port {
    number.try_into().unwrap()
}

fn tcp(container_port: u16, external: Option<u16>) -> ServiceSpec {
    ServiceSpec::Tcp {
        port: port(container_port),
        external: external.map(port),
        options: TcpOptions::default(),
        tls: None,
    }
}

fn http(label: Option<&str>, domain: Option<&str>) -> ServiceSpec {
    ServiceSpec::Http {
        port: port(80),
        label: label.map(|label| label.parse().unwrap()),
        domain: domain.map(|domain| domain.parse().unwrap()),
        options: HttpOptions::default(),
    }
}

/// Requests services with a role, in a site whose other services occupy `in_use`, for a container
/// that has `current`.
fn allocate(
    role: Role,
    desired: &[ServiceSpec],
    current: &[ServiceView],
    in_use: InUse,
) -> Result<Vec<ServiceBinding>, Error> {
    let manager = "cloud.example.org";
    let allocated = allocate_with_names(role, manager, desired, current, in_use)?;
    let bindings = allocated.bindings.into_iter();
    Ok(bindings.map(|service| service.binding).collect())
}

/// As [`allocate`], with the hostname of the manager. Returns the names of the container, too.
fn allocate_with_names(
    role: Role,
    manager: &str,
    desired: &[ServiceSpec],
    current: &[ServiceView],
    in_use: InUse,
) -> Result<ServiceAllocation, Error> {
    let manager = manager.parse().unwrap();
    let (actor, site, name) = (user(role), site(), "web".parse().unwrap());
    let allocator = ServiceAllocator {
        requester: Requester {
            actor: &actor,
            manager: Some(&manager),
        },
        site: &site,
        container: None,
        name: &name,
        desired,
        current,
    };
    allocator.allocate_from(in_use)
}

fn ports(desired: &[ServiceSpec], tcp: &[u16]) -> Result<Vec<u16>, Error> {
    let in_use = InUse {
        tcp: tcp.iter().copied().collect(),
        ..in_use()
    };
    let allocated = allocate(Role::Member, desired, &[], in_use)?;
    let external = allocated
        .into_iter()
        .filter_map(|allocated| match allocated {
            ServiceBinding::Tcp { external, .. } => Some(external.get()),
            _ => None,
        });
    Ok(external.collect())
}

fn field(outcome: Result<Vec<ServiceBinding>, Error>) -> String {
    outcome.expect_err("expected an error").field_errors()[0]
        .field
        .clone()
}

#[test]
fn requested_ports_are_assigned_before_others_are_chosen() {
    let desired = [tcp(22, None), tcp(25, Some(2000)), tcp(26, None)];
    assert_eq!(ports(&desired, &[]), Ok(vec![2001, 2000, 2002]));
}

#[test]
fn current_port_is_kept_when_another_service_requests_it() {
    let current = |id, container_port, external| ServiceView {
        id: ServiceId(id),
        port: port(container_port),
        published: ServiceEndpoint::Tcp {
            external: port(external),
            options: TcpOptions::default(),
            tls: None,
        },
        entry: EntryPoint::default(),
    };
    let own = [current(1, 22, 2001), current(2, 25, 2000)];
    let external = |desired: &[ServiceSpec]| -> Result<Vec<u16>, Error> {
        let bindings = allocate(Role::Member, desired, &own, in_use())?;
        let external = bindings.iter().map(|binding| match binding {
            ServiceBinding::Tcp { external, .. } => external.get(),
            other => panic!("{other:?}"),
        });
        Ok(external.collect())
    };
    let refused = external(&[tcp(26, Some(2001)), tcp(22, None)]).unwrap_err();
    assert_eq!(refused.field_errors()[0].field, "services.0.external");
    assert_eq!(refused.field_errors()[0].message, "Used by service 2.");
    let twice = external(&[tcp(26, Some(2002)), tcp(27, Some(2002))]).unwrap_err();
    assert_eq!(twice.field_errors()[0].message, "Used by service 1.");
    // The port of a service that was removed, or that requests another one, is free.
    assert_eq!(external(&[tcp(26, Some(2001))]), Ok(vec![2001]));
    let swapped = [tcp(22, Some(2000)), tcp(25, Some(2001))];
    assert_eq!(external(&swapped), Ok(vec![2000, 2001]));
    // Of two services for one container port, the request decides which one keeps the port.
    assert_eq!(
        external(&[tcp(22, None), tcp(22, Some(2001)), tcp(25, None)]),
        Ok(vec![2002, 2001, 2000])
    );
}

#[test]
fn occupied_or_out_of_range_port_is_rejected_at_its_field() {
    let refused = ports(&[tcp(22, Some(2001))], &[2001]).unwrap_err();
    assert_eq!(refused.field_errors()[0].field, "services.0.external");
    assert!(ports(&[tcp(22, Some(3000))], &[]).is_err());
    assert!(ports(&[tcp(1, None), tcp(2, None)], &[2000, 2001]).is_err());
}

#[test]
fn tcp_and_udp_ports_are_independent() {
    let udp = ServiceSpec::Udp {
        port: port(53),
        external: Some(port(2000)),
        idle_timeout: IdleTimeoutS::default(),
    };
    let allocated = allocate(Role::Member, &[tcp(53, Some(2000)), udp], &[], in_use()).unwrap();
    assert_eq!(allocated.len(), 2);
}

#[test]
fn http_service_uses_the_first_domain_the_actor_may_publish_under() {
    let under = |role, desired: ServiceSpec| -> Result<(String, i64), Error> {
        let allocated = allocate(role, &[desired], &[], in_use())?;
        match &allocated[0] {
            ServiceBinding::Http { label, domain, .. } => Ok((label.to_string(), domain.0)),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(under(Role::Member, http(None, None)), Ok(("web".into(), 2)));
    assert_eq!(
        under(Role::Operator, http(None, None)),
        Ok(("web".into(), 1))
    );
    let desired = http(Some("docs"), Some("example.net"));
    assert_eq!(under(Role::Member, desired), Ok(("docs".into(), 2)));
    let others = http(None, Some("example.org"));
    let refused = under(Role::Member, others).unwrap_err();
    assert_eq!(refused.field_errors()[0].field, "services.0.domain");
    let unknown = under(Role::Operator, http(None, Some("example.com"))).unwrap_err();
    assert!(
        unknown
            .to_string()
            .contains("Use example.org or example.net."),
        "{unknown}"
    );
}

#[test]
fn occupied_hostname_is_rejected_only_under_its_own_domain() {
    let in_use = || InUse {
        names: held("wiki.example.net", NamePurpose::Hostname),
        ..in_use()
    };
    let net = Some("example.net");
    for desired in [
        [http(Some("docs"), net), http(Some("wiki"), net)],
        [http(Some("docs"), net), http(Some("docs"), net)],
    ] {
        assert_eq!(
            field(allocate(Role::Operator, &desired, &[], in_use())),
            "services.1.label"
        );
    }
    let other = [http(Some("wiki"), Some("example.org"))];
    assert!(allocate(Role::Operator, &other, &[], in_use()).is_ok());
}

#[test]
fn existing_service_keeps_its_hostname_for_any_editor() {
    let current = |label: &str, domain: &str| ServiceView {
        id: ServiceId(1),
        port: port(80),
        published: ServiceEndpoint::Http {
            label: label.parse().unwrap(),
            domain: domain.parse().unwrap(),
            options: HttpOptions::default(),
        },
        entry: EntryPoint::default(),
    };
    let own = [current("login", "example.org")];
    let same = [http(Some("login"), Some("example.org"))];
    assert!(allocate(Role::Member, &same, &own, in_use()).is_ok());
    assert_eq!(
        field(allocate(Role::Member, &same, &[], in_use())),
        "services.0.domain"
    );
    let moved = [http(Some("login"), Some("example.net"))];
    assert_eq!(
        field(allocate(Role::Member, &moved, &own, in_use())),
        "services.0.label"
    );
    let managers = [http(Some("cloud"), Some("example.org"))];
    assert_eq!(
        field(allocate(Role::Administrator, &managers, &[], in_use())),
        "services.0.label"
    );
}

fn tls(label: Option<&str>, domain: Option<&str>) -> ServiceSpec {
    ServiceSpec::Tcp {
        port: port(5432),
        external: None,
        options: TcpOptions::default(),
        tls: Some(DesiredTlsName {
            label: label.map(|label| label.parse().unwrap()),
            domain: domain.map(|domain| domain.parse().unwrap()),
        }),
    }
}

fn srv(name: &str) -> ServiceSpec {
    ServiceSpec::Srv {
        port: port(80),
        name: name.parse().unwrap(),
    }
}

/// The field of the error for a request in a site where another container has these names.
fn refused_field(desired: &[ServiceSpec], in_use: InUse) -> Option<String> {
    let refused = allocate(Role::Member, desired, &[], in_use).err()?;
    Some(refused.field_errors()[0].field.clone())
}
