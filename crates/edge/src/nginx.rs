//! Renders the nginx configuration: the main file, one file per service and domain, and the error
//! pages.
//!
//! nginx starts with this directory as its prefix (`-p`), so files refer to each other by relative
//! paths and the same bytes can be checked in one directory and served from another.

mod http;
mod stream;

use std::collections::BTreeSet;

use askama::Template;

use crate::{
    layout::{Layout, NginxBuild},
    pages,
    site_config::{ChallengeResponse, PublicDomain, SiteConfig, StreamService, Transport},
    tree::{Effect, Tree},
};

/// The first nginx version with `http2 on;`, which replaces `listen … http2`
/// (<https://nginx.org/en/docs/http/ngx_http_v2_module.html#http2>).
pub const VERSION_OF_HTTP2_DIRECTIVE: (u16, u16, u16) = (1, 25, 1);

impl NginxBuild {
    /// Whether the `http2` directive enables HTTP/2.
    fn has_http2_directive(&self) -> bool {
        self.version >= VERSION_OF_HTTP2_DIRECTIVE
    }

    /// The `listen` parameter that enables HTTP/2 in versions without the `http2` directive.
    fn http2_parameter(&self) -> &'static str {
        if self.has_http2_directive() {
            ""
        } else {
            " http2"
        }
    }
}

/// Error pages by file name.
const ERROR_PAGES: [(&str, &str); 5] = [
    ("forbidden.html", pages::FORBIDDEN),
    ("no-sign-in.html", pages::NO_SIGN_IN),
    ("not-found.html", pages::NOT_FOUND),
    ("too-large.html", pages::TOO_LARGE),
    ("unreachable.html", pages::UNREACHABLE),
];

/// Files with the same content on every host.
const STATIC_FILES: [(&str, &str); 4] = [
    (
        "cookies.conf",
        include_str!("../templates/nginx/cookies.conf"),
    ),
    (
        "headers.conf",
        include_str!("../templates/nginx/headers.conf"),
    ),
    (
        "responses.conf",
        include_str!("../templates/nginx/responses.conf"),
    ),
    (
        "sign-in.conf",
        include_str!("../templates/nginx/sign-in.conf"),
    ),
];

pub(crate) fn render(
    site: &SiteConfig,
    layout: &Layout,
    tree: &mut Tree,
) -> Result<(), askama::Error> {
    let mut add = |path: &str, text| tree.add(format!("nginx/{path}"), Effect::ReloadNginx, text);
    add("nginx.conf", Main { layout }.render()?);
    for (name, text) in STATIC_FILES {
        add(name, text.to_owned());
    }
    add("default.conf", DefaultServer { layout }.render()?);
    add("listen.conf", Listen { layout }.render()?);
    // The hostname of a service may equal a domain of the site.
    let hostnames: BTreeSet<String> = site
        .domains
        .iter()
        .flat_map(|domain| {
            domain
                .services
                .iter()
                .map(|service| domain.hostname(service))
        })
        .collect();
    for domain in &site.domains {
        let servers = http::Domain {
            domain,
            is_service: hostnames.contains(domain.name.as_str()),
            layout,
        };
        add(&domain_name(domain), servers.render()?);
        for service in &domain.services {
            let service = http::Service {
                domain,
                service,
                layout,
            };
            add(&http_name(&service.hostname()), service.render()?);
        }
    }
    for service in &site.streams {
        add(
            &stream_name(service),
            stream::Stream { service, layout }.render()?,
        );
    }
    for ChallengeResponse { token, thumbprint } in &site.challenge_responses {
        let text = format!("{token}.{thumbprint}");
        tree.add_exact(format!("nginx/responses/{token}"), Effect::None, text);
    }
    for (name, text) in ERROR_PAGES {
        tree.add(format!("nginx/pages/{name}"), Effect::None, text.to_owned());
    }
    Ok(())
}

/// The file name of a domain.
fn domain_name(domain: &PublicDomain) -> String {
    format!("domains/{}.conf", domain.name)
}

/// The file name of an HTTP service.
fn http_name(host: &str) -> String {
    format!("services/{host}.conf")
}

/// The file name of a TCP or UDP service. A port can be published once per protocol.
fn stream_name(service: &StreamService) -> String {
    let protocol = match service.transport {
        Transport::Udp => "udp",
        Transport::Tcp | Transport::TcpFromProxy => "tcp",
    };
    format!("streams/{protocol}-{}.conf", service.external)
}

/// The path of a domain's file within the tree.
pub(crate) fn domain_path(domain: &PublicDomain) -> String {
    format!("nginx/{}", domain_name(domain))
}

/// The path of an HTTP service's file within the tree.
pub(crate) fn http_path(host: &str) -> String {
    format!("nginx/{}", http_name(host))
}

/// The path of a TCP or UDP service's file within the tree.
pub(crate) fn stream_path(service: &StreamService) -> String {
    format!("nginx/{}", stream_name(service))
}

#[derive(Template)]
#[template(path = "nginx/nginx.conf", escape = "none")]
struct Main<'a> {
    layout: &'a Layout,
}

#[derive(Template)]
#[template(path = "nginx/default.conf", escape = "none")]
struct DefaultServer<'a> {
    layout: &'a Layout,
}

/// The `listen` directives and error pages that every TLS server includes.
#[derive(Template)]
#[template(path = "nginx/listen.conf", escape = "none")]
struct Listen<'a> {
    layout: &'a Layout,
}
