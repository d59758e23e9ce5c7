//! The form of one service and its parser, shared by browser and server.

use serde::{Deserialize, Serialize};

use super::{DesiredTlsName, ServiceEndpoint, ServiceKind, ServiceSpec, ServiceView, TcpOptions};
use crate::{
    FieldError, Fields,
    net::Port,
    publish::{HttpOptions, IdleTimeoutS},
};

/// The form of one service. Fields of other kinds are ignored; an empty field means the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceForm {
    /// `http`, `tcp`, `udp` or `srv`.
    pub kind: String,
    /// The container port.
    pub port: String,
    /// HTTP, TCP with TLS: the label before the domain; empty means the container's name.
    pub label: String,
    /// HTTP, TCP with TLS: one of the site's domains; empty means the default domain.
    pub domain: String,
    /// HTTP: `http`, `https` or `https-verified`; empty means `http`.
    pub backend: String,
    /// HTTP: the maximum size of a request body in MiB.
    pub body: String,
    /// HTTP, TCP, UDP: the idle timeout in seconds.
    pub idle_timeout: String,
    /// HTTP: whether nginx buffers responses.
    pub buffering: bool,
    /// HTTP: whether users must sign in first.
    pub sign_in: bool,
    /// TCP, UDP: the external port; empty means any free port.
    pub external: String,
    /// TCP: whether nginx sends a PROXY protocol header.
    pub proxy_protocol: bool,
    /// TCP: whether the service uses TLS under a hostname.
    pub tls: bool,
    /// SRV: the record's name, relative to the site's own domain.
    pub name: String,
}

impl ServiceForm {
    /// Parses and validates the form.
    ///
    /// # Errors
    /// One error per invalid field.
    pub fn parse(&self) -> Result<ServiceSpec, Vec<FieldError>> {
        let mut fields = Fields::default();
        let kind = fields.parse::<ServiceKind>("kind", &self.kind);
        let port = fields.parse("port", &self.port);
        let spec = kind.and_then(|kind| self.of_kind(kind, port, &mut fields));
        fields.finish(spec)
    }

    fn of_kind(
        &self,
        kind: ServiceKind,
        port: Option<Port>,
        fields: &mut Fields,
    ) -> Option<ServiceSpec> {
        match kind {
            ServiceKind::Http => {
                let label = fields.optional("label", &self.label);
                let domain = fields.optional("domain", &self.domain);
                let options = self.http_options(fields);
                Some(ServiceSpec::Http {
                    port: port?,
                    label: label?,
                    domain: domain?,
                    options: options?,
                })
            }
            ServiceKind::Tcp => {
                let external = self.external(kind, fields);
                let idle_timeout = self.idle_timeout(fields);
                let tls = self.tls(fields);
                Some(ServiceSpec::Tcp {
                    port: port?,
                    external: external?,
                    options: TcpOptions {
                        idle_timeout: idle_timeout?,
                        proxy_protocol: self.proxy_protocol,
                    },
                    tls: tls?,
                })
            }
            ServiceKind::Udp => {
                let external = self.external(kind, fields);
                let idle_timeout = self.idle_timeout(fields);
                Some(ServiceSpec::Udp {
                    port: port?,
                    external: external?,
                    idle_timeout: idle_timeout?,
                })
            }
            ServiceKind::Srv => {
                let name = fields.parse("name", &self.name);
                Some(ServiceSpec::Srv {
                    port: port?,
                    name: name?,
                })
            }
        }
    }

    fn tls(&self, fields: &mut Fields) -> Option<Option<DesiredTlsName>> {
        if !self.tls {
            return Some(None);
        }
        let label = fields.optional("label", &self.label);
        let domain = fields.optional("domain", &self.domain);
        Some(Some(DesiredTlsName {
            label: label?,
            domain: domain?,
        }))
    }

    fn http_options(&self, fields: &mut Fields) -> Option<HttpOptions> {
        let backend = fields.optional("backend", &self.backend);
        let body = fields.optional("body", &self.body);
        let idle_timeout = self.idle_timeout(fields);
        Some(HttpOptions {
            backend: backend?.unwrap_or_default(),
            body: body?.unwrap_or_default(),
            idle_timeout: idle_timeout?,
            buffering: self.buffering,
            sign_in: self.sign_in,
        })
    }

    fn external(&self, kind: ServiceKind, fields: &mut Fields) -> Option<Option<Port>> {
        let external: Option<Port> = fields.optional("external", &self.external)?;
        let used = external.and_then(|port| Some((port, kind.edge_usage(port)?)));
        let Some((port, usage)) = used else {
            return Some(external);
        };
        let message = format!("Edge hosts use port {port} for {usage}. Use another port.");
        fields.add_error("external", message);
        None
    }

    fn idle_timeout(&self, fields: &mut Fields) -> Option<IdleTimeoutS> {
        let idle_timeout = fields.optional("idle_timeout", &self.idle_timeout)?;
        Some(idle_timeout.unwrap_or_default())
    }
}

impl From<&ServiceView> for ServiceForm {
    fn from(service: &ServiceView) -> Self {
        let form = Self {
            kind: service.kind().to_string(),
            port: service.port.to_string(),
            ..Self::default()
        };
        match &service.published {
            ServiceEndpoint::Http {
                label,
                domain,
                options,
            } => Self {
                label: label.to_string(),
                domain: domain.to_string(),
                backend: options.backend.to_string(),
                body: options.body.to_string(),
                idle_timeout: options.idle_timeout.to_string(),
                buffering: options.buffering,
                sign_in: options.sign_in,
                ..form
            },
            ServiceEndpoint::Tcp {
                external,
                options,
                tls,
            } => Self {
                external: external.to_string(),
                idle_timeout: options.idle_timeout.to_string(),
                proxy_protocol: options.proxy_protocol,
                tls: tls.is_some(),
                label: tls
                    .as_ref()
                    .map(|tls| tls.label.to_string())
                    .unwrap_or_default(),
                domain: tls
                    .as_ref()
                    .map(|tls| tls.domain.to_string())
                    .unwrap_or_default(),
                ..form
            },
            ServiceEndpoint::Udp {
                external,
                idle_timeout,
            } => Self {
                external: external.to_string(),
                idle_timeout: idle_timeout.to_string(),
                ..form
            },
            ServiceEndpoint::Srv { name } => Self {
                name: name.to_string(),
                ..form
            },
        }
    }
}
