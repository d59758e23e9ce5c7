//! The files of nginx: its settings, one file for each service and domain, and the pages that say
//! what is wrong.
//!
//! nginx is started with this folder as its prefix (`-p`), so that everything beside it is named
//! without a path and the same bytes are checked in one place and live in another.

mod http;
mod stream;

use std::collections::BTreeSet;

use askama::Template;

use crate::{
    layout::{Layout, NginxBuild},
    pages,
    snapshot::{Answer, Snapshot, StreamService, Transport},
    tree::{Effect, Tree},
};

/// The first nginx with `http2 on;` in the place of `listen … http2`
/// (<https://nginx.org/en/docs/http/ngx_http_v2_module.html#http2>).
pub const VERSION_OF_HTTP2_DIRECTIVE: (u16, u16, u16) = (1, 25, 1);

impl NginxBuild {
    /// Whether HTTP/2 is asked for by a directive of its own.
    fn http2_directive(&self) -> bool {
        self.version >= VERSION_OF_HTTP2_DIRECTIVE
    }

    /// What asks for it where the host listens, when it is not.
    fn http2_word(&self) -> &'static str {
        if self.http2_directive() { "" } else { " http2" }
    }
}

/// Pages that nginx shows by itself.
const PAGES: [(&str, &str); 5] = [
    ("no-answer.html", pages::NO_ANSWER),
    ("no-sign-in.html", pages::NO_SIGN_IN),
    ("not-found.html", pages::NOT_FOUND),
    ("refused.html", pages::REFUSED),
    ("too-large.html", pages::TOO_LARGE),
];

/// Parts that are the same everywhere.
const PARTS: [(&str, &str); 3] = [
    (
        "answers.conf",
        include_str!("../templates/nginx/answers.conf"),
    ),
    (
        "headers.conf",
        include_str!("../templates/nginx/headers.conf"),
    ),
    (
        "sign-in.conf",
        include_str!("../templates/nginx/sign-in.conf"),
    ),
];

pub(crate) fn render(
    snapshot: &Snapshot,
    layout: &Layout,
    tree: &mut Tree,
) -> Result<(), askama::Error> {
    let mut add = |path: &str, text| tree.add(format!("nginx/{path}"), Effect::ReloadNginx, text);
    add("nginx.conf", Main { layout }.render()?);
    for (name, text) in PARTS {
        add(name, text.to_owned());
    }
    add("default.conf", Default { layout }.render()?);
    add("listen.conf", Listen { layout }.render()?);
    // A service's name may be a domain as well, its own or another of the site.
    let own: BTreeSet<String> = snapshot
        .domains
        .iter()
        .flat_map(|domain| domain.services.iter().map(|service| domain.host(service)))
        .collect();
    for domain in &snapshot.domains {
        let page = http::Domain {
            domain,
            taken: own.contains(domain.name.as_str()),
            layout,
        };
        add(&format!("domains/{}.conf", domain.name), page.render()?);
        for service in &domain.services {
            let service = http::Service {
                domain,
                service,
                layout,
            };
            add(&http_name(&service.host()), service.render()?);
        }
    }
    for service in &snapshot.streams {
        add(
            &stream_name(service),
            stream::Stream { service, layout }.render()?,
        );
    }
    for Answer { token, thumbprint } in &snapshot.answers {
        let text = format!("{token}.{thumbprint}");
        tree.add_exactly(format!("nginx/answers/{token}"), Effect::None, text);
    }
    for (name, text) in PAGES {
        tree.add(format!("nginx/pages/{name}"), Effect::None, text.to_owned());
    }
    Ok(())
}

/// The file of a web service, by its name.
fn http_name(host: &str) -> String {
    format!("services/{host}.conf")
}

/// The file of a port: it is published once for each protocol.
fn stream_name(service: &StreamService) -> String {
    let protocol = match service.transport {
        Transport::Udp => "udp",
        Transport::Tcp | Transport::TcpFromProxy => "tcp",
    };
    format!("streams/{protocol}-{}.conf", service.external)
}

/// The path of a web service's file within the tree.
pub(crate) fn http_path(host: &str) -> String {
    format!("nginx/{}", http_name(host))
}

/// The path of a port's file within the tree.
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
struct Default<'a> {
    layout: &'a Layout,
}

/// Where every server with TLS listens, included by each of them.
#[derive(Template)]
#[template(path = "nginx/listen.conf", escape = "none")]
struct Listen<'a> {
    layout: &'a Layout,
}
