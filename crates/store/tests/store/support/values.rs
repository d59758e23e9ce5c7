//! Valid values for rows.

use model::{
    ClusterId, DomainId,
    clusters::ApiUrl,
    containers::ContainerSpec,
    publish::HttpOptions,
    services::TcpOptions,
    sites::SiteSpec,
    text::FullName,
    users::{DecidedState, Limits, Role, UserValues},
};
use store::{
    clusters::{ConnectionSettings, PinnedCertificates},
    containers::{BoundService, ServiceBinding},
    users::NewUser,
};

/// Parses a valid value.
pub fn parse<T: std::str::FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

pub fn new_user(name: &str, role: Role) -> NewUser {
    NewUser {
        values: user_values(name, role),
        state: DecidedState::Active,
        password_hash: format!("hash of {name}"),
    }
}

pub fn user_values(name: &str, role: Role) -> UserValues {
    UserValues {
        name: parse(name),
        full_name: FullName::default(),
        email: parse(&format!("{name}@example.org")),
        role,
        limits: Limits::default(),
        access_ends: None,
    }
}

/// The connection settings of a cluster with one pinned certificate.
pub fn access(name: &str) -> ConnectionSettings {
    let url = "https://pve1.example.org:8006".parse::<ApiUrl>().unwrap();
    ConnectionSettings {
        name: name.to_owned(),
        pinned_certificates: PinnedCertificates::from([(
            url.clone(),
            "ab".repeat(32).parse().unwrap(),
        )]),
        url,
        account: "root@pam!holdfast".parse().unwrap(),
        secret: "geheim".to_owned(),
    }
}

pub fn site_spec(name: &str, cluster: ClusterId) -> SiteSpec {
    SiteSpec {
        name: parse(name),
        domain: parse(&format!("{name}.example.org")),
        cluster,
        bridge: parse("vmbr0"),
        network: parse("10.20.0.0/16"),
        gateway: parse("10.20.0.1"),
        range: parse("10.20.0.100-10.20.1.99"),
        template_storage: parse("local"),
        volume_storage: parse("local-lvm"),
        vmids: parse("1000-1999"),
        ports: parse("2000-2999"),
        forwarders: Default::default(),
        dynamic_range: None,
        public_v4: None,
        public_v6: None,
        registries: Default::default(),
        image_quota: parse("50"),
        port_access: Default::default(),
    }
}

pub fn spec() -> ContainerSpec {
    ContainerSpec {
        source: parse("debian-12-standard_12.7-1_amd64.tar.zst"),
        cores: parse("2"),
        memory: parse("512"),
        disk: parse("8"),
        docker: false,
        env: parse(""),
        entrypoint: None,
        description: None,
        services: Vec::new(),
    }
}

pub fn http(domain: DomainId, port: &str, label: &str) -> BoundService {
    BoundService {
        container_port: parse(port),
        binding: ServiceBinding::Http {
            label: parse(label),
            domain,
            options: HttpOptions::default(),
        },
    }
}

pub fn tcp(port: &str, external: &str) -> BoundService {
    BoundService {
        container_port: parse(port),
        binding: ServiceBinding::Tcp {
            external: parse(external),
            options: TcpOptions::default(),
            tls: None,
        },
    }
}
