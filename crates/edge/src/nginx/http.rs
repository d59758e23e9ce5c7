//! Server blocks of domains and HTTP services.

use askama::Template;
use model::publish::BackendProtocol;

use crate::{
    layout::{Layout, certificate_file_stem},
    site_config::{HttpService, PublicDomain},
};

/// The servers for names of a domain that have no service.
#[derive(Template)]
#[template(path = "nginx/domain.conf", escape = "none")]
pub(super) struct Domain<'a> {
    pub domain: &'a PublicDomain,
    /// Whether the domain itself is the hostname of a service.
    pub is_service: bool,
    pub layout: &'a Layout,
}

impl Domain<'_> {
    /// The `server_name` value: all names below the domain, and the domain unless a service uses
    /// it.
    fn names(&self) -> String {
        let name = &self.domain.name;
        if self.is_service {
            format!("*.{name}")
        } else {
            format!("{name} *.{name}")
        }
    }

    /// The file name of the certificate; none if the host's own certificate is used.
    fn certificate(&self) -> Option<String> {
        let certificate = self.domain.certificate.as_ref()?;
        Some(certificate_file_stem(Some(certificate)))
    }
}

/// The servers for an HTTP service.
#[derive(Template)]
#[template(path = "nginx/service.conf", escape = "none")]
pub(super) struct Service<'a> {
    pub domain: &'a PublicDomain,
    pub service: &'a HttpService,
    pub layout: &'a Layout,
}

impl Service<'_> {
    pub(super) fn hostname(&self) -> String {
        self.domain.hostname(self.service)
    }

    /// The file name of the certificate; none if the host's own certificate is used.
    fn certificate(&self) -> Option<String> {
        let certificate = self.service.certificate.as_ref()?;
        Some(certificate_file_stem(Some(certificate)))
    }

    fn backend(&self) -> String {
        let scheme = match self.service.options.backend {
            BackendProtocol::Http => "http",
            BackendProtocol::Https | BackendProtocol::HttpsVerified => "https",
        };
        format!("{scheme}://{}:{}", self.service.address, self.service.port)
    }

    fn is_tls(&self) -> bool {
        self.service.options.backend != BackendProtocol::Http
    }

    fn is_verified(&self) -> bool {
        self.service.options.backend == BackendProtocol::HttpsVerified
    }

    /// The access control in front of the service.
    fn guard(&self) -> Guard {
        match (&self.domain.sign_in, self.service.options.sign_in) {
            (_, false) => Guard::None,
            (None, true) => Guard::Unavailable,
            (Some(origin), true) => Guard::SignIn(SignIn {
                address: origin.to_string(),
                host: origin.host(),
            }),
        }
    }
}

/// Access control in front of a service.
enum Guard {
    /// No access control.
    None,
    /// The service requires a sign-in, but the domain has none: all requests are denied.
    Unavailable,
    /// The domain's oauth2-proxy authenticates requests.
    SignIn(SignIn),
}

struct SignIn {
    address: String,
    host: String,
}
