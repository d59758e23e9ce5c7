//! Edge hosts of either kind.

use edge::{Layout, NginxBuild};

use crate::example::of;

pub fn layout() -> Layout {
    Layout {
        live: of("/var/lib/holdfast-agent/live"),
        state: of("/var/lib/holdfast-agent/state"),
        run: of("/run"),
        log: of("/var/log/nginx"),
        tls: of("/var/lib/holdfast-agent/tls"),
        interface: of("eth1"),
        ipv6: true,
        resolvers: vec![of("192.0.2.53")],
        nginx_user: of("www-data"),
        nginx: NginxBuild {
            version: (1, 22, 1),
            http3: false,
            stream_module: Some(of("/usr/lib/nginx/modules/ngx_stream_module.so")),
        },
    }
}

/// A host with the newest nginx.
pub fn new_layout() -> Layout {
    Layout {
        nginx: NginxBuild {
            version: (1, 26, 3),
            http3: true,
            stream_module: None,
        },
        ipv6: false,
        ..layout()
    }
}
