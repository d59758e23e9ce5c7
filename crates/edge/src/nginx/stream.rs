//! What is published on ports.

use askama::Template;

use crate::{
    layout::{Layout, certificate_name},
    snapshot::{StreamService, Tls, Transport},
};

/// A TCP or UDP port.
#[derive(Template)]
#[template(path = "nginx/stream.conf", escape = "none")]
pub(super) struct Stream<'a> {
    pub service: &'a StreamService,
    pub layout: &'a Layout,
}

impl Stream<'_> {
    /// How it listens. Each worker has its own socket for UDP, so that an answer finds its question.
    fn how(&self) -> &'static str {
        match (self.is_udp(), self.certificate()) {
            (true, _) => " udp reuseport",
            (false, Some(_)) => " ssl",
            (false, None) => "",
        }
    }

    /// The files of its certificate; none where it is passed on as it comes.
    fn certificate(&self) -> Option<String> {
        match (&self.service.tls, self.is_udp()) {
            (None, _) | (_, true) => None,
            (Some(Tls::Own), false) => Some(certificate_name(None)),
            (Some(Tls::With(certificate)), false) => Some(certificate_name(Some(certificate))),
        }
    }

    fn is_udp(&self) -> bool {
        self.service.transport == Transport::Udp
    }

    fn tells_client(&self) -> bool {
        self.service.transport == Transport::TcpFromProxy
    }
}
