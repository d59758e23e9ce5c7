//! What is published on ports.

use askama::Template;

use crate::{
    layout::Layout,
    snapshot::{StreamService, Transport},
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
        if self.is_udp() { " udp reuseport" } else { "" }
    }

    fn is_udp(&self) -> bool {
        self.service.transport == Transport::Udp
    }

    fn tells_client(&self) -> bool {
        self.service.transport == Transport::TcpFromProxy
    }
}
