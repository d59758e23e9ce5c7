//! What a container offers to others: web pages under a name, or a TCP or UDP port.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    FieldError, Fields, Invalid, ServiceId,
    names::{Domain, Label},
    net::Port,
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
}

impl ServiceKind {
    /// Every kind, in the order of choice.
    pub const ALL: [Self; 3] = [Self::Http, Self::Tcp, Self::Udp];

    /// The word in forms, the API and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
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
            .ok_or(Invalid::new("A service is http, tcp or udp."))
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
        /// The name before the site's domain; none means the container's name.
        label: Option<Label>,
    },
    /// A TCP port.
    Tcp {
        /// The port inside the container.
        port: Port,
        /// The site's port; none means that one is chosen.
        external: Option<Port>,
    },
    /// A UDP port.
    Udp {
        /// The port inside the container.
        port: Port,
        /// The site's port; none means that one is chosen.
        external: Option<Port>,
    },
}

impl ServiceSpec {
    /// How it is reached.
    pub fn kind(&self) -> ServiceKind {
        match self {
            Self::Http { .. } => ServiceKind::Http,
            Self::Tcp { .. } => ServiceKind::Tcp,
            Self::Udp { .. } => ServiceKind::Udp,
        }
    }

    /// The port inside the container.
    pub fn port(&self) -> Port {
        match self {
            Self::Http { port, .. } | Self::Tcp { port, .. } | Self::Udp { port, .. } => *port,
        }
    }
}

/// A service with what was given to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceView {
    /// The service.
    pub id: ServiceId,
    /// How it is reached.
    pub kind: ServiceKind,
    /// The port inside the container.
    pub port: Port,
    /// For HTTP, the name before the domain.
    pub label: Option<Label>,
    /// For TCP and UDP, the site's port.
    pub external: Option<Port>,
}

impl ServiceView {
    /// Where people reach it: `https://web.example.org` or `example.org:2001/udp`.
    pub fn place(&self, domain: &Domain) -> String {
        match (self.kind, &self.label, self.external) {
            (ServiceKind::Http, Some(label), _) => format!("https://{label}.{domain}"),
            (kind, _, Some(port)) => format!("{domain}:{port}/{kind}"),
            (kind, _, None) => kind.to_string(),
        }
    }
}

/// One service as typed into a form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceForm {
    /// `http`, `tcp` or `udp`.
    pub kind: String,
    /// The port inside the container.
    pub port: String,
    /// The name before the site's domain (HTTP); empty means the container's name.
    #[serde(default)]
    pub label: String,
    /// The site's port (TCP, UDP); empty means that one is chosen.
    #[serde(default)]
    pub external: String,
}

impl ServiceForm {
    /// The service, or the refusals by field.
    ///
    /// # Errors
    /// Every field that needs another value.
    pub fn parse(&self) -> Result<ServiceSpec, Vec<FieldError>> {
        let mut fields = Fields::default();
        let kind = fields.parse::<ServiceKind>("kind", &self.kind);
        let port = fields.parse("port", &self.port);
        let spec = match kind {
            Some(ServiceKind::Http) => {
                let label = fields.optional("label", &self.label);
                port.zip(label)
                    .map(|(port, label)| ServiceSpec::Http { port, label })
            }
            Some(kind) => {
                let external = fields.optional("external", &self.external);
                port.zip(external).map(|(port, external)| match kind {
                    ServiceKind::Udp => ServiceSpec::Udp { port, external },
                    _ => ServiceSpec::Tcp { port, external },
                })
            }
            None => None,
        };
        fields.finish(spec)
    }
}

impl From<&ServiceView> for ServiceForm {
    fn from(service: &ServiceView) -> Self {
        Self {
            kind: service.kind.to_string(),
            port: service.port.to_string(),
            label: service
                .label
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            external: service.external.map(|p| p.to_string()).unwrap_or_default(),
        }
    }
}
