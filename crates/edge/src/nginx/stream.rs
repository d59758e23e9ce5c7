//! Server blocks of TCP and UDP services.

use askama::Template;

use crate::{
    layout::{Layout, certificate_file_stem},
    site_config::{StreamService, Tls, Transport},
};

/// The server for a TCP or UDP port.
#[derive(Template)]
#[template(path = "nginx/stream.conf", escape = "none")]
pub(super) struct Stream<'a> {
    pub service: &'a StreamService,
    pub layout: &'a Layout,
}

impl Stream<'_> {
    /// Parameters of the `listen` directive. With `reuseport` each worker has its own UDP socket,
    /// so all datagrams of a client reach the same worker.
    fn listen_parameters(&self) -> &'static str {
        match (self.is_udp(), self.certificate()) {
            (true, _) => " udp reuseport",
            (false, Some(_)) => " ssl",
            (false, None) => "",
        }
    }

    /// The file name of the certificate; none if TLS is not terminated here.
    fn certificate(&self) -> Option<String> {
        self.tls()
            .map(|tls| certificate_file_stem(tls.certificate.as_ref()))
    }

    /// TLS that is terminated here.
    fn tls(&self) -> Option<&Tls> {
        self.service.tls.as_ref().filter(|_| !self.is_udp())
    }

    /// The variable with the backend of the requested hostname.
    fn backend_variable(&self) -> String {
        format!("$holdfast_backend_{}", self.service.external)
    }

    fn is_udp(&self) -> bool {
        self.service.transport == Transport::Udp
    }

    fn sends_proxy_protocol(&self) -> bool {
        self.service.transport == Transport::TcpFromProxy
    }
}
