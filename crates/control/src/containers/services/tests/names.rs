//! Names that other objects hold, and reserved names.

use super::*;

#[test]
fn hostname_for_tls_of_another_container_is_refused() {
    let taken = || InUse {
        names: held("wiki.example.net", NamePurpose::Hostname),
        ..in_use()
    };
    let label = Some("services.0.label".to_owned());
    assert_eq!(refused_field(&[tls(Some("wiki"), None)], taken()), label);
    assert_eq!(refused_field(&[http(Some("wiki"), None)], taken()), label);
    assert_eq!(refused_field(&[tls(Some("wiki2"), None)], taken()), None);
}

#[test]
fn hostname_of_another_container_is_refused_for_tls_despite_own_label_in_another_domain() {
    let mut taken = in_use();
    taken
        .domains
        .push(domain(3, "example.com", Publishers::AllUsers));
    taken.names = held("wiki.example.com", NamePurpose::Hostname);
    let desired = [
        http(Some("wiki"), Some("example.net")),
        tls(Some("wiki"), Some("example.com")),
    ];
    let field = refused_field(&desired, taken);
    assert_eq!(field, Some("services.1.label".to_owned()));
    let desired = [
        http(Some("wiki"), Some("example.net")),
        tls(Some("wiki"), Some("example.net")),
    ];
    assert_eq!(refused_field(&desired, in_use()), None, "its own hostname");
}

#[test]
fn srv_names_are_unique_and_infrastructure_is_reserved() {
    let name = Some("services.0.name".to_owned());
    for reserved in [
        "_ldap._tcp",
        "_ldaps._tcp",
        "_kerberos-master._udp",
        "_ldap._tcp.dc._msdcs",
        "_gc._tcp",
        "wpad",
    ] {
        assert_eq!(
            refused_field(&[srv(reserved)], in_use()),
            name,
            "{reserved}"
        );
        let by_operator = allocate(Role::Operator, &[srv(reserved)], &[], in_use());
        assert!(by_operator.is_ok(), "{reserved}");
    }
    let taken = InUse {
        names: held("_sip._tcp.lab.internal", NamePurpose::Srv),
        ..in_use()
    };
    assert_eq!(refused_field(&[srv("_sip._tcp")], taken), name);
    assert_eq!(refused_field(&[srv("_sip._tcp")], in_use()), None);
}

#[test]
fn own_name_and_parents_of_srv_names_belong_to_one_object() {
    let taken = |name, purpose| InUse {
        names: held(name, purpose),
        ..in_use()
    };
    let own = taken("web.lab.internal", NamePurpose::Node);
    assert_eq!(refused_field(&[], own), Some("name".to_owned()));
    let below = || taken("db.lab.internal", NamePurpose::Container);
    let field = Some("services.0.name".to_owned());
    assert_eq!(refused_field(&[srv("_sql._tcp.db")], below()), field);
    assert_eq!(refused_field(&[srv("db")], below()), field);
    assert_eq!(refused_field(&[srv("_sql._tcp.db2")], below()), None);
}

#[test]
fn allocation_claims_every_name_of_the_container() {
    let site = site();
    let actor = user(Role::Member);
    let desired = [
        http(Some("wiki"), Some("example.net")),
        tls(Some("wiki"), Some("example.net")),
        tcp(22, None),
        srv("_sip._tcp"),
    ];
    let allocator = ServiceAllocator {
        requester: Requester {
            actor: &actor,
            manager: None,
        },
        site: &site,
        container: None,
        name: &"web".parse().unwrap(),
        desired: &desired,
        current: &[],
    };
    let names = allocator
        .allocate_from(InUse {
            tcp: [2000].into(),
            ..in_use()
        })
        .unwrap()
        .names;
    let names: Vec<_> = names
        .iter()
        .map(|(name, purpose)| (name.to_string(), purpose))
        .collect();
    let expected = [
        ("_sip._tcp.lab.internal", NamePurpose::Srv),
        ("web.lab.internal", NamePurpose::Container),
        ("wiki.example.net", NamePurpose::Hostname),
    ];
    assert_eq!(
        names,
        expected.map(|(name, purpose)| (name.to_owned(), purpose))
    );
    let candidates = allocator.candidates(&in_use().domains);
    assert!(
        expected
            .iter()
            .all(|(name, _)| candidates.iter().any(|it| it.as_str() == *name))
    );
}

#[test]
fn name_above_an_srv_record_of_another_container_is_refused() {
    let taken = InUse {
        below: below("web"),
        ..in_use()
    };
    assert_eq!(refused_field(&[], taken), Some("name".to_owned()));
}

/// Another container holds an SRV name below this label in the site's domain.
fn below(label: &str) -> BTreeMap<QualifiedName, QualifiedName> {
    let held = |name: String| held(&name, NamePurpose::Srv).into_keys();
    let above = held(format!("{label}.lab.internal"));
    above
        .zip(held(format!("_http._tcp.{label}.lab.internal")))
        .collect()
}

#[test]
fn hostname_above_an_srv_record_of_another_container_is_refused() {
    let taken = || {
        let mut taken = in_use();
        let own = domain(3, "lab.internal", Publishers::AllUsers);
        taken.domains.push(own);
        taken.below = below("shop");
        taken
    };
    let own = Some("lab.internal");
    let field = Some("services.0.label".to_owned());
    for desired in [http(Some("shop"), own), tls(Some("shop"), own)] {
        assert_eq!(refused_field(&[desired], taken()), field);
    }
    assert_eq!(refused_field(&[http(Some("shops"), own)], taken()), None);
    let other = http(Some("shop"), Some("example.net"));
    assert_eq!(refused_field(&[other], taken()), None);
}

#[test]
fn hostname_of_a_sign_in_is_refused_for_every_purpose() {
    let refused = |name: &str, service: Option<ServiceSpec>| {
        let services: Vec<ServiceSpec> = service.into_iter().collect();
        let taken = InUse {
            sign_ins: held(name, NamePurpose::Host).into_keys().collect(),
            ..in_use()
        };
        refused_field(&services, taken)
    };
    assert_eq!(refused("web.lab.internal", None), Some("name".to_owned()));
    let net = Some("example.net");
    let label = Some("services.0.label".to_owned());
    for service in [http(Some("id"), net), tls(Some("id"), net)] {
        assert_eq!(refused("id.example.net", Some(service)), label);
    }
    let own_label = http(None, net);
    assert_eq!(refused("web.example.net", Some(own_label)), label);
    let name = Some("services.0.name".to_owned());
    for record in ["id", "_http._tcp.id"] {
        assert_eq!(refused("id.lab.internal", Some(srv(record))), name);
    }
    let other = http(Some("id2"), net);
    assert_eq!(refused("id.example.net", Some(other)), None);
}

#[test]
fn srv_names_below_that_of_the_manager_are_refused() {
    let is_refused = |record: &str| {
        let (role, manager) = (Role::Administrator, "cloud.lab.internal");
        allocate_with_names(role, manager, &[srv(record)], &[], in_use()).is_err()
    };
    assert!(is_refused("_https._tcp.cloud") && is_refused("cloud"));
    assert!(!is_refused("_https._tcp.clouds") && !is_refused("_https._tcp"));
}

#[test]
fn granted_hostname_for_tls_does_not_become_one_for_http() {
    let granted = [ServiceView {
        id: ServiceId(1),
        port: port(5432),
        published: ServiceEndpoint::Tcp {
            external: port(2000),
            options: TcpOptions::default(),
            tls: Some(model::services::TlsName {
                label: "login".parse().unwrap(),
                domain: "example.net".parse().unwrap(),
            }),
        },
        entry: EntryPoint::default(),
    }];
    let allocate = |service| allocate(Role::Member, &[service], &granted, in_use());
    assert!(allocate(tls(Some("login"), Some("example.net"))).is_ok());
    let field = allocate(http(Some("login"), Some("example.net"))).unwrap_err();
    assert_eq!(field.field_errors()[0].field, "services.0.label");
}
