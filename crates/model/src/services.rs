//! What a container offers to others: web pages under a name, a TCP or UDP port, or a record by
//! which the site's other machines find it.

mod form;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use form::ServiceForm;

use crate::{
    Invalid, ServiceId,
    domains::EntryPoint,
    names::{Domain, Label, SrvName},
    net::Port,
    publish::{HttpOptions, QuietS},
};

/// How a service is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceKind {
    /// HTTP and HTTPS under a name of the site's domain.
    Http,
    /// A TCP port of the site.
    Tcp,
    /// A UDP port of the site.
    Udp,
    /// A record of the site's own names (SRV, RFC 2782): where to find it within the network.
    Srv,
}

impl ServiceKind {
    /// Every kind, in the order of choice.
    pub const ALL: [Self; 4] = [Self::Http, Self::Tcp, Self::Udp, Self::Srv];

    /// The word in forms, the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Srv => "srv",
        }
    }
}

impl fmt::Display for ServiceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ServiceKind {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text.trim())
            .ok_or(Invalid::new("A service is http, tcp, udp or srv."))
    }
}

impl ServiceKind {
    /// What edge hosts themselves do on one of their ports, so that it is for no service; none when
    /// it is free to be given.
    pub fn used_by_edge(self, port: Port) -> Option<&'static str> {
        match (self, port.get()) {
            (Self::Tcp, 80 | 443) => Some("web pages"),
            // HTTP/3 comes by UDP, as soon as the host's nginx speaks it.
            (Self::Udp, 443) => Some("web pages"),
            (Self::Tcp | Self::Udp, 53) => Some("names"),
            (Self::Udp, 67 | 68) => Some("addresses (DHCP)"),
            _ => None,
        }
    }
}

/// A service as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ServiceSpec {
    /// Pages under `label.domain`.
    Http {
        /// The port inside the container.
        port: Port,
        /// The name before the domain; none means the container's name.
        label: Option<Label>,
        /// One of the site's domains; none means the first.
        domain: Option<Domain>,
        /// How it is published.
        options: HttpOptions,
    },
    /// A TCP port.
    Tcp {
        /// The port inside the container.
        port: Port,
        /// The site's port; none means that one is chosen.
        external: Option<Port>,
        /// How it is passed on.
        options: TcpOptions,
        /// Whether it is reached through TLS, under which name.
        #[serde(default)]
        tls: Option<TlsWish>,
    },
    /// A UDP port.
    Udp {
        /// The port inside the container.
        port: Port,
        /// The site's port; none means that one is chosen.
        external: Option<Port>,
        /// How long it may be quiet.
        quiet: QuietS,
    },
    /// A record of the site's own names.
    Srv {
        /// The port inside the container.
        port: Port,
        /// The name before the site's own domain.
        name: SrvName,
    },
}

/// The name under which a port is to be reached through TLS, whose certificate it shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsWish {
    /// The name before the domain; none means the container's name.
    pub label: Option<Label>,
    /// One of the site's domains; none means the first.
    pub domain: Option<Domain>,
}

/// The name under which a port is reached through TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsName {
    /// The name before the domain.
    pub label: Label,
    /// The domain.
    pub domain: Domain,
}

/// How a TCP port is passed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpOptions {
    /// How long it may be quiet.
    pub quiet: QuietS,
    /// Whether the container is told by a line before all else where the client is (the PROXY
    /// protocol, version 1).
    pub tells_client: bool,
}

impl ServiceSpec {
    /// How it is reached.
    pub fn kind(&self) -> ServiceKind {
        match self {
            Self::Http { .. } => ServiceKind::Http,
            Self::Tcp { .. } => ServiceKind::Tcp,
            Self::Udp { .. } => ServiceKind::Udp,
            Self::Srv { .. } => ServiceKind::Srv,
        }
    }

    /// The port inside the container.
    pub fn port(&self) -> Port {
        match self {
            Self::Http { port, .. }
            | Self::Tcp { port, .. }
            | Self::Udp { port, .. }
            | Self::Srv { port, .. } => *port,
        }
    }
}

/// How a service is published, with what was given to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Published {
    /// Pages under `label.domain`.
    Http {
        /// The name before the domain.
        label: Label,
        /// The domain.
        domain: Domain,
        /// How.
        options: HttpOptions,
    },
    /// A TCP port.
    Tcp {
        /// The site's port.
        external: Port,
        /// How it is passed on.
        options: TcpOptions,
        /// The name under which it is reached through TLS; none where it is passed on as it comes.
        #[serde(default)]
        tls: Option<TlsName>,
    },
    /// A UDP port.
    Udp {
        /// The site's port.
        external: Port,
        /// How long it may be quiet.
        quiet: QuietS,
    },
    /// A record of the site's own names.
    Srv {
        /// The name before the site's own domain.
        name: SrvName,
    },
}

impl Published {
    /// How it is reached.
    pub fn kind(&self) -> ServiceKind {
        match self {
            Self::Http { .. } => ServiceKind::Http,
            Self::Tcp { .. } => ServiceKind::Tcp,
            Self::Udp { .. } => ServiceKind::Udp,
            Self::Srv { .. } => ServiceKind::Srv,
        }
    }

    /// The site's port, for TCP and UDP.
    pub fn external(&self) -> Option<Port> {
        match self {
            Self::Tcp { external, .. } | Self::Udp { external, .. } => Some(*external),
            Self::Http { .. } | Self::Srv { .. } => None,
        }
    }
}

/// A service with what was given to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceView {
    /// The service.
    pub id: ServiceId,
    /// The port inside the container.
    pub port: Port,
    /// How it is published.
    pub published: Published,
    /// How browsers reach the web pages under its domain.
    #[serde(default)]
    pub entry: EntryPoint,
}

/// How a service is published by its site's edge hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Publication {
    /// Edge hosts have not said yet that they serve it as it should be.
    Publishing,
    /// All edge hosts that are in contact do.
    Live,
    /// It is not published, or not as it should be.
    Blocked {
        /// Why, and what to do.
        why: String,
    },
}

impl ServiceView {
    /// How it is reached.
    pub fn kind(&self) -> ServiceKind {
        self.published.kind()
    }

    /// Where it is reached: `https://web.example.org`, `example.org:2001/udp` or
    /// `_sip._tcp.example.org`; `site` is the domain of the site's own names.
    pub fn place(&self, site: &Domain) -> String {
        match &self.published {
            Published::Http { label, domain, .. } => self.entry.url(&format!("{label}.{domain}")),
            Published::Tcp {
                external,
                tls: Some(TlsName { label, domain }),
                ..
            } => format!("{label}.{domain}:{external}/tls"),
            Published::Tcp { external, .. } => format!("{site}:{external}/tcp"),
            Published::Udp { external, .. } => format!("{site}:{external}/udp"),
            Published::Srv { name } => format!("{name}.{site}"),
        }
    }

    /// The service as it should be, with all that was given.
    pub fn spec(&self) -> ServiceSpec {
        let port = self.port;
        match self.published.clone() {
            Published::Http {
                label,
                domain,
                options,
            } => ServiceSpec::Http {
                port,
                label: Some(label),
                domain: Some(domain),
                options,
            },
            Published::Tcp {
                external,
                options,
                tls,
            } => ServiceSpec::Tcp {
                port,
                external: Some(external),
                options,
                tls: tls.map(|TlsName { label, domain }| TlsWish {
                    label: Some(label),
                    domain: Some(domain),
                }),
            },
            Published::Udp { external, quiet } => ServiceSpec::Udp {
                port,
                external: Some(external),
                quiet,
            },
            Published::Srv { name } => ServiceSpec::Srv { port, name },
        }
    }
}
