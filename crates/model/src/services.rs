//! Services of a container: HTTP under a hostname, a TCP or UDP port, or an SRV record for clients
//! in the site.

mod form;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use form::ServiceForm;

use crate::{
    Invalid, ServiceId,
    domains::EntryPoint,
    names::{Domain, Label, SrvName},
    net::Port,
    publish::{HttpOptions, IdleTimeoutS},
};

/// The kind of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceKind {
    /// HTTP and HTTPS under a hostname of one of the site's domains.
    Http,
    /// A TCP port on the edge hosts.
    Tcp,
    /// A UDP port on the edge hosts.
    Udp,
    /// An SRV record in the site's own domain (RFC 2782), for clients in the network.
    Srv,
}

impl ServiceKind {
    /// Every kind, in the order of forms.
    pub const ALL: [Self; 4] = [Self::Http, Self::Tcp, Self::Udp, Self::Srv];

    /// The name in forms and the database.
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
            .ok_or(Invalid::new("Use http, tcp, udp or srv."))
    }
}

impl ServiceKind {
    /// What the edge hosts themselves use this external port for, so that no service can; `None` if
    /// the port is free.
    pub fn edge_usage(self, port: Port) -> Option<&'static str> {
        match (self, port.get()) {
            (Self::Tcp, 80 | 443) => Some("HTTP and HTTPS"),
            // HTTP/3 uses UDP, on hosts whose nginx supports it.
            (Self::Udp, 443) => Some("HTTP/3"),
            (Self::Tcp | Self::Udp, 53) => Some("DNS"),
            (Self::Udp, 67 | 68) => Some("DHCP"),
            _ => None,
        }
    }
}

/// The desired state of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ServiceSpec {
    /// HTTP under `label.domain`.
    Http {
        /// The container port.
        port: Port,
        /// The label before the domain; `None` means the container's name.
        label: Option<Label>,
        /// One of the site's domains; `None` means the default domain.
        domain: Option<Domain>,
        /// The publishing options.
        options: HttpOptions,
    },
    /// A TCP port.
    Tcp {
        /// The container port.
        port: Port,
        /// The external port; `None` means any free port.
        external: Option<Port>,
        /// The publishing options.
        options: TcpOptions,
        /// The hostname for TLS; `None` means no TLS.
        #[serde(default)]
        tls: Option<DesiredTlsName>,
    },
    /// A UDP port.
    Udp {
        /// The container port.
        port: Port,
        /// The external port; `None` means any free port.
        external: Option<Port>,
        /// How long nginx keeps a session without datagrams.
        idle_timeout: IdleTimeoutS,
    },
    /// An SRV record in the site's own domain.
    Srv {
        /// The container port.
        port: Port,
        /// The record's name, relative to the site's own domain.
        name: SrvName,
    },
}

/// The desired hostname of a TCP service with TLS, whose certificate the edge host serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredTlsName {
    /// The label before the domain; `None` means the container's name.
    pub label: Option<Label>,
    /// One of the site's domains; `None` means the default domain.
    pub domain: Option<Domain>,
}

/// The hostname of a TCP service with TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsName {
    /// The label before the domain.
    pub label: Label,
    /// The domain.
    pub domain: Domain,
}

/// The publishing options of a TCP service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpOptions {
    /// How long nginx keeps a connection open that carries no data.
    pub idle_timeout: IdleTimeoutS,
    /// Whether nginx sends the client's address to the container in a PROXY protocol header
    /// (version 1).
    pub proxy_protocol: bool,
}

impl ServiceSpec {
    /// The kind.
    pub fn kind(&self) -> ServiceKind {
        match self {
            Self::Http { .. } => ServiceKind::Http,
            Self::Tcp { .. } => ServiceKind::Tcp,
            Self::Udp { .. } => ServiceKind::Udp,
            Self::Srv { .. } => ServiceKind::Srv,
        }
    }

    /// The container port.
    pub fn port(&self) -> Port {
        match self {
            Self::Http { port, .. }
            | Self::Tcp { port, .. }
            | Self::Udp { port, .. }
            | Self::Srv { port, .. } => *port,
        }
    }
}

/// The publication of a service, with its allocated name or port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ServiceEndpoint {
    /// HTTP under `label.domain`.
    Http {
        /// The label before the domain.
        label: Label,
        /// The domain.
        domain: Domain,
        /// The publishing options.
        options: HttpOptions,
    },
    /// A TCP port.
    Tcp {
        /// The external port.
        external: Port,
        /// The publishing options.
        options: TcpOptions,
        /// The hostname for TLS; `None` means that the stream is forwarded unchanged.
        #[serde(default)]
        tls: Option<TlsName>,
    },
    /// A UDP port.
    Udp {
        /// The external port.
        external: Port,
        /// How long nginx keeps a session without datagrams.
        idle_timeout: IdleTimeoutS,
    },
    /// An SRV record in the site's own domain.
    Srv {
        /// The record's name, relative to the site's own domain.
        name: SrvName,
    },
}

impl ServiceEndpoint {
    /// The kind.
    pub fn kind(&self) -> ServiceKind {
        match self {
            Self::Http { .. } => ServiceKind::Http,
            Self::Tcp { .. } => ServiceKind::Tcp,
            Self::Udp { .. } => ServiceKind::Udp,
            Self::Srv { .. } => ServiceKind::Srv,
        }
    }

    /// The external port, for TCP and UDP.
    pub fn external(&self) -> Option<Port> {
        match self {
            Self::Tcp { external, .. } | Self::Udp { external, .. } => Some(*external),
            Self::Http { .. } | Self::Srv { .. } => None,
        }
    }
}

/// A service with its allocated name or port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceView {
    /// The service.
    pub id: ServiceId,
    /// The container port.
    pub port: Port,
    /// The allocated name or port.
    pub published: ServiceEndpoint,
    /// The scheme and port of URLs under its domain.
    #[serde(default)]
    pub entry: EntryPoint,
}

/// The state of a service on its site's edge hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum ServicePublishingState {
    /// The edge hosts have not reported the current generation yet.
    Publishing,
    /// All online edge hosts serve the service.
    Live,
    /// No host of the site has joined.
    NoHost,
    /// An edge host refused the service, or no host of the site is online.
    Blocked {
        /// The reason and what to do.
        reason: String,
    },
}

impl ServiceView {
    /// The kind.
    pub fn kind(&self) -> ServiceKind {
        self.published.kind()
    }

    /// The public address: `https://web.example.org`, `example.org:2001/udp` or
    /// `_sip._tcp.example.org`; `site` is the site's own domain.
    pub fn public_address(&self, site: &Domain) -> String {
        match &self.published {
            ServiceEndpoint::Http { label, domain, .. } => {
                self.entry.url(&format!("{label}.{domain}"))
            }
            ServiceEndpoint::Tcp {
                external,
                tls: Some(TlsName { label, domain }),
                ..
            } => format!("{label}.{domain}:{external}/tls"),
            ServiceEndpoint::Tcp { external, .. } => format!("{site}:{external}/tcp"),
            ServiceEndpoint::Udp { external, .. } => format!("{site}:{external}/udp"),
            ServiceEndpoint::Srv { name } => format!("{name}.{site}"),
        }
    }

    /// The desired state, with all allocated values filled in.
    pub fn spec(&self) -> ServiceSpec {
        let port = self.port;
        match self.published.clone() {
            ServiceEndpoint::Http {
                label,
                domain,
                options,
            } => ServiceSpec::Http {
                port,
                label: Some(label),
                domain: Some(domain),
                options,
            },
            ServiceEndpoint::Tcp {
                external,
                options,
                tls,
            } => ServiceSpec::Tcp {
                port,
                external: Some(external),
                options,
                tls: tls.map(|TlsName { label, domain }| DesiredTlsName {
                    label: Some(label),
                    domain: Some(domain),
                }),
            },
            ServiceEndpoint::Udp {
                external,
                idle_timeout,
            } => ServiceSpec::Udp {
                port,
                external: Some(external),
                idle_timeout,
            },
            ServiceEndpoint::Srv { name } => ServiceSpec::Srv { port, name },
        }
    }
}
