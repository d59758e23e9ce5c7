//! What is published under names.

use askama::Template;
use model::publish::Backend;

use crate::{
    layout::{Layout, certificate_name},
    snapshot::{HttpService, PublicDomain},
};

/// What answers under a domain where no service does.
#[derive(Template)]
#[template(path = "nginx/domain.conf", escape = "none")]
pub(super) struct Domain<'a> {
    pub domain: &'a PublicDomain,
    /// Whether a service has the domain itself as its name.
    pub taken: bool,
    pub layout: &'a Layout,
}

impl Domain<'_> {
    /// The domain, unless it is a service's own name, and all names below it.
    fn names(&self) -> String {
        let name = &self.domain.name;
        if self.taken {
            format!("*.{name}")
        } else {
            format!("{name} *.{name}")
        }
    }

    /// The files of its certificate; none where those of the host itself are.
    fn certificate(&self) -> Option<String> {
        let certificate = self.domain.certificate.as_ref()?;
        Some(certificate_name(Some(certificate)))
    }
}

/// A service.
#[derive(Template)]
#[template(path = "nginx/service.conf", escape = "none")]
pub(super) struct Service<'a> {
    pub domain: &'a PublicDomain,
    pub service: &'a HttpService,
    pub layout: &'a Layout,
}

impl Service<'_> {
    pub(super) fn host(&self) -> String {
        self.domain.host(self.service)
    }

    /// The files of its certificate; none where those of the host itself are.
    fn certificate(&self) -> Option<String> {
        let certificate = self.service.certificate.as_ref()?;
        Some(certificate_name(Some(certificate)))
    }

    fn backend(&self) -> String {
        let scheme = match self.service.options.backend {
            Backend::Http => "http",
            Backend::Https | Backend::HttpsVerified => "https",
        };
        format!("{scheme}://{}:{}", self.service.address, self.service.port)
    }

    fn is_tls(&self) -> bool {
        self.service.options.backend != Backend::Http
    }

    fn is_verified(&self) -> bool {
        self.service.options.backend == Backend::HttpsVerified
    }

    /// Who signs people in before they get there.
    fn guard(&self) -> Guard {
        match (&self.domain.sign_in, self.service.options.sign_in) {
            (_, false) => Guard::None,
            (None, true) => Guard::Missing,
            (Some(origin), true) => Guard::At(SignIn {
                address: origin.to_string(),
                host: origin.host(),
            }),
        }
    }
}

/// What stands before a service.
enum Guard {
    /// Nothing.
    None,
    /// A sign-in that the domain does not have: nobody gets there.
    Missing,
    /// The domain's oauth2-proxy.
    At(SignIn),
}

struct SignIn {
    address: String,
    host: String,
}
